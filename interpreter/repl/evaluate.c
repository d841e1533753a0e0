/* An expression computed at once.
 *
 * It becomes a graph like a task's, whose outputs are the tensors that its value is made of, and runs once. A layer
 * made in it belongs to the expression: its weights have first values as in a model, and go with it. */
#include "interpreter/repl/repl.h"

#include "graph/build.h"
#include "interpreter/elaborate/body.h"
#include "lang/problems.h"
#include "parser/parse.h"

#include <signal.h>
#include <string.h>

const Ast *read_expression(Repl *repl, const char *text) {
  Arena *arena = repl->call->arena;
  const Source *source = source_add(arena_printf(arena, "[%lld]", (long long)repl->line), text, strlen(text));
  return parse_expression(arena, repl->call->problems, source);
}

/* The tensors that a value is made of, in their order; NULL for `node` only counts. */
static int tensors_of(const Value *value, Node **node) {
  if (value->kind == VALUE_TENSOR) {
    if (node) *node = value->u.tensor.node;
    return 1;
  }
  if (value->kind != VALUE_RECORD && value->kind != VALUE_LIST) return 0;
  int count = 0;
  for (int i = 0; i < value->u.items.count; i++)
    count += tensors_of(value->u.items.item[i], node ? node + count : NULL);
  return count;
}

const Value *value_in_graph(Repl *repl, Scope *scope, const Ast *ast) {
  Elaborator *e = repl->e;
  Frame *frame = ARENA_NEW(e->arena, Frame), *around = e->frame;
  *frame = (Frame){.path = OWN, .owner = ast};
  e->frame = frame;
  e->early = (Span){0};
  const Value *value = eval(e, scope, ast);
  if (e->early.source && !went_wrong(repl)) {
    Span early = e->early;
    *frame = (Frame){.path = OWN, .owner = ast};
    e->early = (Span){0};
    value = eval(e, scope, ast);
    if (e->early.source && !went_wrong(repl)) problem_no_weights_yet(e->problems, early);
  }
  e->frame = around;
  return value;
}

/* Rows of a table as the record of their fields. */
static const Value *rows_of(Repl *repl, const Ast *ast, const Value *value) {
  Elaborator *e = repl->e;
  if (!dataset_open(e, value->u.data.data)) return value;
  Saved saved = graph_begin(e, false, DTYPE_F32);
  Scope *fields = scope_new(e, NULL);
  dataset_bind_fields(e, value->u.data.data, fields);
  graph_end(e, &saved);
  const Value **item = ARENA_ARRAY(e->arena, const Value *, fields->count + 1);
  Name *name = ARENA_ARRAY(e->arena, Name, fields->count + 1);
  int count = 0;
  for (int i = 0; i < fields->count; i++) {
    const Binding *field = &fields->binding[i];
    if (!field->value || field->value->kind != VALUE_TENSOR) continue;
    name[count] = field->name;
    item[count++] = data_field(e, ast, value, field->name);
  }
  return count ? value_record(e, item, name, count) : value;
}

/* A model of several parts stands for the record of its weights, rows of a table for that of their fields. */
static const Value *shown_value(Repl *repl, const Ast *ast, const Value *value) {
  bool parts = (value->kind == VALUE_LIST || value->kind == VALUE_RECORD) && value->u.items.model;
  if (value->kind == VALUE_DATA && value->u.data.rows) return rows_of(repl, ast, value);
  return parts ? weights_read(repl->e, value, false) : value;
}

bool begin_work(Repl *repl) {
  if (went_wrong(repl) || !session_start(repl->session)) return false;
  Text text = {0};
  weights_adopt(repl, &text);
  say_text(repl, &text);
  return true;
}

