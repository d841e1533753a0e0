/* The numbers that hooks change, kept for every batch of the epoch; marks to go back to; what ctx shows on demand. */
#include "interpreter/train_hooks.h"

#include "interpreter/elaborate/builder.h"
#include "interpreter/hooks/rows.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MARKS       8
#define LOG_LIMIT   ((int64_t)4 << 20) // bytes of the file of logged numbers
#define RECORDS     1024               // rows shown to a script before their memory is given back
#define GLOB_LENGTH 200
#define GLOB_STARS  4
#define STATE_MARK  "lathe training 1 "

/* How the rows of an epoch are drawn: chances by position, or NULL, and how many of them, or 0: as the program says. */
typedef struct {
  double *chance;
  int64_t most;
} Draw;

struct TrainHooks {
  Session *session;
  Task *task;
  Hooks *script;
  Runner *train;
  const Part *rows;
  HookContext context;
  bool stepped;            // the rates shown are those of the step that was done
  double *number, *record; // clip, then times and plus of each rate; the same and `skip` of each batch
  double *used;            // rates of the last step
  int width;
  Plan *schedule; // rates as the program says
  Arena *schedule_arena;
  double schedule_step; // that they were computed for
  const ReportNumber *trained, *validated;
  int traineds, validateds;
  ReportNumber *measured; // of one batch
  double *batch;          // of the last batch, by measure: validation reuses the memory of its outputs
  Plain config;
  Arena *records;
  int64_t records_made;
  // rows
  Draw now, next;        // of the running epoch, and of the one behind it
  double *reach;         // chances of `now`, added up
  double *program_reach; // those of the program, once they are known; they belong to the order
  bool reach_known;
  // marks
  Mark mark[MARKS];
  int marks;
  const char *mark_asked, *rewind_asked;
  // the file of logged numbers
  const char *log_path;
  FILE *log;
  int64_t logged;
};

// ---- rates --------------------------------------------------------------------------------------------------------

static double rate_of_program(TrainHooks *h, int i) {
  Backend *backend = h->session->backend;
  if (!h->task->hooks->rate[i].known) return NAN;
  if (h->schedule_step != h->session->running[0]) {
    backend->run(backend, h->schedule, &(RunArgs){0});
    h->schedule_step = h->session->running[0];
  }
  char name[16];
  snprintf(name, sizeof name, "%d", i);
  return *(const double *)backend->output(backend, h->schedule, plan_output(h->schedule, name));
}

static double scale_of(const TrainHooks *h) { return isnan(h->context.lr_scale) ? 1 : h->context.lr_scale; }

static double show_rate(void *owner, int i) {
  TrainHooks *h = owner;
  if (!isnan(h->context.lr[i])) return h->context.lr[i] * scale_of(h);
  return h->stepped ? h->used[i] : rate_of_program(h, i) * scale_of(h);
}

static bool has_rate(void *owner, int i) { return ((TrainHooks *)owner)->task->hooks->rate[i].has; }

static void schedule_open(TrainHooks *h) {
  const TaskHooks *task = h->task->hooks;
  h->schedule_step = NAN;
  h->schedule_arena = arena_new(0);
  Graph *bound = graph_bind(task->schedule, h->schedule_arena, NULL, 0);
  graph_simplify(bound);
  h->schedule = plan_make(bound, &(PlanOptions){.fuse = !h->session->options->no_fuse});
  h->session->backend->prepare(h->session->backend, h->schedule);
}

// ---- what ctx shows -----------------------------------------------------------------------------------------------

static const ReportNumber *show_numbers(void *owner, bool valid, int *count) {
  TrainHooks *h = owner;
  *count = valid ? h->validateds : h->traineds;
  if (valid || h->traineds) return valid ? h->validated : h->trained;
  const Pass *pass = h->task->train;
  runner_finish(h->train);
  for (int i = 0; i < pass->measures; i++) {
    if (pass->measure[i].kind != MEASURE_METRIC) continue;
    double value = pass->measure[i].stateful ? runner_number(h->train, pass->measure[i].name) : h->batch[i];
    h->measured[(*count)++] = (ReportNumber){pass->measure[i].name, value};
  }
  return h->measured;
}

