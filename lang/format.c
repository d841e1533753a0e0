/* Tree to source text on one line.
 *
 * Brackets are set where precedence asks for them, so that the text reads back as the same tree. Left-deep
 * chains (`a + b + …`, `x |> f |> …`, `m.x.y`) may be long: they are gathered and written by a loop; all else
 * nests no deeper than the parser's limit. */
#include "lang/format.h"
#include "lang/chain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_statement(const Ast *ast) { return ast->kind >= AST_BLOCK && ast->kind <= AST_EXPECT; }

/* The expression that is all of a block, or NULL. */
static const Ast *only_expression(const Ast *block) {
  if (block->kind != AST_BLOCK || block->u.list.count != 1) return NULL;
  const Ast *only = block->u.list.item[0];
  bool open_branch = only->kind == AST_IF && !only->u.branch.otherwise;
  return is_statement(only) || open_branch ? NULL : only;
}

static Binding ast_binding(const Ast *ast) {
  switch (ast->kind) {
  case AST_LAMBDA: return only_expression(ast->u.function.body) ? BINDS_LAMBDA : BINDS_POSTFIX;
  case AST_BINARY: return operator_binding(ast->u.binary.op);
  case AST_UNARY: return operator_binding(ast->u.unary.op);
  default: return BINDS_POSTFIX;
  }
}

typedef void Writer(const Ast *ast, Text *out);
static Writer *const writers[];

static void write_ast(const Ast *ast, Text *out) { writers[ast->kind](ast, out); }

static void write_bound(const Ast *ast, Binding least, Text *out) {
  bool brackets = ast_binding(ast) < least;
  if (brackets) text_add(out, "(");
  write_ast(ast, out);
  if (brackets) text_add(out, ")");
}

static void write_after(const char *before, const Ast *ast, Text *out) {
  if (!ast) return;
  text_add(out, before);
  write_ast(ast, out);
}

static void write_list(AstList list, Text *out) {
  for (int i = 0; i < list.count; i++) write_after(i ? ", " : "", list.item[i], out);
}

static void write_between(const char *open, AstList list, const char *close, Text *out) {
  text_add(out, open);
  write_list(list, out);
  text_add(out, close);
}

// --- expressions -----------------------------------------------------------------------------------------

static void write_int(const Ast *ast, Text *out) { text_printf(out, "%lld", (long long)ast->u.integer); }

static void write_float(const Ast *ast, Text *out) {
  char digits[40];
  int precision = 1;
  do snprintf(digits, sizeof digits, "%.*g", precision, ast->u.real);
  while (strtod(digits, NULL) != ast->u.real && ++precision <= 17);
  char *exponent = strchr(digits, 'e'); // 1e-05 is written 1e-5
  char *power = exponent ? exponent + 1 + (exponent[1] == '-') : NULL;
  if (power) memmove(power, power + strspn(power, "+0"), strlen(power + strspn(power, "+0")) + 1);
  text_add(out, digits);
  if (!strpbrk(digits, ".en")) text_add(out, ".0");
}

static void write_string(const Ast *ast, Text *out) {
  static const char plain[] = "\n\t\"\\", letters[] = "nt\"\\";
  text_add(out, "\"");
  for (int i = 0; i < ast->u.string.length; i++) {
    unsigned char byte = (unsigned char)ast->u.string.bytes[i];
    const char *escaped = byte ? strchr(plain, byte) : NULL;
    if (escaped)
      text_printf(out, "\\%c", letters[escaped - plain]);
    else if (byte < 0x20 || byte == 0x7f)
      text_printf(out, "\\u{%x}", (unsigned)byte);
    else
      text_add_n(out, (const char *)&byte, 1);
  }
  text_add(out, "\"");
}

static void write_bool(const Ast *ast, Text *out) { text_add(out, ast->u.truth ? "true" : "false"); }
static void write_none(const Ast *ast, Text *out) { (void)ast, text_add(out, "None"); }
static void write_name(const Ast *ast, Text *out) { text_add(out, ast->u.name); }
static void write_ellipsis(const Ast *ast, Text *out) { (void)ast, text_add(out, "..."); }
static void write_wild(const Ast *ast, Text *out) { (void)ast, text_add(out, "_"); }

