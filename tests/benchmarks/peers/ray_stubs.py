"""Four stages that do nothing and an endpoint that calls one after the other, on Ray Serve."""

from __future__ import annotations

import sys
from typing import Any

from ray import serve
from ray.serve.handle import DeploymentHandle
from starlette.requests import Request

from tests.benchmarks.peers.ray_running import run_for_ever

_FREE = {"num_cpus": 0}
STAGES = 4


class Stage:
    async def step(self, text: str) -> str:
        return text


class Chain:
    def __init__(self, *stages: DeploymentHandle) -> None:
        self._stages = stages

    async def __call__(self, request: Request) -> dict[str, Any]:
        if request.method == "GET":
            return {"ready": True}
        [instance] = (await request.json())["instances"]
        text = instance["user_input"]
        for stage in self._stages:
            text = await stage.step.remote(text)
        return {"predictions": [{**instance, "response": text}]}


def main(argv: list[str]) -> None:
    """argv: the port, and how many requests a replica takes at once; none leaves it to Ray."""
    limit = {"max_ongoing_requests": int(argv[1])} if argv[1:] else {}
    options = {"ray_actor_options": _FREE, **limit}
    stages = [serve.deployment(Stage, name=f"stage{i}", **options).bind() for i in range(STAGES)]
    run_for_ever(serve.deployment(Chain, **options).bind(*stages), int(argv[0]))


if __name__ == "__main__":
    main(sys.argv[1:])
