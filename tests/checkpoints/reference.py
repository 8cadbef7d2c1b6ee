"""What transformers itself generates and how it scores, straight from a checkpoint's folder."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ctranslate2
import torch
import transformers

from predictors.engines.base import Sampling
from predictors.engines.ctranslate2_options import (
    encoder_ngrams,
    suppressed_words,
    translation_options,
)
from predictors.engines.generation import apply_sampling, read_generation, settings_for
from predictors.engines.tokens import load_tokens
from predictors.models.converter import load_tokenizer
from predictors.models.manifest import read_manifest


class Reference:
    """A checkpoint in transformers, float32 on the CPU."""

    def __init__(self, folder: Path) -> None:
        self.tokenizer = load_tokenizer(folder)
        self.model = transformers.AutoModelForSeq2SeqLM.from_pretrained(folder).eval()
        self.end = self.model.generation_config.eos_token_id

    def generate(self, texts: Sequence[str], **settings: Any) -> list[list[int]]:
        """Token ids from after the decoder's start token, without padding and end token."""
        rows: list[list[int]] = []
        for start in range(0, len(texts), 40):
            batch = list(texts[start : start + 40])
            inputs = self.tokenizer(batch, return_tensors="pt", padding=True)
            with torch.inference_mode(), warnings.catch_warnings():
                # Flan-T5 says no length, and transformers says that it takes its default.
                warnings.filterwarnings("ignore", message="Using the model-agnostic default")
                output = self.model.generate(**inputs, **settings)
            rows += [self._strip(row[1:].tolist()) for row in output]
        return rows

    def score(self, text: str, answer: Sequence[int], forced: bool, penalty: float) -> float:
        """The score that transformers' beam search ends with for this answer."""
        inputs = self.tokenizer(text, return_tensors="pt")
        labels = torch.tensor([[*answer, self.end]])
        with torch.inference_mode():
            logits = self.model(**inputs, labels=labels).logits[0]
        chosen = logits.log_softmax(-1).gather(1, labels[0, :, None])[:, 0]
        # A forced end token has probability one.
        total = chosen[:-1].sum() if forced else chosen.sum()
        return float(total / labels.shape[1] ** penalty)

    def _strip(self, row: list[int]) -> list[int]:
        return row[: row.index(self.end)] if self.end in row else row


class Fast:
    """A conversion in CTranslate2, told what to do by the engine's own translation of settings."""

    def __init__(self, folder: Path) -> None:
        self.about = read_manifest(folder).model
        self.tokens = load_tokens(folder)
        self.translator = ctranslate2.Translator(str(folder), inter_threads=1, intra_threads=1)

    def generate(self, texts: Sequence[str], sampling: Sampling) -> list[list[str]]:
        """Tokens without the end token."""
        return [self._one(text, sampling) for text in texts]

    def _one(self, text: str, sampling: Sampling) -> list[str]:
        settings = settings_for(text, self.about["generation"], self.about["tasks"])
        positions = self.about["positions"] or 1 << 20
        generation = apply_sampling(read_generation(settings), sampling, positions)
        source = self.tokens.encode(text)
        suppressed = suppressed_words(generation, self.tokens)
        suppressed += encoder_ngrams(source, generation.encoder_no_repeat_ngram_size)
        options = translation_options(generation, suppressed)
        [result] = self.translator.translate_batch([source], **options)
        return [token for token in result.hypotheses[0] if token != "</s>"]
