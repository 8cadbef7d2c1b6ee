"""Checkpoints that translate between many languages: M2M100, mBART-50, NLLB."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import sentencepiece
import transformers
from transformers.convert_slow_tokenizer import generate_merges
from transformers.models.m2m_100.tokenization_m2m_100 import FAIRSEQ_LANGUAGE_CODES

from tests.checkpoints.parts import small_size, train_sentencepiece
from tests.checkpoints.toy import small_text

# Without chance in training a few hundred steps are enough.
_STEADY = {"init_std": 0.1, "dropout": 0.0, "encoder_layerdrop": 0.0, "decoder_layerdrop": 0.0}


def make_m2m100(folder: Path) -> Any:
    pieces = _train_pieces(folder / "sentencepiece.bpe.model")
    vocabulary = {p: i for i, p in enumerate(["<s>", "<pad>", "</s>", "<unk>", *pieces])}
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    languages = [f"__{code}__" for code in FAIRSEQ_LANGUAGE_CODES["m2m100"]]
    tokenizer = transformers.M2M100Tokenizer(
        str(folder / "vocab.json"),
        str(folder / "sentencepiece.bpe.model"),
        additional_special_tokens=languages,
    )
    tokenizer.save_pretrained(folder)
    rows = len(vocabulary) + len(languages) + tokenizer.num_madeup_words
    model = transformers.M2M100ForConditionalGeneration(_m2m100_config(rows))
    # The generation config of facebook/m2m100_418M.
    model.generation_config = _generation(num_beams=5, early_stopping=True)
    return model


def make_nllb(folder: Path) -> Any:
    """M2M100's layers under a tokenizer of its own; its generation config has one beam."""
    path = folder / "sentencepiece.bpe.model"
    names = _train_pieces(path, kind="bpe")
    pieces = sentencepiece.SentencePieceProcessor(model_file=str(path))
    scores = {p: pieces.get_score(pieces.piece_to_id(p)) for p in names}
    vocabulary = {p: i for i, p in enumerate(["<s>", "<pad>", "</s>", "<unk>", *names])}
    merges = generate_merges(vocabulary, scores)
    tokenizer = transformers.NllbTokenizer(vocab=vocabulary, merges=merges)
    tokenizer.save_pretrained(folder)
    # The rows of real checkpoints are rounded up too.
    model = transformers.M2M100ForConditionalGeneration(_m2m100_config(len(tokenizer) + 2))
    model.generation_config = _generation()
    return model


def make_mbart50(folder: Path) -> Any:
    path = folder / "sentencepiece.bpe.model"
    pieces = _train_pieces(path)
    model = sentencepiece.SentencePieceProcessor(model_file=str(path))
    scored = [(piece, model.get_score(model.piece_to_id(piece))) for piece in pieces]
    specials = [("<unk>", 0.0), ("<s>", 0.0), ("</s>", 0.0)]
    tokenizer = transformers.MBart50Tokenizer(vocab=[*specials, *scored])
    tokenizer.save_pretrained(folder)
    config = transformers.MBartConfig(
        vocab_size=len(tokenizer),
        **small_size(),
        **_STEADY,
        activation_function="gelu",
        max_position_embeddings=128,
        scale_embedding=True,
        pad_token_id=1,
        bos_token_id=0,
        eos_token_id=2,
        forced_eos_token_id=2,
        decoder_start_token_id=2,
    )
    mbart = transformers.MBartForConditionalGeneration(config)
    # The generation config of facebook/mbart-large-50-many-to-many-mmt.
    mbart.generation_config = _generation(num_beams=5, early_stopping=True, forced_eos_token_id=2)
    return mbart


def _train_pieces(path: Path, kind: str = "unigram") -> list[str]:
    """A sentencepiece model with the special tokens of fairseq's; its pieces without them."""
    train_sentencepiece(
        small_text(), path, vocabulary=200, pad_id=-1, bos_id=1, eos_id=2, kind=kind
    )
    model = sentencepiece.SentencePieceProcessor(model_file=str(path))
    return [model.id_to_piece(i) for i in range(3, model.get_piece_size())]


def _m2m100_config(rows: int) -> transformers.M2M100Config:
    return transformers.M2M100Config(
        vocab_size=rows,
        **small_size(),
        **_STEADY,
        activation_function="relu",
        max_position_embeddings=128,
        scale_embedding=True,
        pad_token_id=1,
        bos_token_id=0,
        eos_token_id=2,
        decoder_start_token_id=2,
    )


def _generation(**settings: Any) -> transformers.GenerationConfig:
    return transformers.GenerationConfig(
        max_length=100,
        pad_token_id=1,
        bos_token_id=0,
        eos_token_id=2,
        decoder_start_token_id=2,
        **settings,
    )
