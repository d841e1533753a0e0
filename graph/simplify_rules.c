/* The rules of simplify: a function by op that returns something of the same value with less work, or NULL.
 *
 * Rules are local and each makes the graph smaller or moves it toward one form: constants stand as one scalar under
 * a reshape to ones and an expand; maps of expanded values are computed before the expand. Nothing here may hide a
 * NaN (x*0 stays); beside the sign of a zero, x + 0, results keep their bits or are rounded once less. */
#include "graph/simplify.h"

#include "graph/fold.h"

#include <math.h>
#include <string.h>

typedef Node *Rule(Simplifier *simplifier, const Node *node);

/* ---- constants -------------------------------------------------------------------------------------------- */

/* The scalar that fills all of the node, or NULL. */
static Node *uniform(Node *node) {
  if (node->op == OP_EXPAND) node = node->src[0];
  if (node->op == OP_RESHAPE) node = node->src[0];
  return node->op == OP_CONSTANT ? node : NULL;
}

static bool is_filled(Node *node, double number) {
  const Node *scalar = uniform(node);
  if (!scalar) return false;
  return dtype_is_float(scalar->type.dtype) ? scalar->attr.number == number
                                            : (double)scalar->attr.whole == number;
}

static Type retyped(const Type *type, DType dtype) {
  Type other = *type;
  other.dtype = dtype, other.bound = NULL, other.running = false;
  return other;
}

/* A scalar spread over the shape of `type`: the one form of it. */
static Node *spread(Simplifier *simplifier, const Node *place, Node *scalar, const Type *type) {
  if (type->rank == 0) return scalar;
  Type ones = retyped(type, scalar->type.dtype), full = ones;
  for (int i = 0; i < ones.rank; i++) ones.size[i] = dim_of(1);
  Node *reshaped = simplifier_make(simplifier, place, OP_RESHAPE, &ones, &scalar, 1, NULL);
  return simplifier_make(simplifier, place, OP_EXPAND, &full, &reshaped, 1, NULL);
}

static Node *make_number(Simplifier *simplifier, const Node *place, DType dtype, Number number,
                         const Type *shape) {
  Type type = type_scalar(dtype);
  Attr attr = {.number = dtype_is_float(dtype) ? number.number : 0,
               .whole = dtype_is_float(dtype) ? 0 : number.whole};
  Node *scalar = simplifier_make(simplifier, place, OP_CONSTANT, &type, NULL, 0, &attr);
  return spread(simplifier, place, scalar, shape);
}

/* A number that every dtype holds. */
static Node *make_small(Simplifier *simplifier, const Node *node, int number) {
  return make_number(simplifier, node, node->type.dtype, (Number){number, number}, &node->type);
}

static Node *rule_extent(Simplifier *simplifier, const Node *node) {
  Number value = {0};
  if (!dim_is_number(node->attr.dim[0], &value.whole)) return NULL;
  return make_number(simplifier, node, DTYPE_I64, value, &node->type);
}

static Node *rule_index(Simplifier *simplifier, const Node *node) {
  return node->type.size[node->attr.axis[0]] == dim_of(1) ? make_small(simplifier, node, 0) : NULL;
}

/* ---- maps ------------------------------------------------------------------------------------------------- */

static Node *make_map(Simplifier *simplifier, const Node *node, OpCode op, Node *a, Node *b) {
  return simplifier_make(simplifier, node, op, &node->type, (Node *[]){a, b}, b ? 2 : 1, NULL);
}

static Node *rule_add(Simplifier *simplifier, const Node *node) {
  Node *a = node->src[0], *b = node->src[1];
  if (is_filled(b, 0)) return a;
  if (is_filled(a, 0)) return b;
  if (b->op == OP_NEG) return make_map(simplifier, node, OP_SUB, a, b->src[0]);
  return a->op == OP_NEG ? make_map(simplifier, node, OP_SUB, b, a->src[0]) : NULL;
}

static Node *rule_sub(Simplifier *simplifier, const Node *node) {
  Node *a = node->src[0], *b = node->src[1];
  if (is_filled(b, 0)) return a;
  return b->op == OP_NEG ? make_map(simplifier, node, OP_ADD, a, b->src[0]) : NULL;
}

