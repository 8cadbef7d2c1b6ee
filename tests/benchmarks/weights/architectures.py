"""The three reference architectures with random weights: Marian, Blenderbot and T5.

Sizes are those of Helsinki-NLP/opus-mt-fr-en, facebook/blenderbot-400M-distill and t5-small, or
tiny ones of the same kinds.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers

from tests.benchmarks.weights import vocabularies
from tests.benchmarks.weights.random_weights import enliven, keep_apart, say_only
from tests.benchmarks.weights.searches import LENGTHS, OWN_SETTINGS, PREFIX, settings_of
from tests.benchmarks.weights.vocabularies import Words


@dataclass(frozen=True)
class Size:
    """words: English and French ones each.  Else as in the configs of transformers.

    blenderbot, marian: tokens of their vocabularies.
    """

    words: int
    blenderbot: int
    marian: int
    width: int
    layers: int
    heads: int
    chat_width: int
    chat_layers: int
    chat_heads: int


SIZES = {
    "full": Size(3000, 8008, 59_514, 512, 6, 8, 1280, 12, 32),
    "tiny": Size(300, 900, 1_200, 64, 2, 4, 64, 2, 4),
}


def make(family: str, folder: Path, size: Size, seed: int, words: Words) -> None:
    """The checkpoint of a family in a new folder, without its settings of generation.

    words: those that it knows, of "en" and "fr".
    """
    folder.mkdir(parents=True)
    torch.manual_seed(seed)
    model = _MAKERS[family](folder, size, words)
    model.generation_config = transformers.GenerationConfig(**_special(model.config))
    model.eval().save_pretrained(folder)


def set_search(folder: Path, family: str, search: str) -> None:
    """Write how a checkpoint searches; that of T5 stands in the config of its task as well."""
    path = folder / "generation_config.json"
    old = {k: v for k, v in json.loads(path.read_text()).items() if k not in OWN_SETTINGS}
    path.write_text(json.dumps({**old, **settings_of(family, search)}, indent=2))
    path = folder / "config.json"
    config = json.loads(path.read_text())
    for task in config.get("task_specific_params") or {}:
        settings = {"prefix": PREFIX, **settings_of(family, search)}
        config["task_specific_params"][task] = settings
    path.write_text(json.dumps(config, indent=2))


def _special(config: Any) -> dict[str, Any]:
    names = ("pad_token_id", "bos_token_id", "eos_token_id", "decoder_start_token_id")
    ids = {name: getattr(config, name, None) for name in names}
    if forced := getattr(config, "forced_eos_token_id", None):
        ids["forced_eos_token_id"] = forced
    if config.model_type == "marian":
        ids |= {"forced_eos_token_id": 0, "bad_words_ids": [[config.pad_token_id]]}
    return {name: value for name, value in ids.items() if value is not None}


def _make_marian(folder: Path, size: Size, words: Words) -> Any:
    sides = {"source": "fr", "target": "en"}
    pieces = ["</s>", "<unk>"]
    for side, language in sides.items():
        known = words(language, size.words)
        pieces += vocabularies.write_sentencepiece(folder / f"{side}.spm", known)
    pieces = list(dict.fromkeys(pieces))
    pieces += [f"unused{i}" for i in range(size.marian - 1 - len(pieces))]
    vocabulary = {piece: i for i, piece in enumerate([*pieces, "<pad>"])}
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    tokenizer = {"tokenizer_class": "MarianTokenizer", "source_lang": "fr", "target_lang": "en"}
    (folder / "tokenizer_config.json").write_text(json.dumps(tokenizer))
    pad = vocabulary["<pad>"]
    config = transformers.MarianConfig(
        vocab_size=len(vocabulary),
        **_layers(size.width, size.layers, size.layers, size.heads),
        activation_function="swish",
        scale_embedding=True,
        max_position_embeddings=512,
        pad_token_id=pad,
        eos_token_id=0,
        bos_token_id=0,
        forced_eos_token_id=0,
        decoder_start_token_id=pad,
    )
    model = transformers.MarianMTModel(config)
    enliven(model)
    say_only(model, vocabularies.whole_words(pieces, words("en", size.words)))
    return model


def _make_blenderbot(folder: Path, size: Size, words: Words) -> Any:
    tokens = vocabularies.write_byte_pairs(folder, words("en", size.words), size.blenderbot)
    config = transformers.BlenderbotConfig(
        vocab_size=size.blenderbot,
        **_layers(size.chat_width, 2, size.chat_layers, size.chat_heads),
        max_position_embeddings=128,
        activation_function="gelu",
        scale_embedding=True,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
        forced_eos_token_id=2,
        decoder_start_token_id=1,
    )
    model = transformers.BlenderbotForConditionalGeneration(config)
    enliven(model)
    say_only(model, vocabularies.whole_words(tokens, words("en", size.words)))
    return model


def _make_t5(folder: Path, size: Size, words: Words) -> Any:
    known = [*words("fr", size.words), *words("en", size.words)]
    task = PREFIX.split()
    known = list(dict.fromkeys([*known, *task]))
    path = folder / "spiece.model"
    pieces = vocabularies.write_sentencepiece(path, known, pad_id=0)
    scored = _scores(path)
    transformers.T5Tokenizer(vocab=scored, extra_ids=100).save_pretrained(folder)
    config = transformers.T5Config(
        # Real checkpoints round the vocabulary up, past the tokenizer's last token.
        vocab_size=32_128 if size.width == 512 else len(pieces) + 128,
        d_model=size.width,
        d_kv=size.width // size.heads,
        d_ff=4 * size.width,
        num_layers=size.layers,
        num_heads=size.heads,
        feed_forward_proj="relu",
        decoder_start_token_id=0,
    )
    config.task_specific_params = {"translation_en_to_fr": {"prefix": PREFIX}}
    model = transformers.T5ForConditionalGeneration(config)
    enliven(model)
    french = set(words("fr", size.words)) - set(words("en", size.words)) - set(task)
    keep_apart(model, vocabularies.whole_words(pieces, sorted(french)))
    return model


def _scores(path: Path) -> list[tuple[str, float]]:
    import sentencepiece

    model = sentencepiece.SentencePieceProcessor(model_file=str(path))
    return [(model.id_to_piece(i), model.get_score(i)) for i in range(model.get_piece_size())]


def _layers(width: int, encoder: int, decoder: int, heads: int) -> dict[str, int]:
    return {
        "d_model": width,
        "encoder_layers": encoder,
        "decoder_layers": decoder,
        "encoder_attention_heads": heads,
        "decoder_attention_heads": heads,
        "encoder_ffn_dim": 4 * width,
        "decoder_ffn_dim": 4 * width,
    }


_MAKERS = {"marian": _make_marian, "blenderbot": _make_blenderbot, "t5": _make_t5}
FAMILIES = tuple(LENGTHS)
