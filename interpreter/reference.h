/* What every name of the language is: one table made of the op table, the built-in functions and the text of the
 * standard library. It is what `lathe help NAME` and docs/reference.md show. */
#ifndef INTERPRETER_REFERENCE_H
#define INTERPRETER_REFERENCE_H

#include "base/arena.h"
#include "base/text.h"

typedef struct {
  const char *name;
  const char *signature; // how it is called
  const char *doc;       // what it is, in a phrase
  const char *kind;      // fn, layer, metric, optimizer …
  const char *from;      // std.model …; "" where it is written in C
} Reference;

/* All entries by name; they live as long as the arena. */
const Reference *reference_all(Arena *arena, int *count);
void reference_entry(const Reference *entry, Text *out);
/* docs/reference.md. */
void reference_page(Arena *arena, Text *out);

#endif
