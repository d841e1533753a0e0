/* From bytes to tokens.
 *
 * Three things here are more than matching. A newline ends a statement or not (language.md 3.3): that depends
 * on the innermost bracket, on the token before and on what the next line begins with. All words but the
 * eleven reserved ones are words only in their place. And brackets are balanced here: where one is missing,
 * mismatched or too many, that is reported, and the grammar gets what should have stood there.
 *
 * The text ends with a NUL that no valid text contains, so no rule looks past it. */
#include "lang/problems_syntax.h"
#include "parser/grammar.h"
#include "parser/literal.h"
#include "parser/word.h"

#include <string.h>

#define AGAIN (-1) // nothing to deliver: read on

static Span span_between(const Parser *parser, const unsigned char *start, const unsigned char *end) {
  return (Span){parser->source->id, (uint32_t)(start - parser->text), (uint32_t)(end - parser->text)};
}

static Span span_behind_token(const Parser *parser) {
  uint32_t end = parser->token[0].span.end;
  return (Span){parser->source->id, end, end};
}

// --- nesting ---------------------------------------------------------------------------------------------

static void nest(Parser *parser, int *counter, Span at) {
  ++*counter;
  if (++parser->depth > NESTING_LIMIT) parser_too_deep(parser, at);
}

static void unnest(Parser *parser, int *counter) {
  parser->depth -= *counter;
  *counter = 0;
}

static int bracket_open(Parser *parser, int bracket, Span span) {
  Level *outer = &parser->level[parser->levels];
  bool last_branch = bracket == '{' && parser->token[0].kind == TOKEN_ELSE;
  int one = 0;
  nest(parser, &one, span);
  if (parser->stopped) return 0;
  parser->level[++parser->levels] = (Level){.open = bracket, .span = span, .line = parser->line};
  if (last_branch) {
    parser->level[parser->levels].held = outer->branches;
    outer->branches = 0;
  }
  return bracket;
}

static void level_leave(Parser *parser) {
  Level *level = &parser->level[parser->levels--];
  parser->depth -= 1 + level->chain + level->branches + level->held;
}

/* Chains that nest without brackets; an operator, comma or new statement ends them. */
static void chain_count(Parser *parser, int kind, bool value_before, Span at) {
  Level *level = &parser->level[parser->levels];
  switch (kind) {
  case TOKEN_IF:
    nest(parser, parser->token[0].kind == TOKEN_ELSE ? &level->branches : &level->chain, at);
    break;
  case TOKEN_NOT:
  case TOKEN_POW:
  case TOKEN_FN:
  case TOKEN_SCAN:
  case TOKEN_MAP: nest(parser, &level->chain, at); break;
  case '-':
    if (value_before)
      unnest(parser, &level->chain);
    else
      nest(parser, &level->chain, at);
    break;
  case TOKEN_NL:
  case ',':
    unnest(parser, &level->chain);
    unnest(parser, &level->branches);
    break;
  case '+':
  case '*':
  case '/':
  case '%':
  case '@':
  case TOKEN_FLOOR_DIV:
  case TOKEN_RANGE:
  case TOKEN_AND:
  case TOKEN_OR:
  case TOKEN_COMPOSE:
  case TOKEN_PIPE: unnest(parser, &level->chain); break;
  default: break;
  }
}

// --- brackets --------------------------------------------------------------------------------------------

static int bracket_partner(int bracket) {
  switch (bracket) {
  case '(': return ')';
  case '[': return ']';
  case '{': return '}';
  case ')': return '(';
  case ']': return '[';
  default: return '{';
  }
}

static void close_down_to(Parser *parser, int level, Span at) {
  const Level *open = &parser->level[parser->levels];
  if (!parser->skipping) problem_bracket_open(parser->problems, open->span, (char)open->open, at);
  parser->closing = level;
}

