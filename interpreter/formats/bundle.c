/* Bundles in memory, and the door to their two file formats.
 *
 * Lists that grow in the bundle's arena, search by name, and the checks that both formats share: which file is
 * of which kind, sizes that are sizes, numbers that are numbers. */
#include "interpreter/formats/bundle.h"

#include "base/size.h"
#include "interpreter/formats/save.h"
#include "interpreter/formats/weights_file.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define FILE_LIMIT    ((size_t)16 << 30) // bytes of a weights file, inflated
#define DIM_LIMIT     ((int64_t)1 << 40)
#define ELEMENT_LIMIT ((int64_t)1 << 48)

Bundle *bundle_new(Arena *arena) {
  Bundle *bundle = ARENA_NEW(arena, Bundle);
  bundle->arena = arena;
  return bundle;
}

void bundle_free(Bundle *bundle) {
  if (!bundle) return;
  cJSON_Delete(bundle->data);
  cJSON_Delete(bundle->inputs);
  cJSON_Delete(bundle->outputs);
  bundle->data = bundle->inputs = bundle->outputs = NULL;
}

BundleTensor *bundle_add(Bundle *bundle, const char *path, DType dtype, bool state, int rank,
                         const int64_t *size, void *data) {
  assert(rank >= 0 && rank <= MAX_RANK);
  bundle->tensor = arena_grow(bundle->arena, bundle->tensor, (size_t)bundle->tensors,
                              &bundle->tensor_capacity, sizeof *bundle->tensor);
  BundleTensor *tensor = &bundle->tensor[bundle->tensors++];
  *tensor = (BundleTensor){.path = arena_copy(bundle->arena, path, strlen(path)),
                           .dtype = dtype,
                           .state = state,
                           .rank = rank,
                           .data = data};
  for (int i = 0; i < rank; i++) tensor->size[i] = size[i];
  return tensor;
}

void bundle_add_text(Bundle *bundle, const char *key, const char *text) {
  bundle->text = arena_grow(bundle->arena, bundle->text, (size_t)bundle->texts, &bundle->text_capacity,
                            sizeof *bundle->text);
  bundle->text[bundle->texts++] = (BundleText){arena_copy(bundle->arena, key, strlen(key)),
                                               arena_copy(bundle->arena, text, strlen(text))};
}

void bundle_set_text(Bundle *bundle, const char *key, const char *text) {
  for (int i = 0; i < bundle->texts; i++)
    if (strcmp(bundle->text[i].key, key) == 0) {
      bundle->text[i].text = arena_copy(bundle->arena, text, strlen(text));
      return;
    }
  bundle_add_text(bundle, key, text);
}

const char *bundle_text(const Bundle *bundle, const char *key) {
  for (int i = 0; i < bundle->texts; i++)
    if (strcmp(bundle->text[i].key, key) == 0) return bundle->text[i].text;
  return NULL;
}

/* Past every part `0` that stands at `path`, which is at the start of a part. */
static const char *zeros_skip(const char *path) {
  while (path[0] == '0' && (path[1] == '.' || path[1] == 0)) path += path[1] ? 2 : 1;
  return path;
}

/* Whether two paths are one but for parts `0`. */
static bool path_same(const char *a, const char *b) {
  a = zeros_skip(a);
  b = zeros_skip(b);
  while (*a && *b) {
    if (*a != *b) break;
    bool dot = *a == '.';
    a++, b++;
    if (dot) a = zeros_skip(a), b = zeros_skip(b);
  }
  // `net.Dense` against `net.Dense.0`: the dot before a last part 0 is left over
  if (*a == '.' && *zeros_skip(a + 1) == 0) return *b == 0;
  if (*b == '.' && *zeros_skip(b + 1) == 0) return *a == 0;
  return *a == 0 && *b == 0;
}

