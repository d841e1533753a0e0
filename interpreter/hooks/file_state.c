/* A script as tokens, and one walk over them with the names in scope.
 *
 * The walk knows blocks, functions and brackets by what opens and closes them, and looks ahead for assignments where
 * a statement can begin. It need not be right about every text: Lua has compiled this one already. */
#include "interpreter/hooks/file_state.h"
#include "base/name.h"
#include "lang/problems.h"

#include <ctype.h>
#include <string.h>

typedef enum { TOKEN_NAME, TOKEN_WORD, TOKEN_VALUE, TOKEN_SIGN, TOKEN_END } TokenKind;

typedef struct {
  TokenKind kind;
  uint32_t start, end;
} Token;

typedef struct {
  Name name;
  Span span;
  int function; // how many functions are open where it is declared: 0 is the file
} Local;

typedef struct {
  char opened; // f function, b block, o a for before its do, or the bracket
  int locals;  // in scope before it
} Block;

typedef struct {
  Arena *arena;
  Problems *problems;
  const Source *source;
  Token *token;
  int tokens;
  size_t token_capacity;
  Local *local;
  int locals;
  size_t local_capacity;
  Block *block;
  int blocks;
  size_t block_capacity;
  int functions; // open
  Name *told;
  int tolds;
  size_t told_capacity;
} Walk;

// ---- tokens -------------------------------------------------------------------------------------------------------

/* Past a long bracket that begins at `at`, or 0 if none does. */
static uint32_t long_bracket(const char *text, uint32_t at, uint32_t end) {
  uint32_t level = 0, p = at + 1;
  while (p < end && text[p] == '=') p++, level++;
  if (text[at] != '[' || p >= end || text[p] != '[') return 0;
  for (p++; p < end; p++) {
    uint32_t k = 0;
    if (text[p] != ']') continue;
    while (k < level && p + 1 + k < end && text[p + 1 + k] == '=') k++;
    if (k == level && p + 1 + k < end && text[p + 1 + k] == ']') return p + k + 2;
  }
  return end;
}

static uint32_t comment_end(const char *text, uint32_t at, uint32_t end) {
  uint32_t close = at + 2 < end ? long_bracket(text, at + 2, end) : 0;
  if (close) return close;
  while (at < end && text[at] != '\n') at++;
  return at;
}

static bool is_word(const char *text, size_t length) {
  static const char *const words[] = {"and",      "break",  "do",   "else", "elseif", "end",  "false", "for",
                                      "function", "goto",   "if",   "in",   "local",  "nil",  "not",   "or",
                                      "repeat",   "return", "then", "true", "until",  "while"};
  for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
    if (strlen(words[i]) == length && !memcmp(words[i], text, length)) return true;
  return false;
}

static void add_token(Walk *w, TokenKind kind, uint32_t start, uint32_t end) {
  w->token = arena_grow(w->arena, w->token, (size_t)w->tokens, &w->token_capacity, sizeof(Token));
  w->token[w->tokens++] = (Token){kind, start, end};
}

static uint32_t quoted_end(const char *text, uint32_t at, uint32_t end) {
  char quote = text[at++];
  while (at < end && text[at] != quote) at += text[at] == '\\' ? 2 : 1;
  return at < end ? at + 1 : end;
}

static void read_tokens(Walk *w) {
  const char *text = w->source->text;
  uint32_t at = 0, end = (uint32_t)w->source->length;
  if (end && text[0] == '#') at = comment_end(text, 0, end);
  while (at < end) {
    unsigned char c = (unsigned char)text[at];
    uint32_t start = at;
    if (isspace(c))
      at++;
    else if (c == '-' && text[at + 1] == '-')
      at = comment_end(text, at, end);
    else if (isalpha(c) || c == '_') {
      while (at < end && (isalnum((unsigned char)text[at]) || text[at] == '_')) at++;
      add_token(w, is_word(text + start, at - start) ? TOKEN_WORD : TOKEN_NAME, start, at);
    } else if (isdigit(c)) {
      while (at < end && (isalnum((unsigned char)text[at]) || text[at] == '.')) at++;
      add_token(w, TOKEN_VALUE, start, at);
    } else if (c == '"' || c == '\'' || (c == '[' && long_bracket(text, at, end))) {
      at = c == '[' ? long_bracket(text, at, end) : quoted_end(text, at, end);
      add_token(w, TOKEN_VALUE, start, at);
    } else { // == ~= <= >= are one sign, so that = alone is an assignment
      at += text[at + 1] == '=' && strchr("=~<>", (char)c) ? 2 : 1;
      add_token(w, TOKEN_SIGN, start, at);
    }
  }
  add_token(w, TOKEN_END, end, end);
}

