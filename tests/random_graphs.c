/* Bytes become a valid graph, which the reference and the CPU must agree on, fused and unfused, with any number
 * of threads.
 *
 * Beside each value stand a bound of its size and of the error that rounding can have made so far, so that the
 * allowed difference is known for every output. What could jump (floor, comparisons) is done to exact values
 * alone: those that every backend has with the same bits. */
#include "autodiff/differentiate.h"
#include "tests/trial.h"

#define GRAPHS       1500
#define BYTES        400
#define VALUES       64
#define ELEMENTS     60000
#define LARGEST      1e5
#define ERROR_FACTOR 4 // bounds below are of one rounding an operation; backends may take a few

typedef struct {
  Node *node;
  double bound, error;
  bool exact;
} Value;

typedef struct {
  Trial *t;
  uint8_t byte[BYTES];
  int at;
  Value value[VALUES];
  int values;
  int64_t size[4]; // dims are drawn from these
  double ulp;
  Variable *state; // assigned at the end
} Maker;

static int draw(Maker *maker, int sides) { return maker->at < BYTES ? maker->byte[maker->at++] % sides : 0; }

/* Mostly one of the last, so that graphs grow deep. */
static const Value *draw_value(Maker *maker) {
  int back = draw(maker, 3) && maker->values > 5 ? 5 : maker->values;
  return &maker->value[maker->values - 1 - draw(maker, back)];
}

static int64_t count_of(const Node *node) { return type_count(&node->type); }

static void keep(Maker *maker, Node *node, double bound, double error, bool exact) {
  if (!exact) error += bound * maker->ulp;
  if (maker->values == VALUES || !(bound < LARGEST) || !(error < 0.01 + maker->ulp * 1e6)) return;
  maker->value[maker->values++] = (Value){node, bound, exact ? 0 : error, exact};
}

/* ---- makers: each adds one value, or none where nothing fits ----------------------------------------- */

static Node *input_of(Maker *maker, DType dtype, int rank, const int64_t *size, double low, double high) {
  if (maker->t->variables >= TRIAL_VARIABLES - 1) return NULL;
  return trial_fill(maker->t, trial_input(maker->t, dtype, rank, size), low, high);
}

static int draw_shape(Maker *maker, int64_t *size) {
  int rank = draw(maker, 8) ? 1 + draw(maker, 3) : 0;
  int64_t count = 1;
  for (int i = 0; i < rank; i++) {
    size[i] = maker->size[draw(maker, 4)];
    if (count * size[i] > ELEMENTS) size[i] = 3;
    count *= size[i];
  }
  return rank;
}

static void make_input(Maker *maker) {
  int64_t size[MAX_RANK];
  int rank = draw_shape(maker, size);
  Node *input = input_of(maker, maker->t->dtype, rank, size, -2, 2);
  if (input) keep(maker, input, 2, 0, true);
}

static void make_source(Maker *maker) {
  Trial *t = maker->t;
  int64_t size[MAX_RANK];
  int rank = draw_shape(maker, size);
  Type type = type_with(t->dtype, rank, size);
  int kind = rank == 0 ? 2 : draw(maker, 2);
  if (kind == 0)
    keep(maker, build_random(t->graph, t->dtype, rank, type.size, (uint64_t)draw(maker, 9)), 1, 0, true);
  if (kind == 1) {
    int axis = draw(maker, rank);
    Node *index = build_index(t->graph, rank, type.size, axis);
    keep(maker, build_cast(index, t->dtype), (double)size[axis], 0, true);
  }
  if (kind == 2) keep(maker, build_number(t->graph, t->dtype, draw(maker, 16) * 0.25 - 2), 2, 0, true);
}

static void make_squashed(Maker *maker) {
  static const OpCode ops[] = {OP_TANH, OP_SIGMOID, OP_SIN, OP_COS, OP_ERF, OP_ATAN, OP_ASIN, OP_TAN};
  const Value x = *draw_value(maker);
  OpCode op = ops[draw(maker, 6)];
  keep(maker, build_map(op, &(Node *){x.node}), 1.6, 1.2 * x.error, false);
}

static void make_signed(Maker *maker) {
  static const OpCode ops[] = {OP_NEG, OP_ABS, OP_RELU, OP_STOP};
  const Value x = *draw_value(maker);
  keep(maker, build_map(ops[draw(maker, 4)], &(Node *){x.node}), x.bound, x.error, x.exact);
}

