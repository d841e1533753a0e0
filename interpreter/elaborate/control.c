/* scan, map and `if` while the program runs: bodies elaborated once, however often they run.
 *
 * What a loop steps along comes with that axis in front; a carry is a name whose value at the end of the body is what it
 * begins the next step with. Values of several tensors (records, lists) are carried, yielded and chosen part by part. */
#include "interpreter/elaborate/body.h"

#include "graph/control.h"
#include "lang/format.h"
#include "lang/problems.h"

#include <string.h>

struct Yielding {
  const Value *yielded; // NULL: nothing yet
  const Ast *yield;
};

typedef struct {
  Name name;
  const Ast *ast;
  const Value *value;
} Named;

/* A scan or map that is being elaborated. Inputs are whether to go on (with `while`), the carries' tensors, then those
 * it steps along. */
typedef struct {
  Elaborator *e;
  const Ast *ast;
  Scope *scope, *inner; // around it, and its own
  const Dim *length;    // steps; NULL: not known yet
  Name length_name;
  int place; // of the axis it steps along, in the first value that it steps along
  Named *carry, *over;
  int carries, overs;
  Node **input;
  int inputs;
  int head;            // 1 with `while`: carry 0 is whether to go on; else 0
  Node **argument;     // how the body reads them
  Node *index, *first; // of a counted scan: the step, and the number it begins with
} Walk;

static const char *node_text(Elaborator *e, const Node *node) {
  Text text = {0};
  type_print(&node->type, &text);
  const char *copy = arena_printf(e->arena, "%s", text_string(&text));
  text_free(&text);
  return copy;
}

/* Room for more inputs. */
static void walk_room(Walk *w, int more) {
  Node **grown = ARENA_ARRAY(w->e->arena, Node *, w->inputs + more + 1);
  if (w->inputs) memcpy(grown, w->input, sizeof *grown * (size_t)w->inputs);
  w->input = grown;
}

// ---- what is stepped along --------------------------------------------------------------------------------------

/* The axis that `over` names; -1 after a Problem. */
static int walk_axis(Walk *w, const Ast *over, const Named *named, const Node *node) {
  Elaborator *e = w->e;
  int64_t number = -1;
  if (over->kind == AST_NAME)
    for (int i = 0; i < node->type.rank; i++)
      if (node->type.name[i] == over->u.name) return i;
  bool known = over->kind != AST_NAME || scope_find(w->scope, over->u.name);
  const Value *value = known ? eval(e, w->scope, over) : value_none();
  if (value->kind == VALUE_UNKNOWN) return -1;
  bool written = over->kind == AST_INT || over->kind == AST_UNARY;
  if (value->kind == VALUE_INT && written && dim_is_number(value->u.dim, &number)) {
    if (number < 0) number += node->type.rank;
    if (number >= 0 && number < node->type.rank) return (int)number;
  } else if (value->kind == VALUE_INT) { // a dim by its value: the only axis of that size
    int found = -1;
    for (int i = 0; i < node->type.rank; i++)
      if (node->type.size[i] == value->u.dim) found = found == -1 ? i : -2;
    if (found >= 0) return found;
  }
  Text text = {0};
  ast_write(over, &text);
  problem_loop_axis(e->problems, over->span, named->name, node_text(e, node), text_string(&text));
  text_free(&text);
  return -1;
}

static Node *axis_to_front(Node *node, int axis) {
  int order[MAX_RANK] = {axis};
  for (int i = 0, k = 1; i < node->type.rank; i++)
    if (i != axis) order[k++] = i;
  return axis ? build_permute(node, order) : node;
}

static bool walk_input(Walk *w, const Named *named, Node *node, int axis) {
  if (!w->length) {
    w->length = node->type.size[axis];
    w->length_name = node->type.name[axis];
    w->place = axis;
  } else if (w->length != node->type.size[axis]) {
    Elaborator *e = w->e;
    Type other = type_of(node->type.dtype, 1, &w->length);
    Text text = {0};
    type_print(&other, &text);
    problem_loop_lengths(e->problems, named->ast->span, named->name, node_text(e, node), text_string(&text));
    text_free(&text);
    return false;
  }
  w->input[w->inputs++] = axis_to_front(node, axis);
  return true;
}

