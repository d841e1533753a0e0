/* Cutting a table into train, valid and test.
 *
 * In go shares or numbers of rows, out come three lists that together are the rows there were. Rows are dealt in
 * the order of a keyed permutation (or of the file), within each group of equal values where proportions are
 * kept; then every list is brought back into the order of the file, so that what is printed from a part, and
 * training without shuffle, follow the file. */
#include "base/philox.h"
#include "base/random.h"
#include "interpreter/data/distinct.h"
#include "interpreter/data/problems_data.h"
#include "interpreter/data/problems_text.h"
#include "interpreter/data/table.h"

#include <math.h>
#include <stdlib.h>

#define SITE_ROWS 0x726f7773u // "rows": the stream of permutations

typedef enum { DEAL_TRAIN, DEAL_VALID, DEAL_TEST, DEALS } Deal;

/* Where the next 64 random bits come from. */
typedef struct {
  uint32_t key[2], word[4];
  int64_t block, epoch;
  int left; // unused halves of `word`
} Bits;

static uint64_t bits_next(Bits *bits) {
  if (bits->left == 0) {
    uint32_t counter[4];
    random_counter(bits->block++, bits->epoch, 0, counter);
    philox4x32(counter, bits->key, bits->word);
    bits->left = 2;
  }
  bits->left--;
  return (uint64_t)bits->word[2 * bits->left + 1] << 32 | bits->word[2 * bits->left];
}

void rows_permute(int64_t *row, int64_t count, uint64_t seed, uint64_t epoch) {
  uint64_t key = random_key(seed, SITE_ROWS, 0);
  Bits bits = {.key = {(uint32_t)key, (uint32_t)(key >> 32)}, .epoch = (int64_t)epoch};
  for (int64_t i = 0; i < count; i++) row[i] = i;
  for (int64_t i = count - 1; i > 0; i--) {
    // Fisher-Yates; the high half of the product is below i + 1, its bias below 2^-32 for tables that fit here
    uint64_t other = (uint64_t)(((unsigned __int128)bits_next(&bits) * (uint64_t)(i + 1)) >> 64);
    int64_t swap = row[i];
    row[i] = row[other];
    row[other] = swap;
  }
}

/* The rows that steps may cut: without the own test part. In the order of the file. */
static int64_t rows_free(const Table *table, int64_t **row) {
  const Part *all = &table->part[PART_ALL];
  int64_t count = 0;
  *row = memory_alloc((size_t)all->count, sizeof **row);
  for (int64_t i = 0; i < all->count; i++)
    if (all->row[i] < table->rows - table->own_test) (*row)[count++] = all->row[i];
  return count;
}

/* Fills the parts from `deal`, by position in `row`. */
static void parts_fill(Table *table, const int64_t *row, const uint8_t *deal, int64_t count) {
  static const PartName PART_OF[DEALS] = {PART_TRAIN, PART_VALID, PART_TEST};
  int64_t size[DEALS] = {0};
  for (int64_t i = 0; i < count; i++) size[deal[i]]++;
  for (int i = 0; i < DEALS; i++) {
    if (i == DEAL_TEST && table->own_test) continue;
    Part *part = &table->part[PART_OF[i]];
    part->row = ARENA_ARRAY(table->arena, int64_t, size[i]);
    part->count = 0;
    for (int64_t j = 0; j < count; j++)
      if (deal[j] == i) part->row[part->count++] = row[j];
  }
  table->split = true;
}

/* Rows of one part; -1 after a Problem. */
static int64_t part_rows(Table *table, Problems *problems, Span span, const char *what, double value,
                         bool is_rows, int64_t rows) {
  bool good = is_rows ? value >= 0 && value == floor(value) && value < 0x1p62 : value >= 0 && value < 1;
  if (!good) return problem_split_share(problems, span, what, value), -1;
  int64_t count = (int64_t)(is_rows ? value : floor(value * (double)rows + 0.5));
  if (count == 0 && value > 0) return problem_split_empty(problems, span, table, what, value, rows), -1;
  return count;
}

/* A group of rows with one value, and how many of it each part gets. */
typedef struct {
  int64_t size;
  int64_t dealt[DEALS];
  double rest; // of its quota, after rounding down
  int64_t number;
} Group;

static int group_by_rest(const void *a, const void *b) {
  const Group *left = a, *right = b;
  if (left->rest != right->rest) return left->rest < right->rest ? 1 : -1;
  return (left->number > right->number) - (left->number < right->number);
}

static int group_by_number(const void *a, const void *b) {
  const Group *left = a, *right = b;
  return (left->number > right->number) - (left->number < right->number);
}

/* Largest remainders: each group gives its share of `wanted` rows rounded down, those with the largest rest one
 * more, until there are exactly `wanted`. */
static void groups_deal(Group *group, int64_t groups, Deal deal, int64_t wanted, int64_t rows) {
  int64_t left = wanted;
  for (int64_t i = 0; i < groups; i++) {
    unsigned __int128 quota = (unsigned __int128)(uint64_t)group[i].size * (uint64_t)wanted;
    group[i].dealt[deal] = (int64_t)(quota / (uint64_t)rows);
    group[i].rest = (double)(uint64_t)(quota % (uint64_t)rows);
    left -= group[i].dealt[deal];
  }
  qsort(group, (size_t)groups, sizeof *group, group_by_rest);
  while (left > 0)
    for (int64_t i = 0; i < groups && left > 0; i++) {
      if (group[i].dealt[DEAL_VALID] + group[i].dealt[DEAL_TEST] == group[i].size) continue;
      group[i].dealt[deal]++;
      left--;
    }
  qsort(group, (size_t)groups, sizeof *group, group_by_number);
}

