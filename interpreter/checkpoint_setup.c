/* What must be the same for a run to go on: the files of the program and its hooks, configs and settings given beside
 * it, seed, precision, and what was learned from the data. */
#include "interpreter/checkpoint_parts.h"
#include "interpreter/formats/json_document.h"
#include "lang/problems.h"

#include <string.h>

static const char *override_text(const Override *override) {
  const Source *source = source_by_id(override->ast->span.source);
  return source ? source->text : "";
}

/* Lines name=value, those in effect, in the order of their names. */
static const char *settings_text(Training *t, Arena *arena) {
  const Elaborator *e = t->session->program;
  const Override **list = ARENA_ARRAY(arena, const Override *, e->overrides + 1);
  int count = 0;
  for (int i = e->overrides - 1; i >= 0; i--) { // the later one wins
    int at = 0;
    while (at < count && strcmp(list[at]->name, e->override[i].name) < 0) at++;
    if (at < count && list[at]->name == e->override[i].name) continue;
    memmove(list + at + 1, list + at, sizeof(*list) * (size_t)(count - at));
    list[at] = &e->override[i];
    count++;
  }
  Text text = {0};
  for (int i = 0; i < count; i++) text_printf(&text, "%s=%s\n", list[i]->name, override_text(list[i]));
  const Settings *s = &t->task->settings;
  text_printf(&text, "--precision=%s\n--seed=%llu\n", s->precision_name, (unsigned long long)s->seed);
  const Pass *pass = t->task->train;
  if (t->rows && !t->data) t->data = table_fingerprint(pass->data->table, pass->part);
  text_printf(&text, "rows=%lld\ndata=%08x\n", (long long)(t->rows ? t->rows->count : 0), t->data);
  const char *copy = arena_copy(arena, text_string(&text), text.length);
  text_free(&text);
  return copy;
}

static const char *file_name(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

static cJSON *sources_document(const Training *t) {
  const Elaborator *e = t->session->program;
  cJSON *document = cJSON_CreateObject();
  for (int i = 1; i < e->sources; i++)
    if (!cJSON_HasObjectItem(document, file_name(e->source[i]->path)))
      cJSON_AddStringToObject(document, file_name(e->source[i]->path), e->source[i]->text);
  const Source *script = t->hooks ? train_hooks_source(t->hooks) : NULL;
  if (script && !cJSON_HasObjectItem(document, file_name(script->path)))
    cJSON_AddStringToObject(document, file_name(script->path), script->text);
  return document;
}

void setup_write(Training *t, Bundle *bundle) {
  bundle_set_text(bundle, "settings", settings_text(t, bundle->arena));
  cJSON *document = sources_document(t);
  char *text = cJSON_PrintUnformatted(document);
  if (!text) memory_full(0);
  bundle_set_text(bundle, "sources", text);
  cJSON_free(text);
  cJSON_Delete(document);
}

// ---- comparing ----------------------------------------------------------------------------------------------------

#define SHOWN_BEFORE 24 // bytes of a line before the place where it differs

static const char *line_of(Arena *arena, const char *at) { return arena_copy(arena, at, strcspn(at, "\n")); }

/* The line from shortly before `place` on. */
static const char *line_around(Arena *arena, const char *line, size_t place) {
  if (place <= 2 * SHOWN_BEFORE) return line_of(arena, line);
  const char *from = line + place - SHOWN_BEFORE;
  while (((unsigned char)*from & 0xc0) == 0x80) from--; // whole characters
  return arena_printf(arena, "…%s", line_of(arena, from));
}

/* false, after a Problem that shows the first line that differs. */
static bool text_same(const Training *t, const char *file, const char *was, const char *is,
                      const char *path) {
  if (!strcmp(was, is)) return true;
  Arena *arena = arena_new(0);
  int line = 1;
  while (*was && *is) {
    size_t a = strcspn(was, "\n"), b = strcspn(is, "\n");
    if (a != b || memcmp(was, is, a) != 0 || was[a] != is[b]) break;
    was += a + (was[a] == '\n');
    is += b + (is[b] == '\n');
    line++;
  }
  const char *what = arena_printf(arena, "line %d of %s", line, file_name(file));
  size_t same = 0;
  while (was[same] && was[same] != '\n' && was[same] == is[same]) same++;
  problem_run_changed(t->session->problems, what, line_around(arena, was, same), line_around(arena, is, same),
                      path, false);
  arena_free(arena);
  return false;
}

/* The value of `name` among lines name=value, in the arena; NULL: there is none. */
static const char *setting_of(Arena *arena, const char *lines, const char *name, size_t length) {
  for (; *lines; lines += strcspn(lines, "\n"), lines += *lines == '\n')
    if (!strncmp(lines, name, length) && lines[length] == '=') return line_of(arena, lines + length + 1);
  return NULL;
}

static bool settings_same(const Training *t, const char *was, const char *is, const char *path) {
  if (!strcmp(was, is)) return true;
  Arena *arena = arena_new(0);
  const char *const both[] = {was, is};
  bool same = true;
  for (int turn = 0; turn < 2 && same; turn++)
    for (const char *line = both[turn]; *line && same; line += strcspn(line, "\n"), line += *line == '\n') {
      size_t length = strcspn(line, "=\n");
      const char *then = setting_of(arena, was, line, length), *now = setting_of(arena, is, line, length);
      if (then && now && !strcmp(then, now)) continue;
      same = false;
      if (length == 4 && !strncmp(line, "data", 4)) {
        problem_run_data(t->session->problems, path);
        continue;
      }
      problem_run_changed(t->session->problems, arena_copy(arena, line, length), then, now, path, true);
    }
  arena_free(arena);
  return same;
}

static bool sources_same(const Training *t, const Bundle *bundle, const char *path) {
  const char *text = bundle_text(bundle, "sources");
  cJSON *was = text ? cJSON_Parse(text) : NULL, *is = sources_document(t);
  bool same = true;
  const cJSON *item;
  cJSON_ArrayForEach(item, is) {
    const char *old = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(was, item->string));
    same = same && text_same(t, item->string, old ? old : "", item->valuestring, path);
  }
  cJSON_ArrayForEach(item, was) {
    bool known = cJSON_HasObjectItem(is, item->string) || !cJSON_IsString(item);
    same = same && (known || text_same(t, item->string, item->valuestring, "", path));
  }
  cJSON_Delete(was);
  cJSON_Delete(is);
  return same;
}

/* What was fitted to the data then and now. */
static bool data_same(const Training *t, const Bundle *bundle, const char *path) {
  cJSON *now = session_fitted(t->session);
  bool same = !bundle->data || cJSON_Compare(bundle->data, now, true);
  cJSON_Delete(now);
  if (!same) problem_run_data(t->session->problems, path);
  return same;
}

bool setup_same(Training *t, const Bundle *bundle, const char *path) {
  const Elaborator *e = t->session->program;
  const char *program = bundle_text(bundle, "program"), *settings = bundle_text(bundle, "settings");
  if (!program || !settings) return problem_run_data(t->session->problems, path), false;
  return text_same(t, e->source[0]->path, program, e->source[0]->text, path) &&
         sources_same(t, bundle, path) &&
         settings_same(t, settings, settings_text(t, t->session->arena), path) && data_same(t, bundle, path);
}
