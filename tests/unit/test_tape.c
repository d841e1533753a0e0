/* The tape against an obvious interpreter of loops in double: named programs at many shapes, then random ones.
 * Every program also runs with 1 to 8 threads, which must give the same bits. */
#include "backends/backend.h"
#include "base/philox.h"
#include "base/random.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PLACES 16
#define MOST   (1 << 21) // numbers of a place, at most

typedef struct {
  Loop loop;
  Access access[LOOP_ACCESS];
  Inst code[LOOP_CODE];
  Place place[PLACES];
  Variable variable[PLACES];
  const Dim *size[PLACES];
  int places;
  int64_t count[PLACES];
  void *start[PLACES];    // what each place holds before a run
  double *wanted[PLACES]; // and after it, in double; NULL: not written
  RunArgs args;
} Case;

static Case *case_new(int rank, const int64_t *extent, const DimRole *role, int64_t row) {
  Case *c = calloc(1, sizeof *c);
  c->loop = (Loop){.rank = rank, .row = row, .access = c->access, .code = c->code};
  for (int d = 0; d < rank; d++)
    c->loop.extent[d] = extent[d], c->loop.role[d] = role ? role[d] : DIM_PARALLEL;
  c->args = (RunArgs){.seed = 42, .step = 3, .batch = 5, .part = 1};
  return c;
}

static void case_free(Case *c) {
  for (int i = 0; i < c->places; i++) free(c->start[i]), free(c->wanted[i]), free(c->variable[i].data);
  free(c);
}

static uint32_t state = 7;
static uint32_t dice(uint32_t sides) {
  state = state * 1664525u + 1013904223u;
  return (state >> 8) % sides;
}
static float number(void) { return (float)dice(1 << 20) * 0x1p-18f - 2.0f; }

static int place_new(Case *c, DType dtype, int64_t count) {
  int i = c->places++;
  c->count[i] = count;
  c->size[i] = dim_of(count);
  c->variable[i] = (Variable){.path = "test", .type = type_of(dtype, 1, &c->size[i])};
  c->place[i] = (Place){.kind = PLACE_VARIABLE, .variable = &c->variable[i], .type = c->variable[i].type};
  c->start[i] = calloc((size_t)count + 1, 8);
  c->variable[i].data = calloc((size_t)count + 1, 8);
  for (int64_t k = 0; k < count; k++) {
    if (dtype == DTYPE_F32)
      ((float *)c->start[i])[k] = number();
    else if (dtype == DTYPE_F64)
      ((double *)c->start[i])[k] = (double)number();
    else if (dtype == DTYPE_I32)
      ((int32_t *)c->start[i])[k] = (int32_t)dice(10);
    else
      ((uint8_t *)c->start[i])[k] = (uint8_t)dice(2);
  }
  return i;
}

/* Steps of a tensor that has the extents of `varies` (bit d: outer dim d, bit `rank`: the row), others broadcast. */
static int access_new(Case *c, int place, DType dtype, unsigned varies) {
  Loop *loop = &c->loop;
  Access *access = &c->access[loop->accesses];
  *access = (Access){.place = place, .dtype = dtype};
  int64_t step = 1;
  if (varies >> loop->rank & 1) access->stride = 1, step = loop->row;
  for (int d = loop->rank - 1; d >= 0; d--)
    if (varies >> d & 1) access->step[d] = step, step *= loop->extent[d];
  return loop->accesses++;
}

static int64_t numbers_of(const Case *c, unsigned varies) {
  int64_t count = varies >> c->loop.rank & 1 ? c->loop.row : 1;
  for (int d = 0; d < c->loop.rank; d++)
    if (varies >> d & 1) count *= c->loop.extent[d];
  return count;
}

static int inst_new(Case *c, Inst inst) {
  c->code[c->loop.count] = inst;
  return c->loop.count++;
}

static unsigned all(const Case *c) { return (2u << c->loop.rank) - 1; }
static unsigned outer(const Case *c) { return (1u << c->loop.rank) - 1; }
static unsigned row_only(const Case *c) { return 1u << c->loop.rank; }

