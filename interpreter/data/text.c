/* Tables of text: a whole file as one row, or a row a line.
 *
 * Cells are slices of the file's bytes, which the table keeps. A whole text that is cut by order becomes one row a
 * part: whatever steps follow work on rows, so nothing they make crosses a cut. */
#include "interpreter/data/problems_data.h"
#include "interpreter/data/problems_text.h"
#include "interpreter/data/table.h"
#include "interpreter/data/text_file.h"

#include <string.h>

#define TEXT_LIMIT ((size_t)INT32_MAX - 8) // bytes: rows of a batch count theirs in 32 bits

static void text_close(Table *table) {
  memory_free(table->reader);
  table->reader = NULL;
}

/* A table of one text column, without rows yet. */
static Table *table_of_texts(Arena *arena, Problems *problems, Span span, const char *path, const char *kind,
                             const char *name, char **text, size_t *length) {
  char *memory = text_file_read(problems, span, path, TEXT_LIMIT, text, length);
  if (!memory) return NULL;
  if (*length == 0) {
    problem_data_damaged(problems, span, path, DATA_EMPTY, 0);
    memory_free(memory);
    return NULL;
  }
  Table *table = ARENA_NEW(arena, Table);
  *table = (Table){.arena = arena,
                   .kind = kind,
                   .path = arena_copy(arena, path, strlen(path)),
                   .span = span,
                   .columns = 1,
                   .column = ARENA_NEW(arena, Column),
                   .loaded = true,
                   .reader = memory,
                   .close = text_close};
  table->column[0] = (Column){.name = name_of(name), .title = name, .text = true, .dtype = DTYPE_F64};
  return table;
}

/* No value is a number: so messages can say where the first ones are. */
static void column_is_all_text(Table *table) {
  table->column[0].odd = table->rows;
  for (int i = 0; i < 3; i++) table->column[0].odd_row[i] = i + 1;
}

Table *table_open_text(Arena *arena, Problems *problems, Span span, const char *path) {
  char *text;
  size_t length;
  Table *table = table_of_texts(arena, problems, span, path, "text", "text", &text, &length);
  if (!table) return NULL;
  Cell *cell = memory_alloc(1, sizeof *cell);
  *cell = (Cell){text, (uint32_t)length};
  table->column[0].values = cell;
  table->rows = 1;
  table->whole_text = true;
  column_is_all_text(table);
  table_parts_start(table);
  return table;
}

Table *table_open_lines(Arena *arena, Problems *problems, Span span, const char *path) {
  char *text;
  size_t length;
  Table *table = table_of_texts(arena, problems, span, path, "lines", "line", &text, &length);
  if (!table) return NULL;
  const char *at = text, *end = text + length;
  Cell *cell = memory_alloc((size_t)text_line_ends(text, end) + 1, sizeof *cell);
  while (at < end) {
    const char *stop = at;
    while (stop < end && *stop != '\n' && *stop != '\r') stop++;
    cell[table->rows++] = (Cell){at, (uint32_t)(stop - at)};
    at = stop < end && *stop == '\r' && stop[1] == '\n' ? stop + 2 : stop + 1;
  }
  table->column[0].values = cell;
  column_is_all_text(table);
  table_parts_start(table);
  return table;
}

static bool is_lead(char byte) { return ((unsigned char)byte & 0xc0) != 0x80; }

int64_t table_text_characters(const Table *table) {
  const Cell *cell = table->column[0].values;
  int64_t count = 0;
  for (uint32_t i = 0; i < cell->length && table->part[PART_ALL].count; i++) count += is_lead(cell->bytes[i]);
  return count;
}

/* The byte behind the first `count` characters from `from`. */
static const char *characters_skip(const char *from, const char *end, int64_t count) {
  for (; from < end && count > 0; count--)
    for (from++; from < end && !is_lead(*from);) from++;
  return from;
}

void table_text_cut(Table *table, const int64_t wanted[PART_COUNT]) {
  Cell whole = *(const Cell *)table->column[0].values, *cell = memory_alloc(PART_COUNT, sizeof *cell);
  const char *at = whole.bytes, *end = whole.bytes + whole.length;
  table->rows = 0;
  for (int i = PART_TRAIN; i < PART_COUNT; i++) {
    Part *part = &table->part[i];
    const char *stop = characters_skip(at, end, wanted[i]);
    *part = (Part){ARENA_ARRAY(table->arena, int64_t, 1), wanted[i] > 0};
    part->row[0] = table->rows;
    if (wanted[i] > 0) cell[table->rows++] = (Cell){at, (uint32_t)(stop - at)};
    at = stop;
  }
  Part *all = &table->part[PART_ALL];
  *all = (Part){ARENA_ARRAY(table->arena, int64_t, table->rows), table->rows};
  for (int64_t i = 0; i < table->rows; i++) all->row[i] = i;
  memory_free(table->column[0].values);
  table->column[0].values = cell;
  column_is_all_text(table);
  table->split = true;
}
