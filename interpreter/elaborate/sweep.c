/* Reading a sweep block, and the values of its trials. */
#include "interpreter/elaborate/sweep.h"

#include "base/philox.h"
#include "base/random.h"
#include "lang/problems.h"

#include <math.h>
#include <string.h>

#define SITE_SWEEP  0x7377656570u // "sweep"
#define TRIALS_MOST 100000
#define LOG_POINTS  5 // of a log_range in a grid

// ---- axes ---------------------------------------------------------------------------------------------------------

static const Ast *call_named(const Ast *ast, const char *name) {
  bool call = ast->kind == AST_CALL && ast->u.call.callee->kind == AST_NAME;
  return call && !strcmp(ast->u.call.callee->u.name, name) ? ast : NULL;
}

/* The config of that name, or the setting of the task that is swept; NULL after a Problem. */
static const char *axis_name(Elaborator *e, const Ast *base, const Ast *at, Name name) {
  const char **known = ARENA_ARRAY(e->arena, const char *, e->declaration->count + 64);
  int count = 0, settings;
  const char *const *setting = setting_names(&settings);
  for (int i = 0; i < e->declaration->count; i++)
    if (e->declaration->item[i]->kind == AST_CONFIG)
      known[count++] = e->declaration->item[i]->u.function.name;
  for (int i = 0; i < count; i++)
    if (!strcmp(known[i], name)) return name;
  for (int i = 0; i < settings; i++)
    if (!strcmp(setting[i], name)) return arena_printf(e->arena, "%s.%s", base->u.task.name, name);
  problem_sweep_name(e->problems, at->at, name, name_nearest(name, known, count));
  return NULL;
}

static bool literal(Elaborator *e, const Value *value, const char **out) {
  bool plain = value->kind == VALUE_INT || value->kind == VALUE_FLOAT || value->kind == VALUE_STRING ||
               value->kind == VALUE_BOOL;
  Text text = {0};
  if (plain) value_print(value, &text);
  *out = arena_copy(e->arena, text_string(&text), text.length);
  text_free(&text);
  return plain;
}

static bool axis_log(Elaborator *e, Scope *scope, const Ast *call, SweepAxis *axis) {
  double number[3] = {0, 0, LOG_POINTS};
  int count = call->u.call.items.count;
  for (int i = 0; i < count && i < 3; i++)
    if (!value_number(eval(e, scope, call->u.call.items.item[i]->u.arg.value), &number[i])) return false;
  axis->log = true;
  axis->low = number[0];
  axis->high = number[1];
  axis->values = (int)number[2];
  if (count < 2 || count > 3 || number[0] <= 0 || number[1] <= number[0] || number[2] < 2 || number[2] > 1000)
    return false;
  const char **value = ARENA_ARRAY(e->arena, const char *, axis->values);
  for (int i = 0; i < axis->values; i++)
    value[i] = arena_printf(e->arena, "%.9g",
                            number[0] * pow(number[1] / number[0], (double)i / (double)(axis->values - 1)));
  axis->value = value;
  return true;
}

static bool axis_read(Elaborator *e, Scope *scope, const Ast *ast, SweepAxis *axis) {
  if (call_named(ast, "log_range")) return axis_log(e, scope, ast, axis);
  const Value *over = eval(e, scope, ast), **item;
  if (over->kind != VALUE_LIST && over->kind != VALUE_RANGE) return false;
  axis->values = eval_rounds(e, ast, over, &item);
  const char **value = ARENA_ARRAY(e->arena, const char *, axis->values + 1);
  for (int i = 0; i < axis->values; i++)
    if (!literal(e, item[i], &value[i])) return false;
  axis->value = value;
  return axis->values > 0;
}

// ---- the block ----------------------------------------------------------------------------------------------------

