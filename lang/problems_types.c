/* The words for types and shapes: E0201 to E0233. Both sides are always named. */
#include "lang/draft.h"
#include "lang/problems.h"

#include <inttypes.h>
#include <string.h>

// ---- two tensors ----------------------------------------------------------------------------------------------

static const char *operation(const char *op) {
  static const struct {
    const char *op, *words;
  } table[] = {{"+", "add"},     {"-", "subtract"}, {"*", "multiply"}, {"/", "divide"},
               {"//", "divide"}, {"%", "divide"},   {"**", "raise"}};
  for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
    if (!strcmp(table[i].op, op)) return table[i].words;
  return strcmp(op, "and") && strcmp(op, "or") ? "compare" : "combine";
}

static bool is_one(const Dim *dim) {
  int64_t number;
  return dim_is_number(dim, &number) && number == 1;
}

/* [B, 1] against [B]: one has the dims of the other and a 1 behind them. */
static bool has_extra_one(const Type *longer, const Type *shorter) {
  if (shorter->rank < 1 || longer->rank != shorter->rank + 1 || !is_one(longer->size[longer->rank - 1]))
    return false;
  for (int i = 0; i < shorter->rank; i++)
    if (longer->size[i] != shorter->size[i]) return false;
  return true;
}

static void pairing(Draft *d, const char *op, const char *longer, const char *longer_text,
                    const char *shorter, const char *shorter_text) {
  bool one = strchr(shorter, ',') == NULL;
  draft_title(d, "`%s` between %s and %s would pair every row with every other row", op, longer, shorter);
  draft_note(d, "Lathe adds leading dims only when the shorter shape is the tail of the longer");
  draft_help(d, "drop the last dim:  squeeze(%s)      or add one:  %s%s", longer_text, shorter_text,
             one ? "[:, None]" : "[..., None]");
}

void problem_shapes(Problems *problems, Span at, const char *op, Span left_at, const char *left,
                    const char *left_text, Span right_at, const char *right, const char *right_text,
                    const char *differ, const Type *a, const Type *b) {
  bool left_longer = has_extra_one(a, b), right_longer = has_extra_one(b, a);
  Draft d = draft_new(problems, left_longer || right_longer ? "E0202" : "E0201", at);
  draft_extra(&d, left_at, "%s", left);
  draft_extra(&d, right_at, "%s", right);
  const char *x = draft_short(&d, left_text), *y = draft_short(&d, right_text);
  if (left_longer)
    pairing(&d, op, left, x, right, y);
  else if (right_longer)
    pairing(&d, op, right, y, left, x);
  else {
    draft_title(&d, "cannot %s %s and %s", operation(op), left, right);
    if (*differ) draft_label(&d, "%s", differ);
    if (a->rank != b->rank) {
      draft_label(&d, "%s against %s", draft_count(&d, a->rank, "dim"), draft_count(&d, b->rank, "dim"));
      draft_note(&d, "shapes of different length fit when the shorter one is the tail of the longer");
      draft_help(&d, "a dim of 1 repeats; it is added by None:  x[:, None]");
    } else
      draft_help(&d, "bring both to the same shape; only a dim of 1 repeats");
  }
  draft_add(&d);
}

void problem_map_shapes(Problems *problems, Span at, const char *name, const char *a, const char *b) {
  Draft d = draft_new(problems, "E0201", at);
  draft_title(&d, "%s cannot work on %s and %s element by element", name, a, b);
  draft_help(&d, "bring both to the same shape; a dim of 1 repeats and is added by None:  x[:, None]");
  draft_add(&d);
}

void problem_matmul(Problems *problems, Span at, const char *a, const char *b, const char *inner,
                    const char *outer) {
  Draft d = draft_new(problems, "E0213", at);
  draft_title(&d, "cannot multiply the matrices %s @ %s", a, b);
  if (inner) {
    draft_label(&d, "the last dim on the left is %s, the one before the last on the right is %s", inner,
                outer);
    draft_help(&d, "a @ b needs [.., k] @ [k, n]; if one lies across:  swap(b)");
  } else {
    draft_note(&d,
               "both sides hold the same kind of floats; leading dims stand on the left alone or are equal");
    draft_help(&d, "[B, n] @ [n, m] gives [B, m]; element by element it is  a * b");
  }
  draft_add(&d);
}

