/* From tree to graph: values computed, layers unrolled, every type and shape checked on the way.
 *
 * One walk does both checking and building: it evaluates the program with tensors as graph nodes. The generic
 * check of a fn or layer is the same walk with nothing known, into a graph that is thrown away. Problems are
 * collected; what failed is UNKNOWN and stays silent. */
#ifndef INTERPRETER_ELABORATE_ELABORATE_H
#define INTERPRETER_ELABORATE_ELABORATE_H

#include "backends/backend.h"
#include "interpreter/data/windows.h"
#include "interpreter/elaborate/value.h"
#include "interpreter/formats/bundle.h"

/* One call of an instance: names its layers and finds its weights again at the next call. */
typedef struct Frame {
  const char *path; // of the instance; NULL outside models
  const Ast *owner;
  struct {
    Name name;
    int count;
  } used[64]; // how many layers of a name were made here
  int uses;
  struct Frame *caller;
} Frame;

typedef struct {
  Variable *variable;
  const char *model;     // the model it belongs to; NULL for optimizers and metrics
  const char *canonical; // path with every number: net.Dense.0.W
  Span first_use;
  bool reached; // by something that is minimized
  bool frozen;  // in some task
} Weight;

/* Rows of different lengths, filled up to the longest of each batch. */
typedef struct {
  Name field;
  int number;        // of the step in the field
  Column *ids;       // with `start`
  Column *length;    // i32: how many values each row shows
  const Dim *symbol; // T
  int64_t longest;   // of all rows, at least 1
} Pad;

/* A factor that falls when a validated metric does not improve. */
typedef struct {
  const Ast *at;
  const char *metric; // without `valid.`
  bool least;
  int64_t patience;
  double factor;
  Variable *value, *best, *worse; // the factor, the best metric so far, validations since
} Plateau;

/* A call of a model with other weights. */
typedef struct WithWeights {
  const char *path; // of the model
  const Value *record;
  const struct WithWeights *outer;
} WithWeights;

/* A `data` declaration: its table, fields and what was fitted. */
struct Dataset {
  Name name;
  const Ast *ast;
  Scope *home;
  Table *table;
  bool open, opening, replaced; // replaced: by the file given with --in
  bool
      absent; // the file is not there, and what was learned from it came with the weights: rows cannot be read
  bool binding; // its block is being elaborated: its own fields cannot be asked for
  bool fitting; // fields are being elaborated for the first time, in f64
  struct {
    Column *column;
    Variable *variable;
    const char *key;
    Part rows;
  } * leaf;
  int leaves;
  size_t leaf_capacity;
  struct {
    Name field;
    int number;
    const char *title;
    Column *column;
  } * made; // columns that steps made: classes of every row, pieces of texts, stored values of windows
  int mades;
  size_t made_capacity;
  Pad **pad;
  int pads;
  size_t pad_capacity;
  bool cuts;          // the block cuts windows …
  const Dim *row_dim; // … so this is the first dim of what has one value a row: no dim of an example
  Windows *windows;   // what an example is; NULL: a row
};

/* How many random calls were made at each place. */
typedef struct {
  uint64_t place;
  int count;
} RandomSite;
typedef struct {
  RandomSite *place;
  int count;
  size_t capacity;
} RandomSites;

/* A tensor known before the run: a field of all examples of a part, or one of a let of the file. */
typedef struct {
  Variable *variable;
  Graph *graph; // of the let: assigns the variable
  Dataset *data;
  PartName part;
  Name field;
  Node *node; // the field, in a graph of its own
  const Fitted *fitted;
} Constant;

/* What a model was called with last. */
typedef struct {
  const char *model;
  Type *type; // of its inputs
  int inputs;
} Called;

typedef struct Body Body;         // body.h
typedef struct Yielding Yielding; // control.c

typedef struct {
  Name name;
  const Ast *ast; // the AST_LET value given on the command line, parsed
} Override;

