/* Convolution with its two gradients, pooling with its gradient, gather, scatter_add and cumsum, against loops in
 * double that follow their definitions, for strides, paddings, dilations and groups; same bits for any threads. */
#include "backends/backend.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static uint32_t state = 1;
static int64_t dice(uint32_t sides) {
  state = state * 1664525u + 1013904223u;
  return (state >> 8) % sides;
}
static float number(void) { return (float)dice(1 << 20) * 0x1p-19f - 1.0f; }

static Place place_of(Variable *variable, DType dtype, int rank, const int64_t *size) {
  const Dim *dim[MAX_RANK];
  for (int i = 0; i < rank; i++) dim[i] = dim_of(size[i]);
  *variable = (Variable){.path = "test", .type = type_of(dtype, rank, dim)};
  int64_t count = type_count(&variable->type);
  variable->data = calloc((size_t)count + 1, 8);
  for (int64_t i = 0; i < count && dtype == DTYPE_F32; i++) ((float *)variable->data)[i] = number();
  return (Place){.kind = PLACE_VARIABLE, .variable = variable, .type = variable->type};
}

static Backend *devices[3];
static const int thread_counts[3] = {1, 2, 8};

/* Runs `op` of places 1 … to place 0 and compares with `wanted`. */
static void check(OpCode op, const Window *window, Place *place, int places, const double *wanted,
                  double tolerance, const char *what) {
  Node input[3], *src[3];
  for (int i = 0; i + 1 < places; i++) {
    input[i] = (Node){.op = OP_READ, .type = place[i + 1].type};
    src[i] = &input[i];
  }
  Node node = {.op = op, .type = place[0].type, .nsrc = places - 1, .src = src};
  if (window) node.attr.window = *window;
  Step step = {.kind = STEP_KERNEL, .node = &node, .place = place, .places = places};
  Plan plan = {.step = &step, .steps = 1};
  RunArgs args = {0};
  int64_t count = type_count(&place[0].type);
  float *out = place[0].variable->data, *first = malloc((size_t)count * sizeof *first + 1);
  for (int t = 0; t < 3; t++) {
    if (!devices[t]) devices[t] = cpu_open(NULL, thread_counts[t], 0);
    memset(out, 0x7f, (size_t)count * sizeof *out);
    devices[t]->prepare(devices[t], &plan);
    devices[t]->run(devices[t], &plan, &args);
    devices[t]->forget(devices[t], &plan);
    if (t == 0) memcpy(first, out, (size_t)count * sizeof *out);
    cr_assert(memcmp(first, out, (size_t)count * sizeof *out) == 0, "%s: %d threads", what, thread_counts[t]);
  }
  for (int64_t i = 0; i < count; i++)
    cr_assert(isnan(wanted[i]) ? isnan(out[i])
                               : fabs((double)out[i] - wanted[i]) <= tolerance * fmax(1, fabs(wanted[i])),
              "%s [%ld]: %g, not %g", what, (long)i, (double)out[i], wanted[i]);
  free(first);
}

typedef struct {
  int64_t b, h, w, c, kh, kw, f, oh, ow;
  Window window;
} Shape;

static Shape shape_of(int64_t b, int64_t h, int64_t w, int64_t c, int64_t k, int64_t f, int stride, int pad,
                      int dilation, int groups) {
  Shape s = {b, h, w, c, k,
             k, f, 0, 0, {{stride, stride}, {pad, pad}, {pad, pad}, {dilation, dilation}, {0, 0}, groups}};
  s.oh = (h + 2 * pad - (k - 1) * dilation - 1) / stride + 1;
  s.ow = (w + 2 * pad - (k - 1) * dilation - 1) / stride + 1;
  return s;
}

/* Adds every term x * k -> y to the one of the three that is wanted. */
static void terms(const Shape *s, const float *x, const float *k, const float *y, double *dx, double *dk,
                  double *dy) {
  int64_t cg = s->c / s->window.groups, fg = s->f / s->window.groups;
  for (int64_t b = 0; b < s->b; b++)
    for (int64_t oy = 0; oy < s->oh; oy++)
      for (int64_t ox = 0; ox < s->ow; ox++)
        for (int64_t i = 0; i < s->kh; i++)
          for (int64_t j = 0; j < s->kw; j++) {
            int64_t iy = oy * s->window.stride[0] - s->window.front[0] + i * s->window.dilation[0];
            int64_t ix = ox * s->window.stride[1] - s->window.front[1] + j * s->window.dilation[1];
            if (iy < 0 || iy >= s->h || ix < 0 || ix >= s->w) continue;
            for (int64_t f = 0; f < s->f; f++)
              for (int64_t c = 0; c < cg; c++) {
                int64_t at_x = ((b * s->h + iy) * s->w + ix) * s->c + f / fg * cg + c;
                int64_t at_k = ((i * s->kw + j) * cg + c) * s->f + f,
                        at_y = ((b * s->oh + oy) * s->ow + ox) * s->f + f;
                if (dy) dy[at_y] += (double)x[at_x] * (double)k[at_k];
                if (dx) dx[at_x] += (double)y[at_y] * (double)k[at_k];
                if (dk) dk[at_k] += (double)y[at_y] * (double)x[at_x];
              }
          }
}

