"""Random weights of which something is seen: answers that hang on the source, and that do not end.

A model says only whole words of the language that it answers in, and ends nowhere before its
length: the output layer's bias sees to it, and in T5, which has none, one dimension that is the
same in every state of the decoder.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

_NEVER = -1e4
# Of the root of T5's width: its dimension that tells words that may be said from the others.
_APART = 3.0
# By a part of a weight's name: how much larger its products are than what they are made from.
_GAINS = {
    "encoder_attn.v_proj": 0.8,
    "encoder_attn.out_proj": 0.8,
    "EncDecAttention.v": 0.9,
    "EncDecAttention.o": 0.9,
    "q_proj": 2.0,
    "k_proj": 2.0,
    "v_proj": 0.6,
    "out_proj": 0.6,
    ".q.": 4.0,
    ".k.": 1.4,
    ".v.": 0.6,
    ".o.": 0.6,
    "fc1": 1.0,
    "fc2": 0.5,
    "wi": 1.0,
    "wo": 0.5,
}
# How much larger what a decoder's layer turns its state into is than the state. Where the state is
# added up through the layers, the last word itself stays in the sum and must be small beside it.
_TURNED = {"marian": 5.0, "t5": 15.0, "blenderbot": 15.0}


def enliven(model: Any) -> None:
    """Draw the layers' weights so that every word hangs on the source and on the word before it.

    As a fresh model has them, attention is so even that it hardly tells one source from another,
    and tied embeddings repeat the last word for ever. So each feed-forward layer of the decoder
    turns its state, by a rotation of its own, and adds what its random part makes of it.
    """
    t5 = model.config.model_type == "t5"
    with torch.no_grad():
        for name, weight in model.named_parameters():
            gain = next((gain for part, gain in _GAINS.items() if part in name), None)
            if gain is None or weight.dim() != 2:
                continue
            # T5 does not divide the products of queries and keys by the root of their width.
            if t5 and name.endswith(".q.weight"):
                gain /= model.config.d_kv**0.5
            weight.normal_(0.0, gain / weight.shape[1] ** 0.5)
        for module in model.get_decoder().modules():
            ends = ("wi", "wo") if t5 else ("fc1", "fc2")
            if all(hasattr(module, end) for end in ends):
                inner, outer = (getattr(module, end).weight for end in ends)
                _turn(inner, outer, _TURNED[model.config.model_type])
        if not t5:
            embeddings = model.get_input_embeddings().weight
            # Marian's positions are of the size of 1 and nearly the same for all words.
            large = 3.0 if model.config.model_type == "marian" else 1.0
            embeddings.normal_(0.0, large * embeddings.shape[1] ** -0.5)
            # As in every checkpoint of Marian, whose decoder begins with that row: CTranslate2
            # begins it with zeros, whatever stands there.
            embeddings[model.config.pad_token_id] = 0.0


def _turn(inner: Any, outer: Any, times: float) -> None:
    """Half of the layer's units become a rotation R: f(Rx) - f(-Rx) is Rx itself.

    That holds for every activation f of these models.
    """
    width = inner.shape[1]
    rotation, _ = torch.linalg.qr(torch.randn(width, width))
    inner[:width], inner[width : 2 * width] = rotation, -rotation
    outer[:, :width] = times * torch.eye(width)
    outer[:, width : 2 * width] = -times * torch.eye(width)


def say_only(model: Any, allowed: Sequence[int]) -> None:
    """The output layer's bias leaves these tokens alone, and makes all others unsayable."""
    bias = torch.full_like(model.final_logits_bias, _NEVER)
    bias[0, list(allowed)] = 0.0
    model.final_logits_bias.copy_(bias)


def keep_apart(model: Any, allowed: Sequence[int]) -> None:
    """Words that may be said have one sign in the first dimension, and all others the other one.

    No layer reads or writes that dimension, so that every state of the decoder, which begins with
    the padding token, has the sign of the first.
    """
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name.endswith((".o.weight", ".wo.weight")):
                weight[0] = 0.0
            elif name.endswith((".q.weight", ".k.weight", ".v.weight", ".wi.weight")):
                weight[:, 0] = 0.0
        # The norms before what reads a word as it is: that dimension takes its part of their sum.
        for part in (model.encoder, model.decoder.block[0]):
            for name, weight in part.named_parameters():
                if name.endswith("layer_norm.weight"):
                    weight.fill_((1 + _APART**2) ** 0.5)
        apart = _APART * model.config.d_model**0.5
        # What the decoder begins with is not to be said again.
        model.shared.weight[model.config.pad_token_id] = 0.0
        first = model.shared.weight[:, 0]
        first.fill_(-apart)
        first[[model.config.pad_token_id, *allowed]] = apart
