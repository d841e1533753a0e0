/* Constructors of maps, sources and reductions. Views and kernels are built in build_view.c and build_kernel.c.
 *
 * Only here scalars meet tensors: they are cast and expanded, so that behind the builders every map has inputs of
 * one shape. A reduction becomes nodes of two forms, "the last axis" and "some before the last", by the shape
 * alone, so the order of sums is fixed before anything is optimised. */
#include "graph/build.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

/* ---- maps ------------------------------------------------------------------------------------------------- */

#define MAP1(name, doc, takes, gives, guard, value, dx)                                                      \
  Node *build_##name(Node *x) { return build_map((OpCode)OP_AT_##name, (Node *[]){x}); }
#define MAP2(name, doc, takes, gives, guard, value, da, db)                                                  \
  Node *build_##name(Node *a, Node *b) { return build_map((OpCode)OP_AT_##name, (Node *[]){a, b}); }
#define MAP3(name, doc, takes, gives, guard, value, da, db)                                                  \
  Node *build_##name(Node *c, Node *a, Node *b) {                                                            \
    return build_map((OpCode)OP_AT_##name, (Node *[]){c, a, b});                                             \
  }
#include "lang/ops.def"
#undef MAP1
#undef MAP2
#undef MAP3

/* The dtype that inputs first… meet in: of one that is not running, else theirs, and running. */
static Type map_dtype(Node *const *src, int first, int arity) {
  Type type = type_scalar(src[first]->type.dtype);
  type.running = true;
  for (int i = first; i < arity; i++)
    if (!src[i]->type.running) {
      assert((type.running || type.dtype == src[i]->type.dtype) && "build_map: dtypes differ");
      type.dtype = src[i]->type.dtype, type.running = false;
    }
  return type;
}

/* The bound of a result whose elements are elements of the inputs. */
static const Dim *map_bound(OpCode op, Node *const *src, int arity) {
  if (op == OP_STOP) return src[0]->type.bound;
  if (op != OP_WHERE && op != OP_MIN && op != OP_MAX) return NULL;
  const Dim *bound = src[arity - 1]->type.bound;
  return src[arity - 2]->type.bound == bound ? bound : NULL;
}

Node *build_map(OpCode op, Node *const *src) {
  const OpRow *row = &op_table[op];
  int arity = row->arity, first = op == OP_WHERE;
  assert(row->group == GROUP_MAP && op != OP_CAST);
  Type type = map_dtype(src, first, arity);
  Node *input[3] = {NULL};
  const Node *shaped = src[0];
  for (int i = 0; i < arity; i++)
    if (src[i]->type.rank > shaped->type.rank) shaped = src[i];
  for (int i = 0; i < arity; i++) {
    input[i] = src[i];
    if (i >= first && src[i]->type.running && !type.running) {
      assert(dtype_is_float(type.dtype) && "build_map: a running scalar beside integers");
      input[i] = build_cast(input[i], type.dtype);
    }
    if (src[i]->type.rank == 0) input[i] = build_expand_like(input[i], shaped);
    assert(type_same_shape(&input[i]->type, &shaped->type) && "build_map: shapes differ");
  }
  assert(op_takes(op, type.dtype) && "build_map: not defined for this dtype");
  type.rank = shaped->type.rank;
  for (int d = 0; d < type.rank; d++) {
    type.size[d] = shaped->type.size[d];
    for (int i = 0; i < arity && !type.name[d]; i++) type.name[d] = input[i]->type.name[d];
  }
  if (row->gives == 'B')
    type.dtype = DTYPE_BOOL, type.running = false;
  else
    type.bound = map_bound(op, src, arity);
  return graph_add(shaped->graph, op, &type, input, arity, NULL);
}

Node *build_cast(Node *x, DType dtype) {
  if (x->type.dtype == dtype && !x->type.running) return x;
  Type type = x->type;
  type.dtype = dtype, type.running = false;
  if (!dtype_is_int(dtype) || !dtype_is_int(x->type.dtype)) type.bound = NULL;
  return graph_add(x->graph, OP_CAST, &type, &x, 1, NULL);
}

Node *build_share(Node *a, Node *b, OpCode op) {
  Node *equal = build_where(build_eq(a, b), build_like(a, 0.5), build_like(a, 0));
  return build_where(build_map(op, (Node *[]){a, b}), build_like(a, 1), equal);
}

/* ---- sources ---------------------------------------------------------------------------------------------- */

Node *build_number(Graph *graph, DType dtype, double number) {
  assert(dtype_is_float(dtype));
  Type type = type_scalar(dtype);
  Attr attr = {.number = dtype == DTYPE_F32 ? (double)(float)number : number};
  return graph_add(graph, OP_CONSTANT, &type, NULL, 0, &attr);
}

Node *build_whole(Graph *graph, DType dtype, int64_t number) {
  assert(!dtype_is_float(dtype));
  Type type = type_scalar(dtype);
  Attr attr = {.whole = number};
  return graph_add(graph, OP_CONSTANT, &type, NULL, 0, &attr);
}

