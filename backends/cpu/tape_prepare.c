/* Loop to Tape: what runs when, in which kernels, and where each value lies.
 *
 * Values that no row changes are made once a part; loads and stores of memory that lies as a tile does become
 * addresses; the rest is given strip registers by liveness. Long rows without reuse of a reduction are cut into
 * chunks. Everything is a function of the loop, so threads never change a result. */
#include "backends/cpu/tape.h"

#include <assert.h>
#include <string.h>

#define TILE_NUMBERS  1024 // numbers in a strip register: a few of them fit the L1 cache
#define TILE_LONGEST  4096 // a row up to this is one tile
#define SPREAD_BELOW  64   // shorter rows: numbers of rows are spread over tiles, not passed one by one
#define ROW_PARTS_MIN 16   // with fewer rows long ones are cut too

typedef struct {
  Cpu *cpu;
  Arena *arena;
  const Step *step;
  const Loop *loop;
  Tape *tape;
  size_t slot_capacity, inst_capacity;
  int value[LOOP_CODE];  // slot of each value of the loop
  int spread[LOOP_CODE]; // its slot spread over the tile, 0 if there is none
  int last_use[LOOP_CODE];
  int direct_store[LOOP_CODE]; // the store that this value is written by itself; -1
  bool copied[LOOP_CODE];      // a load whose memory is overwritten before its last use
  TapePhase phase[LOOP_CODE];
  size_t shared;
} Builder;

/* ---- what the loop is like ---------------------------------------------------------------------------------- */

static bool access_varies_by_row(const Loop *loop, const Access *access) {
  for (int d = 0; d < loop->rank; d++)
    if (access->step[d] != 0 && loop->extent[d] > 1) return true;
  return false;
}

static Extent access_extent(const Loop *loop, const Access *access) {
  Extent extent = access->stride != 0 && loop->row > 1 ? EXTENT_BY_COLUMN : EXTENT_ONE;
  return access_varies_by_row(loop, access) ? extent | EXTENT_BY_ROW : extent;
}

static void tape_accesses(Builder *build) {
  const Loop *loop = build->loop;
  Tape *tape = build->tape;
  tape->access = ARENA_ARRAY(build->arena, TapeAccess, loop->accesses + 1);
  for (int i = 0; i < loop->accesses; i++) {
    const Access *from = &loop->access[i];
    TapeAccess *to = &tape->access[i];
    *to = (TapeAccess){.place = from->place,
                       .size = dtype_size(from->dtype),
                       .offset = from->offset,
                       .stride = loop->row > 1 ? from->stride : 0,
                       .linear = true};
    memcpy(to->step, from->step, sizeof to->step);
    bool found = false;
    int64_t expected = 0;
    for (int d = loop->rank - 1; d >= 0; d--) {
      if (loop->extent[d] == 1) continue;
      if (!found) to->apart = expected = from->step[d];
      found = true;
      if (from->step[d] != expected) to->linear = false;
      expected *= loop->extent[d];
    }
  }
}

static bool inst_uses(const Inst *inst, const bool *marked) {
  const int16_t src[3] = {inst->a, inst->b, inst->c};
  for (int k = 0; k < 3; k++)
    if (src[k] >= 0 && marked[src[k]]) return true;
  return false;
}

/* Rows must be whole where a reduction along one is used along it again. */
static bool loop_reuses_reductions(const Loop *loop) {
  bool reduced[LOOP_CODE] = {false};
  for (int i = 0; i < loop->count; i++) {
    const Inst *inst = &loop->code[i];
    bool depends = inst_uses(inst, reduced);
    if (inst->kind == LOOP_REDUCE && depends) return true;
    if (depends && inst->kind != LOOP_STORE && inst->kind != LOOP_ACCUMULATE && !inst->scalar) return true;
    bool wide = inst->access >= 0 && loop->access[inst->access].stride != 0;
    if (depends && wide && (inst->kind == LOOP_STORE || inst->kind == LOOP_ACCUMULATE)) return true;
    reduced[i] = depends || inst->kind == LOOP_REDUCE;
  }
  return false;
}

