/* All strip kernels of one CPU level, in one table.
 *
 * The Makefile compiles this file once a level: STRIP_LEVEL is 2, 3, 4 (x86-64-v2, v3, v4) or 0 (whatever the
 * compiler takes by default). Kernels are loops over the expressions of ops.def, so each op has one meaning on
 * every level; only the order of sums in lanes and the rounding of polynomials (with or without fma) may make
 * levels differ, never threads or tiles. */
#include "backends/cpu/strip.h"

#include "base/random.h"
#include "graph/loop.h"

#include <math.h>
#include <string.h>

#if defined(__GNUC__) && !defined(__clang__)
/* Selected values may be computed without being needed: no value changes, but loops become vectors. Whole
 * numbers wrap. */
#pragma GCC optimize("no-trapping-math", "no-math-errno", "wrapv")
#define INDEPENDENT _Pragma("GCC ivdep")
#else
#define INDEPENDENT
#endif
#define INLINED inline __attribute__((always_inline))

#include "backends/cpu/level_math.h"

#if STRIP_LEVEL == 4
#define LEVEL_BYTES 64
#define TABLE       strips_v4
#elif STRIP_LEVEL == 3
#define LEVEL_BYTES 32
#define TABLE       strips_v3
#elif STRIP_LEVEL == 2
#define LEVEL_BYTES 16
#define TABLE       strips_v2
#else
#define LEVEL_BYTES 16
#define TABLE       strips_v0
#endif

#define COMBINE_WIDTH 64 // columns whose sums are held at once

#define PASTE_NOW(a, b, c) a##b##_##c
#define PASTE(a, b, c)     PASTE_NOW(a, b, c)

/* CHOOSE(FLOATS, F)(text) is text if a row that takes F exists for floats, else nothing. */
#define CHOOSE_NOW(kind, takes) kind##_TAKE_##takes
#define CHOOSE(kind, takes)     CHOOSE_NOW(kind, takes)
#define FLOATS_TAKE_F(...)      __VA_ARGS__
#define FLOATS_TAKE_N(...)      __VA_ARGS__
#define FLOATS_TAKE_A(...)      __VA_ARGS__
#define FLOATS_TAKE_B(...)
#define WHOLES_TAKE_F(...)
#define WHOLES_TAKE_N(...) __VA_ARGS__
#define WHOLES_TAKE_A(...) __VA_ARGS__
#define WHOLES_TAKE_B(...)
#define BOOLS_TAKE_F(...)
#define BOOLS_TAKE_N(...)
#define BOOLS_TAKE_A(...) __VA_ARGS__
#define BOOLS_TAKE_B(...) __VA_ARGS__

#define T       float
#define SUFFIX  f32
#define TAKES   FLOATS
#define MASK    int32_t
#define WIDE    double
#define LOWEST  -INFINITY
#define HIGHEST INFINITY
#include "backends/cpu/level_maps.h"

#define T       double
#define SUFFIX  f64
#define TAKES   FLOATS
#define MASK    int64_t
#define WIDE    double
#define LOWEST  -(double)INFINITY
#define HIGHEST (double)INFINITY
#include "backends/cpu/level_maps.h"

#define T       int32_t
#define SUFFIX  i32
#define TAKES   WHOLES
#define MASK    int32_t
#define WIDE    int32_t
#define LOWEST  INT32_MIN
#define HIGHEST INT32_MAX
#include "backends/cpu/level_maps.h"

#define T       int64_t
#define SUFFIX  i64
#define TAKES   WHOLES
#define MASK    int64_t
#define WIDE    int64_t
#define LOWEST  INT64_MIN
#define HIGHEST INT64_MAX
#include "backends/cpu/level_maps.h"

#define T       uint8_t
#define SUFFIX  u8
#define TAKES   WHOLES
#define MASK    int8_t
#define WIDE    uint8_t
#define LOWEST  0
#define HIGHEST UINT8_MAX
#include "backends/cpu/level_maps.h"

#define T       uint8_t
#define SUFFIX  mask
#define TAKES   BOOLS
#define MASK    int8_t
#define WIDE    uint8_t
#define LOWEST  0
#define HIGHEST 1
#include "backends/cpu/level_maps.h"

/* ---- angles of any size: those beyond the formulas' range by the C library ------------------------------- */

