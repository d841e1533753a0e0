/* A tiny evaluator of bound graphs for tests: every number is a double, every node is computed on its own by the
 * plainest loop. It shares nothing with the backends but the value column of ops.def. Variables bring doubles in
 * `data`, whatever their dtype. */
#ifndef TESTS_UNIT_EVALUATE_H
#define TESTS_UNIT_EVALUATE_H

#include "graph/graph.h"
#include "lang/scalar.h"

#include <string.h>

typedef struct {
  const Node *node;
  double *const *src; // values of the inputs
  double *y;
} Evaluation;

typedef int64_t Place[MAX_RANK];

static void place_of(const Type *type, int64_t at, Place place) {
  for (int i = type->rank - 1; i >= 0; i--) {
    place[i] = at % type_size(type, i);
    at /= type_size(type, i);
  }
}

static int64_t place_at(const Type *type, const int64_t *place) {
  int64_t at = 0;
  for (int i = 0; i < type->rank; i++) at = at * type_size(type, i) + place[i];
  return at;
}

#define AS_F(number) number
#define AS_N(number) number
#define AS_A(number) number
#define AS_B(number) ((number) != 0)
#define M(f)         f##_f64
#define R(number)    ((double)(number))
#define MAP1(name, doc, takes, gives, guard, value, ...)                                                     \
  static double value_##name(const double *in) {                                                             \
    __typeof__(AS_##takes(in[0])) x = AS_##takes(in[0]);                                                     \
    return value;                                                                                            \
  }
#define MAP2(name, doc, takes, gives, guard, value, ...)                                                     \
  static double value_##name(const double *in) {                                                             \
    __typeof__(AS_##takes(in[0])) a = AS_##takes(in[0]), b = AS_##takes(in[1]);                              \
    return value;                                                                                            \
  }
#define MAP3(name, doc, takes, gives, guard, value, ...)                                                     \
  static double value_##name(const double *in) {                                                             \
    bool c = in[0] != 0;                                                                                     \
    double a = in[1], b = in[2];                                                                             \
    return value;                                                                                            \
  }
#define LOWEST  (-(double)INFINITY)
#define HIGHEST ((double)INFINITY)
#define REDUCE(name, doc, takes, start, combine, ...)                                                        \
  static double value_##name(const double *in) {                                                             \
    double acc = in[0], a = in[1];                                                                           \
    return combine;                                                                                          \
  }
#include "lang/ops.def"
#undef MAP1
#undef MAP2
#undef MAP3
#undef REDUCE

#define MAP1(name, ...)   [OP_AT_##name] = value_##name,
#define MAP2(name, ...)   [OP_AT_##name] = value_##name,
#define MAP3(name, ...)   [OP_AT_##name] = value_##name,
#define REDUCE(name, ...) [OP_AT_##name] = value_##name,
static double (*const value_of[OP_COUNT])(const double *in) = {
#include "lang/ops.def"
};
#undef MAP1
#undef MAP2
#undef MAP3
#undef REDUCE
#define REDUCE(name, doc, takes, start, ...) [OP_AT_##name] = start,
static const double start_of[OP_COUNT] = {
#include "lang/ops.def"
};
#undef REDUCE

static void evaluate_map(const Evaluation *e) {
  int64_t count = type_count(&e->node->type);
  for (int64_t i = 0; i < count; i++) {
    double in[3] = {0};
    for (int k = 0; k < e->node->nsrc; k++) in[k] = e->src[k][i];
    e->y[i] = value_of[e->node->op](in);
  }
}

static void evaluate_reduce(const Evaluation *e) {
  const Type *x = &e->node->src[0]->type, *y = &e->node->type;
  for (int64_t i = 0; i < type_count(y); i++) e->y[i] = start_of[e->node->op];
  for (int64_t i = 0; i < type_count(x); i++) {
    Place place;
    place_of(x, i, place);
    for (int k = 0; k < e->node->attr.axes; k++) place[e->node->attr.axis[k]] = 0;
    double *acc = &e->y[place_at(y, place)], in[2] = {*acc, e->src[0][i]};
    *acc = value_of[e->node->op](in);
  }
}

#define evaluate_reduce_sum evaluate_reduce
#define evaluate_reduce_max evaluate_reduce
#define evaluate_reduce_min evaluate_reduce

