/* The built binary at work: whole programs, in a folder of their own, judged by what they print and write.
 *
 * LATHE names the binary. The design's programs and their data stand beside the project (LATHE_SHARED, else
 * ../shared); where they are absent, their tests say so and end. */
#include "base/arena.h"
#include "base/text.h"

#include <cjson/cJSON.h>
#include <criterion/criterion.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[256], lathe[4096], root[4096], shared[4096];

static void enter(void) {
  const char *binary = getenv("LATHE"), *beside = getenv("LATHE_SHARED");
  cr_assert(getcwd(root, sizeof root));
  cr_assert(realpath(binary ? binary : "build/lathe", lathe), "no binary: set LATHE");
  if (!realpath(beside ? beside : "../shared", shared)) shared[0] = 0;
  strcpy(folder, "/tmp/lathe-test-XXXXXX");
  cr_assert(mkdtemp(folder) && chdir(folder) == 0);
}

static void leave(void) {
  char command[512];
  snprintf(command, sizeof command, "rm -rf '%s'", folder);
  cr_assert(chdir("/") == 0 && system(command) == 0);
}

TestSuite(programs, .init = enter, .fini = leave, .timeout = 240);

/* Runs a shell line with $L the binary, $P the design's programs, $S their root, $R the project; out and err
 * go to one text. */
static int run(Text *out, const char *format, ...) {
  char line[4096], command[6 * 4096];
  va_list args;
  va_start(args, format);
  vsnprintf(line, sizeof line, format, args);
  va_end(args);
  snprintf(command, sizeof command, "L='%s' S='%s' P='%s/design/programs' R='%s'; { %s; } 2>&1", lathe,
           shared, shared, root, line);
  FILE *pipe = popen(command, "r");
  cr_assert(pipe);
  char bytes[4096];
  for (size_t n; (n = fread(bytes, 1, sizeof bytes, pipe)) > 0;)
    if (out) text_add_n(out, bytes, n);
  int status = pclose(pipe);
  cr_assert(WIFEXITED(status), "%s: ended by signal %d", line, WTERMSIG(status));
  cr_assert(WEXITSTATUS(status) < 128 || WEXITSTATUS(status) == 130, "%s: crashed", line);
  return WEXITSTATUS(status);
}

static void expect(int code, const char *said, const char *line) {
  Text out = {0};
  int got = run(&out, "%s", line);
  cr_assert(got == code, "%s\nexit code %d, not %d:\n%s", line, got, code, text_string(&out));
  cr_assert(!said || strstr(text_string(&out), said), "%s\nwithout `%s`:\n%s", line, said, text_string(&out));
  text_free(&out);
}

static bool have_shared(void) {
  bool have = shared[0] && access(shared, R_OK) == 0;
  if (!have) fprintf(stderr, "programs: skipped, there is no ../shared\n");
  return have;
}

/* The last event of a kind, as JSON. Every line of the output must be an event. */
static cJSON *last_event(const Text *out, const char *kind) {
  cJSON *found = NULL;
  char *copy = strdup(text_string(out)), *save = NULL;
  for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
    cJSON *event = cJSON_Parse(line);
    cr_assert(event && cJSON_IsString(cJSON_GetObjectItem(event, "event")), "not an event: %s", line);
    if (!strcmp(cJSON_GetObjectItem(event, "event")->valuestring, kind)) {
      cJSON_Delete(found);
      found = event;
    } else
      cJSON_Delete(event);
  }
  free(copy);
  return found;
}

static double field(const cJSON *object, const char *name) {
  const cJSON *item = cJSON_GetObjectItem(object, name);
  return cJSON_IsNumber(item) ? item->valuedouble : NAN;
}

Test(programs, four_programs_check) {
  if (!have_shared()) return;
  for (int i = 1; i <= 4; i++) {
    char line[256];
    snprintf(line, sizeof line, "$L check $P/0%d_*.model --root $S", i);
    expect(0, "ok", line);
  }
}

