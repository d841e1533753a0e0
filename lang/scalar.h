/* What the M(f) of a MAP row in ops.def means: the plain functions, for doubles and for whole numbers.
 *
 * They are the definition: slow, from the C library, for folding constants and for the reference backend. Who
 * expands a row says `#define M(f) f##_f64` or `f##_i64`. NaN gives NaN. Integers wrap; dividing them by 0 gives
 * 0. Rows that take no integers have no _i64. */
#ifndef LANG_SCALAR_H
#define LANG_SCALAR_H

#include <math.h>
#include <stdint.h>

static inline double abs_f64(double x) { return fabs(x); }
static inline double sign_f64(double x) { return x > 0 ? 1 : x < 0 ? -1 : x; }
static inline double exp_f64(double x) { return exp(x); }
static inline double expm1_f64(double x) { return expm1(x); }
static inline double log_f64(double x) { return log(x); }
static inline double log1p_f64(double x) { return log1p(x); }
static inline double sqrt_f64(double x) { return sqrt(x); }
static inline double sin_f64(double x) { return sin(x); }
static inline double cos_f64(double x) { return cos(x); }
static inline double tan_f64(double x) { return tan(x); }
static inline double asin_f64(double x) { return asin(x); }
static inline double acos_f64(double x) { return acos(x); }
static inline double atan_f64(double x) { return atan(x); }
static inline double sinh_f64(double x) { return sinh(x); }
static inline double cosh_f64(double x) { return cosh(x); }
static inline double tanh_f64(double x) { return tanh(x); }
static inline double erf_f64(double x) { return erf(x); }
static inline double floor_f64(double x) { return floor(x); }
static inline double ceil_f64(double x) { return ceil(x); }
static inline double round_f64(double x) { return rint(x); } // halves to even
static inline double pow_f64(double a, double b) { return pow(a, b); }
static inline double atan2_f64(double a, double b) { return atan2(a, b); }
static inline double floor_div_f64(double a, double b) { return floor(a / b); }
static inline double mod_f64(double a, double b) { return a - b * floor(a / b); }

/* Of x or -x, whichever is not above 0, so that nothing overflows. */
static inline double sigmoid_f64(double x) {
  double small = exp(-fabs(x));
  return x < 0 ? small / (1 + small) : 1 / (1 + small);
}

static inline int64_t abs_i64(int64_t x) { return x < 0 ? (int64_t)(0 - (uint64_t)x) : x; }
static inline int64_t sign_i64(int64_t x) { return (x > 0) - (x < 0); }

static inline int64_t floor_div_i64(int64_t a, int64_t b) {
  if (b == 0) return 0;
  if (b == -1) return (int64_t)(0 - (uint64_t)a);
  return a / b - (a % b != 0 && (a < 0) != (b < 0));
}

static inline int64_t mod_i64(int64_t a, int64_t b) {
  if (b == 0) return a; // a - 0 * 0
  if (b == -1) return 0;
  int64_t rest = a % b;
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

#endif