static Pass *pass_of(Repl *repl, const Ast *ast, const Value **value) {
  Elaborator *e = repl->e;
  Pass *pass = ARENA_NEW(e->arena, Pass);
  Saved saved = graph_begin(e, false, DTYPE_F32);
  e->metrics = 0;
  e->site = path_hash("line");
  *value = shown_value(repl, ast, value_in_graph(repl, e->file, ast));
  int count = tensors_of(*value, NULL);
  Node **node = ARENA_ARRAY(e->arena, Node *, count + 1);
  tensors_of(*value, node);
  for (int i = 0; i < count; i++) {
    Node *here = node_here(e, node[i]);
    if (here->type.running) here = build_cast(here, e->precision); // step and its kin
    graph_output(e->graph, arena_printf(e->arena, "%d", i), here);
  }
  *pass = (Pass){.graph = e->graph, .init_states = e->init_states, .batch = e->batch};
  graph_end(e, &saved);
  return pass;
}

/* The outputs of the last run. */
static void read_outputs(Repl *repl, Evaluation *out) {
  for (int i = 0; i < out->leaves; i++)
    out->data[i] = runner_value(out->runner, arena_printf(repl->call->arena, "%d", i), &out->type[i]);
}

bool evaluation_again(Repl *repl, Evaluation *evaluation) {
  runner_reset(evaluation->runner, VARIABLE_METRIC);
  if (!runner_run(evaluation->runner, NULL, 0, &evaluation->args) || interrupted) return false;
  read_outputs(repl, evaluation);
  return true;
}

bool evaluate(Repl *repl, const Ast *ast, Evaluation *out) {
  Arena *arena = repl->call->arena;
  *out = (Evaluation){
      .args = {.seed = repl->call->options.seed, .step = repl->line, .part = 3, .stop = &interrupted}};
  out->pass = pass_of(repl, ast, &out->value);
  out->graph = out->pass->graph;
  out->leaves = tensors_of(out->value, NULL);
  out->data = ARENA_ARRAY(arena, const void *, out->leaves + 1);
  out->type = ARENA_ARRAY(arena, const Type *, out->leaves + 1);
  if (!begin_work(repl)) return false;
  if (!out->leaves) return !interrupted;
  out->runner = repl->running = runner_new(repl->session, out->pass, 1);
  if (out->runner && !interrupted) {
    repl->session->running[0] = (double)repl->line;
    if (evaluation_again(repl, out)) return true;
  }
  return false;
}

bool evaluate_text(Repl *repl, const char *text, Evaluation *out) {
  const Ast *ast = read_expression(repl, text);
  *out = (Evaluation){0};
  return ast && evaluate(repl, ast, out);
}

void first_value_drop(Repl *repl, const Variable *variable) {
  Graph *init = repl->e->init;
  int kept = (int)repl->session->weights_made;
  for (int i = kept; i < init->outputs; i++)
    if (init->output[i].variable != variable) init->output[kept++] = init->output[i];
  init->outputs = kept;
}

void evaluation_end(Repl *repl, Evaluation *evaluation) {
  Elaborator *e = repl->e;
  runner_free(evaluation->runner);
  if (repl->running == evaluation->runner) repl->running = NULL;
  evaluation->runner = NULL;
  int kept = 0;
  for (int i = 0; i < e->weights; i++)
    if (strcmp(e->weight[i].model, OWN) != 0)
      e->weight[kept++] = e->weight[i];
    else {
      first_value_drop(repl, e->weight[i].variable);
      memory_free(e->weight[i].variable->data);
      e->weight[i].variable->data = NULL;
    }
  e->weights = kept;
  if (repl->weights_seen > kept) repl->weights_seen = kept;
  if (repl->session->weights_copied > kept) repl->session->weights_copied = kept;
}

// ---- values that stay -----------------------------------------------------------------------------------------

