/* Every row of ops.def: what it gives, its derivatives, and what it does with NaN.
 *
 * Inputs come from tests/op_samples.h, what must hold of each from tests/trial.h. Nothing here names an op that
 * could be reached by walking the table. */
#include "autodiff/differentiate.h"
#include "tests/op_samples.h"

#define STEP 1e-3 // of finite differences

static const DType dtypes[] = {DTYPE_BOOL, DTYPE_U8, DTYPE_I32, DTYPE_I64, DTYPE_F32, DTYPE_F64};
static const DType floats[] = {DTYPE_F32, DTYPE_F64};

/* Kernels have no column `takes`: products and windows are for floats, sums for numbers, gather moves all. */
static bool row_takes(OpCode op, DType dtype) {
  if (op >= OP_MATMUL && op <= OP_POOL_MAX_GRAD) return dtype_is_float(dtype);
  if (op >= OP_CHOLESKY && op <= OP_FFT) return dtype_is_float(dtype);
  if (op == OP_SCATTER_ADD || op == OP_SCATTER_MAX || op == OP_CUMSUM) return dtype != DTYPE_BOOL;
  return op_takes(op, dtype);
}

/* A trial of one sample, its node in *y; NULL past the last. */
static Trial *sample_trial(OpCode op, DType dtype, int number, Node **y) {
  Trial *t = trial_new(dtype, (uint32_t)op * 64 + (uint32_t)number);
  *y = sample_build(t, op, number);
  if (!*y) {
    trial_free(t);
    return NULL;
  }
  trial_name(t, "%s %s, sample %d", op_table[op].name, dtype_name(dtype), number);
  return t;
}

static void rows_check(int first, int last) {
  for (int op = first; op <= last; op++)
    for (int k = 0; k < LENGTH(dtypes); k++)
      for (int number = 0; row_takes((OpCode)op, dtypes[k]); number++) {
        Node *y;
        Trial *t = sample_trial((OpCode)op, dtypes[k], number, &y);
        if (!t) break;
        graph_output(t->graph, "y", y);
        trial_check(t);
        trial_free(t);
      }
}

Test(ops, maps_of_one) { rows_check(0, OP_STOP); }
Test(ops, maps_of_more) { rows_check(OP_ADD, OP_WHERE); }
Test(ops, reductions) { rows_check(OP_REDUCE_SUM, OP_REDUCE_MIN); }
Test(ops, views) { rows_check(OP_RESHAPE, OP_CONCAT); }
Test(ops, kernels) { rows_check(OP_MATMUL, OP_COUNT - 1); }

/* ---- rows without samples: casts and sources --------------------------------------------------------- */

static Node *extremes_input(Trial *t, DType dtype) {
  bool real = dtype_is_float(dtype);
  int64_t count = real ? LENGTH(extreme_floats) : LENGTH(extreme_wholes);
  Node *x = trial_input(t, dtype, 1, &count);
  for (int64_t i = 0; i < count; i++) {
    double number = real ? extreme_floats[i] : extreme_wholes[i];
    if (dtype == DTYPE_U8) number = (double)((int64_t)fmin(fabs(number), 1e15) % 256);
    if (dtype == DTYPE_I32) number = fmax(-0x1p31, fmin(0x1p31 - 1, number));
    input_put(x, i, number);
  }
  return x;
}

Test(ops, casts) {
  for (int from = 0; from < LENGTH(dtypes); from++)
    for (int to = 0; to < LENGTH(dtypes); to++) {
      Trial *t = trial_new(dtypes[from], 1);
      trial_name(t, "cast %s to %s", dtype_name(dtypes[from]), dtype_name(dtypes[to]));
      graph_output(t->graph, "extremes", build_cast(extremes_input(t, dtypes[from]), dtypes[to]));
      Node *x = sample_distinct(t, dtypes[from], 2, SIZES(37, 61));
      graph_output(t->graph, "turned", build_cast(build_swap(x), dtypes[to]));
      graph_output(t->graph, "none", build_cast(sample_distinct(t, dtypes[from], 1, SIZES(0)), dtypes[to]));
      trial_check(t);
      trial_free(t);
    }
}

