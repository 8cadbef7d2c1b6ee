"""Parley's images from a registry of one's own, in any object that holds pods."""

from __future__ import annotations

import re
from typing import Any

from graph.composing.shipped import Object

# As the manifests name them: without a registry.
_OURS = re.compile(r"parley-(chat|colocated|detector|gateway|models|translator)(?=[:@]|$)")


def locate(image: str, prefix: str) -> str:
    """The name of one of Parley's images in a registry; any other image keeps its own."""
    return f"{prefix}/{image}" if prefix and _OURS.match(image) else image


def from_registry(body: Object, prefix: str, pull_secret: str = "") -> Object:
    """A copy of an object whose pods pull Parley's images from a registry.

    pull_secret: name of the Secret that those pods pull with, in their own namespace; "" for none.
    """
    moved: Object = _move(body, prefix, pull_secret)
    return moved


def _move(value: Any, prefix: str, secret: str) -> Any:
    if isinstance(value, list):
        return [_move(item, prefix, secret) for item in value]
    if not isinstance(value, dict):
        return value
    made = {key: _move(item, prefix, secret) for key, item in value.items()}
    if any([_locate_all(made, key, prefix) for key in ("initContainers", "containers")]) and secret:
        others = [each for each in made.get("imagePullSecrets", ()) if each != {"name": secret}]
        made["imagePullSecrets"] = [*others, {"name": secret}]
    return made


def _locate_all(pod: Object, key: str, prefix: str) -> bool:
    """Change the images of a list of containers; whether any of them is Parley's."""
    listed = pod.get(key)
    containers = listed if isinstance(listed, list) else []
    ours = [c for c in containers if isinstance(c, dict) and _OURS.match(str(c.get("image")))]
    for container in ours:
        container["image"] = locate(container["image"], prefix)
    return bool(ours)
