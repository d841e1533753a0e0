/* Atomic writing: a temporary file in the folder of the target, then one rename.
 *
 * In go bytes; out comes either the whole new file under its name, safe on the disk, or the old one untouched.
 * The first error is kept and later writes do nothing, so callers write straight on and look once, at the end.
 * Links are followed, so that a link to a file stays a link. */
#include "interpreter/formats/save.h"

#include "interpreter/formats/problems_files.h"
#include "interpreter/formats/save_calls.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUFFER_BYTES ((size_t)1 << 16)
#define NAME_TRIES   16

static int call_open(const char *path, int flags, unsigned mode) { return open(path, flags, mode); }
static int call_mkdir(const char *path, unsigned mode) { return mkdir(path, mode); }

const SaveCalls save_system = {.open = call_open,
                               .write = write,
                               .reserve = posix_fallocate,
                               .truncate = ftruncate,
                               .mode = fchmod,
                               .sync = fsync,
                               .close = close,
                               .rename = rename,
                               .unlink = unlink,
                               .mkdir = call_mkdir};
const SaveCalls *save_calls = &save_system;

struct SaveFile {
  Arena *arena;
  const char *path;   // as the caller named it: for messages
  const char *target; // where the rename goes: `path` with links followed
  const char *folder;
  const char *temporary; // NULL: not made, or renamed
  char *buffer;
  size_t used;
  uint64_t position; // bytes given so far
  uint64_t reserved;
  int descriptor;
  int error; // the first errno; 0 while all is well
  SaveFile *next;
};

static SaveFile *open_files;

bool save_remove(const char *path) {
  int failed;
  do failed = save_calls->unlink(path);
  while (failed && errno == EINTR);
  return !failed;
}

static int file_sync(int descriptor) {
  int failed;
  do failed = save_calls->sync(descriptor);
  while (failed && errno == EINTR);
  return failed;
}

static int folder_sync(const char *folder) {
  int descriptor, error = 0;
  do descriptor = save_calls->open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  while (descriptor < 0 && errno == EINTR);
  if (descriptor < 0) return errno == EACCES ? 0 : errno; // a folder may be writable and not readable
  if (file_sync(descriptor) != 0 && errno != EINVAL) error = errno;
  save_calls->close(descriptor);
  return error;
}

static const char *folder_of(Arena *arena, const char *path) {
  const char *slash = strrchr(path, '/');
  if (!slash) return ".";
  return slash == path ? "/" : arena_copy(arena, path, (size_t)(slash - path));
}

/* Makes one folder and, where it is new, its entry safe on the disk. */
int save_folder_new(const char *path) {
  int failed;
  do failed = save_calls->mkdir(path, 0777);
  while (failed && errno == EINTR);
  if (failed) return errno;
  Arena *arena = arena_new(0);
  int error = folder_sync(folder_of(arena, path));
  arena_free(arena);
  return error;
}

int save_folder(const char *path) {
  char *copy = strdup(path);
  if (!copy) memory_full(strlen(path));
  int error = 0;
  // cppcheck-suppress nullPointerArithmeticRedundantCheck ; memory_full does not return
  for (char *at = copy + 1; *copy && !error; at++) {
    if (*at != '/' && *at != 0) continue;
    char kept = *at;
    *at = 0;
    struct stat state;
    error = save_folder_new(copy);
    if (error == EEXIST) error = stat(copy, &state) != 0 ? errno : S_ISDIR(state.st_mode) ? 0 : ENOTDIR;
    *at = kept;
    if (!kept) break;
  }
  free(copy);
  return error;
}

bool save_path_allowed(Problems *problems, Span span, const char *path) {
  bool allowed = path[0] != '/';
  for (const char *part = path; part && allowed; part = strchr(part, '/')) {
    part += *part == '/';
    if (strncmp(part, "..", 2) == 0 && (part[2] == '/' || part[2] == 0)) allowed = false;
  }
  if (!allowed) problem_output_outside(problems, span, path);
  return allowed;
}

/* Makes the temporary file; its name is short and random, for the target's may be as long as names can be. */
static int temporary_open(SaveFile *file) {
  for (int i = 0; i < NAME_TRIES; i++) {
    uint64_t number = 0;
    if (getrandom(&number, sizeof number, 0) != (ssize_t)sizeof number) return errno;
    char *name = arena_printf(file->arena, "%s/.lathe-%ld-%016llx.tmp", file->folder, (long)getpid(),
                              (unsigned long long)number);
    file->descriptor = save_calls->open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file->descriptor >= 0) return file->temporary = name, 0;
    if (errno != EEXIST && errno != EINTR) return errno;
  }
  return EEXIST;
}

