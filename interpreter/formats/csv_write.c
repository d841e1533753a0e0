/* CSV: fields in, one text out.
 *
 * A field is quoted when it holds the separator, a quote or the end of a line, or begins or ends with a blank,
 * which readers drop. A row whose only field is empty is written as "", for an empty line is no row. */
#include "interpreter/formats/csv_write.h"

#include "interpreter/formats/number_text.h"
#include "interpreter/formats/problems_files.h"
#include "interpreter/formats/save.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct CsvWriter {
  SaveFile *file; // NULL: standard output
  char separator;
  size_t fields;    // of this row so far
  size_t row_bytes; // that its fields have
  int error;        // of standard output
};

CsvWriter *csv_begin(Problems *problems, const char *path, char separator) {
  SaveFile *file = NULL;
  if (strcmp(path, "-") != 0 && !(file = save_begin(problems, path, 0))) return NULL;
  CsvWriter *csv = memory_alloc(1, sizeof *csv);
  csv->file = file;
  csv->separator = separator;
  return csv;
}

static void bytes_out(CsvWriter *csv, const char *bytes, size_t length) {
  if (csv->file)
    save_write(csv->file, bytes, length);
  else if (!csv->error && fwrite(bytes, 1, length, stdout) != length)
    csv->error = errno ? errno : EIO;
}

static void field_out(CsvWriter *csv, const char *bytes, size_t length) {
  if (csv->fields++) bytes_out(csv, &csv->separator, 1);
  bytes_out(csv, bytes, length);
  csv->row_bytes += length;
}

static bool needs_quotes(const char *bytes, size_t length, char separator) {
  if (length == 0) return false;
  if (bytes[0] == ' ' || bytes[0] == '\t' || bytes[length - 1] == ' ' || bytes[length - 1] == '\t')
    return true;
  for (size_t i = 0; i < length; i++)
    if (bytes[i] == separator || bytes[i] == '"' || bytes[i] == '\n' || bytes[i] == '\r') return true;
  return false;
}

void csv_text(CsvWriter *csv, const char *bytes, size_t length) {
  if (!needs_quotes(bytes, length, csv->separator)) return field_out(csv, bytes, length);
  field_out(csv, "\"", 1);
  for (size_t i = 0, start = 0; i <= length; i++) {
    if (i < length && bytes[i] != '"') continue;
    bytes_out(csv, bytes + start, i - start);
    bytes_out(csv, i < length ? "\"\"" : "\"", i < length ? 2 : 1);
    start = i + 1;
  }
}

void csv_f32(CsvWriter *csv, float number) {
  char text[NUMBER_BYTES];
  field_out(csv, text, number_print_f32(text, number));
}

void csv_f64(CsvWriter *csv, double number) {
  char text[NUMBER_BYTES];
  field_out(csv, text, number_print_f64(text, number));
}

void csv_int(CsvWriter *csv, int64_t number) {
  char text[NUMBER_BYTES];
  field_out(csv, text, number_print_int(text, number));
}

void csv_bool(CsvWriter *csv, bool truth) { field_out(csv, truth ? "true" : "false", truth ? 4 : 5); }

void csv_empty(CsvWriter *csv) { field_out(csv, "", 0); }

void csv_end_row(CsvWriter *csv) {
  if (csv->fields == 1 && csv->row_bytes == 0) bytes_out(csv, "\"\"", 2);
  bytes_out(csv, "\n", 1);
  csv->fields = csv->row_bytes = 0;
}

bool csv_commit(CsvWriter *csv, Problems *problems) {
  bool good;
  if (csv->file) {
    good = save_commit(csv->file, problems);
  } else {
    if (fflush(stdout) != 0 && !csv->error) csv->error = errno;
    good = csv->error == 0;
    if (!good) problem_file_unwritable(problems, "-", csv->error);
  }
  memory_free(csv);
  return good;
}

void csv_abandon(CsvWriter *csv) {
  if (!csv) return;
  save_abandon(csv->file);
  memory_free(csv);
}
