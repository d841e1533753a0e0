/* Arithmetic on constants: every MAP row expanded once for doubles and once for wide integers.
 *
 * f32 is computed in double and rounded once; integers are computed in 128 bits and wrapped to their dtype; bools
 * are integers of 0 and 1. */
#include "graph/fold.h"

#include "lang/scalar.h"

#include <math.h>

typedef __int128 Wide;

static Number number_of_real(double number) { return (Number){.number = number}; }
static Number number_of_wide(Wide whole) { return (Number){.whole = (int64_t)(uint64_t)whole}; }

typedef Number FoldRule(const Number *in);

#define GIVES_S(make, value) make(value)
#define GIVES_B(make, value) ((Number){.whole = (value)})

/* ---- floats ----------------------------------------------------------------------------------------------- */

/* REAL_x(text) is text if a row that takes x exists for floats, else nothing; below WHOLE_x likewise for integers
 * and bools. */
#define REAL_F(...) __VA_ARGS__
#define REAL_N(...) __VA_ARGS__
#define REAL_A(...) __VA_ARGS__
#define REAL_B(...)
#define M(f)      f##_f64
#define R(number) ((double)(number))

#define MAP1(name, doc, takes, gives, guard, value, ...)                                                     \
  REAL_##takes(static Number real_##name(const Number *in) {                                                 \
    double x = in[0].number;                                                                                 \
    return GIVES_##gives(number_of_real, value);                                                             \
  })
#define MAP2(name, doc, takes, gives, guard, value, ...)                                                     \
  REAL_##takes(static Number real_##name(const Number *in) {                                                 \
    double a = in[0].number, b = in[1].number;                                                               \
    return GIVES_##gives(number_of_real, value);                                                             \
  })
#define MAP3(name, doc, takes, gives, guard, value, ...)                                                     \
  REAL_##takes(static Number real_##name(const Number *in) {                                                 \
    bool c = in[0].whole;                                                                                    \
    double a = in[1].number, b = in[2].number;                                                               \
    return GIVES_##gives(number_of_real, value);                                                             \
  })
#include "lang/ops.def"
#undef MAP1
#undef MAP2
#undef MAP3
#undef M
#undef R

/* ---- integers and bools ----------------------------------------------------------------------------------- */

#define WHOLE_F(...)
#define WHOLE_N(...) __VA_ARGS__
#define WHOLE_A(...) __VA_ARGS__
#define WHOLE_B(...) __VA_ARGS__
#define M(f)         f##_wide

static Wide abs_wide(Wide x) { return x < 0 ? -x : x; }
static Wide sign_wide(Wide x) { return (x > 0) - (x < 0); }
static Wide floor_div_wide(Wide a, Wide b) { return b ? a / b - (a % b != 0 && (a < 0) != (b < 0)) : 0; }
static Wide mod_wide(Wide a, Wide b) { return a - b * floor_div_wide(a, b); }

#define MAP1(name, doc, takes, gives, guard, value, ...)                                                     \
  WHOLE_##takes(static Number whole_##name(const Number *in) {                                               \
    Wide x = in[0].whole;                                                                                    \
    return GIVES_##gives(number_of_wide, value);                                                             \
  })
#define MAP2(name, doc, takes, gives, guard, value, ...)                                                     \
  WHOLE_##takes(static Number whole_##name(const Number *in) {                                               \
    Wide a = in[0].whole, b = in[1].whole;                                                                   \
    return GIVES_##gives(number_of_wide, value);                                                             \
  })
#define MAP3(name, doc, takes, gives, guard, value, ...)                                                     \
  WHOLE_##takes(static Number whole_##name(const Number *in) {                                               \
    bool c = in[0].whole;                                                                                    \
    Wide a = in[1].whole, b = in[2].whole;                                                                   \
    return GIVES_##gives(number_of_wide, value);                                                             \
  })
#include "lang/ops.def"
#undef MAP1
#undef MAP2
#undef MAP3
#undef M

/* ---- the tables ------------------------------------------------------------------------------------------- */

#define MAP1(name, doc, takes, gives, guard, value, ...) REAL_##takes([OP_AT_##name] = real_##name, )
#define MAP2(name, doc, takes, gives, guard, value, ...) REAL_##takes([OP_AT_##name] = real_##name, )
#define MAP3(name, doc, takes, gives, guard, value, ...) REAL_##takes([OP_AT_##name] = real_##name, )
static FoldRule *const real_rule[OP_COUNT] = {
#include "lang/ops.def"
};
#undef MAP1
#undef MAP2
#undef MAP3

#define MAP1(name, doc, takes, gives, guard, value, ...) WHOLE_##takes([OP_AT_##name] = whole_##name, )
#define MAP2(name, doc, takes, gives, guard, value, ...) WHOLE_##takes([OP_AT_##name] = whole_##name, )
#define MAP3(name, doc, takes, gives, guard, value, ...) WHOLE_##takes([OP_AT_##name] = whole_##name, )
static FoldRule *const whole_rule[OP_COUNT] = {
#include "lang/ops.def"
};

static int64_t whole_wrap(int64_t whole, DType dtype) {
  switch (dtype) {
  case DTYPE_BOOL: return whole != 0;
  case DTYPE_U8: return (uint8_t)whole;
  case DTYPE_I32: return (int32_t)(uint32_t)(uint64_t)whole;
  default: return whole;
  }
}

static double rounded(double number, DType dtype) {
  return dtype == DTYPE_F32 ? (double)(float)number : number;
}

bool fold_map(OpCode op, DType dtype, const Number *in, Number *out) {
  FoldRule *rule = dtype_is_float(dtype) ? real_rule[op] : whole_rule[op];
  if (!rule) return false;
  *out = rule(in);
  DType gives = op_table[op].gives == 'B' ? DTYPE_BOOL : dtype;
  out->number = rounded(out->number, gives);
  out->whole = whole_wrap(out->whole, gives);
  return true;
}

/* The range of an integer dtype as doubles: least <= truncated number < past. */
static const struct {
  double least, past;
} whole_range[DTYPE_COUNT] = {
    [DTYPE_U8] = {0, 256}, [DTYPE_I32] = {-0x1p31, 0x1p31}, [DTYPE_I64] = {-0x1p63, 0x1p63}};

bool fold_cast(DType from, DType to, Number in, Number *out) {
  *out = (Number){0};
  if (dtype_is_float(from) && dtype_is_float(to)) {
    out->number = rounded(in.number, to);
  } else if (dtype_is_float(from) && to == DTYPE_BOOL) {
    out->whole = in.number != 0;
  } else if (dtype_is_float(from)) {
    double whole = trunc(in.number);
    if (whole >= whole_range[to].least && whole < whole_range[to].past) out->whole = (int64_t)whole;
  } else if (dtype_is_float(to)) {
    out->number = to == DTYPE_F32 ? (double)(float)in.whole : (double)in.whole;
  } else {
    out->whole = whole_wrap(in.whole, to);
    return to == DTYPE_BOOL || out->whole == in.whole;
  }
  return true;
}
