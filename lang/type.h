/* The type of a tensor: what its numbers are and its dimensions. */
#ifndef LANG_TYPE_H
#define LANG_TYPE_H

#include "lang/dim.h"

#include <stdbool.h>
#include <stdint.h>

#define MAX_RANK 8

typedef enum { DTYPE_BOOL, DTYPE_U8, DTYPE_I32, DTYPE_I64, DTYPE_F32, DTYPE_F64, DTYPE_COUNT } DType;

typedef struct {
  DType dtype;
  bool running; // a float computed between steps in f64 (step, progress and what is made of them
                // alone): becomes the dtype of the tensor it meets
  int rank;
  const Dim *bound; // values of an integer tensor are below it; NULL: unknown
  const Dim *size[MAX_RANK];
  Name name[MAX_RANK]; // for axis=T and messages; NULL: none
} Type;

size_t dtype_size(DType dtype);      // bytes of one number
const char *dtype_name(DType dtype); // "f32", "bool": as shown and saved
bool dtype_is_float(DType dtype);
bool dtype_is_int(DType dtype); // u8, i32, i64

Type type_scalar(DType dtype);
Type type_of(DType dtype, int rank, const Dim *const *size); // unnamed dims
bool type_same_shape(const Type *a, const Type *b);          // rank and sizes
const Dim *type_elements(const Type *type);                  // product of the sizes
bool type_is_known(const Type *type);                        // every size is a number
int64_t type_count(const Type *type);                        // elements of a known type
int64_t type_size(const Type *type, int axis);               // of a known type

/* `[B, 28, 28]`, `int<10>[B]`, `bool[B, T]`, `[]`: as a user writes it. */
void type_print(const Type *type, Text *out);
void type_print_shape(const Type *type, Text *out); // the brackets alone

#endif
