/* Derivatives, op by op, in two tables: which inputs have one, and a function that builds it.
 *
 * Rows of maps and reductions bring theirs in ops.def; those of views and kernels are written here. Every rule is
 * made of ops that have rules themselves, so gradients can be differentiated again. Where a row carries GUARD, the
 * derivative may be infinite although the value was masked: then dy is 0, and 0 * inf must count as 0. Only a NaN
 * is replaced, so that the second derivative by dy, which is f', stays right where dy happens to be 0. */
#include "autodiff/rules.h"

#include "autodiff/rules_linear.h"
#include "graph/build.h"

#include <assert.h>
#include <math.h>

typedef Node *GradientRule(Node *y, int input, Node *dy);

#define NONE NULL

/* ---- reductions ------------------------------------------------------------------------------------------- */

/* Where each element of x stands among those that are reduced together: row-major over the axes. */
static Node *reduced_position(Node *x, const Attr *attr) {
  const Type *type = &x->type;
  Node *position = build_index(x->graph, type->rank, type->size, attr->axis[0]);
  for (int i = 1; i < attr->axes; i++) {
    Node *next = build_index(x->graph, type->rank, type->size, attr->axis[i]);
    Node *before =
        build_mul(build_cast(position, DTYPE_I64), build_extent(x->graph, type->size[attr->axis[i]]));
    position = build_add(before, build_cast(next, DTYPE_I64));
  }
  return position;
}

/* The whole gradient goes to the first of the elements that have the value y, or to the first NaN. */
static Node *grad_reduce_first(Node *x, Node *y, Node *dy) {
  const Attr *attr = &y->attr;
  const Dim *count = dim_of(1);
  for (int i = 0; i < attr->axes; i++) count = dim_mul(count, x->type.size[attr->axis[i]]);
  Node *hit = build_or(build_eq(x, build_expand_like(y, x)), build_isnan(x));
  Node *position = reduced_position(x, attr);
  Node *none = build_cast(build_extent(x->graph, count), position->type.dtype);
  Node *first = build_reduce(OP_REDUCE_MIN, build_where(hit, position, none), attr->axis, attr->axes, true);
  Node *chosen = build_eq(position, build_expand_like(first, x));
  return build_where(chosen, build_expand_like(dy, x), build_like(x, 0));
}

/* sqrt(pi) / 2 * exp(y^2); infinite where y is, but not by way of y, which would make second derivatives NaN. */
static Node *grad_erfinv(Node *y) {
  Node *finite = build_isfinite(y), *safe = build_where(finite, y, build_like(y, 0));
  Node *slope = build_mul(build_like(y, 0.886226925452758013649), build_exp(build_mul(safe, safe)));
  return build_where(finite, slope, build_like(y, INFINITY));
}

/* ---- maps and reductions, from their rows ----------------------------------------------------------------- */

#define MAP1(name, doc, takes, gives, guard, value, dx)                                                      \
  static Node *gradient_##name(Node *y, int input, Node *dy) {                                               \
    Node *x = y->src[input];                                                                                 \
    (void)x, (void)dy;                                                                                       \
    return dx;                                                                                               \
  }
#define MAP2(name, doc, takes, gives, guard, value, da, db)                                                  \
  static Node *gradient_##name(Node *y, int input, Node *dy) {                                               \
    Node *a = y->src[0], *b = y->src[1];                                                                     \
    (void)a, (void)b, (void)dy;                                                                              \
    return input == 0 ? da : db;                                                                             \
  }
#define MAP3(name, doc, takes, gives, guard, value, da, db)                                                  \
  static Node *gradient_##name(Node *y, int input, Node *dy) {                                               \
    Node *c = y->src[0];                                                                                     \
    return input == 1 ? da : db;                                                                             \
  }
#define REDUCE(name, doc, takes, start, combine, dx)                                                         \
  static Node *gradient_##name(Node *y, int input, Node *dy) {                                               \
    Node *x = y->src[input];                                                                                 \
    return dx;                                                                                               \
  }
#include "lang/ops.def"
#undef MAP1
#undef MAP2
#undef MAP3
#undef REDUCE
#undef NONE

static Node *gradient_cast(Node *y, int input, Node *dy) { return build_cast(dy, y->src[input]->type.dtype); }

/* ---- views ------------------------------------------------------------------------------------------------ */

static Node *gradient_reshape(Node *y, int input, Node *dy) {
  const Type *x = &y->src[input]->type;
  return build_reshape(dy, x->rank, x->size);
}

