// In the manner of the toolkit's samples and of small projects.

#define TILE_DIM 32
#define BLOCK_ROWS 8

// Transposition through a padded tile, by diagonal blocks.
extern "C" __global__ void transpose_diagonal(float* odata, const float* idata, int width, int height)
{
    __shared__ float tile[TILE_DIM][TILE_DIM + 1];
    int blockIdx_x, blockIdx_y;
    if (width == height) {
        blockIdx_y = blockIdx.x;
        blockIdx_x = (blockIdx.x + blockIdx.y) % gridDim.x;
    } else {
        int bid = blockIdx.x + gridDim.x * blockIdx.y;
        blockIdx_y = bid % gridDim.y;
        blockIdx_x = ((bid / gridDim.y) + blockIdx_y) % gridDim.x;
    }
    int xIndex = blockIdx_x * TILE_DIM + threadIdx.x;
    int yIndex = blockIdx_y * TILE_DIM + threadIdx.y;
    int index_in = xIndex + (yIndex)*width;
    xIndex = blockIdx_y * TILE_DIM + threadIdx.x;
    yIndex = blockIdx_x * TILE_DIM + threadIdx.y;
    int index_out = xIndex + (yIndex)*height;
    for (int i = 0; i < TILE_DIM; i += BLOCK_ROWS) tile[threadIdx.y + i][threadIdx.x] = idata[index_in + i * width];
    __syncthreads();
    for (int i = 0; i < TILE_DIM; i += BLOCK_ROWS) odata[index_out + i * height] = tile[threadIdx.x][threadIdx.y + i];
}

// 8x8 discrete cosine transform: rows, then columns, in registers of one thread a line.
__constant__ float dct[8] = {0.3535533905932738f, 0.4903926402016152f, 0.4619397662556434f, 0.4157348061512726f,
                             0.3535533905932738f, 0.2777851165098011f, 0.1913417161825449f, 0.0975451610080641f};

__device__ float basis(int k, int n)
{
    int phase = ((2 * n + 1) * k) & 31;
    float sign = 1.f;
    if (phase > 16) phase = 32 - phase;
    if (phase > 8) {
        phase = 16 - phase;
        sign = -1.f;
    }
    if (k == 0) return dct[0];
    return phase == 8 ? 0.f : phase == 0 ? sign * 0.5f : sign * dct[phase];
}

__device__ void transform8(float* first, int step)
{
    float in[8], out[8];
    for (int n = 0; n < 8; ++n) in[n] = first[n * step];
    for (int k = 0; k < 8; ++k) {
        out[k] = 0.f;
        for (int n = 0; n < 8; ++n) out[k] += basis(k, n) * in[n];
    }
    for (int k = 0; k < 8; ++k) first[k * step] = out[k];
}

extern "C" __global__ void dct8x8(const float* src, float* dst, int pitch)
{
    __shared__ float block[64];
    const int t = threadIdx.x;
    const float* from = src + blockIdx.y * 8 * pitch + blockIdx.x * 8;
    for (int row = 0; row < 8; ++row) block[row * 8 + t] = from[row * pitch + t];
    __syncthreads();
    transform8(block + t * 8, 1);
    __syncthreads();
    transform8(&block[t], 8);
    __syncthreads();
    for (int row = 0; row < 8; ++row) dst[(blockIdx.y * 8 + row) * pitch + blockIdx.x * 8 + t] = block[row * 8 + t];
}

// A ray tracer: spheres and a plane, shadows and mirrors, colours as 8-bit pixels would lose what we check.
struct vec {
    float x, y, z;
    __device__ vec(float v = 0.f) : x(v), y(v), z(v) {}
    __device__ vec(float a, float b, float c) : x(a), y(b), z(c) {}
    __device__ vec operator+(vec o) const { return vec(x + o.x, y + o.y, z + o.z); }
    __device__ vec operator-(vec o) const { return vec(x - o.x, y - o.y, z - o.z); }
    __device__ vec operator*(vec o) const { return vec(x * o.x, y * o.y, z * o.z); }
    __device__ float operator%(vec o) const { return x * o.x + y * o.y + z * o.z; }
    __device__ vec& operator*=(float s) { return *this = *this * vec(s); }
    __device__ vec normalised() const { return *this * vec(rsqrtf(*this % *this)); }
};

