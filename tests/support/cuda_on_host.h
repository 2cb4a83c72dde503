// Runs CUDA C++ kernels on the host, one block at a time, so that printed programs can be tested
// where there is no GPU. A block's threads are fibers of one host thread: they switch only at
// barriers and warp operations, so that every atomic is atomic and every run is the same.
#pragma once

#include <ucontext.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <type_traits>
#include <vector>

#define __global__
#define __device__
#define __constant__ static
#define __shared__ static
#define __forceinline__ inline
#define __launch_bounds__(threads)
#define __align__(bytes) __attribute__((aligned(bytes)))

struct dim3 {
  unsigned x, y, z;
};
static dim3 threadIdx, blockIdx, blockDim, gridDim;
alignas(64) static unsigned char ax_dynamic_shared[1 << 16];

namespace host {

constexpr std::size_t kStack = 64 << 10;
enum class State { kReady, kBlock, kWarp, kDone };

struct Fiber {
  ucontext_t context;
  std::unique_ptr<char[]> stack;
  dim3 thread;
  State state;
  unsigned mask, present;  // a warp operation's members; those that came
  int predicate, count, live;
  std::uint64_t value, lanes[32];
};

static std::vector<Fiber> fibers;
static Fiber *current;
static ucontext_t scheduler;
static void (*body)();

static void wait(State state) {
  current->state = state;
  swapcontext(&current->context, &scheduler);
}

static void start() {
  body();
  wait(State::kDone);
}

static bool release_block() {
  int live = 0, waiting = 0, count = 0;
  for (const Fiber &f : fibers) {
    live += f.state != State::kDone;
    waiting += f.state == State::kBlock;
    count += f.state == State::kBlock && f.predicate;
  }
  if (waiting == 0 || waiting < live) return false;
  for (Fiber &f : fibers) {
    if (f.state != State::kBlock) continue;
    f.state = State::kReady;
    f.count = count;
    f.live = live;
  }
  return true;
}

static bool release_warps() {
  bool any = false;
  for (std::size_t first = 0; first < fibers.size(); first += 32) {
    const std::size_t lanes = fibers.size() - first < 32 ? fibers.size() - first : 32;
    Fiber *const warp = &fibers[first];
    unsigned live = 0, came = 0, wanted = 0;
    for (std::size_t i = 0; i < lanes; ++i) {
      live |= (warp[i].state != State::kDone ? 1U : 0U) << i;
      came |= (warp[i].state == State::kWarp ? 1U : 0U) << i;
      wanted |= warp[i].state == State::kWarp ? warp[i].mask : 0U;
    }
    if (came == 0 || (wanted & live & ~came) != 0) continue;
    any = true;
    std::uint64_t values[32] = {};
    for (std::size_t i = 0; i < lanes; ++i) values[i] = warp[i].value;
    for (std::size_t i = 0; i < lanes; ++i) {
      if (warp[i].state != State::kWarp) continue;
      warp[i].state = State::kReady;
      warp[i].present = came;
      std::memcpy(warp[i].lanes, values, sizeof values);
    }
  }
  return any;
}

// Runs one block to its end; returns false if its threads wait for each other for ever.
static bool run_block() {
  for (;;) {
    bool ran = false, alive = false;
    for (Fiber &f : fibers) {
      alive |= f.state != State::kDone;
      if (f.state != State::kReady) continue;
      ran = true;
      current = &f;
      threadIdx = f.thread;
      swapcontext(&scheduler, &f.context);
    }
    if (!alive) return true;
    if (!ran && !release_warps() && !release_block()) return false;
  }
}

static bool launch(dim3 grid, dim3 block, void (*kernel)()) {
  gridDim = grid;
  blockDim = block;
  body = kernel;
  fibers.resize(static_cast<std::size_t>(block.x) * block.y * block.z);
  for (unsigned b = 0; b < grid.x * grid.y * grid.z; ++b) {
    blockIdx = {b % grid.x, b / grid.x % grid.y, b / grid.x / grid.y};
    for (unsigned t = 0; t < fibers.size(); ++t) {
      Fiber &f = fibers[t];
      if (!f.stack) f.stack.reset(new char[kStack]);
      f.thread = {t % block.x, t / block.x % block.y, t / block.x / block.y};
      f.state = State::kReady;
      getcontext(&f.context);
      f.context.uc_stack.ss_sp = f.stack.get();
      f.context.uc_stack.ss_size = kStack;
      f.context.uc_link = nullptr;
      makecontext(&f.context, start, 0);
    }
    if (!run_block()) return false;
  }
  return true;
}

template <class T>
void exchange(unsigned mask, T value) {
  current->value = 0;
  std::memcpy(&current->value, &value, sizeof value);
  current->mask = mask;
  wait(State::kWarp);
}

template <class T>
T from_lane(int lane) {
  T value;
  std::memcpy(&value, &current->lanes[lane], sizeof value);
  return value;
}

static int lane() {
  return static_cast<int>((threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z)) % 32);
}

