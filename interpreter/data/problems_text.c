/* The prose of texts and windows: E0420 to E0431, and the split of a text. */
#include "interpreter/data/problems_text.h"

#include "interpreter/data/shown.h"
#include "lang/draft.h"

#include <inttypes.h>
#include <string.h>

#define VALUE_MOST    30 // code points of a value
#define CLASSES_SHOWN 12
#define CLASSES_NEAR  4096 // among so many the nearest is searched

static Draft data_draft(Problems *problems, const char *code, Span at, int exit_code) {
  Draft d = draft_new(problems, code, at);
  d.problem.exit_code = exit_code;
  return d;
}

static const char *shown(Draft *d, const char *text, size_t length) {
  return text_shown(d->arena, text, length, VALUE_MOST);
}

static const char *file_of(Draft *d, const Table *table) { return path_shown(d->arena, table->path); }

static const char *piece_kind(const Fitted *fitted) {
  return fitted->kind == FITTED_CHARS ? "character" : fitted->kind == FITTED_WORDS ? "word" : "class";
}

static const char *piece_words(Draft *d, const Fitted *fitted, const Cell *piece) {
  uint32_t code = 0;
  const char *text = shown(d, piece->bytes, piece->length);
  if (fitted->kind != FITTED_CHARS) return arena_printf(d->arena, "\"%s\"", text);
  static const unsigned char mask[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
  for (uint32_t i = 0; i < piece->length; i++) {
    unsigned char byte = (unsigned char)piece->bytes[i];
    code = i ? code << 6 | (byte & 0x3f) : byte & mask[piece->length];
  }
  return arena_printf(d->arena, "\"%s\" (U+%04" PRIX32 ")", text, code);
}

static void note_classes(Draft *d, const Fitted *fitted) {
  const char *list = "";
  int last = fitted->first_class + CLASSES_SHOWN < fitted->classes ? fitted->first_class + CLASSES_SHOWN
                                                                   : fitted->classes;
  for (int i = fitted->first_class; i < last; i++)
    list = arena_printf(d->arena, fitted->kind == FITTED_CHARS ? "%s%s\"%s\"" : "%s%s%s", list,
                        i > fitted->first_class ? ", " : "",
                        shown(d, fitted->class_text[i], strlen(fitted->class_text[i])));
  if (last < fitted->classes) list = arena_printf(d->arena, "%s, and %d more", list, fitted->classes - last);
  draft_note(d, "the classes are %s", list);
}

void problem_split_text(Problems *problems, Span span, const Table *table) {
  Draft d = data_draft(problems, "E0407", span, 3);
  draft_title(&d, "%s is one text, which can only be cut by order", file_of(&d, table));
  draft_note(&d, "its first characters train, the next validate, the last test; a row a line: lines(…)");
  draft_help(&d, "split(valid=0.1, by=\"order\")");
  draft_add(&d);
}

void problem_text_missing(Problems *problems, Span use, const Table *table, const Column *column,
                          int64_t count, const int64_t row[3]) {
  Draft d = data_draft(problems, "E0420", use, 3);
  const char *list = "";
  for (int i = 0; i < 3 && i < count; i++)
    list = arena_printf(d.arena, "%s%s%" PRId64, list, i ? ", " : "", row[i]);
  draft_title(&d, "column `%s` has %s and is read as text", shown(&d, column->name, strlen(column->name)),
              draft_count(&d, count, "missing value"));
  draft_label(&d, "first holes: row%s %s of %s", count == 1 ? "" : "s", list, file_of(&d, table));
  draft_help(&d, "leave those rows out:  drop_missing(%s)", shown(&d, column->name, strlen(column->name)));
  draft_add(&d);
}

void problem_piece_unknown(Problems *problems, Span use, const Table *table, const Column *column,
                           const Fitted *fitted, const Cell *piece, int64_t row, int64_t place) {
  Draft d = data_draft(problems, "E0421", use, 3);
  draft_title(&d, "column `%s` holds the %s %s, which no training row has",
              shown(&d, column->name, strlen(column->name)), piece_kind(fitted),
              piece_words(&d, fitted, piece));
  if (row < 0)
    draft_label(&d, "%s %" PRId64 " of %s", piece_kind(fitted), place + 1, file_of(&d, table));
  else
    draft_label(&d, "row %" PRId64 " of %s, %s %" PRId64, row + 1, file_of(&d, table), piece_kind(fitted),
                place + 1);
  note_classes(&d, fitted);
  draft_help(&d, "give it a class:  %s |> chars(unknown=true)",
             shown(&d, column->name, strlen(column->name)));
  draft_add(&d);
}

void problem_encode_unknown(Problems *problems, Span use, const char *field, const Fitted *fitted,
                            const Cell *piece) {
  Draft d = data_draft(problems, "E0422", use, 1);
  draft_title(&d, "%s is no %s that `%s` numbers", piece_words(&d, fitted, piece), piece_kind(fitted),
              draft_short(&d, field));
  int candidates = fitted->classes < CLASSES_NEAR ? fitted->classes : CLASSES_NEAR;
  const char *near =
      fitted->kind == FITTED_CHARS
          ? NULL
          : name_nearest(arena_copy(d.arena, piece->bytes, piece->length), fitted->class_text, candidates);
  if (near) draft_label(&d, "did you mean \"%s\"?", shown(&d, near, strlen(near)));
  note_classes(&d, fitted);
  if (fitted->kind == FITTED_CHARS)
    draft_help(&d, "give unknown ones a class where the field is made:  chars(unknown=true)");
  draft_add(&d);
}

void problem_window_row(Problems *problems, Span use, const char *what, int64_t length) {
  Draft d = data_draft(problems, "E0423", use, 1);
  draft_title(&d, "`%s` has one value a row, but an example of this table is a window of %" PRId64,
              draft_short(&d, what), length);
  draft_help(&d, "%s |> windows(%" PRId64 ")", draft_short(&d, what), length);
  draft_add(&d);
}

void problem_ragged(Problems *problems, Span use, const char *what) {
  Draft d = data_draft(problems, "E0424", use, 1);
  draft_title(&d, "rows of `%s` have different lengths, a tensor has one", draft_short(&d, what));
  draft_note(&d, "pad fills each batch to its longest row and says where values are: (ids, keep)");
  draft_help(&d, "|> pad   or cut pieces of one length:  |> windows(64)");
  draft_add(&d);
}

void problem_window_long(Problems *problems, Span use, const Table *table, PartName part, int64_t length,
                         int64_t have, const char *what, int64_t streams) {
  static const char *const PART_WORDS[PART_COUNT] = {"the table", "the train part", "the valid part",
                                                     "the test part"};
  Draft d = data_draft(problems, "E0425", use, 3);
  if (have >= length)
    draft_title(&d, "%s has fewer windows of %" PRId64 " than the %" PRId64 " streams", PART_WORDS[part],
                length, streams);
  else
    draft_title(&d, "no window of %" PRId64 " fits into %s, which has %" PRId64 " %s", length,
                PART_WORDS[part], have, what);
  draft_label(&d, "%s", file_of(&d, table));
  draft_note(&d, "windows lie within one row of text and within one part");
  draft_help(&d, have >= length ? "fewer streams" : "a shorter window, or a larger part");
  draft_add(&d);
}

void problem_window_parts(Problems *problems, Span use, const Table *table) {
  Draft d = data_draft(problems, "E0426", use, 3);
  draft_title(&d, "windows over rows that are dealt out would show the training rows what is validated");
  draft_label(&d, "the parts of %s are no stretches of its rows", file_of(&d, table));
  draft_help(&d, "cut the table by order:  split(valid=0.15, by=\"order\")");
  draft_add(&d);
}

void problem_windows_differ(Problems *problems, Span use, const Windows *a, const Windows *b) {
  Draft d = data_draft(problems, "E0427", use, 1);
  draft_title(&d, "these windows are not the examples that the windows before them are");
  draft_label(&d, "%" PRId64 " windows of %" PRId64 ", before %" PRId64 " of %" PRId64,
              b->part[PART_ALL].count, b->length, a->part[PART_ALL].count, a->length);
  draft_help(&d, "one length and stride for all fields; slice what is too long:  w[:%" PRId64 "]",
             a->length < b->length ? a->length : b->length);
  draft_add(&d);
}

void problem_streams_batch(Problems *problems, Span at, int64_t streams, int64_t batch) {
  Draft d = data_draft(problems, "E0428", at, 1);
  draft_title(&d,
              "row i of a batch goes on from row i of the one before only if a batch has %" PRId64
              " rows, not %" PRId64,
              streams, batch);
  draft_note(&d, "the table is cut with windows(…, streams=%" PRId64 ")", streams);
  draft_help(&d, "batch = %" PRId64, streams);
  draft_add(&d);
}

void problem_encode_count(Problems *problems, Span use, const char *field, const Fitted *fitted,
                          int64_t count) {
  Draft d = data_draft(problems, "E0429", use, 1);
  draft_title(&d, "`%s` has one %s an example, this text has %" PRId64, draft_short(&d, field),
              piece_kind(fitted), count);
  draft_help(&d, "encode(%s, \"…\") with exactly one", draft_short(&d, field));
  draft_add(&d);
}

void problem_join_column(Problems *problems, Span use, const Table *table, const char *column,
                         const char *fault) {
  Draft d = data_draft(problems, "E0431", use, 3);
  draft_title(&d, "join cannot use column `%s`: %s", draft_short(&d, column), fault);
  draft_label(&d, "%s", file_of(&d, table));
  const char *near =
      table_column(table, name_of(column)) ? NULL : table_column_nearest(table, name_of(column));
  if (near) draft_help(&d, "did you mean `%s`?", near);
  draft_add(&d);
}

void problem_join_twice(Problems *problems, Span use, const Table *table, const Column *column, int64_t first,
                        int64_t second) {
  Draft d = data_draft(problems, "E0431", use, 3);
  const char *value = column_text(d.arena, column, first);
  draft_title(&d, "two rows of %s have the %s \"%s\": join needs one", file_of(&d, table),
              shown(&d, column->name, strlen(column->name)), shown(&d, value, strlen(value)));
  draft_label(&d, "rows %" PRId64 " and %" PRId64, first + 1, second + 1);
  draft_help(&d, "start from the table with many rows:  many |> join(one, on=%s)",
             shown(&d, column->name, strlen(column->name)));
  draft_add(&d);
}