static void tape_shape(Builder *build) {
  const Loop *loop = build->loop;
  Tape *tape = build->tape;
  int64_t parallel = 1, reduced = 1;
  for (int d = 0; d < loop->rank; d++) {
    if (loop->role[d] == DIM_REDUCED)
      reduced *= loop->extent[d];
    else
      parallel *= loop->extent[d];
  }
  bool reduces = false;
  for (int i = 0; i < loop->count; i++) {
    tape->accumulates |= loop->code[i].kind == LOOP_ACCUMULATE;
    reduces |= loop->code[i].kind == LOOP_REDUCE;
  }
  tape->rows = parallel * reduced;
  tape->row = loop->row;
  tape->group = tape->accumulates ? reduced : tape->rows;
  tape->groups = tape->accumulates ? parallel : 1;
  tape->chunked = loop->row > TILE_LONGEST && !(reduces && loop_reuses_reductions(loop));
  tape->row_sums = tape->chunked && reduces;
  tape->tile_columns = !tape->chunked ? loop->row : reduces ? SUM_BLOCK : TILE_NUMBERS;
  int64_t fit =
      tape->chunked || loop->row > TILE_NUMBERS ? 1 : TILE_NUMBERS / (loop->row > 0 ? loop->row : 1);
  if (tape->accumulates) {
    int64_t fitting = 1;
    while (fitting * 2 <= fit && fitting < SUM_ROWS) fitting *= 2;
    fit = fitting == SUM_ROWS ? fit / SUM_ROWS * SUM_ROWS : fitting;
  }
  tape->tile_rows = fit < tape->group ? fit : tape->group > 0 ? tape->group : 1;
  if (tape->accumulates && tape->tile_rows > SUM_ROWS) tape->tile_rows -= tape->tile_rows % SUM_ROWS;
  tape->block = tape->accumulates ? SUM_ROWS : tape->tile_rows;
  tape->blocks = (tape->group + tape->block - 1) / tape->block;
}

/* ---- slots and instructions ----------------------------------------------------------------------------------- */

static int tape_slot(Builder *build, Extent extent, DType dtype, int access) {
  Tape *tape = build->tape;
  tape->slot =
      arena_grow(build->arena, tape->slot, (size_t)tape->slots, &build->slot_capacity, sizeof(TapeSlot));
  tape->slot[tape->slots] = (TapeSlot){.extent = extent, .dtype = dtype, .access = access, .last = -1};
  return tape->slots++;
}

static TapeInst *tape_add(Builder *build, TapeKind kind, TapePhase phase, Extent extent) {
  Tape *tape = build->tape;
  tape->inst =
      arena_grow(build->arena, tape->inst, (size_t)tape->count, &build->inst_capacity, sizeof(TapeInst));
  TapeInst *inst = &tape->inst[tape->count++];
  *inst = (TapeInst){.kind = kind, .phase = phase, .extent = extent, .access = -1};
  return inst;
}

/* Does memory of this access lie just as a value of `extent` does in a tile? */
static bool access_is_tile(const Builder *build, int index, Extent extent) {
  const Tape *tape = build->tape;
  const TapeAccess *access = &tape->access[index];
  bool one_row = tape->tile_rows == 1;
  if (extent == EXTENT_ONE) return true;
  if (extent == EXTENT_BY_ROW) return one_row || (access->linear && access->apart == 1);
  if (access->stride != 1) return false;
  if (extent == EXTENT_BY_COLUMN) return one_row;
  return one_row || (access->linear && access->apart == tape->row);
}

/* In chunked loops, and where all rows are one tile, what varies by column is made in every tile. */
static Extent tape_extent(const Builder *build, Extent extent) {
  const Tape *tape = build->tape;
  bool single = tape->chunked || tape->rows <= tape->tile_rows;
  return single && extent == EXTENT_BY_COLUMN ? EXTENT_FULL : extent;
}

static TapePhase tape_phase(const Builder *build, Extent extent) {
  if (extent == EXTENT_ONE || extent == EXTENT_BY_COLUMN) return PHASE_START;
  return build->tape->chunked && extent == EXTENT_BY_ROW ? PHASE_ROW : PHASE_TILE;
}

static bool places_overlap(const Step *step, int a, int b) {
  const Place *x = &step->place[a], *y = &step->place[b];
  if (x->kind != y->kind) return false;
  if (x->kind == PLACE_VARIABLE) return x->variable == y->variable;
  int64_t x_end = x->offset + type_count(&x->type) * (int64_t)dtype_size(x->type.dtype);
  int64_t y_end = y->offset + type_count(&y->type) * (int64_t)dtype_size(y->type.dtype);
  return x->offset < y_end && y->offset < x_end;
}

