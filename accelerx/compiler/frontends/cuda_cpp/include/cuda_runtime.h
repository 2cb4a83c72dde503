// The prelude has what kernels use; here are names that texts mention beside their kernels.
#pragma once
#include "cuda_runtime_api.h"
