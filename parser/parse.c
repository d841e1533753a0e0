/* One parse: the state is set up, the grammar runs, the result is taken. */
#include "parser/parse.h"
#include "lang/problems_syntax.h"
#include "parser/grammar.h"
#include "parser/tree.h"

#include <string.h>

#define TEXT_SHOWN 60 // bytes of a place that are quoted in a message

const char *parser_text(Parser *parser, Span span) {
  const char *start = parser->source->text + span.start;
  size_t length = span.end - span.start;
  bool many = length > TEXT_SHOWN || memchr(start, '\n', length) || memchr(start, '\r', length);
  return many ? "…" : arena_copy(parser->arena, start, length);
}

void parser_too_deep(Parser *parser, Span at) {
  if (!parser->stopped) problem_nesting(parser->problems, at, NESTING_LIMIT);
  parser->stopped = true;
}

static Ast *parse(Arena *arena, Problems *problems, const Source *source, int start, bool *unfinished) {
  Parser *parser = ARENA_NEW(arena, Parser);
  parser->arena = arena;
  parser->problems = problems;
  parser->source = source;
  if (!lexer_start(parser, start)) return NULL;
  bool read = grammar_parse(parser) == 0;
  if (unfinished) *unfinished = parser->unfinished;
  return read ? parser->result : NULL;
}

Ast *parse_program(Arena *arena, Problems *problems, const Source *source) {
  Ast *program = parse(arena, problems, source, TOKEN_START_PROGRAM, NULL);
  if (program) return program;
  program = ARENA_NEW(arena, Ast);
  program->kind = AST_PROGRAM;
  program->span = program->at = (Span){source->id, 0, (uint32_t)source->length};
  return program;
}

Ast *parse_expression(Arena *arena, Problems *problems, const Source *source) {
  int before = problems_count(problems, SEVERITY_ERROR);
  Ast *expression = parse(arena, problems, source, TOKEN_START_EXPRESSION, NULL);
  return problems_count(problems, SEVERITY_ERROR) == before ? expression : NULL;
}

Ast *parse_input(Arena *arena, Problems *problems, const Source *source, bool *unfinished) {
  int mark = problems_total(problems), before = problems_count(problems, SEVERITY_ERROR);
  bool ended = false;
  Ast *input = parse(arena, problems, source, TOKEN_START_INPUT, &ended);
  if (problems_count(problems, SEVERITY_ERROR) != before) input = NULL;
  if (unfinished && ended) problems_forget(problems, mark);
  if (unfinished) *unfinished = ended;
  return input;
}
