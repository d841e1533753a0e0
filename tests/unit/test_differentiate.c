/* Every rule of differentiation against differences of four points in f64: first derivatives, and second ones as
 * derivatives of a weighted sum of the first. Then ties, guards and what has no gradient. */
#include "autodiff/differentiate.h"
#include "graph/build.h"
#include "tests/unit/evaluate.h"

#include <criterion/criterion.h>

#define INPUTS_MOST 3
#define STEP        1e-3

typedef struct {
  Arena *arena;
  Graph *graph;
  Variable variable[INPUTS_MOST];
  Node *x[INPUTS_MOST];
  int inputs;
} Setting;

static Setting setting_new(void) {
  Setting setting = {.arena = arena_new(0)};
  setting.graph = graph_new(setting.arena);
  return setting;
}

/* A new input of this shape; its numbers lie in [low, high], none near the others or a round number. */
static Node *add_input(Setting *setting, int rank, const int64_t *size, double low, double high) {
  Variable *variable = &setting->variable[setting->inputs];
  const Dim *dim[MAX_RANK];
  for (int i = 0; i < rank; i++) dim[i] = dim_of(size[i]);
  *variable = (Variable){.role = VARIABLE_WEIGHT, .path = "x", .type = type_of(DTYPE_F64, rank, dim)};
  int64_t count = type_count(&variable->type);
  double *data = ARENA_ARRAY(setting->arena, double, count + 1);
  for (int64_t i = 0; i < count; i++) {
    double part = fmod(0.137 + 0.6180339887 * (double)(i + 7 * setting->inputs), 1);
    data[i] = low + (high - low) * part;
  }
  variable->data = data;
  return setting->x[setting->inputs++] = build_read(setting->graph, variable);
}

/* Sum of y times numbers that differ from element to element. */
static Node *weighted(Node *y, uint64_t site) {
  Node *weight = build_random(y->graph, y->type.dtype, y->type.rank, y->type.size, site);
  return build_reduce_all(OP_REDUCE_SUM, build_mul(y, build_add(weight, build_like(weight, 0.25))));
}

static double value_of_node(const Setting *setting, const Node *node) {
  return evaluate(setting->graph)[node->id][0];
}

/* The derivative of a scalar by element i of an input. */
static double difference(const Setting *setting, const Node *y, int input, int64_t i) {
  double *x = (double *)setting->variable[input].data + i, at = *x, value[4];
  const double offset[4] = {-2, -1, 1, 2};
  for (int k = 0; k < 4; k++) {
    *x = at + offset[k] * STEP;
    value[k] = value_of_node(setting, y);
  }
  *x = at;
  return (value[0] - 8 * value[1] + 8 * value[2] - value[3]) / (12 * STEP);
}

static void compare(const Setting *setting, const Node *y, Node *const *gradient, const char *what) {
  double **value = evaluate(setting->graph);
  for (int k = 0; k < setting->inputs; k++) {
    int64_t count = type_count(&setting->x[k]->type);
    if (gradient[k]) cr_assert(type_same_shape(&gradient[k]->type, &setting->x[k]->type));
    for (int64_t i = 0; i < count; i++) {
      double wanted = difference(setting, y, k, i), got = gradient[k] ? value[gradient[k]->id][i] : 0;
      cr_assert(fabs(got - wanted) <= 2e-8 * fmax(1, fabs(wanted)),
                "%s: input %d, element %lld: %.12g, not %.12g", what, k, (long long)i, got, wanted);
    }
  }
}

