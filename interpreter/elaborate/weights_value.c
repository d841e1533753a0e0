/* Weights as values: records by path, and how they are assigned.
 *
 * A model, or a selection of its weights, stands for the tensors that they hold at this place of the step. Parts are
 * named by their path below the model, so records of two models of one structure match. */
#include "interpreter/elaborate/builder.h"
#include "lang/problems.h"

#include <string.h>

// A model's weights are made where it is first used. What asks for them above that place is UNKNOWN at first, and the
// pass is built a second time (task.c), when they exist.

const char *weights_path(const Value *value) {
  if (value->kind == VALUE_INSTANCE) return value->u.instance.model ? value->u.instance.path : NULL;
  return value->kind == VALUE_LIST || value->kind == VALUE_RECORD ? value->u.items.model : NULL;
}

bool path_below(const char *path, const char *above) {
  size_t length = strlen(above);
  return !strncmp(path, above, length) && (!path[length] || path[length] == '.');
}

bool weights_are(const Value *value) { return value->kind == VALUE_WEIGHTS || weights_path(value); }

/* The path of a selected weight below the model that it was selected from. */
static Name name_below(const Value *of, const Weight *weight) {
  const char *model = of->kind == VALUE_WEIGHTS ? of->u.weights.model : weights_path(of);
  return name_of(weight->canonical + strlen(model) + 1);
}

const Value *weights_read(Elaborator *e, const Value *of, bool states) {
  const Value **item = ARENA_ARRAY(e->arena, const Value *, e->weights + 1);
  Name *name = ARENA_ARRAY(e->arena, Name, e->weights + 1);
  int count = 0;
  for (int i = 0; i < e->weights; i++) {
    Weight *weight = &e->weight[i];
    if (!weights_selected(e, of, weight) || (!states && weight->variable->role == VARIABLE_STATE)) continue;
    item[count] = value_tensor(e, variable_value(e, weight->variable));
    name[count++] = name_below(of, weight);
  }
  return value_record(e, item, name, count);
}

const Value *weights_value(Elaborator *e, const Value *selection, const Ast *at) {
  if (e->generic) return value_unknown();
  const char *glob = selection->u.weights.glob;
  const Value *all = weights_read(e, selection, !strchr(glob, '*'));
  if (all->u.items.count == 1 && !strchr(glob, '*')) return all->u.items.item[0];
  if (all->u.items.count) return all;
  e->early = at->span;
  return value_unknown();
}

/* Whether the body declares a param or state of that name. */
static bool declares(const Ast *block, Name name) {
  for (int i = 0; block && block->kind == AST_BLOCK && i < block->u.list.count; i++) {
    const Ast *one = block->u.list.item[i];
    if ((one->kind == AST_PARAM || one->kind == AST_STATE) && one->u.binding.name == name) return true;
    if (one->kind == AST_IF &&
        (declares(one->u.branch.then, name) || declares(one->u.branch.otherwise, name)))
      return true;
    if (one->kind == AST_FOR && declares(one->u.each.value, name)) return true;
  }
  return false;
}

const Value *instance_weight(Elaborator *e, const Value *instance, Name name, const Ast *at) {
  const char *path = arena_printf(e->arena, "%s.%s", instance->u.instance.path, name);
  for (int i = 0; i < e->weights && !e->generic; i++)
    if (!strcmp(e->weight[i].canonical, path))
      return value_tensor(e, variable_value(e, e->weight[i].variable));
  bool model_of_layer =
      instance->ast && instance->ast->kind == AST_MODEL && !instance->ast->u.function.params_given;
  if (!model_of_layer && !(instance->ast && declares(instance->ast->u.function.body, name))) return NULL;
  if (!e->generic) e->early = at->span; // its first use comes later
  return value_unknown();
}

/* The part of a record, or the whole of anything else. */
static const Value *part_of(const Value *value, Name name) {
  if (value->kind != VALUE_RECORD) return value;
  for (int i = 0; i < value->u.items.count; i++)
    if (value->u.items.name && value->u.items.name[i] == name) return value->u.items.item[i];
  return NULL;
}

