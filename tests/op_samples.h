/* Sample inputs for every row of ops.def.
 *
 * A sample builds the op's node over inputs of a trial and says how it may be judged. MAP and REDUCE rows share
 * one list each, every VIEW and KERNEL row has a function `sample_<name>`: a missing one does not compile. */
#ifndef TESTS_OP_SAMPLES_H
#define TESTS_OP_SAMPLES_H

#include "graph/build_fourier.h"
#include "graph/build_linear.h"
#include "graph/control.h"
#include "tests/trial.h"

#define SIZES(...)  ((const int64_t[]){__VA_ARGS__})
#define LENGTH(...) ((int)(sizeof(__VA_ARGS__) / sizeof(*(__VA_ARGS__))))

/* The op's node for sample `number`, or NULL when there are no more. */
typedef Node *Sample(Trial *t, int number);
#define VIEW(name, doc)           static Sample sample_##name;
#define CONTROL(name, ...)        static Sample sample_##name;
#define KERNEL(name, inputs, doc) static Sample sample_##name;
#include "lang/ops.def"
#undef VIEW
#undef CONTROL
#undef KERNEL

/* ---- inputs --------------------------------------------------------------------------------------------- */

/* Distinct numbers in random order, at least 0.03 apart and away from 0, -1 and 1; whole ones for integers. */
static Node *sample_distinct(Trial *t, DType dtype, int rank, const int64_t *size) {
  Node *input = trial_input(t, dtype, rank, size);
  int64_t count = type_count(&input->type);
  for (int64_t i = 0; i < count; i++) {
    double number = ((double)i - (double)count / 2) * 0.0437 + 0.011;
    input_put(input, i,
              dtype_is_float(dtype) ? number
              : dtype == DTYPE_BOOL ? (double)(i % 3 == 0)
                                    : number * 20);
  }
  char old[sizeof(int64_t)], *data = input->attr.variable->data;
  size_t bytes = dtype_size(dtype);
  for (int64_t i = count - 1; i > 0; i--) {
    char *a = data + (size_t)i * bytes, *b = data + (size_t)trial_dice(t, (uint32_t)i + 1) * bytes;
    memcpy(old, a, bytes), memcpy(a, b, bytes), memcpy(b, old, bytes);
  }
  return input;
}

static Node *sample_random(Trial *t, DType dtype, int rank, const int64_t *size) {
  return trial_fill(t, trial_input(t, dtype, rank, size), dtype == DTYPE_U8 ? 0 : -2,
                    dtype == DTYPE_U8 ? 9 : 2);
}

/* ---- MAP ------------------------------------------------------------------------------------------------ */

/* Where a row is defined, and smooth, if not everywhere; of each input. */
typedef struct {
  OpCode op;
  double low[2], high[2];
} Domain;

static const Domain domains[] = {
    {OP_LOG, {0.2}, {3}},
    {OP_LOG1P, {-0.7}, {3}},
    {OP_SQRT, {0.2}, {3}},
    {OP_RSQRT, {0.3}, {3}},
    {OP_ASIN, {-0.8}, {0.8}},
    {OP_ACOS, {-0.8}, {0.8}},
    {OP_TAN, {-1.1}, {1.1}},
    {OP_ERFINV, {-0.7}, {0.7}},
    {OP_LGAMMA, {0.4}, {4}},
    {OP_POLYGAMMA, {0.6, 0.5}, {1.4, 3}}, // the trigamma function
    {OP_DIV, {-2, 0.5}, {2, 2.5}},
    {OP_POW, {0.3, -2}, {2.5, 2}},
    {OP_ATAN2, {0.4, 0.4}, {2, 2}},
    {OP_MOD, {-1.9, 2.1}, {-0.1, 2.9}}, // no jump: -1 < a / b < 0
    {OP_FLOOR_DIV, {-1.9, 2.1}, {-0.1, 2.9}},
};

/* Fills input k of the op: inside its domain; elsewhere on a grid that no kink or tie is near. */
static void map_fill(Trial *t, OpCode op, int k, Node *input) {
  const Domain *domain = NULL;
  for (int i = 0; i < LENGTH(domains); i++)
    if (domains[i].op == op) domain = &domains[i];
  DType dtype = input->type.dtype;
  for (int64_t i = 0; i < type_count(&input->type); i++) {
    double number = ((double)trial_dice(t, 16) - 8) * 0.25 + 0.1 - 0.13 * k;
    if (domain) number = trial_uniform(t, domain->low[k], domain->high[k]);
    if (dtype == DTYPE_BOOL) number = trial_dice(t, 2);
    if (dtype_is_int(dtype)) number = (double)trial_dice(t, 19) - (dtype == DTYPE_U8 ? 0 : 9);
    input_put(input, i, number);
  }
}

static const double extreme_floats[] = {
    0,      -0.0,     1,         -1,    0.5,      -0.5,      1.5,        2.5,  -2.5, 1e-40,
    -1e-40, 1e-30,    3e38,      -3e38, 88.9,     -104.5,    1e6,        -1e7, 3e15, NAN,
    709.9,  INFINITY, -INFINITY, 1e-8,  16777217, 0.9999999, -0.9999999, 40,   -40};
static const double extreme_wholes[] = {0,      1,       -1,    2,     -2,           7,
                                        127,    128,     255,   -128,  2147483647.0, -2147483648.0,
                                        0x1p63, -0x1p63, 65536, 46341, 1e10,         -3};

