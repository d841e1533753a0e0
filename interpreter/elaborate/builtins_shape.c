/* Built-in functions that move numbers: shapes, pieces, joins, and tensors from nowhere. */
#include "graph/build_window.h"
#include "interpreter/elaborate/elaborate.h"
#include "lang/problems.h"

#include <string.h>

#define CALL(name)                                                                                           \
  static const Value *name(Elaborator *e, const Ast *at, const Argument *slot, const Argument *rest,         \
                           int rests)
#define UNUSED ((void)at, (void)slot, (void)rest, (void)rests)

CALL(shape_of) {
  UNUSED;
  Node *x = slot_tensor(e, at, &slot[0]);
  if (!x) return value_unknown();
  const Value *size[MAX_RANK];
  for (int i = 0; i < x->type.rank; i++) size[i] = value_int(e, x->type.size[i]);
  return value_list(e, size, x->type.rank);
}

CALL(size_of) {
  UNUSED;
  Node *x = slot_tensor(e, at, &slot[0]);
  return x ? value_int(e, type_elements(&x->type)) : value_unknown();
}

static const Value *reshaped(Elaborator *e, const Ast *at, Node *x, int rank, const Dim **size) {
  const Dim *product = dim_of(1);
  for (int i = 0; i < rank; i++) product = dim_mul(product, size[i]);
  bool known;
  int order = dim_compare(product, type_elements(&x->type), &known);
  if (product != type_elements(&x->type) && (!e->generic || (known && order != 0))) {
    Text a = {0}, b = {0};
    Type want = type_of(x->type.dtype, rank, size);
    type_print(&x->type, &a);
    type_print_shape(&want, &b);
    problem_reshape(e->problems, at->at.source ? at->at : at->span, text_string(&a), text_string(&b));
    text_free(&a);
    text_free(&b);
    return value_unknown();
  }
  if (product != type_elements(&x->type)) {
    Type want = type_of(x->type.dtype, rank, size);
    return value_tensor(e, unknown_tensor(e, &want));
  }
  return value_tensor(e, build_reshape(x, rank, size));
}

CALL(reshape) {
  UNUSED;
  Node *x = slot_tensor(e, at, &slot[0]);
  int rank;
  const Dim *size[MAX_RANK];
  if (!x || !slot_shape(e, at, &slot[1], &rank, size)) return value_unknown();
  if (example_dims(e, x) && rank < MAX_RANK) { // the shape is that of one example
    memmove(size + 1, size, sizeof *size * (size_t)rank++);
    size[0] = x->type.size[0];
  }
  return reshaped(e, at, x, rank, size);
}

CALL(flatten) {
  UNUSED;
  Node *x = slot_tensor(e, at, &slot[0]);
  if (!x) return value_unknown();
  if (x->type.rank < 1) return slot_error(e, at, &slot[0], "a tensor with a batch dim first");
  const Dim *size[2] = {x->type.size[0], dim_of(1)};
  for (int i = 1; i < x->type.rank; i++) size[1] = dim_mul(size[1], x->type.size[i]);
  Node *flat = build_reshape(x, 2, size);
  flat->type.name[0] = x->type.name[0];
  return value_tensor(e, flat);
}

CALL(squeeze) {
  UNUSED;
  Node *x = slot_tensor(e, at, &slot[0]);
  if (!x) return value_unknown();
  int64_t last;
  int rank = x->type.rank;
  if (rank < 1 || (dim_is_number(x->type.size[rank - 1], &last) && last != 1)) {
    Text text = {0};
    type_print(&x->type, &text);
    problem_squeeze(e->problems, slot[0].ast ? slot[0].ast->span : at->span, text_string(&text));
    text_free(&text);
    return value_unknown();
  }
  return value_tensor(e, build_drop(x, rank - 1));
}

CALL(expand) {
  UNUSED;
  Node *x = slot_tensor(e, at, &slot[0]);
  int rank;
  const Dim *size[MAX_RANK];
  if (!x || !slot_shape(e, at, &slot[1], &rank, size)) return value_unknown();
  bool fits = rank >= x->type.rank;
  for (int i = 0; fits && i < x->type.rank; i++) {
    const Dim *mine = x->type.size[i];
    fits = mine == size[rank - x->type.rank + i] || (dim_is_number(mine, NULL) && dim_number(mine) == 1);
  }
  if (fits) return value_tensor(e, build_expand(x, rank, size));
  Text a = {0}, b = {0};
  Type want = type_of(x->type.dtype, rank, size);
  type_print(&x->type, &a);
  type_print_shape(&want, &b);
  problem_expand(e->problems, at->at.source ? at->at : at->span, text_string(&a), text_string(&b));
  text_free(&a);
  text_free(&b);
  return value_unknown();
}

