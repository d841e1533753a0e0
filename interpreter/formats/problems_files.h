/* Everything that can be wrong with a file, one function a problem; the words are in problems_files.c.
 *
 * All have exit code 3. Texts that come out of files are shown cut and with control characters escaped, so a
 * file cannot write to the terminal. A Span may be nowhere ({0}): the problem then has no place in a program. */
#ifndef INTERPRETER_FORMATS_PROBLEMS_FILES_H
#define INTERPRETER_FORMATS_PROBLEMS_FILES_H

#include "base/problem.h"
#include "lang/type.h"

#include <sys/types.h>

/* A weight as a model wants it or a file has it. */
typedef struct {
  const char *name;
  DType dtype;
  int rank;
  int64_t size[MAX_RANK];
} WeightName;

/* What a damaged or foreign file does wrong: the table of sentences is in problems_files.c. */
typedef enum {
  DAMAGE_NOT_WEIGHTS,
  DAMAGE_GZIP,
  DAMAGE_GZIP_CUT,
  DAMAGE_JSON_SYNTAX,
  DAMAGE_JSON_DEPTH,
  DAMAGE_JSON_STRING,
  DAMAGE_JSON_TWICE,
  DAMAGE_JSON_NUMBER,
  DAMAGE_NO_MARK,
  DAMAGE_NEWER,
  DAMAGE_NO_WEIGHTS,
  DAMAGE_FIELD,
  DAMAGE_NAME,
  DAMAGE_DTYPE,
  DAMAGE_SHAPE,
  DAMAGE_NO_DATA,
  DAMAGE_NUMBER,
  DAMAGE_NUMBER_RANGE,
  DAMAGE_COUNT_FEW,
  DAMAGE_COUNT_MANY,
  DAMAGE_BASE64,
  DAMAGE_TRUTH,
  DAMAGE_HEADER_LENGTH,
  DAMAGE_OFFSETS,
  DAMAGE_LENGTH,
  DAMAGE_CHECKSUM_HEADER,
  DAMAGE_CHECKSUM_MISSING,
  DAMAGE_CHECKSUM,
  DAMAGE_KINDS
} FileDamage;

/* E0701. Weights of `model` that `file` lacks: shows up to three, each with what is closest in the file (by
 * the number of elements, then by name). `can_rename`: a `load` with rename pairs could mend it. */
void problem_weights_missing(Problems *problems, Span span, const char *file, const char *model,
                             const WeightName *missing, int missing_count, const WeightName *held,
                             int held_count, bool can_rename);

/* E0702. The file has the weight in another shape or dtype. */
void problem_weights_shape(Problems *problems, Span span, const char *file, const WeightName *wanted,
                           const WeightName *found);

/* E0703. A program's output path is absolute or climbs with `..`. */
void problem_output_outside(Problems *problems, Span span, const char *path);

/* E0704. A file cannot be read: the system's reason (an errno), its kind, or its size. */
void problem_file_unreadable(Problems *problems, Span span, const char *path, int error);
void problem_file_kind(Problems *problems, Span span, const char *path, mode_t mode);
void problem_file_large(Problems *problems, Span span, const char *path, uint64_t limit);

/* E0705. The contents are wrong: what, and where (a weight, a key, a line; may be NULL). */
void problem_file_damaged(Problems *problems, Span span, const char *path, FileDamage damage,
                          const char *where);

/* E0706. Element `index` (row-major) of a weight is not a finite number. `saving`: it was about to be written. */
void problem_not_finite(Problems *problems, Span span, const char *path, const WeightName *weight,
                        int64_t index, bool saving);

/* E0707. A file cannot be written: an errno, or the kind of what stands there. */
void problem_file_unwritable(Problems *problems, const char *path, int error);
void problem_output_kind(Problems *problems, const char *path, mode_t mode);

/* E0708. Another trainer holds the folder; `holder` is what it wrote about itself, NULL if unknown. */
void problem_run_locked(Problems *problems, const char *folder, const char *holder);

#endif
