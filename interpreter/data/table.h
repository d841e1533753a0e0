/* Tables: rows and columns read from a file, cut into parts.
 *
 * A Table is opened in two steps, so that a check need not read a large file: table_open_* reads what is
 * needed to know the columns, their types and the number of rows (IDX: the headers; CSV: all of it), and
 * table_load brings the values. Table steps (split, drop_missing, limit, …) run in the order written; each
 * works on the rows that the steps before it left. Columns keep every row of the file; a Part is a list of
 * row numbers into them. */
#ifndef INTERPRETER_DATA_TABLE_H
#define INTERPRETER_DATA_TABLE_H

#include "base/arena.h"
#include "base/name.h"
#include "base/problem.h"
#include "lang/type.h"

typedef struct {
  const char *bytes; // not NUL-terminated; NULL: missing
  uint32_t length;
} Cell;

typedef struct {
  Name name;         // as programs write it: every character that a name cannot have became `_`
  const char *title; // as the file has it
  bool text;         // values are Cells; otherwise numbers
  DType dtype;       // of a number: f64 for CSV (missing: NaN), u8 for IDX
  int rank;          // of one row: 0 for a number, 2 for [28, 28]
  int64_t size[MAX_RANK];
  int64_t step;    // windows into a stored column: values from one row to the next; 0: as many as a row has
  int64_t *start;  // rows of different lengths (rank 1): row r has the values from start[r] to start[r + 1]
  int64_t most;    // … of which a batch shows the first so many
  int64_t bound;   // integers are below it; 0: unknown
  bool borrowed;   // the values belong to another table
  void *values;    // rows * elements numbers, or rows Cells; NULL before table_load
  int64_t missing; // how many rows have no value
  int64_t missing_row[3]; // the first of them, numbered from 1 in the file (header not counted)
  int64_t odd;            // CSV, text columns only: how many values are not numbers …
  int64_t odd_row[3];     // … and the first of them: so that "used as a number" can say where
} Column;

typedef struct {
  int64_t *row; // numbers of rows, from 0
  int64_t count;
} Part;

typedef enum { PART_ALL, PART_TRAIN, PART_VALID, PART_TEST, PART_COUNT } PartName;

typedef struct Table Table;
struct Table {
  Arena *arena;
  const char *kind; // "csv", "mnist"
  const char *path; // as opened
  Span span;        // of the source in the program, so that help can name its line; may be nowhere
  int64_t rows;     // in the file
  int64_t own_test; // the last so many of them are the source's own test part, which no step touches
  Column *column;
  int columns;
  Part part[PART_COUNT]; // without a split: train is all, valid and test are empty
  bool split;
  bool whole_text; // the one row is a text, which split(by="order") cuts
  bool loaded;
  void *reader; // of the source kind, for table_load
  bool (*load)(Table *table, Problems *problems, Span span);
  void (*close)(Table *table); // frees what the source kind holds beside the columns' values; may be NULL
};

typedef struct {
  bool header;                // first record names the columns
  const char *const *missing; // further texts that mean "no value", beside the empty field, NA, NaN, null
  int missing_count;
  char separator; // ','; '\t' for tsv; any other sign of ASCII that no number and no quote has
} CsvOptions;

#define CSV_FIELD_LIMIT   ((size_t)1 << 20) // bytes of one field
#define CSV_COLUMNS_LIMIT 65536

/* NULL after a Problem (exit code 3) at `span`: unreadable, ragged rows (with their line), limits of trust.md
 * §4. A path that ends in .gz is inflated. "-" is standard input. */
Table *table_open_csv(Arena *arena, Problems *problems, Span span, const char *path,
                      const CsvOptions *options);

/* `path`: a folder with the four IDX files, .gz or plain. Columns image (u8[28, 28]) and label (u8, bound
 * 10); rows of the training files first; its test files are the part TEST. */
Table *table_open_mnist(Arena *arena, Problems *problems, Span span, const char *path);

/* An object a line; keys are columns. Numbers, true and false are numbers; lists of numbers are rows of different
 * lengths; everything else is text. E0406 with the line for what is no object. */
