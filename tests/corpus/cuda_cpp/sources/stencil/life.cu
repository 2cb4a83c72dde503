// Conway's Game of Life on a torus.

typedef unsigned char cell_t;

extern "C" __global__ void life(const cell_t* now, cell_t* next, int width, int height)
{
    for (int at = blockIdx.x * blockDim.x + threadIdx.x; at < width * height; at += blockDim.x * gridDim.x) {
        const int x = at % width, y0 = at - x;
        const int left = (x + width - 1) % width, right = (x + 1) % width;
        const int up = (y0 + width * (height - 1)) % (width * height), down = (y0 + width) % (width * height);
        const int alive = now[up + left] + now[up + x] + now[up + right] + now[y0 + left] + now[y0 + right] +
                          now[down + left] + now[down + x] + now[down + right];
        next[at] = alive == 3 || (alive == 2 && now[at]) ? 1 : 0;
    }
}

// 64 cells a word: neighbours are counted in bit-sliced adders.
typedef unsigned long long u64;

__device__ void half_add(u64 a, u64 b, u64& sum, u64& carry)
{
    sum = a ^ b;
    carry = a & b;
}

__device__ void full_add(u64 a, u64 b, u64 c, u64& sum, u64& carry)
{
    const u64 t = a ^ b;
    sum = t ^ c;
    carry = (a & b) | (t & c);
}

extern "C" __global__ void life_bits(const u64* now, u64* next, int words, int height)
{
    const int w = blockIdx.x * blockDim.x + threadIdx.x;
    const int y = blockIdx.y * blockDim.y + threadIdx.y;
    if (w >= words || y >= height) return;
    u64 ones = 0, twos = 0, fours = 0;
    for (int dy = -1; dy <= 1; dy++) {
        const u64* row = now + ((y + dy + height) % height) * words;
        const u64 here = row[w];
        const u64 west = (here << 1) | (row[(w + words - 1) % words] >> 63);
        const u64 east = (here >> 1) | (row[(w + 1) % words] << 63);
        u64 sum, carry, c2, c4;
        if (dy == 0)
            half_add(west, east, sum, carry);
        else
            full_add(west, here, east, sum, carry);
        half_add(ones, sum, ones, c2);
        full_add(twos, carry, c2, twos, c4);
        fours |= c4;
    }
    next[y * words + w] = twos & ~fours & (ones | now[y * words + w]);
}
