/* What steps learn from training rows, and that it survives JSON bit by bit. */
#include "interpreter/data/fitted.h"

#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static Arena *arena;
static Problems *problems;
static char path[] = "/tmp/lathe-fitted-XXXXXX";

static void start(void) {
  int descriptor = mkstemp(path);
  cr_assert_geq(descriptor, 0);
  close(descriptor);
  arena = arena_new(0);
  problems = problems_new(arena);
}

static void finish(void) {
  unlink(path);
  arena_free(arena);
}

TestSuite(fitted, .init = start, .fini = finish);

static Table *table_made(const char *text) {
  FILE *file = fopen(path, "w");
  fputs(text, file);
  fclose(file);
  Table *table =
      table_open_csv(arena, problems, (Span){0}, path, &(CsvOptions){.header = true, .separator = ','});
  cr_assert_not_null(table);
  return table;
}

static Fitted *again(const Fitted *fitted) {
  cJSON *json = fitted_to_json(fitted);
  char *text = cJSON_PrintUnformatted(json);
  cJSON *read = cJSON_Parse(text);
  Fitted *back = fitted_from_json(arena, problems, read);
  cJSON_Delete(json);
  cJSON_Delete(read);
  free(text);
  cr_assert_not_null(back);
  return back;
}

static const Problem *last_problem(void) {
  cr_assert_gt(problems_total(problems), 0);
  return problems_get(problems, problems_total(problems) - 1);
}

Test(fitted, standardize) {
  const double values[] = {1, 1e9 + 1, 0.1, 2, 1e9 + 2, 0.1, 3, 1e9 + 3, 0.1, 6, 1e9 + 6, 0.1};
  bool constant[3];
  Fitted *fitted = fitted_standardize(arena, values, 4, 3, constant);
  cr_expect_eq(fitted->center[0], 3);
  cr_expect_float_eq(fitted->spread[0], sqrt(3.5), 1e-15);
  cr_expect_eq(fitted->center[1], 1e9 + 3);
  cr_expect_float_eq(fitted->spread[1], sqrt(3.5), 1e-15);
  cr_expect(fitted->center[2] == 0.1 && fitted->spread[2] == 1);
  cr_expect(!constant[0] && !constant[1] && constant[2]);
  Fitted *back = again(fitted);
  cr_expect(back->kind == FITTED_STANDARDIZE && back->count == 3);
  cr_expect_eq(memcmp(back->center, fitted->center, 3 * sizeof(double)), 0);
  cr_expect_eq(memcmp(back->spread, fitted->spread, 3 * sizeof(double)), 0);
}

/* Rounding in the sums must not make a constant look spread. */
Test(fitted, constants_are_exact) {
  for (int i = 1; i < 1000; i++) {
    double values[49];
    bool constant;
    int rows = 1 + i % 49;
    for (int j = 0; j < rows; j++) values[j] = i / 7.0;
    Fitted *fitted = fitted_standardize(arena, values, rows, 1, &constant);
    cr_assert(constant && fitted->center[0] == i / 7.0 && fitted->spread[0] == 1, "%d rows of %d / 7", rows,
              i);
  }
}

Test(fitted, fill) {
  const double values[] = {5, NAN, 1, 4, NAN, 2};
  cr_expect_eq(fitted_fill(arena, values, 6, "median")->value, 3);
  cr_expect_eq(fitted_fill(arena, values, 6, "mean")->value, 3);
  cr_expect_eq(fitted_fill(arena, values, 3, "median")->value, 3);
  cr_expect_eq(fitted_fill(arena, values + 2, 1, "median")->value, 1);
  cr_expect_null(fitted_fill(arena, values + 1, 1, "mean"));
  Fitted third = {
      .kind = FITTED_FILL, .value = 1.0 / 3, .number = 2, .table = name_of("t"), .field = name_of("f")};
  Fitted *back = again(&third);
  cr_expect(back->value == 1.0 / 3 && back->number == 2 && back->table == name_of("t"));
}

