/* The derivative of one node, by its op. */
#ifndef AUTODIFF_RULES_H
#define AUTODIFF_RULES_H

#include "graph/graph.h"

/* Whether the node's value has a derivative by its input number `input` that can be other than zero. */
bool rule_passes(const Node *node, int input);

/* The part of the gradient that reaches input number `input`, from dy, the gradient of node y's value; it has the
 * input's shape and dtype. Only where rule_passes. New nodes go to y's graph. */
Node *rule_gradient(Node *y, int input, Node *dy);

#endif
