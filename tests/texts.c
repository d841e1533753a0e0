/* Text tests: programs whose output is known to the letter.
 *
 * A file of tests/errors/, tests/passes/ or tests/functions/ is a program; below the line `# ---` stands what lathe prints about it.
 * errors: `lathe check FILE`. passes: a line `# show: STAGE [WORD ...]` in the program names the stage, and
 * `lathe show --after=STAGE FILE [WORD ...]` is run. A line `# run: WORD ...` replaces the command; FILE in it is the
 * program, and ` ; ` stands between several. The part above the marker is written to a file of the same name in a new folder, and lathe is run
 * there, so paths in messages are stable; what lies beside the programs and is none is linked into it. LATHE
 * names the binary. With BLESS=1 the expectations are rewritten instead of compared. */
#include "base/text.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MARKER    "# ---\n"
#define WORDS     16
#define PATH_SIZE 1024

static void read_file(const char *path, Text *text) {
  char bytes[4096];
  FILE *file = fopen(path, "rb");
  cr_assert(file, "cannot read %s: %s", path, strerror(errno));
  for (size_t n; (n = fread(bytes, 1, sizeof bytes, file)) > 0;) text_add_n(text, bytes, n);
  fclose(file);
}

static void write_file(const char *path, const char *bytes, size_t length) {
  FILE *file = fopen(path, "wb");
  cr_assert(file && fwrite(bytes, 1, length, file) == length && fclose(file) == 0, "cannot write %s: %s",
            path, strerror(errno));
}

static bool is_program(const char *name) {
  size_t length = strlen(name);
  return name[0] != '.' && length > 6 && !strcmp(name + length - 6, ".model");
}

static int name_order(const struct dirent **a, const struct dirent **b) {
  return strcmp((*a)->d_name, (*b)->d_name);
}

/* The words behind `key` where a line starts with it, before `end`; false without such a line. */
static bool directive(const char *program, size_t end, const char *key, char *words, size_t size) {
  for (const char *at = program; at < program + end; at += strcspn(at, "\n"), at += *at == '\n') {
    if (strncmp(at, key, strlen(key)) != 0) continue;
    at += strlen(key);
    snprintf(words, size, "%.*s", (int)strcspn(at, "\n"), at);
    return true;
  }
  return false;
}

