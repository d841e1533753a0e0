/* :why: the places in the program that make a weight what it is. */
#include "interpreter/repl/repl.h"

#include <string.h>

static void say_place(Repl *repl, const char *label, Span span) {
  const Source *source = source_by_id(span.source);
  if (!source) return;
  int line, column;
  source_place(source, span.start, &line, &column);
  const char *start = source->text + source->line_start[line - 1];
  start += strspn(start, " \t");
  say(repl, "  %-12s %s:%d  %.*s\n", label, source->path, line, (int)strcspn(start, "\r\n"), start);
}

static void say_minimizes(Repl *repl, const Ast *block, const Weight *weight) {
  Elaborator *e = repl->e;
  for (int i = 0; i < block->u.list.count; i++) {
    const Ast *statement = block->u.list.item[i];
    if (statement->kind == AST_FOR) say_minimizes(repl, statement->u.each.value, weight);
    if (statement->kind == AST_IF) say_minimizes(repl, statement->u.branch.then, weight);
    if (statement->kind == AST_SET) {
      const Value *to = eval_selection(e, e->file, statement->u.action.value);
      if (weights_are(to) && weights_selected(e, to, weight)) say_place(repl, "set", statement->span);
    }
    if (statement->kind != AST_MINIMIZE) continue;
    bool meant = statement->u.minimize.overs.count == 0;
    for (int k = 0; k < statement->u.minimize.overs.count; k++) {
      const Ast *over = statement->u.minimize.overs.item[k]->u.action.value;
      const Value *value = over ? eval_selection(e, e->file, over) : NULL;
      meant = meant || !over || (weights_are(value) && weights_selected(e, value, weight));
    }
    if (meant) say_place(repl, "minimized", statement->span);
  }
}

static bool assigns(const Task *task, const Variable *variable) {
  const Graph *graph = task->train->graph;
  for (int i = 0; i < graph->outputs; i++)
    if (graph->output[i].kind == OUTPUT_ASSIGN && graph->output[i].variable == variable) return true;
  return false;
}

static const Weight *weight_named(Repl *repl, const char *name) {
  const Elaborator *e = repl->e;
  const char **known = ARENA_ARRAY(repl->call->arena, const char *, e->weights + 1);
  for (int i = 0; i < e->weights; i++) {
    known[i] = weight_path(e, &e->weight[i]);
    if (!strcmp(known[i], name) || !strcmp(e->weight[i].canonical, name)) return &e->weight[i];
  }
  for (int i = 0; i < e->weights; i++) { // net.b: the last name is enough where it is the only one
    const char *dot = strrchr(name, '.'), *own = strrchr(e->weight[i].canonical, '.');
    size_t model = strcspn(name, ".");
    if (dot == name + model && dot[0] && !strcmp(dot, own) && strlen(e->weight[i].model) == model &&
        !strncmp(e->weight[i].model, name, model))
      return &e->weight[i];
  }
  problem_repl_unknown(repl->call->problems, name, name_nearest(name, known, e->weights));
  return NULL;
}

void run_why(Repl *repl, const char *rest) {
  Elaborator *e = repl->e;
  const char *name = word_next(repl, &rest);
  if (!name) {
    usage_wrong(repl, "why");
    return;
  }
  const Weight *found = begin_work(repl) ? weight_named(repl, name) : NULL;
  if (!found) return;
  const Weight weight = *found;
  Statistics s = statistics_of(&weight.variable->type, weight.variable->data);
  Text out = {0};
  text_printf(&out, "%s %s ", weight_path(e, &weight), type_text(repl, &weight.variable->type));
  statistics_write(&s, &out);
  text_add(&out, "\n");
  say_text(repl, &out);
  say_place(repl, "declared", weight.variable->span);
  const Ast *model = declaration_named(repl, weight.model);
  if (model) say_place(repl, "model", model->at);
  int tasks = 0;
  for (int i = 0; i < e->declaration->count; i++) {
    const Ast *ast = e->declaration->item[i];
    if (ast->kind != AST_TASK || ast->u.task.task != TASK_TRAIN) continue;
    Task *task = task_elaborate(e, ast);
    if (!task || !assigns(task, weight.variable)) continue;
    tasks++;
    say(repl, "  in train %s\n", ast->u.task.name);
    Saved saved = graph_begin(e, false, DTYPE_F32);
    say_minimizes(repl, ast->u.task.body, &weight);
    graph_end(e, &saved);
  }
  if (!tasks) say(repl, "  no train block changes it\n");
}
