/* Arenas and plain memory: zeroed, aligned, kept when grown, and the handler past a limit. */
#include "base/arena.h"
#include "base/text.h"

#include <criterion/criterion.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

static jmp_buf full;
static size_t full_wanted;

static void when_full(size_t wanted) {
  full_wanted = wanted;
  longjmp(full, 1);
}

Test(arena, memory_is_zeroed_aligned_and_apart) {
  Arena *arena = arena_new(0);
  unsigned char *last = NULL;
  size_t last_size = 0;
  for (size_t size = 0; size < 3000; size += 7) {
    unsigned char *memory = arena_alloc(arena, size, 1);
    cr_assert_eq((uintptr_t)memory % _Alignof(max_align_t), 0, "size %zu", size);
    for (size_t i = 0; i < size; i++) cr_assert_eq(memory[i], 0, "size %zu", size);
    memset(memory, 0xff, size);
    cr_assert(last == NULL || memory >= last + last_size || memory + size <= last, "size %zu", size);
    last = memory, last_size = size;
  }
  arena_free(arena);
  arena_free(NULL);
}

Test(arena, a_grown_array_keeps_its_items) {
  Arena *arena = arena_new(0);
  int *items = NULL;
  size_t capacity = 0;
  for (int i = 0; i < 10000; i++) {
    items = arena_grow(arena, items, (size_t)i, &capacity, sizeof *items);
    items[i] = i;
  }
  for (int i = 0; i < 10000; i++) cr_assert_eq(items[i], i);
  arena_free(arena);
}

Test(arena, texts) {
  Arena *arena = arena_new(0);
  cr_assert_str_eq(arena_copy(arena, "abcdef", 3), "abc");
  cr_assert_str_eq(arena_printf(arena, "%d-%s", 7, "x"), "7-x");
  cr_assert_str_eq(arena_copy(arena, NULL, 0), "");
  arena_free(arena);
}

Test(arena, the_limit_is_exact) {
  Arena *arena = arena_new(1024);
  memory_on_full(when_full);
  if (setjmp(full)) cr_assert_fail("1024 bytes are within the limit");
  arena_alloc(arena, 64, 16);
  cr_assert_eq(arena_bytes(arena), 1024);
  if (!setjmp(full)) {
    arena_alloc(arena, 1, 1);
    cr_assert_fail("one more is not");
  }
  cr_assert_eq(full_wanted, _Alignof(max_align_t));
  arena_free(arena);
}

Test(arena, sizes_that_wrap_are_refused) {
  Arena *arena = arena_new(0);
  memory_on_full(when_full);
  if (!setjmp(full)) {
    arena_alloc(arena, SIZE_MAX / 2, 3);
    cr_assert_fail("the product does not fit");
  }
  if (!setjmp(full)) {
    memory_free(memory_alloc(SIZE_MAX / 2, 3));
    cr_assert_fail("the product does not fit");
  }
  if (!setjmp(full)) {
    arena_alloc(arena, SIZE_MAX, 1);
    cr_assert_fail("nor does its rounding");
  }
  arena_free(arena);
}

Test(arena, plain_memory) {
  unsigned char *memory = memory_alloc(10, 10);
  for (size_t size = 100, next; size < 3000000; size = next) {
    next = size * 2 + 3;
    for (size_t i = 0; i < size; i++) memory[i] = (unsigned char)i;
    memory = memory_resize(memory, size, next);
    cr_assert_eq((uintptr_t)memory % 64, 0);
    for (size_t i = 0; i < next; i++)
      cr_assert_eq(memory[i], i < size ? (unsigned char)i : 0, "%zu of %zu", i, next);
  }
  memory = memory_resize(memory, 3000000, 5);
  cr_assert_eq(memory[4], 4);
  memory_free(memory);
  memory = memory_alloc(0, 8);
  cr_assert_not_null(memory);
  memory_free(memory);
  memory_free(NULL);
}

Test(text, grows_pads_and_prints) {
  Text text = {0};
  cr_assert_str_eq(text_string(&text), "");
  text_add(&text, "first\nab");
  text_pad(&text, 5);
  text_pad(&text, 3);
  text_printf(&text, "%03d", 7);
  text_add_n(&text, "xyz", 1);
  cr_assert_str_eq(text_string(&text), "first\nab   007x");
  for (int i = 0; i < 1000; i++) text_printf(&text, "%d,", i);
  cr_assert_eq(strlen(text_string(&text)), text.length);
  text_free(&text);
  cr_assert_eq(text.length, 0);
}
