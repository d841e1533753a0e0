/* Between bundle.c and the two formats: the parts of reading and writing that are the same or are handed on. */
#ifndef INTERPRETER_FORMATS_WEIGHTS_FILE_H
#define INTERPRETER_FORMATS_WEIGHTS_FILE_H

#include "interpreter/formats/bundle.h"
#include "interpreter/formats/problems_files.h"

/* Where the contents of a file come from, for problems. */
typedef struct {
  Problems *problems;
  Span span;
  const char *path;
} WeightsFile;

/* Fill an empty bundle from the whole contents of a file, with a NUL past its end; false after a Problem. */
bool weights_read_json(Bundle *bundle, const WeightsFile *file, const char *text, size_t length);
bool weights_read_safetensors(Bundle *bundle, const WeightsFile *file, const char *bytes, size_t length);

/* Whether the bytes have the outline of a safetensors file: a header length, then `{`. */
bool weights_is_safetensors(const char *bytes, size_t length);

void bundle_add_text(Bundle *bundle, const char *key, const char *text); // of a key that is new

bool weights_damaged(const WeightsFile *file, FileDamage damage, const char *where); // false, after E0705

/* Rank, sizes and the number of elements of a list of sizes; false where it is none or too large (rank 8, dim
 * 2^40, 2^48 elements). */
bool weights_shape(const cJSON *list, int *rank, int64_t size[MAX_RANK], int64_t *elements);

WeightName weights_name(const BundleTensor *tensor);
int64_t weights_elements(const BundleTensor *tensor);

/* Whether the numbers of a tensor may be kept: floats are finite, truths are 0 or 1. A state of safetensors may
 * hold infinities (`state_free`). false after a Problem. */
bool weights_numbers_good(const WeightsFile *file, const BundleTensor *tensor, bool state_free, bool saving);

#endif
