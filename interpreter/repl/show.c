/* Values as a reader sees them: numbers with their type, large tensors with a summary, names with what they are. */
#include "interpreter/repl/repl.h"

#include "interpreter/show_value.h"
#include "lang/format.h"

#include <inttypes.h>
#include <string.h>

#define COLUMNS 10 // of a table that are named

#define FEW 4 // numbers of a part of a record that are shown themselves

#define WHOLE 12 // a matrix up to this many rows and columns is shown whole (show_value.c)

/* Whether show_tensor leaves something out. */
static bool is_large(const Type *type) {
  if (type->rank == 0) return false;
  int64_t columns = type_size(type, type->rank - 1), rows = columns ? type_count(type) / columns : 0;
  return (rows > SHOW_ROWS || columns > SHOW_ROWS) && (rows > WHOLE || columns > WHOLE);
}

static void show_leaf(Repl *repl, const Value *value, const Type *type, const void *data, Text *out) {
  const Fitted *fitted = value->u.tensor.fitted;
  if (type->rank == 0) {
    type_print(&value->u.tensor.node->type, out);
    text_add(out, "  ");
    show_tensor(out, type, data, fitted, false);
    return;
  }
  if (value->u.tensor.image && dtype_is_float(type->dtype) && type->rank == 2) {
    type_print(type, out);
    text_add(out, "\n");
    show_image(out, type, data, repl->colour);
    return;
  }
  Type shown = *type;
  shown.bound = value->u.tensor.node->type.bound;
  show_tensor(out, &shown, data, fitted, value->u.tensor.text);
  if (!is_large(type) || (fitted && fitted_is_classes(fitted))) return;
  Statistics s = statistics_of(type, data);
  text_add(out, " ");
  statistics_write(&s, out);
  text_add(out, "\n");
}

static bool has_tensors(const Value *value) {
  if (value->kind == VALUE_TENSOR) return true;
  if (value->kind != VALUE_RECORD && value->kind != VALUE_LIST) return false;
  for (int i = 0; i < value->u.items.count; i++)
    if (has_tensors(value->u.items.item[i])) return true;
  return false;
}

/* A number, or a few of them, without their type. */
static void show_few(const Value *value, const Type *type, const void *data, Text *out) {
  Text text = {0};
  show_tensor(&text, type, data, value->u.tensor.fitted, false);
  const char *numbers = text_string(&text);
  if (type->rank) numbers += strcspn(numbers, "\n") + 1;
  numbers += strspn(numbers, " ");
  text_add_n(out, numbers, strcspn(numbers, "\n"));
  text_free(&text);
}

/* A part of a record on a line of its own. */
static void show_part(const char *name, const Value *value, const Type *type, const void *data, Text *out) {
  text_add(out, " ");
  text_column(out, name, 24);
  size_t start = out->length;
  type_print(type, out);
  do text_add(out, " ");
  while (out->length < start + 18);
  if (type->rank <= 1 && type_count(type) <= FEW)
    show_few(value, type, data, out);
  else {
    Statistics s = statistics_of(type, data);
    statistics_write(&s, out);
  }
  text_add(out, "\n");
}

static void show_value(Repl *repl, const Evaluation *evaluation, const Value *value, const char *name,
                       int *leaf, Text *out) {
  if (value->kind == VALUE_TENSOR) {
    int i = (*leaf)++;
    if (name)
      show_part(name, value, evaluation->type[i], evaluation->data[i], out);
    else
      show_leaf(repl, value, evaluation->type[i], evaluation->data[i], out);
    return;
  }
  if (!has_tensors(value)) {
    if (name) text_add(out, " ");
    if (name) text_column(out, name, 24);
    describe(repl, value, out);
    return;
  }
  for (int i = 0; i < value->u.items.count; i++) {
    const char *part = value->u.items.name ? value->u.items.name[i] : NULL;
    if (!part) part = arena_printf(repl->call->arena, "%d", i);
    const char *path = name ? arena_printf(repl->call->arena, "%s.%s", name, part) : part;
    show_value(repl, evaluation, value->u.items.item[i], path, leaf, out);
  }
}

void show_evaluation(Repl *repl, const Evaluation *evaluation) {
  Text out = {0};
  int leaf = 0;
  show_value(repl, evaluation, evaluation->value, NULL, &leaf, &out);
  say_text(repl, &out);
}

// ---- what has no numbers ----------------------------------------------------------------------------------------

