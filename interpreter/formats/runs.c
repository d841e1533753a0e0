/* Folders of runs: who gets which number, who holds it, which one is finished and newest.
 *
 * A number is taken by making its folder, which only one process can do. The holder locks the file `lock` in
 * it and writes down who it is; the file goes when the run is closed. A run counts as finished when the file
 * `done` stands in its folder, which is written last and whole. */
#include "interpreter/formats/runs.h"

#include "interpreter/formats/problems_files.h"
#include "interpreter/formats/save.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define NUMBER_LIMIT 999999999

/* The number that a folder's name is; 0 if it is none. */
static int run_number(const char *name) {
  if (name[0] < '1' || name[0] > '9') return 0;
  int number = 0;
  for (; *name >= '0' && *name <= '9'; name++) {
    if (number > (NUMBER_LIMIT - 9) / 10) return 0;
    number = number * 10 + (*name - '0');
  }
  return *name ? 0 : number;
}

/* NULL: it cannot be read, and counts as empty. Without memory nothing can be said about it. */
static DIR *folder_list(const char *path) {
  DIR *list = opendir(path);
  if (!list && errno == ENOMEM) memory_full(sizeof(struct dirent));
  return list;
}

/* The highest number in the folder of a task for which `wanted` holds (NULL: any); 0 if there is none. */
static int run_highest(Arena *arena, const char *task, const char *(*wanted)(Arena *, const char *)) {
  DIR *list = folder_list(task);
  int highest = 0;
  for (struct dirent *entry; list && (entry = readdir(list));) {
    int number = run_number(entry->d_name);
    if (number > highest && (!wanted || wanted(arena, arena_printf(arena, "%s/%d", task, number))))
      highest = number;
  }
  if (list) closedir(list);
  return highest;
}

static const char *lock_path(Arena *arena, const char *folder) {
  return arena_printf(arena, "%s/lock", folder);
}

/* Opens the lock file and locks it: 0, EWOULDBLOCK when another has it, or another errno. A file that its
 * holder removed meanwhile is not the one others will lock, so then all is tried again. */
static int lock_take(const char *path, int *descriptor) {
  for (;;) {
    *descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (*descriptor < 0) return errno;
    struct stat opened, standing;
    int error = flock(*descriptor, LOCK_EX | LOCK_NB) == 0 ? 0 : errno;
    if (error == EINTR)
      error = 0;
    else if (error)
      return error;
    else if (fstat(*descriptor, &opened) == 0 && stat(path, &standing) == 0 &&
             opened.st_ino == standing.st_ino)
      return 0;
    close(*descriptor);
  }
}

static const char *lock_holder(Arena *arena, int descriptor) {
  char text[128];
  ssize_t length = pread(descriptor, text, sizeof text, 0);
  while (length > 0 && (text[length - 1] == '\n' || text[length - 1] == 0)) length--;
  return length > 0 ? arena_copy(arena, text, (size_t)length) : NULL;
}

/* Who we are, for whoever finds the folder locked. */
static bool holder_write(int descriptor) {
  char when[32], text[96];
  time_t now = time(NULL);
  struct tm parts;
  strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S", localtime_r(&now, &parts));
  int length = snprintf(text, sizeof text, "process %ld since %s\n", (long)getpid(), when);
  return ftruncate(descriptor, 0) == 0 && pwrite(descriptor, text, (size_t)length, 0) == length;
}

Run *run_lock(Arena *arena, Problems *problems, const char *folder) {
  int descriptor;
  int error = lock_take(lock_path(arena, folder), &descriptor);
  if (error == EWOULDBLOCK)
    problem_run_locked(problems, folder, lock_holder(arena, descriptor));
  else if (!error && !holder_write(descriptor))
    error = errno;
  if (error && error != EWOULDBLOCK) problem_file_unwritable(problems, lock_path(arena, folder), error);
  if (error) {
    if (descriptor >= 0) close(descriptor);
    return NULL;
  }
  const char *slash = strrchr(folder, '/');
  Run *run = ARENA_NEW(arena, Run);
  *run = (Run){arena_copy(arena, folder, strlen(folder)), run_number(slash ? slash + 1 : folder), descriptor};
  return run;
}