/* May the store at `index` happen already at `when`? No load may then come later, or be read later. */
static bool store_may_move(const Builder *build, int index, int when) {
  const Loop *loop = build->loop;
  int place = loop->access[loop->code[index].access].place;
  for (int i = 0; i < index; i++) {
    const Inst *load = &loop->code[i];
    if (load->kind == LOOP_STORE && i > when &&
        places_overlap(build->step, place, loop->access[load->access].place))
      return false;
    if (load->kind != LOOP_LOAD || !places_overlap(build->step, place, loop->access[load->access].place))
      continue;
    if (i > when || build->last_use[i] > when) return false;
  }
  return true;
}

static void tape_uses(Builder *build) {
  const Loop *loop = build->loop;
  for (int i = 0; i < loop->count; i++) {
    const Inst *inst = &loop->code[i];
    build->last_use[i] = i;
    build->direct_store[i] = -1;
    const int16_t src[3] = {inst->a, inst->b, inst->c};
    for (int k = 0; k < 3; k++)
      if (src[k] >= 0) build->last_use[src[k]] = i;
  }
  for (int i = 0; i < loop->count; i++) {
    const Inst *inst = &loop->code[i];
    if (inst->kind != LOOP_STORE) continue;
    if (build->direct_store[inst->a] < 0 && store_may_move(build, i, inst->a))
      build->direct_store[inst->a] = i;
    int place = loop->access[inst->access].place;
    for (int j = 0; j < i; j++) {
      const Inst *load = &loop->code[j];
      if (load->kind == LOOP_LOAD && build->last_use[j] > i &&
          places_overlap(build->step, place, loop->access[load->access].place))
        build->copied[j] = true;
    }
  }
}

/* The slot for what instruction `index` makes: the memory of its store, if it may be written there at once. */
static int result_slot(Builder *build, int index, Extent extent, TapePhase phase) {
  const Loop *loop = build->loop;
  const Inst *inst = &loop->code[index];
  int store = build->direct_store[index];
  if (store >= 0 && (phase == PHASE_TILE || phase == PHASE_END) && extent != EXTENT_ONE) {
    const Inst *to = &loop->code[store];
    const Access *access = &loop->access[to->access];
    if (access->dtype == inst->dtype && tape_extent(build, access_extent(loop, access)) == extent &&
        access_is_tile(build, to->access, extent))
      return tape_slot(build, extent, inst->dtype, to->access);
  }
  build->direct_store[index] = -1;
  return tape_slot(build, extent, inst->dtype, -1);
}

/* The slot of value `index` with a number for every element of the tile (or one a row, if `extent` says so). */
static int spread_slot(Builder *build, int index, Extent extent, TapePhase phase) {
  Tape *tape = build->tape;
  Extent have = tape->slot[build->value[index]].extent;
  if (have == extent || (have == EXTENT_BY_COLUMN && extent == EXTENT_FULL) || tape->row == 1)
    if (have != EXTENT_ONE || extent == EXTENT_ONE) return build->value[index];
  if (build->spread[index] > 0 && tape->slot[build->spread[index]].extent == extent)
    return build->spread[index];
  DType dtype = tape->slot[build->value[index]].dtype;
  int slot = tape_slot(build, extent, dtype, -1);
  TapeInst *inst = tape_add(build, TAPE_SPREAD, phase, extent);
  inst->variant = have == EXTENT_ONE ? STRIP_A_ONE : STRIP_PLAIN;
  inst->out = slot;
  inst->a = build->value[index];
  inst->dtype = dtype;
  build->spread[index] = slot;
  return slot;
}

/* ---- one instruction of the loop at a time ---------------------------------------------------------------------- */

static int add_cast(Builder *build, int from, DType dtype, int slot, TapePhase phase) {
  Tape *tape = build->tape;
  TapeInst *inst = tape_add(build, TAPE_MAP, phase, tape->slot[from].extent);
  inst->strip = build->cpu->strips->cast[tape->slot[from].dtype][dtype];
  inst->a = from;
  inst->out = slot > 0 ? slot : tape_slot(build, tape->slot[from].extent, dtype, -1);
  inst->dtype = dtype;
  return tape->inst[tape->count - 1].out;
}

