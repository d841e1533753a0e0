/* The fields of a CSV text, one after the other. */
#ifndef INTERPRETER_DATA_CSV_SCAN_H
#define INTERPRETER_DATA_CSV_SCAN_H

#include "interpreter/data/table.h"

typedef enum { SCAN_FIELD, SCAN_ROW_END, SCAN_QUOTE_OPEN, SCAN_QUOTE_TEXT, SCAN_LONG } ScanEnd;

typedef struct {
  char *at, *end; // what is left; a NUL stands at `end` and nowhere before
  int64_t line;   // of `at`, from 1
  char separator;
  bool stop[256];  // what an unquoted field ends before
  bool blank[256]; // what is dropped around it
} Scan;

void scan_start(Scan *scan, char *text, size_t length, char separator);

/* Skips totally empty lines; false at the end of the text. Called where a record may begin. */
bool scan_record(Scan *scan);

/* The next field of the record: a slice of the text, unescaped where it stands. SCAN_FIELD: more fields follow,
 * SCAN_ROW_END: this was the last; the others are faults, with scan->line where they are to be shown. */
ScanEnd scan_field(Scan *scan, Cell *cell);

#endif
