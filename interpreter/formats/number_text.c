/* Numbers to text and back: short exact paths for what weights consist of, libc for the rest.
 *
 * Printing an f32 with nine digits: the number times a power of ten is computed in double, whose error is
 * below 1e-6 of the last digit; unless the digits behind it are within that distance of one half, rounding is
 * certain and the text is the one libc gives. Reading: a number of at most 19 digits whose integer is below
 * 2^53, times or over 10^22 at most, is rounded once by one multiplication or division (Clinger 1990). */
#include "interpreter/formats/number_text.h"

#include <float.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOWEST_POWER (-30)
#define DIGITS_F32   9

/* 10^-30 … 10^53: what brings any f32 to nine digits before the point. */
static const double POWER[] = {
    1e-30, 1e-29, 1e-28, 1e-27, 1e-26, 1e-25, 1e-24, 1e-23, 1e-22, 1e-21, 1e-20, 1e-19, 1e-18, 1e-17,
    1e-16, 1e-15, 1e-14, 1e-13, 1e-12, 1e-11, 1e-10, 1e-9,  1e-8,  1e-7,  1e-6,  1e-5,  1e-4,  1e-3,
    1e-2,  1e-1,  1e0,   1e1,   1e2,   1e3,   1e4,   1e5,   1e6,   1e7,   1e8,   1e9,   1e10,  1e11,
    1e12,  1e13,  1e14,  1e15,  1e16,  1e17,  1e18,  1e19,  1e20,  1e21,  1e22,  1e23,  1e24,  1e25,
    1e26,  1e27,  1e28,  1e29,  1e30,  1e31,  1e32,  1e33,  1e34,  1e35,  1e36,  1e37,  1e38,  1e39,
    1e40,  1e41,  1e42,  1e43,  1e44,  1e45,  1e46,  1e47,  1e48,  1e49,  1e50,  1e51,  1e52,  1e53,
};

static double power_of_ten(int exponent) { return POWER[exponent - LOWEST_POWER]; }

static locale_t plain_locale;
static void locale_make(void) { plain_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0); }

/* This thread's locale becomes C, even if some library has changed the process's; returns what to set back. */
static locale_t locale_enter(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, locale_make);
  return uselocale(plain_locale);
}

static size_t number_print_slow(char text[NUMBER_BYTES], int digits, double number) {
  locale_t before = locale_enter();
  int length = snprintf(text, NUMBER_BYTES, "%.*g", digits, number);
  uselocale(before);
  return (size_t)length;
}

static size_t number_print_special(char text[NUMBER_BYTES], double number) {
  strcpy(text, isnan(number) ? "nan" : number < 0 ? "-inf" : "inf");
  return strlen(text);
}

size_t number_print_int(char text[NUMBER_BYTES], int64_t number) {
  char digits[NUMBER_BYTES];
  size_t count = 0, length = 0;
  uint64_t rest = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
  do digits[count++] = (char)('0' + rest % 10);
  while (rest /= 10);
  if (number < 0) text[length++] = '-';
  while (count) text[length++] = digits[--count];
  text[length] = 0;
  return length;
}

/* Lays out nine digits d.dddddddd * 10^exponent as %g does. */
static size_t digits_lay(char *text, uint32_t number, int exponent) {
  char digit[DIGITS_F32];
  for (int i = DIGITS_F32 - 1; i >= 0; i--, number /= 10) digit[i] = (char)('0' + number % 10);
  int count = DIGITS_F32;
  while (count > 1 && digit[count - 1] == '0') count--;
  char *at = text;
  if (exponent < -4 || exponent >= DIGITS_F32) {
    *at++ = digit[0];
    if (count > 1) *at++ = '.';
    for (int i = 1; i < count; i++) *at++ = digit[i];
    int size = exponent < 0 ? -exponent : exponent;
    *at++ = 'e';
    *at++ = exponent < 0 ? '-' : '+';
    *at++ = (char)('0' + size / 10); // an f32 needs two digits
    *at++ = (char)('0' + size % 10);
  } else if (exponent < 0) {
    *at++ = '0';
    *at++ = '.';
    for (int i = -1; i > exponent; i--) *at++ = '0';
    for (int i = 0; i < count; i++) *at++ = digit[i];
  } else {
    for (int i = 0; i <= exponent; i++) *at++ = digit[i]; // zeros cut off above still stand in `digit`
    if (count > exponent + 1) *at++ = '.';
    for (int i = exponent + 1; i < count; i++) *at++ = digit[i];
  }
  *at = 0;
  return (size_t)(at - text);
}

