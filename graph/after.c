/* Values as they are after a step, from variables alone.
 *
 * A metric's value follows from states that the step updates. Computed in every step it would cost more than the
 * step itself; as a program of its own it runs once, when the last step is done. */
#include "graph/build.h"
#include "graph/control.h"

#include <string.h>

/* The variable that gets `node` when the step ends; NULL if none does. */
static Variable *assigned_to(const Graph *graph, const Node *node) {
  for (int i = 0; i < graph->outputs; i++)
    if (graph->output[i].kind == OUTPUT_ASSIGN && graph->output[i].node == node)
      return graph->output[i].variable;
  return NULL;
}

/* Whether the node can be computed again when the step is over. */
static bool lasts(const Node *node) {
  if (node->op == OP_RANDOM || node->op == OP_EXTENT || !type_is_known(&node->type)) return false;
  if (node->op != OP_READ) return true;
  VariableRole role = node->attr.variable->role;
  return role == VARIABLE_CONSTANT || role == VARIABLE_RUNNING;
}

Node *graph_after(Graph *into, const Graph *from, const Node *node) {
  Arena *scratch = arena_new(0);
  bool *needed = ARENA_ARRAY(scratch, bool, node->id + 1);
  Node **copy = ARENA_ARRAY(scratch, Node *, node->id + 1), *result = NULL;
  bool possible = true;
  needed[node->id] = true;
  for (int i = node->id; i >= 0 && possible; i--) {
    if (!needed[i] || assigned_to(from, from->node[i])) continue;
    possible = lasts(from->node[i]);
    for (int k = 0; k < from->node[i]->nsrc; k++) needed[from->node[i]->src[k]->id] = true;
  }
  for (int i = 0; i <= node->id && possible; i++) {
    if (!needed[i]) continue;
    const Node *old = from->node[i];
    Variable *variable = assigned_to(from, old);
    into->span = old->span;
    if (variable) {
      copy[i] = build_read(into, variable);
      continue;
    }
    Node **src = ARENA_ARRAY(into->arena, Node *, old->nsrc + 1);
    bool whole = true; // inputs of nodes that assigned ones hide are not copied
    for (int k = 0; k < old->nsrc; k++) {
      src[k] = copy[old->src[k]->id];
      whole = whole && src[k];
    }
    if (whole) copy[i] = graph_copy(into, old, src);
  }
  if (possible) result = copy[node->id];
  arena_free(scratch);
  return result;
}
