"""Images from a registry: by tag, by digest, with and without a pull secret, and what is told."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

import pytest

from graph.cli.main import main
from graph.cluster.doctor.examination import examine
from graph.cluster.reasons.model import Cause
from predictors.images import catalogue as images
from tests.cluster import strangers
from tests.cluster.harness import Cluster
from tests.cluster.registry import OPEN, PRIVATE, Registry

pytestmark = pytest.mark.cluster

SPACE = "parley-registry"
SECRET = "registry"
DETECTOR = images.Image("detector").name
# No other test pulls it: what is on the node is not pulled again.
REPOSITORY = "alone/parley-detector"
HIDDEN = f"{PRIVATE}/alone/{DETECTOR}"
REFUSED = f"image {HIDDEN} is refused by its registry: it is private, or not there"


@pytest.fixture(scope="module")
def digest(registry: Registry) -> str:
    return registry.push(f"localhost/{DETECTOR}", f"alone/{DETECTOR}", os.environ)


@pytest.fixture(scope="module")
def space(cluster: Cluster, digest: str) -> Iterator[str]:
    with strangers.namespace(cluster.kubectl, SPACE) as name:
        yield name


def test_an_image_is_pulled_by_its_tag_and_by_its_digest(
    cluster: Cluster, space: str, digest: str
) -> None:
    by_tag, by_digest = f"{OPEN}/alone/{DETECTOR}", f"{OPEN}/{REPOSITORY}@{digest}"
    made = {"tagged": by_tag, "pinned": by_digest}
    services = [strangers.service(name, {"image": image}) for name, image in made.items()]
    strangers.put(cluster.kubectl, space, *services)
    strangers.until_ready(cluster.kubectl, space, *(f"{name}-predictor" for name in made))
    for name in made:
        [pod] = cluster.kubectl.list("pods", space, f"serving.kserve.io/inferenceservice={name}")
        [status] = pod["status"]["containerStatuses"]
        assert status["imageID"].startswith(OPEN) and status["imageID"].endswith(digest)


@pytest.mark.parametrize(
    ("name", "image", "cause", "words"),
    [
        ("hidden", HIDDEN, Cause.IMAGE_NOT_PULLED, REFUSED),
        ("untagged", f"{OPEN}/{REPOSITORY}:9", Cause.IMAGE_NOT_FOUND, ":9 is not found"),
        ("unknown", f"{OPEN}/nobody/nothing:1", Cause.IMAGE_NOT_FOUND, ":1 is not found"),
    ],
)
def test_what_cannot_be_pulled_is_told_with_its_fix(
    cluster: Cluster,
    space: str,
    name: str,
    image: str,
    cause: Cause,
    words: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """By `wait`, by `status` and by `doctor --probe`."""
    strangers.put(cluster.kubectl, space, strangers.service(name, {"image": image}))
    reason = strangers.first_reason(cluster, space, name)
    assert (reason.cause, words in reason.message) == (cause, True), reason
    kubeconfig = str(cluster.kubectl.kubeconfig)
    assert main(["status", name, "-n", space, "--kubeconfig", kubeconfig]) == 0
    assert reason.message in " ".join(capsys.readouterr().out.split())
    with strangers.connect(cluster, space) as connected:
        found = [each for each in examine(connected, [image]) if each.check == f"image {image}"]
    assert [f"image {image} {each.found}" for each in found] == [reason.message]
    assert [each.fix for each in found] == [reason.fix]


def test_a_registry_that_the_node_does_not_trust_is_told(
    cluster: Cluster, space: str, registry: Registry
) -> None:
    image = f"{PRIVATE}/parley/untrusted:1"
    with registry.distrusted():
        strangers.put(cluster.kubectl, space, strangers.service("untrusted", {"image": image}))
        reason = strangers.first_reason(cluster, space, "untrusted")
    assert "comes from a registry whose certificate the node does not trust" in reason.message


def test_a_private_image_runs_with_its_pull_secret(
    cluster: Cluster, space: str, registry: Registry
) -> None:
    asking = strangers.service("asking", {"image": HIDDEN}, imagePullSecrets=[{"name": SECRET}])
    strangers.put(cluster.kubectl, space, registry.login(SECRET), asking)
    strangers.until_ready(cluster.kubectl, space, "asking-predictor")


def test_the_namespaces_account_pulls_for_every_pod_and_for_the_router(
    cluster: Cluster, space: str, registry: Registry
) -> None:
    """KServe's router has no other way to a Secret of its namespace than its ConfigMap and this."""
    kubectl = cluster.kubectl
    strangers.put(kubectl, space, registry.login("account"))
    pulling = json.dumps({"imagePullSecrets": [{"name": "account"}]})
    kubectl("patch", "serviceaccount", "default", "-n", space, "--type=merge", "-p", pulling)
    walked = strangers.service("walked", {"image": HIDDEN})
    strangers.put(kubectl, space, walked, strangers.graph("walk", "walked"))
    strangers.until_ready(kubectl, space, "walked-predictor", "walk")
    for labels in (
        "serving.kserve.io/inferencegraph=walk",
        "serving.kserve.io/inferenceservice=walked",
    ):
        [pod] = kubectl.list("pods", space, labels)
        assert pod["spec"]["imagePullSecrets"] == [{"name": "account"}]
