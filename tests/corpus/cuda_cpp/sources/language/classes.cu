// Classes: construction, operators, inheritance, layout.

#define GLOBAL_ID ((int)(blockIdx.x * blockDim.x + threadIdx.x))

// Constructors: default member initialisers, delegation, conversion.
class Fraction {
    long long p = 0, q = 1;

    __device__ static long long gcd(long long a, long long b)
    {
        while (b) {
            const long long t = a % b;
            a = b;
            b = t;
        }
        return a < 0 ? -a : a;
    }

  public:
    Fraction() = default;
    __device__ Fraction(int whole) : Fraction(whole, 1) {}
    __device__ Fraction(long long n, long long d) : p(n), q(d)
    {
        const long long g = gcd(p, q);
        p /= g;
        q /= g;
        if (q < 0) {
            p = -p;
            q = -q;
        }
    }
    __device__ Fraction operator-() const { return Fraction(-p, q); }
    __device__ Fraction& operator+=(const Fraction& o) { return *this = Fraction(p * o.q + o.p * q, q * o.q); }
    __device__ friend Fraction operator+(Fraction a, const Fraction& b) { return a += b; }
    __device__ friend Fraction operator*(const Fraction& a, const Fraction& b) { return {a.p * b.p, a.q * b.q}; }
    __device__ bool operator<(const Fraction& o) const { return p * o.q < o.p * q; }
    __device__ bool operator==(const Fraction& o) const { return p == o.p && q == o.q; }
    __device__ explicit operator double() const { return (double)p / q; }
    __device__ explicit operator bool() const { return p != 0; }
    __device__ long long numerator() const { return p; }
    __device__ long long denominator() const { return q; }
};

extern "C" __global__ void fractions(const int2* x, long long* out, double* real, int n)
{
    const int i = GLOBAL_ID;
    if (i >= n) return;
    Fraction a(x[i].x, x[i].y), b(1, 3), zero;
    Fraction sum = a + b * 2 + zero;
    sum += -Fraction(1, 6);
    long long* o = out + 4 * i;
    o[0] = sum.numerator();
    o[1] = sum.denominator();
    o[2] = (a < b) + 2 * (a == Fraction(2, 6)) + 4 * !zero + 8 * (sum ? 1 : 0);
    o[3] = (a * b).denominator();
    real[i] = double(sum);
}

// Increment, subscript, call, assignment, shift and conversion operators.
struct Counter {
    int value;
    __device__ Counter& operator++() { ++value; return *this; }
    __device__ Counter operator++(int) { Counter old = *this; ++value; return old; }
    __device__ Counter& operator--() { value -= 1; return *this; }
    __device__ Counter& operator=(int v) { value = v; return *this; }
    __device__ operator int() const { return value; }
};

struct Matrix2 {
    int m[2][2];
    __device__ int* operator[](int r) { return m[r]; }
    __device__ int& operator()(int r, int c) { return m[r][c]; }
    __device__ int operator()(int r, int c) const { return m[r][c]; }
    __device__ Matrix2 operator*(const Matrix2& o) const
    {
        Matrix2 p;
        for (int r = 0; r < 2; ++r)
            for (int c = 0; c < 2; ++c) p(r, c) = m[r][0] * o(0, c) + m[r][1] * o(1, c);
        return p;
    }
};

struct Appender {
    int* out;
    int count;
    __device__ Appender& operator<<(int v)
    {
        out[count++] = v;
        return *this;
    }
};

extern "C" __global__ void operators(const int* x, int* out, int n)
{
    const int i = GLOBAL_ID;
    if (i >= n) return;
    Counter c;
    c = x[i];
    const int before = c++;
    const int after = ++c;
    --c;
    Matrix2 fib = {{{1, 1}, {1, 0}}}, power = {{{1, 0}, {0, 1}}};
    for (int k = i % 12; k > 0; --k) power = power * fib;
    fib[1][1] = x[i];
    Appender sink{out + i * 6, 0};
    sink << before << after << c << power(0, 1);
    sink << fib(1, 1) + fib[0][0] << sink.count;
}