/* Every extreme number beside every other. */
static Node *map_extremes(Trial *t, OpCode op) {
  int arity = op_table[op].arity;
  bool real = dtype_is_float(t->dtype);
  int64_t count = real ? LENGTH(extreme_floats) : LENGTH(extreme_wholes), square = count * count;
  Node *src[3];
  for (int k = 0; k < arity; k++) {
    DType dtype = op == OP_WHERE && k == 0 ? DTYPE_BOOL : t->dtype;
    src[k] = trial_input(t, dtype, 1, &square);
    for (int64_t i = 0; i < square; i++) {
      int64_t which = k == 0 ? i % count : i / count;
      double number = real ? extreme_floats[which] : extreme_wholes[which];
      if (dtype == DTYPE_U8) number = (double)((int64_t)fmin(fabs(number), 1e15) % 256);
      if (dtype == DTYPE_I32) number = fmax(-0x1p31, fmin(0x1p31 - 1, number));
      input_put(src[k], i, number);
    }
  }
  return build_map(op, src);
}

typedef enum { FORM_PLAIN, FORM_BROADCAST, FORM_PERMUTED, FORM_SLICED, FORM_SCALAR_BESIDE } MapForm;

/* A node of that shape over a new input, for input k, as the form says. */
static Node *map_input(Trial *t, OpCode op, int k, MapForm form, int rank, const int64_t *size) {
  DType dtype = op == OP_WHERE && k == 0 ? DTYPE_BOOL : t->dtype;
  int64_t from[MAX_RANK];
  int order[MAX_RANK];
  const Dim *dim[MAX_RANK];
  for (int i = 0; i < rank; i++) from[i] = size[i], dim[i] = dim_of(size[i]), order[i] = rank - 1 - i;
  if (form == FORM_SCALAR_BESIDE && k == 0 && op_table[op].arity > 1) rank = 0;
  if (form == FORM_BROADCAST) from[k % rank] = 1;
  if (form == FORM_PERMUTED && k % 2 == 0)
    for (int i = 0; i < rank; i++) from[i] = size[rank - 1 - i];
  if (form == FORM_SLICED) from[k % rank] = 2 * size[k % rank] + 1;
  Node *input = trial_input(t, dtype, rank, from);
  map_fill(t, op, k, input);
  if (form == FORM_BROADCAST) return build_expand(input, rank, dim);
  if (form == FORM_PERMUTED && k % 2 == 0) return build_permute(input, order);
  if (form == FORM_SLICED) {
    Node *slice = build_slice(input, k % rank, dim_of(1), dim_of(size[k % rank]), 2);
    return k % 2 == 0 ? build_flip(slice, rank - 1) : slice;
  }
  return input;
}

static const struct {
  MapForm form;
  int rank;
  int64_t size[4];
} map_shapes[] = {
    {FORM_PLAIN, 0, {0}},
    {FORM_PLAIN, 1, {0}},
    {FORM_PLAIN, 1, {1}},
    {FORM_PLAIN, 1, {7}},
    {FORM_PLAIN, 2, {3, 5}},
    {FORM_PLAIN, 3, {2, 0, 3}},
    {FORM_PLAIN, 1, {1031}},
    {FORM_BROADCAST, 2, {3, 7}},
    {FORM_BROADCAST, 3, {5, 1, 3}},
    {FORM_PERMUTED, 2, {5, 3}},
    {FORM_PERMUTED, 4, {2, 3, 1, 5}},
    {FORM_SLICED, 1, {11}},
    {FORM_SLICED, 3, {2, 3, 5}},
    {FORM_SCALAR_BESIDE, 2, {3, 4}},
    {FORM_PLAIN, 2, {61, 1009}},
    {FORM_PERMUTED, 2, {211, 307}},
};

static Node *sample_map(Trial *t, OpCode op, int number) {
  if (number == LENGTH(map_shapes)) return map_extremes(t, op);
  if (number > LENGTH(map_shapes)) return NULL;
  Node *src[3];
  int64_t count = 1;
  for (int i = 0; i < map_shapes[number].rank; i++) count *= map_shapes[number].size[i];
  for (int k = 0; k < op_table[op].arity; k++)
    src[k] = map_input(t, op, k, map_shapes[number].form, map_shapes[number].rank, map_shapes[number].size);
  t->smooth = count <= 40;
  return build_map(op, src);
}

/* ---- REDUCE --------------------------------------------------------------------------------------------- */

static const struct {
  int rank;
  int64_t size[4];
  int axis[4], axes;
  bool keep, permuted;
} reductions[] = {
    {1, {0}, {0}, 1, false, false},
    {1, {1}, {0}, 1, true, false},
    {1, {7}, {0}, 1, false, false},
    {2, {3, 5}, {0}, 1, false, false},
    {2, {3, 5}, {1}, 1, true, false},
    {2, {3, 5}, {0, 1}, 2, false, true},
    {2, {3, 0}, {1}, 1, false, false},
    {2, {0, 3}, {1}, 1, false, false},
    {2, {0, 3}, {0}, 1, false, false},
    {3, {2, 3, 5}, {1}, 1, false, false},
    {3, {2, 3, 5}, {0, 2}, 2, true, false},
    {4, {2, 3, 1, 5}, {1, 3}, 2, false, true},
    {1, {4097}, {0}, 1, false, false},
    {1, {200003}, {0}, 1, false, false},
    {2, {257, 1031}, {1}, 1, false, false},
    {2, {3, 70001}, {1}, 1, false, false},
    {2, {1031, 257}, {0}, 1, true, false},
    {2, {101, 67}, {0}, 1, false, true},
    {2, {67, 101}, {1}, 1, false, true},
    {3, {31, 400, 17}, {0, 1}, 2, false, false},
    {3, {31, 40, 170}, {0, 2}, 2, false, false},
    {3, {7, 300, 33}, {1}, 1, false, false},
    {4, {5, 9, 11, 13}, {0, 1, 2}, 3, false, false},
};

