/* Plans as text: the steps alone, or with where everything lies.
 *
 * Values are named as in the graph's text: %12 is node 12, variables by their path. */
#include "graph/plan.h"

#include <inttypes.h>

static void print_place(const Place *place, Text *out) {
  if (place->kind == PLACE_VARIABLE) {
    text_add(out, place->variable->path);
    if (place->offset != 0) text_printf(out, " + %" PRId64, place->offset);
  } else {
    text_printf(out, "@%" PRId64, place->offset);
  }
}

static void print_type(const Place *place, Text *out) {
  text_printf(out, " %s", dtype_name(place->type.dtype));
  type_print_shape(&place->type, out);
}

/* The node whose numbers a kernel's input are, and how it is called. */
static void print_input(const Step *step, int k, Text *out) {
  const Place *place = &step->place[k + 1];
  if (place->kind == PLACE_VARIABLE)
    text_add(out, place->variable->path);
  else
    text_printf(out, "%%%d", step->node->src[k]->id);
  if (k < 2 && step->transposed[k]) text_add(out, "'");
}

static void print_kernel(const Step *step, Text *out) {
  text_printf(out, "kernel %%%d = %s ", step->node->id, op_table[step->node->op].name);
  for (int k = 0; k < step->node->nsrc; k++) {
    if (k > 0) text_add(out, ", ");
    print_input(step, k, out);
  }
  const bool *flag = step->node->attr.flag;
  if (flag[0] || flag[1]) text_printf(out, " transposed [%d, %d]", flag[0], flag[1]);
  text_printf(out, " : %s", dtype_name(step->node->type.dtype));
  type_print_shape(&step->node->type, out);
  text_add(out, "\n");
  for (int i = 0; i < 2 && step->body[i]; i++) {
    if (step->node->op == OP_BRANCH) text_add(out, i ? "  else\n" : "  then\n");
    Text inner = {0};
    plan_print_steps(step->body[i], &inner);
    text_indent(out, text_string(&inner));
    text_free(&inner);
  }
}

static void print_step(const Step *step, Text *out) {
  if (step->kind == STEP_KERNEL)
    print_kernel(step, out);
  else if (step->kind == STEP_COPY)
    text_printf(out, "copy %s, %%%d\n", step->place[0].variable->path, step->node->id);
  else
    loop_print_step(step, out);
}

void plan_print_steps(const Plan *plan, Text *out) {
  for (int i = 0; i < plan->steps; i++) {
    if (i > 0) text_add(out, "\n");
    print_step(&plan->step[i], out);
  }
}

void plan_print(const Plan *plan, Text *out) {
  text_printf(out, "arena %" PRId64 " bytes, %d steps\n", plan->arena_bytes, plan->steps);
  for (int i = 0; i < plan->steps; i++) {
    const Step *step = &plan->step[i];
    text_printf(out, "\nstep %d: ", i);
    print_step(step, out);
    for (int k = 0; k < step->places; k++) {
      text_printf(out, "  p%d at ", k);
      print_place(&step->place[k], out);
      print_type(&step->place[k], out);
      text_add(out, "\n");
    }
  }
  if (plan->outputs > 0) text_add(out, "\n");
  for (int i = 0; i < plan->outputs; i++) {
    text_printf(out, "output %s at ", plan->output[i].name);
    print_place(&plan->output[i].place, out);
    print_type(&plan->output[i].place, out);
    text_add(out, "\n");
  }
}
