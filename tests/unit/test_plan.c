/* Where values lie: variables that are written while others read them, memory that is used again, outputs of all
 * sorts, and many random programs. */
#include "tests/trial.h"

#include <time.h>

#define SIZES(...) ((const int64_t[]){__VA_ARGS__})

static Plan *trial_plan(Trial *t, bool fuse) {
  Graph *graph = graph_bind(t->graph, t->arena, NULL, 0);
  graph_simplify(graph);
  Plan *plan = plan_make(graph, &(PlanOptions){.fuse = fuse});
  plan_verify(plan);
  return plan;
}

static int count_copies(const Plan *plan) {
  int count = 0;
  for (int i = 0; i < plan->steps; i++) count += plan->step[i].kind == STEP_COPY;
  return count;
}

static Node *input(Trial *t, int rank, const int64_t *size) {
  return trial_fill(t, trial_input(t, DTYPE_F32, rank, size), -1, 1);
}

static Plan *checked(Trial *t, const char *name) {
  trial_name(t, "%s", name);
  t->relative = 1e-5;
  trial_check(t);
  return trial_plan(t, true);
}

static void assign(Node *read, Node *node) { graph_assign(read->graph, read->attr.variable, node); }

/* ---- variables -------------------------------------------------------------------------------------------------- */

Test(plan, assign_in_place) {
  Trial *t = trial_new(DTYPE_F32, 1);
  Node *x = input(t, 2, SIZES(5, 6));
  assign(x, build_mul(x, build_like(x, 2)));
  Plan *plan = checked(t, "in place");
  cr_expect(plan->arena_bytes == 0 && plan->steps == 1);
  trial_free(t);
}

/* A kernel reads what it would overwrite, a loop reads it elsewhere: both are copied at the end. */
Test(plan, assign_what_reads_itself_elsewhere) {
  Trial *t = trial_new(DTYPE_F32, 2);
  Node *x = input(t, 2, SIZES(6, 6)), *y = input(t, 2, SIZES(6, 6)), *z = input(t, 2, SIZES(6, 6));
  assign(x, build_matmul(x, y, false, false));
  assign(z, build_add(z, build_swap(z)));
  cr_expect_eq(count_copies(checked(t, "reads itself")), 2);
  trial_free(t);
}

Test(plan, assign_from_sum_that_reads_it) {
  Trial *t = trial_new(DTYPE_F32, 3);
  const int axis = 0;
  Node *mean = input(t, 1, SIZES(7)), *x = input(t, 2, SIZES(50, 7));
  Node *away = build_sub(x, build_expand_like(mean, x));
  assign(mean, build_reduce(OP_REDUCE_SUM, away, &axis, 1, false));
  cr_expect_eq(count_copies(checked(t, "sum")), 1);
  trial_free(t);
}

Test(plan, assign_swaps_and_moves) {
  Trial *t = trial_new(DTYPE_F32, 4);
  Node *a = input(t, 2, SIZES(4, 6)), *b = input(t, 2, SIZES(4, 6)), *c = input(t, 2, SIZES(6, 4));
  Node *d = input(t, 1, SIZES(24)), *e = input(t, 2, SIZES(4, 6)), *f = input(t, 2, SIZES(4, 6));
  assign(a, b);
  assign(b, a);
  assign(c, build_swap(a));
  assign(d, build_reshape(b, 1, (const Dim *[]){dim_of(24)}));
  assign(e, build_like(e, 3));
  assign(f, f);
  graph_output(t->graph, "old a", a);
  graph_output(t->graph, "old b", build_slice(b, 0, dim_of(1), dim_of(2), 1));
  checked(t, "swap");
  trial_free(t);
}

/* One value for two variables, and shown as well. */
Test(plan, assign_twice) {
  Trial *t = trial_new(DTYPE_F32, 5);
  Node *a = input(t, 1, SIZES(9)), *b = input(t, 1, SIZES(9)), *sum = build_add(a, b);
  assign(a, sum);
  assign(b, sum);
  graph_output(t->graph, "sum", sum);
  graph_output(t->graph, "half", build_mul(sum, build_like(sum, 0.5)));
  checked(t, "twice");
  trial_free(t);
}

