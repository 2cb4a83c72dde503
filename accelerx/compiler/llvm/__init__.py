"""KIR to LLVM IR text for CPUs: explicit SPMD vectors with masks."""
