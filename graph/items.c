/* Nodes to items: views become strides, and every item gets the space it runs over.
 *
 * Each node has a view: an item and an affine function from the node's axes to the item's numbers. A view of a
 * view is a view; only a reshape that no strides can express makes its input real first, by a copy. A map runs
 * over its shape, or over the space of one of its operands when all its views can be written over that: so maps on
 * both sides of a reshape meet in one loop, and maps of a row's sums join the loop of the rows as scalars. */
#include "graph/fuse.h"

#include "graph/control.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define SPACE_BUCKETS 1024
#define UNIFORM_MOST  16 // cost of a map of numbers that is still written out in every loop

bool item_is_source(const Item *item) { return item->kind <= ITEM_READ || item->uniform; }
bool item_is_inner(const Item *item) { return item->kind >= ITEM_MAP && item->kind <= ITEM_OUTER; }

/* ---- spaces ----------------------------------------------------------------------------------------------- */

static int space_intern(Fuse *fuse, Space space) {
  uint64_t hash = 0;
  space.count = 1;
  for (int i = 0; i < space.rank; i++) {
    space.count *= space.size[i];
    hash = (hash ^ (uint64_t)space.size[i]) * 0x9e3779b97f4a7c15u;
  }
  int *bucket = &fuse->bucket[hash >> 54];
  for (int i = *bucket; i >= 0; i = fuse->space[i].next)
    if (fuse->space[i].rank == space.rank && memcmp(fuse->space[i].size, space.size, sizeof space.size) == 0)
      return i;
  space.next = *bucket;
  fuse->space =
      arena_grow(fuse->arena, fuse->space, (size_t)fuse->spaces, &fuse->space_capacity, sizeof(Space));
  fuse->space[fuse->spaces] = space;
  return *bucket = fuse->spaces++;
}

static int space_of(Fuse *fuse, const Type *type) {
  Space space = {.rank = 0};
  for (int i = 0; i < type->rank; i++)
    if (type_size(type, i) != 1) space.size[space.rank++] = type_size(type, i);
  return space_intern(fuse, space);
}

void space_strides(const Space *space, bool scalar, int64_t *stride) {
  int rank = space->rank - (scalar && space->rank > 0);
  memset(stride, 0, sizeof(int64_t) * MAX_RANK);
  int64_t step = 1;
  for (int i = rank - 1; i >= 0; i--) {
    stride[i] = step;
    step *= space->size[i];
  }
}

/* Strides over dims `to` for what has `stride` over dims `from`, as many elements in the same order; false if
 * there are none. */
static bool strides_reshape(int from_rank, const int64_t *from, const int64_t *stride, int to_rank,
                            const int64_t *to, int64_t *result) {
  int64_t size[MAX_RANK], step[MAX_RANK], made[MAX_RANK] = {0}, count = 1;
  int blocks = 0;
  for (int i = 0; i < from_rank; i++) {
    count *= from[i];
    if (from[i] == 1) continue;
    if (blocks > 0 && step[blocks - 1] == stride[i] * from[i]) {
      size[blocks - 1] *= from[i];
      step[blocks - 1] = stride[i];
    } else {
      size[blocks] = from[i];
      step[blocks++] = stride[i];
    }
  }
  int64_t left = 1, at = 0;
  for (int i = to_rank - 1; i >= 0 && count > 0; i--) {
    if (to[i] == 1) continue;
    if (left == 1) {
      left = size[--blocks];
      at = step[blocks];
    }
    if (left % to[i] != 0) return false;
    made[i] = at;
    at *= to[i];
    left /= to[i];
  }
  memcpy(result, made, sizeof made);
  return true;
}

/* ---- views of nodes ------------------------------------------------------------------------------------------ */

static void type_sizes(const Type *type, int64_t *size) {
  for (int i = 0; i < type->rank; i++) size[i] = type_size(type, i);
}

