#include "autodiff/rules_linear.h"

#include "graph/build_fourier.h"
#include "graph/build_linear.h"

/* A' B and so on: products of stacks of matrices. */
static Node *times(Node *a, Node *b) { return build_matmul(a, b, false, false); }
static Node *left_turned(Node *a, Node *b) { return build_matmul(a, b, true, false); }
static Node *right_turned(Node *a, Node *b) { return build_matmul(a, b, false, true); }

static Node *halved(Node *x) { return build_mul(x, build_like(x, 0.5)); }

/* A row of numbers [..., 1, n] beside every row, or as [..., n, 1] beside every column of a matrix. */
static Node *by_column(Node *row, Node *matrix) { return build_expand_like(row, matrix); }
static Node *by_row(Node *row, Node *matrix) { return build_expand_like(build_swap(row), matrix); }

/* The gradient of a matrix of which the lower triangle alone is read, as that of a symmetric one is G: what stands
 * below the diagonal counts for both places. */
static Node *lower_of_symmetric(Node *g) {
  Node *both = build_add(g, build_swap(g));
  return build_add(build_triangle(both, TRIANGLE_BELOW), halved(build_triangle(both, TRIANGLE_DIAGONAL)));
}

/* S = L^-T phi(L' dL) L^-1, phi taking the lower triangle and half of the diagonal. */
Node *gradient_cholesky(Node *y, int input, Node *dy) {
  (void)input;
  Node *p = left_turned(y, build_triangle(dy, TRIANGLE_LOWER));
  Node *phi = build_add(build_triangle(p, TRIANGLE_BELOW), halved(build_triangle(p, TRIANGLE_DIAGONAL)));
  Node *left = build_solve(y, phi, true, SOLVE_LOWER);
  Node *s = build_swap(build_solve(y, build_swap(left), true, SOLVE_LOWER)); // (L^-T left')' = left L^-1
  return lower_of_symmetric(halved(build_add(s, build_swap(s))));
}

/* A X = B: dB = A^-T dX, dA = -dB X'; of A' X = B, dA = -X dB'. */
Node *gradient_solve(Node *y, int input, Node *dy) {
  bool turned = y->attr.flag[0];
  SolveKind kind = (SolveKind)y->attr.whole;
  Node *db = build_solve(y->src[0], dy, !turned, kind);
  if (input == 1) return db;
  Node *da = build_neg(turned ? right_turned(y, db) : right_turned(db, y));
  if (kind == SOLVE_ANY) return da;
  return build_triangle(da, kind == SOLVE_LOWER ? TRIANGLE_LOWER : TRIANGLE_UPPER);
}

/* d log |det A| = A^-T, d det A = det A times that. */
Node *gradient_det(Node *y, int input, Node *dy) {
  Node *a = y->src[input];
  int rank = a->type.rank;
  Node *weight = y->attr.flag[0] ? dy : build_mul(dy, y);
  Node *inverse = build_solve(a, build_identity(a), true, SOLVE_ANY);
  return build_mul(inverse, build_expand_like(build_insert(build_insert(weight, rank - 2), rank - 1), a));
}

/* A = Q R: dA = (dQ + Q c(M)) R^-T with M = R dR' - dQ' Q, c mirroring the lower triangle. */
Node *gradient_qr(Node *y, int input, Node *dy) {
  const Type *a = &y->src[input]->type;
  const Dim *m = a->size[a->rank - 2], *n = a->size[a->rank - 1];
  int axis = a->rank - 2;
  Node *q = build_slice(y, axis, dim_of(0), m, 1), *r = build_slice(y, axis, m, n, 1);
  Node *dq = build_slice(dy, axis, dim_of(0), m, 1);
  Node *dr = build_triangle(build_slice(dy, axis, m, n, 1), TRIANGLE_UPPER);
  Node *product = build_sub(right_turned(r, dr), left_turned(dq, q));
  Node *below = build_triangle(product, TRIANGLE_BELOW);
  Node *mirrored = build_add(build_triangle(product, TRIANGLE_LOWER), build_swap(below));
  Node *right = build_add(dq, times(q, mirrored));
  return build_swap(build_solve(r, build_swap(right), false, SOLVE_UPPER));
}

