/* Numbers as tables write them.
 *
 * In goes a slice of a file, out comes a double or "this is no number". Up to 19 digits that make an integer
 * below 2^53, times or over a power of ten up to 10^22, are rounded by one exact operation (Clinger: How to read
 * floating point numbers accurately, 1990); that is nearly every number of a table. The rest goes to strtod. */
#include "interpreter/data/csv_number.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define EXACT_DIGITS   19 // fit into 64 bits
#define EXACT_POWER    22 // 10^22 is exact as a double
#define EXPONENT_LIMIT 100000

static const double POWER[EXACT_POWER + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                              1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                              1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/* What the text says: digits * 10^power. */
typedef struct {
  uint64_t digits;
  int significant; // how many digits since the first that is not 0
  int64_t power;
  bool any;
} Decimal;

static const char *digits_take(const char *at, const char *end, Decimal *decimal, bool fraction) {
  for (; at < end && *at >= '0' && *at <= '9'; at++) {
    decimal->any = true;
    if (decimal->significant || *at != '0') decimal->significant++;
    if (decimal->significant <= EXACT_DIGITS) decimal->digits = decimal->digits * 10 + (uint64_t)(*at - '0');
    decimal->power -= fraction;
  }
  return at;
}

/* NULL if this is no exponent. */
static const char *exponent_take(const char *at, const char *end, Decimal *decimal) {
  bool down = at < end && *at == '-';
  if (at < end && (*at == '-' || *at == '+')) at++;
  if (at == end) return NULL;
  int64_t exponent = 0;
  for (; at < end && *at >= '0' && *at <= '9'; at++)
    if (exponent < EXPONENT_LIMIT) exponent = exponent * 10 + (*at - '0');
  decimal->power += down ? -exponent : exponent;
  return at;
}

bool csv_number(const char *bytes, size_t length, double *number) {
  const char *at = bytes, *end = bytes + length;
  Decimal decimal = {0};
  bool negative = at < end && *at == '-';
  if (at < end && (*at == '-' || *at == '+')) at++;
  at = digits_take(at, end, &decimal, false);
  if (at < end && *at == '.') at = digits_take(at + 1, end, &decimal, true);
  if (!decimal.any) return false;
  if (at < end && (*at == 'e' || *at == 'E')) at = exponent_take(at + 1, end, &decimal);
  if (at != end) return false;
  bool exact = decimal.significant <= EXACT_DIGITS && decimal.digits < (1ull << 53);
  if (exact && decimal.power >= -EXACT_POWER && decimal.power <= EXACT_POWER) {
    double value = (double)decimal.digits;
    value = decimal.power < 0 ? value / POWER[-decimal.power] : value * POWER[decimal.power];
    *number = negative ? -value : value;
    return true;
  }
  *number = strtod(bytes, NULL);
  return isfinite(*number);
}

size_t csv_number_print(char text[CSV_NUMBER_BYTES], double number) {
  int length = 0;
  for (int digits = 15; digits <= 17; digits++) {
    length = snprintf(text, CSV_NUMBER_BYTES, "%.*g", digits, number);
    if (strtod(text, NULL) == number) break;
  }
  return (size_t)length;
}
