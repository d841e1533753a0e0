/* 300 single edits of the design's programs: a wrong number, a misspelt name, a dropped step, swapped arguments, another
 * operator. Each is legal, or `lathe check` reports it before anything is computed, and nearly always shows its line:
 * the rest are edits whose first wrong use stands elsewhere. */
#include "base/arena.h"
#include "base/text.h"

#include <criterion/criterion.h>
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define EDITS     300
#define PROGRAMS  64
#define TOKENS    4096
#define OWN_LINES 0.9 // measured 0.954

typedef struct {
  size_t start, end;
} Token;

typedef struct {
  const char *text;
  Token token[TOKENS];
  int tokens;
} Program;

static char folder[64];

static const char *shared(void) { return getenv("LATHE_SHARED") ? getenv("LATHE_SHARED") : "../shared"; }

static uint64_t state = 1;
static int draw(int below) { // Knuth's multiplier: the same edits in every run
  state = state * 6364136223846793005u + 1442695040888963407u;
  return (int)((state >> 33) % (uint64_t)below);
}

/* Names, numbers and signs; strings and comments are left alone. */
static void cut_tokens(Program *p) {
  const char *t = p->text;
  for (size_t i = 0; t[i] && p->tokens < TOKENS;) {
    size_t start = i;
    if (t[i] == '"') {
      for (i++; t[i] && t[i] != '"' && t[i] != '\n'; i++) {
      }
      i += t[i] != 0;
      continue;
    }
    if (t[i] == '#') {
      while (t[i] && t[i] != '\n') i++;
      continue;
    }
    if (isalpha((unsigned char)t[i]) || t[i] == '_')
      while (isalnum((unsigned char)t[i]) || t[i] == '_') i++;
    else if (isdigit((unsigned char)t[i]))
      while (isalnum((unsigned char)t[i]) || t[i] == '.' || t[i] == '_') i++;
    else
      i += !strncmp(t + i, "|>", 2) || !strncmp(t + i, "**", 2) ? 2 : 1;
    if (!isspace((unsigned char)t[start])) p->token[p->tokens++] = (Token){start, i};
  }
}

static bool is_word(const Program *p, int i) {
  return i >= 0 && i < p->tokens && isalnum((unsigned char)p->text[p->token[i].start]);
}
static char sign(const Program *p, int i) { return i >= 0 && i < p->tokens ? p->text[p->token[i].start] : 0; }

/* An edit of token i into `out`; *line is where. false: this token allows none. */
static bool edit(const Program *p, int i, Text *out) {
  const char *t = p->text;
  Token at = p->token[i];
  size_t length = at.end - at.start, end = at.end;
  char made[300];
  if (length > 250) return false;
  if (isdigit((unsigned char)t[at.start]) && strspn(t + at.start, "0123456789") == length && length < 7) {
    snprintf(made, sizeof made, "%d", atoi(t + at.start) + 1);
  } else if (isalpha((unsigned char)t[at.start]) && length > 2) {
    snprintf(made, sizeof made, "%.*s", (int)length, t + at.start);
    int k = draw((int)length - 1);
    if (made[k] == made[k + 1]) return false;
    char c = made[k];
    made[k] = made[k + 1], made[k + 1] = c;
  } else if (!strncmp(t + at.start, "|>", 2)) {
    int depth = 0;
    for (end = at.end; t[end] && t[end] != '\n' && strncmp(t + end, "|>", 2) != 0; end++) {
      depth += (t[end] == '(') - (t[end] == ')');
      if (t[end] == '{' || t[end] == '}' || t[end] == '#' || depth < 0) return false;
    }
    if (depth) return false;
    made[0] = 0;
  } else if (t[at.start] == ',' && is_word(p, i - 1) && is_word(p, i + 1) &&
             (sign(p, i - 2) == '(' || sign(p, i - 2) == ',') &&
             (sign(p, i + 2) == ')' || sign(p, i + 2) == ',')) {
    Token a = p->token[i - 1], b = p->token[i + 1];
    if (a.end - a.start + b.end - b.start > 250) return false;
    snprintf(made, sizeof made, "%.*s, %.*s", (int)(b.end - b.start), t + b.start, (int)(a.end - a.start),
             t + a.start);
    at.start = a.start, end = b.end;
  } else if (length == 1 && strchr("+-*/@", t[at.start])) {
    snprintf(made, sizeof made, "%c", "+-*/@"[draw(5)]);
  } else
    return false;
  text_add_n(out, t, at.start);
  text_add(out, made);
  text_add(out, t + end);
  return strcmp(text_string(out), t) != 0;
}

