/* The table of all names, and which of them a misspelling meant.
 *
 * Names are kept in an open hash table of at most half its size, by FNV-1a; the spellings stand in an arena
 * that is never freed. */
#include "base/name.h"
#include "base/arena.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

#define NEAREST_LONGEST 255 // a name is no longer
#define LETTER          4   // the distance of one letter, of which case is one

static struct {
  Name *slot;
  size_t size, count; // size is a power of two
  Arena *spellings;
} table;

static uint64_t name_hash(const char *text, size_t length) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (size_t i = 0; i < length; i++) hash = (hash ^ (unsigned char)text[i]) * 0x100000001b3u;
  return hash ^ (hash >> 32);
}

/* The slot that holds the spelling, or the empty one where it belongs. */
static Name *name_slot(const char *text, size_t length) {
  size_t i = (size_t)name_hash(text, length) & (table.size - 1);
  while (table.slot[i] && (strncmp(table.slot[i], text, length) != 0 || table.slot[i][length])) {
    i = (i + 1) & (table.size - 1);
  }
  return &table.slot[i];
}

static void name_table_grow(void) {
  Name *old = table.slot;
  size_t count = table.size;
  table.size = count ? 2 * count : 1024;
  table.slot = memory_alloc(table.size, sizeof *table.slot);
  for (size_t i = 0; i < count; i++) {
    if (old[i]) *name_slot(old[i], strlen(old[i])) = old[i];
  }
  memory_free(old);
}

Name name_of_n(const char *text, size_t length) {
  const char *nul = length ? memchr(text, 0, length) : NULL;
  if (nul) length = (size_t)(nul - text);
  if (2 * table.count >= table.size) name_table_grow();
  Name *slot = name_slot(text, length);
  if (!*slot) {
    if (!table.spellings) table.spellings = arena_new(0);
    *slot = arena_copy(table.spellings, text, length);
    table.count++;
  }
  return *slot;
}

Name name_of(const char *text) { return name_of_n(text, strlen(text)); }

static int smaller(int a, int b) { return a < b ? a : b; }

/* The cost of one letter for another, in quarters. */
static int letter_cost(char a, char b) {
  if (a == b) return 0;
  return tolower((unsigned char)a) == tolower((unsigned char)b) ? 1 : LETTER;
}

/* The Damerau-Levenshtein distance (no letter is moved twice) in quarters of a letter, by three rows at a time. */
static int name_distance(const char *a, int n, const char *b, int m) {
  int rows[3][NEAREST_LONGEST + 1];
  int *before = rows[0], *last = rows[1], *now = rows[2];
  for (int j = 0; j <= m; j++) last[j] = LETTER * j;
  for (int i = 1; i <= n; i++) {
    now[0] = LETTER * i;
    for (int j = 1; j <= m; j++) {
      int best = last[j - 1] + letter_cost(a[i - 1], b[j - 1]);
      best = smaller(best, LETTER + smaller(last[j], now[j - 1]));
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        best = smaller(best, before[j - 2] + LETTER);
      }
      now[j] = best;
    }
    int *free_row = before;
    before = last, last = now, now = free_row;
  }
  return last[m];
}

const char *name_nearest(const char *word, const char *const *candidates, int count) {
  const char *nearest = NULL, *begun = NULL;
  size_t length = strlen(word);
  if (length > NEAREST_LONGEST) return NULL;
  int best = LETTER * NEAREST_LONGEST;
  for (int i = 0; i < count; i++) {
    size_t other = strlen(candidates[i]), shorter = other < length ? other : length;
    if (other > NEAREST_LONGEST) continue;
    int distance = name_distance(word, (int)length, candidates[i], (int)other);
    int longer = (int)(length + other - shorter);
    if (3 * distance <= LETTER * longer && distance < best) best = distance, nearest = candidates[i];
    if (!begun && shorter >= 3 && !strncmp(word, candidates[i], shorter)) begun = candidates[i];
  }
  return nearest ? nearest : begun;
}
