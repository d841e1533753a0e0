/* Weights between the session and files. */
#include "interpreter/formats/problems_files.h"
#include "interpreter/session.h"
#include "lang/problems.h"

#include <stdio.h>
#include <string.h>

/* A number 0 is left out where no layer of that name has number 1 at its level. */
const char *weight_path_in(Arena *arena, const Elaborator *e, const Weight *weight) {
  Text text = {0};
  const char *p = weight->canonical;
  while (*p) {
    const char *dot = strstr(p, ".0.");
    if (!dot) {
      text_add(&text, p);
      break;
    }
    size_t prefix = (size_t)(dot - weight->canonical);
    bool repeated = false;
    for (int i = 0; i < e->weights && !repeated; i++)
      repeated = !strncmp(e->weight[i].canonical, weight->canonical, prefix) &&
                 !strncmp(e->weight[i].canonical + prefix, ".1.", 3);
    text_add_n(&text, p, (size_t)(dot - p));
    text_add(&text, repeated ? ".0." : ".");
    p = dot + 3;
  }
  char *copy = arena_copy(arena, text_string(&text), text.length);
  text_free(&text);
  return copy;
}

const char *weight_path(const Elaborator *e, const Weight *weight) {
  return weight_path_in(e->arena, e, weight);
}

cJSON *session_fitted(const Session *session) {
  const Elaborator *e = session->program;
  cJSON *document = cJSON_CreateObject();
  for (int i = 0; i < e->fitteds; i++) {
    cJSON *table = cJSON_GetObjectItemCaseSensitive(document, e->fitted[i]->table);
    if (!table) table = cJSON_AddArrayToObject(document, e->fitted[i]->table);
    cJSON_AddItemToArray(table, fitted_to_json(e->fitted[i]));
  }
  return document;
}

Bundle *session_bundle(Session *session, Arena *arena, const char *model) {
  Elaborator *e = session->program;
  Bundle *bundle = bundle_new(arena);
  for (int i = 0; i < e->weights; i++) {
    const Weight *w = &e->weight[i];
    if (model && !path_below(w->canonical, model)) continue;
    int64_t size[MAX_RANK];
    for (int k = 0; k < w->variable->type.rank; k++) size[k] = type_size(&w->variable->type, k);
    bundle_add(bundle, weight_path_in(arena, e, w), w->variable->type.dtype,
               w->variable->role == VARIABLE_STATE, w->variable->type.rank, size, w->variable->data);
  }
  const Source *source = e->program ? source_by_id(e->program->span.source) : NULL;
  if (source) bundle_set_text(bundle, "program", source->text);
  Text config = {0};
  for (int i = 0; i < session->options->sets; i++)
    text_printf(&config, "%s%s", i ? " " : "", session->options->set[i]);
  bundle_set_text(bundle, "config", text_string(&config));
  text_free(&config);
  bundle_set_text(bundle, "seed", arena_printf(arena, "%llu", (unsigned long long)session->options->seed));
  if (session->backend && !strcmp(session->backend->name, "cpu"))
    bundle_set_text(bundle, "device", cpu_describe(session->backend));
  bundle->data = session_fitted(session);
  return bundle;
}

static void convert(void *dst, DType to, const void *src, DType from, int64_t count) {
  if (to == from)
    memcpy(dst, src, (size_t)count * dtype_size(to));
  else
    for (int64_t i = 0; i < count; i++) {
      double x = from == DTYPE_F64 ? ((const double *)src)[i] : (double)((const float *)src)[i];
      if (to == DTYPE_F64)
        ((double *)dst)[i] = x;
      else
        ((float *)dst)[i] = (float)x;
    }
}

static WeightName weight_name(const char *path, const Type *type) {
  WeightName name = {.name = path, .dtype = type->dtype, .rank = type->rank};
  for (int k = 0; k < type->rank; k++) name.size[k] = type_size(type, k);
  return name;
}

