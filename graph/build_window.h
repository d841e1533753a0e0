/* Windows over one, two or three dims, of tensors [batch, places…, channels], made of the rows for images.
 *
 * One dim is an image of one row. Of three dims the first is taken apart: a convolution is the sum over the planes
 * of its kernel, a largest is taken in planes and then across them. */
#ifndef GRAPH_BUILD_WINDOW_H
#define GRAPH_BUILD_WINDOW_H

#include "graph/build.h"

#define WINDOW_DIMS 3

typedef struct {
  int dims; // 1 to 3; the members of as many are used
  int size[WINDOW_DIMS], stride[WINDOW_DIMS], dilation[WINDOW_DIMS], front[WINDOW_DIMS], back[WINDOW_DIMS];
  int groups;
} WindowShape;

/* x [b, places…, c], k [size…, c / groups, f]. */
Node *build_conv(Node *x, Node *k, const WindowShape *shape);
/* The gradient of a convolution to its input, as a layer: x [b, places…, f], k [size…, c / groups, f] give
 * [b, out…, c]. */
Node *build_conv_transpose(Node *x, Node *k, const WindowShape *shape, const Dim *const *out);
Node *build_window_max(Node *x, const WindowShape *shape);
Node *build_window_mean(Node *x, const WindowShape *shape); // of the cells that are there, not of padding
/* An axis with another number of places: the nearest old one below (i * old // new), or between two of them, with
 * places in the middle of their cells. */
Node *build_resize(Node *x, int axis, const Dim *size, bool smooth);
Node *build_repeat(Node *x, int axis, const Dim *count); // each slice so many times

#endif
