/* Which rows train together.
 *
 * Rows of about one length share a batch, so little of it is filling; which ones, and when they come, still changes
 * from epoch to epoch. The last batch is the one that may be short; wherever it is moved to, its rows stay together. */
#include "interpreter/data/batches.h"

#include "base/arena.h"
#include "base/random.h"
#include "interpreter/data/table.h"

#include <stdlib.h>
#include <string.h>

#define SITE_BATCHES 0x62617463u // "batc": the order of batches is another stream than that of rows

typedef struct {
  int64_t row, place;
  int32_t length;
} Entry;

typedef struct {
  Entry *entry;   // rows in the order of this epoch
  int64_t *order; // of batches
} Scratch;

int64_t batches_count(const Batches *batches, int64_t rows) {
  int64_t full = rows / batches->size, rest = rows % batches->size;
  return full + (rest && (!batches->drop_last || !full));
}

Batches batches_new(int64_t rows, int64_t size, bool drop_last, const int32_t *length) {
  Batches batches = {.size = size, .drop_last = drop_last, .length = length};
  batches.count = batches_count(&batches, rows);
  batches.row = memory_alloc((size_t)rows + 1, sizeof(int64_t));
  batches.start = memory_alloc((size_t)batches.count + 1, sizeof(int64_t));
  Scratch *scratch = memory_alloc(1, sizeof *scratch);
  if (length) {
    scratch->entry = memory_alloc((size_t)rows + 1, sizeof(Entry));
    scratch->order = memory_alloc((size_t)batches.count + 1, sizeof(int64_t));
  }
  batches.memory = scratch;
  return batches;
}

void batches_free(Batches *batches) {
  Scratch *scratch = batches->memory;
  if (scratch) {
    memory_free(scratch->entry);
    memory_free(scratch->order);
  }
  memory_free(scratch);
  memory_free(batches->row);
  memory_free(batches->start);
  *batches = (Batches){0};
}

static int entry_by_length(const void *a, const void *b) {
  const Entry *left = a, *right = b;
  if (left->length != right->length) return left->length < right->length ? -1 : 1;
  return (left->place > right->place) - (left->place < right->place);
}

static int64_t batch_end(const Batches *batches, int64_t rows, int64_t batch) {
  int64_t end = (batch + 1) * batches->size;
  return end < rows ? end : rows;
}

/* Sorts within groups and deals the batches out in an order of their own. */
static void order_by_length(Batches *batches, int64_t rows, uint64_t seed, uint64_t epoch) {
  Scratch *scratch = batches->memory;
  rows = batches->count ? batch_end(batches, rows, batches->count - 1) : 0;
  for (int64_t i = 0; i < rows; i++)
    scratch->entry[i] = (Entry){batches->row[i], i, batches->length[batches->row[i]]};
  for (int64_t from = 0, group = batches->size * BATCHES_IN_GROUP; from < rows; from += group) {
    int64_t count = rows - from < group ? rows - from : group;
    qsort(scratch->entry + from, (size_t)count, sizeof(Entry), entry_by_length);
  }
  rows_permute(scratch->order, batches->count, random_mix(seed ^ SITE_BATCHES), epoch);
  int64_t at = 0;
  for (int64_t i = 0; i < batches->count; i++) {
    batches->start[i] = at;
    int64_t batch = scratch->order[i], end = batch_end(batches, rows, batch);
    for (int64_t k = batch * batches->size; k < end; k++) batches->row[at++] = scratch->entry[k].row;
  }
  batches->start[batches->count] = at;
}

void batches_cut(Batches *batches, const int64_t *row, int64_t rows, bool regroup, uint64_t seed,
                 uint64_t epoch) {
  memcpy(batches->row, row, sizeof(int64_t) * (size_t)rows);
  batches->count = batches_count(batches, rows);
  for (int64_t i = 0; i < batches->count; i++) batches->start[i] = i * batches->size;
  batches->start[batches->count] = batches->count ? batch_end(batches, rows, batches->count - 1) : 0;
  if (regroup && batches->length) order_by_length(batches, rows, seed, epoch);
}
