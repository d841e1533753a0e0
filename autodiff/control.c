/* Gradients of nodes that own bodies.
 *
 * The backward body contains the forward body again, on the carries that stood at the begin of the step, and the nodes
 * that differentiate adds behind it. Products, random numbers and what inner scans gave are not computed again: the
 * forward scan yields them, but for `remat`. What no gradient needs is pruned, so a forward scan yields only what is
 * read.
 *
 * Gradients of captured values add up in carries of the backward scan. A product that would be added up step by step,
 * a' @ b, is one product over all steps instead, behind the scan. */
#include "autodiff/control.h"

#include "autodiff/differentiate.h"
#include "graph/build.h"
#include "graph/control.h"

#include <assert.h>
#include <string.h>

typedef enum { CLASS_CARRY, CLASS_STEPPED, CLASS_CAPTURED } ArgumentClass;

/* An argument of the backward body. */
typedef struct {
  ArgumentClass class;
  Node *read; // in the backward body
  Node
      *input; // in the graph of the scan; NULL: a yield of the forward scan, made when it is known to be read
  Node *yielded;  // what the forward body yields for it
  Node *assigned; // CARRY: its next value
} Argument;

/* a' @ b, summed over all steps, is part of the gradient of an input. */
typedef struct {
  int input;
  Node *a, *b; // in the backward body
} Hoisted;

typedef struct {
  Node *scan;
  Graph *graph, *body, *back;
  Arena *scratch;
  Argument *argument; // of the backward body, in the order of their making
  int arguments;
  size_t argument_capacity;
  Hoisted *hoisted;
  int hoists;
  size_t hoisted_capacity;
  Node **yield; // of the backward body, in order
  int yields;
  size_t yield_capacity;
  Node *active; // with `until`: whether the forward step ran
} Back;

static Node *argument_add(Back *b, ArgumentClass class, const char *path, const Type *type, Node *input,
                          Node *yielded) {
  b->argument =
      arena_grow(b->scratch, b->argument, (size_t)b->arguments, &b->argument_capacity, sizeof(Argument));
  Argument *argument = &b->argument[b->arguments++];
  *argument = (Argument){.class = class, .input = input, .yielded = yielded};
  return argument->read = body_argument(b->back, path, type);
}

/* ---- what the backward step reads ------------------------------------------------------------------------------- */

/* The arguments of the forward body as the backward one has them, by argument. */
static Node **forward_arguments(Back *b) {
  const Node *scan = b->scan;
  Node **read = ARENA_ARRAY(b->scratch, Node *, b->body->arguments + 1);
  for (int k = 0; k < b->body->arguments; k++) {
    const Variable *variable = b->body->argument[k];
    bool carry = k < scan_carries(scan), stepped = !carry && k < scan_carries(scan) + scan_stepped(scan);
    Node *now = carry ? build_read(b->body, b->body->argument[k]) : NULL;
    read[k] = argument_add(b, carry || stepped ? CLASS_STEPPED : CLASS_CAPTURED, variable->path,
                           &variable->type, carry ? NULL : scan->src[k], now);
  }
  return read;
}

static bool worth_keeping(const Node *node) {
  bool costly = op_table[node->op].group == GROUP_KERNEL || node->op == OP_RANDOM || node->op == OP_RESULT;
  return costly && node->type.rank < MAX_RANK;
}

