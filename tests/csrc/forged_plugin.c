/* Plugins that are wrong in one way each, chosen by -DFORGE_<way>; for tests of the handshake. */
#include <accelerx/backend.h>

static void last_error(ax_error* out) {
  out->code = AX_ERROR_NOT_FOUND;
  out->message = "no driver";
  out->hint = "install one";
  out->api = "vendorInit";
  out->vendor_code = 100;
}
static ax_status device_count(int32_t* count) {
#ifdef FORGE_NO_DRIVER
  (void)count;
  return AX_ERROR_NOT_FOUND;
#elif defined(FORGE_FIRST_MINOR)
  *count = 1;
  return AX_OK;
#else
  *count = 0;
  return AX_OK;
#endif
}
static ax_status refuse(void) { return AX_ERROR_UNSUPPORTED; }

static ax_backend backend;

static void fill(void) {
  void (*any)(void) = (void (*)(void))refuse;
  backend.struct_size = sizeof backend;
  backend.abi_minor = AX_ABI_MINOR;
  backend.name = "forged";
  backend.version = "1";
  backend.dialect = "llvm";
  backend.last_error = last_error;
  backend.device_count = device_count;
#define ANY(slot, type) backend.slot = (type)any
  ANY(device_model, ax_status (*)(int32_t, const char**));
  ANY(alloc, ax_status (*)(int32_t, size_t, void**));
  ANY(free, ax_status (*)(int32_t, void*));
  ANY(copy, ax_status (*)(int32_t, void*, const void*, size_t, int32_t, ax_stream));
  ANY(stream_create, ax_status (*)(int32_t, ax_stream*));
  ANY(stream_destroy, ax_status (*)(int32_t, ax_stream));
  ANY(stream_synchronize, ax_status (*)(int32_t, ax_stream, int64_t));
  ANY(stream_query, ax_status (*)(int32_t, ax_stream));
  ANY(stream_wait, ax_status (*)(int32_t, ax_stream, ax_event));
  ANY(event_create, ax_status (*)(int32_t, int32_t, ax_event*));
  ANY(event_destroy, ax_status (*)(int32_t, ax_event));
  ANY(event_record, ax_status (*)(int32_t, ax_event, ax_stream));
  ANY(event_synchronize, ax_status (*)(int32_t, ax_event, int64_t));
  ANY(event_query, ax_status (*)(int32_t, ax_event));
  ANY(load, ax_status (*)(const ax_program*, ax_kernel*));
  ANY(unload, ax_status (*)(int32_t, ax_kernel));
  ANY(launch, ax_status (*)(const ax_launch*));
}

#if defined(FORGE_NO_SYMBOL)
AX_EXPORT const ax_backend* ax_backend_v0_draft(void);
const ax_backend* ax_backend_v0_draft(void) {
  fill();
  return &backend;
}
#elif defined(FORGE_OTHER_MAJOR)
AX_EXPORT const ax_backend* ax_backend_v2(void);
const ax_backend* ax_backend_v2(void) {
  fill();
  return &backend;
}
#else
const ax_backend* ax_backend_v1(void) {
  fill();
#if defined(FORGE_NULL)
  return 0;
#elif defined(FORGE_ZERO_SIZE)
  backend.struct_size = 0;
#elif defined(FORGE_SHORT)
  backend.struct_size = offsetof(ax_backend, launch);
#elif defined(FORGE_MISSING_SLOTS)
  backend.alloc = 0;
  backend.launch = 0;
#elif defined(FORGE_HALF_PAIR)
  backend.host_alloc = backend.alloc;
#elif defined(FORGE_BAD_NAME)
  backend.name = "My Device";
#elif defined(FORGE_NO_DIALECT)
  backend.dialect = "";
#elif defined(FORGE_OLDER)
  /* Knows the must-slots only: what lies behind launch is not read. */
  backend.struct_size = offsetof(ax_backend, launch) + sizeof backend.launch;
  backend.shutdown = (void (*)(void))(uintptr_t)1;
#elif defined(FORGE_FIRST_MINOR)
  backend.abi_minor = 0;
#elif defined(FORGE_NEWER)
  backend.struct_size = sizeof backend + 64;
  backend.abi_minor = AX_ABI_MINOR + 1;
#endif
  return &backend;
}
#endif