static View view_whole(int item, const Type *type) {
  View view = {.item = item};
  int64_t step = 1;
  for (int i = type->rank - 1; i >= 0; i--) {
    int64_t size = type_size(type, i);
    view.stride[i] = size == 1 ? 0 : step;
    step *= size;
  }
  return view;
}

/* Are the numbers contiguous, in row-major order of the axes? */
static bool view_is_row_major(const View *view, const Type *type) {
  View whole = view_whole(view->item, type);
  return type_count(type) == 0 || memcmp(whole.stride, view->stride, sizeof whole.stride) == 0;
}

/* The view over the dims of the type's space. */
static View view_over_space(const View *view, const Type *type) {
  View result = {.item = view->item, .offset = view->offset};
  int rank = 0;
  for (int i = 0; i < type->rank; i++)
    if (type_size(type, i) != 1) result.stride[rank++] = view->stride[i];
  return result;
}

static Item *item_new(Fuse *fuse, ItemKind kind, const Node *node) {
  fuse->item = arena_grow(fuse->arena, fuse->item, (size_t)fuse->items, &fuse->item_capacity, sizeof(Item));
  Item *item = &fuse->item[fuse->items];
  *item = (Item){.kind = kind,
                 .op = node->op,
                 .dtype = node->type.dtype,
                 .node = node,
                 .count = type_count(&node->type),
                 .space = space_of(fuse, &node->type),
                 .home = fuse->items,
                 .work = -1,
                 .block = -1};
  item->store.item = fuse->items++;
  return item;
}

static int item_number(const Fuse *fuse, const Item *item) { return (int)(item - fuse->item); }

/* ---- the space of an item ------------------------------------------------------------------------------------- */

/* Rewrites all views of an item over the dims of `space` (all but the last, if `scalar`); false if one cannot be. */
static bool item_move(Fuse *fuse, Item *item, int space, bool scalar) {
  const Space *from = &fuse->space[item->space], *to = &fuse->space[space];
  int rank = to->rank - scalar;
  View moved[4];
  assert(item->operands <= 3);
  for (int k = 0; k <= item->operands; k++) {
    moved[k] = k < item->operands ? item->operand[k] : item->store;
    if (!strides_reshape(from->rank, from->size, moved[k].stride, rank, to->size, moved[k].stride))
      return false;
  }
  for (int k = 0; k < item->operands; k++) item->operand[k] = moved[k];
  item->store = moved[item->operands];
  item->space = space;
  item->scalar = scalar;
  return true;
}

static bool view_is_flat(const Space *space, const View *view) {
  int64_t stride[MAX_RANK];
  space_strides(space, false, stride);
  return view->offset == 0 && memcmp(stride, view->stride, sizeof stride) == 0;
}

/* May the value of this item be used in the loop that makes it? */
static bool item_flows(const Item *item) {
  return item->kind >= ITEM_MAP && item->kind <= ITEM_ROW && !item->uniform && !item->terminal;
}

typedef enum { CANDIDATE_SCALAR, CANDIDATE_OWN, CANDIDATE_OTHER, CANDIDATES } Candidate;

/* The space that operand k proposes, and how much it is wanted; -1: none. */
static int operand_proposes(const Fuse *fuse, const Item *item, int k, Candidate wanted) {
  const View *view = &item->operand[k];
  const Item *base = &fuse->item[view->item];
  const Space *own = &fuse->space[item->space];
  if (!item_flows(base) || own->count == 0) return -1;
  bool of_rows = base->scalar || base->kind == ITEM_ROW;
  bool flat = base->count == own->count && view_is_flat(own, view);
  if (wanted == CANDIDATE_SCALAR) return flat && of_rows && item->kind != ITEM_ROW ? base->space : -1;
  bool fits = of_rows ? fuse->space[base->space].count == own->count : flat;
  if (!fits || (wanted == CANDIDATE_OWN) != (base->space == item->space)) return -1;
  const Space *other = &fuse->space[base->space];
  if (item->kind == ITEM_ROW && other->size[other->rank - 1] != own->size[own->rank - 1]) return -1;
  return base->space;
}

