#include "interpreter/checkpoint.h"

#include "interpreter/lbfgs.h"
#include "lang/problems.h"

#include <dirent.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PREFIX "checkpoint-"
#define ENDING ".safetensors"
#define KEPT   2

// ---- the files ------------------------------------------------------------------------------------------------------

/* Where a checkpoint was made: runs that a hook rewound meet a step again, in a later attempt. */
typedef struct {
  int64_t attempt, step;
} Made;

static bool place_of(const char *name, Made *place) {
  int length = 0;
  *place = (Made){0};
  if (sscanf(name, PREFIX "%" SCNd64 ENDING "%n", &place->step, &length) == 1 && length) return !name[length];
  length = 0;
  int read = sscanf(name, PREFIX "%" SCNd64 "-%" SCNd64 ENDING "%n", &place->step, &place->attempt, &length);
  return read == 2 && length && !name[length] && place->step >= 0 && place->attempt > 0;
}

static int newest_first(const void *a, const void *b) {
  const Made *x = a, *y = b;
  if (x->attempt != y->attempt) return x->attempt < y->attempt ? 1 : -1;
  return (x->step < y->step) - (x->step > y->step);
}

/* The places of all checkpoints of a folder, newest first. */
static Made *list_places(Arena *arena, const char *folder, int *count) {
  Made *place = NULL, one;
  size_t capacity = 0;
  *count = 0;
  DIR *list = opendir(folder);
  for (struct dirent *entry; list && (entry = readdir(list));) {
    if (!place_of(entry->d_name, &one)) continue;
    place = arena_grow(arena, place, (size_t)*count, &capacity, sizeof *place);
    place[(*count)++] = one;
  }
  if (list) closedir(list);
  if (*count) qsort(place, (size_t)*count, sizeof *place, newest_first);
  return place;
}

static const char *path_of(Training *t, const Made *place) {
  Arena *arena = t->session->arena;
  const char *name =
      place->attempt ? arena_printf(arena, PREFIX "%" PRId64 "-%" PRId64 ENDING, place->step, place->attempt)
                     : arena_printf(arena, PREFIX "%" PRId64 ENDING, place->step);
  return training_file(t, name);
}

// ---- what is in them --------------------------------------------------------------------------------------------------

typedef void Visit(void *context, const char *name, const Type *type, void *data);

static bool is_weight(const Elaborator *e, const Variable *variable) {
  for (int i = 0; i < e->weights; i++)
    if (e->weight[i].variable == variable) return true;
  return false;
}

typedef struct {
  Arena *arena;
  Visit *visit;
  void *context;
  int number;
} Walk;

static void visit_one(Walk *walk, const Variable *v) {
  const char *name = arena_printf(walk->arena, "training.%d.%s", walk->number++, v->path ? v->path : "");
  walk->visit(walk->context, name, &v->type, v->data);
}

/* Everything beside the weights that lasts from step to step, under names that depend on the program alone. */
static void visit_variables(Training *t, Visit *visit, void *context) {
  const Pass *pass = t->task->train;
  Walk walk = {t->session->arena, visit, context, 0};
  for (int i = 0; i < pass->graph->outputs; i++) {
    const Output *output = &pass->graph->output[i];
    if (output->kind == OUTPUT_ASSIGN && !is_weight(t->session->program, output->variable))
      visit_one(&walk, output->variable);
  }
  for (int i = 0; i < pass->plateaus; i++) {
    visit_one(&walk, pass->plateau[i].value);
    visit_one(&walk, pass->plateau[i].best);
    visit_one(&walk, pass->plateau[i].worse);
  }
  if (!pass->search) return;
  visit_one(&walk, pass->search->moved);
  visit_one(&walk, pass->search->changed);
  visit_one(&walk, pass->search->count);
}

static void add_memory(Bundle *bundle, const char *name, DType dtype, int64_t count, void *data) {
  bundle_add(bundle, name, dtype, true, 1, &count, data);
}

static void visit_add(void *context, const char *name, const Type *type, void *data) {
  int64_t size[MAX_RANK];
  for (int i = 0; i < type->rank; i++) size[i] = type_size(type, i);
  bundle_add(context, name, type->dtype, true, type->rank, size, data);
}

static int64_t mean_count(const Training *t) { return 2 * (int64_t)(t->task->train->measures + 1); }

