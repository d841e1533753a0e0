/* einsum and rearrange: patterns of named axes, turned into transposes, products and sums. No op is new.
 *
 * einsum goes through its inputs from the left. Of two, axes that both have and nothing after them needs are
 * summed by a matrix product, the other common ones are its batch; where a product would have no rows or columns
 * it is a map and a sum instead, which fuse. */
#include "interpreter/elaborate/pattern.h"
#include "lang/problems.h"

#include <string.h>

#define CALL(name)                                                                                           \
  static const Value *name(Elaborator *e, const Ast *at, const Argument *slot, const Argument *rest,         \
                           int rests)
#define UNUSED ((void)at, (void)slot, (void)rest, (void)rests)

#define INPUTS_MOST 16

static bool pattern_open(Pattern *pattern, Elaborator *e, const Ast *at, const Argument *slot,
                         const char *example) {
  if (slot->value->kind != VALUE_STRING) {
    slot_error(e, at, slot, "a pattern of axes");
    return false;
  }
  *pattern = (Pattern){
      .e = e, .at = slot->ast ? slot->ast : at, .text = slot->value->u.string.bytes, .example = example};
  if (pattern->at->kind == AST_ARG) pattern->at = pattern->at->u.arg.value;
  return true;
}

// ---- einsum ---------------------------------------------------------------------------------------------------

/* A tensor with a name for each axis. */
typedef struct {
  Node *node;
  Name name[MAX_RANK];
  int rank;
} Operand;

static bool has(const Name *name, int count, Name wanted) {
  for (int i = 0; i < count; i++)
    if (name[i] == wanted) return true;
  return false;
}

static void operand_sum(Operand *x, int axis) {
  x->node = build_reduce(OP_REDUCE_SUM, x->node, &axis, 1, false);
  x->rank--;
  for (int i = axis; i < x->rank; i++) x->name[i] = x->name[i + 1];
}

/* Where an axis stands twice, only its diagonal counts. */
static void operand_diagonals(Operand *x) {
  for (int i = 0; i < x->rank; i++)
    for (int j = x->rank - 1; j > i; j--) {
      if (x->name[i] != x->name[j]) continue;
      const Type *type = &x->node->type;
      Node *row = build_index(x->node->graph, type->rank, type->size, i);
      Node *column = build_cast(build_index(x->node->graph, type->rank, type->size, j), row->type.dtype);
      x->node = build_where(build_eq(row, column), x->node, build_like(x->node, 0));
      operand_sum(x, j);
    }
}

static void operand_sum_unneeded(Operand *x, const Name *needed, int count) {
  for (int i = x->rank - 1; i >= 0; i--)
    if (!has(needed, count, x->name[i])) operand_sum(x, i);
}

typedef struct {
  Name name[4][MAX_RANK]; // BATCH, LEFT, RIGHT, SUMMED
  int count[4];
} Roles;
enum { BATCH, LEFT, RIGHT, SUMMED };

static Roles pair_roles(const Operand *a, const Operand *b, const Name *needed, int count) {
  Roles roles = {.count = {0}};
  for (int i = 0; i < a->rank; i++) {
    bool both = has(b->name, b->rank, a->name[i]);
    int role = !both ? LEFT : has(needed, count, a->name[i]) ? BATCH : SUMMED;
    roles.name[role][roles.count[role]++] = a->name[i];
  }
  for (int i = 0; i < b->rank; i++)
    if (!has(a->name, a->rank, b->name[i])) roles.name[RIGHT][roles.count[RIGHT]++] = b->name[i];
  return roles;
}

/* x with its axes in the order of the roles that are listed; `order` may leave out axes that x has not. */
static Node *operand_ordered(const Operand *x, const Roles *roles, const int *role, int count) {
  int order[MAX_RANK], next = 0;
  for (int k = 0; k < count; k++)
    for (int i = 0; i < roles->count[role[k]]; i++)
      for (int axis = 0; axis < x->rank; axis++)
        if (x->name[axis] == roles->name[role[k]][i]) order[next++] = axis;
  return build_permute(x->node, order);
}

static bool is_ordered(const Operand *x, const Roles *roles, const int *role, int count) {
  return operand_ordered(x, roles, role, count) == x->node;
}

