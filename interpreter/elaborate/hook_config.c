/* config(c) of Lua hooks: configs and settings computed before the program is checked.
 *
 * What a script gives back becomes `name=value` texts and passes through the same door as words of the command
 * line, which win. A program's configs are shown to the script as far as they are literals or were given. */
#include "interpreter/elaborate/dataset.h"
#include "interpreter/hooks/hooks.h"
#include "lang/problems.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

typedef struct {
  Elaborator *e;
  const AstList *all;
  const char *path; // of the script
  Span at;
  const char **set; // name=value
  int sets;
  size_t set_capacity;
} Configuring;

// ---- what the script sees -----------------------------------------------------------------------------------------

static bool literal(Arena *arena, const Ast *ast, Plain *out) {
  bool minus = ast->kind == AST_UNARY && ast->u.unary.operand->kind != AST_UNARY;
  if (minus) ast = ast->u.unary.operand;
  double sign = minus ? -1 : 1;
  switch (ast->kind) {
  case AST_INT: *out = plain_integer(minus ? -ast->u.integer : ast->u.integer); return true;
  case AST_FLOAT: *out = plain_number(sign * ast->u.real); return true;
  case AST_BOOL: *out = plain_bool(ast->u.truth); return !minus;
  case AST_STRING: *out = plain_text(arena, ast->u.string.bytes, strlen(ast->u.string.bytes)); return !minus;
  default: return false;
  }
}

static Plain facts_of(const Configuring *c) {
  Elaborator *e = c->e;
  Plain facts = plain_table(), config = plain_table();
  for (int i = 0; i < c->all->count; i++) {
    const Ast *ast = c->all->item[i], *value = ast->u.function.body;
    if (ast->kind != AST_CONFIG) continue;
    for (int k = 0; k < e->overrides; k++)
      if (e->override[k].name == ast->u.function.name) value = e->override[k].ast;
    Plain plain;
    if (literal(e->arena, value, &plain)) plain_set(e->arena, &config, ast->u.function.name, plain);
  }
  plain_set(e->arena, &facts, "config", config);
  plain_set(e->arena, &facts, "cores", plain_integer(e->options->threads > 0 ? e->options->threads : 1));
  plain_set(e->arena, &facts, "memory",
            plain_integer((int64_t)sysconf(_SC_PHYS_PAGES) * (int64_t)sysconf(_SC_PAGESIZE)));
  const char *device = e->options->device ? e->options->device : "cpu";
  plain_set(e->arena, &facts, "device", plain_text(e->arena, device, strlen(device)));
  plain_set(e->arena, &facts, "program", plain_text(e->arena, e->program_name, strlen(e->program_name)));
  return facts;
}

// ---- what it gives back -------------------------------------------------------------------------------------------

/* A plain value as a literal of Lathe; false if there is none. */
static bool write_literal(const Plain *plain, Text *out) {
  switch (plain->kind) {
  case PLAIN_BOOL: text_add(out, plain->u.truth ? "true" : "false"); return true;
  case PLAIN_INTEGER: text_printf(out, "%" PRId64, plain->u.integer); return true;
  case PLAIN_NUMBER: {
    char digits[40];
    if (!isfinite(plain->u.number)) return false;
    snprintf(digits, sizeof digits, "%.17g", plain->u.number);
    text_printf(out, "%s%s", digits, strpbrk(digits, ".e") ? "" : ".0");
    return true;
  }
  case PLAIN_TEXT:
    text_add(out, "\"");
    for (size_t i = 0; i < plain->u.text.length; i++) {
      char letter = plain->u.text.bytes[i];
      if (!letter) return false;
      if (letter == '"' || letter == '\\') text_add(out, "\\");
      text_add_n(out, letter == '\n' ? "\\n" : &letter, letter == '\n' ? 2 : 1);
    }
    text_add(out, "\"");
    return true;
  case PLAIN_TABLE: break;
  }
  text_add(out, "[");
  for (size_t i = 0; i < plain->u.table.count; i++) {
    const Plain *key = &plain->u.table.key[i];
    if (key->kind != PLAIN_INTEGER || key->u.integer != (int64_t)i + 1) return false;
    if (i) text_add(out, ", ");
    if (!write_literal(&plain->u.table.value[i], out)) return false;
  }
  text_add(out, "]");
  return true;
}

