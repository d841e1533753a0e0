/* Opening a program, and the memory behind its variables. */
#include "interpreter/session.h"

#include "graph/build.h"
#include "lang/problems.h"

#include <string.h>

volatile int interrupted;

static bool wanted(const char *name, const char *const *names, int count) {
  for (int i = 0; i < count; i++)
    if (!strcmp(names[i], name)) return true;
  return count == 0;
}

static const Ast *model_of(const Elaborator *e, const char *name) {
  for (int i = 0; i < e->declaration->count; i++)
    if (e->declaration->item[i]->kind == AST_MODEL && e->declaration->item[i]->u.function.name == name)
      return e->declaration->item[i];
  return NULL;
}

/* A weight that nothing minimized depends on, in a model that is trained and neither frozen nor loaded, is a
 * mistake: it would stay as it began. */
static void check_reached(Session *session) {
  Elaborator *e = session->program;
  for (int i = 0; i < e->declaration->count; i++)
    if (e->declaration->item[i]->kind == AST_LOAD) return;
  const char *told = NULL;
  for (int i = 0; i < e->weights; i++) {
    const Weight *w = &e->weight[i];
    bool trained = false;
    for (int k = 0; k < e->weights; k++)
      trained = trained || (e->weight[k].reached && e->weight[k].model == w->model);
    if (w->variable->role != VARIABLE_WEIGHT || w->reached || w->frozen || !trained) continue;
    const char *path = weight_path(e, w);
    size_t layer = (size_t)(strrchr(path, '.') - path) + 1;
    if (told && !strncmp(told, path, layer)) continue; // once a layer
    told = path;
    const Ast *model = model_of(e, w->model);
    problem_never_trained(session->problems, model ? model->at : w->variable->span, path, w->variable->span);
  }
}

Session *session_open(Arena *arena, Problems *problems, const Options *options, Report *report,
                      const char *path, unsigned kinds, const char *const *names, int count) {
  double start = seconds_now();
  Session *session = ARENA_NEW(arena, Session);
  *session = (Session){.arena = arena, .problems = problems, .options = options, .report = report};
  session->program = elaborator_new(arena, problems, options);
  Elaborator *e = session->program;
  if ((options->weights && strcmp(options->weights, "init") &&
       !session_load(session, options->weights, (Span){0}, NULL, true)) ||
      !elaborator_load(e, path)) {
    elaborator_close(e);
    return NULL;
  }
  session->task = ARENA_ARRAY(arena, Task *, e->declaration->count + 1);
  int graphs = 0;
  for (int i = 0; i < e->declaration->count; i++) {
    const Ast *ast = e->declaration->item[i];
    if (ast->kind != AST_TASK || !(kinds >> ast->u.task.task & 1) || !wanted(ast->u.task.name, names, count))
      continue;
    Task *task = task_elaborate(e, ast);
    if (!task) continue;
    session->task[session->tasks++] = task;
    graphs +=
        (task->train != NULL) + (task->valid != NULL) + (task->once != NULL) + (task->accumulate != NULL);
  }
  if (kinds == ALL_KINDS && !count && !problems_count(problems, SEVERITY_ERROR)) check_reached(session);
  if (problems_count(problems, SEVERITY_ERROR)) {
    elaborator_close(e);
    return NULL;
  }
  int64_t weights = 0;
  for (int i = 0; i < e->weights; i++)
    if (e->weight[i].variable->role == VARIABLE_WEIGHT) weights += type_count(&e->weight[i].variable->type);
  report_problems(report, problems); // warnings
  report_check(report, graphs, weights, 1e3 * (seconds_now() - start));
  return session;
}

