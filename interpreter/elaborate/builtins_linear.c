/* Built-in functions of linear algebra and of frequencies. Matrices are the last two dims of a tensor; all others are
 * batch dims. Complex numbers are pairs along a last dim of 2: the real and the imaginary part. */
#include "graph/build_fourier.h"
#include "graph/build_linear.h"
#include "interpreter/elaborate/elaborate.h"
#include "lang/problems.h"

#define CALL(name)                                                                                           \
  static const Value *name(Elaborator *e, const Ast *at, const Argument *slot, const Argument *rest,         \
                           int rests)
#define UNUSED ((void)at, (void)slot, (void)rest, (void)rests)

static bool slot_true(const Argument *slot) {
  return slot->value && slot->value->kind == VALUE_BOOL && slot->value->u.truth;
}

static bool differ(const Dim *a, const Dim *b) {
  bool known;
  return a != b && dim_compare(a, b, &known) != 0 && known;
}

/* A stack of matrices of floats; NULL after a Problem. */
static Node *slot_matrices(Elaborator *e, const Ast *at, const Argument *slot, const char *wanted) {
  Node *x = slot_float(e, at, slot);
  if (x && x->type.rank >= 2) return x;
  if (x) slot_error(e, at, slot, wanted);
  return NULL;
}

/* Squares; NULL after a Problem, or with *open where the generic check cannot know. */
static Node *slot_squares(Elaborator *e, const Ast *at, const Argument *slot, bool *open) {
  static const char wanted[] = "square matrices [..., n, n]";
  Node *x = slot_matrices(e, at, slot, wanted);
  *open = false;
  if (!x) return NULL;
  const Dim *m = x->type.size[x->type.rank - 2], *n = x->type.size[x->type.rank - 1];
  if (m == n) return x;
  *open = e->generic && !differ(m, n);
  if (!*open) slot_error(e, at, slot, wanted);
  return *open ? x : NULL;
}

/* A tensor of the batch dims of x and `dims` more, for the generic check. */
static const Value *open_tensor(Elaborator *e, const Node *x, const Dim *const *size, int dims) {
  Type type = {.dtype = x->type.dtype, .rank = x->type.rank - 2 + dims};
  for (int i = 0; i < x->type.rank - 2; i++) type.size[i] = x->type.size[i], type.name[i] = x->type.name[i];
  for (int i = 0; i < dims; i++) type.size[x->type.rank - 2 + i] = size[i];
  return value_tensor(e, unknown_tensor(e, &type));
}

static const Value *of_square(Elaborator *e, const Ast *at, const Argument *slot, Node *(*build)(Node *x)) {
  bool open;
  Node *x = slot_squares(e, at, slot, &open);
  if (!x) return value_unknown();
  return value_tensor(e, open ? x : build(x));
}

CALL(cholesky) {
  UNUSED;
  return of_square(e, at, slot, build_cholesky);
}

static Node *build_inverse(Node *x) { return build_solve(x, build_identity(x), false, SOLVE_ANY); }

CALL(inverse) {
  UNUSED;
  return of_square(e, at, slot, build_inverse);
}

static const Value *determinant(Elaborator *e, const Ast *at, const Argument *slot, bool logarithm) {
  bool open;
  Node *x = slot_squares(e, at, slot, &open);
  if (!x) return value_unknown();
  return open ? open_tensor(e, x, NULL, 0) : value_tensor(e, build_det(x, logarithm));
}

CALL(det) {
  UNUSED;
  return determinant(e, at, slot, false);
}
CALL(logdet) {
  UNUSED;
  return determinant(e, at, slot, true);
}

/* Rows start … start + length of the matrices in x. */
static Node *rows_of(Node *x, const Dim *start, const Dim *length) {
  return build_slice(x, x->type.rank - 2, start, length, 1);
}

// ---- equations ------------------------------------------------------------------------------------------------

