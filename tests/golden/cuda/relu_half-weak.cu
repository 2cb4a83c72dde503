struct ax_f16 {  // IEEE half precision; arithmetic is float, rounded after every operation
    unsigned short bits;
    __device__ __forceinline__ operator float() const {
        float x;
        asm("cvt.f32.f16 %0, %1;" : "=f"(x) : "h"(bits));
        return x;
    }
};

static __device__ __forceinline__ ax_f16 ax_to_f16(float x) {
    ax_f16 y;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(y.bits) : "f"(x));
    return y;
}

extern "C" __global__ void relu_half(
    ax_f16 *out, long long out_shape0, const ax_f16 *x, long long x_shape0, ax_f16 slope) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < x_shape0) {
        ax_f16 v = x[i];
        out[i] = v > 0.0f ? v : ax_to_f16(v * slope);
    }
}
