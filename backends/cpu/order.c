/* Positions that sort a row.
 *
 * Every number becomes an unsigned key whose order is the one that is wanted, whatever its dtype. A heap keeps the
 * first so many pairs of key and position, the last of them on top, which a better one replaces; popping them
 * fills the result from its end. No two pairs are equal, so equal numbers keep their order. */
#include "backends/cpu/cpu.h"

#include <string.h>

typedef struct {
  int64_t rows, row, wanted;
  DType dtype, out_dtype;
  bool largest;
  int parts;
} Order;

typedef struct {
  uint64_t key;
  int64_t at;
} Ranked;

#define NANOSECONDS_A_NUMBER 20.0

void *cpu_prepare_order(Cpu *cpu, Arena *arena, const Step *step) {
  const Node *node = step->node;
  const Type *x = &node->src[0]->type;
  Order *order = ARENA_NEW(arena, Order);
  order->row = type_size(x, x->rank - 1);
  order->rows = order->row > 0 ? type_count(x) / order->row : 0;
  order->wanted = type_size(&node->type, x->rank - 1);
  order->dtype = x->dtype, order->out_dtype = node->type.dtype;
  order->largest = node->attr.flag[0];
  order->parts = cpu_parts((double)type_count(x) * NANOSECONDS_A_NUMBER, order->rows);
  cpu_need(cpu, (size_t)order->wanted * sizeof(Ranked), 0);
  return order;
}

#define SIGN_BIT ((uint64_t)1 << 63)

/* NaN last; the zeros are equal. */
static uint64_t key_of_real(double x) {
  uint64_t bits;
  if (x != x) return UINT64_MAX;
  if (x == 0) x = 0;
  memcpy(&bits, &x, sizeof bits);
  return bits & SIGN_BIT ? ~bits : bits | SIGN_BIT;
}

static uint64_t key_of(const char *x, DType dtype, int64_t i) {
  if (dtype == DTYPE_F32) return key_of_real((double)((const float *)(const void *)x)[i]);
  if (dtype == DTYPE_F64) return key_of_real(((const double *)(const void *)x)[i]);
  if (dtype == DTYPE_I64) return (uint64_t)((const int64_t *)(const void *)x)[i] ^ SIGN_BIT;
  if (dtype == DTYPE_I32) return (uint64_t)((const int32_t *)(const void *)x)[i] ^ SIGN_BIT;
  return ((const uint8_t *)x)[i];
}

static bool is_later(Ranked a, Ranked b) { return a.key != b.key ? a.key > b.key : a.at > b.at; }

/* Lets the pair at `at` sink until none below it is later. */
static void heap_sink(Ranked *heap, int64_t count, int64_t at) {
  Ranked pair = heap[at];
  for (int64_t child; (child = 2 * at + 1) < count; at = child) {
    if (child + 1 < count && is_later(heap[child + 1], heap[child])) child++;
    if (!is_later(heap[child], pair)) break;
    heap[at] = heap[child];
  }
  heap[at] = pair;
}

static void order_row(const Order *order, const char *x, char *out, Ranked *heap) {
  int64_t wanted = order->wanted;
  for (int64_t i = 0; i < order->row; i++) {
    uint64_t key = key_of(x, order->dtype, i);
    Ranked pair = {order->largest ? ~key : key, i};
    if (i < wanted) heap[i] = pair;
    if (i == wanted - 1)
      for (int64_t k = wanted / 2 - 1; k >= 0; k--) heap_sink(heap, wanted, k);
    if (i >= wanted && is_later(heap[0], pair)) {
      heap[0] = pair;
      heap_sink(heap, wanted, 0);
    }
  }
  for (int64_t left = wanted - 1; left >= 0; left--) {
    if (order->out_dtype == DTYPE_I64)
      ((int64_t *)(void *)out)[left] = heap[0].at;
    else
      ((int32_t *)(void *)out)[left] = (int32_t)heap[0].at;
    heap[0] = heap[left];
    heap_sink(heap, left, 0);
  }
}

static void order_part(void *context, int part, int worker) {
  const CpuCall *call = context;
  const Order *order = call->prepared;
  int64_t in = order->row * (int64_t)dtype_size(order->dtype);
  int64_t out = order->wanted * (int64_t)dtype_size(order->out_dtype);
  Ranked *heap = (Ranked *)(void *)cpu_worker_memory(call, worker);
  int64_t last = cpu_part_start(order->rows, order->parts, part + 1);
  for (int64_t i = cpu_part_start(order->rows, order->parts, part); i < last; i++)
    order_row(order, call->at[1] + i * in, call->at[0] + i * out, heap);
}

void cpu_run_order(const CpuCall *call) {
  const Order *order = call->prepared;
  CpuCall copy = *call;
  if (order->wanted > 0) pool_run(call->cpu->pool, order_part, &copy, order->parts);
}
