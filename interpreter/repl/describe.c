/* :t, :doc, :src: what a name or an expression is, without running it. */
#include "interpreter/repl/repl.h"

#include "lang/problems.h"

#include <string.h>

static void type_write(Repl *repl, const Value *value, Text *out) {
  if (value->kind == VALUE_TENSOR)
    type_print(&value->u.tensor.node->type, out);
  else if (value->kind == VALUE_LIST || (value->kind == VALUE_RECORD && !value->u.items.model)) {
    bool list = value->kind == VALUE_LIST;
    text_add(out, list ? "[" : "(");
    for (int i = 0; i < value->u.items.count; i++) {
      if (i) text_add(out, ", ");
      if (value->u.items.name && value->u.items.name[i]) text_printf(out, "%s: ", value->u.items.name[i]);
      type_write(repl, value->u.items.item[i], out);
    }
    text_add(out, list ? "]" : ")");
  } else if (value->kind == VALUE_INT || value->kind == VALUE_FLOAT || value->kind == VALUE_BOOL ||
             value->kind == VALUE_STRING)
    text_add(out, value->kind == VALUE_INT     ? "int"
                  : value->kind == VALUE_FLOAT ? "float"
                  : value->kind == VALUE_BOOL  ? "bool"
                                               : "str");
  else {
    Text text = {0};
    describe(repl, value, &text);
    text_add_n(out, text_string(&text), strcspn(text_string(&text), "\n"));
    text_free(&text);
  }
}

const Value *value_only(Repl *repl, const char *text, Graph **graph) {
  Elaborator *e = repl->e;
  const Ast *ast = read_expression(repl, text);
  if (!ast) return NULL;
  Saved saved = graph_begin(e, false, DTYPE_F32);
  const Value *value = value_in_graph(repl, e->file, ast);
  if (graph) *graph = e->graph;
  graph_end(e, &saved);
  return went_wrong(repl) ? NULL : value;
}

void value_drop(Repl *repl) {
  Evaluation none = {0};
  begin_work(repl);
  evaluation_end(repl, &none);
}

void run_type(Repl *repl, const char *rest) {
  if (!*rest) {
    usage_wrong(repl, "t");
    return;
  }
  const Value *value = value_only(repl, rest, NULL);
  if (value) {
    Text out = {0};
    type_write(repl, value, &out);
    text_add(&out, "\n");
    say_text(repl, &out);
  }
  value_drop(repl);
}

static const Binding *binding_of(Repl *repl, const char *name) {
  Elaborator *e = repl->e;
  Binding *binding = scope_find(e->file, name_of(name));
  if (!binding) problem_repl_unknown(repl->call->problems, name, scope_nearest(e, e->file, name_of(name)));
  return binding;
}

void run_doc(Repl *repl, const char *rest) {
  const char *name = word_next(repl, &rest);
  if (!name) {
    usage_wrong(repl, "doc");
    return;
  }
  const Ast *task = declaration_named(repl, name);
  if (task && task->kind == AST_TASK) {
    say(repl, "%s %s%s%s\n", task_kind_text(task->u.task.task), name, task->u.task.doc ? "\n" : "",
        task->u.task.doc ? task->u.task.doc : "");
    return;
  }
  if (!binding_of(repl, name)) return;
  const Value *value = value_only(repl, name, NULL);
  if (!value) return;
  Text out = {0};
  const Ast *ast = value->ast;
  bool function =
      ast && (value->kind == VALUE_FUNCTION || value->kind == VALUE_LAYER || value->kind == VALUE_METRIC ||
              value->kind == VALUE_OPTIMIZER || value->kind == VALUE_INSTANCE);
  if (function) {
    signature_write(ast, &out);
    text_printf(&out, "\n%s%s", ast->u.function.doc ? ast->u.function.doc : "",
                ast->u.function.doc ? "\n" : "");
  } else {
    if (value->kind <= VALUE_STRING) text_printf(&out, "%s = ", name);
    describe(repl, value, &out);
  }
  say_text(repl, &out);
}

void run_src(Repl *repl, const char *rest) {
  const char *name = word_next(repl, &rest);
  if (!name) {
    usage_wrong(repl, "src");
    return;
  }
  const Ast *ast = declaration_named(repl, name);
  if (!ast) {
    const Binding *binding = binding_of(repl, name);
    if (!binding) return;
    ast = binding->declaration;
  }
  const Source *source = ast ? source_by_id(ast->span.source) : NULL;
  if (!source) {
    say(repl, "%s is built in\n", name);
    return;
  }
  int line, column;
  source_place(source, ast->span.start, &line, &column);
  say(repl, "# %s:%d\n%.*s\n", source->path, line, (int)(ast->span.end - ast->span.start),
      source->text + ast->span.start);
}
