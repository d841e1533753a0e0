/* The words for names and calls: E0101 to E0123. */
#include "lang/draft.h"
#include "lang/problems.h"

static void did_you_mean(Draft *draft, const char *nearest) {
  if (nearest) draft_label(draft, "did you mean `%s`?", draft_short(draft, nearest));
}

void problem_unknown_name(Problems *problems, Span at, Name name, const char *nearest, Span there) {
  Draft d = draft_new(problems, "E0101", at);
  draft_title(&d, "there is no `%s` here", draft_short(&d, name));
  did_you_mean(&d, nearest);
  if (nearest && there.source == at.source) draft_extra(&d, there, "`%s` is this", draft_short(&d, nearest));
  if (!nearest)
    draft_help(&d, "names come from let, fn, layer, model, data, config, inputs, and `use`d files");
  draft_add(&d);
}

void problem_cycle(Problems *problems, Span at, Name name) {
  Draft d = draft_new(problems, "E0102", at);
  draft_title(&d, "`%s` is made of itself", draft_short(&d, name));
  draft_label(&d, "asked for while it is being computed");
  draft_help(&d, "give one of the names in this circle a value of its own");
  draft_add(&d);
}

void problem_missing_argument(Problems *problems, Span at, const char *what, const char *name,
                              const char *type, bool settings) {
  Draft d = draft_new(problems, "E0103", at);
  const char *callee = draft_short(&d, what), *slot = draft_short(&d, name);
  draft_title(&d, "%s needs `%s`", callee, slot);
  if (type) draft_label(&d, "%s: %s is not given", slot, draft_short(&d, type));
  if (!type) draft_label(&d, "`%s` is not given", slot);
  if (settings) draft_help(&d, "%s(%s=…)", callee, slot);
  draft_add(&d);
}

void problem_no_setting(Problems *problems, Span at, const char *what, const char *name, bool settings,
                        const char *nearest, const char *signature) {
  Draft d = draft_new(problems, "E0104", at);
  const char *callee = draft_short(&d, what);
  draft_title(&d, "%s has no %s `%s`", callee, settings ? "setting" : "input", draft_short(&d, name));
  did_you_mean(&d, nearest);
  if (signature && *signature) draft_note(&d, "%s(%s)", callee, signature);
  draft_add(&d);
}

void problem_tensor_setting(Problems *problems, Span call, const char *what, Span at, const char *type,
                            const char *text) {
  Draft d = draft_new(problems, "E0105", at);
  const char *callee = draft_short(&d, what), *input = draft_short(&d, text);
  draft_title(&d, "%s was given a tensor where its settings go", callee);
  draft_label(&d, "%s", draft_short(&d, type));
  draft_extra(&d, call, "settings of %s", callee);
  draft_help(&d, "settings first, then input:  %s(…)(%s)   or   %s |> %s(…)", callee, input, input, callee);
  draft_add(&d);
}

void problem_layer_bare(Problems *problems, Span at, const char *text) {
  Draft d = draft_new(problems, "E0106", at);
  const char *layer = draft_short(&d, text);
  draft_title(&d, "%s is a layer and needs its settings, even if there are none", layer);
  draft_label(&d, "a recipe, not yet a layer with weights");
  draft_help(&d, "|> %s()", layer);
  draft_add(&d);
}

void problem_many_arguments(Problems *problems, Span at, const char *what, int most, bool settings) {
  Draft d = draft_new(problems, "E0107", at);
  const char *thing = settings ? "setting" : "input";
  if (most == 0)
    draft_title(&d, "%s takes no %ss", draft_short(&d, what), thing);
  else
    draft_title(&d, "%s takes %s%s", draft_short(&d, what), most == 1 ? "" : "at most ",
                draft_count(&d, most, thing));
  draft_label(&d, "one too many");
  draft_add(&d);
}

