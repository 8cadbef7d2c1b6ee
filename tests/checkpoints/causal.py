"""Checkpoints of causal models: the kinds of Llama, Qwen2 and GPT-2, byte-level tokenizers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import tokenizers
import transformers

from tests.checkpoints.toy import small_text

FAMILIES = ("llama", "qwen2", "gpt2")

LLAMA_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}"
    "<|start_header_id|>{{ message['role'] }}<|end_header_id|>\n\n"
    "{{ message['content'] | trim }}<|eot_id|>{% endfor %}"
    "{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}"
)
CHATML_TEMPLATE = (
    "{% for message in messages %}"
    "{% if loop.first and message['role'] != 'system' %}"
    "<|im_start|>system\nYou are helpful.<|im_end|>\n{% endif %}"
    "<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
_LAYERS = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 256,
}


def make_llama(folder: Path) -> Any:
    """As Llama 3: a begin token before every text, two end tokens, a template."""
    begin, end, turn = "<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>"
    trained = _train_bytes([begin, end, turn, "<|start_header_id|>", "<|end_header_id|>"])
    trained.post_processor = tokenizers.processors.TemplateProcessing(
        single=f"{begin} $A", special_tokens=[(begin, 0)]
    )
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=trained, bos_token=begin, eos_token=turn
    )
    tokenizer.chat_template = LLAMA_TEMPLATE
    tokenizer.save_pretrained(folder)
    config = transformers.LlamaConfig(
        # Real checkpoints have rows that no token has.
        vocab_size=len(tokenizer) + 6,
        **_LAYERS,
        bos_token_id=0,
        eos_token_id=[1, 2],
        rope_parameters={"rope_type": "default", "rope_theta": 500000.0},
    )
    model = transformers.LlamaForCausalLM(config)
    model.generation_config = transformers.GenerationConfig(
        bos_token_id=0, eos_token_id=[1, 2], do_sample=True, temperature=0.6, top_p=0.9
    )
    return model


def make_qwen2(folder: Path) -> Any:
    """As Qwen2.5: no begin token, tied embeddings, biases, ChatML."""
    specials = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    trained = json.loads(_train_bytes(specials).to_str())["model"]
    tokenizer = transformers.Qwen2Tokenizer(
        vocab=trained["vocab"],
        merges=[tuple(merge) for merge in trained["merges"]],
        eos_token="<|im_end|>",
        additional_special_tokens=specials[1:],
    )
    tokenizer.chat_template = CHATML_TEMPLATE
    tokenizer.save_pretrained(folder)
    config = transformers.Qwen2Config(
        vocab_size=len(tokenizer) + 6, **_LAYERS, tie_word_embeddings=True, eos_token_id=2
    )
    model = transformers.Qwen2ForCausalLM(config)
    # As the generation config of Qwen/Qwen2.5-0.5B-Instruct.
    model.generation_config = transformers.GenerationConfig(
        eos_token_id=[2, 0],
        pad_token_id=0,
        do_sample=True,
        temperature=0.7,
        top_p=0.8,
        top_k=20,
        repetition_penalty=1.1,
    )
    return model


def make_gpt2(folder: Path) -> Any:
    """A base model: learned positions, no chat template."""
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=_train_bytes(["<|endoftext|>"]),
        bos_token="<|endoftext|>",
        eos_token="<|endoftext|>",
        unk_token="<|endoftext|>",
    )
    tokenizer.save_pretrained(folder)
    config = transformers.GPT2Config(
        vocab_size=len(tokenizer),
        n_positions=256,
        n_embd=64,
        n_layer=2,
        n_head=4,
        bos_token_id=0,
        eos_token_id=0,
    )
    model = transformers.GPT2LMHeadModel(config)
    model.generation_config = transformers.GenerationConfig(bos_token_id=0, eos_token_id=0)
    return model


def _train_bytes(specials: list[str]) -> Any:
    """A byte-level tokenizer; its special tokens come first."""
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE())
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = tokenizers.decoders.ByteLevel()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=specials,
        initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(small_text(), trainer)
    return tokenizer
