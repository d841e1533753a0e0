/* Interned names: one pointer a spelling, so equality is pointer equality. They live for the process. */
#ifndef BASE_NAME_H
#define BASE_NAME_H

#include <stddef.h>

typedef const char *Name;

Name name_of(const char *text);
Name name_of_n(const char *text, size_t length);

/* The candidate that a reader most likely meant by `word`, or NULL if none is near: at most a third of the
 * letters differ (Damerau-Levenshtein, case counts a quarter), else the first that begins like it: one is the
 * start of the other, by three letters or more (`activation`, `act`). The first of equals wins. */
const char *name_nearest(const char *word, const char *const *candidates, int count);

#endif
