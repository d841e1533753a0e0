/* A whole program: its files read, its declarations bound, every one of them checked.
 *
 * The generic check calls each fn and layer of the program with nothing known: settings are symbols, inputs are
 * unknown tensors whose dims are new symbols. Tasks are checked by building them. */
#include "interpreter/data/problems_data.h"
#include "interpreter/elaborate/dataset.h"
#include "interpreter/formats/save.h"
#include "interpreter/stdlib.h"
#include "lang/format.h"
#include "lang/problems.h"
#include "parser/parse.h"

#include <string.h>

#define USE_DEPTH 32

Elaborator *elaborator_new(Arena *arena, Problems *problems, const Options *options) {
  Elaborator *e = ARENA_NEW(arena, Elaborator);
  e->arena = arena;
  e->problems = problems;
  e->options = options;
  e->precision = DTYPE_F32;
  e->batch = dim_symbol(name_of("B"));
  e->init = graph_new(arena);
  e->builtins = scope_new(e, NULL);
  static const char *const running[4] = {"step", "epoch", "progress", "first_batch"};
  for (int i = 0; i < 4; i++) {
    Type type = type_scalar(DTYPE_F64);
    type.running = true;
    e->running[i] = variable_new(e, VARIABLE_RUNNING, running[i], type, (Span){0});
  }
  builtins_declare(e, e->builtins);
  return e;
}

const char *const run_name[RUN_NAMES] = {"training", "step", "epoch", "progress", "first_batch"};

Saved graph_begin(Elaborator *e, bool training, DType precision) {
  Saved saved = {e->graph, e->init_states, e->precision, e->training, e->current, e->current_capacity,
                 e->site,  e->random,      {0},          e->frame,    e->body,    e->loop};
  e->body = NULL;
  e->loop = NULL;
  e->graph = graph_new(e->arena);
  e->init_states = graph_new(e->arena);
  e->precision = precision;
  e->training = training;
  e->current = NULL;
  e->current_capacity = 0;
  e->site = 14695981039346656037u;
  e->random = (RandomSites){0};
  e->frame = NULL;
  for (int i = 0; i < RUN_NAMES; i++) {
    Binding *binding = scope_find(e->builtins, name_of(run_name[i]));
    saved.names[i] = binding->value;
    if (i == 0) {
      binding->value = e->generic ? value_unknown_bool() : value_bool(e, training);
      continue;
    }
    Node *now = variable_value(e, e->running[i - 1]);
    binding->value = value_tensor(e, i == 4 ? build_gt(now, build_like(now, 0)) : now);
  }
  return saved;
}

void graph_end(Elaborator *e, const Saved *saved) {
  for (int i = 0; i < RUN_NAMES; i++) scope_find(e->builtins, name_of(run_name[i]))->value = saved->names[i];
  e->graph = saved->graph;
  e->init_states = saved->init_states;
  e->precision = saved->precision;
  e->training = saved->training;
  e->current = saved->current;
  e->current_capacity = saved->current_capacity;
  e->site = saved->site;
  e->random = saved->random;
  e->frame = saved->frame;
  e->body = saved->body;
  e->loop = saved->loop;
}

// ---- files ----------------------------------------------------------------------------------------------------

Name declaration_name(const Ast *ast) {
  switch (ast->kind) {
  case AST_CONFIG:
  case AST_FN:
  case AST_LAYER:
  case AST_OPTIMIZER:
  case AST_MODEL:
  case AST_METRIC: return ast->u.function.name;
  case AST_DATA: return ast->u.data.name;
  case AST_LET: return ast->u.binding.pattern->kind == AST_NAME ? ast->u.binding.pattern->u.name : NULL;
  case AST_TASK: return ast->u.task.name;
  default: return NULL;
  }
}

static void declare_name(Elaborator *e, Scope *scope, Name name, const Ast *ast) {
  for (int i = 0; i < scope->count; i++)
    if (scope->binding[i].name == name) {
      problem_declared_twice(e->problems, ast->at, scope->binding[i].declaration->at, name);
      return;
    }
  scope_add(e, scope, name)->declaration = ast;
}

static void declare(Elaborator *e, Scope *scope, const Ast *ast) {
  if (ast->kind == AST_TASK) return;
  if (ast->kind == AST_LET && ast->u.binding.pattern->kind == AST_PATTERN) {
    const AstList *names = &ast->u.binding.pattern->u.list;
    for (int i = 0; i < names->count; i++)
      if (names->item[i]->kind == AST_NAME) declare_name(e, scope, names->item[i]->u.name, ast);
  } else if (declaration_name(ast))
    declare_name(e, scope, declaration_name(ast), ast);
}

