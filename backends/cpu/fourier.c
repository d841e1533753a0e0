/* Fourier transforms: each line of n complex numbers by itself, in double.
 *
 * n is taken apart into factors; each pass does one of them, from one buffer into the other, so that the result comes
 * out in order (Stockham 1966; Van Loan, "Computational Frameworks for the Fast Fourier Transform", 1992). Where a prime
 * factor is large the transform becomes a convolution with a chirp, done by transforms whose length is a power of two
 * (Bluestein 1970). */
#include "backends/cpu/cpu.h"

#include <math.h>

#define LARGEST_FACTOR       50
#define FACTORS              64
#define NANOSECONDS_A_FACTOR 2.0
#define TURN                 6.28318530717958647693

/* How lines of n numbers are transformed: the points of the circle, cos and sin of 2 pi k / n, and the factors. */
typedef struct {
  int64_t n;
  const double *root;
  int factor[FACTORS], factors;
} Circle;

typedef struct {
  Circle circle;        // of n, or of the chirp's power of two
  const double *chirp;  // e^(pi i j^2 / n); NULL where n has small factors only
  const double *kernel; // the transform of its conjugate, over the circle's length
  int64_t n, lines;
  bool single, back;
  int parts;
} Fourier;

static void circle_prepare(Circle *circle, Arena *arena, int64_t n) {
  double *root = ARENA_ARRAY(arena, double, 2 * n + 1);
  for (int64_t k = 0; k < n; k++) {
    root[2 * k] = cos(TURN * (double)k / (double)n);
    root[2 * k + 1] = sin(TURN * (double)k / (double)n);
  }
  *circle = (Circle){.n = n, .root = root};
  for (int64_t factor = 4; n > 1; factor = factor == 4 ? 2 : factor == 2 ? 3 : factor + 2)
    for (; n % factor == 0; n /= factor) circle->factor[circle->factors++] = (int)factor;
}

static int64_t largest_prime(int64_t n) {
  int64_t largest = 1;
  for (int64_t p = 2; p * p <= n; p++)
    for (; n % p == 0; n /= p) largest = p;
  return n > largest ? n : largest;
}

/* ---- one pass -------------------------------------------------------------------------------------------------- */

/* The complex number a * b. */
static inline void times(double *to, double ar, double ai, double br, double bi) {
  to[0] = ar * br - ai * bi;
  to[1] = ar * bi + ai * br;
}

static void pass_2(const Circle *circle, int64_t rest, int64_t stride, double sign, const double *x,
                   double *y) {
  for (int64_t q = 0; q < rest; q++) {
    double c = circle->root[2 * q * stride], s = sign * circle->root[2 * q * stride + 1];
    const double *a = x + 2 * stride * q, *b = a + 2 * stride * rest;
    double *first = y + 4 * stride * q, *second = first + 2 * stride;
    for (int64_t k = 0; k < 2 * stride; k += 2) {
      first[k] = a[k] + b[k], first[k + 1] = a[k + 1] + b[k + 1];
      times(second + k, a[k] - b[k], a[k + 1] - b[k + 1], c, s);
    }
  }
}

static void pass_4(const Circle *circle, int64_t rest, int64_t stride, double sign, const double *x,
                   double *y) {
  int64_t step = 2 * stride * rest;
  for (int64_t q = 0; q < rest; q++) {
    const double *w = circle->root, *a = x + 2 * stride * q, *b = a + step, *c = b + step, *d = c + step;
    int64_t at = 2 * q * stride;
    double c1 = w[at], s1 = sign * w[at + 1], c2 = w[2 * at], s2 = sign * w[2 * at + 1], c3 = w[3 * at],
           s3 = sign * w[3 * at + 1];
    double *first = y + 8 * stride * q, *second = first + 2 * stride, *third = second + 2 * stride,
           *fourth = third + 2 * stride;
    for (int64_t k = 0; k < 2 * stride; k += 2) {
      double even_r = a[k] + c[k], even_i = a[k + 1] + c[k + 1], odd_r = b[k] + d[k],
             odd_i = b[k + 1] + d[k + 1];
      double less_r = a[k] - c[k], less_i = a[k + 1] - c[k + 1];
      double turned_r = -sign * (b[k + 1] - d[k + 1]), turned_i = sign * (b[k] - d[k]);
      first[k] = even_r + odd_r, first[k + 1] = even_i + odd_i;
      times(second + k, less_r + turned_r, less_i + turned_i, c1, s1);
      times(third + k, even_r - odd_r, even_i - odd_i, c2, s2);
      times(fourth + k, less_r - turned_r, less_i - turned_i, c3, s3);
    }
  }
}

static void pass_any(const Circle *circle, int p, int64_t rest, int64_t stride, double sign, const double *x,
                     double *y) {
  int64_t n = circle->n;
  double w[2 * LARGEST_FACTOR];
  for (int64_t q = 0; q < rest; q++)
    for (int64_t r = 0; r < p; r++) {
      for (int64_t j = 0; j < p; j++) {
        int64_t at = (j * r % p * (n / p) + q * r * stride) % n;
        w[2 * j] = circle->root[2 * at], w[2 * j + 1] = sign * circle->root[2 * at + 1];
      }
      double *to = y + 2 * stride * (p * q + r);
      for (int64_t k = 0; k < 2 * stride; k += 2) {
        double sum[2] = {0, 0}, term[2];
        for (int64_t j = 0; j < p; j++) {
          const double *from = x + 2 * stride * (q + rest * j) + k;
          times(term, from[0], from[1], w[2 * j], w[2 * j + 1]);
          sum[0] += term[0], sum[1] += term[1];
        }
        to[k] = sum[0], to[k + 1] = sum[1];
      }
    }
}

