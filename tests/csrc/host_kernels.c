/* Small host kernels as a code generator would make them, for tests of the core and the plugins. */
#include <accelerx/backend.h>
#include <string.h>

#define KERNEL(name) \
  int32_t name(const ax_host_call* call, void* scratch, int64_t first, int64_t last)

static int stop(const ax_host_call* call) {
  return *call->poll != 0 && call->hook(call->hook_ctx, -1, 0, 0, 0, 0) != 0;
}

KERNEL(add);          /* out[i] = a[i] + b[i], 32 threads a block */
KERNEL(count);        /* counts[block] += 1, works about `spins` steps a block, notes the order */
KERNEL(copy_args);    /* copies the packed arguments after the address to the address */
KERNEL(fill_scratch); /* out[block] = 1 if the scratch is aligned, big enough and undisturbed */
KERNEL(report);       /* calls the hook with site `site` once a block; values are block and 2.5 */
KERNEL(endless);      /* polls until it is stopped */
KERNEL(slow_add);     /* out[0] += value, after `spins` steps */
KERNEL(rounds);       /* cooperative: waits `waits` times, adding up what all blocks wrote before */

typedef struct add_args {
  float* out;
  const float* a;
  const float* b;
  int64_t n;
} add_args;

KERNEL(add) {
  const add_args* args = call->args;
  int64_t block;
  (void)scratch;
  for (block = first; block < last; block++) {
    int thread;
    for (thread = 0; thread < 32; thread++) {
      int64_t i = block * 32 + thread;
      if (i < args->n) args->out[i] = args->a[i] + args->b[i];
    }
  }
  return 0;
}

typedef struct count_args {
  int32_t* counts;
  int64_t* order; /* order[0]: how many calls began at a block less than the worker's last one */
  int64_t spins;
  int64_t launch; /* differs from launch to launch */
} count_args;

static void work(int64_t spins) {
  volatile int64_t i;
  for (i = 0; i < spins; i++) {
  }
}

KERNEL(count) {
  const count_args* args = call->args;
  static __thread int64_t last_seen, last_launch;
  int64_t block;
  (void)scratch;
  if (last_launch == args->launch && first < last_seen) __sync_fetch_and_add(args->order, 1);
  last_launch = args->launch;
  last_seen = first;
  for (block = first; block < last; block++) {
    work(args->spins);
    __sync_fetch_and_add(&args->counts[block], 1);
  }
  return 0;
}

typedef struct copy_head {
  unsigned char* out;
  int64_t bytes;
} copy_head;

KERNEL(copy_args) {
  const copy_head* head = call->args;
  const unsigned char* from = (const unsigned char*)(head + 1);
  int64_t i;
  (void)scratch, (void)first, (void)last;
  for (i = 0; i < head->bytes; i++) head->out[i] = from[i];
  return 0;
}

typedef struct scratch_args {
  int32_t* out;
  int64_t bytes; /* static and dynamic together */
} scratch_args;

KERNEL(fill_scratch) {
  const scratch_args* args = call->args;
  unsigned char* mine = scratch;
  int64_t block;
  for (block = first; block < last; block++) {
    int64_t i;
    int fine = ((uintptr_t)scratch & 63) == 0;
    for (i = 0; i < args->bytes; i++) mine[i] = (unsigned char)(block + i);
    work(2000);
    for (i = 0; i < args->bytes; i++) fine = fine && mine[i] == (unsigned char)(block + i);
    args->out[block] = fine;
  }
  return 0;
}

typedef struct report_args {
  int64_t site;
  int64_t spins;
} report_args;

KERNEL(report) {
  const report_args* args = call->args;
  int64_t block;
  (void)scratch;
  for (block = first; block < last; block++) {
    int32_t at[3] = {0, 0, 0};
    const int32_t thread[3] = {1, 2, 3};
    const double real = 2.5;
    int64_t values[2];
    at[0] = (int32_t)block;
    values[0] = block;
    memcpy(&values[1], &real, sizeof real);
    work(args->spins);
    if (call->hook(call->hook_ctx, (int32_t)args->site, at, thread, values, 2) != 0) return 1;
    if (stop(call)) return 1;
  }
  return 0;
}

KERNEL(endless) {
  (void)scratch, (void)first, (void)last;
  while (!stop(call)) {
  }
  return 1;
}

typedef struct slow_args {
  int64_t* out;
  int64_t value;
  int64_t spins;
} slow_args;

KERNEL(slow_add) {
  const slow_args* args = call->args;
  (void)scratch, (void)first, (void)last;
  work(args->spins);
  *args->out = *args->out * 10 + args->value;
  return 0;
}

typedef struct rounds_args {
  int64_t* sums;    /* of each block */
  int64_t* written; /* two rows: a round writes one and reads the other */
  int64_t waits;
  int64_t leaver; /* the block that ends before its last wait */
} rounds_args;

typedef struct rounds_state {
  ax_block_state state;
  int64_t sum;
} rounds_state;

KERNEL(rounds) {
  const rounds_args* args = call->args;
  rounds_state* mine = scratch;
  const int64_t blocks = (int64_t)call->grid[0] * call->grid[1] * call->grid[2];
  const int64_t round = mine->state.place;
  int64_t i;
  if (last != first + 1 || stop(call)) return 1;
  if (round == 0) mine->sum = 0;
  for (i = 0; round > 0 && i < blocks; i++) {
    mine->sum += args->written[(round - 1) % 2 * blocks + i];
  }
  args->written[round % 2 * blocks + first] = first + round;
  args->sums[first] = mine->sum;
  if (round == args->waits || (round + 1 == args->waits && first == args->leaver)) return 0;
  mine->state.place = (int32_t)round + 1;
  mine->state.site = 7;
  return AX_BLOCK_WAITS;
}
