/* Tree to text. */
#ifndef LANG_FORMAT_H
#define LANG_FORMAT_H

#include "base/text.h"
#include "lang/ast.h"

/* The tree as stable text, one node a line, two blanks a level: what `lathe show --after=parse` prints. */
void ast_print(const Ast *ast, Text *out);

/* An expression or type as source text on one line, for messages: `x |> Dense(10)`, `[B, 28, 28]`. */
void ast_write(const Ast *ast, Text *out);

#endif
