"""`python -m tests.predictors.chat.measure`: the table of the chat's README, in four steps.

`answers` translates the French and Italian messages to English once, as the shipped translator
does, lets the chat answer all of them in every setting, and writes data/answers.tsv. `sheet` writes
data/scores.tsv: every different answer once, those to one message together, in a shuffled order
that hides the setting. A person reads it and writes a score before each line: 2 for an answer
that fits the message, 1 for one that fits in part or says something odd or wrong, 0 for one that
does not. `table` joins the scores with the settings and counts the rest: short is up to 30 words,
whole ends as a sentence does, and English is what the detector takes for English. `back` translates
the answers to the first French and Italian messages into their languages, for the settings that are
named, and writes data/back.tsv with a place for a score before each: 2 for a translation that says
the same, 1 for one with a wrong word or form, 0 for another meaning.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import os
import random
import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from predictors.chat.examples import EXAMPLE_TURNS
from predictors.chat.model import Chat
from predictors.chat.prompt import ChatTemplatePrompt
from predictors.detector.recogniser import Recogniser
from predictors.engine import Engine, Sampling
from predictors.engines.factory import choose_engine
from predictors.settings import ModelSettings, read_settings
from predictors.translator.__main__ import build as build_translator

PROG = "measure"
DATA = Path(__file__).parent / "data"
ENGLISH, ANSWERS, SCORES, BACK = (
    DATA / f"{n}.tsv" for n in ("english", "answers", "scores", "back")
)
HELPFUL = "You are a helpful AI assistant. Give short answers in plain English."
FRIENDLY = "You are a friendly chat partner."
BRIEF = "You are a friendly chat partner. Answer in one or two short sentences."
SHORT_WORDS = 30
SLOTS = 4
_WHOLE = re.compile(r"[.!?…][\"')\]]*$")


@dataclass(frozen=True)
class Setting:
    """A way to run the chat. examples: how many of the built-in example turns it sees."""

    name: str
    system_prompt: str
    examples: int
    repetition_penalty: float
    max_tokens: int


SETTINGS = (
    Setting("helpful", HELPFUL, 0, 1.05, 128),
    Setting("friendly", FRIENDLY, 0, 1.0, 64),
    Setting("friendly, brief", BRIEF, 0, 1.05, 64),
    Setting("8 examples", FRIENDLY, 8, 1.03, 64),
    Setting("18 examples", FRIENDLY, 18, 1.03, 64),
    Setting("18 examples, brief", BRIEF, 18, 1.05, 64),
)


@dataclass(frozen=True)
class Answer:
    """talk: the conversation's number, or 0 for a first message.  before: what was said until then,
    the English texts joined by ` | `."""

    setting: str
    talk: int
    language: str
    before: str
    message: str
    answer: str

    @property
    def key(self) -> tuple[str, str, str]:
        return self.before, self.message, self.answer


def read_rows(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [row for row in rows if row and not row[0].startswith("#")]


def write_rows(path: Path, head: str, rows: Sequence[Sequence[object]]) -> None:
    lines = ("\t".join(_one_line(str(value)) for value in row) for row in rows)
    path.write_text("\n".join([f"# {head}", *lines, ""]), encoding="utf-8")


def load_talks() -> list[tuple[int, str, list[str]]]:
    """Number, language and messages of each conversation; the first messages have number 0."""
    talks = [(0, language, [text]) for language, text in read_rows(DATA / "openings.tsv")]
    grouped: dict[tuple[int, str], list[str]] = defaultdict(list)
    for number, language, text in read_rows(DATA / "talks.tsv"):
        grouped[int(number), language].append(text)
    return talks + [(number, language, texts) for (number, language), texts in grouped.items()]


def load_answers() -> list[Answer]:
    return [Answer(row[0], int(row[1]), *row[2:]) for row in read_rows(ANSWERS)]


async def translate_messages() -> dict[str, str]:
    """English by message, from the file where it was translated before."""
    if ENGLISH.exists():
        return dict(read_rows(ENGLISH))
    english: dict[str, str] = {}
    for language in ("fr", "it"):
        texts = {text for _, code, talk in load_talks() if code == language for text in talk}
        english |= await translate(language, "en", sorted(texts))
    write_rows(ENGLISH, "a message, and its translation by the embedded model", [*english.items()])
    return english


async def translate(source: str, target: str, texts: Sequence[str]) -> dict[str, str]:
    options = {"model_name": "t", "model": "embedded:gemma3-270m", "threads": 1, "parallel": 1}
    options |= {"source": source, "target": target}
    argv = [f"--{name}={value}" for name, value in options.items()]
    translator, _ = build_translator(argv, os.environ)
    translator.load()
    try:
        predictions = await translator.predict([{"user_input": text} for text in texts])
        return {p["user_input"]: p["user_input_en"] for p in predictions}
    finally:
        translator.close()


async def answer_all(engine: Engine, english: dict[str, str], names: Sequence[str]) -> None:
    answers = [a for a in load_answers() if a.setting not in names] if ANSWERS.exists() else []
    for setting in SETTINGS:
        if setting.name not in names:
            continue
        print(setting.name, file=sys.stderr)
        sampling = Sampling(
            max_tokens=setting.max_tokens,
            temperature=0.0,
            repetition_penalty=setting.repetition_penalty,
        )
        examples = EXAMPLE_TURNS[: setting.examples]
        prompt = ChatTemplatePrompt(setting.system_prompt, examples)
        chat = Chat("chat", engine, prompt, sampling)
        talks = load_talks()
        # As many at a time as the engine has slots, each of which keeps what it has read.
        limit = asyncio.Semaphore(SLOTS)
        held = await asyncio.gather(*(hold(chat, english, talk[2], limit) for talk in talks))
        for (number, language, _), turns in zip(talks, held, strict=True):
            answers += [Answer(setting.name, number, language, *turn) for turn in turns]
        rows = [(a.setting, a.talk, a.language, *a.key) for a in answers]
        write_rows(ANSWERS, "setting, talk, language, before, message, answer", rows)


async def hold(
    chat: Chat, english: dict[str, str], texts: Sequence[str], limit: asyncio.Semaphore
) -> list[tuple[str, str, str]]:
    """A conversation in English: for each message what was said before, the message, the answer."""
    history: list[str] = []
    turns = []
    async with limit:
        for text in texts:
            message = english.get(text, text)
            [said] = await chat.predict([{"user_input": message, "history": history}])
            turns.append((_one_line(" | ".join(history)), message, _one_line(said["response"])))
            history = said["history"]
    return turns


def write_sheet(seed: int) -> None:
    """Scores that are there already stay."""
    scored = {tuple(row[1:]): row[0] for row in read_rows(SCORES)} if SCORES.exists() else {}
    groups: dict[tuple[int, str], dict[tuple[str, str, str], None]] = defaultdict(dict)
    for answer in load_answers():
        last = answer.message if answer.talk == 0 else ""
        groups[answer.talk, last][answer.key] = None
    rows = []
    order = random.Random(seed)
    for group in groups.values():
        keys = list(group)
        order.shuffle(keys)
        rows += [(scored.get(key, "?"), *key) for key in keys]
    write_rows(SCORES, "score, before, message, answer", rows)


async def translate_back(names: Sequence[str]) -> None:
    """A shuffled sheet, so that the setting does not show."""
    rows = []
    for language in ("fr", "it"):
        mine = [a for a in load_answers() if a.language == language and not a.talk]
        texts = sorted({a.answer for a in mine if a.setting in names})
        rows += [("?", *row) for row in (await translate("en", language, texts)).items()]
    random.Random(1).shuffle(rows)
    write_rows(BACK, "score, answer, its translation", rows)


def print_table() -> None:
    scores = {tuple(row[1:]): row[0] for row in read_rows(SCORES)}
    answers = load_answers()
    recogniser = Recogniser(("de", "en", "es", "fr", "it"), "en")
    print("| setting | first messages | conversations | all | short | whole | English |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for setting in dict.fromkeys(answer.setting for answer in answers):
        mine = [answer for answer in answers if answer.setting == setting]
        parts = [[a for a in mine if a.talk == 0], [a for a in mine if a.talk], mine]
        figures = [_mean(int(scores[a.key]) / 2 for a in part) for part in parts]
        counted = [
            _mean(len(a.answer.split()) <= SHORT_WORDS for a in mine),
            _mean(bool(_WHOLE.search(a.answer)) for a in mine),
            _mean(recogniser.recognise(a.answer, None).language == "en" for a in mine),
        ]
        print(f"| {setting} | " + " | ".join(f"{f:.0%}" for f in figures + counted) + " |")
    if BACK.exists():
        print_back(answers)


def print_back(answers: Sequence[Answer]) -> None:
    back = {row[1]: row[0] for row in read_rows(BACK)}
    for setting in dict.fromkeys(answer.setting for answer in answers):
        mine = [
            a.answer for a in answers if a.setting == setting and not a.talk and a.language != "en"
        ]
        if all(answer in back for answer in mine):
            print(f"{setting}, translated: {_mean(int(back[answer]) / 2 for answer in mine):.0%}")


def _mean(values: Iterator[float]) -> float:
    found = list(values)
    return sum(found) / len(found)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog=PROG)
    parser.add_argument("step", choices=("answers", "sheet", "table", "back"))
    parser.add_argument("--settings", nargs="*", default=[setting.name for setting in SETTINGS])
    parser.add_argument("--threads", default="1")
    parser.add_argument("--seed", type=int, default=1, help="of the sheet's order")
    options = parser.parse_args(argv)
    if options.step == "sheet":
        write_sheet(options.seed)
    elif options.step == "table":
        print_table()
    elif options.step == "back":
        asyncio.run(translate_back(options.settings))
    else:
        model = [
            "--model_name=chat",
            "--model=embedded:smollm2-135m-instruct",
            f"--parallel={SLOTS}",
        ]
        model += [f"--threads={options.threads}"]
        settings = read_settings(ModelSettings, model, os.environ, PROG, "")
        english = asyncio.run(translate_messages())
        engine = choose_engine(settings, os.environ, context=4096)
        engine.load()
        try:
            asyncio.run(answer_all(engine, english, options.settings))
        finally:
            engine.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
