/* A run that is left and goes on does what the undisturbed run does, to the last bit; damaged checkpoints are named.
 *
 * Programs are trained in this process, in a folder of their own. `make stress` (STRESS=1) takes the larger numbers. */
#include "tests/unit/training_run.h"

TestSuite(checkpoints, .init = enter, .fini = leave_folder, .timeout = 900);

// ---- programs -----------------------------------------------------------------------------------------------------

typedef struct {
  const char *name, *program, *script;
} Mix;

static const Mix mix[] = {
    {"accumulate",
     DATA "model net(x: [B, n]) -> [B, 2] = x |> Dense(7, relu) |> BatchNorm() |> Dropout(0.3) |> Dense(2)\n"
          "train fit on d {\n"
          "  epochs = 5; batch = 4; accumulate = 3; clip = 0.5; ema = 0.9\n"
          "  keep = best(\"valid.accuracy\"); stop = patience(\"valid.loss\", 30)\n"
          "  let scores = net(x)\n"
          "  minimize cross_entropy(scores, kind) using adam(3e-2 * warmup(4) * cosine())\n"
          "  metric accuracy(scores, kind)\n  metric size = mean(abs(scores))\n}\n",
     NULL},
    {"several",
     DATA "model g(x: [B, n]) -> [B, 2] = x |> Dense(6, tanh) |> Dropout(0.2) |> Dense(2)\n"
          "model c(x: [B, n]) -> [B, 2] = x |> Dense(5, relu) |> Dense(2)\n"
          "model slow = copy(c)\n"
          "train fit on d {\n"
          "  steps = 60; batch = 10; validate = every(7); keep = best(\"valid.loss\")\n"
          "  stop = patience(\"valid.drift\", 3)\n"
          "  state seen = 0.0\n  seen = 0.9 * seen + mean(x)\n"
          "  let fake = g(x + 0.1 * normal(shape(x)))\n"
          "  minimize cross_entropy(c(x), kind) + 0.1 * cross_entropy(c(stop(fake)), kind) over c\n"
          "    using adamw(1e-2 * plateau(\"valid.drift\", 2, factor=0.5))\n"
          "  minimize mse(fake, stop(c(x))) + 0 * seen over g using sgd(5e-2, momentum=0.9) every 2\n"
          "  set slow = blend(slow, c, 0.1) every 1\n"
          "  metric drift = mean(abs(slow(x) - c(x)))\n}\n",
     NULL},
    {"hooks",
     DATA "model net(x: [B, n]) -> [B, 2] = x |> Dense(7, relu) |> Dropout(0.3) |> Dense(2)\n"
          "train fit on d {\n"
          "  epochs = 8; batch = 6; hooks = \"h.lua\"; keep = best(\"valid.accuracy\")\n"
          "  let scores = net(x)\n"
          "  minimize cross_entropy(scores, kind) using adam(2e-2)\n"
          "  metric accuracy(scores, kind)\n  metric size = mean(abs(scores))\n}\n",
     "local function real(x) if x and x == x then return x end return 0 end\n"
     "return {\n"
     "  start = function(ctx)\n"
     "    ctx.state.calls = (ctx.state.calls or 0) + 1; ctx.state.noise = math.random()\n  end,\n"
     "  before_step = function(ctx)\n"
     "    local s = ctx.state\n"
     "    s.sum = (s.sum or 0) + real(ctx.metrics.size) + real(ctx.metrics.accuracy) + real(ctx.grad_norm)\n"
     "      + real(ctx.valid and ctx.valid.loss) + real(ctx.best)\n"
     "    ctx.lr_scale = 0.5 + math.random()\n"
     "    ctx.log('sum', s.sum)\n"
     "    if ctx.step % 11 == 0 then ctx.skip = true end\n  end,\n"
     "  after_step = function(ctx)\n"
     "    local s = ctx.state\n    ctx.log('rate', ctx.lr[1])\n"
     "    if ctx.step == 20 and ctx.attempt == 0 then ctx.checkpoint('half') end\n"
     "    if ctx.step == 31 and ctx.attempt == 0 then ctx.rewind('half') end\n"
     "    if ctx.step == 40 and ctx.attempt == 1 then ctx.rewind('epoch') end\n  end,\n"
     "  epoch = function(ctx)\n"
     "    if ctx.epoch % 3 == 1 then ctx.sample_weight(function(r) return r.a end) end\n"
     "    if ctx.epoch % 3 == 2 then ctx.limit(20) end\n  end,\n"
     "  validated = function(ctx)\n    ctx.log('valid', ctx.valid.accuracy)\n  end\n}\n"},
    {"lengths",
     "data d from csv(\"d.csv\") |> split(valid=0.2, seed=1) {\n"
     "  let s = words |> chars(ends=true) |> pad\n"
     "  ids = s.ids[:-1]; next = s.ids[1:]; keep = s.keep[1:]\n}\n"
     "model lm(ids: int<V>[B, T]) -> [B, T, V] = ids |> Embedding(5) |> GRU(6) |> Dense(V)\n"
     "train fit on d {\n"
     "  epochs = 7; batch = 6; log = every(4); keep = best(\"valid.loss\")\n"
     "  minimize masked_mean(cross_entropy_each(lm(ids), next), keep) using lion(1e-2)\n}\n",
     NULL},
    {"search",
     DATA "model net(x: [B, n]) -> [B, 2] = x |> Dense(5, tanh) |> Dense(2)\n"
          "train fit on d {\n  steps = 20; batch = \"all\"; validate = every(3)\n"
          "  minimize cross_entropy(net(x), kind) using lbfgs()\n}\n",
     NULL},
};
#define MIXES ((int)(sizeof(mix) / sizeof(*mix)))