/* 1 / (w_j - w_i) at (i, j), of a row w [..., 1, n]; 0 where they are equal, so that equal values give no NaN. */
static Node *inverse_gaps(Node *w, Node *matrix) {
  Node *gap = build_sub(by_column(w, matrix), by_row(w, matrix)), *none = build_eq(gap, build_like(gap, 0));
  Node *safe = build_where(none, build_like(gap, 1), gap);
  return build_where(none, build_like(gap, 0), build_div(build_like(gap, 1), safe));
}

/* A = V diag(w) V': dA = V (diag(dw) + F o (V' dV)) V', F the inverse gaps of w. */
Node *gradient_eigh(Node *y, int input, Node *dy) {
  const Type *a = &y->src[input]->type;
  const Dim *n = a->size[a->rank - 1];
  int axis = a->rank - 2;
  Node *w = build_slice(y, axis, dim_of(0), dim_of(1), 1), *v = build_slice(y, axis, dim_of(1), n, 1);
  Node *dw = build_slice(dy, axis, dim_of(0), dim_of(1), 1), *dv = build_slice(dy, axis, dim_of(1), n, 1);
  Node *inner = left_turned(v, dv);
  inner = build_mul(inverse_gaps(w, inner), inner);
  inner = build_add(inner, build_triangle(by_column(dw, inner), TRIANGLE_DIAGONAL));
  Node *g = times(v, right_turned(inner, v));
  return lower_of_symmetric(halved(build_add(g, build_swap(g))));
}

/* (I - X X') Y / s: what a basis that has fewer vectors than dims leaves out. */
static Node *beside_basis(Node *x, Node *dx, Node *s) {
  Node *outside = build_sub(dx, times(x, left_turned(x, dx)));
  return build_div(outside, by_column(s, outside));
}

/* A = U S V': dA = U [(F o (U'dU - dU'U)) S + dS + S (F o (V'dV - dV'V))] V' + (I - UU') dU S^-1 V'
 *                  + U S^-1 dV' (I - VV'), F the inverse gaps of S^2. */
Node *gradient_svd(Node *y, int input, Node *dy) {
  const Type *a = &y->src[input]->type;
  const Dim *m = a->size[a->rank - 2], *n = a->size[a->rank - 1], *one = dim_of(1), *after = dim_add(m, one);
  int axis = a->rank - 2;
  Node *u = build_slice(y, axis, dim_of(0), m, 1), *s = build_slice(y, axis, m, one, 1);
  Node *v = build_slice(y, axis, after, n, 1);
  Node *du = build_slice(dy, axis, dim_of(0), m, 1), *ds = build_slice(dy, axis, m, one, 1);
  Node *dv = build_slice(dy, axis, after, n, 1);
  Node *turn_u = left_turned(u, du), *turn_v = left_turned(v, dv);
  Node *gaps = inverse_gaps(build_mul(s, s), turn_u);
  Node *from_u = build_mul(gaps, build_sub(turn_u, build_swap(turn_u)));
  Node *from_v = build_mul(gaps, build_sub(turn_v, build_swap(turn_v)));
  Node *inner = build_add(build_mul(from_u, by_column(s, from_u)), build_mul(from_v, by_row(s, from_v)));
  inner = build_add(inner, build_triangle(by_column(ds, inner), TRIANGLE_DIAGONAL));
  Node *g = times(u, right_turned(inner, v));
  if (m != n) {
    g = build_add(g, right_turned(beside_basis(u, du, s), v));
    g = build_add(g, right_turned(u, beside_basis(v, dv, s)));
  }
  return g;
}

/* Of y = F x as real pairs the transpose is the conjugate of F: the exponent changes its sign. */
Node *gradient_fft(Node *y, int input, Node *dy) {
  (void)input;
  return build_fft(dy, !y->attr.flag[0]);
}
