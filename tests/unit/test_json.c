/* Weights as JSON: what is written is read back bit by bit, and nothing that is wrong is accepted. */
#include "base/text.h"
#include "interpreter/formats/bundle.h"
#include "interpreter/formats/json_document.h"

#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[] = "/tmp/lathe-json-XXXXXX";
static char path[64];
static Arena *arena;
static Problems *problems;

static void start(void) {
  cr_assert_not_null(mkdtemp(folder));
  snprintf(path, sizeof path, "%s/net.json", folder);
  arena = arena_new(0);
  problems = problems_new(arena);
}

static void finish(void) {
  unlink(path);
  rmdir(folder);
  arena_free(arena);
}

TestSuite(json, .init = start, .fini = finish);

static void file_put(const char *text, size_t length) {
  FILE *file = fopen(path, "wb");
  cr_assert_not_null(file);
  cr_assert_eq(fwrite(text, 1, length, file), length);
  fclose(file);
}

static char *file_get(size_t *length) {
  FILE *file = fopen(path, "rb");
  cr_assert_not_null(file);
  char *text = calloc(1, 1 << 20);
  *length = fread(text, 1, 1 << 20, file);
  fclose(file);
  return text;
}

/* Whether the text loads; a refusal must come with a Problem of exit code 3. */
static bool loads(const char *text) {
  file_put(text, strlen(text));
  int before = problems_total(problems);
  Bundle *bundle = bundle_load(arena, problems, (Span){0}, path);
  if (bundle)
    bundle_free(bundle);
  else
    cr_assert_gt(problems_total(problems), before, "no Problem for %s", text);
  bool good = bundle != NULL;
  problems_forget(problems, before);
  return good;
}

static const float AWKWARD[6] = {-0.f, 1e-45f, FLT_MAX, -FLT_MIN, 0.1f, 16777217.f};
static const double WIDE[2] = {0.1, 5e-324};
static const int64_t LONG[3] = {INT64_MIN, INT64_MAX, 0};
static const int32_t WORD[2] = {INT32_MIN, INT32_MAX};
static const uint8_t BYTE[2] = {0, 255}, TRUTH[2] = {1, 0};

static Bundle *sample(void) {
  Bundle *bundle = bundle_new(arena);
  bundle_add(bundle, "net.Dense.0.W", DTYPE_F32, false, 2, (int64_t[]){2, 3}, (void *)AWKWARD);
  bundle_add(bundle, "net.\"odd\"\n.é", DTYPE_F64, true, 1, (int64_t[]){2}, (void *)WIDE);
  bundle_add(bundle, "net.long", DTYPE_I64, true, 1, (int64_t[]){3}, (void *)LONG);
  bundle_add(bundle, "net.word", DTYPE_I32, true, 1, (int64_t[]){2}, (void *)WORD);
  bundle_add(bundle, "net.byte", DTYPE_U8, true, 1, (int64_t[]){2}, (void *)BYTE);
  bundle_add(bundle, "net.truth", DTYPE_BOOL, true, 1, (int64_t[]){2}, (void *)TRUTH);
  bundle_add(bundle, "net.scalar", DTYPE_F32, false, 0, NULL, (void *)&AWKWARD[4]);
  bundle_add(bundle, "net.empty", DTYPE_F32, false, 2, (int64_t[]){0, 4}, NULL);
  bundle->data = cJSON_Parse("{\"titanic\": {\"mean\": [0.1, 1e-300]}}");
  bundle->inputs = cJSON_Parse("[{\"name\": \"x\"}]");
  return bundle;
}

static void same_check(const Bundle *a, const Bundle *b) {
  cr_assert_eq(a->tensors, b->tensors);
  for (int i = 0; i < a->tensors; i++) {
    const BundleTensor *x = &a->tensor[i], *y = bundle_find(b, x->path);
    cr_assert_not_null(y, "%s", x->path);
    cr_assert_eq(x->dtype, y->dtype);
    cr_assert_eq(x->state, y->state);
    cr_assert_eq(x->rank, y->rank);
    size_t bytes = dtype_size(x->dtype);
    for (int k = 0; k < x->rank; k++) {
      cr_assert_eq(x->size[k], y->size[k]);
      bytes *= (size_t)x->size[k];
    }
    if (bytes) cr_assert_eq(memcmp(x->data, y->data, bytes), 0, "%s differs", x->path);
  }
  cr_assert(cJSON_Compare(a->data, b->data, 1));
}

Test(json, round_trip_is_exact) {
  Bundle *bundle = sample();
  for (int base64 = 0; base64 < 2; base64++) {
    cr_assert(bundle_save_json(bundle, problems, path, "net", base64));
    Bundle *back = bundle_load(arena, problems, (Span){0}, path);
    cr_assert_not_null(back);
    same_check(bundle, back);
    cr_assert_str_eq(bundle_text(back, "model"), "net");
    cr_assert(cJSON_Compare(bundle->inputs, back->inputs, 1));
    cr_assert_null(back->outputs);
    bundle_free(back);
  }
  bundle_free(bundle);
}

