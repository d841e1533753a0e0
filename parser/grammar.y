/* The grammar of Lathe.
 *
 * It is stratified by precedence, so that it has no conflict and needs no %left or %prec. What is read becomes
 * a tree by the constructors of parser/tree.h. After a syntax error the statement or declaration in which it
 * stands is left out and reading goes on behind it. Rules marked "not Lathe" read what people are used to
 * writing elsewhere, to say what Lathe writes instead.
 *
 * Four things keep it LALR(1): types occur only behind `:`, `->` and `<`; nothing but a keyword lets an
 * expression be followed by `{`; declarations and statements with the same word are different nonterminals;
 * and the lexer never hands over two ends of line in a row, nor one at the start of a block. */
%code requires {
#include "parser/parser.h"
#include "parser/tree.h"
}

%code {
#define YYMALLOC(bytes)       memory_alloc(1, (size_t)(bytes))
#define YYFREE(memory)        memory_free(memory)
#define YYMAXDEPTH            8000 // 40 for each of NESTING_LIMIT levels

static void grammar_error(Span *span, Parser *parser, const char *message);

/* Over the rest of the statement that holds an error. */
#define RESUME                                                                                              \
  if (lexer_skip_statement(parser)) yyclearin;                                                              \
  if (parser->stopped) YYABORT;                                                                             \
  yyerrok
}

%define api.pure full
%define api.prefix {grammar_}
%define api.token.prefix {TOKEN_}
%define api.location.type {Span}
%define parse.error custom
%define parse.lac full
%locations
%expect 0
%parse-param {Parser *parser}
%lex-param {Parser *parser}
%initial-action { @$ = (Span){parser->source->id, 0, 0}; }

%code {
#define YYLLOC_DEFAULT(whole, part, count)                                                                  \
  (whole) = (count) ? tree_span(YYRHSLOC(part, 1), YYRHSLOC(part, count)) : tree_span_behind(YYRHSLOC(part, 0))
}

%union {
  Ast *node;
  AstList list;
  Name name;
  const char *doc;
  int64_t integer;
  double real;
  StringValue string;
  Operator op;
}

%token START_PROGRAM START_EXPRESSION START_INPUT
%token NL UNDER "_" ELLIPSIS "..."
%token <name> IDENT
%token <integer> INT
%token <real> FLOAT
%token <string> STRING
%token AND "and" OR "or" NOT "not" IF "if" ELSE "else" FOR "for" LET "let" TRUE "true" FALSE "false" NONE "None"
%token ARROW "->" PIPE "|>" COMPOSE ">>" EQ "==" NE "!=" LE "<=" GE ">=" POW "**" FLOOR_DIV "//" RANGE ".."
%token <doc> FN "fn" CONFIG "config" DATA "data" LAYER "layer" MODEL "model" OPTIMIZER "optimizer" METRIC "metric"
%token <doc> TRAIN "train" EVAL "eval" PREDICT "predict" TASK "task" SWEEP "sweep" TEST "test"
%token USE "use" LOAD "load" EXPORT "export"
%token PARAM "param" STATE "state" YIELD "yield" MINIMIZE "minimize" MAXIMIZE "maximize" FREEZE "freeze" SET "set"
%token PRINT "print" SAVE "save" EXPECT "expect" SCAN "scan" MAP "map"
%token ON "on" OVER "over" WITH "with" USING "using" FROM "from" TO "to" EVERY "every" WHERE "where" AS "as"
%token WHILE "while" IN "in"

%type <node> input declaration source maybe_type result type type_item dim body block statement selection
%type <node> pattern pattern_item expression lambda pipe compose or and not compare comparison range sum term
%type <node> unary power postfix primary if if_open where parameter argument named carry subscript maybe_slice
%type <node> maybe_every maybe_while
%type <list> inputs declarations sources source_list wheres parameters parameter_list type_items dims dim_list
%type <list> statements selections selection_list pattern_items carries carry_list names expressions arguments
%type <list> argument_list fields subscripts
%type <name> each_name
%type <op> comparing

