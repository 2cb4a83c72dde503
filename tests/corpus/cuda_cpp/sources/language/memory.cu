// Shared memory, constants and globals.

#define GLOBAL_ID ((int)(blockIdx.x * blockDim.x + threadIdx.x))

// Static shared arrays of one to three dimensions, and a scalar.
extern "C" __global__ void shared_arrays(const int* x, int* out)
{
    __shared__ int line[64];
    __shared__ int plane[8][8 + 1];
    __shared__ int cube[4][4][4];
    __shared__ int total;
    const int t = threadIdx.x;
    const int v = x[GLOBAL_ID];
    line[t] = v;
    plane[t / 8][t % 8] = v;
    cube[t / 16][t / 4 % 4][t % 4] = v;
    if (t == 0) total = 0;
    __syncthreads();
    atomicAdd(&total, v);
    __syncthreads();
    int* o = out + 4 * GLOBAL_ID;
    o[0] = line[63 - t];
    o[1] = plane[t % 8][t / 8];
    o[2] = cube[t % 4][t / 4 % 4][t / 16];
    o[3] = total;
}

// Several typed arrays carved from one dynamic array.
extern "C" __global__ void carved_shared(const double* x, double* out, int n)
{
    extern __shared__ __align__(16) char raw[];
    double* values = (double*)raw;
    int* keys = (int*)(values + n);
    unsigned short* marks = reinterpret_cast<unsigned short*>(keys + n);
    char* flags = (char*)&marks[n];
    const int t = threadIdx.x;
    if (t < n) {
        values[t] = x[blockIdx.x * n + t];
        keys[t] = (int)values[t];
        marks[t] = (unsigned short)(60000 + 1000 * t);
        flags[t] = values[t] > 0 ? 'y' : 'n';
    }
    __syncthreads();
    if (t < n) {
        const int r = n - 1 - t;
        out[blockIdx.x * n + t] = values[r] + 10.0 * keys[(t + 1) % n] + marks[r] + flags[t] / 256.0;
    }
}

// Shared structs, one and many, written by field and whole; a shared variable of a device function.
struct Tally {
    int count;
    float sum;
    unsigned char seen[4];
};

__device__ int broadcast(int value, int from)
{
    __shared__ int slot;
    __syncthreads();
    if (threadIdx.x == from) slot = value;
    __syncthreads();
    return slot;
}

extern "C" __global__ void shared_structs(const float* x, Tally* out, int* heard)
{
    __shared__ Tally tallies[2];
    __shared__ struct { int first, last; } range;
    const int t = threadIdx.x;
    if (t < 2) tallies[t] = Tally{0, 0.f, {0, 0, 0, 0}};
    if (t == 0) range.first = 1 << 30, range.last = -1;
    __syncthreads();
    const float v = x[GLOBAL_ID];
    Tally& mine = tallies[v < 0.f];
    atomicAdd(&mine.count, 1);
    atomicAdd(&mine.sum, v);
    mine.seen[t % 4] = 1;
    if (v > 2.f) {
        atomicMin(&range.first, t);
        atomicMax(&range.last, t);
    }
    __syncthreads();
    if (t < 2) out[blockIdx.x * 2 + t] = tallies[t];
    heard[GLOBAL_ID] = broadcast(range.last - range.first, 3) * 1000 + broadcast(t * t, 5);
}

// The type of dynamic shared memory depends on the template.
template <typename T>
struct SharedMemory {
    __device__ operator T*()
    {
        extern __shared__ int bytes[];
        return (T*)bytes;
    }
};

template <typename T>
__global__ void reverse_dynamic(T* data)
{
    T* s = SharedMemory<T>();
    s[threadIdx.x] = data[GLOBAL_ID];
    __syncthreads();
    data[GLOBAL_ID] = s[blockDim.x - 1 - threadIdx.x];
}

// __constant__ and __device__ variables with initialisers: scalars, arrays, structs.
struct Material {
    float density;
    int id;
    short levels[2];
};

__constant__ float scale = 0.5f;
__constant__ int offsets[2][3] = {{1, 2, 3}, {-1, -2, -3}};
__constant__ Material materials[3] = {{1.5f, 10, {1, 2}}, {2.5f, 20, {3, 4}}, {8.0f, 30, {5, 6}}};
static __constant__ unsigned char permutation[] = {3, 1, 0, 2};
__device__ const double weights[4] = {0.125, 0.25, 0.5, 1.0};
__device__ int table[5] = {5, 4, 3, 2, 1};
const int kShift = 2;
static const unsigned kMask = 0x7u;
__device__ constexpr int kLevels[] = {100, 200, 300};

extern "C" __global__ void constants(const int* x, float* out, int* whole, int n)
{
    static const int steps[3] = {7, 11, 13};
    const int i = GLOBAL_ID;
    if (i >= n) return;
    const Material& m = materials[i % 3];
    out[i] = scale * x[i] + m.density + (float)weights[i & 3];
    whole[i * 4] = offsets[i & 1][x[i] & 1] + m.id + m.levels[i & 1];
    whole[i * 4 + 1] = permutation[i & 3] * table[i % 5];
    whole[i * 4 + 2] = (x[i] << kShift) & kMask;
    whole[i * 4 + 3] = kLevels[i % 3] + steps[i % 3];
}

// A __device__ variable as scratch of one launch: written, then read by the last block.
__device__ int histogram[8];
__device__ unsigned int arrived;

extern "C" __global__ void device_globals(const int* x, int* out, int n)
{
    __shared__ bool last;
    const int i = GLOBAL_ID;
    if (i < n) atomicAdd(&histogram[x[i] & 7], 1);
    __threadfence();
    __syncthreads();
    if (threadIdx.x == 0) last = atomicAdd(&arrived, 1u) == gridDim.x - 1;
    __syncthreads();
    if (!last) return;
    if (threadIdx.x < 8) {
        out[threadIdx.x] = atomicExch(&histogram[threadIdx.x], 0);
        if (threadIdx.x == 0) arrived = 0;
    }
}