/* a and b with equal batch dims: those of one are spread where the other has none. False where they differ. */
static bool spread_batch(Node **a, Node **b) {
  const Type *large = (*a)->type.rank > (*b)->type.rank ? &(*a)->type : &(*b)->type;
  int lead = large->rank - 2;
  for (int side = 0; side < 2; side++) {
    Node **x = side ? b : a;
    int own = (*x)->type.rank - 2;
    const Dim *size[MAX_RANK];
    if (own != lead && own != 0) return false;
    for (int i = 0; i < lead; i++) {
      size[i] = large->size[i];
      if (own && (*x)->type.size[i] != size[i]) return false;
    }
    for (int i = 0; i < 2; i++) size[lead + i] = (*x)->type.size[own + i];
    *x = build_expand(*x, lead + 2, size);
  }
  return true;
}

/* a and b of one equation a @ x = b, with equal batch dims and b as matrices. */
typedef struct {
  Node *a, *b;
  bool row;  // b was [..., n]: so is the result
  bool open; // the generic check cannot know whether they fit
} Equation;

/* False after a Problem. */
static bool read_equation(Elaborator *e, const Ast *at, const Argument *slot, const char *name,
                          Equation *out) {
  Node *a = out->a, *b = slot_float(e, at, slot);
  if (!b) return false;
  if (b->type.rank < 1) {
    slot_error(e, at, slot, "a right side [..., n] or [..., n, k]");
    return false;
  }
  out->row = b->type.rank == a->type.rank - 1 || b->type.rank == 1;
  Node *given = b = build_cast(b, a->type.dtype);
  if (out->row) b = build_insert(b, b->type.rank);
  const Dim *own = a->type.size[a->type.rank - 2], *rows = b->type.size[b->type.rank - 2];
  out->b = b;
  out->open = out->open || (e->generic && own != rows && !differ(own, rows));
  if (out->open || (own == rows && spread_batch(&out->a, &out->b))) return true;
  inputs_error(e, at, name, a, given, "the right side has one row for each row of the matrix",
               "of a matrix [..., m, n] the right side is [..., m] or [..., m, k], with the same batch dims");
  return false;
}

static const Value *solution(Elaborator *e, const Equation *of, Node *x) {
  return value_tensor(e, of->row ? build_drop(x, x->type.rank - 1) : x);
}

CALL(solve) {
  UNUSED;
  Equation of = {0};
  bool lower = slot_true(&slot[2]), upper = slot_true(&slot[3]);
  of.a = slot_squares(e, at, &slot[0], &of.open);
  if (!of.a || !read_equation(e, at, &slot[1], "solve", &of)) return value_unknown();
  if (lower && upper) return slot_error(e, at, &slot[3], "one triangle: lower or upper, not both");
  if (of.open) return solution(e, &of, of.b);
  return solution(e, &of,
                  build_solve(of.a, of.b, false,
                              lower   ? SOLVE_LOWER
                              : upper ? SOLVE_UPPER
                                      : SOLVE_ANY));
}

/* Of a = Q R the x that comes closest solves R x = Q' b. */
CALL(lstsq) {
  UNUSED;
  Equation of = {.a = slot_matrices(e, at, &slot[0], "matrices [..., m, n]")};
  if (!of.a || !read_equation(e, at, &slot[1], "lstsq", &of)) return value_unknown();
  int rank = of.a->type.rank;
  const Dim *m = of.a->type.size[rank - 2], *n = of.a->type.size[rank - 1];
  bool known;
  if (dim_compare(m, n, &known) < 0 && known)
    return slot_error(e, at, &slot[0], "at least as many rows as columns");
  if (of.open) {
    Type type = of.b->type;
    type.size[type.rank - 2] = n, type.name[type.rank - 2] = NULL;
    return solution(e, &of, unknown_tensor(e, &type));
  }
  Node *y = build_qr(of.a), *q = rows_of(y, dim_of(0), m);
  return solution(e, &of,
                  build_solve(rows_of(y, m, n), build_matmul(q, of.b, true, false), false, SOLVE_UPPER));
}

// ---- decompositions -------------------------------------------------------------------------------------------

static const Value *tuple(Elaborator *e, Node *const *part, int count) {
  const Value *item[3];
  for (int i = 0; i < count; i++) item[i] = value_tensor(e, part[i]);
  return value_record(e, item, NULL, count);
}

