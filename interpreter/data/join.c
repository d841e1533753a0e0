/* Tables made of tables: one as the source of another, and columns of one put beside those of another.
 *
 * Columns of a table that is a source are borrowed: their owner, which lives as long as the program, frees them. */
#include "interpreter/data/distinct.h"
#include "interpreter/data/problems_text.h"
#include "interpreter/data/table.h"

#include <math.h>
#include <string.h>

static bool borrow_load(Table *table, Problems *problems, Span span) {
  Table *from = table->reader;
  if (!table_load(from, problems, span)) return false;
  for (int i = 0; i < table->columns; i++) table->column[i].values = from->column[i].values;
  return true;
}

Table *table_of_table(Arena *arena, Table *from, const Part *part, Span span) {
  Table *table = ARENA_NEW(arena, Table);
  *table = *from;
  table->arena = arena;
  table->span = span;
  table->column = ARENA_ARRAY(arena, Column, from->columns + 1);
  for (int i = 0; i < from->columns; i++) {
    table->column[i] = from->column[i];
    table->column[i].borrowed = true;
  }
  table->reader = from;
  table->load = borrow_load;
  table->close = NULL;
  table->own_test = 0;
  table->split = false;
  table->whole_text = from->whole_text && !from->split;
  for (int i = 0; i < PART_COUNT; i++) {
    bool whole = i == PART_ALL || i == PART_TRAIN;
    table->part[i] = (Part){ARENA_ARRAY(arena, int64_t, part->count + 1), whole ? part->count : 0};
    if (whole && part->count) memcpy(table->part[i].row, part->row, sizeof(int64_t) * (size_t)part->count);
  }
  return table;
}

/* For each row of the left table the row of the right one with the same value; -1: none. false after a Problem. */
static bool partners_find(const Table *left, const Column *on, const Table *right, const Column *key,
                          Problems *problems, Span span, int64_t *partner) {
  const Part *a = &left->part[PART_ALL], *b = &right->part[PART_ALL];
  int64_t count = a->count + b->count, twice = -1;
  // both columns as one, so that equal values get one number
  Column both = {.text = on->text, .dtype = on->dtype, .missing = on->missing + key->missing};
  size_t size = on->text ? sizeof(Cell) : sizeof(double);
  both.values = memory_alloc((size_t)count + 1, size);
  int64_t *row = memory_alloc((size_t)count + 1, sizeof *row);
  column_gather(on, a->row, a->count, 0, both.values);
  column_gather(key, b->row, b->count, 0, (char *)both.values + size * (size_t)a->count);
  for (int64_t i = 0; i < count; i++) row[i] = i;
  Distinct distinct = distinct_of(&both, row, count);
  int64_t *first = memory_alloc((size_t)distinct.count + 1, sizeof *first);
  for (int64_t i = 0; i < distinct.count; i++) first[i] = -1;
  for (int64_t i = 0; i < b->count; i++) {
    int64_t value = distinct.of[a->count + i];
    if (value < 0) continue;
    if (first[value] >= 0 && twice < 0) twice = i;
    if (first[value] < 0) first[value] = i;
  }
  for (int64_t i = 0; i < left->rows; i++) partner[i] = -1;
  for (int64_t i = 0; i < a->count; i++) {
    int64_t value = distinct.of[i];
    if (value >= 0 && first[value] >= 0) partner[a->row[i]] = b->row[first[value]];
  }
  if (twice >= 0)
    problem_join_twice(problems, span, right, key, b->row[first[distinct.of[a->count + twice]]],
                       b->row[twice]);
  memory_free(first);
  distinct_free(&distinct);
  memory_free(row);
  memory_free(both.values);
  return twice < 0;
}

/* The values of a column of the right table, by row of the left one. */
static void column_join(const Table *left, const Column *from, const int64_t *partner, Column *column) {
  *column = *from;
  column->borrowed = false;
  column->missing = column->odd = 0;
  size_t size = from->text ? sizeof(Cell) : sizeof(double);
  column->values = memory_alloc((size_t)left->rows + 1, size);
  for (int64_t i = 0; i < left->rows; i++) {
    char *to = (char *)column->values + size * (size_t)i;
    if (partner[i] >= 0)
      column_gather(from, &partner[i], 1, 0, to);
    else if (!from->text)
      *(double *)(void *)to = NAN;
    bool missing = partner[i] < 0 || column_is_missing(from, partner[i]);
    if (missing && column->missing++ < 3) column->missing_row[column->missing - 1] = i + 1;
  }
}

static bool column_joins(const Column *column) {
  return column->rank == 0 && !column->start && (column->text || column->dtype == DTYPE_F64);
}

/* The columns of the right table that come over; false after a Problem. */
static bool columns_join(Table *left, const Table *right, Name on, Problems *problems, Span span,
                         const int64_t *partner) {
  Column *column = ARENA_ARRAY(left->arena, Column, left->columns + right->columns + 1);
  memcpy(column, left->column, sizeof *column * (size_t)left->columns);
  int count = left->columns;
  for (int i = 0; i < right->columns; i++) {
    const Column *from = &right->column[i];
    if (from->name == on) continue;
    const char *fault = table_column(left, from->name) ? "both tables have it"
                        : !column_joins(from)          ? "only numbers and texts can be joined"
                                                       : NULL;
    if (fault) {
      problem_join_column(problems, span, right, from->name, fault);
      for (int k = left->columns; k < count; k++) memory_free(column[k].values);
      return false;
    }
    column_join(left, from, partner, &column[count++]);
  }
  left->column = column;
  left->columns = count;
  return true;
}

bool table_join(Table *left, Table *right, Problems *problems, Span span, Name on, bool keep_all) {
  if (!table_load(left, problems, span) || !table_load(right, problems, span)) return false;
  const Column *a = table_column(left, on), *b = table_column(right, on);
  const Table *lacks = !a ? left : right;
  const char *fault = !a || !b                               ? "there is no such column"
                      : !column_joins(a) || !column_joins(b) ? "rows are matched by numbers or texts"
                      : a->text != b->text ? "it is text in one table and numbers in the other"
                                           : NULL;
  if (fault) return problem_join_column(problems, span, lacks, on, fault), false;
  int64_t *partner = memory_alloc((size_t)left->rows + 1, sizeof *partner);
  bool good = partners_find(left, a, right, b, problems, span, partner) &&
              columns_join(left, right, on, problems, span, partner);
  if (good && !keep_all) {
    bool *keep = memory_alloc((size_t)left->rows + 1, sizeof *keep);
    for (int64_t i = 0; i < left->rows; i++) keep[i] = partner[i] >= 0;
    table_keep(left, keep);
    memory_free(keep);
  }
  memory_free(partner);
  return good;
}
