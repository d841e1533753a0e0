/* Statements of training against steps written out by hand.
 *
 * Each case is a train block over the rows x = 1, 2 and y = 2, 3 in f64, run with one and two threads, fused and
 * unfused: the weights must be the same bits each time, and those that the case computes for itself. For a model
 * w * x the mean squared error has the gradient 5 w - 8, the sum of a and b the gradient 5 (a + b) - 8. */
#include "interpreter/session.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MODELS                                                                                               \
  "data d from csv(\"d.csv\") { x = float(x); y = float(y) }\n"                                              \
  "model a(x: [B]) -> [B] { param w: [] = 1.0; w * x }\n"                                                    \
  "model b(x: [B]) -> [B] { param w: [] = 2.0; w * x }\n"                                                    \
  "train fit on d { shuffle = false; precision = \"f64\"; batch = 2; "
#define WEIGHTS 4

static char folder[64];

static void enter(void) {
  strcpy(folder, "/tmp/lathe-test-XXXXXX");
  cr_assert(mkdtemp(folder) && chdir(folder) == 0);
  FILE *file = fopen("d.csv", "w");
  fputs("x,y\n1,2\n2,3\n", file);
  fclose(file);
  file = fopen("f.csv", "w");
  fputs("v,k\n1,a\n2,b\n3,b\n4,b\n5,b\n", file);
  fclose(file);
}

static void leave(void) {
  char command[128];
  snprintf(command, sizeof command, "rm -rf '%s'", folder);
  cr_assert(chdir("/") == 0 && system(command) == 0);
}

TestSuite(statements, .init = enter, .fini = leave);

static void run_once(const char *program, bool fuse, int threads, double *out) {
  FILE *file = fopen("t.model", "w");
  fputs(program, file);
  fclose(file);
  Arena *arena = arena_new(0);
  Problems *problems = problems_new(arena);
  Report *report = report_new(false, true, false);
  Options options = {.threads = threads, .quiet = true, .no_fuse = !fuse};
  Session *session = session_open(arena, problems, &options, report, "t.model", ALL_KINDS, NULL, 0);
  report_problems(report, problems);
  cr_assert(session && session_start(session), "%s", program);
  for (int i = 0; i < session->tasks; i++) {
    int code = session->task[i]->kind == TASK_TRAIN ? train_task(session, session->task[i])
                                                    : plain_task(session, session->task[i]);
    report_problems(report, problems);
    cr_assert(code == 0, "%s", program);
  }
  cr_assert(session->program->weights <= WEIGHTS);
  for (int i = 0; i < session->program->weights; i++)
    out[i] = *(double *)session->program->weight[i].variable->data;
  session_close(session);
  report_free(report);
  arena_free(arena);
}

/* The weights in the order in which they are made: a.w, then b.w, unless the block uses b first. */
static void expect(const char *program, int count, const double *wanted) {
  for (int way = 0; way < 4; way++) {
    double got[WEIGHTS] = {0}, first[WEIGHTS];
    run_once(program, way & 1, 1 + way / 2, got);
    for (int i = 0; i < count; i++)
      cr_assert(fabs(got[i] - wanted[i]) <= 1e-12 * fmax(1, fabs(wanted[i])),
                "weight %d is %.17g, not %.17g (way %d) after\n%s", i, got[i], wanted[i], way, program);
    if (way == 0) memcpy(first, got, sizeof first);
    cr_assert(memcmp(first, got, sizeof first) == 0, "way %d has other bits after\n%s", way, program);
  }
}

static double slope(double sum) { return 5 * sum - 8; }

Test(statements, later_ones_see_the_new_weights) {
  double a = 1, b = 2;
  for (int step = 0; step < 3; step++) {
    a -= 0.1 * slope(a);
    b -= 0.1 * slope(a + b);
  }
  expect(MODELS "epochs = 3; minimize mse(a(x), y) using sgd(0.1)\n"
                "minimize mse(a(x) + b(x), y) over b using sgd(0.1) }",
         2, (double[]){a, b});
}

