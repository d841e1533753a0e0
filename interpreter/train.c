/* The training loop: steps, epochs, validation, what is kept, and where it is saved.
 *
 * Everything is decided before the first step: plans for the full and the last batch, memory, the order of rows
 * (a keyed permutation of seed and epoch). A step gathers rows, runs one plan and reads a few scalars. */
#include "interpreter/data/batches.h"
#include "interpreter/formats/runs.h"
#include "interpreter/formats/save.h"
#include "interpreter/session.h"
#include "lang/problems.h"

#include <math.h>
#include <string.h>

enum { PART_TRAINING = 1, PART_VALIDATION = 2 }; // `part` of random streams

typedef struct {
  double sum, rows;
} Average;

typedef struct {
  Session *session;
  Task *task;
  Runner *train, *accumulate, *valid;
  const Part *rows;
  Batches order;                  // rows of training in the order of this epoch
  int64_t *valid_row, valid_rows; // rows to validate on
  int64_t batch, batches, steps, epochs;
  int64_t step, epoch; // done so far
  Average *mean;       // by measure of the training pass
  ReportNumber *train_numbers, *valid_numbers;
  int trains, valids;
  Run *run;
  void *best, *begin; // weights: the best so far; all variables at the begin of the epoch
  double best_value;
  int64_t best_epoch, best_step, worse;
  double last_stop;
  bool stop;
  int exit_code;
  double epoch_start, run_start;
} Training;

static void averages_clear(Average *mean, int count) { memset(mean, 0, sizeof(*mean) * (size_t)count); }

static void averages_add(Runner *runner, const Pass *pass, Average *mean, int64_t rows) {
  for (int i = 0; i < pass->measures; i++) {
    if (pass->measure[i].stateful) continue;
    mean[i].sum += runner_number(runner, pass->measure[i].name) * (double)rows;
    mean[i].rows += (double)rows;
  }
}

/* Loss first, then metrics in the order of the text. */
static int averages_read(Runner *runner, const Pass *pass, const Average *mean, ReportNumber *out) {
  int count = 0;
  runner_finish(runner);
  for (int turn = 0; turn < 2; turn++)
    for (int i = 0; i < pass->measures; i++) {
      bool loss = !strcmp(pass->measure[i].name, "loss");
      if (loss != (turn == 0)) continue;
      out[count++] = (ReportNumber){pass->measure[i].name, pass->measure[i].stateful
                                                               ? runner_number(runner, pass->measure[i].name)
                                                           : mean[i].rows > 0 ? mean[i].sum / mean[i].rows
                                                                              : NAN};
    }
  return count;
}

/* Windows of k streams come in batches of k, in order. 0: none. */
static int64_t streams_of(const Pass *pass) {
  return pass->data && pass->data->windows ? pass->data->windows->streams : 0;
}

static int64_t valid_batch(const Training *t) {
  return streams_of(t->task->train) || t->batch > 256 ? t->batch : 256;
}

// ---- validation -----------------------------------------------------------------------------------------------

static void validate(Training *t) {
  if (!t->valid) return;
  const Pass *pass = t->task->valid;
  Average *mean = ARENA_ARRAY(t->session->arena, Average, pass->measures + 1);
  runner_reset(t->valid, VARIABLE_METRIC);
  int64_t batch = valid_batch(t), number = 0;
  for (int64_t from = 0; from < t->valid_rows; from += batch) {
    int64_t count = t->valid_rows - from < batch ? t->valid_rows - from : batch;
    RunArgs args = {
        .seed = t->task->settings.seed, .step = t->step, .batch = number++, .part = PART_VALIDATION};
    if (!runner_run(t->valid, t->valid_row + from, count, &args)) {
      t->exit_code = 1;
      return;
    }
    averages_add(t->valid, pass, mean, count);
  }
  t->valids = averages_read(t->valid, pass, mean, t->valid_numbers);
}

static double watched(const Training *t, const char *metric) {
  for (int i = 0; i < t->valids; i++)
    if (!strcmp(t->valid_numbers[i].name, metric)) return t->valid_numbers[i].value;
  return NAN;
}

static bool better(double value, double than, bool least) {
  return isnan(than) ? !isnan(value) : least ? value < than : value > than;
}

// ---- saving ---------------------------------------------------------------------------------------------------