static void write_unary(const Ast *ast, Text *out) {
  text_add(out, operator_text(ast->u.unary.op));
  if (ast->u.unary.op == OPERATOR_NOT) text_add(out, " ");
  write_bound(ast->u.unary.operand, ast_binding(ast), out);
}

static void write_binary(const Ast *ast, Text *out) {
  Chain chain = chain_of(ast);
  Binding binding = ast_binding(ast);
  bool single = binding == BINDS_COMPARE || binding == BINDS_RANGE;
  Binding left = binding == BINDS_POWER ? BINDS_POSTFIX : single ? binding + 1 : binding;
  Binding right = binding == BINDS_POWER ? BINDS_UNARY : binding + 1;
  const char *blank = binding == BINDS_RANGE ? "" : " ";
  write_bound(chain_base(&chain), left, out);
  for (int i = 0; i < chain.count; i++) {
    text_printf(out, "%s%s%s", blank, operator_text(chain.link[i]->u.binary.op), blank);
    write_bound(chain.link[i]->u.binary.right, right, out);
  }
  chain_free(&chain);
}

static void write_postfix(const Ast *ast, Text *out) {
  Chain chain = chain_of(ast);
  const Ast *base = chain_base(&chain);
  bool number = base->kind == AST_INT || base->kind == AST_FLOAT; // 1.x is no number
  if (number) text_add(out, "(");
  write_bound(base, BINDS_POSTFIX, out);
  if (number) text_add(out, ")");
  for (int i = 0; i < chain.count; i++) {
    const Ast *link = chain.link[i];
    switch (link->kind) {
    case AST_CALL: write_between("(", link->u.call.items, ")", out); break;
    case AST_INDEX: write_between("[", link->u.call.items, "]", out); break;
    case AST_FIELD: text_printf(out, ".%s", link->u.field.name); break;
    default: text_printf(out, ".%lld", (long long)link->u.field.part);
    }
  }
  chain_free(&chain);
}

static void write_slice(const Ast *ast, Text *out) {
  write_after("", ast->u.slice.from, out);
  text_add(out, ":");
  write_after("", ast->u.slice.to, out);
  write_after(":", ast->u.slice.step, out);
}

static void write_round(const Ast *ast, Text *out) { write_between("(", ast->u.list, ")", out); }
static void write_square(const Ast *ast, Text *out) { write_between("[", ast->u.list, "]", out); }

static void write_comprehension(const Ast *ast, Text *out) {
  write_after("[", ast->u.each.value, out);
  text_printf(out, " for %s in ", ast->u.each.name ? ast->u.each.name : "_");
  write_ast(ast->u.each.over, out);
  text_add(out, "]");
}

static void write_if(const Ast *ast, Text *out) {
  const Ast *otherwise = ast->u.branch.otherwise;
  write_after("if ", ast->u.branch.condition, out);
  write_after(" ", ast->u.branch.then, out);
  bool chained = otherwise && otherwise->u.list.count == 1 && otherwise->u.list.item[0]->kind == AST_IF;
  write_after(" else ", chained ? otherwise->u.list.item[0] : otherwise, out);
}

static void write_lambda(const Ast *ast, Text *out) {
  const Ast *value = only_expression(ast->u.function.body);
  write_between("fn (", ast->u.function.params, ")", out);
  write_after(" -> ", ast->u.function.result, out);
  write_after(value ? " = " : " ", value ? value : ast->u.function.body, out);
}

static void write_loop(const Ast *ast, Text *out) {
  text_add(out, ast->kind == AST_MAP ? "map " : "scan ");
  write_list(ast->u.loop.names, out);
  write_after(ast->u.loop.counted ? " in " : " over ", ast->u.loop.over, out);
  for (int i = 0; i < ast->u.loop.carries.count; i++) {
    const Ast *carry = ast->u.loop.carries.item[i];
    text_printf(out, "%s%s = ", i ? ", " : " with ", carry->u.arg.name);
    write_ast(carry->u.arg.value, out);
  }
  write_after(" while ", ast->u.loop.until, out);
  write_after(" ", ast->u.loop.body, out);
}

static void write_arg(const Ast *ast, Text *out) {
  if (ast->u.arg.name) text_printf(out, "%s=", ast->u.arg.name);
  write_ast(ast->u.arg.value, out);
}

// --- types -----------------------------------------------------------------------------------------------