#define COUNTERS                                                                                             \
  "step %" PRId64 " epoch %" PRId64 " batch %" PRId64 " steps %" PRId64 " begun %d owed %d attempt %" PRId64 \
  " best %" PRId64 " %" PRId64 " %la worse %" PRId64 " %la loss %la logged %" PRId64 " seed %" PRIu64        \
  " seconds %la"
#define COUNTERS_READ                                                                                        \
  "step %" SCNd64 " epoch %" SCNd64 " batch %" SCNd64 " steps %" SCNd64 " begun %d owed %d attempt %" SCNd64 \
  " best %" SCNd64 " %" SCNd64 " %la worse %" SCNd64 " %la loss %la logged %" SCNd64 " seed %" SCNu64        \
  " seconds %la"

static const char *write_counters(Training *t) {
  return arena_printf(t->session->arena, COUNTERS, t->step, t->epoch, t->done, t->steps, t->done > 0, t->owed,
                      t->attempt, t->best_epoch, t->best_step, t->best_value, t->worse, t->last_stop, t->loss,
                      run_log_bytes(t->log), t->task->settings.seed, seconds_now() - t->run_start);
}

static bool read_counters(Training *t, const char *text, int64_t *logged) {
  int begun, owed;
  uint64_t seed;
  double seconds;
  if (!text || sscanf(text, COUNTERS_READ, &t->step, &t->epoch, &t->done, &t->steps, &begun, &owed,
                      &t->attempt, &t->best_epoch, &t->best_step, &t->best_value, &t->worse, &t->last_stop,
                      &t->loss, logged, &seed, &seconds) != 16)
    return false;
  t->owed = owed;
  t->run_start -= seconds; // stop = hours(n) counts those of before
  t->resumed.at = (Position){t->step, t->epoch, t->done, t->steps, begun};
  return seed == t->task->settings.seed && t->step >= 0 && t->done >= 0 && *logged >= 0;
}

/* The places that a hook can go back to, the one at the begin of the epoch among them. */
static void add_marks(Training *t, Bundle *bundle) {
  int count;
  const Mark *mark = train_hooks_marks(t->hooks, &count);
  Arena *arena = t->session->arena;
  for (int i = 0; i < count; i++) {
    const Mark *m = &mark[i];
    if (!m->memory) continue;
    const char *name = arena_printf(arena, "training.mark.%s", m->name);
    int64_t *at = ARENA_ARRAY(arena, int64_t, 6);
    memcpy(at, (int64_t[]){m->at.step, m->at.epoch, m->at.batch, m->at.steps, m->at.begun, m->most},
           6 * sizeof *at);
    add_memory(bundle, arena_printf(arena, "%s.at", name), DTYPE_I64, 6, at);
    add_memory(bundle, arena_printf(arena, "%s.memory", name), DTYPE_U8, (int64_t)training_bytes(t),
               m->memory);
    add_memory(bundle, arena_printf(arena, "%s.mean", name), DTYPE_F64, mean_count(t), m->mean);
    if (m->chance)
      add_memory(bundle, arena_printf(arena, "%s.chance", name), DTYPE_F64, t->rows->count, m->chance);
  }
}

static bool fill(Training *t, Bundle *bundle, Text *hooks) {
  Elaborator *e = t->session->program;
  bundle_set_text(bundle, "task", t->task->name);
  bundle_set_text(bundle, "training", write_counters(t));
  visit_variables(t, visit_add, bundle);
  add_memory(bundle, "training.mean", DTYPE_F64, mean_count(t), t->mean);
  char *best = t->best && t->best_step != t->step ? t->best : NULL; // else the weights are the best
  for (int i = 0; best && i < e->weights; i++) {
    const Type *type = &e->weight[i].variable->type;
    visit_add(bundle, arena_printf(t->session->arena, "training.best.%d", i), type, best);
    best += (size_t)type_count(type) * dtype_size(type->dtype);
  }
  if (!t->hooks) return true;
  if (!train_hooks_state_write(t->hooks, hooks)) return false;
  add_memory(bundle, "training.hooks", DTYPE_U8, (int64_t)hooks->length,
             (void *)(uintptr_t)text_string(hooks));
  add_marks(t, bundle);
  return true;
}

