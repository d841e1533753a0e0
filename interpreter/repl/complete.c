/* Completion: what could stand at the cursor, by what stands before it. */
#include "interpreter/repl/repl.h"

#include <ctype.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef struct {
  Repl *repl;
  const char *start; // the word that is typed
  size_t length;
  const char **text;
  int count, most;
} Candidates;

static int by_text(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void offer(Candidates *c, const char *text) {
  if (c->count == c->most || strncmp(text, c->start, c->length) != 0) return;
  for (int i = 0; i < c->count; i++)
    if (!strcmp(c->text[i], text)) return;
  c->text[c->count++] = text;
}

static void offer_commands(Candidates *c) {
  for (int i = 0; i < repl_command_count; i++) offer(c, repl_commands[i].name);
}

static void offer_names(Candidates *c) {
  static const char *const words[] = {"let ",  "model ",   "layer ", "data ",   "fn ",     "train ",
                                      "eval ", "predict ", "task ",  "config ", "metric ", "optimizer ",
                                      "load ", "export ",  "true",   "false",   "None"};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (c->length) offer(c, words[i]);
  const Elaborator *e = c->repl->e;
  for (const Scope *scope = e->file; scope; scope = scope->parent)
    for (int i = 0; i < scope->count; i++)
      if (c->length || scope == e->file) offer(c, scope->binding[i].name);
}

static void offer_tasks(Candidates *c) {
  const AstList *all = c->repl->e->declaration;
  for (int i = 0; i < all->count; i++)
    if (all->item[i]->kind == AST_TASK) offer(c, all->item[i]->u.task.name);
}

/* Files beneath the folder that is typed so far. */
static void offer_files(Candidates *c) {
  char folder[1024];
  size_t cut = c->length;
  while (cut && c->start[cut - 1] != '/') cut--;
  if (cut >= sizeof folder) return;
  memcpy(folder, c->start, cut);
  folder[cut] = 0;
  DIR *open = opendir(cut ? folder : ".");
  for (struct dirent *entry; open && (entry = readdir(open));) {
    if (entry->d_name[0] == '.') continue;
    char *path = arena_printf(c->repl->call->arena, "%s%s", folder, entry->d_name);
    struct stat about;
    bool inside = stat(path, &about) == 0 && S_ISDIR(about.st_mode);
    offer(c, inside ? arena_printf(c->repl->call->arena, "%s/", path) : path);
  }
  if (open) closedir(open);
}

/* d.train.x, d.x: parts and fields of a table; net.Dense.W: paths of weights. */
static void offer_fields(Candidates *c, const char *base, size_t length) {
  Repl *repl = c->repl;
  Elaborator *e = repl->e;
  size_t first = strcspn(base, ".");
  const Ast *ast =
      declaration_named(repl, arena_copy(repl->call->arena, base, first < length ? first : length));
  if (ast && ast->kind == AST_DATA) {
    static const char *const parts[] = {"train", "valid", "test", "rows"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
      if (first >= length || i == 3) offer(c, parts[i]);
    int mark = problems_total(e->problems);
    Dataset *data = dataset_declare(e, ast, e->file);
    Saved saved = graph_begin(e, false, DTYPE_F32);
    Scope *fields = scope_new(e, NULL);
    if (dataset_open(e, data)) dataset_bind_fields(e, data, fields);
    for (int i = 0; i < fields->count; i++) offer(c, fields->binding[i].name);
    graph_end(e, &saved);
    problems_forget(e->problems, mark);
  }
  for (int i = 0; i < e->weights; i++) {
    const char *path = weight_path(e, &e->weight[i]);
    if (strncmp(path, base, length) != 0 || path[length] != '.') continue;
    const char *next = path + length + 1;
    offer(c, arena_copy(repl->call->arena, next, strcspn(next, ".")));
  }
}

/* Settings and inputs of what is called around the cursor, behind which `=` follows. */
static void offer_settings(Candidates *c, const char *line, const char *cursor) {
  int depth = 0;
  const char *p = cursor;
  while (p > line && depth >= 0) {
    p--;
    depth += *p == ')' || *p == ']';
    depth -= *p == '(' || *p == '[';
  }
  if (depth >= 0 || *p != '(') return;
  const char *end = p;
  while (p > line && (isalnum((unsigned char)p[-1]) || p[-1] == '_')) p--;
  if (p == end) return;
  Arena *arena = c->repl->call->arena;
  Binding *binding = scope_find(c->repl->e->file, name_of_n(p, (size_t)(end - p)));
  const Ast *ast = binding ? binding->declaration : NULL;
  if (!ast || ast->kind < AST_FN || ast->kind > AST_METRIC) return;
  const AstList *lists[] = {&ast->u.function.settings, &ast->u.function.params};
  for (int l = 0; l < 2; l++)
    for (int i = 0; i < lists[l]->count; i++)
      offer(c, arena_printf(arena, "%s=", lists[l]->item[i]->u.binding.name));
}

/* In the braces of a task: its settings. */
static void offer_task_settings(Candidates *c, const char *line) {
  static const char *const words[] = {"train ", "eval ", "predict ", "task "};
  const char *start = line + strspn(line, " \t");
  bool task = false;
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    task = task || !strncmp(start, words[i], strlen(words[i]));
  if (!task || !strchr(start, '{')) return;
  int count;
  const char *const *names = setting_names(&count);
  for (int i = 0; i < count; i++) offer(c, arena_printf(c->repl->call->arena, "%s = ", names[i]));
}

static bool in_string(const char *line, const char *cursor) {
  bool quoted = false;
  for (const char *p = line; p < cursor; p++)
    if (*p == '"' && (p == line || p[-1] != '\\')) quoted = !quoted;
  return quoted;
}

static void command_word(Candidates *c, const char *line) {
  static const char *const tasks[] = {":train", ":eval", ":run", ":plan"}, *const files[] = {":load", ":save",
                                                                                             ":hook"};
  for (size_t i = 0; i < sizeof tasks / sizeof *tasks; i++)
    if (!strncmp(line, tasks[i], strlen(tasks[i]))) offer_tasks(c);
  for (size_t i = 0; i < sizeof files / sizeof *files; i++)
    if (!strncmp(line, files[i], strlen(files[i]))) offer_files(c);
}

int complete(void *context, const char *line, size_t cursor, const char **text, int most, size_t *length) {
  Candidates c = {.repl = context, .text = text, .most = most};
  const char *end = line + cursor, *start = end;
  bool quoted = in_string(line, end), file = quoted || !strncmp(line, ":load ", 6) ||
                                             !strncmp(line, ":save ", 6) || !strncmp(line, ":hook ", 6);
  while (start > line && (file ? start[-1] != '"' && start[-1] != ' '
                               : isalnum((unsigned char)start[-1]) || start[-1] == '_'))
    start--;
  c.start = start;
  c.length = *length = (size_t)(end - start);
  if (quoted)
    offer_files(&c);
  else if (line[0] == ':' && start == line + 1)
    offer_commands(&c);
  else if (start > line && start[-1] == '.') {
    const char *base = start - 1;
    while (base > line && (isalnum((unsigned char)base[-1]) || base[-1] == '_' || base[-1] == '.')) base--;
    offer_fields(&c, base, (size_t)(start - 1 - base));
  } else if (!file) {
    if (line[0] == ':') command_word(&c, line);
    offer_settings(&c, line, start);
    offer_task_settings(&c, line);
    offer_names(&c);
  } else
    command_word(&c, line);
  qsort(text, (size_t)c.count, sizeof *text, by_text);
  return c.count;
}