static void write_tensor(const Ast *ast, Text *out) {
  if (ast->u.tensor.dtype) text_add(out, ast->u.tensor.dtype);
  write_after("<", ast->u.tensor.bound, out);
  if (ast->u.tensor.bound) text_add(out, ">");
  write_between("[", ast->u.tensor.dims, "]", out);
}

static void write_typed(const Ast *ast, Text *out) { // a part of a type, a parameter
  if (ast->u.binding.name) text_add(out, ast->u.binding.name);
  write_after(ast->u.binding.name ? ": " : "", ast->u.binding.type, out);
  write_after(" = ", ast->u.binding.value, out);
}

// --- statements ------------------------------------------------------------------------------------------

static void write_block(const Ast *ast, Text *out) {
  if (ast->u.list.count == 0) {
    text_add(out, "{ }");
    return;
  }
  text_add(out, "{ ");
  for (int i = 0; i < ast->u.list.count; i++) write_after(i ? "; " : "", ast->u.list.item[i], out);
  text_add(out, " }");
}

static void write_binding(const Ast *ast, Text *out) {
  static const char *const words[] = {[AST_LET] = "let ",
                                      [AST_PARAM] = "param ",
                                      [AST_STATE] = "state ",
                                      [AST_METRIC_IS] = "metric ",
                                      [AST_ASSIGN] = ""};
  text_add(out, words[ast->kind]);
  write_after("", ast->u.binding.pattern, out);
  if (ast->u.binding.name) text_add(out, ast->u.binding.name);
  write_after(": ", ast->u.binding.type, out);
  write_after(ast->u.binding.name || ast->u.binding.pattern ? " = " : "", ast->u.binding.value, out);
}

static void write_for(const Ast *ast, Text *out) {
  text_printf(out, "for %s", ast->u.each.name ? ast->u.each.name : "_");
  write_after(" in ", ast->u.each.over, out);
  write_after(" ", ast->u.each.value, out);
}

static void write_words(const Ast *ast, Text *out) {
  write_between(ast->kind == AST_YIELD ? "yield " : "freeze ", ast->u.list, "", out);
}

static void write_minimize(const Ast *ast, Text *out) {
  AstList overs = ast->u.minimize.overs;
  write_after(ast->u.minimize.maximize ? "maximize " : "minimize ", ast->u.minimize.value, out);
  bool selects = overs.count > 0 && overs.item[0]->u.action.value;
  write_between(selects ? " over " : overs.count ? " " : "", overs, "", out);
  write_after(" every ", ast->u.minimize.every, out);
}

static void write_over(const Ast *ast, Text *out) {
  write_after("", ast->u.action.value, out);
  write_after(ast->u.action.value ? " using " : "using ", ast->u.action.to, out);
}

static void write_action(const Ast *ast, Text *out) {
  bool saves = ast->kind == AST_SAVE;
  write_after(saves ? "save " : ast->kind == AST_SET ? "set " : "expect ", ast->u.action.value, out);
  write_after(saves ? " to " : " = ", ast->u.action.to, out);
  write_after(" every ", ast->u.action.every, out);
}

static void write_print(const Ast *ast, Text *out) {
  write_between("print ", ast->u.print.items, "", out);
  write_after(" every ", ast->u.print.every, out);
}

// --- declarations ----------------------------------------------------------------------------------------

static void write_program(const Ast *ast, Text *out) {
  for (int i = 0; i < ast->u.list.count; i++) write_after(i ? "; " : "", ast->u.list.item[i], out);
}

static void write_use(const Ast *ast, Text *out) {
  write_after("use ", ast->u.use.path, out);
  if (ast->u.use.as) text_printf(out, " as %s", ast->u.use.as);
}

static void write_wheres(AstList wheres, Text *out) {
  for (int i = 0; i < wheres.count; i++) write_after(" ", wheres.item[i], out);
}

static void write_where(const Ast *ast, Text *out) {
  write_after("where ", ast->u.action.value, out);
  write_after(" else ", ast->u.action.to, out);
}

static void write_config(const Ast *ast, Text *out) {
  text_printf(out, "config %s", ast->u.function.name);
  write_after(": ", ast->u.function.result, out);
  write_after(" = ", ast->u.function.body, out);
  write_wheres(ast->u.function.wheres, out);
}

static void write_data(const Ast *ast, Text *out) {
  text_printf(out, "data %s", ast->u.data.name);
  write_after(" from ", ast->u.data.from, out);
  write_after(" ", ast->u.data.body, out);
}

