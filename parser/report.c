/* What to say about a token that the grammar cannot use.
 *
 * Each `explain_` function knows one mistake: it looks at the newest tokens and at what would have done
 * instead, and either reports it or leaves it to the next one. The last of them always has an answer. */
#include "lang/problems_syntax.h"
#include "parser/grammar.h"
#include "parser/word.h"

#include <string.h>

bool report_is_due(Parser *parser) {
  if (++parser->errors >= SYNTAX_ERRORS_LIMIT) parser->stopped = true;
  const Token *found = &parser->token[0];
  return !parser->stopped && !found->synthetic && parser->damaged_line != found->line;
}

// --- the words of a reader -------------------------------------------------------------------------------

static const char *quoted(Parser *parser, Span span) {
  return arena_printf(parser->arena, "`%s`", parser_text(parser, span));
}

static const char *found_text(Parser *parser, const Token *token) {
  switch (token->kind) {
  case 0: return "the end of the file";
  case TOKEN_NL: return token->span.end > token->span.start ? "`;`" : "the end of the line";
  case TOKEN_STRING: return "a string";
  case TOKEN_IDENT: return arena_printf(parser->arena, "the name %s", quoted(parser, token->span));
  case TOKEN_INT:
  case TOKEN_FLOAT: return arena_printf(parser->arena, "the number %s", quoted(parser, token->span));
  default: return quoted(parser, token->span);
  }
}

static bool begins_value(int kind) {
  switch (kind) {
  case TOKEN_IDENT:
  case TOKEN_INT:
  case TOKEN_FLOAT:
  case TOKEN_STRING:
  case TOKEN_TRUE:
  case TOKEN_FALSE:
  case TOKEN_NONE: return true;
  default: return false;
  }
}

static bool is_operator(int kind) {
  static const int operators[] = {'+',       '-',      '*',       '/',         '%',
                                  '@',       '<',      '>',       TOKEN_EQ,    TOKEN_NE,
                                  TOKEN_LE,  TOKEN_GE, TOKEN_POW, TOKEN_PIPE,  TOKEN_COMPOSE,
                                  TOKEN_AND, TOKEN_OR, TOKEN_NOT, TOKEN_RANGE, TOKEN_FLOOR_DIV};
  for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
    if (operators[i] == kind) return true;
  }
  return false;
}

static bool ends_part(int kind) {
  return kind == 0 || kind == TOKEN_NL || kind == ')' || kind == ']' || kind == '}' || kind == ',';
}

#define EXPECTED_MOST 64

/* What would have done, the most telling first; operators and the like as one. */
static int expected_texts(Parser *parser, const bool *wanted, const char **text) {
  static const char *const signs[] = {"=", "{", "(", ":", "[", ",", ")", "]"};
  int count = 0;
  bool operates = wanted['+'], type = wanted[TOKEN_FN] && wanted['['] && !wanted[TOKEN_INT];
  if (wanted[TOKEN_USE]) text[count++] = "a declaration";
  if (wanted[TOKEN_PARAM]) text[count++] = "a statement";
  if (count) return count;
  for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
    bool opens = strchr("([", signs[i][0]) != NULL;
    if (signs[i][0] == ':' && operates && wanted['=']) continue; // only so that it can be reported
    if (!wanted[(int)signs[i][0]] || (opens && (operates || type || wanted[TOKEN_INT]))) continue;
    text[count++] = arena_printf(parser->arena, "`%s`", signs[i]);
  }
  if (wanted[TOKEN_ARROW] && count == 0) text[count++] = "`->`";
  if (type)
    text[count++] = "a type";
  else if (wanted[TOKEN_INT])
    text[count++] = wanted[TOKEN_UNDER] ? "a dimension" : wanted[TOKEN_STRING] ? "a value" : "a number";
  else if (wanted[TOKEN_IDENT])
    text[count++] = "a name";
  else if (wanted[TOKEN_STRING])
    text[count++] = "a string";
  for (int kind = 256; kind < TOKEN_CODES; kind++) {
    bool plain = kind == TOKEN_OVER || kind == TOKEN_ON || kind == TOKEN_FROM || kind == TOKEN_TO ||
                 kind == TOKEN_IN || kind == TOKEN_ELSE || (kind == TOKEN_AS && !operates);
    if (wanted[kind] && plain && count < EXPECTED_MOST - 4) {
      text[count++] = arena_printf(parser->arena, "`%s`", word_of_token(kind));
    }
  }
  if (operates) text[count++] = "an operator";
  if (wanted[TOKEN_NL])
    text[count++] = "the end of the line";
  else if (wanted['}'])
    text[count++] = "`}`";
  else if (wanted[0])
    text[count++] = "the end of the file";
  return count;
}

