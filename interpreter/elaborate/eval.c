/* Expressions and plain statements.
 *
 * One function a kind of tree, found in a table. Left-deep chains (`+`, `|>`, `.x`) are walked by loops, so a
 * long program needs no deep stack. */
#include "interpreter/elaborate/elaborate.h"
#include "lang/format.h"
#include "lang/problems.h"

#include <string.h>

typedef const Value *Eval(Elaborator *e, Scope *scope, const Ast *ast);

static const Value *eval_int(Elaborator *e, Scope *scope, const Ast *ast) {
  (void)scope;
  return value_whole(e, ast->u.integer);
}

static const Value *eval_float(Elaborator *e, Scope *scope, const Ast *ast) {
  (void)scope;
  return value_float(e, ast->u.real);
}

static const Value *eval_string(Elaborator *e, Scope *scope, const Ast *ast) {
  (void)scope;
  return value_string(e, ast->u.string.bytes, ast->u.string.length);
}

static const Value *eval_bool(Elaborator *e, Scope *scope, const Ast *ast) {
  (void)scope;
  return value_bool(e, ast->u.truth);
}

static const Value *eval_none(Elaborator *e, Scope *scope, const Ast *ast) {
  (void)e, (void)scope, (void)ast;
  return value_none();
}

static const Value *eval_name(Elaborator *e, Scope *scope, const Ast *ast) {
  return scope_value(e, scope, ast->u.name, ast);
}

static const Value *eval_unary(Elaborator *e, Scope *scope, const Ast *ast) {
  const Value *x = eval(e, scope, ast->u.unary.operand);
  double number;
  if (x->kind == VALUE_UNKNOWN) return x;
  if (ast->u.unary.op == OPERATOR_NOT) {
    if (x->kind == VALUE_BOOL) return x->known ? value_bool(e, !x->u.truth) : x;
    Node *node = x->kind == VALUE_TENSOR ? x->u.tensor.node : NULL;
    if (node && node->type.dtype == DTYPE_BOOL) return value_tensor(e, build_not(node));
    problem_operand(e->problems, ast->at, "not", value_kind_text(x), "a bool");
    return value_unknown();
  }
  if (record_of(e, x)) return record_operate(e, ast, OPERATOR_MUL, value_whole(e, -1), x);
  if (x->kind == VALUE_INT) return value_int(e, dim_sub(dim_of(0), x->u.dim));
  if (x->kind == VALUE_FLOAT) return value_number(x, &number) ? value_float(e, -number) : x;
  Node *node = value_node(e, x, ast->u.unary.operand);
  if (node && node->type.dtype != DTYPE_BOOL) return value_tensor(e, build_neg(whole_widened(node)));
  if (x->kind != VALUE_COLUMN)
    problem_operand(e->problems, ast->at, "-", value_kind_text(x), "a number or a tensor of numbers");
  return value_unknown();
}

/* `x |> right`. */
static const Value *eval_pipe(Elaborator *e, Scope *scope, const Value *x, const Ast *x_ast,
                              const Ast *right) {
  Argument *args;
  if (right->kind == AST_CALL) {
    const Value *callee = eval(e, scope, right->u.call.callee);
    Form *form = form_of(callee);
    if (form) {
      Argument input = {NULL, x, x_ast};
      const Value *made = form(e, scope, right);
      return made->kind == VALUE_UNKNOWN ? made : call_value(e, right, made, &input, 1);
    }
    if (callee->kind == VALUE_LAYER) {
      int count = call_arguments(e, scope, &right->u.call.items, NULL, NULL, &args);
      const Value *instance = layer_make(e, right, callee, args, count, NULL);
      Argument input = {NULL, x, x_ast};
      return instance->kind == VALUE_UNKNOWN ? instance : call_value(e, right, instance, &input, 1);
    }
    int count = call_arguments(e, scope, &right->u.call.items, x, x_ast, &args);
    return call_value(e, right, callee, args, count);
  }
  const Value *callee = eval(e, scope, right);
  if (callee->kind == VALUE_LAYER) {
    Text text = {0};
    ast_write(right, &text);
    problem_layer_bare(e->problems, right->span, text_string(&text));
    text_free(&text);
    return value_unknown();
  }
  Argument input = {NULL, x, x_ast};
  return call_value(e, right, callee, &input, 1);
}

