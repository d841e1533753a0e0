/* Tree to stable text, one node a line.
 *
 * A line is `role: kind detail`; the role is left out where the place says it. A chain of operators or
 * suffixes is one `binary` or `postfix` whose parts stand below it, the operator before its right side: so a
 * chain of any length needs neither a deep stack nor a deep indent. One printer serves all kinds that use the
 * same member of the union. */
#include "lang/chain.h"
#include "lang/format.h"

#include <string.h>

static void print_node(const char *role, const Ast *ast, int level, Text *out);

static void print_line(const char *role, const char *words, int level, Text *out) {
  for (int i = 0; i < level; i++) text_add(out, "  ");
  text_printf(out, "%s%s%s\n", role, *role && *words ? " " : "", words);
}

static void print_list(AstList list, int level, Text *out) {
  for (int i = 0; i < list.count; i++) print_node("", list.item[i], level, out);
}

static void print_group(const char *role, AstList list, int level, Text *out) {
  if (list.count == 0) return;
  print_line(role, "", level, out);
  print_list(list, level + 1, out);
}

static void print_text(const char *role, const char *text, int level, Text *out) {
  if (!text) return;
  Ast string = {.kind = AST_STRING};
  string.u.string.bytes = text;
  string.u.string.length = (int)strlen(text);
  print_node(role, &string, level, out);
}

// --- what stands below a node, by the member it uses -----------------------------------------------------

static void parts_none(const Ast *ast, int level, Text *out) { (void)ast, (void)level, (void)out; }

static void parts_unary(const Ast *ast, int level, Text *out) {
  print_node("", ast->u.unary.operand, level, out);
}

static void parts_binary(const Ast *ast, int level, Text *out) {
  Chain chain = chain_of(ast);
  print_node("", chain_base(&chain), level, out);
  for (int i = 0; i < chain.count; i++) {
    const Ast *link = chain.link[i];
    print_node(operator_text(link->u.binary.op), link->u.binary.right, level, out);
  }
  chain_free(&chain);
}

static void parts_postfix(const Ast *ast, int level, Text *out) {
  Chain chain = chain_of(ast);
  print_node("", chain_base(&chain), level, out);
  for (int i = 0; i < chain.count; i++) {
    const Ast *link = chain.link[i];
    Text words = {0};
    if (link->kind == AST_FIELD) text_printf(&words, ".%s", link->u.field.name);
    if (link->kind == AST_PART) text_printf(&words, ".%lld", (long long)link->u.field.part);
    print_line(words.length ? "" : ast_kind_text(link->kind), text_string(&words), level, out);
    text_free(&words);
    if (link->kind == AST_CALL || link->kind == AST_INDEX) print_list(link->u.call.items, level + 1, out);
  }
  chain_free(&chain);
}

static void parts_slice(const Ast *ast, int level, Text *out) {
  print_node("from:", ast->u.slice.from, level, out);
  print_node("to:", ast->u.slice.to, level, out);
  print_node("step:", ast->u.slice.step, level, out);
}

static void parts_list(const Ast *ast, int level, Text *out) { print_list(ast->u.list, level, out); }

static void parts_each(const Ast *ast, int level, Text *out) {
  print_node("in:", ast->u.each.over, level, out);
  print_node("", ast->u.each.value, level, out);
}

static void parts_branch(const Ast *ast, int level, Text *out) {
  print_node("", ast->u.branch.condition, level, out);
  print_node("then:", ast->u.branch.then, level, out);
  print_node("else:", ast->u.branch.otherwise, level, out);
}

static void parts_function(const Ast *ast, int level, Text *out) {
  print_text("doc:", ast->u.function.doc, level, out);
  print_group("settings:", ast->u.function.settings, level, out);
  print_group("params:", ast->u.function.params, level, out);
  print_node("result:", ast->u.function.result, level, out);
  print_list(ast->u.function.wheres, level, out);
  print_node("", ast->u.function.body, level, out);
}

static void parts_loop(const Ast *ast, int level, Text *out) {
  print_list(ast->u.loop.names, level, out);
  print_node(ast->u.loop.counted ? "in:" : "over:", ast->u.loop.over, level, out);
  print_group("with:", ast->u.loop.carries, level, out);
  print_node("while:", ast->u.loop.until, level, out);
  print_node("", ast->u.loop.body, level, out);
}