Test(programs, penguins_reach_their_mark_and_predict) {
  if (!have_shared()) return;
  Text out = {0};
  cr_assert(run(&out, "$L train $P/01_penguins.model --root $S --json") == 0);
  cJSON *epoch = last_event(&out, "epoch"), *done = last_event(&out, "done"),
        *saved = last_event(&out, "saved");
  cr_assert(field(cJSON_GetObjectItem(epoch, "valid"), "r2") > 0.70);
  cr_assert(field(done, "steps") == 900 && field(cJSON_GetObjectItem(done, "step_ms"), "median") > 0);
  cr_assert(field(done, "first_step_s") > 0 && field(done, "peak_rss_mib") > 0 && field(done, "seconds") > 0);
  cr_assert(cJSON_IsString(cJSON_GetObjectItem(saved, "path")));
  cJSON *start = last_event(&out, "start"), *check = last_event(&out, "check");
  cr_assert(start && check);
  cJSON *const events[] = {epoch, done, saved, start, check};
  for (int i = 0; i < 5; i++) cJSON_Delete(events[i]);
  text_free(&out);
  // only the columns it needs, one row without a value
  expect(0, NULL, "sed 's/species=species, //' $P/01_penguins.model >p.model");
  expect(0, NULL,
         "printf 'bill_length_mm,bill_depth_mm,flipper_length_mm\\n39.1,18.7,181\\n,18,200\\n46,17,210\\n' "
         ">new.csv");
  cr_assert(
      run(&out,
          "$L predict p.model --weights runs/01_penguins/fit/1/best.safetensors --in new.csv --out - -q") ==
      0);
  double first = 0, third = 0;
  cr_assert(sscanf(text_string(&out), "grams\n%lf\n\"\"\n%lf\n", &first, &third) == 2, "%s",
            text_string(&out));
  cr_assert(first > 2500 && first < 4000 && third > 4000 && third < 5500);
  text_free(&out);
  expect(
      0, "grams",
      "cat new.csv | $L predict p.model --weights runs/01_penguins/fit/1/best.safetensors --in - --out - -q");
  // from a JSON file the same rows come out
  expect(0, NULL, "$L export $P/01_penguins.model line --root $S --to line.json -q");
  expect(0, NULL,
         "$L predict p.model --weights line.json --in new.csv --out a.csv -q; "
         "$L predict p.model --weights runs/01_penguins/fit/1/best.safetensors --in new.csv --out b.csv -q; "
         "cmp a.csv b.csv");
}

Test(programs, titanic_reaches_its_mark) {
  if (!have_shared()) return;
  Text out = {0};
  cr_assert(run(&out, "$L train $P/02_titanic.model --root $S --json") == 0);
  cJSON *kept = last_event(&out, "kept");
  cr_assert(field(kept, "value") > 0.80);
  cJSON_Delete(kept);
  text_free(&out);
}

/* A new table: what fill and missing= take care of has a prediction, what lacks anything else has none. */
Test(programs, rows_that_lack_values) {
  if (!have_shared()) return;
  expect(0, NULL,
         "{ cat $P/02_titanic.model; "
         "echo 'predict who on titanic.test { yield chance=sigmoid(net(numbers, no_age, sex, pclass, port)) "
         "}'; } >t.model; "
         "$L train t.model --root $S -q fit.epochs=1");
  expect(0, NULL,
         "printf 'age,fare,sibsp,parch,sex,pclass,embarked\\n22,7.25,1,0,male,3,S\\n,71.3,1,0,female,1,C\\n"
         "30,8,0,0,,3,S\\n30,8,0,0,male,3,\\n30,,0,0,male,3,S\\n' >new.csv");
  Text out = {0};
  cr_assert(run(&out, "$L predict t.model --root $S --in new.csv --out - -q") == 0);
  double chance[3];
  int rows =
      sscanf(text_string(&out), "chance\n%lf\n%lf\n\"\"\n%lf\n\"\"\n", &chance[0], &chance[1], &chance[2]);
  cr_assert(rows == 3 && chance[0] > 0 && chance[1] < 1, "%s", text_string(&out));
  text_free(&out);
  // a class that no training row had is named
  expect(3, "E0404",
         "sed 's/female/other/' new.csv >odd.csv; $L predict t.model --root $S --in odd.csv --out - -q");
}