CALL(transpose) {
  UNUSED;
  Node *x = slot_tensor(e, at, &slot[0]);
  if (!x) return value_unknown();
  int order[MAX_RANK], rank = x->type.rank;
  for (int i = 0; i < rank; i++) order[i] = rank - 1 - i;
  if (slot[1].value) {
    if (slot[1].value->kind != VALUE_LIST || slot[1].value->u.items.count != rank)
      return slot_error(e, at, &slot[1], "a list with every axis once");
    bool seen[MAX_RANK] = {false};
    for (int i = 0; i < rank; i++) {
      const Value *item = slot[1].value->u.items.item[i];
      int64_t axis;
      if (item->kind != VALUE_INT || !dim_is_number(item->u.dim, &axis) || axis < -rank || axis >= rank ||
          seen[(axis + rank) % rank])
        return slot_error(e, at, &slot[1], "a list with every axis once");
      order[i] = (int)((axis + rank) % rank);
      seen[order[i]] = true;
    }
  }
  return value_tensor(e, build_permute(x, order));
}

CALL(swap) {
  UNUSED;
  Node *x = slot_tensor(e, at, &slot[0]);
  if (!x) return value_unknown();
  return x->type.rank < 2 ? slot_error(e, at, &slot[0], "a tensor of at least two dims")
                          : value_tensor(e, build_swap(x));
}

/* The tensors of a list, all of one dtype. NULL after a Problem. */
static Node **list_tensors(Elaborator *e, const Ast *at, const Argument *slot, int *count) {
  if (slot->value->kind != VALUE_LIST && slot->value->kind != VALUE_RECORD) {
    slot_error(e, at, slot, "a list of tensors");
    return NULL;
  }
  *count = slot->value->u.items.count;
  Node **item = ARENA_ARRAY(e->arena, Node *, *count + 1);
  for (int i = 0; i < *count; i++) {
    const Ast *ast = slot->ast && slot->ast->kind == AST_LIST && slot->ast->u.list.count == *count
                         ? slot->ast->u.list.item[i]
                         : slot->ast;
    Argument one = {NULL, slot->value->u.items.item[i], ast};
    item[i] = one.value->kind == VALUE_INT ? slot_float(e, at, &one) : slot_tensor(e, at, &one);
    if (!item[i]) return NULL;
    if (item[i]->type.running) item[i] = build_cast(item[i], e->precision);
    if (item[i]->type.dtype == item[0]->type.dtype) continue;
    if (dtype_is_float(item[i]->type.dtype) != dtype_is_float(item[0]->type.dtype) ||
        item[i]->type.dtype == DTYPE_BOOL) {
      Text a = {0}, b = {0};
      type_print(&item[0]->type, &a);
      type_print(&item[i]->type, &b);
      problem_join(e->problems, ast ? ast->span : at->span, text_string(&a), text_string(&b),
                   "numbers of one kind can be joined: float(…) converts");
      text_free(&a);
      text_free(&b);
      return NULL;
    }
    item[i] = build_cast(item[i], item[0]->type.dtype);
  }
  if (*count == 0) slot_error(e, at, slot, "a list of at least one tensor");
  return *count ? item : NULL;
}

CALL(concat) {
  UNUSED;
  int count;
  Node **item = list_tensors(e, at, &slot[0], &count);
  if (!item) return value_unknown();
  int axis = slot_axis(e, &slot[1], item[0], 0);
  if (axis < 0) return value_unknown();
  for (int i = 1; i < count; i++) {
    bool fits = item[i]->type.rank == item[0]->type.rank;
    for (int k = 0; fits && k < item[0]->type.rank; k++)
      fits = k == axis || item[i]->type.size[k] == item[0]->type.size[k];
    if (fits) continue;
    Text a = {0}, b = {0};
    type_print(&item[0]->type, &a);
    type_print(&item[i]->type, &b);
    problem_join(e->problems, at->at.source ? at->at : at->span, text_string(&a), text_string(&b),
                 "all dims but the joined one must agree");
    text_free(&a);
    text_free(&b);
    return value_unknown();
  }
  return value_tensor(e, count == 1 ? item[0] : build_concat(e->graph, item, count, axis));
}