void problem_join(Problems *problems, Span at, const char *a, const char *b, const char *why) {
  Draft d = draft_new(problems, "E0214", at);
  draft_title(&d, "cannot join %s and %s", a, b);
  draft_label(&d, "%s", why);
  draft_help(&d, "look at both shapes; `axis=` says which dim grows");
  draft_add(&d);
}

void problem_bounds(Problems *problems, Span at, const char *a, const char *b) {
  Draft d = draft_new(problems, "E0221", at);
  draft_title(&d, "classes of different kinds are compared: %s and %s", a, b);
  draft_label(&d, "the numbers of classes differ, so equal numbers mean different things");
  draft_help(&d, "if they do mean the same:  int(a) == int(b)  after  bounded(a, K)");
  draft_add(&d);
}

// ---- an argument against its declaration ----------------------------------------------------------------------

void problem_class_count(Problems *problems, Span call, const char *what, Name param, Span at,
                         const char *type, const char *wanted, const char *found) {
  Draft d = draft_new(problems, "E0203", at);
  const char *callee = draft_short(&d, what);
  draft_title(&d, "`%s` has %s classes, but %s works with %s here", param, found, callee, wanted);
  draft_label(&d, "%s", type);
  draft_extra(&d, call, "%s classes from what came before", wanted);
  draft_help(&d, "if these are the labels, give the last layer as many outputs:  Dense(%s)", found);
  draft_add(&d);
}

/* `x` if it reads well inside brackets and calls, else `x` itself as a stand-in. */
static const char *simple(Draft *d, const char *text) {
  const char *shown = draft_short(d, text);
  return strpbrk(shown, " |\"") || strstr(shown, "…") ? "x" : shown;
}

static void rank_help(Draft *d, const char *what, const char *text, const Type *got, int wanted) {
  const char *x = simple(d, text);
  if (got->rank == wanted - 1 && wanted == 4)
    draft_help(d, "a grey image needs a channel dim:  %s[..., None] |> %s(…)", x, what);
  else if (got->rank == wanted - 1)
    draft_help(d, "a dim of 1 is added by None:  %s[..., None]", x);
  else if (got->rank == wanted + 1 && got->rank && is_one(got->size[got->rank - 1]))
    draft_help(d, "the last dim is 1 and can go:  squeeze(%s)", x);
  else if (got->rank > wanted && wanted == 2)
    draft_help(d, "all dims but the first as one:  %s |> flatten", x);
}

void problem_argument_rank(Problems *problems, Span call, const char *what, Name param, const char *wanted,
                           Span at, const char *text, const Type *got, int count) {
  Draft d = draft_new(problems, "E0204", call);
  const char *callee = draft_short(&d, what), *open = strstr(wanted, "...");
  Text type = {0};
  type_print(got, &type);
  int least = open ? count - 1 : count;
  draft_title(&d, "%s reads %s (%s%s) but gets %s (%s)", callee, wanted, open ? "at least " : "",
              draft_count(&d, least, "dim"), text_string(&type), draft_count(&d, got->rank, "dim"));
  draft_label(&d, "input `%s` of %s", param, callee);
  draft_extra(&d, at, "%s", text_string(&type));
  rank_help(&d, callee, text, got, least);
  draft_add(&d);
  text_free(&type);
}

void problem_argument_type(Problems *problems, Span call, const char *what, Name param, const char *wanted,
                           Span at, const char *got, const char *why, Span declared) {
  Draft d = draft_new(problems, "E0210", at);
  const char *callee = draft_short(&d, what);
  draft_title(&d, "%s reads `%s` as %s but gets %s", callee, param, wanted, got);
  draft_label(&d, "%s", why);
  draft_extra(&d, call, "called here");
  if (declared.source == at.source) draft_extra(&d, declared, "declared here");
  draft_add(&d);
}

