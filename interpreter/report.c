/* Lines for people and events for programs, side by side, so that neither is forgotten. */
#include "interpreter/report.h"

#include "interpreter/formats/json_document.h"
#include "interpreter/formats/number_text.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define STEP_TIMES 65536 // the last so many are kept for the median

#define SPARKS 10 // losses drawn behind an epoch's line

struct Report {
  bool json, quiet, colour, terminal, live;
  int drawn; // problems told as events
  double start, first_step, last_live;
  double history[SPARKS]; // the last losses, of validation where there is one
  const char *history_of; // the task they belong to
  int sparks;
  float *step_ms;
  int64_t steps;
};

double seconds_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double seconds_of_process(void) {
  // field 22 of /proc/self/stat: clock ticks after boot at which the process started
  FILE *file = fopen("/proc/self/stat", "r");
  char line[2048];
  double started = -1;
  if (file && fgets(line, sizeof(line), file)) {
    const char *p = strrchr(line, ')');
    for (int field = 2; p && field < 22; field++) p = strchr(p + 1, ' ');
    if (p) started = (double)strtoull(p + 1, NULL, 10) / (double)sysconf(_SC_CLK_TCK);
  }
  if (file) fclose(file);
  struct timespec t;
  clock_gettime(CLOCK_BOOTTIME, &t);
  return started < 0 ? 0 : (double)t.tv_sec + 1e-9 * (double)t.tv_nsec - started;
}

Report *report_new(bool json, bool quiet, bool colour) {
  Report *report = memory_alloc(1, sizeof(Report));
  *report = (Report){
      .json = json, .quiet = quiet, .colour = colour, .terminal = isatty(2) && !json, .start = seconds_now()};
  report->step_ms = memory_alloc(STEP_TIMES, sizeof(float));
  return report;
}

void report_free(Report *report) {
  memory_free(report->step_ms);
  memory_free(report);
}

bool report_json(const Report *report) { return report->json; }

static void clear_live(Report *report) {
  if (report->live) fputs("\r\033[K", stderr);
  report->live = false;
}

static void quote(Text *out, const char *text) { json_quote(out, text ? text : ""); }

static void number(Text *out, double value) {
  if (isfinite(value))
    text_printf(out, "%.9g", value);
  else
    text_add(out, "null");
}

static void emit(Text *event) {
  text_add(event, "}\n");
  fwrite(event->bytes, 1, event->length, stdout);
  fflush(stdout);
  text_free(event);
}

static void emit_problem(const Problem *p, Severity severity) {
  const Source *source = source_by_id(p->primary.span.source);
  int line = 0, column = 0;
  if (source) source_place(source, p->primary.span.start, &line, &column);
  Text event = {0};
  text_printf(&event, "{\"event\": \"problem\", \"severity\": \"%s\", \"code\": ",
              severity == SEVERITY_ERROR ? "error" : "warning");
  quote(&event, p->code);
  text_add(&event, ", \"file\": ");
  quote(&event, source ? source->path : "");
  text_printf(&event, ", \"line\": %d, \"column\": %d, \"message\": ", line, column);
  quote(&event, p->title);
  text_add(&event, ", \"help\": ");
  quote(&event, p->help);
  emit(&event);
}

void report_warnings(Report *report, Problems *problems) {
  clear_live(report);
  for (int i = 0; i < problems_total(problems); i++) {
    const Problem *p = problems_get(problems, i);
    if (report->json)
      emit_problem(p, SEVERITY_WARNING);
    else
      fprintf(stderr, "warning[%s]: %s\n", p->code, p->title);
  }
}

void report_problems(Report *report, Problems *problems) {
  clear_live(report);
  if (!report->json) {
    Text text = {0};
    problems_draw(problems, &text, report->colour);
    fputs(text_string(&text), stderr);
    text_free(&text);
    return;
  }
  for (; report->drawn < problems_total(problems); report->drawn++) {
    const Problem *p = problems_get(problems, report->drawn);
    emit_problem(p, p->severity);
  }
}

void report_line(Report *report, const char *label, const char *format, ...) {
  if (report->quiet || report->json) return;
  clear_live(report);
  va_list args;
  va_start(args, format);
  fprintf(stderr, "%-7s ", label);
  vfprintf(stderr, format, args);
  fputc('\n', stderr);
  va_end(args);
}

