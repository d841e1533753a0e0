/* Loops as text, and what must hold of every Loop.
 *
 *   loop [64] x 10
 *     s0 = load p0
 *     r1 = reduce_max s0
 *     s2 = sub s0, r1
 *     store p1, s2
 *
 * s is a strip, r a scalar, one a row. An access that is not row-major over the loop shows its steps. `sum 4` is a
 * REDUCED dim of 4. */
#include "graph/loop.h"

#include "graph/plan.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- print ----------------------------------------------------------------------------------------------------- */

static void print_value(const Loop *loop, int i, Text *out) {
  text_printf(out, "%c%d", loop->code[i].scalar ? 'r' : 's', i);
}

/* Is it the offset, stride and steps of a row-major tensor of the loop's PARALLEL dims (and the row, if strips)? */
static bool access_is_plain(const Loop *loop, const Access *access, bool scalar) {
  int64_t step = 1;
  if (!scalar || loop->row == 1) {
    if (access->stride != 1 && loop->row != 1) return false;
    step = loop->row;
  } else if (access->stride != 0) {
    return false;
  }
  for (int d = loop->rank - 1; d >= 0; d--) {
    if (access->step[d] != step) return false;
    step *= loop->extent[d];
  }
  return access->offset == 0;
}

static void print_access(const Loop *loop, const Access *access, bool scalar, Text *out) {
  if (access_is_plain(loop, access, scalar)) return;
  text_add(out, "[");
  if (access->offset != 0) text_printf(out, "%" PRId64 "; ", access->offset);
  for (int d = 0; d < loop->rank; d++) text_printf(out, "%" PRId64 ", ", access->step[d]);
  text_printf(out, "%" PRId64 "]", access->stride);
}

static void print_place(const Step *step, int place, Text *out) {
  if (!step) {
    text_printf(out, "p%d", place);
    return;
  }
  const Place *at = &step->place[place];
  if (at->kind == PLACE_VARIABLE)
    text_add(out, at->variable->path);
  else
    text_printf(out, "p%d", place);
}

static void print_memory(const Loop *loop, const Inst *inst, const Step *step, Text *out) {
  const Access *access = &loop->access[inst->access];
  bool load = inst->kind == LOOP_LOAD;
  if (step && step->place[access->place].kind == PLACE_VARIABLE)
    print_place(step, access->place, out);
  else if (step && inst->node)
    text_printf(out, "%%%d", inst->node->id);
  else
    print_place(step, access->place, out);
  print_access(loop, access, load ? inst->scalar : loop->code[inst->a].scalar, out);
}

static void print_number(const Inst *inst, Text *out) {
  if (!dtype_is_float(inst->dtype)) {
    text_printf(out, "%" PRId64, inst->whole);
    return;
  }
  text_printf(out, inst->dtype == DTYPE_F32 ? "%.9g" : "%.17g", inst->number);
}

static void print_source(const Loop *loop, const Inst *inst, Text *out) {
  if (inst->kind == LOOP_CONSTANT) {
    print_number(inst, out);
    return;
  }
  text_add(out, inst->kind == LOOP_INDEX ? "index" : "random");
  if (inst->kind == LOOP_RANDOM) text_printf(out, " %016" PRIx64, inst->site);
  const Access *access = &loop->access[inst->access];
  if (!access_is_plain(loop, access, inst->scalar)) text_add(out, " ");
  print_access(loop, access, inst->scalar, out);
}

static void print_inst(const Loop *loop, int i, const Step *step, Text *out) {
  const Inst *inst = &loop->code[i];
  if (inst->kind == LOOP_STORE || inst->kind == LOOP_ACCUMULATE) {
    text_add(out, inst->kind == LOOP_STORE ? "store " : op_table[inst->op].name);
    if (inst->kind == LOOP_ACCUMULATE) text_add(out, " to ");
    print_memory(loop, inst, step, out);
    text_add(out, ", ");
    print_value(loop, inst->a, out);
    return;
  }
  print_value(loop, i, out);
  text_add(out, " = ");
  if (inst->kind == LOOP_LOAD) {
    text_add(out, "load ");
    print_memory(loop, inst, step, out);
  } else if (inst->kind <= LOOP_RANDOM) {
    print_source(loop, inst, out);
  } else {
    text_add(out, op_table[inst->op].name);
    const int16_t src[3] = {inst->a, inst->b, inst->c};
    for (int k = 0; k < 3 && src[k] >= 0; k++) {
      text_add(out, k == 0 ? " " : ", ");
      print_value(loop, src[k], out);
    }
  }
  if (inst->dtype != DTYPE_F32) text_printf(out, " : %s", dtype_name(inst->dtype));
}

