/* Weights from a JSON document.
 *
 * The document comes with its number arrays cut out; each array is read here by a scanner that knows how
 * many numbers of which type there must be, and allocates only after it has seen that the text is long enough
 * to hold them. What is not exactly as language.md §5.2 says is refused, with the weight's name and place. */
#include "base/size.h"
#include "interpreter/formats/base64.h"
#include "interpreter/formats/json_document.h"
#include "interpreter/formats/number_text.h"
#include "interpreter/formats/weights_file.h"

#include <math.h>
#include <string.h>

#define FORMAT_VERSION 1

/* Where the numbers of one weight are. */
typedef struct {
  BundleTensor *tensor;
  int64_t elements;
  const JsonArray *array; // NULL: `base64` holds them
  const char *base64;
} WeightSource;

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

static const char *blanks_skip(const char *at, const char *end) {
  while (at < end && is_blank(*at)) at++;
  return at;
}

/* Where a number begins or ends badly: "net.Dense.0.W, number 17 (line 3, byte 9)", counting from 1. */
static const char *number_place(Arena *arena, const char *path, int64_t index, const char *text,
                                const char *at) {
  return arena_printf(arena, "%s, number %lld (%s)", path, (long long)index + 1, json_place(arena, text, at));
}

static const int64_t INT_LOWEST[DTYPE_COUNT] = {[DTYPE_I32] = INT32_MIN, [DTYPE_I64] = INT64_MIN};
static const int64_t INT_HIGHEST[DTYPE_COUNT] = {
    [DTYPE_BOOL] = 1, [DTYPE_U8] = UINT8_MAX, [DTYPE_I32] = INT32_MAX, [DTYPE_I64] = INT64_MAX};

static void int_store(BundleTensor *tensor, int64_t i, int64_t number) {
  switch (tensor->dtype) {
  case DTYPE_I64: ((int64_t *)tensor->data)[i] = number; break;
  case DTYPE_I32: ((int32_t *)tensor->data)[i] = (int32_t)number; break;
  default: ((uint8_t *)tensor->data)[i] = (uint8_t)number;
  }
}

/* One number into place i; NULL if there is none at `at`. *fits: it is within its type. */
static const char *number_store(BundleTensor *tensor, int64_t i, const char *at, const char *end,
                                bool *fits) {
  *fits = true;
  if (tensor->dtype == DTYPE_F32) return number_read_f32(at, end, (float *)tensor->data + i);
  if (tensor->dtype == DTYPE_F64) return number_read_f64(at, end, (double *)tensor->data + i);
  int64_t number;
  at = number_read_int(at, end, &number);
  if (!at) return NULL;
  *fits = number >= INT_LOWEST[tensor->dtype] && number <= INT_HIGHEST[tensor->dtype];
  if (*fits) int_store(tensor, i, number);
  return at;
}

static bool numbers_read(Bundle *bundle, const WeightsFile *file, const char *text,
                         const WeightSource *source) {
  Arena *arena = bundle->arena;
  BundleTensor *tensor = source->tensor;
  const char *at = source->array->start, *end = source->array->end;
  // n numbers take at least n digits and n - 1 commas
  if (source->elements > 0 && (end - at) / 2 + 1 < source->elements)
    return weights_damaged(file, DAMAGE_COUNT_FEW, tensor->path);
  tensor->data = arena_alloc(arena, (size_t)source->elements, dtype_size(tensor->dtype));
  at = blanks_skip(at, end);
  if (source->elements == 0) return at == end || weights_damaged(file, DAMAGE_COUNT_MANY, tensor->path);
  for (int64_t i = 0; i < source->elements; i++) {
    bool fits;
    if (at == end && i == 0) return weights_damaged(file, DAMAGE_COUNT_FEW, tensor->path);
    const char *next = number_store(tensor, i, at, end, &fits);
    if (!next || !fits)
      return weights_damaged(file, next ? DAMAGE_NUMBER_RANGE : DAMAGE_NUMBER,
                             number_place(arena, tensor->path, i, text, at));
    at = blanks_skip(next, end);
    bool last = i + 1 == source->elements;
    if (at == end) return last || weights_damaged(file, DAMAGE_COUNT_FEW, tensor->path);
    if (*at != ',')
      return weights_damaged(file, DAMAGE_NUMBER, number_place(arena, tensor->path, i, text, at));
    if (last) return weights_damaged(file, DAMAGE_COUNT_MANY, tensor->path);
    at = blanks_skip(at + 1, end);
  }
  return true;
}

static bool base64_decode(Bundle *bundle, const WeightsFile *file, const WeightSource *source) {
  BundleTensor *tensor = source->tensor;
  size_t characters = strlen(source->base64), length;
  bool good = size_mul((size_t)source->elements, dtype_size(tensor->dtype), &length) &&
              characters / 4 == length / 3 + (length % 3 != 0);
  if (good) {
    tensor->data = arena_alloc(bundle->arena, (size_t)source->elements, dtype_size(tensor->dtype));
    good = base64_read(source->base64, characters, tensor->data, length);
  }
  return good || weights_damaged(file, DAMAGE_BASE64, tensor->path);
}