static const char *run_file(Training *t, const char *name) {
  return arena_printf(t->session->arena, "%s/%s", t->run->folder, name);
}

static bool save_weights(Training *t, const char *name) {
  Bundle *bundle = session_bundle(t->session, NULL);
  bundle_set_text(bundle, "task", t->task->name);
  bundle_set_text(bundle, "epoch", arena_printf(t->session->arena, "%lld", (long long)t->epoch));
  bundle_set_text(bundle, "step", arena_printf(t->session->arena, "%lld", (long long)t->step));
  bool ok = bundle_save_safetensors(bundle, t->session->problems, run_file(t, name));
  bundle_free(bundle);
  if (!ok) t->exit_code = problems_exit_code(t->session->problems);
  return ok;
}

static void keep_if_better(Training *t, int64_t epoch) {
  const Settings *s = &t->task->settings;
  if (!s->keep || !t->valids) return;
  double value = watched(t, s->keep);
  if (!better(value, t->best_value, s->keep_least)) return;
  t->best_value = value;
  t->best_epoch = epoch;
  t->best_step = t->step;
  t->best = weights_copy(t->session, t->best);
}

static void stop_if_stuck(Training *t) {
  const Settings *s = &t->task->settings;
  if (!s->stop || !t->valids) return;
  double value = watched(t, s->stop);
  if (better(value, t->last_stop, s->stop_least)) {
    t->last_stop = value;
    t->worse = 0;
  } else if (++t->worse >= s->patience) {
    report_line(t->session->report, t->task->name, "stopped: valid.%s did not improve in %lld validations",
                s->stop, (long long)s->patience);
    t->stop = true;
  }
}

// ---- steps ----------------------------------------------------------------------------------------------------

/* Everything a training step changes, to go back to: weights, states, optimizer. */
static void *snapshot(Training *t, void *into, bool restore) {
  const Graph *graph = t->task->train->graph;
  size_t bytes = 0;
  for (int turn = 0; turn < 2; turn++) {
    char *p = into;
    for (int i = 0; i < graph->outputs; i++) {
      const Output *output = &graph->output[i];
      if (output->kind != OUTPUT_ASSIGN) continue;
      size_t size = (size_t)type_count(&output->variable->type) * dtype_size(output->variable->type.dtype);
      if (turn && restore)
        memcpy(output->variable->data, p, size);
      else if (turn)
        memcpy(p, output->variable->data, size);
      else
        bytes += size;
      p = p ? p + size : NULL;
    }
    if (!into) into = memory_alloc(bytes + 1, 1);
  }
  return into;
}

static void running_numbers(Training *t, int64_t step, int64_t epoch) {
  t->session->running[0] = (double)step;
  t->session->running[1] = (double)epoch;
  t->session->running[2] = t->steps > 0 ? (double)(step - 1) / (double)t->steps : 0;
}

static int64_t batch_rows(const Training *t, int64_t batch) {
  return t->rows ? t->order.start[batch + 1] - t->order.start[batch] : 1;
}

static const int64_t *batch_row(const Training *t, int64_t batch) {
  return t->rows ? t->order.row + t->order.start[batch] : NULL;
}

static Runner *runner_of(const Training *t, int64_t batch) {
  int64_t k = t->task->settings.accumulate;
  bool updates = !t->accumulate || (batch + 1) % k == 0 || batch + 1 == t->batches;
  return updates ? t->train : t->accumulate;
}

static bool run_batch(Training *t, int64_t batch, int64_t step) {
  running_numbers(t, step, t->epoch + 1);
  return runner_run(
      runner_of(t, batch), batch_row(t, batch), batch_rows(t, batch),
      &(RunArgs){.seed = t->task->settings.seed, .step = step, .batch = batch, .part = PART_TRAINING});
}

/* A number that is not finite came up in `batch` of this epoch: goes back to its begin, repeats what led there
 * and looks at every value of the step itself. */
