/*
 * The example backend: one simulated accelerator, "sim:0". Copy this file to begin your own.
 *
 * It behaves as a real accelerator does where it matters to the host:
 *  - Its memory is elsewhere. Addresses handed out lie in a range that nobody can read or write;
 *    the same pages are mapped a second time where only this file's threads look (`near`). A host
 *    program that touches device memory dies with SIGSEGV. So a launch translates each buffer
 *    parameter, which is what the params table is for.
 *  - It is asynchronous. Each stream is a thread with a queue; launch and copy only put work there.
 *  - Errors come late. What goes wrong on the device is told at the stream's next synchronisation.
 * Unlike one, it runs kernels that the host compiled for this machine (dialect "llvm", format
 * AX_FORMAT_ADDRESS), one block after another.
 *
 * Order of the file: errors, memory, queues, streams, events, kernels, the table, the symbol.
 */
#define _GNU_SOURCE
#include <accelerx/backend.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define SIM_MEMORY_BYTES ((size_t)4 << 30)
#define SIM_PAGE ((size_t)4096)
#define SIM_LARGE ((size_t)2 << 20)
#define SIM_BLOCKS_BETWEEN_POLLS 64

/* ---- errors ------------------------------------------------------------------------------ */

typedef struct sim_failure {
  ax_status code;
  char message[400];
  const char* hint;
} sim_failure;

static __thread sim_failure last_failure = {AX_OK, "", ""};

__attribute__((format(printf, 3, 4))) static ax_status fail(ax_status code, const char* hint,
                                                            const char* format, ...) {
  va_list values;
  va_start(values, format);
  vsnprintf(last_failure.message, sizeof last_failure.message, format, values);
  va_end(values);
  last_failure.code = code;
  last_failure.hint = hint;
  return code;
}

static void sim_last_error(ax_error* out) {
  out->code = last_failure.code;
  out->reserved = 0;
  out->vendor_code = 0; /* a vendor's own number goes here, and the function it came from: */
  out->api = "";
  out->message = last_failure.message;
  out->hint = last_failure.hint;
}

/* ---- memory ------------------------------------------------------------------------------ */

/* An allocation, or a hole between two of them; a list in the order of addresses. */
typedef struct sim_range {
  size_t offset;
  size_t bytes;
  bool used;
  struct sim_range* next;
} sim_range;

/* The device. One lock guards all of this file's state, and one condition tells of any change. */
static struct {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  bool ready;
  char* far;  /* what the host is given: pages without access */
  char* near; /* the same offsets, readable and writable */
  int pages;  /* the file that holds them */
  size_t in_use;
  sim_range* ranges;
  ax_stream streams; /* all ever made, the default stream last */
} sim = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER, .pages = -1};

static int new_pages(void) {
  /* By number: the C library has had a function for it only since glibc 2.27. */
  int file = (int)syscall(SYS_memfd_create, "accelerx-sim", 1u /* close on exec */);
  if (file >= 0 && ftruncate(file, (off_t)SIM_MEMORY_BYTES) != 0) {
    close(file);
    return -1;
  }
  return file;
}

/* A child of fork gets a device of its own: a copy of the memory, and no work in the queues. */
static void before_fork(void) { pthread_mutex_lock(&sim.lock); }
static void after_fork_in_parent(void) { pthread_mutex_unlock(&sim.lock); }
static void after_fork_in_child(void);

static ax_stream the_default_stream(void);

