/* The reference backend against numbers worked out by hand: everything else is measured against it. */
#include "base/philox.h"
#include "base/random.h"
#include "tests/trial.h"

#define SIZES(...) ((const int64_t[]){__VA_ARGS__})

/* An input that counts up from `first`. */
static Node *counting(Trial *t, DType dtype, int rank, const int64_t *size, double first) {
  Node *input = trial_input(t, dtype, rank, size);
  for (int64_t i = 0; i < type_count(&input->type); i++) input_put(input, i, first + (double)i);
  return input;
}

static void expect(Node *(*build)(Trial *t), const char *what, int count, const double *wanted) {
  Trial *t = trial_new(DTYPE_F32, 1);
  graph_output(t->graph, "y", build(t));
  Result *result = reference_results(t, false);
  cr_assert(type_count(&result->type) == count, "%s: %d numbers", what, count);
  for (int i = 0; i < count; i++) {
    double got = number_at(result->data, result->type.dtype, i);
    cr_expect(got == wanted[i], "%s: element %d: expected %g, got %g", what, i, wanted[i], got);
  }
  trial_free(t);
}

static Node *matmul(Trial *t) { // [1 2; 3 4; 5 6] transposed times [0 1; 2 3; 4 5]
  Node *a = counting(t, DTYPE_F64, 2, SIZES(3, 2), 1);
  return build_matmul(a, counting(t, DTYPE_F64, 2, SIZES(3, 2), 0), true, false);
}
static Node *matmul_turned(Trial *t) { // [1 2] times [1 2; 3 4; 5 6] transposed
  Node *a = counting(t, DTYPE_F64, 2, SIZES(1, 2), 1);
  return build_matmul(a, counting(t, DTYPE_F64, 2, SIZES(3, 2), 1), false, true);
}
static Node *conv2d(Trial *t) { // [1 2; 3 4], one row of zeros above, with the kernel [1; 2]
  Node *x = counting(t, DTYPE_F64, 4, SIZES(1, 2, 2, 1), 1);
  return build_conv2d(x, counting(t, DTYPE_F64, 4, SIZES(2, 1, 1, 1), 1), &(Window){.front = {1, 0}});
}
static Node *conv2d_grouped(Trial *t) { // channels 1 and 2 times their own filters, 3 and 4
  Node *x = counting(t, DTYPE_F64, 4, SIZES(1, 1, 1, 2), 1);
  return build_conv2d(x, counting(t, DTYPE_F64, 4, SIZES(1, 1, 1, 2), 3), &(Window){.groups = 2});
}
static Node *conv2d_dilated(Trial *t) { // 1 … 7 with [1, 2] two apart, every third place
  Node *x = counting(t, DTYPE_F64, 4, SIZES(1, 1, 7, 1), 1),
       *k = counting(t, DTYPE_F64, 4, SIZES(1, 2, 1, 1), 1);
  return build_conv2d(x, k, &(Window){.stride = {1, 3}, .dilation = {1, 2}});
}
static Node *pool_max(Trial *t) { // 1 … 4, windows of 2, padded at the end
  Node *x = counting(t, DTYPE_F64, 4, SIZES(1, 1, 4, 1), -4);
  return build_pool_max(x, &(Window){.size = {1, 2}, .back = {0, 1}});
}
static Node *gather(Trial *t) {
  Node *ids = counting(t, DTYPE_I32, 1, SIZES(3), -1);
  return build_gather(counting(t, DTYPE_F64, 2, SIZES(2, 2), 1), ids);
}
static Node *scatter_add(Trial *t) {
  Node *ids = trial_input(t, DTYPE_I64, 1, SIZES(3));
  input_put(ids, 0, 1), input_put(ids, 1, 1), input_put(ids, 2, 5);
  return build_scatter_add(ids, counting(t, DTYPE_F64, 2, SIZES(3, 2), 1), dim_of(3));
}
static Node *cumsum(Trial *t) { return build_cumsum(counting(t, DTYPE_U8, 2, SIZES(2, 3), 100)); }
static Node *permute(Trial *t) {
  return build_permute(counting(t, DTYPE_I64, 3, SIZES(1, 2, 3), 0), (const int[]){2, 0, 1});
}
static Node *slice(Trial *t) {
  return build_slice(counting(t, DTYPE_F64, 1, SIZES(7), 0), 0, dim_of(1), dim_of(3), 2);
}
static Node *flip(Trial *t) { return build_flip(counting(t, DTYPE_I32, 2, SIZES(2, 2), 1), 1); }
static Node *pad(Trial *t) {
  return build_pad(counting(t, DTYPE_I32, 1, SIZES(2), 1), 0, dim_of(1), dim_of(2), 9);
}
static Node *concat(Trial *t) {
  Node *part[] = {counting(t, DTYPE_F64, 2, SIZES(2, 1), 1), counting(t, DTYPE_F64, 2, SIZES(2, 2), 5)};
  return build_concat(t->graph, part, 2, 1);
}
static Node *reduce_sum(Trial *t) { // of bytes: wraps
  return build_reduce(OP_REDUCE_SUM, counting(t, DTYPE_U8, 2, SIZES(2, 2), 126), (const int[]){0}, 1, false);
}
static Node *reduce_max(Trial *t) { // over two axes of three, not the last
  return build_reduce(OP_REDUCE_MAX, counting(t, DTYPE_F32, 3, SIZES(2, 3, 2), 0), (const int[]){0, 1}, 2,
                      true);
}
static Node *reduce_none(Trial *t) {
  return build_reduce_all(OP_REDUCE_MAX, trial_input(t, DTYPE_F64, 1, SIZES(0)));
}
static Node *cast(Trial *t) {
  Node *x = trial_input(t, DTYPE_F64, 1, SIZES(4));
  input_put(x, 0, -2.9), input_put(x, 1, NAN), input_put(x, 2, 3e9), input_put(x, 3, 2.9);
  return build_cast(x, DTYPE_I32);
}
static Node *floor_div(Trial *t) {
  Node *a = counting(t, DTYPE_I32, 1, SIZES(3), -1);
  return build_floor_div(a, build_whole(t->graph, DTYPE_I32, 2));
}
static Node *index_of(Trial *t) { return build_index(t->graph, 2, (const Dim *[]){dim_of(2), dim_of(2)}, 0); }