static void make_rounded(Maker *maker) {
  static const OpCode ops[] = {OP_FLOOR, OP_CEIL, OP_ROUND, OP_SIGN};
  const Value x = *draw_value(maker);
  if (x.exact) keep(maker, build_map(ops[draw(maker, 4)], &(Node *){x.node}), x.bound + 1, 0, true);
}

static void make_steep(Maker *maker) {
  const Value x = *draw_value(maker);
  Node *above_one = build_add(build_abs(x.node), build_like(x.node, 1));
  double bound = x.bound + 1, error = x.error + bound * maker->ulp;
  int kind = draw(maker, 5);
  if (kind == 0) keep(maker, build_sqrt(above_one), sqrt(bound), error, false);
  if (kind == 1) keep(maker, build_log(above_one), log(bound) + 1e-300, error, false);
  if (kind == 2) keep(maker, build_rsqrt(above_one), 1, error, false);
  if (kind == 3) keep(maker, build_pow(above_one, build_like(above_one, -1.5)), 1, 2 * error, false);
  if (kind == 4 && x.bound < 5) keep(maker, build_exp(x.node), exp(x.bound), exp(x.bound) * x.error, false);
}

/* b in the shape of a: as it is, broadcast, or summed up to one number. */
static Value match(Maker *maker, const Value *a, Value b) {
  const Type *shape = &a->node->type, *type = &b.node->type;
  int lead = shape->rank - type->rank;
  bool fits = lead >= 0;
  for (int i = 0; fits && i < type->rank; i++)
    fits = type->size[i] == shape->size[i + lead] || type_size(type, i) == 1;
  if (!fits) {
    double count = (double)count_of(b.node);
    b.node = build_reduce_all(OP_REDUCE_SUM, b.node);
    b.error = count * (b.error + b.bound * maker->ulp * 20), b.bound *= count, b.exact = false;
  }
  if (!type_same_shape(&b.node->type, shape)) b.node = build_expand(b.node, shape->rank, shape->size);
  return b;
}

static void make_pair(Maker *maker) {
  const Value a = *draw_value(maker), b = match(maker, &a, *draw_value(maker));
  double bound = fmax(a.bound, b.bound), error = a.error + b.error;
  switch (draw(maker, 6)) {
  case 0: keep(maker, build_add(a.node, b.node), a.bound + b.bound, error, false); break;
  case 1: keep(maker, build_sub(a.node, b.node), a.bound + b.bound, error, false); break;
  case 2:
    keep(maker, build_mul(a.node, b.node), a.bound * b.bound, a.bound * b.error + b.bound * a.error, false);
    break;
  case 3: keep(maker, build_min(a.node, b.node), bound, error, a.exact && b.exact); break;
  case 4: keep(maker, build_max(a.node, b.node), bound, error, a.exact && b.exact); break;
  default: {
    Node *divisor = build_add(build_abs(b.node), build_like(b.node, 1));
    double below = b.error + (b.bound + 1) * maker->ulp;
    keep(maker, build_div(a.node, divisor), a.bound, a.error + a.bound * below, false);
  }
  }
}

static void make_choice(Maker *maker) {
  static const OpCode ops[] = {OP_LT, OP_LE, OP_GT, OP_GE, OP_EQ, OP_NE};
  const Value x = *draw_value(maker), y = match(maker, &x, *draw_value(maker));
  const Type *type = &x.node->type;
  Value a = match(maker, &x, *draw_value(maker)), b = match(maker, &x, *draw_value(maker));
  if (!a.exact) a.node = build_random(maker->t->graph, type->dtype, type->rank, type->size, 77);
  if (!b.exact) b.node = build_like(x.node, 0.5);
  Node *test = build_map(ops[draw(maker, 6)], (Node *[]){a.node, b.node});
  if (draw(maker, 2)) test = build_not(test);
  keep(maker, build_where(test, x.node, y.node), fmax(x.bound, y.bound), fmax(x.error, y.error),
       x.exact && y.exact);
}

