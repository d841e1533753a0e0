/* Characters and words.
 *
 * A text column goes in, numbers of pieces come out: first which different pieces there are, in order, then the number
 * of each. Characters are counted in pages of 256 code points, so that their order needs no sorting; words are cells
 * of a buffer in lower case, told apart by distinct.c. Lower case keeps the length of every letter it knows, so the
 * buffer is never longer than the text. */
#include "interpreter/data/tokens.h"

#include "interpreter/data/distinct.h"

#include <string.h>

/* ---- code points ---------------------------------------------------------------------------------------------- */

static uint32_t code_point(const char *at, size_t length) {
  static const unsigned char mask[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
  uint32_t code = (unsigned char)at[0] & mask[length];
  for (size_t i = 1; i < length; i++) code = code << 6 | ((unsigned char)at[i] & 0x3f);
  return code;
}

static size_t sequence_length(char lead) {
  unsigned char byte = (unsigned char)lead;
  return byte < 0x80 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
}

typedef struct {
  uint32_t first, last;
} Range;

/* Everything past ASCII that is no letter: signs, punctuation, digits, symbols, private use. */
static const Range not_letter[] = {
    {0x80, 0xa9},     {0xab, 0xb4},     {0xb6, 0xb9},     {0xbb, 0xbf},     {0xd7, 0xd7},
    {0xf7, 0xf7},     {0x2c2, 0x2c5},   {0x2d2, 0x2df},   {0x55a, 0x55f},   {0x589, 0x58a},
    {0x5be, 0x5be},   {0x5c0, 0x5c0},   {0x5c3, 0x5c3},   {0x60c, 0x60d},   {0x61b, 0x61f},
    {0x660, 0x66d},   {0x6d4, 0x6d4},   {0x6f0, 0x6f9},   {0x964, 0x970},   {0x2000, 0x2070},
    {0x2074, 0x207e}, {0x2080, 0x208e}, {0x20a0, 0x20cf}, {0x2190, 0x2bff}, {0x3000, 0x3004},
    {0x3007, 0x3020}, {0x3030, 0x3030}, {0x30fb, 0x30fb}, {0xe000, 0xf8ff}, {0xfe10, 0xfe6b},
    {0xff01, 0xff20}, {0xff3b, 0xff40}, {0xff5b, 0xff65}, {0xfff9, 0xffff}, {0x1f000, 0x1faff},
};

static bool is_letter(uint32_t code) {
  if (code < 0x80) return (code | 0x20) >= 'a' && (code | 0x20) <= 'z';
  for (size_t i = 0; i < sizeof not_letter / sizeof *not_letter && not_letter[i].first <= code; i++)
    if (code <= not_letter[i].last) return false;
  return true;
}

/* Of Latin, Greek and Cyrillic; other letters stay as they are. */
static uint32_t lower_case(uint32_t code) {
  bool pairs = (code >= 0x100 && code <= 0x12f) || (code >= 0x132 && code <= 0x137) ||
               (code >= 0x14a && code <= 0x177) || (code >= 0x460 && code <= 0x481);
  bool odd_pairs = (code >= 0x139 && code <= 0x148) || (code >= 0x179 && code <= 0x17e);
  if (code >= 'A' && code <= 'Z') return code + 32;
  if (code >= 0xc0 && code <= 0xde) return code + 32;
  if (pairs) return code | 1;
  if (odd_pairs) return code + (code & 1);
  if (code == 0x178) return 0xff;
  if (code >= 0x391 && code <= 0x3a9) return code + 32;
  if (code >= 0x410 && code <= 0x42f) return code + 32;
  if (code >= 0x400 && code <= 0x40f) return code + 80;
  return code;
}

/* ---- characters ----------------------------------------------------------------------------------------------- */

#define PAGE  256
#define PAGES (0x110000 / PAGE)

typedef struct {
  int32_t *page[PAGES]; // by code point: 1 once met, later its number
} Points;

static int32_t *point_of(Points *points, const char *at, size_t length) {
  uint32_t code = code_point(at, length);
  int32_t **page = &points->page[code / PAGE];
  if (!*page) *page = memory_alloc(PAGE, sizeof **page);
  return *page + code % PAGE;
}

/* Notes every character; returns how many there are. */
static int64_t points_meet(Points *points, const Cell *cell) {
  int64_t count = 0;
  const char *end = cell->bytes + cell->length;
  for (const char *at = cell->bytes; at < end; count++) {
    size_t length = sequence_length(*at);
    *point_of(points, at, length) = 1;
    at += length;
  }
  return count;
}

/* Numbers the characters that were met, in order of their code points, which is that of their bytes. */
static void points_number(Points *points, Tokens *tokens) {
  for (int p = 0; p < PAGES; p++)
    for (int i = 0; points->page[p] && i < PAGE; i++) tokens->texts += points->page[p][i];
  tokens->text = memory_alloc((size_t)tokens->texts, sizeof(Cell));
  int32_t number = 0;
  for (int p = 0; p < PAGES; p++)
    for (int i = 0; points->page[p] && i < PAGE; i++) points->page[p][i] = points->page[p][i] ? number++ : -1;
}

static void points_fill(Points *points, Tokens *tokens, const Cell *cell, int64_t row) {
  int32_t *piece = tokens->piece + tokens->start[row];
  const char *end = cell->bytes + cell->length;
  for (const char *at = cell->bytes; at < end; piece++) {
    size_t length = sequence_length(*at);
    *piece = *point_of(points, at, length);
    tokens->text[*piece] = (Cell){at, (uint32_t)length};
    at += length;
  }
}

static void chars_take(Tokens *tokens, const Cell *cell) {
  Points *points = memory_alloc(1, sizeof *points);
  for (int64_t i = 0; i < tokens->rows; i++)
    tokens->start[i + 1] = tokens->start[i] + points_meet(points, &cell[i]);
  points_number(points, tokens);
  tokens->piece = memory_alloc((size_t)tokens->start[tokens->rows], sizeof(int32_t));
  for (int64_t i = 0; i < tokens->rows; i++) points_fill(points, tokens, &cell[i], i);
  for (int p = 0; p < PAGES; p++) memory_free(points->page[p]);
  memory_free(points);
}

/* ---- words ---------------------------------------------------------------------------------------------------- */

typedef struct {
  Cell *word;
  size_t count, capacity;
  char *at; // where the next word is written
} Words;

static char *point_write(char *at, uint32_t code, size_t length) {
  static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
  for (size_t i = length; i-- > 1; code >>= 6) at[i] = (char)(0x80 | (code & 0x3f));
  at[0] = (char)(lead[length] | code);
  return at + length;
}

static void word_end(Words *words, char *begin, bool letters) {
  if (!letters) {
    words->at = begin; // apostrophes alone are no word
    return;
  }
  if (words->count == words->capacity) {
    size_t capacity = words->capacity ? 2 * words->capacity : 1024;
    words->word = memory_resize(words->word, words->capacity * sizeof(Cell), capacity * sizeof(Cell));
    words->capacity = capacity;
  }
  words->word[words->count++] = (Cell){begin, (uint32_t)(words->at - begin)};
}

static void words_meet(Words *words, const Cell *cell) {
  const char *end = cell->bytes + cell->length;
  char *begin = words->at;
  bool letters = false;
  for (const char *at = cell->bytes; at < end;) {
    size_t length = sequence_length(*at);
    uint32_t code = code_point(at, length);
    at += length;
    bool apostrophe = code == '\'' || code == 0x2019;
    if (apostrophe) {
      *words->at++ = '\'';
    } else if (is_letter(code)) {
      words->at = point_write(words->at, lower_case(code), length);
      letters = true;
    } else {
      word_end(words, begin, letters);
      begin = words->at;
      letters = false;
    }
  }
  word_end(words, begin, letters);
}

static void words_take(Tokens *tokens, const Cell *cell) {
  size_t bytes = 0;
  for (int64_t i = 0; i < tokens->rows; i++) bytes += cell[i].length;
  tokens->bytes = memory_alloc(bytes + 1, 1);
  Words words = {.at = tokens->bytes};
  for (int64_t i = 0; i < tokens->rows; i++) {
    words_meet(&words, &cell[i]);
    tokens->start[i + 1] = (int64_t)words.count;
  }
  Column column = {.text = true, .values = words.word};
  int64_t *row = memory_alloc(words.count, sizeof *row);
  for (size_t i = 0; i < words.count; i++) row[i] = (int64_t)i;
  Distinct distinct = distinct_of(&column, row, (int64_t)words.count);
  tokens->piece = memory_alloc(words.count, sizeof(int32_t));
  for (size_t i = 0; i < words.count; i++) tokens->piece[i] = (int32_t)distinct.of[i];
  tokens->texts = distinct.count;
  tokens->text = memory_alloc((size_t)distinct.count, sizeof(Cell));
  for (int64_t i = 0; i < distinct.count; i++) tokens->text[i] = words.word[distinct.row[i]];
  distinct_free(&distinct);
  memory_free(row);
  memory_free(words.word);
}

/* ---- both ----------------------------------------------------------------------------------------------------- */

static Tokens tokens_take(FittedKind kind, const Cell *cell, int64_t rows) {
  Tokens tokens = {.kind = kind, .rows = rows, .start = memory_alloc((size_t)rows + 1, sizeof(int64_t))};
  (kind == FITTED_CHARS ? chars_take : words_take)(&tokens, cell);
  return tokens;
}

Tokens tokens_of(FittedKind kind, const Table *table, const Column *column) {
  Cell *cell = memory_alloc((size_t)table->rows, sizeof *cell);
  const Part *all = &table->part[PART_ALL];
  for (int64_t i = 0; i < all->count; i++) cell[all->row[i]] = ((const Cell *)column->values)[all->row[i]];
  Tokens tokens = tokens_take(kind, cell, table->rows);
  memory_free(cell);
  return tokens;
}

Tokens tokens_of_text(FittedKind kind, const char *text, size_t length) {
  Cell cell = {text, (uint32_t)length};
  return tokens_take(kind, &cell, 1);
}

void tokens_free(Tokens *tokens) {
  memory_free(tokens->start);
  memory_free(tokens->piece);
  memory_free(tokens->text);
  memory_free(tokens->bytes);
  *tokens = (Tokens){0};
}
