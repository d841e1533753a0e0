/* `data` declarations: source, table steps, fields.
 *
 * Fields are tensor code over columns, one example at a time: they are built anew into every graph that uses
 * them, so scaling and conversion fuse with the network. What fitted steps learn comes first, from a pass of
 * its own over the training rows in f64; later graphs find it by table, field and number of the step. */
#include "interpreter/elaborate/dataset.h"

#include "interpreter/data/problems_data.h"
#include "interpreter/data/problems_text.h"
#include "interpreter/formats/problems_files.h"
#include "interpreter/hooks/rows.h"
#include "lang/format.h"
#include "lang/problems.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

Dataset *dataset_declare(Elaborator *e, const Ast *ast, Scope *home) {
  for (int i = 0; i < e->datasets; i++)
    if (e->dataset[i]->ast == ast) return e->dataset[i];
  e->dataset = arena_grow(e->arena, e->dataset, (size_t)e->datasets, &e->dataset_capacity, sizeof(Dataset *));
  Dataset *data = ARENA_NEW(e->arena, Dataset);
  *data = (Dataset){.name = ast->u.data.name, .ast = ast, .home = home};
  return e->dataset[e->datasets++] = data;
}

// ---- the table ------------------------------------------------------------------------------------------------

const char *resolve_path(Elaborator *e, const Ast *at, const char *path) {
  if (path[0] == '/' || !strcmp(path, "-")) return path;
  if (e->options->root) return arena_printf(e->arena, "%s/%s", e->options->root, path);
  const Source *source = source_by_id(at->span.source);
  const char *slash = source ? strrchr(source->path, '/') : NULL;
  return slash ? arena_printf(e->arena, "%.*s/%s", (int)(slash - source->path), source->path, path) : path;
}

static const Value *step_argument(Elaborator *e, Dataset *data, const Ast *call, const char *name,
                                  int position) {
  if (call->kind != AST_CALL) return NULL;
  int next = 0;
  for (int i = 0; i < call->u.call.items.count; i++) {
    const Ast *arg = call->u.call.items.item[i];
    const Ast *value = arg->kind == AST_ARG ? arg->u.arg.value : arg;
    Name given = arg->kind == AST_ARG ? arg->u.arg.name : NULL;
    if (given ? !strcmp(given, name) : next++ == position) return eval(e, data->home, value);
  }
  return NULL;
}

/* The name of a column that stands as an argument: `on=id`; NULL if there is none. */
static Name step_column(const Ast *call, const char *name, int position) {
  int next = 0;
  for (int i = 0; call->kind == AST_CALL && i < call->u.call.items.count; i++) {
    const Ast *arg = call->u.call.items.item[i];
    const Ast *value = arg->kind == AST_ARG ? arg->u.arg.value : arg;
    Name given = arg->kind == AST_ARG ? arg->u.arg.name : NULL;
    if (given ? !strcmp(given, name) : next++ == position) {
      if (value->kind == AST_NAME) return value->u.name;
      return value->kind == AST_STRING ? name_of(value->u.string.bytes) : NULL;
    }
  }
  return NULL;
}

static bool step_names_known(Elaborator *e, const Ast *call, const char *step, const char *const *names,
                             int count) {
  if (call->kind != AST_CALL) return true;
  for (int i = 0; i < call->u.call.items.count; i++) {
    const Ast *arg = call->u.call.items.item[i];
    Name given = arg->kind == AST_ARG ? arg->u.arg.name : NULL;
    bool known = !given;
    for (int k = 0; k < count && !known; k++) known = !strcmp(names[k], given);
    if (known) continue;
    Text all = {0};
    for (int k = 0; k < count; k++) text_printf(&all, "%s%s", k ? ", " : "", names[k]);
    problem_no_setting(e->problems, arg->at, step, given, true, name_nearest(given, names, count),
                       text_string(&all));
    text_free(&all);
    return false;
  }
  return true;
}

