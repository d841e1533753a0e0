/* row(r) over a table.
 *
 * A column has one type: that of the first value that comes back for it. Texts and numbers that come back are made
 * into columns of their own, which take the place of the old ones; classes and pixels are changed where they are. */
#include "interpreter/hooks/rows.h"

#include "lang/problems.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static double number_at(const Column *column, int64_t row) {
  switch (column->dtype) {
  case DTYPE_F32: return (double)((const float *)column->values)[row];
  case DTYPE_F64: return ((const double *)column->values)[row];
  case DTYPE_U8: return ((const uint8_t *)column->values)[row];
  case DTYPE_I32: return ((const int32_t *)column->values)[row];
  case DTYPE_I64: return (double)((const int64_t *)column->values)[row];
  default: return ((const bool *)column->values)[row];
  }
}

static Plain plain_of(double x) {
  return x == floor(x) && fabs(x) < 0x1p53 ? plain_integer((int64_t)x) : plain_number(x);
}

Plain row_record(Arena *arena, const Table *table, int64_t row) {
  Plain record = plain_table();
  for (int i = 0; i < table->columns; i++) {
    const Column *column = &table->column[i];
    if (column->rank > 0 || !column->values || column_is_missing(column, row)) continue;
    Plain value;
    if (column->text) {
      const Cell *cell = &((const Cell *)column->values)[row];
      value = plain_text(arena, cell->bytes, cell->length);
    } else
      value = plain_of(number_at(column, row));
    plain_set(arena, &record, column->name, value);
  }
  return record;
}

// ---- what comes back ----------------------------------------------------------------------------------------------

typedef struct {
  Table *table;
  Problems *problems;
  Span at;
  Hooks *hooks;
  bool *keep;     // by row of the file
  Column **added; // new columns
  int addeds;
  size_t added_capacity;
} RowRun;

static bool fails(RowRun *run, const char *format, const char *name, int64_t row) {
  const Source *script = hooks_source(run->hooks);
  char message[256];
  snprintf(message, sizeof message, format, name, (long long)row + 1);
  problem_hook(run->problems, run->at, "row", script->path, message);
  return false;
}

static bool put_text(RowRun *run, Column *column, int64_t row, const Plain *value) {
  if (value->kind != PLAIN_TEXT)
    return fails(run, "%s of row %lld is no text, as it was before", column->name, row);
  ((Cell *)column->values)[row] =
      (Cell){arena_copy(run->table->arena, value->u.text.bytes, value->u.text.length),
             (uint32_t)value->u.text.length};
  return true;
}

static bool plain_real(const Plain *value, double *out) {
  switch (value->kind) {
  case PLAIN_INTEGER: *out = (double)value->u.integer; return true;
  case PLAIN_NUMBER: *out = value->u.number; return true;
  case PLAIN_BOOL: *out = value->u.truth; return true;
  default: return false;
  }
}

static bool put_number(RowRun *run, Column *column, int64_t row, const Plain *value) {
  double x;
  if (!plain_real(value, &x))
    return fails(run, "%s of row %lld is no number, as it was before", column->name, row);
  if (column->dtype == DTYPE_F64) {
    ((double *)column->values)[row] = x;
    return true;
  }
  double most = column->bound ? (double)column->bound : column->dtype == DTYPE_U8 ? 256 : 0x1p31;
  if (!(x >= 0 && x < most && x == floor(x)))
    return fails(run, "%s of row %lld is out of its range", column->name, row);
  if (column->dtype == DTYPE_U8)
    ((uint8_t *)column->values)[row] = (uint8_t)x;
  else if (column->dtype == DTYPE_I32)
    ((int32_t *)column->values)[row] = (int32_t)x;
  return true;
}

/* Columns of files with types of their own, such as classes of MNIST: they stay where they are. */
static bool stays(const Column *column) {
  return column->rank > 0 || (!column->text && column->dtype != DTYPE_F64);
}

static Column *made_column(const RowRun *run, Name name) {
  for (int i = 0; i < run->addeds; i++)
    if (run->added[i]->name == name) return run->added[i];
  return NULL;
}

