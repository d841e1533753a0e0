/* Convolutions over NHWC as products, without a tensor of patches in memory.
 *
 * A block of output pixels at a time, its patches are laid out in the L2 cache (patches.h) and multiplied. The
 * three products:
 *   conv2d              y [pixels, f]   = patches(x)                    @ k [patch, f]
 *   conv2d_grad_kernel  dk [patch, f]   = patches(x) transposed         @ dy [pixels, f], parts added in order
 *   conv2d_grad_input   dx [pixels, c]  = patches(dy), stride 1         @ k flipped, or
 *                       panel [pixels, patch] = dy @ k transposed, each patch added where it was taken from
 * Groups are products of their own with wider steps between rows. */
#include "backends/cpu/patches.h"

#include <string.h>

#define PANEL_BYTES        ((int64_t)192 << 10)
#define PANEL_PIXELS_LEAST 16
#define PANEL_PIXELS_MOST  1024
#define NANOSECONDS_A_TERM 0.015
#define GRADIENT_PARTS     8  // sums of a kernel's gradient, at most
#define ROWS_LEAST         6  // numbers of a patch's row: below, products of single rows are too short
#define GRADIENT_ROW_MOST  64 // longer: gradients of kernels are faster by panels
#define BLOCK_ROWS         8

/* ---- preparing --------------------------------------------------------------------------------------------------- */

static double conv_cost(const Conv *conv) {
  return (double)conv->pixels * (double)conv->patch * (double)conv->filters * NANOSECONDS_A_TERM;
}

static PatchLayout conv_layout(const Conv *conv) {
  bool pixel = conv->kernel_height == 1 && conv->kernel_width == 1;
  if (pixel && conv->stride[0] == 1 && conv->stride[1] == 1 && conv->front[0] == 0 && conv->front[1] == 0 &&
      conv->out_height == conv->height && conv->out_width == conv->width)
    return LAYOUT_IN_PLACE;
  return conv->channels == 1 ? LAYOUT_TURNED : LAYOUT_PIXELS;
}

static int64_t conv_blocks(const Conv *conv) {
  if (conv->layout == LAYOUT_ROWS)
    return conv->batch * ((conv->out_height + conv->block_rows - 1) / conv->block_rows);
  return (conv->pixels + conv->block - 1) / conv->block;
}

static size_t panel_bytes(const Conv *conv) {
  return cpu_round((size_t)(conv->block * conv->patch) * dtype_size(conv->dtype));
}

static void conv_finish(Cpu *cpu, Conv *conv) {
  int64_t size = (int64_t)dtype_size(conv->dtype);
  conv->patch = conv->kernel_height * conv->kernel_width * conv->channels / conv->groups;
  conv->pixels = conv->batch * conv->out_height * conv->out_width;
  int64_t block = PANEL_BYTES / (size * (conv->patch > 0 ? conv->patch : 1)) / 16 * 16;
  block = block < PANEL_PIXELS_LEAST  ? PANEL_PIXELS_LEAST
          : block > PANEL_PIXELS_MOST ? PANEL_PIXELS_MOST
                                      : block;
  conv->block = block;
  conv->layout = conv_layout(conv);
  conv->parts = cpu_parts(conv_cost(conv), conv_blocks(conv));
  cpu_need(cpu, panel_bytes(conv), 0);
}

/* Can rows of patches be read from padded input rows? */
static bool conv_has_rows(const Conv *conv) {
  return conv->own && conv->layout == LAYOUT_PIXELS && conv->groups == 1 && conv->dilation[1] == 1 &&
         conv->kernel_width * conv->channels >= ROWS_LEAST;
}

static size_t rows_bytes(const Conv *conv) {
  int64_t reach = (conv->kernel_height - 1) * conv->dilation[0] + 1;
  int64_t lines = (conv->block_rows - 1) * conv->stride[0] + reach;
  return cpu_round((size_t)(lines * conv->row_width * conv->channels) * sizeof(float));
}