static void report(Parser *parser, const bool *wanted, SyntaxHint hint, const char *word) {
  const char *text[EXPECTED_MOST];
  int count = expected_texts(parser, wanted, text);
  const Token *found = &parser->token[0];
  problem_unexpected(parser->problems, found->span, found_text(parser, found), text, count, hint, word);
}

// --- one mistake each ------------------------------------------------------------------------------------

/* `x =` and then a line `y = 3`: the grammar has read `x = y` and meets the second `=`. */
static bool explain_dangling(Parser *parser, const bool *wanted) {
  const Token *found = &parser->token[0], *name = &parser->token[1], *sign = &parser->token[2];
  bool given = found->kind == '=' && name->kind == TOKEN_IDENT && name->line > sign->line;
  if (!given || (sign->kind != '=' && !is_operator(sign->kind))) return false;
  (void)wanted;
  problem_missing_value(parser->problems, sign->span, parser_text(parser, sign->span));
  return true;
}

static bool explain_missing_value(Parser *parser, const bool *wanted) {
  const Token *found = &parser->token[0], *sign = &parser->token[1];
  if (!ends_part(found->kind) || !wanted[TOKEN_INT] || (sign->kind != '=' && !is_operator(sign->kind)))
    return false;
  problem_missing_value(parser->problems, sign->span, parser_text(parser, sign->span));
  return true;
}

static bool explain_equals(Parser *parser, const bool *wanted) {
  const Token *found = &parser->token[0];
  if (found->kind == TOKEN_EQ && wanted['=']) {
    problem_equals_doubled(parser->problems, found->span);
    return true;
  }
  if (found->kind != '=' || !wanted[TOKEN_EQ]) return false;
  if (parser->clause || parser->levels > parser_brace(parser))
    problem_equals_compared(parser->problems, found->span);
  else
    problem_equals_target(parser->problems, found->span,
                          span_join(parser->opening.span, parser->token[1].span));
  return true;
}

static bool explain_line_start(Parser *parser, const bool *wanted) {
  const Token *found = &parser->token[0], *before = &parser->token[1];
  bool opens = parser->opening.span.start == found->span.start && before->kind == TOKEN_NL;
  bool sign =
      found->kind == '-' || found->kind == '(' || (is_operator(found->kind) && found->kind != TOKEN_NOT);
  if (!opens || !sign || (!wanted[TOKEN_USE] && !wanted[TOKEN_PARAM])) return false;
  problem_new_statement(parser->problems, found->span, parser_text(parser, found->span),
                        parser->token[2].span);
  return true;
}

/* A word of another language, at the start of a statement or where it stands now. */
static bool explain_foreign_word(Parser *parser, const bool *wanted) {
  const Token *found = &parser->token[0], *before = &parser->token[1];
  (void)wanted;
  bool opened = before->kind == TOKEN_IDENT && before->span.start == parser->opening.span.start;
  bool argument = before->kind == TOKEN_IDENT && !strcmp(parser_text(parser, before->span), "lambda");
  if ((opened || argument) && found->kind != '=' && found->kind != ':') {
    if (problem_foreign_word(parser->problems, before->span, parser_text(parser, before->span))) return true;
  }
  if (found->kind != TOKEN_IDENT) return false;
  return problem_foreign_word(parser->problems, found->span, parser_text(parser, found->span));
}

static bool explain_colon(Parser *parser, const bool *wanted) {
  const Token *found = &parser->token[0];
  bool line_ends = strchr("\r\n#", parser->cursor[*parser->cursor == ' ']) != NULL; // a NUL counts too
  if (found->kind != ':' || !(wanted['{'] || (line_ends && parser->clause))) return false;
  problem_block_colon(parser->problems, found->span);
  return true;
}

static bool explain_branch(Parser *parser, const bool *wanted) {
  const Token *found = &parser->token[0];
  if (wanted[TOKEN_ELSE] && !wanted['+'] && ends_part(found->kind)) {
    problem_missing_else(parser->problems, found->span);
    return true;
  }
  if (found->kind != TOKEN_IF || !wanted['+']) return false;
  report(parser, wanted, wanted[']'] && !wanted[','] ? HINT_FILTER : HINT_BRANCH, NULL);
  return true;
}

