/* A table from a file with a JSON object a line.
 *
 * Keys are columns, in the order they are first met; a key that a line lacks, and null, is a missing value. A column
 * of numbers (or of true and false, as 1 and 0) is one of numbers; lists of numbers are rows of different lengths;
 * everything else is text: strings as they are, other values as their JSON. */
#include "interpreter/data/csv_number.h"
#include "interpreter/data/problems_data.h"
#include "interpreter/data/table.h"
#include "interpreter/data/text_file.h"
#include "interpreter/formats/json_document.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <string.h>

#define FILE_LIMIT ((size_t)1 << 36) // bytes
#define KEYS_LIMIT 4096

typedef enum { ITEM_NONE, ITEM_NUMBER, ITEM_LIST, ITEM_TEXT, ITEM_KINDS } ItemKind;

/* A value as it was met. */
typedef struct {
  ItemKind kind;
  double number;       // NUMBER
  Cell text;           // TEXT; of the others: as JSON writes them
  const double *value; // LIST: text.length of them
} Item;

typedef struct {
  const char *key;
  Item *item; // one a row so far
  size_t capacity;
  int64_t count[ITEM_KINDS];
} Key;

typedef struct {
  Arena *arena;
  Key *key;
  int keys;
  size_t key_capacity;
  int64_t rows;
} Reader;

static bool is_number(const cJSON *item) { return cJSON_IsNumber(item) || cJSON_IsBool(item); }
static double number_of(const cJSON *item) {
  return cJSON_IsBool(item) ? cJSON_IsTrue(item) : item->valuedouble;
}

/* Whether it is a list of numbers; how many. */
static bool is_list(const cJSON *item, int64_t *count) {
  *count = 0;
  if (!cJSON_IsArray(item)) return false;
  for (const cJSON *one = item->child; one; one = one->next, ++*count)
    if (!cJSON_IsNumber(one)) return false;
  return true;
}

static Cell json_text(Arena *arena, const cJSON *value) {
  if (cJSON_IsString(value)) {
    size_t length = strlen(value->valuestring);
    return (Cell){arena_copy(arena, value->valuestring, length), (uint32_t)length};
  }
  char *printed = cJSON_PrintUnformatted(value); // NULL where there is no memory
  const char *text = printed ? printed : "";
  size_t length = strlen(text);
  Cell cell = {arena_copy(arena, text, length), (uint32_t)length};
  cJSON_free(printed);
  return cell;
}

static Item item_of(Arena *arena, const cJSON *value) {
  int64_t count;
  if (cJSON_IsNull(value)) return (Item){0};
  if (is_list(value, &count)) {
    double *number = ARENA_ARRAY(arena, double, count + 1);
    const cJSON *one = value->child;
    for (int64_t i = 0; i < count; i++, one = one->next) number[i] = one->valuedouble;
    return (Item){.kind = ITEM_LIST, .value = number, .text = {NULL, (uint32_t)count}};
  }
  if (is_number(value)) return (Item){.kind = ITEM_NUMBER, .number = number_of(value)};
  return (Item){.kind = ITEM_TEXT, .text = json_text(arena, value)};
}

/* The key of that name, most often the one after the last; a new one where there is none. NULL past the limit. */
static Key *key_of(Reader *reader, const char *name, int expected) {
  for (int i = 0; i < reader->keys; i++) {
    Key *key = &reader->key[(i + expected) % reader->keys];
    if (!strcmp(key->key, name)) return key;
  }
  if (reader->keys == KEYS_LIMIT) return NULL;
  reader->key =
      arena_grow(reader->arena, reader->key, (size_t)reader->keys, &reader->key_capacity, sizeof(Key));
  Key *key = &reader->key[reader->keys++];
  *key = (Key){.key = arena_copy(reader->arena, name, strlen(name))};
  return key;
}

/* Room for one more row of the key; the new part is zeroed: no value. */
static void key_grow(Key *key, int64_t row) {
  if ((size_t)row < key->capacity) return;
  size_t capacity = key->capacity ? 2 * key->capacity : 64;
  while (capacity <= (size_t)row) capacity *= 2;
  key->item = memory_resize(key->item, key->capacity * sizeof(Item), capacity * sizeof(Item));
  key->capacity = capacity;
}

static bool row_take(Reader *reader, const cJSON *object) {
  int place = 0;
  for (const cJSON *value = object->child; value; value = value->next, place++) {
    Key *key = key_of(reader, value->string, place);
    if (!key) return false;
    key_grow(key, reader->rows);
    key->item[reader->rows] = item_of(reader->arena, value);
    key->count[key->item[reader->rows].kind]++;
  }
  reader->rows++;
  return true;
}

static bool is_blank(const char *at, const char *end) {
  while (at < end && (*at == ' ' || *at == '\t')) at++;
  return at == end;
}

