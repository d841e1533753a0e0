/* Linear algebra: the rows from cholesky to svd, by LAPACK, as on the CPU; the tests know their results otherwise.
 * And Fourier transforms. */
#include "backends/linear.h"
#include "backends/reference.h"

#include <math.h>

static double *reals(const Number *from, int64_t count) {
  double *to = memory_alloc((size_t)count + 1, sizeof *to);
  for (int64_t i = 0; i < count; i++) to[i] = from[i].real;
  return to;
}

static void linear_evaluate(const Evaluation *e) {
  LinearShape shape = linear_shape(e->node);
  LinearCall *call = linear_call(e->node->op);
  double *a = reals(e->src[0], shape.matrices * shape.a_size);
  double *b = shape.b_size ? reals(e->src[1], shape.matrices * shape.b_size) : NULL;
  double *y = memory_alloc((size_t)shape.y_size + 1, sizeof *y),
         *memory = memory_alloc((size_t)shape.memory + 1, sizeof *memory);
  for (int64_t i = 0; i < shape.matrices && shape.y_size > 0; i++) {
    call(&shape, a + i * shape.a_size, b ? b + i * shape.b_size : NULL, y, memory);
    for (int64_t k = 0; k < shape.y_size; k++) e->y[i * shape.y_size + k].real = y[k];
  }
  memory_free(a);
  memory_free(b);
  memory_free(y);
  memory_free(memory);
}

#define LINEAR(name)                                                                                         \
  void reference_##name(const Evaluation *e) { linear_evaluate(e); }
LINEAR(cholesky)
LINEAR(solve)
LINEAR(det)
LINEAR(qr)
LINEAR(eigh)
LINEAR(svd)

/* Every sum of the Fourier transform term by term, unlike the kernel of the CPU. */
void reference_fft(const Evaluation *e) {
  const Type *type = &e->node->type;
  int64_t n = type_size(type, type->rank - 2), lines = n > 0 ? type_count(type) / (2 * n) : 0;
  double turn = (e->node->attr.flag[0] ? 6.28318530717958647693 : -6.28318530717958647693) / (double)n;
  for (int64_t i = 0; i < lines * n; i++) {
    const Number *x = e->src[0] + i / n * n * 2;
    double real = 0, imaginary = 0;
    for (int64_t j = 0; j < n; j++) {
      double c = cos(turn * (double)(i % n * j % n)), s = sin(turn * (double)(i % n * j % n));
      real += x[2 * j].real * c - x[2 * j + 1].real * s;
      imaginary += x[2 * j].real * s + x[2 * j + 1].real * c;
    }
    e->y[2 * i].real = real, e->y[2 * i + 1].real = imaginary;
  }
}
