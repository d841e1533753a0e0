/* Runs a Tape: parts over the pool, tiles in a part, one strip kernel an instruction.
 *
 * A part is a range of rows, or of rows and columns where rows are few and long. What a part computes depends
 * on its number alone. Sums over rows go to shared memory, one for each block of SUM_ROWS rows, and are added in
 * order when all parts are done. */
#include "backends/cpu/tape.h"

#include "base/random.h"

#include <string.h>

/* One worker's view of the tile it is at. */
typedef struct {
  const Tape *tape;
  const CpuCall *call;
  const StripTable *strips;
  char **at; // of each slot
  char *shared;
  int64_t row, rows; // of the tile: first, count
  int64_t column, columns;
} Frame;

static int64_t access_at(const Tape *tape, const TapeAccess *access, int64_t row) {
  if (access->linear) return access->offset + access->apart * row;
  int64_t at = access->offset;
  for (int d = tape->loop->rank - 1; d >= 0; d--) {
    int64_t extent = tape->loop->extent[d];
    at += access->step[d] * (row % extent);
    row /= extent;
  }
  return at;
}

/* Rows from `row` on that stand at equal distances, `most` at most; *apart is the distance. */
static int64_t access_run(const Tape *tape, const TapeAccess *access, int64_t row, int64_t most,
                          int64_t *apart) {
  int last = tape->loop->rank - 1;
  *apart = access->linear || last < 0 ? access->apart : access->step[last];
  if (access->linear || last < 0) return most;
  int64_t left = tape->loop->extent[last] - row % tape->loop->extent[last];
  return left < most ? left : most;
}

/* Copies between a tensor and a strip whose rows are `columns` apart. */
static void frame_copy(const Frame *frame, const TapeInst *inst, char *strip, bool to_strip) {
  const Tape *tape = frame->tape;
  const TapeAccess *access = &tape->access[inst->access];
  char *base = frame->call->at[access->place];
  bool full = (inst->extent & EXTENT_BY_COLUMN) != 0;
  int64_t columns = full ? frame->columns : 1;
  int64_t rows = inst->extent == EXTENT_ONE ? 1 : frame->rows;
  StripCopy *copy = frame->strips->copy[inst->dtype];
  for (int64_t done = 0, apart = 0, run = 0; done < rows; done += run) {
    run = access_run(tape, access, frame->row + done, rows - done, &apart);
    int64_t at = access_at(tape, access, frame->row + done) + (full ? access->stride * frame->column : 0);
    StripPlane memory = {base + at * (int64_t)access->size, apart, access->stride};
    StripPlane local = {strip + done * columns * (int64_t)access->size, columns, 1};
    if (columns == 1) { // one long row is faster than many of one number
      memory.stride = apart;
      if (to_strip)
        copy(local, memory, 1, run);
      else
        copy(memory, local, 1, run);
    } else if (to_strip) {
      copy(local, memory, run, columns);
    } else {
      copy(memory, local, run, columns);
    }
  }
}

/* Numbers of an affine access, or the random numbers that they name. */
static void frame_affine(const Frame *frame, const TapeInst *inst) {
  const Tape *tape = frame->tape;
  const TapeAccess *access = &tape->access[inst->access];
  const RunArgs *args = frame->call->args;
  bool full = (inst->extent & EXTENT_BY_COLUMN) != 0;
  int64_t columns = full ? frame->columns : 1, rows = inst->extent == EXTENT_ONE ? 1 : frame->rows;
  StripStream stream = {random_key(args->seed, inst->site ^ args->index, args->part), args->step,
                        args->batch};
  char *out = frame->at[inst->out];
  for (int64_t done = 0, apart = 0, run = 0; done < rows; done += run) {
    run = access_run(tape, access, frame->row + done, rows - done, &apart);
    int64_t first = access_at(tape, access, frame->row + done) + (full ? access->stride * frame->column : 0);
    int64_t stride = columns == 1 ? apart : access->stride, count = run * columns;
    if (columns > 1 && apart != columns * stride) run = 1, count = columns;
    if (inst->kind == TAPE_RANDOM)
      frame->strips->random[inst->dtype](out, &stream, first, stride, count);
    else
      frame->strips->index[inst->dtype](out, first, stride, count);
    out += count * (int64_t)dtype_size(inst->dtype);
  }
}

