/* A session that is talked to while it runs: interrupts, how fast it answers, completion, and keys on a real terminal.
 *
 * The terminal is tmux's, where it is installed: every session of tests/repl/ is typed key by key, and what the screen
 * shows must be what the session prints into a pipe. */
#include "interpreter/session.h"
#include "tests/session.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct {
  pid_t child;
  int to, from;
  Text said; // all of it
} Live;

static Live live_open(const char *folder) {
  int in[2], out[2];
  const char *lathe = getenv("LATHE");
  cr_assert(lathe, "LATHE does not name the binary: run `make test`");
  cr_assert(pipe(in) == 0 && pipe(out) == 0);
  Live live = {.child = fork(), .to = in[1], .from = out[0]};
  if (live.child == 0) {
    dup2(in[0], 0), dup2(out[1], 1), dup2(out[1], 2);
    close(in[1]), close(out[0]);
    if (chdir(folder) == 0) execl(lathe, lathe, "repl", (char *)NULL);
    _exit(127);
  }
  close(in[0]), close(out[1]);
  return live;
}

static void live_send(const Live *live, const char *line) {
  cr_assert(write(live->to, line, strlen(line)) == (ssize_t)strlen(line) && write(live->to, "\n", 1) == 1);
}

/* Reads until the session has said `what` behind place `from`; how many seconds that took, -1 if it never did. */
static double live_wait(Live *live, size_t from, const char *what, double most) {
  double start = seconds_now();
  while (seconds_now() - start < most) {
    if (live->said.length > from && strstr(text_string(&live->said) + from, what))
      return seconds_now() - start;
    struct pollfd ready = {.fd = live->from, .events = POLLIN};
    if (poll(&ready, 1, 20) <= 0) continue;
    char bytes[4096];
    ssize_t count = read(live->from, bytes, sizeof bytes);
    if (count <= 0) break;
    text_add_n(&live->said, bytes, (size_t)count);
  }
  return -1;
}

static double live_ask(Live *live, const char *line, const char *answer, double most) {
  size_t from = live->said.length;
  live_send(live, line);
  return live_wait(live, from, answer, most);
}

static int live_close(Live *live) {
  int status;
  close(live->to);
  waitpid(live->child, &status, 0);
  close(live->from);
  text_free(&live->said);
  return status;
}

/* ---- interrupts ---- */

/* Starts what takes long, interrupts it, and asks for something else. */
static void interrupt(Live *live, const char *line) {
  size_t from = live->said.length;
  live_send(live, line);
  usleep(300000);
  cr_assert(kill(live->child, SIGINT) == 0);
  double seconds = live_wait(live, from, "stopped", 10);
  cr_expect(seconds >= 0, "%s is not stopped by an interrupt:\n%s", line, text_string(&live->said) + from);
  cr_expect(live_ask(live, "20 + 1", "21\n", 10) >= 0, "the session is over after %s", line);
}

Test(repl, an_interrupt_stops_what_runs_and_not_the_session, .timeout = 60) {
  Live live = live_open("tests/repl");
  interrupt(&live, "scan i in 0..2000000000 with h = zeros([4]) { h = h * 0.5 + 1 }");
  interrupt(&live, "let slow = scan i in 0..2000000000 with h = zeros([4]) { h = h * 0.5 + 1 }");
  cr_expect(live_ask(&live, "slow", "no `slow` here", 10) >= 0, "a let that was stopped has a value");
  interrupt(&live, ":time scan i in 0..2000000000 with h = zeros([4]) { h = h * 0.5 + 1 }");
  cr_assert(live_ask(&live, ":load flowers.model", "task look", 10) >= 0);
  cr_assert(live_ask(&live,
                     "train long on flowers { epochs = 10000000; validate = every(1000000000); "
                     "minimize cross_entropy(net(x), kind) using sgd(1e-3) }",
                     "train long", 10) >= 0);
  interrupt(&live, ":train long");
  cr_expect(live_ask(&live, ":train long 1", "long  step", 10) >= 0,
            "a training that was stopped does not go on");
  cr_expect_eq(live_close(&live), 0);
}

/* ---- speed ---- */

