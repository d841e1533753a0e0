/* Lines of source with labels below them.
 *
 * Everything is placed in display columns, counted from the start of the line's text: first each label becomes a
 * mark (columns and a row below the line), then rows of marks are written, the text of the last mark beside it,
 * the texts of the others below, each starting under its mark. Of a line that is too long only a window around
 * the first label is shown. */
#include "base/snippet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TAB_STOP       4
#define WINDOW_LONGEST 200 // bytes of a line that is shown whole
#define WINDOW_BEFORE  60  // bytes before the first label in a longer one
#define WINDOW_BYTES   160
#define DETAIL_RIGHT   100 // details that would end beyond this column move left
#define MARKS          (PROBLEM_LABELS + 1)

typedef struct {
  uint32_t first, last;
} Range;

/* Code points that take two columns: the wide and fullwidth blocks of Unicode's EastAsianWidth, and pictures. */
static const Range wide[] = {
    {0x1100, 0x115f},   {0x231a, 0x231b},   {0x23e9, 0x23ec},   {0x2e80, 0x303e},   {0x3041, 0x33ff},
    {0x3400, 0x4dbf},   {0x4e00, 0xa4cf},   {0xa960, 0xa97f},   {0xac00, 0xd7a3},   {0xf900, 0xfaff},
    {0xfe30, 0xfe6f},   {0xff00, 0xff60},   {0xffe0, 0xffe6},   {0x16fe0, 0x18cff}, {0x1f300, 0x1f64f},
    {0x1f680, 0x1f6ff}, {0x1f900, 0x1faff}, {0x20000, 0x3fffd},
};

/* Code points that stand on the one before them. */
static const Range combining[] = {
    {0x0300, 0x036f}, {0x0483, 0x0489}, {0x0591, 0x05bd}, {0x0610, 0x061a},   {0x064b, 0x065f},
    {0x0900, 0x0902}, {0x0e34, 0x0e3a}, {0x0e47, 0x0e4e}, {0x1ab0, 0x1aff},   {0x1dc0, 0x1dff},
    {0x20d0, 0x20ff}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}, {0xe0100, 0xe01ef},
};

/* Code points that a reader cannot see or that reorder what he sees. */
static const Range hidden[] = {
    {0x0000, 0x001f}, {0x007f, 0x009f}, {0x061c, 0x061c}, {0x200b, 0x200f},   {0x2028, 0x202e},
    {0x2060, 0x206f}, {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xe0000, 0xe007f},
};

#define IN_RANGES(code, ranges) in_ranges((code), (ranges), sizeof(ranges) / sizeof *(ranges))

static bool in_ranges(uint32_t code, const Range *range, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (code >= range[i].first && code <= range[i].last) return true;
  }
  return false;
}

/* Bytes of the code point at `bytes`, 0 where there is no strict UTF-8. */
static size_t code_point(const char *bytes, size_t length, uint32_t *code) {
  static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
  unsigned char first = (unsigned char)bytes[0];
  size_t size = first < 0x80   ? 1
                : first < 0xc2 ? 0
                : first < 0xe0 ? 2
                : first < 0xf0 ? 3
                : first < 0xf5 ? 4
                               : 0;
  if (size == 0 || size > length) return 0;
  *code = size == 1 ? first : first & (0x7fu >> size);
  for (size_t i = 1; i < size; i++) {
    if (((unsigned char)bytes[i] & 0xc0) != 0x80) return 0;
    *code = *code << 6 | ((unsigned char)bytes[i] & 0x3f);
  }
  bool surrogate = *code >= 0xd800 && *code <= 0xdfff;
  return *code < smallest[size] || *code > 0x10ffff || surrogate ? 0 : size;
}

static int add_escaped(Text *out, const char *format, uint32_t code) {
  char escaped[16];
  int length = snprintf(escaped, sizeof escaped, format, code);
  if (out) text_add(out, escaped);
  return length;
}

int snippet_add(Text *out, const char *bytes, size_t length, int column) {
  uint32_t code = 0;
  for (size_t i = 0, size; i < length; i += size ? size : 1) {
    size = code_point(bytes + i, length - i, &code);
    if (size == 0) {
      column += add_escaped(out, "\\x%02x", (unsigned char)bytes[i]);
    } else if (code == '\t') {
      int blanks = TAB_STOP - column % TAB_STOP;
      if (out) text_printf(out, "%*s", blanks, "");
      column += blanks;
    } else if (IN_RANGES(code, hidden)) {
      column += add_escaped(out, code < 0x80 ? "\\x%02x" : "\\u{%04x}", code);
    } else {
      if (out) text_add_n(out, bytes + i, size);
      if (code < 0x300)
        column++;
      else
        column += IN_RANGES(code, combining) ? 0 : IN_RANGES(code, wide) ? 2 : 1;
    }
  }
  return column;
}

