/* Items to works: what is computed together, and what is stored in between.
 *
 * Every item has a level: that of its operands, one more if an operand can only come from memory. Items of one
 * space and level that pass values in registers, or load the same numbers, form one work; so works depend on
 * works of lower levels only. Maps that are wanted late move to the latest level that is early enough. What
 * another work wants is stored, or made again there if that is cheaper than a store and a load. Works whose loops
 * would be too long are halved until they fit. */
#include "graph/fuse.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define COST_LOAD      2
#define COST_RANDOM    5
#define RECOMPUTE_MOST 10 // a value that costs more is stored
#define SINK_MOST      12 // a map whose operands cost more to get later stays where they are made

#define ORDER_END  ((int64_t)1 << 40)
#define ORDER_LAST (ORDER_END / 2) // from here on: sums apart from the loops that make their numbers

static const int weight_of[OP_COUNT] = {
    [OP_EXP] = 6,  [OP_EXPM1] = 6, [OP_LOG] = 6,   [OP_LOG1P] = 6,     [OP_SQRT] = 2, [OP_RSQRT] = 3,
    [OP_SIN] = 6,  [OP_COS] = 6,   [OP_TAN] = 8,   [OP_ASIN] = 8,      [OP_ACOS] = 8, [OP_ATAN] = 8,
    [OP_SINH] = 8, [OP_COSH] = 8,  [OP_TANH] = 7,  [OP_ERF] = 8,       [OP_DIV] = 2,  [OP_SIGMOID] = 7,
    [OP_POW] = 12, [OP_MOD] = 3,   [OP_ATAN2] = 9, [OP_FLOOR_DIV] = 3,
};

/* ---- costs and levels ----------------------------------------------------------------------------------------- */

static int operand_cost(const Item *base) {
  if (base->kind == ITEM_NUMBER || base->uniform) return 0;
  if (base->kind == ITEM_RANDOM) return COST_RANDOM;
  if (base->kind == ITEM_INDEX) return 1;
  return base->kind == ITEM_READ || base->stored || base->kind > ITEM_COPY ? COST_LOAD : base->cost;
}

static int operands_cost(const Fuse *fuse, const Item *item) {
  int cost = 0;
  for (int k = 0; k < item->operands; k++) cost += operand_cost(&fuse->item[item->operand[k].item]);
  return cost;
}

static void item_cost(const Fuse *fuse, Item *item) {
  if (item->kind != ITEM_MAP && item->kind != ITEM_COPY) return;
  int own = item->scalar || item->kind == ITEM_COPY || weight_of[item->op] == 0 ? 1 : weight_of[item->op];
  int cost = own + operands_cost(fuse, item);
  item->cost = cost > 10000 ? 10000 : cost;
}

static void items_levels(Fuse *fuse) {
  for (int i = 0; i < fuse->items; i++) {
    Item *item = &fuse->item[i];
    if (item_is_source(item)) continue;
    for (int k = 0; k < item->operands; k++) {
      const View *operand = &item->operand[k];
      const Item *base = &fuse->item[operand->item];
      int level = item_is_source(base) ? 0 : base->level + !operand->open;
      if (level > item->level) item->level = level;
    }
    Item *home = &fuse->item[item->home];
    if (home->level < item->level) home->level = item->level;
    item_cost(fuse, item);
  }
}

/* Variables that are assigned, by address. */
typedef struct {
  Variable *variable;
  int output;
} VariableSlot;

static VariableSlot *variable_slot(VariableSlot *table, size_t mask, Variable *variable) {
  size_t at = (size_t)variable / sizeof(Variable) * 0x9e3779b1u & mask;
  while (table[at].variable && table[at].variable != variable) at = (at + 1) & mask;
  return &table[at];
}

static void find_assigned(Fuse *fuse) {
  const Graph *graph = fuse->graph;
  size_t size = 16;
  while (size < 2 * (size_t)graph->outputs) size *= 2;
  VariableSlot *table = ARENA_ARRAY(fuse->arena, VariableSlot, size);
  for (int i = 0; i < graph->outputs; i++)
    if (graph->output[i].kind == OUTPUT_ASSIGN)
      *variable_slot(table, size - 1, graph->output[i].variable) =
          (VariableSlot){graph->output[i].variable, i};
  for (int i = 0; i < fuse->items; i++) {
    Item *item = &fuse->item[i];
    item->assigned = -1;
    if (item->kind != ITEM_READ) continue;
    const VariableSlot *slot = variable_slot(table, size - 1, item->variable);
    if (slot->variable) item->assigned = slot->output;
  }
}

/* New values of variables that nothing else wants are made when the last reader of the old one runs: then they
 * can be written in place. */