#define FAR(name)                                                                                            \
  static void strip_far_##name##_f32(void *out, const void *first, const void *second, const void *third,    \
                                     int64_t n) {                                                            \
    float *y = out, kept[64];                                                                                \
    const float *x = first;                                                                                  \
    for (int64_t at = 0; at < n; at += 64) {                                                                 \
      int64_t width = n - at < 64 ? n - at : 64;                                                             \
      memcpy(kept, x + at, (size_t)width * sizeof *kept);                                                    \
      strip_##name##_f32(y + at, kept, second, third, width);                                                \
      for (int64_t i = 0; i < width; i++)                                                                    \
        if (!(kept[i] < TRIG_LIMIT && kept[i] > -TRIG_LIMIT)) y[at + i] = name##f(kept[i]);                  \
    }                                                                                                        \
  }
FAR(sin)
FAR(cos)
FAR(tan)
#define strip_sin_f32 strip_far_sin_f32
#define strip_cos_f32 strip_far_cos_f32
#define strip_tan_f32 strip_far_tan_f32

/* ---- casts --------------------------------------------------------------------------------------------------- */

#define CAST_LOOP(from, From, to, To, value)                                                                 \
  static void strip_cast_##from##_##to(void *out, const void *first, const void *second, const void *third,  \
                                       int64_t n) {                                                          \
    To *y = out;                                                                                             \
    const From *xs = first;                                                                                  \
    (void)second, (void)third;                                                                               \
    INDEPENDENT for (int64_t i = 0; i < n; i++) {                                                            \
      const From x = xs[i];                                                                                  \
      y[i] = (To)(value);                                                                                    \
    }                                                                                                        \
  }
/* low and high: borders of the integers as floats; high itself does not fit. */
#define CAST_FROM_FLOAT(from, From)                                                                          \
  CAST_LOOP(from, From, mask, uint8_t, x != 0)                                                               \
  CAST_LOOP(from, From, u8, uint8_t, x > (From)-1 && x < (From)256 ? x : 0)                                  \
  CAST_LOOP(from, From, i64, int64_t, x >= (From)-0x1p63 && x < (From)0x1p63 ? x : 0)                        \
  CAST_LOOP(from, From, f32, float, x)                                                                       \
  CAST_LOOP(from, From, f64, double, x)
CAST_FROM_FLOAT(f32, float)
CAST_FROM_FLOAT(f64, double)
CAST_LOOP(f32, float, i32, int32_t, x >= -0x1p31f && x < 0x1p31f ? x : 0)
CAST_LOOP(f64, double, i32, int32_t, x > -0x1p31 - 1 && x < 0x1p31 ? x : 0)

#define CAST_FROM_WHOLE(from, From)                                                                          \
  CAST_LOOP(from, From, mask, uint8_t, x != 0)                                                               \
  CAST_LOOP(from, From, i64, int64_t, x)                                                                     \
  CAST_LOOP(from, From, f32, float, x)                                                                       \
  CAST_LOOP(from, From, f64, double, x)
CAST_FROM_WHOLE(mask, uint8_t)
CAST_FROM_WHOLE(u8, uint8_t)
CAST_FROM_WHOLE(i32, int32_t)
CAST_FROM_WHOLE(i64, int64_t)
CAST_LOOP(mask, uint8_t, u8, uint8_t, x)
CAST_LOOP(mask, uint8_t, i32, int32_t, x)
CAST_LOOP(u8, uint8_t, u8, uint8_t, x)
CAST_LOOP(u8, uint8_t, i32, int32_t, x)
CAST_LOOP(i32, int32_t, u8, uint8_t, x >= 0 && x <= UINT8_MAX ? x : 0)
CAST_LOOP(i32, int32_t, i32, int32_t, x)
CAST_LOOP(i64, int64_t, u8, uint8_t, x >= 0 && x <= UINT8_MAX ? x : 0)
CAST_LOOP(i64, int64_t, i32, int32_t, x >= INT32_MIN && x <= INT32_MAX ? x : 0)

/* ---- positions and random numbers -------------------------------------------------------------------------- */

static void strip_index_i32(void *out, int64_t first, int64_t stride, int64_t n) {
  int32_t *y = out;
  const int32_t base = (int32_t)first, by = (int32_t)stride;
  for (int64_t i = 0; i < n; i++) y[i] = base + by * (int32_t)i;
}

