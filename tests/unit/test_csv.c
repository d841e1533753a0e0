/* The CSV reader: what RFC 4180 says, what it leaves open, and what is refused. */
#include "base/text.h"
#include "interpreter/data/csv_number.h"
#include "interpreter/data/preview.h"
#include "interpreter/data/problems_data.h"
#include "interpreter/data/table.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

static char folder[] = "/tmp/lathe-csv-XXXXXX";
static char path[64];
static Arena *arena;
static Problems *problems;
static CsvOptions options;

static void start(void) {
  cr_assert_not_null(mkdtemp(folder));
  snprintf(path, sizeof path, "%s/t.csv", folder);
  arena = arena_new(0);
  problems = problems_new(arena);
  options = (CsvOptions){.header = true, .separator = ','};
}

static void finish(void) {
  unlink(path);
  rmdir(folder);
  arena_free(arena);
}

TestSuite(csv, .init = start, .fini = finish);

static void file_put(const char *text, size_t length) {
  FILE *file = fopen(path, "wb");
  cr_assert_not_null(file);
  cr_assert_eq(fwrite(text, 1, length, file), length);
  fclose(file);
}

static Table *opened_n(const char *text, size_t length) {
  file_put(text, length);
  return table_open_csv(arena, problems, (Span){0}, path, &options);
}

static Table *opened(const char *text) { return opened_n(text, strlen(text)); }

/* The text does not open; the Problem is of that code, has exit code 3 and says `words`. */
static void refused_n(const char *text, size_t length, const char *code, const char *words) {
  problems_forget(problems, 0);
  cr_expect_null(opened_n(text, length), "opened: %.40s", text);
  cr_assert_geq(problems_total(problems), 1, "no Problem: %.40s", text);
  const Problem *problem = problems_get(problems, problems_total(problems) - 1);
  cr_expect_str_eq(problem->code, code);
  cr_expect_eq(problem->exit_code, 3);
  cr_expect_not_null(strstr(problem->title, words), "\"%s\" is not in \"%s\"", words, problem->title);
}

static void refused(const char *text, const char *code, const char *words) {
  refused_n(text, strlen(text), code, words);
}

static void text_is(const Table *table, int column, int64_t row, const char *expected) {
  const Cell *cell = (const Cell *)table->column[column].values + row;
  cr_assert(table->column[column].text);
  if (!expected) {
    cr_expect_null(cell->bytes);
    return;
  }
  cr_assert_not_null(cell->bytes);
  cr_expect(cell->length == strlen(expected) && memcmp(cell->bytes, expected, cell->length) == 0,
            "\"%.*s\" is not \"%s\"", (int)cell->length, cell->bytes, expected);
}

static double number_at(const Table *table, int column, int64_t row) {
  cr_assert(!table->column[column].text);
  return ((const double *)table->column[column].values)[row];
}

Test(csv, columns_are_numbers_or_text) {
  Table *table = opened("a,b,c\n1, x ,-2.5e3\n2,y,.5\n");
  cr_assert_not_null(table);
  cr_expect_eq(table->rows, 2);
  cr_expect_eq(table->columns, 3);
  cr_expect_eq(number_at(table, 0, 1), 2);
  text_is(table, 1, 0, "x");
  cr_expect_eq(number_at(table, 2, 0), -2500);
  cr_expect_eq(number_at(table, 2, 1), 0.5);
  cr_expect_eq(table->part[PART_TRAIN].count, 2);
  cr_expect_eq(table->part[PART_VALID].count, 0);
  table_close(table);
}

Test(csv, quotes) {
  Table *table = opened("a,b\n\"x,\"\"y\"\"\",\"1\n2\"\n \"\" , \" blank \" \n\"\"\"\",z\"z\n");
  cr_assert_not_null(table);
  cr_expect_eq(table->rows, 3);
  text_is(table, 0, 0, "x,\"y\"");
  text_is(table, 1, 0, "1\n2");
  text_is(table, 0, 1, NULL);
  text_is(table, 1, 1, " blank ");
  text_is(table, 0, 2, "\"");
  text_is(table, 1, 2, "z\"z");
  table_close(table);
}

Test(csv, line_ends_and_byte_order_mark) {
  static const char *const texts[] = {"a,b\n1,2\n3,4\n", "a,b\r\n1,2\r\n3,4", "a,b\r1,2\r3,4\r",
                                      "\xef\xbb\xbf\x61,b\n\n1,2\r\n\r\n3,4\n\n", // \x61 is an a
                                      "\r\na,b\r1,2\n3,4"};
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    Table *table = opened(texts[i]);
    cr_assert_not_null(table, "text %zu", i);
    cr_expect_eq(table->rows, 2, "text %zu: %d rows", i, (int)table->rows);
    cr_expect_str_eq(table->column[0].name, "a");
    cr_expect_eq(number_at(table, 1, 1), 4);
    table_close(table);
  }
}

