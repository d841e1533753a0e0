/* Built-in functions that compute: reductions, conversions, windows, choices. What could be written with these
 * at the same speed stands in stdlib/std.model instead. */
#include "interpreter/elaborate/elaborate.h"
#include "lang/problems.h"

#include <string.h>

#define CALL(name)                                                                                           \
  static const Value *name(Elaborator *e, const Ast *at, const Argument *slot, const Argument *rest,         \
                           int rests)
#define UNUSED ((void)at, (void)slot, (void)rest, (void)rests)

static bool slot_keep(const Argument *slot) {
  return slot->value && slot->value->kind == VALUE_BOOL && slot->value->u.truth;
}

static const Value *reduce(Elaborator *e, const Ast *at, const Argument *slot, OpCode op, Node *x) {
  int axis[MAX_RANK];
  if (!x) return value_unknown();
  if (x->type.running) x = build_cast(x, e->precision);
  int axes = slot_axes(e, &slot[1], x, axis);
  if (axes < 0) return value_unknown();
  (void)at;
  return value_tensor(e, axes ? build_reduce(op, x, axis, axes, slot_keep(&slot[2])) : x);
}

static Node *numbers_of(Elaborator *e, const Ast *at, const Argument *slot) {
  Node *x = slot_tensor(e, at, slot);
  if (x && x->type.dtype == DTYPE_BOOL) {
    slot_error(e, at, slot, "numbers: float(…) turns true into 1");
    return NULL;
  }
  return x && x->type.dtype == DTYPE_U8 ? build_cast(x, DTYPE_I64) : x;
}

CALL(sum) {
  UNUSED;
  return reduce(e, at, slot, OP_REDUCE_SUM, numbers_of(e, at, &slot[0]));
}

CALL(mean) {
  UNUSED;
  int axis[MAX_RANK];
  Node *x = slot_float(e, at, &slot[0]);
  if (!x) return value_unknown();
  if (x->type.running) x = build_cast(x, e->precision);
  int axes = slot_axes(e, &slot[1], x, axis);
  if (axes < 0) return value_unknown();
  return value_tensor(e, axes ? build_mean(x, axis, axes, slot_keep(&slot[2])) : x);
}

static const Value *any_or_all(Elaborator *e, const Ast *at, const Argument *slot, OpCode op) {
  Node *x = slot_tensor(e, at, &slot[0]);
  if (x && x->type.dtype != DTYPE_BOOL) return slot_error(e, at, &slot[0], "a bool tensor");
  return reduce(e, at, slot, op, x);
}

CALL(any) {
  UNUSED;
  return any_or_all(e, at, slot, OP_REDUCE_MAX);
}
CALL(all) {
  UNUSED;
  return any_or_all(e, at, slot, OP_REDUCE_MIN);
}

/* max(x, axis=) reduces; max(a, b) compares element by element. */
static const Value *extreme(Elaborator *e, const Ast *at, const Argument *slot, OpCode map,
                            OpCode reduction) {
  const Value *a = slot[0].value, *b = slot[3].value;
  if (!b) return reduce(e, at, slot, reduction, numbers_of(e, at, &slot[0]));
  double x, y;
  if (value_is_static_number(a) && value_is_static_number(b)) {
    if (!value_number(a, &x) || !value_number(b, &y)) {
      bool known;
      if (a->kind == VALUE_INT && b->kind == VALUE_INT) {
        int order = dim_compare(a->u.dim, b->u.dim, &known);
        if (known) return (order > 0) == (map == OP_MAX) ? a : b;
        return value_int(e, dim_symbol(name_of("n")));
      }
      return value_unknown_float();
    }
    return (x > y) == (map == OP_MAX) ? a : b;
  }
  Value *callee = ARENA_NEW(e->arena, Value);
  *callee = (Value){.kind = VALUE_BUILTIN, .known = true, .u.op = map};
  Argument args[2] = {slot[0], slot[3]};
  return call_value(e, at, callee, args, 2);
}

