/* Making values, showing them in messages, and turning them into tensors.
 *
 * value_node is the one door from the world before the run into the graph: numbers become constants, columns
 * become reads of a batch, and a column with holes is stopped here. */
#include "interpreter/data/problems_data.h"
#include "interpreter/elaborate/elaborate.h"
#include "lang/format.h"

#include <math.h>
#include <string.h>

static const Value unknown = {.kind = VALUE_UNKNOWN}, none = {.kind = VALUE_NONE, .known = true},
                   unknown_float = {.kind = VALUE_FLOAT}, unknown_bool = {.kind = VALUE_BOOL};

const Value *value_unknown(void) { return &unknown; }
const Value *value_none(void) { return &none; }
const Value *value_unknown_float(void) { return &unknown_float; }
const Value *value_unknown_bool(void) { return &unknown_bool; }

static Value *value_new(Elaborator *e, ValueKind kind) {
  Value *value = ARENA_NEW(e->arena, Value);
  value->kind = kind;
  value->known = true;
  return value;
}

const Value *value_int(Elaborator *e, const Dim *dim) {
  Value *value = value_new(e, VALUE_INT);
  value->u.dim = dim;
  return value;
}

const Value *value_whole(Elaborator *e, int64_t number) { return value_int(e, dim_of(number)); }

const Value *value_float(Elaborator *e, double number) {
  Value *value = value_new(e, VALUE_FLOAT);
  value->u.real = number;
  return value;
}

const Value *value_bool(Elaborator *e, bool truth) {
  Value *value = value_new(e, VALUE_BOOL);
  value->u.truth = truth;
  return value;
}

const Value *value_string(Elaborator *e, const char *bytes, int length) {
  Value *value = value_new(e, VALUE_STRING);
  value->u.string.bytes = arena_copy(e->arena, bytes, (size_t)length);
  value->u.string.length = length;
  return value;
}

const Value *value_record(Elaborator *e, const Value *const *item, const Name *name, int count) {
  Value *value = value_new(e, VALUE_RECORD);
  const Value **items = ARENA_ARRAY(e->arena, const Value *, count);
  if (count) memcpy(items, item, sizeof(*items) * (size_t)count);
  value->u.items.item = items;
  value->u.items.count = count;
  if (name) {
    Name *names = ARENA_ARRAY(e->arena, Name, count);
    memcpy(names, name, sizeof(*names) * (size_t)count);
    value->u.items.name = names;
  }
  return value;
}

const Value *value_list(Elaborator *e, const Value *const *item, int count) {
  Value *value = (Value *)value_record(e, item, NULL, count);
  value->kind = VALUE_LIST;
  return value;
}

const Value *value_tensor(Elaborator *e, Node *node) {
  if (!node) return &unknown;
  Value *value = value_new(e, VALUE_TENSOR);
  value->u.tensor.node = node;
  return value;
}

bool value_is_static_number(const Value *value) {
  return value->kind == VALUE_INT || value->kind == VALUE_FLOAT;
}

bool value_number(const Value *value, double *number) {
  int64_t whole;
  if (value->kind == VALUE_FLOAT && value->known) {
    *number = value->u.real;
    return true;
  }
  if (value->kind == VALUE_INT && dim_is_number(value->u.dim, &whole)) {
    *number = (double)whole;
    return true;
  }
  return false;
}

Node *value_node(Elaborator *e, const Value *value, const Ast *at) {
  switch (value->kind) {
  case VALUE_TENSOR: return node_here(e, value->u.tensor.node);
  case VALUE_COLUMN: return dataset_column(e, value->u.column.data, value->u.column.column, at);
  case VALUE_INT: return build_extent(e->graph, value->u.dim);
  case VALUE_FLOAT: return build_number(e->graph, e->precision, value->known ? value->u.real : 1.0);
  case VALUE_BOOL: return build_whole(e->graph, DTYPE_BOOL, value->known ? value->u.truth : 1);
  default: return NULL;
  }
}

Node *value_float_node(Elaborator *e, const Value *value, const Ast *at) {
  double number;
  if (value->kind == VALUE_INT) {
    if (value_number(value, &number)) return build_number(e->graph, e->precision, number);
    return build_cast(build_extent(e->graph, value->u.dim), e->precision);
  }
  return value_node(e, value, at);
}

void value_print(const Value *value, Text *out) {
  double number;
  switch (value->kind) {
  case VALUE_NONE: text_add(out, "None"); break;
  case VALUE_INT: dim_print(value->u.dim, out); break;
  case VALUE_FLOAT:
    if (value_number(value, &number))
      text_printf(out, "%.9g", number);
    else
      text_add(out, "a number");
    break;
  case VALUE_BOOL: text_add(out, !value->known ? "true or false" : value->u.truth ? "true" : "false"); break;
  case VALUE_STRING: text_printf(out, "\"%s\"", value->u.string.bytes); break;
  case VALUE_TENSOR: type_print(&value->u.tensor.node->type, out); break;
  case VALUE_LIST:
    text_add(out, "[");
    for (int i = 0; i < value->u.items.count; i++) {
      if (i) text_add(out, ", ");
      value_print(value->u.items.item[i], out);
    }
    text_add(out, "]");
    break;
  default: text_add(out, value_kind_text(value)); break;
  }
}

const char *value_kind_text(const Value *value) {
  static const char *const text[] = {
      [VALUE_UNKNOWN] = "something unknown",
      [VALUE_NONE] = "None",
      [VALUE_INT] = "a whole number",
      [VALUE_FLOAT] = "a number",
      [VALUE_BOOL] = "true or false",
      [VALUE_STRING] = "a text",
      [VALUE_LIST] = "a list",
      [VALUE_RECORD] = "a record",
      [VALUE_RANGE] = "a range",
      [VALUE_TENSOR] = "a tensor",
      [VALUE_COLUMN] = "a column",
      [VALUE_FUNCTION] = "a function",
      [VALUE_BUILTIN] = "a function",
      [VALUE_LAYER] = "a layer",
      [VALUE_INSTANCE] = "a layer with its settings",
      [VALUE_COMPOSED] = "layers in a row",
      [VALUE_METRIC] = "a metric",
      [VALUE_OPTIMIZER] = "an optimizer",
      [VALUE_UPDATE] = "an optimizer with its settings",
      [VALUE_DATA] = "a data table",
      [VALUE_WEIGHTS] = "weights of a model",
  };
  return value->kind == VALUE_DATA && value->u.data.rows ? "some rows of a table" : text[value->kind];
}
