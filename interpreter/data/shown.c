/* Texts from files, made fit to be shown.
 *
 * What comes out of a file may hold anything: escape sequences that write to a terminal, megabytes, bytes that
 * are no text. Everything that messages and previews show of it passes through text_shown. */
#include "interpreter/data/shown.h"

#include "base/text.h"

#include <stdbool.h>
#include <string.h>

#define PATH_MOST 60

size_t utf8_sequence(const char *at, const char *end) {
  const unsigned char *byte = (const unsigned char *)at;
  size_t left = (size_t)(end - at);
  if (left == 0) return 0;
  if (byte[0] < 0x80) return 1;
  if (byte[0] < 0xc2 || byte[0] > 0xf4) return 0;
  size_t length = byte[0] >= 0xf0 ? 4 : byte[0] >= 0xe0 ? 3 : 2;
  if (left < length) return 0;
  for (size_t i = 1; i < length; i++)
    if ((byte[i] & 0xc0) != 0x80) return 0;
  // too long for what it holds, surrogates, and numbers past U+10FFFF
  if (byte[0] == 0xe0 && byte[1] < 0xa0) return 0;
  if (byte[0] == 0xed && byte[1] > 0x9f) return 0;
  if (byte[0] == 0xf0 && byte[1] < 0x90) return 0;
  if (byte[0] == 0xf4 && byte[1] > 0x8f) return 0;
  return length;
}

/* C0, DEL and C1. */
static bool is_control(const char *at, size_t length) {
  unsigned char byte = (unsigned char)at[0];
  return (length == 1 && (byte < 0x20 || byte == 0x7f)) ||
         (length == 2 && byte == 0xc2 && (unsigned char)at[1] < 0xa0);
}

const char *text_shown(Arena *arena, const char *bytes, size_t length, size_t most) {
  Text out = {0};
  const char *at = bytes, *end = bytes + length;
  size_t count = 0, last = 0; // `last`: where the last code point that leaves room for `…` ends
  while (at < end && count <= most) {
    if (count + 1 <= most) last = out.length;
    size_t sequence = utf8_sequence(at, end);
    if (sequence == 0 || is_control(at, sequence)) {
      text_printf(&out, "\\x%02x", (unsigned char)*at);
      count += 4;
      at++;
    } else {
      text_add_n(&out, at, sequence);
      count++;
      at += sequence;
    }
  }
  const char *copy;
  if (count > most)
    copy = arena_printf(arena, "%.*s…", (int)last, text_string(&out));
  else
    copy = arena_copy(arena, text_string(&out), out.length);
  text_free(&out);
  return copy;
}

size_t text_width(const char *text) {
  size_t width = 0;
  for (; *text; text++) width += ((unsigned char)*text & 0xc0) != 0x80;
  return width;
}

const char *path_shown(Arena *arena, const char *path) {
  if (strcmp(path, "-") == 0) return "standard input";
  const char *slash = strrchr(path, '/');
  const char *name = slash && slash[1] ? slash + 1 : path;
  return text_shown(arena, name, strlen(name), PATH_MOST);
}