CALL(stack) {
  UNUSED;
  int count;
  Node **item = list_tensors(e, at, &slot[0], &count);
  if (!item) return value_unknown();
  int64_t axis;
  if (!slot_int(e, at, &slot[1], 0, &axis)) return value_unknown();
  if (axis < 0) axis += item[0]->type.rank + 1;
  if (axis < 0 || axis > item[0]->type.rank) return slot_error(e, at, &slot[1], "an axis of the result");
  for (int i = 0; i < count; i++) {
    if (!type_same_shape(&item[i]->type, &item[0]->type)) {
      Text a = {0}, b = {0};
      type_print(&item[0]->type, &a);
      type_print(&item[i]->type, &b);
      problem_join(e->problems, at->at.source ? at->at : at->span, text_string(&a), text_string(&b),
                   "what is stacked has one shape");
      text_free(&a);
      text_free(&b);
      return value_unknown();
    }
  }
  for (int i = 0; i < count; i++) item[i] = build_insert(item[i], (int)axis);
  return value_tensor(e, count == 1 ? item[0] : build_concat(e->graph, item, count, (int)axis));
}

static const Value *pieces(Elaborator *e, Node *x, int axis, const Dim *length, int count) {
  const Value **item = ARENA_ARRAY(e->arena, const Value *, count + 1);
  for (int i = 0; i < count; i++)
    item[i] = value_tensor(e, build_slice(x, axis, dim_mul(length, dim_of(i)), length, 1));
  return value_record(e, item, NULL, count);
}

CALL(chunk) {
  UNUSED;
  Node *x = slot_tensor(e, at, &slot[0]);
  int64_t count;
  if (!x || !slot_int(e, at, &slot[1], 1, &count)) return value_unknown();
  int axis = slot_axis(e, &slot[2], x, -1);
  if (axis < 0) return value_unknown();
  const Dim *length = count > 0 && count < 65536 ? dim_divide(x->type.size[axis], dim_of(count)) : NULL;
  if (!length) {
    Text text = {0};
    type_print(&x->type, &text);
    problem_chunk(e->problems, at->at.source ? at->at : at->span, text_string(&text), count);
    text_free(&text);
    return value_unknown();
  }
  return pieces(e, x, axis, length, (int)count);
}

CALL(unstack) {
  UNUSED;
  Node *x = slot_tensor(e, at, &slot[0]);
  if (!x) return value_unknown();
  int axis = slot_axis(e, &slot[1], x, -1);
  int64_t count;
  if (axis < 0) return value_unknown();
  if (!dim_is_number(x->type.size[axis], &count) || count > 65536)
    return slot_error(e, at, &slot[0], "a last dim of known size");
  const Value **item = ARENA_ARRAY(e->arena, const Value *, count + 1);
  for (int i = 0; i < count; i++)
    item[i] = value_tensor(e, build_drop(build_slice(x, axis, dim_of(i), dim_of(1), 1), axis));
  return value_record(e, item, NULL, (int)count);
}

CALL(flip) {
  UNUSED;
  Node *x = slot_tensor(e, at, &slot[0]);
  int axis = x ? slot_axis(e, &slot[1], x, -1) : -1;
  return axis < 0 ? value_unknown() : value_tensor(e, build_flip(x, axis));
}

/* The last `shift` slices come first: x[n - shift:] before x[:n - shift]. */
CALL(roll) {
  UNUSED;
  Node *x = slot_tensor(e, at, &slot[0]);
  int64_t shift, size;
  int axis = x ? slot_axis(e, &slot[2], x, -1) : -1;
  if (axis < 0) return value_unknown();
  if (!slot_int(e, at, &slot[1], 0, &shift)) return e->generic ? value_tensor(e, x) : value_unknown();
  const Dim *whole = x->type.size[axis];
  if (dim_is_number(whole, &size)) shift = size ? (shift % size + size) % size : 0;
  if (shift == 0) return value_tensor(e, x);
  const Dim *back = shift > 0 ? dim_of(shift) : dim_add(whole, dim_of(shift)), *front = dim_sub(whole, back);
  Node *part[2] = {build_slice(x, axis, front, back, 1), build_slice(x, axis, dim_of(0), front, 1)};
  return value_tensor(e, build_concat(e->graph, part, 2, axis));
}

