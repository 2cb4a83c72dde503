// Gravitation, all pairs.

#define EPS2 0.01f

__device__ float3 body_body(float4 bi, float4 bj, float3 ai)
{
    float3 r;
    r.x = bj.x - bi.x;
    r.y = bj.y - bi.y;
    r.z = bj.z - bi.z;
    float dist_sqr = r.x * r.x + r.y * r.y + r.z * r.z + EPS2;
    float dist_sixth = dist_sqr * dist_sqr * dist_sqr;
    float inv_dist_cube = 1.0f / sqrtf(dist_sixth);
    float s = bj.w * inv_dist_cube;
    ai.x += r.x * s;
    ai.y += r.y * s;
    ai.z += r.z * s;
    return ai;
}

__device__ float3 tile_calculation(float4 position, float3 accel, int count)
{
    extern __shared__ float4 sh_position[];
    for (int i = 0; i < count; i++) accel = body_body(position, sh_position[i], accel);
    return accel;
}

// GPU Gems 3, chapter 31.
extern "C" __global__ void forces(const float4* X, float4* A, int N)
{
    extern __shared__ float4 sh_position[];
    float3 acc = {0.0f, 0.0f, 0.0f};
    int gtid = blockIdx.x * blockDim.x + threadIdx.x;
    float4 my_position = gtid < N ? X[gtid] : make_float4(0.f, 0.f, 0.f, 0.f);
    for (int i = 0, tile = 0; i < N; i += blockDim.x, tile++) {
        int idx = tile * blockDim.x + threadIdx.x;
        if (idx < N) sh_position[threadIdx.x] = X[idx];
        __syncthreads();
        acc = tile_calculation(my_position, acc, min((int)blockDim.x, N - i));
        __syncthreads();
    }
    if (gtid < N) A[gtid] = make_float4(acc.x, acc.y, acc.z, 0.0f);
}

struct Vec3 {
    double x, y, z;

    __device__ Vec3() : x(0), y(0), z(0) {}
    __device__ Vec3(double a, double b, double c) : x(a), y(b), z(c) {}
    __device__ Vec3 operator-(const Vec3& o) const { return Vec3(x - o.x, y - o.y, z - o.z); }
    __device__ Vec3 operator*(double s) const { return Vec3(x * s, y * s, z * s); }
    __device__ void operator+=(const Vec3& o)
    {
        x += o.x;
        y += o.y;
        z += o.z;
    }
    __device__ double dot(const Vec3& o) const { return x * o.x + y * o.y + z * o.z; }
};

struct Particle {
    Vec3 position;
    Vec3 velocity;
    float mass;
    int alive;
};

// Leapfrog kick and drift on an array of structs; dead particles neither pull nor move.
extern "C" __global__ void leapfrog(const Particle* now, Particle* next, int n, double dt)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    Particle me = now[i];
    if (me.alive) {
        Vec3 acceleration;
        for (int j = 0; j < n; ++j) {
            const Particle& other = now[j];
            if (j == i || !other.alive) continue;
            const Vec3 d = other.position - me.position;
            const double r2 = d.dot(d) + 0.05;
            acceleration += d * (other.mass / (r2 * sqrt(r2)));
        }
        me.velocity += acceleration * dt;
        me.position += me.velocity * dt;
    }
    next[i] = me;
}

// Lennard-Jones with a cut-off, neighbours from a list; energy by a block reduction.
extern "C" __global__ void lennard_jones(const float3* x, const int* neighbours, const int* counts, int capacity,
                                         float cutoff2, float3* force, double* energy, int n)
{
    __shared__ double partial[64];
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    double mine = 0.0;
    if (i < n) {
        const float3 xi = x[i];
        float3 f = make_float3(0.f, 0.f, 0.f);
        for (int k = 0; k < counts[i]; k++) {
            const float3 xj = x[neighbours[i * capacity + k]];
            const float dx = xi.x - xj.x, dy = xi.y - xj.y, dz = xi.z - xj.z;
            const float r2 = dx * dx + dy * dy + dz * dz;
            if (r2 >= cutoff2) continue;
            const float inverse2 = 1.f / r2;
            const float inverse6 = inverse2 * inverse2 * inverse2;
            const float scale = 24.f * inverse6 * (2.f * inverse6 - 1.f) * inverse2;
            f.x += dx * scale, f.y += dy * scale, f.z += dz * scale;
            mine += 2.0 * inverse6 * (inverse6 - 1.f);
        }
        force[i] = f;
    }
    partial[threadIdx.x] = mine;
    __syncthreads();
    for (int s = blockDim.x / 2; s > 0; s >>= 1) {
        if (threadIdx.x < s) partial[threadIdx.x] += partial[threadIdx.x + s];
        __syncthreads();
    }
    if (threadIdx.x == 0) energy[blockIdx.x] = partial[0];
}
