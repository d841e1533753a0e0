/* Programs of tests/gradients: `test` blocks in the language itself, run in f64 by `lathe test`. */
#include "base/arena.h"
#include "base/text.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

TestSuite(blocks, .timeout = 120);

static int said(const char *command, Text *out) {
  FILE *pipe = popen(command, "r");
  cr_assert(pipe);
  char bytes[4096];
  for (size_t n; (n = fread(bytes, 1, sizeof bytes, pipe)) > 0;) text_add_n(out, bytes, n);
  int status = pclose(pipe);
  cr_assert(WIFEXITED(status), "%s: ended by a signal", command);
  return WEXITSTATUS(status);
}

static const char *lathe(void) { return getenv("LATHE") ? getenv("LATHE") : "build/lathe"; }

static void hold(const char *file) {
  char command[512];
  snprintf(command, sizeof command, "'%s' test tests/gradients/%s --precision f64 --out /tmp -q 2>&1",
           lathe(), file);
  Text out = {0};
  int code = said(command, &out);
  cr_expect_eq(code, 0, "%s", text_string(&out));
  text_free(&out);
}

Test(blocks, gradients_of_layers_are_differences) { hold("layers.model"); }
Test(blocks, gradients_of_functions_are_differences) { hold("functions.model"); }
Test(blocks, loops_are_what_is_written_out) { hold("loops.model"); }

/* Every layer of the standard library has its test of gradients. */
Test(blocks, no_layer_is_left_out) {
  char command[512];
  snprintf(command, sizeof command, "'%s' help reference", lathe());
  Text page = {0}, tests = {0};
  cr_assert_eq(said(command, &page), 0);
  cr_assert_eq(said("cat tests/gradients/layers.model", &tests), 0);
  const char *at = strstr(text_string(&page), "\n## Layers"), *end = at ? strstr(at + 1, "\n## ") : NULL;
  cr_assert(at && end);
  int layers = 0;
  for (at = strstr(at, "\n| `"); at && at < end; at = strstr(at + 1, "\n| `"), layers++) {
    char name[64];
    snprintf(name, sizeof name, "test \"%.*s\"", (int)strcspn(at + 4, "("), at + 4);
    cr_expect(strstr(text_string(&tests), name), "no %s in tests/gradients/layers.model", name);
  }
  cr_expect_geq(layers, 27);
  text_free(&page), text_free(&tests);
}