%start top
%%
top:
    START_PROGRAM program
  | START_EXPRESSION expression line_end      { parser->result = $2; }
  | START_INPUT line_end                      { parser->result = tree_list(parser, AST_PROGRAM, @$, @$, (AstList){0}); }
  | START_INPUT inputs line_end               { parser->result = tree_list(parser, AST_PROGRAM, @$, @$, $2); }
  ;
program:
    %empty                                    { parser->result = tree_list(parser, AST_PROGRAM, @$, @$, (AstList){0}); }
  | declarations line_end                     { parser->result = tree_list(parser, AST_PROGRAM, @$, @$, $1); }
  ;
line_end: %empty | NL;

inputs:
    input                                     { $$ = list_of(parser, $1); }
  | inputs NL input                           { $$ = list_add(parser, $1, $3); }
  ;
input:
    declaration
  | expression
  | IDENT '=' expression                      { $$ = tree_binding(parser, AST_ASSIGN, @$, @1, (AstBinding){.name = $1, .value = $3}); }
  ;

declarations:
    declaration                               { $$ = list_of(parser, $1); }
  | declarations NL declaration               { $$ = list_add(parser, $1, $3); }
  ;
declaration:
    USE STRING                                { $$ = tree_use(parser, @$, @1, tree_string(parser, @2, $2), NULL); }
  | USE STRING AS IDENT                       { $$ = tree_use(parser, @$, @1, tree_string(parser, @2, $2), $4); }
  | LET pattern maybe_type '=' expression     { $$ = tree_binding(parser, AST_LET, @$, @2, (AstBinding){.pattern = $2, .type = $3, .value = $5}); }
  | CONFIG IDENT maybe_type '=' expression wheres
      { $$ = tree_function(parser, AST_CONFIG, @$, @2, (AstFunction){.doc = $1, .name = $2, .result = $3, .body = $5, .wheres = $6}); }
  | DATA IDENT FROM expression                { $$ = tree_data(parser, @$, @2, (AstData){.doc = $1, .name = $2, .from = $4}); }
  | DATA IDENT FROM expression block          { $$ = tree_data(parser, @$, @2, (AstData){.doc = $1, .name = $2, .from = $4, .body = $5}); }
  | FN IDENT parameters result wheres body
      { $$ = tree_function(parser, AST_FN, @$, @2, (AstFunction){.doc = $1, .name = $2, .params_given = true, .params = $3, .result = $4, .wheres = $5, .body = $6}); }
  | LAYER IDENT parameters parameters result wheres body
      { $$ = tree_function(parser, AST_LAYER, @$, @2, (AstFunction){.doc = $1, .name = $2, .params_given = true, .settings = $3, .params = $4, .result = $5, .wheres = $6, .body = $7}); }
  | OPTIMIZER IDENT parameters parameters wheres body
      { $$ = tree_function(parser, AST_OPTIMIZER, @$, @2, (AstFunction){.doc = $1, .name = $2, .params_given = true, .settings = $3, .params = $4, .wheres = $5, .body = $6}); }
  | MODEL IDENT parameters result wheres body
      { $$ = tree_function(parser, AST_MODEL, @$, @2, (AstFunction){.doc = $1, .name = $2, .params_given = true, .params = $3, .result = $4, .wheres = $5, .body = $6}); }
  | MODEL IDENT '=' expression                { $$ = tree_function(parser, AST_MODEL, @$, @2, (AstFunction){.doc = $1, .name = $2, .body = $4}); }
  | METRIC IDENT parameters block
      { $$ = tree_function(parser, AST_METRIC, @$, @2, (AstFunction){.doc = $1, .name = $2, .params_given = true, .params = $3, .body = $4}); }
  | TRAIN IDENT sources block                 { $$ = tree_task(parser, @$, @2, TASK_TRAIN, $1, $2, $3, $4); }
  | EVAL IDENT sources block                  { $$ = tree_task(parser, @$, @2, TASK_EVAL, $1, $2, $3, $4); }
  | PREDICT IDENT sources block               { $$ = tree_task(parser, @$, @2, TASK_PREDICT, $1, $2, $3, $4); }
  | TASK IDENT sources block                  { $$ = tree_task(parser, @$, @2, TASK_TASK, $1, $2, $3, $4); }
  | SWEEP IDENT sources block                 { $$ = tree_task(parser, @$, @2, TASK_SWEEP, $1, $2, $3, $4); }
  | TEST STRING block                         { $$ = tree_test(parser, @$, @1, $1, tree_string(parser, @2, $2), $3); }
  | LOAD expression FROM expression           { $$ = tree_transfer(parser, AST_LOAD, @$, @1, (AstTransfer){.what = $2, .where = $4}); }
  | LOAD expression FROM expression block     { $$ = tree_transfer(parser, AST_LOAD, @$, @1, (AstTransfer){.what = $2, .where = $4, .body = $5}); }
  | EXPORT expression TO expression           { $$ = tree_transfer(parser, AST_EXPORT, @$, @1, (AstTransfer){.what = $2, .where = $4}); }
  | error                                     { $$ = NULL; RESUME; }
  ;

