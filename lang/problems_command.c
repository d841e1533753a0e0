/* The words for the command line: E0901 to E0908. */
#include "lang/draft.h"
#include "lang/problems.h"

#include <string.h>

static Draft draft_command(Problems *problems, const char *code) {
  Draft draft = draft_new(problems, code, (Span){0});
  draft.problem.exit_code = 2;
  return draft;
}

void problem_unknown_word(Problems *problems, const char *kind, const char *word, const char *nearest) {
  static const struct {
    const char *kind, *list;
  } lists[] = {{"command", "lathe help"},
               {"flag", "lathe help"},
               {"code", "lathe explain"},
               {"stage", "--after=parse, check, graph, grad, fuse or plan"}};
  Draft d = draft_command(problems, "E0901");
  bool data = !strcmp(kind, "data");
  draft_title(&d, "there is no %s `%s`", data ? "data block" : kind, draft_short(&d, word));
  if (nearest) draft_help(&d, "did you mean  %s", draft_short(&d, nearest));
  for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++)
    if (!nearest && !strcmp(lists[i].kind, kind)) draft_help(&d, "what there is:  %s", lists[i].list);
  draft_add(&d);
}

void problem_flag_value(Problems *problems, const char *flag, const char *value) {
  static const struct {
    const char *flag, *takes;
  } table[] = {{"--threads", "a number from 1 to 1024:  --threads 4"},
               {"--seed", "a whole number from 0 up:  --seed 1"},
               {"--cpu", "v2, v3 or v4:  --cpu v3"},
               {"--device", "cpu or reference:  --device cpu"},
               {"--precision", "f32, f64, bf16 or f16:  --precision f32"},
               {"--color", "auto, always or never:  --color never"}};
  Draft d = draft_command(problems, "E0902");
  draft_title(&d, "%s cannot be %s", flag, draft_short(&d, *value ? value : "empty"));
  for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
    if (!strcmp(table[i].flag, flag)) draft_help(&d, "%s", table[i].takes);
  draft_add(&d);
}

void problem_usage(Problems *problems, const char *command, const char *usage) {
  Draft d = draft_command(problems, "E0903");
  draft_title(&d, "%s needs more words, or fewer", command);
  draft_help(&d, "lathe %s %s", command, usage);
  draft_add(&d);
}

void problem_no_weights_file(Problems *problems, const char *file) {
  Draft d = draft_command(problems, "E0904");
  const char *program = draft_short(&d, file);
  draft_title(&d, "there are no trained weights of %s here", program);
  draft_note(&d, "they are looked for in runs/, beneath the current folder or --out DIR");
  draft_help(&d, "lathe train %s      or name a file:  --weights net.json", program);
  d.problem.exit_code = 3;
  draft_add(&d);
}

void problem_unknown_model(Problems *problems, const char *name, const char *nearest) {
  Draft d = draft_command(problems, "E0905");
  draft_title(&d, "the program has no model `%s`", draft_short(&d, name));
  if (nearest) draft_help(&d, "did you mean  %s", draft_short(&d, nearest));
  draft_add(&d);
}

void problem_unknown_task(Problems *problems, const char *name, const char *nearest) {
  Draft d = draft_command(problems, "E0906");
  draft_title(&d, "the program has no task `%s` of this kind", draft_short(&d, name));
  if (nearest) draft_help(&d, "did you mean  %s", draft_short(&d, nearest));
  draft_add(&d);
}

void problem_nothing_to_do(Problems *problems, const char *word, const char *file) {
  Draft d = draft_command(problems, "E0907");
  draft_title(&d, "%s has no %s block", draft_short(&d, file), word);
  draft_add(&d);
}

void problem_transfer(Problems *problems, Span at, const char *example) {
  Draft d = draft_new(problems, "E0908", at);
  draft_title(&d, "a model and a file name are needed here");
  draft_help(&d, "%s", example);
  draft_add(&d);
}

void problem_model_unused(Problems *problems, const char *model) {
  Draft d = draft_new(problems, "E0910", (Span){0});
  draft_title(&d, "the model %s has no weights to write", draft_short(&d, model));
  draft_note(&d, "no task calls it, so the sizes of its inputs are not known");
  draft_help(&d, "train it, or call it in an eval or predict block");
  draft_add(&d);
}
