/* Tasks: train, eval, predict and task blocks as graphs.
 *
 * A pass is the text of the block in one graph. Training and validation are two passes over the same text: the
 * second without updates and with `training` false. */
#include "interpreter/elaborate/dataset.h"

#include "autodiff/differentiate.h"
#include "interpreter/data/problems_text.h"
#include "lang/format.h"
#include "lang/problems.h"

#include <string.h>

typedef enum { PASS_TRAIN, PASS_ACCUMULATE, PASS_VALID, PASS_ONCE } PassKind;

typedef struct {
  Elaborator *e;
  const Ast *ast;
  const Settings *settings;
  PassKind kind;
  Pass *pass;
  Scope *scope;
  Node *loss, *finite;
  int minimizes;
  Variable **accumulator; // by minimize and weight, shared by TRAIN and ACCUMULATE
  int accumulators;
} Builder;

// ---- measures ---------------------------------------------------------------------------------------------------

static void add_measure(Builder *b, const char *name, Node *node, bool stateful, const Ast *ast,
                        const Value *print) {
  Elaborator *e = b->e;
  Pass *pass = b->pass;
  for (int i = 0; i < pass->measures; i++)
    if (!print && !strcmp(pass->measure[i].name, name)) {
      problem_measure_twice(e->problems, ast->at, name);
      return;
    }
  pass->measure =
      arena_grow(e->arena, pass->measure, (size_t)pass->measures, &pass->measure_capacity, sizeof(Measure));
  pass->measure[pass->measures++] =
      (Measure){.name = name, .stateful = stateful, .is_print = print != NULL, .ast = ast, .value = print};
  if (node) graph_output(e->graph, name, node);
}

static Node *scalar_of(Builder *b, const Value *value, const Ast *ast, const char *what) {
  Elaborator *e = b->e;
  if (value->kind == VALUE_UNKNOWN) return NULL;
  Node *node = value_float_node(e, value, ast);
  if (node && node->type.rank == 0 && dtype_is_float(node->type.dtype))
    return node->type.running ? build_cast(node, e->precision) : node;
  Text text = {0};
  if (node)
    type_print(&node->type, &text);
  else
    text_add(&text, value_kind_text(value));
  problem_scalar(e->problems, ast->span, what, text_string(&text));
  text_free(&text);
  return NULL;
}

static void run_metric(Builder *b, const Ast *statement) {
  Elaborator *e = b->e;
  const Ast *expression = statement->u.binding.value;
  e->metric_used = false;
  const Value *value = eval(e, b->scope, expression);
  bool stateful = e->metric_used;
  const char *name = statement->u.binding.name;
  if (!name && expression->kind == AST_CALL && expression->u.call.callee->kind == AST_NAME)
    name = expression->u.call.callee->u.name;
  if (!name) name = "metric";
  Node *node = scalar_of(b, value, expression, "a metric");
  if (node) add_measure(b, name, build_cast(node, DTYPE_F64), stateful, statement, NULL);
}

static void run_print(Builder *b, const Ast *statement) {
  Elaborator *e = b->e;
  if (b->kind == PASS_TRAIN || b->kind == PASS_ACCUMULATE || b->kind == PASS_VALID) {
    problem_unavailable(e->problems, statement->at, "print in a train block");
    return;
  }
  for (int i = 0; i < statement->u.print.items.count; i++) {
    const Ast *item = statement->u.print.items.item[i];
    e->metric_used = false;
    const Value *value = eval(e, b->scope, item);
    if (value->kind == VALUE_UNKNOWN) continue;
    Node *node =
        value->kind == VALUE_TENSOR || value->kind == VALUE_COLUMN ? value_node(e, value, item) : NULL;
    add_measure(b, arena_printf(e->arena, "print.%d", b->pass->measures), node, e->metric_used, item, value);
  }
}

