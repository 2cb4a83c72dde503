/* The layout of ABI version 1 on 64-bit machines; compiling this file is the check. */
#include <accelerx/backend.h>

#define AX_CONCAT2(a, b) a##b
#define AX_CONCAT(a, b) AX_CONCAT2(a, b)
#ifdef __cplusplus
#define AX_ASSERT(condition) static_assert(condition, #condition)
#else
#define AX_ASSERT(condition) \
  typedef char AX_CONCAT(ax_assert_, __LINE__)[(condition) ? 1 : -1] __attribute__((unused))
#endif
#define AX_AT(type, member, offset) AX_ASSERT(offsetof(type, member) == (offset))

AX_ASSERT(sizeof(void*) == 8);
AX_ASSERT(sizeof(ax_status) == 4);

AX_AT(ax_host_call, struct_size, 0);
AX_AT(ax_host_call, args, 8);
AX_AT(ax_host_call, grid, 16);
AX_AT(ax_host_call, shared_bytes, 28);
AX_AT(ax_host_call, poll, 32);
AX_AT(ax_host_call, hook, 40);
AX_AT(ax_host_call, hook_ctx, 48);
AX_ASSERT(sizeof(ax_host_call) == 56);

AX_ASSERT(sizeof(ax_block_state) == 8);
AX_ASSERT(sizeof(ax_param) == 16);

AX_AT(ax_error, struct_size, 0);
AX_AT(ax_error, code, 8);
AX_AT(ax_error, vendor_code, 16);
AX_AT(ax_error, api, 24);
AX_AT(ax_error, message, 32);
AX_AT(ax_error, hint, 40);

AX_AT(ax_program, struct_size, 0);
AX_AT(ax_program, device, 8);
AX_AT(ax_program, format, 12);
AX_AT(ax_program, code, 16);
AX_AT(ax_program, entry, 32);
AX_AT(ax_program, params, 48);
AX_AT(ax_program, packed_bytes, 64);
AX_AT(ax_program, block, 72);
AX_AT(ax_program, shared_bytes, 84);
AX_AT(ax_program, scratch_bytes, 88);
AX_AT(ax_program, cooperative, 96);

AX_AT(ax_launch, struct_size, 0);
AX_AT(ax_launch, device, 8);
AX_AT(ax_launch, shared_bytes, 12);
AX_AT(ax_launch, kernel, 16);
AX_AT(ax_launch, args, 24);
AX_AT(ax_launch, args_bytes, 32);
AX_AT(ax_launch, grid, 40);
AX_AT(ax_launch, block, 52);
AX_AT(ax_launch, stream, 64);
AX_AT(ax_launch, poll, 72);
AX_AT(ax_launch, hook, 80);
AX_AT(ax_launch, hook_ctx, 88);

AX_AT(ax_backend, struct_size, 0);
AX_AT(ax_backend, abi_minor, 8);
AX_AT(ax_backend, flags, 12);
AX_AT(ax_backend, dl_device_type, 16);
AX_AT(ax_backend, name, 24);
AX_AT(ax_backend, dialect, 40);
AX_AT(ax_backend, last_error, 48);
AX_AT(ax_backend, launch, 192);
AX_AT(ax_backend, shutdown, 320);

/* Sizes only grow, and only with AX_ABI_MINOR. */
AX_ASSERT(sizeof(ax_error) >= 48);
AX_ASSERT(sizeof(ax_program) >= 104);
AX_ASSERT(sizeof(ax_launch) >= 96);
AX_ASSERT(sizeof(ax_backend) >= 328);

int ax_layout_checked(void);
int ax_layout_checked(void) { return AX_OK; }
