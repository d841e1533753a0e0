/* Pieces of source text on a terminal: how wide they are, how they are shown harmlessly, and how labels stand
 * below the lines they speak of. Only base/problem.c and what prints foreign text needs it. */
#ifndef BASE_SNIPPET_H
#define BASE_SNIPPET_H

#include "base/problem.h"

/* Adds the bytes as a terminal may see them: control characters, marks that change the direction of writing, and
 * bytes that are no UTF-8 are escaped (\x1b, \u{202e}), a tab becomes blanks up to the next multiple of 4.
 * Returns the column reached when the text started at `column`. NULL for `out` only measures. */
int snippet_add(Text *out, const char *bytes, size_t length, int column);

/* Draws the lines of one source that the labels name, with the labels below their lines. The first label is the
 * problem's primary if `primary` is true; it is drawn with ^ and `detail` goes below it. */
void snippet_draw(Text *out, const Source *source, const Label *labels, int count, bool primary,
                  const char *detail, Severity severity, bool colour);

/* The escape sequences of the parts of a message; "" each without colour. */
typedef enum {
  PAINT_ERROR,
  PAINT_WARNING,
  PAINT_FRAME,
  PAINT_EXTRA,
  PAINT_TITLE,
  PAINT_HELP,
  PAINT_NONE
} Paint;
const char *snippet_paint(Paint paint, bool colour);

#endif
