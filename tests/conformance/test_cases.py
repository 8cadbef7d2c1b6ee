"""The hand-written cases, through our router and, where it can run, through KServe's."""

from __future__ import annotations

import pytest

from tests.conformance.bench import Bench
from tests.conformance.cases import FOLDER, Case, expected, read_cases, seen
from tests.conformance.compare import agree

CASES = {
    f"{path.stem}: {case.name}": case
    for path in sorted(FOLDER.glob("*.yaml"))
    for case in read_cases(path)
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_our_router_answers_as_expected(bench: Bench, case: Case) -> None:
    ours = agree(expected(case), bench.ours.run(case.job)[0])
    assert seen(case.job, ours) == case.expect


def test_kserve_answers_as_expected(bench: Bench) -> None:
    answers = {name: seen(case.job, bench.run_kserve(case.job)[0]) for name, case in CASES.items()}
    assert answers == {name: case.expect for name, case in CASES.items()}


def test_there_are_enough_cases_and_each_says_what_it_expects() -> None:
    assert len(CASES) >= 150
    assert [name for name, case in CASES.items() if case.expect is None] == []