/* Puts what the forward scan yields in place of what would be computed again. */
static void take_kept(Back *b, Node *const *copy, Node *const *kept, int count) {
  Node **instead = ARENA_ARRAY(b->scratch, Node *, b->back->nodes + 1);
  for (int i = 0; i < count; i++)
    if (kept[i]) instead[copy[i]->id] = kept[i];
  for (int i = 0; i < b->back->nodes; i++) {
    Node *node = b->back->node[i];
    for (int k = 0; k < node->nsrc; k++)
      if (instead[node->src[k]->id]) node->src[k] = instead[node->src[k]->id];
  }
  for (int i = 0; i < b->back->outputs; i++) {
    Output *output = &b->back->output[i];
    if (instead[output->node->id]) output->node = instead[output->node->id];
  }
  for (int i = 0; i < b->hoists; i++) {
    Hoisted *h = &b->hoisted[i];
    if (instead[h->a->id]) h->a = instead[h->a->id];
    if (instead[h->b->id]) h->b = instead[h->b->id];
  }
  for (int i = 0; i < b->yields; i++)
    if (instead[b->yield[i]->id]) b->yield[i] = instead[b->yield[i]->id];
}

/* ---- what it gives ------------------------------------------------------------------------------------------------ */

static int yield_add(Back *b, Node *node) {
  for (int i = 0; i < b->yields; i++)
    if (b->yield[i] == node) return i;
  b->yield = arena_grow(b->scratch, b->yield, (size_t)b->yields, &b->yield_capacity, sizeof *b->yield);
  b->yield[b->yields] = node;
  return b->yields++;
}

/* In steps that did not run the gradient is `otherwise` (NULL: 0). */
static Node *guarded(Back *b, Node *gradient, Node *otherwise) {
  if (!b->active) return gradient;
  return build_where(b->active, gradient, otherwise ? otherwise : build_like(gradient, 0));
}

/* The part of a captured input's gradient that must be added up in a carry; NULL: products took all of it. */
static Node *hoist_products(Back *b, int input, Node *gradient) {
  if (b->active) return gradient;
  if (gradient->op == OP_ADD) {
    Node *left = hoist_products(b, input, gradient->src[0]),
         *right = hoist_products(b, input, gradient->src[1]);
    if (left == gradient->src[0] && right == gradient->src[1]) return gradient;
    return left && right ? build_add(left, right) : left ? left : right;
  }
  bool product = gradient->op == OP_MATMUL && gradient->type.rank == 2 && gradient->attr.flag[0] &&
                 !gradient->attr.flag[1];
  if (!product) return gradient;
  b->hoisted = arena_grow(b->scratch, b->hoisted, (size_t)b->hoists, &b->hoisted_capacity, sizeof(Hoisted));
  b->hoisted[b->hoists++] = (Hoisted){input, gradient->src[0], gradient->src[1]};
  return NULL;
}

/* The argument that a node of the backward body reads, if it is stepped. */
static const Argument *stepped_argument(const Back *b, const Node *node) {
  for (int i = 0; i < b->arguments; i++)
    if (b->argument[i].read == node && b->argument[i].class == CLASS_STEPPED) return &b->argument[i];
  return NULL;
}

/* ---- putting it together ---------------------------------------------------------------------------------------------- */

static Node *zeros(Graph *graph, const Type *type) {
  Node *zero = build_number(graph, type->dtype, 0);
  return type->rank ? build_expand(zero, type->rank, type->size) : zero;
}

/* The result of the forward scan that gives `node` of its body at each step. */
static Node *forward_yield(Back *b, Node *node) {
  int number = -1;
  for (int i = scan_carries(b->scan); i < b->body->outputs && number < 0; i++)
    if (b->body->output[i].node == node) number = i;
  return build_result(b->scan, number < 0 ? body_result(b->body, node) : number);
}

