/* Operators on values: exact arithmetic before the run, checked graph building during it.
 *
 * Shapes combine by the rules of language.md 3.5 alone: a scalar with anything; equal ranks with equal dims or
 * a 1; or the shorter shape as the exact tail of the longer. */
#include "interpreter/elaborate/elaborate.h"
#include "lang/format.h"
#include "lang/problems.h"

#include <math.h>
#include <string.h>

static const struct {
  Operator op;
  OpCode code;
} operator_ops[] = {
    {OPERATOR_ADD, OP_ADD},
    {OPERATOR_SUB, OP_SUB},
    {OPERATOR_MUL, OP_MUL},
    {OPERATOR_DIV, OP_DIV},
    {OPERATOR_FLOOR_DIV, OP_FLOOR_DIV},
    {OPERATOR_MOD, OP_MOD},
    {OPERATOR_POW, OP_POW},
    {OPERATOR_EQ, OP_EQ},
    {OPERATOR_NE, OP_NE},
    {OPERATOR_LT, OP_LT},
    {OPERATOR_GT, OP_GT},
    {OPERATOR_LE, OP_LE},
    {OPERATOR_GE, OP_GE},
    {OPERATOR_AND, OP_AND},
    {OPERATOR_OR, OP_OR},
};

static OpCode operator_op(Operator op) {
  for (size_t i = 0; i < sizeof(operator_ops) / sizeof(*operator_ops); i++)
    if (operator_ops[i].op == op) return operator_ops[i].code;
  return OP_COUNT;
}

// ---- before the run -----------------------------------------------------------------------------------------

static const Value *compare_numbers(Elaborator *e, Operator op, int order) {
  bool truth = op == OPERATOR_EQ   ? order == 0
               : op == OPERATOR_NE ? order != 0
               : op == OPERATOR_LT ? order < 0
               : op == OPERATOR_GT ? order > 0
               : op == OPERATOR_LE ? order <= 0
                                   : order >= 0;
  return value_bool(e, truth);
}

static const Value *operate_ints(Elaborator *e, const Ast *ast, Operator op, const Dim *a, const Dim *b) {
  int64_t x, y, zero;
  bool known, numbers = dim_is_number(a, &x) && dim_is_number(b, &y);
  const Dim *out = NULL;
  if ((op == OPERATOR_DIV || op == OPERATOR_FLOOR_DIV || op == OPERATOR_MOD) && dim_is_number(b, &zero) &&
      zero == 0) {
    problem_zero_division(e->problems, ast->at);
    return value_unknown();
  }
  switch (op) {
  case OPERATOR_ADD: out = dim_add(a, b); break;
  case OPERATOR_SUB: out = dim_sub(a, b); break;
  case OPERATOR_MUL: out = dim_mul(a, b); break;
  case OPERATOR_FLOOR_DIV: out = dim_floor_div(a, b); break;
  case OPERATOR_MOD: out = dim_mod(a, b); break;
  case OPERATOR_DIV:
    out = dim_divide(a, b);
    if (!out) return numbers ? value_float(e, (double)x / (double)y) : value_unknown_float();
    break;
  case OPERATOR_POW: {
    if (!numbers) return value_unknown_float();
    double power = pow((double)x, (double)y);
    return y >= 0 && fabs(power) < 9007199254740992.0 ? value_whole(e, (int64_t)power)
                                                      : value_float(e, power);
  }
  case OPERATOR_RANGE: {
    Value *range = ARENA_NEW(e->arena, Value);
    *range = (Value){.kind = VALUE_RANGE, .known = true, .u.range = {a, b}};
    return range;
  }
  case OPERATOR_EQ:
  case OPERATOR_NE:
  case OPERATOR_LT:
  case OPERATOR_GT:
  case OPERATOR_LE:
  case OPERATOR_GE: {
    int order = dim_compare(a, b, &known);
    return known ? compare_numbers(e, op, order) : value_unknown_bool();
  }
  default: return NULL;
  }
  if (dim_is_huge(out)) {
    problem_huge(e->problems, ast->span);
    return value_unknown();
  }
  return value_int(e, out);
}