Test(statements, an_update_has_no_gradient) { // else b would also change through the new a
  double a = 1, b = 2;
  for (int step = 0; step < 2; step++) {
    double by_b = 5 * (a + b) - 8; // of the first loss by a
    a -= 0.1 * by_b;
    b -= 0.1 * slope(a + b);
  }
  expect(MODELS "epochs = 2; minimize mse(a(x) + b(x), y) over a using sgd(0.1)\n"
                "minimize mse(a(x) + b(x), y) over b using sgd(0.1) }",
         2, (double[]){a, b});
}

Test(statements, a_let_keeps_the_weights_it_was_computed_with) {
  double a = 1;
  for (int step = 0; step < 2; step++) {
    double g = slope(a), once = a - 0.1 * g;
    a = once - 0.01 * g - 0.01 * slope(once); // the old and the new value both count
  }
  expect(MODELS "epochs = 2; let p = a(x); minimize mse(p, y) using sgd(0.1)\n"
                "minimize mse(p, y) + mse(a(x), y) using sgd(0.01) }",
         1, (double[]){a});
}

Test(statements, maximize_climbs) {
  double a = 1;
  for (int step = 0; step < 2; step++) a += 0.01 * slope(a);
  expect(MODELS "epochs = 2; maximize mse(a(x), y) using sgd(0.01) }", 1, (double[]){a});
}

Test(statements, every_skips_weights_and_states_of_the_optimizer) {
  double a = 1, b = 2, v = 0;
  for (int step = 1; step <= 7; step++) {
    a -= 0.1 * slope(a);
    if (step % 3) continue;
    v = 0.5 * v + slope(b);
    b -= 0.1 * v;
  }
  expect(MODELS "epochs = 7; minimize mse(a(x), y) using sgd(0.1)\n"
                "minimize mse(b(x), y) using sgd(0.1, momentum=0.5) every 3 }",
         2, (double[]){a, b});
}

static double adam(double *m, double *v, double g, int count) {
  *m = 0.9 * *m + (1 - 0.9) * g;
  *v = 0.999 * *v + (1 - 0.999) * g * g;
  return 0.1 * (*m / (1 - pow(0.9, count)) / (sqrt(*v / (1 - pow(0.999, count))) + 1e-8));
}

Test(statements, an_optimizer_counts_its_own_updates) {
  double b = 2, m = 0, v = 0;
  int count = 0;
  for (int step = 1; step <= 6; step++)
    if (step % 2 == 0) b -= adam(&m, &v, slope(b), ++count);
  expect(MODELS "epochs = 6; minimize mse(b(x), y) using adam(0.1) every 2 }", 1, (double[]){b});
  b = 2, m = v = 0, count = 0; // under a condition they are counted
  for (int epoch = 1; epoch <= 5; epoch++)
    if (epoch > 2) b -= adam(&m, &v, slope(b), ++count);
  expect(MODELS "epochs = 5; if epoch > 2 { minimize mse(b(x), y) using adam(0.1) } }", 1, (double[]){b});
}

Test(statements, an_optimizer_of_a_let_is_shared) {
  double a = 1, m = 0, v = 0;
  int count = 0;
  for (int step = 0; step < 2; step++)
    for (int turn = 0; turn < 2; turn++) a -= adam(&m, &v, slope(a), ++count);
  expect(MODELS "epochs = 2; let o = adam(0.1); minimize mse(a(x), y) using o\n"
                "minimize mse(a(x), y) using o }",
         1, (double[]){a});
  expect(MODELS "epochs = 2; for i in 0..2 { minimize mse(a(x), y) using adam(0.1) } }", 1, (double[]){a});
  a = 1; // two of their own
  double m2 = 0, v2 = 0;
  m = v = 0;
  for (int step = 1; step <= 2; step++) {
    a -= adam(&m, &v, slope(a), step);
    a -= adam(&m2, &v2, slope(a), step);
  }
  expect(MODELS "epochs = 2; minimize mse(a(x), y) using adam(0.1); minimize mse(a(x), y) using adam(0.1) }",
         1, (double[]){a});
}

Test(statements, a_weight_belongs_to_the_first_over_that_matches) {
  double a = 1, b = 2;
  for (int step = 0; step < 2; step++) {
    double g = slope(a + b);
    a -= 0.1 * g;
    b -= 0.01 * g;
  }
  expect(MODELS "epochs = 2; minimize mse(a(x) + b(x), y) over a using sgd(0.1), b[\"**\"] using sgd(0.01) }",
         2, (double[]){a, b});
}

