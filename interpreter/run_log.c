/* Writing the record of a run: a document when it begins, lines while it goes. */
#include "interpreter/run_log.h"

#include "base/crc32c.h"
#include "interpreter/formats/json_document.h"
#include "interpreter/formats/runs.h"
#include "interpreter/formats/save.h"
#include "lang/problems.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINES_A_RUN  256 // fingerprints, but for the powers of two
#define RECORD_LIMIT ((size_t)256 << 20)
#define LOG_LIMIT    ((int64_t)4 << 20) // bytes of lines of epochs; fingerprints go on to the end

struct RunLog {
  FILE *file; // NULL: it cannot be written
  int64_t every, steps, length;
};

RunLog *run_log_open(Session *session, const char *folder, int64_t steps, int64_t length) {
  RunLog *log = memory_alloc(1, sizeof(RunLog));
  const char *path = arena_printf(session->arena, "%s/log.jsonl", folder);
  *log = (RunLog){.every = 1, .steps = steps, .length = length};
  while (log->every * LINES_A_RUN < steps) log->every *= 2;
  log->file = fopen(path, length ? "r+" : "w");
  if (!log->file) return log;
  bool cut = ftruncate(fileno(log->file), (off_t)length) == 0 && fseek(log->file, 0, SEEK_END) == 0;
  if (cut) return log;
  fclose(log->file);
  log->file = NULL;
  return log;
}

void run_log_close(RunLog *log) {
  if (log && log->file) fclose(log->file);
  memory_free(log);
}

int64_t run_log_length(RunLog *log) { return log->length; }
bool run_log_is_open(const RunLog *log) { return log->file != NULL; }

static void line_out(RunLog *log, Text *line) {
  text_add(line, "}\n");
  if (log->file && fwrite(line->bytes, 1, line->length, log->file) == line->length && fflush(log->file) == 0)
    log->length += (int64_t)line->length;
  text_free(line);
}

static void number_add(Text *line, const char *name, double value) {
  text_add(line, ", ");
  json_quote(line, name);
  if (isfinite(value))
    text_printf(line, ": %.17g", value);
  else
    text_add(line, ": null");
}

static uint32_t fingerprint(const Session *session) {
  const Elaborator *e = session->program;
  uint32_t print = 0;
  for (int i = 0; i < e->weights; i++) {
    const Type *type = &e->weight[i].variable->type;
    print = crc32c(print, e->weight[i].variable->data, (size_t)type_count(type) * dtype_size(type->dtype));
  }
  return print;
}

void run_log_step(RunLog *log, Session *session, int64_t step, double loss) {
  if ((step & (step - 1)) && step % log->every && step != log->steps) return;
  Text line = {0};
  text_printf(&line, "{\"step\": %lld, \"fingerprint\": \"%08x\"", (long long)step, fingerprint(session));
  number_add(&line, "loss", loss);
  line_out(log, &line);
}

void run_log_told(RunLog *log, const ReportEpoch *told) {
  if (log->length > LOG_LIMIT) return;
  Text line = {0};
  text_printf(&line, "{\"epoch\": %lld, \"step\": %lld", (long long)told->epoch, (long long)told->step);
  for (int i = 0; i < told->trains; i++) number_add(&line, told->train[i].name, told->train[i].value);
  for (int i = 0; i < told->valids; i++) {
    Text name = {0};
    text_printf(&name, "valid.%s", told->valid[i].name);
    number_add(&line, text_string(&name), told->valid[i].value);
    text_free(&name);
  }
  line_out(log, &line);
}

// ---- run.json -----------------------------------------------------------------------------------------------------

static void sources_add(cJSON *record, const Elaborator *e, const Task *task, Problems *problems) {
  cJSON *list = cJSON_AddArrayToObject(record, "sources");
  for (int i = 0; i < e->sources; i++) {
    cJSON *item = cJSON_CreateObject();
    cJSON_AddStringToObject(item, "path", e->source[i]->path);
    cJSON_AddStringToObject(item, "text", e->source[i]->text);
    cJSON_AddItemToArray(list, item);
  }
  size_t length;
  char *text = task->settings.hooks
                   ? file_read(problems, (Span){0}, task->settings.hooks, SOURCE_LIMIT, &length)
                   : NULL;
  if (!text) return;
  cJSON *item = cJSON_CreateObject();
  cJSON_AddStringToObject(item, "path", task->settings.hooks);
  cJSON_AddStringToObject(item, "text", text);
  cJSON_AddItemToArray(list, item);
  memory_free(text);
}

