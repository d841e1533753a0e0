/* The constructors that the grammar calls: parts in, one node of the tree out.
 *
 * `span` is all of a node, `at` the word that messages point to. Nodes and lists are made in the parser's
 * arena; past TREE_LIMIT nodes the parse is stopped with a Problem, and a node comes back all the same. */
#ifndef PARSER_TREE_H
#define PARSER_TREE_H

#include "parser/parser.h"

typedef __typeof__(((Ast *)0)->u.each) AstEach;
typedef __typeof__(((Ast *)0)->u.field) AstField;
typedef __typeof__(((Ast *)0)->u.loop) AstLoop;
typedef __typeof__(((Ast *)0)->u.tensor) AstTensor;
typedef __typeof__(((Ast *)0)->u.binding) AstBinding;
typedef __typeof__(((Ast *)0)->u.minimize) AstMinimize;
typedef __typeof__(((Ast *)0)->u.action) AstAction;
typedef __typeof__(((Ast *)0)->u.print) AstPrint;
typedef __typeof__(((Ast *)0)->u.function) AstFunction;
typedef __typeof__(((Ast *)0)->u.data) AstData;
typedef __typeof__(((Ast *)0)->u.transfer) AstTransfer;

/* A list owns its doubled room alone, so it is only ever added to at its end. NULL, which stands for what
 * could not be read, is left out. */
AstList list_of(Parser *parser, Ast *node);
AstList list_add(Parser *parser, AstList list, Ast *node);

static inline Span tree_span(Span first, Span last) { return (Span){first.source, first.start, last.end}; }
static inline Span tree_span_behind(Span before) { return (Span){before.source, before.end, before.end}; }

Ast *tree_leaf(Parser *parser, AstKind kind, Span span);
Ast *tree_int(Parser *parser, Span span, int64_t value);
Ast *tree_float(Parser *parser, Span span, double value);
Ast *tree_string(Parser *parser, Span span, StringValue value);
Ast *tree_bool(Parser *parser, Span span, bool value);
Ast *tree_name(Parser *parser, AstKind kind, Span span, Name name);
Ast *tree_value_name(Parser *parser, Span span, Name name); // an expression; `True` and its like are reported
Ast *tree_parenthesised(Ast *node);

Ast *tree_list(Parser *parser, AstKind kind, Span span, Span at, AstList list);
Ast *tree_block(Parser *parser, Span span, AstList statements);
Ast *tree_unary(Parser *parser, Operator op, Span span, Span at, Ast *operand);
Ast *tree_binary(Parser *parser, Operator op, Span span, Span at, Ast *left, Ast *right);
Ast *tree_comparison_chain(Parser *parser, Operator op, Span span, Span at, Ast *left, Ast *right);
Ast *tree_call(Parser *parser, AstKind kind, Span span, Span at, Ast *callee, AstList items);
Ast *tree_slice(Parser *parser, Span colon, Ast *from, Ast *to, Ast *step, Span last);
Ast *tree_field(Parser *parser, AstKind kind, Span span, Span at, AstField parts);
Ast *tree_each(Parser *parser, AstKind kind, Span span, Span at, AstEach parts);
Ast *tree_branch(Parser *parser, Span span, Span at, Ast *condition, Ast *then, Ast *otherwise);
Ast *tree_loop(Parser *parser, AstKind kind, Span span, Span at, AstLoop parts);
Ast *tree_arg(Parser *parser, AstKind kind, Span span, Span at, Name name, Ast *value);
Ast *tree_argument_colon(Parser *parser, Span span, Span at, Span colon, Name name, Ast *value);
Ast *tree_setting_colon(Parser *parser, Span span, Span at, Span colon, Name name, Ast *value);

Ast *tree_tensor(Parser *parser, Span span, Span at, AstTensor parts);
Ast *tree_type_item(Parser *parser, Span first, Span last, Name name, Ast *type);

Ast *tree_binding(Parser *parser, AstKind kind, Span span, Span at, AstBinding parts);
Ast *tree_action(Parser *parser, AstKind kind, Span span, Span at, AstAction parts);
Ast *tree_minimize(Parser *parser, Span span, Span at, AstMinimize parts);
Ast *tree_print(Parser *parser, Span span, Span at, AstPrint parts);

Ast *tree_function(Parser *parser, AstKind kind, Span span, Span at, AstFunction parts);
Ast *tree_use(Parser *parser, Span span, Span at, Ast *path, Name as);
Ast *tree_data(Parser *parser, Span span, Span at, AstData parts);
Ast *tree_task(Parser *parser, Span span, Span at, TaskKind task, const char *doc, Name name, AstList sources,
               Ast *body);
Ast *tree_test(Parser *parser, Span span, Span at, const char *doc, Ast *title, Ast *body);
Ast *tree_transfer(Parser *parser, AstKind kind, Span span, Span at, AstTransfer parts);

#endif
