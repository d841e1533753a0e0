/* Kernels as sums and choices over indices: matrix products, convolutions, pools, gathers. */
#include "backends/reference.h"

#include <math.h>

/* sum + a * b in the numbers of `dtype`; whole numbers wrap. */
static Number multiply_add(Number sum, Number a, Number b, DType dtype) {
  if (dtype_is_float(dtype)) return (Number){.real = sum.real + a.real * b.real};
  uint64_t whole = (uint64_t)sum.whole + (uint64_t)a.whole * (uint64_t)b.whole;
  return (Number){.whole = reference_wrap((int64_t)whole, dtype)};
}

static Number add(Number a, Number b, DType dtype) {
  if (dtype_is_float(dtype)) return (Number){.real = a.real + b.real};
  return (Number){.whole = reference_wrap((int64_t)((uint64_t)a.whole + (uint64_t)b.whole), dtype)};
}

void reference_matmul(const Evaluation *e) {
  const Node *node = e->node;
  const Type *type = &node->type, *a_type = &node->src[0]->type;
  bool a_transposed = node->attr.flag[0], b_transposed = node->attr.flag[1];
  int64_t m = type_size(type, type->rank - 2), n = type_size(type, type->rank - 1);
  int64_t k = type_size(a_type, type->rank - (a_transposed ? 2 : 1)), count = type_count(type);
  for (int64_t i = 0; i < count; i++) {
    int64_t batch = i / (m * n), row = i / n % m, column = i % n;
    const Number *a = e->src[0] + batch * m * k, *b = e->src[1] + batch * k * n;
    for (int64_t j = 0; j < k; j++) {
      Number left = a_transposed ? a[j * m + row] : a[row * k + j];
      Number right = b_transposed ? b[column * k + j] : b[j * n + column];
      e->y[i] = multiply_add(e->y[i], left, right, type->dtype);
    }
  }
}

/* ---- windows over images -------------------------------------------------------------------------------- */

/* The axes of an image tensor [batch, row, column, channel], of a kernel [row, column, channel, filter]. */
enum { BATCH, ROW, COLUMN, CHANNEL };
enum { KERNEL_ROW, KERNEL_COLUMN, KERNEL_CHANNEL, KERNEL_FILTER };

static int64_t at_least_one(int number) { return number > 0 ? number : 1; }

/* The cell of x in place (i, j) of the window of output pixel `out`; false: it lies in the padding. */
static bool window_cell(const Window *window, const Type *x, const Position *out, int64_t i, int64_t j,
                        Position *cell) {
  *cell = *out;
  cell->at[ROW] = out->at[ROW] * at_least_one(window->stride[0]) - window->front[0] +
                  i * at_least_one(window->dilation[0]);
  cell->at[COLUMN] = out->at[COLUMN] * at_least_one(window->stride[1]) - window->front[1] +
                     j * at_least_one(window->dilation[1]);
  return cell->at[ROW] >= 0 && cell->at[ROW] < type_size(x, ROW) && cell->at[COLUMN] >= 0 &&
         cell->at[COLUMN] < type_size(x, COLUMN);
}

/* Which places of x, k and y meet in a term of a convolution: y[place] is the sum of x[place] * k[place]. */
typedef void TermVisit(const Evaluation *e, int64_t x, int64_t k, int64_t y);

