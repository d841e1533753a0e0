/* lathe sweep: trains a task again and again with other values, and shows which were best.
 *
 * Each run is a process of its own, `--jobs` at a time, which sends back one number; a run that fails costs nothing but
 * its trial. Runs write below runs/PROGRAM/SWEEP/NUMBER. */
#include "interpreter/elaborate/sweep.h"
#include "interpreter/commands/command.h"
#include "lang/problems.h"
#include "parser/parse.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct {
  pid_t process;
  int pipe;
  int64_t trial, run;
} Job;

typedef struct {
  double sum, square, seconds;
  int64_t done, failed;
} Result;

typedef struct {
  Invocation *call;
  const Sweep *sweep;
  const char *name, *program;
  Result *result; // by trial
  Job *job;
  int jobs, running;
} Sweeping;

// ---- what is swept --------------------------------------------------------------------------------------------------

/* Whether the value of a setting on the command line is a choice of several. */
static bool is_choice(const char *value) {
  if (!strncmp(value, "log_range(", 10) || value[0] == '[') return true;
  int depth = 0;
  bool string = false;
  for (; *value; value++) {
    string = string != (*value == '"');
    depth += *value == '(' || *value == '[';
    depth -= *value == ')' || *value == ']';
    if ((*value == ',' && depth == 0 && !string) || (!string && value[0] == '.' && value[1] == '.'))
      return true;
  }
  return false;
}

static bool is_own(const char *set, size_t length) {
  static const char *const own[] = {"trials", "strategy", "goal", "repeats"};
  for (int i = 0; i < 4; i++)
    if (strlen(own[i]) == length && !strncmp(own[i], set, length)) return true;
  return false;
}

/* `lathe sweep FILE fit lr=1e-3,1e-2`: a sweep block out of the command line. Other settings stay what they are. */
static const char *block_of_words(Invocation *call, const char *task) {
  Text text = {0};
  text_printf(&text, "sweep %s on %s {\n", task, task);
  const char **kept = ARENA_ARRAY(call->arena, const char *, call->options.sets + 1);
  int count = 0;
  for (int i = 0; i < call->options.sets; i++) {
    const char *set = call->options.set[i], *equal = strchr(set, '=');
    size_t length = (size_t)(equal - set), task_length = strlen(task);
    bool own = is_own(set, length);
    if (!own && !is_choice(equal + 1)) {
      kept[count++] = set;
      continue;
    }
    if (!strncmp(set, task, task_length) && set[task_length] == '.') set += task_length + 1;
    bool list = !own && strncmp(equal + 1, "log_range(", 10) && equal[1] != '[' && !strstr(equal, "..");
    text_printf(&text, "  %.*s = %s%s%s\n", (int)(equal - set), set, list ? "[" : "", equal + 1,
                list ? "]" : "");
  }
  text_add(&text, "}\n");
  call->options.set = kept;
  call->options.sets = count;
  const char *block = arena_copy(call->arena, text_string(&text), text.length);
  text_free(&text);
  return block;
}

static const Ast *sweep_named(const Elaborator *e, const char *name, TaskKind kind) {
  for (int i = 0; i < e->declaration->count; i++) {
    const Ast *ast = e->declaration->item[i];
    if (ast->kind == AST_TASK && ast->u.task.task == kind && (!name || !strcmp(ast->u.task.name, name)))
      return ast;
  }
  return NULL;
}

static Session *open_checked(Invocation *call) {
  return session_open(call->arena, call->problems, &call->options, call->report, call->file,
                      1u << TASK_SWEEP | 1u << TASK_TRAIN, NULL, 0);
}