static void blame(Training *t, int64_t batch, int64_t first_step) {
  int64_t failed = t->step;
  snapshot(t, t->begin, true);
  runner_reset(t->train, VARIABLE_METRIC);
  int64_t step = first_step;
  for (int64_t i = 0; i < batch; i++) {
    run_batch(t, i, step);
    if (runner_of(t, i) == t->train) step++;
  }
  running_numbers(t, step, t->epoch + 1);
  const Node *node = NULL;
  runner_blame(
      runner_of(t, batch), batch_row(t, batch), batch_rows(t, batch),
      &(RunArgs){.seed = t->task->settings.seed, .step = step, .batch = batch, .part = PART_TRAINING}, &node);
  problem_not_a_number(t->session->problems, node ? node->span : t->task->ast->at, t->task->name, failed,
                       node ? op_table[node->op].name : NULL, node ? node->layer : NULL);
  snapshot(t, t->begin, true);
  if (save_weights(t, "last.safetensors")) report_saved(t->session->report, run_file(t, "last.safetensors"));
  t->exit_code = 4;
}

/* A line of what was measured so far in this epoch, after a validation if `measure`. */
static void tell(Training *t, int64_t epoch, bool measure) {
  t->trains = averages_read(t->train, t->task->train, t->mean, t->train_numbers);
  t->valids = 0;
  if (measure && !interrupted) validate(t);
  double now = seconds_now();
  ReportEpoch told = {.task = t->task->name,
                      .epoch = epoch,
                      .epochs = t->epochs,
                      .step = t->step,
                      .steps = t->steps,
                      .seconds = now - t->epoch_start,
                      .train = t->train_numbers,
                      .valid = t->valid_numbers,
                      .trains = t->trains,
                      .valids = t->valids};
  t->epoch_start = now;
  report_epoch(t->session->report, &told);
  keep_if_better(t, epoch);
  stop_if_stuck(t);
}

static void run_epoch(Training *t) {
  const Pass *pass = t->task->train;
  int64_t every = t->task->settings.validate_steps;
  if (t->rows)
    batches_order(&t->order, t->task->settings.shuffle && !streams_of(pass), t->task->settings.seed,
                  (uint64_t)t->epoch + 1);
  averages_clear(t->mean, pass->measures);
  runner_reset(t->train, VARIABLE_METRIC);
  t->begin = snapshot(t, t->begin, false);
  int64_t first_step = t->step + 1;
  for (int64_t batch = 0; batch < t->batches && !interrupted; batch++) {
    Runner *runner = runner_of(t, batch);
    double start = seconds_now();
    if (runner == t->train) t->step++;
    if (!run_batch(t, batch, runner == t->train ? t->step : t->step + 1)) {
      t->exit_code = 1;
      return;
    }
    double loss = runner_number(runner, "loss"), finite = runner_number(runner, "finite");
    if (!isfinite(loss) || !isfinite(finite)) {
      blame(t, batch, first_step);
      return;
    }
    averages_add(runner, pass, t->mean, batch_rows(t, batch));
    report_step_time(t->session->report, 1e3 * (seconds_now() - start));
    report_first_step(t->session->report);
    ReportNumber live = {"loss", loss};
    ReportEpoch now = {.task = t->task->name,
                       .epoch = t->epoch + 1,
                       .epochs = t->epochs,
                       .step = t->step,
                       .steps = t->steps,
                       .train = &live,
                       .trains = 1};
    report_progress(t->session->report, &now, (double)t->step / (seconds_now() - t->run_start));
    if (runner != t->train) continue;
    if (every && t->step % every == 0 && t->step < t->steps) tell(t, t->epoch + 1, true);
    if (t->stop || t->exit_code || t->step >= t->steps) return;
  }
}

/* The end of an epoch: its line, with a validation unless these come every so many steps. */
static void finish_epoch(Training *t) {
  t->epoch++;
  tell(t, t->epoch, !t->task->settings.validate_steps || t->step >= t->steps);
}

// ---- begin and end --------------------------------------------------------------------------------------------

/* All rows of the valid part, or as many as every(n, rows=m) says, drawn once by the seed. */
static void draw_valid_rows(Training *t) {
  const Settings *s = &t->task->settings;
  const Part *part = dataset_part(t->task->valid->data, t->task->valid->part);
  t->valid_row = memory_alloc((size_t)part->count + 1, sizeof(int64_t));
  t->valid_rows = part->count;
  memcpy(t->valid_row, part->row, sizeof(int64_t) * (size_t)part->count);
  if (!s->validate_rows || s->validate_rows >= part->count) return;
  rows_permute(t->valid_row, part->count, s->seed, 0);
  for (int64_t i = 0; i < part->count; i++) t->valid_row[i] = part->row[t->valid_row[i]];
  t->valid_rows = s->validate_rows;
}

