/* Graphs: making one, adding nodes and outputs. What a node means is for build.h; here it is only kept. */
#include "graph/graph.h"

#include <assert.h>
#include <string.h>

Graph *graph_new(Arena *arena) {
  Graph *graph = ARENA_NEW(arena, Graph);
  graph->arena = arena;
  return graph;
}

Node *graph_add(Graph *graph, OpCode op, const Type *type, Node *const *src, int nsrc, const Attr *attr) {
  Node *node = ARENA_NEW(graph->arena, Node);
  node->op = op, node->id = graph->nodes, node->type = *type;
  node->nsrc = nsrc;
  node->src = nsrc ? ARENA_ARRAY(graph->arena, Node *, nsrc) : NULL;
  for (int i = 0; i < nsrc; i++) {
    assert(src[i]->graph == graph && "graph_add: an input of another graph");
    node->src[i] = src[i];
  }
  if (attr) memcpy(&node->attr, attr, sizeof *attr);
  node->span = graph->span, node->layer = graph->layer, node->place = graph->place, node->graph = graph;
  graph->node =
      arena_grow(graph->arena, graph->node, (size_t)graph->nodes, &graph->node_capacity, sizeof *graph->node);
  graph->node[graph->nodes++] = node;
  return node;
}

static void add_output(Graph *graph, Output output) {
  assert(output.node->graph == graph);
  graph->output = arena_grow(graph->arena, graph->output, (size_t)graph->outputs, &graph->output_capacity,
                             sizeof *graph->output);
  graph->output[graph->outputs++] = output;
}

void graph_output(Graph *graph, const char *name, Node *node) {
  add_output(graph, (Output){.kind = OUTPUT_VALUE, .name = name, .node = node});
}

void graph_assign(Graph *graph, Variable *variable, Node *node) {
  add_output(graph, (Output){.kind = OUTPUT_ASSIGN, .variable = variable, .node = node});
}
