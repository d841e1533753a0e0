/* The rows of ops.def whose meaning is an expression: MAP and REDUCE, expanded once for doubles and once for
 * whole numbers. Whole numbers are computed in 128 bits, where nothing overflows, and wrapped to the dtype of
 * the node. */
#include "backends/reference.h"
#include "lang/scalar.h"

#include <assert.h>
#include <math.h>

/* REAL_x(text) is text if a row that takes x exists for floats, else nothing; WHOLE_x for whole numbers. */
#define REAL_F(...) __VA_ARGS__
#define REAL_N(...) __VA_ARGS__
#define REAL_A(...) __VA_ARGS__
#define REAL_B(...)
#define WHOLE_F(...)
#define WHOLE_N(...) __VA_ARGS__
#define WHOLE_A(...) __VA_ARGS__
#define WHOLE_B(...) __VA_ARGS__

typedef __int128 Wide;

/* What a value column gives, as a Number, where its inputs are of type T. */
#define GIVES_S(T, value) number_of_##T(value)
#define GIVES_B(T, value) ((Number){.whole = (value)})

static Number number_of_double(double real) { return (Number){.real = real}; }
static Number number_of_Wide(Wide whole) { return (Number){.whole = (int64_t)(uint64_t)whole}; }

typedef Number MapOne(const Number *in); // the inputs, in the order of the op's

/* ---- floats ------------------------------------------------------------------------------------------ */

#define M(f)      f##_f64
#define R(number) ((double)(number))

#define MAP1(name, doc, takes, gives, guard, value, ...)                                                     \
  REAL_##takes(static Number real_##name(const Number *in) {                                                 \
    const double x = in[0].real;                                                                             \
    return GIVES_##gives(double, value);                                                                     \
  })
#define MAP2(name, doc, takes, gives, guard, value, ...)                                                     \
  REAL_##takes(static Number real_##name(const Number *in) {                                                 \
    const double a = in[0].real, b = in[1].real;                                                             \
    return GIVES_##gives(double, value);                                                                     \
  })
#define MAP3(name, doc, takes, gives, guard, value, ...)                                                     \
  REAL_##takes(static Number real_##name(const Number *in) {                                                 \
    const int64_t c = in[0].whole;                                                                           \
    const double a = in[1].real, b = in[2].real;                                                             \
    return GIVES_##gives(double, value);                                                                     \
  })
#define REDUCE(name, doc, takes, start, value, ...)                                                          \
  REAL_##takes(                                                                                              \
      static Number real_start_##name(DType dtype) {                                                         \
        (void)dtype;                                                                                         \
        return (Number){.real = start};                                                                      \
      } static Number real_##name(const Number *in) {                                                        \
        const double acc = in[0].real, a = in[1].real;                                                       \
        return (Number){.real = value};                                                                      \
      })
#define LOWEST  (-(double)INFINITY)
#define HIGHEST ((double)INFINITY)
#include "lang/ops.def"
#undef MAP1
#undef MAP2
#undef MAP3
#undef REDUCE
#undef LOWEST
#undef HIGHEST
#undef M
#undef R

/* ---- integers and bools ------------------------------------------------------------------------------ */

static int64_t whole_lowest(DType dtype) {
  return dtype == DTYPE_I64 ? INT64_MIN : dtype == DTYPE_I32 ? INT32_MIN : 0;
}
static int64_t whole_highest(DType dtype) {
  return dtype == DTYPE_I64 ? INT64_MAX : dtype == DTYPE_I32 ? INT32_MAX : dtype == DTYPE_U8 ? UINT8_MAX : 1;
}

static int64_t abs_wide(Wide x) { return abs_i64((int64_t)x); }
static int64_t sign_wide(Wide x) { return sign_i64((int64_t)x); }
static int64_t floor_div_wide(Wide a, Wide b) { return floor_div_i64((int64_t)a, (int64_t)b); }
static int64_t mod_wide(Wide a, Wide b) { return mod_i64((int64_t)a, (int64_t)b); }

#define M(f) f##_wide

#define MAP1(name, doc, takes, gives, guard, value, ...)                                                     \
  WHOLE_##takes(static Number whole_##name(const Number *in) {                                               \
    const Wide x = in[0].whole;                                                                              \
    return GIVES_##gives(Wide, value);                                                                       \
  })
#define MAP2(name, doc, takes, gives, guard, value, ...)                                                     \
  WHOLE_##takes(static Number whole_##name(const Number *in) {                                               \
    const Wide a = in[0].whole, b = in[1].whole;                                                             \
    return GIVES_##gives(Wide, value);                                                                       \
  })