static const Plain *show_config(void *owner) { return &((TrainHooks *)owner)->config; }

static Plain config_of(Session *session) {
  Elaborator *e = session->program;
  Plain config = plain_table();
  for (int i = 0; i < e->declaration->count; i++) {
    const Ast *ast = e->declaration->item[i];
    if (ast->kind != AST_CONFIG) continue;
    const Binding *binding = scope_find(e->file, ast->u.function.name);
    const Value *value = binding && binding->value ? binding->value : value_unknown();
    int64_t whole;
    Plain plain;
    if (value->kind == VALUE_INT && dim_is_number(value->u.dim, &whole))
      plain = plain_integer(whole);
    else if (value->kind == VALUE_FLOAT)
      plain = plain_number(value->u.real);
    else if (value->kind == VALUE_BOOL)
      plain = plain_bool(value->u.truth);
    else if (value->kind == VALUE_STRING)
      plain = plain_text(session->arena, value->u.string.bytes, (size_t)value->u.string.length);
    else
      continue;
    plain_set(session->arena, &config, ast->u.function.name, plain);
  }
  return config;
}

/* The globs that are quickly matched. */
static bool glob_is_short(const char *glob) {
  int stars = 0;
  for (const char *p = glob; *p; p++) stars += *p == '*' && p[1] != '*';
  return strlen(glob) <= GLOB_LENGTH && stars <= GLOB_STARS && !strstr(glob, "***");
}

static bool show_weights(void *owner, const char *glob, double *count, double *norm, double *mean) {
  TrainHooks *h = owner;
  Elaborator *e = h->session->program;
  double sum = 0, square = 0;
  *count = 0;
  for (int i = 0; i < e->weights && glob_is_short(glob); i++) {
    const Weight *w = &e->weight[i];
    const Type *type = &w->variable->type;
    if (w->variable->role != VARIABLE_WEIGHT || (strcmp(glob, w->model) && !glob_match(glob, w->canonical)))
      continue;
    int64_t elements = type_count(type);
    for (int64_t k = 0; k < elements; k++) {
      double x = type->dtype == DTYPE_F64 ? ((const double *)w->variable->data)[k]
                                          : (double)((const float *)w->variable->data)[k];
      sum += x;
      square += x * x;
    }
    *count += (double)elements;
  }
  *norm = sqrt(square);
  *mean = *count > 0 ? sum / *count : 0;
  return *count > 0;
}

static const Plain *show_record(void *owner, int64_t row) {
  TrainHooks *h = owner;
  if (!h->records || h->records_made++ % RECORDS == 0) {
    arena_free(h->records);
    h->records = arena_new(0);
  }
  Plain *record = ARENA_NEW(h->records, Plain);
  *record = row_record(h->records, h->task->train->data->table, h->rows->row[row]);
  return record;
}

// ---- what it asks for ---------------------------------------------------------------------------------------------

static bool is_name(const char *name, const char *signs) {
  size_t length = strlen(name);
  for (size_t i = 0; i < length; i++) {
    char c = name[i];
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!letter && !strchr(signs, c)) return false;
  }
  return length > 0 && length <= 40;
}

static bool take_log(void *owner, const char *name, double value) {
  TrainHooks *h = owner;
  if (!is_name(name, "_.-")) return false;
  report_logged(h->session->report, h->task->name, h->context.step, name, value);
  if (!h->log && h->logged == 0 && h->log_path) h->log = fopen(h->log_path, "w");
  if (h->log && h->logged == 0) h->logged += fprintf(h->log, "step,name,value\n");
  if (h->log && h->logged < LOG_LIMIT)
    h->logged += isnan(value) // without the sign that some processors give it
                     ? fprintf(h->log, "%lld,%s,nan\n", (long long)h->context.step, name)
                     : fprintf(h->log, "%lld,%s,%.9g\n", (long long)h->context.step, name, value);
  return true;
}

