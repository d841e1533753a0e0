/* Lathe beside PyTorch, JAX and Keras: every program of tests/oracle/ carries recorded numbers.
 *
 * A program prints lines in pairs, a label and how far off Lathe's value is, as a share of the largest number that
 * was recorded. Its line `# tolerance f32 A f64 B` says how far is near enough; it is run in both precisions. The
 * programs in the list `waiting` need what the language does not do yet; they are told apart by being there. */
#include "base/text.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FOLDER "tests/oracle"

typedef struct {
  int programs, numbers, wrong, waiting;
} Tally;

/* Whether a line of the list `waiting` is this program's name. */
static bool is_waiting(const char *name) {
  FILE *list = fopen(FOLDER "/waiting", "r");
  char line[256];
  bool found = false;
  while (list && !found && fgets(line, sizeof line, list)) {
    line[strcspn(line, "\n")] = 0;
    found = !strcmp(line, name);
  }
  if (list) fclose(list);
  return found;
}

/* Says so when a program that waits could be run by now. */
static void note_ready(const char *name) {
  char command[1024];
  snprintf(command, sizeof command, "'%s' check %s/%s >/dev/null 2>&1", getenv("LATHE"), FOLDER, name);
  if (system(command) == 0) fprintf(stderr, "%s/%s need not wait any more\n", FOLDER, name);
}

/* What a program may be off in each precision. */
static void read_tolerance(const char *path, double tolerance[2]) {
  FILE *file = fopen(path, "r");
  char line[4096];
  bool found = false;
  while (!found && fgets(line, sizeof line, file))
    found = sscanf(line, "# tolerance f32 %lf f64 %lf", &tolerance[0], &tolerance[1]) == 2;
  fclose(file);
  cr_assert(found, "%s: no line `# tolerance f32 A f64 B`", path);
}

/* Runs a program in one precision and judges every pair of lines it prints. */
static void compare(const char *name, const char *precision, double tolerance, const char *folder,
                    Tally *tally) {
  char command[1024], label[4096], line[4096];
  snprintf(command, sizeof command, "'%s' run %s/%s --precision %s --out %s -q 2>&1", getenv("LATHE"), FOLDER,
           name, precision, folder);
  FILE *pipe = popen(command, "r");
  cr_assert(pipe);
  int pairs = 0;
  Text said = {0};
  while (fgets(label, sizeof label, pipe)) {
    text_add(&said, label);
    if (!fgets(line, sizeof line, pipe)) break;
    text_add(&said, line);
    char *end;
    double off = strtod(line, &end);
    pairs++;
    if (end != line && off <= tolerance) continue; // a NaN is not
    fprintf(stderr, "%s/%s in %s: %s  is off by %s", FOLDER, name, precision, label, line);
    tally->wrong++;
  }
  if (pclose(pipe) != 0 || pairs == 0) {
    fprintf(stderr, "%s\n%s", command, text_string(&said));
    tally->wrong++;
  }
  tally->numbers += pairs;
  text_free(&said);
}

Test(oracle, recorded_numbers, .timeout = 240) {
  static const char *const precisions[] = {"f32", "f64"};
  Tally tally = {0};
  struct dirent **entry;
  char folder[] = "/tmp/lathe-oracle-XXXXXX", path[1024];
  cr_assert(getenv("LATHE"), "LATHE does not name the binary: run `make test`");
  cr_assert(mkdtemp(folder));
  int count = scandir(FOLDER, &entry, NULL, alphasort);
  cr_assert(count > 0, "no folder %s: run from the root of the project", FOLDER);
  for (int i = 0; i < count; free(entry[i++])) {
    const char *ending = strrchr(entry[i]->d_name, '.');
    if (!ending || strcmp(ending, ".model") != 0) continue;
    if (is_waiting(entry[i]->d_name)) {
      note_ready(entry[i]->d_name);
      tally.waiting++;
      continue;
    }
    double tolerance[2];
    snprintf(path, sizeof path, "%s/%s", FOLDER, entry[i]->d_name);
    read_tolerance(path, tolerance);
    tally.programs++;
    for (int k = 0; k < 2; k++) compare(entry[i]->d_name, precisions[k], tolerance[k], folder, &tally);
  }
  free(entry);
  snprintf(path, sizeof path, "rm -rf '%s'", folder);
  cr_assert(system(path) == 0);
  printf("%s: %d programs, %d recorded numbers and tensors, %d wrong, %d programs wait\n", FOLDER,
         tally.programs, tally.numbers, tally.wrong, tally.waiting);
  fflush(stdout);
  cr_assert(tally.programs > 0 && tally.wrong == 0);
}
