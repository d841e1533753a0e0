/* The kernels of product.h, compiled once a level as level_strips.c is.
 *
 * A block of up to ROWS x 2 vectors of c is held in registers while k runs: each step loads two vectors of the
 * panel and multiplies them by one number of each row of a. Rows are shared evenly among blocks, so no block is
 * much smaller than the others. The sum over k is taken in chunks of CHUNK, which are added to c in order. */
#include "backends/cpu/product.h"

#include <string.h>

#if STRIP_LEVEL == 4 || STRIP_LEVEL == 3
#include <immintrin.h>

#if STRIP_LEVEL == 4
#define TABLE  products_v4
#define LENGTH 16
#define ROWS   12
typedef __m512 Vector;
#define VECTOR_LOAD(from)   _mm512_loadu_ps(from)
#define VECTOR_STORE(to, x) _mm512_storeu_ps(to, x)
#define VECTOR_ALL(x)       _mm512_set1_ps(x)
#define VECTOR_FMA(a, b, c) _mm512_fmadd_ps(a, b, c)
#define VECTOR_ADD(a, b)    _mm512_add_ps(a, b)
#define VECTOR_ZERO()       _mm512_setzero_ps()
#else
#define TABLE               products_v3
#define LENGTH              8
#define ROWS                6
typedef __m256 Vector;
#define VECTOR_LOAD(from)   _mm256_loadu_ps(from)
#define VECTOR_STORE(to, x) _mm256_storeu_ps(to, x)
#define VECTOR_ALL(x)       _mm256_set1_ps(x)
#define VECTOR_FMA(a, b, c) _mm256_fmadd_ps(a, b, c)
#define VECTOR_ADD(a, b)    _mm256_add_ps(a, b)
#define VECTOR_ZERO()       _mm256_setzero_ps()
#endif
#define WIDTH   (2 * LENGTH)
#define CHUNK   384
#define INLINED inline __attribute__((always_inline))

/* One block: `rows` rows and `vectors` vectors of c. `columns` of them exist. */
typedef struct {
  const float *a;
  int64_t a_row, a_column;
  const float *panel;
  float *c;
  int64_t c_row, columns, k;
  bool keep;
} Block;

static INLINED void block_run(const Block *block, const int rows, const int vectors, const bool transposed) {
  Vector sum[ROWS][2];
#pragma GCC unroll 12
  for (int i = 0; i < rows; i++)
#pragma GCC unroll 2
    for (int v = 0; v < vectors; v++) sum[i][v] = VECTOR_ZERO();
  const int64_t apart = transposed ? 1 : block->a_row, next = transposed ? block->a_column : 1;
  /* Rows in threes from a pointer each: an address is a base and once or twice a register. */
  const float *a[(ROWS + 2) / 3];
#pragma GCC unroll 4
  for (int i = 0; i < (rows + 2) / 3; i++) a[i] = block->a + 3 * i * apart;
  const float *panel = block->panel;
  for (int64_t k = block->k; k > 0; k--) {
    Vector b[2];
#pragma GCC unroll 2
    for (int v = 0; v < vectors; v++) b[v] = VECTOR_LOAD(panel + v * LENGTH);
    panel += WIDTH;
#pragma GCC unroll 12
    for (int i = 0; i < rows; i++) {
      Vector x = VECTOR_ALL(a[i / 3][i % 3 * apart]);
#pragma GCC unroll 2
      for (int v = 0; v < vectors; v++) sum[i][v] = VECTOR_FMA(x, b[v], sum[i][v]);
    }
#pragma GCC unroll 4
    for (int i = 0; i < (rows + 2) / 3; i++) a[i] += next;
  }
  if (block->columns == vectors * LENGTH) {
#pragma GCC unroll 12
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 2
      for (int v = 0; v < vectors; v++) {
        float *c = block->c + i * block->c_row + v * LENGTH;
        VECTOR_STORE(c, block->keep ? VECTOR_ADD(VECTOR_LOAD(c), sum[i][v]) : sum[i][v]);
      }
    return;
  }
  float row[WIDTH] = {0};
#pragma GCC unroll 12
  for (int i = 0; i < rows; i++) {
#pragma GCC unroll 2
    for (int v = 0; v < vectors; v++) VECTOR_STORE(row + v * LENGTH, sum[i][v]);
    float *c = block->c + i * block->c_row;
    for (int64_t j = 0; j < block->columns; j++) c[j] = block->keep ? c[j] + row[j] : row[j];
  }
}

typedef void BlockRun(const Block *block);

#define EACH_ROWS(row) row(1) row(2) row(3) row(4) row(5) row(6) MORE_ROWS(row)
#if STRIP_LEVEL == 4
#define MORE_ROWS(row) row(7) row(8) row(9) row(10) row(11) row(12)
#else
#define MORE_ROWS(row)
#endif

