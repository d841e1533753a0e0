/* Symbolic differentiation, reverse mode.
 *
 * Adds to y's graph the nodes that compute d y / d x[i] for a scalar float y; the result has x[i]'s shape and
 * dtype. Nothing marks a gradient node, so gradients of gradients are further calls. gradient[i] is NULL
 * where no path of derivatives leads from x[i] to y. */
#ifndef AUTODIFF_DIFFERENTIATE_H
#define AUTODIFF_DIFFERENTIATE_H

#include "graph/graph.h"

void differentiate(Node *y, Node *const *x, int count, Node **gradient);

/* The same for any y, given what some scalar's gradients by them are: dy[i] has the type of y[i]. ys >= 1; all of one
 * graph. Gives that scalar's gradients by x. */
void differentiate_from(Node *const *y, Node *const *dy, int ys, Node *const *x, int count, Node **gradient);

/* Whether a path of derivatives leads from x to y, without building anything. */
bool differentiable(const Node *y, const Node *x);

#endif
