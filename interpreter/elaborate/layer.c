/* Layers, models, metrics and optimizers: instances, their paths, and the numbers they own.
 *
 * An instance is a path and settings, nothing else: its weights are found by path, made at the first call and
 * found again at every later one, in whatever graph that is. First values are built where they stand and then
 * copied, with all they need, into the graph that makes them (`init`). */
#include "interpreter/elaborate/elaborate.h"
#include "interpreter/elaborate/transplant.h"
#include "lang/format.h"
#include "lang/problems.h"

#include <string.h>

// ---- variables ----------------------------------------------------------------------------------------------

Variable *variable_new(Elaborator *e, VariableRole role, const char *path, Type type, Span span) {
  Variable *variable = ARENA_NEW(e->arena, Variable);
  *variable = (Variable){.role = role, .path = path, .type = type, .span = span, .number = e->variables++};
  return variable;
}

static Node **current_slot(Elaborator *e, const Variable *variable) {
  if ((size_t)variable->number >= e->current_capacity) {
    size_t capacity = (size_t)variable->number * 2 + 64;
    Node **grown = ARENA_ARRAY(e->arena, Node *, capacity);
    if (e->current_capacity) memcpy(grown, e->current, sizeof(*grown) * e->current_capacity);
    e->current = grown;
    e->current_capacity = capacity;
  }
  return &e->current[variable->number];
}

Node *variable_value(Elaborator *e, Variable *variable) {
  Node **slot = current_slot(e, variable);
  if (!*slot) *slot = build_read(graph_outermost(e), variable);
  return node_here(e, *slot);
}

/* Its value from here on; the last one is written when the step ends. */
void variable_update(Elaborator *e, Variable *variable, Node *node) {
  if (variable->role == VARIABLE_STATE) {
    const Value *training = scope_find(e->builtins, name_of("training"))->value;
    if (!e->training || !training->known || !training->u.truth)
      return; // states are written in training alone
  }
  variable_assign(e, variable, node);
}

void variable_assign(Elaborator *e, Variable *variable, Node *node) {
  if (e->body) {
    problem_body_state(e->problems, e->graph->span, variable->path);
    return;
  }
  if (e->guard) node = build_where(e->guard, node, variable_value(e, variable));
  if (variable->role != VARIABLE_METRIC) node = build_stop(node); // it has no gradient elsewhere
  *current_slot(e, variable) = node;
  for (int i = 0; i < e->graph->outputs; i++)
    if (e->graph->output[i].kind == OUTPUT_ASSIGN && e->graph->output[i].variable == variable) {
      e->graph->output[i].node = node;
      return;
    }
  graph_assign(e->graph, variable, node);
}

static Weight *weight_find(Elaborator *e, const char *canonical) {
  for (int i = 0; i < e->weights; i++)
    if (!strcmp(e->weight[i].canonical, canonical)) return &e->weight[i];
  return NULL;
}

uint64_t path_hash(const char *path) { // FNV-1a, 64 bits
  uint64_t hash = 14695981039346656037u;
  for (; *path; path++) hash = (hash ^ (unsigned char)*path) * 1099511628211u;
  return hash;
}

static const char *type_text(Elaborator *e, const Type *type) {
  Text text = {0};
  type_print(type, &text);
  char *copy = arena_copy(e->arena, text_string(&text), text.length);
  text_free(&text);
  return copy;
}

/* The value of an expression, or what a function of shapes makes of this one. */
static const Value *eval_first(Elaborator *e, Scope *scope, const Ast *ast, const Type *type) {
  const Value *value = eval(e, scope, ast);
  if (value->kind != VALUE_FUNCTION && value->kind != VALUE_BUILTIN) return value;
  const Value **size = ARENA_ARRAY(e->arena, const Value *, type->rank + 1);
  for (int i = 0; i < type->rank; i++) size[i] = value_int(e, type->size[i]);
  Argument shape = {NULL, value_list(e, size, type->rank), ast};
  return call_value(e, ast, value, &shape, 1);
}

static Node *fit_first(Elaborator *e, const Ast *ast, const Type *type, const Value *value) {
  if (value->kind == VALUE_UNKNOWN)
    return e->generic ? build_expand(build_number(e->graph, type->dtype, 0), type->rank, type->size) : NULL;
  Node *node = value_float_node(e, value, ast);
  if (!node) {
    problem_first_value(e->problems, ast->span, type_text(e, type), value_kind_text(value));
    return NULL;
  }
  node = build_cast(node, type->dtype);
  if (node->type.rank == 0 && type->rank) node = build_expand(node, type->rank, type->size);
  if (!type_same_shape(&node->type, type)) {
    problem_first_value(e->problems, ast->span, type_text(e, type), type_text(e, &node->type));
    return NULL;
  }
  return node;
}

