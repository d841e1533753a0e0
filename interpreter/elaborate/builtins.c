/* Calling built-in functions: arguments to slots, and the checks that many of them share.
 *
 * A built-in is a row of a table: a name, a signature, a function. MAP rows of the op table are functions of
 * the language by themselves. */
#include "graph/fold.h"
#include "interpreter/elaborate/elaborate.h"
#include "lang/format.h"
#include "lang/problems.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

#define SLOTS 10

static const BuiltinTable *const tables[] = {
    &builtins_shape,  &builtins_math,    &builtins_data,    &builtins_text,
    &builtins_index,  &builtins_windows, &builtins_pattern, &builtins_random,
    &builtins_images, &builtins_linear,  &builtins_weights, &builtins_gradient,
};

const Builtin *builtin_at(int i) {
  for (size_t t = 0; t < sizeof(tables) / sizeof(*tables); t++) {
    if (i < tables[t]->count) return &tables[t]->row[i];
    i -= tables[t]->count;
  }
  return NULL;
}

bool op_is_function(OpCode op) {
  return op_table[op].group == GROUP_MAP && op != OP_CAST && op != OP_NOT && op != OP_AND && op != OP_OR &&
         op != OP_MIN && op != OP_MAX;
}

void builtins_declare(Elaborator *e, Scope *scope) {
  static const struct {
    const char *name;
    double number;
  } constants[] = {{"pi", 3.14159265358979323846}, {"inf", INFINITY}, {"nan", NAN}};
  for (size_t i = 0; i < sizeof(constants) / sizeof(*constants); i++)
    scope_bind(e, scope, name_of(constants[i].name), value_float(e, constants[i].number));
  for (int i = 0; i < RUN_NAMES; i++) scope_bind(e, scope, name_of(run_name[i]), value_unknown_bool());
  for (int op = 0; op < OP_COUNT; op++) {
    const OpRow *row = &op_table[op];
    if (!op_is_function((OpCode)op)) continue;
    Value *value = ARENA_NEW(e->arena, Value);
    *value = (Value){.kind = VALUE_BUILTIN, .known = true, .u.op = (OpCode)op};
    scope_bind(e, scope, name_of(row->name), value);
  }
  for (size_t t = 0; t < sizeof(tables) / sizeof(*tables); t++)
    for (int i = 0; i < tables[t]->count; i++) {
      Value *value = ARENA_NEW(e->arena, Value);
      *value = (Value){.kind = VALUE_BUILTIN, .known = true, .u.builtin = &tables[t]->row[i]};
      value->scope = scope; // marks a table row: `op` is not meant
      scope_bind(e, scope, name_of(tables[t]->row[i].name), value);
    }
}

// ---- arguments ----------------------------------------------------------------------------------------------

const Value *slot_error(Elaborator *e, const Ast *at, const Argument *slot, const char *wanted) {
  if (slot->value && slot->value->kind != VALUE_UNKNOWN) {
    Text text = {0};
    value_print(slot->value, &text);
    problem_builtin_argument(e->problems, slot->ast ? slot->ast->span : at->span, wanted, text_string(&text));
    text_free(&text);
  }
  return value_unknown();
}

Node *slot_tensor(Elaborator *e, const Ast *at, const Argument *slot) {
  if (!slot->value || slot->value->kind == VALUE_UNKNOWN) return NULL;
  if (slot->value->kind == VALUE_LIST) { // numbers beside each other become a tensor
    int count = slot->value->u.items.count;
    Node **item = ARENA_ARRAY(e->arena, Node *, count + 1);
    bool ok = count > 0;
    for (int i = 0; i < count && ok; i++) {
      Node *one = value_float_node(e, slot->value->u.items.item[i], slot->ast);
      ok = one && one->type.rank == 0;
      if (ok) item[i] = build_reshape(build_cast(one, e->precision), 1, (const Dim *[]){dim_of(1)});
    }
    if (ok) return count == 1 ? item[0] : build_concat(e->graph, item, count, 0);
  }
  int errors = problems_count(e->problems, SEVERITY_ERROR);
  Node *node = value_node(e, slot->value, slot->ast ? slot->ast : at);
  if (!node && problems_count(e->problems, SEVERITY_ERROR) == errors) slot_error(e, at, slot, "a tensor");
  return node;
}

Node *slot_float(Elaborator *e, const Ast *at, const Argument *slot) {
  if (slot->value && slot->value->kind == VALUE_INT) return value_float_node(e, slot->value, slot->ast);
  Node *node = slot_tensor(e, at, slot);
  if (node && !dtype_is_float(node->type.dtype)) {
    Text text = {0};
    type_print(&node->type, &text);
    problem_builtin_argument(e->problems, slot->ast ? slot->ast->span : at->span, "floats: float(…) converts",
                             text_string(&text));
    text_free(&text);
    return NULL;
  }
  return node;
}

