/* The numbers of a checkpoint. Names with a `/` are no paths of weights, so whoever loads weights passes them by. */
#include "interpreter/checkpoint_parts.h"

#include <string.h>

static size_t bytes_of(const Type *type) { return (size_t)type_count(type) * dtype_size(type->dtype); }

static const char *name_of_variable(Arena *arena, const Variable *variable) {
  return arena_printf(arena, "%s/%s", variable->role == VARIABLE_METRIC ? "metric" : "train", variable->path);
}

static void add(Bundle *bundle, const char *name, const Type *type, void *data) {
  int64_t size[MAX_RANK];
  for (int i = 0; i < type->rank; i++) size[i] = type_size(type, i);
  bundle_add(bundle, name, type->dtype, true, type->rank, size, data);
}

static void add_list(Bundle *bundle, const char *name, DType dtype, int64_t count, const void *data) {
  bundle_add(bundle, name, dtype, true, 1, &count, (void *)(uintptr_t)data);
}

/* NULL: there is none of that name, dtype and number of elements. */
static const void *find(const Bundle *bundle, const char *name, DType dtype, int64_t count) {
  for (int i = 0; i < bundle->tensors; i++) {
    const BundleTensor *tensor = &bundle->tensor[i];
    if (strcmp(tensor->path, name)) continue;
    int64_t held = 1;
    for (int k = 0; k < tensor->rank; k++) held *= tensor->size[k];
    return tensor->dtype == dtype && held == count ? tensor->data : NULL;
  }
  return NULL;
}

static bool take(const Bundle *bundle, const char *name, const Type *type, void *into) {
  const void *data = find(bundle, name, type->dtype, type_count(type));
  if (data) memcpy(into, data, bytes_of(type));
  return data != NULL;
}

// ---- the best weights ---------------------------------------------------------------------------------------------

static void best_write(const Training *t, Bundle *bundle) {
  const Elaborator *e = t->session->program;
  char *p = weights_in(t->best);
  for (int i = 0; p && i < e->weights; i++) {
    const Type *type = &e->weight[i].variable->type;
    add(bundle, arena_printf(bundle->arena, "best/%s", e->weight[i].canonical), type, p);
    p += bytes_of(type);
  }
}

static bool best_read(Training *t, const Bundle *bundle, const char **wrong) {
  const Elaborator *e = t->session->program;
  bool any = false;
  for (int i = 0; i < bundle->tensors && !any; i++) any = !strncmp(bundle->tensor[i].path, "best/", 5);
  memory_free(t->best);
  t->best = NULL;
  if (!any) return true;
  t->best = weights_copy(t->session, NULL);
  char *p = weights_in(t->best);
  for (int i = 0; i < e->weights; i++) {
    *wrong = arena_printf(bundle->arena, "best/%s", e->weight[i].canonical);
    if (!take(bundle, *wrong, &e->weight[i].variable->type, p)) return false;
    p += bytes_of(&e->weight[i].variable->type);
  }
  return true;
}

// ---- marks of hooks -----------------------------------------------------------------------------------------------

#define MARK_NUMBERS 6 // step, epoch, batch, steps, begun, most

static int64_t means(const Training *t) { return 2 * (t->task->train->measures + 1); }

static void marks_write(const Training *t, Bundle *bundle) {
  int64_t kept;
  const double *record = train_hooks_record(t->hooks, &kept);
  add_list(bundle, "run/hooks.record", DTYPE_F64, kept * t->done, record);
  for (int i = 0; i < train_hooks_marks(t->hooks); i++) {
    const Mark *mark = train_hooks_mark_at(t->hooks, i);
    if (!mark->memory) continue;
    int64_t *number = ARENA_ARRAY(bundle->arena, int64_t, MARK_NUMBERS);
    memcpy(number,
           (const int64_t[]){mark->at.step, mark->at.epoch, mark->at.batch, mark->at.steps, mark->at.begun,
                             mark->most},
           sizeof(int64_t) * MARK_NUMBERS);
    add_list(bundle, arena_printf(bundle->arena, "mark/%s", mark->name), DTYPE_I64, MARK_NUMBERS, number);
    add_list(bundle, arena_printf(bundle->arena, "mark/%s.memory", mark->name), DTYPE_U8,
             (int64_t)training_bytes(t), mark->memory);
    add_list(bundle, arena_printf(bundle->arena, "mark/%s.mean", mark->name), DTYPE_F64, means(t),
             mark->mean);
    if (mark->chance)
      add_list(bundle, arena_printf(bundle->arena, "mark/%s.chance", mark->name), DTYPE_F64, t->rows->count,
               mark->chance);
  }
}