static void add_load(Builder *build, int index) {
  const Loop *loop = build->loop;
  const Inst *from = &loop->code[index];
  const Access *access = &loop->access[from->access];
  Extent extent = tape_extent(build, access_extent(loop, access));
  TapePhase phase = tape_phase(build, extent);
  bool same = access->dtype == from->dtype;
  int slot;
  if (access_is_tile(build, from->access, extent) && !build->copied[index]) {
    slot = tape_slot(build, extent, access->dtype, from->access);
    build->direct_store[index] = -1;
  } else {
    slot = same ? result_slot(build, index, extent, phase) : tape_slot(build, extent, access->dtype, -1);
    TapeInst *inst = tape_add(build, TAPE_LOAD, phase, extent);
    inst->out = slot;
    inst->access = from->access;
    inst->dtype = access->dtype;
  }
  build->value[index] =
      same ? slot : add_cast(build, slot, from->dtype, result_slot(build, index, extent, phase), phase);
}

static void add_source(Builder *build, int index) {
  const Loop *loop = build->loop;
  const Inst *from = &loop->code[index];
  Extent extent = tape_extent(build, access_extent(loop, &loop->access[from->access]));
  TapePhase phase = tape_phase(build, extent);
  bool random = from->kind == LOOP_RANDOM;
  bool plain = random || from->dtype == DTYPE_I32 || from->dtype == DTYPE_I64;
  int slot = plain ? result_slot(build, index, extent, phase) : tape_slot(build, extent, DTYPE_I64, -1);
  TapeInst *inst = tape_add(build, random ? TAPE_RANDOM : TAPE_INDEX, phase, extent);
  inst->out = slot;
  inst->access = from->access;
  inst->dtype = plain ? from->dtype : DTYPE_I64;
  inst->site = from->site;
  build->value[index] =
      plain ? slot : add_cast(build, slot, from->dtype, result_slot(build, index, extent, phase), phase);
}

static void add_constant(Builder *build, int index) {
  const Inst *from = &build->loop->code[index];
  int slot = tape_slot(build, EXTENT_ONE, from->dtype, -1);
  TapeInst *inst = tape_add(build, TAPE_CONSTANT, PHASE_START, EXTENT_ONE);
  inst->out = slot;
  inst->dtype = from->dtype;
  if (dtype_is_float(from->dtype)) {
    build->cpu->strips->cast[DTYPE_F64][from->dtype](&inst->constant, &from->number, NULL, NULL, 1);
  } else {
    build->cpu->strips->cast[DTYPE_I64][from->dtype](&inst->constant, &from->whole, NULL, NULL, 1);
  }
  build->direct_store[index] = -1;
  build->value[index] = slot;
}

static TapePhase operand_phase(const Builder *build, const Inst *inst, Extent extent) {
  TapePhase phase = tape_phase(build, extent);
  const int16_t src[3] = {inst->a, inst->b, inst->c};
  for (int k = 0; k < 3; k++)
    if (src[k] >= 0 && build->phase[src[k]] == PHASE_END) phase = PHASE_END;
  return phase;
}

/* Gives the operand of value `index` to a map of `extent`: as it is, as one number, or spread. */
static int map_operand(Builder *build, int index, Extent extent, bool may_be_one, TapePhase phase, bool *one,
                       bool *by_rows) {
  if (index < 0) return 0;
  const Tape *tape = build->tape;
  Extent have = tape->slot[build->value[index]].extent;
  *one = false;
  if (have == extent || (have == EXTENT_BY_COLUMN && extent == EXTENT_FULL)) return build->value[index];
  if (have == EXTENT_BY_ROW && tape->row == 1) return build->value[index];
  bool rows_pass = have == EXTENT_BY_ROW && (tape->tile_rows == 1 || tape->row >= SPREAD_BELOW);
  if (may_be_one && (have == EXTENT_ONE || rows_pass)) {
    *one = true;
    *by_rows |= have == EXTENT_BY_ROW && tape->tile_rows > 1;
    return build->value[index];
  }
  return spread_slot(build, index, extent, phase);
}

