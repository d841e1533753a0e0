/* grad, jacobian and hvp: derivatives as values.
 *
 * They add nodes to the graph that is being built, so what they give can be differentiated again. A Jacobian is a scan
 * over the numbers of y: what depends on which of them is asked for stands in its body, the rest around it. */
#include "interpreter/elaborate/body.h"

#include "autodiff/differentiate.h"
#include "graph/control.h"
#include "lang/format.h"
#include "lang/problems.h"

#include <string.h>

static const char *source_text(Elaborator *e, const Argument *slot) {
  const Ast *ast = slot->ast && slot->ast->kind == AST_ARG ? slot->ast->u.arg.value : slot->ast;
  Text text = {0};
  if (ast) ast_write(ast, &text);
  const char *copy = arena_printf(e->arena, "%s", text_string(&text));
  text_free(&text);
  return copy;
}

/* Models and their weights as records, lists part by part. */
static const Value *tensors_of(Elaborator *e, const Value *value) {
  const Value *record = record_of(e, value);
  return record ? record : value;
}

/* What is differentiated by, as tensors; -1 after a Problem or where something is UNKNOWN. */
static int variables_of(Elaborator *e, const Argument *slot, const Value *x, Node ***leaf) {
  if (x->kind == VALUE_UNKNOWN) return -1;
  bool parts = x->kind == VALUE_RECORD || x->kind == VALUE_LIST;
  int count = x->kind == VALUE_TENSOR || parts ? value_leaves(e, x, slot->ast, NULL) : -1;
  if (count == 0 && weights_path(slot->value)) { // a model whose weights are not made yet
    e->early = slot->ast->span;
    return -1;
  }
  *leaf = ARENA_ARRAY(e->arena, Node *, count > 0 ? count + 1 : 1);
  bool fits = count > 0 && value_leaves(e, x, slot->ast, *leaf) == count;
  for (int i = 0; i < count && fits; i++) fits = dtype_is_float((*leaf)[i]->type.dtype);
  if (fits) return count;
  problem_grad_by(e->problems, slot->ast->span, value_kind_text(slot->value));
  return -1;
}

/* The number that is differentiated; NULL after a Problem. */
static Node *scalar_of(Elaborator *e, const Argument *y, const Argument *x) {
  Node *node = slot_float(e, y->ast, y);
  if (!node || node->type.rank == 0) return node;
  Text text = {0};
  type_print(&node->type, &text);
  problem_grad_scalar(e->problems, y->ast->span, text_string(&text), source_text(e, y), source_text(e, x));
  text_free(&text);
  return NULL;
}

/* Gradients of y by each tensor; where there is none 0 if `zeros`, else a Problem (then false). */
static bool gradients(Elaborator *e, const Argument *y_slot, const Argument *x_slot, Node *y, Node *const *x,
                      int count, bool zeros, Node **gradient) {
  differentiate(y, x, count, gradient);
  for (int i = 0; i < count; i++) {
    if (gradient[i]) continue;
    if (!zeros && !e->generic) {
      problem_grad_nothing(e->problems, x_slot->ast->span, source_text(e, y_slot), source_text(e, x_slot));
      return false;
    }
    gradient[i] = build_like(x[i], 0);
  }
  return true;
}

static const Value *grad(Elaborator *e, const Ast *at, const Argument *slot, const Argument *rest,
                         int rests) {
  (void)at, (void)rest, (void)rests;
  const Value *x = tensors_of(e, slot[1].value);
  Node **by, *y = scalar_of(e, &slot[0], &slot[1]);
  int count = y ? variables_of(e, &slot[1], x, &by) : -1;
  if (count < 0) return value_unknown();
  Node **gradient = ARENA_ARRAY(e->arena, Node *, count + 1), *const *leaf = gradient;
  if (!gradients(e, &slot[0], &slot[1], y, by, count, x->kind != VALUE_TENSOR, gradient))
    return value_unknown();
  const Value *value = value_of_leaves(e, x, &leaf);
  if (value->kind == VALUE_TENSOR) { // a gradient is no picture and no class
    ((Value *)value)->u.tensor.fitted = NULL;
    ((Value *)value)->u.tensor.image = ((Value *)value)->u.tensor.text = false;
  }
  if (value->kind == VALUE_LIST) ((Value *)value)->kind = VALUE_RECORD; // of a list, a tuple
  return value;
}

