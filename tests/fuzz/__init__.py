"""Random kernels, run by everything that can run a kernel and compared with the interpreter."""
