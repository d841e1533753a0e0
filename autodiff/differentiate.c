/* The reverse walk: from y back to each x, adding up what the rules give.
 *
 * Nodes stand behind their inputs, so one pass forward finds the nodes that depend on some x along derivatives,
 * and one pass backward from y visits each of them after all that use it. Only what lies between x and y is
 * built. A gradient node remembers the place and layer of the node it belongs to. */
#include "autodiff/differentiate.h"

#include "autodiff/control.h"
#include "autodiff/rules.h"
#include "graph/build.h"
#include "graph/control.h"

#include <assert.h>

typedef struct {
  int first, count; // ids first … first + count - 1: from the first x to the last y
  bool *depends;    // on an x, along derivatives
} Reach;

static bool reach_has(const Reach *reach, const Node *node) {
  return node->id >= reach->first && node->id < reach->first + reach->count &&
         reach->depends[node->id - reach->first];
}

static bool passes(const Node *node, int input) {
  if (node->attr.body[0]) return dtype_is_float(node->src[input]->type.dtype);
  if (node->op == OP_RESULT) return dtype_is_float(node->type.dtype);
  return rule_passes(node, input);
}

static Reach reach_find(const Graph *graph, int last, Node *const *x, int count) {
  Reach reach = {.first = last + 1};
  for (int i = 0; i < count; i++)
    if (x[i]->id < reach.first) reach.first = x[i]->id;
  reach.count = last + 1 - reach.first;
  reach.depends = memory_alloc((size_t)reach.count + 1, sizeof *reach.depends);
  for (int i = 0; i < count; i++)
    if (x[i]->id <= last && dtype_is_float(x[i]->type.dtype)) reach.depends[x[i]->id - reach.first] = true;
  for (int i = 0; i < reach.count; i++) {
    const Node *node = graph->node[reach.first + i];
    for (int k = 0; k < node->nsrc && !reach.depends[i]; k++)
      reach.depends[i] = reach_has(&reach, node->src[k]) && passes(node, k);
  }
  return reach;
}

bool differentiable(const Node *y, const Node *x) {
  Node *only = y->graph->node[x->id];
  Reach reach = reach_find(y->graph, y->id, &only, 1);
  bool yes = reach_has(&reach, y);
  memory_free(reach.depends);
  return yes;
}

static void add_part(const Reach *reach, Node **sum, const Node *to, Node *part) {
  Node **total = &sum[to->id - reach->first];
  *total = *total ? build_add(*total, part) : part;
}

/* A scan or branch: all its results have their gradients by now, and all inputs get theirs at once. */
static void pass_control(const Reach *reach, Node **sum, Node *control) {
  Graph *graph = control->graph;
  int results = body_results(control);
  Node **dy = memory_alloc((size_t)results + 1, sizeof *dy),
       **gradient = memory_alloc((size_t)control->nsrc + 1, sizeof *gradient);
  bool *wanted = memory_alloc((size_t)control->nsrc + 1, sizeof *wanted), any = false;
  for (int i = control->id + 1; i < reach->first + reach->count; i++) {
    const Node *result = graph->node[i];
    if (result->op != OP_RESULT || result->src[0] != control || !sum[i - reach->first]) continue;
    Node **total = &dy[result->attr.whole];
    *total = *total ? build_add(*total, sum[i - reach->first]) : sum[i - reach->first];
    any = true;
  }
  for (int k = 0; k < control->nsrc; k++) wanted[k] = reach_has(reach, control->src[k]) && passes(control, k);
  if (any) control_gradient(control, dy, wanted, gradient);
  for (int k = 0; k < control->nsrc; k++)
    if (gradient[k]) add_part(reach, sum, control->src[k], gradient[k]);
  memory_free(dy), memory_free(gradient), memory_free(wanted);
}

void differentiate_from(Node *const *y, Node *const *dy, int ys, Node *const *x, int count, Node **gradient) {
  Graph *graph = y[0]->graph;
  Span span = graph->span;
  const char *layer = graph->layer;
  int last = 0;
  for (int i = 0; i < ys; i++)
    if (y[i]->id > last) last = y[i]->id;
  Reach reach = reach_find(graph, last, x, count);
  Node **sum = memory_alloc((size_t)reach.count + 1, sizeof *sum); // gradient by each node, so far
  for (int i = 0; i < ys; i++)
    if (reach_has(&reach, y[i])) add_part(&reach, sum, y[i], dy[i]);
  for (int i = reach.count - 1; i >= 0; i--) {
    Node *node = graph->node[reach.first + i];
    graph->span = node->span, graph->layer = node->layer;
    if (node->attr.body[0] && reach.depends[i]) pass_control(&reach, sum, node);
    if (!sum[i] || node->op == OP_RESULT) continue;
    for (int k = 0; k < node->nsrc; k++)
      if (reach_has(&reach, node->src[k]) && passes(node, k))
        add_part(&reach, sum, node->src[k], rule_gradient(node, k, sum[i]));
  }
  for (int i = 0; i < count; i++) {
    int at = x[i]->id - reach.first;
    gradient[i] = at < reach.count ? sum[at] : NULL;
  }
  graph->span = span, graph->layer = layer;
  memory_free(sum), memory_free(reach.depends);
}

void differentiate(Node *y, Node *const *x, int count, Node **gradient) {
  assert(y->type.rank == 0 && dtype_is_float(y->type.dtype));
  Node *dy = build_like(y, 1);
  differentiate_from(&y, &dy, 1, x, count, gradient);
}
