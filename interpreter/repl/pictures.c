/* :plot, :hist, :image, :table: values as pictures in the terminal. */
#include "interpreter/repl/repl.h"

#include "interpreter/data/preview.h"
#include "interpreter/show_value.h"
#include "lang/problems.h"

#include <math.h>
#include <string.h>

#define SERIES 6
#define HEIGHT 12
#define PIXELS 112 // columns of a picture
#define SHOWN  8   // pictures beside each other

static double *numbers_of(Repl *repl, const Type *type, const void *data, int64_t from, int64_t step,
                          int64_t count) {
  double *number = ARENA_ARRAY(repl->call->arena, double, count + 1);
  for (int64_t i = 0; i < count; i++) number[i] = number_at(type, data, from + i * step);
  return number;
}

typedef struct {
  const double *series[SERIES];
  int64_t count[SERIES];
  const char *name[SERIES];
  int number;
} Plot;

static void plot_add(Plot *plot, const double *series, int64_t count, const char *name) {
  if (plot->number == SERIES) return;
  plot->series[plot->number] = series;
  plot->count[plot->number] = count;
  plot->name[plot->number++] = name;
}

/* A vector is a line, a matrix one for each of its columns, a list of numbers a line. */
static bool plot_value(Repl *repl, Plot *plot, const char *text, const Evaluation *evaluation) {
  const Value *value = evaluation->value;
  double number;
  if (value->kind == VALUE_LIST && !evaluation->leaves && value->u.items.count) {
    double *series = ARENA_ARRAY(repl->call->arena, double, value->u.items.count);
    for (int i = 0; i < value->u.items.count; i++)
      series[i] = value_number(value->u.items.item[i], &number) ? number : NAN;
    plot_add(plot, series, value->u.items.count, text);
    return true;
  }
  const Type *type;
  const void *data = one_tensor(repl, "plot", evaluation, &type);
  if (!data) return false;
  if (type->rank == 0 || type->rank > 2 || type_count(type) == 0) {
    problem_repl_needs(repl->call->problems, "plot", "a vector, or a matrix whose columns are lines",
                       type_text(repl, type));
    return false;
  }
  int64_t columns = type->rank == 2 ? type_size(type, 1) : 1, rows = type_size(type, 0);
  for (int64_t c = 0; c < columns; c++)
    plot_add(plot, numbers_of(repl, type, data, c, columns, rows), rows,
             columns > 1 ? arena_printf(repl->call->arena, "%s[:, %lld]", text, (long long)c) : text);
  return true;
}

/* The next expression of a list that commas separate; NULL: none is left. */
static const char *part_next(Repl *repl, const char **rest) {
  const char *p = *rest + strspn(*rest, " \t"), *start = p;
  int depth = 0;
  for (bool quoted = false; *p && (quoted || depth || *p != ','); p++) {
    if (*p == '"') quoted = !quoted;
    if (!quoted && strchr("([{", *p)) depth++;
    if (!quoted && strchr(")]}", *p)) depth--;
  }
  if (p == start) return NULL;
  const char *end = p;
  while (end > start && end[-1] == ' ') end--;
  *rest = *p ? p + 1 : p;
  return arena_copy(repl->call->arena, start, (size_t)(end - start));
}

/* `loss`, where the program has no such name, is the losses of the last training. */
static bool is_history(const Repl *repl, const char *text) {
  return !strcmp(text, "loss") && !scope_find(repl->e->file, name_of("loss")) && repl->losses;
}

void run_plot(Repl *repl, const char *rest) {
  Plot plot = {0};
  const char *text;
  bool ok = true;
  while (ok && (text = part_next(repl, &rest))) {
    if (is_history(repl, text)) {
      plot_add(&plot, repl->loss, repl->losses, text);
      continue;
    }
    Evaluation evaluation;
    ok = evaluate_text(repl, text, &evaluation) && plot_value(repl, &plot, text, &evaluation);
    evaluation_end(repl, &evaluation);
  }
  if (!ok) return;
  if (!plot.number) {
    usage_wrong(repl, "plot");
    return;
  }
  Text out = {0};
  draw_lines(&out, plot.series, plot.count, plot.number, repl->width, HEIGHT, repl->colour);
  for (int i = 0; i < plot.number; i++) text_printf(&out, "%s%s", i ? ", " : "          ", plot.name[i]);
  text_printf(&out, "  0 to %lld\n", (long long)plot.count[0] - 1);
  say_text(repl, &out);
}

void run_hist(Repl *repl, const char *rest) {
  Evaluation evaluation;
  const Type *type;
  if (!*rest) {
    usage_wrong(repl, "hist");
    return;
  }
  const void *data =
      evaluate_text(repl, rest, &evaluation) ? one_tensor(repl, "hist", &evaluation, &type) : NULL;
  if (data) {
    Text out = {0};
    int64_t count = type_count(type);
    type_print(type, &out);
    Statistics s = statistics_of(type, data);
    text_add(&out, "  ");
    statistics_write(&s, &out);
    text_add(&out, "\n");
    if (count) draw_histogram(&out, numbers_of(repl, type, data, 0, 1, count), count, 12, repl->width);
    say_text(repl, &out);
  }
  evaluation_end(repl, &evaluation);
}

