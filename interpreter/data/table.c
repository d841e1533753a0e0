/* What all tables share: columns by name, values as text, and the steps that leave rows out.
 *
 * A step never moves values: it shortens the lists of row numbers in the parts. Rows of the source's own test
 * part are the last of the file and stay in every list they are in. */
#include "interpreter/data/table.h"

#include "interpreter/data/csv_number.h"

#include <math.h>
#include <string.h>

void table_parts_start(Table *table) {
  int64_t train = table->rows - table->own_test;
  int64_t count[PART_COUNT] = {[PART_ALL] = table->rows, [PART_TRAIN] = train, [PART_TEST] = table->own_test};
  for (int i = 0; i < PART_COUNT; i++) {
    Part *part = &table->part[i];
    part->count = count[i];
    part->row = ARENA_ARRAY(table->arena, int64_t, count[i]);
    int64_t first = i == PART_TEST ? train : 0;
    for (int64_t j = 0; j < count[i]; j++) part->row[j] = first + j;
  }
}

bool table_load(Table *table, Problems *problems, Span span) {
  if (!table->loaded) table->loaded = table->load(table, problems, span);
  return table->loaded;
}

void table_close(Table *table) {
  if (!table) return;
  for (int i = 0; i < table->columns; i++) {
    if (!table->column[i].borrowed) memory_free(table->column[i].values);
    table->column[i].values = NULL;
  }
  if (table->close) table->close(table);
}

Column *table_column(const Table *table, Name name) {
  for (int i = 0; i < table->columns; i++)
    if (table->column[i].name == name) return &table->column[i];
  return NULL;
}

const char *table_column_nearest(const Table *table, Name name) {
  Arena *arena = arena_new(0);
  const char **candidate = ARENA_ARRAY(arena, const char *, table->columns);
  for (int i = 0; i < table->columns; i++) candidate[i] = table->column[i].name;
  const char *nearest = name_nearest(name, candidate, table->columns);
  arena_free(arena);
  return nearest;
}

int64_t column_elements(const Column *column) {
  int64_t elements = 1;
  for (int i = 0; i < column->rank; i++) elements *= column->size[i];
  return elements;
}

bool column_is_missing(const Column *column, int64_t row) {
  if (column->text) return ((const Cell *)column->values)[row].bytes == NULL;
  return column->dtype == DTYPE_F64 && column->missing > 0 && isnan(((const double *)column->values)[row]);
}

int64_t column_missing(const Column *column, const Part *part, int64_t row[3]) {
  int64_t count = 0;
  if (column->missing == 0) return 0;
  for (int64_t i = 0; i < part->count; i++) {
    if (!column_is_missing(column, part->row[i])) continue;
    if (count < 3) row[count] = part->row[i] + 1;
    count++;
  }
  return count;
}

const char *column_text(Arena *arena, const Column *column, int64_t row) {
  if (column_is_missing(column, row)) return NULL;
  if (column->text) {
    const Cell *cell = (const Cell *)column->values + row;
    return arena_copy(arena, cell->bytes, cell->length);
  }
  char text[CSV_NUMBER_BYTES];
  double number = column->dtype == DTYPE_U8 ? (double)((const uint8_t *)column->values)[row]
                                            : ((const double *)column->values)[row];
  return arena_copy(arena, text, csv_number_print(text, number));
}

void table_keep(Table *table, const bool *keep) {
  int64_t own = table->rows - table->own_test;
  for (int i = 0; i < PART_COUNT; i++) {
    Part *part = &table->part[i];
    int64_t count = 0;
    for (int64_t j = 0; j < part->count; j++)
      if (part->row[j] >= own || keep[part->row[j]]) part->row[count++] = part->row[j];
    part->count = count;
  }
}

static void column_drop_missing(const Table *table, const Column *column, bool *keep) {
  if (!column || column->missing == 0) return;
  for (int64_t i = 0; i < table->rows; i++) keep[i] = keep[i] && !column_is_missing(column, i);
}

void table_drop_missing(Table *table, const Name *columns, int count) {
  bool *keep = memory_alloc((size_t)table->rows, sizeof *keep);
  memset(keep, true, (size_t)table->rows);
  for (int i = 0; i < count; i++) column_drop_missing(table, table_column(table, columns[i]), keep);
  for (int i = 0; count == 0 && i < table->columns; i++) column_drop_missing(table, &table->column[i], keep);
  table_keep(table, keep);
  memory_free(keep);
}

void table_limit(Table *table, int64_t rows) {
  bool *keep = memory_alloc((size_t)table->rows, sizeof *keep);
  const Part *all = &table->part[PART_ALL];
  int64_t own = table->rows - table->own_test;
  for (int64_t i = 0, kept = 0; i < all->count && kept < rows; i++) {
    if (all->row[i] >= own) continue;
    keep[all->row[i]] = true;
    kept++;
  }
  table_keep(table, keep);
  memory_free(keep);
}

int64_t column_length(const Column *column, int64_t row) {
  int64_t length = column->start[row + 1] - column->start[row];
  return column->most && length > column->most ? column->most : length;
}

static void gather_ragged(const Column *column, const int64_t *row, int64_t count, int64_t length, char *to) {
  size_t size = dtype_size(column->dtype), bytes = (size_t)length * size;
  for (int64_t i = 0; i < count; i++, to += bytes) {
    int64_t have = column_length(column, row[i]);
    size_t taken = (size_t)(have < length ? have : length) * size;
    memcpy(to, (const char *)column->values + (size_t)column->start[row[i]] * size, taken);
    memset(to + taken, 0, bytes - taken);
  }
}

void column_gather(const Column *column, const int64_t *row, int64_t count, int64_t length, void *dst) {
  size_t element = column->text ? sizeof(Cell) : dtype_size(column->dtype);
  size_t size = (size_t)column_elements(column) * element;
  size_t step = column->step ? (size_t)column->step * element : size;
  const char *values = column->values;
  char *to = dst;
  if (column->start) {
    gather_ragged(column, row, count, length, dst);
  } else if (size == sizeof(double)) {
    for (int64_t i = 0; i < count; i++) memcpy(to + 8 * i, values + step * (size_t)row[i], 8);
  } else {
    for (int64_t i = 0; i < count; i++, to += size) memcpy(to, values + step * (size_t)row[i], size);
  }
}