static const Value *operate_floats(Elaborator *e, Operator op, const Value *a, const Value *b) {
  double x, y;
  bool known = value_number(a, &x) && value_number(b, &y);
  bool comparison = op >= OPERATOR_EQ && op <= OPERATOR_GE;
  if (comparison) return known ? compare_numbers(e, op, x < y ? -1 : x > y) : value_unknown_bool();
  if (op != OPERATOR_ADD && op != OPERATOR_SUB && op != OPERATOR_MUL && op != OPERATOR_DIV &&
      op != OPERATOR_POW && op != OPERATOR_FLOOR_DIV && op != OPERATOR_MOD)
    return NULL;
  if (!known) return value_unknown_float();
  switch (op) {
  case OPERATOR_ADD: return value_float(e, x + y);
  case OPERATOR_SUB: return value_float(e, x - y);
  case OPERATOR_MUL: return value_float(e, x * y);
  case OPERATOR_DIV: return value_float(e, x / y);
  case OPERATOR_POW: return value_float(e, pow(x, y));
  case OPERATOR_FLOOR_DIV: return value_float(e, floor(x / y));
  default: return value_float(e, x - y * floor(x / y));
  }
}

static const Value *operate_bools(Elaborator *e, Operator op, const Value *a, const Value *b) {
  if (op == OPERATOR_AND || op == OPERATOR_OR) {
    bool absorbing = op == OPERATOR_OR; // `false and x` is known whatever x is
    if ((a->known && a->u.truth == absorbing) || (b->known && b->u.truth == absorbing))
      return value_bool(e, absorbing);
    if (a->known && b->known) return value_bool(e, !absorbing);
    return value_unknown_bool();
  }
  if (op != OPERATOR_EQ && op != OPERATOR_NE) return NULL;
  return a->known && b->known ? value_bool(e, (a->u.truth == b->u.truth) == (op == OPERATOR_EQ))
                              : value_unknown_bool();
}

static const Value *operate_strings(Elaborator *e, Operator op, const Value *a, const Value *b) {
  if (op == OPERATOR_ADD) {
    int length = a->u.string.length + b->u.string.length;
    char *bytes = ARENA_ARRAY(e->arena, char, length + 1);
    memcpy(bytes, a->u.string.bytes, (size_t)a->u.string.length);
    memcpy(bytes + a->u.string.length, b->u.string.bytes, (size_t)b->u.string.length);
    return value_string(e, bytes, length);
  }
  if (op != OPERATOR_EQ && op != OPERATOR_NE) return NULL;
  bool same = a->u.string.length == b->u.string.length &&
              !memcmp(a->u.string.bytes, b->u.string.bytes, (size_t)a->u.string.length);
  return value_bool(e, same == (op == OPERATOR_EQ));
}

static const Value *operate_lists(Elaborator *e, Operator op, const Value *a, const Value *b) {
  if (op != OPERATOR_ADD) return NULL;
  int count = a->u.items.count + b->u.items.count;
  const Value **item = ARENA_ARRAY(e->arena, const Value *, count + 1);
  memcpy(item, a->u.items.item, sizeof(*item) * (size_t)a->u.items.count);
  memcpy(item + a->u.items.count, b->u.items.item, sizeof(*item) * (size_t)b->u.items.count);
  return value_list(e, item, count);
}

// ---- during the run -----------------------------------------------------------------------------------------

static bool is_one(const Dim *dim) {
  int64_t number;
  return dim_is_number(dim, &number) && number == 1;
}

/* The shape of a op b, or false. */
static bool broadcast(const Type *a, const Type *b, Type *out) {
  const Type *longer = a->rank >= b->rank ? a : b, *shorter = longer == a ? b : a;
  *out = *longer;
  if (shorter->rank == 0) return true;
  int lead = longer->rank - shorter->rank;
  for (int i = 0; i < shorter->rank; i++) {
    const Dim *x = longer->size[lead + i], *y = shorter->size[i];
    if (x == y) continue;
    if (lead == 0 && is_one(x)) {
      out->size[i] = y;
      out->name[i] = shorter->name[i];
    } else if (lead != 0 || !is_one(y))
      return false;
  }
  return true;
}