/* The first use of the device. Called with the lock held. */
static ax_status make_ready(void) {
  if (sim.ready) return AX_OK;
  sim.pages = new_pages();
  sim.far = mmap(NULL, SIM_MEMORY_BYTES + SIM_LARGE, PROT_NONE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  sim.near = mmap(NULL, SIM_MEMORY_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, sim.pages, 0);
  if (sim.pages < 0 || sim.far == MAP_FAILED || sim.near == MAP_FAILED) {
    return fail(AX_ERROR_NOT_FOUND, "sim:0 needs 8 GB of address space (see ulimit -v)",
                "sim: cannot set up the device's memory: %s", strerror(errno));
  }
  sim.far += SIM_LARGE - (uintptr_t)sim.far % SIM_LARGE;
  sim.ranges = calloc(1, sizeof *sim.ranges);
  if (sim.ranges == NULL) return fail(AX_ERROR_OUT_OF_MEMORY, "", "sim: the host has no memory");
  sim.ranges->bytes = SIM_MEMORY_BYTES;
  sim.streams = the_default_stream();
  pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
  sim.ready = true;
  return AX_OK;
}

static size_t round_up(size_t value, size_t unit) { return (value + unit - 1) / unit * unit; }

/* Cuts `bytes` off the hole's front; what is left stays a hole behind it. */
static bool cut(sim_range* hole, size_t bytes) {
  if (hole->bytes > bytes) {
    sim_range* rest = malloc(sizeof *rest);
    if (rest == NULL) return false;
    *rest = (sim_range){hole->offset + bytes, hole->bytes - bytes, false, hole->next};
    hole->bytes = bytes;
    hole->next = rest;
  }
  return true;
}

/* First fit. A hole that starts off the alignment is cut in two there. */
static sim_range* find_hole(size_t bytes, size_t alignment) {
  for (sim_range* r = sim.ranges; r != NULL; r = r->next) {
    size_t skip = round_up(r->offset, alignment) - r->offset;
    if (r->used || r->bytes < skip || r->bytes - skip < bytes) continue;
    if (skip == 0) return cut(r, bytes) ? r : NULL;
    return cut(r, skip) && cut(r->next, bytes) ? r->next : NULL;
  }
  return NULL;
}

static ax_status sim_alloc(int32_t device, size_t bytes, void** address) {
  (void)device;
  size_t whole = bytes > SIM_MEMORY_BYTES ? bytes : round_up(bytes, SIM_PAGE);
  pthread_mutex_lock(&sim.lock);
  ax_status status = make_ready();
  if (status == AX_OK) {
    sim_range* range = find_hole(whole, bytes >= 2 * SIM_LARGE ? SIM_LARGE : SIM_PAGE);
    if (range != NULL) {
      range->used = true;
      sim.in_use += whole;
      *address = sim.far + range->offset;
    } else {
      status = fail(AX_ERROR_OUT_OF_MEMORY, "", "sim: no room for %zu bytes, %zu of %zu are in use",
                    bytes, sim.in_use, SIM_MEMORY_BYTES);
    }
  }
  pthread_mutex_unlock(&sim.lock);
  return status;
}

static void merge_holes(void) {
  for (sim_range* r = sim.ranges; r != NULL;) {
    sim_range* next = r->next;
    if (next != NULL && !r->used && !next->used) {
      r->bytes += next->bytes;
      r->next = next->next;
      free(next);
    } else {
      r = next;
    }
  }
}

static ax_status sim_free(int32_t device, void* address) {
  (void)device;
  ax_status status = AX_OK;
  pthread_mutex_lock(&sim.lock);
  sim_range* r = sim.ranges;
  while (r != NULL && !(r->used && sim.far + r->offset == (char*)address)) r = r->next;
  if (r != NULL) {
    r->used = false;
    sim.in_use -= r->bytes;
    fallocate(sim.pages, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)r->offset,
              (off_t)r->bytes);
    merge_holes();
  } else {
    status = fail(AX_ERROR_INVALID_ARGUMENT, "", "sim: %p was not allocated here", address);
  }
  pthread_mutex_unlock(&sim.lock);
  return status;
}

/* Where the device's threads find `bytes` bytes at a device address; NULL if they are not there. */
static char* near_of(const void* address, size_t bytes) {
  size_t offset = (size_t)((uintptr_t)address - (uintptr_t)sim.far);
  if (!sim.ready || offset >= SIM_MEMORY_BYTES || bytes > SIM_MEMORY_BYTES - offset) return NULL;
  return sim.near + offset;
}

static ax_status sim_memory_info(int32_t device, size_t* free_bytes, size_t* total) {
  (void)device;
  pthread_mutex_lock(&sim.lock);
  *free_bytes = SIM_MEMORY_BYTES - sim.in_use;
  *total = SIM_MEMORY_BYTES;
  pthread_mutex_unlock(&sim.lock);
  return AX_OK;
}

/* ---- queues ------------------------------------------------------------------------------ */

