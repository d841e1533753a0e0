/* A graph becomes a Plan: items, works, memory; then works in their order are the steps.
 *
 * New values of variables that could not be made in place are copied by steps at the end. */
#include "graph/fuse.h"

#include <assert.h>
#include <string.h>

/* Where `count` elements of an item from `offset` on lie. */
static Place place_of(const Fuse *fuse, int number, int64_t offset, const Type *type) {
  const Item *item = &fuse->item[number], *root = &fuse->item[item->home];
  Place place = {
      .kind = root->variable ? PLACE_VARIABLE : PLACE_ARENA, .variable = root->variable, .type = *type};
  if (item->home != number) offset += item->store.offset;
  place.type.dtype = item->dtype;
  place.offset = (root->variable ? 0 : root->offset) + offset * (int64_t)dtype_size(item->dtype);
  return place;
}

static void kernel_step(Fuse *fuse, const Work *work, Step *step) {
  const Item *item = &fuse->item[work->item[0]];
  step->kind = STEP_KERNEL;
  step->node = item->node;
  memcpy(step->transposed, item->transposed, sizeof step->transposed);
  for (int i = 0; i < 2; i++)
    if (step->node->attr.body[i])
      step->body[i] = plan_make(step->node->attr.body[i], &(PlanOptions){.fuse = fuse->fuse});
  for (int k = 0; k < work->places; k++) {
    Type type = k == 0 ? item->node->type : item->node->src[k - 1]->type;
    if (k == 0 && item->node->attr.body[0]) // all its results
      type = (Type){.dtype = item->dtype, .rank = 1, .size = {dim_of(item->count)}};
    if (k > 0 && k < 3 && item->transposed[k - 1]) {
      const Dim *last = type.size[type.rank - 1];
      type.size[type.rank - 1] = type.size[type.rank - 2];
      type.size[type.rank - 2] = last;
    }
    step->place[k] = place_of(fuse, work->place[k].item, work->place[k].offset, &type);
  }
}

static void loop_step(Fuse *fuse, const Work *work, Step *step) {
  step->kind = STEP_LOOP;
  step->loop = work->loop;
  step->node = work->loop->code[work->loop->count - 1].node;
  for (int k = 0; k < work->places; k++)
    step->place[k] = place_of(fuse, work->place[k].item, 0, &fuse->item[work->place[k].item].node->type);
}

static void copy_step(Fuse *fuse, const Output *output, const OutputUse *use, Step *step) {
  Arena *arena = fuse->graph->arena;
  *step = (Step){.kind = STEP_COPY, .node = output->node, .places = 2, .place = ARENA_ARRAY(arena, Place, 2)};
  step->place[0] =
      (Place){.kind = PLACE_VARIABLE, .variable = output->variable, .type = output->variable->type};
  step->place[1] = place_of(fuse, use->item, use->offset, &output->variable->type);
}

static void make_steps(Fuse *fuse, Plan *plan) {
  const Graph *graph = fuse->graph;
  plan->step = ARENA_ARRAY(graph->arena, Step, fuse->works + graph->outputs + 1);
  for (int i = 0; i < fuse->works; i++) {
    const Work *work = &fuse->work[i];
    Step *step = &plan->step[plan->steps++];
    step->places = work->places;
    step->place = ARENA_ARRAY(graph->arena, Place, work->places + 1);
    (work->loop ? loop_step : kernel_step)(fuse, work, step);
  }
  for (int i = 0; i < graph->outputs; i++)
    if (graph->output[i].kind == OUTPUT_ASSIGN && !fuse->output[i].direct)
      copy_step(fuse, &graph->output[i], &fuse->output[i], &plan->step[plan->steps++]);
}

static void make_outputs(Fuse *fuse, Plan *plan) {
  const Graph *graph = fuse->graph;
  plan->output = ARENA_ARRAY(graph->arena, PlanOutput, graph->outputs + 1);
  for (int i = 0; i < graph->outputs; i++) {
    const Output *output = &graph->output[i];
    if (output->kind != OUTPUT_VALUE) continue;
    Place place = place_of(fuse, fuse->output[i].item, fuse->output[i].offset, &output->node->type);
    plan->output[plan->outputs++] = (PlanOutput){.name = output->name, .place = place};
  }
}

Plan *plan_make(Graph *graph, const PlanOptions *options) {
  Arena *arena = arena_new(0);
  Fuse fuse = {.graph = graph, .arena = arena, .fuse = options->fuse};
  Plan *plan = ARENA_NEW(graph->arena, Plan);
  plan->graph = graph;
  fuse_items(&fuse);
  fuse_works(&fuse);
  plan->arena_bytes = plan_memory(&fuse);
  make_steps(&fuse, plan);
  make_outputs(&fuse, plan);
  arena_free(arena);
  return plan;
}

int plan_output(const Plan *plan, const char *name) {
  for (int i = 0; i < plan->outputs; i++)
    if (strcmp(plan->output[i].name, name) == 0) return i;
  return -1;
}
