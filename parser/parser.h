/* What the lexer, the grammar and the tree builder share while one text is read.
 *
 * The lexer hands the grammar balanced brackets only: a bracket that is missing or wrong is reported and
 * mended there, so that one slip stays one message. `level` holds the open brackets, level[0] the file; the
 * depth counts them together with the chains (unary, `**`, `fn` after `fn`, else-if) that nest without one.
 * Once `stopped` is set nothing but the end of the text follows. */
#ifndef PARSER_PARSER_H
#define PARSER_PARSER_H

#include "base/arena.h"
#include "base/problem.h"
#include "base/source.h"
#include "lang/ast.h"

#define NESTING_LIMIT       200
#define NAME_LIMIT          255     // bytes
#define TREE_LIMIT          5000000 // nodes
#define SYNTAX_ERRORS_LIMIT 100     // then the rest of a text is left unread
#define TOKENS_KEPT         3
#define TOKEN_CODES         400 // all codes of grammar.h are smaller

typedef struct {
  int kind;       // TOKEN_... of grammar.h, the character itself, or 0 for the end
  Span span;      // of an end of line or text: the empty place behind the token before
  int line;       // on which it starts
  bool synthetic; // stands for a bracket or end of line that the text lacks
} Token;

typedef struct {
  int open; // '(' '[' '{', or 0 for the file
  Span span;
  int line;
  int chain, branches; // how deep the current unary, `**`, `fn` and `if` nest here; and the current else-if
  int held;            // the branches of which this block is the last
} Level;

typedef struct {
  Arena *arena;
  Problems *problems;
  const Source *source;

  const unsigned char *text, *cursor, *limit; // limit points to the NUL past the end
  int line;                                   // counted from 0
  int start;                                  // TOKEN_START_... to deliver first, 0 afterwards
  Level level[NESTING_LIMIT + 1];
  int levels, depth;           // levels: index of the innermost; depth: the nesting so far
  int closing;                 // levels above this one are closed by synthetic brackets; -1 for none
  bool line_due;               // an end of line follows those brackets
  bool if_due;                 // `elif` was read as `else`
  bool value_ended;            // the last token can end an expression: words like `on` count only there
  bool at_opening;             // the next token is the first of a statement
  bool skipping, again;        // reading on after an error; the newest token is delivered once more
  uint32_t doc_start, doc_end; // the `##` lines that wait for a declaration, as bytes of the text
  int damaged_line;            // where the lexer last dropped or replaced something, -1 for nowhere

  Token token[TOKENS_KEPT]; // the newest first
  Token opening;            // the first token of the statement
  int clause;               // the last token of the statement that a condition follows, or 0
  int brace;                // index of the innermost '{' (or 0) before the newest token was applied

  int problems_before, nodes, errors;
  bool unfinished; // the first thing wrong is that the text ends: more of it could mend that
  bool stopped;
  Ast *result;
} Parser;

typedef struct {
  const char *bytes;
  int length;
} StringValue;

typedef union GRAMMAR_STYPE GrammarValue;

/* Checks the whole text (strict UTF-8, no NUL) and makes the parser ready. False after a problem. */
bool lexer_start(Parser *parser, int start);

/* The next token; its value, if it has one, goes to *value. */
int grammar_lex(GrammarValue *value, Span *span, Parser *parser);

/* Reads on to the end of the statement in which the newest token stands. True if that token was left behind,
 * so that the grammar must forget it. */
bool lexer_skip_statement(Parser *parser);

/* The grammar meets a token that it cannot use: counts it, and tells whether anything is to be said. Then
 * `wanted` tells for every token code whether it would have done. */
bool report_is_due(Parser *parser);
void report_unexpected(Parser *parser, const bool *wanted);

void parser_too_deep(Parser *parser, Span at);      // reports and stops, once
const char *parser_text(Parser *parser, Span span); // the bytes of a place, or "…" if they are many
int parser_brace(const Parser *parser);             // index of the innermost '{', or 0

#endif
