/* Philox4x32-10 against the known answers that its authors published with Random123. */
#include "base/philox.h"

#include <criterion/criterion.h>

Test(philox, known_answers) {
  static const struct {
    uint32_t counter[4], key[2], out[4];
  } known[] = {
      {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
      {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
       {0xffffffff, 0xffffffff},
       {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
      {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
       {0xa4093822, 0x299f31d0},
       {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
  };
  for (int i = 0; i < 3; i++) {
    uint32_t out[4];
    philox4x32(known[i].counter, known[i].key, out);
    for (int j = 0; j < 4; j++)
      cr_expect_eq(out[j], known[i].out[j], "vector %d, word %d: %08x", i, j, out[j]);
  }
}
