"""Two lanes end as one run."""

from __future__ import annotations

import pytest

from tests.cluster.run import join_statuses


@pytest.mark.parametrize(
    ("lanes", "whole"),
    [
        ((0, 0), 0),
        ((0, 1), 1),
        ((0, -9), -9),
        ((-9, 5), -9),
        ((2, 0), 2),
        ((5, 0), 0),
        ((1, 5), 1),
        ((5, 5), 5),
    ],
)
def test_a_lane_fails_the_run_unless_it_had_nothing_to_do(
    lanes: tuple[int, int], whole: int
) -> None:
    assert join_statuses(*lanes) == whole
