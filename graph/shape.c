/* The shape rule of every op, as a table of functions by op.
 *
 * Rules read a node and its inputs and say what is wrong, or NULL; they build nothing. Builders make types that
 * hold here, passes must keep them so. */
#include "graph/shape.h"

#include "graph/control.h"

#include <stddef.h>

typedef const char *ShapeRule(const Node *node);

const Dim *window_positions(const Window *window, int d, const Dim *length, const Dim *size) {
  const Dim *reach = dim_mul(dim_of(window->dilation[d]), dim_sub(size, dim_of(1)));
  const Dim *room = dim_add(length, dim_of((int64_t)window->front[d] + window->back[d] - 1));
  return dim_add(dim_floor_div(dim_sub(room, reach), dim_of(window->stride[d])), dim_of(1));
}

static const Type *input(const Node *node, int i) { return &node->src[i]->type; }

static bool axis_is_inside(const Node *node) {
  return node->attr.axis[0] >= 0 && node->attr.axis[0] < node->type.rank;
}

/* Whether all sizes but the one of `except` are those of `other`. */
static bool same_beside(const Type *type, const Type *other, int except) {
  if (type->rank != other->rank) return false;
  for (int i = 0; i < type->rank; i++)
    if (i != except && type->size[i] != other->size[i]) return false;
  return true;
}

static bool same_type(const Type *a, const Type *b) { return a->dtype == b->dtype && type_same_shape(a, b); }

/* ---- maps, sources, reductions ---------------------------------------------------------------------------- */

static const char *shape_map(const Node *node) {
  const OpRow *row = &op_table[node->op];
  int first = node->op == OP_WHERE; // the condition is another dtype
  if (first && input(node, 0)->dtype != DTYPE_BOOL) return "the condition is not bool";
  DType dtype = input(node, first)->dtype;
  for (int i = 0; i < node->nsrc; i++) {
    if (!type_same_shape(input(node, i), &node->type)) return "an input has another shape";
    if (i >= first && input(node, i)->dtype != dtype) return "the inputs differ in dtype";
  }
  if (!op_takes(node->op, dtype)) return "it is not defined for this dtype";
  if (node->type.dtype != (row->gives == 'B' ? DTYPE_BOOL : dtype)) return "the result has another dtype";
  return NULL;
}

static const char *shape_cast(const Node *node) {
  return type_same_shape(input(node, 0), &node->type) ? NULL : "the input has another shape";
}

static const char *shape_constant(const Node *node) {
  return node->type.rank ? "a constant has rank 0" : NULL;
}

static const char *shape_extent(const Node *node) {
  if (!node->attr.dim[0]) return "no dim";
  return node->type.rank || node->type.dtype != DTYPE_I64 ? "an extent is i64 []" : NULL;
}

static const char *shape_index(const Node *node) {
  if (!axis_is_inside(node)) return "no such axis";
  return node->type.dtype != DTYPE_I32 && node->type.dtype != DTYPE_I64 ? "an index is i32 or i64" : NULL;
}

static const char *shape_random(const Node *node) {
  return dtype_is_float(node->type.dtype) ? NULL : "random numbers are floats";
}

static const char *shape_read(const Node *node) {
  const Variable *variable = node->attr.variable;
  if (!variable) return "no variable";
  if (variable->type.dtype != node->type.dtype || variable->type.rank != node->type.rank)
    return "the variable is of another type";
  for (int i = 0; i < node->type.rank; i++)
    if (dim_is_number(variable->type.size[i], NULL) && variable->type.size[i] != node->type.size[i])
      return "the variable has another shape";
  return NULL;
}

static const char *shape_reduce(const Node *node) {
  const Type *x = input(node, 0);
  const Attr *attr = &node->attr;
  bool reduced[MAX_RANK] = {false};
  if (attr->axes < 1 || attr->axes > x->rank) return "no axes, or too many";
  for (int i = 0; i < attr->axes; i++) {
    if (attr->axis[i] < 0 || attr->axis[i] >= x->rank) return "no such axis";
    if (i > 0 && attr->axis[i] <= attr->axis[i - 1]) return "axes are not ascending";
    reduced[attr->axis[i]] = true;
  }
  if (reduced[x->rank - 1] && attr->axes > 1) return "it reduces the last axis together with others";
  if (!op_takes(node->op, x->dtype) || node->type.dtype != x->dtype) return "a wrong dtype";
  if (node->type.rank != x->rank) return "the rank differs";
  for (int i = 0; i < x->rank; i++)
    if (node->type.size[i] != (reduced[i] ? dim_of(1) : x->size[i])) return "a wrong size";
  return NULL;
}