/* The tensors of a value that is stepped along; false after a Problem. */
static bool walk_over(Walk *w, const Named *named, const Ast *over, bool first_axis) {
  Elaborator *e = w->e;
  if (named->value->kind == VALUE_UNKNOWN) return false;
  int count = value_leaves(e, named->value, named->ast, NULL);
  if (count <= 0) {
    problem_not_iterable(e->problems, named->ast->span, value_kind_text(named->value));
    return false;
  }
  Node **leaf = ARENA_ARRAY(e->arena, Node *, count + 1);
  if (value_leaves(e, named->value, named->ast, leaf) < 0) return false;
  walk_room(w, count);
  for (int i = 0; i < count; i++) {
    if (leaf[i]->type.rank == 0) {
      problem_not_iterable(e->problems, named->ast->span, value_kind_text(named->value));
      return false;
    }
    int axis = first_axis ? 0 : walk_axis(w, over, named, leaf[i]);
    if (axis < 0 || !walk_input(w, named, leaf[i], axis)) return false;
  }
  return true;
}

/* `scan i in 0..n`: the numbers are stepped along. */
static bool walk_range(Walk *w, const Value *range) {
  Elaborator *e = w->e;
  const Dim *from = range->u.range.from, *to = range->u.range.to;
  int64_t least, most;
  w->length = dim_sub(to, from);
  if (dim_is_number(w->length, &most) && most < 0) w->length = dim_of(0);
  Node *index = build_index(e->graph, 1, &w->length, 0);
  if (!dim_is_number(from, &least) || least != 0) {
    Node *start = build_cast(build_extent(e->graph, from), index->type.dtype);
    index = build_add(index, build_expand_like(start, index));
  }
  index->type.bound = to;
  if (dim_is_number(from, &least) && least < 0) index->type.bound = NULL;
  w->first = build_cast(build_extent(e->graph, from), index->type.dtype);
  walk_room(w, 1);
  w->input[w->inputs++] = index;
  return true;
}

static bool walk_sources(Walk *w) {
  Elaborator *e = w->e;
  const Ast *ast = w->ast;
  w->overs = ast->u.loop.names.count;
  w->over = ARENA_ARRAY(e->arena, Named, w->overs + 1);
  for (int i = 0; i < w->overs; i++) {
    const Ast *name = ast->u.loop.names.item[i];
    w->over[i] = (Named){.name = name->u.name, .ast = ast->u.loop.counted ? ast->u.loop.over : name};
  }
  if (!ast->u.loop.counted) {
    for (int i = 0; i < w->overs; i++) {
      w->over[i].value = eval(e, w->scope, ast->u.loop.names.item[i]);
      if (!walk_over(w, &w->over[i], ast->u.loop.over, false)) return false;
    }
    return true;
  }
  const Value *value = eval(e, w->scope, ast->u.loop.over);
  if (w->overs != 1) {
    problem_pattern(e->problems, ast->u.loop.names.item[1]->span, w->overs, value_kind_text(value));
    return false;
  }
  if (value->kind == VALUE_RANGE) return walk_range(w, value);
  w->over[0].value = value;
  return walk_over(w, &w->over[0], NULL, true);
}

// ---- carries ----------------------------------------------------------------------------------------------------

/* A carry keeps its type, so what arithmetic would widen or schedules would keep exact is made so before. */
static Node *carry_start(Elaborator *e, Node *node) {
  if (node->type.running) return build_cast(node, e->precision);
  return dtype_is_int(node->type.dtype) && !node->type.bound ? build_cast(node, DTYPE_I64) : node;
}

static bool walk_carries(Walk *w) {
  Elaborator *e = w->e;
  const AstList *list = &w->ast->u.loop.carries;
  w->carry = ARENA_ARRAY(e->arena, Named, list->count + 1);
  for (int i = 0; i < list->count; i++) {
    const Ast *arg = list->item[i];
    const Value *value = eval(e, w->scope, arg->u.arg.value);
    if (value->kind == VALUE_UNKNOWN) return false;
    int count = value_leaves(e, value, arg->u.arg.value, NULL);
    if (count < 0) {
      problem_carry_kind(e->problems, arg->u.arg.value->span, arg->u.arg.name, value_kind_text(value));
      return false;
    }
    walk_room(w, count);
    if (value_leaves(e, value, arg->u.arg.value, w->input + w->inputs) < 0) return false;
    for (int k = 0; k < count; k++) w->input[w->inputs + k] = carry_start(e, w->input[w->inputs + k]);
    w->inputs += count;
    w->carry[w->carries++] = (Named){arg->u.arg.name, arg, value};
  }
  return true;
}