static const Source *read_source(Elaborator *e, const char *path, Span at) {
  for (int i = 0; i < e->options->helds; i++)
    if (!strcmp(e->options->held[i], path))
      return source_add(path, e->options->held_text[i], strlen(e->options->held_text[i]));
  size_t length;
  char *text = file_read(e->problems, at, path, SOURCE_LIMIT, &length);
  if (!text) return NULL;
  const Source *source = source_add(path, text, length);
  memory_free(text);
  return source;
}

typedef struct Reading {
  const char *path;
  const struct Reading *by;
} Reading;

static void read_program(Elaborator *e, const char *path, Span at, const Reading *by, AstList *all,
                         size_t *capacity) {
  int depth = 0;
  for (const Reading *r = by; r; r = r->by, depth++)
    if (!strcmp(r->path, path) || depth > USE_DEPTH) {
      problem_use_cycle(e->problems, at, path);
      return;
    }
  const Source *source = read_source(e, path, at);
  if (!source) return;
  Ast *program = parse_program(e->arena, e->problems, source);
  if (!by) e->program = program;
  e->source = arena_grow(e->arena, e->source, (size_t)e->sources, &e->source_capacity, sizeof(Source *));
  e->source[e->sources++] = source;
  Reading here = {path, by};
  for (int i = 0; i < program->u.list.count; i++) {
    Ast *ast = program->u.list.item[i];
    if (ast->kind == AST_USE) {
      if (ast->u.use.as) problem_unavailable(e->problems, ast->at, "use … as");
      const char *slash = strrchr(path, '/');
      const char *file = ast->u.use.path->u.string.bytes;
      const char *target =
          slash && file[0] != '/' ? arena_printf(e->arena, "%.*s/%s", (int)(slash - path), path, file) : file;
      read_program(e, target, ast->u.use.path->span, &here, all, capacity);
      continue;
    }
    if (by &&
        (ast->kind == AST_TASK || ast->kind == AST_TEST || ast->kind == AST_EXPORT || ast->kind == AST_LOAD))
      continue;
    all->item = arena_grow(e->arena, all->item, (size_t)all->count, capacity, sizeof(Ast *));
    all->item[all->count++] = ast;
  }
}

static void load_stdlib(Elaborator *e) {
  e->stdlib = scope_new(e, e->builtins);
  e->stdlib->is_file = true;
  for (int i = 0; i < stdlib_count; i++) {
    const Source *source = source_add(stdlib_name[i], stdlib_text[i], stdlib_length[i]);
    Ast *program = parse_program(e->arena, e->problems, source);
    for (int k = 0; k < program->u.list.count; k++) declare(e, e->stdlib, program->u.list.item[k]);
  }
}

// ---- the generic check ------------------------------------------------------------------------------------------

static const Value *unknown_setting(Elaborator *e, Scope *scope, const Ast *param) {
  const Ast *type = param->u.binding.type;
  const char *name = type && type->kind == AST_TYPE_PLAIN ? type->u.name : NULL;
  if (name && !strcmp(name, "int")) return value_int(e, dim_symbol(param->u.binding.name));
  if (name && !strcmp(name, "float")) return value_unknown_float();
  if (name && !strcmp(name, "bool")) return value_unknown_bool();
  if (type && type->kind == AST_TYPE_TENSOR && type->u.tensor.dims.count == 0) return value_unknown_float();
  return param->u.binding.value ? eval(e, scope, param->u.binding.value) : value_unknown();
}