static void evaluate_cast(const Evaluation *e) {
  DType to = e->node->type.dtype;
  for (int64_t i = 0; i < type_count(&e->node->type); i++) {
    double x = e->src[0][i];
    e->y[i] = to == DTYPE_BOOL ? x != 0 : to == DTYPE_F32 ? (double)(float)x : to == DTYPE_F64 ? x : trunc(x);
  }
}

static void evaluate_constant(const Evaluation *e) {
  e->y[0] = dtype_is_float(e->node->type.dtype) ? e->node->attr.number : (double)e->node->attr.whole;
}

static void evaluate_extent(const Evaluation *e) { e->y[0] = (double)dim_number(e->node->attr.dim[0]); }

static void evaluate_index(const Evaluation *e) {
  for (int64_t i = 0; i < type_count(&e->node->type); i++) {
    Place place;
    place_of(&e->node->type, i, place);
    e->y[i] = (double)place[e->node->attr.axis[0]];
  }
}

static void evaluate_random(const Evaluation *e) {
  for (int64_t i = 0; i < type_count(&e->node->type); i++)
    e->y[i] = (double)(((uint64_t)i * 2654435761u + e->node->attr.site * 40503u) % 1000) / 1000;
}

static void evaluate_read(const Evaluation *e) {
  memcpy(e->y, e->node->attr.variable->data, (size_t)type_count(&e->node->type) * sizeof(double));
}

static void evaluate_reshape(const Evaluation *e) {
  memcpy(e->y, e->src[0], (size_t)type_count(&e->node->type) * sizeof(double));
}

/* The place of an input of a view that an element of the result comes from. */
static void evaluate_view(const Evaluation *e) {
  const Type *x = &e->node->src[0]->type, *y = &e->node->type;
  const Attr *attr = &e->node->attr;
  int axis = attr->axis[0];
  for (int64_t i = 0; i < type_count(y); i++) {
    Place place, from;
    place_of(y, i, place);
    memcpy(from, place, sizeof from);
    for (int k = 0; k < y->rank; k++) {
      if (e->node->op == OP_PERMUTE) from[attr->axis[k]] = place[k];
      if (e->node->op == OP_EXPAND && type_size(x, k) == 1) from[k] = 0;
    }
    if (e->node->op == OP_SLICE) from[axis] = dim_number(attr->dim[0]) + place[axis] * attr->whole;
    if (e->node->op == OP_FLIP) from[axis] = type_size(x, axis) - 1 - place[axis];
    if (e->node->op == OP_PAD) from[axis] = place[axis] - dim_number(attr->dim[0]);
    bool inside = e->node->op != OP_PAD || (from[axis] >= 0 && from[axis] < type_size(x, axis));
    e->y[i] = inside ? e->src[0][place_at(x, from)] : attr->number;
  }
}

#define evaluate_permute evaluate_view
#define evaluate_expand  evaluate_view
#define evaluate_slice   evaluate_view
#define evaluate_flip    evaluate_view
#define evaluate_pad     evaluate_view

static void evaluate_concat(const Evaluation *e) {
  int axis = e->node->attr.axis[0];
  int64_t start = 0;
  for (int k = 0; k < e->node->nsrc; k++) {
    const Type *x = &e->node->src[k]->type;
    for (int64_t i = 0; i < type_count(x); i++) {
      Place place;
      place_of(x, i, place);
      place[axis] += start;
      e->y[place_at(&e->node->type, place)] = e->src[k][i];
    }
    start += type_size(x, axis);
  }
}

static void evaluate_matmul(const Evaluation *e) {
  const Type *a = &e->node->src[0]->type, *b = &e->node->src[1]->type, *y = &e->node->type;
  const bool *flag = e->node->attr.flag;
  int rank = y->rank;
  for (int64_t i = 0; i < type_count(y); i++) {
    Place to, left, right;
    place_of(y, i, to);
    memcpy(left, to, sizeof left), memcpy(right, to, sizeof right);
    double sum = 0;
    for (int64_t k = 0; k < type_size(a, flag[0] ? rank - 2 : rank - 1); k++) {
      left[flag[0] ? rank - 1 : rank - 2] = to[rank - 2], left[flag[0] ? rank - 2 : rank - 1] = k;
      right[flag[1] ? rank - 2 : rank - 1] = to[rank - 1], right[flag[1] ? rank - 1 : rank - 2] = k;
      sum += e->src[0][place_at(a, left)] * e->src[1][place_at(b, right)];
    }
    e->y[i] = sum;
  }
}