static void item_choose_space(Fuse *fuse, Item *item) {
  for (int wanted = 0; wanted < CANDIDATES && fuse->fuse; wanted++)
    for (int k = 0; k < item->operands; k++) {
      int space = operand_proposes(fuse, item, k, (Candidate)wanted);
      if (space < 0) continue;
      if (wanted == CANDIDATE_OWN || item_move(fuse, item, space, wanted == CANDIDATE_SCALAR)) return;
    }
}

static bool operand_is_open(const Fuse *fuse, const Item *item, const View *view) {
  const Item *base = &fuse->item[view->item];
  bool of_rows = base->scalar || base->kind == ITEM_ROW;
  if (!fuse->fuse || !item_flows(base) || base->space != item->space || (item->scalar && !of_rows))
    return false;
  int64_t stride[MAX_RANK];
  space_strides(&fuse->space[item->space], of_rows, stride);
  return view->offset == 0 && memcmp(stride, view->stride, sizeof stride) == 0;
}

/* Knows what each operand is; those that cannot come in a register are stored. */
static void item_close(Fuse *fuse, Item *item) {
  for (int k = 0; k < item->operands; k++) {
    View *view = &item->operand[k];
    Item *base = &fuse->item[view->item];
    view->open = operand_is_open(fuse, item, view);
    if (!view->open && !item_is_source(base)) base->stored = true;
  }
}

static void item_store_whole(Fuse *fuse, Item *item) {
  space_strides(&fuse->space[item->space], item->scalar, item->store.stride);
}

/* ---- copies and numbers ------------------------------------------------------------------------------------------ */

static int copy_new(Fuse *fuse, const Node *node, const View *view) {
  View operand = view_over_space(view, &node->type);
  Item *item = item_new(fuse, ITEM_COPY, node);
  item->operands = 1;
  item->operand = ARENA_ARRAY(fuse->arena, View, 1);
  item->operand[0] = operand;
  item->stored = true;
  item_store_whole(fuse, item);
  item_close(fuse, item);
  return item_number(fuse, item);
}

/* The item that has this node's numbers in row-major order: that of its view, or a copy. */
static int node_copy(Fuse *fuse, const Node *node) {
  if (fuse->copied[node->id] < 0) {
    View view = fuse->view[node->id];
    fuse->copied[node->id] = copy_new(fuse, node, &view);
  }
  return fuse->copied[node->id];
}

/* A contiguous row-major value of the node in memory. */
static View node_in_memory(Fuse *fuse, const Node *node, bool of_variable) {
  const View *view = &fuse->view[node->id];
  Item *base = &fuse->item[view->item];
  bool real = base->kind == ITEM_READ ? of_variable : !item_is_source(base);
  if (!real || !view_is_row_major(view, &node->type)) return view_whole(node_copy(fuse, node), &node->type);
  base->stored = base->kind != ITEM_READ;
  return *view;
}

static Item *number_new(Fuse *fuse, const Node *node, double number, int64_t whole) {
  Item *item = item_new(fuse, ITEM_NUMBER, node);
  item->space = space_of(fuse, &(Type){.rank = 0});
  item->count = 1;
  item->number = number;
  item->whole = whole;
  return item;
}

/* What a reduction over nothing gives. */
static Item *start_new(Fuse *fuse, const Node *node) {
  static const int64_t lowest[DTYPE_COUNT] = {[DTYPE_I32] = INT32_MIN, [DTYPE_I64] = INT64_MIN};
  static const int64_t highest[DTYPE_COUNT] = {
      [DTYPE_BOOL] = 1, [DTYPE_U8] = UINT8_MAX, [DTYPE_I32] = INT32_MAX, [DTYPE_I64] = INT64_MAX};
  if (node->op == OP_REDUCE_SUM) return number_new(fuse, node, 0, 0);
  bool top = node->op == OP_REDUCE_MIN;
  return number_new(fuse, node, top ? (double)INFINITY : -(double)INFINITY,
                    (top ? highest : lowest)[node->type.dtype]);
}

