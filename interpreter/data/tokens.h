/* Texts in pieces: the characters or words of a text column, numbered. */
#ifndef INTERPRETER_DATA_TOKENS_H
#define INTERPRETER_DATA_TOKENS_H

#include "interpreter/data/fitted.h"

/* The pieces of each row, by number of the different ones. */
typedef struct {
  FittedKind kind; // FITTED_CHARS or FITTED_WORDS
  int64_t rows;
  int64_t *start; // row r has the pieces from start[r] to start[r + 1]; rows + 1 of them
  int32_t *piece; // which of the different ones
  Cell *text;     // the different ones, in the order of their bytes
  int64_t texts;
  char *bytes; // behind `text`, where it is no slice of the table's
} Tokens;

/* Of the rows of PART_ALL; others have no pieces. A word is a run of letters and apostrophes with at least one letter,
 * in lower case. Missing values count as empty texts. Freed by tokens_free. */
Tokens tokens_of(FittedKind kind, const Table *table, const Column *column);
void tokens_free(Tokens *tokens);

/* The same of one text. */
Tokens tokens_of_text(FittedKind kind, const char *text, size_t length);

typedef struct {
  bool ends;        // classes <pad>, <start>, <end> in front
  bool unknown;     // chars: a last class <unknown>
  int64_t at_least; // words: rarer ones are the last class, <rare>
} TokenClasses;

/* The classes of the pieces that rows of `part` have; words always have <pad> and <rare>. NULL after E0408: more than
 * 2^24. */
Fitted *fitted_tokens(Arena *arena, Problems *problems, Span span, const Table *table, const Tokens *tokens,
                      const Part *part, const TokenClasses *wanted);

/* Classes of all pieces as a column of rows of different lengths, in the narrowest integers; begins and ends are put
 * around where the vocabulary has them. NULL after E0421: a character that has no class. */
Column *tokens_column(Arena *arena, Problems *problems, Span span, const Fitted *fitted, const Table *table,
                      const Column *column, const Tokens *tokens);

/* Puts the class <pad> in front of a vocabulary that has none, and moves the classes of a column of `rows` rows. */
void fitted_add_pad(Arena *arena, Fitted *fitted, Column *column, int64_t rows);

/* The classes of a text, without begin and end; -1 after E0422 at span: the first piece without a class. */
int64_t fitted_encode(const Fitted *fitted, Problems *problems, Span span, const char *field,
                      const char *text, size_t length, Arena *arena, int32_t **classes);

#endif