/* The last assignment of a name in a block, for messages. */
static const Ast *last_assign(const Ast *block, Name name) {
  const Ast *found = NULL;
  for (int i = 0; block && block->kind == AST_BLOCK && i < block->u.list.count; i++) {
    const Ast *one = block->u.list.item[i], *within = NULL;
    if (one->kind == AST_ASSIGN && one->u.binding.name == name) found = one;
    if (one->kind == AST_FOR) within = last_assign(one->u.each.value, name);
    if (one->kind == AST_IF) within = last_assign(one->u.branch.then, name);
    if (within) found = within;
  }
  return found;
}

/* The next value of a carry's tensor in the type of the first; NULL after a Problem. */
static Node *carry_fit(Walk *w, const Named *carry, const Type *want, Node *next) {
  Elaborator *e = w->e;
  bool ints = dtype_is_int(want->dtype) && dtype_is_int(next->type.dtype);
  bool floats = dtype_is_float(want->dtype) && dtype_is_float(next->type.dtype);
  bool bounded = !want->bound || want->bound == next->type.bound;
  if (type_same_shape(want, &next->type) && ((ints && bounded) || floats || want->dtype == next->type.dtype))
    return next->type.dtype == want->dtype && !next->type.running ? next : build_cast(next, want->dtype);
  if (floats && next->type.rank == 0)
    return build_expand(build_cast(next, want->dtype), want->rank, want->size);
  bool grows = false, order;
  for (int i = 0; i < want->rank && want->rank == next->type.rank; i++)
    grows = grows || dim_compare(next->type.size[i], want->size[i], &order) > 0;
  Text text = {0};
  type_print(want, &text);
  const Ast *assign = last_assign(w->ast->u.loop.body, carry->name);
  problem_carry_type(e->problems, assign ? assign->at : w->ast->at, carry->ast->u.arg.value->span,
                     carry->name, text_string(&text), node_text(e, next), grows);
  text_free(&text);
  return NULL;
}

/* Assigns what the names of the carries are now to arguments `first` …; false after a Problem. */
static bool walk_assign(Walk *w, Graph *body, int first) {
  Elaborator *e = w->e;
  int number = first;
  for (int i = 0; i < w->carries; i++) {
    const Named *carry = &w->carry[i];
    const Value *next = scope_find(w->inner, carry->name)->value;
    if (next->kind == VALUE_UNKNOWN) return false;
    int want = value_leaves(e, carry->value, carry->ast, NULL),
        count = value_leaves(e, next, carry->ast, NULL);
    if (want != count) {
      const Ast *assign = last_assign(w->ast->u.loop.body, carry->name);
      problem_carry_type(e->problems, assign ? assign->at : w->ast->at, carry->ast->u.arg.value->span,
                         carry->name, value_kind_text(carry->value), value_kind_text(next), false);
      return false;
    }
    Node **leaf = ARENA_ARRAY(e->arena, Node *, count + 1);
    if (value_leaves(e, next, carry->ast, leaf) < 0) return false;
    for (int k = 0; k < count; k++, number++) {
      Node *node = carry_fit(w, carry, &body->argument[number]->type, leaf[k]);
      if (!node) return false;
      graph_assign(body, body->argument[number], node);
    }
  }
  return true;
}

// ---- the body -----------------------------------------------------------------------------------------------------

/* The condition behind `while`, with the names of a scope; NULL after a Problem. */
static Node *walk_condition(Walk *w, Scope *scope) {
  Elaborator *e = w->e;
  const Ast *ast = w->ast->u.loop.until;
  const Value *value = eval(e, scope, ast);
  Node *node = value->kind == VALUE_BOOL || value->kind == VALUE_TENSOR ? value_node(e, value, ast) : NULL;
  if (node && node->type.rank == 0 && node->type.dtype == DTYPE_BOOL) return node;
  if (value->kind == VALUE_UNKNOWN) return NULL;
  Text shown = {0}, text = {0};
  value_print(value, &shown);
  ast_write(ast, &text);
  problem_condition(e->problems, ast->span, text_string(&shown), text_string(&text));
  text_free(&shown);
  text_free(&text);
  return NULL;
}