void problem_argument_count(Problems *problems, Span at, const char *what, int wanted, int given) {
  static const char *const example[] = {"", "x", "a, b", "c, a, b"};
  Draft d = draft_new(problems, "E0107", at);
  const char *callee = draft_short(&d, what);
  draft_title(&d, "%s takes %s, not %d", callee, draft_count(&d, wanted, "input"), given);
  if (wanted >= 1 && wanted <= 3) draft_help(&d, "%s(%s)", callee, example[wanted]);
  draft_add(&d);
}

void problem_twice(Problems *problems, Span at, const char *what, const char *name) {
  Draft d = draft_new(problems, "E0108", at);
  draft_title(&d, "%s was given `%s` twice", draft_short(&d, what), draft_short(&d, name));
  draft_label(&d, "the second time");
  draft_note(&d, "arguments without a name fill the places from left to right");
  draft_add(&d);
}

void problem_not_callable(Problems *problems, Span at, const char *text, const char *kind) {
  Draft d = draft_new(problems, "E0109", at);
  draft_title(&d, "`%s` is %s and cannot be called", draft_short(&d, text), draft_short(&d, kind));
  draft_note(&d, "functions, layers, models, metrics and optimizers can be called");
  draft_add(&d);
}

void problem_no_field(Problems *problems, Span at, const char *name, const Name *names, int count) {
  Draft d = draft_new(problems, "E0110", at);
  const char *part = draft_short(&d, name), *list = "";
  draft_title(&d, "there is no part `%s` here", part);
  if (names) {
    int shown = count < 8 ? count : 8;
    for (int i = 0; i < shown; i++)
      list = arena_printf(d.arena, "%s%s%s", list, i ? ", " : "", names[i] ? draft_short(&d, names[i]) : "_");
    did_you_mean(&d, name_nearest(name, names, count));
    if (count) draft_note(&d, "it has %s%s", list, shown < count ? " …" : "");
  } else if (count)
    draft_note(&d, "it has %s, counted from 0:  .0%s", draft_count(&d, count, "part"),
               count > 1 ? arena_printf(d.arena, " to .%d", count - 1) : "");
  draft_add(&d);
}

void problem_no_fields(Problems *problems, Span at, const char *kind) {
  Draft d = draft_new(problems, "E0110", at);
  draft_title(&d, "%s has no part of that name", draft_short(&d, kind));
  draft_note(&d, "records, data tables, models and layers have parts");
  draft_add(&d);
}

void problem_type_name(Problems *problems, Span at, Name name) {
  static const char *const known[] = {"int", "float", "bool", "u8", "f32",
                                      "f64", "str",   "list", "fn", "layer"};
  Draft d = draft_new(problems, "E0111", at);
  draft_title(&d, "there is no type `%s`", draft_short(&d, name));
  did_you_mean(&d, name_nearest(name, known, (int)(sizeof(known) / sizeof(*known))));
  draft_note(
      &d, "tensors are written [B, 10], int<K>[B], bool[B]; settings int, float, bool, str, list, fn, layer");
  draft_add(&d);
}

void problem_call_depth(Problems *problems, Span at, int limit) {
  Draft d = draft_new(problems, "E0112", at);
  draft_title(&d, "calls go deeper than %d", limit);
  draft_label(&d, "does it call itself without an end?");
  draft_help(&d, "a fn that calls itself needs an `if` that is known before the run and stops it");
  draft_add(&d);
}

void problem_param_place(Problems *problems, Span at, const char *word) {
  Draft d = draft_new(problems, "E0113", at);
  bool state = word[0] == 's';
  draft_title(&d, "`%s` cannot stand here", word);
  draft_label(&d, "%s",
              state ? "only inside a layer, model, optimizer or metric" : "only inside a layer or model");
  draft_help(
      &d, state ? "outside them a value has a name by:  let total = 0.0"
                : "put it into a layer:  layer Scale()(x: [..., n]) -> [..., n] { param s: [n] = 1; s * x }");
  draft_add(&d);
}

