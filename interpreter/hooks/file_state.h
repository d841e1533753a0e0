/* What a Lua script remembers outside ctx.state.
 *
 * A run that is resumed loads the script anew, so a local of the file, or a global, that a function changes starts
 * over. That is found in the text, before anything runs. */
#ifndef INTERPRETER_HOOKS_FILE_STATE_H
#define INTERPRETER_HOOKS_FILE_STATE_H

#include "base/problem.h"

/* W0801 for each name of the file, local or global, that a function of it assigns to. `source` is a script that Lua
 * has compiled. */
void file_state_check(Arena *arena, Problems *problems, const Source *source);

#endif