static const Dim *role_size(const Pattern *pattern, const Roles *roles, int role) {
  const Dim *size = dim_of(1);
  for (int i = 0; i < roles->count[role]; i++)
    size = dim_mul(size, pattern->axis[pattern_axis(pattern, roles->name[role][i])].size);
  return size;
}

/* One side of the product as [batch, rows, columns]; `other` is its LEFT or RIGHT; *turned: rows are summed. */
static Node *pair_matrix(const Pattern *pattern, const Operand *x, const Roles *roles, int other,
                         bool *turned) {
  const int plain[3] = {BATCH, LEFT, SUMMED}, swapped[3] = {BATCH, SUMMED, LEFT};
  int role[3];
  *turned = is_ordered(x, roles, (int[]){BATCH, SUMMED, other}, 3);
  for (int i = 0; i < 3; i++) role[i] = *turned ? swapped[i] : plain[i];
  for (int i = 0; i < 3; i++)
    if (role[i] == LEFT) role[i] = other;
  const Dim *size[3];
  for (int i = 0; i < 3; i++) size[i] = role_size(pattern, roles, role[i]);
  Node *ordered = operand_ordered(x, roles, role, 3);
  return roles->count[BATCH] ? build_reshape(ordered, 3, size) : build_reshape(ordered, 2, size + 1);
}

/* x over all axes of the result, with 1 where it has none, spread. */
static Node *pair_spread(const Pattern *pattern, const Operand *x, const Roles *roles) {
  const int role[4] = {BATCH, LEFT, RIGHT, SUMMED};
  const Dim *ones[MAX_RANK], *full[MAX_RANK];
  int rank = 0;
  for (int k = 0; k < 4; k++)
    for (int i = 0; i < roles->count[role[k]]; i++, rank++) {
      Name name = roles->name[role[k]][i];
      full[rank] = pattern->axis[pattern_axis(pattern, name)].size;
      ones[rank] = has(x->name, x->rank, name) ? full[rank] : dim_of(1);
    }
  return build_expand(build_reshape(operand_ordered(x, roles, role, 4), rank, ones), rank, full);
}

static Operand pair_contract(const Pattern *pattern, const Operand *a, const Operand *b, const Roles *roles) {
  Operand y = {.rank = 0};
  const Dim *size[MAX_RANK];
  for (int k = BATCH; k <= RIGHT; k++)
    for (int i = 0; i < roles->count[k]; i++) {
      size[y.rank] = pattern->axis[pattern_axis(pattern, roles->name[k][i])].size;
      y.name[y.rank++] = roles->name[k][i];
    }
  bool product = roles->count[SUMMED] && (roles->count[LEFT] || roles->count[RIGHT]);
  if (product) {
    bool left_turned, right_turned;
    Node *left = pair_matrix(pattern, a, roles, LEFT, &left_turned);
    Node *right = pair_matrix(pattern, b, roles, RIGHT, &right_turned);
    y.node = build_reshape(build_matmul(left, right, left_turned, !right_turned), y.rank, size);
    return y;
  }
  int axis[MAX_RANK];
  for (int i = 0; i < roles->count[SUMMED]; i++) axis[i] = y.rank + i;
  Node *all = build_mul(pair_spread(pattern, a, roles), pair_spread(pattern, b, roles));
  y.node = build_reduce(OP_REDUCE_SUM, all, axis, roles->count[SUMMED], false);
  return y;
}

/* The names that the result or an input from `first` on has. */
static int names_needed(const Side *out, const Operand *input, int first, int inputs, Name *needed) {
  int count = 0;
  for (int i = 0; i < out->terms; i++) needed[count++] = out->term[i].name;
  for (int k = first; k < inputs; k++)
    for (int i = 0; i < input[k].rank; i++) needed[count++] = input[k].name[i];
  return count;
}

