// The complex numbers that CuPy's kernels have.
#pragma once
#include <thrust/complex.h>

using std::imag;
using std::real;
using thrust::complex;
using thrust::conj;
using thrust::polar;
