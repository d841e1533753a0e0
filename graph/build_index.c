/* Constructors of what looks elements up by number: orders, gathers along any axis, replaced and largest rows.
 *
 * Only the first axis has kernels of its own. Along another one the axes before it are counted into the ids, so
 * that the tensor is read where it lies: x [a, n, c] becomes [a * n, c] and id i of slice k becomes k * n + i.
 * Ids outside their axis would then name another slice, so they become -1, which reads zeros everywhere. */
#include "graph/build.h"

#include <assert.h>

static bool is_large(const Dim *count) {
  int64_t number;
  return !dim_is_number(count, &number) || number > INT32_MAX;
}

Node *build_order(Node *x, const Dim *count, bool largest) {
  int rank = x->type.rank;
  int64_t number;
  assert(rank >= 1);
  const Dim *size = x->type.size[rank - 1];
  Type type = x->type;
  type.dtype = dim_is_number(size, &number) && number > INT32_MAX ? DTYPE_I64 : DTYPE_I32;
  type.running = false, type.bound = size;
  type.size[rank - 1] = count;
  Attr attr = {.flag = {largest}};
  return graph_add(x->graph, OP_ORDER, &type, &x, 1, &attr);
}

/* ids as they are where they lie in 0..size, else -1; of `dtype`. */
static Node *ids_inside(Node *ids, const Dim *size, DType dtype) {
  bool safe = ids->type.bound && ids->type.bound == size;
  ids = build_cast(ids, dtype);
  if (safe) return ids;
  Node *zero = build_whole(ids->graph, dtype, 0), *end = build_cast(build_extent(ids->graph, size), dtype);
  Node *inside = build_and(build_ge(ids, zero), build_lt(ids, end));
  return build_where(inside, ids, build_whole(ids->graph, dtype, -1));
}

/* places + ids, or -1 where the id is. */
static Node *ids_moved(Node *ids, Node *places) {
  Node *none = build_whole(ids->graph, ids->type.dtype, -1);
  return build_where(build_lt(ids, build_whole(ids->graph, ids->type.dtype, 0)), none,
                     build_add(ids, places));
}

Node *build_gather_along(Node *x, Node *ids, int axis) {
  const Type *from = &x->type;
  int lead = ids->type.rank, rank = from->rank + lead - 1;
  assert(axis >= 0 && axis < from->rank && rank <= MAX_RANK);
  if (axis == 0) return build_gather(x, ids);
  const Dim *before = dim_of(1), *size = from->size[axis];
  for (int i = 0; i < axis; i++) before = dim_mul(before, from->size[i]);
  const Dim *flat[MAX_RANK] = {dim_mul(before, size)}, *places[MAX_RANK], *shape[MAX_RANK];
  DType dtype = is_large(flat[0]) ? DTYPE_I64 : DTYPE_I32;
  for (int i = axis + 1; i < from->rank; i++) flat[i - axis] = from->size[i];
  places[0] = before;
  for (int i = 0; i < lead; i++) places[1 + i] = ids->type.size[i];
  Node *inside = build_expand(ids_inside(ids, size, dtype), 1 + lead, places);
  Node *slice = build_cast(build_index(x->graph, 1 + lead, places, 0), dtype);
  Node *start = build_mul(slice, build_cast(build_extent(x->graph, size), dtype));
  Node *y = build_gather(build_reshape(x, from->rank - axis, flat), ids_moved(inside, start));
  Name name[MAX_RANK];
  for (int i = 0; i < rank; i++) {
    const Type *source = i >= axis && i < axis + lead ? &ids->type : from;
    int at = i < axis ? i : i < axis + lead ? i - axis : i - lead + 1;
    shape[i] = source->size[at], name[i] = source->name[at];
  }
  y = build_reshape(y, rank, shape);
  for (int i = 0; i < rank; i++) y->type.name[i] = name[i];
  return y;
}