static void run_yield(Builder *b, const Ast *statement) {
  Elaborator *e = b->e;
  Pass *pass = b->pass;
  const AstList *list = &statement->u.list;
  pass->yield = ARENA_ARRAY(e->arena, YieldField, list->count + 1);
  for (int i = 0; i < list->count; i++) {
    const Ast *arg = list->item[i];
    const Value *value = eval(e, b->scope, arg->u.arg.value);
    if (value->kind == VALUE_UNKNOWN) continue;
    const char *name = arg->u.arg.name;
    if (!name && arg->u.arg.value->kind == AST_NAME) name = arg->u.arg.value->u.name;
    if (!name) name = arena_printf(e->arena, "c%d", i);
    YieldField field = {.name = name, .value = value};
    if (value->kind == VALUE_COLUMN && value->u.column.column->text && value->u.column.data->windows) {
      problem_window_row(e->problems, arg->span, name, value->u.column.data->windows->length);
      continue;
    }
    if (!(value->kind == VALUE_COLUMN && value->u.column.column->text)) {
      Node *node = value_node(e, value, arg->u.arg.value);
      bool batched = node && node->type.rank >= 1 && node->type.size[0] == e->batch;
      if (!batched) {
        Text text = {0};
        if (node)
          type_print(&node->type, &text);
        else
          text_add(&text, value_kind_text(value));
        problem_yield(e->problems, arg->span, name, text_string(&text));
        text_free(&text);
        continue;
      }
      field.output = arena_printf(e->arena, "yield.%d", i);
      graph_output(e->graph, field.output, node);
      field.value = value->kind == VALUE_TENSOR ? value : value_tensor(e, node);
    }
    pass->yield[pass->yields++] = field;
  }
}

static void run_save(Builder *b, const Ast *statement) {
  Elaborator *e = b->e;
  Pass *pass = b->pass;
  const Value *value = eval(e, b->scope, statement->u.action.value),
              *to = eval(e, b->scope, statement->u.action.to);
  if (value->kind == VALUE_UNKNOWN || to->kind == VALUE_UNKNOWN) return;
  if (to->kind != VALUE_STRING || value->kind != VALUE_RECORD || !value->u.items.is_table) {
    problem_save(e->problems, statement->span);
    return;
  }
  for (int i = 0; i < value->u.items.count; i++) {
    Node *node = value_float_node(e, value->u.items.item[i], statement);
    if (node) graph_output(e->graph, arena_printf(e->arena, "save.%d.%d", pass->saves, i), node);
  }
  pass->save =
      arena_grow(e->arena, pass->save, (size_t)pass->saves, &pass->save_capacity, sizeof(*pass->save));
  pass->save[pass->saves].value = value;
  pass->save[pass->saves].to = to->u.string.bytes;
  pass->save[pass->saves++].ast = statement;
}

static void run_freeze(Builder *b, const Ast *statement) {
  Elaborator *e = b->e;
  for (int i = 0; i < statement->u.list.count; i++) {
    const Value *value = eval(e, b->scope, statement->u.list.item[i]);
    const char *path = value->kind == VALUE_INSTANCE && value->u.instance.model ? value->u.instance.path
                       : value->kind == VALUE_WEIGHTS                           ? value->u.weights.glob
                                                                                : NULL;
    if (!path) {
      if (value->kind != VALUE_UNKNOWN)
        problem_selection(e->problems, statement->u.list.item[i]->span, value_kind_text(value));
      continue;
    }
    const char **grown = ARENA_ARRAY(e->arena, const char *, e->frozen_models + 1);
    if (e->frozen_models) memcpy(grown, e->frozen_model, sizeof(*grown) * (size_t)e->frozen_models);
    grown[e->frozen_models++] = path;
    e->frozen_model = grown;
  }
}

// ---- minimize -----------------------------------------------------------------------------------------------------

/* `*` is one level of a path, `**` any number of levels. */
static bool glob_match(const char *glob, const char *path) {
  for (; *glob; glob++) {
    if (glob[0] == '*' && glob[1] == '*') {
      const char *rest = glob + 2;
      for (const char *p = path;; p++) {
        if (glob_match(rest, p)) return true;
        if (!*p) return false;
      }
    }
    if (*glob == '*') {
      for (const char *p = path;; p++) {
        if (glob_match(glob + 1, p)) return true;
        if (!*p || *p == '.') return false;
      }
    }
    if (*glob != *path++) return false;
  }
  return *path == 0;
}

bool weights_selected(Elaborator *e, const Value *selection, const Weight *weight) {
  (void)e;
  if (selection->kind == VALUE_INSTANCE) return !strcmp(selection->u.instance.path, weight->model);
  return selection->kind == VALUE_WEIGHTS && glob_match(selection->u.weights.glob, weight->canonical);
}