static bool step_drop_missing(Elaborator *e, Dataset *data, const Ast *call) {
  int count = call->kind == AST_CALL ? call->u.call.items.count : 0;
  Name *names = ARENA_ARRAY(e->arena, Name, count + 1);
  for (int i = 0; i < count; i++) {
    const Ast *arg = call->u.call.items.item[i];
    if (arg->kind == AST_ARG) arg = arg->u.arg.value;
    names[i] = arg->kind == AST_NAME ? arg->u.name : name_of("");
    if (table_column(data->table, names[i])) continue;
    const char **known = ARENA_ARRAY(e->arena, const char *, data->table->columns + 1);
    for (int k = 0; k < data->table->columns; k++) known[k] = data->table->column[k].name;
    problem_unknown_column(e->problems, arg->span, names[i], data->table->path,
                           name_nearest(names[i], known, data->table->columns));
    return false;
  }
  table_drop_missing(data->table, names, count);
  return true;
}

static bool share(const Value *value, double *out, bool *rows) {
  if (!value) return true;
  *rows = value->kind == VALUE_INT;
  return value_number(value, out);
}

static bool step_split(Elaborator *e, Dataset *data, const Ast *call) {
  static const char *const names[] = {"valid", "test", "by", "seed"};
  if (!step_names_known(e, call, "split", names, 4)) return false;
  Split split = {0};
  double seed = 0;
  bool whole;
  const Value *by = step_argument(e, data, call, "by", 2);
  bool ok = share(step_argument(e, data, call, "valid", 0), &split.valid, &split.valid_is_rows) &&
            share(step_argument(e, data, call, "test", 1), &split.test, &split.test_is_rows) &&
            share(step_argument(e, data, call, "seed", 3), &seed, &whole);
  if (!ok || (by && by->kind != VALUE_STRING)) {
    problem_step_value(e->problems, call->span, "split(valid=0.2, test=0.1, by=\"column\", seed=1)");
    return false;
  }
  split.seed = (uint64_t)seed;
  if (by) split.by = name_of(by->u.string.bytes);
  return table_split(data->table, e->problems, call->span, &split);
}

static bool step_limit(Elaborator *e, Dataset *data, const Ast *call) {
  double rows = -1;
  bool whole = false;
  const Value *value = step_argument(e, data, call, "rows", 0);
  if (!value || !share(value, &rows, &whole) || !whole || rows < 1) {
    problem_step_value(e->problems, call->span, "limit(1000)");
    return false;
  }
  table_limit(data->table, (int64_t)rows);
  return true;
}

static bool step_kfold(Elaborator *e, Dataset *data, const Ast *call) {
  double folds = 0, fold = 0, seed = 0;
  bool whole;
  bool ok = share(step_argument(e, data, call, "n", 0), &folds, &whole) &&
            share(step_argument(e, data, call, "i", 1), &fold, &whole) &&
            share(step_argument(e, data, call, "seed", 2), &seed, &whole);
  if (!ok) {
    problem_step_value(e->problems, call->span, "kfold(5, 0, seed=1)");
    return false;
  }
  return table_kfold(data->table, e->problems, call->span, (int64_t)folds, (int64_t)fold, (uint64_t)seed);
}

static bool step_filter(Elaborator *e, Dataset *data, const Ast *call) {
  const Value *keep = step_argument(e, data, call, "keep", 0);
  int columns = data->table->columns;
  if (!keep || keep->kind != VALUE_FUNCTION) {
    problem_step_value(e->problems, call->span, "filter(fn (r) = r.age > 3)");
    return false;
  }
  Saved saved = graph_begin(e, false, DTYPE_F64);
  const Value **item = ARENA_ARRAY(e->arena, const Value *, columns + 1);
  Name *name = ARENA_ARRAY(e->arena, Name, columns + 1);
  for (int i = 0; i < columns; i++) {
    item[i] = column_value(e, data, &data->table->column[i]);
    name[i] = data->table->column[i].name;
  }
  Argument record = {NULL, value_record(e, item, name, columns), call};
  const Value *value = call_value(e, call, keep, &record, 1);
  bool ok = value->kind == VALUE_TENSOR && value->u.tensor.node->type.dtype == DTYPE_BOOL &&
            value->u.tensor.node->type.rank == 1;
  if (ok) {
    const Part *part = &data->table->part[PART_ALL];
    double *kept = rows_compute(e, data, value->u.tensor.node, part);
    bool *mask = memory_alloc((size_t)data->table->rows + 1, 1);
    for (int64_t i = 0; i < part->count; i++) mask[part->row[i]] = kept[i] != 0;
    table_keep(data->table, mask);
    memory_free(mask);
    memory_free(kept);
  } else if (value->kind != VALUE_UNKNOWN)
    problem_step_value(e->problems, call->span, "filter(fn (r) = r.age > 3)");
  graph_end(e, &saved);
  return ok;
}

