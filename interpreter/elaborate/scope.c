/* Names and what they stand for.
 *
 * Declarations of a file are bound with their tree and evaluated when first asked for, so their order is free;
 * a cycle is found by the `busy` mark. Everything else is bound when its statement runs. */
#include "interpreter/elaborate/elaborate.h"
#include "lang/problems.h"

Scope *scope_new(Elaborator *e, Scope *parent) {
  Scope *scope = ARENA_NEW(e->arena, Scope);
  scope->parent = parent;
  return scope;
}

Binding *scope_add(Elaborator *e, Scope *scope, Name name) {
  scope->binding =
      arena_grow(e->arena, scope->binding, (size_t)scope->count, &scope->capacity, sizeof(Binding));
  Binding *binding = &scope->binding[scope->count++];
  *binding = (Binding){.name = name};
  return binding;
}

void scope_bind(Elaborator *e, Scope *scope, Name name, const Value *value) {
  if (name) scope_add(e, scope, name)->value = value;
}

void scope_place(Scope *scope, Name name, Span at) {
  for (int i = scope->count - 1; i >= 0; i--)
    if (scope->binding[i].name == name) {
      scope->binding[i].at = at;
      return;
    }
}

Binding *scope_find(Scope *scope, Name name) {
  for (; scope; scope = scope->parent)
    for (int i = scope->count - 1; i >= 0; i--)
      if (scope->binding[i].name == name) return &scope->binding[i];
  return NULL;
}

const char *scope_nearest(Elaborator *e, Scope *scope, Name name) {
  int count = 0;
  for (Scope *s = scope; s; s = s->parent) count += s->count;
  const char **candidate = ARENA_ARRAY(e->arena, const char *, count + 1);
  count = 0;
  for (Scope *s = scope; s; s = s->parent)
    for (int i = s->count - 1; i >= 0; i--) candidate[count++] = s->binding[i].name;
  return name_nearest(name, candidate, count);
}

/* The value of a declaration of a file. */
static const Value *declaration_value(Elaborator *e, Scope *home, Name name, const Ast *ast, bool *anew) {
  Value *value = ARENA_NEW(e->arena, Value);
  value->known = true;
  value->ast = ast;
  value->scope = home;
  switch (ast->kind) {
  case AST_FN: value->kind = VALUE_FUNCTION; break;
  case AST_LAYER: value->kind = VALUE_LAYER; break;
  case AST_OPTIMIZER: value->kind = VALUE_OPTIMIZER; break;
  case AST_METRIC: value->kind = VALUE_METRIC; break;
  case AST_MODEL: return model_declare(e, home, ast);
  case AST_DATA:
    value->kind = VALUE_DATA;
    value->u.data.data = dataset_declare(e, ast, home);
    value->u.data.part = PART_ALL;
    value->u.data.whole = true;
    break;
  case AST_LET: return constant_let(e, home, name, ast, anew);
  case AST_CONFIG: {
    const Ast *body = ast->u.function.body;
    const Value *given = eval(e, home, body);
    const Value *out = given;
    for (int i = 0; i < e->overrides; i++)
      if (e->override[i].name == ast->u.function.name) out = eval(e, home, e->override[i].ast);
    double number;
    if (given->kind == VALUE_FLOAT && out->kind == VALUE_INT && value_number(out, &number))
      out = value_float(e, number);
    if (out->kind != given->kind && given->kind != VALUE_UNKNOWN && out->kind != VALUE_UNKNOWN) {
      problem_config_kind(e->problems, ast->at, ast->u.function.name, value_kind_text(given),
                          value_kind_text(out));
      return given;
    }
    return out;
  }
  default: return value_unknown();
  }
  return value;
}

/* A declared tensor is made again in every graph that asks for it; its random calls have the streams of its name. */
const Value *scope_value(Elaborator *e, Scope *scope, Name name, const Ast *at) {
  Binding *binding = NULL;
  Scope *home = scope;
  for (; home; home = home->parent) {
    for (int i = home->count - 1; i >= 0 && !binding; i--)
      if (home->binding[i].name == name) binding = &home->binding[i];
    if (binding) break;
  }
  if (!binding) {
    const char *nearest = scope_nearest(e, scope, name);
    const Binding *found = nearest ? scope_find(scope, nearest) : NULL;
    Span there = {0};
    if (found) there = found->declaration ? found->declaration->at : found->at;
    problem_unknown_name(e->problems, at->span, name, nearest, there);
    return value_unknown();
  }
  if (binding->value && binding->state) return value_tensor(e, variable_value(e, binding->state));
  if (binding->value) return binding->declaration || e->body ? value_here(e, binding->value) : binding->value;
  if (binding->busy) {
    problem_cycle(e->problems, at->span, name);
    return value_unknown();
  }
  binding->busy = true;
  bool anew = false;
  const Value *value = declaration_value(e, home, name, binding->declaration, &anew);
  binding = scope_find(scope, name); // evaluating may have moved the array
  binding->busy = false;
  if (anew) return value;
  binding->value = value;
  return value_here(e, value);
}