/* A closing bracket in the text: its own, or one that tells of a slip. */
static int bracket_close(Parser *parser, int found, const unsigned char *start) {
  Span at = span_between(parser, start, parser->cursor);
  const Level *top = &parser->level[parser->levels];
  int open = bracket_partner(found), match = parser->levels;
  if (top->open == open) {
    level_leave(parser);
    return found;
  }
  while (match > 0 && parser->level[match].open != open && (found == '}' || parser->level[match].open != '{')) {
    match--;
  }
  if (match > 0 && parser->level[match].open == open) {
    close_down_to(parser, match, at);
    parser->cursor = start;
    return AGAIN;
  }
  parser->damaged_line = parser->line;
  if (found != '}' && top->open && top->open != '{') {
    if (!parser->skipping) {
      problem_bracket_mismatch(parser->problems, top->span, (char)top->open, at, (char)found);
    }
    int expected = bracket_partner(top->open);
    level_leave(parser);
    return expected;
  }
  if (!parser->skipping) problem_bracket_stray(parser->problems, at, (char)found);
  return AGAIN;
}

/* Behind a string without an end its line is lost: so are the brackets that were to be closed there. */
static void close_line(Parser *parser) {
  int level = parser->levels;
  while (level > 0 && parser->level[level].open != '{' && parser->level[level].line == parser->line) level--;
  if (level < parser->levels) parser->closing = level;
}

int parser_brace(const Parser *parser) {
  int level = parser->levels;
  while (level > 0 && parser->level[level].open != '{') level--;
  return level;
}

// --- lines -----------------------------------------------------------------------------------------------

/* From the start of a line to the next word or sign, over blank lines and comments; keeps the `##` ones. */
static void lines_skip(Parser *parser) {
  const unsigned char *p = parser->cursor;
  for (;;) {
    if (*p == '\n' || *p == '\r') {
      p += p[0] == '\r' && p[1] == '\n' ? 2 : 1;
      parser->line++;
    } else if (*p == ' ' || *p == '\t') {
      p++;
    } else if (*p == '#') {
      const unsigned char *comment = p;
      while (p < parser->limit && *p != '\n' && *p != '\r') p++;
      if (comment[1] == '#') {
        Span doc = span_between(parser, comment, p);
        if (parser->doc_end == 0) parser->doc_start = doc.start;
        parser->doc_end = doc.end;
      }
    } else {
      break;
    }
  }
  parser->cursor = p;
}

static bool first_in_line(const Parser *parser, const unsigned char *p) {
  uint32_t offset = (uint32_t)(p - parser->text);
  bool behind_mark = offset == 3 && !memcmp(parser->text, "\xef\xbb\xbf", 3);
  return offset == 0 || behind_mark || p[-1] == '\n' || p[-1] == '\r';
}

/* Whether a line that begins like this goes on with the statement before it. */
static bool line_continues(const Parser *parser, const unsigned char *p) {
  static const char *const pairs[] = {"|>", ">>", "->", "==", "**"};
  for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
    if (p[0] == (unsigned char)pairs[i][0] && p[1] == (unsigned char)pairs[i][1]) return true;
  }
  if (*p && strchr("+*/@{", *p)) return true;
  return word_continues(p) || (parser->token[0].kind == '}' && word_is_elif(p));
}

/* At the first word or sign behind a newline: does the newline end the statement? Here it shows that a
 * bracket was forgotten: a declaration begins in the first column, or a statement where none can. */
static bool line_ends(Parser *parser) {
  const unsigned char *p = parser->cursor;
  int open = parser->level[parser->levels].open;
  bool declaration = first_in_line(parser, p) && word_opens_declaration(p, parser_brace(parser) > 0);
  bool statement = declaration || word_opens_statement(p);
  if (open && (declaration || (open != '{' && statement))) {
    close_down_to(parser, declaration ? 0 : parser_brace(parser), span_between(parser, p, word_end(p)));
    parser->line_due = true;
    return false;
  }
  if (open && open != '{') return false;
  if (parser->at_opening) return parser->skipping && declaration;
  return statement || (parser->value_ended && !line_continues(parser, p));
}

