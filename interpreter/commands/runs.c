/* runs, diff, replay: what runs were made, how two of them differ, and one of them again. */
#include "interpreter/formats/runs.h"
#include "interpreter/commands/command.h"
#include "interpreter/formats/save.h"
#include "interpreter/run_log.h"
#include "lang/problems.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <time.h>

// ---- runs ---------------------------------------------------------------------------------------------------------

/* The name of a program out of its file's. */
static const char *program_of(Arena *arena, const char *file) {
  const char *slash = strrchr(file, '/'), *start = slash ? slash + 1 : file, *dot = strrchr(start, '.');
  return arena_copy(arena, start, dot && dot > start ? (size_t)(dot - start) : strlen(start));
}

int command_runs(Invocation *call) {
  int count;
  const char *only = call->file ? program_of(call->arena, call->file) : NULL;
  const char **folder = run_list(call->arena, call->options.out ? call->options.out : ".", only, &count);
  double now = (double)time(NULL);
  int shown = 0;
  for (int i = 0; i < count; i++) {
    Problems *problems = problems_new(call->arena); // folders of another make are passed by
    const RunRecord *run = run_record_read(call->arena, problems, folder[i]);
    if (!run) continue;
    const char *state = run->running ? "running" : run->finished ? "finished" : "left";
    report_run(call->report, run->folder, state, run->step, run->steps, run->keep ? run->keep : "loss",
               run->keep ? run->best : run->loss, now - run->started);
    shown++;
  }
  if (!shown) report_line(call->report, "runs", "there are none here");
  return 0;
}

// ---- diff ---------------------------------------------------------------------------------------------------------

static const char *value_of(const RunRecord *run, const char *set, size_t length) {
  for (int i = run->sets - 1; i >= 0; i--)
    if (!strncmp(run->set[i], set, length + 1)) return run->set[i] + length + 1;
  return NULL;
}

static void side_by_side(Text *out, const char *name, const char *a, const char *b) {
  text_printf(out, "%-20s %-20s %s\n", name, a ? a : "-", b ? b : "-");
}

/* Settings of the command line that differ; how many. */
static int differ_settings(const RunRecord *a, const RunRecord *b, Arena *arena, Text *out) {
  const RunRecord *const both[] = {a, b};
  int differ = 0;
  for (int turn = 0; turn < 2; turn++)
    for (int i = 0; i < both[turn]->sets; i++) {
      const char *set = both[turn]->set[i];
      size_t length = strcspn(set, "=");
      const char *x = value_of(a, set, length), *y = value_of(b, set, length);
      if ((turn && x) || (x && y && !strcmp(x, y))) continue; // those of both are seen in the first turn
      side_by_side(out, arena_copy(arena, set, length), x, y);
      differ++;
    }
  if (a->seed != b->seed) {
    side_by_side(out, "--seed", arena_printf(arena, "%" PRIu64, a->seed),
                 arena_printf(arena, "%" PRIu64, b->seed));
    differ++;
  }
  if (strcmp(a->precision ? a->precision : "", b->precision ? b->precision : "") != 0) {
    side_by_side(out, "--precision", a->precision, b->precision);
    differ++;
  }
  return differ;
}

static const char *line_of(Arena *arena, const char *at) { return arena_copy(arena, at, strcspn(at, "\n")); }

/* Lines of the texts that differ, by their numbers, the first three. */
static bool differ_texts(const char *name, const char *a, const char *b, Arena *arena, Text *out) {
  if (!strcmp(a, b)) return false;
  int shown = 0;
  for (int line = 1; *a || *b; line++) {
    const char *x = line_of(arena, a), *y = line_of(arena, b);
    if (strcmp(x, y) != 0 && ++shown <= 3) text_printf(out, "%s:%d\n  - %s\n  + %s\n", name, line, x, y);
    a += strlen(x), b += strlen(y);
    a += *a == '\n', b += *b == '\n';
  }
  if (shown > 3) text_printf(out, "  … %d more lines\n", shown - 3);
  return true;
}

static bool differ_programs(const RunRecord *a, const RunRecord *b, Arena *arena, Text *out) {
  bool differ = a->sources != b->sources;
  for (int i = 0; i < a->sources && i < b->sources; i++)
    differ = differ_texts(a->source[i], a->text[i], b->text[i], arena, out) || differ;
  return differ;
}

/* The fingerprints of steps that both have: how many, and the first that differs; -1: none does. */
static int64_t first_difference(const RunRecord *a, const RunRecord *b, int *common, int64_t *same_to) {
  *common = 0;
  *same_to = 0;
  for (int i = 0, k = 0; i < a->prints && k < b->prints;) {
    int64_t x = a->print[i].step, y = b->print[k].step;
    if (x != y) {
      i += x < y;
      k += y < x;
      continue;
    }
    ++*common;
    if (a->print[i].print != b->print[k].print) return x;
    *same_to = x;
    i++, k++;
  }
  return -1;
}

