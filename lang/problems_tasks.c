/* The words for statements and tasks: E0501 to E0517, E0412, W0602 and E0518. */
#include "lang/draft.h"
#include "lang/problems.h"

#include <inttypes.h>
#include <string.h>

void problem_misplaced(Problems *problems, Span at) {
  Draft d = draft_new(problems, "E0502", at);
  draft_title(&d, "this statement cannot stand here");
  draft_note(&d, "minimize, metric, print, save, yield and freeze belong directly into a task; param and "
                 "state into a layer");
  draft_add(&d);
}

void problem_assign_new(Problems *problems, Span at, Name name, const char *nearest) {
  Draft d = draft_new(problems, "E0504", at);
  const char *word = draft_short(&d, name);
  draft_title(&d, "there is no `%s` to give a new value to", word);
  if (nearest) draft_label(&d, "did you mean `%s`?", draft_short(&d, nearest));
  draft_help(&d, "a new name begins with let:  let %s = …", word);
  draft_add(&d);
}

void problem_constant_column(Problems *problems, Span at, Name field, int index) {
  Draft d = draft_new(problems, "W0602", at);
  draft_title(&d, "column %d of `%s` has one value in all training rows", index + 1, draft_short(&d, field));
  draft_label(&d, "standardize makes it 0");
  draft_help(&d, "leave it out: it says nothing");
  draft_add(&d);
}

void problem_unused(Problems *problems, Span at) {
  Draft d = draft_new(problems, "E0518", at);
  draft_title(&d, "this value is not used");
  draft_label(&d, "computed and dropped");
  draft_help(&d, "give it a name:  let x = …      or show it:  print …");
  draft_add(&d);
}

// ---- settings --------------------------------------------------------------------------------------------------

void problem_unknown_setting(Problems *problems, Span at, Name name, const char *nearest) {
  Draft d = draft_new(problems, "E0505", at);
  const char *word = draft_short(&d, name);
  draft_title(&d, "train has no setting `%s`", word);
  if (nearest) draft_label(&d, "did you mean `%s`?", draft_short(&d, nearest));
  draft_note(&d, "step, epoch and progress count by themselves and are read only");
  draft_help(&d, "a name of your own begins with let:  let %s = …", word);
  draft_add(&d);
}

void problem_setting_value(Problems *problems, Span at, const char *name, const char *takes) {
  Draft d = draft_new(problems, "E0506", at);
  draft_title(&d, "the setting `%s` cannot be this", draft_short(&d, name));
  draft_label(&d, "another kind of value, out of range, or not known before the run");
  draft_help(&d, "%s", takes);
  draft_add(&d);
}

void problem_watched(Problems *problems, Span at, const char *metric, const char *nearest, bool validates) {
  Draft d = draft_new(problems, "E0503", at);
  const char *word = draft_short(&d, metric);
  if (validates) {
    draft_title(&d, "this train block has no metric `%s`", word);
    if (nearest) draft_label(&d, "did you mean `valid.%s`?", draft_short(&d, nearest));
    draft_help(&d, "the loss is there always:  \"valid.loss\"      others are declared:  metric %s = …",
               word);
  } else {
    draft_title(&d, "`valid.%s` is watched, but there are no validation rows", word);
    draft_help(&d, "split the table:  |> split(valid=0.2)");
  }
  draft_add(&d);
}

// ---- statements of a task --------------------------------------------------------------------------------------

void problem_no_weights(Problems *problems, Span at, const char *text, Span selection) {
  Draft d = draft_new(problems, "E0501", at);
  draft_title(&d, "this update can never change anything");
  draft_label(&d, "no weight that may change is used in `%s`", draft_short(&d, text));
  draft_extra(&d, selection, "asked to change");
  draft_help(&d, "use a model in what is minimized, and look at `over` and `freeze`");
  draft_add(&d);
}

void problem_no_optimizer(Problems *problems, Span at) {
  Draft d = draft_new(problems, "E0512", at);
  draft_title(&d, "nothing says how the weights change");
  draft_label(&d, "`using` is missing");
  draft_help(&d, "minimize mse(y, target) using adam(1e-3)");
  draft_add(&d);
}