static Node *sample_reduce(Trial *t, OpCode op, int number) {
  if (number >= LENGTH(reductions)) return NULL;
  int rank = reductions[number].rank, order[MAX_RANK];
  int64_t size[MAX_RANK], count = 1;
  t->terms = 1, t->reduction = true;
  for (int i = 0; i < rank; i++) {
    order[i] = rank - 1 - i;
    count *= reductions[number].size[i];
    size[i] = reductions[number].size[reductions[number].permuted ? rank - 1 - i : i];
  }
  for (int i = 0; i < reductions[number].axes; i++)
    t->terms *= (double)reductions[number].size[reductions[number].axis[i]];
  if (op != OP_REDUCE_SUM) t->terms = 0;
  t->smooth = count <= 40;
  Node *x = sample_distinct(t, t->dtype, rank, size);
  if (reductions[number].permuted) x = build_permute(x, order);
  return build_reduce(op, x, reductions[number].axis, reductions[number].axes, reductions[number].keep);
}

/* ---- VIEW ----------------------------------------------------------------------------------------------- */

static const struct {
  int rank;
  int64_t size[4];
} view_shapes[] = {
    {2, {3, 4}}, {1, {1}},          {3, {2, 3, 5}},  {2, {0, 4}},
    {2, {4, 0}}, {4, {2, 1, 3, 2}}, {2, {211, 307}}, {3, {70, 31, 29}},
};

static Node *view_input(Trial *t, int number) {
  t->smooth = number < 6;
  return sample_distinct(t, t->dtype, view_shapes[number].rank, view_shapes[number].size);
}

static Node *sample_reshape(Trial *t, int number) {
  if (number >= 2 * LENGTH(view_shapes)) return NULL;
  Node *x = view_input(t, number / 2);
  const Dim *size[2] = {dim_of(1), type_elements(&x->type)};
  if (number % 2 == 0) return build_reshape(x, 2, size);
  int order[MAX_RANK];
  for (int i = 0; i < x->type.rank; i++) order[i] = x->type.rank - 1 - i;
  return build_reshape(build_permute(x, order), 1, size + 1);
}

static Node *sample_permute(Trial *t, int number) {
  if (number >= 2 * LENGTH(view_shapes)) return NULL;
  Node *x = view_input(t, number / 2);
  int order[MAX_RANK], rank = x->type.rank;
  for (int i = 0; i < rank; i++) order[i] = number % 2 ? (i + 1) % rank : rank - 1 - i;
  return build_permute(x, order);
}

static Node *sample_expand(Trial *t, int number) {
  if (number >= 4 * LENGTH(view_shapes)) return NULL;
  int64_t size[MAX_RANK];
  const Dim *dim[MAX_RANK];
  int shape = number / 4, rank = view_shapes[shape].rank;
  t->smooth = shape < 6;
  for (int i = 0; i < rank; i++) {
    size[i] = (number >> (i % 2) & 1) ? 1 : view_shapes[shape].size[i];
    dim[i] = dim_of(view_shapes[shape].size[i]);
  }
  return build_expand(sample_distinct(t, t->dtype, rank, size), rank, dim);
}

static Node *sample_slice(Trial *t, int number) {
  static const int64_t start[] = {0, 1, 2, 0, 1}, length[] = {2, 1, 1, 0, 2}, step[] = {1, 1, 3, 1, 2};
  if (number >= 10) return NULL;
  int axis = number % 2, i = number / 2;
  Node *x = sample_distinct(t, t->dtype, 2, axis ? SIZES(3, 5) : SIZES(5, 3));
  t->smooth = true;
  return build_slice(x, axis, dim_of(start[i]), dim_of(length[i]), step[i]);
}

static Node *sample_flip(Trial *t, int number) {
  if (number >= 2 * LENGTH(view_shapes)) return NULL;
  Node *x = view_input(t, number / 2);
  return build_flip(x, number % 2 ? x->type.rank - 1 : 0);
}

static Node *sample_pad(Trial *t, int number) {
  static const int64_t front[] = {0, 1, 0, 3}, back[] = {0, 0, 2, 5};
  if (number >= 4 * LENGTH(view_shapes)) return NULL;
  Node *x = view_input(t, number / 4);
  int i = number % 4;
  double filler = i == 2 || !dtype_is_float(t->dtype) ? 1 : i == 3 && !t->smooth ? -INFINITY : 0;
  return build_pad(x, x->type.rank - 1 - (number & 1 && x->type.rank > 1), dim_of(front[i]), dim_of(back[i]),
                   filler);
}

