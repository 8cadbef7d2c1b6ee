"""Peaks a made checkpoint on the toy language, word for word, as real models are peaked.

On flat random distributions two beam searches part at the first near-tie.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import transformers

from predictors.checkpoints.loading import load_tokenizer
from predictors.engine import Prompt, Translation
from tests.checkpoints.making import make
from tests.checkpoints.toy import pairs_of

# Steps and learning rate that peak each family in well under a minute of one CPU.
TRAINING = {
    "marian": (400, 3e-3),
    "t5": (700, 2e-3),
    "flan-t5": (700, 3e-3),
    "mt5": (350, 3e-3),
    "blenderbot": (800, 2e-3),
    "m2m100": (250, 3e-3),
    "mbart50": (250, 3e-3),
    "nllb": (250, 3e-3),
}
# A last loss above it is of a model that learned too little to be peaked.
HIGHEST_LOSS = 1.0


def make_trained(family: str, folder: Path) -> Path:
    """The family's checkpoint in `folder`, trained well enough or not at all."""
    make(family, folder, scale=1.0)
    loss = train(family, folder)
    assert loss < HIGHEST_LOSS, f"{family} learned too little to be peaked: loss {loss}"
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
        pairs = pairs_of(family, 32, seed * 10_000 + step)
        batch = tokenised(tokenizer, pairs)
        loss = model(**batch).loss
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


def tokenised(tokenizer: Any, pairs: list[tuple[Prompt, str]]) -> dict[str, Any]:
    """A batch with labels, as transformers' own tokenizer frames the languages."""
    sources, labels = [], []
    for prompt, target in pairs:
        sources.append(torch.tensor(source_ids(tokenizer, prompt)))
        if isinstance(prompt, Translation):
            tokenizer.tgt_lang = prompt.target
        labels.append(torch.tensor(tokenizer(text_target=target)["input_ids"]))
    pad = torch.nn.utils.rnn.pad_sequence
    inputs = pad(sources, batch_first=True, padding_value=tokenizer.pad_token_id)
    return {
        "input_ids": inputs,
        "attention_mask": inputs != tokenizer.pad_token_id,
        "labels": pad(labels, batch_first=True, padding_value=-100),
    }


def source_ids(tokenizer: Any, prompt: Prompt) -> list[int]:
    """What a model reads, by transformers' own way to name a source's language."""
    if isinstance(prompt, Translation):
        tokenizer.src_lang = prompt.source
        return list(tokenizer(prompt.text)["input_ids"])
    return list(tokenizer(prompt)["input_ids"])


def task_settings(family: str, model: Any) -> dict[str, Any]:
    """The settings that a T5 checkpoint's task has for the toy language, besides its own."""
    tasks = getattr(model.config, "task_specific_params", None) or {}
    task = dict(tasks.get("translation_en_to_fr", {})) if family == "t5" else {}
    task.pop("prefix", None)
    return task
