/* A session at the keyboard: what its parts share.
 *
 * One elaborator lives for the whole session. Declarations are bound in the scope of its file and checked as those of
 * a file are; an expression becomes a graph of its own, which the session's runner runs. Nothing here knows what an
 * expression means. A Problem is drawn behind the line that caused it, and the next line begins without it. */
#ifndef INTERPRETER_REPL_REPL_H
#define INTERPRETER_REPL_REPL_H

#include "interpreter/commands/command.h"
#include "interpreter/elaborate/dataset.h"
#include "interpreter/repl/lines.h"
#include "interpreter/training.h"

#define OWN "it" // the last value; and the model of layers that an expression makes

/* A weight put aside when what it belongs to was declared anew: a new one of its path and shape takes its numbers. */
typedef struct {
  const char *path, *model;
  Type type;
  void *data;
  int64_t line; // of the input that put it aside
  bool gone;    // its model was made without it: only undoing that input brings it back
} Survivor;

/* A declaration that came, or took the place of another, or (now NULL) was taken away. */
typedef struct {
  const Ast *before, *now;
} Change;

typedef struct {
  Change *change;
  int changes;
  int64_t line;
} Entry;

/* A train block that was left and can go on. */
typedef struct {
  Name task;
  Training *training;
} Going;

typedef struct {
  const Ast *ast;
  const char *text;
} Watched;

typedef struct {
  Invocation *call;
  Session *session;
  Elaborator *e;
  Lines *lines;
  int64_t line; // number of the input: its name in messages, and the step of its random numbers
  bool colour;  // standard output is a terminal that wants it
  int width;    // of it
  bool over;    // the session ends behind this line
  Entry *entry;
  int entries;
  size_t entry_capacity;
  Survivor *survivor;
  int survivors;
  size_t survivor_capacity;
  Runner *running;    // of the expression that is computed: freed where memory runs out
  bool tells;         // a model or layer was declared anew: it is told that weights were kept, too
  bool aside;         // the change that is made has put weights aside
  Dataset **old_data; // tables that were declared anew
  int old_datas;
  size_t old_data_capacity;
  int weights_seen; // weights of the program that took over what survived
  Going *going;
  int goings;
  size_t going_capacity;
  Watched *watched;
  int watches;
  size_t watch_capacity;
  int64_t watch_every;
  const char **stop_at; // paths of :break
  int stops;
  size_t stop_capacity;
  double *loss; // of every step of the last training
  int64_t losses;
  size_t loss_capacity;
} Repl;

// ---- what is said (say.c) ----
void say(Repl *repl, const char *format, ...) __attribute__((format(printf, 2, 3))); // a text on stdout
void say_text(Repl *repl, Text *text);                                               // and frees it
bool said_problems(Repl *repl);    // draws what went wrong and forgets it; whether there was an error
bool went_wrong(const Repl *repl); // whether there is an error that has not been drawn
const char *text_of(Repl *repl, Text *text);              // a copy for as long as the session lives; frees it
void text_column(Text *out, const char *text, int width); // and blanks to so many code points, one at least
const char *type_text(Repl *repl, const Type *type);

// ---- values (evaluate.c) ----
/* An expression computed: its value, and the numbers of the tensors that it is made of, in their order. They are valid
 * until evaluation_end. */
typedef struct {
  const Value *value;
  const void **data;
  const Type **type;
  int leaves;
  Graph *graph;
  Runner *runner;
  Pass *pass;
  RunArgs args;
} Evaluation;

const Ast *read_expression(Repl *repl, const char *text); // NULL after a Problem
/* The value in the graph that is being built, a second time where it asks for weights that the first one made. */
const Value *value_in_graph(Repl *repl, Scope *scope, const Ast *ast);
bool evaluate(Repl *repl, const Ast *ast, Evaluation *out);        // false after a Problem, or interrupted
bool evaluate_text(Repl *repl, const char *text, Evaluation *out); // the same of a text
bool evaluation_again(Repl *repl, Evaluation *evaluation);         // runs once more
void evaluation_end(Repl *repl, Evaluation *evaluation);           // frees it, and weights that only it had
void evaluation_keep(Repl *repl, const char *name,
                     const Evaluation *evaluation); // binds the name to the value
void evaluation_last(Repl *repl,
                     const Evaluation *evaluation); // the value is `it` now; the one before is freed
/* The only tensor of an expression, for a command that needs one; NULL after a Problem. */
const void *one_tensor(Repl *repl, const char *command, const Evaluation *evaluation, const Type **type);
double number_at(const Type *type, const void *data, int64_t i);
bool begin_work(Repl *repl); // first values of weights that are new, and what survived; false after a Problem

// ---- showing (show.c) ----
void show_evaluation(Repl *repl, const Evaluation *evaluation);
void describe(Repl *repl, const Value *value, Text *out); // what has no numbers: a function, a layer, a table
void signature_write(const Ast *declaration, Text *out);  // net(x: [B, n]) -> [B, 3]