typedef struct {
  const char *root, *out; // folders, NULL: the program's, the current one
  const char *in;         // --in: replaces the source of a predict
  const char *const *set; // name=value, task.setting=value
  int sets;
  uint64_t seed;
  bool seed_given;
  int threads, level;
  bool json, quiet, verbose, colour;
  const char *device, *weights, *precision;
  const char *hooks; // --hooks: the Lua file of every train block
  const char *const *held,
      *const *held_text; // files of a program whose text is this, whatever stands on the disk
  int helds;
  bool no_fuse;
} Options;

struct Elaborator {
  Arena *arena;
  Problems *problems;
  const Options *options;
  const char *program_path, *program_name; // path as given; name without folder and ending
  Scope *builtins, *stdlib, *file;
  AstList *declaration; // all of the program, `use`d files' first
  Ast *program;
  const Source **source; // the program's text, and those that it uses
  int sources;
  size_t source_capacity;
  Override *override;
  int overrides;
  Dataset **dataset;
  int datasets;
  size_t dataset_capacity;
  Fitted **fitted;
  int fitteds;
  size_t fitted_capacity;
  bool fitted_loaded; // they came from a weights file: nothing is fitted again
  Weight *weight;
  int weights;
  size_t weight_capacity;
  struct {
    const char *from, *to; // model to = copy(from)
  } * copy;
  int copies;
  size_t copy_capacity;
  Constant *constant;
  int constants;
  size_t constant_capacity;
  Called *called;
  int calleds;
  size_t called_capacity;
  int variables;      // numbers given out
  Graph *init;        // assigns every weight and state of a model its first value
  Graph *init_states; // the same for states of metrics and optimizers of the pass being built

  // of the graph that is being built
  Graph *graph;
  DType precision;
  bool generic;   // nothing is known
  Body *body;     // that is being elaborated, in `graph`; NULL: the graph is no body
  Yielding *loop; // the scan or map around, whose values `yield` gives
  bool training;
  Node **current; // by variable number: its value now; NULL: not read yet
  size_t current_capacity;
  Frame *frame;
  const WithWeights *with; // records that stand for weights in the call that is computed
  const char **frozen_model;
  int frozen_models;
  uint64_t site;           // hash of the task, or of the weight whose first value is made
  RandomSites random;      // random calls so far in this graph
  Variable *running[4];    // step, epoch, progress; 1 in the first batch of a pass, else 0
  bool metric_used;        // a metric with state was called since this was cleared
  const char *metric_path; // prefix of metric states
  int metrics;             // metrics applied so far in this graph
  Node *guard;             // a bool: what is assigned changes only where it is true; NULL: always
  Variable **kept;         // states of optimizers and of the block, found again by path
  int kepts;
  size_t kept_capacity;
  Span early;            // where weights were asked for that do not exist yet: the pass is built again
  const char *task_path; // of the train block that is built: prefix of its states
  Plateau *plateau;      // of the task that is built
  int plateaus;
  size_t plateau_capacity;
  const char *optimizer_path; // prefix of optimizer states
  const Dim *batch;           // the symbol B of this task
  Dataset *field_of;          // a field of this data set is being elaborated …
  Name field;                 // … this one
  int field_step;             // number of its next fitted step
  int depth;                  // of calls
  int functions;              // of fns, in the layer that is computed: their nodes have the place of the call
  AstList watches;            // expressions whose values a train block gives as outputs watch.0, watch.1, …
  uint64_t line;              // of a session: the step of the random numbers of its lets; 0 in a file
  const volatile int *stop;   // see RunArgs
};

#define CALL_DEPTH_LIMIT 200

#define RUN_NAMES 5
extern const char *const run_name[RUN_NAMES]; // training, step, epoch, progress, first_batch

Elaborator *elaborator_new(Arena *arena, Problems *problems, const Options *options);

/* Reads the program with all it uses, opens its tables, checks every declaration: types, shapes, tasks.
 * false after an error. */
bool elaborator_load(Elaborator *e, const char *path);
void elaborator_close(Elaborator *e); // its tables; the rest is the arena's

