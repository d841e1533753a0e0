/* From a text to a cJSON tree, safely and in linear time.
 *
 * A scanner walks the text once before cJSON sees it: it bounds the depth, checks strings (closed, UTF-8, no
 * control characters, no NUL) and cuts out the arrays of weights, for which a tree would need 80 bytes a
 * number. It does not judge grammar: cJSON does, on what is left. A walk over the tree then finds keys that
 * stand twice and numbers that are not finite. An array is tied to its weight by position among the members
 * of "weights", which no spelling of a key can confuse. */
#include "interpreter/formats/json_document.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  const char *at, *end;
  char *out; // the text without the arrays; never longer than the original
  size_t out_length;
  bool cut;
  int depth;
  bool object[JSON_DEPTH + 1]; // whether the brackets at this depth are { }
  bool key_next;               // the next string is a key
  bool weights, data;          // the last key at depth 1 was "weights", at depth 3 "data"
  int64_t member;              // of "weights", the last one begun
  Arena *arena;
  JsonArray *array;
  int arrays;
  size_t capacity;
  FileDamage damage;
} Scanner;

const char *json_place(Arena *arena, const char *text, const char *at) {
  size_t line = 1;
  const char *start = text;
  for (const char *next; (next = memchr(start, '\n', (size_t)(at - start))); start = next + 1) line++;
  return arena_printf(arena, "line %zu, byte %zu", line, (size_t)(at - start) + 1);
}

/* Length of the UTF-8 sequence at `at`, 0 if it is malformed (overlong and surrogates included). */
static size_t sequence_length(const char *at, const char *end) {
  const unsigned char *byte = (const unsigned char *)at;
  size_t length = byte[0] < 0x80 ? 1 : byte[0] < 0xe0 ? 2 : byte[0] < 0xf0 ? 3 : 4;
  if (length == 1) return 1;
  if (byte[0] < 0xc2 || byte[0] > 0xf4 || (size_t)(end - at) < length) return 0;
  for (size_t i = 1; i < length; i++)
    if ((byte[i] & 0xc0) != 0x80) return 0;
  bool low = (byte[0] == 0xe0 && byte[1] < 0xa0) || (byte[0] == 0xf0 && byte[1] < 0x90);
  bool high = (byte[0] == 0xed && byte[1] > 0x9f) || (byte[0] == 0xf4 && byte[1] > 0x8f);
  return low || high ? 0 : length;
}

/* Past the string that begins at `at`; NULL if it is malformed. */
static const char *string_end(const char *at, const char *end) {
  at++;
  while (at < end && *at != '"') {
    size_t length = sequence_length(at, end);
    if (length == 0 || (unsigned char)*at < 0x20) return NULL;
    if (*at == '\\') {
      if (end - at >= 6 && memcmp(at + 1, "u0000", 5) == 0) return NULL;
      length = 2;
    }
    at += length;
  }
  return at < end ? at + 1 : NULL;
}

static void scanner_copy(Scanner *scanner, const char *end) {
  size_t length = (size_t)(end - scanner->at);
  memcpy(scanner->out + scanner->out_length, scanner->at, length);
  scanner->out_length += length;
  scanner->at = end;
}

static bool scanner_fail(Scanner *scanner, FileDamage damage) {
  scanner->damage = damage;
  return false;
}

static bool scan_string(Scanner *scanner) {
  const char *end = string_end(scanner->at, scanner->end);
  if (!end) return scanner_fail(scanner, DAMAGE_JSON_STRING);
  if (scanner->key_next) {
    size_t length = (size_t)(end - scanner->at) - 2;
    const char *key = scanner->at + 1;
    if (scanner->depth == 1) scanner->weights = length == 7 && memcmp(key, "weights", 7) == 0;
    if (scanner->depth == 2) scanner->member++;
    if (scanner->depth == 3) scanner->data = length == 4 && memcmp(key, "data", 4) == 0;
    scanner->key_next = false;
  }
  scanner_copy(scanner, end);
  return true;
}

static bool scan_open(Scanner *scanner) {
  if (scanner->depth == JSON_DEPTH) return scanner_fail(scanner, DAMAGE_JSON_DEPTH);
  scanner->object[++scanner->depth] = *scanner->at == '{';
  scanner->key_next = *scanner->at == '{';
  if (scanner->depth == 2) scanner->member = -1;
  if (scanner->depth == 3) scanner->data = false;
  scanner_copy(scanner, scanner->at + 1);
  return true;
}

static bool scan_close(Scanner *scanner) {
  if (scanner->depth == 0) return scanner_fail(scanner, DAMAGE_JSON_SYNTAX);
  scanner->depth--;
  scanner->key_next = false;
  scanner_copy(scanner, scanner->at + 1);
  return true;
}

