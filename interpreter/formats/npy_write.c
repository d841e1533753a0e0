/* NumPy files: magic, version, a header that is a Python dict padded to 64 bytes, the numbers as in memory. */
#include "interpreter/formats/npy_write.h"

#include "interpreter/formats/save.h"

#define MAGIC_BYTES 10 // "\x93NUMPY", version 1.0, the length of what follows

static const char *const NPY_DTYPE[DTYPE_COUNT] = {
    [DTYPE_BOOL] = "|b1", [DTYPE_U8] = "|u1",  [DTYPE_I32] = "<i4",
    [DTYPE_I64] = "<i8",  [DTYPE_F32] = "<f4", [DTYPE_F64] = "<f8",
};

bool npy_save(Problems *problems, const char *path, DType dtype, int rank, const int64_t *size,
              const void *data) {
  Text header = {0};
  size_t bytes = dtype_size(dtype);
  text_printf(&header, "{'descr': '%s', 'fortran_order': False, 'shape': (", NPY_DTYPE[dtype]);
  for (int i = 0; i < rank; i++) {
    text_printf(&header, i == 0 || i + 1 < rank ? "%lld, " : "%lld", (long long)size[i]);
    bytes *= (size_t)size[i];
  }
  text_add(&header, "), }");
  while ((MAGIC_BYTES + header.length + 1) % 64) text_add(&header, " ");
  text_add(&header, "\n");
  SaveFile *file = save_begin(problems, path, MAGIC_BYTES + header.length + bytes);
  if (file) {
    unsigned char length[2] = {(unsigned char)(header.length & 255), (unsigned char)(header.length >> 8)};
    save_write(file, "\x93NUMPY\x01\x00", 8);
    save_write(file, length, 2);
    save_write(file, header.bytes, header.length);
    save_write(file, data, bytes);
  }
  text_free(&header);
  return file && save_commit(file, problems);
}