static Node *rule_mul(Simplifier *simplifier, const Node *node) {
  for (int i = 0; i < 2; i++) {
    Node *a = node->src[i], *b = node->src[1 - i];
    if (is_filled(b, 1)) return a;
    if (is_filled(b, -1)) return make_map(simplifier, node, OP_NEG, a, NULL);
    if (is_filled(b, 0) && dtype_is_int(node->type.dtype)) return b;
  }
  if (node->src[0]->op != OP_NEG || node->src[1]->op != OP_NEG) return NULL;
  return make_map(simplifier, node, OP_MUL, node->src[0]->src[0], node->src[1]->src[0]);
}

static Node *rule_div(Simplifier *simplifier, const Node *node) {
  Node *a = node->src[0], *b = node->src[1];
  const Node *scalar = uniform(b);
  int exponent;
  if (!scalar) return NULL;
  if (scalar->attr.number == 1) return a;
  bool power_of_two = fabs(frexp(scalar->attr.number, &exponent)) == 0.5;
  if (!power_of_two || exponent > 120 || exponent < -120) return NULL; // the inverse is exact within these
  Number inverse = {.number = 1 / scalar->attr.number};
  return make_map(simplifier, node, OP_MUL, a,
                  make_number(simplifier, node, node->type.dtype, inverse, &node->type));
}

static Node *rule_pow(Simplifier *simplifier, const Node *node) {
  Node *a = node->src[0], *b = node->src[1];
  if (is_filled(b, 1)) return a;
  if (is_filled(b, 0)) return make_small(simplifier, node, 1); // of NaN too, as C has it
  if (is_filled(b, 2)) return make_map(simplifier, node, OP_MUL, a, a);
  if (is_filled(b, 3)) return make_map(simplifier, node, OP_MUL, make_map(simplifier, node, OP_MUL, a, a), a);
  return is_filled(b, -1) ? make_map(simplifier, node, OP_DIV, make_small(simplifier, node, 1), a) : NULL;
}

static Node *rule_inverse(Simplifier *simplifier, const Node *node) { // op(op(x)) is x
  (void)simplifier;
  return node->src[0]->op == node->op ? node->src[0]->src[0] : NULL;
}

static Node *rule_once(Simplifier *simplifier, const Node *node) { // op(op(x)) is op(x)
  (void)simplifier;
  return node->src[0]->op == node->op ? node->src[0] : NULL;
}

static Node *rule_same(Simplifier *simplifier, const Node *node) { // op(x, x) is x
  (void)simplifier;
  return node->src[0] == node->src[1] ? node->src[0] : NULL;
}

static Node *rule_and(Simplifier *simplifier, const Node *node) {
  for (int i = 0; i < 2; i++) {
    if (is_filled(node->src[i], 1)) return node->src[1 - i];
    if (is_filled(node->src[i], 0)) return node->src[i];
  }
  return rule_same(simplifier, node);
}

static Node *rule_or(Simplifier *simplifier, const Node *node) {
  for (int i = 0; i < 2; i++) {
    if (is_filled(node->src[i], 0)) return node->src[1 - i];
    if (is_filled(node->src[i], 1)) return node->src[i];
  }
  return rule_same(simplifier, node);
}

static Node *rule_where(Simplifier *simplifier, const Node *node) {
  Node *c = node->src[0], *a = node->src[1], *b = node->src[2];
  const Node *scalar = uniform(c);
  if (a == b) return a;
  if (scalar) return scalar->attr.whole ? a : b;
  if (c->op != OP_NOT) return NULL;
  return simplifier_make(simplifier, node, OP_WHERE, &node->type, (Node *[]){c->src[0], b, a}, 3, NULL);
}

static Node *rule_stop(Simplifier *simplifier, const Node *node) {
  (void)simplifier;
  return node->src[0];
}

