/* IDX files and the table of four of them: small ones written here, plain and gzipped, whole and damaged. */
#include "interpreter/data/idx.h"
#include "interpreter/data/table.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROWS   5
#define TESTS  3
#define HEIGHT 4
#define WIDTH  6
#define IMAGE  (HEIGHT * WIDTH)

static char folder[] = "/tmp/lathe-idx-XXXXXX";
static Arena *arena;
static Problems *problems;

typedef struct {
  const char *name;
  int rank, count;
  unsigned char bytes[4 + 12 + ROWS * IMAGE + 8];
  size_t length;
} Sample;

static Sample sample[4];

static const char *path_of(int i, bool packed) {
  return arena_printf(arena, "%s/%s%s", folder, sample[i].name, packed ? ".gz" : "");
}

static void number_put(Sample *to, uint32_t number) {
  for (int shift = 24; shift >= 0; shift -= 8) to->bytes[to->length++] = (unsigned char)(number >> shift);
}

/* Pixels count up from file to file; label i is i. */
static void samples_make(void) {
  static const Sample start[4] = {{.name = "train-images-idx3-ubyte", .rank = 3, .count = ROWS},
                                  {.name = "train-labels-idx1-ubyte", .rank = 1, .count = ROWS},
                                  {.name = "t10k-images-idx3-ubyte", .rank = 3, .count = TESTS},
                                  {.name = "t10k-labels-idx1-ubyte", .rank = 1, .count = TESTS}};
  int pixel = 0;
  memcpy(sample, start, sizeof sample);
  for (int i = 0; i < 4; i++) {
    number_put(&sample[i], 0x800u + (uint32_t)sample[i].rank);
    number_put(&sample[i], (uint32_t)sample[i].count);
    if (sample[i].rank == 3) {
      number_put(&sample[i], HEIGHT);
      number_put(&sample[i], WIDTH);
    }
    for (int j = 0; j < sample[i].count * (sample[i].rank == 3 ? IMAGE : 1); j++)
      sample[i].bytes[sample[i].length++] = (unsigned char)(sample[i].rank == 3 ? pixel++ : j);
  }
}

static void plain_put(int i) {
  FILE *file = fopen(path_of(i, false), "wb");
  cr_assert_not_null(file);
  fwrite(sample[i].bytes, 1, sample[i].length, file);
  fclose(file);
}

static void packed_put(int i) {
  gzFile file = gzopen(path_of(i, true), "wb");
  cr_assert_not_null(file);
  gzwrite(file, sample[i].bytes, (unsigned)sample[i].length);
  gzclose(file);
}

static void start(void) {
  cr_assert_not_null(mkdtemp(folder));
  arena = arena_new(0);
  problems = problems_new(arena);
  samples_make();
}

static void finish(void) {
  for (int i = 0; i < 4; i++) {
    unlink(path_of(i, false));
    unlink(path_of(i, true));
  }
  rmdir(folder);
  arena_free(arena);
}

TestSuite(idx, .init = start, .fini = finish);

static void all_put(bool packed) {
  for (int i = 0; i < 4; i++)
    if (packed)
      packed_put(i);
    else
      plain_put(i);
}

static void table_is_right(void) {
  Table *table = table_open_mnist(arena, problems, (Span){0}, folder);
  cr_assert_not_null(table);
  cr_expect(!table->loaded && table->column[0].values == NULL);
  cr_expect_eq(table->rows, ROWS + TESTS);
  cr_expect_eq(table->part[PART_TRAIN].count, ROWS);
  cr_expect_eq(table->part[PART_TEST].count, TESTS);
  cr_expect_eq(table->part[PART_TEST].row[0], ROWS);
  cr_expect(table->column[0].rank == 2 && table->column[0].size[0] == HEIGHT &&
            table->column[0].size[1] == WIDTH);
  cr_expect_eq(table->column[1].bound, 10);
  cr_assert(table_load(table, problems, (Span){0}));
  cr_expect(table_load(table, problems, (Span){0}));
  const uint8_t *pixel = table->column[0].values, *label = table->column[1].values;
  for (int i = 0; i < (ROWS + TESTS) * IMAGE; i++) cr_assert_eq(pixel[i], (uint8_t)i);
  for (int i = 0; i < ROWS + TESTS; i++) cr_assert_eq(label[i], i < ROWS ? i : i - ROWS);
  uint8_t image[2][IMAGE];
  column_gather(&table->column[0], (const int64_t[]){7, 1}, 2, 0, image);
  cr_expect(image[0][0] == (uint8_t)(7 * IMAGE) && image[1][IMAGE - 1] == 2 * IMAGE - 1);
  table_close(table);
}

