/* Plain values of plain values: what goes between Lua and the rest, and what ctx.state may hold.
 *
 * A value is a bool, an integer, a number, a text or a table of pairs; keys are integers, numbers, texts or bools.
 * Pairs are sorted by key, so equal tables are equal texts. The text form is ASCII on one line and exact: reading
 * gives back every bit. */
#ifndef INTERPRETER_HOOKS_PLAIN_H
#define INTERPRETER_HOOKS_PLAIN_H

#include "base/arena.h"
#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum { PLAIN_BOOL, PLAIN_INTEGER, PLAIN_NUMBER, PLAIN_TEXT, PLAIN_TABLE } PlainKind;

typedef struct Plain Plain;
struct Plain {
  PlainKind kind;
  union {
    bool truth;
    int64_t integer;
    double number;
    struct {
      const char *bytes; // length of them, and a NUL
      size_t length;
    } text;
    struct {
      Plain *key, *value; // side by side
      size_t count, capacity;
    } table;
  } u;
};

#define PLAIN_DEPTH      32
#define PLAIN_TEXT_LIMIT ((size_t)4 << 20) // bytes of a text form

Plain plain_bool(bool truth);
Plain plain_integer(int64_t integer);
Plain plain_number(double number);
Plain plain_text(Arena *arena, const char *bytes, size_t length); // copies
Plain plain_table(void);
/* Adds a pair without looking for an equal key; the arena keeps the pairs. */
void plain_add(Arena *arena, Plain *table, Plain key, Plain value);
void plain_set(Arena *arena, Plain *table, const char *key, Plain value); // a text key, NUL-terminated
void plain_sort(Plain *table);                                            // by key, this table alone
const Plain *plain_get(const Plain *table, const char *key);              // NULL: no such text key

/* Keys in order: numbers by size, then texts by bytes, then bools. */
int plain_compare_keys(const Plain *a, const Plain *b);

void plain_write(const Plain *plain, Text *out); // tables must be sorted
/* false if `bytes` is not what plain_write writes, whole. */
bool plain_read(Arena *arena, const char *bytes, size_t length, Plain *out);

#endif
