/* The names of operators and kinds of nodes. */
#include "lang/ast.h"

const char *operator_text(Operator op) {
  static const char *const text[] = {
      [OPERATOR_ADD] = "+",        [OPERATOR_SUB] = "-",      [OPERATOR_MUL] = "*",    [OPERATOR_DIV] = "/",
      [OPERATOR_FLOOR_DIV] = "//", [OPERATOR_MOD] = "%",      [OPERATOR_MATMUL] = "@", [OPERATOR_POW] = "**",
      [OPERATOR_RANGE] = "..",     [OPERATOR_EQ] = "==",      [OPERATOR_NE] = "!=",    [OPERATOR_LT] = "<",
      [OPERATOR_GT] = ">",         [OPERATOR_LE] = "<=",      [OPERATOR_GE] = ">=",    [OPERATOR_AND] = "and",
      [OPERATOR_OR] = "or",        [OPERATOR_COMPOSE] = ">>", [OPERATOR_PIPE] = "|>",  [OPERATOR_NEG] = "-",
      [OPERATOR_NOT] = "not",
  };
  return text[op];
}

const char *task_kind_text(TaskKind task) {
  static const char *const text[] = {
      [TASK_TRAIN] = "train", [TASK_EVAL] = "eval",   [TASK_PREDICT] = "predict",
      [TASK_TASK] = "task",   [TASK_SWEEP] = "sweep",
  };
  return text[task];
}

const char *ast_kind_text(AstKind kind) {
  static const char *const text[] = {
      [AST_INT] = "int",
      [AST_FLOAT] = "float",
      [AST_STRING] = "string",
      [AST_BOOL] = "bool",
      [AST_NONE] = "none",
      [AST_NAME] = "name",
      [AST_UNARY] = "unary",
      [AST_BINARY] = "binary",
      [AST_CALL] = "call",
      [AST_INDEX] = "index",
      [AST_SLICE] = "slice",
      [AST_ELLIPSIS] = "ellipsis",
      [AST_FIELD] = "field",
      [AST_PART] = "part",
      [AST_TUPLE] = "tuple",
      [AST_LIST] = "list",
      [AST_COMPREHENSION] = "comprehension",
      [AST_IF] = "if",
      [AST_LAMBDA] = "lambda",
      [AST_SCAN] = "scan",
      [AST_MAP] = "map",
      [AST_ARG] = "arg",
      [AST_TYPE_TENSOR] = "tensor",
      [AST_TYPE_PLAIN] = "type",
      [AST_TYPE_TUPLE] = "type_tuple",
      [AST_TYPE_ITEM] = "type_item",
      [AST_WILD] = "wild",
      [AST_BLOCK] = "block",
      [AST_PATTERN] = "pattern",
      [AST_LET] = "let",
      [AST_ASSIGN] = "assign",
      [AST_PARAM] = "param",
      [AST_STATE] = "state",
      [AST_FOR] = "for",
      [AST_YIELD] = "yield",
      [AST_MINIMIZE] = "minimize",
      [AST_METRIC_IS] = "metric_is",
      [AST_FREEZE] = "freeze",
      [AST_SET] = "set",
      [AST_PRINT] = "print",
      [AST_SAVE] = "save",
      [AST_EXPECT] = "expect",
      [AST_PROGRAM] = "program",
      [AST_USE] = "use",
      [AST_CONFIG] = "config",
      [AST_DATA] = "data",
      [AST_FN] = "fn",
      [AST_LAYER] = "layer",
      [AST_OPTIMIZER] = "optimizer",
      [AST_MODEL] = "model",
      [AST_METRIC] = "metric",
      [AST_TASK] = "task",
      [AST_LOAD] = "load",
      [AST_EXPORT] = "export",
      [AST_TEST] = "test",
      [AST_PARAM_DECL] = "param_decl",
      [AST_WHERE] = "where",
      [AST_OVER] = "over",
      [AST_SOURCE] = "source",
  };
  return text[kind];
}
