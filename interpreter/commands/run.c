/* check, train, run, eval, predict: a program's events in the order of its text. */
#include "interpreter/commands/command.h"
#include "interpreter/elaborate/dataset.h"
#include "interpreter/formats/runs.h"
#include "interpreter/formats/save.h"
#include "lang/problems.h"

#include <string.h>

int failed(Invocation *call) {
  int code = problems_exit_code(call->problems);
  return code ? code : 1;
}

const char *below_out(Invocation *call, const char *path) {
  return call->options.out && path[0] != '/' ? arena_printf(call->arena, "%s/%s", call->options.out, path)
                                             : path;
}

static Session *open_session(Invocation *call, unsigned kinds) {
  return session_open(call->arena, call->problems, &call->options, call->report, call->file, kinds,
                      call->word, call->words);
}

/* Every word must name a task; those of `kind` are meant when there is no word. */
static bool words_known(Invocation *call, Session *session, int kind) {
  Elaborator *e = session->program;
  const char **known = ARENA_ARRAY(call->arena, const char *, e->declaration->count + 1);
  int count = 0;
  for (int i = 0; i < e->declaration->count; i++) {
    const Ast *ast = e->declaration->item[i];
    if (ast->kind == AST_TASK && (kind < 0 || (int)ast->u.task.task == kind))
      known[count++] = ast->u.task.name;
  }
  for (int w = 0; w < call->words; w++) {
    bool found = false;
    for (int i = 0; i < count; i++) found = found || !strcmp(known[i], call->word[w]);
    if (found) continue;
    problem_unknown_task(call->problems, call->word[w], name_nearest(call->word[w], known, count));
    return false;
  }
  if (count == 0 && kind >= 0) {
    static const char *const words[] = {"train", "eval", "predict", "task", "sweep"};
    problem_nothing_to_do(call->problems, words[kind], call->file);
    return false;
  }
  return true;
}

int command_check(Invocation *call) {
  Session *session = open_session(call, ALL_KINDS);
  session_close(session);
  return session ? 0 : failed(call);
}

int run_load(Session *session, const Ast *ast) {
  Elaborator *e = session->program;
  if (ast->u.transfer.body) {
    problem_unavailable(e->problems, ast->u.transfer.body->span, "load with rename, layout or skip");
    return 1;
  }
  const Value *what = eval(e, e->file, ast->u.transfer.what),
              *where = eval(e, e->file, ast->u.transfer.where);
  if (!weights_path(what) || where->kind != VALUE_STRING) {
    problem_transfer(e->problems, ast->span, "load net from \"net.json\"");
    return 1;
  }
  const char *path = resolve_path(e, ast, where->u.string.bytes);
  if (!session_load(session, path, ast->span, weights_path(what), false)) return 3;
  copies_start(session, weights_path(what));
  session->weights_from = path;
  report_line(session->report, "load", "%s from %s", weights_path(what), path);
  return 0;
}

int run_export(Invocation *call, Session *session, const Ast *ast) {
  Elaborator *e = session->program;
  const Value *what = eval(e, e->file, ast->u.transfer.what),
              *where = eval(e, e->file, ast->u.transfer.where);
  if (!weights_path(what) || where->kind != VALUE_STRING) {
    problem_transfer(e->problems, ast->span, "export net to \"net.json\"");
    return 1;
  }
  const char *path = where->u.string.bytes;
  if (!save_path_allowed(e->problems, ast->u.transfer.where->span, path)) return 3;
  return write_model(session, weights_path(what), below_out(call, path), call->base64) ? 0 : failed(call);
}

static Task *task_of(const Session *session, const Ast *ast) {
  for (int i = 0; i < session->tasks; i++)
    if (session->task[i]->ast == ast) return session->task[i];
  return NULL;
}

int run_task(Invocation *call, Session *session, Task *task) {
  switch (task->kind) {
  case TASK_TRAIN: return train_task(session, task);
  case TASK_EVAL: return measure_task(session, task);
  case TASK_PREDICT:
    return predict_task(session, task,
                        call->to ? call->to
                                 : below_out(call, arena_printf(call->arena, "%s.csv", task->name)));
  default: return plain_task(session, task);
  }
}

// ---- going on -----------------------------------------------------------------------------------------------------

