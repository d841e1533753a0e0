/* Program texts, and places in them.
 *
 * A Span names bytes of one text by its number, so every later form can say where it came from. The texts of
 * a process are kept in one list until the process ends; number 0 is "no place". Lines count from 1, columns
 * in code points from 1. */
#ifndef BASE_SOURCE_H
#define BASE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
  uint32_t source;     // number of the Source, 0 for none
  uint32_t start, end; // bytes, end exclusive
} Span;

typedef struct {
  uint32_t id;
  const char *path; // as the user gave it; "std.model" for the embedded library
  const char *text; // has a NUL past its end
  size_t length;
  uint32_t *line_start; // offset of each line
  int lines;
} Source;

#define SOURCE_LIMIT ((size_t)16 << 20) // bytes of one program text

/* Keeps copies of both. */
const Source *source_add(const char *path, const char *text, size_t length);
const Source *source_by_id(uint32_t id); // NULL for 0 and unknown numbers

void source_place(const Source *source, uint32_t offset, int *line, int *column);
Span span_join(Span a, Span b); // from the start of a to the end of b; b if a is nowhere

#endif
