"""A run's results as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tests.benchmarks.contenders import name_of
from tests.benchmarks.goals import Goal, Table, goals
from tests.benchmarks.plan import ENGLISH, FRENCH, GATEWAY, GRAPH, GROWTH, MODELS, TURNS
from tests.benchmarks.reached import Joined, Limits
from tests.benchmarks.results import DISTURBED, Measured, Results, Start

_LANGUAGES = {FRENCH: "French", ENGLISH: "English"}
# Of what is no system.
_NAMES = {GATEWAY: "Parley's gateway"}
_MARK = " \u2021"


def markdown(results: Results) -> str:
    table = Table(results)
    sections = (
        _head(results),
        _goals(goals(results)),
        _turns(table),
        _part(table, MODELS, "One model: French to English, 4 beams"),
        _part(table, GRAPH, "The graph: four stages that do nothing", milliseconds=True),
        _limits(results.limits),
        _profile(results),
        _growth(table),
        _gateway(results),
        _missing(results),
    )
    return "\n\n".join(section for section in sections if section) + "\n"


def _head(results: Results) -> str:
    machine = "; ".join(f"{name} {value}" for name, value in results.machine.items())
    versions = ", ".join(f"{name} {value}" for name, value in results.versions.items())
    parity = ", ".join(f"{family} {part:.0%}" for family, part in results.parity.items())
    disturbed = sum(each.is_disturbed for each in results.rows)
    return "\n\n".join(
        (
            "# Parley beside others",
            f"Measured on {results.date} in {results.seconds / 60:.0f} minutes, with the "
            f"{results.size} weights. What each figure means stands in the README one folder up.",
            f"- Machine: {machine}\n- Versions: {versions}\n"
            f"- Greedy answers that CTranslate2 and transformers share at float32: {parity}\n"
            f"- Rows during which others took more than {DISTURBED:.0%} of the machine, marked "
            f"with{_MARK}: {disturbed} of {len(results.rows)}",
        )
    )


def _goals(found: Sequence[Goal]) -> str:
    lines = (
        (
            goal.what,
            goal.others,
            goal.ours,
            goal.engines,
            _figure(goal, goal.found),
            _wanted(goal),
            _bold(goal.verdict),
        )
        for goal in found
    )
    head = ("", "others", "Parley", "the engines alone", "found", "wanted", "")
    return f"## What is wanted\n\n{_grid(head, lines)}"


def _figure(goal: Goal, value: float | None) -> str:
    if value is None:
        return ""
    if goal.unit:
        return f"{value:.3g} {goal.unit}"
    return f"1/{1 / value:.2g}" if goal.below and value < 1 else f"{value:.3g}x"


def _wanted(goal: Goal) -> str:
    sign = "\u2264" if goal.below else "\u2265"
    stretch = f", stretch {_figure(goal, goal.stretch)}" if goal.stretch is not None else ""
    return f"{sign} {_figure(goal, goal.wanted)}{stretch}"


def _bold(verdict: str) -> str:
    return f"**{verdict}**" if verdict == "missed" else verdict


def _turns(table: Table) -> str:
    kinds = {(each.row.language, each.row.search) for each in table.rows if each.row.part == TURNS}
    grids = [
        f"### {_LANGUAGES[language]}, {search}\n\n{_rows(_chosen(table, TURNS, search, language))}"
        for language, search in sorted(kinds, key=lambda each: (each[0] == ENGLISH, each[1]))
    ]
    return "\n\n".join(["## Turns", *grids]) if grids else ""


def _part(table: Table, part: str, title: str, milliseconds: bool = False) -> str:
    found = [each for each in table.rows if each.row.part == part]
    return f"## {title}\n\n{_rows(found, milliseconds)}" if found else ""


def _chosen(table: Table, part: str, search: str, language: str) -> list[Measured]:
    return [
        each
        for each in table.rows
        if (each.row.part, each.row.search, each.row.language) == (part, search, language)
    ]


def _rows(found: Sequence[Measured], milliseconds: bool = False) -> str:
    """One line for each system and number of clients."""
    unit, times = ("ms", 1e3) if milliseconds else ("s", 1.0)
    head = ("", "clients", "a second", f"p50, {unit}", f"p99, {unit}", "cores", "MiB", "others")
    ordered = sorted(found, key=lambda each: (each.row.clients, _place(each, found)))
    return _grid(head, (_line(each, times) for each in ordered))


def _place(each: Measured, found: Sequence[Measured]) -> int:
    return [one.row.system for one in found].index(each.row.system)


def _line(each: Measured, times: float) -> tuple[str, ...]:
    name = name_of(each.row.system) + (_MARK if each.is_disturbed else "")
    others, memory = f"{each.others:.0%}", str(each.memory >> 20)
    if not each.row.clients:
        return name, "0", "nobody asks", "", "", f"{each.cpu / each.window:.1f}", memory, others
    if not each.answers:
        why = f"none: {each.error}" if each.error else "none in the row's time"
        return name, str(each.row.clients), why, "", "", "", "", others
    notes = f" ({each.failed} failed)" if each.failed else ""
    return (
        name,
        str(each.row.clients),
        f"{_short(each.rate)}{notes}",
        _short(times * each.quantile(0.5)),
        _short(times * each.quantile(0.99)),
        f"{each.cpu / each.window:.1f}",
        memory,
        others,
    )


def _short(value: float) -> str:
    """Three digits, and no power of ten."""
    return f"{value:.0f}" if value >= 1000 else f"{value:.3g}"


def _limits(limits: Limits | None) -> str:
    if limits is None:
        return ""
    rates = (
        (str(each.threads), f"{each.read:.0f}", f"{each.fp32:.0f}", f"{each.int8:.0f}")
        for each in limits.rates
    )
    shares = (
        (
            *(each.family, each.search, str(each.batch), str(each.rows)),
            *(f"{each.seconds:.3g}", f"{each.floor:.3g}", f"{each.floor / each.seconds:.0%}"),
        )
        for each in limits.shares
    )
    sections = [
        "## Limits of this machine, and what the engines reach",
        _grid(("threads", "read, GB/s", "fp32, GFLOP/s", "int8, GOP/s"), rates),
        _grid(("model", "search", "texts", "rows", "s", "s at the limit", "reached"), shares),
    ]
    return "\n\n".join([*sections, _joins(limits.joins)] if limits.joins else sections)


def _joins(joins: Sequence[Joined]) -> str:
    """Answers of 4 to 28 tokens by the engine on OpenVINO."""
    lines = (
        (
            *(each.family, each.search, str(each.clients)),
            *(_short(pace.tokens) for pace in (each.whole, each.joined)),
            f"{each.joined.tokens / each.whole.tokens:.2f}",
            *(_short(pace.p50) for pace in (each.whole, each.joined)),
        )
        for each in joins
    )
    asked = ("model", "search", "clients")
    head = (*asked, "tokens a second, whole", "joining", "ratio", "p50 whole, s", "joining")
    return f"### Batches that are joined\n\n{_grid(head, lines)}"


def _profile(results: Results) -> str:
    title = "### Where the engines' time goes"
    if results.no_profile:
        return f"{title}\n\nThis is not known: {results.no_profile}."
    if not results.profile:
        return ""
    kinds = list(dict.fromkeys(each.where for each in results.profile))
    found: dict[tuple[str, str, int], dict[str, float]] = {}
    for each in results.profile:
        found.setdefault((each.family, each.search, each.batch), {})[each.where] = each.share
    lines = (
        (family, search, str(batch), *(f"{shares.get(kind, 0.0):.0%}" for kind in kinds))
        for (family, search, batch), shares in found.items()
    )
    return f"{title}\n\n{_grid(('model', 'search', 'texts', *kinds), lines)}"


def _growth(table: Table) -> str:
    found = [each for each in table.rows if each.row.part == GROWTH]
    grouped: dict[tuple[str, str], list[Start]] = {}
    for start in table.results.starts:
        grouped.setdefault((start.system, start.search), []).append(start)
    starts = (
        (
            *(name_of(system), search, f"{min(each.seconds for each in group):.1f}"),
            str(max(each.memory for each in group) >> 20),
        )
        for (system, search), group in grouped.items()
    )
    head = ("", "search", "s until ready", "MiB then")
    sections = [f"## Growth\n\n{_grid(head, starts)}"] if table.results.starts else []
    return "\n\n".join([*sections, _rows(found)] if found else sections)


def _gateway(results: Results) -> str:
    if not results.gateway:
        return ""
    lines = (
        (
            goal.words,
            "nothing" if goal.found is None else f"{goal.found:.3g}",
            f"\u2264 {goal.most:.3g}",
            "met" if goal.is_reached else _bold("missed"),
        )
        for goal in results.gateway
    )
    return f"## The gateway\n\n{_grid(('', 'found', 'wanted', ''), lines)}"


def _missing(results: Results) -> str:
    if not results.failures:
        return ""
    lines = [
        f"- {_NAMES.get(key) or name_of(key)}: {reason}" for key, reason in results.failures.items()
    ]
    return "\n".join(["## Not measured\n", *lines])


def _grid(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
