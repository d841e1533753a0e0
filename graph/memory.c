/* Where values lie: lifetimes, variables written in place, and offsets in one arena.
 *
 * A value lives from the work that makes it to the last that reads it; outputs live on. The new value of a
 * variable is made in the variable's own memory if whoever reads the old one has run by then, or reads just the
 * element that is written next. A result takes the memory of an operand that ends there under the same condition.
 * What is left gets offsets: the largest first, each the lowest that is free. */
#include "graph/fuse.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define ALIGNMENT 64

typedef struct {
  int first, last;
  int64_t bytes, offset;
} Block;

/* A read of a variable that will be assigned. */
typedef struct {
  int next; // of the same variable, or -1
  int work;
  const Access *access; // NULL: by a kernel
} OldRead;

typedef struct {
  Fuse *fuse;
  Block *block;
  int blocks;
  size_t block_capacity;
  OldRead *read;
  int reads;
  size_t read_capacity;
  int *first_read; // of each output of the graph, or -1
} Memory;

static Item *item_root(Fuse *fuse, int item) { return &fuse->item[fuse->item[item].home]; }

static int64_t item_bytes(const Item *item) { return item->count * (int64_t)dtype_size(item->dtype); }

static bool access_same(const Access *a, const Access *b) {
  return memcmp(a->step, b->step, sizeof a->step) == 0 && a->stride == b->stride && a->offset == b->offset &&
         dtype_size(a->dtype) == dtype_size(b->dtype);
}

static bool inst_writes(const Inst *inst) {
  return inst->kind == LOOP_STORE || inst->kind == LOOP_ACCUMULATE;
}

/* ---- lifetimes ---------------------------------------------------------------------------------------------- */

static void value_written(Memory *memory, int number, int work) {
  Item *item = item_root(memory->fuse, number);
  if (item->first < 0 || item->first > work) item->first = work;
  if (item->last < work) item->last = work;
}

static void value_read(Memory *memory, int number, int work, const Access *access) {
  Item *item = item_root(memory->fuse, number);
  if (item->last < work) item->last = work;
  if (item->kind != ITEM_READ || item->assigned < 0) return;
  memory->read = arena_grow(memory->fuse->arena, memory->read, (size_t)memory->reads, &memory->read_capacity,
                            sizeof(OldRead));
  int *first = &memory->first_read[item->assigned];
  memory->read[memory->reads] = (OldRead){.next = *first, .work = work, .access = access};
  *first = memory->reads++;
}

static void find_lifetimes(Memory *memory) {
  Fuse *fuse = memory->fuse;
  for (int i = 0; i < fuse->items; i++) fuse->item[i].first = fuse->item[i].last = -1;
  for (int w = 0; w < fuse->works; w++) {
    const Work *work = &fuse->work[w];
    for (int k = 0; !work->loop && k < work->places; k++) {
      if (k == 0)
        value_written(memory, work->place[k].item, w);
      else
        value_read(memory, work->place[k].item, w, NULL);
    }
    for (int i = 0; work->loop && i < work->loop->count; i++) {
      const Inst *inst = &work->loop->code[i];
      if (inst->access < 0 || work->loop->access[inst->access].place < 0) continue;
      const Access *access = &work->loop->access[inst->access];
      if (inst_writes(inst))
        value_written(memory, work->place[access->place].item, w);
      else
        value_read(memory, work->place[access->place].item, w, access);
    }
  }
}

/* ---- variables ------------------------------------------------------------------------------------------------ */

/* The store that makes the item; NULL if it is a kernel or a sum that stands only when its loop has run. */
static const Access *item_store(const Fuse *fuse, int number) {
  const Work *work = &fuse->work[fuse->item[number].work];
  for (int i = 0; work->loop && i < work->loop->count; i++) {
    const Inst *inst = &work->loop->code[i];
    if (inst->kind == LOOP_STORE && work->place[work->loop->access[inst->access].place].item == number)
      return &work->loop->access[inst->access];
  }
  return NULL;
}

static bool may_be_direct(const Memory *memory, int index) {
  const Fuse *fuse = memory->fuse;
  const OutputUse *use = &fuse->output[index];
  const Item *item = &fuse->item[use->item];
  const Variable *variable = fuse->graph->output[index].variable;
  if (item->work < 0 || item->home != use->item || item->variable || use->offset != 0) return false;
  if (item->dtype != variable->type.dtype || item->count != type_count(&variable->type)) return false;
  const Access *store = item_store(fuse, use->item);
  for (int i = memory->first_read[index]; i >= 0; i = memory->read[i].next) {
    const OldRead *read = &memory->read[i];
    bool same = read->work == item->work && store && read->access && access_same(store, read->access);
    if (read->work >= item->work && !same) return false;
  }
  return true;
}

static void place_outputs(Memory *memory) {
  Fuse *fuse = memory->fuse;
  for (int i = 0; i < fuse->graph->outputs; i++) {
    OutputUse *use = &fuse->output[i];
    use->direct = fuse->graph->output[i].kind == OUTPUT_ASSIGN && may_be_direct(memory, i);
    if (use->direct) fuse->item[use->item].variable = fuse->graph->output[i].variable;
    item_root(fuse, use->item)->last = fuse->works;
  }
}

