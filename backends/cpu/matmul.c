/* Matrix products: by our own packed kernels where they are faster, else by OpenBLAS with one thread a call.
 *
 * Work is cut by shape, never by the number of threads: batches first, then columns or rows of the result; a
 * tiny result of a long sum is cut along the sum, and its parts are added in order. Integers, which no library
 * multiplies, take plain loops. */
#include "backends/cpu/cpu.h"

#include <cblas.h>
#include <pthread.h>
#include <string.h>

typedef struct {
  Product product; // of one batch element
  int64_t batch;
  int64_t a_size, b_size, c_size; // numbers of one batch element
  int m_parts, n_parts, k_parts;
  int parts; // of m, n, k and batches together
  int batch_parts;
  DType dtype;
  bool own; // by the kernels of product.h
} Matmul;

/* ---- one product on one thread ----------------------------------------------------------------------------------- */

static pthread_mutex_t blas_lock = PTHREAD_MUTEX_INITIALIZER;

static void blas_enter(const Cpu *cpu) {
  if (cpu->blas_alone) pthread_mutex_lock(&blas_lock);
}
static void blas_leave(const Cpu *cpu) {
  if (cpu->blas_alone) pthread_mutex_unlock(&blas_lock);
}

#define PRODUCT(suffix, Float, gemm)                                                                         \
  static void product_##suffix(Cpu *cpu, const Product *product, const Float *a, const Float *b, Float *c) { \
    const Product *p = product;                                                                              \
    if (p->m == 0 || p->n == 0) return;                                                                      \
    if (p->k == 0) {                                                                                         \
      for (int64_t i = 0; !p->keep && i < p->m; i++) memset(c + i * p->ldc, 0, (size_t)p->n * sizeof *c);    \
      return;                                                                                                \
    }                                                                                                        \
    blas_enter(cpu);                                                                                         \
    gemm(CblasRowMajor, p->a_transposed ? CblasTrans : CblasNoTrans,                                         \
         p->b_transposed ? CblasTrans : CblasNoTrans, (int)p->m, (int)p->n, (int)p->k, 1, a, (int)p->lda, b, \
         (int)p->ldb, p->keep ? 1 : 0, c, (int)p->ldc);                                                      \
    blas_leave(cpu);                                                                                         \
  }
PRODUCT(f32, float, cblas_sgemm)
PRODUCT(f64, double, cblas_dgemm)

#define PRODUCT_WHOLE(suffix, Whole)                                                                         \
  static void product_##suffix(const Product *p, const Whole *a, const Whole *b, Whole *c) {                 \
    int64_t a_row = p->a_transposed ? 1 : p->lda, a_column = p->a_transposed ? p->lda : 1;                   \
    int64_t b_row = p->b_transposed ? 1 : p->ldb, b_column = p->b_transposed ? p->ldb : 1;                   \
    for (int64_t i = 0; i < p->m; i++) {                                                                     \
      memset(c + i * p->ldc, 0, (size_t)p->n * sizeof *c);                                                   \
      for (int64_t l = 0; l < p->k; l++) {                                                                   \
        uint64_t x = (uint64_t)a[i * a_row + l * a_column];                                                  \
        for (int64_t j = 0; j < p->n; j++)                                                                   \
          c[i * p->ldc + j] =                                                                                \
              (Whole)((uint64_t)c[i * p->ldc + j] + x * (uint64_t)b[l * b_row + j * b_column]);              \
      }                                                                                                      \
    }                                                                                                        \
  }
PRODUCT_WHOLE(u8, uint8_t)
PRODUCT_WHOLE(i32, int32_t)
PRODUCT_WHOLE(i64, int64_t)

void cpu_product(Cpu *cpu, DType dtype, const Product *product, const void *a, const void *b, void *c) {
  if (dtype == DTYPE_F32)
    product_f32(cpu, product, a, b, c);
  else if (dtype == DTYPE_F64)
    product_f64(cpu, product, a, b, c);
  else if (dtype == DTYPE_I32)
    product_i32(product, a, b, c);
  else if (dtype == DTYPE_I64)
    product_i64(product, a, b, c);
  else
    product_u8(product, a, b, c);
}

