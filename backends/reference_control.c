/* Bodies, step by step: a scan runs its body as often as it says, a branch runs one of its two. */
#include "backends/reference.h"

#include "base/random.h"
#include "graph/control.h"

#include <string.h>

static int64_t count_of(const Type *type) { return type_count(type); }

void reference_result(const Evaluation *e) {
  const Node *control = e->node->src[0];
  int64_t from = 0;
  for (int i = 0; i < e->node->attr.whole; i++) {
    Type type = result_type(control, i);
    from += count_of(&type);
  }
  memcpy(e->y, e->src[0] + from, sizeof(Number) * (size_t)count_of(&e->node->type));
}

void reference_branch(const Evaluation *e) {
  const Graph *body = e->node->attr.body[e->src[0][0].whole ? 0 : 1];
  Number **output = memory_alloc((size_t)body->outputs + 1, sizeof *output), *to = e->y;
  reference_graph(body, e->args, e->src + 1, output);
  for (int i = 0; i < body->outputs; i++) {
    int64_t count = count_of(&body->output[i].node->type);
    memcpy(to, output[i], sizeof(Number) * (size_t)count);
    to += count;
    memory_free(output[i]);
  }
  memory_free(output);
}

/* Runs one step; `argument` and the values of the carries in y change with it. */
static void scan_step(const Evaluation *e, int64_t step, const Number **argument, Number **output) {
  const Node *node = e->node;
  const Graph *body = node->attr.body[0];
  int carries = scan_carries(node);
  for (int k = carries; k < carries + scan_stepped(node); k++)
    argument[k] = e->src[k] + step * count_of(&body->argument[k]->type);
  RunArgs args = *e->args;
  args.index = random_index(args.index, step);
  reference_graph(body, &args, argument, output);
  Number *to = e->y;
  for (int i = 0; i < body->outputs; i++) {
    int64_t count = count_of(&body->output[i].node->type);
    bool carry = i < carries;
    memcpy(carry ? to : to + step * count, output[i], sizeof(Number) * (size_t)count);
    to += carry ? count : count * dim_number(node->attr.dim[0]);
    memory_free(output[i]);
  }
}

void reference_scan(const Evaluation *e) {
  const Node *node = e->node;
  const Graph *body = node->attr.body[0];
  int carries = scan_carries(node);
  const Number **argument = memory_alloc((size_t)body->arguments + 1, sizeof *argument);
  Number **output = memory_alloc((size_t)body->outputs + 1, sizeof *output), *to = e->y;
  for (int k = 0; k < body->arguments; k++) argument[k] = e->src[k];
  for (int k = 0; k < carries; k++) {
    int64_t count = count_of(&body->argument[k]->type);
    memcpy(to, e->src[k], sizeof(Number) * (size_t)count);
    argument[k] = to;
    to += count;
  }
  int64_t steps = dim_number(node->attr.dim[0]);
  for (int64_t i = 0; i < steps && !(scan_until(node) && !e->y[0].whole); i++)
    scan_step(e, scan_reverse(node) ? steps - 1 - i : i, argument, output);
  memory_free((void *)argument), memory_free(output);
}
