// What programs for nvcc find without asking and NVRTC does not have: parts of the host's C library.
#pragma once

#include <float.h>
#include <math.h>
#include <stdint.h>