static bool read_goal(const Ast *ast, Sweep *sweep) {
  const Ast *call = call_named(ast, "minimum");
  sweep->least = call != NULL;
  if (!call) call = call_named(ast, "maximum");
  if (!call || call->u.call.items.count != 1) return false;
  const Ast *metric = call->u.call.items.item[0]->u.arg.value;
  if (metric->kind != AST_STRING || strncmp(metric->u.string.bytes, "valid.", 6)) return false;
  sweep->goal = metric->u.string.bytes + 6;
  return true;
}

static bool read_repeats(Elaborator *e, Scope *scope, const Ast *ast, Sweep *sweep) {
  if (ast->kind != AST_TUPLE) return false;
  for (int i = 0; i < ast->u.list.count; i++) {
    const Ast *part = ast->u.list.item[i];
    SweepAxis *axis = &sweep->axis[sweep->axes + sweep->repeats];
    *axis = (SweepAxis){0};
    if (!part->u.arg.name || !axis_read(e, scope, part->u.arg.value, axis) || axis->log) return false;
    axis->name = axis_name(e, sweep->base, part, part->u.arg.name);
    if (!axis->name) return true;
    sweep->repeats++;
  }
  return true;
}

static bool read_setting(Elaborator *e, Scope *scope, const Ast *statement, Sweep *sweep) {
  const char *name = statement->u.binding.name;
  const Ast *ast = statement->u.binding.value;
  const char *takes = NULL;
  if (!strcmp(name, "trials")) {
    const Value *value = eval(e, scope, ast);
    bool known = value->kind == VALUE_INT && dim_is_number(value->u.dim, &sweep->trials);
    if (!known || sweep->trials < 1 || sweep->trials > TRIALS_MOST) takes = "a number of trials: trials = 20";
  } else if (!strcmp(name, "strategy")) {
    sweep->random = ast->kind == AST_STRING && !strcmp(ast->u.string.bytes, "random");
    if (!sweep->random && (ast->kind != AST_STRING || strcmp(ast->u.string.bytes, "grid")))
      takes = "\"grid\" or \"random\"";
  } else if (!strcmp(name, "goal")) {
    if (!read_goal(ast, sweep)) takes = "goal = minimum(\"valid.loss\")";
  } else if (!strcmp(name, "repeats")) {
    if (!read_repeats(e, scope, ast, sweep)) takes = "repeats = (seed=0..5)";
  } else
    return false;
  if (takes) problem_setting_value(e->problems, ast->span, name, takes);
  return true;
}

static const Ast *base_of(Elaborator *e, const Ast *ast) {
  const Ast *source = ast->u.task.sources.count == 1 ? ast->u.task.sources.item[0]->u.arg.value : NULL;
  const char **known = ARENA_ARRAY(e->arena, const char *, e->declaration->count + 1);
  int count = 0;
  for (int i = 0; i < e->declaration->count; i++) {
    const Ast *task = e->declaration->item[i];
    if (task->kind != AST_TASK || task->u.task.task != TASK_TRAIN) continue;
    known[count++] = task->u.task.name;
    if (source && source->kind == AST_NAME && source->u.name == task->u.task.name) return task;
  }
  bool named = source && source->kind == AST_NAME;
  problem_sweep_base(e->problems, source ? source->span : ast->at,
                     named ? name_nearest(source->u.name, known, count) : NULL);
  return NULL;
}

/* The repeats stand behind the axes whatever the order of the text: they are read in a second turn. */
static void read_block(Elaborator *e, const Ast *ast, Sweep *sweep) {
  const AstList *list = &ast->u.task.body->u.list;
  Scope *scope = scope_new(e, e->file);
  for (int i = 0; i < list->count; i++) {
    const Ast *statement = list->item[i];
    if (statement->kind != AST_ASSIGN) {
      problem_misplaced(e->problems, statement->at.source ? statement->at : statement->span);
      continue;
    }
    static const char *const own[] = {"trials", "strategy", "goal", "repeats"};
    bool known = false;
    for (int k = 0; k < 4; k++) known = known || !strcmp(own[k], statement->u.binding.name);
    if (known) continue;
    SweepAxis *axis = &sweep->axis[sweep->axes];
    *axis = (SweepAxis){.name = axis_name(e, sweep->base, statement, statement->u.binding.name)};
    if (!axis->name) continue;
    if (!axis_read(e, scope, statement->u.binding.value, axis)) {
      problem_setting_value(e->problems, statement->u.binding.value->span, statement->u.binding.name,
                            "values to try: width = [16, 32, 64]      lr = log_range(1e-4, 1e-2)");
      continue;
    }
    sweep->random = sweep->random || axis->log;
    sweep->axes++;
  }
  for (int i = 0; i < list->count; i++)
    if (list->item[i]->kind == AST_ASSIGN) read_setting(e, scope, list->item[i], sweep);
}

