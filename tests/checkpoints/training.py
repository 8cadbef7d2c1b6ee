"""Peaks a made checkpoint on the toy language, word for word, as real models are peaked.

On flat random distributions two beam searches part at the first near-tie.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import transformers

from predictors.models.converter import load_tokenizer
from tests.checkpoints.toy_language import pairs_of

# Steps and learning rate that peak each family in well under a minute of one CPU.
TRAINING = {
    "marian": (400, 3e-3),
    "t5": (700, 3e-3),
    "flan-t5": (700, 3e-3),
    "blenderbot": (800, 2e-3),
}


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


def task_settings(family: str, model: Any) -> dict[str, Any]:
    """The settings that a T5 checkpoint's task has for the toy language, besides its own."""
    tasks = getattr(model.config, "task_specific_params", None) or {}
    task = dict(tasks.get("translation_en_to_fr", {})) if family == "t5" else {}
    task.pop("prefix", None)
    return task
