/* What a pass costs, before it runs. */
#ifndef INTERPRETER_WORK_H
#define INTERPRETER_WORK_H

#include "graph/plan.h"
#include "interpreter/session.h"

/* The plan of a pass for batches of so many rows. The graph of the pass is simplified. */
Plan *plan_of(Session *session, Pass *pass, int64_t rows);
double plan_flops(const Plan *plan); // operations on numbers
double node_flops(const Node *node); // of a product or convolution of known sizes; 0 for everything else

#endif
