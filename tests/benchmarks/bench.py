"""Parley measured beside Ray Serve and its peers: `make bench`.

    python -m tests.benchmarks.bench [--quick] [--only PART,...] [--out FOLDER] [--resume]
    python -m tests.benchmarks.bench --only turns --systems parley,parley@/other/tree,engines

It needs torch, which makes the checkpoints, and the right to make namespaces.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from tests.benchmarks import results as kept
from tests.benchmarks.contenders import NAMES, OWN, Given
from tests.benchmarks.durations import GATEWAY_SECONDS, LIMITS_SECONDS
from tests.benchmarks.machine import load_of_others, machine, versions
from tests.benchmarks.measuring import Run, measure_gateway, measure_limits
from tests.benchmarks.plan import (
    CLIENTS,
    GATEWAY,
    LIMITS,
    PARTS,
    Block,
    Wanted,
    kind_of,
    plan,
    seconds_of,
)
from tests.benchmarks.preparation import NotPrepared, prepared
from tests.benchmarks.report import TABLE, write_report
from tests.benchmarks.results import FILE, Results
from tests.benchmarks.session import NoNamespace
from tests.benchmarks.systems import ROOT
from tests.benchmarks.weights.searches import SEARCHES

_QUICK_SECONDS = 1.0
_QUICK_CLIENTS = (1, 8)


def main(argv: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(argv)
    # What was started ends, and folders are removed, however the run is stopped.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    wanted = _wanted(options)
    blocks = plan(wanted)
    try:
        _run(options, wanted, blocks)
    except (NoNamespace, NotPrepared) as err:
        print(err, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"stopped; what was measured is in {options.out / FILE}", file=sys.stderr)
        return 130
    return 0


def _run(options: argparse.Namespace, wanted: Wanted, blocks: Sequence[Block]) -> None:
    path = options.out / FILE
    failures: dict[str, str] = {}
    systems = [key for block in blocks for key, _ in (*block.systems, *block.starts)]
    with prepared("tiny" if options.quick else "full", systems, failures) as (given, can_run):
        if options.resume and path.exists():
            results = kept.read(path)
        else:
            results = _new_results(given)
        results.failures |= failures
        beside = {LIMITS: LIMITS_SECONDS, GATEWAY: GATEWAY_SECONDS}
        most = seconds_of(blocks) + sum(
            seconds[results.size] for part, seconds in beside.items() if part in wanted.parts
        )
        print(f"at most {most / 60:.0f} minutes", file=sys.stderr)
        started = time.monotonic() - results.seconds

        def save() -> None:
            results.seconds = round(time.monotonic() - started, 1)
            kept.write(results, path)

        if LIMITS in wanted.parts and results.limits is None:
            measure_limits(given.weights, results)
            save()
        Run(given, results, save).measure(_runnable(blocks, can_run))
        if GATEWAY in wanted.parts and not results.gateway:
            measure_gateway(results)
            save()
    write_report(results, options.out)
    print(options.out / TABLE)


def _runnable(blocks: Sequence[Block], can_run: Sequence[str]) -> list[Block]:
    return [
        Block(
            tuple(row for row in block.rows if row.system in can_run),
            tuple(start for start in block.starts if start[0] in can_run),
        )
        for block in blocks
    ]


def _new_results(given: Given) -> Results:
    return Results(
        date=datetime.now().astimezone().isoformat(timespec="minutes"),
        size=given.weights.size,
        machine={**machine(), "load before": load_of_others()},
        versions=versions(dict(given.peers)),
        parity=given.weights.same,
    )


def wanted_of(argv: Sequence[str]) -> Wanted:
    """What a command line asks for."""
    return _wanted(_parser().parse_args(argv))


def _wanted(options: argparse.Namespace) -> Wanted:
    return Wanted(
        parts=options.only,
        systems=options.systems or (OWN if options.quick else ()),
        searches=options.search or (("greedy",) if options.quick else SEARCHES),
        clients=options.clients or (_QUICK_CLIENTS if options.quick else CLIENTS),
        languages=options.language,
        seconds=options.seconds or (_QUICK_SECONDS if options.quick else 0.0),
        turns=options.turns or (1 if options.quick else 2),
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tests.benchmarks.bench", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    add = parser.add_argument
    add("--quick", action="store_true", help="tiny weights, a second for each row, no peers")
    add("--only", type=_some(PARTS), default=PARTS, metavar="PART,...", help=", ".join(PARTS))
    add("--systems", type=_systems, default=(), metavar="KEY,...", help=", ".join(NAMES))
    add("--search", type=_some(SEARCHES), default=(), metavar="NAME,...", help=", ".join(SEARCHES))
    add("--language", type=_some(("fr", "en")), default=("fr", "en"))
    add("--clients", type=_numbers, default=(), metavar="N,...")
    add("--seconds", type=float, default=0.0, help="of every row")
    add("--turns", type=int, default=0, help="times that Parley and its engines are asked the same")
    add("--out", type=Path, default=ROOT / "build" / "bench", metavar="FOLDER")
    add("--resume", action="store_true", help="leave out what the folder's results have")
    return parser


def _some(known: Sequence[str]):
    """Reads names, separated by commas, of those that are known."""

    def read(text: str) -> tuple[str, ...]:
        names = tuple(text.split(","))
        for name in names:
            if name not in known:
                raise argparse.ArgumentTypeError(f"{name}: it may be {', '.join(known)}")
        return names

    return read


def _systems(text: str) -> tuple[str, ...]:
    """Keys, of Parley's own with `@FOLDER` of a working tree."""
    for key in text.split(","):
        if kind_of(key) not in NAMES:
            raise argparse.ArgumentTypeError(f"{key}: it may be {', '.join(NAMES)}")
        tree = key.partition("@")[2]
        if tree and not (Path(tree) / "predictors").is_dir():
            raise argparse.ArgumentTypeError(f"{tree}: no working tree of Parley")
    return tuple(text.split(","))


def _numbers(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(each) for each in text.split(","))
    except ValueError as err:
        raise argparse.ArgumentTypeError(f"{text}: not numbers with commas between") from err


if __name__ == "__main__":
    sys.exit(main())