void report_result(Report *report, const char *text) {
  clear_live(report);
  if (!report->json) {
    fputs(text, stdout);
    fflush(stdout);
    return;
  }
  Text event = {0};
  text_add(&event, "{\"event\": \"print\", \"text\": ");
  quote(&event, text);
  emit(&event);
}

void report_saved(Report *report, const char *path) {
  if (!report->json) {
    report_line(report, "saved", "%s", path);
    return;
  }
  Text event = {0};
  text_add(&event, "{\"event\": \"saved\", \"path\": ");
  quote(&event, path);
  emit(&event);
}

static void emit_place(const char *event_name, const char *task, int64_t step, const char *path) {
  Text event = {0};
  text_printf(&event, "{\"event\": \"%s\", \"path\": ", event_name);
  quote(&event, path);
  text_add(&event, ", \"task\": ");
  quote(&event, task);
  text_printf(&event, ", \"step\": %" PRId64, step);
  emit(&event);
}

void report_checkpoint(Report *report, const char *task, int64_t step, const char *path) {
  if (report->json)
    emit_place("saved", task, step, path);
  else
    report_line(report, "saved", "step %" PRId64 "  %s", step, path);
}

void report_resumed(Report *report, const char *task, int64_t step, const char *path) {
  if (report->json)
    emit_place("resumed", task, step, path);
  else
    report_line(report, task, "goes on behind step %" PRId64 " of %s", step, path);
}

static void with_commas(char *out, size_t size, int64_t value) {
  char digits[32];
  int length = snprintf(digits, sizeof(digits), "%" PRId64, value);
  size_t k = 0;
  for (int i = 0; i < length && k + 2 < size; i++) {
    if (i && (length - i) % 3 == 0) out[k++] = ',';
    out[k++] = digits[i];
  }
  out[k] = 0;
}

void report_check(Report *report, int graphs, int64_t weights, double ms) {
  char count[48];
  with_commas(count, sizeof(count), weights);
  if (!report->json) {
    report_line(report, "check", "ok  %d graph%s, %s weight%s  %.0f ms", graphs, graphs == 1 ? "" : "s",
                count, weights == 1 ? "" : "s", ms);
    return;
  }
  Text event = {0};
  text_printf(&event, "{\"event\": \"check\", \"graphs\": %d, \"weights\": %" PRId64 ", \"ms\": %.3f", graphs,
              weights, ms);
  emit(&event);
}

void report_test(Report *report, const char *name, bool passed) {
  if (!report->json) {
    report_line(report, passed ? "passed" : "FAILED", "%s", name);
    return;
  }
  Text event = {0};
  text_add(&event, "{\"event\": \"test\", \"name\": ");
  quote(&event, name);
  text_printf(&event, ", \"passed\": %s", passed ? "true" : "false");
  emit(&event);
}

void report_trial(Report *report, const char *sweep, int64_t trial, int64_t trials, const char *values,
                  const char *metric, double value) {
  if (!report->json) {
    if (isnan(value))
      report_line(report, sweep, "%" PRId64 "/%" PRId64 "  failed  %s", trial, trials, values);
    else
      report_line(report, sweep, "%" PRId64 "/%" PRId64 "  valid.%s %.6g  %s", trial, trials, metric, value,
                  values);
    return;
  }
  Text event = {0};
  text_add(&event, "{\"event\": \"trial\", \"sweep\": ");
  quote(&event, sweep);
  text_printf(&event, ", \"trial\": %" PRId64 ", \"values\": ", trial);
  quote(&event, values);
  text_add(&event, ", \"metric\": ");
  quote(&event, metric);
  text_add(&event, ", \"value\": ");
  number(&event, value);
  emit(&event);
}

void report_start(Report *report, const char *task, int64_t steps, int64_t rows) {
  if (!report->json) return;
  Text event = {0};
  text_add(&event, "{\"event\": \"start\", \"task\": ");
  quote(&event, task);
  text_printf(&event, ", \"steps\": %" PRId64 ", \"rows\": %" PRId64, steps, rows);
  emit(&event);
}

void report_logged(Report *report, const char *task, int64_t step, const char *name, double value) {
  if (!report->json) return;
  Text event = {0};
  text_add(&event, "{\"event\": \"log\", \"task\": ");
  quote(&event, task);
  text_printf(&event, ", \"step\": %" PRId64 ", \"name\": ", step);
  quote(&event, name);
  text_add(&event, ", \"value\": ");
  number(&event, value);
  emit(&event);
}

