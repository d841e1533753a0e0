/* Pages on problems, put together from the table explain_pages.def. */
#include "lang/explain.h"

#include <stddef.h>
#include <string.h>

static const struct {
  const char *code, *page;
} pages[] = {
#define PAGE(code, title, meaning, wrong, right)                                                             \
  {code, code ": " title "\n\n" meaning "\n\n  not    " wrong "\n  but    " right "\n"},
#include "lang/explain_pages.def"
#undef PAGE
};

int explain_count(void) { return (int)(sizeof(pages) / sizeof(*pages)); }

const char *explain_code(int index) { return pages[index].code; }

const char *explain(const char *code) {
  for (int i = 0; i < explain_count(); i++)
    if (!strcmp(pages[i].code, code)) return pages[i].page;
  return NULL;
}
