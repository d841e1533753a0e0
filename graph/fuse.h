/* What the files that make a plan share: a bound graph as items, and items as works.
 *
 * An item is a value that somebody computes: views have become strides, a padding or a concat a join whose parts
 * are copied into it. A work is what becomes one step: a kernel, or the items of one loop. graph/items.c makes
 * the items, graph/fuse.c the works, graph/loop_build.c their loops, graph/memory.c says where values lie, and
 * graph/schedule.c calls them in turn.
 *
 * A space is a shape without its dims of 1. An item runs over its space: as a strip, once an element, or as a
 * scalar, once a row. Numbers of an item's value lie in row-major order, whatever its space. */
#ifndef GRAPH_FUSE_H
#define GRAPH_FUSE_H

#include "graph/plan.h"

typedef struct {
  int rank;
  int64_t size[MAX_RANK], count;
  int next; // space with the same hash, or -1
} Space;

/* Where an element of one thing lies in another: offset + sum of stride[i] * position[i], in elements. */
typedef struct {
  int item;
  bool open; // of operands: the value may stay in a register, both run over the same space
  int64_t offset, stride[MAX_RANK];
} View;

typedef enum {
  ITEM_NUMBER, // a constant or an extent
  ITEM_INDEX,
  ITEM_RANDOM,
  ITEM_READ,
  ITEM_MAP,
  ITEM_COPY, // of its operand: a view made real, or a part of a join
  ITEM_ROW,  // reduction along the row
  ITEM_OUTER,
  ITEM_KERNEL, // scan and branch, too: their memory holds all results
  ITEM_JOIN,   // memory that its parts fill
  ITEM_PART,   // a result: lies in the memory of the scan or branch that gives it
} ItemKind;

typedef struct {
  ItemKind kind;
  OpCode op;
  DType dtype;
  const Node *node;
  int64_t count; // numbers of its value
  double number; // NUMBER
  int64_t whole; // NUMBER
  int space;
  bool scalar;   // one number a row of the space: not of the reduction itself but of all that follow
  bool uniform;  // a map of numbers alone: written into every loop that wants it
  bool terminal; // its value is there only when the loop has run
  bool stored;   // it lies in memory
  bool transposed[2];
  unsigned reduced; // OUTER: bit d: dim d of the space
  int operands;
  View *operand;      // strides over the space; of kernels over nothing: only item and offset count
  View store;         // where it lies in its home, over the space
  int home;           // the item whose memory it lies in: itself, or a join
  int level;          // works are run level by level
  int cost;           // of making it again from what is stored
  int work;           // -1: none, as for sources and joins
  int block;          // memory
  Variable *variable; // whose memory it lies in; of READ: the variable
  int assigned;       // READ: the output of the graph that assigns its variable, or -1
  int first, last;    // lifetime: works
  int64_t offset;     // in the arena, in bytes
} Item;

/* A place of a step, before memory is given: an item's value, from an element on. */
typedef struct {
  int item;
  int64_t offset;
} PlaceUse;

typedef struct {
  int level;
  int64_t low, high; // order within the level; works that were one are halves of an interval
  int *item;         // ascending
  int items;
  bool full;  // its loop would be too long
  Loop *loop; // NULL: a kernel
  PlaceUse *place;
  int places;
} Work;

/* What becomes of an output of the graph. */
typedef struct {
  int item;
  int64_t offset; // in elements
  bool direct;    // ASSIGN: the item is made in the variable's memory
} OutputUse;

typedef struct {
  Graph *graph;
  Arena *arena; // gone when the plan is made
  bool fuse;
  Item *item;
  int items;
  size_t item_capacity;
  View *view;  // of each node, over its axes
  int *copied; // of each node: the item that makes the view real, or -1
  OutputUse *output;
  Space *space;
  int spaces;
  size_t space_capacity;
  int *inst_of;         // of each item: its instruction in the loop that is being made, or -1
  int *bucket;          // of spaces
  int *use_start, *use; // users of each item: use[use_start[i] … use_start[i + 1])
  Work *work;
  int works;
  size_t work_capacity;
} Fuse;

bool item_is_source(const Item *item); // made anew wherever it is wanted
bool item_is_inner(const Item *item);  // lives in loops

/* Row-major strides over the dims of a space; over all but the last, which gets 0, if `scalar`. */
void space_strides(const Space *space, bool scalar, int64_t *stride);

void fuse_items(Fuse *fuse);            // nodes to items
void fuse_works(Fuse *fuse);            // items to works, in order, with loops
void work_loop(Fuse *fuse, Work *work); // fills work->loop and place, or sets work->full
int64_t plan_memory(Fuse *fuse);        // where items lie; gives the bytes of the arena

#endif
