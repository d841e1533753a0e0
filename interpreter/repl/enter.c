/* Declarations as they come: new ones, others in the place of old ones, and taking them back.
 *
 * A change is made as a whole or not at all: before it the elaborator's lists are remembered, and where something in
 * the new declarations is wrong they are as they were. What depends on a changed name is evaluated anew when it is next
 * asked for; the tasks among it are checked at once, and what is wrong with them is told without undoing the change. */
#include "interpreter/repl/repl.h"

#include "lang/problems.h"
#include "parser/parse.h"

#include <string.h>

#define NAMES 32

/* The elaborator's lists before a change. */
typedef struct {
  Elaborator e;
  Scope file;
  Weight *weight;
  Fitted **fitted;
  Dataset **dataset;
  Output *output; // of the graph of first values
  Override *override;
  int survivors, old_datas, outputs, weights_seen, weights_copied;
  int64_t weights_made;
} Before;

static void *copied(Repl *repl, const void *items, int count, size_t size) {
  void *copy = arena_alloc(repl->call->arena, (size_t)count + 1, size);
  if (count) memcpy(copy, items, (size_t)count * size);
  return copy;
}

static Before remember(Repl *repl) {
  Elaborator *e = repl->e;
  Before before = {.e = *e,
                   .file = *e->file,
                   .survivors = repl->survivors,
                   .old_datas = repl->old_datas,
                   .outputs = e->init->outputs,
                   .weights_seen = repl->weights_seen,
                   .weights_copied = repl->session->weights_copied,
                   .weights_made = repl->session->weights_made};
  before.file.binding = copied(repl, e->file->binding, e->file->count, sizeof(Binding));
  before.weight = copied(repl, e->weight, e->weights, sizeof(Weight));
  before.fitted = copied(repl, e->fitted, e->fitteds, sizeof(Fitted *));
  before.output = copied(repl, e->init->output, e->init->outputs, sizeof(Output));
  before.dataset = copied(repl, e->dataset, e->datasets, sizeof(Dataset *));
  before.override = copied(repl, e->override, e->overrides, sizeof(Override));
  return before;
}

/* Everything as it was. Weights put aside meanwhile get their numbers back. */
static void forget_since(Repl *repl, const Before *before) {
  Elaborator *e = repl->e;
  for (int i = 0; i < e->weights; i++) {
    bool old = false;
    for (int k = 0; k < before->e.weights && !old; k++)
      old = before->weight[k].variable == e->weight[i].variable;
    if (old) continue;
    memory_free(e->weight[i].variable->data);
    e->weight[i].variable->data = NULL;
  }
  for (int i = before->e.constants; i < e->constants; i++) {
    memory_free(e->constant[i].variable->data);
    e->constant[i].variable->data = NULL;
  }
  for (int i = before->survivors; i < repl->survivors; i++)
    for (int k = 0; k < before->e.weights; k++)
      if (before->weight[k].canonical == repl->survivor[i].path)
        before->weight[k].variable->data = repl->survivor[i].data;
  for (int i = 0; i < e->datasets; i++) {
    bool old = false;
    for (int k = 0; k < before->e.datasets; k++) old = old || before->dataset[k] == e->dataset[i];
    if (old || !e->dataset[i]->table) continue;
    table_close(e->dataset[i]->table);
    e->dataset[i]->table = NULL;
  }
  Problems *problems = e->problems;
  Scope *file = e->file;
  Graph *init = e->init;
  *e = before->e;
  e->problems = problems;
  *file = before->file;
  file->capacity = (size_t)file->count;
  e->weight = before->weight;
  e->weight_capacity = (size_t)e->weights;
  e->fitted = before->fitted;
  e->fitted_capacity = (size_t)e->fitteds;
  e->dataset = before->dataset;
  e->dataset_capacity = (size_t)e->datasets;
  e->override = before->override;
  repl->old_datas = before->old_datas;
  init->outputs = before->outputs;
  if (init->outputs) memcpy(init->output, before->output, sizeof(Output) * (size_t)init->outputs);
  repl->survivors = before->survivors;
  repl->weights_seen = before->weights_seen;
  repl->session->weights_copied = before->weights_copied;
  repl->session->weights_made = before->weights_made;
}

