/* Built-in functions that look elements up by number, or put them in order. */
#include "interpreter/elaborate/elaborate.h"
#include "lang/problems.h"

#include <math.h>
#include <string.h>

#define CALL(name)                                                                                           \
  static const Value *name(Elaborator *e, const Ast *at, const Argument *slot, const Argument *rest,         \
                           int rests)
#define UNUSED ((void)at, (void)slot, (void)rest, (void)rests)

/* Indices: a tensor of whole numbers, or a list of known ones. */
static Node *slot_ids(Elaborator *e, const Ast *at, const Argument *slot) {
  const Value *list = slot->value;
  if (list && list->kind == VALUE_LIST && list->u.items.count > 0) {
    int count = list->u.items.count;
    Node **item = ARENA_ARRAY(e->arena, Node *, count + 1);
    for (int i = 0; i < count; i++) {
      if (list->u.items.item[i]->kind != VALUE_INT) {
        slot_error(e, at, slot, "whole numbers");
        return NULL;
      }
      item[i] = build_insert(build_extent(e->graph, list->u.items.item[i]->u.dim), 0);
    }
    return build_concat(e->graph, item, count, 0);
  }
  Node *ids = slot_tensor(e, at, slot);
  if (!ids || dtype_is_int(ids->type.dtype)) return ids;
  slot_error(e, at, slot, "indices: whole numbers, int[…] or int<K>[…]");
  return NULL;
}

/* Whether ids with a bound can only be meant for another axis than one of that size. */
static bool wrong_bound(Elaborator *e, const Ast *at, const Node *ids, const Dim *size) {
  bool known;
  if (!ids->type.bound || !(dim_compare(ids->type.bound, size, &known) > 0 && known)) return false;
  Text a = {0}, b = {0};
  dim_print(ids->type.bound, &a);
  dim_print(size, &b);
  problem_gather_bound(e->problems, at->at.source ? at->at : at->span, text_string(&a), text_string(&b));
  text_free(&a);
  text_free(&b);
  return true;
}

static bool same_lead(const Node *a, const Node *b, int count) {
  for (int i = 0; i < count; i++)
    if (a->type.size[i] != b->type.size[i]) return false;
  return true;
}

/* x with the axis that the slot names (none: the last) behind the others; *axis where it was. NULL after a
 * Problem. */
static Node *axis_at_end(Elaborator *e, const Ast *at, const Argument *slot, Node *x, int *axis) {
  if (x->type.rank < 1) {
    slot_error(e, at, slot, "a tensor with at least one dim");
    return NULL;
  }
  *axis = slot_axis(e, slot, x, -1);
  return *axis < 0 ? NULL : build_move(x, *axis, x->type.rank - 1);
}

// ---- choices --------------------------------------------------------------------------------------------------

/* x [..., K] and ids int<K>[...]: the element of each row that its id names: one term of the sum is not zero. Or
 * ids [..., k], k of each row. */
CALL(pick) {
  UNUSED;
  Node *x = slot_tensor(e, at, &slot[0]), *ids = slot_ids(e, at, &slot[1]);
  if (!x || !ids) return value_unknown();
  int rank = x->type.rank;
  bool fits =
      rank >= 1 && (ids->type.rank == rank || ids->type.rank == rank - 1) && same_lead(x, ids, rank - 1);
  if (!fits)
    return inputs_error(e, at, "pick", x, ids, "each row of the first wants one index, or k of them",
                        "all dims but the last of x must be those of the indices");
  if (wrong_bound(e, at, ids, x->type.size[rank - 1])) return value_unknown();
  if (ids->type.rank == rank) return value_tensor(e, build_take(x, ids));
  Node *places = build_index(e->graph, rank, x->type.size, rank - 1);
  Node *same = build_eq(
      places, build_expand(build_insert(build_cast(ids, places->type.dtype), rank - 1), rank, x->type.size));
  if (x->type.dtype == DTYPE_BOOL)
    return value_tensor(e,
                        build_reduce(OP_REDUCE_MAX, build_and(same, x), (const int[]){rank - 1}, 1, false));
  return value_tensor(e, build_reduce(OP_REDUCE_SUM, build_where(same, x, build_like(x, 0)),
                                      (const int[]){rank - 1}, 1, false));
}

CALL(take) {
  UNUSED;
  Node *x = slot_tensor(e, at, &slot[0]), *ids = slot_ids(e, at, &slot[1]);
  if (!x || !ids) return value_unknown();
  if (x->type.rank < 1) return slot_error(e, at, &slot[0], "a tensor with at least one dim");
  int axis = slot_axis(e, &slot[2], x, -1);
  if (axis < 0 || wrong_bound(e, at, ids, x->type.size[axis])) return value_unknown();
  if (ids->type.rank + x->type.rank > MAX_RANK) {
    problem_rank_limit(e->problems, at->span);
    return value_unknown();
  }
  return value_tensor(e, build_gather_along(x, ids, axis));
}