static const char *doc_take(Parser *parser) {
  if (parser->doc_end == 0) return NULL;
  const char *p = parser->source->text + parser->doc_start, *end = parser->source->text + parser->doc_end;
  char *doc = arena_alloc(parser->arena, (size_t)(end - p) + 1, 1), *out = doc;
  while (p < end) {
    const char *start = p;
    while (p < end && *p != '\n' && *p != '\r') p++;
    while (start < p && (*start == ' ' || *start == '\t')) start++;
    if (p - start >= 2 && start[0] == '#' && start[1] == '#') {
      start += start + 2 < p && start[2] == ' ' ? 3 : 2;
      if (out > doc) *out++ = '\n';
      memcpy(out, start, (size_t)(p - start));
      out += p - start;
    }
    if (p < end) p++;
  }
  return doc;
}

// --- words and signs -------------------------------------------------------------------------------------

static int scan_word(Parser *parser, GrammarValue *value, const unsigned char *start) {
  size_t length = (size_t)(parser->cursor - start);
  Span span = span_between(parser, start, parser->cursor);
  if (length > NAME_LIMIT) problem_name_long(parser->problems, span, length, NAME_LIMIT);
  if (parser->token[0].kind == '}' && word_is_elif(start)) {
    problem_foreign_word(parser->problems, span, "elif");
    parser->if_due = true;
    return TOKEN_ELSE;
  }
  int kind = word_token(start, parser->at_opening, parser->value_ended);
  if (kind == TOKEN_IDENT)
    value->name = name_of_n((const char *)start, length < NAME_LIMIT ? length : NAME_LIMIT);
  else
    value->doc = parser->at_opening ? doc_take(parser) : NULL;
  return kind;
}

/* A short name or number that begins here, for messages. */
static const char *operand_text(Parser *parser, const unsigned char *p) {
  while (*p == ' ' || *p == '\t') p++;
  const unsigned char *end = p;
  while (word_has(*end) || (*end == '.' && word_has(end[1]))) end++;
  return end > p && end - p < 40 ? parser_text(parser, span_between(parser, p, end)) : NULL;
}

static const char *token_operand(Parser *parser) {
  const Token *token = &parser->token[0];
  bool simple = token->kind == TOKEN_IDENT || token->kind == TOKEN_INT || token->kind == TOKEN_FLOAT;
  return simple && token->span.end - token->span.start < 40 ? parser_text(parser, token->span) : NULL;
}

static int scan_caret(Parser *parser, const unsigned char *start) {
  problem_caret(parser->problems, span_between(parser, start, parser->cursor), token_operand(parser),
                operand_text(parser, parser->cursor));
  return TOKEN_POW;
}

static int scan_foreign(Parser *parser, const unsigned char *start, const char *instead, int kind) {
  Span at = span_between(parser, start, parser->cursor);
  problem_foreign_operator(parser->problems, at, parser_text(parser, at), instead);
  parser->damaged_line = parser->line;
  return kind;
}

static int scan_update(Parser *parser, const unsigned char *start) {
  Span at = span_between(parser, start, parser->cursor), op = at;
  op.end--;
  problem_update_operator(parser->problems, at, parser_text(parser, op), token_operand(parser));
  parser->damaged_line = parser->line;
  return '=';
}

static int scan_invalid(Parser *parser, const unsigned char *start) {
  const unsigned char *end = literal_character_end(start);
  Span at = span_between(parser, start, end);
  literal_report_character(parser, at, start > parser->text && word_has(start[-1]));
  parser->damaged_line = parser->line;
  while (*end >= 0x80) end = literal_character_end(end);
  parser->cursor = end;
  return AGAIN;
}

static int scan_newline(Parser *parser) {
  parser->line++;
  lines_skip(parser);
  return line_ends(parser) ? TOKEN_NL : AGAIN;
}

static int scan_end(Parser *parser, const unsigned char *start) {
  parser->cursor = start;
  if (parser->levels == 0) return 0;
  if (problems_total(parser->problems) == parser->problems_before) parser->unfinished = true;
  close_down_to(parser, 0, span_behind_token(parser));
  return AGAIN;
}

