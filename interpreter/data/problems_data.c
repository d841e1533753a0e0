/* The prose of tables: E0401 to E0411 and W0401.
 *
 * In go facts (a table, a column, rows, counts), out comes one Problem. What a file holds is shown only through
 * text_shown. Kinds of damage and limits are tables of sentences. */
#include "interpreter/data/problems_data.h"

#include "interpreter/data/shown.h"

#include <inttypes.h>
#include <string.h>

#define VALUE_MOST    30 // code points of a value
#define CLASSES_SHOWN 8
#define CLASSES_NEAR  4096 // among so many the nearest is searched

static const struct {
  const char *words, *help;
} FAULT[DATA_FAULTS] = {
    [DATA_EMPTY] = {"it is empty", NULL},
    [DATA_NUL] = {"it holds a byte 0, so it is no text", NULL},
    [DATA_UTF8] = {"it is not UTF-8", "convert it:  iconv -f latin1 -t utf-8 old.csv > new.csv"},
    [DATA_UTF16] = {"it is UTF-16", "convert it:  iconv -f utf-16 -t utf-8 old.csv > new.csv"},
    [DATA_QUOTE_OPEN] = {"the quote that opens here is never closed",
                         "inside quotes a quote is written twice: \"\""},
    [DATA_QUOTE_TEXT] = {"a quoted field goes on after its closing quote",
                         "inside quotes a quote is written twice: \"\""},
    [DATA_GZIP] = {"the compressed data is broken", NULL},
    [DATA_CUT] = {"it ends too early", "fetch it again"},
    [DATA_TRAILING] = {"there is more in it than its header says", NULL},
    [DATA_IDX_MAGIC] = {"it is no IDX file", NULL},
    [DATA_IDX_BYTES] = {"its numbers are not bytes", NULL},
    [DATA_IDX_RANK] =
        {"images have three sizes (how many, rows, columns) and labels one, but this file has other sizes",
         NULL},
    [DATA_IDX_SIZE] = {"its header says sizes that cannot be", NULL},
    [DATA_IDX_CHANGED] = {"it changed while it was read", NULL},
    [DATA_LABEL] = {"a label is not below 10", NULL},
    [DATA_JSON] = {"it is no JSON object", "every line is one:  {\"name\": \"Ann\", \"age\": 31}"},
};

static const struct {
  const char *words, *help;
} LIMIT[DATA_LIMITS] = {
    [DATA_LIMIT_FIELD] = {"a field has more than 1 MiB", "is a quote before it never closed?"},
    [DATA_LIMIT_COLUMNS] = {"the first line has more than 65,536 fields", NULL},
    [DATA_LIMIT_CLASSES] = {"a category has more than 16,777,216 classes",
                            "numbers that measure are no category: leave it as it is"},
    [DATA_LIMIT_IMAGES] = {"its images have more than 4 GiB", NULL},
    [DATA_LIMIT_KEYS] = {"its objects have more than 4,096 different keys", NULL},
};

static void data_problem(Problems *problems, const char *code, const char *title, Span span,
                         const char *label, const char *note, const char *help) {
  Problem problem = {.severity = code[0] == 'W' ? SEVERITY_WARNING : SEVERITY_ERROR,
                     .code = code,
                     .title = title,
                     .primary = {.span = span, .text = span.source ? label : NULL},
                     .detail = span.source ? NULL : label,
                     .note = note,
                     .help = help,
                     .exit_code = 3};
  problems_add(problems, &problem);
}

/* "row 6", "rows 6, 18, 20" of a file. */
static const char *rows_words(Arena *arena, const Table *table, const int64_t row[3], int64_t count) {
  const char *list = "";
  for (int i = 0; i < 3 && i < count; i++)
    list = arena_printf(arena, "%s%s%" PRId64, list, i ? ", " : "", row[i]);
  return arena_printf(arena, "row%s %s of %s", count == 1 ? "" : "s", list, path_shown(arena, table->path));
}

/* "drop_missing on line 3": the line of the table's source. */
static const char *drop_words(Arena *arena, const Table *table) {
  const Source *source = source_by_id(table->span.source);
  if (!source) return "drop_missing";
  int line, column;
  source_place(source, table->span.start, &line, &column);
  return arena_printf(arena, "drop_missing on line %d", line);
}

static const char *values_words(Arena *arena, int64_t count) {
  return arena_printf(arena, "%" PRId64 " missing value%s", count, count == 1 ? "" : "s");
}

void problem_missing_values(Problems *problems, Span use, const Table *table, const Column *column) {
  Arena *arena = arena_new(0);
  int64_t row[3], count = column_missing(column, &table->part[PART_ALL], row);
  data_problem(problems, "E0401",
               arena_printf(arena, "column `%s` has %s and is used as a number", column->name,
                            values_words(arena, count)),
               use, arena_printf(arena, "first holes: %s", rows_words(arena, table, row, count)), NULL,
               arena_printf(arena, "%s |> fill(\"median\"), or %s", column->name, drop_words(arena, table)));
  arena_free(arena);
}