/* The parts of elaborator_load, for a program that is entered piece by piece: the library and an empty file of that
 * path; the declarations of a file with those it uses; a declaration's names in the scope of the file (a Problem where
 * they are taken); and its check, inside graph_begin and graph_end. */
void elaborator_start(Elaborator *e, const char *path);
bool elaborator_read(Elaborator *e, const char *path, AstList *all);
void elaborator_declare(Elaborator *e, const Ast *ast);
void elaborator_check(Elaborator *e, const Ast *ast);
Name declaration_name(const Ast *ast); // NULL: it has none, or several

void elaborator_check_stdlib(Elaborator *e); // the generic check of the library itself

/* ---- expressions (eval.c, operators.c, index.c) ---- */
const Value *eval(Elaborator *e, Scope *scope, const Ast *ast);
const Value *eval_block(Elaborator *e, Scope *scope, const Ast *block);      // in a new scope
const Value *eval_statements(Elaborator *e, Scope *scope, const Ast *block); // in this one
const Value *operate(Elaborator *e, const Ast *ast, Operator op, const Value *a, const Value *b);
/* In a data block a value is one example: 1 where rows stand in front of x, which indices and axes do not see. */
int example_dims(const Elaborator *e, const Node *x);
Node *whole_widened(Node *x); // whole numbers as i64, others as they are
/* Control flow while the program runs (control.c). */
const Value *eval_scan(Elaborator *e, Scope *scope, const Ast *ast);
const Value *eval_map(Elaborator *e, Scope *scope, const Ast *ast);
const Value *eval_yield(Elaborator *e, Scope *scope, const Ast *ast);
const Value *eval_branch(Elaborator *e, Scope *scope, const Ast *ast, Node *condition);
const Value *eval_index(Elaborator *e, Scope *scope, const Ast *ast);
/* A field of a table, or of those rows of it that the value has. */
const Value *data_field(Elaborator *e, const Ast *ast, const Value *base, Name name);
/* The subscripts of an AST_INDEX applied to a tensor or column. */
const Value *index_value(Elaborator *e, Scope *scope, const Ast *ast, const Value *base);
/* The values a `for` runs over. -1 after a Problem. */
int eval_rounds(Elaborator *e, const Ast *at, const Value *over, const Value ***out);
bool eval_statement(Elaborator *e, Scope *scope, const Ast *statement,
                    const Value **value); // false: not one of a plain block

/* ---- scopes (scope.c) ---- */
Scope *scope_new(Elaborator *e, Scope *parent);
void scope_bind(Elaborator *e, Scope *scope, Name name, const Value *value);
void scope_place(Scope *scope, Name name, Span at); // where the name was given, for messages
Binding *scope_add(Elaborator *e, Scope *scope, Name name);
Binding *scope_find(Scope *scope, Name name);
const Value *scope_value(Elaborator *e, Scope *scope, Name name,
                         const Ast *at); // evaluates declarations; Problem if absent
const char *scope_nearest(Elaborator *e, Scope *scope, Name name);

/* ---- values (value.c) ---- */
const Value *value_unknown(void);
const Value *value_none(void);
const Value *value_int(Elaborator *e, const Dim *dim);
const Value *value_whole(Elaborator *e, int64_t number);
const Value *value_float(Elaborator *e, double number);
const Value *value_bool(Elaborator *e, bool truth);
const Value *value_unknown_float(void);
const Value *value_unknown_bool(void);
const Value *value_string(Elaborator *e, const char *bytes, int length);
const Value *value_list(Elaborator *e, const Value *const *item, int count);
const Value *value_record(Elaborator *e, const Value *const *item, const Name *name, int count);
const Value *value_tensor(Elaborator *e, Node *node);
bool value_is_static_number(const Value *value);
bool value_number(const Value *value, double *number); // of a known int, float
/* A tensor of what may be one: tensors, columns, numbers (in the elaborator's float dtype), bools. NULL if it
 * is none; reports columns with holes or text. */
Node *value_node(Elaborator *e, const Value *value, const Ast *at);
Node *value_float_node(Elaborator *e, const Value *value, const Ast *at);

