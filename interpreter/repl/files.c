/* :load and :save. */
#include "interpreter/repl/repl.h"

#include "interpreter/formats/save.h"
#include "lang/problems.h"

#include <string.h>

static bool ends_with(const char *text, const char *end) {
  size_t length = strlen(text), wanted = strlen(end);
  return length > wanted && !strcmp(text + length - wanted, end);
}

/* The text of a path without the quotes that may stand around it. */
static const char *path_of(Repl *repl, const char *rest) {
  size_t length = strlen(rest);
  return length > 1 && rest[0] == '"' && rest[length - 1] == '"'
             ? arena_copy(repl->call->arena, rest + 1, length - 2)
             : rest;
}

void run_load_file(Repl *repl, const char *rest) {
  const char *path = path_of(repl, rest);
  if (ends_with(path, ".model")) {
    AstList list = {0};
    if (elaborator_read(repl->e, path, &list)) enter_list(repl, &list);
  } else if (ends_with(path, ".safetensors") || ends_with(path, ".json")) {
    if (!repl->e->weights)
      problem_repl_needs(repl->call->problems, "load", "a model whose weights it fills", "none");
    else if (begin_work(repl) && session_load(repl->session, path, (Span){0}, NULL, false))
      say(repl, "loaded %s\n", path);
  } else
    usage_wrong(repl, "load");
}

/* A declaration as it was typed. */
static void write_declaration(const Ast *ast, Text *out) {
  const Source *source = source_by_id(ast->span.source);
  const char *doc = ast->kind == AST_DATA   ? ast->u.data.doc
                    : ast->kind == AST_TASK ? ast->u.task.doc
                    : ast->kind == AST_LET  ? NULL
                                            : ast->u.function.doc;
  for (const char *line = doc; line && *line;) {
    size_t length = strcspn(line, "\n");
    text_printf(out, "## %.*s\n", (int)length, line);
    line += length + (line[length] == '\n');
  }
  text_add_n(out, source->text + ast->span.start, ast->span.end - ast->span.start);
  text_add(out, "\n");
}

static bool write_text(Repl *repl, const char *path, const Text *text) {
  SaveFile *file = save_begin(repl->call->problems, path, text->length);
  if (!file) return false;
  save_write(file, text_string(text), text->length);
  return save_commit(file, repl->call->problems);
}

/* Weights beside the program, and a `load` line a model. */
static bool save_weights(Repl *repl, const char *path, Text *program) {
  const Elaborator *e = repl->e;
  const char *slash = strrchr(path, '/'), *beside = slash ? slash + 1 : path;
  if (!e->weights) return true;
  if (!begin_work(repl)) return false;
  for (int i = 0; i < e->declaration->count; i++) {
    const Ast *ast = e->declaration->item[i];
    bool made = false;
    for (int k = 0; k < e->weights && ast->kind == AST_MODEL; k++)
      made = made || !strcmp(e->weight[k].model, ast->u.function.name);
    if (made) text_printf(program, "load %s from \"%s\"\n", ast->u.function.name, beside);
  }
  Bundle *bundle = session_bundle(repl->session, repl->session->arena, NULL);
  bundle_set_text(bundle, "program", text_string(program));
  bool ok = bundle_save_safetensors(bundle, repl->call->problems, path);
  bundle_free(bundle);
  if (ok) say(repl, "saved %s\n", path);
  return ok;
}

void run_save_file(Repl *repl, const char *rest) {
  const char *path = path_of(repl, rest);
  const AstList *all = repl->e->declaration;
  if (!ends_with(path, ".model")) {
    usage_wrong(repl, "save");
    return;
  }
  Text program = {0};
  for (int i = 0; i < all->count; i++)
    if (all->item[i]->kind != AST_LOAD) write_declaration(all->item[i], &program);
  const char *weights =
      arena_printf(repl->call->arena, "%.*s.safetensors", (int)(strlen(path) - strlen(".model")), path);
  if (save_weights(repl, weights, &program) && write_text(repl, path, &program))
    say(repl, "saved %s\n", path);
  text_free(&program);
}