static Node *sample_concat(Trial *t, int number) {
  static const int64_t rows[][3] = {{2, 3, 1}, {0, 2, 0}, {1, 1, 1}, {0, 0, 0}, {40, 50, 60}, {2, 2, 2}};
  if (number >= 12) return NULL;
  int axis = number % 2, i = number / 2;
  Node *x[3];
  for (int k = 0; k < 3; k++) {
    int64_t size[2] = {axis ? 3 : rows[i][k], axis ? rows[i][k] : 3};
    x[k] = sample_distinct(t, t->dtype, 2, size);
    if (i == 5 && k == 1) x[k] = build_flip(x[k], 0);
  }
  t->smooth = i != 4;
  return build_concat(t->graph, x, i == 2 ? 1 : 3, axis);
}

/* ---- KERNEL --------------------------------------------------------------------------------------------- */

static const struct {
  int batches; // dims of batch
  int64_t batch[2], m, k, n;
} products[] = {
    {0, {0}, 1, 1, 1},     {0, {0}, 3, 5, 2},      {0, {0}, 5, 1, 3},     {0, {0}, 1, 7, 1},
    {0, {0}, 0, 3, 2},     {0, {0}, 3, 0, 2},      {0, {0}, 3, 2, 0},     {1, {2}, 3, 2, 2},
    {1, {0}, 3, 2, 2},     {2, {2, 1}, 2, 3, 1},   {0, {0}, 67, 301, 37}, {0, {0}, 3, 5003, 5},
    {0, {0}, 8, 60013, 7}, {0, {0}, 257, 64, 131}, {1, {17}, 9, 33, 21},  {2, {3, 5}, 16, 1, 16},
};

/* Each shape as it stands, with a, with b, with both transposed, and with inputs that are views. */
static Node *sample_matmul(Trial *t, int number) {
  if (number >= 5 * LENGTH(products)) return NULL;
  int i = number / 5, way = number % 5, rank = products[i].batches + 2;
  int64_t m = products[i].m, k = products[i].k, n = products[i].n, a[4], b[4];
  for (int d = 0; d < rank - 2; d++) a[d] = b[d] = products[i].batch[d];
  bool a_turned = way & 1 || way == 4, b_turned = way & 2 || way == 4;
  a[rank - 2] = a_turned ? k : m, a[rank - 1] = a_turned ? m : k;
  b[rank - 2] = b_turned ? n : k, b[rank - 1] = b_turned ? k : n;
  Node *x = sample_random(t, t->dtype, rank, a), *y = sample_random(t, t->dtype, rank, b);
  t->terms = (double)k;
  t->smooth = type_count(&x->type) + type_count(&y->type) <= 40;
  if (way == 4) return build_matmul(build_swap(x), build_swap(y), false, false);
  return build_matmul(x, y, a_turned, b_turned);
}

typedef struct {
  int64_t x[4], k[4]; // of the kernel; of a pool k[0], k[1] are the window
  Window window;
} WindowSample;

static const WindowSample convolutions[] = {
    {{1, 1, 1, 1}, {1, 1, 1, 1}, {{1, 1}, {0, 0}, {0, 0}, {1, 1}, {0, 0}, 1}},
    {{1, 3, 4, 1}, {2, 2, 1, 2}, {{1, 1}, {0, 0}, {0, 0}, {1, 1}, {0, 0}, 1}},
    {{2, 3, 3, 2}, {3, 3, 2, 1}, {{1, 1}, {1, 1}, {1, 1}, {1, 1}, {0, 0}, 1}},
    {{1, 5, 4, 1}, {3, 2, 1, 2}, {{2, 2}, {1, 0}, {1, 1}, {1, 1}, {0, 0}, 1}},
    {{1, 6, 5, 1}, {2, 2, 1, 1}, {{1, 2}, {0, 1}, {2, 0}, {2, 3}, {0, 0}, 1}},
    {{1, 3, 3, 4}, {2, 2, 2, 4}, {{1, 1}, {0, 0}, {1, 1}, {1, 1}, {0, 0}, 2}},
    {{1, 3, 2, 3}, {3, 1, 1, 3}, {{2, 1}, {1, 0}, {1, 0}, {1, 1}, {0, 0}, 3}},
    {{0, 3, 3, 2}, {2, 2, 2, 3}, {{1, 1}, {0, 0}, {0, 0}, {1, 1}, {0, 0}, 1}},
    {{1, 3, 3, 0}, {2, 2, 0, 3}, {{1, 1}, {0, 0}, {0, 0}, {1, 1}, {0, 0}, 1}},
    {{1, 3, 3, 2}, {2, 2, 2, 0}, {{1, 1}, {0, 0}, {0, 0}, {1, 1}, {0, 0}, 1}},
    {{2, 4, 4, 3}, {1, 1, 3, 2}, {{1, 1}, {0, 0}, {0, 0}, {1, 1}, {0, 0}, 1}},
    {{5, 14, 13, 8}, {3, 3, 8, 16}, {{1, 1}, {1, 1}, {1, 1}, {1, 1}, {0, 0}, 1}},
    {{3, 17, 15, 6}, {5, 3, 3, 8}, {{2, 3}, {2, 1}, {2, 1}, {1, 2}, {0, 0}, 2}},
    {{9, 16, 16, 8}, {3, 3, 8, 16}, {{1, 1}, {1, 1}, {1, 1}, {1, 1}, {0, 0}, 1}},
    {{7, 20, 20, 3}, {3, 3, 3, 8}, {{2, 2}, {1, 1}, {1, 1}, {1, 1}, {0, 0}, 1}},
    {{2, 9, 9, 16}, {3, 3, 1, 16}, {{1, 1}, {1, 1}, {1, 1}, {1, 1}, {0, 0}, 16}},
    {{1, 40, 7, 2}, {31, 1, 2, 5}, {{1, 1}, {30, 0}, {0, 0}, {1, 1}, {0, 0}, 1}},
};

