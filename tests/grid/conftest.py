"""Small networks the tests of the grid share."""

import os
from pathlib import Path
from typing import Any

import pytest

from equigrid.grid.network.feeders import feeder
from equigrid.grid.network.network import Network

Tables = dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="session")
def feeder33() -> Network:
    return feeder("baran-wu-33")


@pytest.fixture(scope="session")
def reference_data() -> Path:
    """Figures of publications kept beside the project, never in it."""
    beside = Path(__file__).parents[3] / "shared" / "data"
    folder = Path(os.environ.get("EQUIGRID_REFERENCE_DATA", beside))
    if not folder.is_dir():
        pytest.skip("no reference data: EQUIGRID_REFERENCE_DATA names their folder")
    return folder


@pytest.fixture
def three_buses() -> Tables:
    """Source at 10, a line to 20, a transformer to 7, a tie from 10 to 20."""
    return {
        "buses": [
            {"bus": 10, "name": "head", "vn_kv": 20.0},
            {"bus": 20, "name": "middle", "vn_kv": 20.0},
            {"bus": 7, "name": "end", "vn_kv": 0.4},
        ],
        "lines": [
            {"name": "cable", "from_bus": 20, "to_bus": 10, "r_ohm": 0.5, "x_ohm": 0.3},
            {
                "name": "tie",
                "from_bus": 10,
                "to_bus": 20,
                "r_ohm": 0.4,
                "x_ohm": 0.4,
                "rating_ka": 0.2,
                "in_service": False,
            },
        ],
        "transformers": [
            {
                "name": "station",
                "from_bus": 20,
                "to_bus": 7,
                "sn_mva": 0.4,
                "vn_hv_kv": 20.0,
                "vn_lv_kv": 0.4,
                "vk_percent": 5.0,
                "vkr_percent": 3.0,
                "shift_degree": 150.0,
            }
        ],
        "sources": [{"bus": 10, "vm_pu": 1.02}],
        "loads": [{"bus": 7, "p_mw": 0.2, "q_mvar": 0.05}, {"bus": 20, "p_mw": 0.1}],
    }
