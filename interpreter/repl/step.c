/* :step: a walk through the layers of a computation, back and forth, into them and out again.
 *
 * The graph runs once with the value of every stage as an output; walking only looks at what was kept. Gradients are
 * those of the result (or of its sum) by the value of each stage; they are computed when they are first asked for. A
 * value that is replaced becomes a read of other numbers, and the graph runs again. */
#include "interpreter/repl/repl.h"

#include "autodiff/differentiate.h"
#include "graph/build.h"
#include "lang/problems.h"

#include <string.h>

#define DEPTH 64

typedef struct {
  Type type;
  void *value, *gradient; // NULL: not computed, or there is none
} Kept;

typedef struct {
  const char *path; // of the layer whose stages these are; NULL: of the whole
  Stage *stage;
  int count, at;
} Level;

typedef struct {
  Repl *repl;
  Graph *graph;
  Node *result;
  const RunArgs *args;
  Arena *arena;
  Kept *kept; // by node
  int nodes;  // of the graph as it was given
  bool *replaced;
  Level level[DEPTH];
  int levels;
  bool gradients; // are shown instead of values
  bool computed;  // they were computed
  bool over, on;
} Walk;

// ---- running ------------------------------------------------------------------------------------------------------

static bool is_kept(const Walk *w, const Node *node) {
  return node->id < w->nodes && w->kept[node->id].type.dtype != DTYPE_COUNT;
}

/* All nodes that are the value of a stage at some level. */
static void mark_stages(Walk *w, const char *path, int first, int last, int depth) {
  Stage *stage;
  int count = stages_of(w->repl, w->result, path, first, last, &stage);
  for (int i = 0; i < count; i++) {
    w->kept[stage[i].node->id].type = stage[i].node->type;
    if (stage[i].layer && depth < DEPTH)
      mark_stages(w, stage[i].layer, stage[i].first, stage[i].last, depth + 1);
  }
}

/* The number whose gradients are shown: the result, or the sum of what it is; NULL: it has none. */
static Node *root_of(const Walk *w) {
  if (!dtype_is_float(w->result->type.dtype)) return NULL;
  return w->result->type.rank ? build_reduce_all(OP_REDUCE_SUM, w->result) : w->result;
}

/* The outputs of one run: values, or gradients. */
static void wanted_outputs(Walk *w, bool gradients) {
  Arena *arena = w->arena;
  w->graph->outputs = 0;
  Node **node = ARENA_ARRAY(arena, Node *, w->nodes + 1), **of = ARENA_ARRAY(arena, Node *, w->nodes + 1);
  int count = 0;
  for (int i = 0; i < w->nodes; i++) {
    Node *one = w->graph->node[i];
    if (is_kept(w, one) && (!gradients || dtype_is_float(one->type.dtype))) node[count++] = one;
  }
  Node *root = gradients ? root_of(w) : NULL;
  if (gradients && root) differentiate(root, node, count, of);
  for (int i = 0; i < count; i++) {
    Node *out = gradients ? (root ? of[i] : NULL) : node[i];
    if (out) graph_output(w->graph, arena_printf(arena, "%d", node[i]->id), out);
  }
}

static void keep_outputs(Walk *w, Backend *backend, Plan *plan, bool gradients) {
  for (int i = 0; i < w->nodes; i++) {
    int index = is_kept(w, w->graph->node[i]) ? plan_output(plan, arena_printf(w->arena, "%d", i)) : -1;
    if (index < 0) continue;
    const Type *type = &plan->output[index].place.type;
    size_t bytes = (size_t)type_count(type) * dtype_size(type->dtype);
    void **into = gradients ? &w->kept[i].gradient : &w->kept[i].value;
    if (!*into) *into = arena_alloc(w->arena, bytes + 16, 1);
    memcpy(*into, backend->output(backend, plan, index), bytes);
    w->kept[i].type = *type;
  }
}

/* false after a Problem or an interrupt. */
static bool run(Walk *w, bool gradients) {
  Backend *backend = w->repl->session->backend;
  wanted_outputs(w, gradients);
  Arena *scratch = arena_new(0);
  Graph *bound = graph_bind(w->graph, scratch, NULL, 0);
  graph_simplify(bound);
  bool ok = constants_ready(w->repl->e, bound);
  if (ok) {
    Plan *plan = plan_make(bound, &(PlanOptions){.fuse = !w->repl->call->options.no_fuse});
    RunArgs args = *w->args;
    args.stop = &interrupted;
    backend->prepare(backend, plan);
    backend->run(backend, plan, &args);
    if (!interrupted) keep_outputs(w, backend, plan, gradients);
    backend->forget(backend, plan);
  }
  arena_free(scratch);
  return ok && !interrupted;
}

