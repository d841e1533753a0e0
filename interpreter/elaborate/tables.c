/* The tables that a task works on: `on a as x, b as y`.
 *
 * Without `as` the fields stand by themselves, with it in a record of that name. All tables of a step give as many rows
 * as the first one; only a `task`, which runs once over everything, has further tables whole, each in its own length. */
#include "interpreter/elaborate/builder.h"
#include "interpreter/elaborate/transplant.h"
#include "lang/problems.h"

#include <string.h>

static bool source_read(Elaborator *e, const Ast *task, const Ast *ast, TaskTable *source) {
  const Value *value = eval(e, e->file, ast->u.arg.value);
  if (value->kind != VALUE_DATA || value->u.data.rows) {
    if (value->kind != VALUE_UNKNOWN) problem_task_source(e->problems, ast->span, value_kind_text(value));
    return false;
  }
  Dataset *data = value->u.data.data;
  if (e->options->in && task->u.task.task == TASK_PREDICT) data->replaced = true;
  if (!dataset_open(e, data) || !dataset_has_rows(e, data, ast)) return false;
  *source =
      (TaskTable){data, data->replaced ? PART_ALL : value->u.data.part, value->u.data.whole, ast->u.arg.name};
  if (!data->replaced && source->part != PART_ALL && dataset_part(data, source->part)->count == 0) {
    problem_empty_part(e->problems, ast->span);
    return false;
  }
  return true;
}

int sources_read(Elaborator *e, const Ast *task, TaskTable **out) {
  const AstList *list = &task->u.task.sources;
  *out = ARENA_ARRAY(e->arena, TaskTable, list->count + 1);
  for (int i = 0; i < list->count; i++) {
    if (!source_read(e, task, list->item[i], &(*out)[i])) return -1;
    for (int k = 0; k < i; k++)
      if ((*out)[k].data == (*out)[i].data) {
        problem_table_twice(e->problems, list->item[i]->span, (*out)[i].data->name);
        return -1;
      }
  }
  return list->count;
}

static PartName part_in(const Builder *b, const TaskTable *source) {
  if (b->kind == PASS_ONCE || !source->whole) return source->part;
  return b->kind == PASS_VALID && dataset_part(source->data, PART_VALID)->count ? PART_VALID : PART_TRAIN;
}

/* The value of a field or column with all examples of the part. */
static const Value *bind_whole(Elaborator *e, const TaskTable *source, PartName part, Name name,
                               const Value *value, const Ast *at) {
  bool rows = value->kind == VALUE_COLUMN && !value->u.column.column->text && !value->u.column.column->start;
  if (value->kind == VALUE_TENSOR)
    rows = value->u.tensor.node->type.rank > 0 && value->u.tensor.node->type.size[0] == e->batch;
  return rows ? dataset_whole(e, source->data, part, name, at) : value;
}

static void bind_source(Builder *b, const TaskTable *source, bool whole, PartName part) {
  Elaborator *e = b->e;
  Scope *fields = scope_new(e, NULL);
  dataset_bind_fields(e, source->data, fields);
  const Value **item = ARENA_ARRAY(e->arena, const Value *, fields->count + 1);
  Name *name = ARENA_ARRAY(e->arena, Name, fields->count + 1);
  Span *at = ARENA_ARRAY(e->arena, Span, fields->count + 1);
  int count = 0;
  for (int i = fields->count - 1; i >= 0; i--) { // a field hides the column of its name
    const Binding *binding = &fields->binding[i];
    bool known = false;
    for (int k = 0; k < count; k++) known = known || name[k] == binding->name;
    if (known) continue;
    name[count] = binding->name;
    at[count] = binding->at;
    item[count++] =
        whole ? bind_whole(e, source, part, binding->name, binding->value, b->ast) : binding->value;
  }
  if (source->name) scope_bind(e, b->scope, source->name, value_record(e, item, name, count));
  for (int i = 0; i < count && !source->name; i++) {
    scope_bind(e, b->scope, name[i], item[i]);
    scope_place(b->scope, name[i], at[i]);
  }
}

void sources_bind(Builder *b) {
  Elaborator *e = b->e;
  Pass *pass = b->pass;
  if (!b->sources) return;
  pass->data = b->source[0].data;
  pass->part = part_in(b, &b->source[0]);
  scope_bind(e, b->scope, name_of("B"), value_int(e, e->batch));
  bind_source(b, &b->source[0], false, pass->part);
  pass->more = arena_alloc(e->arena, (size_t)b->sources, sizeof(*pass->more));
  for (int i = 1; i < b->sources; i++) {
    const TaskTable *source = &b->source[i];
    PartName part = part_in(b, source);
    bool whole = b->kind == PASS_ONCE && b->ast->u.task.task == TASK_TASK;
    if (!whole) {
      pass->more[pass->mores].data = source->data;
      pass->more[pass->mores++].part = part;
    }
    bind_source(b, source, whole, part);
  }
}

// ---- draw -------------------------------------------------------------------------------------------------------

/* draw = balanced(field), or the chances themselves: one number a row. */
void run_draw(Builder *b, const Ast *statement) {
  Elaborator *e = b->e;
  Pass *pass = b->pass;
  const Ast *ast = statement->u.binding.value;
  bool balanced = ast->kind == AST_CALL && ast->u.call.callee->kind == AST_NAME &&
                  !strcmp(ast->u.call.callee->u.name, "balanced") && ast->u.call.items.count == 1;
  const Ast *of = balanced ? ast->u.call.items.item[0]->u.arg.value : ast;
  const Value *value = eval(e, b->scope, of);
  if (value->kind == VALUE_UNKNOWN) return;
  Node *node = value->kind == VALUE_TENSOR || value->kind == VALUE_COLUMN ? value_node(e, value, of) : NULL;
  if (!node || node->type.rank != 1 || node->type.size[0] != e->batch || !pass->data) {
    problem_draw(e->problems, ast->span);
    return;
  }
  pass->draw = graph_transplant(graph_new(e->arena), node);
  pass->draw_balanced = balanced;
  pass->draw_at = ast->span;
}