/* ---- calls (call.c, signature.c, layer.c) ---- */
const Value *call_value(Elaborator *e, const Ast *at, const Value *callee, const Argument *args, int count);
int call_arguments(Elaborator *e, Scope *scope, const AstList *list, const Value *first, const Ast *first_ast,
                   Argument **out);
/* repeat(n, L): its second argument evaluated n times, in a row. The one special form. */
/* Evaluates the arguments of its call itself: repeat makes a layer each time, remat a body. */
typedef const Value *Form(Elaborator *e, Scope *scope, const Ast *call);
Form eval_repeat, eval_remat;
bool glob_match(const char *glob, const char *path); // `*` is one level, `**` any number of them
Node *node_root(Node *x);                            // its gradient at 0 is 0
/* Whether a tensor that the signature asks for is UNKNOWN: then the body could only complain about it again. */
bool inputs_unknown(const AstList *params, const Argument *args, int count);
bool signature_bind(Elaborator *e, const Ast *call, const char *what, Scope *scope, const AstList *params,
                    const Argument *args, int count, bool settings);
bool signature_result(Elaborator *e, const Ast *declaration, Scope *scope, const Ast *type,
                      const Value *value);
bool signature_wheres(Elaborator *e, const Ast *call, Scope *scope, const Ast *declaration);
const Value *layer_make(Elaborator *e, const Ast *at, const Value *recipe, const Argument *args, int count,
                        Name let_name);
const Value *instance_apply(Elaborator *e, const Ast *at, const Value *instance, const Argument *args,
                            int count);
const Value *param_declare(Elaborator *e, Scope *scope, const Ast *statement);
const Value *state_declare(Elaborator *e, Scope *scope, const Ast *statement);
/* The node as the graph that is being built has it: captured, if it belongs to a graph around. */
Node *node_here(Elaborator *e, Node *node);
Graph *graph_outermost(const Elaborator *e);                         // around all bodies
Node *variable_value(Elaborator *e, Variable *variable);             // its value now
void variable_update(Elaborator *e, Variable *variable, Node *node); // what is assigned has no gradient
void variable_assign(Elaborator *e, Variable *variable,
                     Node *node); // the same, of states outside training too
/* The state of an optimizer or block at `path`, made with the first value `first` if new. */
Variable *variable_kept(Elaborator *e, const char *path, Type type, Node *first, Span span);
Variable *variable_new(Elaborator *e, VariableRole role, const char *path, Type type, Span span);
const Value *metric_apply(Elaborator *e, const Ast *at, const Value *metric, const Argument *args, int count);
/* `count`: what `step` is inside: the number of this update. */
Node *optimizer_apply(Elaborator *e, const Ast *at, const Value *update, const char *path, Node *count,
                      Node *weight, Node *gradient);
const Value *eval_type_dims(Elaborator *e, Scope *scope, const Ast *type, Type *out); // NULL after a Problem

/* ---- built-in functions (builtins.c and the tables it lists) ---- */
struct Builtin {
  const char *name;
  const char *signature; // "x size stride? pad?"; a name behind `*` takes all further arguments
  const Value *(*call)(Elaborator *e, const Ast *at, const Argument *slot, const Argument *rest, int rests);
  const char *doc;
};                                  // a slot whose value is NULL was not given
const Builtin *builtin_at(int i);   // NULL behind the last
bool op_is_function(OpCode op);     // a MAP row that programs call by its name
Form *form_of(const Value *callee); // NULL: an ordinary value
void builtins_declare(Elaborator *e, Scope *scope);
const Value *builtin_call(Elaborator *e, const Ast *at, const Value *callee, const Argument *args, int count);

typedef struct {
  const Builtin *row;
  int count;
} BuiltinTable;
extern const BuiltinTable builtins_shape, builtins_math, builtins_data, builtins_text, builtins_index,
    builtins_windows, builtins_pattern, builtins_random, builtins_images, builtins_linear, builtins_weights,
    builtins_gradient; // one a file

