"""What `parley init` writes is what a cluster takes, and answers in the languages asked for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from graph.cli.main import main
from graph.client import ChatClient
from tests.cluster.harness import Cluster
from tests.cluster.image_prefix import prefix

pytestmark = pytest.mark.cluster

VARIANTS: tuple[list[str], ...] = ([], ["--embedded"], ["--gpu", "nvidia.com/gpu.shared"])


@pytest.fixture
def space(space: str, cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A namespace on the cluster that commands find; what the chat has outside of it goes too."""
    monkeypatch.setenv("KUBECONFIG", str(cluster.kubectl.kubeconfig))
    yield space
    policies = "validatingadmissionpolicy,validatingadmissionpolicybinding"
    cluster.kubectl("delete", policies, f"{space}-restricted", "--ignore-not-found")


def test_the_api_server_takes_every_object_of_every_variant(
    space: str, cluster: Cluster, tmp_path: Path
) -> None:
    for options in VARIANTS:
        file = str(tmp_path / "chat.yaml")
        languages = ["--languages", "fr,es", "--namespace", space]
        assert main(["init", *languages, *options, "-o", file, "--force"]) == 0
        said = cluster.kubectl("apply", "--dry-run=server", "-f", file, both=True)
        assert "inferencegraph.serving.kserve.io/multilingual-chat created" in said
        # kubectl warns that it did not make the namespace; the server has nothing to warn of.
        warnings = [line for line in said.splitlines() if "Warning" in line]
        assert not [line for line in warnings if "last-applied-configuration" not in line]


def test_a_chat_in_spanish_is_one_command_and_one_file(space: str, tmp_path: Path) -> None:
    file = str(tmp_path / "chat.yaml")
    asked = ["--languages", "es", "--embedded", "--namespace", space]
    pulled = ["--registry", prefix()] if prefix() else []
    assert main(["init", *asked, *pulled, "-o", file]) == 0
    assert main(["apply", file]) == 0
    assert main(["wait", "-n", space, "--timeout", "180"]) == 0
    with ChatClient.cluster(space) as client:
        reply = client.turn("Hola, ¿cómo estás hoy?")
    assert reply.language == "es" and reply.response and not reply.degraded
    assert [step.name for step in reply.steps] == [
        "detector", "translate-es-en", "chat", "translate-en-es",
    ]  # fmt: skip
    assert main(["delete", file, "--yes"]) == 0