static void same_bytes(const char *program, const char *model, const char *settings) {
  char line[1024];
  static const char *const ways[] = {"--threads 1", "--threads 2", "--threads 4", "--threads 2 --no-fuse",
                                     "--threads 2"};
  for (int i = 0; i < 5; i++) {
    snprintf(
        line, sizeof line,
        "$L train $P/%s --root $S --out %d -q %s %s && $L export $P/%s %s --root $S --out %d --to %d.json -q",
        program, i, ways[i], settings, program, model, i, i);
    expect(0, NULL, line);
    snprintf(line, sizeof line, "cmp 0.json %d.json", i);
    expect(0, NULL, line);
  }
}

Test(programs, same_bytes_penguins) {
  if (have_shared()) same_bytes("01_penguins.model", "line", "fit.epochs=5");
}
Test(programs, same_bytes_titanic) {
  if (have_shared()) same_bytes("02_titanic.model", "net", "fit.epochs=3");
}
Test(programs, same_bytes_mlp) {
  if (have_shared()) same_bytes("03_mnist_mlp.model", "net", "fit.steps=60");
}
Test(programs, same_bytes_cnn) {
  if (have_shared()) same_bytes("04_mnist_cnn.model", "net", "fit.steps=6");
}

/* After five steps the CPU's weights are those of the reference within 1e-4 of the largest. */
Test(programs, reference_agrees) {
  if (!have_shared()) return;
  static const char *const ways[] = {"cpu", "reference"};
  for (int i = 0; i < 2; i++) {
    char line[512];
    snprintf(line, sizeof line,
             "$L train $P/02_titanic.model --root $S --out %s -q fit.steps=5 --device %s && "
             "$L export $P/02_titanic.model net --root $S --out %s --to %s.json -q",
             ways[i], ways[i], ways[i], ways[i]);
    expect(0, NULL, line);
  }
  Text texts[2] = {{0}, {0}};
  cJSON *weights[2], *documents[2];
  for (int i = 0; i < 2; i++) {
    run(&texts[i], "cat %s.json", ways[i]);
    cJSON *document = cJSON_Parse(text_string(&texts[i]));
    cr_assert(document);
    documents[i] = document;
    weights[i] = cJSON_GetObjectItem(document, "weights");
  }
  int compared = 0;
  const cJSON *tensor;
  cJSON_ArrayForEach(tensor, weights[0]) {
    const cJSON *other = cJSON_GetObjectItemCaseSensitive(weights[1], tensor->string);
    const cJSON *a = cJSON_GetObjectItem(tensor, "data")->child,
                *b = cJSON_GetObjectItem(other, "data")->child;
    for (; a && b; a = a->next, b = b->next, compared++)
      cr_assert(fabs(a->valuedouble - b->valuedouble) < 1e-4, "%s: %g and %g", tensor->string, a->valuedouble,
                b->valuedouble);
    cr_assert(!a && !b);
  }
  cr_assert(compared > 2000);
  for (int i = 0; i < 2; i++) cJSON_Delete(documents[i]), text_free(&texts[i]);
}

Test(programs, digits_demo) {
  expect(0, "accuracy 0.9", "$L run $R/examples/digits.model");
  expect(0, "digits.json", "ls digits.json");
  Text out = {0};
  cr_assert(run(&out, "$L eval $R/examples/digits.model --weights digits.json -q") == 0);
  double accuracy = 0;
  cr_assert(sscanf(text_string(&out), "report accuracy %lf", &accuracy) == 1 && accuracy > 0.95, "%s",
            text_string(&out));
  text_free(&out);
  expect(0, "certainty", "$L predict $R/examples/digits.model --weights digits.json --out - -q");
}

Test(programs, memory_and_start) {
  if (!have_shared()) return;
  Text out = {0};
  cr_assert(run(&out, "$L train $P/03_mnist_mlp.model --root $S --json fit.epochs=1") == 0);
  cJSON *done = last_event(&out, "done");
  cr_assert(field(done, "peak_rss_mib") < 120, "%g MiB", field(done, "peak_rss_mib"));
  cJSON_Delete(done);
  text_free(&out);
}

