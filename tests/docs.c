/* The tables docs/from-*.md: how others' names are written in Lathe. Every snippet is checked.
 *
 * A section may open with a program between ``` fences that has one `…`. In the tables below it, the second cell of a
 * row holds code, one line of it between each pair of backticks (`\|` is a `|`), which takes the place of `…`; the
 * whole must pass `lathe check`. Or the cell begins with the word no, and the third says why. The programs may read
 * the table rows.csv, which is written here. Each name in tests/oracle/documented must stand in a first cell. Rows
 * named in tests/oracle/waiting need what the language does not do yet. */
#include "base/text.h"

#include <criterion/criterion.h>
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FENCE    "```"
#define ELLIPSIS "\u2026"

typedef struct {
  const char *file;  // from-keras.md
  char folder[64];   // where programs are checked
  Text frame;        // the program of the section
  bool fence, table; // inside a frame; inside a table, past its head
  Text list;         // all of tests/oracle/waiting
  Text names;        // the first cells of all rows
  int rows, snippets, refused, wrong, waiting;
} Docs;

static void write_rows(const char *folder) {
  char path[128];
  snprintf(path, sizeof path, "%s/rows.csv", folder);
  FILE *file = fopen(path, "w");
  cr_assert(file);
  fputs("a,b,c,d,y,hit,kind,words\n", file);
  for (int i = 0; i < 60; i++)
    fprintf(file, "%d,%d.5,%d,0.%d,%d,%d,%s,\"red and %s\"\n", i % 7, i % 11, i % 5, i, 2 * i, i % 2,
            i % 3 ? "red" : "green", i % 2 ? "green" : "blue");
  fclose(file);
}

/* Whether the list says that this row waits. */
static bool is_waiting(const Docs *docs, const char *name) {
  char line[512];
  int length = snprintf(line, sizeof line, "%s: %s\n", docs->file, name);
  const char *found = strstr(text_string(&docs->list), line);
  return length > 0 && found && (found == docs->list.bytes || found[-1] == '\n');
}

/* The code of a cell: what stands between backticks, a line each. */
static void read_code(const char *cell, Text *code) {
  for (const char *at = cell; (at = strchr(at, '`'));) {
    const char *end = strchr(++at, '`');
    cr_assert(end, "a backtick without its other: %s", cell);
    if (code->length) text_add(code, "\n");
    text_add_n(code, at, (size_t)(end - at));
    at = end + 1;
  }
}

static void check_snippet(Docs *docs, const char *name, const char *code) {
  const char *hole = strstr(text_string(&docs->frame), ELLIPSIS);
  cr_assert(hole, "%s: no program with %s before the row of %s", docs->file, ELLIPSIS, name);
  Text program = {0}, said = {0};
  text_add_n(&program, docs->frame.bytes, (size_t)(hole - docs->frame.bytes));
  text_add(&program, code);
  text_add(&program, hole + strlen(ELLIPSIS));
  char path[128], command[1024], bytes[4096];
  snprintf(path, sizeof path, "%s/hook.lua", docs->folder); // that some rows name
  FILE *hook = fopen(path, "w");
  cr_assert(hook && fputs("return { epoch = function(ctx) end }\n", hook) >= 0 && fclose(hook) == 0);
  snprintf(path, sizeof path, "%s/snippet.model", docs->folder);
  FILE *file = fopen(path, "w");
  cr_assert(file && fputs(text_string(&program), file) >= 0 && fclose(file) == 0);
  snprintf(command, sizeof command, "'%s' check '%s' 2>&1", getenv("LATHE"), path);
  FILE *pipe = popen(command, "r");
  cr_assert(pipe);
  for (size_t n; (n = fread(bytes, 1, sizeof bytes, pipe)) > 0;) text_add_n(&said, bytes, n);
  bool good = pclose(pipe) == 0;
  if (!good && is_waiting(docs, name)) {
    docs->waiting++;
  } else if (!good) {
    fprintf(stderr, "docs/%s: the row of %s\n%s\n%s\n", docs->file, name, code, text_string(&said));
    docs->wrong++;
  } else if (is_waiting(docs, name))
    fprintf(stderr, "docs/%s: %s need not wait any more\n", docs->file, name);
  text_free(&program), text_free(&said);
}

/* Cuts a row at its bars in place; `\|` becomes `|`. Returns how many cells there were. */
static int cut_row(char *row, char *cell[], int most) {
  int count = 0;
  char *to = row;
  for (char *at = row + 1; *at && count < most;) {
    while (*at == ' ') at++;
    cell[count++] = to;
    for (; *at && *at != '|'; at++) {
      if (at[0] == '\\' && at[1] == '|') at++;
      *to++ = *at;
    }
    while (to > cell[count - 1] && isspace((unsigned char)to[-1])) to--;
    if (*at) at++;
    *to++ = 0;
    if (!*at || *at == '\n') break;
  }
  return count;
}

static void read_row(Docs *docs, char *row) {
  char *cell[4];
  int count = cut_row(row, cell, 4);
  cr_assert(count == 2 || count == 3, "docs/%s: %d cells in the row of %s", docs->file, count, cell[0]);
  docs->rows++;
  text_printf(&docs->names, " %s ", cell[0]);
  if (!strncmp(cell[1], "no", 2) && !isalnum((unsigned char)cell[1][2])) {
    if (count < 3 || !*cell[2])
      fprintf(stderr, "docs/%s: no reason for %s\n", docs->file, cell[0]), docs->wrong++;
    docs->refused++;
    return;
  }
  Text code = {0};
  read_code(cell[1], &code);
  int lines = 1;
  for (const char *at = text_string(&code); *at; at++) lines += *at == '\n';
  if (!code.length || lines > 3)
    fprintf(stderr, "docs/%s: %d lines for %s\n", docs->file, code.length ? lines : 0, cell[0]),
        docs->wrong++;
  else
    check_snippet(docs, cell[0], text_string(&code));
  docs->snippets++;
  text_free(&code);
}