/* Checks first and second derivatives of an output by all inputs, plain and simplified. */
static void check(Setting *setting, Node *output, const char *what) {
  Node *first[INPUTS_MOST], *second[INPUTS_MOST] = {NULL}, *y = weighted(output, 1), *z = NULL;
  differentiate(y, setting->x, setting->inputs, first);
  for (int k = 0; k < setting->inputs; k++) {
    cr_assert_eq(first[k] != NULL, differentiable(y, setting->x[k]), "%s", what);
    if (!first[k]) continue;
    Node *sum = weighted(first[k], (uint64_t)k + 2);
    z = z ? build_add(z, sum) : sum;
  }
  if (z) differentiate(z, setting->x, setting->inputs, second);
  graph_verify(setting->graph);
  compare(setting, y, first, what);
  if (z) compare(setting, z, second, what);
  /* The same again, simplified: outputs keep the nodes that are looked at. */
  Graph *graph = setting->graph;
  graph_output(graph, "y", y);
  for (int k = 0; k < setting->inputs; k++) graph_output(graph, "x", setting->x[k]);
  for (int k = 0; k < setting->inputs; k++) graph_output(graph, "dx", first[k] ? first[k] : y);
  for (int k = 0; k < setting->inputs; k++) graph_output(graph, "dz", second[k] ? second[k] : y);
  double before[64];
  double **value = evaluate(graph);
  for (int i = 0; i < graph->outputs; i++) before[i] = value[graph->output[i].node->id][0];
  graph_simplify(graph);
  graph_verify(graph);
  value = evaluate(graph);
  for (int i = 0; i < graph->outputs; i++) {
    double got = value[graph->output[i].node->id][0];
    cr_assert(fabs(got - before[i]) <= 1e-12 * fmax(1, fabs(got)), "%s: simplify: %g, not %g", what, got,
              before[i]);
  }
  arena_free(setting->arena);
}

/* ---- maps ------------------------------------------------------------------------------------------------- */

typedef struct {
  double low[2], high[2];
} Range;

/* Where the inputs of an op lie; [-2, 2] for the others. */
static const Range range_of[OP_COUNT] = {
    [OP_LOG] = {{0.3}, {3}},
    [OP_LOG1P] = {{-0.6}, {3}},
    [OP_SQRT] = {{0.3}, {3}},
    [OP_RSQRT] = {{0.4}, {3}},
    [OP_TAN] = {{-1.0}, {1.1}},
    [OP_ASIN] = {{-0.8}, {0.7}},
    [OP_ACOS] = {{-0.8}, {0.7}},
    [OP_DIV] = {{-2, 0.6}, {2, 2}},
    [OP_POW] = {{0.4, -2}, {2, 2}},
    [OP_ATAN2] = {{0.5, -2}, {2, 2}},
    [OP_ERFINV] = {{-0.8}, {0.7}},
    [OP_LGAMMA] = {{0.4}, {3}},
    [OP_POLYGAMMA] = {{2.1, 0.6}, {2.6, 3}},
    [OP_MOD] = {{2.1, 1.07}, {2.6, 1.25}},
    [OP_FLOOR_DIV] = {{2.1, 1.07}, {2.6, 1.25}},
};

Test(differentiate, every_map_row) {
  for (int op = 0; op < OP_COUNT; op++) {
    const OpRow *row = &op_table[op];
    if (row->group != GROUP_MAP || row->takes == 'B' || row->gives == 'B' || op == OP_CAST || op == OP_STOP)
      continue;
    Range range = range_of[op];
    Setting setting = setting_new();
    Node *src[3];
    if (op == OP_WHERE) {
      const Dim *size = dim_of(5);
      Node *random = build_random(setting.graph, DTYPE_F64, 1, &size, 3);
      src[0] = build_gt(random, build_like(random, 0.5));
    }
    for (int k = op == OP_WHERE; k < row->arity; k++) {
      int at = k % 2;
      bool given = range.low[at] != 0 || range.high[at] != 0;
      src[k] = add_input(&setting, 1, &(int64_t){5}, given ? range.low[at] : -2, given ? range.high[at] : 2);
    }
    check(&setting, build_map((OpCode)op, src), row->name);
  }
}

Test(differentiate, compositions_with_scalars) {
  Setting setting = setting_new();
  Node *x = add_input(&setting, 2, (int64_t[]){2, 3}, 0.5, 2), *s = add_input(&setting, 0, NULL, 0.7, 1);
  check(&setting, build_mul(build_exp(build_mul(x, s)), build_div(s, build_add(x, x))), "scalars");
}

Test(differentiate, casts_reach_the_dtype) {
  Setting setting = setting_new();
  Node *x = add_input(&setting, 1, &(int64_t){3}, 1, 2), *gradient;
  Node *y = build_reduce_all(OP_REDUCE_SUM, build_cast(build_mul(x, x), DTYPE_F32));
  differentiate(y, &x, 1, &gradient);
  cr_expect_eq(gradient->type.dtype, DTYPE_F64);
  arena_free(setting.arena);
}

