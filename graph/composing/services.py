"""The InferenceServices that a graph calls: Parley's own predictors, or any others.

`chat`, `translator` and `detector` describe a predictor by its model and its options, which are the
arguments of `python -m predictors.NAME`; `Predictor.configure` says what its pod has. The options
are checked where the predictor starts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol, Self

from graph import contract
from graph.cluster.objects import without_server_fields
from graph.composing.shipped import Object, Variant, find_shipped
from graph.errors import SpecError
from graph.spec.documents import Place
from graph.spec.plain import plain
from graph.spec.services import read_service

_EMBEDDED, _HUB = "embedded:", "hf:"
# Where the shipped manifests have a predictor of each kind.
_SHIPPED = {"detector": "detector", "translator": "translate-fr-en", "chat": "chat"}
# What only one predictor has; the rest of a shipped one's options are there for its model.
_OWN = frozenset(
    {"model_name", "languages", "default_language", "source", "target", "reads", "writes", "model"}
)
# What KServe makes a Service of.
_NAME = re.compile(r"[a-z]([-a-z0-9]{0,51}[a-z0-9])?")

_RESOURCE = re.compile(r"[a-z0-9.-]+/[\w.-]+", re.ASCII)

Option = str | int | float | bool | None


class Service(Protocol):
    """An InferenceService: its name, and its object, which has no namespace where it says none."""

    @property
    def name(self) -> str: ...

    def manifest(self) -> Object: ...


@dataclass(frozen=True)
class Given:
    """An InferenceService that was given whole."""

    name: str
    body: Object

    def manifest(self) -> Object:
        return self.body


@dataclass(frozen=True)
class Predictor:
    """One of Parley's predictors.

    model: as the option `--model` has it; "" for a detector.
    options: arguments by name; one that is None is left to the predictor.
    accelerator: the extended resource that a pod asks one of, such as nvidia.com/gpu.shared.
    """

    kind: Literal["detector", "translator", "chat"]
    name: str
    model: str = ""
    options: Mapping[str, Option] = field(default_factory=dict)
    image: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    resources: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    replicas: int = 1
    accelerator: str = ""

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise SpecError(
                f"{self.name!r}: a predictor's name has small letters, digits and hyphens, begins "
                "with a letter, and has 53 characters at the most"
            )
        if self.accelerator and not _RESOURCE.fullmatch(self.accelerator):
            raise SpecError(
                f"{self.accelerator}: no extended resource; write one such as nvidia.com/gpu"
            )
        if self.accelerator and not self.from_hub:
            raise SpecError(f"{self.name}: only a model of a hub (hf:ID@REVISION) runs on a GPU")

    @property
    def from_hub(self) -> bool:
        """Whether the model is fetched and converted before pods read it from a volume."""
        return self.model.startswith(_HUB)

    def configure(
        self,
        *,
        image: str | None = None,
        env: Mapping[str, str] | None = None,
        resources: Mapping[str, Mapping[str, str]] | None = None,
        replicas: int | None = None,
        accelerator: str | None = None,
    ) -> Self:
        """The same predictor with another pod; what is not given stays as it is.

        env: variables besides those that every predictor has.  resources: `requests` and `limits`,
        as a container has them; what one does not name stays.
        """
        return replace(
            self,
            image=self.image if image is None else image,
            env=self.env if env is None else env,
            resources=self.resources if resources is None else resources,
            replicas=self.replicas if replicas is None else replicas,
            accelerator=self.accelerator if accelerator is None else accelerator,
        )

    def manifest(self) -> Object:
        """The InferenceService: a shipped one of this kind with its own name, model and options."""
        body = find_shipped(self._variant, "InferenceService", _SHIPPED[self.kind])
        body["metadata"]["name"] = self.name
        del body["metadata"]["namespace"]
        pod = body["spec"]["predictor"]
        pod["minReplicas"] = pod["maxReplicas"] = self.replicas
        (container,) = pod["containers"]
        container["args"] = self._arguments(container["args"])
        container["image"] = self.image or self._image(container["image"])
        container["env"] = _merge_env(container["env"], self.env)
        for kind, amounts in self.resources.items():
            container["resources"][kind] |= amounts
        for probe in ("startupProbe", "readinessProbe"):
            container[probe]["httpGet"]["path"] = f"/v1/models/{self.name}"
        if self.accelerator:
            _rename_accelerator(container["resources"]["limits"], self.accelerator)
        for waiting in pod.get("initContainers", ()):
            waiting |= {"image": container["image"], "args": [self.model]}
        return body

    @property
    def _variant(self) -> Variant:
        if not self.from_hub:
            return Variant.EMBEDDED
        return Variant.GPU if self.accelerator else Variant.CPU

    def _arguments(self, shipped: list[str]) -> list[str]:
        """Model and options, and with an embedded model those that it needs to do well."""
        options: dict[str, Option] = {"model_name": self.name}
        options |= {name: self.options[name] for name in self.options if name in _OWN}
        options["model"] = self.model or None
        if self.model.startswith(_EMBEDDED):
            pairs = [argument.removeprefix("--").partition("=") for argument in shipped]
            options |= {name: value for name, _, value in pairs if name not in _OWN}
        options |= self.options
        return [f"--{name}={_text(value)}" for name, value in options.items() if value is not None]

    def _image(self, shipped: str) -> str:
        """An image without weights where they come from elsewhere."""
        keeps = self.from_hub or self.model.startswith(_EMBEDDED)
        return shipped if keeps else shipped.removesuffix("-embedded")


def chat(model: str, *, name: str = "chat", **options: Option) -> Predictor:
    """The predictor that answers in English. options: those of `python -m predictors.chat`."""
    return Predictor("chat", name, model, options)


def translator(
    source: str, target: str, model: str, *, name: str = "", **options: Option
) -> Predictor:
    """A predictor that translates a message to English, or an answer from English.

    It is called translate-SOURCE-TARGET. `reads` and `writes` name other fields of the turn; the
    rest of the options are those of `python -m predictors.translator`.
    """
    if target == contract.PIVOT:
        fields = {"reads": contract.USER_INPUT, "writes": contract.USER_INPUT_EN}
    else:
        fields = {"reads": contract.RESPONSE_EN, "writes": contract.RESPONSE}
    pair: dict[str, Option] = {"source": source, "target": target}
    default = f"translate-{source}-{target}".replace(",", "-")
    return Predictor("translator", name or default, model, {**pair, **fields, **options})


def detector(*languages: str, name: str = "detector", **options: Option) -> Predictor:
    """The predictor that finds out the language, one of these; English is one in any case.

    options: those of `python -m predictors.detector`.
    """
    codes = [contract.PIVOT, *(code for code in languages if code != contract.PIVOT)]
    usual: dict[str, Option] = {
        "languages": ",".join(codes),
        "default_language": contract.PIVOT,
    }
    return Predictor("detector", name, options=usual | options)


def as_service(target: Any) -> Service:
    """A predictor, an InferenceService of KServe's SDK, or one as a dict. Raises SpecError."""
    if isinstance(target, Predictor | Given):
        return target
    body = plain(target)
    place = Place("", f"a step of type {type(target).__name__}")
    if not isinstance(body, dict) or body.get("kind") != "InferenceService":
        raise place.error(
            "is nothing that a graph can call; name an InferenceService or a URL, or give a "
            "predictor, an InferenceService or a flow"
        )
    return Given(read_service(body, place).name, without_server_fields(body))


def _merge_env(shipped: list[Object], own: Mapping[str, str]) -> list[Object]:
    kept = [variable for variable in shipped if variable["name"] not in own]
    return [*kept, *({"name": name, "value": value} for name, value in own.items())]


def _rename_accelerator(limits: dict[str, str], resource: str) -> None:
    (shipped,) = (name for name in limits if "/" in name)
    limits[resource] = limits.pop(shipped)


def _text(value: Option) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
