"""Loaders for ctranslate2's converter where its own are absent or wrong.

Blenderbot has none. It is BART with the layer norms before the sublayers, none after the embeddings
and one at the end of each stack (Roller et al., "Recipes for building an open-domain chatbot",
2020); layer names and positions are BART's. T5's reads from `tie_word_embeddings` whether the
outputs are scaled, which transformers 5 sets for every T5: a Flan-T5 would be scaled, which greedy
search does not notice and beams do. Only `convert` imports this module: it needs torch.
"""

from __future__ import annotations

from typing import Any

from ctranslate2.converters import transformers as converters
from ctranslate2.specs import model_spec

# Goes into the name of a conversion: a loader that is mended makes a new one.
VERSION = "2"


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
        """One token per row of the embedding, also where the checkpoint rounds its size up."""
        tokens: list[str] = super().get_vocabulary(model, tokenizer)
        missing = model.config.vocab_size - len(tokens)
        return tokens + [f"<unused_{i}>" for i in range(missing)]


class T5Loader(converters.T5Loader):  # type: ignore[misc]
    """Scales the outputs where transformers does."""

    def get_model_spec(self, model: Any) -> Any:
        spec = super().get_model_spec(model)
        config = model.config
        if not getattr(config, "scale_decoder_outputs", config.tie_word_embeddings):
            spec.decoder.scale_outputs = model_spec.OPTIONAL
        return spec


class MT5Loader(T5Loader):
    """The same layers under another name."""

    @property
    def architecture_name(self) -> str:
        return "MT5ForConditionalGeneration"


def register() -> None:
    """Put the loaders into the converter's table."""
    converters.register_loader("BlenderbotConfig")(BlenderbotLoader)
    converters.register_loader("T5Config")(T5Loader)
    converters.register_loader("MT5Config")(MT5Loader)
