"""Compiled kernels of the batch power flow; they rest on the inside of numba and llvmlite.

``rows`` solves all rows in parallel and ``checks`` looks at them before; ``sweep`` is the
backward-forward sweep, ``tree`` lays out a row's closed branches, ``trees_side_by_side`` eight of
them, ``tree_access`` reads either; ``simd_rows`` is what eight lanes can do, ``kernel_network`` the
network as plain arrays, ``tables`` reads loads and writes results.
"""