/* Runs a graph of first values (all, or those of one role) and leaves them in the variables. */
static void run_assigns(Session *session, const Graph *from, int first, int role, uint32_t part) {
  if (!wholes_fill(session->program, from)) return; // the Problem ends the run
  Arena *scratch = arena_new(0);
  Graph *graph = graph_bind(from, scratch, NULL, 0);
  int kept = 0;
  for (int i = first; i < graph->outputs; i++)
    if (role < 0 || (int)graph->output[i].variable->role == role) graph->output[kept++] = graph->output[i];
  graph->outputs = kept;
  if (kept) {
    graph_simplify(graph);
    for (int i = 0; i < graph->outputs; i++) {
      Variable *variable = graph->output[i].variable;
      if (!variable->data)
        variable->data =
            memory_alloc((size_t)type_count(&variable->type) + 16, dtype_size(variable->type.dtype));
    }
    Plan *plan = plan_make(graph, &(PlanOptions){.fuse = !session->options->no_fuse});
    session->backend->prepare(session->backend, plan);
    session->backend->run(session->backend, plan, &(RunArgs){.seed = session->options->seed, .part = part});
    session->backend->forget(session->backend, plan);
  }
  arena_free(scratch);
}

bool session_start(Session *session) {
  Elaborator *e = session->program;
  for (int i = 0; i < 3; i++) e->running[i]->data = &session->running[i];
  bool reference = session->options->device && !strcmp(session->options->device, "reference");
  if (!session->backend)
    session->backend = reference
                           ? reference_open()
                           : cpu_open(session->problems, session->options->threads, session->options->level);
  if (!session->backend) return false;
  run_assigns(session, e->init, (int)session->weights_made, -1, 0);
  session->weights_made = e->init->outputs;
  return true;
}

void session_close(Session *session) {
  if (!session) return;
  Elaborator *e = session->program;
  for (int i = 0; i < e->weights; i++) {
    memory_free(e->weight[i].variable->data);
    e->weight[i].variable->data = NULL;
  }
  elaborator_close(e);
  if (session->backend) session->backend->close(session->backend);
}

// ---- running a pass -------------------------------------------------------------------------------------------

#define PLANS 64

typedef struct {
  int64_t rows, used;
  int64_t *length; // of the longest row of the batch, by pad of the runner
  Arena *arena;
  Plan *plan;
} Prepared;

struct Runner {
  Session *session;
  Pass *pass;
  Graph *graph;
  Arena *arena;
  Variable **leaf; // columns that the graph reads
  Column **column;
  int leaves;
  Pad **pad;               // rows of different lengths that the graph has dims of
  int64_t *length, *width; // longest row of this batch, by pad; values of a row, by leaf: -1 - k is length[k]
  DimBinding *binding;
  int pads;
  bool longest;     // every batch is as long as the longest row
  Variable **owned; // states whose memory this runner made
  int owns;
  Prepared prepared[PLANS];
  int plans;
  int64_t clock;
  Plan *last;
  Plan *finale; // values of metrics with state, once a pass; NULL: there are none
};

static Column *column_of(Dataset *data, const Variable *variable) {
  for (int i = 0; i < data->leaves; i++)
    if (data->leaf[i].variable == variable) return data->leaf[i].column;
  return NULL;
}

/* Takes what follows from states alone out of the step, into a plan of its own. */
static void split_finale(Runner *runner) {
  Pass *pass = runner->pass;
  Graph *finale = graph_new(runner->arena), *graph = pass->graph;
  int kept = 0;
  for (int i = 0; i < graph->outputs; i++) {
    Output output = graph->output[i];
    bool stateful = false;
    for (int k = 0; k < pass->measures && output.kind == OUTPUT_VALUE; k++)
      stateful = stateful || (pass->measure[k].stateful && !strcmp(pass->measure[k].name, output.name));
    Node *after = stateful ? graph_after(finale, graph, output.node) : NULL;
    if (after)
      graph_output(finale, output.name, after);
    else
      graph->output[kept++] = output;
  }
  graph->outputs = kept;
  if (finale->outputs == 0) return;
  finale = graph_bind(finale, runner->arena, NULL, 0);
  graph_simplify(finale);
  runner->finale = plan_make(finale, &(PlanOptions){.fuse = !runner->session->options->no_fuse});
  runner->session->backend->prepare(runner->session->backend, runner->finale);
}

