/* Arguments against a signature: which is which, what types they have, and what the dims are called.
 *
 * Settings first, then inputs from left to right. A bare name in a tensor type binds a dim or compares with
 * what it is already; arithmetic is evaluated when all names of the call are bound; `...` binds a list of dims
 * or compares. Dims of the caller are rigid: a symbol equals itself alone. */
#include "interpreter/elaborate/elaborate.h"
#include "lang/format.h"
#include "lang/problems.h"

#include <string.h>

typedef struct {
  Elaborator *e;
  const Ast *call;
  const char *what; // name of the layer or fn
  Scope *scope;
  const Dim *rest[MAX_RANK]; // `...`, once bound
  Name rest_name[MAX_RANK];
  int rests; // -1: not bound
} Match;

static const char *type_text(Elaborator *e, const Type *type) {
  Text text = {0};
  type_print(type, &text);
  char *copy = arena_copy(e->arena, text_string(&text), text.length);
  text_free(&text);
  return copy;
}

static const char *ast_text(Elaborator *e, const Ast *ast) {
  Text text = {0};
  ast_write(ast, &text);
  char *copy = arena_copy(e->arena, text_string(&text), text.length);
  text_free(&text);
  return copy;
}

/* The int that a dim's name stands for already; NULL: it is free. */
static const Dim *bound_dim(Elaborator *e, Scope *scope, Name name) {
  Binding *binding = scope_find(scope, name);
  if (!binding) return NULL;
  const Value *value = binding->value;
  if (!value && binding->declaration &&
      (binding->declaration->kind == AST_CONFIG || binding->declaration->kind == AST_LET))
    value = scope_value(e, scope, name, binding->declaration);
  return value && value->kind == VALUE_INT ? value->u.dim : NULL;
}

static void bind_dim(Elaborator *e, Scope *scope, Name name, const Dim *size) {
  Binding *binding = scope_add(e, scope, name);
  binding->value = value_int(e, size);
  binding->is_dim = true;
}

static DType declared_dtype(Elaborator *e, Name name, bool *known) {
  static const struct {
    const char *name;
    DType dtype;
  } table[] = {
      {"int", DTYPE_I64}, {"bool", DTYPE_BOOL}, {"u8", DTYPE_U8}, {"f64", DTYPE_F64}, {"f32", DTYPE_F32}};
  *known = true;
  if (!name || !strcmp(name, "float")) return e->precision;
  for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
    if (!strcmp(table[i].name, name)) return table[i].dtype;
  *known = false;
  return DTYPE_F32;
}

static bool dtype_fits(DType want, DType got) {
  return want == got || (dtype_is_float(want) && dtype_is_float(got)) ||
         (want == DTYPE_I64 && dtype_is_int(got));
}

static bool rank_fits(const Ast *type, int rank) {
  int fixed = 0;
  bool open = false;
  for (int i = 0; i < type->u.tensor.dims.count; i++)
    if (type->u.tensor.dims.item[i]->kind == AST_ELLIPSIS)
      open = true;
    else
      fixed++;
  return open ? rank >= fixed : rank == fixed;
}

static bool mismatch(Match *m, const Argument *arg, Name param, const Ast *type, const Type *got,
                     const char *why) {
  const Ast *at = arg && arg->ast ? arg->ast : m->call;
  problem_argument_type(m->e->problems, m->call->at, m->what, param, ast_text(m->e, type), at->span,
                        type_text(m->e, got), why, type->span);
  return false;
}

/* Names bind or compare; what must wait for other names is left for check_arithmetic. */
static bool match_dims(Match *m, const Argument *arg, Name param, const Ast *type, Type *got) {
  const AstList *dims = &type->u.tensor.dims;
  int axis = 0;
  for (int i = 0; i < dims->count; i++) {
    const Ast *dim = dims->item[i];
    if (dim->kind == AST_ELLIPSIS) {
      int count = got->rank - (dims->count - 1);
      if (m->rests < 0) {
        m->rests = count;
        for (int k = 0; k < count; k++)
          m->rest[k] = got->size[axis + k], m->rest_name[k] = got->name[axis + k];
      } else {
        bool same = m->rests == count;
        for (int k = 0; same && k < count; k++) same = m->rest[k] == got->size[axis + k];
        if (!same) {
          Text text = {0};
          text_add(&text, "`...` is [");
          for (int k = 0; k < m->rests; k++) {
            if (k) text_add(&text, ", ");
            dim_print(m->rest[k], &text);
          }
          text_add(&text, "] from an earlier input");
          bool ok = mismatch(m, arg, param, type, got, text_string(&text));
          text_free(&text);
          return ok;
        }
      }
      axis += count;
      continue;
    }
    if (dim->kind == AST_NAME) {
      const Dim *bound = bound_dim(m->e, m->scope, dim->u.name);
      if (!bound) {
        bind_dim(m->e, m->scope, dim->u.name, got->size[axis]);
        if (!got->name[axis]) got->name[axis] = dim->u.name;
      } else if (bound != got->size[axis]) {
        Text text = {0};
        text_printf(&text, "%s is ", dim->u.name);
        dim_print(bound, &text);
        text_add(&text, ", but ");
        dim_print(got->size[axis], &text);
        text_add(&text, " here");
        bool ok = mismatch(m, arg, param, type, got, text_string(&text));
        text_free(&text);
        return ok;
      }
    }
    axis++;
  }
  return true;
}