static Node *spread(Node *x, const Type *shape) {
  return type_same_shape(&x->type, shape) ? x : build_expand(x, shape->rank, shape->size);
}

/* The static side as a number in the tensor's dtype; NULL after a Problem. */
static Node *adapt(Elaborator *e, const Ast *ast, Operator op, const Value *number, const Type *tensor) {
  double real = 1;
  value_number(number, &real);
  if (number->kind == VALUE_BOOL)
    return tensor->dtype == DTYPE_BOOL
               ? build_whole(e->graph, DTYPE_BOOL, number->known ? number->u.truth : 1)
               : NULL;
  if (tensor->dtype == DTYPE_BOOL) return NULL;
  if (dtype_is_float(tensor->dtype)) {
    if (number->kind == VALUE_INT && !dim_is_number(number->u.dim, NULL))
      return build_cast(build_extent(e->graph, number->u.dim), tensor->dtype);
    Node *node = build_number(e->graph, tensor->dtype, real);
    node->type.running = tensor->running; // stays a number between steps
    return node;
  }
  if (number->kind == VALUE_FLOAT) {
    problem_int_float(e->problems, ast->at, operator_text(op));
    return NULL;
  }
  return build_cast(build_extent(e->graph, number->u.dim), tensor->dtype);
}

static const char *shape_text(Elaborator *e, const Type *type) {
  Text text = {0};
  type_print(type, &text);
  char *copy = arena_copy(e->arena, text_string(&text), text.length);
  text_free(&text);
  return copy;
}

static void report_shapes(Elaborator *e, const Ast *ast, Operator op, const Type *a, const Type *b) {
  Text left = {0}, right = {0}, differ = {0};
  ast_write(ast->u.binary.left, &left);
  ast_write(ast->u.binary.right, &right);
  if (a->rank == b->rank)
    for (int i = 0; i < a->rank; i++)
      if (a->size[i] != b->size[i] && !is_one(a->size[i]) && !is_one(b->size[i])) {
        if (differ.length) text_add(&differ, ", ");
        if (a->name[i] && strcmp(a->name[i], "_")) text_printf(&differ, "%s: ", a->name[i]);
        dim_print(a->size[i], &differ);
        text_add(&differ, " is not ");
        dim_print(b->size[i], &differ);
      }
  problem_shapes(e->problems, ast->at, operator_text(op), ast->u.binary.left->span, shape_text(e, a),
                 text_string(&left), ast->u.binary.right->span, shape_text(e, b), text_string(&right),
                 text_string(&differ), a, b);
  text_free(&left);
  text_free(&right);
  text_free(&differ);
}

