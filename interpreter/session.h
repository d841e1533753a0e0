/* One command at work: a checked program, its numbers in memory, and the device that computes them.
 *
 * The session owns the memory of every variable. Weights get their first values once, by running the graph that
 * elaboration made for them, or from a file. */
#ifndef INTERPRETER_SESSION_H
#define INTERPRETER_SESSION_H

#include "interpreter/elaborate/elaborate.h"
#include "interpreter/report.h"

typedef struct {
  Arena *arena;
  Problems *problems;
  const Options *options;
  Report *report;
  Elaborator *program;
  Task **task; // in the order of the file; sweeps and tests apart
  int tasks;
  Backend *backend;
  double running[4];        // step, epoch, progress, first_batch
  int weights_copied;       // weights of the program that copies_start has seen
  int64_t weights_made;     // outputs of program->init that were run
  const char *weights_from; // where the weights came from; NULL: initial ones
  bool trained;
  const char *run_folder; // of the run that was made last; NULL: none
  const char **done;      // train tasks that are done, in their order
  int dones;
  const char *resume; // the folder whose run the next train task goes on with; NULL: it begins one
  /* Asked behind each batch; true: a checkpoint is made and training left, as by a signal. NULL: nobody asks. */
  bool (*leave)(void *context, int64_t step);
  void *leave_context;
  ReportNumber *result; // validation of the weights that training kept
  int results;
} Session;

/* A program checked whole, its tasks built: those of `kinds` (a bit a TaskKind) whose name is in `names`, or all of
 * them when count is 0. NULL after an error. */
#define KIND_TESTS (1u << 5) // test blocks
#define ALL_KINDS  (~0u)
Session *session_open(Arena *arena, Problems *problems, const Options *options, Report *report,
                      const char *path, unsigned kinds, const char *const *names, int count);
Session *session_new(Arena *arena, Problems *problems, const Options *options,
                     Report *report); // no program yet
bool session_start(Session *session); // device, memory, first weights; again: of what has come since
void session_close(Session *session);
/* Runs a graph of first values from output `first` on (those of all roles if role < 0) and leaves them in the
 * variables; `part` is a key of its random numbers. false after a Problem. */
bool session_assign(Session *session, const Graph *from, int first, int role, uint32_t part);

/* A pass made ready to run: its plans, one for each number of rows, longest row of a batch and set of guards,
 * and the memory of its columns. */
typedef struct Runner Runner;
Runner *runner_new(Session *session, Pass *pass, int64_t most_rows);
/* Makes the plan for that many rows, the longest among them, and these guards now. */
bool runner_prepare(Runner *runner, int64_t rows);
/* What the symbols of a pass are for that many rows, the longest among them; in `arena`. */
DimBinding *pass_bindings(Arena *arena, const Pass *pass, int64_t rows, int *count);
/* Decides which guards hold in the runs that follow: those of step `step`; `update`: of the last batch of an update;
 * `tell`: of one behind which a line is told. The session's running numbers are those of that step. */
void runner_decide(Runner *runner, int64_t step, bool update, bool tell);
uint64_t runner_due(const Runner *runner);                  // the guards that hold, a bit each
bool runner_active(const Runner *runner, const When *when); // whether what stands under such guards ran
/* The rows of further table `number` (from 0) in the runs that follow, as many as of the first one. */
void runner_rows(Runner *runner, int number, const int64_t *row);
/* Runs the pass on rows of its table (row NULL: a pass without data). false after a Problem: what the program asks
 * for is impossible with this number of rows. */
bool runner_run(Runner *runner, const int64_t *row, int64_t rows, const RunArgs *args);
/* From now on every batch is filled up to the longest row of the table: outputs keep one shape. */
void runner_longest(Runner *runner);
/* How long each row of the table is, where rows have different lengths: what batches are sorted by; NULL. */
const int32_t *runner_lengths(const Runner *runner);
void runner_finish(Runner *runner); // computes what follows from states alone: values of metrics
void runner_blame(Runner *runner, const int64_t *row, int64_t rows, const RunArgs *args, const Node **node);
/* The program of a batch, its rows gathered, in `arena`: for looking at its values. NULL after a Problem. */
Graph *runner_program(Runner *runner, Arena *arena, const int64_t *row, int64_t rows);
double runner_number(Runner *runner,
                     const char *output); // a scalar output of the last run; NaN if there is none
const void *runner_value(Runner *runner, const char *output, const Type **type);
/* Whether a row of a new table has no value in a column that is read; `class_lacks`: one that category numbers. */
bool runner_row_lacks(const Runner *runner, int64_t row, bool *class_lacks);
void runner_reset(Runner *runner, VariableRole role); // first values of metric or optimizer states
void runner_free(Runner *runner);

/* Weights and states, with fitted statistics and the program, to a bundle and back. */
Bundle *session_bundle(Session *session, Arena *arena, const char *model); // model NULL: all
cJSON *session_fitted(const Session *session);                             // statistics alone
bool session_load(Session *session, const char *path, Span span, const char *model, bool statistics);
const char *weight_path(const Elaborator *e, const Weight *weight); // as shown: net.Dense.W, net.Dense.1.W
const char *weight_path_in(Arena *arena, const Elaborator *e, const Weight *weight);

/* What a measure came to: sums over rows of its values. */
typedef struct {
  double sum, rows;
} Average;
void averages_clear(Average *mean, const Pass *pass);
void averages_add(Runner *runner, const Pass *pass, Average *mean, int64_t rows); // a batch that has run
/* Loss first, then metrics in the order of the text; the count. */
int averages_read(Runner *runner, const Pass *pass, const Average *mean, ReportNumber *out);
/* Shows a printed expression by its last value, or the mean of a scalar (mean not NULL). */
/* Whether all that the pass expects is so, a Problem for each that is not; `finished`: what depends on the states of
 * metrics, else the rest. */
bool expectations_hold(Session *session, Runner *runner, const Pass *pass, bool finished);
void show_measure(Session *session, Runner *runner, const Measure *measure, const Average *mean);

/* Models that are declared as copies start with the weights and states of their models: of `from` alone, or all whose
 * weights are new. */
void copies_start(Session *session, const char *from);

/* Copies of all weights and states, to go back to. Weights that are newer than a copy are left as they are. */
void *weights_copy(Session *session, void *into); // into NULL: new; an old copy is used or freed; memory_free
char *weights_in(void *copy);                     // the numbers of a copy: those of all weights, in order
void weights_restore(Session *session, const void *copy);

/* train.c: 0, or the exit code; run.c: the other tasks. */
int train_task(Session *session, Task *task);
int measure_task(Session *session, Task *task);
int predict_task(Session *session, Task *task, const char *to);
int plain_task(Session *session, Task *task);

extern volatile int interrupted;       // the signal that asked to stop; 0: none
extern volatile int checkpoint_wanted; // a signal asked for a checkpoint

#endif
