/* Lua scripts that Lathe calls: hooks of training, of configs and of records (language.md 6).
 *
 * A script is a table of functions. Each call has a budget of steps and of memory and sees only what the sandbox
 * gives it, so it cannot hang, reach a file or the clock, or answer differently in another run. Whatever goes
 * wrong becomes E0801 at the line of the script, and the call returns false. */
#ifndef INTERPRETER_HOOKS_HOOKS_H
#define INTERPRETER_HOOKS_HOOKS_H

#include "base/problem.h"
#include "interpreter/hooks/plain.h"
#include "interpreter/report.h"

typedef enum {
  HOOK_CONFIG,
  HOOK_START,
  HOOK_BEFORE_STEP,
  HOOK_AFTER_STEP,
  HOOK_EPOCH,
  HOOK_VALIDATED,
  HOOK_NAN,
  HOOK_FINISH,
  HOOK_ROW,
  HOOK_COUNT
} HookKind;

extern const char *const hook_names[HOOK_COUNT];

typedef struct {
  int64_t steps;  // instructions of Lua and what counts like them, a call
  size_t memory;  // bytes of the whole script
  double seconds; // of processor time, a call: what no counting catches
} HookLimits;

extern const HookLimits hook_limits; // 10 million, 64 MiB, 4 seconds

/* What a hook of training sees as `ctx`, and what it asks for there. The trainer keeps it current. */
typedef struct HookContext HookContext;
struct HookContext {
  // seen; NaN numbers and NULL texts are nil
  int64_t step, steps, epoch, epochs, attempt;
  uint64_t seed;
  double progress, loss, grad_norm, best;
  bool resumed;
  const char *task;
  void *owner;                          // for the functions
  int rates;                            // learning rates: one a `using`
  double (*rate)(void *owner, int i);   // NaN: not known before the step
  bool (*has_rate)(void *owner, int i); // the optimizer has a setting lr
  const ReportNumber *(*numbers)(void *owner, bool valid, int *count);
  const Plain *(*config)(void *owner);
  bool (*weights)(void *owner, const char *glob, double *count, double *norm, double *mean); // false: no such
  int64_t rows;                                                                              // of training
  const Plain *(*record)(void *owner, int64_t row);
  // asked for
  double lr_scale, clip; // NaN: not asked
  double *lr;            // `rates` of them; NaN: not asked
  bool skip;
  const char *stop; // why
  bool (*log)(void *owner, const char *name, double value);
  const char *(*checkpoint)(void *owner, const char *name);                     // NULL, or why not
  const char *(*rewind)(void *owner, const char *name);                         // the same
  const char *(*set_weights)(void *owner, const double *weight, int64_t count); // of rows; copies
  const char *(*limit)(void *owner, int64_t rows);
};

#define HOOK_FILE_LIMIT ((size_t)1 << 20) // bytes of a script

typedef struct Hooks Hooks;

typedef struct {
  Arena *arena; // of the Problems and of what is given back; scripts have memory of their own
  Problems *problems;
  Span at;            // the place in the program that names the script; may be nowhere
  const char *folder; // where include() looks; NULL: beside the script
  uint64_t seed;      // of math.random
  const HookLimits *limits;
} HookOptions;

/* Runs the file and takes its table of functions. NULL after a Problem: unreadable (E0704), no Lua or failed
 * (E0801), no table or a name that is no hook (E0803). */
Hooks *hooks_open(const HookOptions *options, const char *path);
void hooks_close(Hooks *hooks); // NULL is fine
bool hooks_has(const Hooks *hooks, HookKind kind);
const Source *hooks_source(const Hooks *hooks); // the script's text

/* A hook of training; true at once if the script has none of this kind. */
bool hooks_call(Hooks *hooks, HookKind kind, HookContext *context);
/* config(c) or row(r): `in` becomes the argument. `*out` is NULL where it returned nil. */
bool hooks_ask(Hooks *hooks, Arena *arena, HookKind kind, const Plain *in, const Plain **out);

/* ctx.state and how far math.random came, as text and back: exact. E0801 where the state holds what is no plain
 * value; false too if the bytes are none of ours. */
bool hooks_state_write(Hooks *hooks, Text *out);
bool hooks_state_read(Hooks *hooks, const char *bytes, size_t length);

#endif
