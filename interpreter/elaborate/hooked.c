/* A train block with a Lua hook: its graph reads running numbers that the hook may change between steps.
 *
 * Learning rates become rate * times + plus, the clip a number of the run, and the norm of all gradients an output.
 * With the numbers that change nothing (1, 0, infinity) every value is the one of the program without hooks, to the
 * bit. A program without hooks is built as if there were none. */
#include "interpreter/elaborate/builder.h"
#include "interpreter/elaborate/transplant.h"
#include "interpreter/hooks/file_state.h"
#include "interpreter/hooks/hooks.h"

#include <string.h>

TaskHooks *task_hooks(Elaborator *e, const Settings *settings) {
  if (!settings->hooks) return NULL;
  const char *slash = strrchr(e->program_path, '/');
  TaskHooks *hooks = ARENA_NEW(e->arena, TaskHooks);
  *hooks = (TaskHooks){.path = settings->hooks, .at = settings->hooks_at, .folder = "."};
  if (slash) hooks->folder = arena_copy(e->arena, e->program_path, (size_t)(slash - e->program_path));
  HookOptions options = {.arena = e->arena,
                         .problems = e->problems,
                         .at = hooks->at,
                         .folder = hooks->folder,
                         .seed = settings->seed};
  Hooks *script = hooks_open(&options, hooks->path);
  if (!script) return NULL;
  file_state_check(e->arena, e->problems, hooks_source(script));
  hooks_close(script);
  return hooks;
}

void hooks_begin(Builder *b) {
  if (!b->hooks || b->kind != PASS_TRAIN) return;
  b->hooks->rates = 0;
  b->hooks->square = NULL;
  b->hooks->schedule = graph_new(b->e->arena);
}

static Variable *running_number(Elaborator *e, const char *path) {
  Type type = type_scalar(DTYPE_F64);
  type.running = true;
  return variable_new(e, VARIABLE_RUNNING, path, type, (Span){0});
}

// ---- learning rates -------------------------------------------------------------------------------------------

/* The setting lr of an optimizer: a scalar. NULL: it has none. */
static Node *rate_of(Elaborator *e, const Value *update) {
  Binding *binding = NULL;
  for (int i = 0; i < update->scope->count; i++)
    if (update->scope->binding[i].name == name_of("lr")) binding = &update->scope->binding[i];
  double number;
  if (!binding || !binding->value) return NULL;
  if (binding->value->kind == VALUE_TENSOR) {
    Node *node = binding->value->u.tensor.node;
    return dtype_is_float(node->type.dtype) && node->type.rank == 0 ? node : NULL;
  }
  if (!value_number(binding->value, &number)) return NULL;
  Node *node = build_number(e->graph, DTYPE_F64, number);
  node->type.running = true;
  return node;
}

/* The rate in a graph of its own, if it follows from the numbers between steps alone; else NULL. */
static Node *rate_between_steps(Elaborator *e, Graph *schedule, Node *rate) {
  if (rate->op == OP_CAST && rate->src[0]->type.running) rate = rate->src[0]; // not rounded yet
  Graph *trial = graph_new(e->arena);
  graph_transplant(trial, rate);
  for (int i = 0; i < trial->nodes; i++) {
    const Node *node = trial->node[i];
    if (node->op == OP_RANDOM || (node->op == OP_READ && node->attr.variable->role != VARIABLE_RUNNING))
      return NULL;
  }
  return build_cast(graph_transplant(schedule, rate), DTYPE_F64);
}

static void add_rates(Builder *b, const Value *update, int number) {
  Elaborator *e = b->e;
  TaskHooks *hooks = b->hooks;
  for (; hooks->rates <= number; hooks->rates++) {
    int i = hooks->rates;
    hooks->rate = arena_grow(e->arena, hooks->rate, (size_t)i, &hooks->rate_capacity, sizeof(*hooks->rate));
    hooks->rate[i].times = running_number(e, arena_printf(e->arena, "hook.lr.%d.times", i + 1));
    hooks->rate[i].plus = running_number(e, arena_printf(e->arena, "hook.lr.%d.plus", i + 1));
    Node *rate = i == number ? rate_of(e, update) : NULL;
    Node *known = rate ? rate_between_steps(e, hooks->schedule, rate) : NULL;
    hooks->rate[i].has = rate != NULL;
    hooks->rate[i].known = known != NULL;
    if (known) graph_output(hooks->schedule, arena_printf(e->arena, "%d", i), known);
  }
}

const Value *hooks_update(Builder *b, const Value *update, int number) {
  if (!b->hooks) return update;
  Elaborator *e = b->e;
  add_rates(b, update, number);
  if (!b->hooks->rate[number].has) return update;
  Node *rate = build_mul(rate_of(e, update), variable_value(e, b->hooks->rate[number].times));
  rate = build_add(rate, variable_value(e, b->hooks->rate[number].plus));
  Value *changed = ARENA_NEW(e->arena, Value);
  *changed = *update;
  changed->scope = scope_new(e, update->scope);
  scope_bind(e, changed->scope, name_of("lr"), value_tensor(e, rate));
  return changed;
}

// ---- gradients ------------------------------------------------------------------------------------------------

void hooks_clip(Builder *b, Node *square, Node **gradient, int count) {
  Elaborator *e = b->e;
  TaskHooks *hooks = b->hooks;
  if (!hooks->clip) hooks->clip = running_number(e, "hook.clip");
  Node *counted = guard_value(b, square, 0);
  hooks->square = hooks->square ? build_add(hooks->square, counted) : counted;
  Node *norm = build_sqrt(square), *most = build_cast(variable_value(e, hooks->clip), norm->type.dtype);
  // no minimum: an infinite clip must leave even infinite gradients as they are
  Node *scale = build_where(build_gt(norm, most), build_div(most, norm), build_like(norm, 1));
  for (int i = 0; i < count; i++)
    if (gradient[i]) gradient[i] = build_mul(gradient[i], scale);
}

void hooks_end(Builder *b) {
  if (!b->hooks || b->kind != PASS_TRAIN || !b->hooks->square) return;
  graph_output(b->e->graph, "grad_norm", build_cast(build_sqrt(b->hooks->square), DTYPE_F64));
}