static Mark *find_mark(TrainHooks *h, const char *name) {
  for (int i = 0; i < h->marks; i++)
    if (!strcmp(h->mark[i].name, name)) return &h->mark[i];
  return NULL;
}

static const char *ask_mark(void *owner, const char *name) {
  TrainHooks *h = owner;
  if (!is_name(name, "_-")) return "a checkpoint is named by letters, digits, _ and -, at most 40 of them";
  if (!strcmp(name, "epoch") || !strcmp(name, "best") || !strcmp(name, "last"))
    return "epoch, best and last are names of the run's own checkpoints";
  if (h->mark_asked && strcmp(h->mark_asked, name)) return "one call can make one checkpoint";
  if (!find_mark(h, name) && h->marks == MARKS) return "a run holds at most 7 named checkpoints";
  h->mark_asked = arena_copy(h->session->arena, name, strlen(name));
  return NULL;
}

static const char *ask_rewind(void *owner, const char *name) {
  TrainHooks *h = owner;
  bool coming = h->mark_asked && !strcmp(h->mark_asked, name);
  if (!coming && (!find_mark(h, name) || !find_mark(h, name)->memory))
    return "there is no checkpoint of that name; ctx.checkpoint(name) makes one, and \"epoch\" is the begin "
           "of "
           "the epoch";
  h->rewind_asked = arena_copy(h->session->arena, name, strlen(name));
  return NULL;
}

static double *chances_copy(const TrainHooks *h, const double *chance) {
  if (!chance) return NULL;
  double *copy = memory_alloc((size_t)h->rows->count + 1, sizeof(double));
  memcpy(copy, chance, sizeof(double) * (size_t)h->rows->count);
  return copy;
}

static const char *ask_chances(void *owner, const double *chance, int64_t count) {
  TrainHooks *h = owner;
  double sum = 0;
  for (int64_t i = 0; i < count; i++) sum += chance[i];
  if (!h->rows) return "the task has no table";
  if (!(sum > 0)) return "all rows have the weight 0";
  memory_free(h->next.chance);
  h->next.chance = chances_copy(h, chance);
  return NULL;
}

static const char *ask_limit(void *owner, int64_t rows) {
  TrainHooks *h = owner;
  if (!h->rows) return "the task has no table";
  if (rows < 1) return "at least one row is needed";
  h->next.most = rows;
  return NULL;
}

// ---- open and close -----------------------------------------------------------------------------------------------

static void numbers_open(TrainHooks *h, int64_t batches) {
  const TaskHooks *task = h->task->hooks;
  h->width = 1 + 2 * task->rates;
  h->number = memory_alloc((size_t)h->width, sizeof(double));
  h->record = memory_alloc((size_t)(batches * (h->width + 1)) + 1, sizeof(double));
  h->used = memory_alloc((size_t)task->rates + 1, sizeof(double));
  if (task->clip) task->clip->data = &h->number[0];
  for (int i = 0; i < task->rates; i++) {
    task->rate[i].times->data = &h->number[1 + 2 * i];
    task->rate[i].plus->data = &h->number[2 + 2 * i];
  }
}

static void context_open(TrainHooks *h) {
  h->context = (HookContext){.task = h->task->name,
                             .seed = h->task->settings.seed,
                             .owner = h,
                             .rates = h->task->hooks->rates,
                             .rows = h->rows ? h->rows->count : 0,
                             .rate = show_rate,
                             .has_rate = has_rate,
                             .numbers = show_numbers,
                             .config = show_config,
                             .weights = show_weights,
                             .record = show_record,
                             .log = take_log,
                             .checkpoint = ask_mark,
                             .rewind = ask_rewind,
                             .set_weights = ask_chances,
                             .limit = ask_limit,
                             .loss = NAN,
                             .grad_norm = NAN,
                             .best = NAN};
  h->context.lr = memory_alloc((size_t)h->task->hooks->rates + 1, sizeof(double));
  train_hooks_done(h);
  h->stepped = false;
}

