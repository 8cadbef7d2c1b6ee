"""Conversations with OpenAI's API before the graph, through the ingress gateway."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
import yaml

from graph.http.events import DONE, EventReader
from tests.cluster.deployment import ANSWER_SECONDS, GRAPH, MANIFESTS, NAMESPACE, Deployment
from tests.cluster.kube import until

OVERLAY = "overlays/gateway-embedded"
GATEWAY = "chat-gateway"
PODS = "app.kubernetes.io/component=gateway"
HOST = {"host": "chat.parley.example.com"}


@dataclass(frozen=True)
class Stream:
    """parts: the events of each part as it came from the network, read as JSON but for the end."""

    status: int
    parts: tuple[tuple[Any, ...], ...]

    @property
    def events(self) -> list[Any]:
        return [event for part in self.parts for event in part]

    @property
    def words(self) -> list[str]:
        """What each part added to the answer, without those that added nothing."""
        return list(filter(None, map(_words, self.parts)))

    @property
    def errors(self) -> list[Any]:
        return [event["error"] for event in self.events if event != DONE and "error" in event]

    @property
    def is_whole(self) -> bool:
        return self.status == 200 and not self.errors and self.events[-1] == DONE

    @property
    def parley(self) -> dict[str, Any]:
        """What the last chunk of a choice says of the turn."""
        choices = [c for event in self.events if event != DONE for c in event["choices"]]
        found: dict[str, Any] = choices[-1]["parley"]
        return found


@contextmanager
def gateway(deployment: Deployment) -> Iterator[Deployment]:
    """The embedded overlay with the gateway, ready; without it again at the end."""
    deployment.ensure("overlays/embedded")
    kubectl = deployment.kubectl
    before = _names(kubectl("kustomize", str(MANIFESTS / "overlays" / "embedded")))
    try:
        deployment.apply(OVERLAY)
        kubectl("rollout", "status", f"deployment/{GATEWAY}", "-n", NAMESPACE, timeout=180)
        # The proxies of the ingress gateway learn the way a moment later.
        until(lambda: page_of(deployment, "/v1/models").status_code == 200, "a list of models", 60)
        yield deployment
    finally:
        rendered = yaml.safe_load_all(kubectl("kustomize", str(MANIFESTS / OVERLAY)))
        added = [item for item in rendered if _name(item) not in before]
        kubectl("delete", "--ignore-not-found", "-f", "-", stdin=yaml.safe_dump_all(added))
        deployment.apply("overlays/embedded")


def page_of(deployment: Deployment, path: str) -> httpx2.Response:
    return httpx2.get(deployment.cluster.gateway + path, headers=HOST, timeout=ANSWER_SECONDS)


def talk(deployment: Deployment, *said: str, **parameters: Any) -> Stream:
    """Stream the answer to a conversation whose messages are of the user and the chat in turn."""
    roles = ("user", "assistant")
    messages = [{"role": roles[n % 2], "content": text} for n, text in enumerate(said)]
    asked = {"model": GRAPH, "messages": messages, "stream": True} | parameters
    url = f"{deployment.cluster.gateway}/v1/chat/completions"
    with httpx2.stream("POST", url, json=asked, headers=HOST, timeout=ANSWER_SECONDS) as answer:
        if answer.status_code != 200:
            return Stream(answer.status_code, ((json.loads(answer.read()),),))
        reader = EventReader()
        parts = [tuple(map(_read, reader.feed(raw))) for raw in answer.iter_raw()]
    return Stream(200, tuple(parts))


def _read(data: str) -> Any:
    return data if data == DONE else json.loads(data)


def _words(part: tuple[Any, ...]) -> str:
    chunks = [event for event in part if event != DONE and "error" not in event]
    deltas = [choice["delta"] for chunk in chunks for choice in chunk["choices"]]
    return "".join(delta.get("content") or "" for delta in deltas)


def _name(item: dict[str, Any]) -> tuple[str, str]:
    return item["kind"], item["metadata"]["name"]


def _names(text: str) -> set[tuple[str, str]]:
    return set(map(_name, yaml.safe_load_all(text)))