/* Another table that this one is made of. */
static bool open_other(Elaborator *e, Dataset *other, const Ast *at) {
  if (!other->opening) return dataset_open(e, other);
  problem_cycle(e->problems, at->span, other->name);
  return false;
}

static bool step_join(Elaborator *e, Dataset *data, const Ast *call) {
  static const char *const names[] = {"other", "on", "how"};
  static const char usage[] = "join(other, on=column, how=\"left\")";
  if (!step_names_known(e, call, "join", names, 3)) return false;
  const Value *other = step_argument(e, data, call, "other", 0),
              *how = step_argument(e, data, call, "how", 2);
  Name on = step_column(call, "on", 1);
  bool inner = how && how->kind == VALUE_STRING && !strcmp(how->u.string.bytes, "inner");
  bool left = !how || (how->kind == VALUE_STRING && !strcmp(how->u.string.bytes, "left"));
  if (other && other->kind == VALUE_UNKNOWN) return false;
  if (!other || other->kind != VALUE_DATA || other->u.data.rows || !on || (!inner && !left)) {
    problem_step_value(e->problems, call->span, usage);
    return false;
  }
  if (!open_other(e, other->u.data.data, call)) return false;
  return table_join(data->table, other->u.data.data->table, e->problems, call->span, on, left);
}

/* lua("clean.lua"): every record through row(r). */
static bool step_lua(Elaborator *e, Dataset *data, const Ast *call) {
  const Value *path = step_argument(e, data, call, "path", 0);
  if (!path || path->kind != VALUE_STRING) {
    problem_step_value(e->problems, call->span, "lua(\"clean.lua\")");
    return false;
  }
  const char *slash = strrchr(e->program_path, '/');
  HookOptions options = {.arena = e->arena, .problems = e->problems, .at = call->span, .folder = "."};
  if (slash) options.folder = arena_copy(e->arena, e->program_path, (size_t)(slash - e->program_path));
  Hooks *hooks = hooks_open(&options, resolve_path(e, call, path->u.string.bytes));
  if (!hooks) return false;
  bool ok = hooks_has(hooks, HOOK_ROW);
  if (ok)
    ok = table_run_rows(data->table, e->problems, call->span, hooks);
  else
    problem_hook_missing(e->problems, call->span, path->u.string.bytes, "row");
  hooks_close(hooks);
  return ok;
}

static const struct {
  const char *name;
  bool always; // on a table given with --in too
  bool (*run)(Elaborator *e, Dataset *data, const Ast *call);
} steps[] = {{"drop_missing", false, step_drop_missing},
             {"split", false, step_split},
             {"limit", false, step_limit},
             {"kfold", false, step_kfold},
             {"filter", false, step_filter},
             {"join", false, step_join},
             {"lua", true, step_lua}};

static const Ast *call_name(const Ast *ast) {
  const Ast *name = ast->kind == AST_CALL ? ast->u.call.callee : ast;
  return name->kind == AST_NAME ? name : NULL;
}

static bool run_step(Elaborator *e, Dataset *data, const Ast *step) {
  const Ast *name = call_name(step);
  const char *known[sizeof(steps) / sizeof(*steps)];
  for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
    known[i] = steps[i].name;
    if (name && !strcmp(name->u.name, steps[i].name))
      return (data->replaced && !steps[i].always) || steps[i].run(e, data, step);
  }
  problem_unknown_step(e->problems, step->span, name ? name->u.name : "this",
                       name ? name_nearest(name->u.name, known, (int)(sizeof(steps) / sizeof(*steps)))
                            : NULL);
  return false;
}

