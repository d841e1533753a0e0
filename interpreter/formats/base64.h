/* Base64 (RFC 4648 §4) with padding. */
#ifndef INTERPRETER_FORMATS_BASE64_H
#define INTERPRETER_FORMATS_BASE64_H

#include <stdbool.h>
#include <stddef.h>

#define BASE64_BYTES(length) (((length) + 2) / 3 * 4) // of text for so many bytes

void base64_write(const void *bytes, size_t length, char *text); // BASE64_BYTES(length) characters, no NUL

/* Exactly `length` bytes from exactly BASE64_BYTES(length) characters; false if the text is anything else,
 * bits that no byte uses included. */
bool base64_read(const char *text, size_t characters, void *bytes, size_t length);

#endif