CALL(repeat_along) {
  UNUSED;
  Node *x = slot_tensor(e, at, &slot[0]);
  int axis = x ? slot_axis(e, &slot[2], x, -1) : -1;
  if (axis < 0) return value_unknown();
  int64_t number = 0;
  const Dim *count = slot[1].value->kind == VALUE_INT ? slot[1].value->u.dim : NULL;
  if (!count || (dim_is_number(count, &number) && number < 0))
    return slot_error(e, at, &slot[1], "how often: a whole number from 0 up");
  if (x->type.rank == MAX_RANK) {
    problem_rank_limit(e->problems, at->span);
    return value_unknown();
  }
  return value_tensor(e, build_repeat(x, axis, count));
}

/* What stands for the cells before and behind an axis: n for both, or [front, back]. */
static bool read_cells(const Value *cells, const Dim *end[2]) {
  bool known;
  if (cells->kind == VALUE_LIST && cells->u.items.count != 2) return false;
  for (int i = 0; i < 2; i++) {
    const Value *one = cells->kind == VALUE_LIST ? cells->u.items.item[i] : cells;
    if (one->kind != VALUE_INT) return false;
    if (dim_compare(one->u.dim, dim_of(0), &known) < 0 && known) return false;
    end[i] = one->u.dim;
  }
  return true;
}

/* n cells at both ends of an axis, [front, back], or a list of these for all axes. A field whose rows differ in
 * length is filled up (builtins_text.c). */
CALL(pad) {
  UNUSED;
  const Value *cells = slot[1].value, *first = slot[0].value;
  if (!cells || first->kind == VALUE_COLUMN) return pad_column(e, at, &slot[0], &slot[4]);
  Node *x = slot_tensor(e, at, &slot[0]);
  int axis = x ? slot_axis(e, &slot[2], x, -1) : -1;
  if (axis < 0) return value_unknown();
  double value;
  if (!slot_number(e, at, &slot[3], 0, &value)) value = 0;
  if (!dtype_is_float(x->type.dtype) && value != (double)(int64_t)value)
    return slot_error(e, at, &slot[3], "a whole number, as the tensor has");
  const Dim *end[2];
  bool each = cells->kind == VALUE_LIST && cells->u.items.count == x->type.rank && x->type.rank > 0 &&
              cells->u.items.item[0]->kind == VALUE_LIST;
  for (int i = 0; i < (each ? x->type.rank : 1); i++) {
    if (!read_cells(each ? cells->u.items.item[i] : cells, end))
      return slot_error(e, at, &slot[1], "a number of cells, [front, back], or a list with one for each dim");
    x = build_pad(x, each ? i : axis, end[0], end[1], value);
  }
  return value_tensor(e, x);
}

/* Pieces of given sizes, which add up to that of the axis. */
CALL(split) {
  UNUSED;
  Node *x = slot_tensor(e, at, &slot[0]);
  int axis = x ? slot_axis(e, &slot[2], x, -1) : -1, rank;
  const Dim *size[MAX_RANK], *start = dim_of(0);
  if (axis < 0 || !slot_shape(e, at, &slot[1], &rank, size)) return value_unknown();
  const Value *item[MAX_RANK];
  for (int i = 0; i < rank; i++) {
    Node *piece = build_slice(x, axis, start, size[i], 1);
    item[i] = value_tensor(e, piece);
    start = dim_add(start, size[i]);
  }
  bool known;
  int order = dim_compare(start, x->type.size[axis], &known);
  if (start != x->type.size[axis] && (!e->generic || (known && order != 0))) {
    Text text = {0}, wanted = {0};
    dim_print(x->type.size[axis], &text);
    text_printf(&wanted, "sizes that add up to %s", text_string(&text));
    slot_error(e, at, &slot[1], text_string(&wanted));
    text_free(&text);
    text_free(&wanted);
    return value_unknown();
  }
  return value_record(e, item, NULL, rank);
}