static void same_file(const char *what, const char *a, const char *b, const char *name) {
  char x[256], y[256], command[600];
  snprintf(x, sizeof x, "%s/%s", a, name);
  snprintf(y, sizeof y, "%s/%s", b, name);
  if (!exists(x) && !exists(y)) return;
  snprintf(command, sizeof command, "cmp '%s' '%s' >/dev/null 2>&1", x, y);
  cr_expect(system(command) == 0, "%s: %s differs", what, name);
}

static void same_runs(const char *what, const char *a, const char *b) {
  static const char *const file[] = {"log.jsonl", "best.safetensors", "last.safetensors", "hooks.csv",
                                     "half.safetensors"};
  for (size_t i = 0; i < sizeof file / sizeof *file; i++) same_file(what, a, b, file[i]);
  char done[256];
  snprintf(done, sizeof done, "%s/done", b);
  cr_expect(exists(done), "%s: is not finished", what);
}

static void mix_open(const Mix *m) {
  put_data();
  put("p.model", m->program);
  if (m->script) put("h.lua", m->script);
}

static void stop_everywhere(const Mix *m) {
  mix_open(m);
  Watch whole = {0};
  cr_assert(train("p.model", "whole", 1, NULL, &whole, NULL) == 0, "%s", m->name);
  int64_t points = stress() ? 60 : 12;
  if (points > whole.calls) points = whole.calls;
  for (int64_t point = 0; point < points; point++)
    for (int threads = 1; threads <= 2; threads++) {
      int64_t at = 1 + point * (whole.calls - 1) / (points > 1 ? points - 1 : 1);
      char what[80];
      snprintf(what, sizeof what, "%s, left after batch %lld, %d threads", m->name, (long long)at, threads);
      cr_assert(system("rm -rf part") == 0);
      Watch first = {.stop_at = at}, second = {0};
      cr_assert(train("p.model", "part", threads, NULL, &first, NULL) == 0, "%s", what);
      cr_assert(train("p.model", "part", 3 - threads, "part/runs/p/fit/1", &second, NULL) == 0, "%s", what);
      cr_expect(first.calls + second.calls == whole.calls, "%s: %lld and %lld batches are not %lld", what,
                (long long)first.calls, (long long)second.calls, (long long)whole.calls);
      same_runs(what, "whole/runs/p/fit/1", "part/runs/p/fit/1");
    }
}

