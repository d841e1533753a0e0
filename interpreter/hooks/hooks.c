/* Scripts as hooks: their functions called, ctx, and plain values between Lua and the rest. All work on the state is done
 * in protected calls; what a call sees and asks for is the HookContext, read and written through one userdata. */
#include "interpreter/hooks/sandbox.h"

#include "interpreter/formats/save.h"
#include "lang/problems.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define STATE_MARK "lathe hooks 1 "

const char *const hook_names[HOOK_COUNT] = {"config",    "start", "before_step", "after_step", "epoch",
                                            "validated", "nan",   "finish",      "row"};
const HookLimits hook_limits = {10000000, (size_t)64 << 20, 4.0};

// ---- plain values --------------------------------------------------------------------------------------------------------

static void push_plain(lua_State *lua, const Plain *plain) {
  luaL_checkstack(lua, 4, "a value");
  switch (plain->kind) {
  case PLAIN_BOOL: lua_pushboolean(lua, plain->u.truth); return;
  case PLAIN_INTEGER: lua_pushinteger(lua, plain->u.integer); return;
  case PLAIN_NUMBER: lua_pushnumber(lua, plain->u.number); return;
  case PLAIN_TEXT: lua_pushlstring(lua, plain->u.text.bytes, plain->u.text.length); return;
  case PLAIN_TABLE: break;
  }
  lua_createtable(lua, 0, (int)plain->u.table.count);
  for (size_t i = 0; i < plain->u.table.count; i++) {
    push_plain(lua, &plain->u.table.key[i]);
    push_plain(lua, &plain->u.table.value[i]);
    lua_rawset(lua, -3);
  }
}

typedef struct {
  Hooks *hooks;
  Arena *arena;
  const char *what; // is read: "ctx.state"
} PlainReader;

static Plain read_plain(PlainReader *r, int index, int depth) {
  lua_State *lua = r->hooks->lua;
  size_t length;
  sandbox_charge(r->hooks, 4);
  if (r->hooks->stop) sandbox_stop(r->hooks);
  switch (lua_type(lua, index)) {
  case LUA_TBOOLEAN: return plain_bool(lua_toboolean(lua, index));
  case LUA_TNUMBER:
    return lua_isinteger(lua, index) ? plain_integer(lua_tointeger(lua, index))
                                     : plain_number(lua_tonumber(lua, index));
  case LUA_TSTRING: {
    const char *text = lua_tolstring(lua, index, &length);
    sandbox_charge(r->hooks, (int64_t)length / 16);
    return plain_text(r->arena, text, length);
  }
  case LUA_TTABLE: break;
  default:
    luaL_error(lua, "%s holds a %s; it takes numbers, texts, booleans and tables of these", r->what,
               luaL_typename(lua, index));
  }
  if (depth >= PLAIN_DEPTH)
    luaL_error(lua, "%s holds tables more than %d deep, or one that is in itself", r->what, PLAIN_DEPTH);
  luaL_checkstack(lua, 4, "a value");
  Plain table = plain_table();
  lua_pushnil(lua);
  while (lua_next(lua, index)) {
    int top = lua_gettop(lua);
    if (lua_type(lua, top - 1) == LUA_TTABLE) luaL_error(lua, "%s holds a table as a key", r->what);
    Plain key = read_plain(r, top - 1, depth + 1), value = read_plain(r, top, depth + 1);
    plain_add(r->arena, &table, key, value);
    lua_settop(lua, top - 1);
  }
  plain_sort(&table);
  return table;
}

// ---- ctx ----------------------------------------------------------------------------------------------------------

static HookContext *context_of(lua_State *lua) {
  HookContext *context = hooks_of(lua)->context;
  if (!context) luaL_error(lua, "ctx is there only while a hook of training runs");
  return context;
}

static void push_number(lua_State *lua, double number) {
  if (isnan(number))
    lua_pushnil(lua);
  else
    lua_pushnumber(lua, number);
}

static int ctx_log(lua_State *lua) {
  HookContext *c = context_of(lua);
  if (!c->log(c->owner, luaL_checkstring(lua, 1), luaL_checknumber(lua, 2)))
    return luaL_error(lua, "ctx.log takes a name of letters, digits and _ . -, at most 40 of them");
  return 0;
}

static int ctx_stop(lua_State *lua) {
  HookContext *c = context_of(lua);
  size_t length;
  const char *why = luaL_optlstring(lua, 1, "by the hook", &length);
  if (!c->stop) c->stop = arena_copy(hooks_of(lua)->arena, why, length < 200 ? length : 200);
  return 0;
}

