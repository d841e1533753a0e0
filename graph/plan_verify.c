/* Checks a plan on its own terms: bounds, order and memory.
 *
 * It replays which value lies where. Memory is a list of intervals, each with the node that was written there
 * last; a read must find the node it is of, or one that the node is a view of. Nothing here knows how the plan was
 * made. */
#include "graph/plan.h"

#include <assert.h>
#include <string.h>

/* Bytes of a memory, the arena or a variable's, that hold numbers of `node`; of a variable's old value: NULL. */
typedef struct {
  const Variable *variable; // NULL: the arena
  int64_t start, end;
  const Node *node;
} Held;

typedef struct {
  const Plan *plan;
  Held *held;
  int count, capacity;
} Verify;

static int64_t place_bytes(const Place *place) {
  return type_count(&place->type) * (int64_t)dtype_size(place->type.dtype);
}

static void held_add(Verify *verify, Held held) {
  if (held.start == held.end) return;
  if (verify->count == verify->capacity) {
    size_t bytes = (size_t)verify->capacity * sizeof(Held);
    verify->capacity = verify->capacity ? 2 * verify->capacity : 64;
    verify->held = memory_resize(verify->held, bytes, (size_t)verify->capacity * sizeof(Held));
  }
  verify->held[verify->count++] = held;
}

static bool held_overlaps(const Held *a, const Held *b) {
  return a->variable == b->variable && a->start < b->end && b->start < a->end;
}

/* Nothing else is known of these bytes afterwards. Parts of one value that overlap become one interval. */
static void memory_write(Verify *verify, Held written) {
  for (int i = 0; i < verify->count; i++) {
    Held old = verify->held[i];
    if (!held_overlaps(&old, &written)) continue;
    verify->held[i--] = verify->held[--verify->count];
    if (old.node == written.node) {
      if (old.start < written.start) written.start = old.start;
      if (old.end > written.end) written.end = old.end;
      continue;
    }
    if (old.start < written.start) {
      Held before = old;
      before.end = written.start;
      held_add(verify, before);
    }
    if (old.end > written.end) {
      Held after = old;
      after.start = written.end;
      held_add(verify, after);
    }
  }
  held_add(verify, written);
}

/* Does the op give numbers of its inputs as they are? A reduction of one number does, and a stop. */
static bool op_passes(OpCode op) {
  OpGroup group = op_table[op].group;
  return group == GROUP_VIEW || group == GROUP_REDUCE || op == OP_RESULT || op == OP_STOP || op == OP_CAST;
}

/* Is `held` the node, or what the node is a view of? */
static bool node_views(const Node *node, const Node *held) {
  bool found = node == held;
  for (int k = 0; k < node->nsrc && !found && op_passes(node->op); k++)
    found = node_views(node->src[k], held);
  return found;
}

static bool node_views_variable(const Node *node) {
  while (node->op != OP_READ && op_passes(node->op)) node = node->src[0];
  return node->op == OP_READ;
}

static void memory_read(const Verify *verify, Held wanted) {
  int64_t known = 0;
  for (int i = 0; i < verify->count; i++) {
    const Held *held = &verify->held[i];
    if (!held_overlaps(held, &wanted)) continue;
    bool part = wanted.node->op == OP_CONCAT || wanted.node->op == OP_PAD;
    assert((node_views(wanted.node, held->node) || part) &&
           "plan: a value is read that another has overwritten");
    known += (held->end < wanted.end ? held->end : wanted.end) -
             (held->start > wanted.start ? held->start : wanted.start);
  }
  bool old = wanted.variable && node_views_variable(wanted.node);
  assert((known == wanted.end - wanted.start || (old && known == 0)) &&
         "plan: numbers are read that nobody made");
  (void)known, (void)old;
}

static Held place_held(const Verify *verify, const Place *place, const Node *node) {
  bool arena = place->kind == PLACE_ARENA;
  Held held = {.variable = arena ? NULL : place->variable,
               .start = place->offset,
               .end = place->offset + place_bytes(place),
               .node = node};
  int64_t size = verify->plan->arena_bytes;
  if (!arena) size = type_count(&place->variable->type) * (int64_t)dtype_size(place->variable->type.dtype);
  assert(held.start >= 0 && held.end <= size && "plan: a place outside its memory");
  (void)size;
  return held;
}

/* ---- loops ------------------------------------------------------------------------------------------------------ */

/* Smallest and largest element an access touches; false if the loop touches none. */
static bool access_range(const Loop *loop, const Access *access, int64_t *low, int64_t *high) {
  *low = *high = access->offset;
  bool runs = loop->row > 0;
  for (int d = 0; d <= loop->rank; d++) {
    int64_t extent = d < loop->rank ? loop->extent[d] : loop->row;
    int64_t step = d < loop->rank ? access->step[d] : access->stride;
    runs = runs && extent > 0;
    *(step < 0 ? low : high) += step * (extent - 1);
  }
  return runs;
}