/* Drops arguments that nothing reads and sorts the others by class; gives the inputs of the backward scan. */
static Node **settle_arguments(Back *b, Scan *shape, int *count) {
  Graph *back = b->back;
  bool *read = ARENA_ARRAY(b->scratch, bool, b->arguments + 1);
  for (int i = 0; i < back->nodes; i++) {
    const Node *node = back->node[i];
    if (node->op == OP_READ && node->attr.variable->role == VARIABLE_ARGUMENT)
      read[node->attr.variable->number] = true;
  }
  for (int i = 0; i < b->hoists; i++) { // read by products behind the scan
    const Argument *a = stepped_argument(b, b->hoisted[i].a), *c = stepped_argument(b, b->hoisted[i].b);
    if (a) read[a - b->argument] = true;
    if (c) read[c - b->argument] = true;
  }
  Node **input = ARENA_ARRAY(b->scratch, Node *, b->arguments + 1);
  Variable **variable = ARENA_ARRAY(b->scratch, Variable *, b->arguments + 1);
  *count = 0;
  for (int class = CLASS_CARRY; class <= CLASS_CAPTURED; class ++)
    for (int i = 0; i < b->arguments; i++) {
      Argument *argument = &b->argument[i];
      if ((int)argument->class != class || (class != CLASS_CARRY && !read[i])) continue;
      if (!argument->input) argument->input = forward_yield(b, argument->yielded);
      shape->carries += class == CLASS_CARRY;
      shape->stepped += class == CLASS_STEPPED;
      variable[*count] = back->argument[i];
      input[(*count)++] = argument->input;
    }
  for (int i = 0; i < *count; i++) {
    back->argument[i] = variable[i];
    variable[i]->number = i;
  }
  back->arguments = *count;
  return input;
}

static Node *rows_of_steps(Node *stack) {
  const Dim *rows[2] = {dim_mul(stack->type.size[0], stack->type.size[1]), stack->type.size[2]};
  return build_reshape(stack, 2, rows);
}

/* The numbers of a node of the backward body in all steps. */
static Node *stack_of(Back *b, Node *back_scan, int carries, Node *node) {
  const Argument *argument = stepped_argument(b, node);
  if (argument) return argument->input;
  return build_result(back_scan, carries + yield_add(b, node));
}

typedef struct {
  int carry, yield; // numbers in the backward scan; -1: none
} Answer;

/* The forward body in the backward one: what it computes, and what the forward scan is asked to keep instead, by node
 * of the forward body. */
typedef struct {
  Node **read, **copy, **kept;
  int nodes;
} Forward;

static Forward forward_again(Back *b) {
  const Node *scan = b->scan;
  Forward f = {.read = forward_arguments(b)};
  f.nodes = b->body->nodes;
  f.copy = ARENA_ARRAY(b->scratch, Node *, f.nodes + 1);
  f.kept = ARENA_ARRAY(b->scratch, Node *, f.nodes + 1);
  for (int i = 0; i < f.nodes; i++) {
    Node *node = b->body->node[i];
    if (!scan_remat(scan) && worth_keeping(node))
      f.kept[i] = argument_add(b, CLASS_STEPPED, "kept", &node->type, NULL, node);
  }
  body_inline(b->back, b->body, f.read, f.copy);
  if (scan_until(scan)) b->active = f.read[0];
  return f;
}

/* Differentiates a step: dx of inputs input_of[0..], of the carries and those that are wanted. Gives how many;
 * carry_of[k] is the argument that is the gradient of carry k. */
static int step_gradients(Back *b, const Forward *f, Node *const *dy, const bool *wanted, int *carry_of,
                          int *input_of, Node **dx) {
  const Node *scan = b->scan;
  int carries = scan_carries(scan), inputs = scan->nsrc, results = b->body->outputs, seeds = 0, xs = 0;
  Node **y = ARENA_ARRAY(b->scratch, Node *, results + 1),
       **seed = ARENA_ARRAY(b->scratch, Node *, results + 1),
       **x = ARENA_ARRAY(b->scratch, Node *, inputs + 1);
  for (int i = 0; i < results; i++) {
    Node *value = b->body->output[i].node;
    if (!dtype_is_float(value->type.dtype) || (i >= carries && !dy[i])) continue;
    Node *init = dy[i] ? dy[i] : zeros(b->graph, &value->type);
    y[seeds] = f->copy[value->id];
    seed[seeds++] = argument_add(b, i < carries ? CLASS_CARRY : CLASS_STEPPED, "d", &value->type, init, NULL);
    if (i < carries) carry_of[i] = b->arguments - 1;
  }
  for (int k = 0; k < inputs; k++) {
    bool carry = k < carries && dtype_is_float(scan->src[k]->type.dtype);
    if (!carry && !wanted[k]) continue;
    input_of[xs] = k;
    x[xs++] = f->read[k];
  }
  differentiate_from(y, seed, seeds, x, xs, dx);
  return xs;
}

