/* What the user did that cannot work, collected and drawn.
 *
 * Whoever finds a problem hands over facts (a code, texts, labelled places); this file alone decides how it
 * looks. At most PROBLEMS_SHOWN are drawn in a run; the count says how many there were. */
#ifndef BASE_PROBLEM_H
#define BASE_PROBLEM_H

#include "base/arena.h"
#include "base/source.h"
#include "base/text.h"

#include <stdbool.h>

typedef enum { SEVERITY_ERROR, SEVERITY_WARNING } Severity;

typedef struct {
  Span span;
  const char *text; // may be NULL or ""
} Label;

#define PROBLEM_LABELS 5
#define PROBLEMS_SHOWN 8

typedef struct {
  Severity severity;
  const char *code;            // "E0204"
  const char *title;           // one sentence, no full stop
  Label primary;               // drawn with ^; span.source 0 when there is no place in a text
  Label extra[PROBLEM_LABELS]; // drawn with -
  int extras;
  const char *detail;      // more lines below the primary label, '\n' between them; may be NULL
  const char *note, *help; // may be NULL; help can be pasted
  int exit_code;           // 1 the program, 2 command line, 3 a file or data, 4 the run
} Problem;

typedef struct Problems Problems;

Problems *problems_new(Arena *arena);
void problems_add(Problems *problems, const Problem *problem); // copies everything; equal ones once
int problems_count(const Problems *problems, Severity severity);
int problems_exit_code(const Problems *problems); // of the first error; 0 without one
int problems_total(const Problems *problems);
const Problem *problems_get(const Problems *problems, int index);

/* Where the program calls what is looked into now: problems elsewhere say so. Gives what was said before. */
Span problems_within(Problems *problems, Span call);

/* Problems added after `mark` (a problems_total) are dropped: for trying what may fail. */
void problems_forget(Problems *problems, int mark);
/* All are dropped, and as many as at first are drawn again: a session begins its next line. */
void problems_renew(Problems *problems);

/* Draws all that have not been drawn yet, warnings too, PROBLEMS_SHOWN at most over the run. */
void problems_draw(Problems *problems, Text *out, bool colour);

#endif
