/* The sandbox: what a script may call, and what that may cost.
 *
 * A script sees an environment of its own: a list of Lua's functions, some replaced by prelude.lua. One budget
 * counts everything: instructions through the count hook, bytes through the allocator, characters in the matcher.
 * Once it is used up the hook comes at every instruction, so that pcall cannot swallow the end. No metatable can be
 * made by a script, so nothing of its runs outside a call. */
#include "interpreter/hooks/sandbox.h"

#include "base/philox.h"
#include "base/random.h"
#include "interpreter/formats/save.h"
#include "interpreter/hooks/pattern.h"
#include "lang/problems.h"

#include <lualib.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define INTERVAL   200         // instructions between two counts
#define STEP_BYTES 32          // bytes of new memory that cost as much as an instruction
#define SITE_HOOK  0x686f6f6bu // "hook": the stream of math.random

extern const char hooks_prelude_text[];
extern const size_t hooks_prelude_length;

Hooks *hooks_of(lua_State *lua) {
  void *owner;
  lua_getallocf(lua, &owner);
  return owner;
}

// ---- the budget ---------------------------------------------------------------------------------------------------

static double clock_now(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* The innermost place of a script on the stack. Reads only, so it may be asked at any moment. */
static void note_place(Hooks *h) {
  lua_Debug at;
  for (int level = 0; lua_getstack(h->lua, level, &at); level++) {
    lua_getinfo(h->lua, "Sl", &at);
    for (int i = 0; i < h->sources && at.currentline > 0; i++)
      if (!strcmp(at.source, h->chunk[i])) {
        h->failed_in = h->source[i];
        h->failed_line = at.currentline;
        return;
      }
  }
}

static void on_count(lua_State *lua, lua_Debug *at);

static void stop_soon(Hooks *h, StopReason reason) {
  if (!h->stop) h->stop = reason;
  h->interval = 1;
  lua_sethook(h->lua, on_count, LUA_MASKCOUNT, 1);
}

void sandbox_charge(Hooks *h, int64_t steps) {
  if (!h->running) return;
  h->used += steps;
  if (h->used > h->limits.steps) stop_soon(h, STOP_STEPS);
}

int sandbox_stop(Hooks *h) {
  if (h->stop == STOP_STEPS)
    lua_pushfstring(h->lua, "it used up its budget of %I steps", (lua_Integer)h->limits.steps);
  else // of memory `report` says more
    lua_pushfstring(h->lua, "it ran for more than %f seconds of processor time", h->limits.seconds);
  return lua_error(h->lua);
}

static void on_count(lua_State *lua, lua_Debug *at) {
  (void)at;
  Hooks *h = hooks_of(lua);
  sandbox_charge(h, h->interval);
  if (h->stop == STOP_NONE && clock_now(CLOCK_MONOTONIC) > h->ends) {
    // the wall clock may have stood still for us: only time of this thread counts
    double spent = clock_now(CLOCK_THREAD_CPUTIME_ID) - h->started;
    if (spent > h->limits.seconds) stop_soon(h, STOP_TIME);
    h->ends = clock_now(CLOCK_MONOTONIC) + 0.1 * h->limits.seconds;
  }
  if (h->stop == STOP_MEMORY && !h->refused) { // a collection made room after all
    h->stop = h->used > h->limits.steps ? STOP_STEPS : STOP_NONE;
    if (!h->stop) {
      h->interval = INTERVAL;
      lua_sethook(lua, on_count, LUA_MASKCOUNT, INTERVAL);
    }
  }
  if (h->stop) sandbox_stop(h);
}

void *sandbox_allocate(void *owner, void *block, size_t old, size_t size) {
  Hooks *h = owner;
  size_t had = block ? old : 0;
  if (size == 0) {
    free(block);
    h->memory -= had;
    return NULL;
  }
  void *made = size > had && h->memory - had + size > h->limits.memory ? NULL : realloc(block, size);
  if (!made) { // Lua collects and asks once more before it gives up
    if (h->running) {
      note_place(h);
      h->refused = size;
      stop_soon(h, STOP_MEMORY);
    }
    return NULL;
  }
  h->memory += size - had;
  if (h->refused == size) h->refused = 0;
  if (size > had) sandbox_charge(h, (int64_t)(size / STEP_BYTES));
  return made;
}

static void budget_start(Hooks *h) {
  h->used = 0;
  h->stop = STOP_NONE;
  h->refused = 0;
  h->interval = INTERVAL;
  h->running = true;
  h->failed_in = NULL;
  h->started = clock_now(CLOCK_THREAD_CPUTIME_ID);
  h->ends = clock_now(CLOCK_MONOTONIC) + h->limits.seconds;
  lua_sethook(h->lua, on_count, LUA_MASKCOUNT, INTERVAL);
}

// ---- failures -----------------------------------------------------------------------------------------------------

/* A value as text; tables and the like by their kind. */
int sandbox_show(lua_State *lua) {
  luaL_checkany(lua, 1);
  switch (lua_type(lua, 1)) {
  case LUA_TNIL: lua_pushliteral(lua, "nil"); break;
  case LUA_TBOOLEAN: lua_pushstring(lua, lua_toboolean(lua, 1) ? "true" : "false"); break;
  case LUA_TNUMBER:
  case LUA_TSTRING: luaL_tolstring(lua, 1, NULL); break;
  default: lua_pushstring(lua, luaL_typename(lua, 1)); break;
  }
  return 1;
}

/* "cosine.lua:3: text" without the place. */
static const char *without_place(const Hooks *h, const char *text) {
  for (int i = -1; i < h->sources; i++) {
    const char *name = i < 0 ? "lathe" : h->chunk[i] + 1;
    size_t length = strlen(name), digits;
    if (strncmp(text, name, length) || text[length] != ':') continue;
    digits = strspn(text + length + 1, "0123456789");
    if (digits && !strncmp(text + length + 1 + digits, ": ", 2)) return text + length + digits + 3;
  }
  return text;
}

int sandbox_error(lua_State *lua) {
  Hooks *h = hooks_of(lua);
  if (!h->failed_in || h->stop != STOP_MEMORY) note_place(h);
  if (h->stop && h->stop != STOP_MEMORY) return 1;
  lua_settop(lua, 1);
  lua_pushcfunction(lua, sandbox_show);
  lua_insert(lua, 1);
  lua_call(lua, 1, 1);
  return 1;
}

static Span line_span(const Source *source, int line) {
  if (!source || line < 1 || line > source->lines) return (Span){0};
  uint32_t start = source->line_start[line - 1];
  uint32_t end = line < source->lines ? source->line_start[line] : (uint32_t)source->length;
  while (end > start && strchr(" \t\r\n", source->text[end - 1])) end--;
  while (start < end && strchr(" \t", source->text[start])) start++;
  return (Span){source->id, start, end};
}

/* What the failed call left on the stack becomes E0801. */
static bool report(Hooks *h, const char *what, int status) {
  lua_State *lua = h->lua;
  const char *text = lua_type(lua, -1) == LUA_TSTRING ? lua_tostring(lua, -1) : "it failed without a message";
  if (status == LUA_ERRMEM || h->stop == STOP_MEMORY)
    text =
        arena_printf(h->arena, "it wants more than %.15g MiB of memory", (double)h->limits.memory / 1048576);
  const char *plain = without_place(h, text);
  if (!h->failed_in && plain != text) { // a syntax error: its message alone names the line
    for (int i = 0; i < h->sources; i++)
      if (!strncmp(text, h->chunk[i] + 1, strlen(h->chunk[i] + 1))) {
        h->failed_in = h->source[i];
        h->failed_line = atoi(text + strlen(h->chunk[i]));
      }
  }
  Span at = line_span(h->failed_in, h->failed_line);
  problem_hook(h->problems, at.source ? at : h->at, what, h->path, plain);
  lua_settop(lua, STACK_CONTEXT);
  return false;
}

/* Calls what stands on the stack within a budget of its own. */
bool sandbox_call(Hooks *h, const char *what, int arguments, int results) {
  budget_start(h);
  int status = lua_pcall(h->lua, arguments, results, STACK_HANDLER);
  h->running = false;
  lua_sethook(h->lua, NULL, 0, 0);
  return status == LUA_OK || report(h, what, status);
}

// ---- functions of the sandbox -------------------------------------------------------------------------------------

static int host_charge(lua_State *lua) {
  Hooks *h = hooks_of(lua);
  sandbox_charge(h, (int64_t)luaL_checkinteger(lua, 1));
  return h->stop ? sandbox_stop(h) : 0;
}

/* One of Lua's own functions that is linear in the texts it is given. */
static int host_charged(lua_State *lua) {
  Hooks *h = hooks_of(lua);
  int64_t bytes = 0;
  int top = lua_gettop(lua);
  for (int i = 1; i <= top; i++)
    if (lua_type(lua, i) == LUA_TSTRING) bytes += (int64_t)lua_rawlen(lua, i);
  sandbox_charge(h, bytes / 16);
  if (h->stop) return sandbox_stop(h);
  return lua_tocfunction(lua, lua_upvalueindex(1))(lua);
}

/* find_special(p): whether the pattern is more than a text. */
static int host_find_special(lua_State *lua) {
  size_t length;
  const char *p = luaL_checklstring(lua, 1, &length);
  sandbox_charge(hooks_of(lua), (int64_t)length / 16);
  bool special = false;
  for (size_t i = 0; i < length && !special; i++) special = strchr("^$*+?.([%-", p[i]) && p[i];
  lua_pushboolean(lua, special);
  return 1;
}

/* plain(s, needle, from): first and last place, or nil. */
static int host_plain(lua_State *lua) {
  size_t length, size;
  const char *s = luaL_checklstring(lua, 1, &length), *needle = luaL_checklstring(lua, 2, &size);
  size_t from = (size_t)luaL_checkinteger(lua, 3) - 1;
  Hooks *h = hooks_of(lua);
  const char *found = from > length ? NULL : memmem(s + from, length - from, needle, size);
  sandbox_charge(h, (int64_t)((found ? (size_t)(found - s) - from : length) + size) / 16);
  if (h->stop) return sandbox_stop(h);
  if (!found) {
    lua_pushnil(lua);
    return 1;
  }
  lua_pushinteger(lua, found - s + 1);
  lua_pushinteger(lua, (lua_Integer)(found - s + (ptrdiff_t)size));
  return 2;
}

/* match(s, p, from, anchored, last): see prelude.lua. */
static int host_match(lua_State *lua) {
  Hooks *h = hooks_of(lua);
  size_t length, size;
  const char *s = luaL_checklstring(lua, 1, &length), *p = luaL_checklstring(lua, 2, &size);
  const char *from = s + luaL_checkinteger(lua, 3) - 1;
  int64_t last = luaL_checkinteger(lua, 5) - 1;
  bool anchored = lua_toboolean(lua, 4) && *p == '^';
  Matcher m = {.text = s, .text_end = s + length, .pattern_end = p + size};
  int64_t budget = h->limits.steps - h->used;
  m.steps = budget > 0 ? budget : 0;
  const char *end = NULL;
  for (;; from++) {
    end = pattern_match(&m, from, anchored ? p + 1 : p);
    if (m.error || (end && end - s != last) || anchored || from >= m.text_end) break;
  }
  sandbox_charge(h, budget - m.steps);
  if (h->stop) return sandbox_stop(h);
  if (m.error) return luaL_error(lua, "%s", m.error);
  if (!end || end - s == last) {
    lua_pushnil(lua);
    return 1;
  }
  lua_pushinteger(lua, from - s + 1);
  lua_pushinteger(lua, end - s);
  luaL_checkstack(lua, PATTERN_CAPTURES, "captures");
  for (int i = 0; i < m.captures; i++)
    if (m.capture[i].length == CAPTURE_PLACE)
      lua_pushinteger(lua, m.capture[i].start - s + 1);
    else
      lua_pushlstring(lua, m.capture[i].start, (size_t)m.capture[i].length);
  return 2 + m.captures;
}

/* math.random: Lathe's counter stream, one block a call. */
static int host_random(lua_State *lua) {
  Hooks *h = hooks_of(lua);
  uint64_t key = random_key(h->seed, SITE_HOOK, 0);
  uint32_t counter[4], word[4];
  random_counter(h->draws++, 0, 0, counter);
  philox4x32(counter, (uint32_t[]){(uint32_t)key, (uint32_t)(key >> 32)}, word);
  uint64_t bits = (uint64_t)word[0] << 32 | word[1];
  int arguments = lua_gettop(lua);
  if (arguments == 0) {
    lua_pushnumber(lua, (double)(bits >> 11) * 0x1p-53);
    return 1;
  }
  lua_Integer low = arguments == 1 ? 1 : luaL_checkinteger(lua, 1), high = luaL_checkinteger(lua, arguments);
  luaL_argcheck(lua, low <= high, arguments, "interval is empty");
  uint64_t count = (uint64_t)high - (uint64_t)low + 1;
  uint64_t offset = count ? (uint64_t)((unsigned __int128)bits * count >> 64) : bits;
  lua_pushinteger(lua, (lua_Integer)((uint64_t)low + offset));
  return 1;
}

// ---- scripts ------------------------------------------------------------------------------------------------------

/* Reads a script, keeps its text for messages, and pushes it compiled; a Lua error otherwise. */
void sandbox_push_script(Hooks *h, const char *path, const char *name) {
  lua_State *lua = h->lua;
  if (h->sources == INCLUDE_LIMIT) luaL_error(lua, "more than %d files", INCLUDE_LIMIT);
  int mark = problems_total(h->problems);
  size_t length;
  char *text = file_read(h->problems, h->at, path, HOOK_FILE_LIMIT, &length);
  if (!text) {
    const char *why = problems_get(h->problems, mark)->title;
    lua_pushstring(lua, why);
    problems_forget(h->problems, mark);
    lua_error(lua);
  }
  const Source *source = source_add(path, text, length);
  memory_free(text);
  h->source[h->sources] = source;
  h->chunk[h->sources++] = arena_printf(h->arena, "@%s", name);
  if (luaL_loadbufferx(lua, source->text, source->length, h->chunk[h->sources - 1], "t") != LUA_OK)
    lua_error(lua);
  lua_rawgeti(lua, LUA_REGISTRYINDEX, h->env);
  lua_setupvalue(lua, -2, 1);
}

/* include("x.lua"): a file beside the program, run once. upvalue 1 keeps what the files gave. */
static int host_include(lua_State *lua) {
  Hooks *h = hooks_of(lua);
  const char *name = luaL_checkstring(lua, 1);
  size_t length = strlen(name);
  if (length != lua_rawlen(lua, 1) || strchr(name, '/') || name[0] == '.' || length > 200 || length < 5 ||
      strcmp(name + length - 4, ".lua"))
    return luaL_error(lua, "include takes the name of a .lua file beside the program, without a folder");
  lua_settop(lua, 1);
  lua_pushvalue(lua, 1);
  if (lua_rawget(lua, lua_upvalueindex(1)) != LUA_TNIL) {
    if (lua_islightuserdata(lua, -1)) return luaL_error(lua, "%s includes itself", name);
    return 1;
  }
  lua_pushvalue(lua, 1);
  lua_pushlightuserdata(lua, h); // until it has run
  lua_rawset(lua, lua_upvalueindex(1));
  sandbox_push_script(h, arena_printf(h->arena, "%s/%s", h->folder, name), name);
  lua_call(lua, 0, 1);
  if (lua_isnil(lua, -1)) {
    lua_pop(lua, 1);
    lua_pushboolean(lua, 1);
  }
  lua_pushvalue(lua, 1);
  lua_pushvalue(lua, -2);
  lua_rawset(lua, lua_upvalueindex(1));
  return 1;
}

// ---- the environment ----------------------------------------------------------------------------------------------

/* Copies `names` (blank-separated) of the table at the top into the one below it; `charged`: wrapped. */
static void copy_names(lua_State *lua, const char *names, bool charged) {
  char word[32];
  while (*names) {
    size_t length = strcspn(names, " ");
    memcpy(word, names, length);
    word[length] = 0;
    names += length + (names[length] == ' ');
    lua_getfield(lua, -1, word);
    if (charged) lua_pushcclosure(lua, host_charged, 1);
    lua_setfield(lua, -3, word);
  }
}

static void copy_library(lua_State *lua, const char *name, lua_CFunction open, const char *names,
                         const char *charged) {
  luaL_requiref(lua, name, open, 0);
  lua_newtable(lua);
  lua_insert(lua, -2);
  copy_names(lua, names, false);
  copy_names(lua, charged, true);
  lua_pop(lua, 1);
  lua_setfield(lua, -2, name);
}

/* In a protected call: the environment, and prelude.lua run on it. */
int sandbox_make(lua_State *lua) {
  Hooks *h = hooks_of(lua);
  lua_newtable(lua); // env
  copy_library(lua, "string", luaopen_string, "len", "sub upper lower reverse char");
  copy_library(
      lua, "math", luaopen_math,
      "abs ceil cos deg exp floor fmod huge log max maxinteger min mininteger modf pi rad sin sqrt tan "
      "tointeger type ult acos asin atan",
      "");
  copy_library(lua, "table", luaopen_table, "pack", "");
  copy_library(lua, "utf8", luaopen_utf8, "char charpattern codes", "codepoint len offset");
  luaL_requiref(lua, "_G", luaopen_base, 0);
  copy_names(lua, "ipairs select type error assert pcall", false);
  copy_names(lua, "tonumber", true);
  lua_newtable(lua); // host
  lua_insert(lua, -2);
  copy_names(lua, "next type error select", false);
  lua_pop(lua, 1);
  luaL_requiref(lua, "string", luaopen_string, 0);
  copy_names(lua, "sub rep format byte", true);
  lua_pop(lua, 1);
  luaL_requiref(lua, "table", luaopen_table, 0);
  copy_names(lua, "concat unpack", false);
  lua_pop(lua, 1);
  luaL_requiref(lua, "math", luaopen_math, 0);
  copy_names(lua, "tointeger", false);
  lua_pop(lua, 1);
  static const luaL_Reg ours[] = {{"charge", host_charge},    {"plain", host_plain},
                                  {"match", host_match},      {"find_special", host_find_special},
                                  {"tostring", sandbox_show}, {NULL, NULL}};
  luaL_setfuncs(lua, ours, 0); // env host
  lua_pushcfunction(lua, sandbox_show);
  lua_setfield(lua, -3, "tostring");
  lua_newtable(lua);
  lua_pushcclosure(lua, host_include, 1);
  lua_setfield(lua, -3, "include");
  lua_getfield(lua, -2, "math");
  lua_pushcfunction(lua, host_random);
  lua_setfield(lua, -2, "random");
  lua_pop(lua, 1);
  lua_pushliteral(lua, ""); // s:upper() finds the functions of env
  lua_getmetatable(lua, -1);
  lua_getfield(lua, -4, "string");
  lua_setfield(lua, -2, "__index");
  lua_pop(lua, 2);
  if (luaL_loadbufferx(lua, hooks_prelude_text, hooks_prelude_length, "=lathe", "t") != LUA_OK)
    lua_error(lua);
  lua_pushvalue(lua, -2);
  lua_pushvalue(lua, -4);
  lua_call(lua, 2, 0);
  lua_pop(lua, 1);
  h->env = luaL_ref(lua, LUA_REGISTRYINDEX);
  return 0;
}