static bool check_arithmetic(Match *m, const Argument *arg, Name param, const Ast *type, const Type *got) {
  const AstList *dims = &type->u.tensor.dims;
  int axis = 0;
  for (int i = 0; i < dims->count; i++) {
    const Ast *dim = dims->item[i];
    if (dim->kind == AST_ELLIPSIS) {
      axis += got->rank - (dims->count - 1);
      continue;
    }
    if (dim->kind != AST_NAME && dim->kind != AST_WILD) {
      const Value *value = eval(m->e, m->scope, dim);
      if (value->kind == VALUE_UNKNOWN) return true;
      if (value->kind != VALUE_INT) {
        problem_dim_value(m->e->problems, dim->span, value_kind_text(value));
        return false;
      }
      if (value->u.dim != got->size[axis]) {
        Text text = {0};
        if (dim->kind != AST_INT) text_printf(&text, "%s is ", ast_text(m->e, dim));
        if (dim->kind != AST_INT) dim_print(value->u.dim, &text);
        if (dim->kind != AST_INT) text_add(&text, ", but ");
        dim_print(got->size[axis], &text);
        text_add(&text, dim->kind == AST_INT ? " is not " : " here");
        if (dim->kind == AST_INT) dim_print(value->u.dim, &text);
        bool ok = mismatch(m, arg, param, type, got, text_string(&text));
        text_free(&text);
        return ok;
      }
    }
    axis++;
  }
  return true;
}

/* A class bound: int<K>. */
static bool match_bound(Match *m, const Argument *arg, Name param, const Ast *type, Type *got) {
  const Ast *bound = type->u.tensor.bound;
  if (!bound) return true;
  const Ast *at = arg && arg->ast ? arg->ast : m->call;
  if (!got->bound) {
    problem_no_bound(m->e->problems, m->call->at, m->what, param, ast_text(m->e, type), at->span,
                     type_text(m->e, got));
    return false;
  }
  const Dim *want = bound->kind == AST_NAME ? bound_dim(m->e, m->scope, bound->u.name) : NULL;
  if (bound->kind == AST_NAME && !want) {
    bind_dim(m->e, m->scope, bound->u.name, got->bound);
    return true;
  }
  if (!want) {
    const Value *value = eval(m->e, m->scope, bound);
    if (value->kind != VALUE_INT) return true;
    want = value->u.dim;
  }
  if (want == got->bound) return true;
  Text a = {0}, b = {0};
  dim_print(want, &a);
  dim_print(got->bound, &b);
  problem_class_count(m->e->problems, m->call->at, m->what, param, at->span, type_text(m->e, got),
                      text_string(&a), text_string(&b));
  text_free(&a);
  text_free(&b);
  return false;
}

/* `[...]`: a record of tensors fits too. */
static bool any_shape(const Ast *type) {
  return type->u.tensor.dims.count == 1 && type->u.tensor.dims.item[0]->kind == AST_ELLIPSIS &&
         !type->u.tensor.dtype;
}

