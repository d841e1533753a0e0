/* Records as numbers: operators and functions act part by part, sums and the like go over all parts.
 *
 * This is what makes weights values: `net - 0.1 * g`, `l2(net["**.W"])`. A model stands for the record of its weights.
 * Two records match when their parts have the same names in the same order. */
#include "interpreter/elaborate/elaborate.h"
#include "lang/problems.h"

#include <string.h>

const Value *record_of(Elaborator *e, const Value *value) {
  if (value->kind == VALUE_RECORD && !value->u.items.is_table && !value->u.items.model) return value;
  return value->kind != VALUE_WEIGHTS && weights_path(value) ? weights_read(e, value, false) : NULL;
}

static bool same_parts(const Value *a, const Value *b) {
  if (a->u.items.count != b->u.items.count || !a->u.items.name != !b->u.items.name) return false;
  for (int i = 0; i < a->u.items.count && a->u.items.name; i++)
    if (a->u.items.name[i] != b->u.items.name[i]) return false;
  return true;
}

static const Value *mismatch(Elaborator *e, const Ast *at) {
  problem_record_parts(e->problems, at->at.source ? at->at : at->span);
  return value_unknown();
}

const Value *record_operate(Elaborator *e, const Ast *ast, Operator op, const Value *a, const Value *b) {
  const Value *x = record_of(e, a), *y = record_of(e, b);
  if (!x && !y) return NULL;
  if (x && y && !same_parts(x, y)) return mismatch(e, ast);
  const Value *shape = x ? x : y;
  const Value **item = ARENA_ARRAY(e->arena, const Value *, shape->u.items.count + 1);
  for (int i = 0; i < shape->u.items.count; i++) {
    item[i] = operate(e, ast, op, x ? x->u.items.item[i] : a, y ? y->u.items.item[i] : b);
    if (item[i]->kind == VALUE_UNKNOWN) return value_unknown();
  }
  return value_record(e, item, shape->u.items.name, shape->u.items.count);
}

typedef Node *Join(Node *a, Node *b);

static Node *join_norms(Node *a, Node *b) { return node_root(build_add(build_mul(a, a), build_mul(b, b))); }

/* Functions that act on parts. Where one argument is reduced, the results of the parts are joined. */
static const struct {
  const char *name;
  Join *join;
} known[] = {{"sum", build_add},   {"size", build_add}, {"max", build_max},   {"min", build_min},
             {"norm", join_norms}, {"float", NULL},     {"zeros_like", NULL}, {"ones_like", NULL}};

static const Value *map_parts(Elaborator *e, const Ast *at, const Value *callee, const Argument *args,
                              int count, const Value *shape) {
  const Value **item = ARENA_ARRAY(e->arena, const Value *, shape->u.items.count + 1);
  Argument *part = ARENA_ARRAY(e->arena, Argument, count + 1);
  for (int i = 0; i < shape->u.items.count; i++) {
    for (int k = 0; k < count; k++) {
      const Value *record = record_of(e, args[k].value);
      part[k] = args[k];
      if (record && !same_parts(record, shape)) return mismatch(e, at);
      if (record) part[k].value = record->u.items.item[i];
    }
    item[i] = builtin_call(e, at, callee, part, count);
    if (item[i]->kind == VALUE_UNKNOWN) return value_unknown();
  }
  return value_record(e, item, shape->u.items.name, shape->u.items.count);
}

/* One value out of those of all parts. */
static const Value *join_parts(Elaborator *e, const Ast *at, const Value *parts, Join *join) {
  const Value *all = NULL;
  for (int i = 0; i < parts->u.items.count; i++) {
    const Value *one = parts->u.items.item[i];
    if (!all)
      all = one;
    else if (one->kind == VALUE_INT && all->kind == VALUE_INT)
      all = value_int(e, dim_add(all->u.dim, one->u.dim));
    else
      all = value_tensor(e, join(value_node(e, all, at), value_node(e, one, at)));
  }
  return all ? all : value_unknown();
}

const Value *record_call(Elaborator *e, const Ast *at, const Value *callee, const Argument *args, int count) {
  const Value *shape = NULL;
  for (int i = 0; i < count && !shape; i++) shape = record_of(e, args[i].value);
  if (!shape) return NULL;
  if (!callee->scope) return map_parts(e, at, callee, args, count, shape); // a MAP row
  for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
    if (strcmp(known[i].name, callee->u.builtin->name)) continue;
    const Value *parts = map_parts(e, at, callee, args, count, shape);
    bool joins = known[i].join && count == 1 && parts->kind == VALUE_RECORD;
    return joins ? join_parts(e, at, parts, known[i].join) : parts;
  }
  return NULL;
}
