/* What the pass (simplify.c) and its rules (simplify_rules.c) know of each other. */
#ifndef GRAPH_SIMPLIFY_H
#define GRAPH_SIMPLIFY_H

#include "graph/graph.h"

typedef struct Simplifier Simplifier;

/* A node that is simple already and equal to what is asked for: found, or made. Inputs come from earlier calls or
 * from the node being simplified; `place` lends its span and layer. */
Node *simplifier_make(Simplifier *simplifier, const Node *place, OpCode op, const Type *type,
                      Node *const *src, int nsrc, const Attr *attr);

/* A simpler node of the same value, dtype and shape; NULL if no rule knows one. All inputs are simple. */
Node *simplify_node(Simplifier *simplifier, const Node *node);

#endif
