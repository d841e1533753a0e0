/* The settings of a train block: a closed list, each with what it takes. */
#include "interpreter/elaborate/dataset.h"
#include "lang/problems.h"

#include <string.h>

typedef bool Read(Elaborator *e, Scope *scope, const Ast *value, Settings *settings);

static bool number(Elaborator *e, Scope *scope, const Ast *ast, double *out) {
  return value_number(eval(e, scope, ast), out);
}

static bool whole(Elaborator *e, Scope *scope, const Ast *ast, int64_t *out) {
  const Value *value = eval(e, scope, ast);
  return value->kind == VALUE_INT && dim_is_number(value->u.dim, out) && *out >= 1;
}

static bool truth(Elaborator *e, Scope *scope, const Ast *ast, bool *out) {
  const Value *value = eval(e, scope, ast);
  if (value->kind != VALUE_BOOL || !value->known) return false;
  *out = value->u.truth;
  return true;
}

static bool read_epochs(Elaborator *e, Scope *s, const Ast *v, Settings *out) {
  return number(e, s, v, &out->epochs) && out->epochs > 0;
}
static bool read_steps(Elaborator *e, Scope *s, const Ast *v, Settings *out) {
  return whole(e, s, v, &out->steps);
}
static bool read_clip(Elaborator *e, Scope *s, const Ast *v, Settings *out) {
  return number(e, s, v, &out->clip) && out->clip > 0;
}
static bool read_accumulate(Elaborator *e, Scope *s, const Ast *v, Settings *out) {
  return whole(e, s, v, &out->accumulate);
}
static bool read_shuffle(Elaborator *e, Scope *s, const Ast *v, Settings *out) {
  return truth(e, s, v, &out->shuffle);
}
static bool read_drop_last(Elaborator *e, Scope *s, const Ast *v, Settings *out) {
  return truth(e, s, v, &out->drop_last);
}

static bool read_batch(Elaborator *e, Scope *scope, const Ast *ast, Settings *out) {
  if (ast->kind == AST_STRING) return out->batch_all = !strcmp(ast->u.string.bytes, "all");
  return whole(e, scope, ast, &out->batch);
}

static bool read_seed(Elaborator *e, Scope *scope, const Ast *ast, Settings *out) {
  const Value *value = eval(e, scope, ast);
  int64_t seed;
  if (value->kind != VALUE_INT || !dim_is_number(value->u.dim, &seed) || seed < 0) return false;
  out->seed = (uint64_t)seed;
  out->seed_set = true;
  return true;
}

static bool read_precision(Elaborator *e, Scope *scope, const Ast *ast, Settings *out) {
  static const struct {
    const char *name;
    DType dtype;
  } known[] = {{"f32", DTYPE_F32}, {"f64", DTYPE_F64}, {"bf16", DTYPE_F32}, {"f16", DTYPE_F32}};
  const Value *value = eval(e, scope, ast);
  for (size_t i = 0; i < 4 && value->kind == VALUE_STRING; i++)
    if (!strcmp(value->u.string.bytes, known[i].name)) {
      out->precision = known[i].dtype;
      out->precision_name = known[i].name;
      return true;
    }
  return false;
}

static const Ast *call_of(const Ast *ast, const char *name) {
  return ast->kind == AST_CALL && ast->u.call.callee->kind == AST_NAME &&
                 !strcmp(ast->u.call.callee->u.name, name)
             ? ast
             : NULL;
}

/* "valid.accuracy" is the metric `accuracy`. */
static const char *metric_of(const Ast *call) {
  if (call->u.call.items.count < 1) return NULL;
  const Ast *first = call->u.call.items.item[0]->u.arg.value;
  if (first->kind != AST_STRING || strncmp(first->u.string.bytes, "valid.", 6)) return NULL;
  return first->u.string.bytes + 6;
}

static const Ast *argument(const Ast *call, const char *name, int position) {
  for (int i = 0; i < call->u.call.items.count; i++) {
    const Ast *arg = call->u.call.items.item[i];
    if (arg->u.arg.name ? !strcmp(arg->u.arg.name, name) : i == position) return arg->u.arg.value;
  }
  return NULL;
}

