/* Constructors of nodes. Every one checks its inputs by assert only: who calls has told the user already.
 *
 * A MAP builder takes inputs of one shape, or scalars (rank 0) beside them, which it expands; dtypes must
 * agree, but a `running` scalar is cast to the dtype of the other side. Types of results come from the op's
 * row. Names of dims are kept where a dim is. */
#ifndef GRAPH_BUILD_H
#define GRAPH_BUILD_H

#include "graph/graph.h"

/* One function a MAP row: build_neg(x), build_add(a, b), build_where(c, a, b). */
#define MAP1(name, doc, takes, gives, guard, value, dx)     Node *build_##name(Node *x);
#define MAP2(name, doc, takes, gives, guard, value, da, db) Node *build_##name(Node *a, Node *b);
#define MAP3(name, doc, takes, gives, guard, value, da, db) Node *build_##name(Node *c, Node *a, Node *b);
#include "lang/ops.def"
#undef MAP1
#undef MAP2
#undef MAP3

Node *build_map(OpCode op, Node *const *src); // any MAP row by code; src has the row's arity
Node *build_cast(Node *x, DType dtype);       // x itself if it is of that dtype (and not running)

// sources
Node *build_number(Graph *graph, DType dtype, double number); // rank 0; floats
Node *build_whole(Graph *graph, DType dtype, int64_t number); // rank 0; integers and bools; bound unknown
Node *build_like(Node *x, double number);                     // number in x's dtype, expanded to x's shape
Node *build_extent(Graph *graph, const Dim *dim);             // i64 []
Node *build_read(Graph *graph, Variable *variable);
/* i32, or i64 where the size is a number past 2^31; its bound is the size of the axis. */
Node *build_index(Graph *graph, int rank, const Dim *const *size, int axis);
Node *build_random(Graph *graph, DType dtype, int rank, const Dim *const *size, uint64_t site);

// reductions; axes ascending, without `keep` the reduced dims are dropped
Node *build_reduce(OpCode op, Node *x, const int *axis, int axes, bool keep);
Node *build_reduce_all(OpCode op, Node *x);
Node *build_mean(Node *x, const int *axis, int axes, bool keep); // sum times 1/count
/* Last axis dropped; the index of the first largest (smallest), of the first NaN if there is one; its bound is
 * the size of the axis. */
Node *build_argmax(Node *x, bool largest);

// views
Node *build_reshape(Node *x, int rank, const Dim *const *size);
Node *build_permute(Node *x, const int *order);
Node *build_swap(Node *x);                                     // last two axes
Node *build_move(Node *x, int from, int to);                   // one axis to another place
Node *build_expand(Node *x, int rank, const Dim *const *size); // leading dims are added first; then 1 -> n
Node *build_expand_like(Node *x, const Node *shape);
Node *build_insert(Node *x, int axis);                                                   // a dim of 1
Node *build_drop(Node *x, int axis);                                                     // a dim of 1 removed
Node *build_slice(Node *x, int axis, const Dim *start, const Dim *length, int64_t step); // step >= 1
Node *build_flip(Node *x, int axis);
Node *build_pad(Node *x, int axis, const Dim *front, const Dim *back, double number);
Node *build_concat(Graph *graph, Node *const *x, int count, int axis);

// kernels; a Window's stride, dilation or groups of 0 stand for 1
/* Ranks >= 2 and equal, batch dims equal. */
Node *build_matmul(Node *a, Node *b, bool a_transposed, bool b_transposed);
Node *build_conv2d(Node *x, Node *k, const Window *window);
/* The gradients of conv2d; x, k as a Type: that of its input or kernel. */
Node *build_conv2d_grad_input(Node *dy, Node *k, const Type *x, const Window *window);
Node *build_conv2d_grad_kernel(Node *x, Node *dy, const Type *k, const Window *window);
Node *build_pool_max(Node *x, const Window *window);
Node *build_pool_max_grad(Node *x, Node *y, Node *dy, const Window *window);
Node *build_gather(Node *x, Node *ids);
/* The result is [rows] + v.shape[ids.rank:]. */
Node *build_scatter_add(Node *ids, Node *v, const Dim *rows);
Node *build_cumsum(Node *x); // last axis
/* The first `count` positions along the last axis if it were sorted, smallest or largest first; equal numbers keep
 * their order, NaN counts as the largest. */
Node *build_order(Node *x, const Dim *count, bool largest);
/* The largest of each slice of v by id: the result is [rows] + v.shape[ids.rank:]; what no id names is -inf, or the
 * least integer. */
Node *build_scatter_max(Node *ids, Node *v, const Dim *rows);
/* x with the slices along axis 0 that ids name replaced by those of v, of ids.shape + x.shape[1:]; of two with one
 * id the later stays. */
Node *build_put(Node *x, Node *ids, Node *v);

// made of these (build_index.c)
Node *build_gather_along(Node *x, Node *ids, int axis); // x.shape[:axis] + ids.shape + x.shape[axis + 1:]
Node *build_take(Node *x, Node *ids);                   // x [..., n] by ids [..., k], row by row: [..., k]
Node *build_marks(Node *ids, const Dim *size); // ids [..., k]: bool [..., size], true at the ids of each row
Node *build_cumprod(Node *x);                  // last axis, of known size: log2 n products
Node *build_prod(Node *x, int axis);           // of known size; the axis stays as 1

/* The share of a in the gradient of min/max: 1 where `op`(a, b), 1/2 where equal, else 0; dtype of a. */
Node *build_share(Node *a, Node *b, OpCode op);

#endif
