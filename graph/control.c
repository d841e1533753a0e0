/* Making, copying and laying out nodes that own bodies. */
#include "graph/control.h"

#include "graph/build.h"

#include <assert.h>
#include <string.h>

#define RESULT_ALIGNMENT 64

Node *body_argument(Graph *body, const char *path, const Type *type) {
  Variable *variable = ARENA_NEW(body->arena, Variable);
  *variable = (Variable){.role = VARIABLE_ARGUMENT, .path = path, .type = *type, .span = body->span};
  variable->number = body->arguments;
  body->argument = arena_grow(body->arena, body->argument, (size_t)body->arguments, &body->argument_capacity,
                              sizeof *body->argument);
  body->argument[body->arguments++] = variable;
  return build_read(body, variable);
}

int body_result(Graph *body, Node *node) {
  Variable *variable = ARENA_NEW(body->arena, Variable);
  *variable = (Variable){.role = VARIABLE_RESULT, .path = "yield", .type = node->type, .span = node->span};
  graph_assign(body, variable, node);
  return body->outputs - 1;
}

int body_results(const Node *control) { return control->attr.body[0]->outputs; }

static const Type nothing = {.dtype = DTYPE_U8};

Node *build_scan(Graph *graph, Graph *body, const Scan *scan, Node *const *src, int nsrc) {
  assert(nsrc == body->arguments && scan->carries <= body->outputs);
  Attr attr;
  memset(&attr, 0, sizeof attr);
  attr.body[0] = body;
  attr.dim[0] = scan->length;
  attr.whole = scan->carries;
  attr.axes = scan->stepped;
  attr.flag[0] = scan->until;
  attr.flag[1] = scan->reverse;
  attr.flag[2] = scan->remat;
  return graph_add(graph, OP_SCAN, &nothing, src, nsrc, &attr);
}

Node *build_branch(Graph *graph, Node *condition, Graph *yes, Graph *no, Node *const *captured, int count) {
  assert(yes->arguments == count && no->arguments == count && yes->outputs == no->outputs);
  Attr attr;
  memset(&attr, 0, sizeof attr);
  attr.body[0] = yes;
  attr.body[1] = no;
  Node **src = memory_alloc((size_t)count + 1, sizeof *src);
  src[0] = condition;
  for (int i = 0; i < count; i++) src[i + 1] = captured[i];
  Node *node = graph_add(graph, OP_BRANCH, &nothing, src, count + 1, &attr);
  memory_free(src);
  return node;
}

Type result_type(const Node *control, int number) {
  Type type = control->attr.body[0]->output[number].node->type;
  if (control->op == OP_BRANCH || number < scan_carries(control)) return type;
  assert(type.rank < MAX_RANK);
  for (int i = type.rank; i > 0; i--) type.size[i] = type.size[i - 1], type.name[i] = type.name[i - 1];
  type.size[0] = control->attr.dim[0];
  type.name[0] = NULL;
  type.rank++;
  return type;
}

Node *build_result(Node *control, int number) {
  Type type = result_type(control, number);
  Attr attr;
  memset(&attr, 0, sizeof attr);
  attr.whole = number;
  return graph_add(control->graph, OP_RESULT, &type, &control, 1, &attr);
}

int64_t control_layout(const Node *control, int64_t *offset) {
  int64_t end = 0;
  for (int i = 0; i < body_results(control); i++) {
    Type type = result_type(control, i);
    if (offset) offset[i] = end;
    int64_t bytes = type_count(&type) * (int64_t)dtype_size(type.dtype);
    end += (bytes + RESULT_ALIGNMENT - 1) / RESULT_ALIGNMENT * RESULT_ALIGNMENT;
  }
  return end;
}

Node *graph_copy(Graph *into, const Node *node, Node *const *src) {
  Attr attr;
  memcpy(&attr, &node->attr, sizeof attr);
  for (int i = 0; i < 2; i++)
    if (attr.body[i]) attr.body[i] = graph_bind(attr.body[i], into->arena, NULL, 0);
  return graph_add(into, node->op, &node->type, src, node->nsrc, &attr);
}

void body_inline(Graph *into, const Graph *body, Node *const *argument, Node **copy) {
  Span span = into->span;
  const char *layer = into->layer;
  int widest = 1;
  for (int i = 0; i < body->nodes; i++)
    if (body->node[i]->nsrc > widest) widest = body->node[i]->nsrc;
  Node **src = memory_alloc((size_t)widest, sizeof *src);
  for (int i = 0; i < body->nodes; i++) {
    const Node *node = body->node[i];
    if (node->op == OP_READ && node->attr.variable->role == VARIABLE_ARGUMENT) {
      copy[i] = argument[node->attr.variable->number];
      continue;
    }
    for (int k = 0; k < node->nsrc; k++) src[k] = copy[node->src[k]->id];
    into->span = node->span, into->layer = node->layer;
    copy[i] = graph_copy(into, node, src);
  }
  into->span = span, into->layer = layer;
  memory_free(src);
}
