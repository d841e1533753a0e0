/* The kernels that the tape calls: one for each op, dtype and kind of operand, over short contiguous arrays.
 *
 * A table exists once a CPU level; all four are made from the same text (level_strips.c). Elementwise kernels
 * may write over an input that lies at exactly the same place. Bools are bytes of 0 or 1. */
#ifndef BACKENDS_CPU_STRIP_H
#define BACKENDS_CPU_STRIP_H

#include "lang/op.h"

/* n elements. The variant says which of a and b is one number for all of them; c never is. */
typedef void Strip(void *out, const void *a, const void *b, const void *c, int64_t n);
typedef enum { STRIP_PLAIN, STRIP_B_ONE, STRIP_A_ONE, STRIP_BOTH_ONE, STRIP_VARIANTS } StripVariant;

/* a [rows, row] to out [rows], in the order of sums of graph/loop.h. */
typedef void StripReduce(void *out, const void *a, int64_t rows, int64_t row);
/* a [rows, row] onto sum [row], row after row; `first`: sum holds nothing yet. */
typedef void StripAccumulate(void *sum, const void *a, int64_t rows, int64_t row, bool first);
/* part [parts, row], rows `step` elements apart, to out [row]: added in order, floats in f64. */
typedef void StripCombine(void *out, const void *part, int64_t parts, int64_t step, int64_t row);
/* out [rows, row]: a[r] in the whole row r. */
typedef void StripSpread(void *out, const void *a, int64_t rows, int64_t row);

/* Two dims of memory: steps and strides in elements. */
typedef struct {
  void *at;
  int64_t step, stride;
} StripPlane;
typedef void StripCopy(StripPlane dst, StripPlane src, int64_t rows, int64_t row);

/* first, first + stride, … */
typedef void StripIndex(void *out, int64_t first, int64_t stride, int64_t n);

typedef struct {
  uint64_t key;
  int64_t step, batch;
} StripStream;
/* Uniform numbers of the elements first, first + stride, … of a stream (base/random.h). */
typedef void StripRandom(void *out, const StripStream *stream, int64_t first, int64_t stride, int64_t n);

/* The largest of `cells` rows of n numbers, NaN if there is one. */
typedef void StripPool(void *out, const void *const *cell, int cells, int64_t n);
/* Adds dy to the first of the cells that holds y, the result of StripPool; taken: n bytes of scratch. */
typedef void StripPoolGrad(void *const *sum, const void *const *cell, int cells, const void *y,
                           const void *dy, uint8_t *taken, int64_t n);

typedef struct {
  Strip *map[OP_WHERE + 1][DTYPE_COUNT]
            [STRIP_VARIANTS];            // by the dtype of a (of the only input, of the branches)
  Strip *cast[DTYPE_COUNT][DTYPE_COUNT]; // from, to
  StripReduce *reduce[OP_REDUCE_MIN - OP_REDUCE_SUM + 1][DTYPE_COUNT];
  StripAccumulate *accumulate[OP_REDUCE_MIN - OP_REDUCE_SUM + 1][DTYPE_COUNT];
  StripCombine *combine[OP_REDUCE_MIN - OP_REDUCE_SUM + 1][DTYPE_COUNT];
  StripSpread *spread[DTYPE_COUNT];
  StripCopy *copy[DTYPE_COUNT];
  StripIndex *index[DTYPE_COUNT];   // i32, i64
  StripRandom *random[DTYPE_COUNT]; // f32, f64
  StripPool *pool[DTYPE_COUNT];     // f32, f64
  StripPoolGrad *pool_grad[DTYPE_COUNT];
  Strip *cumsum[DTYPE_COUNT]; // running sum of a; floats add in f64
} StripTable;

/* The portable one exists everywhere, the others where the compiler knows them. */
extern const StripTable strips_v0;
extern const StripTable strips_v2 __attribute__((weak));
extern const StripTable strips_v3 __attribute__((weak));
extern const StripTable strips_v4 __attribute__((weak));

#endif
