/* Programs whose examples are windows or rows of different lengths, run in this process. */
#include "interpreter/session.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[] = "/tmp/lathe-seq-XXXXXX";
static Arena *arena;
static Problems *problems;
static Report *report;

static void file_put(const char *name, const char *text) {
  char path[128];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *file = fopen(path, "wb");
  cr_assert(file && fwrite(text, 1, strlen(text), file) == strlen(text));
  fclose(file);
}

static void start(void) {
  cr_assert_not_null(mkdtemp(folder));
  arena = arena_new(0);
  problems = problems_new(arena);
  report = report_new(false, true, false);
  Text text = {0}, lines = {0}, table = {0};
  text_add(&table, "day,heat,kind\n");
  for (int i = 0; i < 400; i++) {
    text_printf(&text, "%s%s", i % 7 ? "to be or" : "not so, ", i % 3 ? " well " : "\n");
    for (int k = 0; k <= i * 7 % 11; k++) text_printf(&lines, "%c", 'a' + (i * k + k) % 9);
    text_add(&lines, "\n");
    text_printf(&table, "%d,%d,%c\n", i, i * i % 37, 'x' + i % 3);
  }
  file_put("t.txt", text_string(&text));
  file_put("l.txt", text_string(&lines));
  file_put("s.csv", text_string(&table));
  text_free(&text);
  text_free(&lines);
  text_free(&table);
}

static void finish(void) {
  char command[128];
  snprintf(command, sizeof command, "rm -r '%s'", folder);
  cr_assert(system(command) == 0);
  report_free(report);
  arena_free(arena);
}

TestSuite(sequences, .init = start, .fini = finish);

static Session *opened(const char *program, int threads, const char *device) {
  char path[128];
  file_put("p.model", program);
  snprintf(path, sizeof path, "%s/p.model", folder);
  Options *options = ARENA_NEW(arena, Options);
  *options = (Options){.threads = threads, .quiet = true, .out = folder, .device = device};
  Session *session = session_open(arena, problems, options, report, path, ALL_KINDS, NULL, 0);
  if (!session) {
    Text out = {0};
    problems_draw(problems, &out, false);
    cr_assert(false, "%s", text_string(&out));
  }
  cr_assert(session_start(session));
  return session;
}

/* Numbers of an output of the pass of the only task, for rows of its table. */
static void values_of(Session *session, const char *output, const int64_t *row, int64_t rows, Text *out) {
  Pass *pass = session->task[0]->once;
  Runner *runner = runner_new(session, pass, rows);
  cr_assert(runner && runner_run(runner, row, rows, &(RunArgs){0}));
  const Type *type;
  const void *data = runner_value(runner, output, &type);
  cr_assert_not_null(data);
  type_print(type, out);
  for (int64_t i = 0; i < type_count(type); i++)
    if (type->dtype == DTYPE_F32)
      text_printf(out, " %g", (double)((const float *)data)[i]);
    else
      text_printf(out, " %d",
                  type->dtype == DTYPE_I32 ? ((const int32_t *)data)[i] : ((const uint8_t *)data)[i]);
  runner_free(runner);
}

static void gives(const char *program, const char *output, const int64_t *row, int64_t rows,
                  const char *expected) {
  Session *session = opened(program, 1, NULL);
  Text out = {0};
  values_of(session, output, row, rows, &out);
  cr_expect_str_eq(text_string(&out), expected);
  text_free(&out);
  session_close(session);
}

Test(sequences, slices_of_windows) {
  static const char program[] =
      "data d from csv(\"s.csv\") { let w = heat |> windows(4); a = w[:-1]; b = w[1:]; c = w[2]; e = w[[0, "
      "3]]; "
      "k = kind |> category |> windows(4); both = columns(day, heat) |> windows(4) }\n"
      "predict p on d { yield a, b, c, e, k, both }\n";
  static const int64_t row[] = {2, 0}; // heat: 0 1 4 9 16 25
  gives(program, "yield.0", row, 2, "[2, 3] 4 9 16 0 1 4");
  gives(program, "yield.1", row, 2, "[2, 3] 9 16 25 1 4 9");
  gives(program, "yield.2", row, 2, "[2] 16 4");
  gives(program, "yield.3", row, 2, "[2, 2] 4 25 0 9");
  gives(program, "yield.4", row, 2, "int<3>[2, 4] 2 0 1 2 0 1 2 0");
  gives(program, "yield.5", row + 1, 1, "[1, 4, 2] 0 0 1 1 2 4 3 9");
}

