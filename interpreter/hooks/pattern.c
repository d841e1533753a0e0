/* The matcher: one function an item of a pattern, over a cursor in the text and one in the pattern.
 *
 * An item is a character class, perhaps with a repetition, or one of ( ) %b %f %1. What follows an item is matched
 * by recursion where the item may have to try again; the depth is that of the pattern, never of the text. */
#include "interpreter/hooks/pattern.h"

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define DEPTH_LIMIT 200

static const char *match(Matcher *m, const char *s, const char *p);

static const char *give_up(Matcher *m, const char *why) {
  if (!m->error) m->error = why;
  return NULL;
}

static bool step(Matcher *m) {
  if (m->steps-- > 0) return true;
  give_up(m, "the budget is used up");
  return false;
}

// ---- one character ------------------------------------------------------------------------------------------------

/* Past the class that begins at p: a character, %x, or [set]; NULL after an error. */
static const char *class_end(Matcher *m, const char *p) {
  if (*p == '%') return p + 1 < m->pattern_end ? p + 2 : give_up(m, "malformed pattern (ends with '%')");
  if (*p++ != '[') return p;
  if (p < m->pattern_end && *p == '^') p++;
  bool first = true; // a ] in front is itself
  while (p < m->pattern_end && (*p != ']' || first)) {
    first = false;
    p += *p == '%' && p + 1 < m->pattern_end ? 2 : 1;
  }
  return p < m->pattern_end ? p + 1 : give_up(m, "malformed pattern (missing ']')");
}

static bool in_class(int c, int class) {
  bool is;
  switch (tolower(class)) {
  case 'a': is = isalpha(c); break;
  case 'c': is = iscntrl(c); break;
  case 'd': is = isdigit(c); break;
  case 'g': is = isgraph(c); break;
  case 'l': is = islower(c); break;
  case 'p': is = ispunct(c); break;
  case 's': is = isspace(c); break;
  case 'u': is = isupper(c); break;
  case 'w': is = isalnum(c); break;
  case 'x': is = isxdigit(c); break;
  default: return class == c;
  }
  return isupper(class) ? !is : is;
}

/* `set` stands at [, `end` behind ]. */
static bool in_set(Matcher *m, int c, const char *set, const char *end) {
  const char *p = set + 1, *close = end - 1;
  bool negated = *p == '^', found = false;
  if (negated) p++;
  m->steps -= (end - set) / 8;
  while (p < close && !found) {
    if (*p == '%') {
      found = in_class(c, (unsigned char)p[1]);
      p += 2;
    } else if (p + 2 < close && p[1] == '-') {
      found = (unsigned char)p[0] <= c && c <= (unsigned char)p[2];
      p += 3;
    } else
      found = (unsigned char)*p++ == c;
  }
  return found != negated;
}

static bool one_matches(Matcher *m, const char *s, const char *p, const char *end) {
  if (s >= m->text_end) return false;
  int c = (unsigned char)*s;
  switch (*p) {
  case '.': return true;
  case '%': return in_class(c, (unsigned char)p[1]);
  case '[': return in_set(m, c, p, end);
  default: return (unsigned char)*p == c;
  }
}

// ---- repetitions --------------------------------------------------------------------------------------------------

static const char *repeat_most(Matcher *m, const char *s, const char *p, const char *end, int64_t least) {
  int64_t count = 0;
  while (one_matches(m, s + count, p, end)) {
    if (!step(m)) return NULL;
    count++;
  }
  for (; count >= least && !m->error; count--) {
    const char *found = match(m, s + count, end + 1);
    if (found) return found;
  }
  return NULL;
}

static const char *repeat_least(Matcher *m, const char *s, const char *p, const char *end) {
  for (;; s++) {
    const char *found = match(m, s, end + 1);
    if (found || m->error) return found;
    if (!one_matches(m, s, p, end)) return NULL;
  }
}

// ---- captures, balance, frontier ----------------------------------------------------------------------------------

static const char *capture_open(Matcher *m, const char *s, const char *p, int64_t length) {
  if (m->captures >= PATTERN_CAPTURES) return give_up(m, "too many captures");
  m->capture[m->captures++] = (Capture){s, length};
  const char *found = match(m, s, p);
  if (!found) m->captures--;
  return found;
}

static const char *capture_close(Matcher *m, const char *s, const char *p) {
  int i = m->captures - 1;
  while (i >= 0 && m->capture[i].length != CAPTURE_OPEN) i--;
  if (i < 0) return give_up(m, "invalid pattern capture");
  m->capture[i].length = s - m->capture[i].start;
  const char *found = match(m, s, p);
  if (!found) m->capture[i].length = CAPTURE_OPEN;
  return found;
}

