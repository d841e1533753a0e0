/* The exact words of file problems. */
#include "interpreter/formats/problems_files.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

static Arena *arena;
static Problems *problems;

static void start(void) {
  arena = arena_new(0);
  problems = problems_new(arena);
}

static void finish(void) { arena_free(arena); }

TestSuite(problems_files, .init = start, .fini = finish);

/* The last problem's texts; "" stands for none. */
static void check(const char *code, const char *title, const char *detail, const char *note,
                  const char *help) {
  const Problem *problem = problems_get(problems, problems_total(problems) - 1);
  cr_expect_str_eq(problem->code, code);
  cr_expect_str_eq(problem->title, title);
  cr_expect_str_eq(problem->detail ? problem->detail : "", detail);
  cr_expect_str_eq(problem->note ? problem->note : "", note);
  cr_expect_str_eq(problem->help ? problem->help : "", help);
  cr_expect_eq(problem->exit_code, 3);
}

Test(problems_files, weights) {
  WeightName missing[5] = {{"body.ResBlock.0.K", DTYPE_F32, 2, {3, 64}},
                           {"body.b", DTYPE_F32, 1, {7}},
                           {"body.c", DTYPE_F32, 0, {0}},
                           {"body.d", DTYPE_F32, 0, {0}},
                           {"body.e", DTYPE_F32, 0, {0}}};
  WeightName held[1] = {{"net.first", DTYPE_F32, 2, {3, 64}}};
  problem_weights_missing(problems, (Span){0}, "w.json", "body", missing, 5, held, 1, true);
  check("E0701", "w.json does not fill `body`",
        "missing in file   body.ResBlock.0.K  [3, 64]\n"
        "closest in file   net.first          [3, 64]   same shape\n"
        "missing in file   body.b             [7]\n"
        "missing in file   body.c             []",
        "2 more are missing; weights in the file: 1",
        "if these are the same:  rename = [[\"net.first\", \"ResBlock.0.K\"]]");
  problem_weights_shape(problems, (Span){0}, "w.json", &missing[0], &missing[1]);
  check("E0702", "w.json has another shape for body.ResBlock.0.K",
        "in the program   [3, 64]\nin the file      [7]",
        "weights are loaded only where names, shapes and types agree", "");
  held[0].dtype = DTYPE_F64;
  problem_weights_shape(problems, (Span){0}, "w.json", &missing[0], &held[0]);
  check("E0702", "w.json has another number type for body.ResBlock.0.K",
        "in the program   f32\nin the file      f64",
        "weights are loaded only where names, shapes and types agree", "");
  problem_not_finite(problems, (Span){0}, "w.json", &missing[0], 65, true);
  check("E0706", "body.ResBlock.0.K[1, 1] is not a finite number", "so w.json was not written", "", "");
}

Test(problems_files, files) {
  problem_output_outside(problems, (Span){0}, "../x");
  check("E0703", "a program may not write to ../x", "",
        "what a program writes goes beneath the current folder, or beneath --out DIR",
        "write a relative path without `..`; the command line may name any place");
  problem_file_unreadable(problems, (Span){0}, "x", ENOENT);
  check("E0704", "cannot read x: there is no such file", "", "", "");
  problem_file_unreadable(problems, (Span){0}, "-", 9999);
  check("E0704", "cannot read standard input: the system refuses", "", "", "");
  problem_file_large(problems, (Span){0}, "x", 16 << 20);
  check("E0704", "cannot read x: it has more than 16 MiB, the limit here", "", "", "");
  problem_file_damaged(problems, (Span){0}, "x\x1b[2J\xff", DAMAGE_CHECKSUM, "net.W");
  check("E0705", "x\\x1b[2J\\xff cannot be used", "net.W: the checksum of the numbers does not agree", "",
        "");
  problem_file_unwritable(problems, "x", ENOSPC);
  check("E0707", "cannot write x: the disk is full", "", "what stood there before is untouched", "");
  problem_run_locked(problems, "runs/a/fit/1", "process 7");
  check("E0708", "runs/a/fit/1 is in use by another trainer", "held by process 7", "", "");
}

Test(problems_files, every_damage_has_words) {
  for (int i = 0; i < DAMAGE_KINDS; i++) {
    problem_file_damaged(problems, (Span){0}, "x", (FileDamage)i, NULL);
    const Problem *problem = problems_get(problems, problems_total(problems) - 1);
    cr_expect(problem->detail && strlen(problem->detail) > 10, "%d", i);
  }
}