void runner_finish(Runner *runner) {
  if (runner->finale) runner->session->backend->run(runner->session->backend, runner->finale, &(RunArgs){0});
}

static bool graph_mentions(const Graph *graph, const Dim *symbol) {
  for (int i = 0; i < graph->nodes; i++) {
    const Node *node = graph->node[i];
    for (int k = 0; k < node->type.rank; k++)
      if (dim_has_symbol(node->type.size[k], symbol)) return true;
    for (int k = 0; k < 2; k++)
      if (node->attr.dim[k] && dim_has_symbol(node->attr.dim[k], symbol)) return true;
  }
  return false;
}

static void pads_open(Runner *runner) {
  const Dataset *data = runner->pass->data;
  int most = data ? data->pads : 0;
  runner->pad = ARENA_ARRAY(runner->arena, Pad *, most + 1);
  runner->length = ARENA_ARRAY(runner->arena, int64_t, most + 1);
  runner->binding = ARENA_ARRAY(runner->arena, DimBinding, most + 1);
  for (int i = 0; i < most; i++)
    if (graph_mentions(runner->graph, data->pad[i]->symbol)) runner->pad[runner->pads++] = data->pad[i];
}

/* How many values a row of a leaf has, and for how many a batch of it has room. */
static int64_t leaf_width(const Runner *runner, const Column *column, int64_t *most) {
  for (int i = 0; i < runner->pads; i++)
    if (runner->pad[i]->ids == column) {
      *most = runner->pad[i]->longest;
      return -1 - i;
    }
  return *most = column_elements(column);
}

Runner *runner_new(Session *session, Pass *pass, int64_t most_rows) {
  Runner *runner = memory_alloc(1, sizeof(Runner));
  *runner = (Runner){.session = session, .pass = pass, .graph = pass->graph, .arena = arena_new(0)};
  split_finale(runner);
  graph_simplify(pass->graph);
  runner->leaf = ARENA_ARRAY(runner->arena, Variable *, pass->graph->nodes + 1);
  runner->column = ARENA_ARRAY(runner->arena, Column *, pass->graph->nodes + 1);
  runner->width = ARENA_ARRAY(runner->arena, int64_t, pass->graph->nodes + 1);
  pads_open(runner);
  for (int i = 0; i < pass->graph->nodes; i++) {
    const Node *node = pass->graph->node[i];
    if (node->op != OP_READ || node->attr.variable->role != VARIABLE_COLUMN) continue;
    Variable *variable = node->attr.variable;
    Column *column = column_of(variable->owner, variable);
    if (!column->values) {
      Dataset *data = variable->owner;
      if (!table_load(data->table, session->problems, data->ast->at) || !column->values) {
        problem_column_needed(session->problems, data->ast->at, column->name, data->table->path);
        runner_free(runner);
        return NULL;
      }
    }
    int64_t most;
    runner->width[runner->leaves] = leaf_width(runner, column, &most);
    runner->leaf[runner->leaves] = variable;
    runner->column[runner->leaves++] = column;
    memory_free(variable->data);
    variable->data = memory_alloc((size_t)(most_rows * most) + 64, dtype_size(column->dtype));
  }
  if (!wholes_fill(session->program, pass->graph)) {
    runner_free(runner);
    return NULL;
  }
  runner->owned = ARENA_ARRAY(runner->arena, Variable *, pass->init_states->outputs + 1);
  for (int i = 0; i < pass->init_states->outputs; i++) {
    Variable *variable = pass->init_states->output[i].variable;
    if (variable->data) continue;
    variable->data = memory_alloc((size_t)type_count(&variable->type) + 16, dtype_size(variable->type.dtype));
    runner->owned[runner->owns++] = variable;
  }
  return runner;
}

