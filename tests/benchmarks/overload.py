"""`make overload`: ten times the load that saturates, and what the service makes of it.

Real models answer, in one process of `parley serve`. First the load that saturates is found, then
ten times that load comes by the clock, and then one person speaks again. Every figure is compared
with another one of the same run. The exit code is 1 where an answer was wrong (neither an answer
nor a refusal that says when to come again), and where the service was gone afterwards.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from tests.benchmarks.load import (
    Instance,
    Sample,
    answered_seconds,
    ask,
    closed_loop,
    english,
    open_client,
    open_loop,
    percentile,
)
from tests.benchmarks.service import Service, serving

OVERLOAD = 10
WORKERS = (1, 2, 4, 8)
TRANSLATOR = "translate-fr-en"
# A hundred sentences of a kind. Who waits behind a text waits for one of its sentences, so the wait
# beside a long text says how fair the service is only where its sentences are like the short text.
_WHO = ("Le chat", "Mon frère", "Une femme", "Le garçon", "Ma mère",
        "Un homme", "Le chien", "Ton ami", "Sa fille", "Le voisin")  # fmt: skip
_DOES = ("dort", "mange", "travaille", "chante", "lit",
         "arrive", "parle", "danse", "court", "rit")  # fmt: skip
SENTENCES = tuple(f"{who} {does}." for who, does in itertools.product(_WHO, _DOES))


@dataclass(frozen=True)
class Overload:
    """peak: turns a second at the load that saturates.  overloaded: at ten times that load.

    peak_work, overloaded_work: turns for each second of a processor that the service used.
    generator: processors that the load itself took from the service.
    health_p95, health_max: seconds until `/readyz` and `/v1/models/NAME` answered under that load.
    refused_p95, refused_max: seconds until a refusal.  memory_before, memory_after: bytes.
    idle: seconds of a turn when nobody else speaks; recovered: seconds after the load until a turn
    took at most 1.5 times that.  statuses: how often each came; 0 is no answer at all.
    short_alone, short_beside_long: p95 in seconds of a one-sentence translation, without and with a
    text of a hundred such sentences beside it all the time.
    """

    peak: float
    peak_work: float
    overloaded: float
    overloaded_work: float
    generator: float
    health_p95: float
    health_max: float
    sent: int
    statuses: dict[int, int]
    refused_p95: float
    refused_max: float
    refused_without_retry_after: int
    answered_p95: float
    degraded: int
    memory_before: int
    memory_after: int
    idle: float
    recovered: float
    short_alone: float
    short_beside_long: float

    @property
    def wrong(self) -> int:
        """Answers that are neither one of 200 nor a refusal with Retry-After."""
        others = sum(n for status, n in self.statuses.items() if status not in (200, 503))
        return others + self.refused_without_retry_after


async def measure(service: Service, seconds: float) -> Overload:
    """seconds: of the overload; the other parts take about as long again."""
    part = max(4.0, seconds / 8)
    await closed_loop(service.url, english, 1, part / 4)  # the first turns are slower
    idle = percentile(answered_seconds(await closed_loop(service.url, english, 1, part)), 0.5)
    peak, peak_work = await _saturate(service, part)
    before = service.resident_bytes
    load = await _overload(service, OVERLOAD * peak, seconds)
    recovered = await _recover(service, idle, time.monotonic())
    after = service.resident_bytes
    short_alone, short_beside_long = await _short_and_long(service, part)
    samples = load.samples
    refused = [sample for sample in samples if sample.refused]
    answered = answered_seconds(samples)
    return Overload(
        peak=peak,
        peak_work=peak_work,
        overloaded=len(answered) / load.wall,
        overloaded_work=len(answered) / load.service,
        generator=load.generator / load.wall,
        health_p95=percentile(load.health, 0.95),
        health_max=percentile(load.health, 1.0),
        sent=len(samples),
        statuses=dict(Counter(sample.status for sample in samples)),
        refused_p95=percentile([sample.seconds for sample in refused], 0.95),
        refused_max=percentile([sample.seconds for sample in refused], 1.0),
        refused_without_retry_after=sum(not sample.retry_after for sample in refused),
        answered_p95=percentile(answered, 0.95),
        degraded=sum(sample.degraded for sample in samples),
        memory_before=before,
        memory_after=after,
        idle=idle,
        recovered=recovered,
        short_alone=short_alone,
        short_beside_long=short_beside_long,
    )


async def _saturate(service: Service, seconds: float) -> tuple[float, float]:
    """Turns a second at the load that saturates, and for each second of a processor.

    The best of several short tries is partly luck, so it is tried again, and longer.
    """
    tries = [await _try(service, workers, seconds) for workers in WORKERS]
    return await _try(service, WORKERS[tries.index(max(tries))], 4 * seconds)


async def _try(service: Service, workers: int, seconds: float) -> tuple[float, float]:
    started, used = time.monotonic(), service.cpu_seconds
    answered = len(answered_seconds(await closed_loop(service.url, english, workers, seconds)))
    # Each worker's last answer comes after `seconds`, and counts as well as the time until then.
    return answered / (time.monotonic() - started), answered / (service.cpu_seconds - used)


@dataclass(frozen=True)
class _Load:
    """health: seconds of each answer.  wall: seconds until the last answer of the load.

    service, generator: seconds of processors.
    """

    samples: Sequence[Sample]
    health: Sequence[float]
    wall: float
    service: float
    generator: float


async def _overload(service: Service, rate: float, seconds: float) -> _Load:
    started, own, used = time.monotonic(), time.process_time(), service.cpu_seconds
    samples, health = await asyncio.gather(
        open_loop(service.url, english, rate, seconds), _ask_for_health(service, seconds)
    )
    return _Load(
        samples,
        health,
        time.monotonic() - started,
        service.cpu_seconds - used,
        time.process_time() - own,
    )


async def _ask_for_health(service: Service, seconds: float) -> list[float]:
    """What a kubelet asks, four times a second; the seconds of each answer."""
    urls = itertools.cycle([f"{service.url}/readyz", service.model("chat")])
    taken = []
    async with open_client() as client:
        end = time.monotonic() + seconds
        while (started := time.monotonic()) < end:
            (await client.get(next(urls))).raise_for_status()
            taken.append(time.monotonic() - started)
            await asyncio.sleep(0.25)
    return taken


async def _recover(service: Service, idle: float, ended: float) -> float:
    """Seconds after the load until a turn is as quick as one of an idle service."""
    async with open_client() as client:
        while time.monotonic() < ended + 60:
            sample = await ask(client, service.url, english(0))
            if sample.answered and sample.seconds <= 1.5 * idle:
                break
    return time.monotonic() - ended


async def _short_and_long(service: Service, seconds: float) -> tuple[float, float]:
    url = service.predictor(TRANSLATOR)
    await closed_loop(url, _short, 1, seconds / 4)
    alone = await closed_loop(url, _short, 1, seconds)
    long = asyncio.create_task(closed_loop(url, _long, 1, 2 * seconds))
    beside = await closed_loop(url, _short, 1, 2 * seconds)
    await long
    # A machine is not equally quick all the time: what is compared lies around the other.
    alone += await closed_loop(url, _short, 1, seconds)
    return percentile(answered_seconds(alone), 0.95), percentile(answered_seconds(beside), 0.95)


def _short(number: int) -> Instance:
    # A step that has no divisor in common with their number comes to every sentence.
    return {"user_input": SENTENCES[number * 37 % len(SENTENCES)], "language": "fr"}


def _long(number: int) -> Instance:
    first = number % len(SENTENCES)
    return {"user_input": "\n".join(SENTENCES[first:] + SENTENCES[:first]), "language": "fr"}


def report(found: Overload) -> str:
    """The figures in words, each beside the one that it is compared with."""
    mib = 1 << 20
    return "\n".join(
        (
            f"saturating load: {found.peak:.2f} turns a second",
            f"at {OVERLOAD} times that: {found.overloaded:.2f} turns a second "
            f"({found.overloaded / found.peak:.0%} of the peak), {found.sent} requests, "
            f"by status {found.statuses}, degraded {found.degraded}",
            f"for each second of a processor that the service used: {found.peak_work:.2f} turns at "
            f"the peak, {found.overloaded_work:.2f} ({found.overloaded_work / found.peak_work:.0%})"
            f" under the load, which took {found.generator:.2f} processors itself",
            f"/readyz and /v1/models/NAME meanwhile: {1000 * found.health_p95:.0f} ms (p95), at "
            f"most {1000 * found.health_max:.0f} ms",
            f"a refusal takes {1000 * found.refused_p95:.0f} ms (p95), at most "
            f"{1000 * found.refused_max:.0f} ms; without Retry-After: "
            f"{found.refused_without_retry_after}",
            f"an answer takes {found.answered_p95:.1f} s (p95); {found.idle:.2f} s when idle",
            f"memory: {found.memory_before // mib} MiB before, "
            f"{found.memory_after // mib} MiB after",
            f"a turn is as quick as before {found.recovered:.1f} s after the load",
            f"a short text beside long ones: p95 {found.short_beside_long:.2f} s, "
            f"{found.short_beside_long / found.short_alone:.1f} times that without "
            f"({found.short_alone:.2f} s)",
        )
    )


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="tests.benchmarks.overload", description=__doc__)
    parser.add_argument("--seconds", type=float, default=120, help="length of the overload")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("file", nargs="?", default="", help="YAML of the graph (default: embedded)")
    options = parser.parse_args(argv)
    with serving(*([options.file] if options.file else [])) as service:
        found = asyncio.run(measure(service, options.seconds))
    print(json.dumps(asdict(found)) if options.json else report(found))
    if found.wrong:
        print(f"{found.wrong} answers were neither a turn nor a proper refusal", file=sys.stderr)
    return 1 if found.wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