/* The old value is still wanted two levels later. */
Test(plan, assign_before_a_late_read) {
  Trial *t = trial_new(DTYPE_F32, 6);
  Node *w = input(t, 2, SIZES(8, 8)), *x = input(t, 2, SIZES(8, 8));
  Node *y = build_matmul(build_exp(build_matmul(x, w, false, false)), w, false, false);
  assign(w, build_add(w, x));
  graph_output(t->graph, "y", build_add(y, w));
  Plan *plan = checked(t, "late read");
  cr_expect_eq(count_copies(plan), 0);
  trial_free(t);
}

/* ---- outputs ------------------------------------------------------------------------------------------------------ */

Test(plan, outputs_that_nothing_computes) {
  Trial *t = trial_new(DTYPE_F32, 8);
  Node *x = input(t, 3, SIZES(3, 4, 5)), *empty = input(t, 2, SIZES(0, 4));
  const int axes[] = {0, 1};
  graph_output(t->graph, "read", x);
  graph_output(t->graph, "flip", build_flip(x, 1));
  graph_output(t->graph, "number", build_number(t->graph, DTYPE_F32, 2.5));
  graph_output(t->graph, "spread", build_like(x, 7));
  graph_output(t->graph, "empty", build_exp(empty));
  graph_output(t->graph, "sum of none", build_reduce(OP_REDUCE_SUM, build_exp(empty), axes, 1, true));
  graph_output(t->graph, "product of none", build_matmul(build_swap(empty), empty, false, false));
  graph_output(t->graph, "index", build_index(t->graph, 3, x->type.size, 1));
  assign(x, build_exp(x));
  checked(t, "outputs");
  cr_expect_eq(plan_output(trial_plan(t, true), "spread"), 3);
  cr_expect_eq(plan_output(trial_plan(t, true), "none"), -1);
  trial_free(t);
}

/* ---- memory --------------------------------------------------------------------------------------------------------- */

Test(plan, chains_use_two_blocks) {
  Trial *t = trial_new(DTYPE_F32, 9);
  Node *w = input(t, 2, SIZES(16, 16)), *x = input(t, 2, SIZES(16, 16));
  for (int i = 0; i < 10; i++) x = build_tanh(build_matmul(x, w, false, false));
  graph_output(t->graph, "x", x);
  t->relative = 1e-4;
  cr_expect_eq(checked(t, "chain")->arena_bytes, 2 * 16 * 16 * 4);
  trial_free(t);
}

Test(plan, parts_of_a_concat_read_each_other) {
  Trial *t = trial_new(DTYPE_F32, 10);
  Node *x = input(t, 2, SIZES(6, 6)), *y = build_matmul(x, x, false, false);
  Node *all = build_concat(t->graph, (Node *[]){y, build_exp(y), build_flip(y, 1)}, 3, 0);
  graph_output(t->graph, "y", build_matmul(all, y, false, false));
  graph_output(t->graph, "z", build_mul(all, all));
  checked(t, "parts");
  trial_free(t);
}

/* ---- random programs ------------------------------------------------------------------------------------------------- */

#define POOL 24

typedef struct {
  Trial *t;
  Node *node[POOL]; // f32, rank 3 or less
  int count;
} Garden;

static Node *pick(Garden *g) { return g->node[trial_dice(g->t, (uint32_t)g->count)]; }

static Node *pick_like(Garden *g, Node *x) {
  for (int i = 0; i < 8; i++) {
    Node *y = pick(g);
    if (type_same_shape(&y->type, &x->type)) return y;
    if (y->type.rank < x->type.rank && y->type.rank > 0 &&
        y->type.size[y->type.rank - 1] == x->type.size[x->type.rank - 1] && y->type.rank == 1)
      return build_expand_like(y, x);
  }
  return build_like(x, 0.5);
}

static Node *grow_view(Garden *g, Node *x) {
  int rank = x->type.rank, axis = rank > 0 ? (int)trial_dice(g->t, (uint32_t)rank) : 0;
  if (rank == 0) return x;
  int64_t size = type_size(&x->type, axis);
  switch (trial_dice(g->t, 7)) {
  case 0: return build_flip(x, axis);
  case 1: return rank >= 2 ? build_swap(x) : x;
  case 2: return size > 2 ? build_slice(x, axis, dim_of(1), dim_of((size - 1) / 2), 2) : x;
  case 3: return size < 6 ? build_pad(x, axis, dim_of(1), dim_of(trial_dice(g->t, 2)), 0.5) : x;
  case 4: return size < 6 ? build_concat(g->t->graph, (Node *[]){x, pick_like(g, x)}, 2, axis) : x;
  case 5: {
    const Dim *flat = type_elements(&x->type);
    return build_reshape(x, 1, &flat);
  }
  default: return rank < 3 ? build_insert(x, axis) : x;
  }
}

