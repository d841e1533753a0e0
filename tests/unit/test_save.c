/* Saving is all or nothing, reading takes files and pipes only, CSV and NumPy texts are what others read. */
#include "base/text.h"
#include "interpreter/formats/csv_write.h"
#include "interpreter/formats/save.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

static char folder[] = "/tmp/lathe-save-XXXXXX";
static char path[64];
static Arena *arena;
static Problems *problems;

static void start(void) {
  cr_assert_not_null(mkdtemp(folder));
  snprintf(path, sizeof path, "%s/file", folder);
  arena = arena_new(0);
  problems = problems_new(arena);
}

static void finish(void) {
  char command[128];
  snprintf(command, sizeof command, "rm -rf '%s'", folder);
  cr_assert_eq(system(command), 0);
  arena_free(arena);
}

TestSuite(save, .init = start, .fini = finish);

static int entries(void) {
  DIR *list = opendir(folder);
  int count = 0;
  for (struct dirent *entry; (entry = readdir(list));)
    count += strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
  closedir(list);
  return count;
}

static void file_put(const char *name, const void *bytes, size_t length) {
  FILE *file = fopen(name, "wb");
  cr_assert_not_null(file);
  cr_assert_eq(fwrite(bytes, 1, length, file), length);
  fclose(file);
}

static void content_check(const char *name, const char *expected, size_t length) {
  size_t found;
  char *bytes = file_read(problems, (Span){0}, name, 1 << 20, &found);
  cr_assert_not_null(bytes);
  cr_assert_eq(found, length);
  cr_assert_eq(memcmp(bytes, expected, length), 0);
  memory_free(bytes);
}

static const char *last_code(void) { return problems_get(problems, problems_total(problems) - 1)->code; }

Test(save, writes_whole_files_and_their_folders) {
  const char *deep = arena_printf(arena, "%s/a/b//c/file", folder);
  for (int round = 0; round < 2; round++) {
    SaveFile *file = save_begin(problems, deep, 1000); // more than is written
    cr_assert_not_null(file);
    save_write(file, "one ", 4);
    save_printf(file, "%d", 2);
    cr_expect_eq(save_position(file), 5);
    cr_assert(save_commit(file, problems));
    content_check(deep, "one 2", 5);
  }
  cr_expect_eq(entries(), 1);
}

Test(save, large_writes_keep_their_order) {
  char *large = malloc(300000);
  for (size_t i = 0; i < 300000; i++) large[i] = (char)(i * 7);
  SaveFile *file = save_begin(problems, path, 0);
  save_write(file, large, 10);
  save_write(file, large + 10, 200000);
  for (size_t i = 200010; i < 300000; i++) save_write(file, large + i, 1);
  cr_assert(save_commit(file, problems));
  content_check(path, large, 300000);
  free(large);
}

Test(save, abandoned_file_leaves_nothing) {
  file_put(path, "old", 3);
  SaveFile *file = save_begin(problems, path, 100);
  save_write(file, "new", 3);
  save_abandon(file);
  content_check(path, "old", 3);
  cr_expect_eq(entries(), 1);
}

Test(save, failing_write_leaves_the_old_file) {
  file_put(path, "old", 3);
  signal(SIGXFSZ, SIG_IGN);
  struct rlimit limit, small;
  getrlimit(RLIMIT_FSIZE, &limit);
  small = limit;
  small.rlim_cur = 100000;
  setrlimit(RLIMIT_FSIZE, &small);
  char *large = calloc(1, 200000);
  SaveFile *file = save_begin(problems, path, 0);
  save_write(file, large, 200000);
  save_write(file, large, 1000);
  bool saved = save_commit(file, problems);
  SaveFile *reserved = save_begin(problems, path, 200000);
  setrlimit(RLIMIT_FSIZE, &limit);
  cr_expect(!saved);
  cr_expect_null(reserved, "the room is reserved before anything is written");
  cr_expect_str_eq(last_code(), "E0707");
  cr_expect_eq(problems_exit_code(problems), 3);
  content_check(path, "old", 3);
  cr_expect_eq(entries(), 1);
  free(large);
}

Test(save, refuses_what_is_no_place_for_a_file) {
  const char *const wrong[] = {"/dev/null", "/dev/full",       folder,
                               "",          "/proc/nothing/x", arena_printf(arena, "%s/x/", folder)};
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
    cr_expect_null(save_begin(problems, wrong[i], 0), "%s", wrong[i]);
    cr_expect_str_eq(last_code(), "E0707");
  }
  file_put(path, "", 0);
  cr_expect_null(save_begin(problems, arena_printf(arena, "%s/below", path), 0), "a file is no folder");
  struct stat state;
  cr_expect_eq(stat("/dev/null", &state), 0);
  cr_expect(S_ISCHR(state.st_mode));
}

Test(save, follows_links_and_keeps_permissions) {
  const char *name = arena_printf(arena, "%s/link", folder);
  file_put(path, "old", 3);
  chmod(path, 0640);
  cr_assert_eq(symlink("file", name), 0);
  SaveFile *file = save_begin(problems, name, 0);
  save_write(file, "new", 3);
  cr_assert(save_commit(file, problems));
  struct stat state;
  lstat(name, &state);
  cr_expect(S_ISLNK(state.st_mode));
  stat(path, &state);
  cr_expect_eq(state.st_mode & 0777, 0640);
  content_check(path, "new", 3);
}