struct Ray {
    vec o, d;
    __device__ Ray(vec o_, vec d_) : o(o_), d(d_) {}
    __device__ vec at(float t) const { return o + d * t; }
};

struct Hit {
    float t;
    vec normal;
    int material;
    __device__ bool closer(float other) const { return other < t; }
};

struct Sphere {
    float centre[3];
    float radius;
    int material;

    __device__ bool intersect(const Ray& r, Hit& hit) const
    {
        const vec c(centre[0], centre[1], centre[2]);
        const vec op = c - r.o;
        const float b = op % r.d, det = b * b - op % op + radius * radius;
        if (det < 0.f) return false;
        const float root = sqrtf(det), t = b - root > 1e-3f ? b - root : b + root;
        if (t < 1e-3f || !hit.closer(t)) return false;
        hit.t = t;
        hit.normal = (r.at(t) - c).normalised();
        hit.material = material;
        return true;
    }
};

extern "C" __global__ void trace(const Sphere* spheres, int count, const float3* colours, float3* image, int width, int height,
                                 int bounces)
{
    const int px = blockIdx.x * blockDim.x + threadIdx.x, py = blockIdx.y * blockDim.y + threadIdx.y;
    if (px >= width || py >= height) return;
    Ray ray(vec(0.f, 1.f, -4.f), vec((px + 0.5f) / width - 0.5f, 0.5f - (py + 0.5f) / height, 1.f).normalised());
    const vec light = vec(1.f, 2.f, -1.f).normalised();
    vec colour, weight(1.f);
    for (int bounce = 0; bounce <= bounces; ++bounce) {
        Hit hit{1e20f, vec(), -1};
        for (int s = 0; s < count; ++s) spheres[s].intersect(ray, hit);
        if (hit.material < 0) {
            colour = colour + weight * vec(0.5f, 0.7f, 1.0f) * (0.5f + 0.5f * ray.d.y);
            break;
        }
        const vec p = ray.at(hit.t);
        Hit shadow{1e20f, vec(), -1};
        bool lit = true;
        for (int s = 0; s < count && lit; ++s) lit = !spheres[s].intersect(Ray(p, light), shadow);
        const float diffuse = lit ? fmaxf(hit.normal % light, 0.f) : 0.f;
        const float3 c = colours[hit.material];
        colour = colour + weight * vec(c.x, c.y, c.z) * (0.1f + 0.6f * diffuse);
        weight *= 0.3f;
        ray = Ray(p, ray.d - hit.normal * (2.f * (ray.d % hit.normal)));
    }
    image[py * width + px] = make_float3(colour.x, colour.y, colour.z);
}

// Queens on a board: the first rows are given, the rest is counted with a stack of bit masks.
extern "C" __global__ void queens(const uint3* starts, int given, int n, int tasks, int* solutions)
{
    __shared__ int found;
    if (threadIdx.x == 0) found = 0;
    __syncthreads();
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < tasks) {
        const unsigned full = (1u << n) - 1;
        unsigned columns[12], left[12], right[12], open[12];
        int depth = 0, mine = 0;
        columns[0] = starts[i].x;
        left[0] = starts[i].y;
        right[0] = starts[i].z;
        open[0] = full & ~(columns[0] | left[0] | right[0]);
        if (given == n) mine = 1;
        while (depth >= 0 && given < n) {
            if (!open[depth]) {
                --depth;
                continue;
            }
            const unsigned bit = open[depth] & -open[depth];
            open[depth] ^= bit;
            if (given + depth + 1 == n) {
                ++mine;
                continue;
            }
            columns[depth + 1] = columns[depth] | bit;
            left[depth + 1] = (left[depth] | bit) << 1;
            right[depth + 1] = (right[depth] | bit) >> 1;
            ++depth;
            open[depth] = full & ~(columns[depth] | left[depth] | right[depth]);
        }
        atomicAdd(&found, mine);
    }
    __syncthreads();
    if (threadIdx.x == 0) atomicAdd(solutions, found);
}

