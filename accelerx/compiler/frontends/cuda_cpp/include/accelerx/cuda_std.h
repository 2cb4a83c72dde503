// cuda::std is std: these headers are parsed for kernels alone.
#pragma once

namespace std {}
namespace cuda {
namespace std = ::std;
}
