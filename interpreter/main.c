/* The command line: words to an Invocation, one command, one exit code (language.md 5.2).
 *
 * Signals: the first SIGINT or SIGTERM lets the running step end and a checkpoint be saved; the second leaves at
 * once. SIGUSR1 asks for a checkpoint. When memory runs out, wherever that is, the jump set here ends the command with exit code 4. */
#include "interpreter/commands/command.h"
#include "interpreter/formats/save.h"
#include "lang/problems.h"

#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static jmp_buf out_of_memory;

static void on_full(size_t wanted) {
  fprintf(stderr, "error: out of memory (%zu bytes were asked for)\n", wanted);
  longjmp(out_of_memory, 1);
}

/* cJSON goes on without what it could not allocate; we do not. */
static void *json_alloc(size_t bytes) {
  void *memory = malloc(bytes);
  if (!memory) memory_full(bytes);
  return memory;
}

static void on_signal(int signal_number) {
  if (interrupted) _exit(128 + signal_number);
  interrupted = signal_number;
}

/* SIGUSR1: a checkpoint, and training goes on. */
static void on_checkpoint(int signal_number) { checkpoint_wanted = signal_number; }

typedef enum { FLAG_RESUME, FLAG_TEXT, FLAG_NUMBER, FLAG_BOOL, FLAG_SEED, FLAG_LEVEL } FlagKind;

typedef struct {
  const char *name;
  FlagKind kind;
  void *into;
} Flag;

static bool parse_number(const char *text, long most, long *out) {
  char *end;
  *out = strtol(text, &end, 10);
  return *text && !*end && *out >= 0 && *out <= most;
}

static bool set_flag(Invocation *call, const Flag *flag, const char *value) {
  long number = 0;
  switch (flag->kind) {
  case FLAG_BOOL: *(bool *)flag->into = true; return true;
  case FLAG_TEXT: *(const char **)flag->into = value; return true;
  case FLAG_RESUME:
    call->resume = true;
    if (*value) call->resume_from = value;
    return true;
  case FLAG_NUMBER:
    if (!parse_number(value, 1024, &number) || number < 1) break;
    *(int *)flag->into = (int)number;
    return true;
  case FLAG_SEED:
    if (!parse_number(value, 2147483647, &number)) break;
    call->options.seed = (uint64_t)number;
    call->options.seed_given = true;
    return true;
  case FLAG_LEVEL:
    if (value[0] != 'v' || !parse_number(value + 1, 4, &number) || number < 2) break;
    *(int *)flag->into = (int)number;
    return true;
  }
  problem_flag_value(call->problems, flag->name, value);
  return false;
}

static bool one_of(Invocation *call, const char *flag, const char *value, const char *const *known,
                   int count) {
  for (int i = 0; i < count; i++)
    if (!value || !strcmp(known[i], value)) return true;
  problem_flag_value(call->problems, flag, value);
  return false;
}

/* The word behind --resume is a folder if it looks like runs/PROGRAM/TASK/N; else it is a task or the program. */
static bool is_run_folder(const char *word) {
  const char *dot = strrchr(word, '.');
  return strchr(word, '/') && !strchr(word, '=') && !(dot && !strcmp(dot, ".model"));
}

