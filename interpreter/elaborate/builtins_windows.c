/* Built-in functions of windows: convolutions, pools, other sizes. Tensors are [B, T, C], [B, H, W, C] or
 * [B, D, H, W, C]; settings are one number for all dims, or a list with one for each. */
#include "graph/build_window.h"
#include "interpreter/elaborate/elaborate.h"
#include "lang/problems.h"

#include <string.h>

#define CALL(name)                                                                                           \
  static const Value *name(Elaborator *e, const Ast *at, const Argument *slot, const Argument *rest,         \
                           int rests)
#define UNUSED ((void)at, (void)slot, (void)rest, (void)rests)

#define LARGEST 65536

static const char *const tensor_words[] = {"", "a row [B, T, C]", "images [B, H, W, C]",
                                           "volumes [B, D, H, W, C]"};
static const char *const kernel_words[] = {"", "a kernel [size, in, out]", "a kernel [h, w, in, out]",
                                           "a kernel [d, h, w, in, out]"};

typedef enum { READ_BAD, READ_OPEN, READ_DONE } Read; // OPEN: a setting is a symbol of the generic check

/* A setting of a number for each dim. */
static Read read_numbers(Elaborator *e, const Ast *at, const Argument *slot, int dims, int *out) {
  const Value *value = slot->value;
  for (int d = 0; d < dims && value; d++) {
    const Value *one = value;
    int64_t number;
    if (value->kind == VALUE_LIST && value->u.items.count == dims) one = value->u.items.item[d];
    if (one->kind == VALUE_INT && !dim_is_number(one->u.dim, &number)) return READ_OPEN;
    if (one->kind != VALUE_INT || number < 1 || number > LARGEST) {
      slot_error(e, at, slot,
                 dims == 1 ? "a whole number from 1 up"
                           : "a whole number from 1 up, or a list with one for each dim");
      return READ_BAD;
    }
    out[d] = (int)number;
  }
  return READ_DONE;
}

static bool pad_pair(const Value *value, int64_t *front, int64_t *back) {
  if (value->kind == VALUE_INT && dim_is_number(value->u.dim, front)) {
    *back = *front;
    return true;
  }
  if (value->kind != VALUE_LIST || value->u.items.count != 2) return false;
  const Value *a = value->u.items.item[0], *b = value->u.items.item[1];
  return a->kind == VALUE_INT && b->kind == VALUE_INT && dim_is_number(a->u.dim, front) &&
         dim_is_number(b->u.dim, back);
}

/* Cells before and after each dim: "same" pads (size - 1) // 2 in front and the rest behind, "causal" all in front.
 * *word: what was said, NULL for numbers. */
static Read read_pad(Elaborator *e, const Ast *at, const Argument *slot, const char *fallback,
                     WindowShape *shape, const char **word) {
  const Value *pad = slot->value;
  *word = !pad ? fallback : pad->kind == VALUE_STRING ? pad->u.string.bytes : NULL;
  if (pad && pad->kind == VALUE_STRING && !pad->known) return READ_OPEN;
  bool each = pad && pad->kind == VALUE_LIST && pad->u.items.count == shape->dims &&
              pad->u.items.item[0]->kind == VALUE_LIST;
  for (int d = 0; d < shape->dims; d++) {
    int64_t reach = (int64_t)shape->dilation[d] * (shape->size[d] - 1), front = 0, back = 0;
    if (*word && !strcmp(*word, "same"))
      front = reach / 2, back = reach - reach / 2;
    else if (*word && !strcmp(*word, "causal"))
      front = reach;
    else if (*word ? strcmp(*word, "valid") : !pad_pair(each ? pad->u.items.item[d] : pad, &front, &back)) {
      if (pad->kind == VALUE_INT) return READ_OPEN;
      slot_error(e, at, slot, "\"same\", \"valid\", \"causal\", a number or [front, back]");
      return READ_BAD;
    }
    if (front < 0 || back < 0 || front > LARGEST || back > LARGEST) {
      slot_error(e, at, slot, "a padding from 0 to 65536");
      return READ_BAD;
    }
    shape->front[d] = (int)front, shape->back[d] = (int)back;
  }
  return READ_DONE;
}

