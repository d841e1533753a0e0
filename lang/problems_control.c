/* Problems of scans, maps, branches and gradients. */
#include "lang/draft.h"
#include "lang/problems.h"

void problem_carry_type(Problems *problems, Span at, Span first, Name name, const char *want,
                        const char *found, bool grows) {
  Draft d = draft_new(problems, "E0207", at);
  draft_title(&d, "`%s` %s inside scan", name, grows ? "grows" : "changes its type");
  draft_label(&d, "%s after one step", draft_short(&d, found));
  draft_extra(&d, first, "%s at first", draft_short(&d, want));
  draft_note(&d, "every step begins with what the one before left, so a carry keeps one type");
  if (grows)
    draft_help(&d, "keep the length:  concat([%s[:, 1:], new], axis=1)", name);
  else
    draft_help(&d, "begin with a value of the type that the body gives:  %s = zeros([...])", name);
  draft_add(&d);
}

void problem_carry_kind(Problems *problems, Span at, Name name, const char *kind) {
  Draft d = draft_new(problems, "E0260", at);
  draft_title(&d, "`%s` cannot be carried: it is %s", name, kind);
  draft_label(&d, "a carry is a tensor, or a record or list of tensors");
  draft_help(&d, "what does not change from step to step needs no carry: its name is known inside");
  draft_add(&d);
}

void problem_loop_axis(Problems *problems, Span at, Name name, const char *type, const char *axis) {
  Draft d = draft_new(problems, "E0261", at);
  draft_title(&d, "`%s` has no dim `%s` to step along", name, draft_short(&d, axis));
  draft_label(&d, "`%s` is %s", name, draft_short(&d, type));
  draft_help(&d, "name one of its dims, or count them from 0:  over 1");
  draft_add(&d);
}

void problem_loop_lengths(Problems *problems, Span at, Name name, const char *type, const char *length) {
  Draft d = draft_new(problems, "E0262", at);
  draft_title(&d, "`%s` has another number of steps than what stands before it", name);
  draft_label(&d, "%s, not %s steps", draft_short(&d, type), draft_short(&d, length));
  draft_help(&d, "cut the longer one:  %s[:n]", name);
  draft_add(&d);
}

void problem_yield_while(Problems *problems, Span at, Span condition) {
  Draft d = draft_new(problems, "E0263", at);
  draft_title(&d, "a scan with `while` has no fixed number of steps to stack");
  draft_label(&d, "what would stand where no step was?");
  draft_extra(&d, condition, "ends it early");
  draft_help(&d, "carry the value:  with out = zeros([n]) …  out = put(out, i, value)");
  draft_add(&d);
}

void problem_yield_twice(Problems *problems, Span at, Span first) {
  Draft d = draft_new(problems, "E0264", at);
  draft_title(&d, "a step yields once");
  draft_label(&d, "a second time");
  draft_extra(&d, first, "the first");
  draft_help(&d, "yield several values together:  yield a, b");
  draft_add(&d);
}

void problem_yield_kind(Problems *problems, Span at, const char *kind) {
  Draft d = draft_new(problems, "E0265", at);
  draft_title(&d, "%s cannot be stacked", kind);
  draft_label(&d, "the value of a step is a tensor, or a record or list of tensors");
  draft_help(&d, "yield the tensor itself");
  draft_add(&d);
}

void problem_loop_nothing(Problems *problems, Span at) {
  Draft d = draft_new(problems, "E0266", at);
  draft_title(&d, "this loop gives nothing");
  draft_label(&d, "nothing is carried, and nothing is yielded");
  draft_help(&d, "yield what each step makes:  scan x over T { yield x * 2 }");
  draft_add(&d);
}

void problem_arms(Problems *problems, Span at, const char *then, const char *otherwise) {
  Draft d = draft_new(problems, "E0267", at);
  draft_title(&d, "the two arms of this `if` differ");
  draft_label(&d, "%s, else %s", draft_short(&d, then), draft_short(&d, otherwise));
  draft_note(&d, "which arm runs is known only while the program runs, so both must give one type");
  draft_help(&d, "give both arms the same shape:  if c { x } else { zeros_like(x) }");
  draft_add(&d);
}

void problem_body_state(Problems *problems, Span at, const char *path) {
  Draft d = draft_new(problems, "E0268", at);
  draft_title(&d, "a state cannot change inside scan, map or a run-time `if`");
  draft_label(&d, "`%s` is assigned", draft_short(&d, path));
  draft_note(&d, "it changes once a training step, and the body runs any number of times in it");
  draft_help(&d, "carry the number instead:  scan x over T with s = 0.0 { s = … }");
  draft_add(&d);
}

void problem_grad_scalar(Problems *problems, Span at, const char *type, const char *y, const char *x) {
  Draft d = draft_new(problems, "E0302", at);
  draft_title(&d, "grad needs one number to differentiate, found %s", draft_short(&d, type));
  draft_label(&d, "many numbers");
  draft_help(&d, "if row i of it depends only on row i of %s:  grad(sum(%s), %s)", draft_short(&d, x),
             draft_short(&d, y), draft_short(&d, x));
  draft_add(&d);
}

void problem_grad_nothing(Problems *problems, Span at, const char *y, const char *x) {
  Draft d = draft_new(problems, "E0269", at);
  draft_title(&d, "`%s` does not depend on `%s`", draft_short(&d, y), draft_short(&d, x));
  draft_label(&d, "no path of derivatives leads here");
  draft_note(
      &d, "a copy that was changed, a whole number, `stop`, or a name that stands for another value ends it");
  draft_help(&d, "differentiate by the name that was computed with");
  draft_add(&d);
}

void problem_grad_by(Problems *problems, Span at, const char *kind) {
  Draft d = draft_new(problems, "E0270", at);
  draft_title(&d, "nothing can be differentiated by %s", kind);
  draft_label(&d, "a tensor of floats, a model or its weights, or a list of these");
  draft_help(&d, "numbers known before the run become tensors by  tensor(x)");
  draft_add(&d);
}