/* Whether every number of `from` is also one of `to`. */
static bool holds_all(DType to, DType from) {
  static const unsigned holds[DTYPE_COUNT] = {
      // bit d: dtype d
      [DTYPE_BOOL] = 1u << DTYPE_BOOL,
      [DTYPE_U8] = 1u << DTYPE_BOOL | 1u << DTYPE_U8,
      [DTYPE_I32] = 1u << DTYPE_BOOL | 1u << DTYPE_U8 | 1u << DTYPE_I32,
      [DTYPE_I64] = 1u << DTYPE_BOOL | 1u << DTYPE_U8 | 1u << DTYPE_I32 | 1u << DTYPE_I64,
      [DTYPE_F32] = 1u << DTYPE_BOOL | 1u << DTYPE_U8 | 1u << DTYPE_F32,
      [DTYPE_F64] = 1u << DTYPE_BOOL | 1u << DTYPE_U8 | 1u << DTYPE_I32 | 1u << DTYPE_F32 | 1u << DTYPE_F64,
  };
  return holds[to] >> from & 1;
}

static Node *rule_cast(Simplifier *simplifier, const Node *node) {
  Node *x = node->src[0];
  if (x->type.dtype == node->type.dtype) return x;
  const Node *scalar = uniform(x);
  if (scalar) {
    Number in = {scalar->attr.number, scalar->attr.whole}, out;
    if (!fold_cast(x->type.dtype, node->type.dtype, in, &out)) return NULL;
    return make_number(simplifier, node, node->type.dtype, out, &node->type);
  }
  if (x->op != OP_CAST) return NULL;
  DType first = x->src[0]->type.dtype, last = node->type.dtype;
  bool narrower =
      dtype_is_int(first) && dtype_is_int(last) && !holds_all(last, first); // a float between is not a wrap
  if (!holds_all(x->type.dtype, first) || narrower) return NULL;
  return simplifier_make(simplifier, node, OP_CAST, &node->type, &x->src[0], 1, NULL);
}

/* All inputs are constants: so is the result. */
static Node *fold(Simplifier *simplifier, const Node *node) {
  Number in[3], out;
  for (int i = 0; i < node->nsrc; i++) {
    const Node *scalar = uniform(node->src[i]);
    if (!scalar) return NULL;
    in[i] = (Number){scalar->attr.number, scalar->attr.whole};
  }
  if (!fold_map(node->op, node->src[node->nsrc - 1]->type.dtype, in, &out)) return NULL;
  return make_number(simplifier, node, node->type.dtype, out, &node->type);
}

/* All inputs are constants or expanded from one smaller shape: the map is done there, and its result expanded. */
static Node *lift(Simplifier *simplifier, const Node *node) {
  const Type *small = NULL;
  for (int i = 0; i < node->nsrc; i++) {
    Node *src = node->src[i];
    if (uniform(src)) continue;
    if (src->op != OP_EXPAND || (small && !type_same_shape(small, &src->src[0]->type))) return NULL;
    small = &src->src[0]->type;
  }
  if (!small) return NULL;
  Node *src[3];
  for (int i = 0; i < node->nsrc; i++) {
    Node *scalar = uniform(node->src[i]);
    src[i] = scalar ? spread(simplifier, node, scalar, small) : node->src[i]->src[0];
  }
  Type type = retyped(small, node->type.dtype);
  Node *done = simplifier_make(simplifier, node, node->op, &type, src, node->nsrc, NULL);
  return simplifier_make(simplifier, node, OP_EXPAND, &node->type, &done, 1, NULL);
}

/* ---- reductions ------------------------------------------------------------------------------------------- */

static Node *make_count(Simplifier *simplifier, const Node *node, const Dim *count) {
  Type type = type_scalar(DTYPE_I64), scalar = type_scalar(node->type.dtype);
  Attr attr = {.dim = {count, NULL}};
  Node *number = simplifier_make(simplifier, node, OP_EXTENT, &type, NULL, 0, &attr);
  number = simplifier_make(simplifier, node, OP_CAST, &scalar, &number, 1, NULL);
  return spread(simplifier, node, number, &node->type);
}

