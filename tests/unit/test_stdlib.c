/* The library checks with every dim and setting left symbolic, as user files do. */
#include "interpreter/elaborate/elaborate.h"

#include <criterion/criterion.h>

Test(stdlib, checks_with_symbols) {
  Arena *arena = arena_new(0);
  Problems *problems = problems_new(arena);
  Options options = {.threads = 1};
  Elaborator *e = elaborator_new(arena, problems, &options);
  elaborator_check_stdlib(e);
  Text drawn = {0};
  problems_draw(problems, &drawn, false);
  cr_assert(e->stdlib->count > 60, "only %d declarations", e->stdlib->count);
  cr_assert(problems_total(problems) == 0, "%s", text_string(&drawn));
  text_free(&drawn);
  arena_free(arena);
}
