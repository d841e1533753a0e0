/* lathe repl: lines in, values out, until the input ends.
 *
 * What goes wrong in a line is drawn behind it and the next one begins; nothing ends the session but its user. When
 * memory runs out, the jump set here drops the line. An interrupt stops what runs: a computation between two of its
 * steps, a training behind its step; three in a row end the process. */
#include "interpreter/repl/repl.h"

#include "lang/problems.h"
#include "parser/parse.h"

#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static jmp_buf line_over;
static size_t bytes_wanted;
static volatile sig_atomic_t presses, terminated;

static void on_full(size_t wanted) {
  bytes_wanted = wanted;
  longjmp(line_over, 1);
}

static void on_interrupt(int number) {
  interrupted = number;
  if (number == SIGTERM) terminated = 1;
  if (++presses == 3) _exit(128 + number);
}

/* Operators that no line of a program begins with: they go on with the last value. */
static bool goes_on(const char *line) {
  static const char *const signs[] = {"|>", ">>", "==", "!=", "<=", ">=", "**",
                                      "<",  ">",  "+",  "*",  "/",  "@",  "%"};
  for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
    if (!strncmp(line, signs[i], strlen(signs[i]))) return true;
  return !strncmp(line, "and ", 4) || !strncmp(line, "or ", 3);
}

static void add_line(Text *input, const char *line) {
  if (input->length) text_add(input, "\n");
  text_add(input, line);
}

/* The lines of a pasted block that are there already, up to a command. */
static void take_pasted(Repl *repl, Text *input) {
  bool broken = false;
  while (lines_terminal(repl->lines) && lines_pending(repl->lines)) {
    const char *line = lines_read(repl->lines, "… ", &broken);
    if (!line) return;
    if (line[strspn(line, " \t")] == ':') {
      lines_put_back(repl->lines, line);
      return;
    }
    add_line(input, line);
  }
}

/* The input as a tree, with more lines as long as it is unfinished. NULL: there is nothing to run. */
static const Ast *read_input(Repl *repl, const char *first) {
  Arena *arena = repl->call->arena;
  Text input = {0};
  const char *start = first + strspn(first, " \t");
  if (goes_on(start)) text_add(&input, "it ");
  text_add(&input, first);
  take_pasted(repl, &input);
  const Ast *ast = NULL;
  for (bool more = true; more;) {
    const Source *source =
        source_add(arena_printf(arena, "[%lld]", (long long)repl->line), text_string(&input), input.length);
    ast = parse_input(arena, repl->call->problems, source, &more);
    if (!more) break;
    bool broken = false;
    const char *line = lines_read(repl->lines, "… ", &broken);
    if (line) {
      add_line(&input, line);
      take_pasted(repl, &input);
      continue;
    }
    more = false;
    if (!broken) parse_input(arena, repl->call->problems, source, NULL); // says what is missing
  }
  text_free(&input);
  return ast;
}

static bool is_blank(const char *line) {
  line += strspn(line, " \t");
  return !*line || (*line == '#' && line[1] != '#');
}

static void run_line(Repl *repl, const char *line) {
  repl->line++;
  repl->e->line = (uint64_t)repl->line;
  unknown_forget(repl);
  if (line[strspn(line, " \t")] == ':') {
    run_command(repl, line);
    return;
  }
  const Ast *input = read_input(repl, line);
  if (input) enter_list(repl, &input->u.list);
}