/* What was written is read again before anything older goes. */
static void prune(Training *t) {
  Arena *arena = arena_new(0);
  Problems *problems = problems_new(arena);
  int count;
  Made *place = list_places(arena, t->run->folder, &count);
  Bundle *read = count > KEPT ? bundle_load(arena, problems, (Span){0}, path_of(t, &place[0])) : NULL;
  for (int i = KEPT; i < count && read; i++) unlink(path_of(t, &place[i]));
  if (read) bundle_free(read);
  arena_free(arena);
}

bool checkpoint_save(Training *t) {
  Session *session = t->session;
  if (t->checkpointed == t->step && !interrupted) return true;
  Bundle *bundle = session_bundle(session, NULL);
  Text hooks = {0};
  const char *path = path_of(t, &(Made){t->attempt, t->step});
  bool ok = fill(t, bundle, &hooks) && bundle_save_safetensors(bundle, session->problems, path);
  text_free(&hooks);
  bundle_free(bundle);
  if (!ok) return false;
  t->checkpointed = t->step;
  report_saved(session->report, path);
  prune(t);
  return true;
}

// ---- back from a file -------------------------------------------------------------------------------------------------

typedef struct {
  const Bundle *bundle;
  const char *lacks; // the first tensor that is not there, or not of that shape
} Reader;

static const BundleTensor *find_exact(const Bundle *bundle, const char *name) {
  for (int i = 0; i < bundle->tensors; i++)
    if (!strcmp(bundle->tensor[i].path, name)) return &bundle->tensor[i];
  return NULL;
}

static void visit_take(void *context, const char *name, const Type *type, void *data) {
  Reader *reader = context;
  const BundleTensor *tensor = find_exact(reader->bundle, name);
  bool fits = tensor && tensor->dtype == type->dtype && tensor->rank == type->rank;
  for (int i = 0; fits && i < type->rank; i++) fits = tensor->size[i] == type_size(type, i);
  if (fits)
    memcpy(data, tensor->data, (size_t)type_count(type) * dtype_size(type->dtype));
  else if (!reader->lacks)
    reader->lacks = name;
}

/* The numbers of a list of that length; NULL: it is not there. */
static const void *memory_at(const Bundle *bundle, const char *name, DType dtype, int64_t count) {
  const BundleTensor *tensor = find_exact(bundle, name);
  bool fits =
      tensor && tensor->dtype == dtype && tensor->rank == 1 && (count < 0 || tensor->size[0] == count);
  return fits ? tensor->data : NULL;
}

static void *copied(const void *from, size_t bytes) {
  if (!from) return NULL;
  void *copy = memory_alloc(bytes + 1, 1);
  memcpy(copy, from, bytes);
  return copy;
}

static bool read_mark(Training *t, const Bundle *bundle, const char *name) {
  Arena *arena = t->session->arena;
  const char *prefix = arena_printf(arena, "training.mark.%s", name);
  size_t bytes = training_bytes(t);
  const int64_t *at = memory_at(bundle, arena_printf(arena, "%s.at", prefix), DTYPE_I64, 6);
  const void *memory = memory_at(bundle, arena_printf(arena, "%s.memory", prefix), DTYPE_U8, (int64_t)bytes);
  const void *mean = memory_at(bundle, arena_printf(arena, "%s.mean", prefix), DTYPE_F64, mean_count(t));
  if (!at || !memory || !mean) return false;
  const void *chance =
      t->rows ? memory_at(bundle, arena_printf(arena, "%s.chance", prefix), DTYPE_F64, t->rows->count) : NULL;
  Position position = {at[0], at[1], at[2], at[3], at[4] != 0};
  Mark *mark = train_hooks_mark(t->hooks, name, &position);
  memory_free(mark->chance);
  mark->chance = copied(chance, sizeof(double) * (size_t)(t->rows ? t->rows->count : 0));
  mark->most = at[5];
  mark->memory = copied(memory, bytes);
  mark->mean = copied(mean, sizeof(double) * (size_t)mean_count(t));
  if (!strcmp(name, "epoch")) t->epoch_begin = mark->memory;
  return true;
}

