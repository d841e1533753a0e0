/* The fields of a CSV text (RFC 4180), one after the other.
 *
 * In goes a text in memory, out come slices of it. A field is quoted when a quote is its first sign after
 * blanks; within, quotes are doubled and line ends belong to the field. A doubled quote becomes one by moving
 * what follows to the left, so nothing is copied elsewhere. LF, CRLF and CR end a line. What RFC 4180 leaves
 * open is strict: after the closing quote nothing but blanks may stand. */
#include "interpreter/data/csv_scan.h"

#include <string.h>

void scan_start(Scan *scan, char *text, size_t length, char separator) {
  *scan = (Scan){.at = text, .end = text + length, .line = 1, .separator = separator};
  scan->stop[(unsigned char)separator] = scan->stop['\n'] = scan->stop['\r'] = scan->stop[0] = true;
  scan->blank[' '] = separator != ' ';
  scan->blank['\t'] = separator != '\t';
}

/* Passes a line end if one stands here. */
static bool line_end(Scan *scan) {
  if (*scan->at == '\r')
    scan->at += scan->at[1] == '\n' ? 2 : 1;
  else if (*scan->at == '\n')
    scan->at++;
  else
    return false;
  scan->line++;
  return true;
}

bool scan_record(Scan *scan) {
  while (line_end(scan)) continue;
  return scan->at < scan->end;
}

static int64_t lines_within(const char *text, const char *end) {
  int64_t lines = 0;
  for (; text < end; text++) lines += *text == '\n' || (*text == '\r' && text[1] != '\n');
  return lines;
}

static void blanks_skip(Scan *scan) {
  while (scan->blank[(unsigned char)*scan->at]) scan->at++;
}

static ScanEnd field_end(Scan *scan) {
  if (*scan->at == scan->separator) return scan->at++, SCAN_FIELD;
  if (line_end(scan) || scan->at == scan->end) return SCAN_ROW_END;
  return SCAN_QUOTE_TEXT;
}

/* At the opening quote. */
static ScanEnd field_quoted(Scan *scan, Cell *cell) {
  char *start = scan->at + 1, *from = start, *to = start;
  for (;;) {
    char *quote = memchr(from, '"', (size_t)(scan->end - from));
    if (!quote) return (size_t)(scan->end - start) > CSV_FIELD_LIMIT ? SCAN_LONG : SCAN_QUOTE_OPEN;
    size_t piece = (size_t)(quote - from);
    if ((size_t)(to - start) + piece > CSV_FIELD_LIMIT) return SCAN_LONG;
    if (to != from) memmove(to, from, piece);
    to += piece;
    if (quote[1] != '"') {
      scan->at = quote + 1;
      break;
    }
    *to++ = '"';
    from = quote + 2;
  }
  if ((size_t)(to - start) > CSV_FIELD_LIMIT) return SCAN_LONG;
  *cell = (Cell){.bytes = start, .length = (uint32_t)(to - start)};
  scan->line += lines_within(start, to);
  blanks_skip(scan);
  return field_end(scan);
}

ScanEnd scan_field(Scan *scan, Cell *cell) {
  blanks_skip(scan);
  if (*scan->at == '"') return field_quoted(scan, cell);
  char *start = scan->at, *end = start;
  while (!scan->stop[(unsigned char)*end]) end++;
  scan->at = end;
  while (end > start && scan->blank[(unsigned char)end[-1]]) end--;
  if (end - start > (ptrdiff_t)CSV_FIELD_LIMIT) return SCAN_LONG;
  *cell = (Cell){.bytes = start, .length = (uint32_t)(end - start)};
  return field_end(scan);
}
