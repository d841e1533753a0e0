/* Plain values, and their text form:
 *
 *   true  false  12  0x1.8p+1  inf  -inf  nan  "text, \"quoted\", \x07"  {key value key value}
 *
 * A number always has an x or is one of the three words, so that integers and numbers stay apart. */
#include "interpreter/hooks/plain.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

Plain plain_bool(bool truth) { return (Plain){.kind = PLAIN_BOOL, .u.truth = truth}; }
Plain plain_integer(int64_t integer) { return (Plain){.kind = PLAIN_INTEGER, .u.integer = integer}; }
Plain plain_number(double number) { return (Plain){.kind = PLAIN_NUMBER, .u.number = number}; }
Plain plain_table(void) { return (Plain){.kind = PLAIN_TABLE}; }

Plain plain_text(Arena *arena, const char *bytes, size_t length) {
  Plain plain = {.kind = PLAIN_TEXT};
  plain.u.text.bytes = arena_copy(arena, bytes, length);
  plain.u.text.length = length;
  return plain;
}

void plain_add(Arena *arena, Plain *table, Plain key, Plain value) {
  size_t capacity = table->u.table.capacity;
  table->u.table.key = arena_grow(arena, table->u.table.key, table->u.table.count, &capacity, sizeof(Plain));
  table->u.table.value =
      arena_grow(arena, table->u.table.value, table->u.table.count, &table->u.table.capacity, sizeof(Plain));
  table->u.table.key[table->u.table.count] = key;
  table->u.table.value[table->u.table.count++] = value;
}

void plain_set(Arena *arena, Plain *table, const char *key, Plain value) {
  plain_add(arena, table, plain_text(arena, key, strlen(key)), value);
}

const Plain *plain_get(const Plain *table, const char *key) {
  for (size_t i = 0; table->kind == PLAIN_TABLE && i < table->u.table.count; i++) {
    const Plain *k = &table->u.table.key[i];
    if (k->kind == PLAIN_TEXT && k->u.text.length == strlen(key) &&
        !memcmp(k->u.text.bytes, key, k->u.text.length))
      return &table->u.table.value[i];
  }
  return NULL;
}

// ---- order ----------------------------------------------------------------------------------------------------

static int key_class(const Plain *key) {
  return key->kind == PLAIN_TEXT ? 1 : key->kind == PLAIN_BOOL ? 2 : 0;
}

static int compare_numbers(const Plain *a, const Plain *b) {
  if (a->kind == PLAIN_INTEGER && b->kind == PLAIN_INTEGER)
    return (a->u.integer > b->u.integer) - (a->u.integer < b->u.integer);
  long double x = a->kind == PLAIN_INTEGER ? (long double)a->u.integer : (long double)a->u.number,
              y = b->kind == PLAIN_INTEGER ? (long double)b->u.integer : (long double)b->u.number;
  return (x > y) - (x < y);
}

int plain_compare_keys(const Plain *a, const Plain *b) {
  int class = key_class(a), other = key_class(b);
  if (class != other) return class - other;
  if (class == 0) return compare_numbers(a, b);
  if (class == 2) return a->u.truth - b->u.truth;
  size_t shorter = a->u.text.length < b->u.text.length ? a->u.text.length : b->u.text.length;
  int order = memcmp(a->u.text.bytes, b->u.text.bytes, shorter);
  return order ? order : (a->u.text.length > b->u.text.length) - (a->u.text.length < b->u.text.length);
}

typedef struct {
  Plain key, value;
} Pair;

static int compare_pairs(const void *a, const void *b) {
  return plain_compare_keys(&((const Pair *)a)->key, &((const Pair *)b)->key);
}

void plain_sort(Plain *table) {
  size_t count = table->u.table.count;
  Pair *pair = memory_alloc(count + 1, sizeof(Pair));
  for (size_t i = 0; i < count; i++) pair[i] = (Pair){table->u.table.key[i], table->u.table.value[i]};
  qsort(pair, count, sizeof(Pair), compare_pairs);
  for (size_t i = 0; i < count; i++) {
    table->u.table.key[i] = pair[i].key;
    table->u.table.value[i] = pair[i].value;
  }
  memory_free(pair);
}

// ---- writing --------------------------------------------------------------------------------------------------