/* Whole numbers and back. */
static void make_whole(Maker *maker) {
  static const OpCode ops[] = {OP_ADD, OP_MUL, OP_FLOOR_DIV, OP_MOD, OP_MAX, OP_SUB};
  const Value x = *draw_value(maker);
  if (!x.exact || x.bound > 3000) return;
  DType dtype = draw(maker, 2) ? DTYPE_I32 : DTYPE_I64;
  Node *whole = build_cast(x.node, dtype);
  Node *other = build_expand_like(build_whole(maker->t->graph, dtype, draw(maker, 7) - 3), whole);
  Node *y = build_map(ops[draw(maker, 6)], (Node *[]){whole, other});
  keep(maker, build_cast(y, maker->t->dtype), 4 * x.bound + 4, 0, true);
}

static void make_reduced(Maker *maker) {
  const Value x = *draw_value(maker);
  const Type *type = &x.node->type;
  int axis[MAX_RANK], axes = 0, chosen = draw(maker, 1 << 3);
  double n = 1;
  for (int i = 0; i < type->rank; i++)
    if (chosen >> i & 1) axis[axes++] = i, n *= (double)type_size(type, i);
  bool keeps = draw(maker, 2);
  if (axes == 0) return;
  int kind = draw(maker, 4);
  if (kind == 0)
    keep(maker, build_mean(x.node, axis, axes, keeps), n > 0 ? x.bound : INFINITY,
         x.error + 20 * x.bound * maker->ulp, false);
  if (kind == 1)
    keep(maker, build_reduce(OP_REDUCE_SUM, x.node, axis, axes, keeps), n * x.bound,
         n * x.error + 20 * n * x.bound * maker->ulp, false);
  if (kind < 2 || n == 0) return; // the largest of none is infinite
  OpCode op = kind == 2 ? OP_REDUCE_MAX : OP_REDUCE_MIN;
  keep(maker, build_reduce(op, x.node, axis, axes, keeps), x.bound, x.error, x.exact);
}

/* Softmax and normalization along the last axis: reductions whose results meet the same row again. */
static void make_normal(Maker *maker) {
  const Value x = *draw_value(maker);
  int axis = x.node->type.rank - 1;
  if (axis < 0 || type_size(&x.node->type, axis) == 0) return;
  double n = (double)type_size(&x.node->type, axis);
  if (draw(maker, 2)) {
    Node *top = build_reduce(OP_REDUCE_MAX, x.node, &axis, 1, true);
    Node *power = build_exp(build_sub(x.node, build_expand_like(top, x.node)));
    Node *sum = build_reduce(OP_REDUCE_SUM, power, &axis, 1, true);
    keep(maker, build_div(power, build_expand_like(sum, power)), 1,
         4 * x.error + (2 * x.bound + 30) * maker->ulp, false);
    return;
  }
  Node *centred = build_sub(x.node, build_expand_like(build_mean(x.node, &axis, 1, true), x.node));
  Node *spread = build_mean(build_mul(centred, centred), &axis, 1, true);
  Node *scale = build_rsqrt(build_add(spread, build_like(spread, 1)));
  double error = 2 * x.error + 40 * x.bound * maker->ulp;
  keep(maker, build_mul(centred, build_expand_like(scale, centred)), sqrt(n),
       error * (2 + 4 * x.bound * sqrt(n)), false);
}

static void make_moved(Maker *maker) {
  const Value x = *draw_value(maker);
  const Type *type = &x.node->type;
  int rank = type->rank, order[MAX_RANK];
  if (rank == 0) return;
  int axis = draw(maker, rank), first = draw(maker, rank), kind = draw(maker, 5);
  int64_t size = type_size(type, axis), start = size > 0 ? draw(maker, 5) % size : 0;
  for (int i = 0; i < rank; i++) order[i] = (i + 1 + first) % rank;
  Node *y = NULL;
  if (kind == 0) y = build_permute(x.node, order);
  if (kind == 1) y = build_flip(x.node, axis);
  if (kind == 2) {
    int64_t step = 1 + draw(maker, 3), length = (size - start + step - 1) / step;
    y = build_slice(x.node, axis, dim_of(start), dim_of(length), step);
  }
  if (kind == 3)
    y = build_pad(x.node, axis, dim_of(draw(maker, 4)), dim_of(draw(maker, 4)), draw(maker, 2) - 0.5);
  if (kind == 4) {
    const Dim *flat = type_elements(type);
    y = build_reshape(x.node, 1, &flat);
  }
  if (count_of(y) <= ELEMENTS) keep(maker, y, x.bound + 1, x.error, x.exact);
}

