/* Patches of convolutions: copied into panels, or rows of the input padded so that patches overlap in them. */
#include "backends/cpu/patches.h"

#include <string.h>

/* One row of a patch: `kernel_width` pixels from column `x` of an image row on, zeros outside. */
static char *patch_row(const Conv *conv, char *to, const char *row, int64_t x, int64_t bytes,
                       int64_t pixel_bytes) {
  int64_t kw = conv->kernel_width, dilation = conv->dilation[1];
  if (dilation == 1 && bytes == pixel_bytes) {
    int64_t before = x < 0 ? -x : 0, end = conv->width - x < kw ? conv->width - x : kw;
    if (before >= end) {
      memset(to, 0, (size_t)(kw * bytes));
    } else {
      if (before > 0) memset(to, 0, (size_t)(before * bytes));
      memcpy(to + before * bytes, row + (x + before) * bytes, (size_t)((end - before) * bytes));
      if (end < kw) memset(to + end * bytes, 0, (size_t)((kw - end) * bytes));
    }
    return to + kw * bytes;
  }
  for (int64_t j = 0; j < kw; j++, x += dilation, to += bytes) {
    if (x >= 0 && x < conv->width)
      memcpy(to, row + x * pixel_bytes, (size_t)bytes);
    else
      memset(to, 0, (size_t)bytes);
  }
  return to;
}

static void pack_pixels(const Conv *conv, char *panel, const char *x, int64_t group, int64_t first,
                        int64_t count) {
  int64_t size = (int64_t)dtype_size(conv->dtype), pixel_bytes = conv->channels * size;
  int64_t bytes = pixel_bytes / conv->groups, out_pixels = conv->out_height * conv->out_width;
  for (int64_t p = first; p < first + count; p++) {
    int64_t row = p % out_pixels / conv->out_width, column = p % conv->out_width;
    const char *image = x + p / out_pixels * conv->height * conv->width * pixel_bytes + group * bytes;
    int64_t left = column * conv->stride[1] - conv->front[1];
    for (int64_t i = 0; i < conv->kernel_height; i++) {
      int64_t y = row * conv->stride[0] - conv->front[0] + i * conv->dilation[0];
      if (y >= 0 && y < conv->height) {
        panel = patch_row(conv, panel, image + y * conv->width * pixel_bytes, left, bytes, pixel_bytes);
      } else {
        memset(panel, 0, (size_t)(conv->kernel_width * bytes));
        panel += conv->kernel_width * bytes;
      }
    }
  }
}

/* One number of the patches of a run of pixels in one output row, which lie side by side. */
static void pack_run(const Cpu *cpu, const Conv *conv, char *to, const char *row, int64_t x, int64_t count) {
  int64_t size = (int64_t)dtype_size(conv->dtype), stride = conv->stride[1];
  int64_t before = x < 0 ? (-x + stride - 1) / stride : 0;
  int64_t end = x < conv->width ? (conv->width - 1 - x) / stride + 1 : 0;
  before = before < count ? before : count;
  end = end < before ? before : end < count ? end : count;
  memset(to, 0, (size_t)(before * size));
  if (stride * conv->channels == 1) {
    memcpy(to + before * size, row + (x + before) * size, (size_t)((end - before) * size));
    memset(to + end * size, 0, (size_t)((count - end) * size));
    return;
  }
  StripPlane dst = {to + before * size, 0, 1};
  StripPlane src = {(char *)row + (x + before * stride) * conv->channels * size, 0, stride * conv->channels};
  if (end > before) cpu->strips->copy[conv->dtype](dst, src, 1, end - before);
  memset(to + end * size, 0, (size_t)((count - end) * size));
}

