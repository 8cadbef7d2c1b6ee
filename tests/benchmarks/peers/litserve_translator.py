"""One checkpoint behind LitServe with its batching; `BENCH_MODEL` names the folder."""

from __future__ import annotations

import os
import sys
from typing import Any

import litserve

from tests.benchmarks.peers.seq2seq import Seq2Seq

_BATCH = 32
_BATCH_SECONDS = 0.01


class Translator(litserve.LitAPI):  # type: ignore[misc]
    def setup(self, device: str) -> None:
        self._model = Seq2Seq(os.environ["BENCH_MODEL"])

    # LitServe reads the annotation of its argument, which must not be one.
    def decode_request(self, request):
        return str(request["instances"][0]["user_input"])

    def predict(self, texts: list[str]) -> list[str]:
        return self._model.answer(texts)

    def encode_response(self, answer: str) -> dict[str, Any]:
        return {"predictions": [{"response": answer}]}


def main(argv: list[str]) -> None:
    """argv: the port."""
    translator = Translator(max_batch_size=_BATCH, batch_timeout=_BATCH_SECONDS)
    server = litserve.LitServer(translator, accelerator="cpu", timeout=600)
    server.run(host="127.0.0.1", port=int(argv[0]), generate_client_file=False, log_level="warning")


if __name__ == "__main__":
    main(sys.argv[1:])
