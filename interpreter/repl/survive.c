/* Weights across redefinitions: those of a model that is declared anew are put aside, and what is made again under the
 * same path with the same shape takes over their numbers. */
#include "interpreter/repl/repl.h"

#include <string.h>

#define LAYERS_TOLD 12

void weights_aside(Repl *repl, const char *model) {
  Elaborator *e = repl->e;
  int kept = 0;
  for (int i = 0; i < e->weights; i++) {
    Weight *weight = &e->weight[i];
    if (strcmp(weight->model, model) != 0) {
      e->weight[kept++] = *weight;
      continue;
    }
    repl->aside = true;
    if (!weight->variable->data) {
      first_value_drop(repl, weight->variable);
      continue;
    }
    repl->survivor = arena_grow(e->arena, repl->survivor, (size_t)repl->survivors, &repl->survivor_capacity,
                                sizeof(Survivor));
    repl->survivor[repl->survivors++] = (Survivor){.path = weight->canonical,
                                                   .model = weight->model,
                                                   .type = weight->variable->type,
                                                   .data = weight->variable->data,
                                                   .line = repl->line};
    weight->variable->data = NULL;
  }
  e->weights = kept;
  if (repl->weights_seen > kept) repl->weights_seen = kept;
  if (repl->session->weights_copied > kept) repl->session->weights_copied = kept;
}

void weights_back(Repl *repl, int64_t line) {
  for (int i = 0; i < repl->survivors; i++)
    if (repl->survivor[i].line == line) repl->survivor[i].gone = false;
}

static void survivor_remove(Repl *repl, int i) {
  memory_free(repl->survivor[i].data);
  repl->survivor[i] = repl->survivor[--repl->survivors];
}

/* Takes over the numbers of what was at its place; false: there was nothing of this shape. */
static bool take_over(Repl *repl, const Weight *weight) {
  Variable *variable = weight->variable;
  for (int i = 0; i < repl->survivors; i++) {
    Survivor *s = &repl->survivor[i];
    if (s->gone || !s->data || strcmp(s->path, weight->canonical) != 0 ||
        s->type.dtype != variable->type.dtype || !type_same_shape(&s->type, &variable->type))
      continue;
    memcpy(variable->data, s->data, (size_t)type_count(&s->type) * dtype_size(s->type.dtype));
    survivor_remove(repl, i);
    return true;
  }
  return false;
}

static bool has_survivors(const Repl *repl, const char *model) {
  for (int i = 0; i < repl->survivors; i++)
    if (!repl->survivor[i].gone && !strcmp(repl->survivor[i].model, model)) return true;
  return false;
}

/* What became of the weights of a layer. */
typedef struct {
  const char *layer;
  int kept, made, gone;
} Fate;

typedef struct {
  Fate *fate;
  int count;
} Tale;

static Fate *fate_of(Repl *repl, Tale *tale, const char *path) {
  const char *dot = strrchr(path, '.');
  size_t length = dot ? (size_t)(dot - path) : strlen(path);
  for (int i = 0; i < tale->count; i++)
    if (strlen(tale->fate[i].layer) == length && !strncmp(tale->fate[i].layer, path, length))
      return &tale->fate[i];
  tale->fate[tale->count] = (Fate){.layer = arena_copy(repl->call->arena, path, length)};
  return &tale->fate[tale->count++];
}

/* net.Dense.0 kept, net.Dense.1 new */
static void tell(const Repl *repl, const Tale *tale, Text *out) {
  bool others = repl->tells;
  for (int i = 0; i < tale->count; i++) others = others || tale->fate[i].made || tale->fate[i].gone;
  for (int i = 0; i < tale->count && others; i++) { // all kept is what one expects
    const Fate *fate = &tale->fate[i];
    if (i == LAYERS_TOLD) {
      text_printf(out, ", and %d more", tale->count - i);
      break;
    }
    const char *word = fate->kept && fate->made ? "kept in part"
                       : fate->kept             ? "kept"
                       : fate->made             ? "new"
                                                : "gone";
    text_printf(out, "%s%s %s", i ? ", " : "", fate->layer, word);
  }
  if (out->length) text_add(out, "\n");
}

bool weights_adopt(Repl *repl, Text *out) {
  Elaborator *e = repl->e;
  int from = repl->weights_seen;
  bool *again = ARENA_ARRAY(e->arena, bool, e->weights + 1);
  Tale tale = {.fate = ARENA_ARRAY(e->arena, Fate, e->weights + repl->survivors + 1)};
  for (int i = from; i < e->weights; i++) again[i] = has_survivors(repl, e->weight[i].model);
  for (int i = from; i < e->weights; i++) {
    if (!again[i]) continue;
    Fate *fate = fate_of(repl, &tale, weight_path(e, &e->weight[i]));
    if (take_over(repl, &e->weight[i]))
      fate->kept++;
    else
      fate->made++;
  }
  for (int s = 0; s < repl->survivors; s++) {
    Survivor *left = &repl->survivor[s];
    bool made = false, same = false;
    for (int i = from; i < e->weights; i++) {
      made = made || (again[i] && !strcmp(left->model, e->weight[i].model));
      same = same || !strcmp(left->path, e->weight[i].canonical); // of another shape: told as new
    }
    if (!made || left->gone) continue;
    left->gone = true;
    if (!same) fate_of(repl, &tale, left->path)->gone++;
  }
  tell(repl, &tale, out);
  repl->weights_seen = e->weights;
  return tale.count > 0;
}