/* x with places and channels left open, for the generic check; UNKNOWN elsewhere. */
static const Value *open_result(Elaborator *e, const Node *x, const Dim *channels) {
  static const char *const names[] = {"D'", "H'", "W'"};
  if (!e->generic) return value_unknown();
  Type type = x->type;
  type.bound = NULL;
  for (int i = 1; i < type.rank - 1; i++) {
    type.size[i] = dim_symbol(name_of(type.rank == 3 ? "T'" : names[i - 1 + 5 - type.rank]));
    type.name[i] = NULL;
  }
  type.size[type.rank - 1] = channels, type.name[type.rank - 1] = NULL;
  return value_tensor(e, unknown_tensor(e, &type));
}

static bool too_small(Elaborator *e, const Ast *at, const Node *x, const WindowShape *shape) {
  int64_t size[WINDOW_DIMS];
  bool bad = false, known;
  for (int d = 0; d < shape->dims; d++) {
    size[d] = (int64_t)shape->dilation[d] * (shape->size[d] - 1) + 1 - shape->front[d] - shape->back[d];
    bad = bad || (dim_compare(x->type.size[1 + d], dim_of(size[d]), &known) < 0 && known);
  }
  if (!bad) return false;
  Text text = {0}, window = {0};
  type_print(&x->type, &text);
  for (int d = 0; d < shape->dims; d++) text_printf(&window, "%s%lld", d ? "x" : "", (long long)size[d]);
  problem_window(e->problems, at->at.source ? at->at : at->span, text_string(&text), text_string(&window));
  text_free(&text);
  text_free(&window);
  return true;
}

static const Value *channels_error(Elaborator *e, const Ast *at, const Node *x, const Node *k, int groups) {
  Text a = {0}, b = {0};
  type_print(&x->type, &a);
  type_print(&k->type, &b);
  problem_channels(e->problems, at->at.source ? at->at : at->span, text_string(&a), text_string(&b), groups);
  text_free(&a);
  text_free(&b);
  return value_unknown();
}

static bool differ(const Dim *a, const Dim *b) {
  bool known;
  return a != b && dim_compare(a, b, &known) != 0 && known;
}

// ---- convolutions ---------------------------------------------------------------------------------------------

/* The settings stride, pad, groups, dilation from slot 2 on, and the size of the kernel. */
static Read read_conv(Elaborator *e, const Ast *at, const Argument *slot, const Node *k, int dims,
                      WindowShape *shape, const char **word) {
  *shape = (WindowShape){.dims = dims, .groups = 1, .stride = {1, 1, 1}, .dilation = {1, 1, 1}};
  Read read = read_numbers(e, at, &slot[2], dims, shape->stride);
  if (read == READ_DONE) read = read_numbers(e, at, &slot[4], 1, &shape->groups);
  if (read == READ_DONE) read = read_numbers(e, at, &slot[5], dims, shape->dilation);
  for (int d = 0; d < dims && read == READ_DONE; d++) {
    int64_t size;
    if (!dim_is_number(k->type.size[d], &size)) return READ_OPEN;
    if (size < 1 || size > LARGEST) return slot_error(e, at, &slot[1], kernel_words[dims]), READ_BAD;
    shape->size[d] = (int)size;
  }
  return read == READ_DONE ? read_pad(e, at, &slot[3], "same", shape, word) : read;
}