static void parts_arg(const Ast *ast, int level, Text *out) { print_node("", ast->u.arg.value, level, out); }

static void parts_tensor(const Ast *ast, int level, Text *out) {
  print_node("below:", ast->u.tensor.bound, level, out);
  print_list(ast->u.tensor.dims, level, out);
}

static void parts_binding(const Ast *ast, int level, Text *out) {
  print_node("", ast->u.binding.pattern, level, out);
  print_node(ast->kind == AST_TYPE_ITEM ? "" : "type:", ast->u.binding.type, level, out);
  print_node("=", ast->u.binding.value, level, out);
}

static void parts_minimize(const Ast *ast, int level, Text *out) {
  print_node("", ast->u.minimize.value, level, out);
  print_list(ast->u.minimize.overs, level, out);
  print_node("every:", ast->u.minimize.every, level, out);
}

static void parts_action(const Ast *ast, int level, Text *out) {
  const char *to = ast->kind == AST_WHERE  ? "else:"
                   : ast->kind == AST_OVER ? "using:"
                   : ast->kind == AST_SET  ? "="
                                           : "to:";
  print_node("", ast->u.action.value, level, out);
  print_node(to, ast->u.action.to, level, out);
  print_node("every:", ast->u.action.every, level, out);
}

static void parts_print(const Ast *ast, int level, Text *out) {
  print_list(ast->u.print.items, level, out);
  print_node("every:", ast->u.print.every, level, out);
}

static void parts_use(const Ast *ast, int level, Text *out) { print_node("", ast->u.use.path, level, out); }

static void parts_data(const Ast *ast, int level, Text *out) {
  print_text("doc:", ast->u.data.doc, level, out);
  print_node("from:", ast->u.data.from, level, out);
  print_node("", ast->u.data.body, level, out);
}

static void parts_task(const Ast *ast, int level, Text *out) {
  print_text("doc:", ast->u.task.doc, level, out);
  print_node("title:", ast->u.task.title, level, out);
  print_list(ast->u.task.sources, level, out);
  print_node("", ast->u.task.body, level, out);
}

static void parts_transfer(const Ast *ast, int level, Text *out) {
  print_node("", ast->u.transfer.what, level, out);
  print_node(ast->kind == AST_LOAD ? "from:" : "to:", ast->u.transfer.where, level, out);
  print_node("", ast->u.transfer.body, level, out);
}

// --- the line of a node ----------------------------------------------------------------------------------

static void detail_none(const Ast *ast, Text *out) { (void)ast, (void)out; }
static void detail_written(const Ast *ast, Text *out) { ast_write(ast, out); }
static void detail_unary(const Ast *ast, Text *out) { text_add(out, operator_text(ast->u.unary.op)); }
static void detail_function(const Ast *ast, Text *out) { text_add(out, ast->u.function.name); }
static void detail_data(const Ast *ast, Text *out) { text_add(out, ast->u.data.name); }
static void detail_each(const Ast *ast, Text *out) {
  text_add(out, ast->u.each.name ? ast->u.each.name : "_");
}

static void detail_arg(const Ast *ast, Text *out) {
  if (ast->u.arg.name) text_add(out, ast->u.arg.name);
}
static void detail_tensor(const Ast *ast, Text *out) {
  if (ast->u.tensor.dtype) text_add(out, ast->u.tensor.dtype);
}
static void detail_binding(const Ast *ast, Text *out) {
  if (ast->u.binding.name) text_add(out, ast->u.binding.name);
}
static void detail_minimize(const Ast *ast, Text *out) {
  if (ast->u.minimize.maximize) text_add(out, "negated");
}
static void detail_use(const Ast *ast, Text *out) {
  if (ast->u.use.as) text_printf(out, "as %s", ast->u.use.as);
}
static void detail_task(const Ast *ast, Text *out) {
  text_printf(out, "%s %s", task_kind_text(ast->u.task.task), ast->u.task.name);
}

typedef struct {
  void (*detail)(const Ast *ast, Text *out);
  void (*parts)(const Ast *ast, int level, Text *out);
} Form;

