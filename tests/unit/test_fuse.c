/* What runs together: named programs must become the loops they should, and give the reference's numbers, the
 * same bits fused and unfused. */
#include "autodiff/differentiate.h"
#include "tests/trial.h"

#define SIZES(...) ((const int64_t[]){__VA_ARGS__})

typedef struct {
  int loops, kernels, copies;
} Steps;

static Plan *trial_plan(Trial *t, bool fuse) {
  Graph *graph = graph_bind(t->graph, t->arena, NULL, 0);
  graph_simplify(graph);
  Plan *plan = plan_make(graph, &(PlanOptions){.fuse = fuse});
  plan_verify(plan);
  return plan;
}

static Steps steps_count(const Plan *plan) {
  Steps steps = {0};
  for (int i = 0; i < plan->steps; i++) {
    steps.loops += plan->step[i].kind == STEP_LOOP;
    steps.kernels += plan->step[i].kind == STEP_KERNEL;
    steps.copies += plan->step[i].kind == STEP_COPY;
  }
  return steps;
}

/* Checks the numbers and the steps; shows the plan where the steps are others. */
static Plan *trial_steps(Trial *t, int loops, int kernels, int copies) {
  if (t->relative == 0) t->relative = 1e-5;
  trial_check(t);
  Plan *plan = trial_plan(t, true);
  Steps steps = steps_count(plan);
  Text text = {0};
  plan_print(plan, &text);
  cr_expect(steps.loops == loops && steps.kernels == kernels && steps.copies == copies,
            "%s: %d loops, %d kernels, %d copies, not %d, %d, %d\n%s", t->label, steps.loops, steps.kernels,
            steps.copies, loops, kernels, copies, text_string(&text));
  text_free(&text);
  return plan;
}

static int plan_count(const Plan *plan, InstKind kind) {
  int count = 0;
  for (int i = 0; i < plan->steps; i++)
    for (int k = 0; plan->step[i].kind == STEP_LOOP && k < plan->step[i].loop->count; k++)
      count += plan->step[i].loop->code[k].kind == kind;
  return count;
}

static Node *input(Trial *t, int rank, const int64_t *size) {
  return trial_fill(t, trial_input(t, DTYPE_F32, rank, size), -1, 1);
}

static Node *gradient(Node *loss, Node *x) {
  Node *result;
  differentiate(loss, &x, 1, &result);
  return result;
}

static Node *mean_all(Node *x) {
  int axis[MAX_RANK];
  for (int i = 0; i < x->type.rank; i++) axis[i] = i;
  return build_mean(x, axis, x->type.rank, false);
}

static Node *softmax_loss(Node *logits, Node *ids) {
  int last = logits->type.rank - 1;
  Node *top = build_stop(build_reduce(OP_REDUCE_MAX, logits, &last, 1, true));
  Node *shifted = build_sub(logits, build_expand_like(top, logits));
  Node *sum = build_reduce(OP_REDUCE_SUM, build_exp(shifted), &last, 1, true);
  Node *index = build_index(logits->graph, logits->type.rank, logits->type.size, last);
  Node *hit = build_eq(build_expand_like(build_insert(ids, last), logits), index);
  Node *picked =
      build_reduce(OP_REDUCE_SUM, build_where(hit, shifted, build_like(shifted, 0)), &last, 1, true);
  return mean_all(build_sub(build_log(sum), picked));
}

Test(fuse, softmax_loss_and_gradient_are_one_loop) {
  Trial *t = trial_new(DTYPE_F32, 1);
  trial_name(t, "softmax");
  Node *logits = input(t, 2, SIZES(64, 10));
  Node *ids = trial_fill(t, trial_input(t, DTYPE_I32, 1, SIZES(64)), 0, 10);
  Node *loss = softmax_loss(logits, ids);
  graph_output(t->graph, "loss", loss);
  graph_output(t->graph, "gradient", gradient(loss, logits));
  trial_steps(t, 2, 0, 0);
  trial_free(t);
}

static Node *layer_norm(Node *x, Node *w, Node *b) {
  int last = x->type.rank - 1;
  Node *away = build_sub(x, build_expand_like(build_mean(x, &last, 1, true), x));
  Node *variance = build_mean(build_mul(away, away), &last, 1, true);
  Node *scale = build_rsqrt(build_add(variance, build_like(variance, 1e-5)));
  Node *y = build_mul(away, build_expand_like(scale, x));
  return build_add(build_mul(y, build_expand_like(w, x)), build_expand_like(b, x));
}

