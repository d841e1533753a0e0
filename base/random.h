/* Which random number stands where: a pure function of seed, site, part, step, batch and element.
 *
 * Numbers come from Philox4x32-10 (base/philox.h): four 32-bit words for a key of 64 bits and a counter of
 * 128. The key names the stream, the counter the place in it. Element e takes word e % 4 of the block e / 4,
 * so results depend neither on threads nor on the order in which elements are made, and a run that was
 * stopped goes on with three integers.
 *
 *   counter[0]  bits 0..31 of e / 4
 *   counter[1]  bits 32..47 of e / 4, above them bits 0..15 of the step
 *   counter[2]  bits 16..47 of the step
 *   counter[3]  the batch */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stdint.h>

/* The finalizer of splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014). */
static inline uint64_t random_mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

/* The key of a stream; its low 32 bits are key[0] of Philox, its high ones key[1]. */
static inline uint64_t random_key(uint64_t seed, uint64_t site, uint32_t part) {
  return random_mix(random_mix(random_mix(seed) ^ site) ^ part);
}

/* Step `step` of a scan or map that runs at `index` (0: outside of all); xored to the site of what is random there. */
static inline uint64_t random_index(uint64_t index, int64_t step) {
  return random_mix(random_mix(index + 1) ^ (uint64_t)step);
}

/* The counter of the four elements 4 * block … 4 * block + 3. */
static inline void random_counter(int64_t block, int64_t step, int64_t batch, uint32_t counter[4]) {
  uint64_t place = (uint64_t)block, when = (uint64_t)step;
  counter[0] = (uint32_t)place;
  counter[1] = (uint32_t)((place >> 32) & 0xffffu) | (uint32_t)((when & 0xffffu) << 16);
  counter[2] = (uint32_t)(when >> 16);
  counter[3] = (uint32_t)batch;
}

/* A word as a number in [0, 1): both are exact. */
static inline float random_f32(uint32_t word) { return (float)(word >> 8) * 0x1p-24f; }
static inline double random_f64(uint32_t word) { return (double)word * 0x1p-32; }

#endif