static void bind_carries(Walk *w, Scope *scope, Node *const *leaf) {
  for (int i = 0; i < w->carries; i++)
    scope_bind(w->e, scope, w->carry[i].name, value_of_leaves(w->e, w->carry[i].value, &leaf));
}

/* The condition before the first step: carries are what they begin with. */
static Node *condition_first(Walk *w) {
  Scope *scope = scope_new(w->e, w->scope);
  bind_carries(w, scope, w->input + w->head);
  if (w->first) scope_bind(w->e, scope, w->over[0].name, value_tensor(w->e, w->first));
  return walk_condition(w, scope);
}

/* The condition behind a step: carries are what they became, and the number is the next one. */
static Node *condition_next(Walk *w) {
  Scope *scope = scope_new(w->e, w->inner);
  if (w->first) {
    Node *next =
        build_add(w->index, build_cast(build_whole(w->e->graph, DTYPE_I64, 1), w->index->type.dtype));
    scope_bind(w->e, scope, w->over[0].name, value_tensor(w->e, next));
  }
  return walk_condition(w, scope);
}

/* Arguments of the body for all inputs, the first `carried` of them carries, and names for them. */
static void walk_arguments(Walk *w, Graph *body, int carried) {
  Elaborator *e = w->e;
  w->argument = ARENA_ARRAY(e->arena, Node *, w->inputs + 1);
  for (int k = 0; k < w->inputs; k++) {
    Type type = w->input[k]->type;
    if (k >= carried) {
      type.rank--;
      for (int i = 0; i < type.rank; i++) type.size[i] = type.size[i + 1], type.name[i] = type.name[i + 1];
    }
    w->argument[k] = body_argument(body, k < carried ? "carry" : "step", &type);
  }
  bind_carries(w, w->inner, w->argument + w->head);
  Node *const *leaf = w->argument + carried;
  if (w->first) w->index = *leaf;
  for (int i = 0; i < w->overs; i++)
    scope_bind(e, w->inner, w->over[i].name,
               w->first ? value_tensor(e, *leaf++) : value_of_leaves(e, w->over[i].value, &leaf));
}

/* A result with all steps in front, the axis moved to where the loop found it. */
static Node *stacked(const Walk *w, Node *result) {
  result->type.name[0] = w->length_name;
  int place = w->place < result->type.rank ? w->place : result->type.rank - 1, order[MAX_RANK];
  if (place == 0) return result;
  for (int i = 0; i < result->type.rank; i++) order[i] = i < place ? i + 1 : i == place ? 0 : i;
  return build_permute(result, order);
}

static bool rank_fits(Walk *w, const Ast *at, Node *const *leaf, int count) {
  for (int i = 0; i < count; i++)
    if (leaf[i]->type.rank >= MAX_RANK) {
      problem_rank_limit(w->e->problems, at->span);
      return false;
    }
  return true;
}

/* What the loop gives: the stacks of what was yielded, or the carries. */
static const Value *walk_results(Walk *w, Node *node, int carried, const Value *yielded, int yields) {
  Elaborator *e = w->e;
  int count = yielded ? yields : carried - w->head;
  Node **result = ARENA_ARRAY(e->arena, Node *, count + 1), *const *leaf = result;
  for (int i = 0; i < count; i++)
    result[i] = yielded ? stacked(w, build_result(node, carried + i)) : build_result(node, w->head + i);
  if (yielded) return value_of_leaves(e, yielded, &leaf);
  const Value **item = ARENA_ARRAY(e->arena, const Value *, w->carries + 1);
  for (int i = 0; i < w->carries; i++) item[i] = value_of_leaves(e, w->carry[i].value, &leaf);
  return w->carries == 1 ? item[0] : value_record(e, item, NULL, w->carries);
}

