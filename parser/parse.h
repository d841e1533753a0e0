/* Text to tree. */
#ifndef PARSER_PARSE_H
#define PARSER_PARSE_H

#include "base/arena.h"
#include "base/problem.h"
#include "base/source.h"
#include "lang/ast.h"

/* A whole program: an AST_PROGRAM, made in `arena`. Every syntax error is added to `problems` (several a
 * file); what could be read is returned all the same, so later messages are possible, but a caller that wants
 * to run must look at the count of errors. Never NULL. */
Ast *parse_program(Arena *arena, Problems *problems, const Source *source);

/* One expression, as on a command line: NULL after a problem. */
Ast *parse_expression(Arena *arena, Problems *problems, const Source *source);

#endif