static bool set_weight(Builder *b, const Ast *statement, Weight *weight, const Value *value) {
  Elaborator *e = b->e;
  const Type *want = &weight->variable->type;
  Node *node = value ? value_float_node(e, value, statement->u.action.to) : NULL;
  bool fits = node && dtype_is_float(node->type.dtype) == dtype_is_float(want->dtype) &&
              (node->type.rank == 0 || type_same_shape(&node->type, want));
  if (!fits) {
    Text wanted = {0}, found = {0};
    type_print(want, &wanted);
    if (node)
      type_print(&node->type, &found);
    else
      text_add(&found, value ? value_kind_text(value) : "nothing");
    problem_set_value(e->problems, statement->u.action.to->span, weight->canonical, text_string(&wanted),
                      text_string(&found));
    text_free(&wanted);
    text_free(&found);
    return false;
  }
  node = build_cast(node, want->dtype);
  if (node->type.rank == 0 && want->rank) node = build_expand(node, want->rank, want->size);
  version_add(b, weight->variable, variable_value(e, weight->variable));
  variable_assign(e, weight->variable, node);
  return true;
}

static void set_weights(Builder *b, const Ast *statement) {
  Elaborator *e = b->e;
  const Value *target = eval_selection(e, b->scope, statement->u.action.value),
              *value = eval(e, b->scope, statement->u.action.to);
  if (target->kind == VALUE_UNKNOWN || value->kind == VALUE_UNKNOWN) return;
  if (!weights_are(target)) {
    problem_selection(e->problems, statement->u.action.value->span, value_kind_text(target));
    return;
  }
  if (weights_are(value)) value = weights_read(e, value, true);
  bool found = false, record = value->kind == VALUE_RECORD;
  for (int i = 0; i < e->weights; i++) {
    Weight *weight = &e->weight[i];
    if (!weights_selected(e, target, weight)) continue;
    const Value *part = part_of(value, name_below(target, weight));
    found = true;
    weight->reached = true;
    if (!part && record && weight->variable->role == VARIABLE_STATE) continue; // net["**"] has no states
    if (!set_weight(b, statement, weight, part)) return;
  }
  if (!found) e->early = statement->u.action.value->span;
}

void run_set(Builder *b, const Ast *statement) {
  if (b->kind == PASS_VALID) return;
  Outer outer = guard_save(b);
  if (guard_every(b, statement->u.action.every)) {
    if (b->settings->accumulate > 1 && b->kind == PASS_TRAIN) guard_update(b);
    set_weights(b, statement);
  }
  guard_restore(b, &outer);
}

// ---- functions of weights ---------------------------------------------------------------------------------------

/* (1 - t) a + t b of tensors of one shape; NULL: the shapes differ. */
static Node *blend_nodes(Elaborator *e, const Ast *at, const Value *a, const Value *b, Node *t) {
  Node *x = value_float_node(e, a, at), *y = value_float_node(e, b, at);
  if (!x || !y || !dtype_is_float(x->type.dtype) || x->type.dtype != y->type.dtype ||
      !type_same_shape(&x->type, &y->type))
    return NULL;
  Node *rest = build_sub(build_like(t, 1), t);
  return build_add(build_mul(x, rest), build_mul(y, t));
}

static const Value *blend(Elaborator *e, const Ast *at, const Argument *slot, const Argument *rest,
                          int rests) {
  (void)rest, (void)rests;
  Node *t = slot_float(e, at, &slot[2]);
  const Value *a = slot[0].value, *b = slot[1].value;
  if (!t || a->kind == VALUE_UNKNOWN || b->kind == VALUE_UNKNOWN) return value_unknown();
  if (t->type.rank) return slot_error(e, at, &slot[2], "one number from 0 to 1");
  if (weights_are(a)) a = weights_read(e, a, true);
  if (weights_are(b)) b = weights_read(e, b, true);
  if (a->kind != VALUE_RECORD) {
    Node *node = blend_nodes(e, at, a, b, t);
    return node ? value_tensor(e, node) : slot_error(e, at, &slot[1], "a value of the shape of the first");
  }
  int count = a->u.items.count;
  const Value **item = ARENA_ARRAY(e->arena, const Value *, count + 1);
  for (int i = 0; i < count; i++) {
    const Value *other = b->kind == VALUE_RECORD && a->u.items.name ? part_of(b, a->u.items.name[i]) : NULL;
    Node *node = other ? blend_nodes(e, at, a->u.items.item[i], other, t) : NULL;
    if (!node) return slot_error(e, at, &slot[1], "a model with the weights of the first");
    item[i] = value_tensor(e, node);
  }
  if (count == 0) {
    e->early = slot[0].ast->span;
    return value_unknown();
  }
  return value_record(e, item, a->u.items.name, count);
}