#define BLOCKS(rows)                                                                                         \
  static void block_##rows##_1(const Block *block) { block_run(block, rows, 1, false); }                     \
  static void block_##rows##_2(const Block *block) { block_run(block, rows, 2, false); }                     \
  static void block_##rows##_1_transposed(const Block *block) { block_run(block, rows, 1, true); }           \
  static void block_##rows##_2_transposed(const Block *block) { block_run(block, rows, 2, true); }
EACH_ROWS(BLOCKS)

#define BLOCK_ROW(rows)                                                                                      \
  [rows] = {{block_##rows##_1, block_##rows##_2}, {block_##rows##_1_transposed, block_##rows##_2_transposed}},
static BlockRun *const block_of[ROWS + 1][2][2] = {EACH_ROWS(BLOCK_ROW)};

static void product_run(const PackedProduct *p) {
  int64_t blocks = (p->m + ROWS - 1) / ROWS;
  bool transposed = p->a_row == 1 && p->a_column != 1;
  for (int64_t k = 0; k < p->k; k += CHUNK) {
    int64_t count = p->k - k < CHUNK ? p->k - k : CHUNK;
    for (int64_t column = 0; column < p->n; column += WIDTH) {
      Block block = {.a_row = p->a_row,
                     .a_column = p->a_column,
                     .c_row = p->c_row,
                     .k = count,
                     .keep = p->keep || k > 0};
      block.panel = p->packed + column * p->k + k * WIDTH;
      block.columns = p->n - column < WIDTH ? p->n - column : WIDTH;
      for (int64_t i = 0; i < blocks; i++) {
        int64_t first = p->m * i / blocks, rows = p->m * (i + 1) / blocks - first;
        block.a = p->a + first * p->a_row + k * p->a_column;
        block.c = p->c + first * p->c_row + column;
        block_of[rows][transposed][block.columns > LENGTH](&block);
      }
    }
  }
}

/* Eight rows of eight numbers to columns. */
static INLINED void square_turn(float *to, int64_t to_row, const float *from, int64_t from_row) {
  __m256 x[8], y[8];
  for (int i = 0; i < 8; i++) x[i] = _mm256_loadu_ps(from + i * from_row);
  for (int i = 0; i < 8; i += 2) {
    y[i] = _mm256_unpacklo_ps(x[i], x[i + 1]);
    y[i + 1] = _mm256_unpackhi_ps(x[i], x[i + 1]);
  }
  for (int i = 0; i < 8; i += 4)
    for (int k = 0; k < 2; k++) {
      x[i + 2 * k] = _mm256_shuffle_ps(y[i + k], y[i + 2 + k], 0x44);
      x[i + 2 * k + 1] = _mm256_shuffle_ps(y[i + k], y[i + 2 + k], 0xee);
    }
  for (int i = 0; i < 4; i++) {
    _mm256_storeu_ps(to + i * to_row, _mm256_permute2f128_ps(x[i], x[i + 4], 0x20));
    _mm256_storeu_ps(to + (i + 4) * to_row, _mm256_permute2f128_ps(x[i], x[i + 4], 0x31));
  }
}

/* Columns past n are zeros. */
static void product_pack(float *packed, const float *b, int64_t row, int64_t column, int64_t k, int64_t n) {
  for (int64_t first = 0; first < n; first += WIDTH, packed += k * WIDTH) {
    int64_t columns = n - first < WIDTH ? n - first : WIDTH, i = 0;
    const float *from = b + first * column;
    if (columns == WIDTH && column == 1) {
      for (; i < k; i++) {
        VECTOR_STORE(packed + i * WIDTH, VECTOR_LOAD(from + i * row));
        VECTOR_STORE(packed + i * WIDTH + LENGTH, VECTOR_LOAD(from + i * row + LENGTH));
      }
    } else if (columns == WIDTH && row == 1) {
      for (; i + 8 <= k; i += 8)
        for (int j = 0; j < WIDTH; j += 8)
          square_turn(packed + i * WIDTH + j, WIDTH, from + i + j * column, column);
    }
    for (; i < k; i++) {
      for (int64_t j = 0; j < columns; j++) packed[i * WIDTH + j] = from[i * row + j * column];
      for (int64_t j = columns; j < WIDTH; j++) packed[i * WIDTH + j] = 0;
    }
  }
}

const ProductTable TABLE = {product_pack, product_run, WIDTH};

#elif STRIP_LEVEL == 2
const ProductTable products_v2 = {NULL, NULL, 1};
#else
const ProductTable products_v0 = {NULL, NULL, 1};
#endif
