/* Everything that can be wrong with a table, one function a problem; the words are in problems_data.c.
 *
 * All have exit code 3. Rows are numbered from 1 as people count them, the header left out; lines are those of
 * the file. A Span may be nowhere ({0}). */
#ifndef INTERPRETER_DATA_PROBLEMS_DATA_H
#define INTERPRETER_DATA_PROBLEMS_DATA_H

#include "base/problem.h"
#include "interpreter/data/fitted.h"
#include "interpreter/data/table.h"

/* E0401. A column with missing values stands where numbers are needed: how many, the first rows, two ways out.
 * Counts rows of PART_ALL, that is what the table's steps have left. */
void problem_missing_values(Problems *problems, Span use, const Table *table, const Column *column);

/* E0402. A text column stands where numbers are needed: shows the first values that are none, and the way out:
 * `missing=` where few are odd, category where it is text through and through. */
void problem_text_column(Problems *problems, Span use, const Table *table, const Column *column);

/* E0403. category met `count` missing values and has no class for them; row: the first three. */
void problem_category_missing(Problems *problems, Span use, const Table *table, const Column *column,
                              int64_t count, const int64_t row[3]);

/* E0404. A row (from 0) holds a value that the training rows did not: names it and the classes there are. */
void problem_class_unknown(Problems *problems, Span use, const Table *table, const Column *column,
                           const Fitted *fitted, int64_t row);

/* E0405. A record has more or fewer fields than the first one. */
void problem_csv_ragged(Problems *problems, Span span, const char *path, int64_t line, int64_t found,
                        int64_t expected);

/* E0406. A file that is no table or no IDX file. */
typedef enum {
  DATA_EMPTY,
  DATA_NUL,
  DATA_UTF8,
  DATA_UTF16,
  DATA_QUOTE_OPEN,
  DATA_QUOTE_TEXT,
  DATA_GZIP,
  DATA_CUT,
  DATA_TRAILING,
  DATA_IDX_MAGIC,
  DATA_IDX_BYTES,
  DATA_IDX_RANK,
  DATA_IDX_SIZE,
  DATA_IDX_CHANGED,
  DATA_LABEL,
  DATA_JSON,
  DATA_FAULTS
} DataFault;
/* `line`: of the file, or the number of the label, from 1; 0 where it says nothing. */
void problem_data_damaged(Problems *problems, Span span, const char *path, DataFault fault, int64_t line);
void problem_csv_name_twice(Problems *problems, Span span, const char *path, const Column *column, int first,
                            int second);
void problem_mnist_absent(Problems *problems, Span span, const char *folder, const char *file);
void problem_mnist_counts(Problems *problems, Span span, const char *images, int64_t image_count,
                          const char *labels, int64_t label_count);
void problem_mnist_sizes(Problems *problems, Span span, const char *train, const int64_t train_size[2],
                         const char *test, const int64_t test_size[2]);

/* E0407. A split that cannot be made. `what` is "valid" or "test". */
void problem_split_share(Problems *problems, Span span, const char *what, double value);
void problem_split_sum(Problems *problems, Span span, const Table *table, const Split *split, int64_t rows);
void problem_split_empty(Problems *problems, Span span, const Table *table, const char *what, double share,
                         int64_t rows);
void problem_split_own_test(Problems *problems, Span span, const Table *table);
void problem_split_by(Problems *problems, Span span, const Table *table, Name by);
void problem_split_twice(Problems *problems, Span span);
void problem_kfold(Problems *problems, Span span, int64_t folds, int64_t fold, int64_t rows);

/* E0408. A limit of Lathe is passed; line 0: none. */
typedef enum {
  DATA_LIMIT_FIELD,
  DATA_LIMIT_COLUMNS,
  DATA_LIMIT_CLASSES,
  DATA_LIMIT_IMAGES,
  DATA_LIMIT_KEYS,
  DATA_LIMITS
} DataLimit;
void problem_data_limit(Problems *problems, Span span, const char *path, DataLimit limit, int64_t line);

/* E0409. This byte cannot separate fields. */
void problem_csv_separator(Problems *problems, Span span, char separator);

/* E0410. Statistics that came with weights contradict themselves; `what` says how. */
void problem_fitted_damaged(Problems *problems, const char *table, const char *field, const char *what);

/* E0411. fill has no value to learn from. */
void problem_fill_nothing(Problems *problems, Span use, const Table *table, const Column *column);

/* W0401, a warning. The first line, taken for names, holds numbers only. */
void problem_csv_header_numbers(Problems *problems, Span span, const char *path);

#endif
