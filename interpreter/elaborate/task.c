/* Tasks: train, eval, predict and task blocks as graphs.
 *
 * A pass is the text of the block in one graph. Training and validation are two passes over the same text: the
 * second without updates and with `training` false. */
#include "interpreter/data/problems_text.h"
#include "interpreter/elaborate/builder.h"
#include "interpreter/elaborate/sweep.h"

#include "lang/format.h"
#include "lang/problems.h"

#include <string.h>

// ---- a block --------------------------------------------------------------------------------------------------------

typedef void Run(Builder *b, const Ast *statement);

static void run_statement(Builder *b, const Ast *statement);

static void run_block(Builder *b, Scope *scope, const Ast *block) {
  Scope *outside = b->scope;
  b->scope = scope;
  for (int i = 0; i < block->u.list.count; i++) run_statement(b, block->u.list.item[i]);
  b->scope = outside;
}

static void run_for(Builder *b, const Ast *statement) {
  Elaborator *e = b->e;
  const Value **over;
  int count = eval_rounds(e, statement->u.each.over, eval(e, b->scope, statement->u.each.over), &over);
  b->loops++;
  for (int i = 0; i < count; i++) {
    Scope *scope = scope_new(e, b->scope);
    scope_bind(e, scope, statement->u.each.name, over[i]);
    run_block(b, scope, statement->u.each.value);
  }
  b->loops--;
}

/* A condition known before the run chooses; one of the run guards what stands under it. */
static void run_if(Builder *b, const Ast *statement) {
  Elaborator *e = b->e;
  const Ast *arm[2] = {statement->u.branch.then, statement->u.branch.otherwise};
  const Value *condition = eval(e, b->scope, statement->u.branch.condition);
  Node *node = condition->kind == VALUE_TENSOR ? condition->u.tensor.node : NULL;
  if (condition->kind == VALUE_UNKNOWN) return;
  if (condition->kind == VALUE_BOOL && condition->known) {
    const Ast *chosen = arm[condition->u.truth ? 0 : 1];
    if (chosen) run_block(b, scope_new(e, b->scope), chosen);
    return;
  }
  if (!node || node->type.rank || node->type.dtype != DTYPE_BOOL) {
    Text shown = {0}, text = {0};
    value_print(condition, &shown);
    ast_write(statement->u.branch.condition, &text);
    problem_condition(e->problems, statement->u.branch.condition->span, text_string(&shown),
                      text_string(&text));
    text_free(&shown);
    text_free(&text);
    return;
  }
  for (int i = 0; i < 2; i++) {
    if (!arm[i]) continue;
    Outer outer = guard_save(b);
    guard_condition(b, node, i == 0);
    run_block(b, scope_new(e, b->scope), arm[i]);
    guard_restore(b, &outer);
  }
}

/* A name from outside of a guarded block keeps its old value where the guard does not hold. */
static void choose_value(Builder *b, const Ast *statement, const Value *old) {
  Elaborator *e = b->e;
  Name name = statement->u.binding.name;
  for (Scope *scope = b->scope; scope && scope != b->guarded; scope = scope->parent)
    for (int i = 0; i < scope->count; i++)
      if (scope->binding[i].name == name) return;
  Binding *binding = scope_find(b->scope, name);
  if (!binding || binding->state || binding->value->kind == VALUE_UNKNOWN) return;
  Node *was = value_node(e, old, statement->u.binding.value),
       *now = value_node(e, binding->value, statement->u.binding.value);
  if (was && now && was->type.dtype == now->type.dtype && type_same_shape(&was->type, &now->type)) {
    binding->value = value_tensor(e, build_where(e->guard, now, was));
    return;
  }
  Text a = {0}, c = {0};
  value_print(old, &a);
  value_print(binding->value, &c);
  problem_guarded_value(e->problems, statement->at, name, text_string(&a), text_string(&c));
  text_free(&a);
  text_free(&c);
  binding->value = value_unknown();
}

/* A name of the block or of the program gets a new value; a setting is none, and no more is `step`. */
static void run_assign(Builder *b, const Ast *statement) {
  Elaborator *e = b->e;
  if (b->scope == b->top && settings_statement(statement)) {
    if (!strcmp(statement->u.binding.name, "draw") && b->kind == PASS_TRAIN) run_draw(b, statement);
    return;
  }
  Binding *known = scope_find(b->scope, statement->u.binding.name);
  bool running = known && scope_find(e->builtins, statement->u.binding.name) == known; // step, epoch, pi
  if (b->ast->u.task.task == TASK_TRAIN && (!known || running)) {
    int count;
    const char *const *names = setting_names(&count);
    problem_unknown_setting(e->problems, statement->at, statement->u.binding.name,
                            name_nearest(statement->u.binding.name, names, count));
    return;
  }
  const Value *old = known ? known->value : NULL, *value;
  eval_statement(e, b->scope, statement, &value);
  if (e->guard && old) choose_value(b, statement, old);
}

