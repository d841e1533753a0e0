/* The table of words, and the looks at what follows one. */
#include "parser/word.h"
#include "parser/grammar.h"

#include <string.h>

typedef enum {
  ROLE_RESERVED,
  ROLE_NAMES, // opens a statement before a blank and a name: `data d`
  ROLE_TAKES, // opens a statement before a blank and any value: `print "a"`
  ROLE_LOOP,  // begins an expression before a blank and a name: `scan i`
  ROLE_JOINS, // joins parts, right behind a value: `x over T`
} Role;

typedef struct {
  const char *text;
  int token;
  Role role;
  bool declares, continues; // continues: at the start of a line it goes on with the line before
} Word;

static const Word words[] = {
    {"and", TOKEN_AND, ROLE_RESERVED, false, true},
    {"or", TOKEN_OR, ROLE_RESERVED, false, true},
    {"not", TOKEN_NOT, ROLE_RESERVED, false, false},
    {"if", TOKEN_IF, ROLE_RESERVED, false, false},
    {"else", TOKEN_ELSE, ROLE_RESERVED, false, true},
    {"for", TOKEN_FOR, ROLE_RESERVED, false, false},
    {"fn", TOKEN_FN, ROLE_RESERVED, true, false},
    {"let", TOKEN_LET, ROLE_RESERVED, true, false},
    {"true", TOKEN_TRUE, ROLE_RESERVED, false, false},
    {"false", TOKEN_FALSE, ROLE_RESERVED, false, false},
    {"None", TOKEN_NONE, ROLE_RESERVED, false, false},

    {"use", TOKEN_USE, ROLE_TAKES, true, false},
    {"config", TOKEN_CONFIG, ROLE_NAMES, true, false},
    {"data", TOKEN_DATA, ROLE_NAMES, true, false},
    {"layer", TOKEN_LAYER, ROLE_NAMES, true, false},
    {"model", TOKEN_MODEL, ROLE_NAMES, true, false},
    {"optimizer", TOKEN_OPTIMIZER, ROLE_NAMES, true, false},
    {"metric", TOKEN_METRIC, ROLE_TAKES, true, false},
    {"train", TOKEN_TRAIN, ROLE_NAMES, true, false},
    {"eval", TOKEN_EVAL, ROLE_NAMES, true, false},
    {"predict", TOKEN_PREDICT, ROLE_NAMES, true, false},
    {"task", TOKEN_TASK, ROLE_NAMES, true, false},
    {"sweep", TOKEN_SWEEP, ROLE_NAMES, true, false},
    {"load", TOKEN_LOAD, ROLE_TAKES, true, false},
    {"export", TOKEN_EXPORT, ROLE_TAKES, true, false},
    {"test", TOKEN_TEST, ROLE_TAKES, true, false},

    {"param", TOKEN_PARAM, ROLE_NAMES, false, false},
    {"state", TOKEN_STATE, ROLE_NAMES, false, false},
    {"yield", TOKEN_YIELD, ROLE_TAKES, false, false},
    {"minimize", TOKEN_MINIMIZE, ROLE_TAKES, false, false},
    {"maximize", TOKEN_MAXIMIZE, ROLE_TAKES, false, false},
    {"freeze", TOKEN_FREEZE, ROLE_TAKES, false, false},
    {"set", TOKEN_SET, ROLE_TAKES, false, false},
    {"print", TOKEN_PRINT, ROLE_TAKES, false, false},
    {"save", TOKEN_SAVE, ROLE_TAKES, false, false},
    {"expect", TOKEN_EXPECT, ROLE_TAKES, false, false},

    {"scan", TOKEN_SCAN, ROLE_LOOP, false, false},
    {"map", TOKEN_MAP, ROLE_LOOP, false, false},

    {"on", TOKEN_ON, ROLE_JOINS, false, false},
    {"over", TOKEN_OVER, ROLE_JOINS, false, true},
    {"with", TOKEN_WITH, ROLE_JOINS, false, false},
    {"using", TOKEN_USING, ROLE_JOINS, false, true},
    {"from", TOKEN_FROM, ROLE_JOINS, false, false},
    {"to", TOKEN_TO, ROLE_JOINS, false, false},
    {"in", TOKEN_IN, ROLE_JOINS, false, false},
    {"every", TOKEN_EVERY, ROLE_JOINS, false, true},
    {"where", TOKEN_WHERE, ROLE_JOINS, false, true},
    {"as", TOKEN_AS, ROLE_JOINS, false, false},
    {"while", TOKEN_WHILE, ROLE_JOINS, false, false},
};
#define WORDS ((int)(sizeof words / sizeof *words))

