/* Which bytes are a word, and what a word means where it stands.
 *
 * Eleven words are reserved. Every other one is a name unless its place says otherwise, so that columns may be
 * called `data`, `train` or `on` (language.md 3.3). All functions take the place where the word begins, in a
 * text with a NUL past its end. */
#ifndef PARSER_WORD_H
#define PARSER_WORD_H

#include <stdbool.h>
#include <stddef.h>

bool word_has(unsigned char byte); // a letter, digit or `_`
const unsigned char *word_end(const unsigned char *word);

/* The token of a word: at the start of a statement it may open one, behind a value it may join. */
int word_token(const unsigned char *word, bool at_opening, bool value_ended);

/* A line that begins so goes on with the statement before it. */
bool word_continues(const unsigned char *word);

/* A line that begins so can only be a new statement, or a declaration; inside a block, `let` and `metric` are
 * no sign of a declaration. */
bool word_opens_statement(const unsigned char *word);
bool word_opens_declaration(const unsigned char *word, bool inside_block);

bool word_is_elif(const unsigned char *word); // followed by a blank and a condition

/* The words that open statements or declarations, for suggestions. */
const char *const *word_openers(int *count);
const char *word_of_token(int token); // "let", "over"; NULL if no word makes it

#endif
