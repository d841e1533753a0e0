/* How fast the kernels of the CPU backend are on the shapes of small networks: `kernels [threads]`.
 *
 * Each line is the best of several runs of a plan of one step. Shares of peak mean little on a busy machine. */
#include "backends/backend.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static Backend *backend;

static Place place_of(int rank, const int64_t *size) {
  const Dim *dim[MAX_RANK];
  for (int i = 0; i < rank; i++) dim[i] = dim_of(size[i]);
  Variable *variable = calloc(1, sizeof *variable);
  *variable = (Variable){.path = "bench", .type = type_of(DTYPE_F32, rank, dim)};
  int64_t count = type_count(&variable->type);
  variable->data = aligned_alloc(64, ((size_t)count * 4 + 127) / 64 * 64);
  for (int64_t i = 0; i < count; i++) ((float *)variable->data)[i] = (float)(i % 17) * 0.1f - 0.8f;
  return (Place){.kind = PLACE_VARIABLE, .variable = variable, .type = variable->type};
}

/* Best time of one run, in seconds. */
static double time_of(Step *step) {
  Plan plan = {.step = step, .steps = 1};
  RunArgs args = {0};
  backend->prepare(backend, &plan);
  double best = 1e9, start = now();
  for (int i = 0; i < 2000 && (i < 5 || now() - start < 0.25); i++) {
    double before = now();
    backend->run(backend, &plan, &args);
    double taken = now() - before;
    if (taken < best) best = taken;
  }
  backend->forget(backend, &plan);
  for (int i = 0; i < step->places; i++) free(step->place[i].variable->data), free(step->place[i].variable);
  return best;
}

static void product(int64_t batch, int64_t m, int64_t k, int64_t n, bool ta, bool tb) {
  const int64_t a[3] = {batch, ta ? k : m, ta ? m : k}, b[3] = {batch, tb ? n : k, tb ? k : n},
                c[3] = {batch, m, n};
  Place place[3] = {place_of(3, c), place_of(3, a), place_of(3, b)};
  Node left = {.type = place[1].type}, right = {.type = place[2].type}, *src[2] = {&left, &right};
  Node node = {.op = OP_MATMUL, .type = place[0].type, .nsrc = 2, .src = src, .attr.flag = {ta, tb}};
  double seconds = time_of(&(Step){.kind = STEP_KERNEL, .node = &node, .place = place, .places = 3});
  printf("matmul %3ld x %4ld x %4ld x %4ld %c%c  %8.1f us  %6.1f GFLOP/s\n", (long)batch, (long)m, (long)k,
         (long)n, ta ? 'T' : 'N', tb ? 'T' : 'N', seconds * 1e6,
         2e-9 * (double)(batch * m * k * n) / seconds);
}

static void convolution(int64_t batch, int64_t side, int64_t c, int64_t f) {
  const int64_t x[4] = {batch, side, side, c}, k[4] = {3, 3, c, f}, y[4] = {batch, side, side, f};
  static const OpCode op[3] = {OP_CONV2D, OP_CONV2D_GRAD_INPUT, OP_CONV2D_GRAD_KERNEL};
  static const char *const name[3] = {"conv", "  dx", "  dk"};
  for (int i = 0; i < 3; i++) {
    Place px = place_of(4, x), pk = place_of(4, k), py = place_of(4, y);
    Place place[3] = {i == 0 ? py : i == 1 ? px : pk, i == 1 ? py : px, i == 2 ? py : pk};
    Node left = {.type = place[1].type}, right = {.type = place[2].type}, *src[2] = {&left, &right};
    Node node = {.op = op[i], .type = place[0].type, .nsrc = 2, .src = src};
    node.attr.window =
        (Window){.stride = {1, 1}, .front = {1, 1}, .back = {1, 1}, .dilation = {1, 1}, .groups = 1};
    double seconds = time_of(&(Step){.kind = STEP_KERNEL, .node = &node, .place = place, .places = 3});
    printf("%s 3x3 %ld x %ld x %ld, %ld > %ld  %8.1f us  %6.1f GFLOP/s\n", name[i], (long)batch, (long)side,
           (long)side, (long)c, (long)f, seconds * 1e6,
           2e-9 * (double)(batch * side * side * 9 * c * f) / seconds);
  }
}