static void strip_index_i64(void *out, int64_t first, int64_t stride, int64_t n) {
  int64_t *y = out;
  for (int64_t i = 0; i < n; i++) y[i] = first + stride * i;
}

#define STREAM_BLOCKS 16 // Philox blocks made at once, one in each lane

/* Ten rounds of Philox4x32 on the counters block, block + 1, …: the words of block i are word[4 * i …]. */
static void stream_words(const StripStream *stream, int64_t block, uint32_t *word) {
  uint32_t start[4], made[4][STREAM_BLOCKS], low[STREAM_BLOCKS], high[STREAM_BLOCKS];
  for (int i = 0; i < STREAM_BLOCKS; i++) {
    random_counter(block + i, stream->step, stream->batch, start);
    low[i] = start[0], high[i] = start[1];
  }
  const uint32_t third = start[2], fourth = start[3];
  const uint32_t key0 = (uint32_t)stream->key, key1 = (uint32_t)(stream->key >> 32);
  for (int i = 0; i < STREAM_BLOCKS; i++) {
    uint32_t c0 = low[i], c1 = high[i], c2 = third, c3 = fourth, k0 = key0, k1 = key1;
#pragma GCC unroll 10
    for (int round = 0; round < 10; round++) {
      const uint64_t product0 = (uint64_t)0xD2511F53u * c0, product1 = (uint64_t)0xCD9E8D57u * c2;
      c0 = (uint32_t)(product1 >> 32) ^ c1 ^ k0;
      c2 = (uint32_t)(product0 >> 32) ^ c3 ^ k1;
      c1 = (uint32_t)product1;
      c3 = (uint32_t)product0;
      k0 += 0x9E3779B9u;
      k1 += 0xBB67AE85u;
    }
    made[0][i] = c0, made[1][i] = c1, made[2][i] = c2, made[3][i] = c3;
  }
  for (int i = 0; i < STREAM_BLOCKS; i++)
    for (int k = 0; k < 4; k++) word[4 * i + k] = made[k][i];
}

#define RANDOM(suffix, Float)                                                                                \
  static void strip_random_##suffix(void *out, const StripStream *stream, int64_t first, int64_t stride,     \
                                    int64_t n) {                                                             \
    Float *y = out;                                                                                          \
    uint32_t word[4 * STREAM_BLOCKS];                                                                        \
    int64_t at = 0, end = 0; /* elements whose words there are */                                            \
    for (int64_t i = 0; i < n;) {                                                                            \
      const int64_t element = first + stride * i;                                                            \
      if (element < at || element >= end) {                                                                  \
        at = element & ~(int64_t)3;                                                                          \
        end = at + 4 * STREAM_BLOCKS;                                                                        \
        stream_words(stream, at / 4, word);                                                                  \
      }                                                                                                      \
      const uint32_t *from = word + (element - at);                                                          \
      int64_t count = stride == 1 ? end - element : 1;                                                       \
      count = count < n - i ? count : n - i;                                                                 \
      for (int64_t j = 0; j < count; j++) y[i + j] = random_##suffix(from[j]);                               \
      i += count;                                                                                            \
    }                                                                                                        \
  }
RANDOM(f32, float)
RANDOM(f64, double)

/* ---- pooling ------------------------------------------------------------------------------------------------- */

#define POOL(suffix, Float)                                                                                  \
  static void strip_pool_##suffix(void *out, const void *const *cell, int cells, int64_t n) {                \
    Float *y = out;                                                                                          \
    for (int64_t i = 0; i < n; i++) y[i] = -(Float)INFINITY;                                                 \
    for (int k = 0; k < cells; k++) {                                                                        \
      const Float *x = cell[k];                                                                              \
      INDEPENDENT for (int64_t i = 0; i < n; i++) {                                                          \
        const Float a = x[i], old = y[i];                                                                    \
        y[i] = ((a > old) | (a != a)) ? a : old;                                                             \
      }                                                                                                      \
    }                                                                                                        \
  }                                                                                                          \
  static void strip_pool_grad_##suffix(void *const *sum, const void *const *cell, int cells,                 \
                                       const void *result, const void *gradient, uint8_t *taken,             \
                                       int64_t n) {                                                          \
    const Float *y = result, *dy = gradient;                                                                 \
    memset(taken, 0, (size_t)n);                                                                             \
    for (int k = 0; k < cells; k++) {                                                                        \
      const Float *x = cell[k];                                                                              \
      Float *dx = sum[k];                                                                                    \
      INDEPENDENT for (int64_t i = 0; i < n; i++) {                                                          \
        const uint8_t hit = (uint8_t)(((x[i] == y[i]) | (x[i] != x[i])) & !taken[i]);                        \
        const Float share = hit ? dy[i] : 0;                                                                 \
        dx[i] += share;                                                                                      \
        taken[i] |= hit;                                                                                     \
      }                                                                                                      \
    }                                                                                                        \
  }
