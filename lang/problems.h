/* Problems that the checker finds: names, types and shapes, values, statements.
 *
 * One function a problem; callers pass facts, the words are in problems_names.c, problems_types.c,
 * problems_values.c, problems_tasks.c and problems_command.c alone. `at` is the place that is marked; the other
 * spans are marked as the other half. Texts of types and expressions are as a user writes them. `nearest` may be
 * NULL. Exit code 1 unless said otherwise. */
#ifndef LANG_PROBLEMS_H
#define LANG_PROBLEMS_H

#include "base/name.h"
#include "base/problem.h"
#include "lang/type.h"

#include <stdint.h>

/* ---- names and calls: E01xx (problems_names.c) ---- */
/* `there`: where the nearest name comes from; may be nowhere. */
void problem_unknown_name(Problems *problems, Span at, Name name, const char *nearest, Span there); // E0101
void problem_cycle(Problems *problems, Span at, Name name);                                         // E0102
/* E0103. `type` is what the argument is declared as, or NULL; `settings`: it belongs to the first list. */
void problem_missing_argument(Problems *problems, Span at, const char *what, const char *name,
                              const char *type, bool settings);
/* E0104. `signature` lists what there is. */
void problem_no_setting(Problems *problems, Span at, const char *what, const char *name, bool settings,
                        const char *nearest, const char *signature);
void problem_tensor_setting(Problems *problems, Span call, const char *what, Span at, const char *type,
                            const char *text);                                                       // E0105
void problem_layer_bare(Problems *problems, Span at, const char *text);                              // E0106
void problem_many_arguments(Problems *problems, Span at, const char *what, int most, bool settings); // E0107
void problem_argument_count(Problems *problems, Span at, const char *what, int wanted, int given);   // E0107
void problem_twice(Problems *problems, Span at, const char *what, const char *name);                 // E0108
void problem_not_callable(Problems *problems, Span at, const char *text, const char *kind);          // E0109
/* E0110. A record without such a part; `names` of its parts, or NULL for a tuple. */
void problem_no_field(Problems *problems, Span at, const char *name, const Name *names, int count);
void problem_no_fields(Problems *problems, Span at, const char *kind);   // E0110
void problem_type_name(Problems *problems, Span at, Name name);          // E0111
void problem_call_depth(Problems *problems, Span at, int limit);         // E0112
void problem_param_place(Problems *problems, Span at, const char *word); // E0113
void problem_layer_place(Problems *problems, Span at, const char *name); // E0114
void problem_unknown_column(Problems *problems, Span at, const char *name, const char *path,
                            const char *nearest);                                              // E0115
void problem_unknown_step(Problems *problems, Span at, const char *name, const char *nearest); // E0116
void problem_source(Problems *problems, Span at, const char *name, const char *nearest);       // E0117
void problem_unavailable(Problems *problems, Span at, const char *what);                       // E0118
void problem_data_only(Problems *problems, Span at, const char *name);                         // E0119
void problem_model_value(Problems *problems, Span at, Name name, const char *kind);            // E0120
void problem_declared_twice(Problems *problems, Span at, Span first, Name name);               // E0121
void problem_unknown_config(Problems *problems, const char *name, const char *nearest); // E0122, exit code 2
void problem_use_cycle(Problems *problems, Span at, const char *path);                  // E0123

/* ---- types and shapes: E02xx (problems_types.c) ---- */
/* E0201, or E0202 where [B, 1] meets [B]. Types and texts of both sides; `differ` lists dims, may be "". */
void problem_shapes(Problems *problems, Span at, const char *op, Span left_at, const char *left,
                    const char *left_text, Span right_at, const char *right, const char *right_text,
                    const char *differ, const Type *a, const Type *b);
void problem_map_shapes(Problems *problems, Span at, const char *name, const char *a, const char *b); // E0201
void problem_class_count(Problems *problems, Span call, const char *what, Name param, Span at,
                         const char *type, const char *wanted, const char *found); // E0203
/* E0204. `count`: dims that the declared type lists, `...` as one of them. */
void problem_argument_rank(Problems *problems, Span call, const char *what, Name param, const char *wanted,
                           Span at, const char *text, const Type *got, int count);
void problem_result(Problems *problems, Span type, Span body, Name name, const char *wanted,
                    const char *got); // E0205
/* E0206. `message` of the program or NULL; `facts` name what the condition is about. */
void problem_where(Problems *problems, Span at, const char *message, const char *facts, const char *condition,
                   Span where);
