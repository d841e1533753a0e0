/* The f32 functions of every level against the C library in double: error in units of the last place, and the
 * values at the edges. Strips are called as the tape calls them, so the table is tested too. */
#include "backends/cpu/strip.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const StripTable *tables[4];
static const char *const level_names[4] = {"portable", "v2", "v3", "v4"};

static int levels(void) {
  int count = 0;
  tables[count++] = &strips_v0;
#ifdef __x86_64__
  __builtin_cpu_init();
  if (&strips_v2 && __builtin_cpu_supports("sse4.2")) tables[count++] = &strips_v2;
  if (&strips_v3 && count == 2 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    tables[count++] = &strips_v3;
  if (&strips_v4 && count == 3 && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512dq"))
    tables[count++] = &strips_v4;
#endif
  return count;
}

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }
static double rsqrt(double x) { return 1 / sqrt(x); }

typedef struct {
  OpCode op;
  const char *name;
  double (*exact)(double);
  float low, high; // most samples lie here
} Case1;

static const Case1 cases[] = {
    {OP_EXP, "exp", exp, -104, 89},
    {OP_EXPM1, "expm1", expm1, -20, 89},
    {OP_LOG, "log", log, 0, 100},
    {OP_LOG1P, "log1p", log1p, -1, 100},
    {OP_SQRT, "sqrt", sqrt, 0, 1e6f},
    {OP_RSQRT, "rsqrt", rsqrt, 0, 1e6f},
    {OP_SIN, "sin", sin, -100, 100},
    {OP_COS, "cos", cos, -100, 100},
    {OP_TAN, "tan", tan, -100, 100},
    {OP_ASIN, "asin", asin, -1, 1},
    {OP_ACOS, "acos", acos, -1, 1},
    {OP_ATAN, "atan", atan, -50, 50},
    {OP_SINH, "sinh", sinh, -89, 89},
    {OP_COSH, "cosh", cosh, -89, 89},
    {OP_TANH, "tanh", tanh, -10, 10},
    {OP_ERF, "erf", erf, -5, 5},
    {OP_SIGMOID, "sigmoid", sigmoid, -100, 100},
    {OP_FLOOR, "floor", floor, -100, 100},
    {OP_CEIL, "ceil", ceil, -100, 100},
    {OP_ROUND, "round", rint, -100, 100},
};

#define SAMPLES 40000

static const float specials[] = {
    0.0f,       -0.0f,   INFINITY,      -INFINITY, NAN,  1e-45f, -1e-45f, 1e-38f,    -1e-38f,    1e-30f,
    -1e-30f,    3.4e38f, -3.4e38f,      1,         -1,   0.5f,   -0.5f,   88.7f,     88.73f,     -87.4f,
    -103.9f,    -104.1f, 1e5f,          1e6f,      1e7f, -3e9f,  1e20f,   0.999999f, 1.0000001f, 3.1415927f,
    1.5707964f, 2.5f,    1.1754944e-38f};
#define SPECIALS ((int)(sizeof specials / sizeof *specials))

static uint32_t state = 1;
static float uniform(void) {
  state = state * 1664525u + 1013904223u;
  return (float)(state >> 8) * 0x1p-24f;
}

/* Near 0 as well as all over the range; every sixteenth has random bits. */
static void sample(float *x, int n, float low, float high) {
  memcpy(x, specials, sizeof specials);
  for (int i = SPECIALS; i < n; i++) {
    x[i] = low + (high - low) * uniform();
    if (i % 4 == 1) x[i] *= uniform() * 1e-2f;
    if (i % 16 == 2) {
      uint32_t bits = state ^ (state << 7);
      memcpy(&x[i], &bits, sizeof bits);
    }
  }
}

/* In units of the last place of the f32 nearest to `exact`; those of denormals are all the same. */
static double ulps(float got, double exact) {
  float nearest = (float)exact;
  if (isnan(exact) || isnan(got)) return isnan(exact) && isnan(got) ? 0 : 1e30;
  if (isinf(nearest) || isinf(got)) return nearest == got ? 0 : 1e30;
  int exponent;
  frexp((double)nearest, &exponent);
  double unit = ldexp(1, (exponent < -125 ? -125 : exponent) - 24);
  return fabs((double)got - exact) / unit;
}

Test(math, maps_of_one) {
  static float x[SAMPLES], y[SAMPLES];
  int count = levels();
  for (int level = 0; level < count; level++)
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
      const Case1 *c = &cases[k];
      sample(x, SAMPLES, c->low, c->high);
      tables[level]->map[c->op][DTYPE_F32][STRIP_PLAIN](y, x, NULL, NULL, SAMPLES);
      for (int i = 0; i < SAMPLES; i++) {
        double error = ulps(y[i], c->exact((double)x[i]));
        cr_assert(error <= 4, "%s %s(%a) = %a, exact %a: %g ulp", level_names[level], c->name, (double)x[i],
                  (double)y[i], c->exact((double)x[i]), error);
      }
    }
}