static void conv_use_rows(Cpu *cpu, Conv *conv) {
  conv->layout = LAYOUT_ROWS;
  conv->block_rows = conv->out_height < 1 ? 1 : conv->out_height < BLOCK_ROWS ? conv->out_height : BLOCK_ROWS;
  conv->row_width = (conv->out_width - 1) * conv->stride[1] + conv->kernel_width;
  cpu_need(cpu, rows_bytes(conv), 0);
  conv->parts = cpu_parts(conv_cost(conv), conv_blocks(conv));
}

/* For products whose second operand is the kernel: packed once a run, into shared memory from `at` on. */
static void conv_pack_kernel(Cpu *cpu, Conv *conv, size_t at) {
  int64_t filters = conv->filters / conv->groups;
  conv->own = cpu_product_is_own(cpu, conv->dtype, conv->block, filters, conv->patch);
  if (!conv->own) return;
  if (conv_has_rows(conv)) conv_use_rows(cpu, conv);
  size_t packed = product_packed_bytes(cpu->products, conv->patch, filters) * (size_t)conv->groups;
  cpu_need(cpu, 0, cpu_round(at) + packed);
}

/* From the window and the types of the three tensors of conv2d. */
static Conv *conv_new(Arena *arena, const Window *window, const Type *x, const Type *k, const Type *y) {
  Conv *conv = ARENA_NEW(arena, Conv);
  conv->dtype = x->dtype;
  conv->batch = type_size(x, 0), conv->height = type_size(x, 1), conv->width = type_size(x, 2);
  conv->channels = type_size(x, 3);
  conv->kernel_height = type_size(k, 0), conv->kernel_width = type_size(k, 1),
  conv->filters = type_size(k, 3);
  conv->out_height = type_size(y, 1), conv->out_width = type_size(y, 2);
  for (int d = 0; d < 2; d++) {
    conv->stride[d] = window->stride[d] > 0 ? window->stride[d] : 1;
    conv->dilation[d] = window->dilation[d] > 0 ? window->dilation[d] : 1;
    conv->front[d] = window->front[d];
  }
  conv->groups = window->groups > 0 ? window->groups : 1;
  return conv;
}

void *cpu_prepare_conv2d(Cpu *cpu, Arena *arena, const Step *step) {
  const Node *node = step->node;
  Conv *conv = conv_new(arena, &node->attr.window, &node->src[0]->type, &node->src[1]->type, &node->type);
  conv_finish(cpu, conv);
  conv_pack_kernel(cpu, conv, 0);
  return conv;
}

void *cpu_prepare_conv2d_grad_kernel(Cpu *cpu, Arena *arena, const Step *step) {
  const Node *node = step->node;
  Conv *conv = conv_new(arena, &node->attr.window, &node->src[0]->type, &node->type, &node->src[1]->type);
  conv_finish(cpu, conv);
  if (conv->parts > GRADIENT_PARTS) conv->parts = GRADIENT_PARTS;
  int64_t numbers = conv->patch * conv->filters, filters = conv->filters / conv->groups;
  cpu_need(cpu, 0, (size_t)(numbers * GRADIENT_PARTS) * dtype_size(conv->dtype));
  conv->own = cpu_product_is_own(cpu, conv->dtype, conv->patch, filters, conv->block);
  if (!conv->own) return conv;
  if (conv_has_rows(conv) && conv->kernel_width * conv->channels <= GRADIENT_ROW_MOST) {
    conv_use_rows(cpu, conv);
    if (conv->parts > GRADIENT_PARTS) conv->parts = GRADIENT_PARTS;
  }
  int64_t packed_rows = conv->layout == LAYOUT_ROWS ? conv->out_width : conv->block;
  size_t patches = conv->layout == LAYOUT_ROWS ? rows_bytes(conv) : panel_bytes(conv);
  cpu_need(cpu, patches + product_packed_bytes(cpu->products, packed_rows, filters), 0);
  return conv;
}

