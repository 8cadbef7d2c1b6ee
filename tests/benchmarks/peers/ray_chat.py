"""The multilingual chat as a Ray Serve application: four deployments and one that composes them.

It is written as Ray's own guides compose models: plain classes whose methods block, one replica
each, float32 weights in transformers, and an endpoint that awaits each step. Options of Ray are
its defaults, but that a replica may use all processors and needs none for itself, because a small
machine would not start them all otherwise.
"""

from __future__ import annotations

import argparse
import sys
from typing import Any

import lingua
from ray import serve
from ray.serve.handle import DeploymentHandle
from starlette.requests import Request

from tests.benchmarks.peers.ray_running import run_for_ever
from tests.benchmarks.peers.seq2seq import Seq2Seq
from tests.benchmarks.weights.searches import PREFIX

_FREE = {"num_cpus": 0}


class Detector:
    def __init__(self) -> None:
        languages = lingua.Language.ENGLISH, lingua.Language.FRENCH
        builder = lingua.LanguageDetectorBuilder.from_languages(*languages)
        self._detector = builder.with_preloaded_language_models().build()

    def detect(self, text: str) -> str:
        language = self._detector.detect_language_of(text)
        return language.iso_code_639_1.name.lower() if language else "en"


class Chat:
    def __init__(self, folder: str) -> None:
        self._model = Seq2Seq(folder)

    def answer(self, text: str) -> str:
        return self._model.answer([text])[0]


class ToEnglish:
    def __init__(self, folder: str) -> None:
        self._model = Seq2Seq(folder)

    def translate(self, text: str) -> str:
        return self._model.answer([text])[0]


class FromEnglish:
    def __init__(self, folder: str) -> None:
        self._model = Seq2Seq(folder, PREFIX)

    def translate(self, text: str) -> str:
        return self._model.answer([text])[0]


class Conversation:
    """The endpoint."""

    def __init__(
        self,
        detector: DeploymentHandle,
        to_english: DeploymentHandle,
        chat: DeploymentHandle,
        from_english: DeploymentHandle,
    ) -> None:
        self._detector = detector
        self._to_english = to_english
        self._chat = chat
        self._from_english = from_english

    async def __call__(self, request: Request) -> dict[str, Any]:
        if request.method == "GET":
            return {"ready": True}
        body = await request.json()
        return {"predictions": [await self._turn(each) for each in body["instances"]]}

    async def _turn(self, instance: dict[str, Any]) -> dict[str, Any]:
        text = instance["user_input"]
        language = await self._detector.detect.remote(text)
        if language == "fr":
            text = await self._to_english.translate.remote(text)
        answer = await self._chat.answer.remote(text)
        response = answer
        if language == "fr":
            response = await self._from_english.translate.remote(answer)
        return {**instance, "language": language, "response_en": answer, "response": response}


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--to-english", required=True, help="folder of the checkpoint")
    parser.add_argument("--chat", required=True, help="folder of the checkpoint")
    parser.add_argument("--from-english", required=True, help="folder of the checkpoint")
    options = parser.parse_args(argv)
    application = _deployed(
        Conversation,
        _deployed(Detector),
        _deployed(ToEnglish, options.to_english),
        _deployed(Chat, options.chat),
        _deployed(FromEnglish, options.from_english),
    )
    run_for_ever(application, options.port)


def _deployed(stage: type, *arguments: Any) -> Any:
    return serve.deployment(ray_actor_options=_FREE)(stage).bind(*arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
