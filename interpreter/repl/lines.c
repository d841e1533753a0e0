/* Reading lines: one buffer of bytes, filled by read(2), and above it either libedit or nothing.
 *
 * Bytes are taken from the buffer by libedit too, so that what is left in it tells a pasted block from typed lines, and
 * an interrupt ends the line at once. */
#include "interpreter/repl/lines.h"

#include "base/arena.h"
#include "base/text.h"
#include "interpreter/session.h"

#include <errno.h>
#include <locale.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wchar.h>

#ifdef LATHE_LIBEDIT
#include <histedit.h>
#endif

#define CANDIDATES 512

struct Lines {
  char bytes[4096];
  size_t at, end;
  bool terminal, echo, over;
  Text line, kept;
  bool put_back;
  LinesComplete *complete;
  void *context;
  const char *prompt;
#ifdef LATHE_LIBEDIT
  EditLine *edit;
  History *history;
  char *file;
#endif
};

/* The next byte, or -1 at the end or where a signal came. */
static int byte_next(Lines *lines) {
  if (lines->at == lines->end) {
    ssize_t count = interrupted ? -1 : read(0, lines->bytes, sizeof lines->bytes);
    if (count <= 0) {
      lines->over = count == 0;
      return -1;
    }
    lines->at = 0;
    lines->end = (size_t)count;
  }
  return (unsigned char)lines->bytes[lines->at++];
}

bool lines_terminal(const Lines *lines) { return lines->terminal; }

bool lines_pending(Lines *lines) {
  if (lines->put_back) return true;
  if (!lines->terminal) return false;
  struct pollfd wait = {.fd = 0, .events = POLLIN};
  return lines->at < lines->end || poll(&wait, 1, 0) > 0;
}

void lines_put_back(Lines *lines, const char *line) {
  lines->kept.length = 0;
  text_add(&lines->kept, line);
  lines->put_back = true;
}

static const char *read_plain(Lines *lines, const char *prompt) {
  if (lines->terminal) {
    fputs(prompt, stdout);
    fflush(stdout);
  }
  lines->line.length = 0;
  text_add(&lines->line, "");
  bool any = false;
  for (int byte; (byte = byte_next(lines)) >= 0;) {
    any = true;
    if (byte == '\n') break;
    text_add_n(&lines->line, (const char[]){(char)byte}, 1);
  }
  if (any && lines->line.length && lines->line.bytes[lines->line.length - 1] == '\r')
    lines->line.bytes[--lines->line.length] = 0;
  return any && !interrupted ? text_string(&lines->line) : NULL;
}

#ifdef LATHE_LIBEDIT

static char *prompt_of(EditLine *edit) {
  Lines *lines;
  el_get(edit, EL_CLIENTDATA, &lines);
  return (char *)(uintptr_t)lines->prompt;
}

/* One character, put together from the bytes of UTF-8. */
static int character_next(EditLine *edit, wchar_t *out) {
  Lines *lines;
  el_get(edit, EL_CLIENTDATA, &lines);
  mbstate_t state = {0};
  for (;;) {
    int byte = byte_next(lines);
    if (byte < 0) return lines->over ? 0 : -1;
    char one = (char)byte;
    size_t used = mbrtowc(out, &one, 1, &state);
    if (used == (size_t)-2) continue;
    if (used == (size_t)-1) *out = L'?';
    return 1;
  }
}

/* How many bytes all candidates have in common. */
static size_t common(const char **text, int count) {
  size_t length = strlen(text[0]);
  for (int i = 1; i < count; i++)
    for (size_t k = 0; k < length; k++)
      if (text[i][k] != text[0][k]) length = k;
  return length;
}

static void list_candidates(const char **text, int count) {
  size_t width = 0;
  for (int i = 0; i < count; i++) width = strlen(text[i]) > width ? strlen(text[i]) : width;
  int columns = (int)(80 / (width + 2)) + 1;
  for (int i = 0; i < count; i++) printf("%s%-*s", i % columns ? "  " : "\n", (int)width, text[i]);
  printf("\n");
  fflush(stdout);
}

static unsigned char complete_key(EditLine *edit, int key) {
  (void)key;
  Lines *lines;
  el_get(edit, EL_CLIENTDATA, &lines);
  const LineInfo *info = el_line(edit);
  const char *text[CANDIDATES];
  size_t cursor = (size_t)(info->cursor - info->buffer), length = 0;
  Text line = {0};
  text_add_n(&line, info->buffer, (size_t)(info->lastchar - info->buffer));
  int count = lines->complete(lines->context, text_string(&line), cursor, text, CANDIDATES, &length);
  text_free(&line);
  if (!count) return CC_ERROR;
  size_t shared = common(text, count);
  if (shared > length) {
    char *more = malloc(shared - length + 1);
    if (!more) return CC_ERROR;
    memcpy(more, text[0] + length, shared - length);
    more[shared - length] = 0;
    el_insertstr(edit, more);
    free(more);
    return CC_REFRESH;
  }
  if (count == 1) return CC_NORM;
  list_candidates(text, count);
  return CC_REDISPLAY;
}

