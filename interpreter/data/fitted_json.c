/* Fitted statistics as JSON, and back.
 *
 * {"kind": "category", "table": …, "field": …, "number": 0, "classes": ["C", "Q", "unknown"], "counts": […],
 * "missing": true}: numbers stand as numbers among the classes, `missing` says that the last class is that of
 * missing values. chars and words are the same with "first": the first class that is a character or word; before it
 * stand <pad>, <start>, <end>. {"kind": "standardize", "center": […], "spread": […]}, {"kind": "fill", "value": 28}. Reading
 * believes nothing: counts agree, numbers are finite, spreads are above 0, classes are in order. */
#include "interpreter/data/csv_number.h"
#include "interpreter/data/fitted.h"
#include "interpreter/data/problems_data.h"

#include <math.h>
#include <string.h>

#define COUNT_LIMIT (1 << 24)

static const char *const KIND[] = {
    [FITTED_STANDARDIZE] = "standardize",
    [FITTED_FILL] = "fill",
    [FITTED_CATEGORY] = "category",
    [FITTED_CHARS] = "chars",
    [FITTED_WORDS] = "words",
};
#define KINDS (int)(sizeof KIND / sizeof KIND[0])

static cJSON *classes_json(const Fitted *fitted) {
  cJSON *list = cJSON_CreateArray();
  for (int i = 0; i < fitted->classes; i++) {
    bool number = fitted->numeric && i != fitted->missing_class;
    cJSON_AddItemToArray(list, number ? cJSON_CreateNumber(fitted->class_number[i])
                                      : cJSON_CreateString(fitted->class_text[i]));
  }
  return list;
}

static cJSON *counts_json(const Fitted *fitted) {
  cJSON *list = cJSON_CreateArray();
  for (int i = 0; i < fitted->classes; i++)
    cJSON_AddItemToArray(list, cJSON_CreateNumber((double)fitted->class_count[i]));
  return list;
}

cJSON *fitted_to_json(const Fitted *fitted) {
  cJSON *json = cJSON_CreateObject();
  cJSON_AddStringToObject(json, "kind", KIND[fitted->kind]);
  cJSON_AddStringToObject(json, "table", fitted->table ? fitted->table : "");
  cJSON_AddStringToObject(json, "field", fitted->field ? fitted->field : "");
  cJSON_AddNumberToObject(json, "number", fitted->number);
  if (fitted->kind == FITTED_STANDARDIZE) {
    cJSON_AddItemToObject(json, "center", cJSON_CreateDoubleArray(fitted->center, fitted->count));
    cJSON_AddItemToObject(json, "spread", cJSON_CreateDoubleArray(fitted->spread, fitted->count));
  } else if (fitted->kind == FITTED_FILL) {
    cJSON_AddNumberToObject(json, "value", fitted->value);
  } else {
    cJSON_AddItemToObject(json, "classes", classes_json(fitted));
    cJSON_AddItemToObject(json, "counts", counts_json(fitted));
    cJSON_AddBoolToObject(json, "missing", fitted->missing_class >= 0);
    if (fitted_is_text(fitted)) cJSON_AddNumberToObject(json, "first", fitted->first_class);
  }
  return json;
}

static bool number_read(const cJSON *item, double *number) {
  if (!cJSON_IsNumber(item) || !isfinite(item->valuedouble)) return false;
  *number = item->valuedouble;
  return true;
}

static int list_count(const cJSON *list) {
  int count = 0;
  const cJSON *item;
  if (!cJSON_IsArray(list)) return -1;
  cJSON_ArrayForEach(item, list) if (count++ == COUNT_LIMIT) return -1;
  return count;
}

/* NULL if one of them is no finite number. */
static double *numbers_read(Arena *arena, const cJSON *list, int count) {
  double *number = ARENA_ARRAY(arena, double, count + 1);
  const cJSON *item;
  int i = 0;
  cJSON_ArrayForEach(item, list) if (!number_read(item, &number[i++])) return NULL;
  return number;
}

/* Each of these returns what is wrong, NULL if nothing is. */
static const char *standardize_read(Arena *arena, const cJSON *json, Fitted *fitted) {
  const cJSON *center = cJSON_GetObjectItemCaseSensitive(json, "center");
  const cJSON *spread = cJSON_GetObjectItemCaseSensitive(json, "spread");
  fitted->count = list_count(center);
  if (fitted->count < 1 || list_count(spread) != fitted->count)
    return "\"center\" and \"spread\" are not lists of one length";
  fitted->center = numbers_read(arena, center, fitted->count);
  fitted->spread = numbers_read(arena, spread, fitted->count);
  if (!fitted->center || !fitted->spread)
    return "\"center\" or \"spread\" holds something that is no finite number";
  for (int i = 0; i < fitted->count; i++)
    if (fitted->spread[i] <= 0) return "a \"spread\" is not above 0";
  return NULL;
}

static const char *fill_read(Arena *arena, const cJSON *json, Fitted *fitted) {
  (void)arena;
  return number_read(cJSON_GetObjectItemCaseSensitive(json, "value"), &fitted->value)
             ? NULL
             : "\"value\" is no finite number";
}

