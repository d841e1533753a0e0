/* The folders of runs: OUT/runs/PROGRAM/TASK/N/. */
#ifndef INTERPRETER_FORMATS_RUNS_H
#define INTERPRETER_FORMATS_RUNS_H

#include "base/arena.h"
#include "base/problem.h"

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

#endif
