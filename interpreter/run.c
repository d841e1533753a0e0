/* eval, predict and task blocks: one pass over rows, or over nothing. */
#include "interpreter/formats/csv_write.h"
#include "interpreter/formats/save.h"
#include "interpreter/order.h"
#include "interpreter/saving.h"
#include "interpreter/show_value.h"
#include "lang/problems.h"

#include <math.h>
#include <string.h>

enum { PART_TASK = 3 };

static const Part *rows_of(Session *session, const Pass *pass) {
  if (!pass->data) return NULL;
  if (!table_load(pass->data->table, session->problems, pass->data->ast->at)) return NULL;
  return dataset_part(pass->data, pass->part);
}

static RunArgs task_args(const Session *session, int64_t batch) {
  return (RunArgs){.seed = session->options->seed, .step = 1, .batch = batch, .part = PART_TASK};
}

int measure_task(Session *session, Task *task) {
  Pass *pass = task->once;
  const Part *rows = rows_of(session, pass);
  if (pass->data && !rows) return 3;
  int64_t batch = rows && rows->count < task->settings.batch ? rows->count : task->settings.batch, number = 0;
  Runner *runner = runner_new(session, pass, rows ? batch : 1);
  FurtherRows further = {0};
  if (!runner || !further_open(&further, session, pass, 0, false, batch)) {
    runner_free(runner);
    further_free(&further);
    return 3;
  }
  Average *mean = ARENA_ARRAY(session->arena, Average, pass->measures + 1);
  runner_reset(runner, VARIABLE_METRIC);
  int64_t total = rows ? rows->count : 1;
  bool as_expected = true;
  for (int64_t from = 0; from < total && !interrupted; from += batch, number++) {
    int64_t count = total - from < batch ? total - from : batch;
    RunArgs args = task_args(session, number);
    session->running[3] = from == 0;
    runner_decide(runner, 1, true, true);
    further_take(&further, runner, from, count);
    if (!runner_run(runner, rows ? rows->row + from : NULL, count, &args)) {
      runner_free(runner);
      further_free(&further);
      return 1;
    }
    averages_add(runner, pass, mean, count);
    as_expected = expectations_hold(session, runner, pass, false) && as_expected;
  }
  ReportNumber *numbers = ARENA_ARRAY(session->arena, ReportNumber, pass->measures + 1);
  int count = averages_read(runner, pass, mean, numbers);
  as_expected = expectations_hold(session, runner, pass, true) && as_expected;
  if (count) report_measures(session->report, task->name, numbers, count, total);
  for (int i = 0; i < pass->measures; i++)
    if (pass->measure[i].kind == MEASURE_PRINT) show_measure(session, runner, &pass->measure[i], &mean[i]);
  runner_free(runner);
  further_free(&further);
  return interrupted ? 128 + interrupted : as_expected ? 0 : 1;
}

// ---- predict --------------------------------------------------------------------------------------------------

static int64_t example_size(const Type *type) {
  int64_t count = 1;
  for (int i = 1; i < type->rank; i++) count *= type_size(type, i);
  return count;
}

/* Whether rows of classes are written as texts. */
static bool field_is_text(const YieldField *field) {
  return field->value->kind == VALUE_TENSOR && field->value->u.tensor.text;
}

/* How many fields of a record it takes: a number each, or a text for each row of classes. */
static int64_t field_width(const YieldField *field, const Type *type) {
  int64_t size = example_size(type), row = field_is_text(field) ? type_size(type, type->rank - 1) : 1;
  return row > 0 ? size / row : 0;
}

static void write_header(CsvWriter *csv, const Pass *pass, Runner *runner) {
  for (int i = 0; i < pass->yields; i++) {
    const YieldField *field = &pass->yield[i];
    const Type *type = NULL;
    if (field->output) runner_value(runner, field->output, &type);
    if (!type || type->rank == (field_is_text(field) ? 2 : 1)) {
      csv_text(csv, field->name, strlen(field->name));
      continue;
    }
    int64_t count = field_width(field, type);
    for (int64_t k = 0; k < count; k++) {
      char name[300];
      int length = snprintf(name, sizeof(name), "%.255s.%lld", field->name, (long long)k);
      csv_text(csv, name, (size_t)length);
    }
  }
  csv_end_row(csv);
}

/* The text that a row of classes stands for. */
static void write_text(CsvWriter *csv, const Type *type, const void *data, int64_t from,
                       const Fitted *fitted) {
  int64_t columns = type_size(type, type->rank - 1), *id = memory_alloc((size_t)columns, sizeof *id);
  Text text = {0};
  for (int64_t i = 0; i < columns; i++) id[i] = show_class(type, data, from + i);
  fitted_decode(fitted, id, columns, &text);
  csv_text(csv, text_string(&text), text.length);
  text_free(&text);
  memory_free(id);
}

