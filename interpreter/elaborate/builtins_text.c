/* Built-in functions that change what one example is, and those of texts: chars, words, windows, pad, pad_left,
 * encode, decode.
 *
 * chars and words make a column of rows of different lengths, which is no tensor yet: windows cuts it into pieces of
 * one length, pad fills each batch up to its longest row. What is stored is one sequence; fields are slices of it. */
#include "interpreter/data/problems_data.h"
#include "interpreter/data/problems_text.h"
#include "interpreter/data/tokens.h"
#include "interpreter/elaborate/dataset.h"
#include "lang/format.h"
#include "lang/problems.h"

#include <string.h>

#define CALL(name)                                                                                           \
  static const Value *name(Elaborator *e, const Ast *at, const Argument *slot, const Argument *rest,         \
                           int rests)
#define UNUSED ((void)at, (void)slot, (void)rest, (void)rests)

static bool slot_bool(Elaborator *e, const Ast *at, const Argument *slot, bool *out) {
  *out = false;
  if (!slot->value) return true;
  if (slot->value->kind == VALUE_BOOL && slot->value->known) {
    *out = slot->value->u.truth;
    return true;
  }
  slot_error(e, at, slot, "true or false");
  return false;
}

/* What made a field: NULL if it is no field of classes. */
static const Fitted *field_fitted(const Value *value) {
  if (value->kind == VALUE_TENSOR) return value->u.tensor.fitted;
  return value->kind == VALUE_COLUMN ? value->u.column.fitted : NULL;
}

// ---- chars and words ------------------------------------------------------------------------------------------

typedef struct {
  TokenClasses classes;
  FittedKind kind;
  const Argument *like; // value NULL: not given
} Cutting;

static bool text_missing(Elaborator *e, const Ast *at, const Dataset *data, const Column *column) {
  int64_t row[3], count = data->replaced ? 0 : column_missing(column, &data->table->part[PART_ALL], row);
  if (count) problem_text_missing(e->problems, at->span, data->table, column, count, row);
  return count > 0;
}

/* The numbering to use: another field's, one that was learned before, or a new one. NULL after a Problem. */
static const Fitted *cutting_fitted(Elaborator *e, const Ast *at, const Cutting *cutting, const Dataset *data,
                                    const Tokens *tokens, int step) {
  if (cutting->like->value) {
    const Fitted *fitted = field_fitted(cutting->like->value);
    if (fitted && fitted->kind == cutting->kind) return fitted;
    slot_error(e, at, cutting->like,
               cutting->kind == FITTED_CHARS ? "a field made by chars" : "a field made by words");
    return NULL;
  }
  const Fitted *fitted = fitted_find(e, e->field_of->name, e->field, step);
  if (fitted) return fitted;
  return keep_fitted(e,
                     fitted_tokens(e->arena, e->problems, at->span, data->table, tokens,
                                   &data->table->part[PART_TRAIN], &cutting->classes),
                     step);
}

static const Value *cut_text(Elaborator *e, const Ast *at, const Argument *text, const Cutting *cutting,
                             const char *title) {
  const Value *value = text->value;
  if (value->kind == VALUE_UNKNOWN || !in_data_block(e, at, title)) return value_unknown();
  Column *column = value->kind == VALUE_COLUMN ? value->u.column.column : NULL;
  Dataset *data = column ? value->u.column.data : NULL;
  if (!column || column->start || (!column->text && !(data->replaced && !column->values)))
    return slot_error(e, at, text, "a column of texts");
  if (column->text && text_missing(e, at, data, column)) return value_unknown();
  int step = e->field_step++;
  const char *key = arena_printf(e->arena, "%s of %s", title, column->name);
  Column *made = column_made(e, data, step, key);
  Tokens tokens = {.kind = cutting->kind};
  if (!made && column->values) tokens = tokens_of(cutting->kind, data->table, column);
  const Fitted *fitted = cutting_fitted(e, at, cutting, data, &tokens, step);
  if (!made && fitted && column->values)
    made = tokens_column(e->arena, e->problems, at->span, fitted, data->table, column, &tokens);
  if (!made && fitted && !column->values) { // a column that a new table lacks: fine unless it is needed
    made = ARENA_NEW(e->arena, Column);
    *made = (Column){.rank = 1, .dtype = DTYPE_I32, .bound = fitted->classes, .name = column->name};
    made->start = ARENA_ARRAY(e->arena, int64_t, data->table->rows + 1);
  }
  tokens_free(&tokens);
  if (!made || !fitted) return value_unknown();
  if (!column_made(e, data, step, key)) column_keep(e, data, step, key, made);
  Value *result = (Value *)column_value(e, data, made);
  result->u.column.fitted = fitted;
  return result;
}