Test(ops, sources) {
  static const int64_t sizes[][3] = {{1, 1, 1}, {2, 3, 5}, {0, 3, 2}, {7, 31, 29}, {1, 1, 4099}};
  for (int i = 0; i < LENGTH(sizes); i++) {
    Trial *t = trial_new(DTYPE_F32, (uint32_t)i);
    trial_name(t, "sources %d", i);
    Type shape = type_with(DTYPE_F32, 3, sizes[i]);
    const int order[] = {2, 0, 1};
    for (int axis = 0; axis < 3; axis++) {
      Node *index = build_index(t->graph, 3, shape.size, axis);
      graph_output(t->graph, "index", index);
      graph_output(t->graph, "turned index", build_permute(build_flip(index, axis), order));
      graph_output(t->graph, "used index",
                   build_add(build_cast(index, DTYPE_F32), build_number(t->graph, DTYPE_F32, 0.5)));
    }
    for (int k = 0; k < 2; k++) {
      Node *random = build_random(t->graph, floats[k], 3, shape.size, (uint64_t)(k + 1) << 40);
      graph_output(t->graph, "random", random);
      graph_output(t->graph, "turned random", build_permute(build_flip(random, 1), order));
      graph_output(t->graph, "mean", build_reduce_all(OP_REDUCE_MAX, random));
      graph_output(t->graph, "number", build_number(t->graph, floats[k], 0.1));
    }
    graph_output(t->graph, "whole", build_whole(t->graph, DTYPE_I32, -7));
    graph_output(t->graph, "extent", build_extent(t->graph, shape.size[2]));
    trial_check(t);
    trial_free(t);
  }
}

/* ---- derivatives ------------------------------------------------------------------------------------- */

/* A weighted sum of y and its first and second derivatives: outputs 0 and 1 are the sums that were
 * differentiated, 2 + 2 k and 3 + 2 k the gradients of them to input k. */
typedef struct {
  Node *input[TRIAL_VARIABLES];
  int inputs;
} Derivatives;

static Node *weighted_sum(Trial *t, Node *y) {
  int64_t size[MAX_RANK];
  for (int i = 0; i < y->type.rank; i++) size[i] = type_size(&y->type, i);
  Node *weight = trial_fill(t, trial_input(t, y->type.dtype, y->type.rank, size), 0.5, 1.5);
  return build_reduce_all(OP_REDUCE_SUM, build_mul(y, weight));
}

static Node *zeros_like(Node *x) { return build_like(x, 0); }

/* To all inputs of floats, or to input `only` where that is not negative. */
static Derivatives derivatives_add(Trial *t, Node *y, int only) {
  Derivatives made = {.inputs = 0};
  Node *first[TRIAL_VARIABLES], *second[TRIAL_VARIABLES];
  for (int i = 0; i < t->variables; i++)
    if (dtype_is_float(t->input[i]->type.dtype) && (only < 0 || i == only))
      made.input[made.inputs++] = t->input[i];
  Node *sum = weighted_sum(t, y), *sum_of_gradients = build_number(t->graph, t->dtype, 0);
  differentiate(sum, made.input, made.inputs, first);
  for (int i = 0; i < made.inputs; i++) {
    if (!first[i]) first[i] = zeros_like(made.input[i]);
    sum_of_gradients = build_add(sum_of_gradients, weighted_sum(t, first[i]));
  }
  differentiate(sum_of_gradients, made.input, made.inputs, second);
  graph_output(t->graph, "sum", sum);
  graph_output(t->graph, "sum of gradients", sum_of_gradients);
  for (int i = 0; i < made.inputs; i++) {
    graph_output(t->graph, "gradient", first[i]);
    graph_output(t->graph, "second", second[i] ? second[i] : zeros_like(made.input[i]));
  }
  return made;
}

/* The derivative of outputs 0 and 1 to one number, by four points. */
static void difference(Trial *t, Variable *variable, int64_t place, double slope[2]) {
  static const double at[] = {-2, -1, 1, 2}, weight[] = {1, -8, 8, -1};
  double *number = (double *)variable->data + place, old = *number;
  slope[0] = slope[1] = 0;
  for (int i = 0; i < 4; i++) {
    *number = old + at[i] * STEP;
    Result *result = reference_results(t, false);
    for (int k = 0; k < 2; k++) slope[k] += weight[i] * *(double *)result[k].data / (12 * STEP);
  }
  *number = old;
}

