/* What a command says while it works: lines for people, or events for programs (--json).
 *
 * Progress goes to standard error, results to standard output. Events are one JSON object a line on standard
 * output. */
#ifndef INTERPRETER_REPORT_H
#define INTERPRETER_REPORT_H

#include "base/problem.h"
#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

typedef struct Report Report;

Report *report_new(bool json, bool quiet, bool colour);
void report_free(Report *report);
bool report_json(const Report *report);

void report_problems(Report *report, Problems *problems); // those not told yet
void report_line(Report *report, const char *label, const char *format, ...)
    __attribute__((format(printf, 3, 4)));            // stderr
void report_result(Report *report, const char *text); // stdout; a `print` event
void report_saved(Report *report, const char *path);
void report_checkpoint(Report *report, const char *task, int64_t step, const char *path); // a `saved` event
void report_resumed(Report *report, const char *task, int64_t step, const char *path);
void report_warnings(Report *report, Problems *problems); // told as such: the command goes on
void report_check(Report *report, int graphs, int64_t weights, double ms);
void report_start(Report *report, const char *task, int64_t steps, int64_t rows);

typedef struct {
  const char *name;
  double value;
} ReportNumber;

typedef struct {
  const char *task;
  int64_t epoch, epochs, step, steps;
  double seconds;
  const ReportNumber *train, *valid; // loss first
  int trains, valids;
} ReportEpoch;

void report_logged(Report *report, const char *task, int64_t step, const char *name,
                   double value);                                          // by a hook; an event alone
void report_progress(Report *report, const ReportEpoch *now, double rate); // the live line, on a terminal
void report_epoch(Report *report, const ReportEpoch *epoch);
void report_kept(Report *report, const char *task, int64_t epoch, const char *metric, double value,
                 const char *path);
void report_measures(Report *report, const char *task, const ReportNumber *numbers, int count,
                     int64_t rows); // of an eval
void report_test(Report *report, const char *name, bool passed);
/* A trial of a sweep; value NaN: it failed. */
void report_trial(Report *report, const char *sweep, int64_t trial, int64_t trials, const char *values,
                  const char *metric, double value);
/* A run of `lathe runs`: words by name, in this order; `state` finished, running or left. */
void report_run(Report *report, const char *folder, const char *state, int64_t step, int64_t steps,
                const char *metric, double value, double age);
void report_step_time(Report *report, double ms); // of one training step
void report_first_step(Report *report);           // the moment the first step ended
void report_done(Report *report, int exit_code);  // the `done` event

double seconds_now(void);        // monotonic
double seconds_of_process(void); // since the process started, as the kernel dates it

#endif
