/* The training loop: steps, epochs, validation, what is kept, and where it is saved.
 *
 * Everything is decided before the first step: plans for the full and the last batch, memory, the order of rows
 * (a keyed permutation of seed and epoch). A step gathers rows, runs one plan and reads a few scalars. */
#include "base/random.h"
#include "interpreter/checkpoint.h"
#include "interpreter/elaborate/dataset.h"
#include "interpreter/formats/runs.h"
#include "interpreter/formats/save.h"
#include "interpreter/lbfgs.h"
#include "interpreter/run_log.h"
#include "interpreter/saving.h"
#include "interpreter/training_state.h"
#include "lang/problems.h"

#include <math.h>
#include <signal.h>
#include <string.h>

enum { PART_TRAINING = 1, PART_VALIDATION = 2 }; // `part` of random streams

// ---- validation -----------------------------------------------------------------------------------------------

/* What the pass prints and saves, as far as it is due. */
static void show(Training *t, Runner *runner, const Pass *pass, const Average *mean) {
  for (int i = 0; i < pass->measures; i++) {
    const Measure *measure = &pass->measure[i];
    if (measure->kind == MEASURE_PRINT && runner_active(runner, &measure->when))
      show_measure(t->session, runner, measure, mean ? &mean[i] : NULL);
  }
  for (int i = 0; i < pass->saves; i++)
    if (runner_active(runner, &pass->save[i].when) && !save_file(t->session, runner, pass, i, t->step))
      t->exit_code = 3;
}

/* Whether a signal, or who started the run, asks to leave; what can be finished soon is finished before. */
static bool leaving(const Training *t) { return t->left || interrupted; }

/* ema: the averages take the place of the weights, or give it back. */
static void averages_swap(Training *t) {
  const Pass *pass = t->task->train;
  for (int i = 0; i < pass->averages; i++) {
    void *weight = pass->average[i].weight->data;
    pass->average[i].weight->data = pass->average[i].average->data;
    pass->average[i].average->data = weight;
  }
}

/* Windows of k streams come in batches of k, in order. 0: none. */
static int64_t streams_of(const Pass *pass) {
  return pass->data && pass->data->windows ? pass->data->windows->streams : 0;
}

static int64_t valid_batch(const Training *t) {
  return streams_of(t->task->train) || t->batch > 256 ? t->batch : 256;
}

/* false: it was left before its end, as if it had not begun. */
static bool validate(Training *t) {
  if (!t->valid) return true;
  const Pass *pass = t->task->valid;
  averages_clear(t->valid_mean, pass);
  runner_reset(t->valid, VARIABLE_METRIC);
  runner_reset(t->valid, VARIABLE_OPTIMIZER); // states of the block start anew
  int64_t batch = valid_batch(t), number = 0;
  for (int64_t from = 0; from < t->valid_rows; from += batch) {
    if (leaving(t)) return false;
    int64_t count = t->valid_rows - from < batch ? t->valid_rows - from : batch;
    RunArgs args = {
        .seed = t->task->settings.seed, .step = t->step, .batch = number++, .part = PART_VALIDATION};
    t->session->running[3] = from == 0;
    runner_decide(t->valid, t->step, true, true);
    further_take(&t->valid_more, t->valid, from, count);
    if (!runner_run(t->valid, t->valid_row + from, count, &args)) {
      t->exit_code = 1;
      return true;
    }
    averages_add(t->valid, pass, t->valid_mean, count);
  }
  t->valids = averages_read(t->valid, pass, t->valid_mean, t->valid_numbers);
  show(t, t->valid, pass, t->valid_mean);
  return true;
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
  if (!t->run) return false; // a session's: its weights are saved when it is asked to
  Arena *arena = arena_new(0);
  Bundle *bundle = session_bundle(t->session, arena, NULL);
  bundle_set_text(bundle, "task", t->task->name);
  bundle_set_text(bundle, "epoch", arena_printf(arena, "%lld", (long long)t->epoch));
  bundle_set_text(bundle, "step", arena_printf(arena, "%lld", (long long)t->step));
  bool ok = bundle_save_safetensors(bundle, t->session->problems, run_file(t, name));
  bundle_free(bundle);
  arena_free(arena);
  if (!ok) t->exit_code = problems_exit_code(t->session->problems);
  return ok;
}