/* ---- one node at a time -------------------------------------------------------------------------------------------- */

typedef void AddNode(Fuse *fuse, const Node *node);

static void add_map(Fuse *fuse, const Node *node) {
  if (node->op == OP_STOP) {
    fuse->view[node->id] = fuse->view[node->src[0]->id];
    return;
  }
  View *operand = ARENA_ARRAY(fuse->arena, View, node->nsrc);
  bool uniform = fuse->fuse;
  int cost = 1;
  for (int k = 0; k < node->nsrc; k++) {
    operand[k] = view_over_space(&fuse->view[node->src[k]->id], &node->src[k]->type);
    const Item *base = &fuse->item[operand[k].item];
    uniform = uniform && (base->kind == ITEM_NUMBER || base->uniform);
    cost += base->kind == ITEM_NUMBER ? 1 : base->cost;
  }
  Item *item = item_new(fuse, ITEM_MAP, node);
  item->operands = node->nsrc;
  item->operand = operand;
  item->uniform = uniform && cost <= UNIFORM_MOST;
  if (item->uniform) {
    item->cost = cost;
    item->count = 1;
    item->space = space_of(fuse, &(Type){.rank = 0});
    fuse->view[node->id] = (View){.item = item_number(fuse, item)};
    for (int k = 0; k < item->operands; k++) memset(operand[k].stride, 0, sizeof operand[k].stride);
    return;
  }
  item_store_whole(fuse, item);
  item_choose_space(fuse, item);
  item_close(fuse, item);
  fuse->view[node->id] = view_whole(item_number(fuse, item), &node->type);
}

static void add_source(Fuse *fuse, const Node *node) {
  static const ItemKind kind_of[] = {[OP_INDEX - OP_CONSTANT] = ITEM_INDEX,
                                     [OP_RANDOM - OP_CONSTANT] = ITEM_RANDOM,
                                     [OP_READ - OP_CONSTANT] = ITEM_READ};
  Item *item;
  if (node->op == OP_CONSTANT) {
    item = number_new(fuse, node, node->attr.number, node->attr.whole);
  } else if (node->op == OP_EXTENT) {
    item = number_new(fuse, node, 0, dim_number(node->attr.dim[0]));
  } else {
    item = item_new(fuse, kind_of[node->op - OP_CONSTANT], node);
  }
  item->variable = node->op == OP_READ ? node->attr.variable : NULL;
  View view = view_whole(item_number(fuse, item), &node->type);
  if (node->op == OP_INDEX) {
    int axis = node->attr.axis[0];
    memset(view.stride, 0, sizeof view.stride);
    view.stride[axis] = type_size(&node->type, axis) != 1;
  }
  fuse->view[node->id] = view;
}

/* The reduced dims of the space of a reduction's input, as bits. */
static unsigned dims_reduced(const Node *node, bool *empty) {
  const Type *input = &node->src[0]->type;
  unsigned reduced = 0;
  for (int i = 0, dim = 0; i < input->rank; i++) {
    if (type_size(input, i) == 1) continue;
    for (int k = 0; k < node->attr.axes; k++) {
      if (node->attr.axis[k] != i) continue;
      reduced |= 1u << dim;
      *empty = *empty || type_size(input, i) == 0;
    }
    dim++;
  }
  return reduced;
}