static bool lines_take(Reader *reader, Problems *problems, Span span, const char *path, char *text,
                       size_t length) {
  int64_t line = 1;
  for (char *at = text, *end = text + length; at < end; line++) {
    char *stop = at;
    while (stop < end && *stop != '\n' && *stop != '\r') stop++;
    bool pair = stop < end && *stop == '\r' && stop[1] == '\n';
    *stop = 0;
    if (!is_blank(at, stop)) {
      Arena *scratch = arena_new(0);
      JsonDocument document;
      JsonFault fault;
      bool read = json_document_read(scratch, at, (size_t)(stop - at), false, &document, &fault), room = true;
      if (read) {
        room = row_take(reader, document.root);
        cJSON_Delete(document.root);
      }
      arena_free(scratch);
      if (!read) problem_data_damaged(problems, span, path, DATA_JSON, line);
      if (!room) problem_data_limit(problems, span, path, DATA_LIMIT_KEYS, line);
      if (!read || !room) return false;
    }
    at = stop + (pair ? 2 : 1);
  }
  if (reader->rows == 0) problem_data_damaged(problems, span, path, DATA_EMPTY, 0);
  return reader->rows > 0;
}

static void numbers_keep(const Reader *reader, Key *key, Column *column) {
  double *number = memory_alloc((size_t)reader->rows, sizeof *number);
  for (int64_t i = 0; i < reader->rows; i++)
    number[i] = key->item[i].kind == ITEM_NONE ? NAN : key->item[i].number;
  column->values = number;
}

static void lists_keep(const Reader *reader, Key *key, Column *column) {
  column->rank = 1;
  column->start = ARENA_ARRAY(reader->arena, int64_t, reader->rows + 1);
  for (int64_t i = 0; i < reader->rows; i++)
    column->start[i + 1] = column->start[i] + key->item[i].text.length;
  double *number = memory_alloc((size_t)column->start[reader->rows] + 1, sizeof *number);
  for (int64_t i = 0; i < reader->rows; i++)
    if (key->item[i].text.length)
      memcpy(number + column->start[i], key->item[i].value, sizeof *number * key->item[i].text.length);
  column->values = number;
}

/* Numbers and lists among texts are written out again. */
static Cell item_text(Arena *arena, const Item *item) {
  if (item->kind == ITEM_TEXT) return item->text;
  Text out = {0};
  char number[CSV_NUMBER_BYTES];
  if (item->kind == ITEM_LIST) text_add(&out, "[");
  for (uint32_t i = 0; i < (item->kind == ITEM_LIST ? item->text.length : 1); i++) {
    csv_number_print(number, item->kind == ITEM_LIST ? item->value[i] : item->number);
    text_printf(&out, "%s%s", i ? "," : "", number);
  }
  if (item->kind == ITEM_LIST) text_add(&out, "]");
  Cell cell = {arena_copy(arena, text_string(&out), out.length), (uint32_t)out.length};
  text_free(&out);
  return cell;
}

static void texts_keep(const Reader *reader, Key *key, Column *column) {
  Cell *cell = memory_alloc((size_t)reader->rows, sizeof *cell);
  for (int64_t i = 0; i < reader->rows; i++) {
    const Item *item = &key->item[i];
    if (item->kind == ITEM_NONE) continue;
    cell[i] = item_text(reader->arena, item);
    if (item->kind == ITEM_TEXT && column->odd++ < 3) column->odd_row[column->odd - 1] = i + 1;
  }
  column->text = true;
  column->values = cell;
}

static void column_keep_key(const Reader *reader, Key *key, Column *column) {
  int64_t present = key->count[ITEM_NUMBER] + key->count[ITEM_LIST] + key->count[ITEM_TEXT];
  if (key->capacity < (size_t)reader->rows) key_grow(key, reader->rows - 1);
  if (present == key->count[ITEM_NUMBER])
    numbers_keep(reader, key, column);
  else if (present == key->count[ITEM_LIST])
    lists_keep(reader, key, column);
  else
    texts_keep(reader, key, column);
  if (column->start) return; // no list is an empty list
  for (int64_t i = 0; i < reader->rows; i++)
    if (key->item[i].kind == ITEM_NONE && column->missing++ < 3)
      column->missing_row[column->missing - 1] = i + 1;
}

static bool columns_keep(const Reader *reader, Problems *problems, Table *table) {
  table->columns = reader->keys;
  table->column = ARENA_ARRAY(reader->arena, Column, reader->keys + 1);
  for (int i = 0; i < reader->keys; i++) {
    Column *column = &table->column[i];
    *column = (Column){.title = reader->key[i].key, .dtype = DTYPE_F64};
    column->name = column_name_from_title(reader->arena, column->title, i);
    for (int k = 0; k < i; k++)
      if (table->column[k].name == column->name) {
        problem_csv_name_twice(problems, table->span, table->path, table->column, k, i);
        return false;
      }
    column_keep_key(reader, &reader->key[i], column);
  }
  return true;
}

Table *table_open_jsonl(Arena *arena, Problems *problems, Span span, const char *path) {
  size_t length;
  char *text, *memory = text_file_read(problems, span, path, FILE_LIMIT, &text, &length);
  if (!memory) return NULL;
  Reader reader = {.arena = arena};
  Table *table = ARENA_NEW(arena, Table);
  *table = (Table){.arena = arena, .kind = "jsonl", .span = span, .loaded = true};
  table->path = arena_copy(arena, path, strlen(path));
  bool good = lines_take(&reader, problems, span, path, text, length);
  memory_free(memory);
  table->rows = reader.rows;
  good = good && columns_keep(&reader, problems, table);
  for (int i = 0; i < reader.keys; i++) memory_free(reader.key[i].item);
  if (!good) return table_close(table), NULL;
  table_parts_start(table);
  return table;
}
