/* Sources and views: numbers made from attributes, and numbers moved.
 *
 * A view asks for each element of its result which element of its input it is. */
#include "backends/reference.h"
#include "base/philox.h"
#include "base/random.h"

#include <string.h>

/* ---- sources -------------------------------------------------------------------------------------------- */

static Number attr_number(const Node *node) {
  if (dtype_is_float(node->type.dtype)) return (Number){.real = node->attr.number};
  return (Number){.whole = reference_wrap(node->attr.whole, node->type.dtype)};
}

void reference_constant(const Evaluation *e) { e->y[0] = attr_number(e->node); }

void reference_extent(const Evaluation *e) { e->y[0].whole = dim_number(e->node->attr.dim[0]); }

void reference_index(const Evaluation *e) {
  Position at = {{0}};
  int64_t count = type_count(&e->node->type);
  for (int64_t i = 0; i < count; i++, reference_next(&at, &e->node->type))
    e->y[i].whole = at.at[e->node->attr.axis[0]];
}

void reference_random(const Evaluation *e) {
  const RunArgs *args = e->args;
  uint64_t key = random_key(args->seed, e->node->attr.site ^ args->index, args->part);
  uint32_t halves[2] = {(uint32_t)key, (uint32_t)(key >> 32)}, counter[4], word[4];
  int64_t count = type_count(&e->node->type);
  for (int64_t i = 0; i < count; i++) {
    random_counter(i / 4, args->step, args->batch, counter);
    philox4x32(counter, halves, word);
    bool single = e->node->type.dtype == DTYPE_F32;
    e->y[i].real = single ? (double)random_f32(word[i % 4]) : random_f64(word[i % 4]);
  }
}

void reference_read(const Evaluation *e) {
  const Variable *variable = e->node->attr.variable;
  if (variable->role == VARIABLE_ARGUMENT)
    memcpy(e->y, e->argument[variable->number], sizeof(Number) * (size_t)type_count(&e->node->type));
  else
    reference_load(e->y, variable->data, variable->type.dtype, type_count(&e->node->type));
}

/* ---- views ---------------------------------------------------------------------------------------------- */

/* Where in the input the element at `at` of the result comes from; false: from nowhere. */
typedef bool ViewSource(const Node *node, const Position *at, Position *from);

static void view_evaluate(const Evaluation *e, ViewSource *source, Number filler) {
  Position at = {{0}};
  int64_t count = type_count(&e->node->type);
  for (int64_t i = 0; i < count; i++, reference_next(&at, &e->node->type)) {
    Position from = at;
    bool inside = source(e->node, &at, &from);
    e->y[i] = inside ? e->src[0][reference_offset(&from, &e->node->src[0]->type)] : filler;
  }
}

static bool permute_source(const Node *node, const Position *at, Position *from) {
  for (int i = 0; i < node->type.rank; i++) from->at[node->attr.axis[i]] = at->at[i];
  return true;
}

static bool expand_source(const Node *node, const Position *at, Position *from) {
  for (int i = 0; i < node->type.rank; i++)
    from->at[i] = type_size(&node->src[0]->type, i) == 1 ? 0 : at->at[i];
  return true;
}

static bool slice_source(const Node *node, const Position *at, Position *from) {
  int axis = node->attr.axis[0];
  from->at[axis] = dim_number(node->attr.dim[0]) + at->at[axis] * node->attr.whole;
  return true;
}

static bool flip_source(const Node *node, const Position *at, Position *from) {
  int axis = node->attr.axis[0];
  from->at[axis] = type_size(&node->type, axis) - 1 - at->at[axis];
  return true;
}

static bool pad_source(const Node *node, const Position *at, Position *from) {
  int axis = node->attr.axis[0];
  from->at[axis] = at->at[axis] - dim_number(node->attr.dim[0]);
  return from->at[axis] >= 0 && from->at[axis] < type_size(&node->src[0]->type, axis);
}

void reference_reshape(const Evaluation *e) {
  memcpy(e->y, e->src[0], (size_t)type_count(&e->node->type) * sizeof *e->y);
}
void reference_permute(const Evaluation *e) { view_evaluate(e, permute_source, (Number){0}); }
void reference_expand(const Evaluation *e) { view_evaluate(e, expand_source, (Number){0}); }
void reference_slice(const Evaluation *e) { view_evaluate(e, slice_source, (Number){0}); }
void reference_flip(const Evaluation *e) { view_evaluate(e, flip_source, (Number){0}); }

void reference_pad(const Evaluation *e) {
  Number filler = {.real = e->node->attr.number};
  view_evaluate(e, pad_source, reference_convert(filler, DTYPE_F64, e->node->type.dtype));
}

void reference_concat(const Evaluation *e) {
  const Node *node = e->node;
  int axis = node->attr.axis[0];
  int64_t start = 0; // of the input along the axis
  for (int k = 0; k < node->nsrc; k++) {
    const Type *type = &node->src[k]->type;
    Position from = {{0}};
    int64_t count = type_count(type);
    for (int64_t i = 0; i < count; i++, reference_next(&from, type)) {
      Position at = from;
      at.at[axis] += start;
      e->y[reference_offset(&at, &node->type)] = e->src[k][i];
    }
    start += type_size(type, axis);
  }
}