// Gradient noise: a permutation in constant memory, gradients by a switch.
__constant__ unsigned char hashes[32] = {14, 3, 9, 11, 0, 7, 5, 12, 1, 15, 8, 2, 13, 6, 10, 4,
                                         14, 3, 9, 11, 0, 7, 5, 12, 1, 15, 8, 2, 13, 6, 10, 4};

__device__ __forceinline__ float fade(float t) { return t * t * t * (t * (t * 6.f - 15.f) + 10.f); }
__device__ __forceinline__ float lerp(float t, float a, float b) { return a + t * (b - a); }
__device__ float gradient(int hash, float x, float y)
{
    switch (hash & 3) {
        case 0: return x + y;
        case 1: return -x + y;
        case 2: return x - y;
        case 3: return -x - y;
        default: return 0.f;
    }
}

__device__ float noise(float x, float y)
{
    const int X = (int)floorf(x) & 15, Y = (int)floorf(y) & 15;
    x -= floorf(x);
    y -= floorf(y);
    const float u = fade(x), v = fade(y);
    const int A = hashes[X] + Y, B = hashes[X + 1] + Y;
    return lerp(v, lerp(u, gradient(hashes[A & 15], x, y), gradient(hashes[B & 15], x - 1.f, y)),
                lerp(u, gradient(hashes[(A + 1) & 15], x, y - 1.f), gradient(hashes[(B + 1) & 15], x - 1.f, y - 1.f)));
}

extern "C" __global__ void fractal_noise(float* out, int width, int height, float scale, int octaves)
{
    const int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x >= width || y >= height) return;
    float sum = 0.f, amplitude = 1.f, frequency = scale;
    for (int o = 0; o < octaves; o++, amplitude *= 0.5f, frequency *= 2.f)
        sum += amplitude * noise(x * frequency, y * frequency);
    out[y * width + x] = sum;
}

// The Mersenne twister's tempering and its recurrence over a block's 624 words.
extern "C" __global__ void mt19937(unsigned int* states, unsigned int* out, int n)
{
    enum { N = 624, M = 397 };
    __shared__ unsigned int mt[N];
    unsigned int* state = states + blockIdx.x * N;
    for (int i = threadIdx.x; i < N; i += blockDim.x) mt[i] = state[i];
    __syncthreads();
    // Words depend on those 227 places before: three stretches, each of them parallel.
    const int ends[] = {N - M, 2 * (N - M), N - 1, N};
    int begin = 0;
    for (int stretch = 0; stretch < 4; ++stretch) {
        const int end = ends[stretch];
        for (int base = begin; base < end; base += blockDim.x) {
            const int i = base + threadIdx.x;
            unsigned int word = 0;
            if (i < end) {
                const unsigned int y = (mt[i] & 0x80000000u) | (mt[(i + 1) % N] & 0x7fffffffu);
                word = mt[(i + M) % N] ^ (y >> 1) ^ ((y & 1u) ? 0x9908b0dfu : 0u);
            }
            __syncthreads();
            if (i < end) mt[i] = word;
            __syncthreads();
        }
        begin = end;
    }
    for (int i = threadIdx.x; i < N; i += blockDim.x) {
        unsigned int y = state[i] = mt[i];
        y ^= y >> 11;
        y ^= y << 7 & 0x9d2c5680u;
        y ^= y << 15 & 0xefc60000u;
        y ^= y >> 18;
        if (i < n) out[blockIdx.x * n + i] = y;
    }
}