/* A piece of work. It begins when its stream has done all before it and `after` has done the work
 * numbered `after_number`. */
typedef struct sim_work {
  ax_status (*run)(struct sim_work* work, ax_stream stream);
  ax_stream after;
  uint64_t after_number;
  struct sim_work* next;
  /* copy and set: */
  void* dst;
  const void* src;
  size_t bytes;
  int32_t value;
  /* event: */
  ax_event event;
  /* launch: */
  ax_kernel kernel;
  ax_host_call call;
  char args[]; /* the packed arguments */
} sim_work;

/* Never freed, only used again: others may wait for the number of a stream that is gone. */
struct ax_stream_t {
  sim_work *first, *last;
  uint64_t submitted, done;
  sim_failure failure; /* the first since the last synchronisation */
  bool running;        /* its thread lives */
  bool destroyed;      /* may be used again */
  void* scratch;       /* of its thread */
  size_t scratch_bytes;
  ax_stream next;
};

static struct ax_stream_t default_stream;

static ax_stream the_default_stream(void) { return &default_stream; }

static ax_stream stream_of(ax_stream stream) { return stream ? stream : &default_stream; }

static void* stream_thread(void* argument) {
  ax_stream stream = argument;
  pthread_mutex_lock(&sim.lock);
  for (;;) {
    sim_work* work = stream->first;
    if (work == NULL || (work->after != NULL && work->after->done < work->after_number)) {
      pthread_cond_wait(&sim.changed, &sim.lock);
      continue;
    }
    stream->first = work->next;
    pthread_mutex_unlock(&sim.lock);
    ax_status status = work->run(work, stream); /* leaves its words in last_failure */
    free(work);
    pthread_mutex_lock(&sim.lock);
    if (status != AX_OK && stream->failure.code == AX_OK) stream->failure = last_failure;
    stream->done++;
    pthread_cond_broadcast(&sim.changed);
  }
  return NULL;
}

static sim_work* new_work(ax_status (*run)(sim_work*, ax_stream), size_t args_bytes) {
  sim_work* work = calloc(1, sizeof *work + args_bytes);
  if (work == NULL) {
    fail(AX_ERROR_OUT_OF_MEMORY, "", "sim: the host has no memory left");
  } else {
    work->run = run;
  }
  return work;
}

static ax_status run_nothing(sim_work* work, ax_stream stream) {
  (void)work, (void)stream;
  return AX_OK;
}

/* Called with the lock held. */
static ax_status append(ax_stream stream, sim_work* work) {
  if (!stream->running) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, stream_thread, stream) != 0) {
      free(work);
      return fail(AX_ERROR_INTERNAL, "", "sim: cannot start a thread: %s", strerror(errno));
    }
    pthread_detach(thread);
    stream->running = true;
  }
  if (stream->first == NULL) {
    stream->first = work;
  } else {
    stream->last->next = work;
  }
  stream->last = work;
  stream->submitted++;
  pthread_cond_broadcast(&sim.changed);
  return AX_OK;
}

/* The default stream's work begins after all work submitted to other streams before it. */
static ax_status append_waits(void) {
  for (ax_stream other = sim.streams; other != NULL; other = other->next) {
    if (other == &default_stream || other->done == other->submitted) continue;
    sim_work* wait = new_work(run_nothing, 0);
    if (wait == NULL) return AX_ERROR_OUT_OF_MEMORY;
    wait->after = other;
    wait->after_number = other->submitted;
    ax_status status = append(&default_stream, wait);
    if (status != AX_OK) return status;
  }
  return AX_OK;
}

/* Puts work into a stream's queue and owns it from here on. Called with the lock held. */
static ax_status submit(ax_stream stream, sim_work* work) {
  if (work == NULL) return last_failure.code;
  ax_status status = make_ready();
  if (status != AX_OK) {
    free(work);
    return status;
  }
  if (stream == &default_stream) {
    status = append_waits();
  } else if (work->after == NULL) {
    work->after = &default_stream;
    work->after_number = default_stream.submitted;
  }
  if (status == AX_OK) return append(stream, work);
  free(work);
  return status;
}