static void make_spread(Maker *maker) {
  const Value x = *draw_value(maker);
  int axis = draw(maker, x.node->type.rank + 1);
  int64_t times = maker->size[draw(maker, 4)];
  if (x.node->type.rank >= 4 || count_of(x.node) * times > ELEMENTS) return;
  Node *y = build_insert(x.node, axis);
  const Dim *size[MAX_RANK];
  for (int i = 0; i < y->type.rank; i++) size[i] = y->type.size[i];
  size[axis] = dim_of(times);
  keep(maker, build_expand(y, y->type.rank, size), x.bound, x.error, x.exact);
}

static void make_joined(Maker *maker) {
  const Value a = *draw_value(maker), b = match(maker, &a, *draw_value(maker));
  if (a.node->type.rank == 0 || count_of(a.node) > ELEMENTS / 3) return;
  Node *part[] = {a.node, b.node, draw(maker, 2) ? a.node : build_flip(b.node, 0)};
  int axis = draw(maker, a.node->type.rank), count = 1 + draw(maker, 3);
  keep(maker, build_concat(maker->t->graph, part, count, axis), fmax(a.bound, b.bound),
       fmax(a.error, b.error), a.exact && b.exact);
}

static void make_product(Maker *maker) {
  const Value a = *draw_value(maker);
  const Type *type = &a.node->type;
  int rank = type->rank;
  if (rank < 2) return;
  bool turned = draw(maker, 2), other_turned = draw(maker, 2);
  int64_t k = type_size(type, rank - (turned ? 2 : 1)), n = maker->size[draw(maker, 4)], size[MAX_RANK];
  int64_t m = type_size(type, rank - (turned ? 1 : 2)), batch = 1;
  for (int i = 0; i < rank - 2; i++) size[i] = type_size(type, i), batch *= size[i];
  size[rank - 2] = other_turned ? n : k, size[rank - 1] = other_turned ? k : n;
  if (batch * n * k > ELEMENTS || batch * m * n > ELEMENTS || batch * m * n * k > 20 * ELEMENTS) return;
  Node *b = input_of(maker, maker->t->dtype, rank, size, -1, 1);
  if (!b) return;
  double terms = (double)k;
  keep(maker, build_matmul(a.node, b, turned, other_turned), terms * a.bound,
       terms * (a.error + terms * a.bound * maker->ulp), false);
}

static void make_lookup(Maker *maker) {
  const Value x = *draw_value(maker);
  const Type *type = &x.node->type;
  if (type->rank == 0 || type_size(type, 0) == 0) return;
  int64_t rows = type_size(type, 0), size[1] = {maker->size[draw(maker, 4)]};
  bool adds = draw(maker, 2);
  if (adds) size[0] = rows, rows = 1 + draw(maker, 9);
  if (count_of(x.node) / type_size(type, 0) * (adds ? rows : size[0]) > ELEMENTS) return;
  Node *ids = input_of(maker, DTYPE_I32, 1, size, 0, (double)rows);
  if (!ids) return;
  double terms = (double)size[0];
  if (adds)
    keep(maker, build_scatter_add(ids, x.node, dim_of(rows)), terms * x.bound,
         terms * (x.error + terms * x.bound * maker->ulp), false);
  else
    keep(maker, build_gather(x.node, ids), x.bound, x.error, x.exact);
}

static void make_running(Maker *maker) {
  const Value x = *draw_value(maker);
  if (x.node->type.rank == 0) return;
  double n = (double)type_size(&x.node->type, x.node->type.rank - 1);
  keep(maker, build_cumsum(x.node), n * x.bound, n * (x.error + x.bound * maker->ulp), false);
}

static void make_image(Maker *maker) {
  int64_t channels = 1 + draw(maker, 4), filters = 1 + draw(maker, 4);
  int64_t size[] = {draw(maker, 3), 4 + draw(maker, 4), 5, channels}, kernel[] = {3, 2, channels, filters};
  Node *x = input_of(maker, maker->t->dtype, 4, size, -1, 1);
  Node *k = x ? input_of(maker, maker->t->dtype, 4, kernel, -1, 1) : NULL;
  if (!k) return;
  Window window = {.stride = {1 + draw(maker, 2), 1},
                   .front = {1, draw(maker, 2)},
                   .back = {1, 1},
                   .dilation = {1, 1},
                   .groups = 1};
  double terms = (double)(6 * channels);
  Node *y = build_conv2d(x, k, &window);
  keep(maker, y, terms, terms * terms * maker->ulp, false);
  window.size[0] = window.size[1] = 2;
  window.front[0] = window.front[1] = 0;
  keep(maker, build_pool_max(y, &window), terms, terms * terms * maker->ulp, false);
}

