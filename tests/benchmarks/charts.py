"""Charts of a run as SVG, in colours and a grey that can be read on white and on black."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from tests.benchmarks.contenders import name_of
from tests.benchmarks.goals import Table
from tests.benchmarks.plan import FRENCH, GRAPH, MODELS, TURNS
from tests.benchmarks.results import Measured, Results

_GREY = "#7d8590"
# Parley's own are blue, green and violet; the order of the keys is that of the legend.
_COLOURS = {
    "parley": "#2f81f7",
    "engines": "#8957e5",
    "translator": "#2f81f7",
    "local-stubs": "#2f81f7",
    "cluster-stubs": "#2da44e",
    "ray": "#e5534b",
    "ray-on-loop": "#d4843e",
    "ray-stubs": "#e5534b",
    "ray-stubs-tuned": "#d4843e",
    "transformers": "#9a7b4f",
    "bentoml": "#e5534b",
    "litserve": "#d4843e",
    "argos": "#2da44e",
}
_WIDTH, _HEIGHT = 380, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 14, 34, 44
_LINE = 18


@dataclass(frozen=True)
class Series:
    """A line: values by the labels of the axis; those that are missing are left out."""

    name: str
    colour: str
    values: dict[str, float]


@dataclass(frozen=True)
class Panel:
    """labels: of the lower axis, evenly spread.  The other axis has powers of ten."""

    title: str
    labels: Sequence[str]
    series: Sequence[Series]


@dataclass(frozen=True)
class Chart:
    title: str
    lower: str
    panels: Sequence[Panel]


def charts(results: Results) -> dict[str, Chart]:
    """Those that the run has rows for, by the names of their files."""
    table = Table(results)
    made = {
        "turns": Chart(
            "French turns per second",
            "clients",
            [_panel(table, TURNS, search, rate, search) for search in ("beams", "greedy")],
        ),
        "latency": Chart(
            "Seconds for a French turn, p50",
            "clients",
            [_panel(table, TURNS, search, middle, search) for search in ("beams", "greedy")],
        ),
        "models": Chart(
            "One translator, 4 beams",
            "clients",
            [
                _panel(table, MODELS, "beams", rate, "answers per second"),
                _panel(table, MODELS, "beams", slow, "p99, seconds"),
            ],
        ),
        "graph": Chart(
            "Four stages that do nothing",
            "clients",
            [
                _panel(table, GRAPH, "", rate, "requests per second"),
                _panel(table, GRAPH, "", middle_ms, "p50, milliseconds"),
            ],
        ),
    }
    return {name: chart for name, chart in made.items() if any(p.series for p in chart.panels)}


def rate(each: Measured) -> float:
    return each.rate


def middle(each: Measured) -> float:
    return each.quantile(0.5)


def middle_ms(each: Measured) -> float:
    return 1e3 * each.quantile(0.5)


def slow(each: Measured) -> float:
    return each.quantile(0.99)


def _panel(
    table: Table, part: str, search: str, figure: Callable[[Measured], float], title: str
) -> Panel:
    clients = table.clients(part)
    series = []
    for system, colour in _COLOURS.items():
        found = {c: table.find(part, system, c, search, FRENCH) for c in clients}
        values = {str(c): figure(each) for c, each in found.items() if each}
        if values:
            series.append(Series(name_of(system), colour, values))
    return Panel(title, [str(c) for c in clients], series)


def write_charts(results: Results, folder: Path) -> list[Path]:
    paths = []
    for name, chart in charts(results).items():
        path = folder / f"{name}.svg"
        path.write_text(svg(chart))
        paths.append(path)
    return paths


def svg(chart: Chart) -> str:
    shown = [panel for panel in chart.panels if panel.series]
    legend = list(dict.fromkeys((s.name, s.colour) for panel in shown for s in panel.series))
    columns = 2 if len(shown) > 1 else 1
    rows = math.ceil(len(legend) / columns)
    width, top = _WIDTH * len(shown), _LINE * (rows + 2)
    parts = [_text(_LEFT, 20, chart.title, "start", 15, "bold")]
    for i, (name, colour) in enumerate(legend):
        x, y = _LEFT + (i % columns) * _WIDTH, 20 + _LINE * (1 + i // columns)
        parts.append(f'<rect x="{x}" y="{y - 9}" width="14" height="9" rx="2" fill="{colour}"/>')
        parts.append(_text(x + 20, y, name))
    for i, panel in enumerate(shown):
        inner = _drawn(panel, chart.lower)
        parts.append(f'<g transform="translate({i * _WIDTH} {top})">{inner}</g>')
    style = f'font-family="system-ui, sans-serif" font-size="12" fill="{_GREY}"'
    size = f'viewBox="0 0 {width} {top + _HEIGHT}" width="{width}" height="{top + _HEIGHT}"'
    title = f"<title>{escape(chart.title)}</title>"
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style}>{title}{"".join(parts)}</svg>\n'


def _drawn(panel: Panel, lower: str) -> str:
    values = [value for series in panel.series for value in series.values.values()]
    low, high = decades(values)
    right, bottom = _WIDTH - _RIGHT, _HEIGHT - _BOTTOM

    def at(value: float) -> float:
        part = (math.log10(value) - low) / (high - low)
        return round(bottom - part * (bottom - _TOP), 1)

    step = (right - _LEFT) / max(1, len(panel.labels))
    places = {label: round(_LEFT + step * (i + 0.5), 1) for i, label in enumerate(panel.labels)}
    parts = [_text(_LEFT, _TOP - 14, panel.title, weight="bold")]
    for power in range(low, high + 1):
        y = at(10.0**power)
        line = f'stroke="{_GREY}" stroke-opacity="0.35"'
        parts.append(f'<line x1="{_LEFT}" x2="{right}" y1="{y}" y2="{y}" {line}/>')
        parts.append(_text(_LEFT - 6, y + 4, f"{10.0**power:g}", "end"))
    parts += [_text(x, bottom + 18, label, "middle") for label, x in places.items()]
    parts.append(_text((_LEFT + right) / 2, bottom + 36, lower, "middle"))
    return "".join([*parts, *(_line(series, places, at) for series in panel.series)])


def _line(series: Series, places: dict[str, float], at: Callable[[float], float]) -> str:
    points = [(places[label], at(value), value) for label, value in series.values.items()]
    path = " ".join(f"{x},{y}" for x, y, _ in points)
    dots = "".join(
        f'<circle cx="{x}" cy="{y}" r="3.5" fill="{series.colour}">'
        f"<title>{escape(series.name)}: {value:.3g}</title></circle>"
        for x, y, value in points
    )
    stroke = f'fill="none" stroke="{series.colour}" stroke-width="2"'
    return f'<polyline points="{path}" {stroke}/>{dots}'


def decades(values: Sequence[float]) -> tuple[int, int]:
    """Powers of ten around all values, two at least."""
    low = math.floor(math.log10(min(values)))
    return low, max(low + 1, math.ceil(math.log10(max(values))))


def _text(
    x: float, y: float, text: str, anchor: str = "start", size: int = 12, weight: str = "normal"
) -> str:
    place = f'x="{x}" y="{y}" text-anchor="{anchor}"'
    return f'<text {place} font-size="{size}" font-weight="{weight}">{escape(text)}</text>'