/* The numbers of this validation are those of the weights that are kept. */
static void remember_result(Training *t) {
  memcpy(t->session->result, t->valid_numbers, sizeof(ReportNumber) * (size_t)t->valids);
  t->session->results = t->valids;
}

static void keep_if_better(Training *t, int64_t epoch) {
  const Settings *s = &t->task->settings;
  if (!s->keep && t->valids) remember_result(t);
  if (!s->keep || !t->valids) return;
  double value = watched(t, s->keep);
  if (!better(value, t->best_value, s->keep_least)) return;
  remember_result(t);
  t->best_value = value;
  t->best_epoch = epoch;
  t->best_step = t->step;
  t->best = weights_copy(t->session, t->best);
}

static void plateaus_follow(Training *t) {
  const Pass *pass = t->task->train;
  for (int i = 0; i < pass->plateaus && t->valids; i++) {
    const Plateau *p = &pass->plateau[i];
    double value = watched(t, p->metric), *best = p->best->data, *worse = p->worse->data;
    if (better(value, *best, p->least)) {
      *best = value;
      *worse = 0;
    } else if (++*worse >= (double)p->patience) {
      *(double *)p->value->data *= p->factor;
      *worse = 0;
    }
  }
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

/* stop = hours(2). */
static void stop_in_time(Training *t) {
  double hours = t->task->settings.hours;
  if (hours <= 0 || t->stop || seconds_now() - t->run_start < 3600 * hours) return;
  report_line(t->session->report, t->task->name, "stopped after %g hours", hours);
  t->stop = true;
}

// ---- steps ----------------------------------------------------------------------------------------------------

static void running_numbers(Training *t, int64_t step, int64_t epoch) {
  t->session->running[0] = (double)step;
  t->session->running[1] = (double)epoch;
  t->session->running[2] = t->steps > 0 ? (double)(step - 1) / (double)t->steps : 0;
}

static int64_t batch_rows(const Training *t, int64_t batch) {
  return t->rows ? t->cut.start[batch + 1] - t->cut.start[batch] : 1;
}

static const int64_t *batch_row(const Training *t, int64_t batch) {
  return t->rows ? t->cut.row + t->cut.start[batch] : NULL;
}

/* Whether the batch is the last of an update. */
static bool updates(const Training *t, int64_t batch) {
  return (batch + 1) % t->task->settings.accumulate == 0 || batch + 1 == t->batches;
}

/* Whether a line is told behind the batch, which belongs to update `step`. */
static bool tells(const Training *t, int64_t batch, int64_t step) {
  int64_t every = t->task->settings.validate_steps;
  return updates(t, batch) && (batch + 1 == t->batches || step >= t->steps || (every && step % every == 0));
}

static void decide(Training *t, int64_t batch, int64_t step) {
  running_numbers(t, step, t->epoch + 1);
  t->session->running[3] = batch == 0;
  runner_decide(t->train, step, updates(t, batch), tells(t, batch, step));
  if (t->rows)
    further_take(&t->more, t->train, t->epoch * t->rows->count + t->cut.start[batch], batch_rows(t, batch));
}

/* Every attempt has random numbers of its own. */
static uint64_t seed_of(const Training *t) {
  uint64_t seed = t->task->settings.seed;
  return t->attempt ? random_mix(random_mix(seed) ^ (uint64_t)t->attempt) : seed;
}

static RunArgs batch_args(const Training *t, int64_t batch, int64_t step) {
  return (RunArgs){.seed = seed_of(t), .step = step, .batch = batch, .part = PART_TRAINING};
}

static bool run_batch(Training *t, int64_t batch, int64_t step) {
  RunArgs args = batch_args(t, batch, step);
  decide(t, batch, step);
  t->held = t->watch.before &&
            !t->watch.before(t->watch.context, t->train, batch_row(t, batch), batch_rows(t, batch), &args);
  return t->held || runner_run(t->train, batch_row(t, batch), batch_rows(t, batch), &args);
}

static double loss_again(void *context) {
  Training *t = context;
  RunArgs args = batch_args(t, 0, t->step);
  runner_reset(t->train, VARIABLE_METRIC); // as if the step had not been tried
  return runner_run(t->train, batch_row(t, 0), batch_rows(t, 0), &args) ? runner_number(t->train, "loss")
                                                                        : NAN;
}

/* lbfgs moves the weights behind the step. */
static void search(Training *t, double loss) {
  const Pass *pass = t->task->train;
  if (!pass->search || lbfgs_step(pass->search, loss, loss_again, t)) return;
  report_line(t->session->report, t->task->name, "stopped: no weights nearby have a lower loss");
  t->stop = true;
}

// ---- hooks ----------------------------------------------------------------------------------------------------

static void mark_here(Training *t, const char *name) {
  Position at = {t->step, t->epoch, t->done, t->steps, t->done > 0};
  Mark *mark = train_hooks_mark(t->hooks, name, &at);
  size_t bytes = sizeof(Average) * (size_t)(t->task->train->measures + 1);
  mark->memory = training_snapshot(t, mark->memory, false);
  if (!mark->mean) mark->mean = memory_alloc(1, bytes);
  memcpy(mark->mean, t->mean, bytes);
  const char *file = arena_printf(t->session->arena, "%s.safetensors", name);
  if (t->run && save_weights(t, file)) report_saved(t->session->report, run_file(t, file));
}

static void rewind_to(Training *t, const char *name) {
  const Mark *mark = train_hooks_find(t->hooks, name);
  if (t->attempt == REWINDS_LIMIT) {
    problem_rewinds(t->session->problems, t->task->hooks->at, t->task->name, REWINDS_LIMIT);
    t->exit_code = 4;
    return;
  }
  report_line(t->session->report, t->task->name, "step %lld: back to %s, step %lld (attempt %lld)",
              (long long)t->step, name, (long long)mark->at.step, (long long)t->attempt + 2);
  t->attempt++;
  training_snapshot(t, mark->memory, true);
  memcpy(t->mean, mark->mean, sizeof(Average) * (size_t)(t->task->train->measures + 1));
  t->step = mark->at.step;
  t->epoch = mark->at.epoch;
  t->steps = mark->at.steps;
  t->again = mark;
  t->rewound = true;
}

/* The run ends here: what there is of weights is kept. */
static void give_up(Training *t) {
  if (save_weights(t, "last.safetensors")) report_saved(t->session->report, run_file(t, "last.safetensors"));
  t->exit_code = 4;
}

/* Calls a hook and does what it asks for. */
static void ask(Training *t, HookKind kind, int64_t epoch) {
  if (!train_hooks_has(t->hooks, kind) || t->exit_code) return;
  HookContext *context = train_hooks_context(t->hooks);
  context->step = kind == HOOK_BEFORE_STEP ? t->step + 1 : t->step;
  context->steps = t->steps;
  context->epoch = epoch;
  context->epochs = t->epochs;
  context->attempt = t->attempt;
  context->progress = t->session->running[2];
  context->loss = t->loss;
  context->best = t->best_value;
  if (kind == HOOK_AFTER_STEP) context->grad_norm = runner_number(t->train, "grad_norm");
  if (!train_hooks_call(t->hooks, kind)) {
    give_up(t);
    return;
  }
  if (context->stop && !t->stop) {
    report_line(t->session->report, t->task->name, "stopped by its hook: %s", context->stop);
    t->stop = true;
  }
  if (train_hooks_mark_asked(t->hooks)) mark_here(t, train_hooks_mark_asked(t->hooks));
  if (train_hooks_rewind_asked(t->hooks) && !t->exit_code) rewind_to(t, train_hooks_rewind_asked(t->hooks));
  if (t->exit_code == 4) give_up(t);
}

/* Asks with what was measured so far in the epoch. */
static void ask_about(Training *t, HookKind kind, int64_t epoch) {
  if (!train_hooks_has(t->hooks, kind)) return;
  double loss = t->loss;
  if (t->valids) train_hooks_numbers(t->hooks, true, t->valid_numbers, t->valids);
  train_hooks_numbers(t->hooks, false, t->train_numbers, t->trains);
  t->loss = t->trains && !strcmp(t->train_numbers[0].name, "loss") ? t->train_numbers[0].value : loss;
  ask(t, kind, epoch);
  train_hooks_numbers(t->hooks, false, NULL, 0);
  t->loss = loss;
}

/* Before a batch: asks, at the first of an update, and sets what the step's graph reads. Whether it is skipped. */
static bool skips(Training *t, int64_t batch) {
  if (!t->hooks) return false;
  if (batch % t->task->settings.accumulate == 0) {
    running_numbers(t, t->step + 1, t->epoch + 1);
    ask(t, HOOK_BEFORE_STEP, t->epoch + 1);
  }
  return train_hooks_apply(t->hooks, batch);
}

// ---- a number that is not finite --------------------------------------------------------------------------------

/* Goes back to the begin of the epoch, repeats what led to `batch` and looks at every value of the step itself. */
static void blame(Training *t, int64_t batch) {
  int64_t failed = t->step, step = t->begin_at.step + 1;
  int known = problems_total(t->session->problems);
  TrainingWatch watch = t->watch;
  t->watch = (TrainingWatch){0}; // nobody stops where steps are repeated
  training_snapshot(t, t->begin, true);
  if (!t->begin_at.batch) runner_reset(t->train, VARIABLE_METRIC);
  for (int64_t i = t->begin_at.batch; i < batch; i++) {
    if (!t->hooks || !train_hooks_repeat(t->hooks, i)) run_batch(t, i, step);
    if (updates(t, i)) step++;
  }
  if (t->hooks) train_hooks_repeat(t->hooks, batch);
  RunArgs args = batch_args(t, batch, step);
  decide(t, batch, step);
  const Node *node = NULL;
  runner_blame(t->train, batch_row(t, batch), batch_rows(t, batch), &args, &node);
  problem_not_a_number(t->session->problems, node ? node->span : t->task->ast->at, t->task->name, failed,
                       node ? op_table[node->op].name : NULL, node ? node->layer : NULL);
  training_snapshot(t, t->begin, true);
  t->watch = watch;
  if (t->hooks) train_hooks_done(t->hooks);
  ask(t, HOOK_NAN, t->epoch + 1);
  if (t->rewound)
    problems_forget(t->session->problems, known);
  else if (!t->exit_code)
    give_up(t);
}

/* A line of what was measured so far in this epoch, after a validation if `measure`. false: the run is left, and all
 * this is still to be done. */
static bool tell(Training *t, int64_t epoch, bool measure) {
  t->trains = averages_read(t->train, t->task->train, t->mean, t->train_numbers);
  t->valids = 0;
  averages_swap(t);
  if (measure && !validate(t)) {
    averages_swap(t);
    return false;
  }
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
  if (t->log) run_log_told(t->log, &told);
  keep_if_better(t, epoch);
  averages_swap(t);
  plateaus_follow(t);
  stop_if_stuck(t);
  if (t->valids) ask_about(t, HOOK_VALIDATED, epoch);
  return true;
}

/* How many rows and batches the epoch has. */
static void measure_epoch(Training *t) {
  const Settings *s = &t->task->settings;
  if (!t->hooks || !t->rows) return;
  t->drawn = t->resumed ? train_hooks_rows_again(t->hooks, &t->order)
                        : train_hooks_rows(t->hooks, &t->order, t->again);
  t->order.seed = seed_of(t);
  if (t->resumed) return; // the steps are counted already
  int64_t count[2] = {t->rows->count, t->drawn}, updated[2];
  for (int i = 0; i < 2; i++) {
    int64_t batches = batches_count(&t->cut, count[i]);
    updated[i] = (batches + s->accumulate - 1) / s->accumulate;
  }
  if (!s->steps && !(t->again && t->again->at.begun)) t->steps -= updated[0] - updated[1];
}

static void cut_epoch(Training *t) {
  if (!t->rows) return;
  batches_cut(&t->cut, order_pass(&t->order, t->epoch), t->drawn, t->order.shuffle, seed_of(t),
              (uint64_t)t->epoch + 1);
  t->batches = t->cut.count;
}

/* The epoch goes on where a checkpoint was made. Without hooks nobody goes back behind it. */
static void go_on(Training *t) {
  measure_epoch(t);
  cut_epoch(t);
  t->resumed = false;
  if (t->hooks) return;
  t->begin = training_snapshot(t, t->begin, false);
  t->begin_at = (Position){t->step, t->epoch, t->done, t->steps, true};
}

static void begin_epoch(Training *t) {
  if (t->resumed) {
    go_on(t);
    return;
  }
  measure_epoch(t);
  cut_epoch(t);
  t->done = t->again ? t->again->at.batch : 0;
  t->begun = t->told = true;
  if (!t->done) {
    averages_clear(t->mean, t->task->train);
    runner_reset(t->train, VARIABLE_METRIC);
  }
  t->begin = training_snapshot(t, t->begin, false);
  t->begin_at = (Position){t->step, t->epoch, t->done, t->steps, true};
  t->again = NULL;
  if (!t->hooks) return;
  Mark *mark = train_hooks_mark(t->hooks, "epoch", &t->begin_at);
  size_t bytes = sizeof(Average) * (size_t)(t->task->train->measures + 1);
  mark->memory = t->begin;
  if (!mark->mean) mark->mean = memory_alloc(1, bytes);
  memcpy(mark->mean, t->mean, bytes);
}

/* false: the epoch is over, for whatever reason. */
static bool train_batch(Training *t, int64_t batch, bool update) {
  double start = seconds_now();
  if (!run_batch(t, batch, update ? t->step : t->step + 1)) {
    t->exit_code = 1;
    return false;
  }
  if (t->held) {
    interrupted = SIGINT;
    return false;
  }
  t->loss = runner_number(t->train, "loss");
  if (t->hooks) train_hooks_ran(t->hooks);
  if (!isfinite(t->loss) || !isfinite(runner_number(t->train, "finite"))) {
    blame(t, batch);
    return false;
  }
  averages_add(t->train, t->task->train, t->mean, batch_rows(t, batch));
  show(t, t->train, t->task->train, NULL);
  search(t, t->loss);
  report_step_time(t->session->report, 1e3 * (seconds_now() - start));
  report_first_step(t->session->report);
  ReportNumber live = {"loss", t->loss};
  ReportEpoch now = {.task = t->task->name,
                     .epoch = t->epoch + 1,
                     .epochs = t->epochs,
                     .step = t->step,
                     .steps = t->steps,
                     .train = &live,
                     .trains = 1};
  report_progress(t->session->report, &now, (double)t->step / (seconds_now() - t->run_start));
  return true;
}

/* A checkpoint, where one is due. Nothing is lost if it fails: the last one stands, and training goes on. */
static void save_if_due(Training *t) {
  const Settings *s = &t->task->settings;
  bool due = checkpoint_wanted || (s->save_steps && t->step % s->save_steps == 0) ||
             (s->save_seconds > 0 && seconds_now() - t->saved_at > s->save_seconds);
  if (!due || !t->run || t->rewound || t->exit_code) return;
  checkpoint_wanted = 0;
  Arena *arena = arena_new(0);
  Problems *problems = problems_new(arena);
  if (!checkpoint_save(t, problems)) report_warnings(t->session->report, problems);
  arena_free(arena);
}

/* What follows an update: its line, a validation, a checkpoint. false: the epoch is over, or left. */
static bool behind_update(Training *t) {
  int64_t every = t->task->settings.validate_steps, lines = t->task->settings.log_steps;
  bool last = t->done == t->batches, ends = t->step >= t->steps;
  bool log = lines && t->step % lines == 0 && !last; // else the epoch's own line follows
  bool measure = every && t->step % every == 0;
  if ((measure || log) && !ends && !tell(t, t->epoch + 1, measure)) return false;
  t->told = true;
  stop_in_time(t);
  if (t->stop || t->rewound || t->exit_code || ends || last) return false;
  save_if_due(t);
  return !leaving(t);
}

/* Whether the checkpoint was made when all batches were done. */
static bool ended(const Training *t) {
  return t->done > 0 && updates(t, t->done - 1) && (t->stop || t->step >= t->steps);
}

/* Whether the session asked for no more steps for now. */
static bool pauses(const Training *t) { return t->pause && t->step >= t->pause; }

static void run_epoch(Training *t) {
  bool resumed = t->resumed;
  if (!t->paused) begin_epoch(t);
  t->paused = false;
  if (!t->told ? !behind_update(t) : resumed && ended(t)) return;
  for (int64_t batch = t->done; batch < t->batches && !leaving(t); batch++) {
    bool update = updates(t, batch), skip = skips(t, batch);
    if (t->exit_code || t->rewound) return;
    t->step += update;
    if (!skip && !train_batch(t, batch, update)) {
      t->step -= t->held && update; // the batch was not run
      return;
    }
    t->done = batch + 1;
    if (update) {
      if (t->hooks) train_hooks_done(t->hooks);
      if (!skip) ask(t, HOOK_AFTER_STEP, t->epoch + 1);
      if (t->exit_code || t->rewound) return;
      if (t->log) run_log_step(t->log, t->session, t->step, t->loss);
      if (t->watch.after) t->watch.after(t->watch.context, t->train, t->step, t->loss);
    }
    t->told = !update;
    t->left = t->left || (t->session->leave && t->session->leave(t->session->leave_context, t->step));
    if (leaving(t) || (update && !behind_update(t))) return;
    t->left = update && pauses(t); // in the middle of an epoch
    if (t->left) return;
  }
}

/* The end of an epoch: its line, with a validation unless these come every so many steps. */
static void finish_epoch(Training *t) {
  int64_t done = t->done;
  t->epoch++;
  t->done = 0;
  t->begun = false;
  if (!tell(t, t->epoch, !t->task->settings.validate_steps || t->step >= t->steps)) {
    t->epoch--;
    t->done = done;
    t->begun = true;
    return;
  }
  if (!t->rewound) ask_about(t, HOOK_EPOCH, t->epoch);
  if (!leaving(t)) save_if_due(t);
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

#define STEPS_TRIED 100000 // for which guards are looked up in advance; later ones are met when they come

/* Plans for the full and the last batch, under all guards that the steps will meet. */
static bool prepare_plans(Training *t) {
  const Settings *s = &t->task->settings;
  int64_t updates_of_epoch = (t->batches + s->accumulate - 1) / s->accumulate, last = t->batches - 1;
  int64_t rest = t->rows ? t->rows->count - last * t->batch : 1;
  int64_t most = t->steps < STEPS_TRIED ? t->steps : STEPS_TRIED;
  if (rest > t->batch) rest = t->batch;
  for (int64_t step = 1; step <= (t->task->train->guards ? most : 1); step++) {
    running_numbers(t, step, (step - 1) / updates_of_epoch + 1);
    int64_t batch = (step - 1) % updates_of_epoch * s->accumulate;
    t->session->running[3] = batch == 0;
    for (int64_t i = batch; i < batch + s->accumulate && i < t->batches; i++) {
      runner_decide(t->train, step, updates(t, i), tells(t, i, step));
      if (!runner_prepare(t->train, i == last ? rest : t->batch)) return false;
    }
  }
  return t->task->train->guards || runner_prepare(t->train, rest);
}

/* The chances of drawing rows, as the program says. false after a Problem. */
static bool draw_rows(Training *t) {
  const Pass *pass = t->task->train;
  double *chance = rows_compute(t->session->program, pass->data, pass->draw, t->rows), sum = 0;
  for (int64_t i = 0; i < t->rows->count && pass->draw_balanced; i++) sum = fmax(sum, chance[i]);
  if (pass->draw_balanced && sum < 1e8) {
    double *count = memory_alloc((size_t)sum + 1, sizeof(double));
    for (int64_t i = 0; i < t->rows->count; i++) count[(int64_t)fmax(chance[i], 0)]++;
    for (int64_t i = 0; i < t->rows->count; i++) chance[i] = 1 / count[(int64_t)fmax(chance[i], 0)];
    memory_free(count);
  }
  sum = 0;
  bool ok = true;
  for (int64_t i = 0; i < t->rows->count && ok; i++) {
    ok = chance[i] >= 0 && isfinite(chance[i]);
    if (!ok) problem_chance(t->session->problems, pass->draw_at, t->rows->row[i] + 1, chance[i]);
    sum += chance[i];
  }
  if (ok && sum <= 0) {
    problem_chance(t->session->problems, pass->draw_at, 0, 0);
    ok = false;
  }
  if (ok) order_draw(&t->order, chance);
  memory_free(chance);
  return ok;
}

/* The orders of the rows of all tables of the task. */
static bool orders_open(Training *t) {
  const Settings *s = &t->task->settings;
  Session *session = t->session;
  const Pass *pass = t->task->train, *valid = t->task->valid;
  if (!t->rows) return true;
  t->order = order_new(t->rows, s->seed, s->shuffle && !streams_of(pass));
  if (!further_open(&t->more, session, pass, s->seed, s->shuffle, t->batch) ||
      (valid && !further_open(&t->valid_more, session, valid, s->seed, false, valid_batch(t))))
    return false;
  return !pass->draw || draw_rows(t);
}

static void orders_close(Training *t) {
  order_free(&t->order);
  batches_free(&t->cut);
  further_free(&t->more);
  further_free(&t->valid_more);
}

static bool script_open(Training *t) {
  if (!t->task->hooks) return true;
  t->hooks =
      train_hooks_open(t->session, t->task, t->train, t->rows, t->batches, t->run ? t->run->folder : NULL);
  return t->hooks != NULL;
}

/* The run's folder: a new one, or that of the run which goes on. */
static bool run_open(Training *t) {
  Session *session = t->session;
  const char *resume = session->resume, *out = session->options->out ? session->options->out : ".";
  session->resume = NULL;
  t->run = resume ? run_lock(session->arena, session->problems, resume)
                  : run_create(session->arena, session->problems, out, session->program->program_name,
                               t->task->name);
  if (!t->run) return false;
  run_clean(t->run);
  session->run_folder = t->run->folder;
  t->told = true;
  t->saved_at = seconds_now();
  if (!script_open(t)) return false;
  if (resume ? !checkpoint_resume(t) : !run_record_write(session, t->task, t->run->folder, t->steps))
    return false;
  t->log = run_log_open(session, t->run->folder, t->steps, t->log_length);
  if (!run_log_is_open(t->log)) report_line(session->report, "note", "the log of the run cannot be written");
  return true;
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
  if (t->rows) t->cut = batches_new(t->rows->count, t->batch, s->drop_last, runner_lengths(t->train));
  t->batches = t->rows ? t->cut.count : s->steps ? s->steps : 1;
  int64_t updates = (t->batches + s->accumulate - 1) / s->accumulate;
  t->batches_most = t->batches;
  t->steps = s->steps ? s->steps : (int64_t)ceil(s->epochs * (double)updates);
  t->epochs = (t->steps + updates - 1) / updates;
  if (!orders_open(t)) return false;
  t->mean = ARENA_ARRAY(session->arena, Average, pass->measures + 1);
  if (t->task->valid) t->valid_mean = ARENA_ARRAY(session->arena, Average, t->task->valid->measures + 1);
  t->train_numbers = ARENA_ARRAY(session->arena, ReportNumber, pass->measures + 1);
  t->valid_numbers = ARENA_ARRAY(session->arena, ReportNumber, pass->measures + 64);
  session->result = ARENA_ARRAY(session->arena, ReportNumber, pass->measures + 64);
  session->results = 0;
  t->best_value = t->last_stop = t->loss = NAN;
  t->drawn = t->rows ? t->rows->count : 1;
  if (t->task->valid) t->valid = runner_new(session, t->task->valid, valid_batch(t));
  if (t->task->valid && !t->valid) return false;
  if (t->valid) draw_valid_rows(t);
  runner_reset(t->train, VARIABLE_OPTIMIZER);
  if (!prepare_plans(t)) return false;
  training_changes(t);
  t->told = true;
  return t->keeps ? run_open(t) : script_open(t);
}

/* ema: the weights are the averages from here on. */
static void averages_take(Training *t) {
  const Pass *pass = t->task->train;
  for (int i = 0; i < pass->averages; i++) {
    Variable *weight = pass->average[i].weight;
    memcpy(weight->data, pass->average[i].average->data,
           (size_t)type_count(&weight->type) * dtype_size(weight->type.dtype));
  }
}

static void training_save(Training *t, bool finished) {
  Session *session = t->session;
  const Settings *s = &t->task->settings;
  averages_take(t);
  if (!t->keeps) {
    if (t->best) weights_restore(session, t->best);
    return;
  }
  bool differ = t->best && t->best_step != t->step;
  if (!differ) save_remove(run_file(t, "last.safetensors")); // of an earlier stop
  if (differ && !save_weights(t, "last.safetensors")) return;
  if (t->best) weights_restore(session, t->best);
  if (!save_weights(t, "best.safetensors")) return;
  if (finished && !run_finish(t->run, session->problems)) t->exit_code = 3;
  const char *path = run_file(t, "best.safetensors");
  if (t->best) report_kept(session->report, t->task->name, t->best_epoch, s->keep, t->best_value, path);
  report_saved(session->report, path);
  session->weights_from = path;
  session->trained = true;
}

/* A hook sees its state and that the run goes on; what it then changes in state is undone, for the same bits. */
static void start_hooks(Training *t, bool resumed) {
  if (!resumed || !train_hooks_has(t->hooks, HOOK_START)) {
    if (!resumed) ask(t, HOOK_START, 0);
    return;
  }
  Text state = {0};
  train_hooks_context(t->hooks)->resumed = true;
  if (!train_hooks_state_write(t->hooks, &state) || !train_hooks_call(t->hooks, HOOK_START) ||
      !train_hooks_state_read(t->hooks, text_string(&state), state.length))
    t->exit_code = 4;
  train_hooks_context(t->hooks)->resumed = false; // the other hooks do what they would have done
  text_free(&state);
}

static void run_epochs(Training *t) {
  while ((t->resumed || (t->step < t->steps && !t->stop)) && !t->exit_code && !pauses(t)) {
    if (leaving(t) && !t->again)
      return; // else the begin of the epoch that it goes back to is where it stands
    t->rewound = false;
    run_epoch(t);
    if (leaving(t) && !t->rewound) return;
    if (!t->exit_code && !t->rewound) finish_epoch(t);
  }
}

static void training_free(Training *t) {
  run_log_close(t->log);
  train_hooks_close(t->hooks, &t->order);
  if (t->run) run_close(t->run);
  runner_free(t->train);
  runner_free(t->valid);
  orders_close(t);
  memory_free(t->valid_row);
  memory_free(t->best);
  memory_free(t->begin);
  memory_free(t);
}

Training *training_begin(Session *session, Task *task, bool keeps) {
  Training *t = memory_alloc(1, sizeof(Training));
  *t = (Training){.session = session,
                  .task = task,
                  .run_start = seconds_now(),
                  .epoch_start = seconds_now(),
                  .keeps = keeps};
  if (strcmp(task->settings.precision_name, "f32") && strcmp(task->settings.precision_name, "f64"))
    report_line(session->report, "note", "%s computes in f32: %s is not available on this device",
                session->backend->name, task->settings.precision_name);
  bool resumed = keeps && session->resume != NULL;
  if (!training_open(t)) {
    training_free(t);
    return NULL;
  }
  report_start(session->report, task->name, t->steps, t->rows ? t->rows->count : 0);
  start_hooks(t, resumed);
  return t;
}

void training_watch(Training *t, TrainingWatch watch) { t->watch = watch; }

/* So many more steps, which may lead past the end of the program's: then the epochs go on. */
static void pause_behind(Training *t, int64_t steps) {
  t->pause = steps ? t->step + steps : 0;
  t->left = false;
  if (steps) t->stop = false; // it is asked to go on
  if (t->pause <= t->steps) return;
  t->steps = t->pause;
  if (!t->rows) t->batches = t->steps;
  if (t->rows && t->batches > 0) t->epochs = (t->steps + t->batches - 1) / t->batches;
}

int training_go(Training *t, int64_t steps) {
  pause_behind(t, steps);
  t->epoch_start = seconds_now();
  run_epochs(t);
  t->paused = t->begun && leaving(t) && !t->again && !t->exit_code; // `again` begins an epoch
  t->session->trained = true;
  return t->exit_code ? t->exit_code : interrupted ? 128 + interrupted : 0;
}

bool training_over(const Training *t) { return t->stop || t->step >= t->steps; }
double training_loss(const Training *t) { return t->loss; }
int64_t training_step(const Training *t) { return t->step; }
int64_t training_steps(const Training *t) { return t->steps; }
const Pass *training_pass(const Training *t) { return t->task->train; }
void training_drop(Training *t) { training_free(t); }

void training_settle(Training *t) {
  bool finished = !t->begun && (t->step >= t->steps || t->stop);
  if (finished)
    ask(t, HOOK_FINISH, t->epoch);
  else if (t->keeps && !t->exit_code && !checkpoint_save(t, t->session->problems))
    t->exit_code = 3;
  const char *log = train_hooks_log(t->hooks);
  if (log) report_line(t->session->report, t->task->name, "what its hook logged: %s", log);
  if (!t->exit_code) training_save(t, finished);
}

int train_task(Session *session, Task *task) {
  Training *t = training_begin(session, task, true);
  if (!t) return problems_exit_code(session->problems) ? problems_exit_code(session->problems) : 3;
  training_go(t, 0);
  training_settle(t);
  int code = t->exit_code;
  training_free(t);
  if (!code && session->dones < session->tasks) session->done[session->dones++] = task->name;
  return code ? code : interrupted ? 128 + interrupted : 0;
}
