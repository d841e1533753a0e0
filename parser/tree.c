/* The nodes of the tree, and the few mistakes that only show once their parts are there.
 *
 * A comparison chain, a setting written with `:`, a constant spelled as elsewhere and a line that begins with
 * an operator are valid enough to read on: they are reported and mended. */
#include "parser/tree.h"
#include "lang/problems_syntax.h"

#include <string.h>

AstList list_of(Parser *parser, Ast *node) { return list_add(parser, (AstList){0}, node); }

AstList list_add(Parser *parser, AstList list, Ast *node) {
  if (!node) return list;
  bool full = (list.count & (list.count - 1)) == 0; // the room is the next power of two
  if (full) {
    Ast **grown = ARENA_ARRAY(parser->arena, Ast *, list.count ? 2 * list.count : 1);
    if (list.count) memcpy(grown, list.item, (size_t)list.count * sizeof *grown);
    list.item = grown;
  }
  list.item[list.count++] = node;
  return list;
}

static Ast *tree_node(Parser *parser, AstKind kind, Span span, Span at) {
  if (++parser->nodes > TREE_LIMIT && !parser->stopped) {
    problem_tree_large(parser->problems, span, TREE_LIMIT);
    parser->stopped = true;
  }
  Ast *node = ARENA_NEW(parser->arena, Ast);
  node->kind = kind;
  node->span = span;
  node->at = at;
  return node;
}

Ast *tree_leaf(Parser *parser, AstKind kind, Span span) { return tree_node(parser, kind, span, span); }

Ast *tree_int(Parser *parser, Span span, int64_t value) {
  Ast *node = tree_leaf(parser, AST_INT, span);
  node->u.integer = value;
  return node;
}

Ast *tree_float(Parser *parser, Span span, double value) {
  Ast *node = tree_leaf(parser, AST_FLOAT, span);
  node->u.real = value;
  return node;
}

Ast *tree_string(Parser *parser, Span span, StringValue value) {
  Ast *node = tree_leaf(parser, AST_STRING, span);
  node->u.string.bytes = value.bytes;
  node->u.string.length = value.length;
  return node;
}

Ast *tree_bool(Parser *parser, Span span, bool value) {
  Ast *node = tree_leaf(parser, AST_BOOL, span);
  node->u.truth = value;
  return node;
}

Ast *tree_name(Parser *parser, AstKind kind, Span span, Name name) {
  Ast *node = tree_leaf(parser, kind, span);
  node->u.name = name;
  return node;
}

Ast *tree_value_name(Parser *parser, Span span, Name name) {
  static const struct {
    const char *word, *constant;
  } foreign[] = {{"True", "true"}, {"TRUE", "true"}, {"False", "false"}, {"FALSE", "false"},
                 {"null", "None"}, {"NULL", "None"}, {"nil", "None"}};
  for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++) {
    if (strcmp(name, foreign[i].word) != 0) continue;
    problem_constant_spelling(parser->problems, span, name, foreign[i].constant);
    if (foreign[i].constant[0] == 'N') return tree_leaf(parser, AST_NONE, span);
    return tree_bool(parser, span, foreign[i].constant[0] == 't');
  }
  return tree_name(parser, AST_NAME, span, name);
}

Ast *tree_parenthesised(Ast *node) {
  node->parenthesised = true;
  return node;
}

Ast *tree_list(Parser *parser, AstKind kind, Span span, Span at, AstList list) {
  Ast *node = tree_node(parser, kind, span, at);
  node->u.list = list;
  return node;
}

/* The sign with which a line begins that was meant to go on with the line before, or 0. */
static char line_sign(const Parser *parser, const Ast *before, const Ast *statement, Span *place) {
  const char *text = parser->source->text;
  uint32_t start = statement->span.start;
  if (statement->parenthesised && start > 0 && text[start - 1] == '(') start--;
  if (before->kind == AST_FOR || (text[start] != '-' && text[start] != '(')) return 0;
  bool line_break = false;
  for (uint32_t i = before->span.end; i < start; i++) {
    if (text[i] == ';') return 0;
    line_break |= text[i] == '\n' || text[i] == '\r';
  }
  *place = (Span){parser->source->id, start, start + 1};
  return line_break ? text[start] : 0;
}