static ax_status submit_unlocked(ax_stream stream, sim_work* work) {
  pthread_mutex_lock(&sim.lock);
  ax_status status = submit(stream_of(stream), work);
  pthread_mutex_unlock(&sim.lock);
  return status;
}

/* Waits until the stream has done `number`. Called with the lock held, which opens meanwhile. */
static bool wait_for(ax_stream stream, uint64_t number, int64_t timeout_ns) {
  struct timespec end;
  clock_gettime(CLOCK_REALTIME, &end);
  if (timeout_ns > 0) {
    end.tv_sec += (time_t)(timeout_ns / 1000000000);
    end.tv_nsec += (long)(timeout_ns % 1000000000);
    if (end.tv_nsec >= 1000000000) end.tv_sec++, end.tv_nsec -= 1000000000;
  }
  while (stream->done < number) {
    if (timeout_ns < 0) {
      pthread_cond_wait(&sim.changed, &sim.lock);
    } else if (timeout_ns == 0 ||
               pthread_cond_timedwait(&sim.changed, &sim.lock, &end) == ETIMEDOUT) {
      return stream->done >= number;
    }
  }
  return true;
}

/* Hands a stream's failure, if there is one, to the calling thread. Called with the lock held. */
static ax_status report_failure(ax_stream stream) {
  ax_status code = stream->failure.code;
  if (code == AX_OK) return AX_OK;
  last_failure = stream->failure;
  stream->failure.code = AX_OK;
  return code;
}

static void after_fork_in_child(void) {
  pthread_mutex_init(&sim.lock, NULL);
  pthread_cond_init(&sim.changed, NULL);
  for (ax_stream s = sim.streams; s != NULL; s = s->next) {
    s->first = NULL; /* the parent's work, which the parent does */
    s->done = s->submitted;
    s->running = false;
    s->scratch = NULL;
    s->scratch_bytes = 0;
  }
  int pages = new_pages();
  for (sim_range* r = sim.ranges; pages >= 0 && r != NULL; r = r->next) {
    size_t copied = 0;
    while (r->used && copied < r->bytes) {
      off_t offset = (off_t)(r->offset + copied);
      ssize_t count = pwrite(pages, sim.near + offset, r->bytes - copied, offset);
      if (count <= 0) break;
      copied += (size_t)count;
    }
  }
  if (pages < 0 || mmap(sim.near, SIM_MEMORY_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
                        pages, 0) == MAP_FAILED) {
    sim.ready = false; /* near_of finds nothing: work fails instead of writing into the parent */
    return;
  }
  close(sim.pages);
  sim.pages = pages;
}

/* ---- copies ------------------------------------------------------------------------------ */

static ax_status run_copy(sim_work* work, ax_stream stream) {
  (void)stream;
  char* dst = work->dst;
  const char* src = work->src;
  if (work->value != AX_COPY_DEVICE_TO_HOST) dst = near_of(dst, work->bytes);
  if (work->value != AX_COPY_HOST_TO_DEVICE) src = near_of(src, work->bytes);
  if (dst == NULL || src == NULL) {
    return fail(AX_ERROR_INVALID_ARGUMENT, "",
                "sim: a copy of %zu bytes from %p to %p is not "
                "inside the device's memory",
                work->bytes, work->src, work->dst);
  }
  memmove(dst, src, work->bytes);
  return AX_OK;
}

static ax_status sim_copy(int32_t device, void* dst, const void* src, size_t bytes, int32_t kind,
                          ax_stream stream) {
  (void)device;
  sim_work* work = new_work(run_copy, 0);
  if (work == NULL) return AX_ERROR_OUT_OF_MEMORY;
  work->dst = dst;
  work->src = src;
  work->bytes = bytes;
  work->value = kind;
  return submit_unlocked(stream, work);
}

static ax_status run_set(sim_work* work, ax_stream stream) {
  (void)stream;
  char* dst = near_of(work->dst, work->bytes);
  if (dst == NULL) {
    return fail(AX_ERROR_INVALID_ARGUMENT, "",
                "sim: a fill of %zu bytes at %p is not inside the "
                "device's memory",
                work->bytes, work->dst);
  }
  memset(dst, work->value, work->bytes);
  return AX_OK;
}

