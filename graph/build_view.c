/* Constructors of views. Each makes one node at most; what changes nothing gives back its input. */
#include "graph/build.h"

#include <assert.h>

/* Dims keep their names where sizes agree from the front or from the back: dims that are put in or taken out
 * leave the others theirs. */
static void reshape_names(const Type *from, Type *to) {
  int front = 0, back = 0;
  while (front < from->rank && front < to->rank && from->size[front] == to->size[front]) {
    to->name[front] = from->name[front];
    front++;
  }
  while (back < from->rank - front && back < to->rank - front &&
         from->size[from->rank - 1 - back] == to->size[to->rank - 1 - back]) {
    to->name[to->rank - 1 - back] = from->name[from->rank - 1 - back];
    back++;
  }
}

static Node *reshape_to(Node *x, const Type *type) {
  return graph_add(x->graph, OP_RESHAPE, type, &x, 1, NULL);
}

static Type type_like(const Node *x, int rank, const Dim *const *size) {
  Type type = type_of(x->type.dtype, rank, size);
  type.running = x->type.running, type.bound = x->type.bound;
  return type;
}

Node *build_reshape(Node *x, int rank, const Dim *const *size) {
  Type type = type_like(x, rank, size);
  if (type_same_shape(&type, &x->type)) return x;
  assert(type_elements(&type) == type_elements(&x->type) && "build_reshape: elements differ");
  reshape_names(&x->type, &type);
  return reshape_to(x, &type);
}

Node *build_insert(Node *x, int axis) {
  int rank = x->type.rank;
  assert(axis >= 0 && axis <= rank && rank < MAX_RANK);
  Type type = x->type;
  type.rank++;
  for (int i = rank; i > axis; i--) type.size[i] = type.size[i - 1], type.name[i] = type.name[i - 1];
  type.size[axis] = dim_of(1), type.name[axis] = NULL;
  return reshape_to(x, &type);
}

Node *build_drop(Node *x, int axis) {
  assert(axis >= 0 && axis < x->type.rank && x->type.size[axis] == dim_of(1));
  Type type = x->type;
  type.rank--;
  for (int i = axis; i < type.rank; i++) type.size[i] = type.size[i + 1], type.name[i] = type.name[i + 1];
  type.size[type.rank] = NULL, type.name[type.rank] = NULL;
  return reshape_to(x, &type);
}

Node *build_permute(Node *x, const int *order) {
  Type type = x->type;
  Attr attr = {.axes = type.rank};
  bool same = true;
  for (int i = 0; i < type.rank; i++) {
    assert(order[i] >= 0 && order[i] < type.rank);
    attr.axis[i] = order[i];
    type.size[i] = x->type.size[order[i]], type.name[i] = x->type.name[order[i]];
    same = same && order[i] == i;
  }
  return same ? x : graph_add(x->graph, OP_PERMUTE, &type, &x, 1, &attr);
}

Node *build_swap(Node *x) {
  int order[MAX_RANK], rank = x->type.rank;
  assert(rank >= 2);
  for (int i = 0; i < rank; i++) order[i] = i;
  order[rank - 2] = rank - 1, order[rank - 1] = rank - 2;
  return build_permute(x, order);
}

Node *build_move(Node *x, int from, int to) {
  int order[MAX_RANK], at = 0;
  assert(from >= 0 && from < x->type.rank && to >= 0 && to < x->type.rank);
  for (int i = 0; i < x->type.rank; i++) {
    if (at == from) at++;
    order[i] = i == to ? from : at++;
  }
  return build_permute(x, order);
}

Node *build_expand(Node *x, int rank, const Dim *const *size) {
  int lead = rank - x->type.rank;
  assert(lead >= 0);
  if (lead > 0) {
    Type type = type_like(x, rank, size);
    for (int i = 0; i < rank; i++) {
      type.size[i] = i < lead ? dim_of(1) : x->type.size[i - lead];
      type.name[i] = i < lead ? NULL : x->type.name[i - lead];
    }
    x = reshape_to(x, &type);
  }
  Type type = x->type;
  for (int i = 0; i < rank; i++) {
    assert((type.size[i] == size[i] || type.size[i] == dim_of(1)) && "build_expand: a size that is not 1");
    type.size[i] = size[i];
  }
  return type_same_shape(&type, &x->type) ? x : graph_add(x->graph, OP_EXPAND, &type, &x, 1, NULL);
}

Node *build_expand_like(Node *x, const Node *shape) {
  Node *y = build_expand(x, shape->type.rank, shape->type.size);
  for (int i = 0; y != x && i < y->type.rank; i++)
    if (!y->type.name[i]) y->type.name[i] = shape->type.name[i];
  return y;
}

Node *build_slice(Node *x, int axis, const Dim *start, const Dim *length, int64_t step) {
  assert(axis >= 0 && axis < x->type.rank && step >= 1);
  if (start == dim_of(0) && length == x->type.size[axis] && step == 1) return x;
  Type type = x->type;
  type.size[axis] = length;
  Attr attr = {.dim = {start, NULL}, .whole = step, .axis = {axis}, .axes = 1};
  return graph_add(x->graph, OP_SLICE, &type, &x, 1, &attr);
}

Node *build_flip(Node *x, int axis) {
  assert(axis >= 0 && axis < x->type.rank);
  Attr attr = {.axis = {axis}, .axes = 1};
  return graph_add(x->graph, OP_FLIP, &x->type, &x, 1, &attr);
}

Node *build_pad(Node *x, int axis, const Dim *front, const Dim *back, double number) {
  assert(axis >= 0 && axis < x->type.rank);
  if (front == dim_of(0) && back == dim_of(0)) return x;
  Type type = x->type;
  type.size[axis] = dim_add(dim_add(type.size[axis], front), back);
  if (number != 0) type.bound = NULL;
  Attr attr = {.number = type.dtype == DTYPE_F32 ? (double)(float)number : number,
               .dim = {front, back},
               .axis = {axis},
               .axes = 1};
  return graph_add(x->graph, OP_PAD, &type, &x, 1, &attr);
}

Node *build_concat(Graph *graph, Node *const *x, int count, int axis) {
  assert(count >= 1 && axis >= 0 && axis < x[0]->type.rank);
  if (count == 1) return x[0];
  Type type = x[0]->type;
  for (int i = 1; i < count; i++) {
    assert(x[i]->type.rank == type.rank && x[i]->type.dtype == type.dtype);
    type.size[axis] = dim_add(type.size[axis], x[i]->type.size[axis]);
    if (x[i]->type.bound != type.bound) type.bound = NULL;
    type.running = type.running && x[i]->type.running;
    for (int d = 0; d < type.rank; d++)
      if (!type.name[d]) type.name[d] = x[i]->type.name[d];
  }
  Attr attr = {.axis = {axis}, .axes = 1};
  return graph_add(graph, OP_CONCAT, &type, x, count, &attr);
}