static Node *grow(Garden *g) {
  Node *x = pick(g);
  int rank = x->type.rank, axis = rank > 0 ? (int)trial_dice(g->t, (uint32_t)rank) : 0;
  switch (trial_dice(g->t, 9)) {
  case 0: return build_sin(x);
  case 1: return build_tanh(x);
  case 2: return build_add(x, pick_like(g, x));
  case 3: return build_mul(build_sin(x), pick_like(g, x));
  case 4: return rank ? build_expand_like(build_mean(x, &axis, 1, true), x) : x;
  case 5:
    return rank ? build_sub(x, build_expand_like(build_reduce(OP_REDUCE_MAX, x, &axis, 1, true), x)) : x;
  case 6: return rank ? build_mean(x, &axis, 1, trial_dice(g->t, 2)) : x;
  case 7: return rank >= 2 ? build_sin(build_matmul(x, build_swap(x), false, false)) : x;
  default: return grow_view(g, x);
  }
}

static void random_program(uint32_t seed) {
  Trial *t = trial_new(DTYPE_F32, seed);
  Garden g = {.t = t};
  for (int i = 0; i < 4; i++) {
    int64_t size[3] = {1 + trial_dice(t, 4), 1 + trial_dice(t, 5), 1 + trial_dice(t, 6)};
    if (trial_dice(t, 9) == 0) size[trial_dice(t, 3)] = trial_dice(t, 2) ? 0 : 40;
    g.node[g.count++] = input(t, 3 - (int)trial_dice(t, 3), size);
  }
  for (int i = 0; i < 40; i++) {
    Node *made = grow(&g);
    bool small = type_count(&made->type) <= 3000;
    if (small) g.node[g.count < POOL ? g.count++ : 4 + (int)trial_dice(t, POOL - 4)] = made;
  }
  for (int i = 4; i < g.count; i += 3) graph_output(t->graph, "y", g.node[i]);
  for (int i = 0; i < 3; i++)
    for (int k = g.count - 1; k >= 0; k--)
      if (type_same_shape(&g.node[k]->type, &g.node[i]->type)) {
        assign(g.node[i], g.node[k]);
        break;
      }
  trial_name(t, "random program %u", seed);
  t->relative = 1e-3;
  trial_check(t);
  trial_free(t);
}

Test(plan, random_programs) {
  for (uint32_t seed = 1; seed <= 300; seed++) random_program(seed);
}

/* ---- time -------------------------------------------------------------------------------------------------------------- */

/* A plan must not take longer than the first batches it runs: far from quadratic in the nodes. */
Test(plan, large_graphs_are_quick) {
  Trial *t = trial_new(DTYPE_F32, 11);
  Node *w = input(t, 2, SIZES(8, 8)), *x = input(t, 2, SIZES(4, 8)), *b = input(t, 1, SIZES(8));
  while (t->graph->nodes < 3000) {
    Node *y = build_matmul(x, w, false, false);
    y = build_tanh(build_add(y, build_expand_like(b, y)));
    x = build_add(x, build_mul(y, build_sigmoid(y)));
  }
  graph_output(t->graph, "x", x);
  Graph *graph = graph_bind(t->graph, t->arena, NULL, 0);
  struct timespec start, end;
  clock_gettime(CLOCK_MONOTONIC, &start);
  Plan *plan = plan_make(graph, &(PlanOptions){.fuse = true});
  clock_gettime(CLOCK_MONOTONIC, &end);
  double seconds = (double)(end.tv_sec - start.tv_sec) + 1e-9 * (double)(end.tv_nsec - start.tv_nsec);
  plan_verify(plan);
  cr_expect(seconds < 0.1, "%d nodes, %d steps: %g ms", graph->nodes, plan->steps, seconds * 1e3);
  trial_free(t);
}
