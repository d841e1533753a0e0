/* CRC-32C against published values (RFC 3720 B.4), by the instruction and by tables, whole and in pieces. */
#include "base/crc32c.h"

#include <criterion/criterion.h>

Test(crc32c, known_answers) {
  unsigned char zeros[32] = {0}, ones[32], up[32], down[32];
  for (int i = 0; i < 32; i++) ones[i] = 0xff, up[i] = (unsigned char)i, down[i] = (unsigned char)(31 - i);
  const struct {
    const void *bytes;
    size_t length;
    uint32_t crc;
  } rows[] = {{"123456789", 9, 0xe3069283}, {zeros, 32, 0x8a9136aa}, {ones, 32, 0x62a8ab43},
              {up, 32, 0x46dd794e},         {down, 32, 0x113fdb5c},  {"", 0, 0}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    cr_assert_eq(crc32c(0, rows[i].bytes, rows[i].length), rows[i].crc, "row %zu", i);
    cr_assert_eq(crc32c_portable(0, rows[i].bytes, rows[i].length), rows[i].crc, "row %zu, tables", i);
  }
}

Test(crc32c, pieces) {
  unsigned char bytes[100];
  for (int i = 0; i < 100; i++) bytes[i] = (unsigned char)(i * 37);
  uint32_t whole = crc32c(0, bytes, 100);
  for (size_t cut = 0; cut <= 100; cut++) {
    cr_assert_eq(crc32c(crc32c(0, bytes, cut), bytes + cut, 100 - cut), whole, "cut at %zu", cut);
    cr_assert_eq(crc32c_portable(crc32c(0, bytes, cut), bytes + cut, 100 - cut), whole, "cut at %zu", cut);
  }
}