/* Arguments of built-in functions, checked: NULL, false or -1 after a Problem (or where a value is UNKNOWN). */
Node *slot_tensor(Elaborator *e, const Ast *at, const Argument *slot);
Node *slot_float(Elaborator *e, const Ast *at, const Argument *slot);
/* A list as the tensor that it is beside one of type `other`; UNKNOWN after a Problem. */
const Value *list_beside(Elaborator *e, const Ast *at, const Value *list, const Type *other);
bool slot_int(Elaborator *e, const Ast *at, const Argument *slot, int64_t fallback, int64_t *out);
bool slot_number(Elaborator *e, const Ast *at, const Argument *slot, double fallback, double *out);
bool slot_shape(Elaborator *e, const Ast *at, const Argument *slot, int *rank, const Dim **size);
int slot_axes(Elaborator *e, const Argument *slot, const Node *x, int *axis); // ascending; none given: all
int slot_axis(Elaborator *e, const Argument *slot, const Node *x, int fallback);
const Value *slot_error(Elaborator *e, const Ast *at, const Argument *slot, const char *wanted); // UNKNOWN
/* Types of two inputs that do not go together, and what would: UNKNOWN. `help` may be NULL. */
const Value *inputs_error(Elaborator *e, const Ast *at, const char *name, const Node *a, const Node *b,
                          const char *why, const char *help);
/* The size of an axis, which must be known; false after a Problem, or in the generic check. */
bool axis_size(Elaborator *e, const Ast *at, const char *name, const Node *x, int axis, int64_t *size);
/* Rows of a field filled up to the longest of a batch, or cut at `longest`: (ids, keep). */
const Value *pad_column(Elaborator *e, const Ast *at, const Argument *rows, const Argument *longest);
uint64_t random_site(Elaborator *e);
uint64_t path_hash(const char *path);                  // what a path adds to the key of random numbers
Node *unknown_tensor(Elaborator *e, const Type *type); // for the generic check: a tensor of that type
const Value *random_normal(Elaborator *e, int rank, const Dim *const *size);

/* ---- data (dataset.c) ---- */
Dataset *dataset_declare(Elaborator *e, const Ast *ast, Scope *home);
bool dataset_open(Elaborator *e, Dataset *data);
/* Whether rows of the table can be read; a Problem where its file is not there. */
bool dataset_has_rows(Elaborator *e, const Dataset *data, const Ast *at);
void dataset_bind_fields(Elaborator *e, Dataset *data, Scope *scope);
const Value *dataset_field(Elaborator *e, Dataset *data, Name name);
Node *dataset_column(Elaborator *e, Dataset *data, Column *column, const Ast *at);
/* d.train.x as one tensor of known length, d.train.rows as a number; UNKNOWN after a Problem. */
const Value *dataset_whole(Elaborator *e, Dataset *data, PartName part, Name name, const Ast *at);
bool whole_compute(Elaborator *e, const Constant *constant); // its numbers; false after a Problem
/* What the steps of the block learned, and what one example became: for `lathe data`. */
void dataset_show_examples(const Elaborator *e, const Dataset *data, Text *out);
/* The examples of a part: rows, or windows where the block cuts them. */
const Part *dataset_part(const Dataset *data, PartName part);
/* Whether each row of a text column is that text, as a bool; NULL after a Problem. A missing value is no text. */
Node *dataset_text_equals(Elaborator *e, Dataset *data, const Column *column, const char *text, size_t length,
                          const Ast *at);
Fitted *fitted_find(const Elaborator *e, Name table, Name field, int number);

/* ---- models and records (model.c, record.c) ---- */
const Value *model_declare(Elaborator *e, Scope *home, const Ast *ast);
/* The weight of a layer or model that is called `name`: word.table. NULL: it has none. */
const Value *instance_weight(Elaborator *e, const Value *instance, Name name, const Ast *at);
/* The record that a value is or, if it is a model, the one of its weights; NULL: neither. */
const Value *record_of(Elaborator *e, const Value *value);
/* Part by part; NULL: no argument is a record. */
const Value *record_operate(Elaborator *e, const Ast *ast, Operator op, const Value *a, const Value *b);
const Value *record_call(Elaborator *e, const Ast *at, const Value *callee, const Argument *args, int count);