Test(statements, set_gives_weights_without_gradients) {
  double a = 1, b = 2;
  for (int step = 1; step <= 5; step++) {
    a -= 0.1 * slope(a);
    if (step % 2 == 0) b = (1 - 0.25) * b + 0.25 * a;
  }
  expect(MODELS "epochs = 5; minimize mse(a(x), y) using sgd(0.1); set b = blend(b, a, 0.25) every 2\n"
                "metric m = mse(b(x), y) }",
         2, (double[]){a, b});
  a = 1;
  for (int step = 1; step <= 3; step++) a = fmin(a - 0.1 * slope(a), 1.25);
  expect(MODELS "epochs = 3; minimize mse(a(x), y) using sgd(0.1); set b = copy(a)\n"
                "set a[\"w\"] = min(a[\"w\"], 1.25); metric m = mse(b(x), y) }",
         1, (double[]){a});
}

Test(statements, conditions_of_the_run_choose) {
  double a = 1, b = 2;
  for (int step = 1; step <= 4; step++) {
    if (step > 2)
      a -= 0.1 * slope(a);
    else
      b -= 0.1 * slope(b);
    double scale = step > 3 ? 2 : 1;
    a -= 0.01 * scale * slope(a);
  }
  expect(MODELS "epochs = 4; if epoch > 2 { minimize mse(a(x), y) using sgd(0.1) }\n"
                "else { minimize mse(b(x), y) using sgd(0.1) }\n"
                "let scale = 1.0 + 0 * mean(x); if step > 3 { scale = 2.0 + 0 * mean(x) }\n"
                "minimize scale * mse(a(x), y) using sgd(0.01) }",
         2, (double[]){a, b});
  a = 1; // a condition that is a number of the step
  for (int step = 1; step <= 4; step++)
    if ((a - 2) * (a - 2) / 2 + (2 * a - 3) * (2 * a - 3) / 2 > 0.2) a -= 0.05 * slope(a);
  expect(MODELS "epochs = 4; if mse(a(x), y) > 0.2 { minimize mse(a(x), y) using sgd(0.05) } }", 1,
         (double[]){a});
}

Test(statements, a_state_of_the_block_lasts) {
  double a = 1, seen = 0;
  for (int step = 1; step <= 3; step++) {
    seen = seen + 1.5;
    a -= 0.01 * seen * slope(a);
  }
  expect(MODELS "epochs = 3; state seen = 0.0; seen = seen + mean(x)\n"
                "minimize seen * mse(a(x), y) using sgd(0.01) }",
         1, (double[]){a});
}

Test(statements, accumulated_batches_are_one) {
  double a = 1, b = 2;
  for (int epoch = 0; epoch < 3; epoch++) {
    double by_a = slope(a), by_b = slope(b);
    a -= 0.1 * by_a;
    if (epoch % 2) b -= 0.1 * by_b;
  }
  expect(MODELS "epochs = 3; batch = 1; accumulate = 2; minimize mse(a(x), y) using sgd(0.1)\n"
                "minimize mse(b(x), y) using sgd(0.1) every 2 }",
         2, (double[]){a, b});
}

Test(statements, frozen_weights_stay) {
  double b = 2;
  for (int step = 0; step < 2; step++) b -= 0.1 * slope(1 + b);
  expect(MODELS "epochs = 2; freeze a[\"w\"]; minimize mse(a(x) + b(x), y) using sgd(0.1) }", 2,
         (double[]){1, b});
}

Test(statements, tasks_of_a_file_share_the_models) {
  double a = 1, m = 0, v = 0;
  a -= adam(&m, &v, slope(a), 1);
  m = v = 0;
  a -= adam(&m, &v, slope(a), 1);
  expect(MODELS "minimize mse(a(x), y) using adam(0.1) }\ntrain again on d { precision = \"f64\"\n"
                "minimize mse(a(x), y) using adam(0.1) }",
         1, (double[]){a});
}

Test(statements, averages_of_weights_are_kept) {
  double a = 1, average = 1;
  for (int step = 0; step < 3; step++) {
    a -= 0.1 * slope(a);
    average += (a - average) * (1 - 0.75);
  }
  expect(MODELS "epochs = 3; ema = 0.75; minimize mse(a(x), y) using sgd(0.1) }", 1, (double[]){average});
}

