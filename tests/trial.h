/* A trial: one small graph with numbers for its variables, run by everything that can run it.
 *
 * The reference backend says what the outputs are; the CPU backend must come near enough, and must give the same
 * bits fused and unfused, with any number of threads. A failed comparison names the trial, the setting, the
 * place and the numbers. Values of an output are compared as f64; NaN equals NaN. */
#ifndef TESTS_TRIAL_H
#define TESTS_TRIAL_H

#include "backends/backend.h"
#include "graph/build.h"
#include "graph/plan.h"

#include <criterion/criterion.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TRIAL_VARIABLES 20
#define TRIAL_THREADS   8
#define TRIAL_LEVELS    5
#define TRIAL_LARGE     2000 // numbers in a tensor from which on all numbers of threads are tried

typedef struct {
  Arena *arena;
  Graph *graph;
  DType dtype; // of the numbers that are tried
  Variable *variable[TRIAL_VARIABLES];
  Node *input[TRIAL_VARIABLES]; // reads of them
  int variables;
  double terms;           // how many products or numbers make up one sum of the result; 0: element by element
  bool reduction;         // the sum is one of numbers, not of products
  double relative;        // if not 0: how far off a result may be, relative to max(1, |reference|)
  const double *absolute; // if not NULL: the same in numbers, of each output
  int threads;            // numbers of threads up to it are tried; 0: as the size of the graph demands
  bool smooth;            // few numbers, at which finite differences can be taken
  uint32_t state;         // of the random numbers
  char label[160];
} Trial;

/* Says which trial was running when an assertion stops the process. */
static char trial_running[200];
static inline void trial_tell(int number) {
  ssize_t written = write(STDERR_FILENO, trial_running, strlen(trial_running));
  (void)written;
  signal(number, SIG_DFL);
  raise(number);
}

static inline Trial *trial_new(DType dtype, uint32_t seed) {
  Arena *arena = arena_new(0);
  Trial *t = ARENA_NEW(arena, Trial);
  *t = (Trial){.arena = arena, .graph = graph_new(arena), .dtype = dtype, .state = seed * 2654435761u + 1};
  return t;
}

static inline void trial_free(Trial *t) { arena_free(t->arena); }

static inline uint32_t trial_dice(Trial *t, uint32_t sides) {
  t->state = t->state * 1664525u + 1013904223u;
  return (uint32_t)(((uint64_t)(t->state >> 4) * sides) >> 28);
}

static inline double trial_uniform(Trial *t, double low, double high) {
  return low + (high - low) * (double)trial_dice(t, 1u << 24) * 0x1p-24;
}

/* ---- variables --------------------------------------------------------------------------------------- */

static inline double number_at(const void *data, DType dtype, int64_t i) {
  switch (dtype) {
  case DTYPE_I32: return ((const int32_t *)data)[i];
  case DTYPE_I64: return (double)((const int64_t *)data)[i];
  case DTYPE_F32: return (double)((const float *)data)[i];
  case DTYPE_F64: return ((const double *)data)[i];
  default: return ((const uint8_t *)data)[i];
  }
}

static inline bool number_same(const void *a, const void *b, DType dtype, int64_t i) {
  size_t size = dtype_size(dtype);
  if (memcmp((const char *)a + (size_t)i * size, (const char *)b + (size_t)i * size, size) == 0) return true;
  return isnan(number_at(a, dtype, i)) && isnan(number_at(b, dtype, i));
}

static inline void number_put(void *data, DType dtype, int64_t i, double number) {
  switch (dtype) {
  case DTYPE_BOOL: ((uint8_t *)data)[i] = number != 0; break;
  case DTYPE_U8: ((uint8_t *)data)[i] = (uint8_t)(int64_t)number; break;
  case DTYPE_I32: ((int32_t *)data)[i] = (int32_t)number; break;
  case DTYPE_I64: ((int64_t *)data)[i] = number >= 0x1p63 ? INT64_MAX : (int64_t)number; break;
  case DTYPE_F32: ((float *)data)[i] = (float)number; break;
  default: ((double *)data)[i] = number; break;
  }
}

