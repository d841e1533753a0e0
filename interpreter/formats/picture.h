/* Pictures as PNG files. */
#ifndef INTERPRETER_FORMATS_PICTURE_H
#define INTERPRETER_FORMATS_PICTURE_H

#include "base/problem.h"

#include <stdbool.h>
#include <stdint.h>

/* Rows of pixels, each of `channels` numbers from 0 to 1: 1 grey, 3 colour, 4 colour and opacity. */
typedef struct {
  int64_t width, height;
  int channels;
  bool wide; // doubles, else floats
  const void *data;
} Picture;

/* Eight bits a channel; numbers outside 0..1 and NaN are taken for the nearest end, NaN for 0. false after a Problem. */
bool png_write(Problems *problems, const char *path, const Picture *picture);

#endif