/* An input of the declared type, every free dim a new symbol; names of one call are shared through `scope`. */
static const Value *unknown_input(Elaborator *e, Scope *scope, const Ast *param) {
  const Ast *type = param->u.binding.type;
  if (!type || type->kind != AST_TYPE_TENSOR)
    return type ? unknown_setting(e, scope, param) : value_unknown();
  Type made = {.dtype = e->precision};
  static const struct {
    const char *name;
    DType dtype;
  } dtypes[] = {{"int", DTYPE_I64}, {"bool", DTYPE_BOOL}, {"u8", DTYPE_U8}, {"f64", DTYPE_F64}};
  for (size_t i = 0; i < 4 && type->u.tensor.dtype; i++)
    if (!strcmp(dtypes[i].name, type->u.tensor.dtype)) made.dtype = dtypes[i].dtype;
  for (int i = 0; i < type->u.tensor.dims.count && made.rank < MAX_RANK; i++) {
    const Ast *dim = type->u.tensor.dims.item[i];
    Name name = dim->kind == AST_NAME ? dim->u.name : dim->kind == AST_ELLIPSIS ? name_of("...") : NULL;
    Binding *binding = name ? scope_find(scope, name) : NULL;
    const Dim *size = NULL;
    if (binding && binding->value && binding->value->kind == VALUE_INT)
      size = binding->value->u.dim;
    else if (dim->kind == AST_INT)
      size = dim_of(dim->u.integer);
    else if (name || dim->kind == AST_WILD) {
      size = dim_symbol(name && dim->kind == AST_NAME ? name : name_of("n"));
      if (name) scope_bind(e, scope, name, value_int(e, size));
    } else {
      const Value *value = eval(e, scope, dim);
      size = value->kind == VALUE_INT ? value->u.dim : dim_symbol(name_of("n"));
    }
    made.size[made.rank++] = size;
  }
  if (type->u.tensor.bound) {
    const Ast *bound = type->u.tensor.bound;
    Binding *binding = bound->kind == AST_NAME ? scope_find(scope, bound->u.name) : NULL;
    if (binding && binding->value && binding->value->kind == VALUE_INT)
      made.bound = binding->value->u.dim;
    else if (bound->kind == AST_NAME) {
      made.bound = dim_symbol(bound->u.name);
      scope_bind(e, scope, bound->u.name, value_int(e, made.bound));
    } else {
      const Value *value = eval(e, scope, bound);
      made.bound = value->kind == VALUE_INT ? value->u.dim : NULL;
    }
  }
  return value_tensor(e, unknown_tensor(e, &made));
}

/* Symbols for dims that stand by themselves in some input, so that others can be computed from them. */
static void bind_symbols(Elaborator *e, Scope *scope, const AstList *params) {
  for (int i = 0; i < params->count; i++) {
    const Ast *type = params->item[i]->u.binding.type;
    if (!type || type->kind != AST_TYPE_TENSOR) continue;
    for (int k = 0; k < type->u.tensor.dims.count; k++) {
      const Ast *dim = type->u.tensor.dims.item[k];
      const Binding *known = dim->kind == AST_NAME ? scope_find(scope, dim->u.name) : NULL;
      if (dim->kind != AST_NAME || (known && known->value && known->value->kind == VALUE_INT)) continue;
      scope_bind(e, scope, dim->u.name, value_int(e, dim_symbol(dim->u.name)));
    }
  }
}

static void check_generic(Elaborator *e, Scope *home, const Ast *ast) {
  if (ast->kind == AST_MODEL && !ast->u.function.params_given) return; // checked where it is used
  bool was = e->generic;
  e->generic = true;
  Saved saved = graph_begin(e, false, DTYPE_F32);
  Scope *settings = scope_new(e, home);
  for (int i = 0; i < ast->u.function.settings.count; i++)
    scope_bind(e, settings, ast->u.function.settings.item[i]->u.binding.name,
               unknown_setting(e, settings, ast->u.function.settings.item[i]));
  Scope *names = scope_new(e, settings);
  const AstList *params = &ast->u.function.params;
  Argument *args = ARENA_ARRAY(e->arena, Argument, params->count + 1);
  bool optimizer = ast->kind == AST_OPTIMIZER;
  bind_symbols(e, names, params);
  Type weight = type_of(DTYPE_F32, 2, (const Dim *[]){dim_symbol(name_of("n")), dim_symbol(name_of("m"))});
  for (int i = 0; i < params->count; i++) {
    const Value *value =
        optimizer ? value_tensor(e, unknown_tensor(e, &weight)) : unknown_input(e, names, params->item[i]);
    args[i] = (Argument){NULL, value, params->item[i]};
  }
  Scope *scope = scope_new(e, settings);
  e->frame = ARENA_NEW(e->arena, Frame);
  *e->frame = (Frame){.path = ast->kind == AST_FN ? NULL : ast->u.function.name, .owner = ast};
  e->metric_path = ast->kind == AST_METRIC ? "metric" : NULL;
  e->optimizer_path = optimizer ? "optimizer" : NULL;
  if (signature_bind(e, ast, ast->u.function.name, scope, params, args, params->count, false)) {
    const Value *value = eval_statements(e, scope, ast->u.function.body);
    signature_result(e, ast, scope, ast->u.function.result, value);
  }
  e->metric_path = e->optimizer_path = NULL;
  graph_end(e, &saved);
  e->generic = was;
}

// ---- command-line configs ----------------------------------------------------------------------------------------

