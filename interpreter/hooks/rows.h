/* Rows of a table as records for Lua: `data … |> lua("f.lua")` and ctx.sample_weight. */
#ifndef INTERPRETER_HOOKS_ROWS_H
#define INTERPRETER_HOOKS_ROWS_H

#include "interpreter/data/table.h"
#include "interpreter/hooks/hooks.h"

/* A row by the names of its columns: numbers and texts; columns of images stay out, and so does what is missing. */
Plain row_record(Arena *arena, const Table *table, int64_t row);

/* Hands every row to row(r) of the script. Rows for which it returns nil go; the records that come back are the table
 * from then on: new fields stand behind the old columns, ordered by name, and a column that no record has is gone.
 * false after a Problem. */
bool table_run_rows(Table *table, Problems *problems, Span at, Hooks *hooks);

#endif
