/* The reference backend: what every op means, in double, one node after the other.
 *
 * It ignores the steps of a plan and evaluates plan->graph as it stands: a value is made when its node's turn
 * comes and freed after its last use. Nothing here is fast; everything should be obviously right. Floats are
 * never rounded to f32 on the way, so the result is what a device's result is measured against. */
#include "backends/reference.h"

#include "graph/control.h"

#include <assert.h>
#include <string.h>

typedef struct {
  void **output; // of the plan, each in its dtype
} Prepared;

static Evaluate *const evaluate_of[OP_COUNT] = {
#define MAP1(name, ...)           [OP_AT_##name] = reference_map,
#define MAP2(name, ...)           [OP_AT_##name] = reference_map,
#define MAP3(name, ...)           [OP_AT_##name] = reference_map,
#define CAST(name, doc)           [OP_AT_##name] = reference_##name,
#define SOURCE(name, doc)         [OP_AT_##name] = reference_##name,
#define REDUCE(name, ...)         [OP_AT_##name] = reference_reduce,
#define VIEW(name, doc)           [OP_AT_##name] = reference_##name,
#define CONTROL(name, ...)        [OP_AT_##name] = reference_##name,
#define KERNEL(name, inputs, doc) [OP_AT_##name] = reference_##name,
#include "lang/ops.def"
#undef MAP1
#undef MAP2
#undef MAP3
#undef CAST
#undef SOURCE
#undef REDUCE
#undef VIEW
#undef CONTROL
#undef KERNEL
};

/* ---- numbers -------------------------------------------------------------------------------------------- */

int64_t reference_wrap(int64_t number, DType dtype) {
  switch (dtype) {
  case DTYPE_BOOL: return number != 0;
  case DTYPE_U8: return (uint8_t)number;
  case DTYPE_I32: return (int32_t)(uint32_t)(uint64_t)number;
  default: return number;
  }
}

Number reference_convert(Number number, DType from, DType to) {
  if (dtype_is_float(from) && dtype_is_float(to)) return number;
  if (dtype_is_float(to)) return (Number){.real = (double)number.whole};
  if (to == DTYPE_BOOL) return (Number){.whole = dtype_is_float(from) ? number.real != 0 : number.whole != 0};
  int64_t whole = number.whole;
  const double limit = 9223372036854775808.0; // 2^63; NaN is on neither side
  if (dtype_is_float(from)) whole = number.real >= -limit && number.real < limit ? (int64_t)number.real : 0;
  return (Number){.whole = reference_wrap(whole, to) == whole ? whole : 0};
}

void reference_load(Number *to, const void *from, DType dtype, int64_t count) {
  for (int64_t i = 0; i < count; i++) {
    switch (dtype) {
    case DTYPE_BOOL: to[i].whole = ((const uint8_t *)from)[i] != 0; break;
    case DTYPE_U8: to[i].whole = ((const uint8_t *)from)[i]; break;
    case DTYPE_I32: to[i].whole = ((const int32_t *)from)[i]; break;
    case DTYPE_I64: to[i].whole = ((const int64_t *)from)[i]; break;
    case DTYPE_F32: to[i].real = (double)((const float *)from)[i]; break;
    default: to[i].real = ((const double *)from)[i]; break;
    }
  }
}

void reference_store(void *to, DType dtype, const Number *from, DType from_dtype, int64_t count) {
  for (int64_t i = 0; i < count; i++) {
    Number number = reference_convert(from[i], from_dtype, dtype);
    switch (dtype) {
    case DTYPE_BOOL:
    case DTYPE_U8: ((uint8_t *)to)[i] = (uint8_t)number.whole; break;
    case DTYPE_I32: ((int32_t *)to)[i] = (int32_t)number.whole; break;
    case DTYPE_I64: ((int64_t *)to)[i] = number.whole; break;
    case DTYPE_F32: ((float *)to)[i] = (float)number.real; break;
    default: ((double *)to)[i] = number.real; break;
    }
  }
}

/* ---- positions ------------------------------------------------------------------------------------------ */

bool reference_next(Position *position, const Type *type) {
  for (int axis = type->rank - 1; axis >= 0; axis--) {
    if (++position->at[axis] < type_size(type, axis)) return true;
    position->at[axis] = 0;
  }
  return false;
}

int64_t reference_offset(const Position *position, const Type *type) {
  int64_t offset = 0;
  for (int axis = 0; axis < type->rank; axis++) offset = offset * type_size(type, axis) + position->at[axis];
  return offset;
}

/* ---- graphs --------------------------------------------------------------------------------------------- */

/* How many numbers the value of a node has; that of a scan or branch has those of all its results. */
static int64_t numbers_of(const Node *node) {
  if (!node->attr.body[0]) return type_count(&node->type);
  int64_t count = 0;
  for (int i = 0; i < body_results(node); i++) {
    Type type = result_type(node, i);
    count += type_count(&type);
  }
  return count;
}

