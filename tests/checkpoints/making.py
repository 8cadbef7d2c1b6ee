"""Makes true checkpoints: real architectures, tokenizers trained on a small text, seeded weights.

There is no model hub where these tests run, so what a hub would give is made here, in the layout
that its repositories have. `train` peaks a model on a toy language, word for word, as real models
are peaked: on flat random distributions two beam searches part at the first near-tie.
"""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import sentencepiece
import tokenizers
import torch
import transformers

from predictors.models.converter import load_tokenizer

FAMILIES = ("marian", "t5", "flan-t5", "blenderbot")

_SYLLABLES = ("ba", "ce", "di", "fo", "gu", "ka", "le", "mi", "no", "pu", "ra", "se", "ti", "vo")
_PAIRS = [(f"{a}{b}", f"{b}{a}n") for a, b in zip(_SYLLABLES, reversed(_SYLLABLES), strict=True)]
PREFIX = "translate English to French: "


def sentences(count: int, seed: int, least: int = 2, most: int = 5) -> list[tuple[str, str]]:
    """Pairs of a sentence of the toy language and its translation, `least` to `most` words."""
    dice = random.Random(seed)
    pairs = []
    for _ in range(count):
        chosen = [dice.choice(_PAIRS) for _ in range(dice.randint(least, most))]
        pairs.append((" ".join(s for s, _ in chosen) + ".", " ".join(t for _, t in chosen) + "."))
    return pairs


def conversations(count: int, seed: int) -> list[tuple[str, str]]:
    """Pairs of a message and its answer: half of it goes with the first word, half with the second.

    Answers are over 20 tokens long, for that is Blenderbot's own minimum, and repeat no three
    tokens, which its settings forbid.
    """
    dice = random.Random(2)
    seen: set[tuple[str, ...]] = set()
    halves = [{source: _half(dice, seen) for source, _ in _PAIRS} for _ in range(2)]

    def answer(message: str) -> str:
        first, second = message.rstrip(".").split()[:2]
        return " ".join([*halves[0][first], *halves[1][second]]) + "."

    return [(message, answer(message)) for message, _ in sentences(count, seed)]


def _half(dice: random.Random, seen: set[tuple[str, ...]]) -> list[str]:
    """Eleven words that share no three in a row with the halves seen before."""
    while True:
        words = dice.sample([target for _, target in _PAIRS], 11)
        threes = set(zip(words, words[1:], words[2:], strict=False))
        if not threes & seen:
            seen |= threes
            return words


def pairs_of(family: str, count: int, seed: int) -> list[tuple[str, str]]:
    """Inputs and outputs of what the family is trained for; inputs as the model is given them."""
    if family == "blenderbot":
        return conversations(count, seed)
    if family == "marian":
        return sentences(count, seed)
    return [(PREFIX + source, target) for source, target in sentences(count, seed, most=3)]


def make(family: str, folder: Path, seed: int = 7, scale: float = 4.0) -> Path:
    """A checkpoint of the family in `folder`: config, generation config, safetensors, tokenizer."""
    folder.mkdir(parents=True)
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


def train(family: str, folder: Path, seed: int = 11) -> float:
    """Train the checkpoint in its folder for what its family does; the last loss."""
    steps, rate = TRAINING[family]
    torch.manual_seed(seed)
    # Small matrices: a second thread costs more than it gives.
    torch.set_num_threads(1)
    tokenizer = load_tokenizer(folder)
    model = transformers.AutoModelForSeq2SeqLM.from_pretrained(folder, use_safetensors=True)
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps)
    model.train()
    for step in range(steps):
        sources, targets = zip(*pairs_of(family, 32, seed * 10_000 + step), strict=True)
        batch = tokenizer(list(sources), return_tensors="pt", padding=True)
        labels = tokenizer(text_target=list(targets), return_tensors="pt", padding=True).input_ids
        labels[labels == tokenizer.pad_token_id] = -100
        loss = model(**batch, labels=labels).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if family == "marian":
            # Marian starts from a zero embedding; its checkpoints hold it in the padding's row,
            # which the projection shares.
            with torch.no_grad():
                model.get_input_embeddings().weight[tokenizer.pad_token_id] = 0
        optimizer.zero_grad()
    model.eval()
    model.save_pretrained(folder)
    return float(loss.detach())


# Steps and learning rate that peak each family in well under a minute of one CPU.
TRAINING = {
    "marian": (400, 3e-3),
    "t5": (700, 3e-3),
    "flan-t5": (700, 3e-3),
    "blenderbot": (800, 2e-3),
}


def task_settings(family: str, model: Any) -> dict[str, Any]:
    """The settings that a T5 checkpoint's task has for the toy language, besides its own."""
    tasks = getattr(model.config, "task_specific_params", None) or {}
    task = dict(tasks.get("translation_en_to_fr", {})) if family == "t5" else {}
    task.pop("prefix", None)
    return task


def _outweigh(model: Any, scale: float) -> None:
    """With tied embeddings a fresh model only repeats its last token: its layers outweigh it."""
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.dim() == 2 and "shared" not in name and "embed" not in name:
                weight.mul_(scale)


def _text() -> list[str]:
    pairs = sentences(2000, seed=1)
    return [f"{PREFIX}{source}" for source, _ in pairs] + [target for _, target in pairs]


def _make_marian(folder: Path) -> Any:
    for side, texts in (("source", 0), ("target", 1)):
        lines = [pair[texts] for pair in sentences(2000, seed=1)]
        _train_sentencepiece(lines, folder / f"{side}.spm", vocabulary=120, pad_id=-1)
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
        **_small(),
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


def _make_t5(folder: Path, gated: bool = False) -> Any:
    _train_sentencepiece(_text(), folder / "spiece.model", vocabulary=200, pad_id=0)
    pieces = sentencepiece.SentencePieceProcessor(model_file=str(folder / "spiece.model"))
    vocabulary = [
        (pieces.id_to_piece(i), pieces.get_score(i)) for i in range(pieces.get_piece_size())
    ]
    tokenizer = transformers.T5Tokenizer(vocab=vocabulary, extra_ids=10)
    tokenizer.save_pretrained(folder)
    config = transformers.T5Config(
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
    model = transformers.T5ForConditionalGeneration(config)
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
    tokenizer.train_from_iterator(_text(), vocab_size=400, special_tokens=specials)
    tokenizer.save_model(str(folder))
    fast = transformers.BlenderbotTokenizer.from_pretrained(folder)
    fast.save_pretrained(folder)
    config = transformers.BlenderbotConfig(
        **{"vocab_size": len(fast), **_small(), "max_position_embeddings": 128, **size},
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


def _small() -> dict[str, int]:
    return {
        "d_model": 64,
        "encoder_layers": 2,
        "decoder_layers": 2,
        "encoder_attention_heads": 4,
        "decoder_attention_heads": 4,
        "encoder_ffn_dim": 128,
        "decoder_ffn_dim": 128,
    }


def _train_sentencepiece(texts: list[str], path: Path, vocabulary: int, pad_id: int) -> None:
    with path.open("wb") as model:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(texts),
            model_writer=model,
            vocab_size=vocabulary,
            hard_vocab_limit=False,
            pad_id=pad_id,
            eos_id=1,
            unk_id=2 if pad_id == 0 else 0,
            bos_id=-1,
            num_threads=1,
            minloglevel=2,
        )


_MAKERS = {
    "marian": _make_marian,
    "t5": _make_t5,
    "flan-t5": lambda folder: _make_t5(folder, gated=True),
    "blenderbot": _make_blenderbot,
}