static const Value *eval_binary(Elaborator *e, Scope *scope, const Ast *ast) {
  int depth = 0;
  for (const Ast *a = ast; a->kind == AST_BINARY; a = a->u.binary.left) depth++;
  const Ast **chain = ARENA_ARRAY(e->arena, const Ast *, depth);
  int i = depth;
  const Ast *first = ast;
  for (; first->kind == AST_BINARY; first = first->u.binary.left) chain[--i] = first;
  const Value *value = eval(e, scope, first);
  for (i = 0; i < depth; i++) {
    const Ast *a = chain[i];
    if (a->u.binary.op == OPERATOR_PIPE) {
      if (!e->functions && e->graph) e->graph->place = a->u.binary.right->span;
      value = eval_pipe(e, scope, value, a->u.binary.left, a->u.binary.right);
      continue;
    }
    const Value *right = eval(e, scope, a->u.binary.right);
    if (!e->functions && e->graph) e->graph->place = (Span){a->at.source, a->at.start, a->span.end};
    value = operate(e, a, a->u.binary.op, value, right);
  }
  return value;
}

static const Value *eval_call(Elaborator *e, Scope *scope, const Ast *ast) {
  const Value *callee = eval(e, scope, ast->u.call.callee);
  Form *form = form_of(callee);
  if (form) return form(e, scope, ast);
  Argument *args;
  int count = call_arguments(e, scope, &ast->u.call.items, NULL, NULL, &args);
  return call_value(e, ast, callee, args, count);
}

static const Value *record_field(Elaborator *e, const Ast *ast, const Value *base, Name name, int64_t part) {
  for (int i = 0; i < base->u.items.count; i++)
    if (name ? base->u.items.name && base->u.items.name[i] == name : i == part) return base->u.items.item[i];
  problem_no_field(e->problems, ast->at, name ? name : "this part", base->u.items.name, base->u.items.count);
  return value_unknown();
}

/* How many classes a field has, how many training rows each, and those with a meaning. NULL: it has no such thing. */
static const Value *fitted_property(Elaborator *e, const Fitted *fitted, Name name) {
  static const char *const role[] = {"pad", "start", "end", "unknown"};
  if (!fitted_is_classes(fitted)) return NULL;
  if (!strcmp(name, "classes")) return value_whole(e, fitted->classes);
  if (!strcmp(name, "counts")) {
    Type type = type_of(DTYPE_I64, 1, (const Dim *[]){dim_of(fitted->classes)});
    Variable *variable = variable_new(e, VARIABLE_CONSTANT, "counts", type, (Span){0});
    variable->data = fitted->class_count;
    return value_tensor(e, build_read(e->graph, variable));
  }
  for (int i = CLASS_PAD; i <= CLASS_UNKNOWN; i++)
    if (!strcmp(name, role[i]) && fitted_role(fitted, (ClassRole)i) >= 0)
      return value_whole(e, fitted_role(fitted, (ClassRole)i));
  return NULL;
}

/* A whole column, or of it the rows that were chosen. */
const Value *data_field(Elaborator *e, const Ast *ast, const Value *base, Name name) {
  const Value *whole = dataset_whole(e, base->u.data.data, base->u.data.part, name, ast);
  if (!base->u.data.rows || whole->kind != VALUE_TENSOR) return whole;
  return index_value(e, base->u.data.scope, base->u.data.rows, whole);
}

/* net.Dense.1.b, net.Block: weights by their path; NULL where the name in front is no model that has some there. */
static const Value *path_value(Elaborator *e, Scope *scope, const Ast *ast) {
  const Ast *root = ast;
  while (root->kind == AST_FIELD || root->kind == AST_PART) root = root->u.field.base;
  Binding *binding = root->kind == AST_NAME ? scope_find(scope, root->u.name) : NULL;
  if (!binding || !binding->declaration || binding->declaration->kind != AST_MODEL) return NULL;
  Text path = {0};
  ast_write(ast, &path);
  const Weight *whole = NULL;
  bool some = false;
  for (int i = 0; i < e->weights; i++) {
    const char *shown = weight_path(e, &e->weight[i]), *canonical = e->weight[i].canonical;
    if (!strcmp(shown, text_string(&path)) || !strcmp(canonical, text_string(&path))) whole = &e->weight[i];
    some = some || path_below(shown, text_string(&path)) || path_below(canonical, text_string(&path));
  }
  const Value *value = NULL;
  if (whole)
    value = value_tensor(e, variable_value(e, whole->variable));
  else if (some && ast->u.field.base->kind != AST_NAME && binding->value &&
           binding->value->kind == VALUE_INSTANCE) {
    Value *selection = ARENA_NEW(e->arena, Value);
    *selection = (Value){.kind = VALUE_WEIGHTS, .known = true};
    selection->u.weights.model = root->u.name;
    selection->u.weights.glob = arena_printf(e->arena, "%s.**", text_string(&path));
    value = weights_value(e, selection, ast);
  }
  text_free(&path);
  return value;
}