static void check_conv(Shape s) {
  const int64_t x_size[4] = {s.b, s.h, s.w, s.c}, k_size[4] = {s.kh, s.kw, s.c / s.window.groups, s.f};
  const int64_t y_size[4] = {s.b, s.oh, s.ow, s.f};
  Variable variable[6];
  Place x = place_of(&variable[0], DTYPE_F32, 4, x_size), k = place_of(&variable[1], DTYPE_F32, 4, k_size);
  Place y = place_of(&variable[2], DTYPE_F32, 4, y_size), dx = place_of(&variable[3], DTYPE_F32, 4, x_size);
  Place dk = place_of(&variable[4], DTYPE_F32, 4, k_size), dy = place_of(&variable[5], DTYPE_F32, 4, y_size);
  double *wanted[3];
  Place *const of[3] = {&x, &k, &y};
  for (int i = 0; i < 3; i++) wanted[i] = calloc((size_t)type_count(&of[i]->type) + 1, sizeof(double));
  terms(&s, variable[0].data, variable[1].data, variable[5].data, wanted[0], wanted[1], NULL);
  terms(&s, variable[0].data, variable[1].data, NULL, NULL, NULL, wanted[2]);
  Place forward[3] = {y, x, k}, to_input[3] = {dx, dy, k}, to_kernel[3] = {dk, x, dy};
  check(OP_CONV2D, &s.window, forward, 3, wanted[2], 1e-4, "conv2d");
  check(OP_CONV2D_GRAD_INPUT, &s.window, to_input, 3, wanted[0], 1e-4, "grad_input");
  check(OP_CONV2D_GRAD_KERNEL, &s.window, to_kernel, 3, wanted[1], 1e-3, "grad_kernel");
  for (int i = 0; i < 3; i++) free(wanted[i]);
  for (int i = 0; i < 6; i++) free(variable[i].data);
}

Test(conv, shapes) {
  check_conv(shape_of(1, 1, 1, 1, 1, 1, 1, 0, 1, 1));
  check_conv(shape_of(2, 28, 28, 1, 3, 32, 1, 1, 1, 1));
  check_conv(shape_of(3, 14, 14, 32, 3, 64, 1, 1, 1, 1));
  check_conv(shape_of(16, 28, 28, 16, 3, 32, 1, 1, 1, 1)); // several parts
  check_conv(shape_of(2, 9, 9, 3, 5, 7, 2, 2, 1, 1));
  check_conv(shape_of(2, 11, 11, 4, 3, 6, 1, 2, 2, 2));
  check_conv(shape_of(1, 13, 13, 6, 3, 6, 3, 0, 2, 3));
  check_conv(shape_of(5, 8, 8, 16, 1, 24, 1, 0, 1, 1));
  check_conv(shape_of(5, 8, 8, 16, 1, 8, 2, 0, 1, 2));
  check_conv(shape_of(2, 3, 3, 2, 3, 2, 1, 5, 1, 1));
  check_conv(shape_of(40, 6, 6, 8, 3, 16, 1, 0, 1, 1));
}

Test(conv, random_shapes) {
  for (int i = 0; i < 60; i++) {
    int groups = 1 + (int)dice(2), dilation = 1 + (int)dice(2), k = 1 + (int)dice(4);
    int64_t least = (k - 1) * dilation + 1;
    Shape s = shape_of(1 + dice(3), least + dice(8), least + dice(8), groups * (1 + dice(20)), k,
                       groups * (1 + dice(20)), 1 + (int)dice(3), (int)dice(3), dilation, groups);
    check_conv(s);
  }
}