/* Visits every (x cell, k cell, y cell) that a convolution multiplies; which of them is summed is by op. */
static void evaluate_conv(const Evaluation *e, const Type *x, const Type *k, const Type *y, const double *vx,
                          const double *vk, const double *vy, double *sum) {
  const Window *w = &e->node->attr.window;
  int64_t filters = type_size(k, 3) / w->groups, channels = type_size(k, 2);
  for (int64_t i = 0; i < type_count(y); i++)
    for (int64_t n = 0; n < type_size(k, 0) * type_size(k, 1) * channels; n++) {
      Place out, in, cell;
      place_of(y, i, out);
      cell[2] = n % channels, cell[1] = n / channels % type_size(k, 1),
      cell[0] = n / channels / type_size(k, 1);
      cell[3] = out[3], in[0] = out[0], in[3] = out[3] / filters * channels + cell[2];
      bool inside = true;
      for (int d = 0; d < 2; d++) {
        in[1 + d] = out[1 + d] * w->stride[d] - w->front[d] + cell[d] * w->dilation[d];
        inside = inside && in[1 + d] >= 0 && in[1 + d] < type_size(x, 1 + d);
      }
      if (!inside) continue;
      int64_t at_x = place_at(x, in), at_k = place_at(k, cell);
      if (!vx)
        sum[at_x] += vk[at_k] * vy[i];
      else if (!vk)
        sum[at_k] += vx[at_x] * vy[i];
      else
        sum[i] += vx[at_x] * vk[at_k];
    }
}

static void evaluate_conv2d(const Evaluation *e) {
  evaluate_conv(e, &e->node->src[0]->type, &e->node->src[1]->type, &e->node->type, e->src[0], e->src[1], NULL,
                e->y);
}
static void evaluate_conv2d_grad_input(const Evaluation *e) {
  evaluate_conv(e, &e->node->type, &e->node->src[1]->type, &e->node->src[0]->type, NULL, e->src[1], e->src[0],
                e->y);
}
static void evaluate_conv2d_grad_kernel(const Evaluation *e) {
  evaluate_conv(e, &e->node->src[0]->type, &e->node->type, &e->node->src[1]->type, e->src[0], NULL, e->src[1],
                e->y);
}

/* The cell of x that pool_max takes for an element of y, or -1. */
static int64_t pool_choice(const Evaluation *e, const Type *y, int64_t i) {
  const Window *w = &e->node->attr.window;
  const Type *x = &e->node->src[0]->type;
  int64_t best = -1;
  Place out;
  place_of(y, i, out);
  for (int64_t n = 0; n < w->size[0] * w->size[1]; n++) {
    int64_t row = out[1] * w->stride[0] - w->front[0] + n / w->size[1] * w->dilation[0];
    int64_t column = out[2] * w->stride[1] - w->front[1] + n % w->size[1] * w->dilation[1];
    if (row < 0 || row >= type_size(x, 1) || column < 0 || column >= type_size(x, 2)) continue;
    int64_t at = place_at(x, (Place){out[0], row, column, out[3]});
    bool best_nan = best >= 0 && isnan(e->src[0][best]);
    if (best < 0 || (!best_nan && (isnan(e->src[0][at]) || e->src[0][at] > e->src[0][best]))) best = at;
  }
  return best;
}

static void evaluate_pool_max(const Evaluation *e) {
  for (int64_t i = 0; i < type_count(&e->node->type); i++) {
    int64_t at = pool_choice(e, &e->node->type, i);
    e->y[i] = at < 0 ? -INFINITY : e->src[0][at];
  }
}

static void evaluate_pool_max_grad(const Evaluation *e) {
  const Type *y = &e->node->src[1]->type;
  for (int64_t i = 0; i < type_count(y); i++) {
    int64_t at = pool_choice(e, y, i);
    if (at >= 0) e->y[at] += e->src[2][i];
  }
}

static void evaluate_gather(const Evaluation *e) {
  const Type *x = &e->node->src[0]->type, *ids = &e->node->src[1]->type;
  int64_t row = type_size(x, 0) ? type_count(x) / type_size(x, 0) : 0;
  for (int64_t i = 0; i < type_count(ids); i++)
    memcpy(e->y + i * row, e->src[0] + (int64_t)e->src[1][i] * row, (size_t)row * sizeof(double));
}