static ax_status sim_set(int32_t device, void* dst, int32_t value, size_t bytes, ax_stream stream) {
  (void)device;
  sim_work* work = new_work(run_set, 0);
  if (work == NULL) return AX_ERROR_OUT_OF_MEMORY;
  work->dst = dst;
  work->bytes = bytes;
  work->value = value;
  return submit_unlocked(stream, work);
}

/* ---- streams ----------------------------------------------------------------------------- */

static ax_status sim_stream_create(int32_t device, ax_stream* out) {
  (void)device;
  pthread_mutex_lock(&sim.lock);
  ax_status status = make_ready();
  ax_stream stream = sim.streams;
  while (stream != NULL && !stream->destroyed) stream = stream->next;
  if (stream == NULL && status == AX_OK) {
    stream = calloc(1, sizeof *stream);
    if (stream == NULL) {
      status = fail(AX_ERROR_OUT_OF_MEMORY, "", "sim: the host has no memory left");
    } else {
      stream->next = sim.streams;
      sim.streams = stream;
    }
  }
  if (status == AX_OK) {
    stream->destroyed = false;
    *out = stream;
  }
  pthread_mutex_unlock(&sim.lock);
  return status;
}

static ax_status sim_stream_destroy(int32_t device, ax_stream stream) {
  (void)device;
  pthread_mutex_lock(&sim.lock);
  wait_for(stream, stream->submitted, -1);
  stream->failure.code = AX_OK;
  stream->destroyed = true;
  pthread_mutex_unlock(&sim.lock);
  return AX_OK;
}

static ax_status sim_stream_synchronize(int32_t device, ax_stream stream, int64_t timeout_ns) {
  (void)device;
  ax_stream s = stream_of(stream);
  pthread_mutex_lock(&sim.lock);
  ax_status status = wait_for(s, s->submitted, timeout_ns) ? report_failure(s) : AX_ERROR_NOT_READY;
  pthread_mutex_unlock(&sim.lock);
  return status;
}

static ax_status sim_stream_query(int32_t device, ax_stream stream) {
  (void)device;
  ax_stream s = stream_of(stream);
  pthread_mutex_lock(&sim.lock);
  ax_status status = s->done == s->submitted ? AX_OK : AX_ERROR_NOT_READY;
  pthread_mutex_unlock(&sim.lock);
  return status;
}

/* ---- events ------------------------------------------------------------------------------ */

struct ax_event_t {
  ax_stream stream; /* NULL: never recorded */
  uint64_t number;
  int64_t time_ns;
  int pending;    /* recordings in queues */
  bool destroyed; /* freed by the last of them */
};

static ax_status sim_event_create(int32_t device, int32_t timing, ax_event* out) {
  (void)device, (void)timing;
  *out = calloc(1, sizeof **out);
  return *out ? AX_OK : fail(AX_ERROR_OUT_OF_MEMORY, "", "sim: the host has no memory left");
}

static void free_if_unused(ax_event event) {
  if (event->destroyed && event->pending == 0) free(event);
}

static ax_status sim_event_destroy(int32_t device, ax_event event) {
  (void)device;
  pthread_mutex_lock(&sim.lock);
  event->destroyed = true;
  free_if_unused(event);
  pthread_mutex_unlock(&sim.lock);
  return AX_OK;
}

static ax_status run_record(sim_work* work, ax_stream stream) {
  (void)stream;
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  pthread_mutex_lock(&sim.lock);
  work->event->time_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
  work->event->pending--;
  free_if_unused(work->event);
  pthread_mutex_unlock(&sim.lock);
  return AX_OK;
}

static ax_status sim_event_record(int32_t device, ax_event event, ax_stream stream) {
  (void)device;
  ax_stream s = stream_of(stream);
  sim_work* work = new_work(run_record, 0);
  if (work == NULL) return AX_ERROR_OUT_OF_MEMORY;
  work->event = event;
  pthread_mutex_lock(&sim.lock);
  ax_status status = submit(s, work);
  if (status == AX_OK) {
    event->pending++;
    event->stream = s;
    event->number = s->submitted;
  }
  pthread_mutex_unlock(&sim.lock);
  return status;
}