#define MAP3(name, doc, takes, gives, guard, value, ...)                                                     \
  WHOLE_##takes(static Number whole_##name(const Number *in) {                                               \
    const int64_t c = in[0].whole;                                                                           \
    const Wide a = in[1].whole, b = in[2].whole;                                                             \
    return GIVES_##gives(Wide, value);                                                                       \
  })
#define REDUCE(name, doc, takes, start, value, ...)                                                          \
  WHOLE_##takes(                                                                                             \
      static Number whole_start_##name(DType dtype) {                                                        \
        (void)dtype;                                                                                         \
        return (Number){.whole = start};                                                                     \
      } static Number whole_##name(const Number *in) {                                                       \
        const Wide acc = in[0].whole, a = in[1].whole;                                                       \
        return number_of_Wide(value);                                                                        \
      })
#define LOWEST  whole_lowest(dtype)
#define HIGHEST whole_highest(dtype)
#include "lang/ops.def"
#undef MAP1
#undef MAP2
#undef MAP3
#undef REDUCE
#undef LOWEST
#undef HIGHEST

/* ---- the tables -------------------------------------------------------------------------------------- */

static const struct {
  MapOne *real, *whole; // NULL: the row does not take such numbers
} map_of[OP_COUNT] = {
#define ROW(name, takes)                                                                                     \
  [OP_AT_##name] = {REAL_##takes(.real = real_##name, ) WHOLE_##takes(.whole = whole_##name)},
#define MAP1(name, doc, takes, ...)   ROW(name, takes)
#define MAP2(name, doc, takes, ...)   ROW(name, takes)
#define MAP3(name, doc, takes, ...)   ROW(name, takes)
#define REDUCE(name, doc, takes, ...) ROW(name, takes) // of what there is so far, and the next number
#include "lang/ops.def"
#undef MAP1
#undef MAP2
#undef MAP3
#undef REDUCE
#undef ROW
};

typedef Number ReduceStart(DType dtype);
static const struct {
  ReduceStart *real, *whole;
} start_of[OP_COUNT] = {
#define REDUCE(name, doc, takes, ...)                                                                        \
  [OP_AT_##name] = {REAL_##takes(.real = real_start_##name, ) WHOLE_##takes(.whole = whole_start_##name)},
#include "lang/ops.def"
#undef REDUCE
};

/* ---- evaluation -------------------------------------------------------------------------------------- */

void reference_map(const Evaluation *e) {
  const Node *node = e->node;
  DType takes = node->src[node->nsrc - 1]->type.dtype; // where: of the branches, the bool stands first
  MapOne *one = dtype_is_float(takes) ? map_of[node->op].real : map_of[node->op].whole;
  assert(one && "reference: an op does not take this dtype");
  int64_t count = type_count(&node->type);
  for (int64_t i = 0; i < count; i++) {
    Number in[3];
    for (int k = 0; k < node->nsrc; k++) in[k] = e->src[k][i];
    e->y[i] = one(in);
    if (!dtype_is_float(node->type.dtype)) e->y[i].whole = reference_wrap(e->y[i].whole, node->type.dtype);
  }
}

void reference_reduce(const Evaluation *e) {
  const Node *node = e->node;
  const Type *from = &node->src[0]->type;
  DType dtype = node->type.dtype;
  bool real = dtype_is_float(dtype);
  MapOne *combine = real ? map_of[node->op].real : map_of[node->op].whole;
  Number start = (real ? start_of[node->op].real : start_of[node->op].whole)(dtype);
  for (int64_t i = 0; i < type_count(&node->type); i++) e->y[i] = start;
  Position at = {{0}};
  int64_t count = type_count(from);
  for (int64_t i = 0; i < count; i++, reference_next(&at, from)) {
    Position to = at;
    for (int k = 0; k < node->attr.axes; k++) to.at[node->attr.axis[k]] = 0;
    Number *y = &e->y[reference_offset(&to, &node->type)];
    *y = combine((Number[]){*y, e->src[0][i]});
    if (!real) y->whole = reference_wrap(y->whole, dtype);
  }
}

void reference_cast(const Evaluation *e) {
  DType from = e->node->src[0]->type.dtype, to = e->node->type.dtype;
  for (int64_t i = 0; i < type_count(&e->node->type); i++)
    e->y[i] = reference_convert(e->src[0][i], from, to);
}