static Node *sample_conv2d(Trial *t, int number) {
  if (number >= LENGTH(convolutions)) return NULL;
  const WindowSample *sample = &convolutions[number];
  Node *x = sample_random(t, t->dtype, 4, sample->x), *k = sample_random(t, t->dtype, 4, sample->k);
  t->terms = (double)(sample->k[0] * sample->k[1] * sample->k[2]);
  t->smooth = number < 11;
  return build_conv2d(x, k, &sample->window);
}

/* The op over dy and one of the inputs of conv2d, giving the shape of the other. */
static Node *sample_conv2d_gradient(Trial *t, int number, OpCode op) {
  if (number >= LENGTH(convolutions)) return NULL;
  const WindowSample *sample = &convolutions[number];
  bool to_input = op == OP_CONV2D_GRAD_INPUT;
  Type other = type_with(t->dtype, 4, to_input ? sample->x : sample->k);
  Node *input = sample_random(t, t->dtype, 4, to_input ? sample->k : sample->x);
  Node *missing = build_expand(build_number(t->graph, t->dtype, 0), 4, other.size);
  Node *y = build_conv2d(to_input ? missing : input, to_input ? input : missing, &sample->window);
  int64_t size[4];
  for (int i = 0; i < 4; i++) size[i] = type_size(&y->type, i);
  Node *dy = sample_random(t, t->dtype, 4, size);
  t->terms =
      to_input ? (double)(sample->k[0] * sample->k[1] * sample->k[3]) : (double)(size[0] * size[1] * size[2]);
  t->smooth = number < 11;
  if (to_input) return build_conv2d_grad_input(dy, input, &other, &sample->window);
  return build_conv2d_grad_kernel(input, dy, &other, &sample->window);
}

static Node *sample_conv2d_grad_input(Trial *t, int number) {
  return sample_conv2d_gradient(t, number, OP_CONV2D_GRAD_INPUT);
}

static Node *sample_conv2d_grad_kernel(Trial *t, int number) {
  return sample_conv2d_gradient(t, number, OP_CONV2D_GRAD_KERNEL);
}

static const WindowSample pools[] = {
    {{1, 1, 1, 1}, {0}, {{1, 1}, {0, 0}, {0, 0}, {1, 1}, {1, 1}, 1}},
    {{1, 4, 4, 2}, {0}, {{2, 2}, {0, 0}, {0, 0}, {1, 1}, {2, 2}, 1}},
    {{1, 5, 3, 2}, {0}, {{1, 1}, {0, 0}, {0, 0}, {1, 1}, {3, 2}, 1}},
    {{2, 4, 4, 1}, {0}, {{2, 2}, {1, 1}, {1, 1}, {1, 1}, {3, 3}, 1}},
    {{1, 6, 5, 1}, {0}, {{1, 2}, {0, 1}, {1, 0}, {2, 1}, {2, 2}, 1}},
    {{1, 3, 3, 1}, {0}, {{3, 3}, {2, 2}, {2, 2}, {1, 1}, {2, 2}, 1}}, // some windows see padding alone
    {{0, 4, 4, 2}, {0}, {{2, 2}, {0, 0}, {0, 0}, {1, 1}, {2, 2}, 1}},
    {{1, 4, 4, 0}, {0}, {{2, 2}, {0, 0}, {0, 0}, {1, 1}, {2, 2}, 1}},
    {{9, 14, 13, 16}, {0}, {{2, 2}, {1, 0}, {0, 1}, {1, 1}, {3, 2}, 1}},
    {{5, 24, 24, 7}, {0}, {{1, 1}, {1, 1}, {1, 1}, {1, 1}, {3, 3}, 1}},
};

static Node *sample_pool_max(Trial *t, int number) {
  if (number >= LENGTH(pools)) return NULL;
  t->smooth = number < 8 && number != 5;
  return build_pool_max(sample_distinct(t, t->dtype, 4, pools[number].x), &pools[number].window);
}

static Node *sample_pool_max_grad(Trial *t, int number) {
  Node *y = sample_pool_max(t, number);
  if (!y) return NULL;
  Node *x = y->src[0];
  int64_t size[4];
  for (int i = 0; i < 4; i++) size[i] = type_size(&y->type, i);
  Node *dy = sample_random(t, t->dtype, 4, size);
  t->terms = (double)(pools[number].window.size[0] * pools[number].window.size[1]), t->reduction = true;
  t->relative = t->dtype == DTYPE_F32 ? 1e-6 : 1e-14; // sizes alone would choose other cells
  return build_pool_max_grad(x, y, dy, &pools[number].window);
}