/* ---- views ------------------------------------------------------------------------------------------------ */

static const char *shape_reshape(const Node *node) {
  if (input(node, 0)->dtype != node->type.dtype) return "the dtype differs";
  return type_elements(input(node, 0)) == type_elements(&node->type) ? NULL
                                                                     : "the number of elements differs";
}

static const char *shape_permute(const Node *node) {
  const Type *x = input(node, 0);
  bool seen[MAX_RANK] = {false};
  if (x->rank != node->type.rank || node->attr.axes != x->rank) return "the rank differs";
  for (int i = 0; i < x->rank; i++) {
    int axis = node->attr.axis[i];
    if (axis < 0 || axis >= x->rank || seen[axis]) return "not a permutation";
    seen[axis] = true;
    if (node->type.size[i] != x->size[axis]) return "a wrong size";
  }
  return x->dtype == node->type.dtype ? NULL : "the dtype differs";
}

static const char *shape_expand(const Node *node) {
  const Type *x = input(node, 0);
  if (x->rank != node->type.rank || x->dtype != node->type.dtype) return "the rank or dtype differs";
  for (int i = 0; i < x->rank; i++)
    if (x->size[i] != node->type.size[i] && x->size[i] != dim_of(1)) return "a size that is not 1 changes";
  return NULL;
}

static const char *shape_slice(const Node *node) {
  const Type *x = input(node, 0);
  bool known;
  if (!axis_is_inside(node) || !same_beside(&node->type, x, node->attr.axis[0]))
    return "a wrong axis or size";
  if (node->attr.whole < 1 || !node->attr.dim[0]) return "no start, or a step below 1";
  const Dim *length = node->type.size[node->attr.axis[0]], *start = node->attr.dim[0];
  const Dim *end =
      dim_add(start, dim_add(dim_mul(dim_of(node->attr.whole), dim_sub(length, dim_of(1))), dim_of(1)));
  if (length != dim_of(0) && dim_compare(end, x->size[node->attr.axis[0]], &known) > 0 && known)
    return "it reaches past the end";
  if (dim_compare(start, dim_of(0), &known) < 0 && known) return "it starts before 0";
  return x->dtype == node->type.dtype ? NULL : "the dtype differs";
}

static const char *shape_flip(const Node *node) {
  return axis_is_inside(node) && same_type(&node->type, input(node, 0)) ? NULL
                                                                        : "a wrong axis, shape or dtype";
}

static const char *shape_pad(const Node *node) {
  const Type *x = input(node, 0);
  bool known;
  if (!axis_is_inside(node) || !same_beside(&node->type, x, node->attr.axis[0]))
    return "a wrong axis or size";
  if (!node->attr.dim[0] || !node->attr.dim[1]) return "no lengths";
  for (int i = 0; i < 2; i++)
    if (dim_compare(node->attr.dim[i], dim_of(0), &known) < 0 && known) return "a length below 0";
  const Dim *size = dim_add(dim_add(x->size[node->attr.axis[0]], node->attr.dim[0]), node->attr.dim[1]);
  if (node->type.size[node->attr.axis[0]] != size) return "a wrong length";
  return x->dtype == node->type.dtype ? NULL : "the dtype differs";
}

static const char *shape_concat(const Node *node) {
  if (!axis_is_inside(node) || node->nsrc < 1) return "no such axis, or no inputs";
  const Dim *size = dim_of(0);
  for (int i = 0; i < node->nsrc; i++) {
    if (!same_beside(&node->type, input(node, i), node->attr.axis[0])) return "an input has another shape";
    if (input(node, i)->dtype != node->type.dtype) return "the dtype differs";
    size = dim_add(size, input(node, i)->size[node->attr.axis[0]]);
  }
  return size == node->type.size[node->attr.axis[0]] ? NULL : "a wrong length";
}

/* ---- kernels ---------------------------------------------------------------------------------------------- */

