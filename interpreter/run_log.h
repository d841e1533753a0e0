/* The log of a run: log.jsonl in its folder, a line each time numbers are told. */
#ifndef INTERPRETER_RUN_LOG_H
#define INTERPRETER_RUN_LOG_H

#include "interpreter/report.h"

typedef struct RunLog RunLog;

/* Appends behind the first `keep` bytes; what is there beyond them was told by steps that are done again. NULL after a
 * Problem. */
RunLog *run_log_open(Problems *problems, const char *path, int64_t keep);
/* {"epoch":2,"step":938,"loss":0.1,…,"valid":{…},"seconds":1.2,"weights":"89abcdef"}: `fingerprint` is the CRC of the
 * weights. A log that has grown to RUN_LOG_LIMIT bytes grows no more. */
void run_log_epoch(RunLog *log, const ReportEpoch *told, uint32_t fingerprint);
int64_t run_log_bytes(const RunLog *log);
void run_log_close(RunLog *log); // NULL is fine

#define RUN_LOG_LIMIT ((int64_t)4 << 20)

#endif
