"""Loaders for ctranslate2's converter where its own are absent or wrong.

Blenderbot has none. It is BART with the layer norms before the sublayers, none after the embeddings
and one at the end of each stack (Roller et al., "Recipes for building an open-domain chatbot",
2020); layer names and positions are BART's. T5's reads from `tie_word_embeddings` whether the
outputs are scaled, which transformers 5 sets for every T5 and MT5: a Flan-T5 would be scaled, and
an MT5, which never is; greedy search does not notice that, beams do. M2M100's loses the languages'
tokens, which transformers 5 no longer lists as it did, and mBART's reads settings that a checkpoint
need not have. Only `convert` imports this module: it needs torch.
"""

from __future__ import annotations

from typing import Any

from ctranslate2.converters import transformers as converters
from ctranslate2.specs import model_spec


class BlenderbotLoader(converters.BartLoader):  # type: ignore[misc]
    """Weights of a BlenderbotForConditionalGeneration as a ctranslate2 specification."""

    @property
    def architecture_name(self) -> str:
        return "BlenderbotForConditionalGeneration"

    def get_model_spec(self, model: Any) -> Any:
        model.config.normalize_before = True
        model.config.normalize_embedding = False
        return super().get_model_spec(model)

    def get_vocabulary(self, model: Any, tokenizer: Any) -> list[str]:
        return tokens_by_row(model, tokenizer)


class M2M100Loader(converters.M2M100Loader):  # type: ignore[misc]
    """M2M100 and NLLB, with the tokens of all their languages."""

    def get_vocabulary(self, model: Any, tokenizer: Any) -> list[str]:
        return tokens_by_row(model, tokenizer)


class MBartLoader(converters.MBartLoader):  # type: ignore[misc]
    """mBART-50: norms as transformers lays them out, whatever the config says of them."""

    def get_model_spec(self, model: Any) -> Any:
        model.config.normalize_before = True
        model.config.normalize_embedding = True
        return super().get_model_spec(model)

    def get_vocabulary(self, model: Any, tokenizer: Any) -> list[str]:
        return tokens_by_row(model, tokenizer)

    def set_config(self, config: Any, model: Any, tokenizer: Any) -> None:
        converters.BartLoader.set_config(self, config, model, tokenizer)
        config.bos_token = tokenizer.bos_token or tokenizer.cls_token


class T5Loader(converters.T5Loader):  # type: ignore[misc]
    """Scales the outputs where transformers does."""

    def get_model_spec(self, model: Any) -> Any:
        spec = super().get_model_spec(model)
        if not getattr(model.config, "scale_decoder_outputs", False):
            spec.decoder.scale_outputs = model_spec.OPTIONAL
        return spec


class MT5Loader(T5Loader):
    """The same layers under another name; its config knows no scale, so there is none."""

    @property
    def architecture_name(self) -> str:
        return "MT5ForConditionalGeneration"


def tokens_by_row(model: Any, tokenizer: Any) -> list[str]:
    """One token per row of the embedding, also where the checkpoint rounds its size up."""
    unknown = tokenizer.unk_token_id
    tokens = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
    rows = []
    for row in range(model.config.vocab_size):
        token = str((tokens[row] if row < len(tokens) else None) or tokenizer.unk_token)
        is_there = row == unknown or token != tokenizer.unk_token
        rows.append(token if is_there else f"<unused_{row}>")
    return rows


def register() -> None:
    """Put the loaders into the converter's table."""
    converters.register_loader("BlenderbotConfig")(BlenderbotLoader)
    converters.register_loader("M2M100Config")(M2M100Loader)
    converters.register_loader("MBartConfig")(MBartLoader)
    converters.register_loader("T5Config")(T5Loader)
    converters.register_loader("MT5Config")(MT5Loader)
