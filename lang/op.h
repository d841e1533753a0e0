/* The op table as C: codes, groups and properties, all expanded from ops.def. */
#ifndef LANG_OP_H
#define LANG_OP_H

#include "lang/type.h"

#include <stdbool.h>

/* OP_NEG, OP_ADD, OP_REDUCE_SUM …: upper-case names cannot be made by the preprocessor, so op.c checks that
 * this list and ops.def agree, row by row, when the program is built. */
// clang-format off
typedef enum {
  OP_NEG, OP_ABS, OP_SIGN, OP_EXP, OP_EXPM1, OP_LOG, OP_LOG1P, OP_SQRT, OP_RSQRT, OP_SIN, OP_COS, OP_TAN, OP_ASIN,
  OP_ACOS, OP_ATAN, OP_SINH, OP_COSH, OP_TANH, OP_ERF, OP_ERFINV, OP_LGAMMA, OP_SIGMOID, OP_RELU, OP_FLOOR, OP_CEIL, OP_ROUND, OP_ISNAN,
  OP_ISFINITE, OP_NOT, OP_STOP,
  OP_ADD, OP_SUB, OP_MUL, OP_DIV, OP_FLOOR_DIV, OP_MOD, OP_POW, OP_ATAN2, OP_POLYGAMMA, OP_MIN, OP_MAX, OP_EQ, OP_NE, OP_LT, OP_LE,
  OP_GT, OP_GE, OP_AND, OP_OR,
  OP_WHERE, OP_CAST,
  OP_CONSTANT, OP_EXTENT, OP_INDEX, OP_RANDOM, OP_READ,
  OP_REDUCE_SUM, OP_REDUCE_MAX, OP_REDUCE_MIN,
  OP_RESHAPE, OP_PERMUTE, OP_EXPAND, OP_SLICE, OP_FLIP, OP_PAD, OP_CONCAT,
  OP_SCAN, OP_BRANCH, OP_RESULT,
  OP_MATMUL, OP_CONV2D, OP_CONV2D_GRAD_INPUT, OP_CONV2D_GRAD_KERNEL, OP_POOL_MAX, OP_POOL_MAX_GRAD, OP_GATHER,
  OP_SCATTER_ADD, OP_CUMSUM, OP_ORDER, OP_SCATTER_MAX, OP_CHOLESKY, OP_SOLVE, OP_DET, OP_QR,
  OP_EIGH, OP_SVD, OP_FFT, OP_PUT,
  OP_COUNT
} OpCode;
// clang-format on

/* The same codes under the names of the rows, for expansions of ops.def: OP_AT_neg is OP_NEG. */
enum {
#define MAP1(name, doc, takes, gives, guard, value, dx)     OP_AT_##name,
#define MAP2(name, doc, takes, gives, guard, value, da, db) OP_AT_##name,
#define MAP3(name, doc, takes, gives, guard, value, da, db) OP_AT_##name,
#define CAST(name, doc)                                     OP_AT_##name,
#define SOURCE(name, doc)                                   OP_AT_##name,
#define REDUCE(name, doc, takes, start, combine, dx)        OP_AT_##name,
#define VIEW(name, doc)                                     OP_AT_##name,
#define CONTROL(name, inputs, doc)                          OP_AT_##name,
#define KERNEL(name, inputs, doc)                           OP_AT_##name,
#include "lang/ops.def"
#undef MAP1
#undef MAP2
#undef MAP3
#undef CAST
#undef SOURCE
#undef REDUCE
#undef VIEW
#undef CONTROL
#undef KERNEL
  OP_AT_COUNT
};

typedef enum { GROUP_MAP, GROUP_SOURCE, GROUP_REDUCE, GROUP_VIEW, GROUP_CONTROL, GROUP_KERNEL } OpGroup;

typedef struct {
  const char *name, *doc;
  OpGroup group;
  int arity;     // inputs; -1: any number (concat)
  char takes;    // 'F', 'N', 'B', 'A'
  char gives;    // 'S', 'B'
  bool guard;    // see ops.def
  bool gradient; // a MAP or REDUCE row has one for at least one input
} OpRow;

extern const OpRow op_table[OP_COUNT];

/* 0 where a gradient column of ops.def is NONE, else 1; a constant. NONE joined to ROW_IS_ stands for two
 * arguments, any other word stays one, which moves what comes second. */
#define ROW_HAS_GRADIENT(dx)           ROW_SECOND_OF(ROW_IS_##dx, 1, 1)
#define ROW_SECOND_OF(...)             ROW_SECOND(__VA_ARGS__)
#define ROW_SECOND(first, second, ...) second
#define ROW_IS_NONE                    0, 0

/* The op of that name, for MAP rows that are functions of the language too; OP_COUNT if there is none. */
OpCode op_by_name(const char *name);
bool op_takes(OpCode op, DType dtype);

#endif
