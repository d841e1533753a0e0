/* The largest of each window, NHWC, and its gradient, for which cells are compared again: no index is kept.
 *
 * One output pixel at a time, all channels together. The forward pass is cut by output rows, the gradient by
 * images, as windows may overlap within one. NaN wins; of equal cells the first, row by row. */
#include "backends/cpu/cpu.h"

#include <string.h>

typedef struct {
  int64_t batch, height, width, channels, out_height, out_width;
  int64_t size[2], stride[2], front[2], dilation[2];
  int parts;
  DType dtype;
} Pooling;

#define NANOSECONDS_A_CELL 0.3

static Pooling *pooling_new(Cpu *cpu, Arena *arena, const Window *window, const Type *x, const Type *y) {
  Pooling *pool = ARENA_NEW(arena, Pooling);
  pool->dtype = x->dtype;
  pool->batch = type_size(x, 0), pool->height = type_size(x, 1), pool->width = type_size(x, 2);
  pool->channels = type_size(x, 3);
  pool->out_height = type_size(y, 1), pool->out_width = type_size(y, 2);
  for (int d = 0; d < 2; d++) {
    pool->size[d] = window->size[d];
    pool->stride[d] = window->stride[d] > 0 ? window->stride[d] : 1;
    pool->dilation[d] = window->dilation[d] > 0 ? window->dilation[d] : 1;
    pool->front[d] = window->front[d];
  }
  size_t cells = (size_t)(pool->size[0] * pool->size[1]);
  cpu_need(cpu, 3 * cells * sizeof(int64_t) + (size_t)pool->channels, 0);
  return pool;
}

static double pooling_cost(const Pooling *pool) {
  double outputs =
      (double)pool->batch * (double)pool->out_height * (double)pool->out_width * (double)pool->channels;
  return outputs * (double)(pool->size[0] * pool->size[1]) * NANOSECONDS_A_CELL;
}

void *cpu_prepare_pool_max(Cpu *cpu, Arena *arena, const Step *step) {
  const Node *node = step->node;
  Pooling *pool = pooling_new(cpu, arena, &node->attr.window, &node->src[0]->type, &node->type);
  pool->parts = cpu_parts(pooling_cost(pool), pool->batch * pool->out_height);
  return pool;
}

void *cpu_prepare_pool_max_grad(Cpu *cpu, Arena *arena, const Step *step) {
  const Node *node = step->node;
  Pooling *pool = pooling_new(cpu, arena, &node->attr.window, &node->src[0]->type, &node->src[1]->type);
  pool->parts = cpu_parts(pooling_cost(pool) * 2, pool->batch);
  return pool;
}

/* Byte offsets in an image of the cells of the window of output pixel (row, column). */
static int window_cells(const Pooling *pool, int64_t row, int64_t column, int64_t *at) {
  int count = 0;
  int64_t pixel = pool->channels * (int64_t)dtype_size(pool->dtype);
  for (int64_t i = 0; i < pool->size[0]; i++)
    for (int64_t j = 0; j < pool->size[1]; j++) {
      int64_t y = row * pool->stride[0] - pool->front[0] + i * pool->dilation[0];
      int64_t x = column * pool->stride[1] - pool->front[1] + j * pool->dilation[1];
      if (y >= 0 && y < pool->height && x >= 0 && x < pool->width)
        at[count++] = (y * pool->width + x) * pixel;
    }
  return count;
}

static void largest_part(void *context, int part, int worker) {
  const CpuCall *call = context;
  const Pooling *pool = call->prepared;
  int64_t pixel = pool->channels * (int64_t)dtype_size(pool->dtype), rows = pool->batch * pool->out_height;
  int64_t last = cpu_part_start(rows, pool->parts, part + 1);
  char *memory = cpu_worker_memory(call, worker);
  int64_t *at = (int64_t *)(void *)memory;
  const void **cell = (const void **)(void *)(memory + pool->size[0] * pool->size[1] * (int64_t)sizeof *at);
  for (int64_t r = cpu_part_start(rows, pool->parts, part); r < last; r++) {
    const char *image = call->at[1] + r / pool->out_height * pool->height * pool->width * pixel;
    for (int64_t column = 0; column < pool->out_width; column++) {
      int cells = window_cells(pool, r % pool->out_height, column, at);
      for (int k = 0; k < cells; k++) cell[k] = image + at[k];
      call->cpu->strips->pool[pool->dtype](call->at[0] + (r * pool->out_width + column) * pixel, cell, cells,
                                           pool->channels);
    }
  }
}

void cpu_run_pool_max(const CpuCall *call) {
  CpuCall copy = *call;
  pool_run(call->cpu->pool, largest_part, &copy, ((const Pooling *)call->prepared)->parts);
}

static void gradient_part(void *context, int part, int worker) {
  const CpuCall *call = context;
  const Pooling *pool = call->prepared;
  int64_t pixel = pool->channels * (int64_t)dtype_size(pool->dtype),
          image = pool->height * pool->width * pixel;
  int64_t last = cpu_part_start(pool->batch, pool->parts, part + 1),
          cells_most = pool->size[0] * pool->size[1];
  char *memory = cpu_worker_memory(call, worker);
  int64_t *at = (int64_t *)(void *)memory;
  const void **cell = (const void **)(void *)(memory + cells_most * (int64_t)sizeof *at);
  void **sum = (void **)(void *)(memory + 2 * cells_most * (int64_t)sizeof *at);
  uint8_t *taken = (uint8_t *)memory + 3 * cells_most * (int64_t)sizeof *at;
  for (int64_t b = cpu_part_start(pool->batch, pool->parts, part); b < last; b++) {
    memset(call->at[0] + b * image, 0, (size_t)image);
    for (int64_t p = 0; p < pool->out_height * pool->out_width; p++) {
      int cells = window_cells(pool, p / pool->out_width, p % pool->out_width, at);
      for (int k = 0; k < cells; k++) {
        int64_t offset = b * image + at[k];
        cell[k] = call->at[1] + offset;
        sum[k] = call->at[0] + offset;
      }
      int64_t out = (b * pool->out_height * pool->out_width + p) * pixel;
      call->cpu->strips->pool_grad[pool->dtype](sum, cell, cells, call->at[2] + out, call->at[3] + out, taken,
                                                pool->channels);
    }
  }
}

void cpu_run_pool_max_grad(const CpuCall *call) {
  CpuCall copy = *call;
  pool_run(call->cpu->pool, gradient_part, &copy, ((const Pooling *)call->prepared)->parts);
}