static Node *gradient_permute(Node *y, int input, Node *dy) {
  int order[MAX_RANK];
  (void)input;
  for (int i = 0; i < y->type.rank; i++) order[y->attr.axis[i]] = i;
  return build_permute(dy, order);
}

static Node *gradient_expand(Node *y, int input, Node *dy) {
  const Type *x = &y->src[input]->type;
  int axis[MAX_RANK], axes = 0;
  for (int i = 0; i < x->rank; i++)
    if (x->size[i] != y->type.size[i]) axis[axes++] = i;
  return build_reduce(OP_REDUCE_SUM, dy, axis, axes, true);
}

/* dy spread out again: step - 1 zeros behind each slice of axis 1 of [outer, length, inner]. */
static Node *spread(Node *dy, const Dim *outer, const Dim *length, const Dim *inner, int64_t step) {
  const Dim *apart[4] = {outer, length, dim_of(1), inner};
  const Dim *whole[3] = {outer, dim_mul(length, dim_of(step)), inner};
  Node *padded = build_pad(build_reshape(dy, 4, apart), 2, dim_of(0), dim_of(step - 1), 0);
  return build_reshape(padded, 3, whole);
}

static Node *gradient_slice(Node *y, int input, Node *dy) {
  const Type *x = &y->src[input]->type;
  int axis = y->attr.axis[0];
  int64_t step = y->attr.whole;
  const Dim *start = y->attr.dim[0], *length = y->type.size[axis], *size = x->size[axis];
  const Dim *rest = dim_sub(dim_sub(size, start), dim_mul(length, dim_of(step)));
  if (step == 1) return build_pad(dy, axis, start, rest, 0);
  const Dim *outer = dim_of(1), *inner = dim_of(1);
  for (int i = 0; i < axis; i++) outer = dim_mul(outer, x->size[i]);
  for (int i = axis + 1; i < x->rank; i++) inner = dim_mul(inner, x->size[i]);
  /* The last element may have fewer than step - 1 behind it: pad further by that many, then cut. */
  Node *wide =
      build_pad(spread(dy, outer, length, inner, step), 1, start, dim_add(rest, dim_of(step - 1)), 0);
  return build_reshape(build_slice(wide, 1, dim_of(0), size, 1), x->rank, x->size);
}

static Node *gradient_flip(Node *y, int input, Node *dy) {
  (void)input;
  return build_flip(dy, y->attr.axis[0]);
}

static Node *gradient_pad(Node *y, int input, Node *dy) {
  int axis = y->attr.axis[0];
  return build_slice(dy, axis, y->attr.dim[0], y->src[input]->type.size[axis], 1);
}

static Node *gradient_concat(Node *y, int input, Node *dy) {
  int axis = y->attr.axis[0];
  const Dim *start = dim_of(0);
  for (int i = 0; i < input; i++) start = dim_add(start, y->src[i]->type.size[axis]);
  return build_slice(dy, axis, start, y->src[input]->type.size[axis], 1);
}

/* ---- kernels ---------------------------------------------------------------------------------------------- */

/* Y = A B, so dA = dY B', dB = A' dY; an input that stands transposed gets its gradient transposed. */
static Node *gradient_matmul(Node *y, int input, Node *dy) {
  Node *a = y->src[0], *b = y->src[1];
  bool ta = y->attr.flag[0], tb = y->attr.flag[1];
  if (input == 0) return ta ? build_matmul(b, dy, tb, true) : build_matmul(dy, b, false, !tb);
  return tb ? build_matmul(dy, a, true, ta) : build_matmul(a, dy, !ta, false);
}

/* The three convolutions are one form, linear in each of x, k and y, so they are each other's gradients. */
static Node *gradient_conv2d(Node *y, int input, Node *dy) {
  Node *x = y->src[0], *k = y->src[1];
  if (input == 0) return build_conv2d_grad_input(dy, k, &x->type, &y->attr.window);
  return build_conv2d_grad_kernel(x, dy, &k->type, &y->attr.window);
}

static Node *gradient_conv2d_grad_input(Node *y, int input, Node *dy) {
  Node *out = y->src[0], *k = y->src[1];
  if (input == 0) return build_conv2d(dy, k, &y->attr.window);
  return build_conv2d_grad_kernel(dy, out, &k->type, &y->attr.window);
}

