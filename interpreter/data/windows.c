/* Where windows begin. Nothing is copied: a batch gathers its windows from the sequence itself. */
#include "interpreter/data/windows.h"

#include <string.h>

static int64_t windows_of_piece(const Piece *piece, int64_t length, int64_t stride) {
  int64_t room = piece->to - piece->from - length;
  return room < 0 ? 0 : room / stride + 1;
}

/* Deals the places in turn from `streams` stretches. */
static void places_deal(Arena *arena, Part *part, int64_t streams) {
  int64_t each = part->count / streams, *dealt = ARENA_ARRAY(arena, int64_t, each * streams + 1);
  for (int64_t t = 0; t < each; t++)
    for (int64_t i = 0; i < streams; i++) dealt[t * streams + i] = part->row[i * each + t];
  *part = (Part){dealt, each * streams};
}

Part windows_place(Arena *arena, const Piece *piece, int64_t pieces, int64_t length, int64_t stride,
                   int64_t streams) {
  int64_t count = 0;
  for (int64_t i = 0; i < pieces; i++) count += windows_of_piece(&piece[i], length, stride);
  Part part = {ARENA_ARRAY(arena, int64_t, count + 1), 0};
  for (int64_t i = 0; i < pieces; i++) {
    int64_t here = windows_of_piece(&piece[i], length, stride);
    for (int64_t k = 0; k < here; k++) part.row[part.count++] = piece[i].from + k * stride;
  }
  if (streams > 0) places_deal(arena, &part, streams);
  return part;
}

bool windows_same(const Windows *a, const Windows *b) {
  for (int i = 0; i < PART_COUNT; i++) {
    if (a->part[i].count != b->part[i].count) return false;
    if (a->part[i].count &&
        memcmp(a->part[i].row, b->part[i].row, (size_t)a->part[i].count * sizeof(int64_t)))
      return false;
  }
  return true;
}
