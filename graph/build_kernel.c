/* Constructors of kernels: products, convolutions, windows, gathers, running sums. */
#include "graph/build.h"

#include "graph/shape.h"

#include <assert.h>

Node *build_matmul(Node *a, Node *b, bool a_transposed, bool b_transposed) {
  int rank = a->type.rank, a_row = rank - 2 + a_transposed, b_column = rank - 1 - b_transposed;
  assert(rank >= 2 && b->type.rank == rank);
  Type type = a->type;
  type.size[rank - 2] = a->type.size[a_row], type.name[rank - 2] = a->type.name[a_row];
  type.size[rank - 1] = b->type.size[b_column], type.name[rank - 1] = b->type.name[b_column];
  for (int i = 0; i < rank - 2; i++)
    if (!type.name[i]) type.name[i] = b->type.name[i];
  Attr attr = {.flag = {a_transposed, b_transposed}};
  return graph_add(a->graph, OP_MATMUL, &type, (Node *[]){a, b}, 2, &attr);
}

/* A window with nothing left out: strides, dilations and groups of 0 stand for 1. */
static Window window_whole(const Window *window) {
  Window whole = *window;
  for (int d = 0; d < 2; d++) {
    if (whole.stride[d] == 0) whole.stride[d] = 1;
    if (whole.dilation[d] == 0) whole.dilation[d] = 1;
  }
  if (whole.groups == 0) whole.groups = 1;
  return whole;
}

Node *build_conv2d(Node *x, Node *k, const Window *window) {
  assert(x->type.rank == 4 && k->type.rank == 4);
  Attr attr = {.window = window_whole(window)};
  Type type = x->type;
  for (int d = 0; d < 2; d++)
    type.size[1 + d] = window_positions(&attr.window, d, x->type.size[1 + d], k->type.size[d]);
  type.size[3] = k->type.size[3], type.name[3] = k->type.name[3];
  return graph_add(x->graph, OP_CONV2D, &type, (Node *[]){x, k}, 2, &attr);
}

Node *build_conv2d_grad_input(Node *dy, Node *k, const Type *x, const Window *window) {
  Attr attr = {.window = window_whole(window)};
  return graph_add(dy->graph, OP_CONV2D_GRAD_INPUT, x, (Node *[]){dy, k}, 2, &attr);
}

Node *build_conv2d_grad_kernel(Node *x, Node *dy, const Type *k, const Window *window) {
  Attr attr = {.window = window_whole(window)};
  return graph_add(x->graph, OP_CONV2D_GRAD_KERNEL, k, (Node *[]){x, dy}, 2, &attr);
}

Node *build_pool_max(Node *x, const Window *window) {
  assert(x->type.rank == 4);
  Attr attr = {.window = window_whole(window)};
  Type type = x->type;
  for (int d = 0; d < 2; d++)
    type.size[1 + d] = window_positions(&attr.window, d, x->type.size[1 + d], dim_of(attr.window.size[d]));
  return graph_add(x->graph, OP_POOL_MAX, &type, &x, 1, &attr);
}

Node *build_pool_max_grad(Node *x, Node *y, Node *dy, const Window *window) {
  Attr attr = {.window = window_whole(window)};
  return graph_add(x->graph, OP_POOL_MAX_GRAD, &x->type, (Node *[]){x, y, dy}, 3, &attr);
}

Node *build_gather(Node *x, Node *ids) {
  int lead = ids->type.rank, rank = lead + x->type.rank - 1;
  assert(x->type.rank >= 1 && rank <= MAX_RANK && dtype_is_int(ids->type.dtype));
  Type type = {.dtype = x->type.dtype, .rank = rank, .bound = x->type.bound};
  for (int i = 0; i < rank; i++) {
    const Type *from = i < lead ? &ids->type : &x->type;
    int axis = i < lead ? i : i - lead + 1;
    type.size[i] = from->size[axis], type.name[i] = from->name[axis];
  }
  return graph_add(x->graph, OP_GATHER, &type, (Node *[]){x, ids}, 2, NULL);
}

Node *build_scatter_add(Node *ids, Node *v, const Dim *rows) {
  int lead = ids->type.rank;
  assert(v->type.rank >= lead && v->type.rank - lead < MAX_RANK && dtype_is_int(ids->type.dtype));
  Type type = {.dtype = v->type.dtype, .rank = v->type.rank - lead + 1};
  type.size[0] = rows;
  for (int i = 1; i < type.rank; i++)
    type.size[i] = v->type.size[i + lead - 1], type.name[i] = v->type.name[i + lead - 1];
  return graph_add(v->graph, OP_SCATTER_ADD, &type, (Node *[]){ids, v}, 2, NULL);
}

Node *build_cumsum(Node *x) {
  assert(x->type.rank >= 1);
  Type type = x->type;
  type.bound = NULL;
  return graph_add(x->graph, OP_CUMSUM, &type, &x, 1, NULL);
}