static bool is_frozen(const Elaborator *e, const Weight *weight) {
  for (int i = 0; i < e->frozen_models; i++)
    if (!strcmp(e->frozen_model[i], weight->model) || glob_match(e->frozen_model[i], weight->canonical))
      return true;
  return false;
}

static Node *add_up(Node *sum, Node *term) { return sum ? build_add(sum, term) : term; }

/* Gradients scaled together so that their norm is at most `clip`. */
static void clip_gradients(double clip, Node **gradient, int count) {
  Node *square = NULL;
  for (int i = 0; i < count; i++)
    if (gradient[i])
      square = add_up(square, build_reduce_all(OP_REDUCE_SUM, build_mul(gradient[i], gradient[i])));
  if (!square) return;
  Node *norm = build_sqrt(square);
  Node *scale = build_min(build_like(norm, 1), build_div(build_like(norm, clip), norm));
  for (int i = 0; i < count; i++)
    if (gradient[i]) gradient[i] = build_mul(gradient[i], scale);
}

static Variable *accumulator(Builder *b, int number, const char *path, Type type) {
  Elaborator *e = b->e;
  if (number >= b->accumulators) {
    Variable **grown = ARENA_ARRAY(e->arena, Variable *, number * 2 + 16);
    if (b->accumulators) memcpy(grown, b->accumulator, sizeof(*grown) * (size_t)b->accumulators);
    b->accumulator = grown;
    b->accumulators = number * 2 + 16;
  }
  if (!b->accumulator[number]) {
    type.running = false;
    b->accumulator[number] = variable_new(
        e, VARIABLE_OPTIMIZER, arena_printf(e->arena, "%s.accumulated.%s", b->ast->u.task.name, path), type,
        b->ast->at);
  }
  Variable *variable = b->accumulator[number];
  if (b->kind == PASS_TRAIN) {
    Node *zero = build_number(e->init_states, type.dtype, 0);
    graph_assign(e->init_states, variable, type.rank ? build_expand(zero, type.rank, type.size) : zero);
  }
  return variable;
}

/* accumulate = k: gradients add up, each weighed by its examples; the k-th batch divides and updates. */
static void accumulate_gradients(Builder *b, Node *const *weight, const int *index, Node **gradient,
                                 int count) {
  Elaborator *e = b->e;
  Node *rows = build_cast(build_extent(e->graph, b->pass->data ? e->batch : dim_of(1)), e->precision);
  Variable *seen = accumulator(b, 0, "rows", type_scalar(e->precision));
  Node *all = build_add(variable_value(e, seen), rows);
  for (int i = 0; i < count; i++) {
    if (!gradient[i]) continue;
    Variable *sum = accumulator(b, 1 + index[i] + b->minimizes * e->weights, e->weight[index[i]].canonical,
                                weight[i]->type);
    Node *total = build_add(variable_value(e, sum), build_mul(gradient[i], rows));
    gradient[i] = build_div(total, all);
    variable_update(e, sum, b->kind == PASS_TRAIN ? build_like(total, 0) : total);
  }
  variable_update(e, seen, b->kind == PASS_TRAIN ? build_number(e->graph, e->precision, 0) : all);
}

typedef struct {
  const Value *selection, *update;
  const Ast *ast;
  int taken;
} Using;

static int read_usings(Builder *b, const Ast *statement, Using *using) {
  Elaborator *e = b->e;
  const AstList *overs = &statement->u.minimize.overs;
  int count = 0;
  bool any = false;
  for (int i = 0; i < overs->count; i++) any = any || overs->item[i]->u.action.to;
  if (!any) {
    problem_no_optimizer(e->problems, statement->at);
    return 0;
  }
  for (int i = 0; i < overs->count; i++) {
    const Ast *over = overs->item[i];
    Using *u = &using[count];
    *u = (Using){.ast = over};
    u->selection = over->u.action.value ? eval(e, b->scope, over->u.action.value) : NULL;
    // `over a, b using o`: the optimizer stands behind the last of them
    const Ast *optimizer = over->u.action.to;
    for (int k = i; !optimizer && k < overs->count; k++) optimizer = overs->item[k]->u.action.to;
    u->update = optimizer ? eval(e, b->scope, optimizer) : value_unknown();
    if (u->selection && u->selection->kind != VALUE_WEIGHTS &&
        !(u->selection->kind == VALUE_INSTANCE && u->selection->u.instance.model)) {
      if (u->selection->kind != VALUE_UNKNOWN)
        problem_selection(e->problems, over->u.action.value->span, value_kind_text(u->selection));
      return 0;
    }
    if (u->update->kind != VALUE_UPDATE) {
      if (u->update->kind != VALUE_UNKNOWN)
        problem_optimizer_value(e->problems, optimizer ? optimizer->span : over->span,
                                value_kind_text(u->update));
      return 0;
    }
    count++;
  }
  return count;
}

