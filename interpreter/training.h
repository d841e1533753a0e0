/* What a training run is while it runs: train.c moves it on, checkpoint.c saves it and brings it back. */
#ifndef INTERPRETER_TRAINING_H
#define INTERPRETER_TRAINING_H

#include "interpreter/data/batches.h"
#include "interpreter/formats/runs.h"
#include "interpreter/order.h"
#include "interpreter/run_log.h"
#include "interpreter/session.h"
#include "interpreter/train_hooks.h"

typedef struct {
  Session *session;
  Task *task;
  Runner *train, *valid;
  const Part *rows;
  RowOrder order;                 // of the rows of training, pass after pass
  Batches cut;                    // those of this epoch in batches
  FurtherRows more, valid_more;   // of the two passes
  int64_t *valid_row, valid_rows; // rows to validate on
  int64_t batch, batches, steps, epochs;
  int64_t step, epoch, done;  // so far; done: batches of this epoch
  int64_t drawn;              // rows of this epoch
  double loss;                // of the last batch
  Average *mean, *valid_mean; // by measure of the two passes
  ReportNumber *train_numbers, *valid_numbers;
  int trains, valids;
  Run *run;
  void *best, *begin; // weights: the best so far; all variables at the begin of the epoch
  double best_value;
  int64_t best_epoch, best_step, worse;
  double last_stop;
  bool stop;
  TrainHooks *hooks; // NULL: none
  Position begin_at; // of `begin`
  int64_t attempt;   // rewinds so far
  const Mark *again; // where the next epoch goes on; NULL: at its begin
  bool rewound;      // the epoch that ran is over
  bool owed;         // a line behind the last batch is still to be told
  Mark resumed;      // where a run that was stopped goes on, until its epoch has begun
  void *epoch_begin; // memory of the mark "epoch" of such a run
  RunLog *log;
  int64_t checkpointed; // step of the newest checkpoint; -1: none
  int exit_code;
  double epoch_start, run_start;
} Training;

/* Everything that a training step changes (weights, states, optimizer), into `into` (NULL: new, freed by memory_free),
 * or back from it. */
void *training_snapshot(Training *t, void *into, bool restore);
size_t training_bytes(const Training *t);                 // of a snapshot
const char *training_file(Training *t, const char *name); // in the folder of the run

#endif
