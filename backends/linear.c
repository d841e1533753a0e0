/* LAPACK reads matrices column by column, so it sees the transpose of each: where that matters, a copy is turned. The
 * names are those of its Fortran (Anderson et al., "LAPACK Users' Guide", 1999); integers are 32 bits wide. */
#include "backends/linear.h"

#include <math.h>
#include <string.h>

extern void dpotrf_(const char *uplo, const int *n, double *a, const int *lda, int *info);
extern void dgetrf_(const int *m, const int *n, double *a, const int *lda, int *pivot, int *info);
extern void dgetrs_(const char *trans, const int *n, const int *columns, const double *a, const int *lda,
                    const int *pivot, double *b, const int *ldb, int *info);
extern void dtrtrs_(const char *uplo, const char *trans, const char *diag, const int *n, const int *columns,
                    const double *a, const int *lda, double *b, const int *ldb, int *info);
extern void dgeqrf_(const int *m, const int *n, double *a, const int *lda, double *tau, double *work,
                    const int *lwork, int *info);
extern void dorgqr_(const int *m, const int *n, const int *k, double *a, const int *lda, const double *tau,
                    double *work, const int *lwork, int *info);
extern void dsyevd_(const char *jobz, const char *uplo, const int *n, double *a, const int *lda, double *w,
                    double *work, const int *lwork, int *iwork, const int *liwork, int *info);
extern void dgesdd_(const char *jobz, const int *m, const int *n, double *a, const int *lda, double *s,
                    double *u, const int *ldu, double *vt, const int *ldvt, double *work, const int *lwork,
                    int *iwork, int *info);

static void fill_nan(double *y, int64_t count) {
  for (int64_t i = 0; i < count; i++) y[i] = NAN;
}

/* a [m, n] turned: to[j * m + i] = a[i * n + j]. */
static void turn(const double *a, int64_t m, int64_t n, double *to) {
  for (int64_t i = 0; i < m; i++)
    for (int64_t j = 0; j < n; j++) to[j * m + i] = a[i * n + j];
}

static int larger(int a, int b) { return a > b ? a : b; }
static int smaller(int a, int b) { return a < b ? a : b; }

/* Room for so many ints, in doubles. */
static int64_t ints(int64_t count) { return (count + 1) / 2; }

/* ---- factors of square matrices ----------------------------------------------------------------------------------- */

static void linear_cholesky(const LinearShape *shape, const double *a, const double *b, double *y,
                            double *memory) {
  int n = shape->n, info;
  (void)b, (void)memory;
  for (int i = 0; i < n; i++)
    for (int j = 0; j < n; j++) y[i * (int64_t)n + j] = j <= i ? a[i * (int64_t)n + j] : 0;
  dpotrf_("U", &n, y, &n, &info); // what stands below the diagonal here stands above it there
  if (info != 0) fill_nan(y, shape->y_size);
}

static void linear_solve(const LinearShape *shape, const double *a, const double *b, double *y,
                         double *memory) {
  int n = shape->n, columns = shape->columns, leading = larger(n, 1), info = 0;
  double *right = memory, *factors = right + shape->b_size;
  int *pivot = (int *)(void *)(factors + shape->a_size);
  const char *trans = shape->flag ? "N" : "T"; // LAPACK sees the transpose of a
  turn(b, n, columns, right);
  if (shape->triangle) {
    dtrtrs_(shape->triangle == 1 ? "U" : "L", trans, "N", &n, &columns, a, &leading, right, &leading, &info);
  } else {
    memcpy(factors, a, (size_t)shape->a_size * sizeof *a);
    dgetrf_(&n, &n, factors, &leading, pivot, &info);
    if (info == 0) dgetrs_(trans, &n, &columns, factors, &leading, pivot, right, &leading, &info);
  }
  if (info != 0)
    fill_nan(y, shape->y_size);
  else
    turn(right, columns, n, y);
}

/* The product of the pivots, or the sum of their logs; of a matrix that is singular 0, and -inf. */
static void linear_det(const LinearShape *shape, const double *a, const double *b, double *y,
                       double *memory) {
  int n = shape->n, leading = larger(n, 1), info;
  double *factors = memory, product = 1, sum = 0;
  int *pivot = (int *)(void *)(factors + shape->a_size);
  bool negative = false;
  (void)b;
  memcpy(factors, a, (size_t)shape->a_size * sizeof *a);
  dgetrf_(&n, &n, factors, &leading, pivot, &info);
  for (int i = 0; i < n; i++) {
    double diagonal = factors[i * (int64_t)n + i];
    if (pivot[i] != i + 1) negative = !negative, product = -product;
    negative = diagonal < 0 ? !negative : negative;
    product *= diagonal;
    sum += log(fabs(diagonal));
  }
  *y = shape->flag ? negative ? (double)NAN : sum : product + 0.0; // no -0
}

/* ---- orthogonal factors --------------------------------------------------------------------------------------------- */

/* Q [m, n] over R [n, n]. */
static void linear_qr(const LinearShape *shape, const double *a, const double *b, double *y, double *memory) {
  int m = shape->m, n = shape->n, info, rest = (int)(shape->memory - shape->a_size - n);
  double *turned = memory, *tau = turned + shape->a_size, *work = tau + n;
  (void)b;
  turn(a, m, n, turned);
  dgeqrf_(&m, &n, turned, &m, tau, work, &rest, &info);
  double *r = y + (int64_t)m * n;
  for (int i = 0; i < n; i++)
    for (int j = 0; j < n; j++) r[i * (int64_t)n + j] = j >= i ? turned[j * (int64_t)m + i] : 0;
  dorgqr_(&m, &n, &n, turned, &m, tau, work, &rest, &info);
  turn(turned, n, m, y);
}