static int room_reserve(SaveFile *file, uint64_t expected) {
  if (expected == 0) return 0;
  if (expected > (uint64_t)INT64_MAX) return EFBIG;
  int error;
  do error = save_calls->reserve(file->descriptor, 0, (off_t)expected);
  while (error == EINTR);
  if (error == EOPNOTSUPP || error == EINVAL || error == ENOSYS)
    return 0; // a file system that cannot reserve
  if (!error) file->reserved = expected;
  return error;
}

/* Fills in target and folder. false after a Problem: something that is no file stands there. */
static bool target_find(SaveFile *file, Problems *problems, mode_t *mode) {
  struct stat state;
  *mode = 0;
  file->target = file->path;
  if (stat(file->path, &state) == 0) {
    if (!S_ISREG(state.st_mode)) return problem_output_kind(problems, file->path, state.st_mode), false;
    *mode = state.st_mode & 0777;
    char *real = realpath(file->path, NULL);
    if (real) file->target = arena_copy(file->arena, real, strlen(real));
    free(real);
  }
  file->folder = folder_of(file->arena, file->target);
  return true;
}

SaveFile *save_begin(Problems *problems, const char *path, uint64_t expected) {
  Arena *arena = arena_new(0);
  SaveFile *file = ARENA_NEW(arena, SaveFile);
  file->arena = arena;
  file->descriptor = -1;
  file->next = open_files;
  open_files = file;
  file->path = arena_copy(arena, path, strlen(path));
  size_t length = strlen(path);
  mode_t mode;
  if (!target_find(file, problems, &mode)) return save_abandon(file), NULL;
  if (length == 0 || path[length - 1] == '/') file->error = length ? EISDIR : ENOENT;
  if (!file->error) file->error = save_folder(file->folder);
  if (!file->error) file->error = temporary_open(file);
  while (!file->error && mode && save_calls->mode(file->descriptor, mode) != 0) {
    if (errno == EINTR) continue;
    file->error = errno;
  }
  if (!file->error) file->error = room_reserve(file, expected);
  if (file->error) {
    problem_file_unwritable(problems, path, file->error);
    return save_abandon(file), NULL;
  }
  file->buffer = arena_alloc(arena, BUFFER_BYTES, 1);
  return file;
}

static void bytes_out(SaveFile *file, const char *bytes, size_t length) {
  while (length && !file->error) {
    ssize_t done = save_calls->write(file->descriptor, bytes, length);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) {
      file->error = done < 0 ? errno : EIO;
      return;
    }
    bytes += done;
    length -= (size_t)done;
  }
}

static void buffer_out(SaveFile *file) {
  bytes_out(file, file->buffer, file->used);
  file->used = 0;
}

void save_write(SaveFile *file, const void *bytes, size_t length) {
  file->position += length;
  if (length > BUFFER_BYTES - file->used) buffer_out(file);
  if (length > BUFFER_BYTES - file->used) {
    bytes_out(file, bytes, length);
    return;
  }
  if (length) memcpy(file->buffer + file->used, bytes, length);
  file->used += length;
}

void save_printf(SaveFile *file, const char *format, ...) {
  Arena *arena = arena_new(0);
  va_list args;
  va_start(args, format);
  const char *text = arena_vprintf(arena, format, args);
  va_end(args);
  save_write(file, text, strlen(text));
  arena_free(arena);
}

uint64_t save_position(const SaveFile *file) { return file->position; }

static void file_finish(SaveFile *file) {
  buffer_out(file);
  while (!file->error && file->reserved > file->position &&
         save_calls->truncate(file->descriptor, (off_t)file->position) != 0)
    if (errno != EINTR) file->error = errno;
  if (!file->error && file_sync(file->descriptor) != 0) file->error = errno;
  int closed = save_calls->close(file->descriptor); // on Linux it is closed whatever the answer is
  if (!file->error && closed != 0 && errno != EINTR) file->error = errno;
  file->descriptor = -1;
  while (!file->error && save_calls->rename(file->temporary, file->target) != 0)
    if (errno != EINTR) file->error = errno;
}

bool save_commit(SaveFile *file, Problems *problems) {
  file_finish(file);
  if (file->error) {
    problem_file_unwritable(problems, file->path, file->error);
    return save_abandon(file), false;
  }
  file->temporary = NULL;
  int error = folder_sync(file->folder);
  if (error) problem_file_unwritable(problems, file->path, error);
  save_abandon(file);
  return error == 0;
}

void save_abandon_all(void) {
  for (const SaveFile *file = open_files; file; file = file->next)
    if (file->temporary) save_remove(file->temporary);
}

void save_abandon(SaveFile *file) {
  if (!file) return;
  SaveFile **link = &open_files;
  while (*link != file) link = &(*link)->next;
  *link = file->next;
  if (file->descriptor >= 0) save_calls->close(file->descriptor);
  if (file->temporary) save_remove(file->temporary);
  arena_free(file->arena);
}
