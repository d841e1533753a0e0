/* A training run and its Lua script: what a hook sees of the run, what it asks for, and what the run keeps for it.
 *
 * The numbers that a hook may change in a step live here: the step's graph reads them (TaskHooks). They are those that
 * change nothing, until a hook asks, and again after the step. */
#ifndef INTERPRETER_TRAIN_HOOKS_H
#define INTERPRETER_TRAIN_HOOKS_H

#include "interpreter/hooks/hooks.h"
#include "interpreter/order.h"
#include "interpreter/session.h"

typedef struct TrainHooks TrainHooks;

/* Where a run stands beside the memory of its variables. */
typedef struct {
  int64_t step, epoch, batch, steps; // done; batch: of the epoch
  bool begun; // false: at the end of an epoch, before the rows of the next one are known
} Position;

/* A place to go back to. */
typedef struct {
  const char *name; // "epoch": the begin of the running epoch
  Position at;
  void *memory; // of the variables, freed here; that of "epoch" is the trainer's
  Average *mean;
  double *chance; // of rows in that epoch, or NULL: as the program says …
  int64_t most;   // … and how many, or 0
} Mark;

#define REWINDS_LIMIT 10

/* NULL after a Problem. `rows` may be NULL. */
TrainHooks *train_hooks_open(Session *session, Task *task, Runner *train, const Part *rows, int64_t batches,
                             const char *folder);
/* The order has the chances of the program again. `hooks` may be NULL. */
void train_hooks_close(TrainHooks *hooks, RowOrder *order);

HookContext *train_hooks_context(TrainHooks *hooks); // the trainer fills in what is seen
void train_hooks_numbers(TrainHooks *hooks, bool valid, const ReportNumber *numbers, int count);
bool train_hooks_has(const TrainHooks *hooks, HookKind kind); // hooks may be NULL
bool train_hooks_call(TrainHooks *hooks, HookKind kind);      // false after E0801
const char *train_hooks_log(const TrainHooks *hooks); // the file of what was logged; NULL: nothing was

/* What the next step is to do, to the numbers that its graph reads; kept by number of the batch, so that a step can be
 * repeated. true: the step is to be skipped. */
bool train_hooks_apply(TrainHooks *hooks, int64_t batch);
bool train_hooks_repeat(TrainHooks *hooks, int64_t batch);
void train_hooks_done(TrainHooks *hooks); // the step is done: what was asked for it is over

/* What the last call asked for: marks to make and to go back to; NULL: nothing. */
const char *train_hooks_mark_asked(const TrainHooks *hooks);
const char *train_hooks_rewind_asked(const TrainHooks *hooks);
/* The mark of that name, made if there is none, with the rows of the epoch; the trainer fills in the memory. */
Mark *train_hooks_mark(TrainHooks *hooks, const char *name, const Position *at);
const Mark *train_hooks_find(TrainHooks *hooks, const char *name);
int train_hooks_marks(const TrainHooks *hooks);
const Mark *train_hooks_mark_at(const TrainHooks *hooks, int i);
/* The mark as a checkpoint has it, made if there is none; chances are copied. NULL: there are too many. */
Mark *train_hooks_mark_restore(TrainHooks *hooks, const char *name, const Position *at, const double *chance,
                               int64_t most);

/* The rows of the epoch that begins, with the chances that a hook asked for, once. Returns how many. `again`: NULL, or
 * the mark whose epoch goes on. */
int64_t train_hooks_rows(TrainHooks *hooks, RowOrder *order, const Mark *again);
int64_t train_hooks_rows_again(TrainHooks *hooks, RowOrder *order); // of the running epoch, after a resume
int64_t train_hooks_limit(const TrainHooks *hooks); // rows that the next epoch is cut to; 0: all

const Source *train_hooks_source(const TrainHooks *hooks);
void train_hooks_ran(TrainHooks *hooks);            // a batch has run: its numbers are those to be seen
int train_hooks_validated(const TrainHooks *hooks); // how many numbers of a validation are seen
/* What each batch of the epoch was told by hooks, for repeating it: so many numbers a batch. */
double *train_hooks_record(TrainHooks *hooks, int64_t *a_batch);
/* ctx.state, the position of math.random, what is asked for the next step and epoch, and what hooks see of the last
 * step, as text and back: exact. */
bool train_hooks_state_write(TrainHooks *hooks, Text *out);
bool train_hooks_state_read(TrainHooks *hooks, const char *bytes, size_t length);

#endif
