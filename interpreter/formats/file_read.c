/* Reading a file whole, plain or gzip.
 *
 * In goes a path, out come its bytes with a NUL behind them. Memory is what the bytes on disk or in the pipe
 * justify, never what a size field inside says. Plain files and pipes (once, as a stream) are read; folders,
 * devices and sockets are refused before they are opened. */
#include "interpreter/formats/problems_files.h"
#include "interpreter/formats/save.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#define FIRST_BYTES ((size_t)1 << 16)

typedef struct {
  char *bytes;
  size_t length, capacity;
} Buffer;

/* Room for at least one more byte and a NUL, doubling, at most `limit` + 2 bytes. */
static void buffer_grow(Buffer *buffer, size_t limit) {
  if (buffer->length + 1 < buffer->capacity) return;
  size_t capacity = buffer->capacity > limit / 2 ? limit + 2 : buffer->capacity * 2;
  if (capacity < FIRST_BYTES) capacity = FIRST_BYTES;
  buffer->bytes =
      buffer->bytes ? memory_resize(buffer->bytes, buffer->capacity, capacity) : memory_alloc(capacity, 1);
  buffer->capacity = capacity;
}

static bool kind_readable(mode_t mode) { return S_ISREG(mode) || S_ISFIFO(mode); }

/* Open for reading, or -1 after a Problem. */
static int descriptor_open(Problems *problems, Span span, const char *path, size_t *expected) {
  struct stat state;
  bool input = strcmp(path, "-") == 0;
  if ((input ? fstat(STDIN_FILENO, &state) : stat(path, &state)) != 0)
    return problem_file_unreadable(problems, span, path, errno), -1;
  if (!input && !kind_readable(state.st_mode))
    return problem_file_kind(problems, span, path, state.st_mode), -1;
  if (input && S_ISDIR(state.st_mode)) return problem_file_kind(problems, span, path, state.st_mode), -1;
  *expected = S_ISREG(state.st_mode) && state.st_size > 0 ? (size_t)state.st_size : 0;
  int descriptor;
  do descriptor = input ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
  while (descriptor < 0 && errno == EINTR);
  if (descriptor < 0) problem_file_unreadable(problems, span, path, errno);
  return descriptor;
}

/* All of the descriptor. 0, an errno, or -1 when there are more than `limit` bytes. */
static int stream_read(int descriptor, Buffer *buffer, size_t limit) {
  for (;;) {
    buffer_grow(buffer, limit);
    ssize_t done = read(descriptor, buffer->bytes + buffer->length, buffer->capacity - buffer->length - 1);
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return errno;
    if (done == 0) return 0;
    buffer->length += (size_t)done;
    if (buffer->length > limit) return -1;
  }
}

typedef enum { INFLATE_DONE, INFLATE_DAMAGED, INFLATE_CUT, INFLATE_LARGE } InflateEnd;

/* Every member of a gzip file, one after the other; zlib checks length and CRC of each. */
static InflateEnd members_inflate(z_stream *stream, const Buffer *packed, Buffer *plain, size_t limit) {
  size_t given = 0; // bytes of `packed` handed to zlib
  for (;;) {
    buffer_grow(plain, limit);
    if (stream->avail_in == 0 && given < packed->length) {
      size_t share = packed->length - given < UINT_MAX ? packed->length - given : UINT_MAX;
      stream->next_in = (Bytef *)(packed->bytes + given);
      stream->avail_in = (uInt)share;
      given += share;
    }
    size_t room = plain->capacity - plain->length - 1;
    uInt offered = room < UINT_MAX ? (uInt)room : UINT_MAX;
    stream->next_out = (Bytef *)(plain->bytes + plain->length);
    stream->avail_out = offered;
    int state = inflate(stream, Z_NO_FLUSH);
    plain->length += offered - stream->avail_out;
    if (plain->length > limit) return INFLATE_LARGE;
    if (state == Z_STREAM_END) {
      if (stream->avail_in == 0 && given == packed->length) return INFLATE_DONE;
      if (inflateReset(stream) != Z_OK) return INFLATE_DAMAGED;
    } else if (state == Z_BUF_ERROR) {
      if (stream->avail_in == 0 && given == packed->length) return INFLATE_CUT;
    } else if (state != Z_OK) {
      return INFLATE_DAMAGED;
    }
  }
}

static bool buffer_inflate(Problems *problems, Span span, const char *path, Buffer *buffer, size_t limit) {
  z_stream stream = {0};
  Buffer plain = {0};
  if (inflateInit2(&stream, 15 + 16) != Z_OK) memory_full(FIRST_BYTES);
  InflateEnd end = members_inflate(&stream, buffer, &plain, limit);
  inflateEnd(&stream);
  memory_free(buffer->bytes);
  *buffer = plain;
  if (end == INFLATE_LARGE) problem_file_large(problems, span, path, limit);
  if (end == INFLATE_CUT) problem_file_damaged(problems, span, path, DAMAGE_GZIP_CUT, NULL);
  if (end == INFLATE_DAMAGED) problem_file_damaged(problems, span, path, DAMAGE_GZIP, NULL);
  return end == INFLATE_DONE;
}

char *file_read(Problems *problems, Span span, const char *path, size_t limit, size_t *length) {
  size_t expected = 0;
  int descriptor = descriptor_open(problems, span, path, &expected);
  if (descriptor < 0) return NULL;
  Buffer buffer = {0};
  if (expected && expected <= limit) {
    buffer.capacity = expected + 2;
    buffer.bytes = memory_alloc(buffer.capacity, 1);
  }
  int error = stream_read(descriptor, &buffer, limit);
  close(descriptor);
  bool good = error == 0;
  if (error > 0) problem_file_unreadable(problems, span, path, error);
  if (error < 0) problem_file_large(problems, span, path, limit);
  bool packed = good && buffer.length >= 2 && memcmp(buffer.bytes, "\x1f\x8b", 2) == 0;
  if (packed) good = buffer_inflate(problems, span, path, &buffer, limit);
  if (!good) return memory_free(buffer.bytes), NULL;
  buffer.bytes[buffer.length] = 0;
  *length = buffer.length;
  return buffer.bytes;
}