static Table *open_csv(Elaborator *e, Dataset *data, const Ast *call, const char *path, char separator) {
  static const char *const names[] = {"path", "header", "missing", "sep"};
  if (!step_names_known(e, call, "csv", names, 4)) return NULL;
  CsvOptions options = {.header = true, .separator = separator};
  const Value *header = step_argument(e, data, call, "header", 1),
              *missing = step_argument(e, data, call, "missing", 2);
  const Value *sep = step_argument(e, data, call, "sep", 3);
  if (header && header->kind == VALUE_BOOL) options.header = header->u.truth;
  if (sep && sep->kind == VALUE_STRING && sep->u.string.length == 1)
    options.separator = sep->u.string.bytes[0];
  if (missing && missing->kind == VALUE_LIST) {
    const char **texts = ARENA_ARRAY(e->arena, const char *, missing->u.items.count + 1);
    for (int i = 0; i < missing->u.items.count; i++)
      if (missing->u.items.item[i]->kind == VALUE_STRING)
        texts[options.missing_count++] = missing->u.items.item[i]->u.string.bytes;
    options.missing = texts;
  }
  return table_open_csv(e->arena, e->problems, call->span, path, &options);
}

/* A table as the source of another: `data b from a`, or `from a.train`. NULL if the source is none. */
static const Value *source_table(Elaborator *e, Dataset *data, const Ast *source) {
  const Ast *name = source->kind == AST_FIELD ? source->u.field.base : source;
  if (data->replaced || name->kind != AST_NAME || !scope_find(data->home, name->u.name)) return NULL;
  const Value *value = eval(e, data->home, source);
  return value->kind == VALUE_DATA && !value->u.data.rows ? value : NULL;
}

/* Weights bring what was learned from the table, so a program that only encodes and decodes needs no file: a table
 * without rows, every column of which is one that a new file lacks. */
static Table *absent_table(Elaborator *e, Dataset *data, const Ast *source, const char *path) {
  Table *table = ARENA_NEW(e->arena, Table);
  *table = (Table){.arena = e->arena, .kind = "absent", .path = path, .span = source->span, .loaded = true};
  table_parts_start(table);
  data->absent = data->replaced = true;
  return table;
}

bool dataset_has_rows(Elaborator *e, const Dataset *data, const Ast *at) {
  if (data->absent) problem_file_unreadable(e->problems, at->span, data->table->path, ENOENT);
  return !data->absent;
}

static Table *open_source(Elaborator *e, Dataset *data, const Ast *source) {
  const Ast *name = call_name(source);
  static const char *const known[] = {"csv", "tsv", "mnist", "text", "lines", "jsonl"};
  const int sources = (int)(sizeof(known) / sizeof(*known));
  const Value *table = source_table(e, data, source);
  if (table) {
    Dataset *from = table->u.data.data;
    if (!open_other(e, from, source)) return NULL;
    return table_of_table(e->arena, from->table, &from->table->part[table->u.data.part], source->span);
  }
  const Value *path = source->kind == AST_CALL ? step_argument(e, data, source, "path", 0) : NULL;
  if (!name || !path || path->kind != VALUE_STRING) {
    problem_source(e->problems, source->span, name ? name->u.name : "this",
                   name ? name_nearest(name->u.name, known, sources) : NULL);
    return NULL;
  }
  const char *file = data->replaced ? e->options->in : resolve_path(e, source, path->u.string.bytes);
  if (e->fitted_loaded && !data->replaced && strcmp(name->u.name, "mnist") && access(file, F_OK) != 0)
    return absent_table(e, data, source, file);
  if (!strcmp(name->u.name, "csv")) return open_csv(e, data, source, file, ',');
  if (!strcmp(name->u.name, "tsv")) return open_csv(e, data, source, file, '\t');
  if (!strcmp(name->u.name, "mnist")) return table_open_mnist(e->arena, e->problems, source->span, file);
  if (!strcmp(name->u.name, "text")) return table_open_text(e->arena, e->problems, source->span, file);
  if (!strcmp(name->u.name, "jsonl")) return table_open_jsonl(e->arena, e->problems, source->span, file);
  if (!strcmp(name->u.name, "lines")) return table_open_lines(e->arena, e->problems, source->span, file);
  problem_source(e->problems, source->span, name->u.name, name_nearest(name->u.name, known, sources));
  return NULL;
}

