/* The CPU as a Backend: threads, memory, and the steps of a plan one after the other.
 *
 * All plans share one arena of memory, as large as the largest needs, one scratch memory a thread and one of the
 * running step. They grow while plans are prepared and never while one runs. The level of the kernels is chosen
 * by what the CPU can do, never by its name. */
#define _DEFAULT_SOURCE
#include "backends/cpu/cpu.h"

#include <assert.h>
#include <cblas.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

typedef struct {
  CpuRun *run;
  const Step *step;
  const void *prepared;
  char **at;
} CpuStep;

struct CpuPlan {
  Arena *memory;
  CpuStep *step;
  const Plan *plan;
  size_t base;
};

static const struct {
  CpuPrepare *prepare;
  CpuRun *run;
} kernel_of[] = {
#define KERNEL(name, inputs, doc) {cpu_prepare_##name, cpu_run_##name},
#include "lang/ops.def"
#undef KERNEL
};
_Static_assert(sizeof kernel_of / sizeof *kernel_of == OP_COUNT - OP_MATMUL, "a kernel for each KERNEL row");

/* ---- shapes to parts -------------------------------------------------------------------------------------------- */

#define ONE_THREAD_BELOW 20000.0 // nanoseconds: waking others costs more
#define PART_NANOSECONDS 10000.0
#define PARTS_MOST       32

int cpu_parts(double nanoseconds, int64_t units) {
  if (nanoseconds < ONE_THREAD_BELOW || units < 2) return 1;
  double wanted = nanoseconds / PART_NANOSECONDS;
  int parts = wanted > PARTS_MOST ? PARTS_MOST : (int)wanted;
  return parts < units ? parts : (int)units;
}

void cpu_need(Cpu *cpu, size_t worker_bytes, size_t shared_bytes) {
  worker_bytes = cpu_round(worker_bytes) + 64; // workers' registers must not share cache sets
  if (worker_bytes > cpu->worker_wanted) cpu->worker_wanted = worker_bytes;
  if (shared_bytes > cpu->shared_wanted) cpu->shared_wanted = shared_bytes;
}

/* ---- copies of whole values --------------------------------------------------------------------------------------- */

#define COPY_PIECE ((int64_t)1 << 18) // bytes

static void copy_part(void *context, int part, int worker) {
  const CpuCall *call = context;
  (void)worker;
  const Place *place = &call->step->place[0];
  int64_t bytes = type_count(&place->type) * (int64_t)dtype_size(place->type.dtype),
          start = part * COPY_PIECE;
  int64_t count = bytes - start < COPY_PIECE ? bytes - start : COPY_PIECE;
  if (count > 0) memmove(call->at[0] + start, call->at[1] + start, (size_t)count);
}

static void *copy_prepare(Cpu *cpu, Arena *arena, const Step *step) {
  (void)cpu, (void)arena, (void)step;
  return NULL;
}

static void copy_run(const CpuCall *call) {
  const Place *place = &call->step->place[0];
  int64_t bytes = type_count(&place->type) * (int64_t)dtype_size(place->type.dtype);
  CpuCall copy = *call;
  if (bytes > 0 && call->at[0] != call->at[1])
    pool_run(call->cpu->pool, copy_part, &copy, (int)((bytes + COPY_PIECE - 1) / COPY_PIECE));
}

/* ---- plans ---------------------------------------------------------------------------------------------------------- */

#define HUGE_PAGE ((size_t)2 << 20)

static char *memory_grow(char *old, size_t *have, size_t wanted) {
  if (wanted <= *have) return old;
  char *memory = memory_resize(old, *have, wanted);
  *have = wanted;
  uintptr_t start = ((uintptr_t)memory + HUGE_PAGE - 1) & ~(uintptr_t)(HUGE_PAGE - 1);
  uintptr_t end = ((uintptr_t)memory + wanted) & ~(uintptr_t)(HUGE_PAGE - 1);
  if (end > start)
    madvise((char *)memory + (start - (uintptr_t)memory), end - start, MADV_HUGEPAGE); // only faster
  return memory;
}