static const struct {
  DType dtype; // of the ids
  int id_rank;
  int64_t id_size[2];
  int rank;
  int64_t size[3]; // of the table
} lookups[] = {
    {DTYPE_I32, 1, {4}, 2, {3, 2}},        {DTYPE_I64, 0, {0}, 1, {5}},
    {DTYPE_U8, 2, {2, 3}, 3, {4, 1, 2}},   {DTYPE_I32, 1, {0}, 2, {3, 2}},
    {DTYPE_I32, 1, {7}, 1, {1}},           {DTYPE_I32, 1, {5}, 2, {3, 0}},
    {DTYPE_I32, 2, {31, 50}, 2, {97, 13}}, {DTYPE_I64, 1, {3001}, 2, {11, 64}},
    {DTYPE_I32, 1, {2000}, 1, {5}},
};

static Node *lookup_ids(Trial *t, int number) {
  Node *ids = trial_input(t, lookups[number].dtype, lookups[number].id_rank, lookups[number].id_size);
  int64_t rows = lookups[number].size[0];
  for (int64_t i = 0; i < type_count(&ids->type); i++) input_put(ids, i, trial_dice(t, (uint32_t)rows));
  return ids;
}

static Node *sample_gather(Trial *t, int number) {
  if (number >= LENGTH(lookups)) return NULL;
  t->smooth = number < 6;
  Node *x = sample_random(t, t->dtype, lookups[number].rank, lookups[number].size);
  return build_gather(x, lookup_ids(t, number));
}

static Node *sample_scatter_add(Trial *t, int number) {
  if (number >= LENGTH(lookups)) return NULL;
  int64_t size[MAX_RANK];
  int rank = 0;
  for (int i = 0; i < lookups[number].id_rank; i++) size[rank++] = lookups[number].id_size[i];
  for (int i = 1; i < lookups[number].rank; i++) size[rank++] = lookups[number].size[i];
  Node *ids = lookup_ids(t, number), *v = sample_random(t, t->dtype, rank, size);
  t->smooth = number < 6;
  t->terms = (double)type_count(&ids->type);
  return build_scatter_add(ids, v, dim_of(lookups[number].size[0]));
}

static Node *sample_scatter_max(Trial *t, int number) {
  if (number >= LENGTH(lookups)) return NULL;
  int64_t size[MAX_RANK];
  int rank = 0;
  for (int i = 0; i < lookups[number].id_rank; i++) size[rank++] = lookups[number].id_size[i];
  for (int i = 1; i < lookups[number].rank; i++) size[rank++] = lookups[number].size[i];
  Node *ids = lookup_ids(t, number), *v = sample_distinct(t, t->dtype, rank, size);
  for (int64_t i = 0; i < type_count(&ids->type) && number < 6; i++)
    input_put(ids, i, (double)(i % lookups[number].size[0])); // an id for every row, where they suffice
  t->smooth = number < 6 && type_count(&ids->type) >= lookups[number].size[0];
  return build_scatter_max(ids, v, dim_of(lookups[number].size[0]));
}

static Node *sample_put(Trial *t, int number) {
  if (number >= LENGTH(lookups)) return NULL;
  int64_t size[MAX_RANK];
  int rank = 0;
  for (int i = 0; i < lookups[number].id_rank; i++) size[rank++] = lookups[number].id_size[i];
  for (int i = 1; i < lookups[number].rank; i++) size[rank++] = lookups[number].size[i];
  t->smooth = number < 6;
  Node *x = sample_random(t, t->dtype, lookups[number].rank, lookups[number].size);
  Node *ids = lookup_ids(t, number);
  return build_put(x, ids, sample_random(t, t->dtype, rank, size));
}

static const struct {
  int rank;
  int64_t size[4];
} matrices[] = {
    {2, {1, 1}}, {2, {2, 2}},    {2, {3, 3}},   {3, {2, 3, 3}},  {4, {1, 2, 2, 2}},
    {2, {0, 0}}, {3, {0, 2, 2}}, {2, {24, 24}}, {3, {37, 5, 5}},
};
#define MATRICES_SMOOTH 5

/* Well-conditioned squares: k + 1 on the diagonal, below 0.5 elsewhere. */
static Node *sample_square(Trial *t, int number) {
  int rank = matrices[number].rank;
  Node *x = trial_fill(t, trial_input(t, t->dtype, rank, matrices[number].size), -0.4, 0.4);
  int64_t n = matrices[number].size[rank - 1], count = type_count(&x->type);
  for (int64_t i = 0; i < count; i++)
    if (i % n == i / n % n) input_put(x, i, (double)(i % n + 1) + (n > 5 ? 3 : 0.5));
  t->smooth = number < MATRICES_SMOOTH;
  t->relative = t->dtype == DTYPE_F32 ? 1e-5 : 1e-12;
  return x;
}

static Node *sample_cholesky(Trial *t, int number) {
  return number < LENGTH(matrices) ? build_cholesky(sample_square(t, number)) : NULL;
}

static Node *sample_solve(Trial *t, int number) {
  if (number >= 6 * LENGTH(matrices)) return NULL;
  Node *a = sample_square(t, number / 6);
  int64_t size[MAX_RANK];
  for (int i = 0; i < a->type.rank; i++) size[i] = type_size(&a->type, i);
  size[a->type.rank - 1] = 2;
  return build_solve(a, sample_random(t, t->dtype, a->type.rank, size), number % 2,
                     (SolveKind)(number / 2 % 3));
}