Test(json, text_is_the_documented_form) {
  Bundle *bundle = bundle_new(arena);
  bundle_add(bundle, "net.Dense.W", DTYPE_F32, false, 2, (int64_t[]){2, 3}, (void *)AWKWARD);
  bundle_add(bundle, "net.seen", DTYPE_I64, true, 0, NULL, (void *)&LONG[2]);
  cr_assert(bundle_save_json(bundle, problems, path, "net", false));
  size_t length;
  char *text = file_get(&length);
  cr_expect_str_eq(text,
                   "{\"lathe\": 1, \"model\": \"net\",\n\"weights\": {\n"
                   "\"net.Dense.W\": {\"shape\": [2, 3], \"data\": [-0,1.40129846e-45,3.40282347e+38,\n"
                   "-1.17549435e-38,0.100000001,16777216]},\n"
                   "\"net.seen\": {\"shape\": [], \"dtype\": \"i64\", \"state\": true, \"data\": [0]}}}\n");
  free(text);
  bundle_free(bundle);
}

Test(json, accepts_any_layout) {
  cr_expect(loads("{\"lathe\": 1, \"weights\": {}}"));
  cr_expect(
      loads("\xef\xbb\xbf \r\n{\"weights\":{\"a\":{\"data\" : [ 1 ,\n2\t] ,\"shape\":[2]}},\"lathe\":1}"));
  cr_expect(loads("{\"lathe\":1,\"weights\":{\"a\":{\"x\":[[[{}]]],\"data\":[],\"shape\":[0]}},\"data\":{"
                  "\"data\":[1,[2]]}}"));
  cr_expect(loads("{\"lathe\":1,\"weights\":{\"a\":{\"shape\":[2],\"data\":\"AAAAAAAAAAA=\"}}}"));
}

Test(json, refuses_what_is_wrong) {
  const char *const wrong[] = {
      "",
      "{",
      "[]",
      "{}",
      "null",
      "{\"weights\": {}}",
      "{\"lathe\": 2, \"weights\": {}}",
      "{\"lathe\": 1}",
      "{\"lathe\": 1, \"weights\": []}",
      "{\"lathe\": 1, \"weights\": {}} x",
      "{\"lathe\": 1, \"weights\": {}}{}",
      "{\"lathe\": 1, \"lathe\": 1, \"weights\": {}}",
      "{\"lathe\": 1, \"weights\": {}, \"weights\": {}}",
      "{\"lathe\": 1, \"weights\": {}, \"model\": 3}",
      "{\"lathe\": 1, \"weights\": {}, \"data\": [1]}",
      "{\"lathe\": 1, \"weights\": {}, \"data\": {\"a\": {\"b\": 1, \"b\": 2}}}",
      "{\"lathe\": 1, \"weights\": {}, \"data\": {\"a\": 1e999}}",
      "{\"lathe\": 1, \"weights\": {}, \"x\": \"\xff\"}",
      "{\"lathe\": 1, \"weights\": {}, \"x\": \"\\u0000\"}",
      "{\"lathe\": 1, \"weights\": {}, \"x\": \"\x01\"}",
  };
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) cr_expect(!loads(wrong[i]), "%s", wrong[i]);
}