static bool class_read(Arena *arena, const cJSON *item, Fitted *fitted, int index) {
  double number = NAN;
  char text[CSV_NUMBER_BYTES];
  if (fitted->numeric && index != fitted->missing_class) {
    if (!number_read(item, &number)) return false;
    fitted->class_text[index] = arena_copy(arena, text, csv_number_print(text, number));
  } else {
    if (!cJSON_IsString(item) || !item->valuestring) return false;
    fitted->class_text[index] = arena_copy(arena, item->valuestring, strlen(item->valuestring));
  }
  if (fitted->numeric) fitted->class_number[index] = number;
  return true;
}

/* Whether the classes with a value of their own are in order, so each is there once. */
static bool classes_ordered(const Fitted *fitted) {
  int end = fitted->missing_class >= 0 ? fitted->missing_class : fitted->classes;
  for (int i = fitted->first_class + 1; i < end; i++) {
    bool rises = fitted->numeric ? fitted->class_number[i - 1] < fitted->class_number[i]
                                 : strcmp(fitted->class_text[i - 1], fitted->class_text[i]) < 0;
    if (!rises) return false;
  }
  return true;
}

static const char *counts_read(Arena *arena, const cJSON *counts, Fitted *fitted) {
  double *number = numbers_read(arena, counts, fitted->classes);
  if (!number) return "\"counts\" holds something that is no number";
  fitted->class_count = ARENA_ARRAY(arena, int64_t, fitted->classes + 1);
  for (int i = 0; i < fitted->classes; i++) {
    if (number[i] < 0 || number[i] > 0x1p53 || number[i] != floor(number[i]))
      return "a count is no number of rows";
    fitted->class_count[i] = (int64_t)number[i];
  }
  return NULL;
}

/* Where the classes begin that have a value: behind <pad>, or <pad>, <start> and <end>. */
static const char *first_read(const cJSON *json, Fitted *fitted) {
  double number = 0;
  const cJSON *first = cJSON_GetObjectItemCaseSensitive(json, "first");
  if (!fitted_is_text(fitted)) return NULL;
  bool good = number_read(first, &number) && (number == 0 || number == 1 || number == 3);
  if (!good || number + (fitted->missing_class >= 0) > fitted->classes || fitted->numeric)
    return "\"first\" is no place among the classes";
  fitted->first_class = (int)number;
  return NULL;
}

static const char *category_read(Arena *arena, const cJSON *json, Fitted *fitted) {
  const cJSON *classes = cJSON_GetObjectItemCaseSensitive(json, "classes");
  const cJSON *counts = cJSON_GetObjectItemCaseSensitive(json, "counts");
  const cJSON *missing = cJSON_GetObjectItemCaseSensitive(json, "missing");
  fitted->classes = list_count(classes);
  if (fitted->classes < 0 || list_count(counts) != fitted->classes)
    return "\"classes\" and \"counts\" are not lists of one length";
  if (missing && !cJSON_IsBool(missing)) return "\"missing\" is neither true nor false";
  if (cJSON_IsTrue(missing)) fitted->missing_class = fitted->classes - 1;
  if (cJSON_IsTrue(missing) && fitted->classes == 0) return "\"classes\" lacks the one of missing values";
  fitted->numeric = fitted->classes > 0 && cJSON_IsNumber(classes->child);
  const char *wrong = first_read(json, fitted);
  if (wrong) return wrong;
  fitted->class_text = ARENA_ARRAY(arena, const char *, fitted->classes + 1);
  if (fitted->numeric) fitted->class_number = ARENA_ARRAY(arena, double, fitted->classes + 1);
  const cJSON *item;
  int i = 0;
  cJSON_ArrayForEach(
      item, classes) if (!class_read(arena, item, fitted,
                                     i++)) return "\"classes\" are neither all texts nor all numbers";
  if (!classes_ordered(fitted)) return "\"classes\" are not in order";
  return counts_read(arena, counts, fitted);
}

static Name name_read(const cJSON *json, const char *key) {
  const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, key);
  return cJSON_IsString(item) && item->valuestring ? name_of(item->valuestring) : name_of("");
}

static const char *fitted_read(Arena *arena, const cJSON *json, Fitted *fitted) {
  static const char *(*const READ[])(Arena *, const cJSON *, Fitted *) = {
      [FITTED_STANDARDIZE] = standardize_read, [FITTED_FILL] = fill_read,
      [FITTED_CATEGORY] = category_read,       [FITTED_CHARS] = category_read,
      [FITTED_WORDS] = category_read,
  };
  double number = 0;
  const cJSON *order = cJSON_GetObjectItemCaseSensitive(json, "number");
  if (order &&
      (!number_read(order, &number) || number < 0 || number > COUNT_LIMIT || number != floor(number)))
    return "\"number\" is no place among the steps of the field";
  fitted->number = (int)number;
  const cJSON *kind = cJSON_GetObjectItemCaseSensitive(json, "kind");
  for (int i = 0; i < KINDS; i++)
    if (cJSON_IsString(kind) && strcmp(kind->valuestring, KIND[i]) == 0) {
      fitted->kind = (FittedKind)i;
      return READ[i](arena, json, fitted);
    }
  return "\"kind\" is none of standardize, fill, category, chars, words";
}

Fitted *fitted_from_json(Arena *arena, Problems *problems, const cJSON *json) {
  Fitted *fitted = ARENA_NEW(arena, Fitted);
  fitted->missing_class = -1;
  fitted->table = name_read(json, "table");
  fitted->field = name_read(json, "field");
  const char *wrong = fitted_read(arena, json, fitted);
  if (!wrong) return fitted;
  problem_fitted_damaged(problems, fitted->table, fitted->field, wrong);
  return NULL;
}
