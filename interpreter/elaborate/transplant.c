/* Copies the cone of a node: marks what it needs from the back, then copies in order. */
#include "interpreter/elaborate/transplant.h"

#include "graph/control.h"

Node *graph_transplant(Graph *into, const Node *node) {
  const Graph *from = node->graph;
  int count = node->id + 1;
  Arena *scratch = arena_new(0);
  bool *needed = ARENA_ARRAY(scratch, bool, count);
  Node **copy = ARENA_ARRAY(scratch, Node *, count);
  needed[node->id] = true;
  int first = node->id;
  for (int i = node->id; i >= first; i--) {
    if (!needed[i]) continue;
    for (int k = 0; k < from->node[i]->nsrc; k++) {
      int id = from->node[i]->src[k]->id;
      needed[id] = true;
      if (id < first) first = id;
    }
  }
  Span span = into->span;
  const char *layer = into->layer;
  for (int i = first; i < count; i++) {
    if (!needed[i]) continue;
    const Node *old = from->node[i];
    Node **src = ARENA_ARRAY(into->arena, Node *, old->nsrc + 1);
    for (int k = 0; k < old->nsrc; k++) src[k] = copy[old->src[k]->id];
    into->span = old->span;
    into->layer = old->layer;
    copy[i] = graph_copy(into, old, src);
  }
  into->span = span;
  into->layer = layer;
  Node *result = copy[node->id];
  arena_free(scratch);
  return result;
}