Test(idx, plain) {
  all_put(false);
  table_is_right();
}

Test(idx, packed) {
  all_put(true);
  table_is_right();
}

Test(idx, packed_in_several_members) {
  all_put(true);
  FILE *file = fopen(path_of(0, true), "wb");
  fclose(file);
  for (size_t from = 0; from < sample[0].length; from += 50) {
    gzFile more = gzopen(path_of(0, true), "ab");
    gzwrite(more, sample[0].bytes + from,
            (unsigned)(sample[0].length - from < 50 ? sample[0].length - from : 50));
    gzclose(more);
  }
  table_is_right();
}

Test(idx, steps_leave_the_own_test_part) {
  all_put(true);
  Table *table = table_open_mnist(arena, problems, (Span){0}, folder);
  cr_expect(!table_split(table, problems, (Span){0}, &(Split){.test = 0.2}));
  cr_expect_not_null(strstr(problems_get(problems, 0)->title, "a test part of its own"));
  table_limit(table, 4);
  cr_expect_eq(table->part[PART_ALL].count, 4 + TESTS);
  cr_assert(table_split(table, problems, (Span){0}, &(Split){.valid = 0.5, .by = name_of("label")}));
  cr_expect_eq(table->part[PART_TRAIN].count, 2);
  cr_expect_eq(table->part[PART_VALID].count, 2);
  cr_expect_eq(table->part[PART_TEST].count, TESTS);
  cr_expect(!table_split(table, problems, (Span){0}, &(Split){.valid = 0.5, .by = name_of("image")}));
  table_close(table);
}

/* Opens or loads: a Problem of that code comes that says `words`. */
static void refused(const char *code, const char *words) {
  problems_forget(problems, 0);
  Table *table = table_open_mnist(arena, problems, (Span){0}, folder);
  bool good = table && table_load(table, problems, (Span){0});
  cr_expect(!good, "accepted: %s", words);
  cr_assert_geq(problems_total(problems), 1, "no Problem: %s", words);
  const Problem *problem = problems_get(problems, 0);
  cr_expect_str_eq(problem->code, code);
  cr_expect_eq(problem->exit_code, 3);
  cr_expect_not_null(strstr(problem->title, words), "\"%s\" is not in \"%s\"", words, problem->title);
  table_close(table);
}

/* Byte `at` of a file becomes `byte`, for one refusal, plain and packed. */
static void refused_byte(int i, size_t at, unsigned char byte, const char *code, const char *words) {
  unsigned char before = sample[i].bytes[at];
  sample[i].bytes[at] = byte;
  plain_put(i);
  refused(code, words);
  packed_put(i);
  refused(code, words);
  unlink(path_of(i, true));
  sample[i].bytes[at] = before;
  plain_put(i);
}

Test(idx, headers) {
  all_put(false);
  refused_byte(0, 0, 1, "E0406", "it is no IDX file");
  refused_byte(0, 2, 13, "E0406", "its numbers are not bytes");
  refused_byte(0, 3, 1, "E0406", "has other sizes");
  refused_byte(1, 3, 3, "E0406", "has other sizes");
  refused_byte(0, 7, ROWS + 1, "E0406", "");
  refused_byte(0, 4, 0xff, "E0406", "it ends too early");
  refused_byte(0, 11, 0, "E0406", "sizes that cannot be");
  refused_byte(1, 10, 10, "E0406", "train-labels-idx1-ubyte");
  table_is_right();
}

Test(idx, labels_below_ten) {
  all_put(false);
  refused_byte(3, 8 + 1, 10, "E0406", "label 2: a label is not below 10");
  sample[3].bytes[8 + 1] = 9;
  plain_put(3);
  Table *table = table_open_mnist(arena, problems, (Span){0}, folder);
  cr_expect(table_load(table, problems, (Span){0}));
  table_close(table);
}