static void update_weights(Builder *b, const Ast *statement, Node *loss, Using *using, int usings) {
  Elaborator *e = b->e;
  int count = 0;
  Node **weight = ARENA_ARRAY(e->arena, Node *, e->weights + 1),
       **gradient = ARENA_ARRAY(e->arena, Node *, e->weights + 1);
  int *index = ARENA_ARRAY(e->arena, int, e->weights + 1), *by = ARENA_ARRAY(e->arena, int, e->weights + 1);
  for (int i = 0; i < e->weights; i++) {
    Variable *variable = e->weight[i].variable;
    Node *now = (size_t)variable->number < e->current_capacity ? e->current[variable->number] : NULL;
    bool frozen = is_frozen(e, &e->weight[i]);
    e->weight[i].frozen = e->weight[i].frozen || frozen;
    if (variable->role != VARIABLE_WEIGHT || !now || frozen) continue;
    int u = 0;
    while (u < usings && using[u].selection && !weights_selected(e, using[u].selection, &e->weight[i])) u++;
    if (u == usings) {
      e->weight[i].reached = e->weight[i].reached || differentiable(loss, now);
      continue;
    }
    by[count] = u;
    index[count] = i;
    weight[count++] = now;
  }
  differentiate(loss, weight, count, gradient);
  for (int i = 0; i < count; i++) {
    using[by[i]].taken += gradient[i] != NULL;
    e->weight[index[i]].reached = e->weight[index[i]].reached || gradient[i];
  }
  for (int u = 0; u < usings; u++)
    if (!using[u].taken) {
      Text text = {0};
      ast_write(statement->u.minimize.value, &text);
      problem_no_weights(e->problems, statement->u.minimize.value->span, text_string(&text),
                         using[u].ast->u.action.value ? using[u].ast->u.action.value->span : statement->at);
      text_free(&text);
      return;
    }
  if (b->settings->accumulate > 1) accumulate_gradients(b, weight, index, gradient, count);
  for (int i = 0; i < count; i++)
    if (gradient[i])
      b->finite = add_up(b->finite,
                         build_reduce_all(OP_REDUCE_SUM, build_mul(gradient[i], build_like(gradient[i], 0))));
  if (b->kind == PASS_ACCUMULATE) return;
  if (b->settings->clip > 0) clip_gradients(b->settings->clip, gradient, count);
  Node **updated = ARENA_ARRAY(e->arena, Node *, count + 1);
  for (int i = 0; i < count; i++) {
    if (!gradient[i]) continue;
    const char *path =
        arena_printf(e->arena, "%s.%d.%s", b->ast->u.task.name, b->minimizes, e->weight[index[i]].canonical);
    e->graph->layer = path;
    updated[i] = optimizer_apply(e, using[by[i]].ast, using[by[i]].update, path, weight[i], gradient[i]);
    e->graph->layer = NULL;
    if (!updated[i]) return; // every weight would say the same
  }
  for (int i = 0; i < count; i++)
    if (updated[i]) variable_update(e, e->weight[index[i]].variable, updated[i]);
}

