/* Numbers as tables write them. */
#ifndef INTERPRETER_DATA_CSV_NUMBER_H
#define INTERPRETER_DATA_CSV_NUMBER_H

#include <stdbool.h>
#include <stddef.h>

/* Whether all of the bytes are one finite number: sign, digits with or without a point, exponent; no blanks, no
 * hex, no words. Rounded once to the nearest. Byte `length` must exist and be none that could go on a number. */
bool csv_number(const char *bytes, size_t length, double *number);

/* The shortest of %.15g, %.16g and %.17g that reads back as the same number. */
#define CSV_NUMBER_BYTES 32
size_t csv_number_print(char text[CSV_NUMBER_BYTES], double number);

#endif
