/* What a problem means, for someone who wants more than its message: a page for each code. */
#ifndef LANG_EXPLAIN_H
#define LANG_EXPLAIN_H

const char *explain(const char *code); // the page, with its last line end; NULL for an unknown code
int explain_count(void);
const char *explain_code(int index); // in order

#endif
