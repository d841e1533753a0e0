/* Preloaded into lathe: the allocation number OOM_AT of the process, counted from 1, fails; with OOM_COUNT how many there
 * were is written to that file at the end. Only what is asked for after main begins counts: before it, the loader's. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static long made, fail_at = -1;
static int on;

static int fails(void) {
  if (!on) return 0;
  long number = __atomic_add_fetch(&made, 1, __ATOMIC_RELAXED);
  if (number == fail_at) errno = ENOMEM;
  return number == fail_at;
}

extern void *__libc_malloc(size_t bytes);
extern void *__libc_calloc(size_t count, size_t bytes);
extern void *__libc_realloc(void *old, size_t bytes);
extern void *__libc_memalign(size_t alignment, size_t bytes);

void *malloc(size_t bytes) { return fails() ? NULL : __libc_malloc(bytes); }
void *calloc(size_t count, size_t bytes) { return fails() ? NULL : __libc_calloc(count, bytes); }
void *realloc(void *old, size_t bytes) { return fails() ? NULL : __libc_realloc(old, bytes); }
void *memalign(size_t alignment, size_t bytes) { return fails() ? NULL : __libc_memalign(alignment, bytes); }
void *aligned_alloc(size_t alignment, size_t bytes) {
  return fails() ? NULL : __libc_memalign(alignment, bytes);
}

int posix_memalign(void **out, size_t alignment, size_t bytes) {
  void *memory = fails() ? NULL : __libc_memalign(alignment, bytes);
  if (!memory) return ENOMEM;
  *out = memory;
  return 0;
}

__attribute__((constructor)) static void begin(void) {
  const char *at = getenv("OOM_AT");
  fail_at = at ? atol(at) : -1;
  on = 1;
}

__attribute__((destructor)) static void end(void) {
  on = 0;
  const char *path = getenv("OOM_COUNT");
  FILE *file = path ? fopen(path, "w") : NULL;
  if (!file) return;
  fprintf(file, "%ld\n", made);
  fclose(file);
}