// ---- the change -------------------------------------------------------------------------------------------------

static void unbind(Repl *repl, const Ast *ast) {
  Scope *file = repl->e->file;
  int kept = 0;
  for (int i = 0; i < file->count; i++)
    if (file->binding[i].declaration != ast) file->binding[kept++] = file->binding[i];
  file->count = kept;
}

/* `it` and values bound by `name = e` give way to a declaration of the name. */
static void unbind_names(Repl *repl, const Ast *ast) {
  Scope *file = repl->e->file;
  Name name[NAMES];
  int count, kept = 0;
  names_of(ast, name, NAMES, &count);
  for (int i = 0; i < file->count; i++) {
    bool same = false;
    for (int k = 0; k < count; k++) same = same || file->binding[i].name == name[k];
    if (!same || file->binding[i].declaration->span.source) file->binding[kept++] = file->binding[i];
  }
  file->count = kept;
}

/* The list of declarations with the change in it: a new one stands where the old one stood. */
static void list_change(Repl *repl, const Change *change, int changes) {
  Elaborator *e = repl->e;
  AstList *list = ARENA_NEW(e->arena, AstList);
  list->item = ARENA_ARRAY(e->arena, Ast *, e->declaration->count + changes + 1);
  for (int i = 0; i < e->declaration->count; i++) {
    Ast *ast = e->declaration->item[i];
    for (int c = 0; c < changes; c++)
      if (change[c].before == ast) ast = (Ast *)(uintptr_t)change[c].now;
    if (ast) list->item[list->count++] = ast;
  }
  for (int c = 0; c < changes; c++)
    if (!change[c].before && change[c].now) list->item[list->count++] = (Ast *)(uintptr_t)change[c].now;
  e->declaration = list;
}

static void fitted_forget(Repl *repl, const Ast *data) {
  Elaborator *e = repl->e;
  int kept = 0;
  for (int i = 0; i < e->fitteds; i++)
    if (e->fitted[i]->table != data->u.data.name) e->fitted[kept++] = e->fitted[i];
  e->fitteds = kept;
}

/* What a declaration was evaluated to is forgotten. */
static void value_forget(Repl *repl, const Ast *ast) {
  Elaborator *e = repl->e;
  for (int i = 0; i < e->file->count; i++)
    if (e->file->binding[i].declaration == ast) e->file->binding[i].value = NULL;
  if (ast->kind != AST_DATA) return;
  fitted_forget(repl, ast);
  int kept = 0;
  for (int i = 0; i < e->datasets; i++) {
    Dataset *data = e->dataset[i];
    if (data->ast != ast) {
      e->dataset[kept++] = data;
      continue;
    }
    repl->old_data = arena_grow(e->arena, repl->old_data, (size_t)repl->old_datas, &repl->old_data_capacity,
                                sizeof(Dataset *));
    repl->old_data[repl->old_datas++] = data;
  }
  e->datasets = kept;
}

/* Models that are made again: those that changed, and those that a task or a let calls which changed below them. */
static void models_aside(Repl *repl, const Change *change, int changes, const AstList *old,
                         const bool *affected) {
  bool below = false;
  for (int c = 0; c < changes; c++) {
    const Ast *before = change[c].before;
    if (before && before->kind == AST_MODEL) weights_aside(repl, before->u.function.name);
    below = below || (change[c].now ? change[c].now : before)->kind != AST_TASK;
  }
  for (int i = 0; i < old->count && below; i++) {
    if (!affected[i]) continue;
    const Ast *ast = old->item[i];
    if (ast->kind == AST_MODEL) weights_aside(repl, ast->u.function.name);
    for (int k = 0; k < old->count && (ast->kind == AST_TASK || ast->kind == AST_LET); k++)
      if (old->item[k]->kind == AST_MODEL && mentions(ast, old->item[k]->u.function.name))
        weights_aside(repl, old->item[k]->u.function.name);
  }
}

