// Philox, among the others.
#pragma once
#include "curand_kernel.h"
