"""Parts that checkpoints of several families share: small sizes, trained tokenizers."""

from __future__ import annotations

from pathlib import Path

import sentencepiece


def small_size() -> dict[str, int]:
    return {
        "d_model": 64,
        "encoder_layers": 2,
        "decoder_layers": 2,
        "encoder_attention_heads": 4,
        "decoder_attention_heads": 4,
        "encoder_ffn_dim": 128,
        "decoder_ffn_dim": 128,
    }


def train_sentencepiece(
    texts: list[str],
    path: Path,
    vocabulary: int,
    pad_id: int,
    bos_id: int = -1,
    eos_id: int = 1,
    kind: str = "unigram",
) -> None:
    with path.open("wb") as model:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(texts),
            model_writer=model,
            model_type=kind,
            vocab_size=vocabulary,
            hard_vocab_limit=False,
            pad_id=pad_id,
            eos_id=eos_id,
            unk_id=2 if pad_id == 0 else 0,
            bos_id=bos_id,
            num_threads=1,
            minloglevel=2,
        )