/* Splits at blanks; FILE becomes the program's name. */
static int split_words(char *words, const char *name, const char **argument, int count) {
  char *rest = NULL;
  for (char *word = strtok_r(words, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
    cr_assert_lt(count, WORDS - 1, "%s: too many words", name);
    argument[count++] = strcmp(word, "FILE") ? word : name;
  }
  argument[count] = NULL;
  return count;
}

/* Runs lathe in a folder; what it writes to either stream is added to `output`. */
static void run_lathe(const char *folder, const char *const *argument, Text *output, const char *name) {
  int ends[2], status;
  cr_assert(pipe(ends) == 0);
  pid_t child = fork();
  if (child == 0) {
    int nothing = open("/dev/null", O_RDONLY);
    dup2(nothing, 0), dup2(ends[1], 1), dup2(ends[1], 2);
    close(ends[0]), close(ends[1]);
    if (chdir(folder) == 0) execv(argument[0], (char *const *)(uintptr_t)argument);
    _exit(127);
  }
  close(ends[1]);
  char bytes[4096];
  for (ssize_t n; (n = read(ends[0], bytes, sizeof bytes)) > 0;) text_add_n(output, bytes, (size_t)n);
  close(ends[0]);
  waitpid(child, &status, 0);
  cr_assert(WIFEXITED(status), "%s: lathe was killed by signal %d", name, WTERMSIG(status));
  cr_assert_neq(WEXITSTATUS(status), 127, "cannot run %s", argument[0]);
}

static void show_difference(const char *folder, const char *path, const Text *want, const Text *got,
                            const char *const *argument) {
  char wanted[PATH_SIZE], printed[PATH_SIZE], command[3 * PATH_SIZE];
  snprintf(wanted, sizeof wanted, "%s/wanted", folder);
  snprintf(printed, sizeof printed, "%s/printed", folder);
  write_file(wanted, text_string(want), want->length);
  write_file(printed, text_string(got), got->length);
  fprintf(stderr, "%s: the text differs (`make bless` rewrites it). The command was\n ", path);
  for (int i = 0; argument[i]; i++) fprintf(stderr, " %s", argument[i]);
  fprintf(stderr, "\n");
  snprintf(command, sizeof command, "diff -u -L wanted -L printed %s %s >&2", wanted, printed);
  fflush(stderr);
  if (system(command) < 0) fprintf(stderr, "diff cannot be run\n");
  unlink(wanted);
  unlink(printed);
}

/* A folder's one program is tested; true if its text is right (or was just made so). */
static bool check_program(const char *folder, const char *path, const char *name, bool passes) {
  char copy[PATH_SIZE], words[PATH_SIZE], stage[PATH_SIZE];
  const char *argument[WORDS] = {getenv("LATHE")};
  Text file = {0}, want = {0}, got = {0};
  read_file(path, &file);
  const char *marker = text_string(&file);
  while (strncmp(marker, MARKER, strlen(MARKER)) && *marker)
    marker += strcspn(marker, "\n"), marker += *marker == '\n';
  size_t program = (size_t)(marker - text_string(&file));
  if (*marker) text_add(&want, marker + strlen(MARKER));
  snprintf(copy, sizeof copy, "%s/%s", folder, name);
  write_file(copy, text_string(&file), program);

  int count = 1;
  bool run = directive(text_string(&file), program, "# run: ", words, sizeof words);
  if (run) {
    char *command = words; // of several, all but the last run here
    for (char *next; (next = strstr(command, " ; ")); command = next + 3) {
      *next = 0;
      split_words(command, name, argument, count);
      run_lathe(folder, argument, &got, name);
    }
    split_words(command, name, argument, count);
  } else if (passes) {
    cr_assert(directive(text_string(&file), program, "# show: ", words, sizeof words),
              "%s: no line `# show: STAGE`", path);
    snprintf(stage, sizeof stage, "--after=%.*s", (int)strcspn(words, " "), words);
    argument[count++] = "show", argument[count++] = stage, argument[count++] = name;
    split_words(words + strcspn(words, " "), name, argument, count);
  } else {
    argument[count++] = "check", argument[count++] = "--color", argument[count++] = "never",
    argument[count] = name;
  }
  run_lathe(folder, argument, &got, name);

  bool right = got.length == want.length && !strcmp(text_string(&got), text_string(&want));
  const char *bless = getenv("BLESS");
  if (!right && bless && *bless == '1') {
    file.length = program;
    if (program > 0 && file.bytes[program - 1] != '\n') text_add(&file, "\n");
    text_add_n(&file, MARKER, strlen(MARKER));
    text_add_n(&file, text_string(&got), got.length);
    write_file(path, text_string(&file), file.length);
    printf("rewritten: %s\n", path);
    right = true;
  }
  if (!right) show_difference(folder, path, &want, &got, argument);
  unlink(copy);
  text_free(&file), text_free(&want), text_free(&got);
  return right;
}

/* Links what lies beside the programs (tables, weights) into the new folder. */
static void link_data(const char *tests, const char *folder, struct dirent **entry, int count) {
  char here[PATH_SIZE], from[2 * PATH_SIZE], to[2 * PATH_SIZE];
  cr_assert(getcwd(here, sizeof here));
  for (int i = 0; i < count; i++) {
    if (is_program(entry[i]->d_name) || entry[i]->d_name[0] == '.') continue;
    snprintf(from, sizeof from, "%s/%s/%s", here, tests, entry[i]->d_name);
    snprintf(to, sizeof to, "%s/%s", folder, entry[i]->d_name);
    cr_assert(symlink(from, to) == 0, "%s: %s", to, strerror(errno));
  }
}

static void remove_folder(const char *folder) {
  char command[PATH_SIZE];
  snprintf(command, sizeof command, "rm -rf '%s'", folder);
  cr_assert(system(command) == 0);
}

static void check_folder(const char *tests, bool passes) {
  struct dirent **entry;
  char folder[] = "/tmp/lathe-texts-XXXXXX", path[PATH_SIZE];
  int cases = 0, wrong = 0;
  cr_assert(getenv("LATHE"), "LATHE does not name the binary: run `make test`");
  int count = scandir(tests, &entry, NULL, name_order);
  cr_assert_geq(count, 0, "no folder %s: run from the root of the project", tests);
  cr_assert(mkdtemp(folder));
  link_data(tests, folder, entry, count);
  for (int i = 0; i < count; i++) {
    if (!is_program(entry[i]->d_name)) continue;
    snprintf(path, sizeof path, "%s/%s", tests, entry[i]->d_name);
    cases++;
    wrong += !check_program(folder, path, entry[i]->d_name, passes);
  }
  for (int i = 0; i < count; i++) free(entry[i]);
  free(entry);
  remove_folder(folder);
  printf("%s: %d texts, %d wrong\n", tests, cases, wrong);
  fflush(stdout);
  cr_assert_gt(cases, 0, "%s has no program", tests);
  cr_assert_eq(wrong, 0, "%d of %d texts in %s differ", wrong, cases, tests);
}

Test(texts, errors) { check_folder("tests/errors", false); }
Test(texts, passes) { check_folder("tests/passes", true); }
Test(texts, functions) { check_folder("tests/functions", true); }