/* Fills the weights of `model` (NULL: all) from a bundle. */
static bool fill_weights(Session *session, const Bundle *bundle, const char *file, Span span,
                         const char *model) {
  Elaborator *e = session->program;
  WeightName *missing = ARENA_ARRAY(session->arena, WeightName, e->weights + 1),
             *held = ARENA_ARRAY(session->arena, WeightName, bundle->tensors + 1);
  int missings = 0;
  const char *of = model;
  bool ok = true;
  for (int i = 0; i < e->weights; i++) {
    const Weight *w = &e->weight[i];
    if (model && !path_below(w->canonical, model)) continue;
    const char *path = weight_path(e, w);
    const BundleTensor *tensor = bundle_find(bundle, path);
    WeightName want = weight_name(path, &w->variable->type);
    if (!tensor) {
      if (w->variable->role == VARIABLE_STATE)
        report_line(session->report, "note", "%s is not in %s and keeps its start value", path, file);
      else
        missing[missings++] = want;
      if (w->variable->role != VARIABLE_STATE) of = w->model;
      continue;
    }
    bool same = tensor->rank == want.rank && dtype_is_float(tensor->dtype) == dtype_is_float(want.dtype);
    for (int k = 0; same && k < want.rank; k++) same = tensor->size[k] == want.size[k];
    if (!same) {
      WeightName found = {.name = tensor->path, .dtype = tensor->dtype, .rank = tensor->rank};
      memcpy(found.size, tensor->size, sizeof(found.size));
      problem_weights_shape(session->problems, span, file, &want, &found);
      ok = false;
      continue;
    }
    convert(w->variable->data, want.dtype, tensor->data, tensor->dtype, type_count(&w->variable->type));
  }
  for (int i = 0; i < bundle->tensors; i++) {
    held[i] = (WeightName){
        .name = bundle->tensor[i].path, .dtype = bundle->tensor[i].dtype, .rank = bundle->tensor[i].rank};
    memcpy(held[i].size, bundle->tensor[i].size, sizeof(held[i].size));
  }
  if (missings)
    problem_weights_missing(session->problems, span, file, of ? of : "the program", missing, missings, held,
                            bundle->tensors, false);
  return ok && missings == 0;
}

static bool add_fitted(Session *session, const cJSON *json) {
  Elaborator *e = session->program;
  Fitted *fitted = fitted_from_json(session->arena, session->problems, json);
  if (!fitted) return false;
  e->fitted = arena_grow(e->arena, e->fitted, (size_t)e->fitteds, &e->fitted_capacity, sizeof(Fitted *));
  e->fitted[e->fitteds++] = fitted;
  return true;
}

bool session_load(Session *session, const char *path, Span span, const char *model, bool statistics) {
  Bundle *bundle = bundle_load(session->arena, session->problems, span, path);
  if (!bundle) return false;
  bool ok = true;
  Elaborator *e = session->program;
  if (statistics && bundle->data) {
    for (const cJSON *table = bundle->data->child; table && ok; table = table->next)
      for (const cJSON *item = table->child; item && ok; item = item->next) ok = add_fitted(session, item);
    e->fitted_loaded = e->fitteds > 0;
  } else if (!statistics)
    ok = fill_weights(session, bundle, path, span, model);
  bundle_free(bundle);
  return ok;
}

#define COPY_HEAD 64 // bytes before the numbers: how many weights there are

static size_t weight_bytes(const Weight *weight) {
  return (size_t)type_count(&weight->variable->type) * dtype_size(weight->variable->type.dtype);
}

void *weights_copy(Session *session, void *into) {
  Elaborator *e = session->program;
  if (into && *(int64_t *)into != e->weights) {
    memory_free(into);
    into = NULL;
  }
  size_t bytes = COPY_HEAD;
  for (int i = 0; i < e->weights; i++) bytes += weight_bytes(&e->weight[i]);
  char *copy = into ? into : memory_alloc(bytes, 1), *p = copy + COPY_HEAD;
  *(int64_t *)(void *)copy = e->weights;
  for (int i = 0; i < e->weights; i++) {
    memcpy(p, e->weight[i].variable->data, weight_bytes(&e->weight[i]));
    p += weight_bytes(&e->weight[i]);
  }
  return copy;
}

char *weights_in(void *copy) { return copy ? (char *)copy + COPY_HEAD : NULL; }

void weights_restore(Session *session, const void *copy) {
  Elaborator *e = session->program;
  int64_t count = *(const int64_t *)copy;
  const char *p = (const char *)copy + COPY_HEAD;
  for (int i = 0; i < e->weights && i < count; i++) {
    memcpy(e->weight[i].variable->data, p, weight_bytes(&e->weight[i]));
    p += weight_bytes(&e->weight[i]);
  }
}

void copies_start(Session *session, const char *from) {
  Elaborator *e = session->program;
  for (int c = 0; c < e->copies; c++) {
    const char *of = e->copy[c].from, *to = e->copy[c].to;
    if (from && !path_below(of, from) && !path_below(from, of)) continue;
    for (int i = from ? 0 : session->weights_copied; i < e->weights; i++) {
      Variable *variable = e->weight[i].variable;
      if (!path_below(variable->path, to)) continue;
      const char *wanted = arena_printf(session->arena, "%s%s", of, variable->path + strlen(to));
      for (int k = 0; k < e->weights; k++)
        if (!strcmp(e->weight[k].canonical, wanted))
          memcpy(variable->data, e->weight[k].variable->data,
                 (size_t)type_count(&variable->type) * dtype_size(variable->type.dtype));
    }
    if (from) copies_start(session, to);
  }
  if (!from) session->weights_copied = e->weights;
}
