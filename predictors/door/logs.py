"""The log of a process: one line for each event, JSON on a cluster and plain at a terminal.

Every logger writes through it, those of uvicorn, kserve and the engines as well. A line that is
written for a request names the predictor and the turn. No line holds a text of a turn unless that
is asked for (`--log_texts`): the words of a request are taken out of an error's own words, and what
a library says of an error stays out where it is not known whose request it was.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Sequence
from typing import Any, TextIO

import structlog
from structlog.tracebacks import ExceptionDictTransformer
from structlog.types import EventDict, Processor, WrappedLogger

from predictors.scheduling.request import Request, current_request

WITHHELD = "[withheld; --log_texts shows it]"
_WORD = re.compile(r"\w+")
_OWN = ("graph", "predictors", "__main__")
# Their lines, one for each call of an engine or of a model, say nothing that an operator needs.
_QUIET = ("httpx2", "httpcore2", "kserve.trace")
# What a turn says, in the keys of a line.
TEXTS = "texts"


def set_up_logging(
    level: str, log_format: str = "auto", log_texts: bool = False, stream: TextIO | None = None
) -> None:
    """Send every logger's lines to `stream`, by default stderr."""
    stream = sys.stderr if stream is None else stream
    as_json = log_format == "json" or (log_format == "auto" and not stream.isatty())
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_formatter(as_json, log_texts, stream.isatty()))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def _formatter(as_json: bool, log_texts: bool, colours: bool) -> logging.Formatter:
    processors: Sequence[Processor] = (
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _name_request,
        structlog.processors.ExceptionRenderer(
            ExceptionDictTransformer(show_locals=False, max_frames=30)
        ),
        *(() if log_texts else (_withhold_texts,)),
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
    )
    end: Sequence[Processor] = (
        (structlog.processors.JSONRenderer(ensure_ascii=False, default=str),)
        if as_json
        else (_flatten_exception, structlog.dev.ConsoleRenderer(colors=colours))
    )
    return structlog.stdlib.ProcessorFormatter(processors=[*processors, *end])


def _name_request(_: WrappedLogger, __: str, line: EventDict) -> EventDict:
    request = current_request()
    line.pop("color_message", None)  # uvicorn's own, for a terminal
    if request.predictor:
        line.setdefault("predictor", request.predictor)
    if request.request_id:
        line.setdefault("request_id", request.request_id)
    return line


def _withhold_texts(_: WrappedLogger, __: str, line: EventDict) -> EventDict:
    """Take out of a line what a person wrote."""
    line.pop(TEXTS, None)
    request = current_request()
    own = str(line.get("logger", "")).partition(".")[0] in _OWN
    if not own:
        # asyncio, for one, adds the representation of a task and of its error to its first line.
        line["event"] = without_words(str(line["event"]).partition("\n")[0], request)
    if "problem" in line:
        line["problem"] = without_words(str(line["problem"]), request)
    for error in _errors_of(line.get("exception")):
        known = own or request.instances
        said = str(error["exc_value"])
        error["exc_value"] = without_words(said, request) if known else WITHHELD
        error["exc_notes"] = []
    return line


def without_words(said: str, request: Request) -> str:
    """What was said, without the words of the request and without what is not ASCII.

    The errors of engines and libraries are in English; a word in another script was quoted.
    """
    words = request.words
    if words is None:
        return WITHHELD

    def keep(match: re.Match[str]) -> str:
        word = match[0]
        return "…" if not word.isascii() or word.lower() in words else word

    return _WORD.sub(keep, said)


def _errors_of(exception: Any) -> list[dict[str, Any]]:
    """An error, what caused it, and what a group holds, as structlog tells them."""
    found: list[dict[str, Any]] = []
    for error in exception if isinstance(exception, list) else ():
        found += [error, *_errors_of([e for inner in error.get("exceptions", ()) for e in inner])]
    return found


def _flatten_exception(_: WrappedLogger, __: str, line: EventDict) -> EventDict:
    """An error as lines of text, the cause first, as Python prints it."""
    if isinstance(line.get("exception"), list):
        lines: list[str] = []
        for error in reversed(line["exception"]):
            lines += [f'  File "{f["filename"]}", line {f["lineno"]}, in {f["name"]}'
                      for f in error["frames"]]  # fmt: skip
            lines.append(f"{error['exc_type']}: {error['exc_value']}")
        line["exception"] = "\n".join(lines)
    return line