static void write_params(const AstList *params, Text *out) {
  text_add(out, "(");
  for (int i = 0; i < params->count; i++) {
    const Ast *param = params->item[i];
    text_printf(out, "%s%s", i ? ", " : "", param->u.binding.name);
    if (param->u.binding.type) {
      text_add(out, ": ");
      ast_write(param->u.binding.type, out);
    }
    if (param->u.binding.value) {
      text_add(out, " = ");
      ast_write(param->u.binding.value, out);
    }
  }
  text_add(out, ")");
}

void signature_write(const Ast *declaration, Text *out) {
  text_add(out, declaration->u.function.name ? declaration->u.function.name : "fn ");
  if (declaration->kind == AST_LAYER || declaration->kind == AST_OPTIMIZER)
    write_params(&declaration->u.function.settings, out);
  if (declaration->u.function.params_given) write_params(&declaration->u.function.params, out);
  if (!declaration->u.function.result) return;
  text_add(out, " -> ");
  ast_write(declaration->u.function.result, out);
}

static void describe_table(Repl *repl, const Value *value, Text *out) {
  static const char *const words[PART_COUNT] = {"", "train", "valid", "test"};
  Dataset *data = value->u.data.data;
  text_printf(out, "data %s", data->name);
  if (!dataset_open(repl->e, data)) {
    text_add(out, "\n");
    return;
  }
  PartName part = value->u.data.part;
  if (part != PART_ALL) text_printf(out, ".%s", words[part]);
  text_printf(out, "  %" PRId64 " rows", dataset_part(data, part)->count);
  const char *before = ": ";
  for (int p = PART_TRAIN; p < PART_COUNT && part == PART_ALL && data->table->split; p++) {
    text_printf(out, "%s%" PRId64 " %s", before, dataset_part(data, (PartName)p)->count, words[p]);
    before = ", ";
  }
  text_add(out, "\n");
  Elaborator *e = repl->e;
  Saved saved = graph_begin(e, false, DTYPE_F32);
  Scope *fields = scope_new(e, NULL);
  dataset_bind_fields(e, data, fields);
  Text columns = {0};
  int count = 0;
  for (int i = 0; i < fields->count && !went_wrong(repl); i++) {
    const Value *field = fields->binding[i].value;
    if (field && field->kind == VALUE_TENSOR) {
      text_printf(out, "  %-16s ", fields->binding[i].name);
      type_print(&field->u.tensor.node->type, out);
      text_add(out, "\n");
    } else if (field && field->kind == VALUE_COLUMN && ++count <= COLUMNS)
      text_printf(&columns, "%s %s", count > 1 ? "," : "", fields->binding[i].name);
  }
  graph_end(e, &saved);
  if (count)
    text_printf(out, "  columns         %s%s\n", text_string(&columns), count > COLUMNS ? ", …" : "");
  text_free(&columns);
}

static void describe_model(Repl *repl, const Value *value, Text *out) {
  const Elaborator *e = repl->e;
  signature_write(value->ast, out);
  int64_t count = 0;
  int weights = 0;
  for (int i = 0; i < e->weights; i++)
    if (path_below(e->weight[i].canonical, value->u.instance.path) &&
        e->weight[i].variable->role == VARIABLE_WEIGHT) {
      weights++;
      count += type_count(&e->weight[i].variable->type);
    }
  if (weights)
    text_printf(out, "  %" PRId64 " numbers in %d weights\n", count, weights);
  else
    text_add(out, "  no weights yet: they are made when it is first called\n");
}

static void describe_builtin(const Value *value, Text *out) {
  bool row = value->scope != NULL;
  const char *name = row ? value->u.builtin->name : op_table[value->u.op].name;
  text_printf(out, "%s(", name);
  if (row)
    for (const char *p = value->u.builtin->signature; *p; p++)
      text_add_n(out, *p == ' ' ? ", " : p, *p == ' ' ? 2 : 1);
  else
    for (int i = 0; i < op_table[value->u.op].arity; i++) text_printf(out, "%s%c", i ? ", " : "", "xyz"[i]);
  text_printf(out, ")  %s\n", row ? value->u.builtin->doc : op_table[value->u.op].doc);
}

void describe(Repl *repl, const Value *value, Text *out) {
  switch (value->kind) {
  case VALUE_FUNCTION:
  case VALUE_LAYER:
  case VALUE_METRIC:
  case VALUE_OPTIMIZER:
    signature_write(value->ast, out);
    if (value->ast->u.function.doc) text_printf(out, "  %s", value->ast->u.function.doc);
    text_add(out, "\n");
    break;
  case VALUE_INSTANCE: describe_model(repl, value, out); break;
  case VALUE_BUILTIN: describe_builtin(value, out); break;
  case VALUE_DATA: describe_table(repl, value, out); break;
  default: value_print(value, out); text_add(out, "\n");
  }
}
