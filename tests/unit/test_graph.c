/* Builders, their types and shapes; the text of graphs; binding. */
#include "graph/build.h"
#include "tests/unit/evaluate.h"

#include <criterion/criterion.h>

static Arena *arena;
static Graph *graph;

static void start(void) { graph = graph_new(arena = arena_new(0)); }
static void end(void) { arena_free(arena); }

TestSuite(graph, .init = start, .fini = end);

static Node *input(const char *path, DType dtype, int rank, const Dim *const *size) {
  Variable *variable = ARENA_NEW(arena, Variable);
  *variable = (Variable){.role = VARIABLE_WEIGHT, .path = path, .type = type_of(dtype, rank, size)};
  int64_t count = type_is_known(&variable->type) ? type_count(&variable->type) : 0;
  double *data = ARENA_ARRAY(arena, double, count + 1);
  for (int64_t i = 0; i < count; i++) data[i] = (double)i;
  variable->data = data;
  return build_read(graph, variable);
}

static Node *input_of(const char *path, int rank, const int64_t *number) {
  const Dim *size[MAX_RANK];
  for (int i = 0; i < rank; i++) size[i] = dim_of(number[i]);
  return input(path, DTYPE_F32, rank, size);
}

static void expect_shape(const Node *node, const char *wanted) {
  Text text = {0};
  text_add(&text, dtype_name(node->type.dtype));
  type_print_shape(&node->type, &text);
  cr_expect_str_eq(text_string(&text), wanted);
  text_free(&text);
}

static void expect_text(const Graph *printed, const char *wanted) {
  Text text = {0};
  graph_print(printed, &text);
  cr_expect_str_eq(text_string(&text), wanted, "got\n%s\nnot\n%s", text_string(&text), wanted);
  text_free(&text);
}

Test(graph, maps_expand_scalars_and_keep_names) {
  const Dim *size[2] = {dim_symbol(name_of("B")), dim_of(3)};
  Node *x = input("x", DTYPE_F32, 2, size);
  x->type.name[0] = name_of("B");
  Node *y = build_mul(build_number(graph, DTYPE_F32, 2), x);
  expect_shape(y, "f32[B, 3]");
  cr_expect_eq(y->type.name[0], name_of("B"));
  cr_expect_eq(y->src[0]->op, OP_EXPAND);
  expect_shape(build_lt(x, y), "bool[B, 3]");
  cr_expect_eq(build_reduce(OP_REDUCE_SUM, y, &(int){1}, 1, false)->type.name[0], name_of("B"));
  cr_expect_eq(build_swap(y)->type.name[1], name_of("B"));
  cr_expect_eq(build_slice(y, 1, dim_of(1), dim_of(2), 1)->type.name[0], name_of("B"));
  cr_expect_eq(build_insert(y, 0)->type.name[1], name_of("B"));
  graph_verify(graph);
}

Test(graph, running_scalars_take_the_dtype_they_meet) {
  Variable step = {.role = VARIABLE_RUNNING, .path = "step", .type = type_scalar(DTYPE_F64)};
  step.type.running = true;
  Node *s = build_read(graph, &step), *x = input_of("x", 1, (int64_t[]){3});
  Node *twice = build_add(s, s), *y = build_mul(twice, x);
  cr_expect(twice->type.running && twice->type.dtype == DTYPE_F64);
  cr_expect(!y->type.running);
  expect_shape(y, "f32[3]");
  cr_expect(!build_gt(s, build_like(s, 0))->type.running);
  cr_expect_eq(build_cast(s, DTYPE_F64)->op, OP_CAST, "stops running");
  cr_expect_eq(build_cast(x, DTYPE_F32), x);
  graph_verify(graph);
}

Test(graph, bounds_of_integers) {
  const Dim *size[1] = {dim_of(7)};
  Node *index = build_index(graph, 1, size, 0);
  cr_expect_eq(index->type.bound, dim_of(7));
  cr_expect_eq(build_reshape(index, 1, size)->type.bound, dim_of(7));
  cr_expect_null(build_add(index, index)->type.bound);
  cr_expect_eq(build_max(index, index)->type.bound, dim_of(7));
  Node *x = input_of("x", 2, (int64_t[]){2, 5});
  cr_expect_eq(build_argmax(x, true)->type.bound, dim_of(5));
  size[0] = dim_of((int64_t)1 << 32);
  cr_expect_eq(build_index(graph, 1, size, 0)->type.dtype, DTYPE_I64);
}

/* Each reduction node has the last axis alone, or axes before it; all axes end in one flat sum. */
Test(graph, reductions_have_two_forms) {
  Node *x = input_of("x", 3, (int64_t[]){2, 3, 4});
  const int axes[7][3] = {{0}, {1}, {2}, {0, 1}, {0, 2}, {1, 2}, {0, 1, 2}},
            counts[7] = {1, 1, 1, 2, 2, 2, 3};
  const char *dropped[7] = {"f32[3, 4]", "f32[2, 4]", "f32[2, 3]", "f32[4]", "f32[3]", "f32[2]", "f32[]"};
  const char *kept[7] = {"f32[1, 3, 4]", "f32[2, 1, 4]", "f32[2, 3, 1]", "f32[1, 1, 4]",
                         "f32[1, 3, 1]", "f32[2, 1, 1]", "f32[1, 1, 1]"};
  Node *all[7];
  for (int i = 0; i < 7; i++) {
    expect_shape(all[i] = build_reduce(OP_REDUCE_SUM, x, axes[i], counts[i], false), dropped[i]);
    expect_shape(build_reduce(OP_REDUCE_SUM, x, axes[i], counts[i], true), kept[i]);
  }
  graph_verify(graph); // knows the two forms
  double **value = evaluate(graph);
  cr_expect_eq(value[all[6]->id][0], 276);
  cr_expect_eq(value[all[4]->id][2], 8 + 9 + 10 + 11 + 20 + 21 + 22 + 23);
  cr_expect_eq(all[6]->src[0]->op, OP_REDUCE_SUM);
  cr_expect_eq(all[6]->src[0]->type.rank, 1, "the second sum is over one flat dim");
}

