/* The words for values and conditions: E0301 to E0317. */
#include "lang/draft.h"
#include "lang/problems.h"

#include <inttypes.h>
#include <string.h>

void problem_condition(Problems *problems, Span at, const char *type, const char *text) {
  Draft d = draft_new(problems, "E0301", at);
  const char *condition = draft_short(&d, text);
  draft_title(&d, "`if` needs one true or false, found %s", draft_short(&d, type));
  if (!strncmp(type, "bool[", 5) && type[5] != ']') {
    draft_label(&d, "many answers");
    draft_help(&d, "choose element by element:  where(%s, a, b)      or ask once:  all(%s)", condition,
               condition);
  } else
    draft_help(&d, "compare with something:  %s > 0", condition);
  draft_add(&d);
}

void problem_int_float(Problems *problems, Span at, const char *op) {
  Draft d = draft_new(problems, "E0303", at);
  draft_title(&d, "`%s` between whole numbers and floats", op);
  draft_label(&d, "one side is an int tensor");
  draft_help(&d, "convert the whole numbers:  float(…)");
  draft_add(&d);
}

void problem_bool_number(Problems *problems, Span at, const char *op) {
  Draft d = draft_new(problems, "E0304", at);
  draft_title(&d, "`%s` between true or false and numbers", op);
  draft_label(&d, "one side is a bool tensor");
  draft_help(&d, "true becomes 1 by  float(x)      a number becomes true or false by  x > 0");
  draft_add(&d);
}

void problem_operand(Problems *problems, Span at, const char *op, const char *kind, const char *wanted) {
  Draft d = draft_new(problems, "E0305", at);
  draft_title(&d, "`%s` needs %s, found %s", op, wanted, kind);
  draft_add(&d);
}

void problem_operands(Problems *problems, Span at, const char *op, const char *left, const char *right) {
  Draft d = draft_new(problems, "E0305", at);
  draft_title(&d, "`%s` cannot work on these two", op);
  draft_label(&d, "%s and %s", draft_short(&d, left), draft_short(&d, right));
  if (left[0] == '"' || right[0] == '"') draft_help(&d, "a number becomes text by  str(x)");
  draft_add(&d);
}

void problem_operator_type(Problems *problems, Span at, const char *op, const char *type) {
  Draft d = draft_new(problems, "E0306", at);
  bool logic = !strcmp(op, "and") || !strcmp(op, "or");
  draft_title(&d, "`%s` is not defined for %s", op, type);
  if (logic)
    draft_help(&d, "true or false is made by comparing:  x > 0");
  else
    draft_help(&d, "convert the whole numbers:  float(…)%s",
               strcmp(op, "/") ? "" : "      or divide whole numbers by  //");
  draft_add(&d);
}

void problem_zero_division(Problems *problems, Span at) {
  Draft d = draft_new(problems, "E0307", at);
  draft_title(&d, "a whole number is divided by zero");
  draft_label(&d, "the right side is 0");
  draft_add(&d);
}

void problem_huge(Problems *problems, Span at) {
  Draft d = draft_new(problems, "E0308", at);
  draft_title(&d, "this number is larger than 2 ** 62");
  draft_note(&d, "whole numbers known before the run are exact; with a decimal point they are floats:  1e30");
  draft_add(&d);
}

void problem_subscript(Problems *problems, Span at, const char *found) {
  Draft d = draft_new(problems, "E0309", at);
  draft_title(&d, "%s cannot be a subscript here", draft_short(&d, found));
  draft_help(&d, "x[0]   x[:, -1]   x[a:b]   x[..., None]   x[[0, 2]]   and, first of all dims, table[ids] "
                 "with ids: int<V>");
  draft_add(&d);
}

void problem_slice_step(Problems *problems, Span at) {
  Draft d = draft_new(problems, "E0310", at);
  draft_title(&d, "a slice steps by a whole number from 1 up");
  draft_help(&d, "every second:  x[::2]      in reverse:  flip(x, 0)");
  draft_add(&d);
}

void problem_not_indexed(Problems *problems, Span at, const char *kind) {
  Draft d = draft_new(problems, "E0311", at);
  draft_title(&d, "%s has no subscripts", kind);
  draft_note(&d, "tensors, lists, texts and the weights of a model have");
  draft_add(&d);
}

void problem_not_iterable(Problems *problems, Span at, const char *kind) {
  Draft d = draft_new(problems, "E0312", at);
  draft_title(&d, "a loop cannot go over %s", kind);
  draft_note(&d, "`for` is unrolled before the run: it goes over ranges and lists of known length");
  draft_help(&d,
             "for i in 0..3 { … }      for width in [64, 32] { … }      pieces of a tensor:  unstack(x, 0)");
  draft_add(&d);
}

void problem_too_many(Problems *problems, Span at, const char *things, int64_t limit) {
  Draft d = draft_new(problems, "E0313", at);
  draft_title(&d, "more than %" PRId64 " %s", limit, things);
  draft_add(&d);
}

void problem_pattern(Problems *problems, Span at, int count, const char *kind) {
  Draft d = draft_new(problems, "E0314", at);
  draft_title(&d, "%s cannot be taken apart into %s", kind, draft_count(&d, count, "name"));
  draft_label(&d, "as many names as there are parts");
  draft_help(&d, "a part that is not needed is written `_`");
  draft_add(&d);
}

void problem_config_kind(Problems *problems, Span at, Name name, const char *declared, const char *given) {
  Draft d = draft_new(problems, "E0315", at);
  draft_title(&d, "config `%s` is %s and was given %s", name, declared, given);
  draft_label(&d, "declared here");
  d.problem.exit_code = 2;
  draft_add(&d);
}

void problem_builtin_argument(Problems *problems, Span at, const char *wanted, const char *found) {
  Draft d = draft_new(problems, "E0316", at);
  draft_title(&d, "expected %s", wanted);
  draft_label(&d, "found %s", draft_short(&d, found));
  draft_add(&d);
}

void problem_step_value(Problems *problems, Span at, const char *example) {
  Draft d = draft_new(problems, "E0317", at);
  draft_title(&d, "this step needs other values");
  draft_help(&d, "%s", example);
  draft_add(&d);
}