/* The first value of a param or state as a tensor of `type`, in the outermost graph: no step of a scan decides it.
 * NULL after a Problem. */
static Node *first_value(Elaborator *e, Scope *scope, const Ast *ast, const Type *type, const char *path) {
  uint64_t site = e->site;
  Graph *graph = e->graph;
  Body *body = e->body;
  e->graph = graph_outermost(e);
  e->body = NULL;
  e->site = path_hash(path);
  const Value *value = eval_first(e, scope, ast, type);
  e->site = site;
  Node *node = fit_first(e, ast, type, value);
  e->graph = graph;
  e->body = body;
  return node;
}

static bool per_batch(Elaborator *e, const Type *type) {
  for (int i = 0; i < type->rank; i++)
    if (e->batch && dim_has_symbol(type->size[i], e->batch)) return true;
  return false;
}

/* The variable of a param or layer state at `canonical`, made if new; NULL after a Problem. */
static Variable *weight_variable(Elaborator *e, Scope *scope, const Ast *statement, const Type *type,
                                 VariableRole role, const char *canonical) {
  Weight *weight = e->generic ? NULL : weight_find(e, canonical);
  if (weight) {
    if (type_same_shape(&weight->variable->type, type)) return weight->variable;
    problem_weight_shape(e->problems, e->frame->owner->at, statement->at, statement->u.binding.name,
                         type_text(e, &weight->variable->type), type_text(e, type));
    return NULL;
  }
  if (!e->generic && per_batch(e, type)) {
    problem_batch_weight(e->problems, statement->span, statement->u.binding.name, type_text(e, type));
    return NULL;
  }
  Node *first = first_value(e, scope, statement->u.binding.value, type, canonical);
  if (!first) return NULL;
  Variable *variable = variable_new(e, role, canonical, *type, statement->at);
  if (e->generic) return variable;
  if (!type_is_known(type)) {
    problem_batch_weight(e->problems, statement->span, statement->u.binding.name, type_text(e, type));
    return NULL;
  }
  graph_assign(e->init, variable, graph_transplant(e->init, first));
  e->weight = arena_grow(e->arena, e->weight, (size_t)e->weights, &e->weight_capacity, sizeof(Weight));
  size_t root = strcspn(canonical, ".");
  e->weight[e->weights++] = (Weight){.variable = variable,
                                     .model = name_of_n(canonical, root),
                                     .canonical = canonical,
                                     .first_use = statement->at};
  return variable;
}

static void bind_variable(Elaborator *e, Scope *scope, Name name, Variable *variable, bool state) {
  Binding *binding = scope_add(e, scope, name);
  binding->value = variable ? value_tensor(e, variable_value(e, variable)) : value_unknown();
  binding->state = state ? variable : NULL;
}

/* with_weights: a part of the record stands for the weight. */
static void replace_weight(Elaborator *e, Scope *scope, Name name, const Variable *variable,
                           const Ast *statement) {
  for (const WithWeights *with = e->with; with; with = with->outer) {
    if (!path_below(variable->path, with->path)) continue;
    Name part = name_of(variable->path + strlen(with->path) + 1);
    for (int i = 0; i < with->record->u.items.count; i++) {
      if (with->record->u.items.name[i] != part) continue;
      const Value *value = with->record->u.items.item[i];
      Node *node = value_float_node(e, value, statement);
      if (node && type_same_shape(&node->type, &variable->type))
        scope_find(scope, name)->value = value_tensor(e, build_cast(node, variable->type.dtype));
      else
        problem_weight_shape(e->problems, e->frame->owner->at, statement->at, name,
                             type_text(e, &variable->type),
                             node ? type_text(e, &node->type) : value_kind_text(value));
      return;
    }
  }
}

const Value *param_declare(Elaborator *e, Scope *scope, const Ast *statement) {
  Name name = statement->u.binding.name;
  Type type;
  if (!e->frame || !e->frame->path) {
    problem_param_place(e->problems, statement->at, "param");
    scope_bind(e, scope, name, value_unknown());
    return value_unknown();
  }
  Variable *variable = NULL;
  if (statement->u.binding.type->kind != AST_TYPE_TENSOR)
    problem_type_tensor(e->problems, statement->u.binding.type->span);
  else if (eval_type_dims(e, scope, statement->u.binding.type, &type))
    variable = weight_variable(e, scope, statement, &type, VARIABLE_WEIGHT,
                               arena_printf(e->arena, "%s.%s", e->frame->path, name));
  bind_variable(e, scope, name, variable, false);
  if (variable) replace_weight(e, scope, name, variable, statement);
  return value_none();
}

