"""Logs on a real cluster: merged, followed from pod to pod, and of crashes."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from graph.cluster import connection
from graph.cluster.following import follow_logs
from graph.cluster.logs import Line, Wanted, keep, read_logs
from graph.errors import Forbidden, NotFound
from tests.cluster import kubeconfigs, strangers
from tests.cluster.harness import Cluster
from tests.cluster.kube import until
from tests.proxy import NONE, Fault, proxied

pytestmark = pytest.mark.cluster
SPACE = "parley-logs"
TALKATIVE = """
import itertools, time
for number in itertools.count():
    print("number", number, flush=True)
    time.sleep(0.1)
"""
YES = {"exec": {"command": ["true"]}}
NONE_BEFORE = Wanted(tail=0)
OF_A_REQUEST = json.dumps({"event": "answered", "request_id": "r1,r2"})
CRASHING = f"print({OF_A_REQUEST!r}); print('other'); raise SystemExit('last words')"
JOB = {
    "apiVersion": "batch/v1",
    "kind": "Job",
    "metadata": {"name": "pull"},
    "spec": {
        "template": {
            "spec": {
                "restartPolicy": "Never",
                "containers": [
                    {
                        "name": "pull",
                        "image": "parley-detector:0.1.0",
                        "command": ["python", "-c", "print('pulled')"],
                    }
                ],
            }
        }
    },
}


@pytest.fixture(scope="module")
def space(cluster: Cluster) -> Iterator[str]:
    with strangers.namespace(cluster.kubectl, SPACE) as name:
        strangers.put(
            cluster.kubectl,
            name,
            strangers.service("talkative", {"args": [TALKATIVE], "readinessProbe": YES}),
            strangers.service("crashing", {"args": [CRASHING]}),
            JOB,
        )
        strangers.until_ready(cluster.kubectl, name, "talkative-predictor")
        yield name


def texts(lines: Sequence[Line]) -> list[str]:
    return [line.text for line in lines]


def test_lines_of_several_pods_come_in_the_order_of_their_times(
    cluster: Cluster, space: str
) -> None:
    with strangers.connect(cluster, space) as connected:

        def both() -> list[Line] | None:
            """Once the one that talks on has said more than is asked for."""
            lines = list(read_logs(connected, wanted=Wanted(tail=5)))
            pods = {line.pod for line in lines}
            return lines if len(pods) == 2 and "number 0" not in texts(lines) else None

        lines = until(both, "lines of both services", 60)
    assert [line.time for line in lines] == sorted(line.time for line in lines)
    assert "last words" in texts(lines)
    assert sum("talkative" in line.pod for line in lines) == 5


def test_a_request_is_found_by_its_id(cluster: Cluster, space: str) -> None:
    with strangers.connect(cluster, space) as connected:
        found = until(
            lambda: list(keep(read_logs(connected, ["crashing"]), "r2")) or None,
            "the request",
            60,
        )
        assert set(texts(found)) == {OF_A_REQUEST}
        assert list(keep(read_logs(connected, ["crashing"]), "r3")) == []


def test_the_logs_before_a_restart_are_there(cluster: Cluster, space: str) -> None:
    with strangers.connect(cluster, space) as connected:
        lines = until(
            lambda: list(read_logs(connected, ["crashing"], previous=True)) or None,
            "a restart",
            60,
        )
        assert set(texts(lines)) == {OF_A_REQUEST, "other", "last words"}
        assert list(read_logs(connected, ["talkative"], previous=True)) == []


def test_a_pod_that_is_replaced_is_followed(cluster: Cluster, space: str) -> None:
    with strangers.connect(cluster, space) as connected, following(connected, "talkative") as lines:
        first = lines.get(timeout=60).pod
        pods = f"pods -l serving.kserve.io/inferenceservice=talkative -n {space}".split()
        cluster.kubectl("delete", *pods, "--grace-period=0", "--force")
        line = until(lambda: other_than(first, lines.get(timeout=60)), "the next pod", 60)
    assert line.text == "number 0"


def test_no_line_is_lost_or_told_twice_when_the_api_server_goes_away(
    cluster: Cluster, space: str, tmp_path: Path
) -> None:
    host, port = kubeconfigs.address(cluster.kubectl)
    with proxied(port, host) as proxy:
        by_proxy = kubeconfigs.through(cluster.kubectl, proxy.port, tmp_path)
        with (
            strangers.connect(cluster, space, by_proxy) as connected,
            following(connected, "talkative", Wanted(tail=1)) as lines,
        ):
            numbers = [number(lines.get(timeout=60))]
            proxy.set(Fault(cut=0))
            proxy.set(NONE)
            while numbers[-1] < numbers[0] + 30:
                numbers.append(number(lines.get(timeout=60)))
    assert numbers == list(range(numbers[0], numbers[0] + 31))


def test_following_a_job_ends_with_it(cluster: Cluster, space: str) -> None:
    with strangers.connect(cluster, space) as connected:
        assert texts(list(follow_logs(connected, ["pull"]))) == ["pulled"]


def test_what_is_not_there_and_a_missing_right_are_told(
    cluster: Cluster, space: str, tmp_path: Path
) -> None:
    with strangers.connect(cluster, space) as connected:
        for read in (read_logs, follow_logs):
            with pytest.raises(NotFound, match='did you mean "crashing"'):
                list(read(connected, ["crashings"]))
    rules = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["list", "watch"]}]
    limited = kubeconfigs.of_account(cluster.kubectl, space, rules, tmp_path)
    with strangers.connect(cluster, space, limited) as connected:
        for read in (read_logs, follow_logs):
            with pytest.raises(Forbidden, match="may not get pods/log"):
                list(read(connected, ["talkative"]))


@contextmanager
def following(
    connected: connection.Cluster, name: str, wanted: Wanted = NONE_BEFORE
) -> Iterator[queue.SimpleQueue[Line]]:
    """The lines of a service as they come, read in a thread."""
    lines: queue.SimpleQueue[Line] = queue.SimpleQueue()
    followed = follow_logs(connected, [name], wanted)
    over = threading.Event()

    def read() -> None:
        for line in followed:
            lines.put(line)
            if over.is_set():
                break
        followed.close()

    thread = threading.Thread(target=read)
    thread.start()
    try:
        yield lines
    finally:
        over.set()
        thread.join(30)


def other_than(pod: str, line: Line) -> Line | None:
    return line if line.pod != pod else None


def number(line: Line) -> int:
    return int(line.text.rpartition(" ")[2])