sources: %empty                               { $$ = (AstList){0}; }
  | ON source_list                            { $$ = $2; }
  ;
source_list: source                           { $$ = list_of(parser, $1); }
  | source_list ',' source                    { $$ = list_add(parser, $1, $3); }
  ;
source: expression                            { $$ = tree_arg(parser, AST_SOURCE, @$, @1, NULL, $1); }
  | expression AS IDENT                       { $$ = tree_arg(parser, AST_SOURCE, @$, @3, $3, $1); }
  ;
wheres: %empty                                { $$ = (AstList){0}; }
  | wheres where                              { $$ = list_add(parser, $1, $2); }
  ;
where: WHERE expression                       { $$ = tree_action(parser, AST_WHERE, @$, @1, (AstAction){.value = $2}); }
  | WHERE expression ELSE STRING              { $$ = tree_action(parser, AST_WHERE, @$, @1, (AstAction){.value = $2, .to = tree_string(parser, @4, $4)}); }
  ;
parameters: '(' ')'                           { $$ = (AstList){0}; }
  | '(' parameter_list ')'                    { $$ = $2; }
  | '(' parameter_list ',' ')'                { $$ = $2; }
  ;
parameter_list: parameter                     { $$ = list_of(parser, $1); }
  | parameter_list ',' parameter              { $$ = list_add(parser, $1, $3); }
  ;
parameter: IDENT maybe_type                   { $$ = tree_binding(parser, AST_PARAM_DECL, @$, @1, (AstBinding){.name = $1, .type = $2}); }
  | IDENT maybe_type '=' expression           { $$ = tree_binding(parser, AST_PARAM_DECL, @$, @1, (AstBinding){.name = $1, .type = $2, .value = $4}); }
  ;

maybe_type: %empty                            { $$ = NULL; }
  | ':' type                                  { $$ = $2; }
  ;
result: %empty                                { $$ = NULL; }
  | ARROW type                                { $$ = $2; }
  ;
type:
    '[' dims ']'                              { $$ = tree_tensor(parser, @$, @$, (AstTensor){.dims = $2}); }
  | IDENT '[' dims ']'                        { $$ = tree_tensor(parser, @$, @1, (AstTensor){.dtype = $1, .dims = $3}); }
  | IDENT '<' sum '>' '[' dims ']'            { $$ = tree_tensor(parser, @$, @1, (AstTensor){.dtype = $1, .bound = $3, .dims = $6}); }
  | IDENT                                     { $$ = tree_name(parser, AST_TYPE_PLAIN, @$, $1); }
  | FN                                        { $$ = tree_name(parser, AST_TYPE_PLAIN, @$, name_of("fn")); }
  | '(' type_items ')'                        { $$ = tree_list(parser, AST_TYPE_TUPLE, @$, @$, $2); }
  | '(' IDENT ':' type ')'                    { $$ = tree_list(parser, AST_TYPE_TUPLE, @$, @$, list_of(parser, tree_type_item(parser, @2, @4, $2, $4))); }
  ;
