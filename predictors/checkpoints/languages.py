"""How a translator of many languages is told from which into which it translates.

M2M100, NLLB and mBART-50 read a token of the source's language beside the text, and their answer
begins with the token of the target's. Which tokens, and where, is written down when a checkpoint is
described, because only its tokenizer in transformers knows it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from graph.errors import EngineError
from predictors.engine import Prompt, Translation

# Stands for the token of the source's language.
LANGUAGE = "{language}"


@dataclass(frozen=True)
class Languages:
    """tokens: by the checkpoint's own codes.  before, after: tokens that frame a source."""

    tokens: Mapping[str, str]
    before: tuple[str, ...]
    after: tuple[str, ...]

    @property
    def codes(self) -> tuple[str, ...]:
        return tuple(sorted(self.tokens))

    def source(self, prompt: Translation, pieces: Sequence[str]) -> list[str]:
        """What the model reads, from the tokens of the bare text. Raises EngineError."""
        token = self.token(prompt.source)

        def named(tokens: Sequence[str]) -> list[str]:
            return [token if each == LANGUAGE else each for each in tokens]

        return [*named(self.before), *pieces, *named(self.after)]

    def token(self, code: str) -> str:
        try:
            return self.tokens[code]
        except KeyError as err:
            raise EngineError(f"language {code}: the model has {', '.join(self.codes)}") from err


def fitting(prompt: Prompt, languages: Languages | None, model: str) -> str | Translation:
    """The prompt, if it is one for an encoder-decoder of this kind. Raises EngineError."""
    if isinstance(prompt, tuple):
        raise EngineError(f"{model}: takes a text, not messages: it has no chat template")
    if isinstance(prompt, Translation) and languages is None:
        raise EngineError(f"{model}: is told no languages, so it takes a text")
    if isinstance(prompt, str) and languages is not None:
        raise EngineError(f"{model}: must be told from which language into which")
    return prompt
