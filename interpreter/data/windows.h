/* Windows: examples that are slices of one stored sequence. */
#ifndef INTERPRETER_DATA_WINDOWS_H
#define INTERPRETER_DATA_WINDOWS_H

#include "interpreter/data/table.h"

/* A stretch of the stored sequence that windows do not leave. */
typedef struct {
  int64_t from, to;
} Piece;

typedef struct {
  int64_t length, stride, streams; // streams 0: windows stand in the order of the sequence
  Part part[PART_COUNT];           // a window is the place where it begins
} Windows;

/* The places where windows begin: in every piece at 0, stride, 2 * stride … as long as they fit. With streams k, row i
 * of each k rows goes on from row i of the k before: the windows are cut into k stretches of equal length, which are
 * dealt in turn; what is left over is dropped. */
Part windows_place(Arena *arena, const Piece *piece, int64_t pieces, int64_t length, int64_t stride,
                   int64_t streams);

bool windows_same(const Windows *a, const Windows *b); // the same places in every part

#endif
