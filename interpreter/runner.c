/* A pass made ready to run.
 *
 * Its plans are kept by what they depend on: the number of rows, the longest row of the batch and which guards hold.
 * Before a run the rows are gathered into the memory of the columns that the graph reads; nothing else happens between
 * two steps that have the same plan. */
#include "interpreter/session.h"

#include "graph/build.h"
#include "lang/problems.h"

#include <string.h>

#define PLANS 64

typedef struct {
  int64_t rows, used;
  uint64_t due;
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
  void **memory;   // of a batch of each; the leaf has it while this runner runs, as others read it too
  Column **column;
  int leaves;
  Pad **pad;               // rows of different lengths that the graph has dims of
  int *table;              // the table of a pad: 0 the first one of the pass, k further table k - 1
  int64_t *length, *width; // longest row of this batch, by pad; values of a row, by leaf: -1 - k is length[k]
  DimBinding *binding;
  int pads;
  bool longest;             // every batch is as long as the longest row
  const int64_t **more_row; // rows of further tables
  Variable **owned;         // states whose memory this runner made
  int owns;
  Prepared prepared[PLANS];
  int plans;
  int64_t clock;
  Plan *last;
  bool *truth;      // of each guard: what its variable reads
  uint64_t due;     // the same, a bit each
  Plan *conditions; // computes guards; NULL: there are none to compute
  Plan *finale;     // values of metrics with state, once a pass; NULL: there are none
};

static Column *column_of(Dataset *data, const Variable *variable) {
  for (int i = 0; i < data->leaves; i++)
    if (data->leaf[i].variable == variable) return data->leaf[i].column;
  return NULL;
}

