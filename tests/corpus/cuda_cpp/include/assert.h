// The host's <assert.h>, calling what nvcc's calls.
#pragma once

extern "C" __device__ void __assertfail(const char* message, const char* file, unsigned int line,
                                        const char* function, size_t width);
#define assert(x) ((x) ? void(0) : __assertfail(#x, __FILE__, __LINE__, __func__, sizeof(char)))
