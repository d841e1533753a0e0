/* :grad, :check, :time: derivatives of an expression, what finite differences say to them, and how long it takes. */
#include "interpreter/repl/repl.h"

#include "autodiff/differentiate.h"
#include "graph/build.h"
#include "lang/problems.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TRIED     12    // numbers of each tensor whose gradient is checked
#define TOLERANCE 1e-3  // relative to max(1, |gradient|)
#define INPUT     "it_" // what the input of a function under check is called
#define TIMED     2000  // runs at most …
#define TIME      0.4   // … and seconds

/* Cuts the last word off; NULL: there is only one. */
static const char *last_word(Repl *repl, const char **rest) {
  const char *end = *rest + strlen(*rest), *start = end;
  int depth = 0;
  while (start > *rest && (depth || (start[-1] != ' ' && start[-1] != ','))) {
    start--;
    depth += *start == ')' || *start == ']';
    depth -= *start == '(' || *start == '[';
  }
  if (start == *rest || start == end) return NULL;
  const char *before = start;
  while (before > *rest && (before[-1] == ' ' || before[-1] == ',')) before--;
  const char *word = arena_copy(repl->call->arena, start, (size_t)(end - start));
  *rest = arena_copy(repl->call->arena, *rest, (size_t)(before - *rest));
  return word;
}

void run_grad(Repl *repl, const char *rest) {
  const char *by = last_word(repl, &rest);
  if (!by || !*rest) {
    usage_wrong(repl, "grad");
    return;
  }
  Evaluation evaluation;
  if (evaluate_text(repl, arena_printf(repl->call->arena, "grad(%s, %s)", rest, by), &evaluation)) {
    show_evaluation(repl, &evaluation);
    evaluation_last(repl, &evaluation);
  }
  evaluation_end(repl, &evaluation);
}

// ---- :check -----------------------------------------------------------------------------------------------------

typedef struct {
  Variable *variable;
  const char *name;
  int gradient; // output of the plan; -1: nothing depends on it
} Checked;

typedef struct {
  Repl *repl;
  Backend *backend;
  Plan *plan;
  RunArgs args;
  double worst;
  int64_t tried, wrong;
  Text out;
} Check;

static double result_of(const Check *c) {
  c->backend->run(c->backend, c->plan, &c->args);
  return *(const double *)c->backend->output(c->backend, c->plan, plan_output(c->plan, "y"));
}

static double read_float(const Variable *variable, int64_t i) {
  return number_at(&variable->type, variable->data, i);
}

static void write_float(const Variable *variable, int64_t i, double x) {
  if (variable->type.dtype == DTYPE_F32)
    ((float *)variable->data)[i] = (float)x;
  else
    ((double *)variable->data)[i] = x;
}

/* (f(x + h) - f(x - h)) / 2h, with the h that the tensor can hold. */
static double difference(const Check *c, const Variable *variable, int64_t i) {
  double x = read_float(variable, i), h = 0x1p-10 * fmax(1, fabs(x));
  write_float(variable, i, x + h);
  double high = read_float(variable, i), above = result_of(c);
  write_float(variable, i, x - h);
  double low = read_float(variable, i), below = result_of(c);
  write_float(variable, i, x);
  return (above - below) / (high - low);
}

static void check_tensor(Check *c, const Checked *of) {
  const Variable *variable = of->variable;
  int64_t count = type_count(&variable->type), step = count > TRIED ? count / TRIED : 1;
  double worst = 0, gradient_there = 0, difference_there = 0;
  int64_t tried = 0, wrong = 0, place = 0;
  result_of(c);
  double *gradient = ARENA_ARRAY(c->repl->call->arena, double, count + 1);
  for (int64_t i = 0; i < count && of->gradient >= 0; i++)
    gradient[i] = number_at(&c->plan->output[of->gradient].place.type,
                            c->backend->output(c->backend, c->plan, of->gradient), i);
  for (int64_t i = 0; i < count && tried < TRIED && !interrupted; i += step, tried++) {
    double there = difference(c, variable, i), off = fabs(there - gradient[i]) / fmax(1, fabs(gradient[i]));
    wrong += !(off < TOLERANCE);
    if (off <= worst && tried) continue;
    worst = off;
    place = i;
    gradient_there = gradient[i];
    difference_there = there;
  }
  text_printf(&c->out, " %-24s %-18s %lld of %lld tried  largest difference %.1e%s\n", of->name,
              type_text(c->repl, &variable->type), (long long)tried, (long long)count, worst,
              wrong ? "  ← they differ" : "");
  if (wrong)
    text_printf(&c->out, "   number %lld: gradient %.6g, finite difference %.6g\n", (long long)place,
                gradient_there, difference_there);
  c->tried += tried;
  c->wrong += wrong;
}

/* Everything that the result depends on and that holds floats: the input, and weights. */
static int variables_of(const Graph *graph, const Node *input, Node **node) {
  int count = 0;
  for (int i = 0; i < graph->nodes; i++) {
    Node *read = graph->node[i];
    bool weight = read->op == OP_READ && read->attr.variable->role == VARIABLE_WEIGHT;
    if (read == input || (weight && read->attr.variable->data)) node[count++] = read;
  }
  return count;
}

