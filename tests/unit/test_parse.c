/* The front end: precedence, line ends, contextual words, limits, damaged text. */
#include "lang/format.h"
#include "parser/parse.h"

#include <criterion/criterion.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  Arena *arena;
  Problems *problems;
  Ast *program;
} Parsed;

static Parsed parse(const char *text, size_t length) {
  Parsed parsed = {.arena = arena_new(0)};
  parsed.problems = problems_new(parsed.arena);
  parsed.program = parse_program(parsed.arena, parsed.problems, source_add("test.model", text, length));
  return parsed;
}

static int errors_in(const char *text) {
  Parsed parsed = parse(text, strlen(text));
  int errors = problems_count(parsed.problems, SEVERITY_ERROR);
  arena_free(parsed.arena);
  return errors;
}

/* The expression as fully bracketed text, so that precedence shows. */
static void brackets(const Ast *ast, Text *out) {
  if (ast->kind == AST_BINARY) {
    text_add(out, "(");
    brackets(ast->u.binary.left, out);
    text_printf(out, " %s ", operator_text(ast->u.binary.op));
    brackets(ast->u.binary.right, out);
    text_add(out, ")");
  } else if (ast->kind == AST_UNARY) {
    text_printf(out, "(%s ", operator_text(ast->u.unary.op));
    brackets(ast->u.unary.operand, out);
    text_add(out, ")");
  } else
    ast_write(ast, out);
}

