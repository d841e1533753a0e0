/* A train block that is left and gone on with: `lathe train` does it in one go, a session step by step. */
#ifndef INTERPRETER_TRAINING_H
#define INTERPRETER_TRAINING_H

#include "interpreter/session.h"

typedef struct Training Training;

/* What is told of its steps. Each function may be NULL. */
typedef struct {
  void *context;
  /* Before a batch, whose rows are not gathered yet; false: do not run it, and stop as if interrupted. */
  bool (*before)(void *context, Runner *runner, const int64_t *row, int64_t rows, const RunArgs *args);
  void (*after)(void *context, Runner *runner, int64_t step, double loss); // an update was made
} TrainingWatch;

/* `keeps`: its weights go to a run folder, and those of the best validation are the model's at the end. NULL after a
 * Problem. */
Training *training_begin(Session *session, Task *task, bool keeps);
void training_watch(Training *training, TrainingWatch watch);
/* So many more updates, past the end of the program's too; 0: to its end. The exit code; 128 + the signal where it was
 * interrupted, after which it can go on. */
int training_go(Training *training, int64_t steps);
int64_t training_step(const Training *training);  // updates so far
int64_t training_steps(const Training *training); // those of all of it
double training_loss(const Training *training);   // of the last batch; NaN before the first
const Pass *training_pass(const Training *training);
bool training_over(const Training *training); // all its steps are made, or it stopped by itself
/* At its end: the weights of the best validation become the model's where the program keeps them, and are saved where
 * the training keeps. It can still go on. */
void training_settle(Training *training);
void training_drop(Training *training); // frees it, the weights stay as they are

#endif