/* Which part each row goes to. `order`: positions in the order of dealing; `of`: the group of a position. */
static void rows_deal(uint8_t *deal, const int64_t *order, const int64_t *of, Group *group, int64_t count) {
  for (int64_t i = 0; i < count; i++) {
    Group *from = &group[of ? of[order[i]] : 0];
    Deal to = from->dealt[DEAL_VALID] > 0 ? DEAL_VALID : from->dealt[DEAL_TEST] > 0 ? DEAL_TEST : DEAL_TRAIN;
    from->dealt[to] -= to != DEAL_TRAIN;
    deal[order[i]] = (uint8_t)to;
  }
}

static void deal_by_column(const Column *column, const int64_t *row, const int64_t *order, int64_t count,
                           const int64_t wanted[DEALS], uint8_t *deal) {
  Distinct distinct = distinct_of(column, row, count);
  int64_t groups = distinct.count + (distinct.missing > 0);
  Group *group = memory_alloc((size_t)groups, sizeof *group);
  for (int64_t i = 0; i < groups; i++)
    group[i] = (Group){.size = i < distinct.count ? distinct.times[i] : distinct.missing, .number = i};
  for (int64_t i = 0; i < count; i++)
    if (distinct.of[i] < 0) distinct.of[i] = distinct.count;
  groups_deal(group, groups, DEAL_VALID, wanted[DEAL_VALID], count);
  groups_deal(group, groups, DEAL_TEST, wanted[DEAL_TEST], count);
  rows_deal(deal, order, distinct.of, group, count);
  memory_free(group);
  distinct_free(&distinct);
}

static void deal_by_order(int64_t count, const int64_t wanted[DEALS], uint8_t *deal) {
  int64_t test = count - wanted[DEAL_TEST], valid = test - wanted[DEAL_VALID];
  for (int64_t i = 0; i < count; i++) deal[i] = i < valid ? DEAL_TRAIN : i < test ? DEAL_VALID : DEAL_TEST;
}

/* What `by` names; *column stays NULL for none and for "order". */
static bool split_by(Table *table, Problems *problems, Span span, const Split *split, bool *ordered,
                     const Column **column) {
  *ordered = split->by == name_of("order");
  *column = NULL;
  if (!split->by || *ordered) return true;
  *column = table_column(table, split->by);
  if (!*column || (*column)->rank > 0) return problem_split_by(problems, span, table, split->by), false;
  return table_load(table, problems, span);
}

static bool split_counts(Table *table, Problems *problems, Span span, const Split *split, int64_t rows,
                         int64_t wanted[DEALS]) {
  if (split->test != 0 && table->own_test) return problem_split_own_test(problems, span, table), false;
  wanted[DEAL_VALID] = part_rows(table, problems, span, "valid", split->valid, split->valid_is_rows, rows);
  if (wanted[DEAL_VALID] < 0) return false;
  wanted[DEAL_TEST] = part_rows(table, problems, span, "test", split->test, split->test_is_rows, rows);
  if (wanted[DEAL_TEST] < 0) return false;
  if (wanted[DEAL_VALID] + wanted[DEAL_TEST] >= rows)
    return problem_split_sum(problems, span, table, split, rows), false;
  return true;
}

static bool split_text(Table *table, Problems *problems, Span span, const Split *split) {
  int64_t wanted[DEALS] = {0}, count = table_text_characters(table);
  if (split->by != name_of("order")) return problem_split_text(problems, span, table), false;
  if (!split_counts(table, problems, span, split, count, wanted)) return false;
  int64_t part[PART_COUNT] = {[PART_VALID] = wanted[DEAL_VALID], [PART_TEST] = wanted[DEAL_TEST]};
  part[PART_TRAIN] = count - part[PART_VALID] - part[PART_TEST];
  table_text_cut(table, part);
  return true;
}

bool table_split(Table *table, Problems *problems, Span span, const Split *split) {
  if (table->split) return problem_split_twice(problems, span), false;
  if (table->whole_text) return split_text(table, problems, span, split);
  bool ordered;
  const Column *column;
  if (!split_by(table, problems, span, split, &ordered, &column)) return false;
  int64_t *row, wanted[DEALS] = {0}, count = rows_free(table, &row);
  bool good = split_counts(table, problems, span, split, count, wanted);
  if (good) {
    uint8_t *deal = memory_alloc((size_t)count, sizeof *deal);
    int64_t *order = memory_alloc((size_t)count, sizeof *order);
    rows_permute(order, count, split->seed, 0);
    Group whole = {.size = count, .dealt = {0, wanted[DEAL_VALID], wanted[DEAL_TEST]}};
    if (ordered)
      deal_by_order(count, wanted, deal);
    else if (column)
      deal_by_column(column, row, order, count, wanted, deal);
    else
      rows_deal(deal, order, NULL, &whole, count);
    parts_fill(table, row, deal, count);
    memory_free(order);
    memory_free(deal);
  }
  memory_free(row);
  return good;
}

bool table_kfold(Table *table, Problems *problems, Span span, int64_t folds, int64_t fold, uint64_t seed) {
  if (table->split) return problem_split_twice(problems, span), false;
  int64_t *row, count = rows_free(table, &row);
  bool good = folds >= 2 && folds <= count && fold >= 0 && fold < folds;
  if (good) {
    uint8_t *deal = memory_alloc((size_t)count, sizeof *deal);
    int64_t *order = memory_alloc((size_t)count, sizeof *order);
    rows_permute(order, count, seed, 0);
    for (int64_t i = 0; i < count; i++) deal[order[i]] = i % folds == fold ? DEAL_VALID : DEAL_TRAIN;
    parts_fill(table, row, deal, count);
    memory_free(order);
    memory_free(deal);
  } else {
    problem_kfold(problems, span, folds, fold, count);
  }
  memory_free(row);
  return good;
}