static const Value *two_or_axis(Elaborator *e, const Ast *at, const Argument *slot, const Argument *rest,
                                int rests, OpCode map, OpCode reduction) {
  Argument all[4] = {slot[0], slot[1], slot[2], {0}};
  if (rests) return slot_error(e, at, &rest[0], "one tensor, or two values");
  bool second = slot[1].value && !(slot[1].ast && slot[1].ast->kind == AST_ARG); // by position: max(a, b)
  if (second) {
    all[3] = slot[1];
    all[1].value = NULL;
  }
  return extreme(e, at, all, map, reduction);
}

CALL(max) { return two_or_axis(e, at, slot, rest, rests, OP_MAX, OP_REDUCE_MAX); }
CALL(min) { return two_or_axis(e, at, slot, rest, rests, OP_MIN, OP_REDUCE_MIN); }

static const Value *place_of(Elaborator *e, const Ast *at, const Argument *slot, bool largest) {
  Node *x = numbers_of(e, at, &slot[0]);
  if (!x) return value_unknown();
  if (x->type.rank < 1) return slot_error(e, at, &slot[0], "a tensor with at least one dim");
  int axis = slot_axis(e, &slot[1], x, -1);
  if (axis < 0) return value_unknown();
  Node *place = build_argmax(build_move(x, axis, x->type.rank - 1), largest);
  if (!slot_keep(&slot[2])) return value_tensor(e, place);
  return value_tensor(e, build_insert(place, axis));
}

CALL(argmax) {
  UNUSED;
  return place_of(e, at, slot, true);
}
CALL(argmin) {
  UNUSED;
  return place_of(e, at, slot, false);
}

// ---- of spread, size and order --------------------------------------------------------------------------------

/* The mean of squared distances from the mean. */
static Node *variance(Node *x, const int *axis, int axes, bool keep) {
  Node *distance = build_sub(x, build_expand_like(build_mean(x, axis, axes, true), x));
  return build_mean(build_mul(distance, distance), axis, axes, keep);
}

/* The square root, with gradient 0 at 0. */
Node *node_root(Node *x) {
  Node *none = build_eq(x, build_like(x, 0));
  return build_where(none, build_like(x, 0), build_sqrt(build_where(none, build_like(x, 1), x)));
}

/* The floats that a reduction takes, and its axes; NULL after a Problem. */
static Node *reduced(Elaborator *e, const Ast *at, const Argument *slot, const Argument *axis_slot, int *axis,
                     int *axes) {
  Node *x = slot_float(e, at, slot);
  if (!x) return NULL;
  if (x->type.running) x = build_cast(x, e->precision);
  *axes = slot_axes(e, axis_slot, x, axis);
  return *axes < 0 ? NULL : x;
}

CALL(var) {
  UNUSED;
  int axis[MAX_RANK], axes;
  Node *x = reduced(e, at, &slot[0], &slot[1], axis, &axes);
  return value_tensor(e, x ? variance(x, axis, axes, slot_keep(&slot[2])) : NULL);
}

CALL(std) {
  UNUSED;
  int axis[MAX_RANK], axes;
  Node *x = reduced(e, at, &slot[0], &slot[1], axis, &axes);
  return value_tensor(e, x ? node_root(variance(x, axis, axes, slot_keep(&slot[2]))) : NULL);
}

CALL(norm) {
  UNUSED;
  int axis[MAX_RANK], axes;
  Node *x = reduced(e, at, &slot[0], &slot[1], axis, &axes);
  if (!x) return value_unknown();
  return value_tensor(
      e, node_root(build_reduce(OP_REDUCE_SUM, build_mul(x, x), axis, axes, slot_keep(&slot[2]))));
}

