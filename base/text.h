/* A text that grows: for printers, messages and files written whole. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include "base/arena.h"

#include <stddef.h>
#include <stdint.h>

typedef struct {
  char *bytes; // NUL-terminated once something was added; NULL before
  size_t length;
  size_t capacity;
} Text; // starts as {0}; the holder frees it with text_free

void text_add(Text *text, const char *string);
void text_add_n(Text *text, const char *bytes, size_t length);
void text_printf(Text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_pad(Text *text, size_t column);        // blanks until the line has `column` bytes since its start
void text_indent(Text *text, const char *lines); // each line two blanks in
void text_free(Text *text);
const char *text_string(const Text *text); // "" when empty

#endif