/* The value that `arg` has as a parameter of type `type`; NULL after a Problem. */
static const Value *match_tensor(Match *m, const Argument *arg, Name param, const Ast *type, bool settings) {
  Elaborator *e = m->e;
  const Value *value = arg->value;
  const Ast *at = arg->ast ? arg->ast : m->call;
  if (value->kind == VALUE_UNKNOWN) return value;
  if (settings && type->u.tensor.dims.count == 0 && value_is_static_number(value)) return value;
  if (any_shape(type) && record_of(e, value)) return record_of(e, value);
  if (value->kind != VALUE_TENSOR && value->kind != VALUE_COLUMN && !value_is_static_number(value) &&
      value->kind != VALUE_BOOL) {
    problem_argument_kind(e->problems, m->call->at, m->what, param, ast_text(e, type), at->span,
                          value_kind_text(value));
    return NULL;
  }
  bool known;
  DType want = declared_dtype(e, type->u.tensor.dtype, &known);
  if (!known) {
    problem_type_name(e->problems, type->span, type->u.tensor.dtype);
    return NULL;
  }
  Node *node = dtype_is_float(want) ? value_float_node(e, value, at) : value_node(e, value, at);
  if (!node) return NULL;
  if (!rank_fits(type, node->type.rank)) {
    problem_argument_rank(e->problems, m->call->at, m->what, param, ast_text(e, type), at->span,
                          ast_text(e, at), &node->type, type->u.tensor.dims.count);
    return NULL;
  }
  if (!dtype_fits(want, node->type.dtype)) {
    mismatch(m, arg, param, type, &node->type,
             dtype_is_float(want) && dtype_is_int(node->type.dtype)
                 ? "whole numbers where floats are needed: float(…) converts"
             : dtype_is_float(want) ? "true and false where floats are needed: float(…) converts"
                                    : "the kind of numbers differs");
    return NULL;
  }
  if (dtype_is_float(want) && node->type.running) node = build_cast(node, want);
  if (!match_dims(m, arg, param, type, &node->type) || !match_bound(m, arg, param, type, &node->type))
    return NULL;
  if (value->kind == VALUE_TENSOR && value->u.tensor.node == node) return value;
  return value_tensor(e, node);
}

static const Value *match_plain(Match *m, const Argument *arg, Name param, const Ast *type) {
  static const struct {
    const char *name;
    unsigned kinds;
  } table[] = {
      {"int", 1u << VALUE_INT},
      {"float", 1u << VALUE_FLOAT | 1u << VALUE_INT},
      {"bool", 1u << VALUE_BOOL},
      {"str", 1u << VALUE_STRING},
      {"list", 1u << VALUE_LIST | 1u << VALUE_RECORD},
      {"fn", 1u << VALUE_FUNCTION | 1u << VALUE_BUILTIN | 1u << VALUE_INSTANCE | 1u << VALUE_COMPOSED},
      {"layer", 1u << VALUE_INSTANCE | 1u << VALUE_COMPOSED}};
  const Value *value = arg->value;
  const Ast *at = arg->ast ? arg->ast : m->call;
  if (value->kind == VALUE_UNKNOWN) return value;
  for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
    if (strcmp(table[i].name, type->u.name)) continue;
    if (!(table[i].kinds >> value->kind & 1)) {
      if (value->kind == VALUE_TENSOR)
        problem_tensor_setting(m->e->problems, m->call->at, m->what, at->span,
                               type_text(m->e, &value->u.tensor.node->type), ast_text(m->e, at));
      else
        problem_argument_kind(m->e->problems, m->call->at, m->what, param, type->u.name, at->span,
                              value_kind_text(value));
      return NULL;
    }
    double number;
    if (value->kind == VALUE_INT && !strcmp(type->u.name, "float"))
      return value_number(value, &number) ? value_float(m->e, number) : value_unknown_float();
    return value;
  }
  problem_type_name(m->e->problems, type->span, type->u.name);
  return NULL;
}

static int param_index(const AstList *params, Name name) {
  for (int i = 0; i < params->count; i++)
    if (params->item[i]->u.binding.name == name) return i;
  return -1;
}

/* Puts every argument to its parameter. */
static bool assign_arguments(Match *m, const AstList *params, const Argument *args, int count,
                             const Argument **slot, bool settings) {
  int next = 0;
  bool ok = true;
  for (int i = 0; i < count; i++) {
    int at = args[i].name ? param_index(params, args[i].name) : next++;
    const Ast *ast = args[i].ast ? args[i].ast : m->call;
    if (at < 0) {
      const char **names = ARENA_ARRAY(m->e->arena, const char *, params->count + 1);
      Text shown = {0};
      for (int k = 0; k < params->count; k++) {
        names[k] = params->item[k]->u.binding.name;
        if (k) text_add(&shown, ", ");
        ast_write(params->item[k], &shown);
      }
      problem_no_setting(m->e->problems, ast->at.source ? ast->at : ast->span, m->what, args[i].name,
                         settings, name_nearest(args[i].name, names, params->count), text_string(&shown));
      text_free(&shown);
      ok = false;
    } else if (at >= params->count) {
      if (settings && args[i].value->kind == VALUE_TENSOR)
        problem_tensor_setting(m->e->problems, m->call->at, m->what, ast->span,
                               type_text(m->e, &args[i].value->u.tensor.node->type), ast_text(m->e, ast));
      else
        problem_many_arguments(m->e->problems, ast->span, m->what, params->count, settings);
      ok = false;
      break;
    } else if (slot[at]) {
      problem_twice(m->e->problems, ast->span, m->what, params->item[at]->u.binding.name);
      ok = false;
    } else
      slot[at] = &args[i];
  }
  return ok;
}