/* The tensors of what the body gives for each step; -1 after a Problem. */
static int walk_yields(Walk *w, const Value *value, const Ast *at, Node ***leaf) {
  Elaborator *e = w->e;
  if (value->kind == VALUE_UNKNOWN) return -1;
  int count = value_leaves(e, value, at, NULL);
  if (count <= 0) {
    problem_yield_kind(e->problems, at->span, value_kind_text(value));
    return -1;
  }
  *leaf = ARENA_ARRAY(e->arena, Node *, count + 1);
  if (value_leaves(e, value, at, *leaf) < 0 || !rank_fits(w, at, *leaf, count)) return -1;
  for (int i = 0; i < count; i++)
    if ((*leaf)[i]->type.running) (*leaf)[i] = build_cast((*leaf)[i], e->precision);
  return count;
}

/* The loop's node, its body elaborated. */
static Node *walk_end(Walk *w, const Body *body, int carried) {
  Elaborator *e = w->e;
  Node **input = ARENA_ARRAY(e->arena, Node *, w->inputs + body->captures + 1);
  memcpy(input, w->input, sizeof *input * (size_t)w->inputs);
  int count = w->inputs + body_inputs(body, input + w->inputs);
  Scan scan = {
      .length = w->length, .carries = carried, .stepped = w->inputs - carried, .until = w->head != 0};
  return build_scan(e->graph, body->graph, &scan, input, count);
}

/* Carries assigned and yields given, in the body of a scan. How many yields; -1 after a Problem. */
static int scan_end(Walk *w, Graph *body, const Yielding *loop) {
  Elaborator *e = w->e;
  const Ast *ast = w->ast;
  Node **leaf = NULL, *more = w->head ? condition_next(w) : NULL;
  if (w->head && !more) return -1;
  if (more) graph_assign(body, body->argument[0], more);
  if (!walk_assign(w, body, w->head)) return -1;
  if (!loop->yielded) {
    if (!w->carries) problem_loop_nothing(e->problems, ast->at);
    return w->carries ? 0 : -1;
  }
  if (more) {
    problem_yield_while(e->problems, loop->yield->span, ast->u.loop.until->span);
    return -1;
  }
  int yields = walk_yields(w, loop->yielded, loop->yield, &leaf);
  for (int i = 0; i < yields; i++) body_result(body, leaf[i]);
  return yields;
}

const Value *eval_scan(Elaborator *e, Scope *scope, const Ast *ast) {
  Walk w = {.e = e, .ast = ast, .scope = scope, .inner = scope_new(e, scope)};
  w.head = ast->u.loop.until != NULL;
  walk_room(&w, w.head);
  w.inputs = w.head;
  if (!walk_carries(&w)) return value_unknown();
  int carried = w.inputs;
  if (!walk_sources(&w)) return value_unknown();
  if (w.head && !(w.input[0] = condition_first(&w))) return value_unknown();
  Body body;
  Yielding loop = {0}, *outer = e->loop;
  body_begin(e, &body);
  e->loop = &loop;
  walk_arguments(&w, body.graph, carried);
  const Value *value = eval_statements(e, w.inner, ast->u.loop.body);
  const AstList *list = &ast->u.loop.body->u.list;
  if (value->kind != VALUE_NONE && value->kind != VALUE_UNKNOWN && list->count)
    problem_unused(e->problems, list->item[list->count - 1]->span);
  int yields = scan_end(&w, body.graph, &loop);
  e->loop = outer;
  body_end(e, &body);
  if (yields < 0) return value_unknown();
  return walk_results(&w, walk_end(&w, &body, carried), carried, loop.yielded, yields);
}

const Value *eval_map(Elaborator *e, Scope *scope, const Ast *ast) {
  Walk w = {.e = e, .ast = ast, .scope = scope, .inner = scope_new(e, scope)};
  if (!walk_sources(&w)) return value_unknown();
  Body body;
  Yielding loop = {0}, *outer = e->loop;
  body_begin(e, &body);
  e->loop = &loop;
  walk_arguments(&w, body.graph, 0);
  const Value *value = eval_statements(e, w.inner, ast->u.loop.body);
  const AstList *list = &ast->u.loop.body->u.list;
  const Ast *at = loop.yield ? loop.yield : list->count ? list->item[list->count - 1] : ast;
  if (loop.yielded) value = loop.yielded;
  Node **leaf = NULL;
  int yields = value->kind == VALUE_NONE ? 0 : walk_yields(&w, value, at, &leaf);
  if (value->kind == VALUE_NONE) problem_loop_nothing(e->problems, ast->at);
  for (int i = 0; i < yields; i++) body_result(body.graph, leaf[i]);
  e->loop = outer;
  body_end(e, &body);
  return yields > 0 ? walk_results(&w, walk_end(&w, &body, 0), 0, value, yields) : value_unknown();
}