/* Whether the largest of `count` numbers, `step` apart, is below 0: a vector and its negative are both right, so the
 * one is taken whose largest number is not. */
static bool points_down(const double *x, int64_t count, int64_t step) {
  double best = 0;
  for (int64_t i = 0; i < count; i++)
    if (fabs(x[i * step]) > fabs(best)) best = x[i * step];
  return best < 0;
}

static void negate(double *x, int64_t count, int64_t step) {
  for (int64_t i = 0; i < count; i++) x[i * step] = -x[i * step];
}

/* Eigenvalues [n], ascending, over eigenvectors as columns [n, n]. */
static void linear_eigh(const LinearShape *shape, const double *a, const double *b, double *y,
                        double *memory) {
  int n = shape->n, info, whole = 3 + 5 * n, rest = (int)(shape->memory - shape->a_size - ints(whole));
  double *vectors = memory, *work = vectors + shape->a_size;
  int *iwork = (int *)(void *)(work + rest);
  (void)b;
  memcpy(vectors, a, (size_t)shape->a_size * sizeof *a);
  dsyevd_("V", "U", &n, vectors, &n, y, work, &rest, iwork, &whole, &info);
  if (info != 0) {
    fill_nan(y, shape->y_size);
    return;
  }
  for (int i = 0; i < n; i++)
    if (points_down(vectors + i * (int64_t)n, n, 1)) negate(vectors + i * (int64_t)n, n, 1);
  turn(vectors, n, n, y + n);
}

/* U [m, k] over S [k], descending, over V [n, k]. */
static void linear_svd(const LinearShape *shape, const double *a, const double *b, double *y,
                       double *memory) {
  int m = shape->m, n = shape->n, k = smaller(m, n), info;
  double *turned = memory, *u = turned + shape->a_size, *work = u + (int64_t)m * k;
  int rest = (int)(shape->memory - shape->a_size - (int64_t)m * k - ints(8 * (int64_t)k));
  int *iwork = (int *)(void *)(work + rest);
  double *s = y + (int64_t)m * k, *v = s + k;
  (void)b;
  turn(a, m, n, turned);
  dgesdd_("S", &m, &n, turned, &m, s, u, &m, v, &k, work, &rest, iwork, &info);
  if (info != 0) {
    fill_nan(y, shape->y_size);
    return;
  }
  for (int i = 0; i < k; i++)
    if (points_down(u + i * (int64_t)m, m, 1)) {
      negate(u + i * (int64_t)m, m, 1);
      negate(v + i, n, k);
    }
  turn(u, k, m, y);
}

/* ---- shapes -------------------------------------------------------------------------------------------------------- */

static int64_t memory_solve(const LinearShape *s) { return s->a_size + s->b_size + ints(s->n); }
static int64_t memory_det(const LinearShape *s) { return s->a_size + ints(s->n); }
static int64_t memory_none(const LinearShape *s) {
  (void)s;
  return 0;
}

static int64_t memory_qr(const LinearShape *s) {
  int m = s->m, n = s->n, query = -1, info, ld = larger(m, 1);
  double first = 0, second = 0;
  dgeqrf_(&m, &n, NULL, &ld, NULL, &first, &query, &info);
  dorgqr_(&m, &n, &n, NULL, &ld, NULL, &second, &query, &info);
  return s->a_size + n + (int64_t)fmax(fmax(first, second), n + 1);
}

static int64_t memory_eigh(const LinearShape *s) {
  int64_t n = s->n;
  return s->a_size + 1 + 6 * n + 2 * n * n + ints(3 + 5 * n);
}

static int64_t memory_svd(const LinearShape *s) {
  int m = s->m, n = s->n, k = smaller(m, n), query = -1, info = 0;
  double wanted = 0;
  dgesdd_("S", &m, &n, NULL, &(int){larger(m, 1)}, NULL, NULL, &(int){larger(m, 1)}, NULL,
          &(int){larger(k, 1)}, &wanted, &query, NULL, &info);
  return s->a_size + (int64_t)m * k + (int64_t)fmax(wanted, 1) + ints(8 * (int64_t)k);
}

static const struct {
  LinearCall *call;
  int64_t (*memory)(const LinearShape *shape);
} linear_rows[] = {{linear_cholesky, memory_none}, {linear_solve, memory_solve}, {linear_det, memory_det},
                   {linear_qr, memory_qr},         {linear_eigh, memory_eigh},   {linear_svd, memory_svd}};
_Static_assert(sizeof linear_rows / sizeof *linear_rows == OP_SVD - OP_CHOLESKY + 1, "a row for each");

LinearCall *linear_call(OpCode op) { return linear_rows[op - OP_CHOLESKY].call; }

LinearShape linear_shape(const Node *node) {
  const Type *a = &node->src[0]->type;
  LinearShape shape = {.m = (int)type_size(a, a->rank - 2),
                       .n = (int)type_size(a, a->rank - 1),
                       .matrices = 1,
                       .flag = node->attr.flag[0],
                       .triangle = node->attr.whole};
  for (int i = 0; i < a->rank - 2; i++) shape.matrices *= type_size(a, i);
  shape.a_size = (int64_t)shape.m * shape.n;
  if (node->nsrc > 1) {
    const Type *b = &node->src[1]->type;
    shape.columns = (int)type_size(b, b->rank - 1);
    shape.b_size = (int64_t)shape.n * shape.columns;
  }
  int64_t all = type_count(&node->type);
  shape.y_size = shape.matrices > 0 ? all / shape.matrices : 0;
  shape.memory = shape.y_size > 0 ? linear_rows[node->op - OP_CHOLESKY].memory(&shape) : 0;
  return shape;
}
