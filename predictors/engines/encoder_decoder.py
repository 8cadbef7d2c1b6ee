"""What a request asks of an encoder-decoder checkpoint, whichever engine runs it."""

from __future__ import annotations

from dataclasses import dataclass

from graph.errors import TooLarge
from predictors.checkpoints.description import CheckpointDescription
from predictors.checkpoints.generation import (
    Generation,
    apply_sampling,
    read_generation,
    settings_for,
)
from predictors.checkpoints.languages import fitting
from predictors.checkpoints.tokens import Tokens
from predictors.engine import Prompt, Sampling, Translation


@dataclass(frozen=True)
class Reader:
    """model: its name for users."""

    tokens: Tokens
    description: CheckpointDescription
    model: str

    def read(self, prompt: Prompt) -> list[str]:
        """The tokens that the encoder reads. Raises EngineError for a prompt of another kind."""
        asked = fitting(prompt, self.description.languages, self.model)
        if isinstance(asked, str) or self.description.languages is None:
            return self.tokens.encode(_text(asked))
        return self.description.languages.source(asked, self.tokens.encode_bare(asked.text))

    def source(self, prompt: Prompt) -> list[str]:
        """The same. Raises TooLarge for a prompt over the model's positions."""
        source = self.read(prompt)
        positions = self.description.positions
        if positions and len(source) > positions:
            raise TooLarge("text", f"{len(source)} tokens, the model reads at most {positions}")
        return source

    def generation(self, prompt: Prompt, sampling: Sampling) -> Generation:
        described = self.description
        settings = settings_for(_text(prompt), described.generation, described.tasks)
        generation = read_generation(settings, described.decoder_prompt_length)
        return apply_sampling(generation, sampling, described.positions or 1 << 20)

    def prefix(self, prompt: Prompt, generation: Generation) -> tuple[str, ...]:
        """What an answer begins with: the token of a language, or what the checkpoint forces."""
        if isinstance(prompt, Translation) and self.description.languages is not None:
            return (self.description.languages.token(prompt.target),)
        forced = generation.forced_bos
        return () if forced is None else (self.tokens.token(forced),)


def _text(prompt: Prompt) -> str:
    return prompt.text if isinstance(prompt, Translation) else str(prompt)
