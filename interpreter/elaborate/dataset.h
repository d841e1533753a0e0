/* Between the declaration of a table (dataset.c) and its built-in steps (builtins_data.c). */
#ifndef INTERPRETER_ELABORATE_DATASET_H
#define INTERPRETER_ELABORATE_DATASET_H

#include "interpreter/elaborate/elaborate.h"

/* What graph_begin put aside. */
typedef struct {
  Graph *graph, *init_states;
  DType precision;
  bool training;
  Node **current;
  size_t current_capacity;
  uint64_t site;
  RandomSites random;
  const Value *names[RUN_NAMES];
  Frame *frame;
} Saved;

/* A new graph to build into, until graph_end. */
Saved graph_begin(Elaborator *e, bool training, DType precision);
void graph_end(Elaborator *e, const Saved *saved);

const Value *column_value(Elaborator *e, Dataset *data, Column *column);
Node *column_read(Elaborator *e, Dataset *data, Column *column); // holes and all

/* The values of `node` (first dim the batch) for the rows of a part, as doubles: rows x elements of one
 * example. Freed by memory_free. */
double *rows_compute(Elaborator *e, Dataset *data, Node *node, const Part *part);

#endif