static int load_place(Case *c, int place, unsigned varies) {
  DType dtype = c->place[place].type.dtype;
  bool scalar = !(varies >> c->loop.rank & 1);
  int access = access_new(c, place, dtype, varies);
  return inst_new(
      c,
      (Inst){
          .kind = LOOP_LOAD, .dtype = dtype, .scalar = scalar, .a = -1, .b = -1, .c = -1, .access = access});
}
static int load(Case *c, DType dtype, unsigned varies) {
  return load_place(c, place_new(c, dtype, numbers_of(c, varies)), varies);
}
static int map3(Case *c, OpCode op, int x, int y, int z) {
  const int src[3] = {x, y, z};
  bool scalar = true;
  for (int k = 0; k < 3; k++) scalar = scalar && (src[k] < 0 || c->code[src[k]].scalar);
  DType dtype = op >= OP_EQ && op <= OP_OR ? DTYPE_BOOL : c->code[op == OP_WHERE ? y : x].dtype;
  return inst_new(c, (Inst){.kind = LOOP_MAP,
                            .op = op,
                            .dtype = dtype,
                            .scalar = scalar,
                            .a = (int16_t)x,
                            .b = (int16_t)y,
                            .c = (int16_t)z,
                            .access = -1});
}
static int map1(Case *c, OpCode op, int x) { return map3(c, op, x, -1, -1); }
static int map2(Case *c, OpCode op, int x, int y) { return map3(c, op, x, y, -1); }
static int constant(Case *c, double value) {
  return inst_new(c, (Inst){.kind = LOOP_CONSTANT,
                            .dtype = DTYPE_F32,
                            .scalar = true,
                            .a = -1,
                            .b = -1,
                            .c = -1,
                            .access = -1,
                            .number = value});
}
static int reduce(Case *c, OpCode op, int x) {
  return inst_new(c, (Inst){.kind = LOOP_REDUCE,
                            .op = op,
                            .dtype = c->code[x].dtype,
                            .scalar = true,
                            .a = (int16_t)x,
                            .b = -1,
                            .c = -1,
                            .access = -1});
}
static void store_place(Case *c, int x, int place, unsigned varies) {
  DType dtype = c->place[place].type.dtype;
  int access = access_new(c, place, dtype, varies);
  inst_new(c,
           (Inst){.kind = LOOP_STORE, .dtype = dtype, .a = (int16_t)x, .b = -1, .c = -1, .access = access});
}
static int store(Case *c, int x) {
  unsigned varies = c->code[x].scalar ? outer(c) : all(c);
  int place = place_new(c, c->code[x].dtype, numbers_of(c, varies));
  store_place(c, x, place, varies);
  return place;
}
static void accumulate(Case *c, OpCode op, int x) {
  unsigned varies = c->code[x].scalar ? outer(c) : all(c);
  for (int d = 0; d < c->loop.rank; d++)
    if (c->loop.role[d] == DIM_REDUCED) varies &= ~(1u << d);
  DType dtype = c->code[x].dtype;
  int access = access_new(c, place_new(c, dtype, numbers_of(c, varies)), dtype, varies);
  inst_new(c, (Inst){.kind = LOOP_ACCUMULATE,
                     .op = op,
                     .dtype = dtype,
                     .a = (int16_t)x,
                     .b = -1,
                     .c = -1,
                     .access = access});
}

/* ---- the interpreter ---------------------------------------------------------------------------------------------- */

static double get(const Case *c, int place, int64_t i) {
  const void *data = c->start[place];
  DType dtype = c->place[place].type.dtype;
  return dtype == DTYPE_F32   ? (double)((const float *)data)[i]
         : dtype == DTYPE_F64 ? ((const double *)data)[i]
         : dtype == DTYPE_I32 ? (double)((const int32_t *)data)[i]
                              : (double)((const uint8_t *)data)[i];
}

static double combine(OpCode op, double acc, double a) {
  if (op == OP_REDUCE_SUM) return acc + a;
  if (isnan(a) || isnan(acc)) return NAN;
  return op == OP_REDUCE_MAX ? (a > acc ? a : acc) : (a < acc ? a : acc);
}
static double nothing(OpCode op) {
  return op == OP_REDUCE_SUM ? 0 : op == OP_REDUCE_MAX ? -(double)INFINITY : (double)INFINITY;
}