/* With stride 1 the gradient is a convolution of dy by the kernel turned around: c and f change places. */
static void conv_flip(Conv *conv) {
  Conv old = *conv;
  conv->height = old.out_height, conv->width = old.out_width;
  conv->out_height = old.height, conv->out_width = old.width;
  conv->channels = old.filters, conv->filters = old.channels;
  conv->front[0] = (old.kernel_height - 1) * old.dilation[0] - old.front[0];
  conv->front[1] = (old.kernel_width - 1) * old.dilation[1] - old.front[1];
  conv->flipped = true;
}

void *cpu_prepare_conv2d_grad_input(Cpu *cpu, Arena *arena, const Step *step) {
  const Node *node = step->node;
  Conv *conv = conv_new(arena, &node->attr.window, &node->type, &node->src[1]->type, &node->src[0]->type);
  bool flip = conv->stride[0] == 1 && conv->stride[1] == 1;
  if (flip) conv_flip(conv);
  conv_finish(cpu, conv);
  size_t kernel = (size_t)(conv->patch * conv->filters) * dtype_size(conv->dtype);
  if (flip) {
    cpu_need(cpu, 0, kernel);
    conv_pack_kernel(cpu, conv, kernel);
  } else {
    conv->parts = cpu_parts(conv_cost(conv), conv->batch);
  }
  return conv;
}

/* ---- running ----------------------------------------------------------------------------------------------------------- */

typedef struct {
  const CpuCall *call;
  const Conv *conv;
  const char *x, *k, *dy; // what the product reads
  char *out, *packed;     // the packed kernel
} ConvRun;

/* The patches of some pixels as an operand: where it starts, and the distances between pixels and numbers. */
typedef struct {
  const char *at;
  int64_t pixel, number;
} Patches;

static Patches patches_of(const ConvRun *run, char *panel, int64_t group, int64_t first, int64_t count) {
  const Conv *conv = run->conv;
  int64_t size = (int64_t)dtype_size(conv->dtype);
  if (conv->layout == LAYOUT_IN_PLACE)
    return (Patches){run->x + (first * conv->channels + group * conv->patch) * size, conv->channels, 1};
  patches_pack(run->call->cpu, conv, panel, run->x, group, first, count);
  return conv->layout == LAYOUT_TURNED ? (Patches){panel, 1, count} : (Patches){panel, conv->patch, 1};
}

static const float *floats(const char *at) { return (const float *)(const void *)at; }

/* The packed kernel of one group, or of one kernel row where rows are multiplied alone. */
static float *packed_kernel(const ConvRun *run, int64_t index) {
  const Conv *conv = run->conv;
  int64_t terms = conv->layout == LAYOUT_ROWS ? conv->patch / conv->kernel_height : conv->patch;
  size_t bytes = product_packed_bytes(run->call->cpu->products, terms, conv->filters / conv->groups);
  return (float *)(void *)(run->packed + (size_t)index * bytes);
}

static void pack_kernel_part(void *context, int part, int worker) {
  const ConvRun *run = context;
  const Conv *conv = run->conv;
  (void)worker;
  bool rows = conv->layout == LAYOUT_ROWS;
  int64_t filters = conv->filters / conv->groups,
          terms = rows ? conv->patch / conv->kernel_height : conv->patch;
  const float *k = floats(run->k) + (rows ? part * terms * conv->filters : part * filters);
  run->call->cpu->products->pack(packed_kernel(run, part), k, conv->filters, 1, terms, filters);
}

