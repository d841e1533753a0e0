/* Whole columns: d.train.x is the field x of all training examples as one tensor.
 *
 * While a program is elaborated only the type is needed, so a whole column is a constant without numbers and a field
 * in a graph of its own. Whoever runs a graph that reads one has it filled first, once. */
#include "interpreter/elaborate/dataset.h"
#include "lang/problems.h"

#include <string.h>

struct Whole {
  Dataset *data;
  PartName part;
  Name field;
  Variable *variable;
  Node *node; // the field, in its own graph
  const Fitted *fitted;
};

static const Value *whole_value(Elaborator *e, const Whole *whole) {
  Value *value = (Value *)value_tensor(e, build_read(e->graph, whole->variable));
  value->u.tensor.fitted = whole->fitted;
  return value;
}

/* The field as a node with the batch in front; NULL after a Problem. */
static Node *field_node(Elaborator *e, Dataset *data, Name name, const Ast *at, const Fitted **fitted) {
  Saved saved = graph_begin(e, false, e->precision);
  const Value *value = dataset_field(e, data, name);
  Node *node = value->kind == VALUE_UNKNOWN ? NULL : value_node(e, value, at);
  *fitted = value->kind == VALUE_TENSOR ? value->u.tensor.fitted : NULL;
  graph_end(e, &saved);
  return node && node->type.rank ? node : NULL;
}

const Value *dataset_whole(Elaborator *e, Dataset *data, PartName part, Name name, const Ast *at) {
  if (data->binding) {
    problem_cycle(e->problems, at->span, data->name);
    return value_unknown();
  }
  if (!dataset_open(e, data)) return value_unknown();
  if (!strcmp(name, "rows") && !dataset_has_rows(e, data, at)) return value_unknown();
  if (!strcmp(name, "rows")) return value_whole(e, dataset_part(data, part)->count);
  for (int i = 0; i < e->wholes; i++)
    if (e->whole[i]->data == data && e->whole[i]->part == part && e->whole[i]->field == name &&
        (!dtype_is_float(e->whole[i]->variable->type.dtype) ||
         e->whole[i]->variable->type.dtype == e->precision))
      return whole_value(e, e->whole[i]);
  const Fitted *fitted;
  Node *node = field_node(e, data, name, at, &fitted);
  if (!node) return value_unknown();
  Whole *whole = ARENA_NEW(e->arena, Whole);
  *whole = (Whole){.data = data, .part = part, .field = name, .node = node, .fitted = fitted};
  Type type = node->type;
  type.size[0] = dim_of(dataset_part(data, part)->count);
  type.name[0] = NULL;
  for (int i = 1; i < type.rank; i++)
    for (int k = 0; k < data->pads; k++) {
      DimBinding longest = {data->pad[k]->symbol, dim_of(data->pad[k]->longest)};
      type.size[i] = dim_substitute(type.size[i], &longest, 1);
    }
  whole->variable =
      variable_new(e, VARIABLE_CONSTANT, arena_printf(e->arena, "%s.%s", data->name, name), type, at->span);
  e->whole = arena_grow(e->arena, e->whole, (size_t)e->wholes, &e->whole_capacity, sizeof(Whole *));
  e->whole[e->wholes++] = whole;
  return whole_value(e, whole);
}

bool wholes_fill(Elaborator *e, const Graph *graph) {
  for (int i = 0; i < e->wholes; i++) {
    Whole *whole = e->whole[i];
    bool read = false;
    for (int k = 0; k < graph->nodes && !read; k++)
      read = graph->node[k]->op == OP_READ && graph->node[k]->attr.variable == whole->variable;
    if (!read || whole->variable->data) continue;
    if (!dataset_has_rows(e, whole->data, whole->data->ast)) return false;
    if (!table_load(whole->data->table, e->problems, whole->data->ast->at)) return false;
    whole->variable->data = rows_compute_as(
        e, whole->data, whole->node, dataset_part(whole->data, whole->part), whole->variable->type.dtype);
  }
  return true;
}

void wholes_free(Elaborator *e) {
  for (int i = 0; i < e->wholes; i++) {
    memory_free(e->whole[i]->variable->data);
    e->whole[i]->variable->data = NULL;
  }
}