/* The sweep that the words mean, in a checked session; NULL after a Problem. */
static const Sweep *find_sweep(Invocation *call, Session **session, const char **name) {
  const char *word = call->words ? call->word[0] : NULL;
  const char *block = word && call->options.sets ? block_of_words(call, word) : NULL;
  *session = open_checked(call);
  if (!*session) return NULL;
  Elaborator *e = (*session)->program;
  const Ast *ast = sweep_named(e, word, TASK_SWEEP);
  if (!ast && word && sweep_named(e, word, TASK_TRAIN)) {
    if (!block) block = block_of_words(call, word);
    const Source *source = source_add("command line", block, strlen(block));
    const Ast *program = parse_program(call->arena, call->problems, source);
    if (problems_count(call->problems, SEVERITY_ERROR) || program->u.list.count != 1) return NULL;
    ast = program->u.list.item[0];
  }
  if (!ast) {
    if (word)
      problem_unknown_task(call->problems, word, NULL);
    else
      problem_nothing_to_do(call->problems, "sweep", call->file);
    return NULL;
  }
  *name = ast->u.task.name;
  const Task *task = task_elaborate(e, ast);
  return task ? task->sweep : NULL;
}

// ---- runs -----------------------------------------------------------------------------------------------------------

/* In the process of a run: trains, and sends the goal's value; NaN if there is none. */
static void run_child(Sweeping *s, int64_t trial, int64_t run, int pipe) {
  Invocation *call = s->call;
  const Sweep *sweep = s->sweep;
  Arena *arena = arena_new(0);
  Problems *problems = problems_new(arena);
  Options options = call->options;
  int axes = sweep->axes + sweep->repeats;
  const char **values = sweep_values(sweep, arena, options.seed, trial, run),
             **set = ARENA_ARRAY(arena, const char *, options.sets + axes + 1);
  for (int i = 0; i < options.sets; i++) set[i] = options.set[i];
  for (int i = 0; i < axes; i++) set[options.sets + i] = values[i];
  options.set = set;
  options.sets += axes;
  options.quiet = true;
  options.threads = options.threads > s->jobs ? options.threads / s->jobs : 1;
  options.out =
      arena_printf(arena, "%s%sruns/%s/%s/%lld", options.out ? options.out : "", options.out ? "/" : "",
                   s->program, s->name, (long long)(trial * sweep_runs(sweep) + run + 1));
  Report *report = report_new(false, true, options.colour);
  const char *task = sweep->base->u.task.name;
  Session *session = session_open(arena, problems, &options, report, call->file, 1u << TASK_TRAIN, &task, 1);
  int code =
      session && session_start(session) && session->tasks == 1 ? train_task(session, session->task[0]) : 1;
  double value = NAN;
  for (int i = 0; session && code == 0 && i < session->results; i++)
    if (!strcmp(session->result[i].name, sweep->goal)) value = session->result[i].value;
  if (session) session_close(session);
  report_problems(report, problems);
  bool sent = write(pipe, &value, sizeof value) == sizeof value;
  _exit(sent ? code : 70);
}

static bool run_start(Sweeping *s, int64_t trial, int64_t run) {
  int ends[2];
  if (pipe(ends) != 0) return false;
  fflush(stdout);
  pid_t process = fork();
  if (process == 0) {
    close(ends[0]);
    run_child(s, trial, run, ends[1]);
  }
  close(ends[1]);
  if (process < 0) {
    close(ends[0]);
    return false;
  }
  s->job[s->running++] = (Job){process, ends[0], trial, run};
  return true;
}

static const char *values_text(const Sweeping *s, int64_t trial) {
  Text text = {0};
  const char **values = sweep_values(s->sweep, s->call->arena, s->call->options.seed, trial, 0);
  for (int i = 0; i < s->sweep->axes; i++) text_printf(&text, "%s%s", i ? " " : "", values[i]);
  const char *line = arena_copy(s->call->arena, text_string(&text), text.length);
  text_free(&text);
  return line;
}

static double mean_of(const Result *result) {
  return result->done ? result->sum / (double)result->done : NAN;
}

