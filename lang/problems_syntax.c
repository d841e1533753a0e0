/* The words of the syntax problems. Facts come in, one Problem goes out; nothing else is decided here. */
#include "lang/problems_syntax.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define PROSE          700 // bytes of one sentence; the facts in it are shorter
#define EXPECTED_SHOWN 4

typedef struct {
  char title[PROSE], label[PROSE], help[PROSE];
} Prose;

__attribute__((format(printf, 2, 3))) static const char *say(char *out, const char *format, ...) {
  va_list args;
  va_start(args, format);
  vsnprintf(out, PROSE, format, args);
  va_end(args);
  return out;
}

static void add(Problems *problems, const char *code, Span at, const char *title, const char *label,
                const char *help) {
  Problem problem = {.severity = SEVERITY_ERROR,
                     .code = code,
                     .title = title,
                     .primary = {at, label},
                     .help = help,
                     .exit_code = 1};
  problems_add(problems, &problem);
}

static void add_with(Problems *problems, const char *code, Span at, const char *title, const char *label,
                     const char *help, Label extra) {
  Problem problem = {.severity = SEVERITY_ERROR,
                     .code = code,
                     .title = title,
                     .primary = {at, label},
                     .extra = {extra},
                     .extras = 1,
                     .help = help,
                     .exit_code = 1};
  problems_add(problems, &problem);
}

static const char *hint_help(SyntaxHint hint, const char *word, char *out) {
  switch (hint) {
  case HINT_NONE: return NULL;
  case HINT_SPELLING: return say(out, "did you mean `%s`?", word);
  case HINT_TWO_LISTS:
    if (!strcmp(word, "optimizer"))
      return "settings first, then weight and gradient:  optimizer name(lr: [])(p, g)";
    return "settings first, then inputs, even if there are none:  layer Name()(x: [B, n])";
  case HINT_PARAM_TYPE: return say(out, "a param says its shape:  param %s: [n, units] = glorot", word);
  case HINT_RECORD: return "braces hold statements; a record is written  (a=1, b=2)";
  case HINT_PATTERN: return "several names stand in round brackets:  let (a, b) = …";
  case HINT_GIVE_NAME:
    return say(out,
               "at the top of a file write  let %s = …  or, to set it on the command line,  config %s = …",
               word, word);
  case HINT_NO_TEXT_CODE: return "strings are joined with `+`, numbers written with str:  \"n = \" + str(n)";
  case HINT_FILTER: return "a list in brackets has no `if`: it takes all of what follows `in`";
  case HINT_BRANCH: return "the condition comes first:  if c { a } else { b }";
  case HINT_TYPE_BEHIND: return say(out, "the type stands behind the name:  x: %s", word);
  case HINT_USE_STRING: return say(out, "a file is named in quotes:  use \"%s.model\"", word);
  case HINT_IS: return "`==` compares, with None too:  x == None";
  }
  return NULL;
}

void problem_unexpected(Problems *problems, Span at, const char *found, const char *const *expected,
                        int count, SyntaxHint hint, const char *word) {
  Prose prose;
  char list[PROSE] = "";
  int length = 0, shown = count < EXPECTED_SHOWN ? count : EXPECTED_SHOWN;
  for (int i = 0; i < shown && length < PROSE; i++) {
    const char *between = i == 0 ? "" : i + 1 == shown ? " or " : ", ";
    length += snprintf(list + length, (size_t)(PROSE - length), "%s%s", between, expected[i]);
  }
  if (count == 0)
    say(prose.title, "%s cannot stand here", found);
  else
    say(prose.title, "expected %s, found %s", list, found);
  add(problems, "E0001", at, prose.title, NULL, hint_help(hint, word, prose.help));
}

void problem_character(Problems *problems, Span at, const char *text, const char *instead) {
  Prose prose;
  say(prose.title, "the character %s has no meaning here", text);
  add(problems, "E0002", at, prose.title, NULL, instead ? say(prose.help, "write  %s", instead) : NULL);
}

void problem_name_letter(Problems *problems, Span at, const char *text) {
  Prose prose;
  say(prose.title, "the character %s cannot stand in a name", text);
  add(problems, "E0002", at, prose.title, NULL, "names have the letters A to Z and a to z, digits and `_`");
}

void problem_encoding(Problems *problems, Span at, unsigned byte) {
  Prose prose;
  say(prose.title, "the text is not UTF-8: byte 0x%02X cannot stand here", byte);
  add(problems, "E0002", at, prose.title, NULL, "save the file as UTF-8");
}

void problem_nul(Problems *problems, Span at) {
  add(problems, "E0002", at, "the text has a NUL byte", NULL,
      "a program is a text file; is this another kind of file?");
}

void problem_caret(Problems *problems, Span at, const char *left, const char *right) {
  Prose prose;
  if (left && right)
    say(prose.help, "`**` is the power:  %s ** %s", left, right);
  else
    say(prose.help, "`**` is the power");
  add(problems, "E0003", at, "`^` is not an operator", NULL, prose.help);
}