Test(reference, by_hand) {
#define NUMBERS(...) (int)(sizeof(double[]){__VA_ARGS__} / sizeof(double)), (const double[]){__VA_ARGS__}
  expect(matmul, "matmul", NUMBERS(0 + 6 + 20, 1 + 9 + 25, 0 + 8 + 24, 2 + 12 + 30));
  expect(matmul_turned, "matmul turned", NUMBERS(5, 11, 17));
  expect(conv2d, "conv2d", NUMBERS(2, 4, 1 + 6, 2 + 8));
  expect(conv2d_grouped, "conv2d grouped", NUMBERS(3, 8));
  expect(conv2d_dilated, "conv2d dilated", NUMBERS(1 + 6, 4 + 12));
  expect(pool_max, "pool_max", NUMBERS(-3, -2, -1, -1));
  expect(gather, "gather", NUMBERS(0, 0, 1, 2, 3, 4));
  expect(scatter_add, "scatter_add", NUMBERS(0, 0, 4, 6, 0, 0));
  expect(cumsum, "cumsum", NUMBERS(100, 201, 47, 103, 207, 56));
  expect(permute, "permute", NUMBERS(0, 3, 1, 4, 2, 5));
  expect(slice, "slice", NUMBERS(1, 3, 5));
  expect(flip, "flip", NUMBERS(2, 1, 4, 3));
  expect(pad, "pad", NUMBERS(9, 1, 2, 9, 9));
  expect(concat, "concat", NUMBERS(1, 5, 6, 2, 7, 8));
  expect(reduce_sum, "reduce_sum", NUMBERS(126 + 128, (127 + 129) % 256));
  expect(reduce_max, "reduce_max", NUMBERS(10, 11));
  expect(reduce_none, "reduce_max of none", NUMBERS(-INFINITY));
  expect(cast, "cast", NUMBERS(-2, 0, 0, 2));
  expect(floor_div, "floor_div", NUMBERS(-1, 0, 0));
  expect(index_of, "index", NUMBERS(0, 0, 1, 1));
}

/* Element 5 is the second word of the second block; RunArgs as in tests/trial.h. */
Test(reference, random) {
  Trial *t = trial_new(DTYPE_F32, 1);
  graph_output(t->graph, "y", build_random(t->graph, DTYPE_F32, 1, (const Dim *[]){dim_of(6)}, 99));
  Result *result = reference_results(t, false);
  uint64_t key = random_key(7, 99, 1);
  uint32_t counter[4], word[4], half[2] = {(uint32_t)key, (uint32_t)(key >> 32)};
  random_counter(1, 3, 2, counter);
  philox4x32(counter, half, word);
  cr_expect(number_at(result->data, result->type.dtype, 5) == (double)random_f32(word[1]));
  trial_free(t);
}

/* A read sees what a variable held when the step began, also beside an assignment; all nodes are observed. */
static void count_call(void *context, const Node *node, const Place *place, const void *data) {
  (void)node, (void)place, (void)data;
  ++*(int *)context;
}

Test(reference, assign) {
  Trial *t = trial_new(DTYPE_F32, 1);
  Node *x = counting(t, DTYPE_F32, 1, SIZES(2), 1);
  graph_assign(t->graph, x->attr.variable, build_mul(x, x));
  graph_output(t->graph, "old", build_neg(x));
  Backend *reference = reference_open();
  Graph *graph = graph_bind(t->graph, t->arena, NULL, 0);
  Plan *plan = reference_plan(t->arena, graph);
  reference->prepare(reference, plan);
  int calls = 0;
  for (int run = 0; run < 2; run++) {
    calls = 0;
    reference->run(reference, plan, &(RunArgs){.observe = count_call, .context = &calls});
  }
  cr_expect(calls == graph->nodes);
  cr_expect(((double *)reference->output(reference, plan, 0))[1] == -4);
  cr_expect(((float *)x->attr.variable->data)[1] == 16);
  reference->forget(reference, plan);
  reference->close(reference);
  trial_free(t);
}