static void delay_assigned(Fuse *fuse) {
  int *level = ARENA_ARRAY(fuse->arena, int, fuse->graph->outputs + 1);
  for (int i = 0; i < fuse->items; i++)
    for (int k = 0; k < fuse->item[i].operands; k++) {
      int output = fuse->item[fuse->item[i].operand[k].item].assigned;
      if (output >= 0 && level[output] < fuse->item[i].level) level[output] = fuse->item[i].level;
    }
  for (int i = 0; i < fuse->graph->outputs; i++) {
    int number = fuse->output[i].item;
    Item *item = &fuse->item[number];
    bool alone = fuse->use_start[number] == fuse->use_start[number + 1] && item->home == number;
    if (fuse->graph->output[i].kind == OUTPUT_ASSIGN && alone && level[i] > item->level)
      item->level = level[i];
  }
}

static void sink_maps(Fuse *fuse) {
  int *latest = ARENA_ARRAY(fuse->arena, int, fuse->items + 1);
  for (int i = 0; i < fuse->items; i++) latest[i] = INT_MAX;
  for (int i = fuse->items - 1; i >= 0; i--) {
    Item *item = &fuse->item[i];
    if (item_is_source(item)) continue;
    int until = item->home == i ? latest[i] : latest[item->home];
    bool late = item->kind == ITEM_MAP
                    ? !item->stored && operands_cost(fuse, item) <= SINK_MOST
                    : item->kind == ITEM_COPY && item_is_source(&fuse->item[item->operand[0].item]);
    if (late && until != INT_MAX && until > item->level) item->level = until;
    for (int k = 0; k < item->operands; k++) {
      const View *operand = &item->operand[k];
      int level = item->level - !operand->open;
      if (level < latest[operand->item]) latest[operand->item] = level;
    }
  }
}

static void find_uses(Fuse *fuse) {
  int *start = ARENA_ARRAY(fuse->arena, int, fuse->items + 2), edges = 0;
  for (int i = 0; i < fuse->items; i++)
    for (int k = 0; k < fuse->item[i].operands; k++, edges++) start[fuse->item[i].operand[k].item + 2]++;
  for (int i = 2; i <= fuse->items; i++) start[i] += start[i - 1];
  fuse->use = ARENA_ARRAY(fuse->arena, int, edges + 1);
  for (int i = 0; i < fuse->items; i++)
    for (int k = 0; k < fuse->item[i].operands; k++)
      fuse->use[start[fuse->item[i].operand[k].item + 1]++] = i;
  fuse->use_start = start;
}

/* ---- what runs together ----------------------------------------------------------------------------------------- */

/* Items that load the same numbers, by what they load, where and when. */
typedef struct {
  int item; // -1: empty
  const View *view;
  int base, space, level;
} Sharing;

typedef struct {
  Fuse *fuse;
  int *parent;       // of each item
  unsigned *reduced; // of each root
  bool *apart;       // of each item
  Sharing *sharing;
  size_t mask;
} Union;

static int union_root(Union *u, int item) {
  while (u->parent[item] != item) item = u->parent[item] = u->parent[u->parent[item]];
  return item;
}

static void union_join(Union *u, int a, int b) {
  a = union_root(u, a), b = union_root(u, b);
  if (a > b) {
    int old = a;
    a = b, b = old;
  }
  u->parent[b] = a;
  u->reduced[a] |= u->reduced[b];
}

/* Does the view tell every element of the space apart? Sharing less is not worth a common loop. */
static bool view_is_full(const Fuse *fuse, const Item *item, const View *view) {
  const Space *space = &fuse->space[item->space];
  for (int i = 0; i < space->rank; i++)
    if (view->stride[i] == 0) return false;
  return true;
}

/* The place in the table for what loads as operand k of the item does; work without a space shares by level. */
static Sharing *sharing_find(Union *u, const Item *item, int k) {
  const View *view = &item->operand[k];
  int base = u->fuse->space[item->space].rank == 0 ? -1 : view->item;
  uint64_t hash = ((uint64_t)(base + 1) * 0x9e3779b97f4a7c15u) ^
                  ((uint64_t)item->space * 0xc2b2ae3d27d4eb4fu) ^
                  ((uint64_t)item->level * 0x165667b19e3779f9u);
  hash ^= hash >> 29;
  for (size_t at = hash & u->mask;; at = (at + 1) & u->mask) {
    Sharing *entry = &u->sharing[at];
    if (entry->item >= 0 &&
        (entry->base != base || entry->space != item->space || entry->level != item->level))
      continue;
    if (entry->item < 0)
      *entry = (Sharing){.item = -1, .view = view, .base = base, .space = item->space, .level = item->level};
    return entry;
  }
}

