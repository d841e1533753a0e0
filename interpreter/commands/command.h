/* The commands of the command line: one row each. */
#ifndef INTERPRETER_COMMANDS_COMMAND_H
#define INTERPRETER_COMMANDS_COMMAND_H

#include "interpreter/session.h"

typedef struct {
  const char *file;        // the program, NULL if none was given
  const char *const *word; // further words: tasks, a model, a table
  int words;
  const char *after, *to; // --after=, --to
  bool base64;
  int jobs;                // --jobs
  bool resume;             // --resume …
  const char *run_folder;  // of the run that was made last; NULL: none
  const char *resume_from; // … of the run in this folder; NULL: the newest
  Options options;
  Problems *problems;
  Report *report;
  Arena *arena;
} Invocation;

typedef struct {
  const char *name;
  const char *usage; // behind `lathe NAME`
  const char *doc;   // one line
  const char *more;  // what `lathe help NAME` adds: flags and an example
  bool needs_file;
  int (*run)(Invocation *call); // exit code
} Command;

extern const Command commands[];
extern const int command_count;

int command_check(Invocation *call);
int command_train(Invocation *call);
int command_run(Invocation *call);
int command_eval(Invocation *call);
int command_predict(Invocation *call);
int command_test(Invocation *call);
int command_sweep(Invocation *call);
int command_runs(Invocation *call);
int command_replay(Invocation *call);
int command_diff(Invocation *call);
int command_export(Invocation *call);
int command_show(Invocation *call);
int command_plan(Invocation *call);
int command_data(Invocation *call);
int command_repl(Invocation *call);
int command_version(Invocation *call);
int command_help(Invocation *call);
int command_explain(Invocation *call);

/* For commands that use weights: --weights, else the newest finished run of the program. Says which; false
 * after a Problem when there is none. */
bool find_weights(Invocation *call);
/* Fills the weights of a started session from what find_weights found. */
bool use_weights(Invocation *call, Session *session);
bool write_model(Session *session, const char *model, const char *path, bool base64);
/* Events of a program: a load, an export, a task. The exit code. */
int run_load(Session *session, const Ast *ast);
int run_export(Invocation *call, Session *session, const Ast *ast);
int run_task(Invocation *call, Session *session, Task *task);
const char *below_out(Invocation *call, const char *path);
int train_words(Invocation *call); // the train tasks that the words name, with the loads above them
int failed(Invocation *call);      // the exit code of the problems so far

#endif
