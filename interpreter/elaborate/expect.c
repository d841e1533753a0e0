/* expect: what must be true of a run.
 *
 * A comparison keeps both of its sides, so that a false one can be shown with what it compared. Of a tensor of truths
 * all must hold. */
#include "interpreter/elaborate/builder.h"
#include "lang/problems.h"

#include <string.h>

/* The truth as one bool of the graph; NULL after a Problem. */
static Node *truth_of(Builder *b, const Value *value, const Ast *ast) {
  Elaborator *e = b->e;
  if (value->kind == VALUE_UNKNOWN) return NULL;
  Node *node = value->kind == VALUE_BOOL || value->kind == VALUE_TENSOR ? value_node(e, value, ast) : NULL;
  if (node && node->type.dtype == DTYPE_BOOL) {
    if (node->type.rank == 0) return node;
    Node *least = build_reduce_all(OP_REDUCE_MIN, build_cast(node, DTYPE_I32));
    return build_eq(least, build_whole(e->graph, DTYPE_I32, 1));
  }
  Text text = {0};
  value_print(value, &text);
  problem_expect_value(e->problems, ast->span, text_string(&text));
  text_free(&text);
  return NULL;
}

static void side_output(Builder *b, const Measure *measure, const char *side, const Value *value,
                        const Ast *ast) {
  if (value->kind != VALUE_TENSOR && value->kind != VALUE_COLUMN) return;
  Node *node = value_node(b->e, value, ast);
  if (node) graph_output(b->e->graph, arena_printf(b->e->arena, "%s.%s", measure->name, side), node);
}

void run_expect(Builder *b, const Ast *statement) {
  Elaborator *e = b->e;
  const Ast *ast = statement->u.action.value;
  if (b->kind != PASS_ONCE) {
    problem_misplaced(e->problems, statement->at);
    return;
  }
  Measure measure = {.kind = MEASURE_EXPECT, .ast = ast};
  measure.name = arena_printf(e->arena, "expect.%d", b->pass->measures);
  e->metric_used = false;
  bool compares =
      ast->kind == AST_BINARY && ast->u.binary.op >= OPERATOR_EQ && ast->u.binary.op <= OPERATOR_GE;
  const Value *value;
  if (compares) {
    measure.value = eval(e, b->scope, ast->u.binary.left);
    measure.other = eval(e, b->scope, ast->u.binary.right);
    value = operate(e, ast, ast->u.binary.op, measure.value, measure.other);
  } else
    measure.value = value = eval(e, b->scope, ast);
  measure.stateful = e->metric_used;
  Node *truth = truth_of(b, value, ast);
  if (!truth) return;
  if (e->guard) truth = build_or(truth, build_not(e->guard));
  add_measure(b, measure, truth);
  side_output(b, &measure, "left", measure.value, ast);
  if (measure.other) side_output(b, &measure, "right", measure.other, ast);
}
