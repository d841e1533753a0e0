/* :train, :eval, :run, and what looks on: :watch, :break, :hook.
 *
 * A train block that is left keeps its runner, its optimizer's states and its place in the data; it goes on where it
 * was as long as nothing that it is made of changes. */
#include "interpreter/repl/repl.h"

#include "lang/problems.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

void trainings_drop(Repl *repl, Name task) {
  int kept = 0;
  for (int i = 0; i < repl->goings; i++)
    if (task && repl->going[i].task != task)
      repl->going[kept++] = repl->going[i];
    else
      training_drop(repl->going[i].training);
  repl->goings = kept;
}

static Going *going_find(Repl *repl, Name task) {
  for (int i = 0; i < repl->goings; i++)
    if (repl->going[i].task == task) return &repl->going[i];
  return NULL;
}

/* ---- what looks on ---- */

static void show_watched(Repl *repl, Runner *runner, int64_t step, double loss) {
  Text out = {0};
  text_printf(&out, "%6lld ", (long long)step);
  for (int i = 0; i < repl->watches; i++) {
    const Watched *w = &repl->watched[i];
    const Type *type = NULL;
    const void *data = runner_value(runner, w->text, &type);
    if (!data) data = runner_value(runner, arena_printf(repl->call->arena, "watch.%d", i), &type);
    text_printf(&out, " %s ", w->text);
    if (!data && !strcmp(w->text, "loss"))
      number_short(loss, &out);
    else if (!data)
      text_add(&out, "?");
    else if (type->rank == 0)
      number_short(number_at(type, data, 0), &out);
    else {
      Statistics s = statistics_of(type, data);
      type_print(type, &out);
      text_add(&out, " ");
      statistics_write(&s, &out);
    }
  }
  text_add(&out, "\n");
  say_text(repl, &out);
}

static void after_step(void *context, Runner *runner, int64_t step, double loss) {
  Repl *repl = context;
  repl->loss =
      arena_grow(repl->call->arena, repl->loss, (size_t)repl->losses, &repl->loss_capacity, sizeof(double));
  repl->loss[repl->losses++] = loss;
  if (repl->watches && step % repl->watch_every == 0) show_watched(repl, runner, step, loss);
}

static Node *output_node(const Graph *graph, const char *name) {
  for (int i = 0; i < graph->outputs; i++)
    if (graph->output[i].kind == OUTPUT_VALUE && !strcmp(graph->output[i].name, name))
      return graph->output[i].node;
  return NULL;
}

static bool before_step(void *context, Runner *runner, const int64_t *row, int64_t rows,
                        const RunArgs *args) {
  Repl *repl = context;
  bool on = true;
  for (int i = 0; i < repl->stops && on; i++) {
    Arena *arena = arena_new(0);
    Graph *graph = runner_program(runner, arena, row, rows);
    Node *loss = graph ? output_node(graph, "loss") : NULL;
    if (loss) {
      say(repl, "step %lld, before its update: at %s\n", (long long)args->step, repl->stop_at[i]);
      on = step_through(repl, graph, loss, args, repl->stop_at[i], NULL);
    }
    arena_free(arena);
  }
  return on;
}

static void watch_training(Repl *repl, Training *training) {
  training_watch(training, (TrainingWatch){repl, repl->stops ? before_step : NULL, after_step});
}

/* ---- :train ---- */

static Training *training_start(Repl *repl, const Ast *ast) {
  Elaborator *e = repl->e;
  e->watches = (AstList){.item = ARENA_ARRAY(e->arena, Ast *, repl->watches + 1), .count = repl->watches};
  for (int i = 0; i < repl->watches; i++) e->watches.item[i] = (Ast *)(uintptr_t)repl->watched[i].ast;
  Task *task = task_elaborate(e, ast);
  e->watches = (AstList){0};
  if (!task || !begin_work(repl)) return NULL;
  Training *training = training_begin(repl->session, task, false);
  if (!training) return NULL;
  repl->going = arena_grow(e->arena, repl->going, (size_t)repl->goings, &repl->going_capacity, sizeof(Going));
  repl->going[repl->goings++] = (Going){ast->u.task.name, training};
  repl->losses = 0;
  return training;
}