void problem_reshape(Problems *problems, Span at, const char *from, const char *to); // E0208
void problem_argument_type(Problems *problems, Span call, const char *what, Name param, const char *wanted,
                           Span at, const char *got, const char *why, Span declared); // E0210
void problem_argument_kind(Problems *problems, Span call, const char *what, Name param, const char *wanted,
                           Span at, const char *kind); // E0211
void problem_weight_shape(Problems *problems, Span at, Span declared, Name name, const char *has,
                          const char *needs); // E0212
/* E0213. `inner` and `outer`: the dims that should agree; inner NULL: something else does not fit. */
void problem_matmul(Problems *problems, Span at, const char *a, const char *b, const char *inner,
                    const char *outer);
void problem_join(Problems *problems, Span at, const char *a, const char *b, const char *why); // E0214
void problem_chunk(Problems *problems, Span at, const char *type, int64_t count);              // E0215
void problem_squeeze(Problems *problems, Span at, const char *type);                           // E0216
void problem_axis(Problems *problems, Span at, const char *type, int rank);                    // E0217
void problem_window(Problems *problems, Span at, const char *type, const char *window);        // E0218
void problem_channels(Problems *problems, Span at, const char *x, const char *kernel,
                      int64_t groups); // E0219
void problem_no_bound(Problems *problems, Span call, const char *what, Name param, const char *wanted,
                      Span at,
                      const char *got);                                                               // E0220
void problem_bounds(Problems *problems, Span at, const char *a, const char *b);                       // E0221
void problem_gather_bound(Problems *problems, Span at, const char *bound, const char *size);          // E0222
void problem_rank_limit(Problems *problems, Span at);                                                 // E0223
void problem_dim_value(Problems *problems, Span at, const char *found);                               // E0224
void problem_batch_weight(Problems *problems, Span at, Name name, const char *type);                  // E0225
void problem_first_value(Problems *problems, Span at, const char *wanted, const char *found);         // E0226
void problem_state_shape(Problems *problems, Span at, Name name, const char *has, const char *given); // E0227
void problem_update_shape(Problems *problems, Span at, Name name, const char *weight,
                          const char *given); // E0228
void problem_result_kind(Problems *problems, Span type, Name name, const char *wanted,
                         const char *kind);                                             // E0229
void problem_type_tensor(Problems *problems, Span at);                                  // E0230
void problem_many_subscripts(Problems *problems, Span at, const char *type, int count); // E0231
void problem_index_range(Problems *problems, Span at, const char *size);                // E0232
void problem_record_parts(Problems *problems, Span at);                                 // E0250
void problem_expand(Problems *problems, Span at, const char *from, const char *to);     // E0233
/* E0234. Types of two inputs that do not go together; `why`, and `help` that can be pasted, or NULL. */
void problem_inputs(Problems *problems, Span at, const char *name, const char *a, const char *b,
                    const char *why, const char *help);
void problem_axis_twice(Problems *problems, Span at, const char *name, const char *first,
                        const char *second);                                                       // E0209
void problem_pattern_text(Problems *problems, Span at, const char *why, const char *example);      // E0235
void problem_slice_length(Problems *problems, Span at);                                            // E0237
void problem_index_apart(Problems *problems, Span at);                                             // E0238
void problem_open_size(Problems *problems, Span at, const char *name, const char *type, int axis); // E0236

/* ---- values and conditions: E03xx (problems_values.c) ---- */
void problem_condition(Problems *problems, Span at, const char *type, const char *text); // E0301
void problem_int_float(Problems *problems, Span at, const char *op);                     // E0303
void problem_bool_number(Problems *problems, Span at, const char *op);                   // E0304
void problem_operand(Problems *problems, Span at, const char *op, const char *kind,
                     const char *wanted); // E0305
void problem_operands(Problems *problems, Span at, const char *op, const char *left,
                      const char *right);                                                  // E0305
void problem_operator_type(Problems *problems, Span at, const char *op, const char *type); // E0306
void problem_zero_division(Problems *problems, Span at);                                   // E0307
void problem_huge(Problems *problems, Span at);                                            // E0308
void problem_subscript(Problems *problems, Span at, const char *found);                    // E0309
void problem_slice_step(Problems *problems, Span at);                                      // E0310
void problem_not_indexed(Problems *problems, Span at, const char *kind);                   // E0311
void problem_not_iterable(Problems *problems, Span at, const char *kind);                  // E0312
void problem_too_many(Problems *problems, Span at, const char *things, int64_t limit);     // E0313
void problem_pattern(Problems *problems, Span at, int count, const char *kind);            // E0314
void problem_config_kind(Problems *problems, Span at, Name name, const char *declared,
                         const char *given); // E0315, exit code 2
