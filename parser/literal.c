/* Literals are read from the bytes between the start of a token and the cursor; UTF-8 was checked before. */
#include "parser/literal.h"
#include "lang/problems_syntax.h"
#include "parser/grammar.h"
#include "parser/word.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static Span span_between(const Parser *parser, const unsigned char *start, const unsigned char *end) {
  return (Span){parser->source->id, (uint32_t)(start - parser->text), (uint32_t)(end - parser->text)};
}

static bool is_digit(unsigned char byte) { return byte >= '0' && byte <= '9'; }

// --- text ------------------------------------------------------------------------------------------------

/* Bytes of the UTF-8 character that begins here (RFC 3629), 0 if none does. */
static int utf8_length(const unsigned char *p, const unsigned char *limit, uint32_t *code_point) {
  static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  int length = *p < 0x80                 ? 1
               : *p >= 0xc2 && *p < 0xe0 ? 2
               : (*p & 0xf0) == 0xe0     ? 3
               : (*p & 0xf8) == 0xf0     ? 4
                                         : 0;
  if (length == 0 || length > limit - p) return 0;
  uint32_t code = length == 1 ? *p : *p & (0x7fu >> length);
  for (int i = 1; i < length; i++) {
    if ((p[i] & 0xc0) != 0x80) return 0;
    code = code << 6 | (p[i] & 0x3fu);
  }
  bool surrogate = code >= 0xd800 && code < 0xe000;
  if (code < least[length] || surrogate || code > 0x10ffff) return 0;
  *code_point = code;
  return length;
}

bool literal_check_text(Parser *parser) {
  for (const unsigned char *p = parser->text; p < parser->limit;) {
    uint32_t code_point;
    int length = utf8_length(p, parser->limit, &code_point);
    Span at = span_between(parser, p, p + 1);
    if (length == 0)
      problem_encoding(parser->problems, at, *p);
    else if (*p == 0)
      problem_nul(parser->problems, at);
    if (length == 0 || *p == 0) return false;
    p += length;
  }
  return true;
}

const unsigned char *literal_character_end(const unsigned char *start) {
  if (*start < 0x80) return start + 1;
  do start++;
  while ((*start & 0xc0) == 0x80);
  return start;
}

void literal_report_character(Parser *parser, Span at, bool in_word) {
  static const struct {
    uint32_t code_point;
    const char *instead;
  } known[] = {{0x201c, "\""},
               {0x201d, "\""},
               {0x2018, "\""},
               {0x2019, "\""},
               {0x2212, "-"},
               {0x2013, "-"},
               {0x2014, "-"},
               {0xd7, "*"},
               {0xb7, "*"},
               {0x22c5, "*"},
               {0xf7, "/"},
               {0x2264, "<="},
               {0x2265, ">="},
               {0x2260, "!="},
               {0x2192, "->"},
               {0x2026, "..."},
               {0xb2, "** 2"},
               {0xb3, "** 3"},
               {0xa0, "a plain blank"},
               {0x3000, "a plain blank"},
               {0xfeff, "nothing here: a mark that cannot be seen"},
               {0x200b, "nothing here: a blank that cannot be seen"}};
  uint32_t code = 0;
  utf8_length(parser->text + at.start, parser->limit, &code);
  const char *instead = NULL;
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    if (known[i].code_point == code) instead = known[i].instead;
  }
  bool letter = code >= 0xc0 && !instead; // most of what follows in Unicode is letters
  bool seen = code > 0x20 && code != 0x7f && (code < 0x80 || code > 0xa0) && code != 0xfeff && code != 0x200b;
  const char *text = seen ? arena_printf(parser->arena, "`%s`", parser_text(parser, at))
                          : arena_printf(parser->arena, "U+%04X", (unsigned)code);
  if (letter || (in_word && code >= 0x80 && !instead))
    problem_name_letter(parser->problems, at, text);
  else
    problem_character(parser->problems, at, text, instead);
}

// --- numbers ---------------------------------------------------------------------------------------------

static bool digits_value(const unsigned char *p, const unsigned char *end, int64_t base, int64_t *value) {
  int64_t sum = 0;
  for (; p < end; p++) {
    if (*p == '_') continue;
    int64_t digit = is_digit(*p) ? *p - '0' : (*p | 0x20) - 'a' + 10;
    if (__builtin_mul_overflow(sum, base, &sum) || __builtin_add_overflow(sum, digit, &sum)) return false;
  }
  *value = sum;
  return true;
}

