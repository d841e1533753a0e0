/* What table steps learn from training rows.
 *
 * In go values of training rows, out comes a Fitted in the arena that holds copies of all it needs: it outlives
 * the table and goes into the weights file. Sums are taken twice, the second time around the first mean, so a
 * column far from 0 loses no digits. */
#include "interpreter/data/fitted.h"

#include "interpreter/data/csv_number.h"
#include "interpreter/data/distinct.h"
#include "interpreter/data/problems_data.h"
#include "interpreter/data/shown.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CLASSES_LIMIT ((int64_t)1 << 24)
#define CLASSES_SHOWN 12
#define CLASS_MOST    24 // code points

/* Mean and deviation of every `step`-th of the values. A constant gives exactly itself and 1. */
static bool column_fit(const double *values, int64_t rows, int step, double *center, double *spread) {
  double low = rows ? values[0] : 0, high = low, sum = 0, rest = 0, square = 0;
  for (int64_t i = 0; i < rows; i++) {
    double value = values[i * step];
    sum += value;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  *center = low;
  *spread = 1;
  if (low == high) return true;
  double mean = sum / (double)rows;
  for (int64_t i = 0; i < rows; i++) rest += values[i * step] - mean;
  mean += rest / (double)rows;
  for (int64_t i = 0; i < rows; i++) {
    double away = values[i * step] - mean;
    square += away * away;
  }
  *center = mean;
  *spread = sqrt(square / (double)rows);
  if (*spread > 0) return false;
  *spread = 1;
  return true;
}

Fitted *fitted_standardize(Arena *arena, const double *values, int64_t rows, int count, bool *constant) {
  Fitted *fitted = ARENA_NEW(arena, Fitted);
  *fitted = (Fitted){.kind = FITTED_STANDARDIZE, .count = count, .missing_class = -1};
  fitted->center = ARENA_ARRAY(arena, double, count);
  fitted->spread = ARENA_ARRAY(arena, double, count);
  for (int i = 0; i < count; i++) {
    bool same = column_fit(values + i, rows, count, &fitted->center[i], &fitted->spread[i]);
    if (constant) constant[i] = same;
  }
  return fitted;
}

static int double_order(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

Fitted *fitted_fill(Arena *arena, const double *values, int64_t rows, const char *how) {
  double *there = memory_alloc((size_t)rows, sizeof *there), sum = 0, rest = 0;
  size_t count = 0;
  for (int64_t i = 0; i < rows; i++)
    if (!isnan(values[i])) there[count++] = values[i];
  Fitted *fitted = NULL;
  if (count) {
    fitted = ARENA_NEW(arena, Fitted);
    *fitted = (Fitted){.kind = FITTED_FILL, .missing_class = -1};
    if (strcmp(how, "median") == 0) {
      qsort(there, count, sizeof *there, double_order);
      fitted->value = 0.5 * there[(count - 1) / 2] + 0.5 * there[count / 2];
    } else {
      assert(strcmp(how, "mean") == 0);
      for (size_t i = 0; i < count; i++) sum += there[i];
      double mean = sum / (double)count;
      for (size_t i = 0; i < count; i++) rest += there[i] - mean;
      fitted->value = mean + rest / (double)count;
    }
  }
  memory_free(there);
  return fitted;
}

/* Appends a class; `number` is NaN for the class of missing values. */
static void class_add(Fitted *fitted, const char *text, double number, int64_t times) {
  fitted->class_text[fitted->classes] = text;
  if (fitted->numeric) fitted->class_number[fitted->classes] = number;
  fitted->class_count[fitted->classes++] = times;
}

static Fitted *classes_make(Arena *arena, const Column *column, const Distinct *distinct,
                            const char *missing) {
  Fitted *fitted = ARENA_NEW(arena, Fitted);
  *fitted = (Fitted){.kind = FITTED_CATEGORY, .numeric = !column->text, .missing_class = -1};
  fitted->class_text = ARENA_ARRAY(arena, const char *, distinct->count + 1);
  fitted->class_count = ARENA_ARRAY(arena, int64_t, distinct->count + 1);
  if (fitted->numeric) fitted->class_number = ARENA_ARRAY(arena, double, distinct->count + 1);
  int64_t without = distinct->missing;
  for (int64_t i = 0; i < distinct->count; i++) {
    const char *text = column_text(arena, column, distinct->row[i]);
    double number = fitted->numeric ? column_number(column, distinct->row[i]) : NAN;
    if (missing && strcmp(text, missing) == 0)
      without += distinct->times[i]; // the file writes that class out
    else
      class_add(fitted, text, number, distinct->times[i]);
  }
  if (missing) {
    fitted->missing_class = fitted->classes;
    class_add(fitted, arena_copy(arena, missing, strlen(missing)), NAN, without);
  }
  return fitted;
}

Fitted *fitted_category(Arena *arena, Problems *problems, Span span, const Table *table, const Column *column,
                        const Part *part, const char *missing) {
  Distinct distinct = distinct_of(column, part->row, part->count);
  Fitted *fitted = NULL;
  if (distinct.missing && !missing)
    problem_category_missing(problems, span, table, column, distinct.missing, distinct.missing_row);
  else if (distinct.count >= CLASSES_LIMIT)
    problem_data_limit(problems, span, table->path, DATA_LIMIT_CLASSES, 0);
  else
    fitted = classes_make(arena, column, &distinct, missing);
  distinct_free(&distinct);
  return fitted;
}

/* Where the classes end that have a value of their own: the missing one is behind them. */
static int classes_end(const Fitted *fitted) {
  return fitted->missing_class >= 0 ? fitted->missing_class : fitted->classes;
}

static int class_of_number(const Fitted *fitted, double number) {
  int low = fitted->first_class, high = classes_end(fitted);
  while (low < high) {
    int middle = low + (high - low) / 2;
    if (fitted->class_number[middle] < number)
      low = middle + 1;
    else
      high = middle;
  }
  return low < classes_end(fitted) && fitted->class_number[low] == number ? low : fitted->missing_class;
}

static int class_of_text(const Fitted *fitted, const Cell *cell) {
  int low = fitted->first_class, high = classes_end(fitted);
  while (low < high) {
    int middle = low + (high - low) / 2;
    const char *text = fitted->class_text[middle];
    Cell there = {text, (uint32_t)strlen(text)};
    int order = cell_compare(&there, cell);
    if (order == 0) return middle;
    if (order < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return fitted->missing_class;
}

int fitted_class(const Fitted *fitted, const char *text, size_t length) {
  if (!text) return fitted->missing_class;
  double number;
  if (fitted->numeric)
    return csv_number(text, length, &number) ? class_of_number(fitted, number) : fitted->missing_class;
  return class_of_text(fitted, &(Cell){text, (uint32_t)length});
}

/* A column may be read as numbers here and have been text in training, or the other way round: other files have
 * other odd values. Then its values are compared as what the classes are. */
static int class_of_row(const Fitted *fitted, const Column *column, int64_t row) {
  if (column_is_missing(column, row)) return fitted->missing_class;
  if (column->text) {
    const Cell *cell = (const Cell *)column->values + row;
    return fitted_class(fitted, cell->bytes, cell->length);
  }
  double number = column_number(column, row);
  if (fitted->numeric) return class_of_number(fitted, number);
  char text[CSV_NUMBER_BYTES];
  return fitted_class(fitted, text, csv_number_print(text, number));
}

bool fitted_classify(const Fitted *fitted, Problems *problems, Span span, const Table *table,
                     const Column *column, const Part *part, int32_t *class_of) {
  if (part)
    for (int64_t i = 0; i < table->rows; i++) class_of[i] = -1;
  int64_t count = part ? part->count : table->rows, missing = 0, missing_row[3], unknown = -1;
  for (int64_t i = 0; i < count; i++) {
    int64_t row = part ? part->row[i] : i;
    class_of[row] = class_of_row(fitted, column, row);
    if (class_of[row] >= 0) continue;
    if (!column_is_missing(column, row)) {
      if (unknown < 0) unknown = row;
      continue;
    }
    if (missing < 3) missing_row[missing] = row + 1;
    missing++;
  }
  if (unknown >= 0) problem_class_unknown(problems, span, table, column, fitted, unknown);
  if (missing) problem_category_missing(problems, span, table, column, missing, missing_row);
  return unknown < 0 && missing == 0;
}

static void standardize_print(const Fitted *fitted, Text *out) {
  text_add(out, "standardize");
  for (int i = 0; i < fitted->count && i < CLASSES_SHOWN; i++)
    text_printf(out, "%s (x - %.6g) / %.6g", i ? "," : "", fitted->center[i], fitted->spread[i]);
  if (fitted->count > CLASSES_SHOWN) text_printf(out, ", and %d more", fitted->count - CLASSES_SHOWN);
}

bool fitted_is_text(const Fitted *fitted) {
  return fitted->kind == FITTED_CHARS || fitted->kind == FITTED_WORDS;
}

bool fitted_is_classes(const Fitted *fitted) {
  return fitted->kind == FITTED_CATEGORY || fitted_is_text(fitted);
}

int fitted_role(const Fitted *fitted, ClassRole role) {
  if (role == CLASS_UNKNOWN) return fitted->missing_class;
  if (role == CLASS_PAD) return fitted_is_text(fitted) && fitted->classes ? 0 : -1;
  return fitted->first_class > (int)role ? (int)role : -1;
}

void fitted_decode(const Fitted *fitted, const int64_t *id, int64_t count, Text *out) {
  int end = fitted_role(fitted, CLASS_END);
  bool first = true;
  for (int64_t i = 0; i < count && !(end >= 0 && id[i] == end); i++) {
    if (id[i] < fitted->first_class || id[i] >= fitted->classes) continue;
    if (!first && fitted->kind != FITTED_CHARS) text_add(out, " ");
    text_add(out, fitted->class_text[id[i]]);
    first = false;
  }
}

static void classes_print(const Fitted *fitted, Text *out) {
  static const char *const KIND[] = {
      [FITTED_CATEGORY] = "category", [FITTED_CHARS] = "chars", [FITTED_WORDS] = "words"};
  Arena *arena = arena_new(0);
  text_printf(out, "%-11s %d class%s:", KIND[fitted->kind], fitted->classes,
              fitted->classes == 1 ? "" : "es");
  for (int i = 0; i < fitted->classes && i < CLASSES_SHOWN; i++)
    text_printf(out, "%s %s", i ? "," : "",
                text_shown(arena, fitted->class_text[i], strlen(fitted->class_text[i]), CLASS_MOST));
  if (fitted->classes > CLASSES_SHOWN) text_printf(out, ", and %d more", fitted->classes - CLASSES_SHOWN);
  if (fitted->missing_class >= 0)
    text_add(out, fitted->kind == FITTED_WORDS ? " (the last is that of rare and unknown words)"
                                               : " (the last is that of missing and unknown values)");
  arena_free(arena);
}

void fitted_print(const Fitted *fitted, Text *out) {
  if (fitted->kind == FITTED_STANDARDIZE) standardize_print(fitted, out);
  if (fitted->kind == FITTED_FILL) text_printf(out, "fill        %.6g", fitted->value);
  if (fitted_is_classes(fitted)) classes_print(fitted, out);
  text_add(out, "\n");
}