/* x, ids and v with their axis in front, as the kernel wants them; v of one number is spread. */
CALL(put) {
  UNUSED;
  Node *x = slot_tensor(e, at, &slot[0]), *ids = slot_ids(e, at, &slot[1]);
  if (!x || !ids) return value_unknown();
  Node *v = dtype_is_float(x->type.dtype) ? slot_float(e, at, &slot[2]) : slot_tensor(e, at, &slot[2]);
  if (!v) return value_unknown();
  if (x->type.rank < 1) return slot_error(e, at, &slot[0], "a tensor with at least one dim");
  if (dtype_is_float(x->type.dtype) != dtype_is_float(v->type.dtype))
    return inputs_error(e, at, "put", x, v, "what is put into a tensor has its kind of numbers",
                        "float(…) and int(…) convert");
  int axis = slot_axis(e, &slot[3], x, 0), rank = x->type.rank, lead = ids->type.rank;
  if (axis < 0 || wrong_bound(e, at, ids, x->type.size[axis])) return value_unknown();
  v = build_cast(v, x->type.dtype);
  Node *turned = build_move(x, axis, 0);
  const Dim *size[2 * MAX_RANK];
  for (int i = 0; i < lead; i++) size[i] = ids->type.size[i];
  for (int i = 1; i < rank; i++) size[lead + i - 1] = turned->type.size[i];
  int want = lead + rank - 1;
  bool fits = want <= MAX_RANK && v->type.rank <= want;
  if (fits && axis > 0 && lead > 0 && v->type.rank == want) // v [..., ids…, …], as x with ids at its axis
    for (int i = 0; i < lead; i++) v = build_move(v, axis + i, i);
  for (int i = 0; fits && i < v->type.rank; i++) fits = v->type.size[i] == size[want - v->type.rank + i];
  if (!fits)
    return inputs_error(e, at, "put", x, v, "the last input must have the shape of what it replaces",
                        "put(x, i, v) replaces x[i], so v has the shape of x[i], or is one number");
  Node *y = build_put(turned, ids, build_expand(v, want, size));
  return value_tensor(e, build_move(y, 0, axis));
}

static const Value *scatter(Elaborator *e, const Ast *at, const Argument *slot, const char *name,
                            bool largest) {
  Node *x = slot_tensor(e, at, &slot[0]), *ids = slot_ids(e, at, &slot[1]);
  if (!x || !ids) return value_unknown();
  if (x->type.dtype == DTYPE_BOOL) return slot_error(e, at, &slot[0], "numbers: float(…) turns true into 1");
  if (slot[2].value && slot[2].value->kind != VALUE_INT)
    return slot_error(e, at, &slot[2], "how many rows the result has: a whole number");
  const Dim *rows = slot[2].value ? slot[2].value->u.dim : ids->type.bound;
  if (!rows) return slot_error(e, at, &slot[1], "indices with a known bound, or n as a third argument");
  if (ids->type.rank > x->type.rank || !same_lead(x, ids, ids->type.rank))
    return inputs_error(e, at, name, x, ids, "every row of the first wants one index",
                        "the first dims of x must be those of the indices");
  if (wrong_bound(e, at, ids, rows)) return value_unknown();
  return value_tensor(e, largest ? build_scatter_max(ids, x, rows) : build_scatter_add(ids, x, rows));
}

CALL(scatter_sum) {
  UNUSED;
  return scatter(e, at, slot, "scatter_sum", false);
}
CALL(scatter_max) {
  UNUSED;
  return scatter(e, at, slot, "scatter_max", true);
}

// ---- orders ---------------------------------------------------------------------------------------------------

CALL(argsort) {
  UNUSED;
  int axis;
  Node *x = slot_tensor(e, at, &slot[0]);
  Node *rows = x ? axis_at_end(e, at, &slot[1], x, &axis) : NULL;
  if (!rows) return value_unknown();
  int last = x->type.rank - 1;
  return value_tensor(e, build_move(build_order(rows, rows->type.size[last], false), last, axis));
}

CALL(sort) {
  UNUSED;
  int axis;
  Node *x = slot_tensor(e, at, &slot[0]);
  Node *rows = x ? axis_at_end(e, at, &slot[1], x, &axis) : NULL;
  if (!rows) return value_unknown();
  int last = x->type.rank - 1;
  Node *order = build_order(rows, rows->type.size[last], false);
  return value_tensor(e, build_move(build_take(rows, order), last, axis));
}

/* The ids of the k largest of each row, or NULL after a Problem. */
static Node *largest_ids(Elaborator *e, const Ast *at, const Argument *slot, Node *x) {
  bool known;
  if (x->type.rank < 1) {
    slot_error(e, at, &slot[0], "a tensor with at least one dim");
    return NULL;
  }
  const Dim *size = x->type.size[x->type.rank - 1], *zero = dim_of(0);
  const Dim *count = slot[1].value->kind == VALUE_INT ? slot[1].value->u.dim : NULL;
  if (!count || (dim_compare(count, size, &known) > 0 && known) ||
      (dim_compare(count, zero, &known) < 0 && known)) {
    Text text = {0}, wanted = {0};
    dim_print(size, &text);
    text_printf(&wanted, "a number from 0 to %s, as many as there are", text_string(&text));
    slot_error(e, at, &slot[1], text_string(&wanted));
    text_free(&text);
    text_free(&wanted);
    return NULL;
  }
  return build_order(x, count, true);
}