type_items: type_item ',' type_item           { $$ = list_add(parser, list_of(parser, $1), $3); }
  | type_items ',' type_item                  { $$ = list_add(parser, $1, $3); }
  ;
type_item: type                               { $$ = tree_type_item(parser, @1, @1, NULL, $1); }
  | IDENT ':' type                            { $$ = tree_type_item(parser, @1, @3, $1, $3); }
  ;
dims: %empty                                  { $$ = (AstList){0}; }
  | dim_list
  ;
dim_list: dim                                 { $$ = list_of(parser, $1); }
  | dim_list ',' dim                          { $$ = list_add(parser, $1, $3); }
  ;
dim: sum
  | ELLIPSIS                                  { $$ = tree_leaf(parser, AST_ELLIPSIS, @1); }
  | UNDER                                     { $$ = tree_leaf(parser, AST_WILD, @1); }
  ;

body: block
  | '=' expression                            { $$ = tree_block(parser, @2, list_of(parser, $2)); }
  ;
block: '{' '}'                                { $$ = tree_block(parser, @$, (AstList){0}); }
  | '{' statements line_end '}'               { $$ = tree_block(parser, @$, $2); }
  ;
statements: statement                         { $$ = list_of(parser, $1); }
  | statements NL statement                   { $$ = list_add(parser, $1, $3); }
  ;
statement:
    LET pattern maybe_type '=' expression     { $$ = tree_binding(parser, AST_LET, @$, @2, (AstBinding){.pattern = $2, .type = $3, .value = $5}); }
  | IDENT '=' expression                      { $$ = tree_binding(parser, AST_ASSIGN, @$, @1, (AstBinding){.name = $1, .value = $3}); }
  | IDENT ':' expression                      { $$ = tree_setting_colon(parser, @$, @1, @2, $1, $3); } // not Lathe
  | PARAM IDENT ':' type '=' expression       { $$ = tree_binding(parser, AST_PARAM, @$, @2, (AstBinding){.name = $2, .type = $4, .value = $6}); }
  | STATE IDENT maybe_type '=' expression     { $$ = tree_binding(parser, AST_STATE, @$, @2, (AstBinding){.name = $2, .type = $3, .value = $5}); }
  | FOR each_name IN expression block         { $$ = tree_each(parser, AST_FOR, @$, @2, (AstEach){.name = $2, .over = $4, .value = $5}); }
  | if_open
  | YIELD argument_list                       { $$ = tree_list(parser, AST_YIELD, @$, @1, $2); }
  | MINIMIZE expression selections maybe_every
      { $$ = tree_minimize(parser, @$, @1, (AstMinimize){.value = $2, .overs = $3, .every = $4}); }
  | MAXIMIZE expression selections maybe_every
      { $$ = tree_minimize(parser, @$, @1, (AstMinimize){.value = $2, .overs = $3, .every = $4, .maximize = true}); }
  | METRIC IDENT '=' expression               { $$ = tree_binding(parser, AST_METRIC_IS, @$, @2, (AstBinding){.name = $2, .value = $4}); }
  | METRIC expression                         { $$ = tree_binding(parser, AST_METRIC_IS, @$, @1, (AstBinding){.value = $2}); }
  | FREEZE expressions                        { $$ = tree_list(parser, AST_FREEZE, @$, @1, $2); }
  | SET postfix '=' expression maybe_every    { $$ = tree_action(parser, AST_SET, @$, @1, (AstAction){.value = $2, .to = $4, .every = $5}); }
  | PRINT expressions maybe_every             { $$ = tree_print(parser, @$, @1, (AstPrint){.items = $2, .every = $3}); }
  | SAVE expression TO expression maybe_every { $$ = tree_action(parser, AST_SAVE, @$, @1, (AstAction){.value = $2, .to = $4, .every = $5}); }
  | EXPECT expression                         { $$ = tree_action(parser, AST_EXPECT, @$, @1, (AstAction){.value = $2}); }
  | expression
  | error                                     { $$ = NULL; RESUME; }
  ;
