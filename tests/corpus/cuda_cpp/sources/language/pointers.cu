// Pointers and references.

#define GLOBAL_ID ((int)(blockIdx.x * blockDim.x + threadIdx.x))

// Arithmetic, differences, comparison, post-increment through a pointer.
extern "C" __global__ void pointer_arithmetic(const int* x, int* out, int n)
{
    const int i = GLOBAL_ID;
    if (i >= n) return;
    const int* begin = x + i / 2;
    const int* p = begin;
    const int* const end = x + n;
    int sum = 0;
    while (p < end && p - begin < 4) sum += *p++;
    out[i * 6] = sum;
    out[i * 6 + 1] = (int)(p - begin);
    p -= 1;
    out[i * 6 + 2] = p[0] + p[-(p > x)];
    out[i * 6 + 3] = *--p;
    out[i * 6 + 3] += 10 * (*(p + 1) + 1[p]);
    int* o = &out[i * 6 + 4];
    *o++ = p == &x[p - x];
    *o = (int)((const char*)end - (const char*)p);
}

// A pointer that may name one of several arrays, chosen by lanes differently.
extern "C" __global__ void pointer_choice(const float* a, const float* b, const int* which, float* out, int n)
{
    __shared__ float staged[64];
    const int i = GLOBAL_ID;
    staged[threadIdx.x] = i < n ? -b[i] : 0.f;
    __syncthreads();
    if (i >= n) return;
    const float* p = which[i] & 1 ? a : b;
    p += i;
    out[2 * i] = *p;
    const float* q;
    switch (which[i] % 3) {
        case 0: q = a + i; break;
        case 1: q = &b[i]; break;
        default: q = staged + threadIdx.x; break;
    }
    out[2 * i + 1] = *q;
}

// Ping-pong: two pointers swap in a loop.
template <typename T>
__device__ void exchange(T*& a, T*& b)
{
    T* t = a;
    a = b;
    b = t;
}

extern "C" __global__ void ping_pong(float* first, float* second, int n, int steps)
{
    float *from = first, *to = second;
    for (int s = 0; s < steps; ++s) {
        for (int i = threadIdx.x; i < n; i += blockDim.x) {
            const float left = i > 0 ? from[i - 1] : 0.f, right = i + 1 < n ? from[i + 1] : 0.f;
            to[i] = 0.5f * (left + right);
        }
        __syncthreads();
        exchange(from, to);
    }
}

// Arrays of pointers, pointers to pointers, pointers to rows, references to arrays.
__device__ void advance(const int** cursor, int by) { *cursor += by; }

__device__ void split(int value, int* high, int& low)
{
    *high = value / 10;
    low = value % 10;
}

template <int R, int C>
__device__ int trace(const int (&m)[R][C])
{
    int t = 0;
    for (int k = 0; k < (R < C ? R : C); ++k) t += m[k][k];
    return t;
}

extern "C" __global__ void pointers_to_pointers(const int* x, const int* y, int* out, int n)
{
    const int i = GLOBAL_ID;
    if (i >= n) return;
    const int* sources[2] = {x, y};
    out[i * 6] = sources[i & 1][i];

    const int* cursor = x;
    advance(&cursor, i);
    const int** pp = &cursor;
    out[i * 6 + 1] = **pp;
    *pp = y;
    out[i * 6 + 2] = cursor[i];

    int grid[3][4];
    int(*row)[4] = grid;
    for (int r = 0; r < 3; ++r, ++row)
        for (int c = 0; c < 4; ++c) (*row)[c] = x[i] + 10 * r + c;
    out[i * 6 + 3] = trace(grid) + grid[2][3];
    int* flat = &grid[0][0];
    out[i * 6 + 4] = flat[i % 12];

    int high;
    split(x[i] * x[i], &high, flat[1]);
    int& alias = grid[0][1];
    alias += 1000 * high;
    out[i * 6 + 5] = grid[0][1];
}

// Pointers into shared memory and local arrays passed to functions; void* and back; alignment.
__device__ void bubble(int* v, int count)
{
    for (int* last = v + count - 1; last > v; --last)
        for (int* p = v; p < last; ++p)
            if (*p > p[1]) {
                const int t = *p;
                *p = p[1];
                p[1] = t;
            }
}

__device__ float read(const void* p, bool as_int) { return as_int ? *(const int*)p : *static_cast<const float*>(p); }

extern "C" __global__ void pointer_parameters(int* x, float* f, float* out, int n)
{
    __shared__ int tile[4 * 32];
    const int i = GLOBAL_ID;
    int mine[5];
    for (int k = 0; k < 5; ++k) mine[k] = x[(i + k * 7) % n];
    bubble(mine, 5);
    int* slot = tile + 4 * threadIdx.x;
    for (int k = 0; k < 4; ++k) slot[k] = x[(i + k) % n];
    bubble(slot, 4);
    if (i >= n) return;
    out[i * 4] = mine[2];
    out[i * 4 + 1] = slot[0] * 100 + tile[4 * threadIdx.x + 3];
    out[i * 4 + 2] = read(i % 2 ? (void*)&x[i] : (void*)&f[i], i % 2);
    out[i * 4 + 3] = (reinterpret_cast<unsigned long long>(&f[i]) - (size_t)f) % 16;
}

// Per-thread arrays with a varying index: a stack, a ring, a table of a string.
extern "C" __global__ void local_arrays(const int* x, int* out, int n)
{
    const int i = GLOBAL_ID;
    if (i >= n) return;
    int stack[16], top = 0;
    for (int v = x[i] & 0xff; v; v /= 3) stack[top++] = v % 3;
    int packed = 0;
    while (top > 0) packed = packed * 10 + stack[--top];
    short ring[8] = {1, 1};
    for (int k = 2; k < 20 + i % 5; ++k) ring[k & 7] = ring[(k - 1) & 7] + ring[(k - 2) & 7];
    const char* digits = "0123456789abcdef";
    out[i * 3] = packed;
    out[i * 3 + 1] = ring[i & 7];
    out[i * 3 + 2] = digits[x[i] & 15] * 256 + "xyz"[i % 3];
}

// A linked list in an array: nodes by index, a tree walked with an explicit stack.
struct Node {
    int value, left, right;
};

extern "C" __global__ void tree_walk(const Node* nodes, const int* roots, int* sums, int* deepest, int n)
{
    const int i = GLOBAL_ID;
    if (i >= n) return;
    struct Frame {
        int node, depth;
    } stack[32];
    int top = 0, sum = 0, deep = 0;
    stack[top++] = {roots[i], 1};
    while (top) {
        const Frame f = stack[--top];
        const Node* node = nodes + f.node;
        sum += node->value;
        if (f.depth > deep) deep = f.depth;
        if (node->left >= 0) stack[top++] = Frame{node->left, f.depth + 1};
        if (node->right >= 0) stack[top++] = Frame{node->right, f.depth + 1};
    }
    sums[i] = sum;
    deepest[i] = deep;
}