static int by_size(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

Test(repl, a_line_on_a_large_table_answers_at_once, .timeout = 60) {
  static const char *const lines[] = {"mean(big.train.x)",
                                      "big.train[0:5].y",
                                      "big.train.x @ swap(big.train.x[0:3]) |> mean",
                                      "net(big.train.x) |> mean",
                                      "let top = max(big.train.y)",
                                      "grad(mean(net(big.train.x) ** 2), net) |> norm",
                                      "big"};
  static const char *const answers[] = {"[]", "[5]", "[]", "[]", "top", "[]", "columns"};
  char folder[] = "/tmp/lathe-live-XXXXXX", path[64];
  cr_assert(mkdtemp(folder));
  snprintf(path, sizeof path, "%s/big.csv", folder);
  FILE *file = fopen(path, "w");
  fputs("a,b,c,d,y\n", file);
  for (int i = 0; i < 10000; i++)
    fprintf(file, "%d,%.3f,%.3f,%d,%.3f\n", i % 97, i * 0.37, (i % 31) * 1.5, i % 7, (i % 13) * 0.1);
  fclose(file);
  Live live = live_open(folder);
  cr_assert(
      live_ask(&live,
               "data big from csv(\"big.csv\") |> split(valid=0.1, seed=1) { x = columns(a, b, c, d) |> "
               "standardize; y = y }",
               "columns", 20) >= 0);
  cr_assert(live_ask(&live, "model net(x: [B, n]) -> [B, 1] = x |> Dense(16, relu) |> Dense(1)", "no weights",
                     20) >= 0);
  double time[9], worst = 0;
  for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
    for (int k = 0; k < 9; k++) {
      time[k] = live_ask(&live, lines[i], answers[i], 20);
      cr_assert(time[k] >= 0, "no answer to %s:\n%s", lines[i], text_string(&live.said));
    }
    qsort(time, 9, sizeof *time, by_size);
    if (time[4] > worst) worst = time[4];
    cr_expect(time[4] < 0.05, "%s takes %.1f ms", lines[i], 1e3 * time[4]);
  }
  printf("a line on 10,000 rows: %.1f ms at most (medians of 9)\n", 1e3 * worst);
  fflush(stdout);
  cr_expect_eq(live_close(&live), 0);
  folder_remove(folder);
}

/* ---- a real terminal ---- */

static bool has_tmux(void) { return system("command -v tmux >/dev/null 2>&1") == 0; }

typedef struct {
  char name[64];
  char folder[64];
} Screen;

static void tmux(const Screen *screen, const char *command, const char *argument, Text *out) {
  int ends[2], status;
  cr_assert(pipe(ends) == 0);
  pid_t child = fork();
  if (child == 0) {
    bool starts = !strcmp(command, "start"); // what stays must not hold the pipe
    dup2(starts ? open("/dev/null", O_RDWR) : ends[1], 1);
    close(ends[0]), close(ends[1]);
    if (starts)
      execlp("tmux", "tmux", "-L", screen->name, "-f", "/dev/null", "new-session", "-d", "-x", "100", "-y",
             "1500", "-c", screen->folder, argument, (char *)NULL);
    else if (!strcmp(command, "type"))
      execlp("tmux", "tmux", "-L", screen->name, "send-keys", "-l", "--", argument, (char *)NULL);
    else if (!strcmp(command, "key"))
      execlp("tmux", "tmux", "-L", screen->name, "send-keys", argument, (char *)NULL);
    else if (!strcmp(command, "see"))
      execlp("tmux", "tmux", "-L", screen->name, "capture-pane", "-p", "-J", (char *)NULL);
    else
      execlp("tmux", "tmux", "-L", screen->name, "kill-server", (char *)NULL);
    _exit(127);
  }
  close(ends[1]);
  char bytes[4096];
  for (ssize_t n; (n = read(ends[0], bytes, sizeof bytes)) > 0;)
    if (out) text_add_n(out, bytes, (size_t)n);
  close(ends[0]);
  waitpid(child, &status, 0);
}

