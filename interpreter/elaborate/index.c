/* Subscripts: x[i], x[a:b], x[:, -1], x[..., 0], x[:, None], table[ids]; and lists, texts and weights by name. */
#include "interpreter/elaborate/elaborate.h"
#include "lang/format.h"
#include "lang/problems.h"

#include <string.h>

/* A bound of a slice, counted from the end when negative; `fallback` when absent. NULL after a Problem. */
static const Dim *slice_bound(Elaborator *e, Scope *scope, const Ast *ast, const Dim *size,
                              const Dim *fallback) {
  int64_t number;
  if (!ast) return fallback;
  const Value *value = eval(e, scope, ast);
  if (value->kind == VALUE_UNKNOWN) return NULL;
  if (value->kind != VALUE_INT) {
    problem_subscript(e->problems, ast->span, value_kind_text(value));
    return NULL;
  }
  return dim_is_number(value->u.dim, &number) && number < 0 ? dim_add(size, value->u.dim) : value->u.dim;
}

static void out_of_range(Elaborator *e, const Ast *ast, const Dim *size) {
  Text text = {0};
  dim_print(size, &text);
  problem_index_range(e->problems, ast->span, text_string(&text));
  text_free(&text);
}

static Node *index_slice(Elaborator *e, Scope *scope, const Ast *sub, Node *x, int axis) {
  const Dim *size = x->type.size[axis], *zero = dim_of(0);
  const Dim *from = slice_bound(e, scope, sub->u.slice.from, size, zero),
            *to = slice_bound(e, scope, sub->u.slice.to, size, size);
  const Dim *step = dim_of(1);
  int64_t stride, number;
  if (sub->u.slice.step) {
    const Value *value = eval(e, scope, sub->u.slice.step);
    if (value->kind == VALUE_UNKNOWN) return NULL;
    step = value->kind == VALUE_INT ? value->u.dim : dim_of(0);
  }
  if (!from || !to) return NULL;
  if (!dim_is_number(step, &stride) || stride < 1) {
    problem_slice_step(e->problems, sub->span);
    return NULL;
  }
  bool known;
  if ((dim_compare(from, zero, &known) < 0 && known) || (dim_compare(to, size, &known) > 0 && known) ||
      (dim_compare(to, from, &known) < 0 && known)) {
    out_of_range(e, sub, size);
    return NULL;
  }
  const Dim *length = dim_sub(to, from);
  if (stride > 1) length = dim_floor_div(dim_add(length, dim_of(stride - 1)), dim_of(stride));
  if (dim_is_number(from, &number) && number == 0 && length == size) return x;
  return build_slice(x, axis, from, length, stride);
}

static Node *index_one(Elaborator *e, const Ast *sub, const Value *value, Node *x, int axis) {
  int64_t number;
  bool known;
  const Dim *size = x->type.size[axis], *at = value->u.dim;
  if (dim_is_number(at, &number) && number < 0) at = dim_add(size, at);
  if ((dim_compare(at, dim_of(0), &known) < 0 && known) || (dim_compare(at, size, &known) >= 0 && known)) {
    out_of_range(e, sub, size);
    return NULL;
  }
  return build_drop(build_slice(x, axis, at, dim_of(1), 1), axis);
}

static Node *index_list(Elaborator *e, const Ast *sub, const Value *list, Node *x, int axis) {
  Node **part = ARENA_ARRAY(e->arena, Node *, list->u.items.count + 1);
  for (int i = 0; i < list->u.items.count; i++) {
    const Value *item = list->u.items.item[i];
    if (item->kind != VALUE_INT) {
      problem_subscript(e->problems, sub->span, value_kind_text(item));
      return NULL;
    }
    Node *one = index_one(e, sub, item, x, axis);
    if (!one) return NULL;
    part[i] = build_insert(one, axis);
  }
  return list->u.items.count == 1 ? part[0] : build_concat(e->graph, part, list->u.items.count, axis);
}

static Node *index_gather(Elaborator *e, const Ast *sub, Node *x, Node *ids, int axis) {
  if (axis != 0 || !dtype_is_int(ids->type.dtype)) {
    Text text = {0};
    type_print(&ids->type, &text);
    problem_subscript(e->problems, sub->span, text_string(&text));
    text_free(&text);
    return NULL;
  }
  if (ids->type.bound && ids->type.bound != x->type.size[0]) {
    Text a = {0}, b = {0};
    dim_print(ids->type.bound, &a);
    dim_print(x->type.size[0], &b);
    problem_gather_bound(e->problems, sub->span, text_string(&a), text_string(&b));
    text_free(&a);
    text_free(&b);
    return NULL;
  }
  return build_gather(x, ids);
}

int example_dims(const Elaborator *e, const Node *x) {
  if (!e->field_of || x->type.rank == 0) return 0;
  return x->type.size[0] == e->batch || x->type.size[0] == e->field_of->row_dim;
}