static void run_minimize(Builder *b, const Ast *statement) {
  Elaborator *e = b->e;
  if (statement->u.minimize.every)
    problem_unavailable(e->problems, statement->u.minimize.every->span, "every");
  if (b->kind == PASS_ONCE) {
    problem_misplaced(e->problems, statement->at);
    return;
  }
  const Value *value = eval(e, b->scope, statement->u.minimize.value);
  Node *loss = scalar_of(b, value, statement->u.minimize.value,
                         statement->u.minimize.maximize ? "maximize" : "minimize");
  b->pass->minimizes = true;
  if (!loss) return;
  if (statement->u.minimize.maximize) loss = build_neg(loss);
  b->loss = add_up(b->loss, loss);
  if (b->kind == PASS_VALID) return;
  Using *using = ARENA_ARRAY(e->arena, Using, statement->u.minimize.overs.count + 1);
  int usings = read_usings(b, statement, using);
  if (usings) update_weights(b, statement, loss, using, usings);
  b->minimizes++;
}

// ---- a block --------------------------------------------------------------------------------------------------------

typedef void Run(Builder *b, const Ast *statement);

static void run_later(Builder *b, const Ast *statement) {
  problem_unavailable(b->e->problems, statement->at,
                      statement->kind == AST_SET     ? "set"
                      : statement->kind == AST_STATE ? "state in a task"
                                                     : "expect");
}

static void run_statement(Builder *b, const Ast *statement) {
  static Run *const runs[] = {
      [AST_MINIMIZE] = run_minimize, [AST_METRIC_IS] = run_metric, [AST_FREEZE] = run_freeze,
      [AST_PRINT] = run_print,       [AST_SAVE] = run_save,        [AST_YIELD] = run_yield,
      [AST_SET] = run_later,         [AST_EXPECT] = run_later,     [AST_STATE] = run_later};
  Run *run = (size_t)statement->kind < sizeof(runs) / sizeof(*runs) ? runs[statement->kind] : NULL;
  if (run) {
    run(b, statement);
    return;
  }
  if (settings_statement(statement)) return;
  Elaborator *e = b->e;
  Binding *known = statement->kind == AST_ASSIGN ? scope_find(b->scope, statement->u.binding.name) : NULL;
  bool running = known && scope_find(e->builtins, statement->u.binding.name) == known; // step, epoch, pi
  if (statement->kind == AST_ASSIGN && b->ast->u.task.task == TASK_TRAIN && (!known || running)) {
    int count;
    const char *const *names = setting_names(&count);
    problem_unknown_setting(e->problems, statement->at, statement->u.binding.name,
                            name_nearest(statement->u.binding.name, names, count));
    return;
  }
  const Value *value = value_none();
  if (!eval_statement(e, b->scope, statement, &value))
    problem_misplaced(e->problems, statement->at.source ? statement->at : statement->span);
  else if (value->kind != VALUE_NONE && value->kind != VALUE_UNKNOWN)
    problem_unused(e->problems, statement->span);
}

static Pass *build_pass(Builder *b, PassKind kind, Dataset *data, PartName part) {
  Elaborator *e = b->e;
  Pass *pass = ARENA_NEW(e->arena, Pass);
  Saved saved = graph_begin(e, kind == PASS_TRAIN || kind == PASS_ACCUMULATE, b->settings->precision);
  b->kind = kind;
  b->pass = pass;
  b->loss = b->finite = NULL;
  b->minimizes = 0;
  b->scope = scope_new(e, e->file);
  e->frozen_models = 0;
  e->metrics = 0;
  if (kind == PASS_TRAIN) e->shareds = 0;
  e->sharing = kind == PASS_TRAIN || kind == PASS_ACCUMULATE;
  pass->data = data;
  pass->part = part;
  pass->batch = e->batch;
  if (data) {
    scope_bind(e, b->scope, name_of("B"), value_int(e, e->batch));
    dataset_bind_fields(e, data, b->scope);
  }
  for (int i = 0; i < b->ast->u.task.body->u.list.count; i++)
    run_statement(b, b->ast->u.task.body->u.list.item[i]);
  if (b->loss) {
    add_measure(b, "loss", build_cast(b->loss, DTYPE_F64), false, b->ast, NULL);
    Node *finite = add_up(b->finite, build_mul(b->loss, build_like(b->loss, 0)));
    if (kind != PASS_VALID) graph_output(e->graph, "finite", finite);
  }
  e->sharing = false;
  pass->graph = e->graph;
  pass->init_states = e->init_states;
  graph_end(e, &saved);
  return pass;
}