Test(fuse, layer_norm_is_one_loop) {
  Trial *t = trial_new(DTYPE_F32, 2);
  trial_name(t, "layer norm");
  Node *x = input(t, 3, SIZES(4, 6, 48)), *w = input(t, 1, SIZES(48)), *b = input(t, 1, SIZES(48));
  graph_output(t->graph, "y", layer_norm(x, w, b));
  Plan *plan = trial_steps(t, 1, 0, 0);
  cr_expect(plan->step[0].loop->row == 48 && plan->step[0].loop->rank == 1);
  trial_free(t);
}

Test(fuse, layer_norm_gradients) {
  Trial *t = trial_new(DTYPE_F32, 3);
  trial_name(t, "layer norm gradients");
  Node *x = input(t, 3, SIZES(4, 6, 48)), *w = input(t, 1, SIZES(48)), *b = input(t, 1, SIZES(48));
  Node *y = layer_norm(x, w, b), *with[3] = {x, w, b}, *result[3];
  Node *loss = build_reduce_all(OP_REDUCE_SUM, build_mul(y, input(t, 3, SIZES(4, 6, 48))));
  differentiate(loss, with, 3, result);
  for (int i = 0; i < 3; i++) graph_output(t->graph, "gradient", result[i]);
  t->relative = 1e-4;
  trial_steps(t, 1, 0, 0);
  trial_free(t);
}

static Node *batch_norm(Node *x, Node *w, Node *b) {
  const int axis[] = {0, 1, 2};
  Node *away = build_sub(x, build_expand_like(build_mean(x, axis, 3, true), x));
  Node *variance = build_mean(build_mul(away, away), axis, 3, true);
  Node *scale = build_rsqrt(build_add(variance, build_like(variance, 1e-5)));
  Node *y = build_mul(away, build_expand_like(scale, x));
  return build_relu(build_add(build_mul(y, build_expand_like(w, x)), build_expand_like(b, x)));
}

/* Three passes over x; what is made of sums alone runs between them. */
Test(fuse, batch_norm) {
  Trial *t = trial_new(DTYPE_F32, 4);
  trial_name(t, "batch norm");
  Node *x = input(t, 4, SIZES(5, 7, 6, 16)), *w = input(t, 1, SIZES(16)), *b = input(t, 1, SIZES(16));
  graph_output(t->graph, "y", batch_norm(x, w, b));
  Plan *plan = trial_steps(t, 5, 0, 0);
  int large = 0;
  for (int i = 0; i < plan->steps; i++) large += plan->step[i].loop->rank > 0;
  cr_expect_eq(large, 3);
  trial_free(t);
}

Test(fuse, bias_and_relu_join_the_step_after_a_product) {
  Trial *t = trial_new(DTYPE_F32, 5);
  trial_name(t, "dense");
  Node *x = input(t, 2, SIZES(9, 20)), *w = input(t, 2, SIZES(20, 30)), *b = input(t, 1, SIZES(30));
  Node *y = build_matmul(x, w, false, false);
  y = build_relu(build_add(y, build_expand_like(b, y)));
  graph_output(t->graph, "y", y);
  trial_steps(t, 1, 1, 0);
  trial_free(t);
}

/* Gradients of weight, bias and input: the bias gradient is summed where the mask is applied. */
Test(fuse, dense_gradients) {
  Trial *t = trial_new(DTYPE_F32, 6);
  trial_name(t, "dense gradients");
  Node *x = input(t, 2, SIZES(9, 20)), *w = input(t, 2, SIZES(20, 30)), *b = input(t, 1, SIZES(30));
  Node *v = input(t, 2, SIZES(30, 4)), *y = build_matmul(x, w, false, false);
  y = build_matmul(build_relu(build_add(y, build_expand_like(b, y))), v, false, false);
  Node *loss = build_reduce_all(OP_REDUCE_SUM, build_mul(y, y)), *with[4] = {w, b, v, x}, *result[4];
  differentiate(loss, with, 4, result);
  for (int i = 0; i < 4; i++) graph_output(t->graph, "gradient", result[i]);
  t->relative = 1e-4;
  trial_steps(t, 3, 6, 0);
  trial_free(t);
}

/* ---- optimizers ------------------------------------------------------------------------------------------- */

static Node *state(Trial *t, int rank, const int64_t *size) {
  Node *read = trial_fill(t, trial_input(t, DTYPE_F32, rank, size), 0, 1);
  read->attr.variable->role = VARIABLE_OPTIMIZER;
  return read;
}

static Node *mixed(Node *old, Node *new, double keep) {
  return build_add(build_mul(old, build_like(old, keep)), build_mul(new, build_like(new, 1 - keep)));
}

