"""accelerx: CUDA-style kernels on any accelerator."""