Test(pool, random_windows) {
  for (int i = 0; i < 60; i++) {
    int size = 1 + (int)dice(3), stride = 1 + (int)dice(3), pad = (int)dice((uint32_t)size);
    Shape s = shape_of(1 + dice(4), size + dice(9), size + dice(9), 1 + dice(70), size, 1, stride, pad, 1, 1);
    s.window.size[0] = s.window.size[1] = size;
    const int64_t x_size[4] = {s.b, s.h, s.w, s.c}, y_size[4] = {s.b, s.oh, s.ow, s.c};
    Variable variable[4];
    Place x = place_of(&variable[0], DTYPE_F32, 4, x_size), y = place_of(&variable[1], DTYPE_F32, 4, y_size);
    Place dy = place_of(&variable[2], DTYPE_F32, 4, y_size),
          dx = place_of(&variable[3], DTYPE_F32, 4, x_size);
    float *xs = variable[0].data, *dys = variable[2].data;
    int64_t x_count = type_count(&x.type), y_count = type_count(&y.type);
    for (int64_t k = 0; k < x_count; k++)
      xs[k] = dice(50) == 0 ? NAN : (float)dice(6) - 3; // equal cells are common
    double *largest = calloc((size_t)y_count, sizeof *largest),
           *gradient = calloc((size_t)x_count, sizeof *gradient);
    for (int64_t o = 0; o < y_count; o++) {
      int64_t c = o % s.c, ox = o / s.c % s.ow, oy = o / s.c / s.ow % s.oh, b = o / s.c / s.ow / s.oh,
              best = -1;
      for (int64_t j = 0; j < size * size; j++) {
        int64_t iy = oy * stride - pad + j / size, ix = ox * stride - pad + j % size;
        if (iy < 0 || iy >= s.h || ix < 0 || ix >= s.w) continue;
        int64_t cell = ((b * s.h + iy) * s.w + ix) * s.c + c;
        if (best < 0 || (!isnan(xs[best]) && (isnan(xs[cell]) || xs[cell] > xs[best]))) best = cell;
      }
      largest[o] = best < 0 ? -(double)INFINITY : (double)xs[best];
      if (best >= 0) gradient[best] += (double)dys[o];
    }
    Place forward[2] = {y, x}, backward[4] = {dx, x, y, dy};
    check(OP_POOL_MAX, &s.window, forward, 2, largest, 0, "pool_max");
    check(OP_POOL_MAX_GRAD, &s.window, backward, 4, gradient, 1e-5, "pool_max_grad");
    free(largest), free(gradient);
    for (int k = 0; k < 4; k++) free(variable[k].data);
  }
}

Test(gather, and_its_gradient) {
  for (int i = 0; i < 20; i++) {
    const int64_t rows = 1 + dice(300), row = 1 + dice(200), ids = 1 + dice(600);
    const int64_t table_size[2] = {rows, row}, out_size[2] = {ids, row};
    Variable variable[5];
    Place table = place_of(&variable[0], DTYPE_F32, 2, table_size),
          which = place_of(&variable[1], DTYPE_I32, 1, &ids);
    Place out = place_of(&variable[2], DTYPE_F32, 2, out_size),
          v = place_of(&variable[3], DTYPE_F32, 2, out_size);
    Place sum = place_of(&variable[4], DTYPE_F32, 2, table_size);
    double *taken = calloc((size_t)(ids * row), sizeof *taken),
           *added = calloc((size_t)(rows * row), sizeof *added);
    for (int64_t k = 0; k < ids; k++) {
      int32_t id = (int32_t)dice((uint32_t)rows + 2) - 1; // one too low or too high now and then
      ((int32_t *)variable[1].data)[k] = id;
      for (int64_t j = 0; j < row && id >= 0 && id < rows; j++) {
        taken[k * row + j] = (double)((float *)variable[0].data)[id * row + j];
        added[id * row + j] += (double)((float *)variable[3].data)[k * row + j];
      }
    }
    Place forward[3] = {out, table, which}, backward[3] = {sum, which, v};
    check(OP_GATHER, NULL, forward, 3, taken, 0, "gather");
    check(OP_SCATTER_ADD, NULL, backward, 3, added, 1e-5, "scatter_add");
    free(taken), free(added);
    for (int k = 0; k < 5; k++) free(variable[k].data);
  }
}

Test(cumsum, rows) {
  const int64_t size[2] = {37, 1001};
  Variable variable[2];
  Place y = place_of(&variable[0], DTYPE_F32, 2, size), x = place_of(&variable[1], DTYPE_F32, 2, size);
  double *wanted = calloc((size_t)(size[0] * size[1]), sizeof *wanted);
  for (int64_t i = 0; i < size[0] * size[1]; i++)
    wanted[i] = (i % size[1] ? wanted[i - 1] : 0) + (double)((float *)variable[1].data)[i];
  Place places[2] = {y, x};
  check(OP_CUMSUM, NULL, places, 2, wanted, 1e-6, "cumsum");
  free(wanted);
  for (int k = 0; k < 2; k++) free(variable[k].data);
}