static const char *shape_matmul(const Node *node) {
  const Type *a = input(node, 0), *b = input(node, 1), *y = &node->type;
  int rank = y->rank;
  if (rank < 2 || a->rank != rank || b->rank != rank) return "the ranks differ or are below 2";
  if (a->dtype != y->dtype || b->dtype != y->dtype || !dtype_is_float(y->dtype)) return "a wrong dtype";
  for (int i = 0; i < rank - 2; i++)
    if (a->size[i] != y->size[i] || b->size[i] != y->size[i]) return "the batch dims differ";
  bool ta = node->attr.flag[0], tb = node->attr.flag[1];
  if (a->size[rank - 1 - ta] != b->size[rank - 2 + tb]) return "the inner sizes differ";
  if (a->size[rank - 2 + ta] != y->size[rank - 2] || b->size[rank - 1 - tb] != y->size[rank - 1])
    return "a wrong size";
  return NULL;
}

/* x [b, h, w, c], k [kh, kw, c/groups, f], y [b, …, …, f]. */
static const char *check_conv(const Node *node, const Type *x, const Type *k, const Type *y) {
  const Window *window = &node->attr.window;
  if (x->rank != 4 || k->rank != 4 || y->rank != 4) return "a rank is not 4";
  if (x->dtype != y->dtype || k->dtype != y->dtype || !dtype_is_float(y->dtype)) return "a wrong dtype";
  if (window->groups < 1) return "no groups";
  for (int d = 0; d < 2; d++) {
    if (window->stride[d] < 1 || window->dilation[d] < 1) return "a stride or dilation below 1";
    if (window_positions(window, d, x->size[1 + d], k->size[d]) != y->size[1 + d])
      return "a wrong height or width";
  }
  if (x->size[0] != y->size[0] || k->size[3] != y->size[3]) return "batch or filters differ";
  return x->size[3] == dim_mul(k->size[2], dim_of(window->groups)) ? NULL : "the channels differ";
}

static const char *shape_conv2d(const Node *node) {
  return check_conv(node, input(node, 0), input(node, 1), &node->type);
}

static const char *shape_conv2d_grad_input(const Node *node) {
  return check_conv(node, &node->type, input(node, 1), input(node, 0));
}

static const char *shape_conv2d_grad_kernel(const Node *node) {
  return check_conv(node, input(node, 0), &node->type, input(node, 1));
}

static const char *check_pool(const Node *node, const Type *x, const Type *y) {
  const Window *window = &node->attr.window;
  if (x->rank != 4 || y->rank != 4 || x->dtype != y->dtype) return "a rank is not 4, or the dtype differs";
  for (int d = 0; d < 2; d++) {
    if (window->stride[d] < 1 || window->dilation[d] < 1 || window->size[d] < 1)
      return "a stride, dilation or size below 1";
    if (window_positions(window, d, x->size[1 + d], dim_of(window->size[d])) != y->size[1 + d])
      return "a wrong height or width";
  }
  return x->size[0] == y->size[0] && x->size[3] == y->size[3] ? NULL : "batch or channels differ";
}

static const char *shape_pool_max(const Node *node) { return check_pool(node, input(node, 0), &node->type); }

static const char *shape_pool_max_grad(const Node *node) {
  if (!same_type(input(node, 0), &node->type) || !same_type(input(node, 1), input(node, 2)))
    return "types differ";
  return check_pool(node, input(node, 0), input(node, 1));
}

static const char *shape_gather(const Node *node) {
  const Type *x = input(node, 0), *ids = input(node, 1);
  if (x->rank < 1 || node->type.rank != ids->rank + x->rank - 1) return "a wrong rank";
  if (!dtype_is_int(ids->dtype) || x->dtype != node->type.dtype) return "a wrong dtype";
  for (int i = 0; i < node->type.rank; i++)
    if (node->type.size[i] != (i < ids->rank ? ids->size[i] : x->size[i - ids->rank + 1]))
      return "a wrong size";
  return NULL;
}

static const char *check_scatter(const Node *node) {
  const Type *ids = input(node, 0), *v = input(node, 1);
  if (node->type.rank < 1 || v->rank != ids->rank + node->type.rank - 1) return "a wrong rank";
  if (!dtype_is_int(ids->dtype) || v->dtype != node->type.dtype) return "a wrong dtype";
  for (int i = 0; i < v->rank; i++)
    if (v->size[i] != (i < ids->rank ? ids->size[i] : node->type.size[i - ids->rank + 1]))
      return "a wrong size";
  return NULL;
}

