/* Types of tensors: sizes, questions, and how they are shown. */
#include "lang/type.h"

#include "base/size.h"

#include <assert.h>

static const struct {
  const char *name, *shown; // shown: before the brackets, in a program
  size_t size;
  bool is_float, is_int;
} dtype_table[DTYPE_COUNT] = {
    [DTYPE_BOOL] = {"bool", "bool", 1, false, false}, [DTYPE_U8] = {"u8", "u8", 1, false, true},
    [DTYPE_I32] = {"i32", "int", 4, false, true},     [DTYPE_I64] = {"i64", "int", 8, false, true},
    [DTYPE_F32] = {"f32", "", 4, true, false},        [DTYPE_F64] = {"f64", "f64", 8, true, false},
};

size_t dtype_size(DType dtype) { return dtype_table[dtype].size; }
const char *dtype_name(DType dtype) { return dtype_table[dtype].name; }
bool dtype_is_float(DType dtype) { return dtype_table[dtype].is_float; }
bool dtype_is_int(DType dtype) { return dtype_table[dtype].is_int; }

Type type_scalar(DType dtype) { return (Type){.dtype = dtype}; }

Type type_of(DType dtype, int rank, const Dim *const *size) {
  assert(rank >= 0 && rank <= MAX_RANK);
  Type type = {.dtype = dtype, .rank = rank};
  for (int i = 0; i < rank; i++) type.size[i] = size[i];
  return type;
}

bool type_same_shape(const Type *a, const Type *b) {
  bool same = a->rank == b->rank;
  for (int i = 0; same && i < a->rank; i++) same = a->size[i] == b->size[i];
  return same;
}

const Dim *type_elements(const Type *type) {
  const Dim *product = dim_of(1);
  for (int i = 0; i < type->rank; i++) product = dim_mul(product, type->size[i]);
  return product;
}

bool type_is_known(const Type *type) {
  for (int i = 0; i < type->rank; i++)
    if (!dim_is_number(type->size[i], NULL)) return false;
  return true;
}

int64_t type_count(const Type *type) {
  int64_t count = 1;
  for (int i = 0; i < type->rank; i++) {
    bool fits = int_mul(count, dim_number(type->size[i]), &count);
    assert(fits && "type_count: past 2^63");
    (void)fits;
  }
  return count;
}

int64_t type_size(const Type *type, int axis) {
  assert(axis >= 0 && axis < type->rank);
  return dim_number(type->size[axis]);
}

void type_print_shape(const Type *type, Text *out) {
  text_add(out, "[");
  for (int i = 0; i < type->rank; i++) {
    if (i > 0) text_add(out, ", ");
    dim_print(type->size[i], out);
  }
  text_add(out, "]");
}

void type_print(const Type *type, Text *out) {
  bool classes = dtype_is_int(type->dtype) && type->bound; // how narrow they are stored is not shown
  if (!type->running) text_add(out, classes ? "int" : dtype_table[type->dtype].shown);
  if (classes) {
    text_add(out, "<");
    dim_print(type->bound, out);
    text_add(out, ">");
  }
  type_print_shape(type, out);
}