/* A reduction over dims that do not form the row. If the row itself is of size 1, the space keeps it. */
static void outer_init(Fuse *fuse, Item *item, unsigned reduced) {
  Space space = fuse->space[item->space];
  if (reduced >> (space.rank - 1) & 1) {
    space.size[space.rank++] = 1;
    item->space = space_intern(fuse, space);
  }
  int64_t step = 1;
  for (int i = space.rank - 1; i >= 0; i--) {
    if (reduced >> i & 1) continue;
    item->store.stride[i] = space.size[i] == 1 ? 0 : step;
    step *= space.size[i];
  }
  item->reduced = reduced;
  item->terminal = item->stored = true;
}

static void add_reduce(Fuse *fuse, const Node *node) {
  const Node *src = node->src[0];
  View operand = view_over_space(&fuse->view[src->id], &src->type);
  bool empty = false;
  unsigned reduced = dims_reduced(node, &empty);
  if (reduced == 0) {
    fuse->view[node->id] = fuse->view[src->id];
    return;
  }
  if (empty) {
    Item *item = start_new(fuse, node);
    fuse->view[node->id] = (View){.item = item_number(fuse, item)};
    return;
  }
  int space = space_of(fuse, &src->type);
  int rank = fuse->space[space].rank;
  bool row = reduced == 1u << (rank - 1);
  Item *item = item_new(fuse, row ? ITEM_ROW : ITEM_OUTER, node);
  item->space = space;
  item->operands = 1;
  item->operand = ARENA_ARRAY(fuse->arena, View, 1);
  item->operand[0] = operand;
  if (row) {
    space_strides(&fuse->space[space], true, item->store.stride);
    item_choose_space(fuse, item);
    item->terminal = fuse->space[space].size[rank - 1] > LOOP_WIDE;
  } else {
    outer_init(fuse, item, reduced);
  }
  item_close(fuse, item);
  fuse->view[node->id] = view_whole(item_number(fuse, item), &node->type);
}

static void add_reshape(Fuse *fuse, const Node *node) {
  const Node *src = node->src[0];
  int64_t from[MAX_RANK], to[MAX_RANK];
  type_sizes(&src->type, from);
  type_sizes(&node->type, to);
  View view = fuse->view[src->id];
  if (!strides_reshape(src->type.rank, from, view.stride, node->type.rank, to, view.stride))
    view = view_whole(node_copy(fuse, src), &node->type);
  fuse->view[node->id] = view;
}

static void add_permute(Fuse *fuse, const Node *node) {
  View view = fuse->view[node->src[0]->id], from = view;
  for (int i = 0; i < node->type.rank; i++) view.stride[i] = from.stride[node->attr.axis[i]];
  fuse->view[node->id] = view;
}

static void add_same(Fuse *fuse, const Node *node) { fuse->view[node->id] = fuse->view[node->src[0]->id]; }

static void add_slice(Fuse *fuse, const Node *node) {
  View view = fuse->view[node->src[0]->id];
  int axis = node->attr.axis[0];
  int64_t size = type_size(&node->type, axis);
  if (type_count(&node->type) > 0) view.offset += view.stride[axis] * dim_number(node->attr.dim[0]);
  view.stride[axis] = size == 1 ? 0 : view.stride[axis] * node->attr.whole;
  fuse->view[node->id] = view;
}

static void add_flip(Fuse *fuse, const Node *node) {
  View view = fuse->view[node->src[0]->id];
  int axis = node->attr.axis[0];
  int64_t size = type_size(&node->type, axis);
  if (type_count(&node->type) > 0) view.offset += view.stride[axis] * (size - 1);
  view.stride[axis] = -view.stride[axis];
  fuse->view[node->id] = view;
}