/* The value with its tensors as constants that hold the numbers of now. */
static const Value *settled(Repl *repl, Graph *home, const Evaluation *evaluation, const Value *value,
                            int *leaf) {
  Elaborator *e = repl->e;
  Value *copy = ARENA_NEW(e->arena, Value);
  *copy = *value;
  if (value->kind == VALUE_TENSOR) {
    const Type *type = evaluation->type[*leaf];
    const Type *shown = &value->u.tensor.node->type;
    size_t bytes = (size_t)type_count(type) * dtype_size(type->dtype);
    Type kept = *type;
    kept.bound = shown->bound;
    memcpy(kept.name, shown->name, sizeof kept.name);
    Variable *variable = constant_add(e, OWN, kept, (Span){0})->variable;
    variable->data = memory_alloc(bytes + 16, 1);
    memcpy(variable->data, evaluation->data[(*leaf)++], bytes);
    copy->u.tensor.node = build_read(home, variable);
    return copy;
  }
  if (value->kind != VALUE_RECORD && value->kind != VALUE_LIST) return value;
  const Value **item = ARENA_ARRAY(e->arena, const Value *, value->u.items.count + 1);
  for (int i = 0; i < value->u.items.count; i++)
    item[i] = settled(repl, home, evaluation, value->u.items.item[i], leaf);
  copy->u.items.item = item;
  return copy;
}

static bool is_of_expression(const Value *value) {
  if (value->kind == VALUE_INSTANCE) return !value->u.instance.model;
  return value->kind == VALUE_COMPOSED || value->kind == VALUE_NONE || value->kind == VALUE_UNKNOWN;
}

void evaluation_keep(Repl *repl, const char *name, const Evaluation *evaluation) {
  Elaborator *e = repl->e;
  if (is_of_expression(evaluation->value)) return;
  static const Ast place = {.kind = AST_NONE}; // marks what may be read in any graph
  Binding *binding = NULL;
  for (int i = 0; i < e->file->count; i++)
    if (e->file->binding[i].name == name_of(name)) binding = &e->file->binding[i];
  if (!binding) binding = scope_add(e, e->file, name_of(name));
  int leaf = 0;
  binding->value = settled(repl, graph_new(e->arena), evaluation, evaluation->value, &leaf);
  if (!binding->declaration) binding->declaration = &place;
}

/* Whether something that stays reads the last value by its name. */
static bool last_is_used(const Repl *repl) {
  const AstList *all = repl->e->declaration;
  for (int i = 0; i < all->count; i++)
    if (mentions(all->item[i], name_of(OWN))) return true;
  for (int i = 0; i < repl->watches; i++)
    if (mentions(repl->watched[i].ast, name_of(OWN))) return true;
  return false;
}

static void numbers_free(const Value *value) {
  if (value->kind == VALUE_TENSOR && value->u.tensor.node->op == OP_READ) {
    Variable *variable = value->u.tensor.node->attr.variable;
    if (strcmp(variable->path, OWN) != 0) return;
    memory_free(variable->data);
    variable->data = NULL;
  }
  if (value->kind != VALUE_RECORD && value->kind != VALUE_LIST) return;
  for (int i = 0; i < value->u.items.count; i++) numbers_free(value->u.items.item[i]);
}

void evaluation_last(Repl *repl, const Evaluation *evaluation) {
  const Binding *last = scope_find(repl->e->file, name_of(OWN));
  const Value *before = last && !last->declaration->span.source ? last->value : NULL;
  evaluation_keep(repl, OWN, evaluation);
  last = scope_find(repl->e->file, name_of(OWN));
  if (before && last->value != before && !last_is_used(repl)) numbers_free(before);
}

const void *one_tensor(Repl *repl, const char *command, const Evaluation *evaluation, const Type **type) {
  Text found = {0};
  if (evaluation->value->kind == VALUE_TENSOR) {
    *type = evaluation->type[0];
    return evaluation->data[0];
  }
  value_print(evaluation->value, &found);
  problem_repl_needs(repl->call->problems, command, "a tensor", text_string(&found));
  text_free(&found);
  return NULL;
}

double number_at(const Type *type, const void *data, int64_t i) {
  switch (type->dtype) {
  case DTYPE_BOOL:
  case DTYPE_U8: return ((const uint8_t *)data)[i];
  case DTYPE_I32: return ((const int32_t *)data)[i];
  case DTYPE_I64: return (double)((const int64_t *)data)[i];
  case DTYPE_F32: return (double)((const float *)data)[i];
  default: return ((const double *)data)[i];
  }
}