TrainHooks *train_hooks_open(Session *session, Task *task, Runner *train, const Part *rows, int64_t batches,
                             const char *folder) {
  HookOptions options = {.arena = session->arena,
                         .problems = session->problems,
                         .at = task->hooks->at,
                         .folder = task->hooks->folder,
                         .seed = task->settings.seed};
  Hooks *script = hooks_open(&options, task->hooks->path);
  if (!script) return NULL;
  TrainHooks *h = memory_alloc(1, sizeof(TrainHooks));
  *h = (TrainHooks){.session = session, .task = task, .script = script, .train = train, .rows = rows};
  h->config = config_of(session);
  h->log_path = folder ? arena_printf(session->arena, "%s/hooks.csv", folder) : NULL;
  h->measured = ARENA_ARRAY(session->arena, ReportNumber, task->train->measures + 1);
  h->batch = ARENA_ARRAY(session->arena, double, task->train->measures + 1);
  for (int i = 0; i < task->train->measures; i++) h->batch[i] = NAN;
  h->mark[h->marks++].name = "epoch";
  numbers_open(h, batches);
  schedule_open(h);
  context_open(h);
  return h;
}

void train_hooks_close(TrainHooks *h, RowOrder *order) {
  if (!h) return;
  if (h->reach_known) order->reach = h->program_reach;
  hooks_close(h->script);
  if (h->log) fclose(h->log);
  h->session->backend->forget(h->session->backend, h->schedule);
  arena_free(h->schedule_arena);
  arena_free(h->records);
  for (int i = 0; i < h->marks; i++) {
    if (i > 0) memory_free(h->mark[i].memory);
    memory_free(h->mark[i].mean);
    memory_free(h->mark[i].chance);
  }
  memory_free(h->number);
  memory_free(h->record);
  memory_free(h->used);
  memory_free(h->context.lr);
  memory_free(h->now.chance);
  memory_free(h->next.chance);
  memory_free(h->reach);
  memory_free(h);
}

// ---- calls --------------------------------------------------------------------------------------------------------

HookContext *train_hooks_context(TrainHooks *h) { return &h->context; }

void train_hooks_numbers(TrainHooks *h, bool valid, const ReportNumber *numbers, int count) {
  if (valid)
    h->validated = numbers, h->validateds = count;
  else
    h->trained = numbers, h->traineds = count;
}

bool train_hooks_has(const TrainHooks *h, HookKind kind) { return h && hooks_has(h->script, kind); }

bool train_hooks_call(TrainHooks *h, HookKind kind) {
  h->mark_asked = h->rewind_asked = NULL;
  h->context.stop = NULL;
  if (kind == HOOK_BEFORE_STEP) h->stepped = false;
  return hooks_call(h->script, kind, &h->context);
}

const char *train_hooks_log(const TrainHooks *h) { return h && h->log ? h->log_path : NULL; }
const char *train_hooks_mark_asked(const TrainHooks *h) { return h->mark_asked; }
const char *train_hooks_rewind_asked(const TrainHooks *h) { return h->rewind_asked; }

// ---- steps --------------------------------------------------------------------------------------------------------

bool train_hooks_apply(TrainHooks *h, int64_t batch) {
  double scale = scale_of(h), *kept = h->record + batch * (h->width + 1);
  double clip = h->task->settings.clip > 0 ? h->task->settings.clip : (double)INFINITY;
  h->number[0] = isnan(h->context.clip) ? clip : h->context.clip;
  bool shown = train_hooks_has(h, HOOK_AFTER_STEP);
  for (int i = 0; i < h->context.rates; i++) {
    bool given = !isnan(h->context.lr[i]);
    h->number[1 + 2 * i] = given ? 0 : scale;
    h->number[2 + 2 * i] = given ? h->context.lr[i] * scale : 0;
    if (shown) h->used[i] = given ? h->context.lr[i] * scale : rate_of_program(h, i) * scale;
  }
  memcpy(kept, h->number, sizeof(double) * (size_t)h->width);
  kept[h->width] = h->context.skip;
  return h->context.skip;
}