each_name: IDENT | UNDER                      { $$ = NULL; };

selections: %empty                            { $$ = (AstList){0}; }
  | OVER selection_list                       { $$ = $2; }
  | USING expression                          { $$ = list_of(parser, tree_action(parser, AST_OVER, @$, @2, (AstAction){.to = $2})); }
  ;
selection_list: selection                     { $$ = list_of(parser, $1); }
  | selection_list ',' selection              { $$ = list_add(parser, $1, $3); }
  ;
selection: expression                         { $$ = tree_action(parser, AST_OVER, @$, @1, (AstAction){.value = $1}); }
  | expression USING expression               { $$ = tree_action(parser, AST_OVER, @$, @1, (AstAction){.value = $1, .to = $3}); }
  ;
maybe_every: %empty                           { $$ = NULL; }
  | EVERY expression                          { $$ = $2; }
  ;
pattern: IDENT                                { $$ = tree_name(parser, AST_NAME, @1, $1); }
  | '(' pattern_items ')'                     { $$ = tree_list(parser, AST_PATTERN, @$, @$, $2); }
  ;
pattern_items: pattern_item ',' pattern_item  { $$ = list_add(parser, list_of(parser, $1), $3); }
  | pattern_items ',' pattern_item            { $$ = list_add(parser, $1, $3); }
  ;
pattern_item: IDENT                           { $$ = tree_name(parser, AST_NAME, @1, $1); }
  | UNDER                                     { $$ = tree_leaf(parser, AST_WILD, @1); }
  ;

expression: lambda | pipe;
lambda: FN parameters result '=' expression
      { $$ = tree_function(parser, AST_LAMBDA, @$, @1, (AstFunction){.params_given = true, .params = $2, .result = $3, .body = tree_block(parser, @5, list_of(parser, $5))}); }
  ;
pipe: compose
  | pipe PIPE compose                         { $$ = tree_binary(parser, OPERATOR_PIPE, @$, @2, $1, $3); }
  ;
compose: or
  | compose COMPOSE or                        { $$ = tree_binary(parser, OPERATOR_COMPOSE, @$, @2, $1, $3); }
  ;
or: and
  | or OR and                                 { $$ = tree_binary(parser, OPERATOR_OR, @$, @2, $1, $3); }
  ;
and: not
  | and AND not                               { $$ = tree_binary(parser, OPERATOR_AND, @$, @2, $1, $3); }
  ;
not: compare
  | NOT not                                   { $$ = tree_unary(parser, OPERATOR_NOT, @$, @1, $2); }
  ;
compare: range | comparison;
comparison: range comparing range             { $$ = tree_binary(parser, $2, @$, @2, $1, $3); }
  | comparison comparing range                { $$ = tree_comparison_chain(parser, $2, @$, @2, $1, $3); } // not Lathe
  ;
comparing: EQ                                 { $$ = OPERATOR_EQ; }
  | NE                                        { $$ = OPERATOR_NE; }
  | '<'                                       { $$ = OPERATOR_LT; }
  | '>'                                       { $$ = OPERATOR_GT; }
  | LE                                        { $$ = OPERATOR_LE; }
  | GE                                        { $$ = OPERATOR_GE; }
  ;
range: sum
  | sum RANGE sum                             { $$ = tree_binary(parser, OPERATOR_RANGE, @$, @2, $1, $3); }
  ;
sum: term
  | sum '+' term                              { $$ = tree_binary(parser, OPERATOR_ADD, @$, @2, $1, $3); }
  | sum '-' term                              { $$ = tree_binary(parser, OPERATOR_SUB, @$, @2, $1, $3); }
  ;
