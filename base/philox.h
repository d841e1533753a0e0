/* Philox4x32-10, the counter-based generator behind every random number.
 *
 * A pure function: 128 bits of counter and 64 bits of key give 128 random bits, so any thread can make any
 * number without the ones before it. Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3
 * (SC 2011); multipliers and key increments are theirs, the tests hold the known answers they published. */
#ifndef BASE_PHILOX_H
#define BASE_PHILOX_H

#include <stdint.h>

#define PHILOX_ROUNDS      10
#define PHILOX_MULTIPLIER0 0xd2511f53u
#define PHILOX_MULTIPLIER1 0xcd9e8d57u
#define PHILOX_STEP0       0x9e3779b9u // golden ratio
#define PHILOX_STEP1       0xbb67ae85u // square root of 3, less 1

static inline void philox4x32(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]) {
  uint32_t a = counter[0], b = counter[1], c = counter[2], d = counter[3];
  uint32_t key0 = key[0], key1 = key[1];
  for (int i = 0; i < PHILOX_ROUNDS; i++) {
    uint64_t left = (uint64_t)PHILOX_MULTIPLIER0 * a, right = (uint64_t)PHILOX_MULTIPLIER1 * c;
    a = (uint32_t)(right >> 32) ^ b ^ key0;
    b = (uint32_t)right;
    c = (uint32_t)(left >> 32) ^ d ^ key1;
    d = (uint32_t)left;
    key0 += PHILOX_STEP0;
    key1 += PHILOX_STEP1;
  }
  out[0] = a;
  out[1] = b;
  out[2] = c;
  out[3] = d;
}

#endif
