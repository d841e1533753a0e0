/* The commands of a session: one row each, and what reads them. */
#include "interpreter/repl/repl.h"

#include "lang/problems.h"

#include <string.h>

const ReplCommand repl_commands[] = {
    {"help", "[COMMAND]", "this, or one command", run_help},
    {"t", "EXPRESSION", "its type, without running it", run_type},
    {"shape", "EXPRESSION", "the shape behind every stage of it", run_shape},
    {"show", "MODEL", "layers, shapes, weights and work", run_show},
    {"plan", "MODEL or TASK [ROWS]", "memory and work of a batch", run_plan},
    {"doc", "NAME", "what it does", run_doc},
    {"src", "NAME", "its text", run_src},
    {"time", "EXPRESSION", "how long it takes", run_time},
    {"train", "TASK [STEPS]", "goes on training: so many steps, or to the end", run_train},
    {"eval", "TASK [TABLE]", "measures: an eval block, or what a train block measures on other rows",
     run_eval},
    {"run", "TASK", "runs an eval, predict or task block", run_run},
    {"grad", "EXPRESSION NAME", "the gradient of a number by what it is made of", run_grad},
    {"check", "FUNCTION INPUT", "gradients beside finite differences", run_check},
    {"why", "WEIGHT", "where it is declared, first filled and changed, and by which losses", run_why},
    {"plot", "EXPRESSION [, EXPRESSION]", "vectors as lines; `loss` is that of the last training", run_plot},
    {"hist", "EXPRESSION", "how often which numbers occur", run_hist},
    {"image", "EXPRESSION", "pictures, in half blocks", run_image},
    {"table", "DATA", "columns, ranges, first rows", run_table},
    {"step", "MODEL INPUT, or EXPRESSION", "through its layers, forward and back", run_step},
    {"break", "LAYER, or off", "stops there in every step that trains", run_break},
    {"watch", "EXPRESSION [every N], or off", "its value while a task trains", run_watch},
    {"hook", "FILE.lua, or off", "a script for the tasks that train from now on", run_hook},
    {"seed", "[N]", "the seed of everything random", run_seed},
    {"load", "FILE", "declarations (.model) or weights (.safetensors, .json)", run_load_file},
    {"save", "FILE.model", "the declarations, and their weights beside them", run_save_file},
    {"undo", "", "takes the last declarations back", run_undo},
    {"quit", "", "ends the session (as does Ctrl-D)", run_quit},
};
const int repl_command_count = (int)(sizeof repl_commands / sizeof *repl_commands);

const char *word_next(Repl *repl, const char **rest) {
  const char *start = *rest + strspn(*rest, " \t");
  size_t length = strcspn(start, " \t");
  *rest = start + length;
  return length ? arena_copy(repl->call->arena, start, length) : NULL;
}

static const ReplCommand *command_find(const char *name) {
  for (int i = 0; i < repl_command_count; i++)
    if (!strcmp(repl_commands[i].name, name)) return &repl_commands[i];
  return NULL;
}

void usage_wrong(Repl *repl, const char *command) {
  problem_repl_usage(repl->call->problems, command, command_find(command)->usage);
}

static void unknown(Repl *repl, const char *name) {
  const char *known[sizeof repl_commands / sizeof *repl_commands];
  for (int i = 0; i < repl_command_count; i++) known[i] = repl_commands[i].name;
  problem_repl_command(repl->call->problems, name, name_nearest(name, known, repl_command_count));
}

void run_command(Repl *repl, const char *line) {
  const char *rest = line + strspn(line, " \t") + 1;
  const char *name = word_next(repl, &rest);
  rest += strspn(rest, " \t");
  size_t length = strlen(rest);
  while (length && strchr(" \t", rest[length - 1])) length--;
  const ReplCommand *command = name ? command_find(name) : NULL;
  if (command)
    command->run(repl, arena_copy(repl->call->arena, rest, length));
  else
    unknown(repl, name ? name : "");
}

void run_help(Repl *repl, const char *rest) {
  if (*rest) {
    const char *name = rest + (*rest == ':');
    const ReplCommand *command = command_find(name);
    if (command)
      say(repl, ":%s %s\n  %s\n", command->name, command->usage, command->doc);
    else
      unknown(repl, name);
    return;
  }
  say(repl, "Type declarations and expressions; `it` is the last value. A line that begins with |> goes on "
            "with it.\n");
  for (int i = 0; i < repl_command_count; i++)
    say(repl, "  :%-6s %-30s %s\n", repl_commands[i].name, repl_commands[i].usage, repl_commands[i].doc);
}

void run_quit(Repl *repl, const char *rest) {
  (void)rest;
  repl->over = true;
}

void run_seed(Repl *repl, const char *rest) {
  uint64_t seed = 0;
  if (!*rest) {
    say(repl, "%llu\n", (unsigned long long)repl->call->options.seed);
    return;
  }
  for (const char *p = rest; *p; p++) {
    if (*p < '0' || *p > '9' || seed > 214748363) {
      usage_wrong(repl, "seed");
      return;
    }
    seed = seed * 10 + (uint64_t)(*p - '0');
  }
  repl->call->options.seed = seed;
  repl->call->options.seed_given = true;
  trainings_drop(repl, NULL);
}

void run_undo(Repl *repl, const char *rest) {
  (void)rest;
  enter_undo(repl);
}
