/* A run of a train block while it runs: what the loop (train.c) changes and a checkpoint (checkpoint.c) holds. */
#ifndef INTERPRETER_TRAINING_STATE_H
#define INTERPRETER_TRAINING_STATE_H

#include "interpreter/data/batches.h"
#include "interpreter/formats/runs.h"
#include "interpreter/order.h"
#include "interpreter/run_log.h"
#include "interpreter/session.h"
#include "interpreter/train_hooks.h"
#include "interpreter/training.h"

struct Training {
  Session *session;
  Task *task;
  Runner *train, *valid;
  Variable **changed; // all that a step changes
  int changes;
  const Part *rows;
  RowOrder order;                 // of the rows of training, pass after pass
  Batches cut;                    // those of this epoch in batches
  FurtherRows more, valid_more;   // of the two passes
  int64_t *valid_row, valid_rows; // rows to validate on
  int64_t batch, batches, steps, epochs;
  int64_t batches_most;       // of an epoch
  uint32_t data;              // fingerprint of the rows; 0: not taken yet, or there are none
  int64_t step, epoch, done;  // so far; done: batches of this epoch
  int64_t drawn;              // rows of this epoch
  double loss;                // of the last batch
  Average *mean, *valid_mean; // by measure of the two passes
  ReportNumber *train_numbers, *valid_numbers;
  int trains, valids;
  Run *run;
  RunLog *log;
  int64_t log_length; // of the part of the log that a checkpoint has seen
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
  bool begun;        // an epoch runs: its rows are known
  bool told;         // what follows the last batch (its line, a validation, what is saved) is done
  bool resumed;      // the next epoch goes on in the middle, as a checkpoint says
  bool left;         // asked to leave: a checkpoint is made where the run stands
  int exit_code;
  double epoch_start, run_start, saved_at; // saved_at: when the last checkpoint was made
  int checkpoint;                          // its number
  int verified[2]; // numbers of the last two that were read back and found whole; 0: none
  bool keeps;      // weights and checkpoints go to a run folder
  int64_t pause;   // the step behind which it is left; 0: at its end
  bool paused;     // it was left inside an epoch and goes on there
  bool held;       // the watch did not let the batch run
  TrainingWatch watch;
};

/* All that a step changes beside weights and states of models: states of optimizers, metrics and the block. */
Variable **training_variables(const Training *t, Arena *arena, int *count);
void training_changes(
    Training *t); // fills in `changed`: those, and the weights and states that the step assigns
size_t training_bytes(const Training *t);                             // of a copy of all that
void *training_snapshot(const Training *t, void *into, bool restore); // into NULL: new; freed by memory_free

#endif
