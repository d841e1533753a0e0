/* The words for what goes wrong with the commands of a session: E0921 to E0927. */
#include "interpreter/repl/repl.h"

#include "lang/draft.h"

void problem_repl_usage(Problems *problems, const char *command, const char *usage) {
  Draft d = draft_new(problems, "E0921", (Span){0});
  draft_title(&d, ":%s needs other words behind it", command);
  draft_help(&d, ":%s %s", command, usage);
  draft_add(&d);
}

void problem_repl_needs(Problems *problems, const char *command, const char *wanted, const char *found) {
  Draft d = draft_new(problems, "E0922", (Span){0});
  draft_title(&d, ":%s needs %s, found %s", command, wanted, draft_short(&d, found));
  draft_add(&d);
}

void problem_repl_uncalled(Problems *problems, const char *model) {
  Draft d = draft_new(problems, "E0923", (Span){0});
  draft_title(&d, "%s has not been called yet", draft_short(&d, model));
  draft_note(&d, "the sizes of its inputs, and so its weights, are known when it is first called");
  draft_help(&d, "call it once, or enter a train block that does");
  draft_add(&d);
}

void problem_repl_undo(Problems *problems) {
  Draft d = draft_new(problems, "E0924", (Span){0});
  draft_title(&d, "nothing is left to take back");
  draft_add(&d);
}

void problem_repl_command(Problems *problems, const char *name, const char *nearest) {
  Draft d = draft_new(problems, "E0925", (Span){0});
  draft_title(&d, "there is no command `:%s`", draft_short(&d, name));
  if (nearest)
    draft_help(&d, "did you mean  :%s", nearest);
  else
    draft_help(&d, "what there is:  :help");
  draft_add(&d);
}

void problem_repl_memory(Problems *problems, size_t bytes) {
  Draft d = draft_new(problems, "E0926", (Span){0});
  draft_title(&d, "there is no room in memory for this: %.1f GiB were asked for", (double)bytes / 1073741824);
  draft_note(&d, "the line had no effect");
  d.problem.exit_code = 4;
  draft_add(&d);
}

void problem_repl_unknown(Problems *problems, const char *name, const char *nearest) {
  Draft d = draft_new(problems, "E0927", (Span){0});
  draft_title(&d, "nothing here is called `%s`", draft_short(&d, name));
  if (nearest) draft_help(&d, "did you mean  %s", nearest);
  draft_add(&d);
}