static Node *sample_det(Trial *t, int number) {
  if (number >= 2 * LENGTH(matrices)) return NULL;
  Node *y = build_det(sample_square(t, number / 2), number % 2);
  if (number / 2 == 7) t->relative *= 1e3; // of 24 rows: a large number
  return y;
}

static Node *sample_eigh(Trial *t, int number) {
  return number < LENGTH(matrices) ? build_eigh(sample_square(t, number)) : NULL;
}

/* Squares, and squares with a row or column more. */
static Node *sample_oblong(Trial *t, int number, int axis) {
  Node *x = sample_square(t, number / 2);
  int rank = x->type.rank;
  if (number % 2 == 0) return x;
  int64_t size[MAX_RANK];
  for (int i = 0; i < rank; i++) size[i] = i == rank - axis ? 1 : type_size(&x->type, i);
  Node *more = trial_fill(t, trial_input(t, t->dtype, rank, size), -0.4, 0.4); // small: the values stay apart
  return build_concat(t->graph, (Node *[]){x, more}, 2, rank - axis);
}

static Node *sample_qr(Trial *t, int number) {
  return number < 2 * LENGTH(matrices) ? build_qr(sample_oblong(t, number, 2)) : NULL;
}

static Node *sample_svd(Trial *t, int number) {
  if (number >= 4 * LENGTH(matrices)) return NULL;
  return build_svd(sample_oblong(t, number / 2, 1 + number % 2));
}

/* Lengths of small and of large prime factors. */
static Node *sample_fft(Trial *t, int number) {
  static const int64_t lengths[] = {1, 2, 3, 4, 5, 6, 8, 12, 16, 21, 0, 53, 106, 64, 96, 120, 49, 211};
  if (number >= 2 * LENGTH(lengths)) return NULL;
  int64_t n = lengths[number / 2], size[] = {number % 3 + 1, n, 2};
  t->smooth = n < 10;
  t->relative = t->dtype == DTYPE_F32 ? 2e-6 : 1e-13;
  return build_fft(sample_random(t, t->dtype, 3, size), number % 2);
}

/* Ordered wholly or for the first few; twice over, so that every number has an equal. */
static Node *sample_order(Trial *t, int number) {
  static const struct {
    int rank;
    int64_t size[3], count;
  } shapes[] = {{1, {5}, 5},    {1, {1}, 1},       {1, {0}, 0},       {2, {3, 4}, 2},   {2, {0, 3}, 3},
                {2, {3, 4}, 0}, {3, {2, 2, 7}, 7}, {2, {41, 109}, 9}, {1, {1009}, 1009}};
  if (number >= 4 * LENGTH(shapes)) return NULL;
  int i = number / 4, rank = shapes[i].rank;
  Node *x = sample_distinct(t, t->dtype, rank, shapes[i].size);
  if (number % 2) x = build_concat(t->graph, (Node *[]){x, build_flip(x, rank - 1)}, 2, rank - 1);
  return build_order(x, dim_of(shapes[i].count), number / 2 % 2);
}

static Node *sample_cumsum(Trial *t, int number) {
  static const struct {
    int rank;
    int64_t size[3];
  } shapes[] = {{1, {5}},    {1, {1}},       {1, {0}},        {2, {3, 4}}, {2, {0, 3}},
                {2, {3, 0}}, {3, {2, 2, 3}}, {2, {41, 1009}}, {1, {20011}}};
  if (number >= 2 * LENGTH(shapes)) return NULL;
  int i = number / 2;
  t->smooth = i < 7;
  t->terms = (double)shapes[i].size[shapes[i].rank - 1], t->reduction = true;
  Node *x = sample_random(t, t->dtype, shapes[i].rank, shapes[i].size);
  return build_cumsum(number % 2 ? build_flip(x, x->type.rank - 1) : x);
}

/* ---- control -------------------------------------------------------------------------------------------- */

/* Nodes without numbers of their own: results show what they give. */
static Node *sample_scan(Trial *t, int number) {
  (void)t, (void)number;
  return NULL;
}
static Node *sample_branch(Trial *t, int number) {
  (void)t, (void)number;
  return NULL;
}

/* h = tanh(h @ w + x_i * b), all h yielded: a recurrent layer; `final` takes the last h. */
static Node *scan_recurrent(Trial *t, int64_t steps, bool reverse, bool final) {
  Node *h = sample_random(t, t->dtype, 2, SIZES(2, 3)),
       *x = sample_random(t, t->dtype, 3, SIZES(steps, 2, 3));
  Node *w = sample_random(t, t->dtype, 2, SIZES(3, 3)), *b = sample_random(t, t->dtype, 1, SIZES(3));
  Graph *body = graph_new(t->arena);
  Node *carry = body_argument(body, "h", &h->type), *slice = body_argument(body, "x", &h->type);
  Node *weight = body_argument(body, "w", &w->type), *bias = body_argument(body, "b", &b->type);
  const Dim *one[2] = {dim_of(1), dim_of(3)};
  Node *scaled = build_mul(slice, build_expand_like(build_reshape(bias, 2, one), slice));
  Node *next = build_tanh(build_add(build_matmul(carry, weight, false, false), scaled));
  graph_assign(body, body->argument[0], next);
  body_result(body, build_mul(next, next));
  Scan scan = {.length = dim_of(steps), .carries = 1, .stepped = 1, .reverse = reverse};
  Node *node = build_scan(t->graph, body, &scan, (Node *[]){h, x, w, b}, 4);
  if (final) return build_result(node, 0);
  return build_add(build_result(node, 1), build_expand_like(build_insert(build_result(node, 0), 0), x));
}

