/* Tables as CSV text, row by row: to a file that appears whole, or to standard output. */
#ifndef INTERPRETER_FORMATS_CSV_WRITE_H
#define INTERPRETER_FORMATS_CSV_WRITE_H

#include "base/problem.h"

#include <stddef.h>
#include <stdint.h>

typedef struct CsvWriter CsvWriter;

/* `path`: a file (see save.h), or "-" for standard output. `separator`: ',' or '\t'. NULL after a Problem. */
CsvWriter *csv_begin(Problems *problems, const char *path, char separator);

/* One field each, in order; quoted where RFC 4180 asks for it. NaN and infinities are nan, inf, -inf. */
void csv_text(CsvWriter *csv, const char *bytes, size_t length);
void csv_f32(CsvWriter *csv, float number);
void csv_f64(CsvWriter *csv, double number);
void csv_int(CsvWriter *csv, int64_t number);
void csv_bool(CsvWriter *csv, bool truth); // true, false
void csv_empty(CsvWriter *csv);

void csv_end_row(CsvWriter *csv);

/* The file appears, or standard output is flushed; false after a Problem. Frees `csv`. */
bool csv_commit(CsvWriter *csv, Problems *problems);
void csv_abandon(CsvWriter *csv);

#endif