static void fit_pass(Elaborator *e, Dataset *data) {
  Saved saved = graph_begin(e, false, DTYPE_F64);
  data->fitting = true;
  dataset_bind_fields(e, data, scope_new(e, data->home));
  data->fitting = false;
  graph_end(e, &saved);
}

/* Elaborates the block for what its steps learn and store. A block that turns out to cut windows is gone through once
 * more: only then are values of rows and values of examples told apart. */
static bool fit_fields(Elaborator *e, Dataset *data) {
  int errors = problems_count(e->problems, SEVERITY_ERROR);
  fit_pass(e, data);
  if (data->cuts) {
    data->row_dim = dim_symbol(name_of("rows"));
    data->leaves = 0;
    fit_pass(e, data);
  }
  return problems_count(e->problems, SEVERITY_ERROR) == errors;
}

static bool table_make(Elaborator *e, Dataset *data) {
  int count = 0;
  const Ast *source = data->ast->u.data.from;
  for (const Ast *a = source; a->kind == AST_BINARY && a->u.binary.op == OPERATOR_PIPE; a = a->u.binary.left)
    count++;
  const Ast **step = ARENA_ARRAY(e->arena, const Ast *, count + 1);
  for (int i = count; source->kind == AST_BINARY && source->u.binary.op == OPERATOR_PIPE;
       source = source->u.binary.left)
    step[--i] = source->u.binary.right;
  data->table = open_source(e, data, source);
  if (!data->table) return false;
  for (int i = 0; i < count; i++)
    if (!run_step(e, data, step[i])) {
      table_close(data->table);
      data->table = NULL;
      return false;
    }
  return true;
}

bool dataset_open(Elaborator *e, Dataset *data) {
  if (data->open) return data->table != NULL;
  data->open = data->opening = true;
  bool made = table_make(e, data);
  data->opening = false;
  return made && fit_fields(e, data);
}

// ---- columns --------------------------------------------------------------------------------------------------

const Value *column_value(Elaborator *e, Dataset *data, Column *column) {
  Value *value = ARENA_NEW(e->arena, Value);
  *value = (Value){.kind = VALUE_COLUMN, .known = true};
  value->u.column.data = data;
  value->u.column.column = column;
  return value;
}

Node *column_read(Elaborator *e, Dataset *data, Column *column) {
  int i = 0;
  while (i < data->leaves && data->leaf[i].column != column) i++;
  if (i == data->leaves) {
    data->leaf =
        arena_grow(e->arena, data->leaf, (size_t)data->leaves++, &data->leaf_capacity, sizeof(*data->leaf));
    Type type = type_scalar(column->dtype);
    bool example = column->step || !data->row_dim;
    type.rank = column->rank + 1;
    type.size[0] = example ? e->batch : data->row_dim;
    type.name[0] = name_of(example ? "B" : "rows");
    for (int k = 0; k < column->rank; k++) type.size[k + 1] = dim_of(column->size[k]);
    for (int k = 0; k < data->pads && column->start; k++)
      if (data->pad[k]->ids == column) type.size[1] = data->pad[k]->symbol;
    if (column->start || column->step) type.name[1] = name_of("T");
    if (column->bound) type.bound = dim_of(column->bound);
    data->leaf[i].column = column;
    data->leaf[i].variable = variable_new(
        e, VARIABLE_COLUMN, arena_printf(e->arena, "%s.%s", data->name, column->name), type, data->ast->at);
    data->leaf[i].variable->owner = data;
  }
  Node *node = variable_value(e, data->leaf[i].variable);
  return column->dtype == DTYPE_F64 ? build_cast(node, e->precision) : node;
}

