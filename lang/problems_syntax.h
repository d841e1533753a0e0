/* Problems of reading a program text: E0001 to E0017.
 *
 * The parser passes facts: places and the words that stand there. What is said about them is in
 * problems_syntax.c alone. All are errors of the program (exit code 1). `at` is the place that is marked. */
#ifndef LANG_PROBLEMS_SYNTAX_H
#define LANG_PROBLEMS_SYNTAX_H

#include "base/problem.h"

#include <stdint.h>

/* What is likely to help where something unexpected stands. */
typedef enum {
  HINT_NONE,
  HINT_SPELLING,     // word: the keyword that was meant
  HINT_TWO_LISTS,    // word: layer or optimizer
  HINT_PARAM_TYPE,   // word: the name of the param
  HINT_RECORD,       // `{` where a value belongs
  HINT_PATTERN,      // let [a, b]
  HINT_GIVE_NAME,    // word: the name that is given a value at the top of a file
  HINT_NO_TEXT_CODE, // f"…"
  HINT_FILTER,       // [… for … in … if …]
  HINT_BRANCH,       // a if c else b
  HINT_IS,           // x is None
  HINT_TYPE_BEHIND,  // int x; word: the type
  HINT_USE_STRING,   // use name; word: the name
} SyntaxHint;

/* E0001. `found` and `expected` are in a reader's words ("a name", "`=`"); the first few are shown. */
void problem_unexpected(Problems *problems, Span at, const char *found, const char *const *expected,
                        int count, SyntaxHint hint, const char *word);

/* E0002. `instead` is what was likely meant, or NULL; `text` the character itself, or U+… if it is not seen. */
void problem_character(Problems *problems, Span at, const char *text, const char *instead);
void problem_name_letter(Problems *problems, Span at, const char *text); // a letter that no name has
void problem_encoding(Problems *problems, Span at, unsigned byte);       // the text is not UTF-8
void problem_nul(Problems *problems, Span at);

/* E0003. `left` and `right` are what stands around `^`, or NULL if that is long. */
void problem_caret(Problems *problems, Span at, const char *left, const char *right);

/* E0004. Strings: without an end, with an unknown escape, with `\u{…}` of no character, in other quotes. */
void problem_string_open(Problems *problems, Span at);
void problem_string_escape(Problems *problems, Span at, const char *escape);
void problem_string_code_point(Problems *problems, Span at, const char *escape);
void problem_string_quotes(Problems *problems, Span at, const char *content);
void problem_string_triple(Problems *problems, Span at);

/* E0005. `instead` is how the number is written, or NULL. */
void problem_number_form(Problems *problems, Span at, const char *text, const char *instead);
void problem_number_name(Problems *problems, Span at, const char *number, const char *name); // 3x
void problem_integer_large(Problems *problems, Span at);
void problem_float_range(Problems *problems, Span at);

void problem_nesting(Problems *problems, Span at, int limit); // E0006

/* E0007. `open` is the place of the opening bracket; `at` is where it became clear that it is not closed. */
void problem_bracket_open(Problems *problems, Span open, char bracket, Span at);
void problem_bracket_mismatch(Problems *problems, Span open, char bracket, Span at, char found);
void problem_bracket_stray(Problems *problems, Span at, char found);

void problem_tree_large(Problems *problems, Span at, int limit);               // E0008, in nodes
void problem_name_long(Problems *problems, Span at, size_t length, int limit); // E0008, in bytes

/* E0009. A line begins with `sign`, which was meant to go on with the statement at `before`. */
void problem_new_statement(Problems *problems, Span at, const char *sign, Span before);

/* E0010. `pair` `op` `right`, where pair is itself a comparison that ends in `middle`. */
void problem_comparison_chain(Problems *problems, Span at, Span first, const char *pair, const char *middle,
                              const char *op, const char *right);

/* E0011. A value given with `:`, as an argument or as a setting on a line of its own. */
void problem_argument_colon(Problems *problems, Span at, const char *name, const char *value);
void problem_setting_colon(Problems *problems, Span at, const char *name, const char *value);

/* E0012. `=` where values are compared; `=` behind what is no name; `==` where a value is given. */
void problem_equals_compared(Problems *problems, Span at);
void problem_equals_target(Problems *problems, Span at, Span target);
void problem_equals_doubled(Problems *problems, Span at);

/* E0013. What other languages write: an operator, a constant, a word (false if the word is none), a colon. */
void problem_foreign_operator(Problems *problems, Span at, const char *text, const char *instead);
void problem_update_operator(Problems *problems, Span at, const char *op,
                             const char *name); // name may be NULL
void problem_constant_spelling(Problems *problems, Span at, const char *word, const char *constant);
bool problem_foreign_word(Problems *problems, Span at, const char *word);
void problem_block_colon(Problems *problems, Span at);

void problem_missing_comma(Problems *problems, Span at, const char *left, const char *right); // E0014
void problem_missing_value(Problems *problems, Span at, const char *after);                   // E0015
void problem_missing_else(Problems *problems, Span at);                                       // E0016

/* E0017. A statement outside every block, or a declaration inside one. */
void problem_statement_outside(Problems *problems, Span at, const char *word);
void problem_declaration_inside(Problems *problems, Span at, const char *word);

#endif
