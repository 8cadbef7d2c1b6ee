"""The project on the cluster: applied, waited for, called through the gateway, and taken off."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import yaml

from tests.cluster.harness import HOST_NAME, Cluster
from tests.cluster.image_prefix import located_folder
from tests.cluster.kube import Kubectl, condition, until

MANIFESTS = Path(__file__).parents[2] / "manifests"
GRAPH = "multilingual-chat"
PREDICTORS = ("detector", "translate-fr-en", "translate-en-fr", "chat")
NAMESPACE = "parley"
# A turn on two cores that also carry the whole cluster; past this something hangs.
ANSWER_SECONDS = 120


@dataclass(frozen=True)
class Answer:
    """status, and the body as JSON where it is JSON, else as text."""

    status: int
    body: Any


@dataclass
class Deployment:
    """overlay: what is on the cluster now.  first_answer: seconds from apply to it."""

    cluster: Cluster
    overlay: str = ""
    first_answer: float = 0.0

    @property
    def kubectl(self) -> Kubectl:
        return self.cluster.kubectl

    def ensure(self, overlay: str) -> None:
        """Put an overlay on the cluster, in place of another one, and wait until it answers."""
        if self.overlay == overlay:
            return
        self.clear()
        started = time.monotonic()
        self.apply(overlay)
        self.wait()
        self.first_answer = time.monotonic() - started

    def apply(self, overlay: str) -> None:
        self.overlay = overlay
        with located_folder(MANIFESTS / overlay) as folder:
            self.kubectl("apply", "-k", str(folder))

    def wait(self, seconds: float = 180) -> None:
        """Until the graph answers a turn through all its predictors.

        KServe calls it ready before it is, and a node learns the way to a ready pod a moment later.
        """
        until(self._answers, f"an answer of {self.overlay}", seconds)

    def remove(self, overlay: str = "") -> None:
        """Take the overlay off as a user does, and wait until the namespace has gone."""
        leaving = overlay or self.overlay
        if leaving:
            self.kubectl(
                *("delete", "-k", str(MANIFESTS / leaving), "--ignore-not-found"), timeout=240
            )
        self.overlay = ""

    def clear(self, overlay: str = "") -> None:
        """The same in a tenth of the time, between tests: nothing is left to end its work.

        KServe's router takes half a minute to stop, and a namespace with pods in it is looked at
        again only after half of their grace period.
        """
        leaving = overlay or self.overlay
        if leaving:
            rendered = yaml.safe_load_all(self.kubectl("kustomize", str(MANIFESTS / leaving)))
            for item in rendered:
                if item["kind"] == "Namespace":
                    self._end_pods(item["metadata"]["name"])
        self.remove(overlay)

    def ask(self, *instances: dict[str, Any], host: str = HOST_NAME) -> Answer:
        """POST instances to the graph, through the gateway, under its public host name."""
        return self.post(json.dumps({"instances": list(instances)}).encode(), host=host)

    def post(self, body: bytes, host: str = HOST_NAME, path: str = "/") -> Answer:
        response = httpx2.post(
            self.cluster.gateway + path,
            content=body,
            headers={"host": host, "content-type": "application/json"},
            timeout=ANSWER_SECONDS,
        )
        try:
            return Answer(response.status_code, response.json())
        except ValueError:
            return Answer(response.status_code, response.text)

    def pods(self, selector: str = "") -> list[dict[str, Any]]:
        """Live pods of the project; those that are going are left out."""
        found = self.kubectl.list("pods", NAMESPACE, selector)
        return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]

    def ready_pods(self, selector: str) -> list[str]:
        return [
            pod["metadata"]["name"]
            for pod in self.pods(selector)
            if condition(pod, "Ready") == "True"
        ]

    def _end_pods(self, namespace: str) -> None:
        kinds = "inferencegraphs,inferenceservices,jobs"
        self.kubectl("delete", kinds, "--all", "-n", namespace, "--wait=false")

        def ended() -> bool:
            self.kubectl("delete", "pods", "--all", "-n", namespace, "--grace-period=0", "--force")
            # A set of replicas that is left makes new pods.
            return not self.kubectl.list("replicasets,pods", namespace)

        until(ended, f"the end of the pods in {namespace}", 60)

    def _answers(self) -> bool:
        try:
            both = {"user_input": "Hello"}, {"user_input": "Bonjour", "language": "fr"}
            return self.ask(*both).status == 200
        except httpx2.TransportError:
            return False


def selector(name: str) -> str:
    """Label of the pods of one predictor, or of the graph's router."""
    kind = "inferencegraph" if name == GRAPH else "inferenceservice"
    return f"serving.kserve.io/{kind}={name}"