static bool is(const Walk *w, int i, const char *text) {
  if (i < 0 || i >= w->tokens || w->token[i].kind == TOKEN_VALUE) return false;
  size_t length = w->token[i].end - w->token[i].start;
  return strlen(text) == length && !memcmp(w->source->text + w->token[i].start, text, length);
}

static bool is_name(const Walk *w, int i) {
  return i >= 0 && i < w->tokens && w->token[i].kind == TOKEN_NAME;
}

static Name name_at(const Walk *w, int i) {
  return name_of_n(w->source->text + w->token[i].start, w->token[i].end - w->token[i].start);
}

static Span span_at(const Walk *w, int i) {
  return (Span){w->source->id, w->token[i].start, w->token[i].end};
}

// ---- names --------------------------------------------------------------------------------------------------------

static void declare(Walk *w, int i) {
  w->local = arena_grow(w->arena, w->local, (size_t)w->locals, &w->local_capacity, sizeof(Local));
  w->local[w->locals++] = (Local){name_at(w, i), span_at(w, i), w->functions};
}

/* Names with commas between them, from token i; the first token behind them. */
static int declare_names(Walk *w, int i) {
  while (is_name(w, i)) {
    declare(w, i++);
    if (is(w, i, "<")) i += 3; // <const>
    if (!is(w, i, ",")) break;
    i++;
  }
  return i;
}

static void assigned(Walk *w, int i) {
  Name name = name_at(w, i);
  if (w->functions == 0) return;
  const Local *local = NULL;
  for (int k = w->locals - 1; k >= 0 && !local; k--)
    if (w->local[k].name == name) local = &w->local[k];
  if (local && local->function > 0) return;
  for (int k = 0; k < w->tolds; k++)
    if (w->told[k] == name) return;
  w->told = arena_grow(w->arena, w->told, (size_t)w->tolds, &w->told_capacity, sizeof(Name));
  w->told[w->tolds++] = name;
  problem_hook_state(w->problems, span_at(w, i), name, local ? local->span : (Span){0});
}

// ---- blocks -------------------------------------------------------------------------------------------------------

static void open_block(Walk *w, char opened) {
  w->block = arena_grow(w->arena, w->block, (size_t)w->blocks, &w->block_capacity, sizeof(Block));
  w->block[w->blocks++] = (Block){opened, w->locals};
  w->functions += opened == 'f';
}

static void close_block(Walk *w) {
  if (w->blocks == 0) return;
  const Block *block = &w->block[--w->blocks];
  w->functions -= block->opened == 'f';
  w->locals = block->locals;
}

static char innermost(const Walk *w) { return w->blocks ? w->block[w->blocks - 1].opened : 'b'; }

/* Past the bracket that opens at token i. */
static int skip_brackets(const Walk *w, int i) {
  int depth = 0;
  do {
    depth += is(w, i, "(") || is(w, i, "[") || is(w, i, "{");
    depth -= is(w, i, ")") || is(w, i, "]") || is(w, i, "}");
    i++;
  } while (depth > 0 && i < w->tokens);
  return i;
}

/* `a`, `a.b[c].d`, `f(x).y`: the first token behind it. */
static int skip_target(const Walk *w, int i) {
  for (i++; i < w->tokens;) {
    if (is(w, i, ".") || is(w, i, ":"))
      i += 2;
    else if (is(w, i, "[") || is(w, i, "("))
      i = skip_brackets(w, i);
    else
      break;
  }
  return i;
}

