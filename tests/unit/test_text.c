/* Texts as tables, their characters and words, windows over them, and the order of batches. */
#include "interpreter/data/batches.h"
#include "interpreter/data/tokens.h"
#include "interpreter/data/windows.h"
#include "interpreter/order.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[] = "/tmp/lathe-text-XXXXXX";
static char path[64];
static Arena *arena;
static Problems *problems;

static void start(void) {
  cr_assert_not_null(mkdtemp(folder));
  snprintf(path, sizeof path, "%s/t.txt", folder);
  arena = arena_new(0);
  problems = problems_new(arena);
}

static void finish(void) {
  unlink(path);
  rmdir(folder);
  arena_free(arena);
}

TestSuite(text, .init = start, .fini = finish);

typedef Table *Open(Arena *arena, Problems *problems, Span span, const char *path);

static Table *opened_n(Open *open, const char *text, size_t length) {
  FILE *file = fopen(path, "wb");
  cr_assert(file && fwrite(text, 1, length, file) == length);
  fclose(file);
  return open(arena, problems, (Span){0}, path);
}

static Table *opened(Open *open, const char *text) { return opened_n(open, text, strlen(text)); }

static void cell_is(const Table *table, int64_t row, const char *expected) {
  const Cell *cell = (const Cell *)table->column[0].values + row;
  cr_assert(cell->bytes && cell->length == strlen(expected) && !memcmp(cell->bytes, expected, cell->length),
            "\"%.*s\" is not \"%s\"", (int)cell->length, cell->bytes, expected);
}

Test(text, lines_end_in_three_ways) {
  static const struct {
    const char *text;
    int rows;
    const char *row[4];
  } cases[] = {
      {"a\nb\nc\n", 3, {"a", "b", "c"}},
      {"a\nb\nc", 3, {"a", "b", "c"}},
      {"a\r\nb\r\n", 2, {"a", "b"}},
      {"a\rb\r", 2, {"a", "b"}},
      {"a\r\n\nb\n\r", 4, {"a", "", "b", ""}},
      {"\n", 1, {""}},
      {"one", 1, {"one"}},
      {"\xef\xbb\xbfmark\n", 1, {"mark"}},
      {" a \n", 1, {" a "}},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    Table *table = opened(table_open_lines, cases[i].text);
    cr_assert(table && table->rows == cases[i].rows, "case %zu", i);
    for (int k = 0; k < cases[i].rows; k++) cell_is(table, k, cases[i].row[k]);
    cr_assert(table->part[PART_ALL].count == table->rows && table->part[PART_TRAIN].count == table->rows);
    cr_assert_str_eq(table->column[0].name, "line");
    table_close(table);
  }
}

Test(text, a_text_is_one_row_as_it_is) {
  Table *table = opened(table_open_text, "\xef\xbb\xbfone\r\ntwo\n");
  cr_assert(table && table->rows == 1);
  cell_is(table, 0, "one\r\ntwo\n");
  cr_assert_str_eq(table->column[0].name, "text");
  table_close(table);
}

