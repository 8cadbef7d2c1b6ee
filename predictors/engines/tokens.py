"""Text to a checkpoint's tokens and back, from its own files, without transformers.

Most checkpoints have a `tokenizer.json`, read by the library `tokenizers`. Marian's have two
sentencepiece models and a vocabulary; they are read as transformers reads them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol

TOKENIZER_JSON = "tokenizer.json"
MARIAN_SOURCE = "source.spm"
MARIAN_VOCABULARY = "vocab.json"

# The target language of a model of several, such as >>fra<<, which is one token of its own.
_MARIAN_LANGUAGE = re.compile(r"(>>[^<]+<<)?(.*)", re.DOTALL)
_MARIAN_SPECIAL = frozenset(("</s>", "<unk>", "<pad>"))


class Tokens(Protocol):
    def encode(self, text: str) -> list[str]:
        """The tokens that the model reads, special tokens included."""
        ...

    def decode(self, tokens: Sequence[str]) -> str:
        """The text of a model's tokens, special tokens left out."""
        ...

    def token(self, index: int) -> str:
        """The token of an index, the empty text for one that is not there."""
        ...


def load_tokens(folder: Path) -> Tokens:
    """The tokenizer whose files lie in a converted folder."""
    if (folder / TOKENIZER_JSON).is_file():
        return JsonTokens(folder / TOKENIZER_JSON)
    return MarianTokens(folder)


class JsonTokens:
    """A `tokenizer.json`: the whole pipeline of normalising, splitting and special tokens."""

    def __init__(self, path: Path) -> None:
        import tokenizers

        self._tokenizer = tokenizers.Tokenizer.from_file(str(path))
        # Checkpoints may carry the padding and truncation they were trained with.
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()

    def encode(self, text: str) -> list[str]:
        return list(self._tokenizer.encode(text).tokens)

    def decode(self, tokens: Sequence[str]) -> str:
        indices = (self._tokenizer.token_to_id(token) for token in tokens)
        known = [index for index in indices if index is not None]
        return str(self._tokenizer.decode(known, skip_special_tokens=True))

    def token(self, index: int) -> str:
        return self._tokenizer.id_to_token(index) or ""


class MarianTokens:
    """Marian's sentencepiece model and vocabulary; a piece outside the vocabulary is `<unk>`."""

    def __init__(self, folder: Path) -> None:
        import sentencepiece

        self._pieces = sentencepiece.SentencePieceProcessor(model_file=str(folder / MARIAN_SOURCE))
        vocabulary: dict[str, int] = json.loads((folder / MARIAN_VOCABULARY).read_bytes())
        self._vocabulary = vocabulary
        self._by_index = {index: token for token, index in vocabulary.items()}

    def encode(self, text: str) -> list[str]:
        match = _MARIAN_LANGUAGE.fullmatch(text.strip())
        language, rest = match.groups() if match else (None, text)
        pieces: Iterable[str] = self._pieces.encode(rest, out_type=str)
        known = [piece if piece in self._vocabulary else "<unk>" for piece in pieces]
        return [*([language] if language else ()), *known, "</s>"]

    def decode(self, tokens: Sequence[str]) -> str:
        kept = (token for token in tokens if token not in _MARIAN_SPECIAL)
        return "".join(kept).replace("\u2581", " ").strip()

    def token(self, index: int) -> str:
        return self._by_index.get(index, "")