Test(graph, argmax_finds_the_first) {
  const double rows[3][4] = {{1, 5, 5, 2}, {1, NAN, 7, NAN}, {-1, -1, -1, -1}};
  Node *x = input_of("x", 2, (int64_t[]){3, 4});
  memcpy(x->attr.variable->data, rows, sizeof rows);
  Node *most = build_argmax(x, true), *least = build_argmax(x, false);
  expect_shape(most, "i32[3]");
  double **value = evaluate(graph);
  cr_expect(value[most->id][0] == 1 && value[most->id][1] == 1 && value[most->id][2] == 0);
  cr_expect(value[least->id][0] == 0 && value[least->id][1] == 1 && value[least->id][2] == 0);
}

Test(graph, shapes_of_kernels) {
  const Dim *b = dim_symbol(name_of("B")), *image[4] = {b, dim_symbol(name_of("H")), dim_of(28), dim_of(4)};
  Node *x = input("x", DTYPE_F32, 4, image), *k = input_of("k", 4, (int64_t[]){3, 3, 2, 8});
  Window window = {.stride = {2, 1}, .front = {1, 1}, .back = {1, 1}, .groups = 2};
  Node *y = build_conv2d(x, k, &window);
  expect_shape(y, "f32[B, (H + 1)//2, 28, 8]");
  window.size[0] = window.size[1] = 2, window.stride[1] = 2, window.front[0] = window.front[1] = 0;
  window.back[0] = window.back[1] = 0, window.groups = 0;
  expect_shape(build_pool_max(y, &window), "f32[B, (H + 1)//4, 14, 8]");
  const Dim *size[1] = {b};
  Node *ids = build_index(graph, 1, size, 0), *table = input_of("table", 2, (int64_t[]){10, 6});
  expect_shape(build_gather(table, ids), "f32[B, 6]");
  expect_shape(build_scatter_add(ids, build_gather(table, ids), dim_of(10)), "f32[10, 6]");
  Node *a = build_expand(table, 3, (const Dim *const[]){b, dim_of(10), dim_of(6)});
  expect_shape(build_matmul(a, a, false, true), "f32[B, 10, 10]");
  expect_shape(build_matmul(a, a, true, false), "f32[B, 6, 6]");
  graph_verify(graph);
}

Test(graph, prints_one_node_a_line) {
  const Source *source = source_add("some/where/digits.model", "a\nb\nc\n", 6);
  const Dim *size[2] = {dim_symbol(name_of("B")), dim_of(4)};
  Node *x = input("x", DTYPE_F32, 2, size);
  graph->span = (Span){source->id, 2, 3}, graph->layer = "net.Dense.0";
  Node *y = build_add(x, build_number(graph, DTYPE_F32, 0.1));
  graph->span = (Span){0}, graph->layer = NULL;
  Node *z = build_slice(build_reduce(OP_REDUCE_MAX, y, &(int){1}, 1, true), 0, dim_of(1), dim_of(2), 3);
  Node *p = build_pad(build_permute(z, (int[]){1, 0}), 1, dim_of(0), dim_of(1), -1);
  graph_output(graph, "loss", build_matmul(p, p, true, false));
  graph_output(graph, "tenth", build_number(graph, DTYPE_F32, 0.1));
  graph_assign(graph, x->attr.variable, y);
  expect_text(
      graph,
      "%0 = read x : f32[B, 4]\n"
      "%4 = add %0, 0.1 : f32[B, 4]                                      # digits.model:2 net.Dense.0\n"
      "%5 = reduce_max %4 axes=[1] : f32[B, 1]\n"
      "%6 = slice %5 axis=0 start=1 step=3 : f32[2, 1]\n"
      "%7 = permute %6 order=[1, 0] : f32[1, 2]\n"
      "%8 = pad %7 axis=1 front=0 back=1 fill=-1 : f32[1, 3]\n"
      "%9 = matmul %8, %8 transposed=[0] : f32[3, 3]\n"
      "output loss = %9\n"
      "output tenth = 0.1\n"
      "assign x = %4\n");
}

Test(graph, binds_what_outputs_need) {
  const Dim *b = dim_symbol(name_of("B")), *size[2] = {b, dim_of(4)}, *flat = dim_mul(b, dim_of(4));
  Node *x = input("x", DTYPE_F32, 2, size);
  build_exp(x);
  Node *y = build_reshape(build_mul(x, build_cast(build_extent(graph, flat), DTYPE_F32)), 1, &flat);
  graph_output(graph, "y", y);
  DimBinding binding = {b, dim_of(5)};
  Graph *bound = graph_bind(graph, arena, &binding, 1);
  graph_verify(bound);
  expect_text(bound, "%0 = read x : f32[5, 4]\n"
                     "%1 = extent 20 : i64[]\n"
                     "%2 = cast %1 : f32[]\n"
                     "%3 = reshape %2 : f32[1, 1]\n"
                     "%4 = expand %3 : f32[5, 4]\n"
                     "%5 = mul %0, %4 : f32[5, 4]\n"
                     "%6 = reshape %5 : f32[20]\n"
                     "output y = %6\n");
  cr_expect_eq(bound->node[0]->attr.variable, x->attr.variable);
  expect_shape(x, "f32[B, 4]");
}
