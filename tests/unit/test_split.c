/* Table steps: parts are disjoint, together all rows, in the order of the file, and a function of the seed. */
#include "interpreter/data/table.h"

#include "base/name.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static Arena *arena;
static Problems *problems;
static char path[] = "/tmp/lathe-split-XXXXXX";

static void start(void) {
  int descriptor = mkstemp(path);
  cr_assert_geq(descriptor, 0);
  close(descriptor);
  arena = arena_new(0);
  problems = problems_new(arena);
}

static void finish(void) {
  unlink(path);
  arena_free(arena);
}

TestSuite(split, .init = start, .fini = finish);

/* Columns: n is the row's number, kind is a in the first half, b in a third, c in the rest and missing in row 0. */
static Table *table_made(int rows) {
  FILE *file = fopen(path, "w");
  fputs("n,kind\n", file);
  for (int i = 0; i < rows; i++) {
    const char *kind = i == 0 ? "" : i < rows / 2 ? "a" : i < rows / 2 + rows / 3 ? "b" : "c";
    fprintf(file, "%d,%s\n", i, kind);
  }
  fclose(file);
  Table *table =
      table_open_csv(arena, problems, (Span){0}, path, &(CsvOptions){.header = true, .separator = ','});
  cr_assert_not_null(table);
  return table;
}

/* Train, valid and test are in order and together what PART_ALL has. */
static void parts_are_a_cut(const Table *table) {
  bool *seen = calloc((size_t)table->rows, 1);
  int64_t count = 0;
  for (int i = PART_TRAIN; i <= PART_TEST; i++) {
    const Part *part = &table->part[i];
    for (int64_t j = 0; j < part->count; j++) {
      cr_assert(!seen[part->row[j]], "row %d is in two parts", (int)part->row[j]);
      cr_assert(j == 0 || part->row[j - 1] < part->row[j]);
      seen[part->row[j]] = true;
      count++;
    }
  }
  const Part *all = &table->part[PART_ALL];
  cr_expect_eq(count, all->count);
  for (int64_t i = 0; i < all->count; i++) cr_expect(seen[all->row[i]]);
  free(seen);
}

static bool refused(Table *table, Split split, const char *words) {
  int before = problems_total(problems);
  if (table_split(table, problems, (Span){0}, &split) || problems_total(problems) != before + 1) return false;
  const Problem *problem = problems_get(problems, before);
  return strcmp(problem->code, "E0407") == 0 && problem->exit_code == 3 && strstr(problem->title, words);
}

