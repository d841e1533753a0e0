/* Linear algebra of one matrix of doubles, row-major, by LAPACK: what the backends share.
 *
 * One function a KERNEL row from cholesky to svd. The memory a call needs is asked for beforehand, as a function of
 * the node's shape; nothing is allocated. What has no answer (a matrix that is singular, or not positive definite)
 * becomes NaN. */
#ifndef BACKENDS_LINEAR_H
#define BACKENDS_LINEAR_H

#include "graph/graph.h"

typedef struct {
  int m, n, columns;              // of the matrix a; of b, in solve
  int64_t a_size, b_size, y_size; // numbers of one matrix of each
  int64_t matrices;               // how many the node has
  int64_t memory;                 // doubles that a call needs
  bool flag;                      // attr.flag[0]
  int64_t triangle;               // attr.whole
} LinearShape;

typedef void LinearCall(const LinearShape *shape, const double *a, const double *b, double *y,
                        double *memory);

LinearShape linear_shape(const Node *node);
LinearCall *linear_call(OpCode op); // of a row from cholesky to svd

#endif