void problem_string_open(Problems *problems, Span at) {
  add(problems, "E0004", at, "this string has no end", "the closing `\"` is missing on this line",
      "a line break inside a string is written  \\n");
}

void problem_string_escape(Problems *problems, Span at, const char *escape) {
  Prose prose;
  say(prose.title, "`%s` is not an escape", escape);
  add(problems, "E0004", at, prose.title, NULL,
      "the escapes are  \\n \\t \\\" \\\\ \\u{…}; a backslash is  \\\\");
}

void problem_string_code_point(Problems *problems, Span at, const char *escape) {
  Prose prose;
  say(prose.title, "`%s` names no character", escape);
  add(problems, "E0004", at, prose.title, NULL,
      "one to six hexadecimal digits of a Unicode character:  \\u{e9}");
}

void problem_string_quotes(Problems *problems, Span at, const char *content) {
  Prose prose;
  add(problems, "E0004", at, "strings stand in double quotes", NULL, say(prose.help, "\"%s\"", content));
}

void problem_string_triple(Problems *problems, Span at) {
  add(problems, "E0004", at, "a string stands on one line, between two `\"`", NULL,
      "what describes the next declaration is a comment:  ## what it does");
}

void problem_number_form(Problems *problems, Span at, const char *text, const char *instead) {
  Prose prose;
  say(prose.title, "`%s` is not a number", text);
  if (instead)
    say(prose.help, "write  %s", instead);
  else
    say(prose.help, "numbers look like  10_000, 0.5, 1e-3");
  add(problems, "E0005", at, prose.title, NULL, prose.help);
}

void problem_number_name(Problems *problems, Span at, const char *number, const char *name) {
  Prose prose;
  say(prose.title, "`%s%s` is neither a number nor a name", number, name);
  say(prose.help, "a product needs its operator:  %s * %s      a name begins with a letter", number, name);
  add(problems, "E0005", at, prose.title, NULL, prose.help);
}

void problem_integer_large(Problems *problems, Span at) {
  add(problems, "E0005", at, "this integer is too large: the largest is 9223372036854775807", NULL,
      "a float reaches further:  1e19");
}

void problem_float_range(Problems *problems, Span at) {
  add(problems, "E0005", at,
      "this number is outside the range of a float: 4.9e-324 to 1.7976931348623157e308", NULL,
      "inf is the infinite value");
}

void problem_nesting(Problems *problems, Span at, int limit) {
  Prose prose;
  say(prose.title, "this is nested more than %d deep", limit);
  add(problems, "E0006", at, prose.title, NULL, "give an inner part a name with  let");
}

static char bracket_end(char bracket) { return bracket == '(' ? ')' : bracket == '[' ? ']' : '}'; }

void problem_bracket_open(Problems *problems, Span open, char bracket, Span at) {
  Prose prose;
  say(prose.title, "`%c` is not closed", bracket);
  say(prose.label, "`%c` is missing %s", bracket_end(bracket), at.end > at.start ? "before this" : "here");
  add_with(problems, "E0007", at, prose.title, prose.label, NULL, (Label){open, "opened here"});
}

void problem_bracket_mismatch(Problems *problems, Span open, char bracket, Span at, char found) {
  Prose prose;
  say(prose.title, "`%c` is closed by `%c`", bracket, found);
  say(prose.help, "write  %c", bracket_end(bracket));
  add_with(problems, "E0007", at, prose.title, NULL, prose.help, (Label){open, "opened here"});
}

void problem_bracket_stray(Problems *problems, Span at, char found) {
  Prose prose;
  say(prose.title, "`%c` closes nothing", found);
  add(problems, "E0007", at, prose.title, NULL, "leave it out, or open the bracket before");
}

void problem_tree_large(Problems *problems, Span at, int limit) {
  Prose prose;
  say(prose.title, "the program is too large: it has more than %d parts", limit);
  add(problems, "E0008", at, prose.title, "reading stopped here", "keep long tables in a data file");
}

void problem_name_long(Problems *problems, Span at, size_t length, int limit) {
  Prose prose;
  say(prose.title, "this name has %zu characters; %d are allowed", length, limit);
  add(problems, "E0008", at, prose.title, NULL, NULL);
}

void problem_new_statement(Problems *problems, Span at, const char *sign, Span before) {
  Prose prose;
  say(prose.title, "`%s` at the start of a line begins a new statement", sign);
  if (!strcmp(sign, "("))
    say(prose.help, "to go on with the line before, write `(` on that line");
  else
    say(prose.help, "to go on with the line before, end that line with `%s`", sign);
  add_with(problems, "E0009", at, prose.title, NULL, prose.help,
           (Label){before, "this is a statement of its own"});
}

void problem_comparison_chain(Problems *problems, Span at, Span first, const char *pair, const char *middle,
                              const char *op, const char *right) {
  Prose prose;
  say(prose.help, "%s and %s %s %s", pair, middle, op, right);
  add_with(problems, "E0010", at, "comparisons do not chain", NULL, prose.help, (Label){first, NULL});
}

