/* Signals and sudden death of the built binary: what was acknowledged is there, and the run goes on to the same end.
 *
 * LATHE names the binary. Delays are drawn, so other phases are met each time; no outcome may depend on them. */
#include "tests/unit/training_run.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>

static char lathe[4096];

static void open_folder(void) {
  const char *binary = getenv("LATHE");
  cr_assert(realpath(binary ? binary : "build/lathe", lathe), "no binary: set LATHE");
  enter();
}

TestSuite(interruptions, .init = open_folder, .fini = leave_folder, .timeout = 900);

static const char program[] =
    DATA "model net(x: [B, n]) -> [B, 2] = x |> Dense(16, relu) |> Dropout(0.2) |> Dense(2)\n"
         "train fit on d {\n  epochs = 60; batch = 8; checkpoint = every(20); keep = best(\"valid.loss\")\n"
         "  minimize cross_entropy(net(x), kind) using adam(1e-2)\n}\n";

static uint32_t dice(uint32_t sides) {
  static uint32_t state;
  if (!state) state = (uint32_t)time(NULL) * 2654435761u + (uint32_t)getpid();
  state = state * 1664525u + 1013904223u;
  return (uint32_t)(((uint64_t)(state >> 4) * sides) >> 28);
}

static void wait_us(uint32_t us) {
  nanosleep(&(struct timespec){us / 1000000, 1000 * (long)(us % 1000000)}, NULL);
}

/* Starts `lathe train p.model --json` with further words; what it says goes to the file `said`. */
static pid_t start(const char *const *words) {
  const char *argument[16] = {lathe, "train", "p.model", "--json", "--threads", "1", "--out", "out"};
  int count = 8;
  for (; *words; words++) argument[count++] = *words;
  pid_t child = fork();
  if (child == 0) {
    int said = open("said", O_WRONLY | O_CREAT | O_TRUNC, 0666), nothing = open("/dev/null", O_RDWR);
    dup2(nothing, 0), dup2(said, 1), dup2(nothing, 2);
    execv(lathe, (char *const *)(uintptr_t)argument);
    _exit(127);
  }
  cr_assert(child > 0); // never a signal to everybody
  return child;
}