Test(csv, missing_and_odd_values) {
  static const char *const more[] = {"?"};
  options.missing = more;
  options.missing_count = 1;
  Table *table = opened("a,b\n1,x\n,y\nNA,?\nNaN,NA\nnull,5\n?,7\n2,NAN\n");
  cr_assert_not_null(table);
  const Column *a = &table->column[0], *b = &table->column[1];
  cr_expect_eq(a->missing, 5);
  cr_expect(a->missing_row[0] == 2 && a->missing_row[1] == 3 && a->missing_row[2] == 4);
  cr_expect(isnan(number_at(table, 0, 5)));
  cr_expect_eq(b->missing, 2);
  cr_expect_eq(b->odd, 3);
  cr_expect(b->odd_row[0] == 1 && b->odd_row[1] == 2 && b->odd_row[2] == 7);
  int64_t row[3];
  table_drop_missing(table, &b->name, 1);
  cr_expect_eq(table->part[PART_ALL].count, 5);
  cr_expect_eq(column_missing(a, &table->part[PART_ALL], row), 3);
  cr_expect(row[0] == 2 && row[1] == 5 && row[2] == 6);
  table_drop_missing(table, NULL, 0);
  cr_expect_eq(table->part[PART_TRAIN].count, 2);
  table_close(table);
}

Test(csv, names_from_titles) {
  Table *table = opened("pm2.5,Größe (m),,for,1st,%,\"a\nb\"\n1,2,3,4,5,6,7\n");
  static const char *const name[] = {"pm2_5", "Gr__e__m_", "c2", "for_", "_1st", "c5", "a_b"};
  cr_assert_not_null(table);
  for (int i = 0; i < 7; i++) cr_expect_str_eq(table->column[i].name, name[i]);
  cr_expect_str_eq(table->column[0].title, "pm2.5");
  cr_expect_eq(table_column(table, name_of("for_")), &table->column[3]);
  cr_expect_null(table_column(table, name_of("for")));
  table_close(table);
}

Test(csv, without_header) {
  options.header = false;
  options.separator = ';';
  Table *table = opened("\"a\"\"b\";1\nc;2");
  cr_assert_not_null(table);
  cr_expect_eq(table->rows, 2);
  cr_expect_str_eq(table->column[1].name, "c1");
  text_is(table, 0, 0, "a\"b");
  cr_expect_eq(number_at(table, 1, 0), 1);
  table_close(table);
}

Test(csv, tab_separated) {
  options.separator = '\t';
  Table *table = opened("a\tb\n \t1\nx y \t2\n");
  cr_assert_not_null(table);
  text_is(table, 0, 0, NULL);
  text_is(table, 0, 1, "x y");
  table_close(table);
}

Test(csv, header_of_numbers_warns) {
  Table *table = opened("7.4,0.7\n7.8,0.88\n");
  cr_assert_not_null(table);
  cr_expect_eq(problems_count(problems, SEVERITY_WARNING), 1);
  cr_expect_str_eq(problems_get(problems, 0)->code, "W0401");
  cr_expect_eq(problems_count(problems, SEVERITY_ERROR), 0);
  table_close(table);
}

Test(csv, refusals) {
  refused("", "E0406", "empty");
  refused("\n\n", "E0406", "empty");
  refused("a,b\n1,2\n3\n", "E0405", "line 3 of t.csv has 1 field, the first has 2");
  refused("a,b\n\"x\ny\",2\n\n3,4,5\n", "E0405", "line 5 of t.csv has 3 fields");
  refused("a,b\n1,2\n \n", "E0405", "line 3");
  refused("a,b\n\"1,2\n3,4\n", "E0406", "line 2: the quote");
  refused("a,b\n1,\"2\"3\n", "E0406", "line 2: a quoted field goes on");
  refused("a,a\n1,2\n", "E0406", "two columns of t.csv have the name `a`");
  refused("x y,x_y\n1,2\n", "E0406", "`x_y`");
  refused("a,b\n1,\xff\n", "E0406", "line 2: it is not UTF-8");
  refused("\xff\xfe"
          "a",
          "E0406", "UTF-16");
  refused_n("a,b\n1,\0002\n", 9, "E0406", "byte 0");
  options.separator = '"';
  refused("a\n", "E0409", "separate");
}