static const char *value_shown(Arena *arena, const Column *column, int64_t row) {
  const char *text = column_text(arena, column, row);
  return text ? text_shown(arena, text, strlen(text), VALUE_MOST) : "";
}

/* `"?" in row 6, "n/a" in row 18` of the odd values. */
static const char *odd_words(Arena *arena, const Column *column) {
  const char *list = "";
  for (int i = 0; i < 3 && i < column->odd; i++)
    list = arena_printf(arena, "%s%s\"%s\" in row %" PRId64, list, i ? ", " : "",
                        value_shown(arena, column, column->odd_row[i] - 1), column->odd_row[i]);
  return list;
}

void problem_text_column(Problems *problems, Span use, const Table *table, const Column *column) {
  Arena *arena = arena_new(0);
  int64_t values = table->rows - column->missing;
  bool few = column->odd * 2 < values;
  const char *title =
      few ? arena_printf(arena,
                         "column `%s` is used as a number, but %" PRId64 " of %" PRId64 " values are none",
                         column->name, column->odd, values)
          : arena_printf(arena, "column `%s` is text and is used as a number", column->name);
  const char *help =
      few ? arena_printf(arena, "if it means that there is no value:  csv(\"%s\", missing=[\"%s\"])",
                         text_shown(arena, table->path, strlen(table->path), 60),
                         value_shown(arena, column, column->odd_row[0] - 1))
          : arena_printf(arena, "%s |> category", column->name);
  data_problem(problems, "E0402", title, use,
               arena_printf(arena, "%s of %s", odd_words(arena, column), path_shown(arena, table->path)),
               NULL, help);
  arena_free(arena);
}

void problem_category_missing(Problems *problems, Span use, const Table *table, const Column *column,
                              int64_t count, const int64_t row[3]) {
  Arena *arena = arena_new(0);
  data_problem(problems, "E0403",
               arena_printf(arena, "column `%s` has %s and no class for %s", column->name,
                            values_words(arena, count), count == 1 ? "it" : "them"),
               use, arena_printf(arena, "first holes: %s", rows_words(arena, table, row, count)), NULL,
               arena_printf(arena, "%s |> category(missing=\"unknown\"), or %s", column->name,
                            drop_words(arena, table)));
  arena_free(arena);
}

static const char *classes_words(Arena *arena, const Fitted *fitted) {
  const char *list = "";
  int shown = fitted->classes < CLASSES_SHOWN ? fitted->classes : CLASSES_SHOWN;
  for (int i = 0; i < shown; i++)
    list = arena_printf(arena, "%s%s%s", list, i ? ", " : "",
                        text_shown(arena, fitted->class_text[i], strlen(fitted->class_text[i]), VALUE_MOST));
  if (fitted->classes > shown) list = arena_printf(arena, "%s, and %d more", list, fitted->classes - shown);
  return list;
}

void problem_class_unknown(Problems *problems, Span use, const Table *table, const Column *column,
                           const Fitted *fitted, int64_t row) {
  Arena *arena = arena_new(0);
  const char *value = value_shown(arena, column, row);
  int candidates = fitted->classes < CLASSES_NEAR ? fitted->classes : CLASSES_NEAR;
  const char *near = name_nearest(value, fitted->class_text, candidates);
  const char *place = arena_printf(arena, "row %" PRId64 " of %s", row + 1, path_shown(arena, table->path));
  if (near)
    place = arena_printf(arena, "%s; did you mean \"%s\"?", place,
                         text_shown(arena, near, strlen(near), VALUE_MOST));
  data_problem(
      problems, "E0404",
      arena_printf(arena, "column `%s` holds \"%s\", which no training row has", column->name, value), use,
      place, arena_printf(arena, "the classes are %s", classes_words(arena, fitted)),
      arena_printf(arena, "give it a class:  %s |> category(missing=\"unknown\")", column->name));
  arena_free(arena);
}

void problem_csv_ragged(Problems *problems, Span span, const char *path, int64_t line, int64_t found,
                        int64_t expected) {
  Arena *arena = arena_new(0);
  data_problem(problems, "E0405",
               arena_printf(arena, "line %" PRId64 " of %s has %" PRId64 " field%s, the first has %" PRId64,
                            line, path_shown(arena, path), found, found == 1 ? "" : "s", expected),
               span, NULL, NULL,
               found > expected ? "a field that holds the separator stands in quotes:  \"Oslo, Norway\""
                                : "a line without a value still has its separators:  1,,3");
  arena_free(arena);
}