static const Value *hvp(Elaborator *e, const Ast *at, const Argument *slot, const Argument *rest, int rests) {
  (void)rest, (void)rests;
  const Value *x = tensors_of(e, slot[1].value), *v = tensors_of(e, slot[2].value);
  Node **by, **along, *y = scalar_of(e, &slot[0], &slot[1]), *sum = NULL;
  int count = y ? variables_of(e, &slot[1], x, &by) : -1;
  if (count < 0 || variables_of(e, &slot[2], v, &along) < 0) return value_unknown();
  bool fits = value_leaves(e, v, at, NULL) == count;
  for (int i = 0; i < count && fits; i++) fits = type_same_shape(&by[i]->type, &along[i]->type);
  if (!fits) return slot_error(e, at, &slot[2], "a direction of the shape of x");
  Node **gradient = ARENA_ARRAY(e->arena, Node *, count + 1), *const *leaf = gradient;
  if (!gradients(e, &slot[0], &slot[1], y, by, count, true, gradient)) return value_unknown();
  for (int i = 0; i < count; i++) {
    Node *part = build_reduce_all(OP_REDUCE_SUM, build_mul(gradient[i], build_stop(along[i])));
    sum = sum ? build_add(sum, part) : part;
  }
  gradients(e, &slot[0], &slot[1], sum, by, count, true, gradient);
  return value_of_leaves(e, x, &leaf);
}

// ---- Jacobians --------------------------------------------------------------------------------------------------

/* The nodes from `seed` on that depend on it, copied into the body that is being built, in which it is `row`. */
static Node *move_into_body(Elaborator *e, const Node *seed, Node *row, const Node *wanted) {
  const Graph *graph = seed->graph;
  int first = seed->id, count = wanted->id + 1 - first;
  if (count <= 0) return NULL;
  Arena *scratch = arena_new(0);
  Node **copy = ARENA_ARRAY(scratch, Node *, count);
  copy[0] = row;
  for (int i = 1; i < count; i++) {
    const Node *node = graph->node[first + i];
    bool depends = false;
    for (int k = 0; k < node->nsrc; k++) {
      int at = node->src[k]->id - first;
      depends = depends || (at >= 0 && copy[at]);
    }
    if (!depends) continue;
    Node **src = ARENA_ARRAY(scratch, Node *, node->nsrc + 1);
    for (int k = 0; k < node->nsrc; k++) {
      int at = node->src[k]->id - first;
      src[k] = at >= 0 && copy[at] ? copy[at] : node_here(e, node->src[k]);
    }
    copy[i] = graph_copy(e->graph, node, src);
  }
  Node *result = copy[count - 1];
  arena_free(scratch);
  return result;
}

static const Value *jacobian(Elaborator *e, const Ast *at, const Argument *slot, const Argument *rest,
                             int rests) {
  (void)rest, (void)rests;
  Node *y = slot_float(e, at, &slot[0]), **by, *gradient;
  int count = y ? variables_of(e, &slot[1], slot[1].value, &by) : -1;
  if (count < 0) return value_unknown();
  if (count != 1 || slot[1].value->kind != VALUE_TENSOR) return slot_error(e, at, &slot[1], "one tensor");
  if (y->type.rank + by[0]->type.rank > MAX_RANK) {
    problem_rank_limit(e->problems, at->span);
    return value_unknown();
  }
  Variable *any = variable_new(e, VARIABLE_CONSTANT, "seed", y->type, at->span);
  Node *seed = build_read(e->graph, any);
  differentiate_from(&y, &seed, 1, by, 1, &gradient);
  if (!gradient && !e->generic) {
    problem_grad_nothing(e->problems, slot[1].ast->span, source_text(e, &slot[0]), source_text(e, &slot[1]));
    return value_unknown();
  }
  Type type = y->type;
  const Dim *numbers = type_elements(&type);
  for (int i = 0; i < by[0]->type.rank; i++) {
    type.name[type.rank] = by[0]->type.name[i];
    type.size[type.rank++] = by[0]->type.size[i];
  }
  if (!gradient) return value_tensor(e, unknown_tensor(e, &type));
  Node *index = build_index(e->graph, 1, &numbers, 0);
  Body body;
  body_begin(e, &body);
  Type scalar = type_scalar(index->type.dtype);
  Node *number = body_argument(body.graph, "number", &scalar);
  Node *place = build_index(body.graph, 1, &numbers, 0);
  Node *row = build_cast(build_eq(place, build_expand_like(number, place)), y->type.dtype);
  Node *moved = move_into_body(e, seed, build_reshape(row, y->type.rank, y->type.size), gradient);
  body_result(body.graph, moved);
  body_end(e, &body);
  Node **input = ARENA_ARRAY(e->arena, Node *, body.captures + 2);
  input[0] = index;
  int inputs = 1 + body_inputs(&body, input + 1);
  Node *scan = build_scan(e->graph, body.graph, &(Scan){.length = numbers, .stepped = 1}, input, inputs);
  Node *stack = build_reshape(build_result(scan, 0), type.rank, type.size);
  memcpy(stack->type.name, type.name, sizeof type.name);
  return value_tensor(e, stack);
}

static const Builtin rows[] = {
    {"grad", "y x", grad, "the gradient of a number by a tensor, a model or a list; shaped like x"},
    {"hvp", "y x v", hvp, "the second derivatives of a number by x, times v"},
    {"jacobian", "y x", jacobian, "the derivatives of all numbers of y by x: y.shape + x.shape"},
};
const BuiltinTable builtins_gradient = {rows, (int)(sizeof(rows) / sizeof(*rows))};