static bool mark_read(Training *t, const Bundle *bundle, const char *name, const int64_t *number) {
  size_t bytes = training_bytes(t);
  const void *memory =
      find(bundle, arena_printf(bundle->arena, "mark/%s.memory", name), DTYPE_U8, (int64_t)bytes);
  const void *mean = find(bundle, arena_printf(bundle->arena, "mark/%s.mean", name), DTYPE_F64, means(t));
  const double *chance =
      t->rows ? find(bundle, arena_printf(bundle->arena, "mark/%s.chance", name), DTYPE_F64, t->rows->count)
              : NULL;
  for (int i = 0; i < MARK_NUMBERS; i++)
    if (number[i] < 0) return false;
  Position at = {number[0], number[1], number[2], number[3], number[4] != 0};
  if (!memory || !mean || at.batch > t->batches_most) return false;
  Mark *mark = train_hooks_mark_restore(t->hooks, name, &at, chance, number[5]);
  if (!mark) return false;
  bool epoch = !strcmp(name, "epoch");
  if (epoch ? !t->begin : !mark->memory) {
    mark->memory = memory_alloc(bytes + 1, 1);
    if (epoch) t->begin = mark->memory;
  }
  if (epoch) mark->memory = t->begin;
  if (!mark->mean) mark->mean = memory_alloc(1, sizeof(double) * (size_t)means(t));
  memcpy(mark->memory, memory, bytes);
  memcpy(mark->mean, mean, sizeof(double) * (size_t)means(t));
  return true;
}

static bool marks_read(Training *t, const Bundle *bundle, const char **wrong) {
  int64_t kept;
  double *record = train_hooks_record(t->hooks, &kept);
  *wrong = "run/hooks.record";
  const void *data = find(bundle, *wrong, DTYPE_F64, kept * t->done);
  if (!data) return false;
  memcpy(record, data, sizeof(double) * (size_t)(kept * t->done));
  for (int i = 0; i < bundle->tensors; i++) {
    const char *path = bundle->tensor[i].path;
    if (strncmp(path, "mark/", 5) != 0 || strchr(path, '.')) continue;
    *wrong = path;
    const int64_t *number = find(bundle, path, DTYPE_I64, MARK_NUMBERS);
    if (!number || !mark_read(t, bundle, path + 5, number)) return false;
  }
  return true;
}

// ---- all of them --------------------------------------------------------------------------------------------------

void tensors_write(const Training *t, Bundle *bundle) {
  int count;
  Variable **variable = training_variables(t, bundle->arena, &count);
  for (int i = 0; i < count; i++)
    add(bundle, name_of_variable(bundle->arena, variable[i]), &variable[i]->type, variable[i]->data);
  add_list(bundle, "run/mean", DTYPE_F64, means(t), t->mean);
  best_write(t, bundle);
  if (t->hooks) marks_write(t, bundle);
}

bool tensors_read(Training *t, const Bundle *bundle, const char **wrong) {
  const Elaborator *e = t->session->program;
  for (int i = 0; i < e->weights; i++) {
    *wrong = weight_path_in(bundle->arena, e, &e->weight[i]);
    if (!take(bundle, *wrong, &e->weight[i].variable->type, e->weight[i].variable->data)) return false;
  }
  int count;
  Variable **variable = training_variables(t, bundle->arena, &count);
  for (int i = 0; i < count; i++) {
    *wrong = name_of_variable(bundle->arena, variable[i]);
    if (!take(bundle, *wrong, &variable[i]->type, variable[i]->data)) return false;
  }
  *wrong = "run/mean";
  const void *mean = find(bundle, *wrong, DTYPE_F64, means(t));
  if (!mean) return false;
  memcpy(t->mean, mean, sizeof(double) * (size_t)means(t));
  return best_read(t, bundle, wrong) && (!t->hooks || marks_read(t, bundle, wrong));
}
