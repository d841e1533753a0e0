/* Of real numbers only half of the frequencies are kept: the others are their conjugates. An even number n of reals is
 * transformed as n / 2 complex ones, each of two neighbours, and taken apart afterwards (Sorensen et al., "Real-valued
 * fast Fourier transform algorithms", 1987). */
#include "graph/build_fourier.h"

#include <assert.h>

#define TURN 6.28318530717958647693

Node *build_fft(Node *x, bool back) {
  assert(x->type.rank >= 2 && x->type.size[x->type.rank - 1] == dim_of(2));
  return graph_add(x->graph, OP_FFT, &x->type, &x, 1, &(Attr){.flag = {back}});
}

Node *build_ifft(Node *x) {
  Node *count = build_cast(build_extent(x->graph, x->type.size[x->type.rank - 2]), x->type.dtype);
  return build_div(build_fft(x, true), build_expand_like(count, x));
}

/* The real or the imaginary parts of pairs, [..., n, 1]. */
static Node *half_of(Node *x, int which) {
  return build_slice(x, x->type.rank - 1, dim_of(which), dim_of(1), 1);
}

static Node *pair(Node *real, Node *imaginary) {
  return build_concat(real->graph, (Node *[]){real, imaginary}, 2, real->type.rank - 1);
}

/* The cosine or sine of 2 pi k / n for each place k of x along its axis before the last, in f64 until it is done. */
static Node *circle(Node *x, const Dim *n, bool sine) {
  int axis = x->type.rank - 2;
  const Dim *size = x->type.size[axis], *shape[MAX_RANK];
  Node *place = build_cast(build_index(x->graph, 1, &size, 0), DTYPE_F64);
  Node *count = build_cast(build_extent(x->graph, n), DTYPE_F64);
  Node *angle = build_mul(build_div(place, build_expand_like(count, place)), build_like(place, TURN));
  Node *y = build_cast(sine ? build_sin(angle) : build_cos(angle), x->type.dtype);
  for (int i = 0; i < x->type.rank; i++) shape[i] = i == axis ? size : dim_of(1);
  return build_expand_like(build_reshape(y, x->type.rank, shape), x);
}

/* The frequencies 0 to m of n = 2 m reals from z [..., m, 2], the transform of their pairs of neighbours: with Z_k and
 * V_k, which is Z at m - k, those of the even places are (Z + V*) / 2, those of the odd ones -i (Z - V*) / 2. */
static Node *reals_apart(Node *z, const Dim *n) {
  int axis = z->type.rank - 2;
  Node *round = build_concat(z->graph, (Node *[]){z, build_slice(z, axis, dim_of(0), dim_of(1), 1)}, 2, axis);
  Node *mirror = build_flip(round, axis);
  Node *a = half_of(round, 0), *b = half_of(round, 1), *c = half_of(mirror, 0), *d = half_of(mirror, 1);
  Node *odd_real = build_add(b, d), *odd_imaginary = build_sub(c, a);
  Node *cosine = circle(a, n, false), *sine = circle(a, n, true), *scale = build_like(a, 0.5);
  Node *turned_real = build_add(build_mul(cosine, odd_real), build_mul(sine, odd_imaginary));
  Node *turned_imaginary = build_sub(build_mul(cosine, odd_imaginary), build_mul(sine, odd_real));
  return pair(build_mul(build_add(build_add(a, c), turned_real), scale),
              build_mul(build_add(build_sub(b, d), turned_imaginary), scale));
}

Node *build_rfft(Node *x) {
  int rank = x->type.rank;
  int64_t count;
  assert(rank >= 1 && rank < MAX_RANK);
  const Dim *n = x->type.size[rank - 1], *size[MAX_RANK];
  if (dim_is_number(n, &count) && count % 2 == 0) {
    for (int i = 0; i < rank; i++) size[i] = x->type.size[i];
    size[rank - 1] = dim_of(count / 2), size[rank] = dim_of(2);
    return reals_apart(build_fft(build_reshape(x, rank + 1, size), false), n);
  }
  Node *real = build_insert(x, rank), *y = build_fft(pair(real, build_like(real, 0)), false);
  return build_slice(y, rank - 1, dim_of(0), dim_add(dim_floor_div(n, dim_of(2)), dim_of(1)), 1);
}

Node *build_irfft(Node *x, const Dim *n) {
  int axis = x->type.rank - 2;
  const Dim *rest = dim_sub(n, x->type.size[axis]);
  assert(x->type.size[axis] == dim_add(dim_floor_div(n, dim_of(2)), dim_of(1)));
  Node *mirror = build_flip(build_slice(x, axis, dim_of(1), rest, 1), axis);
  Node *conjugate = pair(half_of(mirror, 0), build_neg(half_of(mirror, 1)));
  Node *all = build_concat(x->graph, (Node *[]){x, conjugate}, 2, axis);
  return build_drop(half_of(build_ifft(all), 0), axis + 1);
}