/* Copies `view`, which has the node's shape but for `size` elements along `axis`, into the join from `start` on. */
static void join_part(Fuse *fuse, int join, const View *view, int axis, int64_t start, int64_t size) {
  const Node *node = fuse->item[join].node;
  View whole = view_whole(join, &node->type);
  int64_t step = 1; // of the axis in memory
  for (int i = axis + 1; i < node->type.rank; i++) step *= type_size(&node->type, i);
  Type type = node->type;
  type.size[axis] = dim_of(size);
  if (type_count(&type) == 0) return;
  for (int i = 0; i < type.rank; i++) whole.stride[i] = type_size(&type, i) == 1 ? 0 : whole.stride[i];
  whole.offset = step * start;
  Item *base = &fuse->item[view->item];
  if (base->kind == ITEM_KERNEL && base->home == view->item && view->offset == 0 && view->item < join &&
      base->count == type_count(&type) && view_is_row_major(view, &type) &&
      view_is_row_major(&whole, &type)) {
    base->home = join;
    base->store.offset = whole.offset;
    return;
  }
  View operand = view_over_space(view, &type);
  Item *item = item_new(fuse, ITEM_COPY, node);
  item->space = space_of(fuse, &type);
  item->count = type_count(&type);
  item->home = join;
  item->stored = true;
  item->store = view_over_space(&whole, &type);
  item->operands = 1;
  item->operand = ARENA_ARRAY(fuse->arena, View, 1);
  item->operand[0] = operand;
  item_choose_space(fuse, item);
  item_close(fuse, item);
}

static int join_new(Fuse *fuse, const Node *node) {
  Item *item = item_new(fuse, ITEM_JOIN, node);
  item->stored = true;
  fuse->view[node->id] = view_whole(item_number(fuse, item), &node->type);
  return item_number(fuse, item);
}

static void add_concat(Fuse *fuse, const Node *node) {
  int join = join_new(fuse, node), axis = node->attr.axis[0];
  int64_t start = 0;
  for (int k = 0; k < node->nsrc; k++) {
    int64_t size = type_size(&node->src[k]->type, axis);
    View view = fuse->view[node->src[k]->id];
    join_part(fuse, join, &view, axis, start, size);
    start += size;
  }
}

static void add_pad(Fuse *fuse, const Node *node) {
  int axis = node->attr.axis[0];
  int64_t front = dim_number(node->attr.dim[0]), back = dim_number(node->attr.dim[1]);
  int64_t size = type_size(&node->src[0]->type, axis);
  int64_t whole = dtype_is_float(node->type.dtype) ? 0 : (int64_t)node->attr.number;
  View filler = {.item = item_number(fuse, number_new(fuse, node, node->attr.number, whole))};
  int join = join_new(fuse, node);
  View view = fuse->view[node->src[0]->id];
  join_part(fuse, join, &filler, axis, 0, front);
  join_part(fuse, join, &view, axis, front, size);
  join_part(fuse, join, &filler, axis, front + size, back);
}

/* Operands of kernels are contiguous; a product takes one whose last two axes are swapped, too. */
static View kernel_operand(Fuse *fuse, const Node *node, int k, bool *transposed) {
  const Node *src = node->src[k];
  const View *view = &fuse->view[src->id];
  Item *base = &fuse->item[view->item];
  bool real = base->kind == ITEM_READ || !item_is_source(base);
  int rank = src->type.rank;
  if (node->op == OP_MATMUL && real && !view_is_row_major(view, &src->type)) {
    Type swapped = src->type;
    View turned = *view;
    swapped.size[rank - 2] = src->type.size[rank - 1], swapped.size[rank - 1] = src->type.size[rank - 2];
    turned.stride[rank - 2] = view->stride[rank - 1], turned.stride[rank - 1] = view->stride[rank - 2];
    if (view_is_row_major(&turned, &swapped)) {
      *transposed = true;
      base->stored = base->kind != ITEM_READ;
      return turned;
    }
  }
  return node_in_memory(fuse, src, true);
}