static void check_watched(Elaborator *e, const Ast *ast, const Pass *pass, const char *metric,
                          const char *setting) {
  if (!metric) return;
  const char **known = ARENA_ARRAY(e->arena, const char *, (pass ? pass->measures : 0) + 1);
  for (int i = 0; pass && i < pass->measures; i++) {
    known[i] = pass->measure[i].name;
    if (!strcmp(known[i], metric)) return;
  }
  const Ast *at = ast;
  for (int i = 0; i < ast->u.task.body->u.list.count; i++) {
    const Ast *statement = ast->u.task.body->u.list.item[i];
    if (statement->kind == AST_ASSIGN && !strcmp(statement->u.binding.name, setting))
      at = statement->u.binding.value;
  }
  problem_watched(e->problems, at->span, metric, pass ? name_nearest(metric, known, pass->measures) : NULL,
                  pass != NULL);
}

static const Value *task_source(Elaborator *e, const Ast *ast) {
  const AstList *sources = &ast->u.task.sources;
  if (sources->count == 0) return value_none();
  if (sources->count > 1) {
    problem_unavailable(e->problems, sources->item[1]->span, "several tables in a task");
    return value_unknown();
  }
  const Value *value = eval(e, e->file, sources->item[0]->u.arg.value);
  if (value->kind != VALUE_DATA) {
    if (value->kind != VALUE_UNKNOWN)
      problem_task_source(e->problems, sources->item[0]->span, value_kind_text(value));
    return value_unknown();
  }
  if (e->options->in && ast->u.task.task == TASK_PREDICT) value->u.data.data->replaced = true;
  if (!dataset_open(e, value->u.data.data) || !dataset_has_rows(e, value->u.data.data, sources->item[0]))
    return value_unknown();
  if (!value->u.data.data->replaced && value->u.data.part != PART_ALL &&
      dataset_part(value->u.data.data, value->u.data.part)->count == 0) {
    problem_empty_part(e->problems, sources->item[0]->span);
    return value_unknown();
  }
  return value;
}

Task *task_elaborate(Elaborator *e, const Ast *ast) {
  Task *task = ARENA_NEW(e->arena, Task);
  *task = (Task){.name = ast->u.task.name, .kind = ast->u.task.task, .ast = ast};
  int errors = problems_count(e->problems, SEVERITY_ERROR);
  if (task->kind == TASK_SWEEP) {
    problem_unavailable(e->problems, ast->at, "sweep");
    return NULL;
  }
  Saved saved = graph_begin(e, false, DTYPE_F32);
  const Value *source = task_source(e, ast);
  bool ok = source->kind != VALUE_UNKNOWN && settings_read(e, ast, e->file, &task->settings);
  graph_end(e, &saved);
  if (!ok) return NULL;
  Dataset *data = source->kind == VALUE_DATA ? source->u.data.data : NULL;
  PartName part = data ? source->u.data.part : PART_ALL;
  int64_t streams = data && data->windows && task->kind == TASK_TRAIN ? data->windows->streams : 0;
  if (streams && (task->settings.batch_all || task->settings.batch != streams)) {
    problem_streams_batch(e->problems, ast->at, streams,
                          task->settings.batch_all ? dataset_part(data, PART_TRAIN)->count
                                                   : task->settings.batch);
    return NULL;
  }
  Builder b = {.e = e, .ast = ast, .settings = &task->settings};
  if (task->kind != TASK_TRAIN) {
    if (data && data->replaced) part = PART_ALL;
    task->once = build_pass(&b, PASS_ONCE, data, part);
  } else {
    bool whole = data && source->u.data.whole;
    if (whole) part = PART_TRAIN;
    task->train = build_pass(&b, PASS_TRAIN, data, part);
    if (problems_count(e->problems, SEVERITY_ERROR) > errors) return NULL;
    if (!task->train->minimizes) problem_no_minimize(e->problems, ast->at, ast->u.task.name);
    if (task->settings.accumulate > 1) task->accumulate = build_pass(&b, PASS_ACCUMULATE, data, part);
    if (whole && dataset_part(data, PART_VALID)->count)
      task->valid = build_pass(&b, PASS_VALID, data, PART_VALID);
    check_watched(e, ast, task->valid, task->settings.keep, "keep");
    check_watched(e, ast, task->valid, task->settings.stop, "stop");
  }
  return problems_count(e->problems, SEVERITY_ERROR) > errors ? NULL : task;
}