static int raise_if(lua_State *lua, const char *why) { return why ? luaL_error(lua, "%s", why) : 0; }

static int ctx_checkpoint(lua_State *lua) {
  HookContext *c = context_of(lua);
  return raise_if(lua, c->checkpoint(c->owner, luaL_checkstring(lua, 1)));
}

static int ctx_rewind(lua_State *lua) {
  HookContext *c = context_of(lua);
  return raise_if(lua, c->rewind(c->owner, luaL_checkstring(lua, 1)));
}

static int ctx_limit(lua_State *lua) {
  HookContext *c = context_of(lua);
  return raise_if(lua, c->limit(c->owner, (int64_t)luaL_checkinteger(lua, 1)));
}

static int ctx_weights(lua_State *lua) {
  HookContext *c = context_of(lua);
  double count, norm, mean;
  const char *glob = luaL_checkstring(lua, 1);
  if (!c->weights(c->owner, glob, &count, &norm, &mean))
    return luaL_error(lua, "no weight matches \"%s\"", glob);
  lua_createtable(lua, 0, 3);
  lua_pushinteger(lua, (lua_Integer)count);
  lua_setfield(lua, -2, "count");
  lua_pushnumber(lua, norm);
  lua_setfield(lua, -2, "norm");
  lua_pushnumber(lua, mean);
  lua_setfield(lua, -2, "mean");
  return 1;
}

/* ctx.sample_weight(fn): asks fn for every row of training; each row has the whole budget of a call. */
static int ctx_sample_weight(lua_State *lua) {
  Hooks *h = hooks_of(lua);
  HookContext *c = context_of(lua);
  luaL_checktype(lua, 1, LUA_TFUNCTION);
  int64_t used = h->used, rows = 0;
  double *weight = lua_newuserdatauv(lua, sizeof(double) * (size_t)(c->rows + 1), 0);
  for (; rows < c->rows; rows++) {
    lua_pushvalue(lua, 1);
    push_plain(lua, c->record(c->owner, rows));
    lua_call(lua, 1, 1);
    weight[rows] = lua_tonumber(lua, -1);
    if (lua_type(lua, -1) != LUA_TNUMBER || !(weight[rows] >= 0) || isinf(weight[rows]))
      return luaL_error(
          lua, "sample_weight: row %I got %s; a weight is a number from 0 up", (lua_Integer)rows + 1,
          lua_type(lua, -1) == LUA_TNUMBER ? "a number below 0, or none" : luaL_typename(lua, -1));
    lua_pop(lua, 1);
    h->used = used;
  }
  return raise_if(lua, c->set_weights(c->owner, weight, rows));
}

typedef enum { FACT_INTEGER, FACT_NUMBER, FACT_BOOL, FACT_TEXT } FactKind;

static const struct {
  const char *name;
  FactKind kind;
  size_t offset;
} facts[] = {
    {"step", FACT_INTEGER, offsetof(HookContext, step)},
    {"steps", FACT_INTEGER, offsetof(HookContext, steps)},
    {"epoch", FACT_INTEGER, offsetof(HookContext, epoch)},
    {"epochs", FACT_INTEGER, offsetof(HookContext, epochs)},
    {"attempt", FACT_INTEGER, offsetof(HookContext, attempt)},
    {"seed", FACT_INTEGER, offsetof(HookContext, seed)},
    {"progress", FACT_NUMBER, offsetof(HookContext, progress)},
    {"loss", FACT_NUMBER, offsetof(HookContext, loss)},
    {"grad_norm", FACT_NUMBER, offsetof(HookContext, grad_norm)},
    {"best", FACT_NUMBER, offsetof(HookContext, best)},
    {"lr_scale", FACT_NUMBER, offsetof(HookContext, lr_scale)},
    {"clip", FACT_NUMBER, offsetof(HookContext, clip)},
    {"skip", FACT_BOOL, offsetof(HookContext, skip)},
    {"resumed", FACT_BOOL, offsetof(HookContext, resumed)},
    {"task", FACT_TEXT, offsetof(HookContext, task)},
};
#define FACTS (sizeof(facts) / sizeof(*facts))

static const struct {
  const char *name;
  lua_CFunction call;
} methods[] = {{"log", ctx_log},
               {"stop", ctx_stop},
               {"checkpoint", ctx_checkpoint},
               {"rewind", ctx_rewind},
               {"limit", ctx_limit},
               {"weights", ctx_weights},
               {"sample_weight", ctx_sample_weight}};
#define METHODS (sizeof(methods) / sizeof(*methods))