bool slot_int(Elaborator *e, const Ast *at, const Argument *slot, int64_t fallback, int64_t *out) {
  *out = fallback;
  if (!slot->value) return true;
  if (slot->value->kind == VALUE_INT && dim_is_number(slot->value->u.dim, out)) return true;
  if (slot->value->kind == VALUE_INT) return false; // a symbol: the generic check
  slot_error(e, at, slot, "a whole number known before the run");
  return false;
}

bool slot_number(Elaborator *e, const Ast *at, const Argument *slot, double fallback, double *out) {
  *out = fallback;
  if (!slot->value || value_number(slot->value, out)) return true;
  if (!value_is_static_number(slot->value)) slot_error(e, at, slot, "a number known before the run");
  return false;
}

bool slot_shape(Elaborator *e, const Ast *at, const Argument *slot, int *rank, const Dim **size) {
  const Value *list = slot->value;
  if (list && list->kind == VALUE_INT) {
    *rank = 1;
    size[0] = list->u.dim;
    return true;
  }
  if (!list || list->kind != VALUE_LIST) {
    slot_error(e, at, slot, "a shape such as [B, 10]");
    return false;
  }
  if (list->u.items.count > MAX_RANK) {
    problem_rank_limit(e->problems, slot->ast ? slot->ast->span : at->span);
    return false;
  }
  for (int i = 0; i < list->u.items.count; i++) {
    const Value *item = list->u.items.item[i];
    int64_t number;
    if (item->kind == VALUE_UNKNOWN) return false;
    if (item->kind != VALUE_INT || (dim_is_number(item->u.dim, &number) && number < 0)) {
      slot_error(e, at, slot, "a shape of whole numbers from 0 up");
      return false;
    }
    size[i] = item->u.dim;
  }
  *rank = list->u.items.count;
  return true;
}

static int axis_by_name(const Argument *slot, const Node *x) {
  const Ast *ast = slot->ast && slot->ast->kind == AST_ARG ? slot->ast->u.arg.value : slot->ast;
  if (!ast || ast->kind != AST_NAME) return -1;
  for (int i = 0; i < x->type.rank; i++)
    if (x->type.name[i] == ast->u.name) return i;
  return -1;
}

static int axis_number(Elaborator *e, const Argument *slot, const Value *value, const Node *x) {
  int64_t number;
  if (value->kind != VALUE_INT) return -1;
  if (!dim_is_number(value->u.dim, &number)) return e->generic ? x->type.rank - 1 : -1; // any axis will do
  int hidden = example_dims(e, x);
  number += number < 0 ? x->type.rank : hidden;
  if (number >= hidden && number < x->type.rank) return (int)number;
  Text text = {0};
  type_print(&x->type, &text);
  problem_axis(e->problems, slot->ast->span, text_string(&text), x->type.rank - hidden);
  text_free(&text);
  return -2;
}

int slot_axis(Elaborator *e, const Argument *slot, const Node *x, int fallback) {
  if (!slot->value) return fallback < 0 ? x->type.rank + fallback : fallback + example_dims(e, x);
  int named = axis_by_name(slot, x);
  if (named >= 0) return named;
  int axis = axis_number(e, slot, slot->value, x);
  if (axis == -1) slot_error(e, slot->ast, slot, "an axis: a number, or the name of a dim");
  return axis < 0 ? -1 : axis;
}

int slot_axes(Elaborator *e, const Argument *slot, const Node *x, int *axis) {
  int count = 0, hidden = example_dims(e, x);
  if (!slot->value) {
    for (int i = hidden; i < x->type.rank; i++) axis[count++] = i;
    return count;
  }
  if (slot->value->kind == VALUE_RECORD && slot->value->u.items.count == 1) { // all_but(i)
    int but = axis_number(e, slot, slot->value->u.items.item[0], x);
    for (int i = hidden; i < x->type.rank && but >= 0; i++)
      if (i != but) axis[count++] = i;
    return but < 0 ? -1 : count;
  }
  if (slot->value->kind != VALUE_LIST) {
    axis[0] = slot_axis(e, slot, x, 0);
    return axis[0] < 0 ? -1 : 1;
  }
  bool taken[MAX_RANK] = {false};
  for (int i = 0; i < slot->value->u.items.count; i++) {
    int one = axis_number(e, slot, slot->value->u.items.item[i], x);
    if (one == -1) slot_error(e, slot->ast, slot, "axes: numbers or names of dims");
    if (one < 0) return -1;
    taken[one] = true;
  }
  for (int i = 0; i < x->type.rank; i++)
    if (taken[i]) axis[count++] = i;
  return count;
}