static const Value *copy(Elaborator *e, const Ast *at, const Argument *slot, const Argument *rest,
                         int rests) {
  (void)rest, (void)rests;
  if (!weights_are(slot[0].value)) return slot_error(e, at, &slot[0], "a model, or some of its weights");
  const Value *weights = weights_read(e, slot[0].value, true);
  if (weights->u.items.count) return weights;
  e->early = slot[0].ast->span;
  return value_unknown();
}

/* m computed with the weights of r: those that r lacks stay its own. */
static const Value *with_weights(Elaborator *e, const Ast *at, const Argument *slot, const Argument *rest,
                                 int rests) {
  (void)rest, (void)rests;
  const Value *model = slot[0].value, *record = record_of(e, slot[1].value);
  if (slot[1].value->kind == VALUE_UNKNOWN && e->early.source) return model; // this use makes the weights
  if (model->kind == VALUE_UNKNOWN || slot[1].value->kind == VALUE_UNKNOWN) return value_unknown();
  if (model->kind != VALUE_INSTANCE || !model->u.instance.model)
    return slot_error(e, at, &slot[0], "a model");
  if (!record || !record->u.items.name) return slot_error(e, at, &slot[1], "weights of a model");
  Value *value = ARENA_NEW(e->arena, Value);
  *value = *model;
  value->u.instance.with = record;
  return value;
}

/* f of each part; a layer is made anew for each, named by its path. */
static const Value *each(Elaborator *e, const Ast *at, const Argument *slot, const Argument *rest,
                         int rests) {
  (void)rest, (void)rests;
  const Value *record = record_of(e, slot[0].value), *f = slot[1].value;
  if (slot[0].value->kind == VALUE_UNKNOWN || f->kind == VALUE_UNKNOWN) return value_unknown();
  if (!record) return slot_error(e, at, &slot[0], "weights of a model");
  bool layer = f->kind == VALUE_INSTANCE && !f->u.instance.model;
  if (layer && (!e->frame || !e->frame->path)) {
    problem_layer_place(e->problems, at->span, f->ast->u.function.name);
    return value_unknown();
  }
  const Value **item = ARENA_ARRAY(e->arena, const Value *, record->u.items.count + 1);
  for (int i = 0; i < record->u.items.count; i++) {
    Value *own = ARENA_NEW(e->arena, Value);
    *own = *f;
    const char *part = record->u.items.name && record->u.items.name[i] ? record->u.items.name[i]
                                                                       : arena_printf(e->arena, "%d", i);
    if (layer) own->u.instance.path = arena_printf(e->arena, "%s.%s", e->frame->path, part);
    Argument argument = {NULL, record->u.items.item[i], slot[0].ast};
    item[i] = call_value(e, at, own, &argument, 1);
    if (item[i]->kind == VALUE_UNKNOWN) return value_unknown();
  }
  return value_record(e, item, record->u.items.name, record->u.items.count);
}

/* A layer or model computed as in training, or as outside of it. */
static const Value *built_as(Elaborator *e, const Ast *at, const Argument *slot, bool training) {
  const Value *value = slot->value;
  if (value->kind == VALUE_UNKNOWN) return value;
  if (value->kind != VALUE_INSTANCE && value->kind != VALUE_COMPOSED)
    return slot_error(e, at, slot, "a model or a layer");
  Value *built = ARENA_NEW(e->arena, Value);
  *built = *value;
  if (value->kind == VALUE_INSTANCE) {
    built->u.instance.training = value_bool(e, training);
    return built;
  }
  const Value **item = ARENA_ARRAY(e->arena, const Value *, value->u.items.count + 1);
  for (int i = 0; i < value->u.items.count; i++) {
    Argument part = {slot->name, value->u.items.item[i], slot->ast};
    item[i] = built_as(e, at, &part, training);
  }
  built->u.items.item = item;
  return built;
}

static const Value *as_training(Elaborator *e, const Ast *at, const Argument *slot, const Argument *rest,
                                int rests) {
  (void)rest, (void)rests;
  return built_as(e, at, &slot[0], true);
}

static const Value *as_eval(Elaborator *e, const Ast *at, const Argument *slot, const Argument *rest,
                            int rests) {
  (void)rest, (void)rests;
  return built_as(e, at, &slot[0], false);
}

