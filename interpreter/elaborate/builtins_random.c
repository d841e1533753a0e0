/* Built-in functions of random numbers. Each call draws from a stream of its own (base/random.h). */
#include "interpreter/elaborate/elaborate.h"

#define CALL(name)                                                                                           \
  static const Value *name(Elaborator *e, const Ast *at, const Argument *slot, const Argument *rest,         \
                           int rests)
#define UNUSED ((void)at, (void)slot, (void)rest, (void)rests)

CALL(uniform) {
  UNUSED;
  int rank;
  const Dim *size[MAX_RANK];
  if (!slot_shape(e, at, &slot[0], &rank, size)) return value_unknown();
  Node *u = build_random(e->graph, e->precision, rank, size, random_site(e));
  double low, high;
  if (!slot[1].value && !slot[2].value) return value_tensor(e, u);
  if (!slot_number(e, at, &slot[1], 0, &low) || !slot_number(e, at, &slot[2], 1, &high))
    return value_tensor(e, u);
  return value_tensor(e, build_add(build_mul(u, build_like(u, high - low)), build_like(u, low)));
}

/* Box and Muller, "A note on the generation of random normal deviates", 1958. */
const Value *random_normal(Elaborator *e, int rank, const Dim *const *size) {
  Node *u = build_random(e->graph, e->precision, rank, size, random_site(e));
  Node *v = build_random(e->graph, e->precision, rank, size, random_site(e));
  Node *radius = build_sqrt(build_mul(build_log(build_sub(build_like(u, 1), u)), build_like(u, -2)));
  return value_tensor(e, build_mul(radius, build_cos(build_mul(v, build_like(v, 6.28318530717958647693)))));
}

CALL(normal) {
  UNUSED;
  int rank;
  const Dim *size[MAX_RANK];
  return slot_shape(e, at, &slot[0], &rank, size) ? random_normal(e, rank, size) : value_unknown();
}

CALL(bernoulli) {
  UNUSED;
  int rank;
  const Dim *size[MAX_RANK];
  if (!slot_shape(e, at, &slot[0], &rank, size)) return value_unknown();
  Node *p = slot_float(e, at, &slot[1]);
  if (!p) return value_unknown();
  Node *u = build_random(e->graph, e->precision, rank, size, random_site(e));
  return value_tensor(e, build_cast(build_lt(u, build_cast(p, e->precision)), e->precision));
}

/* An index below K with the same chance for each: K from `like`, an index with a bound, or given itself. */
CALL(random_int) {
  UNUSED;
  const Value *like = slot[0].value;
  int rank;
  const Dim *size[MAX_RANK], *bound = like->kind == VALUE_INT ? like->u.dim : NULL;
  if (!bound) {
    Node *ids = slot_tensor(e, at, &slot[0]);
    if (!ids) return value_unknown();
    bound = dtype_is_int(ids->type.dtype) ? ids->type.bound : NULL;
  }
  if (!bound)
    return slot_error(e, at, &slot[0], "indices with a known bound, int<K>[…], or the bound itself");
  if (!slot_shape(e, at, &slot[1], &rank, size)) return value_unknown();
  Node *u = build_random(e->graph, DTYPE_F64, rank, size, random_site(e)); // 53 bits: no class is favoured
  Node *id =
      build_floor(build_mul(u, build_expand_like(build_cast(build_extent(e->graph, bound), DTYPE_F64), u)));
  Node *out = build_cast(id, DTYPE_I64);
  out->type.bound = bound;
  return value_tensor(e, out);
}

/* Classes with the chances softmax(logits): the largest after noise of Gumbel's (Gumbel 1954) was added. */
CALL(sample) {
  UNUSED;
  Node *logits = slot_float(e, at, &slot[0]);
  if (!logits) return value_unknown();
  if (logits->type.rank < 1) return slot_error(e, at, &slot[0], "scores [..., K]");
  if (logits->type.running) logits = build_cast(logits, e->precision);
  Node *u = build_random(e->graph, logits->type.dtype, logits->type.rank, logits->type.size, random_site(e));
  Node *noise = build_neg(build_log(build_neg(build_log(u))));
  return value_tensor(e, build_argmax(build_add(build_stop(logits), noise), true));
}

CALL(shuffled) {
  UNUSED;
  if (slot[0].value->kind != VALUE_INT)
    return slot_error(e, at, &slot[0], "how many: a whole number known before the run");
  const Dim *count = slot[0].value->u.dim;
  Node *u = build_random(e->graph, DTYPE_F64, 1, &count, random_site(e)); // in f32 some would be equal
  return value_tensor(e, build_order(u, count, false));
}

static const Builtin rows[] = {
    {"uniform", "shape low? high?", uniform, "random numbers in [low, high)"},
    {"normal", "shape", normal, "random numbers of mean 0 and deviation 1"},
    {"bernoulli", "shape p", bernoulli, "1 with probability p, else 0"},
    {"random_int", "like shape", random_int, "random indices below the bound of others, or below a number"},
    {"sample", "logits", sample, "a class for each row, with the chances softmax(logits)"},
    {"shuffled", "n", shuffled, "0 to n - 1 in random order"},
};
const BuiltinTable builtins_random = {rows, (int)(sizeof(rows) / sizeof(*rows))};