static void adam(Trial *t, Node *p, Node *g, Node *rate, int rank, const int64_t *size) {
  Node *m = state(t, rank, size), *v = state(t, rank, size);
  Node *new_m = mixed(m, g, 0.9), *new_v = mixed(v, build_mul(g, g), 0.999);
  Node *change = build_div(new_m, build_add(build_sqrt(new_v), build_like(new_v, 1e-8)));
  graph_assign(t->graph, p->attr.variable, build_sub(p, build_mul(change, rate)));
  graph_assign(t->graph, m->attr.variable, new_m);
  graph_assign(t->graph, v->attr.variable, new_v);
}

Test(fuse, adam_is_one_loop_in_place_for_each_weight) {
  Trial *t = trial_new(DTYPE_F32, 7);
  trial_name(t, "adam");
  Node *w = input(t, 2, SIZES(33, 20)), *b = input(t, 1, SIZES(20)), *rate = input(t, 0, NULL);
  adam(t, w, input(t, 2, SIZES(33, 20)), rate, 2, SIZES(33, 20));
  adam(t, b, input(t, 1, SIZES(20)), rate, 1, SIZES(20));
  Plan *plan = trial_steps(t, 2, 0, 0);
  cr_expect_eq(plan->arena_bytes, 0);
  for (int i = 0; i < plan->steps; i++) cr_expect_eq(plan->step[i].loop->rank, 0);
  trial_free(t);
}

Test(fuse, running_scalars_are_one_loop) {
  Trial *t = trial_new(DTYPE_F64, 8);
  trial_name(t, "running");
  Node *step = trial_fill(t, trial_input(t, DTYPE_F64, 0, NULL), 1, 5);
  Node *seen = trial_fill(t, trial_input(t, DTYPE_F64, 0, NULL), 1, 5);
  graph_assign(t->graph, step->attr.variable, build_add(step, build_number(t->graph, DTYPE_F64, 1)));
  graph_assign(t->graph, seen->attr.variable, build_mul(seen, build_sqrt(step)));
  Plan *plan = trial_steps(t, 1, 0, 0);
  cr_expect_eq(plan->arena_bytes, 0);
  trial_free(t);
}

/* ---- what is made again and what is stored -------------------------------------------------------------------- */

static Node *dropout(Trial *t, Node *x) {
  Node *random = build_random(t->graph, DTYPE_F32, x->type.rank, x->type.size, 77);
  Node *kept = build_ge(random, build_like(random, 0.25));
  return build_where(kept, build_mul(x, build_like(x, 1 / 0.75)), build_like(x, 0));
}

Test(fuse, dropout_is_made_again) {
  Trial *t = trial_new(DTYPE_F32, 9);
  trial_name(t, "dropout");
  Node *x = input(t, 2, SIZES(12, 40)), *w = input(t, 2, SIZES(40, 40)), *v = input(t, 2, SIZES(40, 3));
  Node *y = build_matmul(dropout(t, build_matmul(x, w, false, false)), v, false, false);
  graph_output(t->graph, "gradient", gradient(build_reduce_all(OP_REDUCE_SUM, build_mul(y, y)), w));
  t->relative = 1e-4;
  Plan *plan = trial_steps(t, 3, 4, 0);
  cr_expect_eq(plan_count(plan, LOOP_RANDOM), 2);
  for (int i = 0; i < plan->steps; i++)
    for (int k = 0; k < plan->step[i].places; k++)
      cr_expect_neq(plan->step[i].place[k].type.dtype, DTYPE_BOOL);
  trial_free(t);
}

/* An exponential that two loops want is stored once. */
Test(fuse, costly_maps_are_stored) {
  Trial *t = trial_new(DTYPE_F32, 10);
  trial_name(t, "costly");
  const int axis = 0;
  Node *x = input(t, 2, SIZES(30, 40)), *e = build_exp(build_tanh(x));
  Node *sum = build_reduce(OP_REDUCE_SUM, e, &axis, 1, true);
  graph_output(t->graph, "y", build_div(e, build_expand_like(sum, e)));
  Plan *plan = trial_steps(t, 2, 0, 0);
  cr_expect_eq(plan_count(plan, LOOP_MAP), 3);
  trial_free(t);
}

/* A sum of sums of rows: the second is a loop of its own. */
Test(fuse, sum_of_all) {
  Trial *t = trial_new(DTYPE_F32, 11);
  trial_name(t, "sum of all");
  graph_output(t->graph, "y", mean_all(build_exp(input(t, 3, SIZES(5, 7, 11)))));
  trial_steps(t, 2, 0, 0);
  trial_free(t);
}