static bool dtype_read(const cJSON *item, DType *dtype) {
  *dtype = DTYPE_F32;
  if (!item) return true;
  for (int i = 0; i < DTYPE_COUNT; i++) {
    *dtype = (DType)i;
    if (cJSON_IsString(item) && strcmp(item->valuestring, dtype_name(*dtype)) == 0) return true;
  }
  return false;
}

/* One member of "weights"; `array` is what was cut out of it, NULL if nothing was. */
static bool weight_read(Bundle *bundle, const WeightsFile *file, const char *text, const cJSON *item,
                        const JsonArray *array) {
  const char *name = item->string;
  if (!*name) return weights_damaged(file, DAMAGE_NAME, NULL);
  DType dtype;
  int rank;
  int64_t size[MAX_RANK], elements;
  const cJSON *state = cJSON_GetObjectItemCaseSensitive(item, "state");
  const cJSON *data = cJSON_GetObjectItemCaseSensitive(item, "data");
  if (!cJSON_IsObject(item) || (state && !cJSON_IsBool(state)))
    return weights_damaged(file, DAMAGE_FIELD, name);
  if (!dtype_read(cJSON_GetObjectItemCaseSensitive(item, "dtype"), &dtype))
    return weights_damaged(file, DAMAGE_DTYPE, name);
  if (!weights_shape(cJSON_GetObjectItemCaseSensitive(item, "shape"), &rank, size, &elements))
    return weights_damaged(file, DAMAGE_SHAPE, name);
  if (array ? !cJSON_IsNumber(data) : !cJSON_IsString(data))
    return weights_damaged(file, DAMAGE_NO_DATA, name);
  WeightSource source = {.tensor = bundle_add(bundle, name, dtype, cJSON_IsTrue(state), rank, size, NULL),
                         .elements = elements,
                         .array = array,
                         .base64 = array ? NULL : data->valuestring};
  bool good = array ? numbers_read(bundle, file, text, &source) : base64_decode(bundle, file, &source);
  return good && weights_numbers_good(file, source.tensor, false, false);
}

static bool weights_fill(Bundle *bundle, const WeightsFile *file, const char *text,
                         const JsonDocument *document) {
  const cJSON *weights = cJSON_GetObjectItemCaseSensitive(document->root, "weights"), *item;
  if (!cJSON_IsObject(weights)) return weights_damaged(file, DAMAGE_NO_WEIGHTS, NULL);
  int64_t member = 0;
  int next = 0; // arrays come in the order of the members
  cJSON_ArrayForEach(item, weights) {
    const JsonArray *array = next < document->arrays ? &document->array[next] : NULL;
    if (array && array->member == member)
      next++;
    else
      array = NULL;
    if (!weight_read(bundle, file, text, item, array)) return false;
    member++;
  }
  return next == document->arrays || weights_damaged(file, DAMAGE_NO_DATA, NULL);
}

static bool envelope_check(const WeightsFile *file, const cJSON *root) {
  const cJSON *mark = cJSON_GetObjectItemCaseSensitive(root, "lathe");
  const cJSON *model = cJSON_GetObjectItemCaseSensitive(root, "model");
  const cJSON *data = cJSON_GetObjectItemCaseSensitive(root, "data");
  if (!cJSON_IsNumber(mark)) return weights_damaged(file, DAMAGE_NO_MARK, NULL);
  if (fabs(mark->valuedouble - FORMAT_VERSION) > 0) return weights_damaged(file, DAMAGE_NEWER, NULL);
  if (model && !cJSON_IsString(model)) return weights_damaged(file, DAMAGE_FIELD, "\"model\"");
  if (data && !cJSON_IsObject(data)) return weights_damaged(file, DAMAGE_FIELD, "\"data\"");
  return true;
}

bool weights_read_json(Bundle *bundle, const WeightsFile *file, const char *text, size_t length) {
  JsonDocument document;
  JsonFault fault;
  if (!json_document_read(bundle->arena, text, length, true, &document, &fault))
    return weights_damaged(file, fault.damage, fault.where);
  cJSON *root = document.root;
  bool good = envelope_check(file, root) && weights_fill(bundle, file, text, &document);
  if (good) {
    const cJSON *model = cJSON_GetObjectItemCaseSensitive(root, "model");
    if (model) bundle_set_text(bundle, "model", model->valuestring);
    bundle->data = cJSON_DetachItemFromObjectCaseSensitive(root, "data");
    bundle->inputs = cJSON_DetachItemFromObjectCaseSensitive(root, "inputs");
    bundle->outputs = cJSON_DetachItemFromObjectCaseSensitive(root, "outputs");
  }
  cJSON_Delete(root);
  return good;
}
