/* save: values of a pass as files. */
#include "interpreter/saving.h"

#include "interpreter/formats/picture.h"
#include "interpreter/formats/save.h"
#include "lang/problems.h"

#include <string.h>

void csv_element(CsvWriter *csv, const Type *type, const void *data, int64_t i, const Fitted *fitted) {
  int64_t whole = 0;
  switch (type->dtype) {
  case DTYPE_F32: csv_f32(csv, ((const float *)data)[i]); return;
  case DTYPE_F64: csv_f64(csv, ((const double *)data)[i]); return;
  case DTYPE_BOOL: csv_bool(csv, ((const bool *)data)[i]); return;
  case DTYPE_U8: whole = ((const uint8_t *)data)[i]; break;
  case DTYPE_I32: whole = ((const int32_t *)data)[i]; break;
  default: whole = ((const int64_t *)data)[i]; break;
  }
  if (fitted && fitted_is_classes(fitted) && whole >= 0 && whole < fitted->classes)
    csv_text(csv, fitted->class_text[whole], strlen(fitted->class_text[whole]));
  else
    csv_int(csv, whole);
}

typedef struct {
  Session *session;
  const Value *value;
  const Ast *ast;
  const char *to;
  const Type **type; // of each column; of a tensor: one
  const void **data;
  int columns;
} Saving;

static bool save_csv(const Saving *s) {
  int64_t rows = s->columns ? type_count(s->type[0]) : 0;
  for (int i = 0; i < s->columns; i++)
    if (s->type[i]->rank != 1 || type_count(s->type[i]) != rows) {
      problem_save_columns(s->session->problems, s->ast->span, s->value->u.items.name[i]);
      return false;
    }
  CsvWriter *csv = csv_begin(s->session->problems, s->to, ',');
  if (!csv) return false;
  const Name *name = s->value->u.items.name;
  for (int i = 0; i < s->columns; i++) csv_text(csv, name[i], strlen(name[i]));
  csv_end_row(csv);
  for (int64_t row = 0; row < rows; row++) {
    for (int i = 0; i < s->columns; i++) {
      const Value *value = s->value->u.items.item[i];
      csv_element(csv, s->type[i], s->data[i], row,
                  value->kind == VALUE_TENSOR ? value->u.tensor.fitted : NULL);
    }
    csv_end_row(csv);
  }
  return csv_commit(csv, s->session->problems);
}

static bool save_png(const Saving *s) {
  const Type *type = s->type[0];
  int64_t channels = type->rank == 3 ? type_size(type, 2) : 1;
  bool picture = (type->rank == 2 || type->rank == 3) && (channels == 1 || channels == 3 || channels == 4) &&
                 dtype_is_float(type->dtype) && type_count(type) > 0;
  if (!picture) {
    Text text = {0};
    type_print(type, &text);
    problem_save_picture(s->session->problems, s->ast->span, text_string(&text));
    text_free(&text);
    return false;
  }
  Picture image = {type_size(type, 1), type_size(type, 0), (int)channels, type->dtype == DTYPE_F64,
                   s->data[0]};
  return png_write(s->session->problems, s->to, &image);
}

/* The format of NumPy, version 1.0: a magic word, a Python literal padded to 64 bytes, the numbers. */
static bool save_npy(const Saving *s) {
  static const char *const word[DTYPE_COUNT] = {
      [DTYPE_BOOL] = "|b1", [DTYPE_U8] = "|u1",  [DTYPE_I32] = "<i4",
      [DTYPE_I64] = "<i8",  [DTYPE_F32] = "<f4", [DTYPE_F64] = "<f8"};
  const Type *type = s->type[0];
  size_t bytes = (size_t)type_count(type) * dtype_size(type->dtype);
  Text head = {0};
  text_printf(&head, "{'descr': '%s', 'fortran_order': False, 'shape': (", word[type->dtype]);
  for (int i = 0; i < type->rank; i++)
    text_printf(&head, i ? " %lld," : "%lld,", (long long)type_size(type, i));
  text_add(&head, "), }");
  while ((head.length + 11) % 64) text_add(&head, " ");
  text_add(&head, "\n");
  SaveFile *file = save_begin(s->session->problems, s->to, bytes);
  if (file) {
    const unsigned char magic[10] = {0x93,
                                     'N',
                                     'U',
                                     'M',
                                     'P',
                                     'Y',
                                     1,
                                     0,
                                     (unsigned char)(head.length & 255),
                                     (unsigned char)(head.length >> 8)};
    save_write(file, magic, sizeof magic);
    save_write(file, text_string(&head), head.length);
    save_write(file, s->data[0], bytes);
  }
  text_free(&head);
  return file && save_commit(file, s->session->problems);
}

/* `{step}` in the name of a file is the number of the step. */
static const char *name_with_step(Session *session, const char *to, int64_t step) {
  const char *mark = strstr(to, "{step}");
  return mark ? arena_printf(session->arena, "%.*s%lld%s", (int)(mark - to), to, (long long)step, mark + 6)
              : to;
}

bool save_file(Session *session, Runner *runner, const Pass *pass, int index, int64_t step) {
  static bool (*const write[])(const Saving *) = {
      [SAVE_CSV] = save_csv, [SAVE_PNG] = save_png, [SAVE_NPY] = save_npy};
  Saving s = {.session = session, .value = pass->save[index].value, .ast = pass->save[index].ast};
  const char *to = name_with_step(session, pass->save[index].to, step);
  if (!save_path_allowed(session->problems, s.ast->at, to)) return false;
  s.to = session->options->out ? arena_printf(session->arena, "%s/%s", session->options->out, to) : to;
  s.columns = pass->save[index].format == SAVE_CSV ? s.value->u.items.count : 1;
  s.type = ARENA_ARRAY(session->arena, const Type *, s.columns + 1);
  s.data = ARENA_ARRAY(session->arena, const void *, s.columns + 1);
  for (int i = 0; i < s.columns; i++)
    s.data[i] = runner_value(runner, arena_printf(session->arena, "save.%d.%d", index, i), &s.type[i]);
  if (!write[pass->save[index].format](&s)) return false;
  report_saved(session->report, s.to);
  return true;
}