static void tell_training(Repl *repl, const char *name, const Training *training) {
  Text out = {0};
  text_printf(&out, "%s  step %lld of %lld  loss ", name, (long long)training_step(training),
              (long long)training_steps(training));
  number_short(training_loss(training), &out);
  text_add(&out, interrupted ? "  stopped: :train goes on from here\n" : "\n");
  say_text(repl, &out);
  interrupted = 0;
}

void run_train(Repl *repl, const char *rest) {
  const char *name = word_next(repl, &rest), *count = word_next(repl, &rest);
  char *end = NULL;
  long steps = count ? strtol(count, &end, 10) : 0;
  if (!name || word_next(repl, &rest) || (count && (*end || steps < 1 || steps > 1000000000))) {
    usage_wrong(repl, "train");
    return;
  }
  const Ast *ast = task_named(repl, name, TASK_TRAIN);
  if (!ast) return;
  Going *going = going_find(repl, ast->u.task.name);
  if (going && !steps && training_over(going->training)) { // it was at its end: all of it anew
    trainings_drop(repl, ast->u.task.name);
    going = NULL;
  }
  Training *training = going ? going->training : training_start(repl, ast);
  if (!training) return;
  watch_training(repl, training);
  int code = training_go(training, steps);
  if (code == 0 && training_over(training)) training_settle(training);
  if (code == 0 || code >= 128) tell_training(repl, name, training);
  if (code && code < 128) trainings_drop(repl, ast->u.task.name);
}

/* ---- :eval, :run ---- */

static void measure(Repl *repl, const Ast *ast, const char *rows) {
  Evaluation evaluation = {0};
  const Value *data = NULL;
  if (*rows) {
    if (!evaluate_text(repl, rows, &evaluation)) {
      evaluation_end(repl, &evaluation);
      return;
    }
    data = evaluation.value;
    evaluation_end(repl, &evaluation);
    if (data->kind != VALUE_DATA || data->u.data.rows) {
      problem_repl_needs(repl->call->problems, "eval", "a table, or a part of one such as digits.test",
                         value_kind_text(data));
      return;
    }
  }
  Task *task =
      ast->u.task.task == TASK_TRAIN ? task_measured(repl->e, ast, data) : task_elaborate(repl->e, ast);
  if (task && begin_work(repl)) measure_task(repl->session, task);
}

/* `:eval fit test` means the part of the table that the task trains on. */
static const char *part_of(Repl *repl, const Ast *ast, const char *rows) {
  static const char *const parts[] = {"train", "valid", "test"};
  for (int i = 0; i < 3 && ast->u.task.sources.count; i++) {
    if (strcmp(parts[i], rows) != 0) continue;
    const Ast *table = ast->u.task.sources.item[0]->u.arg.value;
    while (table->kind == AST_FIELD) table = table->u.field.base;
    if (table->kind == AST_NAME) return arena_printf(repl->call->arena, "%s.%s", table->u.name, rows);
  }
  return rows;
}

void run_eval(Repl *repl, const char *rest) {
  const char *name = word_next(repl, &rest);
  rest += strspn(rest, " \t");
  if (!name) {
    usage_wrong(repl, "eval");
    return;
  }
  const Ast *ast = task_named(repl, name, -1);
  if (!ast) return;
  bool trains = ast->u.task.task == TASK_TRAIN;
  if (!trains && (ast->u.task.task != TASK_EVAL || *rest))
    usage_wrong(repl, "eval");
  else
    measure(repl, ast, part_of(repl, ast, rest));
}

void run_run(Repl *repl, const char *rest) {
  const char *name = word_next(repl, &rest);
  if (!name || word_next(repl, &rest)) {
    usage_wrong(repl, "run");
    return;
  }
  const Ast *ast = task_named(repl, name, -1);
  if (!ast) return;
  if (ast->u.task.task == TASK_TRAIN) {
    run_train(repl, name);
    return;
  }
  if (ast->u.task.task == TASK_SWEEP) {
    problem_repl_needs(repl->call->problems, "run", "an eval, predict or task block",
                       "a sweep: lathe sweep runs it");
    return;
  }
  Task *task = task_elaborate(repl->e, ast);
  if (task && begin_work(repl)) run_task(repl->call, repl->session, task);
}

/* ---- :watch, :break, :hook ---- */