static const Value *eval_field(Elaborator *e, Scope *scope, const Ast *ast) {
  const Value *weights = path_value(e, scope, ast);
  if (weights) return weights;
  const Value *base = eval(e, scope, ast->u.field.base);
  Name name = ast->kind == AST_FIELD ? ast->u.field.name : NULL;
  static const char *const parts[PART_COUNT] = {"", "train", "valid", "test"};
  const Value *value = NULL;
  switch (base->kind) {
  case VALUE_UNKNOWN: return base;
  case VALUE_INSTANCE:
    value = name ? instance_weight(e, base, name, ast) : NULL;
    if (value) return value;
    break;
  case VALUE_RECORD: return record_field(e, ast, base, name, ast->u.field.part);
  case VALUE_DATA:
    for (int p = PART_TRAIN; p < PART_COUNT && name; p++)
      if (!strcmp(name, parts[p])) {
        Value *part = ARENA_NEW(e->arena, Value);
        *part = *base;
        part->u.data.part = (PartName)p;
        part->u.data.whole = false;
        return part;
      }
    if (name) return data_field(e, ast, base, name);
    break;
  case VALUE_TENSOR:
    if (name && base->u.tensor.fitted) value = fitted_property(e, base->u.tensor.fitted, name);
    if (value) return value;
    break;
  case VALUE_COLUMN:
    if (name && base->u.column.fitted) value = fitted_property(e, base->u.column.fitted, name);
    if (value) return value;
    break;
  default: break;
  }
  problem_no_fields(e->problems, ast->at, value_kind_text(base));
  return value_unknown();
}

static const Value *eval_list(Elaborator *e, Scope *scope, const Ast *ast) {
  int count = ast->u.list.count;
  const Value **item = ARENA_ARRAY(e->arena, const Value *, count + 1);
  for (int i = 0; i < count; i++) item[i] = eval(e, scope, ast->u.list.item[i]);
  return value_list(e, item, count);
}

static const Value *eval_tuple(Elaborator *e, Scope *scope, const Ast *ast) {
  int count = ast->u.list.count, names = 0;
  const Value **item = ARENA_ARRAY(e->arena, const Value *, count + 1);
  Name *name = ARENA_ARRAY(e->arena, Name, count + 1);
  for (int i = 0; i < count; i++) {
    item[i] = eval(e, scope, ast->u.list.item[i]->u.arg.value);
    name[i] = ast->u.list.item[i]->u.arg.name;
    names += name[i] != NULL;
  }
  return value_record(e, item, names ? name : NULL, count);
}

int eval_rounds(Elaborator *e, const Ast *at, const Value *over, const Value ***out) {
  int64_t from, to;
  if (over->kind == VALUE_UNKNOWN) return -1;
  if (over->kind == VALUE_LIST) {
    *out = (const Value **)over->u.items.item;
    return over->u.items.count;
  }
  if (over->kind == VALUE_RANGE) {
    bool known = dim_is_number(over->u.range.from, &from) && dim_is_number(over->u.range.to, &to);
    if (!known) { // generic check: one round with the index unknown
      *out = ARENA_ARRAY(e->arena, const Value *, 1);
      (*out)[0] = value_int(e, dim_symbol(name_of("i")));
      return 1;
    }
    int64_t count = to > from ? to - from : 0;
    if (count > 1000000) {
      problem_too_many(e->problems, at->span, "rounds of a loop", 1000000);
      return -1;
    }
    *out = ARENA_ARRAY(e->arena, const Value *, count + 1);
    for (int64_t i = 0; i < count; i++) (*out)[i] = value_whole(e, from + i);
    return (int)count;
  }
  problem_not_iterable(e->problems, at->span, value_kind_text(over));
  return -1;
}

static const Value *eval_comprehension(Elaborator *e, Scope *scope, const Ast *ast) {
  const Value **over;
  int count = eval_rounds(e, ast->u.each.over, eval(e, scope, ast->u.each.over), &over);
  if (count < 0) return value_unknown();
  const Value **item = ARENA_ARRAY(e->arena, const Value *, count + 1);
  for (int i = 0; i < count; i++) {
    Scope *inner = scope_new(e, scope);
    scope_bind(e, inner, ast->u.each.name, over[i]);
    item[i] = eval(e, inner, ast->u.each.value);
  }
  return value_list(e, item, count);
}