Test(csv, name_twice_says_the_first_two) {
  refused("b,a,b,a,b\n1,2,3,4,5\n", "E0406", "`b`");
  cr_expect_not_null(strstr(problems_get(problems, 0)->detail, "columns 1 and 3"));
}

/* A text of `length` bytes x as the second field of the first row. */
static char *long_field(size_t length, bool quoted, size_t *total) {
  char *text = malloc(length + 32);
  int before = sprintf(text, "a,b\n1,%s", quoted ? "\"" : "");
  memset(text + before, 'x', length);
  *total = (size_t)before + length + (size_t)sprintf(text + before + length, "%s\n", quoted ? "\"" : "");
  return text;
}

Test(csv, field_limit) {
  for (int quoted = 0; quoted < 2; quoted++)
    for (int more = -1; more <= 1; more++) {
      size_t total;
      char *text = long_field(CSV_FIELD_LIMIT + (size_t)more, quoted, &total);
      if (more > 0) {
        refused_n(text, total, "E0408", "line 2: a field has more than 1 MiB");
      } else {
        Table *table = opened_n(text, total);
        cr_assert_not_null(table);
        cr_expect_eq(((Cell *)table->column[1].values)->length, CSV_FIELD_LIMIT + (size_t)more);
        table_close(table);
      }
      free(text);
    }
}

Test(csv, columns_limit) {
  options.header = false;
  char *text = malloc(CSV_COLUMNS_LIMIT + 2);
  memset(text, ',', CSV_COLUMNS_LIMIT);
  text[CSV_COLUMNS_LIMIT - 1] = '\n'; // separators are one less than fields
  Table *table = opened_n(text, CSV_COLUMNS_LIMIT);
  cr_assert_not_null(table);
  cr_expect_eq(table->columns, CSV_COLUMNS_LIMIT);
  table_close(table);
  memset(text, ',', CSV_COLUMNS_LIMIT);
  refused_n(text, CSV_COLUMNS_LIMIT, "E0408", "65,536 fields");
  free(text);
}

Test(csv, gzip) {
  gzFile file = gzopen(path, "wb");
  cr_assert_eq(gzputs(file, "a,b\n1,2\n"), 8);
  gzclose(file);
  Table *table = table_open_csv(arena, problems, (Span){0}, path, &options);
  cr_assert_not_null(table);
  cr_expect_eq(number_at(table, 1, 0), 2);
  table_close(table);
}

Test(csv, absent_file) {
  unlink(path);
  cr_expect_null(table_open_csv(arena, problems, (Span){0}, path, &options));
  cr_expect_eq(problems_exit_code(problems), 3);
}

Test(csv, numbers) {
  static const char *const good[] = {"0",
                                     "-0",
                                     "+5",
                                     "007",
                                     "1.",
                                     ".5",
                                     "-.5e-3",
                                     "1e22",
                                     "1e23",
                                     "0.1",
                                     "1E+5",
                                     "4.35",
                                     "123456789012345678901234567890",
                                     "5e-324",
                                     "2.2250738585072014e-308",
                                     "9007199254740993",
                                     "1.7976931348623157e308",
                                     "0.000000000000000000000000000001",
                                     "1e-400"};
  static const char *const bad[] = {"",    "-",  ".",  "e5",  "1e",    "1e+", "0x10", "inf",
                                    "nan", "1 ", " 1", "1,2", "1e999", "1_0", "--1",  "1.2.3"};
  double number;
  for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
    cr_expect(csv_number(good[i], strlen(good[i]), &number), "%s", good[i]);
    double expected = strtod(good[i], NULL);
    cr_expect(memcmp(&number, &expected, sizeof number) == 0, "%s is %.17g", good[i], number);
  }
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
    cr_expect(!csv_number(bad[i], strlen(bad[i]), &number), "%s", bad[i]);
  uint64_t seed = 1;
  for (int i = 0; i < 200000; i++) {
    char text[CSV_NUMBER_BYTES];
    double value;
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    memcpy(&value, &seed, sizeof value);
    if (!isfinite(value)) continue;
    size_t length = (size_t)snprintf(text, sizeof text, "%.*g", 1 + i % 17, value);
    double expected = strtod(text, NULL);
    if (isfinite(expected)) cr_expect(csv_number(text, length, &number) && number == expected, "%s", text);
  }
}

Test(csv, shortest_digits) {
  static const struct {
    double number;
    const char *text;
  } known[] = {{0.1, "0.1"}, {3, "3"}, {1.0 / 3, "0.3333333333333333"}, {1e300, "1e+300"}};
  char text[CSV_NUMBER_BYTES];
  for (int i = 0; i < 4; i++) {
    csv_number_print(text, known[i].number);
    cr_expect_str_eq(text, known[i].text);
  }
}