static Node *gradient_conv2d_grad_kernel(Node *y, int input, Node *dy) {
  Node *x = y->src[0], *out = y->src[1];
  if (input == 0) return build_conv2d_grad_input(out, dy, &x->type, &y->attr.window);
  return build_conv2d(x, dy, &y->attr.window);
}

static Node *gradient_pool_max(Node *y, int input, Node *dy) {
  return build_pool_max_grad(y->src[input], y, dy, &y->attr.window);
}

/* What one cell of each window holds: x [b, h, w, c], padded, at every place of the window. */
static Node *window_cell(Node *padded, const Node *out, const Window *window, const int cell[2]) {
  for (int d = 0; d < 2; d++)
    padded = build_slice(padded, 1 + d, dim_of((int64_t)cell[d] * window->dilation[d]), out->type.size[1 + d],
                         window->stride[d]);
  return padded;
}

static Node *window_pad(Node *x, const Window *window, double fill) {
  for (int d = 0; d < 2; d++)
    x = build_pad(x, 1 + d, dim_of(window->front[d]), dim_of(window->back[d]), fill);
  return x;
}

/* pool_max_grad is linear in its dy: it brings each window's number to the first largest cell. Its gradient takes
 * the number of that cell, found again by looking at all cells of the windows in order. */
static Node *gradient_pool_max_grad(Node *y, int input, Node *dy) {
  const Window *window = &y->attr.window;
  Node *x = y->src[0], *largest = y->src[1];
  (void)input;
  Node *cells = window_pad(x, window, -INFINITY), *numbers = window_pad(dy, window, 0);
  Node *inside = window_pad(build_expand_like(build_whole(x->graph, DTYPE_BOOL, 1), x), window, 0);
  Node *taken = build_expand_like(build_whole(x->graph, DTYPE_BOOL, 0), largest),
       *sum = build_like(largest, 0);
  for (int i = 0; i < window->size[0]; i++)
    for (int k = 0; k < window->size[1]; k++) {
      int at[2] = {i, k};
      Node *cell = window_cell(cells, largest, window, at);
      Node *hit = build_or(build_eq(cell, largest), build_isnan(cell));
      hit = build_and(build_and(hit, window_cell(inside, largest, window, at)), build_not(taken));
      sum = build_where(hit, window_cell(numbers, largest, window, at), sum);
      taken = build_or(taken, hit);
    }
  return sum;
}

static Node *gradient_gather(Node *y, int input, Node *dy) {
  return build_scatter_add(y->src[1], dy, y->src[input]->type.size[0]);
}

static Node *gradient_scatter_add(Node *y, int input, Node *dy) {
  (void)input;
  return build_gather(dy, y->src[0]);
}

static Node *gradient_cumsum(Node *y, int input, Node *dy) {
  int last = y->type.rank - 1;
  (void)input;
  return build_flip(build_cumsum(build_flip(dy, last)), last);
}

/* Where each slice of ids.shape stands among them, row-major; i64 of ids' shape. */
static Node *id_position(Node *ids) {
  const Dim *count = type_elements(&ids->type);
  return build_cast(build_reshape(build_index(ids->graph, 1, &count, 0), ids->type.rank, ids->type.size),
                    DTYPE_I64);
}

/* A number of each id beside every element of its slice. */
static Node *beside_slices(Node *numbers, const Node *v) {
  const Dim *size[MAX_RANK];
  for (int i = 0; i < v->type.rank; i++) size[i] = i < numbers->type.rank ? numbers->type.size[i] : dim_of(1);
  return build_expand_like(build_reshape(numbers, v->type.rank, size), v);
}

/* The gradient of the largest goes to the first slice that has it. */
static Node *gradient_scatter_max(Node *y, int input, Node *dy) {
  Node *ids = y->src[0], *v = y->src[input];
  Node *hit = build_or(build_eq(v, build_gather(y, ids)), build_isnan(v));
  Node *late = beside_slices(build_neg(id_position(ids)), v);
  Node *none = build_neg(build_extent(v->graph, type_elements(&ids->type)));
  Node *place = build_where(hit, late, none);
  Node *first = build_gather(build_scatter_max(ids, place, y->type.size[0]), ids);
  Node *chosen = build_and(hit, build_eq(place, first));
  return build_where(chosen, build_gather(dy, ids), build_like(v, 0));
}

