/* Lua's string patterns, matched within a budget.
 *
 * Lua's own matcher may take exponential time inside one C function, where no instruction is counted. This one
 * counts every position it looks at and gives up when the budget is used or the pattern nests too deep; what it
 * accepts and captures is what Lua 5.4's manual (6.4.1) says. */
#ifndef INTERPRETER_HOOKS_PATTERN_H
#define INTERPRETER_HOOKS_PATTERN_H

#include <stdint.h>

#define PATTERN_CAPTURES 32

typedef struct {
  const char *start;
  int64_t length; // CAPTURE_PLACE: the position itself
} Capture;

#define CAPTURE_PLACE (-1)
#define CAPTURE_OPEN  (-2) // inside the matcher alone

typedef struct {
  const char *text, *text_end, *pattern_end;
  Capture capture[PATTERN_CAPTURES];
  int captures;
  int depth;         // of the matcher's own recursion
  int64_t steps;     // left
  const char *error; // why it gave up; NULL while all is well
} Matcher;

/* The end of the match that begins at `from`, or NULL; then `error` says whether it gave up. `steps` must be set,
 * and `text` to `text_end` and `pattern_end` name the two strings; `^` is not special here. */
const char *pattern_match(Matcher *matcher, const char *from, const char *pattern);

#endif
