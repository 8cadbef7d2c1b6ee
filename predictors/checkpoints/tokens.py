"""Text to a checkpoint's tokens and back, from its own files, without transformers.

Most checkpoints have a `tokenizer.json`, read by the library `tokenizers`. Marian's and M2M100's
have sentencepiece models and a vocabulary; they are read as transformers reads them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol

TOKENIZER_JSON = "tokenizer.json"
MARIAN_SOURCE = "source.spm"
MARIAN_VOCABULARY = "vocab.json"
M2M100_PIECES = "sentencepiece.bpe.model"
M2M100_VOCABULARY = "vocab.json"
# The files of each tokenizer that has no `tokenizer.json`.
SENTENCEPIECE_FILES = ((MARIAN_SOURCE, MARIAN_VOCABULARY), (M2M100_PIECES, M2M100_VOCABULARY))

# The target language of a model of several, such as >>fra<<, which is one token of its own.
_MARIAN_LANGUAGE = re.compile(r"(>>[^<]+<<)?(.*)", re.DOTALL)
_SPECIAL = frozenset(("<s>", "</s>", "<unk>", "<pad>"))


class Tokens(Protocol):
    def encode(self, text: str) -> list[str]:
        """The tokens that the model reads, special tokens included."""
        ...

    def encode_bare(self, text: str) -> list[str]:
        """The tokens of the text alone."""
        ...

    def decode(self, tokens: Sequence[str]) -> str:
        """The text of a model's tokens, special tokens left out."""
        ...

    def token(self, index: int) -> str:
        """The token of an index, the empty text for one that is not there."""
        ...

    def added_tokens(self) -> Sequence[Any]:
        """What stands beside the vocabulary: `AddedToken`s of the library tokenizers."""
        ...


def load_tokens(folder: Path) -> Tokens:
    """The tokenizer whose files lie in a converted folder."""
    if (folder / TOKENIZER_JSON).is_file():
        return JsonTokens(folder / TOKENIZER_JSON)
    if (folder / M2M100_PIECES).is_file():
        return M2M100Tokens(folder)
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

    def encode_bare(self, text: str) -> list[str]:
        return list(self._tokenizer.encode(text, add_special_tokens=False).tokens)

    def decode(self, tokens: Sequence[str]) -> str:
        indices = (self._tokenizer.token_to_id(token) for token in tokens)
        known = [index for index in indices if index is not None]
        return str(self._tokenizer.decode(known, skip_special_tokens=True))

    def token(self, index: int) -> str:
        return self._tokenizer.id_to_token(index) or ""

    def added_tokens(self) -> Sequence[Any]:
        return list(self._tokenizer.get_added_tokens_decoder().values())


class _SentencepieceTokens:
    """A sentencepiece model and a vocabulary; a piece outside the vocabulary is `<unk>`."""

    def __init__(self, pieces: Path, vocabulary: Path) -> None:
        import sentencepiece

        self._pieces = sentencepiece.SentencePieceProcessor(model_file=str(pieces))
        self._vocabulary: dict[str, int] = json.loads(vocabulary.read_bytes())
        self._by_index: dict[int, str] = {i: token for token, i in self._vocabulary.items()}

    def encode_bare(self, text: str) -> list[str]:
        pieces: Iterable[str] = self._pieces.encode(text, out_type=str)
        return [piece if piece in self._vocabulary else "<unk>" for piece in pieces]

    def decode(self, tokens: Sequence[str]) -> str:
        kept = (token for token in tokens if token not in _SPECIAL)
        return "".join(kept).replace("\u2581", " ").strip()

    def token(self, index: int) -> str:
        return self._by_index.get(index, "")

    def added_tokens(self) -> Sequence[Any]:
        return ()


class MarianTokens(_SentencepieceTokens):
    """Marian's: the source's pieces, after the token of a language where the text names one."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / MARIAN_SOURCE, folder / MARIAN_VOCABULARY)

    def encode(self, text: str) -> list[str]:
        match = _MARIAN_LANGUAGE.fullmatch(text.strip())
        language, rest = match.groups() if match else (None, text)
        return [*([language] if language else ()), *self.encode_bare(rest), "</s>"]


class M2M100Tokens(_SentencepieceTokens):
    """M2M100's: one sentencepiece model; the tokens of its languages are no pieces of a text."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / M2M100_PIECES, folder / M2M100_VOCABULARY)

    def encode(self, text: str) -> list[str]:
        return [*self.encode_bare(text), "</s>"]
