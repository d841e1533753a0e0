/* The record of a run: which program with which settings (run.json), and what came of it (log.jsonl).
 *
 * The log has a line for each told epoch, and for steps 1, 2, 4, 8, … and then every so many a fingerprint: the CRC-32C
 * of all weights and states. Two runs did the same where their fingerprints agree. It never grows past 5 MB. */
#ifndef INTERPRETER_RUN_LOG_H
#define INTERPRETER_RUN_LOG_H

#include "interpreter/session.h"

typedef struct RunLog RunLog;

/* Opens the log of a run of so many steps; what stands behind `length` bytes is dropped. Never NULL: a log that cannot
 * be written is none, and training goes on. */
RunLog *run_log_open(Session *session, const char *folder, int64_t steps, int64_t length);
void run_log_close(RunLog *log); // NULL is fine
int64_t run_log_length(RunLog *log);
bool run_log_is_open(const RunLog *log); // false: it cannot be written
void run_log_step(RunLog *log, Session *session, int64_t step, double loss);
void run_log_told(RunLog *log, const ReportEpoch *told);

/* run.json: written once, when the run begins. false after a Problem. */
bool run_record_write(Session *session, const Task *task, const char *folder, int64_t steps);

/* A run as its folder tells it. */
typedef struct {
  int64_t step;
  double loss;
  uint32_t print;
} Fingerprint;

typedef struct {
  const char *folder, *path, *root, *task, *device, *precision,
      *hooks;          // path: of the program; others may be NULL
  const char **before; // train tasks that ran before it, on the same weights
  int befores;
  const char **set; // name=value
  int sets;
  uint64_t seed;
  bool seed_given;
  const char **source, **text; // files of the program and what stood in them, the program first
  int sources;
  int64_t steps, step;  // to do; of the last line of the log
  double started, loss; // seconds since 1970; the last that was told, NaN if none
  const char *keep;     // the metric whose best weights are kept, as valid.NAME; NULL: the last ones
  bool keep_least;
  double step_loss; // of the last step with a fingerprint
  double best;      // of it, NaN if none
  Fingerprint *print;
  int prints;
  bool finished, running;
} RunRecord;

/* NULL after a Problem: the folder holds no run, or its record is damaged. */
RunRecord *run_record_read(Arena *arena, Problems *problems, const char *folder);

#endif
