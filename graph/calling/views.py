"""How a turn looks in a notebook (HTML) and at a terminal (rich): its texts, and a bar a step.

Texts come from people, models and servers that may be hostile: all of them are escaped. Nothing is
fetched, no script is run, and colours are the page's own, so that a dark one stays readable.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from graph.calling.steps import TurnStep

if TYPE_CHECKING:
    from rich.console import Group

# A notebook takes dollars for mathematics, except under this class.
_OPEN = '<div class="tex2jax_ignore" style="max-width: 60em">'
_FAINT = "opacity: .65"
# A text of any script runs in its own direction and keeps its lines.
_TEXT = 'dir="auto" style="white-space: pre-wrap; margin: .2em 0'
# Characters of a bar at a terminal.
_BAR = 24


@dataclass(frozen=True)
class Said:
    """The texts of one turn; `language` is that of `user_input` and `response`."""

    language: str
    user_input: str
    user_input_en: str
    response: str
    response_en: str


def turn_as_html(said: Said, steps: Sequence[TurnStep], notes: Sequence[str]) -> str:
    """One turn: the message, the answer, what it lacks, and what each step took."""
    parts = [*_texts(said), *(_line(note, _FAINT) for note in notes), _table(steps)]
    return f"{_OPEN}{''.join(parts)}</div>"


def turns_as_html(turns: Sequence[Said]) -> str:
    """A conversation, message after message."""
    parts = [f'<div style="margin: .8em 0">{"".join(_texts(said))}</div>' for said in turns]
    return f"{_OPEN}{''.join(parts) or _line('nothing was said yet', _FAINT)}</div>"


def turn_for_terminal(said: Said, steps: Sequence[TurnStep], notes: Sequence[str]) -> Group:
    """The same with rich, in which no text is markup."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for title in ("step", "model", "seconds", ""):
        table.add_column(title, justify="right" if title == "seconds" else "left")
    for step, share in _shares(steps):
        bar = "█" * round(share * _BAR) or "▏"
        table.add_row(Text(step.name), Text(step.model), f"{step.seconds:.3f}", bar)
    answer = Text(f"[{said.language}] ", style="bold").append(said.response, style="not bold")
    return Group(Text(said.user_input), answer, *(Text(note, "dim") for note in notes), table)


def _texts(said: Said) -> Iterator[str]:
    yield _line(said.user_input, "font-weight: bold", said.language)
    if said.user_input_en not in ("", said.user_input):
        yield _line(said.user_input_en, _FAINT, "en")
    yield _line(said.response, "", said.language)
    if said.response_en not in ("", said.response):
        yield _line(said.response_en, _FAINT, "en")


def _line(text: str, style: str, language: str = "en") -> str:
    return f'<p lang="{escape(language)}" {_TEXT}; {style}">{escape(text)}</p>'


def _table(steps: Sequence[TurnStep]) -> str:
    if not steps:
        return ""
    head = "".join(f"<th>{title}</th>" for title in ("step", "model", "seconds", ""))
    rows = "".join(_row(step, share) for step, share in _shares(steps))
    return f'<table style="color: inherit"><tr>{head}</tr>{rows}</table>'


def _row(step: TurnStep, share: float) -> str:
    bar = f"width: {12 * share:.2f}em; height: .7em; background: currentColor; opacity: .5"
    return (
        f"<tr><td>{escape(step.name)}</td><td>{escape(step.model)}</td>"
        f'<td>{step.seconds:.3f}</td><td><div style="{bar}"></div></td></tr>'
    )


def _shares(steps: Sequence[TurnStep]) -> list[tuple[TurnStep, float]]:
    """Each step with its share of the longest one, from 0 to 1."""
    longest = max((step.seconds for step in steps), default=0)
    return [(step, step.seconds / longest if longest else 0.0) for step in steps]