static double apply(OpCode op, const double *x) {
  switch (op) {
  case OP_NEG: return -x[0];
  case OP_EXP: return exp(x[0]);
  case OP_TANH: return tanh(x[0]);
  case OP_SQRT: return sqrt(x[0]);
  case OP_RSQRT: return 1 / sqrt(x[0]);
  case OP_RELU: return x[0] < 0 ? 0 : x[0];
  case OP_ADD: return x[0] + x[1];
  case OP_SUB: return x[0] - x[1];
  case OP_MUL: return x[0] * x[1];
  case OP_DIV: return x[0] / x[1];
  case OP_MAX: return x[0] > x[1] ? x[0] : x[1];
  case OP_LT: return x[0] < x[1];
  case OP_EQ: return x[0] == x[1];
  case OP_WHERE: return x[0] != 0 ? x[1] : x[2];
  default: cr_assert_fail("the test has no meaning for op %d", (int)op); return 0;
  }
}

static double stream(const Case *c, uint64_t site, int64_t element) {
  uint64_t key = random_key(c->args.seed, site, c->args.part);
  uint32_t counter[4], word[4], words[2] = {(uint32_t)key, (uint32_t)(key >> 32)};
  random_counter(element / 4, c->args.step, c->args.batch, counter);
  philox4x32(counter, words, word);
  return (double)random_f32(word[element % 4]);
}

static void interpret(Case *c) {
  Loop *loop = &c->loop;
  double **value = calloc((size_t)loop->count, sizeof *value);
  for (int i = 0; i < loop->count; i++) value[i] = calloc((size_t)loop->row + 1, sizeof **value);
  int64_t rows = 1, index[LOOP_OUTER] = {0};
  for (int d = 0; d < loop->rank; d++) rows *= loop->extent[d];
  for (int i = 0; i < loop->count; i++) {
    const Inst *inst = &loop->code[i];
    if (inst->kind != LOOP_STORE && inst->kind != LOOP_ACCUMULATE) continue;
    int place = loop->access[inst->access].place;
    if (!c->wanted[place]) c->wanted[place] = calloc((size_t)c->count[place] + 1, sizeof(double));
    for (int64_t k = 0; k < c->count[place]; k++)
      c->wanted[place][k] = inst->kind == LOOP_STORE ? get(c, place, k) : nothing(inst->op);
  }
  for (int64_t r = 0; r < rows; r++) {
    int64_t left = r;
    for (int d = loop->rank - 1; d >= 0; d--) index[d] = left % loop->extent[d], left /= loop->extent[d];
    for (int i = 0; i < loop->count; i++) {
      const Inst *inst = &loop->code[i];
      const Access *access = inst->access >= 0 ? &loop->access[inst->access] : NULL;
      int64_t at = access ? access->offset : 0;
      for (int d = 0; access && d < loop->rank; d++) at += access->step[d] * index[d];
      double total = nothing(inst->op);
      bool once = inst->kind == LOOP_ACCUMULATE && c->code[inst->a].scalar;
      for (int64_t j = 0; j < (once ? 1 : loop->row); j++) {
        int64_t here = at + (access ? access->stride * j : 0);
        double x[3] = {0};
        if (inst->a >= 0) x[0] = value[inst->a][j];
        if (inst->b >= 0) x[1] = value[inst->b][j];
        if (inst->c >= 0) x[2] = value[inst->c][j];
        switch (inst->kind) {
        case LOOP_LOAD: value[i][j] = get(c, access->place, here); break;
        case LOOP_STORE: c->wanted[access->place][here] = x[0]; break;
        case LOOP_CONSTANT: value[i][j] = (double)(float)inst->number; break;
        case LOOP_INDEX: value[i][j] = (double)here; break;
        case LOOP_RANDOM: value[i][j] = stream(c, inst->site, here); break;
        case LOOP_MAP: value[i][j] = apply(inst->op, x); break;
        case LOOP_CAST: value[i][j] = x[0]; break;
        case LOOP_REDUCE: total = combine(inst->op, total, x[0]); break;
        case LOOP_ACCUMULATE:
          c->wanted[access->place][here] = combine(inst->op, c->wanted[access->place][here], x[0]);
          break;
        }
      }
      if (inst->kind == LOOP_REDUCE)
        for (int64_t j = 0; j < loop->row; j++) value[i][j] = total;
    }
  }
  for (int i = 0; i < loop->count; i++) free(value[i]);
  free(value);
}