/* The exit code of `lathe check`, and whether what it says shows the line. */
static int check(const char *text, int line, bool *shown) {
  char path[128], command[4400], said[8192], shape[32];
  snprintf(path, sizeof path, "%s/edited.model", folder);
  FILE *file = fopen(path, "w");
  cr_assert(file && fputs(text, file) >= 0 && fclose(file) == 0);
  snprintf(command, sizeof command, "'%s' check '%s' --root '%s' 2>&1", getenv("LATHE"), path, shared());
  FILE *pipe = popen(command, "r");
  cr_assert(pipe);
  size_t length = fread(said, 1, sizeof said - 1, pipe);
  said[length] = 0;
  while (fread(command, 1, sizeof command, pipe) > 0) {
  }
  int status = pclose(pipe);
  cr_assert(WIFEXITED(status), "ended by a signal:\n%s", text);
  snprintf(shape, sizeof shape, "%5d │", line);
  *shown = strstr(said, shape) != NULL;
  return WEXITSTATUS(status);
}

static int load(Program *program) {
  char path[4096];
  snprintf(path, sizeof path, "%s/design/programs", shared());
  struct dirent **list;
  int count = scandir(path, &list, NULL, alphasort), programs = 0;
  for (int i = 0; i < count && programs < PROGRAMS; i++) {
    bool later = !strncmp(list[i]->d_name, "05_", 3) || !strncmp(list[i]->d_name, "16_", 3); // read pictures
    if (!isdigit((unsigned char)list[i]->d_name[0]) || later) continue;
    snprintf(path, sizeof path, "%s/design/programs/%s", shared(), list[i]->d_name);
    FILE *file = fopen(path, "r");
    char *text = calloc(1, 1 << 16);
    cr_assert(file && text && fread(text, 1, (1 << 16) - 1, file) > 0 && fclose(file) == 0);
    program[programs].text = text;
    cut_tokens(&program[programs++]);
  }
  return programs;
}

Test(mutations, are_reported_at_their_line, .timeout = 120) {
  static Program program[PROGRAMS];
  int programs = load(program), done = 0, legal = 0, own = 0;
  if (!programs) {
    fprintf(stderr, "skipped: the design's programs are not beside the project\n");
    return;
  }
  char command[4400];
  strcpy(folder, "/tmp/lathe-edits-XXXXXX");
  cr_assert(mkdtemp(folder));
  snprintf(command, sizeof command, "cp '%s/design/programs/digits.model' '%s'", shared(), folder);
  cr_assert(system(command) == 0);
  while (done < EDITS) {
    const Program *p = &program[draw(programs)];
    int i = draw(p->tokens), line = 1;
    Text text = {0};
    if (edit(p, i, &text)) {
      for (size_t k = 0; k < p->token[i].start; k++) line += p->text[k] == '\n';
      bool shown;
      int code = check(text_string(&text), line, &shown);
      cr_expect(code == 0 || code == 1 || code == 3, "code %d:\n%s", code, text_string(&text));
      legal += code == 0;
      own += code != 0 && shown;
      done++;
    }
    text_free(&text);
  }
  fprintf(stderr, "mutations: %d edits, %d legal, %d of %d others shown at their line\n", done, legal, own,
          done - legal);
  cr_expect_geq(own, (int)(OWN_LINES * (done - legal)));
  snprintf(command, sizeof command, "rm -rf '%s'", folder);
  cr_assert(system(command) == 0);
}