Test(split, shares_round_and_rows_count) {
  static const struct {
    double valid, test;
    bool valid_is_rows, test_is_rows;
    int64_t count[3];
  } cases[] = {
      {0.2, 0, false, false, {82, 21, 0}}, {0.15, 0.15, false, false, {73, 15, 15}},
      {7, 0.5, true, false, {44, 7, 52}},  {0, 102, true, true, {1, 0, 102}},
      {0, 0, false, false, {103, 0, 0}},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
    for (int by = 0; by < 3; by++) {
      Name names[] = {NULL, name_of("order"), name_of("kind")};
      Table *table = table_made(103);
      Split split = {cases[i].valid,        cases[i].test, cases[i].valid_is_rows,
                     cases[i].test_is_rows, names[by],     3};
      cr_assert(table_split(table, problems, (Span){0}, &split));
      for (int j = 0; j < 3; j++)
        cr_expect_eq(table->part[PART_TRAIN + j].count, cases[i].count[j], "case %zu, by %d, part %d: %d", i,
                     by, j, (int)table->part[PART_TRAIN + j].count);
      parts_are_a_cut(table);
      table_close(table);
    }
}

Test(split, depends_on_the_seed_alone) {
  Table *table[3];
  for (int i = 0; i < 3; i++) {
    table[i] = table_made(100);
    Split split = {.valid = 0.3, .seed = i == 2 ? 8 : 7};
    cr_assert(table_split(table[i], problems, (Span){0}, &split));
  }
  size_t bytes = 30 * sizeof(int64_t);
  cr_expect_eq(memcmp(table[0]->part[PART_VALID].row, table[1]->part[PART_VALID].row, bytes), 0);
  cr_expect_neq(memcmp(table[0]->part[PART_VALID].row, table[2]->part[PART_VALID].row, bytes), 0);
  for (int i = 0; i < 3; i++) table_close(table[i]);
}

Test(split, by_order_cuts_the_file) {
  Table *table = table_made(100);
  Split split = {.valid = 0.2, .test = 0.1, .by = name_of("order")};
  cr_assert(table_split(table, problems, (Span){0}, &split));
  cr_expect_eq(table->part[PART_TRAIN].row[69], 69);
  cr_expect_eq(table->part[PART_VALID].row[0], 70);
  cr_expect_eq(table->part[PART_TEST].row[0], 90);
  table_close(table);
}

Test(split, by_column_keeps_proportions) {
  for (uint64_t seed = 0; seed < 20; seed++) {
    Table *table = table_made(120); // missing 1, a 59, b 40, c 20
    Split split = {.valid = 0.25, .test = 0.2, .by = name_of("kind"), .seed = seed};
    cr_assert(table_split(table, problems, (Span){0}, &split));
    static const double share[] = {0.55, 0.25, 0.2}, size[] = {59, 40, 20};
    for (int i = 0; i < 3; i++) {
      int count[3] = {0};
      const Part *part = &table->part[PART_TRAIN + i];
      for (int64_t j = 0; j < part->count; j++) {
        const Cell *cell = (const Cell *)table->column[1].values + part->row[j];
        if (cell->bytes) count[cell->bytes[0] - 'a']++;
      }
      for (int j = 0; j < 3; j++)
        cr_expect(count[j] >= (int)(share[i] * size[j]) - 1 && count[j] <= (int)(share[i] * size[j]) + 1,
                  "seed %d, part %d, kind %d: %d", (int)seed, i, j, count[j]);
    }
    parts_are_a_cut(table);
    table_close(table);
  }
}

Test(split, by_a_column_of_different_values) {
  Table *table = table_made(101);
  Split split = {.valid = 0.5, .test = 0.49, .by = name_of("n")};
  cr_assert(table_split(table, problems, (Span){0}, &split));
  cr_expect_eq(table->part[PART_VALID].count, 51);
  cr_expect_eq(table->part[PART_TEST].count, 49);
  parts_are_a_cut(table);
  table_close(table);
}

Test(split, refusals) {
  Table *table = table_made(20);
  cr_expect(
      refused(table, (Split){.valid = 0.6, .test = 0.5}, "valid=0.6 and test=0.5 of 20 rows leaves nothing"));
  cr_expect(
      refused(table, (Split){.valid = 20, .valid_is_rows = true}, "valid=20 of 20 rows leaves nothing"));
  cr_expect(refused(table, (Split){.valid = 1.5}, "neither a share nor a number of rows"));
  cr_expect(refused(table, (Split){.test = -1, .test_is_rows = true}, "test=-1"));
  cr_expect(refused(table, (Split){.valid = (double)NAN}, "valid="));
  cr_expect(refused(table, (Split){.valid = 0.01}, "not one row"));
  cr_expect(refused(table, (Split){.valid = 0.5, .by = name_of("knid")}, "no such column"));
  cr_expect_not_null(strstr(problems_get(problems, problems_total(problems) - 1)->help, "by=\"kind\""));
  cr_expect_eq(table->part[PART_TRAIN].count, 20);
  cr_assert(table_split(table, problems, (Span){0}, &(Split){.valid = 0.5}));
  cr_expect(refused(table, (Split){.valid = 0.5}, "already"));
  table_close(table);
  table = table_made(0);
  cr_expect(refused(table, (Split){0}, "no rows"));
  table_close(table);
}

Test(split, steps_work_on_what_is_left) {
  Table *table = table_made(50);
  table_limit(table, 30);
  cr_expect_eq(table->part[PART_ALL].count, 30);
  table_drop_missing(table, NULL, 0);
  cr_expect_eq(table->part[PART_ALL].row[0], 1);
  bool keep[50] = {0};
  for (int i = 0; i < 50; i += 2) keep[i] = true;
  table_keep(table, keep);
  cr_expect_eq(table->part[PART_TRAIN].count, 14);
  cr_assert(table_split(table, problems, (Span){0}, &(Split){.valid = 4, .valid_is_rows = true}));
  cr_expect_eq(table->part[PART_TRAIN].count, 10);
  parts_are_a_cut(table);
  table_limit(table, 5);
  cr_expect_eq(table->part[PART_ALL].count, 5);
  parts_are_a_cut(table);
  table_limit(table, -1);
  cr_expect_eq(table->part[PART_ALL].count, 0);
  table_close(table);
}

Test(split, folds) {
  bool seen[23] = {0};
  for (int64_t fold = 0; fold < 5; fold++) {
    Table *table = table_made(23);
    cr_assert(table_kfold(table, problems, (Span){0}, 5, fold, 1));
    const Part *valid = &table->part[PART_VALID];
    cr_expect(valid->count == 4 || valid->count == 5);
    for (int64_t i = 0; i < valid->count; i++) {
      cr_expect(!seen[valid->row[i]]);
      seen[valid->row[i]] = true;
    }
    parts_are_a_cut(table);
    table_close(table);
  }
  for (int i = 0; i < 23; i++) cr_expect(seen[i]);
  Table *table = table_made(23);
  cr_expect(!table_kfold(table, problems, (Span){0}, 5, 5, 1));
  cr_expect(!table_kfold(table, problems, (Span){0}, 5, -1, 1));
  cr_expect(!table_kfold(table, problems, (Span){0}, 1, 0, 1));
  cr_expect(!table_kfold(table, problems, (Span){0}, 24, 0, 1));
  cr_expect_eq(problems_total(problems), 4);
  table_close(table);
}

Test(split, permutation) {
  enum { COUNT = 1000 };
  int64_t row[COUNT], again[COUNT], other[COUNT];
  rows_permute(row, COUNT, 1, 1);
  rows_permute(again, COUNT, 1, 1);
  rows_permute(other, COUNT, 1, 2);
  cr_expect_eq(memcmp(row, again, sizeof row), 0);
  int same = 0, fixed = 0;
  bool seen[COUNT] = {0};
  for (int i = 0; i < COUNT; i++) {
    seen[row[i]] = true;
    same += row[i] == other[i];
    fixed += row[i] == i;
  }
  for (int i = 0; i < COUNT; i++) cr_expect(seen[i]);
  cr_expect_lt(same, 10);
  cr_expect_lt(fixed, 10);
  rows_permute(row, 0, 1, 1);
  rows_permute(row, 1, 1, 1);
  cr_expect_eq(row[0], 0);
}

/* Each of the 24 orders of four comes up about as often: chi-squared with 23 degrees is below 60 but for one
 * time in 30,000, and this is always the same time. */
Test(split, permutation_is_fair) {
  int times[256] = {0};
  for (uint64_t epoch = 0; epoch < 24000; epoch++) {
    int64_t row[4];
    rows_permute(row, 4, 5, epoch);
    times[row[0] << 6 | row[1] << 4 | row[2] << 2 | row[3]]++;
  }
  double chi = 0;
  int orders = 0;
  for (int i = 0; i < 256; i++) {
    if (!times[i]) continue;
    orders++;
    chi += (times[i] - 1000.0) * (times[i] - 1000.0) / 1000.0;
  }
  cr_expect_eq(orders, 24);
  cr_expect_lt(chi, 60);
}

Test(split, gather) {
  Table *table = table_made(10);
  double number[3];
  Cell cell[2];
  column_gather(&table->column[0], (const int64_t[]){9, 0, 4}, 3, 0, number);
  cr_expect(number[0] == 9 && number[1] == 0 && number[2] == 4);
  column_gather(&table->column[1], (const int64_t[]){1, 0}, 2, 0, cell);
  cr_expect(cell[0].length == 1 && cell[0].bytes[0] == 'a' && cell[1].bytes == NULL);
  table_close(table);
}
