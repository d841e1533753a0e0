/* What hangs together: which declarations mention which names.
 *
 * A name counts where it stands in the text of a declaration as a word of its own, outside comments and strings. That
 * is more than what is meant (a setting may have the name of a model), never less; too much is only built again. */
#include "interpreter/repl/repl.h"

#include "lang/problems.h"

#include <ctype.h>
#include <string.h>

/* Whether the name is an input or setting of the declaration, and so no other thing in it. */
static bool is_own(const Ast *ast, Name name) {
  if (ast->kind < AST_FN || ast->kind > AST_METRIC) return false;
  const AstList *lists[] = {&ast->u.function.settings, &ast->u.function.params};
  for (int l = 0; l < 2; l++)
    for (int i = 0; i < lists[l]->count; i++)
      if (lists[l]->item[i]->u.binding.name == name) return true;
  return false;
}

bool mentions(const Ast *ast, Name name) {
  if (is_own(ast, name)) return false;
  const Source *source = source_by_id(ast->span.source);
  if (!source) return false;
  const char *p = source->text + ast->span.start, *end = source->text + ast->span.end;
  size_t length = strlen(name);
  while (p < end) {
    if (*p == '#')
      while (p < end && *p != '\n') p++;
    else if (*p == '"') {
      for (p++; p < end && *p != '"' && *p != '\n'; p++) p += *p == '\\';
      p++;
    } else if (isalpha((unsigned char)*p) || *p == '_') {
      const char *word = p;
      while (p < end && (isalnum((unsigned char)*p) || *p == '_')) p++;
      if ((size_t)(p - word) == length && !memcmp(word, name, length)) return true;
    } else
      p++;
  }
  return false;
}

bool names_of(const Ast *ast, Name *name, int most, int *count) {
  *count = 0;
  if (!ast) return false;
  if (declaration_name(ast) && most > 0) name[(*count)++] = declaration_name(ast);
  if (ast->kind != AST_LET || ast->u.binding.pattern->kind != AST_PATTERN) return *count > 0;
  const AstList *list = &ast->u.binding.pattern->u.list;
  for (int i = 0; i < list->count && *count < most; i++)
    if (list->item[i]->kind == AST_NAME) name[(*count)++] = list->item[i]->u.name;
  return *count > 0;
}

#define NAMES 32

static bool mentions_any(const Ast *ast, const Ast *of) {
  Name name[NAMES];
  int count;
  names_of(of, name, NAMES, &count);
  for (int i = 0; i < count; i++)
    if (mentions(ast, name[i])) return true;
  return false;
}

void affected_by(const Repl *repl, const Change *change, int changes, bool *affected) {
  const AstList *all = repl->e->declaration;
  bool more = true;
  memset(affected, 0, sizeof(bool) * (size_t)all->count);
  while (more) {
    more = false;
    for (int i = 0; i < all->count; i++) {
      const Ast *ast = all->item[i];
      bool found = affected[i], own = false;
      for (int c = 0; c < changes; c++) own = own || change[c].before == ast || change[c].now == ast;
      for (int c = 0; c < changes && !found && !own; c++)
        found =
            (change[c].now && change[c].now->kind != AST_TASK && mentions_any(ast, change[c].now)) ||
            (change[c].before && change[c].before->kind != AST_TASK && mentions_any(ast, change[c].before));
      for (int k = 0; k < all->count && !found && !own; k++)
        found = affected[k] && k != i && all->item[k]->kind != AST_TASK && mentions_any(ast, all->item[k]);
      more = more || (found && !affected[i]);
      affected[i] = found;
    }
  }
}

const Ast *declaration_named(const Repl *repl, const char *name) {
  const AstList *all = repl->e->declaration;
  for (int i = 0; i < all->count; i++) {
    Name names[NAMES];
    int count;
    names_of(all->item[i], names, NAMES, &count);
    for (int k = 0; k < count; k++)
      if (!strcmp(names[k], name)) return all->item[i];
  }
  return NULL;
}

const Ast *task_named(Repl *repl, const char *name, int kind) {
  const AstList *all = repl->e->declaration;
  const char **known = ARENA_ARRAY(repl->call->arena, const char *, all->count + 1);
  int count = 0;
  for (int i = 0; i < all->count; i++) {
    const Ast *ast = all->item[i];
    if (ast->kind != AST_TASK || (kind >= 0 && (int)ast->u.task.task != kind)) continue;
    known[count++] = ast->u.task.name;
    if (name && !strcmp(ast->u.task.name, name)) return ast;
  }
  problem_unknown_task(repl->call->problems, name ? name : "",
                       name ? name_nearest(name, known, count) : NULL);
  return NULL;
}
