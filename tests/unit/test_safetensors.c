/* Weights as safetensors: exact round trips, every damaged bit and every truncation found, foreign files read. */
#include "base/text.h"
#include "interpreter/formats/bundle.h"

#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[] = "/tmp/lathe-safetensors-XXXXXX";
static char path[64];
static Arena *arena;
static Problems *problems;

static void start(void) {
  cr_assert_not_null(mkdtemp(folder));
  snprintf(path, sizeof path, "%s/best.safetensors", folder);
  arena = arena_new(0);
  problems = problems_new(arena);
}

static void finish(void) {
  unlink(path);
  rmdir(folder);
  arena_free(arena);
}

TestSuite(safetensors, .init = start, .fini = finish);

static void file_put(const char *bytes, size_t length) {
  FILE *file = fopen(path, "wb");
  cr_assert_not_null(file);
  cr_assert_eq(fwrite(bytes, 1, length, file), length);
  fclose(file);
}

static char *file_get(size_t *length) {
  FILE *file = fopen(path, "rb");
  cr_assert_not_null(file);
  char *bytes = calloc(1, 1 << 20);
  *length = fread(bytes, 1, 1 << 20, file);
  fclose(file);
  return bytes;
}

/* Whether the bytes load; a refusal must come with a Problem. */
static bool loads(const char *bytes, size_t length) {
  file_put(bytes, length);
  int before = problems_total(problems);
  Bundle *bundle = bundle_load(arena, problems, (Span){0}, path);
  if (bundle)
    bundle_free(bundle);
  else
    cr_assert_gt(problems_total(problems), before);
  problems_forget(problems, before);
  return bundle != NULL;
}

/* A file made of a header and so many bytes of data (all zero). */
static bool header_loads(const char *header, size_t data) {
  uint64_t length = strlen(header);
  char *bytes = calloc(1, 8 + length + data);
  memcpy(bytes, &length, 8);
  memcpy(bytes + 8, header, length);
  bool good = loads(bytes, 8 + length + data);
  free(bytes);
  return good;
}

static const float WEIGHT[4] = {-0.f, 1e-45f, FLT_MAX, 0.1f};
static const double WIDE[2] = {INFINITY, 5e-324};
static const int64_t LONG[1] = {INT64_MIN};
static const uint8_t BYTE[3] = {0, 255, 7}, TRUTH[2] = {1, 0};

static Bundle *sample(void) {
  Bundle *bundle = bundle_new(arena);
  bundle_set_text(bundle, "program", "model net(x) =\n  x |> \"Dense\"\t\\ ü");
  bundle_add(bundle, "net.byte", DTYPE_U8, true, 1, (int64_t[]){3}, (void *)BYTE);
  bundle_add(bundle, "net.Dense.W", DTYPE_F32, false, 2, (int64_t[]){2, 2}, (void *)WEIGHT);
  bundle_add(bundle, "net.wide", DTYPE_F64, true, 1, (int64_t[]){2}, (void *)WIDE);
  bundle_add(bundle, "net.long", DTYPE_I64, true, 0, NULL, (void *)LONG);
  bundle_add(bundle, "net.truth", DTYPE_BOOL, false, 1, (int64_t[]){2}, (void *)TRUTH);
  bundle_add(bundle, "net.empty", DTYPE_F32, false, 1, (int64_t[]){0}, NULL);
  bundle->data = cJSON_Parse("{\"titanic\": {\"mean\": [0.1, 1e-300], \"class\": [\"a\\\"b\"]}}");
  return bundle;
}

Test(safetensors, round_trip_is_exact) {
  Bundle *bundle = sample();
  cr_assert(bundle_save_safetensors(bundle, problems, path));
  Bundle *back = bundle_load(arena, problems, (Span){0}, path);
  cr_assert_not_null(back);
  cr_assert_eq(back->tensors, bundle->tensors);
  cr_assert_eq(back->texts, 1);
  cr_expect_str_eq(bundle_text(back, "program"), bundle_text(bundle, "program"));
  cr_expect(cJSON_Compare(back->data, bundle->data, 1));
  for (int i = 0; i < bundle->tensors; i++) {
    const BundleTensor *x = &bundle->tensor[i], *y = bundle_find(back, x->path);
    cr_assert_not_null(y, "%s", x->path);
    cr_expect_eq(x->dtype, y->dtype);
    cr_expect_eq(x->state, y->state, "%s", x->path);
    cr_assert_eq(x->rank, y->rank);
    size_t bytes = dtype_size(x->dtype);
    for (int k = 0; k < x->rank; k++) bytes *= (size_t)x->size[k];
    if (bytes) cr_expect_eq(memcmp(x->data, y->data, bytes), 0, "%s", x->path);
  }
  bundle_free(back);
  bundle_free(bundle);
}