static void derivatives_check(Trial *t, Node *y) {
  static const char *const what[] = {"first derivative", "second derivative"};
  static const double tolerance[] = {1e-8, 1e-6};
  Derivatives made = derivatives_add(t, y, -1);
  Result *result = reference_results(t, false);
  for (int i = 0; i < made.inputs; i++)
    for (int64_t place = 0; place < type_count(&made.input[i]->type); place++) {
      double slope[2];
      difference(t, made.input[i]->attr.variable, place, slope);
      for (int k = 0; k < 2; k++) {
        const Result *gradient = &result[2 + 2 * i + k];
        double got = ((double *)gradient->data)[place], allowed = tolerance[k] * fmax(1, fabs(slope[k]));
        if (!(fabs(got - slope[k]) <= allowed))
          trial_fail(t, what[k], 2 + 2 * i + k, &gradient->type, place, slope[k], got, allowed);
      }
    }
}

static bool gives_float(OpCode op) { return op_table[op].gives == 'S' && row_takes(op, DTYPE_F64); }

static void rows_derivatives(int first, int last) {
  for (int op = first; op <= last; op++)
    for (int number = 0; gives_float((OpCode)op); number++) {
      Node *y;
      Trial *t = sample_trial((OpCode)op, DTYPE_F64, number, &y);
      if (!t) break;
      if (t->smooth && op != OP_STOP) derivatives_check(t, y);
      trial_free(t);
    }
}

Test(ops, derivatives_of_maps) { rows_derivatives(0, OP_WHERE); }
Test(ops, derivatives_of_reductions) { rows_derivatives(OP_REDUCE_SUM, OP_REDUCE_MIN); }
Test(ops, derivatives_of_views) { rows_derivatives(OP_RESHAPE, OP_CONCAT); }
Test(ops, derivatives_of_kernels) { rows_derivatives(OP_MATMUL, OP_COUNT - 1); }

/* The same graphs on the CPU: 1e-5 in f32, as trust.md asks, and far less in f64. */
static void rows_gradients(int first, int last) {
  for (int op = first; op <= last; op++)
    for (int k = 0; k < LENGTH(floats); k++)
      for (int number = 0; gives_float((OpCode)op); number++) {
        Node *y;
        Trial *t = sample_trial((OpCode)op, floats[k], number, &y);
        if (!t) break;
        if (t->smooth) {
          derivatives_add(t, y, -1);
          t->relative = floats[k] == DTYPE_F32 ? 1e-5 : 1e-12;
          trial_check(t);
        }
        trial_free(t);
      }
}

Test(ops, gradients_of_maps) { rows_gradients(0, OP_WHERE); }
Test(ops, gradients_of_reductions) { rows_gradients(OP_REDUCE_SUM, OP_REDUCE_MIN); }
Test(ops, gradients_of_views) { rows_gradients(OP_RESHAPE, OP_CONCAT); }
Test(ops, gradients_of_kernels) { rows_gradients(OP_MATMUL, OP_COUNT - 1); }

/* ---- derivatives where there is no limit ------------------------------------------------------------- */

/* The gradient of the sum of y to input 0, which the reference gives. */
static double *gradient_of_sum(Trial *t, Node *y) {
  Node *gradient[TRIAL_VARIABLES];
  differentiate(build_reduce_all(OP_REDUCE_SUM, y), t->input, t->variables, gradient);
  for (int i = 0; i < t->variables; i++)
    graph_output(t->graph, "gradient", gradient[i] ? gradient[i] : zeros_like(t->input[i]));
  trial_check(t);
  return reference_results(t, false)[0].data;
}

typedef struct {
  const char *what;
  Node *(*build)(Trial *t);
  double gradient[4];
} Tie;

