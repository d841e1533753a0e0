/* Numbers as text: the same bytes as printf's and the same bits as strtof's, for awkward and random numbers. */
#include "interpreter/formats/base64.h"
#include "interpreter/formats/number_text.h"

#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t random_next(uint64_t *state) {
  *state ^= *state << 13;
  *state ^= *state >> 7;
  *state ^= *state << 17;
  return *state;
}

static void f32_check(float number) {
  char text[NUMBER_BYTES], expected[64];
  size_t length = number_print_f32(text, number);
  snprintf(expected, sizeof expected, "%.9g", (double)number);
  cr_assert_str_eq(text, expected);
  cr_assert_eq(length, strlen(expected), "length of %s", expected);
  float back;
  const char *end = number_read_f32(text, text + length, &back);
  cr_assert_eq(end, text + length, "end of %s", text);
  cr_assert_eq(memcmp(&back, &number, sizeof back), 0, "%s does not read back", text);
}

Test(number_text, prints_f32_as_printf_does) {
  const float awkward[] = {0.f,     -0.f,     1.f,       -1.f,        0.1f,       FLT_MAX,      -FLT_MAX,
                           FLT_MIN, 1e-45f,   -1e-45f,   1e9f,        1e10f,      999999999.f,  123456789.f,
                           0.0001f, 0.00001f, 1e-4f,     9.9999e-5f,  16777216.f, 16777217.f,   0.5f,
                           2.5f,    1e38f,    1e-38f,    FLT_EPSILON, 33554432.f, 1000000000.f, 99999999.5f,
                           0.3f,    1e22f,    8388608.5f};
  for (size_t i = 0; i < sizeof awkward / sizeof awkward[0]; i++) f32_check(awkward[i]);
  for (int k = -149; k < 128; k++) {
    float power = ldexpf(1, k);
    f32_check(power);
    f32_check(nextafterf(power, 0));
    f32_check(nextafterf(power, INFINITY));
  }
  for (int k = -45; k < 39; k++) {
    float power = (float)pow(10, k);
    f32_check(power);
    f32_check(nextafterf(power, 0));
    f32_check(nextafterf(power, INFINITY));
  }
}

Test(number_text, prints_random_f32_as_printf_does) {
  uint64_t state = 88172645463325252u;
  for (int i = 0; i < 300000; i++) {
    uint32_t bits = (uint32_t)random_next(&state);
    float number;
    memcpy(&number, &bits, sizeof number);
    if (isfinite(number)) f32_check(number);
    f32_check((float)((double)(random_next(&state) >> 11) * 0x1p-54 - 0.25));
    f32_check((float)(random_next(&state) % 100000000) / 64); // many exact ties at the ninth digit
  }
}

Test(number_text, prints_f64_and_integers) {
  const double number[] = {0,      -0.0, 1,    -17,  0.1,           DBL_MAX, DBL_MIN,
                           5e-324, 1e15, 1e16, 1e17, 123456789.125, -1e300};
  for (size_t i = 0; i < sizeof number / sizeof number[0]; i++) {
    char text[NUMBER_BYTES], expected[64];
    size_t length = number_print_f64(text, number[i]);
    snprintf(expected, sizeof expected, "%.17g", number[i]);
    cr_expect_str_eq(text, expected);
    double back;
    cr_expect_eq(number_read_f64(text, text + length, &back), text + length);
    cr_expect_eq(memcmp(&back, &number[i], sizeof back), 0, "%s", text);
  }
  char text[NUMBER_BYTES];
  number_print_int(text, INT64_MIN);
  cr_expect_str_eq(text, "-9223372036854775808");
  number_print_f32(text, -NAN);
  cr_expect_str_eq(text, "nan");
  number_print_f64(text, -INFINITY);
  cr_expect_str_eq(text, "-inf");
}

Test(number_text, reads_as_strtod_does) {
  uint64_t state = 362436069362436069u;
  for (int i = 0; i < 200000; i++) {
    char text[64];
    int digits = 1 + (int)(random_next(&state) % 20), exponent = (int)(random_next(&state) % 100) - 60;
    snprintf(text, sizeof text, "%s%llu.%0*llue%d", i % 2 ? "-" : "",
             (unsigned long long)(random_next(&state) % 1000), digits,
             (unsigned long long)(random_next(&state) % 10000000000ull), exponent);
    float narrow;
    double wide;
    const char *end = text + strlen(text);
    cr_assert_eq(number_read_f32(text, end, &narrow), end, "%s", text);
    cr_assert_eq(number_read_f64(text, end, &wide), end, "%s", text);
    float narrow_expected = strtof(text, NULL);
    double wide_expected = strtod(text, NULL);
    cr_assert_eq(memcmp(&narrow, &narrow_expected, sizeof narrow), 0, "%s as f32", text);
    cr_assert_eq(memcmp(&wide, &wide_expected, sizeof wide), 0, "%s as f64", text);
  }
  // halfway between two floats in double, a hair above it in truth
  float number;
  const char *tie = "1.00000005960464477539062500001";
  number_read_f32(tie, tie + strlen(tie), &number);
  cr_expect(number == strtof(tie, NULL));
  const char *short_tie =
      "4.000000715255737"; // the nearest double is a tie that goes up, the decimal is below it
  number_read_f32(short_tie, short_tie + strlen(short_tie), &number);
  cr_expect(number == strtof(short_tie, NULL));
}

Test(number_text, refuses_what_is_no_number) {
  const char *const wrong[] = {"",    "-",  "+1",  ".5",  "1.",  "1.e5",     "01",
                               "-01", "1e", "1e+", "nan", "inf", "Infinity", "0x1"};
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
    double number;
    const char *end = wrong[i] + strlen(wrong[i]);
    const char *stop = number_read_f64(wrong[i], end, &number);
    cr_expect(stop != end || stop == NULL, "%s", wrong[i]);
  }
  const struct {
    const char *text;
    bool good;
  } whole[] = {{"9223372036854775807", true},
               {"9223372036854775808", false},
               {"-9223372036854775808", true},
               {"-9223372036854775809", false},
               {"1.0", false},
               {"1e3", false},
               {"18446744073709551616", false}};
  for (size_t i = 0; i < sizeof whole / sizeof whole[0]; i++) {
    int64_t number;
    const char *end = whole[i].text + strlen(whole[i].text);
    cr_expect_eq(number_read_int(whole[i].text, end, &number) != NULL, whole[i].good, "%s", whole[i].text);
  }
}

Test(base64, round_trip_and_strictness) {
  unsigned char bytes[67], back[67];
  char text[BASE64_BYTES(sizeof bytes)];
  for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (unsigned char)(i * 37 + 11);
  for (size_t length = 0; length <= sizeof bytes; length++) {
    base64_write(bytes, length, text);
    cr_assert(base64_read(text, BASE64_BYTES(length), back, length), "%zu bytes", length);
    cr_assert_eq(memcmp(bytes, back, length), 0);
    if (length > 3) cr_assert(!base64_read(text, BASE64_BYTES(length) - 4, back, length));
    cr_assert(!base64_read(text, BASE64_BYTES(length), back, length + 3));
  }
  base64_write("hello", 5, text);
  cr_expect_eq(memcmp(text, "aGVsbG8=", 8), 0);
  cr_expect(!base64_read("aGVsbG9=", 8, back, 5), "bits that no byte uses");
  cr_expect(!base64_read("aGVs*G8=", 8, back, 5));
  cr_expect(!base64_read("aGVsbG8=", 8, back, 4));
  cr_expect(!base64_read("aGVsbG8=", 8, back, 6));
}
