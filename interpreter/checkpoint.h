/* Checkpoints: what a run needs to go on with the same bits, as files checkpoint-N.safetensors in its folder.
 *
 * Such a file is one of weights like any other, with more in it: tensors `train/…` of optimizers, `metric/…` of this
 * epoch's metrics, `best/…` of the weights that are kept, `mark/…` of places that hooks may go back to, and texts that
 * say where the run stands, of which program and with which settings. N grows with each that is made. */
#ifndef INTERPRETER_CHECKPOINT_H
#define INTERPRETER_CHECKPOINT_H

#include "interpreter/training_state.h"

/* Writes one, reads it back, removes those that two verified newer ones make superfluous. false after a Problem in
 * `problems`: the older ones stand. */
bool checkpoint_save(Training *t, Problems *problems);

/* Puts a run that was just opened where the newest whole checkpoint of its folder says; names those that it skips.
 * false after a Problem: none is whole, or program, settings or data are others than then. */
bool checkpoint_resume(Training *t);

#endif
