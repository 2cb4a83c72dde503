// Templates: what is chosen and computed while compiling.

#define GLOBAL_ID (blockIdx.x * blockDim.x + threadIdx.x)

// Types, values and defaults.
template <typename T = int, int N = 3, bool REVERSED = false>
__global__ void repeat(const T* x, T* out, int n)
{
    const int i = GLOBAL_ID;
    if (i >= n) return;
    for (int k = 0; k < N; ++k) out[i * N + k] = REVERSED ? x[n - 1 - i] : x[i];
}

// A class template with a partial and full specialisations.
template <typename T>
struct Traits {
    static constexpr int id = 1;
    __device__ static T twice(T v) { return v + v; }
};

template <>
struct Traits<float> {
    static constexpr int id = 2;
    __device__ static float twice(float v) { return 2.0f * v + 0.5f; }
};

template <typename T>
struct Traits<T*> {
    static constexpr int id = 10 + Traits<T>::id;
    __device__ static T twice(T* v) { return Traits<T>::twice(*v); }
};

template <int A, int B>
struct Greatest {
    static constexpr int value = A > B ? A : B;
};

template <int A>
struct Greatest<A, A> {
    static constexpr int value = 1000 + A;
};

extern "C" __global__ void specialisations(const int* x, const float* f, int* out, float* out_f, int n)
{
    const int i = GLOBAL_ID;
    if (i >= n) return;
    int value = x[i];
    out[i * 5 + 0] = Traits<int>::twice(value);
    out[i * 5 + 1] = Traits<int*>::twice(&value);
    out[i * 5 + 2] = Traits<int>::id * 10000 + Traits<float>::id * 100 + Traits<float*>::id;
    out[i * 5 + 3] = Greatest<3, 7>::value;
    out[i * 5 + 4] = Greatest<7, 7>::value;
    float local = f[i];
    out_f[i] = Traits<float*>::twice(&local) + Traits<float>::twice(f[i]);
}

// Function templates beside overloads; explicit specialisation.
template <typename T>
__device__ int kind(T) { return 1; }
template <>
__device__ int kind(short) { return 2; }
__device__ int kind(double) { return 3; }
template <typename T>
__device__ int kind(T*) { return 4; }
template <typename T, int N>
__device__ int extent(T (&)[N]) { return 100 + N; }

extern "C" __global__ void overloads(int* out)
{
    if (GLOBAL_ID != 0) return;
    int array[7] = {};
    out[0] = kind(1);
    out[1] = kind((short)1);
    out[2] = kind(1.0);
    out[3] = kind(&array[0]);
    out[4] = extent(array);
    out[5] = kind(1.0f);
    out[6] = kind<double>(1.0);
}

// Variadic templates: recursion, folds, packs of kernel parameters.
__device__ int weigh() { return 0; }

template <typename First, typename... Rest>
__device__ int weigh(First first, Rest... rest)
{
    return first * (1 + (int)sizeof...(rest)) + weigh(rest...);
}

template <typename... Ts>
__device__ auto fold_sum(Ts... ts) { return (ts + ...); }

template <typename... Ts>
__device__ bool all_positive(Ts... ts) { return (... && (ts > 0)); }

template <typename... Ts>
__device__ void store_all(int* out, Ts... ts)
{
    int at = 0;
    ((out[at++] = (int)ts), ...);
}

template <typename... Ts>
__global__ void sum_arrays(double* out, int n, const Ts*... in)
{
    const int i = GLOBAL_ID;
    if (i < n) out[i] = fold_sum(static_cast<double>(in[i])...);
}

extern "C" __global__ void variadic(const int* x, int* out, int n)
{
    const int i = GLOBAL_ID;
    if (i >= n) return;
    int* o = out + i * 6;
    o[0] = weigh(x[i], 2, 3, x[i]);
    o[1] = fold_sum(x[i], 10, 20);
    o[2] = all_positive(x[i], 1, 2.5f);
    store_all(o + 3, x[i], x[i] * 1.5, 'a');
}

// if constexpr over a type trait of our own.
template <typename A, typename B>
struct same { static constexpr bool value = false; };
template <typename A>
struct same<A, A> { static constexpr bool value = true; };
template <typename A, typename B>
inline constexpr bool same_v = same<A, B>::value;

template <typename T>
__device__ T halve(T v)
{
    if constexpr (same_v<T, float>)
        return v * 0.5f;
    else if constexpr (sizeof(T) == 8)
        return v / 2 + 1;
    else
        return v >> 1;
}

extern "C" __global__ void if_constexpr(const int* x, int* out, long long* wide, float* real, int n)
{
    const int i = GLOBAL_ID;
    if (i >= n) return;
    out[i] = halve(x[i]);
    wide[i] = halve((long long)x[i] << 20);
    real[i] = halve((float)x[i]);
}

