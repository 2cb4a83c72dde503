// Launches whose blocks wait for each other (cooperative kernels).
#pragma once

#include "pool.hpp"

namespace cpu {

// Runs every block to its next barrier of the grid, then every block on from there, until they end.
// False if the hook stopped the launch, or a block ended while others waited, which the hook is
// told. Throws std::bad_alloc without room for what the blocks keep.
bool run_in_phases(const Work& work);

}  // namespace cpu