static const Value *conv(Elaborator *e, const Ast *at, const Argument *slot, int dims) {
  Node *x = slot_float(e, at, &slot[0]), *k = slot_float(e, at, &slot[1]);
  WindowShape shape;
  const char *word;
  if (!x || !k) return value_unknown();
  if (x->type.rank != dims + 2) return slot_error(e, at, &slot[0], tensor_words[dims]);
  if (k->type.rank != dims + 2) return slot_error(e, at, &slot[1], kernel_words[dims]);
  const Dim *inputs = x->type.size[dims + 1], *outputs = k->type.size[dims + 1];
  Read read = read_conv(e, at, slot, k, dims, &shape, &word);
  if (read != READ_DONE) return read == READ_OPEN ? open_result(e, x, outputs) : value_unknown();
  const Dim *want = dim_mul(k->type.size[dims], dim_of(shape.groups));
  if (want != inputs) {
    if (!e->generic || differ(want, inputs)) return channels_error(e, at, x, k, shape.groups);
    return open_result(e, x, outputs);
  }
  int64_t filters;
  if (dim_is_number(outputs, &filters) && filters % shape.groups != 0)
    return slot_error(e, at, &slot[4], "a number of groups that divides the filters");
  if (too_small(e, at, x, &shape)) return value_unknown();
  return value_tensor(e, build_conv(x, build_cast(k, x->type.dtype), &shape));
}

CALL(conv1d) {
  UNUSED;
  return conv(e, at, slot, 1);
}
CALL(conv2d) {
  UNUSED;
  return conv(e, at, slot, 2);
}
CALL(conv3d) {
  UNUSED;
  return conv(e, at, slot, 3);
}

/* With a word as padding, stride times as many places as before, but "valid" keeps all that the kernel reaches. */
static const Dim *transposed_size(const WindowShape *shape, int d, const char *word, const Dim *size) {
  int64_t reach = (int64_t)shape->dilation[d] * (shape->size[d] - 1);
  const Dim *stride = dim_of(shape->stride[d]);
  if (word && strcmp(word, "valid")) return dim_mul(size, stride);
  return dim_add(dim_mul(dim_sub(size, dim_of(1)), stride),
                 dim_of(reach + 1 - shape->front[d] - shape->back[d]));
}

CALL(conv_transpose) {
  UNUSED;
  Node *x = slot_float(e, at, &slot[0]), *k = slot_float(e, at, &slot[1]);
  WindowShape shape;
  const char *word;
  if (!x || !k) return value_unknown();
  int dims = x->type.rank - 2;
  if (dims < 1 || dims > WINDOW_DIMS)
    return slot_error(e, at, &slot[0], "a tensor [B, T, C], [B, H, W, C] or [B, D, H, W, C]");
  if (k->type.rank != dims + 2)
    return slot_error(e, at, &slot[1], "a kernel [size…, out, in], with a size for each dim");
  const Dim *inputs = x->type.size[dims + 1], *outputs = k->type.size[dims];
  Read read = read_conv(e, at, slot, k, dims, &shape, &word);
  if (read != READ_DONE)
    return read == READ_OPEN ? open_result(e, x, slot[4].value ? dim_symbol(name_of("C'")) : outputs)
                             : value_unknown();
  if (k->type.size[dims + 1] != inputs) {
    if (!e->generic || differ(k->type.size[dims + 1], inputs))
      return inputs_error(e, at, "conv_transpose", x, k,
                          "the last dim of the kernel must be the last dim of x",
                          "a kernel is [size…, out, in]: the other way round than for conv2d");
    return open_result(e, x, dim_mul(outputs, dim_of(shape.groups)));
  }
  int64_t channels;
  if (dim_is_number(inputs, &channels) && channels % shape.groups != 0)
    return channels_error(e, at, x, k, shape.groups);
  const Dim *out[WINDOW_DIMS];
  bool known;
  for (int d = 0; d < dims; d++) {
    out[d] = transposed_size(&shape, d, word, x->type.size[1 + d]);
    if (dim_compare(out[d], dim_of(1), &known) < 0 && known)
      return slot_error(e, at, &slot[3], "a padding that leaves something of the result");
  }
  return value_tensor(e, build_conv_transpose(x, build_cast(k, x->type.dtype), &shape, out));
}

// ---- pools ----------------------------------------------------------------------------------------------------