void problem_data_damaged(Problems *problems, Span span, const char *path, DataFault fault, int64_t line) {
  Arena *arena = arena_new(0);
  const char *where = "";
  if (line) where = arena_printf(arena, "%s %" PRId64 ": ", fault == DATA_LABEL ? "label" : "line", line);
  data_problem(
      problems, "E0406",
      arena_printf(arena, "%s cannot be used: %s%s", path_shown(arena, path), where, FAULT[fault].words),
      span, NULL, NULL, FAULT[fault].help);
  arena_free(arena);
}

void problem_csv_name_twice(Problems *problems, Span span, const char *path, const Column *column, int first,
                            int second) {
  Arena *arena = arena_new(0);
  const char *title[2];
  for (int i = 0; i < 2; i++) {
    const char *text = column[i ? second : first].title;
    title[i] = text_shown(arena, text, strlen(text), VALUE_MOST);
  }
  data_problem(
      problems, "E0406",
      arena_printf(arena, "two columns of %s have the name `%s`", path_shown(arena, path),
                   text_shown(arena, column[first].name, strlen(column[first].name), VALUE_MOST)),
      span,
      arena_printf(arena, "columns %d and %d: \"%s\" and \"%s\"", first + 1, second + 1, title[0], title[1]),
      "a sign that a name cannot have becomes `_`",
      arena_printf(arena, "rename one; if the first line holds no names:  csv(\"%s\", header=false)",
                   text_shown(arena, path, strlen(path), 60)));
  arena_free(arena);
}

void problem_mnist_absent(Problems *problems, Span span, const char *folder, const char *file) {
  Arena *arena = arena_new(0);
  data_problem(
      problems, "E0406",
      arena_printf(arena, "there is no MNIST in %s: %s is missing",
                   text_shown(arena, folder, strlen(folder), 60), file),
      span, NULL,
      "mnist(folder) reads train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and "
      "t10k-labels-idx1-ubyte, plain or .gz",
      "a relative path starts from the program's folder, or from --root DIR");
  arena_free(arena);
}

void problem_mnist_counts(Problems *problems, Span span, const char *images, int64_t image_count,
                          const char *labels, int64_t label_count) {
  Arena *arena = arena_new(0);
  data_problem(problems, "E0406",
               arena_printf(arena, "%s has %" PRId64 " images, %s has %" PRId64 " labels",
                            path_shown(arena, images), image_count, path_shown(arena, labels), label_count),
               span, NULL, NULL, NULL);
  arena_free(arena);
}

void problem_mnist_sizes(Problems *problems, Span span, const char *train, const int64_t train_size[2],
                         const char *test, const int64_t test_size[2]) {
  Arena *arena = arena_new(0);
  data_problem(problems, "E0406",
               arena_printf(arena,
                            "images of %s are [%" PRId64 ", %" PRId64 "], those of %s [%" PRId64 ", %" PRId64
                            "]",
                            path_shown(arena, train), train_size[0], train_size[1], path_shown(arena, test),
                            test_size[0], test_size[1]),
               span, NULL, NULL, NULL);
  arena_free(arena);
}

void problem_split_share(Problems *problems, Span span, const char *what, double value) {
  Arena *arena = arena_new(0);
  data_problem(problems, "E0407",
               arena_printf(arena, "%s=%.6g is neither a share nor a number of rows", what, value), span,
               NULL, "a float from 0 up to 1 is a share, an int a number of rows",
               arena_printf(arena, "%s=0.2", what));
  arena_free(arena);
}

/* "valid=0.6" or "valid=300". */
static const char *share_words(Arena *arena, const char *what, double value) {
  return value != 0 ? arena_printf(arena, "%s=%.6g", what, value) : "";
}

void problem_split_sum(Problems *problems, Span span, const Table *table, const Split *split, int64_t rows) {
  Arena *arena = arena_new(0);
  const char *valid = share_words(arena, "valid", split->valid),
             *test = share_words(arena, "test", split->test);
  const char *title =
      rows == 0 ? "there are no rows to split"
                : arena_printf(arena, "%s%s%s of %" PRId64 " row%s leaves nothing to train on", valid,
                               *valid && *test ? " and " : "", test, rows, rows == 1 ? "" : "s");
  data_problem(problems, "E0407", title, span,
               arena_printf(arena, "rows of %s at this step: %" PRId64, path_shown(arena, table->path), rows),
               NULL, rows == 0 ? NULL : "split(valid=0.2)");
  arena_free(arena);
}

void problem_split_empty(Problems *problems, Span span, const Table *table, const char *what, double share,
                         int64_t rows) {
  Arena *arena = arena_new(0);
  data_problem(problems, "E0407",
               arena_printf(arena, "%s=%.6g of %" PRId64 " row%s is not one row", what, share, rows,
                            rows == 1 ? "" : "s"),
               span,
               arena_printf(arena, "rows of %s at this step: %" PRId64, path_shown(arena, table->path), rows),
               NULL, rows > 1 ? arena_printf(arena, "%s=1", what) : NULL);
  arena_free(arena);
}