/* One match of the rules. */
static int scan_match(Parser *parser, GrammarValue *value, const unsigned char *start) {
  const unsigned char *marker;
  /*!re2c
    re2c:define:YYCTYPE = "unsigned char";
    re2c:define:YYCURSOR = "parser->cursor";
    re2c:define:YYMARKER = "marker";
    re2c:yyfill:enable = 0;

    digit = [0-9];
    word  = [A-Za-z_] [A-Za-z0-9_]*;
    whole = digit ("_"? digit)*;
    power = [eE] [-+]? digit+;
    tail  = [A-Za-z0-9_]*;

    "\x00"                   { return scan_end(parser, start); }
    [ \t]+                   { return AGAIN; }
    "#" [^\n\r\x00]*         { return AGAIN; }
    "\r\n" | "\n" | "\r"     { return scan_newline(parser); }
    ";"                      { return parser->at_opening ? AGAIN : TOKEN_NL; }

    "_"                      { return TOKEN_UNDER; }
    word                     { return scan_word(parser, value, start); }

    whole                    { return literal_integer(parser, &value->integer, start); }
    whole "." whole power?   { return literal_float(parser, &value->real, start); }
    whole power              { return literal_float(parser, &value->real, start); }
    whole "." / [^0-9.A-Za-z_]     { return literal_malformed(parser, value, start); }
    whole "." power                { return literal_malformed(parser, value, start); }
    digit tail ("." digit tail)?   { return literal_malformed(parser, value, start); }
    "." digit tail {
      if (!parser->value_ended) return literal_malformed(parser, value, start);
      parser->cursor = start + 1;
      return '.';
    }
    ["] {
      if (!literal_string(parser, &value->string, start)) close_line(parser);
      return TOKEN_STRING;
    }
    ['] {
      if (!literal_quoted(parser, &value->string, start)) close_line(parser);
      return TOKEN_STRING;
    }

    "->"  { return TOKEN_ARROW; }
    "|>"  { return TOKEN_PIPE; }
    ">>"  { return TOKEN_COMPOSE; }
    "=="  { return TOKEN_EQ; }
    "!="  { return TOKEN_NE; }
    "<="  { return TOKEN_LE; }
    ">="  { return TOKEN_GE; }
    "**"  { return TOKEN_POW; }
    "//"  { return TOKEN_FLOOR_DIV; }
    "..." { return TOKEN_ELLIPSIS; }
    ".."  { return TOKEN_RANGE; }
    [-+*/%@<>=,:.] { return *start; }
    [([{] { return bracket_open(parser, *start, span_between(parser, start, parser->cursor)); }
    [)\]}] { return bracket_close(parser, *start, start); }

    "^"          { return scan_caret(parser, start); }
    "&" | "&&"   { return scan_foreign(parser, start, "and", TOKEN_AND); }
    "|" | "||"   { return scan_foreign(parser, start, "or", TOKEN_OR); }
    "!" | "~"    { return scan_foreign(parser, start, "not", TOKEN_NOT); }
    "===" | "!==" { return scan_foreign(parser, start, *start == '!' ? "!=" : "==", TOKEN_EQ); }
    ":="         { return scan_foreign(parser, start, "=", '='); }
    "=>"         { return scan_foreign(parser, start, "fn (x) = …", TOKEN_ARROW); }
    ("**" | "//" | [-+*/%@]) "=" { return scan_update(parser, start); }
    *            { return scan_invalid(parser, start); }
  */
}

/* A token that the text lacks, if one is due: a closing bracket, an end of line, the `if` of `elif`. */
static int scan_due(Parser *parser) {
  if (parser->closing >= 0 && parser->levels > parser->closing) {
    int close = bracket_partner(parser->level[parser->levels].open);
    level_leave(parser);
    return close;
  }
  parser->closing = -1;
  bool if_due = parser->if_due, line_due = parser->line_due;
  parser->if_due = parser->line_due = false;
  return if_due ? TOKEN_IF : line_due ? TOKEN_NL : AGAIN;
}

/* Words and signs behind which an expression is complete. A `fn` is, where it is a type. */
static bool ends_value(const Parser *parser, int kind) {
  switch (kind) {
  case TOKEN_IDENT:
  case TOKEN_INT:
  case TOKEN_FLOAT:
  case TOKEN_STRING:
  case TOKEN_TRUE:
  case TOKEN_FALSE:
  case TOKEN_NONE:
  case TOKEN_UNDER:
  case TOKEN_ELLIPSIS:
  case ')':
  case ']':
  case '}': return true;
  case TOKEN_FN: return parser->token[0].kind == ':' || parser->token[0].kind == TOKEN_ARROW;
  default: return false;
  }
}

