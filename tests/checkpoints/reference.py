"""What transformers itself generates and how it scores, straight from a checkpoint's folder."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import ctranslate2
import torch
import transformers

from predictors.checkpoints.ctranslate2_options import (
    encoder_ngrams,
    suppressed_words,
    translation_options,
)
from predictors.checkpoints.generation import apply_sampling, read_generation, settings_for
from predictors.checkpoints.loading import load_tokenizer
from predictors.checkpoints.tokens import load_tokens
from predictors.engine import Prompt, Sampling, Translation
from predictors.models.manifest import read_description
from tests.checkpoints.training import source_ids


class Reference:
    """A checkpoint in transformers, float32 on the CPU."""

    def __init__(self, folder: Path) -> None:
        self.tokenizer = load_tokenizer(folder)
        self.model = transformers.AutoModelForSeq2SeqLM.from_pretrained(folder).eval()
        self.end = self.model.generation_config.eos_token_id

    def generate(self, prompts: Sequence[Prompt], **settings: Any) -> list[list[int]]:
        """Token ids from after the decoder's start token, without padding and end token."""
        rows: dict[int, list[int]] = {}
        for pair in dict.fromkeys(map(_pair, prompts)):
            same = [i for i, prompt in enumerate(prompts) if _pair(prompt) == pair]
            for start in range(0, len(same), 40):
                batch = same[start : start + 40]
                found = self._generate([prompts[i] for i in batch], settings)
                rows |= zip(batch, found, strict=True)
        return [rows[i] for i in range(len(prompts))]

    def _generate(self, prompts: list[Prompt], settings: dict[str, Any]) -> list[list[int]]:
        if isinstance(prompts[0], Translation):
            target = self.tokenizer.convert_tokens_to_ids(self._target(prompts[0]))
            settings = {**settings, "forced_bos_token_id": target}
        ids = [{"input_ids": source_ids(self.tokenizer, prompt)} for prompt in prompts]
        inputs = self.tokenizer.pad(ids, return_tensors="pt")
        with torch.inference_mode(), warnings.catch_warnings():
            # Flan-T5 says no length, and transformers says that it takes its default.
            warnings.filterwarnings("ignore", message="Using the model-agnostic default")
            output = self.model.generate(**inputs, **settings)
        return [self._strip(row[1:].tolist()) for row in output]

    def _target(self, prompt: Translation) -> str:
        codes = getattr(self.tokenizer, "lang_code_to_token", {})
        return str(codes.get(prompt.target, prompt.target))

    def score(self, prompt: Prompt, answer: Sequence[int], forced: bool, penalty: float) -> float:
        """The score that transformers' beam search ends with for this answer."""
        inputs = torch.tensor([source_ids(self.tokenizer, prompt)])
        labels = torch.tensor([[*answer, self.end]])
        with torch.inference_mode():
            logits = self.model(input_ids=inputs, labels=labels).logits[0]
        chosen = logits.log_softmax(-1).gather(1, labels[0, :, None])[:, 0]
        # A forced token has probability one: the end token, and the target's language.
        first = 1 if isinstance(prompt, Translation) else 0
        total = chosen[first:-1].sum() if forced else chosen[first:].sum()
        return float(total / labels.shape[1] ** penalty)

    def _strip(self, row: list[int]) -> list[int]:
        return row[: row.index(self.end)] if self.end in row else row


class Fast:
    """A conversion in CTranslate2, told what to do by the engine's own translation of settings."""

    def __init__(self, folder: Path) -> None:
        self.description = read_description(folder)
        self.tokens = load_tokens(folder)
        self.languages = self.description.languages
        self.translator = ctranslate2.Translator(str(folder), inter_threads=1, intra_threads=1)

    def set_generation(self, **settings: Any) -> None:
        """Change entries of the checkpoint's generation config."""
        generation = {**self.description.generation, **settings}
        self.description = replace(self.description, generation=generation)

    def generate(self, prompts: Sequence[Prompt], sampling: Sampling) -> list[list[str]]:
        """Tokens without the end token."""
        return [self._one(prompt, sampling) for prompt in prompts]

    def source(self, prompt: Prompt) -> list[str]:
        if isinstance(prompt, Translation):
            assert self.languages is not None
            return self.languages.source(prompt, self.tokens.encode_bare(prompt.text))
        assert isinstance(prompt, str)
        return self.tokens.encode(prompt)

    def _one(self, prompt: Prompt, sampling: Sampling) -> list[str]:
        text = prompt if isinstance(prompt, str) else ""
        described = self.description
        settings = settings_for(text, described.generation, described.tasks)
        positions = described.positions or 1 << 20
        generation = apply_sampling(read_generation(settings), sampling, positions)
        source = self.source(prompt)
        suppressed = suppressed_words(generation, self.tokens)
        suppressed += encoder_ngrams(source, generation.encoder_no_repeat_ngram_size)
        options = translation_options(generation, suppressed)
        prefix = None
        if isinstance(prompt, Translation):
            assert self.languages is not None
            prefix = [[self.languages.token(prompt.target)]]
        [result] = self.translator.translate_batch([source], prefix, **options)
        return [token for token in result.hypotheses[0] if token != "</s>"]


def _pair(prompt: Prompt) -> tuple[str, str]:
    return (prompt.source, prompt.target) if isinstance(prompt, Translation) else ("", "")