Variable *variable_kept(Elaborator *e, const char *path, Type type, Node *first, Span span) {
  for (int i = 0; i < e->kepts && !e->generic; i++)
    if (!strcmp(e->kept[i]->path, path)) return e->kept[i];
  Variable *variable = variable_new(e, VARIABLE_OPTIMIZER, path, type, span);
  if (e->generic) return variable;
  graph_assign(e->init_states, variable, graph_transplant(e->init_states, first));
  e->kept = arena_grow(e->arena, e->kept, (size_t)e->kepts, &e->kept_capacity, sizeof(Variable *));
  return e->kept[e->kepts++] = variable;
}

const Value *state_declare(Elaborator *e, Scope *scope, const Ast *statement) {
  Name name = statement->u.binding.name;
  const Ast *declared = statement->u.binding.type;
  bool metric = e->metric_path != NULL;
  bool kept = !metric && (e->optimizer_path != NULL || (e->task_path && !e->frame));
  if (!metric && !kept && (!e->frame || !e->frame->path)) {
    problem_param_place(e->problems, statement->at, "state");
    scope_bind(e, scope, name, value_unknown());
    return value_unknown();
  }
  Type type = type_scalar(metric ? DTYPE_F64 : e->precision);
  if (declared && declared->kind == AST_TYPE_TENSOR) {
    if (!eval_type_dims(e, scope, declared, &type)) {
      bind_variable(e, scope, name, NULL, false);
      return value_none();
    }
    if (metric && dtype_is_float(type.dtype)) type.dtype = DTYPE_F64;
  } else { // the shape of its first value
    const Value *value = eval(e, scope, statement->u.binding.value);
    Node *node = value->kind == VALUE_TENSOR ? value->u.tensor.node : NULL;
    if (node) {
      type = node->type;
      type.running = false;
    }
    if (metric && dtype_is_float(type.dtype)) type.dtype = DTYPE_F64;
  }
  Variable *variable = NULL;
  if (metric || kept) {
    const char *prefix = metric ? e->metric_path : e->optimizer_path ? e->optimizer_path : e->task_path;
    const char *path = arena_printf(e->arena, "%s.%s", prefix, name);
    Node *first = first_value(e, scope, statement->u.binding.value, &type, path);
    if (first && kept && !e->generic && !type_is_known(&type))
      problem_batch_weight(e->problems, statement->span, name, type_text(e, &type));
    else if (first && kept)
      variable = variable_kept(e, path, type, first, statement->at);
    else if (first) {
      variable = variable_new(e, VARIABLE_METRIC, path, type, statement->at);
      if (!e->generic) graph_assign(e->init_states, variable, graph_transplant(e->init_states, first));
    }
  } else
    variable = weight_variable(e, scope, statement, &type, VARIABLE_STATE,
                               arena_printf(e->arena, "%s.%s", e->frame->path, name));
  bind_variable(e, scope, name, variable, true);
  return value_none();
}

// ---- instances ----------------------------------------------------------------------------------------------

/* The next path of a layer called `name` in the instance that is being computed: net.Dense.0. */
static const char *next_path(Elaborator *e, Name name) {
  Frame *frame = e->frame;
  if (!frame || !frame->path) return name;
  int i = 0, slots = (int)(sizeof(frame->used) / sizeof(*frame->used));
  while (i < frame->uses && frame->used[i].name != name) i++;
  if (i == frame->uses && frame->uses < slots) frame->used[frame->uses++].name = name;
  int number = i < slots ? frame->used[i].count++ : 0;
  return arena_printf(e->arena, "%s.%s.%d", frame->path, name, number);
}

/* A layer made where it is given as a setting lives under that setting: net.Bidirectional.forward.Wx. Its number at
 * the level above is given back. */