static void pooling(int64_t batch, int64_t side, int64_t c) {
  const int64_t x[4] = {batch, side, side, c}, y[4] = {batch, side / 2, side / 2, c};
  for (int gradient = 0; gradient < 2; gradient++) {
    Place px = place_of(4, x), py = place_of(4, y), forward[2] = {py, px};
    Node input[3] = {{.type = px.type}, {.type = py.type}, {.type = py.type}},
         *src[3] = {input, input + 1, input + 2};
    Node node = {.op = gradient ? OP_POOL_MAX_GRAD : OP_POOL_MAX,
                 .type = gradient ? px.type : py.type,
                 .nsrc = 3,
                 .src = src};
    node.attr.window = (Window){.stride = {2, 2}, .dilation = {1, 1}, .size = {2, 2}, .groups = 1};
    Place backward[4];
    if (gradient)
      backward[0] = place_of(4, x), backward[1] = px, backward[2] = py, backward[3] = place_of(4, y);
    Step step = {.kind = STEP_KERNEL,
                 .node = &node,
                 .place = gradient ? backward : forward,
                 .places = gradient ? 4 : 2};
    double seconds = time_of(&step);
    printf("pool%s 2x2 %ld x %ld x %ld x %ld  %8.1f us  %.2f ns a cell\n", gradient ? " gradient" : "",
           (long)batch, (long)side, (long)side, (long)c, seconds * 1e6,
           seconds * 1e9 / (double)(batch * side * side * c));
  }
}

/* ---- loops -------------------------------------------------------------------------------------------------------- */

typedef struct {
  Loop loop;
  Access access[16];
  Inst code[64];
  Place place[16];
  int places;
} Program;

static int add(Program *p, InstKind kind, OpCode op, int a, int b, int c, int access, double value,
               bool scalar) {
  p->code[p->loop.count] = (Inst){.kind = kind,
                                  .op = op,
                                  .dtype = op == OP_GT ? DTYPE_BOOL : DTYPE_F32,
                                  .scalar = scalar,
                                  .a = (int16_t)a,
                                  .b = (int16_t)b,
                                  .c = (int16_t)c,
                                  .access = access,
                                  .number = value};
  return p->loop.count++;
}
static int tensor(Program *p, bool rows, bool columns) {
  int64_t size[2] = {rows ? p->loop.extent[0] : 1, columns ? p->loop.row : 1};
  p->place[p->places] = place_of(2, size);
  p->access[p->places] = (Access){.place = p->places, .dtype = DTYPE_F32, .stride = columns};
  p->access[p->places].step[0] = rows ? size[1] : 0;
  return p->places++;
}
static int load(Program *p, bool rows, bool columns) {
  return add(p, LOOP_LOAD, 0, -1, -1, -1, tensor(p, rows, columns), 0, !columns);
}
static int map(Program *p, OpCode op, int a, int b) {
  return add(p, LOOP_MAP, op, a, b, -1, -1, 0, p->code[a].scalar && (b < 0 || p->code[b].scalar));
}
static int number(Program *p, double value) { return add(p, LOOP_CONSTANT, 0, -1, -1, -1, -1, value, true); }

static void loop_time(Program *p, const char *name) {
  p->loop.access = p->access, p->loop.code = p->code, p->loop.accesses = p->places;
  double seconds =
      time_of(&(Step){.kind = STEP_LOOP, .loop = &p->loop, .place = p->place, .places = p->places});
  int64_t rows = p->loop.rank ? p->loop.extent[0] : 1;
  printf("loop %-16s %ld x %ld  %8.1f us  %.2f ns a number\n", name, (long)rows, (long)p->loop.row,
         seconds * 1e6, seconds * 1e9 / (double)(rows * p->loop.row));
}

static void adam(int64_t n) {
  Program p = {.loop = {.rank = 0, .row = n}};
  p.loop.extent[0] = 1;
  int w = load(&p, true, true), g = load(&p, true, true), m = load(&p, true, true), v = load(&p, true, true);
  int m1 = map(&p, OP_ADD, map(&p, OP_MUL, m, number(&p, 0.9)), map(&p, OP_MUL, g, number(&p, 0.1)));
  int g2 = map(&p, OP_MUL, map(&p, OP_MUL, g, g), number(&p, 0.001));
  int v1 = map(&p, OP_ADD, map(&p, OP_MUL, v, number(&p, 0.999)), g2);
  int root = map(&p, OP_ADD, map(&p, OP_SQRT, map(&p, OP_MUL, v1, number(&p, 1.1)), -1), number(&p, 1e-8));
  int step = map(&p, OP_DIV, map(&p, OP_MUL, m1, number(&p, 0.001)), root);
  int w1 = map(&p, OP_SUB, w, step);
  add(&p, LOOP_STORE, 0, w1, -1, -1, 0, 0, false);
  add(&p, LOOP_STORE, 0, m1, -1, -1, 2, 0, false);
  add(&p, LOOP_STORE, 0, v1, -1, -1, 3, 0, false);
  loop_time(&p, "adam");
}