/* ---- running a case ------------------------------------------------------------------------------------------------- */

static Backend *devices[4];
static const int thread_counts[4] = {1, 2, 3, 8};

static void run_on(Case *c, Backend *backend) {
  Step step = {.kind = STEP_LOOP, .loop = &c->loop, .place = c->place, .places = c->places};
  Plan plan = {.step = &step, .steps = 1};
  for (int i = 0; i < c->places; i++)
    memcpy(c->variable[i].data, c->start[i], (size_t)c->count[i] * dtype_size(c->place[i].type.dtype));
  backend->prepare(backend, &plan);
  backend->run(backend, &plan, &c->args);
  backend->forget(backend, &plan);
}

static double now(const Case *c, int place, int64_t i) {
  const void *data = c->variable[place].data;
  DType dtype = c->place[place].type.dtype;
  return dtype == DTYPE_F32   ? (double)((const float *)data)[i]
         : dtype == DTYPE_F64 ? ((const double *)data)[i]
         : dtype == DTYPE_I32 ? (double)((const int32_t *)data)[i]
                              : (double)((const uint8_t *)data)[i];
}

static void check(Case *c, const char *what, double tolerance) {
  if (!devices[0])
    for (int t = 0; t < 4; t++) devices[t] = cpu_open(NULL, thread_counts[t], 0);
  interpret(c);
  void *first[PLACES];
  for (int t = 0; t < 4; t++) {
    run_on(c, devices[t]);
    for (int i = 0; i < c->places; i++) {
      size_t bytes = (size_t)c->count[i] * dtype_size(c->place[i].type.dtype);
      if (t == 0) {
        first[i] = malloc(bytes + 1);
        memcpy(first[i], c->variable[i].data, bytes);
        for (int64_t k = 0; k < c->count[i]; k++) {
          double wanted = c->wanted[i] ? c->wanted[i][k] : get(c, i, k), got = now(c, i, k);
          bool same = isnan(wanted) ? isnan(got) : fabs(got - wanted) <= tolerance * fmax(1, fabs(wanted));
          cr_assert(same || got == wanted, "%s: place %d [%ld of %ld] is %.9g, not %.9g", what, i, (long)k,
                    (long)c->count[i], got, wanted);
        }
      } else {
        cr_assert(memcmp(first[i], c->variable[i].data, bytes) == 0, "%s: place %d differs with %d threads",
                  what, i, thread_counts[t]);
      }
    }
  }
  for (int i = 0; i < c->places; i++) free(first[i]);
  case_free(c);
}

static const int64_t lengths[] = {1, 2, 3, 10, 16, 33, 64, 100, 512, 1000, 1025, 4096, 5000, 16384};
#define LENGTHS ((int)(sizeof lengths / sizeof *lengths))

Test(tape, softmax) {
  for (int k = 0; k < LENGTHS; k++)
    for (int64_t rows = 1; rows < 300; rows = rows * 7 + 1) {
      Case *c = case_new(1, &rows, NULL, lengths[k]);
      int x = load(c, DTYPE_F32, all(c)), top = reduce(c, OP_REDUCE_MAX, x);
      int e = map1(c, OP_EXP, map2(c, OP_SUB, x, top)), sum = reduce(c, OP_REDUCE_SUM, e);
      store(c, map2(c, OP_DIV, e, sum));
      store(c, top);
      check(c, "softmax", 1e-5);
    }
}

Test(tape, bias_relu_and_its_gradient) {
  for (int k = 0; k < LENGTHS; k++)
    for (int64_t rows = 1; rows < 300; rows = rows * 5 + 2) {
      Case *c = case_new(1, &rows, NULL, lengths[k]);
      store(c,
            map1(c, OP_RELU, map2(c, OP_ADD, load(c, DTYPE_F32, all(c)), load(c, DTYPE_F32, row_only(c)))));
      check(c, "bias", 1e-6);
      const DimRole reduced = DIM_REDUCED;
      c = case_new(1, &rows, &reduced, lengths[k]);
      int y = load(c, DTYPE_F32, all(c)), dy = load(c, DTYPE_F32, all(c)), zero = constant(c, 0);
      int dx = map3(c, OP_WHERE, map2(c, OP_LT, zero, y), dy, zero);
      store(c, dx);
      accumulate(c, OP_REDUCE_SUM, dx);
      accumulate(c, OP_REDUCE_MAX, y);
      check(c, "bias gradient", 1e-5);
    }
}