/* [n] on the diagonal of zeros [n, n]; of [..., n, n] its diagonal [..., n]. */
CALL(diag) {
  UNUSED;
  Node *x = slot_tensor(e, at, &slot[0]);
  if (!x) return value_unknown();
  if (x->type.dtype == DTYPE_BOOL) return slot_error(e, at, &slot[0], "numbers: float(…) turns true into 1");
  int rank = x->type.rank;
  if (rank < 1 || (rank > 1 && x->type.size[rank - 1] != x->type.size[rank - 2]))
    return slot_error(e, at, &slot[0], "a row [n], or square matrices [..., n, n]");
  const Dim *square[2] = {x->type.size[0], x->type.size[0]};
  Node *all = rank == 1 ? build_expand(x, 2, square) : x;
  int columns = all->type.rank - 1;
  Node *same = build_eq(build_index(e->graph, columns + 1, all->type.size, columns),
                        build_index(e->graph, columns + 1, all->type.size, columns - 1));
  Node *kept = build_where(same, all, build_like(all, 0));
  return value_tensor(e, rank == 1 ? kept : build_reduce(OP_REDUCE_SUM, kept, &columns, 1, false));
}

/* What `int`, `float` or `bool` stand for as a setting; the float of the precision without one. DTYPE_COUNT after a
 * Problem. */
static DType slot_dtype(Elaborator *e, const Ast *at, const Argument *slot) {
  static const struct {
    const char *name;
    DType dtype;
  } kinds[] = {{"int", DTYPE_I64}, {"bool", DTYPE_BOOL}};
  if (!slot->value) return e->precision;
  const Value *kind = slot->value;
  const char *name = kind->kind == VALUE_BUILTIN && kind->scope ? kind->u.builtin->name : "";
  for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
    if (!strcmp(name, kinds[i].name)) return kinds[i].dtype;
  if (!strcmp(name, "float")) return e->precision;
  slot_error(e, at, slot, "int, float or bool");
  return DTYPE_COUNT;
}

static const Value *filled(Elaborator *e, const Ast *at, const Argument *shape, Node *number) {
  int rank;
  const Dim *size[MAX_RANK];
  if (!number || !slot_shape(e, at, shape, &rank, size)) return value_unknown();
  return value_tensor(e, rank ? build_expand(number, rank, size) : number);
}

static const Value *filled_of(Elaborator *e, const Ast *at, const Argument *slot, int number) {
  DType dtype = slot_dtype(e, at, &slot[1]);
  if (dtype == DTYPE_COUNT) return value_unknown();
  return filled(e, at, &slot[0],
                dtype_is_float(dtype) ? build_number(e->graph, dtype, number)
                                      : build_whole(e->graph, dtype, number));
}

CALL(zeros) {
  UNUSED;
  return filled_of(e, at, slot, 0);
}
CALL(ones) {
  UNUSED;
  return filled_of(e, at, slot, 1);
}
CALL(full) {
  UNUSED;
  Node *number = slot_tensor(e, at, &slot[1]);
  if (number && number->type.rank) return slot_error(e, at, &slot[1], "one number");
  if (number && number->op == OP_EXTENT) number->type.bound = NULL;
  return filled(e, at, &slot[0], number && number->type.running ? build_cast(number, e->precision) : number);
}

static const Value *like(Elaborator *e, const Ast *at, const Argument *slot, double number) {
  Node *x = slot_float(e, at, slot);
  return x ? value_tensor(e, build_like(x, number)) : value_unknown();
}

CALL(zeros_like) {
  UNUSED;
  return like(e, at, &slot[0], 0);
}
CALL(ones_like) {
  UNUSED;
  return like(e, at, &slot[0], 1);
}

CALL(arange) {
  UNUSED;
  if (slot[0].value->kind != VALUE_INT)
    return slot_error(e, at, &slot[0], "a whole number known before the run");
  return value_tensor(e, build_index(e->graph, 1, (const Dim *[]){slot[0].value->u.dim}, 0));
}