bool metric_falls(const char *metric) {
  static const char *const least[] = {"loss", "mse", "mae", "rmse", "huber", "perplexity"};
  for (size_t i = 0; i < sizeof(least) / sizeof(*least); i++)
    if (!strcmp(least[i], metric)) return true;
  return false;
}

static bool read_least(Elaborator *e, Scope *scope, const Ast *call, const char *metric, int position,
                       bool *least) {
  *least = metric_falls(metric);
  const Ast *given = argument(call, "least", position);
  return !given || truth(e, scope, given, least);
}

static bool read_keep(Elaborator *e, Scope *scope, const Ast *ast, Settings *out) {
  const Ast *call = call_of(ast, "best");
  out->keep = call ? metric_of(call) : NULL;
  return out->keep && read_least(e, scope, call, out->keep, 1, &out->keep_least);
}

static bool read_stop(Elaborator *e, Scope *scope, const Ast *ast, Settings *out) {
  const Ast *hours = call_of(ast, "hours");
  if (hours) {
    const Ast *count = argument(hours, "n", 0);
    return count && number(e, scope, count, &out->hours) && out->hours > 0;
  }
  const Ast *call = call_of(ast, "patience");
  out->stop = call ? metric_of(call) : NULL;
  const Ast *count = call ? argument(call, "n", 1) : NULL;
  return out->stop && count && whole(e, scope, count, &out->patience) &&
         read_least(e, scope, call, out->stop, 2, &out->stop_least);
}

static bool read_validate(Elaborator *e, Scope *scope, const Ast *ast, Settings *out) {
  const Ast *call = call_of(ast, "every");
  const Ast *steps = call ? argument(call, "n", 0) : NULL, *rows = call ? argument(call, "rows", 1) : NULL;
  return steps && whole(e, scope, steps, &out->validate_steps) &&
         (!rows || whole(e, scope, rows, &out->validate_rows));
}

static bool read_hooks(Elaborator *e, Scope *scope, const Ast *ast, Settings *out) {
  const Value *value = eval(e, scope, ast);
  if (value->kind != VALUE_STRING) return false;
  out->hooks = resolve_path(e, ast, value->u.string.bytes);
  out->hooks_at = ast->span;
  return true;
}

static bool read_log(Elaborator *e, Scope *scope, const Ast *ast, Settings *out) {
  const Ast *call = call_of(ast, "every"), *steps = call ? argument(call, "n", 0) : NULL;
  return steps && whole(e, scope, steps, &out->log_steps);
}

/* every(100), every(100, steps), every(10, minutes); None: only when a signal asks for one. */
static bool read_checkpoint(Elaborator *e, Scope *scope, const Ast *ast, Settings *out) {
  static const struct {
    const char *name;
    double seconds;
  } unit[] = {{"seconds", 1}, {"minutes", 60}, {"hours", 3600}};
  out->save_steps = 0;
  out->save_seconds = 0;
  if (ast->kind == AST_NONE) return true;
  const Ast *call = call_of(ast, "every"), *count = call ? argument(call, "n", 0) : NULL,
            *of = call ? argument(call, "unit", 1) : NULL;
  if (!count || call->u.call.items.count > 2) return false;
  if (!of) return whole(e, scope, count, &out->save_steps);
  if (of->kind != AST_NAME) return false;
  if (!strcmp(of->u.name, "steps")) return whole(e, scope, count, &out->save_steps);
  for (size_t i = 0; i < sizeof(unit) / sizeof(*unit); i++) {
    if (strcmp(of->u.name, unit[i].name)) continue;
    if (!number(e, scope, count, &out->save_seconds) || !(out->save_seconds > 0)) return false;
    out->save_seconds *= unit[i].seconds;
    return true;
  }
  return false;
}

static bool read_ema(Elaborator *e, Scope *s, const Ast *v, Settings *out) {
  return number(e, s, v, &out->ema) && out->ema > 0 && out->ema < 1;
}

