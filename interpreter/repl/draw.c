/* Pictures made of signs: lines in braille, bars in blocks. */
#include "interpreter/repl/repl.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define AXIS 10 // columns left of a plot

typedef struct {
  int width, height; // in cells of 2 by 4 dots
  unsigned char *dots, *owner;
} Canvas;

static void dot(Canvas *c, int x, int y, int series) {
  static const unsigned char bit[4][2] = {{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};
  if (x < 0 || y < 0 || x >= 2 * c->width || y >= 4 * c->height) return;
  int cell = y / 4 * c->width + x / 2;
  c->dots[cell] |= bit[y % 4][x % 2];
  c->owner[cell] = (unsigned char)(series + 1);
}

static void line(Canvas *c, int x0, int y0, int x1, int y1, int series) {
  int across = abs(x1 - x0), down = abs(y1 - y0), steps = across > down ? across : down;
  for (int i = 0; i <= steps; i++) {
    double t = steps ? (double)i / steps : 0;
    dot(c, x0 + (int)lround(t * (x1 - x0)), y0 + (int)lround(t * (y1 - y0)), series);
  }
}

static void braille(Text *out, unsigned char dots) {
  char sign[4] = {(char)0xe2, (char)(0xa0 | dots >> 6), (char)(0x80 | (dots & 0x3f)), 0};
  text_add(out, dots ? sign : " ");
}

static void limits(const double *const *series, const int64_t *count, int number, double *least,
                   double *most) {
  *least = INFINITY;
  *most = -INFINITY;
  for (int s = 0; s < number; s++)
    for (int64_t i = 0; i < count[s]; i++) {
      if (!isfinite(series[s][i])) continue;
      *least = fmin(*least, series[s][i]);
      *most = fmax(*most, series[s][i]);
    }
  if (*least > *most) *least = *most = 0;
  if (*least == *most) *least -= 1, *most += 1;
}

static void trace(Canvas *c, const double *y, int64_t count, double least, double most, int series) {
  int before_x = 0, before_y = -1;
  for (int64_t i = 0; i < count; i++) {
    if (!isfinite(y[i])) {
      before_y = -1;
      continue;
    }
    int x = count > 1 ? (int)lround((double)i / (double)(count - 1) * (2 * c->width - 1)) : c->width;
    int at = (int)lround((most - y[i]) / (most - least) * (4 * c->height - 1));
    if (before_y >= 0)
      line(c, before_x, before_y, x, at, series);
    else
      dot(c, x, at, series);
    before_x = x;
    before_y = at;
  }
}

void draw_lines(Text *out, const double *const *series, const int64_t *count, int number, int width,
                int height, bool colour) {
  static const int palette[] = {36, 33, 35, 32, 31, 34};
  Arena *arena = arena_new(0);
  Canvas c = {.width = width > AXIS + 10 ? width - AXIS : 10, .height = height};
  c.dots = ARENA_ARRAY(arena, unsigned char, c.width *c.height);
  c.owner = ARENA_ARRAY(arena, unsigned char, c.width *c.height);
  double least, most;
  limits(series, count, number, &least, &most);
  for (int s = 0; s < number; s++) trace(&c, series[s], count[s], least, most, s);
  for (int row = 0; row < height; row++) {
    Text label = {0};
    if (row == 0 || row == height - 1) number_short(row ? least : most, &label);
    text_printf(out, "%*s │", AXIS - 2, text_string(&label));
    text_free(&label);
    int used = c.width;
    while (used > 0 && !c.dots[row * c.width + used - 1]) used--;
    for (int x = 0; x < used; x++) {
      int cell = row * c.width + x;
      if (colour && c.dots[cell]) text_printf(out, "\033[%dm", palette[(c.owner[cell] - 1) % 6]);
      braille(out, c.dots[cell]);
      if (colour && c.dots[cell]) text_add(out, "\033[0m");
    }
    text_add(out, "\n");
  }
  arena_free(arena);
}

void draw_histogram(Text *out, const double *value, int64_t count, int bins, int width) {
  static const char *const eighth[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  double least, most;
  limits(&value, &count, 1, &least, &most);
  bool same = true;
  for (int64_t i = 0; i < count; i++) same = same && (value[i] == value[0] || !isfinite(value[i]));
  if (same) bins = 1, least = count ? value[0] : 0;
  int64_t *bin = memory_alloc((size_t)bins, sizeof *bin), tallest = 1;
  for (int64_t i = 0; i < count; i++) {
    if (!isfinite(value[i])) continue;
    int at = (int)((value[i] - least) / (most - least) * bins);
    at = at < bins ? at : bins - 1;
    if (++bin[at] > tallest) tallest = bin[at];
  }
  for (int i = 0; i < bins; i++) {
    Text label = {0};
    number_short(least + (most - least) * i / bins, &label);
    text_printf(out, "%8s │", text_string(&label));
    text_free(&label);
    int parts = (int)((double)bin[i] / (double)tallest * (width > 40 ? width - 24 : 16) * 8 + 0.5);
    if (bin[i] && parts == 0) parts = 1;
    for (int k = 0; k < parts / 8; k++) text_add(out, "█");
    text_printf(out, "%s %lld\n", eighth[parts % 8], (long long)bin[i]);
  }
  memory_free(bin);
}