const char *snippet_paint(Paint paint, bool colour) {
  static const char *const sequence[] = {
      [PAINT_ERROR] = "\033[1;31m", [PAINT_WARNING] = "\033[1;33m", [PAINT_FRAME] = "\033[1;34m",
      [PAINT_EXTRA] = "\033[1;34m", [PAINT_TITLE] = "\033[1m",      [PAINT_HELP] = "\033[1;36m",
      [PAINT_NONE] = "\033[0m",
  };
  return colour ? sequence[paint] : "";
}

typedef struct {
  int start, end, row; // columns, end exclusive; rows of marks count from 0
  bool primary;
  const char *text; // "" for none
} Mark;

typedef struct {
  Text *out;
  bool colour;
  Paint severity;
  int gutter; // columns of a line number
} Drawing;

/* The part of a line that is shown. */
typedef struct {
  const char *bytes;
  uint32_t start, end; // offsets in the source
  bool cut_before, cut_after;
} Window;

static void frame_start(const Drawing *drawing, int line) {
  const char *frame = snippet_paint(PAINT_FRAME, drawing->colour);
  if (line)
    text_printf(drawing->out, "%s%*d │%s", frame, drawing->gutter, line,
                snippet_paint(PAINT_NONE, drawing->colour));
  else
    text_printf(drawing->out, "%s%*s │%s", frame, drawing->gutter, "",
                snippet_paint(PAINT_NONE, drawing->colour));
}

static void add_blanks(Text *out, int count) { text_printf(out, "%*s", count, ""); }

static Window window_of(const Source *source, int line, uint32_t first) {
  uint32_t start = source->line_start[line - 1];
  size_t end = line < source->lines ? source->line_start[line] : source->length;
  while (end > start && (source->text[end - 1] == '\n' || source->text[end - 1] == '\r')) end--;
  if (start == 0 && end >= 3 && !memcmp(source->text, "\xef\xbb\xbf", 3)) start = 3;
  Window window = {source->text, start, (uint32_t)end, false, false};
  if (end - start <= WINDOW_LONGEST) return window;
  if (first > start + WINDOW_BEFORE) window.start = first - WINDOW_BEFORE;
  if (window.start + WINDOW_BYTES < end) window.end = window.start + WINDOW_BYTES;
  while (window.start > start && ((unsigned char)source->text[window.start] & 0xc0) == 0x80) window.start--;
  while (window.end < end && ((unsigned char)source->text[window.end] & 0xc0) == 0x80) window.end++;
  window.cut_before = window.start > start;
  window.cut_after = window.end < end;
  return window;
}

static int window_column(const Window *window, uint32_t offset) {
  if (offset < window->start) offset = window->start;
  if (offset > window->end) offset = window->end;
  return snippet_add(NULL, window->bytes + window->start, offset - window->start, window->cut_before);
}

static Mark mark_of(const Window *window, const Label *label, bool primary) {
  uint32_t end = label->span.end < window->end ? label->span.end : window->end;
  while (end > label->span.start && (window->bytes[end - 1] == ' ' || window->bytes[end - 1] == '\t')) end--;
  Mark mark = {.primary = primary, .text = label->text ? label->text : ""};
  mark.start = window_column(window, label->span.start);
  mark.end = window_column(window, end);
  if (mark.end <= mark.start) mark.end = mark.start + 1;
  return mark;
}

/* Marks of one row keep a column between them where they would look like one. */
static bool marks_collide(const Mark *a, const Mark *b) {
  int gap = a->primary == b->primary;
  return a->row == b->row && a->start < b->end + gap && b->start < a->end + gap;
}

static int compare_marks(const void *left, const void *right) {
  const Mark *a = left, *b = right;
  return a->row != b->row ? a->row - b->row : a->start - b->start;
}

/* Puts each mark into the first row where it has room, and sorts them by row and column. */
static void marks_place(Mark *mark, int count) {
  for (int i = 1; i < count; i++) {
    for (int j = 0; j < i; j++) {
      if (!marks_collide(&mark[i], &mark[j])) continue;
      mark[i].row++;
      j = -1;
    }
  }
  qsort(mark, (size_t)count, sizeof *mark, compare_marks);
}

static const char *mark_paint(const Drawing *drawing, const Mark *mark) {
  return snippet_paint(mark->primary ? drawing->severity : PAINT_EXTRA, drawing->colour);
}

static int add_painted(const Drawing *drawing, const Mark *mark, const char *text, int column) {
  text_add(drawing->out, mark_paint(drawing, mark));
  column = snippet_add(drawing->out, text, strlen(text), column);
  text_add(drawing->out, snippet_paint(PAINT_NONE, drawing->colour));
  return column;
}

