/* Scans and branches: bodies run as plans, their variables pointed at slices of what lies in the plan around them.
 *
 * All results lie in one piece of memory. A carry is a variable there, assigned in place; a yield is written where its
 * step's slice stands. Bodies have their arenas behind that of the plan around them; two of one plan share the space,
 * as they never run at the same time. */
#include "backends/cpu/cpu.h"

#include "base/random.h"
#include "graph/control.h"

#include <string.h>

typedef struct {
  const CpuPlan *body[2];
  int64_t *offset; // of results
  int64_t *bytes;  // of an argument, or of the slice that a step reads of it
  int64_t *result; // bytes of a result's slice of one step
} Control;

static int64_t bytes_of(const Type *type) { return type_count(type) * (int64_t)dtype_size(type->dtype); }

void *cpu_prepare_control(Cpu *cpu, Arena *arena, const Step *step) {
  const Node *node = step->node;
  const Graph *body = node->attr.body[0];
  Control *control = ARENA_NEW(arena, Control);
  size_t base = cpu->base;
  for (int i = 0; i < 2 && step->body[i]; i++)
    control->body[i] = cpu_plan_prepare(cpu, arena, step->body[i], base);
  control->offset = ARENA_ARRAY(arena, int64_t, body->outputs + 1);
  control->result = ARENA_ARRAY(arena, int64_t, body->outputs + 1);
  control->bytes = ARENA_ARRAY(arena, int64_t, body->arguments + 1);
  control_layout(node, control->offset);
  for (int i = 0; i < body->outputs; i++) control->result[i] = bytes_of(&body->output[i].node->type);
  for (int i = 0; i < body->arguments; i++) control->bytes[i] = bytes_of(&body->argument[i]->type);
  return control;
}

void cpu_run_branch(const CpuCall *call) {
  const Control *control = call->prepared;
  int chosen = *(const uint8_t *)call->at[1] ? 0 : 1;
  Graph *body = call->step->node->attr.body[chosen];
  for (int k = 0; k < body->arguments; k++) body->argument[k]->data = call->at[2 + k];
  for (int i = 0; i < body->outputs; i++) body->output[i].variable->data = call->at[0] + control->offset[i];
  cpu_plan_run(call->cpu, control->body[chosen], call->args);
}

void cpu_run_scan(const CpuCall *call) {
  const Control *control = call->prepared;
  const Node *node = call->step->node;
  Graph *body = node->attr.body[0];
  int carries = scan_carries(node), stepped = scan_stepped(node);
  int64_t steps = dim_number(node->attr.dim[0]), first = 0;
  for (int k = 0; k < carries; k++) {
    body->argument[k]->data = call->at[0] + control->offset[k];
    memcpy(body->argument[k]->data, call->at[1 + k], (size_t)control->bytes[k]);
  }
  for (int k = carries + stepped; k < body->arguments; k++) body->argument[k]->data = call->at[1 + k];
  const uint8_t *more = scan_until(node) ? (const uint8_t *)body->argument[0]->data : NULL;
  for (; first < steps && !(more && !*more) && !(call->args->stop && *call->args->stop); first++) {
    int64_t step = scan_reverse(node) ? steps - 1 - first : first;
    for (int k = carries; k < carries + stepped; k++)
      body->argument[k]->data = call->at[1 + k] + step * control->bytes[k];
    for (int i = carries; i < body->outputs; i++)
      body->output[i].variable->data = call->at[0] + control->offset[i] + step * control->result[i];
    RunArgs args = *call->args;
    args.index = random_index(args.index, step);
    cpu_plan_run(call->cpu, control->body[0], &args);
  }
  int64_t left = steps - first, from = scan_reverse(node) ? 0 : first;
  for (int i = carries; i < body->outputs && left > 0; i++)
    memset(call->at[0] + control->offset[i] + from * control->result[i], 0,
           (size_t)(left * control->result[i]));
}