CALL(chars) {
  UNUSED;
  Cutting cutting = {.kind = FITTED_CHARS, .like = &slot[3]};
  if (!slot_bool(e, at, &slot[1], &cutting.classes.ends) ||
      !slot_bool(e, at, &slot[2], &cutting.classes.unknown))
    return value_unknown();
  return cut_text(e, at, &slot[0], &cutting, "chars");
}

CALL(words) {
  UNUSED;
  Cutting cutting = {.kind = FITTED_WORDS, .like = &slot[3]};
  if (!slot_int(e, at, &slot[1], 1, &cutting.classes.at_least) ||
      !slot_bool(e, at, &slot[2], &cutting.classes.ends))
    return value_unknown();
  return cut_text(e, at, &slot[0], &cutting, "words");
}

// ---- windows --------------------------------------------------------------------------------------------------

/* Stretches of a part: a row of a column of different lengths each. */
static Piece *pieces_of_rows(Elaborator *e, const Column *column, const Part *part, int64_t *count) {
  Piece *piece = ARENA_ARRAY(e->arena, Piece, part->count + 1);
  for (int64_t i = 0; i < part->count; i++)
    piece[i] = (Piece){column->start[part->row[i]], column->start[part->row[i] + 1]};
  *count = part->count;
  return piece;
}

/* The one stretch of a part among all rows of the table; false if its rows do not follow one another there. */
static bool piece_of_part(const Part *all, const Part *part, Piece *piece) {
  int64_t at = 0;
  *piece = (Piece){0, 0};
  if (part->count == 0) return true;
  while (at < all->count && all->row[at] != part->row[0]) at++;
  *piece = (Piece){at, at + part->count};
  for (int64_t i = 0; i < part->count; i++)
    if (at + i >= all->count || all->row[at + i] != part->row[i]) return false;
  return true;
}

/* Makes the examples; `column` NULL: the stored sequence has a value a row. */
static Windows *windows_make(Elaborator *e, const Ast *at, Dataset *data, const Column *column,
                             const Windows *wanted, const char *what) {
  Windows *windows = ARENA_NEW(e->arena, Windows);
  *windows = *wanted;
  const Table *table = data->table;
  for (int p = 0; p < PART_COUNT; p++) {
    const Part *part = &table->part[p];
    int64_t pieces = 1, longest = 0;
    Piece one, *piece = &one;
    if (column)
      piece = pieces_of_rows(e, column, part, &pieces);
    else if (!piece_of_part(&table->part[PART_ALL], part, &one)) {
      problem_window_parts(e->problems, at->span, table);
      return NULL;
    }
    for (int64_t i = 0; i < pieces; i++)
      if (piece[i].to - piece[i].from > longest) longest = piece[i].to - piece[i].from;
    windows->part[p] =
        windows_place(e->arena, piece, pieces, wanted->length, wanted->stride, wanted->streams);
    if (part->count && !windows->part[p].count) {
      problem_window_long(e->problems, at->span, table, (PartName)p, wanted->length, longest, what,
                          wanted->streams);
      return NULL;
    }
  }
  return windows;
}