// Inheritance without virtual functions, hiding, calls to the base, CRTP.
struct Shape {
    float scale;
    __device__ explicit Shape(float s) : scale(s) {}
    __device__ float area() const { return scale; }
    __device__ float scaled(float v) const { return v * scale; }
};

struct Named {
    int id = 7;
};

struct Rectangle : public Shape, public Named {
    float w, h;
    __device__ Rectangle(float w_, float h_) : Shape(0.5f), w(w_), h(h_) {}
    __device__ float area() const { return w * h + Shape::area(); }
};

struct Square : Rectangle {
    __device__ Square(float side) : Rectangle(side, side) { id = 9; }
    using Rectangle::area;
};

template <class Derived>
struct Solver {
    __device__ int solve(int steps) const
    {
        int v = 0;
        for (int k = 0; k < steps; ++k) v = static_cast<const Derived*>(this)->step(v);
        return v;
    }
};
struct AddThree : Solver<AddThree> {
    __device__ int step(int v) const { return v + 3; }
};
struct DoublePlus : Solver<DoublePlus> {
    int plus;
    __device__ DoublePlus(int p) : plus(p) {}
    __device__ int step(int v) const { return 2 * v + plus; }
};

__device__ float describe(const Shape& s) { return s.scaled(8.0f); }

extern "C" __global__ void inheritance(const float* x, float* out, int* whole, int n)
{
    const int i = GLOBAL_ID;
    if (i >= n) return;
    Square s(x[i]);
    Rectangle r = s;
    r.h = 2.0f;
    out[i * 3] = s.area();
    out[i * 3 + 1] = r.area() + describe(r);
    Shape* base = &s;
    base->scale = 4.0f;
    out[i * 3 + 2] = base->area() + s.scale;
    whole[i * 3] = s.id + r.Named::id;
    whole[i * 3 + 1] = AddThree().solve(i);
    whole[i * 3 + 2] = DoublePlus{i}.solve(5);
}

// Records in global memory: mixed field types in C layout, nested structs with arrays, pointers to them.
struct Sample {
    char tag;
    short code;
    unsigned char flags[3];
    double weight;
    struct Inner {
        float xyz[3];
        long long stamp;
    } inner[2];
    bool valid;
    int count;
};

__device__ float inner_sum(const Sample::Inner& in)
{
    float sum = 0;
    for (float v : in.xyz) sum += v;
    return sum;
}

__device__ void touch(Sample* s, int by)
{
    s->count += by;
    s->flags[by % 3] |= 0x80;
    Sample::Inner* last = &s->inner[1];
    last->stamp = -last->stamp;
    last->xyz[2] = (*s).inner[0].xyz[by % 3];
}

extern "C" __global__ void records(Sample* samples, double* out, int n)
{
    const int i = GLOBAL_ID;
    if (i >= n) return;
    Sample* const s = samples + i;
    out[i] = s->weight * s->code + s->tag + inner_sum(s->inner[i & 1]);
    if (s->valid) touch(s, i);
    const Sample copy = *s;
    samples[i].inner[0] = copy.inner[1];
    samples[i].valid = !copy.valid;
    s->tag ^= 0x20;
}

// Structs by value: as parameters of the kernel, returned, in arrays, chosen by ?:.
struct Box {
    int low[2], high[2];
};

struct Config {
    Box box;
    float gain;
    unsigned char mode;
    double bias[2];
};

__device__ Box grow(Box b, int by = 1)
{
    for (int k = 0; k < 2; ++k) {
        b.low[k] -= by;
        b.high[k] += by;
    }
    return b;
}

__device__ int volume(const Box& b) { return (b.high[0] - b.low[0]) * (b.high[1] - b.low[1]); }

