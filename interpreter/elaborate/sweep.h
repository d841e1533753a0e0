/* sweep: what is tried, how often, and what counts.
 *
 * An axis is a config of the program or a setting of the task, with the values that it can take. A trial has one value
 * of each axis; its result is the mean over the repeats. */
#ifndef INTERPRETER_ELABORATE_SWEEP_H
#define INTERPRETER_ELABORATE_SWEEP_H

#include "interpreter/elaborate/dataset.h"

typedef struct {
  const char *name;         // as the command line has it: lr, fit.batch
  const char *const *value; // literals
  int values;
  bool log; // any number between low and high, evenly by its logarithm; in a grid the values above
  double low, high;
} SweepAxis;

struct Sweep {
  const Ast *base; // the train task
  SweepAxis *axis;
  int axes, repeats; // axes first, then repeats: all combinations of their values belong to one trial
  int64_t trials;    // of a random strategy
  bool random, least;
  const char *goal; // metric without `valid.`
};

/* NULL after a Problem. */
Sweep *sweep_read(Elaborator *e, const Ast *ast);
/* How many trials there are, and how many runs each has. */
int64_t sweep_trials(const Sweep *sweep);
int64_t sweep_runs(const Sweep *sweep);
/* name=value for each axis and repeat of one run: axes + repeats of them. A function of seed, trial and run. */
const char **sweep_values(const Sweep *sweep, Arena *arena, uint64_t seed, int64_t trial, int64_t run);

#endif
