/* The tree of a program: what the parser makes and everything after it reads.
 *
 * One node type with one union; the comment behind a kind names the member that it uses. Every node carries
 * the bytes it was read from. Trees are immutable after parsing and live in the arena they were parsed into.
 * Absent parts are NULL, absent lists have count 0. */
#ifndef LANG_AST_H
#define LANG_AST_H

#include "base/name.h"
#include "base/source.h"

#include <stdbool.h>
#include <stdint.h>

// clang-format off: the comment behind a kind names its member
typedef enum {
  // expressions
  AST_INT,           // integer
  AST_FLOAT,         // real
  AST_STRING,        // string
  AST_BOOL,          // truth
  AST_NONE,          // -
  AST_NAME,          // name
  AST_UNARY,         // unary
  AST_BINARY,        // binary: pipe, compose and range included
  AST_CALL,          // call
  AST_INDEX,         // call: items are the subscripts: expressions, AST_SLICE, AST_ELLIPSIS
  AST_SLICE,         // slice
  AST_ELLIPSIS,      // -
  AST_FIELD,         // field: x.name
  AST_PART,          // field: x.0
  AST_TUPLE,         // list of AST_ARG
  AST_LIST,          // list of expressions
  AST_COMPREHENSION, // each: [value for name in over]
  AST_IF,            // branch, also as a statement
  AST_LAMBDA,        // function
  AST_SCAN,          // loop
  AST_MAP,           // loop
  AST_ARG,           // arg: [name =] value
  // types
  AST_TYPE_TENSOR, // tensor
  AST_TYPE_PLAIN,  // name: int float bool str list fn layer
  AST_TYPE_TUPLE,  // list of AST_TYPE_ITEM
  AST_TYPE_ITEM,   // binding: [name :] type
  AST_WILD,        // `_` as a dim
  // statements
  AST_BLOCK,     // list of statements; the last expression is its value
  AST_PATTERN,   // list of AST_NAME or AST_WILD: (a, _, b)
  AST_LET,       // binding: pattern (AST_NAME or AST_PATTERN), type, value; also a declaration
  AST_ASSIGN,    // binding: name, value
  AST_PARAM,     // binding: name, type, value
  AST_STATE,     // binding: name, type or NULL, value
  AST_FOR,       // each: for name in over { body in value }
  AST_YIELD,     // list of AST_ARG
  AST_MINIMIZE,  // minimize
  AST_METRIC_IS, // binding: [name =] value
  AST_FREEZE,    // list of expressions
  AST_SET,       // action: value is the target, to the new value
  AST_PRINT,     // list of expressions, every
  AST_SAVE,      // action
  AST_EXPECT,    // action: value
  // declarations
  AST_PROGRAM,   // list of declarations
  AST_USE,       // use
  AST_CONFIG,    // function: name, result is the type or NULL, body the value, wheres
  AST_DATA,      // data
  AST_FN,        // function
  AST_LAYER,     // function: settings and params
  AST_OPTIMIZER, // function: settings and params
  AST_MODEL,     // function: params and body; or, with params_given false, body is the value after `=`
  AST_METRIC,    // function
  AST_TASK,      // task
  AST_LOAD,      // transfer
  AST_EXPORT,    // transfer
  AST_TEST,      // task: title, body
  // parts of declarations
  AST_PARAM_DECL, // binding: name, type or NULL, value (the default) or NULL
  AST_WHERE,      // action: value is the condition, to the message (AST_STRING) or NULL
  AST_OVER,       // action: value is the selection or NULL, to the optimizer or NULL
  AST_SOURCE,     // arg: value, name after `as` or NULL
} AstKind;

typedef enum {
  OPERATOR_ADD,
  OPERATOR_SUB,
  OPERATOR_MUL,
  OPERATOR_DIV,
  OPERATOR_FLOOR_DIV,
  OPERATOR_MOD,
  OPERATOR_MATMUL,
  OPERATOR_POW,
  OPERATOR_RANGE,
  OPERATOR_EQ,
  OPERATOR_NE,
  OPERATOR_LT,
  OPERATOR_GT,
  OPERATOR_LE,
  OPERATOR_GE,
  OPERATOR_AND,
  OPERATOR_OR,
  OPERATOR_COMPOSE,
  OPERATOR_PIPE,
  OPERATOR_NEG,
  OPERATOR_NOT, // unary
} Operator;

typedef enum { TASK_TRAIN, TASK_EVAL, TASK_PREDICT, TASK_TASK, TASK_SWEEP } TaskKind;

typedef struct Ast Ast;

typedef struct {
  Ast **item;
  int count;
} AstList;

struct Ast {
  AstKind kind;
  bool parenthesised; // stood in ( ): for the formatter and for messages
  Span span;          // all of it
  Span at;            // the word or sign that a message points to: operator, name, opening word
  union {
    int64_t integer;
    double real;
    struct {
      const char *bytes;
      int length;
    } string; // unescaped, NUL-terminated
    bool truth;
    Name name;
    AstList list;
    struct {
      Operator op;
      Ast *operand;
    } unary;
    struct {
      Operator op;
      Ast *left, *right;
    } binary;
    struct {
      Ast *callee;
      AstList items;
    } call; // AST_ARG for a call, subscripts for an index
    struct {
      Ast *from, *to, *step;
    } slice;
    struct {
      Ast *base;
      Name name;
      int64_t part;
    } field;
    struct {
      Name name;
      Ast *over, *value;
    } each; // name NULL for `_`; value is a block in AST_FOR
    struct {
      Ast *condition, *then, *otherwise;
    } branch; // blocks; `else if` is a block of one AST_IF
    struct {
      AstList names;
      Ast *over;
      bool counted;
      AstList carries;
      Ast *until, *body;
    } loop;
    // names: AST_NAME; counted: `in` (a range or tensor), else `over` an axis; carries: AST_ARG;
    // `until` is the condition after `while`
    struct {
      Name name;
      Ast *value;
    } arg;
    struct {
      Name dtype;
      Ast *bound;
      AstList dims;
    } tensor; // dtype NULL: float; dims: expressions, ELLIPSIS, WILD
    struct {
      Ast *pattern;
      Name name;
      Ast *type, *value;
    } binding;
    struct {
      Ast *value;
      AstList overs;
      Ast *every;
      bool maximize;
    } minimize; // overs: AST_OVER
    struct {
      Ast *value, *to, *every;
    } action;
    struct {
      AstList items;
      Ast *every;
    } print;
    struct {
      Name name;
      bool params_given;
      AstList settings, params, wheres;
      Ast *result, *body;
      const char *doc;
    } function;
    // settings, params: AST_PARAM_DECL; result: type or NULL; body: block (one made of `= expr` too)
    struct {
      Ast *path;
      Name as;
    } use; // path: AST_STRING
    struct {
      Name name;
      Ast *from, *body;
      const char *doc;
    } data;
    struct {
      TaskKind task;
      Name name;
      AstList sources;
      Ast *title, *body;
      const char *doc;
    } task;
    struct {
      Ast *what, *where, *body;
    } transfer; // where: after from / to
  } u;
};

// clang-format on

const char *operator_text(Operator op);    // "+", "|>", "not"
const char *task_kind_text(TaskKind task); // "train"
const char *ast_kind_text(AstKind kind);   // "int", "call": stable, used by ast_print

#endif
