/* Files that appear whole or not at all: trust.md §3, steps 1 to 3. */
#ifndef INTERPRETER_FORMATS_SAVE_H
#define INTERPRETER_FORMATS_SAVE_H

#include "base/problem.h"

#include <stddef.h>
#include <stdint.h>

typedef struct SaveFile SaveFile;

/* A temporary file in the folder of `path` (made, with its parents, if absent), with room for `expected`
 * bytes reserved (0: unknown). NULL after a Problem with exit code 3. */
SaveFile *save_begin(Problems *problems, const char *path, uint64_t expected);
void save_write(SaveFile *file, const void *bytes, size_t length); // buffered; errors are kept until the end
void save_printf(SaveFile *file, const char *format, ...) __attribute__((format(printf, 2, 3)));
uint64_t save_position(const SaveFile *file);
/* Flushes, fsyncs, renames, fsyncs the folder. false after a Problem: the old file is as it was and no
 * temporary file is left. Frees `file`. */
bool save_commit(SaveFile *file, Problems *problems);
void save_abandon(SaveFile *file); // NULL is fine
void save_abandon_all(void);       // removes the temporary files of all that are open: the process ends here

/* Makes the folder and its parents; 0, or the errno that stopped it. */
int save_folder(const char *path);
int save_folder_new(const char *path); // that one alone, which must be new
bool save_remove(const char *path);    // false: it still stands there

/* Whether a path that a program names stays beneath the output folder; false after E0703 at `span`. */
bool save_path_allowed(Problems *problems, Span span, const char *path);

/* The whole of a file; inflates gzip (by its first bytes) up to `limit` bytes of content. NULL after a
 * Problem: absent, a folder, a device, too large, damaged. NUL past its end. "-" is standard input. Freed by
 * memory_free. */
char *file_read(Problems *problems, Span span, const char *path, size_t limit, size_t *length);

#endif
