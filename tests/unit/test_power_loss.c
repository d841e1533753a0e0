/* What a loss of power, or a disk that fails, can leave of a run that makes checkpoints.
 *
 * The calls of saving are recorded in a small model of a disk: bytes of a file are safe once it is synced, names once
 * their folder is. After every call, every state is looked at that the disk may be found in: each name that is not safe
 * yet may have changed or not, each file whose bytes are not safe may be empty, cut, blank or whole. */
#include "interpreter/formats/save_calls.h"
#include "tests/unit/training_run.h"

#include <errno.h>
#include <fcntl.h>

TestSuite(power_loss, .init = enter, .fini = leave_folder, .timeout = 300);

static const char program[] = DATA "model net(x: [B, n]) -> [B, 2] = x |> Dense(4, relu) |> Dense(2)\n"
                                   "train fit on d {\n  steps = 7; batch = 8; checkpoint = every(1)\n"
                                   "  minimize cross_entropy(net(x), kind) using adam(1e-2)\n}\n";

// ---- the model of a disk ----------------------------------------------------------------------------------------------

#define FILES   64
#define NAMES   64
#define PENDING 12
#define OPEN    64
#define PATH    160

typedef struct {
  Text bytes;
  bool safe;
} File;

typedef struct {
  char name[PATH];
  int file; // -1: a folder
} Entry;

typedef struct {
  Entry entry[NAMES];
  int count;
} Names;

typedef enum { PUT, DROP } Change; // a rename is one change: it drops one name and puts the other

typedef struct {
  Change change;
  char name[PATH], from[PATH];
  int file;
} Pending;

static struct {
  File file[FILES];
  int files;
  Names safe; // names as they are on the disk for certain
  Pending pending[PENDING];
  int pendings;
  int open[OPEN]; // file by descriptor; -1 - k: the folder of safe.entry …
  char folder[OPEN][PATH];
  bool syncs; // whether syncs do anything: off, the model is that of a saver without them
  // what was promised, and what is found
  char whole[16][PATH];
  Text whole_bytes[16];
  int wholes;       // checkpoints that were renamed into place, by number
  int acknowledged; // the newest that is safe by the word of the saver
  long states, corrupt, lost;
} disk;

static int find(const Names *names, const char *name) {
  for (int i = 0; i < names->count; i++)
    if (!strcmp(names->entry[i].name, name)) return i;
  return -1;
}

static void names_put(Names *names, const char *name, int file) {
  int at = find(names, name);
  if (at < 0) at = names->count++;
  cr_assert(at < NAMES);
  snprintf(names->entry[at].name, PATH, "%s", name);
  names->entry[at].file = file;
}

static void names_drop(Names *names, const char *name) {
  int at = find(names, name);
  if (at >= 0) names->entry[at] = names->entry[--names->count];
}

static void apply(Names *names, const Pending *p) {
  if (*p->from) names_drop(names, p->from);
  if (p->change == DROP)
    names_drop(names, p->name);
  else
    names_put(names, p->name, p->file);
}

/* Names as they are for whoever looks now. */
static Names now(void) {
  Names names = disk.safe;
  for (int i = 0; i < disk.pendings; i++) apply(&names, &disk.pending[i]);
  return names;
}

static int number_of(const char *name) {
  const char *mark = strstr(name, "/checkpoint-");
  return mark ? atoi(mark + strlen("/checkpoint-")) : 0;
}

/* Whether a file that is found has the bytes that checkpoint had when it was whole; `form`: what became of bytes that
 * were not safe: 0 none, 1 half, 2 blank, 3 all. */
static bool is_whole(int file, int number, int form) {
  const File *f = &disk.file[file];
  if (number > disk.wholes) return false;
  const Text *want = &disk.whole_bytes[number];
  if (!f->safe && form < 3) return false;
  return f->bytes.length == want->length && !memcmp(f->bytes.bytes, want->bytes, want->length);
}

/* A folder above the name that is not there any more: then neither is the name. */
static bool reachable(const Names *names, const char *name) {
  char above[PATH];
  snprintf(above, sizeof above, "%s", name);
  for (char *slash = strrchr(above, '/'); slash; slash = strrchr(above, '/')) {
    *slash = 0;
    if (*above && find(names, above) < 0) return false;
  }
  return true;
}