static void conv_terms(const Evaluation *e, const Type *x, const Type *k, const Type *y, TermVisit *visit) {
  const Window *window = &e->node->attr.window;
  int64_t groups = at_least_one(window->groups);
  int64_t filters = type_size(k, KERNEL_FILTER) / groups, channels = type_size(k, KERNEL_CHANNEL);
  if (type_count(y) == 0 || type_count(k) == 0) return;
  Position out = {{0}};
  do {
    Position place = {{0}};
    int64_t filter = out.at[CHANNEL];
    place.at[KERNEL_FILTER] = filter;
    for (int64_t i = 0; i < type_size(k, KERNEL_ROW); i++)
      for (int64_t j = 0; j < type_size(k, KERNEL_COLUMN); j++) {
        Position cell;
        if (!window_cell(window, x, &out, i, j, &cell)) continue;
        for (int64_t channel = 0; channel < channels; channel++) {
          cell.at[CHANNEL] = filter / filters * channels + channel;
          place.at[KERNEL_ROW] = i, place.at[KERNEL_COLUMN] = j, place.at[KERNEL_CHANNEL] = channel;
          visit(e, reference_offset(&cell, x), reference_offset(&place, k), reference_offset(&out, y));
        }
      }
  } while (reference_next(&out, y));
}

static void conv2d_term(const Evaluation *e, int64_t x, int64_t k, int64_t y) {
  e->y[y] = multiply_add(e->y[y], e->src[0][x], e->src[1][k], e->node->type.dtype);
}

static void conv2d_grad_input_term(const Evaluation *e, int64_t x, int64_t k, int64_t y) {
  e->y[x] = multiply_add(e->y[x], e->src[0][y], e->src[1][k], e->node->type.dtype);
}

static void conv2d_grad_kernel_term(const Evaluation *e, int64_t x, int64_t k, int64_t y) {
  e->y[k] = multiply_add(e->y[k], e->src[0][x], e->src[1][y], e->node->type.dtype);
}

void reference_conv2d(const Evaluation *e) {
  const Node *node = e->node;
  conv_terms(e, &node->src[0]->type, &node->src[1]->type, &node->type, conv2d_term);
}

void reference_conv2d_grad_input(const Evaluation *e) {
  const Node *node = e->node;
  conv_terms(e, &node->type, &node->src[1]->type, &node->src[0]->type, conv2d_grad_input_term);
}

void reference_conv2d_grad_kernel(const Evaluation *e) {
  const Node *node = e->node;
  conv_terms(e, &node->src[0]->type, &node->type, &node->src[1]->type, conv2d_grad_kernel_term);
}

/* The place in x of the first largest cell of the window of `out`, of the first NaN if there is one; -1 where
 * all of the window is padding. */
static int64_t window_largest(const Window *window, const Type *type, const Number *x, const Position *out) {
  int64_t best = -1;
  for (int64_t i = 0; i < window->size[0]; i++)
    for (int64_t j = 0; j < window->size[1]; j++) {
      Position cell;
      if (!window_cell(window, type, out, i, j, &cell)) continue;
      int64_t place = reference_offset(&cell, type);
      if (best < 0 || (!isnan(x[best].real) && (isnan(x[place].real) || x[place].real > x[best].real)))
        best = place;
    }
  return best;
}

void reference_pool_max(const Evaluation *e) {
  const Node *node = e->node;
  Position out = {{0}};
  int64_t count = type_count(&node->type);
  for (int64_t i = 0; i < count; i++, reference_next(&out, &node->type)) {
    int64_t place = window_largest(&node->attr.window, &node->src[0]->type, e->src[0], &out);
    e->y[i].real = place < 0 ? -INFINITY : e->src[0][place].real;
  }
}

void reference_pool_max_grad(const Evaluation *e) {
  const Node *node = e->node;
  const Type *y_type = &node->src[1]->type;
  Position out = {{0}};
  int64_t count = type_count(y_type);
  for (int64_t i = 0; i < count; i++, reference_next(&out, y_type)) {
    int64_t place = window_largest(&node->attr.window, &node->src[0]->type, e->src[0], &out);
    if (place >= 0) e->y[place].real += e->src[2][i].real;
  }
}

/* ---- by number ------------------------------------------------------------------------------------------ */

/* Numbers in one slice along axis 0, or from axis `first` on. */
static int64_t slice_count(const Type *type, int first) {
  int64_t count = 1;
  for (int axis = first; axis < type->rank; axis++) count *= type_size(type, axis);
  return count;
}

