/* Passes over rows, made when they are asked for; only the last one is kept. */
#include "interpreter/order.h"

#include "base/philox.h"
#include "base/random.h"
#include "lang/problems.h"

#include <string.h>

#define SITE_DRAW 0x64726177u // "draw": the stream of drawn rows

RowOrder order_new(const Part *part, uint64_t seed, bool shuffle) {
  return (RowOrder){.part = part,
                    .row = memory_alloc((size_t)part->count + 1, sizeof(int64_t)),
                    .pass = -1,
                    .seed = seed,
                    .shuffle = shuffle};
}

void order_free(RowOrder *order) {
  memory_free(order->row);
  memory_free(order->reach);
  *order = (RowOrder){0};
}

void order_draw(RowOrder *order, const double *chance) {
  order->reach = memory_alloc((size_t)order->part->count + 1, sizeof(double));
  double sum = 0;
  for (int64_t i = 0; i < order->part->count; i++) order->reach[i] = sum += chance[i];
}

/* The first position whose chances, with all before it, exceed `place`. */
static int64_t position_of(const RowOrder *order, double place) {
  int64_t low = 0, high = order->part->count - 1;
  while (low < high) {
    int64_t middle = low + (high - low) / 2;
    if (order->reach[middle] > place)
      high = middle;
    else
      low = middle + 1;
  }
  return low;
}

static void draw_pass(RowOrder *order, int64_t pass) {
  uint64_t key = random_key(order->seed, SITE_DRAW, 0);
  uint32_t halves[2] = {(uint32_t)key, (uint32_t)(key >> 32)}, counter[4], word[4];
  double sum = order->reach[order->part->count - 1];
  for (int64_t i = 0; i < order->part->count; i++) {
    random_counter(i, pass, 0, counter);
    philox4x32(counter, halves, word);
    double place = ((double)word[0] + (double)(word[1] >> 11) * 0x1p-21) * 0x1p-32; // 53 bits
    order->row[i] = order->part->row[position_of(order, place * sum)];
  }
}

const int64_t *order_pass(RowOrder *order, int64_t pass) {
  const Part *part = order->part;
  if (order->pass == pass) return order->row;
  order->pass = pass;
  if (order->reach)
    draw_pass(order, pass);
  else if (order->shuffle) {
    rows_permute(order->row, part->count, order->seed, (uint64_t)pass + 1);
    for (int64_t i = 0; i < part->count; i++) order->row[i] = part->row[order->row[i]];
  } else
    memcpy(order->row, part->row, sizeof(int64_t) * (size_t)part->count);
  return order->row;
}

void order_take(RowOrder *order, int64_t from, int64_t count, int64_t *row) {
  int64_t rows = order->part->count;
  for (int64_t i = 0; i < count;) {
    int64_t at = (from + i) % rows, some = rows - at < count - i ? rows - at : count - i;
    memcpy(row + i, order_pass(order, (from + i) / rows) + at, sizeof(int64_t) * (size_t)some);
    i += some;
  }
}

// ---- further tables -----------------------------------------------------------------------------------------------

bool further_open(FurtherRows *further, Session *session, const Pass *pass, uint64_t seed, bool shuffle,
                  int64_t most) {
  further->order = ARENA_ARRAY(session->arena, RowOrder, pass->mores + 1);
  further->row = ARENA_ARRAY(session->arena, int64_t *, pass->mores + 1);
  for (int i = 0; i < pass->mores; i++) {
    const Dataset *data = pass->more[i].data;
    const Part *part = dataset_part(data, pass->more[i].part);
    if (!table_load(data->table, session->problems, data->ast->at)) return false;
    if (part->count == 0) {
      problem_empty_part(session->problems, data->ast->at);
      return false;
    }
    further->order[i] = order_new(part, seed + 1 + (uint64_t)i, shuffle);
    further->row[i] = memory_alloc((size_t)most + 1, sizeof(int64_t));
    further->count++;
  }
  return true;
}

void further_take(FurtherRows *further, Runner *runner, int64_t from, int64_t count) {
  for (int i = 0; i < further->count; i++) {
    order_take(&further->order[i], from, count, further->row[i]);
    runner_rows(runner, i, further->row[i]);
  }
}

void further_free(FurtherRows *further) {
  for (int i = 0; i < further->count; i++) {
    order_free(&further->order[i]);
    memory_free(further->row[i]);
  }
  further->count = 0;
}
