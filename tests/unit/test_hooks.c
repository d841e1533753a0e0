/* Lua scripts in their sandbox: what stops them, what they may do, and what survives. The hostile ones stand in
 * tests/hooks/hostile.txt. */
#include "interpreter/formats/save.h"
#include "interpreter/hooks/hooks.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static Arena *arena;
static Problems *problems;
static char folder[64];

static void enter(void) {
  arena = arena_new(0);
  problems = problems_new(arena);
  strcpy(folder, "/tmp/lathe-hooks-XXXXXX");
  cr_assert(mkdtemp(folder));
}

static void leave(void) {
  char command[128];
  snprintf(command, sizeof command, "rm -rf '%s'", folder);
  cr_assert(system(command) == 0);
  arena_free(arena);
}

TestSuite(hooks, .init = enter, .fini = leave, .timeout = 240);

// ---- a trainer that only writes down what it is asked --------------------------------------------------------------

static double logged;
static const char *logged_name;

static double rate(void *owner, int i) { return owner ? 0.5 + i : NAN; }

static bool has_rate(void *owner, int i) { return owner && i < 2; }

static const ReportNumber *numbers(void *owner, bool valid, int *count) {
  (void)owner;
  static const ReportNumber trained[] = {{"accuracy", 0.5}},
                            validated[] = {{"loss", 0.25}, {"accuracy", 0.75}};
  *count = valid ? 2 : 1;
  return valid ? validated : trained;
}

static const Plain *config(void *owner) {
  (void)owner;
  Plain *plain = ARENA_NEW(arena, Plain);
  *plain = plain_table();
  plain_set(arena, plain, "lr", plain_number(0.001));
  return plain;
}

static bool weights(void *owner, const char *glob, double *count, double *norm, double *mean) {
  (void)owner;
  *count = 12, *norm = 3, *mean = 0.5;
  return !strncmp(glob, "net", 3) || glob[0] == '*';
}

static const Plain *record(void *owner, int64_t row) {
  (void)owner;
  cr_assert(row < 4);
  Plain *plain = ARENA_NEW(arena, Plain);
  *plain = plain_table();
  plain_set(arena, plain, "line", plain_text(arena, "abcdefgh", (size_t)row + 1));
  return plain;
}

static bool log_number(void *owner, const char *name, double value) {
  (void)owner;
  logged = value;
  logged_name = arena_copy(arena, name, strlen(name));
  return strspn(name, "abcdefghijklmnopqrstuvwxyz_") == strlen(name);
}

static const char *checkpoint(void *owner, const char *name) { return (void)owner, (void)name, NULL; }
static const char *rewind_to(void *owner, const char *name) {
  return (void)owner, strcmp(name, "good") ? "there is no such checkpoint" : NULL;
}

static double row_weight[8];
static int64_t row_weights, rows_most;
static const char *set_weights(void *owner, const double *weight, int64_t count) {
  (void)owner;
  memcpy(row_weight, weight, sizeof(double) * (size_t)count);
  row_weights = count;
  return NULL;
}
static const char *limit(void *owner, int64_t rows) {
  (void)owner;
  rows_most = rows;
  return rows < 1 ? "at least one row is needed" : NULL;
}

static double asked_rate[2];

static HookContext fresh(void) {
  asked_rate[0] = asked_rate[1] = NAN;
  return (HookContext){.step = 7,
                       .steps = 100,
                       .epoch = 2,
                       .seed = 1,
                       .progress = 0.06,
                       .loss = 1.5,
                       .grad_norm = 2,
                       .best = NAN,
                       .task = "fit",
                       .owner = &logged,
                       .rates = 2,
                       .rows = 4,
                       .rate = rate,
                       .has_rate = has_rate,
                       .numbers = numbers,
                       .config = config,
                       .weights = weights,
                       .record = record,
                       .lr_scale = NAN,
                       .clip = NAN,
                       .lr = asked_rate,
                       .log = log_number,
                       .checkpoint = checkpoint,
                       .rewind = rewind_to,
                       .set_weights = set_weights,
                       .limit = limit};
}

// ---- helpers --------------------------------------------------------------------------------------------------------

static const char *write_script(const char *name, const char *text, size_t length) {
  char *path = arena_printf(arena, "%s/%s", folder, name);
  FILE *file = fopen(path, "wb");
  cr_assert(file && fwrite(text, 1, length, file) == length && fclose(file) == 0);
  return path;
}

