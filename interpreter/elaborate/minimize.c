/* minimize, maximize and freeze: gradients of a scalar become new weights.
 *
 * A weight can have had several values in a step: what a `let` computed with an older one still counts, so gradients by
 * all of them add up. An optimizer is elaborated once a weight; each becomes one in-place loop. */
#include "autodiff/differentiate.h"
#include "interpreter/elaborate/builder.h"
#include "lang/format.h"
#include "lang/problems.h"

#include <string.h>

// ---- selections -----------------------------------------------------------------------------------------------

/* `*` is one level of a path, `**` any number of levels; net.Dense and net.Dense.0 are one path. */
bool glob_match(const char *glob, const char *path) {
  for (; *glob; glob++) {
    if (*glob == '.' && !strncmp(path, ".0.", 3) && glob_match(glob, path + 2)) return true;
    if (glob[0] == '*' && glob[1] == '*') {
      const char *rest = glob + 2;
      for (const char *p = path;; p++) {
        if (glob_match(rest, p)) return true;
        if (!*p) return false;
      }
    }
    if (*glob == '*') {
      for (const char *p = path;; p++) {
        if (glob_match(glob + 1, p)) return true;
        if (!*p || *p == '.') return false;
      }
    }
    if (*glob != *path++) return false;
  }
  return *path == 0;
}

bool weights_selected(Elaborator *e, const Value *selection, const Weight *weight) {
  (void)e;
  if (selection->kind == VALUE_WEIGHTS) return glob_match(selection->u.weights.glob, weight->canonical);
  const char *path = weights_path(selection);
  return path && path_below(weight->canonical, path);
}

static bool is_frozen(const Elaborator *e, const Weight *weight) {
  for (int i = 0; i < e->frozen_models; i++)
    if (path_below(weight->canonical, e->frozen_model[i]) ||
        glob_match(e->frozen_model[i], weight->canonical))
      return true;
  return false;
}

void run_freeze(Builder *b, const Ast *statement) {
  Elaborator *e = b->e;
  if (e->guard) { // what is frozen is decided before the run
    problem_misplaced(e->problems, statement->at);
    return;
  }
  for (int i = 0; i < statement->u.list.count; i++) {
    const Value *value = eval_selection(e, b->scope, statement->u.list.item[i]);
    const char *path = value->kind == VALUE_WEIGHTS ? value->u.weights.glob : weights_path(value);
    if (!path) {
      if (value->kind != VALUE_UNKNOWN)
        problem_selection(e->problems, statement->u.list.item[i]->span, value_kind_text(value));
      continue;
    }
    const char **grown = ARENA_ARRAY(e->arena, const char *, e->frozen_models + 1);
    if (e->frozen_models) memcpy(grown, e->frozen_model, sizeof(*grown) * (size_t)e->frozen_models);
    grown[e->frozen_models++] = path;
    e->frozen_model = grown;
  }
}

// ---- gradients ------------------------------------------------------------------------------------------------

void version_add(Builder *b, Variable *variable, Node *now) {
  b->version =
      arena_grow(b->e->arena, b->version, (size_t)b->versions, &b->version_capacity, sizeof(Version));
  b->version[b->versions++] = (Version){variable, now};
}

static Node *add_up(Node *sum, Node *term) { return sum ? build_add(sum, term) : term; }

/* Gradients scaled together so that their norm is at most `clip`. */
static void clip_gradients(Builder *b, Node **gradient, int count) {
  double clip = b->settings->clip;
  Node *square = NULL;
  for (int i = 0; i < count; i++)
    if (gradient[i])
      square = add_up(square, build_reduce_all(OP_REDUCE_SUM, build_mul(gradient[i], gradient[i])));
  if (!square) return;
  if (b->hooks) {
    hooks_clip(b, square, gradient, count);
    return;
  }
  Node *norm = build_sqrt(square);
  Node *scale = build_min(build_like(norm, 1), build_div(build_like(norm, clip), norm));
  for (int i = 0; i < count; i++)
    if (gradient[i]) gradient[i] = build_mul(gradient[i], scale);
}