Test(math, signs_of_zero) {
  static const OpCode odd[] = {OP_EXPM1, OP_LOG1P, OP_SIN, OP_TAN, OP_SINH, OP_TANH, OP_ERF, OP_SQRT};
  int count = levels();
  for (int level = 0; level < count; level++)
    for (size_t k = 0; k < sizeof odd / sizeof *odd; k++) {
      float x = -0.0f, y = 1;
      tables[level]->map[odd[k]][DTYPE_F32][STRIP_PLAIN](&y, &x, NULL, NULL, 1);
      cr_assert(y == 0 && signbit(y), "%s op %d of -0 is %g", level_names[level], (int)odd[k], (double)y);
    }
}

Test(math, pow) {
  static float a[SAMPLES], b[SAMPLES], y[SAMPLES];
  int count = levels();
  for (int level = 0; level < count; level++) {
    sample(a, SAMPLES, -3, 50);
    sample(b, SAMPLES, -25, 25);
    for (int i = 0; i < SPECIALS * SPECIALS; i++)
      a[i] = specials[i / SPECIALS], b[i] = specials[i % SPECIALS];
    for (int i = SPECIALS * SPECIALS; i < SAMPLES; i += 3) b[i] = (float)((i % 15) - 7);
    tables[level]->map[OP_POW][DTYPE_F32][STRIP_PLAIN](y, a, b, NULL, SAMPLES);
    for (int i = 0; i < SAMPLES; i++) {
      double error = ulps(y[i], pow((double)a[i], (double)b[i]));
      cr_assert(error <= 4, "%s pow(%a, %a) = %a, exact %a: %g ulp", level_names[level], (double)a[i],
                (double)b[i], (double)y[i], pow((double)a[i], (double)b[i]), error);
    }
  }
}

Test(math, nan_goes_through) {
  float nan = NAN, one = 1, y = 0;
  int count = levels();
  for (int level = 0; level < count; level++)
    for (OpCode op = OP_NEG; op <= OP_MAX; op++) {
      if (op == OP_ISNAN || op == OP_ISFINITE || op == OP_NOT) continue;
      bool two = op >= OP_ADD;
      tables[level]->map[op][DTYPE_F32][STRIP_PLAIN](&y, &nan, &one, NULL, 1);
      cr_assert(isnan(y), "%s op %d of NaN is %g", level_names[level], (int)op, (double)y);
      if (!two || op == OP_POW) continue;
      tables[level]->map[op][DTYPE_F32][STRIP_PLAIN](&y, &one, &nan, NULL, 1);
      cr_assert(isnan(y), "%s op %d of 1, NaN is %g", level_names[level], (int)op, (double)y);
    }
}

Test(math, integers_never_trap) {
  int32_t a[] = {7, -7, 7, -7, 5, INT32_MIN, INT32_MIN, 0}, b[] = {2, 2, -2, -2, 0, -1, 0, 3}, y[8];
  const int32_t quotient[] = {3, -4, -4, 3, 0, INT32_MIN, 0, 0}, rest[] = {1, 1, -1, -1, 5, 0, INT32_MIN, 0};
  int count = levels();
  for (int level = 0; level < count; level++) {
    tables[level]->map[OP_FLOOR_DIV][DTYPE_I32][STRIP_PLAIN](y, a, b, NULL, 8);
    cr_assert_arr_eq(y, quotient, sizeof y);
    tables[level]->map[OP_MOD][DTYPE_I32][STRIP_PLAIN](y, a, b, NULL, 8);
    cr_assert_arr_eq(y, rest, sizeof y);
  }
}

Test(math, casts_of_what_does_not_fit) {
  float x[] = {1.9f, -1.9f, NAN, INFINITY, 3e9f, -3e9f, 256, -1, 255.5f, 2147483520.0f, -2147483648.0f};
  const int32_t to_i32[] = {1, -1, 0, 0, 0, 0, 256, -1, 255, 2147483520, INT32_MIN};
  const uint8_t to_u8[] = {1, 0, 0, 0, 0, 0, 0, 0, 255, 0, 0};
  int32_t y[11];
  uint8_t z[11];
  int count = levels();
  for (int level = 0; level < count; level++) {
    tables[level]->cast[DTYPE_F32][DTYPE_I32](y, x, NULL, NULL, 11);
    cr_assert_arr_eq(y, to_i32, sizeof y, "%s", level_names[level]);
    tables[level]->cast[DTYPE_F32][DTYPE_U8](z, x, NULL, NULL, 11);
    cr_assert_arr_eq(z, to_u8, sizeof z, "%s", level_names[level]);
  }
}