Test(checkpoints, accumulation_dropout_averages) { stop_everywhere(&mix[0]); }
Test(checkpoints, several_optimizers_and_states) { stop_everywhere(&mix[1]); }
Test(checkpoints, hooks_marks_and_rewinds) { stop_everywhere(&mix[2]); }
Test(checkpoints, rows_of_different_lengths) { stop_everywhere(&mix[3]); }
Test(checkpoints, line_search) { stop_everywhere(&mix[4]); }

/* Left again and again, after every batch. */
Test(checkpoints, left_after_every_batch) {
  for (int i = 0; i < MIXES; i++) {
    mix_open(&mix[i]);
    cr_assert(system("rm -rf whole part") == 0);
    Watch whole = {0};
    cr_assert(train("p.model", "whole", 2, NULL, &whole, NULL) == 0);
    Watch w = {.stop_at = 1};
    cr_assert(train("p.model", "part", 1, NULL, &w, NULL) == 0);
    int turns = 1;
    for (; !exists("part/runs/p/fit/1/done") && turns < 400; turns++) {
      w = (Watch){.stop_at = 1};
      cr_assert(train("p.model", "part", 1 + turns % 2, "part/runs/p/fit/1", &w, NULL) == 0);
    }
    same_runs(mix[i].name, "whole/runs/p/fit/1", "part/runs/p/fit/1");
  }
}

// ---- what is damaged or has changed ---------------------------------------------------------------------------------

typedef struct {
  uint8_t *bytes;
  size_t length;
} Content;

static Content content_of(const char *path) {
  struct stat state;
  cr_assert(stat(path, &state) == 0);
  Content c = {malloc((size_t)state.st_size + 1), (size_t)state.st_size};
  FILE *file = fopen(path, "rb");
  cr_assert(file && fread(c.bytes, 1, c.length, file) == c.length && fclose(file) == 0);
  return c;
}

static void content_put(const char *path, const Content *c) {
  FILE *file = fopen(path, "wb");
  cr_assert(file && fwrite(c->bytes, 1, c->length, file) == c->length && fclose(file) == 0);
}

static uint32_t dice(uint32_t sides) {
  static uint32_t state = 12345;
  state = state * 1664525u + 1013904223u;
  return (uint32_t)(((uint64_t)(state >> 4) * sides) >> 28);
}

/* One to three bits turned, the end cut off, or a block of zeros (that was none before); says what. */
static Content damaged(const Content *whole, int kind, char *what, size_t size) {
  Content c = {malloc(whole->length + 1), whole->length};
  memcpy(c.bytes, whole->bytes, c.length);
  uint32_t at = dice((uint32_t)c.length);
  if (kind == 0) {
    uint32_t bits = 1 + dice(3);
    for (uint32_t i = 0; i < bits; i++) c.bytes[(at + 97 * i) % c.length] ^= (uint8_t)(1u << dice(8));
    snprintf(what, size, "%u bits from byte %u", bits, at);
  } else if (kind == 1) {
    c.length = at;
    snprintf(what, size, "cut to %u bytes", at);
  } else {
    uint32_t length = 1 + dice(512);
    bool any = false;
    for (uint32_t i = at; i < at + length && i < c.length; i++) any = any || c.bytes[i], c.bytes[i] = 0;
    if (!any) c.bytes[at] = 1;
    snprintf(what, size, "%u zeros from byte %u", length, at);
  }
  return c;
}

/* A run that was left twice: two checkpoints. */
static void left_twice(const Mix *m) {
  mix_open(m);
  Watch w = {.stop_at = 9};
  cr_assert(train("p.model", "out", 1, NULL, &w, NULL) == 0);
  w = (Watch){.stop_at = 7};
  cr_assert(train("p.model", "out", 1, "out/runs/p/fit/1", &w, NULL) == 0);
}

#define NEWEST "out/runs/p/fit/1/checkpoint-2.safetensors"

Test(checkpoints, damage_is_detected) {
  for (int m = 0; m < 3; m += 2) {
    cr_assert(system("rm -rf out") == 0);
    left_twice(&mix[m]);
    Content whole = content_of(NEWEST);
    int count = stress() ? 11250 : 1000;
    for (int i = 0; i < count; i++) {
      char what[80];
      Content bad = damaged(&whole, i % 3, what, sizeof what);
      content_put(NEWEST, &bad);
      Arena *arena = arena_new(0);
      Problems *problems = problems_new(arena);
      Bundle *bundle = bundle_load(arena, problems, (Span){0}, NEWEST);
      cr_expect(!bundle && problems_total(problems) == 1, "%s: %s was not noticed", mix[m].name, what);
      bundle_free(bundle);
      arena_free(arena);
      free(bad.bytes);
    }
    free(whole.bytes);
  }
}

