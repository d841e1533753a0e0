/* What `lathe data FILE NAME` shows of a table.
 *
 * In goes a loaded table, out comes text in three parts: head, columns, first rows. Texts of the file pass through
 * text_shown; cells are aligned by code points. Nothing here decides anything about the data. */
#include "interpreter/data/preview.h"

#include "interpreter/data/csv_number.h"
#include "interpreter/data/distinct.h"
#include "interpreter/data/shown.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#define ROWS_SHOWN  5
#define TEXTS_SHOWN 4
#define TEXT_MOST   20 // code points of a text in a line
#define CELL_MOST   18 // of a cell in the rows
#define NAME_MOST   32
#define PATH_MOST   80

static const char *const PART_WORDS[PART_COUNT] = {
    [PART_TRAIN] = "train", [PART_VALID] = "valid", [PART_TEST] = "test"};

/* 1,234,567 */
static const char *count_words(Arena *arena, int64_t count) {
  if (count < 1000) return arena_printf(arena, "%" PRId64, count);
  return arena_printf(arena, "%s,%03d", count_words(arena, count / 1000), (int)(count % 1000));
}

/* Blanks until `width` code points. */
static void pad_after(Text *out, const char *text, size_t width) {
  text_add(out, text);
  for (size_t i = text_width(text); i < width; i++) text_add(out, " ");
}

static void pad_before(Text *out, const char *text, size_t width) {
  for (size_t i = text_width(text); i < width; i++) text_add(out, " ");
  text_add(out, text);
}

static void head_show(const Table *table, const char *name, Arena *arena, Text *out) {
  int64_t rows = table->part[PART_ALL].count;
  text_printf(out, "%s  %s  %s\n", name, table->kind,
              text_shown(arena, table->path, strlen(table->path), PATH_MOST));
  text_printf(out, "rows     %s", count_words(arena, rows));
  if (rows != table->rows) text_printf(out, " of %s in the file", count_words(arena, table->rows));
  for (int i = PART_TRAIN, shown = 0; i < PART_COUNT; i++) {
    int64_t count = table->part[i].count;
    if (count == 0 || count == rows) continue;
    text_printf(out, "%s%s %s", shown++ ? ", " : ": ", PART_WORDS[i], count_words(arena, count));
  }
  text_printf(out, "\ncolumns  %s\n\n", count_words(arena, table->columns));
}

static const char *type_words(Arena *arena, const Column *column) {
  if (column->text) return "text";
  const char *type = column->dtype == DTYPE_F64 ? "number" : dtype_name(column->dtype);
  if (column->bound) type = arena_printf(arena, "int<%" PRId64 ">", column->bound);
  if (column->start) return "numbers";
  if (column->rank == 0) return type;
  const char *sizes = "";
  for (int i = 0; i < column->rank; i++)
    sizes = arena_printf(arena, "%s%s%" PRId64, sizes, i ? ", " : "", column->size[i]);
  return arena_printf(arena, "%s[%s]", type, sizes);
}

typedef struct {
  double low, high, sum;
  int64_t count;
} Range;

static void range_take(Range *range, double value) {
  if (isnan(value)) return;
  if (range->count == 0 || value < range->low) range->low = value;
  if (range->count == 0 || value > range->high) range->high = value;
  range->sum += value;
  range->count++;
}

static void bytes_range(Range *range, const uint8_t *byte, int64_t count) {
  uint8_t low = 255, high = 0;
  uint64_t sum = 0;
  for (int64_t i = 0; i < count; i++) {
    low = byte[i] < low ? byte[i] : low;
    high = byte[i] > high ? byte[i] : high;
    sum += byte[i];
  }
  double mean = (double)sum / (double)count;
  if (range->count == 0 || low < range->low) range->low = low;
  if (range->count == 0 || high > range->high) range->high = high;
  range->sum += mean * (double)count;
  range->count += count;
}

/* `0 to 7 a row`. */
static void lengths_show(const Column *column, const Part *part, Text *out) {
  int64_t least = INT64_MAX, most = 0;
  for (int64_t i = 0; i < part->count; i++) {
    int64_t length = column_length(column, part->row[i]);
    least = length < least ? length : least;
    most = length > most ? length : most;
  }
  if (part->count) text_printf(out, "%" PRId64 " to %" PRId64 " a row", least, most);
}

static void numbers_show(const Column *column, const Part *part, Text *out) {
  Range range = {0};
  int64_t elements = column_elements(column);
  for (int64_t i = 0; i < part->count; i++)
    if (column->dtype == DTYPE_U8)
      bytes_range(&range, (const uint8_t *)column->values + part->row[i] * elements, elements);
    else
      range_take(&range, column_number(column, part->row[i]));
  if (range.count == 0) return;
  char low[CSV_NUMBER_BYTES], high[CSV_NUMBER_BYTES];
  csv_number_print(low, range.low);
  csv_number_print(high, range.high);
  text_printf(out, "%s to %s, mean %.6g", low, high, range.sum / (double)range.count);
}