/* %bxy: from x to the y that balances it. */
static const char *balanced(Matcher *m, const char *s, const char *p) {
  if (p + 1 >= m->pattern_end) return give_up(m, "malformed pattern (missing arguments to '%b')");
  if (s >= m->text_end || *s != *p) return NULL;
  int64_t open = 1;
  for (s++; s < m->text_end && step(m); s++)
    if (*s == p[1]) {
      if (--open == 0) return s + 1;
    } else if (*s == *p)
      open++;
  return NULL;
}

/* %f[set]: between a character outside the set and one in it; the ends of the text count as NUL. */
static bool at_frontier(Matcher *m, const char *s, const char *p, const char *end) {
  int before = s == m->text ? 0 : (unsigned char)s[-1];
  int after = s == m->text_end ? 0 : (unsigned char)*s;
  return !in_set(m, before, p, end) && in_set(m, after, p, end);
}

/* %1 to %9: the same text again. */
static const char *again(Matcher *m, const char *s, char digit) {
  int i = digit - '1';
  if (i < 0 || i >= m->captures || m->capture[i].length == CAPTURE_OPEN)
    return give_up(m, "invalid capture index");
  int64_t length = m->capture[i].length == CAPTURE_PLACE ? 0 : m->capture[i].length;
  m->steps -= length / 16;
  if (length > m->text_end - s || memcmp(m->capture[i].start, s, (size_t)length)) return NULL;
  return s + length;
}

// ---- the walk -----------------------------------------------------------------------------------------------------

typedef enum { WALK_ON, WALK_DONE } Walk;

/* An item that begins with %: sets the cursors, or the result. */
static Walk special(Matcher *m, const char **s, const char **p, const char **result) {
  const char *at = *p;
  *result = NULL;
  switch (at[1]) {
  case 'b':
    *s = balanced(m, *s, at + 2);
    *p = at + 4;
    return *s ? WALK_ON : WALK_DONE;
  case 'f': {
    at += 2;
    if (at >= m->pattern_end || *at != '[') {
      give_up(m, "missing '[' after '%f' in pattern");
      return WALK_DONE;
    }
    const char *end = class_end(m, at);
    if (!end || !at_frontier(m, *s, at, end)) return WALK_DONE;
    *p = end;
    return WALK_ON;
  }
  default:
    *s = again(m, *s, at[1]);
    *p = at + 2;
    return *s ? WALK_ON : WALK_DONE;
  }
}

static bool is_special(const Matcher *m, const char *p) {
  return *p == '%' && p + 1 < m->pattern_end && (p[1] == 'b' || p[1] == 'f' || isdigit((unsigned char)p[1]));
}

static const char *walk(Matcher *m, const char *s, const char *p) {
  while (p < m->pattern_end) {
    if (!step(m)) return NULL;
    if (*p == '(') {
      bool place = p + 1 < m->pattern_end && p[1] == ')';
      return capture_open(m, s, p + (place ? 2 : 1), place ? CAPTURE_PLACE : CAPTURE_OPEN);
    }
    if (*p == ')') return capture_close(m, s, p + 1);
    if (*p == '$' && p + 1 == m->pattern_end) return s == m->text_end ? s : NULL;
    if (is_special(m, p)) {
      const char *result;
      if (special(m, &s, &p, &result) == WALK_DONE) return result;
      continue;
    }
    const char *end = class_end(m, p);
    if (!end) return NULL;
    char suffix = 0;
    if (end < m->pattern_end) suffix = *end;
    if (suffix == '*') return repeat_most(m, s, p, end, 0);
    if (suffix == '+') return repeat_most(m, s, p, end, 1);
    if (suffix == '-') return repeat_least(m, s, p, end);
    bool is = one_matches(m, s, p, end);
    if (suffix == '?') {
      const char *found = is ? match(m, s + 1, end + 1) : NULL;
      if (found || m->error) return found;
      p = end + 1;
      continue;
    }
    if (!is) return NULL;
    s++;
    p = end;
  }
  return s;
}

static const char *match(Matcher *m, const char *s, const char *p) {
  if (m->error) return NULL;
  if (m->depth >= DEPTH_LIMIT) return give_up(m, "pattern too complex");
  m->depth++;
  const char *found = walk(m, s, p);
  m->depth--;
  return m->error ? NULL : found;
}

const char *pattern_match(Matcher *m, const char *from, const char *pattern) {
  m->captures = 0;
  m->depth = 0;
  const char *found = match(m, from, pattern);
  for (int i = 0; found && i < m->captures; i++)
    if (m->capture[i].length == CAPTURE_OPEN) return give_up(m, "unfinished capture");
  return found;
}
