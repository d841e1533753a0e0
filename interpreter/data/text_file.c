/* Reading a text file whole, and refusing what is none.
 *
 * Everything downstream (CSV, lines, characters, words) may rely on it: sequences of UTF-8 are whole and valid, no
 * byte is 0. Plain ASCII, most of what comes, is checked eight bytes at a time. */
#include "interpreter/data/text_file.h"

#include "interpreter/data/problems_data.h"
#include "interpreter/data/shown.h"
#include "interpreter/formats/save.h"

#include <string.h>

int64_t text_line_ends(const char *text, const char *end) {
  int64_t lines = 0;
  for (const char *at = text; (at = memchr(at, '\n', (size_t)(end - at))); at++) lines++;
  for (const char *at = text; (at = memchr(at, '\r', (size_t)(end - at))); at++) lines += at[1] != '\n';
  return lines;
}

/* Where the first byte stands that is no text; NULL: nowhere. */
static const char *text_odd(const char *text, size_t length) {
  const char *at = text, *end = text + length;
  while (at < end) {
    uint64_t eight;
    if (end - at >= 8) {
      memcpy(&eight, at, 8);
      // no byte above 127 and none that is 0: then subtracting 1 from each sets no high bit
      if (((eight | (eight - 0x0101010101010101u)) & 0x8080808080808080u) == 0) {
        at += 8;
        continue;
      }
    }
    size_t sequence = *at ? utf8_sequence(at, end) : 0;
    if (sequence == 0) return at;
    at += sequence;
  }
  return NULL;
}

char *text_file_read(Problems *problems, Span span, const char *path, size_t limit, char **text,
                     size_t *length) {
  char *memory = file_read(problems, span, path, limit, length);
  if (!memory) return NULL;
  *text = memory;
  bool wide = *length >= 2 && (memcmp(memory, "\xff\xfe", 2) == 0 || memcmp(memory, "\xfe\xff", 2) == 0);
  if (*length >= 3 && memcmp(memory, "\xef\xbb\xbf", 3) == 0) *text += 3, *length -= 3;
  const char *odd = wide ? NULL : text_odd(*text, *length);
  if (!wide && !odd) return memory;
  if (wide)
    problem_data_damaged(problems, span, path, DATA_UTF16, 0);
  else
    problem_data_damaged(problems, span, path, *odd ? DATA_UTF8 : DATA_NUL, text_line_ends(*text, odd) + 1);
  memory_free(memory);
  return NULL;
}