/* An item that loads the numbers of operand k in the same way, or -1; then this item is the first. */
static int sharing_other(Union *u, int number, int k) {
  const Item *item = &u->fuse->item[number];
  const View *view = &item->operand[k];
  const Item *base = &u->fuse->item[view->item];
  bool scalar = u->fuse->space[item->space].rank == 0;
  if (!scalar && (base->kind != ITEM_READ && !base->stored)) return -1;
  if (!scalar && !view_is_full(u->fuse, item, view)) return -1;
  Sharing *entry = sharing_find(u, item, k);
  if (entry->item < 0) {
    entry->item = number;
    return -1;
  }
  bool same = entry->view->offset == view->offset &&
              memcmp(entry->view->stride, view->stride, sizeof view->stride) == 0;
  return scalar || same ? entry->item : -1;
}

static void join_maps(Union *u) {
  Fuse *fuse = u->fuse;
  for (int i = 0; i < fuse->items; i++) {
    const Item *item = &fuse->item[i];
    if (!item_is_inner(item) || item->uniform || item->kind == ITEM_OUTER) continue;
    for (int k = 0; k < item->operands; k++) {
      const Item *base = &fuse->item[item->operand[k].item];
      int other = item->operand[k].open && base->level == item->level ? item->operand[k].item
                                                                      : sharing_other(u, i, k);
      if (other >= 0) union_join(u, i, other);
    }
  }
}

/* A loop has one set of reduced dims: sums that do not fit run apart, after all others of their level. */
static void join_outer(Union *u) {
  Fuse *fuse = u->fuse;
  for (int i = 0; i < fuse->items; i++) {
    const Item *item = &fuse->item[i];
    if (item->kind != ITEM_OUTER) continue;
    u->reduced[i] = item->reduced;
    const View *operand = &item->operand[0];
    bool follows = operand->open && fuse->item[operand->item].level == item->level;
    int other = follows ? operand->item : sharing_other(u, i, 0);
    if (other < 0) continue;
    unsigned reduced = u->reduced[union_root(u, other)];
    if (reduced == 0 || reduced == item->reduced)
      union_join(u, i, other);
    else
      u->apart[i] = follows;
  }
}

static Work *work_new(Fuse *fuse, int level, bool apart) {
  fuse->work = arena_grow(fuse->arena, fuse->work, (size_t)fuse->works, &fuse->work_capacity, sizeof(Work));
  Work *work = &fuse->work[fuse->works++];
  *work = (Work){.level = level, .low = apart ? ORDER_LAST : 0, .high = apart ? ORDER_END : ORDER_LAST};
  return work;
}

static void collect_works(Union *u) {
  Fuse *fuse = u->fuse;
  int *work_of = ARENA_ARRAY(fuse->arena, int, fuse->items + 1);
  for (int i = 0; i < fuse->items; i++) {
    Item *item = &fuse->item[i];
    if (item_is_source(item) || item->kind == ITEM_JOIN || item->kind == ITEM_PART) continue;
    int root = union_root(u, i);
    if (root == i) {
      work_new(fuse, item->level, u->apart[i]);
      work_of[i] = fuse->works - 1;
    }
    item->work = work_of[root];
    fuse->work[item->work].items++;
  }
  for (int i = 0; i < fuse->works; i++) {
    Work *work = &fuse->work[i];
    work->item = ARENA_ARRAY(fuse->arena, int, work->items);
    work->items = 0;
  }
  for (int i = 0; i < fuse->items; i++) {
    if (fuse->item[i].work < 0) continue;
    Work *work = &fuse->work[fuse->item[i].work];
    work->item[work->items++] = i;
  }
}

static void make_works(Fuse *fuse) {
  size_t size = 64;
  while (size < 8 * (size_t)fuse->items) size *= 2;
  Union u = {.fuse = fuse,
             .parent = ARENA_ARRAY(fuse->arena, int, fuse->items + 1),
             .reduced = ARENA_ARRAY(fuse->arena, unsigned, fuse->items + 1),
             .apart = ARENA_ARRAY(fuse->arena, bool, fuse->items + 1),
             .sharing = ARENA_ARRAY(fuse->arena, Sharing, size),
             .mask = size - 1};
  for (int i = 0; i < fuse->items; i++) u.parent[i] = i;
  for (size_t i = 0; i < size; i++) u.sharing[i].item = -1;
  if (fuse->fuse) {
    join_maps(&u);
    join_outer(&u);
  }
  collect_works(&u);
}

/* ---- what is stored ------------------------------------------------------------------------------------------------ */