Test(tape, optimizer_in_place) {
  for (int64_t n = 1; n < 1000000; n = n * 9 + 5) {
    Case *c = case_new(0, NULL, NULL, n);
    int p = place_new(c, DTYPE_F32, n), m = place_new(c, DTYPE_F32, n);
    int old_m = load_place(c, m, all(c)), g = load(c, DTYPE_F32, all(c)), old_p = load_place(c, p, all(c));
    int rate = map2(c, OP_MUL, load(c, DTYPE_F32, 0), constant(c, 0.01));
    int new_m =
        map2(c, OP_ADD, map2(c, OP_MUL, old_m, constant(c, 0.9)), map2(c, OP_MUL, g, constant(c, 0.1)));
    store_place(c, new_m, m, all(c));
    int new_p = map2(c, OP_SUB, old_p, map2(c, OP_MUL, rate, new_m));
    store_place(c, new_p, p, all(c));
    store(c, reduce(c, OP_REDUCE_SUM, map2(c, OP_MUL, old_m, old_p))); // read after both were overwritten
    check(c, "optimizer", 1e-4);
  }
}

Test(tape, old_value_read_before_the_store) {
  for (int64_t n = 1; n < 10000; n = n * 9 + 5) {
    Case *c = case_new(0, NULL, NULL, n);
    int place = place_new(c, DTYPE_F32, n), old = load_place(c, place, all(c));
    int new = map2(c, OP_MUL, old, load(c, DTYPE_F32, all(c))), change = map2(c, OP_SUB, new, old);
    store_place(c, new, place, all(c));
    store(c, change);
    check(c, "old value", 1e-5);
  }
}

Test(tape, long_rows) {
  for (int64_t rows = 1; rows < 40; rows = rows * 3 + 1) {
    Case *c = case_new(1, &rows, NULL, 70001);
    int x = load(c, DTYPE_F32, all(c)), w = load(c, DTYPE_F32, outer(c));
    int square = map2(c, OP_MUL, map2(c, OP_ADD, x, w), x);
    int sum = reduce(c, OP_REDUCE_SUM, square), top = reduce(c, OP_REDUCE_MAX, x);
    store(c, map2(c, OP_ADD, map1(c, OP_SQRT, map2(c, OP_MUL, sum, sum)), map2(c, OP_MUL, top, w)));
    store(c, square);
    check(c, "long rows", 2e-4);
  }
}

Test(tape, batch_norm) {
  const DimRole roles[3] = {DIM_PARALLEL, DIM_REDUCED, DIM_REDUCED};
  for (int k = 0; k < 9; k++) {
    const int64_t extent[3] = {3, 1 + (int64_t)dice(40), 1 + (int64_t)dice(40)};
    Case *c = case_new(3, extent, roles, lengths[k]);
    int x = load(c, DTYPE_F32, all(c));
    accumulate(c, OP_REDUCE_SUM, x);
    accumulate(c, OP_REDUCE_SUM, map2(c, OP_MUL, x, x));
    accumulate(c, OP_REDUCE_SUM, reduce(c, OP_REDUCE_SUM, x));
    check(c, "batch norm", 1e-4);
  }
}

Test(tape, random_and_index) {
  for (int k = 0; k < LENGTHS; k++) {
    const int64_t extent[2] = {3, 7};
    Case *c = case_new(2, extent, NULL, lengths[k]);
    int access = access_new(c, -1, DTYPE_F32, all(c));
    int noise = inst_new(c, (Inst){.kind = LOOP_RANDOM,
                                   .dtype = DTYPE_F32,
                                   .a = -1,
                                   .b = -1,
                                   .c = -1,
                                   .access = access,
                                   .site = 99});
    store(c, map3(c, OP_WHERE, map2(c, OP_LT, noise, constant(c, 0.5)), load(c, DTYPE_F32, all(c)),
                  constant(c, 0)));
    store(c, noise);
    access = access_new(c, -1, DTYPE_I32, row_only(c));
    int column = inst_new(
        c, (Inst){.kind = LOOP_INDEX, .dtype = DTYPE_I32, .a = -1, .b = -1, .c = -1, .access = access});
    store(c, map2(c, OP_EQ, column, load(c, DTYPE_I32, outer(c))));
    store(c, column);
    check(c, "random", 0);
  }
}

