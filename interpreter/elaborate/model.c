/* Models: instances with a name of the program, alone, in a list or in a record.
 *
 * `model m = L(…)` gives the layer m's path; of several parts each has a path below it: nets.0, vae.enc. What has to be
 * made inside the model (layers in a row, a model with other weights) is made at each call. */
#include "interpreter/elaborate/elaborate.h"
#include "lang/problems.h"

#include <string.h>

static Value *instance_named(Elaborator *e, const Value *made, const char *path) {
  Value *value = ARENA_NEW(e->arena, Value);
  *value = *made;
  value->u.instance.path = path;
  value->u.instance.model = true;
  return value;
}

/* The value as a model at `path`; NULL where it has a part that is no layer, which `wrong` then is. */
static const Value *model_of_parts(Elaborator *e, const Value *made, const char *path, const Value **wrong) {
  if (made->kind == VALUE_UNKNOWN) return made;
  if (made->kind == VALUE_INSTANCE) return instance_named(e, made, path);
  int count = made->kind == VALUE_LIST || made->kind == VALUE_RECORD ? made->u.items.count : 0;
  if (count == 0) {
    *wrong = made;
    return NULL;
  }
  const Value **item = ARENA_ARRAY(e->arena, const Value *, count + 1);
  for (int i = 0; i < count; i++) {
    const char *part =
        made->u.items.name && made->u.items.name[i] ? made->u.items.name[i] : arena_printf(e->arena, "%d", i);
    item[i] = model_of_parts(e, made->u.items.item[i], arena_printf(e->arena, "%s.%s", path, part), wrong);
    if (!item[i]) return NULL;
  }
  Value *value = ARENA_NEW(e->arena, Value);
  *value = *made;
  value->u.items.item = item;
  value->u.items.model = path;
  return value;
}

/* The call of a built-in function of that name that the body is; NULL: it is something else. */
static const Ast *call_of_builtin(Elaborator *e, Scope *home, const Ast *body, const char *name) {
  const Ast *only = body->kind == AST_BLOCK && body->u.list.count == 1 ? body->u.list.item[0] : body;
  if (only->kind != AST_CALL || only->u.call.callee->kind != AST_NAME ||
      strcmp(only->u.call.callee->u.name, name))
    return NULL;
  return scope_find(home, name_of(name)) == scope_find(e->builtins, name_of(name)) ? only : NULL;
}

/* The same structure at another path. */
static const Value *moved(Elaborator *e, const Value *value, const char *from, const char *to) {
  Value *copy = ARENA_NEW(e->arena, Value);
  *copy = *value;
  const char *path = weights_path(value);
  const char *there = arena_printf(e->arena, "%s%s", to, path + strlen(from));
  if (value->kind == VALUE_INSTANCE) {
    copy->u.instance.path = there;
    return copy;
  }
  copy->u.items.model = there;
  const Value **item = ARENA_ARRAY(e->arena, const Value *, value->u.items.count + 1);
  for (int i = 0; i < value->u.items.count; i++) item[i] = moved(e, value->u.items.item[i], from, to);
  copy->u.items.item = item;
  return copy;
}

static const Value *model_copy(Elaborator *e, Scope *home, const Ast *call, const char *path) {
  const Ast *arg = call->u.call.items.count == 1 ? call->u.call.items.item[0] : NULL;
  const Value *of = arg ? eval(e, home, arg->kind == AST_ARG ? arg->u.arg.value : arg) : value_none();
  if (of->kind == VALUE_UNKNOWN) return of;
  if (of->kind == VALUE_WEIGHTS || !weights_path(of)) {
    problem_model_value(e->problems, call->span, path, "a copy of what is no model");
    return value_unknown();
  }
  e->copy = arena_grow(e->arena, e->copy, (size_t)e->copies, &e->copy_capacity, sizeof(*e->copy));
  e->copy[e->copies].from = weights_path(of);
  e->copy[e->copies++].to = path;
  return moved(e, of, weights_path(of), path);
}

const Value *model_declare(Elaborator *e, Scope *home, const Ast *ast) {
  Name name = ast->u.function.name;
  const Ast *body = ast->u.function.body;
  Value *self = ARENA_NEW(e->arena, Value);
  *self = (Value){.kind = VALUE_INSTANCE, .known = true, .ast = ast, .scope = home};
  self->u.instance.path = name;
  self->u.instance.model = true;
  if (ast->u.function.params_given || call_of_builtin(e, home, body, "with_weights")) return self;
  const Ast *copy = call_of_builtin(e, home, body, "copy");
  if (copy) return model_copy(e, home, copy, name);
  Frame frame = {.path = NULL, .owner = ast, .caller = e->frame};
  Frame *caller = e->frame;
  e->frame = &frame;
  const Value *made = eval_statements(e, scope_new(e, home), body), *wrong = NULL;
  e->frame = caller;
  if (made->kind == VALUE_COMPOSED) return self; // made anew at each call, inside the model
  const Value *model = model_of_parts(e, made, name, &wrong);
  if (model) return model;
  problem_model_value(e->problems, body->span, name, value_kind_text(wrong));
  return value_unknown();
}
