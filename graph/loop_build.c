/* The items of a work as a Loop.
 *
 * Code is made from the stored items backwards, each value once; values that other works have not stored are made
 * again. Stores come after everything else, so a row is read before it is written. Then dims are put in order,
 * PARALLEL before REDUCED, neighbours that every access passes through evenly become one, and where nothing is
 * reduced along the row it takes in the dims before it. */
#include "graph/fuse.h"

#include <assert.h>
#include <string.h>

typedef struct {
  Fuse *fuse;
  Work *work;
  Inst code[LOOP_CODE];
  int made[LOOP_CODE]; // the item of each instruction, or -1
  int count;
  View view[LOOP_ACCESS]; // over the dims of the space; item: whose memory or numbers
  int inst[LOOP_ACCESS];  // the instruction of each access
  Access access[LOOP_ACCESS];
  int accesses;
  PlaceUse place[LOOP_ACCESS];
  int places;
  bool full;
} Builder;

/* ---- code ------------------------------------------------------------------------------------------------------- */

static int code_add(Builder *build, Inst inst, int item) {
  if (build->count == LOOP_CODE) build->full = true;
  if (build->full) return 0;
  build->made[build->count] = item;
  if (item >= 0) build->fuse->inst_of[item] = build->count;
  build->code[build->count] = inst;
  return build->count++;
}

static Inst inst_of_item(const Item *item, InstKind kind) {
  return (Inst){.kind = kind,
                .op = item->op,
                .dtype = item->dtype,
                .a = -1,
                .b = -1,
                .c = -1,
                .access = -1,
                .node = item->node};
}

static int place_find(Builder *build, int item) {
  for (int i = 0; i < build->places; i++)
    if (build->place[i].item == item) return i;
  build->place[build->places] = (PlaceUse){.item = item};
  return build->places++;
}

/* Adds an instruction with an access to the item through the view. */
static int access_add(Builder *build, Inst inst, int item, const View *view) {
  if (build->accesses == LOOP_ACCESS) build->full = true;
  if (build->full) return 0;
  bool memory = inst.kind != LOOP_INDEX && inst.kind != LOOP_RANDOM;
  int index = build->accesses++;
  build->view[index] = *view;
  build->view[index].item = item;
  build->access[index] =
      (Access){.place = memory ? place_find(build, item) : -1, .dtype = build->fuse->item[item].dtype};
  inst.access = index;
  build->inst[index] = build->count;
  return code_add(build, inst, -1);
}

static int emit_access(Builder *build, const View *view) {
  for (int i = 0; i < build->accesses; i++)
    if (build->view[i].item == view->item && build->view[i].offset == view->offset &&
        memcmp(build->view[i].stride, view->stride, sizeof view->stride) == 0)
      return build->inst[i];
  const Item *base = &build->fuse->item[view->item];
  InstKind kind = base->kind == ITEM_INDEX ? LOOP_INDEX : base->kind == ITEM_RANDOM ? LOOP_RANDOM : LOOP_LOAD;
  Inst inst = inst_of_item(base, kind);
  inst.site = kind == LOOP_RANDOM ? base->node->attr.site : 0;
  return access_add(build, inst, view->item, view);
}

static int emit_item(Builder *build, int number);

static int emit_operand(Builder *build, const View *view) {
  const Item *base = &build->fuse->item[view->item];
  if (base->kind == ITEM_NUMBER || base->uniform) return emit_item(build, view->item);
  bool here = view->open && (!base->stored || &build->fuse->work[base->work] == build->work);
  assert((here || base->stored || item_is_source(base)) && "fuse: a value is wanted that was not stored");
  return here ? emit_item(build, view->item) : emit_access(build, view);
}

