/* What `lathe data` tells of the examples that steps made: windows, rows of different lengths, the text of one. */
#include "interpreter/elaborate/dataset.h"

#include "interpreter/data/shown.h"

#include <inttypes.h>
#include <string.h>

#define TEXT_MOST 64 // code points of a sample

static void show_windows(const Windows *windows, Text *out) {
  static const char *const PART_WORDS[PART_COUNT] = {NULL, "train", "valid", "test"};
  text_printf(out, "examples %" PRId64 " windows of %" PRId64, windows->part[PART_ALL].count,
              windows->length);
  if (windows->stride > 1) text_printf(out, ", one every %" PRId64, windows->stride);
  if (windows->streams) text_printf(out, ", %" PRId64 " streams", windows->streams);
  const char *before = ": ";
  for (int p = PART_TRAIN; p < PART_COUNT; p++) {
    if (!windows->part[p].count || windows->part[p].count == windows->part[PART_ALL].count) continue;
    text_printf(out, "%s%s %" PRId64, before, PART_WORDS[p], windows->part[p].count);
    before = ", ";
  }
  text_add(out, "\n");
}

static void show_lengths(const Pad *pad, const Part *part, Text *out) {
  const int32_t *length = pad->length->values;
  if (!length || part->count == 0) return;
  int32_t least = length[part->row[0]], most = least;
  double sum = 0;
  for (int64_t i = 0; i < part->count; i++) {
    int32_t here = length[part->row[i]];
    least = here < least ? here : least;
    most = here > most ? here : most;
    sum += here;
  }
  text_printf(out, "%s  pad         %d to %d values a row, mean %.3g\n", pad->field, least, most,
              sum / (double)part->count);
}

/* The first training example of a column of classes, as text. */
static void show_sample(const Dataset *data, const Fitted *fitted, const Column *column, Text *out) {
  const Part *part = column->step ? dataset_part(data, PART_TRAIN) : &data->table->part[PART_TRAIN];
  if (part->count == 0 || !column->values || column->rank != 1) return;
  int64_t from = column->start ? column->start[part->row[0]] : part->row[0];
  int64_t count = column->start ? column_length(column, part->row[0]) : column->size[0];
  if (count > 4 * TEXT_MOST) count = 4 * TEXT_MOST;
  int64_t id[4 * TEXT_MOST];
  for (int64_t i = 0; i < count; i++)
    id[i] = column->dtype == DTYPE_U8 ? ((const uint8_t *)column->values)[from + i]
                                      : ((const int32_t *)column->values)[from + i];
  Text text = {0};
  Arena *arena = arena_new(0);
  fitted_decode(fitted, id, count, &text);
  text_printf(out, "%s  example     \"%s\"\n", fitted->field,
              text_shown(arena, text_string(&text), text.length, TEXT_MOST));
  arena_free(arena);
  text_free(&text);
}

void dataset_show_examples(const Elaborator *e, const Dataset *data, Text *out) {
  if (data->windows) show_windows(data->windows, out);
  for (int i = 0; i < e->fitteds; i++) {
    const Fitted *fitted = e->fitted[i];
    if (fitted->table != data->name) continue;
    text_printf(out, "%s  ", fitted->field);
    fitted_print(fitted, out);
    const Column *column = NULL;
    for (int k = 0; k < data->mades && fitted_is_text(fitted); k++)
      if (data->made[k].field == fitted->field && data->made[k].column->bound == fitted->classes)
        column = data->made[k].column;
    if (column) show_sample(data, fitted, column, out);
  }
  for (int i = 0; i < data->pads; i++) show_lengths(data->pad[i], &data->table->part[PART_ALL], out);
}