static bool training_open(Training *t) {
  Session *session = t->session;
  const Settings *s = &t->task->settings;
  Pass *pass = t->task->train;
  if (pass->data) {
    if (!table_load(pass->data->table, session->problems, pass->data->ast->at)) return false;
    t->rows = dataset_part(pass->data, pass->part);
    if (t->rows->count == 0) {
      problem_empty_part(session->problems, t->task->ast->at);
      return false;
    }
  }
  t->batch = !t->rows ? 1 : s->batch_all || s->batch > t->rows->count ? t->rows->count : s->batch;
  t->train = runner_new(session, pass, t->batch);
  if (!t->train) return false;
  if (t->rows) t->order = batches_new(t->rows, t->batch, s->drop_last, runner_lengths(t->train));
  t->batches = t->rows ? t->order.count : s->steps ? s->steps : 1;
  int64_t updates = (t->batches + s->accumulate - 1) / s->accumulate;
  t->steps = s->steps ? s->steps : (int64_t)ceil(s->epochs * (double)updates);
  t->epochs = (t->steps + updates - 1) / updates;
  t->mean = ARENA_ARRAY(session->arena, Average, pass->measures + 1);
  t->train_numbers = ARENA_ARRAY(session->arena, ReportNumber, pass->measures + 1);
  t->valid_numbers = ARENA_ARRAY(session->arena, ReportNumber, pass->measures + 64);
  t->best_value = t->last_stop = NAN;
  if (t->task->accumulate) t->accumulate = runner_new(session, t->task->accumulate, t->batch);
  if (t->task->valid) t->valid = runner_new(session, t->task->valid, valid_batch(t));
  if ((t->task->valid && !t->valid) || (t->task->accumulate && !t->accumulate)) return false;
  if (t->valid) draw_valid_rows(t);
  runner_reset(t->train, VARIABLE_OPTIMIZER);
  bool short_batch = t->rows && t->rows->count % t->batch && !s->drop_last;
  if (!runner_prepare(t->train, t->batch) ||
      (short_batch && !runner_prepare(t->train, t->rows->count % t->batch)) ||
      (t->accumulate && !runner_prepare(t->accumulate, t->batch)))
    return false;
  t->run = run_create(session->arena, session->problems, session->options->out ? session->options->out : ".",
                      session->program->program_name, t->task->name);
  return t->run != NULL;
}

static void training_save(Training *t) {
  Session *session = t->session;
  const Settings *s = &t->task->settings;
  bool differ = t->best && t->best_step != t->step;
  if (differ && !save_weights(t, "last.safetensors")) return;
  if (t->best) weights_restore(session, t->best);
  if (!save_weights(t, "best.safetensors")) return;
  if (!interrupted && !run_finish(t->run, session->problems)) t->exit_code = 3;
  const char *path = run_file(t, "best.safetensors");
  if (t->best) report_kept(session->report, t->task->name, t->best_epoch, s->keep, t->best_value, path);
  report_saved(session->report, path);
  session->weights_from = path;
  session->trained = true;
}

int train_task(Session *session, Task *task) {
  Training t = {.session = session, .task = task, .run_start = seconds_now(), .epoch_start = seconds_now()};
  if (strcmp(task->settings.precision_name, "f32") && strcmp(task->settings.precision_name, "f64"))
    report_line(session->report, "note", "%s computes in f32: %s is not available on this device",
                session->backend->name, task->settings.precision_name);
  bool ok = training_open(&t);
  if (ok) {
    report_start(session->report, task->name, t.steps, t.rows ? t.rows->count : 0);
    while (t.step < t.steps && !t.stop && !t.exit_code && !interrupted) {
      run_epoch(&t);
      if (!t.exit_code) finish_epoch(&t);
    }
    if (!t.exit_code) training_save(&t);
  } else
    t.exit_code = problems_exit_code(session->problems) ? problems_exit_code(session->problems) : 3;
  if (t.run) run_close(t.run);
  runner_free(t.train);
  runner_free(t.accumulate);
  runner_free(t.valid);
  batches_free(&t.order);
  memory_free(t.valid_row);
  memory_free(t.best);
  memory_free(t.begin);
  return t.exit_code ? t.exit_code : interrupted ? 128 + interrupted : 0;
}