// ---- pictures ---------------------------------------------------------------------------------------------------

typedef struct {
  const Type *type;
  const void *data;
  int64_t pictures, rows, columns, channels;
} Pictures;

/* [H, W], [H, W, 1 or 3], [n, H, W], [n, H, W, 1 or 3]. */
static bool pictures_of(Pictures *p) {
  const Type *type = p->type;
  int rank = type->rank;
  int64_t last = rank ? type_size(type, rank - 1) : 0;
  bool channels = rank >= 3 && (last == 1 || last == 3 || (last == 4 && rank == 4));
  p->channels = channels ? last : 1;
  int planes = rank - channels;
  if (planes != 2 && planes != 3) return false;
  p->pictures = planes == 3 ? type_size(type, 0) : 1;
  p->rows = type_size(type, planes - 2);
  p->columns = type_size(type, planes - 1);
  return type_count(type) > 0;
}

static double pixel_of(const Pictures *p, int64_t picture, int64_t row, int64_t column) {
  int64_t at = ((picture * p->rows + row) * p->columns + column) * p->channels,
          used = p->channels > 3 ? 3 : p->channels;
  double sum = 0;
  for (int64_t c = 0; c < used; c++) sum += number_at(p->type, p->data, at + c);
  return sum / (double)used;
}

/* Side by side in grey, from the least to the most of all, scaled down to what a terminal has room for. */
static void draw_pictures(Repl *repl, const Pictures *p, Text *out) {
  int64_t shown = p->pictures < SHOWN ? p->pictures : SHOWN, gap = 1;
  int64_t room = repl->colour ? PIXELS : PIXELS / 2, step = 1;
  while (shown > 1 && shown * (p->columns + gap) > room) shown--;
  while (p->columns / step > room) step++;
  int64_t rows = (p->rows + step - 1) / step, columns = (p->columns + step - 1) / step;
  int64_t width = shown * (columns + gap) - gap;
  Type grey = type_of(DTYPE_F32, 2, (const Dim *[]){dim_of(rows), dim_of(width)});
  float *sheet = memory_alloc((size_t)(rows * width), sizeof *sheet);
  Statistics s = statistics_of(p->type, p->data);
  double low = s.least < 0 || s.most > 1 ? s.least : 0, high = s.least < 0 || s.most > 1 ? s.most : 1;
  if (high <= low) high = low + 1;
  for (int64_t k = 0; k < shown; k++)
    for (int64_t r = 0; r < rows; r++)
      for (int64_t c = 0; c < columns; c++)
        sheet[r * width + k * (columns + gap) + c] =
            (float)((pixel_of(p, k, r * step, c * step) - low) / (high - low));
  show_image(out, &grey, sheet, repl->colour);
  memory_free(sheet);
  if (shown < p->pictures) text_printf(out, "%lld of %lld\n", (long long)shown, (long long)p->pictures);
}

void run_image(Repl *repl, const char *rest) {
  Evaluation evaluation;
  Pictures p = {0};
  if (!*rest) {
    usage_wrong(repl, "image");
    return;
  }
  if (evaluate_text(repl, rest, &evaluation)) p.data = one_tensor(repl, "image", &evaluation, &p.type);
  if (p.data && !pictures_of(&p))
    problem_repl_needs(repl->call->problems, "image",
                       "[rows, columns], with channels behind or pictures in front", type_text(repl, p.type));
  else if (p.data) {
    Text out = {0};
    type_print(p.type, &out);
    text_add(&out, "\n");
    draw_pictures(repl, &p, &out);
    say_text(repl, &out);
  }
  evaluation_end(repl, &evaluation);
}

void run_table(Repl *repl, const char *rest) {
  Evaluation evaluation;
  if (!*rest) {
    usage_wrong(repl, "table");
    return;
  }
  bool ok = evaluate_text(repl, rest, &evaluation);
  Dataset *data = ok && evaluation.value->kind == VALUE_DATA ? evaluation.value->u.data.data : NULL;
  if (ok && !data)
    problem_repl_needs(repl->call->problems, "table", "a data table", value_kind_text(evaluation.value));
  Problems *problems = repl->call->problems;
  if (data && dataset_open(repl->e, data) && dataset_has_rows(repl->e, data, data->ast) &&
      table_load(data->table, problems, data->ast->at)) {
    Text out = {0};
    table_preview(data->table, data->name, &out, repl->width);
    dataset_show_examples(repl->e, data, &out);
    say_text(repl, &out);
  }
  evaluation_end(repl, &evaluation);
}
