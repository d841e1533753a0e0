/* The classes of characters and words, and texts as rows of them.
 *
 * In go Tokens, out comes a Fitted (which characters or words are classes is learned from training rows) and a column
 * that holds the class of every piece of every row, one after the other: windows and batches are slices of it. */
#include "interpreter/data/problems_data.h"
#include "interpreter/data/problems_text.h"
#include "interpreter/data/tokens.h"

#include <string.h>

#define CLASSES_LIMIT ((int64_t)1 << 24)

static const char *const FRONT[] = {"<pad>", "<start>", "<end>"};

static void class_put(Fitted *fitted, const char *text, int64_t times) {
  fitted->class_text[fitted->classes] = text;
  fitted->class_count[fitted->classes++] = times;
}

/* How often each piece stands in rows of the part. */
static int64_t *pieces_count(const Tokens *tokens, const Part *part) {
  int64_t *times = memory_alloc((size_t)tokens->texts, sizeof *times);
  for (int64_t i = 0; i < part->count; i++) {
    const int64_t *start = &tokens->start[part->row[i]];
    for (int64_t k = start[0]; k < start[1]; k++) times[tokens->piece[k]]++;
  }
  return times;
}

Fitted *fitted_tokens(Arena *arena, Problems *problems, Span span, const Table *table, const Tokens *tokens,
                      const Part *part, const TokenClasses *wanted) {
  bool words = tokens->kind == FITTED_WORDS;
  int64_t *times = pieces_count(tokens, part), least = wanted->at_least > 1 ? wanted->at_least : 1;
  int64_t own = 0, rest = 0;
  for (int64_t i = 0; i < tokens->texts; i++) own += times[i] >= least;
  if (own + 4 > CLASSES_LIMIT) {
    problem_data_limit(problems, span, table->path, DATA_LIMIT_CLASSES, 0);
    memory_free(times);
    return NULL;
  }
  Fitted *fitted = ARENA_NEW(arena, Fitted);
  *fitted = (Fitted){.kind = tokens->kind, .missing_class = -1};
  fitted->class_text = ARENA_ARRAY(arena, const char *, own + 4);
  fitted->class_count = ARENA_ARRAY(arena, int64_t, own + 4);
  fitted->first_class = wanted->ends ? 3 : words ? 1 : 0;
  for (int i = 0; i < fitted->first_class; i++) class_put(fitted, FRONT[i], i ? part->count : 0);
  for (int64_t i = 0; i < tokens->texts; i++)
    if (times[i] >= least)
      class_put(fitted, arena_copy(arena, tokens->text[i].bytes, tokens->text[i].length), times[i]);
    else
      rest += times[i];
  if (words || wanted->unknown) {
    fitted->missing_class = fitted->classes;
    class_put(fitted, words ? "<rare>" : "<unknown>", rest);
  }
  memory_free(times);
  return fitted;
}

static void id_write(Column *column, int64_t at, int32_t id) {
  if (column->dtype == DTYPE_U8)
    ((uint8_t *)column->values)[at] = (uint8_t)id;
  else
    ((int32_t *)column->values)[at] = id;
}

/* Tells of the first piece without a class. */
static void report_unknown(Problems *problems, Span span, const Fitted *fitted, const Table *table,
                           const Column *column, const Tokens *tokens, const int32_t *class_of) {
  for (int64_t row = 0; row < tokens->rows; row++)
    for (int64_t k = tokens->start[row]; k < tokens->start[row + 1]; k++)
      if (class_of[tokens->piece[k]] < 0) {
        bool whole = table->whole_text;
        problem_piece_unknown(problems, span, table, column, fitted, &tokens->text[tokens->piece[k]],
                              whole ? -1 : row, whole ? k : k - tokens->start[row]);
        return;
      }
}

Column *tokens_column(Arena *arena, Problems *problems, Span span, const Fitted *fitted, const Table *table,
                      const Column *column, const Tokens *tokens) {
  int32_t *class_of = memory_alloc((size_t)tokens->texts, sizeof *class_of);
  bool known = true;
  for (int64_t i = 0; i < tokens->texts; i++) {
    class_of[i] = fitted_class(fitted, tokens->text[i].bytes, tokens->text[i].length);
    known = known && class_of[i] >= 0;
  }
  Column *made = NULL;
  int start = fitted_role(fitted, CLASS_START), end = fitted_role(fitted, CLASS_END);
  bool ends = start >= 0;
  if (known) {
    int64_t total = tokens->start[tokens->rows] + (ends ? 2 * table->part[PART_ALL].count : 0), at = 0,
            next = 0;
    made = ARENA_NEW(arena, Column);
    *made = (Column){.rank = 1, .bound = fitted->classes, .title = column->title, .name = column->name};
    made->dtype = fitted->classes <= 256 ? DTYPE_U8 : DTYPE_I32;
    made->values = arena_alloc(arena, (size_t)total + 1, dtype_size(made->dtype));
    made->start = ARENA_ARRAY(arena, int64_t, tokens->rows + 1);
    const Part *all = &table->part[PART_ALL];
    for (int64_t row = 0; row < tokens->rows; row++) {
      bool there = next < all->count && all->row[next] == row; // rows of a part are in order
      next += there;
      if (ends && there) id_write(made, at++, start);
      for (int64_t k = tokens->start[row]; k < tokens->start[row + 1]; k++)
        id_write(made, at++, class_of[tokens->piece[k]]);
      if (ends && there) id_write(made, at++, end);
      made->start[row + 1] = at;
    }
  } else {
    report_unknown(problems, span, fitted, table, column, tokens, class_of);
  }
  memory_free(class_of);
  return made;
}

void fitted_add_pad(Arena *arena, Fitted *fitted, Column *column, int64_t rows) {
  size_t classes = (size_t)fitted->classes;
  const char **text = ARENA_ARRAY(arena, const char *, classes + 2);
  int64_t *times = ARENA_ARRAY(arena, int64_t, classes + 2);
  memcpy(text + 1, fitted->class_text, sizeof *text * classes);
  memcpy(times + 1, fitted->class_count, sizeof *times * classes);
  text[0] = FRONT[0];
  fitted->class_text = text;
  fitted->class_count = times;
  fitted->classes++;
  fitted->first_class = 1;
  if (fitted->missing_class >= 0) fitted->missing_class++;
  Column narrow = *column;
  column->bound = fitted->classes;
  column->dtype = fitted->classes <= 256 ? DTYPE_U8 : DTYPE_I32;
  column->values = arena_alloc(arena, (size_t)column->start[rows] + 1, dtype_size(column->dtype));
  for (int64_t i = 0; i < column->start[rows]; i++)
    id_write(column, i,
             1 + (narrow.dtype == DTYPE_U8 ? ((const uint8_t *)narrow.values)[i]
                                           : ((const int32_t *)narrow.values)[i]));
}

int64_t fitted_encode(const Fitted *fitted, Problems *problems, Span span, const char *field,
                      const char *text, size_t length, Arena *arena, int32_t **classes) {
  Tokens tokens = tokens_of_text(fitted->kind, text, length);
  int64_t count = tokens.start[1];
  *classes = ARENA_ARRAY(arena, int32_t, count + 1);
  for (int64_t i = 0; i < count; i++) {
    const Cell *piece = &tokens.text[tokens.piece[i]];
    (*classes)[i] = fitted_class(fitted, piece->bytes, piece->length);
    if ((*classes)[i] >= 0) continue;
    problem_encode_unknown(problems, span, field, fitted, piece);
    count = -1;
    break;
  }
  tokens_free(&tokens);
  return count;
}