void problem_builtin_argument(Problems *problems, Span at, const char *wanted, const char *found); // E0316
void problem_step_value(Problems *problems, Span at, const char *example);                         // E0317

/* ---- statements and tasks: E05xx and W06xx (problems_tasks.c) ---- */
/* E0501. `text` of what is minimized; `selection` should be changed by it. */
void problem_no_weights(Problems *problems, Span at, const char *text, Span selection);
void problem_misplaced(Problems *problems, Span at); // E0502
/* E0503. keep or stop watch a metric that is not there; `validates`: there are validation rows at all. */
void problem_watched(Problems *problems, Span at, const char *metric, const char *nearest, bool validates);
void problem_assign_new(Problems *problems, Span at, Name name, const char *nearest);      // E0504
void problem_unknown_setting(Problems *problems, Span at, Name name, const char *nearest); // E0505
/* E0506. `takes`: what the setting takes, with an example. */
void problem_setting_value(Problems *problems, Span at, const char *name, const char *takes);
void problem_measure_twice(Problems *problems, Span at, const char *name);            // E0507
void problem_scalar(Problems *problems, Span at, const char *what, const char *type); // E0508
void problem_yield(Problems *problems, Span at, const char *name, const char *type);  // E0509
void problem_save(Problems *problems, Span at);
void problem_save_columns(Problems *problems, Span at, Name name);           // E0540
void problem_save_picture(Problems *problems, Span at, const char *type);    // E0541
                                                                             // E0510
void problem_selection(Problems *problems, Span at, const char *kind);       // E0511
void problem_no_optimizer(Problems *problems, Span at);                      // E0512
void problem_optimizer_value(Problems *problems, Span at, const char *kind); // E0513
void problem_task_source(Problems *problems, Span at, const char *kind);     // E0514
void problem_empty_part(Problems *problems, Span at);                        // E0515
void problem_no_minimize(Problems *problems, Span at, Name name);            // E0516
/* E0412, exit code 3. A file given with --in lacks a column that the task reads. */
void problem_column_needed(Problems *problems, Span at, const char *name, const char *path);
void problem_every(Problems *problems, Span at, const char *found); // E0521
void problem_every_place(Problems *problems, Span at);              // E0522
/* E0523. What the weight `path` is, and what it is set to. */
void problem_set_value(Problems *problems, Span at, const char *path, const char *wanted, const char *found);
void problem_no_weights_yet(Problems *problems, Span at); // E0524
void problem_guarded_value(Problems *problems, Span at, Name name, const char *old,
                           const char *given);                         // E0525
void problem_let_early(Problems *problems, Span at, const char *path); // E0528
void problem_table_twice(Problems *problems, Span at, Name name);      // E0530
void problem_draw(Problems *problems, Span at);                        // E0531
/* E0532, exit code 3. row from 1; 0: the chances of all rows are 0. */
void problem_chance(Problems *problems, Span at, int64_t row, double chance);
void problem_search(Problems *problems, Span at);                                     // E0533
void problem_plateau_place(Problems *problems, Span at);                              // E0534
void problem_sweep_name(Problems *problems, Span at, Name name, const char *nearest); // E0535
void problem_sweep_base(Problems *problems, Span at, const char *nearest);            // E0536
void problem_expect_value(Problems *problems, Span at, const char *found);            // E0526
/* E0527. What was compared, as text; right NULL: there was no comparison. */
void problem_expectation(Problems *problems, Span at, const char *left, const char *right);
/* E0911, exit code 2. `any`: there are tests at all. */
void problem_unknown_test(Problems *problems, const char *name, const char *nearest, bool any);
void problem_bent_metric(Problems *problems, Span at, const char *function); // W0603
/* E0520. No minimize of any train block depends on the weight `path`, declared at `param`. */
void problem_never_trained(Problems *problems, Span model, const char *path, Span param);
/* E0519. With `rows` rows, the longest of `longest` values (0: all are alike), a slice or another size of the program
 * is impossible. */
