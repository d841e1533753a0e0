/* One tensor as a NumPy file (format 1.0). */
#ifndef INTERPRETER_FORMATS_NPY_WRITE_H
#define INTERPRETER_FORMATS_NPY_WRITE_H

#include "base/problem.h"
#include "lang/type.h"

/* Row-major numbers, saved whole or not at all; false after a Problem. */
bool npy_save(Problems *problems, const char *path, DType dtype, int rank, const int64_t *size,
              const void *data);

#endif
