/* Products of every layout against sums in double, with the bound of trust.md for sums of K terms, and the same
 * bits for 1 to 8 threads. */
#include "backends/backend.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static uint32_t state = 1;
static float number(void) {
  state = state * 1664525u + 1013904223u;
  return (float)(state >> 8) * 0x1p-23f - 1.0f;
}

static Place place_of(Variable *variable, DType dtype, int rank, const int64_t *size) {
  const Dim *dim[MAX_RANK];
  for (int i = 0; i < rank; i++) dim[i] = dim_of(size[i]);
  *variable = (Variable){.path = "test", .type = type_of(dtype, rank, dim)};
  int64_t count = type_count(&variable->type);
  variable->data = calloc((size_t)count + 1, 8);
  for (int64_t i = 0; i < count; i++) {
    if (dtype == DTYPE_F32)
      ((float *)variable->data)[i] = number();
    else if (dtype == DTYPE_F64)
      ((double *)variable->data)[i] = (double)number();
    else
      ((int32_t *)variable->data)[i] = (int32_t)(number() * 100);
  }
  return (Place){.kind = PLACE_VARIABLE, .variable = variable, .type = variable->type};
}

static double at(const Variable *variable, int64_t i) {
  DType dtype = variable->type.dtype;
  return dtype == DTYPE_F32   ? (double)((float *)variable->data)[i]
         : dtype == DTYPE_F64 ? ((double *)variable->data)[i]
                              : (double)((int32_t *)variable->data)[i];
}

static Backend *devices[4];
static const int thread_counts[4] = {1, 2, 3, 8};

static void check(DType dtype, int64_t batch, int64_t m, int64_t k, int64_t n, bool a_flag, bool b_flag,
                  bool a_memory, bool b_memory) {
  bool a_transposed = a_flag != a_memory, b_transposed = b_flag != b_memory;
  const int64_t a_size[3] = {batch, a_flag ? k : m, a_flag ? m : k},
                b_size[3] = {batch, b_flag ? n : k, b_flag ? k : n};
  const int64_t c_size[3] = {batch, m, n};
  Variable variable[3];
  Place place[3] = {place_of(&variable[0], dtype, 3, c_size), place_of(&variable[1], dtype, 3, a_size),
                    place_of(&variable[2], dtype, 3, b_size)};
  Node a = {.op = OP_READ, .type = place[1].type}, b = {.op = OP_READ, .type = place[2].type},
       *src[2] = {&a, &b};
  Node node = {.op = OP_MATMUL, .type = place[0].type, .nsrc = 2, .src = src, .attr.flag = {a_flag, b_flag}};
  Step step = {
      .kind = STEP_KERNEL, .node = &node, .place = place, .places = 3, .transposed = {a_memory, b_memory}};
  Plan plan = {.step = &step, .steps = 1};
  RunArgs args = {0};
  void *first = NULL;
  size_t bytes = (size_t)(batch * m * n) * dtype_size(dtype);
  for (int t = 0; t < 4; t++) {
    if (!devices[t]) devices[t] = cpu_open(NULL, thread_counts[t], 0);
    memset(variable[0].data, 0x7f, bytes);
    devices[t]->prepare(devices[t], &plan);
    devices[t]->run(devices[t], &plan, &args);
    devices[t]->forget(devices[t], &plan);
    if (t == 0) {
      first = malloc(bytes + 1);
      memcpy(first, variable[0].data, bytes);
    }
    cr_assert(memcmp(first, variable[0].data, bytes) == 0, "%ld x %ld x %ld x %ld differs with %d threads",
              (long)batch, (long)m, (long)k, (long)n, thread_counts[t]);
  }
  for (int64_t e = 0; e < batch; e++)
    for (int64_t i = 0; i < m; i++)
      for (int64_t j = 0; j < n; j += 1 + n / 40) {
        double sum = 0, size = 0;
        for (int64_t l = 0; l < k; l++) {
          double term = at(&variable[1], e * m * k + (a_transposed ? l * m + i : i * k + l)) *
                        at(&variable[2], e * k * n + (b_transposed ? j * k + l : l * n + j));
          sum += term;
          size += fabs(term);
        }
        double got = at(&variable[0], (e * m + i) * n + j);
        double bound = dtype == DTYPE_F32   ? 4 * (double)k * 0x1p-24 * size
                       : dtype == DTYPE_F64 ? 4 * (double)k * 0x1p-53 * size
                                            : 0;
        cr_assert(fabs(got - sum) <= bound, "%ld x %ld x %ld x %ld at %ld %ld %ld: %g, not %g", (long)batch,
                  (long)m, (long)k, (long)n, (long)e, (long)i, (long)j, got, sum);
      }
  free(first);
  for (int i = 0; i < 3; i++) free(variable[i].data);
}

static void check_layouts(DType dtype, int64_t batch, int64_t m, int64_t k, int64_t n) {
  for (int bits = 0; bits < 16; bits++) {
    if (m * n * k > 100000 && bits % 5 != 0 && bits != 1) continue;
    check(dtype, batch, m, k, n, bits & 1, bits & 2, bits & 4, bits & 8);
  }
}

Test(matmul, small_and_odd) {
  static const int64_t sizes[] = {1, 2, 3, 7, 16, 17, 33, 65};
  for (int i = 0; i < 8; i++)
    for (int j = 0; j < 8; j++) {
      check_layouts(DTYPE_F32, 1, sizes[i], sizes[(i * 3 + j) % 8], sizes[j]);
      check_layouts(DTYPE_I32, 1 + j % 2, sizes[i], sizes[(i * 3 + j) % 8], sizes[j]);
    }
}

Test(matmul, of_networks) {
  check_layouts(DTYPE_F32, 1, 64, 784, 512);
  check_layouts(DTYPE_F32, 1, 784, 64, 512);
  check_layouts(DTYPE_F32, 1, 64, 512, 10);
  check_layouts(DTYPE_F32, 1, 512, 64, 10);
  check_layouts(DTYPE_F32, 1, 1, 784, 512);
  check_layouts(DTYPE_F32, 1, 33, 512, 512);
  check_layouts(DTYPE_F32, 16, 64, 64, 32);
  check_layouts(DTYPE_F32, 1, 9, 50000, 13);
  check_layouts(DTYPE_F64, 3, 100, 70, 130);
  check_layouts(DTYPE_F32, 1, 1000, 300, 5);
}

Test(matmul, nothing_to_sum) {
  check(DTYPE_F32, 2, 3, 0, 4, false, false, false, false);
  check(DTYPE_F32, 0, 3, 5, 4, false, false, false, false);
  check(DTYPE_F32, 2, 0, 5, 4, false, false, false, false);
  check(DTYPE_I32, 2, 3, 0, 4, false, false, false, false);
}
