/* What the files of the CPU backend share: the device, and how a step is prepared and run.
 *
 * A step is prepared once a plan: its kernels are chosen, its parts counted and its scratch memory announced by
 * cpu_need, all as functions of its shape. Running it only reads what was prepared. */
#ifndef BACKENDS_CPU_CPU_H
#define BACKENDS_CPU_CPU_H

#include "backends/backend.h"
#include "backends/cpu/product.h"
#include "backends/cpu/strip.h"
#include "base/pool.h"

typedef struct {
  Backend backend;
  Pool *pool;
  const StripTable *strips;
  const ProductTable *products;
  char description[160];
  bool blas_alone; // the library computes wrong when called from several threads at once
  char *arena;     // of the plans: as large as the largest, with those of its bodies behind it
  size_t arena_bytes, arena_wanted;
  size_t base;         // while preparing: where in it the plan begins whose steps are prepared
  char *worker_memory; // worker_bytes for each thread
  size_t worker_bytes;
  char *shared_memory; // of the step that runs
  size_t shared_bytes;
  size_t worker_wanted, shared_wanted; // the most any prepared step needs
} Cpu;

typedef struct {
  Cpu *cpu;
  const Step *step;
  const void *prepared; // what the step's prepare returned
  char *const *at;      // address of each place of the step
  const RunArgs *args;
} CpuCall;

typedef void *CpuPrepare(Cpu *cpu, Arena *arena, const Step *step);
typedef void CpuRun(const CpuCall *call);

/* A plan made ready: its arena begins at `base` of the device's. For plans and, from their steps, bodies. */
typedef struct CpuPlan CpuPlan;
CpuPlan *cpu_plan_prepare(Cpu *cpu, Arena *arena, const Plan *plan, size_t base);
void cpu_plan_run(Cpu *cpu, const CpuPlan *prepared, const RunArgs *args);

CpuPrepare cpu_prepare_control; // scan and branch
CpuRun cpu_run_scan, cpu_run_branch;

/* One pair a KERNEL row of ops.def: a missing one does not link. */
#define KERNEL(name, inputs, doc)                                                                            \
  CpuPrepare cpu_prepare_##name;                                                                             \
  CpuRun cpu_run_##name;
#include "lang/ops.def"
#undef KERNEL

CpuPrepare tape_prepare; // for STEP_LOOP
CpuRun tape_run;

/* While preparing: the step will use so much scratch memory, of each worker and shared by all. */
void cpu_need(Cpu *cpu, size_t worker_bytes, size_t shared_bytes);

static inline char *cpu_worker_memory(const CpuCall *call, int worker) {
  return call->cpu->worker_memory + (size_t)worker * call->cpu->worker_bytes;
}

/* How many parts work of about `nanoseconds` is cut into, `units` at most: a function of the shape alone. */
int cpu_parts(double nanoseconds, int64_t units);

/* The first unit of a part, where `units` are shared evenly. */
static inline int64_t cpu_part_start(int64_t units, int parts, int part) { return units * part / parts; }

static inline size_t cpu_round(size_t bytes) { return (bytes + 63) & ~(size_t)63; }

/* c [m, n] = a [m, k] @ b [k, n] + keep * c, all row-major with rows lda, ldb, ldc apart; a, b may stand
 * transposed. */
typedef struct {
  int64_t m, n, k, lda, ldb, ldc;
  bool a_transposed, b_transposed, keep;
} Product;

/* By the library, on one thread; safe from several workers. Integers ignore `keep`. */
void cpu_product(Cpu *cpu, DType dtype, const Product *product, const void *a, const void *b, void *c);

/* Are products of this shape faster by the own kernels of product.h? A function of shape and level alone. */
bool cpu_product_is_own(const Cpu *cpu, DType dtype, int64_t m, int64_t n, int64_t k);

#endif