/* The gradients of `loss` by weights, each by all values that the weight has had in this step. */
static void gradients(Builder *b, Node *loss, const int *index, Node *const *weight, int count, Node **out) {
  Elaborator *e = b->e;
  Node **x = ARENA_ARRAY(e->arena, Node *, count + b->versions + 1),
       **part = ARENA_ARRAY(e->arena, Node *, count + b->versions + 1);
  int *of = ARENA_ARRAY(e->arena, int, count + b->versions + 1), all = 0;
  for (int i = 0; i < count; i++) {
    of[all] = i;
    x[all++] = weight[i];
    for (int k = 0; k < b->versions; k++) {
      if (b->version[k].variable != e->weight[index[i]].variable) continue;
      of[all] = i;
      x[all++] = b->version[k].node;
    }
  }
  differentiate(loss, x, all, part);
  memset(out, 0, sizeof(*out) * (size_t)count);
  for (int i = 0; i < all; i++)
    if (part[i]) out[of[i]] = add_up(out[of[i]], part[i]);
}

static Variable *accumulator(Builder *b, const char *path, Type type) {
  Elaborator *e = b->e;
  type.running = false;
  Node *zero = build_number(e->init_states, type.dtype, 0);
  return variable_kept(
      e, arena_printf(e->arena, "%s.accumulated.%d.%s", b->ast->u.task.name, b->minimizes, path), type,
      type.rank ? build_expand(zero, type.rank, type.size) : zero, b->ast->at);
}

/* accumulate = k: gradients add up, each weighed by its examples; the k-th batch divides and updates. */
static void accumulate_gradients(Builder *b, Node *const *weight, const int *index, Node **gradient,
                                 int count) {
  Elaborator *e = b->e;
  Node *rows = build_cast(build_extent(e->graph, b->pass->data ? e->batch : dim_of(1)), e->precision);
  Variable *seen = accumulator(b, "rows", type_scalar(e->precision));
  Node *all = build_add(variable_value(e, seen), rows);
  Outer outer = guard_save(b);
  e->guard = NULL;
  guard_update(b);
  Node *due = e->guard;
  guard_restore(b, &outer);
  for (int i = 0; i < count; i++) {
    if (!gradient[i]) continue;
    Variable *sum = accumulator(b, e->weight[index[i]].canonical, weight[i]->type);
    Node *total = build_add(variable_value(e, sum), build_mul(gradient[i], rows));
    gradient[i] = build_div(total, all);
    variable_update(e, sum, build_where(due, build_like(total, 0), total));
  }
  variable_update(e, seen, build_where(due, build_like(all, 0), all));
}

// ---- optimizers -----------------------------------------------------------------------------------------------

typedef struct {
  const Value *selection, *update;
  const Ast *ast, *optimizer;
  int taken;
} Using;

static int read_usings(Builder *b, const Ast *statement, Using *using) {
  Elaborator *e = b->e;
  const AstList *overs = &statement->u.minimize.overs;
  int count = 0;
  bool any = false;
  for (int i = 0; i < overs->count; i++) any = any || overs->item[i]->u.action.to;
  if (!any) {
    problem_no_optimizer(e->problems, statement->at);
    return 0;
  }
  for (int i = 0; i < overs->count; i++) {
    const Ast *over = overs->item[i];
    Using *u = &using[count];
    *u = (Using){.ast = over};
    u->selection = over->u.action.value ? eval_selection(e, b->scope, over->u.action.value) : NULL;
    // `over a, b using o`: the optimizer stands behind the last of them
    const Ast *optimizer = over->u.action.to;
    for (int k = i; !optimizer && k < overs->count; k++) optimizer = overs->item[k]->u.action.to;
    u->optimizer = optimizer;
    u->update = optimizer ? eval(e, b->scope, optimizer) : value_unknown();
    if (u->selection && !weights_are(u->selection)) {
      if (u->selection->kind != VALUE_UNKNOWN)
        problem_selection(e->problems, over->u.action.value->span, value_kind_text(u->selection));
      return 0;
    }
    if (u->update->kind != VALUE_UPDATE) {
      if (u->update->kind != VALUE_UNKNOWN)
        problem_optimizer_value(e->problems, optimizer ? optimizer->span : over->span,
                                value_kind_text(u->update));
      return 0;
    }
    count++;
  }
  return count;
}

