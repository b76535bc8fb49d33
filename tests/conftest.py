"""What all tests share: the same drawn examples in every run, unless others are asked for."""

import os

from hypothesis import settings

settings.register_profile("same", derandomize=True, deadline=None)
settings.register_profile("fresh", deadline=None, print_blob=True)
settings.load_profile(os.environ.get("EQUIGRID_EXAMPLES", "same"))
