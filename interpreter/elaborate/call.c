/* What `f(x)` does, by what f is. */
#include "interpreter/elaborate/elaborate.h"
#include "lang/format.h"
#include "lang/problems.h"

#include <string.h>

int call_arguments(Elaborator *e, Scope *scope, const AstList *list, const Value *first, const Ast *first_ast,
                   Argument **out) {
  Argument *args = ARENA_ARRAY(e->arena, Argument, list->count + 2);
  int count = 0;
  if (first) args[count++] = (Argument){NULL, first, first_ast};
  for (int i = 0; i < list->count; i++) {
    const Ast *item = list->item[i];
    bool is_arg = item->kind == AST_ARG;
    const Ast *value = is_arg ? item->u.arg.value : item;
    args[count++] = (Argument){is_arg ? item->u.arg.name : NULL, eval(e, scope, value),
                               is_arg && item->u.arg.name ? item : value};
  }
  *out = args;
  return count;
}

bool inputs_unknown(const AstList *params, const Argument *args, int count) {
  for (int i = 0; i < count; i++) {
    const Ast *type = i < params->count ? params->item[i]->u.binding.type : NULL;
    for (int k = 0; args[i].name && k < params->count; k++)
      if (params->item[k]->u.binding.name == args[i].name) type = params->item[k]->u.binding.type;
    if (args[i].value->kind == VALUE_UNKNOWN && type && type->kind == AST_TYPE_TENSOR) return true;
  }
  return false;
}

static const Value *call_function(Elaborator *e, const Ast *at, const Value *function, const Argument *args,
                                  int count) {
  const Ast *declaration = function->ast;
  Scope *scope = scope_new(e, function->scope);
  const char *name = declaration->u.function.name ? declaration->u.function.name : "this fn";
  if (!signature_bind(e, at, name, scope, &declaration->u.function.params, args, count, false))
    return value_unknown();
  if (!signature_wheres(e, at, scope, declaration) ||
      inputs_unknown(&declaration->u.function.params, args, count))
    return value_unknown();
  const Value *value = eval_statements(e, scope, declaration->u.function.body);
  if (!signature_result(e, declaration, scope, declaration->u.function.result, value)) return value_unknown();
  return value;
}

static const Value *call_composed(Elaborator *e, const Ast *at, const Value *composed, const Argument *args,
                                  int count) {
  const Value *value = call_value(e, at, composed->u.items.item[0], args, count);
  Argument input = {NULL, value, at};
  return value->kind == VALUE_UNKNOWN ? value : call_value(e, at, composed->u.items.item[1], &input, 1);
}

static const Value *make_update(Elaborator *e, const Ast *at, const Value *recipe, const Argument *args,
                                int count) {
  const Ast *declaration = recipe->ast;
  Scope *settings = scope_new(e, recipe->scope);
  if (!signature_bind(e, at, declaration->u.function.name, settings, &declaration->u.function.settings, args,
                      count, true) ||
      !signature_wheres(e, at, settings, declaration))
    return value_unknown();
  Value *update = ARENA_NEW(e->arena, Value);
  *update = (Value){.kind = VALUE_UPDATE, .known = true, .ast = declaration, .scope = settings};
  return update;
}

/* An optimizer's body with its weight and gradient: (p, g). */
static const Value *apply_update(Elaborator *e, const Ast *at, const Value *update, const Argument *args,
                                 int count) {
  if (!update->ast) { // lbfgs, beside another optimizer
    problem_search(e->problems, at->span);
    return value_unknown();
  }
  const Ast *declaration = update->ast;
  Scope *scope = scope_new(e, update->scope);
  if (!signature_bind(e, at, declaration->u.function.name, scope, &declaration->u.function.params, args,
                      count, false))
    return value_unknown();
  return eval_statements(e, scope, declaration->u.function.body);
}

const Value *call_value(Elaborator *e, const Ast *at, const Value *callee, const Argument *args, int count) {
  if (e->depth >= CALL_DEPTH_LIMIT) {
    problem_call_depth(e->problems, at->span, CALL_DEPTH_LIMIT);
    return value_unknown();
  }
  e->depth++;
  const Value *value = value_unknown();
  switch (callee->kind) {
  case VALUE_UNKNOWN: break;
  case VALUE_FUNCTION: value = call_function(e, at, callee, args, count); break;
  case VALUE_BUILTIN:
    value = record_call(e, at, callee, args, count);
    if (!value) value = builtin_call(e, at, callee, args, count);
    break;
  case VALUE_LAYER: value = layer_make(e, at, callee, args, count, NULL); break;
  case VALUE_INSTANCE: value = instance_apply(e, at, callee, args, count); break;
  case VALUE_COMPOSED: value = call_composed(e, at, callee, args, count); break;
  case VALUE_METRIC: value = metric_apply(e, at, callee, args, count); break;
  case VALUE_OPTIMIZER: value = make_update(e, at, callee, args, count); break;
  case VALUE_UPDATE: value = apply_update(e, at, callee, args, count); break;
  default: {
    Text text = {0};
    ast_write(at->kind == AST_CALL ? at->u.call.callee : at, &text);
    problem_not_callable(e->problems, at->span, text_string(&text), value_kind_text(callee));
    text_free(&text);
  }
  }
  e->depth--;
  return value;
}