static void forward_block(const ConvRun *run, char *panel, int64_t block) {
  const Conv *conv = run->conv;
  int64_t size = (int64_t)dtype_size(conv->dtype), filters = conv->filters / conv->groups;
  int64_t first = block * conv->block, count = conv->pixels - first;
  count = count < conv->block ? count : conv->block;
  for (int64_t group = 0; group < conv->groups; group++) {
    Patches a = patches_of(run, panel, group, first, count);
    char *out = run->out + (first * conv->filters + group * filters) * size;
    if (conv->own) {
      PackedProduct own = {.a = floats(a.at),
                           .a_row = a.pixel,
                           .a_column = a.number,
                           .packed = packed_kernel(run, group),
                           .c = (float *)(void *)out,
                           .c_row = conv->filters,
                           .m = count,
                           .n = filters,
                           .k = conv->patch};
      run->call->cpu->products->run(&own);
      continue;
    }
    bool turned = conv->layout == LAYOUT_TURNED;
    Product product = {.m = count,
                       .n = filters,
                       .k = conv->patch,
                       .a_transposed = turned,
                       .lda = turned ? a.number : a.pixel,
                       .ldb = conv->filters,
                       .ldc = conv->filters};
    cpu_product(run->call->cpu, conv->dtype, &product, a.at, run->k + group * filters * size, out);
  }
}

/* Some output rows of one image: each is the sum of one product a kernel row. */
static void forward_rows(const ConvRun *run, char *rows, int64_t block) {
  const Conv *conv = run->conv;
  int64_t blocks = (conv->out_height + conv->block_rows - 1) / conv->block_rows, image = block / blocks;
  int64_t first = block % blocks * conv->block_rows, count = conv->out_height - first;
  count = count < conv->block_rows ? count : conv->block_rows;
  const float *x = floats(run->x) + image * conv->height * conv->width * conv->channels;
  patches_rows(conv, rows, (const char *)x, first, count);
  float *out =
      (float *)(void *)run->out + (image * conv->out_height + first) * conv->out_width * conv->filters;
  int64_t line = conv->row_width * conv->channels;
  PackedProduct own = {.a_row = conv->stride[1] * conv->channels,
                       .a_column = 1,
                       .c_row = conv->filters,
                       .m = conv->out_width,
                       .n = conv->filters,
                       .k = conv->kernel_width * conv->channels};
  for (int64_t r = 0; r < count; r++, out += conv->out_width * conv->filters)
    for (int64_t i = 0; i < conv->kernel_height; i++) {
      own.a = floats(rows) + (r * conv->stride[0] + i * conv->dilation[0]) * line;
      own.packed = packed_kernel(run, i);
      own.c = out;
      own.keep = i > 0;
      run->call->cpu->products->run(&own);
    }
}

static void forward_part(void *context, int part, int worker) {
  const ConvRun *run = context;
  const Conv *conv = run->conv;
  int64_t blocks = conv_blocks(conv), last = cpu_part_start(blocks, conv->parts, part + 1);
  char *memory = cpu_worker_memory(run->call, worker);
  for (int64_t i = cpu_part_start(blocks, conv->parts, part); i < last; i++) {
    if (conv->layout == LAYOUT_ROWS)
      forward_rows(run, memory, i);
    else
      forward_block(run, memory, i);
  }
}

static void forward_run(ConvRun *run) {
  const Conv *conv = run->conv;
  Pool *pool = run->call->cpu->pool;
  if (conv->pixels == 0) return;
  if (conv->own)
    pool_run(pool, pack_kernel_part, run,
             (int)(conv->layout == LAYOUT_ROWS ? conv->kernel_height : conv->groups));
  pool_run(pool, forward_part, run, conv->parts);
}

void cpu_run_conv2d(const CpuCall *call) {
  ConvRun run = {.call = call,
                 .conv = call->prepared,
                 .x = call->at[1],
                 .k = call->at[2],
                 .out = call->at[0],
                 .packed = call->cpu->shared_memory};
  forward_run(&run);
}