/* Of a place, the bytes from the first to the last element that an access touches. */
static void held_shrink(Held *held, const Loop *loop, const Access *access) {
  int64_t low, high, size = (int64_t)dtype_size(access->dtype);
  access_range(loop, access, &low, &high);
  held->end = held->start + (high + 1) * size;
  held->start += low * size;
}

static bool access_same(const Access *a, const Access *b) {
  return memcmp(a->step, b->step, sizeof a->step) == 0 && a->stride == b->stride && a->offset == b->offset &&
         dtype_size(a->dtype) == dtype_size(b->dtype);
}

static bool inst_writes(const Inst *inst) {
  return inst->kind == LOOP_STORE || inst->kind == LOOP_ACCUMULATE;
}

/* What a loop writes it may read only just there, and not at all if it is a sum. */
static void verify_in_place(const Verify *verify, const Step *step, const Inst *store) {
  const Loop *loop = step->loop;
  const Access *to = &loop->access[store->access];
  Held written = place_held(verify, &step->place[to->place], NULL);
  if (store->partial) held_shrink(&written, loop, to);
  for (int i = 0; i < loop->count; i++) {
    const Inst *other = &loop->code[i];
    if (other == store || other->access < 0 || loop->access[other->access].place < 0) continue;
    const Access *from = &loop->access[other->access];
    Held held = place_held(verify, &step->place[from->place], NULL);
    if (store->partial) held_shrink(&held, loop, from);
    if (!held_overlaps(&held, &written)) continue;
    if (inst_writes(other)) {
      assert(store->partial && other->partial && "plan: a loop writes two values to one place");
      continue;
    }
    assert(store->kind == LOOP_STORE && held.start == written.start && access_same(to, from) &&
           "plan: a loop reads what it has overwritten");
  }
  (void)to;
}

static void verify_loop(Verify *verify, const Step *step) {
  const Loop *loop = step->loop;
  loop_verify(loop);
  for (int i = 0; i < loop->accesses; i++) {
    const Access *access = &loop->access[i];
    int64_t low, high;
    if (access->place < 0 || !access_range(loop, access, &low, &high)) continue;
    assert(access->place < step->places && access->dtype == step->place[access->place].type.dtype);
    assert(low >= 0 && high < type_count(&step->place[access->place].type) &&
           "plan: an access outside its place");
  }
  for (int pass = 0; pass < 2; pass++)
    for (int i = 0; i < loop->count; i++) {
      const Inst *inst = &loop->code[i];
      if (inst->access < 0 || loop->access[inst->access].place < 0 || inst_writes(inst) != pass) continue;
      const Place *place = &step->place[loop->access[inst->access].place];
      if (pass == 1) {
        verify_in_place(verify, step, inst);
        Held written = place_held(verify, place, inst->node);
        if (inst->partial) held_shrink(&written, loop, &loop->access[inst->access]);
        memory_write(verify, written);
      } else {
        memory_read(verify, place_held(verify, place, inst->node));
      }
    }
}

/* ---- steps ------------------------------------------------------------------------------------------------------ */

static void verify_kernel(Verify *verify, const Step *step) {
  assert(step->places == step->node->nsrc + 1);
  for (int i = 0; i < 2; i++)
    if (step->body[i]) plan_verify(step->body[i]);
  Held written = place_held(verify, &step->place[0], step->node);
  for (int k = 0; k < step->node->nsrc; k++) {
    Held held = place_held(verify, &step->place[k + 1], step->node->src[k]);
    assert(!held_overlaps(&held, &written) && "plan: a kernel in place");
    memory_read(verify, held);
  }
  memory_write(verify, written);
}

void plan_verify(const Plan *plan) {
  Verify verify = {.plan = plan};
  for (int i = 0; i < plan->steps; i++) {
    const Step *step = &plan->step[i];
    if (step->kind == STEP_LOOP) verify_loop(&verify, step);
    if (step->kind == STEP_KERNEL) verify_kernel(&verify, step);
    if (step->kind != STEP_COPY) continue;
    assert(place_bytes(&step->place[0]) == place_bytes(&step->place[1]));
    memory_read(&verify, place_held(&verify, &step->place[1], step->node));
    memory_write(&verify, place_held(&verify, &step->place[0], step->node));
  }
  int shown = 0;
  for (int i = 0; i < plan->graph->outputs; i++)
    if (plan->graph->output[i].kind == OUTPUT_VALUE)
      memory_read(&verify, place_held(&verify, &plan->output[shown++].place, plan->graph->output[i].node));
  memory_free(verify.held);
}
