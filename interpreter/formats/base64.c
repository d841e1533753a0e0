/* Base64: three bytes are four characters, the last group filled up with `=`.
 *
 * Reading is strict: one text per content, so that damage cannot hide in unused bits. */
#include "interpreter/formats/base64.h"

#include <stdint.h>
#include <string.h>

static const char ALPHABET[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_write(const void *bytes, size_t length, char *text) {
  const unsigned char *src = bytes;
  for (size_t i = 0; i < length; i += 3) {
    size_t left = length - i;
    uint32_t group = (uint32_t)src[i] << 16;
    if (left > 1) group |= (uint32_t)src[i + 1] << 8;
    if (left > 2) group |= src[i + 2];
    *text++ = ALPHABET[group >> 18];
    *text++ = ALPHABET[group >> 12 & 63];
    *text++ = left > 1 ? ALPHABET[group >> 6 & 63] : '=';
    *text++ = left > 2 ? ALPHABET[group & 63] : '=';
  }
}

bool base64_read(const char *text, size_t characters, void *bytes, size_t length) {
  unsigned char value[256];
  unsigned char *dst = bytes;
  if (characters / 4 != length / 3 + (length % 3 != 0) || characters % 4 != 0) return false;
  memset(value, 255, sizeof value);
  for (unsigned char i = 0; i < 64; i++) value[(unsigned char)ALPHABET[i]] = i;
  for (size_t i = 0; i < length; i += 3, text += 4) {
    size_t left = length - i < 3 ? length - i : 3;
    uint32_t group = 0;
    for (size_t k = 0; k < 4; k++) {
      bool padding = k > left;
      unsigned char six = value[(unsigned char)text[k]];
      if (padding ? text[k] != '=' : six == 255) return false;
      group = group << 6 | (padding ? 0 : six);
    }
    for (size_t k = 0; k < left; k++) dst[i + k] = (unsigned char)(group >> (16 - 8 * k));
    if (left < 3 && (group & (left == 1 ? 0xffff : 0xff))) return false;
  }
  return true;
}
