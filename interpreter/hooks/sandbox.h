/* Between the two files that include lua.h: the sandbox (sandbox.c) and what runs in it (hooks.c). */
#ifndef INTERPRETER_HOOKS_SANDBOX_H
#define INTERPRETER_HOOKS_SANDBOX_H

#include "interpreter/hooks/hooks.h"

#include <lauxlib.h>
#include <lua.h>

#define INCLUDE_LIMIT 32 // files of one script

typedef enum { STOP_NONE, STOP_STEPS, STOP_TIME, STOP_MEMORY } StopReason;

struct Hooks {
  lua_State *lua;
  Arena *arena;
  Problems *problems;
  Span at;
  const char *path, *folder;
  HookLimits limits;
  // the budget of the running call
  int64_t used, interval; // steps; instructions between two counts
  double started, ends;   // processor time at the begin; wall clock at which to look at it
  size_t memory, refused; // bytes in use; those of a request that was turned down, 0 if it was met later
  StopReason stop;
  bool running;
  // scripts, and the line that failed
  const Source *source[INCLUDE_LIMIT];
  const char *chunk[INCLUDE_LIMIT]; // as Lua names them: "@cosine.lua"
  int sources;
  const Source *failed_in;
  int failed_line;
  // what a call works on
  HookContext *context;
  uint64_t seed;
  int64_t draws; // of math.random so far
  int function[HOOK_COUNT];
  int state, env; // references in Lua's registry
};

enum { STACK_HANDLER = 1, STACK_CONTEXT }; // always at the bottom of the stack

Hooks *hooks_of(lua_State *lua);

/* Lua's allocator, with a cap. */
void *sandbox_allocate(void *owner, void *block, size_t old, size_t size);

/* Steps that are no instructions; over the budget the next instruction ends the call. */
void sandbox_charge(Hooks *hooks, int64_t steps);
int sandbox_stop(Hooks *hooks); // raises what ends the call

/* Calls what stands on the stack within a budget of its own; after a failure E0801 about `what` is reported and the
 * stack is empty. */
bool sandbox_call(Hooks *hooks, const char *what, int arguments, int results);

int sandbox_error(lua_State *lua);                                          // the message handler
void sandbox_push_script(Hooks *hooks, const char *path, const char *name); // compiled; raises a Lua error
int sandbox_make(lua_State *lua); // makes the environment of scripts; to be called protected
int sandbox_show(lua_State *lua); // a value as text; tables and the like by their kind

#endif