static bool word_begins(unsigned char byte) {
  return byte == '_' || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

bool word_has(unsigned char byte) { return word_begins(byte) || (byte >= '0' && byte <= '9'); }

const unsigned char *word_end(const unsigned char *word) {
  while (word_has(*word)) word++;
  return word;
}

static const unsigned char *blanks_end(const unsigned char *p) {
  while (*p == ' ' || *p == '\t') p++;
  return p;
}

static const Word *word_find(const unsigned char *word) {
  size_t length = 0;
  while (length < 10 && word_has(word[length])) length++; // longer than every word of the table
  for (int i = 0; i < WORDS; i++) {
    if (!strncmp(words[i].text, (const char *)word, length) && !words[i].text[length]) return &words[i];
  }
  return NULL;
}

/* Behind the word stands a blank and a name that is not itself a word of this place. */
static bool name_follows(const unsigned char *behind) {
  const unsigned char *next = blanks_end(behind);
  if (next == behind || !word_begins(*next)) return false;
  const Word *word = word_find(next);
  return !word || word->role != ROLE_RESERVED;
}

/* Behind the word stands a blank and the begin of a value. */
static bool value_follows(const unsigned char *behind) {
  const unsigned char *next = blanks_end(behind);
  if (next == behind) return false;
  if (word_begins(*next)) {
    const Word *word = word_find(next);
    int token = word ? word->token : 0;
    return token != TOKEN_AND && token != TOKEN_OR && token != TOKEN_ELSE && token != TOKEN_FOR;
  }
  if (*next == '-') return next[1] != ' ' && next[1] != '\t' && next[1] != '=';
  return *next == '"' || *next == '(' || *next == '[' || (*next >= '0' && *next <= '9');
}

/* Behind the word stands what can be no operand of an expression that begins with it as a name. */
static bool only_opens(const unsigned char *behind) {
  const unsigned char *next = blanks_end(behind);
  if (next == behind) return false;
  if (*next == '"' || (*next >= '0' && *next <= '9')) return true;
  const Word *word = word_find(next);
  return word_begins(*next) && (!word || (word->role != ROLE_RESERVED && word->role != ROLE_JOINS));
}

int word_token(const unsigned char *start, bool at_opening, bool value_ended) {
  const Word *word = word_find(start);
  if (!word) return TOKEN_IDENT;
  const unsigned char *behind = start + strlen(word->text);
  bool means = false;
  switch (word->role) {
  case ROLE_RESERVED: means = true; break;
  case ROLE_NAMES: means = at_opening && (name_follows(behind) || only_opens(behind)); break;
  case ROLE_TAKES: means = at_opening && value_follows(behind); break;
  case ROLE_LOOP: means = !value_ended && name_follows(behind); break;
  case ROLE_JOINS: means = value_ended; break;
  }
  return means ? word->token : TOKEN_IDENT;
}

bool word_continues(const unsigned char *start) {
  const Word *word = word_find(start);
  if (!word || !word->continues) return false;
  const unsigned char *behind = start + strlen(word->text), *next = blanks_end(behind);
  return word->role == ROLE_RESERVED || (next > behind && *next != '=');
}

bool word_opens_statement(const unsigned char *start) {
  const Word *word = word_find(start);
  if (!word || word->role == ROLE_JOINS || word->role == ROLE_LOOP) return false;
  const unsigned char *behind = start + strlen(word->text);
  if (word->token == TOKEN_LET) return true;
  if (word->token == TOKEN_FN) return name_follows(behind);
  return word->role != ROLE_RESERVED && only_opens(behind);
}

bool word_opens_declaration(const unsigned char *start, bool inside_block) {
  const Word *word = word_find(start);
  if (!word || !word->declares || !word_opens_statement(start)) return false;
  return !inside_block || (word->token != TOKEN_LET && word->token != TOKEN_METRIC);
}

bool word_is_elif(const unsigned char *start) {
  if (strncmp((const char *)start, "elif", 4) != 0) return false;
  const unsigned char *next = blanks_end(start + 4);
  return next > start + 4 && (word_begins(*next) || *next == '(');
}

const char *const *word_openers(int *count) {
  static const char *openers[WORDS];
  *count = 0;
  for (int i = 0; i < WORDS; i++) {
    bool opens = words[i].role == ROLE_NAMES || words[i].role == ROLE_TAKES || words[i].declares;
    if (opens) openers[(*count)++] = words[i].text;
  }
  return openers;
}

const char *word_of_token(int token) {
  for (int i = 0; i < WORDS; i++) {
    if (words[i].token == token) return words[i].text;
  }
  return NULL;
}