Test(parse, precedence) {
  static const struct {
    const char *text, *meant;
  } cases[] = {
      {"a + b * c", "(a + (b * c))"},
      {"-x ** 2", "(- (x ** 2))"},
      {"2 ** -x", "(2 ** (- x))"},
      {"a ** b ** c", "(a ** (b ** c))"},
      {"a - b - c", "((a - b) - c)"},
      {"x @ W + b |> relu", "(((x @ W) + b) |> relu)"},
      {"not a == b and c or d", "(((not (a == b)) and c) or d)"},
      {"0..n + 1", "(0 .. (n + 1))"},
      {"f >> g >> h |> k", "(((f >> g) >> h) |> k)"},
      {"a // b % c", "((a // b) % c)"},
      {"a < b + 1", "(a < (b + 1))"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char text[200];
    int length = snprintf(text, sizeof text, "let it = %s\n", cases[i].text);
    Parsed parsed = parse(text, (size_t)length);
    cr_assert(problems_count(parsed.problems, SEVERITY_ERROR) == 0, "%s", cases[i].text);
    Text shown = {0};
    brackets(parsed.program->u.list.item[0]->u.binding.value, &shown);
    cr_expect_str_eq(text_string(&shown), cases[i].meant);
    text_free(&shown);
    arena_free(parsed.arena);
  }
}

Test(parse, lines_and_words) {
  static const struct {
    const char *text;
    int declarations; // -1: errors
  } cases[] = {
      {"let a = 1\nlet b = 2", 2},
      {"let a = 1; let b = 2", 2},
      {"let a = f(1,\n 2)\n", 1},
      {"let a = x\n  |> relu\n  |> f(2)\n", 1},
      {"let a = 1 +\n 2\n", 1},
      {"let a = x\n  # a comment between\n  * 3\n", 1},
      {"let a = x\n- 3\n", -1},
      {"let data = 3\nlet train = data + 1\nlet on = train", 3},
      {"fn over(train: int) = train\n", 1},
      {"\xef\xbb\xbflet a = 1\r\nlet b = 2\rlet c = 3\n", 3},
      {"", 0},
      {"# only a comment", 0},
      {"let a = \"\\u{e9}\\n\\\"\"", 1},
      {"let a = 10_000 + 1e-3 + 2.5", 1},
      {"let a = \"\xff\"", -1},
      {"let \xff = 1", -1},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    Parsed parsed = parse(cases[i].text, strlen(cases[i].text));
    int errors = problems_count(parsed.problems, SEVERITY_ERROR);
    cr_expect((errors > 0) == (cases[i].declarations < 0), "%s: %d errors", cases[i].text, errors);
    if (!errors) cr_expect(parsed.program->u.list.count == cases[i].declarations, "%s", cases[i].text);
    arena_free(parsed.arena);
  }
  cr_expect(errors_in("let a = 1") == 0);
  Parsed parsed = parse("let a = 1\0let b = 2", 19);
  cr_expect(problems_count(parsed.problems, SEVERITY_ERROR) == 1, "a NUL is an error");
  arena_free(parsed.arena);
}

/* `count` times `open`, a middle, `count` times `close`. */
static char *nested(int count, const char *open, const char *middle, const char *close) {
  size_t size = (strlen(open) + strlen(close)) * (size_t)count + strlen(middle) + 16;
  char *text = calloc(size, 1), *p = text;
  p += sprintf(p, "let a = ");
  for (int i = 0; i < count; i++) p += sprintf(p, "%s", open);
  p += sprintf(p, "%s", middle);
  for (int i = 0; i < count; i++) p += sprintf(p, "%s", close);
  return text;
}

static int nested_errors(int count, const char *open, const char *middle, const char *close) {
  char *text = nested(count, open, middle, close);
  int errors = errors_in(text);
  free(text);
  return errors;
}

Test(parse, limits) {
  cr_expect(nested_errors(199, "(", "1", ")") == 0);
  cr_expect(nested_errors(200, "(", "1", ")") == 0);
  cr_expect(nested_errors(201, "(", "1", ")") == 1);
  cr_expect(nested_errors(100000, "(", "1", ")") >= 1);
  cr_expect(nested_errors(100000, "[", "1", "]") >= 1);
  cr_expect(nested_errors(100000, "-", "1", "") >= 1);
  cr_expect(nested_errors(100000, "2 ** ", "1", "") >= 1);
  // left-deep chains are no nesting
  cr_expect(nested_errors(100000, "x + ", "1", "") == 0);
  cr_expect(nested_errors(1, "x", "", " |> f(2)") == 0);
  char name[300];
  for (int length = 254; length <= 256; length++) {
    char text[400];
    memset(name, 'a', sizeof name);
    name[length] = 0;
    snprintf(text, sizeof text, "let %s = 1", name);
    cr_expect((errors_in(text) > 0) == (length > 255), "a name of %d", length);
  }
  cr_expect(errors_in("let a = 9223372036854775807") == 0);
  cr_expect(errors_in("let a = 9223372036854775808") == 1);
}

/* Several errors a file, each at its own place. */
Test(parse, several_errors) {
  const char *text = "let a = ^\nlet b = 2\nlet c = (1\nlet d = 4 4\n";
  Parsed parsed = parse(text, strlen(text));
  cr_assert(problems_count(parsed.problems, SEVERITY_ERROR) >= 2);
  for (int i = 0; i < problems_total(parsed.problems); i++) {
    const Problem *p = problems_get(parsed.problems, i);
    cr_expect(p->primary.span.source != 0 && p->title && p->exit_code == 1);
  }
  arena_free(parsed.arena);
}

static void all_parse(const char *pattern) {
  glob_t files;
  if (glob(pattern, 0, NULL, &files)) {
    fprintf(stderr, "parse: skipped, nothing matches %s\n", pattern);
    return;
  }
  for (size_t i = 0; i < files.gl_pathc; i++) {
    FILE *file = fopen(files.gl_pathv[i], "rb");
    cr_assert(file);
    char *text = calloc(1 << 20, 1);
    size_t length = fread(text, 1, (1 << 20) - 1, file);
    fclose(file);
    Parsed parsed = parse(text, length);
    Text drawn = {0};
    problems_draw(parsed.problems, &drawn, false);
    cr_expect(problems_total(parsed.problems) == 0, "%s\n%s", files.gl_pathv[i], text_string(&drawn));
    text_free(&drawn);
    arena_free(parsed.arena);
    free(text);
  }
  globfree(&files);
}

Test(parse, the_whole_language) {
  const char *shared = getenv("LATHE_SHARED");
  char pattern[512];
  snprintf(pattern, sizeof pattern, "%s/design/programs/*.model", shared ? shared : "../shared");
  all_parse("stdlib/*.model");
  all_parse("examples/*.model");
  all_parse(pattern);
}

Test(parse, input_that_ends_too_early_asks_for_more) {
  static const struct {
    const char *text;
    int parts; // -1: it is wrong; -2: it is unfinished
  } cases[] = {{"1 + 2", 1},
               {"let a = 3\na + 1\nb = 2", 3},
               {"model net(x: [B]) -> [B] {\n  x\n}", 1},
               {"", 0},
               {"x |> relu # done", 1},
               {"if a { 1 } else { 2 }", 1},
               {"1 +", -2},
               {"x |>", -2},
               {"f(", -2},
               {"[1,\n2,", -2},
               {"model net(x: [B]) {", -2},
               {"model net(x: [B]) {\n  let y = x", -2},
               {"model net(x: [B])", -2},
               {"let a =", -2},
               {"if a { 1 }", -2},
               {"data d from", -2},
               {"x y", -1},
               {"f(1, ]", -1},
               {"1 ^ (", -1},
               {"\"no end", -1},
               {"let = 3", -1}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    Arena *arena = arena_new(0);
    Problems *problems = problems_new(arena);
    bool unfinished;
    const Ast *input =
        parse_input(arena, problems, source_add("input", cases[i].text, strlen(cases[i].text)), &unfinished);
    int parts = unfinished ? -2 : input ? input->u.list.count : -1;
    cr_expect_eq(parts, cases[i].parts, "%s: %d instead of %d", cases[i].text, parts, cases[i].parts);
    cr_expect_eq(problems_total(problems) > 0, cases[i].parts == -1, "%s: %d problems", cases[i].text,
                 problems_total(problems));
    arena_free(arena);
  }
}
