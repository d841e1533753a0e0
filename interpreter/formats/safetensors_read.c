/* Safetensors files, believed only after everything in them has been checked.
 *
 * The header must fit the file, be strict JSON without a key twice, describe data that fills the rest of the
 * file without gap or overlap, and agree in every shape, type and offset. A file with our metadata must have
 * all its checksums and they must agree, so that no single damaged bit passes; files of other programs come
 * without. Numbers are copied out, so the order of checks needs no care for alignment. */
#include "interpreter/formats/safetensors.h"

#include "base/crc32c.h"
#include "interpreter/formats/json_document.h"
#include "interpreter/formats/weights_file.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OFFSET_LIMIT 0x1p53 // whole numbers up to here are exact in cJSON's doubles

const char *const SAFETENSORS_DTYPE[DTYPE_COUNT] = {
    [DTYPE_BOOL] = "BOOL", [DTYPE_U8] = "U8",   [DTYPE_I32] = "I32",
    [DTYPE_I64] = "I64",   [DTYPE_F32] = "F32", [DTYPE_F64] = "F64",
};

typedef struct {
  const char *header;
  size_t header_length;
  const char *data;
  size_t data_length;
  const cJSON *metadata; // NULL if there is none
  const cJSON *root;
} Container;

/* An entry of a list that is sorted by name. */
typedef struct {
  const char *name;
  const char *text;     // of a checksum
  BundleTensor *tensor; // of a tensor
} Named;

/* Bytes of the data that one tensor says are its own. */
typedef struct {
  size_t start, end;
  const char *name;
} Extent;

static uint64_t length_field(const char *bytes) {
  uint64_t length;
  memcpy(&length, bytes, sizeof length);
  return length;
}

bool weights_is_safetensors(const char *bytes, size_t length) {
  if (length < 10 || bytes[8] != '{') return false;
  return bytes[0] != '{' || length_field(bytes) <= length - 8;
}

static bool dtype_read(const cJSON *item, DType *dtype) {
  for (int i = 0; i < DTYPE_COUNT; i++) {
    *dtype = (DType)i;
    if (cJSON_IsString(item) && strcmp(item->valuestring, SAFETENSORS_DTYPE[i]) == 0) return true;
  }
  return false;
}

static bool offset_read(const cJSON *item, size_t *offset) {
  double number = cJSON_IsNumber(item) ? item->valuedouble : -1;
  if (!(number >= 0 && number < OFFSET_LIMIT) || number != floor(number)) return false;
  *offset = (size_t)number;
  return true;
}

static bool extent_read(const cJSON *item, size_t data_length, Extent *extent) {
  const cJSON *pair = cJSON_GetObjectItemCaseSensitive(item, "data_offsets");
  extent->name = item->string;
  return cJSON_IsArray(pair) && cJSON_GetArraySize(pair) == 2 && offset_read(pair->child, &extent->start) &&
         offset_read(pair->child->next, &extent->end) && extent->start <= extent->end &&
         extent->end <= data_length;
}

/* One tensor of the header, its numbers copied out of the data. */
static bool tensor_read(Bundle *bundle, const WeightsFile *file, const Container *container,
                        const cJSON *item, Extent *extent) {
  const char *name = item->string;
  DType dtype;
  int rank;
  int64_t size[MAX_RANK], elements;
  if (!*name) return weights_damaged(file, DAMAGE_NAME, NULL);
  if (!cJSON_IsObject(item)) return weights_damaged(file, DAMAGE_FIELD, name);
  if (!dtype_read(cJSON_GetObjectItemCaseSensitive(item, "dtype"), &dtype))
    return weights_damaged(file, DAMAGE_DTYPE, name);
  if (!weights_shape(cJSON_GetObjectItemCaseSensitive(item, "shape"), &rank, size, &elements))
    return weights_damaged(file, DAMAGE_SHAPE, name);
  if (!extent_read(item, container->data_length, extent)) return weights_damaged(file, DAMAGE_OFFSETS, name);
  size_t bytes = extent->end - extent->start;
  if (bytes != (size_t)elements * dtype_size(dtype)) return weights_damaged(file, DAMAGE_OFFSETS, name);
  void *data = arena_alloc(bundle->arena, (size_t)elements, dtype_size(dtype));
  memcpy(data, container->data + extent->start, bytes);
  bundle_add(bundle, name, dtype, false, rank, size, data);
  return true;
}