/* Waits until one run ends and takes its number. */
static void run_end(Sweeping *s) {
  int status = 0;
  pid_t ended;
  do ended = waitpid(-1, &status, 0);
  while (ended < 0 && errno == EINTR);
  for (int i = 0; i < s->running; i++) {
    Job job = s->job[i];
    if (job.process != ended && ended >= 0) continue;
    double value = NAN;
    if (read(job.pipe, &value, sizeof value) != sizeof value) value = NAN;
    close(job.pipe);
    s->job[i] = s->job[--s->running];
    Result *result = &s->result[job.trial];
    if (isnan(value)) {
      result->failed++;
    } else {
      result->sum += value;
      result->square += value * value;
      result->done++;
    }
    if (result->done + result->failed < sweep_runs(s->sweep)) return;
    if (result->failed) result->done = 0; // a trial counts whole or not at all
    report_trial(s->call->report, s->name, job.trial + 1, sweep_trials(s->sweep), values_text(s, job.trial),
                 s->sweep->goal, mean_of(result));
    return;
  }
}

// ---- results --------------------------------------------------------------------------------------------------------

static bool precedes(const Sweeping *s, int64_t a, int64_t b) {
  double x = mean_of(&s->result[a]), y = mean_of(&s->result[b]);
  if (isnan(x) || isnan(y)) return !isnan(x) && isnan(y);
  return s->sweep->least ? x < y : x > y;
}

/* Best first; equal ones, and those that failed, in their order. */
static int64_t *ranking(const Sweeping *s) {
  int64_t count = sweep_trials(s->sweep), *rank = ARENA_ARRAY(s->call->arena, int64_t, count + 1);
  for (int64_t i = 0; i < count; i++) {
    int64_t at = i;
    for (; at > 0 && precedes(s, i, rank[at - 1]); at--) rank[at] = rank[at - 1];
    rank[at] = i;
  }
  return rank;
}

static bool show_results(const Sweeping *s) {
  int64_t count = sweep_trials(s->sweep), *rank = ranking(s);
  Text table = {0};
  for (int64_t i = 0; i < count; i++) {
    const Result *result = &s->result[rank[i]];
    double mean = mean_of(result), runs = (double)result->done;
    text_printf(&table, "%4lld  valid.%s ", (long long)(rank[i] + 1), s->sweep->goal);
    if (!result->done)
      text_add(&table, "failed");
    else if (result->done == 1)
      text_printf(&table, "%.6g", mean);
    else
      text_printf(&table, "%.6g ± %.2g", mean, sqrt(fmax(result->square / runs - mean * mean, 0)));
    text_printf(&table, "  %s\n", values_text(s, rank[i]));
  }
  report_result(s->call->report, text_string(&table));
  text_free(&table);
  bool any = count > 0 && s->result[rank[0]].done;
  if (any)
    report_line(s->call->report, "best", "lathe train %s %s %s", s->call->file, s->sweep->base->u.task.name,
                values_text(s, rank[0]));
  return any;
}

int command_sweep(Invocation *call) {
  Session *session = NULL;
  Sweeping s = {.call = call, .jobs = call->jobs > 0 ? call->jobs : 1};
  s.sweep = find_sweep(call, &session, &s.name);
  if (!s.sweep) {
    session_close(session);
    return failed(call);
  }
  s.program = session->program->program_name;
  int64_t trials = sweep_trials(s.sweep), runs = sweep_runs(s.sweep);
  s.result = ARENA_ARRAY(call->arena, Result, trials + 1);
  s.job = ARENA_ARRAY(call->arena, Job, s.jobs + 1);
  bool ok = true;
  for (int64_t i = 0; i < trials * runs && ok && !interrupted; i++) {
    if (s.running == s.jobs) run_end(&s);
    ok = run_start(&s, i / runs, i % runs);
  }
  while (s.running) run_end(&s);
  ok = ok && show_results(&s);
  session_close(session);
  return interrupted ? 128 + interrupted : ok ? 0 : 4;
}
