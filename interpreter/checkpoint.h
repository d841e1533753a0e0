/* Checkpoints: all that a run is between two batches, in a file from which it goes on to the same bits.
 *
 * A checkpoint is a weights file like any other (safetensors with checksums, usable by --weights) with further tensors
 * under `training.`: optimizer, states of metrics, sums of the epoch, the best weights so far, the state of a hook; and a
 * line of counters. Files are RUN/checkpoint-STEP.safetensors, checkpoint-STEP-N after the Nth rewind; the two newest
 * stay. */
#ifndef INTERPRETER_CHECKPOINT_H
#define INTERPRETER_CHECKPOINT_H

#include "interpreter/training.h"

/* Writes one and, once it was read back whole, removes all but the two newest. false after a Problem. */
bool checkpoint_save(Training *t);

/* For --resume. The weights of the run if it is over; NULL: it is not. */
const char *checkpoint_finished(Training *t);
/* The folder of the run that goes on; NULL after a Problem: there is none. */
const char *checkpoint_folder(Training *t);
/* The newest whole checkpoint of t->run, each that is damaged named and left; *logged: bytes of the log then. t is open.
 * false after a Problem: none is whole, or they are of another program. */
bool checkpoint_load(Training *t, int64_t *logged);

#endif