size_t number_print_f32(char text[NUMBER_BYTES], float number) {
  if (!isfinite(number)) return number_print_special(text, (double)number);
  size_t sign = signbit(number) ? 1 : 0;
  text[0] = '-';
  double size = fabs((double)number);
  if (size == 0) return strcpy(text + sign, "0"), sign + 1;
  int binary;
  frexp(size, &binary);
  int exponent = (int)floor((binary - 1) * 0.30102999566398120); // right, or one too small
  double scaled = size * power_of_ten(DIGITS_F32 - 1 - exponent);
  if (scaled >= 1e9) scaled = size * power_of_ten(DIGITS_F32 - 1 - ++exponent);
  double whole = floor(scaled), rest = scaled - whole;
  if (scaled < 1e8 || fabs(rest - 0.5) < 1e-6) return number_print_slow(text, DIGITS_F32, (double)number);
  uint32_t digits = (uint32_t)whole + (rest > 0.5);
  if (digits == 1000000000) digits = 100000000, exponent++;
  return sign + digits_lay(text + sign, digits, exponent);
}

size_t number_print_f64(char text[NUMBER_BYTES], double number) {
  if (!isfinite(number)) return number_print_special(text, number);
  bool whole = fabs(number) < 0x1p53 && number == floor(number) && !(number == 0 && signbit(number));
  return whole ? number_print_int(text, (int64_t)number) : number_print_slow(text, 17, number);
}

/* A JSON number taken apart. */
typedef struct {
  bool negative;
  bool exact;      // `digits` holds all of them
  uint64_t digits; // as an integer, without the point
  int64_t power;   // of ten, that it is multiplied by
  const char *end;
} Parts;

static bool is_digit(const char *text, const char *end) { return text < end && *text >= '0' && *text <= '9'; }

static const char *digits_take(const char *text, const char *end, Parts *parts, bool fraction) {
  for (; is_digit(text, end); text++) {
    if (parts->digits > (UINT64_MAX - 9) / 10)
      parts->exact = false;
    else
      parts->digits = parts->digits * 10 + (uint64_t)(*text - '0');
    parts->power -= fraction;
  }
  return text;
}

/* -?(0|[1-9][0-9]*)(.[0-9]+)?([eE][+-]?[0-9]+)? */
static bool parts_read(const char *text, const char *end, Parts *parts, bool *plain) {
  *parts = (Parts){.exact = true};
  *plain = true;
  if (text < end && *text == '-') parts->negative = true, text++;
  if (!is_digit(text, end)) return false;
  if (*text == '0' && is_digit(text + 1, end)) return false;
  text = digits_take(text, end, parts, false);
  if (text < end && *text == '.') {
    *plain = false;
    if (!is_digit(++text, end)) return false;
    text = digits_take(text, end, parts, true);
  }
  if (text < end && (*text == 'e' || *text == 'E')) {
    *plain = false;
    text++;
    bool down = text < end && *text == '-';
    if (text < end && (*text == '-' || *text == '+')) text++;
    if (!is_digit(text, end)) return false;
    int64_t exponent = 0;
    for (; is_digit(text, end); text++)
      if (exponent < 1000000) exponent = exponent * 10 + (*text - '0');
    parts->power += down ? -exponent : exponent;
  }
  parts->end = text;
  return true;
}

/* The number rounded once to double, where that is simple. */
static bool parts_value(const Parts *parts, double *number) {
  if (!parts->exact || parts->digits >= (1ull << 53)) return false;
  double value = (double)parts->digits;
  if (parts->digits != 0) {
    if (parts->power < -22 || parts->power > 22) return false;
    value =
        parts->power < 0 ? value / power_of_ten((int)-parts->power) : value * power_of_ten((int)parts->power);
  }
  *number = parts->negative ? -value : value;
  return true;
}

static double number_read_slow(const char *text, bool narrow) {
  locale_t before = locale_enter();
  double number = narrow ? (double)strtof(text, NULL) : strtod(text, NULL);
  uselocale(before);
  return number;
}

const char *number_read_f64(const char *text, const char *end, double *number) {
  Parts parts;
  bool plain;
  if (!parts_read(text, end, &parts, &plain)) return NULL;
  if (!parts_value(&parts, number)) *number = number_read_slow(text, false);
  return parts.end;
}

const char *number_read_f32(const char *text, const char *end, float *number) {
  Parts parts;
  bool plain;
  double wide;
  if (!parts_read(text, end, &parts, &plain)) return NULL;
  bool simple = parts_value(&parts, &wide);
  if (simple && wide != 0) {
    // rounding twice is wrong only where the double lies exactly between two floats
    uint64_t bits;
    memcpy(&bits, &wide, sizeof bits);
    simple =
        (bits & 0x1fffffff) != 0x10000000 && fabs(wide) >= (double)FLT_MIN && fabs(wide) <= (double)FLT_MAX;
  }
  *number = (float)(simple ? wide : number_read_slow(text, true));
  return parts.end;
}

const char *number_read_int(const char *text, const char *end, int64_t *number) {
  Parts parts;
  bool plain;
  if (!parts_read(text, end, &parts, &plain) || !plain || !parts.exact) return NULL;
  if (parts.digits > (uint64_t)INT64_MAX + parts.negative) return NULL;
  *number = parts.negative ? (int64_t)(0 - parts.digits) : (int64_t)parts.digits;
  return parts.end;
}