static bool read_hooks(Training *t, const Bundle *bundle) {
  const BundleTensor *state = find_exact(bundle, "training.hooks");
  if (!t->hooks) return state == NULL;
  static const char start[] = "training.mark.", end[] = ".at";
  if (!state || !train_hooks_state_read(t->hooks, state->data, (size_t)state->size[0])) return false;
  for (int i = 0; i < bundle->tensors; i++) {
    const char *path = bundle->tensor[i].path;
    size_t length = strlen(path), around = strlen(start) + strlen(end);
    if (strncmp(path, start, strlen(start)) || length <= around || strcmp(path + length - strlen(end), end))
      continue;
    if (!read_mark(t, bundle, arena_copy(t->session->arena, path + strlen(start), length - around)))
      return false;
  }
  train_hooks_resume(t->hooks, &t->resumed);
  return true;
}

static bool read_best(Training *t, const Bundle *bundle) {
  Elaborator *e = t->session->program;
  if (t->best_step == 0) return true; // none so far
  t->best = weights_copy(t->session, t->best);
  if (t->best_step == t->step) return true;
  char *p = t->best;
  Reader reader = {.bundle = bundle};
  for (int i = 0; i < e->weights; i++) {
    const Type *type = &e->weight[i].variable->type;
    visit_take(&reader, arena_printf(t->session->arena, "training.best.%d", i), type, p);
    p += (size_t)type_count(type) * dtype_size(type->dtype);
  }
  return !reader.lacks;
}

/* false: it is no checkpoint of this program. */
static bool take(Training *t, const Bundle *bundle, const char *path, int64_t *logged) {
  Reader reader = {.bundle = bundle};
  if (!read_counters(t, bundle_text(bundle, "training"), logged) || !session_fill(t->session, bundle, path))
    return false;
  visit_variables(t, visit_take, &reader);
  const void *mean = memory_at(bundle, "training.mean", DTYPE_F64, mean_count(t));
  if (reader.lacks || !mean) return false;
  memcpy(t->mean, mean, sizeof(double) * (size_t)mean_count(t));
  t->resumed.mean = copied(mean, sizeof(double) * (size_t)mean_count(t));
  if (!read_best(t, bundle) || !read_hooks(t, bundle)) return false;
  t->again = &t->resumed;
  t->checkpointed = t->step;
  return true;
}

static bool same_program(Training *t, const Bundle *bundle) {
  Session *session = t->session;
  Bundle *now = session_bundle(session, NULL);
  static const char *const text[] = {"program", "config", "seed"}, *const what[] = {"text", "settings",
                                                                                    "seed"};
  bool same = true;
  for (int i = 0; i < 3 && same; i++) {
    const char *then = bundle_text(bundle, text[i]), *here = bundle_text(now, text[i]);
    same = then && here && !strcmp(then, here);
    if (!same)
      problem_resume_other(session->problems, t->run->folder, what[i], i ? then : NULL, i ? here : NULL);
  }
  bundle_free(now);
  return same;
}

bool checkpoint_load(Training *t, int64_t *logged) {
  Session *session = t->session;
  int count;
  Made *place = list_places(session->arena, t->run->folder, &count);
  for (int i = 0; i < count; i++) {
    Problems *problems = problems_new(session->arena);
    const char *path = path_of(t, &place[i]);
    Bundle *bundle = bundle_load(session->arena, problems, (Span){0}, path);
    if (!bundle) {
      const Problem *why = problems_total(problems) ? problems_get(problems, 0) : NULL;
      report_line(session->report, "skipped", "%s: %s", path, why ? why->title : "it cannot be read");
      continue;
    }
    bool same = same_program(t, bundle), taken = same && take(t, bundle, path, logged);
    bundle_free(bundle);
    if (!taken) {
      if (same && !problems_exit_code(session->problems))
        problem_resume_other(session->problems, t->run->folder, "network", NULL, NULL);
      return false;
    }
    report_line(session->report, "resumed", "%s at step %lld of %lld", path, (long long)t->step,
                (long long)t->steps);
    return true;
  }
  problem_resume_nothing(session->problems, t->run->folder, count);
  return false;
}

// ---- which run ----------------------------------------------------------------------------------------------------------

static const char *run_named(Training *t) {
  const Options *options = t->session->options;
  if (*options->resume) return options->resume;
  return run_last(t->session->arena, options->out ? options->out : ".", t->session->program->program_name,
                  t->task->name);
}

const char *checkpoint_finished(Training *t) {
  const char *folder = run_named(t);
  return folder ? run_best(t->session->arena, folder) : NULL;
}

const char *checkpoint_folder(Training *t) {
  const char *folder = run_named(t);
  if (!folder) problem_resume_nothing(t->session->problems, t->task->name, -1);
  return folder;
}
