/* Tensors that are known before the run but too large to be values: whole columns, and lets of the file.
 *
 * Each is a VARIABLE_CONSTANT that every graph reads; its numbers are computed once, before the first graph that reads
 * it runs: a column by whole.c, the tensors of a let come out of a graph of their own. */
#include "interpreter/elaborate/dataset.h"
#include "lang/problems.h"

#include <assert.h>
#include <string.h>

Constant *constant_add(Elaborator *e, const char *path, Type type, Span span) {
  e->constant =
      arena_grow(e->arena, e->constant, (size_t)e->constants, &e->constant_capacity, sizeof(Constant));
  type.running = false;
  Constant *constant = &e->constant[e->constants++];
  *constant = (Constant){.variable = variable_new(e, VARIABLE_CONSTANT, path, type, span)};
  return constant;
}

// ---- lets ---------------------------------------------------------------------------------------------------------

/* The value with each tensor replaced by a constant. */
static const Value *settle(Elaborator *e, Graph *graph, const Value *value, const char *path, const Ast *at) {
  if (value->kind == VALUE_TENSOR) {
    Node *node = value->u.tensor.node;
    if (node->op == OP_READ && node->attr.variable->role == VARIABLE_CONSTANT) return value;
    assert(type_is_known(&node->type) && "settle: nothing in a file has the size of a batch");
    Constant *constant = constant_add(e, path, node->type, at->span);
    constant->graph = graph;
    graph_assign(graph, constant->variable, build_cast(node, node->type.dtype));
    Value *settled = ARENA_NEW(e->arena, Value);
    *settled = *value;
    settled->u.tensor.node = build_read(graph_new(e->arena), constant->variable); // value_here moves it
    return settled;
  }
  if (value->kind != VALUE_RECORD && value->kind != VALUE_LIST) return value;
  const Value **item = ARENA_ARRAY(e->arena, const Value *, value->u.items.count + 1);
  for (int i = 0; i < value->u.items.count; i++)
    item[i] = settle(e, graph, value->u.items.item[i], arena_printf(e->arena, "%s.%d", path, i), at);
  Value *settled = ARENA_NEW(e->arena, Value);
  *settled = *value;
  settled->u.items.item = item;
  return settled;
}

/* Whether the value follows from the running numbers: a schedule, which is another number in each step. */
static bool runs(const Value *value) {
  if (value->kind == VALUE_UPDATE) return true; // its settings may
  if (value->kind == VALUE_RECORD || value->kind == VALUE_LIST) {
    for (int i = 0; i < value->u.items.count; i++)
      if (runs(value->u.items.item[i])) return true;
    return false;
  }
  if (value->kind != VALUE_TENSOR) return false;
  const Node *node = value->u.tensor.node;
  Arena *scratch = arena_new(0);
  bool *needed = ARENA_ARRAY(scratch, bool, node->id + 1), found = false;
  needed[node->id] = true;
  for (int i = node->id; i >= 0 && !found; i--) {
    if (!needed[i]) continue;
    const Node *one = node->graph->node[i];
    found = one->op == OP_READ && one->attr.variable->role == VARIABLE_RUNNING;
    for (int k = 0; k < one->nsrc; k++) needed[one->src[k]->id] = true;
  }
  arena_free(scratch);
  return found;
}

/* The value of one of the names that the let declares. */
static const Value *let_part(Elaborator *e, const Ast *pattern, Name name, const Value *value) {
  if (pattern->kind == AST_NAME || value->kind == VALUE_UNKNOWN) return value;
  int count = pattern->u.list.count;
  if ((value->kind != VALUE_RECORD && value->kind != VALUE_LIST) || value->u.items.count != count) {
    problem_pattern(e->problems, pattern->span, count, value_kind_text(value));
    return value_unknown();
  }
  int i = 0;
  while (pattern->u.list.item[i]->kind != AST_NAME || pattern->u.list.item[i]->u.name != name) i++;
  return value->u.items.item[i];
}