static const char *const tables[] = {"state", "lr", "metrics", "valid", "config"};
#define TABLES (sizeof(tables) / sizeof(*tables))

static int no_field(lua_State *lua, const char *name) {
  const char *known[FACTS + METHODS + TABLES];
  int count = 0;
  for (size_t i = 0; i < FACTS; i++) known[count++] = facts[i].name;
  for (size_t i = 0; i < METHODS; i++) known[count++] = methods[i].name;
  for (size_t i = 0; i < TABLES; i++) known[count++] = tables[i];
  const char *nearest = name_nearest(name, known, count);
  return nearest ? luaL_error(lua, "ctx has no `%s`; did you mean `%s`?", name, nearest)
                 : luaL_error(lua, "ctx has no `%s`", name);
}

static int push_table(lua_State *lua, HookContext *c, const char *name) {
  if (!strcmp(name, "state")) return lua_rawgeti(lua, LUA_REGISTRYINDEX, hooks_of(lua)->state), 1;
  if (!strcmp(name, "lr")) return lua_rawgetp(lua, LUA_REGISTRYINDEX, tables), 1;
  if (!strcmp(name, "config")) {
    push_plain(lua, c->config(c->owner));
    return 1;
  }
  int count;
  const ReportNumber *number = c->numbers(c->owner, name[0] == 'v', &count);
  lua_createtable(lua, 0, count);
  for (int i = 0; i < count; i++) {
    lua_pushnumber(lua, number[i].value);
    lua_setfield(lua, -2, number[i].name);
  }
  return 1;
}

static int ctx_index(lua_State *lua) {
  HookContext *c = context_of(lua);
  const char *name = luaL_checkstring(lua, 2);
  for (size_t i = 0; i < FACTS; i++) {
    if (strcmp(facts[i].name, name)) continue;
    const void *at = (const char *)c + facts[i].offset;
    switch (facts[i].kind) {
    case FACT_INTEGER: lua_pushinteger(lua, *(const int64_t *)at); break;
    case FACT_NUMBER: push_number(lua, *(const double *)at); break;
    case FACT_BOOL: lua_pushboolean(lua, *(const bool *)at); break;
    case FACT_TEXT: lua_pushstring(lua, *(const char *const *)at); break;
    }
    return 1;
  }
  for (size_t i = 0; i < METHODS; i++)
    if (!strcmp(methods[i].name, name)) {
      lua_pushcfunction(lua, methods[i].call);
      return 1;
    }
  for (size_t i = 0; i < TABLES; i++)
    if (!strcmp(tables[i], name)) return push_table(lua, c, name);
  return no_field(lua, name);
}

static int ctx_assign(lua_State *lua) {
  HookContext *c = context_of(lua);
  const char *name = luaL_checkstring(lua, 2);
  bool scale = !strcmp(name, "lr_scale");
  if (scale || !strcmp(name, "clip")) {
    double x = lua_isnil(lua, 3) ? (double)NAN : luaL_checknumber(lua, 3);
    if (x < 0 || isinf(x) || (!scale && x == 0))
      return luaL_error(lua, "ctx.%s takes a number %s", name, scale ? "from 0 up" : "above 0");
    *(scale ? &c->lr_scale : &c->clip) = x;
    return 0;
  }
  if (!strcmp(name, "skip")) {
    c->skip = lua_toboolean(lua, 3);
    return 0;
  }
  if (!strcmp(name, "state")) {
    luaL_checktype(lua, 3, LUA_TTABLE);
    lua_pushvalue(lua, 3);
    lua_rawseti(lua, LUA_REGISTRYINDEX, hooks_of(lua)->state);
    return 0;
  }
  return luaL_error(lua, "ctx.%s cannot be assigned; lr_scale, lr[i], clip, skip and state can", name);
}

static int rate_number(lua_State *lua, const HookContext *c) {
  lua_Integer i = luaL_checkinteger(lua, 2);
  if (i < 1 || i > c->rates) luaL_error(lua, "ctx.lr[%I]: the task has %d learning rates", i, c->rates);
  return (int)i - 1;
}

static int rates_index(lua_State *lua) {
  HookContext *c = context_of(lua);
  push_number(lua, c->rate(c->owner, rate_number(lua, c)));
  return 1;
}

static int rates_assign(lua_State *lua) {
  HookContext *c = context_of(lua);
  int i = rate_number(lua, c);
  double x = luaL_checknumber(lua, 3);
  if (!(x >= 0) || isinf(x)) return luaL_error(lua, "a learning rate is a number from 0 up");
  if (!c->has_rate(c->owner, i)) return luaL_error(lua, "optimizer %d has no setting lr", i + 1);
  c->lr[i] = x;
  return 0;
}

