/* What a pass costs: its plan for so many rows, and how many operations on numbers that is. */
#include "interpreter/work.h"

Plan *plan_of(Session *session, Pass *pass, int64_t rows) {
  int bindings;
  DimBinding *binding = pass_bindings(session->arena, pass, rows, &bindings);
  graph_simplify(pass->graph);
  Graph *bound = graph_bind(pass->graph, session->arena, binding, bindings);
  graph_simplify(bound);
  return plan_make(bound, &(PlanOptions){.fuse = !session->options->no_fuse});
}

double node_flops(const Node *node) {
  if (!type_is_known(&node->type)) return 0;
  double out = (double)type_count(&node->type);
  for (int i = 0; i < node->nsrc; i++)
    if (!type_is_known(&node->src[i]->type)) return 0;
  switch (node->op) {
  case OP_MATMUL:
    return 2 * out *
           (double)type_size(&node->src[0]->type, node->src[0]->type.rank - (node->attr.flag[0] ? 2 : 1));
  case OP_CONV2D:
    return 2 * out * (double)type_count(&node->src[1]->type) / (double)type_size(&node->src[1]->type, 3);
  case OP_CONV2D_GRAD_INPUT:
    return 2 * (double)type_count(&node->src[0]->type) * (double)type_count(&node->src[1]->type) /
           (double)type_size(&node->src[1]->type, 3);
  case OP_CONV2D_GRAD_KERNEL:
    return 2 * (double)type_count(&node->src[1]->type) * out / (double)type_size(&node->type, 3);
  default: return 0;
  }
}

double plan_flops(const Plan *plan) {
  double sum = 0;
  for (int i = 0; i < plan->steps; i++) {
    const Step *step = &plan->step[i];
    if (step->kind == STEP_KERNEL) sum += node_flops(step->node);
    if (step->kind != STEP_LOOP) continue;
    double rows = 1;
    for (int d = 0; d < step->loop->rank; d++) rows *= (double)step->loop->extent[d];
    sum += rows * (double)step->loop->row * step->loop->count;
  }
  return sum;
}
