/* Symbolic differentiation, reverse mode.
 *
 * Adds to y's graph the nodes that compute d y / d x[i] for a scalar float y; the result has x[i]'s shape and
 * dtype. Nothing marks a gradient node, so gradients of gradients are further calls. gradient[i] is NULL
 * where no path of derivatives leads from x[i] to y. */
#ifndef AUTODIFF_DIFFERENTIATE_H
#define AUTODIFF_DIFFERENTIATE_H

#include "graph/graph.h"

void differentiate(Node *y, Node *const *x, int count, Node **gradient);

/* Whether a path of derivatives leads from x to y, without building anything. */
bool differentiable(const Node *y, const Node *x);

#endif