static cJSON *run_document(Session *session, const Task *task, int64_t steps) {
  const Options *options = session->options;
  const Elaborator *e = session->program;
  cJSON *record = cJSON_CreateObject();
  cJSON_AddStringToObject(record, "lathe", LATHE_VERSION);
  cJSON_AddStringToObject(record, "program", e->program_path);
  if (options->root) cJSON_AddStringToObject(record, "root", options->root);
  cJSON_AddStringToObject(record, "task", task->name);
  cJSON *before = cJSON_AddArrayToObject(record, "before");
  for (int i = 0; i < session->dones; i++) cJSON_AddItemToArray(before, cJSON_CreateString(session->done[i]));
  cJSON *set = cJSON_AddArrayToObject(record, "set");
  for (int i = 0; i < options->sets; i++) cJSON_AddItemToArray(set, cJSON_CreateString(options->set[i]));
  cJSON_AddNumberToObject(record, "seed", (double)options->seed);
  cJSON_AddBoolToObject(record, "seed_given", options->seed_given);
  if (options->hooks) cJSON_AddStringToObject(record, "hooks", options->hooks);
  if (task->settings.keep) {
    Text keep = {0};
    text_printf(&keep, "valid.%s", task->settings.keep);
    cJSON_AddStringToObject(record, "keep", text_string(&keep));
    cJSON_AddBoolToObject(record, "keep_least", task->settings.keep_least);
    text_free(&keep);
  }
  if (options->precision) cJSON_AddStringToObject(record, "precision", options->precision);
  bool cpu = !strcmp(session->backend->name, "cpu");
  cJSON_AddStringToObject(record, "backend", session->backend->name);
  cJSON_AddStringToObject(record, "device", cpu ? cpu_describe(session->backend) : session->backend->name);
  cJSON_AddNumberToObject(record, "steps", (double)steps);
  cJSON_AddNumberToObject(record, "started", (double)time(NULL));
  sources_add(record, e, task, session->problems);
  return record;
}

bool run_record_write(Session *session, const Task *task, const char *folder, int64_t steps) {
  cJSON *record = run_document(session, task, steps);
  char *text = cJSON_Print(record);
  if (!text) memory_full(0);
  Arena *arena = arena_new(0);
  SaveFile *file = save_begin(session->problems, arena_printf(arena, "%s/run.json", folder), 0);
  if (file) {
    save_write(file, text, strlen(text));
    save_write(file, "\n", 1);
  }
  bool ok = file && save_commit(file, session->problems);
  arena_free(arena);
  cJSON_free(text);
  cJSON_Delete(record);
  return ok;
}

// ---- reading ------------------------------------------------------------------------------------------------------

static const char *text_of(Arena *arena, const cJSON *object, const char *name) {
  const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
  return text ? arena_copy(arena, text, strlen(text)) : NULL;
}

static double number_of(const cJSON *object, const char *name) {
  const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
  return cJSON_IsNumber(item) ? item->valuedouble : (double)NAN;
}

static int64_t count_of(const cJSON *object, const char *name) {
  double number = number_of(object, name);
  return number >= 0 && number < 0x1p53 ? (int64_t)number : 0;
}

static void take_sources(RunRecord *run, Arena *arena, const cJSON *list) {
  int count = cJSON_GetArraySize(list);
  run->source = ARENA_ARRAY(arena, const char *, count + 1);
  run->text = ARENA_ARRAY(arena, const char *, count + 1);
  const cJSON *item;
  cJSON_ArrayForEach(item, list) {
    run->source[run->sources] = text_of(arena, item, "path");
    run->text[run->sources] = text_of(arena, item, "text");
    run->sources += run->source[run->sources] && run->text[run->sources];
  }
}