bool signature_bind(Elaborator *e, const Ast *call, const char *what, Scope *scope, const AstList *params,
                    const Argument *args, int count, bool settings) {
  Match m = {.e = e, .call = call, .what = what, .scope = scope, .rests = -1};
  const Argument **slot = ARENA_ARRAY(e->arena, const Argument *, params->count + 1);
  if (!assign_arguments(&m, params, args, count, slot, settings)) return false;
  bool ok = true;
  for (int i = 0; i < params->count; i++) {
    const Ast *param = params->item[i], *type = param->u.binding.type;
    Name name = param->u.binding.name;
    Argument fallback = {NULL, NULL, call};
    if (!slot[i]) {
      if (!param->u.binding.value) {
        problem_missing_argument(e->problems, call->at, what, name, type ? ast_text(e, type) : NULL,
                                 settings);
        ok = false;
        continue;
      }
      fallback.value = eval(e, scope, param->u.binding.value);
      slot[i] = &fallback;
    }
    const Value *value = ok ? slot[i]->value : value_unknown(); // one mistake, one message
    const Ast *usual = param->u.binding.value; // an input that may be None may also be given None
    if (ok && !(value->kind == VALUE_NONE && usual && usual->kind == AST_NONE)) {
      if (type && type->kind == AST_TYPE_TENSOR)
        value = match_tensor(&m, slot[i], name, type, settings);
      else if (type && type->kind == AST_TYPE_PLAIN)
        value = match_plain(&m, slot[i], name, type);
    }
    if (slot[i] == &fallback) slot[i] = NULL;
    if (!value) ok = false;
    scope_bind(e, scope, name, value ? value : value_unknown());
    scope_place(scope, name, param->span);
  }
  for (int i = 0; i < params->count && ok; i++) {
    const Ast *type = params->item[i]->u.binding.type;
    if (!type || type->kind != AST_TYPE_TENSOR) continue;
    const Value *value = scope_find(scope, params->item[i]->u.binding.name)->value;
    if (value->kind == VALUE_TENSOR)
      ok = check_arithmetic(&m, slot[i], params->item[i]->u.binding.name, type, &value->u.tensor.node->type);
  }
  // `...` under a name that no program can write, for the result
  if (m.rests >= 0) {
    const Value **item = ARENA_ARRAY(e->arena, const Value *, m.rests + 1);
    for (int i = 0; i < m.rests; i++) item[i] = value_int(e, m.rest[i]);
    scope_bind(e, scope, name_of("..."), value_list(e, item, m.rests));
  }
  return ok;
}

/* What a block gives: its last expression. */
static const Ast *last_of(const Ast *body) {
  while (body->kind == AST_BLOCK && body->u.list.count) body = body->u.list.item[body->u.list.count - 1];
  return body;
}