static bool differ_steps(const RunRecord *a, const RunRecord *b, Text *out) {
  int common;
  int64_t same_to, first = first_difference(a, b, &common, &same_to);
  if (first < 0)
    text_printf(out, "weights              the same bits in %d fingerprints, to step %" PRId64 "\n", common,
                same_to);
  else
    text_printf(out, "weights              differ at step %" PRId64 ", the same to step %" PRId64 "\n", first,
                same_to);
  return first >= 0;
}

static void losses(const RunRecord *a, const RunRecord *b, Arena *arena, Text *out) {
  const RunRecord *const both[] = {a, b};
  const char *loss[2], *best[2], *step[2];
  for (int i = 0; i < 2; i++) {
    loss[i] = isnan(both[i]->loss) ? NULL : arena_printf(arena, "%.6g", both[i]->loss);
    best[i] = isnan(both[i]->best) ? NULL : arena_printf(arena, "%.6g", both[i]->best);
    step[i] = arena_printf(arena, "%" PRId64 "/%" PRId64, both[i]->step, both[i]->steps);
  }
  side_by_side(out, "steps", step[0], step[1]);
  side_by_side(out, "loss", loss[0], loss[1]);
  if (a->keep || b->keep)
    side_by_side(out, arena_printf(arena, "best %s", a->keep ? a->keep : b->keep), best[0], best[1]);
}

int command_diff(Invocation *call) {
  if (!call->file || call->words != 1) {
    problem_usage(call->problems, "diff", "RUN RUN");
    return 2;
  }
  const RunRecord *a = run_record_read(call->arena, call->problems, call->file),
                  *b = a ? run_record_read(call->arena, call->problems, call->word[0]) : NULL;
  if (!b) return failed(call);
  Text out = {0};
  side_by_side(&out, "", a->folder, b->folder);
  bool differ = differ_settings(a, b, call->arena, &out) > 0;
  differ = differ_programs(a, b, call->arena, &out) || differ;
  differ = differ_steps(a, b, &out) || differ;
  losses(a, b, call->arena, &out);
  report_result(call->report, text_string(&out));
  text_free(&out);
  return differ ? 1 : 0;
}

// ---- replay -------------------------------------------------------------------------------------------------------

/* Hooks are read from their file, which must be what it was. false after E0710. */
static bool scripts_same(Invocation *call, const RunRecord *run) {
  for (int i = 1; i < run->sources; i++) {
    size_t length = strlen(run->source[i]), size;
    if (length < 4 || strcmp(run->source[i] + length - 4, ".lua") != 0) continue;
    char *text = file_read(call->problems, (Span){0}, run->source[i], SOURCE_LIMIT, &size);
    if (!text) return false;
    bool same = !strcmp(text, run->text[i]);
    memory_free(text);
    if (same) continue;
    problem_run_changed(call->problems, run->source[i], "as run.json has it", "another text", run->folder,
                        false);
    return false;
  }
  return true;
}

/* What stands before runs/PROGRAM/TASK/N. */
static const char *out_of(Arena *arena, const char *folder) {
  size_t length = strlen(folder);
  for (int parts = 0; parts < 4; parts++) {
    while (length && folder[length - 1] != '/') length--;
    while (length && folder[length - 1] == '/') length--;
  }
  return length ? arena_copy(arena, folder, length) : folder[0] == '/' ? "/" : ".";
}

static void options_of(Arena *arena, const RunRecord *run, Options *options) {
  if (!options->out) options->out = out_of(arena, run->folder);
  options->root = run->root;
  options->set = run->set;
  options->sets = run->sets;
  options->seed = run->seed;
  options->seed_given = run->seed_given;
  options->precision = run->precision;
  options->hooks = run->hooks;
  options->device = run->device && !strcmp(run->device, "reference") ? "reference" : "cpu";
  options->held = run->source;
  options->held_text = run->text;
  options->helds = run->sources;
}

static int say_whether_same(Invocation *call, const RunRecord *was, const RunRecord *is) {
  int common;
  int64_t same_to, first = first_difference(was, is, &common, &same_to);
  if (first < 0)
    report_line(call->report, "replay", "the same bits in %d fingerprints, to step %lld", common,
                (long long)same_to);
  else
    report_line(call->report, "replay", "differs at step %lld; the same to step %lld", (long long)first,
                (long long)same_to);
  return first < 0 ? 0 : 1;
}

int command_replay(Invocation *call) {
  if (!call->file || call->words) {
    problem_usage(call->problems, "replay", "RUN");
    return 2;
  }
  const RunRecord *was = run_record_read(call->arena, call->problems, call->file);
  if (!was || !scripts_same(call, was)) return failed(call);
  options_of(call->arena, was, &call->options);
  was->before[was->befores] = was->task;
  call->word = was->before;
  call->words = was->befores + 1;
  call->file = was->path;
  int code = train_words(call);
  if (code || !call->run_folder) return code;
  const RunRecord *is = run_record_read(call->arena, call->problems, call->run_folder);
  return is ? say_whether_same(call, was, is) : failed(call);
}