static const Value *index_tensor(Elaborator *e, Scope *scope, const Ast *ast, Node *x) {
  const AstList *subs = &ast->u.call.items;
  int hidden = example_dims(e, x), taken = hidden, axis = hidden;
  for (int i = 0; i < subs->count; i++)
    taken += subs->item[i]->kind != AST_ELLIPSIS && subs->item[i]->kind != AST_NONE;
  if (taken > x->type.rank) {
    Text text = {0};
    type_print(&x->type, &text);
    problem_many_subscripts(e->problems, ast->span, text_string(&text), taken - hidden);
    text_free(&text);
    return value_unknown();
  }
  int skipped = x->type.rank - taken;
  for (int i = 0; i < subs->count && x; i++) {
    const Ast *sub = subs->item[i];
    if (sub->kind == AST_ELLIPSIS) {
      axis += skipped;
    } else if (sub->kind == AST_NONE) {
      x = build_insert(x, axis++);
    } else if (sub->kind == AST_SLICE) {
      x = index_slice(e, scope, sub, x, axis++);
    } else {
      const Value *value = eval(e, scope, sub);
      if (value->kind == VALUE_INT) {
        x = index_one(e, sub, value, x, axis);
      } else if (value->kind == VALUE_LIST) {
        x = index_list(e, sub, value, x, axis++);
      } else if (value->kind == VALUE_TENSOR || value->kind == VALUE_COLUMN) {
        Node *ids = value_node(e, value, sub);
        x = ids ? index_gather(e, sub, x, ids, axis) : NULL;
        axis += ids ? ids->type.rank : 0;
      } else {
        if (value->kind != VALUE_UNKNOWN) problem_subscript(e->problems, sub->span, value_kind_text(value));
        x = NULL;
      }
    }
  }
  return value_tensor(e, x);
}

static const Value *index_items(Elaborator *e, Scope *scope, const Ast *ast, const Value *base) {
  const Ast *sub = ast->u.call.items.count == 1 ? ast->u.call.items.item[0] : NULL;
  int count = base->u.items.count;
  const Dim *size = dim_of(count);
  int64_t from, to;
  if (sub && sub->kind == AST_SLICE) {
    const Dim *a = slice_bound(e, scope, sub->u.slice.from, size, dim_of(0)),
              *b = slice_bound(e, scope, sub->u.slice.to, size, size);
    if (!a || !b) return value_unknown();
    if (dim_is_number(a, &from) && dim_is_number(b, &to) && from >= 0 && to <= count && from <= to)
      return value_list(e, base->u.items.item + from, (int)(to - from));
    out_of_range(e, sub, size);
    return value_unknown();
  }
  const Value *value = sub ? eval(e, scope, sub) : value_none();
  if (value->kind == VALUE_UNKNOWN) return value;
  if (value->kind != VALUE_INT) {
    problem_subscript(e->problems, sub ? sub->span : ast->span, value_kind_text(value));
    return value_unknown();
  }
  if (!dim_is_number(value->u.dim, &from)) return value_unknown();
  if (from < 0) from += count;
  if (from >= 0 && from < count) return base->u.items.item[from];
  out_of_range(e, sub, size);
  return value_unknown();
}

/* A slice of a field is numbered and scaled as the field is; of several scaled columns only if it has them all. */
static const Value *keep_numbering(const Value *base, const Value *value) {
  const Fitted *fitted = base->u.tensor.fitted;
  if (!fitted || value->kind != VALUE_TENSOR) return value;
  const Type *from = &base->u.tensor.node->type, *to = &value->u.tensor.node->type;
  bool whole = to->rank && from->size[from->rank - 1] == to->size[to->rank - 1];
  Value *kept = (Value *)value;
  if (fitted->kind != FITTED_STANDARDIZE || fitted->count == 1 || whole) kept->u.tensor.fitted = fitted;
  return kept;
}

/* The weights that `net["glob"]` names; NULL: something else stands in the brackets. */
static const Value *selection_of(Elaborator *e, Scope *scope, const Ast *ast, const Value *model) {
  const Value *glob = ast->u.call.items.count == 1 ? eval(e, scope, ast->u.call.items.item[0]) : model;
  if (glob->kind != VALUE_STRING) return NULL;
  Value *weights = ARENA_NEW(e->arena, Value);
  *weights = (Value){.kind = VALUE_WEIGHTS, .known = true};
  weights->u.weights.model = weights_path(model);
  weights->u.weights.glob = arena_printf(e->arena, "%s.%s", weights_path(model), glob->u.string.bytes);
  return weights;
}

const Value *eval_selection(Elaborator *e, Scope *scope, const Ast *ast) {
  if (ast->kind != AST_INDEX) return eval(e, scope, ast);
  const Value *base = eval(e, scope, ast->u.call.callee);
  const Value *selection = weights_path(base) ? selection_of(e, scope, ast, base) : NULL;
  return selection ? selection : eval(e, scope, ast);
}

const Value *eval_index(Elaborator *e, Scope *scope, const Ast *ast) {
  const Value *base = eval(e, scope, ast->u.call.callee);
  if (base->kind == VALUE_UNKNOWN) return base;
  if (weights_path(base)) {
    const Value *selection = selection_of(e, scope, ast, base);
    if (selection) return weights_value(e, selection, ast);
  }
  if (base->kind == VALUE_LIST || base->kind == VALUE_RECORD) return index_items(e, scope, ast, base);
  if (base->kind == VALUE_TENSOR || base->kind == VALUE_COLUMN) {
    Node *x = value_node(e, base, ast->u.call.callee);
    const Value *value = x ? index_tensor(e, scope, ast, x) : value_unknown();
    return base->kind == VALUE_TENSOR ? keep_numbering(base, value) : value;
  }
  problem_not_indexed(e->problems, ast->span, value_kind_text(base));
  return value_unknown();
}
