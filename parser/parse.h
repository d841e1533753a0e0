/* Text to tree. */
#ifndef PARSER_PARSE_H
#define PARSER_PARSE_H

#include "base/arena.h"
#include "base/problem.h"
#include "base/source.h"
#include "lang/ast.h"

#include <stdbool.h>

/* A whole program: an AST_PROGRAM, made in `arena`. Every syntax error is added to `problems` (several a
 * file); what could be read is returned all the same, so later messages are possible, but a caller that wants
 * to run must look at the count of errors. Never NULL. */
Ast *parse_program(Arena *arena, Problems *problems, const Source *source);

/* One expression, as on a command line: NULL after a problem. */
Ast *parse_expression(Arena *arena, Problems *problems, const Source *source);

/* What is entered at once in a session: declarations, expressions and `name = value` (AST_ASSIGN), as an AST_PROGRAM.
 * NULL after a problem, and where the text ends too early (an open bracket, an operator without its right side):
 * then `unfinished` is true and nothing is reported, so that more lines can be added. With `unfinished` NULL that is a
 * problem like any other. */
Ast *parse_input(Arena *arena, Problems *problems, const Source *source, bool *unfinished);

#endif