/* Its expression has the fields of the table: the block that it stands in reads it (task.c). */
static bool read_draw(Elaborator *e, Scope *scope, const Ast *ast, Settings *out) {
  (void)e, (void)scope, (void)ast, (void)out;
  return true;
}

static const struct {
  const char *name, *takes;
  Read *read;
} table[] = {
    {"epochs", "a number of passes over the data: epochs = 10", read_epochs},
    {"steps", "a number of updates: steps = 5000", read_steps},
    {"batch", "rows of a step, or \"all\": batch = 64", read_batch},
    {"validate", "validate = every(250), or every(250, rows=2560)", read_validate},
    {"keep", "keep = best(\"valid.accuracy\")", read_keep},
    {"stop", "stop = patience(\"valid.loss\", 5), or hours(2)", read_stop},
    {"clip", "the largest norm of a gradient: clip = 1.0", read_clip},
    {"accumulate", "batches of an update: accumulate = 4", read_accumulate},
    {"precision", "\"f32\", \"f64\", \"bf16\" or \"f16\"", read_precision},
    {"seed", "a whole number from 0 up: seed = 1", read_seed},
    {"shuffle", "shuffle = true or false", read_shuffle},
    {"hooks", "a Lua file: hooks = \"schedule.lua\"", read_hooks},
    {"draw", "the chances of rows, or balanced(field): draw = balanced(label)", read_draw},
    {"ema", "the share of the average that a step keeps: ema = 0.999", read_ema},
    {"log", "a line each so many steps: log = every(100)", read_log},
    {"checkpoint", "checkpoint = every(500), every(10, minutes) or None", read_checkpoint},
    {"drop_last", "drop_last = true or false", read_drop_last},
};
#define SETTINGS ((int)(sizeof(table) / sizeof(*table)))

const char *const *setting_names(int *count) {
  static const char *names[SETTINGS];
  for (int i = 0; i < SETTINGS; i++) names[i] = table[i].name;
  *count = SETTINGS;
  return names;
}

bool settings_statement(const Ast *statement) {
  for (int i = 0; i < SETTINGS && statement->kind == AST_ASSIGN; i++)
    if (!strcmp(table[i].name, statement->u.binding.name)) return true;
  return false;
}

static bool set(Elaborator *e, Scope *scope, const char *name, const Ast *value, Settings *settings) {
  for (int i = 0; i < SETTINGS; i++) {
    if (strcmp(table[i].name, name)) continue;
    int errors = problems_count(e->problems, SEVERITY_ERROR);
    if (table[i].read(e, scope, value, settings)) return true;
    if (problems_count(e->problems, SEVERITY_ERROR) == errors)
      problem_setting_value(e->problems, value->span, name, table[i].takes);
    return false;
  }
  return true;
}

bool settings_read(Elaborator *e, const Ast *task, Scope *scope, Settings *settings) {
  *settings = (Settings){.epochs = 1,
                         .batch = task->u.task.task == TASK_TRAIN ? 32 : 256,
                         .accumulate = 1,
                         .shuffle = true,
                         .precision = DTYPE_F32,
                         .precision_name = "f32",
                         .save_seconds = 600,
                         .seed = e->options->seed};
  bool ok = true;
  for (int i = 0; i < task->u.task.body->u.list.count; i++) {
    const Ast *statement = task->u.task.body->u.list.item[i];
    if (settings_statement(statement))
      ok &= set(e, scope, statement->u.binding.name, statement->u.binding.value, settings);
  }
  for (int i = 0; i < e->overrides; i++) {
    size_t length = strlen(task->u.task.name);
    const char *name = e->override[i].name;
    if (!strncmp(name, task->u.task.name, length) && name[length] == '.')
      ok &= set(e, scope, name + length + 1, e->override[i].ast, settings);
  }
  if (e->options->hooks) {
    settings->hooks = e->options->hooks;
    settings->hooks_at = (Span){0};
  }
  if (e->options->seed_given) settings->seed = e->options->seed;
  const char *forced = e->options->precision;
  if (forced) {
    settings->precision = !strcmp(forced, "f64") ? DTYPE_F64 : DTYPE_F32;
    settings->precision_name = forced;
  }
  return ok;
}