/* Computes the lets among the declarations, those of the change and those that hang on it. */
static bool lets_compute(Repl *repl, const AstList *list) {
  Elaborator *e = repl->e;
  Saved saved = graph_begin(e, false, DTYPE_F32);
  for (int i = 0; i < list->count; i++) {
    Name name[NAMES];
    int count;
    if (list->item[i]->kind != AST_LET) continue;
    names_of(list->item[i], name, NAMES, &count);
    for (int k = 0; k < count; k++) scope_value(e, e->file, name[k], list->item[i]);
  }
  Graph *graph = e->graph;
  graph_end(e, &saved);
  return begin_work(repl) && constants_ready(e, graph) && !interrupted;
}

static void check_all(Repl *repl, const AstList *list, bool tasks) {
  Elaborator *e = repl->e;
  Saved saved = graph_begin(e, false, DTYPE_F32);
  for (int i = 0; i < list->count; i++) elaborator_check(e, list->item[i]);
  for (int i = 0; i < list->count; i++) {
    if (list->item[i]->kind != AST_DATA) continue; // a program finds out where a task reads its fields
    Dataset *data = dataset_declare(e, list->item[i], e->file);
    if (dataset_open(e, data)) dataset_bind_fields(e, data, scope_new(e, NULL));
  }
  graph_end(e, &saved);
  for (int i = 0; i < list->count && tasks && !went_wrong(repl); i++)
    if (list->item[i]->kind == AST_TASK || list->item[i]->kind == AST_TEST) task_elaborate(e, list->item[i]);
}

/* A model that nothing checked here has called is called once more with what it was called with last. */
static void models_make(Repl *repl) {
  Elaborator *e = repl->e;
  for (int i = 0; i < e->calleds; i++) {
    const Called *called = &e->called[i];
    bool waits = false, made = false;
    for (int k = 0; k < repl->survivors; k++)
      waits = waits || (!repl->survivor[k].gone && !strcmp(repl->survivor[k].model, called->model));
    for (int k = 0; k < e->weights; k++) made = made || !strcmp(e->weight[k].model, called->model);
    if (!waits || made) continue;
    int mark = problems_total(e->problems), weights = e->weights, outputs = e->init->outputs;
    Saved saved = graph_begin(e, false, DTYPE_F32);
    Ast *at = ARENA_NEW(e->arena, Ast);
    at->kind = AST_NAME;
    Binding *binding = scope_find(e->file, name_of(called->model));
    if (binding && binding->declaration) at->span = at->at = binding->declaration->at;
    at->u.name = name_of(called->model);
    Argument *args = ARENA_ARRAY(e->arena, Argument, called->inputs + 1);
    for (int k = 0; k < called->inputs; k++)
      args[k] = (Argument){NULL, value_tensor(e, unknown_tensor(e, &called->type[k])), at};
    const Value *model = binding ? scope_value(e, e->file, at->u.name, at) : value_unknown();
    if (model->kind == VALUE_INSTANCE) call_value(e, at, model, args, called->inputs);
    graph_end(e, &saved);
    if (problems_total(e->problems) > mark) { // it wants other inputs now
      e->weights = weights;
      e->init->outputs = outputs;
    }
    problems_forget(e->problems, mark);
  }
}

static AstList list_affected(Repl *repl, const AstList *from, const bool *affected) {
  AstList list = {.item = ARENA_ARRAY(repl->call->arena, Ast *, from->count + 1)};
  for (int i = 0; i < from->count; i++)
    if (affected[i]) list.item[list.count++] = from->item[i];
  return list;
}

static AstList list_new(Repl *repl, const Change *change, int changes) {
  AstList list = {.item = ARENA_ARRAY(repl->call->arena, Ast *, changes + 1)};
  for (int c = 0; c < changes; c++)
    if (change[c].now) list.item[list.count++] = (Ast *)(uintptr_t)change[c].now;
  return list;
}

/* Trainings whose task or weights are not what they were. */
static void trainings_follow(Repl *repl, const Change *change, int changes, const AstList *again) {
  if (repl->aside) {
    trainings_drop(repl, NULL);
    return;
  }
  for (int c = 0; c < changes; c++)
    if (change[c].before && change[c].before->kind == AST_TASK)
      trainings_drop(repl, change[c].before->u.task.name);
  for (int i = 0; i < again->count; i++)
    if (again->item[i]->kind == AST_TASK) trainings_drop(repl, again->item[i]->u.task.name);
}