int literal_integer(Parser *parser, int64_t *value, const unsigned char *start) {
  *value = 0;
  if (!digits_value(start, parser->cursor, 10, value)) {
    problem_integer_large(parser->problems, span_between(parser, start, parser->cursor));
  }
  return TOKEN_INT;
}

int literal_float(Parser *parser, double *value, const unsigned char *start) {
  size_t length = (size_t)(parser->cursor - start), count = 0;
  char near[64], *text = length < sizeof near ? near : arena_alloc(parser->arena, length + 1, 1);
  bool zero = true, exponent = false;
  for (size_t i = 0; i < length; i++) {
    exponent |= start[i] == 'e' || start[i] == 'E';
    zero &= exponent || start[i] < '1' || start[i] > '9';
    if (start[i] != '_') text[count++] = (char)start[i];
  }
  text[count] = 0;
  *value = strtod(text, NULL);
  if (isinf(*value) || (*value == 0 && !zero)) {
    problem_float_range(parser->problems, span_between(parser, start, parser->cursor));
    *value = 0;
  }
  return TOKEN_FLOAT;
}

int literal_part(Parser *parser, int64_t *value) {
  const unsigned char *start = parser->cursor, *end = start;
  while (is_digit(*end)) end++;
  parser->cursor = end;
  return literal_integer(parser, value, start);
}

/* What a number in another base is in decimal, or NULL. */
static const char *decimal_of(Parser *parser, const unsigned char *start) {
  static const struct {
    char letter;
    int base;
    const char *digits;
  } bases[] = {{'x', 16, "0123456789abcdefABCDEF_"}, {'o', 8, "01234567_"}, {'b', 2, "01_"}};
  for (size_t i = 0; i < sizeof bases / sizeof *bases; i++) {
    if (start[0] != '0' || (start[1] | 0x20) != bases[i].letter) continue;
    size_t length = strspn((const char *)start + 2, bases[i].digits);
    int64_t value;
    if (length == 0 || start + 2 + length != parser->cursor) return NULL;
    if (!digits_value(start + 2, parser->cursor, bases[i].base, &value)) return NULL;
    return arena_printf(parser->arena, "%lld", (long long)value);
  }
  return NULL;
}

static bool digits_only(const unsigned char *p, const unsigned char *end, bool blanks) {
  for (; p < end; p++) {
    if (!is_digit(*p) && !(blanks && *p == '_')) return false;
  }
  return true;
}

static const char *without_blanks(Parser *parser, const unsigned char *p, const unsigned char *end) {
  char *text = arena_alloc(parser->arena, (size_t)(end - p) + 1, 1), *out = text;
  for (; p < end; p++) {
    if (*p != '_') *out++ = (char)*p;
  }
  return text;
}

int literal_malformed(Parser *parser, GrammarValue *value, const unsigned char *start) {
  const unsigned char *end = parser->cursor, *whole = start;
  Span at = span_between(parser, start, end);
  const char *text = parser_text(parser, at), *instead = NULL;
  while (is_digit(*whole) || (*whole == '_' && is_digit(whole[1]))) whole++;
  value->real = 1;
  if (end - start > 60) {
    problem_number_form(parser->problems, at, text, NULL);
    return TOKEN_FLOAT;
  }
  if (*start == '.' && digits_only(start + 1, end, false))
    instead = arena_printf(parser->arena, "0%s", text);
  else if (end[-1] == '.')
    instead = arena_printf(parser->arena, "%s0", text);
  else if (*whole == '.' && !is_digit(whole[1]))
    instead = arena_printf(parser->arena, "%.*s.0%s", (int)(whole - start), start,
                           (const char *)text + (whole + 1 - start));
  else if (digits_only(start, end, true))
    instead = without_blanks(parser, start, end);
  else
    instead = decimal_of(parser, start);
  bool name = !instead && *start != '.' && *whole != '.' && word_end(whole) == end &&
              !(whole[0] == 'e' && whole + 1 == end);
  if (name && start[0] != '0')
    problem_number_name(parser->problems, at, parser_text(parser, span_between(parser, start, whole)),
                        parser_text(parser, span_between(parser, whole, end)));
  else
    problem_number_form(parser->problems, at, text, instead);
  return TOKEN_FLOAT;
}

// --- strings ---------------------------------------------------------------------------------------------

static char *utf8_write(char *out, uint32_t code) {
  static const uint32_t head[] = {0, 0xc0, 0xe0, 0xf0};
  int more = code < 0x80 ? 0 : code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
  *out++ = (char)(head[more] | code >> (6 * more));
  for (int i = more - 1; i >= 0; i--) *out++ = (char)(0x80u | ((code >> (6 * i)) & 0x3fu));
  return out;
}