extern "C" __global__ void structs_by_value(const Config config, const int* x, Box* boxes, double* out, int n)
{
    const int i = GLOBAL_ID;
    if (i >= n) return;
    const Box wide = grow(config.box, x[i]);
    Box local[3] = {config.box, wide, grow(wide)};
    const Box chosen = volume(wide) > 40 ? local[0] : local[2];
    boxes[i] = chosen;
    local[i % 3].low[0] = 1000;
    out[i] = local[0].low[0] + local[1].low[0] + local[2].low[0] + config.gain * config.mode + config.bias[i & 1];
}

// Lambdas: captures by value and reference, generic, mutable, initialised, returned, immediately called.
template <typename F>
__device__ int accumulate(int n, F f)
{
    int sum = 0;
    for (int k = 0; k < n; ++k) sum += f(k);
    return sum;
}

__device__ auto make_adder(int by)
{
    return [by](auto v) { return v + by; };
}

struct Scaler {
    int factor;
    __device__ int run(const int* x, int n) const
    {
        auto scaled = [this, x](int k) { return x[k] * factor; };
        return accumulate(n, scaled);
    }
};

extern "C" __global__ void lambdas(const int* x, int* out, int n)
{
    const int i = GLOBAL_ID;
    if (i >= n) return;
    int calls = 0, offset = x[i];
    auto by_value = [=](int k) { return k + offset; };
    auto by_reference = [&](int k) { ++calls; return k * offset; };
    offset += 100;
    const auto larger = [](auto a, auto b) { return a < b ? b : a; };
    auto next = [state = i]() mutable { return state += 2; };
    int* o = out + i * 7;
    o[0] = accumulate(4, by_value);
    o[1] = accumulate(3, by_reference) + calls;
    o[2] = larger(x[i], i) + (int)larger(1.5f, (float)i);
    o[3] = next() * 100 + next();
    o[4] = make_adder(5)(x[i]);
    o[5] = [&] {
        if (x[i] < 0) return -1;
        return x[i] > 0 ? 1 : 0;
    }();
    o[6] = Scaler{3}.run(x, n);
}

// Destructors run in reverse order at the end of their scope.
struct Scope {
    int& log;
    int digit;
    __device__ Scope(int& l, int d) : log(l), digit(d) { log = log * 10 + digit; }
    __device__ ~Scope() { log = log * 10 + digit + 4; }
};

extern "C" __global__ void destructors(int* out, int n)
{
    const int i = GLOBAL_ID;
    if (i >= n) return;
    int log = 0;
    {
        Scope a(log, 1);
        for (int k = 0; k < 2; ++k) {
            Scope b(log, 2);
            if (k == i % 2) continue;
            Scope c(log, 3);
        }
    }
    out[i] = log;
}

// Static members, nested classes, chained calls, const and non-const overloads.
struct Registry {
    static constexpr int capacity = 4;
    static __device__ int slot(int key) { return key & (capacity - 1); }

    class Entry {
        int key_ = -1, uses_ = 0;
        friend struct Registry;

      public:
        __device__ int uses() const { return uses_; }
        __device__ Entry& use() { ++uses_; return *this; }
    };

    Entry entries[capacity];
    __device__ Entry& at(int key)
    {
        Entry& e = entries[slot(key)];
        e.key_ = key;
        return e;
    }
    __device__ const Entry& at(int key) const { return entries[slot(key)]; }
    __device__ int key(int s) const { return entries[s].key_; }
};

extern "C" __global__ void nested_classes(const int* x, int* out, int n)
{
    const int i = GLOBAL_ID;
    if (i >= n) return;
    Registry r;
    r.at(x[i] & 63).use().use();
    r.at(3).use();
    const Registry& fixed = r;
    int keys = 0;
    for (int s = 0; s < Registry::capacity; ++s) keys = keys * 100 + fixed.key(s) + 1;
    out[2 * i] = fixed.at(x[i] & 63).uses() * 10 + r.at(7).use().uses();
    out[2 * i + 1] = keys;
}