static void add_numbers(Text *out, const ReportNumber *numbers, int count) {
  for (int i = 0; i < count; i++)
    text_printf(out, "%s%s %.4g", i ? "  " : "", numbers[i].name, numbers[i].value);
}

void report_progress(Report *report, const ReportEpoch *now, double rate) {
  if (!report->terminal || report->quiet) return;
  double t = seconds_now();
  if (t - report->last_live < 0.1) return;
  report->last_live = t;
  Text line = {0};
  int width = 24, full = now->steps > 0 ? (int)(width * now->step / now->steps) : 0;
  text_printf(&line, "\r\033[K%-7s ", now->task);
  for (int i = 0; i < width; i++) text_add(&line, i < full ? "━" : "╌");
  text_printf(&line, " %3.0f %%  epoch %" PRId64 "/%" PRId64 "  %.0f steps/s  ",
              100.0 * (double)now->step / (double)(now->steps ? now->steps : 1), now->epoch, now->epochs,
              rate);
  double left = rate > 0 ? (double)(now->steps - now->step) / rate : 0;
  text_printf(&line, "%d:%02d left  ", (int)left / 60, (int)left % 60);
  add_numbers(&line, now->train, now->trains);
  fputs(text_string(&line), stderr);
  fflush(stderr);
  text_free(&line);
  report->live = true;
}

static void json_numbers(Text *event, const ReportNumber *numbers, int count, bool first_comma) {
  for (int i = 0; i < count; i++) {
    text_add(event, i || first_comma ? ", " : "");
    quote(event, numbers[i].name);
    text_add(event, ": ");
    number(event, numbers[i].value);
  }
}