/* How often a statement that uses the named optimizer may run in a step. */
static int uses_of(const Ast *block, Name name) {
  int count = 0;
  for (int i = 0; i < block->u.list.count; i++) {
    const Ast *statement = block->u.list.item[i];
    if (statement->kind == AST_FOR && statement->u.each.value->kind == AST_BLOCK)
      count += 2 * uses_of(statement->u.each.value, name);
    if (statement->kind == AST_IF) {
      count += uses_of(statement->u.branch.then, name);
      if (statement->u.branch.otherwise) count += uses_of(statement->u.branch.otherwise, name);
    }
    for (int k = 0; statement->kind == AST_MINIMIZE && k < statement->u.minimize.overs.count; k++) {
      const Ast *optimizer = statement->u.minimize.overs.item[k]->u.action.to;
      count += optimizer && optimizer->kind == AST_NAME && optimizer->u.name == name;
    }
  }
  return count;
}

/* What is written behind `using` is one optimizer, in all rounds of a `for`; so is the value of a `let`. */
static const Instance *instance_of(Builder *b, const Using *using) {
  const Binding *named =
      using->optimizer->kind == AST_NAME ? scope_find(b->scope, using->optimizer->u.name) : NULL;
  const void *key = using->update;
  if (using->optimizer->kind == AST_CALL) key = using->optimizer;
  if (named && named->declaration) key = named->declaration; // a let of the file may be made anew at each use
  for (int i = 0; i < b->instances; i++)
    if (b->instance[i].key == key) return &b->instance[i];
  b->instance =
      arena_grow(b->e->arena, b->instance, (size_t)b->instances, &b->instance_capacity, sizeof(Instance));
  b->instance[b->instances] = (Instance){key, b->instances};
  return &b->instance[b->instances++];
}

/* The number of this update of the weight by this optimizer. Where it acts once in each step, or in each k-th, that
 * follows from `step`; else it is counted. */
static Node *update_count(Builder *b, const Using *using, const char *path) {
  Elaborator *e = b->e;
  const Ast *optimizer = using->optimizer;
  bool once = optimizer->kind == AST_CALL
                  ? b->loops == 0
                  : optimizer->kind == AST_NAME && uses_of(b->ast->u.task.body, optimizer->u.name) == 1;
  Node *step = variable_value(e, e->running[0]);
  if (once && b->conditions == 0 && !b->hooks) { // a hook may skip steps
    if (!b->every) return step;
    Node *every = build_number(e->graph, DTYPE_F64, (double)b->every);
    every->type.running = true;
    return build_floor(build_div(step, every));
  }
  Type type = type_scalar(DTYPE_F64);
  type.running = true;
  Variable *updates = variable_kept(e, arena_printf(e->arena, "%s.updates", path), type,
                                    build_number(e->init_states, DTYPE_F64, 0), b->ast->at);
  Node *one = build_number(e->graph, DTYPE_F64, 1);
  one->type.running = true;
  Node *count = build_add(variable_value(e, updates), one);
  variable_update(e, updates, count);
  return count;
}

