/* Nothing is allocated while training runs: every call of the allocator is counted here. */
#include "interpreter/session.h"

#include <criterion/criterion.h>
#include <stdatomic.h>
#include <stdio.h>

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

/* What is due changes from step to step; all plans are made before. */
Test(session, guarded_steps_allocate_nothing) {
  FILE *file = fopen("/tmp/lathe-guarded.model", "w");
  fputs("let x = normal([64, 8])\nmodel net(x: [n, m]) -> [n, 4] = x |> Dense(16, relu) |> Dense(4)\n"
        "train fit { steps = 12; accumulate = 2\n  minimize mean(net(x) ** 2) using adam(0.01)\n"
        "  minimize mean(abs(net(x))) using sgd(0.01) every 3\n  if step > 4 { maximize mean(net(x)) using "
        "sgd(0.01) }\n"
        "  set net[\"Dense.0.b\"] = 0 every 2 }\n",
        file);
  fclose(file);
  Arena *arena = arena_new(0);
  Problems *problems = problems_new(arena);
  Report *report = report_new(false, true, false);
  Options options = {.threads = 2, .quiet = true};
  Session *session =
      session_open(arena, problems, &options, report, "/tmp/lathe-guarded.model", ALL_KINDS, NULL, 0);
  cr_assert(session && session_start(session));
  Runner *runner = runner_new(session, session->task[0]->train, 1);
  cr_assert(runner);
  runner_reset(runner, VARIABLE_OPTIMIZER);
  long before = 0;
  uint64_t first_due = 0;
  bool changes = false;
  for (int turn = 0; turn < 2; turn++) {
    before = allocations;
    for (int64_t batch = 0; batch < 24; batch++) {
      session->running[0] = (double)(batch / 2 + 1);
      runner_decide(runner, batch / 2 + 1, batch % 2 == 1, false);
      if (batch == 0) first_due = runner_due(runner);
      changes = changes || runner_due(runner) != first_due;
      cr_assert(turn ? runner_run(runner, NULL, 1, &(RunArgs){.step = batch / 2 + 1})
                     : runner_prepare(runner, 1));
    }
  }
  cr_assert(changes && allocations == before, "%ld allocations", allocations - before);
  runner_free(runner);
  session_close(session);
  report_free(report);
  arena_free(arena);
  remove("/tmp/lathe-guarded.model");
}
#else
Test(session, steps_allocate_nothing) {
  fprintf(stderr, "session: skipped, allocations cannot be counted here\n");
}
#endif
