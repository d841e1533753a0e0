/* lathe test: the test blocks of a program, each by itself, and how many of them passed. */
#include "interpreter/commands/command.h"
#include "lang/problems.h"

#include <string.h>

static bool names_known(Invocation *call, const Session *session) {
  const Elaborator *e = session->program;
  const char **known = ARENA_ARRAY(call->arena, const char *, e->declaration->count + 1);
  int count = 0;
  for (int i = 0; i < e->declaration->count; i++)
    if (e->declaration->item[i]->kind == AST_TEST) known[count++] = e->declaration->item[i]->u.task.name;
  for (int w = 0; w < call->words; w++) {
    bool found = false;
    for (int i = 0; i < count; i++) found = found || !strcmp(known[i], call->word[w]);
    if (found) continue;
    problem_unknown_test(call->problems, call->word[w], name_nearest(call->word[w], known, count), count > 0);
    return false;
  }
  if (count == 0) problem_unknown_test(call->problems, "", NULL, false);
  return count > 0;
}

int command_test(Invocation *call) {
  Session *session = session_open(call->arena, call->problems, &call->options, call->report, call->file,
                                  KIND_TESTS, call->word, call->words);
  int code = session && names_known(call, session) && session_start(session) &&
                     (!call->options.weights || use_weights(call, session))
                 ? 0
                 : failed(call);
  int passed = 0;
  for (int i = 0; !code && i < session->tasks && !interrupted; i++) {
    Task *task = session->task[i];
    int result = plain_task(session, task);
    report_test(call->report, task->name, result == 0);
    report_problems(call->report, call->problems);
    passed += result == 0;
  }
  if (!code) {
    report_line(call->report, "tests", "%d of %d passed", passed, session->tasks);
    code = interrupted ? 128 + interrupted : passed == session->tasks ? 0 : 1;
  }
  session_close(session);
  return code;
}