bool signature_result(Elaborator *e, const Ast *declaration, Scope *scope, const Ast *type,
                      const Value *value) {
  if (!type || value->kind == VALUE_UNKNOWN) return true;
  if (type->kind == AST_TYPE_TUPLE) {
    if (value->kind == VALUE_RECORD && value->u.items.count == type->u.list.count) {
      bool ok = true;
      for (int i = 0; i < type->u.list.count; i++)
        ok &= signature_result(e, declaration, scope, type->u.list.item[i]->u.binding.type,
                               value->u.items.item[i]);
      return ok;
    }
    problem_result_kind(e->problems, type->span, declaration->u.function.name, ast_text(e, type),
                        value_kind_text(value));
    return false;
  }
  if (type->kind != AST_TYPE_TENSOR || (any_shape(type) && value->kind == VALUE_RECORD)) return true;
  Node *node = value_float_node(e, value, declaration);
  if (!node) {
    problem_result_kind(e->problems, type->span, declaration->u.function.name, ast_text(e, type),
                        value_kind_text(value));
    return false;
  }
  const AstList *dims = &type->u.tensor.dims;
  Binding *rest = scope_find(scope, name_of("..."));
  int axis = 0;
  bool ok = true;
  Type want = node->type;
  want.rank = 0;
  for (int i = 0; i < dims->count && want.rank < MAX_RANK; i++) {
    const Ast *dim = dims->item[i];
    if (dim->kind == AST_ELLIPSIS) {
      int count = rest && rest->value->kind == VALUE_LIST ? rest->value->u.items.count
                                                          : node->type.rank - (dims->count - 1);
      for (int k = 0; k < count && want.rank < MAX_RANK; k++, axis++)
        want.size[want.rank++] = rest                     ? rest->value->u.items.item[k]->u.dim
                                 : axis < node->type.rank ? node->type.size[axis]
                                                          : dim_of(0);
      continue;
    }
    const Dim *size = axis < node->type.rank ? node->type.size[axis] : dim_of(0);
    if (dim->kind == AST_NAME) {
      const Dim *bound = bound_dim(e, scope, dim->u.name);
      if (bound) size = bound;
      if (axis < node->type.rank && !node->type.name[axis]) node->type.name[axis] = dim->u.name;
    } else if (dim->kind != AST_WILD) {
      const Value *number = eval(e, scope, dim);
      if (number->kind == VALUE_UNKNOWN) return true;
      if (number->kind == VALUE_INT) size = number->u.dim;
    }
    want.size[want.rank] = size;
    want.name[want.rank++] = NULL;
    axis++;
  }
  ok = want.rank == node->type.rank;
  for (int i = 0; ok && i < want.rank; i++) ok = want.size[i] == node->type.size[i];
  if (!ok)
    problem_result(e->problems, type->span, last_of(declaration->u.function.body)->span,
                   declaration->u.function.name, type_text(e, &want), type_text(e, &node->type));
  return ok;
}

bool signature_wheres(Elaborator *e, const Ast *call, Scope *scope, const Ast *declaration) {
  const AstList *wheres = &declaration->u.function.wheres;
  for (int i = 0; i < wheres->count; i++) {
    const Value *condition = eval(e, scope, wheres->item[i]->u.action.value);
    if (condition->kind != VALUE_BOOL || !condition->known || condition->u.truth) continue;
    // the facts: every name of the condition that is a number here
    Text facts = {0};
    for (const Scope *s = scope; s && s->parent && !s->is_file; s = s->parent)
      for (int k = 0; k < s->count; k++) {
        const Value *value = s->binding[k].value;
        char *condition_text = (char *)ast_text(e, wheres->item[i]->u.action.value);
        if (!value || !value_is_static_number(value)) continue;
        const char *found = strstr(condition_text, s->binding[k].name);
        if (!found) continue;
        if (facts.length) text_add(&facts, ", ");
        text_printf(&facts, "%s is ", s->binding[k].name);
        value_print(value, &facts);
      }
    const Ast *message = wheres->item[i]->u.action.to;
    problem_where(e->problems, call->at.source ? call->at : call->span,
                  message ? message->u.string.bytes : NULL, text_string(&facts),
                  ast_text(e, wheres->item[i]->u.action.value), wheres->item[i]->span);
    text_free(&facts);
    return false;
  }
  return true;
}

const Value *eval_type_dims(Elaborator *e, Scope *scope, const Ast *type, Type *out) {
  bool known;
  *out = (Type){.dtype = declared_dtype(e, type->u.tensor.dtype, &known)};
  if (!known) {
    problem_type_name(e->problems, type->span, type->u.tensor.dtype);
    return NULL;
  }
  const AstList *dims = &type->u.tensor.dims;
  if (dims->count > MAX_RANK) {
    problem_rank_limit(e->problems, type->span);
    return NULL;
  }
  for (int i = 0; i < dims->count; i++) {
    const Ast *dim = dims->item[i];
    const Value *value =
        dim->kind == AST_ELLIPSIS || dim->kind == AST_WILD ? value_none() : eval(e, scope, dim);
    if (value->kind == VALUE_UNKNOWN) return NULL;
    double real;
    if (value->kind != VALUE_INT) {
      Text text = {0};
      value_print(value, &text);
      problem_dim_value(e->problems, dim->span,
                        value_number(value, &real) ? text_string(&text) : value_kind_text(value));
      text_free(&text);
      return NULL;
    }
    out->size[i] = value->u.dim;
    out->name[i] = dim->kind == AST_NAME ? dim->u.name : NULL;
  }
  out->rank = dims->count;
  return value_none();
}
