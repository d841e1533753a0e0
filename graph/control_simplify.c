/* Bodies made smaller: results that nobody takes, carries that only feed themselves, and inputs that nothing reads.
 *
 * From the last node to the first, since what one scan does not take another need not give. */
#include "graph/control.h"

#include <string.h>

/* Marks what the marked outputs need; a carry that is read becomes needed itself. */
static void spread_needs(const Graph *body, int carries, bool *needed) {
  bool *node = memory_alloc((size_t)body->nodes + 1, sizeof *node);
  for (bool more = true; more;) {
    more = false;
    memset(node, 0, sizeof *node * (size_t)body->nodes);
    for (int i = 0; i < body->outputs; i++)
      if (needed[i]) node[body->output[i].node->id] = true;
    for (int i = body->nodes - 1; i >= 0; i--) {
      const Node *one = body->node[i];
      if (!node[i]) continue;
      for (int k = 0; k < one->nsrc; k++) node[one->src[k]->id] = true;
      if (one->op != OP_READ || one->attr.variable->role != VARIABLE_ARGUMENT) continue;
      int number = one->attr.variable->number;
      if (number >= carries || needed[number]) continue;
      needed[number] = more = true;
    }
  }
  memory_free(node);
}

/* Outputs that are not needed go; numbers[i] is the new number of the others. */
static void keep_outputs(Graph *body, const bool *needed, int *numbers) {
  int kept = 0;
  for (int i = 0; i < body->outputs; i++) {
    numbers[i] = kept;
    if (needed[i]) body->output[kept++] = body->output[i];
  }
  body->outputs = kept;
}

static bool *find_read(const Graph *body) {
  bool *read = memory_alloc((size_t)body->arguments + 1, sizeof *read);
  for (int i = 0; i < body->nodes; i++) {
    const Node *node = body->node[i];
    if (node->op == OP_READ && node->attr.variable->role == VARIABLE_ARGUMENT)
      read[node->attr.variable->number] = true;
  }
  return read;
}

/* Arguments that are not kept go, from the body and the node; `first` is the node's input that argument 0 reads. */
static void keep_arguments(Node *node, int first, const bool *kept) {
  int count = 0, all = node->attr.body[0]->arguments;
  for (int b = 0; b < 2 && node->attr.body[b]; b++) {
    Graph *body = node->attr.body[b];
    count = 0;
    for (int i = 0; i < all; i++) {
      if (!kept[i]) continue;
      body->argument[count] = body->argument[i];
      body->argument[count]->number = count;
      count++;
    }
    body->arguments = count;
  }
  count = first;
  for (int i = 0; i < all; i++)
    if (kept[i]) node->src[count++] = node->src[first + i];
  node->nsrc = count;
}

static void trim_scan(Node *node, bool *taken, int *numbers) {
  Graph *body = node->attr.body[0];
  int carries = scan_carries(node), stepped = scan_stepped(node), kept = 0, slices = 0;
  if (scan_until(node)) taken[0] = true;
  spread_needs(body, carries, taken);
  for (int i = 0; i < carries; i++) kept += taken[i];
  keep_outputs(body, taken, numbers);
  node->attr.whole = kept;
  graph_simplify(body);
  bool *read = find_read(body);
  for (int i = 0; i < carries; i++) read[i] = taken[i];
  for (int i = carries; i < carries + stepped; i++) slices += read[i];
  keep_arguments(node, 0, read);
  node->attr.axes = slices;
  memory_free(read);
}

static void trim_branch(Node *node, const bool *taken, int *numbers) {
  bool *read = memory_alloc((size_t)node->nsrc + 1, sizeof *read);
  for (int b = 0; b < 2; b++) {
    Graph *body = node->attr.body[b];
    keep_outputs(body, taken, numbers);
    graph_simplify(body);
    bool *here = find_read(body);
    for (int i = 0; i < body->arguments; i++) read[i] = read[i] || here[i];
    memory_free(here);
  }
  keep_arguments(node, 1, read);
  memory_free(read);
}

void bodies_simplify(Graph *graph) {
  bool any = false;
  for (int i = 0; i < graph->nodes && !any; i++) any = graph->node[i]->attr.body[0] != NULL;
  if (!any) return;
  bool **taken = memory_alloc((size_t)graph->nodes + 1, sizeof *taken); // results, by node
  bool *live = memory_alloc((size_t)graph->nodes + 1, sizeof *live);
  int **numbers = memory_alloc((size_t)graph->nodes + 1, sizeof *numbers);
  for (int i = 0; i < graph->outputs; i++) live[graph->output[i].node->id] = true;
  for (int i = graph->nodes - 1; i >= 0; i--) {
    Node *node = graph->node[i];
    if (!live[i]) continue;
    if (node->op == OP_RESULT) {
      int control = node->src[0]->id;
      if (!taken[control])
        taken[control] = memory_alloc((size_t)body_results(node->src[0]) + 1, sizeof(bool));
      taken[control][node->attr.whole] = true;
    }
    if (node->attr.body[0]) {
      numbers[i] = memory_alloc((size_t)body_results(node) + 1, sizeof(int));
      if (node->op == OP_SCAN)
        trim_scan(node, taken[i], numbers[i]);
      else
        trim_branch(node, taken[i], numbers[i]);
    }
    for (int k = 0; k < node->nsrc; k++) live[node->src[k]->id] = true;
  }
  for (int i = 0; i < graph->nodes; i++)
    if (live[i] && graph->node[i]->op == OP_RESULT && numbers[graph->node[i]->src[0]->id])
      graph->node[i]->attr.whole = numbers[graph->node[i]->src[0]->id][graph->node[i]->attr.whole];
  for (int i = 0; i < graph->nodes; i++) memory_free(taken[i]), memory_free(numbers[i]);
  memory_free((void *)taken), memory_free((void *)numbers), memory_free(live);
  graph_prune(graph);
}