static bool has_holes(const Table *table, const Column *column) {
  if (column->missing == 0 || column->dtype != DTYPE_F64 || !column->values) return false;
  const Part *part = &table->part[PART_ALL];
  const double *values = column->values;
  for (int64_t i = 0; i < part->count; i++)
    if (isnan(values[part->row[i]])) return true;
  return false;
}

Column *column_made(const Elaborator *e, const Dataset *data, int number, const char *title) {
  for (int i = 0; i < data->mades; i++)
    if (data->made[i].field == e->field && data->made[i].number == number &&
        !strcmp(data->made[i].title, title))
      return data->made[i].column;
  return NULL;
}

Column *column_keep(Elaborator *e, Dataset *data, int number, const char *title, Column *column) {
  data->made =
      arena_grow(e->arena, data->made, (size_t)data->mades, &data->made_capacity, sizeof(*data->made));
  data->made[data->mades].field = e->field;
  data->made[data->mades].number = number;
  data->made[data->mades].title = title;
  data->made[data->mades++].column = column;
  return column;
}

const Part *dataset_part(const Dataset *data, PartName part) {
  return data->windows ? &data->windows->part[part] : &data->table->part[part];
}

const Part *node_part(const Elaborator *e, const Dataset *data, const Node *node, PartName part) {
  return node->type.size[0] == e->batch ? dataset_part(data, part) : &data->table->part[part];
}

Node *dataset_column(Elaborator *e, Dataset *data, Column *column, const Ast *at) {
  if (column->start) {
    problem_ragged(e->problems, at->span, column->name);
    return NULL;
  }
  if (!e->field_of && data->windows && !column->step) {
    problem_window_row(e->problems, at->span, column->name, data->windows->length);
    return NULL;
  }
  if (column->text) {
    problem_text_column(e->problems, at->span, data->table, column);
    return NULL;
  }
  if (!data->replaced && has_holes(data->table, column)) {
    problem_missing_values(e->problems, at->span, data->table, column);
    return NULL;
  }
  return column_read(e, data, column);
}

Node *dataset_text_equals(Elaborator *e, Dataset *data, const Column *column, const char *text, size_t length,
                          const Ast *at) {
  if (!e->field_of && data->windows) {
    problem_window_row(e->problems, at->span, column->name, data->windows->length);
    return NULL;
  }
  const char *title = arena_printf(e->arena, "%s is %s", column->name, text);
  Column *made = column_made(e, data, -1, title);
  if (!made) {
    made = ARENA_NEW(e->arena, Column);
    *made = (Column){.name = column->name, .title = title, .dtype = DTYPE_BOOL};
    const Cell *cell = column->values;
    bool *equal = ARENA_ARRAY(e->arena, bool, data->table->rows + 1);
    for (int64_t i = 0; i < data->table->rows; i++)
      equal[i] = cell[i].bytes && cell[i].length == length && !memcmp(cell[i].bytes, text, length);
    made->values = equal;
    column_keep(e, data, -1, title, made);
  }
  return column_read(e, data, made);
}

// ---- fields ---------------------------------------------------------------------------------------------------

/* A column that the program names and the file given with --in lacks: fine unless its values are needed. */
static Column *phantom_column(Elaborator *e, Dataset *data, Name name) {
  Column *column = ARENA_NEW(e->arena, Column);
  *column = (Column){.name = name, .title = name, .dtype = DTYPE_F64};
  (void)data;
  return column;
}

static void mentioned_columns(Elaborator *e, Dataset *data, Scope *scope, const Ast *ast);

static void mentioned_list(Elaborator *e, Dataset *data, Scope *scope, const AstList *list) {
  for (int i = 0; i < list->count; i++) mentioned_columns(e, data, scope, list->item[i]);
}

