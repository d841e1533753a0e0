/* Every code of a problem is shown by a text of tests/errors/ or tests/repl/, and explained. */
#include "base/text.h"
#include "lang/explain.h"

#include <criterion/criterion.h>
#include <ctype.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>

/* Those that a small program cannot bring about, each with the reason. */
static const char *const elsewhere[] = {
    "E0408", // a field over 1 MiB or more than 65,536 columns: tests/unit/test_csv.c
    "E0410", // damaged statistics in a weights file: tests/unit/test_fitted.c
    "E0412", // a column that a new table lacks: tests/programs.c
    "E0707", // a full disk: tests/unit/test_save.c
    "E0708", // a second trainer: tests/unit/test_runs.c
    "W0701", // a damaged checkpoint: tests/unit/test_checkpoints.c
    "E0909", // a processor without the level that was asked for
};

static void read_all(const char *pattern, Text *out) {
  glob_t files;
  cr_assert(glob(pattern, 0, NULL, &files) == 0, "nothing matches %s: run from the root of the project",
            pattern);
  for (size_t i = 0; i < files.gl_pathc; i++) {
    FILE *file = fopen(files.gl_pathv[i], "rb");
    cr_assert(file);
    char bytes[4096];
    for (size_t n; (n = fread(bytes, 1, sizeof bytes, file)) > 0;) text_add_n(out, bytes, n);
    fclose(file);
  }
  globfree(&files);
}

static bool is_code(const char *p) {
  if (p[0] != '"' || (p[1] != 'E' && p[1] != 'W') || p[6] != '"') return false;
  for (int i = 2; i < 6; i++)
    if (!isdigit((unsigned char)p[i])) return false;
  return true;
}

Test(problem_coverage, every_code_is_shown_and_explained) {
  Text source = {0}, shown = {0};
  read_all("lang/problems*.c", &source);
  read_all("interpreter/data/problems_*.c", &source);
  read_all("interpreter/formats/problems_files.c", &source);
  read_all("interpreter/repl/problems_repl.c", &source);
  read_all("tests/errors/*.model", &shown);
  read_all("tests/repl/*.txt", &shown);
  int codes = 0;
  for (const char *p = text_string(&source); *p; p++) {
    if (!is_code(p)) continue;
    char code[6], mark[8];
    snprintf(code, sizeof code, "%.5s", p + 1);
    snprintf(mark, sizeof mark, "[%s]", code);
    bool excused = false;
    for (size_t i = 0; i < sizeof elsewhere / sizeof *elsewhere; i++)
      excused = excused || !strcmp(elsewhere[i], code);
    cr_expect(excused || strstr(text_string(&shown), mark), "no text of tests/errors/ shows %s", code);
    cr_expect(explain(code), "lathe explain %s has no page", code);
    codes++;
  }
  cr_assert(codes > 100);
  text_free(&source);
  text_free(&shown);
}