void reference_gather(const Evaluation *e) {
  const Node *node = e->node;
  const Type *x_type = &node->src[0]->type;
  int64_t ids = type_count(&node->src[1]->type), width = slice_count(x_type, 1);
  for (int64_t i = 0; i < ids; i++) {
    int64_t id = e->src[1][i].whole;
    if (id < 0 || id >= type_size(x_type, 0)) continue; // the row stays zero
    for (int64_t j = 0; j < width; j++) e->y[i * width + j] = e->src[0][id * width + j];
  }
}

void reference_scatter_add(const Evaluation *e) {
  const Node *node = e->node;
  int64_t ids = type_count(&node->src[0]->type), width = slice_count(&node->type, 1);
  for (int64_t i = 0; i < ids; i++) {
    int64_t id = e->src[0][i].whole;
    if (id < 0 || id >= type_size(&node->type, 0)) continue; // added nowhere
    for (int64_t j = 0; j < width; j++)
      e->y[id * width + j] = add(e->y[id * width + j], e->src[1][i * width + j], node->type.dtype);
  }
}

static bool is_below(Number a, Number b, DType dtype) {
  if (!dtype_is_float(dtype)) return a.whole < b.whole;
  return isnan(b.real) ? !isnan(a.real) : a.real < b.real;
}

void reference_scatter_max(const Evaluation *e) {
  const Node *node = e->node;
  DType dtype = node->type.dtype;
  int64_t ids = type_count(&node->src[0]->type), width = slice_count(&node->type, 1);
  Number least = {.whole = dtype == DTYPE_I64 ? INT64_MIN : dtype == DTYPE_I32 ? INT32_MIN : 0};
  if (dtype_is_float(dtype)) least.real = -INFINITY;
  for (int64_t i = 0; i < type_count(&node->type); i++) e->y[i] = least;
  for (int64_t i = 0; i < ids; i++) {
    int64_t id = e->src[0][i].whole;
    if (id < 0 || id >= type_size(&node->type, 0)) continue;
    for (int64_t j = 0; j < width; j++)
      if (is_below(e->y[id * width + j], e->src[1][i * width + j], dtype))
        e->y[id * width + j] = e->src[1][i * width + j];
  }
}

void reference_put(const Evaluation *e) {
  const Node *node = e->node;
  int64_t ids = type_count(&node->src[1]->type), width = slice_count(&node->type, 1);
  for (int64_t i = 0; i < type_count(&node->type); i++) e->y[i] = e->src[0][i];
  for (int64_t i = 0; i < ids; i++) {
    int64_t id = e->src[1][i].whole;
    if (id < 0 || id >= type_size(&node->type, 0)) continue;
    for (int64_t j = 0; j < width; j++) e->y[id * width + j] = e->src[2][i * width + j];
  }
}

/* The position of an element is the number of those that come before it. */
void reference_order(const Evaluation *e) {
  const Type *type = &e->node->src[0]->type;
  int64_t row = type_size(type, type->rank - 1), wanted = type_size(&e->node->type, type->rank - 1);
  bool largest = e->node->attr.flag[0];
  for (int64_t i = 0; i < type_count(type); i++) {
    int64_t start = i / row * row, before = 0;
    for (int64_t j = start; j < start + row; j++) {
      Number a = e->src[0][largest ? i : j], b = e->src[0][largest ? j : i];
      bool equal = !is_below(a, b, type->dtype) && !is_below(b, a, type->dtype);
      before += equal ? j < i : is_below(a, b, type->dtype);
    }
    if (before < wanted) e->y[i / row * wanted + before].whole = i - start;
  }
}

void reference_cumsum(const Evaluation *e) {
  const Type *type = &e->node->type;
  int64_t row = type_size(type, type->rank - 1), count = type_count(type);
  for (int64_t i = 0; i < count; i++)
    e->y[i] = i % row == 0 ? e->src[0][i] : add(e->y[i - 1], e->src[0][i], type->dtype);
}