static void frame_map_rows(const Frame *frame, const TapeInst *inst) {
  const Tape *tape = frame->tape;
  const int slot[4] = {inst->out, inst->a, inst->b, inst->c};
  char *at[4];
  int64_t apart[4];
  for (int k = 0; k < 4; k++) {
    const TapeSlot *from = &tape->slot[slot[k]];
    int64_t size = (int64_t)dtype_size(from->dtype);
    at[k] = frame->at[slot[k]];
    apart[k] = slot[k] == 0 || from->extent == EXTENT_ONE ? 0
               : from->extent == EXTENT_BY_ROW            ? size
                                                          : size * frame->columns;
  }
  for (int64_t r = 0; r < frame->rows; r++) {
    inst->strip(at[0], at[1], at[2], at[3], frame->columns);
    for (int k = 0; k < 4; k++) at[k] += apart[k];
  }
}

static char *block_sum(const Frame *frame, const TapeInst *inst, int64_t row) {
  const Tape *tape = frame->tape;
  int64_t block = row / tape->group * tape->blocks + row % tape->group / SUM_ROWS;
  return frame->shared + inst->shared + block * inst->width * (int64_t)dtype_size(inst->dtype);
}

/* The rows of a tile onto the sums of their blocks; a tile lies in one group of rows. */
static void frame_accumulate(const Frame *frame, const TapeInst *inst) {
  const Tape *tape = frame->tape;
  int64_t size = (int64_t)dtype_size(inst->dtype);
  bool full = inst->extent == EXTENT_FULL;
  int64_t columns = full ? frame->columns : 1;
  const char *from = frame->at[inst->a];
  for (int64_t done = 0; done < frame->rows;) {
    int64_t row = frame->row + done, inside = row % tape->group % SUM_ROWS;
    int64_t count = SUM_ROWS - inside < frame->rows - done ? SUM_ROWS - inside : frame->rows - done;
    char *sum = block_sum(frame, inst, row) + (full ? frame->column : 0) * size;
    frame->strips->accumulate[inst->op - OP_REDUCE_SUM][inst->dtype](sum, from, count, columns, inside == 0);
    from += count * columns * size;
    done += count;
  }
}

static char *row_parts(const Frame *frame, const TapeInst *inst) {
  int64_t blocks = (frame->tape->row + SUM_BLOCK - 1) / SUM_BLOCK;
  return frame->shared + inst->shared + frame->row * blocks * (int64_t)dtype_size(inst->dtype);
}

static void frame_reduce_part(const Frame *frame, const TapeInst *inst) {
  char *out = row_parts(frame, inst) + frame->column / SUM_BLOCK * (int64_t)dtype_size(inst->dtype);
  frame->strips->reduce[inst->op - OP_REDUCE_SUM][inst->dtype](out, frame->at[inst->a], 1, frame->columns);
}

static void frame_reduce_end(const Frame *frame, const TapeInst *inst) {
  int64_t blocks = (frame->tape->row + SUM_BLOCK - 1) / SUM_BLOCK;
  frame->strips->combine[inst->op - OP_REDUCE_SUM][inst->dtype](frame->at[inst->out], row_parts(frame, inst),
                                                                blocks, 1, 1);
}

static int64_t frame_count(const Frame *frame, Extent extent) {
  int64_t rows = extent == EXTENT_ONE ? 1 : frame->rows;
  return (extent & EXTENT_BY_COLUMN) != 0 ? rows * frame->columns : rows;
}