static inline Type type_with(DType dtype, int rank, const int64_t *size) {
  const Dim *dim[MAX_RANK] = {NULL};
  for (int i = 0; i < rank; i++) dim[i] = dim_of(size[i]);
  return type_of(dtype, rank, dim);
}

/* A new variable of the trial and a read of it; its numbers are zero until they are put. */
static inline Node *trial_input(Trial *t, DType dtype, int rank, const int64_t *size) {
  cr_assert(t->variables < TRIAL_VARIABLES);
  Variable *variable = ARENA_NEW(t->arena, Variable);
  variable->role = VARIABLE_CONSTANT;
  variable->number = t->variables;
  variable->path = arena_printf(t->arena, "input%d", t->variables);
  variable->type = type_with(dtype, rank, size);
  variable->data = arena_alloc(t->arena, (size_t)type_count(&variable->type) + 1, sizeof(int64_t));
  t->variable[t->variables] = variable;
  return t->input[t->variables++] = build_read(t->graph, variable);
}

static inline void input_put(Node *input, int64_t i, double number) {
  number_put(input->attr.variable->data, input->type.dtype, i, number);
}

/* Uniform numbers, whole ones in integers. */
static inline Node *trial_fill(Trial *t, Node *input, double low, double high) {
  for (int64_t i = 0; i < type_count(&input->type); i++) input_put(input, i, trial_uniform(t, low, high));
  return input;
}

/* ---- running ----------------------------------------------------------------------------------------- */

typedef struct {
  Type type;
  void *data;
} Result;

/* The CPU with so many threads, and one of its levels or 0; opened once a process. NULL: it lacks the level. */
static inline Backend *trial_cpu(int threads, int level) {
  static Backend *cpu[TRIAL_THREADS + 1][TRIAL_LEVELS];
  static bool opened[TRIAL_THREADS + 1][TRIAL_LEVELS];
  if (!opened[threads][level]) {
    Arena *arena = arena_new(0);
    cpu[threads][level] = cpu_open(problems_new(arena), threads, level);
    opened[threads][level] = true;
    arena_free(arena);
  }
  return cpu[threads][level];
}

/* One result an output of the graph, kept in the trial's arena. Variables have their old values afterwards. */
static inline Result *plan_results(Trial *t, Backend *backend, Plan *plan) {
  const Graph *graph = plan->graph;
  Result *result = ARENA_ARRAY(t->arena, Result, graph->outputs + 1);
  void *old[TRIAL_VARIABLES];
  for (int i = 0; i < t->variables; i++) {
    size_t bytes = (size_t)type_count(&t->variable[i]->type) * sizeof(int64_t);
    old[i] = memcpy(arena_alloc(t->arena, bytes + 1, 1), t->variable[i]->data, bytes);
  }
  backend->prepare(backend, plan);
  backend->run(backend, plan, &(RunArgs){.seed = 7, .step = 3, .batch = 2, .part = 1});
  int shown = 0;
  for (int i = 0; i < graph->outputs; i++) {
    const Output *output = &graph->output[i];
    bool value = output->kind == OUTPUT_VALUE;
    result[i].type = value ? plan->output[shown].place.type : output->variable->type;
    size_t bytes = (size_t)type_count(&result[i].type) * dtype_size(result[i].type.dtype);
    const void *data = value ? backend->output(backend, plan, shown++) : output->variable->data;
    result[i].data = memcpy(arena_alloc(t->arena, bytes + 1, 1), data, bytes);
  }
  backend->forget(backend, plan);
  for (int i = 0; i < t->variables; i++)
    memcpy(t->variable[i]->data, old[i], (size_t)type_count(&t->variable[i]->type) * sizeof(int64_t));
  return result;
}

