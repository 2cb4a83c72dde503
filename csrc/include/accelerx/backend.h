/*
 * accelerx/backend.h: the stable C ABI between accelerx (the host) and a backend plugin, version 1.
 *
 * A backend is a shared library with ONE exported symbol, `ax_backend_v1`, that returns a static
 * table. Everything else is reached through that table. To write a backend, read this file once
 * and copy backends/sim/sim_backend.c.
 *
 * Rules, for both sides
 *  1. Calling ax_backend_v1 touches no vendor library, allocates nothing and cannot fail. The first
 *     slot that may load a vendor's library is device_count.
 *  2. Every struct that may grow opens with struct_size, set by whoever fills it; zero is an error.
 *     A field is read only where struct_size covers it (AX_HAS). Sizes are never compared for
 *     equality. Version 1 grows only at the end of its structs (AX_ABI_MINOR counts that); whatever
 *     breaks this is a new symbol, ax_backend_v2.
 *  3. Slots marked "must" are never NULL. Slots marked "may" can be NULL: the host then does what
 *     their comment says.
 *  4. Every slot can be called from any thread, several at once, and is never called with Python's
 *     lock held if it can block. A plugin never calls Python and lets no exception or longjmp out.
 *  5. Strings are UTF-8 and end in zero. A pointer handed over is borrowed until the call returns,
 *     unless its comment says otherwise. Nothing is freed on the other side's heap.
 *  6. A plugin is never unloaded. After fork, a child may call every slot; a plugin whose device
 *     does not survive a fork answers AX_ERROR_DEVICE_LOST there and says so in its message.
 *  7. The plugin hands out raw memory; pooling, statistics and limits are the host's work.
 *
 * The file compiles as C89 with <stdint.h>, as C99 and as C++17. Licence: Apache-2.0.
 */
#ifndef ACCELERX_BACKEND_H
#define ACCELERX_BACKEND_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define AX_ABI_MAJOR 1
#define AX_ABI_MINOR 1 /* how often version 1 has grown: 1 added ax_program.cooperative */

#if defined(__GNUC__)
#define AX_EXPORT __attribute__((visibility("default")))
#else
#define AX_EXPORT
#endif

/* True if *p, whose struct_size was set by the other side, has the member. */
#define AX_HAS(type, p, member) \
  ((p)->struct_size >= offsetof(type, member) + sizeof(((const type*)0)->member))

/* ---- status and errors ------------------------------------------------------------------- */

/* What every slot returns. The numbers are stable; vendors' own codes go into ax_error. */
typedef int32_t ax_status;
enum {
  AX_OK = 0,
  AX_ERROR_INVALID_ARGUMENT = 1, /* the caller passed something that cannot be right */
  AX_ERROR_OUT_OF_MEMORY = 2,    /* the host trims its pool and tries once more */
  AX_ERROR_UNSUPPORTED = 3,      /* the device, or this plugin, cannot do this */
  AX_ERROR_NOT_FOUND = 4,        /* a library, driver, device or entry point is missing */
  AX_ERROR_NOT_READY = 5,        /* not yet done: an answer of query and of timed waits */
  AX_ERROR_COMPILE = 6,          /* the code was refused; the message holds the compiler's log */
  AX_ERROR_LAUNCH = 7,           /* a kernel could not start, or failed while it ran */
  AX_ERROR_STOPPED = 8,          /* a kernel ended early because ax_hook asked it to */
  AX_ERROR_DEVICE_LOST = 9,      /* the device is unusable in this process from now on */
  AX_ERROR_CAPACITY = 10,        /* the caller's buffer is too small; the count says how much */
  AX_ERROR_INTERNAL = 11         /* a defect of the plugin */
};

/* The calling thread's last failure. The strings are the plugin's and stay valid until the same
 * thread's next call into the plugin; those that do not apply are "". */
typedef struct ax_error {
  size_t struct_size;  /* set by the host */
  int32_t code;        /* out: one of AX_ERROR_* */
  int32_t reserved;    /* out: 0 */
  int64_t vendor_code; /* out: the vendor's own number, 0 if there is none */
  const char* api;     /* out: the vendor's function that failed, e.g. "cuMemAlloc" */
  const char* message; /* out: what happened, with the values; never "" */
  const char* hint;    /* out: what the user can do about it */
} ax_error;

/* ---- handles ------------------------------------------------------------------------------ */

/* Opaque; made and destroyed by the plugin, owned by the host in between. A stream is a FIFO of
 * work. NULL as a stream is the device's default stream, which needs no creation and which orders
 * itself as CUDA's legacy default stream does: its work begins after all work submitted before it
 * to any stream of the device, and work submitted later to any stream begins after it. */