Test(save, output_paths_of_programs_stay_inside) {
  const struct {
    const char *path;
    bool allowed;
  } name[] = {{"a.json", true}, {"a/b.json", true}, {"..a/b..", true}, {"a...", true},    {"/a", false},
              {"..", false},    {"../a", false},    {"a/..", false},   {"a/../b", false}, {"a//../b", false}};
  for (size_t i = 0; i < sizeof name / sizeof name[0]; i++)
    cr_expect_eq(save_path_allowed(problems, (Span){0}, name[i].path), name[i].allowed, "%s", name[i].path);
  cr_expect_str_eq(problems_get(problems, 0)->code, "E0703");
}

Test(save, read_limits_and_kinds) {
  size_t length;
  file_put(path, "12345", 5);
  content_check(path, "12345", 5);
  char *bytes = file_read(problems, (Span){0}, path, 5, &length);
  cr_expect_not_null(bytes);
  cr_expect_eq(bytes[5], 0);
  memory_free(bytes);
  cr_expect_null(file_read(problems, (Span){0}, path, 4, &length));
  cr_expect_str_eq(last_code(), "E0704");
  const char *const wrong[] = {"/dev/zero", "/dev/null", folder, "/no/such/file", ""};
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
    cr_expect_null(file_read(problems, (Span){0}, wrong[i], 100, &length), "%s", wrong[i]);
    cr_expect_str_eq(last_code(), "E0704");
  }
}

Test(save, reads_a_pipe_once) {
  cr_assert_eq(mkfifo(path, 0600), 0);
  for (int many = 0; many < 2; many++) {
    pid_t writer = fork();
    if (writer == 0) {
      FILE *pipe = fopen(path, "wb");
      for (int i = 0; i < (many ? 100000 : 10); i++) fputs("0123456789", pipe);
      fclose(pipe);
      _exit(0);
    }
    size_t length;
    char *bytes = file_read(problems, (Span){0}, path, 1000000, &length);
    cr_assert_not_null(bytes);
    cr_expect_eq(length, many ? 1000000 : 100);
    memory_free(bytes);
    waitpid(writer, NULL, 0);
  }
}

Test(save, inflates_gzip_up_to_the_limit) {
  char *large = malloc(500000);
  for (size_t i = 0; i < 500000; i++) large[i] = (char)(i * i >> 7);
  for (int member = 0; member < 2; member++) { // two members, one after the other, are one content
    gzFile file = gzopen(path, member ? "ab" : "wb");
    cr_assert_eq(gzwrite(file, large + member * 250000, 250000), 250000);
    gzclose(file);
  }
  content_check(path, large, 500000);
  size_t length, packed_length;
  cr_expect_null(file_read(problems, (Span){0}, path, 499999, &length));
  cr_expect_str_eq(last_code(), "E0704");
  FILE *file = fopen(path, "rb");
  char *packed = malloc(1 << 20);
  packed_length = fread(packed, 1, 1 << 20, file);
  fclose(file);
  file_put(path, packed, packed_length - 1);
  cr_expect_null(file_read(problems, (Span){0}, path, 1 << 20, &length));
  cr_expect_str_eq(last_code(), "E0705");
  packed[packed_length / 4] ^= 1;
  file_put(path, packed, packed_length);
  cr_expect_null(file_read(problems, (Span){0}, path, 1 << 20, &length));
  cr_expect_str_eq(last_code(), "E0705");
  free(packed);
  free(large);
}

Test(save, csv_is_quoted_where_it_must_be) {
  CsvWriter *csv = csv_begin(problems, path, ',');
  cr_assert_not_null(csv);
  const char *const title[] = {"plain", "a,b", "say \"hi\"", "two\nlines", " blank", "", "tab\tinside"};
  for (size_t i = 0; i < sizeof title / sizeof title[0]; i++) csv_text(csv, title[i], strlen(title[i]));
  csv_end_row(csv);
  csv_f32(csv, 0.1f);
  csv_f64(csv, 0.1);
  csv_int(csv, INT64_MIN);
  csv_bool(csv, true);
  csv_bool(csv, false);
  csv_f64(csv, NAN);
  csv_f32(csv, -INFINITY);
  csv_empty(csv);
  csv_end_row(csv);
  csv_empty(csv);
  csv_end_row(csv);
  cr_assert(csv_commit(csv, problems));
  const char *expected = "plain,\"a,b\",\"say \"\"hi\"\"\",\"two\nlines\",\" blank\",,tab\tinside\n"
                         "0.100000001,0.10000000000000001,-9223372036854775808,true,false,nan,-inf,\n\"\"\n";
  content_check(path, expected, strlen(expected));
}

Test(save, csv_to_a_full_output_is_a_problem) {
  cr_assert_not_null(freopen("/dev/full", "w", stdout));
  CsvWriter *csv = csv_begin(problems, "-", ',');
  csv_int(csv, 1);
  csv_end_row(csv);
  cr_expect(!csv_commit(csv, problems));
  cr_expect_str_eq(last_code(), "E0707");
}