/* Rows of the second table go on where the first one's epoch ends: 1 2, 3 4, 5 1, … */
Test(statements, several_tables_give_rows_side_by_side) {
  double a = 1;
  int at = 0;
  for (int step = 0; step < 4; step++, at += 2) a -= 0.01 * (at % 5 + 1 + (at + 1) % 5 + 1) / 2.0;
  expect("data d from csv(\"d.csv\") { x = float(x) }\ndata f from csv(\"f.csv\") { v = float(v) }\n"
         "model a(x: [B]) -> [B] { param w: [] = 1.0; w * x }\n"
         "train fit on d, f as other { shuffle = false; precision = \"f64\"; batch = 2; epochs = 4\n"
         "minimize mean(a(other.v) + 0 * x) using sgd(0.01) }",
         1, (double[]){a});
}

/* One row of five has the class a: drawn evenly it comes up half of the time. */
Test(statements, rows_are_drawn_with_chances) {
  double share[WEIGHTS];
  for (int balanced = 0; balanced < 2; balanced++) {
    char program[600];
    snprintf(program, sizeof program,
             "data f from csv(\"f.csv\") { v = float(v); k = k |> category }\n"
             "model a(x: [B]) -> [B] { param w: [] = 0.0; w * x }\n"
             "train fit on f { precision = \"f64\"; epochs = 400; batch = \"all\"; draw = %s\n"
             "maximize mean(a(float(v == 1))) using sgd(0.0025) }",
             balanced ? "balanced(k)" : "v");
    run_once(program, true, 1, share);
    double wanted = balanced ? 0.5 : 1.0 / 15; // chances 1 … 5
    cr_assert(fabs(share[0] - wanted) < 0.03, "%g, not %g", share[0], wanted);
  }
}

Test(statements, lets_of_the_file_are_computed_once) {
  double a = 1;
  for (int step = 0; step < 2; step++) a -= 0.1 * (slope(a) * 2.5 + 1.5);
  expect("let scale = mean(d.train.y)\nlet (middle, rest) = (mean(d.x), d.valid.rows)\n" MODELS
         "epochs = 2; minimize scale * mse(a(x), y) + middle * a(tensor([1]))[0] + rest using sgd(0.1) }",
         1, (double[]){a});
}

#define PARTS                                                                                                \
  "data d from csv(\"d.csv\") { x = float(x); y = float(y) }\n"                                              \
  "layer Net(start: float)(x: [B]) -> [B] { param w: [] = start; w * x }\n"

Test(statements, models_of_several_parts) {
  double first = 1, second = 2, left = 3;
  for (int step = 0; step < 2; step++) {
    double g = slope(first + second + left + 4);
    first -= 0.01 * g;
    second -= 0.02 * g;
    left -= 0.03 * g;
  }
  expect(PARTS "model nets = [Net(n) for n in [1.0, 2.0]]\nmodel pair = (left=Net(3.0), right=Net(4.0))\n"
               "train fit on d { precision = \"f64\"; batch = 2; epochs = 2; freeze pair.right\n"
               "minimize mse(nets[0](x) + nets[1](x) + pair.left(x) + pair.right(x), y)\n"
               "over nets[0] using sgd(0.01), nets using sgd(0.02), pair using sgd(0.03) }",
         4, (double[]){first, second, left, 4});
}

Test(statements, a_copy_starts_where_its_model_starts) {
  double a = 1, b = 1;
  for (int step = 0; step < 2; step++) {
    a -= 0.1 * slope(a);
    b -= 0.2 * slope(b);
  }
  expect(
      PARTS
      "model a = Net(1.0)\nmodel b = copy(a)\ntrain fit on d { precision = \"f64\"; batch = 2; epochs = 2\n"
      "minimize mse(a(x), y) using sgd(0.1); minimize mse(b(x), y) using sgd(0.2) }",
      2, (double[]){a, b});
}

