/* JSON documents that believe nothing, with their long number arrays cut out. */
#ifndef INTERPRETER_FORMATS_JSON_DOCUMENT_H
#define INTERPRETER_FORMATS_JSON_DOCUMENT_H

#include "base/arena.h"
#include "base/text.h"
#include "interpreter/formats/problems_files.h"

#include <cjson/cJSON.h>

#define JSON_DEPTH 200

/* The text between the brackets of weights.NAME.data. */
typedef struct {
  int64_t member; // NAME's place among the members of "weights", from 0
  const char *start, *end;
} JsonArray;

typedef struct {
  cJSON *root; // an object; where an array was cut out stands the number 0. cJSON_Delete frees it
  JsonArray *array;
  int arrays;
} JsonDocument;

/* What is wrong with a text, and where ("line 3, byte 17" or a key), for problem_file_damaged. */
typedef struct {
  FileDamage damage;
  const char *where;
} JsonFault;

/* Reads a text that has a NUL past its end. `cut`: arrays at weights.NAME.data are cut out (else left). false
 * with *fault set: not JSON, too deep, a key twice in any object, a number beyond double, bad UTF-8, NUL, or
 * not an object. The arrays point into `text`. */
bool json_document_read(Arena *arena, const char *text, size_t length, bool cut, JsonDocument *document,
                        JsonFault *fault);

const char *json_place(Arena *arena, const char *text, const char *at); // "line 3, byte 17"

void json_quote(Text *out, const char *text); // as a JSON string, quotes included

#endif