/* This map will be made again in another loop: its operands must be there, too. */
static void recompute(Fuse *fuse, const Item *item) {
  for (int k = 0; k < item->operands; k++) {
    Item *base = &fuse->item[item->operand[k].item];
    if (item_is_source(base) || base->stored) continue;
    if (base->kind == ITEM_ROW)
      base->stored = true;
    else
      recompute(fuse, base);
  }
}

static void choose_stored(Fuse *fuse) {
  for (int i = 0; i < fuse->items; i++) {
    Item *item = &fuse->item[i];
    if (item_is_source(item) || !item_is_inner(item)) continue;
    item_cost(fuse, item);
    if (item->stored) continue;
    bool wanted = false;
    for (int k = fuse->use_start[i]; k < fuse->use_start[i + 1] && !wanted; k++)
      wanted = fuse->item[fuse->use[k]].work != item->work;
    if (!wanted) continue;
    bool again = item->kind == ITEM_MAP && item->cost <= RECOMPUTE_MOST;
    if (again)
      recompute(fuse, item);
    else
      item->stored = true;
  }
}

/* ---- loops ------------------------------------------------------------------------------------------------------------ */

static void work_halve(Fuse *fuse, int number) {
  work_new(fuse, fuse->work[number].level, false);
  Work *work = &fuse->work[number], *second = &fuse->work[fuse->works - 1];
  assert(work->items > 1 && work->high - work->low > 1 && "fuse: one item fills a loop");
  int kept = work->items / 2;
  second->low = work->low + (work->high - work->low) / 2;
  second->high = work->high;
  work->high = second->low;
  second->item = work->item + kept;
  second->items = work->items - kept;
  work->items = kept;
  for (int i = 0; i < second->items; i++) fuse->item[second->item[i]].work = fuse->works - 1;
}

/* Makes all loops; false if some were too long and have been halved. */
static bool make_loops(Fuse *fuse) {
  bool fit = true;
  for (int i = 0; i < fuse->works; i++)
    if (item_is_inner(&fuse->item[fuse->work[i].item[0]])) work_loop(fuse, &fuse->work[i]);
  for (int i = fuse->works - 1; i >= 0; i--)
    if (fuse->work[i].full) {
      fuse->work[i].full = fit = false;
      work_halve(fuse, i);
    }
  return fit;
}

static void kernel_places(Fuse *fuse, Work *work) {
  const Item *item = &fuse->item[work->item[0]];
  work->places = item->operands + 1;
  work->place = ARENA_ARRAY(fuse->arena, PlaceUse, work->places);
  work->place[0] = (PlaceUse){.item = work->item[0]};
  for (int k = 0; k < item->operands; k++)
    work->place[k + 1] = (PlaceUse){.item = item->operand[k].item, .offset = item->operand[k].offset};
}

static int work_compare(const void *first, const void *second) {
  const Work *a = first, *b = second;
  if (a->level != b->level) return a->level < b->level ? -1 : 1;
  if (a->low != b->low) return a->low < b->low ? -1 : 1;
  return a->item[0] < b->item[0] ? -1 : 1;
}

/* Does the loop make anything? Sums over nothing are numbers, so one without rows does not. */
static bool loop_does_work(const Loop *loop) {
  bool works = loop->count > 0 && loop->row > 0;
  for (int d = 0; d < loop->rank; d++) works = works && loop->extent[d] > 0;
  return works;
}

/* Works in order; loops that make nothing are dropped. */
static void sort_works(Fuse *fuse) {
  int count = 0;
  for (int i = 0; i < fuse->items; i++) fuse->item[i].work = -1;
  for (int i = 0; i < fuse->works; i++) {
    Work *work = &fuse->work[i];
    bool kernel = fuse->item[work->item[0]].kind == ITEM_KERNEL;
    if (kernel) kernel_places(fuse, work);
    if (kernel || loop_does_work(work->loop)) fuse->work[count++] = *work;
  }
  fuse->works = count;
  if (count > 0) qsort(fuse->work, (size_t)count, sizeof(Work), work_compare);
  for (int i = 0; i < count; i++)
    for (int k = 0; k < fuse->work[i].items; k++) fuse->item[fuse->work[i].item[k]].work = i;
}

void fuse_works(Fuse *fuse) {
  find_uses(fuse);
  find_assigned(fuse);
  items_levels(fuse);
  if (fuse->fuse) {
    delay_assigned(fuse);
    sink_maps(fuse);
  }
  make_works(fuse);
  fuse->inst_of = ARENA_ARRAY(fuse->arena, int, fuse->items + 1);
  memset(fuse->inst_of, -1, sizeof(int) * (size_t)fuse->items);
  do {
    choose_stored(fuse);
  } while (!make_loops(fuse));
  sort_works(fuse);
}
