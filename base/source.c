/* The list of all program texts, and where their lines start.
 *
 * A line ends at LF, CR LF or CR. A byte order mark at the start of a text is no column. */
#include "base/source.h"
#include "base/arena.h"
#include "base/size.h"

#include <assert.h>
#include <string.h>

static struct {
  const Source **source; // source[id - 1]
  size_t count, capacity;
  Arena *arena;
} sources;

static bool line_ends(const char *text, size_t i) {
  return text[i] == '\n' || (text[i] == '\r' && text[i + 1] != '\n');
}

static void source_find_lines(Source *source) {
  size_t lines = 1;
  for (size_t i = 0; i < source->length; i++) lines += line_ends(source->text, i);
  source->line_start = ARENA_ARRAY(sources.arena, uint32_t, lines);
  source->lines = 1;
  for (size_t i = 0; i < source->length; i++) {
    if (line_ends(source->text, i)) source->line_start[source->lines++] = (uint32_t)(i + 1);
  }
}

const Source *source_add(const char *path, const char *text, size_t length) {
  assert(length < UINT32_MAX && "source_add: the caller checks SOURCE_LIMIT");
  if (!sources.arena) sources.arena = arena_new(0);
  Source *source = ARENA_NEW(sources.arena, Source);
  source->path = arena_copy(sources.arena, path, strlen(path));
  source->text = arena_copy(sources.arena, text, length);
  source->length = length;
  source_find_lines(source);
  sources.source =
      arena_grow(sources.arena, sources.source, sources.count, &sources.capacity, sizeof *sources.source);
  sources.source[sources.count++] = source;
  source->id = (uint32_t)sources.count;
  return source;
}

const Source *source_by_id(uint32_t id) {
  return id > 0 && id <= sources.count ? sources.source[id - 1] : NULL;
}

void source_place(const Source *source, uint32_t offset, int *line, int *column) {
  if (offset > source->length) offset = (uint32_t)source->length;
  int low = 0, high = source->lines - 1;
  while (low < high) {
    int middle = low + (high - low + 1) / 2;
    if (source->line_start[middle] <= offset)
      low = middle;
    else
      high = middle - 1;
  }
  size_t start = source->line_start[low];
  if (start == 0 && source->length >= 3 && !memcmp(source->text, "\xef\xbb\xbf", 3)) start = 3;
  int code_points = 0;
  for (size_t i = start; i < offset; i++) code_points += ((unsigned char)source->text[i] & 0xc0) != 0x80;
  *line = low + 1;
  *column = code_points + 1;
}

Span span_join(Span a, Span b) {
  if (!a.source || a.source != b.source) return b;
  return (Span){a.source, a.start, b.end};
}
