"""The proximal step of all members of a fleet at once: compiled kernels.

``proximal`` is the face; ``plan`` scales and orders what members share, ``chunks`` lays them side
by side, ``newton`` and ``factor`` iterate, ``separable`` solves the simple ones exactly,
``interior_point_fallback`` the hard ones singly. These files rest on the inside of numba and
llvmlite.
"""
