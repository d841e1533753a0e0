#include "graph/build_window.h"

#include <assert.h>
#include <math.h>

/* Where the planes, rows and columns of an image stand in a tensor of so many dims; -1: it has none. */
enum { PLANE, ROW, COLUMN };
static int window_axis(const WindowShape *shape, int which) { return which - (WINDOW_DIMS - shape->dims); }

static int shape_member(const int *member, const WindowShape *shape, int which, int missing) {
  int axis = window_axis(shape, which);
  return axis < 0 ? missing : member[axis];
}

/* Rows and columns of the shape. */
static Window window_of(const WindowShape *shape) {
  Window window = {.groups = shape->groups};
  for (int d = 0; d < 2; d++) {
    window.size[d] = shape_member(shape->size, shape, ROW + d, 1);
    window.stride[d] = shape_member(shape->stride, shape, ROW + d, 1);
    window.dilation[d] = shape_member(shape->dilation, shape, ROW + d, 1);
    window.front[d] = shape_member(shape->front, shape, ROW + d, 0);
    window.back[d] = shape_member(shape->back, shape, ROW + d, 0);
  }
  return window;
}

/* The places of a window along one dim. */
static const Dim *positions(const WindowShape *shape, int d, const Dim *length) {
  int64_t reach = (int64_t)shape->dilation[d] * (shape->size[d] - 1) + 1;
  const Dim *room = dim_add(length, dim_of((int64_t)shape->front[d] + shape->back[d] - reach));
  return dim_add(dim_floor_div(room, dim_of(shape->stride[d])), dim_of(1));
}

/* [b, t, c] with one row. */
static Node *add_row(Node *x, int axis) { return x->type.rank == 3 ? build_insert(x, axis) : x; }

/* The first two dims as one, and apart again. */
static Node *join_planes(Node *x) {
  const Dim *size[MAX_RANK] = {dim_mul(x->type.size[0], x->type.size[1])};
  for (int i = 2; i < x->type.rank; i++) size[i - 1] = x->type.size[i];
  return build_reshape(x, x->type.rank - 1, size);
}

static Node *split_planes(Node *x, const Dim *batch, const Dim *planes) {
  const Dim *size[MAX_RANK] = {batch, planes};
  for (int i = 1; i < x->type.rank; i++) size[i + 1] = x->type.size[i];
  return build_reshape(x, x->type.rank + 1, size);
}

static Node *kernel_plane(Node *k, int plane) {
  return build_drop(build_slice(k, 0, dim_of(plane), dim_of(1), 1), 0);
}

static Node *pad_places(Node *x, const WindowShape *shape, int d, double number) {
  return build_pad(x, 1 + d, dim_of(shape->front[d]), dim_of(shape->back[d]), number);
}

Node *build_conv(Node *x, Node *k, const WindowShape *shape) {
  Window window = window_of(shape);
  if (shape->dims == 1) return build_drop(build_conv2d(add_row(x, 1), build_insert(k, 0), &window), 1);
  if (shape->dims == 2) return build_conv2d(x, k, &window);
  const Dim *planes = positions(shape, 0, x->type.size[1]);
  Node *padded = pad_places(x, shape, 0, 0), *sum = NULL;
  assert(shape->size[0] > 0);
  for (int i = 0; i < shape->size[0]; i++) {
    Node *part = build_slice(padded, 1, dim_of((int64_t)i * shape->dilation[0]), planes, shape->stride[0]);
    Node *product = build_conv2d(join_planes(part), kernel_plane(k, i), &window);
    sum = sum ? build_add(sum, product) : product;
  }
  return split_planes(sum, x->type.size[0], planes);
}

static Node *transpose_plane(Node *x, Node *k, const Window *window, const Dim *height, const Dim *width) {
  const Dim *channels = dim_mul(k->type.size[2], dim_of(window->groups));
  Type type = type_of(x->type.dtype, 4, (const Dim *[]){x->type.size[0], height, width, channels});
  type.name[0] = x->type.name[0];
  return build_conv2d_grad_input(x, k, &type, window);
}