/* ---- blocks ---------------------------------------------------------------------------------------------------- */

static void block_new(Memory *memory, Item *item) {
  memory->block = arena_grow(memory->fuse->arena, memory->block, (size_t)memory->blocks,
                             &memory->block_capacity, sizeof(Block));
  int64_t bytes = (item_bytes(item) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  memory->block[memory->blocks] = (Block){.first = item->first, .last = item->last, .bytes = bytes};
  item->block = memory->blocks++;
}

/* An operand of the loop that ends here and whose memory `item`, stored through `store`, may take; or NULL. */
static Item *operand_replaced(Memory *memory, int w, const Item *item, const Access *store) {
  Fuse *fuse = memory->fuse;
  const Work *work = &fuse->work[w];
  for (int p = 0; p < work->places; p++) {
    Item *old = &fuse->item[work->place[p].item];
    if (old->block < 0 || old->last != w || old->first >= w || old->home != work->place[p].item) continue;
    if (item_bytes(old) != item_bytes(item) || memory->block[old->block].last != w) continue;
    bool same = true;
    for (int k = 0; k < work->places; k++)
      same = same && (k == p || item_root(fuse, work->place[k].item) != old);
    for (int i = 0; i < work->loop->count && same; i++) {
      const Inst *inst = &work->loop->code[i];
      if (inst->access < 0 || work->loop->access[inst->access].place != p) continue;
      same = !inst_writes(inst) && access_same(store, &work->loop->access[inst->access]);
    }
    if (same) return old;
  }
  return NULL;
}

static void make_blocks(Memory *memory) {
  Fuse *fuse = memory->fuse;
  for (int w = 0; w < fuse->works; w++) {
    const Work *work = &fuse->work[w];
    for (int i = 0; i < (work->loop ? work->loop->count : 1); i++) {
      const Inst *inst = work->loop ? &work->loop->code[i] : NULL;
      if (inst && !inst_writes(inst)) continue;
      const Access *access = inst ? &work->loop->access[inst->access] : NULL;
      int number = work->place[access ? access->place : 0].item;
      Item *item = item_root(fuse, number), *old = NULL;
      if (item->variable || item->block >= 0) continue;
      /* What nobody reads replaces nothing: the memory would seem free for a second value. */
      bool replaces = inst && inst->kind == LOOP_STORE && !inst->partial && item->last > w;
      if (replaces) old = operand_replaced(memory, w, item, access);
      if (old) {
        item->block = old->block;
        memory->block[old->block].last = item->last;
      } else {
        block_new(memory, item);
      }
    }
  }
}

static int block_compare(const void *first, const void *second) {
  const Block *a = *(Block *const *)first, *b = *(Block *const *)second;
  if (a->bytes != b->bytes) return a->bytes > b->bytes ? -1 : 1;
  if (a->first != b->first) return a->first < b->first ? -1 : 1;
  return a < b ? -1 : a > b;
}

/* Gives every block an offset; `placed` is kept sorted by it. */
static int64_t give_offsets(Memory *memory) {
  Block **order = ARENA_ARRAY(memory->fuse->arena, Block *, memory->blocks + 1);
  Block **placed = ARENA_ARRAY(memory->fuse->arena, Block *, memory->blocks + 1);
  int64_t end = 0;
  for (int i = 0; i < memory->blocks; i++) order[i] = &memory->block[i];
  if (memory->blocks > 0) qsort(order, (size_t)memory->blocks, sizeof *order, block_compare);
  for (int i = 0; i < memory->blocks; i++) {
    Block *block = order[i];
    int at = 0;
    for (int k = 0; k < i; k++) {
      const Block *other = placed[k];
      if (other->first > block->last || other->last < block->first) continue;
      if (other->offset - block->offset >= block->bytes) break;
      if (other->offset + other->bytes > block->offset) block->offset = other->offset + other->bytes;
    }
    while (at < i && placed[at]->offset <= block->offset) at++;
    memmove(&placed[at + 1], &placed[at], sizeof *placed * (size_t)(i - at));
    placed[at] = block;
    if (block->offset + block->bytes > end) end = block->offset + block->bytes;
  }
  return end;
}

int64_t plan_memory(Fuse *fuse) {
  Memory memory = {.fuse = fuse, .first_read = ARENA_ARRAY(fuse->arena, int, fuse->graph->outputs + 1)};
  memset(memory.first_read, -1, sizeof(int) * (size_t)fuse->graph->outputs);
  find_lifetimes(&memory);
  place_outputs(&memory);
  make_blocks(&memory);
  int64_t bytes = give_offsets(&memory);
  for (int i = 0; i < fuse->items; i++)
    if (fuse->item[i].block >= 0) fuse->item[i].offset = memory.block[fuse->item[i].block].offset;
  return bytes;
}
