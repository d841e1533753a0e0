/* Linear algebra: the rows from cholesky to svd, by LAPACK, as on the CPU; the tests know their results otherwise. */
#include "backends/linear.h"
#include "backends/reference.h"

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