static int emit_item(Builder *build, int number) {
  const Item *item = &build->fuse->item[number];
  if (build->full) return 0;
  if (build->fuse->inst_of[number] >= 0) return build->fuse->inst_of[number];
  int16_t value[3] = {-1, -1, -1};
  for (int k = 0; k < item->operands; k++) value[k] = (int16_t)emit_operand(build, &item->operand[k]);
  if (item->kind == ITEM_COPY || item->kind == ITEM_OUTER) return value[0];
  InstKind kind = item->kind == ITEM_NUMBER ? LOOP_CONSTANT
                  : item->kind == ITEM_ROW  ? LOOP_REDUCE
                  : item->op == OP_CAST     ? LOOP_CAST
                                            : LOOP_MAP;
  Inst inst = inst_of_item(item, kind);
  inst.a = value[0], inst.b = value[1], inst.c = value[2];
  inst.number = item->number, inst.whole = item->whole;
  return code_add(build, inst, number);
}

static void emit_stores(Builder *build) {
  const Work *work = build->work;
  int value[LOOP_CODE];
  int stores = 0;
  for (int i = 0; i < work->items && !build->full; i++) {
    if (!build->fuse->item[work->item[i]].stored) continue;
    if (stores == LOOP_CODE)
      build->full = true;
    else
      value[stores++] = emit_item(build, work->item[i]);
  }
  for (int i = 0, k = 0; i < work->items && !build->full; i++) {
    const Item *item = &build->fuse->item[work->item[i]];
    if (!item->stored) continue;
    Inst inst = inst_of_item(item, item->kind == ITEM_OUTER ? LOOP_ACCUMULATE : LOOP_STORE);
    inst.a = (int16_t)value[k++];
    inst.partial = item->home != work->item[i];
    access_add(build, inst, item->home, &item->store);
  }
}

/* ---- dims ------------------------------------------------------------------------------------------------------- */

typedef struct {
  int64_t size;
  DimRole role;
} LoopDim;

typedef struct {
  LoopDim dim[MAX_RANK]; // the last is the row
  int count;
  int64_t stride[LOOP_ACCESS][MAX_RANK];
  int accesses;
  bool reduces;
} Shape;

static void shape_drop(Shape *shape, int at) {
  shape->count--;
  for (int i = at; i < shape->count; i++) shape->dim[i] = shape->dim[i + 1];
  for (int k = 0; k < shape->accesses; k++)
    for (int i = at; i < shape->count; i++) shape->stride[k][i] = shape->stride[k][i + 1];
}

/* Would every access go through dims a and b, a outside, as through one? */
static bool shape_even(const Shape *shape, int a, int b) {
  for (int k = 0; k < shape->accesses; k++)
    if (shape->stride[k][a] != shape->stride[k][b] * shape->dim[b].size) return false;
  return true;
}

static void shape_merge(Shape *shape, int a, int b) {
  shape->dim[b].size *= shape->dim[a].size;
  shape_drop(shape, a);
}

static bool row_is_constant(const Shape *shape) {
  for (int k = 0; k < shape->accesses; k++)
    if (shape->stride[k][shape->count - 1] != 0) return false;
  return true;
}

/* Index of the last PARALLEL dim before the row, or -1. */
static int last_parallel(const Shape *shape) {
  int last = shape->count - 2;
  while (last >= 0 && shape->dim[last].role != DIM_PARALLEL) last--;
  return last;
}

static void shape_simplify(Shape *shape) {
  for (int i = shape->count - 2; i > 0; i--)
    if (shape->dim[i - 1].role == shape->dim[i].role && shape_even(shape, i - 1, i))
      shape_merge(shape, i - 1, i);
  if (shape->reduces || shape->count == 0) return;
  if (row_is_constant(shape)) { // nothing but scalars: the dim before is the row
    int last = last_parallel(shape), row = shape->count - 1;
    if (last < 0) {
      shape->dim[row].size = shape->dim[row].size != 0;
    } else {
      shape->dim[row].size = shape->dim[row].size == 0 ? 0 : shape->dim[last].size;
      for (int k = 0; k < shape->accesses; k++) shape->stride[k][row] = shape->stride[k][last];
      shape_drop(shape, last);
    }
  }
  for (int last = last_parallel(shape); last >= 0 && shape_even(shape, last, shape->count - 1);
       last = last_parallel(shape))
    shape_merge(shape, last, shape->count - 1);
}