/* Whether a statement can begin at token i: behind a whole expression or a word that opens a block. */
static bool begins_statement(const Walk *w, int i) {
  if (innermost(w) != 'b' && innermost(w) != 'f') return false;
  if (i == 0 || is_name(w, i - 1) || w->token[i - 1].kind == TOKEN_VALUE) return true;
  static const char *const before[] = {";",      ")",   "]",   "}",    "do",    "then",  "else",
                                       "repeat", "end", "nil", "true", "false", "break", ":"};
  for (size_t k = 0; k < sizeof(before) / sizeof(*before); k++)
    if (is(w, i - 1, before[k])) return true;
  return false;
}

static void look_for_assignment(Walk *w, int i) {
  int target = i;
  while (is_name(w, target)) {
    int next = skip_target(w, target);
    if (is(w, next, "=")) break;
    if (!is(w, next, ",")) return;
    target = next + 1;
  }
  if (!is_name(w, target)) return;
  for (int k = i; k <= target; k = skip_target(w, k) + 1) assigned(w, k);
}

/* table.insert(t, …) and its like change t. */
static void look_for_change(Walk *w, int i) {
  static const char *const changes[] = {"insert", "remove", "sort", "move"};
  for (size_t k = 0; k < sizeof(changes) / sizeof(*changes); k++)
    if (is(w, i, "table") && is(w, i + 1, ".") && is(w, i + 2, changes[k]) && is(w, i + 3, "(") &&
        is_name(w, i + 4))
      assigned(w, i + 4);
}

// ---- the walk -----------------------------------------------------------------------------------------------------

/* Behind the word `function`: its name, if any, and its parameters. The last token taken. */
static int walk_function(Walk *w, int i) {
  if (is(w, i - 1, "local"))
    declare(w, ++i);
  else if (is_name(w, i + 1)) {
    assigned(w, i + 1);
    i = i + 1;
    while (is(w, i + 1, ".") || is(w, i + 1, ":")) i += 2;
  }
  open_block(w, 'f');
  if (!is(w, i + 1, "(")) return i;
  int end = declare_names(w, i + 2);
  while (end < w->tokens && !is(w, end, ")")) end++;
  return end;
}

/* `for a, b in …`: the names live in the block that `do` opens. */
static int walk_for(Walk *w, int i) {
  open_block(w, 'o');
  return declare_names(w, i + 1) - 1;
}

static int walk_word(Walk *w, int i) {
  if (is(w, i, "function")) return walk_function(w, i);
  if (is(w, i, "for")) return walk_for(w, i);
  if (is(w, i, "local") && is_name(w, i + 1)) return declare_names(w, i + 1) - 1;
  if (is(w, i, "do") && innermost(w) == 'o')
    w->block[w->blocks - 1].opened = 'b'; // the block of a for
  else if (is(w, i, "do") || is(w, i, "then") || is(w, i, "repeat"))
    open_block(w, 'b');
  else if (is(w, i, "else")) {
    close_block(w);
    open_block(w, 'b');
  } else if (is(w, i, "elseif") || is(w, i, "end") || is(w, i, "until"))
    close_block(w);
  return i;
}

void file_state_check(Arena *arena, Problems *problems, const Source *source) {
  Walk w = {.arena = arena, .problems = problems, .source = source};
  read_tokens(&w);
  for (int i = 0; i < w.tokens; i++) {
    if (w.token[i].kind == TOKEN_WORD)
      i = walk_word(&w, i);
    else if (is_name(&w, i)) {
      look_for_change(&w, i);
      if (begins_statement(&w, i)) look_for_assignment(&w, i);
    } else if (is(&w, i, "(") || is(&w, i, "[") || is(&w, i, "{"))
      open_block(&w, w.source->text[w.token[i].start]);
    else if (is(&w, i, ")") || is(&w, i, "]") || is(&w, i, "}"))
      close_block(&w);
  }
}
