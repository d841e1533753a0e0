/* IDX files, plain or gzipped.
 *
 * In goes a path, out come sizes, then bytes, inflated straight to where they are needed. The header: two bytes
 * 0, one for the kind of number (8: unsigned bytes), one for how many sizes there are, each size as 32 bits, high
 * byte first. A plain file must be as long as its sizes say; of a packed one they may say no more than deflate
 * can make of its length. */
#include "interpreter/data/idx.h"

#include "base/size.h"
#include "interpreter/formats/problems_files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define INPUT_BYTES   ((size_t)1 << 18)
#define DEFLATE_RATIO 1032 // the most that a byte can become
#define UNSIGNED_BYTE 8

static const IdxEnd FINE = {.fine = true};
static IdxEnd faulty(DataFault fault) { return (IdxEnd){.fault = fault}; }
static IdxEnd failed(int error) { return (IdxEnd){.error = error}; }

/* Up to `wanted` bytes from the file; fewer only at its end. -1: errno is set. */
static ssize_t file_take(int descriptor, unsigned char *dst, size_t wanted) {
  size_t got = 0;
  while (got < wanted) {
    ssize_t done = read(descriptor, dst + got, wanted - got);
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return -1;
    if (done == 0) break;
    got += (size_t)done;
  }
  return (ssize_t)got;
}

/* Fills the input when it is empty; it stays empty at the end of the file. */
static bool input_fill(Idx *idx) {
  if (idx->stream.avail_in) return true;
  ssize_t got = file_take(idx->descriptor, idx->input, INPUT_BYTES);
  if (got < 0) return false;
  idx->stream.next_in = idx->input;
  idx->stream.avail_in = (uInt)got;
  return true;
}

static IdxEnd packed_take(Idx *idx, unsigned char *dst, size_t wanted, size_t *got) {
  z_stream *stream = &idx->stream;
  *got = 0;
  while (*got < wanted) {
    if (!input_fill(idx)) return failed(errno);
    size_t room = wanted - *got < INPUT_BYTES * 64 ? wanted - *got : INPUT_BYTES * 64;
    stream->next_out = dst + *got;
    stream->avail_out = (uInt)room;
    int state = inflate(stream, Z_NO_FLUSH);
    *got += room - stream->avail_out;
    if (state == Z_STREAM_END) {
      if (!input_fill(idx)) return failed(errno);
      if (stream->avail_in == 0) break;
      if (inflateReset(stream) != Z_OK) return faulty(DATA_GZIP); // gzip files may follow one another
    } else if (state == Z_BUF_ERROR) {
      return faulty(DATA_CUT); // nothing came in and nothing is left inside
    } else if (state != Z_OK) {
      return faulty(DATA_GZIP);
    }
  }
  return FINE;
}

/* *got is less than `wanted` only at the end. */
static IdxEnd idx_take(Idx *idx, unsigned char *dst, size_t wanted, size_t *got) {
  if (idx->packed) return packed_take(idx, dst, wanted, got);
  ssize_t done = file_take(idx->descriptor, dst, wanted);
  if (done < 0) return failed(errno);
  *got = (size_t)done;
  return FINE;
}

static IdxEnd header_read(Idx *idx, int rank, uint64_t file_bytes) {
  unsigned char bytes[4 + 4 * IDX_RANK];
  size_t length = 4 + 4 * (size_t)rank, got;
  IdxEnd end = idx_take(idx, bytes, length, &got);
  if (!end.fine) return end;
  if (got < 4 || bytes[0] || bytes[1]) return faulty(DATA_IDX_MAGIC);
  if (bytes[2] != UNSIGNED_BYTE) return faulty(DATA_IDX_BYTES);
  if (bytes[3] != rank) return faulty(DATA_IDX_RANK);
  if (got < length) return faulty(DATA_CUT);
  IdxHeader *header = &idx->header;
  header->rank = rank;
  header->bytes = 1;
  for (int i = 0; i < rank; i++) {
    const unsigned char *at = bytes + 4 + 4 * i;
    header->size[i] = (int64_t)((uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3]);
    if (!size_mul(header->bytes, (size_t)header->size[i], &header->bytes)) return faulty(DATA_IDX_SIZE);
    if (i > 0 && header->size[i] == 0) return faulty(DATA_IDX_SIZE);
  }
  if (!idx->packed && header->bytes > file_bytes - length) return faulty(DATA_CUT);
  if (!idx->packed && header->bytes < file_bytes - length) return faulty(DATA_TRAILING);
  if (idx->packed && header->bytes / DEFLATE_RATIO > file_bytes) return faulty(DATA_CUT);
  return FINE;
}

static IdxEnd idx_start(Idx *idx, int rank, uint64_t file_bytes) {
  unsigned char first[2];
  ssize_t got = file_take(idx->descriptor, first, sizeof first);
  if (got < 0 || lseek(idx->descriptor, 0, SEEK_SET) != 0) return failed(errno);
  if (got == 0) return faulty(DATA_EMPTY);
  idx->packed = got == 2 && first[0] == 0x1f && first[1] == 0x8b;
  if (idx->packed) {
    if (inflateInit2(&idx->stream, 15 + 16) != Z_OK) memory_full(INPUT_BYTES);
    idx->input = memory_alloc(INPUT_BYTES, 1);
  }
  return header_read(idx, rank, file_bytes);
}

IdxEnd idx_open(Idx *idx, const char *path, int rank) {
  *idx = (Idx){.descriptor = -1};
  struct stat state;
  if (stat(path, &state) != 0) return failed(errno);
  if (!S_ISREG(state.st_mode)) return failed(S_ISDIR(state.st_mode) ? EISDIR : ENXIO);
  idx->descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (idx->descriptor < 0) return failed(errno);
  IdxEnd end = idx_start(idx, rank, (uint64_t)state.st_size);
  if (!end.fine) idx_close(idx);
  return end;
}

IdxEnd idx_read(Idx *idx, unsigned char *dst) {
  size_t got, more;
  unsigned char next;
  IdxEnd end = idx_take(idx, dst, idx->header.bytes, &got);
  if (!end.fine) return end;
  if (got < idx->header.bytes) return faulty(DATA_CUT);
  end = idx_take(idx, &next, 1, &more);
  return end.fine && more ? faulty(DATA_TRAILING) : end;
}

void idx_close(Idx *idx) {
  if (idx->descriptor >= 0) close(idx->descriptor);
  if (idx->input) inflateEnd(&idx->stream);
  memory_free(idx->input);
  *idx = (Idx){.descriptor = -1};
}

void idx_problem(Problems *problems, Span span, const char *path, IdxEnd end) {
  if (end.error)
    problem_file_unreadable(problems, span, path, end.error);
  else
    problem_data_damaged(problems, span, path, end.fault, 0);
}
