/* A Loop made ready for the CPU: instructions over slots, in the order in which they run.
 *
 * A slot holds one number (ONE), one a row of the tile (BY_ROW), or a tile of them (BY_COLUMN: the same in every
 * row; FULL). It lies in a strip register, or directly in a tensor: then its address follows the tile and no
 * number is copied. */
#ifndef BACKENDS_CPU_TAPE_H
#define BACKENDS_CPU_TAPE_H

#include "backends/cpu/cpu.h"

#define TAPE_FOREVER INT32_MAX

/* What a value depends on; two are joined by |. */
typedef enum { EXTENT_ONE = 0, EXTENT_BY_ROW = 1, EXTENT_BY_COLUMN = 2, EXTENT_FULL = 3 } Extent;

typedef struct {
  Extent extent;
  DType dtype;
  int access;  // lies in a tensor: index into Tape.access; -1: in a register
  int64_t reg; // byte offset in a worker's memory
  int last;    // the last instruction that reads it; TAPE_FOREVER
} TapeSlot;

typedef struct {
  int place;
  size_t size; // bytes of a number
  int64_t offset, stride, step[LOOP_OUTER];
  bool linear; // rows stand at equal distances, `apart`
  int64_t apart;
} TapeAccess;

typedef enum {
  TAPE_MAP,      // strip(out, a, b, c)
  TAPE_MAP_ROWS, // the same once a row, for operands that are one number a row
  TAPE_SPREAD,   // one number, or one a row, to every element
  TAPE_CONSTANT,
  TAPE_LOAD, // from memory that does not lie as a tile does
  TAPE_STORE,
  TAPE_INDEX,
  TAPE_RANDOM,
  TAPE_REDUCE,      // whole rows
  TAPE_REDUCE_PART, // one SUM_BLOCK of a row, to shared memory
  TAPE_REDUCE_END,  // the row's blocks
  TAPE_ACCUMULATE,  // to the sum of the block of rows, in shared memory
} TapeKind;

typedef enum {
  PHASE_START, // once a part: what no row changes
  PHASE_ROW,   // long rows are cut into chunks: before each chunk, what no column changes
  PHASE_TILE,
  PHASE_END, // after the last chunk of a row: what needs its reductions
  PHASES
} TapePhase;

typedef struct {
  TapeKind kind;
  TapePhase phase;
  Extent extent; // how many numbers it makes
  StripVariant variant;
  int out, a, b, c; // slots
  int access;
  Strip *strip;
  OpCode op; // of reductions
  DType dtype;
  uint64_t site;
  uint64_t constant; // its bytes, of `dtype`
  int64_t shared;    // byte offset of sums in shared memory
  int64_t width;     // ACCUMULATE: numbers in a sum
} TapeInst;

typedef struct {
  const Loop *loop;
  TapeAccess *access;
  TapeSlot *slot; // slot 0 is none
  int slots;
  TapeInst *inst;
  int count;
  int phase_end[PHASES]; // instructions are sorted by phase
  int64_t rows, row;     // of the loop
  int64_t group, groups; // the reduced rows of one result, and how many results (1 where nothing is reduced)
  int64_t tile_rows, tile_columns;
  int64_t block;  // rows of a unit of work; SUM_ROWS where something is accumulated
  int64_t blocks; // units of a group
  bool accumulates, chunked, row_sums;
  int row_parts, column_parts, combine_parts;
  size_t slots_bytes; // of the addresses, at the start of a worker's memory
} Tape;

#endif