static void evaluate_scatter_add(const Evaluation *e) {
  const Type *ids = &e->node->src[0]->type, *y = &e->node->type;
  int64_t row = type_count(y) / type_size(y, 0);
  for (int64_t i = 0; i < type_count(ids); i++)
    for (int64_t k = 0; k < row; k++) e->y[(int64_t)e->src[0][i] * row + k] += e->src[1][i * row + k];
}

static void evaluate_scatter_max(const Evaluation *e) {
  const Type *ids = &e->node->src[0]->type, *y = &e->node->type;
  int64_t row = type_count(y) / type_size(y, 0);
  for (int64_t i = 0; i < type_count(y); i++) e->y[i] = -INFINITY;
  for (int64_t i = 0; i < type_count(ids); i++)
    for (int64_t k = 0; k < row; k++) {
      double *to = &e->y[(int64_t)e->src[0][i] * row + k];
      *to = fmax(*to, e->src[1][i * row + k]);
    }
}

static void evaluate_put(const Evaluation *e) {
  const Type *ids = &e->node->src[1]->type, *y = &e->node->type;
  int64_t row = type_count(y) / type_size(y, 0);
  memcpy(e->y, e->src[0], (size_t)type_count(y) * sizeof(double));
  for (int64_t i = 0; i < type_count(ids); i++)
    memcpy(e->y + (int64_t)e->src[1][i] * row, e->src[2] + i * row, (size_t)row * sizeof(double));
}

/* The next of a row is the best that was not taken yet. */
static void evaluate_order(const Evaluation *e) {
  const Type *x = &e->node->src[0]->type;
  int64_t row = type_size(x, x->rank - 1), wanted = type_size(&e->node->type, x->rank - 1);
  double sign = e->node->attr.flag[0] ? -1 : 1;
  for (int64_t i = 0; i < type_count(&e->node->type); i++) {
    const double *from = e->src[0] + i / wanted * row, *taken = e->y + i / wanted * wanted;
    int64_t best = -1;
    for (int64_t j = 0; j < row; j++) {
      bool free = true;
      for (int64_t k = 0; k < i % wanted; k++) free = free && (int64_t)taken[k] != j;
      if (free && (best < 0 || sign * from[j] < sign * from[best])) best = j;
    }
    e->y[i] = (double)best;
  }
}

static void evaluate_cumsum(const Evaluation *e) {
  int64_t row = type_size(&e->node->type, e->node->type.rank - 1);
  for (int64_t i = 0; i < type_count(&e->node->type); i++)
    e->y[i] = e->src[0][i] + (i % row ? e->y[i - 1] : 0);
}

/* No test that uses this evaluator has linear algebra in its graphs. */
#define evaluate_cholesky NULL
#define evaluate_solve    NULL
#define evaluate_det      NULL
#define evaluate_qr       NULL
#define evaluate_eigh     NULL
#define evaluate_svd      NULL
#define evaluate_fft      NULL

#define MAP1(name, ...)   [OP_AT_##name] = evaluate_map,
#define MAP2(name, ...)   [OP_AT_##name] = evaluate_map,
#define MAP3(name, ...)   [OP_AT_##name] = evaluate_map,
#define CAST(name, ...)   [OP_AT_##name] = evaluate_##name,
#define SOURCE(name, ...) [OP_AT_##name] = evaluate_##name,
#define REDUCE(name, ...) [OP_AT_##name] = evaluate_##name,
#define VIEW(name, ...)   [OP_AT_##name] = evaluate_##name,
#define KERNEL(name, ...) [OP_AT_##name] = evaluate_##name,
static void (*const evaluate_by_op[OP_COUNT])(const Evaluation *e) = {
#include "lang/ops.def"
};
#undef MAP1
#undef MAP2
#undef MAP3
#undef CAST
#undef SOURCE
#undef REDUCE
#undef VIEW
#undef KERNEL

/* The values of all nodes, by id, in the graph's arena. */
static double **evaluate(const Graph *graph) {
  double **value = ARENA_ARRAY(graph->arena, double *, graph->nodes + 1);
  for (int i = 0; i < graph->nodes; i++) {
    const Node *node = graph->node[i];
    double **src = ARENA_ARRAY(graph->arena, double *, node->nsrc + 1);
    for (int k = 0; k < node->nsrc; k++) src[k] = value[node->src[k]->id];
    value[i] = ARENA_ARRAY(graph->arena, double, type_count(&node->type) + 1);
    evaluate_by_op[node->op](&(Evaluation){.node = node, .src = src, .y = value[i]});
  }
  return value;
}

#endif