static void write_function(const Ast *ast, Text *out) {
  text_printf(out, "%s %s", ast_kind_text(ast->kind), ast->u.function.name);
  if (ast->kind == AST_LAYER || ast->kind == AST_OPTIMIZER)
    write_between("(", ast->u.function.settings, ")", out);
  if (ast->u.function.params_given) write_between("(", ast->u.function.params, ")", out);
  write_after(" -> ", ast->u.function.result, out);
  write_wheres(ast->u.function.wheres, out);
  write_after(ast->u.function.params_given ? " " : " = ", ast->u.function.body, out);
}

static void write_task(const Ast *ast, Text *out) {
  if (ast->kind == AST_TEST)
    write_after("test ", ast->u.task.title, out);
  else
    text_printf(out, "%s %s", task_kind_text(ast->u.task.task), ast->u.task.name);
  if (ast->u.task.sources.count) write_between(" on ", ast->u.task.sources, "", out);
  write_after(" ", ast->u.task.body, out);
}

static void write_source(const Ast *ast, Text *out) {
  write_ast(ast->u.arg.value, out);
  if (ast->u.arg.name) text_printf(out, " as %s", ast->u.arg.name);
}

static void write_transfer(const Ast *ast, Text *out) {
  bool loads = ast->kind == AST_LOAD;
  write_after(loads ? "load " : "export ", ast->u.transfer.what, out);
  write_after(loads ? " from " : " to ", ast->u.transfer.where, out);
  write_after(" ", ast->u.transfer.body, out);
}

static Writer *const writers[] = {
    [AST_INT] = write_int,
    [AST_FLOAT] = write_float,
    [AST_STRING] = write_string,
    [AST_BOOL] = write_bool,
    [AST_NONE] = write_none,
    [AST_NAME] = write_name,
    [AST_UNARY] = write_unary,
    [AST_BINARY] = write_binary,
    [AST_CALL] = write_postfix,
    [AST_INDEX] = write_postfix,
    [AST_SLICE] = write_slice,
    [AST_ELLIPSIS] = write_ellipsis,
    [AST_FIELD] = write_postfix,
    [AST_PART] = write_postfix,
    [AST_TUPLE] = write_round,
    [AST_LIST] = write_square,
    [AST_COMPREHENSION] = write_comprehension,
    [AST_IF] = write_if,
    [AST_LAMBDA] = write_lambda,
    [AST_SCAN] = write_loop,
    [AST_MAP] = write_loop,
    [AST_ARG] = write_arg,
    [AST_TYPE_TENSOR] = write_tensor,
    [AST_TYPE_PLAIN] = write_name,
    [AST_TYPE_TUPLE] = write_round,
    [AST_TYPE_ITEM] = write_typed,
    [AST_WILD] = write_wild,
    [AST_BLOCK] = write_block,
    [AST_PATTERN] = write_round,
    [AST_LET] = write_binding,
    [AST_ASSIGN] = write_binding,
    [AST_PARAM] = write_binding,
    [AST_STATE] = write_binding,
    [AST_FOR] = write_for,
    [AST_YIELD] = write_words,
    [AST_MINIMIZE] = write_minimize,
    [AST_METRIC_IS] = write_binding,
    [AST_FREEZE] = write_words,
    [AST_SET] = write_action,
    [AST_PRINT] = write_print,
    [AST_SAVE] = write_action,
    [AST_EXPECT] = write_action,
    [AST_PROGRAM] = write_program,
    [AST_USE] = write_use,
    [AST_CONFIG] = write_config,
    [AST_DATA] = write_data,
    [AST_FN] = write_function,
    [AST_LAYER] = write_function,
    [AST_OPTIMIZER] = write_function,
    [AST_MODEL] = write_function,
    [AST_METRIC] = write_function,
    [AST_TASK] = write_task,
    [AST_LOAD] = write_transfer,
    [AST_EXPORT] = write_transfer,
    [AST_TEST] = write_task,
    [AST_PARAM_DECL] = write_typed,
    [AST_WHERE] = write_where,
    [AST_OVER] = write_over,
    [AST_SOURCE] = write_source,
};

void ast_write(const Ast *ast, Text *out) {
  if (ast) write_ast(ast, out);
}