/* Planes [b, d, …] at a distance: step - 1 planes of zeros between, none behind the last. */
static Node *spread_planes(Node *x, int step) {
  const Dim *apart[MAX_RANK], *joined[MAX_RANK], *planes = x->type.size[1];
  int rank = x->type.rank;
  if (step == 1) return x;
  for (int i = 0; i < rank; i++) joined[i] = x->type.size[i];
  for (int i = 0; i <= rank; i++) apart[i] = i < 2 ? joined[i] : i == 2 ? dim_of(1) : joined[i - 1];
  joined[1] = dim_mul(planes, dim_of(step));
  Node *wide = build_pad(build_reshape(x, rank + 1, apart), 2, dim_of(0), dim_of(step - 1), 0);
  return build_slice(build_reshape(wide, rank, joined), 1, dim_of(0), dim_sub(joined[1], dim_of(step - 1)),
                     1);
}

Node *build_conv_transpose(Node *x, Node *k, const WindowShape *shape, const Dim *const *out) {
  Window window = window_of(shape);
  if (shape->dims == 1)
    return build_drop(transpose_plane(add_row(x, 1), build_insert(k, 0), &window, dim_of(1), out[0]), 1);
  if (shape->dims == 2) return transpose_plane(x, k, &window, out[0], out[1]);
  Node *flat = join_planes(x), *sum = NULL;
  int64_t reach = (int64_t)shape->dilation[0] * (shape->size[0] - 1);
  for (int i = 0; i < shape->size[0]; i++) {
    Node *plane = transpose_plane(flat, kernel_plane(k, i), &window, out[1], out[2]);
    plane = spread_planes(split_planes(plane, x->type.size[0], x->type.size[1]), shape->stride[0]);
    int64_t before = (int64_t)i * shape->dilation[0];
    /* A plane more at the end than the kernel reaches: "same" may ask for up to stride - 1 of them. */
    plane = build_pad(plane, 1, dim_of(before), dim_of(reach - before + shape->stride[0] - 1), 0);
    sum = sum ? build_add(sum, plane) : plane;
  }
  return build_slice(sum, 1, dim_of(shape->front[0]), out[0], 1);
}

/* ---- pools ------------------------------------------------------------------------------------------------------ */

Node *build_window_max(Node *x, const WindowShape *shape) {
  Window window = window_of(shape);
  if (shape->dims == 1) return build_drop(build_pool_max(add_row(x, 1), &window), 1);
  if (shape->dims == 2) return build_pool_max(x, &window);
  const Type *type = &x->type;
  Node *rows = split_planes(build_pool_max(join_planes(x), &window), type->size[0], type->size[1]);
  const Dim *batch = type->size[0], *height = rows->type.size[2], *width = rows->type.size[3],
            *channels = type->size[4];
  const Dim *flat[] = {batch, type->size[1], dim_mul(height, width), channels};
  Window across = {.size = {shape->size[0], 1},
                   .stride = {shape->stride[0], 1},
                   .dilation = {shape->dilation[0], 1},
                   .front = {shape->front[0], 0},
                   .back = {shape->back[0], 0},
                   .groups = 1};
  Node *y = build_pool_max(build_reshape(rows, 4, flat), &across);
  return build_reshape(y, 5, (const Dim *[]){batch, y->type.size[1], height, width, channels});
}

/* How many cells of each window along a dim are no padding: floats [positions]; NULL if all of them are. */
static Node *cells_inside(Node *x, const WindowShape *shape, int d, const Dim *places) {
  if (shape->front[d] == 0 && shape->back[d] == 0) return NULL;
  DType dtype = DTYPE_I64;
  Node *place = build_cast(build_index(x->graph, 1, &places, 0), dtype);
  Node *start = build_sub(build_mul(place, build_whole(x->graph, dtype, shape->stride[d])),
                          build_whole(x->graph, dtype, shape->front[d]));
  Node *end = build_min(build_add(start, build_whole(x->graph, dtype, shape->size[d])),
                        build_expand_like(build_extent(x->graph, x->type.size[1 + d]), start));
  Node *count = build_sub(end, build_max(start, build_like(start, 0)));
  return build_cast(build_max(count, build_like(count, 1)), x->type.dtype);
}

