/* Rules of simplify, each by the exact text it leaves; values kept on generated graphs; and its speed. */
#include "graph/build.h"
#include "graph/fold.h"
#include "tests/unit/evaluate.h"

#include <criterion/criterion.h>
#include <time.h>

static Arena *arena;
static Graph *graph;
static Node *x, *y, *s; // f32[3, 4], f32[3, 4], f32[]

static Node *input(const char *path, int rank, const int64_t *number) {
  Variable *variable = ARENA_NEW(arena, Variable);
  const Dim *size[MAX_RANK];
  for (int i = 0; i < rank; i++) size[i] = dim_of(number[i]);
  *variable = (Variable){.role = VARIABLE_WEIGHT, .path = path, .type = type_of(DTYPE_F32, rank, size)};
  int64_t count = type_count(&variable->type);
  double *data = ARENA_ARRAY(arena, double, count);
  for (int64_t i = 0; i < count; i++) data[i] = 0.25 * (double)(i - 5);
  variable->data = data;
  return build_read(graph, variable);
}

static void start(void) {
  graph = graph_new(arena = arena_new(0));
  x = input("x", 2, (int64_t[]){3, 4}), y = input("y", 2, (int64_t[]){3, 4}), s = input("s", 0, NULL);
}
static void end(void) { arena_free(arena); }

TestSuite(simplify, .init = start, .fini = end);

/* The output `node` of the graph simplified, as lines without the output's own. */
static void leaves(Node *node, const char *wanted) {
  Text text = {0};
  graph->outputs = 0;
  graph_output(graph, "out", node);
  Graph *copy = graph_bind(graph, arena, NULL, 0);
  graph_simplify(copy);
  graph_verify(copy);
  graph_print(copy, &text);
  cr_expect_str_eq(text_string(&text), wanted, "got\n%s\nnot\n%s", text_string(&text), wanted);
  text_free(&text);
}

#define READS_X "%0 = read x : f32[3, 4]\n"
#define IS_X    READS_X "output out = %0\n"

static Node *filled(double number) { return build_like(x, number); }

Test(simplify, identities) {
  leaves(build_add(x, filled(0)), IS_X);
  leaves(build_add(filled(0), x), IS_X);
  leaves(build_sub(x, filled(0)), IS_X);
  leaves(build_mul(filled(1), x), IS_X);
  leaves(build_div(x, filled(1)), IS_X);
  leaves(build_pow(x, filled(1)), IS_X);
  leaves(build_neg(build_neg(x)), IS_X);
  leaves(build_stop(x), IS_X);
  leaves(build_where(build_gt(x, y), x, x), IS_X);
  leaves(build_where(build_not(build_gt(filled(2), filled(3))), x, y), IS_X);
  leaves(build_mul(x, filled(0)), READS_X "%4 = mul %0, 0 : f32[3, 4]\noutput out = %4\n");
  leaves(build_pow(x, filled(2)), READS_X "%1 = mul %0, %0 : f32[3, 4]\noutput out = %1\n");
  leaves(build_mul(x, filled(-1)), READS_X "%1 = neg %0 : f32[3, 4]\noutput out = %1\n");
  leaves(build_div(x, filled(4)), READS_X "%4 = mul %0, 0.25 : f32[3, 4]\noutput out = %4\n");
  leaves(build_div(x, filled(3)), READS_X "%4 = div %0, 3 : f32[3, 4]\noutput out = %4\n");
  leaves(build_relu(build_relu(x)), READS_X "%1 = relu %0 : f32[3, 4]\noutput out = %1\n");
}

Test(simplify, folds_constants) {
  leaves(build_exp(filled(0)), "output out = 1\n");
  leaves(build_add(filled(0.5), build_mul(filled(3), filled(2))), "output out = 6.5\n");
  leaves(build_cast(build_extent(graph, dim_of(12)), DTYPE_F32), "output out = 12\n");
  leaves(build_cast(build_number(graph, DTYPE_F32, -2.75), DTYPE_I32), "output out = -2\n");
  leaves(build_cast(build_number(graph, DTYPE_F32, NAN), DTYPE_I32), "output out = 0\n");
  leaves(build_reduce_all(OP_REDUCE_SUM, filled(0.5)), "output out = 6\n");
  leaves(build_mean(filled(0.5), (int[]){0, 1}, 2, false), "output out = 0.5\n");
  leaves(build_floor_div(build_whole(graph, DTYPE_I32, -7), build_whole(graph, DTYPE_I32, 2)),
         "output out = -4\n");
  leaves(build_add(build_whole(graph, DTYPE_I32, INT32_MAX), build_whole(graph, DTYPE_I32, 1)),
         "output out = -2147483648\n");
  leaves(build_mod(build_whole(graph, DTYPE_I64, 7), build_whole(graph, DTYPE_I64, 0)), "output out = 7\n");
}