static void add_map(Builder *build, int index) {
  const Inst *from = &build->loop->code[index];
  bool where = from->op == OP_WHERE;
  int a = where ? from->b : from->a, b = where ? from->c : from->b, c = where ? from->a : -1;
  Extent extent = build->tape->slot[build->value[a]].extent;
  if (b >= 0) extent |= build->tape->slot[build->value[b]].extent;
  if (c >= 0) extent |= build->tape->slot[build->value[c]].extent;
  extent = tape_extent(build, extent);
  TapePhase phase = operand_phase(build, from, extent);
  bool a_one = false, b_one = false, c_one = false, by_rows = false;
  int slot_c = map_operand(build, c, extent, false, phase, &c_one, &by_rows);
  int slot_a = map_operand(build, a, extent, b >= 0, phase, &a_one, &by_rows);
  int slot_b = map_operand(build, b, extent, where || !a_one, phase, &b_one, &by_rows);
  DType dtype = build->tape->slot[slot_a].dtype;
  int variant = (a_one ? STRIP_A_ONE : 0) | (b_one ? STRIP_B_ONE : 0);
  int slot = result_slot(build, index, extent, phase);
  TapeInst *inst = tape_add(build, by_rows ? TAPE_MAP_ROWS : TAPE_MAP, phase, extent);
  inst->variant = (StripVariant)variant;
  inst->strip = from->kind == LOOP_CAST ? build->cpu->strips->cast[dtype][from->dtype]
                                        : build->cpu->strips->map[from->op][dtype][variant];
  assert(inst->strip && "tape: a map without a kernel");
  inst->a = slot_a, inst->b = slot_b, inst->c = slot_c, inst->out = slot;
  inst->dtype = from->dtype;
  build->value[index] = slot;
}

static int64_t shared_take(Builder *build, int64_t numbers, DType dtype) {
  size_t at = build->shared;
  build->shared += cpu_round((size_t)numbers * dtype_size(dtype));
  return (int64_t)at;
}

static void add_reduce(Builder *build, int index) {
  const Inst *from = &build->loop->code[index];
  Tape *tape = build->tape;
  int a = tape->row == 1 ? spread_slot(build, from->a, EXTENT_BY_ROW, PHASE_TILE)
                         : spread_slot(build, from->a, EXTENT_FULL, PHASE_TILE);
  Extent extent = tape->rows == 1 && tape->row == 1 ? tape->slot[a].extent : EXTENT_BY_ROW;
  if (extent == EXTENT_ONE) extent = EXTENT_BY_ROW;
  TapePhase phase = tape->chunked ? PHASE_END : PHASE_TILE;
  int64_t shared = 0;
  if (tape->chunked) {
    int64_t blocks = (tape->row + SUM_BLOCK - 1) / SUM_BLOCK;
    shared = shared_take(build, tape->rows * blocks, from->dtype);
    TapeInst *part = tape_add(build, TAPE_REDUCE_PART, PHASE_TILE, EXTENT_FULL);
    part->a = a, part->op = from->op, part->dtype = from->dtype, part->shared = shared;
  }
  int slot = result_slot(build, index, extent, phase);
  TapeInst *inst = tape_add(build, tape->chunked ? TAPE_REDUCE_END : TAPE_REDUCE, phase, extent);
  inst->a = tape->chunked ? 0 : a;
  inst->out = slot, inst->op = from->op, inst->dtype = from->dtype, inst->shared = shared;
  build->value[index] = slot;
  build->phase[index] = phase;
}

static void add_store(Builder *build, int index) {
  const Loop *loop = build->loop;
  const Inst *from = &loop->code[index];
  const Access *access = &loop->access[from->access];
  if (build->direct_store[from->a] == index) return;
  Extent extent = access_extent(loop, access);
  if (extent == EXTENT_BY_COLUMN) extent = EXTENT_FULL;
  if (extent == EXTENT_ONE) extent = build->tape->slot[build->value[from->a]].extent & EXTENT_BY_ROW;
  TapePhase phase = operand_phase(build, from, extent == EXTENT_ONE ? EXTENT_FULL : extent);
  if (phase == PHASE_ROW) phase = PHASE_END;
  int slot = spread_slot(build, from->a, extent, phase);
  if (build->tape->slot[slot].dtype != access->dtype) slot = add_cast(build, slot, access->dtype, 0, phase);
  TapeInst *inst = tape_add(build, TAPE_STORE, phase, extent);
  inst->a = slot;
  inst->access = from->access;
  inst->dtype = access->dtype;
}

