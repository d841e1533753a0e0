/* Whole columns: d.train.x is the field x of all training examples as one tensor.
 *
 * While a program is elaborated only the type is needed, so a whole column is a constant without numbers and a field
 * in a graph of its own. Whoever runs a graph that reads one has it filled first, once. */
#include "interpreter/elaborate/dataset.h"
#include "lang/problems.h"

#include <string.h>

static const Value *whole_value(Elaborator *e, const Constant *whole) {
  Value *value = (Value *)value_tensor(e, variable_value(e, whole->variable));
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
  for (int i = 0; i < e->constants; i++) {
    const Constant *whole = &e->constant[i];
    if (whole->data == data && whole->part == part && whole->field == name &&
        (!dtype_is_float(whole->variable->type.dtype) || whole->variable->type.dtype == e->precision))
      return whole_value(e, whole);
  }
  const Fitted *fitted;
  Node *node = field_node(e, data, name, at, &fitted);
  if (!node) return value_unknown();
  Type type = node->type;
  type.size[0] = dim_of(dataset_part(data, part)->count);
  type.name[0] = NULL;
  for (int i = 1; i < type.rank; i++)
    for (int k = 0; k < data->pads; k++) {
      DimBinding longest = {data->pad[k]->symbol, dim_of(data->pad[k]->longest)};
      type.size[i] = dim_substitute(type.size[i], &longest, 1);
    }
  Constant *whole = constant_add(e, arena_printf(e->arena, "%s.%s", data->name, name), type, at->span);
  whole->data = data;
  whole->part = part;
  whole->field = name;
  whole->node = node;
  whole->fitted = fitted;
  return whole_value(e, whole);
}

bool whole_compute(Elaborator *e, const Constant *whole) {
  if (!dataset_has_rows(e, whole->data, whole->data->ast)) return false;
  if (!table_load(whole->data->table, e->problems, whole->data->ast->at)) return false;
  whole->variable->data = rows_compute_as(e, whole->data, whole->node, dataset_part(whole->data, whole->part),
                                          whole->variable->type.dtype);
  return true;
}
