/* The pool: one ticket that all threads claim parts from.
 *
 * The ticket is one 64-bit word, the number of the run above and the count of unclaimed parts below. A claim is
 * a compare-and-swap that takes one part off, so a thread that was held up since an earlier run fails on the
 * run's number instead of taking a part of work it has not seen. The fields of a run are written before its
 * ticket and stay until its last part is done; a claim that succeeds has therefore read them whole.
 *
 * A worker without work spins SPIN_ROUNDS, then yields its core until IDLE_NANOSECONDS have passed, then sleeps
 * on a condition until a run or pool_wake comes. Outside pool_wake and pool_rest it sleeps at once. Workers
 * take no signals: those belong to the thread that made the pool. */
#include "base/pool.h"
#include "base/arena.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>
#include <unistd.h>

#define SPIN_ROUNDS      2000
#define IDLE_NANOSECONDS 1000000

typedef struct {
  Pool *pool;
  int number; // 1..threads-1
  pthread_t thread;
} Worker;

struct Pool {
  _Alignas(64) atomic_uint_least64_t ticket;
  _Alignas(64) atomic_int undone; // parts of this run that are not finished
  _Alignas(64) _Atomic(PoolWork *) work;
  _Atomic(void *) context;
  atomic_int parts;
  atomic_int sleepers;
  atomic_bool awake, quit;
  unsigned wakes; // calls of pool_wake, under the lock
  int threads, spin_rounds;
  pthread_mutex_t lock;
  pthread_cond_t wake;
  Worker *worker; // worker[1..threads-1]
};

static void processor_pause(void) {
#if defined __x86_64__ || defined __i386__
  __builtin_ia32_pause();
#elif defined __aarch64__
  __asm__ volatile("yield");
#endif
}

static uint32_t ticket_unclaimed(uint64_t ticket) { return (uint32_t)ticket; }

/* Works until no part is left to claim. */
static void pool_work(Pool *pool, int worker) {
  uint64_t ticket = atomic_load_explicit(&pool->ticket, memory_order_acquire);
  while (ticket_unclaimed(ticket)) {
    PoolWork *work = atomic_load_explicit(&pool->work, memory_order_relaxed);
    void *context = atomic_load_explicit(&pool->context, memory_order_relaxed);
    int parts = atomic_load_explicit(&pool->parts, memory_order_relaxed);
    if (!atomic_compare_exchange_weak_explicit(&pool->ticket, &ticket, ticket - 1, memory_order_acq_rel,
                                               memory_order_acquire)) {
      continue;
    }
    work(context, parts - (int)ticket_unclaimed(ticket), worker);
    atomic_fetch_sub_explicit(&pool->undone, 1, memory_order_release);
    ticket = atomic_load_explicit(&pool->ticket, memory_order_acquire);
  }
}

static bool pool_has_work(Pool *pool) {
  return ticket_unclaimed(atomic_load(&pool->ticket)) || atomic_load(&pool->quit);
}

static int64_t now_nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* True once there is work; false when the idle time is over or the pool rests. */
static bool worker_spin(Pool *pool) {
  for (int i = 0; i < pool->spin_rounds; i++) {
    if (pool_has_work(pool)) return true;
    if (!atomic_load_explicit(&pool->awake, memory_order_relaxed)) return false;
    processor_pause();
  }
  int64_t end = now_nanoseconds() + IDLE_NANOSECONDS;
  do {
    if (pool_has_work(pool)) return true;
    if (!atomic_load_explicit(&pool->awake, memory_order_relaxed)) return false;
    sched_yield();
  } while (now_nanoseconds() < end);
  return false;
}

/* A sleeper counts itself before it looks for work, a run posts its ticket before it looks for sleepers: one of
 * the two sees the other. */
static void worker_sleep(Pool *pool) {
  pthread_mutex_lock(&pool->lock);
  unsigned wakes = pool->wakes;
  atomic_fetch_add(&pool->sleepers, 1);
  while (!pool_has_work(pool) && wakes == pool->wakes) pthread_cond_wait(&pool->wake, &pool->lock);
  atomic_fetch_sub(&pool->sleepers, 1);
  pthread_mutex_unlock(&pool->lock);
}

static void *worker_main(void *argument) {
  Worker *self = argument;
  Pool *pool = self->pool;
  while (!atomic_load(&pool->quit)) {
    pool_work(pool, self->number);
    if (!worker_spin(pool)) worker_sleep(pool);
  }
  return NULL;
}

static void pool_start(Pool *pool, int threads) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  while (pool->threads < threads) {
    Worker *worker = &pool->worker[pool->threads];
    *worker = (Worker){.pool = pool, .number = pool->threads};
    if (pthread_create(&worker->thread, NULL, worker_main, worker)) break;
    pool->threads++;
  }
  pthread_sigmask(SIG_SETMASK, &before, NULL);
}

Pool *pool_new(int threads) {
  Pool *pool = memory_alloc(1, sizeof *pool);
  long cores = sysconf(_SC_NPROCESSORS_ONLN);
  pthread_mutex_init(&pool->lock, NULL);
  pthread_cond_init(&pool->wake, NULL);
  pool->threads = 1;
  pool->spin_rounds = threads <= cores ? SPIN_ROUNDS : 0;
  pool->worker = memory_alloc(threads > 1 ? (size_t)threads : 1, sizeof *pool->worker);
  if (threads > 1) pool_start(pool, threads);
  return pool;
}

static void pool_broadcast(Pool *pool) {
  pthread_mutex_lock(&pool->lock);
  pool->wakes++;
  pthread_cond_broadcast(&pool->wake);
  pthread_mutex_unlock(&pool->lock);
}

void pool_free(Pool *pool) {
  if (!pool) return;
  atomic_store(&pool->quit, true);
  pool_broadcast(pool);
  for (int i = 1; i < pool->threads; i++) pthread_join(pool->worker[i].thread, NULL);
  pthread_cond_destroy(&pool->wake);
  pthread_mutex_destroy(&pool->lock);
  memory_free(pool->worker);
  memory_free(pool);
}

int pool_threads(const Pool *pool) { return pool->threads; }

void pool_wake(Pool *pool) {
  atomic_store(&pool->awake, true);
  if (atomic_load(&pool->sleepers)) pool_broadcast(pool);
}

void pool_rest(Pool *pool) { atomic_store(&pool->awake, false); }

void pool_run(Pool *pool, PoolWork *work, void *context, int parts) {
  if (pool->threads == 1 || parts <= 1) {
    for (int part = 0; part < parts; part++) work(context, part, 0);
    return;
  }
  atomic_store_explicit(&pool->work, work, memory_order_relaxed);
  atomic_store_explicit(&pool->context, context, memory_order_relaxed);
  atomic_store_explicit(&pool->parts, parts, memory_order_relaxed);
  atomic_store_explicit(&pool->undone, parts, memory_order_relaxed);
  uint64_t run = (atomic_load_explicit(&pool->ticket, memory_order_relaxed) >> 32) + 1;
  atomic_store(&pool->ticket, run << 32 | (uint32_t)parts);
  if (atomic_load(&pool->sleepers)) pool_broadcast(pool);
  pool_work(pool, 0);
  for (int i = 0; atomic_load_explicit(&pool->undone, memory_order_acquire); i++) {
    if (i < pool->spin_rounds)
      processor_pause();
    else
      sched_yield();
  }
}
