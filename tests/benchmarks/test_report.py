"""The table and the charts of a run."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from tests.benchmarks.charts import charts, decades, svg
from tests.benchmarks.goals import Goal, goals
from tests.benchmarks.jobs import Load, Started
from tests.benchmarks.plan import GRAPH, GROWTH, MODELS, TURNS, Row
from tests.benchmarks.reached import Joined, Limits, Loaded, Pace, Rate, Share, Spent
from tests.benchmarks.report import TABLE, write_report
from tests.benchmarks.results import Measured, Results, measured, start_of
from tests.benchmarks.table import markdown

SVG = "{http://www.w3.org/2000/svg}"


def test_a_goal_is_a_ratio_of_two_rows_of_one_run():
    [eight] = [goal for goal in goals(some_results()) if goal.what.endswith("8 clients, beams")][:1]
    assert eight.found == pytest.approx(2.0 / 0.2)
    assert eight.verdict == "met"


def test_of_rays_two_settings_the_better_counts():
    results = some_results()
    results.rows.append(found(TURNS, "ray-on-loop", "beams", 8, 0.5))
    [eight] = [goal for goal in goals(results) if goal.what.endswith("8 clients, beams")][:1]
    assert eight.found == pytest.approx(2.0 / 0.5)
    assert eight.verdict == "missed"


def test_of_rays_two_settings_the_faster_alone_counts():
    results = some_results()
    results.rows.append(found(TURNS, "ray-on-loop", "beams", 1, 0.5))
    [alone] = [goal for goal in goals(results) if goal.what == "French turn alone, beams, p50"]
    assert alone.found == pytest.approx((1 / 1.0) / (1 / 0.5))


@pytest.mark.parametrize(
    ("goal", "verdict"),
    [
        (Goal("", 0.1, 0.2, below=True, stretch=0.125), "met, stretch too"),
        (Goal("", 0.15, 0.2, below=True, stretch=0.125), "met"),
        (Goal("", 0.3, 0.2, below=True, stretch=0.125), "missed"),
        (Goal("", 9.9, 10.0, below=False), "missed"),
        (Goal("", 10.0, 10.0, below=False), "met"),
        (Goal("", None, 10.0, below=False), "not measured"),
    ],
)
def test_a_goal_says_whether_it_is_met(goal: Goal, verdict: str):
    assert goal.verdict == verdict


def test_a_run_of_one_part_leaves_the_other_goals_open():
    results = some_results()
    results.rows = [each for each in results.rows if each.row.part == GRAPH]
    assert "| not measured |" in markdown(results)
    assert "| met |" in markdown(results)


def test_a_disturbed_row_is_marked():
    results = some_results()
    results.rows.append(found(MODELS, "bentoml", "beams", 1, 1.0, others=0.3))
    marked = [line for line in markdown(results).splitlines() if "\u2021 |" in line]
    assert len(marked) == 1
    assert "BentoML" in marked[0] and "30%" in marked[0]


def test_a_row_without_answers_says_why():
    results = some_results()
    results.rows.append(
        measured(Row(MODELS, "litserve", "beams", "fr", 1, 1.0, 1.0), Load(), "now")
    )
    failed = Load(failed=1, error="it has ended")
    results.rows.append(measured(Row(MODELS, "argos", "beams", "fr", 1, 1.0, 1.0), failed, "now"))
    text = markdown(results)
    assert "none in the row's time" in text
    assert "none: it has ended" in text


def test_a_system_that_did_not_run_is_named():
    results = some_results()
    results.failures["ray"] = "ray cannot be installed: no space left"
    assert "- Ray Serve: ray cannot be installed: no space left" in markdown(results)


def test_every_line_of_a_grid_has_the_columns_of_its_head():
    columns = 0
    for line in markdown(some_results()).splitlines():
        columns = (columns or line.count("|")) if line.startswith("|") else 0
        assert line.count("|") == columns


def test_charts_are_xml_with_a_line_for_each_system():
    made = charts(some_results())
    assert set(made) == {"turns", "latency", "models", "graph"}
    for chart in made.values():
        root = ElementTree.fromstring(svg(chart))
        lines = sum(len(panel.series) for panel in chart.panels)
        assert lines and len(root.findall(f".//{SVG}polyline")) == lines


def test_points_of_a_chart_lie_inside_it():
    for chart in charts(some_results()).values():
        root = ElementTree.fromstring(svg(chart))
        for dot in root.iter(f"{SVG}circle"):
            assert 0 < float(dot.attrib["cx"]) < float(root.attrib["width"])
            assert 0 < float(dot.attrib["cy"]) < float(root.attrib["height"])


@pytest.mark.parametrize(
    ("values", "around"),
    [([0.19, 6.0], (-1, 1)), ([1.0], (0, 1)), ([2.0, 3.0], (0, 1)), ([10.0, 100.0], (1, 2))],
)
def test_an_axis_goes_from_a_power_of_ten_to_another(values: list[float], around: tuple[int, int]):
    assert decades(values) == around


def test_a_report_shows_its_charts(tmp_path: Path):
    write_report(some_results(), tmp_path)
    text = (tmp_path / TABLE).read_text()
    for path in tmp_path.glob("*.svg"):
        assert f"({path.name})" in text


def found(
    part: str, system: str, search: str, clients: int, rate: float, others: float = 0.0
) -> Measured:
    """A row of ten answers that came at a rate."""
    load = Load(
        [clients / rate] * 10, wall=10 / rate, window=1.0, cpu=1.0, memory=1 << 30, others=others
    )
    return measured(Row(part, system, search, "fr", clients, 1.0, 12.0), load, "now")


def some_results() -> Results:
    rows = [
        *(found(TURNS, "parley", s, c, c / 4) for s in ("beams", "greedy") for c in (1, 8)),
        *(found(TURNS, "ray", s, 8, 0.2) for s in ("beams", "greedy")),
        found(TURNS, "ray", "beams", 1, 0.1),
        found(TURNS, "parley", "greedy", 64, 5.0),
        found(MODELS, "translator", "beams", 8, 8.0),
        found(GRAPH, "local-stubs", "", 1, 2000.0),
        found(GRAPH, "ray-stubs", "", 1, 50.0),
        found(GROWTH, "parley", "greedy", 128, 4.9),
    ]
    rows[0] = found(TURNS, "parley", "beams", 1, 1.0)
    return Results(
        "2026-01-01T00:00+00:00",
        "full",
        {"cores": "2"},
        {"ray": "2.60.0"},
        {"t5": 1.0},
        rows,
        [start_of("parley", "beams", Started(4.0, 1 << 30))],
        limits=Limits(
            [Rate(1, 20.0, 80.0, 390.0)],
            [Share("t5", "beams", 8, 32, 0.5, 0.25)],
            [Loaded("t5", 0.2)],
            [Joined("t5", "beams", 8, Pace(100.0, 0.5), Pace(150.0, 0.3))],
        ),
        profile=[Spent("t5", "beams", 8, "matrix products", 0.75)],
    )
