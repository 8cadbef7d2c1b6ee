"""What a machine can do, and what the engines reach of it, as it stands in the results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Rate:
    """What so many threads reach. read: GB/s of memory.  fp32, int8: GFLOP/s and GOP/s."""

    threads: int
    read: float
    fp32: float
    int8: float


@dataclass(frozen=True)
class Share:
    """A batch of an engine. rows: of its steps.  seconds: it took.

    floor: seconds that its products with weights take at the machine's rates.
    """

    family: str
    search: str
    batch: int
    rows: int
    seconds: float
    floor: float


@dataclass(frozen=True)
class Loaded:
    """seconds: until an engine with a converted model is ready to answer."""

    family: str
    seconds: float


@dataclass(frozen=True)
class Pace:
    """tokens: a second.  p50: seconds of an answer."""

    tokens: float
    p50: float


@dataclass(frozen=True)
class Joined:
    """Answers of many lengths, of so many clients: in whole batches, and joining batches."""

    family: str
    search: str
    clients: int
    whole: Pace
    joined: Pace


@dataclass(frozen=True)
class Limits:
    rates: Sequence[Rate]
    shares: Sequence[Share]
    loads: Sequence[Loaded]
    joins: Sequence[Joined] = ()


@dataclass(frozen=True)
class Spent:
    """share: of the processors' time (0..1) for which an engine did this."""

    family: str
    search: str
    batch: int
    where: str
    share: float


def limits_of(values: dict[str, Any]) -> Limits:
    return Limits(
        rates=[Rate(**each) for each in values["rates"]],
        shares=[Share(**each) for each in values["shares"]],
        loads=[Loaded(**each) for each in values["loads"]],
        joins=[_joined_of(each) for each in values["joins"]],
    )


def _joined_of(values: dict[str, Any]) -> Joined:
    paces = {name: Pace(**values[name]) for name in ("whole", "joined")}
    return Joined(**{**values, **paces})