bool overrides_add(Elaborator *e, const AstList *all, const char *const *set, int sets, const char *origin) {
  Override *override = ARENA_ARRAY(e->arena, Override, sets + e->overrides + 1);
  int overrides = 0;
  for (int i = 0; i < sets; i++) {
    const char *text = set[i], *equal = strchr(text, '=');
    Name name = name_of_n(text, (size_t)(equal - text));
    const Source *source = source_add(origin, equal + 1, strlen(equal + 1));
    const Ast *value = parse_expression(e->arena, e->problems, source);
    if (!value) return false;
    const char *dot = memchr(text, '.', (size_t)(equal - text));
    const char **known = ARENA_ARRAY(e->arena, const char *, all->count * 24 + 1);
    int count = 0, settings;
    const char *const *setting = setting_names(&settings);
    bool found = false;
    for (int k = 0; k < all->count; k++) {
      const Ast *ast = all->item[k];
      if (ast->kind == AST_CONFIG) known[count++] = ast->u.function.name;
      for (int s = 0; ast->kind == AST_TASK && s < settings && dot; s++)
        known[count++] = name_of(arena_printf(e->arena, "%s.%s", ast->u.task.name, setting[s]));
    }
    for (int k = 0; k < count; k++) found = found || known[k] == name;
    if (!found) {
      problem_unknown_config(e->problems, name, name_nearest(name, known, count));
      return false;
    }
    override[overrides++] = (Override){name, value};
  }
  for (int i = 0; i < e->overrides; i++) override[overrides++] = e->override[i]; // the later one wins
  e->override = override;
  e->overrides = overrides;
  return true;
}

static const char *base_name(Elaborator *e, const char *path) {
  const char *slash = strrchr(path, '/'), *start = slash ? slash + 1 : path;
  const char *dot = strrchr(start, '.');
  return arena_copy(e->arena, start, dot && dot > start ? (size_t)(dot - start) : strlen(start));
}

/* The first name that a let with several declares. */
static Name pattern_name(const Ast *let) {
  const AstList *names = &let->u.binding.pattern->u.list;
  for (int i = 0; i < names->count; i++)
    if (names->item[i]->kind == AST_NAME) return names->item[i]->u.name;
  return NULL;
}

void elaborator_start(Elaborator *e, const char *path) {
  e->program_path = path;
  e->program_name = base_name(e, path);
  load_stdlib(e);
  e->declaration = ARENA_NEW(e->arena, AstList);
  e->file = scope_new(e, e->stdlib);
  e->file->is_file = true;
}

bool elaborator_read(Elaborator *e, const char *path, AstList *all) {
  int errors = problems_count(e->problems, SEVERITY_ERROR);
  size_t capacity = 0;
  read_program(e, path, (Span){0}, NULL, all, &capacity);
  return problems_count(e->problems, SEVERITY_ERROR) == errors;
}

void elaborator_declare(Elaborator *e, const Ast *ast) { declare(e, e->file, ast); }

void elaborator_check(Elaborator *e, const Ast *ast) {
  Name name = declaration_name(ast);
  if (name && (ast->kind == AST_CONFIG || ast->kind == AST_LET)) scope_value(e, e->file, name, ast);
  if (!name && ast->kind == AST_LET) scope_value(e, e->file, pattern_name(ast), ast);
  if (ast->kind == AST_CONFIG) signature_wheres(e, ast, e->file, ast);
  if (ast->kind == AST_MODEL && !ast->u.function.params_given) scope_value(e, e->file, name, ast);
  if (ast->kind == AST_FN || ast->kind == AST_LAYER || ast->kind == AST_METRIC ||
      ast->kind == AST_OPTIMIZER || ast->kind == AST_MODEL)
    check_generic(e, e->file, ast);
}

bool elaborator_load(Elaborator *e, const char *path) {
  elaborator_start(e, path);
  AstList *all = e->declaration;
  elaborator_read(e, path, all);
  for (int i = 0; i < all->count; i++) declare(e, e->file, all->item[i]);
  if (problems_count(e->problems, SEVERITY_ERROR) ||
      !overrides_add(e, all, e->options->set, e->options->sets, "command line") || !hooks_configure(e, all))
    return false;
  Saved saved = graph_begin(e, false, DTYPE_F32);
  for (int i = 0; i < all->count; i++) elaborator_check(e, all->item[i]);
  graph_end(e, &saved);
  return problems_count(e->problems, SEVERITY_ERROR) == 0;
}

void elaborator_check_stdlib(Elaborator *e) {
  load_stdlib(e);
  for (int i = 0; i < e->stdlib->count; i++)
    if (e->stdlib->binding[i].declaration) check_generic(e, e->stdlib, e->stdlib->binding[i].declaration);
}

void elaborator_close(Elaborator *e) {
  constants_free(e);
  for (int i = 0; i < e->datasets; i++) {
    if (e->dataset[i]->table) table_close(e->dataset[i]->table);
    e->dataset[i]->table = NULL;
  }
}
