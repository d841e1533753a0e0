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
  return x->type.rank < 1 ? slot_error(e, at, &slot[0], "a tensor with at least one dim")
                          : value_tensor(e, build_argmax(x, largest));
}

CALL(argmax) {
  UNUSED;
  return place_of(e, at, slot, true);
}
CALL(argmin) {
  UNUSED;
  return place_of(e, at, slot, false);
}

CALL(cumsum) {
  UNUSED;
  Node *x = numbers_of(e, at, &slot[0]);
  if (!x) return value_unknown();
  return x->type.rank < 1 ? slot_error(e, at, &slot[0], "a tensor with at least one dim")
                          : value_tensor(e, build_cumsum(x));
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

// ---- windows --------------------------------------------------------------------------------------------------

/* Cells before and after for one axis: "same" pads (size - 1) // 2 in front and the rest behind, "causal" all
 * in front. false after a Problem. */
static bool padding(Elaborator *e, const Ast *at, const Argument *slot, int64_t reach, const char *fallback,
                    int *front, int *back) {
  const Value *pad = slot->value;
  const char *word = !pad ? fallback : pad->kind == VALUE_STRING ? pad->u.string.bytes : NULL;
  int64_t a = 0, b = 0;
  if (word && !strcmp(word, "same"))
    a = reach / 2, b = reach - reach / 2;
  else if (word && !strcmp(word, "causal"))
    a = reach;
  else if (word && !strcmp(word, "valid"))
    a = b = 0;
  else if (pad && pad->kind == VALUE_INT && dim_is_number(pad->u.dim, &a))
    b = a;
  else if (pad && pad->kind == VALUE_LIST && pad->u.items.count == 2 &&
           pad->u.items.item[0]->kind == VALUE_INT && pad->u.items.item[1]->kind == VALUE_INT &&
           dim_is_number(pad->u.items.item[0]->u.dim, &a) && dim_is_number(pad->u.items.item[1]->u.dim, &b)) {
  } else {
    slot_error(e, at, slot, "\"same\", \"valid\", \"causal\", a number or [front, back]");
    return false;
  }
  if (a < 0 || b < 0 || a > 65536 || b > 65536) {
    slot_error(e, at, slot, "a padding from 0 to 65536");
    return false;
  }
  *front = (int)a;
  *back = (int)b;
  return true;
}

static const Dim *window_count(const Dim *size, int64_t front, int64_t back, int64_t reach,
                               const Dim *stride) {
  return dim_add(dim_floor_div(dim_add(size, dim_of(front + back - reach - 1)), stride), dim_of(1));
}

static bool window_number(Elaborator *e, const Ast *at, const Argument *slot, int64_t fallback, int64_t most,
                          int64_t *out) {
  if (!slot_int(e, at, slot, fallback, out)) return false;
  if (*out >= 1 && *out <= most) return true;
  slot_error(e, at, slot, "a whole number from 1 up");
  return false;
}

static bool too_small(Elaborator *e, const Ast *at, const Node *x, int64_t height, int64_t width) {
  bool known;
  if (!(dim_compare(x->type.size[1], dim_of(height), &known) < 0 && known) &&
      !(dim_compare(x->type.size[2], dim_of(width), &known) < 0 && known))
    return false;
  Text text = {0};
  type_print(&x->type, &text);
  problem_window(e->problems, at->at.source ? at->at : at->span, text_string(&text), height, width);
  text_free(&text);
  return true;
}

CALL(conv2d) {
  UNUSED;
  Node *x = slot_float(e, at, &slot[0]), *k = slot_float(e, at, &slot[1]);
  if (!x || !k) return value_unknown();
  if (x->type.rank != 4) return slot_error(e, at, &slot[0], "images [B, H, W, C]");
  if (k->type.rank != 4) return slot_error(e, at, &slot[1], "a kernel [h, w, in, out]");
  int64_t stride, groups, dilation, height, width, channels, inside;
  int known = slot_int(e, at, &slot[2], 1, &stride) + slot_int(e, at, &slot[4], 1, &groups) +
              slot_int(e, at, &slot[5], 1, &dilation) + dim_is_number(k->type.size[0], &height) +
              dim_is_number(k->type.size[1], &width);
  if (known < 5) { // settings are symbols: the generic check
    Type type = type_of(x->type.dtype, 4,
                        (const Dim *[]){x->type.size[0], dim_symbol(name_of("H'")), dim_symbol(name_of("W'")),
                                        k->type.size[3]});
    return e->generic ? value_tensor(e, unknown_tensor(e, &type)) : value_unknown();
  }
  if (!window_number(e, at, &slot[2], 1, 65536, &stride) ||
      !window_number(e, at, &slot[4], 1, 65536, &groups) ||
      !window_number(e, at, &slot[5], 1, 65536, &dilation))
    return value_unknown();
  const Dim *want = dim_mul(k->type.size[2], dim_of(groups));
  if (want != x->type.size[3] &&
      (!dim_is_number(want, &channels) || !dim_is_number(x->type.size[3], &inside) || channels != inside)) {
    Text a = {0}, b = {0};
    type_print(&x->type, &a);
    type_print(&k->type, &b);
    problem_channels(e->problems, at->at.source ? at->at : at->span, text_string(&a), text_string(&b),
                     groups);
    text_free(&a);
    text_free(&b);
    return value_unknown();
  }
  Window w = {.stride = {(int)stride, (int)stride},
              .dilation = {(int)dilation, (int)dilation},
              .size = {(int)height, (int)width},
              .groups = (int)groups};
  if (!padding(e, at, &slot[3], dilation * (height - 1), "same", &w.front[0], &w.back[0]) ||
      !padding(e, at, &slot[3], dilation * (width - 1), "same", &w.front[1], &w.back[1]) ||
      too_small(e, at, x, dilation * (height - 1) + 1 - w.front[0] - w.back[0],
                dilation * (width - 1) + 1 - w.front[1] - w.back[1]))
    return value_unknown();
  return value_tensor(e, build_conv2d(x, k, &w));
}

CALL(max_pool) {
  UNUSED;
  Node *x = slot_float(e, at, &slot[0]);
  if (!x) return value_unknown();
  if (x->type.rank != 4) return slot_error(e, at, &slot[0], "images [B, H, W, C]");
  int64_t size, stride;
  if (!slot_int(e, at, &slot[1], 2, &size) || !slot_int(e, at, &slot[2], size, &stride)) {
    const Dim *step = slot[2].value ? slot[2].value->u.dim : slot[1].value->u.dim;
    Type type = x->type;
    for (int i = 1; i < 3; i++) type.size[i] = window_count(x->type.size[i], 0, 0, 0, step);
    return e->generic ? value_tensor(e, unknown_tensor(e, &type)) : value_unknown();
  }
  if (!window_number(e, at, &slot[1], 2, 65536, &size) ||
      !window_number(e, at, &slot[2], size, 65536, &stride))
    return value_unknown();
  Window w = {
      .stride = {(int)stride, (int)stride}, .dilation = {1, 1}, .size = {(int)size, (int)size}, .groups = 1};
  if (!padding(e, at, &slot[3], size - 1, "valid", &w.front[0], &w.back[0])) return value_unknown();
  w.front[1] = w.front[0];
  w.back[1] = w.back[0];
  if (too_small(e, at, x, size - w.front[0] - w.back[0], size - w.front[0] - w.back[0]))
    return value_unknown();
  return value_tensor(e, build_pool_max(x, &w));
}

// ---- choices --------------------------------------------------------------------------------------------------

/* x [..., K] and ids int<K>[...]: the element of each row that its id names. One term of the sum is not zero. */
CALL(pick) {
  UNUSED;
  Node *x = slot_float(e, at, &slot[0]), *ids = slot_tensor(e, at, &slot[1]);
  if (!x || !ids) return value_unknown();
  int rank = x->type.rank;
  bool fits = dtype_is_int(ids->type.dtype) && rank == ids->type.rank + 1;
  for (int i = 0; fits && i < ids->type.rank; i++) fits = ids->type.size[i] == x->type.size[i];
  if (!fits) return slot_error(e, at, &slot[1], "one index for each row of the first argument");
  Node *places = build_index(e->graph, rank, x->type.size, rank - 1);
  Node *same = build_eq(
      places, build_expand(build_insert(build_cast(ids, places->type.dtype), rank - 1), rank, x->type.size));
  return value_tensor(e, build_reduce(OP_REDUCE_SUM, build_where(same, x, build_like(x, 0)),
                                      (const int[]){rank - 1}, 1, false));
}

CALL(one_hot) {
  UNUSED;
  Node *ids = slot_tensor(e, at, &slot[0]);
  if (!ids) return value_unknown();
  if (!dtype_is_int(ids->type.dtype) || !ids->type.bound || ids->type.rank == MAX_RANK)
    return slot_error(e, at, &slot[0], "indices with a known bound, int<K>[…]");
  int rank = ids->type.rank + 1;
  const Dim *size[MAX_RANK];
  for (int i = 0; i + 1 < rank; i++) size[i] = ids->type.size[i];
  size[rank - 1] = ids->type.bound;
  Node *places = build_index(e->graph, rank, size, rank - 1);
  Node *same =
      build_eq(places, build_expand(build_insert(build_cast(ids, places->type.dtype), rank - 1), rank, size));
  return value_tensor(e, build_cast(same, e->precision));
}

CALL(bincount) {
  UNUSED;
  Node *ids = slot_tensor(e, at, &slot[0]);
  if (!ids) return value_unknown();
  if (!dtype_is_int(ids->type.dtype) || !ids->type.bound)
    return slot_error(e, at, &slot[0], "indices with a known bound, int<K>[…]");
  Node *weights = slot[1].value ? slot_float(e, at, &slot[1]) : build_number(e->graph, e->precision, 1);
  if (!weights) return value_unknown();
  if (weights->type.rank == 0) weights = build_expand(weights, ids->type.rank, ids->type.size);
  if (!type_same_shape(&weights->type, &ids->type))
    return slot_error(e, at, &slot[1], "one weight for each index");
  return value_tensor(e, build_scatter_add(ids, weights, ids->type.bound));
}

/* The bin of a value in 0..1; what lies outside goes to the first or the last. */
CALL(bucket) {
  UNUSED;
  Node *x = slot_float(e, at, &slot[0]);
  if (!x || slot[1].value->kind != VALUE_INT) return slot_error(e, at, &slot[1], "a number of bins");
  Node *bins = build_cast(build_extent(e->graph, slot[1].value->u.dim), x->type.dtype);
  Node *last = build_sub(bins, build_number(e->graph, x->type.dtype, 1));
  Node *bin =
      build_min(build_max(build_floor(build_mul(x, bins)), build_number(e->graph, x->type.dtype, 0)), last);
  Node *out = build_cast(bin, DTYPE_I32);
  out->type.bound = slot[1].value->u.dim;
  return value_tensor(e, out);
}

/* Indices with a bound that the program vouches for. */
CALL(bounded) {
  UNUSED;
  Node *x = slot_tensor(e, at, &slot[0]);
  if (!x || slot[1].value->kind != VALUE_INT) return slot_error(e, at, &slot[1], "a bound");
  if (!dtype_is_int(x->type.dtype)) return slot_error(e, at, &slot[0], "whole numbers");
  Node *top = build_cast(build_extent(e->graph, dim_sub(slot[1].value->u.dim, dim_of(1))), x->type.dtype);
  Node *out = build_max(build_min(x, top), build_whole(e->graph, x->type.dtype, 0));
  out->type.bound = slot[1].value->u.dim;
  return value_tensor(e, out);
}

static const Builtin rows[] = {
    {"sum", "x axis? keep?", sum, "sum over all dims, or over axis="},
    {"mean", "x axis? keep?", mean, "mean over all dims, or over axis="},
    {"max", "x axis? keep?", max, "largest over all dims or axis=; of two, element by element"},
    {"min", "x axis? keep?", min, "smallest over all dims or axis=; of two, element by element"},
    {"any", "x axis? keep?", any, "is one true"},
    {"all", "x axis? keep?", all, "are all true"},
    {"argmax", "x", argmax, "index of the largest along the last dim"},
    {"argmin", "x", argmin, "index of the smallest along the last dim"},
    {"cumsum", "x", cumsum, "running sum along the last dim"},
    {"float", "x", to_float, "as floats"},
    {"int", "x", to_int, "as whole numbers, truncated"},
    {"bool", "x", to_bool, "true where not zero"},
    {"conv2d", "x k stride? pad? groups? dilation?", conv2d,
     "convolution of images [B, H, W, C] with kernels [h, w, C / groups, filters]"},
    {"max_pool", "x size stride? pad?", max_pool, "largest of each window of images [B, H, W, C]"},
    {"pick", "x ids", pick, "the element of each row that its index names"},
    {"one_hot", "ids", one_hot, "1 at the index, 0 elsewhere"},
    {"bincount", "ids weights?", bincount, "how often each index occurs, or the sum of its weights"},
    {"bucket", "x n", bucket, "which of n equal bins of 0..1 a value falls into"},
    {"bounded", "x K", bounded, "indices clamped below K, with that bound"},
};
const BuiltinTable builtins_math = {rows, (int)(sizeof(rows) / sizeof(*rows))};