static void token_keep(Parser *parser, Token token) {
  bool opens = parser->at_opening && token.kind != TOKEN_NL && token.kind != '}';
  bool value_before = parser->value_ended;
  if (!token.synthetic) chain_count(parser, token.kind, value_before, token.span);
  parser->value_ended = ends_value(parser, token.kind);
  parser->at_opening = token.kind == TOKEN_NL || token.kind == '{';
  memmove(&parser->token[1], &parser->token[0], (TOKENS_KEPT - 1) * sizeof token);
  parser->token[0] = token;
  if (opens) {
    parser->opening = token;
    parser->clause = 0;
    parser->doc_end = 0;
  }
  if (token.kind == TOKEN_IF || token.kind == TOKEN_WHERE || token.kind == TOKEN_WHILE ||
      token.kind == TOKEN_EXPECT) {
    parser->clause = token.kind;
  }
}

static void scan(Parser *parser, GrammarValue *value) {
  const unsigned char *start;
  int kind, line;
  bool synthetic;
  do {
    start = parser->cursor;
    line = parser->line;
    parser->brace = parser_brace(parser);
    kind = scan_due(parser);
    synthetic = kind != AGAIN;
    if (!synthetic && parser->token[0].kind == '.' && *start >= '0' && *start <= '9')
      kind = literal_part(parser, &value->integer);
    else if (!synthetic)
      kind = scan_match(parser, value, start);
    if (problems_total(parser->problems) - parser->problems_before >= SYNTAX_ERRORS_LIMIT) parser->stopped = true;
  } while (kind == AGAIN && !parser->stopped);
  if (parser->stopped) kind = 0;
  bool empty = synthetic || kind == TOKEN_NL || kind == 0;
  Span span = empty ? span_behind_token(parser) : span_between(parser, start, parser->cursor);
  if (kind == TOKEN_NL && *start == ';') span = span_between(parser, start, parser->cursor);
  token_keep(parser, (Token){kind, span, line, synthetic});
}

int grammar_lex(GrammarValue *value, Span *span, Parser *parser) {
  if (parser->start) {
    int start = parser->start;
    parser->start = 0;
    *span = parser->token[0].span;
    return start;
  }
  if (!parser->again) scan(parser, value);
  parser->again = false;
  *span = parser->token[0].span;
  return parser->stopped ? 0 : parser->token[0].kind;
}

// --- after an error --------------------------------------------------------------------------------------

static bool statement_is_over(const Parser *parser, int brace) {
  const Token *token = &parser->token[0];
  if (token->kind == 0 || parser->stopped) return true;
  if (brace > 0) {
    return (token->kind == TOKEN_NL && parser->levels == brace) || (token->kind == '}' && parser->brace == brace);
  }
  bool line_end = token->kind == TOKEN_NL && parser->levels == 0;
  return line_end && first_in_line(parser, parser->cursor) && word_opens_declaration(parser->cursor, false);
}

bool lexer_skip_statement(Parser *parser) {
  int brace = parser->brace;
  if (statement_is_over(parser, brace)) return false;
  GrammarValue unused;
  parser->skipping = true;
  do scan(parser, &unused);
  while (!statement_is_over(parser, brace));
  parser->skipping = false;
  parser->again = true;
  return true;
}

bool lexer_start(Parser *parser, int start) {
  const Source *source = parser->source;
  parser->text = (const unsigned char *)source->text;
  parser->cursor = parser->text;
  parser->limit = parser->text + source->length;
  parser->start = start;
  parser->closing = parser->damaged_line = -1;
  parser->at_opening = true;
  parser->problems_before = problems_total(parser->problems);
  parser->token[0].span.source = source->id;
  if (!literal_check_text(parser)) return false;
  if (source->length >= 3 && !memcmp(source->text, "\xef\xbb\xbf", 3)) parser->cursor += 3;
  lines_skip(parser);
  return true;
}