const BundleTensor *bundle_find(const Bundle *bundle, const char *path) {
  for (int i = 0; i < bundle->tensors; i++)
    if (strcmp(bundle->tensor[i].path, path) == 0) return &bundle->tensor[i];
  for (int i = 0; i < bundle->tensors; i++)
    if (path_same(bundle->tensor[i].path, path)) return &bundle->tensor[i];
  return NULL;
}

bool weights_damaged(const WeightsFile *file, FileDamage damage, const char *where) {
  problem_file_damaged(file->problems, file->span, file->path, damage, where);
  return false;
}

bool weights_shape(const cJSON *list, int *rank, int64_t size[MAX_RANK], int64_t *elements) {
  if (!cJSON_IsArray(list)) return false;
  *rank = 0;
  int64_t bound = 1; // the product with zeros counted as ones: a 0 does not excuse the other sizes
  *elements = 1;
  const cJSON *item;
  cJSON_ArrayForEach(item, list) {
    double number = cJSON_IsNumber(item) ? item->valuedouble : -1;
    if (*rank == MAX_RANK || !(number >= 0 && number <= (double)DIM_LIMIT) || number != floor(number))
      return false;
    int64_t one = (int64_t)number;
    size[(*rank)++] = one;
    if (!int_mul(bound, one ? one : 1, &bound) || bound > ELEMENT_LIMIT) return false;
    *elements *= one;
  }
  return true;
}

WeightName weights_name(const BundleTensor *tensor) {
  WeightName name = {.name = tensor->path, .dtype = tensor->dtype, .rank = tensor->rank};
  memcpy(name.size, tensor->size, sizeof name.size);
  return name;
}

int64_t weights_elements(const BundleTensor *tensor) {
  int64_t count = 1;
  for (int i = 0; i < tensor->rank; i++) count *= tensor->size[i];
  return count;
}

/* The first number of the tensor that is not finite, or -1. */
static int64_t infinite_index(const BundleTensor *tensor) {
  int64_t count = weights_elements(tensor);
  const float *narrow = tensor->data;
  const double *wide = tensor->data;
  if (tensor->dtype == DTYPE_F32)
    for (int64_t i = 0; i < count; i++)
      if (!isfinite(narrow[i])) return i;
  if (tensor->dtype == DTYPE_F64)
    for (int64_t i = 0; i < count; i++)
      if (!isfinite(wide[i])) return i;
  return -1;
}

bool weights_numbers_good(const WeightsFile *file, const BundleTensor *tensor, bool state_free, bool saving) {
  int64_t index = state_free && tensor->state ? -1 : infinite_index(tensor);
  if (index >= 0) {
    WeightName name = weights_name(tensor);
    problem_not_finite(file->problems, file->span, file->path, &name, index, saving);
    return false;
  }
  if (tensor->dtype != DTYPE_BOOL) return true;
  const unsigned char *truth = tensor->data;
  int64_t count = weights_elements(tensor);
  for (int64_t i = 0; i < count; i++)
    if (truth[i] > 1) return weights_damaged(file, DAMAGE_TRUTH, tensor->path);
  return true;
}

static bool starts_like_json(const char *bytes) {
  if (memcmp(bytes, "\xef\xbb\xbf", 3) == 0) bytes += 3;
  while (*bytes == ' ' || *bytes == '\t' || *bytes == '\r' || *bytes == '\n') bytes++;
  return *bytes == '{';
}

Bundle *bundle_load(Arena *arena, Problems *problems, Span span, const char *path) {
  size_t length;
  char *bytes = file_read(problems, span, path, FILE_LIMIT, &length);
  if (!bytes) return NULL;
  WeightsFile file = {problems, span, path};
  Bundle *bundle = bundle_new(arena);
  bool good;
  if (weights_is_safetensors(bytes, length))
    good = weights_read_safetensors(bundle, &file, bytes, length);
  else if (length >= 3 && starts_like_json(bytes))
    good = weights_read_json(bundle, &file, bytes, length);
  else
    good = weights_damaged(&file, DAMAGE_NOT_WEIGHTS, NULL);
  memory_free(bytes);
  if (good) return bundle;
  bundle_free(bundle);
  return NULL;
}