/* A plan for the reference alone, which needs no steps. Floats come out in f64. */
static inline Plan *reference_plan(Arena *arena, Graph *graph) {
  Plan *plan = ARENA_NEW(arena, Plan);
  plan->graph = graph;
  plan->output = ARENA_ARRAY(arena, PlanOutput, graph->outputs + 1);
  for (int i = 0; i < graph->outputs; i++) {
    if (graph->output[i].kind != OUTPUT_VALUE) continue;
    PlanOutput *output = &plan->output[plan->outputs++];
    output->name = graph->output[i].name;
    output->place.type = graph->output[i].node->type;
    if (dtype_is_float(output->place.type.dtype)) output->place.type.dtype = DTYPE_F64;
  }
  return plan;
}

static inline Result *reference_results(Trial *t, bool simplify) {
  Graph *graph = graph_bind(t->graph, t->arena, NULL, 0);
  if (simplify) graph_simplify(graph);
  graph_verify(graph);
  Backend *reference = reference_open();
  Result *result = plan_results(t, reference, reference_plan(t->arena, graph));
  reference->close(reference);
  return result;
}

/* The outputs where every float is its size: a bound for the sum of what was added up. */
static inline Result *magnitude_results(Trial *t) {
  void *old[TRIAL_VARIABLES];
  for (int k = 0; k < t->variables; k++) {
    Variable *variable = t->variable[k];
    int64_t count = type_count(&variable->type);
    old[k] = variable->data;
    if (!dtype_is_float(variable->type.dtype)) continue;
    variable->data = arena_alloc(t->arena, (size_t)count + 1, sizeof(int64_t));
    for (int64_t i = 0; i < count; i++)
      number_put(variable->data, variable->type.dtype, i, fabs(number_at(old[k], variable->type.dtype, i)));
  }
  Result *result = reference_results(t, false);
  for (int k = 0; k < t->variables; k++) t->variable[k]->data = old[k];
  return result;
}

/* ---- comparing --------------------------------------------------------------------------------------- */

#define TRIAL_MESSAGES 30
static int trial_failures;

static inline void trial_fail(const Trial *t, const char *setting, int output, const Type *type,
                              int64_t place, double expected, double got, double allowed) {
  if (++trial_failures > TRIAL_MESSAGES) return;
  Text shape = {0};
  type_print(type, &shape);
  cr_expect(false,
            "%s: %s: output %d %s %s, element %lld: expected %.17g, got %.17g, off by %.3g, allowed %.3g",
            t->label, setting, output, dtype_name(type->dtype), text_string(&shape), (long long)place,
            expected, got, fabs(expected - got), allowed);
  text_free(&shape);
}

static inline double trial_allowed(const Trial *t, int output, double expected, double magnitude) {
  DType dtype = t->graph->output[output].node->type.dtype;
  double ulp = dtype == DTYPE_F32 ? 0x1p-23 : 0x1p-52, scale = fmax(1, fabs(expected));
  if (t->absolute) return t->absolute[output];
  if (t->relative > 0) return t->relative * scale;
  if (t->terms == 0) return 4 * ulp * scale;
  double factor = t->reduction ? 2 * fmax(1, log2(t->terms)) * ulp : 4 * t->terms * ulp / 2;
  return factor * magnitude + ulp * scale;
}

static inline bool number_near(double expected, double got, DType dtype, double allowed) {
  if (isnan(expected) || isnan(got)) return isnan(expected) && isnan(got);
  if (dtype == DTYPE_F32 && fabs(expected) > 3.4028e38) // may have become infinite
    return fabs(got) > 3.4028e38 && signbit(got) == signbit(expected);
  return got == expected || isinf(allowed) || fabs(got - expected) <= allowed;
}

/* magnitude may be NULL where no sum is compared. */
static inline void results_near(const Trial *t, const char *setting, const Result *reference,
                                const Result *magnitude, const Result *got) {
  for (int k = 0; k < t->graph->outputs; k++) {
    DType dtype = got[k].type.dtype;
    for (int64_t i = 0; i < type_count(&got[k].type); i++) {
      double expected = number_at(reference[k].data, reference[k].type.dtype, i);
      double number = number_at(got[k].data, dtype, i), allowed = 0;
      if (dtype_is_float(dtype)) {
        double size = magnitude ? number_at(magnitude[k].data, magnitude[k].type.dtype, i) : 0;
        allowed = trial_allowed(t, k, expected, size);
        if (number_near(expected, number, dtype, allowed)) continue;
      } else if (number_same(reference[k].data, got[k].data, dtype, i)) {
        continue;
      }
      trial_fail(t, setting, k, &got[k].type, i, expected, number, allowed);
      break;
    }
  }
}

