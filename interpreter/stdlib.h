/* The standard library: the texts of stdlib/, put into the binary by the Makefile. */
#ifndef INTERPRETER_STDLIB_H
#define INTERPRETER_STDLIB_H

#include <stddef.h>

extern const int stdlib_count;
extern const char *const stdlib_name[]; // "std.model"
extern const char *const stdlib_text[]; // NUL-terminated
extern const size_t stdlib_length[];    // bytes, without the NUL

#endif