/* Sums over other dims than the loop's do not fit in it. */
Test(fuse, two_sets_of_reduced_dims) {
  Trial *t = trial_new(DTYPE_F32, 12);
  trial_name(t, "two sums");
  Node *x = build_exp(input(t, 3, SIZES(5, 7, 11)));
  for (int axis = 0; axis < 3; axis++)
    graph_output(t->graph, "y", build_reduce(OP_REDUCE_SUM, x, &axis, 1, false));
  trial_steps(t, 2, 0, 0);
  trial_free(t);
}

Test(fuse, long_rows_end_a_loop) {
  Trial *t = trial_new(DTYPE_F32, 13);
  trial_name(t, "long rows");
  const int last = 1;
  Node *x = input(t, 2, SIZES(2, LOOP_WIDE + 1));
  Node *sum = build_reduce(OP_REDUCE_SUM, build_mul(x, x), &last, 1, true);
  graph_output(t->graph, "y", build_div(x, build_expand_like(build_sqrt(sum), x)));
  trial_steps(t, 3, 0, 0);
  trial_free(t);
}

/* Maps on both sides of a reshape meet. */
Test(fuse, reshape_between_maps) {
  Trial *t = trial_new(DTYPE_F32, 14);
  trial_name(t, "reshape");
  Node *x = build_exp(input(t, 2, SIZES(12, 16)));
  const Dim *size[] = {dim_of(3), dim_of(4), dim_of(16)};
  Node *y = build_reshape(x, 3, size);
  graph_output(t->graph, "y", layer_norm(y, input(t, 1, SIZES(16)), input(t, 1, SIZES(16))));
  trial_steps(t, 1, 0, 0);
  trial_free(t);
}

/* ---- views ------------------------------------------------------------------------------------------------------ */

Test(fuse, views_are_strides) {
  Trial *t = trial_new(DTYPE_F32, 15);
  trial_name(t, "views");
  Node *x = input(t, 2, SIZES(20, 30)), *y = input(t, 2, SIZES(30, 20));
  Node *part = build_slice(build_flip(build_swap(y), 0), 1, dim_of(3), dim_of(10), 2);
  graph_output(t->graph, "y", build_add(part, build_slice(x, 1, dim_of(1), dim_of(10), 1)));
  trial_steps(t, 1, 0, 0);
  trial_free(t);
}

Test(fuse, products_take_transposed_reads) {
  Trial *t = trial_new(DTYPE_F32, 16);
  trial_name(t, "transposed");
  Node *x = input(t, 2, SIZES(20, 30)), *w = input(t, 2, SIZES(20, 7));
  graph_output(t->graph, "y", build_matmul(build_swap(x), w, false, false));
  graph_output(t->graph, "z",
               build_matmul(build_swap(build_exp(x)), build_swap(build_swap(w)), false, false));
  Plan *plan = trial_steps(t, 1, 2, 0);
  for (int i = 0; i < plan->steps; i++)
    if (plan->step[i].kind == STEP_KERNEL)
      cr_expect(plan->step[i].transposed[0] != plan->step[i].node->attr.flag[0] &&
                !plan->step[i].transposed[1]);
  trial_free(t);
}

/* Inputs are written straight into the result, whatever the axis, products too where it is the first. */
Test(fuse, concat_and_pad) {
  Trial *t = trial_new(DTYPE_F32, 17);
  trial_name(t, "concat");
  Node *x = input(t, 2, SIZES(6, 8)), *w = input(t, 2, SIZES(8, 8));
  Node *product = build_matmul(x, w, false, false), *e = build_exp(x);
  for (int axis = 0; axis < 2; axis++)
    graph_output(t->graph, "y", build_concat(t->graph, (Node *[]){e, product, build_flip(x, 0)}, 3, axis));
  graph_output(t->graph, "p",
               build_pad(build_pad(e, 0, dim_of(2), dim_of(0), 5), 1, dim_of(1), dim_of(3), -1));
  trial_check(t);
  plan_verify(trial_plan(t, true));
  trial_free(t);
}

/* A loop longer than a loop may be is cut. */
Test(fuse, long_code_is_cut) {
  Trial *t = trial_new(DTYPE_F32, 18);
  trial_name(t, "long code");
  Node *x = input(t, 2, SIZES(6, 8)), *y = x;
  for (int i = 0; i < 500; i++) y = i % 3 ? build_add(build_sin(y), x) : build_mul(y, build_like(y, 0.5));
  graph_output(t->graph, "y", y);
  trial_check(t);
  Plan *plan = trial_plan(t, true);
  cr_expect(plan->steps > 3 && plan->steps < 16);
  trial_free(t);
}