/* The stored sequence of a field with one value (or row of values) a row of the table. */
static Column *sequence_store(Elaborator *e, Dataset *data, Node *x) {
  Column *column = ARENA_NEW(e->arena, Column);
  DType dtype = dtype_is_float(x->type.dtype) ? DTYPE_F64 : x->type.dtype;
  *column =
      (Column){.name = e->field, .title = e->field, .dtype = dtype, .rank = x->type.rank - 1, .step = 1};
  if (x->type.bound) column->bound = dim_number(x->type.bound);
  for (int i = 1; i < x->type.rank; i++) {
    column->size[i - 1] = dim_number(x->type.size[i]);
    column->step *= column->size[i - 1];
  }
  const Part *all = &data->table->part[PART_ALL];
  void *values = rows_compute_as(e, data, x, all, dtype);
  size_t bytes = (size_t)(all->count * column->step) * dtype_size(dtype);
  column->values = arena_alloc(e->arena, bytes + 1, 1);
  memcpy(column->values, values, bytes);
  memory_free(values);
  return column;
}

/* The column whose row r is the `length` values from place r. */
static Column *windowed(Elaborator *e, const Column *sequence, int64_t length) {
  Column *column = ARENA_NEW(e->arena, Column);
  *column = *sequence;
  column->start = NULL;
  column->step = sequence->start ? 1 : sequence->step;
  column->rank = sequence->start ? 1 : sequence->rank + 1;
  for (int i = column->rank - 1; i > 0; i--) column->size[i] = column->size[i - 1];
  column->size[0] = length;
  return column;
}

static bool windows_wanted(Elaborator *e, const Ast *at, const Argument *slot, Windows *wanted) {
  static const char *const what[] = {"a length of at least 1", "a stride of at least 1",
                                     "a number of streams"};
  int64_t *const to[] = {&wanted->length, &wanted->stride, &wanted->streams};
  for (int i = 0; i < 3; i++) {
    if (!slot_int(e, at, &slot[i + 1], i == 1, to[i])) return false;
    if (*to[i] >= (slot[i + 1].value || i == 1) && *to[i] < (int64_t)1 << 40) continue;
    slot_error(e, at, &slot[i + 1], what[i]);
    return false;
  }
  return true;
}

static Column *window_column(Elaborator *e, const Ast *at, const Argument *slot, Dataset *data,
                             const Windows *wanted) {
  const Value *value = slot[0].value;
  const Column *ragged =
      value->kind == VALUE_COLUMN && value->u.column.column->start ? value->u.column.column : NULL;
  Node *x = ragged ? NULL : slot_tensor(e, at, &slot[0]);
  if (!ragged && !x) return NULL;
  if (x && (x->type.rank < 1 || x->type.rank >= MAX_RANK || x->type.size[0] != data->row_dim)) {
    slot_error(e, at, &slot[0], "a column, or a field with one value a row");
    return NULL;
  }
  const Fitted *fitted = field_fitted(value);
  const char *what = !ragged                        ? "rows"
                     : !fitted                      ? "values"
                     : fitted->kind == FITTED_CHARS ? "characters"
                                                    : "words";
  Windows *windows = windows_make(e, at, data, ragged, wanted, what);
  if (!windows) return NULL;
  if (data->windows && !windows_same(data->windows, windows)) {
    problem_windows_differ(e->problems, at->span, data->windows, windows);
    return NULL;
  }
  if (!data->windows) data->windows = windows;
  return windowed(e, ragged ? ragged : sequence_store(e, data, x), wanted->length);
}

CALL(windows) {
  UNUSED;
  if (slot[0].value->kind == VALUE_UNKNOWN || !in_data_block(e, at, "windows")) return value_unknown();
  Dataset *data = e->field_of;
  if (!data->row_dim) {
    data->cuts = true;
    return value_unknown();
  }
  Windows wanted = {0};
  if (!windows_wanted(e, at, slot, &wanted)) return value_unknown();
  int step = e->field_step++;
  Column *made = column_made(e, data, step, "windows");
  if (!made) {
    made = window_column(e, at, slot, data, &wanted);
    if (!made) return value_unknown();
    column_keep(e, data, step, "windows", made);
  }
  Value *result = (Value *)value_tensor(e, column_read(e, data, made));
  result->u.tensor.fitted = field_fitted(slot[0].value);
  return result;
}

// ---- pad ------------------------------------------------------------------------------------------------------

/* The rows of a column, cut to `most` values (0: as they are), with how many there are and a symbol for the longest of
 * a batch. */