/* ---- by the own kernels ----------------------------------------------------------------------------------------- */

/* Measured on Zen 4: small and narrow products are OpenBLAS's, the others 1.05 to 1.2 times as fast by ours. */
#define OWN_ROWS    4
#define OWN_COLUMNS 16
#define OWN_TERMS   400000

bool cpu_product_is_own(const Cpu *cpu, DType dtype, int64_t m, int64_t n, int64_t k) {
  if (dtype != DTYPE_F32 || !cpu->products->pack || m < OWN_ROWS || n < OWN_COLUMNS || k < 1) return false;
  return (double)m * (double)n * (double)k >= OWN_TERMS;
}

/* b is packed in blocks that stay in the L2 cache while all rows of a meet them. */
#define PACK_TERMS   384
#define PACK_COLUMNS 256

static void product_own(const ProductTable *table, const Product *p, const float *a, const float *b, float *c,
                        float *packed) {
  int64_t row = p->b_transposed ? 1 : p->ldb, column = p->b_transposed ? p->ldb : 1;
  PackedProduct own = {.packed = packed, .c_row = p->ldc, .m = p->m};
  own.a_row = p->a_transposed ? 1 : p->lda, own.a_column = p->a_transposed ? p->lda : 1;
  for (int64_t j = 0; j < p->n; j += PACK_COLUMNS)
    for (int64_t l = 0; l < p->k; l += PACK_TERMS) {
      own.n = p->n - j < PACK_COLUMNS ? p->n - j : PACK_COLUMNS;
      own.k = p->k - l < PACK_TERMS ? p->k - l : PACK_TERMS;
      own.keep = p->keep || l > 0;
      own.a = a + l * own.a_column;
      own.c = c + j;
      table->pack(packed, b + l * row + j * column, row, column, own.k, own.n);
      table->run(&own);
    }
}

/* ---- cutting ------------------------------------------------------------------------------------------------------- */

#define NANOSECONDS_A_TERM 0.02 // multiply and add, one core
#define PIECE_LEAST        32   // rows or columns of a part
#define TINY_RESULT        8192 // numbers: below, a long sum is cut
#define TERMS_A_PART       2048
#define PARTS_OF_ONE       8 // a single product is cut into so many at most

static void matmul_cut(Matmul *matmul) {
  const Product *p = &matmul->product;
  double cost = (double)p->m * (double)p->n * (double)p->k * NANOSECONDS_A_TERM;
  matmul->m_parts = matmul->n_parts = matmul->k_parts = 1;
  matmul->batch_parts = cpu_parts(cost * (double)matmul->batch, matmul->batch);
  int wanted = cpu_parts(cost, PARTS_OF_ONE);
  if (matmul->batch_parts >= PARTS_OF_ONE) wanted = 1;
  if (wanted > 1) {
    bool tall = p->m > p->n && p->n < wanted * PIECE_LEAST;
    int64_t side = tall ? p->m : p->n, pieces = side / PIECE_LEAST;
    if (pieces < 2 && p->m * p->n <= TINY_RESULT && p->k >= 2 * TERMS_A_PART &&
        dtype_is_float(matmul->dtype)) {
      int64_t sums = p->k / TERMS_A_PART;
      matmul->k_parts = (int)(sums < wanted ? sums : wanted);
    } else if (pieces >= 2) {
      *(tall ? &matmul->m_parts : &matmul->n_parts) = (int)(pieces < wanted ? pieces : wanted);
    }
  }
  matmul->parts = matmul->batch_parts * matmul->m_parts * matmul->n_parts * matmul->k_parts;
}

/* Borders at whole vectors. */
static int64_t piece_start(int64_t side, int parts, int part) {
  if (part == parts) return side;
  return cpu_part_start((side + PIECE_LEAST - 1) / PIECE_LEAST, parts, part) * PIECE_LEAST;
}

