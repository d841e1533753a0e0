/* The pass over a graph: what no output needs is dropped, each node is simplified after its inputs, and equal
 * nodes become one.
 *
 * One walk forward builds the new list. A node's inputs are replaced by what they became, the rules of
 * simplify_rules.c are asked for something simpler, and the result is looked up in a hash table of all nodes so
 * far. Walks repeat while rules fire, ROUNDS times at most. While a walk lasts, ids are the old positions, and new
 * nodes have ids past them. */
#include "graph/simplify.h"

#include "graph/control.h"

#include <stddef.h>
#include <string.h>

#define ROUNDS     4
#define ATTR_BYTES (offsetof(Attr, flag) + sizeof((Attr *)0)->flag) // without the padding behind

struct Simplifier {
  Graph *graph;
  Node **list; // the new graph->node
  int count;
  size_t capacity;
  int next_id;
  Node **slot; // hash table, open addressing; slots is a power of two
  size_t slots;
  bool fired;
};

/* ---- equal nodes ------------------------------------------------------------------------------------------ */

static bool commutes(OpCode op) {
  return op == OP_ADD || op == OP_MUL || op == OP_EQ || op == OP_NE || op == OP_AND || op == OP_OR;
}

static uint64_t mix(uint64_t hash, uint64_t value) {
  hash = (hash ^ value) * 0x9e3779b97f4a7c15u;
  return hash ^ (hash >> 29);
}

static uint64_t node_hash(const Node *node) {
  uint64_t hash = mix((uint64_t)node->op + 1, (uint64_t)node->type.dtype << 8 | (uint64_t)node->type.rank);
  for (int i = 0; i < node->type.rank; i++) hash = mix(hash, (uint64_t)(uintptr_t)node->type.size[i]);
  if (commutes(node->op)) {
    hash = mix(hash, (uint64_t)node->src[0]->id + (uint64_t)node->src[1]->id);
  } else {
    for (int i = 0; i < node->nsrc; i++) hash = mix(hash, (uint64_t)node->src[i]->id);
  }
  uint64_t word;
  const char *bytes = (const char *)&node->attr;
  for (size_t i = 0; i + sizeof word <= ATTR_BYTES; i += sizeof word) {
    memcpy(&word, bytes + i, sizeof word);
    hash = mix(hash, word);
  }
  return mix(hash,
             (uint64_t)node->attr.flag[0] << 2 | (uint64_t)node->attr.flag[1] << 1 | node->attr.flag[2]);
}

static bool node_equal(const Node *a, const Node *b) {
  if (a->op != b->op || a->nsrc != b->nsrc || a->type.dtype != b->type.dtype) return false;
  if (!type_same_shape(&a->type, &b->type) || memcmp(&a->attr, &b->attr, ATTR_BYTES) != 0) return false;
  if (commutes(a->op) && a->src[0] == b->src[1] && a->src[1] == b->src[0]) return true;
  for (int i = 0; i < a->nsrc; i++)
    if (a->src[i] != b->src[i]) return false;
  return true;
}

/* Where the node, or one equal to it, stands or would stand. */
static Node **slot_of(const Simplifier *simplifier, const Node *node) {
  size_t at = node_hash(node) & (simplifier->slots - 1);
  while (simplifier->slot[at] && !node_equal(simplifier->slot[at], node))
    at = (at + 1) & (simplifier->slots - 1);
  return &simplifier->slot[at];
}

static void table_resize(Simplifier *simplifier, size_t slots) {
  memory_free(simplifier->slot);
  simplifier->slot = memory_alloc(slots, sizeof *simplifier->slot);
  simplifier->slots = slots;
  for (int i = 0; i < simplifier->count; i++) *slot_of(simplifier, simplifier->list[i]) = simplifier->list[i];
}