void problem_optimizer_value(Problems *problems, Span at, const char *kind) {
  Draft d = draft_new(problems, "E0513", at);
  draft_title(&d, "`using` needs an optimizer with its settings, found %s%s", kind,
              strcmp(kind, "an optimizer") ? "" : " without them");
  draft_help(&d, "using adam()      using sgd(0.01, momentum=0.9)");
  draft_add(&d);
}

void problem_no_minimize(Problems *problems, Span at, Name name) {
  Draft d = draft_new(problems, "E0516", at);
  draft_title(&d, "train %s minimizes nothing", draft_short(&d, name));
  draft_label(&d, "no weight would ever change");
  draft_help(&d,
             "minimize mse(y, target) using adam(1e-3)      to measure only, write  eval  instead of  train");
  draft_add(&d);
}

void problem_selection(Problems *problems, Span at, const char *kind) {
  Draft d = draft_new(problems, "E0511", at);
  draft_title(&d, "`over`, `freeze` and `set` take models and their weights, found %s", kind);
  draft_help(&d, "over net      freeze net      some of its weights:  net[\"Dense.0.*\"]");
  draft_add(&d);
}

void problem_scalar(Problems *problems, Span at, const char *what, const char *type) {
  Draft d = draft_new(problems, "E0508", at);
  draft_title(&d, "%s needs one number, found %s", what, draft_short(&d, type));
  draft_label(&d, "%s", draft_short(&d, type));
  draft_help(&d, "take the mean:  mean(…)");
  draft_add(&d);
}

void problem_measure_twice(Problems *problems, Span at, const char *name) {
  Draft d = draft_new(problems, "E0507", at);
  const char *word = draft_short(&d, name);
  draft_title(&d, "two metrics are called `%s`", word);
  draft_label(&d, "the second one");
  draft_help(&d, "give it a name:  metric %s_2 = …", word);
  draft_add(&d);
}

void problem_yield(Problems *problems, Span at, const char *name, const char *type) {
  Draft d = draft_new(problems, "E0509", at);
  draft_title(&d, "the column `%s` has one value for each row, found %s", draft_short(&d, name),
              draft_short(&d, type));
  draft_label(&d, "its first dim must be the batch");
  draft_help(&d, "yield digit=argmax(logits)");
  draft_add(&d);
}

void problem_save(Problems *problems, Span at) {
  Draft d = draft_new(problems, "E0510", at);
  draft_title(&d, "save writes a table to .csv, a picture to .png, any tensor to .npy");
  draft_help(&d, "save table(x=x, y=y) to \"points.csv\"      or  save image_grid(images) to \"grid.png\"");
  draft_add(&d);
}

void problem_save_columns(Problems *problems, Span at, Name name) {
  Draft d = draft_new(problems, "E0540", at);
  draft_title(&d, "column `%s` of this table is not as long as the first, or has several dims", name);
  draft_help(&d, "a column is one number a row; save tensors to \"%s.npy\"", name);
  draft_add(&d);
}

void problem_save_picture(Problems *problems, Span at, const char *type) {
  Draft d = draft_new(problems, "E0541", at);
  draft_title(&d, "%s is no picture", type);
  draft_note(&d, "a picture is [H, W], [H, W, 3] or [H, W, 4], of numbers from 0 to 1");
  draft_help(&d, "several images as one:  image_grid(images, across=8)");
  draft_add(&d);
}

void problem_task_source(Problems *problems, Span at, const char *kind) {
  Draft d = draft_new(problems, "E0514", at);
  draft_title(&d, "a task works on a data table, found %s", kind);
  draft_help(&d, "train fit on table { … }      one part of it:  eval report on table.test { … }");
  draft_add(&d);
}

void problem_empty_part(Problems *problems, Span at) {
  Draft d = draft_new(problems, "E0515", at);
  draft_title(&d, "this part of the table has no rows");
  draft_label(&d, "0 rows");
  draft_help(&d, "split the table:  |> split(valid=0.15, test=0.15)");
  draft_add(&d);
}

void problem_every(Problems *problems, Span at, const char *found) {
  Draft d = draft_new(problems, "E0521", at);
  draft_title(&d, "`every` needs a whole number of steps that is known before the run, found %s",
              draft_short(&d, found));
  draft_help(&d, "minimize loss using adam(1e-3) every 5");
  draft_add(&d);
}

void problem_every_place(Problems *problems, Span at) {
  Draft d = draft_new(problems, "E0522", at);
  draft_title(&d, "`every` counts the steps of a train block, and this block has none");
  draft_help(&d, "leave out  every …");
  draft_add(&d);
}

