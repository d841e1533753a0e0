#include "interpreter/run_log.h"

#include "interpreter/formats/problems_files.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <unistd.h>

struct RunLog {
  int file;
  int64_t bytes;
};

RunLog *run_log_open(Problems *problems, const char *path, int64_t keep) {
  int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
  if (file < 0 || ftruncate(file, keep) != 0) {
    problem_file_unwritable(problems, path, errno);
    if (file >= 0) close(file);
    return NULL;
  }
  RunLog *log = memory_alloc(1, sizeof *log);
  *log = (RunLog){file, keep};
  return log;
}

static void numbers(Text *line, const ReportNumber *number, int count) {
  for (int i = 0; i < count; i++) {
    text_printf(line, "%s\"%s\":", i ? "," : "", number[i].name);
    if (isfinite(number[i].value))
      text_printf(line, "%.9g", number[i].value);
    else
      text_add(line, "null");
  }
}

void run_log_epoch(RunLog *log, const ReportEpoch *told, uint32_t fingerprint) {
  if (log->bytes >= RUN_LOG_LIMIT) return;
  Text line = {0};
  text_printf(&line, "{\"epoch\":%lld,\"step\":%lld,", (long long)told->epoch, (long long)told->step);
  numbers(&line, told->train, told->trains);
  text_add(&line, told->trains ? ",\"valid\":{" : "\"valid\":{");
  numbers(&line, told->valid, told->valids);
  text_printf(&line, "},\"seconds\":%.3f,\"weights\":\"%08x\"}\n", told->seconds, fingerprint);
  ssize_t written = pwrite(log->file, text_string(&line), line.length, log->bytes);
  if (written == (ssize_t)line.length)
    log->bytes += written; // else the next line takes the place of this half
  text_free(&line);
}

int64_t run_log_bytes(const RunLog *log) { return log->bytes; }

void run_log_close(RunLog *log) {
  if (!log) return;
  close(log->file);
  memory_free(log);
}
