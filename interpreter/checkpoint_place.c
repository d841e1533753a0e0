/* Where a run stands, as lines `name value` of one text: counts, what was best so far, numbers that hooks can see.
 * A double is written with 17 digits, so it is read back with the same bits. */
#include "interpreter/checkpoint_parts.h"

#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

typedef enum { KIND_COUNT, KIND_TRUTH, KIND_REAL } Kind;

static const struct {
  const char *name;
  Kind kind;
  size_t at;
} field[] = {{"step", KIND_COUNT, offsetof(Training, step)},
             {"steps", KIND_COUNT, offsetof(Training, steps)},
             {"epoch", KIND_COUNT, offsetof(Training, epoch)},
             {"batch", KIND_COUNT, offsetof(Training, done)},
             {"begun", KIND_TRUTH, offsetof(Training, begun)},
             {"told", KIND_TRUTH, offsetof(Training, told)},
             {"stop", KIND_TRUTH, offsetof(Training, stop)},
             {"attempt", KIND_COUNT, offsetof(Training, attempt)},
             {"loss", KIND_REAL, offsetof(Training, loss)},
             {"best.value", KIND_REAL, offsetof(Training, best_value)},
             {"best.epoch", KIND_COUNT, offsetof(Training, best_epoch)},
             {"best.step", KIND_COUNT, offsetof(Training, best_step)},
             {"patience.best", KIND_REAL, offsetof(Training, last_stop)},
             {"patience.worse", KIND_COUNT, offsetof(Training, worse)},
             {"begin.step", KIND_COUNT, offsetof(Training, begin_at.step)},
             {"begin.epoch", KIND_COUNT, offsetof(Training, begin_at.epoch)},
             {"begin.batch", KIND_COUNT, offsetof(Training, begin_at.batch)},
             {"begin.steps", KIND_COUNT, offsetof(Training, begin_at.steps)}};
#define FIELDS (sizeof(field) / sizeof(*field))

static void numbers_add(Text *out, const char *name, const ReportNumber *number, int count) {
  for (int i = 0; i < count; i++) text_printf(out, "%s.%s %.17g\n", name, number[i].name, number[i].value);
}

void place_write(const Training *t, Bundle *bundle) {
  Text text = {0};
  for (size_t i = 0; i < FIELDS; i++) {
    const char *at = (const char *)t + field[i].at;
    if (field[i].kind == KIND_REAL)
      text_printf(&text, "%s %.17g\n", field[i].name, *(const double *)(const void *)at);
    else
      text_printf(&text, "%s %lld\n", field[i].name,
                  field[i].kind == KIND_TRUTH ? (long long)*(const bool *)at
                                              : (long long)*(const int64_t *)(const void *)at);
  }
  text_printf(&text, "seconds %.17g\nlog %lld\n", seconds_now() - t->run_start,
              (long long)run_log_length(t->log));
  numbers_add(&text, "result", t->session->result, t->session->results);
  if (t->hooks) numbers_add(&text, "valid", t->valid_numbers, train_hooks_validated(t->hooks));
  bundle_set_text(bundle, "place", text_string(&text));
  text_free(&text);
  if (!t->hooks) return;
  Text state = {0};
  if (train_hooks_state_write(t->hooks, &state)) bundle_set_text(bundle, "hooks", text_string(&state));
  text_free(&state);
}

/* The value of a line; NULL: there is none of that name. */
static const char *value_of(const char *text, const char *name) {
  size_t length = strlen(name);
  for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n')
    if (!strncmp(line, name, length) && line[length] == ' ') return line + length + 1;
  return NULL;
}

static bool count_read(const char *text, const char *name, int64_t *out) {
  const char *value = value_of(text, name);
  char *end;
  if (!value || *value == '\n') return false;
  errno = 0;
  *out = strtoll(value, &end, 10);
  return !errno && *end == '\n' && *out >= 0;
}

static bool real_read(const char *text, const char *name, double *out) {
  const char *value = value_of(text, name);
  char *end;
  if (!value || *value == '\n') return false;
  *out = strtod(value, &end);
  return *end == '\n';
}

/* Numbers `prefix.NAME`, at most `most`, their names in the arena. */
static int numbers_read(Arena *arena, const char *text, const char *prefix, ReportNumber *out, int most) {
  size_t length = strlen(prefix);
  int count = 0;
  for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
    if (strncmp(line, prefix, length) != 0 || line[length] != '.' || count == most) continue;
    const char *name = line + length + 1, *blank = strchr(name, ' ');
    if (!blank) continue;
    out[count++] = (ReportNumber){arena_copy(arena, name, (size_t)(blank - name)), strtod(blank + 1, NULL)};
  }
  return count;
}

/* Whether the counts can be those of this run. */
static bool place_fits(const Training *t) {
  return t->done <= t->batches_most && t->begin_at.batch <= t->batches_most && t->attempt <= REWINDS_LIMIT;
}

bool place_read(Training *t, const Bundle *bundle, const char **wrong) {
  const char *text = bundle_text(bundle, "place");
  *wrong = "place";
  for (size_t i = 0; i < FIELDS; i++) {
    char *at = (char *)t + field[i].at;
    int64_t count = 0;
    *wrong = field[i].name;
    if (field[i].kind == KIND_REAL ? !real_read(text, field[i].name, (double *)(void *)at)
                                   : !count_read(text, field[i].name, &count))
      return false;
    if (field[i].kind == KIND_COUNT) *(int64_t *)(void *)at = count;
    if (field[i].kind == KIND_TRUTH) *(bool *)at = count != 0;
  }
  double seconds;
  *wrong = "place";
  if (!place_fits(t) || !real_read(text, "seconds", &seconds) || !count_read(text, "log", &t->log_length))
    return false;
  t->run_start = seconds_now() - seconds;
  t->begin_at.begun = true;
  Session *session = t->session;
  int most = t->task->train->measures + 64;
  session->results = numbers_read(session->arena, text, "result", session->result, most);
  int valids = numbers_read(session->arena, text, "valid", t->valid_numbers, most);
  const char *state = bundle_text(bundle, "hooks");
  *wrong = "hooks";
  if (!t->hooks) return true;
  if (valids) train_hooks_numbers(t->hooks, true, t->valid_numbers, valids);
  return state && train_hooks_state_read(t->hooks, state, strlen(state));
}
