/* CRC-32C (Castagnoli, RFC 3720 B.4): crc32c("123456789") is 0xE3069283. */
#ifndef BASE_CRC32C_H
#define BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

uint32_t crc32c(uint32_t crc, const void *bytes, size_t length); // start with 0; may be continued

/* The same by tables, for processors that have no instruction for it. */
uint32_t crc32c_portable(uint32_t crc, const void *bytes, size_t length);

#endif