static void frame_step(const Frame *frame, const TapeInst *inst) {
  char *const *at = frame->at;
  switch (inst->kind) {
  case TAPE_MAP:
    inst->strip(at[inst->out], at[inst->a], at[inst->b], at[inst->c], frame_count(frame, inst->extent));
    break;
  case TAPE_MAP_ROWS: frame_map_rows(frame, inst); break;
  case TAPE_SPREAD:
    if (inst->variant == STRIP_A_ONE) {
      frame->strips->spread[inst->dtype](at[inst->out], at[inst->a], 1, frame_count(frame, inst->extent));
    } else {
      frame->strips->spread[inst->dtype](at[inst->out], at[inst->a], frame->rows, frame->columns);
    }
    break;
  case TAPE_CONSTANT: memcpy(at[inst->out], &inst->constant, dtype_size(inst->dtype)); break;
  case TAPE_LOAD: frame_copy(frame, inst, at[inst->out], true); break;
  case TAPE_STORE: frame_copy(frame, inst, at[inst->a], false); break;
  case TAPE_INDEX:
  case TAPE_RANDOM: frame_affine(frame, inst); break;
  case TAPE_REDUCE:
    frame->strips->reduce[inst->op - OP_REDUCE_SUM][inst->dtype](at[inst->out], at[inst->a], frame->rows,
                                                                 frame->columns);
    break;
  case TAPE_REDUCE_PART: frame_reduce_part(frame, inst); break;
  case TAPE_REDUCE_END: frame_reduce_end(frame, inst); break;
  case TAPE_ACCUMULATE: frame_accumulate(frame, inst); break;
  }
}

static void frame_phase(const Frame *frame, TapePhase phase) {
  const Tape *tape = frame->tape;
  for (int i = phase > 0 ? tape->phase_end[phase - 1] : 0; i < tape->phase_end[phase]; i++)
    frame_step(frame, &tape->inst[i]);
}

/* Moves the addresses that follow the tile. */
static void frame_move(Frame *frame, int64_t row, int64_t rows, int64_t column, int64_t columns) {
  const Tape *tape = frame->tape;
  frame->row = row, frame->rows = rows, frame->column = column, frame->columns = columns;
  for (int i = 1; i < tape->slots; i++) {
    const TapeSlot *slot = &tape->slot[i];
    if (slot->access < 0) continue;
    const TapeAccess *access = &tape->access[slot->access];
    int64_t at = access_at(tape, access, row) + access->stride * column;
    frame->at[i] = frame->call->at[access->place] + at * (int64_t)access->size;
  }
}

static void frame_open(Frame *frame, const CpuCall *call, int worker) {
  const Tape *tape = call->prepared;
  char *memory = cpu_worker_memory(call, worker);
  *frame = (Frame){.tape = tape,
                   .call = call,
                   .strips = call->cpu->strips,
                   .at = (char **)(void *)memory,
                   .shared = call->cpu->shared_memory};
  for (int i = 0; i < tape->slots; i++)
    frame->at[i] = tape->slot[i].access < 0 ? memory + tape->slot[i].reg : NULL;
  frame_move(frame, 0, tape->tile_rows < tape->rows ? tape->tile_rows : tape->rows, 0, tape->tile_columns);
  frame_phase(frame, PHASE_START);
}

static void part_whole_rows(Frame *frame, int64_t first, int64_t last) {
  const Tape *tape = frame->tape;
  for (int64_t unit = first; unit < last;) {
    int64_t group = unit / tape->blocks, block = unit % tape->blocks;
    int64_t blocks = last - unit < tape->blocks - block ? last - unit : tape->blocks - block;
    int64_t row = block * tape->block, end = (block + blocks) * tape->block;
    end = end < tape->group ? end : tape->group;
    for (int64_t rows = 0; row < end; row += rows) {
      rows = end - row < tape->tile_rows ? end - row : tape->tile_rows;
      frame_move(frame, group * tape->group + row, rows, 0, tape->row);
      frame_phase(frame, PHASE_TILE);
    }
    unit += blocks;
  }
}

/* First and past-the-last row of a range of units. */
static int64_t unit_row(const Tape *tape, int64_t unit) {
  int64_t row = unit % tape->blocks * tape->block;
  return unit / tape->blocks * tape->group + (row < tape->group ? row : tape->group);
}

static void rows_end(Frame *frame, int64_t first, int64_t last) {
  const Tape *tape = frame->tape;
  if (tape->phase_end[PHASE_END] == tape->phase_end[PHASE_TILE]) return;
  for (int64_t row = first; row < last; row++) {
    frame_move(frame, row, 1, 0, tape->tile_columns);
    frame_phase(frame, PHASE_ROW);
    frame_phase(frame, PHASE_END);
  }
}

