/* The list of problems, and the message each becomes.
 *
 * A problem is copied into the arena with all its texts. Equal ones (same code, title and place) are found by a
 * table of chains, newest first, so that forgetting takes them off in the order they came. Drawing goes once
 * over what is new: the title, the place, the snippets of each source (the primary's first), note and help. */
#include "base/problem.h"
#include "base/snippet.h"

#include <string.h>

#define CHAINS     1024
#define TEXT_START 6 // where the lines of a problem without a place start

typedef struct {
  Problem problem;
  uint32_t hash;
  int older; // index of the next in its chain, -1 for none
} Entry;

struct Problems {
  Arena *arena;
  Entry *entry;
  int count, drawn; // entries before `drawn` were considered for drawing
  size_t capacity;
  int shown; // messages drawn so far
  int chain[CHAINS];
  Span within; // the call that all this is part of; may be nowhere
};

Problems *problems_new(Arena *arena) {
  Problems *problems = ARENA_NEW(arena, Problems);
  problems->arena = arena;
  for (int i = 0; i < CHAINS; i++) problems->chain[i] = -1;
  return problems;
}

static uint32_t hash_text(uint32_t hash, const char *text) {
  for (; text && *text; text++) hash = (hash ^ (unsigned char)*text) * 0x01000193u;
  return hash;
}

static uint32_t problem_hash(const Problem *problem) {
  uint32_t hash = hash_text(hash_text(0x811c9dc5u, problem->code), problem->title);
  return (hash ^ problem->primary.span.start) * 0x01000193u ^ problem->primary.span.source;
}

static bool same_text(const char *a, const char *b) { return !strcmp(a ? a : "", b ? b : ""); }

static bool problem_equal(const Problem *a, const Problem *b) {
  return a->severity == b->severity && a->primary.span.source == b->primary.span.source &&
         a->primary.span.start == b->primary.span.start && a->primary.span.end == b->primary.span.end &&
         same_text(a->code, b->code) && same_text(a->title, b->title) && same_text(a->detail, b->detail);
}

static const char *text_kept(Arena *arena, const char *text) {
  return text ? arena_copy(arena, text, strlen(text)) : NULL;
}

Span problems_within(Problems *problems, Span call) {
  Span before = problems->within;
  problems->within = call;
  return before;
}

static bool overlaps(Span a, Span b) { return a.source == b.source && a.start < b.end && b.start < a.end; }

/* The call of the program that led to a place elsewhere. */
static void add_call(const Problems *problems, Problem *problem) {
  Span call = problems->within;
  bool known = !call.source || !problem->primary.span.source || problem->extras == PROBLEM_LABELS ||
               overlaps(call, problem->primary.span);
  for (int i = 0; i < problem->extras && !known; i++) known = overlaps(call, problem->extra[i].span);
  if (!known) problem->extra[problem->extras++] = (Label){call, "for this call"};
}

void problems_add(Problems *problems, const Problem *problem) {
  uint32_t hash = problem_hash(problem);
  int *chain = &problems->chain[hash % CHAINS];
  for (int i = *chain; i >= 0; i = problems->entry[i].older) {
    if (problems->entry[i].hash == hash && problem_equal(&problems->entry[i].problem, problem)) return;
  }
  Arena *arena = problems->arena;
  problems->entry =
      arena_grow(arena, problems->entry, (size_t)problems->count, &problems->capacity, sizeof(Entry));
  Entry *entry = &problems->entry[problems->count];
  *entry = (Entry){*problem, hash, *chain};
  Problem *copy = &entry->problem;
  copy->code = text_kept(arena, problem->code);
  copy->title = text_kept(arena, problem->title);
  copy->detail = text_kept(arena, problem->detail);
  copy->note = text_kept(arena, problem->note);
  copy->help = text_kept(arena, problem->help);
  copy->primary.text = text_kept(arena, problem->primary.text);
  if (copy->extras > PROBLEM_LABELS) copy->extras = PROBLEM_LABELS;
  add_call(problems, copy);
  for (int i = 0; i < copy->extras; i++) copy->extra[i].text = text_kept(arena, copy->extra[i].text);
  *chain = problems->count++;
}

int problems_count(const Problems *problems, Severity severity) {
  int count = 0;
  for (int i = 0; i < problems->count; i++) count += problems->entry[i].problem.severity == severity;
  return count;
}

int problems_exit_code(const Problems *problems) {
  for (int i = 0; i < problems->count; i++) {
    const Problem *problem = &problems->entry[i].problem;
    if (problem->severity == SEVERITY_ERROR) return problem->exit_code;
  }
  return 0;
}

int problems_total(const Problems *problems) { return problems->count; }

const Problem *problems_get(const Problems *problems, int index) { return &problems->entry[index].problem; }