typedef struct ax_stream_t* ax_stream;
typedef struct ax_event_t* ax_event;
typedef struct ax_kernel_t* ax_kernel;
typedef struct ax_graph_t* ax_graph;

struct DLTensor; /* DLPack's, by its own header; only op_query and op_run use it */

/* ---- kernels ------------------------------------------------------------------------------ */

/* Called back by generated code and by plugins whose kernels are functions of this process, from
 * any thread; a nonzero answer means: stop this launch as soon as possible.
 *   ctx     ax_launch.hook_ctx
 *   site    >= 0: index into the kernel's table of prints and checks, known to the host;
 *           -1: a poll, made when *poll was found nonzero (and, by a plugin whose launch waits for
 *           its own workers, from the launching thread at least every 100 ms)
 *   block, thread   3 indices each, x first; NULL for polls
 *   values, count   the site's values; floats as the bits of a double, integers sign- or
 *                   zero-extended; NULL and 0 for polls */
typedef int32_t (*ax_hook)(void* ctx, int32_t site, const int32_t* block, const int32_t* thread,
                           const int64_t* values, int32_t count);

/* What one launch hands to a kernel of format AX_FORMAT_ADDRESS. Valid while the kernel runs. */
typedef struct ax_host_call {
  size_t struct_size;
  const void* args; /* the packed arguments, laid out by ax_program.params */
  uint32_t grid[3];
  uint32_t shared_bytes;        /* dynamic shared memory of this launch */
  const volatile int32_t* poll; /* never NULL; nonzero: call hook with site -1 */
  ax_hook hook;                 /* never NULL */
  void* hook_ctx;
} ax_host_call;

/* Runs the blocks [first_block, last_block): linear ids, x fastest. Returns 0, or nonzero when the
 * hook asked to stop. `scratch` is the worker's own, aligned to 64 bytes: ax_program.scratch_bytes
 * rounded up to 64, then ax_host_call.shared_bytes; NULL if both are 0. */
typedef int32_t (*ax_host_kernel)(const ax_host_call* call, void* scratch, int64_t first_block,
                                  int64_t last_block);

/* A cooperative ax_host_kernel takes one block a call. Where the block comes to a barrier of the
 * grid, it returns AX_BLOCK_WAITS and is called again, in any thread, when all blocks of the launch
 * have come to one. `scratch` is then the block's own for the whole launch and begins with this,
 * zero at first. Should blocks wait when others have ended, the hook is told the site that one of
 * them waits at and a block that has ended, and the launch stops. This struct never grows. */
typedef struct ax_block_state {
  int32_t place; /* the kernel's: where the block goes on; a plugin may use negative numbers */
  int32_t site;  /* of the barrier that the block waits at */
} ax_block_state;
enum { AX_BLOCK_WAITS = 2 };

enum { AX_PARAM_BUFFER = 0, AX_PARAM_SCALAR = 1, AX_PARAM_RECORD = 2 };

/* One kernel parameter's place in the packed arguments. This struct never grows. */
typedef struct ax_param {
  uint32_t kind; /* BUFFER: a device address; SCALAR: a number; RECORD: bytes passed by value */
  uint32_t size; /* bytes */
  uint32_t align;
  uint32_t offset; /* from the start of the packed arguments */
} ax_param;

enum {
  AX_FORMAT_TEXT = 0,   /* source text in the backend's dialect, which the plugin compiles */
  AX_FORMAT_OBJECT = 1, /* what the vendor's compiler wrote: cubin, PTX, ELF */
  AX_FORMAT_IMAGE = 2,  /* what this plugin's compile slot wrote */
  AX_FORMAT_ADDRESS = 3 /* code is an ax_host_kernel of this process: plugins whose dialect is
                           "llvm", whose devices are threads of this process */
};

/* What load and compile take: one kernel. All of it is borrowed until the call returns, but for
 * the function of AX_FORMAT_ADDRESS, which the host keeps alive until unload. */
typedef struct ax_program {
  size_t struct_size; /* set by the host */
  int32_t device;
  int32_t format;      /* AX_FORMAT_* */
  const void* code;    /* the bytes; for AX_FORMAT_ADDRESS the function's address itself */
  size_t code_bytes;   /* 0 for AX_FORMAT_ADDRESS */
  const char* entry;   /* the kernel's name, also for messages */
  const char* options; /* options for the vendor's compiler, "" for none */
  const ax_param* params;
  size_t param_count;
  size_t packed_bytes;   /* size of the packed arguments */
  uint32_t block[3];     /* threads of a block the code was made for; 0s: any */
  uint32_t shared_bytes; /* static shared memory of a block, part of the code */
  size_t scratch_bytes;  /* see ax_host_kernel; 0 for other formats */
  /* Since minor 1. Nonzero: the kernel waits for its whole grid, so all blocks of a launch must be
   * resident at once; text wants the vendor's cooperative launch. The host gives no such program to
   * a plugin of minor 0. */
  uint32_t cooperative;
  uint32_t reserved; /* 0 */
} ax_program;