void unknown_forget(Repl *repl) {
  const Scope *file = repl->e->file;
  for (int i = 0; i < file->count; i++) {
    Binding *binding = &file->binding[i];
    if (binding->value && binding->value->kind == VALUE_UNKNOWN) binding->value = NULL;
  }
}

/* What hangs on the change and is wrong now is told and leaves the list; the change stays. */
static void tell_affected(Repl *repl, AstList *affected) {
  Text others = {0};
  int wrong = 0, right = 0;
  for (int i = 0; i < affected->count; i++) {
    AstList one = {.item = &affected->item[i], .count = 1};
    unknown_forget(repl);
    check_all(repl, &one, true);
    if (!went_wrong(repl)) {
      affected->item[right++] = affected->item[i];
      continue;
    }
    Name name[NAMES];
    int count;
    names_of(affected->item[i], name, NAMES, &count);
    if (wrong++ == 0) {
      say(repl, "%s does not fit any more:\n", name[0]);
      said_problems(repl);
    } else
      text_printf(&others, "%s%s", wrong > 2 ? ", " : "", name[0]);
    problems_renew(repl->call->problems);
  }
  affected->count = right;
  if (wrong > 1) say(repl, wrong > 2 ? "nor do %s\n" : "nor does %s\n", text_string(&others));
  text_free(&others);
}

bool enter(Repl *repl, Change *change, int changes) {
  Elaborator *e = repl->e;
  Before before = remember(repl);
  repl->aside = repl->tells = false;
  for (int c = 0; c < changes; c++) {
    AstKind kind = (change[c].now ? change[c].now : change[c].before)->kind;
    repl->tells = repl->tells || kind == AST_MODEL || kind == AST_LAYER;
  }
  const AstList *old = e->declaration;
  bool *affected = ARENA_ARRAY(e->arena, bool, old->count + 1);
  affected_by(repl, change, changes, affected);
  AstList again = list_affected(repl, old, affected), now = list_new(repl, change, changes);
  for (int c = 0; c < changes; c++) {
    if (change[c].before) {
      value_forget(repl, change[c].before);
      unbind(repl, change[c].before);
    }
    if (!change[c].now) continue;
    unbind_names(repl, change[c].now);
    elaborator_declare(e, change[c].now);
  }
  list_change(repl, change, changes);
  for (int i = 0; i < again.count; i++) value_forget(repl, again.item[i]);
  models_aside(repl, change, changes, old, affected);
  if (!went_wrong(repl)) check_all(repl, &now, true);
  if (went_wrong(repl) || !lets_compute(repl, &now)) {
    forget_since(repl, &before);
    return false;
  }
  tell_affected(repl, &again);
  lets_compute(repl, &again);
  if (went_wrong(repl)) said_problems(repl);
  models_make(repl);
  begin_work(repl);
  trainings_follow(repl, change, changes, &again);
  return true;
}

// ---- what was entered, to be taken back ---------------------------------------------------------------------------

static void keep_entry(Repl *repl, Change *change, int changes) {
  repl->entry =
      arena_grow(repl->e->arena, repl->entry, (size_t)repl->entries, &repl->entry_capacity, sizeof(Entry));
  repl->entry[repl->entries++] = (Entry){change, changes, repl->line};
}

bool enter_undo(Repl *repl) {
  if (!repl->entries) {
    problem_repl_undo(repl->call->problems);
    return false;
  }
  const Entry *entry = &repl->entry[repl->entries - 1];
  Change *back = ARENA_ARRAY(repl->call->arena, Change, entry->changes + 1);
  for (int i = 0; i < entry->changes; i++) back[i] = (Change){entry->change[i].now, entry->change[i].before};
  weights_back(repl, entry->line);
  if (!enter(repl, back, entry->changes)) return false;
  repl->entries--;
  for (int i = 0; i < entry->changes; i++) {
    Name name[NAMES];
    int count;
    if (!names_of(back[i].before, name, NAMES, &count)) continue;
    say(repl, back[i].now ? "%s is what it was before\n" : "%s is taken back\n", name[0]);
  }
  return true;
}