static void write_text(const Plain *plain, Text *out) {
  text_add(out, "\"");
  for (size_t i = 0; i < plain->u.text.length; i++) {
    unsigned char c = (unsigned char)plain->u.text.bytes[i];
    if (c == '"' || c == '\\')
      text_printf(out, "\\%c", c);
    else if (c >= ' ' && c < 127)
      text_add_n(out, (const char *)&c, 1);
    else
      text_printf(out, "\\x%02x", c);
  }
  text_add(out, "\"");
}

void plain_write(const Plain *plain, Text *out) {
  switch (plain->kind) {
  case PLAIN_BOOL: text_add(out, plain->u.truth ? "true" : "false"); return;
  case PLAIN_INTEGER: text_printf(out, "%" PRId64, plain->u.integer); return;
  case PLAIN_NUMBER:
    if (isnan(plain->u.number))
      text_add(out, "nan");
    else
      text_printf(out, isinf(plain->u.number) ? "%g" : "%a", plain->u.number);
    return;
  case PLAIN_TEXT: write_text(plain, out); return;
  case PLAIN_TABLE: break;
  }
  text_add(out, "{");
  for (size_t i = 0; i < plain->u.table.count; i++) {
    if (i) text_add(out, " ");
    plain_write(&plain->u.table.key[i], out);
    text_add(out, " ");
    plain_write(&plain->u.table.value[i], out);
  }
  text_add(out, "}");
}

// ---- reading --------------------------------------------------------------------------------------------------

typedef struct {
  Arena *arena;
  const char *at, *end;
} Reader;

static bool read_word(Reader *r, const char *word) {
  size_t length = strlen(word);
  if ((size_t)(r->end - r->at) < length || memcmp(r->at, word, length)) return false;
  r->at += length;
  return true;
}

static int hex_digit(char c) {
  return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_text(Reader *r, Plain *out) {
  Text text = {0};
  bool ok = false;
  while (r->at < r->end) {
    char c = *r->at++;
    if (c == '"') {
      ok = true;
      break;
    }
    if (c == '\\' && r->at < r->end) {
      c = *r->at++;
      if (c == 'x') {
        int high = r->end - r->at >= 2 ? hex_digit(r->at[0]) : -1, low = high < 0 ? -1 : hex_digit(r->at[1]);
        if (low < 0) break;
        c = (char)(high * 16 + low);
        r->at += 2;
      } else if (c != '"' && c != '\\')
        break;
    } else if ((unsigned char)c < ' ' || (unsigned char)c > 126)
      break;
    text_add_n(&text, &c, 1);
  }
  if (ok) *out = plain_text(r->arena, text_string(&text), text.length);
  text_free(&text);
  return ok;
}

static bool read_number(Reader *r, Plain *out) {
  char word[64], *end;
  size_t length = 0;
  while (r->at + length < r->end && length < sizeof(word) - 1 && !strchr(" {}\"", r->at[length])) length++;
  memcpy(word, r->at, length);
  word[length] = 0;
  if (length == 0 || strspn(word, "+-0123456789abcdefinpx.") != length) return false;
  bool number = strchr(word, 'x') || !strcmp(word, "inf") || !strcmp(word, "-inf") || !strcmp(word, "nan");
  errno = 0;
  if (number)
    *out = plain_number(strtod(word, &end));
  else
    *out = plain_integer(strtoll(word, &end, 10));
  r->at += length;
  return !*end && (number || errno == 0);
}

static bool read_plain(Reader *r, Plain *out, int depth) {
  if (read_word(r, "true") || read_word(r, "false")) {
    *out = plain_bool(r->at[-2] == 'u');
    return true;
  }
  if (read_word(r, "\"")) return read_text(r, out);
  if (!read_word(r, "{")) return read_number(r, out);
  if (depth >= PLAIN_DEPTH) return false;
  *out = plain_table();
  while (!read_word(r, "}")) {
    Plain key, value;
    if (out->u.table.count && !read_word(r, " ")) return false;
    if (!read_plain(r, &key, depth + 1) || key.kind == PLAIN_TABLE || !read_word(r, " ") ||
        !read_plain(r, &value, depth + 1))
      return false;
    size_t count = out->u.table.count;
    if (count && plain_compare_keys(&out->u.table.key[count - 1], &key) >= 0) return false;
    plain_add(r->arena, out, key, value);
  }
  return true;
}

bool plain_read(Arena *arena, const char *bytes, size_t length, Plain *out) {
  Reader reader = {arena, bytes, bytes + length};
  return length <= PLAIN_TEXT_LIMIT && read_plain(&reader, out, 0) && reader.at == reader.end;
}
