/* Own f32 products for the levels with fused multiply-add: c [m, n] = a [m, k] @ b [k, n].
 *
 * b is packed once into panels of whole vectors, which several products may share. a is read where it lies, by the
 * distance between its rows and between its columns: it may be transposed, and its rows may overlap, as those of
 * the patches of a convolution do. */
#ifndef BACKENDS_CPU_PRODUCT_H
#define BACKENDS_CPU_PRODUCT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
  const float *a;
  int64_t a_row, a_column; // distances in numbers; one of them is 1
  const float *packed;     // by ProductPack, of this k and n
  float *c;
  int64_t c_row;
  int64_t m, n, k;
  bool keep; // add to c
} PackedProduct;

typedef void ProductPack(float *packed, const float *b, int64_t row, int64_t column, int64_t k, int64_t n);
typedef void ProductRun(const PackedProduct *product);

typedef struct {
  ProductPack *pack; // NULL: this level has none
  ProductRun *run;
  int width; // columns of a panel: packed memory holds k times n rounded up to it
} ProductTable;

extern const ProductTable products_v0;
extern const ProductTable products_v2 __attribute__((weak));
extern const ProductTable products_v3 __attribute__((weak));
extern const ProductTable products_v4 __attribute__((weak));

static inline size_t product_packed_bytes(const ProductTable *table, int64_t k, int64_t n) {
  return (size_t)((n + table->width - 1) / table->width * table->width * k) * sizeof(float);
}

#endif
