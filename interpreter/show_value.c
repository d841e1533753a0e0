/* A tensor drawn as lines of aligned numbers, the last axis across. */
#include "interpreter/show_value.h"

#include "interpreter/data/shown.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define CELL_MOST  15 // code points of a class in a cell
#define SHOW_WHOLE 12 // a matrix up to this many rows and columns is shown whole

/* A class as a cell: what would break the line is escaped. */
static void shown_copy(char *out, size_t size, const char *text) {
  Arena *arena = arena_new(0);
  snprintf(out, size, "%s", text_shown(arena, text, strlen(text), CELL_MOST));
  arena_free(arena);
}

static void cell_text(char *out, size_t size, const Type *type, const void *data, int64_t i,
                      const Fitted *fitted) {
  int64_t whole = 0;
  switch (type->dtype) {
  case DTYPE_F32: snprintf(out, size, "%.5g", (double)((const float *)data)[i]); return;
  case DTYPE_F64: snprintf(out, size, "%.5g", ((const double *)data)[i]); return;
  case DTYPE_BOOL: snprintf(out, size, "%s", ((const bool *)data)[i] ? "true" : "false"); return;
  case DTYPE_U8: whole = ((const uint8_t *)data)[i]; break;
  case DTYPE_I32: whole = ((const int32_t *)data)[i]; break;
  default: whole = ((const int64_t *)data)[i]; break;
  }
  if (fitted && fitted_is_classes(fitted) && whole >= 0 && whole < fitted->classes)
    shown_copy(out, size, fitted->class_text[whole]);
  else
    snprintf(out, size, "%" PRId64, whole);
}

int64_t show_class(const Type *type, const void *data, int64_t i) {
  return type->dtype == DTYPE_U8    ? ((const uint8_t *)data)[i]
         : type->dtype == DTYPE_I32 ? ((const int32_t *)data)[i]
                                    : ((const int64_t *)data)[i];
}

/* The texts that rows of classes stand for, one a line. */
static void show_texts(Text *out, const Type *type, const void *data, const Fitted *fitted) {
  int64_t columns = type_size(type, type->rank - 1), rows = columns ? type_count(type) / columns : 0;
  int64_t *id = memory_alloc((size_t)columns, sizeof *id);
  for (int64_t r = 0; r < rows; r++) {
    for (int64_t c = 0; c < columns; c++) id[c] = show_class(type, data, r * columns + c);
    fitted_decode(fitted, id, columns, out);
    text_add(out, "\n");
  }
  memory_free(id);
}

void show_tensor(Text *out, const Type *type, const void *data, const Fitted *fitted, bool text) {
  char cell[64];
  if (text) {
    show_texts(out, type, data, fitted);
    return;
  }
  if (type->rank == 0) {
    cell_text(cell, sizeof(cell), type, data, 0, fitted);
    text_printf(out, "%s\n", cell);
    return;
  }
  int64_t columns = type_size(type, type->rank - 1), rows = columns ? type_count(type) / columns : 0;
  bool whole = rows <= SHOW_WHOLE && columns <= SHOW_WHOLE;
  int64_t show_rows = whole || rows <= SHOW_ROWS ? rows : SHOW_ROWS,
          show_columns = whole || columns <= SHOW_ROWS ? columns : SHOW_ROWS;
  size_t width = 1;
  for (int64_t r = 0; r < show_rows; r++)
    for (int64_t c = 0; c < show_columns; c++) {
      cell_text(cell, sizeof(cell), type, data, r * columns + c, fitted);
      if (strlen(cell) > width) width = strlen(cell);
    }
  type_print(type, out);
  text_add(out, "\n");
  for (int64_t r = 0; r < show_rows; r++) {
    for (int64_t c = 0; c < show_columns; c++) {
      cell_text(cell, sizeof(cell), type, data, r * columns + c, fitted);
      text_printf(out, " %*s", (int)width, cell);
    }
    text_add(out, show_columns < columns ? " …\n" : "\n");
  }
  if (show_rows < rows) text_add(out, " …\n");
}

static double pixel(const Type *type, const void *data, int64_t i) {
  double x = type->dtype == DTYPE_F32 ? (double)((const float *)data)[i] : ((const double *)data)[i];
  return x > 0 ? (x < 1 ? x : 1) : 0; // NaN is dark
}

void show_image(Text *out, const Type *type, const void *data, bool colour) {
  static const char *const shades[] = {"  ", "░░", "▒▒", "▓▓", "██"};
  int64_t rows = type_size(type, 0), columns = type_size(type, 1);
  for (int64_t r = 0; r < rows; r += colour ? 2 : 1) {
    for (int64_t c = 0; c < columns; c++) {
      double top = pixel(type, data, r * columns + c),
             below = colour && r + 1 < rows ? pixel(type, data, (r + 1) * columns + c) : 0;
      if (colour)
        text_printf(out, "\033[38;5;%d;48;5;%dm▀", 232 + (int)(top * 23 + 0.5),
                    232 + (int)(below * 23 + 0.5));
      else
        text_add(out, shades[(int)(top * 4 + 0.5)]);
    }
    text_add(out, colour ? "\033[0m\n" : "\n");
  }
}
