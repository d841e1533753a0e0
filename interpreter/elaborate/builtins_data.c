/* Built-in functions of data blocks and what undoes them: columns, missing, fill, standardize, category,
 * unscale. */
#include "interpreter/data/problems_data.h"
#include "interpreter/elaborate/dataset.h"
#include "lang/problems.h"

#include <math.h>
#include <string.h>

#define CALL(name)                                                                                           \
  static const Value *name(Elaborator *e, const Ast *at, const Argument *slot, const Argument *rest,         \
                           int rests)
#define UNUSED ((void)at, (void)slot, (void)rest, (void)rests)

const Fitted *keep_fitted(Elaborator *e, Fitted *fitted, int number) {
  if (!fitted) return NULL;
  fitted->table = e->field_of->name;
  fitted->field = e->field;
  fitted->number = number;
  e->fitted = arena_grow(e->arena, e->fitted, (size_t)e->fitteds, &e->fitted_capacity, sizeof(Fitted *));
  return e->fitted[e->fitteds++] = fitted;
}

bool in_data_block(Elaborator *e, const Ast *at, const char *name) {
  if (e->field_of) return true;
  problem_data_only(e->problems, at->at.source ? at->at : at->span, name);
  return false;
}

static Node *constant_row(Elaborator *e, const double *values, int count, const char *name) {
  if (count == 1) return build_number(e->graph, e->precision, values[0]);
  Type type = type_of(DTYPE_F64, 1, (const Dim *[]){dim_of(count)});
  Variable *variable = variable_new(e, VARIABLE_CONSTANT, name, type, (Span){0});
  variable->data = (void *)(uintptr_t)values;
  return build_cast(build_read(e->graph, variable), e->precision);
}

static Node *spread(Node *row, const Node *like) {
  return row->type.rank ? build_expand(row, like->type.rank, like->type.size) : row;
}

CALL(columns) {
  UNUSED;
  if (rests < 1) return slot_error(e, at, &slot[0], "names of columns");
  Node **item = ARENA_ARRAY(e->arena, Node *, rests + 1);
  for (int i = 0; i < rests; i++) {
    item[i] = slot_float(e, at, &rest[i]);
    if (!item[i]) return value_unknown();
    if (item[i]->type.rank != 1) return slot_error(e, at, &rest[i], "a column with one number a row");
    item[i] = build_insert(item[i], 1);
  }
  return value_tensor(e, rests == 1 ? item[0] : build_concat(e->graph, item, rests, 1));
}

CALL(columns_except) {
  UNUSED;
  if (!in_data_block(e, at, "columns_except")) return value_unknown();
  Dataset *data = e->field_of;
  Argument *kept = ARENA_ARRAY(e->arena, Argument, data->table->columns + 1);
  int keeps = 0;
  for (int i = 0; i < data->table->columns; i++) {
    bool out = false;
    for (int k = 0; k < rests; k++)
      out = out || (rest[k].value->kind == VALUE_COLUMN &&
                    rest[k].value->u.column.column == &data->table->column[i]);
    if (!out) kept[keeps++] = (Argument){NULL, column_value(e, data, &data->table->column[i]), at};
  }
  return columns(e, at, slot, kept, keeps);
}

CALL(missing) {
  UNUSED;
  if (slot[0].value->kind == VALUE_UNKNOWN) return slot[0].value;
  if (slot[0].value->kind != VALUE_COLUMN) return slot_error(e, at, &slot[0], "a column");
  Column *column = slot[0].value->u.column.column;
  if (column->text) {
    problem_text_column(e->problems, slot[0].ast->span, slot[0].value->u.column.data->table, column);
    return value_unknown();
  }
  if (column->dtype != DTYPE_F64 || column->start)
    return slot_error(e, at, &slot[0], "a column that can have missing values");
  return value_tensor(e, build_isnan(column_read(e, slot[0].value->u.column.data, column)));
}