static const char *said(void) {
  int total = problems_total(problems);
  return total ? problems_get(problems, total - 1)->title : "";
}

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

// ---- the hostile ones -----------------------------------------------------------------------------------------------

typedef struct {
  char name[64], message[128];
  int line;
} Case;

/* The script of a case, whole; `*shift` lines of ours stand before its first. */
static char *script_of(const Case *c, const char *body, size_t length, int *shift) {
  Text text = {0};
  *shift = 0;
  if (length > 7 && !strncmp(body, "--file\n", 7)) {
    if (strstr(c->name, "binary"))
      text_add(&text, "\x1bLua\x54\x00\x19\x93");
    else if (strstr(c->name, "deep")) {
      text_add(&text, "return ");
      for (int i = 0; i < 100000; i++) text_add(&text, "(");
    } else if (strstr(c->name, "names")) {
      for (int i = 0; i < 300; i++) text_printf(&text, "local x%d = 1 ", i);
    } else
      text_add_n(&text, body, length);
  } else {
    text_add(&text, "return { after_step = function(ctx)\n");
    text_add_n(&text, body, length);
    text_add(&text, "\nend }\n");
    *shift = 1;
  }
  char *copy = arena_copy(arena, text_string(&text), text.length);
  text_free(&text);
  return copy;
}

static int line_of(const Problem *problem) {
  int line, column;
  if (!problem->primary.span.source) return 0;
  source_place(source_by_id(problem->primary.span.source), problem->primary.span.start, &line, &column);
  return line;
}

static void run_case(const Case *c, const char *body, size_t length) {
  HookLimits limits = hook_limits;
  limits.seconds = 0.5; // so that the test is short
  HookOptions options = {.arena = arena, .problems = problems, .seed = 1, .limits = &limits};
  int shift, before = problems_total(problems);
  const char *script = script_of(c, body, length, &shift);
  const char *path = write_script(arena_printf(arena, "%s.lua", c->name), script, strlen(script));
  double start = seconds();
  Hooks *hooks = hooks_open(&options, path);
  HookContext context = fresh();
  bool ok = hooks && hooks_call(hooks, HOOK_AFTER_STEP, &context);
  Text state = {0};
  ok = ok && hooks_state_write(hooks, &state);
  text_free(&state);
  double took = seconds() - start;
  hooks_close(hooks);
  cr_expect(took < 2 * limits.seconds, "%s took %.2f s", c->name, took);
  if (!strcmp(c->message, "fine")) {
    cr_expect(ok, "%s: %s", c->name, said());
    return;
  }
  bool any = !strcmp(c->message, "any"), limit = !strcmp(c->message, "limit");
  cr_expect(!ok || any, "%s ended well", c->name);
  if (ok) return;
  const Problem *problem = problems_get(problems, before);
  cr_expect_eq(problems_total(problems), before + 1, "%s: %d problems", c->name,
               problems_total(problems) - before);
  cr_expect_str_eq(problem->code, "E0801", "%s", c->name);
  cr_expect_eq(problem->exit_code, 4, "%s", c->name);
  bool stopped = strstr(problem->title, "budget") || strstr(problem->title, "memory") ||
                 strstr(problem->title, "processor time");
  cr_expect(any || (limit ? stopped : strstr(problem->title, c->message) != NULL), "%s: %s", c->name,
            problem->title);
  if (c->line)
    cr_expect_eq(line_of(problem) - shift, c->line, "%s: line %d: %s", c->name, line_of(problem) - shift,
                 problem->title);
}

Test(hooks, hostile_scripts_are_stopped_at_their_line) {
  size_t length;
  char *text = file_read(problems, (Span){0}, "tests/hooks/hostile.txt", 1 << 20, &length);
  cr_assert(text);
  int cases = 0;
  for (char *at = strstr(text, "\n== "); at;) {
    Case c = {.line = 0};
    char *body = strchr(at + 1, '\n') + 1, *next = strstr(body - 1, "\n== ");
    char *bar = strchr(at, '|');
    snprintf(c.name, sizeof c.name, "%.*s", (int)(bar - at - 5), at + 4);
    c.line = atoi(bar + 1);
    char *message = strchr(bar + 1, '|') + 1;
    message += *message == ' ';
    snprintf(c.message, sizeof c.message, "%.*s", (int)strcspn(message, "\n"), message);
    run_case(&c, body, next ? (size_t)(next - body) : strlen(body));
    cases++;
    at = next;
  }
  memory_free(text);
  cr_assert_geq(cases, 80);
}
