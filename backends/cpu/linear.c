/* Linear algebra: LAPACK in double, one matrix at a time, several at once on the workers. f32 is converted: its
 * matrices are small, and many of these results lose half of their digits. */
#include "backends/linear.h"

#include "backends/cpu/cpu.h"

#include <math.h>
#include <pthread.h>
#include <string.h>

typedef struct {
  LinearShape shape;
  LinearCall *call;
  bool single; // f32: inputs and result are converted
  int parts;
} Linear;

#define NANOSECONDS_A_PRODUCT 0.5

/* What OpenBLAS computes when several threads call it is right in its pthread flavour alone. */
static pthread_mutex_t lapack_lock = PTHREAD_MUTEX_INITIALIZER;

static void *linear_prepare(Cpu *cpu, Arena *arena, const Step *step) {
  Linear *linear = ARENA_NEW(arena, Linear);
  LinearShape *shape = &linear->shape;
  *shape = linear_shape(step->node);
  linear->call = linear_call(step->node->op);
  linear->single = step->node->type.dtype == DTYPE_F32;
  double products = fmax(shape->m, shape->n) * fmax(shape->m, shape->n) * fmax(shape->n, shape->columns);
  linear->parts = cpu_parts(products * (double)shape->matrices * NANOSECONDS_A_PRODUCT, shape->matrices);
  int64_t converted = linear->single ? shape->a_size + shape->b_size + shape->y_size : 0;
  cpu_need(cpu, (size_t)(shape->memory + converted) * sizeof(double), 0);
  return linear;
}

static double *widen(const char *from, int64_t first, int64_t count, double *to) {
  const float *x = (const float *)(const void *)from + first;
  for (int64_t i = 0; i < count; i++) to[i] = (double)x[i];
  return to + count;
}

static void linear_one(const CpuCall *call, const Linear *linear, int64_t i, double *memory) {
  const LinearShape *shape = &linear->shape;
  const char *second = shape->b_size ? call->at[2] : NULL;
  double *y = (double *)(void *)call->at[0] + i * shape->y_size;
  const double *a = (const double *)(const void *)call->at[1] + i * shape->a_size,
               *b = second ? (const double *)(const void *)second + i * shape->b_size : NULL;
  if (!linear->single) {
    linear->call(shape, a, b, y, memory);
    return;
  }
  double *wide_a = memory, *wide_b = widen(call->at[1], i * shape->a_size, shape->a_size, wide_a);
  double *wide_y = second ? widen(second, i * shape->b_size, shape->b_size, wide_b) : wide_b;
  linear->call(shape, wide_a, wide_b, wide_y, wide_y + shape->y_size);
  float *out = (float *)(void *)call->at[0] + i * shape->y_size;
  for (int64_t k = 0; k < shape->y_size; k++) out[k] = (float)wide_y[k];
}

static void linear_part(void *context, int part, int worker) {
  const CpuCall *call = context;
  const Linear *linear = call->prepared;
  double *memory = (double *)(void *)cpu_worker_memory(call, worker);
  int64_t last = cpu_part_start(linear->shape.matrices, linear->parts, part + 1);
  for (int64_t i = cpu_part_start(linear->shape.matrices, linear->parts, part); i < last; i++) {
    if (call->cpu->blas_alone) pthread_mutex_lock(&lapack_lock);
    linear_one(call, linear, i, memory);
    if (call->cpu->blas_alone) pthread_mutex_unlock(&lapack_lock);
  }
}

static void linear_run(const CpuCall *call) {
  CpuCall copy = *call;
  const Linear *linear = call->prepared;
  if (linear->shape.y_size > 0) pool_run(call->cpu->pool, linear_part, &copy, linear->parts);
}

#define LINEAR(name)                                                                                         \
  void *cpu_prepare_##name(Cpu *cpu, Arena *arena, const Step *step) {                                       \
    return linear_prepare(cpu, arena, step);                                                                 \
  }                                                                                                          \
  void cpu_run_##name(const CpuCall *call) { linear_run(call); }
LINEAR(cholesky)
LINEAR(solve)
LINEAR(det)
LINEAR(qr)
LINEAR(eigh)
LINEAR(svd)
