/* Nothing is allocated while training runs: every call of the allocator is counted here. */
#include "interpreter/session.h"

#include <criterion/criterion.h>
#include <stdatomic.h>

#if defined __GLIBC__ && !defined __SANITIZE_ADDRESS__
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);
static atomic_long allocations;

void *malloc(size_t size) {
  allocations++;
  return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
  allocations++;
  return __libc_calloc(count, size);
}

void *realloc(void *old, size_t size) {
  allocations++;
  return __libc_realloc(old, size);
}

Test(session, steps_allocate_nothing) {
  Arena *arena = arena_new(0);
  Problems *problems = problems_new(arena);
  Report *report = report_new(false, true, false);
  Options options = {.threads = 2, .quiet = true};
  const char *names[] = {"fit"};
  Session *session =
      session_open(arena, problems, &options, report, "examples/digits.model", ALL_KINDS, names, 1);
  cr_assert(session && session_start(session) && session->tasks == 1);
  Pass *pass = session->task[0]->train;
  cr_assert(table_load(pass->data->table, problems, (Span){0}));
  const Part *rows = &pass->data->table->part[PART_TRAIN];
  Runner *runner = runner_new(session, pass, 64);
  cr_assert(runner && runner_prepare(runner, 64) && runner_prepare(runner, rows->count % 64));
  runner_reset(runner, VARIABLE_OPTIMIZER);
  runner_reset(runner, VARIABLE_METRIC);
  long before = 0;
  size_t bytes = 0;
  double first = 0, last = 0;
  int64_t batches = (rows->count + 63) / 64;
  for (int64_t step = 1; step <= 3 * batches; step++) {
    if (step == 2) before = allocations, bytes = arena_bytes(arena);
    int64_t from = (step - 1) % batches * 64, count = rows->count - from < 64 ? rows->count - from : 64;
    session->running[0] = (double)step;
    cr_assert(runner_run(runner, rows->row + from, count, &(RunArgs){.step = step}));
    last = runner_number(runner, "loss");
    if (step == 1) first = last;
  }
  cr_assert(before > 0 && allocations == before, "%ld allocations after step 1", allocations - before);
  cr_assert(arena_bytes(arena) == bytes);
  cr_assert(last < 0.5 * first, "it did not learn: loss %g, then %g", first, last);
  runner_free(runner);
  session_close(session);
  report_free(report);
  arena_free(arena);
}
#else
Test(session, steps_allocate_nothing) {
  fprintf(stderr, "session: skipped, allocations cannot be counted here\n");
}
#endif