/* What launch takes. Borrowed until the call returns: a plugin that runs the kernel later copies
 * the arguments. The host keeps alive until the launch has completed: the kernel, the memory that
 * buffers point to, *poll and *hook_ctx. */
typedef struct ax_launch {
  size_t struct_size; /* set by the host */
  int32_t device;
  uint32_t shared_bytes; /* dynamic shared memory of a block */
  ax_kernel kernel;
  const void* args; /* packed, args_bytes long */
  size_t args_bytes;
  uint32_t grid[3];  /* none is 0 */
  uint32_t block[3]; /* none is 0 */
  ax_stream stream;
  const volatile int32_t* poll; /* for ax_host_call; a plugin reads it between chunks of blocks */
  ax_hook hook;
  void* hook_ctx;
} ax_launch;

/* ---- the table ---------------------------------------------------------------------------- */

enum { AX_COPY_HOST_TO_DEVICE = 0, AX_COPY_DEVICE_TO_HOST = 1, AX_COPY_DEVICE_TO_DEVICE = 2 };

/* ax_backend.flags */
/* Device memory is ordinary memory of this process, and any ordinary memory of this process can be
 * passed to kernels. */
#define AX_FLAG_HOST_MEMORY 1u
/* Work on the default stream is complete when the call that submits it returns. */
#define AX_FLAG_SYNC_DEFAULT 2u