Table *table_open_jsonl(Arena *arena, Problems *problems, Span span, const char *path);

/* Column `text`: the whole file in one row. Column `line`: a row a line, ends (LF, CRLF, CR) left out; a line end at
 * the end of the file begins no further line. Both: strict UTF-8, at most 2 GiB; E0406 for an empty file. */
Table *table_open_text(Arena *arena, Problems *problems, Span span, const char *path);
Table *table_open_lines(Arena *arena, Problems *problems, Span span, const char *path);

/* Rows of a part of another table as a table: it borrows the columns, and forgets the split. */
Table *table_of_table(Arena *arena, Table *from, const Part *part, Span span);

/* The name of a column in programs, from its title: every character that a name cannot have becomes `_`. */
Name column_name_from_title(Arena *arena, const char *title, int column);

bool table_load(Table *table, Problems *problems, Span span); // once; later calls return true at once
void table_close(Table *table);

Column *table_column(const Table *table, Name name); // NULL if there is none

/* The column whose name is nearest to one that does not exist, for "did you mean"; NULL if none is near. */
const char *table_column_nearest(const Table *table, Name name);

int64_t column_elements(const Column *column); // numbers of one row: 1 for rank 0
bool column_is_missing(const Column *column, int64_t row);

/* How many rows of `part` have no value in the column, and the first three, numbered from 1. */
int64_t column_missing(const Column *column, const Part *part, int64_t row[3]);

/* A value as text: a Cell's bytes, or the shortest digits that give the number back; NULL when missing. */
const char *column_text(Arena *arena, const Column *column, int64_t row);

/* Steps. Rows of the source's own test part are left alone. Names that are no column are passed over: the
 * caller has reported them. */
void table_drop_missing(Table *table, const Name *columns, int count); // count 0: any column
void table_limit(Table *table, int64_t rows);
void table_keep(Table *table, const bool *keep); // by row of the file: those with false go

/* Puts the columns of `right` beside those of `left`, by equal values of the column `on`, which every row of `right`
 * has once. Rows without a partner get missing values, or, without keep_all, go. false after E0431. */
bool table_join(Table *left, Table *right, Problems *problems, Span span, Name on, bool keep_all);

typedef struct {
  double valid, test; // a share below 1, or a number of rows; 0: none
  bool valid_is_rows, test_is_rows;
  Name by; // NULL: rows are permuted by seed; `order`; or a column whose proportions are kept
  uint64_t seed;
} Split;

/* Cuts the rows into train, valid and test; each part keeps the order of the file. false after E0407. Loads the
 * table first where `by` names a column. */
bool table_split(Table *table, Problems *problems, Span span, const Split *split);

/* The valid part becomes fold `fold` (from 0) of `folds` of nearly equal size, the rest trains. */
bool table_kfold(Table *table, Problems *problems, Span span, int64_t folds, int64_t fold, uint64_t seed);

/* The keyed permutation behind split and shuffle: writes 0..count-1 in an order that depends on the keys
 * alone. */
void rows_permute(int64_t *row, int64_t count, uint64_t seed, uint64_t epoch);

/* CRC-32C of the rows of a part, all columns that are loaded. */
uint32_t table_fingerprint(const Table *table, PartName part);

/* For sources: the parts of a table just opened, from `rows` and `own_test`. */
void table_parts_start(Table *table);

/* How many characters a whole text has, and cutting it: it becomes one row for each part that wants some. */
int64_t table_text_characters(const Table *table);
void table_text_cut(Table *table, const int64_t wanted[PART_COUNT]);

/* Copies the values of `count` rows one after the other into dst, in the column's own dtype. Where rows have
 * different lengths, each takes `length` values: what it lacks is 0, what it has more is left out. */
void column_gather(const Column *column, const int64_t *row, int64_t count, int64_t length, void *dst);

/* How many values a row shows: those it has, at most `most`. For columns with `start`. */
int64_t column_length(const Column *column, int64_t row);

#endif