Test(json, refuses_wrong_weights) {
  const char *const wrong[] = {
      "\"a\": 1",
      "\"a\": {}",
      "\"\": {\"shape\": [], \"data\": [1]}",
      "\"a\": {\"shape\": [1]}",
      "\"a\": {\"data\": [1]}",
      "\"a\": {\"shape\": [2], \"data\": [1]}",
      "\"a\": {\"shape\": [2], \"data\": [1,2,3]}",
      "\"a\": {\"shape\": [0], \"data\": [1]}",
      "\"a\": {\"shape\": [1], \"data\": []}",
      "\"a\": {\"shape\": [1], \"data\": [1,]}",
      "\"a\": {\"shape\": [2], \"data\": [1,]}",
      "\"a\": {\"shape\": [2], \"data\": [1 2]}",
      "\"a\": {\"shape\": [2], \"data\": [,1]}",
      "\"a\": {\"shape\": [1], \"data\": [nan]}",
      "\"a\": {\"shape\": [1], \"data\": [1e39]}",
      "\"a\": {\"shape\": [1], \"data\": [null]}",
      "\"a\": {\"shape\": [1], \"data\": [[1]]}",
      "\"a\": {\"shape\": [1], \"data\": [\"1\"]}",
      "\"a\": {\"shape\": [1], \"data\": 1}",
      "\"a\": {\"shape\": [1], \"data\": [1], \"data\": [1]}",
      "\"a\": {\"shape\": [1], \"d\\u0061ta\": 0}",
      "\"a\": {\"shape\": [1], \"d\\u0061ta\": [1]}",
      "\"a\": {\"shape\": [1], \"data\": {\"data\": [1]}}",
      "\"a\": {\"shape\": [1], \"data\": [1]}, \"a\": {\"shape\": [1], \"data\": [1]}",
      "\"a\": {\"shape\": [1], \"data\": [1]}, \"\\u0061\": {\"shape\": [1], \"data\": [1]}",
      "\"a\": {\"shape\": [-1], \"data\": [1]}",
      "\"a\": {\"shape\": [1.5], \"data\": [1]}",
      "\"a\": {\"shape\": [1,1,1,1,1,1,1,1,1], \"data\": [1]}",
      "\"a\": {\"shape\": [\"1\"], \"data\": [1]}",
      "\"a\": {\"shape\": [1099511627776, 1099511627776], \"data\": [1]}",
      "\"a\": {\"shape\": [4294967296, 4294967296, 0], \"data\": []}",
      "\"a\": {\"shape\": [281474976710656], \"data\": [1]}",
      "\"a\": {\"shape\": 1, \"data\": [1]}",
      "\"a\": {\"shape\": [1], \"dtype\": \"f16\", \"data\": [1]}",
      "\"a\": {\"shape\": [1], \"dtype\": 1, \"data\": [1]}",
      "\"a\": {\"shape\": [1], \"dtype\": \"u8\", \"data\": [256]}",
      "\"a\": {\"shape\": [1], \"dtype\": \"bool\", \"data\": [2]}",
      "\"a\": {\"shape\": [1], \"dtype\": \"i32\", \"data\": [1.5]}",
      "\"a\": {\"shape\": [1], \"dtype\": \"i32\", \"data\": [2147483648]}",
      "\"a\": {\"shape\": [1], \"state\": 1, \"data\": [1]}",
      "\"a\": {\"shape\": [1], \"data\": \"AAAA\"}",
      "\"a\": {\"shape\": [1], \"data\": \"AACAfw==\"}", // an infinity
      "\"a\": {\"shape\": [1], \"dtype\": \"bool\", \"data\": \"Ag==\"}",
  };
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
    const char *text = arena_printf(arena, "{\"lathe\": 1, \"weights\": {%s}}", wrong[i]);
    cr_expect(!loads(text), "%s", wrong[i]);
  }
}

Test(json, names_the_number_that_is_not_finite) {
  const char *text =
      "{\"lathe\": 1, \"weights\": {\"net.W\": {\"shape\": [2, 2], \"data\": [1, 2, 1e99, 4]}}}";
  file_put(text, strlen(text));
  cr_assert_null(bundle_load(arena, problems, (Span){0}, path));
  const Problem *problem = problems_get(problems, 0);
  cr_expect_str_eq(problem->code, "E0706");
  cr_expect_str_eq(problem->title, "net.W[1, 0] is not a finite number");
  cr_expect_eq(problem->exit_code, 3);
}

Test(json, does_not_save_what_is_not_finite) {
  float number[2] = {1, NAN};
  Bundle *bundle = bundle_new(arena);
  bundle_add(bundle, "net.W", DTYPE_F32, true, 1, (int64_t[]){2}, number);
  cr_expect(!bundle_save_json(bundle, problems, path, "net", false));
  cr_expect_str_eq(problems_get(problems, 0)->code, "E0706");
  cr_expect_neq(access(path, F_OK), 0);
}

Test(json, depth_has_a_limit) {
  for (int depth = JSON_DEPTH - 1; depth <= JSON_DEPTH; depth++) {
    Text text = {0};
    text_add(&text, "{\"lathe\": 1, \"weights\": {}, \"x\": ");
    for (int i = 0; i < depth; i++) text_add(&text, "[");
    for (int i = 0; i < depth; i++) text_add(&text, "]");
    text_add(&text, "}");
    cr_expect_eq(loads(text_string(&text)), depth + 1 <= JSON_DEPTH, "%d", depth + 1);
    text_free(&text);
  }
}

Test(json, every_truncation_is_refused) {
  Bundle *bundle = sample();
  cr_assert(bundle_save_json(bundle, problems, path, "net", false));
  bundle_free(bundle);
  size_t length;
  char *text = file_get(&length);
  for (size_t cut = 0; cut + 1 < length; cut++) { // the last byte is the end of the line
    file_put(text, cut);
    int before = problems_total(problems);
    cr_assert_null(bundle_load(arena, problems, (Span){0}, path), "cut after %zu", cut);
    cr_assert_gt(problems_total(problems), before);
    problems_forget(problems, before);
  }
  free(text);
}

Test(json, damage_is_refused_or_harmless) {
  Bundle *bundle = sample();
  cr_assert(bundle_save_json(bundle, problems, path, "net", false));
  bundle_free(bundle);
  size_t length;
  char *text = file_get(&length);
  for (size_t i = 0; i < length * 8; i++) {
    text[i / 8] ^= (char)(1 << i % 8);
    file_put(text, length);
    int before = problems_total(problems);
    Bundle *back = bundle_load(arena, problems, (Span){0}, path);
    if (back)
      bundle_free(back);
    else
      cr_assert_gt(problems_total(problems), before);
    problems_forget(problems, before);
    text[i / 8] ^= (char)(1 << i % 8);
  }
  free(text);
}