/* The value of an expression in a graph that nothing runs, and that comes back too where `graph` is not NULL; NULL after
 * a Problem. value_drop is called when it is not needed any more: weights go that it alone had. */
const Value *value_only(Repl *repl, const char *text, Graph **graph);
void value_drop(Repl *repl);

// ---- declarations (enter.c, depend.c, survive.c) ----
bool enter(Repl *repl, Change *change, int changes); // false after a Problem, with everything as it was
void unknown_forget(Repl *repl); // values that could not be had: whoever asks for them is told why
bool enter_declarations(Repl *repl, const AstList *list, int from, int to); // told, and kept for :undo
void enter_value(Repl *repl, const Ast *ast);                               // an AST_ASSIGN
bool enter_list(Repl *repl, const AstList *list); // declarations, expressions, events in their order
bool enter_undo(Repl *repl);
const Ast *declaration_named(const Repl *repl, const char *name); // NULL: there is none
const Ast *task_named(Repl *repl, const char *name, int kind);    // any kind if < 0; NULL after a Problem
bool names_of(const Ast *ast, Name *name, int most, int *count);  // what it declares
bool mentions(const Ast *ast, Name name);                         // in its text
void affected_by(const Repl *repl, const Change *change, int changes,
                 bool *affected); // by index of the declarations
/* The let, or one with its numbers where its value reads `it` or its own old one (literal.c). */
const Ast *let_literal(Repl *repl, const Ast *let, Name name);
void first_value_drop(Repl *repl, const Variable *variable); // a weight goes before it had one
void weights_aside(Repl *repl, const char *model);
bool weights_adopt(Repl *repl,
                   Text *out); // those made since take over what survived; tells what became of them
void weights_back(Repl *repl, int64_t line); // what that input did away with may come back
void trainings_drop(Repl *repl, Name task);  // NULL: all

// ---- statistics and drawings (statistics.c, draw.c) ----
#define BINS 8
typedef struct {
  int64_t count, zeros, odd; // odd: not finite
  double mean, deviation, least, most;
  int64_t bin[BINS];
} Statistics;
Statistics statistics_of(const Type *type, const void *data);
void statistics_write(const Statistics *s, Text *out); // mean .13  std .31  min 0  max 1  ▁      ▂  0: 81%
void number_short(double x, Text *out);                // .13, 0, 1.2e+05: three digits
void draw_lines(Text *out, const double *const *series, const int64_t *count, int number, int width,
                int height, bool colour);
void draw_histogram(Text *out, const double *value, int64_t count, int bins, int width);

// ---- commands ----
typedef struct {
  const char *name, *usage, *doc; // behind the colon; what follows; one line
  void (*run)(Repl *repl, const char *rest);
} ReplCommand;
extern const ReplCommand repl_commands[];
extern const int repl_command_count;
void run_command(Repl *repl, const char *line); // a line that begins with a colon
void usage_wrong(Repl *repl, const char *command);
const char *word_next(Repl *repl, const char **rest); // NULL: none is left

typedef void ReplRun(Repl *repl, const char *rest);
ReplRun run_help, run_type, run_shape, run_show, run_plan, run_doc, run_src, run_time, run_seed,
    run_load_file, run_save_file, run_undo, run_check, run_why, run_table, run_train, run_eval, run_run,
    run_grad, run_plot, run_hist, run_image, run_step, run_break, run_watch, run_hook, run_quit;

LinesComplete complete;

// ---- stepping (stages.c, step.c) ----
typedef struct {
  const char *name;  // Dense.0, + b
  const char *layer; // path of the instance that it is; NULL: an operation
  Node *node;        // whose value it gives
  int first, last;   // its nodes
  int64_t flops;
} Stage;
/* The stages of the nodes from `first` to `last` that `result` needs, at the level of the layer `path` (NULL: none). */
int stages_of(Repl *repl, const Node *result, const char *path, int first, int last, Stage **out);
/* Walks through what `result` is made of; `at`: the path of the layer to begin at, or NULL. false: the user wants what
 * waits for it to stop. `states`: first values of metrics, or NULL. */
bool step_through(Repl *repl, Graph *graph, Node *result, const RunArgs *args, const char *at,
                  const Graph *states);

// ---- problems (problems_repl.c) ----
void problem_repl_usage(Problems *problems, const char *command, const char *usage); // E0921
void problem_repl_needs(Problems *problems, const char *command, const char *wanted,
                        const char *found);                                           // E0922
void problem_repl_uncalled(Problems *problems, const char *model);                    // E0923
void problem_repl_undo(Problems *problems);                                           // E0924
void problem_repl_command(Problems *problems, const char *name, const char *nearest); // E0925
void problem_repl_memory(Problems *problems, size_t bytes);                           // E0926
void problem_repl_unknown(Problems *problems, const char *name, const char *nearest); // E0927

#endif