static const char *shape_scatter_add(const Node *node) { return check_scatter(node); }
static const char *shape_scatter_max(const Node *node) { return check_scatter(node); }

static const char *shape_put(const Node *node) {
  const Type *ids = input(node, 1), *v = input(node, 2);
  if (!same_type(&node->type, input(node, 0)) || node->type.rank < 1) return "the type differs or has rank 0";
  if (v->rank != ids->rank + node->type.rank - 1) return "a wrong rank";
  if (!dtype_is_int(ids->dtype) || v->dtype != node->type.dtype) return "a wrong dtype";
  for (int i = 0; i < v->rank; i++)
    if (v->size[i] != (i < ids->rank ? ids->size[i] : node->type.size[i - ids->rank + 1]))
      return "a wrong size";
  return NULL;
}

static const char *shape_order(const Node *node) {
  const Type *x = input(node, 0);
  bool known;
  if (x->rank < 1 || !same_beside(&node->type, x, x->rank - 1)) return "a wrong rank or size";
  if (node->type.dtype != DTYPE_I32 && node->type.dtype != DTYPE_I64) return "an order is i32 or i64";
  const Dim *count = node->type.size[x->rank - 1];
  return dim_compare(count, x->size[x->rank - 1], &known) > 0 && known ? "more than there are" : NULL;
}

/* Stacks of matrices: x [..., m, n], all else equal batch dims. */
static const char *check_matrices(const Node *node, int rank) {
  const Type *x = input(node, 0);
  if (x->rank < 2 || node->type.rank != rank || !dtype_is_float(x->dtype))
    return "no floats of rank 2 or more";
  if (node->type.dtype != x->dtype) return "the dtype differs";
  for (int i = 0; i < x->rank - 2; i++)
    if (node->type.size[i] != x->size[i]) return "the batch dims differ";
  return NULL;
}

static bool is_square(const Type *x) { return x->size[x->rank - 1] == x->size[x->rank - 2]; }

static bool ends_with(const Type *y, const Dim *rows, const Dim *columns) {
  return y->size[y->rank - 2] == rows && y->size[y->rank - 1] == columns;
}

static const char *shape_cholesky(const Node *node) {
  const char *wrong = check_matrices(node, input(node, 0)->rank);
  if (wrong) return wrong;
  return is_square(&node->type) && same_type(&node->type, input(node, 0)) ? NULL : "it is not square";
}

static const char *shape_solve(const Node *node) {
  const Type *a = input(node, 0), *b = input(node, 1);
  const char *wrong = check_matrices(node, a->rank);
  if (wrong) return wrong;
  if (!same_type(&node->type, b)) return "the type of b differs";
  if (node->attr.whole < 0 || node->attr.whole > 2) return "no such triangle";
  return is_square(a) && a->size[a->rank - 1] == b->size[b->rank - 2] ? NULL : "the sizes differ";
}

static const char *shape_det(const Node *node) {
  const char *wrong = check_matrices(node, input(node, 0)->rank - 2);
  return wrong ? wrong : is_square(input(node, 0)) ? NULL : "it is not square";
}

static const char *shape_qr(const Node *node) {
  const Type *x = input(node, 0);
  const char *wrong = check_matrices(node, x->rank);
  if (wrong) return wrong;
  const Dim *m = x->size[x->rank - 2], *n = x->size[x->rank - 1];
  bool known;
  if (dim_compare(m, n, &known) < 0 && known) return "it has fewer rows than columns";
  return ends_with(&node->type, dim_add(m, n), n) ? NULL : "a wrong size";
}

static const char *shape_eigh(const Node *node) {
  const Type *x = input(node, 0);
  const char *wrong = check_matrices(node, x->rank);
  if (wrong) return wrong;
  const Dim *n = x->size[x->rank - 1];
  return is_square(x) && ends_with(&node->type, dim_add(n, dim_of(1)), n) ? NULL : "a wrong size";
}

