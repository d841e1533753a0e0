/* The text inside einsum and rearrange, read into axes: "b t (h d) -> b h t d".
 *
 * A side is a row of terms: a name, or 1; terms in brackets share a dim. `...` stands for as many dims as a tensor
 * has beyond the others, named from the last one backwards so that they meet in every input. */
#ifndef INTERPRETER_ELABORATE_PATTERN_H
#define INTERPRETER_ELABORATE_PATTERN_H

#include "interpreter/elaborate/elaborate.h"

#define PATTERN_TERMS (2 * MAX_RANK)

typedef struct {
  Name name; // NULL: the number 1
  int dim;   // which dim of its side it belongs to
  int start, end;
} Term;

typedef struct {
  Term term[PATTERN_TERMS];
  int terms, dims;
  int start, end; // in the text
} Side;

typedef struct {
  Name name, shown; // shown: of the dim of a tensor, for its type; may be NULL
  const Dim *size;
} PatternAxis;

typedef struct {
  Elaborator *e;
  const Ast *at; // the text in the program
  const char *text;
  const char *example;
  PatternAxis axis[4 * PATTERN_TERMS];
  int axes;
  int spread; // dims that `...` stands for
} Pattern;

/* All of these: false, -1 or NULL after a Problem. */
bool pattern_error(const Pattern *pattern, int start, int end, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* The bytes start..end as terms; `rank` of the tensor they are for, -1 if it is for the result. */
bool pattern_side(Pattern *pattern, int start, int end, int rank, Side *side);
/* Gives an axis its size; one that has another already is a Problem. */
bool pattern_bind(Pattern *pattern, const Term *term, const Dim *size, Name shown);
int pattern_axis(const Pattern *pattern, Name name); // -1: none, without a Problem
int pattern_arrow(const Pattern *pattern);           // where "->" is, -1 if it is not there once

#endif
