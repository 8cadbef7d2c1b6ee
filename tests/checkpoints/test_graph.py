"""The manifests' own graphs on locally made checkpoints of all four kinds."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from graph.client import ChatClient

Maker = Callable[[str], Path]
MANIFESTS = Path(__file__).parents[2] / "manifests"


def with_models(folder: str, services: dict[str, Path | None], target: Path) -> str:
    """The objects of a folder of manifests/ in one file, each service's model the given one."""
    documents = [(MANIFESTS / folder / "graph.yaml").read_text()]
    for name, model in services.items():
        text = (MANIFESTS / folder / f"{name}.yaml").read_text()
        documents.append(re.sub(r"--model=\S+", f"--model={model}", text) if model else text)
    target.write_text("---\n".join(documents))
    return str(target)


def test_the_chat_of_manifests_base_answers_french_and_english(
    trained: Maker, converted: Callable[..., Path], tmp_path: Path
) -> None:
    services = {
        "detector": None,
        "translate-fr-en": converted(trained("marian"), "int8"),
        "chat": converted(trained("blenderbot"), "int8"),
        "translate-en-fr": converted(trained("t5"), "int8"),
    }
    file = with_models("base", services, tmp_path / "chat.yaml")
    with ChatClient.local(file) as client:
        french = client.turn("bavo ceti fora.", language="fr")
        assert [step.name for step in french.steps] == [
            "detector",
            "translate-fr-en",
            "chat",
            "translate-en-fr",
        ]
        assert french.user_input_en and french.response_en and french.response
        assert french.history == [french.user_input_en, french.response_en]
        english = client.turn("bavo ceti fora.", history=french.history, language="en")
        assert [step.name for step in english.steps] == ["detector", "chat"]
        assert english.response == english.response_en
        assert len(english.history) == 4


def test_the_translator_of_the_manifests_runs_on_a_flan_t5(
    trained: Maker, converted: Callable[..., Path], tmp_path: Path
) -> None:
    model = converted(trained("flan-t5"), "int8")
    services = {"detector": None, "translate-en-it": model, "translate-it-en": model}
    file = with_models("translator", services, tmp_path / "translator.yaml")
    with ChatClient.local(file) as client:
        for language in ("en", "it"):
            [prediction] = client.answers([{"user_input": "bavo ceti.", "language": language}])
            assert prediction["language"] == language
            assert prediction["response"]