Node *build_like(Node *x, double number) {
  DType dtype = x->type.dtype;
  Node *scalar = dtype_is_float(dtype) ? build_number(x->graph, dtype, number)
                                       : build_whole(x->graph, dtype, (int64_t)number);
  scalar->type.running = x->type.running;
  return build_expand_like(scalar, x);
}

Node *build_extent(Graph *graph, const Dim *dim) {
  Type type = type_scalar(DTYPE_I64);
  Attr attr = {.dim = {dim, NULL}};
  return graph_add(graph, OP_EXTENT, &type, NULL, 0, &attr);
}

Node *build_read(Graph *graph, Variable *variable) {
  Attr attr = {.variable = variable};
  return graph_add(graph, OP_READ, &variable->type, NULL, 0, &attr);
}

Node *build_index(Graph *graph, int rank, const Dim *const *size, int axis) {
  assert(axis >= 0 && axis < rank);
  int64_t number;
  bool large = dim_is_number(size[axis], &number) && number > INT32_MAX;
  Type type = type_of(large ? DTYPE_I64 : DTYPE_I32, rank, size);
  type.bound = size[axis];
  Attr attr = {.axis = {axis}, .axes = 1};
  return graph_add(graph, OP_INDEX, &type, NULL, 0, &attr);
}

Node *build_random(Graph *graph, DType dtype, int rank, const Dim *const *size, uint64_t site) {
  assert(dtype_is_float(dtype));
  Type type = type_of(dtype, rank, size);
  Attr attr = {.site = site};
  return graph_add(graph, OP_RANDOM, &type, NULL, 0, &attr);
}

/* ---- reductions ------------------------------------------------------------------------------------------- */

static Node *reduce_node(OpCode op, Node *x, const int *axis, int axes) {
  Type type = x->type;
  Attr attr = {.axes = axes};
  for (int i = 0; i < axes; i++) {
    attr.axis[i] = axis[i];
    type.size[axis[i]] = dim_of(1);
  }
  if (op == OP_REDUCE_SUM) type.bound = NULL;
  return graph_add(x->graph, op, &type, &x, 1, &attr);
}

Node *build_reduce(OpCode op, Node *x, const int *axis, int axes, bool keep) {
  int rank = x->type.rank, outer[MAX_RANK], outers = 0;
  bool reduced[MAX_RANK] = {false};
  if (axes == 0) return x;
  for (int i = 0; i < axes; i++) {
    assert(axis[i] >= 0 && axis[i] < rank && (i == 0 || axis[i] > axis[i - 1]));
    reduced[axis[i]] = true;
    if (axis[i] < rank - 1) outer[outers++] = axis[i];
  }
  Node *y = x;
  if (reduced[rank - 1]) y = reduce_node(op, y, &(int){rank - 1}, 1);
  if (outers == rank - 1 && outers > 0 && reduced[rank - 1]) {
    const Dim *flat = type_elements(&y->type);
    y = reduce_node(op, build_reshape(y, 1, &flat), &(int){0}, 1);
  } else if (outers > 0) {
    y = reduce_node(op, y, outer, outers);
  }
  if (keep && y->type.rank == rank) return y;
  const Dim *size[MAX_RANK];
  Name name[MAX_RANK];
  int left = 0;
  for (int i = 0; i < rank; i++)
    if (keep || !reduced[i]) {
      size[left] = reduced[i] ? dim_of(1) : x->type.size[i];
      name[left++] = x->type.name[i];
    }
  y = build_reshape(y, left, size);
  for (int i = 0; i < left; i++) y->type.name[i] = name[i];
  return y;
}

Node *build_reduce_all(OpCode op, Node *x) {
  int axis[MAX_RANK];
  for (int i = 0; i < x->type.rank; i++) axis[i] = i;
  return build_reduce(op, x, axis, x->type.rank, false);
}

Node *build_mean(Node *x, const int *axis, int axes, bool keep) {
  const Dim *count = dim_of(1);
  for (int i = 0; i < axes; i++) count = dim_mul(count, x->type.size[axis[i]]);
  if (axes == 0) return x;
  Node *sum = build_reduce(OP_REDUCE_SUM, x, axis, axes, keep);
  Node *one = build_number(x->graph, x->type.dtype, 1);
  return build_mul(sum, build_div(one, build_cast(build_extent(x->graph, count), x->type.dtype)));
}

Node *build_argmax(Node *x, bool largest) {
  const int last[1] = {x->type.rank - 1};
  assert(last[0] >= 0);
  OpCode op = largest ? OP_REDUCE_MAX : OP_REDUCE_MIN;
  Node *best = build_expand_like(build_reduce(op, x, last, 1, true), x), *hit = build_eq(x, best);
  if (dtype_is_float(x->type.dtype)) hit = build_or(hit, build_isnan(x));
  Node *index = build_index(x->graph, x->type.rank, x->type.size, last[0]);
  Node *none = build_cast(build_extent(x->graph, x->type.size[last[0]]), index->type.dtype);
  Node *found = build_reduce(OP_REDUCE_MIN, build_where(hit, index, none), last, 1, false);
  found->type.bound = x->type.size[last[0]];
  return found;
}