#define TABULAR "../shared/data/tabular/"

Test(csv, titanic) {
  if (access(TABULAR "titanic.csv", R_OK) != 0) cr_skip_test(TABULAR "titanic.csv is not there");
  Table *table = table_open_csv(arena, problems, (Span){0}, TABULAR "titanic.csv", &options);
  cr_assert_not_null(table);
  cr_expect_eq(table->rows, 891);
  cr_expect_eq(table->columns, 15);
  const Column *age = table_column(table, name_of("age"));
  cr_expect_eq(age->missing, 177);
  cr_expect(age->missing_row[0] == 6 && age->missing_row[1] == 18 && age->missing_row[2] == 20);
  cr_expect_eq(table_column(table, name_of("embarked"))->missing, 2);
  problem_missing_values(problems, (Span){0}, table, age);
  const Problem *problem = problems_get(problems, 0);
  cr_expect_str_eq(problem->title, "column `age` has 177 missing values and is used as a number");
  cr_expect_str_eq(problem->detail, "first holes: rows 6, 18, 20 of titanic.csv");
  cr_expect_str_eq(problem->help, "age |> fill(\"median\"), or drop_missing");
  table_close(table);
}

/* As language.md §3.12 draws it. */
Test(csv, missing_values_drawn) {
  static const char program[] =
      "# 1\n# 2\ndata titanic from csv(\"titanic.csv\") {\n  numbers = columns(age, fare, sibsp)\n}\n";
  if (access(TABULAR "titanic.csv", R_OK) != 0) cr_skip_test(TABULAR "titanic.csv is not there");
  const Source *source = source_add("02_titanic.model", program, sizeof program - 1);
  uint32_t at = (uint32_t)(strstr(program, "csv(") - program),
           use = (uint32_t)(strstr(program, "age") - program);
  Table *table =
      table_open_csv(arena, problems, (Span){source->id, at, at + 18}, TABULAR "titanic.csv", &options);
  cr_assert_not_null(table);
  problem_missing_values(problems, (Span){source->id, use, use + 3}, table,
                         table_column(table, name_of("age")));
  Text out = {0};
  problems_draw(problems, &out, false);
  static const char *const parts[] = {
      "error[E0401]: column `age` has 177 missing values and is used as a number\n",
      "^^^ first holes: rows 6, 18, 20 of titanic.csv\n",
      "= help: age |> fill(\"median\"), or drop_missing on line 3\n"};
  for (int i = 0; i < 3; i++)
    cr_expect_not_null(strstr(text_string(&out), parts[i]), "%s is not in:\n%s", parts[i], text_string(&out));
  text_free(&out);
  table_close(table);
}

Test(csv, penguins) {
  if (access(TABULAR "penguins.csv", R_OK) != 0) cr_skip_test(TABULAR "penguins.csv is not there");
  Table *table = table_open_csv(arena, problems, (Span){0}, TABULAR "penguins.csv", &options);
  cr_assert_not_null(table);
  cr_expect_eq(table->rows, 344);
  table_drop_missing(table, NULL, 0);
  cr_expect_eq(table->part[PART_ALL].count, 333);
  double sum = 0;
  const Column *mass = table_column(table, name_of("body_mass_g"));
  for (int i = 0; i < 333; i++) sum += ((double *)mass->values)[table->part[PART_ALL].row[i]];
  cr_expect_float_eq(sum / 333, 4207.0570570570571, 1e-9);
  table_close(table);
}

Test(csv, preview) {
  Table *table =
      opened("name,PM2.5,note\nx\x1b[31m,1.5,aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\ny,,\nx\x1b[31m,2.5,b\n");
  cr_assert_not_null(table);
  Text out = {0};
  table_preview(table, "air", &out, 20);
  char expected[512];
  snprintf(expected, sizeof expected,
           "air  csv  %s\n"
           "rows     3\n"
           "columns  3\n\n"
           "column  type    missing  values\n"
           "name    text          0  2 texts: x\\x1b[31m 2, y 1\n"
           "PM2_5   number        1  1.5 to 2.5, mean 2  (\"PM2.5\")\n"
           "note    text          1  2 texts: aaaaaaaaaaaaaaaaaaa… 1, b 1\n\n"
           "name       PM2_5\n"
           "x\\x1b[31m    1.5\n"
           "y              -\n"
           "x\\x1b[31m    2.5\n"
           "… and 1 more column\n",
           path);
  cr_expect_str_eq(text_string(&out), expected);
  text_free(&out);
  table_close(table);
}
