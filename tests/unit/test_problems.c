/* What the checker says: codes, sentences that depend on their facts, exit codes, and a page for each code. */
#include "lang/draft.h"
#include "lang/explain.h"
#include "lang/problems.h"

#include <criterion/criterion.h>
#include <string.h>

static Arena *arena;
static Problems *problems;

static void setup(void) {
  arena = arena_new(0);
  problems = problems_new(arena);
}

static void teardown(void) { arena_free(arena); }

static void last(const char *code, const char *title, const char *help, int exit_code) {
  const Problem *problem = problems_get(problems, problems_total(problems) - 1);
  cr_assert_str_eq(problem->code, code);
  cr_assert_str_eq(problem->title, title);
  if (help) cr_assert_str_eq(problem->help, help);
  cr_assert_eq(problem->exit_code, exit_code);
}

static Type type(int rank, const Dim *a, const Dim *b, const Dim *c) {
  return type_of(DTYPE_F32, rank, (const Dim *[]){a, b, c});
}

Test(problems, shapes_and_the_column_against_a_row, .init = setup, .fini = teardown) {
  const Dim *batch = dim_symbol(name_of("B")), *one = dim_of(1), *three = dim_of(3);
  Type column = type(2, batch, one, NULL), row = type(1, batch, NULL, NULL),
       wide = type(2, batch, three, NULL);
  Span nowhere = {0};
  problem_shapes(problems, nowhere, "-", nowhere, "[B, 1]", "y", nowhere, "[B]", "t", "", &column, &row);
  last("E0202", "`-` between [B, 1] and [B] would pair every row with every other row",
       "drop the last dim:  squeeze(y)      or add one:  t[:, None]", 1);
  problem_shapes(problems, nowhere, "-", nowhere, "[B]", "t", nowhere, "[B, 1]", "y", "", &row, &column);
  last("E0202", "`-` between [B, 1] and [B] would pair every row with every other row",
       "drop the last dim:  squeeze(y)      or add one:  t[:, None]", 1);
  problem_shapes(problems, nowhere, "+", nowhere, "[B]", "t", nowhere, "[B, 3]", "y", "", &row, &wide);
  last("E0201", "cannot add [B] and [B, 3]", NULL, 1);
}

Test(problems, a_missing_channel_dim, .init = setup, .fini = teardown) {
  Type image = type(3, dim_symbol(name_of("B")), dim_of(28), dim_of(28));
  Span nowhere = {0};
  problem_argument_rank(problems, nowhere, "Conv2D", name_of("x"), "[B, H, W, C]", nowhere, "image", &image,
                        4);
  last("E0204", "Conv2D reads [B, H, W, C] (4 dims) but gets [B, 28, 28] (3 dims)",
       "a grey image needs a channel dim:  image[..., None] |> Conv2D(…)", 1);
  problem_argument_rank(problems, nowhere, "F", name_of("x"), "[..., a, b, c, d]", nowhere, "f(x, 1)", &image,
                        5);
  last("E0204", "F reads [..., a, b, c, d] (at least 4 dims) but gets [B, 28, 28] (3 dims)",
       "a grey image needs a channel dim:  x[..., None] |> F(…)", 1);
}

Test(problems, one_and_many, .init = setup, .fini = teardown) {
  Span nowhere = {0};
  problem_argument_count(problems, nowhere, "exp", 1, 2);
  last("E0107", "exp takes 1 input, not 2", "exp(x)", 1);
  problem_argument_count(problems, nowhere, "atan2", 2, 1);
  last("E0107", "atan2 takes 2 inputs, not 1", "atan2(a, b)", 1);
  problem_many_arguments(problems, nowhere, "Dropout", 1, true);
  last("E0107", "Dropout takes 1 setting", NULL, 1);
  problem_many_arguments(problems, nowhere, "LayerNorm", 0, true);
  last("E0107", "LayerNorm takes no settings", NULL, 1);
}

Test(problems, exit_codes, .init = setup, .fini = teardown) {
  problem_unknown_config(problems, "widht", "width");
  last("E0122", "the program has no config `widht`", "did you mean  width=… ?", 2);
  problem_unknown_word(problems, "command", "trian", "train");
  last("E0901", "there is no command `trian`", "did you mean  train", 2);
  problem_not_a_number(problems, (Span){0}, "fit", 7, "log", "net.Dense.0");
  last("E0517", "train fit stopped in step 7: a number became infinite or NaN", NULL, 4);
}

Test(problems, long_facts_are_cut_between_characters, .init = setup, .fini = teardown) {
  Draft draft = draft_new(problems, "E0101", (Span){0});
  const char *text = "0123456789012345678901234567890123456789012345678901234567\xC3\xA9\xC3\xA9\xC3\xA9";
  cr_assert_str_eq(draft_short(&draft, text),
                   "0123456789012345678901234567890123456789012345678901234567\xC3\xA9…");
  const char *shifted = "a0123456789012345678901234567890123456789012345678901234567\xC3\xA9\xC3\xA9";
  cr_assert_str_eq(draft_short(&draft, shifted),
                   "a0123456789012345678901234567890123456789012345678901234567…");
  cr_assert_str_eq(draft_short(&draft, "  a\n\n   b"), "a b");
  draft_title(&draft, "x");
  draft_add(&draft);
}

Test(explain, pages_are_in_order_and_complete) {
  cr_assert_gt(explain_count(), 130);
  for (int i = 0; i < explain_count(); i++) {
    const char *code = explain_code(i), *page = explain(code);
    if (i) cr_assert_lt(strcmp(explain_code(i - 1), code), 0, "%s is out of order", code);
    cr_assert_eq(strncmp(page, code, 5), 0);
    cr_assert_not_null(strstr(page, "\n  not    "), "%s has no example", code);
    cr_assert_not_null(strstr(page, "\n  but    "), "%s has no fix", code);
  }
  cr_assert_null(explain("E9999"));
}