static const Form forms[] = {
    [AST_INT] = {detail_written, parts_none},
    [AST_FLOAT] = {detail_written, parts_none},
    [AST_STRING] = {detail_written, parts_none},
    [AST_BOOL] = {detail_written, parts_none},
    [AST_NONE] = {detail_none, parts_none},
    [AST_NAME] = {detail_written, parts_none},
    [AST_UNARY] = {detail_unary, parts_unary},
    [AST_BINARY] = {detail_none, parts_binary},
    [AST_CALL] = {detail_none, parts_postfix},
    [AST_INDEX] = {detail_none, parts_postfix},
    [AST_SLICE] = {detail_none, parts_slice},
    [AST_ELLIPSIS] = {detail_none, parts_none},
    [AST_FIELD] = {detail_none, parts_postfix},
    [AST_PART] = {detail_none, parts_postfix},
    [AST_TUPLE] = {detail_none, parts_list},
    [AST_LIST] = {detail_none, parts_list},
    [AST_COMPREHENSION] = {detail_each, parts_each},
    [AST_IF] = {detail_none, parts_branch},
    [AST_LAMBDA] = {detail_none, parts_function},
    [AST_SCAN] = {detail_none, parts_loop},
    [AST_MAP] = {detail_none, parts_loop},
    [AST_ARG] = {detail_arg, parts_arg},
    [AST_TYPE_TENSOR] = {detail_tensor, parts_tensor},
    [AST_TYPE_PLAIN] = {detail_written, parts_none},
    [AST_TYPE_TUPLE] = {detail_none, parts_list},
    [AST_TYPE_ITEM] = {detail_binding, parts_binding},
    [AST_WILD] = {detail_none, parts_none},
    [AST_BLOCK] = {detail_none, parts_list},
    [AST_PATTERN] = {detail_none, parts_list},
    [AST_LET] = {detail_none, parts_binding},
    [AST_ASSIGN] = {detail_binding, parts_binding},
    [AST_PARAM] = {detail_binding, parts_binding},
    [AST_STATE] = {detail_binding, parts_binding},
    [AST_FOR] = {detail_each, parts_each},
    [AST_YIELD] = {detail_none, parts_list},
    [AST_MINIMIZE] = {detail_minimize, parts_minimize},
    [AST_METRIC_IS] = {detail_binding, parts_binding},
    [AST_FREEZE] = {detail_none, parts_list},
    [AST_SET] = {detail_none, parts_action},
    [AST_PRINT] = {detail_none, parts_print},
    [AST_SAVE] = {detail_none, parts_action},
    [AST_EXPECT] = {detail_none, parts_action},
    [AST_PROGRAM] = {detail_none, parts_list},
    [AST_USE] = {detail_use, parts_use},
    [AST_CONFIG] = {detail_function, parts_function},
    [AST_DATA] = {detail_data, parts_data},
    [AST_FN] = {detail_function, parts_function},
    [AST_LAYER] = {detail_function, parts_function},
    [AST_OPTIMIZER] = {detail_function, parts_function},
    [AST_MODEL] = {detail_function, parts_function},
    [AST_METRIC] = {detail_function, parts_function},
    [AST_TASK] = {detail_task, parts_task},
    [AST_LOAD] = {detail_none, parts_transfer},
    [AST_EXPORT] = {detail_none, parts_transfer},
    [AST_TEST] = {detail_none, parts_task},
    [AST_PARAM_DECL] = {detail_binding, parts_binding},
    [AST_WHERE] = {detail_none, parts_action},
    [AST_OVER] = {detail_none, parts_action},
    [AST_SOURCE] = {detail_arg, parts_arg},
};

/* A chain of suffixes is called by what it is, not by its last link. */
static const char *kind_text(AstKind kind) {
  bool suffix = kind == AST_CALL || kind == AST_INDEX || kind == AST_FIELD || kind == AST_PART;
  return suffix ? "postfix" : ast_kind_text(kind);
}

static void print_node(const char *role, const Ast *ast, int level, Text *out) {
  if (!ast) return;
  const Form *form = &forms[ast->kind];
  Text detail = {0}, words = {0};
  form->detail(ast, &detail);
  text_printf(&words, "%s%s%s", kind_text(ast->kind), detail.length ? " " : "", text_string(&detail));
  print_line(role, text_string(&words), level, out);
  text_free(&detail);
  text_free(&words);
  form->parts(ast, level + 1, out);
}

void ast_print(const Ast *ast, Text *out) { print_node("", ast, 0, out); }