/* The task of a folder runs/PROGRAM/TASK/N. */
static const char *task_of_folder(Arena *arena, const char *folder) {
  size_t length = strlen(folder);
  while (length && folder[length - 1] == '/') length--;
  while (length && folder[length - 1] != '/') length--;
  while (length && folder[length - 1] == '/') length--;
  size_t start = length;
  while (start && folder[start - 1] != '/') start--;
  return arena_copy(arena, folder + start, length - start);
}

/* The run that --resume names. NULL after a Problem. */
static Task *named_run(Invocation *call, const Session *session) {
  size_t length = strlen(call->resume_from);
  while (length > 1 && call->resume_from[length - 1] == '/') length--;
  const char *folder = arena_copy(call->arena, call->resume_from, length),
             *name = task_of_folder(call->arena, folder);
  if (!run_is_there(folder)) return problem_no_run(call->problems, folder), NULL;
  for (int i = 0; i < session->tasks; i++) {
    if (session->task[i]->kind != TASK_TRAIN || strcmp(session->task[i]->name, name)) continue;
    if (run_is_finished(folder)) return problem_run_finished(call->problems, folder), NULL;
    call->resume_from = folder;
    return session->task[i];
  }
  return problem_no_run(call->problems, folder), NULL;
}

/* The task whose newest unfinished run, in call->resume_from then, was at work last. NULL after a Problem. */
static Task *task_to_resume(Invocation *call, const Session *session) {
  if (call->resume_from) return named_run(call, session);
  struct timespec when, newest = {0};
  Task *found = NULL;
  const char *out = call->options.out ? call->options.out : ".";
  for (int i = 0; i < session->tasks; i++) {
    Task *task = session->task[i];
    if (task->kind != TASK_TRAIN) continue;
    const char *folder = run_unfinished(call->arena, out, session->program->program_name, task->name, &when);
    bool later = when.tv_sec != newest.tv_sec ? when.tv_sec > newest.tv_sec : when.tv_nsec > newest.tv_nsec;
    if (!folder || (found && !later)) continue;
    found = task;
    newest = when;
    call->resume_from = folder;
  }
  if (!found) problem_nothing_to_resume(call->problems, call->file, call->words == 1 ? call->word[0] : NULL);
  return found;
}

/* Runs loads and what `kinds` (a bit a TaskKind) and the words select; exports when `exports`. With --resume from the
 * task on that goes on. */
static int run_events(Invocation *call, Session *session, unsigned kinds, bool exports) {
  Elaborator *e = session->program;
  int code = 0;
  const Task *resumed = call->resume ? task_to_resume(call, session) : NULL;
  if (call->resume && !resumed) return failed(call);
  session->resume = call->resume_from;
  for (int i = 0; i < e->declaration->count && !code; i++) {
    const Ast *ast = e->declaration->item[i];
    if (resumed && ast != resumed->ast) continue; // what stands above is in the checkpoint
    resumed = NULL;
    if (ast->kind == AST_LOAD && !(call->options.weights && !session->trained)) code = run_load(session, ast);
    if (ast->kind == AST_EXPORT && exports) code = run_export(call, session, ast);
    Task *task = ast->kind == AST_TASK ? task_of(session, ast) : NULL;
    if (task && (kinds >> task->kind & 1)) code = run_task(call, session, task);
  }
  return code;
}

static int run_program(Invocation *call, int kind, unsigned kinds, bool exports, bool weights) {
  if (weights && !find_weights(call)) return failed(call);
  Session *session = open_session(call, kinds);
  int code = session && words_known(call, session, kind) && session_start(session) &&
                     (!weights || use_weights(call, session))
                 ? 0
                 : failed(call);
  if (!code) code = run_events(call, session, kinds, exports);
  call->run_folder = session ? session->run_folder : NULL;
  session_close(session);
  return code;
}

int command_run(Invocation *call) {
  return run_program(call, -1, 1u << TASK_TRAIN | 1u << TASK_EVAL | 1u << TASK_PREDICT | 1u << TASK_TASK,
                     true, false);
}
int train_words(Invocation *call) { return run_program(call, TASK_TRAIN, 1u << TASK_TRAIN, false, false); }
int command_train(Invocation *call) { return train_words(call); }
int command_eval(Invocation *call) { return run_program(call, TASK_EVAL, 1u << TASK_EVAL, false, true); }
int command_predict(Invocation *call) {
  return run_program(call, TASK_PREDICT, 1u << TASK_PREDICT, false, true);
}
