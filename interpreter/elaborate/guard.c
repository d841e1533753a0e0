/* Guards: what decides before a step which of its statements are due.
 *
 * A condition that follows from `step`, `epoch` and `progress` alone is computed between steps, in a small graph of its
 * own, and becomes a guard as `every` does. Any other condition is a number of the step itself: what stands under it is
 * computed and then chosen by `where`. */
#include "interpreter/elaborate/builder.h"
#include "interpreter/elaborate/transplant.h"
#include "lang/problems.h"

#include <string.h>

#define GUARDS_MOST 64 // bits of When

Outer guard_save(const Builder *b) {
  return (Outer){b->e->guard, b->when, b->guarded, b->every, b->conditions};
}

void guard_restore(Builder *b, const Outer *outer) {
  b->e->guard = outer->node;
  b->when = outer->when;
  b->guarded = outer->scope;
  b->every = outer->every;
  b->conditions = outer->conditions;
}

static void require(Builder *b, Node *truth) {
  b->e->guard = b->e->guard ? build_and(b->e->guard, truth) : truth;
  b->guarded = b->scope;
}

/* The guard of that kind, made if new; -1: there are too many. */
static int guard_find(Builder *b, GuardKind kind, int64_t every) {
  Elaborator *e = b->e;
  Pass *pass = b->pass;
  for (int i = 0; i < pass->guards && kind != GUARD_CONDITION; i++)
    if (pass->guard[i].kind == kind && pass->guard[i].every == every) return i;
  if (pass->guards == GUARDS_MOST) {
    problem_too_many(e->problems, b->ast->at, "conditions of statements", GUARDS_MOST);
    return -1;
  }
  pass->guard = arena_grow(e->arena, pass->guard, (size_t)pass->guards, &pass->guard_capacity, sizeof(Guard));
  Variable *variable = variable_new(e, VARIABLE_RUNNING, arena_printf(e->arena, "guard.%d", pass->guards),
                                    type_scalar(DTYPE_BOOL), b->ast->at);
  pass->guard[pass->guards] = (Guard){.kind = kind, .every = every, .variable = variable};
  return pass->guards++;
}

static void require_guard(Builder *b, int number, bool yes) {
  if (number < 0) return;
  Node *truth = variable_value(b->e, b->pass->guard[number].variable);
  require(b, yes ? truth : build_not(truth));
  *(yes ? &b->when.on : &b->when.off) |= (uint64_t)1 << number;
}

bool guard_every(Builder *b, const Ast *every) {
  if (!every) return true;
  Elaborator *e = b->e;
  const Value *value = eval(e, b->scope, every);
  int64_t steps = 0;
  if (value->kind == VALUE_UNKNOWN) return false;
  if (value->kind != VALUE_INT || !dim_is_number(value->u.dim, &steps) || steps < 1) {
    Text text = {0};
    value_print(value, &text);
    problem_every(e->problems, every->span, text_string(&text));
    text_free(&text);
    return false;
  }
  if (b->kind == PASS_ONCE) {
    problem_every_place(e->problems, every->span);
    return false;
  }
  if (steps == 1 || b->kind == PASS_VALID) return true;
  require_guard(b, guard_find(b, GUARD_EVERY, steps), true);
  b->conditions += b->every != 0;
  b->every = steps;
  return true;
}

void guard_update(Builder *b) { require_guard(b, guard_find(b, GUARD_UPDATE, 0), true); }

void guard_tell(Builder *b) { require_guard(b, guard_find(b, GUARD_TELL, 0), true); }

/* Whether the node can be computed before the step. */
static bool known_before(const Node *node) {
  Arena *scratch = arena_new(0);
  bool *needed = ARENA_ARRAY(scratch, bool, node->id + 1), yes = true;
  needed[node->id] = true;
  for (int i = node->id; i >= 0 && yes; i--) {
    if (!needed[i]) continue;
    const Node *one = node->graph->node[i];
    yes = one->op != OP_RANDOM && type_is_known(&one->type) &&
          (one->op != OP_READ || one->attr.variable->role == VARIABLE_RUNNING);
    for (int k = 0; k < one->nsrc; k++) needed[one->src[k]->id] = true;
  }
  arena_free(scratch);
  return yes;
}

void guard_condition(Builder *b, Node *condition, bool yes) {
  Elaborator *e = b->e;
  Pass *pass = b->pass;
  b->conditions++;
  if (!known_before(condition)) {
    require(b, yes ? condition : build_not(condition));
    return;
  }
  int number = -1;
  for (int i = 0; i < pass->guards; i++)
    if (pass->guard[i].kind == GUARD_CONDITION && pass->guard[i].condition == condition) number = i;
  if (number < 0) {
    number = guard_find(b, GUARD_CONDITION, 0);
    if (number < 0) return;
    if (!pass->conditions) pass->conditions = graph_new(e->arena);
    pass->guard[number].condition = condition;
    graph_output(pass->conditions, pass->guard[number].variable->path,
                 graph_transplant(pass->conditions, condition));
  }
  require_guard(b, number, yes);
}

void guard_output(Builder *b, const char *name, Node *node) {
  Pass *pass = b->pass;
  graph_output(b->e->graph, name, node);
  if (!b->when.on && !b->when.off) return;
  pass->guarded = arena_grow(b->e->arena, pass->guarded, (size_t)pass->guardeds, &pass->guarded_capacity,
                             sizeof(*pass->guarded));
  pass->guarded[pass->guardeds].name = name;
  pass->guarded[pass->guardeds++].when = b->when;
}

Node *guard_value(Builder *b, Node *node, double otherwise) {
  return b->e->guard ? build_where(b->e->guard, node, build_like(node, otherwise)) : node;
}