/* Rows and columns of x, of which the lesser must be known: false after a Problem, or in the generic check. */
static bool sides_known(Elaborator *e, const Ast *at, const char *name, const Node *x) {
  int64_t size;
  int rank = x->type.rank;
  bool known = x->type.size[rank - 2] == x->type.size[rank - 1];
  if (!known) dim_compare(x->type.size[rank - 2], x->type.size[rank - 1], &known);
  return known || (axis_size(e, at, name, x, rank - 2, &size) && axis_size(e, at, name, x, rank - 1, &size));
}

static const Value *open_tuple(Elaborator *e, const Node *x, const Dim *const size[][2], const int *dims,
                               int count) {
  const Value *item[3];
  if (!e->generic) return value_unknown();
  for (int i = 0; i < count; i++) item[i] = open_tensor(e, x, size[i], dims[i]);
  return value_record(e, item, NULL, count);
}

/* Q and R of x [m, n]. With fewer rows than columns Q is that of the first m columns, and R is Q' x. */
CALL(qr) {
  UNUSED;
  Node *x = slot_matrices(e, at, &slot[0], "matrices [..., m, n]");
  if (!x) return value_unknown();
  int rank = x->type.rank;
  bool known;
  const Dim *m = x->type.size[rank - 2], *n = x->type.size[rank - 1], *k = dim_symbol(name_of("k"));
  if (!sides_known(e, at, "qr", x))
    return open_tuple(e, x, (const Dim *const[][2]){{m, k}, {k, n}}, (const int[]){2, 2}, 2);
  if (m == n || dim_compare(m, n, &known) >= 0) {
    Node *y = build_qr(x);
    return tuple(e, (Node *[]){rows_of(y, dim_of(0), m), rows_of(y, m, n)}, 2);
  }
  Node *q = rows_of(build_qr(build_slice(x, rank - 1, dim_of(0), m, 1)), dim_of(0), m);
  Node *r = build_triangle(build_matmul(q, x, true, false), TRIANGLE_UPPER);
  return tuple(e, (Node *[]){q, r}, 2);
}

CALL(eigh) {
  UNUSED;
  bool open;
  Node *x = slot_squares(e, at, &slot[0], &open);
  if (!x) return value_unknown();
  const Dim *n = x->type.size[x->type.rank - 1];
  if (open) return open_tuple(e, x, (const Dim *const[][2]){{n}, {n, n}}, (const int[]){1, 2}, 2);
  Node *y = build_eigh(x), *w = rows_of(y, dim_of(0), dim_of(1));
  return tuple(e, (Node *[]){build_drop(w, w->type.rank - 2), rows_of(y, dim_of(1), n)}, 2);
}

CALL(svd) {
  UNUSED;
  Node *x = slot_matrices(e, at, &slot[0], "matrices [..., m, n]");
  if (!x) return value_unknown();
  int rank = x->type.rank;
  const Dim *m = x->type.size[rank - 2], *n = x->type.size[rank - 1], *k = dim_symbol(name_of("k"));
  if (!sides_known(e, at, "svd", x))
    return open_tuple(e, x, (const Dim *const[][2]){{m, k}, {k}, {n, k}}, (const int[]){2, 1, 2}, 3);
  Node *y = build_svd(x), *s = rows_of(y, m, dim_of(1));
  return tuple(
      e, (Node *[]){rows_of(y, dim_of(0), m), build_drop(s, rank - 2), rows_of(y, dim_add(m, dim_of(1)), n)},
      3);
}

// ---- frequencies ----------------------------------------------------------------------------------------------

/* Pairs with the axis that is turned in front of the pair; *axis where it was. NULL after a Problem. */
static Node *slot_pairs(Elaborator *e, const Ast *at, const Argument *slot, int *axis) {
  static const char wanted[] = "pairs of real and imaginary parts, [..., n, 2]; rfft takes real numbers";
  Node *x = slot_float(e, at, slot);
  if (!x) return NULL;
  int rank = x->type.rank;
  if (rank < 2 || differ(x->type.size[rank - 1], dim_of(2)) ||
      (!e->generic && x->type.size[rank - 1] != dim_of(2))) {
    slot_error(e, at, slot, wanted);
    return NULL;
  }
  *axis = slot_axis(e, &slot[1], x, -2);
  if (*axis >= 0 && *axis < rank - 1) return build_move(x, *axis, rank - 2);
  if (*axis >= 0) slot_error(e, at, &slot[1], "an axis before the one of the pairs");
  return NULL;
}

