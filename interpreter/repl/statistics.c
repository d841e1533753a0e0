/* A tensor in one line: its mean and spread, how many zeros, and the shape of its distribution. */
#include "interpreter/repl/repl.h"

#include <math.h>
#include <string.h>

Statistics statistics_of(const Type *type, const void *data) {
  Statistics s = {.count = type_count(type), .least = INFINITY, .most = -INFINITY};
  double sum = 0, square = 0;
  for (int64_t i = 0; i < s.count; i++) {
    double x = number_at(type, data, i);
    s.zeros += x == 0;
    if (!isfinite(x)) {
      s.odd++;
      continue;
    }
    sum += x;
    if (x < s.least) s.least = x;
    if (x > s.most) s.most = x;
  }
  int64_t finite = s.count - s.odd;
  s.mean = finite ? sum / (double)finite : NAN;
  for (int64_t i = 0; i < s.count; i++) {
    double x = number_at(type, data, i);
    if (!isfinite(x)) continue;
    square += (x - s.mean) * (x - s.mean);
    double place = s.most > s.least ? (x - s.least) / (s.most - s.least) * BINS : 0;
    s.bin[place < BINS - 1 ? (int)place : BINS - 1]++;
  }
  s.deviation = finite ? sqrt(square / (double)finite) : NAN;
  return s;
}

void number_short(double x, Text *out) {
  char text[32];
  double size = fabs(x);
  if (x == 0 || (size >= 0.001 && size < 100000))
    snprintf(text, sizeof text, size < 1 ? "%.3f" : size < 10 ? "%.2f" : size < 100 ? "%.1f" : "%.0f", x);
  else
    snprintf(text, sizeof text, "%.1e", x);
  if (x == 0) snprintf(text, sizeof text, "0");
  text_add(out, text);
}

static void add_number(const char *name, double x, Text *out) {
  text_printf(out, "%s ", name);
  size_t start = out->length;
  number_short(x, out);
  while (out->length < start + 8) text_add(out, " ");
}

void statistics_write(const Statistics *s, Text *out) {
  static const char *const block[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  if (s->count == 0) {
    text_add(out, "empty");
    return;
  }
  if (s->odd < s->count) {
    add_number("mean", s->mean, out);
    add_number(" std", s->deviation, out);
    add_number(" min", s->least, out);
    add_number(" max", s->most, out);
    int64_t most = 1;
    for (int i = 0; i < BINS; i++) most = s->bin[i] > most ? s->bin[i] : most;
    text_add(out, " ");
    for (int i = 0; i < BINS; i++)
      text_add(out, block[s->bin[i] ? 1 + (int)(7 * (double)s->bin[i] / (double)most + 0.5) : 0]);
    text_printf(out, "  0: %.0f%%", 100 * (double)s->zeros / (double)s->count);
  }
  if (s->odd)
    text_printf(out, "  ← %lld of %lld are not finite", (long long)s->odd, (long long)s->count);
  else if (s->zeros == s->count && s->count > 1)
    text_add(out, "  ← every value is zero");
}
