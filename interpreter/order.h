/* The order in which a task meets the rows of a table.
 *
 * Passes over the rows follow each other without end. A pass is a keyed permutation of (seed, number of the pass), the
 * order of the file, or a draw of as many rows with given chances; so what stands where is a function of the seed and
 * the place alone. */
#ifndef INTERPRETER_ORDER_H
#define INTERPRETER_ORDER_H

#include "interpreter/session.h"

typedef struct {
  const Part *part;
  int64_t *row;  // of the pass that was asked for last
  int64_t pass;  // its number, from 0; -1: none yet
  double *reach; // chances added up, by position in the part; NULL: each row once
  uint64_t seed;
  bool shuffle;
} RowOrder;

RowOrder order_new(const Part *part, uint64_t seed, bool shuffle);
void order_free(RowOrder *order);
/* Rows are drawn with these chances (one a row of the part, not all 0) from now on. */
void order_draw(RowOrder *order, const double *chance);
const int64_t *order_pass(RowOrder *order, int64_t pass); // all rows of that pass
/* `count` rows from place `from` of all passes one after the other. */
void order_take(RowOrder *order, int64_t from, int64_t count, int64_t *row);

/* The rows of a pass's further tables, for batches of at most `most` rows. */
typedef struct {
  RowOrder *order;
  int64_t **row;
  int count;
} FurtherRows;
bool further_open(FurtherRows *further, Session *session, const Pass *pass, uint64_t seed, bool shuffle,
                  int64_t most); // false after a Problem
/* Those beside rows from … of the first table, counted over all passes. */
void further_take(FurtherRows *further, Runner *runner, int64_t from, int64_t count);
void further_free(FurtherRows *further);

#endif