static void pack_turned(const Cpu *cpu, const Conv *conv, char *panel, const char *x, int64_t group,
                        int64_t first, int64_t count) {
  int64_t size = (int64_t)dtype_size(conv->dtype), channels = conv->channels / conv->groups;
  int64_t row_bytes = conv->width * conv->channels * size;
  for (int64_t done = 0, run = 0; done < count; done += run) {
    int64_t pixel = first + done, column = pixel % conv->out_width, line = pixel / conv->out_width;
    run = conv->out_width - column < count - done ? conv->out_width - column : count - done;
    const char *image = x + line / conv->out_height * conv->height * row_bytes + group * channels * size;
    char *to = panel + done * size;
    for (int64_t i = 0; i < conv->kernel_height; i++) {
      int64_t y = line % conv->out_height * conv->stride[0] - conv->front[0] + i * conv->dilation[0];
      for (int64_t j = 0; j < conv->kernel_width; j++)
        for (int64_t c = 0; c < channels; c++, to += count * size) {
          int64_t left = column * conv->stride[1] - conv->front[1] + j * conv->dilation[1];
          if (y >= 0 && y < conv->height)
            pack_run(cpu, conv, to, image + y * row_bytes + c * size, left, run);
          else
            memset(to, 0, (size_t)(run * size));
        }
    }
  }
}

void patches_pack(const Cpu *cpu, const Conv *conv, char *panel, const char *x, int64_t group, int64_t first,
                  int64_t count) {
  if (conv->layout == LAYOUT_TURNED)
    pack_turned(cpu, conv, panel, x, group, first, count);
  else
    pack_pixels(conv, panel, x, group, first, count);
}

void patches_add(const Cpu *cpu, const Conv *conv, const char *panel, char *x, int64_t group, int64_t first,
                 int64_t count) {
  int64_t size = (int64_t)dtype_size(conv->dtype), pixel_bytes = conv->channels * size;
  int64_t channels = conv->channels / conv->groups, out_pixels = conv->out_height * conv->out_width;
  Strip *add = cpu->strips->map[OP_ADD][conv->dtype][STRIP_PLAIN];
  for (int64_t p = first; p < first + count; p++) {
    int64_t row = p % out_pixels / conv->out_width, column = p % conv->out_width;
    char *image = x + p / out_pixels * conv->height * conv->width * pixel_bytes + group * channels * size;
    for (int64_t i = 0; i < conv->kernel_height; i++)
      for (int64_t j = 0; j < conv->kernel_width; j++, panel += channels * size) {
        int64_t iy = row * conv->stride[0] - conv->front[0] + i * conv->dilation[0];
        int64_t ix = column * conv->stride[1] - conv->front[1] + j * conv->dilation[1];
        if (iy < 0 || iy >= conv->height || ix < 0 || ix >= conv->width) continue;
        char *to = image + (iy * conv->width + ix) * pixel_bytes;
        add(to, to, panel, NULL, channels);
      }
  }
}

void patches_rows(const Conv *conv, char *rows, const char *image, int64_t first, int64_t count) {
  int64_t pixel = conv->channels * (int64_t)dtype_size(conv->dtype), bytes = conv->row_width * pixel;
  int64_t lines = (count - 1) * conv->stride[0] + (conv->kernel_height - 1) * conv->dilation[0] + 1;
  int64_t y = first * conv->stride[0] - conv->front[0], before = conv->front[1] > 0 ? conv->front[1] : 0;
  int64_t skipped = conv->front[1] < 0 ? -conv->front[1] : 0;
  int64_t width =
      conv->width - skipped < conv->row_width - before ? conv->width - skipped : conv->row_width - before;
  width = width > 0 ? width : 0;
  before = before < conv->row_width ? before : conv->row_width;
  for (int64_t i = 0; i < lines; i++, y++, rows += bytes) {
    if (y < 0 || y >= conv->height) {
      memset(rows, 0, (size_t)bytes);
      continue;
    }
    memset(rows, 0, (size_t)(before * pixel));
    memcpy(rows + before * pixel, image + (y * conv->width + skipped) * pixel, (size_t)(width * pixel));
    memset(rows + (before + width) * pixel, 0, (size_t)(bytes - (before + width) * pixel));
  }
}
