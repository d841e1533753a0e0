/* Bundles as safetensors files that can prove they are whole: trust.md §3, step 6.
 *
 * Layout: 8 bytes header length (little endian), a JSON header padded with blanks to 8, the numbers without
 * gaps, widest types first so that all are aligned. The metadata holds the bundle's texts and, under keys
 * that begin with `lathe.`, what makes the file checkable: a CRC-32C of every tensor and of the header, the
 * latter computed with its own eight digits as zeros; names of states; the fitted statistics as JSON text. */
#include "base/crc32c.h"
#include "interpreter/formats/json_document.h"
#include "interpreter/formats/safetensors.h"
#include "interpreter/formats/save.h"
#include "interpreter/formats/weights_file.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "tensors are written as they lie in memory");

static size_t tensor_bytes(const BundleTensor *tensor) {
  return (size_t)weights_elements(tensor) * dtype_size(tensor->dtype);
}

static void member_add(Text *header, const char *key, const char *value) {
  json_quote(header, key);
  text_add(header, ":");
  json_quote(header, value);
  text_add(header, ",");
}

static void states_add(const Bundle *bundle, Text *header) {
  Text list = {0};
  for (int i = 0; i < bundle->tensors; i++) {
    if (!bundle->tensor[i].state) continue;
    text_add(&list, list.length ? "," : "{");
    json_quote(&list, bundle->tensor[i].path);
    text_add(&list, ":true");
  }
  if (list.length) {
    text_add(&list, "}");
    member_add(header, SAFETENSORS_STATE, list.bytes);
  }
  text_free(&list);
}

static void metadata_add(const Bundle *bundle, Text *header) {
  text_add(header, "{\"__metadata__\":{");
  member_add(header, SAFETENSORS_FORMAT, "1");
  for (int i = 0; i < bundle->texts; i++) {
    assert(strncmp(bundle->text[i].key, SAFETENSORS_OURS, strlen(SAFETENSORS_OURS)) != 0);
    member_add(header, bundle->text[i].key, bundle->text[i].text);
  }
  states_add(bundle, header);
  if (bundle->data) {
    char *text = cJSON_PrintUnformatted(bundle->data);
    if (!text) memory_full(0);
    member_add(header, SAFETENSORS_DATA, text);
    cJSON_free(text);
  }
  for (int i = 0; i < bundle->tensors; i++) {
    const BundleTensor *tensor = &bundle->tensor[i];
    Text key = {0};
    text_printf(&key, "%s%s", SAFETENSORS_CHECKSUM_OF, tensor->path);
    char digits[9];
    snprintf(digits, sizeof digits, "%08x", crc32c(0, tensor->data, tensor_bytes(tensor)));
    member_add(header, key.bytes, digits);
    text_free(&key);
  }
  text_printf(header, "%s00000000\"}", SAFETENSORS_CHECKSUM_START);
}

static void tensor_describe(const BundleTensor *tensor, Text *header, size_t offset) {
  text_add(header, ",");
  json_quote(header, tensor->path);
  text_printf(header, ":{\"dtype\":\"%s\",\"shape\":[", SAFETENSORS_DTYPE[tensor->dtype]);
  for (int i = 0; i < tensor->rank; i++)
    text_printf(header, "%s%lld", i ? "," : "", (long long)tensor->size[i]);
  text_printf(header, "],\"data_offsets\":[%zu,%zu]}", offset, offset + tensor_bytes(tensor));
}

/* The tensors by width of their numbers, widest first, else as they were: their order in the file. */
static const BundleTensor **tensors_order(Arena *arena, const Bundle *bundle) {
  const BundleTensor **order = ARENA_ARRAY(arena, const BundleTensor *, bundle->tensors + 1);
  int count = 0;
  for (size_t width = 8; width; width /= 2)
    for (int i = 0; i < bundle->tensors; i++)
      if (dtype_size(bundle->tensor[i].dtype) == width) order[count++] = &bundle->tensor[i];
  assert(count == bundle->tensors);
  return order;
}

/* The whole header with its checksum in place; returns the bytes of data behind it. */
static size_t header_build(const Bundle *bundle, const BundleTensor *const *order, Text *header) {
  metadata_add(bundle, header);
  size_t digits = header->length - strlen("00000000\"}");
  size_t offset = 0;
  for (int i = 0; i < bundle->tensors; i++) {
    tensor_describe(order[i], header, offset);
    offset += tensor_bytes(order[i]);
  }
  text_add(header, "}");
  while (header->length % 8) text_add(header, " ");
  char sum[9];
  snprintf(sum, sizeof sum, "%08x", crc32c(0, header->bytes, header->length));
  memcpy(header->bytes + digits, sum, 8);
  return offset;
}

bool bundle_save_safetensors(const Bundle *bundle, Problems *problems, const char *path) {
  WeightsFile file = {problems, {0}, path};
  for (int i = 0; i < bundle->tensors; i++)
    if (!weights_numbers_good(&file, &bundle->tensor[i], true, true)) return false;
  Arena *arena = arena_new(0);
  const BundleTensor **order = tensors_order(arena, bundle);
  Text header = {0};
  size_t data = header_build(bundle, order, &header);
  uint64_t length = header.length;
  SaveFile *out = save_begin(problems, path, sizeof length + length + data);
  if (out) {
    save_write(out, &length, sizeof length);
    save_write(out, header.bytes, header.length);
    for (int i = 0; i < bundle->tensors; i++) save_write(out, order[i]->data, tensor_bytes(order[i]));
  }
  text_free(&header);
  arena_free(arena);
  return out && save_commit(out, problems);
}