static void (*const makers[])(Maker *) = {
    make_input,  make_source,  make_squashed, make_signed,  make_rounded, make_steep,
    make_pair,   make_pair,    make_pair,     make_choice,  make_whole,   make_reduced,
    make_normal, make_moved,   make_moved,    make_spread,  make_joined,  make_product,
    make_lookup, make_running, make_image,    make_reduced,
};

/* ---- graphs ------------------------------------------------------------------------------------------ */

/* Gradients of a sum of the last value to two inputs: as outputs of their own, of unknown error. */
static void add_gradients(Maker *maker, double *allowed) {
  Trial *t = maker->t;
  Node *x[2] = {t->input[0], t->input[draw(maker, t->variables)]}, *gradient[2];
  if (!dtype_is_float(x[1]->type.dtype)) return;
  differentiate(build_reduce_all(OP_REDUCE_SUM, maker->value[maker->values - 1].node), x, 2, gradient);
  for (int i = 0; i < 2; i++) {
    if (!gradient[i]) continue;
    allowed[t->graph->outputs] = INFINITY;
    graph_output(t->graph, "gradient", gradient[i]);
  }
}

/* The state, read from the start, gets a value of its shape when the step ends. */
static void add_assign(Maker *maker, double *allowed) {
  for (int i = maker->values - 1; i > 0; i--) {
    const Value *value = &maker->value[i];
    if (!type_same_shape(&value->node->type, &maker->state->type)) continue;
    allowed[maker->t->graph->outputs] = ERROR_FACTOR * value->error;
    graph_assign(maker->t->graph, maker->state, value->node);
    return;
  }
}

static void graph_make(Maker *maker, double *allowed) {
  static const int64_t large[] = {300, 2000, 17, 64};
  for (int i = 0; i < 4; i++) maker->size[i] = 1 + draw(maker, 9);
  if (draw(maker, 3) == 0) maker->size[3] = large[draw(maker, 4)];
  if (draw(maker, 12) == 0) maker->size[2] = 0;
  int64_t size[2] = {maker->size[0], maker->size[3]};
  Node *state = input_of(maker, maker->t->dtype, 2, size, -2, 2);
  maker->state = state->attr.variable;
  maker->state->role = VARIABLE_STATE;
  keep(maker, state, 2, 0, true);
  make_input(maker);
  for (int steps = 8 + draw(maker, 40); steps > 0; steps--)
    makers[draw(maker, (int)(sizeof makers / sizeof *makers))](maker);
  for (int outputs = 1 + draw(maker, 6); outputs > 0; outputs--) {
    int which = outputs == 1 ? maker->values - 1
                             : maker->values - 1 - draw(maker, maker->values > 12 ? 12 : maker->values);
    allowed[maker->t->graph->outputs] = ERROR_FACTOR * maker->value[which].error;
    graph_output(maker->t->graph, "value", maker->value[which].node);
  }
  if (draw(maker, 2)) add_gradients(maker, allowed);
  if (draw(maker, 2)) add_assign(maker, allowed);
}

static void seed_check(uint32_t seed) {
  Trial *t = trial_new(seed % 3 ? DTYPE_F32 : DTYPE_F64, seed);
  double allowed[16] = {0};
  Maker maker = {.t = t, .ulp = t->dtype == DTYPE_F32 ? 0x1p-23 : 0x1p-52};
  for (int i = 0; i < BYTES; i++) maker.byte[i] = (uint8_t)trial_dice(t, 256);
  trial_name(t, "random graph, seed %u", seed);
  graph_make(&maker, allowed);
  t->absolute = allowed;
  t->threads = 3;
  int failures = trial_failures;
  trial_check(t);
  if (trial_failures > failures && failures == 0) {
    Text text = {0};
    graph_print(t->graph, &text);
    fprintf(stderr, "%s\n%s\n", t->label, text_string(&text));
    text_free(&text);
  }
  trial_free(t);
}

Test(random_graphs, agree) {
  for (uint32_t seed = 0; seed < GRAPHS; seed++) seed_check(seed);
}