static void check_graph(Repl *repl, Graph *graph, Node *y, const Node *input) {
  Node **by = ARENA_ARRAY(repl->call->arena, Node *, graph->nodes + 1),
       **gradient = ARENA_ARRAY(repl->call->arena, Node *, graph->nodes + 1);
  int count = variables_of(graph, input, by);
  Checked *checked = ARENA_ARRAY(repl->call->arena, Checked, count + 1);
  differentiate(y, by, count, gradient);
  graph->outputs = 0;
  graph_output(graph, "y", build_cast(y, DTYPE_F64));
  for (int i = 0; i < count; i++)
    if (gradient[i]) graph_output(graph, arena_printf(repl->call->arena, "g%d", i), gradient[i]);
  Arena *scratch = arena_new(0);
  Graph *bound = graph_bind(graph, scratch, NULL, 0);
  Check c = {.repl = repl,
             .backend = reference_open(),
             .args = {.seed = repl->call->options.seed, .step = repl->line, .part = 3}};
  c.plan = plan_make(bound, &(PlanOptions){.fuse = false});
  c.backend->prepare(c.backend, c.plan);
  for (int i = 0; i < count && !interrupted; i++) {
    Variable *variable = by[i]->attr.variable;
    checked[i] = (Checked){variable, by[i] == input ? "input" : variable->path,
                           plan_output(c.plan, arena_printf(repl->call->arena, "g%d", i))};
    check_tensor(&c, &checked[i]);
  }
  text_printf(&c.out, c.wrong ? "%lld of %lld differ\n" : "gradients agree with finite differences\n",
              (long long)c.wrong, (long long)c.tried);
  say_text(repl, &c.out);
  c.backend->forget(c.backend, c.plan);
  c.backend->close(c.backend);
  arena_free(scratch);
}

/* f of the input, summed up, in a graph in which the input can be changed. */
static void check_function(Repl *repl, const char *function, const Evaluation *input) {
  Elaborator *e = repl->e;
  evaluation_keep(repl, INPUT, input);
  Binding *binding = scope_find(e->file, name_of(INPUT));
  const Ast *ast = read_expression(repl, arena_printf(repl->call->arena, "sum((%s)(%s))", function, INPUT));
  if (!ast || !binding) return;
  Saved saved = graph_begin(e, false, DTYPE_F32);
  const Value *given = value_here(e, binding->value);
  Scope *scope = scope_new(e, e->file);
  scope_bind(e, scope, name_of(INPUT), given);
  const Value *value = value_in_graph(repl, scope, ast);
  Graph *graph = e->graph;
  Node *y = value->kind == VALUE_TENSOR ? value->u.tensor.node : NULL;
  graph_end(e, &saved);
  if (y && !went_wrong(repl) && y->type.rank == 0 && dtype_is_float(y->type.dtype) && begin_work(repl) &&
      constants_ready(e, graph))
    check_graph(repl, graph, y, given->u.tensor.node);
  else if (y && !went_wrong(repl))
    problem_repl_needs(repl->call->problems, "check", "a function that gives floats",
                       type_text(repl, &y->type));
}

void run_check(Repl *repl, const char *rest) {
  const char *input = last_word(repl, &rest);
  if (!input || !*rest) {
    usage_wrong(repl, "check");
    return;
  }
  Evaluation evaluation;
  const Type *type;
  if (evaluate_text(repl, input, &evaluation) && one_tensor(repl, "check", &evaluation, &type)) {
    if (dtype_is_float(type->dtype))
      check_function(repl, rest, &evaluation);
    else
      problem_repl_needs(repl->call->problems, "check", "an input of floats", type_text(repl, type));
  }
  evaluation_end(repl, &evaluation);
}

// ---- :time ------------------------------------------------------------------------------------------------------

static int by_size(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

void run_time(Repl *repl, const char *rest) {
  if (!*rest) {
    usage_wrong(repl, "time");
    return;
  }
  Evaluation evaluation;
  double start = seconds_now();
  if (evaluate_text(repl, rest, &evaluation)) {
    double first = seconds_now() - start, begun = seconds_now();
    double *ms = ARENA_ARRAY(repl->call->arena, double, TIMED);
    int runs = 0;
    for (; evaluation.runner && runs < TIMED && seconds_now() - begun < TIME; runs++) {
      double from = seconds_now();
      if (!evaluation_again(repl, &evaluation)) break;
      ms[runs] = 1e3 * (seconds_now() - from);
    }
    qsort(ms, (size_t)runs, sizeof *ms, by_size);
    if (runs)
      say(repl, "checked and planned in %.3g ms, then %.3g ms a run (median of %d, fastest %.3g ms)\n",
          1e3 * first, ms[runs / 2], runs, ms[0]);
    else if (!interrupted)
      say(repl, "%.2f ms, and nothing of it is left to run\n", 1e3 * first);
  }
  evaluation_end(repl, &evaluation);
}