static int rates_count(lua_State *lua) {
  lua_pushinteger(lua, context_of(lua)->rates);
  return 1;
}

static void push_object(lua_State *lua, lua_CFunction index, lua_CFunction assign, lua_CFunction count) {
  lua_newuserdatauv(lua, 0, 0);
  lua_createtable(lua, 0, 4);
  lua_pushcfunction(lua, index);
  lua_setfield(lua, -2, "__index");
  lua_pushcfunction(lua, assign);
  lua_setfield(lua, -2, "__newindex");
  if (count) {
    lua_pushcfunction(lua, count);
    lua_setfield(lua, -2, "__len");
  }
  lua_pushboolean(lua, 0);
  lua_setfield(lua, -2, "__metatable");
  lua_setmetatable(lua, -2);
}

// ---- opening ------------------------------------------------------------------------------------------------------

static int make_objects(lua_State *lua) {
  sandbox_make(lua);
  lua_newtable(lua);
  hooks_of(lua)->state = luaL_ref(lua, LUA_REGISTRYINDEX);
  push_object(lua, rates_index, rates_assign, rates_count);
  lua_rawsetp(lua, LUA_REGISTRYINDEX, tables);
  push_object(lua, ctx_index, ctx_assign, NULL);
  return 1;
}

static const char *base_of(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

static int run_script(lua_State *lua) {
  Hooks *h = hooks_of(lua);
  sandbox_push_script(h, h->path, base_of(h->path));
  lua_call(lua, 0, 1);
  return 1;
}

/* The functions of the table at the top, which goes. Runs in a protected call. */
static int take_functions(lua_State *lua) {
  Hooks *h = hooks_of(lua);
  if (!lua_istable(lua, 1)) {
    problem_hook_table(h->problems, (Span){h->source[0]->id, 0, 0}, h->path, luaL_typename(lua, 1));
    return 0;
  }
  lua_pushnil(lua);
  while (lua_next(lua, 1)) {
    int kind = 0;
    const char *name = lua_type(lua, -2) == LUA_TSTRING ? lua_tostring(lua, -2) : "a number";
    while (kind < HOOK_COUNT && strcmp(hook_names[kind], name)) kind++;
    if (kind == HOOK_COUNT || !lua_isfunction(lua, -1))
      problem_hook_name(h->problems, (Span){h->source[0]->id, 0, 0}, h->path,
                        arena_copy(h->arena, name, strlen(name)),
                        kind == HOOK_COUNT ? name_nearest(name, hook_names, HOOK_COUNT) : NULL,
                        kind < HOOK_COUNT ? luaL_typename(lua, -1) : NULL);
    if (kind < HOOK_COUNT) {
      lua_pushvalue(lua, -1);
      h->function[kind] = luaL_ref(lua, LUA_REGISTRYINDEX);
    }
    lua_pop(lua, 1);
  }
  return 0;
}

static bool open_script(Hooks *h) {
  lua_State *lua = h->lua;
  lua_pushcfunction(lua, sandbox_error); // STACK_HANDLER
  lua_pushcfunction(lua, make_objects);
  if (lua_pcall(lua, 0, 1, 0) != LUA_OK) { // STACK_CONTEXT
    problem_hook(h->problems, h->at, "the script", h->path, "there is no memory to start Lua");
    return false;
  }
  lua_pushcfunction(lua, run_script);
  if (!sandbox_call(h, "the script", 0, 1)) return false;
  int errors = problems_count(h->problems, SEVERITY_ERROR);
  lua_pushcfunction(lua, take_functions);
  lua_insert(lua, -2);
  return sandbox_call(h, "the script", 1, 0) && problems_count(h->problems, SEVERITY_ERROR) == errors;
}

Hooks *hooks_open(const HookOptions *options, const char *path) {
  size_t length;
  char *text = file_read(options->problems, options->at, path, HOOK_FILE_LIMIT, &length);
  if (!text) return NULL;
  memory_free(text);
  Hooks *h = memory_alloc(1, sizeof(Hooks));
  *h = (Hooks){.arena = options->arena,
               .problems = options->problems,
               .at = options->at,
               .path = arena_copy(options->arena, path, strlen(path)),
               .folder = options->folder,
               .limits = options->limits ? *options->limits : hook_limits,
               .seed = options->seed};
  if (!h->folder) {
    const char *base = base_of(h->path);
    h->folder = base > h->path ? arena_copy(h->arena, h->path, (size_t)(base - h->path - 1)) : ".";
  }
  for (int i = 0; i < HOOK_COUNT; i++) h->function[i] = LUA_NOREF;
  h->lua = lua_newstate(sandbox_allocate, h);
  if (!h->lua) memory_full(sizeof(Hooks));
  if (open_script(h)) return h;
  hooks_close(h);
  return NULL;
}

void hooks_close(Hooks *h) {
  if (!h) return;
  lua_close(h->lua);
  memory_free(h);
}

bool hooks_has(const Hooks *h, HookKind kind) { return h->function[kind] != LUA_NOREF; }
const Source *hooks_source(const Hooks *h) { return h->source[0]; }

// ---- calling ------------------------------------------------------------------------------------------------------

bool hooks_call(Hooks *h, HookKind kind, HookContext *context) {
  if (!hooks_has(h, kind)) return true;
  lua_rawgeti(h->lua, LUA_REGISTRYINDEX, h->function[kind]);
  lua_pushvalue(h->lua, STACK_CONTEXT);
  h->context = context;
  bool ok = sandbox_call(h, hook_names[kind], 1, 0);
  h->context = NULL;
  return ok;
}

/* What a protected function of ours works on: its light userdata argument. */
typedef struct {
  PlainReader reader;
  HookKind kind;
  const Plain *in;
  Plain out;
  bool nothing;
} Request;

static int answer(lua_State *lua) {
  Request *request = lua_touserdata(lua, 1);
  lua_rawgeti(lua, LUA_REGISTRYINDEX, request->reader.hooks->function[request->kind]);
  push_plain(lua, request->in);
  lua_call(lua, 1, 1);
  request->nothing = lua_isnil(lua, 2);
  if (!request->nothing) request->out = read_plain(&request->reader, 2, 0);
  return 0;
}

static bool run_request(Hooks *h, lua_CFunction function, Request *request, const char *what) {
  lua_pushcfunction(h->lua, function);
  lua_pushlightuserdata(h->lua, request);
  return sandbox_call(h, what, 1, 0);
}

bool hooks_ask(Hooks *h, Arena *arena, HookKind kind, const Plain *in, const Plain **out) {
  Request request = {
      {h, arena, kind == HOOK_ROW ? "the record" : "what config returned"}, kind, in, {0}, false};
  if (!run_request(h, answer, &request, hook_names[kind])) return false;
  *out = NULL;
  if (request.nothing) return true;
  Plain *kept = ARENA_NEW(arena, Plain);
  *kept = request.out;
  *out = kept;
  return true;
}

// ---- state --------------------------------------------------------------------------------------------------------

static int state_read_out(lua_State *lua) {
  Request *request = lua_touserdata(lua, 1);
  lua_rawgeti(lua, LUA_REGISTRYINDEX, request->reader.hooks->state);
  request->out = read_plain(&request->reader, 2, 0);
  return 0;
}

static int state_put(lua_State *lua) {
  Request *request = lua_touserdata(lua, 1);
  push_plain(lua, request->in);
  lua_rawseti(lua, LUA_REGISTRYINDEX, request->reader.hooks->state);
  return 0;
}

bool hooks_state_write(Hooks *h, Text *out) {
  Arena *arena = arena_new(0);
  Request request = {.reader = {h, arena, "ctx.state"}};
  bool ok = run_request(h, state_read_out, &request, "ctx.state");
  if (ok) {
    text_printf(out, STATE_MARK "%lld ", (long long)h->draws);
    plain_write(&request.out, out);
  }
  arena_free(arena);
  return ok;
}

bool hooks_state_read(Hooks *h, const char *bytes, size_t length) {
  Arena *arena = arena_new(0);
  size_t mark = strlen(STATE_MARK), digits = 0;
  Plain plain;
  bool ok = length > mark && !memcmp(bytes, STATE_MARK, mark);
  while (ok && mark + digits < length && digits < 18 && bytes[mark + digits] >= '0' &&
         bytes[mark + digits] <= '9')
    digits++;
  ok = ok && digits && mark + digits < length && bytes[mark + digits] == ' ' &&
       plain_read(arena, bytes + mark + digits + 1, length - mark - digits - 1, &plain) &&
       plain.kind == PLAIN_TABLE;
  Request request = {.reader = {h, arena, "ctx.state"}, .in = &plain};
  ok = ok && run_request(h, state_put, &request, "ctx.state");
  if (ok) h->draws = atoll(bytes + mark);
  arena_free(arena);
  return ok;
}
