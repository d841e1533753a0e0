/* :t, :shape, :show, :plan, :doc, :src, :why: what things are, without running them. */
#include "interpreter/repl/repl.h"

#include "graph/plan.h"
#include "interpreter/work.h"
#include "lang/format.h"
#include "lang/problems.h"

#include <inttypes.h>
#include <string.h>

/* ---- :t ---- */

static void type_write(Repl *repl, const Value *value, Text *out) {
  if (value->kind == VALUE_TENSOR)
    type_print(&value->u.tensor.node->type, out);
  else if (value->kind == VALUE_LIST || (value->kind == VALUE_RECORD && !value->u.items.model)) {
    bool list = value->kind == VALUE_LIST;
    text_add(out, list ? "[" : "(");
    for (int i = 0; i < value->u.items.count; i++) {
      if (i) text_add(out, ", ");
      if (value->u.items.name && value->u.items.name[i]) text_printf(out, "%s: ", value->u.items.name[i]);
      type_write(repl, value->u.items.item[i], out);
    }
    text_add(out, list ? "]" : ")");
  } else if (value->kind == VALUE_INT || value->kind == VALUE_FLOAT || value->kind == VALUE_BOOL ||
             value->kind == VALUE_STRING)
    text_add(out, value->kind == VALUE_INT     ? "int"
                  : value->kind == VALUE_FLOAT ? "float"
                  : value->kind == VALUE_BOOL  ? "bool"
                                               : "str");
  else {
    Text text = {0};
    describe(repl, value, &text);
    text_add_n(out, text_string(&text), strcspn(text_string(&text), "\n"));
    text_free(&text);
  }
}

/* The value in a graph that is thrown away; NULL after a Problem. The graph comes back, too. */
static const Value *value_only(Repl *repl, const char *text, Graph **graph) {
  Elaborator *e = repl->e;
  const Ast *ast = read_expression(repl, text);
  if (!ast) return NULL;
  Saved saved = graph_begin(e, false, DTYPE_F32);
  const Value *value = value_in_graph(repl, e->file, ast);
  if (graph) *graph = e->graph;
  graph_end(e, &saved);
  return went_wrong(repl) ? NULL : value;
}

/* Weights that the expression alone made. */
static void drop_own(Repl *repl) {
  Evaluation none = {0};
  begin_work(repl);
  evaluation_end(repl, &none);
}

void run_type(Repl *repl, const char *rest) {
  if (!*rest) {
    usage_wrong(repl, "t");
    return;
  }
  const Value *value = value_only(repl, rest, NULL);
  if (value) {
    Text out = {0};
    type_write(repl, value, &out);
    text_add(&out, "\n");
    say_text(repl, &out);
  }
  drop_own(repl);
}

/* ---- models as rows of stages ---- */

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
  drop_own(repl);
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
  drop_own(repl);
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
  drop_own(repl);
}

/* ---- :doc, :src ---- */

static const Binding *binding_of(Repl *repl, const char *name) {
  Elaborator *e = repl->e;
  Binding *binding = scope_find(e->file, name_of(name));
  if (!binding) problem_repl_unknown(repl->call->problems, name, scope_nearest(e, e->file, name_of(name)));
  return binding;
}

void run_doc(Repl *repl, const char *rest) {
  const char *name = word_next(repl, &rest);
  if (!name) {
    usage_wrong(repl, "doc");
    return;
  }
  const Ast *task = declaration_named(repl, name);
  if (task && task->kind == AST_TASK) {
    say(repl, "%s %s%s%s\n", task_kind_text(task->u.task.task), name, task->u.task.doc ? "\n" : "",
        task->u.task.doc ? task->u.task.doc : "");
    return;
  }
  if (!binding_of(repl, name)) return;
  const Value *value = value_only(repl, name, NULL);
  if (!value) return;
  Text out = {0};
  const Ast *ast = value->ast;
  bool function =
      ast && (value->kind == VALUE_FUNCTION || value->kind == VALUE_LAYER || value->kind == VALUE_METRIC ||
              value->kind == VALUE_OPTIMIZER || value->kind == VALUE_INSTANCE);
  if (function) {
    signature_write(ast, &out);
    text_printf(&out, "\n%s%s", ast->u.function.doc ? ast->u.function.doc : "",
                ast->u.function.doc ? "\n" : "");
  } else {
    if (value->kind <= VALUE_STRING) text_printf(&out, "%s = ", name);
    describe(repl, value, &out);
  }
  say_text(repl, &out);
}

void run_src(Repl *repl, const char *rest) {
  const char *name = word_next(repl, &rest);
  if (!name) {
    usage_wrong(repl, "src");
    return;
  }
  const Ast *ast = declaration_named(repl, name);
  if (!ast) {
    const Binding *binding = binding_of(repl, name);
    if (!binding) return;
    ast = binding->declaration;
  }
  const Source *source = ast ? source_by_id(ast->span.source) : NULL;
  if (!source) {
    say(repl, "%s is built in\n", name);
    return;
  }
  int line, column;
  source_place(source, ast->span.start, &line, &column);
  say(repl, "# %s:%d\n%.*s\n", source->path, line, (int)(ast->span.end - ast->span.start),
      source->text + ast->span.start);
}

/* ---- :why ---- */

static void say_place(Repl *repl, const char *label, Span span) {
  const Source *source = source_by_id(span.source);
  if (!source) return;
  int line, column;
  source_place(source, span.start, &line, &column);
  const char *start = source->text + source->line_start[line - 1];
  start += strspn(start, " \t");
  say(repl, "  %-12s %s:%d  %.*s\n", label, source->path, line, (int)strcspn(start, "\r\n"), start);
}

static void say_minimizes(Repl *repl, const Ast *task, const Ast *block, const Weight *weight) {
  Elaborator *e = repl->e;
  for (int i = 0; i < block->u.list.count; i++) {
    const Ast *statement = block->u.list.item[i];
    if (statement->kind == AST_FOR) say_minimizes(repl, task, statement->u.each.value, weight);
    if (statement->kind == AST_IF) say_minimizes(repl, task, statement->u.branch.then, weight);
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
    say_minimizes(repl, ast, ast->u.task.body, &weight);
    graph_end(e, &saved);
  }
  if (!tasks) say(repl, "  no train block changes it\n");
}
