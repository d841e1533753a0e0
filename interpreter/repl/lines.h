/* Lines that are typed: at a terminal with editing, history and completion, else as they come.
 *
 * Editing is libedit's where it was found when the program was built. Without it a line is what the terminal itself
 * lets one type. */
#ifndef INTERPRETER_REPL_LINES_H
#define INTERPRETER_REPL_LINES_H

#include <stdbool.h>
#include <stddef.h>

typedef struct Lines Lines;

/* What could stand at the cursor: fills `text` with at most `most` candidates, which replace the `*length` bytes before
 * the cursor; gives how many. They live until the next call. */
typedef int LinesComplete(void *context, const char *line, size_t cursor, const char **text, int most,
                          size_t *length);

/* `echo`: what is read is written too, behind its prompt, so that the output reads like a session. */
Lines *lines_open(bool echo, LinesComplete *complete, void *context);
void lines_close(Lines *lines); // writes the history
bool lines_terminal(const Lines *lines);

/* The next line without its end, until the next call; NULL at the end of the input, or where `*broken` because it was
 * interrupted. */
const char *lines_read(Lines *lines, const char *prompt, bool *broken);
bool lines_pending(Lines *lines);                    // more is there already: a block was pasted
void lines_put_back(Lines *lines, const char *line); // is read again next

#endif