Test(checkpoints, the_one_before_is_taken_and_the_damaged_named) {
  quiet();
  left_twice(&mix[0]);
  cr_assert(system("cp -r out kept") == 0);
  Watch whole = {0};
  cr_assert(train("p.model", "whole", 1, NULL, &whole, NULL) == 0);
  Content good = content_of(NEWEST);
  for (int i = 0; i < (stress() ? 300 : 40); i++) {
    char what[80];
    cr_assert(system("rm -rf out && cp -r kept out") == 0);
    Content bad = damaged(&good, i % 3, what, sizeof what);
    content_put(NEWEST, &bad);
    Text said = {0};
    Watch w = {0};
    cr_expect(train("p.model", "out", 2, "out/runs/p/fit/1", &w, &said) == 0, "%s: %s", what,
              text_string(&said));
    cr_expect(w.calls == whole.calls - 9, "%s: %lld batches", what, (long long)w.calls);
    cr_expect(strstr(text_string(&said), "W0701 " NEWEST " is skipped: "), "%s: %s", what,
              text_string(&said));
    same_runs(what, "whole/runs/p/fit/1", "out/runs/p/fit/1");
    text_free(&said);
    free(bad.bytes);
  }
  free(good.bytes);
}

static void refused(const char *code, const char *says) {
  Text said = {0};
  Watch w = {0};
  cr_expect(train("p.model", "out", 1, "out/runs/p/fit/1", &w, &said) == 3 && w.calls == 0, "%s", says);
  cr_expect(strstr(text_string(&said), code) && strstr(text_string(&said), says), "%s, not %s %s",
            text_string(&said), code, says);
  text_free(&said);
}

static void put_with(const char *name, const char *text, const char *old, const char *new) {
  Text out = {0};
  const char *at = strstr(text, old);
  cr_assert(at);
  text_add_n(&out, text, (size_t)(at - text));
  text_printf(&out, "%s%s", new, at + strlen(old));
  put(name, text_string(&out));
  text_free(&out);
}

Test(checkpoints, what_changed_is_said) {
  quiet();
  left_twice(&mix[2]);
  put_with("p.model", mix[2].program, "Dropout(0.3)", "Dropout(0.4)");
  refused("E0710", "line 5 of p.model");
  put("p.model", mix[2].program);
  put_with("h.lua", mix[2].script, "0.5 + math", "0.6 + math");
  refused("E0710", "of h.lua");
  put("h.lua", mix[2].script);
  cr_assert(system("sed -i '2s/^0/9/' d.csv") == 0);
  refused("E0710", "the data");
  put_data();
  cr_assert(
      system("awk 'NR == 1 {print; next} {line[NR] = $0} END {for (i = NR; i > 1; i--) print line[i]}' d.csv "
             ">e.csv && mv e.csv d.csv") == 0);
  refused("E0710", "the data"); // the same rows in another order
  cr_assert(system("tail -1 d.csv >>d.csv") == 0);
  refused("E0710", "rows");
  put_data();
  put_with("p.model", mix[2].program, "hooks = \"h.lua\"", "shuffle = true");
  refused("E0710", "line 7 of p.model");
  put("p.model", mix[2].program);
  cr_assert(system("truncate -s 100 out/runs/p/fit/1/checkpoint-*") == 0);
  refused("E0711", "no checkpoint in out/runs/p/fit/1 is whole");
  cr_assert(system("rm out/runs/p/fit/1/checkpoint-*") == 0);
  refused("E0711", "there is no checkpoint");
}