/* How the loss went, newest last: a bar for each of the last epochs, scaled from the least to the greatest. */
static void add_spark_line(Report *report, const ReportEpoch *epoch, Text *out) {
  static const char *const bars[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  if (report->history_of != epoch->task) report->sparks = 0;
  report->history_of = epoch->task;
  if (report->sparks == SPARKS)
    memmove(report->history, report->history + 1, sizeof(double) * (size_t)--report->sparks);
  report->history[report->sparks++] = epoch->valids ? epoch->valid[0].value : epoch->train[0].value;
  double least = INFINITY, most = -INFINITY;
  for (int i = 0; i < report->sparks; i++) {
    least = fmin(least, report->history[i]);
    most = fmax(most, report->history[i]);
  }
  if (report->sparks < 2 || !isfinite(most - least)) return;
  text_add(out, "  ");
  for (int i = 0; i < report->sparks; i++) {
    double share = most > least ? (report->history[i] - least) / (most - least) : 0;
    text_add(out, isfinite(share) ? bars[(int)(7 * share + 0.5)] : " ");
  }
}

void report_epoch(Report *report, const ReportEpoch *epoch) {
  if (report->json) {
    Text event = {0};
    text_add(&event, "{\"event\": \"epoch\", \"task\": ");
    quote(&event, epoch->task);
    text_printf(&event, ", \"epoch\": %" PRId64 ", \"step\": %" PRId64, epoch->epoch, epoch->step);
    json_numbers(&event, epoch->train, epoch->trains > 0, true);
    text_add(&event, ", \"metrics\": {");
    if (epoch->trains) json_numbers(&event, epoch->train + 1, epoch->trains - 1, false);
    text_add(&event, "}");
    if (epoch->valids) {
      text_add(&event, ", \"valid\": {");
      json_numbers(&event, epoch->valid, epoch->valids, false);
      text_add(&event, "}");
    }
    text_printf(&event, ", \"seconds\": %.6f", epoch->seconds);
    emit(&event);
    return;
  }
  Text line = {0};
  text_printf(&line, "epoch %" PRId64 "/%" PRId64 "  ", epoch->epoch, epoch->epochs);
  add_numbers(&line, epoch->train, epoch->trains);
  if (epoch->valids) {
    text_add(&line, " | valid ");
    add_numbers(&line, epoch->valid, epoch->valids);
  }
  text_printf(&line, "  %.2f s", epoch->seconds);
  if (epoch->trains) add_spark_line(report, epoch, &line);
  report_line(report, epoch->task, "%s", text_string(&line));
  text_free(&line);
}

void report_kept(Report *report, const char *task, int64_t epoch, const char *metric, double value,
                 const char *path) {
  if (!report->json) {
    report_line(report, "kept", "epoch %" PRId64 " (valid.%s %.4g)   %s", epoch, metric, value, path);
    return;
  }
  Text event = {0};
  text_add(&event, "{\"event\": \"kept\", \"task\": ");
  quote(&event, task);
  text_printf(&event, ", \"epoch\": %" PRId64 ", \"metric\": ", epoch);
  quote(&event, metric);
  text_add(&event, ", \"value\": ");
  number(&event, value);
  text_add(&event, ", \"path\": ");
  quote(&event, path);
  emit(&event);
}

void report_measures(Report *report, const char *task, const ReportNumber *numbers, int count, int64_t rows) {
  clear_live(report);
  Text text = {0};
  if (report->json) {
    text_add(&text, "{\"event\": \"eval\", \"task\": ");
    quote(&text, task);
    text_printf(&text, ", \"rows\": %" PRId64 ", \"metrics\": {", rows);
    json_numbers(&text, numbers, count, false);
    text_add(&text, "}");
    emit(&text);
    return;
  }
  text_printf(&text, "%-7s ", task);
  add_numbers(&text, numbers, count);
  text_printf(&text, "  (%" PRId64 " rows)\n", rows);
  report_result(report, text_string(&text));
  text_free(&text);
}

/* The largest unit that there is one of. */
static void age_text(char *out, size_t size, double seconds) {
  static const struct {
    double seconds;
    const char *name;
  } unit[] = {{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}};
  int i = 0;
  while (i < 3 && seconds < unit[i].seconds) i++;
  snprintf(out, size, "%.0f %s", floor(seconds / unit[i].seconds), unit[i].name);
}

void report_run(Report *report, const char *folder, const char *state, int64_t step, int64_t steps,
                const char *metric, double value, double age) {
  Text text = {0};
  if (report->json) {
    text_add(&text, "{\"event\": \"run\", \"folder\": ");
    quote(&text, folder);
    text_printf(&text,
                ", \"state\": \"%s\", \"step\": %" PRId64 ", \"steps\": %" PRId64 ", \"metric\": ", state,
                step, steps);
    quote(&text, metric);
    text_add(&text, ", \"value\": ");
    number(&text, value);
    text_printf(&text, ", \"age_s\": %.0f", age);
    emit(&text);
    return;
  }
  char old[32], done[64];
  age_text(old, sizeof old, age > 0 ? age : 0);
  snprintf(done, sizeof done, "%" PRId64 "/%" PRId64, step, steps);
  text_printf(&text, "%-28s %-9s %13s  ", folder, state, done);
  if (isnan(value))
    text_printf(&text, "%-24s", "");
  else
    text_printf(&text, "%-16s %-7.4g", metric, value);
  text_printf(&text, " %8s\n", old);
  report_result(report, text_string(&text));
  text_free(&text);
}

void report_step_time(Report *report, double ms) {
  report->step_ms[report->steps++ % STEP_TIMES] = (float)ms;
}

void report_first_step(Report *report) {
  if (report->first_step == 0) report->first_step = seconds_of_process();
}

static int by_size(const void *a, const void *b) {
  float x = *(const float *)a, y = *(const float *)b;
  return (x > y) - (x < y);
}

void report_done(Report *report, int exit_code) {
  if (!report->json) return;
  int64_t kept = report->steps < STEP_TIMES ? report->steps : STEP_TIMES;
  qsort(report->step_ms, (size_t)kept, sizeof(float), by_size);
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  Text event = {0};
  text_printf(&event, "{\"event\": \"done\", \"exit\": %d, \"steps\": %" PRId64, exit_code, report->steps);
  if (kept)
    text_printf(&event, ", \"step_ms\": {\"median\": %.6g, \"min\": %.6g}", (double)report->step_ms[kept / 2],
                (double)report->step_ms[0]);
  text_printf(&event, ", \"first_step_s\": %.4f, \"peak_rss_mib\": %.1f, \"seconds\": %.4f",
              report->first_step, (double)usage.ru_maxrss / 1024, seconds_now() - report->start);
  emit(&event);
}