/* Transforms x, using y; gives the one that holds the result. sign: of the exponent. */
static double *circle_run(const Circle *circle, double sign, double *x, double *y) {
  int64_t rest = circle->n, stride = 1;
  for (int i = 0; i < circle->factors; i++) {
    int p = circle->factor[i];
    rest /= p;
    if (p == 4)
      pass_4(circle, rest, stride, sign, x, y);
    else if (p == 2)
      pass_2(circle, rest, stride, sign, x, y);
    else
      pass_any(circle, p, rest, stride, sign, x, y);
    double *swap = x;
    x = y, y = swap;
    stride *= p;
  }
  return x;
}

/* ---- lines ----------------------------------------------------------------------------------------------------- */

static void chirp_prepare(Fourier *fourier, Arena *arena, int64_t n) {
  int64_t length = 1;
  while (length < 2 * n - 1) length *= 2;
  circle_prepare(&fourier->circle, arena, length);
  double *chirp = ARENA_ARRAY(arena, double, 2 * n), *kernel = ARENA_ARRAY(arena, double, 2 * length),
         *other = ARENA_ARRAY(arena, double, 2 * length);
  for (int64_t j = 0; j < n; j++) {
    double angle = TURN / 2 * (double)(j * j % (2 * n)) / (double)n;
    chirp[2 * j] = cos(angle), chirp[2 * j + 1] = sin(angle);
    for (int64_t k = j; k < length; k = j && k == j ? length - j : length) {
      kernel[2 * k] = chirp[2 * j] / (double)length;
      kernel[2 * k + 1] = -chirp[2 * j + 1] / (double)length;
    }
  }
  fourier->chirp = chirp;
  fourier->kernel = circle_run(&fourier->circle, -1, kernel, other);
}

/* The chirp is that of a positive exponent; for a negative one numbers go in and come out as their conjugates. */
static double *chirp_run(const Fourier *fourier, double sign, double *x, double *y) {
  const double *chirp = fourier->chirp, *kernel = fourier->kernel;
  int64_t n = fourier->n, length = fourier->circle.n;
  for (int64_t j = 0; j < n; j++)
    times(x + 2 * j, x[2 * j], sign * x[2 * j + 1], chirp[2 * j], chirp[2 * j + 1]);
  for (int64_t j = 2 * n; j < 2 * length; j++) x[j] = 0;
  double *z = circle_run(&fourier->circle, -1, x, y), *other = z == x ? y : x;
  for (int64_t k = 0; k < length; k++)
    times(z + 2 * k, z[2 * k], z[2 * k + 1], kernel[2 * k], kernel[2 * k + 1]);
  z = circle_run(&fourier->circle, 1, z, other);
  for (int64_t j = 0; j < n; j++) {
    times(z + 2 * j, z[2 * j], z[2 * j + 1], chirp[2 * j], chirp[2 * j + 1]);
    z[2 * j + 1] *= sign;
  }
  return z;
}

void *cpu_prepare_fft(Cpu *cpu, Arena *arena, const Step *step) {
  const Type *type = &step->node->type;
  Fourier *fourier = ARENA_NEW(arena, Fourier);
  int64_t n = type_size(type, type->rank - 2);
  *fourier = (Fourier){.n = n,
                       .lines = n > 0 ? type_count(type) / (2 * n) : 0,
                       .single = type->dtype == DTYPE_F32,
                       .back = step->node->attr.flag[0]};
  if (fourier->lines == 0) return fourier;
  if (largest_prime(n) > LARGEST_FACTOR)
    chirp_prepare(fourier, arena, n);
  else
    circle_prepare(&fourier->circle, arena, n);
  int64_t length = fourier->circle.n;
  double passes = (double)fourier->circle.factors * (fourier->chirp ? 2 : 1);
  fourier->parts =
      cpu_parts((double)(fourier->lines * length) * passes * NANOSECONDS_A_FACTOR, fourier->lines);
  cpu_need(cpu, 4 * (size_t)length * sizeof(double), 0);
  return fourier;
}

static void fourier_part(void *context, int part, int worker) {
  const CpuCall *call = context;
  const Fourier *fourier = call->prepared;
  double *x = (double *)(void *)cpu_worker_memory(call, worker), *y = x + 2 * fourier->circle.n;
  int64_t count = 2 * fourier->n, last = cpu_part_start(fourier->lines, fourier->parts, part + 1);
  double sign = fourier->back ? 1 : -1;
  for (int64_t line = cpu_part_start(fourier->lines, fourier->parts, part); line < last; line++) {
    const float *single = (const float *)(const void *)call->at[1] + line * count;
    const double *twice = (const double *)(const void *)call->at[1] + line * count;
    for (int64_t i = 0; i < count; i++) x[i] = fourier->single ? (double)single[i] : twice[i];
    const double *z =
        fourier->chirp ? chirp_run(fourier, sign, x, y) : circle_run(&fourier->circle, sign, x, y);
    float *narrow = (float *)(void *)call->at[0] + line * count;
    double *wide = (double *)(void *)call->at[0] + line * count;
    for (int64_t i = 0; i < count; i++) {
      if (fourier->single)
        narrow[i] = (float)z[i];
      else
        wide[i] = z[i];
    }
  }
}

void cpu_run_fft(const CpuCall *call) {
  CpuCall copy = *call;
  const Fourier *fourier = call->prepared;
  if (fourier->lines > 0) pool_run(call->cpu->pool, fourier_part, &copy, fourier->parts);
}
