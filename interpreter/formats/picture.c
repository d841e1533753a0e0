/* PNG (ISO/IEC 15948): a signature, then chunks of length, name, bytes and CRC; pixels are deflated rows, each with a
 * filter byte in front (0: none). */
#include "interpreter/formats/picture.h"

#include "interpreter/formats/problems_files.h"
#include "interpreter/formats/save.h"

#include <string.h>
#include <zlib.h>

static void put_word(unsigned char *to, uint32_t word) {
  for (int i = 0; i < 4; i++) to[i] = (unsigned char)(word >> (24 - 8 * i));
}

static void write_chunk(SaveFile *file, const char *name, const unsigned char *bytes, uint32_t length) {
  unsigned char word[4];
  put_word(word, length);
  save_write(file, word, 4);
  save_write(file, name, 4);
  if (length) save_write(file, bytes, length);
  uLong crc = crc32(crc32(0, Z_NULL, 0), (const Bytef *)name, 4);
  if (length) crc = crc32(crc, bytes, length);
  put_word(word, (uint32_t)crc);
  save_write(file, word, 4);
}

static unsigned char level_of(const Picture *picture, int64_t i) {
  double x = picture->wide ? ((const double *)picture->data)[i] : (double)((const float *)picture->data)[i];
  return x > 0 ? (unsigned char)((x < 1 ? x : 1) * 255 + 0.5) : 0;
}

bool png_write(Problems *problems, const char *path, const Picture *picture) {
  size_t row = (size_t)picture->width * (size_t)picture->channels,
         bytes = (row + 1) * (size_t)picture->height;
  unsigned char *pixels = memory_alloc(bytes + 1, 1);
  for (int64_t y = 0; y < picture->height; y++)
    for (size_t x = 0; x < row; x++)
      pixels[(size_t)y * (row + 1) + 1 + x] = level_of(picture, y * (int64_t)row + (int64_t)x);
  uLongf packed = compressBound((uLong)bytes);
  unsigned char *deflated = memory_alloc(packed + 1, 1), head[13] = {0};
  compress2(deflated, &packed, pixels, (uLong)bytes, 6); // cannot fail: the bound has room
  put_word(head, (uint32_t)picture->width);
  put_word(head + 4, (uint32_t)picture->height);
  head[8] = 8;
  head[9] = picture->channels == 1 ? 0 : picture->channels == 3 ? 2 : 6;
  SaveFile *file = save_begin(problems, path, packed + 57);
  if (file) {
    save_write(file, "\x89PNG\r\n\x1a\n", 8);
    write_chunk(file, "IHDR", head, sizeof head);
    write_chunk(file, "IDAT", deflated, (uint32_t)packed);
    write_chunk(file, "IEND", NULL, 0);
  }
  memory_free(pixels), memory_free(deflated);
  return file && save_commit(file, problems);
}
