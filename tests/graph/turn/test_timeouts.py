"""One number for every time-out: code, chart and Go's own defaults agree."""

import dataclasses
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from graph.http.server import Server
from graph.turn.timeouts import CLOCK_SKEW, DEFAULT, KEEP_ALIVE, MARGIN, READ, TurnTimeouts
from predictors.settings import ModelSettings

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("turn", [1, 50, 600])
def test_each_part_waits_longer_than_what_it_encloses(turn):
    seconds = TurnTimeouts(turn)
    order = (
        seconds.turn,
        seconds.turn + 2 * CLOCK_SKEW,
        seconds.predictor,
        seconds.service,
        seconds.router,
    )
    assert list(order) == sorted(set(order))
    assert seconds.router <= seconds.gateway < seconds.client
    assert 2 * CLOCK_SKEW < MARGIN


def test_the_options_defaults_are_these_numbers():
    defaults = {field.name: field.default for field in dataclasses.fields(ModelSettings)}
    assert defaults["turn_timeout"] == DEFAULT.turn
    assert defaults["request_timeout"] == defaults["drain_seconds"] == DEFAULT.predictor
    assert defaults["clock_skew"] == CLOCK_SKEW


def test_the_charts_defaults_are_these_numbers():
    values = yaml.safe_load((ROOT / "helm/parley/values.yaml").read_text(encoding="utf-8"))
    assert values["timeouts"]["service"] == DEFAULT.service
    assert values["timeouts"]["read"] == READ
    drain = float(values["predictors"]["env"]["PARLEY_DRAIN_SECONDS"])
    assert drain == DEFAULT.predictor
    assert values["predictors"]["terminationGracePeriodSeconds"] > drain + 10


def test_an_idle_connection_is_kept_longer_than_gos_transport_keeps_it():
    """KServe's router calls services by Go's default transport, so it is the one that closes."""
    try:
        command = ["go", "env", "GOROOT"]
        root = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("Go is not installed: its source says how long it keeps a connection")
    source = (Path(root) / "src/net/http/transport.go").read_text(encoding="utf-8")
    [seconds] = re.findall(r"IdleConnTimeout:\s+(\d+) \* time\.Second", source)
    served = Server(lambda *_: None, drain_seconds=1).config.timeout_keep_alive
    assert served == KEEP_ALIVE > int(seconds) > 75