static ax_status sim_event_synchronize(int32_t device, ax_event event, int64_t timeout_ns) {
  (void)device;
  ax_status status = AX_OK;
  pthread_mutex_lock(&sim.lock);
  ax_stream s = event->stream;
  if (s != NULL) {
    status = wait_for(s, event->number, timeout_ns) ? report_failure(s) : AX_ERROR_NOT_READY;
  }
  pthread_mutex_unlock(&sim.lock);
  return status;
}

static ax_status sim_event_query(int32_t device, ax_event event) {
  (void)device;
  pthread_mutex_lock(&sim.lock);
  bool done = event->stream == NULL || event->stream->done >= event->number;
  pthread_mutex_unlock(&sim.lock);
  return done ? AX_OK : AX_ERROR_NOT_READY;
}

static ax_status sim_stream_wait(int32_t device, ax_stream stream, ax_event event) {
  (void)device;
  sim_work* work = new_work(run_nothing, 0);
  if (work == NULL) return AX_ERROR_OUT_OF_MEMORY;
  pthread_mutex_lock(&sim.lock);
  work->after = event->stream;
  work->after_number = event->number;
  ax_status status = submit(stream_of(stream), work);
  pthread_mutex_unlock(&sim.lock);
  return status;
}

static ax_status sim_event_elapsed(int32_t device, ax_event start, ax_event end, double* out) {
  if (sim_event_query(device, start) != AX_OK || sim_event_query(device, end) != AX_OK) {
    return fail(AX_ERROR_NOT_READY, "synchronize the end event first",
                "sim: elapsed of an event that has not completed yet");
  }
  if (start->stream == NULL || end->stream == NULL) {
    return fail(AX_ERROR_INVALID_ARGUMENT, "", "sim: elapsed of an event never recorded");
  }
  *out = (double)(end->time_ns - start->time_ns) * 1e-6;
  return AX_OK;
}

/* ---- kernels ----------------------------------------------------------------------------- */

struct ax_kernel_t {
  ax_host_kernel function;
  size_t scratch_bytes;
  bool cooperative;
  char name[128];
  size_t param_count;
  ax_param params[];
};

static ax_status sim_load(const ax_program* program, ax_kernel* out) {
  if (program->format != AX_FORMAT_ADDRESS) {
    return fail(AX_ERROR_UNSUPPORTED, "the host compiles the dialect \"llvm\" itself",
                "sim: kernels are functions of this process (format address), not format %d",
                (int)program->format);
  }
  ax_kernel kernel = calloc(1, sizeof *kernel + program->param_count * sizeof *program->params);
  if (kernel == NULL) return fail(AX_ERROR_OUT_OF_MEMORY, "", "sim: the host has no memory left");
  /* C has no cast from a data pointer to a function's. */
  memcpy(&kernel->function, &program->code, sizeof kernel->function);
  kernel->scratch_bytes = round_up(program->scratch_bytes, 64);
  kernel->cooperative = AX_HAS(ax_program, program, cooperative) && program->cooperative != 0;
  snprintf(kernel->name, sizeof kernel->name, "%s", program->entry);
  kernel->param_count = program->param_count;
  if (program->param_count > 0) {
    memcpy(kernel->params, program->params, program->param_count * sizeof *program->params);
  }
  *out = kernel;
  return AX_OK;
}

static ax_status sim_unload(int32_t device, ax_kernel kernel) {
  (void)device;
  free(kernel);
  return AX_OK;
}

/* Turns the addresses that the host knows into those that the device's threads use. */
static ax_status translate(sim_work* work) {
  const struct ax_kernel_t* kernel = work->kernel;
  for (size_t i = 0; i < kernel->param_count; i++) {
    if (kernel->params[i].kind != AX_PARAM_BUFFER) continue;
    void* address;
    memcpy(&address, work->args + kernel->params[i].offset, sizeof address);
    if (address == NULL) continue;
    void* near = near_of(address, 1);
    if (near == NULL) {
      return fail(AX_ERROR_LAUNCH, "copy host data to the device first",
                  "sim: kernel %s: parameter %zu is the address %p, which is no memory of sim:0",
                  kernel->name, i, address);
    }
    memcpy(work->args + kernel->params[i].offset, &near, sizeof near);
  }
  return AX_OK;
}