/* lbfgs: the graph leaves the gradients where the training loop finds them. */
static void leave_gradients(Builder *b, const Using *using, const int *index, Node *const *gradient,
                            int count) {
  Elaborator *e = b->e;
  Pass *pass = b->pass;
  Search *search = ARENA_NEW(e->arena, Search);
  search->part = arena_alloc(e->arena, (size_t)count + 1, sizeof(*search->part));
  search->history = using->update->u.history;
  const char *task = b->ast->u.task.name;
  for (int i = 0; i < count; i++) {
    if (!gradient[i]) continue;
    Variable *weight = e->weight[index[i]].variable;
    Type type = weight->type;
    Node *zero = build_number(e->init_states, type.dtype, 0);
    Variable *kept = variable_kept(e, arena_printf(e->arena, "%s.0.%s.gradient", task, weight->path), type,
                                   type.rank ? build_expand(zero, type.rank, type.size) : zero, b->ast->at);
    variable_update(e, kept, gradient[i]);
    search->part[search->parts].weight = weight;
    search->part[search->parts++].gradient = kept;
    search->size += type_count(&type);
  }
  Type pairs = type_of(DTYPE_F64, 2, (const Dim *[]){dim_of(search->history), dim_of(search->size)});
  Node *zero = build_number(e->init_states, DTYPE_F64, 0);
  search->moved = variable_kept(e, arena_printf(e->arena, "%s.0.moved", task), pairs,
                                build_expand(zero, 2, pairs.size), b->ast->at);
  search->changed = variable_kept(e, arena_printf(e->arena, "%s.0.changed", task), pairs,
                                  build_expand(zero, 2, pairs.size), b->ast->at);
  search->count =
      variable_kept(e, arena_printf(e->arena, "%s.0.pairs", task), type_scalar(DTYPE_F64), zero, b->ast->at);
  search->work = ARENA_ARRAY(e->arena, double, 5 * search->size + search->history + 1);
  bool alone = b->settings->batch_all || !pass->data;
  if (!alone || pass->search || b->minimizes || b->settings->accumulate > 1 || b->settings->clip > 0 ||
      b->settings->ema > 0 || e->guard)
    problem_search(e->problems, using->ast->span);
  pass->search = search;
}

static void apply_optimizers(Builder *b, const Using *using, const int *by, const int *index,
                             Node *const *weight, Node *const *gradient, int count) {
  Elaborator *e = b->e;
  Node **updated = ARENA_ARRAY(e->arena, Node *, count + 1);
  for (int i = 0; i < count; i++) {
    if (!gradient[i]) continue;
    const Using *u = &using[by[i]];
    int number = instance_of(b, u)->number;
    const char *path =
        arena_printf(e->arena, "%s.%d.%s", b->ast->u.task.name, number, e->weight[index[i]].canonical);
    e->graph->layer = path;
    updated[i] = optimizer_apply(e, u->ast, hooks_update(b, u->update, number), path,
                                 update_count(b, u, path), weight[i], gradient[i]);
    e->graph->layer = NULL;
    if (!updated[i]) return; // every weight would say the same
  }
  for (int i = 0; i < count; i++) {
    if (!updated[i]) continue;
    version_add(b, e->weight[index[i]].variable, weight[i]);
    variable_update(e, e->weight[index[i]].variable, updated[i]);
  }
}

static bool all_taken(Builder *b, const Ast *statement, const Using *using, int usings) {
  for (int u = 0; u < usings; u++) {
    if (using[u].taken) continue;
    Text text = {0};
    ast_write(statement->u.minimize.value, &text);
    problem_no_weights(b->e->problems, statement->u.minimize.value->span, text_string(&text),
                       using[u].ast->u.action.value ? using[u].ast->u.action.value->span : statement->at);
    text_free(&text);
    return false;
  }
  return true;
}