/* Binds every free name of a field that nothing else explains, when the file was replaced. */
static void mentioned_columns(Elaborator *e, Dataset *data, Scope *scope, const Ast *ast) {
  if (!ast) return;
  switch (ast->kind) {
  case AST_NAME:
    if (!scope_find(scope, ast->u.name))
      scope_bind(e, scope, ast->u.name, column_value(e, data, phantom_column(e, data, ast->u.name)));
    break;
  case AST_BINARY:
    mentioned_columns(e, data, scope, ast->u.binary.left);
    mentioned_columns(e, data, scope, ast->u.binary.right);
    break;
  case AST_UNARY: mentioned_columns(e, data, scope, ast->u.unary.operand); break;
  case AST_CALL:
  case AST_INDEX: mentioned_list(e, data, scope, &ast->u.call.items); break;
  case AST_ARG: mentioned_columns(e, data, scope, ast->u.arg.value); break;
  case AST_LIST:
  case AST_TUPLE: mentioned_list(e, data, scope, &ast->u.list); break;
  default: break;
  }
}

void dataset_bind_fields(Elaborator *e, Dataset *data, Scope *scope) {
  Scope *block = scope_new(e, data->home);
  for (int i = 0; i < data->table->columns; i++) {
    const Value *value = column_value(e, data, &data->table->column[i]);
    scope_bind(e, block, data->table->column[i].name, value);
    scope_bind(e, scope, data->table->column[i].name, value);
  }
  const Ast *body = data->ast->u.data.body;
  Dataset *was = e->field_of;
  Name field = e->field;
  int step = e->field_step; // another table's block may be in the midst of a field that asks for one of ours
  e->field_of = data;
  data->binding = true;
  for (int i = 0; body && i < body->u.list.count; i++) {
    const Ast *statement = body->u.list.item[i];
    const Value *value = value_none();
    e->field = statement->kind == AST_ASSIGN ? statement->u.binding.name
               : statement->kind == AST_LET && statement->u.binding.pattern->kind == AST_NAME
                   ? statement->u.binding.pattern->u.name
                   : name_of("let");
    e->field_step = 0;
    if (data->replaced && (statement->kind == AST_ASSIGN || statement->kind == AST_LET))
      mentioned_columns(e, data, block, statement->u.binding.value);
    if (statement->kind == AST_ASSIGN) {
      value = eval(e, block, statement->u.binding.value);
      if (data->windows && value->kind == VALUE_TENSOR && value->u.tensor.node->type.rank &&
          value->u.tensor.node->type.size[0] == data->row_dim) {
        problem_window_row(e->problems, statement->at, e->field, data->windows->length);
        value = value_unknown();
      }
      scope_bind(e, block, statement->u.binding.name, value);
      scope_bind(e, scope, statement->u.binding.name, value);
      scope_place(block, statement->u.binding.name, statement->at);
      scope_place(scope, statement->u.binding.name, statement->at);
    } else if (!eval_statement(e, block, statement, &value))
      problem_misplaced(e->problems, statement->at);
    else if (value->kind != VALUE_NONE && value->kind != VALUE_UNKNOWN)
      problem_unused(e->problems, statement->span);
  }
  e->field_of = was;
  e->field = field;
  e->field_step = step;
  data->binding = false;
}

const Value *dataset_field(Elaborator *e, Dataset *data, Name name) {
  if (!dataset_open(e, data)) return value_unknown();
  Scope *scope = scope_new(e, NULL);
  dataset_bind_fields(e, data, scope);
  Binding *binding = scope_find(scope, name);
  if (binding) return binding->value;
  const char **known = ARENA_ARRAY(e->arena, const char *, scope->count + 1);
  for (int i = 0; i < scope->count; i++) known[i] = scope->binding[i].name;
  problem_unknown_column(e->problems, data->ast->at, name, data->table->path,
                         name_nearest(name, known, scope->count));
  return value_unknown();
}

Fitted *fitted_find(const Elaborator *e, Name table, Name field, int number) {
  for (int i = 0; i < e->fitteds; i++)
    if (e->fitted[i]->table == table && e->fitted[i]->field == field && e->fitted[i]->number == number)
      return e->fitted[i];
  return NULL;
}
