/* The parts of a checkpoint: each adds itself to a bundle, and is taken back out of one. */
#ifndef INTERPRETER_CHECKPOINT_PARTS_H
#define INTERPRETER_CHECKPOINT_PARTS_H

#include "interpreter/training_state.h"

/* Where the run stands, in words and numbers (checkpoint_place.c). `wrong` names what does not fit. */
void place_write(const Training *t, Bundle *bundle);
bool place_read(Training *t, const Bundle *bundle, const char **wrong);

/* Tensors: weights and states, what else a step changes, the best weights, marks of hooks (checkpoint_tensors.c). */
void tensors_write(const Training *t, Bundle *bundle);
bool tensors_read(Training *t, const Bundle *bundle, const char **wrong);

/* Program, settings and data: a run goes on only with those that it began with (checkpoint_setup.c). */
void setup_write(Training *t, Bundle *bundle);
bool setup_same(Training *t, const Bundle *bundle, const char *path); // false after E0710

#endif