/* Halves x until the sum of its squares is below 1; what is yielded behind that is 0. */
static Node *scan_until_small(Trial *t, bool stack) {
  Node *x = sample_random(t, t->dtype, 1, SIZES(3)), *s = sample_random(t, t->dtype, 0, NULL);
  Graph *body = graph_new(t->arena);
  Type truth = type_scalar(DTYPE_BOOL);
  Node *more = body_argument(body, "more", &truth), *carry = body_argument(body, "x", &x->type);
  Node *scale = body_argument(body, "s", &s->type);
  (void)more;
  Node *next = build_mul(build_mul(carry, build_like(carry, 0.5)), build_cos(build_mul(carry, scale)));
  Node *size = build_reduce_all(OP_REDUCE_SUM, build_mul(next, next));
  graph_assign(body, body->argument[0], build_gt(size, build_like(size, 0.1)));
  graph_assign(body, body->argument[1], next);
  body_result(body, build_mul(next, carry));
  Scan scan = {.length = dim_of(6), .carries = 2, .until = true};
  Node *node = build_scan(t->graph, body, &scan, (Node *[]){build_whole(t->graph, DTYPE_BOOL, 1), x, s}, 3);
  return build_result(node, stack ? 2 : 1);
}

/* A sum over a scan within a scan: y += sin(y * x_i * v_k). */
static Node *scan_nested(Trial *t) {
  Node *y = sample_random(t, t->dtype, 0, NULL), *x = sample_random(t, t->dtype, 1, SIZES(3)),
       *v = sample_random(t, t->dtype, 1, SIZES(2));
  Graph *outer = graph_new(t->arena), *inner = graph_new(t->arena);
  Node *carry = body_argument(outer, "y", &y->type), *one = body_argument(outer, "x", &y->type),
       *all = body_argument(outer, "v", &v->type);
  Node *low = body_argument(inner, "y", &y->type), *each = body_argument(inner, "v", &y->type),
       *held = body_argument(inner, "x", &y->type);
  graph_assign(inner, inner->argument[0], build_add(low, build_sin(build_mul(low, build_mul(each, held)))));
  Scan within = {.length = dim_of(2), .carries = 1, .stepped = 1};
  Node *sum = build_result(build_scan(outer, inner, &within, (Node *[]){carry, all, one}, 3), 0);
  graph_assign(outer, outer->argument[0], sum);
  Scan scan = {.length = dim_of(3), .carries = 1, .stepped = 1};
  return build_result(build_scan(t->graph, outer, &scan, (Node *[]){y, x, v}, 3), 0);
}

/* x * w if yes, else sin(w) + x. */
static Node *branch_of_two(Trial *t, bool yes) {
  Node *x = sample_random(t, t->dtype, 2, SIZES(2, 3)), *w = sample_random(t, t->dtype, 2, SIZES(2, 3));
  Graph *body[2];
  for (int i = 0; i < 2; i++) {
    body[i] = graph_new(t->arena);
    Node *a = body_argument(body[i], "x", &x->type), *b = body_argument(body[i], "w", &w->type);
    body_result(body[i], i == 0 ? build_mul(a, b) : build_add(build_sin(b), a));
  }
  Node *sum = build_reduce_all(OP_REDUCE_SUM, build_mul(x, x)), *limit = build_like(sum, yes ? 1e3 : -1);
  Node *branch = build_branch(t->graph, build_lt(sum, limit), body[0], body[1], (Node *[]){x, w}, 2);
  return build_result(branch, 0);
}

static Node *sample_result(Trial *t, int number) {
  if (!dtype_is_float(t->dtype)) return NULL;
  t->smooth = true, t->terms = 20;
  switch (number) {
  case 0: return scan_recurrent(t, 4, false, false);
  case 1: return scan_recurrent(t, 3, true, false);
  case 2: return scan_recurrent(t, 3, false, true);
  case 3: return scan_recurrent(t, 0, false, true);
  case 4: return scan_until_small(t, false);
  case 5: return scan_until_small(t, true);
  case 6: return scan_nested(t);
  case 7: return branch_of_two(t, true);
  case 8: return branch_of_two(t, false);
  default: return NULL;
  }
}

/* ---- all of them ---------------------------------------------------------------------------------------- */

static Sample *const sample_of[OP_COUNT - OP_RESHAPE] = {
#define VIEW(name, doc)           sample_##name,
#define CONTROL(name, ...)        sample_##name,
#define KERNEL(name, inputs, doc) sample_##name,
#include "lang/ops.def"
#undef VIEW
#undef CONTROL
#undef KERNEL
};

/* The node of a row's sample; NULL past the last, and at once for rows that have inputs of another kind. */
static Node *sample_build(Trial *t, OpCode op, int number) {
  if (op <= OP_WHERE) return sample_map(t, op, number);
  if (op >= OP_REDUCE_SUM && op <= OP_REDUCE_MIN) return sample_reduce(t, op, number);
  return op >= OP_RESHAPE ? sample_of[op - OP_RESHAPE](t, number) : NULL;
}

#endif
