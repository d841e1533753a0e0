/* What a pass measures: means over rows, values of states, and how printed values look.
 *
 * A measure counts the batches in which its statement ran. The loss is the sum of what its parts came to, each over
 * the steps in which it was minimized. */
#include "interpreter/session.h"
#include "interpreter/show_value.h"
#include "lang/problems.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

void averages_clear(Average *mean, const Pass *pass) {
  memset(mean, 0, sizeof(*mean) * (size_t)pass->measures);
}

void averages_add(Runner *runner, const Pass *pass, Average *mean, int64_t rows) {
  for (int i = 0; i < pass->measures; i++) {
    const Measure *measure = &pass->measure[i];
    if (measure->stateful || !runner_active(runner, &measure->when)) continue;
    if (measure->active && runner_number(runner, measure->active) == 0) continue;
    mean[i].sum += runner_number(runner, measure->name) * (double)rows;
    mean[i].rows += (double)rows;
  }
}

static double average(Runner *runner, const Measure *measure, const Average *mean) {
  if (measure->stateful) return runner_number(runner, measure->name);
  return mean->rows > 0 ? mean->sum / mean->rows : NAN;
}

/* The sum of its parts that have run at all; without parts its own mean. */
static double loss_of(Runner *runner, const Pass *pass, const Average *mean, int loss) {
  double sum = 0;
  bool parts = false, any = false;
  for (int i = 0; i < pass->measures; i++) {
    if (pass->measure[i].kind != MEASURE_PART) continue;
    parts = true;
    if (mean[i].rows <= 0) continue;
    any = true;
    sum += mean[i].sum / mean[i].rows;
  }
  return parts ? (any ? sum : NAN) : average(runner, &pass->measure[loss], &mean[loss]);
}

int averages_read(Runner *runner, const Pass *pass, const Average *mean, ReportNumber *out) {
  int count = 0;
  runner_finish(runner);
  for (int turn = 0; turn < 2; turn++)
    for (int i = 0; i < pass->measures; i++) {
      const Measure *measure = &pass->measure[i];
      bool loss = !strcmp(measure->name, "loss");
      if (measure->kind != MEASURE_METRIC || loss != (turn == 0)) continue;
      out[count++] = (ReportNumber){measure->name, loss ? loss_of(runner, pass, mean, i)
                                                        : average(runner, measure, &mean[i])};
    }
  return count;
}

/* A side of a comparison on one line. */
static const char *side_text(Session *session, Runner *runner, const Measure *measure, const char *side,
                             const Value *value) {
  Text text = {0};
  const Type *type;
  const void *data = runner_value(runner, arena_printf(session->arena, "%s.%s", measure->name, side), &type);
  if (data)
    show_tensor(&text, type, data, value->kind == VALUE_TENSOR ? value->u.tensor.fitted : NULL,
                value->kind == VALUE_TENSOR && value->u.tensor.text);
  else
    value_print(value, &text);
  char *line = arena_copy(session->arena, text_string(&text), text.length);
  text_free(&text);
  for (char *end = line + strlen(line); end > line && end[-1] == '\n';) *--end = 0;
  return line;
}

bool expectations_hold(Session *session, Runner *runner, const Pass *pass, bool finished) {
  bool all = true;
  for (int i = 0; i < pass->measures; i++) {
    const Measure *measure = &pass->measure[i];
    if (measure->kind != MEASURE_EXPECT || measure->stateful != finished) continue;
    const bool *truth = runner_value(runner, measure->name, NULL);
    if (!truth || *truth) continue;
    all = false;
    problem_expectation(session->problems, measure->ast->span,
                        side_text(session, runner, measure, "left", measure->value),
                        measure->other ? side_text(session, runner, measure, "right", measure->other) : NULL);
  }
  return all;
}

void show_measure(Session *session, Runner *runner, const Measure *measure, const Average *mean) {
  Text text = {0};
  const Type *type;
  const Value *value = measure->value;
  const void *data = runner_value(runner, measure->name, &type);
  if (measure->label) text_printf(&text, "%s  ", measure->label);
  if (value->kind == VALUE_STRING)
    text_printf(&text, "%s\n", value->u.string.bytes);
  else if (!data) {
    value_print(value, &text);
    text_add(&text, "\n");
  } else if (type->rank == 0 && !measure->stateful && mean && dtype_is_float(type->dtype)) {
    text_printf(&text, "%.6g\n", mean->sum / mean->rows);
  } else if (value->kind == VALUE_TENSOR && value->u.tensor.image && dtype_is_float(type->dtype)) {
    show_image(&text, type, data, session->options->colour && isatty(1));
  } else
    show_tensor(&text, type, data, value->kind == VALUE_TENSOR ? value->u.tensor.fitted : NULL,
                value->kind == VALUE_TENSOR && value->u.tensor.text);
  report_result(session->report, text_string(&text));
  text_free(&text);
}