Test(tape, nan_and_infinity) {
  int64_t rows = 40;
  Case *c = case_new(1, &rows, NULL, 100);
  int x = load(c, DTYPE_F32, all(c)), other = load(c, DTYPE_F32, all(c));
  for (int i = 0; i < 40; i++) ((float *)c->start[0])[i * 100 + (int)dice(100)] = i % 3 ? NAN : -INFINITY;
  store(c, reduce(c, OP_REDUCE_MAX, x));
  store(c, reduce(c, OP_REDUCE_MIN, x));
  store(c, reduce(c, OP_REDUCE_SUM, x));
  store(c, map1(c, OP_RELU, x));
  store(c, map3(c, OP_WHERE, map2(c, OP_LT, x, other), x, other));
  check(c, "nan", 1e-5);
}

/* A loop of random loads (whole, broadcast, transposed, every second, backwards), maps, sums and stores. */
static Case *random_case(void) {
  static const int64_t row_lengths[] = {1, 2, 5, 16, 31, 64, 130, 700, 1100, 4500};
  static const OpCode ops[] = {OP_ADD, OP_SUB, OP_MUL, OP_MAX, OP_TANH, OP_NEG, OP_RELU};
  int rank = (int)dice(4);
  int64_t extent[3];
  DimRole role[3];
  int reduced_from = (int)dice(2) ? 3 : (int)dice(4);
  for (int d = 0; d < rank; d++) {
    extent[d] = 1 + (int64_t)dice(d == 0 ? 40 : 6);
    role[d] = d >= reduced_from ? DIM_REDUCED : DIM_PARALLEL;
  }
  Case *c = case_new(rank, extent, role, row_lengths[dice(10)]);
  for (int i = 0; i < 4; i++) {
    int value = load(c, DTYPE_F32, i == 0 ? all(c) : dice(all(c) + 1));
    Access *access = &c->access[c->code[value].access];
    int64_t last = c->count[access->place] - 1;
    if (dice(4) == 0) { // backwards
      access->offset = last;
      access->stride = -access->stride;
      for (int d = 0; d < rank; d++) access->step[d] = -access->step[d];
    } else if (dice(4) == 0 && rank > 0 && access->step[0] != 0 && access->stride == 1) { // transposed
      access->step[0] = 1;
      for (int d = 1; d < rank; d++)
        access->step[d] = access->step[d] / c->loop.row * c->loop.extent[0] * c->loop.row;
      access->stride = c->loop.extent[0];
      for (int d = 1; d < rank; d++)
        if (access->step[d] != 0) access->step[d] = 0;
    }
  }
  for (int i = 0; i < 10; i++) {
    int x = (int)dice((uint32_t)c->loop.count), y = (int)dice((uint32_t)c->loop.count);
    if (c->code[x].dtype != DTYPE_F32 || c->code[y].dtype != DTYPE_F32) continue;
    OpCode op = ops[dice(7)];
    if (dice(5) == 0 && !c->code[x].scalar)
      reduce(c, dice(2) ? OP_REDUCE_MAX : OP_REDUCE_SUM, x);
    else if (dice(5) == 0)
      map3(c, OP_WHERE, map2(c, OP_LT, x, y), dice(2) ? x : y, y);
    else if (op == OP_TANH || op == OP_NEG || op == OP_RELU)
      map1(c, op, x);
    else
      map2(c, op, x, y);
  }
  int values = c->loop.count;
  for (int i = 0; i < 3; i++) {
    int x = values - 1 - (int)dice(6);
    if (c->code[x].dtype == DTYPE_F32) map1(c, OP_TANH, x), store(c, c->loop.count - 1);
  }
  for (int d = 0; d < rank; d++)
    if (role[d] == DIM_REDUCED) {
      int x = values - 1 - (int)dice(6);
      if (c->code[x].dtype == DTYPE_F32) accumulate(c, OP_REDUCE_SUM, map1(c, OP_TANH, x));
      break;
    }
  return c;
}

Test(tape, random_programs) {
  for (int i = 0; i < 400; i++) {
    char what[40];
    snprintf(what, sizeof what, "random program %d", i);
    check(random_case(), what, 2e-3);
  }
}