static void run_statement(Builder *b, const Ast *statement) {
  static Run *const runs[] = {[AST_MINIMIZE] = run_minimize, [AST_METRIC_IS] = run_metric,
                              [AST_FREEZE] = run_freeze,     [AST_PRINT] = run_print,
                              [AST_SAVE] = run_save,         [AST_YIELD] = run_yield,
                              [AST_SET] = run_set,           [AST_EXPECT] = run_expect,
                              [AST_FOR] = run_for,           [AST_IF] = run_if,
                              [AST_ASSIGN] = run_assign};
  Run *run = (size_t)statement->kind < sizeof(runs) / sizeof(*runs) ? runs[statement->kind] : NULL;
  if (run) {
    run(b, statement);
    return;
  }
  Elaborator *e = b->e;
  const Value *value = value_none();
  if (!eval_statement(e, b->scope, statement, &value))
    problem_misplaced(e->problems, statement->at.source ? statement->at : statement->span);
  else if (value->kind != VALUE_NONE && value->kind != VALUE_UNKNOWN)
    problem_unused(e->problems, statement->span);
}

/* What a session watches: values at the end of the block. A name that the block lacks may be one of its measures. */
static void run_watches(Builder *b) {
  Elaborator *e = b->e;
  for (int i = 0; i < e->watches.count; i++) {
    const Ast *ast = e->watches.item[i];
    if (ast->kind == AST_NAME && !scope_find(b->scope, ast->u.name)) continue;
    const Value *value = eval(e, b->scope, ast);
    Node *node = value->kind == VALUE_UNKNOWN ? NULL : value_float_node(e, value, ast);
    if (node) graph_output(e->graph, arena_printf(e->arena, "watch.%d", i), node);
  }
}

static Pass *build_once(Builder *b, PassKind kind) {
  Elaborator *e = b->e;
  Pass *pass = ARENA_NEW(e->arena, Pass);
  Saved saved = graph_begin(e, kind == PASS_TRAIN, b->settings->precision);
  b->kind = kind;
  b->pass = pass;
  b->loss = b->finite = NULL;
  b->minimizes = b->versions = b->instances = 0;
  b->scope = b->top = scope_new(e, e->file);
  e->frozen_models = 0;
  e->metrics = 0;
  e->kepts = 0;
  if (kind != PASS_VALID) e->plateaus = 0;
  e->task_path = kind == PASS_ONCE ? NULL : b->ast->u.task.name;
  pass->batch = e->batch;
  hooks_begin(b);
  sources_bind(b);
  run_block(b, b->scope, b->ast->u.task.body);
  if (kind == PASS_TRAIN) run_watches(b);
  averages_follow(b);
  measures_end(b);
  pass->plateau = e->plateau;
  pass->plateaus = e->plateaus;
  hooks_end(b);
  e->task_path = NULL;
  pass->graph = e->graph;
  pass->init_states = e->init_states;
  graph_end(e, &saved);
  return pass;
}

/* Built again where weights were asked for above the place that made them. */
static Pass *build_pass(Builder *b, PassKind kind) {
  Elaborator *e = b->e;
  int errors = problems_count(e->problems, SEVERITY_ERROR);
  Pass *pass = NULL;
  for (int attempt = 0; attempt < 2; attempt++) {
    e->early = (Span){0};
    pass = build_once(b, kind);
    if (!e->early.source || problems_count(e->problems, SEVERITY_ERROR) > errors) return pass;
  }
  problem_no_weights_yet(e->problems, e->early);
  return pass;
}

static void check_metric(Elaborator *e, const Ast *at, const Pass *pass, const char *metric) {
  const char **known = ARENA_ARRAY(e->arena, const char *, (pass ? pass->measures : 0) + 1);
  int count = 0;
  for (int i = 0; pass && i < pass->measures; i++) {
    if (pass->measure[i].kind != MEASURE_METRIC) continue;
    known[count++] = pass->measure[i].name;
    if (!strcmp(pass->measure[i].name, metric)) return;
  }
  problem_watched(e->problems, at->span, metric, pass ? name_nearest(metric, known, count) : NULL,
                  pass != NULL);
}

