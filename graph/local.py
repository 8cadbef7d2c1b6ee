"""A YAML file run in this process: its predictors, its graph, and a server for both.

The one module that reaches predictors, by importing the module that a container's command names. It
takes the same arguments and environment from the YAML as the cluster does; what is only for the
cluster (images, GPU limits, probes, mounts) is not read.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import sys
import threading
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from graph.errors import ParleyError, SpecError
from graph.router import Answer, Headers, route
from graph.services import InferenceService
from graph.spec import Graph, Objects, Step, choose_graph, load_objects

T = TypeVar("T")

DEFAULT_FILE = Path(__file__).parent.parent / "manifests" / "embedded.yaml"
# What a cluster mounts, this machine has elsewhere: the user's own setting holds, not the file's.
_OWN_VARIABLES = ("PARLEY_MODELS", "XDG_CACHE_HOME", "HOME", "PATH", "HF_HOME")
_PREDICTORS = "predictors."


@dataclass(frozen=True)
class LocalGraph:
    """A graph and the handlers (`predictors.handler.Handler`) of its services, by service name."""

    graph: Graph
    handlers: Mapping[str, Any]

    def load(self) -> None:
        """Load all models, side by side. Raises the first error of any."""
        with ThreadPoolExecutor(max_workers=len(self.handlers) or 1) as pool:
            for loading in [pool.submit(handler.load) for handler in self.handlers.values()]:
                loading.result()

    def close(self) -> None:
        for handler in self.handlers.values():
            handler.close()

    async def route(self, body: bytes, headers: Headers = ()) -> Answer:
        """One request through the graph."""
        return await route(self.graph, body, headers, self._call)

    async def predict(self, name: str, body: bytes) -> Answer:
        """One request to one predictor. Raises NotServed."""
        answer = await self.handlers[name].answer(body)
        return Answer(answer.status, answer.body(), "application/json")

    async def _call(self, step: Step, body: bytes, headers: Headers) -> Answer:
        return await self.predict(step.service_name, body)