void *cpu_prepare_matmul(Cpu *cpu, Arena *arena, const Step *step) {
  Matmul *matmul = ARENA_NEW(arena, Matmul);
  const Type *out = &step->place[0].type;
  Product *p = &matmul->product;
  p->m = type_size(out, out->rank - 2);
  p->n = type_size(out, out->rank - 1);
  matmul->dtype = out->dtype;
  matmul->batch = 1;
  for (int i = 0; i + 2 < out->rank; i++) matmul->batch *= type_size(out, i);
  int64_t rows = matmul->batch * p->m;
  const Type *a = &step->node->src[0]->type;
  p->k = type_size(a, step->node->attr.flag[0] ? a->rank - 2 : a->rank - 1);
  p->a_transposed = step->node->attr.flag[0] != step->transposed[0];
  p->b_transposed = step->node->attr.flag[1] != step->transposed[1];
  p->lda = p->a_transposed ? p->m : p->k;
  p->ldb = p->b_transposed ? p->k : p->n;
  p->ldc = p->n;
  matmul->a_size = p->m * p->k, matmul->b_size = p->k * p->n, matmul->c_size = p->m * p->n;
  matmul_cut(matmul);
  matmul->own = cpu_product_is_own(cpu, matmul->dtype, p->m, p->n, p->k);
  if (matmul->own) cpu_need(cpu, PACK_TERMS * PACK_COLUMNS * sizeof(float), 0);
  if (matmul->k_parts > 1)
    cpu_need(cpu, 0, (size_t)(rows * p->n * matmul->k_parts) * dtype_size(matmul->dtype));
  return matmul;
}

static void matmul_part(void *context, int part, int worker) {
  const CpuCall *call = context;
  const Matmul *matmul = call->prepared;
  Product p = matmul->product;
  int64_t size = (int64_t)dtype_size(matmul->dtype);
  int inner = matmul->m_parts * matmul->n_parts * matmul->k_parts, batch_part = part / inner;
  int m_part = part % inner / (matmul->n_parts * matmul->k_parts);
  int n_part = part % inner / matmul->k_parts % matmul->n_parts, k_part = part % matmul->k_parts;
  int64_t m0 = piece_start(p.m, matmul->m_parts, m_part), n0 = piece_start(p.n, matmul->n_parts, n_part);
  int64_t k0 = piece_start(p.k, matmul->k_parts, k_part);
  p.m = piece_start(matmul->product.m, matmul->m_parts, m_part + 1) - m0;
  p.n = piece_start(matmul->product.n, matmul->n_parts, n_part + 1) - n0;
  p.k = piece_start(matmul->product.k, matmul->k_parts, k_part + 1) - k0;
  const char *a = call->at[1] + (p.a_transposed ? m0 + k0 * p.lda : m0 * p.lda + k0) * size;
  const char *b = call->at[2] + (p.b_transposed ? n0 * p.ldb + k0 : n0 + k0 * p.ldb) * size;
  char *c = call->at[0];
  if (matmul->k_parts > 1) c = call->cpu->shared_memory + matmul->batch * matmul->c_size * k_part * size;
  c += (m0 * p.ldc + n0) * size;
  int64_t last = cpu_part_start(matmul->batch, matmul->batch_parts, batch_part + 1);
  for (int64_t i = cpu_part_start(matmul->batch, matmul->batch_parts, batch_part); i < last; i++) {
    const char *left = a + i * matmul->a_size * size, *right = b + i * matmul->b_size * size;
    char *to = c + i * matmul->c_size * size;
    if (matmul->own) {
      product_own(call->cpu->products, &p, (const float *)(const void *)left,
                  (const float *)(const void *)right, (float *)(void *)to,
                  (float *)(void *)cpu_worker_memory(call, worker));
    } else {
      cpu_product(call->cpu, matmul->dtype, &p, left, right, to);
    }
  }
}

void cpu_run_matmul(const CpuCall *call) {
  const Matmul *matmul = call->prepared;
  CpuCall copy = *call;
  pool_run(call->cpu->pool, matmul_part, &copy, matmul->parts);
  if (matmul->k_parts == 1) return;
  int64_t count = matmul->batch * matmul->c_size;
  call->cpu->strips->combine[0][matmul->dtype](call->at[0], call->cpu->shared_memory, matmul->k_parts, count,
                                               count);
}