/* Both arms of an `if` whose condition is not known yet: they must agree. */
static const Value *eval_both(Elaborator *e, Scope *scope, const Ast *ast) {
  const Value *a = eval_block(e, scope, ast->u.branch.then);
  const Value *b = ast->u.branch.otherwise ? eval_block(e, scope, ast->u.branch.otherwise) : value_none();
  if (a->kind == VALUE_TENSOR && b->kind == VALUE_TENSOR &&
      type_same_shape(&a->u.tensor.node->type, &b->u.tensor.node->type))
    return value_tensor(e, a->u.tensor.node);
  return value_unknown();
}

static const Value *eval_if(Elaborator *e, Scope *scope, const Ast *ast) {
  const Value *condition = eval(e, scope, ast->u.branch.condition);
  if (condition->kind == VALUE_UNKNOWN || (condition->kind == VALUE_BOOL && !condition->known))
    return eval_both(e, scope, ast);
  Node *node = condition->kind == VALUE_TENSOR ? condition->u.tensor.node : NULL;
  if (node && node->type.rank == 0 && node->type.dtype == DTYPE_BOOL) return eval_branch(e, scope, ast, node);
  if (condition->kind != VALUE_BOOL) {
    Text shown = {0}, text = {0};
    value_print(condition, &shown);
    ast_write(ast->u.branch.condition, &text);
    problem_condition(e->problems, ast->u.branch.condition->span, text_string(&shown), text_string(&text));
    text_free(&shown);
    text_free(&text);
    return value_unknown();
  }
  if (condition->u.truth) return eval_block(e, scope, ast->u.branch.then);
  return ast->u.branch.otherwise ? eval_block(e, scope, ast->u.branch.otherwise) : value_none();
}

static const Value *eval_lambda(Elaborator *e, Scope *scope, const Ast *ast) {
  Value *value = ARENA_NEW(e->arena, Value);
  *value = (Value){.kind = VALUE_FUNCTION, .known = true, .ast = ast, .scope = scope};
  return value;
}

static const Value *eval_misplaced(Elaborator *e, Scope *scope, const Ast *ast) {
  (void)scope;
  problem_misplaced(e->problems, ast->span);
  return value_unknown();
}

const Value *eval(Elaborator *e, Scope *scope, const Ast *ast) {
  static Eval *const table[] = {
      [AST_INT] = eval_int,     [AST_FLOAT] = eval_float,   [AST_STRING] = eval_string,
      [AST_BOOL] = eval_bool,   [AST_NONE] = eval_none,     [AST_NAME] = eval_name,
      [AST_UNARY] = eval_unary, [AST_BINARY] = eval_binary, [AST_CALL] = eval_call,
      [AST_INDEX] = eval_index, [AST_FIELD] = eval_field,   [AST_PART] = eval_field,
      [AST_TUPLE] = eval_tuple, [AST_LIST] = eval_list,     [AST_COMPREHENSION] = eval_comprehension,
      [AST_IF] = eval_if,       [AST_LAMBDA] = eval_lambda, [AST_SCAN] = eval_scan,
      [AST_MAP] = eval_map,     [AST_BLOCK] = eval_block,
  };
  Span span = e->graph ? e->graph->span : (Span){0};
  Span place = e->graph ? e->graph->place : (Span){0};
  bool operation = ast->kind == AST_BINARY || ast->kind == AST_CALL || ast->kind == AST_INDEX;
  if (e->graph && operation) e->graph->span = ast->span;
  if (e->graph && (operation || ast->kind == AST_FIELD) && !e->functions) e->graph->place = ast->span;
  Eval *function = (size_t)ast->kind < sizeof(table) / sizeof(*table) ? table[ast->kind] : NULL;
  const Value *value = (function ? function : eval_misplaced)(e, scope, ast);
  if (e->graph) e->graph->span = span, e->graph->place = place;
  return value;
}

// ---- statements ---------------------------------------------------------------------------------------------

/* A let gives its name to a layer that it holds: `let f = Dense(8)`. */
static const Value *let_value(Elaborator *e, Scope *scope, const Ast *let) {
  const Ast *value = let->u.binding.value;
  if (value->kind == AST_CALL && let->u.binding.pattern->kind == AST_NAME) {
    const Value *callee = eval(e, scope, value->u.call.callee);
    Form *form = form_of(callee);
    if (form) return form(e, scope, value);
    Argument *args;
    int count = call_arguments(e, scope, &value->u.call.items, NULL, NULL, &args);
    if (callee->kind == VALUE_LAYER)
      return layer_make(e, value, callee, args, count, let->u.binding.pattern->u.name);
    Span span = e->graph->span, place = e->graph->place;
    e->graph->span = value->span;
    if (!e->functions) e->graph->place = value->span;
    const Value *result = call_value(e, value, callee, args, count);
    e->graph->span = span;
    e->graph->place = place;
    return result;
  }
  return eval(e, scope, value);
}

