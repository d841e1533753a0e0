/* The words for Lua hooks: E0801 to E0804 and W0801. */
#include "lang/draft.h"
#include "lang/problems.h"

#include <string.h>

static const char *file_of(Draft *draft, const char *path) {
  const char *slash = strrchr(path, '/');
  return draft_short(draft, slash ? slash + 1 : path);
}

void problem_hook(Problems *problems, Span at, const char *what, const char *path, const char *message) {
  Draft d = draft_new(problems, "E0801", at);
  draft_title(&d, "%s of %s failed: %s", what, file_of(&d, path), draft_short(&d, message));
  if (strstr(message, "budget") || strstr(message, "seconds"))
    draft_note(&d,
               "a call may take so much and no more; what has to be computed for every row or weight belongs "
               "into the program");
  if (strstr(message, "global 'print'"))
    draft_help(&d, "ctx.log(\"name\", number)  writes into the record of the run");
  d.problem.exit_code = 4;
  draft_add(&d);
}

void problem_rewinds(Problems *problems, Span at, const char *task, int limit) {
  Draft d = draft_new(problems, "E0802", at);
  draft_title(&d, "train %s was rewound more than %d times", task, limit);
  draft_note(&d, "each attempt takes other random numbers; when none gets through, something else is wrong");
  draft_help(&d, "a smaller learning rate, or  clip = 1.0");
  d.problem.exit_code = 4;
  draft_add(&d);
}

void problem_hook_table(Problems *problems, Span at, const char *path, const char *kind) {
  Draft d = draft_new(problems, "E0803", at);
  draft_title(&d, "%s gives back %s, not a table of hooks", file_of(&d, path),
              strcmp(kind, "nil") ? draft_short(&d, kind) : "nothing");
  draft_help(&d, "return { after_step = function(ctx) … end }");
  draft_add(&d);
}

void problem_hook_name(Problems *problems, Span at, const char *path, const char *name, const char *nearest,
                       const char *kind) {
  Draft d = draft_new(problems, "E0803", at);
  if (kind)
    draft_title(&d, "`%s` of %s is a %s; a hook is a function", draft_short(&d, name), file_of(&d, path),
                kind);
  else
    draft_title(&d, "there is no hook `%s`", draft_short(&d, name));
  if (nearest) draft_help(&d, "did you mean  %s", nearest);
  if (!nearest && !kind)
    draft_help(&d, "hooks are  config start before_step after_step epoch validated nan finish row");
  draft_add(&d);
}

void problem_hook_missing(Problems *problems, Span at, const char *path, const char *name) {
  Draft d = draft_new(problems, "E0803", at);
  draft_title(&d, "%s has no function %s", file_of(&d, path), name);
  draft_help(&d, "return { %s = function(r) … return r end }", name);
  draft_add(&d);
}

void problem_hook_config(Problems *problems, Span at, const char *path, const char *what) {
  Draft d = draft_new(problems, "E0804", at);
  draft_title(&d, "config of %s gives back what is no config: %s", file_of(&d, path), draft_short(&d, what));
  draft_help(&d, "return { lr = 1e-3, [\"fit.batch\"] = 64 }");
  draft_add(&d);
}

void problem_hook_state(Problems *problems, Span at, const char *name, Span declared) {
  Draft d = draft_new(problems, "W0801", at);
  draft_title(&d, "`%s` is forgotten when the run is resumed", draft_short(&d, name));
  draft_extra(&d, declared, "lives at file level");
  draft_help(&d, "keep it in ctx.state, which checkpoints hold:  ctx.state.%s", draft_short(&d, name));
  draft_add(&d);
}
