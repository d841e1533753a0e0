/* What the files of the reference backend share: its numbers, and one function an op.
 *
 * A value is a row-major array of Numbers, whatever the dtype: floats in `real` as doubles, integers and bools
 * (0 or 1) in `whole`. An op's function gets the values of the node's inputs and fills y, which has as many
 * numbers as the node's type; y starts as zeros. */
#ifndef BACKENDS_REFERENCE_H
#define BACKENDS_REFERENCE_H

#include "backends/backend.h"

typedef union {
  double real;
  int64_t whole;
} Number;

typedef struct {
  const Node *node;
  const Number *const *src; // values of node->src
  Number *y;
  const RunArgs *args;
  const Number *const *argument; // in a body: the values of its arguments
} Evaluation;

typedef void Evaluate(const Evaluation *e);

Evaluate reference_map, reference_reduce; // all MAP rows, all REDUCE rows

/* The values of a graph's outputs, in order, each with as many numbers as its node; of a body `argument` are the values
 * that it reads. */
void reference_graph(const Graph *graph, const RunArgs *args, const Number *const *argument, Number **output);

/* One function a row of the other groups: a missing one does not link. */
#define CAST(name, doc)            Evaluate reference_##name;
#define SOURCE(name, doc)          Evaluate reference_##name;
#define VIEW(name, doc)            Evaluate reference_##name;
#define CONTROL(name, inputs, doc) Evaluate reference_##name;
#define KERNEL(name, inputs, doc)  Evaluate reference_##name;
#include "lang/ops.def"
#undef CAST
#undef SOURCE
#undef VIEW
#undef CONTROL
#undef KERNEL

/* A whole number as it is kept in `dtype`: the low bits of it, or 0 and 1 for bools. */
int64_t reference_wrap(int64_t number, DType dtype);
/* The number of one dtype in another, by the rule of the row `cast`. */
Number reference_convert(Number number, DType from, DType to);
/* Between tensors in memory and Numbers. */
void reference_load(Number *to, const void *from, DType dtype, int64_t count);
void reference_store(void *to, DType dtype, const Number *from, DType from_dtype, int64_t count);

/* A position in a tensor, one index an axis. Walks in row-major order; false when it has been everywhere. */
typedef struct {
  int64_t at[MAX_RANK];
} Position;
bool reference_next(Position *position, const Type *type);
int64_t reference_offset(const Position *position, const Type *type); // row-major

#endif