static bool read_words(Invocation *call, int argc, char **argv, const char **colour) {
  Options *o = &call->options;
  const Flag flags[] = {{"--root", FLAG_TEXT, &o->root},
                        {"--out", FLAG_TEXT, &o->out},
                        {"--in", FLAG_TEXT, &o->in},
                        {"--weights", FLAG_TEXT, &o->weights},
                        {"--hooks", FLAG_TEXT, &o->hooks},
                        {"--device", FLAG_TEXT, &o->device},
                        {"--precision", FLAG_TEXT, &o->precision},
                        {"--after", FLAG_TEXT, &call->after},
                        {"--to", FLAG_TEXT, &call->to},
                        {"--color", FLAG_TEXT, colour},
                        {"--threads", FLAG_NUMBER, &o->threads},
                        {"--seed", FLAG_SEED, NULL},
                        {"--cpu", FLAG_LEVEL, &o->level},
                        {"--json", FLAG_BOOL, &o->json},
                        {"--base64", FLAG_BOOL, &call->base64},
                        {"--jobs", FLAG_NUMBER, &call->jobs},
                        {"--resume", FLAG_RESUME, NULL},
                        {"--no-fuse", FLAG_BOOL, &o->no_fuse},
                        {"-q", FLAG_BOOL, &o->quiet},
                        {"-v", FLAG_BOOL, &o->verbose}};
  const int count = (int)(sizeof(flags) / sizeof(*flags));
  const char *names[sizeof(flags) / sizeof(*flags)];
  for (int i = 0; i < count; i++) names[i] = flags[i].name;
  const char **word = ARENA_ARRAY(call->arena, const char *, argc + 1),
             **set = ARENA_ARRAY(call->arena, const char *, argc + 1);
  call->word = word;
  o->set = set;
  for (int i = 2; i < argc; i++) {
    const char *text = argv[i], *equal = strchr(text, '=');
    if (text[0] != '-' || !text[1]) {
      if (equal && equal > text)
        set[o->sets++] = text;
      else if (!call->file)
        call->file = text;
      else
        word[call->words++] = text;
      continue;
    }
    size_t length = equal ? (size_t)(equal - text) : strlen(text);
    const Flag *flag = NULL;
    for (int k = 0; k < count; k++)
      if (strlen(names[k]) == length && !strncmp(names[k], text, length)) flag = &flags[k];
    if (!flag) {
      problem_unknown_word(call->problems, "flag", text,
                           name_nearest(arena_copy(call->arena, text, length), names, count));
      return false;
    }
    bool alone = flag->kind == FLAG_BOOL ||
                 (flag->kind == FLAG_RESUME && (i + 1 == argc || !is_run_folder(argv[i + 1])));
    const char *value = equal ? equal + 1 : alone ? "" : i + 1 < argc ? argv[++i] : NULL;
    if (!value) {
      problem_flag_value(call->problems, flag->name, "nothing");
      return false;
    }
    if (!set_flag(call, flag, value)) return false;
  }
  static const char *const devices[] = {"cpu", "reference"},
                           *const precisions[] = {"f32", "f64", "bf16", "f16"},
                           *const whens[] = {"auto", "always", "never"};
  return one_of(call, "--device", o->device, devices, 2) &&
         one_of(call, "--precision", o->precision, precisions, 4) &&
         one_of(call, "--color", *colour, whens, 3);
}

static int run_command(Invocation *call, const char *name) {
  const char *names[64];
  for (int i = 0; i < command_count; i++) {
    names[i] = commands[i].name;
    if (strcmp(commands[i].name, name)) continue;
    if (commands[i].needs_file && !call->file) {
      problem_usage(call->problems, name, commands[i].usage);
      return 2;
    }
    if (!strcmp(name, "predict") && call->options.out) { // here --out names the file of rows
      call->to = call->options.out;
      call->options.out = NULL;
    }
    return commands[i].run(call);
  }
  problem_unknown_word(call->problems, "command", name, name_nearest(name, names, command_count));
  return 2;
}

/* Without words: a session where somebody types or lines come through a pipe, else help. */
static const char *alone(void) {
  struct stat in;
  bool lines = fstat(0, &in) == 0 && (S_ISFIFO(in.st_mode) || S_ISREG(in.st_mode));
  return isatty(0) || lines ? "repl" : "help";
}

int main(int argc, char **argv) {
  memory_on_full(on_full);
  cJSON_InitHooks(&(cJSON_Hooks){json_alloc, free});
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);
  struct sigaction action = {.sa_handler = on_signal};
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
  struct sigaction checkpoint = {.sa_handler = on_checkpoint, .sa_flags = SA_RESTART};
  sigaction(SIGUSR1, &checkpoint, NULL);
  if (setjmp(out_of_memory)) {
    save_abandon_all();
    return 4;
  }
  Arena *arena = arena_new(0);
  Invocation call = {.arena = arena, .problems = problems_new(arena)};
  long online = sysconf(_SC_NPROCESSORS_ONLN);
  call.options.threads = online > 0 && online < 1024 ? (int)online : 1;
  const char *colour = NULL, *name = argc > 1 ? argv[1] : alone();
  if (!strcmp(name, "--help") || !strcmp(name, "-h")) name = "help";
  if (!strcmp(name, "--version")) name = "version";
  bool ok = read_words(&call, argc, argv, &colour);
  bool tinted = colour && !strcmp(colour, "always");
  if ((!colour || !strcmp(colour, "auto")) && isatty(2) && !getenv("NO_COLOR")) tinted = true;
  call.options.colour = tinted;
  call.report = report_new(call.options.json,
                           call.options.quiet || !strcmp(name, "show") || !strcmp(name, "plan"), tinted);
  int code = ok ? run_command(&call, name) : 2;
  report_problems(call.report, call.problems);
  report_done(call.report, code);
  report_free(call.report);
  arena_free(arena);
  if (fflush(stdout) != 0 && code == 0) code = 3;
  return code;
}
