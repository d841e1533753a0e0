/* CSV files as tables.
 *
 * In goes a path, out comes a loaded Table: one pass over the file in memory, every field a slice of it. A column
 * is kept as numbers and as slices until its first value that is neither a number nor missing; then it is text.
 * How many rows there can be is known from the number of line ends and from the length, so columns are allocated
 * once, and never for more than the bytes of the file justify. */
#include "interpreter/data/csv_number.h"
#include "interpreter/data/csv_scan.h"
#include "interpreter/data/problems_data.h"
#include "interpreter/data/shown.h"
#include "interpreter/data/table.h"
#include "interpreter/data/text_file.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FILE_LIMIT ((size_t)1 << 36) // bytes, inflated
#define NAME_LIMIT 255

static const char *const MISSING[] = {"NA", "NaN", "null"};

/* Names that programs cannot use for anything else (language.md §3.3). */
static const char *const RESERVED[] = {"and", "or",  "not",  "if",    "else", "for",
                                       "fn",  "let", "true", "false", "None"};

typedef struct {
  Arena *arena;
  Problems *problems;
  Span span;
  const char *path;
  const CsvOptions *options;
  Scan scan;
  Table *table;
  double **number; // by column; NULL once it is text
  Cell **cell;     // by column
  int64_t capacity;
} Reader;

static bool damaged(const Reader *reader, DataFault fault, int64_t line) {
  problem_data_damaged(reader->problems, reader->span, reader->path, fault, line);
  return false;
}

static bool limited(const Reader *reader, DataLimit limit, int64_t line) {
  problem_data_limit(reader->problems, reader->span, reader->path, limit, line);
  return false;
}

static bool scan_fault(const Reader *reader, ScanEnd end) {
  if (end == SCAN_LONG) return limited(reader, DATA_LIMIT_FIELD, reader->scan.line);
  return damaged(reader, end == SCAN_QUOTE_OPEN ? DATA_QUOTE_OPEN : DATA_QUOTE_TEXT, reader->scan.line);
}

static bool separator_allowed(char separator) {
  return separator > 0 && (separator == '\t' || separator >= ' ') && separator != 0x7f &&
         !memchr("\"+-.0123456789", separator, 14) &&
         !((separator | 0x20) >= 'a' && (separator | 0x20) <= 'z');
}

/* The fields of the record that begins here. */
static bool record_take(Reader *reader, Cell **cells, int *count) {
  size_t capacity = 0;
  Cell *cell = NULL;
  int64_t line = reader->scan.line;
  for (ScanEnd end = SCAN_FIELD; end == SCAN_FIELD;) {
    if (*count == CSV_COLUMNS_LIMIT) return limited(reader, DATA_LIMIT_COLUMNS, line);
    cell = arena_grow(reader->arena, cell, (size_t)*count, &capacity, sizeof *cell);
    end = scan_field(&reader->scan, &cell[*count]);
    if (end > SCAN_ROW_END) return scan_fault(reader, end);
    (*count)++;
  }
  *cells = cell;
  return true;
}

