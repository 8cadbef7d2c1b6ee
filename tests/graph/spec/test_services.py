"""Reading InferenceServices: the container that serves, its command line and environment."""

from __future__ import annotations

import json
from typing import Any

import pytest

from graph.errors import SpecError
from graph.spec.load import load_objects
from graph.spec.services import InferenceService, expand


def load(predictor: dict[str, Any]) -> InferenceService:
    tree = {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {"name": "a", "namespace": "n", "annotations": {"x": "y"}},
        "spec": {"predictor": predictor},
    }
    return load_objects(json.dumps(tree), "f.yaml").services[0]


def test_the_container_called_kserve_container_serves() -> None:
    service = load({"containers": [{"name": "side"}, {"name": "kserve-container", "args": ["x"]}]})
    assert service.container is not None
    assert service.container.args == ("x",)
    assert (service.name, service.namespace, service.annotations) == ("a", "n", {"x": "y"})


def test_a_predictor_of_a_runtime_has_no_container() -> None:
    assert load({"model": {"modelFormat": {"name": "sklearn"}}}).container is None


def test_references_are_filled_in_as_kubernetes_does() -> None:
    env = [{"name": "A", "value": "1"}, {"name": "B", "value": "$(A)$(C)"}, {"name": "C"}]
    container = load(
        {"containers": [{"name": "c", "command": ["p"], "args": ["--b=$(B)", "$$(A)"], "env": env}]}
    ).container
    assert container is not None
    assert container.environ() == {"A": "1", "B": "1$(C)", "C": ""}
    assert container.command_line() == ["p", "--b=1$(C)", "$(A)"]
    assert expand("$(X) $ $$", {}) == "$(X) $ $"


def test_a_variable_of_the_cluster_is_refused_when_it_is_used() -> None:
    source = {"secretKeyRef": {"name": "s", "key": "k"}}
    env = [{"name": "A", "value": "1"}, {"name": "T", "valueFrom": source}]
    container = load({"containers": [{"name": "c", "env": env}]}).container
    assert container is not None
    with pytest.raises(SpecError) as caught:
        container.environ()
    assert str(caught.value) == (
        "f.yaml: InferenceService/a: spec.predictor.containers[0].env[1]: T comes from the cluster "
        "(valueFrom); give it a plain value"
    )


def test_env_from_is_refused_when_it_is_used() -> None:
    container = load({"containers": [{"name": "c", "envFrom": [{}]}]}).container
    assert container is not None
    with pytest.raises(SpecError, match="envFrom: comes from the cluster"):
        container.command_line()


@pytest.mark.parametrize(
    ("container", "problem"),
    [
        ({"arg": []}, 'unknown field "arg"; did you mean "args"?'),
        ({"args": [1]}, "containers[0].args[0]: must be text, not a number; put it in quotes"),
        ({"args": "x"}, "containers[0].args: must be a list, not text"),
        ({"env": [{"value": "x"}]}, "env[0]: name is required"),
        ({"env": [{"name": "X", "value": 1}]}, "env[0].value: must be text"),
    ],
)
def test_a_container_with_a_mistake(container: dict[str, Any], problem: str) -> None:
    with pytest.raises(SpecError) as caught:
        load({"containers": [container]})
    assert problem in str(caught.value)
