/* The CRC-32C of the rows of a part: whether a table is the one that it was. Rows in their order, column by column. */
#include "base/crc32c.h"
#include "interpreter/data/table.h"

#define ROWS 256 // taken out at a time

/* Rows of one length: numbers, or Cells whose texts count. */
static uint32_t add_rows(uint32_t print, const Column *column, const int64_t *row, int64_t count,
                         void *room) {
  int64_t elements = column_elements(column);
  for (int64_t from = 0; from < count; from += ROWS) {
    int64_t some = count - from < ROWS ? count - from : ROWS;
    column_gather(column, row + from, some, elements, room);
    if (!column->text) {
      print = crc32c(print, room, (size_t)(some * elements) * dtype_size(column->dtype));
      continue;
    }
    const Cell *cell = room;
    for (int64_t i = 0; i < some; i++) {
      uint32_t length = cell[i].bytes ? cell[i].length : UINT32_MAX; // missing is not empty
      print = crc32c(print, &length, sizeof length);
      if (cell[i].bytes) print = crc32c(print, cell[i].bytes, cell[i].length);
    }
  }
  return print;
}

static uint32_t add_lengths(uint32_t print, const Column *column, const int64_t *row, int64_t count) {
  size_t element = dtype_size(column->dtype);
  for (int64_t i = 0; i < count; i++) {
    int64_t from = column->start[row[i]], length = column->start[row[i] + 1] - from;
    print = crc32c(print, &length, sizeof length);
    print = crc32c(print, (const char *)column->values + element * (size_t)from, element * (size_t)length);
  }
  return print;
}

uint32_t table_fingerprint(const Table *table, PartName part) {
  const Part *rows = &table->part[part];
  uint32_t print = crc32c(0, &rows->count, sizeof rows->count);
  for (int i = 0; i < table->columns; i++) {
    const Column *column = &table->column[i];
    if (!column->values || column->step) continue; // windows are cut out of what another column has
    if (column->start) {
      print = add_lengths(print, column, rows->row, rows->count);
      continue;
    }
    size_t element = column->text ? sizeof(Cell) : dtype_size(column->dtype);
    void *room = memory_alloc((size_t)(ROWS * column_elements(column)) + 1, element);
    print = add_rows(print, column, rows->row, rows->count, room);
    memory_free(room);
  }
  return print;
}