void problem_split_own_test(Problems *problems, Span span, const Table *table) {
  Arena *arena = arena_new(0);
  data_problem(problems, "E0407", arena_printf(arena, "%s has a test part of its own", table->kind), span,
               NULL, arena_printf(arena, "its %" PRId64 " test rows are the part `.test`", table->own_test),
               "leave `test=` out:  split(valid=0.1)");
  arena_free(arena);
}

void problem_split_by(Problems *problems, Span span, const Table *table, Name by) {
  Arena *arena = arena_new(0);
  const Column *column = table_column(table, by);
  if (column) {
    data_problem(problems, "E0407", arena_printf(arena, "split cannot keep proportions of `%s`", by), span,
                 "a row of it is more than one value", NULL, NULL);
  } else {
    const char *near = table_column_nearest(table, by);
    const char *shown = text_shown(arena, by, strlen(by), VALUE_MOST);
    data_problem(
        problems, "E0407",
        arena_printf(arena, "split(by=\"%s\"): %s has no such column", shown, path_shown(arena, table->path)),
        span, near ? arena_printf(arena, "did you mean \"%s\"?", near) : NULL,
        "by is a column whose proportions each part keeps, or \"order\"",
        near ? arena_printf(arena, "by=\"%s\"", near) : NULL);
  }
  arena_free(arena);
}

void problem_split_twice(Problems *problems, Span span) {
  data_problem(problems, "E0407", "this table is cut into parts already", span, NULL, NULL,
               "one step makes all parts:  split(valid=0.15, test=0.15)");
}

void problem_kfold(Problems *problems, Span span, int64_t folds, int64_t fold, int64_t rows) {
  Arena *arena = arena_new(0);
  bool number = folds < 2 || folds > rows;
  data_problem(problems, "E0407",
               number ? arena_printf(arena, "%" PRId64 " row%s cannot make %" PRId64 " folds", rows,
                                     rows == 1 ? "" : "s", folds)
                      : arena_printf(arena, "there is no fold %" PRId64 " of %" PRId64, fold, folds),
               span, NULL,
               number ? "at least 2 folds, of at least one row each"
                      : arena_printf(arena, "folds are counted from 0 to %" PRId64, folds - 1),
               number ? "kfold(5, 0)" : arena_printf(arena, "kfold(%" PRId64 ", 0)", folds));
  arena_free(arena);
}

void problem_data_limit(Problems *problems, Span span, const char *path, DataLimit limit, int64_t line) {
  Arena *arena = arena_new(0);
  const char *where = line ? arena_printf(arena, "line %" PRId64 ": ", line) : "";
  data_problem(
      problems, "E0408",
      arena_printf(arena, "%s is too large here: %s%s", path_shown(arena, path), where, LIMIT[limit].words),
      span, NULL, NULL, LIMIT[limit].help);
  arena_free(arena);
}

void problem_csv_separator(Problems *problems, Span span, char separator) {
  Arena *arena = arena_new(0);
  data_problem(problems, "E0409",
               arena_printf(arena, "\"%s\" cannot separate fields", text_shown(arena, &separator, 1, 8)),
               span, NULL, "one sign of ASCII that numbers and quotes do not have", "sep=\";\"");
  arena_free(arena);
}

void problem_fitted_damaged(Problems *problems, const char *table, const char *field, const char *what) {
  Arena *arena = arena_new(0);
  data_problem(problems, "E0410",
               arena_printf(arena, "the statistics of `%s.%s` that came with the weights cannot be used",
                            text_shown(arena, table, strlen(table), VALUE_MOST),
                            text_shown(arena, field, strlen(field), VALUE_MOST)),
               (Span){0}, what, NULL, NULL);
  arena_free(arena);
}

void problem_fill_nothing(Problems *problems, Span use, const Table *table, const Column *column) {
  Arena *arena = arena_new(0);
  data_problem(problems, "E0411",
               arena_printf(arena, "column `%s` has no value to fill holes with", column->name), use,
               arena_printf(arena, "no training row of %s has one", path_shown(arena, table->path)), NULL,
               arena_printf(arena, "%s |> fill(0.0)", column->name));
  arena_free(arena);
}

void problem_csv_header_numbers(Problems *problems, Span span, const char *path) {
  Arena *arena = arena_new(0);
  data_problem(problems, "W0401",
               arena_printf(arena, "the first line of %s holds only numbers and was taken for names",
                            path_shown(arena, path)),
               span, NULL, NULL,
               arena_printf(arena, "if it is data:  csv(\"%s\", header=false)",
                            text_shown(arena, path, strlen(path), 60)));
  arena_free(arena);
}
