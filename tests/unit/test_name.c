/* Interned names, and the names that misspellings meant. */
#include "base/name.h"

#include <criterion/criterion.h>
#include <stdio.h>

Test(name, one_pointer_a_spelling) {
  static Name names[5000];
  char text[32];
  for (int i = 0; i < 5000; i++) {
    snprintf(text, sizeof text, "name%d", i);
    names[i] = name_of(text);
  }
  for (int i = 0; i < 5000; i++) {
    snprintf(text, sizeof text, "name%d and more", i);
    cr_assert_eq(name_of_n(text, strcspn(text, " ")), names[i], "%s", text);
  }
  cr_assert_neq(name_of("a"), name_of("A"));
  cr_assert_str_eq(name_of_n("abc", 0), "");
}

Test(name, nearest) {
  static const char *const words[] = {"accuracy", "epochs", "Dense", "relu", "lr", "act", "bias", "loss"};
  static const struct {
    const char *word, *nearest; // NULL for none
  } rows[] = {
      {"acuracy", "accuracy"},
      {"accuarcy", "accuracy"},
      {"epoch", "epochs"},
      {"dense", "Dense"},
      {"DENSE", "Dense"},
      {"rleu", "relu"},
      {"relu", "relu"},
      {"activation", "act"},
      {"zebra", NULL},
      {"x", NULL},
      {"", NULL},
      {"lx", NULL},
      {"Lr", "lr"},
      {"los", "loss"},
      {"bios", "bias"},
      {"bxxs", NULL},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const char *got = name_nearest(rows[i].word, words, (int)(sizeof words / sizeof *words));
    const char *want = rows[i].nearest;
    cr_assert(got == want || (got && want && !strcmp(got, want)), "%s: %s instead of %s", rows[i].word,
              got ? got : "nothing", want ? want : "nothing");
  }
}

Test(name, the_first_of_equals_wins_and_long_words_are_fine) {
  static const char *const words[] = {"cat", "car"};
  cr_assert_str_eq(name_nearest("cap", words, 2), "cat");
  char letters[300];
  memset(letters, 'a', sizeof letters);
  letters[299] = 0;
  const char *longest[] = {letters};
  cr_assert_null(name_nearest(letters, longest, 1));
  letters[255] = 0;
  cr_assert_eq(name_nearest(letters, longest, 1), letters);
}
