/* What a session says: results on standard output, problems as every command draws them. */
#include "interpreter/repl/repl.h"

#include <stdio.h>
#include <string.h>

void say(Repl *repl, const char *format, ...) {
  va_list args;
  va_start(args, format);
  char *text = arena_vprintf(repl->call->arena, format, args);
  va_end(args);
  report_result(repl->call->report, text);
}

void say_text(Repl *repl, Text *text) {
  if (text->length) report_result(repl->call->report, text_string(text));
  text_free(text);
}

bool went_wrong(const Repl *repl) { return problems_count(repl->call->problems, SEVERITY_ERROR) > 0; }

bool said_problems(Repl *repl) {
  bool wrong = went_wrong(repl);
  fflush(stdout);
  report_problems(repl->call->report, repl->call->problems);
  problems_renew(repl->call->problems);
  return wrong;
}

const char *text_of(Repl *repl, Text *text) {
  char *copy = arena_copy(repl->call->arena, text_string(text), text->length);
  text_free(text);
  return copy;
}

void text_column(Text *out, const char *text, int width) {
  text_add(out, text);
  for (const char *p = text; *p; p++) width -= ((unsigned char)*p & 0xc0) != 0x80;
  do text_add(out, " ");
  while (--width > 0);
}

const char *type_text(Repl *repl, const Type *type) {
  Text text = {0};
  type_print(type, &text);
  return text_of(repl, &text);
}