static const Value *under_setting(Elaborator *e, const Value *layer, const char *path) {
  Value *moved = ARENA_NEW(e->arena, Value);
  *moved = *layer;
  if (layer->kind == VALUE_COMPOSED) {
    const Value **item = ARENA_ARRAY(e->arena, const Value *, layer->u.items.count + 1);
    for (int i = 0; i < layer->u.items.count; i++) {
      const Value *one = layer->u.items.item[i];
      bool below = one->kind == VALUE_INSTANCE && !one->u.instance.model;
      const char *tail = below ? strrchr(one->u.instance.path, '.') : NULL;
      while (tail && tail > one->u.instance.path && tail[-1] != '.') tail--; // its name and number
      item[i] = below ? under_setting(
                            e, one, arena_printf(e->arena, "%s.%s", path, tail ? tail : one->u.instance.path))
                      : one;
    }
    moved->u.items.item = item;
    return moved;
  }
  Name name = layer->ast->u.function.name;
  for (int i = 0; e->frame && i < e->frame->uses; i++)
    if (e->frame->used[i].name == name && e->frame->used[i].count > 0) e->frame->used[i].count--;
  moved->u.instance.path = path;
  return moved;
}

static void settings_own(Elaborator *e, Scope *settings, const Argument *args, int count, const char *path) {
  for (int i = 0; i < settings->count; i++) {
    Binding *binding = &settings->binding[i];
    bool layer =
        binding->value && (binding->value->kind == VALUE_COMPOSED ||
                           (binding->value->kind == VALUE_INSTANCE && !binding->value->u.instance.model));
    for (int k = 0; k < count && layer; k++) {
      const Ast *ast = args[k].ast && args[k].ast->kind == AST_ARG ? args[k].ast->u.arg.value : args[k].ast;
      if (args[k].value != binding->value || !ast || ast->kind == AST_NAME) continue;
      binding->value = under_setting(e, binding->value, arena_printf(e->arena, "%s.%s", path, binding->name));
      break;
    }
  }
}

const Value *layer_make(Elaborator *e, const Ast *at, const Value *recipe, const Argument *args, int count,
                        Name let_name) {
  const Ast *declaration = recipe->ast;
  Name name = let_name ? let_name : declaration->u.function.name;
  Argument *kept = ARENA_ARRAY(e->arena, Argument, count + 1);
  int keeps = 0;
  static Name name_setting;
  if (!name_setting) name_setting = name_of("name");
  for (int i = 0; i < count; i++)
    if (args[i].name == name_setting && args[i].value->kind == VALUE_STRING)
      name = name_of(args[i].value->u.string.bytes);
    else
      kept[keeps++] = args[i];
  Scope *settings = scope_new(e, recipe->scope);
  if (!signature_bind(e, at, declaration->u.function.name, settings, &declaration->u.function.settings, kept,
                      keeps, true))
    return value_unknown();
  Value *instance = ARENA_NEW(e->arena, Value);
  *instance = (Value){.kind = VALUE_INSTANCE, .known = true, .ast = declaration, .scope = settings};
  instance->u.instance.path = next_path(e, name);
  settings_own(e, settings, kept, keeps, instance->u.instance.path);
  return instance;
}

static bool is_frozen(const Elaborator *e, const char *path) {
  for (int i = 0; i < e->frozen_models; i++)
    if (path_below(path, e->frozen_model[i])) return true;
  return false;
}

/* The body in a frame of its own: layers made in it get paths below the instance's. A model that is given as
 * layers in a row makes them there and hands the input through. */
static const Value *instance_body(Elaborator *e, const Ast *at, const Value *instance, Scope *scope,
                                  const Argument *args, int count) {
  Frame *frame = ARENA_NEW(e->arena, Frame);
  *frame = (Frame){.path = instance->u.instance.path, .owner = at, .caller = e->frame};
  Binding *training = scope_find(e->builtins, name_of("training"));
  const Value *was = training->value;
  const char *layer = e->graph->layer;
  if (instance->u.instance.model && is_frozen(e, instance->u.instance.path))
    training->value = value_bool(e, false);
  if (instance->u.instance.training) training->value = instance->u.instance.training;
  const WithWeights *outer = e->with;
  WithWeights with = {instance->u.instance.path, instance->u.instance.with, outer};
  if (with.record) e->with = &with;
  int functions = e->functions;
  Span place = e->graph->place;
  e->functions = 0;
  e->frame = frame;
  e->graph->layer = frame->path;
  const Value *value = eval_statements(e, scope, instance->ast->u.function.body);
  bool made = value->kind == VALUE_COMPOSED || (value->kind == VALUE_INSTANCE && value->u.instance.with);
  if (made && !instance->ast->u.function.params_given) value = call_value(e, at, value, args, count);
  e->with = outer;
  e->functions = functions;
  e->graph->place = place;
  e->graph->layer = layer;
  e->frame = frame->caller;
  training->value = was;
  return value;
}

