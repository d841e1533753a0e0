/* metric, print, yield and save: what a pass measures, shows and writes.
 *
 * Each value is an output of the graph with a name; under a guard it exists only in steps that need it. */
#include "interpreter/data/problems_text.h"
#include "interpreter/elaborate/builder.h"
#include "lang/problems.h"

#include <string.h>

// ---- measures ---------------------------------------------------------------------------------------------------

void add_measure(Builder *b, Measure measure, Node *node) {
  Elaborator *e = b->e;
  Pass *pass = b->pass;
  for (int i = 0; i < pass->measures; i++)
    if (measure.kind == MEASURE_METRIC && !strcmp(pass->measure[i].name, measure.name)) {
      problem_measure_twice(e->problems, measure.ast->at, measure.name);
      return;
    }
  pass->measure =
      arena_grow(e->arena, pass->measure, (size_t)pass->measures, &pass->measure_capacity, sizeof(Measure));
  if (!measure.stateful) measure.when = b->when; // what a state holds lasts
  pass->measure[pass->measures++] = measure;
  if (node && measure.stateful)
    graph_output(e->graph, measure.name, node);
  else if (node)
    guard_output(b, measure.name, node);
}

/* An output that says whether the guards of the step hold; NULL: it is known before the step. */
static const char *active_output(Builder *b, Node *active, const char *of) {
  if (!active || b->conditions == 0) return NULL;
  const char *name = arena_printf(b->e->arena, "%s.active", of);
  graph_output(b->e->graph, name, build_cast(active, DTYPE_F64));
  return name;
}

Node *scalar_of(Builder *b, const Value *value, const Ast *ast, const char *what) {
  Elaborator *e = b->e;
  if (value->kind == VALUE_UNKNOWN) return NULL;
  Node *node = value_float_node(e, value, ast);
  if (node && node->type.rank == 0 && dtype_is_float(node->type.dtype))
    return node->type.running ? build_cast(node, e->precision) : node;
  Text text = {0};
  if (node)
    type_print(&node->type, &text);
  else
    text_add(&text, value_kind_text(value));
  problem_scalar(e->problems, ast->span, what, text_string(&text));
  text_free(&text);
  return NULL;
}

/* A mean over batches of a root is not the root of the mean. */
static void warn_of_average(Builder *b, const Ast *expression) {
  if (expression->kind != AST_CALL || expression->u.call.callee->kind != AST_NAME || !b->pass->data) return;
  static const char *const bent[] = {"sqrt", "exp", "log"};
  for (int i = 0; i < 3; i++)
    if (!strcmp(expression->u.call.callee->u.name, bent[i]))
      problem_bent_metric(b->e->problems, expression->span, bent[i]);
}

void run_metric(Builder *b, const Ast *statement) {
  Elaborator *e = b->e;
  const Ast *expression = statement->u.binding.value;
  e->metric_used = false;
  const Value *value = eval(e, b->scope, expression);
  bool stateful = e->metric_used;
  const char *name = statement->u.binding.name;
  if (!name && expression->kind == AST_CALL && expression->u.call.callee->kind == AST_NAME)
    name = expression->u.call.callee->u.name;
  if (!name) name = "metric";
  Node *node = scalar_of(b, value, expression, "a metric");
  if (!node) return;
  if (!stateful && statement->u.binding.name && b->kind != PASS_VALID) warn_of_average(b, expression);
  Measure measure = {.name = name, .stateful = stateful, .ast = statement};
  if (!stateful) measure.active = active_output(b, e->guard, name);
  add_measure(b, measure, build_cast(node, DTYPE_F64));
}

/* A list of what is known before the run, which fits in a line. */
static bool is_plain(const Value *value) {
  if (value->kind != VALUE_LIST) return value_is_static_number(value) || value->kind == VALUE_STRING;
  for (int i = 0; i < value->u.items.count; i++)
    if (!is_plain(value->u.items.item[i])) return false;
  return true;
}

/* Records, and lists of more than that, are shown part by part. */
static void print_value(Builder *b, const Ast *item, const Value *value, const char *label) {
  Elaborator *e = b->e;
  const Value *record = record_of(e, value), *all = record ? record : value;
  bool parts = record || (value->kind == VALUE_LIST && !value->u.items.model && !is_plain(value));
  for (int i = 0; parts && i < all->u.items.count; i++) {
    const char *name =
        all->u.items.name && all->u.items.name[i] ? all->u.items.name[i] : arena_printf(e->arena, "%d", i);
    print_value(b, item, all->u.items.item[i], label ? arena_printf(e->arena, "%s.%s", label, name) : name);
  }
  if (parts || value->kind == VALUE_UNKNOWN) return;
  bool tensor = value->kind == VALUE_TENSOR || value->kind == VALUE_COLUMN;
  Measure measure = {.name = arena_printf(e->arena, "print.%d", b->pass->measures),
                     .stateful = e->metric_used,
                     .kind = MEASURE_PRINT,
                     .ast = item,
                     .label = label,
                     .value = value};
  add_measure(b, measure, tensor ? value_node(e, value, item) : NULL);
}

static void print_items(Builder *b, const Ast *statement) {
  for (int i = 0; i < statement->u.print.items.count; i++) {
    const Ast *item = statement->u.print.items.item[i];
    b->e->metric_used = false;
    print_value(b, item, eval(b->e, b->scope, item), NULL);
  }
}

/* In a train block, `every k` shows the numbers of the step; without it those of each validation are shown, or of the
 * last step before a line is told. */