POOL(f32, float)
POOL(f64, double)

/* ---- the table ----------------------------------------------------------------------------------------------- */

#define EVERY(what)                                                                                          \
  {                                                                                                          \
    [DTYPE_BOOL] = what##_mask, [DTYPE_U8] = what##_u8, [DTYPE_I32] = what##_i32, [DTYPE_I64] = what##_i64,  \
    [DTYPE_F32] = what##_f32, [DTYPE_F64] = what##_f64                                                       \
  }

#define ENTRY(name, suffix) PASTE(strip_, name, suffix)
#define KERNELS1(name, suffix)                                                                               \
  { ENTRY(name, suffix), NULL, NULL, NULL }
#define KERNELS2(name, suffix)                                                                               \
  { ENTRY(name, suffix), ENTRY(name##_b_one, suffix), ENTRY(name##_a_one, suffix), NULL }
#define KERNELS3(name, suffix)                                                                               \
  {                                                                                                          \
    ENTRY(name, suffix), ENTRY(name##_b_one, suffix), ENTRY(name##_a_one, suffix),                           \
        ENTRY(name##_both_one, suffix)                                                                       \
  }
const StripTable TABLE = {
    .map =
        {
#define ROW_OF(name, takes, kernels)                                                                         \
  {CHOOSE(BOOLS, takes)([DTYPE_BOOL] = kernels(name, mask), ) CHOOSE(WHOLES, takes)(                         \
      [DTYPE_U8] = kernels(name, u8), [DTYPE_I32] = kernels(name, i32), [DTYPE_I64] = kernels(name, i64), )  \
       CHOOSE(FLOATS, takes)([DTYPE_F32] = kernels(name, f32), [DTYPE_F64] = kernels(name, f64), )},
#define MAP1(name, doc, takes, ...) ROW_OF(name, takes, KERNELS1)
#define MAP2(name, doc, takes, ...) ROW_OF(name, takes, KERNELS2)
#define MAP3(name, doc, takes, ...) ROW_OF(name, takes, KERNELS3)
#include "lang/ops.def"
#undef MAP1
#undef MAP2
#undef MAP3
        },
#define SINGLE(name, suffix) ENTRY(name, suffix)
    .reduce =
        {
#define REDUCE(name, doc, takes, ...) ROW_OF(name, takes, SINGLE)
#include "lang/ops.def"
#undef REDUCE
        },
    .accumulate =
        {
#define REDUCE(name, doc, takes, ...) ROW_OF(accumulate_##name, takes, SINGLE)
#include "lang/ops.def"
#undef REDUCE
        },
    .combine =
        {
#define REDUCE(name, doc, takes, ...) ROW_OF(combine_##name, takes, SINGLE)
#include "lang/ops.def"
        },
    .cast =
        {
            [DTYPE_BOOL] = EVERY(strip_cast_mask),
            [DTYPE_U8] = EVERY(strip_cast_u8),
            [DTYPE_I32] = EVERY(strip_cast_i32),
            [DTYPE_I64] = EVERY(strip_cast_i64),
            [DTYPE_F32] = EVERY(strip_cast_f32),
            [DTYPE_F64] = EVERY(strip_cast_f64),
        },
    .spread = EVERY(strip_spread),
    .copy = EVERY(strip_copy),
    .index = {[DTYPE_I32] = strip_index_i32, [DTYPE_I64] = strip_index_i64},
    .random = {[DTYPE_F32] = strip_random_f32, [DTYPE_F64] = strip_random_f64},
    .pool = {[DTYPE_F32] = strip_pool_f32, [DTYPE_F64] = strip_pool_f64},
    .pool_grad = {[DTYPE_F32] = strip_pool_grad_f32, [DTYPE_F64] = strip_pool_grad_f64},
    .cumsum = EVERY(strip_cumsum),
};