static bool make_scratch(ax_stream stream, size_t bytes) {
  if (stream->scratch_bytes >= bytes) return true;
  free(stream->scratch);
  stream->scratch = NULL;
  stream->scratch_bytes = 0;
  if (posix_memalign(&stream->scratch, 64, bytes) != 0) return false;
  stream->scratch_bytes = bytes;
  return true;
}

static bool asked_to_stop(const ax_host_call* call) {
  return *call->poll != 0 && call->hook(call->hook_ctx, -1, NULL, NULL, NULL, 0) != 0;
}

static ax_status stopped(const struct ax_kernel_t* kernel) {
  return fail(AX_ERROR_STOPPED, "", "sim: kernel %s was stopped before its end", kernel->name);
}

/* Blocks that wait for each other: each has a scratch of its own, and all run to their next wait.
 */
typedef struct sim_phases {
  const struct ax_kernel_t* kernel;
  const ax_host_call* call;
  char* scratch;
  size_t stride;
  int64_t blocks;
  int64_t ended;
} sim_phases;

static ax_block_state* state_of(const sim_phases* p, int64_t block) {
  return (ax_block_state*)(void*)(p->scratch + (size_t)block * p->stride);
}

static bool run_phase(sim_phases* p) {
  for (int64_t block = 0; block < p->blocks; block++) {
    if (asked_to_stop(p->call)) return false;
    ax_block_state* state = state_of(p, block);
    int32_t result = p->kernel->function(p->call, state, block, block + 1);
    if (result == 0) {
      p->ended++;
      state->place = -1;
    } else if (result != AX_BLOCK_WAITS) {
      return false;
    }
  }
  return true;
}

/* Tells the host of a block that has ended while others wait. */
static void report_absence(const sim_phases* p) {
  int64_t absent = 0, waiting = 0;
  while (state_of(p, absent)->place != -1) absent++;
  while (state_of(p, waiting)->place == -1) waiting++;
  const uint32_t* grid = p->call->grid;
  const int32_t block[3] = {(int32_t)(absent % grid[0]), (int32_t)(absent / grid[0] % grid[1]),
                            (int32_t)(absent / grid[0] / grid[1])};
  const int32_t thread[3] = {0, 0, 0};
  p->call->hook(p->call->hook_ctx, state_of(p, waiting)->site, block, thread, NULL, 0);
}

static ax_status run_in_phases(const struct ax_kernel_t* kernel, const ax_host_call* call,
                               int64_t blocks) {
  sim_phases p = {.kernel = kernel, .call = call, .blocks = blocks};
  p.stride = round_up(kernel->scratch_bytes + call->shared_bytes, 64);
  void* scratch;
  if (posix_memalign(&scratch, 64, p.stride * (size_t)blocks) != 0) {
    return fail(AX_ERROR_OUT_OF_MEMORY, "launch fewer blocks",
                "sim: kernel %s: no memory for %lld blocks of %zu bytes that wait for each other",
                kernel->name, (long long)blocks, p.stride);
  }
  p.scratch = scratch;
  for (int64_t block = 0; block < blocks; block++) {
    memset(state_of(&p, block), 0, sizeof(ax_block_state));
  }
  bool whole = run_phase(&p);
  while (whole && p.ended == 0) whole = run_phase(&p);
  if (whole && p.ended < blocks) {
    report_absence(&p);
    whole = false;
  }
  free(scratch);
  return whole ? AX_OK : stopped(kernel);
}

static ax_status run_launch(sim_work* work, ax_stream stream) {
  const struct ax_kernel_t* kernel = work->kernel;
  const ax_host_call* call = &work->call;
  ax_status status = translate(work);
  if (status != AX_OK) return status;
  int64_t blocks = (int64_t)call->grid[0] * call->grid[1] * call->grid[2];
  if (kernel->cooperative) return run_in_phases(kernel, call, blocks);
  if (!make_scratch(stream, kernel->scratch_bytes + call->shared_bytes)) {
    return fail(AX_ERROR_OUT_OF_MEMORY, "", "sim: kernel %s: no memory for %zu bytes of scratch",
                kernel->name, kernel->scratch_bytes + call->shared_bytes);
  }
  for (int64_t first = 0; first < blocks; first += SIM_BLOCKS_BETWEEN_POLLS) {
    int64_t last = first + SIM_BLOCKS_BETWEEN_POLLS;
    if (last > blocks) last = blocks;
    if (asked_to_stop(call) || kernel->function(call, stream->scratch, first, last) != 0) {
      return stopped(kernel);
    }
  }
  return AX_OK;
}