static Column *make_column(RowRun *run, Name name, bool text) {
  Arena *arena = run->table->arena;
  const Column *old = table_column(run->table, name);
  Column *column = ARENA_NEW(arena, Column);
  *column = (Column){.name = name, .title = old ? old->title : name, .text = text, .dtype = DTYPE_F64};
  int64_t rows = run->table->rows;
  column->values = text ? (void *)ARENA_ARRAY(arena, Cell, rows + 1) : ARENA_ARRAY(arena, double, rows + 1);
  for (int64_t i = 0; i < rows && !text; i++) ((double *)column->values)[i] = NAN;
  run->added = arena_grow(arena, run->added, (size_t)run->addeds, &run->added_capacity, sizeof(Column *));
  return run->added[run->addeds++] = column;
}

static bool take_field(RowRun *run, int64_t row, const Plain *key, const Plain *value) {
  if (key->kind != PLAIN_TEXT || strlen(key->u.text.bytes) != key->u.text.length ||
      value->kind == PLAIN_TABLE)
    return fails(run, "%s of row %lld is no text or number under a name",
                 key->kind == PLAIN_TEXT ? key->u.text.bytes : "a field", row);
  Name name = name_of_n(key->u.text.bytes, key->u.text.length);
  Column *column = table_column(run->table, name);
  if (!column || !stays(column)) column = made_column(run, name);
  if (!column) column = make_column(run, name, value->kind == PLAIN_TEXT);
  return column->text ? put_text(run, column, row, value) : put_number(run, column, row, value);
}

static bool take_record(RowRun *run, int64_t row, const Plain *record) {
  if (record->kind != PLAIN_TABLE) return fails(run, "%s of row %lld is no table", "the record", row);
  for (size_t i = 0; i < record->u.table.count; i++)
    if (!take_field(run, row, &record->u.table.key[i], &record->u.table.value[i])) return false;
  return true;
}

/* Rows that went do not count. */
static void count_missing(const RowRun *run, Column *column) {
  for (int64_t row = 0; row < run->table->rows; row++) {
    bool has = column->text ? ((const Cell *)column->values)[row].bytes != NULL
                            : !isnan(((const double *)column->values)[row]);
    if (has || !run->keep[row]) continue;
    if (column->missing < 3) column->missing_row[column->missing] = row + 1;
    column->missing++;
  }
}

static int by_name(const void *a, const void *b) {
  return strcmp((*(Column *const *)a)->name, (*(Column *const *)b)->name);
}

/* Old columns in their order, then the new ones by name; a column that no record has any more is gone. */
static void set_columns(RowRun *run) {
  Table *table = run->table;
  Column *all = ARENA_ARRAY(table->arena, Column, table->columns + run->addeds + 1);
  int count = 0;
  if (run->addeds) qsort(run->added, (size_t)run->addeds, sizeof(Column *), by_name);
  for (int i = 0; i < run->addeds; i++) count_missing(run, run->added[i]);
  for (int i = 0; i < table->columns; i++) {
    const Column *made = made_column(run, table->column[i].name);
    if (stays(&table->column[i]))
      all[count++] = table->column[i];
    else if (made)
      all[count++] = *made;
  }
  for (int i = 0; i < run->addeds; i++)
    if (!table_column(table, run->added[i]->name)) all[count++] = *run->added[i];
  table->column = all;
  table->columns = count;
}

#define ROWS_AT_ONCE 4096 // records in memory

bool table_run_rows(Table *table, Problems *problems, Span at, Hooks *hooks) {
  if (!table_load(table, problems, at)) return false;
  RowRun run = {.table = table, .problems = problems, .at = at, .hooks = hooks};
  run.keep = memory_alloc((size_t)table->rows + 1, sizeof(bool));
  for (int64_t i = 0; i < table->rows; i++) run.keep[i] = true;
  const Part *part = &table->part[PART_ALL];
  Arena *arena = arena_new(0);
  bool ok = true;
  for (int64_t i = 0; i < part->count && ok; i++) {
    if (i % ROWS_AT_ONCE == ROWS_AT_ONCE - 1) {
      arena_free(arena);
      arena = arena_new(0);
    }
    int64_t row = part->row[i];
    Plain record = row_record(arena, table, row);
    const Plain *given;
    ok = hooks_ask(hooks, arena, HOOK_ROW, &record, &given);
    if (ok && given)
      ok = take_record(&run, row, given);
    else if (ok)
      run.keep[row] = false;
  }
  arena_free(arena);
  if (ok) {
    set_columns(&run);
    table_keep(table, run.keep);
  }
  memory_free(run.keep);
  return ok;
}
