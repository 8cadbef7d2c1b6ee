"""Converted checkpoints behind the engines: equal texts, no torch, batches, limits."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from graph.contract import without_control
from graph.errors import TooLarge
from graph.turn.answers import whole_sentences
from predictors.chat.__main__ import build
from predictors.engine import Sampling
from predictors.engines.ctranslate2 import CTranslate2
from predictors.engines.transformers import Transformers
from tests.checkpoints import making, toy, training

Maker = Callable[[str], Path]


@pytest.mark.parametrize("family", making.FAMILIES)
async def test_both_engines_give_the_same_texts_by_the_checkpoints_own_settings(
    family: str, trained: Maker, converted: Callable[..., Path]
) -> None:
    texts = [source for source, _ in toy.pairs_of(family, 40, seed=5)]
    fast = CTranslate2(converted(trained(family)), family, threads=2, device="cpu")
    slow = Transformers(trained(family), family, threads=1, device="cpu")
    for engine in (fast, slow):
        engine.load()
    assert fast.info == slow.info
    # Many callers at once, and one caller with all, get the same.
    alone = await asyncio.gather(*(fast.generate([text], Sampling()) for text in texts))
    together = await slow.generate(texts, Sampling())
    same = sum(mine == [theirs] for mine, theirs in zip(alone, together, strict=True))
    assert same >= 38
    expected = [target for _, target in toy.pairs_of(family, 40, seed=5)]
    assert sum(a.strip() == b for a, b in zip(together, expected, strict=True)) > 10
    counts = [await engine.count_tokens(texts[0]) for engine in (fast, slow)]
    assert counts[0] == counts[1]
    for engine in (fast, slow):
        engine.close()


# In a process that has not imported transformers yet: the import is part of what may go wrong.
SIDE_BY_SIDE = """
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from predictors.engines.transformers import Transformers

engines = [Transformers(Path(p), "m", threads=1, device="cpu") for p in sys.argv[1:]]
with ThreadPoolExecutor(len(engines)) as pool:
    for loading in [pool.submit(engine.load) for engine in engines]:
        loading.result()
print([engine.info.context for engine in engines])
"""


def test_checkpoints_load_side_by_side(checkpoint: Maker) -> None:
    """As the services of a graph do in one process."""
    folders = [str(checkpoint(family)) for family in ("marian", "t5", "flan-t5", "blenderbot")]
    done = subprocess.run(
        [sys.executable, "-c", SIDE_BY_SIDE, *folders, *folders],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "[128, 512, 512, 128, 128, 512, 512, 128]\n"
    # A server's log has no progress bars.
    assert done.stderr == ""


async def test_a_prompt_over_the_positions_is_refused_and_the_engine_goes_on(
    trained: Maker, converted: Callable[..., Path]
) -> None:
    engine = CTranslate2(converted(trained("blenderbot")), "b", threads=1, device="cpu")
    engine.load()
    with pytest.raises(TooLarge, match="tokens, the model reads at most 128"):
        await engine.generate(["bavo " * 200], Sampling())
    [answer] = await engine.generate(["bavo ceti."], Sampling(max_tokens=500))
    assert answer
    engine.close()


async def test_stop_texts_sampling_and_limits_are_obeyed(
    trained: Maker, converted: Callable[..., Path]
) -> None:
    engine = CTranslate2(converted(trained("marian")), "m", threads=1, device="cpu")
    engine.load()
    [whole] = await engine.generate(["bavo ceti bavo."], Sampling())
    words = whole.split()
    [stopped] = await engine.generate(["bavo ceti bavo."], Sampling(stop=(words[1],)))
    assert stopped == f"{words[0]} "
    [short] = await engine.generate(["bavo ceti bavo."], Sampling(max_tokens=2))
    assert short == words[0]
    [sampled] = await engine.generate(["bavo ceti."], Sampling(temperature=0.5, seed=1))
    assert sampled
    engine.close()


SERVE = """
import asyncio, importlib.abc, sys

class Refuse(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "transformers"):
            raise AssertionError(f"{name} was imported")

sys.meta_path.insert(0, Refuse())
from predictors.chat.__main__ import build

model, _ = build(["--model_name", "chat", "--model", sys.argv[1], "--models", sys.argv[2]], {})
model.load()
instance = {"user_input": "bavo ceti.", "history": ["ceti.", "bavo."] * 40}
[prediction] = asyncio.run(model.predict([instance]))
assert len(prediction["history"]) == 82
print(prediction["response_en"])
model.close()
"""


@pytest.mark.parametrize("family", ["blenderbot", "llama"])
def test_the_chat_predictor_serves_a_conversion_without_torch(
    family: str, checkpoint: Maker, trained: Maker, converted: Callable[..., Path], tmp_path: Path
) -> None:
    source = trained(family) if family in training.TRAINING else checkpoint(family)
    done = subprocess.run(
        [sys.executable, "-c", SERVE, str(converted(source, "int8")), str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout) > 30


async def test_the_chat_leaves_blenderbots_generation_to_its_checkpoint(
    checkpoint: Maker, converted: Callable[..., Path], tmp_path: Path
) -> None:
    """Random weights never end by themselves, so the text shows which maximum was obeyed."""
    folder = converted(checkpoint("blenderbot"))
    engine = CTranslate2(folder, "b", threads=1, device="cpu")
    engine.load()
    assert engine.info.max_new_tokens == 59
    [expected] = await engine.generate(["bavo ceti."], Sampling())
    assert await engine.count_tokens(expected) > 50
    engine.close()
    argv = ["--model_name=chat", f"--model={folder}", f"--models={tmp_path}"]
    chat, _ = build([*argv, "--engine=ctranslate2"], {})
    chat.load()
    [turn] = await chat.predict([{"user_input": "bavo ceti."}])
    chat.close()
    assert turn["response"] == whole_sentences(without_control(expected).strip())


@pytest.mark.slow
def test_blenderbot_at_full_size_converts_and_agrees(tmp_path: Path) -> None:
    """The shape of facebook/blenderbot-400M-distill, with random weights."""
    import json

    import torch

    from predictors.conversion.convert import convert
    from tests.checkpoints.reference import Fast, Reference

    source = making.make_full_size_blenderbot(tmp_path / "source")
    folder = convert(str(source), str(tmp_path / "cache"), "float32")
    names = json.loads((folder / "shared_vocabulary.json").read_text())
    texts = [text for text, _ in toy.sentences(4, seed=1)]
    reference = Reference(source)
    assert sum(weight.numel() for weight in reference.model.parameters()) > 360e6
    limits = {"max_length": 21, "min_length": 5, "num_beams": 1}
    expected = reference.generate(texts, **limits)
    del reference
    torch.set_num_threads(1)
    fast = Fast(folder)
    fast.set_generation(**limits)
    assert fast.generate(texts, Sampling()) == [[names[i] for i in row] for row in expected]
