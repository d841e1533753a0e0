/* Graphs as text: one node a line, `%12 = add %3, %7 : f32[B, 10]`, then the place that asked for it.
 *
 * The text is stable: it depends on the graph alone. Constants, also spread over a shape, stand where they are
 * used and have no line of their own, so numbers of nodes have gaps. A table says which attributes an op shows. */
#include "graph/control.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PLACE_COLUMN 64 // where the places of nodes begin

enum { // members of Attr that are shown
  SHOW_AXIS = 1 << 0,
  SHOW_AXES = 1 << 1,
  SHOW_START = 1 << 2,
  SHOW_STEP = 1 << 3,
  SHOW_LENGTHS = 1 << 4, // front and back of a pad, and what fills them
  SHOW_EXTENT = 1 << 5,
  SHOW_SITE = 1 << 6,
  SHOW_VARIABLE = 1 << 7,
  SHOW_FLAGS = 1 << 8,
  SHOW_WINDOW = 1 << 9,
  SHOW_SIZE = 1 << 10, // of a pool's window
  SHOW_SCAN = 1 << 11,
  SHOW_WHOLE = 1 << 12,
};

static const int shown[OP_COUNT] = {
    [OP_EXTENT] = SHOW_EXTENT,
    [OP_INDEX] = SHOW_AXIS,
    [OP_RANDOM] = SHOW_SITE,
    [OP_READ] = SHOW_VARIABLE,
    [OP_REDUCE_SUM] = SHOW_AXES,
    [OP_REDUCE_MAX] = SHOW_AXES,
    [OP_REDUCE_MIN] = SHOW_AXES,
    [OP_PERMUTE] = SHOW_AXES,
    [OP_SLICE] = SHOW_AXIS | SHOW_START | SHOW_STEP,
    [OP_FLIP] = SHOW_AXIS,
    [OP_PAD] = SHOW_AXIS | SHOW_LENGTHS,
    [OP_CONCAT] = SHOW_AXIS,
    [OP_SCAN] = SHOW_SCAN,
    [OP_RESULT] = SHOW_WHOLE,
    [OP_MATMUL] = SHOW_FLAGS,
    [OP_ORDER] = SHOW_FLAGS,
    [OP_SOLVE] = SHOW_FLAGS | SHOW_STEP,
    [OP_DET] = SHOW_FLAGS,
    [OP_FFT] = SHOW_FLAGS,
    [OP_CONV2D] = SHOW_WINDOW,
    [OP_CONV2D_GRAD_INPUT] = SHOW_WINDOW,
    [OP_CONV2D_GRAD_KERNEL] = SHOW_WINDOW,
    [OP_POOL_MAX] = SHOW_WINDOW | SHOW_SIZE,
    [OP_POOL_MAX_GRAD] = SHOW_WINDOW | SHOW_SIZE,
};

/* The shortest decimal that reads back as the same number. */
static void print_number(double number, DType dtype, Text *out) {
  char digits[40] = "";
  if (isnan(number) || isinf(number)) {
    text_add(out, isnan(number) ? "nan" : number < 0 ? "-inf" : "inf");
    return;
  }
  for (int precision = 1; precision <= 17; precision++) {
    snprintf(digits, sizeof digits, "%.*g", precision, number);
    double back = strtod(digits, NULL);
    if (back == number || (dtype == DTYPE_F32 && (float)back == (float)number)) break;
  }
  text_add(out, digits);
}

static void print_constant(const Node *node, Text *out) {
  if (dtype_is_float(node->type.dtype))
    print_number(node->attr.number, node->type.dtype, out);
  else if (node->type.dtype == DTYPE_BOOL)
    text_add(out, node->attr.whole ? "true" : "false");
  else
    text_printf(out, "%lld", (long long)node->attr.whole);
}

static void print_list(const char *name, const int *number, int count, Text *out) {
  text_printf(out, " %s=[", name);
  for (int i = 0; i < count; i++) text_printf(out, i ? ", %d" : "%d", number[i]);
  text_add(out, "]");
}

static void print_dim(const char *name, const Dim *dim, Text *out) {
  text_printf(out, " %s=", name);
  dim_print(dim, out);
}

/* What differs from a plain window: stride and dilation 1, no padding, one group. */
static void print_window(const Window *window, bool size, Text *out) {
  if (size) print_list("size", window->size, 2, out);
  if (window->stride[0] != 1 || window->stride[1] != 1) print_list("stride", window->stride, 2, out);
  if (window->front[0] || window->front[1]) print_list("front", window->front, 2, out);
  if (window->back[0] || window->back[1]) print_list("back", window->back, 2, out);
  if (window->dilation[0] != 1 || window->dilation[1] != 1) print_list("dilation", window->dilation, 2, out);
  if (window->groups != 1) text_printf(out, " groups=%d", window->groups);
}

