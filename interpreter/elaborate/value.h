/* What an expression means while a program is elaborated.
 *
 * Everything known before the run is a plain value; everything that may change during it is a TENSOR, a node of
 * the graph that is being built. In the generic check of a fn or layer nothing is known: ints are symbolic
 * dims, floats and bools have `known` false, functions are UNKNOWN. UNKNOWN also stands for what failed: it
 * agrees with everything, so one mistake gives one message. Values are immutable and live in the arena. */
#ifndef INTERPRETER_ELABORATE_VALUE_H
#define INTERPRETER_ELABORATE_VALUE_H

#include "graph/build.h"
#include "interpreter/data/fitted.h"
#include "lang/ast.h"

typedef enum {
  VALUE_UNKNOWN,
  VALUE_NONE,
  VALUE_INT,       // dim
  VALUE_FLOAT,     // real, if known
  VALUE_BOOL,      // truth, if known
  VALUE_STRING,    // string
  VALUE_LIST,      // items
  VALUE_RECORD,    // items; a tuple has no names
  VALUE_RANGE,     // from, to
  VALUE_TENSOR,    // node
  VALUE_COLUMN,    // column of a table, one example at a time
  VALUE_FUNCTION,  // a fn: declaration and the scope it stands in
  VALUE_BUILTIN,   // a function written in C, or a MAP row
  VALUE_LAYER,     // a recipe: declaration and scope
  VALUE_INSTANCE,  // layer with settings, or a model: has a path
  VALUE_COMPOSED,  // items, applied first to last
  VALUE_METRIC,    // declaration and scope
  VALUE_OPTIMIZER, // recipe, like LAYER
  VALUE_UPDATE,    // optimizer with settings
  VALUE_DATA,      // a table with fields
  VALUE_WEIGHTS,   // some weights of a model: globs
} ValueKind;

typedef struct Value Value;
typedef struct Scope Scope;
typedef struct Elaborator Elaborator;
typedef struct Dataset Dataset;
typedef struct Builtin Builtin;

typedef struct {
  Name name; // NULL: by position
  const Value *value;
  const Ast *ast; // where it was written
} Argument;

struct Value {
  ValueKind kind;
  bool known;
  const Ast *ast; // FUNCTION, LAYER, INSTANCE, METRIC, OPTIMIZER, UPDATE: the declaration
  Scope *scope;   // … and where it stands; INSTANCE, UPDATE: its settings
  union {
    const Dim *dim;
    double real;
    bool truth;
    struct {
      const char *bytes;
      int length;
    } string;
    struct {
      const Value *const *item;
      const Name *name;
      int count;
      bool is_table;
      bool copies;       // COMPOSED: each takes the further inputs, too
      const char *model; // path, if the parts are a model's; NULL: they are not
    } items;
    struct {
      const Dim *from, *to;
    } range;
    struct {
      Node *node;
      const Fitted *fitted; // what made it: for unscale, decode, classes
      bool image;           // a picture of values 0..1: print draws it
      bool text;            // classes along the last axis: print and CSV show the text they stand for
    } tensor;
    struct {
      Dataset *data;
      Column *column;
      const Fitted *fitted; // of rows of classes: what numbers them
    } column;
    const Builtin *builtin;
    OpCode op; // BUILTIN with builtin NULL
    struct {
      const char *path;
      bool model;
      const Value *training; // as_training, as_eval: what `training` is in it; NULL: as around
      const Value *with;     // a record that stands for its weights; NULL: they stand for themselves
    } instance;
    struct {
      Dataset *data;
      PartName part;
      bool whole;
      const Ast *rows; // d.train[0:8]: the subscript, still to be applied to a field; NULL: all rows …
      Scope *scope;    // … in which it is evaluated
    } data;
    int64_t history; // UPDATE without declaration: lbfgs
    struct {
      const char *glob, *model; // with the path of the model in front
    } weights;
  } u;
};

/* Names in scope, innermost first. */
typedef struct {
  Name name;
  const Value *value; // NULL: a declaration that has not been evaluated yet
  const Ast *declaration;
  const Graph *graph; // that a declared value is made of nodes of; NULL: it is known before the run
  bool busy;          // being evaluated: a cycle if asked for again
  Variable *state;    // `state`: assignment updates it
  bool is_dim;        // bound by a signature
  Span at;            // of the name where it was given; may be nowhere
} Binding;

struct Scope {
  Scope *parent;
  Binding *binding;
  int count;
  size_t capacity;
  bool is_file; // declarations of a file
};

const char *value_kind_text(const Value *value); // "a tensor [B, 10]", "the number 3", "the layer Dense"
void value_print(const Value *value, Text *out);

#endif