/* One block of pixels onto the sum of a part. */
static void kernel_block(const ConvRun *run, char *memory, char *sum, int64_t block, bool keep) {
  const Conv *conv = run->conv;
  int64_t size = (int64_t)dtype_size(conv->dtype), filters = conv->filters / conv->groups;
  int64_t first = block * conv->block, count = conv->pixels - first;
  count = count < conv->block ? count : conv->block;
  for (int64_t group = 0; group < conv->groups; group++) {
    Patches a = patches_of(run, memory, group, first, count);
    const char *dy = run->dy + (first * conv->filters + group * filters) * size;
    char *out = sum + group * filters * size;
    if (conv->own) {
      float *packed = (float *)(void *)(memory + panel_bytes(conv));
      run->call->cpu->products->pack(packed, floats(dy), conv->filters, 1, count, filters);
      PackedProduct own = {.a = floats(a.at),
                           .a_row = a.number,
                           .a_column = a.pixel,
                           .packed = packed,
                           .c = (float *)(void *)out,
                           .c_row = conv->filters,
                           .m = conv->patch,
                           .n = filters,
                           .k = count,
                           .keep = keep};
      run->call->cpu->products->run(&own);
      continue;
    }
    bool turned = conv->layout == LAYOUT_TURNED;
    Product product = {.m = conv->patch,
                       .n = filters,
                       .k = count,
                       .a_transposed = !turned,
                       .lda = turned ? a.number : a.pixel,
                       .ldb = conv->filters,
                       .ldc = conv->filters,
                       .keep = keep};
    cpu_product(run->call->cpu, conv->dtype, &product, a.at, dy, out);
  }
}

/* The same by some output rows of one image: a product for each kernel row. */
static void kernel_rows(const ConvRun *run, char *memory, char *sum, int64_t block, bool keep) {
  const Conv *conv = run->conv;
  int64_t blocks = (conv->out_height + conv->block_rows - 1) / conv->block_rows, image = block / blocks;
  int64_t first = block % blocks * conv->block_rows, count = conv->out_height - first;
  count = count < conv->block_rows ? count : conv->block_rows;
  const float *x = floats(run->x) + image * conv->height * conv->width * conv->channels;
  patches_rows(conv, memory, (const char *)x, first, count);
  const float *dy = floats(run->dy) + (image * conv->out_height + first) * conv->out_width * conv->filters;
  float *packed = (float *)(void *)(memory + rows_bytes(conv));
  int64_t line = conv->row_width * conv->channels, terms = conv->kernel_width * conv->channels;
  PackedProduct own = {.a_row = 1,
                       .a_column = conv->stride[1] * conv->channels,
                       .packed = packed,
                       .c_row = conv->filters,
                       .m = terms,
                       .n = conv->filters,
                       .k = conv->out_width};
  for (int64_t r = 0; r < count; r++, dy += conv->out_width * conv->filters) {
    run->call->cpu->products->pack(packed, dy, conv->filters, 1, conv->out_width, conv->filters);
    own.keep = keep || r > 0;
    for (int64_t i = 0; i < conv->kernel_height; i++) {
      own.a = floats(memory) + (r * conv->stride[0] + i * conv->dilation[0]) * line;
      own.c = (float *)(void *)sum + i * terms * conv->filters;
      run->call->cpu->products->run(&own);
    }
  }
}

static void kernel_part(void *context, int part, int worker) {
  const ConvRun *run = context;
  const Conv *conv = run->conv;
  int64_t blocks = conv_blocks(conv), last = cpu_part_start(blocks, conv->parts, part + 1);
  int64_t start = cpu_part_start(blocks, conv->parts, part);
  char *sum = run->out + part * conv->patch * conv->filters * (int64_t)dtype_size(conv->dtype);
  char *memory = cpu_worker_memory(run->call, worker);
  for (int64_t i = start; i < last; i++) {
    if (conv->layout == LAYOUT_ROWS)
      kernel_rows(run, memory, sum, i, i > start);
    else
      kernel_block(run, memory, sum, i, i > start);
  }
}

static void kernel_sum_part(void *context, int part, int worker) {
  const ConvRun *run = context;
  const Conv *conv = run->conv;
  (void)worker;
  int64_t size = (int64_t)dtype_size(conv->dtype), numbers = conv->patch * conv->filters;
  int64_t first = cpu_part_start(numbers, GRADIENT_PARTS, part),
          last = cpu_part_start(numbers, GRADIENT_PARTS, part + 1);
  run->call->cpu->strips->combine[0][conv->dtype](run->call->at[0] + first * size, run->out + first * size,
                                                  conv->parts, numbers, last - first);
}

