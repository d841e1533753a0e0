/* Images changed at random: every image draws for itself, anew at every step. */
#include "interpreter/elaborate/elaborate.h"

#include "lang/problems.h"

#include <string.h>

#define CALL(name)                                                                                           \
  static const Value *name(Elaborator *e, const Ast *at, const Argument *slot, const Argument *rest,         \
                           int rests)
#define UNUSED ((void)at, (void)slot, (void)rest, (void)rests)

/* Images [..., H, W, C]; NULL after a Problem. */
static Node *images_of(Elaborator *e, const Ast *at, const Argument *slot) {
  Node *x = slot_tensor(e, at, slot);
  if (!x || x->type.rank - example_dims(e, x) >= 3) return x;
  slot_error(e, at, slot, "images [..., H, W, C]: x[..., None] adds a channel");
  return NULL;
}

/* A random number in [0, 1) for each image, of rank `rank` with 1 behind the dims that stand before an image. */
static Node *draw_each(Elaborator *e, const Node *x, int rank) {
  int lead = x->type.rank - 3;
  const Dim *size[MAX_RANK];
  for (int i = 0; i < rank; i++) size[i] = i < lead ? x->type.size[i] : dim_of(1);
  return build_random(e->graph, DTYPE_F32, rank, size, random_site(e));
}

CALL(random_flip) {
  UNUSED;
  Node *x = images_of(e, at, &slot[0]);
  if (!x) return value_unknown();
  Node *coin = draw_each(e, x, x->type.rank);
  Node *flips = build_lt(coin, build_like(coin, 0.5));
  Node *y = build_where(build_expand(flips, x->type.rank, x->type.size), build_flip(x, x->type.rank - 2), x);
  memcpy(y->type.name, x->type.name, sizeof y->type.name);
  return value_tensor(e, y);
}

/* Where each image's window begins along an axis, and the places it covers: [N, cells]. */
static Node *window_places(Elaborator *e, Node *draw, const Dim *size, const Dim *cells) {
  const Dim *shape[2] = {draw->type.size[0], cells};
  const Dim *starts = dim_add(dim_sub(size, cells), dim_of(1));
  Node *start = build_floor(
      build_mul(draw, build_expand_like(build_cast(build_extent(e->graph, starts), DTYPE_F32), draw)));
  Node *column = build_reshape(build_cast(start, DTYPE_I64), 2, (const Dim *[]){shape[0], dim_of(1)});
  return build_add(build_expand(column, 2, shape), build_cast(build_index(e->graph, 2, shape, 1), DTYPE_I64));
}

static bool crop_size(const Value *value, const Dim *size[2]) {
  bool pair = value->kind == VALUE_LIST && value->u.items.count == 2;
  for (int i = 0; i < 2; i++) {
    const Value *one = pair ? value->u.items.item[i] : value;
    if (one->kind != VALUE_INT) return false;
    size[i] = one->u.dim;
  }
  return true;
}

/* Rows of pixels gathered from the flattened images: [N, h, w] places. */
static Node *crop(Elaborator *e, Node *x, const Dim *const size[2]) {
  int lead = x->type.rank - 3;
  const Dim *const *from = x->type.size + lead;
  const Dim *count = dim_of(1), *shape[MAX_RANK];
  for (int i = 0; i < lead; i++) count = dim_mul(count, x->type.size[i]);
  for (int i = 0; i < lead; i++) shape[i] = x->type.size[i];
  Node *draw[2], *place[2];
  const Dim *grid[3] = {count, size[0], size[1]};
  for (int i = 0; i < 2; i++) {
    draw[i] = build_reshape(draw_each(e, x, lead), 1, &count);
    place[i] = window_places(e, draw[i], from[i], size[i]);
    const Dim *spread[3] = {count, i ? dim_of(1) : size[0], i ? size[1] : dim_of(1)};
    place[i] = build_expand(build_reshape(place[i], 3, spread), 3, grid);
  }
  Node *image = build_cast(build_index(e->graph, 3, grid, 0), DTYPE_I64), *ids = image;
  for (int i = 0; i < 2; i++)
    ids = build_add(build_mul(ids, build_expand_like(build_extent(e->graph, from[i]), ids)), place[i]);
  const Dim *flat[2] = {dim_mul(count, dim_mul(from[0], from[1])), from[2]};
  Node *y = build_gather(build_reshape(x, 2, flat), ids);
  shape[lead] = size[0], shape[lead + 1] = size[1], shape[lead + 2] = from[2];
  return build_reshape(y, x->type.rank, shape);
}

CALL(random_crop) {
  UNUSED;
  Node *x = images_of(e, at, &slot[0]);
  const Dim *size[2];
  int64_t border;
  if (!x || slot[1].value->kind == VALUE_UNKNOWN) return value_unknown();
  if (!crop_size(slot[1].value, size)) return slot_error(e, at, &slot[1], "a size, or [height, width]");
  if (!slot_int(e, at, &slot[2], 0, &border)) return value_unknown();
  if (border < 0) return slot_error(e, at, &slot[2], "a number of cells from 0 up");
  int lead = x->type.rank - 3;
  Node *wide = x;
  for (int i = 0; i < 2; i++) wide = build_pad(wide, lead + i, dim_of(border), dim_of(border), 0);
  for (int i = 0; i < 2; i++) {
    bool order;
    if (dim_compare(size[i], wide->type.size[lead + i], &order) > 0)
      return slot_error(e, at, &slot[1], "a size no larger than the image with its border");
  }
  Node *y = crop(e, wide, size);
  for (int i = 0; i < x->type.rank; i++) y->type.name[i] = x->type.name[i];
  return value_tensor(e, y);
}

static RandomSites sites_copy(Elaborator *e, const RandomSites *sites) {
  RandomSites copy = {.count = sites->count, .capacity = (size_t)sites->count + 1};
  copy.place = ARENA_ARRAY(e->arena, RandomSite, copy.capacity);
  if (sites->count) memcpy(copy.place, sites->place, sizeof *copy.place * (size_t)sites->count);
  return copy;
}

/* f of a value in training, anew for each example; else the value. The parts of a tuple share the random numbers. */
CALL(augment) {
  UNUSED;
  const Value *value = slot[0].value, *f = slot[1].value,
              *training = scope_find(e->builtins, name_of("training"))->value;
  if (value->kind == VALUE_UNKNOWN || f->kind == VALUE_UNKNOWN) return value_unknown();
  bool tuple = value->kind == VALUE_RECORD && !value->u.items.is_table;
  int count = tuple ? value->u.items.count : 1;
  const Value **item = ARENA_ARRAY(e->arena, const Value *, count + 1);
  RandomSites before = sites_copy(e, &e->random);
  for (int i = 0; i < count; i++) {
    Argument part = {NULL, tuple ? value->u.items.item[i] : value, slot[0].ast};
    if (i) e->random = sites_copy(e, &before); // it draws as the first part did
    item[i] = call_value(e, at, f, &part, 1);  // outside of training it is checked alone
    if (item[i]->kind == VALUE_UNKNOWN) return item[i];
  }
  if (!training->known || !training->u.truth) return value;
  return tuple ? value_record(e, item, value->u.items.name, count) : item[0];
}

static const Builtin rows[] = {
    {"augment", "value f", augment, "f of the value in training, anew for each example and step"},
    {"random_crop", "images size pad?", random_crop, "a window of that size at a random place of each image"},
    {"random_flip", "images", random_flip, "each image turned left to right, or not"},
};
const BuiltinTable builtins_images = {rows, (int)(sizeof(rows) / sizeof(*rows))};
