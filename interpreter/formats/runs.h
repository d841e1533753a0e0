/* The folders of runs: OUT/runs/PROGRAM/TASK/N/. */
#ifndef INTERPRETER_FORMATS_RUNS_H
#define INTERPRETER_FORMATS_RUNS_H

#include "base/arena.h"
#include "base/problem.h"

#include <time.h>

typedef struct {
  const char *folder; // runs/digits/fit/7
  int number;
  int lock; // file descriptor
} Run;

/* Makes the next free number and locks the folder (flock) until run_close. NULL after a Problem. */
Run *run_create(Arena *arena, Problems *problems, const char *out, const char *program, const char *task);
/* Locks a folder that is there; E0708 says who holds it if another trainer does. */
Run *run_lock(Arena *arena, Problems *problems, const char *folder);
/* Marks it finished (a small file `done` written atomically) or leaves it unfinished. */
bool run_finish(Run *run, Problems *problems);
void run_close(Run *run);

/* The newest finished run of the program (of that task, or of any when `task` is NULL) that has
 * best.safetensors: the path of that file; NULL if there is none. */
const char *run_newest(Arena *arena, const char *out, const char *program, const char *task);

/* Its newest run of that task which is unfinished and has a checkpoint; NULL if there is none. `*when`: when that was
 * written. */
const char *run_unfinished(Arena *arena, const char *out, const char *program, const char *task,
                           struct timespec *when);
/* The numbers N of the files checkpoint-N.safetensors in the folder of a run, newest first; in `arena`. */
int *run_checkpoints(Arena *arena, const char *folder, int *count);
/* Removes what a trainer that was killed while it saved left behind; the folder must be locked. */
void run_clean(const Run *run);
/* All folders of runs beneath OUT/runs, by program, task and number; in `arena`. `program` NULL: all of them. */
const char **run_list(Arena *arena, const char *out, const char *program, int *count);
bool run_is_there(const char *folder); // the folder holds a run
bool run_is_finished(const char *folder);
bool run_is_held(const char *folder); // a trainer works in it now

#endif
