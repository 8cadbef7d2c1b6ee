"""Teaches ctranslate2's converter Blenderbot, which it has no loader for.

Blenderbot is BART with the layer norms before the sublayers, none after the embeddings and one at
the end of each stack (Roller et al., "Recipes for building an open-domain chatbot", 2020); layer
names and positions are BART's. Only `convert` imports this module: it needs torch.
"""

from __future__ import annotations

from typing import Any

from ctranslate2.converters import transformers as converters


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


def register() -> None:
    """Add the loader to the converter's table."""
    converters.register_loader("BlenderbotConfig")(BlenderbotLoader)