term: unary
  | term '*' unary                            { $$ = tree_binary(parser, OPERATOR_MUL, @$, @2, $1, $3); }
  | term '/' unary                            { $$ = tree_binary(parser, OPERATOR_DIV, @$, @2, $1, $3); }
  | term FLOOR_DIV unary                      { $$ = tree_binary(parser, OPERATOR_FLOOR_DIV, @$, @2, $1, $3); }
  | term '%' unary                            { $$ = tree_binary(parser, OPERATOR_MOD, @$, @2, $1, $3); }
  | term '@' unary                            { $$ = tree_binary(parser, OPERATOR_MATMUL, @$, @2, $1, $3); }
  ;
unary: power
  | '-' unary                                 { $$ = tree_unary(parser, OPERATOR_NEG, @$, @1, $2); }
  ;
power: postfix
  | postfix POW unary                         { $$ = tree_binary(parser, OPERATOR_POW, @$, @2, $1, $3); }
  ;
postfix: primary
  | postfix '(' arguments ')'                 { $$ = tree_call(parser, AST_CALL, @$, $1->at, $1, $3); }
  | postfix '[' subscripts ']'                { $$ = tree_call(parser, AST_INDEX, @$, tree_span(@2, @4), $1, $3); }
  | postfix '.' IDENT                         { $$ = tree_field(parser, AST_FIELD, @$, @3, (AstField){.base = $1, .name = $3}); }
  | postfix '.' INT                           { $$ = tree_field(parser, AST_PART, @$, @3, (AstField){.base = $1, .part = $3}); }
  ;
primary:
    INT                                       { $$ = tree_int(parser, @1, $1); }
  | FLOAT                                     { $$ = tree_float(parser, @1, $1); }
  | STRING                                    { $$ = tree_string(parser, @1, $1); }
  | TRUE                                      { $$ = tree_bool(parser, @1, true); }
  | FALSE                                     { $$ = tree_bool(parser, @1, false); }
  | NONE                                      { $$ = tree_leaf(parser, AST_NONE, @1); }
  | IDENT                                     { $$ = tree_value_name(parser, @1, $1); }
  | '(' expression ')'                        { $$ = tree_parenthesised($2); }
  | '(' named ')'                             { $$ = tree_list(parser, AST_TUPLE, @$, @$, list_of(parser, $2)); }
  | '(' fields ')'                            { $$ = tree_list(parser, AST_TUPLE, @$, @$, $2); }
  | '[' ']'                                   { $$ = tree_list(parser, AST_LIST, @$, @$, (AstList){0}); }
  | '[' expressions ']'                       { $$ = tree_list(parser, AST_LIST, @$, @$, $2); }
  | '[' expressions ',' ']'                   { $$ = tree_list(parser, AST_LIST, @$, @$, $2); }
  | '[' expression FOR each_name IN expression ']'
      { $$ = tree_each(parser, AST_COMPREHENSION, @$, @4, (AstEach){.name = $4, .over = $6, .value = $2}); }
  | if
  | FN parameters result block
      { $$ = tree_function(parser, AST_LAMBDA, @$, @1, (AstFunction){.params_given = true, .params = $2, .result = $3, .body = $4}); }
  | SCAN names OVER expression carries maybe_while block
      { $$ = tree_loop(parser, AST_SCAN, @$, @1, (AstLoop){.names = $2, .over = $4, .carries = $5, .until = $6, .body = $7}); }
  | SCAN names IN expression carries maybe_while block
      { $$ = tree_loop(parser, AST_SCAN, @$, @1, (AstLoop){.names = $2, .over = $4, .counted = true, .carries = $5, .until = $6, .body = $7}); }
  | MAP names OVER expression block           { $$ = tree_loop(parser, AST_MAP, @$, @1, (AstLoop){.names = $2, .over = $4, .body = $5}); }
  ;