CALL(fill) {
  UNUSED;
  if (slot[0].value->kind == VALUE_UNKNOWN || !in_data_block(e, at, "fill")) return value_unknown();
  if (slot[0].value->kind != VALUE_COLUMN || slot[0].value->u.column.column->text ||
      slot[0].value->u.column.column->start)
    return slot_error(e, at, &slot[0], "a column of numbers");
  Dataset *data = slot[0].value->u.column.data;
  Column *column = slot[0].value->u.column.column;
  Node *x = column_read(e, data, column);
  double number;
  if (!value_number(slot[1].value, &number)) {
    int step = e->field_step++;
    const Fitted *fitted = fitted_find(e, e->field_of->name, e->field, step);
    if (slot[1].value->kind != VALUE_STRING)
      return slot_error(e, at, &slot[1], "\"mean\", \"median\" or a number");
    const char *how = slot[1].value->u.string.bytes;
    if (strcmp(how, "mean") && strcmp(how, "median"))
      return slot_error(e, at, &slot[1], "\"mean\", \"median\" or a number");
    if (!fitted) {
      double *values = rows_compute(e, data, x, &data->table->part[PART_TRAIN]);
      fitted = keep_fitted(e, fitted_fill(e->arena, values, data->table->part[PART_TRAIN].count, how), step);
      memory_free(values);
      if (!fitted) {
        problem_fill_nothing(e->problems, at->span, data->table, column);
        return value_unknown();
      }
    }
    number = fitted->value;
  }
  return value_tensor(e, build_where(build_isnan(x), build_like(x, number), x));
}

CALL(standardize) {
  UNUSED;
  Node *x = slot_float(e, at, &slot[0]);
  if (!x || !in_data_block(e, at, "standardize")) return value_unknown();
  int64_t count = 1;
  for (int i = 1; i < x->type.rank; i++)
    count *= dim_is_number(x->type.size[i], NULL) ? dim_number(x->type.size[i]) : 1;
  if (x->type.rank < 1 || x->type.rank > 2) return slot_error(e, at, &slot[0], "a column, or columns(…)");
  int step = e->field_step++;
  const Fitted *fitted = fitted_find(e, e->field_of->name, e->field, step);
  if (!fitted) {
    const Part *part = node_part(e, e->field_of, x, PART_TRAIN);
    double *values = rows_compute(e, e->field_of, x, part);
    bool *constant = ARENA_ARRAY(e->arena, bool, count + 1);
    fitted = keep_fitted(e, fitted_standardize(e->arena, values, part->count, (int)count, constant), step);
    memory_free(values);
    for (int64_t i = 0; i < count; i++)
      if (constant[i]) problem_constant_column(e->problems, at->span, e->field, (int)i);
  }
  if (!fitted || fitted->count != count)
    return slot_error(e, at, &slot[0], "as many columns as the weights were trained with");
  Node *center = constant_row(e, fitted->center, fitted->count, "mean"),
       *spread_row = constant_row(e, fitted->spread, fitted->count, "deviation");
  Value *value = (Value *)value_tensor(e, build_div(build_sub(x, spread(center, x)), spread(spread_row, x)));
  value->u.tensor.fitted = fitted;
  return value;
}

/* The column of classes that `column` becomes, one an original column and fit. */
static Column *class_column(Elaborator *e, Dataset *data, const Column *column, const Fitted *fitted,
                            int step, const Ast *at) {
  const char *name = arena_printf(e->arena, "%s as class", column->name);
  Column *known = column_made(e, data, step, name);
  if (known) return known;
  Column *made = ARENA_NEW(e->arena, Column);
  *made = (Column){.name = e->field, .title = name, .dtype = DTYPE_I32, .bound = fitted->classes};
  made->values = ARENA_ARRAY(e->arena, int32_t, data->table->rows + 1);
  Part rows = data->table->part[PART_ALL];
  if (data->replaced && column->values && fitted->missing_class < 0) { // rows without a value come out empty
    int64_t *present = ARENA_ARRAY(e->arena, int64_t, rows.count + 1), count = 0;
    for (int64_t k = 0; k < rows.count; k++)
      if (!column_is_missing(column, rows.row[k])) present[count++] = rows.row[k];
    rows = (Part){present, count};
  }
  if (column->values &&
      !fitted_classify(fitted, e->problems, at->span, data->table, column, &rows, made->values))
    return NULL;
  return column_keep(e, data, step, name, made);
}