static const char small[] = "data d from csv(\"d.csv\") { x = columns(a, b) }\n"
                            "model net(x: [B, n]) -> [B] = x |> Dense(4, tanh) |> Dense(1) |> squeeze\n"
                            "train fit on d { epochs = EPOCHS; batch = 2\n  let y = net(x)\n  minimize "
                            "mean(LOSS) using sgd(0.01) }\n";

static void write_small(const char *epochs, const char *loss) {
  FILE *file = fopen("s.model", "w"), *data = fopen("d.csv", "w");
  cr_assert(file && data);
  for (const char *p = small; *p; p++) {
    if (!strncmp(p, "EPOCHS", 6))
      fputs(epochs, file), p += 5;
    else if (!strncmp(p, "LOSS", 4))
      fputs(loss, file), p += 3;
    else
      fputc(*p, file);
  }
  fputs("a,b\n1,2\n3,4\n5,6\n", data);
  fclose(file);
  fclose(data);
}

Test(programs, load_and_strictness) {
  write_small("1", "y ** 2");
  expect(0, NULL, "$L train s.model -q && $L export s.model net --to net.json -q");
  expect(0, "load", "{ cat s.model; echo 'load net from \"net.json\"'; } >l.model; $L run l.model");
  expect(3, "E0702",
         "sed 's/Dense(4, tanh)/Dense(5, tanh)/' s.model >w.model; $L eval w.model --weights net.json; $L "
         "export w.model net --weights net.json --to x.json");
  expect(3, "net.Dense",
         "sed 's/\"net.Dense.1.b\"/\"net.other\"/' net.json >m.json; $L export s.model net --weights m.json "
         "--to x.json");
  expect(3, "E07",
         "sed 's/\"data\": *\\[[^,]*,/\"data\": [NaN,/' net.json >n.json; $L export s.model net --weights "
         "n.json --to x.json");
  expect(3, "E07", "head -c 200 net.json >t.json; $L export s.model net --weights t.json --to x.json");
  expect(3, NULL, "$L export s.model net --weights /dev/null --to x.json");
  expect(3, NULL, "$L export s.model net --weights . --to x.json");
}

Test(programs, interrupted_run_is_saved) {
  write_small("100000000", "y ** 2");
  expect(130, NULL,
         "$L train s.model -q & pid=$!; until [ -d runs/s/fit/1 ]; do sleep 0.1; done; sleep 0.3; kill -INT "
         "$pid; wait $pid");
  expect(0, NULL, "$L export s.model net --weights runs/s/fit/1/best.safetensors --to net.json -q");
}

/* Two tasks, the second left by its hook: only that one goes on, with the weights of the first. */
Test(programs, runs_go_on_are_listed_compared_and_made_again) {
  expect(0, NULL,
         "printf 'x,y\\n1,2\\n2,3\\n3,5\\n4,1\\n5,4\\n6,2\\n' >d.csv; echo 'local again = false return { "
         "start = function(ctx) again = ctx.resumed end, after_step = function(ctx) "
         "if ctx.step == 7 and not again and ctx.config.leave then error(\"x\") end end }' >h.lua; "
         "cat >r.model <<'END'\n"
         "config leave = false\n"
         "data d from csv(\"d.csv\") { t = columns(x) |> standardize; y = y }\n"
         "model net(t: [B, n]) -> [B] = t |> Dense(4, tanh) |> Dropout(0.2) |> Dense(1) |> squeeze\n"
         "train warm on d { epochs = 2; batch = 2; minimize mse(net(t), y) using adam(1e-2) }\n"
         "train tune on d {\n  epochs = 5; batch = 2; checkpoint = every(2); hooks = \"h.lua\"\n"
         "  minimize mse(net(t), y) using adam(1e-2)\n}\nEND\ntrue");
  expect(0, NULL, "$L train r.model leave=false --out whole -q");
  expect(4, "E0801", "$L train r.model leave=true --out part -q");
  expect(0, "left               6/15", "$L runs --out part");
  expect(3, "E0710", "$L train r.model --resume --out part -q");
  expect(0, NULL, "$L train r.model leave=true --resume --out part -q");
  expect(0, "\"state\": \"finished\", \"step\": 15, \"steps\": 15", "$L runs r --out part --json");
  expect(0, NULL, "test $(ls part/runs/r/warm | wc -l) = 1");
  expect(0, NULL, "cmp whole/runs/r/tune/1/log.jsonl part/runs/r/tune/1/log.jsonl");
  expect(1, "leave                false                true",
         "$L diff whole/runs/r/tune/1 part/runs/r/tune/1");
  expect(0, "the same bits in", "$L replay whole/runs/r/tune/1");
  expect(0, "to step 15", "$L diff whole/runs/r/tune/1 whole/runs/r/tune/2");
  expect(0, NULL, "sed -i 's/tanh/relu/' r.model; $L train r.model leave=false --out whole -q");
  expect(1, "r.model:3\n  - model net", "$L diff whole/runs/r/tune/1 whole/runs/r/tune/3");
  expect(0, "the same bits in", "$L replay whole/runs/r/tune/1"); // the text of then, not the file
  expect(3, "E0710", "echo '-- other' >>h.lua; $L replay whole/runs/r/tune/1");
  expect(2, "E0903", "$L diff whole/runs/r/tune/1");
}