static void look(const Names *names) {
  for (int form = 0; form < 4; form++) {
    int newest = 0, whole = 0;
    disk.states++;
    for (int i = 0; i < names->count; i++) {
      int number = number_of(names->entry[i].name);
      if (!number || names->entry[i].file < 0 || !reachable(names, names->entry[i].name)) continue;
      if (!is_whole(names->entry[i].file, number, form)) {
        disk.corrupt++;
        continue;
      }
      whole++;
      if (number > newest) newest = number;
    }
    if (newest < disk.acknowledged || whole < (disk.acknowledged < 2 ? disk.acknowledged : 2)) disk.lost++;
  }
}

/* The power goes now: all that the disk may hold. */
static void power_off(void) {
  for (int subset = 0; subset < 1 << disk.pendings; subset++) {
    Names names = disk.safe;
    for (int i = 0; i < disk.pendings; i++)
      if (subset >> i & 1) apply(&names, &disk.pending[i]);
    look(&names);
  }
}

static void change(Change what, const char *from, const char *name, int file) {
  if (!disk.syncs && disk.pendings == 7) { // time alone makes names safe, the oldest first
    apply(&disk.safe, &disk.pending[0]);
    memmove(disk.pending, disk.pending + 1, sizeof(Pending) * (size_t)--disk.pendings);
  }
  cr_assert(disk.pendings < PENDING, "too many changes that are not safe");
  Pending *p = &disk.pending[disk.pendings++];
  p->change = what;
  p->file = file;
  snprintf(p->name, PATH, "%s", name);
  snprintf(p->from, PATH, "%s", from);
}

// ---- calls that are recorded ------------------------------------------------------------------------------------------

static int rec_open(const char *path, int flags, unsigned mode) {
  int descriptor = save_system.open(path, flags, mode);
  cr_assert(descriptor < OPEN && strlen(path) < PATH);
  if (descriptor < 0) return descriptor;
  snprintf(disk.folder[descriptor], PATH, "%s", path);
  disk.open[descriptor] = -1;
  if (flags & O_CREAT) {
    cr_assert(disk.files < FILES);
    disk.open[descriptor] = disk.files;
    change(PUT, "", path, disk.files++);
    power_off();
  }
  return descriptor;
}

static ssize_t rec_write(int descriptor, const void *bytes, size_t length) {
  ssize_t done = save_system.write(descriptor, bytes, length);
  File *file = &disk.file[disk.open[descriptor]];
  if (done > 0) text_add_n(&file->bytes, bytes, (size_t)done);
  file->safe = false;
  power_off();
  return done;
}

/* Changes of names in that folder are safe from now on. */
static void names_safe(const char *path) {
  int kept = 0;
  for (int i = 0; i < disk.pendings; i++) {
    const char *name = disk.pending[i].name, *slash = strrchr(name, '/');
    size_t length = slash ? (size_t)(slash - name) : 0;
    bool here = slash ? strlen(path) == length && !strncmp(name, path, length) : !strcmp(path, ".");
    if (here)
      apply(&disk.safe, &disk.pending[i]);
    else
      disk.pending[kept++] = disk.pending[i];
  }
  disk.pendings = kept;
}

static int rec_sync(int descriptor) {
  int result = save_system.sync(descriptor);
  if (!disk.syncs) return result;
  if (disk.open[descriptor] >= 0)
    disk.file[disk.open[descriptor]].safe = true;
  else
    names_safe(disk.folder[descriptor]);
  power_off();
  return result;
}

static int rec_rename(const char *from, const char *to) {
  Names names = now();
  int at = find(&names, from), number = number_of(to);
  cr_assert(at >= 0);
  int file = names.entry[at].file, result = save_system.rename(from, to);
  if (number) {
    cr_assert(number == disk.wholes + 1 && number < 16);
    disk.wholes = number;
    text_add_n(&disk.whole_bytes[number], disk.file[file].bytes.bytes, disk.file[file].bytes.length);
  }
  change(PUT, from, to, file);
  power_off();
  return result;
}

static int rec_unlink(const char *path) {
  int result = save_system.unlink(path);
  // it is pruned only behind a new one that was acknowledged
  if (number_of(path)) disk.acknowledged = disk.wholes;
  if (result == 0) change(DROP, "", path, -1);
  power_off();
  return result;
}