static void add_accumulate(Builder *build, int index) {
  const Loop *loop = build->loop;
  const Inst *from = &loop->code[index];
  const Access *access = &loop->access[from->access];
  Tape *tape = build->tape;
  bool wide = access->stride != 0 && tape->row > 1;
  Extent extent = wide ? EXTENT_FULL : EXTENT_BY_ROW;
  TapePhase phase = tape->chunked && !wide ? PHASE_END : PHASE_TILE;
  int slot = spread_slot(build, from->a, extent, phase);
  if (tape->slot[slot].dtype != access->dtype) slot = add_cast(build, slot, access->dtype, 0, phase);
  int64_t width = wide ? tape->row : 1;
  int64_t shared = shared_take(build, tape->groups * tape->blocks * width, access->dtype);
  TapeInst *inst = tape_add(build, TAPE_ACCUMULATE, phase, extent);
  inst->a = slot, inst->op = from->op, inst->dtype = access->dtype, inst->access = from->access;
  inst->width = width, inst->shared = shared;
}

typedef void AddInst(Builder *build, int index);
static AddInst *const add_inst[] = {
    [LOOP_LOAD] = add_load,    [LOOP_STORE] = add_store,   [LOOP_CONSTANT] = add_constant,
    [LOOP_INDEX] = add_source, [LOOP_RANDOM] = add_source, [LOOP_MAP] = add_map,
    [LOOP_CAST] = add_map,     [LOOP_REDUCE] = add_reduce, [LOOP_ACCUMULATE] = add_accumulate,
};

/* ---- order, registers, parts ------------------------------------------------------------------------------------- */

static void tape_sort(Builder *build) {
  Tape *tape = build->tape;
  TapeInst *sorted = ARENA_ARRAY(build->arena, TapeInst, tape->count + 1);
  int count = 0;
  for (int phase = 0; phase < PHASES; phase++) {
    for (int i = 0; i < tape->count; i++)
      if ((int)tape->inst[i].phase == phase) sorted[count++] = tape->inst[i];
    tape->phase_end[phase] = count;
  }
  tape->inst = sorted;
}

static void tape_liveness(Tape *tape) {
  for (int i = 0; i < tape->count; i++) {
    const TapeInst *inst = &tape->inst[i];
    tape->slot[inst->a].last = tape->slot[inst->b].last = tape->slot[inst->c].last = i;
  }
  for (int i = 0; i < tape->count; i++)
    if (tape->inst[i].phase != PHASE_TILE) tape->slot[tape->inst[i].out].last = TAPE_FOREVER;
  for (int i = tape->phase_end[PHASE_TILE]; i < tape->count; i++) {
    const TapeInst *inst = &tape->inst[i];
    tape->slot[inst->a].last = tape->slot[inst->b].last = tape->slot[inst->c].last = TAPE_FOREVER;
  }
}

/* Registers of one size that are free now. */
typedef struct {
  size_t bytes;
  int64_t *at;
  int count;
} FreeList;

static size_t slot_bytes(const Tape *tape, const TapeSlot *slot) {
  int64_t numbers = slot->extent == EXTENT_ONE      ? 1
                    : slot->extent == EXTENT_BY_ROW ? tape->tile_rows
                                                    : tape->tile_rows * tape->tile_columns;
  return cpu_round((size_t)numbers * dtype_size(slot->dtype)) +
         64; // apart: registers must not share cache sets
}

static FreeList *free_list(FreeList *lists, size_t bytes) {
  FreeList *list = lists;
  while (list->bytes != 0 && list->bytes != bytes) list++;
  list->bytes = bytes;
  return list;
}

static void slot_free(const Builder *build, FreeList *lists, int index, int when) {
  TapeSlot *slot = &build->tape->slot[index];
  if (index == 0 || slot->access >= 0 || slot->last != when) return;
  FreeList *list = free_list(lists, slot_bytes(build->tape, slot));
  list->at[list->count++] = slot->reg;
  slot->last = -1;
}