bool train_hooks_repeat(TrainHooks *h, int64_t batch) {
  const double *kept = h->record + batch * (h->width + 1);
  memcpy(h->number, kept, sizeof(double) * (size_t)h->width);
  return kept[h->width] != 0;
}

void train_hooks_done(TrainHooks *h) {
  h->context.lr_scale = h->context.clip = NAN;
  h->context.skip = false;
  for (int i = 0; i < h->context.rates; i++) h->context.lr[i] = NAN;
  h->stepped = true;
}

// ---- rows ---------------------------------------------------------------------------------------------------------

int64_t train_hooks_limit(const TrainHooks *h) { return h->next.most; }

Mark *train_hooks_mark(TrainHooks *h, const char *name, const Position *at) {
  Mark *mark = find_mark(h, name);
  if (!mark) mark = &h->mark[h->marks++];
  const Draw *draw = at->begun ? &h->now : &h->next;
  mark->name = name;
  mark->at = *at;
  memory_free(mark->chance);
  mark->chance = chances_copy(h, draw->chance);
  mark->most = draw->most;
  return mark;
}

const Mark *train_hooks_find(TrainHooks *h, const char *name) { return find_mark(h, name); }

int train_hooks_marks(const TrainHooks *h) { return h->marks; }
const Mark *train_hooks_mark_at(const TrainHooks *h, int i) { return &h->mark[i]; }

Mark *train_hooks_mark_restore(TrainHooks *h, const char *name, const Position *at, const double *chance,
                               int64_t most) {
  Mark *mark = find_mark(h, name);
  if (!mark && (h->marks == MARKS || !is_name(name, "_-"))) return NULL;
  if (!mark) {
    mark = &h->mark[h->marks++];
    mark->name = arena_copy(h->session->arena, name, strlen(name));
  }
  mark->at = *at;
  memory_free(mark->chance);
  mark->chance = chances_copy(h, chance);
  mark->most = most;
  return mark;
}

/* The order draws by the chances of `now`; how many rows. */
static int64_t rows_now(TrainHooks *h, RowOrder *order) {
  if (!h->reach_known) h->program_reach = order->reach;
  h->reach_known = true;
  order->reach = h->program_reach;
  int64_t rows = h->rows->count;
  if (h->now.chance) {
    if (!h->reach) h->reach = memory_alloc((size_t)rows + 1, sizeof(double));
    double sum = 0;
    for (int64_t i = 0; i < rows; i++) h->reach[i] = sum += h->now.chance[i];
    order->reach = h->reach;
  }
  order->pass = -1; // made anew
  return h->now.most && h->now.most < rows ? h->now.most : rows;
}

int64_t train_hooks_rows_again(TrainHooks *h, RowOrder *order) { return h->rows ? rows_now(h, order) : 1; }

int64_t train_hooks_rows(TrainHooks *h, RowOrder *order, const Mark *again) {
  if (!h->rows) return 1;
  if (again) {
    memory_free(h->next.chance);
    h->next = (Draw){chances_copy(h, again->chance), again->most};
  }
  memory_free(h->now.chance);
  h->now = h->next;
  h->next = (Draw){0};
  return rows_now(h, order);
}

// ---- what a checkpoint asks ---------------------------------------------------------------------------------------

const Source *train_hooks_source(const TrainHooks *h) { return hooks_source(h->script); }

void train_hooks_ran(TrainHooks *h) {
  const Pass *pass = h->task->train;
  for (int i = 0; i < pass->measures; i++)
    if (pass->measure[i].kind == MEASURE_METRIC) h->batch[i] = runner_number(h->train, pass->measure[i].name);
}