// ---- showing ------------------------------------------------------------------------------------------------------

static Level *level_of(Walk *w) { return &w->level[w->levels - 1]; }
static const Stage *stage_now(Walk *w) { return &level_of(w)->stage[level_of(w)->at]; }

static void show_stage(Walk *w) {
  const Stage *stage = stage_now(w);
  const Kept *kept = &w->kept[stage->node->id];
  const void *data = w->gradients ? kept->gradient : kept->value;
  Text out = {0};
  for (int i = 1; i < w->levels; i++) text_add(&out, "  ");
  text_printf(&out, w->gradients ? " ∂ " : " ");
  text_column(&out, stage->name, w->gradients ? 23 : 25);
  size_t start = out.length;
  type_print_shape(&kept->type, &out);
  while (out.length < start + 17) text_add(&out, " ");
  if (data) {
    Statistics s = statistics_of(&kept->type, data);
    text_add(&out, " ");
    statistics_write(&s, &out);
  } else
    text_add(&out, w->gradients ? " no gradient" : " -");
  if (w->replaced[stage->node->id]) text_add(&out, "  (replaced)");
  text_add(&out, "\n");
  say_text(w->repl, &out);
}

// ---- walking ------------------------------------------------------------------------------------------------------

static bool level_enter(Walk *w, const char *path, int first, int last) {
  if (w->levels == DEPTH) return false;
  Level level = {.path = path};
  level.count = stages_of(w->repl, w->result, path, first, last, &level.stage);
  if (!level.count) return false;
  w->level[w->levels++] = level;
  return true;
}

static void step_next(Walk *w) {
  while (w->levels > 1 && level_of(w)->at + 1 == level_of(w)->count) w->levels--;
  if (level_of(w)->at + 1 < level_of(w)->count) {
    level_of(w)->at++;
    show_stage(w);
  } else {
    say(w->repl, " (end: b goes back, g shows gradients, q leaves)\n");
  }
}

static void step_back(Walk *w) {
  if (level_of(w)->at > 0)
    level_of(w)->at--;
  else if (w->levels > 1)
    w->levels--;
  else
    say(w->repl, " (begin)\n");
  show_stage(w);
}

static void step_into(Walk *w) {
  const Stage *stage = stage_now(w);
  if (!stage->layer || !level_enter(w, stage->layer, stage->first, stage->last))
    say(w->repl, " %s is one operation\n", stage->name);
  else
    show_stage(w);
}

static void step_out(Walk *w) {
  if (w->levels > 1) w->levels--;
  show_stage(w);
}

static void toggle_gradients(Walk *w) {
  if (!w->computed && !run(w, true)) return;
  w->computed = true;
  w->gradients = !w->gradients;
  show_stage(w);
}

/* `it` is the value of this stage while an expression is computed. */
static bool compute(Walk *w, const char *text, Evaluation *out) {
  Repl *repl = w->repl;
  Elaborator *e = repl->e;
  const Stage *stage = stage_now(w);
  const Kept *kept = &w->kept[stage->node->id];
  const void *data = w->gradients ? kept->gradient : kept->value;
  *out = (Evaluation){0};
  const Type *type = &kept->type;
  Node *read = stage->node;
  if (data) {
    Value *value = ARENA_NEW(e->arena, Value);
    *value = (Value){.kind = VALUE_TENSOR, .known = true};
    value->u.tensor.node = read;
    Evaluation here = {.value = value, .data = &data, .type = &type, .leaves = 1};
    evaluation_keep(repl, "it", &here);
  }
  return evaluate_text(repl, text, out);
}

static void print_expression(Walk *w, const char *text) {
  Evaluation evaluation;
  if (compute(w, text, &evaluation)) show_evaluation(w->repl, &evaluation);
  evaluation_end(w->repl, &evaluation);
}

