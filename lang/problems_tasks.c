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
  draft_title(&d, "`over` and `freeze` take models and their weights, found %s", kind);
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
  draft_title(&d, "save writes a table to a file");
  draft_help(&d, "save table(x=x, y=y) to \"points.csv\"");
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