CALL(linspace) {
  UNUSED;
  Node *a = slot_float(e, at, &slot[0]), *b = slot_float(e, at, &slot[1]);
  int64_t count;
  if (!a || !b || !slot_int(e, at, &slot[2], 0, &count)) return value_unknown();
  if (count < 2) return slot_error(e, at, &slot[2], "a count of at least 2");
  Node *t = build_cast(build_index(e->graph, 1, (const Dim *[]){dim_of(count)}, 0), e->precision);
  Node *share = build_mul(t, build_like(t, 1.0 / (double)(count - 1)));
  return value_tensor(
      e, build_add(build_mul(build_sub(build_cast(b, e->precision), build_cast(a, e->precision)), share),
                   build_cast(a, e->precision)));
}

static int literal(Elaborator *e, const Argument *slot, const Value *value, int rank, int64_t *size,
                   double *out, int64_t *count, bool *whole) {
  double number;
  if (value_number(value, &number)) {
    if (out) out[*count] = number;
    (*count)++;
    *whole = *whole && value->kind == VALUE_INT;
    return rank;
  }
  if (value->kind != VALUE_LIST || rank == MAX_RANK || value->u.items.count == 0) return -1;
  if (size[rank] < 0) size[rank] = value->u.items.count;
  if (size[rank] != value->u.items.count) return -1;
  int depth = -1;
  for (int i = 0; i < value->u.items.count; i++) {
    int d = literal(e, slot, value->u.items.item[i], rank + 1, size, out, count, whole);
    if (d < 0 || (depth >= 0 && d != depth)) return -1;
    depth = d;
  }
  return depth;
}

/* The numbers in lists of equal lengths as a tensor in f64, and whether all are whole; NULL: they are none. */
static Node *literal_node(Elaborator *e, Span span, const Argument *slot, bool *whole) {
  int64_t size[MAX_RANK], count = 0;
  *whole = true;
  for (int i = 0; i < MAX_RANK; i++) size[i] = -1;
  int rank = literal(e, slot, slot->value, 0, size, NULL, &count, whole);
  if (rank < 0) return NULL;
  double *values = ARENA_ARRAY(e->arena, double, count);
  count = 0;
  literal(e, slot, slot->value, 0, size, values, &count, whole);
  Type type = type_scalar(DTYPE_F64);
  type.rank = rank;
  for (int i = 0; i < rank; i++) type.size[i] = dim_of(size[i]);
  Variable *variable = variable_new(e, VARIABLE_CONSTANT, "tensor", type, span);
  variable->data = values;
  return build_read(e->graph, variable);
}

CALL(tensor) {
  UNUSED;
  bool whole;
  Node *node = literal_node(e, at->span, &slot[0], &whole);
  if (!node) return slot_error(e, at, &slot[0], "numbers in lists of equal lengths");
  DType dtype = slot_dtype(e, at, &slot[1]);
  return dtype == DTYPE_COUNT ? value_unknown() : value_tensor(e, build_cast(node, dtype));
}

const Value *list_beside(Elaborator *e, const Ast *at, const Value *list, const Type *other) {
  Argument slot[2] = {{NULL, list, at}};
  bool whole;
  Node *node = literal_node(e, at->span, &slot[0], &whole);
  if (!node) return stack(e, at, slot, NULL, 0);
  bool ints = whole && dtype_is_int(other->dtype);
  return value_tensor(e, build_cast(node, dtype_is_float(other->dtype) ? other->dtype
                                          : ints                       ? DTYPE_I64
                                                                       : e->precision));
}

/* Images [N, H, W] side by side, `across` in a row, as one image; missing ones are dark. */
CALL(image_grid) {
  UNUSED;
  Node *x = slot_float(e, at, &slot[0]);
  int64_t count, across, height, width;
  if (!x || !slot_int(e, at, &slot[1], 8, &across)) return value_unknown();
  bool known = x->type.rank == 3 && dim_is_number(x->type.size[0], &count) &&
               dim_is_number(x->type.size[1], &height) && dim_is_number(x->type.size[2], &width);
  if (!known || count < 1 || across < 1)
    return slot_error(e, at, &slot[0], "a known number of images [N, H, W]");
  if (across > count) across = count;
  int64_t down = (count + across - 1) / across;
  if (down * across > count) x = build_pad(x, 0, dim_of(0), dim_of(down * across - count), 0);
  Node *cells =
      build_reshape(x, 4, (const Dim *[]){dim_of(down), dim_of(across), dim_of(height), dim_of(width)});
  Node *rows = build_permute(cells, (const int[]){0, 2, 1, 3});
  Value *value = (Value *)value_tensor(
      e, build_reshape(rows, 2, (const Dim *[]){dim_of(down * height), dim_of(across * width)}));
  value->u.tensor.image = true;
  return value;
}