int train_hooks_validated(const TrainHooks *h) { return h->validateds; }

double *train_hooks_record(TrainHooks *h, int64_t *a_batch) {
  *a_batch = h->width + 1;
  return h->record;
}

/* What hooks see of the last step. */
static Plain seen_plain(TrainHooks *h, Arena *arena) {
  Plain seen = plain_table(), used = plain_table(), metrics = plain_table();
  const Pass *pass = h->task->train;
  for (int i = 0; i < h->context.rates; i++)
    plain_add(arena, &used, plain_integer(i + 1), plain_number(h->used[i]));
  for (int i = 0; i < pass->measures; i++)
    plain_add(arena, &metrics, plain_integer(i + 1), plain_number(h->batch[i]));
  if (h->log) fflush(h->log);
  plain_set(arena, &seen, "grad_norm", plain_number(h->context.grad_norm));
  plain_set(arena, &seen, "logged", plain_integer(h->logged));
  plain_set(arena, &seen, "metrics", metrics);
  plain_set(arena, &seen, "stepped", plain_bool(h->stepped));
  plain_set(arena, &seen, "used", used);
  return seen;
}

/* The file of logged numbers as it was: what came later is dropped. */
static void log_reopen(TrainHooks *h, int64_t logged) {
  if (h->log) fclose(h->log);
  h->log = logged > 0 && h->log_path ? fopen(h->log_path, "r+") : NULL;
  h->logged = logged;
  if (h->log && (ftruncate(fileno(h->log), (off_t)logged) != 0 || fseek(h->log, 0, SEEK_END) != 0)) {
    fclose(h->log);
    h->log = NULL;
  }
}

static bool numbers_take(const Plain *from, const char *name, double *into, int count) {
  const Plain *list = plain_get(from, name);
  if (!list || list->kind != PLAIN_TABLE || list->u.table.count != (size_t)count) return false;
  for (int i = 0; i < count; i++) {
    if (list->u.table.value[i].kind != PLAIN_NUMBER) return false;
    into[i] = list->u.table.value[i].u.number;
  }
  return true;
}

// ---- state --------------------------------------------------------------------------------------------------------

/* Equal chances side by side are one pair: count, chance. */
static Plain chances_plain(const TrainHooks *h, Arena *arena, const Draw *draw) {
  Plain runs = plain_table(), out = plain_table();
  int64_t number = 1;
  for (int64_t i = 0; draw->chance && i < h->rows->count;) {
    int64_t k = i + 1;
    while (k < h->rows->count && draw->chance[k] == draw->chance[i]) k++;
    plain_add(arena, &runs, plain_integer(number++), plain_integer(k - i));
    plain_add(arena, &runs, plain_integer(number++), plain_number(draw->chance[i]));
    i = k;
  }
  plain_set(arena, &out, "chance", runs);
  plain_set(arena, &out, "most", plain_integer(draw->most));
  return out;
}

bool train_hooks_state_write(TrainHooks *h, Text *out) {
  Arena *arena = arena_new(0);
  Plain all = plain_table(), rates = plain_table();
  for (int i = 0; i < h->context.rates; i++)
    plain_add(arena, &rates, plain_integer(i + 1), plain_number(h->context.lr[i]));
  plain_set(arena, &all, "attempt", plain_integer(h->context.attempt));
  plain_set(arena, &all, "clip", plain_number(h->context.clip));
  plain_set(arena, &all, "lr", rates);
  plain_set(arena, &all, "lr_scale", plain_number(h->context.lr_scale));
  plain_set(arena, &all, "next", chances_plain(h, arena, &h->next));
  plain_set(arena, &all, "now", chances_plain(h, arena, &h->now));
  plain_set(arena, &all, "seen", seen_plain(h, arena));
  plain_set(arena, &all, "skip", plain_bool(h->context.skip));
  text_add(out, STATE_MARK);
  plain_write(&all, out);
  text_add(out, "\n");
  arena_free(arena);
  return hooks_state_write(h->script, out);
}