Test(fitted, category_of_texts) {
  Table *table = table_made("port,n\nS,1\nC,2\n,3\nQ,4\nS,5\n\xc3\x84,6\nSa,7\n");
  const Column *port = &table->column[0];
  Fitted *fitted =
      fitted_category(arena, problems, (Span){0}, table, port, &table->part[PART_TRAIN], "unknown");
  static const char *const expected[] = {"C", "Q", "S", "Sa", "\xc3\x84", "unknown"};
  cr_assert_not_null(fitted);
  cr_assert_eq(fitted->classes, 6);
  for (int i = 0; i < 6; i++) cr_expect_str_eq(fitted->class_text[i], expected[i]);
  cr_expect_eq(fitted->missing_class, 5);
  cr_expect_eq(fitted->class_count[2], 2);
  cr_expect_eq(fitted->class_count[5], 1);
  int32_t class_of[7];
  cr_assert(fitted_classify(fitted, problems, (Span){0}, table, port, NULL, class_of));
  static const int32_t classes[] = {2, 0, 5, 1, 2, 4, 3};
  cr_expect_eq(memcmp(class_of, classes, sizeof classes), 0);
  cr_expect_eq(fitted_class(fitted, "Z", 1), 5);
  Fitted *back = again(fitted);
  cr_expect(back->classes == 6 && back->missing_class == 5 && !back->numeric && back->class_count[2] == 2);
  for (int i = 0; i < 6; i++) cr_expect_str_eq(back->class_text[i], expected[i]);
  table_close(table);
}

Test(fitted, category_of_numbers) {
  Table *table = table_made("k\n10\n9\n-0\n0\n2.5\n9\n");
  Fitted *fitted =
      fitted_category(arena, problems, (Span){0}, table, &table->column[0], &table->part[PART_TRAIN], NULL);
  cr_assert_not_null(fitted);
  cr_expect(fitted->numeric && fitted->classes == 4 && fitted->missing_class == -1);
  static const double numbers[] = {0, 2.5, 9, 10};
  for (int i = 0; i < 4; i++) cr_expect_eq(fitted->class_number[i], numbers[i]);
  cr_expect_str_eq(fitted->class_text[1], "2.5");
  cr_expect_eq(fitted->class_count[0], 2);
  cr_expect_eq(fitted_class(fitted, "10.0", 4), 3);
  cr_expect_eq(fitted_class(fitted, "11", 2), -1);
  Fitted *back = again(fitted);
  cr_expect(back->numeric && back->classes == 4 && back->class_number[1] == 2.5);
  table_close(table);
}

/* The same classes, met as text in one file and as numbers in another. */
Test(fitted, category_across_files) {
  Table *texts = table_made("k\n3\n1\nA\n");
  Fitted *fitted =
      fitted_category(arena, problems, (Span){0}, texts, &texts->column[0], &texts->part[PART_ALL], NULL);
  Table *numbers = table_made("k\n1\n3\n");
  int32_t class_of[3];
  cr_assert(fitted_classify(fitted, problems, (Span){0}, numbers, &numbers->column[0], NULL, class_of));
  cr_expect(class_of[0] == 0 && class_of[1] == 1);
  Fitted *numeric = fitted_category(arena, problems, (Span){0}, numbers, &numbers->column[0],
                                    &numbers->part[PART_ALL], "other");
  cr_expect_eq(numeric->classes, 3);
  cr_assert(fitted_classify(numeric, problems, (Span){0}, texts, &texts->column[0], NULL, class_of));
  cr_expect(class_of[0] == 1 && class_of[1] == 0 && class_of[2] == 2);
  cr_expect(again(numeric)->numeric && again(numeric)->missing_class == 2);
  table_close(texts);
  table_close(numbers);
}

Test(fitted, a_value_named_like_the_missing_class) {
  Table *table = table_made("k,n\nunknown,1\n,1\na,1\n");
  Fitted *fitted = fitted_category(arena, problems, (Span){0}, table, &table->column[0],
                                   &table->part[PART_ALL], "unknown");
  cr_expect(fitted->classes == 2 && fitted->missing_class == 1 && fitted->class_count[1] == 2);
  table_close(table);
}