static bool shown_in(Builder *b, const Ast *every) {
  if (b->kind == PASS_ONCE) return guard_every(b, every);
  if (b->kind == PASS_VALID) return every == NULL;
  if (every) return guard_every(b, every);
  if (b->validates) return false;
  guard_tell(b);
  return true;
}

void run_print(Builder *b, const Ast *statement) {
  Outer outer = guard_save(b);
  if (shown_in(b, statement->u.print.every)) print_items(b, statement);
  guard_restore(b, &outer);
}

void run_yield(Builder *b, const Ast *statement) {
  Elaborator *e = b->e;
  Pass *pass = b->pass;
  const AstList *list = &statement->u.list;
  pass->yield = ARENA_ARRAY(e->arena, YieldField, list->count + 1);
  for (int i = 0; i < list->count; i++) {
    const Ast *arg = list->item[i];
    const Value *value = eval(e, b->scope, arg->u.arg.value);
    if (value->kind == VALUE_UNKNOWN) continue;
    const char *name = arg->u.arg.name;
    if (!name && arg->u.arg.value->kind == AST_NAME) name = arg->u.arg.value->u.name;
    if (!name) name = arena_printf(e->arena, "c%d", i);
    YieldField field = {.name = name, .value = value};
    if (value->kind == VALUE_COLUMN && value->u.column.column->text && value->u.column.data->windows) {
      problem_window_row(e->problems, arg->span, name, value->u.column.data->windows->length);
      continue;
    }
    if (!(value->kind == VALUE_COLUMN && value->u.column.column->text)) {
      Node *node = value_node(e, value, arg->u.arg.value);
      bool batched = node && node->type.rank >= 1 && node->type.size[0] == e->batch;
      if (!batched) {
        Text text = {0};
        if (node)
          type_print(&node->type, &text);
        else
          text_add(&text, value_kind_text(value));
        problem_yield(e->problems, arg->span, name, text_string(&text));
        text_free(&text);
        continue;
      }
      field.output = arena_printf(e->arena, "yield.%d", i);
      graph_output(e->graph, field.output, node);
      field.value = value->kind == VALUE_TENSOR ? value : value_tensor(e, node);
    }
    pass->yield[pass->yields++] = field;
  }
}

/* By the ending of the file; SAVE_FORMATS if it is none of ours. */
static SaveFormat save_format(const char *path) {
  static const char *const ending[SAVE_FORMATS] = {
      [SAVE_CSV] = ".csv", [SAVE_PNG] = ".png", [SAVE_NPY] = ".npy"};
  const char *dot = strrchr(path, '.');
  int format = 0;
  while (format < SAVE_FORMATS && (!dot || strcmp(dot, ending[format]))) format++;
  return (SaveFormat)format;
}

static void save_value(Builder *b, const Ast *statement) {
  Elaborator *e = b->e;
  Pass *pass = b->pass;
  const Value *value = eval(e, b->scope, statement->u.action.value),
              *to = eval(e, b->scope, statement->u.action.to);
  if (value->kind == VALUE_UNKNOWN || to->kind == VALUE_UNKNOWN) return;
  SaveFormat format = to->kind == VALUE_STRING ? save_format(to->u.string.bytes) : SAVE_FORMATS;
  bool table = value->kind == VALUE_RECORD && value->u.items.is_table;
  bool tensor = value->kind == VALUE_TENSOR || value->kind == VALUE_COLUMN;
  if (format == SAVE_FORMATS || (format == SAVE_CSV ? !table : !tensor)) {
    problem_save(e->problems, statement->span);
    return;
  }
  for (int i = 0; i < (table ? value->u.items.count : 1); i++) {
    const Value *item = table ? value->u.items.item[i] : value;
    Node *node = table ? value_float_node(e, item, statement) : value_node(e, item, statement);
    if (node) guard_output(b, arena_printf(e->arena, "save.%d.%d", pass->saves, i), node);
  }
  pass->save =
      arena_grow(e->arena, pass->save, (size_t)pass->saves, &pass->save_capacity, sizeof(*pass->save));
  pass->save[pass->saves].value = value;
  pass->save[pass->saves].format = format;
  pass->save[pass->saves].to = to->u.string.bytes;
  pass->save[pass->saves].when = b->when;
  pass->save[pass->saves++].ast = statement;
}

void run_save(Builder *b, const Ast *statement) {
  Outer outer = guard_save(b);
  if (shown_in(b, statement->u.action.every)) save_value(b, statement);
  guard_restore(b, &outer);
}

// ---- the loss -----------------------------------------------------------------------------------------------------

void measures_end(Builder *b) {
  if (!b->loss) return;
  Elaborator *e = b->e;
  add_measure(b, (Measure){.name = "loss", .ast = b->ast}, build_cast(b->loss, DTYPE_F64));
  Node *finite = build_mul(b->loss, build_like(b->loss, 0));
  if (b->finite) finite = build_add(b->finite, finite);
  if (b->kind == PASS_TRAIN) graph_output(e->graph, "finite", finite);
  bool guarded = false;
  for (int i = 0; i < b->minimizes; i++) guarded = guarded || b->part[i].active;
  for (int i = 0; i < b->minimizes && guarded;
       i++) { // each has its own mean, over the steps in which it acts
    const LossPart *part = &b->part[i];
    b->when = part->when;
    b->conditions = part->counted;
    Measure measure = {.name = arena_printf(e->arena, "loss.%d", i), .kind = MEASURE_PART, .ast = b->ast};
    measure.active = active_output(b, part->active, measure.name);
    add_measure(b, measure, build_cast(part->node, DTYPE_F64));
  }
  b->when = (When){0};
  b->conditions = 0;
}
