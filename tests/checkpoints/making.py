"""Makes true checkpoints: real architectures, tokenizers trained on a small text, seeded weights.

There is no model hub where these tests run, so what a hub would give is made here, in the layout
that its repositories have.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import sentencepiece
import tokenizers
import torch
import transformers

from tests.checkpoints.causal import make_gpt2, make_llama, make_qwen2
from tests.checkpoints.multilingual import make_m2m100, make_mbart50, make_nllb
from tests.checkpoints.parts import small_size, train_sentencepiece
from tests.checkpoints.toy import PREFIX, sentences, small_text

FAMILIES = ("marian", "t5", "flan-t5", "mt5", "blenderbot", "m2m100", "mbart50", "nllb")


def make(family: str, folder: Path, seed: int = 7, scale: float = 4.0) -> Path:
    """A checkpoint of the family in `folder`: config, generation config, safetensors, tokenizer."""
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(seed)
    model = _MAKERS[family](folder)
    _outweigh(model, scale)
    model.eval()
    model.save_pretrained(folder)
    return folder


def make_full_size_blenderbot(folder: Path) -> Path:
    """The sizes of facebook/blenderbot-400M-distill's config; 365 million random weights."""
    folder.mkdir(parents=True)
    torch.manual_seed(7)
    model = _make_blenderbot(
        folder,
        vocab_size=8008,
        d_model=1280,
        encoder_layers=2,
        decoder_layers=12,
        encoder_attention_heads=32,
        decoder_attention_heads=32,
        encoder_ffn_dim=5120,
        decoder_ffn_dim=5120,
    )
    _outweigh(model, 2.0)
    model.save_pretrained(folder)
    return folder


def _outweigh(model: Any, scale: float) -> None:
    """With tied embeddings a fresh model only repeats its last token: its layers outweigh it."""
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.dim() == 2 and "shared" not in name and "embed" not in name:
                weight.mul_(scale)


def _make_marian(folder: Path) -> Any:
    for side, texts in (("source", 0), ("target", 1)):
        lines = [pair[texts] for pair in sentences(2000, seed=1)]
        train_sentencepiece(lines, folder / f"{side}.spm", vocabulary=120, pad_id=-1)
    pieces = ["</s>", "<unk>"]
    for side in ("source", "target"):
        model = sentencepiece.SentencePieceProcessor(model_file=str(folder / f"{side}.spm"))
        pieces += [model.id_to_piece(i) for i in range(model.get_piece_size())]
    pieces = list(dict.fromkeys(p for p in pieces if p != "<s>"))
    vocabulary = {piece: i for i, piece in enumerate([*pieces, "<pad>"])}
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    tokenizer = {"tokenizer_class": "MarianTokenizer", "source_lang": "en", "target_lang": "fr"}
    (folder / "tokenizer_config.json").write_text(json.dumps(tokenizer))
    pad = vocabulary["<pad>"]
    config = transformers.MarianConfig(
        vocab_size=len(vocabulary),
        **small_size(),
        activation_function="swish",
        scale_embedding=True,
        max_position_embeddings=128,
        pad_token_id=pad,
        eos_token_id=0,
        bos_token_id=0,
        forced_eos_token_id=0,
        decoder_start_token_id=pad,
    )
    model = transformers.MarianMTModel(config)
    model.generation_config = transformers.GenerationConfig(
        num_beams=4,
        max_length=64,
        bad_words_ids=[[pad]],
        pad_token_id=pad,
        eos_token_id=0,
        forced_eos_token_id=0,
        decoder_start_token_id=pad,
    )
    return model


def _make_t5(folder: Path, gated: bool = False, kind: str = "T5") -> Any:
    train_sentencepiece(small_text(), folder / "spiece.model", vocabulary=200, pad_id=0)
    pieces = sentencepiece.SentencePieceProcessor(model_file=str(folder / "spiece.model"))
    vocabulary = [
        (pieces.id_to_piece(i), pieces.get_score(i)) for i in range(pieces.get_piece_size())
    ]
    tokenizer = transformers.T5Tokenizer(vocab=vocabulary, extra_ids=10)
    tokenizer.save_pretrained(folder)
    config = getattr(transformers, f"{kind}Config")(
        # Real checkpoints round the vocabulary up, past the tokenizer's last token.
        vocab_size=len(tokenizer) + 6,
        d_model=64,
        d_kv=16,
        d_ff=128,
        num_layers=2,
        num_heads=4,
        feed_forward_proj="gated-gelu" if gated else "relu",
        tie_word_embeddings=not gated,
        decoder_start_token_id=0,
        initializer_factor=1.0,
    )
    config.task_specific_params = {} if gated else _t5_tasks()
    model = getattr(transformers, f"{kind}ForConditionalGeneration")(config)
    model.generation_config = transformers.GenerationConfig(
        decoder_start_token_id=0, eos_token_id=1, pad_token_id=0
    )
    return model


def _t5_tasks() -> dict[str, dict[str, Any]]:
    task = {"early_stopping": True, "max_length": 64, "num_beams": 4, "prefix": PREFIX}
    return {"translation_en_to_fr": task}


def _make_blenderbot(folder: Path, **size: Any) -> Any:
    tokenizer = tokenizers.ByteLevelBPETokenizer(add_prefix_space=True)
    specials = ["<pad>", "<s>", "</s>", "<unk>"]
    tokenizer.train_from_iterator(small_text(), vocab_size=400, special_tokens=specials)
    tokenizer.save_model(str(folder))
    fast = transformers.BlenderbotTokenizer.from_pretrained(folder)
    fast.save_pretrained(folder)
    config = transformers.BlenderbotConfig(
        **{"vocab_size": len(fast), **small_size(), "max_position_embeddings": 128, **size},
        activation_function="gelu",
        scale_embedding=True,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
        forced_eos_token_id=2,
        decoder_start_token_id=1,
    )
    model = transformers.BlenderbotForConditionalGeneration(config)
    # The generation config of facebook/blenderbot-400M-distill.
    model.generation_config = transformers.GenerationConfig(
        num_beams=10,
        length_penalty=0.65,
        min_length=20,
        max_length=60,
        no_repeat_ngram_size=3,
        encoder_no_repeat_ngram_size=3,
        forced_eos_token_id=2,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
        decoder_start_token_id=1,
    )
    return model


_MAKERS = {
    "marian": _make_marian,
    "t5": _make_t5,
    "flan-t5": lambda folder: _make_t5(folder, gated=True),
    "mt5": lambda folder: _make_t5(folder, gated=True, kind="MT5"),
    "blenderbot": _make_blenderbot,
    "m2m100": make_m2m100,
    "mbart50": make_mbart50,
    "nllb": make_nllb,
    "llama": make_llama,
    "qwen2": make_qwen2,
    "gpt2": make_gpt2,
}
