/* Arenas as lists of chunks, and plain aligned memory.
 *
 * A chunk comes zeroed from calloc, so what the arena hands out needs no clearing. Chunks double up to
 * CHUNK_LARGEST; a request that does not fit the newest chunk opens another one, which is made as large as the
 * request where that is more. Plain memory keeps, in the word before its first byte, the address that the
 * system gave, so that large blocks stay untouched zero pages until they are written. */
#include "base/arena.h"
#include "base/size.h"

#include <assert.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_FIRST    ((size_t)16 << 10)
#define CHUNK_LARGEST  ((size_t)1 << 20)
#define MEMORY_ALIGN   64
#define MEMORY_SURPLUS (MEMORY_ALIGN + sizeof(void *))

typedef struct Chunk Chunk;
struct Chunk {
  Chunk *older;
  size_t used, size; // bytes of `bytes`
  alignas(max_align_t) char bytes[];
};

struct Arena {
  Chunk *newest;
  size_t limit, handed; // bytes; limit 0 for none
};

static MemoryFull *full_handler;

MemoryFull *memory_on_full(MemoryFull *handler) {
  MemoryFull *before = full_handler;
  full_handler = handler;
  return before;
}

_Noreturn void memory_full(size_t wanted) {
  if (full_handler) full_handler(wanted);
  fprintf(stderr, "out of memory: %zu more bytes were needed\n", wanted);
  _Exit(4);
}

Arena *arena_new(size_t limit) {
  Arena *arena = calloc(1, sizeof *arena);
  if (!arena) memory_full(sizeof *arena);
  arena->limit = limit;
  return arena;
}

void arena_free(Arena *arena) {
  if (!arena) return;
  for (Chunk *chunk = arena->newest, *older; chunk; chunk = older) {
    older = chunk->older;
    free(chunk);
  }
  free(arena);
}

size_t arena_bytes(const Arena *arena) { return arena->handed; }

static Chunk *chunk_open(Arena *arena, size_t bytes) {
  size_t size = arena->newest ? arena->newest->size : CHUNK_FIRST / 2, total;
  size = size < CHUNK_LARGEST ? 2 * size : CHUNK_LARGEST;
  if (size < bytes) size = bytes;
  if (!size_add(size, sizeof(Chunk), &total)) memory_full(bytes);
  Chunk *chunk = calloc(1, total);
  if (!chunk) memory_full(total);
  chunk->size = size;
  chunk->older = arena->newest;
  arena->newest = chunk;
  return chunk;
}

void *arena_alloc(Arena *arena, size_t count, size_t size) {
  size_t bytes, handed, align = alignof(max_align_t);
  if (!size_mul(count, size, &bytes) || !size_add(bytes, align - 1, &bytes)) memory_full(SIZE_MAX);
  bytes = bytes < align ? align : bytes & ~(align - 1);
  if (!size_add(arena->handed, bytes, &handed)) memory_full(bytes);
  if (arena->limit && handed > arena->limit) memory_full(bytes);
  Chunk *chunk = arena->newest;
  if (!chunk || chunk->size - chunk->used < bytes) chunk = chunk_open(arena, bytes);
  void *result = chunk->bytes + chunk->used;
  chunk->used += bytes;
  arena->handed = handed;
  return result;
}

void *arena_grow(Arena *arena, void *old, size_t count, size_t *capacity, size_t size) {
  if (count < *capacity) return old;
  size_t wanted = *capacity ? *capacity : 4, bytes;
  do {
    if (!size_mul(wanted, 2, &wanted)) memory_full(SIZE_MAX);
  } while (wanted <= count);
  void *grown = arena_alloc(arena, wanted, size);
  if (!size_mul(count, size, &bytes)) memory_full(SIZE_MAX);
  if (bytes) memcpy(grown, old, bytes);
  *capacity = wanted;
  return grown;
}

char *arena_copy(Arena *arena, const char *text, size_t length) {
  size_t bytes;
  if (!size_add(length, 1, &bytes)) memory_full(SIZE_MAX);
  char *copy = arena_alloc(arena, bytes, 1);
  if (length) memcpy(copy, text, length);
  return copy;
}

char *arena_vprintf(Arena *arena, const char *format, va_list args) {
  va_list again;
  va_copy(again, args);
  int length = vsnprintf(NULL, 0, format, again);
  va_end(again);
  assert(length >= 0 && "arena_vprintf: the format is wrong");
  char *result = arena_alloc(arena, (size_t)length + 1, 1);
  vsnprintf(result, (size_t)length + 1, format, args);
  return result;
}

char *arena_printf(Arena *arena, const char *format, ...) {
  va_list args;
  va_start(args, format);
  char *result = arena_vprintf(arena, format, args);
  va_end(args);
  return result;
}

/* The first aligned byte that leaves room for the word before it. */
static char *memory_place(void *raw) {
  uintptr_t first = (uintptr_t)raw + sizeof(void *);
  return (char *)raw + sizeof(void *) + (MEMORY_ALIGN - first % MEMORY_ALIGN) % MEMORY_ALIGN;
}

static void *memory_keep(char *place, void *raw) {
  memcpy(place - sizeof raw, &raw, sizeof raw);
  return place;
}

static void *memory_raw(void *memory) {
  void *raw;
  memcpy(&raw, (char *)memory - sizeof raw, sizeof raw);
  return raw;
}

void *memory_alloc(size_t count, size_t size) {
  size_t bytes, total;
  if (!size_mul(count, size, &bytes) || !size_add(bytes, MEMORY_SURPLUS, &total)) memory_full(SIZE_MAX);
  void *raw = calloc(1, total);
  if (!raw) memory_full(bytes);
  return memory_keep(memory_place(raw), raw);
}

void *memory_resize(void *old, size_t old_bytes, size_t bytes) {
  if (!old) return memory_alloc(bytes, 1);
  size_t total, kept = old_bytes < bytes ? old_bytes : bytes;
  if (!size_add(bytes, MEMORY_SURPLUS, &total)) memory_full(SIZE_MAX);
  void *raw = memory_raw(old);
  size_t shift = (size_t)((char *)old - (char *)raw);
  char *moved = realloc(raw, total);
  if (!moved) memory_full(bytes);
  char *place = memory_place(moved);
  if (place != moved + shift) memmove(place, moved + shift, kept);
  memset(place + kept, 0, bytes - kept);
  return memory_keep(place, moved);
}

void memory_free(void *memory) {
  if (memory) free(memory_raw(memory));
}
