/* What saving asks of the system: a table, so that tests can record the calls and make each of them fail. */
#ifndef INTERPRETER_FORMATS_SAVE_CALLS_H
#define INTERPRETER_FORMATS_SAVE_CALLS_H

#include <sys/types.h>

typedef struct {
  int (*open)(const char *path, int flags, unsigned mode);
  ssize_t (*write)(int descriptor, const void *bytes, size_t length);
  int (*reserve)(int descriptor, off_t from, off_t length); // gives an errno
  int (*truncate)(int descriptor, off_t length);
  int (*mode)(int descriptor, mode_t mode);
  int (*sync)(int descriptor);
  int (*close)(int descriptor);
  int (*rename)(const char *from, const char *to);
  int (*unlink)(const char *path);
  int (*mkdir)(const char *path, unsigned mode);
} SaveCalls;

extern const SaveCalls save_system; // the system's own
extern const SaveCalls *save_calls; // those in use

#endif
