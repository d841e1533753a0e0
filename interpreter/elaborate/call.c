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
  e->functions++;
  const Value *value = eval_statements(e, scope, declaration->u.function.body);
  e->functions--;
  if (!signature_result(e, declaration, scope, declaration->u.function.result, value)) return value_unknown();
  return value;
}

static const Value *call_composed(Elaborator *e, const Ast *at, const Value *composed, const Argument *args,
                                  int count) {
  const Value *value = count ? args[0].value : value_unknown();
  for (int i = 0; i < composed->u.items.count && (i == 0 || value->kind != VALUE_UNKNOWN); i++) {
    Argument *given = ARENA_ARRAY(e->arena, Argument, count + 1);
    if (count) memcpy(given, args, sizeof *given * (size_t)count);
    if (i > 0) given[0] = (Argument){NULL, value, at};
    value = call_value(e, at, composed->u.items.item[i], given, i && !composed->u.items.copies ? 1 : count);
  }
  return value;
}

const Value *eval_repeat(Elaborator *e, Scope *scope, const Ast *call) {
  const AstList *list = &call->u.call.items;
  int64_t count = 1;
  if (list->count != 2 || list->item[0]->u.arg.name || list->item[1]->u.arg.name) {
    problem_missing_argument(e->problems, call->span, "repeat", list->count ? "layer" : "n", NULL, false);
    return value_unknown();
  }
  const Value *n = eval(e, scope, list->item[0]->u.arg.value);
  if (n->kind == VALUE_UNKNOWN) return n;
  bool known = n->kind == VALUE_INT && dim_is_number(n->u.dim, &count);
  if (n->kind != VALUE_INT || count < 0 || count > 100000) {
    Argument slot = {name_of("n"), n, list->item[0]};
    return slot_error(e, call, &slot, "a whole number from 0 to 100000, known before the run");
  }
  if (!known) count = 1; // generic check: one of them
  const Value **item = ARENA_ARRAY(e->arena, const Value *, count + 1);
  for (int64_t i = 0; i < count; i++) {
    item[i] = eval(e, scope, list->item[1]->u.arg.value);
    if (item[i]->kind == VALUE_UNKNOWN) return item[i];
  }
  Value *composed = (Value *)value_list(e, item, (int)count);
  composed->kind = VALUE_COMPOSED;
  composed->u.items.copies = true;
  return composed;
}

static const struct {
  const char *name;
  Form *form;
} forms[] = {{"repeat", eval_repeat}, {"remat", eval_remat}};

Form *form_of(const Value *callee) {
  if (callee->kind != VALUE_BUILTIN || !callee->scope) return NULL;
  for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
    if (!strcmp(forms[i].name, callee->u.builtin->name)) return forms[i].form;
  return NULL;
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
  bool first = !e->generic && e->program && at->span.source == e->program->span.source &&
               callee->kind != VALUE_BUILTIN && callee->kind != VALUE_LAYER &&
               callee->kind != VALUE_OPTIMIZER;
  Span before = problems_within(e->problems, (Span){0});
  problems_within(e->problems, before.source || !first ? before : at->span);
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
  problems_within(e->problems, before);
  e->depth--;
  return value;
}