CALL(all_but) {
  UNUSED;
  const Value *item[1] = {slot[0].value};
  return value_record(e, item, NULL, 1);
}

CALL(fan_in) {
  UNUSED;
  const Value *shape = slot[0].value;
  if (shape->kind != VALUE_LIST) return slot_error(e, at, &slot[0], "a shape");
  const Dim *product = dim_of(1);
  for (int i = 0; i + 1 < shape->u.items.count; i++)
    product = dim_mul(product, shape->u.items.item[i]->u.dim);
  return value_int(e, product);
}

CALL(fan_out) {
  UNUSED;
  const Value *shape = slot[0].value;
  if (shape->kind != VALUE_LIST || shape->u.items.count < 1) return slot_error(e, at, &slot[0], "a shape");
  const Dim *product = dim_of(1); // [h, w, in, out]: every cell of a window counts
  for (int i = 0; i < shape->u.items.count; i++)
    if (i != shape->u.items.count - 2) product = dim_mul(product, shape->u.items.item[i]->u.dim);
  return value_int(e, product);
}

CALL(text) {
  UNUSED;
  Text text = {0};
  if (slot[0].value->kind == VALUE_STRING)
    text_add(&text, slot[0].value->u.string.bytes);
  else
    value_print(slot[0].value, &text);
  const Value *value = value_string(e, text_string(&text), (int)text.length);
  text_free(&text);
  return value;
}

static const Builtin rows[] = {
    {"shape", "x", shape_of, "the dims of x as a list"},
    {"size", "x", size_of, "how many numbers x has"},
    {"reshape", "x shape", reshape, "the same numbers under another shape"},
    {"flatten", "x", flatten, "all dims but the first as one"},
    {"squeeze", "x", squeeze, "x without its last dim, which must be 1"},
    {"expand", "x shape", expand, "dims of 1 repeated, leading dims added"},
    {"transpose", "x axes?", transpose, "axes in reverse, or in the order given"},
    {"swap", "x", swap, "the last two axes exchanged"},
    {"concat", "parts axis", concat, "tensors one after the other along an axis"},
    {"stack", "parts axis?", stack, "tensors of one shape along a new axis"},
    {"chunk", "x n axis?", chunk, "n equal pieces along an axis"},
    {"unstack", "x axis?", unstack, "every slice along an axis"},
    {"split", "x sizes axis?", split, "pieces of given sizes along an axis"},
    {"roll", "x shift axis?", roll, "slices along an axis moved on, the last to the front"},
    {"repeat_along", "x n axis?", repeat_along, "each slice along an axis n times"},
    {"pad", "x cells? axis? value? most?", pad,
     "cells of a value at the ends of axes; rows of a field filled up to the longest: (ids, keep)"},
    {"diag", "x", diag, "a row as the diagonal of a matrix, or the diagonal of a matrix"},
    {"flip", "x axis?", flip, "the order along an axis reversed"},
    {"zeros", "shape kind?", zeros, "a tensor of zeros"},
    {"ones", "shape kind?", ones, "a tensor of ones"},
    {"full", "shape value", full, "a tensor of one value"},
    {"zeros_like", "x", zeros_like, "zeros in the shape of x"},
    {"ones_like", "x", ones_like, "ones in the shape of x"},
    {"arange", "n", arange, "0, 1, … n - 1"},
    {"linspace", "from to n", linspace, "n numbers at equal distances"},
    {"tensor", "numbers kind?", tensor, "a literal: tensor([[1, 2], [3, 4]]), or tensor([1, 2], int)"},
    {"image_grid", "images across?", image_grid,
     "images [N, H, W] of values 0..1 as one picture; print draws it"},
    {"all_but", "axis", all_but, "every axis but one, for axis="},
    {"fan_in", "shape", fan_in, "inputs of a weight of that shape"},
    {"fan_out", "shape", fan_out, "outputs of a weight of that shape"},
    {"str", "value", text, "a value as text"},
};
const BuiltinTable builtins_shape = {rows, (int)(sizeof(rows) / sizeof(*rows))};