static void softmax(int64_t rows, int64_t row) {
  Program p = {.loop = {.rank = 1, .row = row}};
  p.loop.extent[0] = rows;
  int x = load(&p, true, true), top = add(&p, LOOP_REDUCE, OP_REDUCE_MAX, x, -1, -1, -1, 0, true);
  int e = map(&p, OP_EXP, map(&p, OP_SUB, x, top), -1),
      sum = add(&p, LOOP_REDUCE, OP_REDUCE_SUM, e, -1, -1, -1, 0, true);
  add(&p, LOOP_STORE, 0, map(&p, OP_DIV, e, sum), -1, -1, tensor(&p, true, true), 0, false);
  loop_time(&p, "softmax");
}

static void bias_relu(int64_t rows, int64_t row) {
  Program p = {.loop = {.rank = 1, .row = row}};
  p.loop.extent[0] = rows;
  int y = map(&p, OP_RELU, map(&p, OP_ADD, load(&p, true, true), load(&p, false, true)), -1);
  add(&p, LOOP_STORE, 0, y, -1, -1, tensor(&p, true, true), 0, false);
  loop_time(&p, "bias relu");
}

static void bias_gradient(int64_t rows, int64_t row) {
  Program p = {.loop = {.rank = 1, .row = row}};
  p.loop.extent[0] = rows;
  p.loop.role[0] = DIM_REDUCED;
  int y = load(&p, true, true), dy = load(&p, true, true), zero = number(&p, 0);
  int up = map(&p, OP_GT, y, zero), dx = add(&p, LOOP_MAP, OP_WHERE, up, dy, zero, -1, 0, false);
  add(&p, LOOP_STORE, 0, dx, -1, -1, tensor(&p, true, true), 0, false);
  add(&p, LOOP_ACCUMULATE, OP_REDUCE_SUM, dx, -1, -1, tensor(&p, false, true), 0, false);
  loop_time(&p, "relu' and bias'");
}

static void one(int64_t rows, int64_t row, OpCode op, const char *name) {
  Program p = {.loop = {.rank = 1, .row = row}};
  p.loop.extent[0] = rows;
  add(&p, LOOP_STORE, 0, map(&p, op, load(&p, true, true), -1), -1, -1, tensor(&p, true, true), 0, false);
  loop_time(&p, name);
}

int main(int argc, char **argv) {
  backend = cpu_open(NULL, argc > 1 ? atoi(argv[1]) : 2, argc > 2 ? atoi(argv[2]) : 0);
  if (!backend) return 2;
  printf("%s\n", cpu_describe(backend));
  product(1, 64, 784, 512, false, false), product(1, 64, 512, 512, false, false),
      product(1, 64, 512, 512, false, true);
  product(1, 512, 64, 512, true, false), product(1, 784, 64, 512, true, false),
      product(1, 64, 512, 10, false, false);
  product(1, 512, 64, 10, true, false), product(1, 64, 10, 512, false, true),
      product(1, 1, 784, 512, false, false);
  product(1, 256, 784, 512, false, false), product(1, 64, 3136, 128, false, false),
      product(16, 64, 64, 32, false, false);
  product(64, 64, 64, 64, false, false), product(1, 1024, 1024, 1024, false, false);
  convolution(64, 28, 1, 32), convolution(64, 28, 32, 64), convolution(64, 14, 32, 64),
      convolution(64, 32, 3, 16);
  convolution(64, 16, 32, 32);
  pooling(64, 28, 64), pooling(64, 28, 3);
  adam(669706), bias_relu(64, 512), bias_relu(50176, 32), bias_gradient(64, 512), bias_gradient(50176, 32);
  softmax(64, 10), softmax(1024, 512), one(64, 512, OP_TANH, "tanh"), one(1024, 1024, OP_EXP, "exp");
  one(1024, 1024, OP_ERF, "erf"), one(1024, 1024, OP_LOG, "log"), one(1024, 1024, OP_SIGMOID, "sigmoid");
  one(1024, 1024, OP_SIN, "sin");
  backend->close(backend);
  return 0;
}