/* The stage gives these numbers from now on. */
static bool replace_node(Walk *w, const Type *type, const void *data) {
  Elaborator *e = w->repl->e;
  Node *node = w->graph->node[stage_now(w)->node->id];
  const Kept *kept = &w->kept[node->id];
  bool scalar = type->rank == 0, same = dtype_is_float(type->dtype) == dtype_is_float(kept->type.dtype) &&
                                        (scalar || type_same_shape(type, &kept->type));
  if (!same ||
      (!dtype_is_float(type->dtype) && type->dtype != kept->type.dtype && !dtype_is_int(type->dtype))) {
    problem_repl_needs(e->problems, "step",
                       arena_printf(w->arena, "= and a value %s", type_text(w->repl, &kept->type)),
                       type_text(w->repl, type));
    return false;
  }
  Variable *variable = ARENA_NEW(e->arena, Variable);
  *variable = (Variable){.role = VARIABLE_CONSTANT, .path = "replaced", .type = node->type};
  int64_t count = type_count(&kept->type);
  size_t size = dtype_size(node->type.dtype);
  variable->data = arena_alloc(e->arena, (size_t)count + 16, size);
  for (int64_t i = 0; i < count; i++) {
    double x = number_at(type, data, scalar ? 0 : i);
    switch (node->type.dtype) {
    case DTYPE_F32: ((float *)variable->data)[i] = (float)x; break;
    case DTYPE_F64: ((double *)variable->data)[i] = x; break;
    case DTYPE_I32: ((int32_t *)variable->data)[i] = (int32_t)x; break;
    case DTYPE_I64: ((int64_t *)variable->data)[i] = (int64_t)x; break;
    default: ((uint8_t *)variable->data)[i] = (uint8_t)x; break;
    }
  }
  node->op = OP_READ;
  node->nsrc = 0;
  memset(&node->attr, 0, sizeof node->attr);
  node->attr.variable = variable;
  w->replaced[node->id] = true;
  return true;
}

static void replace_value(Walk *w, const char *text) {
  Evaluation evaluation;
  double number;
  bool done = false;
  if (compute(w, text, &evaluation)) {
    const Type scalar = type_scalar(DTYPE_F64);
    if (evaluation.value->kind == VALUE_TENSOR)
      done = replace_node(w, evaluation.type[0], evaluation.data[0]);
    else if (value_number(evaluation.value, &number))
      done = replace_node(w, &scalar, &number);
    else
      problem_repl_needs(w->repl->call->problems, "step", "= and a tensor",
                         value_kind_text(evaluation.value));
  }
  evaluation_end(w->repl, &evaluation);
  if (!done || !run(w, false)) return;
  w->computed = w->computed && run(w, true);
  if (!w->computed) w->gradients = false;
  show_stage(w);
}

static void help(Walk *w) {
  say(w->repl,
      " enter next, b back, i into, o out, p EXPRESSION prints (`it` is this value), g gradients or values,\n"
      " = EXPRESSION replaces the value and goes on, l lists this level, c continues, q ends\n");
}

static void list(Walk *w) {
  Level *level = level_of(w);
  int at = level->at;
  for (level->at = 0; level->at < level->count; level->at++) show_stage(w);
  level->at = at;
}

static void obey(Walk *w, const char *line) {
  const char *rest = line + strspn(line, " \t");
  char key = *rest ? *rest : 'n';
  bool alone = !*rest || !rest[1 + strspn(rest + 1, " \t")];
  const char *text = *rest ? rest + 1 + strspn(rest + 1, " \t") : rest;
  if (key == 'p' && !alone)
    print_expression(w, text);
  else if (key == '=' && !alone)
    replace_value(w, text);
  else if (!alone || !strchr("nbiogplcq", key))
    help(w);
  else if (key == 'p')
    print_expression(w, "it");
  else if (key == 'c' || key == 'q') {
    w->over = true;
    w->on = key == 'c';
  } else {
    static void (*const move[128])(Walk *) = {['n'] = step_next, ['b'] = step_back,        ['i'] = step_into,
                                              ['o'] = step_out,  ['g'] = toggle_gradients, ['l'] = list};
    move[(int)key](w);
  }
}

/* Goes to the layer at `path`, level by level. */
static void go_to(Walk *w, const char *path) {
  for (bool found = true; found;) {
    Level *level = level_of(w);
    found = false;
    for (int i = 0; i < level->count && !found; i++) {
      const char *layer = level->stage[i].layer;
      if (!layer || !path_below(path, layer)) continue;
      level->at = i;
      found = strcmp(layer, path) != 0 && level_enter(w, layer, level->stage[i].first, level->stage[i].last);
    }
  }
}