static int extent_compare(const void *a, const void *b) {
  const Extent *x = a, *y = b;
  if (x->start != y->start) return x->start < y->start ? -1 : 1;
  return (x->end > y->end) - (x->end < y->end);
}

/* Whether the extents fill the data exactly. */
static bool extents_check(const WeightsFile *file, Extent *extent, size_t count, size_t data_length) {
  if (count) qsort(extent, count, sizeof *extent, extent_compare);
  size_t end = 0;
  for (size_t i = 0; i < count; i++) {
    if (extent[i].start != end) return weights_damaged(file, DAMAGE_OFFSETS, extent[i].name);
    end = extent[i].end;
  }
  return end == data_length || weights_damaged(file, DAMAGE_LENGTH, NULL);
}

static bool tensors_read(Bundle *bundle, const WeightsFile *file, const Container *container) {
  size_t count = 0, capacity = 0;
  Extent *extent = NULL;
  const cJSON *item;
  cJSON_ArrayForEach(item, container->root) {
    if (item == container->metadata) continue;
    extent = arena_grow(bundle->arena, extent, count, &capacity, sizeof *extent);
    if (!tensor_read(bundle, file, container, item, &extent[count++])) return false;
  }
  return extents_check(file, extent, count, container->data_length);
}

static bool is_ours(const char *key) { return strncmp(key, SAFETENSORS_OURS, strlen(SAFETENSORS_OURS)) == 0; }

/* Metadata is texts by key; ours are left to their readers. */
static bool texts_read(Bundle *bundle, const WeightsFile *file, const cJSON *metadata, bool *ours) {
  const cJSON *item;
  *ours = false;
  if (metadata && !cJSON_IsObject(metadata)) return weights_damaged(file, DAMAGE_FIELD, "__metadata__");
  cJSON_ArrayForEach(item, metadata) {
    if (!cJSON_IsString(item)) return weights_damaged(file, DAMAGE_FIELD, item->string);
    if (is_ours(item->string))
      *ours = true;
    else
      bundle_add_text(bundle, item->string, item->valuestring); // no key stands twice
  }
  return true;
}

/* The checksum of the header over its own bytes, with its digits as zeros. */
static bool header_check(const WeightsFile *file, const Container *container) {
  const char *start = SAFETENSORS_CHECKSUM_START;
  size_t before = strlen(start);
  const cJSON *sum = cJSON_GetObjectItemCaseSensitive(container->metadata, SAFETENSORS_CHECKSUM);
  const char *found =
      strstr(container->header, start); // the header has no NUL, and there is one past the file
  if (!sum || !found) return weights_damaged(file, DAMAGE_CHECKSUM_MISSING, "header");
  size_t digits = (size_t)(found - container->header) + before;
  char words[9];
  bool good = digits + 8 <= container->header_length;
  if (good) {
    uint32_t crc = crc32c(0, container->header, digits);
    crc = crc32c(crc, "00000000", 8);
    crc = crc32c(crc, container->header + digits + 8, container->header_length - digits - 8);
    snprintf(words, sizeof words, "%08x", crc);
    good = strcmp(words, sum->valuestring) == 0 && memcmp(words, container->header + digits, 8) == 0;
  }
  return good || weights_damaged(file, DAMAGE_CHECKSUM_HEADER, NULL);
}

static int named_compare(const void *a, const void *b) {
  return strcmp(((const Named *)a)->name, ((const Named *)b)->name);
}

static const Named *named_find(const Named *list, size_t count, const char *name) {
  Named wanted = {.name = name};
  return count ? bsearch(&wanted, list, count, sizeof *list, named_compare) : NULL;
}

/* Every tensor's checksum; they are looked up in a sorted list, for a header may hold millions. */
static bool tensors_check(const Bundle *bundle, const WeightsFile *file, const cJSON *metadata) {
  size_t before = strlen(SAFETENSORS_CHECKSUM_OF), count = 0, capacity = 0;
  Named *list = NULL;
  const cJSON *item;
  cJSON_ArrayForEach(item, metadata) {
    if (strncmp(item->string, SAFETENSORS_CHECKSUM_OF, before) != 0) continue;
    list = arena_grow(bundle->arena, list, count, &capacity, sizeof *list);
    list[count++] = (Named){.name = item->string + before, .text = item->valuestring};
  }
  if (count) qsort(list, count, sizeof *list, named_compare);
  for (int i = 0; i < bundle->tensors; i++) {
    const BundleTensor *tensor = &bundle->tensor[i];
    const Named *sum = named_find(list, count, tensor->path);
    if (!sum) return weights_damaged(file, DAMAGE_CHECKSUM_MISSING, tensor->path);
    size_t bytes = (size_t)weights_elements(tensor) * dtype_size(tensor->dtype);
    char words[9];
    snprintf(words, sizeof words, "%08x", crc32c(0, tensor->data, bytes));
    if (strcmp(words, sum->text) != 0) return weights_damaged(file, DAMAGE_CHECKSUM, tensor->path);
  }
  return true;
}