Test(sequences, a_value_is_one_example) {
  static const char program[] =
      "data d from csv(\"s.csv\") { let w = heat |> windows(3); total = sum(w); most = max(w, axis=0); "
      "twice = concat([w, w], axis=0); both = mean(columns(day, heat) |> windows(3), axis=1); k = w[..., "
      "None] }\n"
      "predict p on d { yield total, most, twice, both, k }\n";
  static const int64_t row[] = {2, 0}; // heat: 0 1 4 9 16 25
  gives(program, "yield.0", row, 2, "[2] 29 5");
  gives(program, "yield.1", row, 2, "[2] 16 4");
  gives(program, "yield.2", row, 2, "[2, 6] 4 9 16 4 9 16 0 1 4 0 1 4");
  gives(program, "yield.3", row + 1, 1, "[1, 3] 0 1 3");
  gives(program, "yield.4", row + 1, 1, "[1, 3, 1] 0 1 4");
}

Test(sequences, texts_are_compared) {
  file_put("k.csv", "k,x\na,1\n,2\nab,3\nb,4\na,5\n");
  static const char program[] = "data d from csv(\"k.csv\") |> filter(fn (r) = r.k != \"b\") { a = float(k "
                                "== \"a\"); n = float(\"a\" != k) }\n"
                                "predict p on d { yield a, n, z=float(k == \"ab\") }\n";
  static const int64_t row[] = {0, 1, 2, 4};
  gives(program, "yield.0", row, 4, "[4] 1 0 0 1");
  gives(program, "yield.1", row, 4, "[4] 0 1 1 0");
  gives(program, "yield.2", row, 4, "[4] 0 0 1 0");
  Session *session = opened(program, 1, NULL);
  cr_assert(session->task[0]->once->data->table->part[PART_ALL].count == 4);
  session_close(session);
}

/* Classes are stored as bytes; what is computed with them is not. */
Test(sequences, narrow_classes_are_whole_numbers) {
  static const char program[] =
      "data d from text(\"t.txt\") { w = text |> chars |> windows(2) }\n"
      "predict p on d { yield a=float(w * 100), b=float(w + w * 200 - 1), c=float(-w), "
      "e=float(w == 300), f=float(w < 256) }\n";
  static const int64_t row[] = {4};
  gives(program, "yield.0", row, 1, "[1, 2] 900 700");
  gives(program, "yield.1", row, 1, "[1, 2] 1808 1406");
  gives(program, "yield.2", row, 1, "[1, 2] -9 -7");
  gives(program, "yield.3", row, 1, "[1, 2] 0 0");
  gives(program, "yield.4", row, 1, "[1, 2] 1 1");
}

Test(sequences, padded_rows_are_as_long_as_the_longest_of_the_batch) {
  file_put("n.txt", "ab\nb\n\nabba\n");
  static const char program[] =
      "data d from lines(\"n.txt\") { let s = line |> chars(ends=true) |> pad; ids = s.ids; "
      "next = s.ids[1:]; keep = s.keep[1:]; c = (line |> chars |> pad(most=2)).ids }\n"
      "predict p on d { yield ids, next, keep, c }\n";
  gives(program, "yield.0", (const int64_t[]){1, 0}, 2, "int<5>[2, 4] 1 4 2 0 1 3 4 2");
  gives(program, "yield.0", (const int64_t[]){2}, 1, "int<5>[1, 2] 1 2");
  gives(program, "yield.1", (const int64_t[]){2, 1}, 2, "int<5>[2, 2] 2 0 4 2");
  gives(program, "yield.2", (const int64_t[]){1, 3, 2}, 3, "bool[3, 5] 1 1 0 0 0 1 1 1 1 1 1 0 0 0 0");
  gives(program, "yield.3", (const int64_t[]){3, 1}, 2, "int<3>[2, 2] 1 2 2 0");
  gives(program, "yield.3", (const int64_t[]){2}, 1, "int<3>[1, 1] 0"); // an empty row still has a place
}

