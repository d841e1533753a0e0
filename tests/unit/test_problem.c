/* The exact text of problems. */
#include "base/problem.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static Arena *arena;
static Problems *problems;
static const Source *source;

static void begin(const char *path, const char *text) {
  arena = arena_new(0);
  problems = problems_new(arena);
  source = source_add(path, text, strlen(text));
}

/* The n-th place of a word in the text, counted from 0. */
static Span place(const char *word, int n) {
  const char *at = strstr(source->text, word);
  while (n-- > 0) at = strstr(at + 1, word);
  uint32_t start = (uint32_t)(at - source->text);
  return (Span){source->id, start, start + (uint32_t)strlen(word)};
}

static void check(bool colour, const char *want) {
  Text text = {0};
  problems_draw(problems, &text, colour);
  cr_assert_str_eq(text_string(&text), want, "drawn:\n%s\nwanted:\n%s", text_string(&text), want);
  text_free(&text);
}

Test(problem, labels_share_a_line) {
  begin("a.model", "let y = x |> Conv2D(32, 3)\nrelu(y + x)\n");
  problems_add(problems,
               &(Problem){.code = "E0201",
                          .title = "cannot add these two tensors",
                          .primary = {place("+", 0), NULL},
                          .extra = {{place("y", 0), "[B, 16, 16, 32]"}, {place("x", 1), "[B, 32, 32, 16]"}},
                          .extras = 2,
                          .detail = "H: 16 is not 32\nW: 16 is not 32",
                          .help = "bring x to the same shape:\nx |> Conv2D(32, 1)"});
  check(false, "error[E0201]: cannot add these two tensors\n"
               "  --> a.model:2:8\n"
               "    1 │ let y = x |> Conv2D(32, 3)\n"
               "      │     - [B, 16, 16, 32]\n"
               "    2 │ relu(y + x)\n"
               "      │        ^ - [B, 32, 32, 16]\n"
               "      │        H: 16 is not 32\n"
               "      │        W: 16 is not 32\n"
               "      = help: bring x to the same shape:\n"
               "              x |> Conv2D(32, 1)\n");
}

Test(problem, texts_of_labels_that_are_not_last_stand_below) {
  begin("a.model", "minimize mean((pred - price) ** 2)");
  problems_add(problems, &(Problem){.code = "E0202",
                                    .title = "every row with every other",
                                    .primary = {place("-", 0), ""},
                                    .extra = {{place("pred", 0), "[B, 1]"}, {place("price", 0), "[B]"}},
                                    .extras = 2,
                                    .note = "a note"});
  problems_add(problems, &(Problem){.code = "E0203",
                                    .title = "labels on labels",
                                    .primary = {place("pred - price", 0), "this"},
                                    .extra = {{place("pred", 0), "left"}, {place("price", 0), "right"}},
                                    .extras = 2});
  check(false, "error[E0202]: every row with every other\n"
               "  --> a.model:1:21\n"
               "    1 │ minimize mean((pred - price) ** 2)\n"
               "      │                ---- ^ ----- [B]\n"
               "      │                [B, 1]\n"
               "      = note: a note\n"
               "error[E0203]: labels on labels\n"
               "  --> a.model:1:16\n"
               "    1 │ minimize mean((pred - price) ** 2)\n"
               "      │                ^^^^^^^^^^^^ this\n"
               "      │                ----   ----- right\n"
               "      │                left\n");
}

Test(problem, several_sources_and_no_place) {
  begin("std.model", "layer Dense\n  where D % heads == 0\n");
  Span condition = place("D % heads == 0", 0);
  const char *text = "x |> Attention(5)";
  source = source_add("b.model", text, strlen(text));
  problems_add(problems, &(Problem){.severity = SEVERITY_WARNING,
                                    .code = "W0001",
                                    .title = "two texts",
                                    .primary = {place("Attention", 0), "here"},
                                    .extra = {{condition, "promised"}, {{0, 0, 0}, "nowhere"}},
                                    .extras = 2});
  problems_add(problems,
               &(Problem){.code = "E0701", .title = "no place", .detail = "one\ntwo", .help = "go"});
  check(false, "warning[W0001]: two texts\n"
               "  --> b.model:1:6\n"
               "    1 │ x |> Attention(5)\n"
               "      │      ^^^^^^^^^ here\n"
               "  --> std.model:2:9\n"
               "    2 │   where D % heads == 0\n"
               "      │         -------------- promised\n"
               "error[E0701]: no place\n"
               "      one\n"
               "      two\n"
               "      = help: go\n");
}

