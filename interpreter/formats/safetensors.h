/* Names that the writer and the reader of safetensors share. */
#ifndef INTERPRETER_FORMATS_SAFETENSORS_H
#define INTERPRETER_FORMATS_SAFETENSORS_H

#include "lang/type.h"

#define SAFETENSORS_HEADER_LIMIT ((uint64_t)100 << 20) // bytes, as in other readers of the format

/* Metadata keys. A file with any key of ours must have all checksums. */
#define SAFETENSORS_OURS           "lathe."
#define SAFETENSORS_FORMAT         "lathe.format"
#define SAFETENSORS_STATE          "lathe.state"
#define SAFETENSORS_DATA           "lathe.data"
#define SAFETENSORS_CHECKSUM       "lathe.crc32c"
#define SAFETENSORS_CHECKSUM_OF    "lathe.crc32c."       // and the tensor's name
#define SAFETENSORS_CHECKSUM_START "\"lathe.crc32c\":\"" // in the header's bytes, before the digits

extern const char *const SAFETENSORS_DTYPE[DTYPE_COUNT];

#endif