static CpuPrepare *prepare_of(const Step *step) {
  if (step->kind == STEP_LOOP) return tape_prepare;
  if (step->kind == STEP_COPY) return copy_prepare;
  return step->body[0] ? cpu_prepare_control : kernel_of[step->node->op - OP_MATMUL].prepare;
}

static CpuRun *run_of(const Step *step) {
  if (step->kind == STEP_LOOP) return tape_run;
  if (step->kind == STEP_COPY) return copy_run;
  if (step->body[0]) return step->node->op == OP_SCAN ? cpu_run_scan : cpu_run_branch;
  return kernel_of[step->node->op - OP_MATMUL].run;
}

CpuPlan *cpu_plan_prepare(Cpu *cpu, Arena *arena, const Plan *plan, size_t base) {
  CpuPlan *prepared = ARENA_NEW(arena, CpuPlan);
  *prepared = (CpuPlan){.memory = arena, .plan = plan, .base = base};
  prepared->step = ARENA_ARRAY(arena, CpuStep, plan->steps + 1);
  size_t end = cpu_round(base + (size_t)plan->arena_bytes);
  if (end > cpu->arena_wanted) cpu->arena_wanted = end;
  for (int i = 0; i < plan->steps; i++) {
    const Step *step = &plan->step[i];
    char **at = ARENA_ARRAY(arena, char *, step->places + 1);
    cpu->base = end;
    prepared->step[i] = (CpuStep){
        .run = run_of(step), .step = step, .prepared = prepare_of(step)(cpu, arena, step), .at = at};
  }
  return prepared;
}

static void cpu_prepare(Backend *backend, Plan *plan) {
  Cpu *cpu = (Cpu *)backend;
  plan->prepared = cpu_plan_prepare(cpu, arena_new(0), plan, 0);
  cpu->arena = memory_grow(cpu->arena, &cpu->arena_bytes, cpu->arena_wanted);
  cpu->shared_memory = memory_grow(cpu->shared_memory, &cpu->shared_bytes, cpu->shared_wanted);
  size_t have = cpu->worker_bytes * (size_t)pool_threads(cpu->pool);
  cpu->worker_memory =
      memory_grow(cpu->worker_memory, &have, cpu->worker_wanted * (size_t)pool_threads(cpu->pool));
  cpu->worker_bytes = cpu->worker_wanted;
}

static char *place_address(const Cpu *cpu, size_t base, const Place *place) {
  return (place->kind == PLACE_ARENA ? cpu->arena + base : place->variable->data) + place->offset;
}

/* Tells the observer of each value that a step has made. */
static void cpu_observe(const CpuStep *step, const RunArgs *args) {
  const Step *plan = step->step;
  if (plan->kind != STEP_LOOP) {
    args->observe(args->context, plan->node, &plan->place[0], step->at[0]);
    return;
  }
  for (int i = 0; i < plan->loop->count; i++) {
    const Inst *inst = &plan->loop->code[i];
    if ((inst->kind != LOOP_STORE && inst->kind != LOOP_ACCUMULATE) || inst->partial) continue;
    int place = plan->loop->access[inst->access].place;
    args->observe(args->context, inst->node, &plan->place[place], step->at[place]);
  }
}

void cpu_plan_run(Cpu *cpu, const CpuPlan *prepared, const RunArgs *args) {
  for (int i = 0; i < prepared->plan->steps && !(args->stop && *args->stop); i++) {
    CpuStep *step = &prepared->step[i];
    for (int k = 0; k < step->step->places; k++)
      step->at[k] = place_address(cpu, prepared->base, &step->step->place[k]);
    CpuCall call = {.cpu = cpu, .step = step->step, .prepared = step->prepared, .at = step->at, .args = args};
    step->run(&call);
    if (args->observe) cpu_observe(step, args);
  }
}