static Node *numbers(Trial *t, double a, double b, double c, double d) {
  Node *x = trial_input(t, DTYPE_F64, 1, SIZES(4));
  input_put(x, 0, a), input_put(x, 1, b), input_put(x, 2, c), input_put(x, 3, d);
  return x;
}

static Node *tie_relu(Trial *t) { return build_relu(numbers(t, 0, -0.0, 1, -1)); }
static Node *tie_abs(Trial *t) { return build_abs(numbers(t, 0, -0.0, 1, -1)); }
static Node *tie_min(Trial *t) {
  Node *a = numbers(t, 1, 2, 3, 0);
  return build_min(a, numbers(t, 1, 1, 4, -0.0));
}
static Node *tie_max(Trial *t) {
  Node *a = numbers(t, 1, 2, 3, 0);
  return build_max(a, numbers(t, 1, 1, 4, -0.0));
}
static Node *tie_reduce_max(Trial *t) { return build_reduce_all(OP_REDUCE_MAX, numbers(t, 1, 2, 2, 0)); }
static Node *tie_reduce_min(Trial *t) { return build_reduce_all(OP_REDUCE_MIN, numbers(t, 1, 0, 2, 0)); }
static Node *tie_pool(Trial *t) {
  const Dim *size[] = {dim_of(1), dim_of(2), dim_of(2), dim_of(1)};
  return build_pool_max(build_reshape(numbers(t, 1, 2, 2, 2), 4, size),
                        &(Window){.stride = {1, 1}, .dilation = {1, 1}, .size = {2, 2}, .groups = 1});
}
static Node *tie_stop(Trial *t) {
  Node *x = numbers(t, 1, 2, 3, 4);
  return build_mul(build_stop(x), x);
}

Test(ops, derivatives_at_ties) {
  static const Tie ties[] = {
      {"relu", tie_relu, {0, 0, 1, 0}},
      {"abs", tie_abs, {0, 0, 1, -1}},
      {"min", tie_min, {0.5, 0, 1, 0.5}},
      {"max", tie_max, {0.5, 1, 0, 0.5}},
      {"reduce_max", tie_reduce_max, {0, 1, 0, 0}},
      {"reduce_min", tie_reduce_min, {0, 1, 0, 0}},
      {"pool_max", tie_pool, {0, 1, 0, 0}},
      {"stop", tie_stop, {1, 2, 3, 4}},
  };
  for (int i = 0; i < LENGTH(ties); i++) {
    Trial *t = trial_new(DTYPE_F64, 1);
    trial_name(t, "derivative of %s at ties", ties[i].what);
    double *got = gradient_of_sum(t, ties[i].build(t));
    for (int k = 0; k < 4; k++)
      cr_expect(got[k] == ties[i].gradient[k], "%s: element %d: expected %g, got %g", t->label, k,
                ties[i].gradient[k], got[k]);
    trial_free(t);
  }
}

/* Inputs at which a row with GUARD has no finite derivative, each beside a harmless one. */
static const double bad_numbers[] = {0, -0.0, -1, -2.5, 2, INFINITY, -INFINITY, NAN};

/* `where(mask, f(x), 0)` with every bad number masked. */
static Node *masked_row(Trial *t, OpCode op) {
  int64_t count = 2 * LENGTH(bad_numbers) * LENGTH(bad_numbers);
  Node *src[2], *mask = trial_input(t, DTYPE_BOOL, 1, &count);
  for (int k = 0; k < op_table[op].arity; k++) src[k] = trial_input(t, t->dtype, 1, &count);
  for (int64_t i = 0; i < count; i++) {
    input_put(mask, i, i % 2 ? 1 : 0);
    for (int k = 0; k < op_table[op].arity; k++) {
      int64_t bad = k == 0 ? i / 2 % LENGTH(bad_numbers) : i / 2 / LENGTH(bad_numbers);
      input_put(src[k], i, i % 2 ? 0.6 : bad_numbers[bad]);
    }
  }
  Node *y = build_map(op, src);
  return build_where(mask, y, zeros_like(y));
}

/* Whether a masked row's gradients of one input are finite everywhere and 0 where they are masked. The second
 * ones need not be where an input is infinite or NaN: they also pass maps that are not guarded. */