CALL(top) {
  UNUSED;
  Node *x = slot_tensor(e, at, &slot[0]);
  return value_tensor(e, x ? largest_ids(e, at, slot, x) : NULL);
}

CALL(top_k) {
  UNUSED;
  Node *x = slot_float(e, at, &slot[0]);
  Node *ids = x ? largest_ids(e, at, slot, x) : NULL;
  if (!ids) return value_unknown();
  Node *kept = build_marks(ids, x->type.size[x->type.rank - 1]);
  return value_tensor(e, build_where(kept, x, build_like(x, -INFINITY)));
}

/* Where x would stand among numbers in order: a binary search, one gather for each halving. */
CALL(searchsorted) {
  UNUSED;
  Node *table = slot_float(e, at, &slot[0]), *x = slot_float(e, at, &slot[1]);
  if (!table || !x) return value_unknown();
  if (table->type.rank != 1) return slot_error(e, at, &slot[0], "numbers in order, [n]");
  bool right = slot[2].value && slot[2].value->kind == VALUE_BOOL && slot[2].value->u.truth;
  x = build_cast(x, table->type.dtype);
  int64_t size;
  Type type = type_of(DTYPE_I32, x->type.rank, x->type.size);
  type.bound = dim_add(table->type.size[0], dim_of(1));
  if (!axis_size(e, at, "searchsorted", table, 0, &size))
    return e->generic ? value_tensor(e, unknown_tensor(e, &type)) : value_unknown();
  if (size > INT32_MAX / 2) return slot_error(e, at, &slot[0], "at most 2^30 numbers");
  Node *zero = build_whole(e->graph, DTYPE_I32, 0), *below = build_expand_like(zero, x);
  int64_t step = 1;
  while (2 * step <= size) step *= 2;
  for (; step > 0 && size > 0; step /= 2) {
    Node *next = build_add(below, build_whole(e->graph, DTYPE_I32, step));
    Node *inside = build_le(next, build_whole(e->graph, DTYPE_I32, size));
    Node *last = build_where(inside, build_sub(next, build_whole(e->graph, DTYPE_I32, 1)), zero);
    Node *number = build_gather(table, last);
    Node *less = right ? build_le(number, x) : build_lt(number, x);
    below = build_where(build_and(inside, less), next, below);
  }
  if (below->op == OP_EXPAND) below = build_add(below, zero);
  below->type.bound = type.bound;
  return value_tensor(e, below);
}

// ---- classes --------------------------------------------------------------------------------------------------

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
  if (!x) return value_unknown();
  if (slot[1].value->kind != VALUE_INT) return slot_error(e, at, &slot[1], "a number of bins");
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
  if (!x) return value_unknown();
  if (slot[1].value->kind != VALUE_INT) return slot_error(e, at, &slot[1], "a bound");
  if (!dtype_is_int(x->type.dtype)) return slot_error(e, at, &slot[0], "whole numbers");
  Node *top = build_cast(build_extent(e->graph, dim_sub(slot[1].value->u.dim, dim_of(1))), x->type.dtype);
  Node *out = build_max(build_min(x, top), build_whole(e->graph, x->type.dtype, 0));
  out->type.bound = slot[1].value->u.dim;
  return value_tensor(e, out);
}

static const Builtin rows[] = {
    {"pick", "x ids", pick, "the element of each row that its index names, or k of them"},
    {"take", "x ids axis?", take, "slices along an axis, by their numbers"},
    {"put", "x ids value axis?", put, "x with the slices that the indices name replaced"},
    {"scatter_sum", "x ids n?", scatter_sum, "n rows: the sum of the rows of x with each index"},
    {"scatter_max", "x ids n?", scatter_max, "n rows: the largest of the rows of x with each index, or -inf"},
    {"argsort", "x axis?", argsort, "positions that sort an axis, smallest first"},
    {"sort", "x axis?", sort, "the numbers along an axis in order, smallest first"},
    {"top", "x k", top, "indices of the k largest of each row, largest first"},
    {"top_k", "x k", top_k, "x where it is among the k largest of its row, else -inf"},
    {"searchsorted", "sorted x right?", searchsorted, "how many of the numbers in order are below x"},
    {"one_hot", "ids", one_hot, "1 at the index, 0 elsewhere"},
    {"bincount", "ids weights?", bincount, "how often each index occurs, or the sum of its weights"},
    {"bucket", "x n", bucket, "which of n equal bins of 0..1 a value falls into"},
    {"bounded", "x K", bounded, "indices clamped below K, with that bound"},
};
const BuiltinTable builtins_index = {rows, (int)(sizeof(rows) / sizeof(*rows))};