static void cpu_run(Backend *backend, Plan *plan, const RunArgs *args) {
  Cpu *cpu = (Cpu *)backend;
  assert(plan->prepared && "cpu: a plan runs before it is prepared");
  pool_wake(cpu->pool);
  cpu_plan_run(cpu, plan->prepared, args);
  // no pool_rest: the next step follows within microseconds, and idle workers go to sleep by themselves
}

static const void *cpu_output(Backend *backend, const Plan *plan, int index) {
  return place_address((Cpu *)backend, 0, &plan->output[index].place);
}

static void cpu_forget(Backend *backend, Plan *plan) {
  (void)backend;
  CpuPlan *prepared = plan->prepared;
  plan->prepared = NULL;
  if (prepared) arena_free(prepared->memory);
}

static void cpu_close(Backend *backend) {
  Cpu *cpu = (Cpu *)backend;
  pool_free(cpu->pool);
  memory_free(cpu->arena);
  memory_free(cpu->worker_memory);
  memory_free(cpu->shared_memory);
  memory_free(cpu);
}

/* ---- what this CPU and these libraries are ---------------------------------------------------------------------- */

/* The features of x86-64-v3 and v4 that the kernels' compiler flags allow it to use. */
static int cpu_best_level(void) {
#ifdef __x86_64__
  __builtin_cpu_init();
  bool v2 =
      __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("ssse3") && __builtin_cpu_supports("popcnt");
  bool v3 = v2 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
            __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
  bool v4 = v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
            __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
            __builtin_cpu_supports("avx512vl");
  return v4 ? 4 : v3 ? 3 : v2 ? 2 : 0;
#else
  return 0;
#endif
}

/* The tables of a level, or of the best one below it that was built. */
static void cpu_level(Cpu *cpu, int *level) {
  const StripTable *const strips[] = {&strips_v0, NULL, &strips_v2, &strips_v3, &strips_v4};
  const ProductTable *const products[] = {&products_v0, NULL, &products_v2, &products_v3, &products_v4};
  while (*level > 0 && !(strips[*level] && products[*level])) --*level;
  cpu->strips = strips[*level];
  cpu->products = products[*level];
}

static void problem_level(Problems *problems, int level, int best) {
  char title[80], note[80];
  snprintf(title, sizeof title, "this CPU cannot run the x86-64-v%d kernels", level);
  if (best > 0)
    snprintf(note, sizeof note, "the highest level it has is v%d", best);
  else
    snprintf(note, sizeof note, "it has none of v2, v3, v4");
  problems_add(problems, &(Problem){.severity = SEVERITY_ERROR,
                                    .code = "E0909",
                                    .title = title,
                                    .note = note,
                                    .help = "leave out --cpu",
                                    .exit_code = 2});
}

Backend *cpu_open(Problems *problems, int threads, int level) {
  int best = cpu_best_level();
  if (level > best) {
    problem_level(problems, level, best);
    return NULL;
  }
  if (level == 0) level = best;
  Cpu *cpu = memory_alloc(1, sizeof *cpu);
  cpu->backend = (Backend){.name = "cpu",
                           .prepare = cpu_prepare,
                           .run = cpu_run,
                           .output = cpu_output,
                           .forget = cpu_forget,
                           .close = cpu_close};
  cpu_level(cpu, &level);
  cpu->pool = pool_new(threads);
  openblas_set_num_threads(1);
  /* Only the pthread flavour is right when several threads call it at once. */
  static const char *const flavours[] = {"serial", "pthread", "OpenMP"};
  int flavour = openblas_get_parallel();
  cpu->blas_alone = flavour != OPENBLAS_THREAD;
  char name[32] = "portable", version[32] = "";
  if (level > 0) snprintf(name, sizeof name, "x86-64-v%d", level);
  sscanf(openblas_get_config(), "OpenBLAS %31s", version);
  snprintf(cpu->description, sizeof cpu->description, "%s, OpenBLAS %s %s%s", name, version,
           flavour >= 0 && flavour < 3 ? flavours[flavour] : "unknown",
           cpu->blas_alone ? " (one call at a time)" : "");
  return &cpu->backend;
}

const char *cpu_describe(const Backend *backend) { return ((const Cpu *)backend)->description; }