Test(idx, counts_and_sizes_agree) {
  all_put(false);
  Sample keep = sample[1];
  sample[1].bytes[7] = ROWS - 1;
  sample[1].length--;
  plain_put(1);
  refused("E0406", "train-images-idx3-ubyte has 5 images, train-labels-idx1-ubyte has 4 labels");
  sample[1] = keep;
  plain_put(1);
  sample[2].bytes[11] = WIDTH;
  sample[2].bytes[15] = HEIGHT;
  plain_put(2);
  refused("E0406", "images of train-images-idx3-ubyte are [4, 6], those of t10k-images-idx3-ubyte [6, 4]");
}

Test(idx, length) {
  all_put(false);
  for (int i = 0; i < 4; i++) {
    size_t length = sample[i].length;
    for (int packed = 0; packed < 2; packed++) {
      sample[i].length = length + 1;
      packed ? packed_put(i) : plain_put(i);
      refused("E0406", "more in it than its header says");
      sample[i].length = length - 1;
      packed ? packed_put(i) : plain_put(i);
      refused("E0406", "it ends too early");
      sample[i].length = 6;
      packed ? packed_put(i) : plain_put(i);
      refused("E0406", "it ends too early");
    }
    unlink(path_of(i, true));
    sample[i].length = length;
    plain_put(i);
  }
  sample[0].length = 0;
  plain_put(0);
  refused("E0406", "it is empty");
}

/* Every byte of a packed file counts: flipped or cut off, it is noticed, or the content is what it was. */
Test(idx, damaged_gzip) {
  int accepted = 0;
  all_put(true);
  for (int i = 0; i < 2; i++) {
    unsigned char bytes[512];
    FILE *file = fopen(path_of(i, true), "rb");
    size_t length = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    for (size_t at = 0; at < 2 * length; at++) {
      file = fopen(path_of(i, true), "wb");
      if (at < length) bytes[at] ^= 0x10;
      fwrite(bytes, 1, at < length ? length : at - length, file);
      if (at < length) bytes[at] ^= 0x10;
      fclose(file);
      problems_forget(problems, 0);
      Table *table = table_open_mnist(arena, problems, (Span){0}, folder);
      bool good = table && table_load(table, problems, (Span){0});
      cr_expect_eq(good, problems_total(problems) == 0);
      cr_expect(!good || at < length, "file %d, cut to %zu of %zu", i, at - length, length);
      for (int j = 0; good && j < ROWS * IMAGE; j++) // bits that mean nothing: gzip's time, padding
        cr_assert_eq(((uint8_t *)table->column[0].values)[j], (uint8_t)j, "file %d, byte %zu", i, at);
      accepted += good;
      table_close(table);
    }
    packed_put(i);
  }
  cr_expect_lt(accepted, 30);
}

Test(idx, absent_and_not_files) {
  all_put(true);
  unlink(path_of(3, true));
  refused("E0406", "t10k-labels-idx1-ubyte is missing");
  mkdir(path_of(3, false), 0700);
  refused("E0704", "t10k-labels-idx1-ubyte");
  rmdir(path_of(3, false));
  mkfifo(path_of(3, false), 0600);
  refused("E0704", "t10k-labels-idx1-ubyte");
}

Test(idx, mnist) {
  const char *mnist = "../shared/data/mnist";
  if (access("../shared/data/mnist/train-images-idx3-ubyte.gz", R_OK) != 0)
    cr_skip_test("../shared/data/mnist is not there");
  Table *table = table_open_mnist(arena, problems, (Span){0}, mnist);
  cr_assert_not_null(table);
  cr_expect_eq(table->rows, 70000);
  cr_expect_eq(table->own_test, 10000);
  cr_assert(table_load(table, problems, (Span){0}));
  static const uint8_t first[] = {5, 0, 4, 1, 9}, tests[] = {7, 2, 1, 0, 4};
  const uint8_t *label = table->column[1].values, *pixel = table->column[0].values;
  cr_expect_eq(memcmp(label, first, 5), 0);
  cr_expect_eq(memcmp(label + 60000, tests, 5), 0);
  uint64_t sum = 0;
  for (size_t i = 0; i < (size_t)60000 * 784; i++) sum += pixel[i];
  cr_expect_float_eq((double)sum / (60000.0 * 784 * 255), 0.1307, 5e-5); // the mean that every tutorial has
  table_close(table);
}
