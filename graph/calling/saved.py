"""A conversation in a file: JSON with the name and the version of its format.

    {"format": "parley-conversation", "version": 1, "language": "fr", "timeout": null,
     "history": ["Hello", "Hi"], "turns": [{...}]}

`language` is the one that the person chose, null where it is detected. `turns` are the predictions
as the graph returned them. A file may come from anybody: it is checked as an answer is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from graph import contract
from graph.calling.replies import Reply, read_reply
from graph.errors import ParleyError, SpecError

FORMAT = "parley-conversation"
VERSION = 1
_FIELDS = {"format", "version", "language", "timeout", "history", "turns"}


@dataclass(frozen=True)
class Saved:
    """What a file holds of a conversation."""

    language: str | None
    timeout: float | None
    history: list[str]
    replies: list[Reply]


def write(
    path: str | PathLike[str],
    language: str | None,
    timeout: float | None,
    history: Sequence[str],
    replies: Sequence[Reply],
    replace: bool,
) -> None:
    """Write a file. Raises FileExistsError where one is there, unless it may be replaced."""
    content = {
        "format": FORMAT,
        "version": VERSION,
        "language": language,
        "timeout": timeout,
        "history": list(history),
        "turns": [reply.prediction for reply in replies],
    }
    text = json.dumps(content, ensure_ascii=False, indent=2) + "\n"
    with Path(path).open("w" if replace else "x", encoding="utf-8") as file:
        file.write(text)


def read(path: str | PathLike[str]) -> Saved:
    """What a file holds. Raises SpecError, which names the file and what is wrong with it."""
    try:
        content = json.loads(Path(path).read_text("utf-8"))
        return _read(content)
    except OSError as err:
        raise SpecError(f"{path}: {err.strerror}") from err
    except (ValueError, RecursionError) as err:
        raise SpecError(f"{path}: is not JSON in UTF-8") from err
    except ParleyError as err:
        raise SpecError(f"{path}: {err}") from err


def _read(content: Any) -> Saved:
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise SpecError(f'is not a saved conversation: it has no "format": "{FORMAT}"')
    if content.get("version") != VERSION:
        version = json.dumps(content.get("version"))[:20]
        raise SpecError(f"is of version {version}; this Parley reads version {VERSION}")
    odd = sorted(_FIELDS ^ content.keys())
    if odd:
        raise SpecError(f"{odd[0]}: {'missing' if odd[0] in _FIELDS else 'unknown key'}")
    _check_settings(content)
    if not isinstance(content["turns"], list):
        raise SpecError("turns: must be a list")
    replies = [_read_turn(turn, i) for i, turn in enumerate(content["turns"])]
    return Saved(content["language"], content["timeout"], content["history"], replies)


def _check_settings(content: Mapping[str, Any]) -> None:
    """As the contract has them: a request with these fields would be taken."""
    optional = (contract.LANGUAGE, contract.TIMEOUT)
    given = {name: content[name] for name in optional if content[name] is not None}
    given[contract.HISTORY] = content["history"]
    contract.read_instances({contract.USER_INPUT: "-", **given})


def _read_turn(turn: Any, index: int) -> Reply:
    if not isinstance(turn, dict):
        raise SpecError(f"turns[{index}]: must be an object")
    try:
        return read_reply(turn)
    except ParleyError as err:
        raise SpecError(f"turns[{index}]: {err}") from err