/* The listed node equal to this one, which is listed itself if there was none. */
static Node *simplifier_keep(Simplifier *simplifier, Node *node) {
  if (2 * (size_t)simplifier->count >= simplifier->slots) table_resize(simplifier, 2 * simplifier->slots);
  Node **slot = slot_of(simplifier, node), *known = *slot;
  if (known) return known;
  *slot = node;
  simplifier->list = arena_grow(simplifier->graph->arena, simplifier->list, (size_t)simplifier->count,
                                &simplifier->capacity, sizeof *simplifier->list);
  simplifier->list[simplifier->count++] = node;
  return node;
}

Node *simplifier_make(Simplifier *simplifier, const Node *place, OpCode op, const Type *type,
                      Node *const *src, int nsrc, const Attr *attr) {
  Arena *arena = simplifier->graph->arena;
  Node draft = {.op = op, .id = simplifier->next_id, .type = *type, .nsrc = nsrc, .src = (Node **)src};
  if (attr) memcpy(&draft.attr, attr, sizeof *attr);
  draft.span = place->span, draft.layer = place->layer, draft.place = place->place,
  draft.graph = simplifier->graph;
  Node *simpler = simplify_node(simplifier, &draft);
  if (simpler) return simpler;
  Node *known = *slot_of(simplifier, &draft);
  if (known) return known;
  Node *node = ARENA_NEW(arena, Node);
  memcpy(node, &draft, sizeof draft);
  node->id = simplifier->next_id++;
  node->src = nsrc ? ARENA_ARRAY(arena, Node *, nsrc) : NULL;
  for (int i = 0; i < nsrc; i++) node->src[i] = src[i];
  return simplifier_keep(simplifier, node);
}

/* ---- walks ------------------------------------------------------------------------------------------------ */

static bool *find_needed(const Graph *graph) {
  bool *needed = memory_alloc((size_t)graph->nodes + 1, sizeof *needed);
  for (int i = 0; i < graph->outputs; i++) needed[graph->output[i].node->id] = true;
  for (int i = graph->nodes - 1; i >= 0; i--)
    for (int k = 0; needed[i] && k < graph->node[i]->nsrc; k++) needed[graph->node[i]->src[k]->id] = true;
  return needed;
}

void graph_prune(Graph *graph) {
  bool *needed = find_needed(graph);
  int kept = 0;
  for (int i = 0; i < graph->nodes; i++)
    if (needed[i]) graph->node[kept++] = graph->node[i];
  for (int i = 0; i < kept; i++) graph->node[i]->id = i;
  graph->nodes = kept;
  memory_free(needed);
}

static bool walk(Graph *graph) {
  Simplifier simplifier = {.graph = graph, .next_id = graph->nodes};
  Node **became = memory_alloc((size_t)graph->nodes + 1, sizeof *became);
  size_t slots = 64;
  while (slots < 3 * (size_t)graph->nodes) slots *= 2;
  table_resize(&simplifier, slots);
  for (int i = 0; i < graph->nodes; i++) {
    Node *node = graph->node[i];
    for (int k = 0; k < node->nsrc; k++) node->src[k] = became[node->src[k]->id];
    became[i] = simplify_node(&simplifier, node);
    if (became[i])
      simplifier.fired = true;
    else
      became[i] = simplifier_keep(&simplifier, node);
  }
  for (int i = 0; i < graph->outputs; i++) graph->output[i].node = became[graph->output[i].node->id];
  for (int i = 0; i < simplifier.count; i++) simplifier.list[i]->id = i;
  graph->node = simplifier.list, graph->nodes = simplifier.count, graph->node_capacity = simplifier.capacity;
  memory_free(became), memory_free(simplifier.slot);
  return simplifier.fired;
}

void graph_simplify(Graph *graph) {
  bool again = true;
  graph_prune(graph);
  bodies_simplify(graph);
  for (int round = 0; round < ROUNDS && again; round++) {
    again = walk(graph);
    graph_prune(graph);
  }
}