/* Where a model is all there is, the walk begins inside it. */
static void go_in(Walk *w) {
  Level *level = &w->level[0];
  int layers = 0, only = 0;
  for (int i = 0; i < level->count; i++)
    if (level->stage[i].layer) layers++, only = i;
  if (layers != 1 || only != level->count - 1 || !declaration_named(w->repl, level->stage[only].name)) return;
  Stage *inner;
  const Stage model = level->stage[only];
  int count = stages_of(w->repl, w->result, model.layer, model.first, model.last, &inner);
  if (!count) return;
  Stage *all = ARENA_ARRAY(w->repl->call->arena, Stage, only + count + 1);
  memcpy(all, level->stage, sizeof *all * (size_t)only);
  memcpy(all + only, inner, sizeof *all * (size_t)count);
  level->stage = all;
  level->count = only + count;
}

bool step_through(Repl *repl, Graph *graph, Node *result, const RunArgs *args, const char *at,
                  const Graph *states) {
  Arena *arena = arena_new(0);
  Walk w = {.repl = repl,
            .graph = graph,
            .result = result,
            .args = args,
            .arena = arena,
            .nodes = graph->nodes,
            .on = true};
  w.kept = ARENA_ARRAY(arena, Kept, graph->nodes + 1);
  w.replaced = ARENA_ARRAY(arena, bool, graph->nodes + 1);
  for (int i = 0; i < graph->nodes; i++) w.kept[i].type.dtype = DTYPE_COUNT;
  if (states) session_assign(repl->session, states, 0, -1, 0);
  mark_stages(&w, NULL, 0, result->id, 0);
  if (level_enter(&w, NULL, 0, result->id) && run(&w, false)) {
    if (at)
      go_to(&w, at);
    else
      go_in(&w);
    show_stage(&w);
    while (!w.over) {
      bool broken = false;
      const char *line = lines_read(repl->lines, "(step) ", &broken);
      if (!line) break;
      obey(&w, line);
      if (interrupted) say(repl, "stopped\n");
      said_problems(repl);
      interrupted = 0;
    }
  } else if (!went_wrong(repl) && !interrupted)
    say(repl, "there is nothing to step through\n");
  for (int i = 0; states && i < states->outputs; i++) {
    memory_free(states->output[i].variable->data);
    states->output[i].variable->data = NULL;
  }
  arena_free(arena);
  return w.on;
}

/* `net x` is net(x). */
static const char *step_text(Repl *repl, const char *rest) {
  const char *after = rest;
  const char *first = word_next(repl, &after);
  after += strspn(after, " \t");
  const Ast *ast = first ? declaration_named(repl, first) : NULL;
  bool named = ast && (ast->kind == AST_MODEL || ast->kind == AST_FN);
  bool operand = *after && !strchr("|+-*/@=<>%.", *after) && !strpbrk(first, "(|");
  return named && operand ? arena_printf(repl->call->arena, "%s(%s)", first, after) : rest;
}

void run_step(Repl *repl, const char *rest) {
  if (!*rest) {
    usage_wrong(repl, "step");
    return;
  }
  Evaluation evaluation;
  if (evaluate_text(repl, step_text(repl, rest), &evaluation)) {
    if (evaluation.leaves == 1 || evaluation.value->kind == VALUE_RECORD) {
      const Value *value = evaluation.value;
      while (value->kind == VALUE_RECORD && value->u.items.count) value = value->u.items.item[0];
      Elaborator *e = repl->e; // once more, as running has simplified the first graph
      Saved saved = graph_begin(e, false, DTYPE_F32);
      e->metrics = 0;
      e->site = path_hash("line");
      const Ast *ast = read_expression(repl, step_text(repl, rest));
      const Value *again = value_in_graph(repl, e->file, ast);
      while (again->kind == VALUE_RECORD && again->u.items.count) again = again->u.items.item[0];
      Graph *graph = e->graph, *states = e->init_states;
      graph_end(e, &saved);
      if (again->kind == VALUE_TENSOR && begin_work(repl))
        step_through(repl, graph, again->u.tensor.node, &evaluation.args, NULL, states);
    } else
      problem_repl_needs(repl->call->problems, "step", "a tensor", value_kind_text(evaluation.value));
  }
  evaluation_end(repl, &evaluation);
}
