/* The different values of a column: for categories, splits by a column, and previews. */
#ifndef INTERPRETER_DATA_DISTINCT_H
#define INTERPRETER_DATA_DISTINCT_H

#include "interpreter/data/table.h"

typedef struct {
  int64_t count;
  int64_t *row;           // a row that holds each
  int64_t *times;         // how many rows hold it
  int64_t *of;            // by position in the list of rows: the value's number; -1: missing
  int64_t missing;        // rows without a value
  int64_t missing_row[3]; // the first of them, from 1
} Distinct;

/* Of the rows `row[0..count)` of a column with one value a row. Values are in order: numbers by size (-0 is 0),
 * texts by bytes. Freed by distinct_free. */
Distinct distinct_of(const Column *column, const int64_t *row, int64_t count);
void distinct_free(Distinct *distinct);

double column_number(const Column *column, int64_t row); // of a number column of rank 0; NaN: missing
int cell_compare(const Cell *a, const Cell *b);          // by bytes; a shorter one first

#endif
