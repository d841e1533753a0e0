/* A let whose value cannot be written down as it was typed (it reads its own old value, or `it`) as one that has the
 * numbers themselves: so it can be saved, taken back and built again like any other. */
#include "interpreter/repl/repl.h"

#include "lang/problems.h"
#include "parser/parse.h"

#include <inttypes.h>
#include <string.h>

#define MOST 100000 // numbers that are written

static void write_number(const Type *type, const void *data, int64_t i, Text *out) {
  char text[40];
  if (type->dtype == DTYPE_BOOL) {
    text_add(out, ((const bool *)data)[i] ? "1" : "0");
    return;
  }
  if (!dtype_is_float(type->dtype)) {
    text_printf(out, "%" PRId64, (int64_t)number_at(type, data, i));
    return;
  }
  double x = number_at(type, data, i);
  if (x != x || x - x != 0) {
    text_add(out, x != x ? "nan" : x > 0 ? "inf" : "-inf");
    return;
  }
  snprintf(text, sizeof text, type->dtype == DTYPE_F64 ? "%.17g" : "%.9g", x);
  text_add(out, text);
  if (!strpbrk(text, ".e")) text_add(out, ".0");
}

static int64_t write_axis(const Type *type, const void *data, int axis, int64_t at, Text *out) {
  if (axis == type->rank) {
    write_number(type, data, at, out);
    return at + 1;
  }
  text_add(out, "[");
  for (int64_t i = 0; i < type_size(type, axis); i++) {
    if (i) text_add(out, ", ");
    at = write_axis(type, data, axis + 1, at, out);
  }
  text_add(out, "]");
  return at;
}

static bool write_value(const Evaluation *evaluation, const Value *value, int *leaf, Text *out) {
  if (value->kind == VALUE_TENSOR) {
    const Type *type = evaluation->type[*leaf];
    const void *data = evaluation->data[(*leaf)++];
    if (type_count(type) > MOST || type_count(type) == 0) return false;
    text_add(out, "tensor(");
    write_axis(type, data, 0, 0, out);
    text_add(out, dtype_is_float(type->dtype) ? ")" : type->dtype == DTYPE_BOOL ? ", int) == 1" : ", int)");
    return true;
  }
  if (value->kind == VALUE_LIST || value->kind == VALUE_RECORD) {
    bool list = value->kind == VALUE_LIST, ok = true;
    text_add(out, list ? "[" : "(");
    for (int i = 0; i < value->u.items.count && ok; i++) {
      if (i) text_add(out, ", ");
      if (value->u.items.name && value->u.items.name[i]) text_printf(out, "%s=", value->u.items.name[i]);
      ok = write_value(evaluation, value->u.items.item[i], leaf, out);
    }
    text_add(out, list ? "]" : ")");
    return ok;
  }
  if (value->kind > VALUE_STRING || value->kind == VALUE_UNKNOWN) return false;
  value_print(value, out);
  if (value->kind == VALUE_FLOAT && !strpbrk(text_string(out), ".enai")) text_add(out, ".0");
  return true;
}

const Ast *let_literal(Repl *repl, const Ast *let, Name name) {
  const Binding *it = scope_find(repl->e->file, name_of("it")), *old = scope_find(repl->e->file, name);
  const Ast *given = let->u.binding.value;
  bool last = it && it->declaration && !it->declaration->span.source && mentions(given, name_of("it"));
  bool own = old && old->declaration && mentions(given, name);
  if (!last && !own) return let;
  Evaluation evaluation;
  Text text = {0};
  int leaf = 0;
  text_printf(&text, "let %s = ", name);
  bool ok = evaluate(repl, let->u.binding.value, &evaluation);
  if (ok) ok = write_value(&evaluation, evaluation.value, &leaf, &text);
  evaluation_end(repl, &evaluation);
  const Ast *literal = let;
  if (ok) {
    Arena *arena = repl->call->arena;
    const Source *source =
        source_add(arena_printf(arena, "[%lld]", (long long)repl->line), text_string(&text), text.length);
    const Ast *program = parse_program(arena, repl->call->problems, source);
    if (program->u.list.count == 1) literal = program->u.list.item[0];
  }
  text_free(&text);
  return literal;
}
