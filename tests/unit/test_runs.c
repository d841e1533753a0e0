/* Run folders: numbers, locks, the finish mark, and which run is the newest. */
#include "interpreter/formats/runs.h"
#include "interpreter/formats/save.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/lathe-runs-XXXXXX";
static Arena *arena;
static Problems *problems;

static void start(void) {
  cr_assert_not_null(mkdtemp(folder));
  arena = arena_new(0);
  problems = problems_new(arena);
}

static void finish(void) {
  char command[128];
  snprintf(command, sizeof command, "rm -rf '%s'", folder);
  cr_assert_eq(system(command), 0);
  arena_free(arena);
}

TestSuite(runs, .init = start, .fini = finish);

static void file_make(const char *name) {
  SaveFile *file = save_begin(problems, name, 0);
  cr_assert_not_null(file);
  cr_assert(save_commit(file, problems));
}

/* A run of `task`, with weights or without, finished or not; its number. */
static int run_make(const char *task, bool weights, bool finished) {
  Run *run = run_create(arena, problems, folder, "digits", task);
  cr_assert_not_null(run);
  if (weights) file_make(arena_printf(arena, "%s/best.safetensors", run->folder));
  if (finished) cr_assert(run_finish(run, problems));
  run_close(run);
  return run->number;
}

Test(runs, number_is_highest_plus_one) {
  cr_expect_eq(run_make("fit", false, false), 1);
  cr_expect_eq(run_make("fit", false, false), 2);
  const char *const other[] = {"7", "x9", "12x", "007", "99999999999999999999", "-3", "0"};
  for (size_t i = 0; i < sizeof other / sizeof other[0]; i++)
    cr_assert_eq(mkdir(arena_printf(arena, "%s/runs/digits/fit/%s", folder, other[i]), 0777), 0);
  cr_expect_eq(run_make("fit", false, false), 8);
  cr_expect_eq(run_make("tune", false, false), 1);
}

Test(runs, newest_is_finished_and_has_weights) {
  cr_expect_null(run_newest(arena, folder, "digits", "fit"));
  cr_expect_null(run_newest(arena, folder, "digits", NULL));
  for (int i = 0; i < 10; i++) run_make("fit", true, i == 1 || i == 9);
  run_make("fit", true, false);
  run_make("fit", false, true);
  const char *newest = run_newest(arena, folder, "digits", "fit");
  cr_assert_not_null(newest);
  cr_expect_str_eq(newest, arena_printf(arena, "%s/runs/digits/fit/10/best.safetensors", folder));
  usleep(20000); // clocks of file systems tick in steps of up to 10 ms
  run_make("adapt", true, true);
  newest = run_newest(arena, folder, "digits", NULL);
  cr_expect_str_eq(newest, arena_printf(arena, "%s/runs/digits/adapt/1/best.safetensors", folder));
  cr_expect_null(run_newest(arena, folder, "other", NULL));
}

Test(runs, second_trainer_is_told_who_holds_the_folder) {
  Run *run = run_create(arena, problems, folder, "digits", "fit");
  cr_assert_not_null(run);
  cr_assert_null(run_lock(arena, problems, run->folder));
  const Problem *problem = problems_get(problems, 0);
  cr_expect_str_eq(problem->code, "E0708");
  cr_expect_not_null(strstr(problem->detail, arena_printf(arena, "process %ld since", (long)getpid())));
  run_close(run);
  cr_expect_neq(access(arena_printf(arena, "%s/lock", run->folder), F_OK), 0);
  Run *again = run_lock(arena, problems, run->folder);
  cr_assert_not_null(again);
  cr_expect_eq(again->number, 1);
  run_close(again);
}

Test(runs, unusable_place_is_a_problem) {
  file_make(arena_printf(arena, "%s/runs", folder));
  cr_expect_null(run_create(arena, problems, folder, "digits", "fit"));
  cr_expect_str_eq(problems_get(problems, 0)->code, "E0707");
}

Test(runs, the_current_folder_has_short_paths) {
  cr_assert_eq(chdir(folder), 0);
  for (int i = 0; i < 2; i++) {
    Run *run = run_create(arena, problems, i ? "." : "", "digits", "fit");
    cr_assert_not_null(run);
    cr_expect_str_eq(run->folder, i ? "runs/digits/fit/2" : "runs/digits/fit/1");
    run_close(run);
  }
}