typedef struct ax_backend {
  size_t struct_size;     /* sizeof(ax_backend) as the plugin was compiled */
  uint32_t abi_minor;     /* AX_ABI_MINOR as the plugin was compiled */
  uint32_t flags;         /* AX_FLAG_* */
  int32_t dl_device_type; /* DLPack's device type of its memory: 1 CPU, 2 CUDA, 12 other ... */
  int32_t reserved;       /* 0 */
  const char* name;       /* of its devices: "sim" for "sim:0"; lower-case letters and digits */
  const char* version;    /* the plugin's own version, for people */
  const char* dialect;    /* the kernel language load takes: "llvm", "cuda", "ascendc", "bangc" */

  /* must: fills *out with what went wrong in this thread's last failing call. */
  void (*last_error)(ax_error* out);

  /* must: how many devices there are. No driver or no device is no failure but *count = 0, unless
   * there is something to tell the user (AX_ERROR_NOT_FOUND with a hint). */
  ax_status (*device_count)(int32_t* count /* out */);
  /* must: the device model as JSON text, owned by the plugin for ever: an object with name,
   * dialect, warp_size, max_threads_per_block, max_block and max_grid (3 numbers each),
   * max_shared_bytes (static), max_shared_bytes_optin (dynamic), multiprocessors, memory_bytes,
   * alignment, dtypes (NumPy's names); the host ignores keys it does not know. */
  ax_status (*device_model)(int32_t device, const char** json /* out */);

  /* must: memory of the device, aligned to at least 256 bytes (64 where it is host memory), to
   * 2 MB where bytes is 4 MB or more and the device can. bytes is never 0. The address belongs to
   * the host until free; the host reads and writes it only under AX_FLAG_HOST_MEMORY. */
  ax_status (*alloc)(int32_t device, size_t bytes, void** address /* out */);
  /* must: the host calls it only when no work in flight uses the memory. */
  ax_status (*free)(int32_t device, void* address);
  /* must: in stream order; kind is AX_COPY_*. It may return before the copy is done; host memory
   * stays valid until the stream has passed it. */
  ax_status (*copy)(int32_t device, void* dst, const void* src, size_t bytes, int32_t kind,
                    ax_stream stream);

  /* must */
  ax_status (*stream_create)(int32_t device, ax_stream* stream /* out */);
  /* must: finishes the stream's work first. */
  ax_status (*stream_destroy)(int32_t device, ax_stream stream);
  /* must: waits until all work submitted so far is done, at most timeout_ns (negative: for ever;
   * 0: does not wait), then AX_ERROR_NOT_READY. A plugin whose vendor cannot wait with a limit may
   * wait longer. A failure of earlier work on the stream is returned here, once, and its message
   * names the kernel. */
  ax_status (*stream_synchronize)(int32_t device, ax_stream stream, int64_t timeout_ns);
  /* must: AX_OK when all work is done, else AX_ERROR_NOT_READY; reports no failure of the work. */
  ax_status (*stream_query)(int32_t device, ax_stream stream);
  /* must: work submitted to the stream from now on begins after the event. */
  ax_status (*stream_wait)(int32_t device, ax_stream stream, ax_event event);

  /* must: timing says whether event_elapsed will be asked. */
  ax_status (*event_create)(int32_t device, int32_t timing, ax_event* event /* out */);
  /* must: also while it is pending. */
  ax_status (*event_destroy)(int32_t device, ax_event event);
  /* must: the event now stands for all work submitted to the stream so far. */
  ax_status (*event_record)(int32_t device, ax_event event, ax_stream stream);
  /* must: as stream_synchronize; an event never recorded is complete. */
  ax_status (*event_synchronize)(int32_t device, ax_event event, int64_t timeout_ns);
  /* must: as stream_query. */
  ax_status (*event_query)(int32_t device, ax_event event);

  /* must: makes a kernel from code. AX_ERROR_UNSUPPORTED for formats the plugin does not take. */
  ax_status (*load)(const ax_program* program, ax_kernel* kernel /* out */);
  /* must: the host calls it only when no launch of the kernel is in flight. */
  ax_status (*unload)(int32_t device, ax_kernel kernel);
  /* must: in stream order. */
  ax_status (*launch)(const ax_launch* launch);

  /* may: fills memory with a byte, in stream order. NULL: the host copies such bytes. */
  ax_status (*set)(int32_t device, void* dst, int32_t value, size_t bytes, ax_stream stream);
  /* may: bytes free and in all. NULL: the host does not show them. */
  ax_status (*memory_info)(int32_t device, size_t* free_bytes /* out */, size_t* total /* out */);
  /* may: waits for all streams, as stream_synchronize. NULL: the host waits for each of its own. */
  ax_status (*device_synchronize)(int32_t device, int64_t timeout_ns);
  /* may: time between two recorded and completed events. NULL: the host says it cannot tell. */
  ax_status (*event_elapsed)(int32_t device, ax_event start, ax_event end,
                             double* milliseconds /* out */);
  /* may: host memory that copies fast. NULL, both: the host uses ordinary memory. */
  ax_status (*host_alloc)(int32_t device, size_t bytes, void** address /* out */);
  ax_status (*host_free)(int32_t device, void* address);
  /* may: the vendor's own handle of a stream, for other libraries. NULL: the host gives the
   * ax_stream's address. */
  ax_status (*stream_native)(int32_t device, ax_stream stream, void** native /* out */);
  /* may: compiles to bytes that load takes as AX_FORMAT_IMAGE, for the host's disk cache. *count is
   * what the result needs; where capacity is less, AX_ERROR_CAPACITY, and the host asks again with
   * the same program. NULL: texts are compiled by load, uncached. */
  ax_status (*compile)(const ax_program* program, void* out, size_t capacity,
                       size_t* count /* out */);

  /* may, both or neither: a native library's answer for a tensor op. op is a name of accelerx's op
   * table, attributes is JSON; tensors are the outputs, then the inputs, borrowed. op_query says
   * AX_OK, or AX_ERROR_UNSUPPORTED with the reason, and the workspace wanted; op_run runs it in
   * stream order. NULL: the host runs its generated kernel. */
  ax_status (*op_query)(int32_t device, const char* op, const char* attributes,
                        const struct DLTensor* const* tensors, int32_t count,
                        size_t* workspace_bytes /* out */);
  ax_status (*op_run)(int32_t device, const char* op, const char* attributes,
                      const struct DLTensor* const* tensors, int32_t count, void* workspace,
                      ax_stream stream);

  /* may, all or none: records what is submitted to a stream, to submit it again as a whole. NULL:
   * the host submits the work one by one. */
  ax_status (*graph_begin)(int32_t device, ax_stream stream);
  ax_status (*graph_end)(int32_t device, ax_stream stream, ax_graph* graph /* out */);
  ax_status (*graph_launch)(int32_t device, ax_graph graph, ax_stream stream);
  ax_status (*graph_destroy)(int32_t device, ax_graph graph);

  /* may: a table of functions by name, for what version 1 has no slot for; NULL if unknown. The
   * name's owner documents the table. */
  const void* (*get_extension)(const char* name);
  /* may: called once, at exit, before Python is gone: end threads, close libraries. Kernels still
   * running have been asked to stop through their poll word. No slot is called afterwards. */
  void (*shutdown)(void);
} ax_backend;

/* The one exported symbol. The table and all it points to stay valid for ever. */
#define AX_BACKEND_SYMBOL "ax_backend_v1"
AX_EXPORT const ax_backend* ax_backend_v1(void);

#ifdef __cplusplus
}
#endif

#endif /* ACCELERX_BACKEND_H */
