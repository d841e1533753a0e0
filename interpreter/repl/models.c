/* :show, :shape, :plan: a model stage by stage, and what it costs. */
#include "interpreter/repl/repl.h"

#include "graph/plan.h"
#include "interpreter/work.h"

#include <inttypes.h>
#include <string.h>

typedef struct {
  const Called *called;
  const Value *model;
  Graph *graph;
  Node *result;
} Made;

/* Calls the model with what it was called with last, in a graph of its own; false after a Problem. */
static bool model_call(Repl *repl, const char *name, Made *made) {
  Elaborator *e = repl->e;
  *made = (Made){0};
  const Value *value = value_only(repl, name, NULL);
  const char *path = value ? weights_path(value) : NULL;
  if (!value) return false;
  if (!path || value->kind != VALUE_INSTANCE) {
    Text found = {0};
    value_print(value, &found);
    problem_repl_needs(repl->call->problems, "show", "a model", text_string(&found));
    text_free(&found);
    return false;
  }
  made->model = value;
  for (int i = 0; i < e->calleds; i++)
    if (!strcmp(e->called[i].model, path)) made->called = &e->called[i];
  if (!made->called) {
    problem_repl_uncalled(repl->call->problems, path);
    return false;
  }
  Saved saved = graph_begin(e, false, DTYPE_F32);
  Ast *at = ARENA_NEW(e->arena, Ast);
  *at = (Ast){.kind = AST_NAME, .span = value->ast->at, .at = value->ast->at};
  at->u.name = name_of(path);
  Argument *args = ARENA_ARRAY(e->arena, Argument, made->called->inputs + 1);
  for (int i = 0; i < made->called->inputs; i++)
    args[i] = (Argument){NULL, value_tensor(e, unknown_tensor(e, &made->called->type[i])), at};
  const Value *result = call_value(e, at, value, args, made->called->inputs);
  made->graph = e->graph;
  while (result->kind == VALUE_RECORD && result->u.items.count) result = result->u.items.item[0];
  made->result = result->kind == VALUE_TENSOR ? result->u.tensor.node : NULL;
  graph_end(e, &saved);
  return made->result && !went_wrong(repl);
}

static void work_write(double flops, Text *out) {
  static const char *const unit[] = {"FLOP", "kFLOP", "MFLOP", "GFLOP", "TFLOP"};
  int i = 0;
  for (; flops >= 1000 && i < 4; i++) flops /= 1000;
  text_printf(out, i ? "%.3g %s" : "%.0f %s", flops, unit[i]);
}

/* Numbers in the weights below a path. */
static int64_t numbers_below(const Elaborator *e, const char *path) {
  int64_t count = 0;
  for (int i = 0; i < e->weights && path; i++)
    if (path_below(e->weight[i].canonical, path) && e->weight[i].variable->role == VARIABLE_WEIGHT)
      count += type_count(&e->weight[i].variable->type);
  return count;
}

static void stage_row(Repl *repl, const Stage *stage, bool sizes, Text *out) {
  text_add(out, " ");
  text_column(out, stage->name, 25);
  size_t start = out->length;
  type_print(&stage->node->type, out);
  int64_t numbers = numbers_below(repl->e, stage->layer);
  if (sizes) {
    while (out->length < start + 25) text_add(out, " ");
    if (numbers)
      text_printf(out, "%10" PRId64 "   ", numbers);
    else
      text_add(out, "             ");
    if (stage->flops) work_write((double)stage->flops, out);
  }
  while (out->length > start && out->bytes[out->length - 1] == ' ') out->bytes[--out->length] = 0;
  text_add(out, "\n");
}

void run_show(Repl *repl, const char *rest) {
  Made made;
  if (!*rest) {
    usage_wrong(repl, "show");
    return;
  }
  if (model_call(repl, rest, &made)) {
    Text out = {0};
    const char *path = made.model->u.instance.path;
    Stage *stage;
    bool rows = made.called->inputs && made.called->type[0].rank &&
                !dim_has_symbol(made.called->type[0].size[0], repl->e->batch);
    text_printf(&out, " %-24s %-25s %9s   work%s\n", path, "shape", "weights", rows ? "" : " a row");
    for (int i = 0; i < made.called->inputs; i++) {
      const AstList *params = &made.model->ast->u.function.params;
      text_printf(&out, " %-24s ", i < params->count ? params->item[i]->u.binding.name : "input");
      type_print(&made.called->type[i], &out);
      text_add(&out, "\n");
    }
    int count = stages_of(repl, made.result, path, 0, made.result->id, &stage);
    int64_t flops = 0;
    for (int i = 0; i < count; i++) {
      stage_row(repl, &stage[i], true, &out);
      flops += stage[i].flops;
    }
    text_printf(&out, " %-24s %-25s %9" PRId64 "   ", "", "", numbers_below(repl->e, path));
    work_write((double)flops, &out);
    text_add(&out, "\n");
    say_text(repl, &out);
  }
  value_drop(repl);
}

