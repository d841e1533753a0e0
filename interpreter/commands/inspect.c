/* show, plan, data: what a program is made of, before anything runs. */
#include "interpreter/commands/command.h"
#include "interpreter/data/preview.h"
#include "interpreter/work.h"
#include "lang/format.h"
#include "lang/problems.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static void print_out(Text *text) {
  fputs(text_string(text), stdout);
  text_free(text);
}

/* Weights by path with shapes and counts. */
static void show_weights(const Elaborator *e, Text *out) {
  int64_t total = 0;
  for (int i = 0; i < e->weights; i++) {
    const Weight *w = &e->weight[i];
    Text shape = {0};
    type_print_shape(&w->variable->type, &shape);
    int64_t count = type_count(&w->variable->type);
    bool state = w->variable->role == VARIABLE_STATE;
    text_printf(out, "%-36s %-20s %12" PRId64 "%s\n", weight_path(e, w), text_string(&shape), count,
                state ? "  state" : "");
    if (!state) total += count;
    text_free(&shape);
  }
  text_printf(out, "%-36s %-20s %12" PRId64 "\n", "weights", "", total);
}

static Pass *forward_pass(const Task *task) {
  return task->once ? task->once : task->valid ? task->valid : task->train;
}

/* What the checker found: every weight, and what every task measures and yields. */
static void show_checked(const Session *session, Text *out) {
  show_weights(session->program, out);
  for (int i = 0; i < session->tasks; i++) {
    const Pass *pass = forward_pass(session->task[i]);
    text_printf(out, "%s", session->task[i]->name);
    for (int k = 0; k < pass->measures; k++)
      if (pass->measure[k].kind == MEASURE_METRIC) text_printf(out, "  %s", pass->measure[k].name);
    for (int k = 0; k < pass->yields; k++) text_printf(out, "  %s", pass->yield[k].name);
    text_add(out, "\n");
  }
}

typedef enum { STAGE_PARSE, STAGE_CHECK, STAGE_GRAPH, STAGE_GRAD, STAGE_FUSE, STAGE_PLAN, STAGE_COUNT } Stage;
static const char *const stage_names[STAGE_COUNT] = {"parse", "check", "graph", "grad", "fuse", "plan"};

static void show_task(Session *session, const Task *task, Stage stage, Text *out) {
  Pass *pass = stage == STAGE_GRAPH || !task->train ? forward_pass(task) : task->train;
  text_printf(out, "%s\n", task->name);
  if (stage == STAGE_GRAPH || stage == STAGE_GRAD) {
    graph_print(pass->graph, out);
    return;
  }
  Plan *plan = plan_of(session, pass, task->settings.batch);
  if (stage == STAGE_FUSE)
    plan_print_steps(plan, out);
  else
    plan_print(plan, out);
}

int command_show(Invocation *call) {
  int stage = STAGE_COUNT;
  for (int i = 0; call->after && i < STAGE_COUNT; i++)
    if (!strcmp(stage_names[i], call->after)) stage = i;
  if (call->after && stage == STAGE_COUNT) {
    problem_unknown_word(call->problems, "stage", call->after,
                         name_nearest(call->after, stage_names, STAGE_COUNT));
    return 2;
  }
  call->options.quiet = true;
  Session *session = session_open(call->arena, call->problems, &call->options, call->report, call->file,
                                  ALL_KINDS, call->word, call->words);
  if (!session) return failed(call);
  Text out = {0};
  if (stage == STAGE_PARSE)
    ast_print(session->program->program, &out);
  else if (stage == STAGE_CHECK)
    show_checked(session, &out);
  else if (stage == STAGE_COUNT)
    show_weights(session->program, &out);
  else
    for (int i = 0; i < session->tasks; i++) show_task(session, session->task[i], (Stage)stage, &out);
  print_out(&out);
  session_close(session);
  return 0;
}

int command_plan(Invocation *call) {
  Session *session = session_open(call->arena, call->problems, &call->options, call->report, call->file,
                                  ALL_KINDS, call->word, call->words);
  if (!session) return failed(call);
  Text out = {0};
  text_printf(&out, "%-12s %-8s %8s %8s %8s %12s %12s\n", "task", "pass", "batch", "loops", "kernels",
              "memory", "work");
  for (int i = 0; i < session->tasks; i++) {
    const Task *task = session->task[i];
    Pass *const passes[] = {task->train, task->valid, task->once};
    static const char *const names[] = {"train", "valid", "once"};
    for (int p = 0; p < 3; p++) {
      if (!passes[p]) continue;
      int64_t batch = p == 1 && task->settings.batch < 256 ? 256 : task->settings.batch;
      const Plan *plan = plan_of(session, passes[p], passes[p]->data ? batch : 1);
      int loops = 0, kernels = 0;
      for (int k = 0; k < plan->steps; k++) {
        loops += plan->step[k].kind == STEP_LOOP;
        kernels += plan->step[k].kind == STEP_KERNEL;
      }
      text_printf(&out, "%-12s %-8s %8" PRId64 " %8d %8d %8.2f MiB %7.3f GFLOP\n", task->name, names[p],
                  batch, loops, kernels, (double)plan->arena_bytes / 1048576, plan_flops(plan) / 1e9);
    }
  }
  print_out(&out);
  session_close(session);
  return 0;
}

int command_data(Invocation *call) {
  Elaborator *e = elaborator_new(call->arena, call->problems, &call->options);
  if (!elaborator_load(e, call->file)) {
    elaborator_close(e);
    return failed(call);
  }
  const char **known = ARENA_ARRAY(call->arena, const char *, e->declaration->count + 1);
  int count = 0, shown = 0;
  struct winsize size;
  int width = ioctl(1, TIOCGWINSZ, &size) == 0 && size.ws_col > 40 ? size.ws_col : 100;
  for (int i = 0; i < e->declaration->count; i++) {
    const Ast *ast = e->declaration->item[i];
    if (ast->kind != AST_DATA) continue;
    known[count++] = ast->u.data.name;
    if (call->words && strcmp(call->word[0], ast->u.data.name)) continue;
    Dataset *data = dataset_declare(e, ast, e->file);
    if (!dataset_open(e, data) || !table_load(data->table, call->problems, ast->at)) {
      elaborator_close(e);
      return failed(call);
    }
    Text out = {0};
    table_preview(data->table, ast->u.data.name, &out, width);
    dataset_show_examples(e, data, &out);
    print_out(&out);
    shown++;
  }
  elaborator_close(e);
  if (shown) return 0;
  if (call->words)
    problem_unknown_word(call->problems, "data", call->word[0], name_nearest(call->word[0], known, count));
  else
    problem_nothing_to_do(call->problems, "data", call->file);
  return 2;
}