static void read_line(Docs *docs, char *line) {
  if (!strncmp(line, FENCE, strlen(FENCE))) {
    docs->fence = !docs->fence;
    if (docs->fence) docs->frame.length = 0;
  } else if (docs->fence) {
    text_add(&docs->frame, line);
  } else if (line[0] != '|') {
    docs->table = false;
  } else if (line[1] == '-') {
    docs->table = true;
  } else if (docs->table)
    read_row(docs, line);
}

static bool is_word(const char *text, const char *word) {
  size_t length = strlen(word);
  for (const char *at = text; (at = strstr(at, word)); at++)
    if (!isalnum((unsigned char)at[-1]) && at[-1] != '_' && !isalnum((unsigned char)at[length]) &&
        at[length] != '_')
      return true;
  return false;
}

/* Every name that the original documents has its row. */
static void check_complete(Docs *docs) {
  char table[64], name[128];
  FILE *file = fopen("tests/oracle/documented", "r");
  cr_assert(file);
  while (fscanf(file, "%63s %127s", table, name) == 2) {
    if (strcmp(table, docs->file) != 0 || is_word(text_string(&docs->names), name)) continue;
    fprintf(stderr, "docs/%s: no row for %s\n", docs->file, name);
    docs->wrong++;
  }
  fclose(file);
}

static int is_table(const struct dirent *entry) {
  size_t length = strlen(entry->d_name);
  return !strncmp(entry->d_name, "from-", 5) && length > 8 && !strcmp(entry->d_name + length - 3, ".md");
}

Test(docs, tables_of_others, .timeout = 240) {
  struct dirent **entry;
  char line[4096], path[512];
  int count = scandir("docs", &entry, is_table, alphasort), wrong = 0;
  cr_assert(count > 0, "no docs/from-*.md: run from the root of the project");
  cr_assert(getenv("LATHE"), "LATHE does not name the binary: run `make test`");
  for (int i = 0; i < count; free(entry[i++])) {
    Docs docs = {.file = entry[i]->d_name, .folder = "/tmp/lathe-docs-XXXXXX"};
    cr_assert(mkdtemp(docs.folder));
    write_rows(docs.folder);
    FILE *list = fopen("tests/oracle/waiting", "r");
    while (list && fgets(line, sizeof line, list)) text_add(&docs.list, line);
    if (list) fclose(list);
    snprintf(path, sizeof path, "docs/%s", docs.file);
    FILE *file = fopen(path, "r");
    cr_assert(file);
    while (fgets(line, sizeof line, file)) read_line(&docs, line);
    fclose(file);
    check_complete(&docs);
    printf("%s: %d rows, %d snippets, %d refused, %d wrong, %d wait\n", path, docs.rows, docs.snippets,
           docs.refused, docs.wrong, docs.waiting);
    wrong += docs.wrong;
    cr_expect(docs.snippets > 0);
    snprintf(line, sizeof line, "rm -rf '%s'", docs.folder);
    cr_assert(system(line) == 0);
    text_free(&docs.frame), text_free(&docs.list), text_free(&docs.names);
  }
  free(entry);
  fflush(stdout);
  cr_assert(wrong == 0);
}

Test(docs, reference_is_what_the_binary_says) {
  char command[256];
  snprintf(command, sizeof command, "'%s' help reference | cmp - docs/reference.md", getenv("LATHE"));
  cr_expect(system(command) == 0, "docs/reference.md is old: `make bless` writes it anew");
}

/* Each recipe of docs/hooks.md steers a short training on the digits of examples/. */
Test(docs, recipes_of_hooks_run, .timeout = 60) {
  char folder[] = "/tmp/lathe-hooks-XXXXXX", path[64], command[1024], said[4096];
  cr_assert(mkdtemp(folder));
  FILE *page = fopen("docs/hooks.md", "r");
  cr_assert(page);
  char line[512], title[512] = "";
  int recipes = 0;
  while (fgets(line, sizeof line, page)) {
    if (!strncmp(line, "### ", 4)) snprintf(title, sizeof title, "%s", line + 4);
    if (strcmp(line, "```lua\n") != 0) continue;
    snprintf(path, sizeof path, "%s/recipe.lua", folder);
    FILE *script = fopen(path, "w");
    cr_assert(script);
    while (fgets(line, sizeof line, page) && strcmp(line, "```\n") != 0) fputs(line, script);
    cr_assert(fclose(script) == 0);
    snprintf(command, sizeof command,
             "'%s' train examples/digits.model --out '%s' --hooks '%s' fit.epochs=4 -q 2>&1", getenv("LATHE"),
             folder, path);
    FILE *pipe = popen(command, "r");
    cr_assert(pipe);
    said[fread(said, 1, sizeof said - 1, pipe)] = 0;
    cr_expect_eq(pclose(pipe), 0, "%s%s", title, said);
    recipes++;
  }
  fclose(page);
  cr_expect_eq(recipes, 7);
  snprintf(command, sizeof command, "rm -rf '%s'", folder);
  cr_assert(system(command) == 0);
}
