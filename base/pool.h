/* Worker threads for parallel loops.
 *
 * pool_run splits work into parts, numbered 0..parts-1; each is claimed by an atomic counter, so a busy core
 * delays nobody. What a part does depends on its number alone, never on the thread, so results are the same
 * for any number of threads. Between pool_wake and pool_rest the workers spin (a step is running); outside
 * they sleep. The calling thread works too. */
#ifndef BASE_POOL_H
#define BASE_POOL_H

#include <stdint.h>

typedef struct Pool Pool;
typedef void PoolWork(void *context, int part, int worker); // worker: 0..threads-1, for scratch memory

Pool *pool_new(int threads); // 1: no workers, everything runs on the caller
void pool_free(Pool *pool);
int pool_threads(const Pool *pool);

void pool_wake(Pool *pool);
void pool_rest(Pool *pool);

/* Runs all parts and returns when the last one is done. Not reentrant. */
void pool_run(Pool *pool, PoolWork *work, void *context, int parts);

#endif
