/* A program for one binding of its symbolic dims: the nodes that outputs need, copied, with numbers put in.
 *
 * Few dims are distinct, so what each becomes is remembered in a small table by pointer. */
#include "graph/control.h"
#include "graph/shape.h"

#include <string.h>

#define MEMO 256 // a power of two; a clash is computed again

typedef struct {
  const DimBinding *bindings;
  int count;
  struct {
    const Dim *from, *to;
  } memo[MEMO];
} Binder;

static const Dim *binder_dim(Binder *binder, const Dim *dim) {
  if (!dim) return NULL;
  size_t at = ((uintptr_t)dim >> 5) & (MEMO - 1);
  if (binder->memo[at].from != dim) {
    binder->memo[at].from = dim;
    binder->memo[at].to = dim_substitute(dim, binder->bindings, binder->count);
  }
  return binder->memo[at].to;
}

static Graph *bind_graph(Binder *binder, const Graph *graph, Arena *arena);

static Type binder_type(Binder *binder, Type type) {
  type.bound = binder_dim(binder, type.bound);
  for (int i = 0; i < type.rank; i++) type.size[i] = binder_dim(binder, type.size[i]);
  return type;
}

static Node *bind_node(Binder *binder, Graph *bound, const Node *node, Node *const *copy, Node **src) {
  Type type = binder_type(binder, node->type);
  Attr attr;
  memcpy(&attr, &node->attr, sizeof attr);
  for (int i = 0; i < 2; i++) {
    attr.dim[i] = binder_dim(binder, attr.dim[i]);
    if (attr.body[i]) attr.body[i] = bind_graph(binder, attr.body[i], bound->arena);
  }
  if (node->op == OP_READ && attr.variable->role == VARIABLE_ARGUMENT)
    attr.variable = bound->argument[attr.variable->number];
  for (int i = 0; i < node->nsrc; i++) src[i] = copy[node->src[i]->id];
  bound->span = node->span, bound->layer = node->layer, bound->place = node->place;
  return graph_add(bound, node->op, &type, src, node->nsrc, &attr);
}

/* A body's variables are its own: they are made anew, with the types of this binding. */
static Variable *bind_variable(Binder *binder, const Variable *variable, Arena *arena) {
  Variable *bound = ARENA_NEW(arena, Variable);
  *bound = *variable;
  bound->type = binder_type(binder, variable->type);
  return bound;
}

static Graph *bind_graph(Binder *binder, const Graph *graph, Arena *arena) {
  Graph *bound = graph_new(arena);
  bound->argument = ARENA_ARRAY(arena, Variable *, graph->arguments + 1);
  bound->argument_capacity = (size_t)graph->arguments + 1;
  for (; bound->arguments < graph->arguments; bound->arguments++)
    bound->argument[bound->arguments] = bind_variable(binder, graph->argument[bound->arguments], arena);
  Node **copy = memory_alloc((size_t)graph->nodes + 1, sizeof *copy);
  bool *needed = memory_alloc((size_t)graph->nodes + 1, sizeof *needed);
  int widest = 1;
  for (int i = 0; i < graph->outputs; i++) needed[graph->output[i].node->id] = true;
  for (int i = graph->nodes - 1; i >= 0; i--) {
    const Node *node = graph->node[i];
    if (!needed[i]) continue;
    if (node->nsrc > widest) widest = node->nsrc;
    for (int k = 0; k < node->nsrc; k++) needed[node->src[k]->id] = true;
  }
  Node **src = memory_alloc((size_t)widest, sizeof *src);
  for (int i = 0; i < graph->nodes; i++)
    if (needed[i]) copy[i] = bind_node(binder, bound, graph->node[i], copy, src);
  for (int i = 0; i < graph->outputs; i++) {
    const Output *output = &graph->output[i];
    Variable *variable = output->variable;
    if (output->kind == OUTPUT_ASSIGN && variable->role == VARIABLE_ARGUMENT)
      variable = bound->argument[variable->number];
    else if (output->kind == OUTPUT_ASSIGN && variable->role == VARIABLE_RESULT)
      variable = bind_variable(binder, variable, arena);
    if (output->kind == OUTPUT_VALUE)
      graph_output(bound, output->name, copy[output->node->id]);
    else
      graph_assign(bound, variable, copy[output->node->id]);
  }
  bound->span = graph->span, bound->layer = graph->layer, bound->place = graph->place;
  memory_free(src), memory_free(needed), memory_free(copy);
  return bound;
}

Graph *graph_bind(const Graph *graph, Arena *arena, const DimBinding *bindings, int count) {
  Binder binder = {.bindings = bindings, .count = count};
  return bind_graph(&binder, graph, arena);
}

void graph_assume(Graph *graph, const Variable *variable, bool truth) {
  for (int i = 0; i < graph->nodes; i++) {
    Node *node = graph->node[i];
    if (node->op != OP_READ || node->attr.variable != variable) continue;
    node->op = OP_CONSTANT;
    node->attr.variable = NULL;
    node->attr.whole = truth;
  }
}

const Node *graph_misfit(const Graph *bound, const char **why) {
  for (int i = 0; i < bound->nodes; i++) {
    const Node *node = bound->node[i];
    *why = "a dim would be below 0";
    for (int k = 0; k < node->type.rank; k++)
      if (dim_number(node->type.size[k]) < 0) return node;
    *why = shape_check(node);
    if (*why) return node;
    for (int k = 0; k < 2; k++) {
      const Node *inner = node->attr.body[k] ? graph_misfit(node->attr.body[k], why) : NULL;
      if (inner) return inner;
    }
  }
  return NULL;
}