static Node *einsum_reduce(const Pattern *pattern, Operand *input, int inputs, const Side *out) {
  Name needed[(INPUTS_MOST + 2) * PATTERN_TERMS];
  Operand all = input[0];
  int count = names_needed(out, input, 1, inputs, needed);
  operand_sum_unneeded(&all, needed, count);
  for (int k = 1; k < inputs; k++) {
    Operand one = input[k];
    count = names_needed(out, input, k + 1, inputs, needed);
    for (int i = 0; i < all.rank; i++) needed[count + i] = all.name[i];
    operand_sum_unneeded(&one, needed, count + all.rank);
    Roles roles = pair_roles(&all, &one, needed, count);
    if (roles.count[BATCH] + roles.count[LEFT] + roles.count[RIGHT] + roles.count[SUMMED] > MAX_RANK) {
      problem_rank_limit(pattern->e->problems, pattern->at->span);
      return NULL;
    }
    all = pair_contract(pattern, &all, &one, &roles);
  }
  int order[MAX_RANK];
  for (int i = 0; i < out->terms; i++)
    for (int axis = 0; axis < all.rank; axis++)
      if (all.name[axis] == out->term[i].name) order[i] = axis;
  return build_permute(all.node, order);
}

/* Inputs with their names, and sizes of axes; false after a Problem. */
static bool einsum_inputs(Pattern *pattern, int arrow, const Argument *rest, int rests, Operand *input) {
  int start = 0;
  DType dtype = DTYPE_BOOL;
  for (int k = 0; k < rests; k++) {
    int end = start;
    while (end < arrow && pattern->text[end] != ',') end++;
    if (end == arrow && k < rests - 1)
      return pattern_error(pattern, 0, arrow, "%d %s for %d inputs", k + 1,
                           k ? "sets of axes" : "set of axes", rests);
    if (end < arrow && k == rests - 1)
      return pattern_error(pattern, end, arrow, "more sets of axes than the %d inputs", rests);
    input[k].node = slot_float(pattern->e, pattern->at, &rest[k]);
    if (!input[k].node) return false;
    if (input[k].node->type.dtype > dtype) dtype = input[k].node->type.dtype;
    const Type *type = &input[k].node->type;
    Side side;
    if (!pattern_side(pattern, start, end, type->rank, &side)) return false;
    if (side.terms != side.dims) return pattern_error(pattern, start, end, "brackets are for rearrange");
    input[k].rank = type->rank;
    for (int i = 0; i < side.terms; i++) {
      if (!side.term[i].name)
        return pattern_error(pattern, side.term[i].start, side.term[i].end, "an axis of einsum has a name");
      input[k].name[i] = side.term[i].name;
      if (!pattern_bind(pattern, &side.term[i], type->size[i], type->name[i])) return false;
    }
    start = end + 1;
  }
  for (int k = 0; k < rests; k++) input[k].node = build_cast(input[k].node, dtype);
  return true;
}

static bool einsum_result(Pattern *pattern, int start, Side *out) {
  if (!pattern_side(pattern, start, (int)strlen(pattern->text), -1, out)) return false;
  if (out->terms != out->dims) return pattern_error(pattern, start, out->end, "brackets are for rearrange");
  for (int i = 0; i < out->terms; i++) {
    const Term *term = &out->term[i];
    if (!term->name || pattern_axis(pattern, term->name) < 0)
      return pattern_error(pattern, term->start, term->end, "no input has this axis");
    for (int k = 0; k < i; k++)
      if (out->term[k].name == term->name)
        return pattern_error(pattern, term->start, term->end, "an axis stands in the result once");
  }
  return true;
}

/* Whether every axis of the inputs has one and the same size: in the generic check it may be open. */
static bool einsum_is_sure(const Pattern *pattern, const Operand *input, int inputs) {
  for (int k = 0; k < inputs; k++)
    for (int i = 0; i < input[k].rank; i++)
      if (input[k].node->type.size[i] != pattern->axis[pattern_axis(pattern, input[k].name[i])].size)
        return false;
  return true;
}

CALL(einsum) {
  UNUSED;
  Pattern pattern;
  Operand input[INPUTS_MOST] = {{NULL, {NULL}, 0}};
  Side out;
  if (!pattern_open(&pattern, e, at, &slot[0], "einsum(\"b i, i j -> b j\", x, W)")) return value_unknown();
  int arrow = pattern_arrow(&pattern);
  if (rests < 1 || rests > INPUTS_MOST) return slot_error(e, at, &slot[0], "a pattern and 1 to 16 tensors");
  if (arrow < 0 || !einsum_inputs(&pattern, arrow, rest, rests, input) ||
      !einsum_result(&pattern, arrow + 2, &out))
    return value_unknown();
  Type type = type_scalar(input[0].node->type.dtype);
  type.rank = out.terms > MAX_RANK ? MAX_RANK : out.terms;
  for (int i = 0; i < type.rank; i++) {
    const PatternAxis *axis = &pattern.axis[pattern_axis(&pattern, out.term[i].name)];
    type.size[i] = axis->size, type.name[i] = axis->shown;
  }
  if (!einsum_is_sure(&pattern, input, rests)) return value_tensor(e, unknown_tensor(e, &type));
  for (int k = 0; k < rests; k++) operand_diagonals(&input[k]);
  Node *y = einsum_reduce(&pattern, input, rests, &out);
  for (int i = 0; y && y != input[0].node && i < type.rank; i++) y->type.name[i] = type.name[i];
  return value_tensor(e, y);
}

