/* Places in texts: lines and columns with every line end, UTF-8 and a byte order mark. */
#include "base/source.h"

#include <criterion/criterion.h>
#include <string.h>

static void check_place(const Source *source, size_t offset, int line, int column) {
  int got_line, got_column;
  source_place(source, (uint32_t)offset, &got_line, &got_column);
  cr_assert(got_line == line && got_column == column, "offset %zu: %d:%d instead of %d:%d", offset, got_line,
            got_column, line, column);
}

Test(source, line_ends) {
  const char *text = "a\nbc\r\nd\re\n";
  const Source *source = source_add("ends.model", text, strlen(text));
  static const struct {
    size_t offset;
    int line, column;
  } rows[] = {{0, 1, 1}, {1, 1, 2}, {2, 2, 1}, {3, 2, 2}, {4, 2, 3},  {5, 2, 4},
              {6, 3, 1}, {7, 3, 2}, {8, 4, 1}, {9, 4, 2}, {10, 5, 1}, {99, 5, 1}};
  cr_assert_eq(source->lines, 5);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    check_place(source, rows[i].offset, rows[i].line, rows[i].column);
  }
}

Test(source, columns_are_code_points) {
  const char *text = "\xef\xbb\xbfx \xc3\xa4 \xe6\x97\xa5 \xf0\x9f\x99\x82 y\nz";
  const Source *source = source_add("wide.model", text, strlen(text));
  check_place(source, 3, 1, 1);
  check_place(source, (size_t)(strchr(text, 'y') - text), 1, 9);
  check_place(source, (size_t)(strchr(text, 'z') - text), 2, 1);
}

Test(source, numbers_and_copies) {
  char text[] = "abc", path[] = "p.model";
  const Source *first = source_add(path, text, 3), *empty = source_add("", "", 0);
  text[0] = path[0] = '?';
  cr_assert_str_eq(first->text, "abc");
  cr_assert_str_eq(first->path, "p.model");
  cr_assert_eq(source_by_id(first->id), first);
  cr_assert_eq(source_by_id(empty->id), empty);
  cr_assert_null(source_by_id(0));
  cr_assert_null(source_by_id(empty->id + 1));
  check_place(empty, 0, 1, 1);
}

Test(source, joined_spans) {
  Span joined = span_join((Span){1, 2, 4}, (Span){1, 7, 9});
  cr_assert(joined.source == 1 && joined.start == 2 && joined.end == 9);
  joined = span_join((Span){0, 0, 0}, (Span){1, 7, 9});
  cr_assert(joined.source == 1 && joined.start == 7 && joined.end == 9);
}
