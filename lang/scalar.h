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

/* Where erf(y) is x: from Winitzki, "A handy approximation for the error function and its inverse" (2008), which is
 * good to 0.002, by three steps of Halley's method. Far out the rest to 1 is compared, which keeps its digits. */
static inline double erfinv_f64(double x) {
  if (!(x > -1 && x < 1)) return x == 1 ? INFINITY : x == -1 ? -INFINITY : NAN;
  double l = log1p(-x * x), t = 2 / (3.14159265358979323846 * 0.147) + l / 2;
  double y = copysign(sqrt(sqrt(t * t - l / 0.147) - t), x);
  if (x == 0) return x;
  for (int i = 0; i < 3; i++) {
    double miss = x > 0.5 ? (1 - x) - erfc(y) : x < -0.5 ? erfc(-y) - (1 + x) : erf(y) - x;
    double step = miss / (1.12837916709551257390 * exp(-y * y));
    y -= step / (1 + y * step);
  }
  return y;
}

static inline double lgamma_f64(double x) {
  int sign;
  return lgamma_r(x, &sign);
}

/* psi^(n)(x) for n >= 0, rounded, by its recurrence up to x = 16 + n and the asymptotic series there (Abramowitz and
 * Stegun 6.3.18, 6.4.6, 6.4.11). NaN at the poles 0, -1, … and, as the recurrence would not end, below -10000. */
static inline double polygamma_f64(double order, double x) {
  static const double bernoulli[] = {1.0 / 6,       -1.0 / 30, 1.0 / 42,      -1.0 / 30,    5.0 / 66,
                                     -691.0 / 2730, 7.0 / 6,   -3617.0 / 510, 43867.0 / 798};
  double n = rint(order);
  if (!(n >= 0 && n <= 100) || !(x > -10000) || (x <= 0 && x == floor(x))) return NAN;
  double size = tgamma(n + 1), sign = fmod(n, 2) == 0 ? -1 : 1, sum = 0; // size: n!
  for (; x < 16 + n; x += 1) sum += n == 0 ? -1 / x : sign * size / pow(x, n + 1);
  double rest = n == 0 ? -log(x) : tgamma(n) / pow(x, n);
  rest += size / (2 * pow(x, n + 1));
  for (int k = 1; k <= 9; k++) {
    double term = n == 0 ? 1.0 / (2 * k) : tgamma(2 * k + n) / tgamma(2 * k + 1.0);
    rest += bernoulli[k - 1] * term / pow(x, 2 * k + n);
  }
  return sum + sign * rest;
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
