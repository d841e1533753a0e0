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
          "  stop = patience(\"valid.loss\", 6)\n"
          "  state seen = 0.0\n  seen = 0.9 * seen + mean(x)\n"
          "  let fake = g(x + 0.1 * normal(shape(x)))\n"
          "  minimize cross_entropy(c(x), kind) + 0.1 * cross_entropy(c(stop(fake)), kind) over c\n"
          "    using adamw(1e-2 * plateau(\"valid.loss\", 2, factor=0.5))\n"
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
     "    if ctx.step == 20 and ctx.attempt == 1 then ctx.checkpoint('half') end\n"
     "    if ctx.step == 33 and ctx.attempt == 1 then ctx.rewind('half') end\n"
     "    if ctx.step == 40 and ctx.attempt == 2 then ctx.rewind('epoch') end\n  end,\n"
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