/* One numbering for two tables; the steps of the second keep their own names while the first is looked into. */
Test(sequences, a_numbering_is_shared) {
  file_put("n.txt", "ab\nb\n");
  file_put("m.txt", "ba\n\na\n");
  gives("data d from lines(\"n.txt\") { let s = line |> chars(ends=true) |> pad; ids = s.ids; k = line |> "
        "category }\n"
        "data f from lines(\"m.txt\") { let s = line |> chars(like=d.ids) |> pad; x = s.ids; "
        "y = s.keep }\n"
        "predict p on f { yield x, y }\n",
        "yield.0", (const int64_t[]){0, 1}, 2, "int<5>[2, 4] 1 4 3 2 1 2 0 0");
}

#define WINDOWS                                                                                              \
  "data d from text(\"t.txt\") |> split(valid=0.2, by=\"order\") { let w = text |> chars |> windows(9); "    \
  "ids = w[:-1]; next = w[1:] }\n"
#define PADDED                                                                                               \
  "data d from lines(\"l.txt\") |> split(valid=0.2, seed=1) { let s = line |> chars(ends=true) |> pad; "     \
  "ids = s.ids[:-1]; next = s.ids[1:]; keep = s.keep[1:] }\n"
#define NET                                                                                                  \
  "model net(ids: int<V>[B, T]) -> [B, T, V] = ids |> Embedding(8) |> Dense(16, relu) |> Dropout(0.1) |> "   \
  "Dense(V)\n"
#define FIT_WINDOWS                                                                                          \
  "train fit on d { epochs = 2; batch = 48; minimize cross_entropy(net(ids), next) using adam(3e-3) }\n"
#define FIT_PADDED                                                                                           \
  "train fit on d { epochs = 3; batch = 24; accumulate = 2; minimize "                                       \
  "masked_mean(cross_entropy_each(net(ids)"                                                                  \
  ", next), keep) using adam(3e-3) }\n"

static void *trained(const char *program, int threads, size_t *bytes) {
  Session *session = opened(program, threads, NULL);
  cr_assert(train_task(session, session->task[0]) == 0);
  *bytes = 0;
  for (int i = 0; i < session->program->weights; i++) {
    const Variable *variable = session->program->weight[i].variable;
    *bytes += (size_t)type_count(&variable->type) * dtype_size(variable->type.dtype);
  }
  void *copy = weights_copy(session, NULL);
  session_close(session);
  return copy;
}

static void same_bits(const char *program) {
  size_t bytes, again;
  void *one = trained(program, 1, &bytes);
  cr_assert(bytes > 1000);
  for (int threads = 2; threads <= 4; threads += 2) {
    void *more = trained(program, threads, &again);
    cr_assert(bytes == again && !memcmp(one, more, bytes), "%d threads", threads);
    memory_free(more);
  }
  memory_free(one);
}

Test(sequences, same_bits_for_any_number_of_threads) {
  same_bits(WINDOWS NET FIT_WINDOWS);
  same_bits(PADDED NET FIT_PADDED);
}

/* The mean of a masked loss must not see how far rows were filled up. */
Test(sequences, filling_up_changes_nothing) {
  static const char program[] = PADDED NET
      "predict p on d { yield loss=sum(where(keep, cross_entropy_each(net(ids), next), 0), axis=1) }\n";
  Session *session = opened(program, 1, NULL);
  Runner *runner = runner_new(session, session->task[0]->once, 16);
  const Part *part = dataset_part(session->task[0]->once->data, PART_ALL);
  float tight[16], wide[16];
  cr_assert(runner_run(runner, part->row, 16, &(RunArgs){0}));
  memcpy(tight, runner_value(runner, "yield.0", NULL), sizeof tight);
  runner_longest(runner);
  cr_assert(runner_run(runner, part->row, 16, &(RunArgs){0}));
  memcpy(wide, runner_value(runner, "yield.0", NULL), sizeof wide);
  for (int i = 0; i < 16; i++) cr_expect_float_eq(tight[i], wide[i], 1e-4f, "row %d", i);
  runner_free(runner);
  session_close(session);
}