static bool take_record(RunRecord *run, Arena *arena, const cJSON *json) {
  run->path = text_of(arena, json, "program");
  run->root = text_of(arena, json, "root");
  run->task = text_of(arena, json, "task");
  run->device = text_of(arena, json, "backend");
  run->precision = text_of(arena, json, "precision");
  run->hooks = text_of(arena, json, "hooks");
  run->keep = text_of(arena, json, "keep");
  run->keep_least = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, "keep_least"));
  run->seed = (uint64_t)count_of(json, "seed");
  run->seed_given = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, "seed_given"));
  run->steps = count_of(json, "steps");
  run->started = number_of(json, "started");
  const cJSON *set = cJSON_GetObjectItemCaseSensitive(json, "set"),
              *before = cJSON_GetObjectItemCaseSensitive(json, "before"), *item;
  run->before = ARENA_ARRAY(arena, const char *, cJSON_GetArraySize(before) + 2);
  cJSON_ArrayForEach(item, before) if (cJSON_IsString(item)) run->before[run->befores++] =
      arena_copy(arena, item->valuestring, strlen(item->valuestring));
  run->set = ARENA_ARRAY(arena, const char *, cJSON_GetArraySize(set) + 1);
  cJSON_ArrayForEach(item, set) if (cJSON_IsString(item) && strchr(item->valuestring, '='))
      run->set[run->sets++] = arena_copy(arena, item->valuestring, strlen(item->valuestring));
  take_sources(run, arena, cJSON_GetObjectItemCaseSensitive(json, "sources"));
  return run->path && run->task && run->sources;
}

/* One line of the log. Hooks may go back: then what follows counts. */
static void take_line(RunRecord *run, Arena *arena, size_t *capacity, const cJSON *line) {
  const char *print = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(line, "fingerprint"));
  run->step = count_of(line, "step");
  if (print) {
    run->step_loss = number_of(line, "loss");
    while (run->prints && run->print[run->prints - 1].step >= run->step) run->prints--;
    run->print = arena_grow(arena, run->print, (size_t)run->prints, capacity, sizeof(Fingerprint));
    run->print[run->prints++] =
        (Fingerprint){run->step, number_of(line, "loss"), (uint32_t)strtoul(print, NULL, 16)};
    return;
  }
  double loss = number_of(line, "valid.loss"), value = run->keep ? number_of(line, run->keep) : (double)NAN;
  if (isnan(loss)) loss = number_of(line, "loss");
  if (!isnan(loss)) run->loss = loss;
  bool better = isnan(run->best) || (run->keep_least ? value < run->best : value > run->best);
  if (!isnan(value) && better) run->best = value;
}

static void take_log(RunRecord *run, Arena *arena) {
  FILE *file = fopen(arena_printf(arena, "%s/log.jsonl", run->folder), "r");
  char *line = NULL;
  size_t room = 0, capacity = 0;
  while (file && getline(&line, &room, file) > 0) {
    cJSON *json = strchr(line, '\n') ? cJSON_Parse(line) : NULL; // a line that is not whole is none
    if (json) take_line(run, arena, &capacity, json);
    cJSON_Delete(json);
  }
  free(line);
  if (file) fclose(file);
  if (isnan(run->loss)) run->loss = run->step_loss;
}

RunRecord *run_record_read(Arena *arena, Problems *problems, const char *folder) {
  RunRecord *run = ARENA_NEW(arena, RunRecord);
  size_t length = strlen(folder);
  while (length > 1 && folder[length - 1] == '/') length--;
  *run = (RunRecord){.folder = arena_copy(arena, folder, length), .loss = NAN, .step_loss = NAN, .best = NAN};
  const char *path = arena_printf(arena, "%s/run.json", run->folder);
  if (access(path, F_OK) != 0) return problem_no_run(problems, run->folder), NULL;
  char *text = file_read(problems, (Span){0}, path, RECORD_LIMIT, &length);
  if (!text) return NULL;
  JsonDocument document = {0};
  JsonFault fault = {DAMAGE_FIELD, NULL};
  bool ok = json_document_read(arena, text, length, false, &document, &fault) &&
            take_record(run, arena, document.root);
  if (!ok) problem_file_damaged(problems, (Span){0}, path, fault.damage, fault.where);
  if (document.root) cJSON_Delete(document.root);
  memory_free(text);
  if (!ok) return NULL;
  take_log(run, arena);
  run->finished = run_is_finished(run->folder);
  run->running = run_is_held(run->folder);
  return run;
}
