/* What can be wrong with texts, windows and rows of different lengths; the words are in problems_text.c.
 *
 * All have exit code 3 unless they say otherwise. Rows are numbered from 1 as people count them. */
#ifndef INTERPRETER_DATA_PROBLEMS_TEXT_H
#define INTERPRETER_DATA_PROBLEMS_TEXT_H

#include "interpreter/data/fitted.h"
#include "interpreter/data/windows.h"

/* E0407. A whole text is one row and can only be cut by order. */
void problem_split_text(Problems *problems, Span span, const Table *table);

/* E0420. A text column with missing values is cut into pieces; row: the first three. */
void problem_text_missing(Problems *problems, Span use, const Table *table, const Column *column,
                          int64_t count, const int64_t row[3]);

/* E0421. Piece `place` (from 0) of a row (from 0; -1: of the whole text) is in no class: no training row has it. */
void problem_piece_unknown(Problems *problems, Span use, const Table *table, const Column *column,
                           const Fitted *fitted, const Cell *piece, int64_t row, int64_t place);

/* E0422, exit code 1. encode met a piece that is in no class of the field; `field` as the program writes it. */
void problem_encode_unknown(Problems *problems, Span use, const char *field, const Fitted *fitted,
                            const Cell *piece);

/* E0423, exit code 1. A value of one row where an example is a window. */
void problem_window_row(Problems *problems, Span use, const char *what, int64_t length);

/* E0424, exit code 1. Rows of different lengths used as a tensor. */
void problem_ragged(Problems *problems, Span use, const char *what);

/* E0425. No window of `length` fits into a part, whose longest piece has `have`. `what`: "characters", "words",
 * "rows", "values". */
void problem_window_long(Problems *problems, Span use, const Table *table, PartName part, int64_t length,
                         int64_t have, const char *what, int64_t streams);

/* E0426. Parts of the table are no stretches of rows, so windows would cross. */
void problem_window_parts(Problems *problems, Span use, const Table *table);

/* E0427, exit code 1. Two fields of one table have windows that begin at different places. */
void problem_windows_differ(Problems *problems, Span use, const Windows *a, const Windows *b);

/* E0428, exit code 1. windows(streams=k) and another batch. */
void problem_streams_batch(Problems *problems, Span at, int64_t streams, int64_t batch);

/* E0429, exit code 1. encode for a field with one class an example met `count` pieces. */
void problem_encode_count(Problems *problems, Span use, const char *field, const Fitted *fitted,
                          int64_t count);

/* E0431. A column that join cannot use, or two rows of the right table that match one row (rows from 0). */
void problem_join_column(Problems *problems, Span use, const Table *table, const char *column,
                         const char *fault);
void problem_join_twice(Problems *problems, Span use, const Table *table, const Column *column, int64_t first,
                        int64_t second);

#endif
