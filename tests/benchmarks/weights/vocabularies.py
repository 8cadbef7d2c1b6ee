"""Tokenizers whose words are the most frequent English and French ones.

What random weights say with them is a row of real words of the right language, so that nothing
that judges an answer by its language, its length or its repetitions asks for it a second time.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import sentencepiece
import tokenizers
import transformers

from predictors.checkpoints.loading import load_tokenizer
from tests.checkpoints.parts import train_sentencepiece

# So many words of a language.
Words = Callable[[str, int], list[str]]
# Of the word lists; shorter words say too little of their language.
_LETTERS = 3
_SPACE = "\u2581"
# As a byte-level tokenizer writes a space.
_BYTE_SPACE = "\u0120"


def frequent_words(language: str, count: int) -> list[str]:
    """The most frequent words of a language, the most frequent first, without short ones."""
    import wordfreq

    found = []
    for word in wordfreq.top_n_list(language, 8 * count):
        if len(word) >= _LETTERS and word.isalpha() and word.isascii():
            found.append(word)
    return found[:count]


def write_sentencepiece(path: Path, known: Sequence[str], pad_id: int = -1) -> list[str]:
    """A model of SentencePiece whose pieces are the words; its pieces in the order of their ids."""
    train_sentencepiece(list(known), path, len(known) + 8, pad_id, kind="word")
    model = sentencepiece.SentencePieceProcessor(model_file=str(path))
    return [model.id_to_piece(i) for i in range(model.get_piece_size())]


def write_byte_pairs(folder: Path, known: Sequence[str], size: int) -> list[str]:
    """Blenderbot's kind of tokenizer, in `folder`; its tokens in the order of their ids."""
    tokenizer = tokenizers.ByteLevelBPETokenizer(add_prefix_space=True)
    # A word that comes often becomes one token.
    text = [" ".join(known)] * 3
    specials = ["<pad>", "<s>", "</s>", "<unk>"]
    tokenizer.train_from_iterator(
        text, vocab_size=size, min_frequency=2, special_tokens=specials, show_progress=False
    )
    tokenizer.save_model(str(folder))
    transformers.BlenderbotTokenizer.from_pretrained(folder).save_pretrained(folder)
    # With the end token after its input, which the class of transformers leaves out.
    load_tokenizer(folder).save_pretrained(folder)
    ids = json.loads((folder / "vocab.json").read_text())
    return sorted(ids, key=ids.__getitem__)


def whole_words(tokens: Sequence[str], known: Sequence[str]) -> list[int]:
    """The ids of the tokens that are a space and a word of the list."""
    wanted = {space + word for word in known for space in (_SPACE, _BYTE_SPACE)}
    return [i for i, token in enumerate(tokens) if token in wanted]
