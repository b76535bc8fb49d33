"""Types of arrays, as annotations name them; shapes stand in docstrings."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.int64]
BoolArray: TypeAlias = NDArray[np.bool_]
StateArray: TypeAlias = NDArray[np.int8]
ComplexArray: TypeAlias = NDArray[np.complex128]
