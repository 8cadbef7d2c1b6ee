"""What a checkpoint in transformers reads: prompts as token ids, and batches of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graph.errors import EngineError
from predictors.checkpoints.description import CheckpointDescription
from predictors.checkpoints.languages import fitting
from predictors.checkpoints.special_tokens import SpecialTokens, read_special_tokens
from predictors.engine import Message, Prompt, without_languages


class Inputs:
    """tokenizer: transformers'.  description: of its checkpoint.  model: the name for users."""

    def __init__(self, tokenizer: Any, description: CheckpointDescription, model: str) -> None:
        self._tokenizer = tokenizer
        self._languages = description.languages
        self._seq2seq = description.is_encoder_decoder
        self._special_tokens: SpecialTokens | None = None
        if (template := description.chat_template) is not None:
            added = tokenizer.added_tokens_decoder.values()
            self._special_tokens = read_special_tokens(added, template.source)
        self._model = model

    def ids(self, prompt: Prompt) -> list[int]:
        """At least one. Raises EngineError for a prompt that the model cannot read."""
        ids = self._of_encoder(prompt) if self._seq2seq else self._of_decoder(prompt)
        if not ids:
            raise EngineError(f"{self._model}: cannot go on from an empty text")
        return ids

    def padded(self, rows: Sequence[Sequence[int]]) -> dict[str, Any]:
        """A batch; a causal model goes on from the right end, so it is padded on the left."""
        import torch

        width = max(map(len, rows))
        # Any token will do: the mask says what is padding.
        pad = self._tokenizer.pad_token_id or 0
        ids = torch.full((len(rows), width), pad)
        mask = torch.zeros((len(rows), width), dtype=torch.long)
        for i, row in enumerate(rows):
            place = slice(0, len(row)) if self._seq2seq else slice(width - len(row), width)
            ids[i, place] = torch.tensor(row)
            mask[i, place] = 1
        return {"input_ids": ids, "attention_mask": mask}

    def _of_encoder(self, prompt: Prompt) -> list[int]:
        asked = fitting(prompt, self._languages, self._model)
        if isinstance(asked, str) or self._languages is None:
            return self._encode(asked)
        pieces = self._tokenizer.convert_ids_to_tokens(self._encode(asked.text, special=False))
        framed = self._languages.source(asked, pieces)
        return list(self._tokenizer.convert_tokens_to_ids(framed))

    def _of_decoder(self, prompt: Prompt) -> list[int]:
        told = without_languages(prompt, self._model)
        if isinstance(told, str):
            return self._encode(told)
        # A chat template writes its own special tokens.
        return self._encode(self._written(told), special=False)

    def _encode(self, text: Any, special: bool = True) -> list[int]:
        return list(self._tokenizer(text, add_special_tokens=special)["input_ids"])

    def _written(self, messages: Sequence[Message]) -> str:
        if self._special_tokens is None:
            raise EngineError(f"{self._model}: takes a text, it has no chat template")
        from jinja2 import TemplateError

        plain = self._special_tokens.as_plain_messages(messages)
        chat = [{"role": message.role, "content": message.content} for message in plain]
        options = {"tokenize": False, "add_generation_prompt": True}
        try:
            return str(self._tokenizer.apply_chat_template(chat, **options))
        except TemplateError as err:
            raise EngineError(f"{self._model}: its chat template refuses this: {err}") from err
