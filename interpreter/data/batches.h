/* The order of training: which rows stand in which batch of an epoch. */
#ifndef INTERPRETER_DATA_BATCHES_H
#define INTERPRETER_DATA_BATCHES_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
  int64_t *row;          // rows of all batches, one after the other
  int64_t *start;        // batch b has row[start[b]] to row[start[b + 1]]
  int64_t count;         // batches
  int64_t size;          // rows of a full one
  bool drop_last;        // a short one is left out, unless it is the only one
  const int32_t *length; // by row of the table: how long it is; NULL: rows have one length
  void *memory;
} Batches;

#define BATCHES_IN_GROUP 50

/* Room for batches of `size` of at most `rows` rows, the last one short (or, with drop_last, left out). */
Batches batches_new(int64_t rows, int64_t size, bool drop_last, const int32_t *length);
int64_t batches_count(const Batches *batches, int64_t rows); // that so many rows make
void batches_free(Batches *batches);

/* Cuts the rows of one epoch, in their order, into batches. With `regroup`, and where rows have lengths, they are first
 * cut into groups of BATCHES_IN_GROUP batches and sorted by length within a group (ties by position); the batches then
 * come in an order that is a function of (seed, epoch). Allocates nothing. */
void batches_cut(Batches *batches, const int64_t *row, int64_t rows, bool regroup, uint64_t seed,
                 uint64_t epoch);

#endif