static int rec_mkdir(const char *path, unsigned mode) {
  int result = save_system.mkdir(path, mode);
  if (result == 0) change(PUT, "", path, -1);
  power_off();
  return result;
}

/* Behind each batch the checkpoint of that step is acknowledged: `saved` has been told. */
static bool acknowledge(void *context, int64_t step) {
  (void)context, (void)step;
  disk.acknowledged = disk.wholes;
  power_off();
  return false;
}

static void train_recorded(const SaveCalls *calls) {
  save_calls = calls;
  train_watched(acknowledge, NULL);
  save_calls = &save_system;
}

static SaveCalls recorded(void) {
  SaveCalls calls = save_system;
  calls.open = rec_open;
  calls.write = rec_write;
  calls.sync = rec_sync;
  calls.rename = rec_rename;
  calls.unlink = rec_unlink;
  calls.mkdir = rec_mkdir;
  return calls;
}

Test(power_loss, no_state_is_corrupt_and_no_checkpoint_lost) {
  put_data();
  put("p.model", program);
  const SaveCalls calls = recorded();
  disk.syncs = true;
  train_recorded(&calls);
  cr_expect(disk.wholes == 7, "%d checkpoints", disk.wholes);
  cr_expect(disk.states > 200, "%ld states", disk.states);
  cr_expect(disk.corrupt == 0 && disk.lost == 0, "of %ld states %ld are corrupt, %ld have lost a checkpoint",
            disk.states, disk.corrupt, disk.lost);
}

/* The enumeration can fail: without syncs, and with a rename before the bytes are safe. */
Test(power_loss, a_saver_without_syncs_is_found_out) {
  put_data();
  put("p.model", program);
  const SaveCalls calls = recorded();
  train_recorded(&calls);
  cr_expect(disk.corrupt > 100 && disk.lost > 100, "of %ld states only %ld are corrupt, %ld lost",
            disk.states, disk.corrupt, disk.lost);
}

// ---- a disk that fails --------------------------------------------------------------------------------------------------

static struct {
  int calls, fail_at, times; // so many calls from this one on
  int error;                 // 0: a short write
  bool failed;
} fault;

static bool fails(void) {
  int call = ++fault.calls;
  bool due = call >= fault.fail_at && call < fault.fail_at + fault.times;
  fault.failed = fault.failed || due;
  if (due) errno = fault.error;
  return due && fault.error;
}

static int bad_open(const char *path, int flags, unsigned mode) {
  return fails() ? -1 : save_system.open(path, flags, mode);
}
static ssize_t bad_write(int descriptor, const void *bytes, size_t length) {
  if (fails()) return -1;
  bool cut = fault.failed && !fault.error && fault.calls < fault.fail_at + fault.times;
  return save_system.write(descriptor, bytes, cut && length > 1 ? length / 3 + 1 : length);
}
static int bad_reserve(int descriptor, off_t from, off_t length) {
  return fails() ? fault.error : save_system.reserve(descriptor, from, length);
}
static int bad_truncate(int descriptor, off_t length) {
  return fails() ? -1 : save_system.truncate(descriptor, length);
}
static int bad_mode(int descriptor, mode_t mode) { return fails() ? -1 : save_system.mode(descriptor, mode); }
static int bad_sync(int descriptor) { return fails() ? -1 : save_system.sync(descriptor); }
static int bad_close(int descriptor) {
  save_system.close(descriptor); // it is gone whatever is answered
  return fails() ? -1 : 0;
}
static int bad_rename(const char *from, const char *to) {
  return fails() ? -1 : save_system.rename(from, to);
}
static int bad_unlink(const char *path) {
  return fails() && fault.error == EINTR ? -1 : save_system.unlink(path);
}
static int bad_mkdir(const char *path, unsigned mode) { return fails() ? -1 : save_system.mkdir(path, mode); }

static const SaveCalls bad = {bad_open, bad_write, bad_reserve, bad_truncate, bad_mode,
                              bad_sync, bad_close, bad_rename,  bad_unlink,   bad_mkdir};

