"""The options of a predictor: one frozen dataclass, read from arguments and environment.

Each field made with `option` is the argument `--name` (KServe's underscore style) and the
environment variable `PARLEY_NAME`; the argument wins over the variable, the variable over the
default. A mistyped argument ends with a usage message, never silently. Nothing is read when a
module is imported.
"""

from __future__ import annotations

import argparse
import dataclasses
import math
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar

from graph.errors import ServeError
from graph.turn.timeouts import CLOCK_SKEW, DEFAULT
from predictors.scheduling.admission import QUEUE_SECONDS

S = TypeVar("S", bound="ServerSettings")
ENVIRON_PREFIX = "PARLEY_"


def option(default: Any, help: str, choices: Sequence[str] = ()) -> Any:
    """A field that is an option. The default `...` makes it required, `None` leaves it unset."""
    metadata = {"help": help, "choices": tuple(choices)}
    if default is ...:
        return dataclasses.field(metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


@dataclass(frozen=True, kw_only=True)
class ServerSettings:
    """The options of a server, whatever it serves."""

    http_port: int = option(8080, "port that the server listens on")
    host: str = option("0.0.0.0", "address that the server listens on")
    drain_delay: float = option(
        5.0, "seconds after SIGTERM in which requests are still taken, while readiness is refused"
    )
    drain_seconds: float = option(
        float(DEFAULT.predictor), "seconds given to open requests after that"
    )
    log_level: str = option("info", "how much is logged", ("debug", "info", "warning", "error"))
    log_format: str = option(
        "auto",
        "form of the log's lines; auto is console at a terminal, json elsewhere",
        ("auto", "json", "console"),
    )
    log_texts: str = option(
        "no", "yes logs what people write and what they are answered", ("no", "yes")
    )
    openapi: str = option("no", "yes serves /openapi.json", ("no", "yes"))


@dataclass(frozen=True, kw_only=True)
class PredictorSettings(ServerSettings):
    """The options of every predictor, and those of its server."""

    model_name: str = option(..., "name in the URL /v1/models/NAME:predict; the service's own name")
    request_timeout: float = option(
        float(DEFAULT.predictor), "seconds after which a request is answered with 504"
    )
    turn_timeout: float = option(
        float(DEFAULT.turn),
        "seconds that a whole turn may take, where this predictor is its first step and the "
        "person asks for no less",
    )
    clock_skew: float = option(
        CLOCK_SKEW, "seconds by which this clock may differ from that of the turn's first predictor"
    )
    max_inflight: int = option(64, "requests at work or waiting; one more is answered with 503")
    max_queue_seconds: float = option(
        QUEUE_SECONDS,
        "a request that would take longer, by what is at work and the measured rate, is answered "
        "with 503; an idle predictor takes every request",
    )

    def __post_init__(self) -> None:
        """Raises OptionError for a time in which nothing could be done."""
        for name in ("request_timeout", "turn_timeout"):
            seconds = getattr(self, name)
            if not 0 < seconds < math.inf:
                raise OptionError(f"--{name}: must be a number of seconds over 0, not {seconds:g}")
        if not 0 <= self.clock_skew < math.inf:
            raise OptionError(f"--clock_skew: must be 0 or more seconds, not {self.clock_skew:g}")


@dataclass(frozen=True, kw_only=True)
class ModelSettings(PredictorSettings):
    """The further options of every predictor with a generating model."""

    model: str = option(
        ...,
        "embedded:NAME, hf:ID@REVISION, gguf:FILE[@sha256:HEX], or a folder; "
        "see `parley models list`",
    )
    models: str = option("", "folder of the model cache (default: the user's cache folder)")
    engine: str = option(
        "auto",
        "what runs the model; auto chooses by the model's format and the machine",
        ("auto", "llamacpp", "ctranslate2", "openvino", "transformers", "openai"),
    )
    device: str = option("auto", "where the model runs", ("auto", "cpu", "cuda"))
    threads: int = option(0, "CPU threads of the engine; 0 chooses by the container's CPU limit")
    parallel: int = option(4, "requests that the engine works on at a time")


class OptionError(ServeError):
    """An option is missing, mistyped or of the wrong kind; the command ends with exit code 2."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise OptionError(f"{message} (see --help)")


def read_settings(
    kind: type[S], argv: Sequence[str], environ: Mapping[str, str], prog: str, about: str
) -> S:
    """Settings of class `kind`. Raises OptionError; `--help` prints and exits as argparse does."""
    parser = _Parser(prog=prog, description=about, allow_abbrev=False)
    for field in _options(kind):
        _add_argument(parser, field, _value_type(kind, field), environ)
    values = vars(parser.parse_args(list(argv)))
    for field in _options(kind):
        # argparse checks the choices of arguments, but not of defaults, so not of variables.
        choices = field.metadata["choices"]
        if choices and values[field.name] not in (*choices, field.default):
            parser.error(f"--{field.name}: choose from {', '.join(choices)}")
    return kind(**values)


def _add_argument(
    parser: argparse.ArgumentParser,
    field: dataclasses.Field[Any],
    value_type: type,
    environ: Mapping[str, str],
) -> None:
    variable = ENVIRON_PREFIX + field.name.upper()
    required = field.default is dataclasses.MISSING and variable not in environ
    default = environ.get(variable, None if required else field.default)
    text = field.metadata["help"]
    unsaid = field.default in (dataclasses.MISSING, "", None)
    shown = "" if unsaid else f" (default: {field.default})"
    parser.add_argument(
        f"--{field.name}",
        type=value_type,
        # argparse converts a default that is a text, so a bad variable is refused like an argument.
        default=default,
        required=required,
        choices=field.metadata["choices"] or None,
        metavar=field.name.upper(),
        help=f"{text}{shown}; environment: {variable}".replace("%", "%%"),
    )


def _options(kind: type[ServerSettings]) -> list[dataclasses.Field[Any]]:
    return [field for field in dataclasses.fields(kind) if "help" in field.metadata]


def _value_type(kind: type[ServerSettings], field: dataclasses.Field[Any]) -> type:
    """The plain type of a field; `X | None` reads as X."""
    hint = typing.get_type_hints(kind)[field.name]
    if isinstance(hint, types.UnionType):
        hint = next(arg for arg in typing.get_args(hint) if arg is not types.NoneType)
    return typing.cast(type, hint)