static void print_loop(const Loop *loop, const Step *step, Text *out) {
  text_add(out, "loop ");
  if (loop->rank > 0) text_add(out, "[");
  for (int d = 0; d < loop->rank; d++) {
    if (d > 0) text_add(out, ", ");
    text_printf(out, loop->role[d] == DIM_REDUCED ? "sum %" PRId64 : "%" PRId64, loop->extent[d]);
  }
  if (loop->rank > 0) text_add(out, "] x ");
  text_printf(out, "%" PRId64 "\n", loop->row);
  for (int i = 0; i < loop->count; i++) {
    text_add(out, "  ");
    print_inst(loop, i, step, out);
    text_add(out, "\n");
  }
}

void loop_print(const Loop *loop, Text *out) { print_loop(loop, NULL, out); }

void loop_print_step(const Step *step, Text *out) { print_loop(step->loop, step, out); }

/* ---- verify ---------------------------------------------------------------------------------------------------- */

static void verify_dims(const Loop *loop) {
  assert(loop->rank >= 0 && loop->rank <= LOOP_OUTER && loop->row >= 0);
  for (int d = 0; d < loop->rank; d++) {
    assert(loop->extent[d] >= 0);
    assert((d == 0 || loop->role[d] >= loop->role[d - 1]) && "loop: PARALLEL dims stand before REDUCED ones");
  }
  assert(loop->count > 0 && loop->count <= LOOP_CODE && loop->accesses <= LOOP_ACCESS);
}

static void verify_operands(const Loop *loop, int i, bool *after) {
  static const int arity_of[] = {[LOOP_STORE] = 1, [LOOP_CAST] = 1, [LOOP_REDUCE] = 1, [LOOP_ACCUMULATE] = 1};
  const Inst *inst = &loop->code[i];
  const int16_t src[3] = {inst->a, inst->b, inst->c};
  int arity = inst->kind == LOOP_MAP ? op_table[inst->op].arity : arity_of[inst->kind];
  bool scalar = true;
  for (int k = 0; k < 3; k++) {
    assert((src[k] >= 0) == (k < arity) && src[k] < i && "loop: operands stand before");
    if (src[k] < 0) continue;
    const Inst *from = &loop->code[src[k]];
    assert(from->kind != LOOP_STORE && from->kind != LOOP_ACCUMULATE && "loop: an operand without a value");
    scalar = scalar && from->scalar;
  }
  if (inst->kind == LOOP_MAP || inst->kind == LOOP_CAST) assert(inst->scalar == scalar);
  if (inst->kind == LOOP_REDUCE) assert(inst->scalar && loop->code[inst->a].dtype == inst->dtype);
  if (inst->kind == LOOP_STORE || inst->kind == LOOP_ACCUMULATE)
    *after = true;
  else
    assert(!*after && "loop: stores come last");
}

static void verify_inst(const Loop *loop, int i, bool reduced) {
  const Inst *inst = &loop->code[i];
  bool memory = inst->kind == LOOP_LOAD || inst->kind == LOOP_STORE || inst->kind == LOOP_ACCUMULATE;
  bool affine = inst->kind == LOOP_INDEX || inst->kind == LOOP_RANDOM;
  assert((inst->access >= 0) == (memory || affine) && inst->access < loop->accesses);
  if (inst->access < 0) return;
  const Access *access = &loop->access[inst->access];
  assert((access->place >= 0) == memory);
  if (inst->kind == LOOP_ACCUMULATE) {
    assert(reduced && "loop: a sum over no dims");
    for (int d = 0; d < loop->rank; d++)
      assert((loop->role[d] != DIM_REDUCED || access->step[d] == 0) &&
             "loop: a sum moves along what it adds up");
  }
}

void loop_verify(const Loop *loop) {
  verify_dims(loop);
  bool after = false, reduced = loop->rank > 0 && loop->role[loop->rank - 1] == DIM_REDUCED;
  for (int i = 0; i < loop->count; i++) {
    verify_operands(loop, i, &after);
    verify_inst(loop, i, reduced);
  }
}
