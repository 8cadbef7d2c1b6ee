"""What Tab offers besides commands, options and files: languages, contexts and namespaces.

A completion is silent and short: what cannot be found, or not within its bound, is not offered.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable

import typer

from graph.errors import ParleyError, needing

# A person waits for Tab; a cluster that has not answered by then may be far away or gone.
SECONDS = 2.0


def languages(ctx: typer.Context, incomplete: str) -> list[str]:
    """Those that the graph of the named file serves, by default of the one that is shipped."""
    from graph.lint.languages import is_detector, served_languages
    from graph.spec.load import load_objects
    from graph.spec.sources import SHIPPED, read_source

    shipped = "translator.yaml" if ctx.info_name == "translate" else "embedded.yaml"
    # Before an option that has no value yet, the words that are no options are not read.
    named = ctx.args if ctx.info_name == "chat" else ()
    file = ctx.params.get("file") or next(iter(named), str(SHIPPED / shipped))
    if ctx.params.get("url") or ctx.params.get("cluster") or file == "-":
        return []

    def find() -> list[str]:
        services = filter(is_detector, load_objects(*read_source(file)).services)
        served = (served_languages(service.container) for service in services)
        return [code for codes in served for code in codes or ()]

    return _beginning(incomplete, _within(SECONDS, find))


def contexts(ctx: typer.Context, incomplete: str) -> list[str]:
    """Those of the kubeconfig."""

    def find() -> list[str]:
        with needing("cluster"):
            from kubernetes.config import ConfigException, list_kube_config_contexts
        try:
            found, _ = list_kube_config_contexts(ctx.params.get("kubeconfig") or None)
        except ConfigException:
            return []
        return [str(each["name"]) for each in found]

    return _beginning(incomplete, _within(SECONDS, find))


def namespaces(ctx: typer.Context, incomplete: str) -> list[str]:
    """Those of the cluster, where it lists them to the one who asks."""

    def find() -> list[str]:
        with needing("cluster"):
            from graph.cluster.connection import connect
        context, kubeconfig = ctx.params.get("context"), ctx.params.get("kubeconfig")
        with connect(context or "", kubeconfig=kubeconfig or "") as cluster:
            kind = cluster.resource("v1", "Namespace")
            with cluster.speaking("namespaces"):
                answer = kind.get(serialize=False)
        return [str(item["metadata"]["name"]) for item in json.loads(answer.data)["items"]]

    return _beginning(incomplete, _within(SECONDS, find))


def _within(seconds: float, find: Callable[[], list[str]]) -> list[str]:
    """What is found in time; nothing where it fails."""
    found: list[str] = []

    def run() -> None:
        try:
            found.extend(find())
        except ParleyError:
            pass

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    return list(found)


def _beginning(incomplete: str, words: Iterable[str]) -> list[str]:
    return sorted({word for word in words if word.startswith(incomplete)})
