"""Scaling, pausing, and what a later `apply` and `diff` make of it, with KServe's controller."""

from __future__ import annotations

from functools import partial

import pytest

from graph.cluster import connection
from graph.cluster.apply import apply
from graph.cluster.diff import diff
from graph.cluster.scaling import pause, resume, scale
from graph.errors import NamespaceMissing, NotFound, Refused, SpecError
from tests.cluster import strangers
from tests.cluster.harness import Cluster
from tests.cluster.kube import condition, until
from tests.cluster.small import config_map, idle, secret

pytestmark = pytest.mark.cluster


@pytest.fixture
def pair(here: connection.Cluster) -> list[strangers.Object]:
    """An InferenceService for one pod and a graph of it, applied."""
    graph = strangers.graph("pair", "one")
    # Pods of a router take half a minute to end.
    graph["spec"]["nodeSelector"] = {"none": "such"}
    objects = [idle("one", minReplicas=1, maxReplicas=1), graph]
    apply(here, objects)
    return objects


def autoscaler(cluster: Cluster, here: connection.Cluster, name: str) -> tuple[int, int] | None:
    if not cluster.kubectl.exists("hpa", name, here.namespace):
        return None
    spec = cluster.kubectl.get("hpa", name, here.namespace)["spec"]
    return spec["minReplicas"], spec["maxReplicas"]


def test_kserve_scales_services_and_graphs_as_told(
    here: connection.Cluster, cluster: Cluster, pair: list[strangers.Object]
) -> None:
    assert scale(here, "one", 2).before == (1, 1)
    until(lambda: autoscaler(cluster, here, "one-predictor") == (2, 2), "two pods", 30)
    assert scale(here, "isvc/one", 2, 5).before == (2, 2)
    until(lambda: autoscaler(cluster, here, "one-predictor") == (2, 5), "two to five pods", 30)
    assert scale(here, "pair", 3, dry_run=True).before == (1, 1)
    assert scale(here, "ig/pair", 3).before == (1, 1)
    spec = cluster.kubectl.get("ig", "pair", here.namespace)["spec"]
    assert (spec["minReplicas"], spec["maxReplicas"]) == (3, 3)


def test_applying_the_file_again_leaves_what_was_scaled_unless_forced(
    here: connection.Cluster, cluster: Cluster, pair: list[strangers.Object]
) -> None:
    scale(here, "one", 3)
    assert [difference.text for difference in diff(here, pair)] == ["", ""]
    pair[0]["spec"]["predictor"]["containers"][0]["image"] = "another:1"
    [service, _] = apply(here, pair)
    assert service.action == "configured"
    assert "minReplicas stays 3, as it was scaled, not the file's 1." in service.notes
    predictor = cluster.kubectl.get("isvc", "one", here.namespace)["spec"]["predictor"]
    assert (predictor["minReplicas"], predictor["maxReplicas"]) == (3, 3)
    assert predictor["containers"][0]["image"] == "another:1"
    [forced, _] = apply(here, pair, force_conflicts=True)
    assert (forced.action, forced.notes) == ("configured", ())
    predictor = cluster.kubectl.get("isvc", "one", here.namespace)["spec"]["predictor"]
    assert (predictor["minReplicas"], predictor["maxReplicas"]) == (1, 1)
    assert apply(here, pair)[0].action == "unchanged"


def test_a_pause_takes_the_pods_and_lasts_until_it_is_ended(
    here: connection.Cluster, cluster: Cluster, pair: list[strangers.Object]
) -> None:
    until(lambda: cluster.kubectl.list("deployments", here.namespace), "a Deployment", 30)
    assert [state.changed for state in pause(here)] == [True, True]
    assert [state.changed for state in pause(here)] == [False, False]
    until(lambda: not cluster.kubectl.list("deployments", here.namespace), "no Deployment", 30)

    def is_stopped(kind: str, name: str) -> bool:
        live = cluster.kubectl.get(kind, name, here.namespace)
        return (condition(live, "Stopped"), condition(live, "Ready")) == ("True", "False")

    # KServe says so after it has taken the Deployment away.
    for kind, name in (("isvc", "one"), ("ig", "pair")):
        until(partial(is_stopped, kind, name), f"{kind} {name} says that it is stopped", 30)
    changes = apply(here, pair)
    assert [change.action for change in changes] == ["unchanged", "unchanged"]
    assert all("stays paused" in change.notes[0] for change in changes)
    assert [state.changed for state in resume(here, ["one"])] == [True]
    until(lambda: cluster.kubectl.list("deployments", here.namespace), "a Deployment", 30)
    assert [state.changed for state in resume(here)] == [False, True]
    assert apply(here, pair)[0].notes == ()


def test_what_cannot_be_scaled_is_refused_with_what_to_do(
    here: connection.Cluster, pair: list[strangers.Object]
) -> None:
    with pytest.raises(SpecError, match="`parley pause one` stops it"):
        scale(here, "one", 0)
    with pytest.raises(SpecError, match="the most, 1, is less than the least, 2"):
        scale(here, "one", 2, 1)
    with pytest.raises(NotFound, match='"onne" in namespace.*did you mean "one"'):
        scale(here, "onne", 2)
    with pytest.raises(SpecError, match="deployment is neither"):
        scale(here, "deployment/one", 2)
    apply(here, idle("pair"))
    with pytest.raises(SpecError, match="write isvc/pair or ig/pair"):
        pause(here, ["pair"])
    own = idle("own")
    own["metadata"]["annotations"]["serving.kserve.io/autoscalerClass"] = "external"
    apply(here, own)
    with pytest.raises(Refused, match="an autoscaler of your own decides"):
        scale(here, "own", 2)


def test_a_namespace_without_services_and_one_that_is_not_there_are_told(
    here: connection.Cluster, cluster: Cluster
) -> None:
    with pytest.raises(NotFound, match="no InferenceService or InferenceGraph in namespace"):
        pause(here)
    with strangers.connect(cluster, "parley-none-such") as nowhere:
        with pytest.raises(NamespaceMissing, match='"parley-none-such" is not there'):
            resume(nowhere)
        with pytest.raises(NamespaceMissing):
            scale(nowhere, "one", 1)


def test_a_diff_shows_what_apply_would_change_without_noise_and_without_secrets(
    here: connection.Cluster, cluster: Cluster
) -> None:
    before = [config_map("map", key="old"), secret("token", "sesame"), idle("one")]
    apply(here, before)
    after = [config_map("map", key="new"), secret("token", "open"), idle("one"), idle("two")]
    texts = {str(difference.ref): difference.text for difference in diff(here, after)}
    changed = [line for line in texts["ConfigMap/map"].splitlines() if line[0] in "+-"]
    assert changed[2:] == ["-  key: old", "+  key: new"]
    assert "+  v: '*** (after)'" in texts["Secret/token"]
    assert "data" in texts["Secret/token"] and "c2VzYW1l" not in texts["Secret/token"]
    assert texts["InferenceService/one"] == ""
    assert texts["InferenceService/two"].startswith("--- live/InferenceService/two\n+++ applied/")
    assert not cluster.kubectl.exists("isvc", "two", here.namespace)