static void bind_pattern(Elaborator *e, Scope *scope, const Ast *pattern, const Value *value) {
  if (pattern->kind == AST_NAME) {
    scope_bind(e, scope, pattern->u.name, value);
    scope_place(scope, pattern->u.name, pattern->span);
    return;
  }
  int count = pattern->u.list.count;
  bool fits = (value->kind == VALUE_RECORD || value->kind == VALUE_LIST) && value->u.items.count == count;
  if (!fits && value->kind != VALUE_UNKNOWN)
    problem_pattern(e->problems, pattern->span, count, value_kind_text(value));
  for (int i = 0; i < count; i++)
    if (pattern->u.list.item[i]->kind == AST_NAME) {
      scope_bind(e, scope, pattern->u.list.item[i]->u.name, fits ? value->u.items.item[i] : value_unknown());
      scope_place(scope, pattern->u.list.item[i]->u.name, pattern->u.list.item[i]->span);
    }
}

static void assign(Elaborator *e, Scope *scope, const Ast *statement) {
  Name name = statement->u.binding.name;
  const Value *value = eval(e, scope, statement->u.binding.value);
  Binding *binding = scope_find(scope, name);
  if (!binding || binding->declaration) {
    problem_assign_new(e->problems, statement->at, name, scope_nearest(e, scope, name));
    scope_bind(e, scope, name, value_unknown());
    return;
  }
  if (!binding->state) {
    binding->value = value;
    return;
  }
  Node *node = value_float_node(e, value, statement->u.binding.value);
  if (!node) return;
  const Type *want = &binding->state->type;
  if (node->type.rank == 0 && want->rank) node = build_expand(node, want->rank, want->size);
  if (!type_same_shape(&node->type, want)) {
    Text a = {0}, b = {0};
    type_print(want, &a);
    type_print(&node->type, &b);
    problem_state_shape(e->problems, statement->at, name, text_string(&a), text_string(&b));
    text_free(&a);
    text_free(&b);
    return;
  }
  variable_update(e, binding->state, build_cast(node, want->dtype));
}

static void run_for(Elaborator *e, Scope *scope, const Ast *ast) {
  const Value **over;
  int count = eval_rounds(e, ast->u.each.over, eval(e, scope, ast->u.each.over), &over);
  for (int i = 0; i < count; i++) {
    Scope *inner = scope_new(e, scope);
    scope_bind(e, inner, ast->u.each.name, over[i]);
    eval_statements(e, inner, ast->u.each.value);
  }
}

bool eval_statement(Elaborator *e, Scope *scope, const Ast *statement, const Value **value) {
  switch (statement->kind) {
  case AST_LET: {
    const Value *made = let_value(e, scope, statement);
    Type declared;
    if (statement->u.binding.type && statement->u.binding.type->kind == AST_TYPE_TENSOR)
      eval_type_dims(e, scope, statement->u.binding.type, &declared);
    bind_pattern(e, scope, statement->u.binding.pattern, made);
    return true;
  }
  case AST_ASSIGN: assign(e, scope, statement); return true;
  case AST_PARAM: param_declare(e, scope, statement); return true;
  case AST_STATE: state_declare(e, scope, statement); return true;
  case AST_FOR: run_for(e, scope, statement); return true;
  case AST_IF: *value = eval_if(e, scope, statement); return true;
  case AST_YIELD: *value = eval_yield(e, scope, statement); return true;
  default:
    if (statement->kind > AST_ARG) return false;
    *value = eval(e, scope, statement);
    return true;
  }
}

const Value *eval_statements(Elaborator *e, Scope *scope, const Ast *block) {
  const Value *value = value_none();
  if (block->kind != AST_BLOCK) return eval(e, scope, block);
  for (int i = 0; i < block->u.list.count; i++) {
    const Ast *statement = block->u.list.item[i];
    value = value_none();
    if (!eval_statement(e, scope, statement, &value)) {
      problem_misplaced(e->problems, statement->at.source ? statement->at : statement->span);
      continue;
    }
    bool last = i + 1 == block->u.list.count;
    if (!last && value->kind != VALUE_NONE && value->kind != VALUE_UNKNOWN && statement->kind != AST_IF)
      problem_unused(e->problems, statement->span);
  }
  return value;
}

const Value *eval_block(Elaborator *e, Scope *scope, const Ast *block) {
  return eval_statements(e, scope_new(e, scope), block);
}
