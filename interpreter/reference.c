#include "interpreter/reference.h"

#include "interpreter/elaborate/elaborate.h"
#include "interpreter/stdlib.h"
#include "parser/parse.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  Arena *arena;
  Reference *entry;
  int count;
  size_t capacity;
} Entries;

static void add(Entries *all, Reference entry) {
  all->entry = arena_grow(all->arena, all->entry, (size_t)all->count, &all->capacity, sizeof(Reference));
  all->entry[all->count++] = entry;
}

// ---- what is written in C -----------------------------------------------------------------------------------------

static void add_builtins(Entries *all) {
  const Builtin *row;
  for (int i = 0; (row = builtin_at(i)) != NULL; i++) {
    Text text = {0};
    text_printf(&text, "%s(", row->name);
    for (const char *p = row->signature; *p;) {
      size_t length = strcspn(p, " ");
      if (p > row->signature) text_add(&text, ", ");
      text_add_n(&text, p, length - (p[length - 1] == '?'));
      if (p[length - 1] == '?') text_add(&text, "=");
      p += length;
      while (*p == ' ') p++;
    }
    text_add(&text, ")");
    add(all,
        (Reference){row->name, arena_copy(all->arena, text_string(&text), text.length), row->doc, "fn", ""});
    text_free(&text);
  }
  for (int op = 0; op < OP_COUNT; op++) {
    if (!op_is_function((OpCode)op)) continue;
    static const char *const inputs[] = {"", "x", "a, b", "c, a, b"};
    const char *signature = arena_printf(all->arena, "%s(%s)", op_table[op].name, inputs[op_table[op].arity]);
    add(all, (Reference){op_table[op].name, signature, op_table[op].doc, "fn", ""});
  }
}

// ---- what is written in the language --------------------------------------------------------------------------------

/* The head of a declaration as it stands in the text, on one line. */
static const char *head_of(Arena *arena, const Source *source, const Ast *ast) {
  uint32_t start = ast->span.start,
           end = ast->u.function.body ? ast->u.function.body->span.start : ast->span.end;
  if (ast->u.function.wheres.count) { // what must hold is no part of the call
    const Ast *where = ast->u.function.wheres.item[0];
    if (where->span.start < end) end = where->span.start;
  }
  Text text = {0};
  for (uint32_t i = start; i < end; i++) {
    bool blank = isspace((unsigned char)source->text[i]);
    if (blank && (text.length == 0 || text.bytes[text.length - 1] == ' ')) continue;
    text_add_n(&text, blank ? " " : source->text + i, 1);
  }
  size_t length = text.length;
  while (length && strchr(" ={", text.bytes[length - 1])) length--;
  if (length > 6 && !strncmp(text.bytes + length - 6, " where", 6)) length -= 6;
  const char *head = arena_copy(arena, text_string(&text), length);
  text_free(&text);
  const char *name = strstr(head, ast->u.function.name); // behind the word of its kind
  return name ? name : head;
}

static const char *kind_of(const Ast *ast) {
  switch (ast->kind) {
  case AST_FN: return "fn";
  case AST_LAYER: return "layer";
  case AST_METRIC: return "metric";
  case AST_OPTIMIZER: return "optimizer";
  default: return NULL;
  }
}

static void add_library(Entries *all) {
  Problems *problems = problems_new(all->arena);
  for (int i = 0; i < stdlib_count; i++) {
    const Source *source = source_add(stdlib_name[i], stdlib_text[i], stdlib_length[i]);
    const Ast *program = parse_program(all->arena, problems, source);
    for (int k = 0; k < program->u.list.count; k++) {
      const Ast *ast = program->u.list.item[k];
      const char *kind = kind_of(ast);
      if (!kind || !ast->u.function.doc) continue;
      Text doc = {0};
      for (const char *p = ast->u.function.doc; *p; p++) text_add_n(&doc, *p == '\n' ? " " : p, 1);
      add(all, (Reference){ast->u.function.name, head_of(all->arena, source, ast),
                           arena_copy(all->arena, text_string(&doc), doc.length), kind, stdlib_name[i]});
      text_free(&doc);
    }
  }
}

static int by_name(const void *a, const void *b) {
  return strcmp(((const Reference *)a)->name, ((const Reference *)b)->name);
}

const Reference *reference_all(Arena *arena, int *count) {
  Entries all = {.arena = arena};
  add_builtins(&all);
  add_library(&all);
  qsort(all.entry, (size_t)all.count, sizeof(Reference), by_name);
  *count = all.count;
  return all.entry;
}

// ---- shown --------------------------------------------------------------------------------------------------------------

void reference_entry(const Reference *entry, Text *out) {
  text_printf(out, "%s %s\n  %s\n", entry->kind, entry->signature, entry->doc);
  if (*entry->from) text_printf(out, "  written in %s\n", entry->from);
}

static void cell(Text *out, const char *text) {
  for (const char *p = text; *p; p++) text_printf(out, *p == '|' ? "\\%c" : "%c", *p);
}

void reference_page(Arena *arena, Text *out) {
  static const struct {
    const char *kind, *title;
  } part[] = {{"fn", "Functions"}, {"layer", "Layers"}, {"metric", "Metrics"}, {"optimizer", "Optimizers"}};
  int count;
  const Reference *all = reference_all(arena, &count);
  text_add(
      out,
      "# Reference\n\nEvery name that a program finds, made by `lathe help reference` of the op table, the "
      "built-in functions and the\nstandard library. `lathe help NAME` shows one of them. How each is used "
      "beside its like in Keras, PyTorch and JAX\nstands in `from-keras.md`, `from-pytorch.md` and "
      "`from-jax.md`.\n");
  for (size_t p = 0; p < sizeof(part) / sizeof(*part); p++) {
    text_printf(out, "\n## %s\n\n| | |\n|---|---|\n", part[p].title);
    for (int i = 0; i < count; i++) {
      if (strcmp(all[i].kind, part[p].kind)) continue;
      text_add(out, "| `");
      cell(out, all[i].signature);
      text_add(out, "` | ");
      cell(out, all[i].doc);
      text_add(out, " |\n");
    }
  }
}
