/* Texts from files, made fit to be shown. */
#ifndef INTERPRETER_DATA_SHOWN_H
#define INTERPRETER_DATA_SHOWN_H

#include "base/arena.h"

#include <stddef.h>

/* A copy with control characters and broken UTF-8 escaped (`\x1b`) and at most `most` code points, the last of
 * them `…` when something was cut. */
const char *text_shown(Arena *arena, const char *bytes, size_t length, size_t most);

size_t text_width(const char *text); // code points of valid UTF-8

/* Length of the valid UTF-8 sequence at `at`, before `end`; 0 if there is none. */
size_t utf8_sequence(const char *at, const char *end);

/* The last part of a path, as messages name a file; "standard input" for "-". */
const char *path_shown(Arena *arena, const char *path);

#endif
