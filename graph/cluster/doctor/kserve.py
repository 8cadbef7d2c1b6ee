"""KServe: its version, its controller, its settings, the fields of its kinds, its webhook."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from graph.cluster.connection import Cluster
from graph.cluster.doctor.model import Finding, failure, note, ok
from graph.cluster.doctor.reading import has_field, read_fields, read_list
from graph.cluster.parts.rollouts import find_rollout_problem
from graph.cluster.reasons.model import Object
from graph.errors import ClusterError, Forbidden, Refused

CONFIG_MAP = "inferenceservice-config"
# What the manifests were tested with.
TESTED = (0, 20)
_GROUP = "serving.kserve.io"
_CONTROLLER = "control-plane=kserve-controller-manager"
_INSTALL = "install KServe 0.20 in Standard mode, by its charts kserve-crd and kserve-resources"
_FIELDS = {
    ("v1beta1", "InferenceService"): (
        "spec.predictor.containers",
        "spec.predictor.deploymentStrategy",
        "spec.predictor.initContainers",
    ),
    ("v1alpha1", "InferenceGraph"): (
        "spec.minReplicas",
        "spec.resources",
        "spec.routerTimeouts",
        "spec.nodes.*.steps.*.condition",
        "spec.nodes.*.steps.*.dependency",
        "spec.nodes.*.steps.*.mapPredictionsToInstances",
    ),
}


def check_controller(cluster: Cluster) -> Iterator[Finding]:
    """Its version, and whether it runs."""
    found = read_list(cluster, "apps/v1", "Deployment", labels=_CONTROLLER)
    if found:
        yield judge_controller(found[0])
    else:
        yield failure("KServe", "its controller is not there", _INSTALL)


def judge_controller(controller: Object) -> Finding:
    """controller: its Deployment."""
    namespace, version = controller["metadata"]["namespace"], _version_of(controller)
    problem = find_rollout_problem(controller)
    told = ".".join(map(str, version)) or "of an unknown version"
    if problem:
        fix = f"kubectl describe pods -n {namespace} -l {_CONTROLLER}"
        return failure("KServe", f"{told}, but its controller does not run: {problem}", fix)
    if version[:2] != TESTED:
        tested = ".".join(map(str, TESTED))
        return note("KServe", f"{told} in {namespace}", f"Parley was tested with {tested}")
    return ok("KServe", f"{told} in {namespace}")


def check_settings(cluster: Cluster) -> Iterator[Finding]:
    """Its ConfigMap parses, and what it says of modes and headers."""
    maps = find_config_maps(cluster)
    if not maps:
        yield failure("KServe settings", f"ConfigMap {CONFIG_MAP} is not there", _INSTALL)
        return
    knative = read_list(cluster, "serving.knative.dev/v1", "Service", cluster.namespace)
    yield from judge_settings(maps[0], knative is not None)


def judge_settings(config_map: Object, knative: bool) -> Iterator[Finding]:
    """knative: whether it is installed."""
    settings, broken = {}, {}
    for key, text in (config_map.get("data") or {}).items():
        if not key.startswith("_"):
            try:
                settings[key] = json.loads(text)
            except ValueError as err:
                broken[key] = str(err)
    where = f"ConfigMap {CONFIG_MAP} in {config_map['metadata']['namespace']}"
    for key, problem in broken.items():
        fix = "correct the JSON; KServe's controller ends at its next start"
        yield failure("KServe settings", f"{where}: {key} is no JSON: {problem}", fix)
    if not broken:
        yield ok("KServe settings", f"{where} parses")
    yield _judge_mode(settings, knative)
    headers = (settings.get("router") or {}).get("headers") or {}
    if headers.get("propagate") == []:
        yield failure(
            "KServe settings",
            f"{where}: router.headers.propagate is empty, so routers pass on every header, "
            "Authorization among them",
            "name the headers, or leave `propagate` out",
        )


def check_fields(cluster: Cluster) -> Iterator[Finding]:
    """The kinds have the fields that the manifests use."""
    for (version, kind), fields in _FIELDS.items():
        schema = read_fields(cluster, f"{_GROUP}/{version}", kind)
        if schema is None:
            yield failure("KServe kinds", f"{kind} {version} is not served", _INSTALL)
            continue
        missing = [field for field in fields if not has_field(schema, field)]
        if missing:
            fix = "install the CRDs of KServe 0.20, of the version of its controller"
            yield failure("KServe kinds", f"{kind} has no field {', '.join(missing)}", fix)
        else:
            yield ok("KServe kinds", f"{kind} {version}")


def check_webhook(cluster: Cluster) -> Iterator[Finding]:
    """A service passes KServe's webhooks; it is not stored."""
    body = {
        "apiVersion": f"{_GROUP}/v1beta1",
        "kind": "InferenceService",
        "metadata": {"name": "parley-doctor", "namespace": cluster.namespace},
        "spec": {"predictor": {"containers": [{"name": "kserve-container", "image": "none"}]}},
    }
    resource = cluster.resource(f"{_GROUP}/v1beta1", "InferenceService")
    try:
        with cluster.speaking("InferenceService"):
            resource.create(body=body, namespace=cluster.namespace, dry_run="All")
    except (Forbidden, Refused) as err:
        yield note("KServe webhook", err.message, "see what refuses an InferenceService here")
    except ClusterError as err:
        fix = "check the Service and the certificate of KServe's webhook"
        yield failure("KServe webhook", err.message, fix)
    else:
        yield ok("KServe webhook", "admits an InferenceService")


def find_config_maps(cluster: Cluster) -> list[Object]:
    """KServe's settings, which are in the namespace of its controller. Raises ClusterError."""
    controllers = read_list(cluster, "apps/v1", "Deployment", labels=_CONTROLLER) or []
    namespaces = {each["metadata"]["namespace"] for each in controllers} or {"kserve"}
    found = []
    for namespace in namespaces:
        listed = read_list(cluster, "v1", "ConfigMap", namespace) or []
        found += [each for each in listed if each["metadata"]["name"] == CONFIG_MAP]
    return found


def _judge_mode(settings: dict[str, Object], knative: bool) -> Finding:
    mode = (settings.get("deploy") or {}).get("defaultDeploymentMode", "Knative")
    if mode in ("Standard", "RawDeployment"):
        return ok("KServe mode", mode)
    if not knative:
        return note(
            "KServe mode",
            f"{mode}, but Knative is not installed",
            "set defaultDeploymentMode to Standard, or annotate each object with "
            "serving.kserve.io/deploymentMode: Standard, as Parley's are",
        )
    return note("KServe mode", mode, "Parley's own objects ask for Standard by an annotation")


def _version_of(controller: Object) -> tuple[int, ...]:
    """Of the tag of its image; empty where that says none."""
    for container in controller["spec"]["template"]["spec"]["containers"]:
        tag = re.search(r":v?(\d+)\.(\d+)\.(\d+)", container["image"])
        if tag:
            return tuple(map(int, tag.groups()))
    return ()