static const Value *operate_tensors(Elaborator *e, const Ast *ast, Operator op, Node *a, Node *b) {
  OpCode code = operator_op(op);
  if (a->type.running != b->type.running && (a->type.running ? b : a)->type.rank == 0 &&
      dtype_is_float((a->type.running ? b : a)->type.dtype)) {
    // a scalar tensor beside a running number: the number takes the tensor's dtype
    if (a->type.running)
      a = build_cast(a, b->type.dtype);
    else
      b = build_cast(b, a->type.dtype);
  }
  DType x = a->type.dtype, y = b->type.dtype;
  if (x != y) {
    bool floats = dtype_is_float(x) && dtype_is_float(y), ints = dtype_is_int(x) && dtype_is_int(y);
    if (!floats && !ints) {
      if (x == DTYPE_BOOL || y == DTYPE_BOOL)
        problem_bool_number(e->problems, ast->at, operator_text(op));
      else
        problem_int_float(e->problems, ast->at, operator_text(op));
      return value_unknown();
    }
    DType wide = a->type.running ? y : b->type.running ? x : x > y ? x : y;
    a = build_cast(a, wide);
    b = build_cast(b, wide);
    x = wide;
  }
  if (!op_takes(code, x)) {
    problem_operator_type(e->problems, ast->at, operator_text(op), shape_text(e, &a->type));
    return value_unknown();
  }
  if ((code == OP_EQ || code == OP_NE) && dtype_is_int(x) && a->type.bound && b->type.bound &&
      a->type.bound != b->type.bound && dim_is_number(a->type.bound, NULL) &&
      dim_is_number(b->type.bound, NULL) && a->op != OP_EXTENT && b->op != OP_EXTENT) {
    problem_bounds(e->problems, ast->at, shape_text(e, &a->type), shape_text(e, &b->type));
    return value_unknown();
  }
  Type shape;
  if (!broadcast(&a->type, &b->type, &shape)) {
    report_shapes(e, ast, op, &a->type, &b->type);
    return value_unknown();
  }
  Node *src[2] = {spread(a, &shape), spread(b, &shape)};
  if (shape.rank == 0) src[0] = a, src[1] = b;
  Node *node = build_map(code, src);
  for (int i = 0; i < shape.rank; i++) node->type.name[i] = shape.name[i];
  return value_tensor(e, node);
}

/* Whole numbers have 64 bits, however narrow they are stored: they are widened before a result, or the number beside
 * them, could be too large. */
Node *whole_widened(Node *x) { return x && dtype_is_int(x->type.dtype) ? build_cast(x, DTYPE_I64) : x; }

static const Value *operate_matmul(Elaborator *e, const Ast *ast, Node *a, Node *b) {
  bool vector = b->type.rank == 1,
       bad = a->type.rank < 1 || b->type.rank < 1 || a->type.dtype != b->type.dtype;
  if (bad) {
    problem_matmul(e->problems, ast->at, shape_text(e, &a->type), shape_text(e, &b->type), NULL, NULL);
    return value_unknown();
  }
  const Dim *inner = a->type.size[a->type.rank - 1],
            *outer = vector ? b->type.size[0] : b->type.size[b->type.rank - 2];
  bool lead = b->type.rank <= 2 || (b->type.rank == a->type.rank);
  for (int i = 0; lead && b->type.rank > 2 && i < a->type.rank - 2; i++)
    lead = a->type.size[i] == b->type.size[i];
  if (inner != outer || !lead) {
    Text x = {0}, y = {0};
    dim_print(inner, &x);
    dim_print(outer, &y);
    problem_matmul(e->problems, ast->at, shape_text(e, &a->type), shape_text(e, &b->type),
                   inner != outer ? text_string(&x) : NULL, text_string(&y));
    text_free(&x);
    text_free(&y);
    return value_unknown();
  }
  // leading dims on the left alone: one product of [rows, inner]
  Type out = a->type;
  out.rank = a->type.rank - (vector ? 1 : 0);
  if (!vector) {
    out.size[out.rank - 1] = b->type.size[b->type.rank - 1];
    out.name[out.rank - 1] = b->type.name[b->type.rank - 1];
  }
  if (vector) b = build_reshape(b, 2, (const Dim *[]){inner, dim_of(1)});
  Node *product;
  if (b->type.rank == 2 && a->type.rank != 2) {
    const Dim *rows = dim_of(1);
    for (int i = 0; i < a->type.rank - 1; i++) rows = dim_mul(rows, a->type.size[i]);
    Node *flat = build_reshape(a, 2, (const Dim *[]){rows, inner});
    product = build_reshape(build_matmul(flat, b, false, false), out.rank, out.size);
  } else {
    product = build_matmul(a, b, false, false);
    if (vector) product = build_reshape(product, out.rank, out.size);
  }
  for (int i = 0; i < out.rank; i++) product->type.name[i] = out.name[i];
  return value_tensor(e, product);
}

static bool is_text_column(const Value *value) {
  return value->kind == VALUE_COLUMN && value->u.column.column->text && value->u.column.column->values;
}

