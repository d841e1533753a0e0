/* The pool runs every part once, whatever the number of threads, awake, asleep and in quick turns. */
#include "base/pool.h"

#include <criterion/criterion.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PARTS 257

typedef struct {
  atomic_int runs[PARTS];
  atomic_int wrong_worker;
  int threads;
} Count;

static void count_part(void *context, int part, int worker) {
  Count *count = context;
  atomic_fetch_add(&count->runs[part], 1);
  if (worker < 0 || worker >= count->threads) atomic_fetch_add(&count->wrong_worker, 1);
}

static void check_runs(Pool *pool, int parts, int rounds) {
  static Count count;
  memset(&count, 0, sizeof count);
  count.threads = pool_threads(pool);
  for (int i = 0; i < rounds; i++) {
    pool_run(pool, count_part, &count, parts);
    /* Complete after each return, not only in the end. */
    for (int part = 0; part < PARTS; part++) {
      cr_assert_eq(atomic_load(&count.runs[part]), part < parts ? i + 1 : 0, "part %d of %d, %d threads",
                   part, parts, count.threads);
    }
  }
  cr_assert_eq(atomic_load(&count.wrong_worker), 0);
}

Test(pool, every_part_runs_once) {
  static const int parts[] = {0, 1, 2, 3, 8, 64, PARTS};
  for (int threads = 1; threads <= 8; threads++) {
    Pool *pool = pool_new(threads);
    cr_assert_eq(pool_threads(pool), threads);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
      check_runs(pool, parts[i], 3);
      pool_wake(pool);
      check_runs(pool, parts[i], 50);
      pool_rest(pool);
    }
    pool_free(pool);
  }
}

typedef struct {
  int *source;
  atomic_long sum;
} Sum;

static void sum_part(void *context, int part, int worker) {
  (void)worker;
  Sum *sum = context;
  atomic_fetch_add(&sum->sum, sum->source[part]);
}

/* A worker held up in one run must not work on the next with what it read before. */
Test(pool, runs_do_not_mix) {
  Pool *pool = pool_new(4);
  pool_wake(pool);
  for (int round = 0; round < 3000; round++) {
    int parts = 2 + round % 7;
    int *source = malloc(sizeof *source * (size_t)parts); // freed at once, for the address sanitizer to see
    long want = 0;
    for (int i = 0; i < parts; i++) want += source[i] = round + i;
    Sum sum = {.source = source};
    pool_run(pool, sum_part, &sum, parts);
    cr_assert_eq(atomic_load(&sum.sum), want, "round %d", round);
    free(source);
    if (round % 100 == 0) pool_rest(pool), pool_wake(pool);
  }
  pool_rest(pool);
  pool_free(pool);
}

typedef struct {
  atomic_int done, workers[4];
} Slow;

static void slow_part(void *context, int part, int worker) {
  (void)part;
  Slow *slow = context;
  nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
  atomic_fetch_add(&slow->workers[worker], 1);
  atomic_fetch_add(&slow->done, 1);
}

/* Parts that leave their core: other workers must take some, and the run must wait for them. */
Test(pool, work_is_shared_and_waited_for) {
  for (int awake = 0; awake <= 1; awake++) {
    Pool *pool = pool_new(4);
    Slow slow = {0};
    if (awake) pool_wake(pool);
    for (int round = 1; round <= 20; round++) {
      nanosleep(&(struct timespec){.tv_nsec = 3000000}, NULL); // long enough for all to sleep again
      if (round == 10) atomic_store(&slow.workers[0], 0);
      pool_run(pool, slow_part, &slow, 9);
      cr_assert_eq(atomic_load(&slow.done), 9 * round, "%d done after %d runs of 9", atomic_load(&slow.done),
                   round);
    }
    cr_assert_lt(atomic_load(&slow.workers[0]), 9 * 11, "the calling thread did everything, awake: %d",
                 awake);
    pool_rest(pool);
    pool_free(pool);
  }
}

Test(pool, one_thread_needs_no_workers) {
  Pool *pool = pool_new(1);
  check_runs(pool, PARTS, 2);
  pool_free(pool);
  pool_free(pool_new(64));
  pool_free(NULL);
}
