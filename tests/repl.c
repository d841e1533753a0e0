/* Sessions: what is typed and what comes back, to the letter.
 *
 * A file of tests/repl/ is a session. Its first line is `$ lathe repl …`; lines that begin with a prompt (`> `, `… `,
 * `(step) `) are typed, all others are what lathe prints. It runs in a new folder, in which the other files of
 * tests/repl/ and the folder examples/ lie. The blocks of docs/repl.md that are fenced with ```repl are one session
 * more, from the first to the last. Times are no part of what is compared: a number in front of ms or s, or behind
 * `median of`, stands as `_`. With BLESS=1 the expectations are rewritten instead. */
#include "tests/session.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define FENCE "```repl\n"

static void write_file(const char *path, const Text *text) {
  FILE *file = fopen(path, "wb");
  cr_assert(file && fwrite(text_string(text), 1, text->length, file) == text->length && !fclose(file));
}

static void run_session(const char *folder, const char *command, const Text *input, Text *output) {
  int in[2], out[2], status;
  char words[PATH_SIZE], *argument[32] = {getenv("LATHE")}, *rest = NULL;
  int count = 1;
  snprintf(words, sizeof words, "%s", command);
  for (char *word = strtok_r(words, " ", &rest); word && count < 28; word = strtok_r(NULL, " ", &rest))
    argument[count++] = word;
  argument[count++] = (char[]){"-v"};
  cr_assert(pipe(in) == 0 && pipe(out) == 0);
  pid_t writer = fork();
  if (writer == 0) { // writes while the session reads
    close(in[0]), close(out[0]), close(out[1]);
    ssize_t written = write(in[1], text_string(input), input->length);
    _exit(written == (ssize_t)input->length ? 0 : 1);
  }
  pid_t child = fork();
  if (child == 0) {
    dup2(in[0], 0), dup2(out[1], 1), dup2(out[1], 2);
    close(in[0]), close(in[1]), close(out[0]), close(out[1]);
    if (chdir(folder) == 0) execv(argument[0], argument);
    _exit(127);
  }
  close(in[0]), close(in[1]), close(out[1]);
  char bytes[4096];
  for (ssize_t n; (n = read(out[0], bytes, sizeof bytes)) > 0;) text_add_n(output, bytes, (size_t)n);
  close(out[0]);
  waitpid(writer, &status, 0);
  waitpid(child, &status, 0);
  cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "lathe %s ended with status %d:\n%s", command,
            status, text_string(output));
}

/* Runs a session: its text becomes what it prints, times masked. */
static void replay(const char *folder, const char *session, Text *got) {
  Text input = {0}, output = {0};
  const char *line = session;
  size_t length = strcspn(line, "\n");
  cr_assert(!strncmp(line, "$ lathe ", 8), "a session begins with `$ lathe `: %.*s", (int)length, line);
  char command[PATH_SIZE];
  snprintf(command, sizeof command, "%.*s", (int)(length - 8), line + 8);
  text_add_n(got, line, length);
  text_add(got, "\n");
  for (line += length + (line[length] == '\n'); *line; line += length + (line[length] == '\n')) {
    length = strcspn(line, "\n");
    const char *text = typed(line, length);
    if (!text) continue;
    text_add_n(&input, text, (size_t)(line + length - text));
    text_add(&input, "\n");
  }
  run_session(folder, command, &input, &output);
  mask(text_string(&output), got);
  text_free(&input), text_free(&output);
}

static void show_difference(const char *name, const char *folder, const Text *want, const Text *got) {
  char wanted[PATH_SIZE], printed[PATH_SIZE], command[3 * PATH_SIZE];
  snprintf(wanted, sizeof wanted, "%s/wanted", folder);
  snprintf(printed, sizeof printed, "%s/printed", folder);
  write_file(wanted, want);
  write_file(printed, got);
  fprintf(stderr, "%s: the session differs (`make bless` rewrites it)\n", name);
  snprintf(command, sizeof command, "diff -u -L wanted -L printed %s %s >&2", wanted, printed);
  fflush(stderr);
  if (system(command) < 0) fprintf(stderr, "diff cannot be run\n");
}

static bool blessing(void) {
  const char *bless = getenv("BLESS");
  return bless && *bless == '1';
}

static bool check_session(const char *path) {
  char folder[] = "/tmp/lathe-repl-XXXXXX";
  Text want = {0}, got = {0};
  read_file(path, &want);
  folder_new(folder);
  replay(folder, text_string(&want), &got);
  bool same = !strcmp(text_string(&want), text_string(&got));
  if (!same && blessing()) {
    write_file(path, &got);
    printf("rewritten: %s\n", path);
    same = true;
  }
  if (!same) show_difference(path, folder, &want, &got);
  folder_remove(folder);
  text_free(&want), text_free(&got);
  return same;
}

Test(texts, sessions, .timeout = 240) { each_session(is_session, check_session, ""); }

/* ---- docs/repl.md ---- */

/* The blocks of the page one after the other. */
static void join_blocks(const char *page, Text *session) {
  for (const char *at = page; (at = strstr(at, FENCE));) {
    at += strlen(FENCE);
    const char *end = strstr(at, "\n```");
    cr_assert(end, "a block of docs/repl.md has no end");
    text_add_n(session, at, (size_t)(end + 1 - at));
    at = end + 1;
  }
}

/* The page with its blocks cut from what the session printed: each begins with the line it begins with now. */
static void fill_blocks(const char *page, const char *session, Text *out) {
  const char *at = page;
  for (const char *fence; (fence = strstr(at, FENCE));) {
    const char *block = fence + strlen(FENCE), *end = strstr(block, "\n```"), *next = strstr(end, FENCE);
    text_add_n(out, at, (size_t)(block - at));
    const char *stop = session + strlen(session);
    if (next) { // up to the first line of the block behind
      char first[PATH_SIZE];
      snprintf(first, sizeof first, "\n%.*s\n", (int)strcspn(next + strlen(FENCE), "\n"),
               next + strlen(FENCE));
      stop = strstr(session, first);
      cr_assert(stop, "a block of docs/repl.md begins with what is not typed: %s", first);
      stop++;
    }
    text_add_n(out, session, (size_t)(stop - session));
    session = stop;
    at = end + 1;
  }
  text_add(out, at);
}

Test(texts, repl_page, .timeout = 120) {
  char folder[] = "/tmp/lathe-repl-XXXXXX";
  Text page = {0}, want = {0}, got = {0};
  read_file("docs/repl.md", &page);
  join_blocks(text_string(&page), &want);
  folder_new(folder);
  replay(folder, text_string(&want), &got);
  bool same = !strcmp(text_string(&want), text_string(&got));
  if (!same && blessing()) {
    Text blessed = {0};
    fill_blocks(text_string(&page), text_string(&got), &blessed);
    write_file("docs/repl.md", &blessed);
    text_free(&blessed);
    printf("rewritten: docs/repl.md\n");
    same = true;
  }
  if (!same) show_difference("docs/repl.md", folder, &want, &got);
  folder_remove(folder);
  text_free(&page), text_free(&want), text_free(&got);
  cr_assert(same);
}
