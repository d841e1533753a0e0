/* Left-deep chains as arrays.
 *
 * `a + b - c`, `x |> f |> g` and `m.x(y).z` are trees that lean to the left and may be very deep. A Chain is
 * such a tree laid flat: its links from the innermost to the outermost, so that they are walked by a loop.
 * Links of a chain are operators of one precedence, or suffixes. */
#ifndef LANG_CHAIN_H
#define LANG_CHAIN_H

#include "lang/ast.h"

typedef struct {
  const Ast **link; // each is the left part of the next one
  int count;
} Chain;

Chain chain_of(const Ast *ast);            // ast: a binary, call, index, field or part; freed by chain_free
const Ast *chain_base(const Chain *chain); // what stands left of the first link
void chain_free(Chain *chain);

/* How tightly an operator binds, as in the grammar: the loosest is the least. */
typedef enum {
  BINDS_LAMBDA,
  BINDS_PIPE,
  BINDS_COMPOSE,
  BINDS_OR,
  BINDS_AND,
  BINDS_NOT,
  BINDS_COMPARE, // these two do not chain
  BINDS_RANGE,
  BINDS_SUM,
  BINDS_TERM,
  BINDS_UNARY,
  BINDS_POWER, // to the right
  BINDS_POSTFIX,
} Binding;

Binding operator_binding(Operator op);

#endif
