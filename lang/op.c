/* The op table, expanded from ops.def, and the proof that the codes of op.h stand in the same order.
 *
 * Each AGREE line names one row twice, so a code that moved, or a row that did, fails to compile here. */
#include "lang/op.h"

#include <string.h>

#define AGREE(code, name)                                                                                    \
  _Static_assert((int)OP_##code == (int)OP_AT_##name, "op.h and ops.def differ at " #name)
AGREE(NEG, neg);
AGREE(ABS, abs);
AGREE(SIGN, sign);
AGREE(EXP, exp);
AGREE(EXPM1, expm1);
AGREE(LOG, log);
AGREE(LOG1P, log1p);
AGREE(SQRT, sqrt);
AGREE(RSQRT, rsqrt);
AGREE(SIN, sin);
AGREE(COS, cos);
AGREE(TAN, tan);
AGREE(ASIN, asin);
AGREE(ACOS, acos);
AGREE(ATAN, atan);
AGREE(SINH, sinh);
AGREE(COSH, cosh);
AGREE(TANH, tanh);
AGREE(ERF, erf);
AGREE(ERFINV, erfinv);
AGREE(LGAMMA, lgamma);
AGREE(SIGMOID, sigmoid);
AGREE(RELU, relu);
AGREE(FLOOR, floor);
AGREE(CEIL, ceil);
AGREE(ROUND, round);
AGREE(ISNAN, isnan);
AGREE(ISFINITE, isfinite);
AGREE(NOT, not );
AGREE(STOP, stop);
AGREE(ADD, add);
AGREE(SUB, sub);
AGREE(MUL, mul);
AGREE(DIV, div);
AGREE(FLOOR_DIV, floor_div);
AGREE(MOD, mod);
AGREE(POW, pow);
AGREE(ATAN2, atan2);
AGREE(POLYGAMMA, polygamma);
AGREE(MIN, min);
AGREE(MAX, max);
AGREE(EQ, eq);
AGREE(NE, ne);
AGREE(LT, lt);
AGREE(LE, le);
AGREE(GT, gt);
AGREE(GE, ge);
AGREE(AND, and);
AGREE(OR, or);
AGREE(WHERE, where);
AGREE(CAST, cast);
AGREE(CONSTANT, constant);
AGREE(EXTENT, extent);
AGREE(INDEX, index);
AGREE(RANDOM, random);
AGREE(READ, read);
AGREE(REDUCE_SUM, reduce_sum);
AGREE(REDUCE_MAX, reduce_max);
AGREE(REDUCE_MIN, reduce_min);
AGREE(RESHAPE, reshape);
AGREE(PERMUTE, permute);
AGREE(EXPAND, expand);
AGREE(SLICE, slice);
AGREE(FLIP, flip);
AGREE(PAD, pad);
AGREE(CONCAT, concat);
AGREE(SCAN, scan);
AGREE(BRANCH, branch);
AGREE(RESULT, result);
AGREE(MATMUL, matmul);
AGREE(CONV2D, conv2d);
AGREE(CONV2D_GRAD_INPUT, conv2d_grad_input);
AGREE(CONV2D_GRAD_KERNEL, conv2d_grad_kernel);
AGREE(POOL_MAX, pool_max);
AGREE(POOL_MAX_GRAD, pool_max_grad);
AGREE(GATHER, gather);
AGREE(SCATTER_ADD, scatter_add);
AGREE(CUMSUM, cumsum);
AGREE(ORDER, order);
AGREE(SCATTER_MAX, scatter_max);
AGREE(CHOLESKY, cholesky);
AGREE(SOLVE, solve);
AGREE(DET, det);
AGREE(QR, qr);
AGREE(EIGH, eigh);
AGREE(SVD, svd);
AGREE(FFT, fft);
AGREE(PUT, put);
_Static_assert((int)OP_COUNT == (int)OP_AT_COUNT, "op.h and ops.def differ in length");

#define TAKES_F 'F'
#define TAKES_N 'N'
#define TAKES_B 'B'
#define TAKES_A 'A'
#define GIVES_S 'S'
#define GIVES_B 'B'
#define GUARD   true
#define PLAIN   false

#define MAP1(name, doc, takes, gives, guard, value, dx)                                                      \
  [OP_AT_##name] = {#name, doc, GROUP_MAP, 1, TAKES_##takes, GIVES_##gives, guard, ROW_HAS_GRADIENT(dx)},
#define MAP2(name, doc, takes, gives, guard, value, da, db)                                                  \
  [OP_AT_##name] = {#name,         doc,           GROUP_MAP, 2,                                              \
                    TAKES_##takes, GIVES_##gives, guard,     ROW_HAS_GRADIENT(da) || ROW_HAS_GRADIENT(db)},
#define MAP3(name, doc, takes, gives, guard, value, da, db)                                                  \
  [OP_AT_##name] = {#name,         doc,           GROUP_MAP, 3,                                              \
                    TAKES_##takes, GIVES_##gives, guard,     ROW_HAS_GRADIENT(da) || ROW_HAS_GRADIENT(db)},
#define CAST(name, doc)   [OP_AT_##name] = {#name, doc, GROUP_MAP, 1, 'A', 'S', false, true},
#define SOURCE(name, doc) [OP_AT_##name] = {#name, doc, GROUP_SOURCE, 0, 'A', 'S', false, false},
#define REDUCE(name, doc, takes, start, combine, dx)                                                         \
  [OP_AT_##name] = {#name, doc, GROUP_REDUCE, 1, TAKES_##takes, 'S', false, ROW_HAS_GRADIENT(dx)},
#define VIEW(name, doc)                                                                                      \
  [OP_AT_##name] = {#name, doc, GROUP_VIEW, OP_AT_##name == OP_AT_concat ? -1 : 1, 'A', 'S', false, true},
#define CONTROL(name, inputs, doc)                                                                           \
  [OP_AT_##name] = {#name, doc, GROUP_CONTROL, inputs, 'A', 'S', false, true},
#define KERNEL(name, inputs, doc) [OP_AT_##name] = {#name, doc, GROUP_KERNEL, inputs, 'A', 'S', false, true},

const OpRow op_table[OP_COUNT] = {
#include "lang/ops.def"
};

OpCode op_by_name(const char *name) {
  int op = 0;
  while (op < OP_COUNT && (op_table[op].group != GROUP_MAP || strcmp(op_table[op].name, name) != 0)) op++;
  return (OpCode)op;
}

bool op_takes(OpCode op, DType dtype) {
  switch (op_table[op].takes) {
  case 'F': return dtype_is_float(dtype);
  case 'N': return dtype_is_float(dtype) || dtype_is_int(dtype);
  case 'B': return dtype == DTYPE_BOOL;
  default: return true;
  }
}
