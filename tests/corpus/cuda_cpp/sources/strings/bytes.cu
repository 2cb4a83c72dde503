// Text and bytes: searching, coding, checksums, edit distances.

#define MAX_PATTERN 16

extern "C" __global__ void count_substring(const char* text, int length, const char* pattern, int pattern_length,
                                           int* count)
{
    __shared__ char p[MAX_PATTERN];
    if (threadIdx.x < pattern_length) p[threadIdx.x] = pattern[threadIdx.x];
    __syncthreads();
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i + pattern_length > length) return;
    for (int k = 0; k < pattern_length; ++k)
        if (text[i + k] != p[k]) return;
    atomicAdd(count, 1);
}

// Knuth-Morris-Pratt over a thread's stretch, overlapping by the pattern's length.
extern "C" __global__ void find_matches(const unsigned char* text, int length, const unsigned char* pattern,
                                        const int* failure, int m, unsigned char* found, int stretch)
{
    int i = (blockIdx.x * blockDim.x + threadIdx.x) * stretch;
    const int end = min(i + stretch + m - 1, length);
    int matched = 0;
    while (i < end) {
        while (matched > 0 && text[i] != pattern[matched]) matched = failure[matched - 1];
        if (text[i] == pattern[matched]) matched++;
        i++;
        if (matched == m) {
            found[i - m] = 1;
            matched = failure[m - 1];
        }
    }
}

extern "C" __global__ void caesar(char* text, int n, int shift)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    char c = text[i];
    if (c >= 'a' && c <= 'z')
        c = 'a' + (c - 'a' + shift) % 26;
    else if (c >= 'A' && c <= 'Z')
        c = 'A' + (c - 'A' + shift) % 26;
    text[i] = c;
}

// The table is made in shared memory, then a message a thread.
extern "C" __global__ void crc32(const unsigned char* data, const int* offsets, unsigned int* crc, int messages)
{
    __shared__ unsigned int table[256];
    for (unsigned int b = threadIdx.x; b < 256; b += blockDim.x) {
        unsigned int c = b;
        for (int k = 0; k < 8; ++k) c = c & 1 ? 0xEDB88320u ^ (c >> 1) : c >> 1;
        table[b] = c;
    }
    __syncthreads();
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= messages) return;
    unsigned int c = ~0u;
    for (const unsigned char *p = data + offsets[i], *end = data + offsets[i + 1]; p != end; ++p)
        c = table[(c ^ *p) & 0xff] ^ (c >> 8);
    crc[i] = ~c;
}

__device__ const char kBase64[65] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

extern "C" __global__ void base64_encode(const unsigned char* in, int n, char* out)
{
    const int group = blockIdx.x * blockDim.x + threadIdx.x;
    const int at = group * 3;
    if (at >= n) return;
    const int left = n - at;
    unsigned int bits = in[at] << 16;
    if (left > 1) bits |= in[at + 1] << 8;
    if (left > 2) bits |= in[at + 2];
    char4 text;
    text.x = kBase64[bits >> 18];
    text.y = kBase64[(bits >> 12) & 63];
    text.z = left > 1 ? kBase64[(bits >> 6) & 63] : '=';
    text.w = left > 2 ? kBase64[bits & 63] : '=';
    reinterpret_cast<char4*>(out)[group] = text;
}

// Edit distance of one word to many, a row of the table in a per-thread array.
template <int MAX_LENGTH>
__global__ void levenshtein(const char* word, int length, const char* words, const int* lengths, int pitch, int n,
                            int* distances)
{
    const int w = blockIdx.x * blockDim.x + threadIdx.x;
    if (w >= n) return;
    const char* other = words + w * pitch;
    unsigned short row[MAX_LENGTH + 1];
    for (int j = 0; j <= length; ++j) row[j] = j;
    for (int i = 1; i <= lengths[w]; ++i) {
        unsigned short diagonal = row[0];
        row[0] = i;
        for (int j = 1; j <= length; ++j) {
            const unsigned short above = row[j];
            const int substituted = diagonal + (other[i - 1] != word[j - 1]);
            row[j] = min(substituted, min(above, row[j - 1]) + 1);
            diagonal = above;
        }
    }
    distances[w] = row[length];
}

// Words in a text: a word starts where a letter follows something else.
__device__ __forceinline__ bool is_letter(char c) { return (c | 0x20) >= 'a' && (c | 0x20) <= 'z'; }

extern "C" __global__ void count_words(const char* text, int n, int* words, int* longest)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    const bool starts = i < n && is_letter(text[i]) && (i == 0 || !is_letter(text[i - 1]));
    const int in_block = __syncthreads_count(starts);
    if (threadIdx.x == 0) atomicAdd(words, in_block);
    if (!starts) return;
    int length = 1;
    while (i + length < n && is_letter(text[i + length])) ++length;
    atomicMax(longest, length);
}

// SHA-256 of one-block messages.
#define ROTR(x, n) __funnelshift_r((x), (x), (n))

__constant__ unsigned int K[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

extern "C" __global__ void sha256(const unsigned char* messages, int length, unsigned int* digests, int n)
{
    const int t = blockIdx.x * blockDim.x + threadIdx.x;
    if (t >= n) return;
    const unsigned char* message = messages + t * length;
    unsigned int w[64];
    for (int i = 0; i < 16; ++i) {
        w[i] = 0;
        for (int b = 0; b < 4; ++b) {
            const int at = 4 * i + b;
            const unsigned char byte = at < length ? message[at] : at == length ? 0x80 : 0;
            w[i] = (w[i] << 8) | byte;
        }
    }
    w[15] = length * 8;
    for (int i = 16; i < 64; ++i) {
        const unsigned int s0 = ROTR(w[i - 15], 7) ^ ROTR(w[i - 15], 18) ^ (w[i - 15] >> 3);
        const unsigned int s1 = ROTR(w[i - 2], 17) ^ ROTR(w[i - 2], 19) ^ (w[i - 2] >> 10);
        w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
    const unsigned int initial[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                     0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    unsigned int v[8];
    for (int i = 0; i < 8; ++i) v[i] = initial[i];
#pragma unroll 4
    for (int i = 0; i < 64; ++i) {
        const unsigned int e = v[4], a = v[0];
        const unsigned int t1 = v[7] + (ROTR(e, 6) ^ ROTR(e, 11) ^ ROTR(e, 25)) + ((e & v[5]) ^ (~e & v[6])) + K[i] + w[i];
        const unsigned int t2 = (ROTR(a, 2) ^ ROTR(a, 13) ^ ROTR(a, 22)) + ((a & v[1]) ^ (a & v[2]) ^ (v[1] & v[2]));
        for (int k = 7; k > 0; --k) v[k] = v[k - 1];
        v[4] += t1;
        v[0] = t1 + t2;
    }
    for (int i = 0; i < 8; ++i) digests[t * 8 + i] = initial[i] + v[i];
}