// ---- rearrange ------------------------------------------------------------------------------------------------

/* The sizes that were given by name: h=heads. */
static bool rearrange_sizes(Pattern *pattern, const Argument *rest, int rests) {
  for (int i = 0; i < rests; i++) {
    if (rest[i].value->kind == VALUE_UNKNOWN) return false;
    if (!rest[i].name || rest[i].value->kind != VALUE_INT) {
      slot_error(pattern->e, pattern->at, &rest[i], "the size of an axis: h=8");
      return false;
    }
    Term term = {.name = rest[i].name, .end = (int)strlen(pattern->text)};
    if (!strstr(pattern->text, rest[i].name))
      return pattern_error(pattern, 0, term.end, "it has no axis `%s`", rest[i].name);
    if (!pattern_bind(pattern, &term, rest[i].value->u.dim, NULL)) return false;
  }
  return true;
}

/* Sizes of the axes of one dim of x: one of them may follow from the others. */
static bool rearrange_dim(Pattern *pattern, const Side *side, int dim, const Type *x, bool *sure) {
  const Term *open = NULL, *alone = NULL; // without a size; the only term of the dim
  const Dim *product = dim_of(1);
  int named = 0;
  for (int i = 0; i < side->terms; i++) {
    const Term *term = &side->term[i];
    if (term->dim != dim || !term->name) continue;
    alone = term;
    int axis = pattern_axis(pattern, term->name);
    named++;
    if (axis >= 0) {
      product = dim_mul(product, pattern->axis[axis].size);
    } else {
      if (open)
        return pattern_error(pattern, term->start, term->end, "how large is `%s` or `%s`? say  %s=8",
                             open->name, term->name, term->name);
      open = term;
    }
  }
  const Dim *size = x->size[dim], *left = dim_divide(size, product);
  Name shown = named == 1 ? x->name[dim] : NULL;
  if (named == 1 && alone) return pattern_bind(pattern, alone, size, shown);
  if (!open && product == size) return true;
  if (open && left) return pattern_bind(pattern, open, left, shown);
  if (pattern->e->generic && !(dim_is_number(size, NULL) && dim_is_number(product, NULL))) {
    *sure = false;
    return !open || pattern_bind(pattern, open, dim_floor_div(size, product), shown);
  }
  Text text = {0}, parts = {0};
  dim_print(size, &text);
  dim_print(product, &parts);
  int start = side->end, end = side->start;
  for (int i = 0; i < side->terms; i++)
    if (side->term[i].dim == dim) {
      if (side->term[i].start < start) start = side->term[i].start;
      if (side->term[i].end > end) end = side->term[i].end;
    }
  if (open)
    pattern_error(pattern, start, end, "this dim is %s, which %s does not divide", text_string(&text),
                  text_string(&parts));
  else
    pattern_error(pattern, start, end, "this dim is %s, not %s", text_string(&text), text_string(&parts));
  text_free(&text);
  text_free(&parts);
  return false;
}

static const Dim *term_size(const Pattern *pattern, const Term *term) {
  return term->name ? pattern->axis[pattern_axis(pattern, term->name)].size : dim_of(1);
}

static int side_find(const Side *side, Name name) {
  for (int i = 0; i < side->terms; i++)
    if (side->term[i].name == name) return i;
  return -1;
}