void problem_argument_colon(Problems *problems, Span at, const char *name, const char *value) {
  Prose prose;
  add(problems, "E0011", at, "a value is given with `=`; `:` is followed by a type", NULL,
      say(prose.help, "%s=%s", name, value));
}

void problem_setting_colon(Problems *problems, Span at, const char *name, const char *value) {
  Prose prose;
  add(problems, "E0011", at, "a value is given with `=`; `:` is followed by a type", NULL,
      say(prose.help, "%s = %s", name, value));
}

void problem_equals_compared(Problems *problems, Span at) {
  add(problems, "E0012", at, "`=` gives a value to a name; it does not compare", NULL, "write  ==");
}

void problem_equals_target(Problems *problems, Span at, Span target) {
  add_with(problems, "E0012", at, "only a name can be given a value", NULL,
           "x = put(x, i, v)  replaces a row;  set m = …  gives a model new weights;  ==  compares",
           (Label){target, NULL});
}

void problem_equals_doubled(Problems *problems, Span at) {
  add(problems, "E0012", at, "`==` compares; a value is given with `=`", NULL, "write  =");
}

void problem_foreign_operator(Problems *problems, Span at, const char *text, const char *instead) {
  Prose prose;
  say(prose.title, "`%s` is not an operator", text);
  add(problems, "E0013", at, prose.title, NULL, say(prose.help, "write  %s", instead));
}

void problem_update_operator(Problems *problems, Span at, const char *op, const char *name) {
  Prose prose;
  say(prose.title, "`%s=` is not an operator", op);
  if (!name) name = "x";
  add(problems, "E0013", at, prose.title, NULL,
      say(prose.help, "write it out:  %s = %s %s …", name, name, op));
}

void problem_constant_spelling(Problems *problems, Span at, const char *word, const char *constant) {
  Prose prose;
  say(prose.title, "`%s` is written `%s`", word, constant);
  add(problems, "E0013", at, prose.title, NULL, say(prose.help, "write  %s", constant));
}

bool problem_foreign_word(Problems *problems, Span at, const char *word) {
  static const struct {
    const char *word, *help;
  } foreign[] = {
      {"def", "a function is written  fn name(x: [B, n]) -> [B] = …"},
      {"function", "a function is written  fn name(x: [B, n]) -> [B] = …"},
      {"func", "a function is written  fn name(x: [B, n]) -> [B] = …"},
      {"class", "what owns weights is a layer:  layer Name(settings)(x: [B, n]) -> [B, m] { … }"},
      {"return", "the last expression of a block is its value:  leave out  return"},
      {"lambda", "a function without a name is written  fn (x) = …"},
      {"import", "declarations of another file are taken with  use \"file.model\""},
      {"from", "declarations of another file are taken with  use \"file.model\""},
      {"include", "declarations of another file are taken with  use \"file.model\""},
      {"var", "a name is given its first value with  let"},
      {"val", "a name is given its first value with  let"},
      {"const", "a name is given its first value with  let"},
      {"elif", "write  else if"},
      {"while", "a loop with a condition is  scan i in 0..n with x = x0 while condition { … }"},
      {"try", "there are no exceptions: what can fail is reported with its line"},
      {"assert", "a condition that must hold is written  expect condition"},
      {"del", "a value is gone at the end of its block: leave out  del"},
      {"pass", "a block may be empty:  { }"},
      {"async", "there is nothing to wait for: leave out  async"},
      {"await", "there is nothing to wait for: leave out  await"},
  };
  for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++) {
    if (strcmp(word, foreign[i].word) != 0) continue;
    Prose prose;
    say(prose.title, "`%s` is not a word of Lathe", word);
    add(problems, "E0013", at, prose.title, NULL, foreign[i].help);
    return true;
  }
  return false;
}

void problem_block_colon(Problems *problems, Span at) {
  add(problems, "E0013", at, "a block stands in braces, not behind `:`", NULL, "{ … }");
}

void problem_missing_comma(Problems *problems, Span at, const char *left, const char *right) {
  Prose prose;
  add(problems, "E0014", at, "a comma is missing here", NULL, say(prose.help, "%s, %s", left, right));
}

void problem_missing_value(Problems *problems, Span at, const char *after) {
  Prose prose;
  add(problems, "E0015", at, say(prose.title, "a value is missing after `%s`", after), NULL, NULL);
}

void problem_missing_else(Problems *problems, Span at) {
  add(problems, "E0016", at, "an `if` that gives a value needs an `else`", NULL, "if c { a } else { b }");
}

void problem_statement_outside(Problems *problems, Span at, const char *word) {
  Prose prose;
  say(prose.title, "`%s` stands inside a block, not at the top of a file", word);
  add(problems, "E0017", at, prose.title, NULL, say(prose.help, "task name { %s … }", word));
}

void problem_declaration_inside(Problems *problems, Span at, const char *word) {
  Prose prose;
  say(prose.title, "`%s` stands at the top of a file, not inside a block", word);
  add(problems, "E0017", at, prose.title, NULL, "move it out; declarations may stand in any order");
}