Test(safetensors, every_flipped_bit_is_found) {
  Bundle *bundle = sample();
  cr_assert(bundle_save_safetensors(bundle, problems, path));
  bundle_free(bundle);
  size_t length;
  char *bytes = file_get(&length);
  cr_assert(loads(bytes, length));
  for (size_t i = 0; i < length * 8; i++) {
    bytes[i / 8] ^= (char)(1 << i % 8);
    cr_assert(!loads(bytes, length), "byte %zu, bit %zu", i / 8, i % 8);
    bytes[i / 8] ^= (char)(1 << i % 8);
  }
  for (size_t i = 0; i < length; i++) cr_assert(!loads(bytes, i), "cut after %zu", i);
  cr_assert(!loads(bytes, length + 1), "one byte too many");
  free(bytes);
}

Test(safetensors, reads_files_of_others) {
  cr_expect(header_loads("{}", 0));
  cr_expect(header_loads(
      "{\"__metadata__\":{\"format\":\"pt\"},\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}",
      8));
  cr_expect(header_loads("{\"b\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[1,5]},"
                         "\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}   ",
                         5));
}

Test(safetensors, refuses_what_is_wrong) {
  const struct {
    const char *header;
    size_t data;
  } wrong[] = {
      {"{\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 9},
      {"{\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 7},
      {"{\"w\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}}", 8},
      {"{\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,0]}}", 8},
      {"{\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[-1,7]}}", 8},
      {"{\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8,8]}}", 8},
      {"{\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8.5]}}", 8},
      {"{\"w\":{\"dtype\":\"F16\",\"shape\":[2],\"data_offsets\":[0,4]}}", 4},
      {"{\"w\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904],\"data_offsets\":[0,8]}}", 8},
      {"{\"w\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1,1,2],\"data_offsets\":[0,8]}}", 8},
      {"{\"\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8},
      {"{\"w\":[]}", 0},
      {"{\"w\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},\"w\":{\"dtype\":\"U8\",\"shape\":[1],"
       "\"data_offsets\":[1,2]}}",
       2},
      {"{\"w\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},\"v\":{\"dtype\":\"U8\",\"shape\":[2],"
       "\"data_offsets\":[1,3]}}",
       3},
      {"{\"w\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},\"v\":{\"dtype\":\"U8\",\"shape\":[1],"
       "\"data_offsets\":[2,3]}}",
       3},
      {"{\"__metadata__\":[]}", 0},
      {"{\"__metadata__\":{\"a\":1}}", 0},
      {"{\"__metadata__\":{\"lathe.format\":\"1\"}}", 0},
      {"{\"__metadata__\":{\"lathe.crc32c\":\"00000000\"}}", 0},
      {"{} x", 0},
  };
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
    cr_expect(!header_loads(wrong[i].header, wrong[i].data), "%s", wrong[i].header);
}

Test(safetensors, weights_must_be_finite) {
  float number[2] = {1, INFINITY};
  Bundle *bundle = bundle_new(arena);
  bundle_add(bundle, "net.W", DTYPE_F32, false, 1, (int64_t[]){2}, number);
  cr_expect(!bundle_save_safetensors(bundle, problems, path));
  cr_expect_str_eq(problems_get(problems, 0)->title, "net.W[1] is not a finite number");
  cr_expect_neq(access(path, F_OK), 0);
}

Test(safetensors, same_bundle_same_bytes) {
  size_t first_length, second_length;
  Bundle *bundle = sample();
  cr_assert(bundle_save_safetensors(bundle, problems, path));
  char *first = file_get(&first_length);
  cr_assert(bundle_save_safetensors(bundle, problems, path));
  char *second = file_get(&second_length);
  cr_expect_eq(first_length, second_length);
  cr_expect_eq(memcmp(first, second, first_length), 0);
  free(first);
  free(second);
  bundle_free(bundle);
}

Test(safetensors, find_takes_a_zero_for_nothing) {
  Bundle *bundle = bundle_new(arena);
  bundle_add(bundle, "net.Dense.W", DTYPE_F32, false, 0, NULL, (void *)WEIGHT);
  bundle_add(bundle, "net.Conv.0.K", DTYPE_F32, false, 0, NULL, (void *)WEIGHT);
  bundle_add(bundle, "net.Conv.1.K", DTYPE_F32, false, 0, NULL, (void *)WEIGHT);
  bundle_add(bundle, "net.b.0", DTYPE_F32, false, 0, NULL, (void *)WEIGHT);
  const struct {
    const char *asked, *found;
  } pair[] = {{"net.Dense.W", "net.Dense.W"},
              {"net.Dense.0.W", "net.Dense.W"},
              {"net.Conv.K", "net.Conv.0.K"},
              {"net.Conv.1.K", "net.Conv.1.K"},
              {"net.b", "net.b.0"},
              {"net.Dense.1.W", NULL},
              {"net.Dense", NULL},
              {"net.Dense.W.1", NULL},
              {"net.Conv.10.K", NULL}};
  for (size_t i = 0; i < sizeof pair / sizeof pair[0]; i++) {
    const BundleTensor *tensor = bundle_find(bundle, pair[i].asked);
    cr_expect_eq(tensor != NULL, pair[i].found != NULL, "%s", pair[i].asked);
    if (tensor && pair[i].found) cr_expect_str_eq(tensor->path, pair[i].found);
  }
}