template <class T>
using Same = std::common_type_t<T>;  // keeps an argument out of template deduction

}  // namespace host

// ---------------------------------------------------------------------------- barriers, fences

static int __syncthreads_count(int predicate) {
  host::current->predicate = predicate != 0;
  host::wait(host::State::kBlock);
  return host::current->count;
}
static void __syncthreads() { __syncthreads_count(0); }
static int __syncthreads_or(int predicate) { return __syncthreads_count(predicate) != 0; }
static int __syncthreads_and(int predicate) {
  return __syncthreads_count(predicate) == host::current->live;
}
static void __syncwarp(unsigned mask = ~0U) { host::exchange(mask, 0); }
static void __threadfence() {}
static void __threadfence_block() {}
static void __threadfence_system() {}
static void __trap() { std::abort(); }
static long long ax_host_nanoseconds() {
  return std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1);
}
static long long clock64() { return ax_host_nanoseconds(); }

// --------------------------------------------------------------------------------- atomics

template <class T>
T atomicExch(T *p, host::Same<T> v) {
  const T old = *p;
  *p = v;
  return old;
}
template <class T>
T atomicCAS(T *p, host::Same<T> compare, host::Same<T> v) {
  return atomicExch(p, *p == compare ? v : *p);
}
template <class T>
T atomicAdd(T *p, host::Same<T> v) {
  if constexpr (std::is_integral_v<T>) {
    using U = std::make_unsigned_t<T>;
    return atomicExch(p, static_cast<T>(static_cast<U>(*p) + static_cast<U>(v)));
  } else {
    return atomicExch(p, *p + v);
  }
}
template <class T>
T atomicSub(T *p, host::Same<T> v) {
  return atomicAdd(p, static_cast<T>(0 - static_cast<std::make_unsigned_t<T>>(v)));
}
template <class T>
T atomicMin(T *p, host::Same<T> v) {
  return atomicExch(p, v < *p ? v : *p);
}
template <class T>
T atomicMax(T *p, host::Same<T> v) {
  return atomicExch(p, *p < v ? v : *p);
}
template <class T>
T atomicAnd(T *p, host::Same<T> v) {
  return atomicExch(p, *p & v);
}
template <class T>
T atomicOr(T *p, host::Same<T> v) {
  return atomicExch(p, *p | v);
}
template <class T>
T atomicXor(T *p, host::Same<T> v) {
  return atomicExch(p, *p ^ v);
}
static unsigned atomicInc(unsigned *p, unsigned v) { return atomicExch(p, *p >= v ? 0 : *p + 1); }
static unsigned atomicDec(unsigned *p, unsigned v) {
  return atomicExch(p, *p == 0 || *p > v ? v : *p - 1);
}

// -------------------------------------------------------------------------- warp operations

template <class T>
T __shfl_sync(unsigned mask, T v, int source, int width = 32) {
  host::exchange(mask, v);
  const int first = host::lane() & ~(width - 1);
  return host::from_lane<T>(first + (source & (width - 1)));
}
template <class T>
T __shfl_up_sync(unsigned mask, T v, unsigned delta, int width = 32) {
  host::exchange(mask, v);
  const int from = host::lane() - static_cast<int>(delta);
  return from < (host::lane() & ~(width - 1)) ? v : host::from_lane<T>(from);
}
template <class T>
T __shfl_down_sync(unsigned mask, T v, unsigned delta, int width = 32) {
  host::exchange(mask, v);
  const int from = host::lane() + static_cast<int>(delta);
  return from >= (host::lane() & ~(width - 1)) + width ? v : host::from_lane<T>(from);
}
template <class T>
T __shfl_xor_sync(unsigned mask, T v, int lanes, int width = 32) {
  host::exchange(mask, v);
  const int from = host::lane() ^ lanes;
  return from >= (host::lane() & ~(width - 1)) + width ? v : host::from_lane<T>(from);
}
static unsigned __ballot_sync(unsigned mask, int predicate) {
  host::exchange(mask, predicate != 0);
  unsigned ballot = 0;
  for (int i = 0; i < 32; ++i) {
    const bool here = (host::current->present & mask) >> i & 1U;
    ballot |= (here && host::from_lane<int>(i) ? 1U : 0U) << i;
  }
  return ballot;
}
static int __any_sync(unsigned mask, int predicate) { return __ballot_sync(mask, predicate) != 0; }
static int __all_sync(unsigned mask, int predicate) { return __ballot_sync(mask, !predicate) == 0; }
static unsigned __activemask() { return __ballot_sync(1U << host::lane(), 1); }
template <class T>
unsigned __match_any_sync(unsigned mask, T v) {
  host::exchange(mask, v);
  unsigned same = 0;
  for (int i = 0; i < 32; ++i) {
    const bool here = (host::current->present & mask) >> i & 1U;
    same |= (here && host::from_lane<T>(i) == v ? 1U : 0U) << i;
  }
  return same;
}

// ------------------------------------------------------------------------ numbers and their bits

