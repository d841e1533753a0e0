/* Who runs plans. One struct of functions a device; nothing here says how. */
#ifndef BACKENDS_BACKEND_H
#define BACKENDS_BACKEND_H

#include "base/problem.h"
#include "graph/plan.h"

typedef struct {
  uint64_t seed;  // key of random nodes, with their site
  int64_t step;   // and their counter: the step of the part, …
  int64_t batch;  // … the batch of the part
  uint32_t part;  // train, valid or task: part of the key
  uint64_t index; // where in scans and maps, by random_index; 0 outside: part of the key
  const volatile int
      *stop; // where it is not NULL and becomes another number than 0, the run ends early: what it
             // has not computed is whatever it was. Not for steps that assign variables.
  /* Called after every step with each value it made, if not NULL: for finding the first bad number. */
  void (*observe)(void *context, const Node *node, const Place *place, const void *data);
  void *context;
} RunArgs;

typedef struct Backend Backend;
struct Backend {
  const char *name;
  void (*prepare)(Backend *backend, Plan *plan); // kernels chosen, memory made: nothing is allocated after it
  void (*run)(Backend *backend, Plan *plan, const RunArgs *args);
  /* The value of an output after the last run of this plan, as the plan's type says; valid until the next run. */
  const void *(*output)(Backend *backend, const Plan *plan, int index);
  void (*forget)(Backend *backend, Plan *plan);
  void (*close)(Backend *backend);
};

/* threads >= 1. level: 0 picks the best the CPU has, 2, 3, 4 force x86-64-v2, v3, v4 (NULL after a Problem when
 * the CPU lacks it). */
Backend *cpu_open(Problems *problems, int threads, int level);
Backend *reference_open(void); // double, one node at a time, one thread: what every op means

/* For --json and run records: "x86-64-v4, OpenBLAS 0.3.21 pthread". */
const char *cpu_describe(const Backend *backend);

#endif
