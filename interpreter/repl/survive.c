/* Weights across redefinitions: those of a model that is declared anew are put aside, and what is made again under the
 * same path with the same shape takes over their numbers. */
#include "interpreter/repl/repl.h"

#include <string.h>

void weights_aside(Repl *repl, const char *model) {
  Elaborator *e = repl->e;
  int kept = 0;
  for (int i = 0; i < e->weights; i++) {
    Weight *weight = &e->weight[i];
    if (strcmp(weight->model, model) != 0) {
      e->weight[kept++] = *weight;
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
    repl->aside = true;
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
    if (s->gone || !s->data || strcmp(s->path, weight->canonical) != 0 || s->type.dtype != variable->type.dtype ||
        !type_same_shape(&s->type, &variable->type))
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

typedef struct {
  Text *out;
  const char *layer, *word; // the last thing told, which further weights of the layer join
  int told, others; // others: than kept
} Tale;

static void tell(Repl *repl, Tale *tale, const char *path, const char *word) {
  const char *dot = strrchr(path, '.');
  const char *layer = arena_copy(repl->call->arena, path, dot ? (size_t)(dot - path) : strlen(path));
  if (tale->layer && !strcmp(tale->layer, layer) && !strcmp(tale->word, word)) return;
  tale->layer = layer;
  tale->word = word;
  tale->others += strcmp(word, "kept") != 0;
  if (tale->told++ == 12) text_add(tale->out, ", …");
  if (tale->told > 12) return;
  text_printf(tale->out, "%s%s %s", tale->told > 1 ? ", " : "", layer, word);
}

bool weights_adopt(Repl *repl, Text *out) {
  Elaborator *e = repl->e;
  int from = repl->weights_seen;
  Tale tale = {.out = out};
  bool *again = ARENA_ARRAY(e->arena, bool, e->weights + 1);
  for (int i = from; i < e->weights; i++) again[i] = has_survivors(repl, e->weight[i].model);
  for (int i = from; i < e->weights; i++)
    if (again[i])
      tell(repl, &tale, weight_path(e, &e->weight[i]), take_over(repl, &e->weight[i]) ? "kept" : "new");
  for (int s = 0; s < repl->survivors; s++) {
    Survivor *left = &repl->survivor[s];
    bool made = false;
    for (int i = from; i < e->weights; i++) made = made || (again[i] && !strcmp(left->model, e->weight[i].model));
    if (!made || left->gone) continue;
    left->gone = true;
    bool same = false; // of another shape: told as new already
    for (int i = from; i < e->weights; i++) same = same || !strcmp(left->path, e->weight[i].canonical);
    if (!same) tell(repl, &tale, left->path, "gone");
  }
  if (tale.told && !tale.others && !repl->tells) out->length = 0; // as one expects
  if (out->length) text_add(out, "\n");
  repl->weights_seen = e->weights;
  return tale.told > 0;
}