/* The kinds of settings in words. */
static const char *kind_words(const char *type) {
  static const struct {
    const char *type, *words;
  } table[] = {{"int", "a whole number (int)"},
               {"float", "a number (float)"},
               {"bool", "true or false (bool)"},
               {"str", "a text (str)"},
               {"list", "a list"},
               {"fn", "a function (fn)"},
               {"layer", "a layer with its settings"}};
  for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
    if (!strcmp(table[i].type, type)) return table[i].words;
  return type;
}

void problem_argument_kind(Problems *problems, Span call, const char *what, Name param, const char *wanted,
                           Span at, const char *kind) {
  Draft d = draft_new(problems, "E0211", at);
  const char *callee = draft_short(&d, what);
  draft_title(&d, "%s wants `%s` to be %s, found %s", callee, param, kind_words(wanted), kind);
  draft_label(&d, "%s", kind);
  draft_extra(&d, call, "called here");
  if (!strcmp(kind, "a layer"))
    draft_help(&d, "a layer gets its settings first, even if there are none:  Name()");
  if (!strcmp(wanted, "int") && !strcmp(kind, "a number"))
    draft_help(&d, "a whole number known before the run:  int(x) or a // b");
  draft_add(&d);
}

void problem_no_bound(Problems *problems, Span call, const char *what, Name param, const char *wanted,
                      Span at, const char *got) {
  Draft d = draft_new(problems, "E0220", at);
  draft_title(&d, "%s needs `%s` to be %s, but how many classes there are is not known",
              draft_short(&d, what), param, wanted);
  draft_label(&d, "%s", got);
  draft_extra(&d, call, "called here");
  draft_help(&d, "in the data block:  kind = kind |> category      or, if you know it:  bounded(x, 10)");
  draft_add(&d);
}

// ---- what a declaration promises -------------------------------------------------------------------------------

void problem_result(Problems *problems, Span type, Span body, Name name, const char *wanted,
                    const char *got) {
  Draft d = draft_new(problems, "E0205", body);
  draft_title(&d, "%s promises %s and returns %s", name ? draft_short(&d, name) : "this fn", wanted, got);
  draft_label(&d, "%s", got);
  draft_extra(&d, type, "promised here");
  draft_add(&d);
}

void problem_result_kind(Problems *problems, Span type, Name name, const char *wanted, const char *kind) {
  Draft d = draft_new(problems, "E0229", type);
  draft_title(&d, "%s promises %s and returns %s", name ? draft_short(&d, name) : "this fn", wanted, kind);
  draft_label(&d, "promised here");
  draft_help(&d, "the value of a block is its last expression");
  draft_add(&d);
}

void problem_where(Problems *problems, Span at, const char *message, const char *facts, const char *condition,
                   Span where) {
  Draft d = draft_new(problems, "E0206", at);
  const char *text = draft_short(&d, condition);
  if (message && *message)
    draft_title(&d, "%s", message);
  else
    draft_title(&d, "this does not hold: %s", text);
  draft_label(&d, "%s%s(where %s)", facts, *facts ? " " : "", text);
  draft_extra(&d, where, "asked for here");
  draft_add(&d);
}

void problem_weight_shape(Problems *problems, Span at, Span declared, Name name, const char *has,
                          const char *needs) {
  Draft d = draft_new(problems, "E0212", at);
  draft_title(&d, "this layer already has weights of another shape");
  draft_label(&d, "would need `%s` to be %s", name, needs);
  draft_extra(&d, declared, "`%s` is %s since its first use", name, has);
  draft_help(&d, "one instance, one shape: make a second layer, such as  Dense(10)(x)");
  draft_add(&d);
}

void problem_batch_weight(Problems *problems, Span at, Name name, const char *type) {
  Draft d = draft_new(problems, "E0225", at);
  draft_title(&d, "`%s` is %s, whose size is not known before the run", name, type);
  draft_label(&d, "weights keep one size; a batch does not");
  draft_help(&d, "leave the batch dim out of its shape; sizes of columns and settings are known");
  draft_add(&d);
}

void problem_first_value(Problems *problems, Span at, const char *wanted, const char *found) {
  Draft d = draft_new(problems, "E0226", at);
  draft_title(&d, "%s cannot start as %s", wanted, found);
  draft_label(&d, "the first value");
  draft_help(&d, "a number fills all of it, a function such as glorot makes it from the shape");
  draft_add(&d);
}

