/* Problems while they are worded: texts in an arena that ends with the draft. */
#include "lang/draft.h"

#include <string.h>

#define SHORT_BYTES 60 // of a fact inside a sentence

Draft draft_new(Problems *problems, const char *code, Span at) {
  Draft draft = {.problems = problems, .arena = arena_new(0)};
  draft.problem = (Problem){.severity = code[0] == 'W' ? SEVERITY_WARNING : SEVERITY_ERROR,
                            .code = code,
                            .primary = {.span = at},
                            .exit_code = 1};
  return draft;
}

void draft_add(Draft *draft) {
  problems_add(draft->problems, &draft->problem);
  arena_free(draft->arena);
}

static const char *words(Draft *draft, const char *format, va_list args) {
  return arena_vprintf(draft->arena, format, args);
}

void draft_title(Draft *draft, const char *format, ...) {
  va_list args;
  va_start(args, format);
  draft->problem.title = words(draft, format, args);
  va_end(args);
}

void draft_label(Draft *draft, const char *format, ...) {
  va_list args;
  va_start(args, format);
  draft->problem.primary.text = words(draft, format, args);
  va_end(args);
}

void draft_detail(Draft *draft, const char *format, ...) {
  va_list args;
  va_start(args, format);
  draft->problem.detail = words(draft, format, args);
  va_end(args);
}

void draft_note(Draft *draft, const char *format, ...) {
  va_list args;
  va_start(args, format);
  draft->problem.note = words(draft, format, args);
  va_end(args);
}

void draft_help(Draft *draft, const char *format, ...) {
  va_list args;
  va_start(args, format);
  draft->problem.help = words(draft, format, args);
  va_end(args);
}

void draft_extra(Draft *draft, Span at, const char *format, ...) {
  const Span *primary = &draft->problem.primary.span;
  bool same = at.source == primary->source && at.start == primary->start && at.end == primary->end;
  if (!at.source || same || draft->problem.extras == PROBLEM_LABELS) return;
  va_list args;
  va_start(args, format);
  draft->problem.extra[draft->problem.extras++] = (Label){at, words(draft, format, args)};
  va_end(args);
}

const char *draft_short(Draft *draft, const char *text) {
  if (!text) return "";
  char *out = ARENA_ARRAY(draft->arena, char, SHORT_BYTES + sizeof("…"));
  size_t length = 0;
  for (const char *p = text; *p; p++) {
    bool blank = *p == ' ' || *p == '\n' || *p == '\r' || *p == '\t';
    if (blank && (length == 0 || out[length - 1] == ' ')) continue;
    if (length == SHORT_BYTES) {
      if (((unsigned char)*p & 0xC0) == 0x80) { // inside a character: it goes whole
        while (length && ((unsigned char)out[length - 1] & 0xC0) == 0x80) length--;
        if (length) length--;
      }
      memcpy(out + length, "…", sizeof("…"));
      return out;
    }
    out[length++] = blank ? ' ' : *p;
  }
  return out;
}

const char *draft_count(Draft *draft, long long count, const char *thing) {
  return arena_printf(draft->arena, "%lld %s%s", count, thing, count == 1 ? "" : "s");
}