/* The longest row of a batch, by pad. */
static void lengths_take(Runner *runner, const int64_t *row, int64_t rows) {
  for (int i = 0; i < runner->pads; i++) {
    const int32_t *length = runner->pad[i]->length->values;
    runner->length[i] = runner->longest ? runner->pad[i]->longest : 1;
    for (int64_t k = 0; k < rows; k++)
      if (length[row[k]] > runner->length[i]) runner->length[i] = length[row[k]];
  }
}

/* Batch and lengths as numbers. */
static int runner_bind(Runner *runner, int64_t rows) {
  int count = 0;
  if (runner->pass->data) runner->binding[count++] = (DimBinding){runner->pass->batch, dim_of(rows)};
  for (int i = 0; i < runner->pads; i++)
    runner->binding[count++] = (DimBinding){runner->pad[i]->symbol, dim_of(runner->length[i])};
  return count;
}

DimBinding *pass_bindings(Arena *arena, const Pass *pass, int64_t rows, int *count) {
  const Dataset *data = pass->data;
  DimBinding *binding = ARENA_ARRAY(arena, DimBinding, (data ? data->pads : 0) + 1);
  *count = 0;
  if (data) binding[(*count)++] = (DimBinding){pass->batch, dim_of(rows)};
  for (int i = 0; data && i < data->pads; i++)
    binding[(*count)++] = (DimBinding){data->pad[i]->symbol, dim_of(data->pad[i]->longest)};
  return binding;
}

/* The plan for this many rows with the lengths of the runner. */
static Plan *plan_for(Runner *runner, int64_t rows) {
  int oldest = 0;
  size_t lengths = sizeof(int64_t) * (size_t)runner->pads;
  for (int i = 0; i < runner->plans; i++) {
    if (runner->prepared[i].rows == rows && !memcmp(runner->prepared[i].length, runner->length, lengths)) {
      runner->prepared[i].used = ++runner->clock;
      return runner->prepared[i].plan;
    }
    if (runner->prepared[i].used < runner->prepared[oldest].used) oldest = i;
  }
  Backend *backend = runner->session->backend;
  Prepared *p = &runner->prepared[runner->plans < PLANS ? runner->plans++ : oldest];
  if (p->plan) {
    backend->forget(backend, p->plan);
    arena_free(p->arena);
  }
  *p = (Prepared){.rows = rows, .used = ++runner->clock, .arena = arena_new(0)};
  p->length = ARENA_ARRAY(p->arena, int64_t, runner->pads + 1);
  memcpy(p->length, runner->length, lengths);
  int bindings = runner_bind(runner, rows);
  Graph *bound = graph_bind(runner->graph, p->arena, runner->binding, bindings);
  const char *why;
  const Node *misfit = graph_misfit(bound, &why);
  if (misfit) {
    problem_rows_misfit(runner->session->problems, misfit->span, rows, runner->pads ? runner->length[0] : 0,
                        why);
    arena_free(p->arena);
    *p = runner->prepared[--runner->plans];
    return NULL;
  }
  graph_simplify(bound);
  p->plan = plan_make(bound, &(PlanOptions){.fuse = !runner->session->options->no_fuse});
  backend->prepare(backend, p->plan);
  return p->plan;
}

void runner_longest(Runner *runner) { runner->longest = true; }

const int32_t *runner_lengths(const Runner *runner) {
  return runner->pads ? runner->pad[0]->length->values : NULL;
}

bool runner_prepare(Runner *runner, int64_t rows) {
  for (int i = 0; i < runner->pads; i++) runner->length[i] = runner->pad[i]->longest;
  return plan_for(runner, rows) != NULL;
}

static void gather(Runner *runner, const int64_t *row, int64_t rows) {
  lengths_take(runner, row, rows);
  for (int i = 0; i < runner->leaves; i++) {
    int64_t width = runner->width[i] < 0 ? runner->length[-1 - runner->width[i]] : runner->width[i];
    column_gather(runner->column[i], row, rows, width, runner->leaf[i]->data);
  }
}

