/* Texts of sessions: what in them is typed, and where they run. */
#ifndef TESTS_SESSION_H
#define TESTS_SESSION_H

#include "base/text.h"

#include <criterion/criterion.h>
#include <ctype.h>
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATH_SIZE 1024

static inline void read_file(const char *path, Text *text) {
  char bytes[4096];
  FILE *file = fopen(path, "rb");
  cr_assert(file, "cannot read %s", path);
  for (size_t n; (n = fread(bytes, 1, sizeof bytes, file)) > 0;) text_add_n(text, bytes, n);
  fclose(file);
}

/* Where the typed text of a line begins; NULL: it was printed. */
static inline const char *typed(const char *line, size_t length) {
  static const char *const prompt[] = {">", "…", "(step)"};
  for (size_t i = 0; i < sizeof prompt / sizeof *prompt; i++) {
    size_t width = strlen(prompt[i]);
    if (length < width || strncmp(line, prompt[i], width) != 0) continue;
    if (length == width) return line + width;
    if (line[width] == ' ') return line + width + 1;
  }
  return NULL;
}

static inline bool is_number(char c) { return isdigit((unsigned char)c) || c == '.'; }

/* The text with its times masked. */
static inline void mask(const char *text, Text *out) {
  for (const char *p = text; *p;) {
    const char *end = p;
    bool starts =
        isdigit((unsigned char)*p) && (p == text || !(isalnum((unsigned char)p[-1]) || p[-1] == '.'));
    while (starts && (is_number(*end) || (*end == 'e' && (end[1] == '-' || end[1] == '+')) ||
                      ((*end == '-' || *end == '+') && end[-1] == 'e')))
      end++;
    bool time =
        starts && (!strncmp(end, " ms", 3) || (!strncmp(end, " s", 2) && !isalnum((unsigned char)end[2])));
    time = time || (starts && p - text > 10 && !strncmp(p - 10, "median of ", 10));
    text_add_n(out, time ? "_" : p, time ? 1 : starts ? (size_t)(end - p) : 1);
    p = starts ? end : p + 1;
  }
}

/* A new folder in which what belongs to the sessions lies; its name is made from a pattern. */
static inline void folder_new(char *folder) {
  char command[8 * PATH_SIZE], here[PATH_SIZE];
  cr_assert(getenv("LATHE"), "LATHE does not name the binary: run `make test`");
  cr_assert(mkdtemp(folder) && getcwd(here, sizeof here));
  snprintf(command, sizeof command, "ln -s '%s/examples' '%s/' && ln -s '%s'/tests/repl/* '%s/'", here,
           folder, here, folder);
  cr_assert(system(command) == 0, "run from the root of the project");
}

static inline void folder_remove(const char *folder) {
  char command[PATH_SIZE];
  snprintf(command, sizeof command, "rm -rf '%.400s' || { sleep 1; rm -rf '%.400s'; }", folder, folder);
  cr_assert(system(command) == 0);
}

static inline int is_session(const struct dirent *entry) {
  size_t length = strlen(entry->d_name);
  return entry->d_name[0] != '.' && length > 4 && !strcmp(entry->d_name + length - 4, ".txt");
}

/* Runs the sessions of tests/repl that pass the filter, in the order of their names; none may go wrong. */
static inline void each_session(int (*filter)(const struct dirent *), bool (*right)(const char *path),
                                const char *how) {
  struct dirent **entry;
  int count = scandir("tests/repl", &entry, filter, alphasort), wrong = 0;
  cr_assert(count > 0, "no sessions in tests/repl: run from the root of the project");
  for (int i = 0; i < count; i++) {
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "tests/repl/%s", entry[i]->d_name);
    wrong += !right(path);
    free(entry[i]);
  }
  free(entry);
  printf("tests/repl%s: %d sessions, %d wrong\n", how, count, wrong);
  fflush(stdout);
  cr_assert_eq(wrong, 0);
}

#endif