static bool value_is_lost(const Ast *statement) {
  switch (statement->kind) {
  case AST_INT:
  case AST_FLOAT:
  case AST_NAME:
  case AST_UNARY:
  case AST_BINARY:
  case AST_CALL:
  case AST_INDEX:
  case AST_FIELD:
  case AST_PART:
  case AST_TUPLE: return true;
  default: return statement->parenthesised;
  }
}

Ast *tree_block(Parser *parser, Span span, AstList statements) {
  for (int i = 1; i < statements.count; i++) {
    const Ast *before = statements.item[i - 1], *statement = statements.item[i];
    bool lost = value_is_lost(before) || (value_is_lost(statement) && i + 1 < statements.count);
    Span place;
    char sign = lost ? line_sign(parser, before, statement, &place) : 0;
    if (!sign) continue;
    problem_new_statement(parser->problems, place, sign == '-' ? "-" : "(", before->span);
  }
  return tree_list(parser, AST_BLOCK, span, span, statements);
}

Ast *tree_unary(Parser *parser, Operator op, Span span, Span at, Ast *operand) {
  Ast *node = tree_node(parser, AST_UNARY, span, at);
  node->u.unary.op = op;
  node->u.unary.operand = operand;
  return node;
}

Ast *tree_binary(Parser *parser, Operator op, Span span, Span at, Ast *left, Ast *right) {
  Ast *node = tree_node(parser, AST_BINARY, span, at);
  node->u.binary.op = op;
  node->u.binary.left = left;
  node->u.binary.right = right;
  return node;
}

/* `a < b < c` is read as `a < b and b < c`; a longer chain is reported once. */
Ast *tree_comparison_chain(Parser *parser, Operator op, Span span, Span at, Ast *left, Ast *right) {
  bool first = left->u.binary.op != OPERATOR_AND;
  const Ast *pair = first ? left : left->u.binary.right;
  Ast *middle = pair->u.binary.right;
  if (first) {
    problem_comparison_chain(parser->problems, at, pair->at, parser_text(parser, pair->span),
                             parser_text(parser, middle->span), operator_text(op),
                             parser_text(parser, right->span));
  }
  Ast *last = tree_binary(parser, op, tree_span(middle->span, right->span), at, middle, right);
  return tree_binary(parser, OPERATOR_AND, span, at, left, last);
}

Ast *tree_call(Parser *parser, AstKind kind, Span span, Span at, Ast *callee, AstList items) {
  Ast *node = tree_node(parser, kind, span, at);
  node->u.call.callee = callee;
  node->u.call.items = items;
  return node;
}

Ast *tree_slice(Parser *parser, Span colon, Ast *from, Ast *to, Ast *step, Span last) {
  Ast *node = tree_node(parser, AST_SLICE, tree_span(from ? from->span : colon, last), colon);
  node->u.slice.from = from;
  node->u.slice.to = to;
  node->u.slice.step = step;
  return node;
}

Ast *tree_field(Parser *parser, AstKind kind, Span span, Span at, AstField parts) {
  Ast *node = tree_node(parser, kind, span, at);
  node->u.field = parts;
  return node;
}

Ast *tree_each(Parser *parser, AstKind kind, Span span, Span at, AstEach parts) {
  Ast *node = tree_node(parser, kind, span, at);
  node->u.each = parts;
  return node;
}

Ast *tree_branch(Parser *parser, Span span, Span at, Ast *condition, Ast *then, Ast *otherwise) {
  Ast *node = tree_node(parser, AST_IF, span, at);
  node->u.branch.condition = condition;
  node->u.branch.then = then;
  node->u.branch.otherwise = otherwise;
  return node;
}

