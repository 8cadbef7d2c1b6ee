"""`wait` on a real cluster: it names what is wrong, and ends when things truly work."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from graph.cli.main import main
from graph.cluster.parts.model import Part, Status
from graph.cluster.reasons.model import Cause
from graph.cluster.wait import wait
from graph.errors import Forbidden, NamespaceMissing, NotFound, NotReady, TimedOut
from tests.cluster import kubeconfigs, strangers
from tests.cluster.harness import Cluster
from tests.cluster.kube import Kubectl
from tests.proxy import NONE, Fault, proxied

pytestmark = pytest.mark.cluster
SPACE = "parley-wait"
LAST_WORDS = "there is no such thing as a teapot"
CLAIM = {
    "apiVersion": "v1",
    "kind": "PersistentVolumeClaim",
    "metadata": {"name": "models"},
    "spec": {
        "storageClassName": "nobody-made-it",
        "accessModes": ["ReadWriteMany"],
        "resources": {"requests": {"storage": "1Gi"}},
    },
}
VOLUMES = [{"name": "models", "persistentVolumeClaim": {"claimName": "models"}}]
# Its time is over before it has begun, since its volume never comes.
JOB = {
    "apiVersion": "batch/v1",
    "kind": "Job",
    "metadata": {"name": "fills-models"},
    "spec": {
        "activeDeadlineSeconds": 1,
        "template": {
            "spec": {
                "restartPolicy": "Never",
                "volumes": VOLUMES,
                "containers": [{"name": "models", "image": "parley-detector:0.1.0"}],
            }
        },
    },
}
FEW = {"cpu": "10m", "memory": "16Mi"}
LITTLE = {"requests": FEW, "limits": FEW | {"cpu": "500m"}}
GPU = {"requests": FEW, "limits": FEW | {"nvidia.com/gpu": "1"}}
TROUBLES = {
    "image": strangers.service("image", {"image": "parley-nothing:9.9"}),
    "gpu": strangers.service("gpu", {"resources": GPU}),
    "claim": strangers.service("claim", volumes=VOLUMES),
    "crash": strangers.service("crash", {"args": [f"raise SystemExit({LAST_WORDS!r})"]}),
    "limits": strangers.service("limits", {"resources": {"limits": FEW}}),
    "memory": strangers.service(
        "memory", {"args": ["x = bytearray(200 << 20)"], "resources": LITTLE}
    ),
}


@pytest.fixture(scope="module")
def space(cluster: Cluster) -> Iterator[str]:
    with strangers.namespace(cluster.kubectl, SPACE) as name:
        strangers.put(cluster.kubectl, name, CLAIM, *TROUBLES.values())
        yield name


@pytest.mark.parametrize(
    ("name", "causes", "words"),
    [
        ("image", {Cause.IMAGE_NOT_FOUND, Cause.IMAGE_NOT_PULLED}, "image parley-nothing:9.9"),
        ("gpu", {Cause.NO_GPU}, "no node has nvidia.com/gpu: 1 free"),
        ("claim", {Cause.CLAIM_PENDING}, "PersistentVolumeClaim models waits for storage class"),
        ("crash", {Cause.CRASH}, "container kserve-container ended with exit code 1"),
        ("limits", {Cause.KSERVE}, "must be less than or equal to"),
        ("memory", {Cause.OUT_OF_MEMORY}, "container kserve-container ran out of memory"),
    ],
)
def test_each_trouble_is_named(
    cluster: Cluster, space: str, name: str, causes: set[Cause], words: str
) -> None:
    reason = strangers.first_reason(cluster, space, name)
    assert reason.cause in causes, reason
    assert words in reason.message
    if name == "crash":
        assert LAST_WORDS in reason.log_lines


def test_a_wait_that_is_over_tells_the_first_trouble_and_exits_with_3(
    cluster: Cluster, space: str, capsys: pytest.CaptureFixture[str]
) -> None:
    kubeconfig = str(cluster.kubectl.kubeconfig)
    code = main(["wait", "gpu", "-n", space, "--timeout", "2", "--kubeconfig", kubeconfig])
    told = capsys.readouterr()
    assert code == 3
    assert told.out == ""
    lines = told.err.splitlines()
    assert "InferenceService gpu: failing, 0 of 1 pods available" in lines
    assert lines[-1].startswith("parley: after 2 s: InferenceService gpu, Pod gpu-predictor-")
    assert "no node has nvidia.com/gpu: 1 free" in lines[-1]


def test_a_job_that_failed_for_good_ends_the_wait(cluster: Cluster, space: str) -> None:
    strangers.put(cluster.kubectl, space, JOB)
    with strangers.connect(cluster, space) as connected:
        with pytest.raises(NotReady, match="Job fills-models: it failed for good: Job was active"):
            wait(connected, ["claim"], 60)


def test_what_is_not_there_ends_the_wait_at_once(cluster: Cluster, space: str) -> None:
    with strangers.connect(cluster, space) as connected:
        with pytest.raises(NotFound, match='did you mean "gpu"'):
            wait(connected, ["gpus"], 60)
    with strangers.connect(cluster, "parley-nowhere") as connected:
        with pytest.raises(NamespaceMissing, match="parley-nowhere"):
            wait(connected, timeout=60)


def test_a_missing_right_is_named(cluster: Cluster, space: str, tmp_path: Path) -> None:
    rules = [
        {"apiGroups": ["*"], "resources": ["*"], "verbs": ["list"]},
        {"apiGroups": [""], "resources": ["pods/log"], "verbs": ["get"]},
    ]
    limited = kubeconfigs.of_account(cluster.kubectl, space, rules, tmp_path)
    with strangers.connect(cluster, space, limited) as connected:
        with pytest.raises(Forbidden) as told:
            wait(connected, ["gpu"], 60)
    assert (told.value.verb, told.value.namespace) == ("watch", space)


def test_a_graph_of_strangers_is_waited_for_until_its_router_answers(
    cluster: Cluster, space: str
) -> None:
    services = [strangers.service("first"), strangers.service("second")]
    strangers.put(cluster.kubectl, space, *services, strangers.graph("pair", "first", "second"))
    with strangers.connect(cluster, space) as connected:
        status = wait(connected, ["pair"], 90)
    [application] = status.applications
    assert [part.name for part in application.parts] == ["first", "second", "pair", "pair"]
    assert application.parts[-1].detail.startswith("readyz of its router answered in")
    change_arguments(cluster.kubectl, space, "first")
    strangers.put(cluster.kubectl, space, strangers.graph("pair", "first"))
    with strangers.connect(cluster, space) as connected:
        status = wait(connected, ["pair"], 90)
    assert pod_arguments(cluster.kubectl, space, "first") == [["changed"]]
    assert names_of(status.applications[0]) == ["first", "pair", "pair"]
    routers = cluster.kubectl.list("pods", space, "serving.kserve.io/inferencegraph=pair")
    live = [pod for pod in routers if "deletionTimestamp" not in pod["metadata"]]
    assert ["second" in pod["spec"]["containers"][0]["args"][1] for pod in live] == [False]


def test_a_paused_service_ends_the_wait(cluster: Cluster, space: str) -> None:
    strangers.put(cluster.kubectl, space, strangers.service("paused"))
    cluster.kubectl(
        *("annotate", "inferenceservice", "paused", "-n", space, "serving.kserve.io/stop=true")
    )
    with strangers.connect(cluster, space) as connected:
        with pytest.raises(NotReady, match="`parley resume paused` starts it"):
            wait(connected, ["paused"], 60)


def test_an_api_server_that_goes_away_and_comes_back_does_not_end_the_wait(
    cluster: Cluster, space: str, tmp_path: Path
) -> None:
    """What happens while it is away is seen when it is back."""
    strangers.put(cluster.kubectl, space, strangers.service("late", {"image": "parley-late:9"}))
    host, port = kubeconfigs.address(cluster.kubectl)
    problems: list[str] = []
    with proxied(port, host) as proxy:
        by_proxy = kubeconfigs.through(cluster.kubectl, proxy.port, tmp_path)

        def react(status: Status) -> None:
            if not problems and not status.problem:
                problems.append("")
                proxy.set(Fault(cut=0))
            elif status.problem and problems == [""]:
                problems.append(status.problem)
                strangers.put(cluster.kubectl, space, strangers.service("late"))
                strangers.until_ready(cluster.kubectl, space, "late-predictor")
                proxy.set(NONE)

        with strangers.connect(cluster, space, by_proxy) as connected:
            status = wait(connected, ["late"], 90, on_change=react)
    assert status.ready and not status.problem
    assert f"127.0.0.1:{proxy.port}" in problems[1]


def test_an_api_server_that_stays_away_is_told_at_the_end(
    cluster: Cluster, space: str, tmp_path: Path
) -> None:
    host, port = kubeconfigs.address(cluster.kubectl)
    with proxied(port, host) as proxy:
        by_proxy = kubeconfigs.through(cluster.kubectl, proxy.port, tmp_path)
        with strangers.connect(cluster, space, by_proxy) as connected:
            with pytest.raises(TimedOut, match="after 3 s: the cluster does not answer: https"):
                wait(connected, ["gpu"], 3, on_change=lambda _: proxy.set(Fault(cut=0)))


def change_arguments(kubectl: Kubectl, space: str, name: str) -> None:
    changed = strangers.service(name)
    changed["spec"]["predictor"]["containers"][0]["args"].append("changed")
    strangers.put(kubectl, space, changed)


def pod_arguments(kubectl: Kubectl, space: str, name: str) -> list[list[str]]:
    pods = kubectl.list("pods", space, f"serving.kserve.io/inferenceservice={name}")
    live = [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]
    return [pod["spec"]["containers"][0]["args"][1:] for pod in live]


def names_of(application: Part) -> list[str]:
    return [part.name for part in application.parts]