static Pad *pad_make(Elaborator *e, Dataset *data, const Column *column, int step, int64_t most) {
  Pad *pad = ARENA_NEW(e->arena, Pad);
  *pad = (Pad){.field = e->field, .number = step, .longest = 1};
  pad->symbol = dim_symbol(name_of(data->pads ? arena_printf(e->arena, "T%d", data->pads + 1) : "T"));
  pad->ids = ARENA_NEW(e->arena, Column);
  *pad->ids = *column;
  pad->ids->most = most;
  pad->length = ARENA_NEW(e->arena, Column);
  *pad->length = (Column){.name = column->name, .title = "length", .dtype = DTYPE_I32};
  if (column->values) {
    int32_t *length = ARENA_ARRAY(e->arena, int32_t, data->table->rows + 1);
    for (int64_t i = 0; i < data->table->rows; i++) {
      length[i] = (int32_t)column_length(pad->ids, i);
      if (length[i] > pad->longest) pad->longest = length[i];
    }
    pad->length->values = length;
  }
  data->pad = arena_grow(e->arena, data->pad, (size_t)data->pads, &data->pad_capacity, sizeof(Pad *));
  return data->pad[data->pads++] = pad;
}

/* A vocabulary that was learned for this table gets a class for what pads, unless windows show its classes too. */
static void pad_class(Elaborator *e, Dataset *data, const Value *value) {
  Fitted *fitted = NULL;
  Column *column = value->u.column.column;
  for (int i = 0; i < e->fitteds; i++)
    if (e->fitted[i] == value->u.column.fitted) fitted = e->fitted[i];
  if (!fitted || fitted->table != data->name || fitted->first_class > 0 || !column->values) return;
  for (int i = 0; i < data->mades; i++) {
    const Column *made = data->made[i].column;
    if (made != column && made->values == column->values) return;
  }
  fitted_add_pad(e->arena, fitted, column, data->table->rows);
}

const Value *pad_column(Elaborator *e, const Ast *at, const Argument *rows, const Argument *longest) {
  const Value *value = rows->value;
  if (value->kind == VALUE_UNKNOWN || !in_data_block(e, at, "pad")) return value_unknown();
  int64_t most;
  if (value->kind != VALUE_COLUMN || !value->u.column.column->start)
    return slot_error(e, at, rows, "rows of different lengths, as chars and words make them");
  if (!slot_int(e, at, longest, 0, &most)) return value_unknown();
  if (longest->value && most < 1) return slot_error(e, at, longest, "a length of at least 1");
  Dataset *data = e->field_of;
  int step = e->field_step++;
  Pad *made = NULL;
  for (int i = 0; i < data->pads; i++)
    if (data->pad[i]->field == e->field && data->pad[i]->number == step) made = data->pad[i];
  if (!made && value->u.column.fitted && !e->fitted_loaded) pad_class(e, data, value);
  if (!made) made = pad_make(e, data, value->u.column.column, step, most);
  Node *ids = column_read(e, data, made->ids), *length = column_read(e, data, made->length);
  Node *place = build_index(e->graph, 2, ids->type.size, 1);
  Node *keep = build_lt(place, build_expand_like(build_insert(length, 1), place));
  keep->type.name[0] = ids->type.name[0], keep->type.name[1] = ids->type.name[1];
  Value *of_ids = (Value *)value_tensor(e, ids);
  of_ids->u.tensor.fitted = value->u.column.fitted;
  const Value *const item[] = {of_ids, value_tensor(e, keep)};
  return value_record(e, item, (const Name[]){name_of("ids"), name_of("keep")}, 2);
}

CALL(pad_left) {
  UNUSED;
  Node *x = slot_tensor(e, at, &slot[0]);
  int64_t length;
  if (!x || !slot_int(e, at, &slot[1], 0, &length)) return value_unknown();
  int last = x->type.rank - 1;
  bool known;
  if (last < 0) return slot_error(e, at, &slot[0], "a row of classes");
  const Dim *front = dim_sub(dim_of(length), x->type.size[last]);
  if (dim_compare(front, dim_of(0), &known) < 0 && known)
    return slot_error(e, at, &slot[1], "a length that the values fit into");
  Value *result = (Value *)value_tensor(e, build_pad(x, last, front, dim_of(0), 0));
  result->u.tensor.fitted = field_fitted(slot[0].value);
  return result;
}

