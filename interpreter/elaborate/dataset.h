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
  Body *body;
  Yielding *loop;
} Saved;

/* A new graph to build into, until graph_end. */
Saved graph_begin(Elaborator *e, bool training, DType precision);
void graph_end(Elaborator *e, const Saved *saved);

/* Where a relative path of the program is: beside the file that names it, or below --root. */
const char *resolve_path(Elaborator *e, const Ast *at, const char *path);

const Value *column_value(Elaborator *e, Dataset *data, Column *column);
Node *column_read(Elaborator *e, Dataset *data, Column *column); // holes and all

/* The values of `node` (first dim the batch) for the rows of a part, as doubles, or in a dtype of one's own: rows x
 * elements of one example, rows of different lengths filled up to the longest. Freed by memory_free. */
double *rows_compute(Elaborator *e, Dataset *data, Node *node, const Part *part);
void *rows_compute_as(Elaborator *e, Dataset *data, Node *node, const Part *part, DType dtype);

/* The rows of a part that `node` has values for: windows, or rows of the table. */
const Part *node_part(const Elaborator *e, const Dataset *data, const Node *node, PartName part);

/* What a fitted step of the field that is being built learned; a new one is kept. */
const Fitted *keep_fitted(Elaborator *e, Fitted *fitted, int number);
/* Whether a data block is being elaborated; a Problem if not. */
bool in_data_block(Elaborator *e, const Ast *at, const char *name);

/* The column that step `number` of the field made before, by title; NULL: not yet. And keeping it. */
Column *column_made(const Elaborator *e, const Dataset *data, int number, const char *title);
Column *column_keep(Elaborator *e, Dataset *data, int number, const char *title, Column *column);

#endif
