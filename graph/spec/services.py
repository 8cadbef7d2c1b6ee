"""InferenceService objects of `serving.kserve.io/v1beta1`, as far as a graph needs them.

Only the predictor's container is read: its command, arguments and environment. Everything else
(resources, probes, images, volumes) is for the cluster and is left alone, but a mistyped name at
the levels that are read is refused. A predictor without a container (a `model` that one of KServe's
runtimes serves) is known by name and has no `container`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from graph.spec.documents import Place, items, mapping, text, text_mapping, texts

_CONTAINER_FIELDS = (
    "name", "image", "command", "args", "env", "envFrom", "workingDir", "ports", "resources",
    "resizePolicy", "restartPolicy", "restartPolicyRules", "volumeMounts", "volumeDevices",
    "livenessProbe", "readinessProbe", "startupProbe", "lifecycle", "terminationMessagePath",
    "terminationMessagePolicy", "imagePullPolicy", "securityContext", "stdin", "stdinOnce", "tty",
)  # fmt: skip
# KServe calls the container that serves by this name; without it the first one serves.
_MAIN_CONTAINER = "kserve-container"
# `$$(NAME)` stands for the text `$(NAME)`, as in Kubernetes.
_REFERENCE = re.compile(r"\$\$|\$\(([-._a-zA-Z0-9]+)\)")


@dataclass(frozen=True)
class EnvVar:
    """One variable. `value` is None where it comes from the cluster (`valueFrom`)."""

    name: str
    value: str | None


@dataclass(frozen=True)
class Container:
    """The predictor's container; `$(NAME)` references in it are as written."""

    name: str = ""
    image: str = ""
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    env: tuple[EnvVar, ...] = ()
    env_from: bool = False
    place: Place = Place("")

    def environ(self) -> dict[str, str]:
        """The variables with their references to earlier ones filled in.

        Raises SpecError for a variable that only a cluster can give.
        """
        if self.env_from:
            raise self.place.at("envFrom").error(
                "comes from the cluster; name each variable under env with a plain value"
            )
        values: dict[str, str] = {}
        for index, variable in enumerate(self.env):
            if variable.value is None:
                raise (
                    self.place.at("env")
                    .item(index)
                    .error(
                        f"{variable.name} comes from the cluster (valueFrom); give it a plain value"
                    )
                )
            values[variable.name] = expand(variable.value, values)
        return values

    def known_environ(self) -> dict[str, str]:
        """The same without the variables that only a cluster can give."""
        values: dict[str, str] = {}
        for variable in self.env:
            if variable.value is not None:
                values[variable.name] = expand(variable.value, values)
        return values

    def known_words(self) -> list[str]:
        """`command_line` as far as it is known without a cluster."""
        environ = self.known_environ()
        return [expand(word, environ) for word in (*self.command, *self.args)]

    def command_line(self) -> list[str]:
        """`command` and `args` as one list, references to the environment filled in."""
        environ = self.environ()
        return [expand(word, environ) for word in (*self.command, *self.args)]


@dataclass(frozen=True)
class InferenceService:
    name: str
    namespace: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    container: Container | None = None
    source: str = ""


def read_service(document: Mapping[str, Any], place: Place) -> InferenceService:
    """The InferenceService of an object whose kind and version are checked already."""
    at = place.at("metadata")
    metadata = mapping(document.get("metadata", {}), at)
    if not text(metadata, "name", at):
        raise at.error("name is required")
    spec_place = place.at("spec")
    spec = mapping(document.get("spec", {}), spec_place, ("predictor", "transformer", "explainer"))
    if "predictor" not in spec:
        raise spec_place.error("predictor is required")
    return InferenceService(
        name=text(metadata, "name", at),
        namespace=text(metadata, "namespace", at),
        labels=text_mapping(metadata, "labels", at),
        annotations=text_mapping(metadata, "annotations", at),
        container=_read_predictor(spec["predictor"], spec_place.at("predictor")),
        source=place.source,
    )


def expand(value: str, environ: Mapping[str, str]) -> str:
    """`$(NAME)` filled in as Kubernetes does: an unknown name stays as it is written."""

    def fill(match: re.Match[str]) -> str:
        if match[0] == "$$":
            return "$"
        return environ.get(match[1], match[0])

    return _REFERENCE.sub(fill, value)


def _read_predictor(value: Any, place: Place) -> Container | None:
    predictor = mapping(value, place)
    found = items(predictor.get("containers", []), place.at("containers"))
    containers = [_read_container(inner, where) for where, inner in found]
    for container in containers:
        if container.name == _MAIN_CONTAINER:
            return container
    return containers[0] if containers else None


def _read_container(value: Any, place: Place) -> Container:
    fields = mapping(value, place, _CONTAINER_FIELDS)
    return Container(
        name=text(fields, "name", place),
        image=text(fields, "image", place),
        command=texts(fields, "command", place),
        args=texts(fields, "args", place),
        env=tuple(_read_variable(v, at) for at, v in items(fields.get("env", []), place.at("env"))),
        env_from="envFrom" in fields,
        place=place,
    )


def _read_variable(value: Any, place: Place) -> EnvVar:
    fields = mapping(value, place, ("name", "value", "valueFrom"))
    name = text(fields, "name", place)
    if not name:
        raise place.error("name is required")
    return EnvVar(name, None if "valueFrom" in fields else text(fields, "value", place))
