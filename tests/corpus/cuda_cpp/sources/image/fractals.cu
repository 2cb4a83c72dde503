// Escape-time fractals with a complex number of our own.

template <typename T>
struct Complex {
    T re, im;

    __host__ __device__ constexpr Complex(T r = T(0), T i = T(0)) : re(r), im(i) {}
    __device__ T norm2() const { return re * re + im * im; }
    __device__ Complex& operator+=(const Complex& o)
    {
        re += o.re;
        im += o.im;
        return *this;
    }
};

template <typename T>
__device__ Complex<T> operator+(Complex<T> a, const Complex<T>& b)
{
    return a += b;
}

template <typename T>
__device__ Complex<T> operator*(const Complex<T>& a, const Complex<T>& b)
{
    return Complex<T>(a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re);
}

template <typename T>
__global__ void mandelbrot(int* iterations, int width, int height, T x0, T y0, T scale, int limit)
{
    int px = blockIdx.x * blockDim.x + threadIdx.x;
    int py = blockIdx.y * blockDim.y + threadIdx.y;
    if (px >= width || py >= height) return;
    Complex<T> c(x0 + px * scale, y0 + py * scale), z;
    int i;
    for (i = 0; i < limit; ++i) {
        if (z.norm2() > T(4)) break;
        z = z * z + c;
    }
    iterations[py * width + px] = i;
}

// A Julia set's final values after a fixed number of steps, zero where it has escaped.
extern "C" __global__ void julia(float2* values, int width, int height, float cr, float ci, int steps)
{
    int px = blockIdx.x * blockDim.x + threadIdx.x;
    int py = blockIdx.y * blockDim.y + threadIdx.y;
    if (px >= width || py >= height) return;
    const Complex<float> c{cr, ci};
    Complex<float> z{3.f * px / width - 1.5f, 3.f * py / height - 1.5f};
    bool inside = true;
    for (int i = 0; i < steps && inside; i++) {
        z = z * z + c;
        inside = z.norm2() < 100.f;
    }
    values[py * width + px] = inside ? make_float2(z.re, z.im) : make_float2(0.f, 0.f);
}