static const char *program_folder(Arena *arena, const char *out, const char *program) {
  bool here = *out == 0 || strcmp(out, ".") == 0;
  return arena_printf(arena, "%s%sruns/%s", here ? "" : out, here ? "" : "/", program);
}

Run *run_create(Arena *arena, Problems *problems, const char *out, const char *program, const char *task) {
  const char *parent = arena_printf(arena, "%s/%s", program_folder(arena, out, program), task);
  int error = save_folder(parent);
  int number = error ? 0 : run_highest(arena, parent, NULL);
  const char *folder = parent;
  do {
    if (error && error != EEXIST) break;
    folder = arena_printf(arena, "%s/%d", parent, ++number);
    error = save_folder_new(folder);
  } while (error == EEXIST && number < NUMBER_LIMIT);
  if (error) return problem_file_unwritable(problems, folder, error), NULL;
  return run_lock(arena, problems, folder);
}

bool run_finish(Run *run, Problems *problems) {
  Arena *arena = arena_new(0);
  SaveFile *done = save_begin(problems, arena_printf(arena, "%s/done", run->folder), 0);
  arena_free(arena);
  return done && save_commit(done, problems);
}

void run_close(Run *run) {
  if (run->lock < 0) return;
  Arena *arena = arena_new(0);
  unlink(lock_path(arena, run->folder)); // while the lock is still held
  arena_free(arena);
  close(run->lock);
  run->lock = -1;
}

static const char *run_best(Arena *arena, const char *folder) {
  struct stat state;
  if (stat(arena_printf(arena, "%s/done", folder), &state) != 0 || !S_ISREG(state.st_mode)) return NULL;
  const char *best = arena_printf(arena, "%s/best.safetensors", folder);
  return stat(best, &state) == 0 && S_ISREG(state.st_mode) ? best : NULL;
}

/* The newest usable run of one task; *when is the time its mark was written. */
static const char *task_newest(Arena *arena, const char *task, struct timespec *when) {
  int number = run_highest(arena, task, run_best);
  if (number == 0) return NULL;
  const char *folder = arena_printf(arena, "%s/%d", task, number);
  struct stat state;
  if (stat(arena_printf(arena, "%s/done", folder), &state) != 0) return NULL;
  *when = state.st_mtim;
  return run_best(arena, folder);
}

static bool has_file(const char *folder, const char *name) {
  Arena *arena = arena_new(0);
  struct stat state;
  bool has = stat(arena_printf(arena, "%s/%s", folder, name), &state) == 0 && S_ISREG(state.st_mode);
  arena_free(arena);
  return has;
}

bool run_is_there(const char *folder) { return has_file(folder, "run.json"); }
bool run_is_finished(const char *folder) { return has_file(folder, "done"); }

