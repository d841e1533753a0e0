/* Where the numbers of a convolution lie, and how patches of its input are laid out for products. */
#ifndef BACKENDS_CPU_PATCHES_H
#define BACKENDS_CPU_PATCHES_H

#include "backends/cpu/cpu.h"

typedef enum {
  LAYOUT_IN_PLACE, // a patch is one pixel: the input itself
  LAYOUT_PIXELS,   // panel [pixels, patch]
  LAYOUT_TURNED,   // panel [patch, pixels]: for few channels, as whole rows are copied
  LAYOUT_ROWS,     // input rows with their padding; patches overlap in them and are never copied
} PatchLayout;

typedef struct {
  int64_t batch, height, width, channels; // of what patches are taken from
  int64_t kernel_height, kernel_width, filters;
  int64_t out_height, out_width;
  int64_t stride[2], front[2], dilation[2], groups;
  int64_t patch;  // numbers of a patch of one group
  int64_t pixels; // batch * out_height * out_width
  int64_t block;  // pixels of a panel
  int parts;
  DType dtype;
  bool flipped; // grad_input by a flipped kernel
  bool own;     // products by the kernels of product.h
  PatchLayout layout;
  int64_t block_rows; // LAYOUT_ROWS: output rows of a block
  int64_t row_width;  // and the pixels of its padded input rows
} Conv;

/* Packs the patches of `count` output pixels from `first` on, of one group, as [pixels, patch] or turned. */
void patches_pack(const Cpu *cpu, const Conv *conv, char *panel, const char *x, int64_t group, int64_t first,
                  int64_t count);

/* Adds a panel [pixels, patch] back to where it would have been taken from. */
void patches_add(const Cpu *cpu, const Conv *conv, const char *panel, char *x, int64_t group, int64_t first,
                 int64_t count);

/* Copies the input rows that `count` output rows of one image need, with their padding; image row
 * `first * stride - front` comes first. */
void patches_rows(const Conv *conv, char *rows, const char *image, int64_t first, int64_t count);

#endif
