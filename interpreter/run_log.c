/* Writing the record of a run: a document when it begins, lines while it goes. */
#include "interpreter/run_log.h"

#include "base/crc32c.h"
#include "interpreter/formats/json_document.h"
#include "interpreter/formats/save.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINES_A_RUN 256                // fingerprints, but for the powers of two
#define LOG_LIMIT   ((int64_t)4 << 20) // bytes of lines of epochs; fingerprints go on to the end

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
  cJSON *set = cJSON_AddArrayToObject(record, "set");
  for (int i = 0; i < options->sets; i++) cJSON_AddItemToArray(set, cJSON_CreateString(options->set[i]));
  cJSON_AddNumberToObject(record, "seed", (double)options->seed);
  cJSON_AddBoolToObject(record, "seed_given", options->seed_given);
  if (options->precision) cJSON_AddStringToObject(record, "precision", options->precision);
  bool cpu = !strcmp(session->backend->name, "cpu");
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
