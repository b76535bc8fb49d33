"""Streams belong to names: creation order and other streams play no part."""

from hypothesis import given
from hypothesis import strategies as st

from equigrid.scenarios.seeds import stream


@given(names=st.lists(st.text(max_size=8), min_size=2, max_size=6, unique=True))
def test_creation_order_plays_no_part(names: list[str]) -> None:
    forward = {name: stream(7, name).random(3).tolist() for name in names}
    backward = {name: stream(7, name).random(3).tolist() for name in reversed(names)}
    assert forward == backward
    assert len({tuple(drawn) for drawn in forward.values()}) == len(names)


def test_the_root_seed_changes_every_stream() -> None:
    assert stream(7, "wind").random() != stream(8, "wind").random()


def test_numbers_stay_the_same_over_releases() -> None:
    assert stream(7, "wind").integers(0, 1000, 4).tolist() == [754, 854, 892, 3]
