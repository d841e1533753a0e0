/* Numbers, strings and the bytes of a text: what a lexer reads that is not a word or a sign.
 *
 * Each function reports what is wrong and goes on with something usable. `start` is where the token begins;
 * its end is the parser's cursor, which those for strings move. */
#ifndef PARSER_LITERAL_H
#define PARSER_LITERAL_H

#include "parser/parser.h"

/* Strict UTF-8 without NUL; false after a problem with the first bad byte. */
bool literal_check_text(Parser *parser);

/* A character that no token begins with; `in_word`: it stands behind a letter. */
void literal_report_character(Parser *parser, Span at, bool in_word);
const unsigned char *literal_character_end(const unsigned char *start);

/* These return the token that was read. */
int literal_integer(Parser *parser, int64_t *value, const unsigned char *start);
int literal_float(Parser *parser, double *value, const unsigned char *start);
int literal_part(Parser *parser, int64_t *value); // digits at the cursor, behind a `.`
int literal_malformed(Parser *parser, GrammarValue *value, const unsigned char *start);

/* False if the string has no end on its line, where the cursor is then. */
bool literal_string(Parser *parser, StringValue *value, const unsigned char *start);
bool literal_quoted(Parser *parser, StringValue *value, const unsigned char *start); // in single quotes

#endif
