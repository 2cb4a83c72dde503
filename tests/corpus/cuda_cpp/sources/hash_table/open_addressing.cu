// Hash tables with linear probing; an empty slot is claimed by compare-and-swap.

typedef unsigned int u32;
typedef unsigned long long int u64;

const u32 kEmpty = 0xffffffff;

struct KeyValue {
    u32 key;
    u32 value;
};

// 32-bit Murmur3 finaliser.
__device__ u32 hash32(u32 k, u32 capacity)
{
    k ^= k >> 16;
    k *= 0x85ebca6b;
    k ^= k >> 13;
    k *= 0xc2b2ae35;
    k ^= k >> 16;
    return k & (capacity - 1);
}

extern "C" __global__ void table_insert(KeyValue* table, u32 capacity, const KeyValue* pairs, u32 n)
{
    u32 tid = blockIdx.x * blockDim.x + threadIdx.x;
    if (tid < n) {
        u32 key = pairs[tid].key;
        u32 value = pairs[tid].value;
        u32 slot = hash32(key, capacity);
        while (true) {
            u32 prev = atomicCAS(&table[slot].key, kEmpty, key);
            if (prev == kEmpty || prev == key) {
                atomicMax(&table[slot].value, value);
                return;
            }
            slot = (slot + 1) & (capacity - 1);
        }
    }
}

extern "C" __global__ void table_lookup(const KeyValue* table, u32 capacity, const u32* keys, u32* values, u32 n)
{
    const u32 tid = blockIdx.x * blockDim.x + threadIdx.x;
    if (tid >= n) return;
    const u32 key = keys[tid];
    for (u32 slot = hash32(key, capacity);; slot = (slot + 1) & (capacity - 1)) {
        const KeyValue& entry = table[slot];
        if (entry.key == key) {
            values[tid] = entry.value;
            return;
        }
        if (entry.key == kEmpty) {
            values[tid] = kEmpty;
            return;
        }
    }
}

// 64-bit keys in one array, counts in another (a k-mer counter).
__device__ __forceinline__ u64 mix64(u64 k)
{
    k ^= k >> 33;
    k *= 0xff51afd7ed558ccdULL;
    k ^= k >> 33;
    k *= 0xc4ceb9fe1a85ec53ULL;
    return k ^ k >> 33;
}

extern "C" __global__ void count_keys(const u64* keys, int n, u64* slots, u32* counts, u64 mask, int* overflow)
{
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) {
        const u64 key = keys[i];
        u64 slot = mix64(key) & mask;
        bool placed = false;
        for (u64 probe = 0; probe <= mask && !placed; ++probe, slot = (slot + 1) & mask) {
            const u64 seen = atomicCAS(slots + slot, ~0ULL, key);
            if (seen == ~0ULL || seen == key) {
                atomicAdd(counts + slot, 1u);
                placed = true;
            }
        }
        if (!placed) atomicExch(overflow, 1);
    }
}

// A Bloom filter: k bits a key by double hashing, set and tested.
extern "C" __global__ void bloom_insert(const u32* keys, int n, u32* bits, u32 n_bits)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    u32 h = keys[i] * 2654435761u;
    const u32 step = (h >> 16) | 1u;
    for (int k = 0; k < 3; k++, h += step) {
        const u32 bit = h % n_bits;
        atomicOr(&bits[bit / 32], 1u << (bit % 32));
    }
}
