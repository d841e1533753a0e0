/* A template: the kernels of one dtype, expanded from ops.def. Included by level_strips.c once a dtype.
 *
 * Expects T (the C type), SUFFIX (f32 …), TAKES (FLOATS, WHOLES or BOOLS: which rows exist for it), MASK (what a
 * comparison of its vectors gives), WIDE (the type in which results of blocks are added), LOWEST and HIGHEST.
 * Every loop is plain C that the compiler turns into vectors; INDEPENDENT says that no element depends on
 * another. */

#define NAME(name) PASTE(strip_, name, SUFFIX)
#define M(f)       PASTE(math_, f, SUFFIX)
#define R(number)  ((T)(number))

#define MAP1(name, doc, takes, gives, guard, value, ...)                                                     \
  CHOOSE(TAKES, takes)                                                                                       \
  (static void NAME(name)(void *out, const void *first, const void *second, const void *third, int64_t n) {  \
    GIVES_##gives *y = out;                                                                                  \
    const T *xs = first;                                                                                     \
    (void)second, (void)third;                                                                               \
    INDEPENDENT for (int64_t i = 0; i < n; i++) {                                                            \
      const T x = xs[i];                                                                                     \
      y[i] = (GIVES_##gives)(value);                                                                         \
    }                                                                                                        \
  })

#define VARIANT2(name, variant, gives, value, at_a, at_b)                                                    \
  static void PASTE(strip_, name##variant, SUFFIX)(void *out, const void *first, const void *second,         \
                                                   const void *third, int64_t n) {                           \
    GIVES_##gives *y = out;                                                                                  \
    const T *as = first, *bs = second;                                                                       \
    const T a0 = n > 0 ? as[0] : (T)0, b0 = n > 0 ? bs[0] : (T)0;                                            \
    (void)third, (void)a0, (void)b0;                                                                         \
    INDEPENDENT for (int64_t i = 0; i < n; i++) {                                                            \
      const T a = at_a, b = at_b;                                                                            \
      y[i] = (GIVES_##gives)(value);                                                                         \
    }                                                                                                        \
  }

#define MAP2(name, doc, takes, gives, guard, value, ...)                                                     \
  CHOOSE(TAKES, takes)                                                                                       \
  (VARIANT2(name, , gives, value, as[i], bs[i]) VARIANT2(name, _b_one, gives, value, as[i], b0)              \
       VARIANT2(name, _a_one, gives, value, a0, bs[i]))

#define VARIANT3(name, variant, gives, value, at_a, at_b)                                                    \
  static void PASTE(strip_, name##variant, SUFFIX)(void *out, const void *first, const void *second,         \
                                                   const void *third, int64_t n) {                           \
    GIVES_##gives *y = out;                                                                                  \
    const T *as = first, *bs = second;                                                                       \
    const uint8_t *cs = third;                                                                               \
    const T a0 = n > 0 ? as[0] : (T)0, b0 = n > 0 ? bs[0] : (T)0;                                            \
    (void)a0, (void)b0;                                                                                      \
    INDEPENDENT for (int64_t i = 0; i < n; i++) {                                                            \
      const T a = at_a, b = at_b;                                                                            \
      const uint8_t c = cs[i];                                                                               \
      y[i] = (GIVES_##gives)(value);                                                                         \
    }                                                                                                        \
  }

#define MAP3(name, doc, takes, gives, guard, value, ...)                                                     \
  CHOOSE(TAKES, takes)                                                                                       \
  (VARIANT3(name, , gives, value, as[i], bs[i]) VARIANT3(name, _b_one, gives, value, as[i], b0)              \
       VARIANT3(name, _a_one, gives, value, a0, bs[i]) VARIANT3(name, _both_one, gives, value, a0, b0))

#define GIVES_S T
#define GIVES_B uint8_t
#include "lang/ops.def"
#undef MAP1
#undef MAP2
#undef MAP3
#undef VARIANT2
#undef VARIANT3

/* ---- reductions: a row of ops.def gives `two`, the bodies are the same for all ------------------------------ */

/* Lanes are whole vectors of the level: SUM_LANES numbers, or more where those would not fill one vector
 * (bytes, whose sums wrap and so have no order). */
typedef T NAME(vector) __attribute__((vector_size(LEVEL_BYTES)));
typedef MASK NAME(mask) __attribute__((vector_size(LEVEL_BYTES)));
#define VECTOR        NAME(vector)
#define VECTOR_LENGTH ((int)(LEVEL_BYTES / sizeof(T)))
#define VECTORS       (SUM_LANES > VECTOR_LENGTH ? SUM_LANES / VECTOR_LENGTH : 1)
#define LANES         (VECTORS * VECTOR_LENGTH)

/* How numbers are combined: one by one, vectors of them, and the results of blocks. */
typedef T NAME(Two)(T acc, T a);
typedef VECTOR NAME(TwoVectors)(VECTOR acc, VECTOR a);
typedef WIDE NAME(TwoWide)(WIDE acc, T a);

static inline VECTOR NAME(pick)(NAME(mask) wins, VECTOR acc, VECTOR a) {
  NAME(mask) old, new;
  VECTOR result;
  const VECTOR same = a; // a != same where a is NaN
  wins |= (NAME(mask))(a != same);
  memcpy(&old, &acc, sizeof old);
  memcpy(&new, &a, sizeof new);
  old = (wins & new) | (~wins & old);
  memcpy(&result, &old, sizeof result);
  return result;
}
static inline VECTOR NAME(vectors_reduce_sum)(VECTOR acc, VECTOR a) { return acc + a; }
static inline VECTOR NAME(vectors_reduce_max)(VECTOR acc, VECTOR a) {
  return NAME(pick)((NAME(mask))(a > acc), acc, a);
}
static inline VECTOR NAME(vectors_reduce_min)(VECTOR acc, VECTOR a) {
  return NAME(pick)((NAME(mask))(a < acc), acc, a);
}

static INLINED T NAME(reduce_block)(const T *x, int64_t n, T start, NAME(Two) * two,
                                    NAME(TwoVectors) * vectors) {
  T lane[LANES];
  VECTOR acc[VECTORS];
  for (int j = 0; j < LANES; j++) lane[j] = start;
  memcpy(acc, lane, sizeof acc);
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES)
    for (int k = 0; k < VECTORS; k++) {
      VECTOR a;
      memcpy(&a, x + i + k * VECTOR_LENGTH, sizeof a);
      acc[k] = vectors(acc[k], a);
    }
  memcpy(lane, acc, sizeof acc);
  for (int j = 0; i + j < n; j++) lane[j] = two(lane[j], x[i + j]);
  for (int half = LANES / 2; half > 0; half /= 2)
    for (int j = 0; j < half; j++) lane[j] = two(lane[j], lane[j + half]);
  return lane[0];
}

static INLINED void NAME(reduce_rows)(T *y, const T *x, int64_t rows, int64_t row, T start, NAME(Two) * two,
                                      NAME(TwoVectors) * vectors, NAME(TwoWide) * wide) {
  for (int64_t r = 0; r < rows; r++, x += row) {
    WIDE total = (WIDE)start;
    for (int64_t at = 0; at < row; at += SUM_BLOCK)
      total = wide(total, NAME(reduce_block)(x + at, row - at < SUM_BLOCK ? row - at : SUM_BLOCK, start, two,
                                             vectors));
    y[r] = (T)total;
  }
}

/* Four rows at a time, in their order: the sum is read and written a quarter as often. */
static INLINED void NAME(accumulate_rows)(T *y, const T *x, int64_t rows, int64_t row, bool first,
                                          NAME(Two) * two) {
  int64_t r = 0;
  if (first && rows > 0) {
    memcpy(y, x, (size_t)row * sizeof(T));
    r = 1;
  }
  for (; r + 4 <= rows; r += 4) {
    const T *x0 = x + r * row, *x1 = x0 + row, *x2 = x1 + row, *x3 = x2 + row;
    INDEPENDENT for (int64_t j = 0; j < row; j++) y[j] = two(two(two(two(y[j], x0[j]), x1[j]), x2[j]), x3[j]);
  }
  for (; r < rows; r++) {
    const T *x0 = x + r * row;
    INDEPENDENT for (int64_t j = 0; j < row; j++) y[j] = two(y[j], x0[j]);
  }
}

static INLINED void NAME(combine_parts)(T *y, const T *x, int64_t parts, int64_t step, int64_t row, T start,
                                        NAME(TwoWide) * wide) {
  for (int64_t at = 0; at < row; at += COMBINE_WIDTH) {
    WIDE total[COMBINE_WIDTH];
    int64_t width = row - at < COMBINE_WIDTH ? row - at : COMBINE_WIDTH;
    for (int64_t j = 0; j < width; j++) total[j] = (WIDE)start;
    for (int64_t k = 0; k < parts; k++)
      for (int64_t j = 0; j < width; j++) total[j] = wide(total[j], x[k * step + at + j]);
    for (int64_t j = 0; j < width; j++) y[at + j] = (T)total[j];
  }
}

#define REDUCE(name, doc, takes, start, value, ...)                                                          \
  CHOOSE(TAKES, takes)                                                                                       \
  (                                                                                                          \
      static inline T NAME(two_##name)(T acc, T a) {                                                         \
        return (T)(value);                                                                                   \
      } static inline WIDE NAME(wide_##name)(WIDE acc, T b) {                                                \
        const WIDE a = (WIDE)b;                                                                              \
        return (WIDE)(value);                                                                                \
      } static void NAME(name)(void *out, const void *from, int64_t rows, int64_t row) {                     \
        NAME(reduce_rows)                                                                                    \
        (out, from, rows, row, (T)start, NAME(two_##name), NAME(vectors_##name), NAME(wide_##name));         \
      } static void NAME(accumulate_##name)(void *sum, const void *from, int64_t rows, int64_t row,          \
                                            bool first) {                                                    \
        NAME(accumulate_rows)(sum, from, rows, row, first, NAME(two_##name));                                \
      } static void NAME(combine_##name)(void *out, const void *part, int64_t parts, int64_t step,           \
                                         int64_t row) {                                                      \
        NAME(combine_parts)(out, part, parts, step, row, (T)start, NAME(wide_##name));                       \
      })
#include "lang/ops.def"
#undef REDUCE

/* ---- moving numbers ----------------------------------------------------------------------------------------- */

static void NAME(spread)(void *out, const void *from, int64_t rows, int64_t row) {
  T *y = out;
  const T *x = from;
  for (int64_t r = 0; r < rows; r++, y += row)
    for (int64_t j = 0; j < row; j++) y[j] = x[r];
}

static void NAME(copy)(StripPlane dst, StripPlane src, int64_t rows, int64_t row) {
  for (int64_t r = 0; r < rows; r++) {
    T *y = (T *)dst.at + r * dst.step;
    const T *x = (const T *)src.at + r * src.step;
    if (dst.stride == 1 && src.stride == 1) {
      INDEPENDENT for (int64_t j = 0; j < row; j++) y[j] = x[j];
    } else if (dst.stride == 1) {
      INDEPENDENT for (int64_t j = 0; j < row; j++) y[j] = x[j * src.stride];
    } else {
      INDEPENDENT for (int64_t j = 0; j < row; j++) y[j * dst.stride] = x[j * src.stride];
    }
  }
}

static void NAME(cumsum)(void *out, const void *from, const void *second, const void *third, int64_t n) {
  T *y = out;
  const T *x = from;
  (void)second, (void)third;
  WIDE total = 0;
  for (int64_t i = 0; i < n; i++) {
    total = (WIDE)(total + (WIDE)x[i]);
    y[i] = (T)total;
  }
}

#undef VECTOR
#undef VECTOR_LENGTH
#undef VECTORS
#undef LANES
#undef GIVES_S
#undef GIVES_B
#undef NAME
#undef M
#undef R
#undef T
#undef SUFFIX
#undef TAKES
#undef MASK
#undef WIDE
#undef LOWEST
#undef HIGHEST
