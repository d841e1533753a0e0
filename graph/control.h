/* Bodies: the graphs that scan and branch nodes own.
 *
 * A body reads the inputs of its node as variables (graph->argument) and gives its results by assigning variables. So it
 * is an ordinary program: it is bound, simplified, fused and planned like any other, and a step of a scan is a run of
 * its plan. What a body wants of the graph around it is an input of the node too: a captured value.
 *
 * scan: inputs are the carries, then what is stepped (its first dim is the number of steps; the body reads a slice),
 * then what is captured. Output k < carries of the body assigns carry k, which begins as input k; result k of the node
 * is what it is after the last step. Every other output is a yield: its result has all steps in front. With `until`
 * carry 0 is a bool: when it turns false the steps that are left are skipped, and their yields are zeros. `reverse`
 * begins with the last step; slices stay where they are. `remat` says that gradients compute everything again rather
 * than keep it.
 * branch: the first input, a bool scalar, chooses; all others are captured by both bodies, which give the same types.
 *
 * A scan or branch node itself has no numbers (its type is u8 []): result nodes have. */
#ifndef GRAPH_CONTROL_H
#define GRAPH_CONTROL_H

#include "graph/graph.h"

static inline int scan_carries(const Node *scan) { return (int)scan->attr.whole; }
static inline int scan_stepped(const Node *scan) { return scan->attr.axes; }
static inline bool scan_until(const Node *scan) { return scan->attr.flag[0]; }
static inline bool scan_reverse(const Node *scan) { return scan->attr.flag[1]; }
static inline bool scan_remat(const Node *scan) { return scan->attr.flag[2]; }

/* The next input of a body's node, read. */
Node *body_argument(Graph *body, const char *path, const Type *type);
/* The next result that is no carry; gives its number. Carries come first, by graph_assign to body->argument[k]. */
int body_result(Graph *body, Node *node);
int body_results(const Node *control); // how many a scan or branch has

typedef struct {
  const Dim *length; // steps
  int carries, stepped;
  bool until, reverse, remat;
} Scan;
Node *build_scan(Graph *graph, Graph *body, const Scan *scan, Node *const *src, int nsrc);
Node *build_branch(Graph *graph, Node *condition, Graph *yes, Graph *no, Node *const *captured, int count);
Node *build_result(Node *control, int number);
Type result_type(const Node *control, int number);

/* Where the results of a bound scan or branch lie in its one piece of memory: a byte offset each. Gives its size. */
int64_t control_layout(const Node *control, int64_t *offset);

/* A copy of a node, with a body of its own if it has one. */
Node *graph_copy(Graph *into, const Node *node, Node *const *src);
/* The nodes of a body as part of another graph: its arguments are the given nodes. copy[id] is what each became. */
void body_inline(Graph *into, const Graph *body, Node *const *argument, Node **copy);

/* Simplifies the bodies of a graph and drops inputs, carries and yields that nothing needs. */
void bodies_simplify(Graph *graph);

#endif