static const Value *transform(Elaborator *e, const Ast *at, const Argument *slot, bool back) {
  int axis;
  Node *x = slot_pairs(e, at, slot, &axis);
  if (!x) return value_unknown();
  int rank = x->type.rank;
  if (x->type.size[rank - 1] != dim_of(2)) return value_tensor(e, x); // a symbol of the generic check
  return value_tensor(e, build_move(back ? build_ifft(x) : build_fft(x, false), rank - 2, axis));
}

CALL(fft) {
  UNUSED;
  return transform(e, at, slot, false);
}
CALL(ifft) {
  UNUSED;
  return transform(e, at, slot, true);
}

CALL(rfft) {
  UNUSED;
  Node *x = slot_float(e, at, &slot[0]);
  if (!x) return value_unknown();
  if (x->type.rank < 1 || x->type.rank == MAX_RANK)
    return slot_error(e, at, &slot[0], "real numbers [..., n]");
  int axis = slot_axis(e, &slot[1], x, -1), last = x->type.rank - 1;
  bool known;
  if (axis < 0) return value_unknown();
  if (dim_compare(x->type.size[axis], dim_of(1), &known) < 0 && known)
    return slot_error(e, at, &slot[0], "at least one number");
  return value_tensor(e, build_move(build_rfft(build_move(x, axis, last)), last, axis));
}

CALL(irfft) {
  UNUSED;
  int axis;
  Node *x = slot_pairs(e, at, slot, &axis);
  if (!x) return value_unknown();
  int last = x->type.rank - 2;
  const Dim *half = x->type.size[last];
  const Value *length = slot[2].value;
  if (length && length->kind != VALUE_INT)
    return slot_error(e, at, &slot[2], "how many numbers: a whole number");
  const Dim *n = length ? length->u.dim : dim_mul(dim_of(2), dim_sub(half, dim_of(1)));
  const Dim *wanted = dim_add(dim_floor_div(n, dim_of(2)), dim_of(1));
  bool open = e->generic && (wanted != half || x->type.size[last + 1] != dim_of(2));
  if ((wanted != half && !open) || differ(wanted, half) || (dim_is_number(n, NULL) && dim_number(n) < 1))
    return slot_error(e, at, &slot[length ? 2 : 0], "a length n of at least 1 with n // 2 + 1 frequencies");
  if (!open) return value_tensor(e, build_move(build_irfft(x, n), last, axis));
  const Dim *size[MAX_RANK];
  for (int i = 0; i < last; i++) size[i] = x->type.size[i];
  size[last] = n;
  Type type = type_of(x->type.dtype, last + 1, size);
  return value_tensor(e, build_move(unknown_tensor(e, &type), last, axis));
}

static const Builtin rows[] = {
    {"solve", "a b lower? upper?", solve,
     "x with a @ x = b; of a triangle alone with lower=true or upper=true"},
    {"lstsq", "a b", lstsq, "x that brings a @ x closest to b, of at least as many rows as columns"},
    {"cholesky", "x", cholesky, "lower L with L @ swap(L) = x; x symmetric and positive definite"},
    {"det", "x", det, "determinants of square matrices"},
    {"logdet", "x", logdet, "logarithms of determinants, NaN of one below 0"},
    {"inverse", "x", inverse, "inverses of square matrices; solve is faster and closer"},
    {"qr", "x", qr, "(q, r): orthogonal columns and an upper triangle with q @ r = x"},
    {"svd", "x", svd, "(u, s, v): u * s[..., None, :] @ swap(v) = x, s falling"},
    {"eigh", "x", eigh, "(w, v) of symmetric x: eigenvalues, rising, and eigenvectors as columns"},
    {"fft", "x axis?", fft, "frequencies of complex numbers [..., n, 2], as pairs"},
    {"ifft", "x axis?", ifft, "fft undone"},
    {"rfft", "x axis?", rfft, "frequencies of real numbers [..., n], as pairs [..., n // 2 + 1, 2]"},
    {"irfft", "x axis? n?", irfft, "rfft undone; n where it is odd"},
};
const BuiltinTable builtins_linear = {rows, (int)(sizeof(rows) / sizeof(*rows))};