CALL(category) {
  UNUSED;
  if (slot[0].value->kind == VALUE_UNKNOWN || !in_data_block(e, at, "category")) return value_unknown();
  if (slot[0].value->kind != VALUE_COLUMN || slot[0].value->u.column.column->rank)
    return slot_error(e, at, &slot[0], "a column");
  Dataset *data = slot[0].value->u.column.data;
  Column *column = slot[0].value->u.column.column;
  const Value *missing_name = slot[1].value;
  if (missing_name && missing_name->kind != VALUE_STRING)
    return slot_error(e, at, &slot[1], "a text: the class of missing values");
  int step = e->field_step++;
  const Value *like = slot[2].value;
  const Fitted *fitted = fitted_find(e, e->field_of->name, e->field, step);
  if (like) {
    if (like->kind == VALUE_UNKNOWN) return like;
    fitted = like->kind == VALUE_TENSOR ? like->u.tensor.fitted : NULL;
    if (!fitted || fitted->kind != FITTED_CATEGORY)
      return slot_error(e, at, &slot[2], "a field made by category");
  }
  if (!fitted)
    fitted = keep_fitted(e,
                         fitted_category(e->arena, e->problems, at->span, data->table, column,
                                         &data->table->part[PART_TRAIN],
                                         missing_name ? missing_name->u.string.bytes : NULL),
                         step);
  Column *made = fitted ? class_column(e, data, column, fitted, step, at) : NULL;
  if (!made) return value_unknown();
  if (!column->values) made->values = NULL; // a phantom: fine unless it is needed
  Value *value = (Value *)value_tensor(e, column_read(e, data, made));
  value->u.tensor.fitted = fitted;
  return value;
}

CALL(unscale) {
  UNUSED;
  Node *y = slot_float(e, at, &slot[0]);
  const Value *field = slot[1].value;
  if (!y || field->kind == VALUE_UNKNOWN) return value_unknown();
  const Fitted *fitted = field->kind == VALUE_TENSOR ? field->u.tensor.fitted : NULL;
  if (!fitted || fitted->kind != FITTED_STANDARDIZE)
    return slot_error(e, at, &slot[1], "a field made by standardize");
  if (fitted->count > 1 && (y->type.rank < 1 || y->type.size[y->type.rank - 1] != dim_of(fitted->count)))
    return slot_error(e, at, &slot[0], "a last dim of as many columns as the field has");
  Node *center = constant_row(e, fitted->center, fitted->count, "mean"),
       *spread_row = constant_row(e, fitted->spread, fitted->count, "deviation");
  return value_tensor(e, build_add(build_mul(y, spread(spread_row, y)), spread(center, y)));
}

CALL(table) {
  UNUSED;
  const Value **item = ARENA_ARRAY(e->arena, const Value *, rests + 1);
  Name *name = ARENA_ARRAY(e->arena, Name, rests + 1);
  for (int i = 0; i < rests; i++) {
    item[i] = rest[i].value;
    name[i] = rest[i].name;
    if (!name[i]) return slot_error(e, at, &rest[i], "a name for the column: table(x=…)");
  }
  Value *value = (Value *)value_record(e, item, name, rests);
  value->u.items.is_table = true;
  return value;
}

static const Builtin rows[] = {
    {"columns", "*columns", columns, "columns side by side: [B, n]"},
    {"columns_except", "*columns", columns_except, "all columns but these, side by side"},
    {"missing", "column", missing, "true where the column has no value"},
    {"fill", "column with", fill, "missing values replaced: \"mean\", \"median\" or a number"},
    {"standardize", "x", standardize, "minus the mean, over the deviation, of the training rows"},
    {"category", "column missing? like?", category,
     "numbered values: int<K>; missing= names a class for what has none, like= a field that numbers alike"},
    {"unscale", "y field", unscale, "standardize undone"},
    {"table", "*columns", table, "named columns, for save"},
};
const BuiltinTable builtins_data = {rows, (int)(sizeof(rows) / sizeof(*rows))};
