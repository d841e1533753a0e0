/* Opening a program, and the memory behind its variables. */
#include "interpreter/session.h"

#include "graph/build.h"
#include "lang/problems.h"

#include <string.h>

volatile int interrupted, checkpoint_wanted;

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

Session *session_new(Arena *arena, Problems *problems, const Options *options, Report *report) {
  Session *session = ARENA_NEW(arena, Session);
  *session = (Session){.arena = arena, .problems = problems, .options = options, .report = report};
  session->program = elaborator_new(arena, problems, options);
  return session;
}

Session *session_open(Arena *arena, Problems *problems, const Options *options, Report *report,
                      const char *path, unsigned kinds, const char *const *names, int count) {
  double start = seconds_now();
  Session *session = session_new(arena, problems, options, report);
  Elaborator *e = session->program;
  if ((options->weights && strcmp(options->weights, "init") &&
       !session_load(session, options->weights, (Span){0}, NULL, true)) ||
      !elaborator_load(e, path)) {
    elaborator_close(e);
    return NULL;
  }
  session->task = ARENA_ARRAY(arena, Task *, e->declaration->count + 1);
  session->done = ARENA_ARRAY(arena, const char *, e->declaration->count + 1);
  int graphs = 0;
  for (int i = 0; i < e->declaration->count; i++) {
    const Ast *ast = e->declaration->item[i];
    bool test = ast->kind == AST_TEST && kinds & KIND_TESTS,
         task_wanted = ast->kind == AST_TASK && kinds >> ast->u.task.task & 1;
    if ((!test && !task_wanted) || !wanted(ast->u.task.name, names, count)) continue;
    Task *task = task_elaborate(e, ast);
    if (!task) continue;
    session->task[session->tasks++] = task;
    graphs += (task->train != NULL) + (task->valid != NULL) + (task->once != NULL);
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

bool session_assign(Session *session, const Graph *from, int first, int role, uint32_t part) {
  Arena *scratch = arena_new(0);
  Graph *graph = graph_bind(from, scratch, NULL, 0);
  int kept = 0;
  for (int i = first; i < graph->outputs; i++)
    if (role < 0 || (int)graph->output[i].variable->role == role) graph->output[kept++] = graph->output[i];
  graph->outputs = kept;
  if (kept) {
    graph_simplify(graph);
    if (!constants_ready(session->program, graph)) {
      arena_free(scratch);
      return false;
    }
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
  return true;
}

bool session_start(Session *session) {
  Elaborator *e = session->program;
  for (int i = 0; i < 4; i++) e->running[i]->data = &session->running[i];
  bool reference = session->options->device && !strcmp(session->options->device, "reference");
  if (!session->backend)
    session->backend = reference
                           ? reference_open()
                           : cpu_open(session->problems, session->options->threads, session->options->level);
  if (!session->backend) return false;
  if (!session_assign(session, e->init, (int)session->weights_made, -1, 0)) return false;
  session->weights_made = e->init->outputs;
  copies_start(session, NULL);
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