Node *build_window_mean(Node *x, const WindowShape *shape) {
  double cells = 1;
  Node *y = x;
  for (int d = 0; d < shape->dims; d++) {
    const Dim *places = positions(shape, d, x->type.size[1 + d]);
    Node *padded = pad_places(y, shape, d, 0), *sum = NULL;
    for (int i = 0; i < shape->size[d]; i++) {
      Node *part = build_slice(padded, 1 + d, dim_of(i), places, shape->stride[d]);
      sum = sum ? build_add(sum, part) : part;
    }
    Node *count = cells_inside(x, shape, d, places);
    if (count) {
      const Dim *ones[MAX_RANK];
      for (int i = 0; i < x->type.rank; i++) ones[i] = i == 1 + d ? places : dim_of(1);
      sum = build_div(sum, build_expand_like(build_reshape(count, x->type.rank, ones), sum));
    } else {
      cells *= shape->size[d];
    }
    y = sum;
  }
  return cells == 1 ? y : build_mul(y, build_number(x->graph, x->type.dtype, 1 / cells));
}

/* ---- other sizes ------------------------------------------------------------------------------------------------ */

Node *build_repeat(Node *x, int axis, const Dim *count) {
  const Dim *full[MAX_RANK + 1], *size[MAX_RANK] = {NULL};
  int rank = x->type.rank;
  assert(rank < MAX_RANK && axis < rank);
  for (int i = 0; i < rank; i++) size[i] = x->type.size[i];
  for (int i = 0; i <= rank; i++) full[i] = i <= axis ? size[i] : i == axis + 1 ? count : size[i - 1];
  size[axis] = dim_mul(size[axis], count);
  Node *y = build_reshape(build_expand(build_insert(x, axis + 1), rank + 1, full), rank, size);
  for (int i = 0; y != x && i < rank; i++) y->type.name[i] = x->type.name[i];
  return y;
}

static Node *resize_nearest(Node *x, int axis, const Dim *size) {
  const Dim *old = x->type.size[axis], *times = dim_divide(size, old);
  if (times && x->type.rank < MAX_RANK) return build_repeat(x, axis, times);
  Node *place = build_cast(build_index(x->graph, 1, &size, 0), DTYPE_I64);
  Node *id = build_floor_div(build_mul(place, build_extent(x->graph, old)),
                             build_expand_like(build_extent(x->graph, size), place));
  id->type.bound = old;
  return build_gather_along(x, id, axis);
}

Node *build_resize(Node *x, int axis, const Dim *size, bool smooth) {
  const Dim *old = x->type.size[axis];
  Graph *graph = x->graph;
  if (size == old) return x;
  if (!smooth) return resize_nearest(x, axis, size);
  Node *place = build_cast(build_index(graph, 1, &size, 0), DTYPE_F64), *half = build_like(place, 0.5);
  Node *scale = build_div(build_cast(build_extent(graph, old), DTYPE_F64),
                          build_cast(build_extent(graph, size), DTYPE_F64));
  Node *from = build_max(build_sub(build_mul(build_add(place, half), scale), half), build_like(place, 0));
  Node *last = build_sub(build_extent(graph, old), build_whole(graph, DTYPE_I64, 1));
  Node *low = build_min(build_cast(from, DTYPE_I64), build_expand_like(last, place));
  Node *high = build_min(build_add(low, build_like(low, 1)), build_expand_like(last, place));
  Node *share = build_cast(build_sub(from, build_cast(low, DTYPE_F64)), x->type.dtype);
  low->type.bound = high->type.bound = old;
  Node *a = build_gather_along(x, low, axis), *b = build_gather_along(x, high, axis);
  const Dim *ones[MAX_RANK];
  for (int i = 0; i < x->type.rank; i++) ones[i] = i == axis ? size : dim_of(1);
  share = build_expand_like(build_reshape(share, x->type.rank, ones), a);
  return build_add(a, build_mul(build_sub(b, a), share));
}