if: IF expression block ELSE block            { $$ = tree_branch(parser, @$, @1, $2, $3, $5); }
  | IF expression block ELSE if               { $$ = tree_branch(parser, @$, @1, $2, $3, tree_block(parser, @5, list_of(parser, $5))); }
  ;
if_open: IF expression block                  { $$ = tree_branch(parser, @$, @1, $2, $3, NULL); }
  | IF expression block ELSE if_open          { $$ = tree_branch(parser, @$, @1, $2, $3, tree_block(parser, @5, list_of(parser, $5))); }
  ;
carries: %empty                               { $$ = (AstList){0}; }
  | WITH carry_list                           { $$ = $2; }
  ;
carry_list: carry                             { $$ = list_of(parser, $1); }
  | carry_list ',' carry                      { $$ = list_add(parser, $1, $3); }
  ;
carry: IDENT '=' expression                   { $$ = tree_arg(parser, AST_ARG, @$, @1, $1, $3); };
maybe_while: %empty                           { $$ = NULL; }
  | WHILE expression                          { $$ = $2; }
  ;
names: IDENT                                  { $$ = list_of(parser, tree_name(parser, AST_NAME, @1, $1)); }
  | names ',' IDENT                           { $$ = list_add(parser, $1, tree_name(parser, AST_NAME, @3, $3)); }
  ;
expressions: expression                       { $$ = list_of(parser, $1); }
  | expressions ',' expression                { $$ = list_add(parser, $1, $3); }
  ;
arguments: %empty                             { $$ = (AstList){0}; }
  | argument_list
  | argument_list ','
  ;
argument_list: argument                       { $$ = list_of(parser, $1); }
  | argument_list ',' argument                { $$ = list_add(parser, $1, $3); }
  ;
fields: argument ',' argument                 { $$ = list_add(parser, list_of(parser, $1), $3); }
  | fields ',' argument                       { $$ = list_add(parser, $1, $3); }
  ;
argument: expression                          { $$ = tree_arg(parser, AST_ARG, @$, @1, NULL, $1); }
  | named
  ;
named: IDENT '=' expression                   { $$ = tree_arg(parser, AST_ARG, @$, @1, $1, $3); }
  | IDENT ':' expression                      { $$ = tree_argument_colon(parser, @$, @1, @2, $1, $3); } // not Lathe
  ;
subscripts: subscript                         { $$ = list_of(parser, $1); }
  | subscripts ',' subscript                  { $$ = list_add(parser, $1, $3); }
  ;
subscript: expression
  | ELLIPSIS                                  { $$ = tree_leaf(parser, AST_ELLIPSIS, @1); }
  | maybe_slice ':' maybe_slice               { $$ = tree_slice(parser, @2, $1, $3, NULL, @3); }
  | maybe_slice ':' maybe_slice ':' maybe_slice { $$ = tree_slice(parser, @2, $1, $3, $5, @5); }
  ;
maybe_slice: %empty                           { $$ = NULL; }
  | expression
  ;
%%
static void grammar_error(Span *span, Parser *parser, const char *message) {
  (void)message; // the only one left to Bison is that its stack is full
  parser_too_deep(parser, *span);
}

static int yyreport_syntax_error(const yypcontext_t *context, Parser *parser) {
  if (parser->token[0].kind == 0 && problems_total(parser->problems) == parser->problems_before)
    parser->unfinished = true;
  if (!report_is_due(parser)) return 0;
  yysymbol_kind_t usable[YYNTOKENS];
  int count = yypcontext_expected_tokens(context, usable, YYNTOKENS);
  if (count < 0) return count;
  bool symbol[YYNTOKENS] = {false}, wanted[TOKEN_CODES] = {false};
  for (int i = 0; i < count; i++) symbol[usable[i]] = true;
  for (int code = 0; code <= YYMAXUTOK; code++) {
    yysymbol_kind_t kind = YYTRANSLATE(code);
    wanted[code] = kind != YYSYMBOL_YYUNDEF && symbol[kind];
  }
  report_unexpected(parser, wanted);
  return 0;
}