/* A scan of one step whose gradient keeps nothing: what is captured goes in, what the expression gives comes out. */
const Value *eval_remat(Elaborator *e, Scope *scope, const Ast *call) {
  const AstList *list = &call->u.call.items;
  if (list->count != 1 || list->item[0]->u.arg.name) {
    problem_missing_argument(e->problems, call->span, "remat", "value", NULL, false);
    return value_unknown();
  }
  const Ast *at = list->item[0]->u.arg.value;
  Walk w = {.e = e, .ast = at, .scope = scope, .length = dim_of(1)};
  Body body;
  body_begin(e, &body);
  const Value *value = eval(e, scope, at);
  Node **leaf = NULL;
  int count = walk_yields(&w, value, at, &leaf);
  for (int i = 0; i < count; i++) body_result(body.graph, leaf[i]);
  body_end(e, &body);
  if (count < 0) return value_unknown();
  Node **input = ARENA_ARRAY(e->arena, Node *, body.captures + 1), *const *result = leaf;
  Scan scan = {.length = w.length, .remat = true};
  int inputs = body_inputs(&body, input);
  Node *node = build_scan(e->graph, body.graph, &scan, input, inputs);
  for (int i = 0; i < count; i++) {
    Type type = leaf[i]->type;
    leaf[i] = build_reshape(build_result(node, i), type.rank, type.size);
    memcpy(leaf[i]->type.name, type.name, sizeof type.name);
    leaf[i]->type.bound = type.bound;
  }
  return value_of_leaves(e, value, &result);
}

const Value *eval_yield(Elaborator *e, Scope *scope, const Ast *ast) {
  if (!e->loop) {
    problem_misplaced(e->problems, ast->span);
    return value_none();
  }
  const AstList *list = &ast->u.list;
  const Value **item = ARENA_ARRAY(e->arena, const Value *, list->count + 1);
  Name *name = ARENA_ARRAY(e->arena, Name, list->count + 1);
  int names = 0;
  for (int i = 0; i < list->count; i++) {
    const Ast *arg = list->item[i];
    item[i] = eval(e, scope, arg->u.arg.value);
    name[i] = arg->u.arg.name;
    names += name[i] != NULL;
    if (item[i]->kind == VALUE_UNKNOWN) item[0] = item[i];
  }
  if (e->loop->yielded) problem_yield_twice(e->problems, ast->span, e->loop->yield->span);
  bool one = list->count == 1 && !names, unknown = list->count && item[0]->kind == VALUE_UNKNOWN;
  e->loop->yielded = one || unknown ? item[0] : value_record(e, item, names ? name : NULL, list->count);
  e->loop->yield = ast;
  return value_none();
}

// ---- if -----------------------------------------------------------------------------------------------------------

/* Bindings from outside that the statements of a block assign. */
static void find_assigned(Scope *scope, const Ast *block, Binding **found, int *count, int most) {
  for (int i = 0; block && block->kind == AST_BLOCK && i < block->u.list.count; i++) {
    const Ast *one = block->u.list.item[i];
    if (one->kind == AST_IF) {
      find_assigned(scope, one->u.branch.then, found, count, most);
      find_assigned(scope, one->u.branch.otherwise, found, count, most);
    }
    if (one->kind == AST_FOR) find_assigned(scope, one->u.each.value, found, count, most);
    if (one->kind != AST_ASSIGN) continue;
    Binding *binding = scope_find(scope, one->u.binding.name);
    bool known = !binding || binding->declaration || binding->state;
    for (int k = 0; k < *count; k++) known = known || found[k] == binding;
    if (!known && *count < most) found[(*count)++] = binding;
  }
}

#define ASSIGNED_MOST 32