/* The declaration that the new one takes the place of. */
static const Ast *place_of(const Repl *repl, const Ast *now, const Change *change, int changes) {
  Name name[NAMES];
  int count;
  names_of(now, name, NAMES, &count);
  const AstList *all = repl->e->declaration;
  for (int i = 0; i < all->count; i++) {
    Name other[NAMES];
    int others;
    const Ast *ast = all->item[i];
    if ((ast->kind == AST_TASK) != (now->kind == AST_TASK)) continue;
    names_of(ast, other, NAMES, &others);
    for (int a = 0; a < count; a++)
      for (int b = 0; b < others; b++) {
        bool taken = false;
        for (int c = 0; c < changes; c++) taken = taken || change[c].before == ast;
        if (name[a] == other[b] && !taken) return ast;
      }
  }
  return NULL;
}

/* One line about a declaration that was entered. */
static void tell_entered(Repl *repl, const Ast *ast) {
  Elaborator *e = repl->e;
  Text out = {0};
  Name name[NAMES];
  int count;
  names_of(ast, name, NAMES, &count);
  if (ast->kind == AST_TASK) {
    text_printf(&out, "%s %s\n", task_kind_text(ast->u.task.task), name[0]);
    say_text(repl, &out);
    return;
  }
  Saved saved = graph_begin(e, false, DTYPE_F32);
  for (int i = 0; i < count; i++) {
    const Value *value = scope_value(e, e->file, name[i], ast);
    if (ast->kind == AST_LET || ast->kind == AST_CONFIG) text_printf(&out, "%s = ", name[i]);
    describe(repl, value, &out);
  }
  graph_end(e, &saved);
  say_text(repl, &out);
}

bool enter_declarations(Repl *repl, const AstList *list, int from, int to) {
  Change *change = ARENA_ARRAY(repl->call->arena, Change, to - from + 1);
  int changes = 0;
  for (int i = from; i < to; i++) {
    const Ast *now = list->item[i];
    if (now->kind == AST_LET && declaration_name(now)) now = let_literal(repl, now, declaration_name(now));
    if (went_wrong(repl)) return false;
    change[changes] = (Change){place_of(repl, now, change, changes), now};
    changes++;
  }
  if (!enter(repl, change, changes)) return false;
  keep_entry(repl, change, changes);
  for (int i = 0; i < changes && !went_wrong(repl); i++) tell_entered(repl, change[i].now);
  return true;
}

/* The declaration with another value, as if it had been typed so. NULL after a Problem. */
static const Ast *with_value(Repl *repl, const Ast *before, const Ast *value) {
  const Span old = before->kind == AST_LET ? before->u.binding.value->span : before->u.function.body->span;
  const char *was = source_by_id(before->span.source)->text, *is = source_by_id(value->span.source)->text;
  Text text = {0};
  text_add_n(&text, was + before->span.start, old.start - before->span.start);
  text_add_n(&text, is + value->span.start, value->span.end - value->span.start);
  text_add_n(&text, was + old.end, before->span.end - old.end);
  Arena *arena = repl->call->arena;
  const Source *source =
      source_add(arena_printf(arena, "[%lld]", (long long)repl->line), text_string(&text), text.length);
  text_free(&text);
  const Ast *program = parse_program(arena, repl->call->problems, source);
  return program->u.list.count == 1 ? program->u.list.item[0] : NULL;
}

/* `name = e`: another value for a config, or for a let, whose old value e may read. */
void enter_value(Repl *repl, const Ast *ast) {
  Elaborator *e = repl->e;
  Name name = ast->u.binding.name;
  const Ast *before = declaration_named(repl, name);
  if (!before || (before->kind != AST_LET && before->kind != AST_CONFIG)) {
    problem_assign_new(e->problems, ast->at, name, scope_nearest(e, e->file, name));
    return;
  }
  const Ast *now = with_value(repl, before, ast->u.binding.value);
  if (now && before->kind == AST_LET) now = let_literal(repl, now, name);
  if (!now || went_wrong(repl)) return;
  if (before->kind == AST_CONFIG) {
    int kept = 0; // what the command line set gives way
    for (int i = 0; i < e->overrides; i++)
      if (e->override[i].name != name) e->override[kept++] = e->override[i];
    e->overrides = kept;
  }
  Change *change = ARENA_NEW(repl->call->arena, Change);
  *change = (Change){before, now};
  if (!enter(repl, change, 1)) return;
  keep_entry(repl, change, 1);
  tell_entered(repl, now);
}
