"""The objects that a command names: of files, folders, stdin, dicts and of KServe's Python SDK.

What the API server writes into an object is left out (`status`, `metadata.uid` and their like), so
that one that was read from a cluster can be applied again. Nothing is checked that the API server
checks better; a file that is no YAML, or no object, is refused here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graph.cluster.kinds import is_ours, rank
from graph.errors import SpecError
from graph.spec.documents import Place, mapping, read_documents, text, unfold
from graph.spec.plain import plain
from graph.spec.sources import is_kustomization, read_manifests

# A Kubernetes object as JSON has it.
Object = dict[str, Any]
# A file, a folder, "-" for stdin, an object, or one of the classes of KServe's or Kubernetes' SDK.
Source = str | Path | Mapping[str, Any] | Any

_SUFFIXES = (".yaml", ".yml", ".json")
_OF_THE_SERVER = (
    "managedFields", "creationTimestamp", "generation", "resourceVersion", "selfLink", "uid",
)  # fmt: skip


@dataclass(frozen=True)
class Ref:
    """Which object. namespace: "" for one of the whole cluster, or where it is not said yet."""

    api_version: str
    kind: str
    name: str
    namespace: str = ""

    @property
    def group(self) -> str:
        return self.api_version.rpartition("/")[0]

    @property
    def qualified(self) -> str:
        """As kubectl prints it: `inferenceservice.serving.kserve.io/chat`."""
        kind = f"{self.kind}.{self.group}" if self.group else self.kind
        return f"{kind.lower()}/{self.name}"

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"


@dataclass(frozen=True)
class Manifest:
    """An object to apply, and the place that it was read at."""

    ref: Ref
    body: Object
    place: Place


def read_objects(sources: Source | Iterable[Source], any_kind: bool = False) -> list[Manifest]:
    """The objects of all sources in the order of applying. Raises SpecError."""
    manifests: dict[tuple[str, str, str, str], Manifest] = {}
    for source in sources if isinstance(sources, list | tuple) else [sources]:
        for place, document in _read(source):
            manifest = _manifest(document, place)
            ref = manifest.ref
            key = (ref.group, ref.kind, ref.namespace, ref.name)
            if key in manifests:
                other = manifests[key].place.source
                raise manifest.place.error(f"is there twice, also in {other}; remove one")
            if not any_kind and not is_ours(ref.group, ref.kind):
                raise manifest.place.error(
                    f"{ref.kind} is not of KServe nor of what stands around it; "
                    "if you mean it, give --any-kind"
                )
            manifests[key] = manifest
    return sorted(manifests.values(), key=lambda m: rank(m.ref.group, m.ref.kind))


def reference(item: Mapping[str, Any]) -> Ref:
    """Which object one of the cluster's is."""
    metadata = item["metadata"]
    return Ref(item["apiVersion"], item["kind"], metadata["name"], metadata.get("namespace") or "")


def without_server_fields(item: Mapping[str, Any]) -> Object:
    """An object without its status and what the API server writes into its metadata."""
    kept = {key: value for key, value in item.items() if key != "status"}
    metadata = item.get("metadata") or {}
    return kept | {"metadata": {k: v for k, v in metadata.items() if k not in _OF_THE_SERVER}}


def _read(source: Source) -> Iterator[tuple[Place, Object]]:
    if isinstance(source, str | Path):
        for file in _files(str(source)):
            yield from read_documents(*read_manifests(file))
        return
    if isinstance(source, Mapping) or hasattr(source, "attribute_map"):
        yield from unfold(plain(source), Place("", type(source).__name__))
        return
    raise SpecError(f"{type(source).__name__}: name a file or a folder, or give an object")


def _files(name: str) -> list[str]:
    """A folder without a kustomization means its files, as for `kubectl apply -f`."""
    folder = Path(name)
    if not folder.is_dir() or is_kustomization(folder):
        return [name]
    files = sorted(str(file) for file in folder.iterdir() if file.suffix in _SUFFIXES)
    if not files:
        raise SpecError(f"{name}: a folder without kustomization.yaml and without YAML files")
    return files


def _manifest(document: Object, place: Place) -> Manifest:
    metadata = mapping(document.get("metadata", {}), place.at("metadata"))
    at = place.at("metadata")
    name, namespace = text(metadata, "name", at), text(metadata, "namespace", at)
    kind = document["kind"]
    if not name:
        raise at.error("name is required; an object is applied by its name")
    ref = Ref(document["apiVersion"], kind, name, namespace)
    return Manifest(ref, without_server_fields(document), Place(place.source, str(ref)))