static void draw_marks(const Drawing *drawing, const Mark *mark, int count) {
  Text *out = drawing->out;
  int column = 0;
  frame_start(drawing, 0);
  add_blanks(out, 1);
  for (int i = 0; i < count; i++) {
    add_blanks(out, mark[i].start - column);
    text_add(out, mark_paint(drawing, &mark[i]));
    for (column = mark[i].start; column < mark[i].end; column++) text_add(out, mark[i].primary ? "^" : "-");
    text_add(out, snippet_paint(PAINT_NONE, drawing->colour));
  }
  if (*mark[count - 1].text) {
    add_blanks(out, 1);
    add_painted(drawing, &mark[count - 1], mark[count - 1].text, column + 1);
  }
  text_add(out, "\n");
}

/* The texts of marks that have others to their right: as many a line as fit, from the right. */
static void draw_texts(const Drawing *drawing, const Mark *mark, int count) {
  for (int last = count - 1, first; last >= 0; last = first - 1) {
    int right = mark[last].start;
    first = last;
    for (int i = last - 1; i >= 0; i--) {
      int end = snippet_add(NULL, mark[i].text, strlen(mark[i].text), mark[i].start);
      if (end + 2 > right) break;
      if (*mark[i].text) right = mark[i].start;
      first = i;
    }
    int column = 0, texts = 0;
    for (int i = first; i <= last; i++) texts += *mark[i].text != 0;
    if (!texts) continue;
    frame_start(drawing, 0);
    add_blanks(drawing->out, 1);
    for (int i = first; i <= last; i++) {
      if (!*mark[i].text) continue;
      add_blanks(drawing->out, mark[i].start - column);
      column = add_painted(drawing, &mark[i], mark[i].text, mark[i].start);
    }
    text_add(drawing->out, "\n");
  }
}

static void draw_detail(const Drawing *drawing, const Mark *primary, const char *detail, int indent) {
  int widest = 0, column = primary->start;
  for (const char *line = detail; *line; line += strcspn(line, "\n"), line += *line == '\n') {
    int width = snippet_add(NULL, line, strcspn(line, "\n"), 0);
    if (width > widest) widest = width;
  }
  if (column + widest > DETAIL_RIGHT) column = DETAIL_RIGHT - widest;
  if (column < indent) column = indent < primary->start ? indent : primary->start;
  for (const char *line = detail; *line; line += strcspn(line, "\n"), line += *line == '\n') {
    frame_start(drawing, 0);
    add_blanks(drawing->out, 1 + column);
    text_add(drawing->out, mark_paint(drawing, primary));
    snippet_add(drawing->out, line, strcspn(line, "\n"), column);
    text_printf(drawing->out, "%s\n", snippet_paint(PAINT_NONE, drawing->colour));
  }
}

static void draw_line(const Drawing *drawing, const Window *window, int line) {
  frame_start(drawing, line);
  if (window->end > window->start) {
    text_add(drawing->out, window->cut_before ? " …" : " ");
    snippet_add(drawing->out, window->bytes + window->start, window->end - window->start, window->cut_before);
    if (window->cut_after) text_add(drawing->out, "…");
  }
  text_add(drawing->out, "\n");
}

/* One line and everything below it. marks are sorted; detail may be NULL. */
static void draw_block(const Drawing *drawing, const Window *window, int line, const Mark *mark, int count,
                       const char *detail) {
  draw_line(drawing, window, line);
  const Mark *primary = NULL;
  for (int first = 0, end; first < count; first = end) {
    for (end = first; end < count && mark[end].row == mark[first].row; end++) {
      if (mark[end].primary) primary = &mark[end];
    }
    draw_marks(drawing, mark + first, end - first);
    draw_texts(drawing, mark + first, end - first - 1);
  }
  if (!primary || !detail) return;
  uint32_t indent = window->start;
  while (indent < window->end && (window->bytes[indent] == ' ' || window->bytes[indent] == '\t')) indent++;
  draw_detail(drawing, primary, detail, window_column(window, indent));
}

void snippet_draw(Text *out, const Source *source, const Label *labels, int count, bool primary,
                  const char *detail, Severity severity, bool colour) {
  int lines[MARKS], column, done = 0, largest = 0;
  for (int i = 0; i < count; i++) {
    source_place(source, labels[i].span.start, &lines[i], &column);
    if (lines[i] > largest) largest = lines[i];
  }
  Drawing drawing = {out, colour, severity == SEVERITY_ERROR ? PAINT_ERROR : PAINT_WARNING,
                     largest > 99999 ? 10 : 5};
  while (done < largest) {
    int line = largest;
    uint32_t first = UINT32_MAX;
    for (int i = 0; i < count; i++) {
      if (lines[i] > done && lines[i] < line) line = lines[i];
    }
    for (int i = 0; i < count; i++) {
      if (lines[i] == line && labels[i].span.start < first) first = labels[i].span.start;
    }
    Window window = window_of(source, line, first);
    Mark mark[MARKS];
    int marks = 0;
    for (int i = 0; i < count; i++) {
      if (lines[i] == line) mark[marks++] = mark_of(&window, &labels[i], primary && i == 0);
    }
    marks_place(mark, marks);
    draw_block(&drawing, &window, line, mark, marks, detail);
    done = line;
  }
}