Test(simplify, folds_every_row) {
  Number in[3] = {{.number = 0.5, .whole = 1}, {.number = 0.25, .whole = 3}, {.number = 2, .whole = 2}}, out;
  for (int op = 0; op < OP_COUNT; op++) {
    if (op_table[op].group != GROUP_MAP || op == OP_CAST) continue;
    bool real = op_table[op].takes != 'B', whole = op_table[op].takes != 'F';
    cr_expect_eq(fold_map((OpCode)op, DTYPE_F64, in, &out), real, "%s", op_table[op].name);
    cr_expect_eq(fold_map((OpCode)op, op_table[op].takes == 'B' ? DTYPE_BOOL : DTYPE_I64, in, &out), whole,
                 "%s", op_table[op].name);
  }
  fold_map(OP_MAX, DTYPE_F64, (Number[]){{.number = NAN}, {.number = 1}}, &out);
  cr_expect(isnan(out.number));
  fold_map(OP_ROUND, DTYPE_F64, (Number[]){{.number = 2.5}}, &out);
  cr_expect_eq(out.number, 2);
  cr_expect(!fold_cast(DTYPE_I64, DTYPE_U8, (Number){.whole = 300}, &out), "what does not fit is left");
}

Test(simplify, casts) {
  leaves(build_cast(build_cast(x, DTYPE_F64), DTYPE_F32), IS_X);
  leaves(build_cast(build_cast(build_gt(x, y), DTYPE_I32), DTYPE_F32), READS_X
         "%1 = read y : f32[3, 4]\n%2 = gt %0, %1 : bool[3, 4]\n%3 = cast %2 : f32[3, 4]\noutput out = %3\n");
  Node *back = build_cast(build_cast(x, DTYPE_I32), DTYPE_F32);
  leaves(back, READS_X "%1 = cast %0 : i32[3, 4]\n%2 = cast %1 : f32[3, 4]\noutput out = %2\n");
}

Test(simplify, views) {
  const Dim *flat[1] = {dim_of(12)}, *more[3] = {dim_of(2), dim_of(6), dim_of(1)},
            *same[2] = {dim_of(3), dim_of(4)};
  leaves(build_reshape(build_reshape(build_reshape(x, 1, flat), 3, more), 2, same), IS_X);
  leaves(build_swap(build_swap(x)), IS_X);
  leaves(build_flip(build_flip(x, 1), 1), IS_X);
  leaves(build_slice(build_concat(graph, (Node *[]){y, x, y}, 3, 0), 0, dim_of(3), dim_of(3), 1), IS_X);
  leaves(build_slice(build_slice(x, 1, dim_of(1), dim_of(3), 1), 1, dim_of(0), dim_of(2), 2),
         READS_X "%1 = slice %0 axis=1 start=1 step=2 : f32[3, 2]\noutput out = %1\n");
  leaves(build_swap(build_insert(s, 0)->type.rank ? build_insert(build_insert(s, 0), 0) : s),
         "%0 = read s : f32[]\n%1 = reshape %0 : f32[1, 1]\noutput out = %1\n");
  Node *thick = build_expand(x, 3, (const Dim *const[]){dim_of(5), dim_of(3), dim_of(4)});
  leaves(build_reduce(OP_REDUCE_SUM, thick, &(int){0}, 1, false),
         READS_X "%1 = reshape %0 : f32[1, 3, 4]\n%5 = mul %1, 5 : f32[1, 3, 4]\n"
                 "%6 = reshape %5 : f32[3, 4]\noutput out = %6\n");
  leaves(build_reduce(OP_REDUCE_MAX, thick, &(int){0}, 1, false), IS_X);
}

