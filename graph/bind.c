/* A program for one binding of its symbolic dims: the nodes that outputs need, copied, with numbers put in.
 *
 * Few dims are distinct, so what each becomes is remembered in a small table by pointer. */
#include "graph/graph.h"
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

static Node *bind_node(Binder *binder, Graph *bound, const Node *node, Node *const *copy, Node **src) {
  Type type = node->type;
  type.bound = binder_dim(binder, type.bound);
  for (int i = 0; i < type.rank; i++) type.size[i] = binder_dim(binder, type.size[i]);
  Attr attr;
  memcpy(&attr, &node->attr, sizeof attr);
  for (int i = 0; i < 2; i++) attr.dim[i] = binder_dim(binder, attr.dim[i]);
  for (int i = 0; i < node->nsrc; i++) src[i] = copy[node->src[i]->id];
  bound->span = node->span, bound->layer = node->layer;
  return graph_add(bound, node->op, &type, src, node->nsrc, &attr);
}

Graph *graph_bind(const Graph *graph, Arena *arena, const DimBinding *bindings, int count) {
  Graph *bound = graph_new(arena);
  Binder binder = {.bindings = bindings, .count = count};
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
    if (needed[i]) copy[i] = bind_node(&binder, bound, graph->node[i], copy, src);
  for (int i = 0; i < graph->outputs; i++) {
    const Output *output = &graph->output[i];
    if (output->kind == OUTPUT_VALUE)
      graph_output(bound, output->name, copy[output->node->id]);
    else
      graph_assign(bound, output->variable, copy[output->node->id]);
  }
  bound->span = graph->span, bound->layer = graph->layer;
  memory_free(src), memory_free(needed), memory_free(copy);
  return bound;
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
  }
  return NULL;
}