void problem_state_shape(Problems *problems, Span at, Name name, const char *has, const char *given) {
  Draft d = draft_new(problems, "E0227", at);
  draft_title(&d, "the state `%s` is %s and is given %s", name, has, given);
  draft_label(&d, "a state keeps its shape");
  draft_help(&d, "reduce what is given, or declare the shape:  state %s: %s = 0", name, given);
  draft_add(&d);
}

void problem_update_shape(Problems *problems, Span at, Name name, const char *weight, const char *given) {
  Draft d = draft_new(problems, "E0228", at);
  draft_title(&d, "the optimizer %s turns a weight %s into %s", name, weight, given);
  draft_note(&d, "an optimizer (p, g) gives the new weight, in the shape of p");
  draft_add(&d);
}

void problem_type_tensor(Problems *problems, Span at) {
  Draft d = draft_new(problems, "E0230", at);
  draft_title(&d, "a param is a tensor");
  draft_label(&d, "not a shape");
  draft_help(&d, "param W: [n, units] = glorot");
  draft_add(&d);
}

// ---- built-in functions on shapes ------------------------------------------------------------------------------

void problem_reshape(Problems *problems, Span at, const char *from, const char *to) {
  Draft d = draft_new(problems, "E0208", at);
  draft_title(&d, "%s cannot be reshaped to %s", from, to);
  draft_label(&d, "the number of elements must stay the same");
  draft_help(&d, "all dims but the first as one:  x |> flatten");
  draft_add(&d);
}

void problem_chunk(Problems *problems, Span at, const char *type, int64_t count) {
  Draft d = draft_new(problems, "E0215", at);
  draft_title(&d, "%s cannot be cut into %" PRId64 " equal pieces", type, count);
  draft_label(&d, "the last dim, or the one named by axis=, must be divisible");
  draft_add(&d);
}

void problem_squeeze(Problems *problems, Span at, const char *type) {
  Draft d = draft_new(problems, "E0216", at);
  draft_title(&d, "squeeze drops a last dim of 1, but this is %s", type);
  draft_help(&d, "for one value of each row:  x[..., 0]      for their sum:  sum(x, axis=-1)");
  draft_add(&d);
}

void problem_record_parts(Problems *problems, Span at) {
  Draft d = draft_new(problems, "E0250", at);
  draft_title(&d, "these records have other parts");
  draft_note(&d, "records act part by part, so both need parts of the same names in the same order");
  draft_help(&d, "net[\"**\"] - 0.1 * other[\"**\"]  works where both models have one structure");
  draft_add(&d);
}

void problem_expand(Problems *problems, Span at, const char *from, const char *to) {
  Draft d = draft_new(problems, "E0233", at);
  draft_title(&d, "%s cannot be expanded to %s", from, to);
  draft_label(&d, "only dims of 1 repeat, and dims are added in front");
  draft_help(&d, "make room with None first:  x[:, None]");
  draft_add(&d);
}

void problem_axis(Problems *problems, Span at, const char *type, int rank) {
  Draft d = draft_new(problems, "E0217", at);
  draft_title(&d, "%s has no such axis", type);
  draft_label(&d, "a tensor of %s", draft_count(&d, rank, "dim"));
  if (rank > 0)
    draft_help(&d, "axes count from 0 to %d, or from the end with -1; a dim's name works too", rank - 1);
  else
    draft_help(&d, "a single number has no axes");
  draft_add(&d);
}

void problem_window(Problems *problems, Span at, const char *type, const char *window) {
  Draft d = draft_new(problems, "E0218", at);
  draft_title(&d, "a window of %s does not fit into %s", window, type);
  draft_help(&d, "use a smaller window, fewer poolings, or  pad=\"same\"");
  draft_add(&d);
}

void problem_channels(Problems *problems, Span at, const char *x, const char *kernel, int64_t groups) {
  Draft d = draft_new(problems, "E0219", at);
  draft_title(&d, "the kernel %s does not fit the channels of %s", kernel, x);
  if (groups == 1)
    draft_label(&d, "the third dim of the kernel must be the last dim of the image");
  else
    draft_label(&d, "the third dim of the kernel must be the last dim of the image over %" PRId64 " groups",
                groups);
  draft_add(&d);
}

