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

/* `ast` without the whole numbers known before the run that are added to it; *offset gets them. */
static const Ast *bound_base(Elaborator *e, Scope *scope, const Ast *ast, const Dim **offset) {
  while (ast->kind == AST_BINARY && (ast->u.binary.op == OPERATOR_ADD || ast->u.binary.op == OPERATOR_SUB)) {
    const Value *right = eval(e, scope, ast->u.binary.right);
    bool less = ast->u.binary.op == OPERATOR_SUB;
    if (right->kind == VALUE_INT) {
      *offset = less ? dim_sub(*offset, right->u.dim) : dim_add(*offset, right->u.dim);
      ast = ast->u.binary.left;
      continue;
    }
    const Value *left = less ? NULL : eval(e, scope, ast->u.binary.left);
    if (!left || left->kind != VALUE_INT) break;
    *offset = dim_add(*offset, left->u.dim);
    ast = ast->u.binary.right;
  }
  return ast;
}

/* x[i:i+n] with i known during the run alone: both ends are one number and what is added to it. */
static Node *index_window(Elaborator *e, Scope *scope, const Ast *sub, Node *x, int axis) {
  const Dim *from = dim_of(0), *to = dim_of(0);
  bool known, same = sub->u.slice.from && sub->u.slice.to && !sub->u.slice.step;
  const Ast *start = same ? bound_base(e, scope, sub->u.slice.from, &from) : NULL;
  const Ast *end = same ? bound_base(e, scope, sub->u.slice.to, &to) : NULL;
  Text a = {0}, b = {0};
  if (same) ast_write(start, &a), ast_write(end, &b);
  same = same && !strcmp(text_string(&a), text_string(&b));
  text_free(&a);
  text_free(&b);
  const Dim *length = dim_sub(to, from);
  const Value *value = same ? eval(e, scope, start) : NULL;
  Node *place = value && value->kind == VALUE_TENSOR ? value->u.tensor.node : NULL;
  if (!place || place->type.rank || !dtype_is_int(place->type.dtype) ||
      (dim_compare(length, dim_of(0), &known) < 0 && known)) {
    problem_slice_length(e->problems, sub->span);
    return NULL;
  }
  Node *steps = build_cast(build_index(e->graph, 1, &length, 0), DTYPE_I64);
  Node *first = build_add(build_cast(place, DTYPE_I64), build_extent(e->graph, from));
  return build_gather_along(x, build_add(steps, first), axis);
}

/* Whether an end of a slice is a tensor. */
static bool is_running_bound(Elaborator *e, Scope *scope, const Ast *ast) {
  return ast && ast->kind != AST_INT && eval(e, scope, ast)->kind == VALUE_TENSOR;
}

