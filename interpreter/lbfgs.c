/* Two loops for the direction, a line search for the length (Nocedal and Wright: Numerical Optimization, 2006,
 * algorithms 7.4, 3.5 and 3.6). Vectors are all weights one after the other, in double. */
#include "interpreter/lbfgs.h"

#include <math.h>
#include <string.h>

#define FALL        1e-4 // the loss falls by at least this share of what the slope promises …
#define FLATTEN     0.9  // … and the slope flattens to this share of what it was
#define EVALUATIONS 25

static void weights_read_all(const Search *search, double *out) {
  for (int i = 0; i < search->parts; i++) {
    const Variable *weight = search->part[i].weight;
    int64_t count = type_count(&weight->type);
    for (int64_t k = 0; k < count; k++)
      *out++ = weight->type.dtype == DTYPE_F32 ? (double)((const float *)weight->data)[k]
                                               : ((const double *)weight->data)[k];
  }
}

/* Weights = from + length * direction. */
static void weights_move(const Search *search, const double *from, double length, const double *direction) {
  for (int i = 0; i < search->parts; i++) {
    Variable *weight = search->part[i].weight;
    int64_t count = type_count(&weight->type);
    for (int64_t k = 0; k < count; k++, from++, direction++) {
      double moved = *from + length * *direction;
      if (weight->type.dtype == DTYPE_F32)
        ((float *)weight->data)[k] = (float)moved;
      else
        ((double *)weight->data)[k] = moved;
    }
  }
}

static void gradient_read(const Search *search, double *out) {
  for (int i = 0; i < search->parts; i++) {
    const Variable *gradient = search->part[i].gradient;
    int64_t count = type_count(&gradient->type);
    for (int64_t k = 0; k < count; k++)
      *out++ = gradient->type.dtype == DTYPE_F32 ? (double)((const float *)gradient->data)[k]
                                                 : ((const double *)gradient->data)[k];
  }
}

static double dot(const double *a, const double *b, int64_t count) {
  double sum = 0;
  for (int64_t i = 0; i < count; i++) sum += a[i] * b[i];
  return sum;
}

/* The pairs kept so far, oldest first: steps and how the gradient changed along them. */
typedef struct {
  double *moved, *changed, *count;
  int64_t size, most;
} Pairs;

static Pairs pairs_of(const Search *search) {
  return (Pairs){search->moved->data, search->changed->data, search->count->data, search->size,
                 search->history};
}

/* direction = - H gradient, H the inverse curvature that the pairs suggest. */
static void find_direction(const Pairs *pairs, const double *gradient, double *direction, double *share) {
  int64_t n = pairs->size, count = (int64_t)*pairs->count;
  memcpy(direction, gradient, sizeof(double) * (size_t)n);
  for (int64_t i = count - 1; i >= 0; i--) {
    const double *s = pairs->moved + i * n, *y = pairs->changed + i * n;
    share[i] = dot(s, direction, n) / dot(s, y, n);
    for (int64_t k = 0; k < n; k++) direction[k] -= share[i] * y[k];
  }
  if (count > 0) {
    const double *s = pairs->moved + (count - 1) * n, *y = pairs->changed + (count - 1) * n;
    double scale = dot(s, y, n) / dot(y, y, n);
    for (int64_t k = 0; k < n; k++) direction[k] *= scale;
  }
  for (int64_t i = 0; i < count; i++) {
    const double *s = pairs->moved + i * n, *y = pairs->changed + i * n;
    double back = dot(y, direction, n) / dot(s, y, n);
    for (int64_t k = 0; k < n; k++) direction[k] += (share[i] - back) * s[k];
  }
  for (int64_t k = 0; k < n; k++) direction[k] = -direction[k];
}