static void list_watched(Repl *repl) {
  for (int i = 0; i < repl->watches; i++) say(repl, "%s\n", repl->watched[i].text);
  if (!repl->watches) say(repl, "nothing is watched\n");
}

/* The steps of a training that goes on have no place for a new value, unless it is one of their measures. */
static void drop_unless_measured(Repl *repl, const char *text) {
  bool measured = true;
  for (int i = 0; i < repl->goings; i++)
    measured = measured && output_node(training_pass(repl->going[i].training)->graph, text);
  if (measured) return;
  say(repl, "trainings begin anew, to compute it\n");
  trainings_drop(repl, NULL);
}

void run_watch(Repl *repl, const char *rest) {
  if (!*rest) {
    list_watched(repl);
    return;
  }
  if (!strcmp(rest, "off")) {
    repl->watches = 0;
    return;
  }
  const char *every = strstr(rest, " every ");
  char *end = NULL;
  long steps = every ? strtol(every + 7, &end, 10) : 1;
  if (steps < 1 || (every && *end)) {
    usage_wrong(repl, "watch");
    return;
  }
  const char *text = arena_copy(repl->call->arena, rest, every ? (size_t)(every - rest) : strlen(rest));
  const Ast *ast = read_expression(repl, text);
  if (!ast) return;
  drop_unless_measured(repl, text);
  repl->watch_every = steps;
  repl->watched = arena_grow(repl->e->arena, repl->watched, (size_t)repl->watches, &repl->watch_capacity,
                             sizeof(Watched));
  repl->watched[repl->watches++] = (Watched){ast, text};
}

/* So many bytes of a path, and the number that belongs to the last name in them. */
static const char *with_number(Repl *repl, const char *canonical, size_t length) {
  if (canonical[length] == '.' && canonical[length + 1] >= '0' && canonical[length + 1] <= '9')
    length += 1 + strcspn(canonical + length + 1, ".");
  return arena_copy(repl->call->arena, canonical, length);
}

/* The path as the program's weights have it: net.Dense is net.Dense.0. NULL after a Problem. */
static const char *layer_path(Repl *repl, const char *text) {
  const Elaborator *e = repl->e;
  const char **known = ARENA_ARRAY(repl->call->arena, const char *, e->weights + 1);
  int count = 0;
  for (int i = 0; i < e->weights; i++) {
    const char *path = weight_path(e, &e->weight[i]), *dot = strrchr(path, '.');
    known[count++] = arena_copy(repl->call->arena, path, dot ? (size_t)(dot - path) : strlen(path));
    const char *canonical = e->weight[i].canonical;
    if (path_below(canonical, text)) return with_number(repl, canonical, strlen(text));
    if (!path_below(path, text)) continue;
    size_t levels = 0, at = 0; // as many names of the canonical path
    for (const char *p = text; *p; p++) levels += *p == '.' && !(p[1] >= '0' && p[1] <= '9');
    for (; canonical[at]; at++)
      if (canonical[at] == '.' && !(canonical[at + 1] >= '0' && canonical[at + 1] <= '9') && levels-- == 0)
        break;
    return with_number(repl, canonical, at);
  }
  problem_repl_unknown(repl->call->problems, text, name_nearest(text, known, count));
  return NULL;
}

void run_break(Repl *repl, const char *rest) {
  if (!strcmp(rest, "off")) {
    repl->stops = 0;
    return;
  }
  if (!*rest) {
    for (int i = 0; i < repl->stops; i++) say(repl, "%s\n", repl->stop_at[i]);
    if (!repl->stops) say(repl, "nothing stops a training\n");
    return;
  }
  const char *path = layer_path(repl, rest);
  if (!path) return;
  repl->stop_at =
      arena_grow(repl->e->arena, repl->stop_at, (size_t)repl->stops, &repl->stop_capacity, sizeof(char *));
  repl->stop_at[repl->stops++] = path;
}

void run_hook(Repl *repl, const char *rest) {
  if (!*rest) {
    const char *now = repl->call->options.hooks;
    say(repl, "%s\n", now ? now : "no hook");
    return;
  }
  repl->call->options.hooks = strcmp(rest, "off") ? rest : NULL;
  trainings_drop(repl, NULL);
}
