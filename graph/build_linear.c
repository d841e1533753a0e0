#include "graph/build_linear.h"

#include <assert.h>

Node *build_cholesky(Node *x) { return graph_add(x->graph, OP_CHOLESKY, &x->type, &x, 1, NULL); }

Node *build_solve(Node *a, Node *b, bool a_transposed, SolveKind kind) {
  assert(a->type.rank >= 2 && b->type.rank == a->type.rank);
  Attr attr = {.flag = {a_transposed}, .whole = kind};
  return graph_add(a->graph, OP_SOLVE, &b->type, (Node *[]){a, b}, 2, &attr);
}

Node *build_det(Node *x, bool logarithm) {
  Type type = x->type;
  type.rank -= 2;
  for (int i = type.rank; i < x->type.rank; i++) type.size[i] = NULL, type.name[i] = NULL;
  return graph_add(x->graph, OP_DET, &type, &x, 1, &(Attr){.flag = {logarithm}});
}

static Node *stacked(Node *x, OpCode op, const Dim *rows, const Dim *columns) {
  Type type = x->type;
  int rank = type.rank;
  type.size[rank - 2] = rows, type.size[rank - 1] = columns;
  type.name[rank - 2] = type.name[rank - 1] = NULL;
  return graph_add(x->graph, op, &type, &x, 1, NULL);
}

Node *build_qr(Node *x) {
  const Dim *m = x->type.size[x->type.rank - 2], *n = x->type.size[x->type.rank - 1];
  return stacked(x, OP_QR, dim_add(m, n), n);
}

Node *build_eigh(Node *x) {
  const Dim *n = x->type.size[x->type.rank - 1];
  return stacked(x, OP_EIGH, dim_add(n, dim_of(1)), n);
}

Node *build_svd(Node *x) {
  const Dim *m = x->type.size[x->type.rank - 2], *n = x->type.size[x->type.rank - 1];
  bool known;
  const Dim *least = dim_compare(m, n, &known) > 0 ? n : m;
  assert((known || m == n) && "build_svd: which side is shorter must be known");
  return stacked(x, OP_SVD, dim_add(dim_add(m, dim_of(1)), n), least);
}

static Node *place(Node *x, int axis) {
  return build_cast(build_index(x->graph, x->type.rank, x->type.size, axis), DTYPE_I64);
}

Node *build_triangle(Node *x, Triangle triangle) {
  static const OpCode compare[] = {OP_GE, OP_LE, OP_GT, OP_EQ}; // row against column
  int rank = x->type.rank;
  Node *inside = build_map(compare[triangle], (Node *[]){place(x, rank - 2), place(x, rank - 1)});
  return build_where(inside, x, build_like(x, 0));
}

Node *build_identity(Node *x) {
  int rank = x->type.rank;
  return build_cast(build_eq(place(x, rank - 2), place(x, rank - 1)), x->type.dtype);
}
