// The generators and distributions are one header.
#pragma once
#include "curand_kernel.h"
