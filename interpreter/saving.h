/* What `save … to` writes, by the ending of the file: tables as CSV, pictures as PNG, tensors as NPY. */
#ifndef INTERPRETER_SAVING_H
#define INTERPRETER_SAVING_H

#include "interpreter/formats/csv_write.h"
#include "interpreter/session.h"

/* Writes save number `index` of the pass, whose values the runner has; `{step}` in its name is `step`. false after a
 * Problem. */
bool save_file(Session *session, Runner *runner, const Pass *pass, int index, int64_t step);

/* Number i of a tensor as a field: a class by its name. */
void csv_element(CsvWriter *csv, const Type *type, const void *data, int64_t i, const Fitted *fitted);

#endif
