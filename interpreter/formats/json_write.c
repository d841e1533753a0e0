/* Weights as a JSON document: language.md §5.2.
 *
 * Out go one object, one weight a line (a row of its last dimension a line when it has several), every number
 * as the shortest of %.9g or %.17g that is exact. Numbers are streamed: nothing the size of the weights is
 * built in memory. The text depends on the bundle alone. */
#include "interpreter/formats/base64.h"
#include "interpreter/formats/json_document.h"
#include "interpreter/formats/number_text.h"
#include "interpreter/formats/save.h"
#include "interpreter/formats/weights_file.h"

#include <string.h>

#define BASE64_CHUNK 3072 // bytes; a multiple of 3

static size_t number_print(char text[NUMBER_BYTES], const BundleTensor *tensor, int64_t i) {
  switch (tensor->dtype) {
  case DTYPE_F32: return number_print_f32(text, ((const float *)tensor->data)[i]);
  case DTYPE_F64: return number_print_f64(text, ((const double *)tensor->data)[i]);
  case DTYPE_I64: return number_print_int(text, ((const int64_t *)tensor->data)[i]);
  case DTYPE_I32: return number_print_int(text, ((const int32_t *)tensor->data)[i]);
  default: return number_print_int(text, ((const uint8_t *)tensor->data)[i]);
  }
}

static void numbers_write(SaveFile *out, const BundleTensor *tensor) {
  int64_t count = weights_elements(tensor);
  int64_t row = tensor->rank > 1 ? tensor->size[tensor->rank - 1] : 0;
  char text[NUMBER_BYTES + 2];
  save_write(out, "[", 1);
  for (int64_t i = 0; i < count; i++) {
    size_t length = number_print(text, tensor, i);
    if (i + 1 < count) text[length++] = ',';
    if (row && (i + 1) % row == 0 && i + 1 < count) text[length++] = '\n';
    save_write(out, text, length);
  }
  save_write(out, "]", 1);
}

static void base64_stream(SaveFile *out, const BundleTensor *tensor) {
  size_t length = (size_t)weights_elements(tensor) * dtype_size(tensor->dtype);
  char text[BASE64_BYTES(BASE64_CHUNK)];
  save_write(out, "\"", 1);
  for (size_t i = 0; i < length; i += BASE64_CHUNK) {
    size_t part = length - i < BASE64_CHUNK ? length - i : BASE64_CHUNK;
    base64_write((const char *)tensor->data + i, part, text);
    save_write(out, text, BASE64_BYTES(part));
  }
  save_write(out, "\"", 1);
}

static void weight_write(SaveFile *out, const BundleTensor *tensor, bool base64) {
  Text head = {0};
  json_quote(&head, tensor->path);
  text_add(&head, ": {\"shape\": [");
  for (int i = 0; i < tensor->rank; i++)
    text_printf(&head, "%s%lld", i ? ", " : "", (long long)tensor->size[i]);
  text_add(&head, "]");
  if (tensor->dtype != DTYPE_F32) text_printf(&head, ", \"dtype\": \"%s\"", dtype_name(tensor->dtype));
  if (tensor->state) text_add(&head, ", \"state\": true");
  text_add(&head, ", \"data\": ");
  save_write(out, head.bytes, head.length);
  text_free(&head);
  if (base64)
    base64_stream(out, tensor);
  else
    numbers_write(out, tensor);
  save_write(out, "}", 1);
}

static void member_write(SaveFile *out, const char *key, const cJSON *value) {
  if (!value) return;
  char *text = cJSON_PrintUnformatted(value);
  if (!text) memory_full(0);
  save_printf(out, ",\n\"%s\": ", key);
  // cppcheck-suppress nullPointerRedundantCheck ; memory_full does not return
  save_write(out, text, strlen(text));
  cJSON_free(text);
}

bool bundle_save_json(const Bundle *bundle, Problems *problems, const char *path, const char *model,
                      bool base64) {
  WeightsFile file = {problems, {0}, path};
  for (int i = 0; i < bundle->tensors; i++)
    if (!weights_numbers_good(&file, &bundle->tensor[i], false, true)) return false;
  SaveFile *out = save_begin(problems, path, 0);
  if (!out) return false;
  Text name = {0};
  json_quote(&name, model);
  save_printf(out, "{\"lathe\": 1, \"model\": %s", text_string(&name));
  text_free(&name);
  member_write(out, "inputs", bundle->inputs);
  member_write(out, "outputs", bundle->outputs);
  save_printf(out, ",\n\"weights\": {");
  for (int i = 0; i < bundle->tensors; i++) {
    save_printf(out, i ? ",\n" : "\n");
    weight_write(out, &bundle->tensor[i], base64);
  }
  save_printf(out, "}");
  member_write(out, "data", bundle->data);
  save_printf(out, "}\n");
  return save_commit(out, problems);
}