/* An elementwise result may lie where an operand of the same size ends. Returns the bytes of all registers. */
static size_t tape_registers(Builder *build, size_t start) {
  Tape *tape = build->tape;
  FreeList lists[DTYPE_COUNT * 4 + 1] = {{0}};
  for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
    lists[i].at = ARENA_ARRAY(build->arena, int64_t, tape->slots + 1);
  size_t end = start;
  for (int i = 0; i < tape->count; i++) {
    TapeInst *inst = &tape->inst[i];
    const int src[3] = {inst->a, inst->b, inst->c};
    size_t size = dtype_size(tape->slot[inst->out].dtype);
    for (int k = 0; k < 3; k++)
      if (inst->kind == TAPE_MAP && dtype_size(tape->slot[src[k]].dtype) == size)
        slot_free(build, lists, src[k], i);
    TapeSlot *out = &tape->slot[inst->out];
    if (inst->out > 0 && out->access < 0) {
      size_t bytes = slot_bytes(tape, out);
      FreeList *list = free_list(lists, bytes);
      out->reg = list->count > 0 ? list->at[--list->count] : (int64_t)end;
      if (out->reg == (int64_t)end) end += bytes;
    }
    for (int k = 0; k < 3; k++) slot_free(build, lists, src[k], i);
  }
  return end;
}

/* Rough costs on one core, in nanoseconds a number: enough to tell small work from large. */
static double loop_cost(const Loop *loop) {
  double cost = 0.05;
  for (int i = 0; i < loop->count; i++) {
    const Inst *inst = &loop->code[i];
    if (inst->kind == LOOP_LOAD || inst->kind == LOOP_STORE)
      cost += 0.08;
    else if (inst->kind == LOOP_RANDOM)
      cost += 0.5;
    else if (!inst->scalar && inst->kind == LOOP_MAP && inst->op >= OP_EXP && inst->op <= OP_SIGMOID)
      cost += 0.4;
    else if (!inst->scalar)
      cost += 0.05;
  }
  return cost;
}

static void tape_cut(Tape *tape) {
  double cost =
      loop_cost(tape->loop) * (double)tape->rows * (double)(tape->row == 1 || tape->row > 8 ? tape->row : 8);
  int64_t units = tape->groups * tape->blocks;
  int parts = cpu_parts(
      cost, units * ((tape->row + tape->tile_columns) / (tape->tile_columns > 0 ? tape->tile_columns : 1)));
  tape->row_parts = parts < units ? parts : units > 0 ? (int)units : 1;
  tape->column_parts = 1;
  if (tape->chunked && units < ROW_PARTS_MIN && parts > 1) {
    int64_t chunks = (tape->row + tape->tile_columns - 1) / tape->tile_columns;
    int64_t wanted = (parts + tape->row_parts - 1) / tape->row_parts;
    tape->column_parts = (int)(wanted < chunks ? wanted : chunks);
  }
  double combined = (double)tape->groups * (double)tape->blocks * (double)tape->row * 0.3;
  tape->combine_parts =
      tape->accumulates ? cpu_parts(combined, tape->groups * ((tape->row + 1023) / 1024)) : 1;
}

void *tape_prepare(Cpu *cpu, Arena *arena, const Step *step) {
  Builder *build = ARENA_NEW(arena, Builder);
  Tape *tape = ARENA_NEW(arena, Tape);
  build->cpu = cpu, build->arena = arena, build->step = step, build->loop = step->loop, build->tape = tape;
  tape->loop = step->loop;
  tape_shape(build);
  tape_accesses(build);
  tape_slot(build, EXTENT_ONE, DTYPE_U8, -1);
  tape_uses(build);
  for (int i = 0; i < step->loop->count; i++) {
    int first = tape->count;
    add_inst[step->loop->code[i].kind](build, i);
    for (int k = first; k < tape->count; k++)
      if (tape->inst[k].phase == PHASE_END && tape->inst[k].out > 0) build->phase[i] = PHASE_END;
  }
  tape_sort(build);
  tape_liveness(tape);
  tape->slots_bytes = cpu_round((size_t)tape->slots * sizeof(char *));
  size_t worker = tape_registers(build, tape->slots_bytes);
  worker +=
      cpu_round((size_t)(tape->row < 1024 ? tape->row : 1024) * sizeof(double)) + 64; // for combining sums
  tape_cut(tape);
  cpu_need(cpu, worker, build->shared);
  return tape;
}
