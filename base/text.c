/* A growing text: capacity doubles, one byte past the end is always NUL. */
#include "base/text.h"
#include "base/size.h"

#include <assert.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Room for `more` bytes and the NUL behind them. */
static void text_reserve(Text *text, size_t more) {
  size_t wanted, capacity = text->capacity ? text->capacity : 128;
  if (!size_add(text->length, more, &wanted) || !size_add(wanted, 1, &wanted)) memory_full(SIZE_MAX);
  if (wanted <= text->capacity) return;
  while (capacity < wanted) {
    if (!size_mul(capacity, 2, &capacity)) memory_full(wanted);
  }
  text->bytes = memory_resize(text->bytes, text->length, capacity);
  text->capacity = capacity;
}

void text_add_n(Text *text, const char *bytes, size_t length) {
  text_reserve(text, length);
  if (length) memcpy(text->bytes + text->length, bytes, length);
  text->length += length;
  text->bytes[text->length] = 0;
}

void text_add(Text *text, const char *string) { text_add_n(text, string, strlen(string)); }

void text_printf(Text *text, const char *format, ...) {
  va_list args, again;
  va_start(args, format);
  va_copy(again, args);
  int length = vsnprintf(NULL, 0, format, args);
  va_end(args);
  assert(length >= 0 && "text_printf: the format is wrong");
  text_reserve(text, (size_t)length);
  vsnprintf(text->bytes + text->length, (size_t)length + 1, format, again);
  va_end(again);
  text->length += (size_t)length;
}

void text_pad(Text *text, size_t column) {
  size_t start = text->length;
  while (start > 0 && text->bytes[start - 1] != '\n') start--;
  size_t have = text->length - start;
  if (have >= column) return;
  text_reserve(text, column - have);
  memset(text->bytes + text->length, ' ', column - have);
  text->length += column - have;
  text->bytes[text->length] = 0;
}

void text_indent(Text *text, const char *lines) {
  while (*lines) {
    size_t length = strcspn(lines, "\n");
    if (length) text_add(text, "  ");
    text_add_n(text, lines, length);
    text_add(text, "\n");
    lines += length + (lines[length] == '\n');
  }
}

void text_free(Text *text) {
  memory_free(text->bytes);
  *text = (Text){0};
}

const char *text_string(const Text *text) { return text->bytes ? text->bytes : ""; }
