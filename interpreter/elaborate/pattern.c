/* Reading patterns, and marking what is wrong inside the string that they stand in. */
#include "interpreter/elaborate/pattern.h"

#include "lang/problems.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* The bytes start..end of the text, where it stands in the program; all of it if it has escapes. */
static Span pattern_span(const Pattern *pattern, int start, int end) {
  Span span = pattern->at->span;
  bool literal = pattern->at->kind == AST_STRING && span.end - span.start == strlen(pattern->text) + 2;
  if (!literal) return span;
  span.end = span.start + 1 + (uint32_t)(end > start ? end : start + 1);
  span.start += 1 + (uint32_t)start;
  return span;
}

bool pattern_error(const Pattern *pattern, int start, int end, const char *format, ...) {
  char why[200];
  va_list args;
  va_start(args, format);
  vsnprintf(why, sizeof why, format, args);
  va_end(args);
  problem_pattern_text(pattern->e->problems, pattern_span(pattern, start, end), why, pattern->example);
  return false;
}

int pattern_arrow(const Pattern *pattern) {
  const char *arrow = strstr(pattern->text, "->");
  if (arrow && !strstr(arrow + 2, "->")) return (int)(arrow - pattern->text);
  pattern_error(pattern, 0, (int)strlen(pattern->text), "it has no `->`, or more than one");
  return -1;
}

int pattern_axis(const Pattern *pattern, Name name) {
  for (int i = 0; i < pattern->axes; i++)
    if (pattern->axis[i].name == name) return i;
  return -1;
}

bool pattern_bind(Pattern *pattern, const Term *term, const Dim *size, Name shown) {
  int i = pattern_axis(pattern, term->name);
  if (i < 0) {
    if (pattern->axes == 4 * PATTERN_TERMS)
      return pattern_error(pattern, term->start, term->end, "too many axes");
    pattern->axis[pattern->axes++] = (PatternAxis){term->name, shown, size};
    return true;
  }
  PatternAxis *axis = &pattern->axis[i];
  bool known;
  if (!axis->shown) axis->shown = shown;
  if (axis->size == size) return true;
  int order = dim_compare(axis->size, size, &known);
  if (pattern->e->generic && !(known && order != 0)) return true;
  Text first = {0}, second = {0};
  dim_print(axis->size, &first);
  dim_print(size, &second);
  problem_axis_twice(pattern->e->problems, pattern_span(pattern, term->start, term->end), term->name,
                     text_string(&first), text_string(&second));
  text_free(&first);
  text_free(&second);
  return false;
}

static bool side_add(Pattern *pattern, Side *side, Name name, int dim, int start, int end) {
  if (side->terms == PATTERN_TERMS) return pattern_error(pattern, start, end, "too many axes");
  side->term[side->terms++] = (Term){name, dim, start, end};
  if (dim == side->dims) side->dims++;
  return true;
}

static int word_end(const char *text, int at, int end) {
  if (!isalpha((unsigned char)text[at]) && text[at] != '_') return at;
  while (at < end && (isalnum((unsigned char)text[at]) || text[at] == '_')) at++;
  return at;
}

/* The dims of `...`: as many as the tensor has beyond the `others`. */
static bool side_spread(Pattern *pattern, Side *side, int at, int rank, int others) {
  char name[24];
  if (rank >= 0 && rank < others)
    return pattern_error(pattern, side->start, side->end, "more axes than the input's %d", rank);
  int count = rank >= 0 ? rank - others : pattern->spread;
  if (rank >= 0 && count > pattern->spread) pattern->spread = count;
  for (int i = count - 1; i >= 0; i--) {
    snprintf(name, sizeof name, "... %d", i);
    if (!side_add(pattern, side, name_of(name), side->dims, at, at + 3)) return false;
  }
  return true;
}

/* How many dims the side names beside `...`. */
static int count_others(const char *text, int start, int end) {
  int count = 0, depth = 0;
  for (int i = start; i < end; i++) {
    bool begins =
        i == start || isspace((unsigned char)text[i - 1]) || text[i - 1] == '(' || text[i - 1] == ')';
    if (text[i] == '(') count++, depth++;
    if (text[i] == ')') depth--;
    if (begins && depth == 0 && (isalnum((unsigned char)text[i]) || text[i] == '_')) count++;
  }
  return count;
}

bool pattern_side(Pattern *pattern, int start, int end, int rank, Side *side) {
  const char *text = pattern->text;
  *side = (Side){.start = start, .end = end};
  bool inside = false, spread = false;
  int dim = 0; // of the bracket that is open
  for (int i = start; i < end;) {
    int stop = word_end(text, i, end), place = inside ? dim : side->dims;
    if (isspace((unsigned char)text[i])) {
      i++;
    } else if (stop > i) {
      if (!side_add(pattern, side, name_of_n(text + i, (size_t)(stop - i)), place, i, stop)) return false;
      i = stop;
    } else if (text[i] == '1' && (i + 1 == end || !isalnum((unsigned char)text[i + 1]))) {
      if (!side_add(pattern, side, NULL, place, i, i + 1)) return false;
      i++;
    } else if (text[i] == '(' && !inside) {
      inside = true, dim = side->dims++, i++;
    } else if (text[i] == ')' && inside) {
      inside = false, i++;
    } else if (!strncmp(text + i, "...", 3) && i + 3 <= end && !inside && !spread) {
      if (!side_spread(pattern, side, i, rank, count_others(text, start, end))) return false;
      spread = true, i += 3;
    } else {
      return pattern_error(pattern, i, i + 1, "`%c` cannot stand here", text[i]);
    }
  }
  if (inside) return pattern_error(pattern, start, end, "a bracket is open at the end");
  if (rank < 0 || side->dims == rank) return true;
  const Term *only = &side->term[0];
  if (side->terms == 1 && only->name && (int)strlen(only->name) == rank)
    return pattern_error(pattern, only->start, only->end, "`%s` is the name of one axis, the input has %d",
                         only->name, rank);
  return pattern_error(pattern, start, end, "%d %s for an input with %d", side->dims,
                       side->dims == 1 ? "axis" : "axes", rank);
}