/* ---- tensors known before the run (constant.c) ---- */
Constant *constant_add(Elaborator *e, const char *path, Type type, Span span);
/* The value of a name that a let of the file declares, its tensors as constants; and such a value in the graph that is
 * being built. `anew`: it is a schedule, made of nodes of this graph, and must be asked for again in others. */
const Value *constant_let(Elaborator *e, Scope *home, Name name, const Ast *let, bool *anew);
const Value *value_here(Elaborator *e, const Value *value);
/* Computes those that the graph reads, which whoever runs a graph calls first. false after a Problem. */
bool constants_ready(Elaborator *e, const Graph *graph);
void constants_free(Elaborator *e);

/* ---- tasks (task.c, and what builder.h lists) ---- */

/* What decides before a step whether something in it is due. */
typedef enum {
  GUARD_EVERY,    // the step is a multiple of `every`
  GUARD_UPDATE,   // the batch is the last of an update (accumulate)
  GUARD_TELL,     // a line is told behind this step
  GUARD_CONDITION // computed from step, epoch and progress
} GuardKind;

typedef struct {
  GuardKind kind;
  int64_t every;
  Variable *variable; // a bool that the graph of the step reads
  const Node *condition;
} Guard;

/* Which guards must hold and which must not: a bit a guard. */
typedef struct {
  uint64_t on, off;
} When;

typedef enum { SAVE_CSV, SAVE_PNG, SAVE_NPY, SAVE_FORMATS } SaveFormat; // by the ending of the file

typedef enum {
  MEASURE_METRIC,
  MEASURE_PART, // a share of the loss
  MEASURE_PRINT,
  MEASURE_EXPECT // a bool; its sides are outputs NAME.left and NAME.right, unless they are known before the run
} MeasureKind;

typedef struct {
  MeasureKind kind;
  const char *name;
  bool stateful; // value after the last batch; otherwise averaged by examples
  When when;
  const char *active; // an output that says whether a batch counts; NULL: all do
  const Ast *ast;
  const char *label;  // print: which part of a record; NULL: all of what was named
  const Value *value; // print: how to show it; expect: the left side
  const Value *other; // expect: the right side; NULL: there is only one
} Measure;

typedef struct {
  const char *name;
  const Value *value; // TENSOR or text COLUMN
  const char *output; // graph output of a tensor
} YieldField;

/* What lbfgs works on: weights, their gradients, and the steps that it remembers. */
typedef struct {
  struct {
    Variable *weight, *gradient;
  } * part;
  int parts;
  int64_t size, history; // numbers in all weights; pairs kept
  Variable *moved, *changed, *count;
  double *work; // room of the training loop
} Search;

typedef struct Sweep Sweep; // sweep.h

/* One elaborated pass of a task. */
typedef struct {
  Graph *graph;
  const Dim *batch;
  Dataset *data; // NULL: none
  PartName part;
  struct {
    Dataset *data;
    PartName part;
  } * more; // further tables: as many rows of each as of the first, starting over at their end
  int mores;
  Node *draw;         // chances of rows, [B], in a graph of its own; NULL: each row once
  bool draw_balanced; // … or classes that come up equally often
  Span draw_at;
  struct {
    Variable *weight, *average;
  } * average; // ema: validation and the end see the averages
  int averages;
  Search *search; // lbfgs; NULL: none
  Plateau *plateau;
  int plateaus;
  Measure *measure; // graph outputs of the same name
  int measures;
  size_t measure_capacity;
  YieldField *yield;
  int yields;
  struct {
    const Value *value;
    SaveFormat format;
    const char *to;
    const Ast *ast;
    When when;
  } * save;
  int saves;
  size_t save_capacity;
  Guard *guard;
  int guards;
  size_t guard_capacity;
  Graph *conditions; // values of GUARD_CONDITION, by the paths of their variables; NULL: there are none
  struct {
    const char *name;
    When when;
  } * guarded; // outputs that do not always exist
  int guardeds;
  size_t guarded_capacity;
  Graph *init_states; // first values of metric and optimizer states
  bool minimizes;
} Pass;