CALL(prod) {
  UNUSED;
  int axis[MAX_RANK], axes;
  Node *x = numbers_of(e, at, &slot[0]);
  if (!x) return value_unknown();
  if (x->type.running) x = build_cast(x, e->precision);
  axes = slot_axes(e, &slot[1], x, axis);
  bool open = false;
  for (int i = 0; i < axes; i++) {
    int64_t size;
    if (axis_size(e, at, "prod", x, axis[i], &size)) continue;
    if (!e->generic) return value_unknown();
    open = true;
  }
  if (axes < 0) return value_unknown();
  Node *y = open ? build_reduce(OP_REDUCE_MAX, x, axis, axes, true) : x; // of its shape: the generic check
  for (int i = 0; i < axes && !open; i++) y = build_prod(y, axis[i]);
  for (int i = axes - 1; i >= 0 && !slot_keep(&slot[2]); i--) y = build_drop(y, axis[i]);
  return value_tensor(e, y);
}

/* The axes that are reduced, joined into one in front of the others. */
static Node *axes_in_front(Node *x, const int *axis, int axes) {
  const Dim *size[MAX_RANK] = {dim_of(1)};
  for (int i = 0; i < axes; i++) {
    size[0] = dim_mul(size[0], x->type.size[axis[i]]);
    x = build_move(x, axis[i], i);
  }
  for (int i = axes; i < x->type.rank; i++) size[i - axes + 1] = x->type.size[i];
  return build_reshape(x, x->type.rank - axes + 1, size);
}

/* Between the two numbers around place q (n - 1) of those in order, as NumPy does it. q [] or [m]: m quantiles. */
static Node *quantile_of(Node *x, const int *axis, int axes, Node *q) {
  Graph *graph = x->graph;
  Node *front = axes_in_front(x, axis, axes), *rows = build_move(front, 0, front->type.rank - 1);
  int last = rows->type.rank - 1;
  const Dim *count = rows->type.size[last];
  Node *sorted = build_move(build_take(rows, build_order(rows, count, false)), last, 0);
  Node *end = build_sub(build_extent(graph, count), build_whole(graph, DTYPE_I64, 1));
  Node *place = build_mul(build_cast(q, DTYPE_F64), build_cast(end, DTYPE_F64)), *below = build_floor(place);
  Node *low = build_cast(below, DTYPE_I64);
  Node *high = build_min(build_add(low, build_whole(graph, DTYPE_I64, 1)), end);
  Node *share = build_cast(build_sub(place, below), x->type.dtype);
  Node *a = build_gather(sorted, low), *b = build_gather(sorted, high);
  const Dim *ones[MAX_RANK];
  for (int i = 0; i < a->type.rank; i++) ones[i] = i < q->type.rank ? q->type.size[i] : dim_of(1);
  share = build_expand_like(build_reshape(share, a->type.rank, ones), a);
  return build_add(a, build_mul(build_sub(b, a), share));
}

static const Value *quantiles(Elaborator *e, const Ast *at, const Argument *x_slot, Node *q,
                              const Argument *axis_slot, const Argument *keep) {
  int axis[MAX_RANK], axes;
  Node *x = reduced(e, at, x_slot, axis_slot, axis, &axes);
  if (!x || !q) return value_unknown();
  if (axes == 0) return value_tensor(e, x);
  if (q->type.rank > 1) return slot_error(e, at, x_slot, "one share, or a list of them");
  Node *y = quantile_of(x, axis, axes, q);
  for (int i = 0; i < axes && slot_keep(keep); i++) y = build_insert(y, axis[i] + q->type.rank);
  return value_tensor(e, y);
}

CALL(quantile) {
  UNUSED;
  return quantiles(e, at, &slot[0], slot_float(e, at, &slot[1]), &slot[2], &slot[3]);
}

CALL(median) {
  UNUSED;
  return quantiles(e, at, &slot[0], build_number(e->graph, DTYPE_F64, 0.5), &slot[1], &slot[2]);
}

// ---- running --------------------------------------------------------------------------------------------------