static void write_field(CsvWriter *csv, const YieldField *field, Runner *runner, int64_t file_row, int64_t i,
                        bool empty) {
  if (!field->output) {
    const Cell *cell = &((const Cell *)field->value->u.column.column->values)[file_row];
    if (cell->bytes)
      csv_text(csv, cell->bytes, cell->length);
    else
      csv_empty(csv);
    return;
  }
  const Type *type;
  const void *data = runner_value(runner, field->output, &type);
  int64_t size = field_width(field, type), row = size ? example_size(type) / size : 0;
  const Fitted *fitted = field->value->kind == VALUE_TENSOR ? field->value->u.tensor.fitted : NULL;
  for (int64_t k = 0; k < size; k++)
    if (empty)
      csv_empty(csv);
    else if (field_is_text(field))
      write_text(csv, type, data, (i * size + k) * row, fitted);
    else
      csv_element(csv, type, data, i * size + k, fitted);
}

/* Whether a missing value reached what is yielded (it does not where `fill` or `missing` took care of it). */
static bool row_is_nan(const Pass *pass, Runner *runner, int64_t i) {
  bool floats = false;
  for (int f = 0; f < pass->yields; f++) {
    const Type *type;
    const void *data = pass->yield[f].output ? runner_value(runner, pass->yield[f].output, &type) : NULL;
    if (!data || !dtype_is_float(type->dtype)) continue;
    floats = true;
    int64_t size = example_size(type);
    for (int64_t k = i * size; k < (i + 1) * size; k++)
      if (isnan(type->dtype == DTYPE_F32 ? (double)((const float *)data)[k] : ((const double *)data)[k]))
        return true;
  }
  return !floats;
}

int predict_task(Session *session, Task *task, const char *to) {
  Pass *pass = task->once;
  const Part *rows = rows_of(session, pass);
  if (!rows) return 3;
  for (int i = 0; i < pass->yields; i++)
    if (!pass->yield[i].output && !pass->yield[i].value->u.column.column->values) {
      problem_column_needed(session->problems, task->ast->at, pass->yield[i].value->u.column.column->name,
                            pass->data->table->path);
      return 3;
    }
  int64_t batch = rows->count < task->settings.batch ? rows->count : task->settings.batch, number = 0,
          empties = 0;
  if (batch == 0) batch = 1;
  Runner *runner = runner_new(session, pass, batch);
  if (runner) runner_longest(runner);
  FurtherRows further = {0};
  bool open = runner && further_open(&further, session, pass, 0, false, batch);
  CsvWriter *csv = open ? csv_begin(session->problems, to, ',') : NULL;
  if (!csv) {
    runner_free(runner);
    further_free(&further);
    return 3;
  }
  for (int64_t from = 0; from < rows->count && !interrupted; from += batch, number++) {
    int64_t count = rows->count - from < batch ? rows->count - from : batch;
    RunArgs args = task_args(session, number);
    further_take(&further, runner, from, count);
    if (!runner_run(runner, rows->row + from, count, &args)) {
      csv_abandon(csv);
      runner_free(runner);
      further_free(&further);
      return 1;
    }
    if (from == 0) write_header(csv, pass, runner);
    for (int64_t i = 0; i < count; i++) {
      bool class_lacks;
      bool empty = runner_row_lacks(runner, rows->row[from + i], &class_lacks) &&
                   (class_lacks || row_is_nan(pass, runner, i));
      empties += empty;
      for (int f = 0; f < pass->yields; f++)
        write_field(csv, &pass->yield[f], runner, rows->row[from + i], i, empty);
      csv_end_row(csv);
    }
  }
  runner_free(runner);
  further_free(&further);
  if (!csv_commit(csv, session->problems)) return 3;
  if (empties)
    report_line(session->report, task->name, "%lld of %lld rows lack a value that is needed and stay empty",
                (long long)empties, (long long)rows->count);
  if (strcmp(to, "-")) report_saved(session->report, to);
  return interrupted ? 128 + interrupted : 0;
}

// ---- task -----------------------------------------------------------------------------------------------------

int plain_task(Session *session, Task *task) {
  Pass *pass = task->once;
  const Part *rows = rows_of(session, pass);
  if (pass->data && !rows) return 3;
  Runner *runner = runner_new(session, pass, rows ? rows->count : 1);
  if (!runner) return 3;
  runner_reset(runner, VARIABLE_METRIC);
  RunArgs args = task_args(session, 0);
  if (!runner_run(runner, rows ? rows->row : NULL, rows ? rows->count : 1, &args)) {
    runner_free(runner);
    return 1;
  }
  runner_finish(runner);
  for (int i = 0; i < pass->measures; i++)
    if (pass->measure[i].kind == MEASURE_PRINT) show_measure(session, runner, &pass->measure[i], NULL);
  bool ok = true;
  for (int i = 0; i < pass->saves && ok; i++) ok = save_file(session, runner, pass, i, 0);
  bool as_expected = expectations_hold(session, runner, pass, false);
  as_expected = expectations_hold(session, runner, pass, true) && as_expected;
  runner_free(runner);
  return !ok ? 3 : as_expected ? 0 : 1;
}
