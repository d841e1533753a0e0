/* Numbers as text, exactly and fast, whatever the locale of the process. */
#ifndef INTERPRETER_FORMATS_NUMBER_TEXT_H
#define INTERPRETER_FORMATS_NUMBER_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NUMBER_BYTES 32 // room that every number needs, with its NUL

/* The text of printf's %.9g (f32) and %.17g (f64), which read back as the same number; "nan" without a sign,
 * "inf", "-inf". Return the length. */
size_t number_print_f32(char text[NUMBER_BYTES], float number);
size_t number_print_f64(char text[NUMBER_BYTES], double number);
size_t number_print_int(char text[NUMBER_BYTES], int64_t number);

/* Read the JSON number that starts at `text` and ends before `end` (where a byte that belongs to no number
 * must stand), rounded once to the nearest; too large gives an infinity. Return where it ends, NULL if there
 * is none. number_read_int also gives NULL where the number has a point or exponent or leaves 64 bits. */
const char *number_read_f32(const char *text, const char *end, float *number);
const char *number_read_f64(const char *text, const char *end, double *number);
const char *number_read_int(const char *text, const char *end, int64_t *number);

#endif