static bool is_letter(char byte) { return ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z') || byte == '_'; }
static bool is_digit(char byte) { return byte >= '0' && byte <= '9'; }

/* `pm2_5` from `pm2.5`: every character that a name cannot have becomes `_`; before a digit at the front and
 * behind a reserved word one is added; a title without a letter or digit is that of a column without a name. */
Name column_name_from_title(Arena *arena, const char *title, int column) {
  char name[NAME_LIMIT + 1];
  size_t length = 0;
  bool speaks = false;
  if (is_digit(*title)) name[length++] = '_';
  for (const char *at = title; *at && length < NAME_LIMIT - 1; at++) {
    bool follows = ((unsigned char)*at & 0xc0) == 0x80; // one character, one `_`
    if (follows) continue;
    bool plain = is_letter(*at) || is_digit(*at);
    speaks |= plain && *at != '_';
    name[length++] = plain ? *at : '_';
  }
  if (!speaks) return name_of(arena_printf(arena, "c%d", column));
  for (size_t i = 0; i < sizeof RESERVED / sizeof RESERVED[0]; i++)
    if (strlen(RESERVED[i]) == length && memcmp(RESERVED[i], name, length) == 0) {
      name[length++] = '_';
      break;
    }
  return name_of_n(name, length);
}

typedef struct {
  Name name;
  int column;
} Named;

static int named_compare(const void *a, const void *b) {
  const Named *left = a, *right = b;
  uintptr_t x = (uintptr_t)left->name, y = (uintptr_t)right->name;
  return x != y ? (x > y) - (x < y) : (left->column > right->column) - (left->column < right->column);
}

static bool names_check(const Reader *reader) {
  const Table *table = reader->table;
  Named *named = ARENA_ARRAY(reader->arena, Named, table->columns);
  for (int i = 0; i < table->columns; i++) named[i] = (Named){table->column[i].name, i};
  qsort(named, (size_t)table->columns, sizeof *named, named_compare);
  int first = -1;
  for (int i = 1; i < table->columns; i++)
    if (named[i].name == named[i - 1].name && (first < 0 || named[i].column < named[first].column)) first = i;
  if (first < 0) return true;
  problem_csv_name_twice(reader->problems, reader->span, reader->path, table->column, named[first - 1].column,
                         named[first].column);
  return false;
}

static bool columns_name(Reader *reader, const Cell *cell, int count) {
  Table *table = reader->table;
  table->columns = count;
  table->column = ARENA_ARRAY(reader->arena, Column, count);
  int numbers = 0;
  for (int i = 0; i < count; i++) {
    Column *column = &table->column[i];
    double number;
    column->dtype = DTYPE_F64;
    if (reader->options->header) {
      column->title = arena_copy(reader->arena, cell[i].bytes, cell[i].length);
      numbers += csv_number(cell[i].bytes, cell[i].length, &number);
    } else {
      column->title = "";
    }
    column->name = column_name_from_title(reader->arena, column->title, i);
  }
  if (numbers == count) problem_csv_header_numbers(reader->problems, reader->span, reader->path);
  return names_check(reader);
}

static bool is_missing(const CsvOptions *options, const Cell *cell) {
  size_t length = cell->length;
  if (length == 0) return true;
  for (size_t i = 0; i < sizeof MISSING / sizeof MISSING[0]; i++)
    if (*cell->bytes == *MISSING[i] && strlen(MISSING[i]) == length &&
        memcmp(MISSING[i], cell->bytes, length) == 0)
      return true;
  for (int i = 0; i < options->missing_count; i++)
    if (strlen(options->missing[i]) == length && memcmp(options->missing[i], cell->bytes, length) == 0)
      return true;
  return false;
}

/* Counts one and keeps where the first three were. */
static void row_note(int64_t *count, int64_t row[3], int64_t at) {
  if (*count < 3) row[*count] = at;
  (*count)++;
}

static void value_take(Reader *reader, int index, Cell cell) {
  Table *table = reader->table;
  Column *column = &table->column[index];
  double number = NAN;
  if (is_missing(reader->options, &cell)) {
    cell = (Cell){0};
    row_note(&column->missing, column->missing_row, table->rows + 1);
  } else if (!csv_number(cell.bytes, cell.length, &number)) {
    row_note(&column->odd, column->odd_row, table->rows + 1);
    memory_free(reader->number[index]);
    reader->number[index] = NULL;
  }
  reader->cell[index][table->rows] = cell;
  if (reader->number[index]) reader->number[index][table->rows] = number;
}

static void columns_begin(Reader *reader, bool first_is_data) {
  Table *table = reader->table;
  const Scan *scan = &reader->scan;
  // a record ends with a line end or the text, and has a byte for each separator and its line end
  int64_t by_lines = text_line_ends(scan->at, scan->end) + 1,
          by_bytes = (scan->end - scan->at) / table->columns + 1;
  reader->capacity = (by_lines < by_bytes ? by_lines : by_bytes) + first_is_data;
  reader->number = ARENA_ARRAY(reader->arena, double *, table->columns);
  reader->cell = ARENA_ARRAY(reader->arena, Cell *, table->columns);
  for (int i = 0; i < table->columns; i++) {
    reader->number[i] = memory_alloc((size_t)reader->capacity, sizeof(double));
    reader->cell[i] = memory_alloc((size_t)reader->capacity, sizeof(Cell));
  }
}

/* Each column keeps its numbers or its slices. */
static void columns_end(Reader *reader) {
  Table *table = reader->table;
  size_t capacity = (size_t)reader->capacity, rows = (size_t)table->rows;
  for (int i = 0; i < table->columns; i++) {
    Column *column = &table->column[i];
    column->text = reader->number[i] == NULL;
    size_t size = column->text ? sizeof(Cell) : sizeof(double);
    memory_free(column->text ? NULL : (void *)reader->cell[i]);
    column->values = column->text ? (void *)reader->cell[i] : (void *)reader->number[i];
    if (capacity > rows) column->values = memory_resize(column->values, capacity * size, rows * size);
  }
}

static bool row_take(Reader *reader) {
  Table *table = reader->table;
  assert(table->rows < reader->capacity);
  int64_t line = reader->scan.line, found = 0;
  for (ScanEnd end = SCAN_FIELD; end == SCAN_FIELD; found++) {
    Cell cell;
    end = scan_field(&reader->scan, &cell);
    if (end > SCAN_ROW_END) return scan_fault(reader, end);
    if (found < table->columns) value_take(reader, (int)found, cell);
  }
  table->rows++;
  if (found == table->columns) return true;
  problem_csv_ragged(reader->problems, reader->span, reader->path, line, found, table->columns);
  return false;
}

static bool rows_take(Reader *reader, const Cell *first) {
  Table *table = reader->table;
  columns_begin(reader, first != NULL);
  for (int i = 0; first && i < table->columns; i++) value_take(reader, i, first[i]);
  table->rows = first != NULL;
  bool good = true;
  while (good && scan_record(&reader->scan)) good = row_take(reader);
  columns_end(reader);
  return good;
}

static bool text_take(Reader *reader, char *text, size_t length) {
  scan_start(&reader->scan, text, length, reader->options->separator);
  if (!scan_record(&reader->scan)) return damaged(reader, DATA_EMPTY, 0);
  Cell *cell = NULL;
  int count = 0;
  if (!record_take(reader, &cell, &count) || !columns_name(reader, cell, count)) return false;
  return rows_take(reader, reader->options->header ? NULL : cell);
}

static void csv_close(Table *table) {
  memory_free(table->reader);
  table->reader = NULL;
}

Table *table_open_csv(Arena *arena, Problems *problems, Span span, const char *path,
                      const CsvOptions *options) {
  if (!separator_allowed(options->separator))
    return problem_csv_separator(problems, span, options->separator), NULL;
  size_t length;
  char *text, *memory = text_file_read(problems, span, path, FILE_LIMIT, &text, &length);
  if (!memory) return NULL;
  Table *table = ARENA_NEW(arena, Table);
  *table = (Table){
      .arena = arena, .kind = "csv", .span = span, .loaded = true, .reader = memory, .close = csv_close};
  table->path = arena_copy(arena, path, strlen(path));
  Reader reader = {
      .arena = arena, .problems = problems, .span = span, .path = path, .options = options, .table = table};
  if (!text_take(&reader, text, length)) return table_close(table), NULL;
  table_parts_start(table);
  return table;
}