/* How the backward scan gives the gradient of input k, whose part of a step is dx (NULL: none). */
static Answer answer_of(Back *b, int k, Node *dx, int carry_of_k) {
  const Node *scan = b->scan;
  int carries = scan_carries(scan);
  Answer answer = {-1, -1};
  if (k < carries) {
    Argument *argument = &b->argument[carry_of_k];
    argument->assigned = guarded(b, dx ? dx : build_like(argument->read, 0), argument->read);
    answer.carry = carry_of_k;
  } else if (dx && k < carries + scan_stepped(scan)) {
    answer.yield = yield_add(b, guarded(b, dx, NULL));
  } else if (dx) {
    Node *part = hoist_products(b, k, dx);
    if (!part) return answer;
    Node *sum =
        argument_add(b, CLASS_CARRY, "sum", &scan->src[k]->type, zeros(b->graph, &scan->src[k]->type), NULL);
    answer.carry = b->arguments - 1;
    b->argument[answer.carry].assigned = build_add(sum, guarded(b, part, NULL));
  }
  return answer;
}

/* Everything that the backward body assigns and yields; what nothing needs is gone from it. */
static void finish_body(Back *b, const Forward *f) {
  for (int i = 0; i < b->arguments; i++)
    if (b->argument[i].class == CLASS_CARRY)
      graph_assign(b->back, b->back->argument[i], b->argument[i].assigned);
  take_kept(b, f->copy, f->kept, f->nodes);
  for (int i = 0; i < b->hoists; i++) { // their stacks, where no input has them
    if (!stepped_argument(b, b->hoisted[i].a)) yield_add(b, b->hoisted[i].a);
    if (!stepped_argument(b, b->hoisted[i].b)) yield_add(b, b->hoisted[i].b);
  }
  for (int i = 0; i < b->yields; i++) body_result(b->back, b->yield[i]);
  graph_prune(b->back);
}

/* The products over all steps, behind the backward scan. */
static void add_hoisted(Back *b, Node *back_scan, int carries, Node **gradient) {
  for (int i = 0; i < b->hoists; i++) {
    Node *left = rows_of_steps(stack_of(b, back_scan, carries, b->hoisted[i].a));
    Node *right = rows_of_steps(stack_of(b, back_scan, carries, b->hoisted[i].b));
    Node *product = build_matmul(left, right, true, false), **total = &gradient[b->hoisted[i].input];
    *total = *total ? build_add(*total, product) : product;
  }
}

static void scan_gradient(Back *b, Node *const *dy, const bool *wanted, Node **gradient) {
  const Node *scan = b->scan;
  int inputs = scan->nsrc;
  Forward forward = forward_again(b);
  Node **dx = ARENA_ARRAY(b->scratch, Node *, inputs + 1);
  int *carry_of = ARENA_ARRAY(b->scratch, int, inputs + 1),
      *input_of = ARENA_ARRAY(b->scratch, int, inputs + 1);
  int xs = step_gradients(b, &forward, dy, wanted, carry_of, input_of, dx);
  Answer *answer = ARENA_ARRAY(b->scratch, Answer, inputs + 1);
  for (int i = 0; i < xs; i++) answer[i] = answer_of(b, input_of[i], dx[i], carry_of[input_of[i]]);
  finish_body(b, &forward);

  int *number = ARENA_ARRAY(b->scratch, int, b->arguments + 1), numbers = 0, count; // of carries, by argument
  for (int i = 0; i < b->arguments; i++)
    if (b->argument[i].class == CLASS_CARRY) number[i] = numbers++;
  Scan shape = {.length = scan->attr.dim[0], .reverse = !scan_reverse(scan), .remat = scan_remat(scan)};
  Node **input = settle_arguments(b, &shape, &count);
  Node *node = build_scan(b->graph, b->back, &shape, input, count);
  for (int i = 0; i < xs; i++) {
    Node **out = &gradient[input_of[i]];
    if (!wanted[input_of[i]]) continue;
    if (answer[i].carry >= 0) *out = build_result(node, number[answer[i].carry]);
    if (answer[i].yield >= 0) *out = build_result(node, shape.carries + answer[i].yield);
  }
  add_hoisted(b, node, shape.carries, gradient);
}

