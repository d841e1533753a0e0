/* A value moved to another graph. */
#ifndef INTERPRETER_ELABORATE_TRANSPLANT_H
#define INTERPRETER_ELABORATE_TRANSPLANT_H

#include "graph/graph.h"

/* A copy of `node` in `into`, with everything it is computed from. */
Node *graph_transplant(Graph *into, const Node *node);

#endif
