/* Making checkpoints, and finding the newest one that is whole.
 *
 * A new one is written beside the others, under a number that is not taken, and read back. Only then are those removed
 * that two verified newer ones make superfluous; so at every moment, and after a loss of power at any, two are whole. */
#include "interpreter/checkpoint.h"

#include "interpreter/checkpoint_parts.h"
#include "interpreter/formats/save.h"
#include "lang/problems.h"

#include <string.h>

static const char *path_of(Arena *arena, const Training *t, int number) {
  return arena_printf(arena, "%s/checkpoint-%d.safetensors", t->run->folder, number);
}

static Bundle *bundle_of(Training *t, Arena *arena) {
  Bundle *bundle = session_bundle(t->session, arena, NULL);
  bundle_set_text(bundle, "task", t->task->name);
  bundle_set_text(bundle, "step", arena_printf(arena, "%lld", (long long)t->step));
  bundle_set_text(bundle, "epoch", arena_printf(arena, "%lld", (long long)t->epoch + t->begun));
  place_write(t, bundle);
  setup_write(t, bundle);
  tensors_write(t, bundle);
  return bundle;
}

/* Whether the file can be read and its checksums agree. */
static bool is_whole(Problems *problems, const char *path) {
  Arena *arena = arena_new(0);
  Bundle *bundle = bundle_load(arena, problems, (Span){0}, path);
  bool whole = bundle && bundle_text(bundle, "place");
  bundle_free(bundle);
  arena_free(arena);
  return whole;
}

static void prune(Training *t) {
  if (!t->verified[1]) return;
  Arena *arena = arena_new(0);
  int count, *number = run_checkpoints(arena, t->run->folder, &count);
  for (int i = 0; i < count; i++)
    if (number[i] < t->verified[1]) save_remove(path_of(arena, t, number[i]));
  arena_free(arena);
}

bool checkpoint_save(Training *t, Problems *problems) {
  Arena *arena = arena_new(0);
  Bundle *bundle = bundle_of(t, arena);
  const char *path = path_of(arena, t, t->checkpoint + 1);
  bool ok = bundle_save_safetensors(bundle, problems, path) && is_whole(problems, path);
  bundle_free(bundle);
  t->saved_at = seconds_now();
  if (ok) {
    t->verified[1] = t->verified[0];
    t->verified[0] = ++t->checkpoint;
    report_checkpoint(t->session->report, t->task->name, t->step, path);
    prune(t);
  }
  arena_free(arena);
  return ok;
}

// ---- going on -----------------------------------------------------------------------------------------------------

static void skipped(const Training *t, const char *path, const char *why) {
  problem_checkpoint_skipped(t->session->problems, path, why);
  report_problems(t->session->report, t->session->problems);
}

/* The checkpoint if the file is whole; NULL, having said why not. */
static Bundle *load_whole(const Training *t, Arena *arena, const char *path) {
  Problems *problems = problems_new(arena);
  Bundle *bundle = bundle_load(arena, problems, (Span){0}, path);
  if (bundle && bundle_text(bundle, "place")) return bundle;
  const Problem *problem = problems_total(problems) ? problems_get(problems, 0) : NULL;
  const char *detail = problem && problem->detail ? problem->detail : problem ? problem->title : NULL;
  skipped(t, path, detail ? detail : "it does not say where the run stands");
  bundle_free(bundle);
  return NULL;
}

static void say_where(const Training *t, const Bundle *bundle, const char *path) {
  Session *session = t->session;
  const char *was = bundle_text(bundle, "device"),
             *is = strcmp(session->backend->name, "cpu") ? NULL : cpu_describe(session->backend);
  report_resumed(session->report, t->task->name, t->step, path);
  if (was && (!is || strcmp(was, is) != 0))
    report_line(session->report, "note", "the run began on %s; on %s the last bits may differ", was,
                is ? is : session->backend->name);
}

bool checkpoint_resume(Training *t) {
  Arena *arena = arena_new(0);
  const char *folder = t->run->folder;
  int count, *number = run_checkpoints(arena, folder, &count);
  t->checkpoint = count ? number[0] : 0;
  bool found = false, refused = false;
  for (int i = 0; i < count && !found && !refused; i++) {
    Arena *scratch = arena_new(0);
    const char *path = path_of(arena, t, number[i]), *wrong = NULL;
    Bundle *bundle = load_whole(t, scratch, path);
    refused = bundle && !setup_same(t, bundle, path);
    if (bundle && !refused) {
      found = place_read(t, bundle, &wrong) && tensors_read(t, bundle, &wrong);
      if (!found) skipped(t, path, arena_printf(scratch, "%s does not fit the run", wrong));
      if (found) say_where(t, bundle, path);
    }
    if (found) t->verified[0] = number[i];
    bundle_free(bundle);
    arena_free(scratch);
  }
  if (!found && !refused) problem_no_checkpoint(t->session->problems, folder, count);
  t->resumed = found && t->begun;
  t->saved_at = seconds_now();
  arena_free(arena);
  return found;
}
