/* What a step of training changes: which variables, and copies of them to go back to. */
#include "interpreter/training_state.h"

#include <string.h>

/* Variables that a step changes and that are no weights of a model: those with first values of their own, and what else
 * its graph assigns. */
Variable **training_variables(const Training *t, Arena *arena, int *count) {
  const Graph *const graphs[] = {t->task->train->init_states, t->task->train->graph};
  const Elaborator *e = t->session->program;
  Variable **list = ARENA_ARRAY(arena, Variable *, graphs[0]->outputs + graphs[1]->outputs + 1);
  *count = 0;
  for (int g = 0; g < 2; g++)
    for (int i = 0; i < graphs[g]->outputs; i++) {
      Variable *variable = graphs[g]->output[i].kind == OUTPUT_ASSIGN ? graphs[g]->output[i].variable : NULL;
      bool known = !variable || !variable->data;
      for (int k = 0; k < e->weights && !known; k++) known = e->weight[k].variable == variable;
      for (int k = 0; k < *count && !known; k++) known = list[k] == variable;
      if (!known) list[(*count)++] = variable;
    }
  return list;
}

static size_t bytes_of(const Variable *variable) {
  return (size_t)type_count(&variable->type) * dtype_size(variable->type.dtype);
}

/* Those, and the weights and states that the graph assigns. */
void training_changes(Training *t) {
  const Graph *graph = t->task->train->graph;
  int own;
  Variable **list = training_variables(t, t->session->arena, &own);
  t->changed = ARENA_ARRAY(t->session->arena, Variable *, own + graph->outputs + 1);
  memcpy(t->changed, list, sizeof(*list) * (size_t)own);
  t->changes = own;
  for (int i = 0; i < graph->outputs; i++) {
    Variable *variable = graph->output[i].kind == OUTPUT_ASSIGN ? graph->output[i].variable : NULL;
    bool known = !variable;
    for (int k = 0; k < t->changes && !known; k++) known = t->changed[k] == variable;
    if (!known) t->changed[t->changes++] = variable;
  }
}

size_t training_bytes(const Training *t) {
  size_t bytes = 0;
  for (int i = 0; i < t->changes; i++) bytes += bytes_of(t->changed[i]);
  return bytes;
}

/* Everything a training step changes, to go back to: weights, states, optimizer. */
void *training_snapshot(const Training *t, void *into, bool restore) {
  if (!into) into = memory_alloc(training_bytes(t) + 1, 1);
  char *p = into;
  for (int i = 0; i < t->changes; i++) {
    size_t size = bytes_of(t->changed[i]);
    if (restore)
      memcpy(t->changed[i]->data, p, size);
    else
      memcpy(p, t->changed[i]->data, size);
    p += size;
  }
  return into;
}