bool runner_run(Runner *runner, const int64_t *row, int64_t rows, const RunArgs *args) {
  if (row) gather(runner, row, rows);
  runner->last = plan_for(runner, rows);
  if (runner->last) runner->session->backend->run(runner->session->backend, runner->last, args);
  return runner->last != NULL;
}

typedef struct {
  const Node *first;
} Blame;

static void observe(void *context, const Node *node, const Place *place, const void *data) {
  Blame *blame = context;
  if (blame->first || !dtype_is_float(place->type.dtype) || node->op == OP_CONSTANT || node->op == OP_EXPAND)
    return;
  int64_t count = type_count(&place->type);
  for (int64_t i = 0; i < count; i++) {
    double x = place->type.dtype == DTYPE_F32 ? (double)((const float *)data)[i] : ((const double *)data)[i];
    if (x - x == 0) continue;
    blame->first = node;
    return;
  }
}

void runner_blame(Runner *runner, const int64_t *row, int64_t rows, const RunArgs *args, const Node **node) {
  if (row) gather(runner, row, rows);
  Arena *arena = runner->session->arena; // the node found lives as long as the session
  int bindings = runner_bind(runner, rows);
  Graph *bound = graph_bind(runner->graph, arena, runner->binding, bindings);
  graph_simplify(bound);
  Plan *plan = plan_make(bound, &(PlanOptions){.fuse = false});
  Backend *backend = runner->session->backend;
  Blame blame = {NULL};
  RunArgs watched = *args;
  watched.observe = observe;
  watched.context = &blame;
  backend->prepare(backend, plan);
  backend->run(backend, plan, &watched);
  backend->forget(backend, plan);
  *node = blame.first;
}

const void *runner_value(Runner *runner, const char *output, const Type **type) {
  Plan *const plans[2] = {runner->last, runner->finale};
  for (int i = 0; i < 2; i++) {
    int index = plans[i] ? plan_output(plans[i], output) : -1;
    if (index < 0) continue;
    if (type) *type = &plans[i]->output[index].place.type;
    return runner->session->backend->output(runner->session->backend, plans[i], index);
  }
  return NULL;
}

double runner_number(Runner *runner, const char *output) {
  const Type *type;
  const void *data = runner_value(runner, output, &type);
  if (!data) return 0.0 / 0.0;
  return type->dtype == DTYPE_F32   ? (double)*(const float *)data
         : type->dtype == DTYPE_F64 ? *(const double *)data
                                    : 0.0 / 0.0;
}

bool runner_row_lacks(const Runner *runner, int64_t row, bool *class_lacks) {
  bool lacks = false;
  *class_lacks = false;
  if (!runner->pass->data->replaced)
    return false; // missing values were dealt with when the program was checked
  for (int i = 0; i < runner->leaves; i++) {
    const Column *column = runner->column[i];
    if (column->dtype == DTYPE_F64 && column->rank == 0 && column_is_missing(column, row)) lacks = true;
    if (column->dtype == DTYPE_I32 && column->rank == 0 && ((const int32_t *)column->values)[row] < 0)
      *class_lacks = true;
  }
  return lacks || *class_lacks;
}

void runner_reset(Runner *runner, VariableRole role) {
  run_assigns(runner->session, runner->pass->init_states, 0, (int)role, 0);
}

void runner_free(Runner *runner) {
  if (!runner) return;
  Backend *backend = runner->session->backend;
  if (runner->finale) backend->forget(backend, runner->finale);
  for (int i = 0; i < runner->plans; i++) {
    backend->forget(backend, runner->prepared[i].plan);
    arena_free(runner->prepared[i].arena);
  }
  for (int i = 0; i < runner->leaves; i++) {
    memory_free(runner->leaf[i]->data);
    runner->leaf[i]->data = NULL;
  }
  for (int i = 0; i < runner->owns; i++) {
    memory_free(runner->owned[i]->data);
    runner->owned[i]->data = NULL;
  }
  arena_free(runner->arena);
  memory_free(runner);
}
