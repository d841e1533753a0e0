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
static const Value *declaration_value(Elaborator *e, Scope *home, const Ast *ast) {
  Value *value = ARENA_NEW(e->arena, Value);
  value->known = true;
  value->ast = ast;
  value->scope = home;
  switch (ast->kind) {
  case AST_FN: value->kind = VALUE_FUNCTION; break;
  case AST_LAYER: value->kind = VALUE_LAYER; break;
  case AST_OPTIMIZER: value->kind = VALUE_OPTIMIZER; break;
  case AST_METRIC: value->kind = VALUE_METRIC; break;
  case AST_MODEL:
    if (!ast->u.function.params_given) {
      Frame frame = {.path = NULL, .owner = ast, .caller = e->frame};
      Frame *caller = e->frame;
      e->frame = &frame;
      const Value *made = eval_statements(e, scope_new(e, home), ast->u.function.body);
      e->frame = caller;
      if (made->kind == VALUE_UNKNOWN) return made;
      if (made->kind == VALUE_COMPOSED) { // made anew at each call, inside the model
        value->kind = VALUE_INSTANCE;
        value->u.instance.path = ast->u.function.name;
        value->u.instance.model = true;
        return value;
      }
      if (made->kind != VALUE_INSTANCE) {
        problem_model_value(e->problems, ast->u.function.body->span, ast->u.function.name,
                            value_kind_text(made));
        return value_unknown();
      }
      *value = *made;
      value->u.instance.path = ast->u.function.name;
      value->u.instance.model = true;
      return value;
    }
    value->kind = VALUE_INSTANCE;
    value->u.instance.path = ast->u.function.name;
    value->u.instance.model = true;
    break;
  case AST_DATA:
    value->kind = VALUE_DATA;
    value->u.data.data = dataset_declare(e, ast, home);
    value->u.data.part = PART_ALL;
    value->u.data.whole = true;
    break;
  case AST_LET: return eval(e, home, ast->u.binding.value);
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

static bool has_nodes(const Value *value) {
  if (value->kind == VALUE_TENSOR) return true;
  if (value->kind != VALUE_LIST && value->kind != VALUE_RECORD) return false;
  for (int i = 0; i < value->u.items.count; i++)
    if (has_nodes(value->u.items.item[i])) return true;
  return false;
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
    problem_unknown_name(e->problems, at->span, name, scope_nearest(e, scope, name));
    return value_unknown();
  }
  if (binding->value && (!binding->graph || binding->graph == e->graph))
    return binding->state ? value_tensor(e, variable_value(e, binding->state)) : binding->value;
  if (binding->busy) {
    problem_cycle(e->problems, at->span, name);
    return value_unknown();
  }
  binding->busy = true;
  uint64_t site = e->site;
  if (binding->declaration->kind == AST_LET) e->site = path_hash(name);
  const Value *value = declaration_value(e, home, binding->declaration);
  e->site = site;
  binding = scope_find(scope, name); // evaluating may have moved the array
  binding->busy = false;
  binding->value = value;
  binding->graph = has_nodes(value) ? e->graph : NULL;
  return value;
}
