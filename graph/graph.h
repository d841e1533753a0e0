/* Tensor programs: nodes in single assignment, in the order they were made.
 *
 * A node's inputs stand before it, so every pass is a loop over `node[]`, never a recursion. Nodes are unique
 * while a program is elaborated; equal nodes are merged only by simplify, which runs after differentiate. A
 * graph with symbols in its dims is turned into one with numbers by graph_bind; fuse and plan work on bound
 * graphs alone. A graph lives in one arena with its nodes. */
#ifndef GRAPH_GRAPH_H
#define GRAPH_GRAPH_H

#include "base/arena.h"
#include "base/name.h"
#include "base/problem.h"
#include "base/source.h"
#include "base/text.h"
#include "lang/op.h"
#include "lang/type.h"

typedef enum {
  VARIABLE_WEIGHT,    // trained: param
  VARIABLE_STATE,     // saved, not trained: state of a layer
  VARIABLE_OPTIMIZER, // state of an optimizer
  VARIABLE_METRIC,    // state of a metric, for one pass
  VARIABLE_COLUMN,    // one batch of a table's column: first dim is the batch
  VARIABLE_RUNNING,   // step, epoch, progress: f64 scalars
  VARIABLE_CONSTANT,  // tensor literals, fitted statistics: never written
  VARIABLE_ARGUMENT,  // of a body: an input of the node that owns it; `number` is its place among them
  VARIABLE_RESULT,    // of a body: what it gives in one step
} VariableRole;

/* Numbers that live longer than a step. Elaboration makes them; whoever runs the graph gives `data`. */
typedef struct Variable {
  VariableRole role;
  const char *path; // net.Dense.0.W; unique within its role
  Type type;
  Span span;   // where it was declared
  void *data;  // row-major, of type.dtype; owned by the session; NULL until it is given
  void *owner; // for the elaborator and the session
  int number;  // in order of creation
} Variable;

typedef struct Node Node;
typedef struct Graph Graph;

typedef struct {
  int stride[2], front[2], back[2], dilation[2], size[2]; // rows, columns; size: of a pool's window
  int groups;
} Window;

/* What an op needs beside its inputs; members an op does not use are zero, so equal attrs are equal bytes. */
typedef struct {
  double number;
  int64_t whole;
  uint64_t site;
  Variable *variable;
  const Dim *dim[2];
  Graph *body[2]; // of scan and branch: their own; see control.h
  Window window;
  int axis[MAX_RANK], axes;
  bool flag[3];
} Attr;

struct Node {
  OpCode op;
  int id; // position in graph->node
  Type type;
  int nsrc;
  Node **src;
  Attr attr;
  Span span;         // the place in the program that asked for it
  const char *layer; // path of the layer instance it belongs to (net.Dense.0); NULL: none
  Span place;        // the operation of that layer's own text that it is a part of; nowhere: none
  Graph *graph;
};

typedef enum { OUTPUT_VALUE, OUTPUT_ASSIGN } OutputKind;

typedef struct {
  OutputKind kind;
  const char *name;   // VALUE: loss, metric names, printed values
  Variable *variable; // ASSIGN: gets `node` when the step ends; a read sees the value of the step's begin
  Node *node;
} Output;

struct Graph {
  Arena *arena;
  Node **node;
  int nodes;
  size_t node_capacity;
  Output *output;
  int outputs;
  size_t output_capacity;
  Variable **argument; // of a body: what it reads the inputs of its node as, in their order
  int arguments;
  size_t argument_capacity;
  Span span, place; // new nodes get these three
  const char *layer;
};

#define GRAPH_NODES_LIMIT (8 << 20)

Graph *graph_new(Arena *arena);
/* attr may be NULL. */
Node *graph_add(Graph *graph, OpCode op, const Type *type, Node *const *src, int nsrc, const Attr *attr);
void graph_output(Graph *graph, const char *name, Node *node);
void graph_assign(Graph *graph, Variable *variable, Node *node);

/* The same program with `bindings` in its dims, in `arena`; only what outputs need. Variables are shared. */
Graph *graph_bind(const Graph *graph, Arena *arena, const DimBinding *bindings, int count);

/* Drops the nodes that no output needs. */
void graph_prune(Graph *graph);

/* The first node of a bound graph whose shape is impossible with these numbers (x[0:6] of 4 rows), and why; NULL
 * if there is none. To be asked before a bound graph is used. */
const Node *graph_misfit(const Graph *bound, const char **why);

/* `node` of `from` as it will be when the assignments of the step are made, as code in `into` that reads variables
 * alone; NULL where it needs anything else of the step. */
Node *graph_after(Graph *into, const Graph *from, const Node *node);

/* What reads `variable`, a bool scalar, takes it for `truth` from now on. To be simplified after. */
void graph_assume(Graph *graph, const Variable *variable, bool truth);

void graph_print(const Graph *graph, Text *out); // stable text: one node a line
/* Asserts every invariant: order, arity, dtypes, shapes against the op's shape rule. For tests and debug builds. */
void graph_verify(const Graph *graph);

/* Constants folded, x*1, x+0, double casts and views and such removed, equal nodes merged, what no output
 * needs dropped. Works in place (node[] is renumbered). To be run after all gradients are taken. */
void graph_simplify(Graph *graph);

#endif