/* `kind == "a"`: a bool for each row. NULL if it is something else. */
static const Value *operate_text_column(Elaborator *e, const Ast *ast, Operator op, const Value *a,
                                        const Value *b) {
  const Value *column = is_text_column(a) ? a : is_text_column(b) ? b : NULL, *text = column == a ? b : a;
  if (!column || text->kind != VALUE_STRING || (op != OPERATOR_EQ && op != OPERATOR_NE)) return NULL;
  Node *equal = dataset_text_equals(e, column->u.column.data, column->u.column.column, text->u.string.bytes,
                                    (size_t)text->u.string.length, ast);
  return value_tensor(e, equal && op == OPERATOR_NE ? build_not(equal) : equal);
}

const Value *operate(Elaborator *e, const Ast *ast, Operator op, const Value *a, const Value *b) {
  if (a->kind == VALUE_UNKNOWN || b->kind == VALUE_UNKNOWN) return value_unknown();
  const Value *out = operate_text_column(e, ast, op, a, b);
  if (out) return out;
  if (op == OPERATOR_COMPOSE) {
    const Value *pair[2] = {a, b};
    Value *composed = (Value *)value_list(e, pair, 2);
    composed->kind = VALUE_COMPOSED;
    return composed;
  }
  if ((a->kind == VALUE_NONE || b->kind == VALUE_NONE) && (op == OPERATOR_EQ || op == OPERATOR_NE))
    return value_bool(e, (a->kind == b->kind) == (op == OPERATOR_EQ));
  if (a->kind == VALUE_INT && b->kind == VALUE_INT)
    out = operate_ints(e, ast, op, a->u.dim, b->u.dim);
  else if (value_is_static_number(a) && value_is_static_number(b))
    out = operate_floats(e, op, a, b);
  else if (a->kind == VALUE_BOOL && b->kind == VALUE_BOOL)
    out = operate_bools(e, op, a, b);
  else if (a->kind == VALUE_STRING && b->kind == VALUE_STRING)
    out = operate_strings(e, op, a, b);
  else if (a->kind == VALUE_LIST && b->kind == VALUE_LIST)
    out = operate_lists(e, op, a, b);
  else if (!(out = record_operate(e, ast, op, a, b))) {
    bool a_tensor = a->kind == VALUE_TENSOR || a->kind == VALUE_COLUMN,
         b_tensor = b->kind == VALUE_TENSOR || b->kind == VALUE_COLUMN;
    int errors = problems_count(e->problems, SEVERITY_ERROR);
    Node *x = a_tensor ? value_node(e, a, ast->u.binary.left) : NULL,
         *y = b_tensor ? value_node(e, b, ast->u.binary.right) : NULL;
    if ((a_tensor && !x) || (b_tensor && !y)) return value_unknown();
    if (a->kind == VALUE_LIST && y)
      return operate(e, ast, op, list_beside(e, ast->u.binary.left, a, &y->type), b);
    if (b->kind == VALUE_LIST && x)
      return operate(e, ast, op, a, list_beside(e, ast->u.binary.right, b, &x->type));
    bool compares = op >= OPERATOR_EQ && op <= OPERATOR_GE;
    if (!compares || !x || !y) x = whole_widened(x), y = whole_widened(y);
    if (!x && y && (value_is_static_number(a) || a->kind == VALUE_BOOL)) x = adapt(e, ast, op, a, &y->type);
    if (!y && x && (value_is_static_number(b) || b->kind == VALUE_BOOL)) y = adapt(e, ast, op, b, &x->type);
    if (problems_count(e->problems, SEVERITY_ERROR) > errors) return value_unknown();
    if (x && y && op == OPERATOR_MATMUL) return operate_matmul(e, ast, x, y);
    if (x && y && operator_op(op) != OP_COUNT) return operate_tensors(e, ast, op, x, y);
  }
  if (out) return out;
  Text left = {0}, right = {0};
  value_print(a, &left);
  value_print(b, &right);
  problem_operands(e->problems, ast->at, operator_text(op), text_string(&left), text_string(&right));
  text_free(&left);
  text_free(&right);
  return value_unknown();
}
