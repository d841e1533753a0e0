/* IDX files: bytes in a row of sizes, the form of MNIST and its relatives. */
#ifndef INTERPRETER_DATA_IDX_H
#define INTERPRETER_DATA_IDX_H

#include "interpreter/data/problems_data.h"

#include <zlib.h>

#define IDX_RANK 3

typedef struct {
  int rank;
  int64_t size[IDX_RANK];
  size_t bytes; // of the data: the product of the sizes
} IdxHeader;

typedef struct {
  int descriptor;
  bool packed; // gzip
  z_stream stream;
  unsigned char *input; // packed bytes on their way
  IdxHeader header;
} Idx;

/* What is wrong; `fine` when nothing is. An errno goes before a fault. */
typedef struct {
  bool fine;
  int error;
  DataFault fault;
} IdxEnd;

/* Opens a plain or gzipped file and reads its header of unsigned bytes with `rank` sizes. Sizes are believed only
 * as far as the length of the file can hold them. Closes it again unless all is fine. */
IdxEnd idx_open(Idx *idx, const char *path, int rank);

/* Reads header.bytes bytes into dst and checks that nothing follows (and gzip's checksum). */
IdxEnd idx_read(Idx *idx, unsigned char *dst);
void idx_close(Idx *idx);

void idx_problem(Problems *problems, Span span, const char *path, IdxEnd end);

#endif
