/* What is entered at once, part by part: declarations that stand together as one change, expressions, new values,
 * events. */
#include "interpreter/repl/repl.h"

#include "lang/problems.h"

static void run_expression(Repl *repl, const Ast *ast) {
  Evaluation evaluation;
  if (evaluate(repl, ast, &evaluation)) {
    show_evaluation(repl, &evaluation);
    evaluation_last(repl, &evaluation);
  }
  evaluation_end(repl, &evaluation);
}

static void run_event(Repl *repl, const Ast *ast) {
  if (ast->kind == AST_TEST) {
    Task *task = task_elaborate(repl->e, ast);
    if (!task || !begin_work(repl)) return;
    int code = plain_task(repl->session, task);
    report_test(repl->call->report, task->name, code == 0);
    return;
  }
  Saved saved = graph_begin(repl->e, false, DTYPE_F32);
  if (ast->kind == AST_LOAD)
    run_load(repl->session, ast);
  else
    run_export(repl->call, repl->session, ast);
  graph_end(repl->e, &saved);
}

static bool is_declaration(const Ast *ast) {
  return (ast->kind > AST_USE && ast->kind <= AST_TASK) || ast->kind == AST_LET;
}

/* The declarations of a file that is named by `use`. */
static bool run_use(Repl *repl, const Ast *ast) {
  AstList list = {0};
  const char *path = resolve_path(repl->e, ast, ast->u.use.path->u.string.bytes);
  if (ast->u.use.as) {
    problem_unavailable(repl->e->problems, ast->at, "use … as");
    return false;
  }
  if (!elaborator_read(repl->e, path, &list)) return false;
  int kept = 0;
  for (int i = 0; i < list.count; i++)
    if (is_declaration(list.item[i]) && list.item[i]->kind != AST_TASK) list.item[kept++] = list.item[i];
  return kept == 0 || enter_declarations(repl, &list, 0, kept);
}

bool enter_list(Repl *repl, const AstList *list) {
  for (int i = 0; i < list->count && !went_wrong(repl) && !interrupted;) {
    const Ast *ast = list->item[i];
    int to = i;
    while (to < list->count && is_declaration(list->item[to])) to++;
    if (to > i) {
      enter_declarations(repl, list, i, to);
      i = to;
      continue;
    }
    if (ast->kind == AST_ASSIGN)
      enter_value(repl, ast);
    else if (ast->kind == AST_USE)
      run_use(repl, ast);
    else if (ast->kind == AST_LOAD || ast->kind == AST_EXPORT || ast->kind == AST_TEST)
      run_event(repl, ast);
    else
      run_expression(repl, ast);
    i++;
  }
  return !went_wrong(repl);
}
