/* What `lathe data FILE NAME` shows of a table. */
#ifndef INTERPRETER_DATA_PREVIEW_H
#define INTERPRETER_DATA_PREVIEW_H

#include "base/text.h"
#include "interpreter/data/table.h"

/* Rows and parts, a line a column (type, missing values, range or most frequent texts), and the first rows, as
 * the steps have left them. Columns that do not fit into `width` are named at the end. The table is loaded. */
void table_preview(const Table *table, const char *name, Text *out, int width);

#endif
