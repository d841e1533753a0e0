/* Dimensions: polynomials over named symbols with integer coefficients.
 *
 * A Dim is immutable and interned: two are equal as polynomials if and only if they are the same pointer. A
 * quotient or remainder that is not exact becomes an atom of its own, `(H + 1)//2`. Dims also stand for every
 * integer known before the run, so a setting whose value is not known yet is a symbol. They live for the
 * process. Arithmetic never overflows: past 2^62 in size the result is dim_huge, which equals nothing useful
 * and prints as `huge`; callers report it. Only one thread may use dims. */
#ifndef LANG_DIM_H
#define LANG_DIM_H

#include "base/name.h"
#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct Dim Dim;

const Dim *dim_of(int64_t number);
const Dim *dim_symbol(Name name); // a NEW symbol every call: symbols of one name are different symbols
const Dim *dim_add(const Dim *a, const Dim *b);
const Dim *dim_sub(const Dim *a, const Dim *b);
const Dim *dim_mul(const Dim *a, const Dim *b);
const Dim *dim_floor_div(const Dim *a, const Dim *b); // floors; b of 0 gives dim_huge
const Dim *dim_mod(const Dim *a, const Dim *b);       // a - b * (a // b)
/* a / b where it divides exactly as polynomials or numbers, else NULL; dim_huge if one of them is. */
const Dim *dim_divide(const Dim *a, const Dim *b);

bool dim_is_number(const Dim *dim, int64_t *number); // number may be NULL
int64_t dim_number(const Dim *dim);                  // asserts that it is one
bool dim_is_symbol(const Dim *dim);                  // exactly one bare symbol
bool dim_is_huge(const Dim *dim);
bool dim_has_symbol(const Dim *dim, const Dim *symbol);

/* +1, 0, -1 if the sign of a - b is known for all symbols >= 1 (constant difference, or all coefficients of
 * one sign); *known is false otherwise. */
int dim_compare(const Dim *a, const Dim *b, bool *known);

typedef struct {
  const Dim *symbol, *value;
} DimBinding;
const Dim *dim_substitute(const Dim *dim, const DimBinding *bindings, int count);

void dim_print(const Dim *dim, Text *out); // `2*B + 1`, `(H + 1)//2`; a bare symbol prints its name

#endif