Ast *tree_loop(Parser *parser, AstKind kind, Span span, Span at, AstLoop parts) {
  Ast *node = tree_node(parser, kind, span, at);
  node->u.loop = parts;
  return node;
}

Ast *tree_arg(Parser *parser, AstKind kind, Span span, Span at, Name name, Ast *value) {
  Ast *node = tree_node(parser, kind, span, at);
  node->u.arg.name = name;
  node->u.arg.value = value;
  return node;
}

Ast *tree_argument_colon(Parser *parser, Span span, Span at, Span colon, Name name, Ast *value) {
  problem_argument_colon(parser->problems, colon, name, parser_text(parser, value->span));
  return tree_arg(parser, AST_ARG, span, at, name, value);
}

Ast *tree_setting_colon(Parser *parser, Span span, Span at, Span colon, Name name, Ast *value) {
  problem_setting_colon(parser->problems, colon, name, parser_text(parser, value->span));
  return tree_binding(parser, AST_ASSIGN, span, at, (AstBinding){.name = name, .value = value});
}

Ast *tree_tensor(Parser *parser, Span span, Span at, AstTensor parts) {
  Ast *node = tree_node(parser, AST_TYPE_TENSOR, span, at);
  node->u.tensor = parts;
  return node;
}

Ast *tree_type_item(Parser *parser, Span first, Span last, Name name, Ast *type) {
  return tree_binding(parser, AST_TYPE_ITEM, tree_span(first, last), first,
                      (AstBinding){.name = name, .type = type});
}

Ast *tree_binding(Parser *parser, AstKind kind, Span span, Span at, AstBinding parts) {
  Ast *node = tree_node(parser, kind, span, at);
  node->u.binding = parts;
  return node;
}

Ast *tree_action(Parser *parser, AstKind kind, Span span, Span at, AstAction parts) {
  Ast *node = tree_node(parser, kind, span, at);
  node->u.action = parts;
  return node;
}

Ast *tree_minimize(Parser *parser, Span span, Span at, AstMinimize parts) {
  Ast *node = tree_node(parser, AST_MINIMIZE, span, at);
  node->u.minimize = parts;
  return node;
}

Ast *tree_print(Parser *parser, Span span, Span at, AstPrint parts) {
  Ast *node = tree_node(parser, AST_PRINT, span, at);
  node->u.print = parts;
  return node;
}

Ast *tree_function(Parser *parser, AstKind kind, Span span, Span at, AstFunction parts) {
  Ast *node = tree_node(parser, kind, span, at);
  node->u.function = parts;
  return node;
}

Ast *tree_use(Parser *parser, Span span, Span at, Ast *path, Name as) {
  Ast *node = tree_node(parser, AST_USE, span, at);
  node->u.use.path = path;
  node->u.use.as = as;
  return node;
}

Ast *tree_data(Parser *parser, Span span, Span at, AstData parts) {
  Ast *node = tree_node(parser, AST_DATA, span, at);
  node->u.data = parts;
  return node;
}

Ast *tree_task(Parser *parser, Span span, Span at, TaskKind task, const char *doc, Name name, AstList sources,
               Ast *body) {
  Ast *node = tree_node(parser, AST_TASK, span, at);
  node->u.task.task = task;
  node->u.task.doc = doc;
  node->u.task.name = name;
  node->u.task.sources = sources;
  node->u.task.body = body;
  return node;
}

Ast *tree_test(Parser *parser, Span span, Span at, const char *doc, Ast *title, Ast *body) {
  Ast *node = tree_node(parser, AST_TEST, span, at);
  node->u.task.task = TASK_TASK;
  node->u.task.doc = doc;
  node->u.task.title = title;
  node->u.task.name = name_of(title->u.string.bytes);
  node->u.task.body = body;
  return node;
}

Ast *tree_transfer(Parser *parser, AstKind kind, Span span, Span at, AstTransfer parts) {
  Ast *node = tree_node(parser, kind, span, at);
  node->u.transfer = parts;
  return node;
}