/* Files of one size whose texts lie: nothing is read beyond what there is. */
Test(checkpoints, contents_that_do_not_fit_are_skipped) {
  quiet();
  static const char *const lie[][2] = {
      {"place", "batch 1000000"}, {"place", "step -1"}, {"place", ""}, {"hooks", "none"}, {"hooks", ""}};
  left_twice(&mix[2]);
  for (size_t i = 0; i < sizeof lie / sizeof *lie; i++) {
    Arena *arena = arena_new(0);
    Problems *problems = problems_new(arena);
    Bundle *bundle = bundle_load(arena, problems, (Span){0}, NEWEST);
    cr_assert(bundle);
    Text text = {0};
    text_printf(&text, "%s\n%s", lie[i][1], i < 2 ? bundle_text(bundle, "place") : "");
    bundle_set_text(bundle, lie[i][0], text_string(&text));
    cr_assert(system("rm -rf copy && cp -r out copy") == 0);
    cr_assert(bundle_save_safetensors(bundle, problems, "copy/runs/p/fit/1/checkpoint-2.safetensors"));
    Text said = {0};
    Watch w = {.stop_at = 1};
    cr_expect(train("p.model", "copy", 1, "copy/runs/p/fit/1", &w, &said) == 0);
    cr_expect(strstr(text_string(&said), "W0701"), "%s: %s", lie[i][1], text_string(&said));
    text_free(&said);
    text_free(&text);
    bundle_free(bundle);
    arena_free(arena);
  }
}

/* By the clock: one each so many seconds. */
static bool wait_a_little(void *context, int64_t step) {
  (void)context, (void)step;
  nanosleep(&(struct timespec){0, 2000000}, NULL);
  return false;
}

Test(checkpoints, made_by_the_clock) {
  put_data();
  put("p.model", DATA "model net(x: [B, n]) -> [B, 2] = x |> Dense(2)\n"
                      "train fit on d {\n  steps = 200; batch = 8; checkpoint = every(0.05, seconds)\n"
                      "  minimize cross_entropy(net(x), kind) using adam(1e-3)\n}\n");
  train_watched(wait_a_little, NULL);
  int count;
  Arena *arena = arena_new(0);
  const int *number = run_checkpoints(arena, "out/runs/p/fit/1", &count);
  cr_expect(count == 2 && number[0] >= 4 && number[0] <= 10, "%d checkpoints, to number %d", count,
            count ? number[0] : 0);
  arena_free(arena);
}

// ---- a long run -------------------------------------------------------------------------------------------------------

static long resident_kib(void) {
  FILE *file = fopen("/proc/self/statm", "r");
  long all, resident = 0;
  cr_assert(file && fscanf(file, "%ld %ld", &all, &resident) == 2);
  fclose(file);
  return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

typedef struct {
  long first, last; // KiB
} Growth;

static bool measure(void *context, int64_t step) {
  Growth *growth = context;
  if (step == 5000) growth->first = resident_kib();
  growth->last = resident_kib();
  return false;
}

Test(checkpoints, fifty_thousand_steps_stay_small) {
  put_data();
  put("p.model",
      DATA "model net(x: [B, n]) -> [B, 2] = x |> Dense(6, relu) |> Dropout(0.2) |> Dense(2)\n"
           "train fit on d {\n  steps = 50000; batch = 8; checkpoint = every(250); validate = every(20)\n"
           "  keep = best(\"valid.accuracy\")\n  let scores = net(x)\n"
           "  minimize cross_entropy(scores, kind) using adam(1e-3)\n  metric accuracy(scores, kind)\n}\n");
  Growth growth = {0};
  train_watched(measure, &growth);
  struct stat state;
  cr_assert(stat("out/runs/p/fit/1/log.jsonl", &state) == 0);
  fprintf(stderr, "50,000 steps: %ld KiB more, a log of %ld KiB\n", growth.last - growth.first,
          (long)state.st_size / 1024);
#ifndef __SANITIZE_ADDRESS__ // which keeps what was freed
  cr_expect(growth.last - growth.first < 1024, "%ld KiB more", growth.last - growth.first);
#endif
  cr_expect(state.st_size < 5000000, "a log of %ld bytes", (long)state.st_size);
  int count;
  Arena *arena = arena_new(0);
  run_checkpoints(arena, "out/runs/p/fit/1", &count);
  cr_expect(count == 2, "%d checkpoints", count);
  arena_free(arena);
}