void cpu_run_conv2d_grad_kernel(const CpuCall *call) {
  const Conv *conv = call->prepared;
  bool direct = conv->parts == 1;
  ConvRun run = {.call = call,
                 .conv = conv,
                 .x = call->at[1],
                 .dy = call->at[2],
                 .out = direct ? call->at[0] : call->cpu->shared_memory};
  if (conv->pixels == 0) {
    memset(call->at[0], 0, (size_t)(conv->patch * conv->filters) * dtype_size(conv->dtype));
    return;
  }
  pool_run(call->cpu->pool, kernel_part, &run, conv->parts);
  if (!direct) pool_run(call->cpu->pool, kernel_sum_part, &run, GRADIENT_PARTS);
}

/* One place of the kernel, turned around: [c/groups, f] to [f/groups, c], within each group. */
static void flip_part(void *context, int part, int worker) {
  const ConvRun *run = context;
  const Conv *conv = run->conv; // flipped: its channels are the kernel's filters
  (void)worker;
  int64_t size = (int64_t)dtype_size(conv->dtype), places = conv->kernel_height * conv->kernel_width;
  int64_t in = conv->filters / conv->groups, out = conv->channels / conv->groups;
  for (int64_t group = 0; group < conv->groups; group++) {
    StripPlane from = {(char *)run->call->at[2] + (part * in * conv->channels + group * out) * size, 1,
                       conv->channels};
    StripPlane to = {run->out + ((places - 1 - part) * out * conv->filters + group * in) * size,
                     conv->filters, 1};
    run->call->cpu->strips->copy[conv->dtype](to, from, out, in);
  }
}

static void scatter_part(void *context, int part, int worker) {
  const ConvRun *run = context;
  const Conv *conv = run->conv;
  int64_t size = (int64_t)dtype_size(conv->dtype), filters = conv->filters / conv->groups;
  int64_t image = conv->height * conv->width * conv->channels * size,
          out_pixels = conv->out_height * conv->out_width;
  char *panel = cpu_worker_memory(run->call, worker);
  int64_t last = cpu_part_start(conv->batch, conv->parts, part + 1);
  for (int64_t i = cpu_part_start(conv->batch, conv->parts, part); i < last; i++) {
    memset(run->out + i * image, 0, (size_t)image);
    for (int64_t p = 0, count = 0; p < out_pixels; p += count) {
      count = out_pixels - p < conv->block ? out_pixels - p : conv->block;
      int64_t first = i * out_pixels + p;
      for (int64_t group = 0; group < conv->groups; group++) {
        Product product = {.m = count,
                           .n = conv->patch,
                           .k = filters,
                           .b_transposed = true,
                           .lda = conv->filters,
                           .ldb = conv->filters,
                           .ldc = conv->patch};
        cpu_product(run->call->cpu, conv->dtype, &product,
                    run->dy + (first * conv->filters + group * filters) * size,
                    run->k + group * filters * size, panel);
        patches_add(run->call->cpu, conv, panel, run->out, group, first, count);
      }
    }
  }
}

void cpu_run_conv2d_grad_input(const CpuCall *call) {
  const Conv *conv = call->prepared;
  ConvRun run = {
      .call = call, .conv = conv, .x = call->at[1], .dy = call->at[1], .k = call->at[2], .out = call->at[0]};
  if (!conv->flipped) {
    if (conv->batch > 0) pool_run(call->cpu->pool, scatter_part, &run, conv->parts);
    return;
  }
  ConvRun flip = {.call = call, .conv = conv, .out = call->cpu->shared_memory};
  pool_run(call->cpu->pool, flip_part, &flip, (int)(conv->kernel_height * conv->kernel_width));
  run.k = call->cpu->shared_memory;
  run.packed =
      call->cpu->shared_memory + cpu_round((size_t)(conv->patch * conv->filters) * dtype_size(conv->dtype));
  forward_run(&run);
}