/* Forms evaluate their arguments themselves when they are called; given as values they have nothing to do so with. */
static const Value *form_as_value(Elaborator *e, const Ast *at, const Argument *slot, const Argument *rest,
                                  int rests) {
  (void)rest, (void)rests;
  return slot_error(e, at, &slot[0], "something written where it is called");
}

// ---- what the training loop does beside the graph ---------------------------------------------------------------

static const Value *lbfgs(Elaborator *e, const Ast *at, const Argument *slot, const Argument *rest,
                          int rests) {
  (void)rest, (void)rests;
  int64_t history;
  if (!slot_int(e, at, &slot[0], 10, &history)) return value_unknown();
  if (history < 1 || history > 1000)
    return slot_error(e, at, &slot[0], "a number of steps to remember, 1 to 1000");
  Value *value = ARENA_NEW(e->arena, Value);
  *value = (Value){.kind = VALUE_UPDATE, .known = true};
  value->u.history = history;
  return value;
}

static Variable *plateau_number(Elaborator *e, const char *what, double first, bool running, const Ast *at) {
  Type type = type_scalar(DTYPE_F64);
  type.running = running;
  return variable_kept(e, arena_printf(e->arena, "%s.plateau.%d.%s", e->task_path, e->plateaus, what), type,
                       build_number(e->init_states, DTYPE_F64, first), at->at);
}

/* The same call means the same factor in training and in validation. */
static const Value *plateau(Elaborator *e, const Ast *at, const Argument *slot, const Argument *rest,
                            int rests) {
  (void)rest, (void)rests;
  const Value *metric = slot[0].value;
  Plateau p = {.at = at};
  double factor;
  if (metric->kind == VALUE_UNKNOWN) return metric;
  if (metric->kind != VALUE_STRING || strncmp(metric->u.string.bytes, "valid.", 6))
    return slot_error(e, at, &slot[0], "a metric of validation: \"valid.loss\"");
  if (!slot_int(e, at, &slot[1], 1, &p.patience) || !slot_number(e, at, &slot[2], 0.1, &factor))
    return value_unknown();
  if (p.patience < 1) return slot_error(e, at, &slot[1], "a number of validations from 1 up");
  if (factor <= 0 || factor >= 1) return slot_error(e, at, &slot[2], "a factor between 0 and 1");
  if (!e->task_path) {
    problem_plateau_place(e->problems, at->span);
    return value_unknown();
  }
  for (int i = 0; i < e->plateaus; i++)
    if (e->plateau[i].at == at) return value_tensor(e, variable_value(e, e->plateau[i].value));
  p.metric = metric->u.string.bytes + 6;
  p.least = metric_falls(p.metric);
  if (slot[3].value && slot[3].value->kind == VALUE_BOOL) p.least = slot[3].value->u.truth;
  p.factor = factor;
  p.value = plateau_number(e, "factor", 1, true, at);
  p.best = plateau_number(e, "best", 0.0 / 0.0, false, at);
  p.worse = plateau_number(e, "worse", 0, false, at);
  e->plateau = arena_grow(e->arena, e->plateau, (size_t)e->plateaus, &e->plateau_capacity, sizeof(Plateau));
  e->plateau[e->plateaus++] = p;
  return value_tensor(e, variable_value(e, p.value));
}

static const Builtin rows[] = {
    {"blend", "a b t", blend, "(1 - t) a + t b of models, weights or tensors"},
    {"with_weights", "m r", with_weights, "the model computed with weights of a record"},
    {"each", "r f", each, "f of each part of a record; a layer is made for each"},
    {"lbfgs", "history?", lbfgs, "steps as far as the loss falls, for batch = \"all\""},
    {"plateau", "metric n? factor? least?", plateau, "a factor that falls when a validated metric rests"},
    {"as_training", "m", as_training, "the model as it is in training: dropout, batch statistics"},
    {"as_eval", "m", as_eval, "the model as it is outside of training"},
    {"repeat", "n layer", form_as_value, "n copies of a layer in a row, each with weights of its own"},
    {"remat", "value", form_as_value, "the value, computed again for its gradient rather than kept"},
    {"copy", "m", copy, "the weights and states of a model"},
};
const BuiltinTable builtins_weights = {rows, (int)(sizeof(rows) / sizeof(*rows))};