typedef struct {
  Body body;
  const Value *value[ASSIGNED_MOST + 1]; // of the block, then of the names it assigns
} Arm;

/* Both arms' tensors in one type; false after a Problem. */
static bool arms_agree(Elaborator *e, const Ast *at, Arm *arm, int values) {
  for (int v = 0; v < values; v++) {
    Node **leaf[2];
    int count[2];
    for (int i = 0; i < 2; i++) {
      const Value *value = arm[i].value[v];
      if (value->kind == VALUE_UNKNOWN) return false;
      count[i] = value->kind == VALUE_NONE ? 0 : value_leaves(e, value, at, NULL);
      leaf[i] = ARENA_ARRAY(e->arena, Node *, count[i] > 0 ? count[i] + 1 : 1);
    }
    if (count[0] < 0 || count[0] != count[1]) {
      problem_arms(e->problems, at->at, value_kind_text(arm[0].value[v]), value_kind_text(arm[1].value[v]));
      return false;
    }
    bool whole[2] = {arm[0].value[v]->kind == VALUE_INT, arm[1].value[v]->kind == VALUE_INT};
    for (int i = 0; i < 2; i++) {
      e->graph = arm[i].body.graph, e->body = &arm[i].body;
      if (value_leaves(e, arm[i].value[v], at, leaf[i]) < 0 && count[i]) return false;
    }
    for (int i = 0; i < 2; i++) // a number known before the run is what the other arm is
      if (whole[i] && !whole[1 - i]) leaf[i][0] = build_cast(leaf[i][0], leaf[1 - i][0]->type.dtype);
    for (int k = 0; k < count[0]; k++) {
      const Type *a = &leaf[0][k]->type, *b = &leaf[1][k]->type;
      if (a->dtype != b->dtype || !type_same_shape(a, b)) {
        problem_arms(e->problems, at->at, node_text(e, leaf[0][k]), node_text(e, leaf[1][k]));
        return false;
      }
      for (int i = 0; i < 2; i++) body_result(arm[i].body.graph, leaf[i][k]);
    }
  }
  return true;
}

const Value *eval_branch(Elaborator *e, Scope *scope, const Ast *ast, Node *condition) {
  Binding *assigned[ASSIGNED_MOST];
  const Value *before[ASSIGNED_MOST];
  int names = 0;
  find_assigned(scope, ast->u.branch.then, assigned, &names, ASSIGNED_MOST);
  find_assigned(scope, ast->u.branch.otherwise, assigned, &names, ASSIGNED_MOST);
  for (int i = 0; i < names; i++) before[i] = assigned[i]->value;
  Arm arm[2];
  for (int i = 0; i < 2; i++) {
    const Ast *block = i == 0 ? ast->u.branch.then : ast->u.branch.otherwise;
    body_begin(e, &arm[i].body);
    arm[i].value[0] = block ? eval_block(e, scope, block) : value_none();
    for (int k = 0; k < names; k++) {
      arm[i].value[k + 1] = value_here(e, assigned[k]->value);
      assigned[k]->value = before[k];
    }
    body_end(e, &arm[i].body);
  }
  Graph *graph = e->graph;
  Body *around = e->body;
  bool ok = arms_agree(e, ast, arm, names + 1);
  e->graph = graph, e->body = around;
  if (!ok) return value_unknown();
  bodies_agree(e, &arm[0].body, &arm[1].body);
  Node **input = ARENA_ARRAY(e->arena, Node *, arm[0].body.captures + 1);
  int inputs = body_inputs(&arm[0].body, input), results = arm[0].body.graph->outputs;
  if (!results) return value_none();
  Node *node = build_branch(graph, condition, arm[0].body.graph, arm[1].body.graph, input, inputs);
  Node **result = ARENA_ARRAY(e->arena, Node *, results + 1), *const *leaf = result;
  for (int i = 0; i < results; i++) result[i] = build_result(node, i);
  const Value *value = value_none();
  if (arm[0].value[0]->kind != VALUE_NONE) value = value_of_leaves(e, arm[0].value[0], &leaf);
  for (int k = 0; k < names; k++) assigned[k]->value = value_of_leaves(e, arm[0].value[k + 1], &leaf);
  return value;
}
