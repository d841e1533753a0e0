/* export, and the weights that eval, predict and export use. */
#include "interpreter/commands/command.h"
#include "interpreter/formats/runs.h"
#include "lang/format.h"
#include "lang/problems.h"

#include <string.h>

static const char *program_name(Invocation *call) {
  const char *slash = strrchr(call->file, '/'), *start = slash ? slash + 1 : call->file,
             *dot = strrchr(start, '.');
  return arena_copy(call->arena, start, dot && dot > start ? (size_t)(dot - start) : strlen(start));
}

bool find_weights(Invocation *call) {
  if (!call->options.weights)
    call->options.weights =
        run_newest(call->arena, call->options.out ? call->options.out : ".", program_name(call), NULL);
  if (call->options.weights) return true;
  problem_no_weights_file(call->problems, call->file);
  return false;
}

bool use_weights(Invocation *call, Session *session) {
  if (!strcmp(call->options.weights, "init")) {
    report_line(call->report, "weights", "as they start");
    return true;
  }
  if (!session_load(session, call->options.weights, (Span){0}, NULL, false)) return false;
  session->weights_from = call->options.weights;
  report_line(call->report, "weights", "%s", call->options.weights);
  return true;
}

static cJSON *signature(const Ast *model, bool inputs) {
  cJSON *list = cJSON_CreateArray();
  if (!model || !model->u.function.params_given) return list;
  for (int i = 0; inputs && i < model->u.function.params.count; i++) {
    const Ast *param = model->u.function.params.item[i];
    Text text = {0};
    if (param->u.binding.type) ast_write(param->u.binding.type, &text);
    cJSON *item = cJSON_CreateObject();
    cJSON_AddStringToObject(item, "name", param->u.binding.name);
    cJSON_AddStringToObject(item, "type", text_string(&text));
    cJSON_AddItemToArray(list, item);
    text_free(&text);
  }
  if (!inputs && model->u.function.result) {
    Text text = {0};
    ast_write(model->u.function.result, &text);
    cJSON_AddItemToArray(list, cJSON_CreateString(text_string(&text)));
    text_free(&text);
  }
  return list;
}

bool write_model(Session *session, const char *model, const char *path, bool base64) {
  Elaborator *e = session->program;
  Binding *binding = scope_find(e->file, name_of(model));
  const Ast *ast = binding ? binding->declaration : NULL;
  size_t length = strlen(path);
  bool safetensors = length > 12 && !strcmp(path + length - 12, ".safetensors");
  Bundle *bundle = session_bundle(session, session->arena, model);
  if (bundle->tensors == 0) {
    problem_model_unused(session->problems, model);
    bundle_free(bundle);
    return false;
  }
  bundle->inputs = signature(ast, true);
  bundle->outputs = signature(ast, false);
  bool ok = safetensors ? bundle_save_safetensors(bundle, session->problems, path)
                        : bundle_save_json(bundle, session->problems, path, model, base64);
  bundle_free(bundle);
  if (ok) report_saved(session->report, path);
  return ok;
}

int command_export(Invocation *call) {
  if (call->words != 1 || !call->to) {
    problem_usage(call->problems, "export", "FILE MODEL --to x.json");
    return 2;
  }
  if (!find_weights(call)) return failed(call);
  Session *session =
      session_open(call->arena, call->problems, &call->options, call->report, call->file, ALL_KINDS, NULL, 0);
  if (!session || !session_start(session) || !use_weights(call, session)) {
    session_close(session);
    return failed(call);
  }
  Elaborator *e = session->program;
  const char **known = ARENA_ARRAY(call->arena, const char *, e->declaration->count + 1);
  int count = 0;
  bool found = false;
  for (int i = 0; i < e->declaration->count; i++)
    if (e->declaration->item[i]->kind == AST_MODEL) {
      known[count++] = e->declaration->item[i]->u.function.name;
      found = found || !strcmp(known[count - 1], call->word[0]);
    }
  int code = 0;
  if (!found) {
    problem_unknown_model(call->problems, call->word[0], name_nearest(call->word[0], known, count));
    code = 2;
  } else if (!write_model(session, call->word[0], call->to, call->base64))
    code = failed(call);
  session_close(session);
  return code;
}
