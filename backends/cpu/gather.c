/* Rows by number: gather, its gradient scatter_add, the largest by number, replaced rows; and running sums.
 *
 * Ids are checked before they come here; one out of range reads zeros and adds nothing. scatter_add is cut by rows
 * of the result: each part walks all ids and takes those of its rows, so every row is summed in the order of ids. */
#include "backends/cpu/cpu.h"

#include <math.h>
#include <string.h>

typedef struct {
  int64_t rows, row, ids; // of the table; numbers of a row; how many ids
  DType dtype, id_dtype;
  int parts;
} Lookup;

#define NANOSECONDS_A_BYTE 0.15
#define SCATTER_PARTS      8

static int64_t id_at(const Lookup *lookup, const char *ids, int64_t i) {
  if (lookup->id_dtype == DTYPE_I64) return ((const int64_t *)(const void *)ids)[i];
  if (lookup->id_dtype == DTYPE_I32) return ((const int32_t *)(const void *)ids)[i];
  return ((const uint8_t *)ids)[i];
}

static Lookup *lookup_new(Arena *arena, const Type *table, const Type *ids) {
  Lookup *lookup = ARENA_NEW(arena, Lookup);
  lookup->rows = type_size(table, 0);
  lookup->row = 1;
  for (int i = 1; i < table->rank; i++) lookup->row *= type_size(table, i);
  lookup->ids = type_count(ids);
  lookup->dtype = table->dtype, lookup->id_dtype = ids->dtype;
  return lookup;
}

void *cpu_prepare_gather(Cpu *cpu, Arena *arena, const Step *step) {
  (void)cpu;
  Lookup *lookup = lookup_new(arena, &step->node->src[0]->type, &step->node->src[1]->type);
  double bytes = (double)lookup->ids * (double)(lookup->row * (int64_t)dtype_size(lookup->dtype) + 32);
  lookup->parts = cpu_parts(bytes * NANOSECONDS_A_BYTE, lookup->ids);
  return lookup;
}

static void gather_part(void *context, int part, int worker) {
  const CpuCall *call = context;
  const Lookup *lookup = call->prepared;
  (void)worker;
  int64_t bytes = lookup->row * (int64_t)dtype_size(lookup->dtype);
  int64_t last = cpu_part_start(lookup->ids, lookup->parts, part + 1);
  for (int64_t i = cpu_part_start(lookup->ids, lookup->parts, part); i < last; i++) {
    int64_t id = id_at(lookup, call->at[2], i);
    if (id >= 0 && id < lookup->rows)
      memcpy(call->at[0] + i * bytes, call->at[1] + id * bytes, (size_t)bytes);
    else
      memset(call->at[0] + i * bytes, 0, (size_t)bytes);
  }
}

void cpu_run_gather(const CpuCall *call) {
  CpuCall copy = *call;
  pool_run(call->cpu->pool, gather_part, &copy, ((const Lookup *)call->prepared)->parts);
}

void *cpu_prepare_scatter_add(Cpu *cpu, Arena *arena, const Step *step) {
  (void)cpu;
  Lookup *lookup = lookup_new(arena, &step->node->type, &step->node->src[0]->type);
  double bytes = (double)lookup->ids * (double)(lookup->row * (int64_t)dtype_size(lookup->dtype));
  int64_t most = lookup->rows < SCATTER_PARTS ? lookup->rows : SCATTER_PARTS;
  lookup->parts = cpu_parts(bytes * 2 * NANOSECONDS_A_BYTE, most);
  return lookup;
}

static void scatter_part(void *context, int part, int worker) {
  const CpuCall *call = context;
  const Lookup *lookup = call->prepared;
  (void)worker;
  int64_t bytes = lookup->row * (int64_t)dtype_size(lookup->dtype);
  int64_t first = cpu_part_start(lookup->rows, lookup->parts, part);
  int64_t last = cpu_part_start(lookup->rows, lookup->parts, part + 1);
  Strip *add = call->cpu->strips->map[OP_ADD][lookup->dtype][STRIP_PLAIN];
  memset(call->at[0] + first * bytes, 0, (size_t)((last - first) * bytes));
  for (int64_t i = 0; i < lookup->ids; i++) {
    int64_t id = id_at(lookup, call->at[1], i);
    if (id < first || id >= last) continue;
    char *to = call->at[0] + id * bytes;
    add(to, to, call->at[2] + i * bytes, NULL, lookup->row);
  }
}

void cpu_run_scatter_add(const CpuCall *call) {
  CpuCall copy = *call;
  pool_run(call->cpu->pool, scatter_part, &copy, ((const Lookup *)call->prepared)->parts);
}

/* ---- the largest, and rows replaced -------------------------------------------------------------------------------- */

void *cpu_prepare_scatter_max(Cpu *cpu, Arena *arena, const Step *step) {
  return cpu_prepare_scatter_add(cpu, arena, step);
}