Test(problem, tabs_wide_letters_and_control_characters) {
  begin("a\x1b.model", "\tx = \"\xe6\x97\xa5\xe6\x9c\xac\x1b\" + bad\xff\xe2\x80\xae\r\n");
  problems_add(problems, &(Problem){.title = "bad \x07 bell", .primary = {place("bad", 0), "\x1b[2J"}});
  problems_add(problems,
               &(Problem){.title = "end", .primary = {{source->id, (uint32_t)source->length, 9999}, "end"}});
  check(false, "error: bad \\x07 bell\n"
               "  --> a\\x1b.model:1:14\n"
               "    1 │     x = \"\xe6\x97\xa5\xe6\x9c\xac\\x1b\" + bad\\xff\\u{202e}\n"
               "      │                      ^^^ \\x1b[2J\n"
               "error: end\n"
               "  --> a\\x1b.model:2:1\n"
               "    2 │\n"
               "      │ ^ end\n");
}

Test(problem, long_lines_are_cut_around_the_label) {
  static char text[5001];
  memset(text, 'a', 5000);
  memcpy(text + 2500, " here ", 6);
  begin("long.model", text);
  problems_add(problems, &(Problem){.title = "far", .primary = {place("here", 0), "it"}});
  Text drawn = {0};
  problems_draw(problems, &drawn, false);
  cr_assert(drawn.length < 500, "%zu bytes", drawn.length);
  const char *line = strstr(text_string(&drawn), "│ …"), *marks = strstr(text_string(&drawn), "^^^^ it");
  cr_assert(line && marks);
  cr_assert(strstr(line, "here"));
  text_free(&drawn);
}

Test(problem, details_that_would_run_off_move_left) {
  begin("a.model",
        "  image |> flatten |> Dense(256, relu) |> Dense(12)                                  |> x\n");
  problems_add(
      problems,
      &(Problem){.title = "far", .primary = {place("x", 0), NULL}, .detail = "[B, 28, 28] → [B, 784]"});
  Text drawn = {0};
  problems_draw(problems, &drawn, false);
  cr_assert(strstr(text_string(&drawn), "\n      │ [B") == NULL);
  const char *detail = strstr(text_string(&drawn), "[B, 28");
  cr_assert(detail);
  const char *start = detail;
  while (start[-1] != '\n') start--;
  cr_assert_eq(detail - start, (long)strlen("      │ ") + 78, "%ld", (long)(detail - start));
  text_free(&drawn);
}

Test(problem, colour_only_when_asked) {
  begin("a.model", "x");
  Problem problem = {.code = "E1", .title = "t", .primary = {place("x", 0), "l"}, .note = "n"};
  problems_add(problems, &problem);
  check(true, "\033[1;31merror[E1]\033[0m\033[1m: t\033[0m\n"
              "  \033[1;34m-->\033[0m a.model:1:1\n"
              "\033[1;34m    1 │\033[0m x\n"
              "\033[1;34m      │\033[0m \033[1;31m^\033[0m \033[1;31ml\033[0m\n"
              "      \033[1;36m= note:\033[0m n\n");
}

Test(problem, equal_ones_once_and_forgotten_ones_again) {
  begin("a.model", "x y");
  Problem a = {.code = "E1", .title = "a", .primary = {place("x", 0), NULL}, .exit_code = 3};
  Problem b = {.code = "E1", .title = "a", .primary = {place("y", 0), NULL}, .exit_code = 1};
  Problem c = {.severity = SEVERITY_WARNING, .title = "c", .exit_code = 1};
  cr_assert_eq(problems_exit_code(problems), 0);
  problems_add(problems, &c);
  cr_assert_eq(problems_exit_code(problems), 0);
  problems_add(problems, &a);
  problems_add(problems, &b);
  problems_add(problems, &a);
  cr_assert_eq(problems_total(problems), 3);
  cr_assert_eq(problems_count(problems, SEVERITY_ERROR), 2);
  cr_assert_eq(problems_count(problems, SEVERITY_WARNING), 1);
  cr_assert_eq(problems_exit_code(problems), 3);
  problems_forget(problems, 1);
  cr_assert_eq(problems_total(problems), 1);
  problems_add(problems, &b);
  problems_add(problems, &b);
  cr_assert_eq(problems_total(problems), 2);
  cr_assert_str_eq(problems_get(problems, 1)->title, "a");
  cr_assert_eq(problems_exit_code(problems), 1);
}

Test(problem, eight_are_shown_and_errors_come_before_warnings) {
  begin("a.model", "x");
  char title[32];
  for (int i = 0; i < 12; i++) {
    snprintf(title, sizeof title, "warning %d", i);
    problems_add(problems, &(Problem){.severity = SEVERITY_WARNING, .title = title});
  }
  problems_add(problems, &(Problem){.title = "the error"});
  check(false, "warning: warning 0\nwarning: warning 1\nwarning: warning 2\nwarning: warning 3\n"
               "warning: warning 4\nwarning: warning 5\nwarning: warning 6\nerror: the error\n"
               "5 more problems are not shown\n");
  check(false, "");
  problems_add(problems, &(Problem){.title = "a later error"});
  check(false, "error: a later error\n");
}