const Value *inputs_error(Elaborator *e, const Ast *at, const char *name, const Node *a, const Node *b,
                          const char *why, const char *help) {
  Text x = {0}, y = {0};
  type_print(&a->type, &x);
  type_print(&b->type, &y);
  problem_inputs(e->problems, at->at.source ? at->at : at->span, name, text_string(&x), text_string(&y), why,
                 help);
  text_free(&x);
  text_free(&y);
  return value_unknown();
}

bool axis_size(Elaborator *e, const Ast *at, const char *name, const Node *x, int axis, int64_t *size) {
  if (dim_is_number(x->type.size[axis], size)) return true;
  if (e->generic) return false;
  Text text = {0};
  type_print(&x->type, &text);
  problem_open_size(e->problems, at->at.source ? at->at : at->span, name, text_string(&text), axis);
  text_free(&text);
  return false;
}

Node *unknown_tensor(Elaborator *e, const Type *type) {
  return build_read(e->graph, variable_new(e, VARIABLE_CONSTANT, "unknown", *type, (Span){0}));
}

/* A call site: the path of the layer it belongs to and its number among the random calls made there. */
uint64_t random_site(Elaborator *e) {
  const char *path = e->frame && e->frame->path ? e->frame->path : "";
  uint64_t hash = e->site;
  for (const char *p = path; *p; p++) hash = (hash ^ (unsigned char)*p) * 1099511628211u; // FNV-1a
  RandomSites *sites = &e->random;
  int i = 0;
  while (i < sites->count && sites->place[i].place != hash) i++;
  if (i == sites->count) {
    sites->place =
        arena_grow(e->arena, sites->place, (size_t)sites->count++, &sites->capacity, sizeof(*sites->place));
    sites->place[i].place = hash;
    sites->place[i].count = 0;
  }
  return hash + (uint64_t)sites->place[i].count++ * 0x9E3779B97F4A7C15u;
}

// ---- MAP rows as functions ------------------------------------------------------------------------------------

static const Value *map_numbers(Elaborator *e, OpCode op, const Argument *args, int count) {
  Number in[3] = {{0}}, out;
  bool whole = op == OP_ABS || op == OP_SIGN;
  for (int i = 0; i < count; i++) {
    double number;
    whole = whole && args[i].value->kind == VALUE_INT;
    if (!value_number(args[i].value, &number)) return value_unknown_float();
    in[i].number = number;
    in[i].whole = (int64_t)number;
  }
  if (op == OP_FLOOR || op == OP_CEIL || op == OP_ROUND) {
    fold_map(op, DTYPE_F64, in, &out);
    return fabs(out.number) < 9007199254740992.0 ? value_whole(e, (int64_t)out.number)
                                                 : value_float(e, out.number);
  }
  if (!fold_map(op, whole ? DTYPE_I64 : DTYPE_F64, in, &out)) return NULL;
  if (op_table[op].gives == 'B') return value_bool(e, out.whole != 0);
  return whole ? value_whole(e, out.whole) : value_float(e, out.number);
}

static bool dim_is_one(const Dim *dim) {
  int64_t number;
  return dim_is_number(dim, &number) && number == 1;
}

