/* The different values of a column.
 *
 * In goes a list of rows, out come the values in order with how often each stands there. A hash table with open
 * addressing finds equal values; only the different ones are sorted. A number is hashed by its eight bytes. */
#include "interpreter/data/distinct.h"

#include "base/random.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS_FIRST 64

typedef struct {
  double number;                     // of a number column
  Cell cell;                         // of a text column
  int64_t row, times, number_before; // number_before: in the order of meeting
  uint64_t hash;
} Value;

typedef struct {
  Value *value;
  size_t count, capacity;
  int64_t *slot; // number of a value + 1; 0: free
  size_t slots;  // a power of two, more than twice `count`
} Values;

double column_number(const Column *column, int64_t row) {
  if (column->dtype == DTYPE_U8) return (double)((const uint8_t *)column->values)[row];
  assert(column->dtype == DTYPE_F64 && !column->text);
  return ((const double *)column->values)[row];
}

int cell_compare(const Cell *a, const Cell *b) {
  uint32_t shorter = a->length < b->length ? a->length : b->length;
  int order = memcmp(a->bytes, b->bytes, shorter);
  return order ? order : (a->length > b->length) - (a->length < b->length);
}

static uint64_t bytes_hash(const char *bytes, size_t length) {
  uint64_t hash = length;
  for (size_t i = 0; i < length; i += 8) {
    uint64_t eight = 0;
    memcpy(&eight, bytes + i, length - i < 8 ? length - i : 8);
    hash = random_mix(hash ^ eight);
  }
  return hash;
}

static bool value_read(const Column *column, int64_t row, Value *value) {
  *value = (Value){.row = row, .times = 1};
  if (column_is_missing(column, row)) return false;
  if (column->text) {
    value->cell = ((const Cell *)column->values)[row];
    value->hash = bytes_hash(value->cell.bytes, value->cell.length);
  } else {
    value->number = column_number(column, row) + 0.0; // -0 becomes 0
    value->hash = bytes_hash((const char *)&value->number, sizeof value->number);
  }
  return true;
}

static bool value_same(bool text, const Value *a, const Value *b) {
  if (a->hash != b->hash) return false;
  return text ? cell_compare(&a->cell, &b->cell) == 0 : a->number == b->number;
}

static void slots_double(Values *values) {
  size_t slots = values->slots ? values->slots * 2 : SLOTS_FIRST;
  memory_free(values->slot);
  values->slot = memory_alloc(slots, sizeof *values->slot);
  values->slots = slots;
  for (size_t i = 0; i < values->count; i++) {
    size_t at = values->value[i].hash & (slots - 1);
    while (values->slot[at]) at = (at + 1) & (slots - 1);
    values->slot[at] = (int64_t)i + 1;
  }
}

static int64_t value_add(Values *values, bool text, const Value *value) {
  if (values->count * 2 >= values->slots) slots_double(values);
  size_t at = value->hash & (values->slots - 1);
  for (; values->slot[at]; at = (at + 1) & (values->slots - 1)) {
    Value *there = &values->value[values->slot[at] - 1];
    if (!value_same(text, there, value)) continue;
    there->times++;
    return values->slot[at] - 1;
  }
  if (values->count == values->capacity) {
    size_t capacity = values->capacity ? values->capacity * 2 : SLOTS_FIRST;
    values->value = memory_resize(values->value, values->capacity * sizeof *value, capacity * sizeof *value);
    values->capacity = capacity;
  }
  values->value[values->count] = *value;
  values->value[values->count].number_before = (int64_t)values->count;
  values->slot[at] = (int64_t)++values->count;
  return (int64_t)values->count - 1;
}

static int number_order(const void *a, const void *b) {
  double x = ((const Value *)a)->number, y = ((const Value *)b)->number;
  return (x > y) - (x < y);
}

static int text_order(const void *a, const void *b) {
  return cell_compare(&((const Value *)a)->cell, &((const Value *)b)->cell);
}

/* Brings the values in order and the numbers in `of` with them. */
static void distinct_sort(Distinct *distinct, Values *values, bool text, int64_t rows) {
  if (values->count) qsort(values->value, values->count, sizeof(Value), text ? text_order : number_order);
  distinct->count = (int64_t)values->count;
  distinct->row = memory_alloc(values->count, sizeof(int64_t));
  distinct->times = memory_alloc(values->count, sizeof(int64_t));
  int64_t *place = memory_alloc(values->count, sizeof *place);
  for (size_t i = 0; i < values->count; i++) {
    distinct->row[i] = values->value[i].row;
    distinct->times[i] = values->value[i].times;
    place[values->value[i].number_before] = (int64_t)i;
  }
  for (int64_t i = 0; i < rows; i++)
    if (distinct->of[i] >= 0) distinct->of[i] = place[distinct->of[i]];
  memory_free(place);
}

Distinct distinct_of(const Column *column, const int64_t *row, int64_t count) {
  Distinct distinct = {.of = memory_alloc((size_t)count, sizeof(int64_t))};
  Values values = {0};
  for (int64_t i = 0; i < count; i++) {
    Value value;
    if (value_read(column, row[i], &value)) {
      distinct.of[i] = value_add(&values, column->text, &value);
      continue;
    }
    distinct.of[i] = -1;
    if (distinct.missing < 3) distinct.missing_row[distinct.missing] = row[i] + 1;
    distinct.missing++;
  }
  distinct_sort(&distinct, &values, column->text, count);
  memory_free(values.value);
  memory_free(values.slot);
  return distinct;
}

void distinct_free(Distinct *distinct) {
  memory_free(distinct->row);
  memory_free(distinct->times);
  memory_free(distinct->of);
  *distinct = (Distinct){0};
}