Test(statements, weights_are_values) {
  double a = 1, b = 2;
  for (int step = 0; step < 2; step++) {
    double moved = 0.5 * a + b; // b(x) with other weights, the gradient by both
    double g = 0.1 * 2 * a + 0.5 * slope(moved), h = slope(moved);
    a -= 0.1 * g;
    b -= 0.1 * h;
  }
  expect(PARTS
         "model a = Net(1.0)\nmodel b = Net(2.0)\n"
         "train fit on d { precision = \"f64\"; batch = 2; epochs = 2; let unused = a(x)\n"
         "minimize 0.1 * l2(a[\"**\"]) + mse(with_weights(b, 0.5 * a + b[\"*\"])(x), y) using sgd(0.1) }",
         2, (double[]){a, b});
}

Test(statements, each_makes_a_layer_for_each_weight) {
  double shift = 0.5;
  for (int step = 0; step < 2; step++) shift -= 0.1 * slope(1 + shift);
  expect(PARTS "layer Shift()(w: [...]) -> [...] { param by: [] = 0.5; w + by }\nmodel a = Net(1.0)\n"
               "model tuned = with_weights(a, a[\"**\"] |> each(Shift()))\n"
               "train fit on d { precision = \"f64\"; batch = 2; epochs = 2; metric before = mean(a(x))\n"
               "minimize mse(tuned(x), y) over tuned using sgd(0.1) }",
         2, (double[]){1, shift});
}

Test(statements, lbfgs_finds_the_bottom_of_a_bent_valley) {
  double got[WEIGHTS];
  const char *program = "model p() -> [2] { param x: [] = -1.2; param y: [] = 1.0; stack([x, y]) }\n"
                        "train fit { steps = 60; precision = \"f64\"; let q = p()\n"
                        "minimize (1 - q[0]) ** 2 + 100 * (q[1] - q[0] ** 2) ** 2 using lbfgs(8) }";
  for (int way = 0; way < 4; way++) {
    double first[2];
    run_once(program, way & 1, 1 + way / 2, got);
    cr_assert(fabs(got[0] - 1) < 1e-6 && fabs(got[1] - 1) < 1e-6, "%g, %g", got[0], got[1]);
    if (way == 0) memcpy(first, got, sizeof first);
    cr_assert(memcmp(first, got, sizeof first) == 0);
  }
}

/* The metric never improves after the first validation: the factor halves at the third and the fifth. */
Test(statements, plateau_lowers_the_rate) {
  double a = 0;
  for (int step = 1; step <= 6; step++) a -= 0.1 * (step > 5 ? 0.25 : step > 3 ? 0.5 : 1) * 2;
  expect("data f from csv(\"f.csv\") |> split(valid=2, by=\"order\") { v = float(v) }\n"
         "model a(x: [B]) -> [B] { param w: [] = 0.0; w * x }\n"
         "train fit on f { epochs = 6; batch = \"all\"; precision = \"f64\"; metric c = 1 + 0 * mean(v)\n"
         "minimize mean(a(v)) using sgd(0.1 * plateau(\"valid.c\", 2, 0.5)) }",
         1, (double[]){a});
}

Test(statements, schedules_and_optimizers_of_the_file) {
  double a = 1, b = 2, v[2] = {0};
  for (int step = 1; step <= 3; step++) {
    double rate = fmin(step / 4.0, 1) * 0.1;
    v[0] = 0.5 * v[0] + slope(a);
    a -= rate * v[0];
    v[0] = 0.5 * v[0] + slope(a);
    a -= rate * v[0];
    v[1] = 0.5 * v[1] + slope(b);
    b -= rate * v[1];
  }
  expect("let rate = 0.1 * warmup(4)\nlet o = sgd(rate, momentum=0.5)\n" MODELS
         "epochs = 3; minimize mse(a(x), y) using o; minimize mse(a(x), y) using o\n"
         "minimize mse(b(x), y) using o }",
         2, (double[]){a, b});
}

Test(statements, a_for_trains_each_part) {
  double part[2] = {1, 2};
  for (int step = 0; step < 2; step++)
    for (int i = 0; i < 2; i++) part[i] -= 0.1 * slope(part[i]);
  expect(PARTS "model nets = [Net(n) for n in [1.0, 2.0]]\n"
               "train fit on d { precision = \"f64\"; batch = 2; epochs = 2\n"
               "for net in nets { minimize mse(net(x), y) over net using sgd(0.1) } }",
         2, part);
}