static int axis_room(const Ast *ast) {
  int count = 1;
  for (int i = 0; i < ast->u.task.body->u.list.count; i++) {
    const Ast *statement = ast->u.task.body->u.list.item[i];
    count++;
    if (statement->kind == AST_ASSIGN && statement->u.binding.value->kind == AST_TUPLE)
      count += statement->u.binding.value->u.list.count;
  }
  return count;
}

Sweep *sweep_read(Elaborator *e, const Ast *ast) {
  int errors = problems_count(e->problems, SEVERITY_ERROR);
  Sweep *sweep = ARENA_NEW(e->arena, Sweep);
  *sweep = (Sweep){.base = base_of(e, ast), .trials = 20, .goal = "loss", .least = true};
  if (!sweep->base) return NULL;
  sweep->axis = ARENA_ARRAY(e->arena, SweepAxis, axis_room(ast));
  Saved saved = graph_begin(e, false, DTYPE_F32);
  read_block(e, ast, sweep);
  graph_end(e, &saved);
  if (!sweep->random && sweep_trials(sweep) > TRIALS_MOST)
    problem_too_many(e->problems, ast->at, "trials", TRIALS_MOST);
  return problems_count(e->problems, SEVERITY_ERROR) > errors ? NULL : sweep;
}

// ---- trials -------------------------------------------------------------------------------------------------------

static int64_t combinations(const SweepAxis *axis, int count) {
  int64_t product = 1;
  for (int i = 0; i < count && product <= TRIALS_MOST; i++) product *= axis[i].values;
  return product;
}

int64_t sweep_trials(const Sweep *sweep) {
  return sweep->random ? sweep->trials : combinations(sweep->axis, sweep->axes);
}

int64_t sweep_runs(const Sweep *sweep) { return combinations(sweep->axis + sweep->axes, sweep->repeats); }

static const char *drawn(const SweepAxis *axis, Arena *arena, uint64_t seed, int64_t trial, int number) {
  uint64_t key = random_key(seed, SITE_SWEEP, (uint32_t)number);
  uint32_t halves[2] = {(uint32_t)key, (uint32_t)(key >> 32)}, counter[4], word[4];
  random_counter(trial, 0, 0, counter);
  philox4x32(counter, halves, word);
  double place = random_f64(word[0]);
  return axis->log ? arena_printf(arena, "%.6g", axis->low * pow(axis->high / axis->low, place))
                   : axis->value[(int)(place * axis->values)];
}

const char **sweep_values(const Sweep *sweep, Arena *arena, uint64_t seed, int64_t trial, int64_t run) {
  int count = sweep->axes + sweep->repeats;
  const char **set = ARENA_ARRAY(arena, const char *, count + 1);
  for (int i = count - 1; i >= 0; i--) { // the last axis goes round first
    const SweepAxis *axis = &sweep->axis[i];
    int64_t *place = i < sweep->axes ? &trial : &run;
    const char *value;
    if (i < sweep->axes && sweep->random)
      value = drawn(axis, arena, seed, trial, i);
    else {
      value = axis->value[*place % axis->values];
      *place /= axis->values;
    }
    set[i] = arena_printf(arena, "%s=%s", axis->name, value);
  }
  return set;
}
