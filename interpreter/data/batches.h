/* The order of training: which rows stand in which batch of an epoch. */
#ifndef INTERPRETER_DATA_BATCHES_H
#define INTERPRETER_DATA_BATCHES_H

#include "interpreter/data/table.h"

typedef struct {
  int64_t *row;   // rows of all batches, one after the other
  int64_t *start; // batch b has row[start[b]] to row[start[b + 1]]
  int64_t count;  // batches
  int64_t size;   // rows of a full one
  const Part *from;
  const int32_t *length; // by row of the table: how long it is; NULL: rows have one length
  void *memory;
} Batches;

#define BATCHES_IN_GROUP 50

/* Batches of `size` rows of a part, the last one short (or, with drop_last, left out). */
Batches batches_new(const Part *from, int64_t size, bool drop_last, const int32_t *length);
void batches_free(Batches *batches);

/* The order of one epoch, a function of (seed, epoch): rows are permuted; where they have lengths, they are then cut
 * into groups of BATCHES_IN_GROUP batches, sorted by length within a group (ties by position), cut into batches, and
 * the batches are permuted. Without `shuffle` rows stay in the order of the part. Allocates nothing. */
void batches_order(Batches *batches, bool shuffle, uint64_t seed, uint64_t epoch);

#endif