static ax_status sim_launch(const ax_launch* launch) {
  sim_work* work = new_work(run_launch, launch->args_bytes);
  if (work == NULL) return AX_ERROR_OUT_OF_MEMORY;
  work->kernel = launch->kernel;
  if (launch->args_bytes > 0) memcpy(work->args, launch->args, launch->args_bytes);
  work->call.struct_size = sizeof work->call;
  work->call.args = work->args;
  memcpy(work->call.grid, launch->grid, sizeof work->call.grid);
  work->call.shared_bytes = launch->shared_bytes;
  work->call.poll = launch->poll;
  work->call.hook = launch->hook;
  work->call.hook_ctx = launch->hook_ctx;
  return submit_unlocked(launch->stream, work);
}

/* ---- the device -------------------------------------------------------------------------- */

static ax_status sim_device_count(int32_t* count) {
  *count = 1;
  return AX_OK;
}

static ax_status sim_device_model(int32_t device, const char** json) {
  (void)device;
  *json =
      "{\"name\": \"sim\", \"dialect\": \"llvm\", \"warp_size\": 32, "
      "\"max_threads_per_block\": 1024, \"max_block\": [1024, 1024, 64], "
      "\"max_grid\": [2147483647, 65535, 65535], \"max_shared_bytes\": 49152, "
      "\"max_shared_bytes_optin\": 232448, \"max_constant_bytes\": 65536, "
      "\"multiprocessors\": 1, \"memory_bytes\": 4294967296, \"alignment\": 64, "
      "\"dtypes\": [\"bool\", \"int8\", \"int16\", \"int32\", \"int64\", \"uint8\", \"uint16\", "
      "\"uint32\", \"uint64\", \"float16\", \"bfloat16\", \"float32\", \"float64\"]}";
  return AX_OK;
}

static ax_status sim_device_synchronize(int32_t device, int64_t timeout_ns) {
  (void)device;
  ax_status status = AX_OK;
  pthread_mutex_lock(&sim.lock);
  for (ax_stream s = sim.streams; s != NULL && status == AX_OK; s = s->next) {
    status = wait_for(s, s->submitted, timeout_ns) ? report_failure(s) : AX_ERROR_NOT_READY;
  }
  pthread_mutex_unlock(&sim.lock);
  return status;
}

/* The work has been asked to stop; what does not listen within a second ends with the process. */
static void sim_shutdown(void) { sim_device_synchronize(0, 1000000000); }

/* ---- the table --------------------------------------------------------------------------- */

static const ax_backend sim_backend = {
    .struct_size = sizeof(ax_backend),
    .abi_minor = AX_ABI_MINOR,
    .flags = 0,
    .dl_device_type = 12, /* kDLExtDev */
    .name = "sim",
    .version = "0.1.0",
    .dialect = "llvm",
    .last_error = sim_last_error,
    .device_count = sim_device_count,
    .device_model = sim_device_model,
    .alloc = sim_alloc,
    .free = sim_free,
    .copy = sim_copy,
    .stream_create = sim_stream_create,
    .stream_destroy = sim_stream_destroy,
    .stream_synchronize = sim_stream_synchronize,
    .stream_query = sim_stream_query,
    .stream_wait = sim_stream_wait,
    .event_create = sim_event_create,
    .event_destroy = sim_event_destroy,
    .event_record = sim_event_record,
    .event_synchronize = sim_event_synchronize,
    .event_query = sim_event_query,
    .load = sim_load,
    .unload = sim_unload,
    .launch = sim_launch,
    .set = sim_set,
    .memory_info = sim_memory_info,
    .device_synchronize = sim_device_synchronize,
    .event_elapsed = sim_event_elapsed,
    .shutdown = sim_shutdown,
};

/* ---- the symbol -------------------------------------------------------------------------- */

const ax_backend* ax_backend_v1(void) { return &sim_backend; }