static bool nested_read(Bundle *bundle, const WeightsFile *file, const char *key, const char *text,
                        cJSON **root) {
  JsonDocument document;
  JsonFault fault;
  if (!json_document_read(bundle->arena, text, strlen(text), false, &document, &fault))
    return weights_damaged(file, fault.damage, key);
  *root = document.root;
  return true;
}

/* Marks the tensors that the object's keys name. */
static bool states_mark(Bundle *bundle, const cJSON *states) {
  size_t count = (size_t)bundle->tensors;
  Named *list = ARENA_ARRAY(bundle->arena, Named, count + 1);
  for (size_t i = 0; i < count; i++)
    list[i] = (Named){.name = bundle->tensor[i].path, .tensor = &bundle->tensor[i]};
  qsort(list, count, sizeof *list, named_compare);
  const cJSON *item;
  cJSON_ArrayForEach(item, states) {
    const Named *found = named_find(list, count, item->string);
    if (!found || !cJSON_IsTrue(item)) return false;
    found->tensor->state = true;
  }
  return true;
}

/* States and statistics out of our metadata. */
static bool ours_read(Bundle *bundle, const WeightsFile *file, const cJSON *metadata) {
  const cJSON *format = cJSON_GetObjectItemCaseSensitive(metadata, SAFETENSORS_FORMAT);
  const cJSON *states = cJSON_GetObjectItemCaseSensitive(metadata, SAFETENSORS_STATE);
  const cJSON *data = cJSON_GetObjectItemCaseSensitive(metadata, SAFETENSORS_DATA);
  if (!format || strcmp(format->valuestring, "1") != 0) return weights_damaged(file, DAMAGE_NEWER, NULL);
  if (data && !nested_read(bundle, file, SAFETENSORS_DATA, data->valuestring, &bundle->data)) return false;
  if (!states) return true;
  cJSON *list = NULL;
  if (!nested_read(bundle, file, SAFETENSORS_STATE, states->valuestring, &list)) return false;
  bool good = states_mark(bundle, list);
  cJSON_Delete(list);
  return good || weights_damaged(file, DAMAGE_FIELD, SAFETENSORS_STATE);
}

static bool container_read(Bundle *bundle, const WeightsFile *file, const Container *container) {
  bool ours;
  if (!texts_read(bundle, file, container->metadata, &ours)) return false;
  if (ours && !header_check(file, container)) return false;
  if (!tensors_read(bundle, file, container)) return false;
  if (ours && !tensors_check(bundle, file, container->metadata)) return false;
  if (ours && !ours_read(bundle, file, container->metadata)) return false;
  for (int i = 0; i < bundle->tensors; i++)
    if (!weights_numbers_good(file, &bundle->tensor[i], true, false)) return false;
  return true;
}

bool weights_read_safetensors(Bundle *bundle, const WeightsFile *file, const char *bytes, size_t length) {
  uint64_t header = length_field(bytes);
  if (header > length - 8 || header > SAFETENSORS_HEADER_LIMIT)
    return weights_damaged(file, DAMAGE_HEADER_LENGTH, NULL);
  Container container = {.header = bytes + 8,
                         .header_length = (size_t)header,
                         .data = bytes + 8 + header,
                         .data_length = length - 8 - (size_t)header};
  JsonDocument document;
  JsonFault fault;
  if (!json_document_read(bundle->arena, container.header, container.header_length, false, &document, &fault))
    return weights_damaged(file, fault.damage,
                           fault.where ? arena_printf(bundle->arena, "header, %s", fault.where) : "header");
  container.root = document.root;
  container.metadata = cJSON_GetObjectItemCaseSensitive(document.root, "__metadata__");
  bool good = container_read(bundle, file, &container);
  cJSON_Delete(document.root);
  return good;
}