static const char *shape_svd(const Node *node) {
  const Type *x = input(node, 0);
  const char *wrong = check_matrices(node, x->rank);
  if (wrong) return wrong;
  const Dim *m = x->size[x->rank - 2], *n = x->size[x->rank - 1];
  bool known;
  const Dim *least = dim_compare(m, n, &known) > 0 ? n : m;
  return ends_with(&node->type, dim_add(dim_add(m, dim_of(1)), n), least) ? NULL : "a wrong size";
}

static const char *shape_fft(const Node *node) {
  const Type *x = input(node, 0);
  if (x->rank < 2 || !dtype_is_float(x->dtype)) return "no floats of rank 2 or more";
  if (!same_type(&node->type, x)) return "the type differs";
  return x->size[x->rank - 1] == dim_of(2) ? NULL : "they are no pairs";
}

static const char *shape_cumsum(const Node *node) {
  return node->type.rank >= 1 && same_type(&node->type, input(node, 0)) ? NULL
                                                                        : "the type differs or has rank 0";
}

/* ---- control -------------------------------------------------------------------------------------------------- */

/* Does input `k` of a scan fit what its body reads it as? */
static bool argument_fits(const Node *node, int k) {
  const Type *argument = &node->attr.body[0]->argument[k]->type;
  bool sliced = k >= scan_carries(node) && k < scan_carries(node) + scan_stepped(node);
  if (!sliced) return same_type(argument, input(node, k));
  const Type *whole = input(node, k);
  if (whole->dtype != argument->dtype || whole->rank != argument->rank + 1) return false;
  if (whole->size[0] != node->attr.dim[0]) return false;
  for (int i = 0; i < argument->rank; i++)
    if (argument->size[i] != whole->size[i + 1]) return false;
  return true;
}

static const char *shape_scan(const Node *node) {
  const Graph *body = node->attr.body[0];
  if (node->nsrc != body->arguments || scan_carries(node) > body->outputs) return "a wrong number of inputs";
  if (scan_carries(node) + scan_stepped(node) > node->nsrc) return "too few inputs";
  for (int k = 0; k < node->nsrc; k++)
    if (!argument_fits(node, k)) return "an input its body does not read";
  for (int k = 0; k < scan_carries(node); k++)
    if (!same_type(&body->argument[k]->type, &body->output[k].node->type)) return "a carry changes its type";
  return NULL;
}

static const char *shape_branch(const Node *node) {
  const Graph *yes = node->attr.body[0], *no = node->attr.body[1];
  if (input(node, 0)->rank != 0 || input(node, 0)->dtype != DTYPE_BOOL) return "the condition is no bool";
  if (yes->arguments != node->nsrc - 1 || no->arguments != node->nsrc - 1) return "a wrong number of inputs";
  if (yes->outputs != no->outputs) return "the bodies differ";
  for (int k = 0; k < yes->outputs; k++)
    if (!same_type(&yes->output[k].node->type, &no->output[k].node->type)) return "the bodies differ";
  return NULL;
}

static const char *shape_result(const Node *node) {
  const Node *control = node->src[0];
  if (!control->attr.body[0] || node->attr.whole >= body_results(control)) return "of nothing";
  Type type = result_type(control, (int)node->attr.whole);
  return same_type(&type, &node->type) ? NULL : "not the type of its body";
}

#define MAP1(name, doc, takes, gives, guard, value, dx)     [OP_AT_##name] = shape_map,
#define MAP2(name, doc, takes, gives, guard, value, da, db) [OP_AT_##name] = shape_map,
#define MAP3(name, doc, takes, gives, guard, value, da, db) [OP_AT_##name] = shape_map,
#define CAST(name, doc)                                     [OP_AT_##name] = shape_##name,
#define SOURCE(name, doc)                                   [OP_AT_##name] = shape_##name,
#define REDUCE(name, doc, takes, start, combine, dx)        [OP_AT_##name] = shape_reduce,
#define VIEW(name, doc)                                     [OP_AT_##name] = shape_##name,
#define CONTROL(name, inputs, doc)                          [OP_AT_##name] = shape_##name,
#define KERNEL(name, inputs, doc)                           [OP_AT_##name] = shape_##name,
static ShapeRule *const shape_rule[OP_COUNT] = {
#include "lang/ops.def"
};

const char *shape_check(const Node *node) { return shape_rule[node->op](node); }