/* Whether `b` says less than `a`: the same inputs, in a batch of some number of rows. */
static bool says_less(const Elaborator *e, const Called *a, const Type *b, int inputs) {
  if (a->inputs != inputs) return false;
  for (int i = 0; i < inputs; i++) {
    const Type *x = &a->type[i], *y = &b[i];
    if (x->rank != y->rank || x->rank == 0 || x->size[0] != e->batch || y->size[0] == e->batch) return false;
    for (int k = 1; k < x->rank; k++)
      if (x->size[k] != y->size[k]) return false;
  }
  return inputs > 0;
}

static void remember_inputs(Elaborator *e, const Ast *at, const char *model, const Argument *args,
                            int count) {
  Type *type = ARENA_ARRAY(e->arena, Type, count + 1);
  for (int i = 0; i < count; i++) {
    const Value *value = args[i].value;
    Node *node = value->kind == VALUE_TENSOR || value->kind == VALUE_COLUMN ? value_node(e, value, at) : NULL;
    if (!node || args[i].name) return;
    type[i] = node->type;
  }
  int i = 0;
  while (i < e->calleds && strcmp(e->called[i].model, model) != 0) i++;
  if (i < e->calleds && says_less(e, &e->called[i], type, count)) return;
  if (i == e->calleds)
    e->called = arena_grow(e->arena, e->called, (size_t)e->calleds++, &e->called_capacity, sizeof(Called));
  e->called[i] = (Called){model, type, count};
}

const Value *instance_apply(Elaborator *e, const Ast *at, const Value *instance, const Argument *args,
                            int count) {
  const Ast *declaration = instance->ast;
  Scope *scope = scope_new(e, instance->scope);
  const char *name = instance->u.instance.model ? instance->u.instance.path : declaration->u.function.name;
  if (!e->frame && !instance->u.instance.model) {
    problem_layer_place(e->problems, at->at.source ? at->at : at->span, name);
    return value_unknown();
  }
  if (instance->u.instance.model && !e->generic) remember_inputs(e, at, name, args, count);
  if (declaration->kind == AST_MODEL && !declaration->u.function.params_given)
    return instance_body(e, at, instance, scope, args, count);
  if (!signature_bind(e, at, name, scope, &declaration->u.function.params, args, count, false))
    return value_unknown();
  if (!signature_wheres(e, at, scope, declaration) ||
      inputs_unknown(&declaration->u.function.params, args, count))
    return value_unknown();
  const Value *value = instance_body(e, at, instance, scope, NULL, 0);
  if (!signature_result(e, declaration, scope, declaration->u.function.result, value)) return value_unknown();
  return value;
}

// ---- metrics and optimizers ---------------------------------------------------------------------------------

const Value *metric_apply(Elaborator *e, const Ast *at, const Value *metric, const Argument *args,
                          int count) {
  const Ast *declaration = metric->ast;
  Scope *scope = scope_new(e, metric->scope);
  if (!signature_bind(e, at, declaration->u.function.name, scope, &declaration->u.function.params, args,
                      count, false))
    return value_unknown();
  const char *path = e->metric_path;
  e->metric_path =
      arena_printf(e->arena, "%s.%s.%d", path ? path : "metric", declaration->u.function.name, e->metrics++);
  const Value *value = eval_statements(e, scope, declaration->u.function.body);
  e->metric_path = path;
  e->metric_used = true;
  return value;
}

Node *optimizer_apply(Elaborator *e, const Ast *at, const Value *update, const char *path, Node *count,
                      Node *weight, Node *gradient) {
  Argument args[2] = {{NULL, value_tensor(e, weight), at}, {NULL, value_tensor(e, gradient), at}};
  const char *was = e->optimizer_path;
  Binding *step = scope_find(e->builtins, name_of("step"));
  const Value *steps = step->value;
  e->optimizer_path = path;
  step->value = value_tensor(e, count);
  const Value *value = call_value(e, at, update, args, 2);
  step->value = steps;
  e->optimizer_path = was;
  if (value->kind != VALUE_TENSOR) return NULL;
  Node *node = build_cast(value->u.tensor.node, weight->type.dtype);
  if (type_same_shape(&node->type, &weight->type)) return node;
  problem_update_shape(e->problems, at->span, update->ast->u.function.name, type_text(e, &weight->type),
                       type_text(e, &node->type));
  return NULL;
}
