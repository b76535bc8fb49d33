"""Foundations of compiled kernels: ``compiling`` by numba and its cache, ``simd`` by llvmlite."""
