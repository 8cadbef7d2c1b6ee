"""Lines of logs, as a terminal shows them."""

from __future__ import annotations

import json

import click
import pytest
import typer

from graph.cli.logs import describe, read_duration
from graph.cluster.logs import Line, keep, read_line

ANSWERED = {
    "event": "detector: answered",
    "logger": "predictors.door.handler",
    "level": "info",
    "turns": 1,
    "timestamp": "2026-11-29T03:27:49.433557Z",
    "request_id": "4a38",
}
ROUTER = {"level": "info", "ts": "2026-11-29T03:28:01Z", "msg": "elapsed time", "node": "fr"}
ERRORS = [{"exc_type": "EngineError", "exc_value": "no"}, {"exc_type": "OSError", "exc_value": "x"}]


def test_our_lines_and_the_routers_are_shown_as_text() -> None:
    assert describe(json.dumps(ANSWERED)) == (
        "03:27:49  info    detector: answered  turns=1  request_id=4a38"
    )
    assert describe(json.dumps(ROUTER)) == "03:28:01  info    elapsed time  node=fr"


def test_an_error_has_its_causes_below_it() -> None:
    shown = describe(json.dumps(ANSWERED | {"level": "error", "exception": ERRORS}))
    assert click.unstyle(shown).splitlines()[1:] == ["    EngineError: no", "    OSError: x"]


@pytest.mark.parametrize("line", ["plain words", '{"a": 1}', "[1]", "3", '{"event": 3}', "{"])
def test_any_other_line_is_as_it_is(line: str) -> None:
    assert describe(line) == line


@pytest.mark.parametrize(
    ("text", "seconds"), [("", 0), ("90s", 90), ("5m", 300), ("1h30m", 5400), ("2d", 172800)]
)
def test_a_duration_is_read(text: str, seconds: int) -> None:
    assert read_duration(text) == seconds


@pytest.mark.parametrize("text", ["5", "m", "5 m", "-5m", "5x"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="as 5m"):
        read_duration(text)


def test_a_request_is_kept_by_its_whole_id_in_json_and_anywhere_in_plain_text() -> None:
    lines = [
        Line("p", "c", "", json.dumps({"event": "x", "request_id": "ab,cd"})),
        Line("p", "c", "", json.dumps({"event": "x", "request_id": "abcd"})),
        Line("p", "c", "", "request ab failed"),
        Line("p", "c", "", "nothing"),
    ]
    assert list(keep(lines, "ab")) == [lines[0], lines[2]]
    assert list(keep(lines, "")) == lines


def test_the_node_s_time_is_taken_off_a_line() -> None:
    line = read_line("p", "c", "2026-11-29T03:28:00.555012345Z two words")
    assert (line.time, line.text) == ("2026-11-29T03:28:00.555012345Z", "two words")
    assert read_line("p", "c", "no time").text == "no time"
