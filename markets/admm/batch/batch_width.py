"""Width of the batch: so many members side by side that a vector register is always at work.

What can be done with them is in :mod:`equigrid.compiled.simd`.
"""

from pathlib import Path

from equigrid.compiled.compiling import drop_stale_kernels
from equigrid.compiled.simd import filling, loading

drop_stale_kernels(Path(__file__).parent)

WIDTH = 16
load, fill = loading(WIDTH), filling(WIDTH)
