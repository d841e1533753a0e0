/* Weights with everything needed to use them, in memory, and the files that hold them.
 *
 * A Bundle is what `train` saves and `eval`, `predict`, `export` and `load` read. It knows nothing of
 * programs: tensors with paths, texts with keys, one JSON document of fitted statistics. */
#ifndef INTERPRETER_FORMATS_BUNDLE_H
#define INTERPRETER_FORMATS_BUNDLE_H

#include "base/arena.h"
#include "base/problem.h"
#include "lang/type.h"

#include <cjson/cJSON.h>

typedef struct {
  const char *path; // net.Dense.0.W
  DType dtype;
  bool state; // not trained: running statistics
  int rank;
  int64_t size[MAX_RANK];
  void *data; // row-major; borrowed when saving, in the arena (or mapped) when loaded
} BundleTensor;

typedef struct {
  const char *key, *text; // program, config, task, seed, lathe, cpu, …
} BundleText;

typedef struct {
  Arena *arena;
  BundleTensor *tensor;
  int tensors;
  size_t tensor_capacity;
  BundleText *text;
  int texts;
  size_t text_capacity;
  cJSON *data;             // fitted statistics: object by table; may be NULL; freed by bundle_free
  cJSON *inputs, *outputs; // JSON export: descriptions of the model's inputs and outputs; may be NULL
} Bundle;

Bundle *bundle_new(Arena *arena);
void bundle_free(Bundle *bundle); // the JSON documents; the rest is the arena's
BundleTensor *bundle_add(Bundle *bundle, const char *path, DType dtype, bool state, int rank,
                         const int64_t *size, void *data);
/* Replaces the text of that key. Keys that begin with `lathe.` are the file format's own. */
void bundle_set_text(Bundle *bundle, const char *key, const char *text);
const char *bundle_text(const Bundle *bundle, const char *key); // NULL if absent
/* Exact path, where `net.Dense` and `net.Dense.0` are one (language.md §8 Names). NULL if absent. */
const BundleTensor *bundle_find(const Bundle *bundle, const char *path);

/* Files. Weights that are not finite are neither saved nor loaded (E0706); a state may hold infinities in
 * safetensors. JSON keeps no texts but `model`, which is there after loading. Saving is atomic and checked
 * (trust.md §3 steps 1-3); false after a Problem (exit code 3), the old file intact. Reading believes nothing:
 * sizes, offsets, names, checksums, finite numbers. The kind of a file is decided by its first bytes when
 * reading and by the ending (.json, .safetensors) when writing. */
bool bundle_save_safetensors(const Bundle *bundle, Problems *problems, const char *path);
bool bundle_save_json(const Bundle *bundle, Problems *problems, const char *path, const char *model,
                      bool base64);
Bundle *bundle_load(Arena *arena, Problems *problems, Span span, const char *path);

#endif
