/* The table of commands, and help, version, explain. */
#include "interpreter/commands/command.h"
#include "lang/explain.h"
#include "lang/problems.h"

#include <stdio.h>
#include <string.h>

const Command commands[] = {
    {"check", "FILE [name=value …]", "find every mistake in a program, without running it",
     "  lathe check examples/digits.model\n", true, command_check},
    {"run", "FILE [name=value …]", "all of a program in the order of its text",
     "  lathe run examples/digits.model fit.epochs=5\n", true, command_run},
    {"train", "FILE [TASK …] [name=value …]", "its train blocks",
     "  lathe train examples/digits.model fit fit.epochs=5\n", true, command_train},
    {"eval", "FILE [TASK …] [--weights W]", "its eval blocks, with the weights of the newest run",
     "  lathe eval examples/digits.model report\n", true, command_eval},
    {"predict", "FILE [TASK …] [--in new.csv] [--out out.csv]",
     "its predict blocks: rows in, rows out; - is standard input or output",
     "  lathe predict examples/digits.model read --weights digits.json --in new.csv --out -\n", true,
     command_predict},
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
    {"help", "[COMMAND]", "this, or more about a command", "  lathe help predict\n", false, command_help},
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
    problem_unknown_word(call->problems, "command", call->file,
                         name_nearest(call->file, names, command_count));
    return 2;
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