/* ---- reductions and views --------------------------------------------------------------------------------- */

Test(differentiate, reductions) {
  const int axes[5][3] = {{2}, {0}, {0, 1}, {0, 2}, {0, 1, 2}};
  const int counts[5] = {1, 1, 2, 2, 3};
  for (int op = OP_REDUCE_SUM; op <= OP_REDUCE_MIN; op++)
    for (int i = 0; i < 5; i++)
      for (int keep = 0; keep < 2; keep++) {
        Setting setting = setting_new();
        Node *x = add_input(&setting, 3, (int64_t[]){2, 3, 4}, -2, 2);
        Node *reduced = build_reduce((OpCode)op, x, axes[i], counts[i], keep);
        check(&setting, build_mul(reduced, reduced), op_table[op].name);
      }
  Setting setting = setting_new();
  Node *x = add_input(&setting, 2, (int64_t[]){3, 4}, -2, 2);
  check(&setting, build_mean(build_mul(x, x), (int[]){0, 1}, 2, false), "mean");
}

Test(differentiate, views) {
  for (int i = 0; i < 9; i++) {
    Setting setting = setting_new();
    Node *x = add_input(&setting, 3, (int64_t[]){2, 7, 3}, -2, 2);
    Node *z = add_input(&setting, 3, (int64_t[]){2, 1, 3}, -2, 2);
    const Dim *flat[2] = {dim_of(6), dim_of(7)}, *whole[4] = {dim_of(2), dim_of(2), dim_of(5), dim_of(3)};
    Node *y = i == 0   ? build_reshape(x, 2, flat)
              : i == 1 ? build_permute(x, (int[]){2, 0, 1})
              : i == 2 ? build_expand(z, 4, whole)
              : i == 3 ? build_slice(x, 1, dim_of(2), dim_of(3), 1)
              : i == 4 ? build_slice(x, 1, dim_of(1), dim_of(3), 2)
              : i == 5 ? build_slice(x, 1, dim_of(0), dim_of(2), 3)
              : i == 6 ? build_flip(x, 1)
              : i == 7 ? build_pad(x, 2, dim_of(1), dim_of(2), 0.5)
                       : build_concat(setting.graph, (Node *[]){x, z, x}, 3, 1);
    check(&setting, build_mul(y, build_sin(y)), op_table[y->op].name);
  }
}

/* ---- kernels ---------------------------------------------------------------------------------------------- */

Test(differentiate, matmul) {
  for (int flags = 0; flags < 4; flags++) {
    bool ta = flags & 1, tb = flags & 2;
    Setting setting = setting_new();
    Node *a = add_input(&setting, 3, ta ? (int64_t[]){2, 4, 3} : (int64_t[]){2, 3, 4}, -2, 2);
    Node *b = add_input(&setting, 3, tb ? (int64_t[]){2, 5, 4} : (int64_t[]){2, 4, 5}, -2, 2);
    Node *y = build_matmul(a, b, ta, tb);
    check(&setting, build_mul(y, build_sin(y)), "matmul");
  }
}

Test(differentiate, convolutions) {
  const Window windows[3] = {
      {.groups = 1},
      {.stride = {2, 1}, .front = {1, 0}, .back = {1, 2}, .dilation = {1, 2}, .groups = 1},
      {.stride = {2, 3}, .front = {0, 1}, .back = {1, 1}, .dilation = {1, 1}, .groups = 2},
  };
  for (int i = 0; i < 3; i++) {
    Setting setting = setting_new();
    Node *x = add_input(&setting, 4, (int64_t[]){2, 4, 5, 2}, -1, 1);
    Node *k = add_input(&setting, 4, (int64_t[]){2, 2, 2 / windows[i].groups, 2}, -1, 1);
    Node *y = build_conv2d(x, k, &windows[i]);
    check(&setting, build_mul(y, y), "conv2d");
  }
}