static int wait_end(pid_t child) {
  int status;
  while (waitpid(child, &status, 0) < 0) cr_assert(errno == EINTR);
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

/* The text of the last `saved` event of a checkpoint, whole lines only; its step, -1 without one. */
static long last_saved(char *path, size_t size) {
  FILE *file = fopen("said", "r");
  char line[4096];
  long step = -1;
  while (file && fgets(line, sizeof line, file)) {
    cJSON *event = strchr(line, '\n') ? cJSON_Parse(line) : NULL;
    const char *kind = cJSON_GetStringValue(cJSON_GetObjectItem(event, "event")),
               *where = cJSON_GetStringValue(cJSON_GetObjectItem(event, "path"));
    if (kind && where && !strcmp(kind, "saved") && strstr(where, "/checkpoint-")) {
      snprintf(path, size, "%s", where);
      step = (long)cJSON_GetNumberValue(cJSON_GetObjectItem(event, "step"));
    }
    cJSON_Delete(event);
  }
  if (file) fclose(file);
  return step;
}

static bool loads(const char *path, long step) {
  Arena *arena = arena_new(0);
  Bundle *bundle = bundle_load(arena, problems_new(arena), (Span){0}, path);
  bool good = bundle && atol(bundle_text(bundle, "step")) == step;
  bundle_free(bundle);
  arena_free(arena);
  return good;
}

static bool started(void) { return exists("out/runs/p/fit/1/run.json"); }

/* Until it has a run folder, so that signals find it training. */
static void wait_started(void) {
  for (int i = 0; i < 20000 && !started(); i++) wait_us(200);
}

static void undisturbed(void) {
  put_data();
  put("p.model", program);
  cr_assert(wait_end(start((const char *const[]){NULL})) == 0);
  cr_assert(system("mv out whole") == 0);
}

static void same_end(const char *what) {
  static const char *const file[] = {"log.jsonl", "best.safetensors", "last.safetensors", "done"};
  for (size_t i = 0; i < sizeof file / sizeof *file; i++) {
    char command[300];
    snprintf(command, sizeof command, "cmp whole/runs/p/fit/1/%s out/runs/p/fit/1/%s", file[i], file[i]);
    cr_expect(!exists("whole/runs/p/fit/1/last.safetensors") && i == 2 ? true : system(command) == 0,
              "%s: %s differs", what, file[i]);
  }
}

Test(interruptions, kill_9_loses_nothing_acknowledged) {
  undisturbed();
  int kills = stress() ? 500 : 60, killed = 0, runs = 0;
  while (killed < kills) {
    char path[300] = "";
    int before = 0;
    Arena *arena = arena_new(0);
    int *number = run_checkpoints(arena, "out/runs/p/fit/1", &before);
    bool again = before > 0;
    if (!again) cr_assert(system("rm -rf out") == 0);
    int newest = before ? number[0] : 0;
    pid_t child = start((const char *const[]){again ? "--resume" : NULL, NULL});
    wait_us(5000 + dice(45000));
    kill(child, SIGKILL);
    int code = wait_end(child);
    cr_assert(code == -SIGKILL || code == 0, "exit code %d", code);
    killed += code != 0;
    long step = last_saved(path, sizeof path);
    if (step >= 0) cr_expect(loads(path, step), "%s, acknowledged at step %ld, does not load", path, step);
    int after;
    number = run_checkpoints(arena, "out/runs/p/fit/1", &after);
    cr_expect(!newest || (after && number[0] >= newest), "checkpoint %d is gone", newest);
    for (int i = 0; i < after; i++) {
      const char *one = arena_printf(arena, "out/runs/p/fit/1/checkpoint-%d.safetensors", number[i]);
      Bundle *bundle = bundle_load(arena, problems_new(arena), (Span){0}, one);
      cr_expect(bundle, "%s does not load", one);
      bundle_free(bundle);
    }
    arena_free(arena);
    if (!exists("out/runs/p/fit/1/done")) continue; // it may have come to its end and been killed then
    same_end("killed and resumed");
    runs++;
    cr_assert(system("rm -rf out") == 0);
  }
  fprintf(stderr, "interruptions: %d kills, %d runs went through to the end\n", killed, runs);
}

Test(interruptions, signals_save_and_end_with_their_code) {
  undisturbed();
  int count = stress() ? 240 : 40, ended = 0;
  for (int i = 0; i < count; i++) {
    int sent = i % 2 ? SIGTERM : SIGINT;
    cr_assert(system("rm -rf out") == 0);
    pid_t child = start((const char *const[]){NULL});
    wait_started();
    wait_us(dice(40000));
    kill(child, sent);
    int code = wait_end(child);
    char path[300];
    long step = last_saved(path, sizeof path);
    if (code == 0) { // it was done before the signal came
      ended++;
      continue;
    }
    cr_expect(code == 128 + sent, "signal %d: exit code %d", sent, code);
    cr_expect(step >= 0 && loads(path, step), "signal %d: no checkpoint", sent);
    if (exists("out/runs/p/fit/1/done")) continue; // it came behind the last step
    cr_expect(wait_end(start((const char *const[]){"--resume", NULL})) == 0);
    same_end("signalled and resumed");
  }
  cr_expect(ended < count / 2, "%d of %d runs were over before the signal", ended, count);
}

Test(interruptions, sigusr1_saves_and_goes_on) {
  put_data();
  put("p.model", DATA "model net(x: [B, n]) -> [B, 2] = x |> Dense(16, relu) |> Dense(2)\n"
                      "train fit on d {\n  epochs = 1000000; batch = 8\n"
                      "  minimize cross_entropy(net(x), kind) using adam(1e-2)\n}\n");
  pid_t child = start((const char *const[]){NULL});
  wait_started();
  long before = -1;
  char path[300];
  for (int i = 0; i < 5; i++) {
    kill(child, SIGUSR1);
    long step = before;
    for (int k = 0; k < 5000 && step == before; k++) {
      wait_us(1000);
      step = last_saved(path, sizeof path);
    }
    cr_expect(step > before && loads(path, step), "no checkpoint after SIGUSR1");
    before = step;
  }
  // a second trainer of the same run is told who holds it
  cr_expect(wait_end(start((const char *const[]){"--resume", NULL})) == 3);
  cr_expect(system("grep -q 'E0708.*in use by another trainer' said") == 0);
  // two signals: it leaves at once
  kill(child, SIGTERM);
  kill(child, SIGINT);
  int code = wait_end(child);
  cr_expect(code == 143 || code == 130, "exit code %d", code);
}