void problem_rows_misfit(Problems *problems, Span at, int64_t rows, int64_t longest, const char *why);
/* E0517, exit code 4. A number of step `step` is not finite; it came up first in an op of a layer, or NULL. */
void problem_not_a_number(Problems *problems, Span at, const char *task, int64_t step, const char *op,
                          const char *layer);
void problem_constant_column(Problems *problems, Span at, Name field, int index); // W0602
void problem_unused(Problems *problems, Span at);                                 // E0518

/* ---- Lua hooks: E08xx (problems_hooks.c) ---- */
/* E0801, exit code 4. `what` of the script failed: "before_step". */
void problem_hook(Problems *problems, Span at, const char *what, const char *path, const char *message);
/* E0802, exit code 4. More than `limit` rewinds. */
void problem_rewinds(Problems *problems, Span at, const char *task, int limit);
void problem_hook_table(Problems *problems, Span at, const char *path, const char *kind); // E0803
/* E0803. `kind`: what stands under the name of a hook, where it is no function; else NULL. */
void problem_hook_name(Problems *problems, Span at, const char *path, const char *name, const char *nearest,
                       const char *kind);
void problem_hook_missing(Problems *problems, Span at, const char *path, const char *name); // E0803
void problem_hook_config(Problems *problems, Span at, const char *path, const char *what);  // E0804
void problem_hook_state(Problems *problems, Span at, const char *name, Span declared);      // W0801

/* ---- the command line: E09xx (problems_command.c), exit code 2 unless said otherwise ---- */
/* E0901. `kind` of word: "command", "flag", "code", "stage" or "data". */
void problem_unknown_word(Problems *problems, const char *kind, const char *word, const char *nearest);
void problem_flag_value(Problems *problems, const char *flag, const char *value);      // E0902
void problem_usage(Problems *problems, const char *command, const char *usage);        // E0903
void problem_no_weights_file(Problems *problems, const char *file);                    // E0904, exit code 3
void problem_unknown_model(Problems *problems, const char *name, const char *nearest); // E0905
void problem_unknown_task(Problems *problems, const char *name, const char *nearest);  // E0906
void problem_nothing_to_do(Problems *problems, const char *word, const char *file);    // E0907: no such block
/* E0910. No task calls the model, so the shapes of its weights are not known. */
void problem_model_unused(Problems *problems, const char *model);
void problem_transfer(Problems *problems, Span at, const char *example); // E0908, exit code 1

/* ---- scans, maps, branches, gradients (problems_control.c) ---- */
void problem_carry_type(Problems *problems, Span at, Span first, Name name, const char *want,
                        const char *found,
                        bool grows);                                                                // E0207
void problem_carry_kind(Problems *problems, Span at, Name name, const char *kind);                  // E0260
void problem_loop_axis(Problems *problems, Span at, Name name, const char *type, const char *axis); // E0261
void problem_loop_lengths(Problems *problems, Span at, Name name, const char *type,
                          const char *length);                                           // E0262
void problem_yield_while(Problems *problems, Span at, Span condition);                   // E0263
void problem_yield_twice(Problems *problems, Span at, Span first);                       // E0264
void problem_yield_kind(Problems *problems, Span at, const char *kind);                  // E0265
void problem_loop_nothing(Problems *problems, Span at);                                  // E0266
void problem_arms(Problems *problems, Span at, const char *then, const char *otherwise); // E0267
void problem_body_state(Problems *problems, Span at, const char *path);                  // E0268
void problem_grad_scalar(Problems *problems, Span at, const char *type, const char *y,
                         const char *x);                                              // E0302
void problem_grad_nothing(Problems *problems, Span at, const char *y, const char *x); // E0269
void problem_grad_by(Problems *problems, Span at, const char *kind);                  // E0270

/* ---- runs that go on (problems_runs.c); exit code 3 ---- */
void problem_nothing_to_resume(Problems *problems, const char *file,
                               const char *task);                  // E0709; task may be NULL
void problem_run_finished(Problems *problems, const char *folder); // E0709
/* E0710. `what` (a setting, or a line of a file) was `then` and is `now`, NULL where it was not given. */
void problem_run_changed(Problems *problems, const char *what, const char *then, const char *now,
                         const char *path, bool setting);
void problem_run_data(Problems *problems, const char *path); // E0710: what was learned from it
void problem_no_checkpoint(Problems *problems, const char *folder, int tried);          // E0711
void problem_no_run(Problems *problems, const char *folder);                            // E0712
void problem_checkpoint_skipped(Problems *problems, const char *path, const char *why); // W0701

#endif