Test(differentiate, pools) {
  const Window windows[2] = {
      {.stride = {2, 2}, .size = {2, 2}, .groups = 1},
      {.stride = {1, 2}, .front = {1, 0}, .back = {0, 1}, .dilation = {1, 2}, .size = {2, 2}, .groups = 1},
  };
  for (int i = 0; i < 2; i++) {
    Setting setting = setting_new();
    Node *y = build_pool_max(add_input(&setting, 4, (int64_t[]){1, 4, 4, 2}, -1, 1), &windows[i]);
    check(&setting, build_mul(y, build_mul(y, y)), "pool_max");
  }
}

Test(differentiate, gathers_and_running_sums) {
  const Dim *size[2] = {dim_of(2), dim_of(3)}, *rows = dim_of(4);
  Setting setting = setting_new();
  Node *x = add_input(&setting, 2, (int64_t[]){4, 3}, -1, 1);
  Node *ids = build_index(setting.graph, 2, size, 1);
  Node *y = build_gather(x, ids);
  check(&setting, build_mul(y, build_sin(y)), "gather");
  setting = setting_new();
  Node *v = add_input(&setting, 3, (int64_t[]){2, 3, 2}, -1, 1);
  y = build_scatter_add(build_index(setting.graph, 2, size, 1), v, rows);
  check(&setting, build_mul(y, build_sin(y)), "scatter_add");
  setting = setting_new();
  y = build_cumsum(add_input(&setting, 2, (int64_t[]){2, 4}, -1, 1));
  check(&setting, build_mul(y, build_sin(y)), "cumsum");
}

/* ---- kinks, masks, what has none -------------------------------------------------------------------------- */

/* The gradient of the sum of `y` by input 0 equals `wanted`. */
static void expect_gradient(Setting *setting, Node *y, const double *wanted, const char *what) {
  Node *gradient;
  differentiate(build_reduce_all(OP_REDUCE_SUM, y), setting->x, 1, &gradient);
  double *got = evaluate(setting->graph)[gradient->id];
  for (int64_t i = 0; i < type_count(&gradient->type); i++)
    cr_expect(fabs(got[i] - wanted[i]) < 1e-12, "%s: element %lld: %g, not %g", what, (long long)i, got[i],
              wanted[i]);
  arena_free(setting->arena);
}

static Node *given(Setting *setting, int64_t count, const double *data) {
  Node *x = add_input(setting, 1, &count, 0, 1);
  memcpy(setting->variable[setting->inputs - 1].data, data, (size_t)count * sizeof *data);
  return x;
}

Test(differentiate, ties) {
  Setting setting = setting_new();
  Node *x = given(&setting, 3, (double[]){-1, 0, 1});
  expect_gradient(&setting, build_relu(x), (double[]){0, 0, 1}, "relu");
  setting = setting_new();
  x = given(&setting, 3, (double[]){-1, 0, 1});
  expect_gradient(&setting, build_abs(x), (double[]){-1, 0, 1}, "abs");
  setting = setting_new();
  x = given(&setting, 3, (double[]){-1, 0, 1});
  expect_gradient(&setting, build_max(x, build_like(x, 0)), (double[]){0, 0.5, 1}, "max");
  setting = setting_new();
  x = given(&setting, 3, (double[]){-1, 0, 1});
  expect_gradient(&setting, build_min(build_like(x, 0), x), (double[]){1, 0.5, 0}, "min");
  setting = setting_new();
  x = given(&setting, 4, (double[]){1, 3, 3, 2});
  expect_gradient(&setting, build_reduce_all(OP_REDUCE_MAX, x), (double[]){0, 1, 0, 0}, "reduce_max");
  setting = setting_new();
  x = given(&setting, 4, (double[]){1, NAN, 3, NAN});
  expect_gradient(&setting, build_reduce_all(OP_REDUCE_MIN, x), (double[]){0, 1, 0, 0}, "reduce_min of NaN");
}

