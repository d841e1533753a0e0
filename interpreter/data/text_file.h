/* Files that hold text. */
#ifndef INTERPRETER_DATA_TEXT_FILE_H
#define INTERPRETER_DATA_TEXT_FILE_H

#include "base/problem.h"

#include <stddef.h>
#include <stdint.h>

/* The whole of a text file (.gz is inflated), at most `limit` bytes: strict UTF-8 without NUL; a byte order mark at
 * the front is passed over. NULL after a Problem (E0406 with the line, or one of file_read). `*text` points into what
 * is returned, which memory_free frees; a NUL stands past its end. */
char *text_file_read(Problems *problems, Span span, const char *path, size_t limit, char **text,
                     size_t *length);

/* How many line ends (LF, CRLF, CR) stand before `end`; the byte at `end` must be readable. */
int64_t text_line_ends(const char *text, const char *end);

#endif