/* Whether the two sides hold the same axes: new ones on the right need a size. */
static bool rearrange_sides(const Pattern *pattern, const Side *from, const Side *to) {
  for (int i = 0; i < from->terms; i++) {
    const Term *term = &from->term[i];
    if (!term->name) continue;
    if (side_find(from, term->name) != i)
      return pattern_error(pattern, term->start, term->end, "`%s` stands on this side twice", term->name);
    if (side_find(to, term->name) < 0)
      return pattern_error(pattern, term->start, term->end,
                           "`%s` is lost on the other side: sum or mean it first", term->name);
  }
  for (int i = 0; i < to->terms; i++) {
    const Term *term = &to->term[i];
    if (!term->name) continue;
    if (side_find(to, term->name) != i)
      return pattern_error(pattern, term->start, term->end, "`%s` stands on this side twice", term->name);
    if (pattern_axis(pattern, term->name) < 0)
      return pattern_error(pattern, term->start, term->end, "`%s` is new: how large is it? say  %s=8",
                           term->name, term->name);
  }
  return true;
}

/* x split into its axes, in the order of the result, new ones spread, then joined into dims. */
static Node *rearrange_build(const Pattern *pattern, Node *x, const Side *from, const Side *to,
                             const Type *type) {
  const Dim *split[MAX_RANK], *ones[MAX_RANK], *full[MAX_RANK];
  int order[MAX_RANK], splits = 0, next = 0;
  for (int i = 0; i < from->terms; i++)
    if (from->term[i].name) split[splits++] = term_size(pattern, &from->term[i]);
  for (int i = 0; i < to->terms; i++) {
    int place = to->term[i].name ? side_find(from, to->term[i].name) : -1, axis = 0;
    for (int k = 0; k < place; k++) axis += from->term[k].name != NULL;
    full[i] = term_size(pattern, &to->term[i]);
    ones[i] = place >= 0 ? full[i] : dim_of(1);
    if (place >= 0) order[next++] = axis;
  }
  Node *y = build_permute(build_reshape(x, splits, split), order);
  y = build_expand(build_reshape(y, to->terms, ones), to->terms, full);
  return build_reshape(y, type->rank, type->size);
}

CALL(rearrange) {
  UNUSED;
  Pattern pattern;
  Side from, to;
  bool sure = true;
  Node *x = slot_tensor(e, at, &slot[0]);
  if (!x || !pattern_open(&pattern, e, at, &slot[1], "rearrange(x, \"b t (h d) -> b h t d\", h=8)"))
    return value_unknown();
  int arrow = pattern_arrow(&pattern);
  if (arrow < 0 || !rearrange_sizes(&pattern, rest, rests) ||
      !pattern_side(&pattern, 0, arrow, x->type.rank, &from) ||
      !pattern_side(&pattern, arrow + 2, (int)strlen(pattern.text), -1, &to))
    return value_unknown();
  for (int dim = 0; dim < x->type.rank; dim++)
    if (!rearrange_dim(&pattern, &from, dim, &x->type, &sure)) return value_unknown();
  if (!rearrange_sides(&pattern, &from, &to)) return value_unknown();
  if (from.terms > MAX_RANK || to.terms > MAX_RANK || to.dims > MAX_RANK) {
    problem_rank_limit(e->problems, pattern.at->span);
    return value_unknown();
  }
  Type type = {.dtype = x->type.dtype, .rank = to.dims, .bound = x->type.bound};
  int terms[MAX_RANK] = {0};
  for (int i = 0; i < to.dims; i++) type.size[i] = dim_of(1);
  for (int i = 0; i < to.terms; i++) {
    const Term *term = &to.term[i];
    type.size[term->dim] = dim_mul(type.size[term->dim], term_size(&pattern, term));
    bool alone = terms[term->dim]++ == 0 && term->name;
    type.name[term->dim] = alone ? pattern.axis[pattern_axis(&pattern, term->name)].shown : NULL;
  }
  Node *y = sure ? rearrange_build(&pattern, x, &from, &to, &type) : unknown_tensor(e, &type);
  for (int i = 0; y != x && i < type.rank; i++) y->type.name[i] = type.name[i];
  return value_tensor(e, y);
}

static const Builtin rows[] = {
    {"einsum", "pattern *inputs", einsum,
     "products summed over axes by name: einsum(\"b i, i j -> b j\", x, W)"},
    {"rearrange", "x pattern *sizes", rearrange,
     "axes by name, split, moved and joined: rearrange(x, \"b t (h d) -> b h t d\", h=8)"},
};
const BuiltinTable builtins_pattern = {rows, (int)(sizeof(rows) / sizeof(*rows))};