static void add_kernel(Fuse *fuse, const Node *node) {
  bool transposed[3] = {false};
  View *operand = ARENA_ARRAY(fuse->arena, View, node->nsrc);
  for (int k = 0; k < node->nsrc; k++) // a product has two inputs; other kernels may have more than three
    operand[k] = kernel_operand(fuse, node, k, &transposed[k < 3 ? k : 2]);
  Item *item = item_new(fuse, ITEM_KERNEL, node);
  item->operands = node->nsrc;
  item->operand = operand;
  item->terminal = item->stored = true;
  memcpy(item->transposed, transposed, sizeof item->transposed);
  fuse->view[node->id] = view_whole(item_number(fuse, item), &node->type);
}

/* Only its inputs can wait in registers: a scan or branch is a kernel whose bytes hold all results. */
static void add_control(Fuse *fuse, const Node *node) {
  if (node->op != OP_RESULT) {
    add_kernel(fuse, node);
    fuse->item[fuse->view[node->id].item].count = control_layout(node, NULL);
    return;
  }
  const Node *control = node->src[0];
  int64_t *offset = ARENA_ARRAY(fuse->arena, int64_t, body_results(control) + 1);
  control_layout(control, offset);
  int home = fuse->view[control->id].item;
  Item *item = item_new(fuse, ITEM_PART, node);
  item->home = home;
  item->stored = true;
  item->level = fuse->item[home].level;
  item_store_whole(fuse, item);
  item->store.offset = offset[node->attr.whole] / (int64_t)dtype_size(node->type.dtype);
  item->operands = 1;
  item->operand = ARENA_ARRAY(fuse->arena, View, 1);
  item->operand[0] = (View){.item = home, .open = true};
  fuse->view[node->id] = view_whole(item_number(fuse, item), &node->type);
}

static AddNode *const add_view[] = {add_reshape, add_permute, add_same,  add_slice,
                                    add_flip,    add_pad,     add_concat};
static AddNode *const add_group[] = {[GROUP_MAP] = add_map,
                                     [GROUP_SOURCE] = add_source,
                                     [GROUP_REDUCE] = add_reduce,
                                     [GROUP_CONTROL] = add_control,
                                     [GROUP_KERNEL] = add_kernel};

static bool *nodes_needed(Fuse *fuse) {
  Graph *graph = fuse->graph;
  bool *needed = ARENA_ARRAY(fuse->arena, bool, graph->nodes + 1);
  for (int i = 0; i < graph->outputs; i++) needed[graph->output[i].node->id] = true;
  for (int i = graph->nodes - 1; i >= 0; i--)
    for (int k = 0; k < graph->node[i]->nsrc && needed[i]; k++) needed[graph->node[i]->src[k]->id] = true;
  return needed;
}

static void add_output(Fuse *fuse, int index) {
  const Node *node = fuse->graph->output[index].node;
  View view = node_in_memory(fuse, node, false);
  fuse->output[index] = (OutputUse){.item = view.item, .offset = view.offset};
}

void fuse_items(Fuse *fuse) {
  Graph *graph = fuse->graph;
  fuse->view = ARENA_ARRAY(fuse->arena, View, graph->nodes + 1);
  fuse->copied = ARENA_ARRAY(fuse->arena, int, graph->nodes + 1);
  fuse->output = ARENA_ARRAY(fuse->arena, OutputUse, graph->outputs + 1);
  fuse->bucket = ARENA_ARRAY(fuse->arena, int, SPACE_BUCKETS);
  memset(fuse->copied, -1, sizeof(int) * (size_t)graph->nodes);
  memset(fuse->bucket, -1, sizeof(int) * SPACE_BUCKETS);
  const bool *needed = nodes_needed(fuse);
  for (int i = 0; i < graph->nodes; i++) {
    const Node *node = graph->node[i];
    if (!needed[i]) continue;
    OpGroup group = op_table[node->op].group;
    (group == GROUP_VIEW ? add_view[node->op - OP_RESHAPE] : add_group[group])(fuse, node);
  }
  for (int i = 0; i < graph->outputs; i++) add_output(fuse, i);
}