void problem_set_value(Problems *problems, Span at, const char *path, const char *wanted, const char *found) {
  Draft d = draft_new(problems, "E0523", at);
  draft_title(&d, "%s is %s and would be set to %s", draft_short(&d, path), draft_short(&d, wanted),
              draft_short(&d, found));
  draft_help(&d, "set target = blend(target, online, 0.01)      set net[\"Dense.b\"] = 0");
  draft_add(&d);
}

void problem_no_weights_yet(Problems *problems, Span at) {
  Draft d = draft_new(problems, "E0524", at);
  draft_title(&d, "these weights do not exist here");
  draft_label(&d, "no weight of this path has been used so far");
  draft_note(&d,
             "the weights of a model are made where it is first used: their shapes follow from its input");
  draft_help(&d, "use the model in a statement above, and compare the path with  lathe show");
  draft_add(&d);
}

void problem_guarded_value(Problems *problems, Span at, Name name, const char *old, const char *given) {
  Draft d = draft_new(problems, "E0525", at);
  draft_title(&d, "`%s` is %s before this `if` and would be %s after it", draft_short(&d, name),
              draft_short(&d, old), draft_short(&d, given));
  draft_label(&d, "what may run or not keeps the type");
  draft_help(&d, "a name of its own:  let %s_2 = …", draft_short(&d, name));
  draft_add(&d);
}

void problem_bent_metric(Problems *problems, Span at, const char *function) {
  Draft d = draft_new(problems, "W0603", at);
  draft_title(&d, "a mean over batches of %s(…) is not %s of the mean", function, function);
  draft_label(&d, "computed for each batch, then averaged");
  draft_help(&d, "a metric with states sums over all rows first:  rmse(y, target), perplexity(logits, ids)");
  draft_add(&d);
}

void problem_expect_value(Problems *problems, Span at, const char *found) {
  Draft d = draft_new(problems, "E0526", at);
  draft_title(&d, "expect needs true or false, found %s", draft_short(&d, found));
  draft_help(&d, "expect accuracy(net(x), label) > 0.9      expect abs(a - b) < 1e-5");
  draft_add(&d);
}

void problem_expectation(Problems *problems, Span at, const char *left, const char *right) {
  Draft d = draft_new(problems, "E0527", at);
  draft_title(&d, "this is not so");
  if (right) {
    draft_label(&d, "%s on the left", draft_short(&d, left));
    draft_detail(&d, "%s on the right", draft_short(&d, right));
  } else
    draft_label(&d, "%s", draft_short(&d, left));
  draft_add(&d);
}

void problem_unknown_test(Problems *problems, const char *name, const char *nearest, bool any) {
  Draft d = draft_new(problems, "E0911", (Span){0});
  if (any) {
    draft_title(&d, "the program has no test \"%s\"", draft_short(&d, name));
    if (nearest) draft_help(&d, "did you mean \"%s\"?", draft_short(&d, nearest));
  } else {
    draft_title(&d, "the program has no tests");
    draft_help(&d, "test \"sums\" { expect 1 + 1 == 2 }");
  }
  d.problem.exit_code = 2;
  draft_add(&d);
}

void problem_let_early(Problems *problems, Span at, const char *path) {
  Draft d = draft_new(problems, "E0528", at);
  draft_title(&d, "%s is needed before it has a value", draft_short(&d, path));
  draft_label(&d, "in a let that a field or a first value of a weight depends on");
  draft_help(&d, "move the let into the task");
  draft_add(&d);
}

void problem_table_twice(Problems *problems, Span at, Name name) {
  Draft d = draft_new(problems, "E0530", at);
  draft_title(&d, "`%s` stands behind `on` twice", draft_short(&d, name));
  draft_label(&d, "both would be the same rows");
  draft_help(&d, "a second declaration of the data:  data %s_2 from …", draft_short(&d, name));
  draft_add(&d);
}

void problem_draw(Problems *problems, Span at) {
  Draft d = draft_new(problems, "E0531", at);
  draft_title(&d, "draw needs a field with one number for each row");
  draft_help(&d, "draw = balanced(label)      draw = weight");
  draft_add(&d);
}