/* Along axes of size 1 nothing happens; along axes that were expanded a sum is a product. */
static Node *rule_reduce(Simplifier *simplifier, const Node *node) {
  Node *x = node->src[0];
  if (type_same_shape(&x->type, &node->type)) return x;
  if (x->op != OP_EXPAND) return NULL;
  const Type *from = &x->src[0]->type;
  const Dim *count = dim_of(1);
  for (int i = 0; i < node->attr.axes; i++) {
    if (from->size[node->attr.axis[i]] != dim_of(1)) return NULL;
    count = dim_mul(count, x->type.size[node->attr.axis[i]]);
  }
  if (count == dim_of(0)) return NULL;
  Node *one = simplifier_make(simplifier, node, OP_EXPAND, &node->type, &x->src[0], 1, NULL);
  if (node->op != OP_REDUCE_SUM) return one;
  return make_map(simplifier, node, OP_MUL, one, make_count(simplifier, node, count));
}

/* ---- views ------------------------------------------------------------------------------------------------ */

static bool all_ones(const Type *type) {
  for (int i = 0; i < type->rank; i++)
    if (type->size[i] != dim_of(1)) return false;
  return true;
}

/* A view of a constant is the constant in another shape. */
static Node *view_of_uniform(Simplifier *simplifier, const Node *node) {
  Node *scalar = uniform(node->src[0]);
  return scalar ? spread(simplifier, node, scalar, &node->type) : NULL;
}

static Node *rule_reshape(Simplifier *simplifier, const Node *node) {
  Node *x = node->src[0];
  if (type_same_shape(&x->type, &node->type)) return x;
  if (x->op == OP_RESHAPE)
    return simplifier_make(simplifier, node, OP_RESHAPE, &node->type, &x->src[0], 1, NULL);
  bool simple = x->op == OP_CONSTANT && all_ones(&node->type);
  return simple ? NULL : view_of_uniform(simplifier, node);
}

static Node *rule_expand(Simplifier *simplifier, const Node *node) {
  Node *x = node->src[0];
  if (type_same_shape(&x->type, &node->type)) return x;
  if (x->op == OP_EXPAND)
    return simplifier_make(simplifier, node, OP_EXPAND, &node->type, &x->src[0], 1, NULL);
  bool simple = x->op == OP_RESHAPE && x->src[0]->op == OP_CONSTANT;
  return simple ? NULL : view_of_uniform(simplifier, node);
}

static Node *rule_permute(Simplifier *simplifier, const Node *node) {
  Node *x = node->src[0];
  int before = -1;
  bool ascending = true; // of the axes that are not of size 1: then nothing moves in memory
  for (int i = 0; i < node->attr.axes; i++) {
    if (node->type.size[i] == dim_of(1)) continue;
    ascending = ascending && node->attr.axis[i] > before;
    before = node->attr.axis[i];
  }
  if (ascending) return simplifier_make(simplifier, node, OP_RESHAPE, &node->type, &x, 1, NULL);
  if (x->op != OP_PERMUTE) return view_of_uniform(simplifier, node);
  Attr attr = {.axes = node->attr.axes};
  for (int i = 0; i < attr.axes; i++) attr.axis[i] = x->attr.axis[node->attr.axis[i]];
  return simplifier_make(simplifier, node, OP_PERMUTE, &node->type, &x->src[0], 1, &attr);
}

/* The input of a concat that a slice takes whole. */
static Node *slice_of_concat(const Node *node, const Node *concat) {
  int axis = node->attr.axis[0];
  const Dim *start = dim_of(0);
  for (int i = 0; i < concat->nsrc && node->attr.whole == 1 && axis == concat->attr.axis[0]; i++) {
    const Dim *size = concat->src[i]->type.size[axis];
    if (start == node->attr.dim[0] && size == node->type.size[axis]) return concat->src[i];
    start = dim_add(start, size);
  }
  return NULL;
}