static void fill_least(char *at, DType dtype, int64_t count) {
  float *single = (float *)(void *)at;
  double *twice = (double *)(void *)at;
  int32_t *whole = (int32_t *)(void *)at;
  int64_t *wide = (int64_t *)(void *)at;
  if (dtype == DTYPE_U8) memset(at, 0, (size_t)count);
  for (int64_t i = 0; i < count && dtype == DTYPE_F32; i++) single[i] = -INFINITY;
  for (int64_t i = 0; i < count && dtype == DTYPE_F64; i++) twice[i] = -INFINITY;
  for (int64_t i = 0; i < count && dtype == DTYPE_I32; i++) whole[i] = INT32_MIN;
  for (int64_t i = 0; i < count && dtype == DTYPE_I64; i++) wide[i] = INT64_MIN;
}

static void largest_part(void *context, int part, int worker) {
  const CpuCall *call = context;
  const Lookup *lookup = call->prepared;
  (void)worker;
  int64_t bytes = lookup->row * (int64_t)dtype_size(lookup->dtype);
  int64_t first = cpu_part_start(lookup->rows, lookup->parts, part);
  int64_t last = cpu_part_start(lookup->rows, lookup->parts, part + 1);
  Strip *max = call->cpu->strips->map[OP_MAX][lookup->dtype][STRIP_PLAIN];
  fill_least(call->at[0] + first * bytes, lookup->dtype, (last - first) * lookup->row);
  for (int64_t i = 0; i < lookup->ids; i++) {
    int64_t id = id_at(lookup, call->at[1], i);
    if (id < first || id >= last) continue;
    char *to = call->at[0] + id * bytes;
    max(to, to, call->at[2] + i * bytes, NULL, lookup->row);
  }
}

void cpu_run_scatter_max(const CpuCall *call) {
  CpuCall copy = *call;
  pool_run(call->cpu->pool, largest_part, &copy, ((const Lookup *)call->prepared)->parts);
}

void *cpu_prepare_put(Cpu *cpu, Arena *arena, const Step *step) {
  (void)cpu;
  Lookup *lookup = lookup_new(arena, &step->node->type, &step->node->src[1]->type);
  double bytes =
      (double)(lookup->ids + lookup->rows) * (double)(lookup->row * (int64_t)dtype_size(lookup->dtype));
  int64_t most = lookup->rows < SCATTER_PARTS ? lookup->rows : SCATTER_PARTS;
  lookup->parts = cpu_parts(bytes * NANOSECONDS_A_BYTE, most);
  return lookup;
}

static void put_part(void *context, int part, int worker) {
  const CpuCall *call = context;
  const Lookup *lookup = call->prepared;
  (void)worker;
  int64_t bytes = lookup->row * (int64_t)dtype_size(lookup->dtype);
  int64_t first = cpu_part_start(lookup->rows, lookup->parts, part);
  int64_t last = cpu_part_start(lookup->rows, lookup->parts, part + 1);
  if (last > first && call->at[0] != call->at[1])
    memcpy(call->at[0] + first * bytes, call->at[1] + first * bytes, (size_t)((last - first) * bytes));
  for (int64_t i = 0; i < lookup->ids; i++) {
    int64_t id = id_at(lookup, call->at[2], i);
    if (id >= first && id < last) memcpy(call->at[0] + id * bytes, call->at[3] + i * bytes, (size_t)bytes);
  }
}

void cpu_run_put(const CpuCall *call) {
  CpuCall copy = *call;
  pool_run(call->cpu->pool, put_part, &copy, ((const Lookup *)call->prepared)->parts);
}

/* ---- running sums along the last axis ----------------------------------------------------------------------------- */

typedef struct {
  int64_t rows, row;
  DType dtype;
  int parts;
} Running;

void *cpu_prepare_cumsum(Cpu *cpu, Arena *arena, const Step *step) {
  (void)cpu;
  const Type *type = &step->node->type;
  Running *running = ARENA_NEW(arena, Running);
  running->dtype = type->dtype;
  running->row = type->rank > 0 ? type_size(type, type->rank - 1) : 1;
  running->rows = running->row > 0 ? type_count(type) / running->row : 0;
  running->parts = cpu_parts((double)running->rows * (double)running->row, running->rows);
  return running;
}

static void cumsum_part(void *context, int part, int worker) {
  const CpuCall *call = context;
  const Running *running = call->prepared;
  (void)worker;
  int64_t bytes = running->row * (int64_t)dtype_size(running->dtype);
  int64_t last = cpu_part_start(running->rows, running->parts, part + 1);
  for (int64_t i = cpu_part_start(running->rows, running->parts, part); i < last; i++)
    call->cpu->strips->cumsum[running->dtype](call->at[0] + i * bytes, call->at[1] + i * bytes, NULL, NULL,
                                              running->row);
}

void cpu_run_cumsum(const CpuCall *call) {
  CpuCall copy = *call;
  pool_run(call->cpu->pool, cumsum_part, &copy, ((const Running *)call->prepared)->parts);
}