Test(simplify, maps_before_expands) {
  Node *wide = build_expand_like(s, x);
  leaves(build_exp(build_mul(wide, filled(2))), "%0 = read s : f32[]\n%1 = reshape %0 : f32[1, 1]\n"
                                                "%4 = mul %1, 2 : f32[1, 1]\n%5 = exp %4 : f32[1, 1]\n"
                                                "%6 = expand %5 : f32[3, 4]\noutput out = %6\n");
}

Test(simplify, products_take_swaps_as_flags) {
  leaves(build_matmul(build_swap(x), build_swap(y), false, true),
         READS_X "%1 = read y : f32[3, 4]\n%2 = matmul %0, %1 transposed=[0] : f32[4, 4]\noutput out = %2\n");
}

Test(simplify, merges_equal_nodes) {
  const Dim *size[1] = {dim_of(3)};
  Node *r = build_random(graph, DTYPE_F32, 1, size, 7), *same = build_random(graph, DTYPE_F32, 1, size, 7);
  Node *other = build_random(graph, DTYPE_F32, 1, size, 8);
  Node *product = build_mul(r, other);
  leaves(build_add(product, build_mul(other, same)),
         "%0 = random site=0000000000000007 : f32[3]\n%1 = random site=0000000000000008 : f32[3]\n"
         "%2 = mul %0, %1 : f32[3]\n%3 = add %2, %2 : f32[3]\noutput out = %3\n");
  leaves(build_sub(build_exp(x), build_exp(build_read(graph, x->attr.variable))),
         READS_X "%1 = exp %0 : f32[3, 4]\n%2 = sub %1, %1 : f32[3, 4]\noutput out = %2\n");
}

/* Programs from a stream of numbers: every op by its arity, over a pool of nodes of one shape. */
Test(simplify, keeps_values) {
  uint64_t state = 1;
  for (int round = 0; round < 60; round++) {
    Node *pool[60] = {x, y, build_expand_like(s, x), filled(0), filled(1), filled(2)};
    int count = 6;
    while (count < 60) {
      Node *src[3];
      for (int k = 0; k < 3; k++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        src[k] = pool[(state >> 33) % (uint64_t)count];
      }
      OpCode op = (OpCode)((state >> 20) % OP_CAST);
      if (op_table[op].takes == 'B')
        src[0] = build_and(build_gt(src[0], src[1]), build_not(build_lt(src[1], src[2])));
      else if (op == OP_WHERE)
        src[0] = build_gt(src[0], src[1]);
      else if (state >> 60 == 3)
        src[0] = build_flip(build_flip(src[0], 0), 1);
      else if (state >> 60 == 4)
        src[0] = build_expand_like(build_reduce(OP_REDUCE_SUM, src[0], &(int){0}, 1, true), x);
      if (op == OP_AND || op == OP_OR) src[1] = src[0];
      Node *made = build_map(op, src);
      pool[count++] = made->type.dtype == DTYPE_BOOL ? build_where(made, src[2], x) : made;
    }
    graph_output(graph, "out", pool[59]);
    graph_output(graph, "out", pool[58]);
  }
  Graph *copy = graph_bind(graph, arena, NULL, 0);
  graph_simplify(copy);
  graph_verify(copy);
  cr_expect_lt(copy->nodes, graph->nodes);
  double **before = evaluate(graph), **after = evaluate(copy);
  for (int i = 0; i < graph->outputs; i++)
    for (int k = 0; k < 12; k++) {
      double a = before[graph->output[i].node->id][k], b = after[copy->output[i].node->id][k];
      cr_expect((isnan(a) && isnan(b)) || a == b || fabs(a - b) <= 1e-4 * fabs(a), "output %d: %g, not %g", i,
                b, a);
    }
}

Test(simplify, ten_thousand_nodes_take_milliseconds) {
  clock_t begin = clock();
  Node *z = x;
  for (int i = 0; graph->nodes < 10000; i++)
    z = build_add(build_mul(z, filled(1.5)), build_exp(build_neg(i % 3 ? z : x)));
  graph_output(graph, "out", z);
  graph_simplify(graph);
  double seconds = (double)(clock() - begin) / CLOCKS_PER_SEC;
  cr_expect_lt(seconds, 0.2, "%g s", seconds);
  graph_verify(graph);
}