static void reference_observe(const RunArgs *args, const Node *node, const Number *value) {
  int64_t count = type_count(&node->type);
  void *data = memory_alloc((size_t)count + 1, dtype_size(node->type.dtype));
  reference_store(data, node->type.dtype, value, node->type.dtype, count);
  Place place = {.kind = PLACE_ARENA, .type = node->type};
  args->observe(args->context, node, &place, data);
  memory_free(data);
}

typedef struct {
  const Node **last_use; // of the value of each node; NULL: an output
  Number **value;        // of each node; NULL: not made yet, or freed
  const RunArgs *args;
  const Number *const *argument;
} Values;

static void node_evaluate(Values *values, const Node *node) {
  const Number **src = memory_alloc((size_t)node->nsrc + 1, sizeof *src);
  for (int k = 0; k < node->nsrc; k++) src[k] = values->value[node->src[k]->id];
  Number *y = memory_alloc((size_t)numbers_of(node) + 1, sizeof *y);
  values->value[node->id] = y;
  evaluate_of[node->op](
      &(Evaluation){.node = node, .src = src, .y = y, .args = values->args, .argument = values->argument});
  memory_free((void *)src);
  if (values->args->observe && !node->attr.body[0]) reference_observe(values->args, node, y);
  for (int k = -1; k < node->nsrc; k++) {
    int id = k < 0 ? node->id : node->src[k]->id;
    if (values->last_use[id] != node) continue;
    memory_free(values->value[id]);
    values->value[id] = NULL;
  }
}

void reference_graph(const Graph *graph, const RunArgs *args, const Number *const *argument,
                     Number **output) {
  Values values = {.last_use = memory_alloc((size_t)graph->nodes + 1, sizeof *values.last_use),
                   .value = memory_alloc((size_t)graph->nodes + 1, sizeof *values.value),
                   .args = args,
                   .argument = argument};
  for (int i = 0; i < graph->nodes; i++) {
    const Node *node = graph->node[i];
    values.last_use[i] = node; // no other yet: freed at once
    for (int k = 0; k < node->nsrc; k++) values.last_use[node->src[k]->id] = node;
  }
  for (int i = 0; i < graph->outputs; i++) values.last_use[graph->output[i].node->id] = NULL;
  for (int i = 0; i < graph->nodes; i++) node_evaluate(&values, graph->node[i]);
  for (int i = 0; i < graph->outputs; i++) {
    const Node *node = graph->output[i].node;
    size_t count = (size_t)type_count(&node->type);
    output[i] = memory_alloc(count + 1, sizeof(Number));
    memcpy(output[i], values.value[node->id], count * sizeof(Number));
  }
  for (int i = 0; i < graph->nodes; i++) memory_free(values.value[i]);
  memory_free((void *)values.last_use), memory_free(values.value);
}

/* ---- plans ---------------------------------------------------------------------------------------------- */

static void reference_prepare(Backend *backend, Plan *plan) {
  (void)backend;
  Prepared *prepared = memory_alloc(1, sizeof *prepared);
  prepared->output = memory_alloc((size_t)plan->outputs + 1, sizeof *prepared->output);
  for (int i = 0; i < plan->outputs; i++) {
    const Type *type = &plan->output[i].place.type;
    prepared->output[i] = memory_alloc((size_t)type_count(type) + 1, dtype_size(type->dtype));
  }
  plan->prepared = prepared;
}

static void reference_run(Backend *backend, Plan *plan, const RunArgs *args) {
  (void)backend;
  Prepared *prepared = plan->prepared;
  const Graph *graph = plan->graph;
  assert(prepared && "reference: a plan runs before it is prepared");
  Number **value = memory_alloc((size_t)graph->outputs + 1, sizeof *value);
  reference_graph(graph, args, NULL, value);
  int shown = 0;
  for (int i = 0; i < graph->outputs; i++) {
    const Output *output = &graph->output[i];
    const Type *type = &output->node->type;
    bool assign = output->kind == OUTPUT_ASSIGN;
    const Type *to = assign ? &output->variable->type : &plan->output[shown].place.type;
    assert(assign || strcmp(plan->output[shown].name, output->name) == 0);
    assert(type_count(to) == type_count(type));
    reference_store(assign ? output->variable->data : prepared->output[shown++], to->dtype, value[i],
                    type->dtype, type_count(type));
    memory_free(value[i]);
  }
  memory_free(value);
}

static const void *reference_output(Backend *backend, const Plan *plan, int index) {
  (void)backend;
  return ((const Prepared *)plan->prepared)->output[index];
}

static void reference_forget(Backend *backend, Plan *plan) {
  (void)backend;
  Prepared *prepared = plan->prepared;
  plan->prepared = NULL;
  if (!prepared) return;
  for (int i = 0; i < plan->outputs; i++) memory_free(prepared->output[i]);
  memory_free(prepared->output);
  memory_free(prepared);
}

static void reference_close(Backend *backend) { memory_free(backend); }

Backend *reference_open(void) {
  Backend *backend = memory_alloc(1, sizeof *backend);
  *backend = (Backend){.name = "reference",
                       .prepare = reference_prepare,
                       .run = reference_run,
                       .output = reference_output,
                       .forget = reference_forget,
                       .close = reference_close};
  return backend;
}