/* ---- branches ------------------------------------------------------------------------------------------------------------ */

/* The body that gives the gradients of the wanted inputs; it captures what the forward one does, then dy. */
static Graph *branch_back(Arena *scratch, const Node *branch, const Graph *body, Node *const *dy,
                          const bool *wanted) {
  Graph *back = graph_new(branch->graph->arena);
  int ys = 0, xs = 0, inputs = body->arguments;
  Node **read = ARENA_ARRAY(scratch, Node *, inputs + 1),
       **copy = ARENA_ARRAY(scratch, Node *, body->nodes + 1);
  for (int k = 0; k < inputs; k++)
    read[k] = body_argument(back, body->argument[k]->path, &body->argument[k]->type);
  body_inline(back, body, read, copy);
  Node **y = ARENA_ARRAY(scratch, Node *, body->outputs + 1),
       **seed = ARENA_ARRAY(scratch, Node *, body->outputs + 1);
  Node **x = ARENA_ARRAY(scratch, Node *, inputs + 1), **dx = ARENA_ARRAY(scratch, Node *, inputs + 1);
  for (int i = 0; i < body->outputs; i++) {
    if (!dy[i]) continue;
    y[ys] = copy[body->output[i].node->id];
    seed[ys++] = body_argument(back, "d", &dy[i]->type);
  }
  for (int k = 0; k < inputs; k++)
    if (wanted[k + 1]) x[xs++] = read[k];
  differentiate_from(y, seed, ys, x, xs, dx);
  for (int i = 0; i < xs; i++) body_result(back, dx[i] ? dx[i] : build_like(x[i], 0));
  graph_prune(back);
  return back;
}

static void branch_gradient(Node *branch, Node *const *dy, const bool *wanted, Node **gradient) {
  Arena *scratch = arena_new(0);
  Graph *graph = branch->graph, *back[2];
  int inputs = branch->nsrc - 1, count = inputs;
  Node **captured = ARENA_ARRAY(scratch, Node *, inputs + body_results(branch) + 1);
  for (int k = 0; k < inputs; k++) captured[k] = branch->src[k + 1];
  for (int i = 0; i < body_results(branch); i++)
    if (dy[i]) captured[count++] = dy[i];
  for (int i = 0; i < 2; i++) back[i] = branch_back(scratch, branch, branch->attr.body[i], dy, wanted);
  if (back[0]->outputs) {
    Node *node = build_branch(graph, branch->src[0], back[0], back[1], captured, count);
    for (int k = 0, number = 0; k < inputs; k++)
      if (wanted[k + 1]) gradient[k + 1] = build_result(node, number++);
  }
  arena_free(scratch);
}

void control_gradient(Node *control, Node *const *dy, const bool *wanted, Node **gradient) {
  if (control->op == OP_BRANCH) {
    branch_gradient(control, dy, wanted, gradient);
    return;
  }
  Graph *graph = control->graph;
  Back back = {.scan = control,
               .graph = graph,
               .body = control->attr.body[0],
               .back = graph_new(graph->arena),
               .scratch = arena_new(0)};
  back.back->span = graph->span, back.back->layer = graph->layer;
  scan_gradient(&back, dy, wanted, gradient);
  arena_free(back.scratch);
}