void problems_forget(Problems *problems, int mark) {
  while (problems->count > mark) {
    const Entry *entry = &problems->entry[--problems->count];
    problems->chain[entry->hash % CHAINS] = entry->older;
  }
  if (problems->drawn > problems->count) problems->drawn = problems->count;
}

void problems_renew(Problems *problems) {
  problems_forget(problems, 0);
  problems->drawn = problems->shown = 0;
}

/* Adds a text of several lines; lines after the first start at `column`. */
static void draw_lines(Text *out, const char *text, int column) {
  for (bool first = true; text; first = false) {
    const char *end = strchr(text, '\n');
    size_t length = end ? (size_t)(end - text) : strlen(text);
    if (!first) {
      text_add(out, "\n");
      text_pad(out, length ? (size_t)column : 0);
    }
    snippet_add(out, text, length, column);
    text = end ? end + 1 : NULL;
  }
  text_add(out, "\n");
}

static void draw_hint(Text *out, const char *kind, const char *text, bool colour) {
  if (!text || !*text) return;
  text_printf(out, "      %s= %s:%s ", snippet_paint(PAINT_HELP, colour), kind,
              snippet_paint(PAINT_NONE, colour));
  draw_lines(out, text, TEXT_START + 4 + (int)strlen(kind));
}

static void draw_title(Text *out, const Problem *problem, bool colour) {
  bool error = problem->severity == SEVERITY_ERROR;
  text_add(out, snippet_paint(error ? PAINT_ERROR : PAINT_WARNING, colour));
  text_add(out, error ? "error" : "warning");
  if (problem->code && *problem->code) text_printf(out, "[%s]", problem->code);
  text_printf(out, "%s%s: ", snippet_paint(PAINT_NONE, colour), snippet_paint(PAINT_TITLE, colour));
  const char *title = problem->title ? problem->title : "";
  snippet_add(out, title, strlen(title), 0);
  text_printf(out, "%s\n", snippet_paint(PAINT_NONE, colour));
}

static void draw_place(Text *out, const Source *source, uint32_t offset, bool colour) {
  int line, column;
  source_place(source, offset, &line, &column);
  text_printf(out, "  %s-->%s ", snippet_paint(PAINT_FRAME, colour), snippet_paint(PAINT_NONE, colour));
  snippet_add(out, source->path, strlen(source->path), 0);
  text_printf(out, ":%d:%d\n", line, column);
}

/* Draws what the problem says about one source, and takes those labels off the list. */
static void draw_source(Text *out, const Problem *problem, Label *labels, int *count, bool primary,
                        bool colour) {
  const Source *source = source_by_id(labels[0].span.source);
  Label here[PROBLEM_LABELS + 1];
  int found = 0, left = 0;
  for (int i = 0; i < *count; i++) {
    if (labels[i].span.source == source->id)
      here[found++] = labels[i];
    else
      labels[left++] = labels[i];
  }
  *count = left;
  draw_place(out, source, here[0].span.start, colour);
  snippet_draw(out, source, here, found, primary, primary ? problem->detail : NULL, problem->severity,
               colour);
}

static void draw_problem(Text *out, const Problem *problem, bool colour) {
  Label labels[PROBLEM_LABELS + 1];
  int count = 0;
  bool primary = source_by_id(problem->primary.span.source) != NULL;
  draw_title(out, problem, colour);
  if (primary) labels[count++] = problem->primary;
  for (int i = 0; i < problem->extras; i++) {
    if (source_by_id(problem->extra[i].span.source)) labels[count++] = problem->extra[i];
  }
  if (!primary && problem->detail && *problem->detail) {
    text_pad(out, TEXT_START);
    draw_lines(out, problem->detail, TEXT_START);
  }
  for (bool first = primary; count > 0; first = false)
    draw_source(out, problem, labels, &count, first, colour);
  draw_hint(out, "note", problem->note, colour);
  draw_hint(out, "help", problem->help, colour);
}

void problems_draw(Problems *problems, Text *out, bool colour) {
  int errors = 0, hidden = 0, unseen_errors = 0;
  for (int i = problems->drawn; i < problems->count; i++) {
    unseen_errors += problems->entry[i].problem.severity == SEVERITY_ERROR;
  }
  for (; problems->drawn < problems->count; problems->drawn++) {
    const Problem *problem = &problems->entry[problems->drawn].problem;
    bool error = problem->severity == SEVERITY_ERROR;
    int room = PROBLEMS_SHOWN - problems->shown;
    /* Warnings leave room for the errors behind them, and no error stays unheard for what came before it. */
    bool show = error ? room > 0 || errors == 0 : room > unseen_errors;
    unseen_errors -= error;
    if (!show) {
      hidden++;
      continue;
    }
    errors += error;
    problems->shown++;
    draw_problem(out, problem, colour);
  }
  if (hidden) text_printf(out, "%d more %s not shown\n", hidden, hidden == 1 ? "problem is" : "problems are");
}