// ---- encode and decode ----------------------------------------------------------------------------------------

static Node *constant_classes(Elaborator *e, const Fitted *fitted, int32_t *ids, int64_t count) {
  Type type = type_of(DTYPE_I32, 1, (const Dim *[]){dim_of(count)});
  type.bound = dim_of(fitted->classes);
  Variable *variable = variable_new(e, VARIABLE_CONSTANT, "text", type, (Span){0});
  variable->data = ids;
  return build_read(e->graph, variable);
}

CALL(encode) {
  UNUSED;
  const Value *field = slot[0].value, *text = slot[1].value;
  if (field->kind == VALUE_UNKNOWN || text->kind == VALUE_UNKNOWN) return value_unknown();
  const Fitted *fitted = field_fitted(field);
  if (!fitted || !fitted_is_classes(fitted))
    return slot_error(e, at, &slot[0], "a field made by chars, words or category");
  if (text->kind != VALUE_STRING) return slot_error(e, at, &slot[1], "a text");
  bool row = field->kind == VALUE_COLUMN || field->u.tensor.node->type.rank > 1;
  Span span = slot[1].ast ? slot[1].ast->span : at->span;
  Text written = {0};
  if (slot[0].ast) ast_write(slot[0].ast, &written);
  const char *name = arena_copy(e->arena, text_string(&written), written.length);
  text_free(&written);
  int32_t *ids = ARENA_ARRAY(e->arena, int32_t, 1);
  int64_t count = 1;
  size_t length = (size_t)text->u.string.length;
  if (fitted->kind == FITTED_CATEGORY) {
    ids[0] = fitted_class(fitted, text->u.string.bytes, length);
    if (ids[0] < 0) {
      problem_encode_unknown(e->problems, span, name, fitted,
                             &(Cell){text->u.string.bytes, (uint32_t)length});
      return value_unknown();
    }
  } else
    count = fitted_encode(fitted, e->problems, span, name, text->u.string.bytes, length, e->arena, &ids);
  if (count < 0) return value_unknown();
  if (!row && count != 1) {
    problem_encode_count(e->problems, span, name, fitted, count);
    return value_unknown();
  }
  Node *node = constant_classes(e, fitted, ids, count);
  Value *result = (Value *)value_tensor(e, row ? node : build_reshape(node, 0, NULL));
  result->u.tensor.fitted = fitted;
  return result;
}

CALL(decode) {
  UNUSED;
  const Value *field = slot[0].value;
  Node *ids = slot_tensor(e, at, &slot[1]);
  if (!ids || field->kind == VALUE_UNKNOWN) return value_unknown();
  const Fitted *fitted = field_fitted(field);
  if (!fitted || !fitted_is_classes(fitted))
    return slot_error(e, at, &slot[0], "a field made by category, chars or words");
  if (!dtype_is_int(ids->type.dtype)) return slot_error(e, at, &slot[1], "classes, such as argmax(logits)");
  bool row = field->kind == VALUE_COLUMN || field->u.tensor.node->type.rank > 1;
  Value *value = (Value *)value_tensor(e, ids);
  value->u.tensor.fitted = fitted;
  value->u.tensor.text = fitted_is_text(fitted) && row && ids->type.rank > 0;
  return value;
}

static const Builtin rows[] = {
    {"chars", "text ends? unknown? like?", chars,
     "texts as rows of characters; ends= puts a begin and an end around each"},
    {"words", "text at_least? ends? like?", words, "texts as rows of words; rarer ones are one class"},
    {"windows", "x n stride? streams?", windows,
     "examples of n values in a row, each begun stride after the last"},
    {"pad_left", "x n", pad_left, "class 0 in front, up to n values"},
    {"encode", "field text", encode, "the classes that a text stands for"},
    {"decode", "field ids", decode, "the values or the text that classes stand for"},
};
const BuiltinTable builtins_text = {rows, (int)(sizeof(rows) / sizeof(*rows))};