/* `3 texts: S 644, C 168, Q 77`. */
static void texts_show(const Column *column, const Part *part, Arena *arena, Text *out) {
  Distinct distinct = distinct_of(column, part->row, part->count);
  text_printf(out, "%s text%s", count_words(arena, distinct.count), distinct.count == 1 ? "" : "s");
  for (int shown = 0; shown < TEXTS_SHOWN && shown < distinct.count; shown++) {
    int64_t most = 0;
    for (int64_t i = 1; i < distinct.count; i++)
      if (distinct.times[i] > distinct.times[most]) most = i;
    const Cell *cell = (const Cell *)column->values + distinct.row[most];
    text_printf(out, "%s%s %s", shown ? ", " : ": ", text_shown(arena, cell->bytes, cell->length, TEXT_MOST),
                count_words(arena, distinct.times[most]));
    distinct.times[most] = 0;
  }
  if (distinct.count > TEXTS_SHOWN) text_add(out, ", …");
  distinct_free(&distinct);
}

static void columns_show(const Table *table, Arena *arena, Text *out) {
  size_t name_width = strlen("column"), type_width = strlen("type");
  for (int i = 0; i < table->columns; i++) {
    size_t name =
        text_width(text_shown(arena, table->column[i].name, strlen(table->column[i].name), NAME_MOST));
    size_t type = text_width(type_words(arena, &table->column[i]));
    name_width = name > name_width ? name : name_width;
    type_width = type > type_width ? type : type_width;
  }
  pad_after(out, "column", name_width + 2);
  pad_after(out, "type", type_width + 2);
  text_add(out, "missing  values\n");
  for (int i = 0; i < table->columns; i++) {
    const Column *column = &table->column[i];
    int64_t row[3], missing = column_missing(column, &table->part[PART_ALL], row);
    pad_after(out, text_shown(arena, column->name, strlen(column->name), NAME_MOST), name_width + 2);
    pad_after(out, type_words(arena, column), type_width + 2);
    pad_before(out, count_words(arena, missing), strlen("missing"));
    text_add(out, "  ");
    if (column->text)
      texts_show(column, &table->part[PART_ALL], arena, out);
    else if (column->start)
      lengths_show(column, &table->part[PART_ALL], out);
    else
      numbers_show(column, &table->part[PART_ALL], out);
    if (*column->title && strcmp(column->title, column->name) != 0)
      text_printf(out, "  (\"%s\")", text_shown(arena, column->title, strlen(column->title), NAME_MOST));
    text_add(out, "\n");
  }
}

static const char *cell_words(Arena *arena, const Column *column, int64_t row) {
  if (column->rank > 0) return "…";
  const char *text = column_text(arena, column, row);
  return text ? text_shown(arena, text, strlen(text), CELL_MOST) : "-";
}

/* The name and the first rows of a column, and how wide they are. */
static void column_cells(const Table *table, const Column *column, Arena *arena, const char **cell,
                         size_t *width) {
  const Part *all = &table->part[PART_ALL];
  cell[0] = text_shown(arena, column->name, strlen(column->name), CELL_MOST);
  *width = text_width(cell[0]);
  int rows = all->count < ROWS_SHOWN ? (int)all->count : ROWS_SHOWN;
  for (int i = 0; i < rows; i++) {
    cell[i + 1] = cell_words(arena, column, all->row[i]);
    size_t wide = text_width(cell[i + 1]);
    *width = wide > *width ? wide : *width;
  }
}

static void rows_show(const Table *table, Arena *arena, Text *out, size_t width) {
  Text line[ROWS_SHOWN + 1] = {0};
  int shown = 0,
      rows = table->part[PART_ALL].count < ROWS_SHOWN ? (int)table->part[PART_ALL].count : ROWS_SHOWN;
  size_t used = 0, wide;
  for (; rows && shown < table->columns; shown++) {
    const Column *column = &table->column[shown];
    const char *cell[ROWS_SHOWN + 1];
    column_cells(table, column, arena, cell, &wide);
    if (shown && used + 2 + wide > width) break;
    used += (shown ? 2 : 0) + wide;
    for (int i = 0; i <= rows; i++) {
      if (shown) text_add(&line[i], "  ");
      if (column->text)
        pad_after(&line[i], cell[i], wide);
      else
        pad_before(&line[i], cell[i], wide);
    }
  }
  if (rows) text_add(out, "\n");
  for (int i = 0; rows && i <= rows; i++) {
    while (line[i].length && line[i].bytes[line[i].length - 1] == ' ') line[i].length--;
    text_add_n(out, line[i].bytes, line[i].length);
    text_add(out, "\n");
    text_free(&line[i]);
  }
  int hidden = table->columns - shown;
  if (rows && hidden) text_printf(out, "… and %d more column%s\n", hidden, hidden == 1 ? "" : "s");
}

void table_preview(const Table *table, const char *name, Text *out, int width) {
  Arena *arena = arena_new(0);
  head_show(table, name, arena, out);
  columns_show(table, arena, out);
  rows_show(table, arena, out, width > 0 ? (size_t)width : 0);
  arena_free(arena);
}