Test(programs, not_a_number_names_its_line) {
  write_small("3", "log(0.0 * y - 1)");
  expect(4, "s.model:5", "$L train s.model");
}

Test(programs, exit_codes) {
  write_small("1", "y ** 2");
  expect(2, "did you mean", "$L chek s.model");
  expect(2, "did you mean", "$L train s.model fti");
  expect(2, "did you mean", "$L train s.model fit.epoch=2");
  expect(2, "--", "$L train s.model --thread 2");
  expect(1, "E0101", "sed 's/tanh/tahn/' s.model >e.model; $L check e.model");
  expect(3, "E0704", "sed 's/d.csv/x.csv/' s.model >e.model; $L check e.model");
  expect(3, NULL, "$L check nowhere.model");
  expect(3, NULL, "$L check .");
  expect(3, NULL, "$L predict s.model --out -");
}

/* 200 damaged copies of programs: each is checked and ends, with a Problem or without. */
Test(programs, damaged_programs) {
  uint64_t state = 88172645463325252u; // xorshift64
  char source[64][16384];
  size_t length[64];
  int sources = 0;
  Text list = {0};
  run(&list, "ls $R/examples/*.model $R/tests/errors/*.model $P/0[1-4]*.model 2>/dev/null");
  char *save = NULL;
  for (char *name = strtok_r(list.bytes, "\n", &save); name && sources < 64;
       name = strtok_r(NULL, "\n", &save)) {
    FILE *file = fopen(name, "rb");
    if (!file) continue;
    length[sources] = fread(source[sources], 1, sizeof source[0], file);
    fclose(file);
    sources++;
  }
  cr_assert(sources > 5);
  for (int round = 0; round < 200; round++) {
    char text[16384];
    int s = round % sources;
    size_t n = length[s];
    memcpy(text, source[s], n);
    for (int k = 0; k < 3 && n > 4; k++) {
      state ^= state << 13, state ^= state >> 7, state ^= state << 17;
      size_t at = (size_t)(state >> 8) % (n - 2), other = (size_t)(state >> 33) % (n - 2);
      switch (state % 4) {
      case 0: memmove(text + at, text + at + 1, n - at - 1), n--; break;
      case 1: {
        char c = text[at];
        text[at] = text[other];
        text[other] = c;
        break;
      }
      case 2: n = at + 1; break;
      default: text[at] = (char)(state >> 40); break;
      }
    }
    FILE *file = fopen("m.model", "wb");
    cr_assert(file && fwrite(text, 1, n, file) == n);
    fclose(file);
    Text out = {0};
    int code = run(&out, "timeout 20 $L check m.model --root $S");
    cr_assert(code <= 3, "round %d: exit %d\n%s", round, code, text_string(&out));
    text_free(&out);
  }
  text_free(&list);
}