// constexpr functions, arrays, and compile-time recursion.
__host__ __device__ constexpr int fibonacci(int k) { return k < 2 ? k : fibonacci(k - 1) + fibonacci(k - 2); }

__host__ __device__ constexpr unsigned isqrt(unsigned v)
{
    unsigned r = 0;
    while ((r + 1) * (r + 1) <= v) ++r;
    return r;
}

template <int N>
struct Factorial { static constexpr long long value = N * Factorial<N - 1>::value; };
template <>
struct Factorial<0> { static constexpr long long value = 1; };

struct Squares {
    int values[8];
    __host__ __device__ constexpr Squares() : values()
    {
        for (int i = 0; i < 8; ++i) values[i] = i * i;
    }
};

extern "C" __global__ void constant_expressions(const int* x, int* out, int n)
{
    constexpr int primes[] = {2, 3, 5, 7, 11, 13, 17, 19};
    constexpr int side = isqrt(80);
    constexpr Squares squares;
    static_assert(fibonacci(10) == 55, "evaluated while compiling");
    const int i = GLOBAL_ID;
    if (i >= n) return;
    int buffer[side];
    for (int k = 0; k < side; ++k) buffer[k] = x[i] + k;
    out[i * 5 + 0] = primes[i % 8] * buffer[side - 1];
    out[i * 5 + 1] = fibonacci(12);
    out[i * 5 + 2] = (int)Factorial<6>::value;
    out[i * 5 + 3] = squares.values[i % 8];
    out[i * 5 + 4] = sizeof(primes) / sizeof(primes[0]);
}

// Unrolled by recursion over an index, a functor called with each.
template <int I, int N>
struct Unroll {
    template <typename F>
    __device__ static void run(F&& f)
    {
        f(I);
        Unroll<I + 1, N>::run(f);
    }
};
template <int N>
struct Unroll<N, N> {
    template <typename F>
    __device__ static void run(F&&) {}
};

// Integer sequences.
template <int... Is>
struct Sequence {};
template <int N, int... Is>
struct MakeSequence : MakeSequence<N - 1, N - 1, Is...> {};
template <int... Is>
struct MakeSequence<0, Is...> { using type = Sequence<Is...>; };

template <int... Is>
__device__ int polynomial(int x, const int (&c)[sizeof...(Is)], Sequence<Is...>)
{
    int power = 1, sum = 0;
    ((sum += c[Is] * power, power *= x), ...);
    return sum;
}

extern "C" __global__ void unrolled(const int* x, int* out, int n)
{
    const int i = GLOBAL_ID;
    if (i >= n) return;
    int sum = 0;
    Unroll<0, 5>::run([&](int k) { sum += x[(i + k) % n] * (k + 1); });
    const int c[4] = {7, -3, 2, 1};
    out[2 * i] = sum;
    out[2 * i + 1] = polynomial(x[i], c, MakeSequence<4>::type());
}

// Functions and functors as template arguments; alias and variable templates.
__device__ int increment(int v) { return v + 1; }
__device__ int square(int v) { return v * v; }

template <int (*F)(int)>
__device__ int apply_twice(int v) { return F(F(v)); }

template <typename T>
constexpr T scale_of = T(3);
template <>
constexpr float scale_of<float> = 0.25f;

template <typename T, int N>
struct Array {
    T data[N];
    __device__ T& operator[](int i) { return data[i]; }
    __device__ const T& operator[](int i) const { return data[i]; }
    __device__ static constexpr int size() { return N; }
};
template <typename T>
using Triple = Array<T, 3>;

template <template <typename, int> class Container, typename T, int N>
__device__ T total(const Container<T, N>& c)
{
    T sum = T();
    for (int i = 0; i < Container<T, N>::size(); ++i) sum += c[i];
    return sum;
}

extern "C" __global__ void template_arguments(const int* x, int* out, float* real, int n)
{
    const int i = GLOBAL_ID;
    if (i >= n) return;
    out[i * 3] = apply_twice<increment>(x[i]) * 1000 + apply_twice<square>(x[i] % 6);
    Triple<int> t = {{x[i], 2 * x[i], 5}};
    t[2] += scale_of<int>;
    out[i * 3 + 1] = total(t);
    Array<float, 2> f = {};
    f[1] = x[i] * scale_of<float>;
    real[i] = total(f);
    out[i * 3 + 2] = Triple<double>::size();
}

// A kernel over a policy class with nested types and a dependent name.
struct WidePolicy {
    using Accumulator = long long;
    enum { Stride = 2 };
    template <typename U>
    struct Rebind { typedef U type; };
};

template <class Policy>
__global__ void dependent_names(const int* x, typename Policy::Accumulator* out, int n)
{
    using Acc = typename Policy::Accumulator;
    typename Policy::template Rebind<Acc>::type sum = 0;
    for (int i = GLOBAL_ID; i < n; i += Policy::Stride) sum += Acc(x[i]) << 32;
    out[GLOBAL_ID] = sum;
}
