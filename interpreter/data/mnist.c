/* MNIST and its relatives: a folder of four IDX files as one table.
 *
 * Opening reads the four headers and checks that they agree. Loading brings all values: the training images,
 * most of the bytes by far, are inflated by a thread of their own, right into the column, while this one does
 * the rest. */
#include "interpreter/data/idx.h"
#include "interpreter/data/problems_data.h"
#include "interpreter/data/table.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

#define LABELS       10
#define IMAGES_LIMIT ((size_t)1 << 32) // bytes of all images

typedef enum { TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS, FILES } File;

static const struct {
  const char *name;
  int rank;
} FILE_OF[FILES] = {
    [TRAIN_IMAGES] = {"train-images-idx3-ubyte", 3},
    [TRAIN_LABELS] = {"train-labels-idx1-ubyte", 1},
    [TEST_IMAGES] = {"t10k-images-idx3-ubyte", 3},
    [TEST_LABELS] = {"t10k-labels-idx1-ubyte", 1},
};

typedef struct {
  const char *path[FILES];
  IdxHeader header[FILES];
} Mnist;

/* One file on its way into memory. */
typedef struct {
  const char *path;
  Idx idx;
  unsigned char *dst;
  size_t bytes;
  IdxEnd end;
} Load;

/* Opens it again; its header must be what it was when the table was opened. */
static void load_open(Load *load, const IdxHeader *header) {
  load->bytes = header->bytes;
  load->end = idx_open(&load->idx, load->path, header->rank);
  if (load->end.fine && memcmp(load->idx.header.size, header->size, sizeof header->size) != 0)
    load->end = (IdxEnd){.fault = DATA_IDX_CHANGED};
}

/* Allocates nothing: out of memory is for the main thread to report. */
static void *load_read(void *context) {
  Load *load = context;
  if (load->end.fine) load->end = idx_read(&load->idx, load->dst);
  return NULL;
}

static bool labels_check(Problems *problems, Span span, const Load *load) {
  for (size_t i = 0; i < load->bytes; i++)
    if (load->dst[i] >= LABELS)
      return problem_data_damaged(problems, span, load->path, DATA_LABEL, (int64_t)i + 1), false;
  return true;
}

static bool loads_check(Load *load, Problems *problems, Span span) {
  bool good = true;
  for (int i = 0; i < FILES; i++) {
    idx_close(&load[i].idx);
    if (!load[i].end.fine) idx_problem(problems, span, load[i].path, load[i].end);
    good = load[i].end.fine && (FILE_OF[i].rank > 1 || labels_check(problems, span, &load[i])) && good;
  }
  return good;
}

static bool mnist_load(Table *table, Problems *problems, Span span) {
  const Mnist *mnist = table->reader;
  Column *image = &table->column[0], *label = &table->column[1];
  image->values = memory_alloc((size_t)table->rows, (size_t)column_elements(image));
  label->values = memory_alloc((size_t)table->rows, 1);
  unsigned char *images = image->values, *labels = label->values;
  Load load[FILES];
  for (int i = 0; i < FILES; i++) {
    unsigned char **dst = FILE_OF[i].rank > 1 ? &images : &labels;
    load[i] = (Load){.path = mnist->path[i], .dst = *dst};
    load_open(&load[i], &mnist->header[i]);
    *dst += load[i].bytes;
  }
  pthread_t thread;
  bool threaded = pthread_create(&thread, NULL, load_read, &load[TRAIN_IMAGES]) == 0;
  for (int i = threaded ? 1 : 0; i < FILES; i++) load_read(&load[i]);
  if (threaded) pthread_join(thread, NULL);
  if (loads_check(load, problems, span)) return true;
  memory_free(image->values);
  memory_free(label->values);
  image->values = label->values = NULL;
  return false;
}

/* The file in one of the spellings it is found in. */
static const char *file_find(Arena *arena, const char *folder, const char *name) {
  static const char *const ENDING[] = {".gz", ""};
  for (int i = 0; i < 2; i++) {
    const char *path = arena_printf(arena, "%s/%s%s", folder, name, ENDING[i]);
    if (access(path, F_OK) == 0) return path;
  }
  return NULL;
}

static bool headers_read(Mnist *mnist, Arena *arena, Problems *problems, Span span, const char *folder) {
  for (int i = 0; i < FILES; i++) {
    mnist->path[i] = file_find(arena, folder, FILE_OF[i].name);
    if (!mnist->path[i]) return problem_mnist_absent(problems, span, folder, FILE_OF[i].name), false;
    Idx idx;
    IdxEnd end = idx_open(&idx, mnist->path[i], FILE_OF[i].rank);
    if (!end.fine) return idx_problem(problems, span, mnist->path[i], end), false;
    mnist->header[i] = idx.header;
    idx_close(&idx);
  }
  return true;
}

static bool headers_check(const Mnist *mnist, Problems *problems, Span span) {
  const IdxHeader *header = mnist->header;
  for (int i = TRAIN_IMAGES; i < FILES; i += 2) {
    if (header[i].size[0] == header[i + 1].size[0]) continue;
    problem_mnist_counts(problems, span, mnist->path[i], header[i].size[0], mnist->path[i + 1],
                         header[i + 1].size[0]);
    return false;
  }
  const int64_t *train = header[TRAIN_IMAGES].size + 1, *test = header[TEST_IMAGES].size + 1;
  if (train[0] != test[0] || train[1] != test[1])
    return problem_mnist_sizes(problems, span, mnist->path[TRAIN_IMAGES], train, mnist->path[TEST_IMAGES],
                               test),
           false;
  for (int i = TRAIN_IMAGES; i < FILES; i += 2)
    if (header[i].bytes > IMAGES_LIMIT / 2)
      return problem_data_limit(problems, span, mnist->path[i], DATA_LIMIT_IMAGES, 0), false;
  return true;
}

Table *table_open_mnist(Arena *arena, Problems *problems, Span span, const char *path) {
  Mnist *mnist = ARENA_NEW(arena, Mnist);
  const IdxHeader *header = mnist->header;
  if (!headers_read(mnist, arena, problems, span, path) || !headers_check(mnist, problems, span)) return NULL;
  Table *table = ARENA_NEW(arena, Table);
  *table = (Table){.arena = arena, .kind = "mnist", .span = span, .reader = mnist, .load = mnist_load};
  table->path = arena_copy(arena, path, strlen(path));
  table->own_test = header[TEST_LABELS].size[0];
  table->rows = header[TRAIN_LABELS].size[0] + table->own_test;
  table->columns = 2;
  table->column = ARENA_ARRAY(arena, Column, 2);
  table->column[0] = (Column){.name = name_of("image"), .title = "image", .dtype = DTYPE_U8, .rank = 2};
  memcpy(table->column[0].size, header[TRAIN_IMAGES].size + 1, 2 * sizeof(int64_t));
  table->column[1] = (Column){.name = name_of("label"), .title = "label", .dtype = DTYPE_U8, .bound = LABELS};
  table_parts_start(table);
  return table;
}