/* Infinite derivatives at masked places give 0, to second order, and a dy of 0 hides no second derivative. */
Test(differentiate, guards) {
  const double points[3] = {-1, 0, 4};
  OpCode op[4] = {OP_SQRT, OP_LOG, OP_RSQRT, OP_ACOS};
  for (int i = 0; i < 4; i++) {
    Setting setting = setting_new();
    Node *x = given(&setting, 3, points), *first, *second;
    Node *never = build_gt(x, build_like(x, 9));
    Node *y = build_where(never, build_map(op[i], &x), build_like(x, 0));
    differentiate(build_reduce_all(OP_REDUCE_SUM, y), &x, 1, &first);
    differentiate(build_reduce_all(OP_REDUCE_SUM, build_mul(first, first)), &x, 1, &second);
    double **value = evaluate(setting.graph);
    for (int k = 0; k < 3; k++) {
      cr_expect_eq(value[first->id][k], 0, "%s", op_table[op[i]].name);
      cr_expect_eq(value[second->id][k], 0, "%s, second", op_table[op[i]].name);
    }
    arena_free(setting.arena);
  }
  Setting setting = setting_new();
  Node *x = given(&setting, 2, (double[]){4, 9}), *w = given(&setting, 2, (double[]){0, 0}), *first, *mixed;
  differentiate(build_reduce_all(OP_REDUCE_SUM, build_mul(w, build_sqrt(x))), &x, 1, &first);
  differentiate(build_reduce_all(OP_REDUCE_SUM, first), &w, 1, &mixed);
  double **value = evaluate(setting.graph);
  cr_expect_float_eq(value[mixed->id][0], 0.25, 1e-15);
  cr_expect_float_eq(value[mixed->id][1], 0.5 / 3, 1e-15);
  arena_free(setting.arena);
}

Test(differentiate, powers_at_zero) {
  Setting setting = setting_new();
  Node *x = given(&setting, 1, (double[]){0});
  expect_gradient(&setting, build_pow(x, build_like(x, 0)), (double[]){0}, "x**0");
  setting = setting_new();
  x = given(&setting, 1, (double[]){0});
  expect_gradient(&setting, build_pow(x, build_like(x, 2)), (double[]){0}, "x**2");
}

Test(differentiate, no_path_is_null) {
  Setting setting = setting_new();
  Node *x = add_input(&setting, 1, &(int64_t){3}, 0, 1), *z = add_input(&setting, 1, &(int64_t){3}, 0, 1);
  Node *y = build_reduce_all(OP_REDUCE_SUM, build_mul(build_stop(x), build_floor(x))), *gradient[3];
  Node *used = build_reduce_all(OP_REDUCE_SUM, build_mul(z, build_stop(z)));
  differentiate(y, (Node *[]){x, z}, 2, gradient);
  cr_expect_null(gradient[0]);
  cr_expect_null(gradient[1]);
  cr_expect(!differentiable(y, x) && !differentiable(used, x) && differentiable(used, z));
  differentiate(used, (Node *[]){used, z, x}, 3, gradient);
  double **value = evaluate(setting.graph);
  cr_expect_eq(value[gradient[0]->id][0], 1, "y by itself");
  cr_expect_eq(value[gradient[1]->id][1], ((double *)setting.variable[1].data)[1]);
  cr_expect_null(gradient[2]);
  arena_free(setting.arena);
}

/* A value used by many is complete before it is handed on; a long chain needs no deep stack. */
Test(differentiate, long_chains) {
  Setting setting = setting_new();
  Node *x = given(&setting, 2, (double[]){1, 2}), *y = x;
  for (int i = 0; i < 50000; i++) y = i % 2 ? build_neg(y) : build_add(y, x);
  expect_gradient(&setting, y, (double[]){1, 1}, "chain");
}

Test(differentiate, places_and_symbols) {
  Setting setting = setting_new();
  Node *x = add_input(&setting, 1, &(int64_t){3}, 0, 1), *gradient;
  const Dim *size[2] = {dim_symbol(name_of("B")), dim_of(3)};
  setting.graph->span = (Span){7, 1, 2}, setting.graph->layer = "net.Dense.0";
  Node *y = build_exp(build_expand(x, 2, size));
  setting.graph->span = (Span){0}, setting.graph->layer = NULL;
  differentiate(build_mean(y, (int[]){0, 1}, 2, false), &x, 1, &gradient);
  graph_verify(setting.graph);
  int found = 0;
  for (int i = y->id + 1; i < setting.graph->nodes; i++) found += setting.graph->node[i]->span.source == 7;
  cr_expect(found > 0, "gradients of a node stand at its place");
  cr_expect_eq(setting.graph->span.source, 0);
  arena_free(setting.arena);
}