/* What was replaced has none; of two slices with one id only the later counts. */
static Node *gradient_put(Node *y, int input, Node *dy) {
  Node *ids = y->src[1], *v = y->src[2];
  if (input == 0) return build_put(dy, ids, build_like(v, 0));
  Node *whole = build_gather(dy, ids);
  if (ids->type.rank == 0) return whole;
  Node *place = id_position(ids);
  Node *last = build_gather(build_scatter_max(ids, place, y->type.size[0]), ids);
  return build_where(beside_slices(build_eq(place, last), v), whole, build_like(v, 0));
}

#define gradient_order NULL // positions have none

/* ---- the tables ------------------------------------------------------------------------------------------- */

#define MAP1(name, doc, takes, gives, guard, value, dx)     [OP_AT_##name] = gradient_##name,
#define MAP2(name, doc, takes, gives, guard, value, da, db) [OP_AT_##name] = gradient_##name,
#define MAP3(name, doc, takes, gives, guard, value, da, db) [OP_AT_##name] = gradient_##name,
#define CAST(name, doc)                                     [OP_AT_##name] = gradient_##name,
#define REDUCE(name, doc, takes, start, combine, dx)        [OP_AT_##name] = gradient_##name,
#define VIEW(name, doc)                                     [OP_AT_##name] = gradient_##name,
#define KERNEL(name, inputs, doc)                           [OP_AT_##name] = gradient_##name,
static GradientRule *const gradient_rule[OP_COUNT] = {
#include "lang/ops.def"
};
#undef MAP1
#undef MAP2
#undef MAP3
#undef CAST
#undef REDUCE
#undef VIEW
#undef KERNEL

#define EVERY_INPUT                                     (~0u)
#define MAP1(name, doc, takes, gives, guard, value, dx) [OP_AT_##name] = ROW_HAS_GRADIENT(dx),
#define MAP2(name, doc, takes, gives, guard, value, da, db)                                                  \
  [OP_AT_##name] = ROW_HAS_GRADIENT(da) | ROW_HAS_GRADIENT(db) << 1,
#define MAP3(name, doc, takes, gives, guard, value, da, db)                                                  \
  [OP_AT_##name] = ROW_HAS_GRADIENT(da) << 1 | ROW_HAS_GRADIENT(db) << 2,
#define REDUCE(name, doc, takes, start, combine, dx) [OP_AT_##name] = ROW_HAS_GRADIENT(dx),
#define VIEW(name, doc)                              [OP_AT_##name] = EVERY_INPUT,
static const unsigned passing_inputs[OP_COUNT] = {
// bit i: input i
#include "lang/ops.def"
    [OP_CAST] = 1 << 0,
    [OP_MATMUL] = 1 << 0 | 1 << 1,
    [OP_CONV2D] = 1 << 0 | 1 << 1,
    [OP_CONV2D_GRAD_INPUT] = 1 << 0 | 1 << 1,
    [OP_CONV2D_GRAD_KERNEL] = 1 << 0 | 1 << 1,
    [OP_POOL_MAX] = 1 << 0,
    [OP_POOL_MAX_GRAD] = 1 << 2,
    [OP_GATHER] = 1 << 0,
    [OP_SCATTER_ADD] = 1 << 1,
    [OP_CUMSUM] = 1 << 0,
    [OP_SCATTER_MAX] = 1 << 1,
    [OP_CHOLESKY] = 1 << 0,
    [OP_SOLVE] = 1 << 0 | 1 << 1,
    [OP_DET] = 1 << 0,
    [OP_QR] = 1 << 0,
    [OP_EIGH] = 1 << 0,
    [OP_SVD] = 1 << 0,
    [OP_FFT] = 1 << 0,
    [OP_PUT] = 1 << 0 | 1 << 2,
};

bool rule_passes(const Node *node, int input) {
  bool passes = input >= 32 ? passing_inputs[node->op] == EVERY_INPUT : passing_inputs[node->op] >> input & 1;
  return passes && dtype_is_float(node->type.dtype) && dtype_is_float(node->src[input]->type.dtype);
}

Node *rule_gradient(Node *y, int input, Node *dy) {
  assert(rule_passes(y, input));
  Node *gradient = gradient_rule[y->op](y, input, dy);
  if (op_table[y->op].guard) {
    Node *masked = build_and(build_eq(dy, build_like(dy, 0)), build_isnan(gradient));
    gradient = build_where(masked, build_like(dy, 0), gradient);
  }
  assert(type_same_shape(&gradient->type, &y->src[input]->type));
  return gradient;
}
