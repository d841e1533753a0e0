/* What a table step learned from training rows: means, medians, classes. Saved with the weights. */
#ifndef INTERPRETER_DATA_FITTED_H
#define INTERPRETER_DATA_FITTED_H

#include "base/arena.h"
#include "base/problem.h"
#include "base/text.h"
#include "interpreter/data/table.h"

#include <cjson/cJSON.h>

typedef enum {
  FITTED_STANDARDIZE,
  FITTED_FILL,
  FITTED_CATEGORY,
  FITTED_CHARS, // classes are characters
  FITTED_WORDS  // … or words in lower case
} FittedKind;

typedef struct {
  FittedKind kind;
  Name table; // `titanic`
  Name field; // `numbers`
  int number; // which fitted step of that field, in the order of the text, from 0
  // FITTED_STANDARDIZE: one entry a column
  int count;
  double *center, *spread;
  // FITTED_FILL
  double value;
  // FITTED_CATEGORY, _CHARS, _WORDS: classes in order; numbers by size, texts by bytes
  int classes;
  const char **class_text; // of numbers too: their shortest digits
  bool numeric;            // class_number holds the numbers (NaN for missing_class)
  double *class_number;
  int missing_class; // that of missing, unknown and rare values, the last; -1: none
  int first_class;   // of a value of its own; before it: <pad>, then <start> and <end> if there are two more
  int64_t *class_count; // training rows of each
} Fitted;

/* Mean and standard deviation (over n) by column of rows x count values, row-major; NaNs are not allowed. A
 * constant column gets spread 1 (it becomes 0) and is reported through `constant` (may be NULL). */
Fitted *fitted_standardize(Arena *arena, const double *values, int64_t rows, int count, bool *constant);

/* `how`: "mean" or "median"; missing values (NaN) are skipped. NULL if there is no value at all: the caller
 * reports it with problem_fill_nothing. */
Fitted *fitted_fill(Arena *arena, const double *values, int64_t rows, const char *how);

/* The classes of `part`'s rows of a column; `missing`: name of the class of missing values, or NULL. NULL
 * after a Problem at span: missing values without a class for them (E0403 names column, count, first rows,
 * help: `missing="unknown"`, or drop_missing), more than 2^24 classes. */
Fitted *fitted_category(Arena *arena, Problems *problems, Span span, const Table *table, const Column *column,
                        const Part *part, const char *missing);

/* The class of every row of the column (i32, `table->rows` of them; -1 outside `part`); false after a Problem
 * that names the first value that is in no class and its row (E0404), or missing values where there is no class
 * for them (E0403). `part` NULL: all rows of the file. */
bool fitted_classify(const Fitted *fitted, Problems *problems, Span span, const Table *table,
                     const Column *column, const Part *part, int32_t *class_of);

/* The class of one text, as encode() and a request need it; -1 if it is in none. NULL text: missing. */
int fitted_class(const Fitted *fitted, const char *text, size_t length);

/* Whether it numbers values: category, chars, words. */
bool fitted_is_classes(const Fitted *fitted);
/* Whether it numbers pieces of texts: chars, words. */
bool fitted_is_text(const Fitted *fitted);

/* Classes with a meaning: of what pads (0), of the begin and the end of a text, and of what has none of its own;
 * -1: there is none. */
typedef enum { CLASS_PAD, CLASS_START, CLASS_END, CLASS_UNKNOWN } ClassRole;
int fitted_role(const Fitted *fitted, ClassRole role);

/* `count` classes as the text they stand for: up to the class of the end, without those of pad and start; words
 * with blanks between. Ids that are no class are left out. */
void fitted_decode(const Fitted *fitted, const int64_t *id, int64_t count, Text *out);

/* One line: what it learned, for `lathe data`. */
void fitted_print(const Fitted *fitted, Text *out);

/* JSON of one, and back (NULL after a Problem: wrong kind, counts, not finite). */
cJSON *fitted_to_json(const Fitted *fitted);
Fitted *fitted_from_json(Arena *arena, Problems *problems, const cJSON *json);

#endif
