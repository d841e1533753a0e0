/* Every invariant of a graph, for tests and debug builds: a broken one is ours, so it ends the process with the
 * node's line. */
#include "graph/graph.h"

#include "graph/shape.h"

#include <stdio.h>
#include <stdlib.h>

static _Noreturn void fail(const Graph *graph, const char *what, int id) {
  Text text = {0};
  graph_print(graph, &text);
  fprintf(stderr, "%sgraph_verify: node %%%d: %s\n", text_string(&text), id, what);
  abort();
}

static void verify_node(const Graph *graph, int id) {
  const Node *node = graph->node[id];
  const OpRow *row = &op_table[node->op];
  if (node->id != id) fail(graph, "its id is not its position", id);
  if (node->graph != graph) fail(graph, "it is of another graph", id);
  if (row->arity >= 0 && node->nsrc != row->arity) fail(graph, "a wrong number of inputs", id);
  for (int i = 0; i < node->nsrc; i++) {
    const Node *src = node->src[i];
    if (src->id < 0 || src->id >= id || graph->node[src->id] != src)
      fail(graph, "an input does not stand before it", id);
  }
  if (node->type.rank < 0 || node->type.rank > MAX_RANK) fail(graph, "its rank", id);
  for (int i = 0; i < node->type.rank; i++) {
    const Dim *size = node->type.size[i];
    int64_t number = 0;
    if (!size || dim_is_huge(size) || (dim_is_number(size, &number) && number < 0)) fail(graph, "a size", id);
  }
  for (int i = 0; i < 2; i++)
    if (node->attr.body[i]) graph_verify(node->attr.body[i]);
  const char *wrong = shape_check(node);
  if (wrong) fail(graph, wrong, id);
}

static void verify_output(const Graph *graph, const Output *output) {
  const Node *node = output->node;
  if (node->id < 0 || node->id >= graph->nodes || graph->node[node->id] != node)
    fail(graph, "an output that is not in the graph", node->id);
  if (output->kind == OUTPUT_VALUE) return;
  const Type *type = &output->variable->type;
  if (type->dtype != node->type.dtype || type->rank != node->type.rank)
    fail(graph, "it is assigned to a variable of another type", node->id);
  for (int i = 0; i < type->rank; i++)
    if (dim_is_number(type->size[i], NULL) && type->size[i] != node->type.size[i])
      fail(graph, "it is assigned to a variable of another shape", node->id);
}

void graph_verify(const Graph *graph) {
  for (int i = 0; i < graph->nodes; i++) verify_node(graph, i);
  for (int i = 0; i < graph->outputs; i++) verify_output(graph, &graph->output[i]);
}