Test(text, what_is_no_text_is_refused) {
  static const struct {
    const char *bytes;
    size_t length;
    const char *words;
  } cases[] = {
      {"", 0, "empty"},
      {"\xef\xbb\xbf", 3, "empty"},
      {"a\nb\xff\n", 5, "line 2: it is not UTF-8"},
      {"a\0b", 3, "byte 0"},
      {"\xff\xfe"
       "a\0",
       4, "UTF-16"},
      {"ok\n\xc3", 4, "line 2"},
      {"\xed\xa0\x80", 3, "line 1"},
      {"\xc0\x80", 2, "line 1"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    for (int k = 0; k < 2; k++) {
      problems_forget(problems, 0);
      cr_assert_null(opened_n(k ? table_open_text : table_open_lines, cases[i].bytes, cases[i].length),
                     "case %zu", i);
      cr_assert(problems_total(problems) == 1);
      const Problem *problem = problems_get(problems, 0);
      cr_assert_str_eq(problem->code, "E0406");
      cr_assert(strstr(problem->title, cases[i].words), "%s", problem->title);
    }
}

Test(text, order_cuts_characters_not_bytes) {
  Table *table = opened(table_open_text, "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"
                                         "z");
  cr_assert(table_text_characters(table) == 5);
  Split split = {.valid = 0.2, .test = 2, .test_is_rows = true, .by = name_of("order")};
  cr_assert(table_split(table, problems, (Span){0}, &split));
  cr_assert(table->rows == 3);
  cell_is(table, table->part[PART_TRAIN].row[0], "a\xc3\xa9");
  cell_is(table, table->part[PART_VALID].row[0], "\xe2\x82\xac");
  cell_is(table, table->part[PART_TEST].row[0], "\xf0\x9f\x98\x80z");
  cr_assert(table->part[PART_ALL].count == 3);
  table_close(table);

  table = opened(table_open_text, "abcde");
  Split only = {.valid = 0.4, .by = name_of("order")};
  cr_assert(table_split(table, problems, (Span){0}, &only) && table->rows == 2);
  cr_assert(table->part[PART_TEST].count == 0);
  cr_assert(!table_split(table, problems, (Span){0}, &only)); // cut already
  table_close(table);

  table = opened(table_open_text, "abcde");
  Split dealt = {.valid = 0.4};
  cr_assert(!table_split(table, problems, (Span){0}, &dealt));
  cr_assert(strstr(problems_get(problems, problems_total(problems) - 1)->title, "only be cut by order"));
  table_close(table);
}

/* Pieces of a text as "a|b|c". */
static const char *pieces(FittedKind kind, const char *text) {
  Tokens tokens = tokens_of_text(kind, text, strlen(text));
  Text out = {0};
  for (int64_t i = 0; i < tokens.start[1]; i++) {
    if (i) text_add(&out, "|");
    text_add_n(&out, tokens.text[tokens.piece[i]].bytes, tokens.text[tokens.piece[i]].length);
  }
  const char *copy = arena_copy(arena, text_string(&out), out.length);
  text_free(&out);
  tokens_free(&tokens);
  return copy;
}

Test(text, pieces) {
  static const struct {
    FittedKind kind;
    const char *text, *pieces;
  } cases[] = {
      {FITTED_CHARS, "abca", "a|b|c|a"},
      {FITTED_CHARS, "", ""},
      {FITTED_CHARS, "\xc3\xa9 \xf0\x9f\x98\x80\n", "\xc3\xa9| |\xf0\x9f\x98\x80|\n"},
      {FITTED_WORDS, "The King's men, 42 the KING", "the|king's|men|the|king"},
      {FITTED_WORDS, "' '' 'tis o'er'", "'tis|o'er'"},
      {FITTED_WORDS, "", ""},
      {FITTED_WORDS, "... 12 -- !", ""},
      {FITTED_WORDS, "\xc3\x89t\xc3\xa9 \xce\x91\xce\xb8\xce\xb7\xce\xbd\xce\xb1 \xd0\x9c\xd0\xb8\xd1\x80",
       "\xc3\xa9t\xc3\xa9|\xce\xb1\xce\xb8\xce\xb7\xce\xbd\xce\xb1|\xd0\xbc\xd0\xb8\xd1\x80"},
      {FITTED_WORDS, "it\xe2\x80\x99s \xe2\x80\x9cso\xe2\x80\x9d\xe2\x80\x94yes", "it's|so|yes"},
      {FITTED_WORDS, "one", "one"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    cr_expect_str_eq(pieces(cases[i].kind, cases[i].text), cases[i].pieces);
}

/* A column of classes as text: the classes of a row as numbers. */
static const char *row_ids(const Column *column, int64_t row) {
  Text out = {0};
  for (int64_t i = column->start[row]; i < column->start[row + 1]; i++)
    text_printf(&out, "%d ",
                column->dtype == DTYPE_U8 ? ((uint8_t *)column->values)[i] : ((int32_t *)column->values)[i]);
  const char *copy = arena_copy(arena, text_string(&out), out.length);
  text_free(&out);
  return copy;
}

Test(text, characters_are_numbered_by_training_rows) {
  Table *table = opened(table_open_lines, "ba\n\nac\nbb\n");
  Tokens tokens = tokens_of(FITTED_CHARS, table, &table->column[0]);
  Part train = {(int64_t[]){0, 1, 2}, 3};
  Fitted *plain = fitted_tokens(arena, problems, (Span){0}, table, &tokens, &train, &(TokenClasses){0});
  cr_assert(plain->classes == 3 && plain->class_count[0] == 2 && plain->missing_class == -1);
  Column *column = tokens_column(arena, problems, (Span){0}, plain, table, &table->column[0], &tokens);
  cr_assert(column->dtype == DTYPE_U8 && column->bound == 3);
  cr_expect_str_eq(row_ids(column, 0), "1 0 ");
  cr_expect_str_eq(row_ids(column, 1), "");
  cr_expect_str_eq(row_ids(column, 3), "1 1 ");

  Fitted *ends = fitted_tokens(arena, problems, (Span){0}, table, &tokens, &train,
                               &(TokenClasses){.ends = true, .unknown = true});
  cr_assert(ends->classes == 7 && fitted_role(ends, CLASS_PAD) == 0 && fitted_role(ends, CLASS_START) == 1 &&
            fitted_role(ends, CLASS_END) == 2 && fitted_role(ends, CLASS_UNKNOWN) == 6);
  column = tokens_column(arena, problems, (Span){0}, ends, table, &table->column[0], &tokens);
  cr_expect_str_eq(row_ids(column, 0), "1 4 3 2 ");
  cr_expect_str_eq(row_ids(column, 1), "1 2 ");

  // `c` is in no row of this part
  Part few = {(int64_t[]){0}, 1};
  Fitted *lacks = fitted_tokens(arena, problems, (Span){0}, table, &tokens, &few, &(TokenClasses){0});
  cr_assert_null(tokens_column(arena, problems, (Span){0}, lacks, table, &table->column[0], &tokens));
  cr_assert_str_eq(problems_get(problems, problems_total(problems) - 1)->code, "E0421");
  lacks = fitted_tokens(arena, problems, (Span){0}, table, &tokens, &few, &(TokenClasses){.unknown = true});
  column = tokens_column(arena, problems, (Span){0}, lacks, table, &table->column[0], &tokens);
  cr_expect_str_eq(row_ids(column, 2), "0 2 ");

  int64_t before = column->start[table->rows];
  fitted_add_pad(arena, plain,
                 column = tokens_column(arena, problems, (Span){0}, plain, table, &table->column[0], &tokens),
                 table->rows);
  cr_assert(plain->classes == 4 && column->bound == 4 && column->start[table->rows] == before);
  cr_assert_str_eq(plain->class_text[0], "<pad>");
  cr_expect_str_eq(row_ids(column, 0), "2 1 ");
  tokens_free(&tokens);
  table_close(table);
}

Test(text, rare_words_are_one_class) {
  Table *table = opened(table_open_lines, "a b a\nb a c\nd a\n");
  Tokens tokens = tokens_of(FITTED_WORDS, table, &table->column[0]);
  Part train = {(int64_t[]){0, 1}, 2};
  Fitted *fitted =
      fitted_tokens(arena, problems, (Span){0}, table, &tokens, &train, &(TokenClasses){.at_least = 2});
  cr_assert(fitted->classes == 4); // <pad> a b <rare>
  cr_assert(fitted->class_count[1] == 3 && fitted->class_count[2] == 2 && fitted->class_count[3] == 1);
  Column *column = tokens_column(arena, problems, (Span){0}, fitted, table, &table->column[0], &tokens);
  cr_expect_str_eq(row_ids(column, 1), "2 1 3 ");
  cr_expect_str_eq(row_ids(column, 2), "3 1 "); // a word that training never saw
  int32_t *ids;
  cr_assert(fitted_encode(fitted, problems, (Span){0}, "d.x", "B, A! zebra", 11, arena, &ids) == 3);
  cr_assert(ids[0] == 2 && ids[1] == 1 && ids[2] == 3);
  Text out = {0};
  fitted_decode(fitted, (int64_t[]){0, 2, 1, 9, -1, 3}, 6, &out);
  cr_expect_str_eq(text_string(&out), "b a <rare>");
  text_free(&out);
  tokens_free(&tokens);
  table_close(table);
}

Test(text, many_characters_need_wider_classes) {
  Text text = {0};
  for (int i = 0; i < 300; i++) text_printf(&text, "%c%c%c", 0xe4, 0xb8 + i / 64, 0x80 + i % 64);
  Table *table = opened_n(table_open_text, text_string(&text), text.length);
  Tokens tokens = tokens_of(FITTED_CHARS, table, &table->column[0]);
  Fitted *fitted =
      fitted_tokens(arena, problems, (Span){0}, table, &tokens, &table->part[PART_TRAIN], &(TokenClasses){0});
  Column *column = tokens_column(arena, problems, (Span){0}, fitted, table, &table->column[0], &tokens);
  cr_assert(fitted->classes == 300 && column->dtype == DTYPE_I32);
  for (int i = 0; i < 300; i++) cr_assert(((int32_t *)column->values)[i] == i);
  tokens_free(&tokens);
  table_close(table);
  text_free(&text);
}

Test(text, a_vocabulary_survives_json) {
  Table *table = opened(table_open_lines, "ab\nb\"\\\n");
  Tokens tokens = tokens_of(FITTED_CHARS, table, &table->column[0]);
  for (int i = 0; i < 4; i++) {
    Fitted *fitted = fitted_tokens(arena, problems, (Span){0}, table, &tokens, &table->part[PART_TRAIN],
                                   &(TokenClasses){.ends = i & 1, .unknown = i & 2});
    fitted->table = name_of("d"), fitted->field = name_of("x");
    cJSON *json = fitted_to_json(fitted);
    Fitted *again = fitted_from_json(arena, problems, json);
    cr_assert(again && again->kind == FITTED_CHARS && again->classes == fitted->classes &&
              again->first_class == fitted->first_class && again->missing_class == fitted->missing_class);
    for (int k = 0; k < fitted->classes; k++) cr_assert_str_eq(again->class_text[k], fitted->class_text[k]);
    cJSON_ReplaceItemInObject(json, "first", cJSON_CreateNumber(2));
    cr_assert_null(fitted_from_json(arena, problems, json));
    cJSON_DeleteItemFromObject(json, "first");
    cr_assert_null(fitted_from_json(arena, problems, json));
    cJSON_Delete(json);
  }
  tokens_free(&tokens);
  table_close(table);
}

// ---- windows --------------------------------------------------------------------------------------------------

Test(windows, places) {
  static const struct {
    int64_t from, to, length, stride, streams;
    int count;
    int64_t place[8];
  } cases[] = {
      {0, 5, 5, 1, 0, 1, {0}},                // as long as the sequence
      {0, 5, 6, 1, 0, 0, {0}},                // longer
      {0, 6, 5, 1, 0, 2, {0, 1}},             //
      {3, 10, 2, 3, 0, 2, {3, 6}},            // what is left over begins no window
      {0, 10, 2, 4, 0, 3, {0, 4, 8}},         // a stride above the length leaves gaps
      {0, 0, 1, 1, 0, 0, {0}},                // nothing
      {0, 8, 2, 2, 2, 4, {0, 4, 2, 6}},       // two streams: 0 2 and 4 6
      {0, 8, 1, 1, 3, 6, {0, 2, 4, 1, 3, 5}}, // 8 windows, 2 a stream, 2 left out
      {0, 4, 1, 1, 5, 0, {0}},                // fewer windows than streams
      {0, 4, 1, 100, 0, 1, {0}},              //
  };
  Arena *own = arena_new(0);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    Piece piece = {cases[i].from, cases[i].to};
    Part part = windows_place(own, &piece, 1, cases[i].length, cases[i].stride, cases[i].streams);
    cr_assert(part.count == cases[i].count, "case %zu: %d", i, (int)part.count);
    for (int k = 0; k < cases[i].count; k++)
      cr_assert(part.row[k] == cases[i].place[k], "case %zu, window %d", i, k);
  }
  Piece two[] = {{0, 3}, {3, 7}};
  Part part = windows_place(own, two, 2, 3, 1, 0);
  cr_assert(part.count == 3 && part.row[0] == 0 && part.row[1] == 3 && part.row[2] == 4); // none crosses 3
  arena_free(own);
}

Test(windows, a_batch_is_slices_of_one_sequence) {
  double values[] = {0, 1, 2, 3, 4, 5, 6};
  Column column = {.dtype = DTYPE_F64, .rank = 1, .size = {3}, .step = 1, .values = values};
  double got[6];
  column_gather(&column, (const int64_t[]){4, 0}, 2, 0, got);
  cr_assert(!memcmp(got, (double[]){4, 5, 6, 0, 1, 2}, sizeof got));
  Column pairs = {.dtype = DTYPE_F64, .rank = 2, .size = {2, 2}, .step = 2, .values = values};
  column_gather(&pairs, (const int64_t[]){1}, 1, 0, got);
  cr_assert(!memcmp(got, (double[]){2, 3, 4, 5}, 4 * sizeof *got));
  uint8_t bytes[] = {1, 2, 3, 4, 5, 6}, filled[8];
  Column rows = {.dtype = DTYPE_U8, .rank = 1, .start = (int64_t[]){0, 3, 3, 6}, .values = bytes, .most = 2};
  cr_assert(column_length(&rows, 0) == 2 && column_length(&rows, 1) == 0);
  column_gather(&rows, (const int64_t[]){2, 1}, 2, 4, filled);
  cr_assert(!memcmp(filled, (uint8_t[]){4, 5, 0, 0, 0, 0, 0, 0}, sizeof filled));
}

// ---- batches --------------------------------------------------------------------------------------------------

#define ROWS 1234
#define SIZE 8

static int32_t length_of[ROWS];
static int64_t all_rows[ROWS];

static Part rows_with_lengths(void) {
  uint32_t state = 7;
  for (int i = 0; i < ROWS; i++) {
    state = state * 1664525u + 1013904223u;
    length_of[i] = (int32_t)(state >> 28);
    all_rows[i] = i;
  }
  return (Part){all_rows, ROWS};
}

static void cut(Batches *batches, const Part *part, uint64_t seed, uint64_t epoch) {
  RowOrder order = order_new(part, seed, true);
  batches_cut(batches, order_pass(&order, (int64_t)epoch - 1), part->count, true, seed, epoch);
  order_free(&order);
}

Test(batches, every_row_once_and_like_with_like) {
  Part part = rows_with_lengths();
  Batches batches = batches_new(ROWS, SIZE, false, length_of);
  cut(&batches, &part, 5, 1);
  bool seen[ROWS] = {false};
  int shorts = 0;
  int64_t spread = 0;
  for (int64_t b = 0; b < batches.count; b++) {
    int64_t count = batches.start[b + 1] - batches.start[b];
    int32_t low = INT32_MAX, high = 0;
    cr_assert(count == SIZE || count == ROWS % SIZE);
    shorts += count != SIZE;
    for (int64_t i = batches.start[b]; i < batches.start[b + 1]; i++) {
      int64_t row = batches.row[i];
      cr_assert(!seen[row]);
      seen[row] = true;
      if (length_of[row] < low) low = length_of[row];
      if (length_of[row] > high) high = length_of[row];
    }
    spread += high - low;
  }
  cr_assert(shorts == 1 && batches.start[batches.count] == ROWS);
  cr_assert(spread < 2 * batches.count, "lengths in a batch differ by %g",
            (double)spread / (double)batches.count);
  batches_free(&batches);
}

/* The rule of language.md §7, written again in the plainest way. */
static void order_by_the_book(int64_t *row, int64_t *start, uint64_t seed, uint64_t epoch,
                              const int64_t *batch) {
  int64_t at = 0, count = (ROWS + SIZE - 1) / SIZE;
  static int64_t place[ROWS];
  rows_permute(place, ROWS, seed, epoch);
  for (int64_t from = 0; from < ROWS; from += 50 * SIZE)
    for (int64_t i = from; i < from + 50 * SIZE && i < ROWS; i++)
      for (int64_t k = i; k > from && length_of[place[k - 1]] > length_of[place[k]]; k--) {
        int64_t swap = place[k];
        place[k] = place[k - 1];
        place[k - 1] = swap;
      }
  for (int64_t b = 0; b < count; b++) {
    start[b] = at;
    for (int64_t i = batch[b] * SIZE; i < (batch[b] + 1) * SIZE && i < ROWS; i++) row[at++] = place[i];
  }
}

Test(batches, order_is_a_function_of_seed_and_epoch) {
  Part part = rows_with_lengths();
  Batches a = batches_new(ROWS, SIZE, false, length_of), b = batches_new(ROWS, SIZE, false, length_of);
  size_t bytes = sizeof(int64_t) * ROWS;
  cut(&a, &part, 5, 3);
  cut(&b, &part, 5, 1);
  cr_assert(memcmp(a.row, b.row, bytes));
  cut(&b, &part, 6, 3);
  cr_assert(memcmp(a.row, b.row, bytes));
  cut(&b, &part, 5, 3); // whatever came before
  cr_assert(!memcmp(a.row, b.row, bytes));
  // the batches are those of the book; only the order they come in is ours
  static int64_t row[ROWS], start[ROWS + 1], identity[ROWS];
  for (int i = 0; i < ROWS; i++) identity[i] = i;
  order_by_the_book(row, start, 5, 3, identity);
  int64_t found = 0;
  start[a.count] = ROWS;
  for (int64_t k = 0; k < a.count; k++)
    for (int64_t i = 0; i < a.count; i++) {
      int64_t count = a.start[k + 1] - a.start[k];
      found += count == start[i + 1] - start[i] &&
               !memcmp(a.row + a.start[k], row + start[i], sizeof(int64_t) * (size_t)count);
    }
  cr_assert(found == a.count, "%d of %d batches", (int)found, (int)a.count);
  cr_assert(memcmp(a.row, row, bytes));
  batches_free(&a);
  batches_free(&b);
}

Test(batches, without_lengths_or_shuffle) {
  Part part = rows_with_lengths();
  Batches batches = batches_new(ROWS, SIZE, true, length_of);
  batches_cut(&batches, part.row, part.count, false, 5, 1);
  cr_assert(batches.count == ROWS / SIZE && batches.start[batches.count] == ROWS / SIZE * SIZE);
  for (int64_t i = 0; i < batches.start[batches.count]; i++) cr_assert(batches.row[i] == i);
  batches_free(&batches);
  static int64_t permuted[ROWS];
  batches = batches_new(ROWS, SIZE, false, NULL);
  cut(&batches, &part, 5, 2);
  rows_permute(permuted, ROWS, 5, 2);
  cr_assert(!memcmp(batches.row, permuted, sizeof permuted));
  batches_free(&batches);
}

// ---- objects a line -------------------------------------------------------------------------------------------

TestSuite(jsonl, .init = start, .fini = finish);

Test(jsonl, kinds_of_columns) {
  Table *table =
      opened(table_open_jsonl, "{\"n\": 1, \"t\": \"a\\u00e9\", \"l\": [1, 2.5], \"b\": true, \"m\": 3}\r\n"
                               "\n  \n{\"l\": [], \"n\": null, \"m\": \"x\", \"more\": {\"k\": [1, \"y\"]}}\n"
                               "{\"b\": false, \"t\": \"\", \"n\": -2e3}");
  cr_assert(table && table->rows == 3 && table->columns == 6);
  const Column *n = table_column(table, name_of("n")), *t = table_column(table, name_of("t")),
               *l = table_column(table, name_of("l")), *b = table_column(table, name_of("b")),
               *m = table_column(table, name_of("m")), *more = table_column(table, name_of("more"));
  cr_assert(!n->text && n->missing == 1 && n->missing_row[0] == 2 && ((double *)n->values)[2] == -2000);
  cr_assert(t->text && t->missing == 1);
  cr_expect_str_eq(column_text(arena, t, 0), "a\xc3\xa9");
  cr_expect_str_eq(column_text(arena, t, 2), "");
  cr_assert(l->start && l->start[1] == 2 && l->start[2] == 2 && l->start[3] == 2 &&
            ((double *)l->values)[1] == 2.5);
  cr_assert(!b->text && ((double *)b->values)[0] == 1 && ((double *)b->values)[2] == 0);
  cr_assert(m->text && m->odd == 1 && m->odd_row[0] == 2);
  cr_expect_str_eq(column_text(arena, m, 0), "3");
  cr_expect_str_eq(column_text(arena, more, 1), "{\"k\":[1,\"y\"]}");
  cr_assert(more->missing == 2);
  table_close(table);
}

Test(jsonl, what_is_no_object_is_refused) {
  static const char *const cases[][2] = {{"", "empty"},
                                         {"\n \n", "empty"},
                                         {"{\"a\": 1}\n[1]\n", "line 2: it is no JSON object"},
                                         {"{\"a\": 1}{\"a\": 2}\n", "line 1"},
                                         {"{\"a\": 1, \"a\": 2}\n", "line 1"},
                                         {"{\"a\": 1e999}\n", "line 1"},
                                         {"{\"a\": NaN}\n", "line 1"},
                                         {"{\"a\": 1\n}\n", "line 1"},
                                         {"\n\n{\n", "line 3"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    problems_forget(problems, 0);
    cr_assert_null(opened(table_open_jsonl, cases[i][0]), "case %zu", i);
    cr_assert(problems_total(problems) == 1);
    cr_assert(strstr(problems_get(problems, 0)->title, cases[i][1]), "%s", problems_get(problems, 0)->title);
  }
  Text deep = {0};
  text_add(&deep, "{\"a\": ");
  for (int i = 0; i < 100000; i++) text_add(&deep, "[");
  cr_assert_null(opened(table_open_jsonl, text_string(&deep)));
  text_free(&deep);
}

Test(jsonl, keys_that_are_no_names) {
  Table *table = opened(table_open_jsonl, "{\"a b\": 1, \"\": 2, \"for\": 3}\n");
  cr_assert(table && table_column(table, name_of("a_b")) && table_column(table, name_of("c1")) &&
            table_column(table, name_of("for_")));
  table_close(table);
  cr_assert_null(opened(table_open_jsonl, "{\"a b\": 1, \"a.b\": 2}\n"));
}

// ---- tables of tables -----------------------------------------------------------------------------------------

static Table *of_csv(const char *text) {
  FILE *file = fopen(path, "wb");
  cr_assert(file && fwrite(text, 1, strlen(text), file) == strlen(text));
  fclose(file);
  CsvOptions options = {.header = true, .separator = ','};
  Table *table = table_open_csv(arena, problems, (Span){0}, path, &options);
  cr_assert_not_null(table);
  return table;
}

Test(jsonl, join_by_numbers_and_texts) {
  Table *left = of_csv("id,town\n3,Oslo\n1,Rome\n7,Bari\n,Oslo\n"),
        *right = of_csv("id,x\n1,10\n3,30\n9,90\n");
  cr_assert(table_join(left, right, problems, (Span){0}, name_of("id"), true));
  const Column *x = table_column(left, name_of("x"));
  const double *value = x->values;
  cr_assert(x && value[0] == 30 && value[1] == 10 && isnan(value[2]) && isnan(value[3]));
  cr_assert(x->missing == 2 && x->missing_row[0] == 3 && x->missing_row[1] == 4);
  Table *towns = of_csv("town,land\nOslo,NO\nRome,IT\n");
  cr_assert(table_join(left, towns, problems, (Span){0}, name_of("town"), false));
  const Part *all = &left->part[PART_ALL];
  cr_assert(all->count == 3 && all->row[2] == 3 && left->part[PART_TRAIN].count == 3);
  cr_expect_str_eq(column_text(arena, table_column(left, name_of("land")), 3), "NO");
  cr_assert_null(column_text(arena, table_column(left, name_of("land")), 2));
  table_close(left);
  table_close(right);
  table_close(towns);
}

Test(jsonl, a_table_of_a_part) {
  Table *from = of_csv("x,k\n1,a\n2,b\n3,a\n4,b\n5,a\n");
  Split split = {.valid = 2, .valid_is_rows = true, .by = name_of("order")};
  cr_assert(table_split(from, problems, (Span){0}, &split));
  Table *table = table_of_table(arena, from, &from->part[PART_VALID], (Span){0});
  cr_assert(table->part[PART_ALL].count == 2 && table->part[PART_TRAIN].count == 2 &&
            table->part[PART_VALID].count == 0);
  cr_assert(table->part[PART_ALL].row[0] == 3);
  cr_assert(table_split(table, problems, (Span){0}, &(Split){.valid = 0.5}));
  table_close(table); // the columns are the other table's
  cr_assert(((double *)from->column[0].values)[4] == 5);
  table_close(from);
}