CALL(cumsum) {
  UNUSED;
  Node *x = numbers_of(e, at, &slot[0]);
  if (!x) return value_unknown();
  if (x->type.rank < 1) return slot_error(e, at, &slot[0], "a tensor with at least one dim");
  int axis = slot_axis(e, &slot[1], x, -1), last = x->type.rank - 1;
  if (axis < 0) return value_unknown();
  return value_tensor(e, build_move(build_cumsum(build_move(x, axis, last)), last, axis));
}

CALL(cumprod) {
  UNUSED;
  Node *x = numbers_of(e, at, &slot[0]);
  int64_t size;
  if (!x) return value_unknown();
  if (x->type.rank < 1) return slot_error(e, at, &slot[0], "a tensor with at least one dim");
  int axis = slot_axis(e, &slot[1], x, -1), last = x->type.rank - 1;
  if (axis < 0) return value_unknown();
  if (!axis_size(e, at, "cumprod", x, axis, &size))
    return e->generic ? value_tensor(e, unknown_tensor(e, &x->type)) : value_unknown();
  return value_tensor(e, build_move(build_cumprod(build_move(x, axis, last)), last, axis));
}

// ---- conversions ----------------------------------------------------------------------------------------------

CALL(to_float) {
  UNUSED;
  const Value *x = slot[0].value;
  double number;
  if (value_is_static_number(x))
    return value_number(x, &number) ? value_float(e, number) : value_unknown_float();
  if (x->kind == VALUE_BOOL) return x->known ? value_float(e, x->u.truth) : value_unknown_float();
  Node *node = slot_tensor(e, at, &slot[0]);
  return node ? value_tensor(e, build_cast(node, e->precision)) : value_unknown();
}

CALL(to_int) {
  UNUSED;
  const Value *x = slot[0].value;
  double number;
  if (x->kind == VALUE_INT) return x;
  if (x->kind == VALUE_FLOAT)
    return value_number(x, &number) && number > -9e15 && number < 9e15
               ? value_whole(e, (int64_t)number)
               : slot_error(e, at, &slot[0], "a number of reasonable size");
  Node *node = slot_tensor(e, at, &slot[0]);
  return node ? value_tensor(e, build_cast(node, DTYPE_I64)) : value_unknown();
}

CALL(to_bool) {
  UNUSED;
  Node *node = slot_tensor(e, at, &slot[0]);
  return node ? value_tensor(e, build_cast(node, DTYPE_BOOL)) : value_unknown();
}

static const Builtin rows[] = {
    {"sum", "x axis? keep?", sum, "sum over all dims, or over axis="},
    {"mean", "x axis? keep?", mean, "mean over all dims, or over axis="},
    {"max", "x axis? keep?", max, "largest over all dims or axis=; of two, element by element"},
    {"min", "x axis? keep?", min, "smallest over all dims or axis=; of two, element by element"},
    {"any", "x axis? keep?", any, "is one true"},
    {"all", "x axis? keep?", all, "are all true"},
    {"argmax", "x axis? keep?", argmax, "index of the largest along the last dim, or axis="},
    {"argmin", "x axis? keep?", argmin, "index of the smallest along the last dim, or axis="},
    {"var", "x axis? keep?", var, "mean squared distance from the mean, over all dims or axis="},
    {"std", "x axis? keep?", std, "root of var"},
    {"norm", "x axis? keep?", norm, "root of the sum of squares, over all dims or axis="},
    {"prod", "x axis? keep?", prod, "product over all dims, or over axis="},
    {"quantile", "x q axis? keep?", quantile, "the number that a share q of all, or of axis=, lies below"},
    {"median", "x axis? keep?", median, "the number in the middle of all, or of axis="},
    {"cumsum", "x axis?", cumsum, "running sum along the last dim, or axis="},
    {"cumprod", "x axis?", cumprod, "running product along the last dim, or axis="},
    {"float", "x", to_float, "as floats"},
    {"int", "x", to_int, "as whole numbers, truncated"},
    {"bool", "x", to_bool, "true where not zero"},
};
const BuiltinTable builtins_math = {rows, (int)(sizeof(rows) / sizeof(*rows))};
