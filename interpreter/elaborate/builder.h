/* Between the statements of a task: what they share while one pass is built.
 *
 * A pass is the text of a block in one graph. What happens only now and then (`every k`, `if` on a number of the run,
 * the update behind the last of accumulated batches) is written under a guard: a bool that the step's graph reads.
 * Whoever runs the pass knows every guard before the step and takes a plan in which they are constants, so what is
 * not due is not computed. */
#ifndef INTERPRETER_ELABORATE_BUILDER_H
#define INTERPRETER_ELABORATE_BUILDER_H

#include "interpreter/elaborate/dataset.h"

typedef enum { PASS_TRAIN, PASS_VALID, PASS_ONCE } PassKind;

/* An optimizer with its settings: what is written behind one `using`, or the value of a `let`. */
typedef struct {
  const void *key;
  int number;
} Instance;

/* A value that a weight has had in this step. */
typedef struct {
  Variable *variable;
  Node *node;
} Version;

/* What held before a guard. */
typedef struct {
  Node *node;
  When when;
  Scope *scope;
  int64_t every;
  int conditions;
} Outer;

typedef struct {
  Node *node, *active;
  When when;
  int counted; // conditions that it stands under
} LossPart;

/* A table behind `on`. */
typedef struct {
  Dataset *data;
  PartName part;
  bool whole; // no part was named
  Name name;  // after `as`; NULL: fields stand by themselves
} TaskTable;

typedef struct {
  Elaborator *e;
  const Ast *ast;
  const Settings *settings;
  TaskHooks *hooks; // NULL: none
  const TaskTable *source;
  int sources;
  PassKind kind;
  Pass *pass;
  Scope *scope, *top; // of the statement that runs, of the block
  bool validates;     // the task has a validation pass beside this one
  When when;          // guards of the statement that runs …
  Scope *guarded;     // … the scope outside the innermost of them
  int64_t every;      // … its `every`: 0 none
  int conditions;     // … and how many of them are not `every`
  int loops;          // `for`s around it
  Node *loss, *finite;
  LossPart *part;
  int minimizes;
  size_t part_capacity;
  Instance *instance;
  int instances;
  size_t instance_capacity;
  Version *version;
  int versions;
  size_t version_capacity;
} Builder;

/* ---- tables of a task (tables.c) ---- */
/* The tables behind `on`, opened; -1 after a Problem. */
int sources_read(Elaborator *e, const Ast *task, TaskTable **out);
void sources_bind(Builder *b); // their fields, in the block's scope
void run_draw(Builder *b, const Ast *statement);

/* ---- guards (guard.c) ---- */
Outer guard_save(const Builder *b);
void guard_restore(Builder *b, const Outer *outer);
bool guard_every(Builder *b, const Ast *every); // false after a Problem; NULL: nothing is guarded
void guard_update(Builder *b);                  // the last batch of an update
void guard_tell(Builder *b);                    // before a line is told
void guard_condition(Builder *b, Node *condition, bool yes); // a bool scalar of the step
/* A graph output that exists only when the guards of now say so. */
void guard_output(Builder *b, const char *name, Node *node);
Node *guard_value(Builder *b, Node *node, double otherwise); // `node` where the guards hold, else a number

/* ---- what is measured and shown (measures.c) ---- */
void run_metric(Builder *b, const Ast *statement);
void run_print(Builder *b, const Ast *statement);
void run_yield(Builder *b, const Ast *statement);
void run_save(Builder *b, const Ast *statement);
void run_expect(Builder *b, const Ast *statement);
void add_measure(Builder *b, Measure measure, Node *node); // node NULL: known before the run
void measures_end(Builder *b);                             // the loss, and whether all is finite
/* A float scalar of `value`, in the precision of the task; NULL after a Problem that calls it `what`. */
Node *scalar_of(Builder *b, const Value *value, const Ast *ast, const char *what);

/* ---- what a Lua hook may change (hooked.c) ---- */
void hooks_begin(Builder *b); // before the pass is built
/* `update` with its learning rate as the hook wants it; `number`: of the optimizer in the task. */
const Value *hooks_update(Builder *b, const Value *update, int number);
/* Gradients scaled together so that their norm is at most what the hook says; their norm is kept for `grad_norm`. */
void hooks_clip(Builder *b, Node *square, Node **gradient, int count);
void hooks_end(Builder *b); // behind the block

/* ---- what changes weights (minimize.c, weights_value.c) ---- */
void run_minimize(Builder *b, const Ast *statement);
void averages_follow(Builder *b); // ema: behind the last statement
void run_freeze(Builder *b, const Ast *statement);
void run_set(Builder *b, const Ast *statement);
void version_add(Builder *b, Variable *variable, Node *now); // before a weight gets another value

#endif
