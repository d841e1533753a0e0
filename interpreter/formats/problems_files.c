/* The prose of file problems: E0701 to E0708.
 *
 * In go facts (paths, names, shapes, an errno, a kind of damage), out comes one Problem. Reasons of the system
 * and kinds of damage are tables, so that no message ever shows an errno or its C library text. */
#include "interpreter/formats/problems_files.h"

#include "base/name.h"
#include "base/size.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define SHOWN_BYTES   120
#define MISSING_SHOWN 3

static const struct {
  int error;
  const char *words;
} REASON[] = {
    {ENOENT, "there is no such file"},
    {ENOTDIR, "a part of the path is not a folder"},
    {EISDIR, "it is a folder"},
    {EACCES, "permission is missing"},
    {EPERM, "the system does not permit it"},
    {EROFS, "the disk is mounted for reading only"},
    {ENOSPC, "the disk is full"},
    {EDQUOT, "the disk quota is used up"},
    {EFBIG, "it would be larger than this system allows a file to be"},
    {ENAMETOOLONG, "the name is too long"},
    {ELOOP, "its links lead in a circle"},
    {EMFILE, "too many files are open"},
    {ENFILE, "too many files are open in the system"},
    {EIO, "the disk reports an error"},
    {ENXIO, "nothing is behind this device"},
    {EPIPE, "nobody reads it any more"},
    {EEXIST, "something of that name is in the way"},
    {EINVAL, "the name is not usable here"},
};

static const char *const DAMAGE_WORDS[DAMAGE_KINDS] = {
    [DAMAGE_NOT_WEIGHTS] = "it starts neither like JSON nor like safetensors",
    [DAMAGE_GZIP] = "the compressed data is broken",
    [DAMAGE_GZIP_CUT] = "the compressed data ends too early",
    [DAMAGE_JSON_SYNTAX] = "this is not JSON",
    [DAMAGE_JSON_DEPTH] = "brackets are nested more than 200 deep",
    [DAMAGE_JSON_STRING] = "a string that is not closed or holds characters that JSON forbids",
    [DAMAGE_JSON_TWICE] = "the key stands twice in one object",
    [DAMAGE_JSON_NUMBER] = "a number too large to be one",
    [DAMAGE_NO_MARK] = "the key \"lathe\" is missing: it is JSON, but not weights of Lathe",
    [DAMAGE_NEWER] = "it is of a format that this version of Lathe does not know",
    [DAMAGE_NO_WEIGHTS] = "the key \"weights\" is missing or is not an object",
    [DAMAGE_FIELD] = "a value of the wrong kind",
    [DAMAGE_NAME] = "a weight without a name",
    [DAMAGE_DTYPE] = "numbers of a type that Lathe does not read (bool, u8, i32, i64, f32, f64 can be read)",
    [DAMAGE_SHAPE] = "the shape is not a list of at most 8 sizes, or is too large",
    [DAMAGE_NO_DATA] = "\"data\" is missing, stands twice, or is neither a list nor a base64 text",
    [DAMAGE_NUMBER] = "this is not a number",
    [DAMAGE_NUMBER_RANGE] = "the number does not fit the type",
    [DAMAGE_COUNT_FEW] = "it has fewer numbers than its shape says",
    [DAMAGE_COUNT_MANY] = "it has more numbers than its shape says",
    [DAMAGE_BASE64] = "the base64 text is malformed or of the wrong length",
    [DAMAGE_TRUTH] = "a truth value that is neither 0 nor 1",
    [DAMAGE_HEADER_LENGTH] = "the header is said to be longer than the file",
    [DAMAGE_OFFSETS] = "the data of the weights overlaps, has holes, or does not agree with the shape",
    [DAMAGE_LENGTH] = "the file is longer or shorter than its header says",
    [DAMAGE_CHECKSUM_HEADER] = "the checksum of the header does not agree",
    [DAMAGE_CHECKSUM_MISSING] = "a checksum is missing",
    [DAMAGE_CHECKSUM] = "the checksum of the numbers does not agree",
};

static const char *reason_words(int error) {
  for (size_t i = 0; i < sizeof REASON / sizeof REASON[0]; i++)
    if (REASON[i].error == error) return REASON[i].words;
  return "the system refuses";
}

static const char *kind_words(mode_t mode) {
  if (S_ISDIR(mode)) return "it is a folder";
  if (S_ISCHR(mode) || S_ISBLK(mode)) return "it is a device";
  if (S_ISFIFO(mode)) return "it is a pipe";
  if (S_ISSOCK(mode)) return "it is a socket";
  return "it is not a plain file";
}

/* Length of the valid UTF-8 sequence at `text`, 0 if there is none or it is a control character. */
static size_t shown_sequence(const unsigned char *text) {
  if (text[0] < 0x20 || text[0] == 0x7f) return 0;
  if (text[0] < 0x80) return 1;
  size_t length = text[0] >= 0xf0 ? 4 : text[0] >= 0xe0 ? 3 : 2;
  if (text[0] < 0xc2 || text[0] > 0xf4 || (text[0] == 0xc2 && text[1] < 0xa0)) return 0;
  for (size_t i = 1; i < length; i++)
    if ((text[i] & 0xc0) != 0x80) return 0;
  return length;
}