/* Runs one line; whatever happens in it, the elaborator is between two graphs afterwards. */
static void run_safely(Repl *repl, const char *line) {
  Elaborator *e = repl->e;
  Saved around = {
      .graph = e->graph, .init_states = e->init_states, .precision = e->precision, .frame = e->frame};
  for (int i = 0; i < RUN_NAMES; i++) around.names[i] = scope_find(e->builtins, name_of(run_name[i]))->value;
  char *copy = arena_copy(repl->call->arena, line, strlen(line));
  interrupted = 0;
  presses = 0;
  if (!setjmp(line_over))
    run_line(repl, copy);
  else {
    graph_end(e, &around);
    e->generic = false;
    e->depth = e->functions = 0;
    e->metric_path = e->optimizer_path = e->task_path = NULL;
    e->guard = NULL;
    e->with = NULL;
    e->field_of = NULL;
    Evaluation broken = {.runner = repl->running};
    evaluation_end(repl, &broken);
    problems_renew(e->problems);
    problem_repl_memory(e->problems, bytes_wanted);
  }
  if (interrupted) say(repl, "stopped\n");
  said_problems(repl);
}

static void run_lines(Repl *repl) {
  while (!repl->over && !terminated) {
    bool broken = false;
    interrupted = 0;
    presses = 0;
    const char *line = lines_read(repl->lines, "> ", &broken);
    if (!line && broken) continue;
    if (!line) return;
    if (!is_blank(line)) run_safely(repl, line);
  }
}

/* The program named on the command line, as if it were entered at once. */
static void enter_file(Repl *repl, const char *path) {
  AstList list = {0};
  Elaborator *e = repl->e;
  AstList declarations = {0};
  const char *weights = repl->call->options.weights;
  bool given = weights && strcmp(weights, "init") != 0;
  if (given) session_load(repl->session, weights, (Span){0}, NULL, true);
  if (!went_wrong(repl) && elaborator_read(e, path, &list) &&
      overrides_add(e, &list, repl->call->options.set, repl->call->options.sets, "command line") &&
      hooks_configure(e, &list)) {
    declarations.item = ARENA_ARRAY(e->arena, Ast *, list.count + 1);
    for (int i = 0; i < list.count; i++)
      if (list.item[i]->kind != AST_EXPORT && list.item[i]->kind != AST_TEST)
        declarations.item[declarations.count++] = list.item[i];
    if (enter_list(repl, &declarations) && given) use_weights(repl->call, repl->session);
  }
  if (said_problems(repl) && !repl->e->declaration->count)
    say(repl, "nothing of it was entered: mend it and  :load %s\n", path);
}

static int screen_width(void) {
  struct winsize size;
  return ioctl(1, TIOCGWINSZ, &size) == 0 && size.ws_col > 40 ? size.ws_col : 100;
}

static void repl_free(Repl *repl) {
  trainings_drop(repl, NULL);
  for (int i = 0; i < repl->survivors; i++) memory_free(repl->survivor[i].data);
  for (int i = 0; i < repl->old_datas; i++)
    if (repl->old_data[i]->table) table_close(repl->old_data[i]->table);
  lines_close(repl->lines);
}

int command_repl(Invocation *call) {
  Repl *repl = ARENA_NEW(call->arena, Repl);
  Session *session = session_new(call->arena, call->problems, &call->options, call->report);
  *repl = (Repl){.call = call, .session = session, .e = session->program, .width = screen_width()};
  repl->colour = call->options.colour && isatty(1);
  repl->e->stop = &interrupted;
  elaborator_start(repl->e, call->file ? call->file : "session.model");
  if (!session_start(session)) return failed(call);
  struct sigaction action = {.sa_handler = on_interrupt}, before[2];
  sigaction(SIGINT, &action, &before[0]);
  sigaction(SIGTERM, &action, &before[1]);
  MemoryFull *full = memory_on_full(on_full);
  repl->lines = lines_open(call->options.verbose, complete, repl);
  if (lines_terminal(repl->lines) && !call->options.quiet)
    say(repl, "lathe %s  :help lists the commands, Ctrl-D ends\n", LATHE_VERSION);
  if (call->file) enter_file(repl, call->file);
  run_lines(repl);
  memory_on_full(full);
  sigaction(SIGINT, &before[0], NULL);
  sigaction(SIGTERM, &before[1], NULL);
  repl_free(repl);
  session_close(session);
  return terminated ? 128 + SIGTERM : 0;
}