static Node *index_slice(Elaborator *e, Scope *scope, const Ast *sub, Node *x, int axis) {
  if (is_running_bound(e, scope, sub->u.slice.from) || is_running_bound(e, scope, sub->u.slice.to))
    return index_window(e, scope, sub, x, axis);
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

/* Whether the bound of ids is that of the axis they look into, or open. */
static bool bound_fits(Elaborator *e, const Ast *sub, const Node *ids, const Dim *size) {
  if (!ids->type.bound || ids->type.bound == size) return true;
  Text a = {0}, b = {0};
  dim_print(ids->type.bound, &a);
  dim_print(size, &b);
  problem_gather_bound(e->problems, sub->span, text_string(&a), text_string(&b));
  text_free(&a);
  text_free(&b);
  return false;
}

static bool rank_fits(Elaborator *e, const Ast *sub, int rank) {
  if (rank <= MAX_RANK) return true;
  problem_rank_limit(e->problems, sub->span);
  return false;
}

static Node *index_gather(Elaborator *e, const Ast *sub, Node *x, Node *ids, int axis) {
  if (!bound_fits(e, sub, ids, x->type.size[axis]) || !rank_fits(e, sub, x->type.rank + ids->type.rank - 1))
    return NULL;
  return build_gather_along(x, ids, axis);
}

/* Index tensors of one shape side by side: x[a, b] takes x[a[i], b[i]] for every i. The axes become one, of which
 * each pair is one element; an index out of its axis makes the pair -1. */
static Node *index_paired(Elaborator *e, const Ast *const *sub, Node *const *ids, int count, Node *x,
                          int axis) {
  const Dim *joined[MAX_RANK], *size = dim_of(1);
  DType dtype = DTYPE_I64;
  Node *place = NULL, *inside = NULL;
  for (int i = 0; i < count; i++) {
    const Dim *one = x->type.size[axis + i];
    if (!bound_fits(e, sub[i], ids[i], one)) return NULL;
    if (!type_same_shape(&ids[i]->type, &ids[0]->type)) {
      inputs_error(e, sub[i], "x[a, b]", ids[0], ids[i],
                   "indices side by side are paired, so they have one shape",
                   "x[a][:, b] takes every combination");
      return NULL;
    }
    Node *id = build_cast(ids[i], dtype), *end = build_extent(e->graph, one);
    Node *fits = build_and(build_ge(id, build_like(id, 0)), build_lt(id, end));
    place = place ? build_add(build_mul(place, end), id) : id;
    inside = inside ? build_and(inside, fits) : fits;
    size = dim_mul(size, one);
  }
  if (!rank_fits(e, sub[0], x->type.rank - count + ids[0]->type.rank)) return NULL;
  place = build_where(inside, place, build_like(place, -1));
  int rank = x->type.rank - count + 1;
  for (int i = 0; i < rank; i++)
    joined[i] = i < axis ? x->type.size[i] : i == axis ? size : x->type.size[i + count - 1];
  return build_gather_along(build_reshape(x, rank, joined), place, axis);
}

/* The value of a subscript that is an index tensor, as a node; NULL if it is none. */
static Node *index_node(Elaborator *e, const Ast *sub, const Value *value) {
  if (!value || (value->kind != VALUE_TENSOR && value->kind != VALUE_COLUMN)) return NULL;
  return value_node(e, value, sub);
}

typedef struct {
  const AstList *list;
  const Value **value; // of each, NULL for `...`, None and slices
} Subscripts;

/* One subscript, or several side by side, of the axis *axis, which moves on. */
static Node *index_step(Elaborator *e, Scope *scope, const Subscripts *subs, int *i, Node *x, int *axis) {
  const Ast *sub = subs->list->item[*i];
  const Value *value = subs->value[(*i)++];
  if (sub->kind == AST_NONE) return build_insert(x, (*axis)++);
  if (sub->kind == AST_SLICE) return index_slice(e, scope, sub, x, (*axis)++);
  if (value->kind == VALUE_INT) return index_one(e, sub, value, x, *axis);
  if (value->kind == VALUE_LIST) return index_list(e, sub, value, x, (*axis)++);
  Node *ids[MAX_RANK] = {index_node(e, sub, value)};
  if (!ids[0] || !dtype_is_int(ids[0]->type.dtype)) {
    Text text = {0};
    if (ids[0]) type_print(&ids[0]->type, &text);
    if (ids[0] || (value->kind != VALUE_UNKNOWN && value->kind != VALUE_COLUMN))
      problem_subscript(e->problems, sub->span, ids[0] ? text_string(&text) : value_kind_text(value));
    text_free(&text);
    return NULL;
  }
  const Ast *at[MAX_RANK] = {sub};
  int count = 1, place = *axis;
  while (ids[0]->type.rank > 0 && *i < subs->list->count && count < MAX_RANK) {
    Node *next = index_node(e, subs->list->item[*i], subs->value[*i]);
    if (!next || !dtype_is_int(next->type.dtype) || next->type.rank == 0) break;
    at[count] = subs->list->item[(*i)++];
    ids[count++] = next;
  }
  *axis += ids[0]->type.rank;
  return count == 1 ? index_gather(e, sub, x, ids[0], place) : index_paired(e, at, ids, count, x, place);
}

int example_dims(const Elaborator *e, const Node *x) {
  if (!e->field_of || x->type.rank == 0) return 0;
  return x->type.size[0] == e->batch || x->type.size[0] == e->field_of->row_dim;
}

static const Value *index_tensor(Elaborator *e, Scope *scope, const Ast *ast, Node *x) {
  const AstList *list = &ast->u.call.items;
  Subscripts subs = {list, ARENA_ARRAY(e->arena, const Value *, list->count + 1)};
  int hidden = example_dims(e, x), taken = hidden, axis = hidden, groups = 0;
  bool was_ids = false;
  for (int i = 0; i < list->count; i++) {
    const Ast *sub = list->item[i];
    taken += sub->kind != AST_ELLIPSIS && sub->kind != AST_NONE;
    if (sub->kind != AST_ELLIPSIS && sub->kind != AST_NONE && sub->kind != AST_SLICE)
      subs.value[i] = eval(e, scope, sub);
    Node *node = index_node(e, sub, subs.value[i]);
    bool is_ids = node && node->type.rank > 0;
    groups += is_ids && !was_ids;
    was_ids = is_ids;
    if (groups > 1) {
      problem_index_apart(e->problems, sub->span);
      return value_unknown();
    }
  }
  if (taken > x->type.rank) {
    Text text = {0};
    type_print(&x->type, &text);
    problem_many_subscripts(e->problems, ast->span, text_string(&text), taken - hidden);
    text_free(&text);
    return value_unknown();
  }
  int skipped = x->type.rank - taken;
  for (int i = 0; i < list->count && x;) {
    if (list->item[i]->kind == AST_ELLIPSIS)
      axis += skipped, i++;
    else if (list->item[i]->kind == AST_NONE && !rank_fits(e, list->item[i], x->type.rank + 1))
      x = NULL;
    else
      x = index_step(e, scope, &subs, &i, x, &axis);
  }
  return value_tensor(e, x);
}

/* The parts of a record whose names a glob matches; one part if it is a whole name. */
static const Value *parts_named(Elaborator *e, const Ast *at, const Value *record, const char *glob) {
  const Value **item = ARENA_ARRAY(e->arena, const Value *, record->u.items.count + 1);
  Name *name = ARENA_ARRAY(e->arena, Name, record->u.items.count + 1);
  int count = 0;
  for (int i = 0; i < record->u.items.count; i++) {
    if (!record->u.items.name[i] || !glob_match(glob, record->u.items.name[i])) continue;
    item[count] = record->u.items.item[i];
    name[count++] = record->u.items.name[i];
  }
  if (count == 1 && !strchr(glob, '*')) return item[0];
  if (count) return value_record(e, item, name, count);
  problem_no_field(e->problems, at->span, glob, record->u.items.name, record->u.items.count);
  return value_unknown();
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
  if (value->kind == VALUE_STRING && base->kind == VALUE_RECORD && base->u.items.name)
    return parts_named(e, sub, base, value->u.string.bytes);
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

const Value *index_value(Elaborator *e, Scope *scope, const Ast *ast, const Value *base) {
  Node *x = value_node(e, base, ast->u.call.callee);
  const Value *value = x ? index_tensor(e, scope, ast, x) : value_unknown();
  return base->kind == VALUE_TENSOR ? keep_numbering(base, value) : value;
}

/* d.train[0:8]: the rows are taken of each field that is asked for. */
static const Value *index_data(Elaborator *e, Scope *scope, const Ast *ast, const Value *base) {
  Value *rows = ARENA_NEW(e->arena, Value);
  *rows = *base;
  rows->u.data.rows = ast;
  rows->u.data.scope = scope;
  return rows;
}

const Value *eval_index(Elaborator *e, Scope *scope, const Ast *ast) {
  const Value *base = eval(e, scope, ast->u.call.callee);
  if (base->kind == VALUE_UNKNOWN) return base;
  if (weights_path(base)) {
    const Value *selection = selection_of(e, scope, ast, base);
    if (selection) return weights_value(e, selection, ast);
  }
  if (base->kind == VALUE_LIST || base->kind == VALUE_RECORD) return index_items(e, scope, ast, base);
  if (base->kind == VALUE_TENSOR || base->kind == VALUE_COLUMN) return index_value(e, scope, ast, base);
  if (base->kind == VALUE_DATA && !base->u.data.rows) return index_data(e, scope, ast, base);
  problem_not_indexed(e->problems, ast->span, value_kind_text(base));
  return value_unknown();
}