/* No temporary file is left, and every checkpoint that stands there is whole. */
static int checkpoints_whole(const char *what) {
  Arena *arena = arena_new(0);
  int whole = 0;
  DIR *list = opendir("out/runs/p/fit/1");
  for (struct dirent *entry; list && (entry = readdir(list));) {
    cr_expect(!strstr(entry->d_name, ".tmp"), "%s: %s is left", what, entry->d_name);
    if (!strstr(entry->d_name, ".safetensors")) continue;
    Bundle *bundle = bundle_load(arena, problems_new(arena), (Span){0},
                                 arena_printf(arena, "out/runs/p/fit/1/%s", entry->d_name));
    cr_expect(bundle, "%s: %s is damaged", what, entry->d_name);
    bundle_free(bundle);
    whole += bundle != NULL;
  }
  if (list) closedir(list);
  arena_free(arena);
  return whole;
}

Test(power_loss, every_call_may_fail) {
  static const int errors[] = {ENOSPC, EIO, EINTR, 0};
  quiet();
  put_data();
  put("p.model", program);
  save_calls = &bad;
  fault.fail_at = 1 << 30;
  Watch w = {0};
  cr_assert(train("p.model", "out", 1, NULL, &w, NULL) == 0);
  int all = fault.calls, step = stress() ? 1 : 3;
  cr_assert(all > 60, "%d calls", all);
  for (size_t e = 0; e < sizeof errors / sizeof *errors; e++)
    for (int at = 1 + (int)e % step; at <= all; at += step) {
      char what[80];
      snprintf(what, sizeof what, "call %d of %d, error %d", at, all, errors[e]);
      save_calls = &save_system;
      cr_assert(system("rm -rf out") == 0);
      save_calls = &bad;
      memset(&fault, 0, sizeof fault);
      fault.fail_at = at;
      fault.times = errors[e] == EINTR || !errors[e] ? 2 : 1;
      fault.error = errors[e];
      Text said = {0};
      w = (Watch){0};
      int code = train("p.model", "out", 1, NULL, &w, &said);
      bool mild = errors[e] == EINTR || !errors[e];
      cr_expect(fault.failed, "%s: was not made", what);
      cr_expect(code == 0 || (!mild && code == 3), "%s: exit code %d %s", what, code, text_string(&said));
      cr_expect(checkpoints_whole(what) >= (code == 0 ? 3 : 0), "%s: checkpoints are missing", what);
      text_free(&said);
    }
  save_calls = &save_system;
}

/* One file, one call that fails: the old one is what it was. */
Test(power_loss, the_old_file_stays) {
  static const int errors[] = {ENOSPC, EIO, EINTR, 0};
  Arena *arena = arena_new(0);
  char *large = memory_alloc(200000, 1);
  for (int i = 0; i < 200000; i++) large[i] = (char)(i * 31);
  for (size_t e = 0; e < sizeof errors / sizeof *errors; e++)
    for (int at = 1, made = 1; made; at++) {
      put("file", "old");
      memset(&fault, 0, sizeof fault);
      fault.fail_at = at;
      fault.times = 1;
      fault.error = errors[e];
      save_calls = &bad;
      Problems *problems = problems_new(arena);
      SaveFile *file = save_begin(problems, "file", 300000);
      if (file) save_write(file, large, 100000);
      if (file) save_write(file, large + 100000, 100000);
      bool saved = file && save_commit(file, problems);
      save_calls = &save_system;
      size_t length;
      char *bytes = file_read(problems, (Span){0}, "file", 1 << 20, &length);
      bool old = length == 3 && !memcmp(bytes, "old", 3),
           new = length == 200000 && !memcmp(bytes, large, length);
      made = fault.failed;
      cr_expect(saved ? new : old || new, "call %d, error %d: %zu bytes", at, errors[e], length);
      cr_expect(saved || (errors[e] != EINTR && errors[e]), "call %d: error %d stopped it", at, errors[e]);
      // only the very last calls, behind the rename, may fail over a file that is new already
      cr_expect(saved || old || fault.calls - at <= 2,
                "call %d of %d, error %d: a new file that is not saved", at, fault.calls, errors[e]);
      memory_free(bytes);
      cr_expect(system("ls -a | grep -q tmp") != 0, "call %d, error %d: a temporary is left", at, errors[e]);
    }
  memory_free(large);
  arena_free(arena);
}
