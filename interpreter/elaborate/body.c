/* Bodies of scans, maps and branches while they are elaborated.
 *
 * Each is a graph of its own inside the one around it. Names keep their values; where a tensor of a graph further out is
 * asked for, it becomes an input of every body in between: node_here is the one door. Weights and columns are always
 * read in the outermost graph, so that gradients and runners find them there. */
#include "interpreter/elaborate/body.h"

#include "graph/control.h"

static Node *capture(Elaborator *e, Body *body, Node *node);

/* Numbers that nothing of the run decides are made again rather than captured; NULL: it is not one. */
static Node *made_again(Elaborator *e, Body *body, Node *node) {
  if (node->op == OP_CONSTANT || node->op == OP_EXTENT)
    return graph_add(body->graph, node->op, &node->type, NULL, 0, &node->attr);
  if (node->op != OP_EXPAND && node->op != OP_RESHAPE && node->op != OP_CAST) return NULL;
  const Node *source = node;
  while (source->op == OP_EXPAND || source->op == OP_RESHAPE || source->op == OP_CAST)
    source = source->src[0];
  if (source->op != OP_CONSTANT && source->op != OP_EXTENT) return NULL;
  Node *src = capture(e, body, node->src[0]);
  return graph_add(body->graph, node->op, &node->type, &src, 1, &node->attr);
}

/* The node as the body has it; the node itself if it belongs to no graph around. */
static Node *capture(Elaborator *e, Body *body, Node *node) {
  if (node->graph == body->graph) return node;
  Node *outer = node;
  if (node->graph != body->around) {
    if (!body->outer) return node;
    outer = capture(e, body->outer, node);
    if (outer->graph != body->around) return node;
  }
  for (int i = 0; i < body->captures; i++)
    if (body->capture[i].from == outer) return body->capture[i].here;
  Node *here = made_again(e, body, outer);
  bool input = here == NULL;
  if (!here) here = body_argument(body->graph, outer->layer ? outer->layer : "captured", &outer->type);
  body->capture =
      arena_grow(e->arena, body->capture, (size_t)body->captures, &body->capacity, sizeof *body->capture);
  body->capture[body->captures++] = (Capture){outer, here, input};
  return here;
}

Node *node_here(Elaborator *e, Node *node) {
  return e->body && node->graph != e->graph ? capture(e, e->body, node) : node;
}

Graph *graph_outermost(const Elaborator *e) {
  const Body *body = e->body;
  while (body && body->outer) body = body->outer;
  return body ? body->around : e->graph;
}

void body_begin(Elaborator *e, Body *body) {
  *body = (Body){.outer = e->body, .around = e->graph, .graph = graph_new(e->arena)};
  body->graph->span = e->graph->span;
  body->graph->layer = e->graph->layer;
  e->graph = body->graph;
  e->body = body;
}

void body_end(Elaborator *e, const Body *body) {
  e->graph = body->around;
  e->body = body->outer;
}

int body_inputs(const Body *body, Node **input) {
  int count = 0;
  for (int i = 0; i < body->captures; i++)
    if (body->capture[i].input) input[count++] = body->capture[i].from;
  return count;
}

void bodies_agree(Elaborator *e, Body *a, Body *b) {
  Body *const both[2] = {a, b};
  for (int i = 0; i < 2; i++) // what one captures the other captures, too
    for (int k = 0; k < both[i]->captures; k++) {
      if (!both[i]->capture[k].input) continue;
      Body *other = both[1 - i];
      int known = 0;
      while (known < other->captures && other->capture[known].from != both[i]->capture[k].from) known++;
      if (known < other->captures) continue;
      Node *from = both[i]->capture[k].from;
      other->capture =
          arena_grow(e->arena, other->capture, (size_t)other->captures, &other->capacity, sizeof(Capture));
      other->capture[other->captures++] =
          (Capture){from, body_argument(other->graph, "captured", &from->type), true};
    }
  int count = 0; // in the order of a
  Capture *sorted = ARENA_ARRAY(e->arena, Capture, b->captures + 1);
  for (int i = 0; i < a->captures; i++)
    for (int k = 0; k < b->captures && a->capture[i].input; k++)
      if (b->capture[k].from == a->capture[i].from) sorted[count++] = b->capture[k];
  for (int i = 0; i < count; i++) {
    Variable *variable = sorted[i].here->attr.variable;
    b->graph->argument[i] = variable;
    variable->number = i;
  }
  b->capture = sorted;
  b->captures = count;
}

// ---- values as nodes --------------------------------------------------------------------------------------------

static bool has_parts(const Value *value) {
  return (value->kind == VALUE_RECORD || value->kind == VALUE_LIST) && !value->u.items.model;
}

int value_leaves(Elaborator *e, const Value *value, const Ast *at, Node **leaf) {
  if (has_parts(value)) {
    int count = 0;
    for (int i = 0; i < value->u.items.count; i++) {
      int parts = value_leaves(e, value->u.items.item[i], at, leaf ? leaf + count : NULL);
      if (parts < 0) return -1;
      count += parts;
    }
    return count;
  }
  switch (value->kind) {
  case VALUE_TENSOR:
  case VALUE_COLUMN:
  case VALUE_INT:
  case VALUE_FLOAT:
  case VALUE_BOOL: break;
  default: return -1;
  }
  if (!leaf) return 1;
  Node *node = value_node(e, value, at);
  if (!node) return -1;
  *leaf = node;
  return 1;
}

const Value *value_of_leaves(Elaborator *e, const Value *shape, Node *const **leaf) {
  if (!has_parts(shape)) {
    Value *value = (Value *)value_tensor(e, *(*leaf)++);
    if (shape->kind == VALUE_TENSOR) {
      value->u.tensor.fitted = shape->u.tensor.fitted;
      value->u.tensor.image = shape->u.tensor.image;
      value->u.tensor.text = shape->u.tensor.text;
    }
    return value;
  }
  const Value **item = ARENA_ARRAY(e->arena, const Value *, shape->u.items.count + 1);
  for (int i = 0; i < shape->u.items.count; i++) item[i] = value_of_leaves(e, shape->u.items.item[i], leaf);
  Value *value = ARENA_NEW(e->arena, Value);
  *value = *shape;
  value->u.items.item = item;
  return value;
}