Test(sequences, whole_columns) {
  Session *session = opened(
      "data d from csv(\"s.csv\") |> limit(6) |> split(valid=2, by=\"order\") { k = kind |> category }\n"
      "data n from lines(\"l.txt\") |> limit(3) { let s = line |> chars |> pad; ids = s.ids }\n"
      "task t { print d.train.heat, d.valid.k, d.rows, n.ids, d.k.counts, d.train.rows + 0 }\n",
      1, NULL);
  Text out = {0};
  static const char *const name[] = {"print.0", "print.1", "print.3"};
  for (int i = 0; i < 3; i++) {
    values_of(session, name[i], NULL, 1, &out);
    text_add(&out, "\n");
  }
  cr_expect_str_eq(text_string(&out),
                   "[4] 0 1 4 9\nint<3>[2] 1 2\nint<9>[3, 8] 1 0 0 0 0 0 0 0 1 3 5 7 8 2 4 6 1 4 7 "
                   "1 0 0 0 0\n");
  text_free(&out);
  session_close(session);
}

/* What was learned comes with the weights and is found again, whatever the new text holds. */
Test(sequences, a_vocabulary_comes_with_the_weights) {
  static const char program[] = PADDED NET FIT_PADDED;
  Session *session = opened(program, 1, NULL);
  cr_assert(train_task(session, session->task[0]) == 0);
  int classes = session->program->fitted[0]->classes;
  const char *from = arena_copy(arena, session->weights_from, strlen(session->weights_from));
  session_close(session);
  file_put("l.txt", "a\nbc\nab\nc\nb\n");
  char path[128];
  snprintf(path, sizeof path, "%s/p.model", folder);
  Options options = {.threads = 1, .quiet = true, .out = folder, .weights = from};
  session = session_open(arena, problems, &options, report, path, ALL_KINDS, NULL, 0);
  cr_assert(session && session_start(session) && session->program->fitteds == 1);
  cr_assert(session->program->fitted[0]->classes == classes && classes > 5);
  cr_assert(session_load(session, from, (Span){0}, NULL, false));
  session_close(session);
}

/* Encoding needs no rows: with weights the file may be gone. */
Test(sequences, a_text_that_is_gone) {
  Session *session = opened(WINDOWS NET FIT_WINDOWS, 1, NULL);
  cr_assert(train_task(session, session->task[0]) == 0);
  const char *from = arena_copy(arena, session->weights_from, strlen(session->weights_from));
  session_close(session);
  char path[128];
  snprintf(path, sizeof path, "%s/t.txt", folder);
  unlink(path);
  file_put("q.model", WINDOWS NET "task t { print encode(d.ids, \"to be\"), d.ids.classes }\n");
  file_put("r.model", WINDOWS NET "task t { print d.train.rows }\n");
  Options options = {.threads = 1, .quiet = true, .out = folder, .weights = from};
  snprintf(path, sizeof path, "%s/q.model", folder);
  session = session_open(arena, problems, &options, report, path, ALL_KINDS, NULL, 0);
  cr_assert(session && session_start(session));
  Text out = {0};
  values_of(session, "print.0", NULL, 1, &out);
  cr_expect_str_eq(text_string(&out), "int<12>[5] 10 7 1 3 4");
  text_free(&out);
  session_close(session);
  snprintf(path, sizeof path, "%s/r.model", folder);
  cr_assert_null(session_open(arena, problems, &options, report, path, ALL_KINDS, NULL, 0));
  cr_assert_str_eq(problems_get(problems, problems_total(problems) - 1)->code, "E0704");
}
