"""What a checkpoint says of itself, as one value: engines are set up from it.

It is read from the checkpoint once (`inspection`), because only transformers knows some of it. A
conversion's manifest keeps it as JSON, so that nothing needs transformers after that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from predictors.checkpoints.chat_template import ChatTemplate
from predictors.checkpoints.generation import Task, stated_max_new_tokens
from predictors.checkpoints.languages import Languages
from predictors.engine import EngineInfo


@dataclass(frozen=True)
class CheckpointDescription:
    """family: the architecture, such as blenderbot, t5 or llama.

    context: tokens that it was trained to read.  positions: tokens that it cannot go over, 0 where
    it has no such limit.  generation: entries of transformers' generation config, which is open.
    tasks: by name, where the checkpoint lists them.  languages: of a translator of many languages.
    chat_template: of a causal model that was tuned for chats.
    """

    family: str
    is_encoder_decoder: bool
    context: int
    positions: int = 0
    generation: Mapping[str, Any] = field(default_factory=dict)
    tasks: Mapping[str, Task] = field(default_factory=dict)
    languages: Languages | None = None
    chat_template: ChatTemplate | None = None

    @property
    def decoder_prompt_length(self) -> int:
        """Tokens that lengths of the generation config count before the answer.

        An encoder-decoder's answer follows its start token.
        """
        return 1 if self.is_encoder_decoder else 0

    def engine_info(self, model: str, context: int, device: str) -> EngineInfo:
        """What an engine that has loaded the checkpoint says of it."""
        return EngineInfo(
            model,
            context,
            family=self.family,
            is_encoder_decoder=self.is_encoder_decoder,
            has_chat_template=self.chat_template is not None,
            device=device,
            max_new_tokens=stated_max_new_tokens(self.generation, self.decoder_prompt_length),
            tasks={name: task.prefix for name, task in self.tasks.items()},
            languages=self.languages.codes if self.languages else (),
        )


class DescriptionError(ValueError):
    """The JSON is no description; the message names the field."""


def description_from_json(value: object) -> CheckpointDescription:
    """The description whose `asdict` was written as JSON. Raises DescriptionError."""
    fields = _Fields(value, "model")
    return CheckpointDescription(
        family=fields.take("family", str),
        is_encoder_decoder=fields.take("is_encoder_decoder", bool),
        context=fields.take("context", int),
        positions=fields.take("positions", int),
        generation=fields.take("generation", dict),
        tasks={name: _task(task) for name, task in fields.each("tasks").items()},
        languages=_languages(fields.inner("languages")),
        chat_template=_chat_template(fields.inner("chat_template")),
    )


def _task(fields: _Fields) -> Task:
    return Task(fields.take("prefix", str), fields.take("settings", dict))


def _languages(fields: _Fields | None) -> Languages | None:
    if fields is None:
        return None
    before, after = fields.texts("before"), fields.texts("after")
    return Languages(fields.named_texts("tokens"), before, after)


def _chat_template(fields: _Fields | None) -> ChatTemplate | None:
    if fields is None:
        return None
    return ChatTemplate(fields.take("source", str), fields.named_texts("special_tokens"))


class _Fields:
    """The fields of a JSON object, taken one by one, each of the type that it must have."""

    def __init__(self, value: object, place: str) -> None:
        if not isinstance(value, dict):
            raise DescriptionError(f"{place}: not an object")
        self._value = value
        self._place = place

    def take(self, name: str, kind: type) -> Any:
        found = self._value.get(name)
        # In Python a bool is an int too, in JSON it is not.
        if not isinstance(found, kind) or (kind is int and isinstance(found, bool)):
            raise DescriptionError(f"{self._place}.{name}: not of type {kind.__name__}")
        return found

    def inner(self, name: str) -> _Fields | None:
        """The fields of an object inside; None where there is null."""
        if name not in self._value:
            raise DescriptionError(f"{self._place}.{name}: missing")
        found = self._value[name]
        return None if found is None else _Fields(found, f"{self._place}.{name}")

    def each(self, name: str) -> dict[str, _Fields]:
        """The objects inside an object, by their names."""
        place = f"{self._place}.{name}"
        return {key: _Fields(v, f"{place}.{key}") for key, v in self.take(name, dict).items()}

    def texts(self, name: str) -> tuple[str, ...]:
        found = self.take(name, list)
        return tuple(self._text(text, name) for text in found)

    def named_texts(self, name: str) -> dict[str, str]:
        found = self.take(name, dict)
        return {key: self._text(text, name) for key, text in found.items()}

    def _text(self, value: object, name: str) -> str:
        if not isinstance(value, str):
            raise DescriptionError(f"{self._place}.{name}: holds something that is not a text")
        return value
