/* The row program: the one form of fused work.
 *
 * A Loop runs straight-line code once for each row of an iteration space: `rank` outer dims, then a row of
 * `row` elements. A value of the code is a strip (one number per element of the row) or a scalar (one per
 * row). LOOP_REDUCE turns a strip into a scalar along the row; LOOP_ACCUMULATE adds strips over the outer dims
 * whose role is REDUCED and stores the result when they have run. PARALLEL dims stand before REDUCED ones.
 *
 * Order of sums, which no fusion may change: along a row in blocks of SUM_BLOCK elements, each summed in
 * SUM_LANES lanes (lane j takes elements j, j + SUM_LANES, …; lanes are then added pairwise), block sums added
 * in order in f64; over reduced dims in blocks of SUM_ROWS reduced rows in row-major order, each summed in
 * order in the strip's dtype, block sums added in order in f64. Integers sum in their own dtype. */
#ifndef GRAPH_LOOP_H
#define GRAPH_LOOP_H

#include "graph/graph.h"

#define LOOP_OUTER  (MAX_RANK - 1)
#define LOOP_CODE   192   // instructions of a loop, at most
#define LOOP_ACCESS 48    // accesses of a loop, at most
#define LOOP_WIDE   16384 // a row this long or shorter may be kept whole between a reduction and its uses
#define SUM_BLOCK   4096
#define SUM_LANES   16
#define SUM_ROWS    32

typedef enum { DIM_PARALLEL, DIM_REDUCED } DimRole;

/* An affine function of the position: offset + sum of step[d] * i[d] + stride * column, in elements. */
typedef struct {
  int place;   // index into the Step's places; -1 where the number itself is wanted (index, random)
  DType dtype; // of the memory
  int64_t step[LOOP_OUTER], stride, offset;
} Access;

typedef enum {
  LOOP_LOAD,       // access
  LOOP_STORE,      // a, access; defines no value
  LOOP_CONSTANT,   // number or whole
  LOOP_INDEX,      // access: the affine number itself
  LOOP_RANDOM,     // site; access: number of the element
  LOOP_MAP,        // op of a, b, c (in the order of the op's inputs)
  LOOP_CAST,       // a to dtype
  LOOP_REDUCE,     // op over strip a: a scalar
  LOOP_ACCUMULATE, // op over strip a, over all REDUCED dims, to access; defines no value
} InstKind;

typedef struct {
  InstKind kind;
  OpCode op;
  DType dtype;     // of the value (of a STORE or ACCUMULATE: of what is stored)
  bool scalar;     // one per row, else a strip
  bool partial;    // STORE: into a part of the node's value; other stores make the rest
  int16_t a, b, c; // instructions whose values it takes; -1: none
  int access;
  double number;
  int64_t whole;
  uint64_t site;
  const Node *node; // what it computes, for messages and profiles
} Inst;

typedef struct {
  int rank;
  int64_t extent[LOOP_OUTER];
  DimRole role[LOOP_OUTER];
  int64_t row;
  Access *access;
  int accesses;
  Inst *code; // instruction i defines value i
  int count;
} Loop;

void loop_print(const Loop *loop, Text *out);
void loop_verify(const Loop *loop);

#endif