static bool is_task(const Configuring *c, const char *name) {
  for (int i = 0; i < c->all->count; i++)
    if (c->all->item[i]->kind == AST_TASK && !strcmp(c->all->item[i]->u.task.name, name)) return true;
  return false;
}

/* Takes the pairs of a table; `task`: its settings. */
static bool take_pairs(Configuring *c, const Plain *table, const char *task) {
  Arena *arena = c->e->arena;
  for (size_t i = 0; i < table->u.table.count; i++) {
    const Plain *key = &table->u.table.key[i], *value = &table->u.table.value[i];
    if (key->kind != PLAIN_TEXT || strchr(key->u.text.bytes, '=')) {
      problem_hook_config(c->e->problems, c->at, c->path, "a key that is no name");
      return false;
    }
    const char *name = key->u.text.bytes;
    if (value->kind == PLAIN_TABLE && !task && is_task(c, name)) {
      if (!take_pairs(c, value, name)) return false;
      continue;
    }
    Text text = {0};
    text_printf(&text, "%s%s%s=", task ? task : "", task ? "." : "", name);
    bool ok = write_literal(value, &text);
    c->set = arena_grow(arena, c->set, (size_t)c->sets, &c->set_capacity, sizeof(char *));
    c->set[c->sets++] = arena_copy(arena, text_string(&text), text.length);
    text_free(&text);
    if (!ok) {
      problem_hook_config(c->e->problems, c->at, c->path, name);
      return false;
    }
  }
  return true;
}

static bool run_config(Configuring *c) {
  const char *slash = strrchr(c->e->program_path, '/');
  HookOptions options = {.arena = c->e->arena, .problems = c->e->problems, .at = c->at, .folder = "."};
  if (slash)
    options.folder = arena_copy(c->e->arena, c->e->program_path, (size_t)(slash - c->e->program_path));
  options.seed = c->e->options->seed;
  Hooks *hooks = hooks_open(&options, c->path);
  if (!hooks) return false;
  bool ok = true;
  if (hooks_has(hooks, HOOK_CONFIG)) {
    Plain facts = facts_of(c);
    const Plain *given = NULL;
    ok = hooks_ask(hooks, c->e->arena, HOOK_CONFIG, &facts, &given);
    if (ok && given && given->kind != PLAIN_TABLE) {
      problem_hook_config(c->e->problems, c->at, c->path, "no table");
      ok = false;
    }
    ok = ok && (!given || take_pairs(c, given, NULL));
  }
  hooks_close(hooks);
  return ok;
}

// ---- which scripts ------------------------------------------------------------------------------------------------

/* The script of a train block, as a text literal in it or on the command line; NULL: none. */
static const char *script_of(Elaborator *e, const Ast *task, Span *at) {
  const Ast *found = NULL;
  const AstList *body = &task->u.task.body->u.list;
  for (int i = 0; i < body->count; i++)
    if (body->item[i]->kind == AST_ASSIGN && !strcmp(body->item[i]->u.binding.name, "hooks"))
      found = body->item[i]->u.binding.value;
  const char *name = arena_printf(e->arena, "%s.hooks", task->u.task.name);
  for (int i = 0; i < e->overrides; i++)
    if (!strcmp(e->override[i].name, name)) found = e->override[i].ast;
  if (!found || found->kind != AST_STRING) return NULL;
  *at = found->span;
  return resolve_path(e, found, found->u.string.bytes);
}

bool hooks_configure(Elaborator *e, const AstList *all) {
  Configuring c = {.e = e, .all = all};
  const char **done = ARENA_ARRAY(e->arena, const char *, all->count + 1);
  int dones = 0;
  for (int i = 0; i < all->count; i++) {
    const Ast *ast = all->item[i];
    if (ast->kind != AST_TASK || ast->u.task.task != TASK_TRAIN) continue;
    c.at = (Span){0};
    c.path = e->options->hooks ? e->options->hooks : script_of(e, ast, &c.at);
    bool again = false;
    for (int k = 0; k < dones && c.path; k++) again = again || !strcmp(done[k], c.path);
    if (!c.path || again) continue;
    done[dones++] = c.path;
    if (!run_config(&c)) return false;
  }
  return c.sets == 0 || overrides_add(e, all, c.set, c.sets, c.path ? c.path : "hooks");
}