static const Value *pool(Elaborator *e, const Ast *at, const Argument *slot, bool largest) {
  Node *x = slot_float(e, at, &slot[0]);
  if (!x) return value_unknown();
  int dims = x->type.rank - 2;
  const char *word;
  if (dims < 1 || dims > WINDOW_DIMS)
    return slot_error(e, at, &slot[0], "a tensor [B, T, C], [B, H, W, C] or [B, D, H, W, C]");
  WindowShape shape = {.dims = dims, .groups = 1, .size = {2, 2, 2}, .dilation = {1, 1, 1}};
  Read read = read_numbers(e, at, &slot[1], dims, shape.size);
  memcpy(shape.stride, shape.size, sizeof shape.stride);
  if (read == READ_DONE) read = read_numbers(e, at, &slot[2], dims, shape.stride);
  if (read == READ_DONE) read = read_pad(e, at, &slot[3], "valid", &shape, &word);
  if (read == READ_OPEN) return open_result(e, x, x->type.size[dims + 1]);
  if (read == READ_BAD || too_small(e, at, x, &shape)) return value_unknown();
  return value_tensor(e, largest ? build_window_max(x, &shape) : build_window_mean(x, &shape));
}

CALL(max_pool) {
  UNUSED;
  return pool(e, at, slot, true);
}
CALL(avg_pool) {
  UNUSED;
  return pool(e, at, slot, false);
}

CALL(resize) {
  UNUSED;
  Node *x = slot_float(e, at, &slot[0]);
  int rank;
  const Dim *size[MAX_RANK];
  if (!x || !slot_shape(e, at, &slot[1], &rank, size)) return value_unknown();
  const Value *mode = slot[2].value;
  bool smooth = mode && mode->kind == VALUE_STRING && !strcmp(mode->u.string.bytes, "bilinear");
  if (mode && !smooth && (mode->kind != VALUE_STRING || strcmp(mode->u.string.bytes, "nearest")) &&
      !(e->generic && !mode->known))
    return slot_error(e, at, &slot[2], "\"nearest\" or \"bilinear\"");
  if (rank < 1 || x->type.rank != rank + 2)
    return slot_error(e, at, &slot[1], "a size for each dim between the batch and the channels: [32, 32]");
  bool known;
  for (int i = 0; i < rank; i++)
    if ((dim_compare(size[i], dim_of(1), &known) < 0 && known) ||
        (dim_compare(x->type.size[1 + i], dim_of(1), &known) < 0 && known))
      return slot_error(e, at, &slot[1], "sizes from 1 up");
  for (int i = 0; i < rank; i++) x = build_resize(x, 1 + i, size[i], smooth);
  return value_tensor(e, x);
}

static const Builtin rows[] = {
    {"conv1d", "x k stride? pad? groups? dilation?", conv1d,
     "convolution of rows [B, T, C] with kernels [size, C / groups, filters]; pad=\"causal\" looks back "
     "only"},
    {"conv2d", "x k stride? pad? groups? dilation?", conv2d,
     "convolution of images [B, H, W, C] with kernels [h, w, C / groups, filters]"},
    {"conv3d", "x k stride? pad? groups? dilation?", conv3d,
     "convolution of volumes [B, D, H, W, C] with kernels [d, h, w, C / groups, filters]"},
    {"conv_transpose", "x k stride? pad? groups? dilation?", conv_transpose,
     "stride times as many places, with kernels [size…, out / groups, C]; of 1, 2 or 3 dims"},
    {"max_pool", "x size stride? pad?", max_pool, "largest of each window, of 1, 2 or 3 dims"},
    {"avg_pool", "x size stride? pad?", avg_pool, "mean of each window, padding left out; of 1, 2 or 3 dims"},
    {"resize", "x size mode?", resize, "other numbers of places: \"nearest\" or \"bilinear\""},
};
const BuiltinTable builtins_windows = {rows, (int)(sizeof(rows) / sizeof(*rows))};
