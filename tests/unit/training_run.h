/* Training in the test's own process and folder, for the tests of what survives a stop. */
#ifndef TESTS_UNIT_TRAINING_RUN_H
#define TESTS_UNIT_TRAINING_RUN_H

#include "interpreter/formats/bundle.h"
#include "interpreter/formats/runs.h"
#include "interpreter/formats/save.h"
#include "interpreter/session.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char folder[64];

static inline void enter(void) {
  strcpy(folder, "/tmp/lathe-checkpoints-XXXXXX");
  cr_assert(mkdtemp(folder) && chdir(folder) == 0);
}

static inline void leave_folder(void) {
  char command[128];
  snprintf(command, sizeof command, "rm -rf '%s'", folder);
  cr_assert(chdir("/") == 0 && system(command) == 0);
}

/* Warnings that are meant to come are not shown. */
static inline void quiet(void) { cr_assert(freopen("/dev/null", "w", stderr)); }

static inline bool stress(void) { return getenv("STRESS") != NULL; }

static inline void put(const char *name, const char *text) {
  FILE *file = fopen(name, "w");
  cr_assert(file && fputs(text, file) >= 0 && fclose(file) == 0);
}

static inline bool exists(const char *path) {
  struct stat state;
  return stat(path, &state) == 0;
}

/* 53 rows: two numbers, a class that depends on them, words of different lengths. */
static inline void put_data(void) {
  FILE *file = fopen("d.csv", "w");
  uint32_t dice = 7;
  fprintf(file, "a,b,kind,words\n");
  for (int i = 0; i < 53; i++) {
    double number[2];
    for (int k = 0; k < 2; k++) {
      dice = dice * 1664525u + 1013904223u;
      number[k] = (double)(dice >> 8) / (1 << 24);
    }
    fprintf(file, "%.6f,%.6f,%s,", number[0], number[1], number[0] > number[1] ? "up" : "down");
    for (uint32_t k = 0; k <= dice >> 30; k++)
      fprintf(file, "%s%c", k ? " " : "", 'p' + (int)(k + dice / 7) % 5);
    fprintf(file, "\n");
  }
  cr_assert(fclose(file) == 0);
}

#define DATA                                                                                                 \
  "data d from csv(\"d.csv\") |> split(valid=0.2, seed=1) {\n"                                               \
  "  x = columns(a, b) |> standardize\n  kind = kind |> category\n}\n"

// ---- training in this process ---------------------------------------------------------------------------------------

typedef struct {
  int64_t calls, stop_at; // of batches; 0: never
} Watch;

static inline bool watch(void *context, int64_t step) {
  (void)step;
  Watch *w = context;
  return ++w->calls == w->stop_at;
}

/* Trains `fit` of the program below `out`; `resume` NULL: a new run. Returns the exit code. */
static inline int train(const char *program, const char *out, int threads, const char *resume, Watch *w,
                        Text *said) {
  Arena *arena = arena_new(0);
  Problems *problems = problems_new(arena);
  Options options = {.out = out, .threads = threads, .quiet = true};
  Report *report = report_new(false, true, false);
  Session *session = session_open(arena, problems, &options, report, program, ~0u, NULL, 0);
  int code = 1;
  if (session && session_start(session)) {
    session->resume = resume;
    session->leave = watch;
    session->leave_context = w;
    code = train_task(session, session->task[0]);
  }
  for (int i = 0; i < problems_total(problems) && said; i++)
    text_printf(said, "%s %s\n", problems_get(problems, i)->code, problems_get(problems, i)->title);
  if (code && !said) {
    Text text = {0};
    problems_draw(problems, &text, false);
    fputs(text_string(&text), stderr);
    text_free(&text);
  }
  session_close(session);
  report_free(report);
  arena_free(arena);
  return code;
}

/* Trains p.model below `out`, asking `leave` behind each batch. */
static inline void train_watched(bool (*leave)(void *context, int64_t step), void *context) {
  Arena *arena = arena_new(0);
  Options options = {.out = "out", .threads = 1, .quiet = true};
  Report *report = report_new(false, true, false);
  Session *session = session_open(arena, problems_new(arena), &options, report, "p.model", ~0u, NULL, 0);
  cr_assert(session && session_start(session));
  session->leave = leave;
  session->leave_context = context;
  cr_assert(train_task(session, session->task[0]) == 0);
  session_close(session);
  report_free(report);
  arena_free(arena);
}

#endif