/* The place of each id in the flattened x: ids [..., k] of rows [..., n]. */
static Node *row_places(Node *ids, const Dim *size) {
  int rank = ids->type.rank;
  const Dim *rows = dim_of(1);
  for (int i = 0; i + 1 < rank; i++) rows = dim_mul(rows, ids->type.size[i]);
  DType dtype = is_large(dim_mul(rows, size)) ? DTYPE_I64 : DTYPE_I32;
  const Dim *shape[2] = {rows, ids->type.size[rank - 1]};
  Node *inside = build_reshape(ids_inside(ids, size, dtype), 2, shape);
  Node *row = build_cast(build_index(ids->graph, 2, shape, 0), dtype);
  Node *start = build_mul(row, build_cast(build_extent(ids->graph, size), dtype));
  return build_reshape(ids_moved(inside, start), rank, ids->type.size);
}

Node *build_take(Node *x, Node *ids) {
  int rank = x->type.rank;
  assert(rank >= 1 && ids->type.rank == rank);
  const Dim *flat = type_elements(&x->type);
  Node *y = build_gather(build_reshape(x, 1, &flat), row_places(ids, x->type.size[rank - 1]));
  for (int i = 0; i < rank; i++) y->type.name[i] = x->type.name[i];
  return y;
}

Node *build_marks(Node *ids, const Dim *size) {
  int rank = ids->type.rank;
  assert(rank >= 1);
  const Dim *full[MAX_RANK], *flat = size;
  for (int i = 0; i + 1 < rank; i++) full[i] = ids->type.size[i], flat = dim_mul(flat, full[i]);
  full[rank - 1] = size;
  Node *one = build_expand(build_whole(ids->graph, DTYPE_I32, 1), rank, ids->type.size);
  Node *hits = build_scatter_add(row_places(ids, size), one, flat);
  return build_reshape(build_gt(hits, build_like(hits, 0)), rank, full);
}

static Type rows_type(const Node *ids, const Node *v, const Dim *rows) {
  int lead = ids->type.rank;
  assert(v->type.rank >= lead && v->type.rank - lead < MAX_RANK && dtype_is_int(ids->type.dtype));
  Type type = {.dtype = v->type.dtype, .rank = v->type.rank - lead + 1};
  type.size[0] = rows;
  for (int i = 1; i < type.rank; i++)
    type.size[i] = v->type.size[i + lead - 1], type.name[i] = v->type.name[i + lead - 1];
  return type;
}

Node *build_scatter_max(Node *ids, Node *v, const Dim *rows) {
  Type type = rows_type(ids, v, rows);
  return graph_add(v->graph, OP_SCATTER_MAX, &type, (Node *[]){ids, v}, 2, NULL);
}

Node *build_put(Node *x, Node *ids, Node *v) {
  Type type = x->type;
  if (v->type.bound != type.bound) type.bound = NULL;
  return graph_add(x->graph, OP_PUT, &type, (Node *[]){x, ids, v}, 3, NULL);
}

/* ---- running and whole products --------------------------------------------------------------------------------- */

Node *build_cumprod(Node *x) {
  int last = x->type.rank - 1;
  int64_t count = dim_number(x->type.size[last]);
  for (int64_t step = 1; step < count; step *= 2) {
    Node *before = build_slice(x, last, dim_of(0), dim_of(count - step), 1);
    x = build_mul(x, build_pad(before, last, dim_of(step), dim_of(0), 1));
  }
  return x;
}

Node *build_prod(Node *x, int axis) {
  int64_t count = dim_number(x->type.size[axis]);
  if (count == 0) {
    Type type = x->type;
    type.size[axis] = dim_of(1);
    return build_expand(dtype_is_float(type.dtype) ? build_number(x->graph, type.dtype, 1)
                                                   : build_whole(x->graph, type.dtype, 1),
                        type.rank, type.size);
  }
  for (; count > 1; count = (count + 1) / 2) {
    const Dim *half = dim_of((count + 1) / 2);
    Node *first = build_slice(x, axis, dim_of(0), half, 1);
    Node *second = build_slice(x, axis, half, dim_of(count / 2), 1);
    x = build_mul(first, build_pad(second, axis, dim_of(0), dim_of(count % 2), 1));
  }
  return x;
}
