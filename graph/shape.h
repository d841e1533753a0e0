/* What the shapes and dtypes of a node must be, op by op; and the lengths that windows give. */
#ifndef GRAPH_SHAPE_H
#define GRAPH_SHAPE_H

#include "graph/graph.h"

/* NULL if the node's type follows from its inputs' by the rule of its op, else what is wrong, in a phrase. */
const char *shape_check(const Node *node);

/* Positions of a window of `size` cells along direction d (0 rows, 1 columns) of a length:
 * (length + front + back - dilation * (size - 1) - 1) // stride + 1. */
const Dim *window_positions(const Window *window, int d, const Dim *length, const Dim *size);

#endif