Test(fitted, category_refusals) {
  Table *table = table_made("port,n\nS,1\n,2\nC,3\nZ,4\n");
  const Column *port = &table->column[0];
  cr_expect_null(fitted_category(arena, problems, (Span){0}, table, port, &table->part[PART_ALL], NULL));
  cr_expect_str_eq(last_problem()->code, "E0403");
  cr_expect_str_eq(last_problem()->title, "column `port` has 1 missing value and no class for it");
  cr_expect_not_null(strstr(last_problem()->detail, "row 2 of"));
  Part first = {(int64_t[]){0, 2}, 2}, rest = {(int64_t[]){3}, 1}, hole = {(int64_t[]){1}, 1};
  Fitted *fitted = fitted_category(arena, problems, (Span){0}, table, port, &first, NULL);
  cr_assert_not_null(fitted);
  int32_t class_of[4];
  cr_expect(fitted_classify(fitted, problems, (Span){0}, table, port, &first, class_of));
  cr_expect(class_of[0] == 1 && class_of[1] == -1 && class_of[2] == 0 && class_of[3] == -1);
  cr_expect(!fitted_classify(fitted, problems, (Span){0}, table, port, &rest, class_of));
  cr_expect_str_eq(last_problem()->code, "E0404");
  cr_expect_str_eq(last_problem()->title, "column `port` holds \"Z\", which no training row has");
  cr_expect_str_eq(last_problem()->note, "the classes are C, S");
  cr_expect_not_null(strstr(last_problem()->detail, "row 4 of"));
  problems_forget(problems, 0); // equal ones are kept once
  cr_expect(!fitted_classify(fitted, problems, (Span){0}, table, port, &hole, class_of));
  cr_expect_str_eq(last_problem()->code, "E0403");
  table_close(table);
}

Test(fitted, json_believes_nothing) {
  static const char *const bad[] = {
      "{}",
      "[]",
      "null",
      "{\"kind\": \"whiten\"}",
      "{\"kind\": 3}",
      "{\"kind\": \"fill\"}",
      "{\"kind\": \"fill\", \"value\": \"3\"}",
      "{\"kind\": \"fill\", \"value\": 1e999}",
      "{\"kind\": \"fill\", \"value\": 1, \"number\": -1}",
      "{\"kind\": \"fill\", \"value\": 1, \"number\": 0.5}",
      "{\"kind\": \"standardize\", \"center\": [1], \"spread\": []}",
      "{\"kind\": \"standardize\", \"center\": [], \"spread\": []}",
      "{\"kind\": \"standardize\", \"center\": [1], \"spread\": [0]}",
      "{\"kind\": \"standardize\", \"center\": [null], \"spread\": [1]}",
      "{\"kind\": \"category\", \"classes\": [\"a\"], \"counts\": []}",
      "{\"kind\": \"category\", \"classes\": [\"a\", 1], \"counts\": [1, 1]}",
      "{\"kind\": \"category\", \"classes\": [1, \"a\"], \"counts\": [1, 1]}",
      "{\"kind\": \"category\", \"classes\": [\"b\", \"a\"], \"counts\": [1, 1]}",
      "{\"kind\": \"category\", \"classes\": [1, 1], \"counts\": [1, 1]}",
      "{\"kind\": \"category\", \"classes\": [1, 2], \"counts\": [1, -1]}",
      "{\"kind\": \"category\", \"classes\": [], \"counts\": [], \"missing\": true}",
      "{\"kind\": \"category\", \"classes\": [\"a\"], \"counts\": [1], \"missing\": 1}",
  };
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    cJSON *json = cJSON_Parse(bad[i]);
    int before = problems_total(problems);
    cr_expect_null(fitted_from_json(arena, problems, json), "%s", bad[i]);
    cr_expect_gt(problems_total(problems), before, "%s", bad[i]);
    cr_expect_str_eq(last_problem()->code, "E0410");
    problems_forget(problems, before);
    cJSON_Delete(json);
  }
}

Test(fitted, printed) {
  Text out = {0};
  fitted_print(fitted_standardize(arena, (const double[]){1, 3}, 2, 1, NULL), &out);
  fitted_print(fitted_fill(arena, (const double[]){28}, 1, "mean"), &out);
  cr_expect_str_eq(text_string(&out), "standardize (x - 2) / 1\nfill        28\n");
  text_free(&out);
}
