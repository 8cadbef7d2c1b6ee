"""The way to a cluster: which one, as whom, in which namespace.

It is found as kubectl finds it: `--kubeconfig`, else KUBECONFIG (several files, the first of which
wins), else ~/.kube/config, else the account of the pod that this runs in. Nothing is asked of the
cluster but what it serves. Threads may share a `Cluster`, but `resource` is for one at a time.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import yaml
from kubernetes import client
from kubernetes.client.exceptions import OpenApiException
from kubernetes.config import ConfigException, incluster_config
from kubernetes.config.kube_config import KubeConfigLoader, KubeConfigMerger
from kubernetes.dynamic import DynamicClient, Resource
from kubernetes.dynamic.exceptions import ResourceNotFoundError, ResourceNotUniqueError
from urllib3 import Retry
from urllib3.exceptions import HTTPError

from graph.cluster.failures import translate
from graph.errors import NoCluster, NotFound, Unauthorized, find_nearest

_DEFAULT_FILE = "~/.kube/config"
_POD_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
# The library keeps what a cluster serves in a file that all users of a machine share, under the
# cluster's address, where it outlives another cluster at that address; it cannot write this one.
_NO_FILE = os.path.join(os.devnull, "none")
# A server that is there answers within these; an admission webhook may take 30 s.
_CONNECT_SECONDS, _READ_SECONDS = 10, 60
# Each watch holds one. What is over the pool's size is not reused, with a warning.
_CONNECTIONS = 32
# Only what the server said it did not do is asked again, as it says: 429, and 503 with Retry-After.
_RETRIES = Retry(
    total=None, connect=0, read=0, other=0, redirect=0, status=5,
    allowed_methods=None, raise_on_status=False,
)  # fmt: skip


@dataclass(frozen=True)
class Cluster:
    """context: name in the kubeconfig, "" in a pod.  pinned: `namespace` was asked for by name.
    kubeconfig: the file that was named, "" for none.

    Use it in a `with` block, which closes its connections at the end.
    """

    api: client.ApiClient
    dynamic: DynamicClient
    namespace: str
    context: str = ""
    pinned: bool = False
    kubeconfig: str = ""

    @property
    def server(self) -> str:
        """URL of the API server."""
        return str(self.api.configuration.host)

    def resource(self, api_version: str, kind: str) -> Resource:
        """What the cluster calls a kind. Raises NotFound where it does not serve it."""
        group, slash, _ = api_version.rpartition("/")
        search = {"prefix": "apis" if slash else "api", "kind": kind}
        with self.speaking(kind):
            try:
                found: Resource = self.dynamic.resources.get(**search, api_version=api_version)
                return found
            except (ResourceNotFoundError, ResourceNotUniqueError) as err:
                others = self.dynamic.resources.search(**search, group=group)
                raise _not_served(api_version, kind, [r.group_version for r in others]) from err

    @contextmanager
    def speaking(self, about: str = "") -> Iterator[None]:
        """Requests to the cluster; `about` names the object. Raises ClusterError in their place."""
        with _speaking(self.server, about):
            yield

    def close(self) -> None:
        self.api.close()
        self.api.rest_client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def connect(
    context: str = "",
    namespace: str = "",
    kubeconfig: str = "",
    environ: Mapping[str, str] = os.environ,
) -> Cluster:
    """The cluster of a context, by default of the current one, or of the pod that this runs in.

    namespace: without it the context's, the pod's, or `default`. Raises NoCluster where none is
    named, and ClusterError where it does not answer or does not know who asks.
    """
    settings = client.Configuration()
    settings.retries = _RETRIES
    settings.keep_alive = True
    settings.connection_pool_maxsize = _CONNECTIONS
    files = kubeconfig or environ.get("KUBECONFIG", "") or str(Path(_DEFAULT_FILE).expanduser())
    if not _named(files, bool(kubeconfig), context, environ):
        name, own = "", _read_pod(settings)
    else:
        name, own = _read_kubeconfig(settings, files, context)
    api = _Client(settings)
    try:
        dynamic = _discover(api)
    except BaseException:
        api.rest_client.close()
        raise
    inside = namespace or own or "default"
    return Cluster(api, dynamic, inside, name, bool(namespace), kubeconfig)


@contextmanager
def _speaking(server: str, about: str = "") -> Iterator[None]:
    try:
        yield
    except (OpenApiException, HTTPError) as err:
        raise translate(err, server, about) from err


def _discover(api: client.ApiClient) -> DynamicClient:
    server = api.configuration.host
    try:
        with _speaking(server):
            return DynamicClient(api, cache_file=_NO_FILE)
    except (ValueError, KeyError, TypeError, AttributeError) as err:
        raise NoCluster(f"{server}: does not answer as a Kubernetes API server does") from err


def _not_served(api_version: str, kind: str, served: list[str]) -> NotFound:
    fix = f"write {served[0]}" if served else "install what brings it"
    if not served and api_version.startswith("serving.kserve.io/"):
        fix += ", which is KServe"
    return NotFound(f"the cluster serves no {kind} of {api_version}; {fix}")


def _named(files: str, asked: bool, context: str, environ: Mapping[str, str]) -> bool:
    """Whether a kubeconfig says which cluster; not where it is the pod that does."""
    if any(Path(file).expanduser().exists() for file in files.split(os.pathsep) if file):
        return True
    in_pod = incluster_config.SERVICE_HOST_ENV_NAME in environ
    if in_pod and not asked and not context:
        return False
    raise NoCluster(
        f"no cluster is named: {files} is not there; set KUBECONFIG, or give --kubeconfig"
    )


def _read_pod(settings: client.Configuration) -> str:
    try:
        incluster_config.load_incluster_config(settings)
        return _POD_NAMESPACE.read_text("utf-8").strip()
    except (ConfigException, OSError) as err:
        raise NoCluster(f"the account of this pod cannot be used: {err}") from err


def _read_kubeconfig(settings: client.Configuration, files: str, context: str) -> tuple[str, str]:
    """Fills the settings in; the name of the context and its namespace."""
    try:
        merged = KubeConfigMerger(files)
        name = context or _current(merged.config_files.values())
        _check_context(name, merged, files)
        loader = KubeConfigLoader(merged.config, active_context=name, config_base_path=None)
        loader.load_and_set(settings)
        _check_server(settings.host, name)
        chosen: dict[str, Any] = loader.current_context["context"]
    except (ConfigException, OSError, yaml.YAMLError) as err:
        raise NoCluster(f"{files}: cannot be used: {' '.join(str(err).split())}") from err
    except (ValueError, TypeError, AttributeError, KeyError) as err:
        # A list in the place of a mapping, base64 that is none, and their like.
        raise NoCluster(f"{files}: is not a kubeconfig: {err}") from err
    _check_plugin(loader, settings, name)
    return name, str(chosen.get("namespace") or "")


def _current(configs: Any) -> str:
    """The first file that names one wins, as for kubectl; the library takes the last."""
    return next((str(c["current-context"]) for c in configs if c.get("current-context")), "")


def _check_context(name: str, merged: KubeConfigMerger, files: str) -> None:
    known = [
        context["name"] for c in merged.config_files.values() for context in c.get("contexts") or []
    ]
    if not name:
        raise NoCluster(f"{files}: has no current context; give --context, one of {known}")
    if name not in known:
        near = find_nearest(name, known)
        hint = f'did you mean "{near}"?' if near else f"there are {known}"
        raise NoCluster(f'{files}: has no context "{name}"; {hint}')


def _check_server(server: str, context: str) -> None:
    if not server.startswith(("http://", "https://")):
        raise ConfigException(f"server of context {context} must begin with https://: {server}")


def _check_plugin(loader: KubeConfigLoader, settings: client.Configuration, name: str) -> None:
    """A plugin that fails is only logged by the library, and the server would see a stranger."""
    user = loader._user
    if user and "exec" in user and not (settings.api_key or settings.cert_file):
        command = user["exec"]["command"]
        raise Unauthorized(f"context {name}: its plugin {command} gave no credentials; log in")


class _Client(client.ApiClient):
    """A client whose requests end, and do not wait for ever for a server that is silent."""

    def call_api(self, method: str, url: str, *args: Any, **options: Any) -> Any:
        lasting = "watch=" in url or "follow=" in url
        if options.get("_request_timeout") is None:
            options["_request_timeout"] = (_CONNECT_SECONDS, None if lasting else _READ_SECONDS)
        return super().call_api(method, url, *args, **options)