static void masked_check(OpCode op, DType dtype, int input) {
  Trial *t = trial_new(dtype, 1);
  trial_name(t, "%s %s, masked, by input %d", op_table[op].name, dtype_name(dtype), input);
  Node *y = masked_row(t, op);
  derivatives_add(t, y, 1 + input); // input 0 of the trial is the mask
  t->relative = dtype == DTYPE_F32 ? 1e-5 : 1e-12;
  trial_check(t);
  Result *result = reference_results(t, false);
  for (int k = 2; k < 4; k++)
    for (int64_t place = 0; place < type_count(&result[k].type); place++) {
      double got = number_at(result[k].data, DTYPE_F64, place);
      bool finite = true;
      for (int i = 1; i <= op_table[op].arity; i++)
        finite = finite && isfinite(number_at(t->variable[i]->data, dtype, place));
      if (k == 3 && !finite) continue;
      if (!isfinite(got) || (place % 2 == 0 && got != 0))
        trial_fail(t, k == 2 ? "first derivative" : "second derivative", k, &result[k].type, place, 0, got,
                   0);
    }
  trial_free(t);
}

Test(ops, masked_derivatives) {
  for (int op = 0; op <= OP_WHERE; op++)
    for (int k = 0; k < LENGTH(floats); k++)
      for (int input = 0; op_table[op].guard && input < op_table[op].arity; input++)
        masked_check((OpCode)op, floats[k], input);
}

/* ---- NaN --------------------------------------------------------------------------------------------- */

/* Rows that may give a number though an input is NaN: choices, tests, and powers with 0 and 1. */
static bool may_hide_nan(OpCode op) { return op_table[op].gives == 'B' || op == OP_WHERE || op == OP_POW; }

/* Whether a NaN in that input may be tried. Padding of a convolution is not multiplied by the reference, so one
 * in its kernel is not. A transform's multiplies by 1 and i may be left out, so a NaN need not reach both of a pair;
 * scans and branches may end or choose by what is NaN. */
static bool nan_tried(OpCode op, const Trial *t, int input) {
  bool window = op >= OP_CONV2D && op <= OP_CONV2D_GRAD_KERNEL;
  const Type *type = &t->input[input]->type;
  bool free = op == OP_FFT || op == OP_RESULT;
  return !free && dtype_is_float(type->dtype) && type_count(type) > 0 && !(window && input > 0);
}

/* NaN in every second place of an input: all that run must agree where NaN comes out. */
static void nan_check(OpCode op, Trial *t, Node *y, Node *input) {
  for (int64_t i = 0, count = type_count(&input->type); i < count; i++)
    if (i % 2 == 1 || count == 1) input_put(input, i, NAN);
  graph_output(t->graph, "y", y);
  trial_check(t);
  const Result result = reference_results(t, false)[0];
  bool seen = type_count(&result.type) == 0;
  for (int64_t i = 0; i < type_count(&result.type); i++)
    seen = seen || isnan(number_at(result.data, result.type.dtype, i));
  bool moves = op_table[op].group == GROUP_VIEW || op == OP_GATHER || op == OP_PUT || op == OP_POOL_MAX_GRAD;
  cr_expect(seen || moves || may_hide_nan(op), "%s: no NaN comes out", t->label);
}

/* False past the last sample. */
static bool row_nan(OpCode op, DType dtype, int number) {
  bool more = false;
  for (int k = 0, inputs = 1; k < inputs; k++) {
    Node *y;
    Trial *t = sample_trial(op, dtype, number, &y);
    if (!t) break;
    more = true;
    inputs = t->smooth ? t->variables : 0;
    trial_name(t, "%s %s, sample %d, NaN in input %d", op_table[op].name, dtype_name(dtype), number, k);
    if (k < inputs && nan_tried(op, t, k)) nan_check(op, t, y, t->input[k]);
    trial_free(t);
  }
  return more;
}

Test(ops, nan) {
  for (int op = 0; op < OP_COUNT; op++)
    for (int k = 0; row_takes((OpCode)op, DTYPE_F64) && k < LENGTH(floats); k++)
      for (int number = 0; row_nan((OpCode)op, floats[k], number); number++) {
      }
}