template <class T>
T min(T a, T b) {
  return b < a ? b : a;
}
template <class T>
T max(T a, T b) {
  return a < b ? b : a;
}
template <class To, class From>
To ax_host_bits(From x) {
  static_assert(sizeof(To) == sizeof(From), "a reinterpretation keeps the width");
  To y;
  std::memcpy(&y, &x, sizeof y);
  return y;
}
template <class To>
To ax_host_saturate(double x, double low, double high, To lowest, To highest) {
  if (x != x) return static_cast<To>(0);
  return x <= low ? lowest : x >= high ? highest : static_cast<To>(x);
}
static int __float2int_rz(double x) {
  return ax_host_saturate<int>(x, -0x1p31, 0x1p31, INT32_MIN, INT32_MAX);
}
static unsigned __float2uint_rz(double x) {
  return ax_host_saturate<unsigned>(x, 0, 0x1p32, 0, UINT32_MAX);
}
static long long __float2ll_rz(double x) {
  return ax_host_saturate<long long>(x, -0x1p63, 0x1p63, INT64_MIN, INT64_MAX);
}
static unsigned long long __float2ull_rz(double x) {
  return ax_host_saturate<unsigned long long>(x, 0, 0x1p64, 0, UINT64_MAX);
}
static float __double2float_rz(double x) {
  const float y = static_cast<float>(x);
  return std::fabs(y) > std::fabs(x) ? std::nextafter(y, 0.0f) : y;
}
static int __double2int_rz(double x) { return __float2int_rz(x); }
static unsigned __double2uint_rz(double x) { return __float2uint_rz(x); }
static long long __double2ll_rz(double x) { return __float2ll_rz(x); }
static unsigned long long __double2ull_rz(double x) { return __float2ull_rz(x); }
static int __float_as_int(float x) { return ax_host_bits<int>(x); }
static unsigned __float_as_uint(float x) { return ax_host_bits<unsigned>(x); }
static float __int_as_float(int x) { return ax_host_bits<float>(x); }
static float __uint_as_float(unsigned x) { return ax_host_bits<float>(x); }
static long long __double_as_longlong(double x) { return ax_host_bits<long long>(x); }
static double __longlong_as_double(long long x) { return ax_host_bits<double>(x); }
static float __fmul_rn(float a, float b) { return a * b; }
static double __dmul_rn(double a, double b) { return a * b; }
static int __popc(unsigned x) { return __builtin_popcount(x); }
static int __popcll(unsigned long long x) { return __builtin_popcountll(x); }
static int __clz(int x) { return x == 0 ? 32 : __builtin_clz(static_cast<unsigned>(x)); }
static int __clzll(long long x) {
  return x == 0 ? 64 : __builtin_clzll(static_cast<unsigned long long>(x));
}
static int __ffs(int x) { return __builtin_ffs(x); }
static int __ffsll(long long x) { return __builtin_ffsll(x); }
static unsigned __brev(unsigned x) {
  unsigned y = 0;
  for (int i = 0; i < 32; ++i) y |= (x >> i & 1U) << (31 - i);
  return y;
}
static unsigned long long __brevll(unsigned long long x) {
  return static_cast<unsigned long long>(__brev(static_cast<unsigned>(x))) << 32 |
         __brev(static_cast<unsigned>(x >> 32));
}
static int __mulhi(int a, int b) { return static_cast<int>(static_cast<long long>(a) * b >> 32); }
static unsigned __umulhi(unsigned a, unsigned b) {
  return static_cast<unsigned>(static_cast<unsigned long long>(a) * b >> 32);
}
static long long __mul64hi(long long a, long long b) {
  return static_cast<long long>(static_cast<__int128>(a) * b >> 64);
}
static unsigned long long __umul64hi(unsigned long long a, unsigned long long b) {
  return static_cast<unsigned long long>(static_cast<unsigned __int128>(a) * b >> 64);
}
// Half precision, where a program has PTX instructions.
static float ax_host_from_f16(unsigned short bits) {
  const int exponent = bits >> 10 & 31, fraction = bits & 1023;
  const float size = exponent == 31  ? (fraction ? NAN : INFINITY)
                     : exponent == 0 ? std::ldexp(fraction, -24)
                                     : std::ldexp(1024 + fraction, exponent - 25);
  return bits & 0x8000 ? -size : size;
}
static unsigned short ax_host_to_f16(double x) {
  const int sign = std::signbit(x) ? 0x8000 : 0;
  const double size = std::fabs(x);
  if (size != size) return 0x7fff;
  if (size >= 65520) return sign | 0x7c00;
  if (size == 0) return sign;
  const int scale = std::max(std::ilogb(size), -14) - 10;
  const int steps = static_cast<int>(std::nearbyint(std::ldexp(size, -scale)));
  return sign | (((scale + 24) << 10) + steps);  // a carry out of the fraction is the exponent's
}
static float rsqrtf(float x) { return 1 / std::sqrt(x); }
static double rsqrt(double x) { return 1 / std::sqrt(x); }
using std::isfinite;
using std::isinf;
using std::isnan;
using std::signbit;
