"""What kernels need of numba and llvmlite: ``compiling`` (and its cache), ``simd`` (lanes)."""