void run_shape(Repl *repl, const char *rest) {
  if (!*rest) {
    usage_wrong(repl, "shape");
    return;
  }
  Made made = {0};
  const Value *value = value_only(repl, rest, &made.graph);
  const char *path = NULL;
  if (value && value->kind == VALUE_INSTANCE && value->u.instance.model) {
    if (model_call(repl, rest, &made)) path = value->u.instance.path;
  } else if (value && value->kind == VALUE_TENSOR)
    made.result = value->u.tensor.node;
  else if (value)
    problem_repl_needs(repl->call->problems, "shape", "a model, or an expression that gives a tensor",
                       value_kind_text(value));
  if (made.result) {
    Text out = {0};
    Stage *stage;
    int count = stages_of(repl, made.result, path, 0, made.result->id, &stage);
    for (int i = 0; i < count; i++) stage_row(repl, &stage[i], false, &out);
    if (!count) {
      type_print(&made.result->type, &out);
      text_add(&out, "\n");
    }
    say_text(repl, &out);
  }
  value_drop(repl);
}

/* ---- :plan ---- */

static void plan_row(Text *out, const char *name, const Plan *plan, int64_t rows) {
  int loops = 0, kernels = 0;
  for (int i = 0; i < plan->steps; i++) {
    loops += plan->step[i].kind == STEP_LOOP;
    kernels += plan->step[i].kind == STEP_KERNEL;
  }
  text_printf(out, "%-14s %6" PRId64 " rows  %4d loops  %4d kernels  %9.3f MiB  ", name, rows, loops, kernels,
              (double)plan->arena_bytes / 1048576);
  work_write(plan_flops(plan), out);
  text_add(out, "\n");
}

static void plan_task(Repl *repl, const Ast *ast, int64_t rows) {
  Task *task = task_elaborate(repl->e, ast);
  if (!task) return;
  if (!rows) rows = task->settings.batch;
  Pass *const passes[] = {task->train, task->valid, task->once};
  static const char *const names[] = {"train", "valid", "once"};
  Text out = {0};
  for (int i = 0; i < 3; i++)
    if (passes[i])
      plan_row(&out, names[i], plan_of(repl->session, passes[i], passes[i]->data ? rows : 1), rows);
  say_text(repl, &out);
}

static void plan_model(Repl *repl, const char *name, int64_t rows) {
  Made made;
  if (!model_call(repl, name, &made)) return;
  graph_output(made.graph, "result", made.result);
  Pass pass = {.graph = made.graph, .batch = repl->e->batch};
  Arena *arena = arena_new(0);
  DimBinding binding = {repl->e->batch, dim_of(rows)};
  Graph *bound = graph_bind(pass.graph, arena, &binding, 1);
  graph_simplify(bound);
  bool known = true;
  for (int i = 0; i < bound->nodes; i++) known = known && type_is_known(&bound->node[i]->type);
  if (known) {
    Text out = {0};
    plan_row(&out, name, plan_make(bound, &(PlanOptions){.fuse = true}), rows);
    say_text(repl, &out);
  } else
    problem_repl_needs(repl->call->problems, "plan", "a model of rows of one length, or a task",
                       "dims that only a batch knows");
  arena_free(arena);
}

void run_plan(Repl *repl, const char *rest) {
  const char *name = word_next(repl, &rest), *number = word_next(repl, &rest);
  int64_t rows = 0;
  for (const char *p = number; p && *p; p++)
    rows = *p >= '0' && *p <= '9' && rows < 100000000 ? rows * 10 + *p - '0' : -1;
  if (!name || rows < 0) {
    usage_wrong(repl, "plan");
    return;
  }
  const Ast *ast = declaration_named(repl, name);
  if (ast && ast->kind == AST_TASK)
    plan_task(repl, ast, rows);
  else
    plan_model(repl, name, rows ? rows : 32);
  value_drop(repl);
}
