/* Values of a field for many rows, computed while a program is elaborated.
 *
 * The cone of a node is copied into a graph of its own and run in chunks of rows: one plan for the full chunks, one
 * for the last. Only columns that the graph reads are gathered; rows of different lengths are filled up to the
 * longest of the table. */
#include "interpreter/elaborate/dataset.h"
#include "interpreter/elaborate/transplant.h"

#include <string.h>

#define CHUNK 4096 // rows

typedef struct {
  Dataset *data;
  Arena *arena;
  Graph *graph;
  DimBinding *binding;
  int bindings;
  bool *read; // by leaf
  int64_t *width;
  void **before; // by leaf: memory of a runner, which gets it back
} Rows;

/* Puts numbers in place of the symbols of the data set's graphs. */
static void rows_bind(Rows *rows, const Elaborator *e, int64_t count) {
  const Dataset *data = rows->data;
  int at = 0;
  rows->binding[at++] = (DimBinding){e->batch, dim_of(count)};
  if (data->row_dim) rows->binding[at++] = (DimBinding){data->row_dim, dim_of(count)};
  for (int i = 0; i < data->pads; i++)
    rows->binding[at++] = (DimBinding){data->pad[i]->symbol, dim_of(data->pad[i]->longest)};
  rows->bindings = at;
}

/* Finds the columns that the graph reads and gives them memory for a chunk. */
static void rows_leaves(Rows *rows) {
  Dataset *data = rows->data;
  rows->read = ARENA_ARRAY(rows->arena, bool, data->leaves + 1);
  rows->width = ARENA_ARRAY(rows->arena, int64_t, data->leaves + 1);
  rows->before = ARENA_ARRAY(rows->arena, void *, data->leaves + 1);
  for (int i = 0; i < data->leaves; i++) rows->before[i] = data->leaf[i].variable->data;
  for (int i = 0; i < data->leaves; i++) {
    const Column *column = data->leaf[i].column;
    for (int k = 0; k < rows->graph->nodes && !rows->read[i]; k++)
      rows->read[i] = rows->graph->node[k]->op == OP_READ &&
                      rows->graph->node[k]->attr.variable == data->leaf[i].variable;
    if (!rows->read[i]) continue;
    rows->width[i] = column_elements(column);
    for (int k = 0; k < data->pads; k++)
      if (data->pad[k]->ids == column) rows->width[i] = data->pad[k]->longest;
    data->leaf[i].variable->data =
        arena_alloc(rows->arena, (size_t)(CHUNK * rows->width[i]) + 64, dtype_size(column->dtype));
    rows->read[i] =
        column->values != NULL; // a column that a new table lacks: zeros, and a Problem if it is needed
  }
}

static void rows_run(Rows *rows, Backend *backend, Elaborator *e, const Part *part, char *values,
                     size_t bytes) {
  Plan *plan = NULL;
  for (int64_t from = 0, planned = 0; from < part->count; from += CHUNK) {
    int64_t count = part->count - from < CHUNK ? part->count - from : CHUNK;
    if (count != planned) {
      if (plan) backend->forget(backend, plan);
      rows_bind(rows, e, count);
      Graph *bound = graph_bind(rows->graph, rows->arena, rows->binding, rows->bindings);
      graph_simplify(bound);
      plan = plan_make(bound, &(PlanOptions){.fuse = true});
      backend->prepare(backend, plan);
      planned = count;
    }
    for (int i = 0; i < rows->data->leaves; i++)
      if (rows->read[i])
        column_gather(rows->data->leaf[i].column, part->row + from, count, rows->width[i],
                      rows->data->leaf[i].variable->data);
    backend->run(backend, plan, &(RunArgs){0});
    memcpy(values + (size_t)from * bytes, backend->output(backend, plan, 0), (size_t)count * bytes);
  }
  if (plan) backend->forget(backend, plan);
}

void *rows_compute_as(Elaborator *e, Dataset *data, Node *node, const Part *part, DType dtype) {
  if (!table_load(data->table, e->problems, data->ast->at)) return memory_alloc(1, sizeof(double));
  Rows rows = {.data = data, .arena = arena_new(0)};
  rows.binding = ARENA_ARRAY(rows.arena, DimBinding, data->pads + 2);
  rows.graph = graph_new(rows.arena);
  Node *copy = graph_transplant(rows.graph, node);
  bool ready = constants_ready(e, rows.graph);
  rows_bind(&rows, e, 1);
  size_t bytes = dtype_size(dtype);
  for (int i = 1; i < copy->type.rank; i++)
    bytes *= (size_t)dim_number(dim_substitute(copy->type.size[i], rows.binding, rows.bindings));
  char *values = memory_alloc((size_t)part->count + 1, bytes);
  graph_output(rows.graph, "value", build_cast(copy, dtype));
  rows_leaves(&rows);
  Backend *backend = ready ? cpu_open(e->problems, 1, 0) : NULL;
  if (backend) {
    rows_run(&rows, backend, e, part, values, bytes);
    backend->close(backend);
  }
  for (int i = 0; i < data->leaves; i++) data->leaf[i].variable->data = rows.before[i];
  arena_free(rows.arena);
  return values;
}

double *rows_compute(Elaborator *e, Dataset *data, Node *node, const Part *part) {
  return rows_compute_as(e, data, node, part, DTYPE_F64);
}