void problem_chance(Problems *problems, Span at, int64_t row, double chance) {
  Draft d = draft_new(problems, "E0532", at);
  if (row > 0)
    draft_title(&d, "row %" PRId64 " would be drawn with the chance %g", row, chance);
  else
    draft_title(&d, "no row has a chance to be drawn");
  draft_label(&d, "chances are numbers from 0 up, and not all of them 0");
  d.problem.exit_code = 3;
  draft_add(&d);
}

void problem_search(Problems *problems, Span at) {
  Draft d = draft_new(problems, "E0533", at);
  draft_title(&d, "lbfgs needs the whole table in each step, and the block for itself");
  draft_note(&d, "it asks for the loss again at other weights: one minimize, without every, if, clip, "
                 "accumulate and ema");
  draft_help(&d, "batch = \"all\"; minimize mse(net(x), y) using lbfgs()");
  draft_add(&d);
}

void problem_plateau_place(Problems *problems, Span at) {
  Draft d = draft_new(problems, "E0534", at);
  draft_title(&d, "plateau follows the validations of a train block, and stands in one");
  draft_help(&d, "minimize loss using adam(1e-3 * plateau(\"valid.loss\", 3))");
  draft_add(&d);
}

void problem_sweep_name(Problems *problems, Span at, Name name, const char *nearest) {
  Draft d = draft_new(problems, "E0535", at);
  draft_title(&d, "a sweep cannot change `%s`", draft_short(&d, name));
  if (nearest) draft_label(&d, "did you mean `%s`?", draft_short(&d, nearest));
  draft_note(&d, "it tries values of configs of the file and of settings of its train block");
  draft_help(&d, "config %s = …      at the top of the file", draft_short(&d, name));
  draft_add(&d);
}

void problem_sweep_base(Problems *problems, Span at, const char *nearest) {
  Draft d = draft_new(problems, "E0536", at);
  draft_title(&d, "a sweep works on a train block of the file");
  if (nearest) draft_label(&d, "did you mean `%s`?", draft_short(&d, nearest));
  draft_help(&d, "sweep search on fit { lr = log_range(1e-4, 1e-2) }");
  draft_add(&d);
}

// ---- while it runs ---------------------------------------------------------------------------------------------

void problem_column_needed(Problems *problems, Span at, const char *name, const char *path) {
  Draft d = draft_new(problems, "E0412", at);
  draft_title(&d, "%s has no column `%s`, which is needed here", draft_short(&d, path),
              draft_short(&d, name));
  draft_help(&d, "add the column to the file; only columns that the task reads are needed");
  d.problem.exit_code = 3;
  draft_add(&d);
}

void problem_not_a_number(Problems *problems, Span at, const char *task, int64_t step, const char *op,
                          const char *layer) {
  Draft d = draft_new(problems, "E0517", at);
  draft_title(&d, "train %s stopped in step %" PRId64 ": a number became infinite or NaN",
              draft_short(&d, task), step);
  if (op)
    draft_label(&d, "first in `%s`%s%s", op, layer ? " of " : "", layer ? layer : "");
  else
    draft_label(&d, "first in the gradients");
  draft_note(&d, "the weights with which the epoch began are kept");
  draft_help(&d, "often a smaller learning rate helps, or  clip = 1.0;  log and / need numbers away from 0");
  d.problem.exit_code = 4;
  draft_add(&d);
}

void problem_rows_misfit(Problems *problems, Span at, int64_t rows, int64_t longest, const char *why) {
  Draft d = draft_new(problems, "E0519", at);
  const char *count = draft_count(&d, (long long)rows, "row");
  if (longest)
    draft_title(&d, "this is impossible with %s, the longest of %" PRId64 " values", count, longest);
  else
    draft_title(&d, "this is impossible with %s", count);
  draft_label(&d, "%s", why);
  if (longest)
    draft_help(&d, "cut rows to what fits, say 64 values:  pad(most=64)");
  else
    draft_help(&d, "the table, or its last batch, has fewer rows than this needs");
  draft_add(&d);
}

void problem_never_trained(Problems *problems, Span model, const char *path, Span param) {
  Draft d = draft_new(problems, "E0520", model);
  draft_title(&d, "%s would never be trained", draft_short(&d, path));
  draft_label(&d, "nothing that is minimized depends on it");
  draft_extra(&d, param, "declared here");
  draft_help(&d, "use it in what the model returns, or leave it out");
  draft_add(&d);
}
