/* Laying left-deep trees flat. */
#include "lang/chain.h"
#include "base/arena.h"

#include <stdbool.h>

Binding operator_binding(Operator op) {
  static const Binding binding[] = {
      [OPERATOR_ADD] = BINDS_SUM,     [OPERATOR_SUB] = BINDS_SUM,        [OPERATOR_MUL] = BINDS_TERM,
      [OPERATOR_DIV] = BINDS_TERM,    [OPERATOR_FLOOR_DIV] = BINDS_TERM, [OPERATOR_MOD] = BINDS_TERM,
      [OPERATOR_MATMUL] = BINDS_TERM, [OPERATOR_POW] = BINDS_POWER,      [OPERATOR_RANGE] = BINDS_RANGE,
      [OPERATOR_EQ] = BINDS_COMPARE,  [OPERATOR_NE] = BINDS_COMPARE,     [OPERATOR_LT] = BINDS_COMPARE,
      [OPERATOR_GT] = BINDS_COMPARE,  [OPERATOR_LE] = BINDS_COMPARE,     [OPERATOR_GE] = BINDS_COMPARE,
      [OPERATOR_AND] = BINDS_AND,     [OPERATOR_OR] = BINDS_OR,          [OPERATOR_COMPOSE] = BINDS_COMPOSE,
      [OPERATOR_PIPE] = BINDS_PIPE,   [OPERATOR_NEG] = BINDS_UNARY,      [OPERATOR_NOT] = BINDS_NOT,
  };
  return binding[op];
}

static bool is_suffix(const Ast *ast) {
  return ast->kind == AST_CALL || ast->kind == AST_INDEX || ast->kind == AST_FIELD || ast->kind == AST_PART;
}

static const Ast *link_left(const Ast *link) {
  if (link->kind == AST_BINARY) return link->u.binary.left;
  return link->kind == AST_CALL || link->kind == AST_INDEX ? link->u.call.callee : link->u.field.base;
}

/* The link before this one, or NULL. */
static const Ast *link_before(const Ast *link) {
  const Ast *left = link_left(link);
  if (link->kind != AST_BINARY) return is_suffix(left) ? left : NULL;
  Binding binding = operator_binding(link->u.binary.op);
  bool chains = binding != BINDS_COMPARE && binding != BINDS_RANGE && binding != BINDS_POWER;
  return chains && left->kind == AST_BINARY && operator_binding(left->u.binary.op) == binding ? left : NULL;
}

Chain chain_of(const Ast *ast) {
  Chain chain = {0};
  for (const Ast *link = ast; link; link = link_before(link)) chain.count++;
  chain.link = memory_alloc((size_t)chain.count, sizeof *chain.link);
  int i = chain.count;
  for (const Ast *link = ast; link; link = link_before(link)) chain.link[--i] = link;
  return chain;
}

const Ast *chain_base(const Chain *chain) { return link_left(chain->link[0]); }

void chain_free(Chain *chain) {
  memory_free(chain->link);
  *chain = (Chain){0};
}
