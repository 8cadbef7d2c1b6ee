"""One checkpoint behind BentoML with its adaptive batching; `BENCH_MODEL` names the folder."""

from __future__ import annotations

import os
from typing import Any

import bentoml

from tests.benchmarks.peers.seq2seq import Seq2Seq

_BATCH = 32


@bentoml.service(traffic={"timeout": 600, "max_concurrency": 256})
class Translator:
    def __init__(self) -> None:
        self._model = Seq2Seq(os.environ["BENCH_MODEL"])

    @bentoml.api(  # type: ignore[untyped-decorator]
        batchable=True, max_batch_size=_BATCH, max_latency_ms=600_000, route="/predict"
    )
    def predict(self, instances: list[dict[str, Any]]) -> list[dict[str, Any]]:
        answers = self._model.answer([each["user_input"] for each in instances])
        return [{"response": answer} for answer in answers]