/* A text from outside as it may be shown. */
static const char *shown(Arena *arena, const char *text) {
  Text out = {0};
  const unsigned char *bytes = (const unsigned char *)text;
  while (*bytes && out.length < SHOWN_BYTES) {
    size_t length = shown_sequence(bytes);
    if (length == 0)
      text_printf(&out, "\\x%02x", *bytes);
    else
      text_add_n(&out, (const char *)bytes, length);
    bytes += length ? length : 1;
  }
  if (*bytes) text_add(&out, "…");
  const char *copy = arena_copy(arena, text_string(&out), out.length);
  text_free(&out);
  return copy;
}

static const char *shape_words(Arena *arena, const WeightName *weight) {
  const char *out = "[";
  for (int i = 0; i < weight->rank; i++)
    out = arena_printf(arena, "%s%s%" PRId64, out, i ? ", " : "", weight->size[i]);
  return arena_printf(arena, "%s]", out);
}

static void file_problem(Problems *problems, Span span, const char *code, const char *title,
                         const char *detail, const char *note, const char *help) {
  Problem problem = {.severity = SEVERITY_ERROR,
                     .code = code,
                     .title = title,
                     .primary = {.span = span},
                     .detail = detail,
                     .note = note,
                     .help = help,
                     .exit_code = 3};
  problems_add(problems, &problem);
}

static int64_t weight_elements(const WeightName *weight) {
  int64_t count = 1;
  for (int i = 0; i < weight->rank; i++)
    if (!int_mul(count, weight->size[i], &count)) return -1;
  return count;
}

static bool weight_same_shape(const WeightName *a, const WeightName *b) {
  return a->rank == b->rank && memcmp(a->size, b->size, (size_t)a->rank * sizeof a->size[0]) == 0;
}

/* Of the weights with as many elements the one of the nearest name, else one of the same shape; failing that
 * the nearest name of all. */
static const WeightName *weight_closest(Arena *arena, const WeightName *wanted, const WeightName *held,
                                        int count) {
  const char **name = ARENA_ARRAY(arena, const char *, count + 1);
  int fitting = 0;
  for (int i = 0; i < count; i++)
    if (weight_elements(&held[i]) == weight_elements(wanted)) name[fitting++] = held[i].name;
  const char *best = name_nearest(wanted->name, name, fitting);
  for (int i = 0; i < count && !best; i++)
    if (weight_same_shape(&held[i], wanted)) best = held[i].name;
  if (!best) {
    for (int i = 0; i < count; i++) name[i] = held[i].name;
    best = name_nearest(wanted->name, name, count);
  }
  for (int i = 0; i < count && best; i++)
    if (held[i].name == best) return &held[i];
  return NULL;
}

/* The name behind the model's own: `body.Dense.W` is `Dense.W` in rename pairs. */
static const char *name_below(const char *name) {
  const char *dot = strchr(name, '.');
  return dot ? dot + 1 : name;
}

static int longer(int width, const char *text) {
  int length = (int)strlen(text);
  return length > width ? length : width;
}

void problem_weights_missing(Problems *problems, Span span, const char *file, const char *model,
                             const WeightName *missing, int missing_count, const WeightName *held,
                             int held_count, bool can_rename) {
  Arena *arena = arena_new(0);
  Text detail = {0}, pairs = {0};
  const WeightName *near[MISSING_SHOWN];
  int count = missing_count < MISSING_SHOWN ? missing_count : MISSING_SHOWN, width = 0;
  for (int i = 0; i < count; i++) {
    near[i] = weight_closest(arena, &missing[i], held, held_count);
    width = longer(width, shown(arena, missing[i].name));
    width = longer(width, near[i] ? shown(arena, near[i]->name) : "");
  }
  for (int i = 0; i < count; i++) {
    const char *wanted = shown(arena, missing[i].name), *found = near[i] ? shown(arena, near[i]->name) : "";
    text_printf(&detail, "%smissing in file   %-*s  %s", i ? "\n" : "", width, wanted,
                shape_words(arena, &missing[i]));
    if (!near[i]) continue;
    bool same = weight_same_shape(near[i], &missing[i]);
    text_printf(&detail, "\nclosest in file   %-*s  %s%s", width, found, shape_words(arena, near[i]),
                same ? "   same shape" : "");
    if (same) text_printf(&pairs, "%s[\"%s\", \"%s\"]", pairs.length ? ", " : "", found, name_below(wanted));
  }
  const char *note = NULL;
  if (missing_count > MISSING_SHOWN)
    note = arena_printf(arena, "%d more are missing; weights in the file: %d", missing_count - MISSING_SHOWN,
                        held_count);
  const char *help = NULL;
  if (can_rename && pairs.length)
    help = arena_printf(arena, "if these are the same:  rename = [%s]", text_string(&pairs));
  file_problem(problems, span, "E0701",
               arena_printf(arena, "%s does not fill `%s`", shown(arena, file), shown(arena, model)),
               text_string(&detail), note, help);
  text_free(&detail);
  text_free(&pairs);
  arena_free(arena);
}