static const Value *call_map(Elaborator *e, const Ast *at, OpCode op, const Argument *args, int count) {
  int arity = op_table[op].arity;
  if (count != arity) {
    problem_argument_count(e->problems, at->at.source ? at->at : at->span, op_table[op].name, arity, count);
    return value_unknown();
  }
  bool numbers = true;
  for (int i = 0; i < count; i++) {
    if (args[i].value->kind == VALUE_UNKNOWN) return value_unknown();
    numbers = numbers && value_is_static_number(args[i].value);
  }
  if (numbers && op != OP_STOP) {
    const Value *value = map_numbers(e, op, args, count);
    if (value) return value;
  }
  Node *src[3] = {NULL};
  DType dtype = DTYPE_BOOL;
  const Type *shape = NULL;
  bool running = false; // all tensors among the inputs are numbers between steps
  for (int i = 0; i < count; i++)
    if (args[i].value->kind == VALUE_TENSOR) running = args[i].value->u.tensor.node->type.running;
  for (int i = 0; i < count; i++)
    if (args[i].value->kind == VALUE_TENSOR) running = running && args[i].value->u.tensor.node->type.running;
  for (int i = 0; i < count; i++) {
    src[i] = op_takes(op, DTYPE_I64) ? slot_tensor(e, at, &args[i]) : slot_float(e, at, &args[i]);
    if (!src[i]) return value_unknown();
    if (!(op == OP_WHERE && i == 0) && args[i].value->kind == VALUE_TENSOR &&
        (running || !src[i]->type.running) && src[i]->type.dtype > dtype)
      dtype = src[i]->type.dtype;
    if (src[i]->type.rank && (!shape || src[i]->type.rank > shape->rank)) shape = &src[i]->type;
  }
  if (op == OP_WHERE && dtype == DTYPE_BOOL) // where(c, 1.0, 0): numbers alone meet in the widest
    for (int i = 1; i < count; i++)
      if (src[i]->type.dtype > dtype) dtype = src[i]->type.dtype;
  Type full; // of the result: where one of the inputs has a 1, another may have more
  if (shape) {
    full = *shape;
    for (int i = 0; i < count; i++)
      for (int k = 0; src[i]->type.rank == full.rank && k < full.rank; k++)
        if (dim_is_one(full.size[k])) full.size[k] = src[i]->type.size[k];
    shape = &full;
  }
  for (int i = 0; i < count; i++) {
    if (op == OP_WHERE && i == 0) {
      if (src[0]->type.dtype != DTYPE_BOOL) return slot_error(e, at, &args[0], "a condition (bool)");
    } else if (src[i]->type.dtype != dtype && dtype != DTYPE_BOOL) {
      if (args[i].value->kind == VALUE_TENSOR &&
          dtype_is_float(dtype) != dtype_is_float(src[i]->type.dtype)) {
        problem_int_float(e->problems, at->at.source ? at->at : at->span, op_table[op].name);
        return value_unknown();
      }
      double number;
      src[i] = value_number(args[i].value, &number) && dtype_is_float(dtype)
                   ? build_number(e->graph, dtype, number)
                   : build_cast(src[i], dtype);
      src[i]->type.running = running && src[i]->op == OP_CONSTANT;
    }
    if (!shape || type_same_shape(&src[i]->type, shape)) continue;
    // the same rules as for operators: a scalar, a 1, or the exact tail
    const Type *t = &src[i]->type;
    bool fits = true;
    for (int k = 0; k < t->rank; k++) {
      const Dim *mine = t->size[k], *whole = shape->size[shape->rank - t->rank + k];
      fits = fits && (mine == whole || (t->rank == shape->rank && dim_is_one(mine)));
    }
    if (!fits) {
      Text a = {0}, b = {0};
      type_print(shape, &a);
      type_print(t, &b);
      problem_map_shapes(e->problems, at->at.source ? at->at : at->span, op_table[op].name, text_string(&a),
                         text_string(&b));
      text_free(&a);
      text_free(&b);
      return value_unknown();
    }
    if (t->rank) src[i] = build_expand(src[i], shape->rank, shape->size);
  }
  if (!op_takes(op, src[arity - 1]->type.dtype))
    return slot_error(e, at, &args[arity - 1], "numbers that it is defined for");
  return value_tensor(e, build_map(op, src));
}

// ---- calling --------------------------------------------------------------------------------------------------

const Value *builtin_call(Elaborator *e, const Ast *at, const Value *callee, const Argument *args,
                          int count) {
  if (!callee->scope) return call_map(e, at, callee->u.op, args, count);
  const Builtin *builtin = callee->u.builtin;
  Argument slot[SLOTS] = {{0}};
  const char *names[SLOTS];
  bool optional[SLOTS] = {false};
  int slots = 0, rests = 0, next = 0;
  bool open = false;
  for (const char *p = builtin->signature; *p;) {
    size_t length = strcspn(p, " ");
    if (*p == '*')
      open = true;
    else {
      bool maybe = p[length - 1] == '?';
      optional[slots] = maybe;
      names[slots++] = name_of_n(p, length - maybe);
    }
    p += length;
    while (*p == ' ') p++;
  }
  Argument *rest = ARENA_ARRAY(e->arena, Argument, count + 1);
  Span place = at->at.source ? at->at : at->span;
  for (int i = 0; i < count; i++) {
    int k = next;
    if (args[i].name && open) {
      k = slots; // its names are the program's own
    } else if (args[i].name) {
      for (k = 0; k < slots && names[k] != args[i].name;) k++;
      if (k == slots) {
        problem_no_setting(e->problems, args[i].ast->span, builtin->name, args[i].name, false,
                           name_nearest(args[i].name, names, slots), builtin->signature);
        return value_unknown();
      }
    }
    if (k < slots) {
      slot[k] = args[i];
      if (!args[i].name) next++;
    } else if (open)
      rest[rests++] = args[i];
    else {
      problem_many_arguments(e->problems, args[i].ast ? args[i].ast->span : place, builtin->name, slots,
                             false);
      return value_unknown();
    }
  }
  for (int k = 0; k < slots; k++)
    if (!slot[k].value && !optional[k]) {
      problem_missing_argument(e->problems, place, builtin->name, names[k], NULL, false);
      return value_unknown();
    }
  return builtin->call(e, at, slot, rest, rests);
}
