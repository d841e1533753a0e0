/* The functions of a MAP row's `M(f)`, one set a dtype: math_exp_f32(x), math_exp_f64(x), math_abs_i32(x) …
 *
 * The f32 ones are free of branches and calls, so loops over them become vector code: a value outside a
 * formula's range is computed anyway and another is selected. Errors stay below 4 ulp; NaN gives NaN, denormal
 * results are exact where the formula allows. Some compute in f64 inside, where f32 would need two numbers.
 * The f64 ones, and the rare inverse functions, call the C library for each element. Polynomials are Chebyshev
 * fits made for these intervals; the reductions follow Cody and Waite, "Software Manual for the Elementary
 * Functions" (1980). Only level_*.c and tests include this file. */
#ifndef BACKENDS_CPU_LEVEL_MATH_H
#define BACKENDS_CPU_LEVEL_MATH_H

#include "lang/scalar.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* a * b + c, in one rounding where the level has an instruction for it. */
#ifdef __FMA__
static inline float fused_f32(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
static inline double fused_f64(double a, double b, double c) { return __builtin_fma(a, b, c); }
#else
static inline float fused_f32(float a, float b, float c) { return a * b + c; }
static inline double fused_f64(double a, double b, double c) { return a * b + c; }
#endif

static inline int32_t bits_of_f32(float x) {
  int32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}
static inline float f32_of_bits(int32_t bits) {
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}
static inline int64_t bits_of_f64(double x) {
  int64_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}
static inline double f64_of_bits(int64_t bits) {
  double x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

/* ---- exp and what is made of it, in f32 ---------------------------------------------------------------- */

#define ROUND_F32 12582912.0f        // 1.5 * 2^23: adding it rounds to a whole number, in the low bits
#define ROUND_F64 6755399441055744.0 // 1.5 * 2^52

static inline float math_exp_f32(float x) {
  float y = x > 89.0f ? 89.0f : x;
  y = y < -104.0f ? -104.0f : y;
  float shifted = fused_f32(y, 1.44269504f, ROUND_F32);
  float n = shifted - ROUND_F32;
  int32_t whole = (int32_t)((uint32_t)bits_of_f32(shifted) - (uint32_t)bits_of_f32(ROUND_F32));
  float r = fused_f32(n, -0.693145752f, y); // ln 2 in two parts, the first of 15 bits
  r = fused_f32(n, -1.42860677e-06f, r);
  float q = fused_f32(0.00139263760f, r, 0.00836333308f);
  q = fused_f32(q, r, 0.0416665535f);
  q = fused_f32(q, r, 0.166665761f);
  q = fused_f32(q, r, 0.5f);
  float p = fused_f32(q * r, r, r) + 1.0f;
  int32_t half = whole >> 1; // 2^whole in two factors: it may not be a normal number
  float low = f32_of_bits((int32_t)((uint32_t)(half + 127) << 23));
  float high = f32_of_bits((int32_t)((uint32_t)(whole - half + 127) << 23));
  return p * low * high;
}

static inline float math_sigmoid_f32(float x) {
  float e = math_exp_f32(-__builtin_fabsf(x));
  float top = x < 0 ? e : 1.0f;
  return x != x ? x : top / (1.0f + e);
}

static inline float math_tanh_f32(float x) {
  float z = x * x;
  float q = fused_f32(-0.00604516510f, z, 0.0209613291f);
  q = fused_f32(q, z, -0.0538432633f);
  q = fused_f32(q, z, 0.133327188f);
  q = fused_f32(q, z, -0.333333284f);
  float size = __builtin_fabsf(x);
  float small = fused_f32(q * z, size, size);
  float large = 1.0f - 2.0f / (math_exp_f32(2.0f * size) + 1.0f);
  return __builtin_copysignf(size < 0.625f ? small : large, x);
}

/* Above 0.95 as 1 - exp(L(x)), L a fit of log(erfc(x)): it is smooth and small there. */
static inline float math_erf_f32(float x) {
  float z = x * x;
  float p = fused_f32(7.87587507e-05f, z, -0.000801686429f);
  p = fused_f32(p, z, 0.00518908742f);
  p = fused_f32(p, z, -0.0268542120f);
  p = fused_f32(p, z, 0.112835947f);
  p = fused_f32(p, z, -0.376126267f);
  p = fused_f32(p, z, 1.12837917f);
  float size = __builtin_fabsf(x);
  float t = size > 4.0f ? 4.0f : size;
  float l = fused_f32(1.64267897e-06f, t, -4.61647852e-05f);
  l = fused_f32(l, t, 0.000597677243f);
  l = fused_f32(l, t, -0.00476350966f);
  l = fused_f32(l, t, 0.0264316433f);
  l = fused_f32(l, t, -0.110097243f);
  l = fused_f32(l, t, -0.631809550f);
  l = fused_f32(l, t, -1.13024188f);
  l = fused_f32(l, t, 0.000321866258f);
  float large = __builtin_copysignf(1.0f - math_exp_f32(l), x);
  float y = size < 0.95f ? x * p : large;
  return x != x ? x : y;
}

static inline float math_log_f32(float x) {
  bool tiny = x < 1.17549435e-38f;
  float y = tiny ? x * 8388608.0f : x;
  int32_t bits = bits_of_f32(y);
  int32_t shifted = (int32_t)((uint32_t)bits - 0x3f3504f3u); // sqrt(1/2) is the border of the exponents
  int32_t exponent = shifted >> 23;
  float m = f32_of_bits((int32_t)((uint32_t)bits - ((uint32_t)exponent << 23)));
  float n = (float)exponent - (tiny ? 23.0f : 0.0f);
  float f = m - 1.0f, s = f / (m + 1.0f), z = s * s;
  float q = fused_f32(0.233368110f, z, 0.285505870f);
  q = fused_f32(q, z, 0.400001239f);
  q = fused_f32(q, z, 0.666666666f);
  /* log m = 2 s + s z q, and 2 s = f - s f: only the small second part is rounded. */
  float rest = s * (z * q - f);
  float value = fused_f32(n, 0.693145752f, f + fused_f32(n, 1.42860677e-06f, rest));
  value = x > 3.40282347e+38f ? x : value;
  value = x < 0 ? NAN : value;
  value = x == 0 ? -INFINITY : value;
  return x != x ? x : value;
}

/* ---- f32 functions that compute in f64: their cores are good to about 1e-11 ------------------------------ */

static inline double core_exp(double x) { // for |x| < 700
  double shifted = fused_f64(x, 1.4426950408889634, ROUND_F64);
  double n = shifted - ROUND_F64;
  double r = fused_f64(n, -0.6931471805599453, x);
  double p = fused_f64(1.0 / 362880, r, 1.0 / 40320);
  p = fused_f64(p, r, 1.0 / 5040);
  p = fused_f64(p, r, 1.0 / 720);
  p = fused_f64(p, r, 1.0 / 120);
  p = fused_f64(p, r, 1.0 / 24);
  p = fused_f64(p, r, 1.0 / 6);
  p = fused_f64(p, r, 0.5);
  p = fused_f64(p, r, 1.0);
  p = fused_f64(p, r, 1.0);
  uint64_t scale = ((uint64_t)bits_of_f64(shifted) + 1023u) << 52;
  return p * f64_of_bits((int64_t)scale);
}

static inline double core_log(double x) { // for normal positive x
  uint64_t bits = (uint64_t)bits_of_f64(x);
  uint64_t shifted = bits - 0x3fe6a09e667f3bcdu; // sqrt(1/2) is the border of the exponents
  double m = f64_of_bits((int64_t)(bits - (shifted & 0xfff0000000000000u)));
  /* The exponent becomes a double by its bits: not every level converts 64-bit integers in vectors. */
  uint64_t biased = (shifted + ((uint64_t)1024 << 52)) >> 52;
  double n = f64_of_bits((int64_t)(biased | 0x4330000000000000u)) - 4503599627371520.0;
  double s = (m - 1.0) / (m + 1.0), z = s * s;
  double q = fused_f64(1.0 / 15, z, 1.0 / 13);
  q = fused_f64(q, z, 1.0 / 11);
  q = fused_f64(q, z, 1.0 / 9);
  q = fused_f64(q, z, 1.0 / 7);
  q = fused_f64(q, z, 1.0 / 5);
  q = fused_f64(q, z, 1.0 / 3);
  q = fused_f64(q, z, 1.0);
  return fused_f64(n, 0.6931471805599453, 2.0 * s * q);
}

static inline double core_clamp(double x, double limit) {
  double y = x > limit ? limit : x;
  return y < -limit ? -limit : y;
}

static inline float math_expm1_f32(float x) {
  double y = core_clamp((double)x, 200.0);
  double p = fused_f64(1.0 / 5040, y, 1.0 / 720);
  p = fused_f64(p, y, 1.0 / 120);
  p = fused_f64(p, y, 1.0 / 24);
  p = fused_f64(p, y, 1.0 / 6);
  p = fused_f64(p, y, 0.5);
  double small = fused_f64(p * y, y, y);
  double large = core_exp(y) - 1.0;
  double value = __builtin_fabs(y) < 0.1 ? small : large;
  return x == 0 ? x : (float)value; // keeps the sign of zero
}

static inline float math_log1p_f32(float x) {
  double y = (double)x, sum = 1.0 + y;
  double safe = sum > 0 ? sum : 1.0;
  double value = core_log(safe);
  value = __builtin_fabs(y) < 0x1p-20 ? y - 0.5 * y * y : value;
  value = y < -1.0 ? (double)NAN : value;
  value = y == -1.0 ? -(double)INFINITY : value;
  value = y > 3.5e38 ? y : value;
  return x == 0 || x != x ? x : (float)value;
}

static inline float math_sinh_f32(float x) {
  double y = core_clamp((double)x, 200.0), z = y * y;
  double p = fused_f64(1.0 / 5040, z, 1.0 / 120);
  p = fused_f64(p, z, 1.0 / 6);
  double small = fused_f64(p * z, y, y);
  double e = core_exp(y);
  double value = __builtin_fabs(y) < 0.3 ? small : 0.5 * (e - 1.0 / e);
  return x == 0 ? x : (float)value;
}

static inline float math_cosh_f32(float x) {
  double e = core_exp(core_clamp((double)x, 200.0));
  return (float)(0.5 * (e + 1.0 / e));
}

/* exp(b log |a|), and the special cases of C17 F.10.4.4 selected after it. */
static inline float math_pow_f32(float a, float b) {
  double size = __builtin_fabs((double)a), power = (double)b;
  bool plain = size > 0 && size <= 3.40282347e+38;
  double value = core_exp(core_clamp(power * core_log(plain ? size : 1.0), 400.0));
  /* Whole and odd, decided in f64 where every f32 below 2^24 has room; above that all are even. */
  double nearest = (power + ROUND_F64) - ROUND_F64;
  bool small = __builtin_fabs(power) < 16777216.0;
  bool whole = !small || nearest == power;
  double half = 0.5 * power, half_nearest = (half + ROUND_F64) - ROUND_F64;
  bool odd = small && whole && half_nearest != half;
  bool up = (size > 1.0) == (power > 0);
  double edge = up ? (double)INFINITY : 0.0; // of an infinite power, or of 0 and infinity as the base
  double infinite = size == 1.0 ? 1.0 : edge;
  value = plain ? value : edge;
  value = __builtin_fabs(power) > 3.5e38 ? infinite : value;
  bool negative = bits_of_f32(a) < 0;
  value = negative && odd ? -value : value;
  value = a < 0 && plain && !whole ? (double)NAN : value;
  value = a != a || b != b ? (double)a + power : value;
  value = b == 0 || a == 1.0f ? 1.0 : value;
  return (float)value;
}

/* pi/2 in two parts; the first has 33 bits, so its product with the quadrant of |x| < TRIG_LIMIT is exact. These
 * three functions hold below that limit; beyond it strips call the C library. */
#define TRIG_LIMIT 1e6f

typedef struct {
  double sine, cosine; // of the reduced angle
  int64_t quadrant;    // its low two bits
} Angle;

static inline Angle core_angle(double x) {
  double shifted = x * 0.6366197723675814 + ROUND_F64;
  double n = shifted - ROUND_F64;
  double r = (x - n * 1.57079632673412561417e+00) - n * 6.07710050650619224932e-11, z = r * r;
  double s = fused_f64(-1.0 / 39916800, z, 1.0 / 362880);
  s = fused_f64(s, z, -1.0 / 5040);
  s = fused_f64(s, z, 1.0 / 120);
  s = fused_f64(s, z, -1.0 / 6);
  double c = fused_f64(-1.0 / 3628800, z, 1.0 / 40320);
  c = fused_f64(c, z, -1.0 / 720);
  c = fused_f64(c, z, 1.0 / 24);
  c = fused_f64(c, z, -0.5);
  return (Angle){fused_f64(s * z, r, r), fused_f64(c, z, 1.0), bits_of_f64(shifted)};
}

/* odd ? b : a, and the sign of bit 1 of `turn`: by masks, as a choice between f64 numbers by an integer would
 * keep loops from becoming vectors. */
static inline double core_turn(int64_t turn, double a, double b) {
  uint64_t odd = 0 - ((uint64_t)turn & 1), sign = ((uint64_t)turn & 2) << 62;
  uint64_t bits = ((uint64_t)bits_of_f64(a) & ~odd) | ((uint64_t)bits_of_f64(b) & odd);
  return f64_of_bits((int64_t)(bits ^ sign));
}

static inline float math_sin_f32(float x) {
  Angle angle = core_angle((double)x);
  double value = core_turn(angle.quadrant, angle.sine, angle.cosine);
  return x == 0 ? x : (float)value;
}

static inline float math_cos_f32(float x) {
  Angle angle = core_angle((double)x);
  return (float)core_turn(angle.quadrant + 1, angle.sine, angle.cosine);
}

static inline float math_tan_f32(float x) {
  Angle angle = core_angle((double)x);
  double value = core_turn(angle.quadrant, angle.sine, angle.cosine) /
                 core_turn(angle.quadrant + 1, angle.sine, angle.cosine);
  return x == 0 ? x : (float)value;
}

/* ---- the same text for both float types ------------------------------------------------------------------ */

static inline float math_sqrt_f32(float x) { return __builtin_sqrtf(x); }
static inline double math_sqrt_f64(double x) { return __builtin_sqrt(x); }
static inline float math_abs_f32(float x) { return __builtin_fabsf(x); }
static inline double math_abs_f64(double x) { return __builtin_fabs(x); }
static inline float math_sign_f32(float x) { return x != x ? x : (float)((x > 0) - (x < 0)); }
static inline double math_sign_f64(double x) { return x != x ? x : (double)((x > 0) - (x < 0)); }
static inline float math_floor_f32(float x) { return __builtin_floorf(x); }
static inline double math_floor_f64(double x) { return __builtin_floor(x); }
static inline float math_ceil_f32(float x) { return __builtin_ceilf(x); }
static inline double math_ceil_f64(double x) { return __builtin_ceil(x); }
static inline float math_round_f32(float x) { return __builtin_rintf(x); }
static inline double math_round_f64(double x) { return __builtin_rint(x); }

/* In f64, so that a quotient just below a whole number does not become it. */
static inline double math_floor_div_f64(double a, double b) { return __builtin_floor(a / b); }
static inline double math_mod_f64(double a, double b) { return a - b * __builtin_floor(a / b); }
static inline float math_floor_div_f32(float a, float b) {
  return (float)math_floor_div_f64((double)a, (double)b);
}
static inline float math_mod_f32(float a, float b) { return (float)math_mod_f64((double)a, (double)b); }

/* ---- by the C library ------------------------------------------------------------------------------------ */

static inline float math_asin_f32(float x) { return asinf(x); }
static inline float math_acos_f32(float x) { return acosf(x); }
static inline float math_atan_f32(float x) { return atanf(x); }
static inline float math_atan2_f32(float a, float b) { return atan2f(a, b); }
static inline double math_erfinv_f64(double x) { return erfinv_f64(x); }
static inline double math_lgamma_f64(double x) { return lgamma_f64(x); }
static inline double math_polygamma_f64(double a, double b) { return polygamma_f64(a, b); }
static inline float math_erfinv_f32(float x) { return (float)erfinv_f64((double)x); }
static inline float math_lgamma_f32(float x) { return (float)lgamma_f64((double)x); }
static inline float math_polygamma_f32(float a, float b) {
  return (float)polygamma_f64((double)a, (double)b);
}
static inline double math_exp_f64(double x) { return exp(x); }
static inline double math_expm1_f64(double x) { return expm1(x); }
static inline double math_log_f64(double x) { return log(x); }
static inline double math_log1p_f64(double x) { return log1p(x); }
static inline double math_sin_f64(double x) { return sin(x); }
static inline double math_cos_f64(double x) { return cos(x); }
static inline double math_tan_f64(double x) { return tan(x); }
static inline double math_asin_f64(double x) { return asin(x); }
static inline double math_acos_f64(double x) { return acos(x); }
static inline double math_atan_f64(double x) { return atan(x); }
static inline double math_atan2_f64(double a, double b) { return atan2(a, b); }
static inline double math_sinh_f64(double x) { return sinh(x); }
static inline double math_cosh_f64(double x) { return cosh(x); }
static inline double math_tanh_f64(double x) { return tanh(x); }
static inline double math_erf_f64(double x) { return erf(x); }
static inline double math_pow_f64(double a, double b) { return pow(a, b); }
static inline double math_sigmoid_f64(double x) {
  double e = exp(-fabs(x));
  return x != x ? x : (x < 0 ? e : 1.0) / (1.0 + e);
}

/* ---- integers: division by 0 gives 0, and nothing traps --------------------------------------------------- */

static inline int32_t math_abs_i32(int32_t x) { return x < 0 ? -x : x; }
static inline int64_t math_abs_i64(int64_t x) { return x < 0 ? -x : x; }
static inline uint8_t math_abs_u8(uint8_t x) { return x; }
static inline int32_t math_sign_i32(int32_t x) { return (x > 0) - (x < 0); }
static inline int64_t math_sign_i64(int64_t x) { return (x > 0) - (x < 0); }
static inline uint8_t math_sign_u8(uint8_t x) { return x > 0; }

static inline int64_t math_floor_div_i64(int64_t a, int64_t b) {
  if (b == 0) return 0;
  if (b == -1) return -a;
  int64_t quotient = a / b;
  return quotient - (a % b != 0 && (a < 0) != (b < 0));
}
static inline int64_t math_mod_i64(int64_t a, int64_t b) { return a - b * math_floor_div_i64(a, b); }
static inline int32_t math_floor_div_i32(int32_t a, int32_t b) { return (int32_t)math_floor_div_i64(a, b); }
static inline int32_t math_mod_i32(int32_t a, int32_t b) { return (int32_t)math_mod_i64(a, b); }
static inline uint8_t math_floor_div_u8(uint8_t a, uint8_t b) { return (uint8_t)math_floor_div_i64(a, b); }
static inline uint8_t math_mod_u8(uint8_t a, uint8_t b) { return (uint8_t)math_mod_i64(a, b); }

#endif