static void part_chunks(Frame *frame, int64_t first, int64_t last, int64_t column, int64_t end) {
  const Tape *tape = frame->tape;
  int64_t chunks = (end - column + tape->tile_columns - 1) / tape->tile_columns, rows = last - first;
  for (int64_t i = 0; i < chunks * rows; i++) {
    /* Sums over rows stay in the cache if a chunk of all rows comes before the next chunk. */
    int64_t row = first + (tape->accumulates ? i % rows : i / chunks);
    int64_t at = column + (tape->accumulates ? i / rows : i % chunks) * tape->tile_columns;
    frame_move(frame, row, 1, at, end - at < tape->tile_columns ? end - at : tape->tile_columns);
    frame_phase(frame, PHASE_ROW);
    frame_phase(frame, PHASE_TILE);
  }
  if (tape->column_parts == 1) rows_end(frame, first, last);
}

static void tape_part(void *context, int part, int worker) {
  const CpuCall *call = context;
  const Tape *tape = call->prepared;
  Frame frame;
  frame_open(&frame, call, worker);
  int rows_part = part / tape->column_parts, columns_part = part % tape->column_parts;
  int64_t units = tape->groups * tape->blocks;
  int64_t first = cpu_part_start(units, tape->row_parts, rows_part);
  int64_t last = cpu_part_start(units, tape->row_parts, rows_part + 1);
  if (!tape->chunked) {
    part_whole_rows(&frame, first, last);
    return;
  }
  int64_t chunks = (tape->row + tape->tile_columns - 1) / tape->tile_columns;
  int64_t column = cpu_part_start(chunks, tape->column_parts, columns_part) * tape->tile_columns;
  int64_t end = cpu_part_start(chunks, tape->column_parts, columns_part + 1) * tape->tile_columns;
  part_chunks(&frame, unit_row(tape, first), unit_row(tape, last), column, end < tape->row ? end : tape->row);
}

/* The sums of all blocks of one group, to where the loop wants them: `columns` of them from `column` on. */
static void combine_columns(const CpuCall *call, const TapeInst *inst, int64_t group, int64_t column,
                            int64_t columns, char *scratch) {
  const Tape *tape = call->prepared;
  const TapeAccess *access = &tape->access[inst->access];
  const StripTable *strips = call->cpu->strips;
  int64_t size = (int64_t)dtype_size(inst->dtype);
  const char *from =
      call->cpu->shared_memory + inst->shared + (group * tape->blocks * inst->width + column) * size;
  char *to = call->at[access->place] +
             (access_at(tape, access, group * tape->group) + access->stride * column) * size;
  bool direct = columns == 1 || access->stride == 1;
  strips->combine[inst->op - OP_REDUCE_SUM][inst->dtype](direct ? to : scratch, from, tape->blocks,
                                                         inst->width, columns);
  if (!direct)
    strips->copy[inst->dtype]((StripPlane){to, 0, access->stride}, (StripPlane){scratch, 0, 1}, 1, columns);
}

#define COMBINE_COLUMNS 1024

static void combine_part(void *context, int part, int worker) {
  const CpuCall *call = context;
  const Tape *tape = call->prepared;
  char *scratch = cpu_worker_memory(call, worker);
  for (int i = 0; i < tape->count; i++) {
    const TapeInst *inst = &tape->inst[i];
    if (inst->kind != TAPE_ACCUMULATE) continue;
    int64_t pieces = (inst->width + COMBINE_COLUMNS - 1) / COMBINE_COLUMNS, units = tape->groups * pieces;
    int64_t last = cpu_part_start(units, tape->combine_parts, part + 1);
    for (int64_t unit = cpu_part_start(units, tape->combine_parts, part); unit < last; unit++) {
      int64_t column = unit % pieces * COMBINE_COLUMNS, left = inst->width - column;
      combine_columns(call, inst, unit / pieces, column, left < COMBINE_COLUMNS ? left : COMBINE_COLUMNS,
                      scratch);
    }
  }
}

void tape_run(const CpuCall *call) {
  const Tape *tape = call->prepared;
  CpuCall copy = *call;
  if (tape->rows > 0 && tape->row > 0) {
    pool_run(call->cpu->pool, tape_part, &copy, tape->row_parts * tape->column_parts);
    if (tape->column_parts > 1) {
      Frame frame;
      frame_open(&frame, call, 0);
      rows_end(&frame, 0, tape->rows);
    }
  }
  if (tape->accumulates) pool_run(call->cpu->pool, combine_part, &copy, tape->combine_parts);
}
