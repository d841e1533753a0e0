/* Memory that lives and dies together, and what happens when there is none left.
 *
 * A compilation allocates from one Arena and frees it whole; nothing inside is freed alone. Memory comes
 * zeroed. No function here returns NULL: past the limit, or when the system refuses, the one handler that
 * the program has set is called, which must not return (main sets it to a jump back to the command, which
 * reports the Problem and ends with exit code 4). So no caller checks, and none can forget to. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

typedef struct Arena Arena;

Arena *arena_new(size_t limit);         // limit in bytes, 0 for none; takes nothing yet
void arena_free(Arena *arena);          // and everything in it; NULL is fine
size_t arena_bytes(const Arena *arena); // handed out so far

/* count * size bytes, zeroed, aligned for any type; the product is checked. */
void *arena_alloc(Arena *arena, size_t count, size_t size);

/* A growing array: returns `old` with room for at least `count + 1` items, moved and doubled when
 * `*capacity` is reached. What was there is kept. */
void *arena_grow(Arena *arena, void *old, size_t count, size_t *capacity, size_t size);

char *arena_copy(Arena *arena, const char *text, size_t length); // NUL-terminated copy
char *arena_printf(Arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));
char *arena_vprintf(Arena *arena, const char *format, va_list args);

#define ARENA_NEW(arena, Type)          ((Type *)arena_alloc((arena), 1, sizeof(Type)))
#define ARENA_ARRAY(arena, Type, count) ((Type *)arena_alloc((arena), (size_t)(count), sizeof(Type)))

/* Plain memory for what outlives or outgrows an arena: tables, weights, activations. Zeroed, aligned to 64
 * bytes, never NULL; freed by memory_free. */
void *memory_alloc(size_t count, size_t size);
void *memory_resize(void *old, size_t old_bytes, size_t bytes); // the new part is zeroed
void memory_free(void *memory);

typedef void MemoryFull(size_t wanted);          // must not return
MemoryFull *memory_on_full(MemoryFull *handler); // gives the one before
_Noreturn void memory_full(size_t wanted);       // calls the handler; ends the process if none is set

#endif