/* The array at `at` leaves the text; only its end is looked for. */
static bool scan_array(Scanner *scanner) {
  const char *close = memchr(scanner->at, ']', (size_t)(scanner->end - scanner->at));
  if (!close) return scanner_fail(scanner, DAMAGE_JSON_SYNTAX);
  scanner->array = arena_grow(scanner->arena, scanner->array, (size_t)scanner->arrays, &scanner->capacity,
                              sizeof *scanner->array);
  scanner->array[scanner->arrays++] = (JsonArray){scanner->member, scanner->at + 1, close};
  scanner->out[scanner->out_length++] = '0';
  scanner->at = close + 1;
  return true;
}

static bool scan_one(Scanner *scanner) {
  bool inside =
      scanner->cut && scanner->depth == 3 && scanner->weights && scanner->data && !scanner->key_next;
  switch (*scanner->at) {
  case '"': return scan_string(scanner);
  case '[':
    if (inside && scanner->object[1] && scanner->object[2] && scanner->object[3]) return scan_array(scanner);
    return scan_open(scanner);
  case '{': return scan_open(scanner);
  case ']':
  case '}': return scan_close(scanner);
  case ',':
    scanner->key_next = scanner->object[scanner->depth];
    if (scanner->depth == 3) scanner->data = false;
    break;
  case 0: return scanner_fail(scanner, DAMAGE_JSON_SYNTAX);
  }
  scanner_copy(scanner, scanner->at + 1);
  return true;
}

static int key_compare(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* The key that stands twice in this object, or NULL. */
static const char *key_twice(const cJSON *object) {
  size_t count = 0;
  const cJSON *item;
  cJSON_ArrayForEach(item, object) count++;
  if (count < 2) return NULL;
  char **key = memory_alloc(count, sizeof *key);
  size_t i = 0;
  cJSON_ArrayForEach(item, object) key[i++] = item->string;
  qsort(key, count, sizeof *key, key_compare);
  const char *twice = NULL;
  for (i = 1; i < count && !twice; i++)
    if (strcmp(key[i - 1], key[i]) == 0) twice = key[i];
  memory_free(key);
  return twice;
}

/* Depth is bounded by JSON_DEPTH. `name`: the nearest key above. */
static bool tree_check(Arena *arena, const cJSON *item, const char *name, JsonFault *fault) {
  if (cJSON_IsNumber(item) && !isfinite(item->valuedouble)) {
    *fault = (JsonFault){DAMAGE_JSON_NUMBER, arena_copy(arena, name, strlen(name))};
    return false;
  }
  const char *twice = cJSON_IsObject(item) ? key_twice(item) : NULL;
  if (twice) {
    *fault = (JsonFault){DAMAGE_JSON_TWICE, arena_printf(arena, "\"%s\"", twice)};
    return false;
  }
  const cJSON *part;
  cJSON_ArrayForEach(
      part, item) if (!tree_check(arena, part, part->string ? part->string : name, fault)) return false;
  return true;
}

bool json_document_read(Arena *arena, const char *text, size_t length, bool cut, JsonDocument *document,
                        JsonFault *fault) {
  Scanner scanner = {.at = text, .end = text + length, .cut = cut, .arena = arena};
  if (length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) scanner.at += 3;
  scanner.out = memory_alloc(length + 1, 1);
  bool good = true;
  while (good && scanner.at < scanner.end) good = scan_one(&scanner);
  *fault = (JsonFault){scanner.damage, NULL};
  *document = (JsonDocument){NULL, scanner.array, scanner.arrays};
  if (good) {
    const char *stop = NULL;
    document->root = cJSON_ParseWithLengthOpts(scanner.out, scanner.out_length + 1, &stop, 1);
    good = cJSON_IsObject(document->root);
    fault->damage = DAMAGE_JSON_SYNTAX;
    // a place in the text that was cut is a place in the file only before the first array
    bool same = scanner.arrays == 0 && !document->root && stop;
    if (same) fault->where = json_place(arena, scanner.out, stop);
  } else {
    fault->where = json_place(arena, text, scanner.at);
  }
  memory_free(scanner.out);
  if (good) good = tree_check(arena, document->root, "", fault);
  if (good) return true;
  cJSON_Delete(document->root);
  document->root = NULL;
  return false;
}

void json_quote(Text *out, const char *text) {
  text_add(out, "\"");
  for (const char *at = text; *at; at++) {
    size_t plain = 0;
    while ((unsigned char)at[plain] >= 0x20 && at[plain] != '"' && at[plain] != '\\') plain++;
    text_add_n(out, at, plain);
    at += plain;
    if (!*at) break;
    if (*at == '\n')
      text_add(out, "\\n");
    else if (*at == '\t')
      text_add(out, "\\t");
    else if (*at == '"' || *at == '\\')
      text_printf(out, "\\%c", *at);
    else
      text_printf(out, "\\u%04x", *at);
  }
  text_add(out, "\"");
}