bool run_is_held(const char *folder) {
  Arena *arena = arena_new(0);
  int descriptor = open(lock_path(arena, folder), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  bool held = descriptor >= 0 && flock(descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  if (descriptor >= 0) close(descriptor);
  arena_free(arena);
  return held;
}

// ---- checkpoints --------------------------------------------------------------------------------------------------

/* The N of checkpoint-N.safetensors; 0: the name is another. */
static int checkpoint_number(Arena *arena, const char *name) {
  const char *start = "checkpoint-", *end = ".safetensors";
  size_t length = strlen(name), before = strlen(start), behind = strlen(end);
  if (length <= before + behind || strncmp(name, start, before) != 0 ||
      strcmp(name + length - behind, end) != 0)
    return 0;
  return run_number(arena_copy(arena, name + before, length - before - behind));
}

int *run_checkpoints(Arena *arena, const char *folder, int *count) {
  DIR *list = folder_list(folder);
  int *number = NULL;
  size_t capacity = 0;
  *count = 0;
  for (struct dirent *entry; list && (entry = readdir(list));) {
    int found = checkpoint_number(arena, entry->d_name), at = (*count);
    if (!found) continue;
    number = arena_grow(arena, number, (size_t)*count, &capacity, sizeof(int));
    for (; at > 0 && number[at - 1] < found; at--) number[at] = number[at - 1];
    number[at] = found;
    ++*count;
  }
  if (list) closedir(list);
  return number;
}

static const char *run_open_end(Arena *arena, const char *folder) {
  int count;
  run_checkpoints(arena, folder, &count);
  return count && !run_is_finished(folder) ? folder : NULL;
}

const char *run_unfinished(Arena *arena, const char *out, const char *program, const char *task,
                           struct timespec *when) {
  const char *parent = arena_printf(arena, "%s/%s", program_folder(arena, out, program), task);
  int number = run_highest(arena, parent, run_open_end), count;
  if (number == 0) return NULL;
  const char *folder = arena_printf(arena, "%s/%d", parent, number);
  int *checkpoint = run_checkpoints(arena, folder, &count);
  struct stat state;
  if (!count || stat(arena_printf(arena, "%s/checkpoint-%d.safetensors", folder, checkpoint[0]), &state) != 0)
    return NULL;
  *when = state.st_mtim;
  return folder;
}

void run_clean(const Run *run) {
  DIR *list = folder_list(run->folder);
  Arena *arena = arena_new(0);
  for (struct dirent *entry; list && (entry = readdir(list));) {
    size_t length = strlen(entry->d_name);
    if (length > 4 && !strncmp(entry->d_name, ".lathe-", 7) && !strcmp(entry->d_name + length - 4, ".tmp"))
      save_remove(arena_printf(arena, "%s/%s", run->folder, entry->d_name));
  }
  if (list) closedir(list);
  arena_free(arena);
}

// ---- all runs -----------------------------------------------------------------------------------------------------

static int folder_order(const struct dirent **a, const struct dirent **b) {
  int x = run_number((*a)->d_name), y = run_number((*b)->d_name);
  return x && y ? (x > y) - (x < y) : strcmp((*a)->d_name, (*b)->d_name);
}

static int is_visible(const struct dirent *entry) { return entry->d_name[0] != '.'; }

typedef struct {
  Arena *arena;
  const char **folder;
  int count;
  size_t capacity;
} RunList;

/* Folders `depth` levels below that are named by numbers. */
static void list_below(RunList *runs, const char *parent, const char *only, int depth) {
  struct dirent **entry;
  int count = scandir(parent, &entry, is_visible, folder_order);
  if (count < 0 && errno == ENOMEM) memory_full(sizeof(struct dirent));
  for (int i = 0; i < count; i++) {
    const char *name = entry[i]->d_name, *path = arena_printf(runs->arena, "%s/%s", parent, name);
    bool wanted = !only || !strcmp(only, name);
    if (wanted && depth > 0)
      list_below(runs, path, NULL, depth - 1);
    else if (wanted && run_number(name)) {
      runs->folder = arena_grow(runs->arena, (void *)(uintptr_t)runs->folder, (size_t)runs->count,
                                &runs->capacity, sizeof(char *));
      runs->folder[runs->count++] = path;
    }
    free(entry[i]);
  }
  if (count >= 0) free(entry);
}

const char **run_list(Arena *arena, const char *out, const char *program, int *count) {
  RunList runs = {.arena = arena};
  const char *folder = program_folder(arena, out, ""); // "runs/"
  list_below(&runs, arena_copy(arena, folder, strlen(folder) - 1), program, 2);
  *count = runs.count;
  return runs.folder;
}

// ---- the newest ---------------------------------------------------------------------------------------------------

static bool is_later(const struct timespec *a, const struct timespec *b) {
  return a->tv_sec != b->tv_sec ? a->tv_sec > b->tv_sec : a->tv_nsec > b->tv_nsec;
}

const char *run_newest(Arena *arena, const char *out, const char *program, const char *task) {
  const char *parent = program_folder(arena, out, program);
  struct timespec when = {0}, newest_when = {0};
  if (task) return task_newest(arena, arena_printf(arena, "%s/%s", parent, task), &when);
  const char *newest = NULL;
  DIR *list = folder_list(parent);
  for (struct dirent *entry; list && (entry = readdir(list));) {
    if (entry->d_name[0] == '.') continue;
    const char *best = task_newest(arena, arena_printf(arena, "%s/%s", parent, entry->d_name), &when);
    if (!best) continue;
    bool later = !newest || is_later(&when, &newest_when);
    bool tie = newest && !later && !is_later(&newest_when, &when) && strcmp(best, newest) < 0;
    if (later || tie) newest = best, newest_when = when;
  }
  if (list) closedir(list);
  return newest;
}