/* What a Lua hook may change in a step, as running numbers that the step's graph reads; the trainer gives them
 * memory. Only a task with hooks has them (hooked.c). */
typedef struct {
  const char *path, *folder; // the script; where include() looks
  Span at;                   // the place that names it; may be nowhere
  Variable *clip;            // the largest norm of a gradient; infinite: any
  struct {
    Variable *times, *plus; // the rate is that of the program times `times` plus `plus`
    bool has;               // the optimizer has a setting lr …
    bool known;             // … that is a number between steps
  } * rate;                 // one an optimizer, in the order of the text
  int rates;
  size_t rate_capacity;
  Graph *schedule; // its outputs "0", "1", … are the rates of the program, of those that are known
  Node *square;    // of the norm of all gradients, while the pass is built
} TaskHooks;

typedef struct {
  double epochs;
  int64_t steps, batch, accumulate;
  int64_t validate_steps, validate_rows; // 0: each epoch
  double clip, ema, hours;               // 0: none
  int64_t log_steps;                     // a line each so many steps; 0: none
  int64_t save_steps;                    // a checkpoint each so many steps; 0: by the clock
  double save_seconds;                   // … or when so much time has gone; 0: only when it is asked for
  bool shuffle, drop_last, batch_all;
  uint64_t seed;
  bool seed_set;
  const char *keep, *stop; // metric names without `valid.`: NULL none
  bool keep_least, stop_least;
  const char *hooks; // path of the Lua file
  Span hooks_at;
  int64_t patience;
  DType precision;
  const char *precision_name;
} Settings;

typedef struct {
  Name name;
  TaskKind kind;
  const Ast *ast;
  Settings settings;
  struct Sweep *sweep;        // of a sweep
  TaskHooks *hooks;           // NULL: none
  Pass *train, *valid, *once; // train; validation; eval/predict/task
} Task;

Task *task_elaborate(Elaborator *e, const Ast *ast);
/* What a train block measures, over other rows (a VALUE_DATA; NULL: those it is validated on), as an eval task. NULL
 * after a Problem. */
Task *task_measured(Elaborator *e, const Ast *train, const Value *data);
bool settings_statement(const Ast *statement);
bool metric_falls(const char *metric); // less of it is better, unless the program says otherwise
bool settings_read(Elaborator *e, const Ast *task, Scope *scope, Settings *settings);
bool weights_selected(Elaborator *e, const Value *selection, const Weight *weight); // MODEL or WEIGHTS value
/* What stands behind over, freeze and set: `net["glob"]` is the weights themselves, not what they hold. */
const Value *eval_selection(Elaborator *e, Scope *scope, const Ast *ast);
/* What the weights hold here: a tensor if the path is complete, else a record. UNKNOWN if there are none so far. */
const Value *weights_value(Elaborator *e, const Value *selection, const Ast *at);
const char *weights_path(const Value *value); // of a model, also one of several parts; NULL: it is none
const char *weight_path(const Elaborator *e, const Weight *weight); // as shown: net.Dense.W, net.Dense.1.W
bool path_below(const char *path, const char *above);               // or the same
bool weights_are(const Value *value);                               // a model, or some of its weights
/* The record of what they hold here, parts named by their path below the model. */
const Value *weights_read(Elaborator *e, const Value *of, bool states);
const char *const *setting_names(int *count);
/* Checks the script of a train block. NULL where there is none, or after a Problem. */
TaskHooks *task_hooks(Elaborator *e, const Settings *settings);
/* `name=value` texts, checked against the configs and settings there are; those added before win. */
bool overrides_add(Elaborator *e, const AstList *all, const char *const *set, int sets, const char *origin);
/* Configs and settings that the scripts of a program compute, added to the overrides; those of the command line win.
 * false after a Problem. */
bool hooks_configure(Elaborator *e, const AstList *all);

#endif
