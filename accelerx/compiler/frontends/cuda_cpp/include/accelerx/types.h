// Integer types of the C library, and what the prelude's own templates need.
#pragma once

typedef __SIZE_TYPE__ size_t;
typedef __PTRDIFF_TYPE__ ptrdiff_t;
typedef long clock_t;
typedef decltype(nullptr) nullptr_t;
typedef __builtin_va_list va_list;
typedef double max_align_t;

typedef signed char int8_t;
typedef short int16_t;
typedef int int32_t;
typedef long long int64_t; // as where kernels are compiled at run time, so that own typedefs agree
typedef unsigned char uint8_t;
typedef unsigned short uint16_t;
typedef unsigned int uint32_t;
typedef unsigned long long uint64_t;
typedef long intptr_t;
typedef unsigned long uintptr_t;

typedef unsigned char uchar;
typedef unsigned short ushort;
typedef unsigned int uint;
typedef unsigned long ulong;

#define NULL __null
#define offsetof(type, member) __builtin_offsetof(type, member)

template <bool condition, class T>
struct __ax_if {};
template <class T>
struct __ax_if<true, T> {
  typedef T type;
};

// The type itself, of numbers only; and the type itself, where a parameter's is not deduced.
template <class T>
using __ax_kept = typename __ax_if<__is_arithmetic(T), T>::type;
template <class T>
using __ax_same = typename __ax_if<true, T>::type;
// What a math function of integers returns.
template <class T>
using __ax_integral = typename __ax_if<__is_integral(T), double>::type;
// What a math function of numbers of several types returns.
template <class... T>
struct __ax_all {
  static constexpr bool value = true;
};
template <class T, class... U>
struct __ax_all<T, U...> {
  static constexpr bool value = __is_arithmetic(T) && __ax_all<U...>::value;
};
template <class... T>
using __ax_promoted = typename __ax_if<__ax_all<T...>::value, double>::type;

namespace std {
using ::clock_t;
using ::max_align_t;
using ::nullptr_t;
using ::ptrdiff_t;
using ::size_t;
} // namespace std

extern "C" int printf(const char *, ...);
void __ax_assert(bool, const char *);
#include "../assert.h"
