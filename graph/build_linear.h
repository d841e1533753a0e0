/* Constructors of linear algebra, of stacks of matrices [..., m, n]. */
#ifndef GRAPH_BUILD_LINEAR_H
#define GRAPH_BUILD_LINEAR_H

#include "graph/build.h"

typedef enum {
  SOLVE_ANY,
  SOLVE_LOWER,
  SOLVE_UPPER
} SolveKind; // of A the whole, or the triangle that is read
typedef enum {
  TRIANGLE_LOWER,
  TRIANGLE_UPPER,
  TRIANGLE_BELOW,
  TRIANGLE_DIAGONAL
} Triangle; // BELOW: without it

Node *build_cholesky(Node *x); // L with L L' = x, whose lower triangle is read
Node *build_solve(Node *a, Node *b, bool a_transposed, SolveKind kind); // x with a x = b; equal batch dims
Node *build_det(Node *x, bool logarithm);                               // NaN for the log of one below 0
Node *build_qr(Node *x);   // m >= n: Q [m, n] over R [n, n], as one [..., m + n, n]
Node *build_eigh(Node *x); // eigenvalues, ascending, over eigenvectors as columns: [..., 1 + n, n]
Node *
build_svd(Node *x); // with k = min(m, n): U [m, k] over S [1, k] over V [n, k], as one [..., m + 1 + n, k]

Node *build_triangle(Node *x, Triangle triangle); // x there, 0 elsewhere
Node *build_identity(Node *x);                    // in the shape of x

#endif
