/* The words for runs that go on, and are compared: E0709 to E0712 and W0701. */
#include "lang/draft.h"
#include "lang/problems.h"

#include <string.h>

static Draft draft_run(Problems *problems, const char *code) {
  Draft draft = draft_new(problems, code, (Span){0});
  draft.problem.exit_code = 3;
  return draft;
}

void problem_nothing_to_resume(Problems *problems, const char *file, const char *task) {
  Draft d = draft_run(problems, "E0709");
  if (task)
    draft_title(&d, "no run of %s in %s was left unfinished", draft_short(&d, task), draft_short(&d, file));
  else
    draft_title(&d, "no run of %s was left unfinished", draft_short(&d, file));
  draft_note(&d, "runs with a checkpoint are looked for in runs/, beneath the current folder or --out DIR");
  draft_help(&d, "to begin one:  lathe train %s      what there is:  lathe runs", draft_short(&d, file));
  draft_add(&d);
}

void problem_run_finished(Problems *problems, const char *folder) {
  Draft d = draft_run(problems, "E0709");
  draft_title(&d, "the run in %s is finished", draft_short(&d, folder));
  draft_help(&d, "its weights are in  %s/best.safetensors", draft_short(&d, folder));
  draft_add(&d);
}

void problem_run_changed(Problems *problems, const char *what, const char *then, const char *now,
                         const char *path, bool setting) {
  Draft d = draft_run(problems, "E0710");
  const char *name = draft_short(&d, what);
  draft_title(&d, "%s is not what the run of %s began with", name, draft_short(&d, path));
  draft_detail(&d, "then: %s\nnow:  %s", then ? draft_short(&d, then) : "not given",
               now ? draft_short(&d, now) : "not given");
  draft_note(&d, "a run goes on with the same bits or not at all");
  bool flag = !strncmp(what, "--", 2), rows = !strcmp(what, "rows");
  const char *fresh = "to start anew from its weights:  load MODEL from";
  if (setting && then && !rows)
    draft_help(&d, "to go on:  %s%s%s      %s \"%s\"", name, flag ? " " : "=", draft_short(&d, then), fresh,
               draft_short(&d, path));
  else if (setting && !rows)
    draft_help(&d, "to go on:  without %s%s%s      %s \"%s\"", name, flag ? " " : "=", draft_short(&d, now),
               fresh, draft_short(&d, path));
  else
    draft_help(&d, "put back what was there; or, %s \"%s\"", fresh, draft_short(&d, path));
  draft_add(&d);
}

void problem_run_data(Problems *problems, const char *path) {
  Draft d = draft_run(problems, "E0710");
  draft_title(&d, "the data is not what the run of %s began with", draft_short(&d, path));
  draft_note(&d, "rows have other values or another order, or other files are read");
  draft_help(&d, "put back the data; or, to start anew from its weights:  load MODEL from \"%s\"",
             draft_short(&d, path));
  draft_add(&d);
}

void problem_no_checkpoint(Problems *problems, const char *folder, int tried) {
  Draft d = draft_run(problems, "E0711");
  if (tried)
    draft_title(&d, "no checkpoint in %s is whole", draft_short(&d, folder));
  else
    draft_title(&d, "there is no checkpoint in %s", draft_short(&d, folder));
  draft_help(&d, "checkpoint = every(500)  makes them; a first SIGINT or SIGTERM makes one too");
  draft_add(&d);
}

void problem_no_run(Problems *problems, const char *folder) {
  Draft d = draft_run(problems, "E0712");
  draft_title(&d, "%s is no folder of a run", draft_short(&d, folder));
  draft_help(&d, "what there is:  lathe runs");
  draft_add(&d);
}

void problem_checkpoint_skipped(Problems *problems, const char *path, const char *why) {
  Draft d = draft_run(problems, "W0701");
  draft_title(&d, "%s is skipped: %s", draft_short(&d, path), why);
  draft_add(&d);
}