static Screen screen_open(const char *words, const char *folder) {
  static int number;
  Screen screen;
  char command[2048];
  snprintf(screen.name, sizeof screen.name, "lathe-%d-%d", (int)getpid(), number++);
  snprintf(screen.folder, sizeof screen.folder, "%s", folder);
  snprintf(command, sizeof command,
           "env NO_COLOR=1 LATHE_HISTORY=%s/history LC_ALL=C.UTF-8 TERM=screen '%s' %s; echo over; sleep 60",
           folder, getenv("LATHE"), words);
  tmux(&screen, "start", command, NULL);
  return screen;
}

/* What the screen shows, without blanks at the ends of its lines and of it. */
static void screen_see(const Screen *screen, Text *out) {
  Text raw = {0};
  tmux(screen, "see", NULL, &raw);
  out->length = 0;
  text_add(out, "");
  for (const char *line = text_string(&raw); *line;) {
    size_t length = strcspn(line, "\n"), shown = length;
    while (shown && line[shown - 1] == ' ') shown--;
    text_add_n(out, line, shown);
    text_add(out, "\n");
    line += length + (line[length] == '\n');
  }
  while (out->length > 1 && out->bytes[out->length - 2] == '\n') out->bytes[--out->length] = 0;
  text_free(&raw);
}

static bool ends_with(const Text *text, const char *end) {
  size_t length = strlen(end);
  return text->length >= length && !strcmp(text_string(text) + text->length - length, end);
}

/* Waits until the screen shows something else than `seen`, with a prompt on a line of its own, or the end. */
static bool screen_ready(const Screen *screen, Text *seen) {
  char *before = strdup(text_string(seen));
  bool changed = false;
  for (int i = 0; i < 2000; i++) {
    screen_see(screen, seen);
    changed = changed || strcmp(before, text_string(seen)) != 0;
    if (!changed) {
      usleep(2000);
      continue;
    }
    if (!strcmp(text_string(seen), ">\n") || ends_with(seen, "\n>\n") || ends_with(seen, "\n…\n") ||
        ends_with(seen, "\n(step)\n") || ends_with(seen, "\nover\n")) {
      free(before);
      return true;
    }
    usleep(2000);
  }
  free(before);
  return false;
}

static void screen_type(const Screen *screen, const char *text, const char *key) {
  if (*text) tmux(screen, "type", text, NULL);
  if (key) tmux(screen, "key", key, NULL);
}

static void expect_on_screen(const Screen *screen, const char *what) {
  Text seen = {0};
  bool found = false;
  for (int i = 0; i < 400 && !found; i++) {
    screen_see(screen, &seen);
    found = strstr(text_string(&seen), what) != NULL;
    if (!found) usleep(10000);
  }
  cr_expect(found, "the screen does not show %s:\n%s", what, text_string(&seen));
  text_free(&seen);
}

Test(repl, keys_on_a_terminal, .timeout = 60) {
  if (!has_tmux()) {
    printf("skipped: tmux is not installed\n");
    return;
  }
  char folder[] = "/tmp/lathe-keys-XXXXXX";
  folder_new(folder);
  Screen screen = screen_open("repl flowers.model", folder);
  Text seen = {0};
  cr_assert(screen_ready(&screen, &seen), "no prompt:\n%s", text_string(&seen));
#ifdef LATHE_LIBEDIT
  screen_type(&screen, "flow", "Tab"); // a name, its part, its field
  screen_type(&screen, ".tr", "Tab");
  screen_type(&screen, ".k", "Tab");
  screen_type(&screen, "[0]", "Enter");
  expect_on_screen(&screen, "> flowers.train.kind[0]\nint<3>[]");
  screen_type(&screen, ":wat", "Tab"); // a command
  expect_on_screen(&screen, "> :watch");
  screen_type(&screen, "", "C-u");
  screen_type(&screen, "Dense(3, bia", "Tab"); // a setting
  expect_on_screen(&screen, "> Dense(3, bias=");
  screen_type(&screen, "", "C-u");
  screen_type(&screen, "Dense(3, ac", "Tab"); // several
  expect_on_screen(&screen, "accuracy  acos      act=");
  screen_type(&screen, "", "C-u");
  screen_type(&screen, "csv(\"flowers.c", "Tab"); // a file
  expect_on_screen(&screen, "> csv(\"flowers.csv");
  screen_type(&screen, "", "C-u");
  screen_type(&screen, "1000 + 234", "Enter");
  expect_on_screen(&screen, "1234");
  screen_type(&screen, "", "Up"); // history, changed
  screen_type(&screen, "5", "Enter");
  expect_on_screen(&screen, "3345");
  screen_type(&screen, "", "C-r"); // search
  screen_type(&screen, "train.k", NULL);
  expect_on_screen(&screen, "flowers.train.kind[0]");
  screen_type(&screen, "", "C-g");
  screen_type(&screen, "", "C-u");
#endif
  screen_type(&screen, "", "Enter");
  screen_type(&screen, "fn twice(x) = x +\n x\ntwice(21)\n", NULL); // pasted
  expect_on_screen(&screen, "42");
  screen_type(&screen, "let long = [1,", "Enter");
  screen_type(&screen, "", "C-c"); // drops the input
  screen_type(&screen, "7 * 11", "Enter");
  expect_on_screen(&screen, "77");
  screen_type(&screen, "scan i in 0..2000000000 with h = zeros([4]) { h = h * 0.5 + 1 }", "Enter");
  usleep(300000);
  screen_type(&screen, "", "C-c"); // stops what runs
  expect_on_screen(&screen, "stopped");
  screen_type(&screen, "6 * 11", "Enter");
  expect_on_screen(&screen, "66");
  screen_type(&screen, "", "C-d");
  expect_on_screen(&screen, "over");
  tmux(&screen, "stop", NULL, NULL);
  text_free(&seen);
  folder_remove(folder);
}