static void update_weights(Builder *b, const Ast *statement, Node *loss, Using *using, int usings) {
  Elaborator *e = b->e;
  int count = 0;
  Node **weight = ARENA_ARRAY(e->arena, Node *, e->weights + 1),
       **gradient = ARENA_ARRAY(e->arena, Node *, e->weights + 1);
  int *index = ARENA_ARRAY(e->arena, int, e->weights + 1), *by = ARENA_ARRAY(e->arena, int, e->weights + 1);
  for (int i = 0; i < e->weights; i++) {
    Variable *variable = e->weight[i].variable;
    Node *now = (size_t)variable->number < e->current_capacity ? e->current[variable->number] : NULL;
    bool frozen = is_frozen(e, &e->weight[i]);
    e->weight[i].frozen = e->weight[i].frozen || frozen;
    if (variable->role != VARIABLE_WEIGHT || !now || frozen) continue;
    int u = 0;
    while (u < usings && using[u].selection && !weights_selected(e, using[u].selection, &e->weight[i])) u++;
    if (u == usings) {
      e->weight[i].reached = e->weight[i].reached || differentiable(loss, now);
      continue;
    }
    by[count] = u;
    index[count] = i;
    weight[count++] = now;
  }
  gradients(b, loss, index, weight, count, gradient);
  for (int i = 0; i < count; i++) {
    using[by[i]].taken += gradient[i] != NULL;
    e->weight[index[i]].reached = e->weight[index[i]].reached || gradient[i];
  }
  if (!all_taken(b, statement, using, usings)) return;
  if (b->settings->accumulate > 1) accumulate_gradients(b, weight, index, gradient, count);
  for (int i = 0; i < count; i++)
    if (gradient[i])
      b->finite = add_up(
          b->finite,
          guard_value(b, build_reduce_all(OP_REDUCE_SUM, build_mul(gradient[i], build_like(gradient[i], 0))),
                      0));
  if (!using->update->ast) { // lbfgs
    if (usings > 1) problem_search(e->problems, using[1].ast->span);
    leave_gradients(b, using, index, gradient, count);
    return;
  }
  if (b->pass->search) problem_search(e->problems, statement->at);
  if (b->settings->accumulate > 1) guard_update(b);
  if (b->settings->clip > 0 || b->hooks) clip_gradients(b, gradient, count);
  apply_optimizers(b, using, by, index, weight, gradient, count);
}

/* ema: every weight that the pass changes has an average, which follows it behind each update. */
void averages_follow(Builder *b) {
  Elaborator *e = b->e;
  Pass *pass = b->pass;
  if (b->kind != PASS_TRAIN || b->settings->ema <= 0) return;
  Outer outer = guard_save(b);
  if (b->settings->accumulate > 1) guard_update(b);
  pass->average = arena_alloc(e->arena, (size_t)b->versions + 1, sizeof(*pass->average));
  for (int i = 0; i < b->versions; i++) {
    Variable *weight = b->version[i].variable;
    bool known = weight->role != VARIABLE_WEIGHT;
    for (int k = 0; k < pass->averages; k++) known = known || pass->average[k].weight == weight;
    if (known) continue;
    Variable *average =
        variable_kept(e, arena_printf(e->arena, "%s.average.%s", b->ast->u.task.name, weight->path),
                      weight->type, build_read(e->init_states, weight), b->ast->at);
    Node *was = variable_value(e, average), *now = variable_value(e, weight);
    variable_update(e, average,
                    build_add(was, build_mul(build_sub(now, was), build_like(was, 1 - b->settings->ema))));
    pass->average[pass->averages].weight = weight;
    pass->average[pass->averages++].average = average;
  }
  guard_restore(b, &outer);
}

static void minimize_guarded(Builder *b, const Ast *statement) {
  Elaborator *e = b->e;
  const Value *value = eval(e, b->scope, statement->u.minimize.value);
  Node *loss = scalar_of(b, value, statement->u.minimize.value,
                         statement->u.minimize.maximize ? "maximize" : "minimize");
  b->pass->minimizes = true;
  if (!loss) return;
  if (statement->u.minimize.maximize) loss = build_neg(loss);
  b->loss = add_up(b->loss, guard_value(b, loss, 0));
  b->part = arena_grow(e->arena, b->part, (size_t)b->minimizes, &b->part_capacity, sizeof(LossPart));
  b->part[b->minimizes] = (LossPart){loss, e->guard, b->when, b->conditions};
  Using *using = ARENA_ARRAY(e->arena, Using, statement->u.minimize.overs.count + 1);
  int usings = b->kind == PASS_TRAIN ? read_usings(b, statement, using) : 0;
  if (usings) update_weights(b, statement, loss, using, usings);
  b->minimizes++;
}

void run_minimize(Builder *b, const Ast *statement) {
  if (b->kind == PASS_ONCE) {
    problem_misplaced(b->e->problems, statement->at);
    return;
  }
  Outer outer = guard_save(b);
  if (guard_every(b, statement->u.minimize.every)) minimize_guarded(b, statement);
  guard_restore(b, &outer);
}
