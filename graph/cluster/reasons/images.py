"""Why an image is not there. The kubelet hands on a registry's words, which differ."""

from __future__ import annotations

import re
from collections.abc import Sequence

from graph.cluster.reasons.events import Event, newest
from graph.cluster.reasons.model import Cause, Reason, shorten
from graph.cluster.reasons.pod import Container

_WAITING = frozenset(
    ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull")
    + ("ImageInspectError", "RegistryUnavailable", "SignatureValidationFailed")
)
_CHECK = "check its name and tag, and push it to its registry or load it into the nodes"
# The first that is found in the words decides; what is wrong, then the fix.
_KINDS = (
    (r"InvalidImageName", Cause.IMAGE_NOT_FOUND, "is no image's name", "write NAME:TAG"),
    (r"ErrImageNeverPull|pull policy of Never", Cause.IMAGE_NOT_FOUND,
     "is not on the node, and imagePullPolicy forbids to pull it",
     "load it into the nodes, or set imagePullPolicy: IfNotPresent"),
    (r"no match for platform", Cause.IMAGE_NOT_FOUND,
     "is not there for the processor of the node",
     "build it for that platform, or choose other nodes with nodeSelector"),
    (r"toomanyrequests|rate limit", Cause.IMAGE_NOT_PULLED,
     "is refused by its registry, which was asked too often",
     "log in with imagePullSecrets, or use a registry of your own"),
    (r"unauthorized|authentication|access denied|forbidden|\b40[13]\b", Cause.IMAGE_NOT_PULLED,
     "is refused by its registry: it is private, or not there",
     f"{_CHECK}; a private one needs imagePullSecrets"),
    (r"x509|certificate", Cause.IMAGE_NOT_PULLED,
     "comes from a registry whose certificate the node does not trust",
     "add the registry's authority to the nodes"),
    (r"no such host|dial tcp|timeout|connection refused|unreachable|EOF", Cause.IMAGE_NOT_PULLED,
     "is not on the node, and its registry cannot be reached", _CHECK),
    (r"not ?found|manifest unknown|does not exist", Cause.IMAGE_NOT_FOUND,
     "is not found", _CHECK),
)  # fmt: skip


def explain_image(container: Container, events: Sequence[Event]) -> Reason | None:
    """Why the image of a container is not there. events: those of its pod."""
    if container.waiting not in _WAITING:
        return None
    words = f"{container.waiting} {container.message}"
    failed = newest(events, "Failed")
    # "Back-off pulling" says no cause; the event of the last attempt does.
    if failed and container.image in failed.message:
        words += f" {failed.message}"
    cause, problem, fix = classify_pull(words)
    return Reason(cause, f"image {container.image} {problem}", fix)


def classify_pull(words: str) -> tuple[Cause, str, str]:
    """The cause, what is wrong and the fix, of the words of a pull that failed."""
    for pattern, cause, problem, fix in _KINDS:
        if re.search(pattern, words, re.IGNORECASE):
            return cause, problem, fix
    return Cause.IMAGE_NOT_PULLED, f"cannot be pulled: {shorten(words)}", _CHECK