/* $LATHE_HISTORY, else a file beneath the folder for the state of programs. NULL: nowhere. */
static char *history_file(void) {
  const char *named = getenv("LATHE_HISTORY"), *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
  Text path = {0};
  if (named)
    text_add(&path, named);
  else if (state || home) {
    text_printf(&path, "%s%s/lathe", state ? state : home, state ? "" : "/.local/state");
    for (char *slash = path.bytes + 1; (slash = strchr(slash, '/')); slash++) {
      *slash = 0;
      mkdir(path.bytes, 0700);
      *slash = '/';
    }
    mkdir(path.bytes, 0700);
    text_add(&path, "/history");
  }
  char *copy = path.length ? strdup(text_string(&path)) : NULL;
  text_free(&path);
  return copy;
}

static void edit_open(Lines *lines) {
  HistEvent event;
  lines->edit = el_init("lathe", stdin, stdout, stderr);
  lines->history = history_init();
  if (!lines->edit || !lines->history) return;
  history(lines->history, &event, H_SETSIZE, 5000);
  history(lines->history, &event, H_SETUNIQUE, 1);
  lines->file = history_file();
  if (lines->file) history(lines->history, &event, H_LOAD, lines->file);
  el_set(lines->edit, EL_CLIENTDATA, lines);
  el_set(lines->edit, EL_PROMPT, prompt_of);
  el_set(lines->edit, EL_SIGNAL, 0);
  el_set(lines->edit, EL_EDITOR, "emacs");
  el_set(lines->edit, EL_HIST, history, lines->history);
  el_set(lines->edit, EL_GETCFN, character_next);
  el_set(lines->edit, EL_ADDFN, "lathe-complete", "complete the word", complete_key);
  el_set(lines->edit, EL_BIND, "^I", "lathe-complete", NULL);
  el_set(lines->edit, EL_BIND, "^R", "em-inc-search-prev", NULL);
  el_set(lines->edit, EL_BIND, "^[[A", "ed-search-prev-history", NULL);
  el_set(lines->edit, EL_BIND, "^[[B", "ed-search-next-history", NULL);
  el_source(lines->edit, NULL); // ~/.editrc
}

static const char *read_edited(Lines *lines, const char *prompt) {
  int count = 0;
  lines->prompt = prompt;
  const char *read = el_gets(lines->edit, &count);
  if (!read || count <= 0 || interrupted) return NULL;
  lines->line.length = 0;
  text_add_n(&lines->line, read, (size_t)count);
  if (lines->line.bytes[lines->line.length - 1] == '\n') lines->line.bytes[--lines->line.length] = 0;
  HistEvent event;
  if (strspn(text_string(&lines->line), " \t") < lines->line.length)
    history(lines->history, &event, H_ENTER, text_string(&lines->line));
  return text_string(&lines->line);
}

static void edit_close(Lines *lines) {
  HistEvent event;
  if (lines->file) history(lines->history, &event, H_SAVE, lines->file);
  if (lines->history) history_end(lines->history);
  if (lines->edit) el_end(lines->edit);
  free(lines->file);
}

#endif

Lines *lines_open(bool echo, LinesComplete *complete, void *context) {
  Lines *lines = memory_alloc(1, sizeof(Lines));
  lines->terminal = isatty(0) && isatty(1);
  lines->echo = echo && !lines->terminal;
  lines->complete = complete;
  lines->context = context;
  if (lines->terminal && !setlocale(LC_CTYPE, "")) setlocale(LC_CTYPE, "C.UTF-8");
#ifdef LATHE_LIBEDIT
  const char *term = getenv("TERM");
  if (lines->terminal && term && strcmp(term, "dumb") != 0) edit_open(lines);
#endif
  return lines;
}

void lines_close(Lines *lines) {
#ifdef LATHE_LIBEDIT
  edit_close(lines);
#endif
  text_free(&lines->line);
  text_free(&lines->kept);
  memory_free(lines);
}

const char *lines_read(Lines *lines, const char *prompt, bool *broken) {
  if (lines->put_back) {
    lines->put_back = false;
    return text_string(&lines->kept);
  }
  fflush(stdout);
#ifdef LATHE_LIBEDIT
  const char *line = lines->edit ? read_edited(lines, prompt) : read_plain(lines, prompt);
#else
  const char *line = read_plain(lines, prompt);
#endif
  *broken = !line && interrupted;
  if (lines->terminal && !line) fputc('\n', stdout);
  if (line && lines->echo) {
    size_t length = *line ? strlen(prompt) : strcspn(prompt, " ");
    printf("%.*s%s\n", (int)length, prompt, line);
    fflush(stdout);
  }
  return line;
}