static void shape_init(Shape *shape, const Builder *build, unsigned reduced) {
  const Space *space = &build->fuse->space[build->fuse->item[build->work->item[0]].space];
  int order[MAX_RANK], count = 0;
  for (int pass = 0; pass < 2; pass++)
    for (int i = 0; i + 1 < space->rank; i++)
      if ((int)(reduced >> i & 1) == pass) order[count++] = i;
  if (space->rank > 0) order[count++] = space->rank - 1;
  shape->count = count;
  shape->accesses = build->accesses;
  for (int i = 0; i < count; i++) {
    shape->dim[i].size = space->size[order[i]];
    shape->dim[i].role = reduced >> order[i] & 1 ? DIM_REDUCED : DIM_PARALLEL;
    for (int k = 0; k < build->accesses; k++) shape->stride[k][i] = build->view[k].stride[order[i]];
  }
}

static Loop *loop_new(const Builder *build, const Shape *shape) {
  Arena *arena = build->fuse->graph->arena;
  Loop *loop = ARENA_NEW(arena, Loop);
  int outer = shape->count > 0 ? shape->count - 1 : 0;
  *loop = (Loop){.rank = outer, .row = shape->count > 0 ? shape->dim[outer].size : 1};
  for (int i = 0; i < outer; i++) loop->extent[i] = shape->dim[i].size, loop->role[i] = shape->dim[i].role;
  loop->access = ARENA_ARRAY(arena, Access, build->accesses + 1);
  loop->accesses = build->accesses;
  for (int k = 0; k < build->accesses; k++) {
    Access *access = &loop->access[k];
    *access = build->access[k];
    access->offset = build->view[k].offset;
    for (int i = 0; i < outer; i++) access->step[i] = shape->stride[k][i];
    if (shape->count > 0) access->stride = shape->stride[k][outer];
  }
  loop->code = ARENA_ARRAY(arena, Inst, build->count + 1);
  loop->count = build->count;
  for (int i = 0; i < build->count; i++) {
    Inst *inst = &loop->code[i];
    *inst = build->code[i];
    const int16_t src[3] = {inst->a, inst->b, inst->c};
    if (inst->kind == LOOP_STORE || inst->kind == LOOP_ACCUMULATE) continue;
    inst->scalar = inst->kind == LOOP_REDUCE || inst->access < 0 || loop->access[inst->access].stride == 0;
    for (int k = 0; k < 3 && inst->kind != LOOP_REDUCE; k++)
      if (src[k] >= 0 && !loop->code[src[k]].scalar) inst->scalar = false;
  }
  return loop;
}

void work_loop(Fuse *fuse, Work *work) {
  Builder build; // large: its arrays are not cleared for every loop
  build.fuse = fuse, build.work = work, build.full = false;
  build.count = build.accesses = build.places = 0;
  emit_stores(&build);
  for (int i = 0; i < build.count; i++)
    if (build.made[i] >= 0) fuse->inst_of[build.made[i]] = -1;
  work->full = build.full;
  if (build.full) return;
  unsigned reduced = 0;
  Shape shape = {.count = 0};
  for (int i = 0; i < work->items; i++) reduced |= fuse->item[work->item[i]].reduced;
  for (int i = 0; i < build.count; i++) shape.reduces = shape.reduces || build.code[i].kind == LOOP_REDUCE;
  shape_init(&shape, &build, reduced);
  shape_simplify(&shape);
  work->loop = loop_new(&build, &shape);
  work->places = build.places;
  work->place = ARENA_ARRAY(fuse->arena, PlaceUse, build.places + 1);
  memcpy(work->place, build.place, sizeof(PlaceUse) * (size_t)build.places);
}
