/* The table of commands, and help, version, explain. */
#include "interpreter/commands/command.h"
#include "interpreter/reference.h"
#include "lang/explain.h"
#include "lang/problems.h"

#include <stdio.h>
#include <string.h>

const Command commands[] = {
    {"check", "FILE [name=value …]", "find every mistake in a program, without running it",
     "  lathe check examples/digits.model\n", true, command_check},
    {"run", "FILE [name=value …]", "all of a program in the order of its text",
     "  lathe run examples/digits.model fit.epochs=5\n", true, command_run},
    {"train", "FILE [TASK …] [name=value …] [--resume]", "its train blocks",
     "  --resume        goes on with the newest run that was left, from its last whole checkpoint:\n"
     "                  the result is that of a run that was never left. --resume DIR: with that run\n"
     "  The first SIGINT or SIGTERM ends the step, makes a checkpoint and exits; the second exits at once.\n"
     "  SIGUSR1 makes a checkpoint.\n\n"
     "  lathe train examples/digits.model fit fit.epochs=5\n  lathe train examples/digits.model --resume\n",
     true, command_train},
    {"eval", "FILE [TASK …] [--weights W]", "its eval blocks, with the weights of the newest run",
     "  lathe eval examples/digits.model report\n", true, command_eval},
    {"predict", "FILE [TASK …] [--in new.csv] [--out out.csv]",
     "its predict blocks: rows in, rows out; - is standard input or output",
     "  lathe predict examples/digits.model read --weights digits.json --in new.csv --out -\n", true,
     command_predict},
    {"runs", "[PROGRAM]", "the runs here: task, state, steps, best value, age",
     "  lathe runs\n  lathe runs digits --json\n", false, command_runs},
    {"replay", "RUN", "a run again, from its own record: does it come to the same bits?",
     "  the new run gets a folder of its own; exit code 1 if a fingerprint differs\n\n"
     "  lathe replay runs/digits/fit/3\n",
     false, command_replay},
    {"diff", "RUN RUN", "two runs: settings, program, the first step that differs, losses",
     "  exit code 1 if they differ\n\n  lathe diff runs/digits/fit/3 runs/digits/fit/4\n", false,
     command_diff},
    {"test", "FILE [NAME …]", "its test blocks, each by itself; exit code 1 if one fails",
     "  lathe test examples/digits.model\n", true, command_test},
    {"sweep", "FILE SWEEP [--jobs N], or FILE TASK name=values …",
     "a train block again and again with other values; the best of them",
     "  --jobs N        so many runs at a time\n\n  lathe sweep wine.model fit lr=log_range(1e-4,1e-2) "
     "width=16,32 trials=10\n",
     true, command_sweep},
    {"export", "FILE MODEL --to x.json", "the weights of a model as JSON (or .safetensors)",
     "  --base64        numbers as base64 instead of text\n\n  lathe export examples/digits.model net --to "
     "net.json\n",
     true, command_export},
    {"show", "FILE [TASK] [--after=STAGE]",
     "layers and weights; or a stage: parse check graph grad fuse plan",
     "  lathe show examples/digits.model --after=fuse fit\n", true, command_show},
    {"plan", "FILE [TASK]", "steps, memory and work of every pass",
     "  lathe plan examples/digits.model fit.batch=256\n", true, command_plan},
    {"data", "FILE [NAME]", "a table: columns, missing values, ranges, rows",
     "  lathe data examples/digits.model digits\n", true, command_data},
    {"explain", "CODE", "what a problem means and how to mend it", "  lathe explain E0201\n", false,
     command_explain},
    {"repl", "[FILE]", "a session: declarations and expressions as you type them (also `lathe` alone)",
     "  -v              writes the lines that come through a pipe, too\n\n  lathe repl "
     "examples/digits.model\n",
     false, command_repl},
    {"version", "[-v]", "version, processor and libraries", "  lathe version -v\n", false, command_version},
    {"help", "[COMMAND or NAME]", "this, or more about a command or a function, layer, metric, optimizer",
     "  lathe help predict\n  lathe help Conv2D\n  lathe help reference    all names, as docs/reference.md\n",
     false, command_help},
};
const int command_count = (int)(sizeof(commands) / sizeof(*commands));

static const char flags[] =
    "Flags:\n"
    "  --root DIR       relative paths in a program start here (else its own folder)\n"
    "  --out DIR        what is written goes beneath it (else the current folder)\n"
    "  --weights W      a weights file, or init: the initial weights\n"
    "  --seed N         seed of everything random (else 0)\n"
    "  --threads N      processors to use; the results do not depend on it\n"
    "  --device D       cpu, or reference: slow, in double, for comparison\n"
    "  --cpu LEVEL      v2, v3 or v4: force instructions of x86-64-v2, v3, v4\n"
    "  --precision P    f32 or f64\n"
    "  --no-fuse        one operation a step: same results, slower\n"
    "  --json           events for programs, one object a line\n"
    "  --color WHEN     auto, always or never\n"
    "  -q, -v           say less, say more\n";

/* What is no command is a name of the language, or all of them. */
static int help_name(Invocation *call, const char **commands_known) {
  Text text = {0};
  int count;
  const Reference *all = reference_all(call->arena, &count);
  if (!strcmp(call->file, "reference")) reference_page(call->arena, &text);
  for (int i = 0; i < count; i++)
    if (!strcmp(all[i].name, call->file)) reference_entry(&all[i], &text);
  fputs(text_string(&text), stdout);
  bool found = text.length > 0;
  text_free(&text);
  if (found) return 0;
  const char **known = ARENA_ARRAY(call->arena, const char *, count + command_count);
  memcpy((void *)known, (const void *)commands_known, sizeof *known * (size_t)command_count);
  for (int i = 0; i < count; i++) known[command_count + i] = all[i].name;
  problem_unknown_word(call->problems, "command or name", call->file,
                       name_nearest(call->file, known, command_count + count));
  return 2;
}

int command_help(Invocation *call) {
  if (call->file) {
    const char *names[sizeof(commands) / sizeof(*commands)];
    for (int i = 0; i < command_count; i++) {
      names[i] = commands[i].name;
      if (strcmp(commands[i].name, call->file)) continue;
      printf("lathe %s %s\n  %s\n\n%s", commands[i].name, commands[i].usage, commands[i].doc,
             commands[i].more);
      return 0;
    }
    return help_name(call, names);
  }
  printf("lathe COMMAND FILE [name=value …] [flags]\n\n");
  for (int i = 0; i < command_count; i++) printf("  %-8s %s\n", commands[i].name, commands[i].doc);
  printf("\nname=value sets a config of the program; task.setting=value a setting of a train block.\n\n%s",
         flags);
  return 0;
}

int command_version(Invocation *call) {
  printf("lathe %s\n", LATHE_VERSION);
  if (!call->options.verbose) return 0;
  Backend *cpu = cpu_open(call->problems, call->options.threads, call->options.level);
  if (!cpu) return failed(call);
  printf("%s, %d threads\n", cpu_describe(cpu), call->options.threads);
  cpu->close(cpu);
  return 0;
}

int command_explain(Invocation *call) {
  if (!call->file) {
    for (int i = 0; i < explain_count(); i++) printf("%s\n", explain_code(i));
    return 0;
  }
  const char *page = explain(call->file);
  if (page) {
    fputs(page, stdout);
    return 0;
  }
  const char **known = ARENA_ARRAY(call->arena, const char *, explain_count() + 1);
  for (int i = 0; i < explain_count(); i++) known[i] = explain_code(i);
  problem_unknown_word(call->problems, "code", call->file, name_nearest(call->file, known, explain_count()));
  return 2;
}