/* ---- every session, typed ---- */

/* Where a pipe ends cannot be typed. */
static int is_typed(const struct dirent *entry) {
  return is_session(entry) && strncmp(entry->d_name, "pipe_", 5) != 0;
}

/* Without its first line, and without blanks at the ends of lines. */
static void strip(const char *text, Text *out) {
  for (const char *line = text + strcspn(text, "\n") + 1; *line;) {
    size_t length = strcspn(line, "\n"), shown = length;
    while (shown && line[shown - 1] == ' ') shown--;
    text_add_n(out, line, shown);
    text_add(out, "\n");
    line += length + (line[length] == '\n');
  }
}

/* Types the session of a file; whether the screen shows it. */
static bool type_session(const char *path) {
  char folder[] = "/tmp/lathe-keys-XXXXXX", words[PATH_SIZE];
  Text session = {0}, want = {0}, seen = {0}, got = {0}, last = {0};
  read_file(path, &session);
  folder_new(folder);
  const char *line = text_string(&session);
  snprintf(words, sizeof words, "%.*s", (int)strcspn(line, "\n") - 8, line + 8);
  Screen screen = screen_open(words, folder);
  bool ready = screen_ready(&screen, &seen);
  for (line += strcspn(line, "\n") + 1; *line && ready; line += strcspn(line, "\n"), line += *line == '\n') {
    size_t length = strcspn(line, "\n");
    const char *text = typed(line, length);
    if (!text) continue;
    char keys[PATH_SIZE];
    snprintf(keys, sizeof keys, "%.*s", (int)(line + length - text), text);
    screen_type(&screen, keys, "Enter");
    ready = screen_ready(&screen, &seen);
  }
  tmux(&screen, "stop", NULL, NULL);
  strip(text_string(&seen), &last); // its first line is the greeting
  if (ends_with(&last, "\n>\n")) last.bytes[last.length -= 2] = 0;
  if (ends_with(&last, "\nover\n")) last.bytes[last.length -= 5] = 0;
  mask(text_string(&last), &got);
  strip(text_string(&session), &want);
  bool same = ready && !strcmp(text_string(&got), text_string(&want));
  if (!same)
    fprintf(stderr, "%s on a terminal (%s):\n%s\n--- but wanted\n%s\n", path,
            ready ? "it differs" : "no prompt came", text_string(&got), text_string(&want));
  folder_remove(folder);
  text_free(&session), text_free(&want), text_free(&seen), text_free(&got), text_free(&last);
  return same;
}

Test(repl, sessions_on_a_terminal, .timeout = 240) {
  if (!has_tmux()) {
    printf("skipped: tmux is not installed\n");
    return;
  }
  each_session(is_typed, type_session, " on a terminal");
}