static bool explain_comma(Parser *parser, const bool *wanted) {
  const Token *found = &parser->token[0], *before = &parser->token[1];
  bool adjacent = before->span.end == found->span.start;
  if (found->kind == TOKEN_STRING && before->kind == TOKEN_IDENT && adjacent) {
    report(parser, wanted, HINT_NO_TEXT_CODE, NULL);
    return true;
  }
  bool compared = found->kind == TOKEN_IDENT && !strcmp(parser_text(parser, found->span), "is");
  if (compared && wanted[TOKEN_EQ]) {
    report(parser, wanted, HINT_IS, NULL);
    return true;
  }
  bool ended =
      begins_value(before->kind) || before->kind == ')' || before->kind == ']' || before->kind == '}';
  if (!wanted[','] || !begins_value(found->kind) || !ended) return false;
  if (parser->levels == parser_brace(parser)) return false;
  if (wanted[':'] && !wanted[TOKEN_EQ] && found->kind == TOKEN_IDENT) { // a list of parameters
    report(parser, wanted, HINT_TYPE_BEHIND, parser_text(parser, before->span));
    return true;
  }
  problem_missing_comma(parser->problems, found->span, parser_text(parser, before->span),
                        parser_text(parser, found->span));
  return true;
}

static bool explain_header(Parser *parser, const bool *wanted) {
  const Token *found = &parser->token[0], *before = &parser->token[1];
  int opening = parser->opening.kind;
  bool two_lists = opening == TOKEN_LAYER || opening == TOKEN_OPTIMIZER;
  if (two_lists && wanted['('] && !wanted[TOKEN_INT] && before->kind == ')')
    report(parser, wanted, HINT_TWO_LISTS, word_of_token(opening));
  else if (opening == TOKEN_PARAM && wanted[':'] && found->kind == '=')
    report(parser, wanted, HINT_PARAM_TYPE, parser_text(parser, before->span));
  else if (before->kind == TOKEN_USE && found->kind == TOKEN_IDENT)
    report(parser, wanted, HINT_USE_STRING, parser_text(parser, found->span));
  else if (before->kind == TOKEN_LET && found->kind == '[')
    report(parser, wanted, HINT_PATTERN, NULL);
  else if (found->kind == '{' && wanted[TOKEN_INT] && (before->kind < 256 || before->kind == TOKEN_PIPE))
    report(parser, wanted, HINT_RECORD, NULL);
  else
    return false;
  return true;
}

/* A statement at the top of a file, a declaration in a block, or a misspelt word that opens either. */
static bool explain_place(Parser *parser, const bool *wanted) {
  const Token *found = &parser->token[0], *before = &parser->token[1];
  const char *word = word_of_token(found->kind);
  bool states = (found->kind >= TOKEN_PARAM && found->kind <= TOKEN_EXPECT) || found->kind == TOKEN_FOR ||
                found->kind == TOKEN_IF;
  if (wanted[TOKEN_USE] && states) {
    problem_statement_outside(parser->problems, found->span, word);
    return true;
  }
  if (wanted[TOKEN_PARAM] && word && word_opens_declaration(parser->text + found->span.start, true)) {
    problem_declaration_inside(parser->problems, found->span, word);
    return true;
  }
  bool opened = before->span.start == parser->opening.span.start && before->kind == TOKEN_IDENT;
  const Token *misspelt = wanted[TOKEN_USE] && found->kind == TOKEN_IDENT ? found : opened ? before : NULL;
  if (!misspelt || (misspelt == before && found->kind != TOKEN_IDENT)) return false;
  const unsigned char *next = parser->cursor;
  while (*next == ' ') next++;
  if (misspelt == found && *next == '=' && next[1] != '=') {
    report(parser, wanted, HINT_GIVE_NAME, parser_text(parser, found->span));
    return true;
  }
  int count;
  const char *const *openers = word_openers(&count);
  const char *nearest = name_nearest(parser_text(parser, misspelt->span), openers, count);
  if (!nearest) return false;
  report(parser, wanted, HINT_SPELLING, nearest);
  return true;
}

void report_unexpected(Parser *parser, const bool *wanted) {
  static bool (*const explain[])(Parser *, const bool *) = {
      explain_dangling, explain_missing_value, explain_equals, explain_line_start, explain_foreign_word,
      explain_colon,    explain_branch,        explain_header, explain_comma,      explain_place};
  for (size_t i = 0; i < sizeof explain / sizeof *explain; i++) {
    if (explain[i](parser, wanted)) return;
  }
  report(parser, wanted, HINT_NONE, NULL);
}