static void print_attr(const Node *node, Text *out) {
  const Attr *attr = &node->attr;
  int show = shown[node->op];
  if (show & SHOW_EXTENT) text_add(out, " "), dim_print(attr->dim[0], out);
  if (show & SHOW_VARIABLE) text_printf(out, " %s", attr->variable->path);
  if (show & SHOW_SITE) text_printf(out, " site=%016llx", (unsigned long long)attr->site);
  if (show & SHOW_AXIS) text_printf(out, " axis=%d", attr->axis[0]);
  if (show & SHOW_AXES) print_list(node->op == OP_PERMUTE ? "order" : "axes", attr->axis, attr->axes, out);
  if (show & SHOW_START) print_dim("start", attr->dim[0], out);
  if (show & SHOW_STEP && attr->whole != 1) text_printf(out, " step=%lld", (long long)attr->whole);
  if (show & SHOW_LENGTHS) {
    print_dim("front", attr->dim[0], out);
    print_dim("back", attr->dim[1], out);
    text_add(out, " fill=");
    print_number(attr->number, node->type.dtype, out);
  }
  if (show & SHOW_FLAGS && (attr->flag[0] || attr->flag[1]))
    text_printf(out, " transposed=%s", !attr->flag[1] ? "[0]" : attr->flag[0] ? "[0, 1]" : "[1]");
  if (show & SHOW_SCAN) {
    text_printf(out, " carries=%d stepped=%d", scan_carries(node), scan_stepped(node));
    print_dim("steps", attr->dim[0], out);
    if (scan_until(node)) text_add(out, " until");
    if (scan_reverse(node)) text_add(out, " reverse");
    if (scan_remat(node)) text_add(out, " remat");
  }
  if (show & SHOW_WHOLE) text_printf(out, " %lld", (long long)attr->whole);
  if (show & SHOW_WINDOW) print_window(&attr->window, show & SHOW_SIZE, out);
}

static void print_place(const Node *node, Text *out) {
  const Source *source = source_by_id(node->span.source);
  if (!source && !node->layer) return;
  text_pad(out, PLACE_COLUMN);
  text_add(out, "  #");
  if (source) {
    int line, column;
    const char *slash = strrchr(source->path, '/');
    source_place(source, node->span.start, &line, &column);
    text_printf(out, " %s:%d", slash ? slash + 1 : source->path, line);
  }
  if (node->layer) text_printf(out, " %s", node->layer);
}

static void print_source(Node *const *constant, const Node *node, Text *out) {
  if (constant[node->id])
    print_constant(constant[node->id], out);
  else
    text_printf(out, "%%%d", node->id);
}

/* The body of a node, each line further in. */
static void print_body(const Graph *body, Text *out) {
  Text inner = {0};
  graph_print(body, &inner);
  text_indent(out, text_string(&inner));
  text_free(&inner);
}

static void print_node(Node *const *constant, const Node *node, Text *out) {
  text_printf(out, "%%%d = %s", node->id, op_table[node->op].name);
  for (int i = 0; i < node->nsrc; i++) {
    text_add(out, i ? ", " : " ");
    print_source(constant, node->src[i], out);
  }
  print_attr(node, out);
  text_printf(out, " : %s", dtype_name(node->type.dtype));
  type_print_shape(&node->type, out);
  print_place(node, out);
  text_add(out, "\n");
  for (int i = 0; i < 2 && node->attr.body[i]; i++) {
    if (node->op == OP_BRANCH) text_add(out, i ? "  else\n" : "  then\n");
    print_body(node->attr.body[i], out);
  }
}

void graph_print(const Graph *graph, Text *out) {
  Node **constant = memory_alloc((size_t)graph->nodes + 1, sizeof *constant); // that a node shows everywhere
  for (int i = 0; i < graph->nodes; i++) {
    Node *node = graph->node[i];
    if (node->op == OP_CONSTANT)
      constant[i] = node;
    else if (node->op == OP_RESHAPE || node->op == OP_EXPAND)
      constant[i] = constant[node->src[0]->id];
    if (!constant[i]) print_node(constant, node, out);
  }
  for (int i = 0; i < graph->outputs; i++) {
    const Output *output = &graph->output[i];
    if (output->kind == OUTPUT_VALUE)
      text_printf(out, "output %s = ", output->name);
    else
      text_printf(out, "assign %s = ", output->variable->path);
    print_source(constant, output->node, out);
    text_add(out, "\n");
  }
  memory_free(constant);
}
