/* A bound graph as steps in order over one arena of memory.
 *
 * Everything about a step is decided here: what is fused, where each value lies, what is updated in place.
 * A plan belongs to one binding of the symbolic dims; it is made once and run many times. */
#ifndef GRAPH_PLAN_H
#define GRAPH_PLAN_H

#include "graph/graph.h"
#include "graph/loop.h"

typedef enum { PLACE_ARENA, PLACE_VARIABLE } PlaceKind;

/* A row-major tensor in memory. */
typedef struct {
  PlaceKind kind;
  Variable *variable; // PLACE_VARIABLE: variable->data, read anew at each run
  int64_t offset;     // bytes; into the arena 64-aligned unless it lies inside another value (concat)
  Type type;
} Place;

typedef struct Plan Plan;

typedef enum { STEP_LOOP, STEP_KERNEL, STEP_COPY } StepKind;

typedef struct {
  StepKind kind;
  const Node *node; // KERNEL: the op with its attrs; LOOP: the last node it computes; COPY: the value copied
  Loop *loop;       // LOOP
  Place *place;     // KERNEL, COPY: place[0] is the result, then the inputs; LOOP: as accesses name them
  int places;
  bool transposed[2]; // matmul: inputs stand transposed in memory (their last two dims swapped)
  Plan *body[2];      // of a scan or branch; each has an arena of its own
} Step;

typedef struct {
  const char *name; // an OUTPUT_VALUE's name
  Place place;      // holds its value after a run
} PlanOutput;

struct Plan {
  Graph *graph; // the bound, simplified graph it was made from
  Step *step;
  int steps;
  int64_t arena_bytes;
  PlanOutput *output;
  int outputs;
  void *prepared; // the backend's
};

typedef struct {
  bool fuse; // false: one step a node (views still become strides)
} PlanOptions;

/* In the arena of `graph`. Outputs of kind ASSIGN are written when nothing reads the old value any more. */
Plan *plan_make(Graph *graph, const PlanOptions *options);

int plan_output(const Plan *plan, const char *name); // index, or -1
void plan_print(const Plan *plan, Text *out);        // steps, offsets, sizes
void plan_print_steps(const Plan *plan, Text *out);  // the fused form without memory: `show --after=fuse`
void loop_print_step(const Step *step, Text *out);   // a STEP_LOOP with the names of nodes and variables
void plan_verify(const Plan *plan); // no step reads what another has overwritten; places inside the arena

#endif
