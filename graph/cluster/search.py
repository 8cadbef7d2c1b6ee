"""Find in a namespace what was applied, and what others have in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kubernetes.dynamic import Resource, ResourceList

from graph.cluster.connection import Cluster
from graph.cluster.failures import missing_namespace
from graph.cluster.kinds import KINDS, KSERVE, Kind
from graph.cluster.live import find, is_applied, list_metadata
from graph.cluster.objects import Object, Ref, reference
from graph.errors import Forbidden

_NAMESPACE = Kind("", "Namespace", guarded=True)
_BINDING = Kind("admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding", guarded=True)
_POLICY = "ValidatingAdmissionPolicy"
# Every namespace has its name as this label.
_NAME_LABEL = "kubernetes.io/metadata.name"
_GUARDED = {(kind.group, kind.name) for kind in KINDS if kind.guarded}
# What somebody would miss who lost it with the namespace.
_MISSED = (
    Kind(KSERVE, "InferenceService"),
    Kind(KSERVE, "InferenceGraph"),
    Kind("", "PersistentVolumeClaim"),
    Kind("apps", "Deployment"),
    Kind("batch", "Job"),
)


def find_applied(cluster: Cluster, any_kind: bool = False) -> Iterator[Object]:
    """Metadata of what was applied in the namespace, of the namespace, and of its policies.

    any_kind: look among all kinds, not only among those that are applied without being asked for.
    What the shipped Role does not reach is passed over where the right to look for it is missing.
    Raises ClusterError, NamespaceMissing among them.
    """
    own = find_namespace(cluster)
    for resource in _every(cluster) if any_kind else _served(cluster, KINDS):
        if resource.namespaced:
            yield from filter(is_applied, _list(cluster, resource))
    yield from filter(is_applied, _find_policies(cluster))
    if own is not None and is_applied(own):
        yield own


def find_others(cluster: Cluster) -> Iterator[Object]:
    """Metadata of what others have in the namespace and would miss. Raises ClusterError."""
    for resource in _served(cluster, _MISSED):
        for item in _list(cluster, resource):
            if not is_applied(item) and not item["metadata"].get("ownerReferences"):
                yield item


def find_namespace(cluster: Cluster) -> Object | None:
    """The namespace itself, None where who asks may not see it. Raises NamespaceMissing."""
    try:
        found = find(cluster, Ref("v1", _NAMESPACE.name, cluster.namespace))
    except Forbidden:
        return None
    if found is None:
        raise missing_namespace(cluster.namespace)
    return found


def _find_policies(cluster: Cluster) -> Iterator[Object]:
    """Admission policies of the whole cluster whose bindings name this namespace."""
    for resource in _served(cluster, [_BINDING]):
        for listed in _list(cluster, resource):
            binding = find(cluster, reference(listed)) or {}
            spec = binding.get("spec", {})
            selector = spec.get("matchResources", {}).get("namespaceSelector", {})
            if selector.get("matchLabels", {}).get(_NAME_LABEL) == cluster.namespace:
                yield binding
                policy = Ref(binding["apiVersion"], _POLICY, spec.get("policyName", ""))
                found = find(cluster, policy)
                if found is not None:
                    yield found


def _list(cluster: Cluster, resource: Resource) -> Iterator[Object]:
    try:
        namespace = cluster.namespace if resource.namespaced else ""
        yield from list_metadata(cluster, resource, namespace)
    except Forbidden:
        if (resource.group or "", resource.kind) not in _GUARDED:
            raise


def _served(cluster: Cluster, kinds: Iterable[Kind]) -> Iterator[Resource]:
    """What the cluster calls the kinds, without those that it does not serve."""
    for kind in kinds:
        with cluster.speaking(kind.name):
            found = cluster.dynamic.resources.search(
                prefix="apis" if kind.group else "api", group=kind.group, kind=kind.name
            )
        yield from _preferred(found)


def _every(cluster: Cluster) -> Iterator[Resource]:
    with cluster.speaking():
        by_kind = list(cluster.dynamic.resources)
    groups: dict[tuple[str, str], list[Resource]] = {}
    for versions in by_kind:
        for resource in versions:
            groups.setdefault((resource.group or "", resource.kind), []).append(resource)
    for found in groups.values():
        yield from _preferred(found)


def _preferred(found: Iterable[Resource]) -> list[Resource]:
    """One of the versions of a kind that can be listed."""
    listed = [r for r in found if not isinstance(r, ResourceList) and "list" in (r.verbs or ())]
    return sorted(listed, key=lambda r: not r.preferred)[:1]