static void check_watched(Elaborator *e, const Ast *ast, const Pass *pass, const char *metric,
                          const char *setting) {
  if (!metric) return;
  const Ast *at = ast;
  for (int i = 0; i < ast->u.task.body->u.list.count; i++) {
    const Ast *statement = ast->u.task.body->u.list.item[i];
    if (statement->kind == AST_ASSIGN && !strcmp(statement->u.binding.name, setting))
      at = statement->u.binding.value;
  }
  check_metric(e, at, pass, metric);
}

/* Windows of k streams train in batches of k. */
static bool streams_fit(Elaborator *e, const Ast *ast, const TaskTable *source, const Settings *settings) {
  const Dataset *data = source ? source->data : NULL;
  int64_t streams = data && data->windows && ast->u.task.task == TASK_TRAIN ? data->windows->streams : 0;
  if (!streams || (!settings->batch_all && settings->batch == streams)) return true;
  problem_streams_batch(e->problems, ast->at, streams,
                        settings->batch_all ? dataset_part(data, PART_TRAIN)->count : settings->batch);
  return false;
}

Task *task_elaborate(Elaborator *e, const Ast *ast) {
  Task *task = ARENA_NEW(e->arena, Task);
  *task = (Task){.name = ast->u.task.name, .kind = ast->u.task.task, .ast = ast};
  int errors = problems_count(e->problems, SEVERITY_ERROR);
  if (task->kind == TASK_SWEEP) {
    task->sweep = sweep_read(e, ast);
    const Task *base = task->sweep ? task_elaborate(e, task->sweep->base) : NULL;
    if (base) check_metric(e, ast, base->valid, task->sweep->goal);
    return base && problems_count(e->problems, SEVERITY_ERROR) == errors ? task : NULL;
  }
  Saved saved = graph_begin(e, false, DTYPE_F32);
  TaskTable *source = NULL;
  int sources = sources_read(e, ast, &source);
  bool ok = sources >= 0 && settings_read(e, ast, e->file, &task->settings);
  graph_end(e, &saved);
  if (!ok || !streams_fit(e, ast, sources ? source : NULL, &task->settings)) return NULL;
  if (task->kind == TASK_TRAIN) task->hooks = task_hooks(e, &task->settings);
  if (problems_count(e->problems, SEVERITY_ERROR) > errors) return NULL;
  Builder b = {.e = e,
               .ast = ast,
               .settings = &task->settings,
               .hooks = task->hooks,
               .source = source,
               .sources = sources};
  if (task->kind != TASK_TRAIN) {
    task->once = build_pass(&b, PASS_ONCE);
  } else {
    b.validates = sources && source->whole && dataset_part(source->data, PART_VALID)->count;
    task->train = build_pass(&b, PASS_TRAIN);
    if (problems_count(e->problems, SEVERITY_ERROR) > errors) return NULL;
    if (!task->train->minimizes) problem_no_minimize(e->problems, ast->at, ast->u.task.name);
    if (b.validates) task->valid = build_pass(&b, PASS_VALID);
    for (int i = 0; i < task->train->plateaus; i++)
      check_metric(e, task->train->plateau[i].at, task->valid, task->train->plateau[i].metric);
    check_watched(e, ast, task->valid, task->settings.keep, "keep");
    check_watched(e, ast, task->valid, task->settings.stop, "stop");
  }
  return problems_count(e->problems, SEVERITY_ERROR) > errors ? NULL : task;
}

Task *task_measured(Elaborator *e, const Ast *train, const Value *data) {
  Task *task = ARENA_NEW(e->arena, Task);
  *task = (Task){.name = train->u.task.name, .kind = TASK_EVAL, .ast = train};
  int errors = problems_count(e->problems, SEVERITY_ERROR);
  Saved saved = graph_begin(e, false, DTYPE_F32);
  TaskTable *source = NULL;
  int sources = sources_read(e, train, &source);
  bool ok = sources >= 0 && settings_read(e, train, e->file, &task->settings);
  graph_end(e, &saved);
  if (!ok) return NULL;
  if (data && sources) {
    source->data = data->u.data.data;
    source->part = data->u.data.part;
    source->whole = false;
    if (!dataset_open(e, source->data)) return NULL;
    if (dataset_part(source->data, source->part)->count == 0) {
      problem_empty_part(e->problems, train->at);
      return NULL;
    }
  }
  Builder b = {.e = e, .ast = train, .settings = &task->settings, .source = source, .sources = sources};
  task->once = build_pass(&b, PASS_VALID);
  return problems_count(e->problems, SEVERITY_ERROR) > errors ? NULL : task;
}