static inline void results_equal(const Trial *t, const char *setting, const Result *first,
                                 const Result *got) {
  for (int k = 0; k < t->graph->outputs; k++) {
    const Type *type = &first[k].type;
    cr_assert(type->dtype == got[k].type.dtype && type_count(type) == type_count(&got[k].type));
    for (int64_t i = 0; i < type_count(type); i++) {
      if (number_same(first[k].data, got[k].data, type->dtype, i)) continue;
      trial_fail(t, setting, k, type, i, number_at(first[k].data, type->dtype, i),
                 number_at(got[k].data, type->dtype, i), 0);
      break;
    }
  }
}

/* ---- the trial itself -------------------------------------------------------------------------------- */

static inline bool trial_is_large(const Trial *t) {
  for (int i = 0; i < t->graph->nodes; i++)
    if (type_count(&t->graph->node[i]->type) >= TRIAL_LARGE) return true;
  return false;
}

/* The CPU's results with a plan of its own; every number of threads must give the bits of `first`, if given. */
static inline Result *cpu_results(Trial *t, bool fuse, Result *first) {
  Graph *graph = graph_bind(t->graph, t->arena, NULL, 0);
  graph_simplify(graph);
  Plan *plan = plan_make(graph, &(PlanOptions){.fuse = fuse});
  plan_verify(plan);
  bool every = t->threads > 0 || trial_is_large(t);
  int most = t->threads > 0 ? t->threads : TRIAL_THREADS;
  for (int threads = 1; threads <= most; threads++) {
    if (!every && threads != 1 && threads != 3) continue;
    Result *got = plan_results(t, trial_cpu(threads, 0), plan);
    char setting[64];
    snprintf(setting, sizeof setting, "%s, %d threads, against 1 thread", fuse ? "fused" : "unfused",
             threads);
    if (first) results_equal(t, setting, first, got);
    if (!first) first = got;
  }
  return first;
}

static inline void trial_name(Trial *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
static inline void trial_name(Trial *t, const char *format, ...) {
  va_list args;
  va_start(args, format);
  vsnprintf(t->label, sizeof t->label, format, args);
  va_end(args);
  snprintf(trial_running, sizeof trial_running, "in %s\n", t->label);
  for (int i = 0; i < 3; i++) signal((const int[]){SIGABRT, SIGFPE, SIGSEGV}[i], trial_tell);
}

/* Every level of the CPU is near the reference; each has kernels of its own. */
static inline void levels_near(Trial *t, const Result *reference, const Result *magnitude) {
  Graph *graph = graph_bind(t->graph, t->arena, NULL, 0);
  graph_simplify(graph);
  Plan *plan = plan_make(graph, &(PlanOptions){.fuse = true});
  for (int level = 2; level < TRIAL_LEVELS; level++) {
    char setting[32];
    snprintf(setting, sizeof setting, "cpu, v%d", level);
    if (trial_cpu(1, level))
      results_near(t, setting, reference, magnitude, plan_results(t, trial_cpu(1, level), plan));
  }
}

/* Everything that must hold of a trial whose outputs are set. */
static inline void trial_check(Trial *t) {
  graph_verify(t->graph);
  Result *reference = reference_results(t, false);
  Result *magnitude = t->terms > 0 ? magnitude_results(t) : NULL;
  results_near(t, "reference, simplified", reference, magnitude, reference_results(t, true));
  Result *unfused = cpu_results(t, false, NULL);
  results_near(t, "cpu, unfused", reference, magnitude, unfused);
  cpu_results(t, true, unfused);
  levels_near(t, reference, magnitude);
}

#endif