static Node *rule_slice(Simplifier *simplifier, const Node *node) {
  Node *x = node->src[0];
  if (type_same_shape(&x->type, &node->type)) return x;
  if (x->op == OP_CONCAT) return slice_of_concat(node, x);
  if (x->op != OP_SLICE || x->attr.axis[0] != node->attr.axis[0]) return view_of_uniform(simplifier, node);
  int64_t step;
  if (__builtin_mul_overflow(node->attr.whole, x->attr.whole, &step)) return NULL;
  const Dim *start = dim_add(x->attr.dim[0], dim_mul(node->attr.dim[0], dim_of(x->attr.whole)));
  Attr attr = {.dim = {start, NULL}, .whole = step, .axis = {node->attr.axis[0]}, .axes = 1};
  return simplifier_make(simplifier, node, OP_SLICE, &node->type, &x->src[0], 1, &attr);
}

static Node *rule_flip(Simplifier *simplifier, const Node *node) {
  Node *x = node->src[0];
  if (node->type.size[node->attr.axis[0]] == dim_of(1)) return x;
  if (x->op == OP_FLIP && x->attr.axis[0] == node->attr.axis[0]) return x->src[0];
  return view_of_uniform(simplifier, node);
}

static Node *rule_pad(Simplifier *simplifier, const Node *node) {
  (void)simplifier;
  return node->attr.dim[0] == dim_of(0) && node->attr.dim[1] == dim_of(0) ? node->src[0] : NULL;
}

static Node *rule_concat(Simplifier *simplifier, const Node *node) {
  (void)simplifier;
  return node->nsrc == 1 ? node->src[0] : NULL;
}

/* ---- kernels ---------------------------------------------------------------------------------------------- */

static bool swaps_last_two(const Node *node) {
  int rank = node->type.rank;
  if (node->op != OP_PERMUTE || rank < 2) return false;
  for (int i = 0; i < rank - 2; i++)
    if (node->attr.axis[i] != i) return false;
  return node->attr.axis[rank - 1] == rank - 2;
}

static Node *rule_matmul(Simplifier *simplifier, const Node *node) {
  Node *src[2] = {node->src[0], node->src[1]};
  Attr attr = {.flag = {node->attr.flag[0], node->attr.flag[1]}};
  bool changed = false;
  for (int i = 0; i < 2; i++)
    if (swaps_last_two(src[i])) {
      src[i] = src[i]->src[0], attr.flag[i] = !attr.flag[i];
      changed = true;
    }
  return changed ? simplifier_make(simplifier, node, OP_MATMUL, &node->type, src, 2, &attr) : NULL;
}

static Rule *const rule_by_op[OP_COUNT] = {
    [OP_NEG] = rule_inverse,
    [OP_ABS] = rule_once,
    [OP_RELU] = rule_once,
    [OP_FLOOR] = rule_once,
    [OP_CEIL] = rule_once,
    [OP_ROUND] = rule_once,
    [OP_NOT] = rule_inverse,
    [OP_STOP] = rule_stop,
    [OP_ADD] = rule_add,
    [OP_SUB] = rule_sub,
    [OP_MUL] = rule_mul,
    [OP_DIV] = rule_div,
    [OP_POW] = rule_pow,
    [OP_MIN] = rule_same,
    [OP_MAX] = rule_same,
    [OP_AND] = rule_and,
    [OP_OR] = rule_or,
    [OP_WHERE] = rule_where,
    [OP_CAST] = rule_cast,
    [OP_EXTENT] = rule_extent,
    [OP_INDEX] = rule_index,
    [OP_REDUCE_SUM] = rule_reduce,
    [OP_REDUCE_MAX] = rule_reduce,
    [OP_REDUCE_MIN] = rule_reduce,
    [OP_RESHAPE] = rule_reshape,
    [OP_PERMUTE] = rule_permute,
    [OP_EXPAND] = rule_expand,
    [OP_SLICE] = rule_slice,
    [OP_FLIP] = rule_flip,
    [OP_PAD] = rule_pad,
    [OP_CONCAT] = rule_concat,
    [OP_MATMUL] = rule_matmul,
};

Node *simplify_node(Simplifier *simplifier, const Node *node) {
  bool map = op_table[node->op].group == GROUP_MAP;
  Node *simpler = map ? fold(simplifier, node) : NULL;
  if (!simpler && rule_by_op[node->op]) simpler = rule_by_op[node->op](simplifier, node);
  if (!simpler && map) simpler = lift(simplifier, node);
  return simpler;
}