static double number_of(const Plain *table, const char *name) {
  const Plain *plain = plain_get(table, name);
  return plain && plain->kind == PLAIN_NUMBER    ? plain->u.number
         : plain && plain->kind == PLAIN_INTEGER ? (double)plain->u.integer
                                                 : (double)NAN;
}

static bool chances_read(const TrainHooks *h, const Plain *from, Draw *out) {
  const Plain *runs = from ? plain_get(from, "chance") : NULL;
  int64_t rows = h->rows ? h->rows->count : 0, at = 0;
  if (!runs || runs->kind != PLAIN_TABLE) return false;
  *out = (Draw){NULL, (int64_t)number_of(from, "most")};
  if (runs->u.table.count == 0) return true;
  out->chance = memory_alloc((size_t)rows + 1, sizeof(double));
  for (size_t i = 0; i + 1 < runs->u.table.count; i += 2) {
    const Plain *count = &runs->u.table.value[i], *chance = &runs->u.table.value[i + 1];
    if (count->kind != PLAIN_INTEGER || chance->kind != PLAIN_NUMBER || count->u.integer > rows - at) break;
    for (int64_t k = 0; k < count->u.integer; k++) out->chance[at++] = chance->u.number;
  }
  if (at == rows) return true;
  memory_free(out->chance);
  out->chance = NULL;
  return false;
}

static bool seen_take(TrainHooks *h, const Plain *seen) {
  if (!seen || seen->kind != PLAIN_TABLE || !numbers_take(seen, "used", h->used, h->context.rates) ||
      !numbers_take(seen, "metrics", h->batch, h->task->train->measures))
    return false;
  const Plain *stepped = plain_get(seen, "stepped"), *logged = plain_get(seen, "logged");
  if (!stepped || stepped->kind != PLAIN_BOOL || !logged || logged->kind != PLAIN_INTEGER ||
      logged->u.integer < 0)
    return false;
  h->context.grad_norm = number_of(seen, "grad_norm");
  h->stepped = stepped->u.truth;
  if (logged->u.integer != h->logged) log_reopen(h, logged->u.integer);
  return true;
}

static bool state_take(TrainHooks *h, const Plain *all) {
  const Plain *rates = plain_get(all, "lr"), *skip = plain_get(all, "skip");
  Draw now, next;
  if (!rates || rates->kind != PLAIN_TABLE || rates->u.table.count != (size_t)h->context.rates || !skip ||
      !chances_read(h, plain_get(all, "now"), &now))
    return false;
  if (!chances_read(h, plain_get(all, "next"), &next)) {
    memory_free(now.chance);
    return false;
  }
  memory_free(h->now.chance);
  memory_free(h->next.chance);
  h->now = now;
  h->next = next;
  if (!seen_take(h, plain_get(all, "seen"))) return false;
  h->context.attempt = (int64_t)number_of(all, "attempt");
  h->context.clip = number_of(all, "clip");
  h->context.lr_scale = number_of(all, "lr_scale");
  h->context.skip = skip->u.truth;
  for (int i = 0; i < h->context.rates; i++) h->context.lr[i] = rates->u.table.value[i].u.number;
  return true;
}

bool train_hooks_state_read(TrainHooks *h, const char *bytes, size_t length) {
  size_t mark = strlen(STATE_MARK);
  const char *end = memchr(bytes, '\n', length);
  if (!end || length < mark || memcmp(bytes, STATE_MARK, mark)) return false;
  Arena *arena = arena_new(0);
  Plain all;
  size_t line = (size_t)(end - bytes);
  bool ok = plain_read(arena, bytes + mark, line - mark, &all) && all.kind == PLAIN_TABLE &&
            state_take(h, &all) && hooks_state_read(h->script, end + 1, length - line - 1);
  arena_free(arena);
  return ok;
}
