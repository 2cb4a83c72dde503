// Control flow.

#define GLOBAL_ID ((int)(blockIdx.x * blockDim.x + threadIdx.x))

// Fall-through, default in the middle, nested switches, break and continue of the loop around.
extern "C" __global__ void switches(const int* x, int* out, int n)
{
    const int i = GLOBAL_ID;
    if (i >= n) return;
    int v = 0;
    switch (x[i]) {
        case 0:
            v += 1;
            [[fallthrough]];
        case 1:
        case 2:
            v += 10;
            break;
        default:
            v += 1000;
        case 4: {
            const int inner = v + 3;
            v += inner;
            break;
        }
        case -3: v = -1; break;
    }
    int loops = 0, collected = 0;
    for (int k = 0; k < 10; ++k) {
        ++loops;
        switch ((x[i] + k) % 5) {
            case 0: continue;
            case 1: collected += 1; break;
            case 3:
                if (k > 6)
                    k = 100;
                else
                    collected += 100;
                break;
            default:
                switch (k & 1) {
                    case 0: collected += 10000; break;
                    default: break;
                }
        }
        collected += 1000000;
    }
    out[i * 3] = v;
    out[i * 3 + 1] = loops;
    out[i * 3 + 2] = collected;
}

// Loops of every form; nested break and continue; a return from inside.
__device__ int find_pair(const int* x, int n, int wanted)
{
    for (int i = 0; i < n; ++i)
        for (int j = i + 1; j < n; ++j)
            if (x[i] + x[j] == wanted) return i * 100 + j;
    return -1;
}

extern "C" __global__ void loops(const int* x, int* out, int n)
{
    const int i = GLOBAL_ID;
    if (i >= n) return;
    int* o = out + i * 6;
    int v = x[i] & 31, steps = 0;
    do {
        v = v % 2 ? 3 * v + 1 : v / 2;
        steps++;
    } while (v > 1);
    o[0] = steps;
    int count = 0;
    for (int a = 0, b = 20; a < b; ++a, b -= 2) count += b - a;
    o[1] = count;
    int sum = 0;
    for (int r = 0; r < 8; r++) {
        if (r == (i & 3)) continue;
        for (int c = 0;; c++) {
            if (c > r) break;
            if ((c ^ r) & 1) continue;
            sum += r * c;
            if (sum > 60) break;
        }
        if (sum > 80) break;
    }
    o[2] = sum;
    o[3] = find_pair(x, n, x[i]);
    int budget = 5;
    while (budget-- > 0)
        if (x[(i + budget) % n] < 0) break;
    o[4] = budget;
    unsigned down = 3, seen = 0;
    for (unsigned k = 5; k-- > down;) seen = seen * 10 + k;
    for (;;) {
        if (++seen % 7 == 0) break;
    }
    o[5] = seen;
}

// A state machine: numbers in a text, by a switch in a loop over an enum.
enum State { Outside, Sign, Digits, Fraction };

extern "C" __global__ void parse_numbers(const char* text, const int* starts, int* integers, int* fractions, int n)
{
    const int i = GLOBAL_ID;
    if (i >= n) return;
    State state = Outside;
    int negative = 0, value = 0, found = 0, with_fraction = 0;
    for (const char* p = text + starts[i];; ++p) {
        const char c = *p;
        const bool digit = c >= '0' && c <= '9';
        switch (state) {
            case Outside:
                if (c == '-')
                    state = Sign;
                else if (digit) {
                    state = Digits;
                    negative = 0;
                    value = c - '0';
                }
                break;
            case Sign:
                state = digit ? Digits : Outside;
                negative = 1;
                value = c - '0';
                break;
            case Digits:
                if (digit) {
                    value = value * 10 + (c - '0');
                    break;
                }
                found += negative ? -value : value;
                state = c == '.' ? Fraction : Outside;
                break;
            case Fraction:
                if (!digit) {
                    ++with_fraction;
                    state = Outside;
                }
                break;
        }
        if (c == '\0') break;
    }
    integers[i] = found;
    fractions[i] = with_fraction;
}

// Short circuits, comma, ternaries, assignments as values, if and switch with initialisers, bindings.
__device__ bool bump(int& counter, bool result)
{
    ++counter;
    return result;
}

struct Split {
    int quotient, remainder;
};

__device__ Split divide(int a, int b) { return {a / b, a % b}; }

extern "C" __global__ void expressions(const int* x, int* out, int n)
{
    const int i = GLOBAL_ID;
    if (i >= n) return;
    int* o = out + i * 8;
    const int v = x[i];
    int calls = 0;
    const bool both = v > 0 && bump(calls, v > 5);
    const bool either = v > 0 || bump(calls, v < -5);
    o[0] = both + 2 * either + 10 * calls;
    o[1] = v < 0 ? v < -5 ? 1 : 2 : v > 5 ? 3 : 4;
    int a, b, c;
    a = b = c = v;
    a += b -= c *= 2;
    o[2] = (a++, b++, a * 3 + b);
    int index = 0;
    int slots[4] = {1, 2, 3, 4};
    slots[index++] += 10;
    slots[index++] *= 3;
    (v & 1 ? slots[2] : slots[3]) = 77;
    o[3] = slots[0] * 1000 + slots[1] * 100 + slots[2] + slots[3];
    if (const int half = v / 2; half != 0)
        o[4] = 100 / half;
    else
        o[4] = half - 1;
    const auto [quotient, remainder] = divide(v, 3);
    o[5] = quotient * 10 + remainder;
    int total = 0;
    for (auto& s : slots) s -= 1;
    for (int s : slots) total += s;
    o[6] = total;
    o[7] = i > 0 && x[i - 1] > v ? x[i - 1] : v;
}

// Returns at many depths, before and between barriers that all remaining threads reach.
extern "C" __global__ void early_returns(const int* x, int* out, int n)
{
    __shared__ int shared[64];
    const int i = GLOBAL_ID;
    shared[threadIdx.x] = i < n ? x[i] : 0;
    __syncthreads();
    if (i >= n) return;
    const int next = shared[(threadIdx.x + 1) % blockDim.x];
    if (next < 0) {
        if (x[i] < 0) {
            out[i] = -2;
            return;
        }
        out[i] = -1;
        return;
    }
    for (int k = 0; k < 4; ++k) {
        if (next % (k + 2) == 0) {
            out[i] = k;
            return;
        }
    }
    out[i] = 9;
}