void problem_layer_place(Problems *problems, Span at, const char *name) {
  Draft d = draft_new(problems, "E0114", at);
  const char *layer = draft_short(&d, name);
  draft_title(&d, "the layer %s is used outside a model", layer);
  draft_label(&d, "its weights would belong to nothing");
  draft_help(&d, "put it into a model:  model net(x: [B, n]) = x |> %s(…)", layer);
  draft_add(&d);
}

void problem_unknown_column(Problems *problems, Span at, const char *name, const char *path,
                            const char *nearest) {
  Draft d = draft_new(problems, "E0115", at);
  draft_title(&d, "there is no column `%s` in %s", draft_short(&d, name), draft_short(&d, path));
  did_you_mean(&d, nearest);
  if (!nearest) draft_help(&d, "the columns there are:  lathe data FILE NAME");
  draft_add(&d);
}

void problem_unknown_step(Problems *problems, Span at, const char *name, const char *nearest) {
  Draft d = draft_new(problems, "E0116", at);
  draft_title(&d, "a table has no step `%s`", draft_short(&d, name));
  did_you_mean(&d, nearest);
  draft_note(&d, "steps are split, kfold, drop_missing, filter and limit; a column is changed inside { }");
  draft_add(&d);
}

void problem_source(Problems *problems, Span at, const char *name, const char *nearest) {
  Draft d = draft_new(problems, "E0117", at);
  draft_title(&d, "data cannot come from `%s`", draft_short(&d, name));
  did_you_mean(&d, nearest);
  draft_help(&d, "csv(\"table.csv\"), tsv(\"table.tsv\") or mnist(\"folder\")");
  draft_add(&d);
}

void problem_unavailable(Problems *problems, Span at, const char *what) {
  Draft d = draft_new(problems, "E0118", at);
  draft_title(&d, "`%s` is part of the language, but this version cannot run it", what);
  draft_add(&d);
}

void problem_data_only(Problems *problems, Span at, const char *name) {
  Draft d = draft_new(problems, "E0119", at);
  const char *step = draft_short(&d, name);
  draft_title(&d, "%s works on columns, inside a data block", step);
  draft_help(&d, "data table from csv(\"table.csv\") { field = column |> %s }", step);
  draft_add(&d);
}

void problem_model_value(Problems *problems, Span at, Name name, const char *kind) {
  Draft d = draft_new(problems, "E0120", at);
  const char *model = draft_short(&d, name);
  draft_title(&d, "the model %s is %s, not a layer", model, draft_short(&d, kind));
  draft_help(&d, "model %s = Dense(64, relu) >> Dense(10)      or with its input:  model %s(x: [B, n]) = …",
             model, model);
  draft_add(&d);
}

void problem_declared_twice(Problems *problems, Span at, Span first, Name name) {
  Draft d = draft_new(problems, "E0121", at);
  draft_title(&d, "`%s` is declared twice", draft_short(&d, name));
  draft_label(&d, "the second time");
  draft_extra(&d, first, "the first time");
  draft_help(&d, "give one of them another name");
  draft_add(&d);
}

void problem_unknown_config(Problems *problems, const char *name, const char *nearest) {
  Draft d = draft_new(problems, "E0122", (Span){0});
  const char *given = draft_short(&d, name);
  draft_title(&d, "the program has no config `%s`", given);
  if (nearest) draft_help(&d, "did you mean  %s=… ?", draft_short(&d, nearest));
  if (!nearest)
    draft_help(&d, "what the command line can set is declared in the program:  config %s = 1", given);
  d.problem.exit_code = 2;
  draft_add(&d);
}

void problem_use_cycle(Problems *problems, Span at, const char *path) {
  Draft d = draft_new(problems, "E0123", at);
  draft_title(&d, "%s uses itself", draft_short(&d, path));
  draft_label(&d, "this closes the circle");
  draft_help(&d, "put what both files need into a third one");
  draft_add(&d);
}