static void pairs_add(const Pairs *pairs, const double *from, const double *to, const double *before,
                      const double *after) {
  int64_t n = pairs->size, count = (int64_t)*pairs->count;
  if (count == pairs->most) {
    memmove(pairs->moved, pairs->moved + n, sizeof(double) * (size_t)(n * (count - 1)));
    memmove(pairs->changed, pairs->changed + n, sizeof(double) * (size_t)(n * (count - 1)));
    count--;
  }
  double *s = pairs->moved + count * n, *y = pairs->changed + count * n;
  for (int64_t k = 0; k < n; k++) {
    s[k] = to[k] - from[k];
    y[k] = after[k] - before[k];
  }
  if (dot(s, y, n) > 1e-12 * dot(y, y, n))
    *pairs->count = (double)(count + 1); // else no curvature to learn from
  else
    *pairs->count = (double)count;
}

typedef struct {
  double length, loss, slope;
} Trial;

typedef struct {
  const Search *search;
  const double *from, *direction;
  double *gradient;
  Again *again;
  void *context;
  int evaluations;
} Line;

static Trial line_try(Line *line, double length) {
  weights_move(line->search, line->from, length, line->direction);
  Trial trial = {.length = length, .loss = line->again(line->context)};
  line->evaluations++;
  gradient_read(line->search, line->gradient);
  trial.slope = dot(line->gradient, line->direction, line->search->size);
  if (!isfinite(trial.slope)) trial.loss = INFINITY;
  return trial;
}

static bool falls(const Trial *start, const Trial *trial) {
  return isfinite(trial->loss) && trial->loss <= start->loss + FALL * trial->length * start->slope;
}

/* Between a trial that falls and one that goes too far. */
static Trial line_zoom(Line *line, const Trial *start, Trial low, Trial high) {
  while (line->evaluations < EVALUATIONS) {
    Trial middle = line_try(line, 0.5 * (low.length + high.length));
    if (!falls(start, &middle) || middle.loss >= low.loss)
      high = middle;
    else {
      if (fabs(middle.slope) <= -FLATTEN * start->slope) return middle;
      if (middle.slope * (high.length - low.length) >= 0) high = low;
      low = middle;
    }
  }
  return low.length > 0 ? line_try(line, low.length) : (Trial){0};
}

/* A length at which the loss has fallen enough; 0: none was found. */
static Trial line_search(Line *line, const Trial *start, double first) {
  Trial before = *start, trial = {0};
  for (double length = first; line->evaluations < EVALUATIONS; length *= 2) {
    trial = line_try(line, length);
    if (!falls(start, &trial) || (before.length > 0 && trial.loss >= before.loss))
      return line_zoom(line, start, before, trial);
    if (fabs(trial.slope) <= -FLATTEN * start->slope) return trial;
    if (trial.slope >= 0) return line_zoom(line, start, trial, before);
    before = trial;
  }
  return trial;
}

bool lbfgs_step(const Search *search, double loss, Again *again, void *context) {
  Pairs pairs = pairs_of(search);
  int64_t n = search->size;
  double *work = search->work; // five vectors, and the shares of the pairs behind them
  double *from = work, *before = work + n, *direction = work + 2 * n, *after = work + 3 * n,
         *to = work + 4 * n;
  weights_read_all(search, from);
  gradient_read(search, before);
  for (int attempt = 0; attempt < 2; attempt++) {
    find_direction(&pairs, before, direction, work + 5 * n);
    double length = sqrt(dot(before, before, n));
    if (length == 0) return false;
    Trial start = {.loss = loss, .slope = dot(before, direction, n)};
    Line line = {search, from, direction, after, again, context, 0};
    double first = *pairs.count > 0 ? 1 : fmin(1, 1 / length);
    Trial end = start.slope < 0 ? line_search(&line, &start, first) : (Trial){0};
    if (end.length > 0 && falls(&start, &end)) {
      weights_read_all(search, to);
      pairs_add(&pairs, from, to, before, after);
      return true;
    }
    if (*pairs.count == 0) break;
    *pairs.count = 0; // what was learned misleads here: straight down once more
  }
  weights_move(search, from, 0, direction);
  return false;
}