void problem_weights_shape(Problems *problems, Span span, const char *file, const WeightName *wanted,
                           const WeightName *found) {
  Arena *arena = arena_new(0);
  bool types = weight_same_shape(wanted, found);
  const char *want = types ? dtype_name(wanted->dtype) : shape_words(arena, wanted);
  const char *have = types ? dtype_name(found->dtype) : shape_words(arena, found);
  file_problem(problems, span, "E0702",
               arena_printf(arena, "%s has another %s for %s", shown(arena, file),
                            types ? "number type" : "shape", shown(arena, wanted->name)),
               arena_printf(arena, "in the program   %s\nin the file      %s", want, have),
               "weights are loaded only where names, shapes and types agree", NULL);
  arena_free(arena);
}

void problem_output_outside(Problems *problems, Span span, const char *path) {
  Arena *arena = arena_new(0);
  file_problem(problems, span, "E0703",
               arena_printf(arena, "a program may not write to %s", shown(arena, path)), NULL,
               "what a program writes goes beneath the current folder, or beneath --out DIR",
               "write a relative path without `..`; the command line may name any place");
  arena_free(arena);
}

static void file_unreadable(Problems *problems, Span span, const char *path, const char *why) {
  Arena *arena = arena_new(0);
  const char *name = strcmp(path, "-") == 0 ? "standard input" : shown(arena, path);
  file_problem(problems, span, "E0704", arena_printf(arena, "cannot read %s: %s", name, why), NULL, NULL,
               NULL);
  arena_free(arena);
}

void problem_file_unreadable(Problems *problems, Span span, const char *path, int error) {
  file_unreadable(problems, span, path, reason_words(error));
}

void problem_file_kind(Problems *problems, Span span, const char *path, mode_t mode) {
  file_unreadable(problems, span, path, kind_words(mode));
}

void problem_file_large(Problems *problems, Span span, const char *path, uint64_t limit) {
  Arena *arena = arena_new(0);
  const char *unit = limit % (1 << 20) == 0 ? "MiB" : limit % (1 << 10) == 0 ? "KiB" : "bytes";
  uint64_t count = limit % (1 << 20) == 0 ? limit >> 20 : limit % (1 << 10) == 0 ? limit >> 10 : limit;
  file_unreadable(problems, span, path,
                  arena_printf(arena, "it has more than %" PRIu64 " %s, the limit here", count, unit));
  arena_free(arena);
}

void problem_file_damaged(Problems *problems, Span span, const char *path, FileDamage damage,
                          const char *where) {
  Arena *arena = arena_new(0);
  const char *words = DAMAGE_WORDS[damage];
  file_problem(problems, span, "E0705", arena_printf(arena, "%s cannot be used", shown(arena, path)),
               where ? arena_printf(arena, "%s: %s", shown(arena, where), words) : words, NULL, NULL);
  arena_free(arena);
}

void problem_not_finite(Problems *problems, Span span, const char *path, const WeightName *weight,
                        int64_t index, bool saving) {
  Arena *arena = arena_new(0);
  const char *place = "";
  for (int i = weight->rank - 1; i >= 0; i--) {
    place = arena_printf(arena, "%" PRId64 "%s%s", index % weight->size[i], *place ? ", " : "", place);
    index /= weight->size[i];
  }
  file_problem(problems, span, "E0706",
               arena_printf(arena, "%s[%s] is not a finite number", shown(arena, weight->name), place),
               arena_printf(arena, saving ? "so %s was not written" : "in %s", shown(arena, path)), NULL,
               NULL);
  arena_free(arena);
}

static void file_unwritable(Problems *problems, const char *path, const char *why, const char *note) {
  Arena *arena = arena_new(0);
  const char *name = strcmp(path, "-") == 0 ? "to standard output" : shown(arena, path);
  file_problem(problems, (Span){0}, "E0707", arena_printf(arena, "cannot write %s: %s", name, why), NULL,
               note, NULL);
  arena_free(arena);
}

void problem_file_unwritable(Problems *problems, const char *path, int error) {
  bool room = error == ENOSPC || error == EDQUOT || error == EFBIG;
  file_unwritable(problems, path, reason_words(error),
                  room && strcmp(path, "-") != 0 ? "what stood there before is untouched" : NULL);
}

void problem_output_kind(Problems *problems, const char *path, mode_t mode) {
  file_unwritable(problems, path, kind_words(mode), NULL);
}

void problem_run_locked(Problems *problems, const char *folder, const char *holder) {
  Arena *arena = arena_new(0);
  file_problem(problems, (Span){0}, "E0708",
               arena_printf(arena, "%s is in use by another trainer", shown(arena, folder)),
               holder ? arena_printf(arena, "held by %s", shown(arena, holder)) : NULL, NULL, NULL);
  arena_free(arena);
}