void problem_gather_bound(Problems *problems, Span at, const char *bound, const char *size) {
  Draft d = draft_new(problems, "E0222", at);
  draft_title(&d, "indices below %s look into a table of %s", bound, size);
  draft_label(&d, "the bound must be the first dim of the table");
  draft_help(&d, "give the table a row for every class, or state the bound:  bounded(ids, %s)", size);
  draft_add(&d);
}

void problem_rank_limit(Problems *problems, Span at) {
  Draft d = draft_new(problems, "E0223", at);
  draft_title(&d, "a tensor has at most %d dims", MAX_RANK);
  draft_add(&d);
}

void problem_dim_value(Problems *problems, Span at, const char *found) {
  Draft d = draft_new(problems, "E0224", at);
  draft_title(&d, "a dim is a whole number known before the run, found %s", draft_short(&d, found));
  draft_help(&d, "whole numbers stay whole with  //  and  int(x)");
  draft_add(&d);
}

void problem_many_subscripts(Problems *problems, Span at, const char *type, int count) {
  Draft d = draft_new(problems, "E0231", at);
  draft_title(&d, "%s for %s", draft_count(&d, count, "subscript"), type);
  draft_label(&d, "one subscript a dim at most");
  draft_help(&d, "`...` stands for all dims that are not named:  x[..., 0]");
  draft_add(&d);
}

void problem_index_range(Problems *problems, Span at, const char *size) {
  Draft d = draft_new(problems, "E0232", at);
  draft_title(&d, "this lies outside a dim of %s", size);
  draft_label(&d, "places count from 0, or from the end with -1");
  draft_add(&d);
}

void problem_inputs(Problems *problems, Span at, const char *name, const char *a, const char *b,
                    const char *why, const char *help) {
  Draft d = draft_new(problems, "E0234", at);
  draft_title(&d, "%s cannot use %s with %s", name, a, b);
  draft_label(&d, "%s", why);
  if (help) draft_help(&d, "%s", help);
  draft_add(&d);
}

void problem_axis_twice(Problems *problems, Span at, const char *name, const char *first,
                        const char *second) {
  Draft d = draft_new(problems, "E0209", at);
  draft_title(&d, "axis `%s` has two sizes: %s and %s", name, first, second);
  draft_label(&d, "one name is one size, wherever it stands in the pattern");
  draft_help(&d, "give two names to axes that differ, or transpose one of the inputs");
  draft_add(&d);
}

void problem_pattern_text(Problems *problems, Span at, const char *why, const char *example) {
  Draft d = draft_new(problems, "E0235", at);
  draft_title(&d, "this pattern does not fit");
  draft_label(&d, "%s", why);
  draft_help(&d, "names of axes stand apart, with blanks between them:  %s", example);
  draft_add(&d);
}

void problem_open_size(Problems *problems, Span at, const char *name, const char *type, int axis) {
  Draft d = draft_new(problems, "E0236", at);
  draft_title(&d, "%s needs an axis of known size", name);
  draft_label(&d, "axis %d of %s changes from batch to batch", axis, type);
  draft_help(&d, "name an axis whose size is known before the run:  %s(x, axis=-1)", name);
  draft_add(&d);
}

void problem_slice_length(Problems *problems, Span at) {
  Draft d = draft_new(problems, "E0237", at);
  draft_title(&d, "how long is this slice?");
  draft_label(&d, "its place is known during the run alone, so its length must not depend on it");
  draft_help(&d, "begin and end with the same number and add a known one:  x[i:i+8]");
  draft_add(&d);
}

void problem_index_apart(Problems *problems, Span at) {
  Draft d = draft_new(problems, "E0238", at);
  draft_title(&d, "index tensors stand apart");
  draft_label(&d, "between this one and the one before it is a slice");
  draft_help(&d, "side by side they are paired, x[a, b]; one after the other, x[a][:, :, b], they take every"
                 " combination");
  draft_add(&d);
}
