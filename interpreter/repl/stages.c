/* The nodes of a graph as what a reader of the program sees: layers, and operations between them.
 *
 * At each level a run of nodes of one layer is a stage, and so is a run of nodes that one operation in the text of the
 * level itself became. Reads and constants are no stages, but what comes from outside is. */
#include "interpreter/repl/repl.h"

#include "interpreter/work.h"

#include <ctype.h>
#include <string.h>

#define NAME_MOST 21

/* Marks what the result is made of. */
static bool *needed_by(Arena *arena, const Node *result) {
  bool *needed = ARENA_ARRAY(arena, bool, result->id + 1);
  needed[result->id] = true;
  for (int i = result->id; i >= 0; i--)
    for (int k = 0; needed[i] && k < result->graph->node[i]->nsrc; k++)
      needed[result->graph->node[i]->src[k]->id] = true;
  return needed;
}

/* The layer one level below `path` that the node belongs to: its path up to the next name and number. NULL: it stands
 * at the level itself. `outside`: it is not below at all. */
static const char *layer_below(Repl *repl, const Node *node, const char *path, bool *outside) {
  const char *layer = node->layer;
  *outside = false;
  if (!path && layer && path_below(layer, OWN)) path = OWN; // layers of the expression itself
  if (path) {
    *outside = !layer || !path_below(layer, path);
    if (*outside || !layer[strlen(path)]) return NULL;
  } else if (!layer)
    return NULL;
  const char *p = layer + (path ? strlen(path) + 1 : 0);
  p += strcspn(p, ".");
  if (*p && isdigit((unsigned char)p[1])) { // the number goes with the name
    const char *after = p + 1 + strcspn(p + 1, ".");
    p = after;
  }
  return arena_copy(repl->call->arena, layer, (size_t)(p - layer));
}

static bool is_source(const Node *node) { return op_table[node->op].group == GROUP_SOURCE; }

/* A piece of source text on one line, cut to what a row has room for. */
static const char *place_name(Repl *repl, Span span) {
  const Source *source = source_by_id(span.source);
  if (!source) return NULL;
  Text text = {0};
  bool blank = false;
  for (uint32_t i = span.start; i < span.end; i++) {
    char c = source->text[i];
    if (isspace((unsigned char)c)) {
      blank = true;
      continue;
    }
    if (blank && text.length) text_add(&text, " ");
    blank = false;
    text_add_n(&text, &c, 1);
    if (text.length >= NAME_MOST && ((unsigned char)source->text[i + 1] & 0xc0) != 0x80) {
      if (i + 1 < span.end) text_add(&text, "…");
      break;
    }
  }
  return text_of(repl, &text);
}

static const char *stage_name(Repl *repl, const Node *node, const char *layer, const char *path) {
  if (layer && !path && path_below(layer, OWN)) path = OWN;
  if (layer) return path ? layer + strlen(path) + 1 : layer;
  if (node->op == OP_READ) return node->attr.variable->path;
  const char *name = place_name(repl, node->place);
  return name ? name : op_table[node->op].name;
}

static bool same_place(Span a, Span b) {
  return a.source == b.source && a.start == b.start && a.end == b.end;
}

/* Whether two nodes in a row are one stage. */
static bool same_stage(const Node *a, const char *layer_a, const Node *b, const char *layer_b) {
  if (layer_a || layer_b) return layer_a && layer_b && !strcmp(layer_a, layer_b);
  return a->place.source && same_place(a->place, b->place);
}

/* Operations on numbers for one row of a batch. */
static double row_flops(Repl *repl, const Node *node) {
  Node here = *node, src[3], *list[3];
  if (node->nsrc > 3) return 0;
  DimBinding one = {repl->e->batch, dim_of(1)};
  for (int i = 0; i < here.type.rank; i++) here.type.size[i] = dim_substitute(here.type.size[i], &one, 1);
  for (int k = 0; k < node->nsrc; k++) {
    src[k] = *node->src[k];
    for (int i = 0; i < src[k].type.rank; i++)
      src[k].type.size[i] = dim_substitute(src[k].type.size[i], &one, 1);
    list[k] = &src[k];
  }
  here.src = list;
  return node_flops(&here);
}

/* The node of the stage whose value goes on: the last that something behind it uses. */
static Node *stage_value(const Graph *graph, const bool *needed, const Node *result, const Stage *stage) {
  for (int i = stage->last; i >= stage->first; i--) {
    if (!needed[i] || is_source(graph->node[i])) continue;
    if (graph->node[i] == result) return graph->node[i];
    for (int k = stage->last + 1; k <= result->id; k++)
      for (int s = 0; needed[k] && s < graph->node[k]->nsrc; s++)
        if (graph->node[k]->src[s] == graph->node[i]) return graph->node[i];
  }
  return graph->node[stage->last];
}

/* Reads that come from outside: inputs, not weights. */
static bool is_input(const Node *node) {
  if (node->op != OP_READ) return false;
  VariableRole role = node->attr.variable->role;
  return (role == VARIABLE_CONSTANT || role == VARIABLE_COLUMN) && node->type.rank > 0;
}

/* Whether only views of it are used: then these are shown, not the whole. */
static bool is_only_cut(const Node *node, const bool *needed, const Node *result) {
  bool cut = false;
  for (int k = node->id + 1; k <= result->id; k++)
    for (int s = 0; needed[k] && s < result->graph->node[k]->nsrc; s++) {
      if (result->graph->node[k]->src[s] != node) continue;
      if (result->graph->node[k]->op != OP_SLICE) return false;
      cut = true;
    }
  return cut;
}

int stages_of(Repl *repl, const Node *result, const char *path, int first, int last, Stage **out) {
  const Graph *graph = result->graph;
  Arena *scratch = arena_new(0);
  bool *needed = needed_by(scratch, result);
  Stage *stage = ARENA_ARRAY(repl->call->arena, Stage, last - first + 2);
  int count = 0;
  const char *layer_before = NULL;
  const Node *before = NULL;
  bool after_input = false;
  for (int i = first; i <= last && i <= result->id; i++) {
    Node *node = graph->node[i];
    bool outside;
    if (!needed[i]) continue;
    const char *layer = layer_below(repl, node, path, &outside);
    bool input = is_input(node) && !layer && !path && !is_only_cut(node, needed, result);
    if (outside || (is_source(node) && !layer && !input)) continue;
    if (!before || input || after_input || !same_stage(before, layer_before, node, layer))
      stage[count++] = (Stage){.name = stage_name(repl, node, layer, path), .layer = layer, .first = i};
    stage[count - 1].last = i;
    stage[count - 1].flops += (int64_t)row_flops(repl, node);
    before = node;
    layer_before = layer;
    after_input = input;
  }
  for (int i = 0; i < count; i++) stage[i].node = stage_value(graph, needed, result, &stage[i]);
  arena_free(scratch);
  *out = stage;
  return count;
}
