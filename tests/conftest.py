"""What all tests share: drawn examples, the same in every run, and which worker runs which file."""

import os

import pytest
from hypothesis import settings

settings.register_profile("same", derandomize=True, deadline=None)
settings.register_profile("fresh", deadline=None, print_blob=True)
settings.load_profile(os.environ.get("EQUIGRID_EXAMPLES", "same"))

# Files that compile the same kernels; two workers would both compile them when they are new.
_KERNELS = (
    "tests/grid/batch/",
    "tests/grid/switching/",
    "tests/grid/test_verified_flow.py",
    "tests/experiments/test_reconfigure.py",
    "tests/docs/test_docs_run.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each file to one worker, where what its tests share is built once."""
    for item in items:
        file = item.nodeid.partition("::")[0]
        group = "kernels" if file.startswith(_KERNELS) else file
        item.add_marker(pytest.mark.xdist_group(group))
