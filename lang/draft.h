/* A problem while it is worded: facts and sentences go in, problem_add gets them when it is complete.
 *
 * Texts made here live until draft_add, which copies everything. Facts that come out of a program can be of any
 * length, so they pass through draft_short. */
#ifndef LANG_DRAFT_H
#define LANG_DRAFT_H

#include "base/problem.h"

typedef struct {
  Problems *problems;
  Arena *arena;
  Problem problem;
} Draft;

/* An error with exit code 1, or a warning if the code begins with W. `at` is the place marked with ^. */
Draft draft_new(Problems *problems, const char *code, Span at);
void draft_add(Draft *draft); // ends it

void draft_title(Draft *draft, const char *format, ...) __attribute__((format(printf, 2, 3)));
void draft_label(Draft *draft, const char *format, ...) __attribute__((format(printf, 2, 3)));
void draft_detail(Draft *draft, const char *format, ...) __attribute__((format(printf, 2, 3)));
void draft_note(Draft *draft, const char *format, ...) __attribute__((format(printf, 2, 3)));
void draft_help(Draft *draft, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* One more place, marked with -; left out if it is nowhere or the place marked with ^. */
void draft_extra(Draft *draft, Span at, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The text with its blanks as single ones, cut to what fits on a line; "" for NULL. */
const char *draft_short(Draft *draft, const char *text);

/* `count` of a thing: "1 dim", "3 dims". */
const char *draft_count(Draft *draft, long long count, const char *thing);

#endif