/* Whether the output is the measure's, or one of its sides. */
static bool is_of(const Measure *measure, const char *output) {
  size_t length = strlen(measure->name);
  return !strncmp(measure->name, output, length) &&
         (!output[length] || (measure->kind == MEASURE_EXPECT && output[length] == '.'));
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
      stateful = stateful || (pass->measure[k].stateful && is_of(&pass->measure[k], output.name));
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

/* Table 0 of a pass is the first, table k further table k - 1. */
static const Dataset *pass_table(const Pass *pass, int table) {
  return table == 0 ? pass->data : pass->more[table - 1].data;
}

static void pads_open(Runner *runner) {
  const Pass *pass = runner->pass;
  int most = 0;
  for (int t = 0; pass->data && t <= pass->mores; t++) most += pass_table(pass, t)->pads;
  runner->pad = ARENA_ARRAY(runner->arena, Pad *, most + 1);
  runner->table = ARENA_ARRAY(runner->arena, int, most + 1);
  runner->length = ARENA_ARRAY(runner->arena, int64_t, most + 1);
  runner->binding = ARENA_ARRAY(runner->arena, DimBinding, most + 1);
  for (int t = 0; pass->data && t <= pass->mores; t++)
    for (int i = 0; i < pass_table(pass, t)->pads; i++) {
      Pad *pad = pass_table(pass, t)->pad[i];
      if (!graph_mentions(runner->graph, pad->symbol)) continue;
      runner->table[runner->pads] = t;
      runner->pad[runner->pads++] = pad;
    }
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

/* The memory of guards, and the program that computes those that are conditions. */
static void make_guards(Runner *runner) {
  const Pass *pass = runner->pass;
  Backend *backend = runner->session->backend;
  runner->truth = ARENA_ARRAY(runner->arena, bool, pass->guards + 1);
  for (int i = 0; i < pass->guards; i++) pass->guard[i].variable->data = &runner->truth[i];
  if (pass->conditions) {
    Graph *bound = graph_bind(pass->conditions, runner->arena, NULL, 0);
    graph_simplify(bound);
    runner->conditions = plan_make(bound, &(PlanOptions){.fuse = !runner->session->options->no_fuse});
    backend->prepare(backend, runner->conditions);
  }
  runner_decide(runner, 0, true, true);
}

static bool condition_holds(const Runner *runner, const Guard *guard) {
  int index = plan_output(runner->conditions, guard->variable->path);
  return *(const bool *)runner->session->backend->output(runner->session->backend, runner->conditions, index);
}

void runner_decide(Runner *runner, int64_t step, bool update, bool tell) {
  const Pass *pass = runner->pass;
  Backend *backend = runner->session->backend;
  if (runner->conditions) backend->run(backend, runner->conditions, &(RunArgs){0});
  runner->due = 0;
  for (int i = 0; i < pass->guards; i++) {
    const Guard *guard = &pass->guard[i];
    bool holds = guard->kind == GUARD_EVERY    ? step % guard->every == 0
                 : guard->kind == GUARD_UPDATE ? update
                 : guard->kind == GUARD_TELL   ? tell
                                               : condition_holds(runner, guard);
    runner->truth[i] = holds;
    runner->due |= (uint64_t)holds << i;
  }
}

uint64_t runner_due(const Runner *runner) { return runner->due; }

bool runner_active(const Runner *runner, const When *when) {
  return (runner->due & when->on) == when->on && !(runner->due & when->off);
}

Runner *runner_new(Session *session, Pass *pass, int64_t most_rows) {
  Runner *runner = memory_alloc(1, sizeof(Runner));
  *runner = (Runner){.session = session, .pass = pass, .graph = pass->graph, .arena = arena_new(0)};
  split_finale(runner);
  graph_simplify(pass->graph);
  if (!constants_ready(session->program, pass->graph) ||
      (runner->finale && !constants_ready(session->program, runner->finale->graph))) {
    runner_free(runner);
    return NULL;
  }
  runner->more_row = ARENA_ARRAY(runner->arena, const int64_t *, pass->mores + 1);
  runner->leaf = ARENA_ARRAY(runner->arena, Variable *, pass->graph->nodes + 1);
  runner->memory = ARENA_ARRAY(runner->arena, void *, pass->graph->nodes + 1);
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
    runner->memory[runner->leaves] = memory_alloc((size_t)(most_rows * most) + 64, dtype_size(column->dtype));
    runner->column[runner->leaves++] = column;
  }
  runner->owned = ARENA_ARRAY(runner->arena, Variable *, pass->init_states->outputs + 1);
  for (int i = 0; i < pass->init_states->outputs; i++) {
    Variable *variable = pass->init_states->output[i].variable;
    if (variable->data) continue;
    variable->data = memory_alloc((size_t)type_count(&variable->type) + 16, dtype_size(variable->type.dtype));
    runner->owned[runner->owns++] = variable;
  }
  make_guards(runner);
  return runner;
}

static const int64_t *rows_of_table(const Runner *runner, int table, const int64_t *row) {
  return table == 0 ? row : runner->more_row[table - 1];
}

/* The longest row of a batch, by pad. */
static void lengths_take(Runner *runner, const int64_t *row, int64_t rows) {
  for (int i = 0; i < runner->pads; i++) {
    const int32_t *length = runner->pad[i]->length->values;
    const int64_t *of = rows_of_table(runner, runner->table[i], row);
    runner->length[i] = runner->longest ? runner->pad[i]->longest : 1;
    for (int64_t k = 0; k < rows; k++)
      if (length[of[k]] > runner->length[i]) runner->length[i] = length[of[k]];
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
  int most = 1;
  for (int t = 0; pass->data && t <= pass->mores; t++) most += pass_table(pass, t)->pads;
  DimBinding *binding = ARENA_ARRAY(arena, DimBinding, most);
  *count = 0;
  if (pass->data) binding[(*count)++] = (DimBinding){pass->batch, dim_of(rows)};
  for (int t = 0; pass->data && t <= pass->mores; t++)
    for (int i = 0; i < pass_table(pass, t)->pads; i++) {
      const Pad *pad = pass_table(pass, t)->pad[i];
      binding[(*count)++] = (DimBinding){pad->symbol, dim_of(pad->longest)};
    }
  return binding;
}

/* Outputs that do not exist under these guards are dropped, and so are variables that keep their value. */
static void drop_undue(Runner *runner, Graph *bound, bool assigns) {
  const Pass *pass = runner->pass;
  int kept = 0;
  for (int i = 0; i < bound->outputs; i++) {
    const Output *output = &bound->output[i];
    bool due = true;
    for (int k = 0; k < pass->guardeds && !assigns && output->kind == OUTPUT_VALUE; k++)
      if (!strcmp(pass->guarded[k].name, output->name)) due = runner_active(runner, &pass->guarded[k].when);
    if (assigns && output->kind == OUTPUT_ASSIGN)
      due = output->node->op != OP_READ || output->node->attr.variable != output->variable;
    if (due) bound->output[kept++] = *output;
  }
  bound->outputs = kept;
}

/* The program for that many rows, the lengths of the runner and the guards of now, simplified. NULL after a Problem. */
static Graph *bind_pass(Runner *runner, Arena *arena, int64_t rows) {
  const Pass *pass = runner->pass;
  int bindings = runner_bind(runner, rows);
  Graph *bound = graph_bind(runner->graph, arena, runner->binding, bindings);
  const char *why;
  const Node *misfit = graph_misfit(bound, &why);
  if (misfit) {
    problem_rows_misfit(runner->session->problems, misfit->span, rows, runner->pads ? runner->length[0] : 0,
                        why);
    return NULL;
  }
  drop_undue(runner, bound, false);
  for (int i = 0; i < pass->guards; i++) graph_assume(bound, pass->guard[i].variable, runner->due >> i & 1);
  graph_simplify(bound);
  if (pass->guards) drop_undue(runner, bound, true);
  return bound;
}

static Plan *plan_for(Runner *runner, int64_t rows) {
  int oldest = 0;
  size_t lengths = sizeof(int64_t) * (size_t)runner->pads;
  for (int i = 0; i < runner->plans; i++) {
    const Prepared *made = &runner->prepared[i];
    if (made->rows == rows && made->due == runner->due && !memcmp(made->length, runner->length, lengths)) {
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
  *p = (Prepared){.rows = rows, .due = runner->due, .used = ++runner->clock, .arena = arena_new(0)};
  p->length = ARENA_ARRAY(p->arena, int64_t, runner->pads + 1);
  memcpy(p->length, runner->length, lengths);
  Graph *bound = bind_pass(runner, p->arena, rows);
  if (!bound) {
    arena_free(p->arena);
    *p = runner->prepared[--runner->plans];
    return NULL;
  }
  p->plan = plan_make(bound, &(PlanOptions){.fuse = !runner->session->options->no_fuse});
  backend->prepare(backend, p->plan);
  return p->plan;
}

void runner_longest(Runner *runner) { runner->longest = true; }

const int32_t *runner_lengths(const Runner *runner) {
  return runner->pads && runner->table[0] == 0 ? runner->pad[0]->length->values : NULL;
}

bool runner_prepare(Runner *runner, int64_t rows) {
  for (int i = 0; i < runner->pads; i++) runner->length[i] = runner->pad[i]->longest;
  return plan_for(runner, rows) != NULL;
}

void runner_rows(Runner *runner, int number, const int64_t *row) { runner->more_row[number] = row; }

static void gather(Runner *runner, const int64_t *row, int64_t rows) {
  lengths_take(runner, row, rows);
  const Pass *pass = runner->pass;
  for (int i = 0; i < runner->leaves; i++) {
    int table = 0;
    for (int k = 0; k < pass->mores; k++)
      if (pass->more[k].data == runner->leaf[i]->owner) table = k + 1;
    int64_t width = runner->width[i] < 0 ? runner->length[-1 - runner->width[i]] : runner->width[i];
    runner->leaf[i]->data = runner->memory[i];
    column_gather(runner->column[i], rows_of_table(runner, table, row), rows, width, runner->leaf[i]->data);
  }
}

bool runner_run(Runner *runner, const int64_t *row, int64_t rows, const RunArgs *args) {
  if (row) gather(runner, row, rows);
  runner->last = plan_for(runner, rows);
  if (runner->last) runner->session->backend->run(runner->session->backend, runner->last, args);
  return runner->last != NULL;
}

Graph *runner_program(Runner *runner, Arena *arena, const int64_t *row, int64_t rows) {
  if (row) gather(runner, row, rows);
  return bind_pass(runner, arena, rows);
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
  Graph *bound = bind_pass(runner, arena, rows);
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
  bool any = false;
  for (int i = 0; i < runner->pass->init_states->outputs; i++)
    any = any || runner->pass->init_states->output[i].variable->role == role;
  if (any) session_assign(runner->session, runner->pass->init_states, 0, (int)role, 0);
}

void runner_free(Runner *runner) {
  if (!runner) return;
  Backend *backend = runner->session->backend;
  if (runner->finale) backend->forget(backend, runner->finale);
  if (runner->conditions) backend->forget(backend, runner->conditions);
  for (int i = 0; i < runner->plans; i++) {
    backend->forget(backend, runner->prepared[i].plan);
    arena_free(runner->prepared[i].arena);
  }
  for (int i = 0; i < runner->leaves; i++) {
    if (runner->leaf[i]->data == runner->memory[i]) runner->leaf[i]->data = NULL;
    memory_free(runner->memory[i]);
  }
  for (int i = 0; i < runner->owns; i++) {
    memory_free(runner->owned[i]->data);
    runner->owned[i]->data = NULL;
  }
  arena_free(runner->arena);
  memory_free(runner);
}
