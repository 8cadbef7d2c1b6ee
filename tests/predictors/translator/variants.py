"""Ways to ask for a translation that were measured against each other.

Each is a function of engine, pair, examples and texts; `product` is what the predictor does. Forms
are named as in the README beside the predictor.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from predictors.engine import GREEDY, Engine, Sampling
from predictors.translator.examples import Example
from predictors.translator.prompting import PromptStrategy
from predictors.translator.prompts import language_name

Variant = Callable[
    [Engine, str, str, Sequence[Example], Sequence[str]], Coroutine[Any, Any, list[str]]
]
CANDIDATES = 4
SAMPLED = Sampling(temperature=0.7, top_p=0.95)


def form(kind: str, source: str, target: str, shown: Sequence[Example], text: str) -> str:
    """The prompt of a form. The quoted forms end with an opening quote."""
    a, b = language_name(source), language_name(target)
    heading, pair, joint = {
        "names": ("", "{a}: {s}\n{b}: {t}", "\n\n"),
        "close": ("", "{a}: {s}\n{b}: {t}", "\n"),
        "heading": ("Translations from {a} to {b}.\n\n", "{a}: {s}\n{b}: {t}", "\n\n"),
        "codes": ("", "[{c}] {s}\n[{d}] {t}", "\n\n"),
        "arrow": ("", "{s} => {t}", "\n"),
        "phrasebook": ("{a}-{b} phrasebook\n\n", "{s} = {t}", "\n"),
        "instruction": ("", "Translate to {b}: {s}\n{b}: {t}", "\n\n"),
        "quoted": ("", '{a}: "{s}" {b}: "{t}"', "\n"),
        "heading-quoted": ("Translations from {a} to {b}.\n\n", '{a}: "{s}"\n{b}: "{t}"', "\n\n"),
        "json": ("", '{{"{c}": "{s}", "{d}": "{t}"}}', "\n"),
        "tabs": ("{a}\t{b}\n", "{s}\t{t}", "\n"),
        "sentence": ("", '"{s}" in {b} is "{t}"', "\n"),
    }[kind]
    words = {"a": a, "b": b, "c": source, "d": target}
    done = [pair.format(s=example.source, t=example.target, **words) for example in shown]
    begun = pair.format(s=text, t="\0", **words).partition("\0")[0].rstrip(" ")
    return heading.format(**words) + joint.join([*done, begun])


async def few_shot(
    engine: Engine,
    source: str,
    target: str,
    examples: Sequence[Example],
    texts: Sequence[str],
    *,
    kind: str,
    fixed: int,
    similar: int = 0,
    sampling: Sampling = GREEDY,
) -> list[str]:
    """Greedy, with the first `fixed` examples and then the `similar` most like the text."""
    prompts = [
        form(
            kind,
            source,
            target,
            [*examples[:fixed], *nearest(text, examples, fixed, similar)],
            text,
        )
        for text in texts
    ]
    answers = await engine.generate(prompts, replace(sampling, max_tokens=60, stop=stops(kind)))
    return [answer.strip() for answer in answers]


def nearest(text: str, examples: Sequence[Example], fixed: int, count: int) -> list[Example]:
    """The examples after the fixed ones that share most 4-grams and words, the best one last."""

    def likeness(example: Example) -> float:
        one, other = grams(text), grams(example.source)
        return len(one & other) / (1 + len(one | other))

    return sorted(examples[fixed:], key=likeness)[-count:] if count else []


def grams(text: str) -> set[str]:
    text = text.casefold()
    return {text[i : i + 4] for i in range(len(text) - 3)} | set(text.split())


def stops(kind: str) -> tuple[str, ...]:
    return ("\n", '"') if kind in ("quoted", "heading-quoted", "sentence", "json") else ("\n",)


async def product(
    engine: Engine, source: str, target: str, examples: Sequence[Example], texts: Sequence[str]
) -> list[str]:
    strategy = PromptStrategy(engine, source, target, examples, 256)
    return [answer.text for answer in await strategy.translate(texts)]


async def ranked(
    engine: Engine,
    source: str,
    target: str,
    examples: Sequence[Example],
    texts: Sequence[str],
    *,
    kind: str,
    fixed: int,
    by: str,
) -> list[str]:
    """The greedy answer and sampled ones, ranked by a likelihood (nats a token).

    `by`: `forward`, of the candidate given the text; `back`, of the text given the candidate, the
    model being asked to translate back; `both`, their sum.
    """
    prompts = [form(kind, source, target, examples[:fixed], text) for text in texts]
    back = [Example(example.target, example.source) for example in examples[:fixed]]
    limit = asyncio.Semaphore(1)

    async def best(i: int) -> str:
        candidates: dict[str, float] = {}
        for seed in range(CANDIDATES):
            sampling = GREEDY if seed == 0 else SAMPLED
            body = {"temperature": sampling.temperature, "top_p": sampling.top_p, "seed": seed}
            async with limit:
                answer, forward = await complete(engine, prompts[i], body)
            candidates.setdefault(answer, forward)
        scores = {}
        for candidate, forward in candidates.items():
            backward = 0.0
            if by != "forward":
                prompt = form(kind, target, source, back, candidate)
                # A grammar that allows the text alone makes the model say it, and so score it.
                forced = {"grammar": f"root ::= {json.dumps(f' {texts[i]}', ensure_ascii=False)}"}
                async with limit:
                    _, backward = await complete(engine, prompt, forced)
            scores[candidate] = backward + (forward if by != "back" else 0.0)
        return max(scores, key=lambda candidate: scores[candidate])

    return list(await asyncio.gather(*map(best, range(len(texts)))))


async def complete(engine: Any, prompt: str, body: dict[str, Any]) -> tuple[str, float]:
    """A completion by llama.cpp and its mean log-likelihood, which the Engine interface has not."""
    asked = {"prompt": prompt, "n_predict": 120, "n_probs": 1, "stop": ["\n"], "temperature": 0.0}
    answer = await engine._post(
        "/completion", asked | {k: v for k, v in body.items() if v is not None}
    )
    steps = [step["logprob"] for step in answer["completion_probabilities"]]
    return str(answer["content"]).strip(), sum(steps) / max(1, len(steps))


KIND = "heading"
VARIANTS: dict[str, Variant] = {
    "product": product,
    **{
        f"{kind} 8": partial(few_shot, kind=kind, fixed=8)
        for kind in (
            *("heading", "names", "close", "codes", "arrow", "phrasebook", "instruction"),
            *("quoted", "heading-quoted", "sentence", "json", "tabs"),
        )
    },
    **{f"{KIND} {n}": partial(few_shot, kind=KIND, fixed=n) for n in (2, 5, 14, 24)},
    f"{KIND} 5, 3 similar": partial(few_shot, kind=KIND, fixed=5, similar=3),
    f"{KIND} 8 similar": partial(few_shot, kind=KIND, fixed=0, similar=8),
    f"{KIND} 8, temperature 0.3": partial(
        few_shot, kind=KIND, fixed=8, sampling=Sampling(temperature=0.3, seed=1)
    ),
    **{
        f"{KIND} 8, {CANDIDATES} by {by}": partial(ranked, kind=KIND, fixed=8, by=by)
        for by in ("forward", "back", "both")
    },
}
