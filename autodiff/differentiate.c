/* The reverse walk: from y back to each x, adding up what the rules give.
 *
 * Nodes stand behind their inputs, so one pass forward finds the nodes that depend on some x along derivatives,
 * and one pass backward from y visits each of them after all that use it. Only what lies between x and y is
 * built. A gradient node remembers the place and layer of the node it belongs to. */
#include "autodiff/differentiate.h"

#include "autodiff/rules.h"
#include "graph/build.h"

#include <assert.h>

typedef struct {
  int first, count; // ids first … first + count - 1: from the first x to y
  bool *depends;    // on an x, along derivatives
} Reach;

static bool reach_has(const Reach *reach, const Node *node) {
  return node->id >= reach->first && node->id < reach->first + reach->count &&
         reach->depends[node->id - reach->first];
}

static Reach reach_find(const Node *y, Node *const *x, int count) {
  Reach reach = {.first = y->id + 1};
  for (int i = 0; i < count; i++)
    if (x[i]->id < reach.first) reach.first = x[i]->id;
  reach.count = y->id + 1 - reach.first;
  reach.depends = memory_alloc((size_t)reach.count + 1, sizeof *reach.depends);
  for (int i = 0; i < count; i++)
    if (x[i]->id <= y->id && dtype_is_float(x[i]->type.dtype)) reach.depends[x[i]->id - reach.first] = true;
  for (int i = 0; i < reach.count; i++) {
    const Node *node = y->graph->node[reach.first + i];
    for (int k = 0; k < node->nsrc && !reach.depends[i]; k++)
      reach.depends[i] = reach_has(&reach, node->src[k]) && rule_passes(node, k);
  }
  return reach;
}

bool differentiable(const Node *y, const Node *x) {
  Node *only = y->graph->node[x->id];
  Reach reach = reach_find(y, &only, 1);
  bool yes = reach_has(&reach, y);
  memory_free(reach.depends);
  return yes;
}

void differentiate(Node *y, Node *const *x, int count, Node **gradient) {
  assert(y->type.rank == 0 && dtype_is_float(y->type.dtype));
  Graph *graph = y->graph;
  Span span = graph->span;
  const char *layer = graph->layer;
  Reach reach = reach_find(y, x, count);
  Node **sum = memory_alloc((size_t)reach.count + 1, sizeof *sum); // gradient of y by each node, so far
  if (reach_has(&reach, y)) sum[y->id - reach.first] = build_like(y, 1);
  for (int i = reach.count - 1; i >= 0; i--) {
    Node *node = graph->node[reach.first + i];
    if (!sum[i]) continue;
    graph->span = node->span, graph->layer = node->layer;
    for (int k = 0; k < node->nsrc; k++) {
      if (!reach_has(&reach, node->src[k]) || !rule_passes(node, k)) continue;
      Node *part = rule_gradient(node, k, sum[i]), **total = &sum[node->src[k]->id - reach.first];
      *total = *total ? build_add(*total, part) : part;
    }
  }
  for (int i = 0; i < count; i++) {
    int at = x[i]->id - reach.first;
    gradient[i] = at < reach.count ? sum[at] : NULL;
  }
  graph->span = span, graph->layer = layer;
  memory_free(sum), memory_free(reach.depends);
}