/* Reads `\u{…}` at p; returns its end. */
static const unsigned char *code_point_read(Parser *parser, const unsigned char *p, const unsigned char *end,
                                            char **out) {
  const unsigned char *digit = p + 3;
  uint32_t code = 0;
  int count = 0;
  if (p[2] == '{') {
    for (; digit < end && count < 7 && strchr("0123456789abcdefABCDEF", *digit); digit++, count++) {
      code = code * 16 + (uint32_t)(is_digit(*digit) ? *digit - '0' : (*digit | 0x20) - 'a' + 10);
    }
  } else {
    digit = p + 2;
  }
  bool closed = count > 0 && digit < end && *digit == '}';
  if (closed) digit++;
  bool character = code > 0 && code <= 0x10ffff && (code < 0xd800 || code >= 0xe000);
  if (!closed || count > 6 || !character) {
    Span at = span_between(parser, p, digit);
    problem_string_code_point(parser->problems, at, parser_text(parser, at));
  } else {
    *out = utf8_write(*out, code);
  }
  return digit;
}

static const unsigned char *escape_read(Parser *parser, const unsigned char *p, const unsigned char *end,
                                        char **out) {
  static const char letters[] = "nt\"\\", meant[] = "\n\t\"\\";
  const char *known = strchr(letters, p[1]);
  if (known) {
    *(*out)++ = meant[known - letters];
    return p + 2;
  }
  if (p[1] == 'u') return code_point_read(parser, p, end, out);
  const unsigned char *behind = literal_character_end(p + 1);
  Span at = span_between(parser, p, behind);
  problem_string_escape(parser->problems, at, parser_text(parser, at));
  return behind;
}

static StringValue string_decode(Parser *parser, const unsigned char *p, const unsigned char *end) {
  char *bytes = arena_alloc(parser->arena, (size_t)(end - p) + 1, 1), *out = bytes;
  while (p < end) {
    if (*p == '\\' && p + 1 < end)
      p = escape_read(parser, p, end, &out);
    else
      *out++ = (char)*p++;
  }
  return (StringValue){bytes, (int)(out - bytes)};
}

/* The quote that ends a string whose content begins at p, or the end of the line. */
static const unsigned char *string_end(const Parser *parser, const unsigned char *p, unsigned char quote) {
  while (p < parser->limit && *p != quote && *p != '\n' && *p != '\r') {
    p += *p == '\\' && (p[1] == quote || p[1] == '\\') ? 2 : 1;
  }
  return p;
}

/* Over a text between `"""`, to the end of the file if there is no second one. */
static void triple_skip(Parser *parser, const unsigned char *start) {
  const unsigned char *p = start + 3;
  problem_string_triple(parser->problems, span_between(parser, start, p));
  while (p < parser->limit && !(p[0] == '"' && p[1] == '"' && p[2] == '"')) {
    parser->line += *p == '\n' || (*p == '\r' && p[1] != '\n');
    p++;
  }
  parser->cursor = p < parser->limit ? p + 3 : p;
  parser->damaged_line = parser->line;
}

bool literal_string(Parser *parser, StringValue *value, const unsigned char *start) {
  *value = (StringValue){"", 0};
  if (start[1] == '"' && start[2] == '"') {
    triple_skip(parser, start);
    return true;
  }
  const unsigned char *end = string_end(parser, start + 1, '"');
  bool closed = end < parser->limit && *end == '"';
  *value = string_decode(parser, start + 1, end);
  parser->cursor = closed ? end + 1 : end;
  if (!closed) {
    problem_string_open(parser->problems, span_between(parser, start, end));
    parser->damaged_line = parser->line;
  }
  return closed;
}

bool literal_quoted(Parser *parser, StringValue *value, const unsigned char *start) {
  const unsigned char *end = string_end(parser, start + 1, '\'');
  bool closed = end < parser->limit && *end == '\'';
  Span content = span_between(parser, start + 1, end);
  *value = (StringValue){arena_copy(parser->arena, (const char *)start + 1, (size_t)(end - start - 1)),
                         (int)(end - start - 1)};
  parser->cursor = closed ? end + 1 : end;
  problem_string_quotes(parser->problems, span_between(parser, start, parser->cursor),
                        parser_text(parser, content));
  if (!closed) parser->damaged_line = parser->line;
  return closed;
}
