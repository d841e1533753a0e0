/* Values of single numbers, computed from the rows of ops.def while the program is built. */
#ifndef GRAPH_FOLD_H
#define GRAPH_FOLD_H

#include "graph/graph.h"

typedef struct {
  double number; // of floats, rounded to their dtype
  int64_t whole; // of integers and bools
} Number;

/* What a MAP row other than cast gives for inputs of `dtype` (where: that of its branches; in[0] is the
 * condition). False if it is not defined for the dtype. */
bool fold_map(OpCode op, DType dtype, const Number *in, Number *out);

/* False where integers do not fit into smaller ones. */
bool fold_cast(DType from, DType to, Number in, Number *out);

#endif