const Value *constant_let(Elaborator *e, Scope *home, Name name, const Ast *let, bool *anew) {
  const char *path = arena_printf(e->arena, "let.%s", name);
  bool generic = e->generic;
  e->generic = false;
  Saved saved = graph_begin(e, false, DTYPE_F32);
  for (const char *p = path; *p; p++) e->site = (e->site ^ (unsigned char)*p) * 1099511628211u;
  const Ast *pattern = let->u.binding.pattern;
  const Value *value = let_part(e, pattern, name, eval(e, home, let->u.binding.value));
  *anew = runs(value);
  if (!*anew) value = settle(e, e->graph, value, path, let->u.binding.value);
  graph_end(e, &saved);
  e->generic = generic;
  return *anew ? let_part(e, pattern, name, eval(e, home, let->u.binding.value)) : value;
}

const Value *value_here(Elaborator *e, const Value *value) {
  if (value->kind == VALUE_TENSOR && e->graph && value->u.tensor.node->graph != e->graph) {
    Value *here = ARENA_NEW(e->arena, Value);
    *here = *value;
    Node *node = node_here(e, value->u.tensor.node);
    here->u.tensor.node = node->graph == e->graph ? node : variable_value(e, node->attr.variable);
    return here;
  }
  if (value->kind != VALUE_RECORD && value->kind != VALUE_LIST) return value;
  bool changed = false;
  const Value **item = ARENA_ARRAY(e->arena, const Value *, value->u.items.count + 1);
  for (int i = 0; i < value->u.items.count; i++) {
    item[i] = value_here(e, value->u.items.item[i]);
    changed = changed || item[i] != value->u.items.item[i];
  }
  if (!changed) return value;
  Value *here = ARENA_NEW(e->arena, Value);
  *here = *value;
  here->u.items.item = item;
  return here;
}

// ---- numbers ------------------------------------------------------------------------------------------------------

static bool run_let(Elaborator *e, Graph *let) {
  if (!constants_ready(e, let)) return false;
  Arena *scratch = arena_new(0);
  Graph *graph = graph_bind(let, scratch, NULL, 0);
  graph_simplify(graph);
  for (int i = 0; i < graph->nodes; i++) {
    const Node *node = graph->node[i];
    if (node->op != OP_READ || node->attr.variable->data) continue;
    problem_let_early(e->problems, node->span, node->attr.variable->path);
    arena_free(scratch);
    return false;
  }
  for (int i = 0; i < graph->outputs; i++) {
    Variable *variable = graph->output[i].variable;
    variable->data = memory_alloc((size_t)type_count(&variable->type) + 16, dtype_size(variable->type.dtype));
  }
  Backend *backend =
      cpu_open(e->problems, e->options->threads > 0 ? e->options->threads : 1, e->options->level);
  if (backend) {
    Plan *plan = plan_make(graph, &(PlanOptions){.fuse = true});
    backend->prepare(backend, plan);
    backend->run(backend, plan,
                 &(RunArgs){.seed = e->options->seed, .step = (int64_t)e->line, .stop = e->stop});
    backend->forget(backend, plan);
    backend->close(backend);
  }
  bool stopped = e->stop && *e->stop;
  for (int i = 0; i < graph->outputs && stopped; i++) { // what is there is not the value
    memory_free(graph->output[i].variable->data);
    graph->output[i].variable->data = NULL;
  }
  arena_free(scratch);
  return backend && !stopped;
}

bool constants_ready(Elaborator *e, const Graph *graph) {
  for (int i = 0; i < graph->nodes; i++) {
    if (graph->node[i]->op != OP_READ) continue;
    Variable *variable = graph->node[i]->attr.variable;
    if (variable->role != VARIABLE_CONSTANT || variable->data) continue;
    for (int k = 0; k < e->constants; k++) {
      const Constant *constant = &e->constant[k];
      if (constant->variable != variable) continue;
      if (!(constant->graph ? run_let(e, constant->graph) : whole_compute(e, constant))) return false;
    }
  }
  return true;
}

void constants_free(Elaborator *e) {
  for (int i = 0; i < e->constants; i++) {
    memory_free(e->constant[i].variable->data);
    e->constant[i].variable->data = NULL;
  }
}
